//! What is searched for, and whether a text is it.
//!
//! The index answers with candidates; [`Pattern::matches`] decides on the text itself. It must never
//! know the index.

use std::iter;
use std::ops::Range;

use kinmesh_proto::{ConversationId, EntryKey, Hlc, PersonId};

use crate::place::Place;
use crate::words::{self, Part};

/// What to find. An empty text finds every post with text that the other fields allow.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query {
    /// Words that must all be in the post. The last one may be the beginning of a word.
    pub text: String,
    /// Only what these wrote; empty for everybody.
    pub authors: Vec<PersonId>,
    /// Only in this conversation.
    pub conversation: Option<ConversationId>,
    /// Written then or later, in Unix milliseconds.
    pub from_ms: Option<u64>,
    /// Written earlier than then, in Unix milliseconds.
    pub to_ms: Option<u64>,
    /// Only what stands before this entry: the last hit of the page before.
    pub before: Option<EntryKey>,
    /// Most hits wanted.
    pub limit: usize,
}

/// The words of a query.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pattern(Vec<Wanted>);

/// One thing that a text must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// This word.
    Word(String),
    /// A word that begins like this.
    Start(String),
    /// These characters in a row.
    Run(String),
}

impl Pattern {
    /// Reads what was typed; `None` when it holds nothing that could be looked up, such as "?!".
    pub fn parse(typed: &str) -> Option<Self> {
        let folded = words::fold(typed);
        let mut wanted: Vec<Wanted> = words::parts(&folded).into_iter().map(Wanted::from).collect();
        if words::ends_in_word(&folded)
            && let Some(Wanted::Word(last)) = wanted.pop_if(|last| matches!(last, Wanted::Word(_)))
        {
            wanted.push(Wanted::Start(last));
        }
        (!wanted.is_empty() || typed.trim().is_empty()).then_some(Self(wanted))
    }

    /// Whether the text holds all of it.
    pub fn matches(&self, text: &str) -> bool {
        self.0.is_empty() || self.matches_parts(&words::parts(&words::fold(text)))
    }

    /// Where in the text what was looked for stands, for showing it: bytes, in order, not overlapping.
    pub fn found_in(&self, text: &str) -> Vec<Range<usize>> {
        let (folded, origins) = words::fold_with_origins(text);
        let origin = |at: usize| origins[origins.partition_point(|(start, _)| *start <= at) - 1].1.clone();
        let mut found: Vec<Range<usize>> = Vec::new();
        let mut at = 0;
        for part in words::parts(&folded) {
            // Between two parts is nothing that could be taken for the second.
            at += folded[at..].find(part.text()).unwrap_or(0);
            let places = self.0.iter().flat_map(|wanted| wanted.places(&part));
            found.extend(places.map(|place| origin(at + place.start).start..origin(at + place.end - 1).end));
            at += part.text().len();
        }
        merged(found)
    }

    pub(crate) fn matches_parts(&self, parts: &[Part]) -> bool {
        self.0.iter().all(|wanted| parts.iter().any(|part| wanted.is_in(part)))
    }

    pub(crate) fn wanted(&self) -> &[Wanted] {
        &self.0
    }
}

impl Wanted {
    fn is_in(&self, part: &Part) -> bool {
        match (self, part) {
            (Self::Word(wanted), Part::Word(word)) => word == wanted,
            (Self::Start(wanted), Part::Word(word)) => word.starts_with(wanted),
            (Self::Run(wanted), Part::Run(run)) => run.contains(wanted),
            _ => false,
        }
    }

    /// Where it stands in a part.
    fn places(&self, part: &Part) -> Vec<Range<usize>> {
        match self {
            _ if !self.is_in(part) => Vec::new(),
            Self::Word(text) | Self::Start(text) => iter::once(0..text.len()).collect(),
            Self::Run(text) => part.text().match_indices(text).map(|(at, run)| at..at + run.len()).collect(),
        }
    }
}

/// The same places in order, those that touch in one.
fn merged(mut places: Vec<Range<usize>>) -> Vec<Range<usize>> {
    places.sort_by_key(|place| (place.start, place.end));
    places.dedup_by(|next, last| {
        let touches = next.start <= last.end;
        if touches {
            last.end = last.end.max(next.end);
        }
        touches
    });
    places
}

impl From<Part> for Wanted {
    fn from(part: Part) -> Self {
        match part {
            Part::Word(word) => Self::Word(word),
            Part::Run(run) => Self::Run(run),
        }
    }
}

/// A query, ready to be looked up: one page of it.
#[derive(Debug, Clone)]
pub(crate) struct Lookup {
    pub(crate) pattern: Pattern,
    pub(crate) authors: Vec<PersonId>,
    pub(crate) conversation: Option<ConversationId>,
    /// Clocks from the first, included, to the last, excluded.
    pub(crate) clocks: Range<Hlc>,
    /// Only what stands before this clock and head of an id.
    pub(crate) before: (Hlc, u64),
    /// Most places wanted, at least one.
    pub(crate) limit: usize,
}

impl Lookup {
    /// `None` when nothing can match.
    pub(crate) fn new(query: &Query) -> Option<Self> {
        let pattern = Pattern::parse(&query.text)?;
        let after_all = Hlc(u64::MAX);
        let from = query.from_ms.map_or(Hlc(0), Hlc::from_ms);
        let to = query.to_ms.map_or(after_all, Hlc::from_ms);
        let before = query.before.map_or((after_all, u64::MAX), Place::order_of);
        (query.limit > 0 && from < to).then(|| Self {
            pattern,
            authors: query.authors.clone(),
            conversation: query.conversation,
            clocks: from..to,
            before,
            limit: query.limit,
        })
    }

    /// Whether a post at this place, by this author, is among what is asked for, whatever it says.
    pub(crate) fn admits(&self, place: &Place, author: PersonId) -> bool {
        self.clocks.contains(&place.clock)
            && (place.clock, place.head) < self.before
            && (self.authors.is_empty() || self.authors.contains(&author))
            && self.conversation.is_none_or(|conversation| conversation == place.conversation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finds(typed: &str, text: &str) -> bool {
        Pattern::parse(typed).unwrap().matches(text)
    }

    #[test]
    fn every_word_must_be_there_and_the_last_may_be_unfinished() {
        let text = "The quick brown fox";
        assert!(finds("fox QUICK", text));
        assert!(finds("quick bro", text));
        assert!(!finds("bro quick", text));
        assert!(!finds("quick bro ", text), "a space ends the word");
        assert!(!finds("quick wolf", text));
    }

    #[test]
    fn characters_without_spaces_must_stand_in_a_row() {
        let text = "明天去北京，后天回上海";
        assert!(finds("北京", text) && finds("京", text) && finds("天回上", text));
        assert!(finds("上海 北京", text));
        assert!(!finds("京后", text), "a comma stands between them");
        assert!(!finds("北京上海", text));
    }

    #[test]
    fn what_holds_no_word_finds_nothing_and_nothing_typed_finds_all() {
        assert_eq!(Pattern::parse("?!"), None);
        assert!(finds("  ", "anything"));
    }

    /// The text with what was found in brackets.
    fn shown(typed: &str, text: &str) -> String {
        let mut shown = text.to_owned();
        for place in Pattern::parse(typed).unwrap().found_in(text).into_iter().rev() {
            shown.insert(place.end, ']');
            shown.insert(place.start, '[');
        }
        shown
    }

    #[test]
    fn what_was_found_stands_where_it_was_written() {
        assert_eq!(shown("west", "Wind from the West,\nwest wind"), "Wind from the [West],\n[west] wind");
        assert_eq!(shown("the jack", "the life jacket, other"), "[the] life [jack]et, other");
        assert_eq!(shown("resume", "my RE\u{301}SUMÉ 2"), "my [RE\u{301}SUMÉ] 2");
        assert_eq!(shown("ガ", "カ\u{3099}"), "[カ\u{3099}]");
        assert_eq!(shown("八点 周六", "周六八点见"), "[周六八点]见");
        assert_eq!(shown("fir", "ﬁre"), "[ﬁr]e");
        assert_eq!(shown("", "anything"), "anything");
    }

    #[test]
    fn words_that_are_longer_than_a_term_are_compared_in_full() {
        let long = "a".repeat(words::TERM_MAX);
        assert!(finds(&format!("{long}b"), &format!("{long}bc")));
        assert!(!finds(&format!("{long}b"), &format!("{long}c")));
    }
}
