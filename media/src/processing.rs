//! What is done to a microphone's sound before it is sent: the loudspeaker's echo is taken out, noise
//! goes down, a quiet voice comes up.
//!
//! Owns the switches and the way around a fault. The work is done by sonora, the audio processing of
//! WebRTC in Rust.

mod noise;

use std::panic::{AssertUnwindSafe, catch_unwind};

use biquad::{Biquad, Coefficients, DirectForm2Transposed, Q_BUTTERWORTH_F32, ToHertz, Type};
use sonora::config::{AdaptiveDigital, EchoCanceller, GainController2, MaxProcessingRate, Pipeline};
use sonora::{AudioProcessing, Config, StreamConfig};

use self::noise::NoiseSuppressor;
use crate::codec::{BLOCK, SAMPLE_RATE_HZ};

/// Below this is no voice: what a microphone adds of its own, steps, the wind.
const LOWEST_HZ: f32 = 40.0;

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Switches {
    /// Take out what the loudspeaker plays.
    pub echo_cancellation: bool,
    /// Turn steady noise down.
    pub noise_suppression: bool,
    /// Bring every voice to a common loudness.
    pub gain_control: bool,
}

impl Switches {
    /// Everything.
    pub const ON: Self = Self { echo_cancellation: true, noise_suppression: true, gain_control: true };
    /// The sound as it is.
    pub const OFF: Self = Self { echo_cancellation: false, noise_suppression: false, gain_control: false };
}

/// Works on one microphone, knowing what one loudspeaker plays.
pub struct Processor {
    /// `None` where nothing is to be done, or nothing can be any more.
    chain: Option<Chain>,
    is_faulted: bool,
}

/// What a sound goes through, in this order.
struct Chain {
    /// `None` only if there were no such filter.
    high_pass: Option<DirectForm2Transposed<f32>>,
    echo_and_gain: AudioProcessing,
    noise: Option<NoiseSuppressor>,
}

impl std::fmt::Debug for Processor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Processor").field("is_faulted", &self.is_faulted).finish_non_exhaustive()
    }
}

impl Processor {
    /// Makes ready for what is to be done.
    pub fn new(switches: Switches) -> Self {
        let chain = (switches != Switches::OFF).then(|| Chain::new(switches));
        Self { chain, is_faulted: false }
    }

    /// Whether it failed and lets everything pass as it is.
    pub fn is_faulted(&self) -> bool {
        self.is_faulted
    }

    /// The loudspeaker is about to play this.
    pub fn played(&mut self, block: &[f32; BLOCK]) {
        self.guarded(|chain| chain.played(block));
    }

    /// The microphone heard this; returns what is to be sent of it.
    pub fn process(&mut self, block: &[f32; BLOCK]) -> [f32; BLOCK] {
        let mut clean = *block;
        let is_done = self.guarded(|chain| chain.process(&mut clean));
        if is_done && clean.iter().all(|sample| sample.is_finite()) { clean } else { *block }
    }

    /// A fault in there, a panic as well, must not end the call: from then on sound passes by.
    fn guarded(&mut self, work: impl FnOnce(&mut Chain) -> bool) -> bool {
        let Some(chain) = &mut self.chain else { return false };
        let is_done = catch_unwind(AssertUnwindSafe(|| work(chain))).unwrap_or(false);
        if !is_done {
            (self.chain, self.is_faulted) = (None, true);
        }
        is_done
    }
}

impl Chain {
    fn new(switches: Switches) -> Self {
        let Switches { echo_cancellation, noise_suppression, gain_control } = switches;
        let mono = StreamConfig::new(SAMPLE_RATE_HZ, 1);
        let echo_and_gain = AudioProcessing::builder()
            .config(config(echo_cancellation, gain_control))
            .capture_config(mono)
            .render_config(mono)
            .build();
        Self { high_pass: high_pass(), echo_and_gain, noise: noise_suppression.then(NoiseSuppressor::new) }
    }

    fn played(&mut self, block: &[f32; BLOCK]) -> bool {
        // It is only listened to: what is written beside it is the same.
        let mut same = [0.0; BLOCK];
        self.echo_and_gain.process_render_f32(&[&block[..]], &mut [&mut same[..]]).is_ok()
    }

    fn process(&mut self, block: &mut [f32; BLOCK]) -> bool {
        let mut high = *block;
        if let Some(high_pass) = &mut self.high_pass {
            high.iter_mut().for_each(|sample| *sample = high_pass.run(*sample));
        }
        let is_done = self.echo_and_gain.process_capture_f32(&[&high[..]], &mut [&mut block[..]]).is_ok();
        if let Some(noise) = &mut self.noise {
            noise.process(block);
        }
        is_done
    }
}

fn high_pass() -> Option<DirectForm2Transposed<f32>> {
    let rate = (SAMPLE_RATE_HZ as f32).hz();
    let kind = Coefficients::from_params(Type::HighPass, rate, LOWEST_HZ.hz(), Q_BUTTERWORTH_F32);
    kind.ok().map(DirectForm2Transposed::new)
}

fn config(echo_cancellation: bool, gain_control: bool) -> Config {
    Config {
        // 32 kHz, the default, would cut off what Opus carries.
        pipeline: Pipeline {
            maximum_internal_processing_rate: MaxProcessingRate::Rate48kHz,
            ..Pipeline::default()
        },
        // Its own filter is steep at 100 Hz and takes the lowest part of deep voices: ours goes before it.
        high_pass_filter: None,
        echo_canceller: echo_cancellation
            .then(|| EchoCanceller { enforce_high_pass_filtering: false, ..EchoCanceller::default() }),
        gain_controller2: gain_control.then(|| GainController2 {
            // Most microphones are loud enough: what is right from the start is not turned up first.
            adaptive_digital: Some(AdaptiveDigital { initial_gain_db: 6.0, ..AdaptiveDigital::default() }),
            ..GainController2::default()
        }),
        ..Config::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signal::{Chance, power};
    use crate::speech::Speech;

    const SECOND: usize = 100;
    /// The echo comes 60 milliseconds after it was played.
    const LATE: usize = 6 * BLOCK;

    /// What a room makes of a loudspeaker: late, quieter, and from the walls again.
    fn echo(played: &[f32], at: usize) -> f32 {
        let tap = |late: usize, share: f32| at.checked_sub(LATE + late).map_or(0.0, |at| played[at] * share);
        tap(0, 0.3) + tap(313, 0.12) + tap(1_021, -0.08) + tap(2_203, 0.04)
    }

    fn decibels(ratio: f32) -> f32 {
        10.0 * ratio.log10()
    }

    #[test]
    fn an_echo_loses_25_decibels_and_who_speaks_does_not() {
        let only_echo = Switches { echo_cancellation: true, ..Switches::OFF };
        let mut processor = Processor::new(only_echo);
        let (mut far, mut near) = (Speech::new(1), Speech::new(2));
        let (mut played, mut before, mut after) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..10 * SECOND {
            let block: [f32; BLOCK] = far.frame();
            let from = played.len();
            played.extend(block);
            processor.played(&block);
            let heard = std::array::from_fn(|n| echo(&played, from + n));
            after.extend(processor.process(&heard));
            before.extend(heard);
        }
        let settled = 5 * SECOND * BLOCK;
        let lost = decibels(power(&before[settled..]) / power(&after[settled..]).max(1e-12));
        assert!(lost >= 25.0, "{lost} dB");

        let (mut said, mut sent) = (Vec::new(), Vec::new());
        for _ in 0..3 * SECOND {
            let silence = [0.0; BLOCK];
            processor.played(&silence);
            let block: [f32; BLOCK] = near.frame();
            sent.extend(processor.process(&block));
            said.extend(block);
        }
        let lost = decibels(power(&said[SECOND * BLOCK..]) / power(&sent[SECOND * BLOCK..]));
        assert!(lost < 3.0, "{lost} dB of a voice");
    }

    #[test]
    fn a_deep_voice_keeps_its_depth() {
        let mut processor = Processor::new(Switches::ON);
        let tone = |n: usize| 0.2 * (std::f32::consts::TAU * 80.0 * n as f32 / SAMPLE_RATE_HZ as f32).sin();
        let mut voice = Speech::new(6);
        let (mut before, mut after) = (Vec::new(), Vec::new());
        for block in 0..5 * SECOND {
            // A tone that stays would be noise: it comes and goes with the words.
            let speaks = block / 25 % 2 == 0;
            let said: [f32; BLOCK] =
                std::array::from_fn(|n| if speaks { tone(block * BLOCK + n) + voice.sample() } else { 0.0 });
            after.extend(processor.process(&said));
            before.extend(said);
        }
        let deep = |sound: &[f32]| {
            let part = |phase: f32| {
                let wave = |n: usize| {
                    (std::f32::consts::TAU * 80.0 * n as f32 / SAMPLE_RATE_HZ as f32 + phase).sin()
                };
                sound.iter().enumerate().map(|(n, sample)| sample * wave(n)).sum::<f32>()
            };
            part(0.0).hypot(part(std::f32::consts::FRAC_PI_2))
        };
        let (before, after) = (&before[2 * SECOND * BLOCK..], &after[2 * SECOND * BLOCK..]);
        let ratio = deep(after) / deep(before) * (power(before) / power(after)).sqrt();
        assert!(ratio > 0.8, "of 80 Hz is left {ratio} of what of the rest is left");
    }

    #[test]
    fn steady_noise_goes_down() {
        let mut processor = Processor::new(Switches { noise_suppression: true, ..Switches::OFF });
        let mut chance = Chance::new(5);
        let (mut before, mut after) = (Vec::new(), Vec::new());
        for _ in 0..5 * SECOND {
            let noise: [f32; BLOCK] = std::array::from_fn(|_| 0.02 * chance.noise());
            after.extend(processor.process(&noise));
            before.extend(noise);
        }
        let lost = decibels(power(&before[4 * SECOND * BLOCK..]) / power(&after[4 * SECOND * BLOCK..]));
        assert!(lost > 8.0, "{lost} dB");
    }

    #[test]
    fn a_quiet_voice_comes_up() {
        let mut processor = Processor::new(Switches { gain_control: true, ..Switches::OFF });
        let mut voice = Speech::new(3);
        let (mut before, mut after) = (Vec::new(), Vec::new());
        for _ in 0..10 * SECOND {
            let block: [f32; BLOCK] = voice.frame::<BLOCK>().map(|sample| sample * 0.03);
            after.extend(processor.process(&block));
            before.extend(block);
        }
        let from = 8 * SECOND * BLOCK;
        let gained = decibels(power(&after[from..]) / power(&before[from..]));
        assert!(gained > 6.0, "{gained} dB");
    }

    #[test]
    fn with_everything_off_the_sound_is_untouched() {
        let mut processor = Processor::new(Switches::OFF);
        let block: [f32; BLOCK] = Speech::new(4).frame();
        processor.played(&block);
        assert_eq!(processor.process(&block), block);
        assert!(!processor.is_faulted());
    }

    #[test]
    fn a_fault_lets_the_sound_pass() {
        let mut processor = Processor::new(Switches::ON);
        let block: [f32; BLOCK] = Speech::new(4).frame();
        assert!(!processor.guarded(|_| false));
        assert!(processor.is_faulted());
        assert_eq!(processor.process(&block), block);

        let mut processor = Processor::new(Switches::ON);
        assert!(!processor.guarded(|_| panic!("as sonora 0.1 did")));
        assert!(processor.is_faulted());
        assert_eq!(processor.process(&block), block);
    }

    #[test]
    fn what_is_no_number_does_no_lasting_harm() {
        let mut processor = Processor::new(Switches::ON);
        let mut voice = Speech::new(4);
        processor.process(&[f32::INFINITY; BLOCK]);
        for _ in 0..SECOND {
            assert!(processor.process(&voice.frame()).iter().all(|sample| sample.is_finite()));
        }
    }
}
