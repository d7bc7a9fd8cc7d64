//! A node's share of the Kademlia network: who provides which key. Nothing else is kept.
//!
//! libp2p's own memory store drops a record only when somebody asks for its key, and counts keys,
//! not peers: one stranger could fill it for good. Here every record ends, and every peer has its share.

use std::borrow::Cow;
use std::collections::HashMap;
use std::iter::{self, Empty};
use std::time::Instant;
use std::vec;

use libp2p::PeerId;
use libp2p::kad::store::{Error, RecordStore, Result};
use libp2p::kad::{ProviderRecord, Record, RecordKey};

/// Providers of one key kept: Kademlia's replication factor.
pub const PER_KEY_MAX: usize = 20;
/// Keys of one peer kept: as many rooms as one program joins, and its own name, with some to spare.
const PER_PEER_MAX: usize = 300;
/// Longest key: ours are hashes in hex.
const KEY_BYTES_MAX: usize = 64;
/// Addresses kept of one record: two families, two protocols, a spare of each.
const ADDRESSES_MAX: usize = 8;

/// Provider records with an end, and our own.
#[derive(Debug)]
pub struct Providers {
    me: PeerId,
    total_max: usize,
    by_key: HashMap<RecordKey, Vec<ProviderRecord>>,
    by_peer: HashMap<PeerId, usize>,
    total: usize,
}

impl Providers {
    /// An empty store of the node `me`, for at most this many records of others.
    pub fn new(me: PeerId, total_max: usize) -> Self {
        Self { me, total_max, by_key: HashMap::new(), by_peer: HashMap::new(), total: 0 }
    }

    /// Drops every record whose time is up.
    pub fn expire(&mut self, now: Instant) {
        let gone: Vec<_> = self
            .by_key
            .iter()
            .flat_map(|(key, records)| records.iter().map(move |record| (key, record)))
            .filter(|(_, record)| record.is_expired(now))
            .map(|(key, record)| (key.clone(), record.provider))
            .collect();
        for (key, peer) in gone {
            self.remove_provider(&key, &peer);
        }
    }
}

impl RecordStore for Providers {
    type RecordsIter<'a> = Empty<Cow<'a, Record>>;
    type ProvidedIter<'a> = vec::IntoIter<Cow<'a, ProviderRecord>>;

    fn get(&self, _: &RecordKey) -> Option<Cow<'_, Record>> {
        None
    }

    /// Kademlia's values are not used: no message, however small, may be left here.
    fn put(&mut self, _: Record) -> Result<()> {
        Err(Error::MaxRecords)
    }

    fn remove(&mut self, _: &RecordKey) {}

    fn records(&self) -> Self::RecordsIter<'_> {
        iter::empty()
    }

    fn add_provider(&mut self, mut record: ProviderRecord) -> Result<()> {
        if record.key.as_ref().len() > KEY_BYTES_MAX {
            return Err(Error::ValueTooLarge);
        }
        record.addresses.truncate(ADDRESSES_MAX);
        if let Some(known) = self
            .by_key
            .get_mut(&record.key)
            .and_then(|records| records.iter_mut().find(|known| known.provider == record.provider))
        {
            *known = record;
            return Ok(());
        }
        // What we provide ourselves is bounded by what we are in, and others must not crowd it out:
        // what is not kept is not announced again.
        let is_own = record.provider == self.me;
        let of_key = self.by_key.get(&record.key).map_or(0, Vec::len);
        let of_peer = self.by_peer.get(&record.provider).copied().unwrap_or_default();
        if !is_own && (self.total >= self.total_max || of_peer >= PER_PEER_MAX) {
            return Err(Error::MaxProvidedKeys);
        }
        if !is_own && of_key >= PER_KEY_MAX {
            // Twenty are enough to find the others through; it is no fault to be the next.
            return Ok(());
        }
        *self.by_peer.entry(record.provider).or_default() += 1;
        self.total += 1;
        self.by_key.entry(record.key.clone()).or_default().push(record);
        Ok(())
    }

    fn providers(&self, key: &RecordKey) -> Vec<ProviderRecord> {
        self.by_key.get(key).cloned().unwrap_or_default()
    }

    fn provided(&self) -> Self::ProvidedIter<'_> {
        let own = self.by_key.values().flatten().filter(|record| record.provider == self.me);
        own.map(Cow::Borrowed).collect::<Vec<_>>().into_iter()
    }

    fn remove_provider(&mut self, key: &RecordKey, peer: &PeerId) {
        let Some(records) = self.by_key.get_mut(key) else { return };
        let Some(at) = records.iter().position(|record| record.provider == *peer) else { return };
        records.swap_remove(at);
        if records.is_empty() {
            self.by_key.remove(key);
        }
        self.total -= 1;
        if let Some(left) = self.by_peer.get_mut(peer) {
            *left -= 1;
            if *left == 0 {
                self.by_peer.remove(peer);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const TOTAL_MAX: usize = 1000;

    fn empty() -> Providers {
        Providers::new(PeerId::random(), TOTAL_MAX)
    }

    fn record(key: usize, provider: PeerId, ends: Instant) -> ProviderRecord {
        let key = RecordKey::new(&format!("{key:064}"));
        ProviderRecord { key, provider, expires: Some(ends), addresses: vec![] }
    }

    #[test]
    fn a_peer_has_its_share_and_everything_ends() {
        let (mut store, now, peer) = (empty(), Instant::now(), PeerId::random());
        let ends = now + Duration::from_secs(10);
        for n in 0..PER_PEER_MAX {
            store.add_provider(record(n, peer, ends)).unwrap();
        }
        assert!(store.add_provider(record(PER_PEER_MAX, peer, ends)).is_err());
        // The same again is a renewal, and one key ends later than the others.
        store.add_provider(record(7, peer, ends + Duration::from_secs(10))).unwrap();
        store.expire(ends);
        assert_eq!((store.by_key.len(), store.by_peer[&peer], store.total), (1, 1, 1));
        store.expire(ends + Duration::from_secs(10));
        assert!(store.by_key.is_empty() && store.by_peer.is_empty() && store.total == 0);
    }

    #[test]
    fn a_key_has_a_limit_and_values_are_never_kept() {
        let (mut store, now) = (empty(), Instant::now());
        for _ in 0..PER_KEY_MAX + 5 {
            store.add_provider(record(1, PeerId::random(), now)).unwrap();
        }
        assert_eq!(store.providers(&RecordKey::new(&format!("{:064}", 1))).len(), PER_KEY_MAX);
        assert!(store.put(Record::new(RecordKey::new(&"key"), vec![1])).is_err());
        let mut long = record(1, PeerId::random(), now);
        long.key = RecordKey::new(&[0; KEY_BYTES_MAX + 1]);
        assert!(store.add_provider(long).is_err());
    }

    #[test]
    fn a_crowd_neither_fills_it_for_good_nor_drives_out_our_own_records() {
        let (mut store, now) = (empty(), Instant::now());
        let ends = now + Duration::from_secs(10);
        for n in 0..TOTAL_MAX {
            store.add_provider(record(n / PER_KEY_MAX, PeerId::random(), ends)).unwrap();
        }
        assert!(store.add_provider(record(TOTAL_MAX, PeerId::random(), ends)).is_err());
        for key in [0, TOTAL_MAX] {
            store.add_provider(ProviderRecord { expires: None, ..record(key, store.me, ends) }).unwrap();
        }
        assert_eq!(store.provided().count(), 2);
        store.expire(ends);
        assert_eq!((store.provided().count(), store.total), (2, 2), "our own stay until we leave");
        store.add_provider(record(TOTAL_MAX, PeerId::random(), ends)).unwrap();
    }
}
