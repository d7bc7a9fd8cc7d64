//! What [`crate::Core`] asks its driver to do, in order.

use kinmesh_proto::record::Write;
use kinmesh_proto::{
    ChatRequest, ChatResponse, ConversationId, DeviceId, EntryKey, Hello, PersonId, RoomFrame, RoomId,
};

use crate::event::Event;

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
    /// Take part in a room's gossip and be found in it.
    Subscribe(RoomId),
    /// No longer take part.
    Unsubscribe(RoomId),
    /// Publish entries, then call [`crate::Core::published`] or [`crate::Core::not_published`].
    PublishEntries {
        /// Where.
        room: RoomId,
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
    /// Say hello to every connected peer: the profile changed, or we go.
    HelloAll(Hello),
}
