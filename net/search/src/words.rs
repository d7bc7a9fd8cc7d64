//! Cutting text into what is looked up: words, and runs of characters that need no spaces.
//!
//! One cut serves the index, the query and the comparison of the two, so that they cannot differ.
//! It knows Unicode and nothing of the index. A change here needs a new `FORMAT` of the index.

use std::ops::Range;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Longest term in bytes: longer words (hashes, encoded data) are looked up by their beginning, so
/// that they do not fill the dictionary, and compared in full afterwards.
pub(crate) const TERM_MAX: usize = 64;

/// A piece of text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Part {
    /// Letters, marks and digits between anything else.
    Word(String),
    /// Characters that each stand for themselves: Chinese, Japanese, Korean, Thai, emoji and so on.
    Run(String),
}

impl Part {
    pub(crate) fn text(&self) -> &str {
        match self {
            Self::Word(text) | Self::Run(text) => text,
        }
    }
}

/// The text with everything gone that a searcher would not type: case, accents, ligatures, width,
/// vowel points, skin tones and invisible characters.
pub(crate) fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    text.nfkd().flat_map(char::to_lowercase).filter(|c| !is_ignored(*c)).map(same_letter).nfc().collect()
}

/// The folded text, and where each of its characters begins in it and stood before. Letters are
/// folded with their marks, so an accent belongs to its letter.
pub(crate) fn fold_with_origins(text: &str) -> (String, Vec<(usize, Range<usize>)>) {
    let starts = text.char_indices().filter(|(at, c)| *at == 0 || !is_combining_mark(*c)).map(|(at, _)| at);
    let ends = starts.clone().skip(1).chain([text.len()]);
    let mut folded = String::new();
    let mut origins = Vec::new();
    for (start, end) in starts.zip(ends) {
        for c in fold(&text[start..end]).chars() {
            origins.push((folded.len(), start..end));
            folded.push(c);
        }
    }
    (folded, origins)
}

/// Cuts folded text.
pub(crate) fn parts(folded: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut rest = folded;
    while let Some(first) = rest.chars().next() {
        let kind = Kind::of(first);
        let end = rest.find(|c| Kind::of(c) != kind).unwrap_or(rest.len());
        let (piece, after) = rest.split_at(end);
        match kind {
            Kind::Word => parts.push(Part::Word(piece.to_owned())),
            Kind::Glyph => parts.push(Part::Run(piece.to_owned())),
            Kind::Gap => {}
        }
        rest = after;
    }
    parts
}

/// Whether the last word of folded text may go on: nothing stands behind it.
pub(crate) fn ends_in_word(folded: &str) -> bool {
    folded.chars().next_back().is_some_and(|last| Kind::of(last) == Kind::Word)
}

/// Hands over every term of a text, some of them more than once.
///
/// A run gives its pairs of neighbours and its last character, so every character of it begins a
/// term: one alone is found as the beginning of terms, two and more by their pairs.
pub(crate) fn for_each_term(parts: &[Part], mut take: impl FnMut(&str)) {
    for part in parts {
        match part {
            Part::Word(word) => take(term_of(word)),
            Part::Run(run) => {
                pairs(run).for_each(&mut take);
                take(last_char(run));
            }
        }
    }
}

/// Hands over the first letter of every word, some of them more than once.
pub(crate) fn for_each_initial(parts: &[Part], mut take: impl FnMut(&str)) {
    for part in parts {
        if let Part::Word(word) = part {
            take(first_char(word));
        }
    }
}

/// Whether this is one character.
pub(crate) fn is_single(text: &str) -> bool {
    first_char(text) == text
}

/// The term of a word.
pub(crate) fn term_of(word: &str) -> &str {
    let end = (0..=TERM_MAX.min(word.len())).rev().find(|at| word.is_char_boundary(*at));
    &word[..end.unwrap_or(0)]
}

/// The neighbours in a run, two at a time; none for a single character.
pub(crate) fn pairs(run: &str) -> impl Iterator<Item = &str> {
    let starts = run.char_indices().map(|(at, _)| at);
    let ends = run.char_indices().map(|(at, c)| at + c.len_utf8()).skip(1);
    starts.zip(ends).map(|(start, end)| &run[start..end])
}

fn first_char(word: &str) -> &str {
    word.chars().next().map_or(word, |c| &word[..c.len_utf8()])
}

fn last_char(run: &str) -> &str {
    run.char_indices().next_back().map_or(run, |(at, _)| &run[at..])
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Word,
    Glyph,
    Gap,
}

impl Kind {
    fn of(c: char) -> Self {
        let is_word = c.is_alphanumeric() || is_combining_mark(c);
        if is_symbol(c) || (is_word && is_unspaced(c)) {
            Self::Glyph
        } else if is_word {
            Self::Word
        } else {
            Self::Gap
        }
    }
}

/// Scripts that are written without spaces between words, and Korean, whose words carry endings.
fn is_unspaced(c: char) -> bool {
    matches!(c,
        '\u{0E00}'..='\u{0FFF}' // Thai, Lao, Tibetan
        | '\u{1000}'..='\u{109F}' // Myanmar
        | '\u{1100}'..='\u{11FF}' // Hangul letters
        | '\u{1780}'..='\u{17FF}' // Khmer
        | '\u{1950}'..='\u{1AAF}' // Tai Le, New Tai Lue, Tai Tham
        | '\u{2E80}'..='\u{A4CF}' // Han, kana, bopomofo, Yi
        | '\u{A960}'..='\u{A97F}' // Hangul letters
        | '\u{AA60}'..='\u{AADF}' // Myanmar, Tai Viet
        | '\u{AC00}'..='\u{D7FF}' // Hangul syllables
        | '\u{F900}'..='\u{FAFF}' // Han
        | '\u{1B000}'..='\u{1B16F}' // kana
        | '\u{20000}'..='\u{3FFFF}' // Han
    )
}

/// Emoji and other pictures.
fn is_symbol(c: char) -> bool {
    matches!(c,
        '\u{2190}'..='\u{21FF}'
        | '\u{2300}'..='\u{23FF}'
        | '\u{25A0}'..='\u{27BF}'
        | '\u{2B00}'..='\u{2BFF}'
        | '\u{1F000}'..='\u{1FAFF}'
    )
}

fn is_ignored(c: char) -> bool {
    let is_accent = matches!(c, '\u{0300}'..='\u{036F}');
    let is_point = matches!(c, '\u{0591}'..='\u{05C7}' | '\u{064B}'..='\u{065F}' | '\u{0670}');
    let is_invisible = matches!(c,
        '\u{00AD}' | '\u{0640}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}'
        | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{1F3FB}'..='\u{1F3FF}' | '\u{E0000}'..='\u{E0FFF}'
    );
    is_accent || (is_point && is_combining_mark(c)) || is_invisible
}

/// Letters that only their place in a word, or an old spelling, tells apart.
fn same_letter(c: char) -> char {
    match c {
        'ς' => 'σ',
        'ı' => 'i',
        'ی' => 'ي',
        'ک' => 'ك',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms(text: &str) -> Vec<String> {
        let mut terms = Vec::new();
        for_each_term(&parts(&fold(text)), |term| terms.push(term.to_owned()));
        terms
    }

    #[test]
    fn words_end_where_letters_and_digits_end() {
        assert_eq!(
            terms("Don't forget: snake_case, v2.10!"),
            ["don", "t", "forget", "snake", "case", "v2", "10"]
        );
        assert_eq!(terms(" \n…—"), [] as [&str; 0]);
    }

    #[test]
    fn case_accents_width_and_points_do_not_matter() {
        for (written, typed) in [
            ("RÉSUMÉ", "resume"),
            ("Ｆｕｌｌ　ｗｉｄｔｈ", "full width"),
            ("ΟΔΟΣ ὁδός", "οδοσ οδοσ"),
            ("Ёлка Йод", "елка иод"),
            ("İstanbul ıslak", "istanbul islak"),
            ("ﬁre №5", "fire no5"),
            ("مُحَمَّد", "محمد"),
            ("שָׁלוֹם", "שלום"),
            ("soft\u{AD}hyphen", "softhyphen"),
            ("ｶﾞ", "ガ"),
        ] {
            assert_eq!(fold(written), fold(typed), "{written}");
            assert_eq!(fold(typed), typed, "{typed}");
        }
    }

    #[test]
    fn marks_that_carry_meaning_stay() {
        assert_ne!(fold("が"), fold("か"));
        assert_ne!(fold("की"), fold("का"));
        assert_eq!(terms("हिन्दी भाषा"), ["हिन्दी", "भाषा"]);
    }

    #[test]
    fn scripts_without_spaces_are_cut_into_pairs() {
        assert_eq!(terms("我爱北京"), ["我爱", "爱北", "北京", "京"]);
        assert_eq!(terms("用Rust写的。好"), ["用", "rust", "写的", "的", "好"]);
        assert_eq!(terms("한국어"), ["한국", "국어", "어"]);
        assert_eq!(terms("ไทย"), ["ไท", "ทย", "ย"]);
    }

    #[test]
    fn emoji_are_found_whatever_their_skin_or_glue() {
        assert_eq!(terms("👍🏽"), terms("👍"));
        assert_eq!(terms("ok 🎉🎉"), ["ok", "🎉🎉", "🎉"]);
        assert_eq!(terms("❤️"), ["❤"]);
    }

    #[test]
    fn a_long_word_is_looked_up_by_its_beginning() {
        let word = "é".repeat(100);
        assert_eq!(terms(&word), ["e".repeat(TERM_MAX)]);
        let odd = "x".repeat(TERM_MAX - 1) + "ß";
        assert_eq!(terms(&odd), ["x".repeat(TERM_MAX - 1)]);
    }
}
