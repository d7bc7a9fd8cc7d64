//! The sound check: one hears oneself as others would, and the program finds out whether its microphone
//! hears its loudspeaker.
//!
//! Records through codec and jitter buffer, then plays a short sweep and the recording. Owns the course
//! of the check and its verdict. Nothing of the recording outlives it.

mod place;

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use self::place::place_of;
use crate::codec::{BLOCK, CodecError, FRAME, Plan, SAMPLE_RATE_HZ, Sender};
use crate::device::DeviceId;
use crate::engine::{Devices, Engine, EngineStatus, Side, Voices};
use crate::jitter::JitterBuffer;
use crate::level::Level;
use crate::processing::Switches;
use crate::stream::OpenError;
use crate::tones::{self, Tone};

/// How long is recorded when nothing else is said.
pub const RECORD: Duration = Duration::from_secs(3);
/// The longest recording: it waits in memory.
pub const RECORD_MAX: Duration = Duration::from_secs(30);
/// Between sweep and recording, so that one is not taken for the other.
const PAUSE: usize = SAMPLE_RATE_HZ as usize / 4;
/// The microphone is listened to a while longer: devices are slow.
const TAIL: usize = SAMPLE_RATE_HZ as usize * 6 / 10;
/// A loudspeaker that is heard later than this is another one.
const LATE_MAX: usize = SAMPLE_RATE_HZ as usize;
/// How alike the sweep and what was heard must be. Noise and speech reach 0.1.
const ALIKE: f32 = 0.2;
/// How often the caller hears how it goes.
const TELL_EVERY: Duration = Duration::from_millis(50);
/// Devices that are open and give or take nothing for so long never will.
const STUCK_AFTER: Duration = Duration::from_secs(6);
/// A piece this long tells where in the recording a moment of speech is.
const PIECE: usize = SAMPLE_RATE_HZ as usize * 4 / 10;
/// Longest way through codec and buffer that is looked for.
const THROUGH_MAX: usize = SAMPLE_RATE_HZ as usize / 5;

/// Where a check is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Speak now.
    Recording,
    /// Listen now.
    Playing,
}

/// How a check goes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Moment {
    /// Where it is.
    pub stage: Stage,
    /// The microphone's level.
    pub level: Level,
}

/// What a check found.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// The microphone that was used, as the system calls it.
    pub input: String,
    /// The loudspeaker that was used.
    pub output: String,
    /// How loud the microphone was, before voice processing.
    pub level: Level,
    /// How long a voice takes through codec and jitter buffer on a perfect network, in milliseconds;
    /// `None` where nothing was said that could be found again.
    pub voice_delay_ms: Option<f32>,
    /// How the microphone heard the loudspeaker; `None` if it did not, as with headphones.
    pub heard: Option<Heard>,
    /// How often a device had too little or too much sound.
    pub xruns: u32,
    /// Whether voice processing failed, and the voice went on without it.
    pub is_unprocessed: bool,
}

/// How the microphone heard the loudspeaker.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Heard {
    /// From the program to the loudspeaker, through the air and back to the program, in milliseconds.
    pub delay_ms: f32,
    /// 1 for exactly as it was played, 0 for nothing in common.
    pub likeness: f32,
}

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// The microphone cannot be used.
    #[error("the microphone cannot be used: {0}")]
    Input(Arc<OpenError>),
    /// The loudspeaker cannot be used.
    #[error("the loudspeaker cannot be used: {0}")]
    Output(Arc<OpenError>),
    /// The microphone is open, and nothing comes from it.
    #[error("nothing comes from the microphone")]
    SilentInput,
    /// The loudspeaker is open, and takes nothing.
    #[error("the loudspeaker takes no sound")]
    StuckOutput,
    /// The codec fails.
    #[error(transparent)]
    Codec(#[from] CodecError),
    /// The caller did not want to go on.
    #[error("the sound check was broken off")]
    BrokenOff,
}

/// Checks the sound: records for so long, at most [`RECORD_MAX`], and plays it. `watch` hears how it
/// goes, and may break it off.
///
/// Takes as long as recording and playing do, and some seconds where the sound system is slow.
pub fn check(
    devices: Devices,
    switches: Switches,
    record: Duration,
    watch: &mut dyn FnMut(Moment) -> ControlFlow<()>,
) -> Result<Report, CheckError> {
    let stage = Arc::new(AtomicU8::new(RECORDING));
    let (done, outcome) = mpsc::sync_channel(1);
    let samples = (record.min(RECORD_MAX).as_secs_f64() * f64::from(SAMPLE_RATE_HZ)) as usize;
    let course = Course::new(samples, Arc::clone(&stage), done)?;
    let engine = Engine::start(devices, switches, Box::new(course));
    let outcome = wait(&engine, &outcome, &stage, watch)??;
    Ok(outcome.report(&engine.status()))
}

/// Plays one ring of a call. `watch` may break it off.
pub fn play_ring(
    output: Option<DeviceId>,
    watch: &mut dyn FnMut(Moment) -> ControlFlow<()>,
) -> Result<(), CheckError> {
    let stage = Arc::new(AtomicU8::new(PLAYING));
    let (done, outcome) = mpsc::sync_channel(1);
    let once = Once { sound: Tone::Ring.sound(), played: 0, done };
    let engine = Engine::start_output(output, Box::new(once));
    wait(&engine, &outcome, &stage, watch)
}

/// Waits for what the voices send when they are done.
fn wait<T>(
    engine: &Engine,
    outcome: &mpsc::Receiver<T>,
    stage: &AtomicU8,
    watch: &mut dyn FnMut(Moment) -> ControlFlow<()>,
) -> Result<T, CheckError> {
    let mut idle = Idle::new();
    loop {
        let status = engine.status();
        let stage = match stage.load(Ordering::Relaxed) {
            RECORDING => Stage::Recording,
            _ => Stage::Playing,
        };
        let moment = Moment { stage, level: status.input.reading.level };
        if watch(moment).is_break() {
            return Err(CheckError::BrokenOff);
        }
        match outcome.recv_timeout(TELL_EVERY) {
            Ok(outcome) => return Ok(outcome),
            Err(_) => idle.look(&status, stage)?,
        }
    }
}

/// When the devices last gave a sign.
struct Idle {
    input: (u32, Instant),
    output: (u32, Instant),
}

impl Idle {
    fn new() -> Self {
        let now = Instant::now();
        Self { input: (0, now), output: (0, now) }
    }

    /// Finds out whether a device that is needed now is there and alive.
    fn look(&mut self, status: &EngineStatus, stage: Stage) -> Result<(), CheckError> {
        let input = is_stuck(&mut self.input, &status.input);
        let output = is_stuck(&mut self.output, &status.output);
        // Both are needed from the start: nobody wants to speak for nothing.
        if let (None, Some(fault)) = (&status.output.device, &status.output.fault) {
            return Err(CheckError::Output(Arc::clone(fault)));
        }
        if stage == Stage::Recording {
            if let (None, Some(fault)) = (&status.input.device, &status.input.fault) {
                return Err(CheckError::Input(Arc::clone(fault)));
            }
            if input {
                return Err(CheckError::SilentInput);
            }
        }
        if output { Err(CheckError::StuckOutput) } else { Ok(()) }
    }
}

fn is_stuck(last: &mut (u32, Instant), side: &Side) -> bool {
    if last.0 != side.reading.blocks {
        *last = (side.reading.blocks, Instant::now());
    }
    last.1.elapsed() > STUCK_AFTER
}

const RECORDING: u8 = 0;
const PLAYING: u8 = 1;

/// The voices of a check, from its first block to its last.
struct Course {
    stage: Arc<AtomicU8>,
    done: mpsc::SyncSender<Result<Outcome, CodecError>>,
    sender: Sender,
    buffer: JitterBuffer,
    /// The frame that is being filled.
    frame: Vec<f32>,
    wanted: usize,
    to_play: Vec<f32>,
    played: usize,
    found: Outcome,
}

/// What a check heard.
#[derive(Default)]
struct Outcome {
    /// What the microphone heard while somebody spoke.
    raw: Vec<f32>,
    /// The same after voice processing.
    clean: Vec<f32>,
    /// The same as others would hear it.
    through: Vec<f32>,
    /// What the microphone heard while the loudspeaker played.
    caught: Vec<f32>,
    /// How much of that was there when the loudspeaker was given the beginning.
    began: usize,
}

impl Course {
    fn new(
        wanted: usize,
        stage: Arc<AtomicU8>,
        done: mpsc::SyncSender<Result<Outcome, CodecError>>,
    ) -> Result<Self, CodecError> {
        Ok(Self {
            stage,
            done,
            sender: Sender::new(Plan::default())?,
            buffer: JitterBuffer::new()?,
            frame: Vec::with_capacity(FRAME),
            wanted,
            to_play: Vec::new(),
            played: 0,
            found: Outcome::default(),
        })
    }

    fn is_recording(&self) -> bool {
        self.to_play.is_empty()
    }

    fn record(&mut self, raw: &[f32; BLOCK], clean: &[f32; BLOCK]) -> Result<(), CodecError> {
        self.found.raw.extend(raw);
        self.found.clean.extend(clean);
        self.frame.extend(clean);
        // The time of the recording is the time of its network: nothing is late.
        let now = Duration::from_micros(self.found.raw.len() as u64 * 1_000_000 / u64::from(SAMPLE_RATE_HZ));
        if let Some(frame) = self.frame.first_chunk() {
            if let Some(packet) = self.sender.send(frame)? {
                self.buffer.insert(&packet, now);
            }
            self.frame.clear();
        }
        let mut out = [0.0; BLOCK];
        self.buffer.pull(now, &mut out);
        self.found.through.extend(out);
        if self.found.raw.len() >= self.wanted {
            self.begin_to_play();
        }
        Ok(())
    }

    fn begin_to_play(&mut self) {
        self.to_play = tones::sweep();
        self.to_play.resize(self.to_play.len() + PAUSE, 0.0);
        self.to_play.extend_from_slice(&self.found.through);
        self.stage.store(PLAYING, Ordering::Relaxed);
    }

    fn is_over(&self) -> bool {
        self.played >= self.to_play.len()
            && self.found.caught.len() >= self.found.began + self.to_play.len() + TAIL
    }
}

impl Voices for Course {
    fn heard(&mut self, raw: &[f32; BLOCK], clean: &[f32; BLOCK], _: Duration) {
        if self.is_recording() {
            if let Err(error) = self.record(raw, clean) {
                // The first word is the last: whoever waits takes one only.
                let _ = self.done.try_send(Err(error));
            }
        } else if !self.is_over() {
            self.found.caught.extend(raw);
            if self.is_over() {
                let _ = self.done.try_send(Ok(std::mem::take(&mut self.found)));
            }
        }
    }

    fn play(&mut self, _: Duration) -> [f32; BLOCK] {
        let mut block = [0.0; BLOCK];
        if self.played == 0 {
            self.found.began = self.found.caught.len();
        }
        if let Some(rest) = self.to_play.get(self.played..) {
            let part = rest.len().min(BLOCK);
            block[..part].copy_from_slice(&rest[..part]);
            self.played += part;
        }
        block
    }
}

impl Outcome {
    fn report(&self, status: &EngineStatus) -> Report {
        let name = |side: &Side| side.device.clone().unwrap_or_default();
        Report {
            input: name(&status.input),
            output: name(&status.output),
            level: Level::of(self.raw.iter().copied()),
            voice_delay_ms: self.voice_delay_ms(),
            heard: self.heard(),
            xruns: status.input.xruns + status.output.xruns,
            is_unprocessed: status.is_unprocessed,
        }
    }

    /// Where the loudest piece of speech is in what came through the codec.
    fn voice_delay_ms(&self) -> Option<f32> {
        let loudness = |from: &usize| crate::signal::power(&self.clean[*from..*from + PIECE]);
        let last = self.clean.len().min(self.through.len()).checked_sub(PIECE + THROUGH_MAX)?;
        let from = (0..=last).step_by(PIECE / 4).max_by(|a, b| loudness(a).total_cmp(&loudness(b)))?;
        let place =
            place_of(&self.clean[from..from + PIECE], &self.through[from..from + PIECE + THROUGH_MAX])?;
        (place.likeness > 0.6).then(|| millis(place.at))
    }

    fn heard(&self) -> Option<Heard> {
        let sweep = tones::sweep();
        let from = self.caught.get(self.began..)?;
        let place = place_of(&sweep, &from[..from.len().min(sweep.len() + LATE_MAX)])?;
        (place.likeness >= ALIKE).then(|| Heard { delay_ms: millis(place.at), likeness: place.likeness })
    }
}

/// Plays something to its end.
struct Once {
    sound: Vec<f32>,
    played: usize,
    done: mpsc::SyncSender<()>,
}

impl Voices for Once {
    fn heard(&mut self, _: &[f32; BLOCK], _: &[f32; BLOCK], _: Duration) {}

    fn play(&mut self, _: Duration) -> [f32; BLOCK] {
        let block = self.sound.get(self.played..).and_then(|rest| rest.first_chunk()).copied();
        self.played += BLOCK;
        if block.is_none() {
            let _ = self.done.try_send(());
        }
        block.unwrap_or([0.0; BLOCK])
    }
}

fn millis(samples: usize) -> f32 {
    samples as f32 * 1_000.0 / SAMPLE_RATE_HZ as f32
}
