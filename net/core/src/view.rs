//! What a face shows: plain snapshots, the same for the desktop, the terminal and JSON-RPC.

use kinmesh_proto::{
    ConversationId, Delivery, DeviceId, DisplayName, Entry, EntryKey, PersonId, RoomId, RoomName, StatusLine,
};
use serde::Serialize;
use std::sync::Arc;

/// Ourselves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OwnView {
    /// Our person.
    pub person: PersonId,
    /// This device.
    pub device: DeviceId,
    /// Short fingerprint of our key.
    pub fingerprint: String,
    /// What we are called; `None` before the first start was finished.
    pub name: Option<DisplayName>,
    /// Our status line.
    pub status: StatusLine,
}

/// Somebody we know of: people we met, and Echo (see [`PersonView::is_echo`]). Never ourselves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PersonView {
    /// Who.
    pub person: PersonId,
    /// What to call them: our nickname for them, else the name they gave themselves.
    pub name: String,
    /// The name they gave themselves.
    pub own_name: DisplayName,
    /// Short fingerprint of their key.
    pub fingerprint: String,
    /// Whether somebody else we know has the same `name`, so that the fingerprint must be shown.
    pub name_clashes: bool,
    /// Their status line.
    pub status: StatusLine,
    /// Our private name for them.
    pub nickname: Option<DisplayName>,
    /// Whether they are in our contacts.
    pub contact: bool,
    /// Whether they are here.
    pub online: Online,
    /// How we reach them.
    pub route: Route,
    /// Whether this is the built-in contact that answers without any network.
    pub is_echo: bool,
}

/// Whether somebody is here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum Online {
    /// Here.
    Online {
        /// Since when, in Unix milliseconds.
        since_ms: u64,
    },
    /// Not here.
    Offline {
        /// When they were last heard of, in Unix milliseconds.
        last_seen_ms: u64,
    },
}

impl Online {
    /// Whether somebody is here.
    pub fn is_online(self) -> bool {
        matches!(self, Self::Online { .. })
    }
}

/// How a person is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Route {
    /// Inside this program.
    Local,
    /// A direct connection on the local network.
    Lan,
    /// A direct connection over the internet.
    Internet,
    /// Heard of through fellow members of a room only.
    Mesh,
    /// Not reached.
    None,
}

/// A room we are in, or were in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RoomView {
    /// Which one.
    pub room: RoomId,
    /// Its name.
    pub name: RoomName,
    /// Whether we are in it.
    pub joined: bool,
    /// Persons known to be members, ourselves included.
    pub members: usize,
    /// Members online, ourselves included.
    pub online: usize,
    /// Entries of others after the one read last, at most [`crate::UNREAD_CAP`].
    pub unread: usize,
    /// The newest entry.
    pub last: Option<EntryView>,
    /// How sure it is that nothing is missing here.
    pub completeness: Completeness,
}

/// How many of a room's other members hold nothing that is missing here.
///
/// It says "complete with `agreeing` of `members`; `unreachable` away since ...". What nobody told us
/// of is not seen: somebody who is away may have written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Completeness {
    /// Persons known to be in the room, ourselves not included: the three below together.
    pub members: usize,
    /// Here, and when our histories were last compared, nothing that they hold was missing here.
    pub agreeing: usize,
    /// Here, but our histories were not compared yet, or differ.
    pub comparing: usize,
    /// Not here.
    pub unreachable: usize,
    /// Since when all of the unreachable ones are away, in Unix milliseconds.
    pub unreachable_since_ms: Option<u64>,
}

/// A one-to-one chat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChatView {
    /// With whom.
    pub person: PersonId,
    /// Entries of theirs after the one read last, at most [`crate::UNREAD_CAP`].
    pub unread: usize,
    /// The newest entry.
    pub last: Option<EntryView>,
}

/// One entry of a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EntryView {
    /// Its conversation.
    pub conversation: ConversationId,
    /// Its place in the order, and its id.
    pub key: EntryKey,
    /// Who wrote it.
    pub author: PersonId,
    /// When, by the author's clock, in Unix milliseconds.
    pub written_ms: u64,
    /// The text; `None` for content that a later version of Kinmesh wrote.
    pub text: Option<String>,
    /// How far it has come.
    pub delivery: Delivery,
}

impl EntryView {
    /// The view of a stored entry.
    pub fn new(conversation: ConversationId, entry: &Entry, delivery: Delivery) -> Self {
        Self {
            conversation,
            key: entry.key(),
            author: entry.person(),
            written_ms: entry.value().clock.ms(),
            text: entry.text().map(str::to_owned),
            delivery,
        }
    }
}

/// Everything the faces list, in one snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Overview {
    /// Ourselves.
    pub me: OwnView,
    /// Rooms we are in or were in, newest activity first.
    pub rooms: Vec<RoomView>,
    /// Chats that hold at least one entry, newest activity first.
    pub chats: Vec<ChatView>,
    /// Everybody we know of, Echo included and ourselves not: online first, then by name.
    pub people: Arc<[PersonView]>,
}
