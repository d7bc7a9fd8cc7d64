//! Turning steady noise down, as WebRTC does, but without the filter that it puts before: that one takes
//! the lowest part of deep voices (`docs/decisions/0014-sound.md`).
//!
//! Owns the cutting into bands around sonora's noise suppressor, which works on the lowest of three and
//! says what becomes of the others.

use sonora::three_band_filter_bank::{FULL_BAND_SIZE, NUM_BANDS, SPLIT_BAND_SIZE, ThreeBandFilterBank};
use sonora_ns::config::{NsConfig, SuppressionLevel};

use crate::codec::BLOCK;

/// Sonora counts in steps of 16-bit samples.
const STEPS: f32 = 32_768.0;

// What it splits is one of our blocks.
const _: () = assert!(FULL_BAND_SIZE == BLOCK);

/// Works on one voice; what comes out is 7 milliseconds late.
pub(super) struct NoiseSuppressor {
    inner: sonora_ns::noise_suppressor::NoiseSuppressor,
    splits: ThreeBandFilterBank,
    joins: ThreeBandFilterBank,
}

impl NoiseSuppressor {
    pub(super) fn new() -> Self {
        let config = NsConfig { target_level: SuppressionLevel::K12dB };
        Self {
            inner: sonora_ns::noise_suppressor::NoiseSuppressor::new_with_bands(config, NUM_BANDS),
            splits: ThreeBandFilterBank::new(),
            joins: ThreeBandFilterBank::new(),
        }
    }

    pub(super) fn process(&mut self, block: &mut [f32; BLOCK]) {
        let mut bands = [[0.0; SPLIT_BAND_SIZE]; NUM_BANDS];
        self.splits.analysis(&block.map(|sample| sample * STEPS), &mut bands);
        let [lowest, upper @ ..] = &mut bands;
        self.inner.analyze(lowest);
        self.inner.process(lowest);
        let gain = self.inner.upper_band_gain();
        for (index, band) in upper.iter_mut().enumerate() {
            self.inner.process_upper_band(band, index, gain);
        }
        self.joins.synthesis(&bands, block);
        block.iter_mut().for_each(|sample| *sample /= STEPS);
    }
}
