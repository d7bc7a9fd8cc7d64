//! What runs on the audio thread: between a device's samples, whatever their form, and a ring of
//! floating-point numbers in one channel. Nothing here allocates, frees, locks, logs or blocks.

use std::sync::Arc;

use cpal::{Data, FromSample, I24, SampleFormat, SizedSample, U24};

use super::Signs;
use crate::level::Level;

/// Takes a microphone's blocks.
pub(crate) struct Intake {
    ring: Option<rtrb::Producer<f32>>,
    channels: usize,
    signs: Arc<Signs>,
}

/// Gives a loudspeaker its blocks.
pub(crate) struct Outlet {
    ring: rtrb::Consumer<f32>,
    channels: usize,
    signs: Arc<Signs>,
    /// Before the first sound there is nothing to miss.
    has_begun: bool,
}

pub(super) type Take = fn(&mut Intake, &Data);
pub(super) type Give = fn(&mut Outlet, &mut Data);

impl Intake {
    pub(super) fn new(ring: Option<rtrb::Producer<f32>>, channels: u16, signs: Arc<Signs>) -> Self {
        Self { ring, channels: usize::from(channels.max(1)), signs }
    }

    pub(super) fn take<T: SizedSample>(&mut self, samples: &[T])
    where
        f32: FromSample<T>,
    {
        let sound = samples.iter().map(|&sample| sample.to_sample::<f32>());
        self.signs.level.publish(Level::of(sound));
        let Some(ring) = &mut self.ring else { return };
        let share = 1.0 / self.channels as f32;
        for frame in samples.chunks_exact(self.channels) {
            let sum: f32 = frame.iter().map(|&sample| sample.to_sample::<f32>()).sum();
            // Broken drivers give values that are no numbers; one of them would silence the codec.
            let mixed = sum * share;
            let mixed = if mixed.is_finite() { mixed } else { 0.0 };
            if ring.push(mixed).is_err() {
                return self.signs.count_xrun();
            }
        }
    }
}

impl Outlet {
    pub(super) fn new(ring: rtrb::Consumer<f32>, channels: u16, signs: Arc<Signs>) -> Self {
        Self { ring, channels: usize::from(channels.max(1)), signs, has_begun: false }
    }

    pub(super) fn give<T: SizedSample + FromSample<f32>>(&mut self, samples: &mut [T]) {
        let mut is_short = false;
        let mut peak = 0.0_f32;
        for frame in samples.chunks_mut(self.channels) {
            let sound = self.ring.pop();
            self.has_begun |= sound.is_ok();
            is_short |= sound.is_err();
            let sound = sound.unwrap_or(0.0);
            peak = peak.max(sound.abs());
            frame.fill(T::from_sample(sound));
        }
        self.signs.level.publish(Level::of([peak]));
        if is_short && self.has_begun {
            self.signs.count_xrun();
        }
    }
}

/// How to take blocks of this form; `None` for forms whose values are not amplitudes.
pub(super) fn take_fn(format: SampleFormat) -> Option<Take> {
    Some(match format {
        SampleFormat::I8 => take::<i8>,
        SampleFormat::I16 => take::<i16>,
        SampleFormat::I24 => take::<I24>,
        SampleFormat::I32 => take::<i32>,
        SampleFormat::I64 => take::<i64>,
        SampleFormat::U8 => take::<u8>,
        SampleFormat::U16 => take::<u16>,
        SampleFormat::U24 => take::<U24>,
        SampleFormat::U32 => take::<u32>,
        SampleFormat::U64 => take::<u64>,
        SampleFormat::F32 => take::<f32>,
        SampleFormat::F64 => take::<f64>,
        _ => return None,
    })
}

/// How to give blocks of this form, likewise.
pub(super) fn give_fn(format: SampleFormat) -> Option<Give> {
    Some(match format {
        SampleFormat::I8 => give::<i8>,
        SampleFormat::I16 => give::<i16>,
        SampleFormat::I24 => give::<I24>,
        SampleFormat::I32 => give::<i32>,
        SampleFormat::I64 => give::<i64>,
        SampleFormat::U8 => give::<u8>,
        SampleFormat::U16 => give::<u16>,
        SampleFormat::U24 => give::<U24>,
        SampleFormat::U32 => give::<u32>,
        SampleFormat::U64 => give::<u64>,
        SampleFormat::F32 => give::<f32>,
        SampleFormat::F64 => give::<f64>,
        _ => return None,
    })
}

fn take<T: SizedSample>(intake: &mut Intake, data: &Data)
where
    f32: FromSample<T>,
{
    // Another form than the stream was opened with cannot come; it would be as if nothing came.
    intake.take(data.as_slice::<T>().unwrap_or_default());
}

fn give<T: SizedSample + FromSample<f32>>(outlet: &mut Outlet, data: &mut Data) {
    if let Some(samples) = data.as_slice_mut::<T>() {
        outlet.give(samples);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level_of<T: SizedSample>(samples: &[T]) -> Level
    where
        f32: FromSample<T>,
    {
        let signs = Signs::new();
        Intake::new(None, 1, Arc::clone(&signs)).take(samples);
        signs.reading().level
    }

    #[test]
    fn half_of_full_scale_is_the_same_in_every_format() {
        let half = -6.02_f32;
        let levels = [
            level_of(&[0.5_f32, -0.5]),
            level_of(&[0.5_f64, -0.5]),
            level_of(&[i16::MAX / 2, i16::MIN / 2]),
            level_of(&[i32::MAX / 2, i32::MIN / 2]),
            level_of(&[0xC000_u16, 0x4000]),
            level_of(&[0xC0_u8, 0x40]),
        ];
        for level in levels {
            assert!((level.rms_dbfs - half).abs() < 0.1, "{level:?}");
            assert!((level.peak_dbfs - half).abs() < 0.1, "{level:?}");
        }
        assert_eq!(level_of(&[0x8000_u16; 8]), Level::SILENCE);
    }

    #[test]
    fn every_amplitude_format_can_be_used_and_dsd_cannot() {
        assert!(take_fn(SampleFormat::I24).is_some() && give_fn(SampleFormat::I24).is_some());
        assert!(take_fn(SampleFormat::F32).is_some() && give_fn(SampleFormat::U8).is_some());
        assert!(take_fn(SampleFormat::DsdU8).is_none() && give_fn(SampleFormat::DsdU8).is_none());
    }

    #[test]
    fn channels_become_one_and_one_becomes_all_of_them() {
        let (producer, mut taken) = rtrb::RingBuffer::new(8);
        let mut intake = Intake::new(Some(producer), 2, Signs::new());
        intake.take(&[0.5_f32, 0.1, f32::NAN, 0.2, -1.0, 1.0]);
        let taken: Vec<f32> = std::iter::from_fn(|| taken.pop().ok()).collect();
        assert_eq!(taken, [0.3, 0.0, 0.0]);

        let (mut producer, consumer) = rtrb::RingBuffer::new(8);
        producer.push(0.5).unwrap();
        let mut outlet = Outlet::new(consumer, 2, Signs::new());
        let mut given = [7_i16; 4];
        outlet.give(&mut given);
        assert_eq!(given, [16_384, 16_384, 0, 0]);
    }

    #[test]
    fn too_much_and_too_little_are_counted_once_a_block() {
        let signs = Signs::new();
        let (producer, _kept) = rtrb::RingBuffer::new(4);
        Intake::new(Some(producer), 1, Arc::clone(&signs)).take(&[0.1_f32; 100]);
        assert_eq!(signs.xruns(), 1);

        let signs = Signs::new();
        let (mut producer, consumer) = rtrb::RingBuffer::new(4);
        let mut outlet = Outlet::new(consumer, 1, Arc::clone(&signs));
        outlet.give(&mut [0.0_f32; 100]);
        assert_eq!(signs.xruns(), 0, "there was nothing to miss yet");
        producer.push(0.1).unwrap();
        outlet.give(&mut [0.0_f32; 100]);
        assert_eq!(signs.xruns(), 1);
    }

    #[test]
    fn the_audio_thread_neither_allocates_nor_frees() {
        let (producer, consumer) = rtrb::RingBuffer::new(10_000);
        let mut intake = Intake::new(Some(producer), 2, Signs::new());
        let mut outlet = Outlet::new(consumer, 2, Signs::new());
        let (loud, mut played) = (vec![8_000_i16; 960], vec![0.0_f32; 960]);
        let counted = allocation_counter::measure(|| {
            // Until the ring is full, and until it is empty again.
            (0..30).for_each(|_| intake.take(&loud));
            (0..30).for_each(|_| outlet.give(&mut played));
        });
        assert_eq!((counted.count_total, counted.count_current), (0, 0));
        assert!(intake.signs.xruns() > 0 && outlet.signs.xruns() > 0);
    }
}
