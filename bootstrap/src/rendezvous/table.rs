//! Who is registered where: bounded in every direction, with time as an input.
//!
//! A renewed registration takes the place of the old one, so a peer that registers in a loop
//! costs as much as one that registers once.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use libp2p::PeerId;

/// Namespaces one peer may be in: as many rooms as one program joins, and its own name.
pub const PER_PEER_MAX: usize = 256;
/// Registrations in all: 200 busy peers, or some thousands of usual ones.
pub const TOTAL_MAX: usize = 50_000;
/// Bytes of all records together. A usual record has 200, so [`TOTAL_MAX`] is reached first;
/// it takes peers that make theirs as large as allowed to reach this.
pub const BYTES_MAX: usize = 32 * 1024 * 1024;

/// The table, or the peer's share of it, is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no room for another registration")]
pub struct Full;

/// One peer's registration in one namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Who.
    pub peer: PeerId,
    /// The signed peer record, as it came.
    pub record: Vec<u8>,
    /// For how long, as asked for.
    pub ttl: Duration,
    /// Until when.
    pub ends: Instant,
}

/// Order in which registrations came; part of the cookie.
type Seq = u64;

/// All registrations.
#[derive(Debug)]
pub struct Table {
    by_namespace: HashMap<Arc<str>, BTreeMap<Seq, Place>>,
    by_peer: HashMap<PeerId, HashMap<Arc<str>, Seq>>,
    ends: BTreeSet<(Instant, Seq, Arc<str>)>,
    last: Seq,
    bytes: usize,
}

impl Default for Table {
    /// Empty. Sequence numbers start at the wall clock's microseconds, above those of an earlier
    /// run, so that a cookie from before a restart hides nothing that came after it.
    fn default() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self {
            by_namespace: HashMap::new(),
            by_peer: HashMap::new(),
            ends: BTreeSet::new(),
            last: u64::try_from(since.as_micros()).unwrap_or_default(),
            bytes: 0,
        }
    }
}

impl Table {
    /// Adds a registration, or renews it.
    pub fn insert(&mut self, namespace: String, place: Place) -> Result<(), Full> {
        let own = self.by_peer.get(&place.peer);
        let renewed = own.and_then(|own| own.get(namespace.as_str())).copied();
        let is_full = own.map_or(0, HashMap::len) >= PER_PEER_MAX || self.registrations() >= TOTAL_MAX;
        // A renewal takes the place of what was there, so it needs room only for what it adds.
        let replaced = renewed.and_then(|seq| self.by_namespace.get(namespace.as_str())?.get(&seq));
        let bytes = self.bytes - replaced.map_or(0, |place| place.record.len()) + place.record.len();
        if (renewed.is_none() && is_full) || bytes > BYTES_MAX {
            return Err(Full);
        }
        if let Some(seq) = renewed {
            self.take(&namespace, seq);
        }
        self.last += 1;
        let namespace: Arc<str> = self
            .by_namespace
            .get_key_value(namespace.as_str())
            .map_or_else(|| namespace.into(), |(known, _)| known.clone());
        self.bytes += place.record.len();
        self.ends.insert((place.ends, self.last, namespace.clone()));
        self.by_peer.entry(place.peer).or_default().insert(namespace.clone(), self.last);
        self.by_namespace.entry(namespace).or_default().insert(self.last, place);
        Ok(())
    }

    /// Ends a registration.
    pub fn remove(&mut self, peer: &PeerId, namespace: &str) -> Option<Place> {
        let seq = *self.by_peer.get(peer)?.get(namespace)?;
        self.take(namespace, seq)
    }

    /// Ends every registration whose time is up.
    pub fn expire(&mut self, now: Instant) {
        while let Some((ends, seq, namespace)) = self.ends.first().cloned()
            && ends <= now
        {
            self.take(&namespace, seq);
        }
    }

    /// Up to `limit` registrations in `namespace` that came after `after`, oldest first,
    /// and what to ask with next time.
    pub fn find(
        &self,
        namespace: &str,
        after: Option<Seq>,
        limit: usize,
    ) -> (impl Iterator<Item = &Place>, Seq) {
        let from = after.map_or(0, |after| after.saturating_add(1));
        let found = || {
            self.by_namespace.get(namespace).into_iter().flat_map(move |all| all.range(from..)).take(limit)
        };
        let seen = found().last().map_or(after.unwrap_or_default(), |(seq, _)| *seq);
        (found().map(|(_, place)| place), seen)
    }

    /// Registrations.
    pub fn registrations(&self) -> usize {
        self.ends.len()
    }

    /// Namespaces with at least one registration.
    pub fn namespaces(&self) -> usize {
        self.by_namespace.len()
    }

    /// Peers with at least one registration.
    pub fn peers(&self) -> usize {
        self.by_peer.len()
    }

    fn take(&mut self, namespace: &str, seq: Seq) -> Option<Place> {
        let places = self.by_namespace.get_mut(namespace)?;
        let place = places.remove(&seq)?;
        let (name, _) = self.by_namespace.get_key_value(namespace)?;
        self.ends.remove(&(place.ends, seq, name.clone()));
        self.bytes -= place.record.len();
        if let Some(own) = self.by_peer.get_mut(&place.peer) {
            own.remove(namespace);
            if own.is_empty() {
                self.by_peer.remove(&place.peer);
            }
        }
        if self.by_namespace.get(namespace).is_some_and(BTreeMap::is_empty) {
            self.by_namespace.remove(namespace);
        }
        Some(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(peer: PeerId, now: Instant) -> Place {
        Place {
            peer,
            record: vec![0; 200],
            ttl: Duration::from_secs(60),
            ends: now + Duration::from_secs(60),
        }
    }

    fn is_empty(table: &Table) -> bool {
        table.by_namespace.is_empty() && table.by_peer.is_empty() && table.ends.is_empty() && table.bytes == 0
    }

    #[test]
    fn a_loop_of_renewals_keeps_one_registration() {
        let (mut table, peer, now) = (Table::default(), PeerId::random(), Instant::now());
        for n in 0..10_000 {
            table.insert("room".into(), place(peer, now + Duration::from_millis(n))).unwrap();
        }
        assert_eq!((table.registrations(), table.by_namespace["room"].len(), table.bytes), (1, 1, 200));
        table.expire(now + Duration::from_secs(100));
        assert!(is_empty(&table));
    }

    #[test]
    fn a_peer_has_its_share_and_may_renew_when_it_is_used_up() {
        let (mut table, peer, now) = (Table::default(), PeerId::random(), Instant::now());
        for n in 0..PER_PEER_MAX {
            table.insert(n.to_string(), place(peer, now)).unwrap();
        }
        assert_eq!(table.insert("one more".into(), place(peer, now)), Err(Full));
        assert_eq!(table.insert("7".into(), place(peer, now)), Ok(()));
        assert_eq!(table.insert("one more".into(), place(PeerId::random(), now)), Ok(()));
        assert_eq!(table.registrations(), PER_PEER_MAX + 1);
    }

    #[test]
    fn large_records_are_bounded_together() {
        let (mut table, now) = (Table::default(), Instant::now());
        let large = |n: u8| Place { record: vec![n; BYTES_MAX / 4], ..place(PeerId::random(), now) };
        for n in 0..4 {
            table.insert("room".into(), large(n)).unwrap();
        }
        assert_eq!(table.insert("room".into(), large(4)), Err(Full));
        table.expire(now + Duration::from_secs(60));
        assert_eq!(table.insert("room".into(), large(4)), Ok(()));
    }

    #[test]
    fn who_is_registered_may_renew_when_the_last_byte_is_used_up() {
        let (mut table, now) = (Table::default(), Instant::now());
        let peers: Vec<_> = (0..4).map(|_| PeerId::random()).collect();
        let quarter = |peer| Place { record: vec![1; BYTES_MAX / 4], ..place(peer, now) };
        for peer in &peers {
            table.insert("room".into(), quarter(*peer)).unwrap();
        }
        for peer in &peers {
            assert_eq!(table.insert("room".into(), quarter(*peer)), Ok(()), "it takes no more than before");
        }
        let larger = Place { record: vec![1; BYTES_MAX / 4 + 1], ..place(peers[0], now) };
        assert_eq!(table.insert("room".into(), larger), Err(Full));
        assert_eq!((table.registrations(), table.bytes), (4, BYTES_MAX), "who was refused keeps what it had");
    }

    #[test]
    fn pages_cover_everything_once() {
        let (mut table, now) = (Table::default(), Instant::now());
        let peers: Vec<_> = (0..25).map(|_| PeerId::random()).collect();
        for peer in &peers {
            table.insert("room".into(), place(*peer, now)).unwrap();
        }
        let (mut seen, mut after) = (Vec::new(), None);
        while seen.len() < peers.len() {
            let (found, next) = table.find("room", after, 10);
            seen.extend(found.map(|place| place.peer));
            after = Some(next);
        }
        assert_eq!(seen, peers);
        assert_eq!(table.find("room", after, 10).0.count(), 0);
    }
}
