//! What a peer remembers of its own: the records that rest in the history store beside entries.
//!
//! They never travel. They stand here because `core` decides them and `store` keeps them,
//! and the two know only this crate.

pub mod invites;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::content::Content;
use crate::entry::{Entry, EntryBody, EntryKey, Hlc};
use crate::frame::{Ask, Refusal};
use crate::id::{ConversationId, DeviceId, EntryId, PersonId, RoomId};
use crate::invite::TicketId;
use crate::name::{DisplayName, RoomName, StatusLine};
use crate::sealed::EpochSecret;
use crate::signed::Unverified;
pub use invites::{InviteRecord, OpeningRecord};

/// How far an entry has come, as far as this device knows for sure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum Delivery {
    /// Written by somebody else, and on our disk.
    Received,
    /// Ours, on our disk, nowhere else yet.
    Queued,
    /// Ours, in a room: handed to this many directly connected members.
    Sent {
        /// Members it was handed to.
        members: u32,
    },
    /// Ours, in a chat: on the other's disk.
    Delivered,
    /// Ours, in a chat: the other will never take it.
    Failed {
        /// The other's reason.
        reason: Refusal,
    },
}

/// What our own person goes by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnProfile {
    /// The name we gave ourselves.
    pub name: DisplayName,
    /// Our status line, empty for none.
    pub status: StatusLine,
}

/// A conversation this device knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConversationRecord {
    /// Which one.
    pub id: ConversationId,
    /// The room's name as first typed here; `None` for a chat.
    pub name: Option<RoomName>,
    /// Whether we are in it. A room that was left keeps its history.
    pub open: bool,
    /// The newest entry that was read; everything after it is unread.
    pub read: Option<EntryKey>,
    /// Sequence numbers of this device's entries in it are used up to here, or will be: a block is
    /// reserved ahead, so that writing an entry changes one key, and no number is used twice.
    pub seq_reserved: u64,
    /// Everything of ours up to here has left this device; what stands after it may be queued.
    pub sent: Option<EntryKey>,
    /// A chat: how far the other has read, if both share that.
    pub read_by_other: Option<EntryKey>,
    /// A chat: how far the other knows that we have read.
    pub read_told: Option<EntryKey>,
    /// A private room, and its control log: how we came to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub private: Option<PrivateRecord>,
    /// A founded public room: who knocks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub founded: Option<FoundedRecord>,
    /// What the user does not want to see of it.
    #[serde(default, skip_serializing_if = "HiddenHere::is_empty")]
    pub hidden: HiddenHere,
}

/// What a device remembers of a founded public room beside its control log.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FoundedRecord {
    /// Whether the log, when it was looked at last, had not put us out.
    pub was_in: bool,
    /// What we say to be let in, until we are.
    pub knocking: Option<String>,
    /// Who wants to be let in and waits for the user's answer, in the order in which they came.
    pub knocks: Vec<KnockRecord>,
    /// Whom the user declined: they are not shown again.
    pub declined: Vec<PersonId>,
}

/// Somebody who wants to be let into a room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnockRecord {
    /// Who.
    pub person: PersonId,
    /// What they say, at most [`crate::limits::KNOCK_BYTES_MAX`] bytes; may be empty.
    pub text: String,
    /// When it reached our disk, in Unix milliseconds.
    pub received_ms: u64,
}

/// What the user hides in a room, for themselves alone.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct HiddenHere {
    /// Single entries.
    pub entries: BTreeSet<EntryKey>,
    /// All that these people write.
    pub people: BTreeSet<PersonId>,
}

impl HiddenHere {
    /// Whether nothing is hidden.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.people.is_empty()
    }
}

/// How we came to a private room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrivateRecord {
    /// Who let us in, and is asked for the room until its control log is here. `None` in our own.
    pub host: Option<PersonId>,
    /// Whether the log said that we are in, when it was looked at last. Whoever then finds themselves out
    /// was put out, and does not wait to be let in.
    #[serde(default)]
    pub was_in: bool,
}

impl ConversationRecord {
    /// A conversation as it begins: open, and empty.
    pub fn new(id: ConversationId, name: Option<RoomName>) -> Self {
        Self {
            id,
            name,
            open: true,
            read: None,
            seq_reserved: 0,
            sent: None,
            read_by_other: None,
            read_told: None,
            private: None,
            founded: None,
            hidden: HiddenHere::default(),
        }
    }
}

/// What of our doings others are told. Who does not tell is not told either.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Privacy {
    /// Whether the other side of a chat learns what we have read.
    pub read_receipts: bool,
    /// Whether others see that we are writing.
    pub typing: bool,
}

impl Default for Privacy {
    fn default() -> Self {
        Self { read_receipts: true, typing: true }
    }
}

/// A person this device has met.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonRecord {
    /// Who.
    pub person: PersonId,
    /// The name they last gave themselves.
    pub name: DisplayName,
    /// Their status line.
    pub status: StatusLine,
    /// Our private name for them.
    pub nickname: Option<DisplayName>,
    /// Whether they are in our contacts: what they write reaches us, unless they are blocked.
    pub contact: bool,
    /// Devices they were seen with, newest first.
    pub devices: Vec<DeviceId>,
    /// When they were last heard of, in Unix milliseconds.
    pub last_seen_ms: u64,
    /// How we and they have let each other in. `None` in records from before people had to ask.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ties: Option<Ties>,
}

impl PersonRecord {
    /// Somebody of whom nothing but a name is known.
    pub fn new(person: PersonId, name: DisplayName) -> Self {
        Self {
            person,
            name,
            status: StatusLine::default(),
            nickname: None,
            contact: false,
            devices: Vec::new(),
            last_seen_ms: 0,
            ties: Some(Ties::default()),
        }
    }
}

/// How a person and we have let each other in, beside the mark that they are a contact of ours.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Ties {
    /// What they said to our asking.
    pub answer: Answer,
    /// Whether the user declined what they asked: they may ask on, and nobody is bothered.
    pub declined: bool,
    /// Whether nothing of theirs may reach us, not even a connection.
    pub blocked: bool,
    /// Whether the user compared the safety number with them.
    pub verified: bool,
    /// What they ask, while it waits for the user.
    pub asking: Option<Asking>,
    /// Who introduced them to us, or us to them: an entry of that contact, verified.
    pub introduction: Option<Unverified<EntryBody>>,
}

impl Ties {
    /// Both have accepted each other.
    pub fn mutual() -> Self {
        Self { answer: Answer::Accepted, ..Self::default() }
    }

    /// The contact that introduced the two.
    pub fn introduced_by(&self) -> Option<PersonId> {
        self.introduction.as_ref().map(|introduction| introduction.parts().1.person)
    }
}

/// What somebody said to our asking.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// Nothing: we did not ask, or they have not heard it yet.
    #[default]
    None,
    /// It is on their disk.
    Heard,
    /// They have accepted us.
    Accepted,
}

/// A request that waits for the user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asking {
    /// What they said. What is signed in it was verified.
    pub ask: Ask,
    /// When it reached our disk, in Unix milliseconds.
    pub received_ms: u64,
}

/// A person seen in a room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberRecord {
    /// The room.
    pub room: RoomId,
    /// The member.
    pub person: PersonId,
    /// When they were last seen in it, in Unix milliseconds.
    pub last_seen_ms: u64,
}

/// A secret of a private room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretRecord {
    /// The room.
    pub room: RoomId,
    /// The step of its control log that brought the secret.
    pub step: EntryId,
    /// The secret.
    pub secret: EpochSecret,
}

/// Where a device was reached before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddressRecord {
    /// The device.
    pub device: DeviceId,
    /// Multiaddresses without the `/p2p/` part, the last good one first.
    pub addresses: Vec<String>,
    /// When it was last met, in Unix milliseconds, to within an hour.
    pub last_ok_ms: u64,
}

/// An entry as it rests in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEntry {
    /// The entry.
    pub entry: Entry,
    /// How far it has come.
    pub delivery: Delivery,
    /// When it reached our disk, in Unix milliseconds.
    pub received_ms: u64,
}

/// Whether an entry was taken back by its author, as far as a store can tell.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum TakenBack {
    /// No change of the author's is here that could do it.
    #[default]
    No,
    /// The delete is here.
    Yes,
    /// Changes of the author's are here that cannot be read: they are sealed with the secrets that these
    /// steps of the room's control log brought.
    Perhaps(BTreeSet<EntryId>),
}

impl TakenBack {
    /// What the changes of a post tell about it, or about a change of it.
    pub fn by<'e>(changes: impl IntoIterator<Item = &'e Entry>, entry: &Entry) -> Self {
        let mut sealed_with = BTreeSet::new();
        for change in changes {
            if change.erases(entry) {
                return Self::Yes;
            }
            sealed_with.extend(change.may_erase(entry).into_iter().flatten().copied());
        }
        if sealed_with.is_empty() { Self::No } else { Self::Perhaps(sealed_with) }
    }
}

/// A post as it is shown: with all that changed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageItem {
    /// The post. Erased, if its author took it back.
    pub post: StoredEntry,
    /// Edits, deletes and reactions, by anybody, in the order of their keys. Whether one counts is
    /// for the reader to decide.
    pub changes: Vec<StoredEntry>,
    /// Whether an entry that its author had seen is missing here.
    pub follows_gap: bool,
}

impl PageItem {
    /// The text as it stands now: of the latest edit by the one who wrote the post, or of the post
    /// itself. `None` when it is no text, or none any more.
    pub fn text(&self) -> Option<&str> {
        let post = &self.post.entry;
        if self.changes.iter().any(|change| change.entry.erases(post)) {
            return None;
        }
        let own = self.changes.iter().rev().filter(|change| change.entry.person() == post.person());
        let mut edits = own.filter_map(|change| match change.entry.content() {
            Content::Edit { text, .. } => Some(text.as_str()),
            _ => None,
        });
        post.text().map(|written| edits.next().unwrap_or(written))
    }
}

/// Which part of a conversation a page shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageAt {
    /// Its end.
    Newest,
    /// What stands before this key.
    Before(EntryKey),
    /// What stands after this key.
    After(EntryKey),
}

/// A post, and how far back its author's own post before it matters: in a slow room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wait {
    /// Who wrote it.
    pub author: PersonId,
    /// The post.
    pub post: EntryKey,
    /// What is older does not matter.
    pub since: Hlc,
}

/// One change to the history store: `core` decides it, `store` makes it last.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(clippy::large_enum_variant)] // Nearly all of them are entries: a box would be one more allocation for each.
pub enum Write {
    /// Adds an entry. One that is there already is left as it is.
    PutEntry {
        /// Its conversation.
        conversation: ConversationId,
        /// What is added.
        stored: StoredEntry,
    },
    /// Notes how far an entry has come.
    SetDelivery {
        /// Its conversation.
        conversation: ConversationId,
        /// Which entry.
        key: EntryKey,
        /// How far.
        delivery: Delivery,
    },
    /// Removes the oldest entries of a conversation from before this one, which need not be there: a few
    /// thousand at a time, so ask again.
    Forget {
        /// Of which conversation.
        conversation: ConversationId,
        /// Where what is kept begins.
        before: EntryKey,
    },
    /// Adds or replaces a conversation.
    PutConversation(ConversationRecord),
    /// Adds or replaces a person.
    PutPerson(PersonRecord),
    /// Forgets a person.
    RemovePerson(PersonId),
    /// Adds or replaces a member of a room.
    PutMember(MemberRecord),
    /// Forgets a member of a room.
    RemoveMember {
        /// The room.
        room: RoomId,
        /// The member.
        person: PersonId,
    },
    /// Adds or replaces the known addresses of a device.
    PutAddresses(AddressRecord),
    /// Forgets where a device was reached.
    RemoveAddresses(DeviceId),
    /// Adds the secret that a step of a private room's control log brought. From then on the store opens
    /// what is sealed with it.
    PutSecret(SecretRecord),
    /// Sets our own profile.
    PutProfile(OwnProfile),
    /// Sets what others are told.
    PutPrivacy(Privacy),
    /// Adds or replaces an invitation that we made.
    PutInvite(InviteRecord),
    /// Forgets an invitation that we made.
    RemoveInvite(TicketId),
    /// Adds or replaces an invitation that we opened.
    PutOpening(OpeningRecord),
    /// Forgets an invitation that we opened.
    RemoveOpening(TicketId),
}

/// Everything in the store but entries: what a peer reads at start.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// Our own profile, once it was set.
    pub profile: Option<OwnProfile>,
    /// What others are told.
    pub privacy: Privacy,
    /// Every conversation, open or not.
    pub conversations: Vec<ConversationRecord>,
    /// Everybody met.
    pub people: Vec<PersonRecord>,
    /// Members of every room.
    pub members: Vec<MemberRecord>,
    /// Known addresses of devices.
    pub addresses: Vec<AddressRecord>,
    /// Invitations that we made.
    pub invites: Vec<InviteRecord>,
    /// Invitations of others that we opened.
    pub openings: Vec<OpeningRecord>,
    /// Secrets of private rooms.
    pub secrets: Vec<SecretRecord>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::{EntryBody, Hlc};
    use crate::id::ConversationTag;
    use crate::identity::DeviceKeys;
    use crate::signed::Unverified;

    fn stored(author: u8, ms: u64, content: Content) -> StoredEntry {
        let keys = DeviceKeys::generate(&[author; 32], &[author + 100; 32], 0);
        let body = EntryBody {
            conversation: ConversationTag([9; 32]),
            clock: Hlc::from_ms(ms),
            seq: 1,
            prev: vec![],
            content,
        };
        let entry = Unverified::sign(body, &keys);
        StoredEntry { entry, delivery: Delivery::Received, received_ms: ms }
    }

    #[test]
    fn the_latest_edit_by_the_author_is_the_text_until_the_post_is_taken_back() {
        let (alice, bob) = (1, 2);
        let post = stored(alice, 1, Content::text("frist"));
        let of = post.entry.key();
        let edit = |author, ms, text: &str| stored(author, ms, Content::Edit { of, text: text.into() });
        let mut item = PageItem { post, changes: vec![], follows_gap: false };
        assert_eq!(item.text(), Some("frist"));
        item.changes = vec![edit(alice, 2, "fisrt"), edit(alice, 3, "first"), edit(bob, 4, "last")];
        assert_eq!(item.text(), Some("first"));
        item.changes.push(stored(bob, 5, Content::Delete { of }));
        assert_eq!(item.text(), Some("first"), "nobody takes back the words of another");
        item.changes.push(stored(alice, 6, Content::Delete { of }));
        assert_eq!(item.text(), None);
    }
}
