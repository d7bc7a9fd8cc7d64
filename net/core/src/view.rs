//! What a face shows: plain snapshots, the same for the desktop, the terminal and JSON-RPC.

use kinmesh_proto::{
    CallOutcome, Content, ConversationId, Delivery, DeviceId, DisplayName, Door, EntryKey, PageItem, Past,
    PersonId, Privacy, Role, RoomId, RoomName, RoomPicture, RoomSettings, StatusLine, StoredEntry,
};
use serde::{Serialize, Serializer};
use std::sync::Arc;

use crate::changes::is_one_symbol;
use crate::control::Withheld;

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
    /// What of our doings others are told.
    pub privacy: Privacy,
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
    /// The contact of ours that is called the same, if this is somebody else who is none: they may be
    /// taken for that contact, so the face must warn.
    pub named_like: Option<PersonId>,
    /// Their status line.
    pub status: StatusLine,
    /// Our private name for them.
    pub nickname: Option<DisplayName>,
    /// Whether they are in our contacts.
    pub contact: bool,
    /// How they and we stand.
    pub acquaintance: Acquaintance,
    /// Whether the user compared the safety number with them.
    pub verified: bool,
    /// The contact that introduced them to us, or us to them.
    pub introduced_by: Option<PersonId>,
    /// Whether they are here.
    pub online: Online,
    /// How we reach them.
    pub route: Route,
    /// Whether this is the built-in contact that answers without any network.
    pub is_echo: bool,
}

/// How somebody and we stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum Acquaintance {
    /// Neither asked: nothing of theirs reaches us but what they say in rooms.
    Stranger,
    /// They ask to be a contact, and wait for our answer: see [`Overview::requests`].
    Asks,
    /// We asked them, and they have not accepted.
    Asked {
        /// Whether it is on their disk.
        delivered: bool,
    },
    /// Both have accepted.
    Contact,
    /// We blocked them.
    Blocked,
}

/// Somebody asks to be a contact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RequestView {
    /// Who.
    pub person: PersonId,
    /// What they say.
    pub text: Option<String>,
    /// When it came, in Unix milliseconds.
    pub received_ms: u64,
    /// The contact of ours that told them of us, proven by that contact's signature.
    pub introduced_by: Option<PersonId>,
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
    /// Its picture, if somebody founded it and gave it one. Programs are told its id.
    #[serde(serialize_with = "picture_id")]
    pub picture: Option<RoomPicture>,
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
    /// What of ours has not gone out yet; `None` when all has.
    pub waiting: Option<Waiting>,
    /// How sure it is that nothing is missing here.
    pub completeness: Completeness,
    /// What only a private room has; `None` for a public one.
    pub private: Option<PrivateView>,
    /// Who is in its voice channel, ourselves included.
    pub voice: Vec<PersonId>,
    /// What only a founded public room has.
    pub founded: Option<FoundedView>,
    /// How a room that somebody founded, private or public, is moderated.
    pub moderation: Option<ModerationView>,
    /// People of whom the user hides all that they write here.
    pub hidden_people: Vec<PersonId>,
}

impl RoomView {
    /// How the room is kept, if anybody can change that.
    pub fn settings(&self) -> Option<RoomSettings> {
        let moderation = self.moderation.as_ref()?;
        let (topic, past, door) = match (&self.private, &self.founded) {
            (Some(private), _) => (private.topic.clone(), private.past, Door::Open),
            (None, Some(founded)) => (founded.topic.clone(), Past::All, founded.door),
            (None, None) => return None,
        };
        let settings = RoomSettings::new(self.name.clone(), topic, past);
        let ModerationView { slow_ms, keep_days, .. } = *moderation;
        Some(RoomSettings { door, slow_ms, keep_days, ..settings })
    }

    /// The founder's fingerprint, where the name alone does not say which room it is.
    pub fn clashing_fingerprint(&self) -> Option<&str> {
        let founded = self.founded.as_ref().filter(|founded| founded.name_clashes)?;
        founded.fingerprint.as_deref()
    }

    /// Whether we are an admin of it.
    pub fn is_ours_to_moderate(&self) -> bool {
        self.moderation.as_ref().is_some_and(|moderation| moderation.role == Some(Role::Admin))
    }

    /// Everybody who has a seat in it, and as what.
    pub fn seats(&self) -> &[SeatView] {
        match (&self.private, &self.founded) {
            (Some(private), _) => &private.seats,
            (None, Some(founded)) => &founded.seats,
            (None, None) => &[],
        }
    }
}

fn picture_id<S: Serializer>(picture: &Option<RoomPicture>, serializer: S) -> Result<S::Ok, S::Error> {
    picture.as_ref().map(RoomPicture::id).serialize(serializer)
}

/// What a founded public room has beside what every room has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FoundedView {
    /// Who founded it; `None` before its control log is here.
    pub founder: Option<PersonId>,
    /// Short fingerprint of the founder's key.
    pub fingerprint: Option<String>,
    /// Whether another room here has the same name, so that the fingerprint must be shown.
    pub name_clashes: bool,
    /// What it is about; may be empty.
    pub topic: StatusLine,
    /// Who may write.
    pub door: Door,
    /// Whether we may write, as far as being let in goes.
    pub standing: FoundedStanding,
    /// Who has a seat, and as what: its admins, and whom they let in.
    pub seats: Vec<SeatView>,
    /// Who was put out.
    pub put_out: Vec<PersonId>,
    /// Who wants to be let in and waits for our answer, if we are an admin.
    pub knocks: Vec<KnockView>,
}

/// How we stand in a founded public room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FoundedStanding {
    /// We take part.
    In,
    /// Its control log is not here yet: a member has to be connected.
    AwaitsLog,
    /// Who writes here is let in, and we have not knocked.
    Outside,
    /// We knocked, and no admin has answered.
    Knocking,
    /// We were put out.
    PutOut,
}

/// Somebody wants to be let into a room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KnockView {
    /// Who.
    pub person: PersonId,
    /// What they say; may be empty.
    pub text: String,
    /// When it came, in Unix milliseconds.
    pub received_ms: u64,
}

/// How a room is moderated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ModerationView {
    /// What we may do; `None` without a seat.
    pub role: Option<Role>,
    /// How long who is no admin waits between two posts, in milliseconds; zero: not at all.
    pub slow_ms: u64,
    /// For how many days what is said is kept; zero: for ever.
    pub keep_days: u32,
    /// Who was muted, and until when: the time may be over.
    pub muted: Vec<MutedView>,
}

/// Somebody who was muted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct MutedView {
    /// Who.
    pub person: PersonId,
    /// Until when, in Unix milliseconds.
    pub until_ms: u64,
}

/// What a private room has beside what every room has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PrivateView {
    /// Whether we can take part.
    pub access: RoomAccess,
    /// What we may do; `None` while we are not in.
    pub role: Option<Role>,
    /// What it is about; may be empty.
    pub topic: StatusLine,
    /// What newcomers get of the past.
    pub past: Past,
    /// Everybody in it, ourselves included, and what they may do.
    pub seats: Vec<SeatView>,
    /// The room of ours that it carries on.
    pub carries_on: Option<RoomId>,
    /// Rooms of ours that carry it on.
    pub carried_on_in: Vec<RoomId>,
}

/// Somebody's place in a private room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct SeatView {
    /// Who.
    pub person: PersonId,
    /// What they may do.
    pub role: Role,
}

/// Whether we can take part in a private room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RoomAccess {
    /// Yes.
    Open,
    /// We accepted an invitation, and no member has brought us the room yet.
    AwaitsLog,
    /// We are in, and no member has given us the newest key yet.
    AwaitsKey,
    /// We left, or were put out. What we have of it stays.
    Out,
}

/// How many of a room's other members hold nothing that is missing here.
///
/// It says "complete with `agreeing` of `members`; `unreachable` away since ...". What nobody told us
/// of is not seen: somebody who is away may have written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Completeness {
    /// Persons known to be in the room, ourselves not included: the four below together.
    pub members: usize,
    /// Here, and when our histories were last compared, nothing that they hold was missing here.
    pub agreeing: usize,
    /// Connected to us, but our histories were not compared yet, or differ.
    pub comparing: usize,
    /// Here, but not connected to us, as most are in a large room: what they hold comes through those who are.
    pub beyond: usize,
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
    /// What of ours has not reached them yet; `None` when all has.
    pub waiting: Option<Waiting>,
}

/// Entries of ours that wait to go out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Waiting {
    /// How many.
    pub entries: usize,
    /// When the oldest of them was written, in Unix milliseconds.
    pub since_ms: u64,
    /// What they wait for.
    pub reason: WaitReason,
}

/// What entries of ours wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum WaitReason {
    /// Nothing: they are on their way.
    Sending,
    /// A chat: the other is not here.
    Offline {
        /// When they were last heard of, in Unix milliseconds.
        last_seen_ms: u64,
    },
    /// A chat: the other is here, but there is no direct connection yet.
    Connecting,
    /// A chat: the other's device cannot take them now; its disk may be full.
    Refused,
    /// A chat: the other's device did not answer.
    NoAnswer,
    /// A chat: the other has our request, and has not accepted it.
    Unanswered,
    /// A room: no other member is connected.
    Alone,
    /// Our own history cannot be read, because its disk fails.
    Unreadable,
}

/// One post of a conversation, with all that changed it.
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
    /// The text as last edited; `None` when it was deleted, and for content that a later version
    /// of Kinmesh wrote.
    pub text: Option<String>,
    /// How far it has come.
    pub delivery: Delivery,
    /// Whom it introduces, if it does.
    pub introduces: Option<IntroducedView>,
    /// Which private room it invites to, if it does.
    pub invites_to: Option<InvitedView>,
    /// What became of the call that it is about, if it is about one: its author rang the reader.
    pub call: Option<CallOutcome>,
    /// Whether it is sealed with a key of the room that is not here: it may come, or is kept from us.
    pub sealed: bool,
    /// The post it answers, which need not be here.
    pub reply_to: Option<EntryKey>,
    /// When it was last edited, by the author's clock, in Unix milliseconds.
    pub edited_ms: Option<u64>,
    /// Whether its author took it back.
    pub deleted: bool,
    /// How people feel about it, in the order in which the emojis came.
    pub reactions: Vec<ReactionView>,
    /// Whether something that its author had seen before it is missing here.
    pub follows_gap: bool,
    /// Whether it is ours, and the other side of the chat has read it. Known only while both sides
    /// share what they read.
    pub read_by_other: bool,
    /// Why it is not shown, if it is not: then nothing of what it says is here, unless the user asked to
    /// look at it all the same.
    pub withheld: Option<Withheld>,
}

/// A private room to which the author of a post invites.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InvitedView {
    /// Which.
    pub room: RoomId,
    /// What it is called.
    pub name: RoomName,
}

/// Somebody whom the author of a post passed on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct IntroducedView {
    /// Who.
    pub person: PersonId,
    /// What the author calls them.
    pub name: DisplayName,
}

/// One emoji under a post.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReactionView {
    /// The emoji.
    pub emoji: String,
    /// Who put it there, in that order.
    pub people: Vec<PersonId>,
}

/// One text that a post had.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EditView {
    /// When it was written, by the author's clock, in Unix milliseconds.
    pub written_ms: u64,
    /// The text.
    pub text: String,
}

impl EntryView {
    /// A post as it is shown, if the other side of the chat has read up to `read_by_other`.
    ///
    /// The same set of entries gives the same view on every peer: only its author edits and deletes
    /// a post, and the latest edit counts; of each person and emoji the latest reaction does.
    pub fn of(conversation: ConversationId, item: &PageItem, read_by_other: Option<EntryKey>) -> Self {
        let PageItem { post: StoredEntry { entry, delivery, .. }, follows_gap, .. } = item;
        let deleted = is_deleted(item);
        let reply_to = match entry.content() {
            Content::Text { reply, .. } if !deleted => *reply,
            _ => None,
        };
        Self {
            conversation,
            key: entry.key(),
            author: entry.person(),
            written_ms: entry.value().clock.ms(),
            text: item.text().map(str::to_owned),
            delivery: *delivery,
            introduces: introduced_by(item).filter(|_| !deleted),
            invites_to: invited_by(item).filter(|_| !deleted),
            call: outcome_in(item).filter(|_| !deleted),
            sealed: matches!(entry.content(), Content::Sealed { .. }) && !deleted,
            reply_to,
            edited_ms: edits_of(item).last().map(|(written_ms, _)| written_ms).filter(|_| !deleted),
            deleted,
            reactions: if deleted { Vec::new() } else { reactions_of(item) },
            follows_gap: *follows_gap,
            read_by_other: *delivery == Delivery::Delivered
                && read_by_other.is_some_and(|read| entry.key() <= read),
            withheld: None,
        }
    }

    /// The same without what it says, if it is withheld.
    pub(crate) fn withheld(self, withheld: Option<Withheld>) -> Self {
        if withheld.is_none() {
            return self;
        }
        Self {
            withheld,
            text: None,
            introduces: None,
            invites_to: None,
            reply_to: None,
            edited_ms: None,
            reactions: Vec::new(),
            ..self
        }
    }
}

fn introduced_by(item: &PageItem) -> Option<IntroducedView> {
    match item.post.entry.content() {
        Content::Introduction { person, name } => {
            Some(IntroducedView { person: *person, name: name.clone() })
        }
        _ => None,
    }
}

fn outcome_in(item: &PageItem) -> Option<CallOutcome> {
    match item.post.entry.content() {
        Content::Call(outcome) => Some(*outcome),
        _ => None,
    }
}

fn invited_by(item: &PageItem) -> Option<InvitedView> {
    match item.post.entry.content() {
        Content::Invitation { room, name } => Some(InvitedView { room: *room, name: name.clone() }),
        _ => None,
    }
}

/// Every text that a post had, the first one first; none of a deleted one.
pub fn edits(item: &PageItem) -> Vec<EditView> {
    let post = &item.post.entry;
    let first = post.text().map(|text| (post.value().clock.ms(), text));
    let texts = first.into_iter().chain(edits_of(item)).filter(|_| !is_deleted(item));
    texts.map(|(written_ms, text)| EditView { written_ms, text: text.to_owned() }).collect()
}

pub(crate) fn is_deleted(item: &PageItem) -> bool {
    let post = &item.post.entry;
    post.is_erased() || item.changes.iter().any(|change| change.entry.erases(post))
}

/// The author's edits of a post, oldest first.
fn edits_of(item: &PageItem) -> impl Iterator<Item = (u64, &str)> {
    let author = item.post.entry.person();
    item.changes.iter().filter_map(move |change| match change.entry.content() {
        Content::Edit { text, .. } if change.entry.person() == author => {
            Some((change.entry.value().clock.ms(), text.as_str()))
        }
        _ => None,
    })
}

pub(crate) fn reactions_of(item: &PageItem) -> Vec<ReactionView> {
    let mut reactions = Vec::<ReactionView>::new();
    for change in &item.changes {
        if let Content::Reaction { emoji, on, .. } = change.entry.content()
            && is_one_symbol(emoji)
        {
            let at = reactions.iter().position(|reaction| reaction.emoji == *emoji).unwrap_or_else(|| {
                reactions.push(ReactionView { emoji: emoji.clone(), people: Vec::new() });
                reactions.len() - 1
            });
            reactions[at].people.retain(|person| *person != change.entry.person());
            reactions[at].people.extend(on.then_some(change.entry.person()));
        }
    }
    reactions.retain(|reaction| !reaction.people.is_empty());
    reactions
}

/// Everything the faces list, in one snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Overview {
    /// Ourselves.
    pub me: OwnView,
    /// Rooms we are in or were in, newest activity first.
    pub rooms: Vec<RoomView>,
    /// Chats that hold at least one entry, or wait for who invited us; newest activity first.
    pub chats: Vec<ChatView>,
    /// Who asks to be a contact and waits for an answer, the newest first.
    pub requests: Arc<[RequestView]>,
    /// Everybody we know of, Echo included and ourselves not: online first, then by name.
    pub people: Arc<[PersonView]>,
    /// Invitations that we made and that were not taken back, the newest first.
    pub invites: Vec<crate::InviteView>,
    /// Invitations of others that were opened here and have not come to their end, the newest first.
    pub openings: Vec<crate::OpeningView>,
    /// Calls that are going on or ring, the oldest first.
    pub calls: Vec<crate::CallView>,
}
