//! What every peer promises, as words for when it was broken; and who wrote what.

use std::collections::BTreeMap;

use kinmesh_core::SyncFault;
use kinmesh_proto::{CallId, ConversationId, ConversationTag, EntryId, EntryKey, Refusal};

/// A broken promise.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)] // The message of each says what its fields are.
pub enum Violation {
    #[error("peer {peer} shows {key} of {conversation:?}, which is not on its disk")]
    ShownUnstored { peer: usize, conversation: ConversationId, key: EntryKey },
    #[error("peer {peer} shows {key} of {conversation:?} twice")]
    ShownTwice { peer: usize, conversation: ConversationId, key: EntryKey },
    #[error("peer {peer} tells how far {key} of {conversation:?} has come, which is not on its disk")]
    ToldUnstored { peer: usize, conversation: ConversationId, key: EntryKey },
    #[error("peer {peer} says {key} was delivered to peer {to}, whose disk does not have it")]
    DeliveredNowhere { peer: usize, to: usize, key: EntryKey },
    #[error("peer {peer} counts event {rev} of {conversation:?} after event {last}")]
    EventsMiscounted { peer: usize, conversation: ConversationId, last: u64, rev: u64 },
    #[error("peer {peer} forwards {entry:?}, which is not on its disk")]
    ForwardedUnstored { peer: usize, entry: EntryId },
    #[error("peer {peer} acknowledges {entry:?}, which is not on its disk")]
    AcknowledgedUnstored { peer: usize, entry: EntryId },
    #[error("peer {peer} rejects a frame that honest peer {from} handed on")]
    RejectedHonest { peer: usize, from: usize },
    #[error("peer {peer} refuses an entry of honest peer {from}: {reason}")]
    RefusedHonest { peer: usize, from: usize, reason: Refusal },
    #[error("peer {peer} accuses honest peer {of}: {fault}")]
    AccusedHonest { peer: usize, of: usize, fault: SyncFault },
    #[error("peer {peer} refuses the hello of honest peer {from}")]
    HelloRefused { peer: usize, from: usize },
    #[error("peer {peer} judges a frame, or answers a request, that it does not have")]
    AnsweredTwice { peer: usize },
    #[error("peer {peer} has {key} in {conversation:?}, which nobody wrote there")]
    Leaked { peer: usize, conversation: ConversationId, key: EntryKey },
    #[error("peer {peer} has {key} of {conversation:?}, whose number another entry of its device has")]
    NumberUsedTwice { peer: usize, conversation: ConversationId, key: EntryKey },
    #[error("peer {peer} has shown {entry:?} of {conversation:?} and has it no more")]
    Lost { peer: usize, conversation: ConversationId, entry: EntryId },
    #[error("the history of {conversation:?} on peer {peer} is out of order")]
    OutOfOrder { peer: usize, conversation: ConversationId },
    #[error("peers {one} and {two} show {conversation:?} differently")]
    OrdersDiffer { one: usize, two: usize, conversation: ConversationId },
    #[error("peers {one} and {two} show posts of {conversation:?} differently")]
    PostsDiffer { one: usize, two: usize, conversation: ConversationId },
    #[error("the faces of peer {peer} were not told of {key} in {conversation:?}, or not of what it is now")]
    ToldWrong { peer: usize, conversation: ConversationId, key: EntryKey },
    #[error("peer {peer} shows {shown} unread entries in {conversation:?}, there are {unread}")]
    UnreadMiscounted { peer: usize, conversation: ConversationId, shown: usize, unread: usize },
    #[error("peer {peer} shows another newest entry in {conversation:?} than its disk has")]
    NewestWrong { peer: usize, conversation: ConversationId },
    #[error("after a restart, peer {peer} would not list the same conversations, members, counts and people")]
    Forgotten { peer: usize },
    #[error("peer {peer} opens a line of {call:?} that stands, or closes one that does not")]
    LineMiscounted { peer: usize, call: CallId },
    #[error("peer {peer} has a line of {call:?}, in which it is not")]
    LineWithoutCall { peer: usize, call: CallId },
    #[error("peer {peer} is still in {call:?}, a minute after everybody hung up")]
    CallStays { peer: usize, call: CallId },
    #[error("{asks} requests while there was nothing to do, {allowed} would be plenty")]
    Restless { asks: u64, allowed: u64 },
    #[error("peer {peer} can read {entry:?}, whose author knew that they had been put out")]
    ReadAfterRemoval { peer: usize, entry: EntryId },
    #[error("peer {peer} shows {key}, which the admins of its room do not want shown")]
    ShownThoughWithheld { peer: usize, key: EntryKey },
    #[error("{waited_ms} ms after the mesh was healed: {what}")]
    NotConverged { waited_ms: u64, what: Unfinished },
}

/// What is still missing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)] // As above.
pub enum Unfinished {
    #[error("in room {room}, peer {one} has {has} entries and peer {two} has {others} (or other ones)")]
    RoomsDiffer { room: usize, one: usize, has: usize, two: usize, others: usize },
    #[error(
        "of the chat of peers {one} and {two}, one has {has} entries and the other {others} (or other ones)"
    )]
    ChatsDiffer { one: usize, has: usize, two: usize, others: usize },
    #[error("members {one} and {two} of private room {room} have not the same of it")]
    PrivateRoomsDiffer { room: usize, one: usize, two: usize },
    #[error("peer {peer} has not entered founded room {room}")]
    NotInRoom { room: usize, peer: usize },
    #[error("peers {one} and {two} have not the same of founded room {room}, or are of two minds about it")]
    FoundedRoomsDiffer { room: usize, one: usize, two: usize },
    #[error("on peer {peer}, {count} entries of {conversation:?} still wait to go out")]
    Queued { peer: usize, conversation: ConversationId, count: usize },
    #[error("the disk of peer {peer} is still at work")]
    DiskBusy { peer: usize },
}

/// An entry that somebody wrote.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Written {
    pub(crate) author: usize,
    pub(crate) conversation: ConversationId,
    /// What binds it to its conversation on everybody's disk.
    pub(crate) tag: ConversationTag,
    pub(crate) at_ms: u64,
}

/// Everything that was written by anybody, whether or not a disk took it.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    written: BTreeMap<EntryId, Written>,
}

impl Ledger {
    /// Notes an entry; false when it was noted before.
    pub(crate) fn note(&mut self, id: EntryId, written: Written) -> bool {
        let is_new = !self.written.contains_key(&id);
        self.written.entry(id).or_insert(written);
        is_new
    }

    pub(crate) fn is_of(&self, id: EntryId, tag: ConversationTag) -> bool {
        self.written.get(&id).is_some_and(|written| written.tag == tag)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (EntryId, Written)> {
        self.written.iter().map(|(id, written)| (*id, *written))
    }
}
