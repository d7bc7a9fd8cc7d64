//! A whole conversation as golden text: what `Timeline` tells a face to draw.

#![allow(clippy::unwrap_used, clippy::expect_used)] // Helpers of tests: a panic is the report.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use kinmesh_core::{ConversationEvent, EntryView, ReactionView};
use kinmesh_model::timeline::HELD_CAP;
use kinmesh_model::{Applied, Bubble, Clock, Item, Part, Piece, Said, Timeline};
use kinmesh_proto::{ConversationId, Delivery, EntryId, EntryKey, Hlc, PersonId, Refusal};

const ME: PersonId = PersonId([1; 32]);
const ANA: PersonId = PersonId([2; 32]);
const BO: PersonId = PersonId([3; 32]);
const PAGE: usize = 60;

fn at(text: &str) -> u64 {
    text.parse::<Timestamp>().unwrap().as_millisecond() as u64
}

fn key(ms: u64) -> EntryKey {
    EntryKey { clock: Hlc::from_ms(ms), id: EntryId([0; 32]) }
}

fn entry(author: PersonId, ms: u64, text: &str) -> EntryView {
    EntryView {
        conversation: ConversationId::Direct(ANA),
        key: key(ms),
        author,
        written_ms: ms,
        text: Some(text.to_owned()),
        delivery: if author == ME { Delivery::Queued } else { Delivery::Received },
        introduces: None,
        invites_to: None,
        call: None,
        sealed: false,
        reply_to: None,
        edited_ms: None,
        deleted: false,
        reactions: Vec::new(),
        follows_gap: false,
        read_by_other: false,
        withheld: None,
    }
}

fn clock() -> Clock {
    Clock::new("2026-11-21T14:10:00Z".parse().unwrap(), TimeZone::UTC)
}

fn name(person: PersonId) -> &'static str {
    match person {
        ME => "me",
        ANA => "Ana",
        _ => "Bo",
    }
}

fn added(entry: EntryView) -> ConversationEvent {
    ConversationEvent::EntryAdded { entry }
}

/// A timeline that was read to its end, and holds all of the conversation.
fn whole(entries: Vec<EntryView>) -> Timeline {
    let mut timeline = Timeline::new(ME);
    read(&mut timeline, Part::Newest, Piece { entries, has_start: true, has_end: true });
    timeline
}

fn read(timeline: &mut Timeline, part: Part, piece: Piece) {
    timeline.ask_for(part);
    timeline.take(part, piece);
}

/// A history of Ana's, one entry a second, as the store would page it.
struct History(Vec<EntryView>);

impl History {
    fn new(entries: u64) -> Self {
        Self((0..entries).map(|n| entry(ANA, n * 1000, &n.to_string())).collect())
    }

    fn piece(&self, part: Part) -> Piece {
        let find = |key: EntryKey| self.0.partition_point(|entry| entry.key < key);
        let all = self.0.len();
        let (from, to) = match part {
            Part::Newest => (all.saturating_sub(PAGE), all),
            Part::Before(key) => (find(key).saturating_sub(PAGE), find(key)),
            Part::After(key) => (find(key) + 1, (find(key) + 1 + PAGE).min(all)),
            Part::Around(key) => (find(key).saturating_sub(100), (find(key) + 100).min(all)),
        };
        Piece { entries: self.0[from..to].to_vec(), has_start: from == 0, has_end: to == all }
    }

    fn read(&self, timeline: &mut Timeline, part: Option<Part>) -> bool {
        let Some(part) = part else { return false };
        timeline.take(part, self.piece(part));
        true
    }
}

/// What is held, as numbers: the timeline must never have a hole.
fn span(timeline: &Timeline) -> (u64, u64) {
    let [first, last] = [timeline.oldest(), timeline.newest()].map(|key| key.unwrap().clock.ms() / 1000);
    assert_eq!(last - first + 1, timeline.len() as u64, "a hole between {first} and {last}");
    (first, last)
}

fn bubbles(timeline: &Timeline) -> Vec<Bubble<'_>> {
    let bubble = |item| if let Item::Bubble(bubble) = item { Some(bubble) } else { None };
    timeline.items(&clock()).into_iter().filter_map(bubble).collect()
}

fn said<'a>(said: Said<'a>) -> &'a str {
    match said {
        Said::Text(text) => text,
        Said::Introduction(_) => "(introduction)",
        Said::Invitation(_) => "(invitation)",
        Said::Call(_) => "(call)",
        Said::Sealed => "(sealed)",
        Said::Withheld(_) => "(withheld)",
        Said::Deleted => "(deleted)",
        Said::Unreadable => "(unreadable)",
    }
}

/// The timeline as a reader would see it, one thing a line.
fn golden(timeline: &Timeline) -> String {
    let line = |item: Item<'_>| match item {
        Item::Day(date) => format!("== {date}"),
        Item::Gap(_) => "-- something is missing".to_owned(),
        Item::New { since: Some(time) } => format!("-- new since {}", time.strftime("%H:%M")),
        Item::New { since: None } => "-- new".to_owned(),
        Item::Bubble(bubble) => {
            let who = if bubble.opens { format!("{}:", name(bubble.author)) } else { "  |".to_owned() };
            let quote = bubble.quote.map(|quote| match quote.post {
                Some((author, words)) => format!("<{}: {}> ", name(author), said(words)),
                None => "<?> ".to_owned(),
            });
            let edited = if bubble.edited { " (edited)" } else { "" };
            let chips = bubble.chips.iter().map(|chip| {
                format!(" {}{}{}", chip.emoji, chip.people.len(), if chip.mine { "*" } else { "" })
            });
            let state = match bubble.delivery {
                Delivery::Received => String::new(),
                Delivery::Delivered if bubble.read => " [read]".to_owned(),
                other => format!(" [{other:?}]"),
            };
            format!(
                "{who} {} {}{}{edited}{}{state}",
                bubble.time.strftime("%H:%M"),
                quote.unwrap_or_default(),
                said(bubble.said),
                chips.collect::<String>(),
            )
        }
    };
    timeline.items(&clock()).into_iter().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_conversation_reads_as_it_was_held() {
    let asked = entry(ANA, at("2026-11-21T13:59:00Z"), "who has a jacket?");
    let mine = entry(ME, at("2026-11-21T14:02:00Z"), "I do");
    let reaction =
        |emoji: &str, people: &[PersonId]| ReactionView { emoji: emoji.to_owned(), people: people.to_vec() };
    let page = vec![
        entry(ANA, at("2026-11-20T23:59:00Z"), "good night"),
        entry(ANA, at("2026-11-21T00:01:00Z"), "still awake"),
        EntryView { follows_gap: true, ..entry(ANA, at("2026-11-21T00:02:00Z"), "asleep now") },
        EntryView { edited_ms: Some(1), ..entry(ANA, at("2026-11-21T13:58:00Z"), "wind from the west") },
        EntryView { reactions: vec![reaction("+", &[ANA, ME]), reaction("!", &[BO])], ..asked.clone() },
        EntryView { reply_to: Some(asked.key), delivery: Delivery::Sent { members: 2 }, ..mine },
        EntryView { reply_to: Some(key(1)), ..entry(BO, at("2026-11-21T14:05:00Z"), "the code is 4471") },
        EntryView { text: None, ..entry(BO, at("2026-11-21T14:06:00Z"), "") },
        EntryView { text: None, deleted: true, ..entry(BO, at("2026-11-21T14:07:00Z"), "") },
    ];
    let mut timeline = whole(page);
    timeline.mark_unread(3);
    let expected = "\
== 2026-11-20
Ana: 23:59 good night
== 2026-11-21
Ana: 00:01 still awake
-- something is missing
Ana: 00:02 asleep now
Ana: 13:58 wind from the west (edited)
  | 13:59 who has a jacket? +2* !1
me: 14:02 <Ana: who has a jacket?> I do [Sent { members: 2 }]
-- new since 14:02
Bo: 14:05 <?> the code is 4471
  | 14:06 (unreadable)
  | 14:07 (deleted)";
    assert_eq!(golden(&timeline), expected);
}

#[test]
fn what_is_answered_and_not_held_is_looked_up_once() {
    let far = entry(BO, 1, "far above");
    let answer = EntryView { reply_to: Some(far.key), ..entry(ANA, 5000, "yes") };
    let mut timeline = whole(vec![answer.clone()]);
    assert_eq!(timeline.unknown_answered(), [far.key]);
    timeline.take_answered(far.key, Some(far.clone()));
    assert_eq!(timeline.unknown_answered(), []);
    assert!(golden(&timeline).contains("<Bo: far above>"));
    let gone = EntryView { text: None, deleted: true, ..far };
    timeline.apply(1, &ConversationEvent::EntryChanged { entry: gone });
    assert!(golden(&timeline).contains("<Bo: (deleted)>"), "what is quoted changes with its post");
}

#[test]
fn what_is_answered_is_looked_up_anew_with_all_else() {
    let far = entry(BO, 1, "far above");
    let answer = EntryView { reply_to: Some(far.key), ..entry(ANA, 5000, "yes") };
    let mut timeline = whole(vec![answer]);
    timeline.take_answered(far.key, Some(far.clone()));
    timeline.ask_again();
    assert_eq!(timeline.unknown_answered(), [far.key], "it may be hidden by now");
}

#[test]
fn changes_are_seen_at_once_and_a_page_read_before_does_not_undo_them() {
    let post = entry(ANA, 1000, "helo");
    let edited = EntryView { text: Some("hello".into()), edited_ms: Some(2), ..post.clone() };
    let mut timeline = Timeline::new(ME);
    timeline.ask_for(Part::Newest);
    timeline.apply(1, &ConversationEvent::EntryChanged { entry: edited.clone() });
    timeline.take(Part::Newest, Piece { entries: vec![post.clone()], has_start: true, has_end: true });
    assert!(golden(&timeline).ends_with("hello (edited)"));
    timeline.apply(
        2,
        &ConversationEvent::EntryChanged { entry: EntryView { text: None, deleted: true, ..post } },
    );
    assert!(golden(&timeline).ends_with("(deleted)"));
}

#[test]
fn what_is_told_while_a_page_is_read_is_not_lost() {
    let mut timeline = Timeline::new(ME);
    timeline.ask_for(Part::Newest);
    assert_eq!(timeline.apply(7, &added(entry(ANA, 3000, "three"))), Applied::New);
    let entries = vec![entry(ANA, 1000, "one"), entry(ANA, 2000, "two")];
    timeline.take(Part::Newest, Piece { entries, has_start: false, has_end: true });
    assert_eq!(span(&timeline), (1, 3));
    let older = timeline.ask_older().unwrap();
    timeline.apply(8, &added(entry(BO, 0, "zero, that comes late")));
    timeline.take(older, Piece { entries: Vec::new(), has_start: true, has_end: false });
    assert_eq!(span(&timeline), (0, 3));
}

#[test]
fn an_entry_of_long_ago_makes_no_hole() {
    let mut timeline = Timeline::new(ME);
    let entries = vec![entry(ANA, 8000, "eight"), entry(ANA, 9000, "nine")];
    read(&mut timeline, Part::Newest, Piece { entries, has_start: false, has_end: true });
    timeline.apply(1, &added(entry(BO, 2000, "two, from a member who was away")));
    assert_eq!(span(&timeline), (8, 9), "it is read when the reader comes there");
}

#[test]
fn a_delivery_never_goes_back() {
    let mine = key(1000);
    let piece = || Piece { entries: vec![entry(ME, 1000, "hi")], has_start: true, has_end: true };
    let mut timeline = Timeline::new(ME);
    timeline.ask_for(Part::Newest);
    // The receipt is told before the page that was read before it.
    timeline.apply(1, &ConversationEvent::DeliveryChanged { key: mine, delivery: Delivery::Delivered });
    timeline.take(Part::Newest, piece());
    assert_eq!(timeline.entry(&mine).unwrap().delivery, Delivery::Delivered);
    let failed = Delivery::Failed { reason: Refusal::ClockAhead };
    timeline.apply(2, &ConversationEvent::DeliveryChanged { key: mine, delivery: failed });
    assert_eq!(timeline.entry(&mine).unwrap().delivery, Delivery::Delivered);
}

#[test]
fn what_one_member_refused_has_not_failed_once_another_took_it() {
    let mut timeline = whole(vec![entry(ME, 1000, "hi")]);
    let failed = Delivery::Failed { reason: Refusal::ClockAhead };
    let sent = Delivery::Sent { members: 1 };
    for (rev, delivery) in [(1, failed), (2, sent)] {
        timeline.apply(rev, &ConversationEvent::DeliveryChanged { key: key(1000), delivery });
        assert_eq!(timeline.entry(&key(1000)).unwrap().delivery, delivery);
    }
}

#[test]
fn read_is_shown_only_of_what_was_delivered() {
    let delivered = |ms| EntryView { delivery: Delivery::Delivered, ..entry(ME, ms, "hi") };
    let mut timeline = whole(vec![delivered(1000), entry(ME, 2000, "queued"), delivered(3000)]);
    timeline.apply(1, &ConversationEvent::ReadByOther { up_to: key(2000) });
    let read: Vec<_> = bubbles(&timeline).iter().map(|bubble| bubble.read).collect();
    assert_eq!(read, [true, false, false]);
}

#[test]
fn a_gap_in_the_events_is_seen() {
    let mut timeline = Timeline::new(ME);
    let read = ConversationEvent::Read { unread: 0 };
    assert_eq!(timeline.apply(4, &read), Applied::Changed);
    assert_eq!(timeline.apply(5, &read), Applied::Changed);
    assert_eq!(timeline.apply(7, &read), Applied::Gap);
    assert_eq!(timeline.ask_again(), Part::Newest);
    assert_eq!(timeline.apply(20, &read), Applied::Changed, "after it is read again, all is known");
}

#[test]
fn who_looks_at_older_entries_is_told_what_came_and_stays_there() {
    let mut timeline = whole(vec![entry(ANA, 1000, "one"), entry(ANA, 2000, "two")]);
    timeline.set_at_end(false);
    timeline.apply(1, &added(entry(BO, 3000, "three")));
    timeline.apply(2, &added(entry(ME, 4000, "mine")));
    timeline.mark_new(key(3000), Some(key(2000)));
    assert_eq!(timeline.later(), 1, "what we write is no news");
    assert!(!timeline.is_following());
    assert!(golden(&timeline).contains("-- new since 00:00\nBo: 00:00 three"));
    timeline.set_at_end(true);
    assert_eq!(timeline.later(), 0);
    assert!(timeline.is_following());
}

#[test]
fn a_history_of_a_million_is_walked_through_in_bounded_memory() {
    let history = History::new(1_000_000);
    let mut timeline = Timeline::new(ME);
    let part = timeline.ask_for(Part::Newest);
    history.read(&mut timeline, Some(part));
    timeline.set_at_end(false);
    let mut pages = 0;
    while pages < 100 {
        let older = timeline.ask_older();
        assert!(history.read(&mut timeline, older));
        assert!(timeline.len() <= HELD_CAP);
        pages += 1;
    }
    let (first, _) = span(&timeline);
    assert_eq!(first, 1_000_000 - 101 * PAGE as u64);
    assert!(!timeline.has_end());
    let start = timeline.ask_for(Part::Around(key(0)));
    history.read(&mut timeline, Some(start));
    assert_eq!(timeline.ask_older(), None, "there is nothing before the first");
    assert_eq!(span(&timeline).0, 0);
    for _ in 0..20 {
        let newer = timeline.ask_newer();
        assert!(history.read(&mut timeline, newer));
        assert!(timeline.len() <= HELD_CAP);
    }
    assert_eq!(span(&timeline).1, 99 + 20 * PAGE as u64);
}

#[test]
fn the_way_back_to_the_end_ends_at_the_end() {
    let history = History::new(1000);
    let mut timeline = Timeline::new(ME);
    history.read(&mut timeline, None);
    let middle = timeline.ask_for(Part::Around(key(500_000)));
    history.read(&mut timeline, Some(middle));
    timeline.set_at_end(true);
    assert!(!timeline.is_following(), "the end of what is held is not the end");
    loop {
        let newer = timeline.ask_newer();
        if !history.read(&mut timeline, newer) {
            break;
        }
    }
    assert_eq!(span(&timeline).1, 999);
    timeline.set_at_end(true);
    assert!(timeline.is_following());
}

#[test]
fn what_comes_does_not_push_out_what_is_read() {
    let history = History::new(2000);
    let mut timeline = Timeline::new(ME);
    let end = timeline.ask_for(Part::Newest);
    history.read(&mut timeline, Some(end));
    while timeline.len() < HELD_CAP {
        let older = timeline.ask_older();
        history.read(&mut timeline, older);
    }
    timeline.set_at_end(false);
    let before = span(&timeline);
    timeline.apply(1, &added(entry(BO, 2_000_000, "news")));
    assert_eq!(span(&timeline), before);
    assert_eq!(timeline.later(), 1);
    assert!(!timeline.has_end());
    assert_eq!(
        timeline.ask_again(),
        Part::Around(key((before.0 + 150) * 1000)),
        "a reader stays where they are"
    );
}

#[test]
fn a_page_that_is_not_asked_for_any_more_is_dropped() {
    let history = History::new(1000);
    let mut timeline = Timeline::new(ME);
    let end = timeline.ask_for(Part::Newest);
    history.read(&mut timeline, Some(end));
    let older = timeline.ask_older().unwrap();
    assert_eq!(timeline.ask_older(), None, "one page at a time");
    let elsewhere = timeline.ask_for(Part::Around(key(100_000)));
    timeline.take(older, history.piece(older));
    timeline.take(elsewhere, history.piece(elsewhere));
    assert_eq!(span(&timeline), (0, 199));
}

#[test]
fn a_room_that_is_open_for_weeks_does_not_fill_the_memory() {
    let mut timeline = whole(vec![entry(ANA, 0, "first")]);
    for n in 1..10_000 {
        timeline.apply(n, &added(entry(ANA, n * 1000, "again")));
    }
    assert_eq!(timeline.len(), HELD_CAP);
    assert!(!timeline.has_start(), "what was let go of can be read again");
    assert_eq!(timeline.newest(), Some(key(9_999_000)));
}

#[test]
fn the_last_of_ours_that_can_be_edited_is_found() {
    let deleted = EntryView { text: None, deleted: true, ..entry(ME, 3000, "") };
    let timeline = whole(vec![entry(ME, 1000, "mine"), entry(ANA, 2000, "hers"), deleted]);
    assert_eq!(timeline.last_own().unwrap().key, key(1000));
}
