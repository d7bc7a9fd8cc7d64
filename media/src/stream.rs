//! Open microphones and loudspeakers.
//!
//! Owns what the two have in common: why one cannot be opened, in what form and block size it is, and
//! what the audio thread tells the others. That thread runs `Intake` and `Outlet`, which push to and
//! pop from a ring and touch atomics, and do nothing else.

mod format;
#[cfg(target_os = "linux")]
mod pulse;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

#[cfg(target_os = "linux")]
use cpal::HostId;
use cpal::traits::{DeviceTrait, StreamTrait};
use cpal::{
    BufferSize, Error, ErrorKind, SampleFormat, StreamConfig, SupportedBufferSize, SupportedStreamConfig,
};

pub(crate) use self::format::{Intake, Outlet};
use self::format::{give_fn, take_fn};
use crate::codec::SAMPLE_RATE_HZ;
use crate::device::{AudioSystem, DeviceId, id_of};
use crate::level::{Reading, SharedLevel};

/// How long a sound system may take to open a device before we say that it does not answer.
const OPEN_TIMEOUT: Duration = Duration::from_secs(3);
/// Frames at a time at our rate: a power of two, which drivers like. The systems' own default can be seconds
/// long.
const BLOCK: u32 = 512;
/// Sound that may wait between the audio thread and ours. Ours is never that late unless it is stuck.
const RING_MS: u32 = 200;
/// And at least so many of the device's blocks: one that is given or taken, and what waits beside it.
const RING_BLOCKS: u32 = 3;

/// Why a microphone or loudspeaker cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// There is no such device, or none at all.
    #[error("no such sound device")]
    NoDevice,
    /// Another program holds it.
    #[error("the sound device is in use by another program")]
    Busy,
    /// The system's privacy settings or permissions keep us from it.
    #[error("the system does not allow the use of the sound device")]
    Denied,
    /// Its samples come in a form that this program cannot read, such as DSD.
    #[error("the sound device's sample format is not supported")]
    Format,
    /// The sound system fails in its own way.
    #[error("the sound system failed")]
    System(#[source] cpal::Error),
}

impl From<Error> for OpenError {
    fn from(error: Error) -> Self {
        match error.kind() {
            ErrorKind::DeviceNotAvailable => Self::NoDevice,
            ErrorKind::DeviceBusy => Self::Busy,
            ErrorKind::PermissionDenied => Self::Denied,
            _ => Self::System(error),
        }
    }
}

/// What the audio thread tells the others.
#[derive(Debug)]
pub(crate) struct Signs {
    level: SharedLevel,
    is_lost: AtomicBool,
    xruns: AtomicU32,
}

impl Signs {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            level: SharedLevel::new(),
            is_lost: AtomicBool::new(false),
            xruns: AtomicU32::new(0),
        })
    }

    /// The latest block, and how many there were.
    pub(crate) fn reading(&self) -> Reading {
        self.level.read()
    }

    /// Whether the device went away for good.
    pub(crate) fn is_lost(&self) -> bool {
        self.is_lost.load(Ordering::Relaxed)
    }

    /// How often sound was missing or too much.
    pub(crate) fn xruns(&self) -> u32 {
        self.xruns.load(Ordering::Relaxed)
    }

    fn count_xrun(&self) {
        self.xruns.fetch_add(1, Ordering::Relaxed);
    }

    /// The sound system reports something about the device.
    pub(crate) fn hear_of(&self, kind: ErrorKind) {
        match kind {
            ErrorKind::Xrun => self.count_xrun(),
            kind if is_fatal(kind) => self.is_lost.store(true, Ordering::Relaxed),
            _ => {}
        }
    }
}

/// Whether a stream is over after this. The others are hiccups, or a default that moved elsewhere.
fn is_fatal(kind: ErrorKind) -> bool {
    !matches!(kind, ErrorKind::Xrun | ErrorKind::RealtimeDenied | ErrorKind::DeviceChanged)
}

/// Whoever calls back.
enum Stream {
    #[expect(dead_code, reason = "kept for its drop")]
    Cpal(cpal::Stream),
    #[cfg(target_os = "linux")]
    #[expect(dead_code, reason = "kept for its drop")]
    Pulse(pulse::PulseStream),
}

/// A device that is open. Dropping it closes it.
pub(crate) struct Open {
    /// Kept for its drop, which ends the callbacks.
    _stream: Stream,
    pub(crate) signs: Arc<Signs>,
    /// Its own name for itself, to be told from others.
    pub(crate) id: Option<DeviceId>,
    /// What the system calls it.
    pub(crate) name: String,
    pub(crate) rate_hz: u32,
    /// Frames that it takes or gives at a time.
    pub(crate) block_frames: u32,
}

impl fmt::Debug for Open {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Open")
            .field("name", &self.name)
            .field("rate_hz", &self.rate_hz)
            .finish_non_exhaustive()
    }
}

impl AudioSystem {
    /// Opens a microphone, the system's default when none is named. Its sound goes into the ring, in one
    /// channel and at its own rate; without a ring only its level is taken.
    pub(crate) fn open_input(
        &self,
        id: Option<&DeviceId>,
        wants_sound: bool,
    ) -> Result<(Open, Option<rtrb::Consumer<f32>>), OpenError> {
        let device = self.input(id).ok_or(OpenError::NoDevice)?;
        #[cfg(target_os = "linux")]
        if let Some(name) = self.pulse_name(&device) {
            let (producer, consumer) = wants_sound.then(|| ring(SAMPLE_RATE_HZ, pulse::BLOCK)).unzip();
            let signs = Signs::new();
            let intake = Intake::new(producer, 1, Arc::clone(&signs));
            let stream = pulse::record(&name, intake, Arc::clone(&signs))?;
            return Ok((Open::over_pulse(stream, &device, signs), consumer));
        }
        let form = Form::of_input(&device)?;
        let take = take_fn(form.samples).ok_or(OpenError::Format)?;
        let signs = Signs::new();
        let (producer, consumer) = wants_sound.then(|| ring(form.rate_hz, form.block_frames)).unzip();
        let mut intake = Intake::new(producer, form.config.channels, Arc::clone(&signs));
        let watch = Arc::clone(&signs);
        let stream = device.build_input_stream_raw(
            form.config,
            form.samples,
            move |data, _| take(&mut intake, data),
            move |error| watch.hear_of(error.kind()),
            Some(OPEN_TIMEOUT),
        )?;
        stream.play()?;
        Ok((form.opened(stream, &device, signs), consumer))
    }

    /// Opens a loudspeaker, the system's default when none is named. It plays what is put into the ring,
    /// which has one channel and the device's rate.
    pub(crate) fn open_output(
        &self,
        id: Option<&DeviceId>,
    ) -> Result<(Open, rtrb::Producer<f32>), OpenError> {
        let device = self.output(id).ok_or(OpenError::NoDevice)?;
        #[cfg(target_os = "linux")]
        if let Some(name) = self.pulse_name(&device) {
            let (producer, consumer) = ring(SAMPLE_RATE_HZ, pulse::BLOCK);
            let signs = Signs::new();
            let outlet = Outlet::new(consumer, 1, Arc::clone(&signs));
            let stream = pulse::play(&name, outlet, Arc::clone(&signs))?;
            return Ok((Open::over_pulse(stream, &device, signs), producer));
        }
        let form = Form::of_output(&device)?;
        let give = give_fn(form.samples).ok_or(OpenError::Format)?;
        let signs = Signs::new();
        let (producer, consumer) = ring(form.rate_hz, form.block_frames);
        let mut outlet = Outlet::new(consumer, form.config.channels, Arc::clone(&signs));
        let watch = Arc::clone(&signs);
        let stream = device.build_output_stream_raw(
            form.config,
            form.samples,
            move |data, _| give(&mut outlet, data),
            move |error| watch.hear_of(error.kind()),
            Some(OPEN_TIMEOUT),
        )?;
        stream.play()?;
        Ok((form.opened(stream, &device, signs), producer))
    }
}

#[cfg(target_os = "linux")]
impl AudioSystem {
    /// What PulseAudio calls a device, where it is PulseAudio's.
    fn pulse_name(&self, device: &cpal::Device) -> Option<String> {
        let id = device.id().ok().filter(|id| id.host() == HostId::PulseAudio)?;
        Some(id.id().to_owned())
    }
}

#[cfg(target_os = "linux")]
impl Open {
    fn over_pulse(stream: pulse::PulseStream, device: &cpal::Device, signs: Arc<Signs>) -> Self {
        let (rate_hz, block_frames) = (SAMPLE_RATE_HZ, pulse::BLOCK);
        let (id, name) = (id_of(device), name_of(device));
        Self { _stream: Stream::Pulse(stream), signs, id, name, rate_hz, block_frames }
    }
}

fn name_of(device: &cpal::Device) -> String {
    device.description().map(|described| described.name().to_owned()).unwrap_or_default()
}

fn ring(rate_hz: u32, block_frames: u32) -> (rtrb::Producer<f32>, rtrb::Consumer<f32>) {
    rtrb::RingBuffer::new((rate_hz * RING_MS / 1_000).max(RING_BLOCKS * block_frames) as usize)
}

/// Frames to ask a device for at a time: about 10 milliseconds, whatever its rate.
fn block_wanted(rate_hz: u32) -> u32 {
    (BLOCK * rate_hz / SAMPLE_RATE_HZ).next_power_of_two()
}

/// In what form a device is opened.
struct Form {
    config: StreamConfig,
    samples: SampleFormat,
    rate_hz: u32,
    block_frames: u32,
}

impl Form {
    fn of_input(device: &cpal::Device) -> Result<Self, OpenError> {
        let own = device.default_input_config()?;
        let takes_ours = device.supported_input_configs()?.any(|range| is_ours(&range, &own));
        Ok(Self::new(&own, takes_ours))
    }

    fn of_output(device: &cpal::Device) -> Result<Self, OpenError> {
        let own = device.default_output_config()?;
        let takes_ours = device.supported_output_configs()?.any(|range| is_ours(&range, &own));
        Ok(Self::new(&own, takes_ours))
    }

    /// The device's own channels and samples at our rate where it takes it, in blocks of our size where
    /// it says that it takes them.
    fn new(own: &SupportedStreamConfig, takes_ours: bool) -> Self {
        let mut config = own.config();
        if takes_ours {
            config.sample_rate = SAMPLE_RATE_HZ;
        }
        let wanted = block_wanted(config.sample_rate);
        let block_frames = match *own.buffer_size() {
            SupportedBufferSize::Range { min, max } => wanted.clamp(min, max),
            SupportedBufferSize::Unknown => wanted,
        };
        config.buffer_size = BufferSize::Fixed(block_frames);
        let rate_hz = config.sample_rate;
        Self { config, samples: own.sample_format(), rate_hz, block_frames }
    }

    fn opened(self, stream: cpal::Stream, device: &cpal::Device, signs: Arc<Signs>) -> Open {
        let Self { rate_hz, block_frames, .. } = self;
        let (id, name) = (id_of(device), name_of(device));
        Open { _stream: Stream::Cpal(stream), signs, id, name, rate_hz, block_frames }
    }
}

/// Whether our rate is among those that a device takes in its own form.
fn is_ours(range: &cpal::SupportedStreamConfigRange, own: &SupportedStreamConfig) -> bool {
    let rates = range.min_sample_rate()..=range.max_sample_rate();
    range.channels() == own.channels()
        && range.sample_format() == own.sample_format()
        && rates.contains(&SAMPLE_RATE_HZ)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(rate_hz: u32, buffer_size: SupportedBufferSize, takes_ours: bool) -> Form {
        let own = SupportedStreamConfig::new(2, rate_hz, buffer_size, SampleFormat::I16);
        Form::new(&own, takes_ours)
    }

    #[test]
    fn blocks_are_short_whatever_the_device_prefers() {
        let frames = |buffer_size| form(48_000, buffer_size, true).block_frames;
        assert!(frames(SupportedBufferSize::Unknown) <= 512);
        assert!(frames(SupportedBufferSize::Range { min: 16, max: 96_000 }) <= 512);
        assert_eq!(frames(SupportedBufferSize::Range { min: 16, max: 256 }), 256);
        assert_eq!(frames(SupportedBufferSize::Range { min: 2048, max: 4096 }), 2048);
    }

    #[test]
    fn blocks_are_short_at_any_rate() {
        for rate_hz in [8_000, 16_000, 44_100, 96_000, 192_000] {
            let ms = form(rate_hz, SupportedBufferSize::Unknown, false).block_frames * 1_000 / rate_hz;
            assert!((5..=20).contains(&ms), "{ms} ms at {rate_hz} Hz");
        }
    }

    #[test]
    fn our_rate_is_asked_for_where_it_is_taken() {
        assert_eq!(form(44_100, SupportedBufferSize::Unknown, true).rate_hz, 48_000);
        assert_eq!(form(44_100, SupportedBufferSize::Unknown, false).rate_hz, 44_100);
    }

    #[test]
    fn a_hiccup_does_not_lose_the_device() {
        assert!(!is_fatal(ErrorKind::Xrun));
        assert!(!is_fatal(ErrorKind::DeviceChanged));
        assert!(is_fatal(ErrorKind::DeviceNotAvailable));
        assert!(is_fatal(ErrorKind::StreamInvalidated));
        let signs = Signs::new();
        signs.hear_of(ErrorKind::Xrun);
        assert!(!signs.is_lost() && signs.xruns() == 1);
        signs.hear_of(ErrorKind::StreamInvalidated);
        assert!(signs.is_lost());
    }
}
