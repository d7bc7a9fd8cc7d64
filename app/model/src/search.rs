//! What a search found, as a list shows it: a piece of the text around the find, and days to choose.

use std::ops::Range;

use jiff::Span;
use jiff::civil::Date;
use unicode_segmentation::UnicodeSegmentation;

/// Characters of a text that are shown: two lines of the narrowest list.
const SNIPPET_GRAPHEMES_MAX: usize = 72;
/// Characters shown before the first find.
const LEAD_GRAPHEMES: usize = 20;

/// A piece of text, and whether it is what was looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// The text, without line breaks.
    pub text: String,
    /// Whether it was looked for.
    pub found: bool,
}

/// The part of `text` around the first of the places in `found`, in one line. The places are bytes,
/// in order.
pub fn snippet(text: &str, found: &[Range<usize>]) -> Vec<Run> {
    let start = start_of(text, found.first().map_or(0, |place| place.start));
    let shown = text[start..].grapheme_indices(true).take(SNIPPET_GRAPHEMES_MAX);
    let mut runs = Vec::new();
    let mut end = start;
    push(&mut runs, if start > 0 { "…" } else { "" }, false);
    for (at, grapheme) in shown.map(|(at, grapheme)| (start + at, grapheme)) {
        end = at + grapheme.len();
        let next = &found[found.partition_point(|place| place.end <= at)..];
        // A line break of any kind is white space and control at once.
        let is_break = grapheme.chars().all(char::is_control);
        let is_found = next.first().is_some_and(|place| place.start < end);
        push(&mut runs, if is_break { " " } else { grapheme }, is_found);
    }
    push(&mut runs, if end < text.len() { "…" } else { "" }, false);
    runs
}

/// Where to begin, so that a little of what leads to the find is shown: with a whole word, if the
/// script has spaces.
fn start_of(text: &str, find: usize) -> usize {
    let mut before = text[..find].grapheme_indices(true).rev();
    let Some((at, cut)) = before.nth(LEAD_GRAPHEMES) else { return 0 };
    let lead = &text[at..find];
    let word = lead.char_indices().find(|(_, c)| c.is_whitespace()).map(|(at, c)| at + c.len_utf8());
    at + word.unwrap_or(cut.len())
}

fn push(runs: &mut Vec<Run>, text: &str, found: bool) {
    match runs.last_mut() {
        _ if text.is_empty() => {}
        Some(last) if last.found == found => last.text.push_str(text),
        _ => runs.push(Run { text: text.to_owned(), found }),
    }
}

/// Days that a search is narrowed to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum When {
    /// All of them.
    #[default]
    Any,
    /// Today.
    Today,
    /// The last seven days.
    Week,
    /// The last thirty days.
    Month,
    /// The last 365 days.
    Year,
}

impl When {
    /// Every choice, the widest first.
    pub const ALL: [Self; 5] = [Self::Any, Self::Today, Self::Week, Self::Month, Self::Year];

    /// The first day that is looked at.
    pub fn first_day(self, today: Date) -> Option<Date> {
        let days = match self {
            Self::Any => return None,
            Self::Today => 0,
            Self::Week => 6,
            Self::Month => 29,
            Self::Year => 364,
        };
        Some(today.saturating_sub(Span::new().days(days)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The snippet with what was found in brackets; all `needle`s were looked for.
    fn shown(text: &str, needle: &str) -> String {
        let found: Vec<_> = text.match_indices(needle).map(|(at, hit)| at..at + hit.len()).collect();
        let mark = |run: Run| if run.found { format!("[{}]", run.text) } else { run.text };
        snippet(text, &found).into_iter().map(mark).collect()
    }

    #[test]
    fn what_was_found_stands_out_in_one_line() {
        assert_eq!(shown("Wind from the west,\nwest wind", "west"), "Wind from the [west], [west] wind");
        assert_eq!(shown("The wind is now from the west", "west"), "…is now from the [west]");
        assert_eq!(shown("周六八点见", "八点"), "周六[八点]见");
        assert_eq!(shown("nothing of it", "else"), "nothing of it");
    }

    #[test]
    fn a_long_text_is_shown_around_the_first_find() {
        let text = format!("{} needle {}", "hay ".repeat(50), "straw ".repeat(50));
        let shown = shown(&text, "needle");
        assert!(shown.starts_with('…') && shown.ends_with('…') && shown.contains("[needle]"), "{shown}");
        assert!(shown.graphemes(true).count() <= SNIPPET_GRAPHEMES_MAX + 4, "{shown}");
    }

    #[test]
    fn a_character_is_never_cut() {
        let text = format!("{}é", "👩‍👩‍👧".repeat(40));
        assert_eq!(shown(&text, "é"), format!("…{}[é]", "👩‍👩‍👧".repeat(LEAD_GRAPHEMES)));
    }

    #[test]
    fn days_are_counted_with_today() {
        let today = jiff::civil::date(2026, 11, 21);
        assert_eq!(When::Any.first_day(today), None);
        assert_eq!(When::Today.first_day(today), Some(today));
        assert_eq!(When::Week.first_day(today), Some(jiff::civil::date(2026, 11, 15)));
    }
}
