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
/// Two dials cross when each is on its way while the other is: a second covers a slow handshake.
const CROSSING_MAX: Duration = Duration::from_secs(1);

/// One connection.
#[derive(Debug)]
pub(crate) struct Link {
    pub id: ConnectionId,
    pub remote: Multiaddr,
    pub scope: Scope,
    pub dialled_by_us: bool,
    pub opened: Instant,
    /// Since when the program at the other end is up, by its own clock, once it said hello.
    pub since_ms: Option<u64>,
    /// Where the peer says that it can be reached, once it was identified.
    pub told: Vec<Multiaddr>,
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

    pub(crate) fn count_with(&self, peer: &PeerId) -> usize {
        self.peers.get(peer).map_or(0, Vec::len)
    }

    /// Where a peer is reached over QUIC.
    pub(crate) fn quic_remote(&self, peer: &PeerId) -> Option<&Multiaddr> {
        let quic = self.peers.get(peer)?.iter().find(|link| link.is_quic());
        quic.map(|link| &link.remote)
    }

    /// The connection that serves a peer best: the one with the narrowest scope.
    pub(crate) fn best(&self, peer: &PeerId) -> Option<&Link> {
        self.peers.get(peer)?.iter().min_by_key(|link| link.scope)
    }

    /// Of these peers, the one that is connected for longest.
    pub(crate) fn oldest(&self, of: impl Fn(&PeerId) -> bool) -> Option<PeerId> {
        let peers = self.peers.iter().filter(|(peer, _)| of(peer));
        let since = |links: &[Link]| links.iter().map(|link| link.opened).min();
        peers.min_by_key(|(_, links)| since(links)).map(|(peer, _)| *peer)
    }

    /// The narrowest scope over which anybody is connected.
    pub(crate) fn narrowest_scope(&self) -> Option<Scope> {
        self.peers.values().flatten().map(|link| link.scope).min()
    }

    /// Notes which start of the peer's program is at the other end.
    pub(crate) fn introduced(&mut self, peer: &PeerId, id: ConnectionId, since_ms: u64) {
        let mut links = self.peers.get_mut(peer).into_iter().flatten();
        if let Some(link) = links.find(|link| link.id == id) {
            link.since_ms = Some(since_ms);
        }
    }

    /// Notes where a peer says that it can be reached.
    pub(crate) fn told(&mut self, peer: &PeerId, id: ConnectionId, told: Vec<Multiaddr>) {
        let mut links = self.peers.get_mut(peer).into_iter().flatten();
        if let Some(link) = links.find(|link| link.id == id) {
            link.told = told;
        }
    }

    /// Where a peer that said hello was reached, unless it came by itself, and where it says that it
    /// can be reached. `None` as long as it may be anybody.
    pub(crate) fn addresses_of_introduced(&self, peer: &PeerId) -> Option<(Option<Multiaddr>, &[Multiaddr])> {
        let links = self.peers.get(peer).filter(|links| links.iter().any(|link| link.since_ms.is_some()))?;
        let best = self.best(peer).filter(|link| link.dialled_by_us);
        let told = links.iter().map(|link| link.told.as_slice()).find(|told| !told.is_empty());
        Some((best.map(|link| link.remote.clone()), told.unwrap_or_default()))
    }

    /// Whether the peer, which took this connection for its first and said hello over it, has lost
    /// an older one that still stands here: it was started anew, or its network went away. The only
    /// other causes are two dials that crossed, and further connections for media: then the peer knows
    /// of as many as there are here, and says so.
    pub(crate) fn is_after_a_loss(&self, peer: &PeerId, id: ConnectionId, known_to_them: u8) -> bool {
        let links = self.peers.get(peer).map_or(&[][..], Vec::as_slice);
        let Some(first) = links.iter().find(|link| link.id == id) else { return false };
        let are_all_known = links.len() <= usize::from(known_to_them);
        let is_lost = |older: &Link| {
            let is_of_an_earlier_start = older.since_ms.is_some() && older.since_ms < first.since_ms;
            let lead = first.opened.saturating_duration_since(older.opened);
            let can_cross = older.dialled_by_us != first.dialled_by_us && lead < CROSSING_MAX;
            older.opened <= first.opened && (is_of_an_earlier_start || !(can_cross || are_all_known))
        };
        links.iter().filter(|older| older.id != id).any(is_lost)
    }

    /// Connections to close: of several with one peer one stays, QUIC before TCP, then the oldest. Of QUIC
    /// as many may stay as are wanted, for media.
    /// Only the peer with the smaller id closes, so that the two never close one each.
    pub(crate) fn surplus(
        &self,
        me: &PeerId,
        now: Instant,
        wanted: impl Fn(&PeerId) -> usize,
    ) -> Vec<ConnectionId> {
        let mut surplus = Vec::new();
        for (peer, links) in self.peers.iter().filter(|(peer, links)| links.len() > 1 && me < *peer) {
            let is_settled = links.iter().all(|link| now.duration_since(link.opened) >= SETTLE);
            if !is_settled {
                continue;
            }
            let mut links: Vec<&Link> = links.iter().collect();
            links.sort_by_key(|link| (!link.is_quic(), link.opened));
            let quic = links.iter().filter(|link| link.is_quic()).count();
            let kept = wanted(peer).min(quic).max(1);
            surplus.extend(links[kept..].iter().map(|link| link.id));
        }
        surplus
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(id: usize, address: &str, opened: Instant) -> Link {
        let remote = address.parse().unwrap();
        Link {
            id: ConnectionId::new_unchecked(id),
            remote,
            scope: Scope::Local,
            dialled_by_us: true,
            opened,
            since_ms: None,
            told: Vec::new(),
        }
    }

    /// No peer has media with us.
    fn one(_: &PeerId) -> usize {
        1
    }

    #[test]
    fn addresses_are_learnt_of_those_who_said_hello() {
        let (bob, id) = (PeerId::random(), ConnectionId::new_unchecked(1));
        let told: Vec<Multiaddr> = vec!["/ip4/10.0.0.2/tcp/2".parse().unwrap()];
        let ours = link(1, "/ip4/10.0.0.2/tcp/1", Instant::now());
        let reached = ours.remote.clone();
        let mut connections = ConnectionTable::default();
        assert_eq!(connections.addresses_of_introduced(&bob), None);
        connections.opened(bob, ours);
        connections.told(&bob, id, told.clone());
        assert_eq!(connections.addresses_of_introduced(&bob), None, "it may be anybody");
        connections.introduced(&bob, id, 1000);
        assert_eq!(connections.addresses_of_introduced(&bob), Some((Some(reached), &told[..])));
        let theirs = Link { dialled_by_us: false, ..link(1, "/ip4/10.0.0.2/tcp/3", Instant::now()) };
        let mut connections = ConnectionTable::default();
        connections.opened(bob, theirs);
        connections.introduced(&bob, id, 1000);
        assert_eq!(connections.addresses_of_introduced(&bob), Some((None, &[][..])), "it came by itself");
    }

    #[test]
    fn a_first_hello_over_a_second_connection_tells_that_the_first_one_was_lost() {
        let (bob, start) = (PeerId::random(), Instant::now());
        let theirs = |id, opened| Link { dialled_by_us: false, ..link(id, "/ip4/10.0.0.2/tcp/1", opened) };
        let id = ConnectionId::new_unchecked;
        let mut connections = ConnectionTable::default();
        connections.opened(bob, theirs(1, start));
        assert!(!connections.is_after_a_loss(&bob, id(1), 1), "there is no other");
        connections.opened(bob, theirs(2, start + CROSSING_MAX / 2));
        assert!(connections.is_after_a_loss(&bob, id(2), 1), "they dialled twice");
        assert!(!connections.is_after_a_loss(&bob, id(1), 1), "a late hello over the older one");
        let mut crossed = ConnectionTable::default();
        crossed.opened(bob, link(1, "/ip4/10.0.0.2/tcp/1", start));
        crossed.opened(bob, theirs(2, start + CROSSING_MAX / 2));
        assert!(!crossed.is_after_a_loss(&bob, id(2), 1), "both dialled at once");
        crossed.introduced(&bob, id(1), 1000);
        crossed.introduced(&bob, id(2), 1000);
        assert!(!crossed.is_after_a_loss(&bob, id(2), 1), "both are of the same start");
        crossed.introduced(&bob, id(2), 2000);
        assert!(crossed.is_after_a_loss(&bob, id(2), 1), "the older one is of an earlier start");
        crossed.introduced(&bob, id(2), 1000);
        crossed.opened(bob, theirs(3, start + CROSSING_MAX));
        assert!(crossed.is_after_a_loss(&bob, id(3), 1), "too late for that");
    }

    #[test]
    fn a_peer_that_knows_of_all_connections_has_lost_none() {
        let (bob, start) = (PeerId::random(), Instant::now());
        let id = ConnectionId::new_unchecked;
        let mut connections = ConnectionTable::default();
        for (n, later) in [(1, 0), (2, 60), (3, 61)] {
            let opened = start + Duration::from_secs(later);
            let quic = link(n, "/ip4/10.0.0.2/udp/1/quic-v1", opened);
            connections.opened(bob, Link { dialled_by_us: false, ..quic });
        }
        assert!(!connections.is_after_a_loss(&bob, id(3), 3));
        assert!(connections.is_after_a_loss(&bob, id(3), 2), "one of them is dead");
        connections.introduced(&bob, id(1), 1000);
        connections.introduced(&bob, id(3), 2000);
        assert!(connections.is_after_a_loss(&bob, id(3), 3), "their program was started anew");
    }

    #[test]
    fn connections_for_media_are_no_surplus_as_far_as_they_are_wanted() {
        let (mut alice, mut bob) = (PeerId::random(), PeerId::random());
        if bob < alice {
            (alice, bob) = (bob, alice);
        }
        let start = Instant::now();
        let mut connections = ConnectionTable::default();
        connections.opened(bob, link(9, "/ip4/10.0.0.2/tcp/1", start));
        for n in 1..=5u8 {
            let opened = start + Duration::from_secs(n.into());
            connections.opened(bob, link(n.into(), "/ip4/10.0.0.2/udp/1/quic-v1", opened));
        }
        let surplus = |wanted| {
            let now = start + 2 * SETTLE;
            let mut surplus = connections.surplus(&alice, now, |_| wanted);
            surplus.sort();
            surplus
        };
        let ids = |ids: &[usize]| ids.iter().copied().map(ConnectionId::new_unchecked).collect::<Vec<_>>();
        assert_eq!(surplus(4), ids(&[5, 9]));
        assert_eq!(surplus(1), ids(&[2, 3, 4, 5, 9]));
    }

    #[test]
    fn who_is_connected_for_longest_makes_room_unless_they_are_needed() {
        let (alice, bob, start) = (PeerId::random(), PeerId::random(), Instant::now());
        let mut connections = ConnectionTable::default();
        connections.opened(bob, link(1, "/ip4/10.0.0.2/tcp/1", start + CROSSING_MAX));
        connections.opened(alice, link(2, "/ip4/10.0.0.1/tcp/1", start));
        connections.opened(alice, link(3, "/ip4/10.0.0.1/tcp/1", start + 2 * CROSSING_MAX));
        assert_eq!(connections.oldest(|_| true), Some(alice));
        assert_eq!(connections.oldest(|peer| *peer != alice), Some(bob));
        assert_eq!(connections.oldest(|_| false), None);
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
        assert!(connections.surplus(&alice, start, one).is_empty());
        assert_eq!(connections.surplus(&alice, start + SETTLE, one), [ConnectionId::new_unchecked(1)]);
        let mut of_bob = ConnectionTable::default();
        of_bob.opened(alice, link(3, "/ip4/10.0.0.1/tcp/1", start));
        of_bob.opened(alice, link(4, "/ip4/10.0.0.1/udp/1/quic-v1", start));
        assert!(of_bob.surplus(&bob, start + SETTLE, one).is_empty());
        assert!(!connections.closed(&bob, ConnectionId::new_unchecked(1)));
        assert!(connections.closed(&bob, ConnectionId::new_unchecked(2)));
    }
}
