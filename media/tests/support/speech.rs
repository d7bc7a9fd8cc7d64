//! A made-up voice: a buzz through formants that change with each syllable, hisses and pauses. The codec
//! takes it for speech, pitch can be found in it, and no recording has to be kept.

use std::f32::consts::TAU;

const RATE: f32 = 48_000.0;
const SYLLABLE: usize = 9_600;
const VOWELS: [[f32; 3]; 5] = [
    [730.0, 1090.0, 2440.0],
    [270.0, 2290.0, 3010.0],
    [300.0, 870.0, 2240.0],
    [530.0, 1840.0, 2480.0],
    [570.0, 840.0, 2410.0],
];

/// Speaks for ever, the same for the same seed.
pub(crate) struct Speech {
    chance: u64,
    at: usize,
    phase: f32,
    pitch_hz: f32,
    vowel: [f32; 3],
    kind: Kind,
    resonators: [[f32; 2]; 3],
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Vowel,
    Hiss,
    Pause,
}

impl Speech {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            chance: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
            at: 0,
            phase: 0.0,
            pitch_hz: 120.0,
            vowel: VOWELS[0],
            kind: Kind::Vowel,
            resonators: [[0.0; 2]; 3],
        }
    }

    fn below(&mut self, end: usize) -> usize {
        self.chance ^= self.chance << 13;
        self.chance ^= self.chance >> 7;
        self.chance ^= self.chance << 17;
        (self.chance % end as u64) as usize
    }

    fn noise(&mut self) -> f32 {
        self.below(20_001) as f32 / 10_000.0 - 1.0
    }

    fn next_syllable(&mut self) {
        self.pitch_hz = 95.0 + self.below(110) as f32;
        self.vowel = VOWELS[self.below(VOWELS.len())];
        self.kind = match self.below(12) {
            0 => Kind::Pause,
            1 | 2 => Kind::Hiss,
            _ => Kind::Vowel,
        };
    }

    pub(crate) fn sample(&mut self) -> f32 {
        if self.at.is_multiple_of(SYLLABLE) {
            self.next_syllable();
        }
        let through = (self.at % SYLLABLE) as f32 / SYLLABLE as f32;
        self.at += 1;
        let loud = (through * std::f32::consts::PI).sin().powf(0.6);
        let glide = 1.0 + 0.12 * (through * TAU * 0.5).cos();
        self.phase = (self.phase + self.pitch_hz * glide / RATE).fract();
        let hiss = self.noise();
        let source = match self.kind {
            Kind::Vowel => (1.0 - self.phase * 2.0) * (-6.0 * self.phase).exp() + 0.01 * hiss,
            Kind::Hiss => 0.12 * hiss,
            Kind::Pause => 0.0,
        };
        let mut sum = 0.0;
        for (n, resonator) in self.resonators.iter_mut().enumerate() {
            let radius = (-std::f32::consts::PI * (70.0 + 40.0 * n as f32) / RATE).exp();
            let turn = 2.0 * radius * (TAU * self.vowel[n] / RATE).cos();
            let out = source * (1.0 - radius) * 6.0 + turn * resonator[0] - radius * radius * resonator[1];
            *resonator = [out, resonator[0]];
            sum += out / (1.0 + n as f32);
        }
        (sum * loud * 0.35).clamp(-0.9, 0.9) + 0.0003 * hiss
    }

    pub(crate) fn frame<const N: usize>(&mut self) -> [f32; N] {
        std::array::from_fn(|_| self.sample())
    }
}
