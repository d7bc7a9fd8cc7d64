//! Making sound a little shorter or longer without anybody hearing it: a period of the voice is left
//! out or said twice, with a fade from one to the other (WSOLA).

use crate::codec::{BLOCK, SAMPLE_RATE_HZ};
use crate::signal::{correlation, fade_in, power};

/// A period of a voice of 400 Hz, in samples.
const PERIOD_MIN: usize = SAMPLE_RATE_HZ as usize / 400;
/// The longest period that is looked for, 15 milliseconds: a deep voice.
pub(super) const PERIOD_MAX: usize = SAMPLE_RATE_HZ as usize * 15 / 1000;
/// So much is compared to tell how alike two places are.
const WINDOW: usize = BLOCK;
/// The first look is at every sixth sample, which is enough for the pitch of a voice.
const COARSE: usize = 6;
/// What leaving out needs to see at least.
pub(super) const NEEDED: usize = 2 * WINDOW;
/// Quieter than this (-60 dBFS), any place is as good as another.
const QUIET: f32 = 1e-6;
/// How alike two places must be where nothing is urgent.
pub(super) const ALIKE: f32 = 0.9;
/// The same where it is.
pub(super) const ALIKE_ENOUGH: f32 = 0.5;

/// Takes one period out of the beginning of `sound`, which holds at least [`NEEDED`] samples. Returns how
/// many samples are gone, 0 where it would be heard.
pub(super) fn shorten(sound: &mut Vec<f32>, from: usize, alike: f32) -> usize {
    let ahead = &sound[from..];
    if ahead.len() < NEEDED {
        return 0;
    }
    let longest = PERIOD_MAX.min(ahead.len() / 2);
    let period = if is_quiet(&ahead[..2 * longest]) {
        longest
    } else {
        let place = |period: usize| &ahead[period..period + WINDOW];
        match best(&ahead[..WINDOW], longest, place) {
            Some((period, found)) if found >= alike => period,
            _ => return 0,
        }
    };
    for n in 0..period {
        let (kept, later) = (sound[from + n], sound[from + period + n]);
        let share = fade_in(n, period);
        sound[from + n] = kept * (1.0 - share) + later * share;
    }
    sound.drain(from + period..from + 2 * period);
    period
}

/// Says the last period before `from` once more. Returns how many samples came in between, 0 where it
/// would be heard, or where less than a period lies behind or ahead.
pub(super) fn lengthen(sound: &mut Vec<f32>, from: usize, alike: f32) -> usize {
    if from < PERIOD_MAX || sound.len() < from + PERIOD_MAX {
        return 0;
    }
    let period = if is_quiet(&sound[from - PERIOD_MAX..from + PERIOD_MAX]) {
        PERIOD_MAX
    } else {
        let place = |period: usize| &sound[from - period..from - period + WINDOW];
        match best(&sound[from..from + WINDOW], PERIOD_MAX, place) {
            Some((period, found)) if found >= alike => period,
            _ => return 0,
        }
    };
    // Goes on as the sound did, and ends where the period before it ended: both seams are smooth.
    let again: Vec<f32> = (0..period)
        .map(|n| {
            let share = fade_in(n, period);
            sound[from + n] * (1.0 - share) + sound[from - period + n] * share
        })
        .collect();
    sound.splice(from..from, again);
    period
}

fn is_quiet(sound: &[f32]) -> bool {
    power(sound) < QUIET
}

/// The period whose place is most alike, and how alike it is.
fn best<'s>(here: &[f32], longest: usize, place: impl Fn(usize) -> &'s [f32]) -> Option<(usize, f32)> {
    let coarse = thinned(here);
    let rough = (PERIOD_MIN..=longest)
        .step_by(COARSE)
        .map(|period| (period, correlation(&coarse, &thinned(place(period)))))
        .max_by(|a, b| a.1.total_cmp(&b.1))?;
    let near = rough.0.saturating_sub(COARSE).max(PERIOD_MIN)..=(rough.0 + COARSE).min(longest);
    near.map(|period| (period, correlation(here, place(period)))).max_by(|a, b| a.1.total_cmp(&b.1))
}

/// Every sixth sample, as the mean of six.
fn thinned(sound: &[f32]) -> [f32; WINDOW / COARSE] {
    let mut thin = [0.0; WINDOW / COARSE];
    for (thin, samples) in thin.iter_mut().zip(sound.chunks_exact(COARSE)) {
        *thin = samples.iter().sum::<f32>() / COARSE as f32;
    }
    thin
}

#[cfg(test)]
mod tests {
    use std::f32::consts::TAU;

    use super::*;
    use crate::signal::Chance;

    const FROM: usize = PERIOD_MAX;

    /// A buzz of this many hertz.
    fn buzz(hz: f32, length: usize) -> Vec<f32> {
        let wave = |n: usize| {
            let phase = TAU * hz * n as f32 / SAMPLE_RATE_HZ as f32;
            0.3 * phase.sin() + 0.2 * (2.0 * phase).sin() + 0.1 * (3.0 * phase).sin()
        };
        (0..length).map(wave).collect()
    }

    fn largest_step(sound: &[f32]) -> f32 {
        sound.windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(0.0, f32::max)
    }

    #[test]
    fn whole_periods_come_and_go_and_no_seam_is_heard() {
        for hz in [80.0, 133.0, 200.0, 320.0] {
            let whole = buzz(hz, 4_800);
            let step = largest_step(&whole) * 1.1;
            let period = SAMPLE_RATE_HZ as f32 / hz;

            let mut shorter = whole.clone();
            let gone = shorten(&mut shorter, FROM, ALIKE);
            assert_eq!(shorter.len(), whole.len() - gone);
            let periods = gone as f32 / period;
            assert!(gone > 0 && (periods - periods.round()).abs() < 0.03, "{hz} Hz: {gone}");
            assert!(largest_step(&shorter) < step, "{hz} Hz");

            let mut longer = whole.clone();
            let come = lengthen(&mut longer, FROM, ALIKE);
            assert_eq!(longer.len(), whole.len() + come);
            let periods = come as f32 / period;
            assert!(come > 0 && (periods - periods.round()).abs() < 0.03, "{hz} Hz: {come}");
            assert!(largest_step(&longer) < step, "{hz} Hz");
        }
    }

    #[test]
    fn noise_is_left_alone_and_silence_gives_way() {
        let mut chance = Chance::new(1);
        let mut noise: Vec<f32> = (0..4_800).map(|_| 0.3 * chance.noise()).collect();
        assert_eq!(shorten(&mut noise, FROM, ALIKE), 0);
        assert_eq!(lengthen(&mut noise, FROM, ALIKE), 0);
        let mut silence = vec![0.0; 4_800];
        assert_eq!(shorten(&mut silence, FROM, ALIKE), PERIOD_MAX);
        assert_eq!(lengthen(&mut silence, FROM, ALIKE), PERIOD_MAX);
        assert_eq!(silence.len(), 4_800);
    }

    #[test]
    fn too_little_sound_is_left_alone() {
        let mut sound = buzz(100.0, FROM + NEEDED - 1);
        assert_eq!(shorten(&mut sound, FROM, ALIKE), 0);
        sound.truncate(FROM + PERIOD_MAX - 1);
        assert_eq!(lengthen(&mut sound, FROM, ALIKE), 0);
    }
}
