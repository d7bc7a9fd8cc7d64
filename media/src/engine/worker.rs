//! The thread that carries sound between the devices' rings and the voices.

use std::sync::atomic::Ordering;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use super::{Shared, Voices};
use crate::codec::{BLOCK, SAMPLE_RATE_HZ};
use crate::processing::{Processor, Switches};
use crate::resample::{NoFilter, Resampler};
use crate::stream::{Open, Signs};

/// How often the rings are looked at: well under the 10 milliseconds that a block lasts.
const LOOK_EVERY: Duration = Duration::from_millis(2);
/// Sound from the microphone that may wait: after a stall, the oldest is dropped rather than late for ever.
const BACKLOG_MAX: usize = 6 * BLOCK;
/// How much longer sound waits before a loudspeaker that ran out of it.
const CUSHION_STEP_MS: u32 = 5;
/// And how long at most.
const CUSHION_MAX_MS: u32 = 80;

/// Another device, or none.
pub(super) enum Change {
    Input(Option<Source>),
    Output(Option<Sink>),
}

/// The near end of a microphone's ring.
pub(super) struct Source {
    ring: rtrb::Consumer<f32>,
    resampler: Resampler,
    taken: Vec<f32>,
    ready: Vec<f32>,
}

impl Source {
    pub(super) fn new(open: &Open, ring: rtrb::Consumer<f32>) -> Result<Self, NoFilter> {
        let resampler = Resampler::new(open.rate_hz, SAMPLE_RATE_HZ)?;
        Ok(Self { ring, resampler, taken: Vec::new(), ready: Vec::new() })
    }

    fn block(&mut self) -> Option<[f32; BLOCK]> {
        while let Ok(sample) = self.ring.pop() {
            self.taken.push(sample);
        }
        self.resampler.feed(&self.taken, &mut self.ready);
        self.taken.clear();
        let stale = self.ready.len().saturating_sub(BACKLOG_MAX);
        self.ready.drain(..stale);
        let block = *self.ready.first_chunk()?;
        self.ready.drain(..BLOCK);
        Some(block)
    }
}

/// The near end of a loudspeaker's ring.
pub(super) struct Sink {
    ring: rtrb::Producer<f32>,
    resampler: Resampler,
    made: Vec<f32>,
    signs: Arc<Signs>,
    xruns: u32,
    rate_hz: u32,
    /// So much sound waits in the ring, in the device's samples.
    cushion: usize,
}

impl Sink {
    pub(super) fn new(open: &Open, ring: rtrb::Producer<f32>) -> Result<Self, NoFilter> {
        let resampler = Resampler::new(SAMPLE_RATE_HZ, open.rate_hz)?;
        let (signs, rate_hz) = (Arc::clone(&open.signs), open.rate_hz);
        // The device takes a block at a time, and we may be late by a look or two.
        let cushion = (open.block_frames + rate_hz * CUSHION_STEP_MS / 1_000) as usize;
        Ok(Self { ring, resampler, made: Vec::new(), signs, xruns: 0, rate_hz, cushion })
    }

    fn is_hungry(&mut self) -> bool {
        let xruns = self.signs.xruns();
        if xruns != self.xruns {
            self.xruns = xruns;
            let most = (self.rate_hz * CUSHION_MAX_MS / 1_000) as usize;
            self.cushion = (self.cushion + (self.rate_hz * CUSHION_STEP_MS / 1_000) as usize).min(most);
        }
        let waiting = self.ring.buffer().capacity() - self.ring.slots();
        waiting < self.cushion
    }

    fn push(&mut self, block: &[f32; BLOCK]) {
        self.made.clear();
        self.resampler.feed(block, &mut self.made);
        // The ring holds more than the longest cushion: what does not fit cannot be.
        let _ = self.ring.push_partial_slice(&self.made);
    }
}

pub(super) struct Worker {
    voices: Box<dyn Voices>,
    processor: Processor,
    changed: mpsc::Receiver<Change>,
    shared: Arc<Shared>,
    input: Option<Source>,
    output: Option<Sink>,
    began: Instant,
}

impl Worker {
    pub(super) fn new(
        voices: Box<dyn Voices>,
        switches: Switches,
        changed: mpsc::Receiver<Change>,
        shared: Arc<Shared>,
    ) -> Self {
        let processor = Processor::new(switches);
        Self { voices, processor, changed, shared, input: None, output: None, began: Instant::now() }
    }

    pub(super) fn run(mut self) {
        self.voices.begin(self.began);
        while !self.shared.stops.load(Ordering::Relaxed) {
            while let Ok(change) = self.changed.try_recv() {
                match change {
                    Change::Input(source) => self.input = source,
                    Change::Output(sink) => self.output = sink,
                }
            }
            self.play();
            self.hear();
            thread::sleep(LOOK_EVERY);
        }
    }

    fn play(&mut self) {
        let Some(sink) = &mut self.output else { return };
        while sink.is_hungry() {
            let block = self.voices.play(self.began.elapsed());
            self.processor.played(&block);
            sink.push(&block);
        }
    }

    fn hear(&mut self) {
        let Some(source) = &mut self.input else { return };
        while let Some(raw) = source.block() {
            let clean = self.processor.process(&raw);
            self.voices.heard(&raw, &clean, self.began.elapsed());
        }
        self.shared.is_unprocessed.store(self.processor.is_faulted(), Ordering::Relaxed);
    }
}
