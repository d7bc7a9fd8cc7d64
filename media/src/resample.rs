//! Between a device's rate and ours, in one channel.

use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{Async, FixedAsync, Resampler as _, SincInterpolationParameters, WindowFunction};

/// Length of the filter: 64 is under a millisecond of delay, and cleaner than Opus.
const FILTER: usize = 64;

/// Turns sound of one rate into sound of another. Where both are the same it passes it on.
pub(crate) struct Resampler {
    filter: Option<Filter>,
}

struct Filter {
    inner: Async<f32>,
    /// What does not fill a chunk yet.
    waiting: Vec<f32>,
    made: Vec<f32>,
}

/// No filter leads from one rate to the other.
#[derive(Debug)]
pub(crate) struct NoFilter;

impl Resampler {
    pub(crate) fn new(from_hz: u32, to_hz: u32) -> Result<Self, NoFilter> {
        if from_hz == to_hz {
            return Ok(Self { filter: None });
        }
        let parameters = SincInterpolationParameters::new(FILTER, WindowFunction::BlackmanHarris2);
        let ratio = f64::from(to_hz) / f64::from(from_hz.max(1));
        // In chunks of five milliseconds, whatever the rate.
        let chunk = (from_hz as usize / 200).max(1);
        let inner =
            Async::new_sinc(ratio, 1.0, &parameters, chunk, 1, FixedAsync::Input).map_err(|_| NoFilter)?;
        let made = vec![0.0; inner.output_frames_max()];
        Ok(Self { filter: Some(Filter { inner, waiting: Vec::new(), made }) })
    }

    /// Adds to `out` what becomes of these samples, and of those that waited.
    pub(crate) fn feed(&mut self, samples: &[f32], out: &mut Vec<f32>) {
        match &mut self.filter {
            None => out.extend_from_slice(samples),
            Some(filter) => filter.feed(samples, out),
        }
    }
}

impl Filter {
    fn feed(&mut self, samples: &[f32], out: &mut Vec<f32>) {
        self.waiting.extend_from_slice(samples);
        loop {
            let needed = self.inner.input_frames_next();
            if self.waiting.len() < needed {
                return;
            }
            let made = self.chunk(needed);
            out.extend_from_slice(&self.made[..made]);
            self.waiting.drain(..needed);
        }
    }

    /// Returns how many samples were made; none, which is a moment of silence, where the filter refuses.
    fn chunk(&mut self, needed: usize) -> usize {
        let room = self.made.len();
        let (Ok(from), Ok(mut into)) = (
            InterleavedSlice::new(&self.waiting[..needed], 1, needed),
            InterleavedSlice::new_mut(&mut self.made[..], 1, room),
        ) else {
            return 0;
        };
        self.inner.process_into_buffer(&from, &mut into, None).map_or(0, |(_, made)| made)
    }
}

#[cfg(test)]
mod tests {
    use std::f32::consts::TAU;

    use super::*;
    use crate::signal::{correlation, power};

    fn sine(hz: f32, rate: u32, seconds: f32) -> Vec<f32> {
        (0..(rate as f32 * seconds) as usize)
            .map(|n| 0.5 * (TAU * hz * n as f32 / rate as f32).sin())
            .collect()
    }

    fn resampled(sound: &[f32], from_hz: u32, to_hz: u32) -> Vec<f32> {
        let mut resampler = Resampler::new(from_hz, to_hz).unwrap();
        let mut out = Vec::new();
        // In blocks that fit no chunk.
        sound.chunks(333).for_each(|block| resampler.feed(block, &mut out));
        out
    }

    #[test]
    fn a_tone_stays_the_same_tone() {
        for (from, to) in
            [(44_100, 48_000), (48_000, 44_100), (16_000, 48_000), (48_000, 96_000), (8_000, 48_000)]
        {
            let out = resampled(&sine(1_000.0, from, 1.0), from, to);
            let expected = sine(1_000.0, to, 1.0);
            assert!(out.len().abs_diff(expected.len()) < to as usize / 50, "{from} {to}: {}", out.len());
            let tail = &out[to as usize / 2..];
            let period = to as usize / 1_000;
            let likeness = (0..=period).map(|n| correlation(&expected[n..], tail)).fold(0.0, f32::max);
            assert!(likeness > 0.995, "{from} {to}: {likeness}");
            assert!((power(tail) / 0.125 - 1.0).abs() < 0.05, "{from} {to}");
        }
    }

    #[test]
    fn the_same_rate_changes_nothing() {
        let sound = sine(300.0, 48_000, 0.1);
        assert_eq!(resampled(&sound, 48_000, 48_000), sound);
    }
}
