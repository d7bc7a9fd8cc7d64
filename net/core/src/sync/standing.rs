//! What we hold of a device as a partner: how much it may still ask for, whether it is left alone, and
//! whether others are asked in its place.

use std::collections::BTreeMap;

use kinmesh_proto::DeviceId;

/// A device that misbehaved is left alone for this long, doubled each time, in milliseconds.
const LEFT_ALONE_FIRST_MS: u64 = 30_000;
/// And at most this long.
const LEFT_ALONE_MAX_MS: u64 = 30 * 60 * 1000;
/// From so many sessions in a row on that a device let end in silence, others are asked in its place,
/// for as long as if it had misbehaved: each holds its conversation up for a minute. A single one may
/// be an answer that was lost. It is not left alone, since the network may be to blame.
const SILENCES_MAX: u32 = 2;
/// Bytes that one device may have us serve in a minute, at once if it likes: room for a million entries
/// of 200 bytes of text, 370 MiB, so that a late joiner gets them as fast as the line is. One that asks
/// without end gets some 70 Mbit/s, which may be more than our uplink has: then only that holds it.
const BYTES_PER_MINUTE: u64 = 512 << 20;
/// Bytes that it may push in a minute, for the same late joiner on the other side. Each entry costs a
/// check of its signature, also one that we have.
const PUSHED_BYTES_PER_MINUTE: u64 = BYTES_PER_MINUTE;
/// Questions of one device in a minute. The dearest costs the disk a few milliseconds; fetching a
/// million entries takes some 1,500.
const QUESTIONS_PER_MINUTE: u64 = 6_000;
/// Devices remembered. Beyond it whoever is least to be left alone is forgotten.
const DEVICES_CAP: usize = 1024;

const MINUTE_MS: u64 = 60_000;

#[derive(Debug)]
struct Standing {
    faults: u32,
    left_alone_until_ms: u64,
    silences: u32,
    passed_over_until_ms: u64,
    bytes: Bucket,
    pushed: Bucket,
    questions: Bucket,
}

impl Standing {
    fn avoided_until_ms(&self) -> u64 {
        self.left_alone_until_ms.max(self.passed_over_until_ms)
    }
}

/// A token bucket that fills up within a minute.
#[derive(Debug)]
struct Bucket {
    size: u64,
    left: u64,
    filled_ms: u64,
}

impl Bucket {
    fn new(size: u64, now_ms: u64) -> Self {
        Self { size, left: size, filled_ms: now_ms }
    }

    /// Whether anything is left; it may be overdrawn once.
    fn has_some(&mut self, now_ms: u64) -> bool {
        let passed_ms = now_ms.saturating_sub(self.filled_ms).min(MINUTE_MS);
        let gained = self.size * passed_ms / MINUTE_MS;
        if gained > 0 {
            self.left = (self.left + gained).min(self.size);
            self.filled_ms = now_ms;
        }
        self.left > 0
    }

    fn spend(&mut self, amount: u64) {
        self.left = self.left.saturating_sub(amount);
    }
}

/// All devices that asked something, or misbehaved.
#[derive(Debug, Default)]
pub(crate) struct Standings(BTreeMap<DeviceId, Standing>);

impl Standings {
    fn of(&mut self, device: DeviceId, now_ms: u64) -> &mut Standing {
        if self.0.len() >= DEVICES_CAP && !self.0.contains_key(&device) {
            let least = self.0.iter().min_by_key(|(_, standing)| standing.avoided_until_ms());
            if let Some(least) = least.map(|(device, _)| *device) {
                self.0.remove(&least);
            }
        }
        self.0.entry(device).or_insert_with(|| Standing {
            faults: 0,
            left_alone_until_ms: 0,
            silences: 0,
            passed_over_until_ms: 0,
            bytes: Bucket::new(BYTES_PER_MINUTE, now_ms),
            pushed: Bucket::new(PUSHED_BYTES_PER_MINUTE, now_ms),
            questions: Bucket::new(QUESTIONS_PER_MINUTE, now_ms),
        })
    }

    /// Counts a question; false when the device has had its share, or is left alone.
    pub(crate) fn may_ask(&mut self, device: DeviceId, now_ms: u64) -> bool {
        let standing = self.of(device, now_ms);
        let may = standing.left_alone_until_ms <= now_ms
            && standing.questions.has_some(now_ms)
            && standing.bytes.has_some(now_ms);
        standing.questions.spend(1);
        may
    }

    /// Counts what it was given.
    pub(crate) fn was_given(&mut self, device: DeviceId, bytes: usize, now_ms: u64) {
        self.of(device, now_ms).bytes.spend(bytes as u64);
    }

    /// Counts what it pushes; false when it has pushed its share.
    pub(crate) fn may_push(&mut self, device: DeviceId, bytes: usize, now_ms: u64) -> bool {
        let pushed = &mut self.of(device, now_ms).pushed;
        let may = pushed.has_some(now_ms);
        pushed.spend(bytes as u64);
        may
    }

    /// It misbehaved.
    pub(crate) fn leave_alone(&mut self, device: DeviceId, now_ms: u64) {
        let standing = self.of(device, now_ms);
        standing.left_alone_until_ms = now_ms + left_alone_ms(standing.faults);
        standing.faults += 1;
    }

    /// It did not answer, and is still connected.
    pub(crate) fn was_silent(&mut self, device: DeviceId, now_ms: u64) {
        let standing = self.of(device, now_ms);
        standing.silences = standing.silences.saturating_add(1);
        if let Some(times) = standing.silences.checked_sub(SILENCES_MAX) {
            standing.passed_over_until_ms = now_ms + left_alone_ms(times);
        }
    }

    /// It did what it should.
    pub(crate) fn forgive(&mut self, device: DeviceId) {
        if let Some(standing) = self.0.get_mut(&device) {
            standing.faults = 0;
            standing.silences = 0;
            standing.passed_over_until_ms = 0;
        }
    }

    /// Until when it is left alone.
    pub(crate) fn left_alone_until_ms(&self, device: DeviceId) -> u64 {
        self.0.get(&device).map_or(0, |standing| standing.left_alone_until_ms)
    }

    /// Until when others are asked in its place.
    pub(crate) fn passed_over_until_ms(&self, device: DeviceId) -> u64 {
        self.0.get(&device).map_or(0, |standing| standing.passed_over_until_ms)
    }
}

/// How long a device is avoided that had to be so many times before.
fn left_alone_ms(times: u32) -> u64 {
    (LEFT_ALONE_FIRST_MS << times.min(10)).min(LEFT_ALONE_MAX_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOB: DeviceId = DeviceId([2; 32]);

    #[test]
    fn who_misbehaves_again_is_left_alone_for_longer() {
        let mut standings = Standings::default();
        standings.leave_alone(BOB, 0);
        assert!(!standings.may_ask(BOB, LEFT_ALONE_FIRST_MS - 1));
        assert!(standings.may_ask(BOB, LEFT_ALONE_FIRST_MS));
        standings.leave_alone(BOB, 0);
        assert_eq!(standings.left_alone_until_ms(BOB), 2 * LEFT_ALONE_FIRST_MS);
        for _ in 0..40 {
            standings.leave_alone(BOB, 0);
        }
        assert_eq!(standings.left_alone_until_ms(BOB), LEFT_ALONE_MAX_MS);
    }

    #[test]
    fn who_is_silent_twice_in_a_row_is_passed_over_and_not_left_alone() {
        let mut standings = Standings::default();
        standings.was_silent(BOB, 0);
        standings.forgive(BOB);
        standings.was_silent(BOB, 0);
        assert_eq!(standings.passed_over_until_ms(BOB), 0, "it had answered in between");
        standings.was_silent(BOB, 0);
        assert_eq!(standings.passed_over_until_ms(BOB), LEFT_ALONE_FIRST_MS);
        standings.was_silent(BOB, 0);
        assert_eq!(standings.passed_over_until_ms(BOB), 2 * LEFT_ALONE_FIRST_MS);
        assert!(standings.may_ask(BOB, 0));
        standings.forgive(BOB);
        assert_eq!(standings.passed_over_until_ms(BOB), 0);
    }

    #[test]
    fn a_share_is_used_up_and_comes_back_with_time() {
        let mut standings = Standings::default();
        standings.was_given(BOB, BYTES_PER_MINUTE as usize, 0);
        assert!(!standings.may_ask(BOB, 0));
        assert!(standings.may_ask(BOB, 1));
        for _ in 0..QUESTIONS_PER_MINUTE {
            standings.may_ask(BOB, 1);
        }
        assert!(!standings.may_ask(BOB, 1));
        assert!(standings.may_ask(BOB, 1000));
    }

    #[test]
    fn what_is_pushed_has_a_share_of_its_own() {
        let mut standings = Standings::default();
        assert!(standings.may_push(BOB, PUSHED_BYTES_PER_MINUTE as usize, 0));
        assert!(!standings.may_push(BOB, 1, 0));
        assert!(standings.may_ask(BOB, 0));
        assert!(standings.may_push(BOB, 1, 1));
    }

    #[test]
    fn only_so_many_devices_are_remembered_and_the_bad_ones_longest() {
        let mut standings = Standings::default();
        standings.leave_alone(BOB, 0);
        for number in 0..2 * DEVICES_CAP {
            let mut device = [0; 32];
            device[..8].copy_from_slice(&number.to_be_bytes());
            standings.may_ask(DeviceId(device), 0);
        }
        assert_eq!(standings.0.len(), DEVICES_CAP);
        assert!(standings.left_alone_until_ms(BOB) > 0);
    }
}
