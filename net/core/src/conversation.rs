//! One room or chat as this device holds it in memory: counters, heads, members, what waits to go out.

use std::collections::{BTreeMap, VecDeque};

use kinmesh_proto::{
    Content, ConversationId, ConversationRecord, ConversationTag, Delivery, Entry, EntryBody, EntryKey, Hlc,
    PersonId, Unverified, entry, limits,
};

use crate::UNREAD_CAP;
use crate::typing::Writers;
use crate::view::{EntryView, WaitReason, Waiting};

/// Entries that wait to go out, of one conversation. A writer that is faster is told to wait.
pub(crate) const OUTBOX_CAP: usize = 16_384;

/// An entry of ours on its way.
#[derive(Debug)]
pub(crate) struct Outgoing {
    pub entry: Entry,
    /// Tries so far.
    pub attempt: u32,
}

#[derive(Debug)]
pub(crate) struct Conversation {
    pub record: ConversationRecord,
    /// Events told so far.
    rev: u64,
    /// Entries that no other entry follows yet: what the next one of ours will follow.
    heads: VecDeque<EntryKey>,
    /// The newest entry.
    pub last: Option<EntryView>,
    /// The newest change to a post that is known here: a later post was changed by none of them.
    pub newest_change: Option<EntryKey>,
    pub unread: usize,
    /// Whether an entry was shown since the store was asked to count.
    pub added_since_count: bool,
    /// Members of a room and when they were last seen in it.
    pub members: BTreeMap<PersonId, u64>,
    /// Ours, stored, and waiting for somebody to take them; oldest first.
    pub outbox: VecDeque<Outgoing>,
    /// Entries at the front of the outbox that were handed over and not yet answered for.
    pub in_flight: usize,
    /// Of a chat: batches handed over so far. Only the answer to the last one counts.
    pub batches: u64,
    /// Of a chat: what went wrong with the last hand-over.
    pub trouble: Option<WaitReason>,
    /// Of a chat: failed hand-overs in a row.
    pub failures: u32,
    /// Not before this time is the outbox tried again.
    pub retry_at_ms: u64,
    /// When presence is due in a room.
    pub beacon_at_ms: u64,
    /// Not before this time is it said again, however many newcomers there are.
    pub beacon_not_before_ms: u64,
    pub writers: Writers,
}

impl Conversation {
    pub(crate) fn new(record: ConversationRecord) -> Self {
        Self {
            record,
            rev: 0,
            heads: VecDeque::new(),
            last: None,
            newest_change: None,
            unread: 0,
            added_since_count: false,
            members: BTreeMap::new(),
            outbox: VecDeque::new(),
            in_flight: 0,
            batches: 0,
            trouble: None,
            failures: 0,
            retry_at_ms: 0,
            beacon_at_ms: 0,
            beacon_not_before_ms: 0,
            writers: Writers::default(),
        }
    }

    pub(crate) fn id(&self) -> ConversationId {
        self.record.id
    }

    pub(crate) fn next_rev(&mut self) -> u64 {
        self.rev += 1;
        self.rev
    }

    /// The next entry of this device.
    pub(crate) fn compose(
        &mut self,
        conversation: ConversationTag,
        clock: Hlc,
        content: Content,
    ) -> EntryBody {
        self.record.seq_reserved += 1;
        let prev = self.heads.iter().copied().collect();
        EntryBody { conversation, clock, seq: self.record.seq_reserved, prev, content }
    }

    /// Echo's answer to an entry. Its sequence follows the entry's: Echo writes nothing else.
    pub(crate) fn answer(
        &self,
        conversation: ConversationTag,
        clock: Hlc,
        to: &Entry,
        text: String,
    ) -> EntryBody {
        EntryBody {
            conversation,
            clock,
            seq: to.value().seq,
            prev: vec![to.key()],
            content: Content::text(text),
        }
    }

    /// Notes that an entry exists, so that the next one follows it.
    pub(crate) fn follow(&mut self, entry: &Entry) {
        self.heads.retain(|head| !entry.value().prev.contains(head));
        if self.heads.len() == limits::PREV_MAX {
            self.heads.pop_front();
        }
        self.heads.push_back(entry.key());
    }

    /// An entry of ours came to nothing: nobody must look for it.
    pub(crate) fn unfollow(&mut self, entry: &Entry) {
        self.heads.retain(|head| *head != entry.key());
    }

    /// Counts an entry that is now on disk.
    pub(crate) fn added(&mut self, view: &EntryView) {
        let is_unread =
            view.delivery == Delivery::Received && self.record.read.is_none_or(|read| view.key > read);
        self.unread = (self.unread + usize::from(is_unread)).min(UNREAD_CAP);
        self.added_since_count |= is_unread;
        if self.last.as_ref().is_none_or(|last| view.key > last.key) {
            self.last = Some(view.clone());
        }
    }

    /// Notes that a post changed.
    pub(crate) fn changed(&mut self, view: &EntryView) {
        if let Some(last) = self.last.as_mut().filter(|last| last.key == view.key) {
            last.clone_from(view);
        }
    }

    /// Notes how far an entry of ours has come.
    pub(crate) fn delivery_changed(&mut self, key: EntryKey, delivery: Delivery) {
        if let Some(last) = self.last.as_mut().filter(|last| last.key == key) {
            last.delivery = delivery;
        }
    }

    /// What of ours has not gone out, if that is why.
    pub(crate) fn waiting(&self, reason: WaitReason) -> Option<Waiting> {
        let oldest = &self.outbox.front()?.entry;
        Some(Waiting { entries: self.outbox.len(), since_ms: oldest.value().clock.ms(), reason })
    }

    /// The front of the outbox that fits into one batch.
    pub(crate) fn next_batch(&self, bytes_max: usize) -> Vec<&Outgoing> {
        let entries = self.outbox.iter().map(|outgoing| &outgoing.entry);
        self.outbox.iter().take(entry::batch_len(entries, bytes_max)).collect()
    }
}

/// What to put on the wire for a batch.
pub(crate) fn envelopes(batch: &[&Outgoing]) -> Vec<Unverified<EntryBody>> {
    batch.iter().map(|outgoing| outgoing.entry.envelope().clone()).collect()
}
