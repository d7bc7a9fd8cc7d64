//! A quiet hiss for silence that is not sent, so that nobody takes it for a dead line.
//!
//! It is as loud as the quietest of what was heard before, within bounds of comfort.

use crate::signal::{Chance, power};

/// -95 dBFS, which nobody hears: where a room makes no sound, none is made up. A hiss of -75 dBFS there cost
/// 0.14 of a clean voice's PESQ.
const QUIETEST: f32 = 0.000_018;
/// -48 dBFS: a louder hiss would be a nuisance, however loud the other's room is.
const LOUDEST: f32 = 0.004;
/// How far a louder frame pulls the floor up: it forgets a quiet moment within seconds.
const RISE: f32 = 1.02;
/// Share of the sample before, which takes the edge off white noise.
const DULL: f32 = 0.75;

/// Learns how loud a room is when nobody speaks, and sounds like that.
#[derive(Debug)]
pub(crate) struct Comfort {
    /// Root mean square of the quietest of late.
    floor: f32,
    chance: Chance,
    before: f32,
}

impl Comfort {
    pub(crate) fn new() -> Self {
        Self { floor: QUIETEST, chance: Chance::new(0x5eed), before: 0.0 }
    }

    /// Listens to a frame that was heard.
    pub(crate) fn learn(&mut self, frame: &[f32]) {
        let loud = power(frame).sqrt();
        self.floor = loud.min(self.floor * RISE).clamp(QUIETEST, LOUDEST);
    }

    /// The next sample of the hiss.
    pub(crate) fn sample(&mut self) -> f32 {
        self.before = DULL * self.before + (1.0 - DULL) * self.chance.noise();
        // Dulled, noise from -1 to 1 has a root mean square of 0.218.
        self.before * (self.floor / 0.218)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hiss(comfort: &mut Comfort) -> f32 {
        let sound: Vec<f32> = (0..48_000).map(|_| comfort.sample()).collect();
        power(&sound).sqrt()
    }

    #[test]
    fn it_is_as_loud_as_the_room_within_bounds() {
        let mut comfort = Comfort::new();
        assert!((hiss(&mut comfort) / QUIETEST - 1.0).abs() < 0.1);
        for _ in 0..400 {
            comfort.learn(&[0.001; 960]);
        }
        assert!((hiss(&mut comfort) / 0.001 - 1.0).abs() < 0.1);
        for _ in 0..1_000 {
            comfort.learn(&[0.5; 960]);
        }
        assert!((hiss(&mut comfort) / LOUDEST - 1.0).abs() < 0.1);
    }

    #[test]
    fn speech_does_not_make_it_loud() {
        let mut comfort = Comfort::new();
        for n in 0..500 {
            comfort.learn(&[if n % 10 == 0 { 0.0005 } else { 0.3 }; 960]);
        }
        assert!(hiss(&mut comfort) < 0.001);
    }
}
