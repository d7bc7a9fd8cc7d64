//! What is not shown of a room: what its admins decide about it, what the user hides for themselves, and
//! what our own program refuses to send because nobody would see it.
//!
//! The verdicts themselves are in [`crate::control`], how a post is looked at is in [`crate::lens`].

use std::sync::Arc;

use kinmesh_proto::{
    Control, ConversationId, Entry, EntryKey, Hlc, PersonId, RoomId, StatusLine, Wait, Write, limits,
};

use crate::changes::Reading;
use crate::control::{Moderation, Withheld};
use crate::event::ConversationEvent;
use crate::lens::Lens;
use crate::node::{Core, Pending, SendRefusal};
use crate::output::Token;
use crate::private::RoomRefusal;
use crate::view::{ModerationView, MutedView};

/// Single entries that the user hides in one room. They rest in the room's record, which is read and written
/// whole.
const ENTRIES_HIDDEN_MAX: usize = 1024;
/// People whom the user hides in one room.
const PEOPLE_HIDDEN_MAX: usize = 256;

/// For how long somebody is muted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mute {
    /// Until when, in Unix milliseconds. A time that is over ends the mute before.
    pub until_ms: u64,
    /// From when on what they wrote is not shown, if that is earlier than now.
    pub from_ms: Option<u64>,
}

/// What the user does not want to see in a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HideHere {
    /// A single entry.
    Entry(EntryKey),
    /// All that somebody writes in it.
    Author(PersonId),
}

/// Why nothing is hidden for the user alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HideRefusal {
    /// Only in rooms; who is unwanted in a chat is blocked.
    #[error("only what is in a room can be hidden")]
    NotARoom,
    /// As many as the room's record holds.
    #[error("no more than {ENTRIES_HIDDEN_MAX} messages and {PEOPLE_HIDDEN_MAX} people are hidden in a room")]
    TooMany,
}

impl Core {
    /// Hides entries of a room from everybody, or shows them again.
    pub fn hide_in_room(
        &mut self,
        now_ms: u64,
        room: RoomId,
        entries: Vec<EntryKey>,
        hidden: bool,
        reason: StatusLine,
    ) -> Result<Token, RoomRefusal> {
        self.may_decide(room)?;
        if !(1..=limits::HIDE_MAX).contains(&entries.len()) {
            return Err(RoomRefusal::HideCount);
        }
        self.decide(now_ms, room, Control::Hide { entries, hidden, reason }, None)
    }

    /// Mutes somebody in a room, or ends that.
    pub fn mute_in_room(
        &mut self,
        now_ms: u64,
        room: RoomId,
        person: PersonId,
        Mute { until_ms, from_ms }: Mute,
    ) -> Result<Token, RoomRefusal> {
        self.may_decide(room)?;
        let from_ms = not_ahead(now_ms, from_ms);
        self.decide(now_ms, room, Control::Mute { person, until_ms, from_ms }, None)
    }

    /// Hides something of a room for the user alone, or shows it again. Nobody is told.
    pub fn hide_here(
        &mut self,
        id: ConversationId,
        what: HideHere,
        hidden: bool,
    ) -> Result<Token, HideRefusal> {
        let known = self.conversations.get_mut(&id).filter(|_| matches!(id, ConversationId::Room(_)));
        let here = &mut known.ok_or(HideRefusal::NotARoom)?.record.hidden;
        let is_full = match what {
            HideHere::Entry(_) => here.entries.len() >= ENTRIES_HIDDEN_MAX,
            HideHere::Author(_) => here.people.len() >= PEOPLE_HIDDEN_MAX,
        };
        if hidden && is_full {
            return Err(HideRefusal::TooMany);
        }
        // As it is already, it stays.
        let _ = match (what, hidden) {
            (HideHere::Entry(entry), true) => here.entries.insert(entry),
            (HideHere::Entry(entry), false) => here.entries.remove(&entry),
            (HideHere::Author(person), true) => here.people.insert(person),
            (HideHere::Author(person), false) => here.people.remove(&person),
        };
        let records = self.conversations.get(&id).map(|known| Write::PutConversation(known.record.clone()));
        self.shows_anew(id);
        Ok(self.persist(records.into_iter().collect(), Pending::Note))
    }

    /// Through what a conversation is looked at.
    pub fn lens(&self, id: ConversationId) -> Lens {
        let ConversationId::Room(room) = id else { return Lens::default() };
        let moderation = self.log_of(room).map(|log| Arc::clone(log.moderation()));
        let here = self.conversations.get(&id).map(|known| known.record.hidden.clone());
        Lens::new(moderation, here.unwrap_or_default()).since(self.beginning(id))
    }

    /// Other posts of a room are shown than before, or others of them are not.
    pub(crate) fn shows_anew(&mut self, id: ConversationId) {
        self.recounts.insert(id);
        // What the list of rooms shows of it may be one of them.
        let last = self.conversations.get(&id).and_then(|known| known.last.as_ref());
        if let Some(last) = last.map(|last| last.key) {
            self.read_post(id, last, Reading::default());
        }
        self.tell(id, ConversationEvent::ShownAnew);
    }

    /// A post that stands before others may be what those of its author should have waited after.
    pub(crate) fn note_late_post(&mut self, id: ConversationId, entry: &Entry) {
        let last = self.conversations.get(&id).and_then(|known| known.last.as_ref()).map(|last| last.key);
        let is_late = entry.content().is_post() && last > Some(entry.key());
        if is_late && self.asks_to_wait(id) {
            self.shown_anew.insert(id);
        }
    }

    /// Whether anybody ever had to wait between two posts there.
    pub(crate) fn asks_to_wait(&self, id: ConversationId) -> bool {
        let ConversationId::Room(room) = id else { return false };
        self.log_of(room).is_some_and(|log| log.moderation().slowest_ms() > 0)
    }

    /// Whether a post is shown only if its author waited.
    pub(crate) fn may_be_too_soon(&self, id: ConversationId, post: &Entry) -> bool {
        let ConversationId::Room(room) = id else { return false };
        let wait = |moderation: &Moderation| moderation.wait(post.person(), post.key());
        self.log_of(room).is_some_and(|log| wait(log.moderation()).is_some())
    }

    /// Each second: rooms in which posts came late. A burst of them is told once.
    pub(crate) fn tell_shown_anew(&mut self) {
        for id in std::mem::take(&mut self.shown_anew) {
            self.shows_anew(id);
        }
    }

    /// Whether what we write would be shown to others. An honest program does not send what it knows not to be.
    pub(crate) fn may_be_shown(
        &self,
        id: ConversationId,
        clock: Hlc,
        is_post: bool,
    ) -> Result<(), SendRefusal> {
        let ConversationId::Room(room) = id else { return Ok(()) };
        let Some(moderation) = self.log_of(room).map(|log| log.moderation()) else { return Ok(()) };
        let me = self.me();
        match moderation.silences(me, clock) {
            Some(Withheld::Muted { .. }) => {
                let until_ms = moderation.muted_until_ms(me).unwrap_or_default();
                return Err(SendRefusal::Muted { until_ms });
            }
            Some(Withheld::NotLetIn) => return Err(SendRefusal::NotLetIn),
            Some(_) => return Err(SendRefusal::PutOut),
            None => {}
        }
        let own_post = self.conversations.get(&id).and_then(|known| known.own_post).filter(|_| is_post);
        let Some(before) = own_post else { return Ok(()) };
        let due_ms = before.clock.ms() + moderation.slow_ms(me, clock);
        match due_ms.saturating_sub(clock.ms()) {
            0 => Ok(()),
            wait_ms => Err(SendRefusal::TooSoon { wait_ms }),
        }
    }

    /// We posted.
    pub(crate) fn posted(&mut self, id: ConversationId, post: EntryKey) {
        if let Some(known) = self.conversations.get_mut(&id) {
            known.own_post = known.own_post.max(Some(post));
        }
    }

    /// How far back to look in a room, after a start, for the post of ours after which we have to wait, for
    /// [`Core::restore_own_post`]. `None` where nobody waits.
    pub fn own_post_wanted(&self, now_ms: u64, room: RoomId) -> Option<Wait> {
        let slowest_ms = self.log_of(room)?.moderation().slowest_ms();
        let clock = Hlc::from_ms(now_ms + limits::CLOCK_AHEAD_MAX_MS);
        let post = EntryKey { clock, id: kinmesh_proto::EntryId([0; 32]) };
        let since = Hlc::from_ms(now_ms.saturating_sub(slowest_ms));
        (slowest_ms > 0).then_some(Wait { author: self.me(), post, since })
    }

    /// Takes up when we posted last.
    pub fn restore_own_post(&mut self, room: RoomId, post: EntryKey) {
        self.posted(ConversationId::Room(room), post);
    }

    /// How a room is moderated, if anybody can do that.
    pub(crate) fn moderation_view(&self, room: RoomId) -> Option<ModerationView> {
        let log = self.log_of(room)?;
        let muted = log.moderation().muted().map(|(person, until_ms)| MutedView { person, until_ms });
        Some(ModerationView {
            role: self.role_in(room, self.me()),
            slow_ms: log.settings().map_or(0, |settings| settings.slow_ms),
            keep_days: log.settings().map_or(0, |settings| settings.keep_days),
            muted: muted.collect(),
        })
    }
}

/// From when on a decision about somebody holds, that must not wait for the step's own time: whoever it is
/// about can put our clock ahead, by writing something dated minutes ahead.
pub(crate) fn not_ahead(now_ms: u64, from_ms: Option<u64>) -> Option<u64> {
    Some(from_ms.map_or(now_ms, |from_ms| from_ms.min(now_ms)))
}
