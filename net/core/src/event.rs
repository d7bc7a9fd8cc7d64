//! What a peer tells its faces.
//!
//! Events carry facts, state is read: after [`Event::Lagged`], or a gap in a conversation's
//! `rev`, a face reads the conversation again and has lost nothing.

use kinmesh_proto::{CallId, ConversationId, Delivery, EntryKey, InviteRefusal, PersonId, TicketId};
use serde::Serialize;

use crate::calls::CallEnd;
use crate::contacts::Because;
use crate::view::{Completeness, EntryView};

/// One fact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "event")]
#[allow(clippy::large_enum_variant)] // Nearly all of them are of a conversation, and most carry an entry.
pub enum Event {
    /// Something happened in a conversation.
    Conversation {
        /// In which.
        conversation: ConversationId,
        /// Counts this conversation's events since the program started, from 1 without a gap.
        rev: u64,
        /// What.
        #[serde(flatten)]
        change: ConversationEvent,
    },
    /// A person came, went, or changed name, status, nickname, or how we stand: read the people again.
    PersonChanged {
        /// Who.
        person: PersonId,
    },
    /// Somebody asks to be a contact: read the requests.
    ContactRequested {
        /// Who.
        person: PersonId,
    },
    /// Somebody and we are contacts of each other from now on.
    BecameContacts {
        /// Who.
        person: PersonId,
        /// What led to it.
        because: Because,
    },
    /// What somebody wrote in rooms is hidden from now on, or shown again: read pages again.
    HiddenChanged {
        /// Who was blocked, or no longer is.
        person: PersonId,
    },
    /// An invitation was made, taken back, opened or dismissed: read them again.
    InvitesChanged,
    /// Somebody used an invitation of ours, and is a contact from now on.
    InviteUsed {
        /// Which one.
        invite: TicketId,
        /// Who.
        person: PersonId,
    },
    /// Whoever made an invitation that was opened here has answered: they are a contact from now on, or
    /// it came to nothing.
    OpeningAnswered {
        /// Which one.
        invite: TicketId,
        /// Who made it.
        person: PersonId,
        /// Why it came to nothing, if it did.
        refused: Option<InviteRefusal>,
    },
    /// A call rings, or something about one changed: read the calls.
    CallChanged {
        /// Which.
        call: CallId,
    },
    /// A call is over, or the user does not want to hear of it.
    CallEnded {
        /// Which.
        call: CallId,
        /// The chat with whom it began, or the room whose voice channel it was.
        conversation: ConversationId,
        /// How.
        end: CallEnd,
    },
    /// Our own profile changed.
    ProfileChanged,
    /// The store failed; `None`: it works again.
    StoreFault {
        /// How.
        fault: Option<StoreFault>,
    },
    /// This listener was too slow and missed events: read everything again.
    Lagged {
        /// Events missed.
        missed: u64,
    },
}

/// How the store fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StoreFault {
    /// No room is left on the disk: nothing new is accepted until there is some.
    Full,
    /// The disk or its file system refuses: nothing new is accepted until it works again.
    Io,
    /// Part of what is on the disk is not what was written. The next start examines all of it, and
    /// mends what it can.
    Damaged,
}

/// What can happen in a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "change")]
pub enum ConversationEvent {
    /// We joined the room, or the chat began.
    Opened,
    /// We left the room.
    Closed,
    /// An entry is on our disk. It need not be the newest.
    EntryAdded {
        /// The entry.
        entry: EntryView,
    },
    /// Something about a post changed: it was edited, deleted, or reacted to.
    EntryChanged {
        /// The post as it is now.
        entry: EntryView,
    },
    /// One of our entries came further.
    DeliveryChanged {
        /// Which.
        key: EntryKey,
        /// How far.
        delivery: Delivery,
    },
    /// Somebody was seen in the room for the first time.
    MemberJoined {
        /// Who.
        person: PersonId,
    },
    /// Somebody left the room.
    MemberLeft {
        /// Who.
        person: PersonId,
    },
    /// What a private room is called, who is in it as what, or whether we can read it changed: read the
    /// overview.
    RoomChanged,
    /// Somebody entered or left the room's voice channel: read the overview.
    VoiceChanged,
    /// A private room's secrets came: more of what is sealed can be read, so read pages again.
    Unsealed,
    /// Somebody wants to be let into the room: read the overview.
    Knocked {
        /// Who.
        person: PersonId,
    },
    /// Other posts of the room are shown than before, or others of them are not: read pages again.
    ShownAnew,
    /// Entries were read on this device.
    Read {
        /// Unread entries that remain.
        unread: usize,
    },
    /// We know more, or less, about what is missing here of the room's history.
    CompletenessChanged {
        /// What we know now.
        completeness: Completeness,
    },
    /// A chat: the other has read our entries up to this one.
    ReadByOther {
        /// The newest entry they have read, ours or theirs.
        up_to: EntryKey,
    },
    /// Somebody is writing. It is told again while they go on; an entry of theirs ends it.
    Typing {
        /// Who.
        person: PersonId,
        /// Until when to show it, in Unix milliseconds.
        until_ms: u64,
    },
}
