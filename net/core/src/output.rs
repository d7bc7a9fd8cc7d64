//! What [`crate::Core`] asks its driver to do, in order.

use kinmesh_proto::record::{StoredEntry, TakenBack, Write};
use kinmesh_proto::{
    CallId, CallRequest, CallResponse, ChatRequest, ChatResponse, ConversationId, DeviceId, Digest, Entry,
    EntryKey, Hello, InviteRequest, InviteResponse, KeyRange, PersonId, Reach, RoomFrame, RoomId,
    SyncRequest, SyncResponse, TicketId,
};

use crate::event::Event;
use crate::lens::Lens;

/// Names a batch of writes until the store has answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token(pub u64);

/// Names a gossip frame until it was judged. The driver hands them out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FrameToken(pub u64);

/// Names a peer's request until it was answered. The driver hands them out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestToken(pub u64);

/// Names a batch of entries handed to a device, until it was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BatchToken {
    /// The person the entries are for.
    pub person: PersonId,
    /// Counts the batches of that chat.
    pub number: u64,
}

/// Names a question about a conversation's history, until it was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SyncToken(pub u64);

/// Names something said about a call, until it was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallToken(pub u64);

/// Names a look into the store, until it was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReadToken(pub u64);

/// What is looked up in the store. The methods of its trait have the same names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Read {
    /// How much there is of a range.
    Digest {
        /// In which conversation.
        conversation: ConversationId,
        /// The range.
        range: KeyRange,
    },
    /// The newest keys of a range.
    Keys {
        /// In which conversation.
        conversation: ConversationId,
        /// The range.
        range: KeyRange,
        /// How many at most.
        limit: usize,
    },
    /// These entries, as far as they fit into one pack
    /// ([`kinmesh_proto::limits::PACK_BYTES_MAX`]).
    Entries {
        /// In which conversation.
        conversation: ConversationId,
        /// Which, in the order wanted.
        keys: Vec<EntryKey>,
    },
    /// The entries of a range, the newest first, as far as they fit into one pack.
    EntriesIn {
        /// In which conversation.
        conversation: ConversationId,
        /// The range.
        range: KeyRange,
    },
    /// Of each of these erased entries: whether a delete that takes it back is there, or may be.
    AreTakenBack {
        /// In which conversation.
        conversation: ConversationId,
        /// The erased entries.
        entries: Vec<Entry>,
    },
}

/// What the store answered to a [`Read`] of the same name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReadAnswer {
    /// To [`Read::Digest`].
    Digest(Digest),
    /// To [`Read::Keys`], oldest first.
    Keys(Vec<EntryKey>),
    /// To [`Read::Entries`] and [`Read::EntriesIn`].
    Entries(Vec<StoredEntry>),
    /// To [`Read::AreTakenBack`].
    AreTakenBack(Vec<TakenBack>),
    /// The store could not answer.
    Failed,
}

/// How a device misbehaved while histories were compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SyncFault {
    /// It sent what was not asked for, was not signed, or is of another conversation.
    #[error("it sent what does not belong there")]
    Garbage,
    /// It did not give what it said to have.
    #[error("it kept back what it said to have")]
    Withheld,
    /// It took too long to come to an end.
    #[error("it came to no end")]
    Endless,
}

/// What becomes of a gossip frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Good and new: forward it.
    Accept,
    /// Not worth forwarding, and nobody's fault.
    Ignore,
    /// Forged or malformed: whoever handed it on did not check it.
    Reject,
}

/// One thing to do.
#[derive(Debug, PartialEq, Eq)]
pub enum Output {
    /// Make these last, then call [`crate::Core::persisted`] or [`crate::Core::not_persisted`].
    Persist {
        /// To say which.
        token: Token,
        /// All or nothing.
        writes: Vec<Write>,
    },
    /// Count the unread entries after this key, then call [`crate::Core::unread_counted`].
    CountUnread {
        /// In which conversation.
        conversation: ConversationId,
        /// The key; `None` counts from the beginning.
        after: Option<EntryKey>,
    },
    /// Read a post with all that changed it, then call [`crate::Core::post_read`].
    ReadPost {
        /// Of which conversation.
        conversation: ConversationId,
        /// Which.
        key: EntryKey,
        /// Tells which of its changes are shown, and whether the post of its author before it is wanted, too.
        lens: Lens,
    },
    /// Read up to [`crate::QUEUED_FETCH_MAX`] queued entries of ours after this key, then call
    /// [`crate::Core::queued_read`].
    ReadQueued {
        /// Of which conversation.
        conversation: ConversationId,
        /// The key; `None` reads from the beginning.
        after: Option<EntryKey>,
    },
    /// Tell the faces.
    Emit(Event),
    /// Take part in a room's gossip, on the topic that [`crate::Core::topic`] names by now, and be found
    /// in it.
    Subscribe(RoomId),
    /// No longer take part, on the topic that was named then.
    Unsubscribe(RoomId),
    /// Publish entries, then call [`crate::Core::published`] or [`crate::Core::not_published`].
    PublishEntries {
        /// Where.
        room: RoomId,
        /// The room itself, or its control log.
        conversation: ConversationId,
        /// What.
        frame: RoomFrame,
        /// Which entries the frame holds.
        keys: Vec<EntryKey>,
    },
    /// Publish presence; if nobody hears it, nothing is lost.
    PublishPresence {
        /// Where.
        room: RoomId,
        /// What.
        frame: RoomFrame,
    },
    /// Publish that we write; if nobody hears it, nothing is lost.
    PublishTyping {
        /// Where.
        room: RoomId,
        /// What.
        frame: RoomFrame,
    },
    /// Publish that we are in the voice channel, or left it; if nobody hears it, nothing is lost.
    PublishVoice {
        /// Where.
        room: RoomId,
        /// What.
        frame: RoomFrame,
    },
    /// Judge a gossip frame.
    Judge {
        /// Which.
        frame: FrameToken,
        /// How.
        verdict: Verdict,
    },
    /// Ask a connected device, then call [`crate::Core::chat_answered`] or [`crate::Core::chat_failed`].
    Deliver {
        /// Whom.
        device: DeviceId,
        /// Names the batch.
        batch: BatchToken,
        /// What.
        request: ChatRequest,
    },
    /// Tell a connected device something whose answer says nothing.
    Tell {
        /// Whom.
        device: DeviceId,
        /// What.
        request: ChatRequest,
    },
    /// Answer a device's request.
    Respond {
        /// Which.
        request: RequestToken,
        /// How.
        response: ChatResponse,
    },
    /// Take no connection with this device, and end those that stand.
    KeepOut {
        /// Which.
        device: DeviceId,
    },
    /// Take connections with this device again.
    LetIn {
        /// Which.
        device: DeviceId,
    },
    /// Show a ticket to a connected device of its maker, then call [`crate::Core::invite_answered`] or
    /// [`crate::Core::invite_failed`].
    Redeem {
        /// Whom.
        device: DeviceId,
        /// Which ticket.
        ticket: TicketId,
        /// What.
        request: InviteRequest,
    },
    /// Answer a device that came with a ticket.
    RespondInvite {
        /// Which request.
        request: RequestToken,
        /// How.
        response: InviteResponse,
    },
    /// Say something about a call to a connected device, then call [`crate::Core::call_answered`] or
    /// [`crate::Core::call_failed`].
    CallAsk {
        /// Whom.
        device: DeviceId,
        /// Names it.
        token: CallToken,
        /// What.
        request: CallRequest,
    },
    /// Answer what a device said about a call.
    CallRespond {
        /// Which request.
        request: RequestToken,
        /// How.
        response: CallResponse,
    },
    /// From now on voice goes to and comes from this device, in this call. What comes from elsewhere, or
    /// under another number, does not belong to it. Call [`crate::Core::media_heard`] for what comes.
    OpenLine {
        /// In which call.
        call: CallId,
        /// Whose device.
        person: PersonId,
        /// With which device.
        device: DeviceId,
        /// Under which number it wants to be sent our voice.
        theirs: u32,
        /// Under which number it sends us theirs.
        ours: u32,
    },
    /// No voice goes to this person in this call any more, or comes from them.
    CloseLine {
        /// In which call.
        call: CallId,
        /// With whom.
        person: PersonId,
    },
    /// Dial a device that is not connected, at addresses that nobody has proven.
    Find {
        /// The connected device that said so.
        told_by: DeviceId,
        /// Which device, and where.
        reach: Reach,
    },
    /// End the connections with this device, which are dead, and dial it anew.
    Redial {
        /// Which.
        device: DeviceId,
    },
    /// Say hello to every connected peer: the profile changed, or we go.
    HelloAll(Hello),
    /// Ask a connected device about a history, then call [`crate::Core::sync_answered`] or
    /// [`crate::Core::sync_failed`].
    Sync {
        /// Whom.
        device: DeviceId,
        /// Names the question.
        token: SyncToken,
        /// What.
        request: SyncRequest,
    },
    /// Answer a device's question about a history.
    RespondSync {
        /// Which.
        request: RequestToken,
        /// How.
        response: SyncResponse,
    },
    /// Look into the store, after all that was persisted before, then call [`crate::Core::read`].
    Read {
        /// Names the look.
        token: ReadToken,
        /// What is looked up.
        read: Read,
    },
    /// Log that a device misbehaved. It is left alone for a while.
    Misbehaved {
        /// Which.
        device: DeviceId,
        /// How.
        fault: SyncFault,
    },
}
