//! Where in a longer sound a shorter one is.

use crate::signal::correlation;

/// The first look is at every sixth sample: 8 kHz are enough for a voice.
const COARSE: usize = 6;

/// A place where something was found, and how alike the two are there.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Place {
    pub(super) at: usize,
    pub(super) likeness: f32,
}

/// The best place of `needle`; `None` where `sound` is shorter.
pub(super) fn place_of(needle: &[f32], sound: &[f32]) -> Option<Place> {
    let last = sound.len().checked_sub(needle.len())?;
    let (thin_needle, thin_sound) = (thinned(needle), thinned(sound));
    let rough = (0..=last / COARSE)
        .filter_map(|at| Some((at, correlation(&thin_needle, thin_sound.get(at..)?))))
        .max_by(|a, b| a.1.total_cmp(&b.1))?;
    let near = (rough.0 * COARSE).saturating_sub(COARSE)..=(rough.0 * COARSE + COARSE).min(last);
    near.map(|at| Place { at, likeness: correlation(needle, &sound[at..]) })
        .max_by(|a, b| a.likeness.total_cmp(&b.likeness))
}

fn thinned(sound: &[f32]) -> Vec<f32> {
    sound.chunks_exact(COARSE).map(|samples| samples.iter().sum::<f32>() / COARSE as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signal::Chance;
    use crate::tones::sweep;

    #[test]
    fn a_sweep_is_found_in_noise_as_loud_as_itself() {
        let sweep = sweep();
        let mut chance = Chance::new(2);
        for at in [0, 1_234, 20_001] {
            let mut sound: Vec<f32> = (0..48_000).map(|_| 0.3 * chance.noise()).collect();
            sweep.iter().zip(&mut sound[at..]).for_each(|(sweep, sound)| *sound += sweep * 0.5);
            let place = place_of(&sweep, &sound).unwrap();
            assert!(place.at.abs_diff(at) <= 2, "{at}: {place:?}");
            assert!(place.likeness > 0.3, "{place:?}");
        }
    }

    #[test]
    fn noise_alone_is_like_nothing() {
        let mut chance = Chance::new(3);
        let sound: Vec<f32> = (0..60_000).map(|_| 0.3 * chance.noise()).collect();
        assert!(place_of(&sweep(), &sound).unwrap().likeness < 0.12);
        assert_eq!(place_of(&sweep(), &[0.0; 100]), None);
    }
}
