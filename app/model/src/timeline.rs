//! One conversation as it is drawn: days, groups of bubbles, what is new, what is missing.
//!
//! Holds a part of the history without holes, wherever the reader looks: pages are added at either
//! end, and what is far from the reader is let go of. Entries merge by key, so pages and events may
//! come in any order and twice.

use std::collections::BTreeMap;

use jiff::civil::{Date, Time};
use kinmesh_core::{ConversationEvent, EntryView, IntroducedView, InvitedView, Withheld};
use kinmesh_proto::{CallOutcome, Delivery, EntryKey, PersonId};

use crate::when::Clock;

/// Entries of one author closer together than this stand as one group.
const GROUP_MS: u64 = 10 * 60 * 1000;

/// Entries held, and drawn: each costs a handful of widgets in every frame. What is let go of is
/// read again when it is scrolled to, so a history of a million costs no more than this.
pub const HELD_CAP: usize = 300;

/// Entries told while a page is read. More than this in the few milliseconds of a read is a flood,
/// after which the conversation is read again.
const EARLY_CAP: usize = 1024;

/// One conversation as it is drawn.
#[derive(Debug, Clone)]
pub struct Timeline {
    me: PersonId,
    /// What is held: all that the conversation has between the first and the last of them.
    entries: BTreeMap<EntryKey, EntryView>,
    /// What is being read.
    asked: Option<Part>,
    /// What was told meanwhile. It may be newer than the page, and may belong beside it.
    early: BTreeMap<EntryKey, EntryView>,
    early_deliveries: BTreeMap<EntryKey, Delivery>,
    /// Posts that are answered here and not held. `None` once it is known that they are not here.
    answered: BTreeMap<EntryKey, Option<EntryView>>,
    /// A chat: the other has read up to here.
    read_by_other: Option<EntryKey>,
    /// Revision of the newest event.
    rev: Option<u64>,
    /// Whether the first entry of the conversation is held.
    has_start: bool,
    /// Whether the newest entry of the conversation is held.
    has_end: bool,
    /// The first entry that was new when the reader came.
    new_from: Option<EntryKey>,
    /// Whether the reader is at the end, and sees what comes.
    following: bool,
    /// Entries that came while the reader looked at older ones.
    later: usize,
}

/// A part of the history that is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The end, in the place of what is held.
    Newest,
    /// The page before what is held.
    Before(EntryKey),
    /// The page after what is held.
    After(EntryKey),
    /// What stands around an entry, in the place of what is held.
    Around(EntryKey),
}

/// A part of the history that was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Piece {
    /// Its entries, oldest first.
    pub entries: Vec<EntryView>,
    /// Whether nothing stands before them.
    pub has_start: bool,
    /// Whether nothing stands after them.
    pub has_end: bool,
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
#[allow(clippy::large_enum_variant)] // Nearly all of them are bubbles: a box would be one more allocation for each.
pub enum Item<'a> {
    /// What follows is of this day.
    Day(Date),
    /// Something is missing before the entry that follows, of this key.
    Gap(EntryKey),
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
    /// What it says.
    pub said: Said<'a>,
    /// What it answers.
    pub quote: Option<Quote<'a>>,
    /// How people feel about it.
    pub chips: Vec<Chip<'a>>,
    /// When it was written.
    pub time: Time,
    /// Whether its text was changed since.
    pub edited: bool,
    /// How far it has come.
    pub delivery: Delivery,
    /// Whether it is ours, and the other has read it.
    pub read: bool,
    /// Why it is not shown to those who did not ask to look at it.
    pub withheld: Option<&'a Withheld>,
}

/// What an entry says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Said<'a> {
    /// This text.
    Text(&'a str),
    /// A contact of its author, who passes them on.
    Introduction(&'a IntroducedView),
    /// A private room of its author, who let the reader in.
    Invitation(&'a InvitedView),
    /// What became of a call of its author with the reader.
    Call(CallNote),
    /// Something sealed with a key of the room that is not here.
    Sealed,
    /// Something that is not shown, for this reason.
    Withheld(&'a Withheld),
    /// Its author took it back.
    Deleted,
    /// Content of a later version.
    Unreadable,
}

/// A call that is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallNote {
    /// What became of it.
    pub outcome: CallOutcome,
    /// Whether we rang.
    pub by_us: bool,
}

impl CallNote {
    /// What an entry says of a call, if it does, as `me` reads it.
    pub fn of(entry: &EntryView, me: PersonId) -> Option<Self> {
        entry.call.map(|outcome| Self { outcome, by_us: entry.author == me })
    }
}

impl<'a> Said<'a> {
    fn of(entry: &'a EntryView, me: PersonId) -> Self {
        if let (None, Some(why)) = (&entry.text, &entry.withheld) {
            return Self::Withheld(why);
        }
        match (&entry.text, &entry.introduces, &entry.invites_to, CallNote::of(entry, me)) {
            _ if entry.deleted => Self::Deleted,
            _ if entry.sealed => Self::Sealed,
            (Some(text), ..) => Self::Text(text),
            (_, Some(introduced), ..) => Self::Introduction(introduced),
            (_, _, Some(invited), _) => Self::Invitation(invited),
            (.., Some(call)) => Self::Call(call),
            (None, None, None, None) => Self::Unreadable,
        }
    }
}

/// The post that a bubble answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quote<'a> {
    /// Which one.
    pub key: EntryKey,
    /// Who wrote what; `None` while it is not here.
    pub post: Option<(PersonId, Said<'a>)>,
}

/// One emoji under a bubble.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chip<'a> {
    /// The emoji.
    pub emoji: &'a str,
    /// Who put it there.
    pub people: &'a [PersonId],
    /// Whether we did.
    pub mine: bool,
}

impl Timeline {
    /// An empty timeline, as `me` sees it.
    pub fn new(me: PersonId) -> Self {
        Self {
            me,
            entries: BTreeMap::new(),
            asked: None,
            early: BTreeMap::new(),
            early_deliveries: BTreeMap::new(),
            answered: BTreeMap::new(),
            read_by_other: None,
            rev: None,
            has_start: false,
            has_end: false,
            new_from: None,
            following: true,
            later: 0,
        }
    }

    /// Asks for the newest page, or for what stands around an entry, whatever was asked for before.
    pub fn ask_for(&mut self, part: Part) -> Part {
        self.early.clear();
        self.early_deliveries.clear();
        self.rev = None;
        *self.asked.insert(part)
    }

    /// Asks for all that is held anew: events were missed. The reader stays where they are.
    pub fn ask_again(&mut self) -> Part {
        let middle = self.entries.keys().nth(self.entries.len() / 2).filter(|_| !self.following);
        // What is answered may be hidden by now.
        self.answered.clear();
        self.ask_for(middle.map_or(Part::Newest, |middle| Part::Around(*middle)))
    }

    /// Asks for the page before what is held, if there is one and nothing is being read.
    pub fn ask_older(&mut self) -> Option<Part> {
        let oldest = self.oldest().filter(|_| !self.has_start && self.asked.is_none())?;
        Some(*self.asked.insert(Part::Before(oldest)))
    }

    /// Asks for the page after what is held, if there is one and nothing is being read.
    pub fn ask_newer(&mut self) -> Option<Part> {
        let newest = self.newest().filter(|_| !self.has_end && self.asked.is_none())?;
        Some(*self.asked.insert(Part::After(newest)))
    }

    /// Takes what was asked for. What is not asked for any more is dropped.
    pub fn take(&mut self, part: Part, piece: Piece) {
        if self.asked.take_if(|asked| *asked == part).is_none() {
            return;
        }
        match part {
            Part::Newest | Part::Around(_) => {
                self.entries.clear();
                (self.has_start, self.has_end) = (piece.has_start, piece.has_end);
                self.following = part == Part::Newest;
                self.later = if self.following { 0 } else { self.later };
            }
            Part::Before(_) => self.has_start = piece.has_start,
            Part::After(_) => self.has_end = piece.has_end,
        }
        self.merge(piece.entries);
        match part {
            Part::Before(_) => self.let_go_of_newest(),
            _ => self.let_go_of_oldest(),
        }
        self.forget_unanswered();
    }

    /// Of what is held, the last `unread` entries of others are new.
    pub fn mark_unread(&mut self, unread: usize) {
        if unread > 0 && self.new_from.is_none() {
            let others = self.entries.values().rev().filter(|entry| entry.author != self.me);
            self.new_from = others.take(unread).last().map(|entry| entry.key);
        }
    }

    /// What was asked for could not be read.
    pub fn give_up(&mut self) {
        self.asked = None;
    }

    fn merge(&mut self, page: Vec<EntryView>) {
        for entry in page {
            self.put(entry);
        }
        for entry in std::mem::take(&mut self.early).into_values() {
            if self.belongs(entry.key) {
                self.put(entry);
            }
        }
        self.early_deliveries.clear();
    }

    fn put(&mut self, mut entry: EntryView) {
        let told = self.early_deliveries.get(&entry.key).copied();
        let known = self.entries.get(&entry.key).map(|known| known.delivery);
        entry.delivery = told.into_iter().chain(known).fold(entry.delivery, further);
        self.answered.remove(&entry.key);
        self.entries.insert(entry.key, entry);
    }

    /// Whether an entry of this key stands within what is held, or at an end of the conversation.
    fn belongs(&self, key: EntryKey) -> bool {
        let after_first = self.has_start || self.oldest().is_some_and(|oldest| oldest <= key);
        let before_last = self.has_end || self.newest().is_some_and(|newest| key <= newest);
        after_first && before_last
    }

    /// Takes an event of this conversation.
    pub fn apply(&mut self, rev: u64, change: &ConversationEvent) -> Applied {
        if self.rev.replace(rev).is_some_and(|last| rev > last + 1) {
            return Applied::Gap;
        }
        match change {
            ConversationEvent::EntryAdded { entry } => return self.added(entry),
            ConversationEvent::EntryChanged { entry } => return self.changed(entry),
            ConversationEvent::DeliveryChanged { key, delivery } => self.delivered(*key, *delivery),
            ConversationEvent::ReadByOther { up_to } => {
                self.read_by_other = self.read_by_other.max(Some(*up_to));
            }
            _ => {}
        }
        Applied::Changed
    }

    fn added(&mut self, entry: &EntryView) -> Applied {
        if !self.tell_early(entry) {
            return Applied::Gap;
        }
        let is_newest = self.newest() < Some(entry.key);
        let is_others = entry.author != self.me;
        if is_newest && !self.following {
            self.later += usize::from(is_others);
            // It would push out what the reader sees.
            self.has_end &= self.entries.len() < HELD_CAP;
        }
        if self.belongs(entry.key) {
            self.put(entry.clone());
        }
        if self.following {
            self.let_go_of_oldest();
        } else {
            self.let_go_of_newest();
        }
        if is_others { Applied::New } else { Applied::Changed }
    }

    fn changed(&mut self, entry: &EntryView) -> Applied {
        if let Some(answered) = self.answered.get_mut(&entry.key) {
            *answered = Some(entry.clone());
        }
        if self.entries.contains_key(&entry.key) {
            self.put(entry.clone());
        }
        if self.tell_early(entry) { Applied::Changed } else { Applied::Gap }
    }

    /// Keeps what is told while a page is read. Whether there was room for it.
    fn tell_early(&mut self, entry: &EntryView) -> bool {
        if self.asked.is_some() {
            self.early.insert(entry.key, entry.clone());
        }
        self.early.len() <= EARLY_CAP
    }

    fn delivered(&mut self, key: EntryKey, delivery: Delivery) {
        match self.entries.get_mut(&key) {
            Some(entry) => entry.delivery = further(entry.delivery, delivery),
            None if self.asked.is_some() => drop(self.early_deliveries.insert(key, delivery)),
            None => {}
        }
    }

    fn let_go_of_oldest(&mut self) {
        while self.entries.len() > HELD_CAP {
            self.entries.pop_first();
            self.has_start = false;
        }
    }

    fn let_go_of_newest(&mut self) {
        while self.entries.len() > HELD_CAP {
            self.entries.pop_last();
            self.has_end = false;
        }
    }

    fn forget_unanswered(&mut self) {
        let wanted: Vec<_> = self.entries.values().filter_map(|entry| entry.reply_to).collect();
        self.answered.retain(|key, _| wanted.contains(key));
    }

    /// Posts that are answered here, and of which nothing is known yet.
    pub fn unknown_answered(&self) -> Vec<EntryKey> {
        let wanted = self.entries.values().filter_map(|entry| entry.reply_to);
        let mut unknown: Vec<_> = wanted
            .filter(|key| !self.entries.contains_key(key) && !self.answered.contains_key(key))
            .collect();
        unknown.sort();
        unknown.dedup();
        unknown
    }

    /// Shows what an entry says that is withheld: the reader asked to look at it.
    pub fn look_at(&mut self, entry: EntryView) {
        if let Some(held) = self.entries.get_mut(&entry.key) {
            *held = EntryView { delivery: held.delivery, ..entry };
        }
    }

    /// Takes a post that is answered here, or that it is not on this device.
    pub fn take_answered(&mut self, key: EntryKey, post: Option<EntryView>) {
        self.answered.insert(key, post);
    }

    /// Marks what comes from this entry on as new, unless something before it is that was not
    /// `read` yet.
    pub fn mark_new(&mut self, key: EntryKey, read: Option<EntryKey>) {
        if self.new_from <= read {
            self.new_from = Some(key);
        }
    }

    /// The reader is at the end of what is held, or left it.
    pub fn set_at_end(&mut self, at_end: bool) {
        self.following = at_end && self.has_end;
        if self.following {
            self.later = 0;
        }
    }

    /// Whether the reader is at the end of the conversation, and sees what comes.
    pub fn is_following(&self) -> bool {
        self.following
    }

    /// Entries of others that came while the reader looked at older ones.
    pub fn later(&self) -> usize {
        self.later
    }

    /// Whether the first entry of the conversation is held.
    pub fn has_start(&self) -> bool {
        self.has_start
    }

    /// Whether the newest entry of the conversation is held.
    pub fn has_end(&self) -> bool {
        self.has_end
    }

    /// Whether a page is being read.
    pub fn is_reading(&self) -> bool {
        self.asked.is_some()
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

    /// Our newest entry that can be edited.
    pub fn last_own(&self) -> Option<&EntryView> {
        self.entries.values().rev().find(|entry| entry.author == self.me && entry.text.is_some())
    }

    /// What to draw, from top to bottom.
    pub fn items(&self, clock: &Clock) -> Vec<Item<'_>> {
        let mut items = Vec::new();
        let mut before: Option<(&EntryView, Date, Time)> = None;
        for entry in self.entries.values() {
            let (date, time) = clock.civil(entry.written_ms);
            let same_day = before.is_some_and(|(_, day, _)| day == date);
            if !same_day {
                items.push(Item::Day(date));
            }
            if entry.follows_gap {
                items.push(Item::Gap(entry.key));
            }
            let is_new = self.new_from == Some(entry.key);
            if is_new {
                items.push(Item::New { since: before.filter(|_| same_day).map(|(_, _, time)| time) });
            }
            let apart = !same_day || is_new || entry.follows_gap;
            let continues = !apart && before.is_some_and(|(last, ..)| continues(last, entry));
            items.push(Item::Bubble(self.bubble(entry, time, !continues)));
            before = Some((entry, date, time));
        }
        items
    }

    fn bubble<'a>(&'a self, entry: &'a EntryView, time: Time, opens: bool) -> Bubble<'a> {
        let chips = entry.reactions.iter().map(|reaction| Chip {
            emoji: &reaction.emoji,
            people: &reaction.people,
            mine: reaction.people.contains(&self.me),
        });
        let read = entry.read_by_other || self.read_by_other >= Some(entry.key);
        Bubble {
            key: entry.key,
            author: entry.author,
            own: entry.author == self.me,
            opens,
            said: Said::of(entry, self.me),
            quote: entry.reply_to.map(|key| self.quote(key)),
            chips: chips.collect(),
            time,
            edited: entry.edited_ms.is_some(),
            delivery: entry.delivery,
            read: read && entry.delivery == Delivery::Delivered,
            withheld: entry.withheld.as_ref(),
        }
    }

    /// A post that is answered.
    pub fn quote(&self, key: EntryKey) -> Quote<'_> {
        let held = self.entries.get(&key);
        let post = held.or_else(|| self.answered.get(&key)?.as_ref());
        Quote { key, post: post.map(|post| (post.author, Said::of(post, self.me))) }
    }
}

fn continues(last: &EntryView, entry: &EntryView) -> bool {
    last.author == entry.author && entry.written_ms.saturating_sub(last.written_ms) < GROUP_MS
}

/// Of two words about one entry, the one that was said later: a delivery never goes back, but what one
/// member of a room refused another one may take.
fn further(a: Delivery, b: Delivery) -> Delivery {
    let rank = |delivery| match delivery {
        Delivery::Received => (0, 0),
        Delivery::Queued => (1, 0),
        Delivery::Sent { members } => (2, members),
        Delivery::Delivered | Delivery::Failed { .. } => (3, 0),
    };
    let is_taken_after_all = matches!((a, b), (Delivery::Failed { .. }, Delivery::Sent { .. }));
    if is_taken_after_all || rank(b) > rank(a) { b } else { a }
}
