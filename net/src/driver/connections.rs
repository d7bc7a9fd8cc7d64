//! Which connections stand, and which of them are one too many.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use libp2p::multiaddr::Protocol;
use libp2p::swarm::ConnectionId;
use libp2p::{Multiaddr, PeerId};

use crate::convert::Scope;

/// Two peers that dial each other at once get two connections. Both are left alone for this long,
/// so that what was begun on either can end.
const SETTLE: Duration = Duration::from_secs(5);

/// One connection.
#[derive(Debug)]
pub(crate) struct Link {
    pub id: ConnectionId,
    pub remote: Multiaddr,
    pub scope: Scope,
    pub dialled_by_us: bool,
    pub opened: Instant,
}

impl Link {
    fn is_quic(&self) -> bool {
        self.remote.iter().any(|part| part == Protocol::QuicV1)
    }
}

/// All connections, by peer.
#[derive(Debug, Default)]
pub(crate) struct ConnectionTable {
    peers: BTreeMap<PeerId, Vec<Link>>,
}

impl ConnectionTable {
    /// Notes a connection.
    pub(crate) fn opened(&mut self, peer: PeerId, link: Link) {
        self.peers.entry(peer).or_default().push(link);
    }

    /// Forgets a connection; true when it was the last one with this peer.
    pub(crate) fn closed(&mut self, peer: &PeerId, id: ConnectionId) -> bool {
        let Some(links) = self.peers.get_mut(peer) else { return false };
        links.retain(|link| link.id != id);
        let was_last = links.is_empty();
        if was_last {
            self.peers.remove(peer);
        }
        was_last
    }

    pub(crate) fn is_connected(&self, peer: &PeerId) -> bool {
        self.peers.contains_key(peer)
    }

    pub(crate) fn count(&self) -> usize {
        self.peers.len()
    }

    pub(crate) fn peers(&self) -> impl Iterator<Item = &PeerId> {
        self.peers.keys()
    }

    /// The connection that serves a peer best: the one with the narrowest scope.
    pub(crate) fn best(&self, peer: &PeerId) -> Option<&Link> {
        self.peers.get(peer)?.iter().min_by_key(|link| link.scope)
    }

    /// The narrowest scope over which anybody is connected.
    pub(crate) fn narrowest_scope(&self) -> Option<Scope> {
        self.peers.values().flatten().map(|link| link.scope).min()
    }

    /// Connections to close: of several with one peer, all but QUIC before TCP, then the oldest.
    /// Only the peer with the smaller id closes, so that the two never close one each.
    pub(crate) fn surplus(&self, me: &PeerId, now: Instant) -> Vec<ConnectionId> {
        let mut surplus = Vec::new();
        for (_, links) in self.peers.iter().filter(|(peer, links)| links.len() > 1 && me < *peer) {
            let is_settled = links.iter().all(|link| now.duration_since(link.opened) >= SETTLE);
            let keep = links.iter().min_by_key(|link| (!link.is_quic(), link.opened)).map(|link| link.id);
            if is_settled {
                surplus.extend(links.iter().map(|link| link.id).filter(|id| Some(*id) != keep));
            }
        }
        surplus
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(id: usize, address: &str, opened: Instant) -> Link {
        let remote = address.parse().unwrap();
        Link { id: ConnectionId::new_unchecked(id), remote, scope: Scope::Local, dialled_by_us: true, opened }
    }

    #[test]
    fn of_two_connections_one_side_closes_the_worse_one() {
        let (mut alice, mut bob) = (PeerId::random(), PeerId::random());
        if bob < alice {
            (alice, bob) = (bob, alice);
        }
        let start = Instant::now();
        let mut connections = ConnectionTable::default();
        connections.opened(bob, link(1, "/ip4/10.0.0.2/tcp/1", start));
        connections.opened(bob, link(2, "/ip4/10.0.0.2/udp/1/quic-v1", start));
        assert!(connections.surplus(&alice, start).is_empty());
        assert_eq!(connections.surplus(&alice, start + SETTLE), [ConnectionId::new_unchecked(1)]);
        let mut of_bob = ConnectionTable::default();
        of_bob.opened(alice, link(3, "/ip4/10.0.0.1/tcp/1", start));
        of_bob.opened(alice, link(4, "/ip4/10.0.0.1/udp/1/quic-v1", start));
        assert!(of_bob.surplus(&bob, start + SETTLE).is_empty());
        assert!(!connections.closed(&bob, ConnectionId::new_unchecked(1)));
        assert!(connections.closed(&bob, ConnectionId::new_unchecked(2)));
    }
}
