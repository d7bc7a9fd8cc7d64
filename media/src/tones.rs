//! The sounds that Kinmesh makes by itself: the tones of a call, and the sweep by which a microphone
//! tells whether it hears the loudspeaker.
//!
//! Owns their form, and plays one over and over. They are made, not played from files, so that nothing
//! has to be shipped or decoded. It must never know what a call is.

use std::f32::consts::{PI, TAU};
use std::time::Duration;

use crate::codec::{BLOCK, SAMPLE_RATE_HZ};
use crate::device::DeviceId;
use crate::engine::{Engine, Voices};

const RATE: f32 = SAMPLE_RATE_HZ as f32;
/// Two strokes of a chime, a fifth apart, then silence: it can be told from other programs' rings.
const STROKES: [(f32, f32); 4] = [(0.0, 523.25), (0.18, 783.99), (0.9, 523.25), (1.08, 783.99)];
/// From one ring to the next.
const RING_SECONDS: f32 = 3.0;
/// How fast a stroke dies away.
const DECAY: f32 = 5.0;
const RING_LOUD: f32 = 0.25;

/// Length of the sweep: long enough to be found in noise, short enough not to annoy.
const SWEEP_SECONDS: f32 = 0.4;
/// The band that every loudspeaker and microphone of a voice has.
const SWEEP_HZ: (f32, f32) = (400.0, 3_000.0);
const SWEEP_LOUD: f32 = 0.3;

/// Who rings hears so long a tone, and so long a pause after it, as from a telephone in Europe.
const RINGBACK_SECONDS: (f32, f32) = (1.0, 4.0);
const RINGBACK_HZ: f32 = 425.0;
const RINGBACK_LOUD: f32 = 0.08;
/// The two notes of a short sign, and how long each is.
const SIGN_HZ: (f32, f32) = (523.25, 783.99);
const SIGN_SECONDS: f32 = 0.12;
const SIGN_LOUD: f32 = 0.12;
/// How long a steady tone fades at either end, so that it does not click.
const EDGE_SECONDS: f32 = 0.01;

/// A tone of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// Somebody rings us.
    Ring,
    /// It rings at the other end.
    Ringback,
    /// Somebody came into the call.
    Joined,
    /// Somebody left it.
    Left,
}

impl Tone {
    /// One round of it, in whole blocks. Of what is repeated, the pause belongs to it.
    pub fn sound(self) -> Vec<f32> {
        let mut sound = match self {
            Self::Ring => ring(),
            Self::Ringback => ringback(),
            Self::Joined => sign(SIGN_HZ.0, SIGN_HZ.1),
            Self::Left => sign(SIGN_HZ.1, SIGN_HZ.0),
        };
        sound.resize(sound.len().next_multiple_of(BLOCK), 0.0);
        sound
    }
}

/// Plays a tone over and over, until the engine is dropped.
///
/// Takes up to some seconds where the sound system is slow: not for a UI thread.
pub fn repeat(output: Option<DeviceId>, tone: Tone) -> Engine {
    Engine::start_output(output, Box::new(Round { sound: tone.sound(), at: 0 }))
}

/// A sound without an end.
struct Round {
    sound: Vec<f32>,
    at: usize,
}

impl Voices for Round {
    fn heard(&mut self, _: &[f32; BLOCK], _: &[f32; BLOCK], _: Duration) {}

    fn play(&mut self, _: Duration) -> [f32; BLOCK] {
        let block = self.sound.get(self.at..).and_then(|rest| rest.first_chunk()).copied();
        self.at += BLOCK;
        if self.at >= self.sound.len() {
            self.at = 0;
        }
        block.unwrap_or([0.0; BLOCK])
    }
}

fn ring() -> Vec<f32> {
    samples(RING_SECONDS).map(|at| chime(at) * RING_LOUD).collect()
}

fn ringback() -> Vec<f32> {
    let (tone, pause) = RINGBACK_SECONDS;
    let mut sound: Vec<f32> = samples(tone).map(|at| steady(RINGBACK_HZ, at, tone) * RINGBACK_LOUD).collect();
    sound.extend(samples(pause).map(|_| 0.0));
    sound
}

fn sign(first_hz: f32, then_hz: f32) -> Vec<f32> {
    let note = |hz| samples(SIGN_SECONDS).map(move |at| steady(hz, at, SIGN_SECONDS) * SIGN_LOUD);
    note(first_hz).chain(note(then_hz)).collect()
}

/// The moments of so many seconds.
fn samples(seconds: f32) -> impl Iterator<Item = f32> {
    (0..(seconds * RATE) as usize).map(|n| n as f32 / RATE)
}

fn chime(at: f32) -> f32 {
    let stroke = |&(from, hz): &(f32, f32)| {
        let since = at - from;
        if since < 0.0 {
            return 0.0;
        }
        // A bell: the second partial is higher than an octave and dies sooner. Begins without a click.
        let begin = (since / 0.005).min(1.0);
        let body = (TAU * hz * since).sin() * (-DECAY * since).exp();
        let bright = 0.3 * (TAU * hz * 2.76 * since).sin() * (-3.0 * DECAY * since).exp();
        begin * (body + bright)
    };
    STROKES.iter().map(stroke).sum()
}

/// A tone that lasts so long, with soft edges.
fn steady(hz: f32, at: f32, lasts: f32) -> f32 {
    let edge = (at / EDGE_SECONDS).min((lasts - at) / EDGE_SECONDS).clamp(0.0, 1.0);
    (TAU * hz * at).sin() * edge
}

/// A tone that rises through the band of a voice. Its form is like no other and unlike itself at any
/// other moment, so that it says when it was heard.
pub(crate) fn sweep() -> Vec<f32> {
    let (low, high) = SWEEP_HZ;
    let rate = (high - low) / SWEEP_SECONDS;
    let length = (SWEEP_SECONDS * RATE) as usize;
    (0..length)
        .map(|n| {
            let at = n as f32 / RATE;
            let window = (PI * n as f32 / length as f32).sin();
            (TAU * (low * at + 0.5 * rate * at * at)).sin() * window * SWEEP_LOUD
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signal::correlation;

    #[test]
    fn every_tone_can_be_heard_and_does_not_clip_or_click() {
        for tone in [Tone::Ring, Tone::Ringback, Tone::Joined, Tone::Left] {
            let sound = tone.sound();
            let peak = sound.iter().fold(0.0_f32, |peak, sample| peak.max(sample.abs()));
            assert!((0.05..0.9).contains(&peak), "{tone:?}: {peak}");
            let step = sound.windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(0.0, f32::max);
            assert!(step < 0.1, "{tone:?}: {step}");
            assert!(sound[0].abs().max(sound[sound.len() - 1].abs()) < 0.001, "{tone:?}");
            assert_eq!(sound.len() % BLOCK, 0);
        }
    }

    #[test]
    fn a_tone_goes_round_and_round() {
        let sound = Tone::Joined.sound();
        let mut round = Round { sound: sound.clone(), at: 0 };
        let twice: Vec<f32> = (0..2 * sound.len() / BLOCK).flat_map(|_| round.play(Duration::ZERO)).collect();
        assert_eq!(twice, [sound.as_slice(), sound.as_slice()].concat());
    }

    #[test]
    fn a_sweep_is_like_itself_at_one_moment_only() {
        let sweep = sweep();
        for late in [48, 480, 4_800] {
            let likeness = correlation(&sweep[late..], &sweep[..sweep.len() - late]);
            assert!(likeness.abs() < 0.3, "{late}: {likeness}");
        }
    }
}
