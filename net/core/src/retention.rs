//! How long a room keeps what is said in it.
//!
//! Owns where the history of a room begins. That follows from its log and the day, so all members let go of
//! the same: what stands before it is neither shown, compared, taken nor kept on the disk.

use std::collections::{BTreeMap, BTreeSet};

use kinmesh_proto::{ConversationId, EntryId, EntryKey, Hlc, PersonId, RoomId, Write};

use crate::control::ControlLog;
use crate::node::{Core, Pending};
use crate::output::Read;
use crate::private::PrivateRoom;

/// How often the oldest entries are looked for on the disk, in milliseconds.
const FORGET_EVERY_MS: u64 = 10_000;

const DAY_MS: u64 = 24 * 60 * 60 * 1000;

/// Where the histories of rooms begin that do not keep everything.
#[derive(Debug, Default)]
pub(crate) struct Retention {
    beginnings: BTreeMap<RoomId, EntryKey>,
    forget_at_ms: u64,
}

impl Core {
    /// Where the history of a conversation begins; `None` where all is kept.
    pub(crate) fn beginning(&self, id: ConversationId) -> Option<EntryKey> {
        match id {
            ConversationId::Room(room) => self.retention.beginnings.get(&room).copied(),
            ConversationId::Direct(_) | ConversationId::Control(_) => None,
        }
    }

    /// Whether something is older than what its room keeps.
    pub(crate) fn is_too_old(&self, id: ConversationId, key: EntryKey) -> bool {
        self.beginning(id).is_some_and(|beginning| key < beginning)
    }

    /// What is looked up without what is older than what its room keeps: it may still be on our disk, and
    /// gone from theirs.
    pub(crate) fn without_too_old(&self, mut read: Read) -> Read {
        if let Read::Digest { conversation, range }
        | Read::Keys { conversation, range, .. }
        | Read::EntriesIn { conversation, range } = &mut read
        {
            range.from = range.from.max(self.beginning(*conversation));
        }
        read
    }

    /// Each second: days pass, and admins decide.
    pub(crate) fn tick_retention(&mut self, now_ms: u64) {
        let beginning = |private: &PrivateRoom| beginning_of(private.log(), now_ms);
        let beginnings = self.private.iter().filter_map(|(room, private)| Some((*room, beginning(private)?)));
        let beginnings: BTreeMap<RoomId, EntryKey> = beginnings.collect();
        let before = std::mem::replace(&mut self.retention.beginnings, beginnings.clone());
        for room in before.keys().chain(beginnings.keys()).copied().collect::<BTreeSet<_>>() {
            if before.get(&room) != beginnings.get(&room) {
                self.begins_elsewhere(ConversationId::Room(room));
            }
        }
        if now_ms >= self.retention.forget_at_ms || before != beginnings {
            self.retention.forget_at_ms = now_ms + FORGET_EVERY_MS;
            beginnings.into_iter().for_each(|(room, beginning)| self.forget(now_ms, room, beginning));
        }
    }

    /// Nothing goes from the disk on the word of our clock alone, which may be a year ahead.
    fn forget(&mut self, now_ms: u64, room: RoomId, before: EntryKey) {
        let conversation = ConversationId::Room(room);
        let agrees = |person: &PersonId| self.people.agrees_about_time(*person, now_ms);
        if self.conversations.get(&conversation).is_some_and(|known| known.members.keys().any(agrees)) {
            self.persist(vec![Write::Forget { conversation, before }], Pending::Note);
        }
    }

    fn begins_elsewhere(&mut self, id: ConversationId) {
        let beginning = self.beginning(id);
        if let Some(known) = self.conversations.get_mut(&id) {
            known.last.take_if(|last| Some(last.key) < beginning);
        }
        self.shows_anew(id);
    }
}

/// Where the history of a room begins at a time: at the start of a day in UTC.
fn beginning_of(log: &ControlLog, now_ms: u64) -> Option<EntryKey> {
    let days = u64::from(log.moderation().keep_days(now_ms)?);
    let first_day = (now_ms / DAY_MS).saturating_sub(days);
    Some(EntryKey { clock: Hlc::from_ms(first_day * DAY_MS), id: EntryId([0; 32]) })
}
