//! How loud a block of samples is, and the one word in which the audio thread tells the others.
//!
//! Owns the arithmetic and the hand-over. It must never know a device: samples come in as numbers.
//! [`Level::of`] and `SharedLevel::publish` run on the audio thread.

use std::sync::atomic::{AtomicU64, Ordering};

/// Quietest value shown: the noise floor of 16-bit sound. Digital silence has no finite level.
pub const FLOOR_DBFS: f32 = -96.0;

/// Loudest value shown. Float samples may exceed full scale before they are clipped elsewhere.
pub const CEILING_DBFS: f32 = 12.0;

/// Loudness of one block of samples, between [`FLOOR_DBFS`] and [`CEILING_DBFS`].
///
/// 0 dBFS is an amplitude of 1.0, so a sine at full scale has a peak of 0 and an RMS of -3.01.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Level {
    /// Root mean square: how loud it sounds.
    pub rms_dbfs: f32,
    /// Largest magnitude: how close it comes to clipping.
    pub peak_dbfs: f32,
}

impl Level {
    /// No sound at all.
    pub const SILENCE: Self = Self { rms_dbfs: FLOOR_DBFS, peak_dbfs: FLOOR_DBFS };

    /// Measures samples whose full scale is -1.0 to 1.0, all channels together.
    ///
    /// Values that are not finite come from broken drivers and are passed over.
    pub fn of(samples: impl IntoIterator<Item = f32>) -> Self {
        let mut peak = 0.0_f32;
        // f64: a long block of quiet samples must not vanish beside its first loud one.
        let mut energy = 0.0_f64;
        let mut count = 0_u32;
        for sample in samples.into_iter().filter(|sample| sample.is_finite()) {
            peak = peak.max(sample.abs());
            energy += f64::from(sample) * f64::from(sample);
            count += 1;
        }
        let mean = energy / f64::from(count.max(1));
        Self { rms_dbfs: dbfs(mean.sqrt() as f32), peak_dbfs: dbfs(peak) }
    }
}

/// Decibels relative to full scale; zero becomes the floor, since its logarithm is -infinity.
fn dbfs(amplitude: f32) -> f32 {
    (20.0 * amplitude.log10()).clamp(FLOOR_DBFS, CEILING_DBFS)
}

/// The latest block and how many came before it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reading {
    /// Loudness of the latest block.
    pub level: Level,
    /// Blocks measured so far, wrapping. A reader that sees the same number for a second knows
    /// that the device fell silent without a word, which some sound systems do.
    pub blocks: u32,
}

impl Reading {
    /// Nothing was measured.
    pub const NONE: Self = Self { level: Level::SILENCE, blocks: 0 };
}

/// Hands a [`Reading`] from the audio thread to any other, whole and without a lock.
///
/// One 64-bit word: 32 bits of block count, then RMS and peak as hundredths of a decibel.
/// A reader can therefore never see the RMS of one block beside the peak of another.
#[derive(Debug)]
pub(crate) struct SharedLevel(AtomicU64);

impl SharedLevel {
    /// Nothing measured yet.
    pub(crate) fn new() -> Self {
        Self(AtomicU64::new(pack(Reading::NONE)))
    }

    /// Replaces the reading. Only one thread may publish, so load and store need no exchange.
    pub(crate) fn publish(&self, level: Level) {
        let blocks = self.read().blocks.wrapping_add(1);
        // Relaxed: the word is the whole message, nothing else is read because of it.
        self.0.store(pack(Reading { level, blocks }), Ordering::Relaxed);
    }

    /// The latest reading.
    pub(crate) fn read(&self) -> Reading {
        unpack(self.0.load(Ordering::Relaxed))
    }
}

fn pack(reading: Reading) -> u64 {
    let hundredths = |dbfs: f32| u64::from(((dbfs * 100.0).round() as i16).cast_unsigned());
    u64::from(reading.blocks) << 32
        | hundredths(reading.level.rms_dbfs) << 16
        | hundredths(reading.level.peak_dbfs)
}

fn unpack(word: u64) -> Reading {
    let dbfs = |shift: u32| f32::from(((word >> shift) as u16).cast_signed()) / 100.0;
    Reading { level: Level { rms_dbfs: dbfs(16), peak_dbfs: dbfs(0) }, blocks: (word >> 32) as u32 }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ten periods of a sine, so that its mean square is exact.
    fn sine(amplitude: f32) -> impl Iterator<Item = f32> {
        const PERIOD: usize = 480;
        (0..10 * PERIOD).map(move |n| {
            let phase = n as f64 / PERIOD as f64 * std::f64::consts::TAU;
            amplitude * phase.sin() as f32
        })
    }

    fn assert_level(level: Level, rms_dbfs: f32, peak_dbfs: f32) {
        assert!((level.rms_dbfs - rms_dbfs).abs() < 0.02, "rms of {level:?} is not {rms_dbfs}");
        assert!((level.peak_dbfs - peak_dbfs).abs() < 0.02, "peak of {level:?} is not {peak_dbfs}");
    }

    #[test]
    fn a_sine_reads_three_decibels_under_its_peak() {
        assert_level(Level::of(sine(1.0)), -3.01, 0.0);
        assert_level(Level::of(sine(0.5)), -9.03, -6.02);
        assert_level(Level::of(sine(0.001)), -63.01, -60.0);
    }

    #[test]
    fn a_square_wave_is_as_loud_as_its_peak() {
        assert_level(Level::of([0.5, -0.5].into_iter().cycle().take(960)), -6.02, -6.02);
    }

    #[test]
    fn silence_and_an_empty_block_rest_on_the_floor() {
        assert_eq!(Level::of([0.0; 480]), Level::SILENCE);
        assert_eq!(Level::of([]), Level::SILENCE);
        assert_eq!(Level::of([1e-9; 480]), Level::SILENCE);
    }

    #[test]
    fn one_click_shows_in_the_peak_alone() {
        let mut block = [0.0; 10_000];
        block[123] = -1.0;
        assert_level(Level::of(block), -40.0, 0.0);
    }

    #[test]
    fn broken_samples_are_passed_over() {
        let block = sine(0.5).chain([f32::NAN, f32::INFINITY, f32::NEG_INFINITY]);
        assert_level(Level::of(block), -9.03, -6.02);
        assert_eq!(Level::of([f32::NAN; 4]), Level::SILENCE);
    }

    #[test]
    fn samples_beyond_full_scale_stop_at_the_ceiling() {
        assert_level(Level::of([2.0; 16]), 6.02, 6.02);
        assert_level(Level::of([1e30; 16]), CEILING_DBFS, CEILING_DBFS);
    }

    #[test]
    fn a_reading_crosses_threads_whole() {
        let shared = SharedLevel::new();
        assert_eq!(shared.read(), Reading::NONE);
        const BLOCKS: u32 = 50_000;
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for n in 0..BLOCKS {
                    let dbfs = -((n % 90) as f32);
                    shared.publish(Level { rms_dbfs: dbfs, peak_dbfs: dbfs });
                }
            });
            let mut seen = 0;
            while seen < BLOCKS {
                let reading = shared.read();
                assert!(reading.blocks >= seen, "blocks went back from {seen} to {}", reading.blocks);
                assert_eq!(reading.level.rms_dbfs, reading.level.peak_dbfs);
                seen = reading.blocks;
            }
        });
    }

    #[test]
    fn measuring_and_publishing_allocate_nothing() {
        let shared = SharedLevel::new();
        let block: Vec<f32> = sine(0.7).collect();
        let allocations = allocation_counter::measure(|| shared.publish(Level::of(block.iter().copied())));
        assert_eq!(allocations.count_total, 0);
    }
}
