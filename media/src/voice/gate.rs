//! Whether the microphone is heard, and whether somebody speaks.
//!
//! Owns the decision for each block. Loudness alone decides: by then noise suppression has taken steady
//! noise away, the user sees the same figure on the level meter as the one that is compared, and a
//! voice is let through with its first block instead of when a classifier is sure of it.

use crate::codec::{BLOCK, SAMPLE_RATE_HZ};
use crate::level::Level;

/// Blocks that still pass when it became quiet: the pause between two words is not the end.
const HANGOVER: u32 = 40;
/// Once open, a voice may become so much quieter: its consonants are.
const SOFTER_DB: f32 = 6.0;
/// What is quieter than this for a while is not sent, whatever the gate: nobody hears it, but the codec would
/// take the hiss that voice processing leaves for something to be coded.
pub(super) const AUDIBLE_DBFS: f32 = -60.0;
/// From here on somebody speaks, for those who show it.
pub(super) const SPEECH_DBFS: f32 = -45.0;
/// How long opening and closing fade: shorter clicks, longer eats the beginning of a word.
const FADE: usize = SAMPLE_RATE_HZ as usize / 400;

/// When the microphone is heard.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub enum Gate {
    /// Whenever there is anything to be heard.
    #[default]
    Open,
    /// While the user holds a key.
    PushToTalk,
    /// While it is louder than this, and 400 milliseconds longer.
    Activation {
        /// Root mean square of 10 milliseconds, after voice processing; see [`Level`].
        threshold_dbfs: f32,
    },
}

/// Whether somebody speaks, by loudness.
#[derive(Debug, Default)]
pub(super) struct Activity {
    left: u32,
}

impl Activity {
    /// Listens to the next block.
    pub(super) fn hears(&mut self, block: &[f32; BLOCK], threshold_dbfs: f32) -> bool {
        let softer = if self.left > 0 { SOFTER_DB } else { 0.0 };
        if Level::of(block.iter().copied()).rms_dbfs >= threshold_dbfs - softer {
            self.left = HANGOVER;
        } else {
            self.left = self.left.saturating_sub(1);
        }
        self.is_active()
    }

    pub(super) fn is_active(&self) -> bool {
        self.left > 0
    }
}

/// Lets blocks pass or silences them, and fades from one to the other.
#[derive(Debug, Default)]
pub(super) struct Valve {
    is_open: bool,
}

impl Valve {
    /// What passes of a block. The last block before silence fades out.
    pub(super) fn pass(&mut self, block: &mut [f32; BLOCK], opens: bool) {
        let was_open = std::mem::replace(&mut self.is_open, opens);
        match (was_open, opens) {
            (true, true) => {}
            (false, false) => block.fill(0.0),
            (false, true) => fade(block, |share| share),
            (true, false) => fade(block, |share| 1.0 - share),
        }
    }

    pub(super) fn is_open(&self) -> bool {
        self.is_open
    }
}

fn fade(block: &mut [f32; BLOCK], gain: impl Fn(f32) -> f32) {
    for (n, sample) in block.iter_mut().enumerate() {
        *sample *= gain((n as f32 / FADE as f32).min(1.0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_voice_opens_at_once_and_closes_after_a_pause() {
        let mut activity = Activity::default();
        assert!(!activity.hears(&[0.001; BLOCK], -40.0));
        assert!(activity.hears(&[0.1; BLOCK], -40.0));
        let silent = (0..100).take_while(|_| activity.hears(&[0.0; BLOCK], -40.0)).count();
        assert_eq!(silent, HANGOVER as usize - 1);
    }

    #[test]
    fn what_is_a_little_softer_keeps_it_open_and_does_not_open_it() {
        let softer = [0.007; BLOCK]; // -43 dBFS
        let mut activity = Activity::default();
        assert!(!activity.hears(&softer, -40.0));
        activity.hears(&[0.1; BLOCK], -40.0);
        assert!((0..500).all(|_| activity.hears(&softer, -40.0)));
    }

    #[test]
    fn a_valve_fades_and_then_is_silent() {
        let mut valve = Valve::default();
        let through = |valve: &mut Valve, opens| {
            let mut block = [0.5; BLOCK];
            valve.pass(&mut block, opens);
            (block[0], block[BLOCK - 1])
        };
        assert_eq!(through(&mut valve, false), (0.0, 0.0));
        assert_eq!(through(&mut valve, true), (0.0, 0.5));
        assert_eq!(through(&mut valve, true), (0.5, 0.5));
        assert_eq!(through(&mut valve, false), (0.5, 0.0));
        assert_eq!(through(&mut valve, false), (0.0, 0.0));
    }
}
