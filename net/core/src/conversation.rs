//! One room or chat as this device holds it in memory: counters, heads, members, what waits to go out.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use kinmesh_proto::record::Write;
use kinmesh_proto::{
    Content, ConversationId, ConversationRecord, ConversationTag, Delivery, Entry, EntryBody, EntryId,
    EntryKey, Hlc, PersonId, limits,
};

use crate::UNREAD_CAP;
use crate::outbox::Outbox;
use crate::own::Way;
use crate::receipts::Receipts;
use crate::typing::Writers;
use crate::view::{EntryView, WaitReason, Waiting};

/// Entries of one conversation that may wait to go out: a gigabyte of short ones on our disk, and
/// years of a person's writing. Counted are those written since the start, and those read back.
pub(crate) const OUTBOX_CAP: usize = 4_000_000;

/// Sequence numbers reserved at a time: only one in so many entries changes the record too. Those
/// that a restart leaves unused are gaps, of which there are plenty more.
const SEQ_BLOCK: u64 = 64;

#[derive(Debug)]
pub(crate) struct Conversation {
    pub record: ConversationRecord,
    /// Whether the disk has the record, of this version or an older one.
    pub is_on_disk: bool,
    /// Entries taken from the outbox, of which the disk still says that they wait.
    pub noting: BTreeSet<EntryKey>,
    /// The sequence number of this device's newest entry.
    seq: u64,
    /// Numbers up to here are reserved on the disk.
    seq_on_disk: u64,
    /// Entries of ours that the disk has not answered for, and how they go out.
    pub writing: BTreeMap<EntryKey, Way>,
    /// Events told so far.
    rev: u64,
    /// Entries that no other entry follows yet: what the next one of ours will follow.
    heads: VecDeque<EntryKey>,
    /// The newest entry.
    pub last: Option<EntryView>,
    /// The newest change to a post that is known here: a later post was changed by none of them.
    pub newest_change: Option<EntryKey>,
    pub unread: usize,
    /// Of a room: our newest post that is known here.
    pub own_post: Option<EntryKey>,
    /// Whether an entry was shown since the store was asked to count.
    pub added_since_count: bool,
    /// Members of a room and when they were last seen in it.
    pub members: BTreeMap<PersonId, u64>,
    /// Ours, stored or about to be, and waiting for somebody to take them; oldest first.
    pub outbox: Outbox,
    /// Entries at the front of the outbox that were handed over and not yet answered for.
    pub in_flight: usize,
    /// Of a room: a member holds all of ours up to here, and it was not published.
    pub held_up_to: Option<EntryKey>,
    /// Of a room: until then what waits may be left to the comparison with whoever came.
    pub left_until_ms: u64,
    /// Of a chat: requests made so far.
    requests: u64,
    /// Of a chat: the request that hands over the batch under way. Other answers come too late.
    pub batch: u64,
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
    /// Of a chat: who has read what.
    pub receipts: Receipts,
}

impl Conversation {
    /// A conversation that the disk has.
    pub(crate) fn stored(record: ConversationRecord) -> Self {
        Self { is_on_disk: true, ..Self::new(record) }
    }

    /// A conversation that begins.
    pub(crate) fn new(record: ConversationRecord) -> Self {
        let by_other = record.read_by_other;
        Self {
            seq: record.seq_reserved,
            seq_on_disk: record.seq_reserved,
            writing: BTreeMap::new(),
            record,
            is_on_disk: false,
            noting: BTreeSet::new(),
            rev: 0,
            heads: VecDeque::new(),
            last: None,
            newest_change: None,
            unread: 0,
            own_post: None,
            added_since_count: false,
            members: BTreeMap::new(),
            outbox: Outbox::default(),
            in_flight: 0,
            held_up_to: None,
            left_until_ms: 0,
            requests: 0,
            batch: 0,
            trouble: None,
            failures: 0,
            retry_at_ms: 0,
            beacon_at_ms: 0,
            beacon_not_before_ms: 0,
            writers: Writers::default(),
            receipts: Receipts::stored(by_other),
        }
    }

    pub(crate) fn id(&self) -> ConversationId {
        self.record.id
    }

    pub(crate) fn next_rev(&mut self) -> u64 {
        self.rev += 1;
        self.rev
    }

    /// The number of the next request in this chat.
    pub(crate) fn next_request(&mut self) -> u64 {
        self.requests += 1;
        self.requests
    }

    /// The next entry of this device.
    pub(crate) fn compose(
        &mut self,
        conversation: ConversationTag,
        clock: Hlc,
        content: Content,
    ) -> EntryBody {
        self.seq += 1;
        if self.seq > self.record.seq_reserved {
            self.record.seq_reserved += SEQ_BLOCK;
        }
        let prev = self.heads.iter().copied().collect();
        EntryBody { conversation, clock, seq: self.seq, prev, content }
    }

    /// The record, if it must be on the disk with the newest entry: its number is not reserved there.
    pub(crate) fn reservation(&self) -> Option<ConversationRecord> {
        (self.seq > self.seq_on_disk).then(|| self.record.clone())
    }

    /// The disk has reserved numbers up to this one.
    pub(crate) fn reserved(&mut self, up_to: u64) {
        self.seq_on_disk = self.seq_on_disk.max(up_to);
    }

    /// Numbers up to this one were used before our store was lost: none of them is used again.
    pub(crate) fn skip_numbers(&mut self, up_to: u64) -> Option<Write> {
        if up_to <= self.seq {
            return None;
        }
        self.seq = up_to;
        self.record.seq_reserved = self.record.seq_reserved.max(up_to);
        Some(Write::PutConversation(self.record.clone()))
    }

    /// The disk has noted that an entry of ours has gone out. True when with it everything up to
    /// there has: only then may a start look no further back.
    pub(crate) fn noted(&mut self, key: EntryKey) -> bool {
        let is_oldest = self.noting.first() == Some(&key);
        if self.noting.remove(&key) && is_oldest {
            self.sent(key);
        }
        is_oldest
    }

    fn sent(&mut self, up_to: EntryKey) {
        self.record.sent = self.record.sent.max(Some(up_to));
    }

    /// While nothing of ours waits, all up to `clock` has left: what we write next is later. The
    /// start then need not look for queued entries among what others wrote since.
    pub(crate) fn note_idle(&mut self, clock: Hlc) {
        if self.outbox.is_empty() && self.writing.is_empty() && self.noting.is_empty() {
            self.sent(EntryKey { clock, id: EntryId([0xff; 32]) });
        }
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

    /// An entry came to nothing: nobody must look for it.
    pub(crate) fn unfollow(&mut self, entry: &Entry) {
        self.heads.retain(|head| *head != entry.key());
    }

    /// Notes an entry that came late: it is followed only if it is newer than what we know.
    pub(crate) fn follow_newest(&mut self, entry: &Entry) {
        if self.heads.iter().all(|head| *head < entry.key()) {
            self.follow(entry);
        }
    }

    /// Counts an entry that is now on disk.
    pub(crate) fn added(&mut self, view: &EntryView) {
        let is_known = view.call.is_some_and(|outcome| !outcome.is_missed());
        let is_unread = view.delivery == Delivery::Received
            && !is_known
            && view.withheld.is_none()
            && self.record.read.is_none_or(|read| view.key > read);
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

    /// What of ours has not gone out, if that is why. What our own disk does not give goes to nobody,
    /// whoever else is there.
    pub(crate) fn waiting(&self, reason: WaitReason) -> Option<Waiting> {
        let entries = self.stored_in_outbox();
        if let Some(after) = self.outbox.unreadable_after() {
            let since_ms = after.clock.ms();
            return Some(Waiting { entries: entries.max(1), since_ms, reason: WaitReason::Unreadable });
        }
        let since_ms = self.outbox.since_ms();
        (entries > 0).then_some(Waiting { entries, since_ms, reason })
    }
}
