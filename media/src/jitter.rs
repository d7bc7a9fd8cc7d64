//! The jitter buffer: packets come as they like, sound goes out evenly.
//!
//! Owns when each frame is played and what is played in place of one that is not there. Time is told to
//! it with each call, as a duration since any beginning; it opens nothing and waits for nothing. So
//! hours of a bad network are tested in seconds.

mod delay;
mod seen;
mod statistics;
mod store;
mod stretch;

use std::time::Duration;

use self::delay::{DelayEstimate, Micros};
use self::seen::{Played, Sequences};
pub use self::statistics::Statistics;
use self::store::{Number, Store, Waiting};
use self::stretch::{ALIKE, ALIKE_ENOUGH, PERIOD_MAX, lengthen, shorten};
use crate::codec::{self, BLOCK, CodecError, Decoder, FRAME, Packet, SAMPLE_RATE_HZ};
use crate::comfort::Comfort;

const MS: Micros = 1_000;
const FRAME_TIME: Micros = 20 * MS;
/// A packet that is this much quicker or slower than the others is of another time or none.
const PLAUSIBLE: Micros = 3_000 * MS;
/// So many of them in a row are a sender that began anew.
const ANEW: u32 = 5;
/// Later than the target by this, sound is shortened.
const LATE: Micros = 10 * MS;
/// Later by this, it is urgent.
const VERY_LATE: Micros = 50 * MS;
/// Later by this, no shortening helps: the oldest is dropped.
const HOPELESS: Micros = 1_000 * MS;
/// Earlier than the target by this, sound is lengthened.
const EARLY: Micros = 5 * MS;
/// Earlier by this, it is urgent.
const VERY_EARLY: Micros = 20 * MS;
/// Frames between one shortening and the next where nothing is urgent.
const REST: u32 = 5;
/// How much of a new look at the delay is believed: looks are as uneven as threads are woken.
const BELIEF: f64 = 0.1;
/// What is made up for longer than this is a hum, not speech: it fades.
const MADE_UP_MAX: usize = 5 * FRAME;
/// How long a fade to the comfort noise takes.
const FADE: usize = FRAME;
/// Over so many samples a step between made-up and real sound is smoothed.
const SEAM: usize = SAMPLE_RATE_HZ as usize / 400;

/// One voice on its way from a network to an ear.
#[derive(Debug)]
pub struct JitterBuffer {
    decoder: Decoder,
    delay: DelayEstimate,
    store: Store,
    sequences: Sequences,
    played: Played,
    /// The frame that is played next; `None` before the first packet.
    next: Option<Number>,
    outliers: u32,
    /// What was played of late, and from `at` on what is played next.
    sound: Vec<f32>,
    at: usize,
    /// Whether playing waits for a frame, and how much was made up meanwhile.
    is_holding: bool,
    held: usize,
    /// Whether the other one said that nobody speaks.
    is_silent: bool,
    /// How much was made up in a row.
    made_up: usize,
    /// A step that is smoothed from the next sample on.
    seam: bool,
    rest: u32,
    /// How late the next frame is played, smoothed.
    lateness: Option<f64>,
    comfort: Comfort,
    statistics: Statistics,
}

impl JitterBuffer {
    /// Begins to wait for a voice.
    pub fn new() -> Result<Self, CodecError> {
        Ok(Self {
            decoder: Decoder::new()?,
            delay: DelayEstimate::new(),
            store: Store::default(),
            sequences: Sequences::default(),
            played: Played::default(),
            next: None,
            outliers: 0,
            sound: vec![0.0; PERIOD_MAX],
            at: PERIOD_MAX,
            is_holding: true,
            held: 0,
            is_silent: false,
            made_up: MADE_UP_MAX + FADE,
            seam: false,
            rest: 0,
            lateness: None,
            comfort: Comfort::new(),
            statistics: Statistics::default(),
        })
    }

    /// Takes what came from the network. Whatever it is, it costs little and is bounded.
    pub fn insert(&mut self, packet: &Packet, now: Duration) {
        let now = micros(now);
        self.statistics.received += 1;
        let number = self.unwrapped(packet.frame);
        if !self.is_plausible(number, now) {
            self.statistics.outliers += 1;
            self.outliers += 1;
            if self.outliers < ANEW {
                return;
            }
            self.begin_anew();
        }
        self.outliers = 0;
        self.next.get_or_insert(number);
        let follows = self.sequences.saw_before(packet.sequence);
        self.sequences.note(packet.sequence);
        self.keep(number, packet.payload.clone(), false, now);
        for earlier in packet.earlier.iter().take(codec::EARLIER_MAX) {
            self.keep(number - Number::from(earlier.back), earlier.payload.clone(), true, now);
        }
        // The copy inside of it makes the frame before it come now.
        if !follows && codec::has_fec(&packet.payload) && self.is_missing(number - 1) {
            self.delay.observe(now, time_of(number - 1));
        }
    }

    /// Gives the next 10 milliseconds to play at this time.
    pub fn pull(&mut self, now: Duration, out: &mut [f32; BLOCK]) {
        let now = micros(now);
        self.look(now);
        while self.ahead() < BLOCK {
            self.produce(now);
        }
        out.copy_from_slice(&self.sound[self.at..self.at + BLOCK]);
        self.at += BLOCK;
        // Behind `at` stays what lengthening may say again.
        let over = self.at - PERIOD_MAX;
        self.sound.drain(..over);
        self.at = PERIOD_MAX;
    }

    /// What became of the packets so far.
    pub fn statistics(&self) -> Statistics {
        Statistics {
            target_ms: self.delay.target() as f32 / MS as f32,
            delay_ms: self.lateness.unwrap_or_default() as f32 / MS as f32,
            waiting: self.store.len(),
            ..self.statistics
        }
    }

    /// The number that a frame has among those that came before it.
    fn unwrapped(&self, frame: u32) -> Number {
        match self.next {
            None => frame.into(),
            Some(next) => next + Number::from(frame.wrapping_sub(next as u32).cast_signed()),
        }
    }

    fn is_plausible(&self, number: Number, now: Micros) -> bool {
        let took = now - time_of(number);
        self.delay.quickest().is_none_or(|quickest| (took - quickest).abs() <= PLAUSIBLE)
    }

    fn begin_anew(&mut self) {
        self.delay = DelayEstimate::new();
        self.sequences = Sequences::default();
        self.played = Played::default();
        self.store.clear();
        (self.next, self.lateness) = (None, None);
        (self.is_holding, self.held) = (true, 0);
    }

    /// Stores a frame that is not there yet.
    fn keep(&mut self, number: Number, payload: codec::Payload, is_repeated: bool, now: Micros) {
        let Some(next) = self.next else { return };
        if !codec::is_frame(&payload) {
            self.statistics.corrupt += 1;
            return;
        }
        let is_late = number < next;
        if is_late && !self.played.came_late(next, number) {
            return; // It was played, or is too old to matter.
        }
        let is_new = is_late || self.store.insert(number, Waiting { payload, is_repeated });
        if is_new {
            self.delay.observe(now, time_of(number));
        }
        self.statistics.late += u64::from(is_late);
    }

    /// Whether there is no copy of this frame, neither waiting nor played.
    fn is_missing(&self, number: Number) -> bool {
        let Some(next) = self.next else { return false };
        if number < next { self.played.is_missed(next, number) } else { self.store.get(number).is_none() }
    }

    /// How long after it could have been at best this frame is played, if it comes after all that is
    /// decoded.
    fn lateness_of(&self, number: Number, now: Micros) -> Micros {
        let quickest = self.delay.quickest().unwrap_or_default();
        now + micros_of(self.ahead()) - quickest - time_of(number)
    }

    fn ahead(&self) -> usize {
        self.sound.len() - self.at
    }

    /// Looks at the delay, unless there is none since nothing is played.
    fn look(&mut self, now: Micros) {
        let (Some(next), false) = (self.next, self.is_holding) else { return };
        let seen = self.lateness_of(next, now) as f64;
        let lateness = self.lateness.map_or(seen, |believed| believed + BELIEF * (seen - believed));
        self.lateness = Some(lateness);
        self.statistics.note_delay(lateness as f32 / MS as f32);
    }

    /// Adds some sound to what is played next.
    fn produce(&mut self, now: Micros) {
        let (Some(next), Some((first, _))) = (self.next, self.store.first()) else { return self.hold() };
        let target = self.delay.target();
        let first_lateness = self.lateness_of(first, now);
        if first_lateness > target + HOPELESS {
            return self.drop_until(first + (first_lateness - target) / FRAME_TIME);
        }
        if first == next {
            let waits = self.is_holding && first_lateness < target;
            return if waits { self.hold() } else { self.play(next) };
        }
        if self.is_silent {
            // Nothing was sent in between: what comes now is the beginning of speech.
            self.next = Some(first);
            self.is_holding = true;
        } else if self.lateness_of(next, now) < target - EARLY {
            self.hold(); // It may still come.
        } else if self.held >= FRAME {
            self.give_up(first - next);
        } else {
            self.recover(next, first);
        }
    }

    /// Plays a frame that is there, and keeps the delay near its target.
    fn play(&mut self, number: Number) {
        let Some(frame) = self.store.take(number) else { return };
        let mut out = [0.0; FRAME];
        if self.decoder.decode(&frame.payload, &mut out).is_err() {
            self.statistics.corrupt += 1;
            self.go_on(false);
            return self.make_up(FRAME);
        }
        self.is_silent = codec::is_silence(&frame.payload);
        self.comfort.learn(&out);
        self.statistics.decoded += 1;
        self.statistics.repeated += u64::from(frame.is_repeated);
        self.go_on(true);
        self.append(&out);
        self.adapt();
    }

    fn go_on(&mut self, has_played: bool) {
        self.next = self.next.map(|next| next + 1);
        self.played.note(has_played);
        (self.is_holding, self.held) = (false, 0);
    }

    /// Real sound, after whatever was there before.
    fn append(&mut self, sound: &[f32]) {
        let from = self.sound.len();
        self.sound.extend_from_slice(sound);
        if self.seam {
            self.seam = false;
            smooth(&mut self.sound, from);
        }
        self.made_up = 0;
    }

    /// Shortens or lengthens a little where the delay is off its target.
    fn adapt(&mut self) {
        self.rest = self.rest.saturating_sub(1);
        let Some(lateness) = self.lateness else { return };
        let off = lateness as Micros - self.delay.target();
        let changed = if off > VERY_LATE {
            -(shorten(&mut self.sound, self.at, ALIKE_ENOUGH) as i64)
        } else if off > LATE && self.rest == 0 {
            -(shorten(&mut self.sound, self.at, ALIKE) as i64)
        } else if off < -EARLY {
            let alike = if off < -VERY_EARLY { ALIKE_ENOUGH } else { ALIKE };
            lengthen(&mut self.sound, self.at, alike) as i64
        } else {
            0
        };
        if changed == 0 {
            return;
        }
        self.rest = REST;
        self.lateness = Some(lateness + (changed * 1_000_000 / i64::from(SAMPLE_RATE_HZ)) as f64);
        self.statistics.note_stretch(changed);
    }

    /// Waits for what is not there, and makes something up meanwhile.
    fn hold(&mut self) {
        self.is_holding = true;
        self.held += BLOCK;
        self.make_up(BLOCK);
    }

    /// What was made up while holding stood for these frames.
    fn give_up(&mut self, missing: Number) {
        let filled = (self.held / FRAME) as Number;
        let skipped = missing.min(filled).max(0);
        self.held -= skipped as usize * FRAME;
        self.next = self.next.map(|next| next + skipped);
        self.played.note_missed(skipped);
        self.statistics.lost += skipped.unsigned_abs();
        self.is_holding = false;
    }

    /// Drops what is too old to be played.
    fn drop_until(&mut self, number: Number) {
        let Some(next) = self.next else { return };
        let dropped = (number - next).max(1);
        self.next = Some(next + dropped);
        self.store.forget_before(next + dropped);
        self.played.note_missed(dropped);
        self.statistics.lost += dropped.unsigned_abs();
        self.held = 0;
    }

    /// Fills in for a frame that is lost while later ones are there.
    fn recover(&mut self, number: Number, first: Number) {
        let filled = self.held;
        let recovered = self.recovered(number, first);
        self.statistics.lost += u64::from(recovered.is_none());
        self.go_on(recovered.is_some());
        match recovered {
            Some(frame) => self.append(&frame[filled..]),
            None => self.make_up(FRAME - filled),
        }
    }

    /// The frame from the coarse copy in the next one, or from DRED in a later one.
    fn recovered(&mut self, number: Number, first: Number) -> Option<[f32; FRAME]> {
        let payload = self.store.get(first)?.payload.clone();
        let mut out = [0.0; FRAME];
        if first == number + 1
            && codec::has_fec(&payload)
            && self.decoder.decode_fec(&payload, &mut out).is_ok()
        {
            self.statistics.from_fec += 1;
            return Some(out);
        }
        let back = usize::try_from(first - number).ok()?;
        if self.decoder.decode_dred(&payload, back, &mut out) == Ok(true) {
            self.statistics.from_dred += 1;
            return Some(out);
        }
        None
    }

    /// Adds made-up sound: first what speech would have gone on with, then only the room's hiss.
    fn make_up(&mut self, samples: usize) {
        let mut left = samples;
        while left > 0 {
            let mut block = [0.0; BLOCK];
            let fades_from = if self.is_silent { 0 } else { MADE_UP_MAX };
            if self.made_up < fades_from + FADE && self.decoder.conceal(&mut block).is_err() {
                block.fill(0.0);
            }
            let part = left.min(BLOCK);
            for (n, sample) in block[..part].iter_mut().enumerate() {
                let faded = (self.made_up + n).saturating_sub(fades_from).min(FADE) as f32 / FADE as f32;
                *sample = *sample * (1.0 - faded) + self.comfort.sample() * faded;
            }
            self.sound.extend_from_slice(&block[..part]);
            self.made_up += part;
            left -= part;
        }
        self.seam = true;
        if !self.is_silent && self.next.is_some() {
            self.statistics.made_up_samples += samples as u64;
        }
    }
}

/// Smooths the step at `from` by starting where the sound before it ended.
fn smooth(sound: &mut [f32], from: usize) {
    let (Some(before), Some(&after)) = (from.checked_sub(1).map(|last| sound[last]), sound.get(from)) else {
        return;
    };
    let step = before - after;
    for (n, sample) in sound[from..].iter_mut().take(SEAM).enumerate() {
        *sample += step * (1.0 - crate::signal::fade_in(n, SEAM));
    }
}

fn micros(time: Duration) -> Micros {
    Micros::try_from(time.as_micros()).unwrap_or(Micros::MAX)
}

fn micros_of(samples: usize) -> Micros {
    samples as Micros * 1_000_000 / Micros::from(SAMPLE_RATE_HZ)
}

/// When a frame was said, by the sender's clock.
fn time_of(number: Number) -> Micros {
    number.saturating_mul(FRAME_TIME)
}
