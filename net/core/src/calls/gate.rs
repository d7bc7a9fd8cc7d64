//! Who rings again and again is not let through for a while.

use std::collections::{BTreeMap, VecDeque};

use kinmesh_proto::PersonId;

/// Rings of one contact in a minute that reach the user.
const RINGS_MAX: usize = 6;
const MINUTE_MS: u64 = 60_000;

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
    fn who_rings_without_end_is_let_through_six_times_in_a_minute() {
        let (mut gate, alice, bob) = (Gate::default(), PersonId([1; 32]), PersonId([2; 32]));
        let let_in = (0..100).filter(|_| gate.lets_in(0, alice)).count();
        assert_eq!(let_in, RINGS_MAX);
        assert!(gate.lets_in(0, bob), "another one is let through");
        assert!(!gate.lets_in(MINUTE_MS - 1, alice) && gate.lets_in(MINUTE_MS, alice));
        assert_eq!(gate.0.len(), 1, "of who rings no more nothing is kept");
    }
}
