//! A whole conversation as golden text: what `Timeline` tells a face to draw.

#![allow(clippy::unwrap_used, clippy::expect_used)] // Helpers of tests: a panic is the report.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use kinmesh_core::{ConversationEvent, EntryView};
use kinmesh_model::{Applied, Clock, Item, Timeline};
use kinmesh_proto::{ConversationId, Delivery, EntryId, EntryKey, Hlc, PersonId, Refusal};

const ME: PersonId = PersonId([1; 32]);
const ANA: PersonId = PersonId([2; 32]);
const BO: PersonId = PersonId([3; 32]);
const PAGE: usize = 50;

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
        reply_to: None,
        edited_ms: None,
        deleted: false,
        reactions: Vec::new(),
        follows_gap: false,
        read_by_other: false,
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

/// The timeline as a reader would see it, one thing a line.
fn golden(timeline: &Timeline) -> String {
    let line = |item: Item<'_>| match item {
        Item::Day(date) => format!("== {date}"),
        Item::New { since: Some(time) } => format!("-- new since {}", time.strftime("%H:%M")),
        Item::New { since: None } => "-- new".to_owned(),
        Item::Bubble(bubble) => {
            let who = if bubble.opens { format!("{}:", name(bubble.author)) } else { "  |".to_owned() };
            let state = match bubble.delivery {
                Delivery::Received => String::new(),
                other => format!(" [{other:?}]"),
            };
            format!("{who} {} {}{state}", bubble.time.strftime("%H:%M"), bubble.text.unwrap_or("?"))
        }
    };
    timeline.items(&clock()).into_iter().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_conversation_reads_as_it_was_held() {
    let mut timeline = Timeline::new(ME);
    let unreadable = EntryView { text: None, ..entry(BO, at("2026-11-21T14:06:00Z"), "") };
    let page = vec![
        entry(ANA, at("2026-11-20T23:59:00Z"), "good night"),
        entry(ANA, at("2026-11-21T00:01:00Z"), "still awake"),
        entry(ANA, at("2026-11-21T13:58:00Z"), "wind from the west"),
        entry(ANA, at("2026-11-21T13:59:00Z"), "who has a jacket?"),
        entry(ME, at("2026-11-21T14:02:00Z"), "I do"),
        entry(BO, at("2026-11-21T14:05:00Z"), "the code is 4471"),
        unreadable,
    ];
    timeline.read_newest(page, PAGE, 2);
    let delivery = Delivery::Sent { members: 2 };
    timeline.apply(1, &ConversationEvent::DeliveryChanged { key: key(at("2026-11-21T14:02:00Z")), delivery });
    let expected = "\
== 2026-11-20
Ana: 23:59 good night
== 2026-11-21
Ana: 00:01 still awake
Ana: 13:58 wind from the west
  | 13:59 who has a jacket?
me: 14:02 I do [Sent { members: 2 }]
-- new since 14:02
Bo: 14:05 the code is 4471
  | 14:06 ?";
    assert_eq!(golden(&timeline), expected);
    assert!(timeline.is_at_start());
}

#[test]
fn pages_and_events_merge_in_any_order() {
    let added = |ms, text| ConversationEvent::EntryAdded { entry: entry(ANA, ms, text) };
    let mut timeline = Timeline::new(ME);
    assert_eq!(timeline.apply(7, &added(3000, "three")), Applied::New);
    timeline.read_newest(vec![entry(ANA, 2000, "two"), entry(ANA, 3000, "three")], 2, 0);
    timeline.read_older(vec![entry(ANA, 1000, "one")], 2);
    assert_eq!(timeline.apply(8, &added(1500, "one and a half, late")), Applied::New);
    let texts: Vec<_> = golden(&timeline).lines().map(|line| line[10..].trim_start().to_owned()).collect();
    assert_eq!(texts[1..], ["one", "one and a half, late", "two", "three"]);
    assert!(timeline.has_start());
}

#[test]
fn a_delivery_never_goes_back() {
    let mine = key(1000);
    let mut timeline = Timeline::new(ME);
    let told = ConversationEvent::DeliveryChanged { key: mine, delivery: Delivery::Delivered };
    // The receipt is told before the page that was read before it.
    timeline.apply(1, &told);
    timeline.read_newest(vec![entry(ME, 1000, "hi")], PAGE, 0);
    assert_eq!(timeline.entry(&mine).unwrap().delivery, Delivery::Delivered);
    timeline.read_newest(vec![entry(ME, 1000, "hi")], PAGE, 0);
    assert_eq!(timeline.entry(&mine).unwrap().delivery, Delivery::Delivered);
    let failed = Delivery::Failed { reason: Refusal::ClockAhead };
    timeline.apply(2, &ConversationEvent::DeliveryChanged { key: mine, delivery: failed });
    assert_eq!(timeline.entry(&mine).unwrap().delivery, Delivery::Delivered);
}

#[test]
fn a_gap_in_the_events_is_seen() {
    let mut timeline = Timeline::new(ME);
    let read = ConversationEvent::Read { unread: 0 };
    assert_eq!(timeline.apply(4, &read), Applied::Changed);
    assert_eq!(timeline.apply(5, &read), Applied::Changed);
    assert_eq!(timeline.apply(7, &read), Applied::Gap);
}

#[test]
fn nothing_moves_under_the_eyes_of_a_reader() {
    let mut timeline = Timeline::new(ME);
    timeline.read_newest(vec![entry(ANA, 1000, "one"), entry(ANA, 2000, "two")], PAGE, 0);
    timeline.hold();
    timeline.apply(1, &ConversationEvent::EntryAdded { entry: entry(BO, 3000, "three") });
    timeline.mark_new(key(3000), Some(key(2000)));
    assert!(!golden(&timeline).contains("three"));
    assert_eq!(timeline.later(), 1);
    timeline.release();
    assert!(golden(&timeline).ends_with("-- new since 00:00\nBo: 00:00 three"));
    assert_eq!(timeline.later(), 0);
}

#[test]
fn a_long_history_is_drawn_in_parts() {
    let cap = kinmesh_model::timeline::DRAWN_CAP;
    let mut timeline = Timeline::new(ME);
    let all: Vec<_> = (0..cap as u64 * 2).map(|n| entry(ANA, n * 1000, &n.to_string())).collect();
    let limit = all.len();
    timeline.read_newest(all, limit, 0);
    let bubbles =
        |timeline: &Timeline| golden(timeline).lines().filter(|line| !line.starts_with("==")).count();
    assert_eq!(bubbles(&timeline), cap);
    assert!(timeline.is_full());
    timeline.turn_back();
    assert_eq!(bubbles(&timeline), cap);
    assert!(golden(&timeline).ends_with(&cap.to_string()), "the last line now was the first one before");
    assert_eq!(timeline.later(), cap - 1);
}

#[test]
fn a_room_that_is_open_for_weeks_does_not_fill_the_memory() {
    let mut timeline = Timeline::new(ME);
    timeline.read_newest(vec![entry(ANA, 0, "first")], PAGE, 0);
    for n in 1..10_000 {
        timeline.apply(n, &ConversationEvent::EntryAdded { entry: entry(ANA, n * 1000, "again") });
    }
    assert!(timeline.len() < 3_000, "{}", timeline.len());
    assert!(!timeline.has_start(), "what was let go of can be read again");
    assert_eq!(timeline.newest(), Some(key(9_999_000)));
}
