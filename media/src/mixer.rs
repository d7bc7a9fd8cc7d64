//! Several voices at once, each as loud as one likes, and never louder than a loudspeaker can be.

use crate::codec::BLOCK;

/// Where the curve begins: speech at a common loudness stays as it is.
const KNEE: f32 = 0.8;
/// Four times as loud: more is for a better microphone on the other side.
const VOLUME_MAX: f32 = 4.0;

/// How loud a voice is played: 1 as it came, 0 not at all.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Volume(f32);

impl Volume {
    /// As it came.
    pub const FULL: Self = Self(1.0);

    /// Anything from 0 to 4; what lies beyond or is no number is brought into these bounds.
    pub fn new(factor: f32) -> Self {
        Self(if factor.is_finite() { factor.clamp(0.0, VOLUME_MAX) } else { 1.0 })
    }
}

/// Sums what is played at one time.
#[derive(Debug)]
pub struct Mixer {
    sum: [f32; BLOCK],
}

impl Default for Mixer {
    fn default() -> Self {
        Self { sum: [0.0; BLOCK] }
    }
}

impl Mixer {
    /// Adds a voice. A sample that is no number, which no decoder should make, is left out.
    pub fn add(&mut self, voice: &[f32; BLOCK], volume: Volume) {
        for (sum, &sample) in self.sum.iter_mut().zip(voice) {
            if sample.is_finite() {
                *sum += sample * volume.0;
            }
        }
    }

    /// Gives the sum, gently bent where it is too loud, and begins anew.
    pub fn take(&mut self) -> [f32; BLOCK] {
        std::mem::replace(&mut self.sum, [0.0; BLOCK]).map(bent)
    }
}

/// The sample as it is up to the knee; from there on it nears full scale and never reaches it.
fn bent(sample: f32) -> f32 {
    let loud = sample.abs();
    if loud <= KNEE {
        return sample;
    }
    let over = (loud - KNEE) / (1.0 - KNEE);
    (KNEE + (1.0 - KNEE) * over / (1.0 + over)).copysign(sample)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_voice_of_common_loudness_stays_as_it_is() {
        let mut mixer = Mixer::default();
        let voice: [f32; BLOCK] = std::array::from_fn(|n| (n as f32 * 0.1).sin() * 0.7);
        mixer.add(&voice, Volume::FULL);
        assert_eq!(mixer.take(), voice);
        assert_eq!(mixer.take(), [0.0; BLOCK]);
    }

    #[test]
    fn each_voice_has_its_volume() {
        let mut mixer = Mixer::default();
        mixer.add(&[0.5; BLOCK], Volume::new(0.5));
        mixer.add(&[0.1; BLOCK], Volume::new(2.0));
        mixer.add(&[0.9; BLOCK], Volume::new(0.0));
        assert!(mixer.take().iter().all(|sample| (sample - 0.45).abs() < 1e-6));
    }

    #[test]
    fn however_many_shout_nothing_clips_and_order_stays() {
        let mut before = 0.0;
        for voices in 1..50 {
            let mut mixer = Mixer::default();
            (0..voices).for_each(|_| mixer.add(&[0.9; BLOCK], Volume::FULL));
            let loud = mixer.take()[0];
            assert!(loud > before && loud < 1.0, "{voices} voices: {loud}");
            before = loud;
        }
    }

    #[test]
    fn broken_samples_and_volumes_do_no_harm() {
        let mut mixer = Mixer::default();
        mixer.add(&[f32::NAN; BLOCK], Volume::FULL);
        mixer.add(&[f32::INFINITY; BLOCK], Volume::FULL);
        mixer.add(&[0.1; BLOCK], Volume::new(f32::NAN));
        mixer.add(&[0.1; BLOCK], Volume::new(-3.0));
        assert!(mixer.take().iter().all(|sample| (sample - 0.1).abs() < 1e-6));
        assert_eq!(Volume::new(1e9), Volume::new(4.0));
    }
}
