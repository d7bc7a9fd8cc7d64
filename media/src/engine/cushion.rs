//! How much sound waits before a loudspeaker.

/// How much longer it gets when the loudspeaker ran out of it, and shorter when that did not happen for long.
const STEP_MS: u32 = 5;
/// How long it gets at most, unless the loudspeaker takes more than that at a time.
const MOST_MS: u32 = 80;
/// Blocks of ten milliseconds without a gap after which a shorter one is tried: ten seconds.
const PATIENCE_FIRST: u32 = 1_000;
/// And at most: ten minutes. Each try may be a gap that is heard.
const PATIENCE_MAX: u32 = 60_000;

/// So much sound waits, in the device's samples: what was heard to be enough lately.
#[derive(Debug)]
pub(super) struct Cushion {
    len: usize,
    least: usize,
    most: usize,
    step: usize,
    /// Blocks since it changed or a gap was heard.
    calm: u32,
    patience: u32,
    /// Whether it is shorter than it was at the last gap.
    is_tried: bool,
}

impl Cushion {
    /// Before a device with this many samples in a second, which takes this many at a time.
    pub(super) fn before(rate_hz: u32, block_frames: u32) -> Self {
        let samples = |ms: u32| (rate_hz * ms / 1_000) as usize;
        let step = samples(STEP_MS);
        // The device takes a block at a time, and we may be late by a look or two.
        let least = block_frames as usize + step;
        let most = samples(MOST_MS).max(least);
        Self { len: least, least, most, step, calm: 0, patience: PATIENCE_FIRST, is_tried: false }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// The loudspeaker ran out of sound.
    pub(super) fn ran_dry(&mut self) {
        if std::mem::take(&mut self.is_tried) {
            self.patience = (2 * self.patience).min(PATIENCE_MAX);
        }
        self.len = (self.len + self.step).min(self.most);
        self.calm = 0;
    }

    /// Another block of ten milliseconds was played.
    pub(super) fn played(&mut self) {
        self.calm += 1;
        if self.calm >= self.patience {
            self.calm = 0;
            self.is_tried |= self.len > self.least;
            self.len = self.len.saturating_sub(self.step).max(self.least);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE_HZ: u32 = 48_000;
    const BLOCK_FRAMES: u32 = 240;

    /// Seconds of calm until it is shorter.
    fn shorter_after(cushion: &mut Cushion) -> u32 {
        let len = cushion.len();
        let blocks = (1..=2 * PATIENCE_MAX).find(|_| {
            cushion.played();
            cushion.len() < len
        });
        blocks.expect("it never was") / 100
    }

    #[test]
    fn after_a_gap_it_is_longer_and_after_ten_calm_seconds_as_short_as_before() {
        let mut cushion = Cushion::before(RATE_HZ, BLOCK_FRAMES);
        let least = cushion.len();
        cushion.ran_dry();
        assert_eq!(cushion.len(), least + 240);
        assert_eq!(shorter_after(&mut cushion), 10);
        assert_eq!(cushion.len(), least);
        (0..PATIENCE_MAX).for_each(|_| cushion.played());
        assert_eq!(cushion.len(), least, "never shorter than the device takes at a time");
    }

    #[test]
    fn what_was_too_short_is_tried_again_after_twice_the_time() {
        let mut cushion = Cushion::before(RATE_HZ, BLOCK_FRAMES);
        let mut waited = Vec::new();
        for _ in 0..8 {
            cushion.ran_dry();
            waited.push(shorter_after(&mut cushion));
        }
        assert_eq!(waited, [10, 20, 40, 80, 160, 320, 600, 600]);
    }

    #[test]
    fn it_has_an_end() {
        let mut cushion = Cushion::before(RATE_HZ, BLOCK_FRAMES);
        (0..100).for_each(|_| cushion.ran_dry());
        assert_eq!(cushion.len(), 3_840, "80 milliseconds");
    }
}
