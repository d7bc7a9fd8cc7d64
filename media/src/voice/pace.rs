//! Whether sound of the microphone is missing: a device that was lost and came back, or a machine that
//! was busy. Frames are numbered by time, so what was never heard is a gap in the numbers; else all that
//! is said later would seem to come late.
//!
//! Owns the comparison of blocks with time, which comes in with each of them.

use std::time::Duration;

/// What a block lasts, and a thousandth more: however slow the device's clock is, it lags no farther.
const BLOCK_TIME: Duration = Duration::from_micros(10_010);
/// What a frame lasts.
const FRAME_TIME: Duration = Duration::from_millis(20);
/// Less is not told from a thread that was woken late.
const MISSING_MIN: Duration = Duration::from_millis(40);
/// A microphone of which nothing was heard for so long is not there.
const ABSENT_MIN: Duration = Duration::from_millis(500);
/// After a stall, blocks come in a burst and are soon in time again: so many are waited for.
const PATIENCE: u32 = 8;

/// Compares the blocks of a microphone with time.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// When the next block is due.
    due: Option<Duration>,
    /// How late the last blocks were, the least, and how many they are.
    least: Duration,
    late: u32,
}

impl Pace {
    /// A block was heard. Returns how many frames are missing before it.
    pub(super) fn missing(&mut self, now: Duration) -> u32 {
        let due = self.due.map_or(now, |due| due.min(now));
        let lag = now - due;
        self.due = Some(due + BLOCK_TIME);
        if lag < MISSING_MIN {
            self.late = 0;
            return 0;
        }
        self.least = if self.late == 0 { lag } else { self.least.min(lag) };
        self.late += 1;
        if self.late < PATIENCE {
            return 0;
        }
        let nearest = (self.least + FRAME_TIME / 2).as_millis() / FRAME_TIME.as_millis();
        let frames = u32::try_from(nearest).unwrap_or(u32::MAX);
        self.late = 0;
        self.due = Some((due + FRAME_TIME.saturating_mul(frames)).min(now) + BLOCK_TIME);
        frames
    }

    /// Asks while there may be no microphone at all. Returns how many frames are missing up to now.
    pub(super) fn missing_without_blocks(&mut self, now: Duration) -> u32 {
        let due = *self.due.get_or_insert(now);
        let lag = now.saturating_sub(due);
        if lag < ABSENT_MIN {
            return 0;
        }
        let frames = u32::try_from(lag.as_millis() / FRAME_TIME.as_millis()).unwrap_or(u32::MAX);
        self.due = Some(due + FRAME_TIME.saturating_mul(frames));
        frames
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn missing(times_us: impl IntoIterator<Item = u64>) -> u32 {
        let mut pace = Pace::default();
        times_us.into_iter().map(|at| pace.missing(Duration::from_micros(at))).sum()
    }

    #[test]
    fn a_clock_that_differs_misses_nothing() {
        assert_eq!(missing((0..60_000).map(|n| n * 10_002)), 0);
        assert_eq!(missing((0..60_000).map(|n| n * 9_998)), 0);
    }

    #[test]
    fn a_stall_whose_sound_is_kept_misses_nothing() {
        assert_eq!(
            missing((0..1_000).map(|n| if (500..506).contains(&n) { 5_060_000 } else { n * 10_000 })),
            0
        );
    }

    #[test]
    fn what_no_microphone_hears_is_missing_as_well() {
        let mut pace = Pace::default();
        let seconds = |pace: &mut Pace, from: u64| -> u32 {
            (from..from + 5).map(|second| pace.missing_without_blocks(Duration::from_secs(second))).sum()
        };
        assert_eq!(seconds(&mut pace, 3), 200);
        assert_eq!(pace.missing(Duration::from_secs(7)), 0);
        assert_eq!(pace.missing_without_blocks(Duration::from_millis(7_100)), 0);
    }

    #[test]
    fn what_was_never_heard_is_counted_once() {
        let gap = |lost: u64| missing((0..2_000).map(move |n| n * 10_000 + if n < 700 { 0 } else { lost }));
        assert_eq!(gap(3_000_000), 150);
        assert_eq!(gap(150_000), 7);
        assert_eq!(gap(30_000), 0);
    }
}
