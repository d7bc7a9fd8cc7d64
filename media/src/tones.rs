//! The sounds that Kinmesh makes by itself: the ring of a call, and the sweep by which a microphone
//! tells whether it hears the loudspeaker.
//!
//! Owns their form. They are made, not played from files, so that nothing has to be shipped or decoded.

use std::f32::consts::{PI, TAU};

use crate::codec::SAMPLE_RATE_HZ;

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

/// One ring, with the pause after it.
pub fn ring() -> Vec<f32> {
    (0..(RING_SECONDS * RATE) as usize).map(|n| chime(n as f32 / RATE) * RING_LOUD).collect()
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

/// A tone that rises through the band of a voice. Its form is like no other and unlike itself at any
/// other moment, so that it says when it was heard.
pub fn sweep() -> Vec<f32> {
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
    fn a_ring_can_be_heard_and_does_not_clip_or_click() {
        let ring = ring();
        let peak = ring.iter().fold(0.0_f32, |peak, sample| peak.max(sample.abs()));
        assert!((0.15..0.9).contains(&peak), "{peak}");
        let step = ring.windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(0.0, f32::max);
        assert!(step < 0.1, "{step}");
        assert!(ring.last().unwrap().abs() < 0.001);
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
