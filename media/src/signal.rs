//! Small arithmetic on samples, and chance for noise.
//!
//! Owns what more than one part needs of it. It must never know what the samples are for.

/// Chance of no value to anybody but the ear: reproducible, quick, without a lock.
#[derive(Debug, Clone)]
pub struct Chance(u64);

impl Chance {
    /// Another seed gives another sequence.
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn next(&mut self) -> u64 {
        // xorshift64: all that noise asks for.
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// A whole number below `end`, which is not 0.
    pub fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    /// A number from 0 up to but not including 1.
    pub fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A sample of noise, from -1 to 1.
    pub fn noise(&mut self) -> f32 {
        (self.unit() * 2.0 - 1.0) as f32
    }
}

/// Mean of the squares.
pub fn power(samples: &[f32]) -> f32 {
    let energy: f64 = samples.iter().map(|&sample| f64::from(sample) * f64::from(sample)).sum();
    (energy / samples.len().max(1) as f64) as f32
}

/// How alike two signals are: 1 for the same form whatever its loudness, 0 for nothing in common.
/// The longer one is cut. A signal without any power is like no other.
pub fn correlation(a: &[f32], b: &[f32]) -> f32 {
    let (mut both, mut of_a, mut of_b) = (0.0_f64, 0.0_f64, 0.0_f64);
    for (&a, &b) in a.iter().zip(b) {
        let (a, b) = (f64::from(a), f64::from(b));
        both += a * b;
        of_a += a * a;
        of_b += b * b;
    }
    let scale = (of_a * of_b).sqrt();
    if scale > 1e-12 { (both / scale) as f32 } else { 0.0 }
}

/// How much of a fade that is `length` samples long has happened at `index`: 0 before it, 1 after it.
pub fn fade_in(index: usize, length: usize) -> f32 {
    (index as f32 + 0.5).min(length as f32) / length.max(1) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn form_counts_and_loudness_does_not() {
        let wave: Vec<f32> = (0..480).map(|n| (n as f32 * 0.1).sin()).collect();
        let louder: Vec<f32> = wave.iter().map(|sample| sample * 3.0).collect();
        let upside_down: Vec<f32> = wave.iter().map(|sample| -sample).collect();
        assert!((correlation(&wave, &louder) - 1.0).abs() < 1e-4);
        assert!((correlation(&wave, &upside_down) + 1.0).abs() < 1e-4);
        assert_eq!(correlation(&wave, &[0.0; 480]), 0.0);
        assert_eq!(correlation(&[], &[]), 0.0);
    }

    #[test]
    fn noise_has_no_mean_and_one_seed_one_sequence() {
        let mut chance = Chance::new(3);
        let noise: Vec<f32> = (0..10_000).map(|_| chance.noise()).collect();
        let mean: f32 = noise.iter().sum::<f32>() / 10_000.0;
        assert!(mean.abs() < 0.02, "{mean}");
        assert!((power(&noise) - 1.0 / 3.0).abs() < 0.02);
        assert_eq!(Chance::new(3).below(1000), Chance::new(3).below(1000));
    }
}
