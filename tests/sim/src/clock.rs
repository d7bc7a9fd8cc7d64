//! The wall clock of a peer: the true time, wrong by an offset and running too fast or too slow.

/// When every run begins, in Unix milliseconds.
pub(crate) const START_MS: u64 = 1_793_000_000_000;

/// One peer's clock.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Clock {
    pub(crate) offset_ms: i64,
    /// Parts in a million by which it runs too fast.
    pub(crate) drift_ppm: i64,
}

impl Clock {
    /// What it shows `now_ms` after the beginning, in Unix milliseconds.
    pub(crate) fn read(self, now_ms: u64) -> u64 {
        let drift_ms = now_ms as i64 * self.drift_ppm / 1_000_000;
        (START_MS + now_ms).saturating_add_signed(self.offset_ms + drift_ms)
    }
}
