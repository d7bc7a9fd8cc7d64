//! What became of a voice's packets, for whoever asks how good the line is.

use crate::codec::FRAME;

/// Counts since the voice began.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Statistics {
    /// Packets that came.
    pub received: u64,
    /// Packets of another time than the others.
    pub outliers: u64,
    /// Frames that are no Opus, or not as long as ours.
    pub corrupt: u64,
    /// Frames that were decoded.
    pub decoded: u64,
    /// Those among them that came as a repetition only.
    pub repeated: u64,
    /// Lost frames that were made from the coarse copy in the next one.
    pub from_fec: u64,
    /// Lost frames that were made from DRED.
    pub from_dred: u64,
    /// Frames that were not there in time and could not be made from anything.
    pub lost: u64,
    /// Those among them that came later.
    pub late: u64,
    /// Samples that were made up.
    pub made_up_samples: u64,
    /// Samples that were left out to come closer.
    pub shortened_samples: u64,
    /// Samples that were said twice to wait for more.
    pub lengthened_samples: u64,
    /// How long frames wait now, beyond the quickest way, in milliseconds.
    pub delay_ms: f32,
    /// How long they should.
    pub target_ms: f32,
    /// Frames that wait.
    pub waiting: usize,
    pub(super) delay_sum_ms: f64,
    pub(super) delays: u64,
}

impl Statistics {
    /// Mean of how long frames waited.
    pub fn mean_delay_ms(&self) -> f32 {
        (self.delay_sum_ms / self.delays.max(1) as f64) as f32
    }

    /// Share of frames that came too late to be played.
    pub fn late_share(&self) -> f32 {
        self.late as f32 / self.frames().max(1) as f32
    }

    /// Share of speech that was made up.
    pub fn made_up_share(&self) -> f32 {
        self.made_up_samples as f32 / (self.frames().max(1) * FRAME as u64) as f32
    }

    /// What was counted since an earlier look. What is so now stays as it is now.
    pub fn since(&self, before: &Self) -> Self {
        Self {
            received: self.received - before.received,
            outliers: self.outliers - before.outliers,
            corrupt: self.corrupt - before.corrupt,
            decoded: self.decoded - before.decoded,
            repeated: self.repeated - before.repeated,
            from_fec: self.from_fec - before.from_fec,
            from_dred: self.from_dred - before.from_dred,
            lost: self.lost - before.lost,
            late: self.late - before.late,
            made_up_samples: self.made_up_samples - before.made_up_samples,
            shortened_samples: self.shortened_samples - before.shortened_samples,
            lengthened_samples: self.lengthened_samples - before.lengthened_samples,
            delay_sum_ms: self.delay_sum_ms - before.delay_sum_ms,
            delays: self.delays - before.delays,
            ..*self
        }
    }

    /// Frames whose time came.
    fn frames(&self) -> u64 {
        self.decoded + self.from_fec + self.from_dred + self.lost
    }

    pub(super) fn note_delay(&mut self, delay_ms: f32) {
        self.delay_sum_ms += f64::from(delay_ms);
        self.delays += 1;
    }

    /// Notes that sound became longer by so many samples, or shorter.
    pub(super) fn note_stretch(&mut self, by: i64) {
        let samples = by.unsigned_abs();
        if by > 0 { self.lengthened_samples += samples } else { self.shortened_samples += samples }
    }
}
