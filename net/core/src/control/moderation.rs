//! What of a room is not shown, and who may write in it: the standing steps laid out along the authors'
//! clocks.
//!
//! Owns the verdict on a single entry. It follows from the log, the entry and the author's own post before
//! it, so members who hold the same are of one mind; it must never ask when something arrived.

use std::collections::{BTreeMap, BTreeSet};

use kinmesh_proto::{Control, Door, EntryKey, Hlc, PersonId, Role, RoomSettings, StatusLine, Wait};
use serde::Serialize;

use super::graph::Graph;
use super::verdicts;

/// Why an entry is not shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "why")]
pub enum Withheld {
    /// An admin hid it.
    Hidden {
        /// Who.
        by: PersonId,
        /// Why; may be empty.
        reason: StatusLine,
    },
    /// Its author was muted when they wrote it.
    Muted {
        /// By whom.
        by: PersonId,
    },
    /// Its author had been put out when they wrote it.
    PutOut {
        /// By whom.
        by: PersonId,
    },
    /// Its author had not been let in when they wrote it.
    NotLetIn,
    /// Its author did not wait as long as the room's settings ask after their own post before.
    TooSoon,
    /// The user hid it, for themselves alone.
    Entry,
    /// The user hid all that its author writes here, for themselves alone.
    Author,
}

/// A part of time, by the clocks of authors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Span {
    from: Hlc,
    /// The first moment after it; `None` for no end.
    to: Option<Hlc>,
    /// Who decided it.
    by: PersonId,
}

impl Span {
    fn holds(&self, at: Hlc) -> bool {
        self.from <= at && self.to.is_none_or(|to| at < to)
    }
}

/// Spans of each person, in the order of the log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Spans(BTreeMap<PersonId, Vec<Span>>);

impl Spans {
    fn at(&self, person: PersonId, at: Hlc) -> Option<&Span> {
        self.0.get(&person)?.iter().find(|span| span.holds(at))
    }

    fn begin(&mut self, person: PersonId, span: Span) {
        self.0.entry(person).or_default().push(span);
    }

    /// Ends what goes on.
    fn end(&mut self, person: PersonId, at: Hlc) {
        if let Some(span) = self.0.get_mut(&person).and_then(|spans| spans.last_mut()) {
            span.to = Some(span.to.map_or(at, |to| to.min(at)));
        }
    }

    /// Of each person the span that came last.
    fn last(&self) -> impl Iterator<Item = (PersonId, &Span)> {
        self.0.iter().filter_map(|(person, spans)| Some((*person, spans.last()?)))
    }
}

/// Less is kept only this long after an admin said so, in milliseconds: until then members can save what will
/// go, and admins take it back.
const NOTICE_MS: u64 = 7 * 24 * 60 * 60 * 1000;

/// What a room's settings ask from a time on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Rules {
    since: Hlc,
    door: Door,
    slow_ms: u64,
    keep_days: u32,
}

impl Rules {
    fn of(settings: &RoomSettings, since: Hlc) -> Self {
        let RoomSettings { door, slow_ms, keep_days, .. } = *settings;
        Self { since, door, slow_ms, keep_days }
    }
}

/// What the standing steps of a log say of what is shown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Moderation {
    /// Whether it is a public room: in a private one who may write is a matter of keys.
    is_founded: bool,
    hidden: BTreeMap<EntryKey, Withheld>,
    mutes: Spans,
    removals: Spans,
    /// When people had a seat, and when one of an admin.
    seats: Spans,
    admins: Spans,
    /// In the order of the log.
    rules: Vec<Rules>,
}

impl Moderation {
    /// `settings`: those after each step that names some.
    pub(super) fn of(graph: &Graph, standing: &BTreeSet<usize>, settings: &[(usize, RoomSettings)]) -> Self {
        let is_founded = verdicts::is_founded(graph, standing);
        let rules = settings.iter().map(|(n, settings)| Rules::of(settings, graph.step(*n).key.clock));
        let mut moderation = Self { is_founded, rules: rules.collect(), ..Self::default() };
        for n in standing {
            moderation.take(graph, standing, *n);
        }
        moderation
    }

    fn take(&mut self, graph: &Graph, standing: &BTreeSet<usize>, n: usize) {
        let step = graph.step(n);
        let (at, by) = (step.key.clock, step.author);
        for seat in verdicts::seats(graph, n) {
            self.seat(seat.person, Some(seat.role), at, by);
        }
        match &step.control {
            Control::SetRole(seat) => self.seat(seat.person, Some(seat.role), at, by),
            Control::Leave => self.seat(by, None, at, by),
            Control::Remove { person, from_ms, .. } => {
                self.seat(*person, None, at, by);
                let let_in_again = let_in_after(graph, standing, n, *person);
                self.removals.begin(*person, Span { from: earlier(at, *from_ms), to: let_in_again, by });
            }
            Control::Mute { person, until_ms, from_ms } => {
                let from = earlier(at, *from_ms);
                self.mutes.end(*person, from);
                let until = Hlc::from_ms((*until_ms).min(u64::MAX >> 16));
                if until > from {
                    self.mutes.begin(*person, Span { from, to: Some(until), by });
                }
            }
            Control::Hide { entries, hidden: true, reason } => {
                let hidden = |entry: &EntryKey| (*entry, Withheld::Hidden { by, reason: reason.clone() });
                self.hidden.extend(entries.iter().map(hidden));
            }
            Control::Hide { entries, hidden: false, .. } => {
                self.hidden.retain(|entry, _| !entries.contains(entry));
            }
            // Their seats are taken above, and settings are judged together.
            Control::Create { .. } | Control::Add { .. } | Control::SetSettings(_) => {}
            Control::SetPicture(_) | Control::Rotate { .. } => {}
        }
    }

    /// Somebody has this role from now on, or none.
    fn seat(&mut self, person: PersonId, role: Option<Role>, at: Hlc, by: PersonId) {
        let span = Span { from: at, to: None, by };
        for (spans, wanted) in
            [(&mut self.seats, role.is_some()), (&mut self.admins, role == Some(Role::Admin))]
        {
            let is_open = spans.at(person, at).is_some_and(|span| span.to.is_none());
            match wanted {
                true if !is_open => spans.begin(person, span),
                false if is_open => spans.end(person, at),
                _ => {}
            }
        }
    }

    fn rules_at(&self, at: Hlc) -> Option<&Rules> {
        self.rules.iter().rev().find(|rules| rules.since <= at).or(self.rules.first())
    }

    /// Why what somebody writes at this time is not shown, whatever it is. `None`: it is.
    pub fn silences(&self, person: PersonId, at: Hlc) -> Option<Withheld> {
        if self.is_founded
            && let Some(Span { by, .. }) = self.removals.at(person, at)
        {
            return Some(Withheld::PutOut { by: *by });
        }
        if let Some(Span { by, .. }) = self.mutes.at(person, at) {
            return Some(Withheld::Muted { by: *by });
        }
        let is_let_in = !self.is_founded
            || self.rules_at(at).is_none_or(|rules| rules.door.is_open())
            || self.seats.at(person, at).is_some();
        (!is_let_in).then_some(Withheld::NotLetIn)
    }

    /// Why a post is not shown, when its author's own post before it is this one.
    pub fn withholds(&self, author: PersonId, post: EntryKey, before: Option<EntryKey>) -> Option<Withheld> {
        let slow_ms = self.slow_ms(author, post.clock);
        let is_soon = |before: EntryKey| post.clock.ms().saturating_sub(before.clock.ms()) < slow_ms;
        self.silences(author, post.clock)
            .or_else(|| self.hidden.get(&post).cloned())
            .or_else(|| before.is_some_and(is_soon).then_some(Withheld::TooSoon))
    }

    /// What tells whether the author of a post waited; `None` where it is not shown anyway, or nobody waits.
    pub fn wait(&self, author: PersonId, post: EntryKey) -> Option<Wait> {
        let slow_ms = self.slow_ms(author, post.clock);
        let since = Hlc::from_ms(post.clock.ms().saturating_sub(slow_ms));
        let matters = slow_ms > 0 && self.withholds(author, post, None).is_none();
        matters.then_some(Wait { author, post, since })
    }

    /// How long somebody has to have waited before they post at this time, in milliseconds.
    pub fn slow_ms(&self, author: PersonId, at: Hlc) -> u64 {
        let is_admin = self.admins.at(author, at).is_some();
        let slow_ms = self.rules_at(at).map_or(0, |rules| rules.slow_ms);
        if is_admin { 0 } else { slow_ms }
    }

    /// For how many days what is said is kept, as things are at a time; `None` for ever. It is the longest of
    /// all that was set in the week before.
    pub fn keep_days(&self, now_ms: u64) -> Option<u32> {
        let notice = Hlc::from_ms(now_ms.saturating_sub(NOTICE_MS));
        let from = self.rules.iter().rposition(|rules| rules.since <= notice).unwrap_or_default();
        let days = || self.rules.get(from..).into_iter().flatten().map(|rules| rules.keep_days);
        days().max().filter(|_| days().all(|days| days > 0))
    }

    /// The longest that anybody ever had to wait.
    pub fn slowest_ms(&self) -> u64 {
        self.rules.iter().map(|rules| rules.slow_ms).max().unwrap_or_default()
    }

    /// Whether all is shown as it is by this one.
    pub fn shows_like(&self, other: &Self) -> bool {
        if self.is_founded || other.is_founded {
            return self == other;
        }
        let nobody_waits = self.slowest_ms() == 0 && other.slowest_ms() == 0;
        self.hidden == other.hidden
            && self.mutes == other.mutes
            && (nobody_waits || (self.rules == other.rules && self.admins == other.admins))
    }

    /// Until when somebody is muted, in Unix milliseconds: a time that may be over.
    pub fn muted_until_ms(&self, person: PersonId) -> Option<u64> {
        self.mutes.0.get(&person)?.last()?.to.map(Hlc::ms)
    }

    /// Who was muted last until when, in Unix milliseconds: the time may be over.
    pub fn muted(&self) -> impl Iterator<Item = (PersonId, u64)> {
        self.mutes.last().filter_map(|(person, span)| Some((person, span.to?.ms())))
    }

    /// Whether somebody is put out, now and until somebody lets them in again.
    pub fn is_put_out(&self, person: PersonId) -> bool {
        let removals = self.removals.0.get(&person);
        self.is_founded && removals.into_iter().flatten().any(|span| span.to.is_none())
    }

    /// Everybody who is put out.
    pub fn put_out(&self) -> impl Iterator<Item = PersonId> {
        self.removals.0.keys().copied().filter(|person| self.is_put_out(*person))
    }

    /// Whether somebody may take part in a public room, as it is kept now.
    pub fn lets_in(&self, person: PersonId) -> bool {
        let is_open = self.rules.last().is_none_or(|rules| rules.door.is_open());
        let has_seat =
            self.seats.0.get(&person).and_then(|seats| seats.last()).is_some_and(|seat| seat.to.is_none());
        !self.is_put_out(person) && (is_open || has_seat)
    }
}

/// When somebody was first let in again by who had seen their removal.
fn let_in_after(graph: &Graph, standing: &BTreeSet<usize>, removal: usize, person: PersonId) -> Option<Hlc> {
    let lets_in = |n: &usize| {
        graph.is_before(removal, *n) && verdicts::seats(graph, *n).any(|seat| seat.person == person)
    };
    standing.range(removal + 1..).find(|n| lets_in(n)).map(|n| graph.step(*n).key.clock)
}

/// The time of a step, or the one that it names if that is earlier.
fn earlier(at: Hlc, from_ms: Option<u64>) -> Hlc {
    from_ms.map_or(at, |from_ms| at.min(Hlc::from_ms(from_ms.min(u64::MAX >> 16))))
}
