//! One conversation as it is drawn: days, groups of bubbles, what is new.
//!
//! Holds the newest part of the history, as far back as was read. Entries merge by key, so pages
//! and events may come in any order and twice.

use std::collections::BTreeMap;

use jiff::civil::{Date, Time};
use kinmesh_core::{ConversationEvent, EntryView};
use kinmesh_proto::{Delivery, EntryKey, PersonId};

use crate::when::Clock;

/// Entries of one author closer together than this stand as one group.
const GROUP_MS: u64 = 10 * 60 * 1000;

/// Entries drawn at once: each costs a handful of widgets in every frame.
pub const DRAWN_CAP: usize = 300;

/// Entries held while the reader is at the end: a room that is open for weeks must not fill the
/// memory. What is let go of is read again when it is scrolled to.
const HELD_CAP: usize = DRAWN_CAP * 8;

/// One conversation as it is drawn.
#[derive(Debug, Clone)]
pub struct Timeline {
    me: PersonId,
    entries: BTreeMap<EntryKey, EntryView>,
    /// Deliveries that were told before their entry was read.
    early: BTreeMap<EntryKey, Delivery>,
    /// Revision of the newest event.
    rev: Option<u64>,
    /// Whether the first entry of the conversation is here.
    has_start: bool,
    /// The first entry that was new when the reader came.
    new_from: Option<EntryKey>,
    /// While the reader looks at older entries, what comes later than this is not drawn, so that
    /// nothing moves under their eyes.
    held_at: Option<EntryKey>,
    /// Whether the drawn part was moved back because it could not grow any more.
    turned_back: bool,
}

/// What an event did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applied {
    /// A new entry of somebody else.
    New,
    /// Anything else that belongs here.
    Changed,
    /// Events are missing before this one: read the conversation again.
    Gap,
}

/// One thing to draw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item<'a> {
    /// What follows is of this day.
    Day(Date),
    /// What follows is new since the entry before, at this time if it is of the same day.
    New {
        /// When the last entry before was written.
        since: Option<Time>,
    },
    /// An entry.
    Bubble(Bubble<'a>),
}

/// An entry as a bubble.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bubble<'a> {
    /// Which entry.
    pub key: EntryKey,
    /// Who wrote it.
    pub author: PersonId,
    /// Whether we did.
    pub own: bool,
    /// Whether it is the first of its group.
    pub opens: bool,
    /// The text; `None` for content of a later version.
    pub text: Option<&'a str>,
    /// When it was written.
    pub time: Time,
    /// How far it has come.
    pub delivery: Delivery,
}

impl Timeline {
    /// An empty timeline, as `me` sees it.
    pub fn new(me: PersonId) -> Self {
        Self {
            me,
            entries: BTreeMap::new(),
            early: BTreeMap::new(),
            rev: None,
            has_start: false,
            new_from: None,
            held_at: None,
            turned_back: false,
        }
    }

    /// Takes the newest page. Of its entries, the last `unread` of others are new.
    ///
    /// A page shorter than `limit` is the whole conversation.
    pub fn read_newest(&mut self, page: Vec<EntryView>, limit: usize, unread: usize) {
        self.has_start = page.len() < limit;
        self.merge(page);
        self.early.clear();
        if unread > 0 && self.new_from.is_none() {
            let others = self.entries.values().rev().filter(|entry| entry.author != self.me);
            self.new_from = others.take(unread).last().map(|entry| entry.key);
        }
    }

    /// Takes the page before the oldest entry held.
    pub fn read_older(&mut self, page: Vec<EntryView>, limit: usize) {
        self.has_start |= page.len() < limit;
        self.merge(page);
    }

    /// Forgets everything but the marks, to be read again.
    pub fn clear(&mut self) {
        self.entries.clear();
        self.early.clear();
        self.rev = None;
        self.has_start = false;
        self.release();
    }

    fn merge(&mut self, page: Vec<EntryView>) {
        for mut entry in page {
            let told = self.early.get(&entry.key).copied();
            let known = self.entries.get(&entry.key).map(|known| known.delivery);
            entry.delivery = told.into_iter().chain(known).fold(entry.delivery, further);
            self.entries.insert(entry.key, entry);
        }
    }

    /// Takes an event of this conversation.
    pub fn apply(&mut self, rev: u64, change: &ConversationEvent) -> Applied {
        if self.rev.replace(rev).is_some_and(|last| rev > last + 1) {
            return Applied::Gap;
        }
        match change {
            ConversationEvent::EntryAdded { entry } => {
                self.merge(vec![entry.clone()]);
                self.let_go_of_oldest();
                if entry.author == self.me { Applied::Changed } else { Applied::New }
            }
            ConversationEvent::EntryChanged { entry } => {
                if let Some(shown) = self.entries.get_mut(&entry.key) {
                    shown.clone_from(entry);
                }
                Applied::Changed
            }
            ConversationEvent::DeliveryChanged { key, delivery } => {
                match self.entries.get_mut(key) {
                    Some(entry) => entry.delivery = further(entry.delivery, *delivery),
                    None => drop(self.early.insert(*key, *delivery)),
                }
                Applied::Changed
            }
            _ => Applied::Changed,
        }
    }

    fn let_go_of_oldest(&mut self) {
        while self.held_at.is_none() && self.entries.len() > HELD_CAP {
            self.entries.pop_first();
            self.has_start = false;
        }
    }

    /// Marks what comes from this entry on as new, unless something before it is that was not
    /// `read` yet.
    pub fn mark_new(&mut self, key: EntryKey, read: Option<EntryKey>) {
        if self.new_from <= read {
            self.new_from = Some(key);
        }
    }

    /// Keeps what is drawn as it is, whatever comes: the reader looks at older entries.
    pub fn hold(&mut self) {
        if self.held_at.is_none() {
            self.held_at = self.newest();
        }
    }

    /// Draws everything to the end again.
    pub fn release(&mut self) {
        self.held_at = None;
        self.turned_back = false;
    }

    /// Whether the drawn part is kept as it is.
    pub fn is_held(&self) -> bool {
        self.held_at.is_some()
    }

    /// Moves the drawn part back in the history, when it cannot grow any more: what is drawn last
    /// then was drawn first before.
    pub fn turn_back(&mut self) {
        self.held_at = self.drawn().first().map(|entry| entry.key);
        self.turned_back = true;
    }

    /// Whether the drawn part was moved back, so that its end is not the newest entry's.
    pub fn is_turned_back(&self) -> bool {
        self.turned_back
    }

    /// Entries that are held but not drawn because the reader looks at older ones.
    pub fn later(&self) -> usize {
        match self.held_at {
            Some(held_at) => self.entries.range(held_at..).count().saturating_sub(1),
            None => 0,
        }
    }

    /// Whether as many entries are drawn as can be.
    pub fn is_full(&self) -> bool {
        self.drawn().len() >= DRAWN_CAP
    }

    /// Whether the first entry of the conversation is drawn.
    pub fn is_at_start(&self) -> bool {
        self.has_start && self.drawn().first().map(|entry| entry.key) == self.oldest()
    }

    /// Whether the first entry of the conversation is here, drawn or not.
    pub fn has_start(&self) -> bool {
        self.has_start
    }

    /// The oldest entry held.
    pub fn oldest(&self) -> Option<EntryKey> {
        self.entries.first_key_value().map(|(key, _)| *key)
    }

    /// The newest entry held.
    pub fn newest(&self) -> Option<EntryKey> {
        self.entries.last_key_value().map(|(key, _)| *key)
    }

    /// Entries held.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether nothing is held.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// One entry.
    pub fn entry(&self, key: &EntryKey) -> Option<&EntryView> {
        self.entries.get(key)
    }

    /// The entries to draw, oldest first.
    fn drawn(&self) -> Vec<&EntryView> {
        let Some(end) = self.held_at.or(self.newest()) else { return Vec::new() };
        let mut drawn: Vec<_> =
            self.entries.range(..=end).rev().take(DRAWN_CAP).map(|(_, entry)| entry).collect();
        drawn.reverse();
        drawn
    }

    /// What to draw, from top to bottom.
    pub fn items(&self, clock: &Clock) -> Vec<Item<'_>> {
        let mut items = Vec::new();
        let mut before: Option<(&EntryView, Date, Time)> = None;
        for entry in self.drawn() {
            let (date, time) = clock.civil(entry.written_ms);
            let same_day = before.is_some_and(|(_, day, _)| day == date);
            if !same_day {
                items.push(Item::Day(date));
            }
            let is_new = self.new_from == Some(entry.key);
            if is_new {
                items.push(Item::New { since: before.filter(|_| same_day).map(|(_, _, time)| time) });
            }
            let continues = same_day && !is_new && before.is_some_and(|(last, ..)| continues(last, entry));
            items.push(Item::Bubble(self.bubble(entry, time, !continues)));
            before = Some((entry, date, time));
        }
        items
    }

    fn bubble<'a>(&self, entry: &'a EntryView, time: Time, opens: bool) -> Bubble<'a> {
        Bubble {
            key: entry.key,
            author: entry.author,
            own: entry.author == self.me,
            opens,
            text: entry.text.as_deref(),
            time,
            delivery: entry.delivery,
        }
    }
}

fn continues(last: &EntryView, entry: &EntryView) -> bool {
    last.author == entry.author && entry.written_ms.saturating_sub(last.written_ms) < GROUP_MS
}

/// Of two words about one entry, the one that was said later: a delivery never goes back.
fn further(a: Delivery, b: Delivery) -> Delivery {
    let rank = |delivery| match delivery {
        Delivery::Received => (0, 0),
        Delivery::Queued => (1, 0),
        Delivery::Sent { members } => (2, members),
        Delivery::Delivered | Delivery::Failed { .. } => (3, 0),
    };
    if rank(b) > rank(a) { b } else { a }
}
