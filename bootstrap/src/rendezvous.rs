//! The rendezvous server: `/rendezvous/1.0.0` of the libp2p specification, with memory that stays flat.
//!
//! Joins the messages ([`kinmesh_proto::rendezvous`]) with the table ([`table`]). libp2p's own server is not used: it keeps
//! every renewed registration until its time runs out, and every identity list it ever handed out;
//! see `docs/decisions/0006-bootstrap.md`. It must never know a room's or a person's name:
//! namespaces are hashes made by peers.

mod codec;
pub mod table;

use std::time::{Duration, Instant};

use kinmesh_net::rendezvous::{PROTOCOL, read_record};
use kinmesh_proto::limits::{RENDEZVOUS_ADDRESSES_MAX, RENDEZVOUS_FOUND_MAX, RENDEZVOUS_TTL_MAX_S};
use kinmesh_proto::rendezvous::{Cookie, Found, Request, Response, Status};
use libp2p::PeerId;
use libp2p::request_response::{self, ProtocolSupport};

use crate::candid::{Candid, Unreadable};
use codec::Codec;
use table::{Place, Table};

/// Requests that one connection may have under way; more are reset. libp2p's client sends up to 100.
const STREAMS_MAX: usize = 128;
/// Time-to-live of a registration that names none, from the specification.
const TTL_DEFAULT: Duration = Duration::from_secs(7200);
/// Shortest time-to-live: more often than this nobody needs to renew.
const TTL_MIN: Duration = Duration::from_secs(60);
/// Longest time-to-live.
const TTL_MAX: Duration = Duration::from_secs(RENDEZVOUS_TTL_MAX_S);
/// Longest namespace, from the specification. Ours have 64 characters.
const NAMESPACE_MAX: usize = 255;

/// The protocol's behaviour in the swarm.
pub type Behaviour = request_response::Behaviour<Candid<Codec>>;
/// What the behaviour reports.
pub type Event = request_response::Event<Result<Request, Unreadable>, Response>;

/// The behaviour, for answering only.
pub fn behaviour() -> Behaviour {
    request_response::Behaviour::with_codec(
        Candid(Codec),
        [(PROTOCOL, ProtocolSupport::Inbound)],
        request_response::Config::default().with_max_concurrent_streams(STREAMS_MAX),
    )
}

/// Answers requests out of its table.
#[derive(Debug, Default)]
pub struct Server {
    table: Table,
}

impl Server {
    /// The answer for `peer`; `None` for an unregister, which has no answer.
    pub fn answer(&mut self, peer: PeerId, request: Request, now: Instant) -> Option<Response> {
        match request {
            Request::Register { namespace, record, ttl } => {
                Some(Response::Registered(self.register(peer, namespace, record, ttl, now)))
            }
            Request::Unregister { namespace } => {
                self.table.remove(&peer, &namespace);
                None
            }
            Request::Discover { namespace, cookie, limit } => {
                Some(Response::Found(self.discover(namespace, cookie, limit, now)))
            }
        }
    }

    /// Drops what has run out.
    pub fn expire(&mut self, now: Instant) {
        self.table.expire(now);
    }

    /// Registrations alive now.
    pub fn count(&mut self, now: Instant) -> Count {
        self.table.expire(now);
        Count {
            registrations: self.table.registrations(),
            namespaces: self.table.namespaces(),
            peers: self.table.peers(),
        }
    }

    fn register(
        &mut self,
        peer: PeerId,
        namespace: String,
        record: Vec<u8>,
        ttl: Option<u64>,
        now: Instant,
    ) -> Result<u64, Status> {
        check_namespace(&namespace)?;
        let ttl = ttl.map_or(TTL_DEFAULT, Duration::from_secs);
        if !(TTL_MIN..=TTL_MAX).contains(&ttl) {
            return Err(Status::InvalidTtl);
        }
        check_record(&record, peer)?;
        self.table.expire(now);
        let place = Place { peer, record, ttl, ends: now + ttl };
        self.table.insert(namespace, place).map_err(|_full| Status::Unavailable)?;
        Ok(ttl.as_secs())
    }

    fn discover(
        &mut self,
        namespace: Option<String>,
        cookie: Option<Cookie>,
        limit: Option<u64>,
        now: Instant,
    ) -> Result<(Vec<Found>, Cookie), Status> {
        // The specification lets anybody list everything. Nobody needs that but a collector.
        let namespace = namespace.ok_or(Status::InvalidNamespace)?;
        check_namespace(&namespace)?;
        let after = match cookie {
            Some(cookie) if cookie.namespace != namespace => return Err(Status::InvalidCookie),
            Some(cookie) => Some(cookie.seen),
            None => None,
        };
        self.table.expire(now);
        let limit = limit
            .and_then(|limit| usize::try_from(limit).ok())
            .unwrap_or(usize::MAX)
            .min(RENDEZVOUS_FOUND_MAX);
        let (found, seen) = self.table.find(&namespace, after, limit);
        let found = found
            .map(|place| Found {
                namespace: namespace.clone(),
                record: place.record.clone(),
                ttl: place.ttl.as_secs(),
            })
            .collect();
        Ok((found, Cookie { seen, namespace }))
    }
}

/// What the table holds, in numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Count {
    /// Registrations.
    pub registrations: usize,
    /// Different namespaces.
    pub namespaces: usize,
    /// Different peers.
    pub peers: usize,
}

fn check_namespace(namespace: &str) -> Result<(), Status> {
    if namespace.is_empty() || namespace.len() > NAMESPACE_MAX {
        return Err(Status::InvalidNamespace);
    }
    Ok(())
}

/// A record must be signed by the peer that brings it: nobody registers somebody else.
fn check_record(record: &[u8], peer: PeerId) -> Result<(), Status> {
    let parsed = read_record(record).ok_or(Status::InvalidRecord)?;
    if parsed.peer_id() != peer {
        return Err(Status::NotAuthorized);
    }
    if parsed.addresses().is_empty() || parsed.addresses().len() > RENDEZVOUS_ADDRESSES_MAX {
        return Err(Status::InvalidRecord);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use libp2p::core::PeerRecord;
    use libp2p::identity::Keypair;

    fn record(key: &Keypair, addresses: usize) -> Vec<u8> {
        let addresses = (0..addresses)
            .map(|n| format!("/ip4/192.0.2.1/udp/{}/quic-v1", n + 1).parse().unwrap())
            .collect();
        PeerRecord::new(key, addresses).unwrap().into_signed_envelope().into_protobuf_encoding()
    }

    fn register(namespace: &str, record: Vec<u8>, ttl: u64) -> Request {
        Request::Register { namespace: namespace.into(), record, ttl: Some(ttl) }
    }

    fn discover(namespace: Option<&str>, cookie: Option<Cookie>) -> Request {
        Request::Discover { namespace: namespace.map(Into::into), cookie, limit: None }
    }

    #[test]
    fn who_registers_is_found_until_the_time_runs_out() {
        let (mut server, now, key) = (Server::default(), Instant::now(), Keypair::generate_ed25519());
        let peer = key.public().to_peer_id();
        let answer = server.answer(peer, register("room", record(&key, 1), 60), now);
        assert_eq!(answer, Some(Response::Registered(Ok(60))));
        let found = |server: &mut Server, now| match server.answer(peer, discover(Some("room"), None), now) {
            Some(Response::Found(Ok((found, _)))) => found.len(),
            other => panic!("{other:?}"),
        };
        assert_eq!(found(&mut server, now + Duration::from_secs(59)), 1);
        assert_eq!(found(&mut server, now + Duration::from_secs(61)), 0);
        assert_eq!(server.count(now).registrations, 0);
    }

    #[test]
    fn a_cookie_brings_only_what_is_new() {
        let (mut server, now) = (Server::default(), Instant::now());
        let join = |server: &mut Server| {
            let key = Keypair::generate_ed25519();
            server.answer(key.public().to_peer_id(), register("room", record(&key, 1), 60), now);
        };
        join(&mut server);
        let ask = |server: &mut Server, cookie| match server.answer(
            PeerId::random(),
            discover(Some("room"), cookie),
            now,
        ) {
            Some(Response::Found(Ok(found))) => found,
            other => panic!("{other:?}"),
        };
        let (first, cookie) = ask(&mut server, None);
        assert_eq!(first.len(), 1);
        let (second, cookie) = ask(&mut server, Some(cookie));
        assert_eq!(second.len(), 0);
        join(&mut server);
        assert_eq!(ask(&mut server, Some(cookie.clone())).0.len(), 1);
        let elsewhere = server.answer(PeerId::random(), discover(Some("other"), Some(cookie)), now);
        assert_eq!(elsewhere, Some(Response::Found(Err(Status::InvalidCookie))));
    }

    #[test]
    fn nobody_registers_somebody_else_or_lists_everything() {
        let (mut server, now, key) = (Server::default(), Instant::now(), Keypair::generate_ed25519());
        let (owner, thief) = (key.public().to_peer_id(), PeerId::random());
        let refused = |status| Some(Response::Registered(Err(status)));
        assert_eq!(
            server.answer(thief, register("room", record(&key, 1), 60), now),
            refused(Status::NotAuthorized)
        );
        for (record, ttl, status) in [
            (record(&key, 1), 59, Status::InvalidTtl),
            (record(&key, 1), u64::MAX, Status::InvalidTtl),
            (record(&key, 0), 60, Status::InvalidRecord),
            (record(&key, RENDEZVOUS_ADDRESSES_MAX + 1), 60, Status::InvalidRecord),
            (vec![1, 2, 3], 60, Status::InvalidRecord),
        ] {
            assert_eq!(server.answer(owner, register("room", record, ttl), now), refused(status));
        }
        let everything = server.answer(owner, discover(None, None), now);
        assert_eq!(everything, Some(Response::Found(Err(Status::InvalidNamespace))));
        assert_eq!(server.count(now).registrations, 0);
    }
}
