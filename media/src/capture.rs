//! A microphone that is listened to for its level only.
//!
//! Owns the input stream behind the settings' "microphone level". Samples are measured on the audio
//! thread and forgotten there: nothing is recorded, and nothing but a [`Reading`] leaves this module.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use cpal::traits::{DeviceTrait, HostTrait, StreamTrait};
use cpal::{
    BufferSize, Data, Error, ErrorKind, FromSample, I24, SampleFormat, SizedSample, StreamConfig,
    SupportedBufferSize, SupportedStreamConfig, U24,
};

use crate::device::{AudioSystem, DeviceId};
use crate::level::{Level, Reading, SharedLevel};

/// Frames in a block: 21 ms at 48 kHz, fresh for the eye and roomy for any sound card.
/// The systems' own default can be seconds long.
const BLOCK_FRAMES: u32 = 1024;

/// How long a sound system may take to open a microphone before we say that it does not answer.
const OPEN_TIMEOUT: Duration = Duration::from_secs(3);

/// Why a microphone cannot be listened to.
#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    /// There is no such microphone, or none at all.
    #[error("no such microphone")]
    NoDevice,
    /// Another program holds it.
    #[error("the microphone is in use by another program")]
    Busy,
    /// The system's privacy settings or permissions keep us from it.
    #[error("the system does not allow the use of the microphone")]
    Denied,
    /// Its samples come in a form that this program cannot read, such as DSD.
    #[error("the microphone's sample format is not supported")]
    Format,
    /// The sound system fails in its own way.
    #[error("the sound system failed")]
    System(#[source] cpal::Error),
}

impl From<Error> for CaptureError {
    fn from(error: Error) -> Self {
        match error.kind() {
            ErrorKind::DeviceNotAvailable => Self::NoDevice,
            ErrorKind::DeviceBusy => Self::Busy,
            ErrorKind::PermissionDenied => Self::Denied,
            _ => Self::System(error),
        }
    }
}

/// An open microphone and its level. Dropping it closes the microphone.
pub struct InputMeter {
    /// Kept for its drop, which ends the callbacks.
    _stream: cpal::Stream,
    shared: Arc<Shared>,
}

impl fmt::Debug for InputMeter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InputMeter").field("shared", &self.shared).finish_non_exhaustive()
    }
}

#[derive(Debug)]
struct Shared {
    level: SharedLevel,
    lost: AtomicBool,
}

impl InputMeter {
    /// Latest level. Cheap, and never waits for the audio thread.
    pub fn reading(&self) -> Reading {
        self.shared.level.read()
    }

    /// Whether the microphone went away for good; a new meter must be opened then.
    pub fn is_lost(&self) -> bool {
        self.shared.lost.load(Ordering::Relaxed)
    }
}

impl AudioSystem {
    /// Opens a microphone, the system's default when none is named, and starts to measure it.
    ///
    /// Takes up to some seconds where the sound system is slow: not for a UI thread.
    pub fn meter_input(&self, id: Option<&DeviceId>) -> Result<InputMeter, CaptureError> {
        let device = match id {
            Some(id) => id.as_str().parse().ok().and_then(|id| self.host.device_by_id(&id)),
            None => self.host.default_input_device(),
        };
        let device = device.ok_or(CaptureError::NoDevice)?;
        let config = device.default_input_config()?;
        let measure = measure_fn(config.sample_format()).ok_or(CaptureError::Format)?;

        let shared = Arc::new(Shared { level: SharedLevel::new(), lost: AtomicBool::new(false) });
        let (meter, watch) = (Arc::clone(&shared), Arc::clone(&shared));
        let stream = device.build_input_stream_raw(
            stream_config(&config),
            config.sample_format(),
            move |data, _| meter.level.publish(measure(data)),
            move |error| {
                if is_fatal(error.kind()) {
                    watch.lost.store(true, Ordering::Relaxed);
                }
            },
            Some(OPEN_TIMEOUT),
        )?;
        stream.play()?;
        Ok(InputMeter { _stream: stream, shared })
    }
}

/// The device's own rate and channels, in blocks of our size where the device says that it takes them.
fn stream_config(supported: &SupportedStreamConfig) -> StreamConfig {
    let mut config = supported.config();
    config.buffer_size = match *supported.buffer_size() {
        SupportedBufferSize::Range { min, max } => BufferSize::Fixed(BLOCK_FRAMES.clamp(min, max)),
        SupportedBufferSize::Unknown => BufferSize::Fixed(BLOCK_FRAMES),
    };
    config
}

/// Whether a stream is over after this. The others are hiccups, or a default that moved elsewhere.
fn is_fatal(kind: ErrorKind) -> bool {
    !matches!(kind, ErrorKind::Xrun | ErrorKind::RealtimeDenied | ErrorKind::DeviceChanged)
}

/// How to measure a block of this format; `None` for formats whose values are not amplitudes.
fn measure_fn(format: SampleFormat) -> Option<fn(&Data) -> Level> {
    Some(match format {
        SampleFormat::I8 => measure::<i8>,
        SampleFormat::I16 => measure::<i16>,
        SampleFormat::I24 => measure::<I24>,
        SampleFormat::I32 => measure::<i32>,
        SampleFormat::I64 => measure::<i64>,
        SampleFormat::U8 => measure::<u8>,
        SampleFormat::U16 => measure::<u16>,
        SampleFormat::U24 => measure::<U24>,
        SampleFormat::U32 => measure::<u32>,
        SampleFormat::U64 => measure::<u64>,
        SampleFormat::F32 => measure::<f32>,
        SampleFormat::F64 => measure::<f64>,
        _ => return None,
    })
}

/// Runs on the audio thread.
fn measure<T: SizedSample>(data: &Data) -> Level
where
    f32: FromSample<T>,
{
    // Another format than the stream was opened with cannot come; it would read as silence.
    level_of(data.as_slice::<T>().unwrap_or_default())
}

fn level_of<T: SizedSample>(samples: &[T]) -> Level
where
    f32: FromSample<T>,
{
    Level::of(samples.iter().map(|&sample| sample.to_sample()))
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn every_amplitude_format_can_be_measured_and_dsd_cannot() {
        assert!(measure_fn(SampleFormat::I24).is_some());
        assert!(measure_fn(SampleFormat::F32).is_some());
        assert!(measure_fn(SampleFormat::DsdU8).is_none());
    }

    #[test]
    fn blocks_are_short_whatever_the_device_prefers() {
        let frames = |buffer_size| {
            stream_config(&SupportedStreamConfig::new(1, 48_000, buffer_size, SampleFormat::F32)).buffer_size
        };
        assert_eq!(frames(SupportedBufferSize::Unknown), BufferSize::Fixed(1024));
        assert_eq!(frames(SupportedBufferSize::Range { min: 16, max: 96_000 }), BufferSize::Fixed(1024));
        assert_eq!(frames(SupportedBufferSize::Range { min: 16, max: 512 }), BufferSize::Fixed(512));
        assert_eq!(frames(SupportedBufferSize::Range { min: 2048, max: 4096 }), BufferSize::Fixed(2048));
    }

    #[test]
    fn a_hiccup_does_not_lose_the_microphone() {
        assert!(!is_fatal(ErrorKind::Xrun));
        assert!(!is_fatal(ErrorKind::DeviceChanged));
        assert!(is_fatal(ErrorKind::DeviceNotAvailable));
        assert!(is_fatal(ErrorKind::StreamInvalidated));
    }
}
