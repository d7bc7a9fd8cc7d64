//! The rendezvous messages on the wire: one length-prefixed protobuf each way.
//!
//! <https://github.com/libp2p/specs/blob/master/rendezvous/README.md>

use std::io;

use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use libp2p::StreamProtocol;
use libp2p::request_response;
use prost::Message as _;

/// Largest request: a record of 16 addresses takes about 1.5 KiB.
pub const REQUEST_MAX: usize = 4 * 1024;
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

/// What we answer.
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
    fn encode(self) -> Vec<u8> {
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
        message.encode_length_delimited_to_vec()
    }
}

impl From<Found> for RegisterPb {
    fn from(found: Found) -> Self {
        Self { ns: Some(found.namespace), signed_peer_record: Some(found.record), ttl: Some(found.ttl) }
    }
}

/// Reads requests and writes responses; a server does neither the other way round.
#[derive(Debug, Clone, Copy)]
pub struct Codec;

impl request_response::Codec for Codec {
    type Protocol = StreamProtocol;
    type Request = Request;
    type Response = Response;

    async fn read_request<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Request>
    where
        T: AsyncRead + Unpin + Send,
    {
        let size = read_size(io).await?;
        if size > REQUEST_MAX {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "larger than a request may be"));
        }
        let mut bytes = vec![0; size];
        io.read_exact(&mut bytes).await?;
        Request::decode(&bytes).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "not a request"))
    }

    async fn read_response<T>(&mut self, _: &StreamProtocol, _: &mut T) -> io::Result<Response>
    where
        T: AsyncRead + Unpin + Send,
    {
        Err(io::ErrorKind::Unsupported.into())
    }

    async fn write_request<T>(&mut self, _: &StreamProtocol, _: &mut T, _: Request) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        Err(io::ErrorKind::Unsupported.into())
    }

    async fn write_response<T>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
        response: Response,
    ) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        io.write_all(&response.encode()).await?;
        io.close().await
    }
}

/// An unsigned varint of at most three bytes: two million, far above what is allowed.
async fn read_size<T: AsyncRead + Unpin>(io: &mut T) -> io::Result<usize> {
    let mut size = 0;
    for shift in [0, 7, 14] {
        let mut byte = [0];
        io.read_exact(&mut byte).await?;
        size |= usize::from(byte[0] & 0x7f) << shift;
        if byte[0] & 0x80 == 0 {
            return Ok(size);
        }
    }
    Err(io::Error::new(io::ErrorKind::InvalidData, "larger than a request may be"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::executor::block_on;
    use futures::io::Cursor;
    use libp2p::request_response::Codec as _;

    fn read(bytes: &[u8]) -> io::Result<Request> {
        let protocol = StreamProtocol::new("/test");
        block_on(Codec.read_request(&protocol, &mut Cursor::new(bytes)))
    }

    #[test]
    fn a_request_is_read_and_rubbish_is_not() {
        let message = MessagePb {
            kind: Some(Kind::Unregister.into()),
            unregister: Some(UnregisterPb { ns: Some("room".into()) }),
            ..MessagePb::default()
        };
        let bytes = message.encode_length_delimited_to_vec();
        assert_eq!(read(&bytes).unwrap(), Request::Unregister { namespace: "room".into() });
        for rubbish in [&b""[..], &[0], &[255; 64], &bytes[..bytes.len() - 1], &[3, 8, 0, 0]] {
            assert!(read(rubbish).is_err(), "{rubbish:?}");
        }
    }

    #[test]
    fn a_size_above_the_limit_is_refused_before_anything_is_read() {
        // 0x81 0x80 0x02 is 32,769; nothing follows, so reading on would end in UnexpectedEof.
        assert_eq!(read(&[0x81, 0x80, 0x02]).unwrap_err().kind(), io::ErrorKind::InvalidData);
    }

    #[test]
    fn a_cookie_survives_its_way_over_the_wire() {
        let cookie = Cookie { seen: 7, namespace: "room".into() };
        assert_eq!(Cookie::decode(&cookie.encode()), Some(cookie));
        assert_eq!(Cookie::decode(&[1; 7]), None);
    }
}
