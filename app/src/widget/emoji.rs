//! Emoji in text, drawn in colour: the parts of a text that are emoji name their font, since some
//! systems would take black and white signs for them.

use std::ops::Range;
use std::vec;

use iced::Font;
use iced::advanced::text::{self, Difference, Paragraph as _, Span};
use unicode_properties::UnicodeEmoji;
use unicode_properties::emoji::EmojiStatus;
use unicode_segmentation::UnicodeSegmentation;

use crate::theme::{self, Theme};

type Paragraph = <iced::Renderer as text::Renderer>::Paragraph;

/// After a sign: it is wanted as a picture, as in "❤️".
const AS_PICTURE: char = '\u{FE0F}';
/// After a sign: it is wanted as a letter.
const AS_LETTER: char = '\u{FE0E}';

/// Whether this is a picture where nothing else is asked for.
fn is_pictured(sign: char) -> bool {
    use EmojiStatus::{
        EmojiPresentation, EmojiPresentationAndEmojiComponent, EmojiPresentationAndModifierAndEmojiComponent,
        EmojiPresentationAndModifierBase,
    };
    matches!(
        sign.emoji_status(),
        EmojiPresentation
            | EmojiPresentationAndEmojiComponent
            | EmojiPresentationAndModifierAndEmojiComponent
            | EmojiPresentationAndModifierBase
    )
}

fn is_emoji(grapheme: &str) -> bool {
    let is_asked_for = grapheme.contains(AS_PICTURE) && grapheme.starts_with(UnicodeEmoji::is_emoji_char);
    (is_asked_for || grapheme.contains(is_pictured)) && !grapheme.contains(AS_LETTER)
}

/// A text in parts, and whether each is emoji.
fn parts(text: &str) -> Vec<(&str, bool)> {
    if text.is_ascii() {
        return vec![(text, false)];
    }
    let mut parts: Vec<(&str, bool)> = Vec::new();
    for (at, grapheme) in text.grapheme_indices(true) {
        let is_emoji = is_emoji(grapheme);
        match parts.last_mut() {
            Some((part, same)) if *same == is_emoji => *part = &text[at - part.len()..at + grapheme.len()],
            _ => parts.push((grapheme, is_emoji)),
        }
    }
    parts
}

/// The font of a text that is emoji alone, or has none.
pub fn font(text: &str) -> Font {
    match parts(text)[..] {
        [(_, true)] => theme::EMOJI,
        _ => theme::REGULAR,
    }
}

/// A text in parts of which the emoji have their font.
pub fn spans<'a, Link>(text: &'a str) -> impl Iterator<Item = Span<'a, Link>> {
    let span =
        |(part, is_emoji): (&'a str, bool)| Span::new(part).font_maybe(is_emoji.then_some(theme::EMOJI));
    parts(text).into_iter().map(span)
}

/// A paragraph of this text.
pub fn paragraph(text: text::Text<&str>) -> Paragraph {
    let spans: Vec<Span<'_, ()>> = spans(text.content).collect();
    Paragraph::with_spans(text.with_content(&spans[..]))
}

/// A paragraph that is kept while its text is the same: iced's `Plain`, with emoji.
#[derive(Default)]
pub struct Kept {
    text: String,
    raw: Paragraph,
}

impl Kept {
    /// Makes it a paragraph of this text.
    pub fn update(&mut self, text: text::Text<&str>) {
        let same = self.text == text.content;
        let change = if same { self.raw.compare(text.with_content(())) } else { Difference::Shape };
        match change {
            Difference::None => {}
            Difference::Bounds => self.raw.resize(text.bounds),
            Difference::Shape => {
                text.content.clone_into(&mut self.text);
                self.raw = paragraph(text);
            }
        }
    }

    /// The paragraph.
    pub fn raw(&self) -> &Paragraph {
        &self.raw
    }
}

/// Finds the emoji in a text that is typed.
pub struct Highlighter;

impl text::Highlighter for Highlighter {
    type Settings = ();
    type Highlight = ();
    type Iterator<'a> = vec::IntoIter<(Range<usize>, ())>;

    fn new((): &()) -> Self {
        Self
    }

    fn update(&mut self, (): &()) {}

    fn change_line(&mut self, _: usize) {}

    fn highlight_line(&mut self, line: &str) -> Self::Iterator<'_> {
        let mut end = 0;
        let ranges = parts(line).into_iter().map(|(part, is_emoji)| {
            let start = end;
            end += part.len();
            (start..end, is_emoji)
        });
        let emoji = ranges.filter(|(_, is_emoji)| *is_emoji);
        emoji.map(|(range, _)| (range, ())).collect::<Vec<_>>().into_iter()
    }

    /// Always the first: another text in the same field is not told as a change.
    fn current_line(&self) -> usize {
        0
    }
}

/// How emoji look in a text that is typed.
pub fn format((): &(), _: &Theme) -> text::highlighter::Format<Font> {
    text::highlighter::Format { color: None, font: Some(theme::EMOJI) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn emoji_are_told_from_letters_and_signs() {
        for emoji in ["👍", "👍🏽", "❤️", "❤️‍🔥", "☝🏽", "🇩🇪", "1️⃣", "👩‍👩‍👧", "🏴󠁧󠁢󠁳󠁣󠁴󠁿", "👍👍"]
        {
            assert_eq!(parts(emoji), [(emoji, true)], "{emoji}");
        }
        for text in ["1", "#", "ok", "✓", "❤", "👍\u{FE0E}", "©", "中文", "שלום"] {
            assert_eq!(parts(text), [(text, false)], "{text}");
        }
    }

    #[test]
    fn a_text_is_cut_where_its_emoji_begin_and_end() {
        assert_eq!(parts("see you 👋🏽 soon"), [("see you ", false), ("👋🏽", true), (" soon", false)]);
        assert_eq!(parts(""), [("", false)]);
    }

    #[test]
    fn only_a_text_of_emoji_alone_has_their_font() {
        assert_eq!(font("🙋👍"), theme::EMOJI);
        for text in ["👍 2", "ok", ""] {
            assert_eq!(font(text), theme::REGULAR, "{text}");
        }
    }
}
