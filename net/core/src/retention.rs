//! How long a room keeps what is said in it.
//!
//! Owns where the history of a room begins. That follows from its log and the day, so all members let go of
//! the same: what stands before it is neither shown, compared, taken nor kept on the disk.

use std::collections::BTreeMap;

use kinmesh_proto::{ConversationId, EntryId, EntryKey, Hlc, RoomId, Write};

use crate::control::ControlLog;
use crate::node::{Core, Pending};
use crate::output::Read;

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
        let beginnings: BTreeMap<RoomId, EntryKey> = self
            .private
            .iter()
            .filter_map(|(room, private)| Some((*room, beginning_of(private.log(), now_ms)?)))
            .collect();
        let before = std::mem::replace(&mut self.retention.beginnings, beginnings);
        let is_new = self.retention.beginnings != before;
        if !is_new && now_ms < self.retention.forget_at_ms {
            return;
        }
        self.retention.forget_at_ms = now_ms + FORGET_EVERY_MS;
        for (room, beginning) in self.retention.beginnings.clone() {
            let conversation = ConversationId::Room(room);
            self.persist(vec![Write::Forget { conversation, before: beginning }], Pending::Note);
            if before.get(&room) != Some(&beginning) {
                self.shows_anew(conversation);
            }
        }
    }
}

/// Where the history of a room begins at a time: at the start of a day in UTC.
fn beginning_of(log: &ControlLog, now_ms: u64) -> Option<EntryKey> {
    let days = u64::from(log.moderation().keep_days(now_ms)?);
    let first_day = (now_ms / DAY_MS).saturating_sub(days);
    Some(EntryKey { clock: Hlc::from_ms(first_day * DAY_MS), id: EntryId([0; 32]) })
}
