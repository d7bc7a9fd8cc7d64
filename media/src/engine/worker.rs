//! The thread that carries sound between the devices' rings and the voices.

use std::sync::atomic::Ordering;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use super::cushion::Cushion;
use super::{Shared, Voices};
use crate::codec::{BLOCK, SAMPLE_RATE_HZ};
use crate::processing::{Processor, Switches};
use crate::resample::{NoFilter, Resampler};
use crate::stream::{Open, Signs};

/// How often the rings are looked at: well under the 10 milliseconds that a block lasts.
const LOOK_EVERY: Duration = Duration::from_millis(2);
/// Sound from the microphone that may wait: after a stall, the oldest is dropped rather than late for ever.
/// Of a microphone that gives more than half of it at a time, two of its blocks.
const BACKLOG_MAX: usize = 6 * BLOCK;

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
    backlog_max: usize,
}

impl Source {
    pub(super) fn new(open: &Open, ring: rtrb::Consumer<f32>) -> Result<Self, NoFilter> {
        Self::in_blocks(open.rate_hz, open.block_frames, ring)
    }

    fn in_blocks(rate_hz: u32, block_frames: u32, ring: rtrb::Consumer<f32>) -> Result<Self, NoFilter> {
        let resampler = Resampler::new(rate_hz, SAMPLE_RATE_HZ)?;
        let block = u64::from(block_frames) * u64::from(SAMPLE_RATE_HZ) / u64::from(rate_hz.max(1));
        let backlog_max = BACKLOG_MAX.max(2 * block as usize);
        Ok(Self { ring, resampler, taken: Vec::new(), ready: Vec::new(), backlog_max })
    }

    fn block(&mut self) -> Option<[f32; BLOCK]> {
        while let Ok(sample) = self.ring.pop() {
            self.taken.push(sample);
        }
        self.resampler.feed(&self.taken, &mut self.ready);
        self.taken.clear();
        let stale = self.ready.len().saturating_sub(self.backlog_max);
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
    /// So much sound waits in the ring.
    cushion: Cushion,
}

impl Sink {
    pub(super) fn new(open: &Open, ring: rtrb::Producer<f32>) -> Result<Self, NoFilter> {
        Self::in_blocks(open.rate_hz, open.block_frames, Arc::clone(&open.signs), ring)
    }

    fn in_blocks(
        rate_hz: u32,
        block_frames: u32,
        signs: Arc<Signs>,
        ring: rtrb::Producer<f32>,
    ) -> Result<Self, NoFilter> {
        let resampler = Resampler::new(SAMPLE_RATE_HZ, rate_hz)?;
        let cushion = Cushion::before(rate_hz, block_frames);
        Ok(Self { ring, resampler, made: Vec::new(), signs, xruns: 0, cushion })
    }

    fn is_hungry(&mut self) -> bool {
        let xruns = self.signs.xruns();
        if xruns != self.xruns {
            self.xruns = xruns;
            self.cushion.ran_dry();
        }
        self.waiting() < self.cushion.len()
    }

    fn waiting(&self) -> usize {
        self.ring.buffer().capacity() - self.ring.slots()
    }

    fn push(&mut self, block: &[f32; BLOCK]) {
        self.made.clear();
        self.resampler.feed(block, &mut self.made);
        // The ring holds more than the longest cushion: what does not fit cannot be.
        let _ = self.ring.push_partial_slice(&self.made);
        self.cushion.played();
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

#[cfg(test)]
mod tests {
    use cpal::ErrorKind;

    use super::*;

    /// A tenth of a second.
    const LONG_MS: u32 = 100;

    #[test]
    fn of_a_microphone_that_gives_a_tenth_of_a_second_at_a_time_nothing_is_lost() {
        for rate_hz in [8_000, 44_100, 48_000] {
            let block_frames = rate_hz * LONG_MS / 1_000;
            let (mut device, ring) = rtrb::RingBuffer::new(2 * block_frames as usize);
            let mut source = Source::in_blocks(rate_hz, block_frames, ring).unwrap();
            let (sound, mut blocks) = (vec![0.5; block_frames as usize], 0);
            for _ in 0..10 {
                let (_, left) = device.push_partial_slice(&sound);
                assert!(left.is_empty());
                blocks += std::iter::from_fn(|| source.block()).count();
            }
            // Resampling holds a little of it back.
            assert!((95..=100).contains(&blocks), "{blocks} blocks of 10 ms at {rate_hz} Hz");
        }
    }

    #[test]
    fn a_loudspeaker_that_takes_a_tenth_of_a_second_at_a_time_finds_as_much_after_it_ran_dry() {
        let (rate_hz, block_frames) = (48_000, 4_800);
        let (ring, _device) = rtrb::RingBuffer::new(3 * block_frames as usize);
        let signs = Signs::new();
        let mut sink = Sink::in_blocks(rate_hz, block_frames, Arc::clone(&signs), ring).unwrap();
        for _ in 0..3 {
            signs.hear_of(ErrorKind::Xrun);
            while sink.is_hungry() {
                sink.push(&[0.5; BLOCK]);
            }
            assert!(sink.waiting() >= block_frames as usize);
        }
    }
}
