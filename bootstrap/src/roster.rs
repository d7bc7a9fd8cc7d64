//! Who is connected: the operator's list.

use std::collections::HashMap;
use std::time::{Instant, SystemTime};

use kinmesh_proto::{DisplayName, PersonId};
use libp2p::swarm::ConnectionId;
use libp2p::{Multiaddr, PeerId};

use crate::ration::Ration;

/// A connected peer.
#[derive(Debug)]
pub struct Guest {
    connections: Vec<(ConnectionId, Multiaddr)>,
    /// Since when, for people.
    pub since: SystemTime,
    /// Since when, for arithmetic.
    pub since_instant: Instant,
    /// Who it says it is, and proved.
    pub person: Option<(PersonId, DisplayName)>,
    /// What it may still ask.
    pub ration: Ration,
    /// What it may still leave with us: each of its rooms is a question and a record.
    pub record_ration: Ration,
    /// Whether the log says that it came.
    pub is_logged: bool,
}

impl Guest {
    fn new(now: Instant) -> Self {
        Self {
            connections: Vec::new(),
            since: SystemTime::now(),
            since_instant: now,
            person: None,
            ration: Ration::new(now),
            record_ration: Ration::new(now),
            is_logged: false,
        }
    }

    /// Where it is connected from, by its oldest connection.
    pub fn address(&self) -> Option<&Multiaddr> {
        self.connections.first().map(|(_, address)| address)
    }

    /// What it calls itself, empty as long as it has not said.
    pub fn name(&self) -> &str {
        self.person.as_ref().map_or("", |(_, name)| name.as_str())
    }
}

/// All connected peers. Bounded by the connection limits.
#[derive(Debug, Default)]
pub struct Roster(HashMap<PeerId, Guest>);

impl Roster {
    /// A connection came; true for the peer's first.
    pub fn arrive(&mut self, peer: PeerId, connection: ConnectionId, from: Multiaddr, now: Instant) -> bool {
        let guest = self.0.entry(peer).or_insert_with(|| Guest::new(now));
        guest.connections.push((connection, from));
        guest.connections.len() == 1
    }

    /// A connection ended; the guest, when it was the peer's last.
    pub fn depart(&mut self, peer: &PeerId, connection: ConnectionId) -> Option<Guest> {
        let guest = self.0.get_mut(peer)?;
        guest.connections.retain(|(id, _)| *id != connection);
        if guest.connections.is_empty() { self.0.remove(peer) } else { None }
    }

    /// A connected peer.
    pub fn get_mut(&mut self, peer: &PeerId) -> Option<&mut Guest> {
        self.0.get_mut(peer)
    }

    /// Everybody, longest connected first.
    pub fn guests(&self) -> Vec<(&PeerId, &Guest)> {
        let mut guests: Vec<_> = self.0.iter().collect();
        guests.sort_by_key(|(_, guest)| guest.since_instant);
        guests
    }

    /// Where the peer's connection comes from.
    pub fn address_of(&self, peer: &PeerId, connection: ConnectionId) -> Option<&Multiaddr> {
        self.0.get(peer)?.connections.iter().find(|(id, _)| *id == connection).map(|(_, address)| address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guest_leaves_with_the_last_connection() {
        let (mut roster, peer, now) = (Roster::default(), PeerId::random(), Instant::now());
        let (one, two) = (ConnectionId::new_unchecked(1), ConnectionId::new_unchecked(2));
        let from: Multiaddr = "/ip4/192.0.2.1/udp/1/quic-v1".parse().unwrap();
        assert!(roster.arrive(peer, one, from.clone(), now));
        assert!(!roster.arrive(peer, two, from.clone(), now));
        assert!(roster.depart(&peer, one).is_none());
        assert_eq!(roster.address_of(&peer, two), Some(&from));
        assert!(roster.depart(&peer, two).is_some());
        assert!(roster.guests().is_empty());
    }
}
