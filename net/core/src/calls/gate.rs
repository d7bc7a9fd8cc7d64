//! Who rings again and again, or says more than anybody has to say, is not let through for a while.

use std::collections::{BTreeMap, VecDeque};

use kinmesh_proto::{DeviceId, PersonId};

/// Rings of one contact in a minute that reach the user.
const RINGS_MAX: usize = 6;
const MINUTE_MS: u64 = 60_000;

/// Words of one device in a second that are looked at: in a call of eight that all enter at once there are a
/// dozen.
const WORDS_MAX: u32 = 40;
const SECOND_MS: u64 = 1_000;
/// Devices counted at a time: as many as may be connected.
const DEVICES_CAP: usize = 128;

/// How much each device has said within its second.
#[derive(Debug, Default)]
pub(super) struct Words(BTreeMap<DeviceId, (u64, u32)>);

impl Words {
    /// Counts a word. Whether it is looked at.
    pub(super) fn lets_in(&mut self, now_ms: u64, device: DeviceId) -> bool {
        if self.0.len() >= DEVICES_CAP {
            self.0.retain(|_, (since_ms, _)| now_ms.saturating_sub(*since_ms) < SECOND_MS);
        }
        if self.0.len() >= DEVICES_CAP && !self.0.contains_key(&device) {
            return false;
        }
        let (since_ms, words) = self.0.entry(device).or_insert((now_ms, 0));
        if now_ms.saturating_sub(*since_ms) >= SECOND_MS {
            (*since_ms, *words) = (now_ms, 0);
        }
        *words = words.saturating_add(1);
        *words <= WORDS_MAX
    }
}

/// When each contact rang within the last minute. Others are turned away before they are counted.
#[derive(Debug, Default)]
pub(super) struct Gate(BTreeMap<PersonId, VecDeque<u64>>);

impl Gate {
    /// Counts a ring. Whether it is let through.
    pub(super) fn lets_in(&mut self, now_ms: u64, person: PersonId) -> bool {
        self.forget_old(now_ms);
        let rings = self.0.entry(person).or_default();
        let lets_in = rings.len() < RINGS_MAX;
        if lets_in {
            rings.push_back(now_ms);
        }
        lets_in
    }

    fn forget_old(&mut self, now_ms: u64) {
        self.0.retain(|_, rings| {
            rings.retain(|ms| now_ms.saturating_sub(*ms) < MINUTE_MS);
            !rings.is_empty()
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_talks_without_end_is_heard_forty_times_in_a_second() {
        let (mut words, alice, bob) = (Words::default(), DeviceId([1; 32]), DeviceId([2; 32]));
        assert_eq!((0..1000).filter(|_| words.lets_in(0, alice)).count(), WORDS_MAX as usize);
        assert!(words.lets_in(0, bob), "another one is heard");
        assert!(!words.lets_in(SECOND_MS - 1, alice) && words.lets_in(SECOND_MS, alice));
        for number in 0..255 {
            words.lets_in(SECOND_MS, DeviceId([number; 32]));
        }
        assert_eq!(words.0.len(), DEVICES_CAP);
    }

    #[test]
    fn who_rings_without_end_is_let_through_six_times_in_a_minute() {
        let (mut gate, alice, bob) = (Gate::default(), PersonId([1; 32]), PersonId([2; 32]));
        let let_in = (0..100).filter(|_| gate.lets_in(0, alice)).count();
        assert_eq!(let_in, RINGS_MAX);
        assert!(gate.lets_in(0, bob), "another one is let through");
        assert!(!gate.lets_in(MINUTE_MS - 1, alice) && gate.lets_in(MINUTE_MS, alice));
        assert_eq!(gate.0.len(), 1, "of who rings no more nothing is kept");
    }
}
