//! Safety numbers: what two people compare to know that nobody stands between them.

use crate::id::PersonId;

/// Words of a safety number. Each stands for 11 bits: 132 bits are beyond anybody's search.
pub const SAFETY_WORDS: usize = 12;
/// Bits of a word in the list of BIP-39, which has 2,048.
const WORD_BITS: usize = 11;
/// Separates these from other uses of the hash.
const CONTEXT: &str = "kinmesh 2026-11 safety number";

/// What two persons see alike when each has the other's true key, and only then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SafetyNumber([u8; 32]);

impl SafetyNumber {
    /// Of two persons, in either order.
    pub fn of(one: PersonId, other: PersonId) -> Self {
        let (low, high) = if one <= other { (one, other) } else { (other, one) };
        Self(blake3::derive_key(CONTEXT, &[low.0, high.0].concat()))
    }

    /// Twelve English words of BIP-39's list, to be read aloud. They are no phrase that restores a
    /// key, and the same words in every language of the program, so that both sides see the same.
    pub fn words(&self) -> [&'static str; SAFETY_WORDS] {
        let list = bip39::Language::English.word_list();
        std::array::from_fn(|n| list[self.bits(n * WORD_BITS)])
    }

    /// What its QR picture holds: equal pictures are equal numbers.
    pub fn to_qr_text(&self) -> String {
        self.words().join(" ").to_uppercase()
    }

    /// The number of [`WORD_BITS`] bits that begins at this bit, the highest first.
    fn bits(&self, from: usize) -> usize {
        let bit = |at: usize| usize::from(self.0[at / 8] >> (7 - at % 8) & 1);
        (from..from + WORD_BITS).fold(0, |number, at| number << 1 | bit(at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALICE: PersonId = PersonId([1; 32]);
    const BOB: PersonId = PersonId([2; 32]);
    const MALLORY: PersonId = PersonId([3; 32]);

    #[test]
    fn both_sides_read_the_same_words() {
        assert_eq!(SafetyNumber::of(ALICE, BOB).words(), SafetyNumber::of(BOB, ALICE).words());
        assert_eq!(SafetyNumber::of(ALICE, BOB).to_qr_text(), SafetyNumber::of(BOB, ALICE).to_qr_text());
    }

    #[test]
    fn who_stands_between_two_people_shows_each_other_words() {
        let (to_alice, to_bob) = (SafetyNumber::of(ALICE, MALLORY), SafetyNumber::of(BOB, MALLORY));
        assert_ne!(to_alice.words(), to_bob.words());
        assert_ne!(to_alice.words(), SafetyNumber::of(ALICE, BOB).words());
    }

    #[test]
    fn words_are_taken_from_the_highest_bits_on() {
        let mut bytes = [0; 32];
        bytes[1] = 0b0010_0000;
        assert_eq!(SafetyNumber(bytes).words()[..2], ["ability", "abandon"]);
        assert_eq!(SafetyNumber([0xff; 32]).words(), ["zoo"; SAFETY_WORDS]);
    }
}
