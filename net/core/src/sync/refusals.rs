//! Which entries were refused lately, here and by others, so that they are not carried again and again.

use std::collections::{BTreeMap, VecDeque};

use kinmesh_proto::{DeviceId, EntryId, Refusal};

/// Refused entries remembered on each side; beyond it the oldest is forgotten and costs one more try.
const REFUSALS_CAP: usize = 16_384;
/// What was refused for its time is tried again after this, in milliseconds: a clock that is ahead is caught up
/// with, and an admin may have a room keep more.
const CLOCK_AGAIN_MS: u64 = 10 * 60 * 1000;

/// What was refused.
#[derive(Debug, Default)]
pub(crate) struct Refusals {
    here: Bounded<EntryId>,
    there: Bounded<(DeviceId, EntryId)>,
    now_ms: u64,
}

impl Refusals {
    /// Time passes.
    pub(crate) fn tick(&mut self, now_ms: u64) {
        self.now_ms = now_ms;
    }

    pub(crate) fn note_here(&mut self, id: EntryId, reason: Refusal) {
        self.here.add(id, self.until_ms(reason));
    }

    pub(crate) fn note_there(&mut self, device: DeviceId, id: EntryId, reason: Refusal) {
        self.there.add((device, id), self.until_ms(reason));
    }

    /// Whether we would refuse it again.
    pub(crate) fn is_refused_here(&self, id: EntryId) -> bool {
        self.here.holds(&id, self.now_ms)
    }

    /// Whether the device would refuse it again.
    pub(crate) fn is_refused_by(&self, device: DeviceId, id: EntryId) -> bool {
        self.there.holds(&(device, id), self.now_ms)
    }

    fn until_ms(&self, reason: Refusal) -> u64 {
        match reason {
            Refusal::ClockAhead | Refusal::TooOld => self.now_ms + CLOCK_AGAIN_MS,
            _ => u64::MAX,
        }
    }
}

/// Keys with the time until which they count, oldest forgotten first.
#[derive(Debug)]
struct Bounded<K> {
    until_ms: BTreeMap<K, u64>,
    oldest_first: VecDeque<K>,
}

impl<K> Default for Bounded<K> {
    fn default() -> Self {
        Self { until_ms: BTreeMap::new(), oldest_first: VecDeque::new() }
    }
}

impl<K: Ord + Copy> Bounded<K> {
    fn add(&mut self, key: K, until_ms: u64) {
        if self.until_ms.insert(key, until_ms).is_some() {
            return;
        }
        self.oldest_first.push_back(key);
        if self.oldest_first.len() > REFUSALS_CAP
            && let Some(oldest) = self.oldest_first.pop_front()
        {
            self.until_ms.remove(&oldest);
        }
    }

    fn holds(&self, key: &K, now_ms: u64) -> bool {
        // What was noted when our own clock was far ahead does not count until then.
        let counts = |until_ms: u64| until_ms == u64::MAX || until_ms - now_ms <= CLOCK_AGAIN_MS;
        self.until_ms.get(key).is_some_and(|until_ms| now_ms < *until_ms && counts(*until_ms))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_refused_for_its_clock_is_tried_again_later() {
        let mut refusals = Refusals::default();
        let (early, wrong) = (EntryId([1; 32]), EntryId([2; 32]));
        refusals.note_here(early, Refusal::ClockAhead);
        refusals.note_here(wrong, Refusal::OverQuota);
        assert!(refusals.is_refused_here(early) && refusals.is_refused_here(wrong));
        refusals.tick(CLOCK_AGAIN_MS);
        assert!(!refusals.is_refused_here(early) && refusals.is_refused_here(wrong));
    }

    #[test]
    fn only_so_many_are_remembered() {
        let mut refusals = Refusals::default();
        let id = |number: usize| {
            let mut id = [0; 32];
            id[..8].copy_from_slice(&number.to_be_bytes());
            EntryId(id)
        };
        for number in 0..=REFUSALS_CAP {
            refusals.note_there(DeviceId([1; 32]), id(number), Refusal::Invalid);
        }
        assert!(!refusals.is_refused_by(DeviceId([1; 32]), id(0)));
        assert!(refusals.is_refused_by(DeviceId([1; 32]), id(REFUSALS_CAP)));
        assert_eq!(refusals.there.until_ms.len(), REFUSALS_CAP);
    }
}
