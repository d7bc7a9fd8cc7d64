//! Markdown (CommonMark): a heading for each day, the words of people as quotations.
//!
//! What people wrote is shown as they typed it: nothing in it becomes a heading, a link or a list.

use jiff::Zoned;
use jiff::civil::Date;
use kinmesh_core::ReactionView;
use kinmesh_model::CallNote;
use kinmesh_proto::EntryKey;

use super::{Context, Form, Post};
use crate::calls;
use crate::i18n::{tr, tr_args};
use crate::terminal::safe::{is_line_break, push_visible};

#[derive(Default)]
pub(super) struct Markdown {
    /// The day under whose heading we are.
    day: Option<Date>,
}

impl Form for Markdown {
    fn begin(&mut self, context: &Context<'_>) -> String {
        let who = inline(&context.label(context.overview.me.person));
        let when = context.now().strftime("%Y-%m-%d %H:%M:%S %:z").to_string();
        let made = tr_args("export-made", &[("who", who.into()), ("when", when.into())]);
        format!("# {}\n\n*{made}*\n", inline(&context.title()))
    }

    fn post(&mut self, context: &Context<'_>, post: &Post) -> String {
        let time = context.time(post.view.written_ms);
        let mut text = self.day_heading(time.as_ref());
        if post.view.follows_gap {
            text.push_str(&format!("\n*{}*\n", tr("export-gap")));
        }
        text.push_str(&format!(
            "\n**{}** · {}\n",
            inline(&context.label(post.view.author)),
            marks(context, post)
        ));
        text.push_str(&format!("\n{}\n", body(context, post)));
        if !post.view.reactions.is_empty() {
            text.push_str(&format!("\n{}\n", reactions(context, &post.view.reactions)));
        }
        text
    }

    fn end(&mut self) -> String {
        String::new()
    }
}

impl Markdown {
    /// The heading of a day that begins; nothing while it goes on.
    fn day_heading(&mut self, time: Option<&Zoned>) -> String {
        let day = time.map(Zoned::date);
        if day == self.day {
            return String::new();
        }
        self.day = day;
        day.map_or_else(String::new, |day| format!("\n## {day}\n"))
    }
}

/// When it was written, what it answers and whether it was edited.
fn marks(context: &Context<'_>, post: &Post) -> String {
    let mut marks = vec![clock(context, post.view.written_ms)];
    if let Some(key) = post.view.reply_to {
        marks.push(answer(context, post, key));
    }
    if let Some(edited_ms) = post.view.edited_ms {
        marks.push(tr_args("export-edited", &[("when", moment(context, edited_ms).into())]));
    }
    marks.join(" · ")
}

fn answer(context: &Context<'_>, post: &Post, key: EntryKey) -> String {
    let when = moment(context, key.clock.ms()).into();
    match post.answers {
        Some(person) => {
            let who = inline(&context.label(person)).into();
            tr_args("export-answers", &[("who", who), ("when", when)])
        }
        None => tr_args("export-answers-missing", &[("when", when)]),
    }
}

fn clock(context: &Context<'_>, unix_ms: u64) -> String {
    context
        .time(unix_ms)
        .map_or_else(|| tr("export-time-unknown"), |time| time.strftime("%H:%M:%S %:z").to_string())
}

fn moment(context: &Context<'_>, unix_ms: u64) -> String {
    context
        .time(unix_ms)
        .map_or_else(|| tr("export-time-unknown"), |time| time.strftime("%Y-%m-%d %H:%M:%S %:z").to_string())
}

fn body(context: &Context<'_>, post: &Post) -> String {
    let call = CallNote::of(&post.view, context.overview.me.person);
    match &post.view.text {
        Some(text) => quoted(text),
        None if post.view.introduces.is_some() => introduction(post),
        None if post.view.deleted => format!("*{}*", tr("export-deleted")),
        None => {
            let words = call.map_or_else(|| tr("export-unreadable"), calls::words::note);
            format!("*{words}*")
        }
    }
}

/// A contact that was passed on.
fn introduction(post: &Post) -> String {
    let introduced = post.view.introduces.iter();
    let words = introduced.map(|introduced| {
        let name = introduced.name.as_str().to_owned().into();
        let args = [("name", name), ("fingerprint", introduced.person.fingerprint().into())];
        format!("*{}*", inline(&tr_args("export-introduces", &args)))
    });
    words.collect()
}

/// `👍 Bo, Ann · 🎉 Cat`
fn reactions(context: &Context<'_>, reactions: &[ReactionView]) -> String {
    let one = |reaction: &ReactionView| {
        let people: Vec<_> = reaction.people.iter().map(|person| inline(&context.label(*person))).collect();
        format!("{} {}", inline(&reaction.emoji), people.join(", "))
    };
    reactions.iter().map(one).collect::<Vec<_>>().join(" · ")
}

/// A quotation whose lines are those of the text.
fn quoted(text: &str) -> String {
    let text = text.trim_end_matches(is_line_break);
    let lines: Vec<_> = text.split(is_line_break).map(|one| format!("> {}", line(one))).collect();
    // A backslash at its end keeps a line apart from the next.
    lines.join("\\\n")
}

/// One line that is shown as it was typed, at the beginning of a line.
fn line(text: &str) -> String {
    let words = text.trim_start_matches([' ', '\t']);
    let indentation = text[..text.len() - words.len()].replace('\t', "    ").replace(' ', "&nbsp;");
    format!("{indentation}{}", escape_list_mark(inline(words)))
}

/// Text that is shown as it was typed, within a line.
fn inline(text: &str) -> String {
    let mut visible = String::with_capacity(text.len());
    for c in text.chars() {
        push_visible(&mut visible, c);
    }
    let escape = |c: char| is_mark(c).then_some('\\').into_iter().chain([c]);
    visible.chars().flat_map(escape).collect()
}

/// What means something to Markdown, or to one of its dialects, anywhere in a line.
fn is_mark(c: char) -> bool {
    matches!(c, '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '#' | '|' | '~' | '&' | '$' | '^')
}

/// `- x`, `+ x`, `1. x`, `1) x` begin a list and `===` makes a heading, at the beginning of a line.
fn escape_list_mark(line: String) -> String {
    let after_digits = line.trim_start_matches(|c: char| c.is_ascii_digit());
    let at = line.len() - after_digits.len();
    let is_list_mark = match after_digits.chars().next() {
        Some('-' | '+' | '=' | ':') => at == 0,
        Some('.' | ')') => at > 0,
        _ => false,
    };
    if is_list_mark { format!("{}\\{after_digits}", &line[..at]) } else { line }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

    use super::*;

    /// What a reader of this Markdown sees of one quotation. Anything but words in a quotation is an
    /// error.
    fn seen(markdown: &str) -> Result<String, String> {
        let mut seen = String::new();
        for event in Parser::new_ext(markdown, Options::all().difference(Options::ENABLE_SMART_PUNCTUATION)) {
            match event {
                Event::Text(text) => seen.push_str(&text),
                Event::HardBreak => seen.push('\n'),
                Event::Start(Tag::BlockQuote(None) | Tag::Paragraph)
                | Event::End(TagEnd::BlockQuote(None) | TagEnd::Paragraph) => {}
                other => return Err(format!("{other:?} in {markdown:?}")),
            }
        }
        Ok(seen)
    }

    /// The text as it must be seen: blanks at both ends of a line are all that may differ.
    fn bare(text: &str) -> String {
        let lines = text.split(is_line_break).map(|line| line.trim_matches([' ', '\t', '\u{a0}']));
        lines.collect::<Vec<_>>().join("\n").trim_matches('\n').to_owned()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn text_is_seen_as_it_was_typed(text in "([-+=#>*_`~|:.)(\\[\\]<>!&;\\\\$^a1\" \t{}/@]|\\PC|\n){1,40}") {
            let seen = seen(&quoted(&text));
            prop_assert_eq!(seen.map(|seen| bare(&seen)), Ok(bare(&text)));
        }
    }

    #[test]
    fn nothing_in_a_text_becomes_markdown() {
        for text in [
            "# heading",
            "heading\n===",
            "heading\n---",
            "- item\n  + item\n1. item\n2) item",
            "> quotation",
            "```\ncode\n```",
            "    code",
            "[link](https://example.com) ![image](x) <b>bold</b> &amp;",
            "**bold** _soft_ ~~gone~~ `code`",
            "| a | b |\n|---|---|\n| 1 | 2 |",
            "[^1]\n\n[^1]: note",
            "a\n\n\nb",
            "ends in a backslash\\",
            "\\\n\\",
        ] {
            assert_eq!(seen(&quoted(text)).map(|seen| bare(&seen)), Ok(bare(text)));
        }
    }

    #[test]
    fn control_characters_are_shown_and_not_obeyed() {
        assert_eq!(seen(&quoted("\u{1b}[2J\u{202e}x")).unwrap(), "␛[2J<U+202E>x");
    }

    #[test]
    fn plain_text_stays_readable() {
        let text = "It costs 3.50 - see https://example.com/a-b?c=d (or call me)!";
        assert_eq!(quoted(text), format!("> {text}"));
    }
}
