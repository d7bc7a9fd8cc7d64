//! The rendezvous messages: protobuf, as the libp2p specification has them.
//!
//! <https://github.com/libp2p/specs/blob/master/rendezvous/README.md>
//!
//! Owns what the bytes say, and refuses an answer beyond our limits. On a stream each message has its
//! length before it; reading that, and who may say what, is for others.

use prost::Message as _;

use crate::limits::{RENDEZVOUS_FOUND_MAX, RENDEZVOUS_TTL_MAX_S};

/// Bytes of a cookie before its namespace.
const COOKIE_HEAD: usize = size_of::<u64>();

/// What a peer asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// To be found in a namespace.
    Register {
        /// Where.
        namespace: String,
        /// The peer's signed record.
        record: Vec<u8>,
        /// For how many seconds.
        ttl: Option<u64>,
    },
    /// Not to be found there any more.
    Unregister {
        /// Where.
        namespace: String,
    },
    /// Who is there.
    Discover {
        /// Where; `None` asks for everything.
        namespace: Option<String>,
        /// From an earlier answer: only what came since.
        cookie: Option<Cookie>,
        /// At most this many.
        limit: Option<u64>,
    },
}

/// What a bootstrap node answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Response {
    /// To a register: the time-to-live in seconds.
    Registered(Result<u64, Status>),
    /// To a discover: who is there, and the cookie for next time.
    Found(Result<(Vec<Found>, Cookie), Status>),
}

/// One registration in an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Where.
    pub namespace: String,
    /// The signed record of who is there.
    pub record: Vec<u8>,
    /// Time-to-live in seconds, as registered.
    pub ttl: u64,
}

/// How far an enquirer has read in a namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cookie {
    /// The newest registration it has seen.
    pub seen: u64,
    /// Where.
    pub namespace: String,
}

impl Cookie {
    fn encode(&self) -> Vec<u8> {
        [&self.seen.to_be_bytes(), self.namespace.as_bytes()].concat()
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (seen, namespace) = bytes.split_first_chunk::<COOKIE_HEAD>()?;
        Some(Self { seen: u64::from_be_bytes(*seen), namespace: str::from_utf8(namespace).ok()?.to_owned() })
    }
}

/// Why a request is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, prost::Enumeration)]
#[repr(i32)]
pub enum Status {
    /// It is not refused.
    Ok = 0,
    /// Empty, too long, or missing.
    InvalidNamespace = 100,
    /// Not signed, or without a usable number of addresses.
    InvalidRecord = 101,
    /// Too short or too long.
    InvalidTtl = 102,
    /// Not from here, or of another namespace.
    InvalidCookie = 103,
    /// The record is somebody else's.
    NotAuthorized = 200,
    /// Our fault.
    Internal = 300,
    /// A limit is reached.
    Unavailable = 400,
}

#[derive(Clone, PartialEq, prost::Message)]
struct MessagePb {
    #[prost(enumeration = "Kind", optional, tag = "1")]
    kind: Option<i32>,
    #[prost(message, optional, tag = "2")]
    register: Option<RegisterPb>,
    #[prost(message, optional, tag = "3")]
    register_response: Option<RegisterResponsePb>,
    #[prost(message, optional, tag = "4")]
    unregister: Option<UnregisterPb>,
    #[prost(message, optional, tag = "5")]
    discover: Option<DiscoverPb>,
    #[prost(message, optional, tag = "6")]
    discover_response: Option<DiscoverResponsePb>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, prost::Enumeration)]
#[repr(i32)]
enum Kind {
    Register = 0,
    RegisterResponse = 1,
    Unregister = 2,
    Discover = 3,
    DiscoverResponse = 4,
}

#[derive(Clone, PartialEq, prost::Message)]
struct RegisterPb {
    #[prost(string, optional, tag = "1")]
    ns: Option<String>,
    #[prost(bytes = "vec", optional, tag = "2")]
    signed_peer_record: Option<Vec<u8>>,
    #[prost(uint64, optional, tag = "3")]
    ttl: Option<u64>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct RegisterResponsePb {
    #[prost(enumeration = "Status", optional, tag = "1")]
    status: Option<i32>,
    #[prost(uint64, optional, tag = "3")]
    ttl: Option<u64>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct UnregisterPb {
    #[prost(string, optional, tag = "1")]
    ns: Option<String>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct DiscoverPb {
    #[prost(string, optional, tag = "1")]
    ns: Option<String>,
    #[prost(uint64, optional, tag = "2")]
    limit: Option<u64>,
    #[prost(bytes = "vec", optional, tag = "3")]
    cookie: Option<Vec<u8>>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct DiscoverResponsePb {
    #[prost(message, repeated, tag = "1")]
    registrations: Vec<RegisterPb>,
    #[prost(bytes = "vec", optional, tag = "2")]
    cookie: Option<Vec<u8>>,
    #[prost(enumeration = "Status", optional, tag = "3")]
    status: Option<i32>,
}

impl Request {
    /// Writes it.
    pub fn encode(self) -> Vec<u8> {
        let message = match self {
            Self::Register { namespace, record, ttl } => MessagePb {
                kind: Some(Kind::Register.into()),
                register: Some(RegisterPb { ns: Some(namespace), signed_peer_record: Some(record), ttl }),
                ..MessagePb::default()
            },
            Self::Unregister { namespace } => MessagePb {
                kind: Some(Kind::Unregister.into()),
                unregister: Some(UnregisterPb { ns: Some(namespace) }),
                ..MessagePb::default()
            },
            Self::Discover { namespace, cookie, limit } => MessagePb {
                kind: Some(Kind::Discover.into()),
                discover: Some(DiscoverPb {
                    ns: namespace,
                    limit,
                    cookie: cookie.map(|cookie| cookie.encode()),
                }),
                ..MessagePb::default()
            },
        };
        message.encode_to_vec()
    }

    /// Reads a request; `None` for anything else.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let message = MessagePb::decode(bytes).ok()?;
        match Kind::try_from(message.kind?).ok()? {
            Kind::Register => {
                let RegisterPb { ns, signed_peer_record, ttl } = message.register?;
                Some(Self::Register { namespace: ns?, record: signed_peer_record?, ttl })
            }
            Kind::Unregister => Some(Self::Unregister { namespace: message.unregister?.ns? }),
            Kind::Discover => {
                let DiscoverPb { ns, limit, cookie } = message.discover?;
                let cookie = match cookie.filter(|cookie| !cookie.is_empty()) {
                    Some(bytes) => Some(Cookie::decode(&bytes)?),
                    None => None,
                };
                Some(Self::Discover { namespace: ns.filter(|ns| !ns.is_empty()), cookie, limit })
            }
            Kind::RegisterResponse | Kind::DiscoverResponse => None,
        }
    }
}

impl Response {
    /// Reads an answer; `None` for anything else, and for what is beyond the limits.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let message = MessagePb::decode(bytes).ok()?;
        match Kind::try_from(message.kind?).ok()? {
            Kind::RegisterResponse => {
                let RegisterResponsePb { status, ttl } = message.register_response?;
                Some(Self::Registered(match Status::try_from(status?).ok()? {
                    Status::Ok => Ok(ttl.filter(is_within_ttl)?),
                    refused => Err(refused),
                }))
            }
            Kind::DiscoverResponse => {
                let DiscoverResponsePb { registrations, cookie, status } = message.discover_response?;
                Some(Self::Found(match Status::try_from(status?).ok()? {
                    Status::Ok if registrations.len() > RENDEZVOUS_FOUND_MAX => return None,
                    Status::Ok => {
                        let found: Option<_> = registrations.into_iter().map(Found::read).collect();
                        Ok((found?, Cookie::decode(&cookie?)?))
                    }
                    refused => Err(refused),
                }))
            }
            Kind::Register | Kind::Unregister | Kind::Discover => None,
        }
    }

    /// Writes it.
    pub fn encode(self) -> Vec<u8> {
        let message = match self {
            Self::Registered(result) => MessagePb {
                kind: Some(Kind::RegisterResponse.into()),
                register_response: Some(RegisterResponsePb {
                    status: Some(result.err().unwrap_or(Status::Ok).into()),
                    ttl: result.ok(),
                }),
                ..MessagePb::default()
            },
            Self::Found(result) => MessagePb {
                kind: Some(Kind::DiscoverResponse.into()),
                discover_response: Some(match result {
                    Ok((found, cookie)) => DiscoverResponsePb {
                        registrations: found.into_iter().map(RegisterPb::from).collect(),
                        cookie: Some(cookie.encode()),
                        status: Some(Status::Ok.into()),
                    },
                    Err(status) => {
                        DiscoverResponsePb { status: Some(status.into()), ..DiscoverResponsePb::default() }
                    }
                }),
                ..MessagePb::default()
            },
        };
        message.encode_to_vec()
    }
}

impl From<Found> for RegisterPb {
    fn from(found: Found) -> Self {
        Self { ns: Some(found.namespace), signed_peer_record: Some(found.record), ttl: Some(found.ttl) }
    }
}

impl Found {
    fn read(RegisterPb { ns, signed_peer_record, ttl }: RegisterPb) -> Option<Self> {
        Some(Self { namespace: ns?, record: signed_peer_record?, ttl: ttl.filter(is_within_ttl)? })
    }
}

fn is_within_ttl(seconds: &u64) -> bool {
    *seconds <= RENDEZVOUS_TTL_MAX_S
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(ttl: u64) -> Found {
        Found { namespace: "room".into(), record: vec![7; 200], ttl }
    }

    /// What a node says, read as a peer reads it.
    fn read(response: Response) -> Option<Response> {
        Response::decode(&response.encode())
    }

    fn answer(found: Vec<Found>) -> Response {
        Response::Found(Ok((found, Cookie { seen: 7, namespace: "room".into() })))
    }

    #[test]
    fn a_cookie_survives_its_way_over_the_wire() {
        let cookie = Cookie { seen: 7, namespace: "room".into() };
        assert_eq!(Cookie::decode(&cookie.encode()), Some(cookie));
        assert_eq!(Cookie::decode(&[1; 7]), None);
    }

    #[test]
    fn an_answer_that_names_too_many_is_refused_whole() {
        let many = |count| answer(vec![found(600); count]);
        assert_eq!(read(many(RENDEZVOUS_FOUND_MAX)), Some(many(RENDEZVOUS_FOUND_MAX)));
        assert_eq!(read(many(RENDEZVOUS_FOUND_MAX + 1)), None);
    }

    #[test]
    fn an_answer_that_lives_for_ages_is_refused() {
        for (ttl, is_read) in [(0, true), (RENDEZVOUS_TTL_MAX_S, true), (RENDEZVOUS_TTL_MAX_S + 1, false)] {
            assert_eq!(read(Response::Registered(Ok(ttl))).is_some(), is_read, "{ttl}");
            assert_eq!(read(answer(vec![found(600), found(ttl)])).is_some(), is_read, "{ttl}");
        }
        assert_eq!(read(answer(vec![found(u64::MAX)])), None);
    }
}
