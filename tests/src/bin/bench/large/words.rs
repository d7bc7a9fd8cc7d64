//! What people write, made from one seed: words as often as in a language, some of them Chinese.

/// Different words. The frequent ones are far more frequent, as Zipf found.
const VOCABULARY: usize = 30_000;
/// Characters of a message, about.
const LENGTH: usize = 200;

/// SplitMix64.
pub(super) struct Dice(u64);

impl Dice {
    /// The same throws for the same seed.
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `end`.
    pub(super) fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % end as u64) as usize
    }

    /// A word's rank: half of all words are among the first two hundred.
    pub(super) fn rank(&mut self) -> usize {
        let share = self.below(1 << 20) as f64 / f64::from(1 << 20);
        ((VOCABULARY as f64).powf(share) - 1.0) as usize
    }
}

/// The word of a rank: syllables for the digits of a number that looks random.
pub(super) fn word(rank: usize) -> String {
    const SYLLABLES: [&str; 16] =
        ["ka", "ri", "to", "me", "lu", "san", "ber", "do", "vi", "ne", "ha", "gor", "pe", "lin", "su", "ta"];
    let mut rest = (rank as u64 + 1).wrapping_mul(0x9e37_79b9) % (1 << 20);
    let mut word = String::new();
    for _ in 0..2 + rank % 3 {
        word.push_str(SYLLABLES[(rest % 16) as usize]);
        rest /= 16;
    }
    word
}

/// A Chinese character, the frequent ones more often.
pub(super) fn han(dice: &mut Dice) -> char {
    let rank = u32::try_from(dice.rank() % 5000).unwrap_or_default();
    char::from_u32(0x4e00 + rank).unwrap_or('\u{4e00}')
}

/// One message; each tenth is Chinese.
pub(super) fn message(dice: &mut Dice) -> String {
    let mut text = String::new();
    if dice.below(10) == 0 {
        while text.len() < LENGTH {
            text.push(han(dice));
        }
        return text;
    }
    while text.len() < LENGTH {
        text.push_str(&word(dice.rank()));
        text.push(' ');
    }
    text.trim_end().to_owned()
}
