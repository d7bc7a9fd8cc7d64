//! What piled up in a room while nobody listened. Whoever comes first compares histories with us at
//! once and gets all of it that way; published besides, it would travel twice.
//!
//! Owns how long it is left to that comparison, and what is taken from the outbox after it. Should
//! the comparison come to nothing, gossip carries it as if there were none.

use kinmesh_proto::{ConversationId, DeviceId, EntryKey, RoomFrame, RoomId, StoredEntry};

use super::serve::Serving;
use super::{AGAIN_MS, TAKEN_AFTER_ALL};
use crate::conversation::Conversation;
use crate::node::Core;

/// How long what waits may be kept from gossip, in milliseconds: whoever comes brings ten megabytes
/// home in that time over a slow line, and whoever compares for ever keeps us no longer.
const LEFT_MAX_MS: u64 = 30_000;

impl Conversation {
    fn has_backlog(&self) -> bool {
        self.outbox.next_batch(RoomFrame::ENTRIES_BYTES_MAX, |_| true).len() < self.outbox.len()
    }
}

impl Core {
    /// Somebody listens in a room after a time in which nobody did.
    pub(crate) fn leave_backlog_to_comparison(&mut self, now_ms: u64, room: RoomId) {
        let known = self.conversations.get_mut(&ConversationId::Room(room));
        if let Some(known) = known.filter(|known| known.has_backlog()) {
            known.left_until_ms = now_ms + LEFT_MAX_MS;
        }
    }

    fn has_left_backlog(&self, now_ms: u64, id: ConversationId) -> bool {
        self.conversations.get(&id).is_some_and(|known| known.left_until_ms > now_ms)
    }

    /// Whether a comparison that goes on, or is about to begin, brings what waits in a room.
    pub(crate) fn is_backlog_left(&self, now_ms: u64, id: ConversationId) -> bool {
        let is_soon = |at_ms: u64| at_ms <= now_ms + 2 * AGAIN_MS;
        self.has_left_backlog(now_ms, id)
            && (self.sync.sessions.contains_key(&id)
                || self.sync.visits.get(&id).is_some_and(|visit| visit.until_ms > now_ms)
                || self.sync.due.iter().any(|((of, _), at_ms)| *of == id && is_soon(*at_ms)))
    }

    /// A session of ours brought a member what they lacked: another look shows whether they hold it all.
    pub(crate) fn look_again_for_backlog(&mut self, now_ms: u64, id: ConversationId, device: DeviceId) {
        if self.has_left_backlog(now_ms, id) {
            self.sync.make_due(id, device, now_ms);
        }
    }

    /// A member asked for a run, from the newest down, and these are given. With the oldest one that
    /// waits, they have all that waited when they began.
    pub(crate) fn gave_of_run(&mut self, now_ms: u64, serving: &Serving, given: &[StoredEntry]) {
        let id = serving.conversation;
        let visit = self.sync.visits.get(&id).filter(|visit| visit.device == serving.device);
        let first = self.conversations.get(&id).and_then(|known| Some(known.outbox.first()?.key()));
        if let (Some(up_to), Some(first), Some(oldest)) =
            (visit.and_then(|visit| visit.ours_up_to), first, given.last())
            && oldest.entry.key() <= first
        {
            self.backlog_is_held(now_ms, id, up_to);
        }
    }

    /// A member holds all of ours up to there: gossip goes on after it.
    pub(crate) fn backlog_is_held(&mut self, now_ms: u64, id: ConversationId, up_to: EntryKey) {
        if self.has_left_backlog(now_ms, id)
            && let Some(known) = self.conversations.get_mut(&id)
        {
            known.held_up_to = Some(up_to);
            known.left_until_ms = 0;
        }
    }

    /// Takes from a room's outbox what a member holds already.
    pub(crate) fn pass_over_held(&mut self, now_ms: u64, id: ConversationId) {
        let Some(known) = self.conversations.get(&id).filter(|known| known.in_flight == 0) else { return };
        let held = known.held_up_to.map_or(0, |up_to| known.outbox.count_up_to(up_to));
        if held > 0 {
            self.gone_out(now_ms, id, held, std::iter::repeat_n(TAKEN_AFTER_ALL, held));
        }
    }
}
