//! What peers say to each other: presence, gossip frames of a room, one-to-one requests.

use serde::{Deserialize, Serialize};

use crate::call::Voice;
use crate::content::Content;
use crate::entry::{Entry, EntryBody, EntryKey};
use crate::id::RoomId;
use crate::limits;
use crate::name::{DisplayName, StatusLine};
use crate::signed::{Signable, Unverified};

/// What a device says of its person: a signed profile with a time and a place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Presence {
    /// The room it is said in; `None` in a [`Hello`]. It binds the word to its place.
    #[serde(rename = "r")]
    pub room: Option<RoomId>,
    /// What the person wants to be called.
    #[serde(rename = "n")]
    pub name: DisplayName,
    /// The status line, empty for none.
    #[serde(rename = "l")]
    pub status: StatusLine,
    /// Since when this device has been up, in Unix milliseconds.
    #[serde(rename = "u")]
    pub since_ms: u64,
    /// When this was said, in Unix milliseconds. Of two, the later one counts.
    #[serde(rename = "t")]
    pub sent_ms: u64,
    /// Whether the device is here, or going.
    #[serde(rename = "a")]
    pub state: PresenceState,
}

/// Whether a device is here, or going.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PresenceState {
    /// Up, and in the room if one is named.
    Here,
    /// Leaves the named room for good.
    Left,
    /// Ends its program; stays a member of its rooms.
    Away,
}

impl Signable for Presence {
    const DOMAIN: &'static [u8] = b"kinmesh presence 1\0";
    const BODY_MAX: usize = 2048;

    fn is_within_limits(&self) -> bool {
        // Names check themselves while they are decoded.
        true
    }
}

/// Somebody is writing in a room, right now. It is shown for [`limits::TYPING_SHOWN_MS`] and never stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Typing {
    /// The room.
    #[serde(rename = "r")]
    pub room: RoomId,
    /// When this was said, in Unix milliseconds.
    #[serde(rename = "t")]
    pub sent_ms: u64,
}

impl Signable for Typing {
    const DOMAIN: &'static [u8] = b"kinmesh typing 1\0";
    const BODY_MAX: usize = 128;

    fn is_within_limits(&self) -> bool {
        true
    }
}

/// One gossip message on a room's topic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RoomFrame {
    /// New entries of the room.
    Entries {
        /// At most [`limits::BATCH_ENTRIES_MAX`], oldest first.
        #[serde(rename = "e")]
        entries: Vec<Unverified<EntryBody>>,
        /// Counts tries: gossip drops a frame it has seen, so a second try must differ from the first.
        #[serde(rename = "a")]
        attempt: u32,
    },
    /// Somebody is here, or going.
    Presence(Unverified<Presence>),
    /// Somebody writes.
    Typing(Unverified<Typing>),
    /// Somebody is in the room's voice channel, or leaves it.
    Voice(Unverified<Voice>),
}

impl RoomFrame {
    /// Bytes of entries that fit into one frame.
    pub const ENTRIES_BYTES_MAX: usize = limits::ROOM_FRAME_MAX - 256;
}

/// First words on every connection, in both directions, and again when the profile changes
/// or the device goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// Who is here, signed by the device at the other end of the connection.
    #[serde(rename = "w")]
    pub presence: Unverified<Presence>,
    /// How many connections with the receiver its sender knows of. Who has more of them has some that
    /// the other has lost.
    #[serde(rename = "c", default = "Hello::one", skip_serializing_if = "Hello::is_one")]
    pub links: u8,
}

impl Hello {
    /// The hello on a first connection.
    pub fn first(presence: Unverified<Presence>) -> Self {
        Self { presence, links: Self::one() }
    }

    fn one() -> u8 {
        1
    }

    fn is_one(links: &u8) -> bool {
        *links == Self::one()
    }
}

/// What somebody says who wants to become a contact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ask {
    /// The first text of the chat between the two, at most [`limits::ASK_TEXT_MAX`] bytes long. It is
    /// an entry like any other, and becomes one of the chat once the request is accepted.
    #[serde(rename = "e")]
    pub entry: Option<Unverified<EntryBody>>,
    /// The word of a common contact, from the chat between them and the sender, that introduced the
    /// receiver to the sender.
    #[serde(rename = "i")]
    pub introduction: Option<Unverified<EntryBody>>,
}

impl Ask {
    /// Whether what it holds is as small as a request may be. Anything larger is not looked at.
    pub fn is_within_limits(&self) -> bool {
        let parts = self.entry.iter().chain(&self.introduction);
        parts.map(Unverified::size).all(|size| size <= limits::ASK_ENTRY_MAX)
    }

    /// Whether an entry can be the text of a request.
    pub fn may_hold(entry: &Entry) -> bool {
        let fits = |text: &str| text.len() <= limits::ASK_TEXT_MAX;
        let is_short_text = match entry.content() {
            Content::Text { text, reply: None } => fits(text),
            _ => false,
        };
        is_short_text && entry.envelope().size() <= limits::ASK_ENTRY_MAX
    }
}

/// One-to-one request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChatRequest {
    /// The sender wants to become a contact. All else is for contacts only.
    Ask(Box<Ask>),
    /// The sender has accepted what the receiver asked.
    Accepted,
    /// Entries of the chat between the two persons, oldest first.
    Deliver(Vec<Unverified<EntryBody>>),
    /// The sender has read the chat up to this entry. Sent only by who shares that.
    Read {
        /// The newest entry read.
        #[serde(rename = "k")]
        up_to: EntryKey,
    },
    /// The sender is writing. Shown for [`limits::TYPING_SHOWN_MS`], never stored.
    Typing,
}

impl ChatRequest {
    /// Bytes of entries that fit into one request.
    pub const ENTRIES_BYTES_MAX: usize = limits::CHAT_REQUEST_MAX as usize - 256;
}

/// Answer to a [`ChatRequest`], sent only after the receiver's disk has what it says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChatResponse {
    /// One receipt for each entry, in the order of the request.
    Receipts(Vec<Receipt>),
    /// What was read is on the disk, or that somebody writes was heard; or the request to become a
    /// contact waits for the user, who may also have declined it: that is told to nobody.
    Noted,
    /// The two are contacts.
    Accepted,
    /// The sender is no contact, and must ask to become one.
    AskFirst,
    /// Nothing was taken: ask again later.
    Busy,
}

/// What became of one delivered entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Receipt {
    /// It is on the receiver's disk, from now or before.
    Stored,
    /// It will never be taken.
    Refused(Refusal),
}

/// Why an entry is refused for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// Certificate, signature or form do not hold.
    #[error("it is not properly signed")]
    Invalid,
    /// It belongs to another conversation.
    #[error("it belongs to another conversation")]
    WrongConversation,
    /// Its clock is more than [`limits::CLOCK_AHEAD_MAX_MS`] ahead.
    #[error("its clock is too far ahead")]
    ClockAhead,
    /// The sender is not its author.
    #[error("the sender is not its author")]
    NotAuthor,
    /// Its author has written more in a day than anybody keeps: see [`limits::AUTHOR_DAY_ENTRIES_MAX`].
    #[error("its author has written too much in a day")]
    OverQuota,
    /// The room does not keep what is so old: see [`crate::RoomSettings::keep_days`].
    #[error("the room does not keep what is so old")]
    TooOld,
}
