//! Which packets came and which frames were played, as far back as it matters.

use super::store::Number;

/// As many as a word has bits: over a second of frames.
const WINDOW: u32 = u64::BITS;

/// Sequence numbers that were seen, of the newest [`WINDOW`].
#[derive(Debug, Default)]
pub(super) struct Sequences {
    newest: Option<u32>,
    /// Bit n: the number n before the newest one.
    seen: u64,
}

impl Sequences {
    pub(super) fn note(&mut self, sequence: u32) {
        let Some(newest) = self.newest else {
            (self.newest, self.seen) = (Some(sequence), 1);
            return;
        };
        let ahead = sequence.wrapping_sub(newest).cast_signed();
        if ahead > 0 {
            self.seen = self.seen.checked_shl(ahead.unsigned_abs()).unwrap_or(0) | 1;
            self.newest = Some(sequence);
        } else if ahead.unsigned_abs() < WINDOW {
            self.seen |= 1 << ahead.unsigned_abs();
        }
    }

    /// Whether the packet before this one came. Of the first one that is assumed.
    pub(super) fn saw_before(&self, sequence: u32) -> bool {
        let Some(newest) = self.newest else { return true };
        let back = newest.wrapping_sub(sequence.wrapping_sub(1)).cast_signed();
        match u32::try_from(back) {
            Ok(back) if back < WINDOW => self.seen >> back & 1 == 1,
            Ok(_) => true, // Too old to know.
            Err(_) => false,
        }
    }
}

/// Which of the last [`WINDOW`] frames were missed when they should have been played.
#[derive(Debug, Default)]
pub(super) struct Played {
    /// Bit n: the frame n + 1 before the next one.
    missed: u64,
}

impl Played {
    pub(super) fn note(&mut self, has_played: bool) {
        self.missed = self.missed << 1 | u64::from(!has_played);
    }

    pub(super) fn note_missed(&mut self, frames: Number) {
        for _ in 0..frames.min(WINDOW.into()) {
            self.note(false);
        }
    }

    pub(super) fn is_missed(&self, next: Number, number: Number) -> bool {
        bit(next, number).is_some_and(|bit| self.missed >> bit & 1 == 1)
    }

    /// Whether a frame that comes now was missed. It is told once.
    pub(super) fn came_late(&mut self, next: Number, number: Number) -> bool {
        let was_missed = self.is_missed(next, number);
        if let (true, Some(bit)) = (was_missed, bit(next, number)) {
            self.missed &= !(1 << bit);
        }
        was_missed
    }
}

fn bit(next: Number, number: Number) -> Option<u32> {
    u32::try_from(next - 1 - number).ok().filter(|&bit| bit < WINDOW)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_is_seen_until_it_is_filled() {
        let mut sequences = Sequences::default();
        assert!(sequences.saw_before(u32::MAX));
        sequences.note(u32::MAX);
        sequences.note(1);
        assert!(sequences.saw_before(0));
        assert!(!sequences.saw_before(1));
        assert!(!sequences.saw_before(3));
        sequences.note(0);
        assert!(sequences.saw_before(1));
    }

    #[test]
    fn a_frame_is_late_once() {
        let mut played = Played::default();
        played.note(true);
        played.note_missed(2);
        played.note(true);
        assert!(played.is_missed(104, 101) && played.is_missed(104, 102));
        assert!(!played.is_missed(104, 100) && !played.is_missed(104, 103));
        assert!(played.came_late(104, 101));
        assert!(!played.came_late(104, 101));
        assert!(!played.came_late(104, -1_000_000));
        played.note_missed(Number::MAX);
        assert!(played.is_missed(104, 104 - Number::from(WINDOW)));
    }
}
