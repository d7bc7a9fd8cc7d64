//! How long a passphrase would stand against guessing, roughly. Knows no screen.

use std::collections::BTreeSet;

/// Guesses, as a power of ten, that a thousand machines make in a day, when each guess costs a second
/// (the archive's scrypt).
const GUESSES_OF_A_DAY_LOG10: f64 = 8.0;
/// The same for thirty years.
const GUESSES_OF_A_LIFE_LOG10: f64 = 12.0;

/// A word is one of so many that come to mind, as a power of ten, however long it is.
const WORD_LOG10: f64 = 4.0;
/// A row of digits is a year, a date or 1234.
const DIGITS_LOG10: f64 = 3.0;
/// A letter, a digit, a sign and a Chinese character, out of those that are used much.
const LETTER_LOG10: f64 = 1.4;
const DIGIT_LOG10: f64 = 1.0;
const SIGN_LOG10: f64 = 1.5;
const IDEOGRAPH_LOG10: f64 = 2.0;

/// How strong a passphrase is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Strength {
    /// Found within a day by somebody who means it.
    Weak,
    /// Found within years.
    Fair,
    /// Not found.
    Strong,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Letter,
    Digit,
    Ideograph,
    Sign,
    Space,
}

impl Strength {
    /// Of this passphrase, by somebody who guesses whole words and numbers before single letters.
    pub fn of(passphrase: &str) -> Self {
        // What is said twice is guessed once.
        let pieces: BTreeSet<&str> = pieces(passphrase).collect();
        match pieces.into_iter().map(guesses_log10).sum::<f64>() {
            ..GUESSES_OF_A_DAY_LOG10 => Self::Weak,
            ..GUESSES_OF_A_LIFE_LOG10 => Self::Fair,
            _ => Self::Strong,
        }
    }
}

/// Runs of one kind of characters.
fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let kind = Kind::of(rest.chars().next()?);
        let end = rest.find(|c| Kind::of(c) != kind).unwrap_or(rest.len());
        let (piece, after) = rest.split_at(end);
        rest = after;
        Some(piece)
    })
}

fn guesses_log10(piece: &str) -> f64 {
    let count = piece.chars().count() as f64;
    match piece.chars().next().map(Kind::of) {
        Some(Kind::Letter) => (count * LETTER_LOG10).min(WORD_LOG10),
        Some(Kind::Digit) => (count * DIGIT_LOG10).min(DIGITS_LOG10),
        Some(Kind::Ideograph) => count.min(2.0) * IDEOGRAPH_LOG10,
        Some(Kind::Sign) => SIGN_LOG10,
        Some(Kind::Space) | None => 0.0,
    }
}

impl Kind {
    fn of(c: char) -> Self {
        match c {
            '\u{2E80}'..='\u{9FFF}' | '\u{AC00}'..='\u{D7FF}' | '\u{20000}'..='\u{3FFFF}' => Self::Ideograph,
            _ if c.is_whitespace() => Self::Space,
            _ if c.is_numeric() => Self::Digit,
            _ if c.is_alphabetic() => Self::Letter,
            _ => Self::Sign,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_numbers_are_guessed_whole() {
        for weak in ["", "x", "password1", "kinmesh2026", "aaaaaaaaaaaaaaaaaaaa", "la la la la", "生日快乐"]
        {
            assert_eq!(Strength::of(weak), Strength::Weak, "{weak}");
        }
    }

    #[test]
    fn four_words_in_a_row_are_strong() {
        for strong in ["correct horse battery staple", "风筝 灯塔 煎饼 北冰洋"] {
            assert_eq!(Strength::of(strong), Strength::Strong, "{strong}");
        }
        assert_eq!(Strength::of("xK9#vQ2m"), Strength::Fair);
    }
}
