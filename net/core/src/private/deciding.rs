//! What the user decides about a room that has a control log: founding a private one, letting people in
//! and out, roles, settings.

use kinmesh_proto::{
    Content, Control, ConversationId, ConversationRecord, EntryId, EpochSecret, Past, PersonId,
    PrivateRecord, Role, RoomId, RoomName, RoomPicture, RoomSettings, Seat, SecretRecord, StatusLine, Write,
    limits,
};
use rand::RngExt;
use serde_bytes::ByteArray;

use super::PrivateRoom;
use crate::contacts::acquaintance;
use crate::conversation::Conversation;
use crate::node::{Core, Pending, SendRefusal};
use crate::output::Token;
use crate::room::{ROOMS_MAX, TooManyRooms};
use crate::view::Acquaintance;

/// A private room to be founded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRoom {
    /// What it is called.
    pub name: RoomName,
    /// What it is about; may be empty.
    pub topic: StatusLine,
    /// What newcomers get of the past.
    pub past: Past,
    /// Contacts who are in it from the beginning.
    pub people: Vec<PersonId>,
}

/// Why nothing is decided about a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RoomRefusal {
    /// We are in no room of this id that anybody decides about.
    #[error("in no room of this id that anybody decides about")]
    NotIn,
    /// Only its admins decide that.
    #[error("only admins of the room decide that")]
    NotAdmin,
    /// Only contacts can be let in.
    #[error("only contacts can be let in")]
    NotAContact,
    /// They are in already: it is ourselves.
    #[error("you are in the room already")]
    IsMember,
    /// They are not in.
    #[error("they are not in the room")]
    NoMember,
    /// Nobody else could decide anything any more.
    #[error("a room needs an admin: make somebody else one first")]
    LastAdmin,
    /// They founded the room, or we are an admin through them.
    #[error("nobody takes a right from the founder, or from who made them an admin")]
    Senior,
    /// A public room has this id.
    #[error("that is a public room")]
    IsPublic,
    /// Others keep no more steps of ours, or of anybody.
    #[error("so much was decided in this room that it takes no more")]
    LogFull,
    /// No entry, or more than one step hides.
    #[error("from 1 to {} entries at once", limits::HIDE_MAX)]
    HideCount,
    /// Longer than anybody waits.
    #[error("nobody is made to wait for longer than {} ms", limits::SLOW_MAX_MS)]
    TooSlow,
    /// Longer than a room can say to keep what is said.
    #[error("nothing is kept for a set time of more than {} days", limits::KEEP_DAYS_MAX)]
    KeepsTooLong,
    /// More people than a room is founded with.
    #[error("at most {} people at once", limits::SEATS_MAX)]
    TooManyPeople,
    /// More rooms than one peer takes part in.
    #[error(transparent)]
    TooManyRooms(#[from] TooManyRooms),
    /// The step cannot be written.
    #[error(transparent)]
    Send(#[from] SendRefusal),
}

impl Core {
    /// Founds a private room. The people in it get an invitation in their chats once it stands.
    pub fn create_room(&mut self, now_ms: u64, new: NewRoom) -> Result<(RoomId, Token), RoomRefusal> {
        if new.people.len() > limits::SEATS_MAX {
            return Err(RoomRefusal::TooManyPeople);
        }
        if new.people.iter().any(|person| !self.is_contact(*person)) {
            return Err(RoomRefusal::NotAContact);
        }
        let settings = RoomSettings::new(new.name, new.topic, new.past);
        self.found(now_ms, settings, new.people, None)
    }

    /// Founds a room in which these people have a seat.
    pub(super) fn found(
        &mut self,
        now_ms: u64,
        settings: RoomSettings,
        people: Vec<PersonId>,
        parent: Option<RoomId>,
    ) -> Result<(RoomId, Token), RoomRefusal> {
        if self.open_rooms().count() >= ROOMS_MAX {
            return Err(TooManyRooms.into());
        }
        let nonce: [u8; 16] = self.sync.dice.random();
        let room = RoomId::private(self.me(), &nonce);
        let secret = self.new_secret();
        let record = self.open_private(room, Some(settings.name.clone()), None);
        let seat = |person| Seat { person, role: Role::Member };
        let control = Control::Create {
            nonce: ByteArray::new(nonce),
            settings,
            seats: people.into_iter().map(seat).collect(),
            epoch: Some(secret.commitment(room)),
            parent,
        };
        let token = self.decide_with(now_ms, room, control, Some(secret), vec![record])?;
        Ok((room, token))
    }

    /// The disk refused the step that founds a room: there is none. Says whether it was that.
    pub(crate) fn forget_unfounded(&mut self, room: RoomId) -> bool {
        let is_unfounded = |private: &PrivateRoom| private.host.is_none() && private.log.settings().is_none();
        if !self.private.get(&room).is_some_and(is_unfounded) {
            return false;
        }
        self.private.remove(&room);
        for id in [ConversationId::Room(room), ConversationId::Control(room)] {
            self.conversations.remove(&id);
        }
        true
    }

    /// Lets a contact in. They get an invitation in the chat with them; who is in already gets it anew, as
    /// the first one may have been lost.
    pub fn add_to_room(&mut self, now_ms: u64, room: RoomId, person: PersonId) -> Result<Token, RoomRefusal> {
        self.may_decide(room)?;
        if person == self.me() {
            return Err(RoomRefusal::IsMember);
        }
        if self.is_founded(room) && self.role_in(room, person).is_some() {
            return Err(RoomRefusal::IsMember);
        }
        if self.is_founded(room) {
            return self.give_seat(now_ms, room, person, Role::Member);
        }
        if !self.is_contact(person) {
            return Err(RoomRefusal::NotAContact);
        }
        if self.role_in(room, person).is_some() {
            return self.invite_again(now_ms, room, person);
        }
        self.seat(now_ms, room, person)
    }

    /// The step that gives somebody a seat.
    pub(super) fn seat(&mut self, now_ms: u64, room: RoomId, person: PersonId) -> Result<Token, RoomRefusal> {
        // The past is kept from them by a secret that comes with them.
        let settings = self.private.get(&room).and_then(|private| private.log.settings());
        let keeps_past = settings.is_some_and(|settings| settings.past == Past::FromJoining);
        let secret = keeps_past.then(|| self.new_secret());
        let seat = Seat { person, role: Role::Member };
        let epoch = secret.as_ref().map(|secret| secret.commitment(room));
        self.decide(now_ms, room, Control::Add { seat, epoch }, secret)
    }

    /// Puts somebody out. They keep what they have, and read nothing that is written by who knows of it. In a
    /// public room nothing that they write is shown any more; nor, with `from_ms`, what they wrote since then.
    pub fn remove_from_room(
        &mut self,
        now_ms: u64,
        room: RoomId,
        person: PersonId,
        from_ms: Option<u64>,
    ) -> Result<Token, RoomRefusal> {
        self.may_decide(room)?;
        if self.is_above_us(room, person) {
            return Err(RoomRefusal::Senior);
        }
        if self.is_founded(room) {
            return self.shut_out(now_ms, room, person, from_ms);
        }
        self.role_in(room, person).ok_or(RoomRefusal::NoMember)?;
        if person == self.me() {
            return Err(RoomRefusal::LastAdmin);
        }
        let secret = self.new_secret();
        let epoch = Some(secret.commitment(room));
        self.decide(now_ms, room, Control::Remove { person, epoch, from_ms: None }, Some(secret))
    }

    /// Changes what somebody may do.
    pub fn set_role(
        &mut self,
        now_ms: u64,
        room: RoomId,
        person: PersonId,
        role: Role,
    ) -> Result<Token, RoomRefusal> {
        self.may_decide(room)?;
        if self.is_founded(room) && self.role_in(room, person).is_none() {
            return self.give_seat(now_ms, room, person, role);
        }
        self.role_in(room, person).ok_or(RoomRefusal::NoMember)?;
        if role == Role::Member && self.is_above_us(room, person) {
            return Err(RoomRefusal::Senior);
        }
        if person == self.me() && role == Role::Member && self.is_only_admin(room) {
            return Err(RoomRefusal::LastAdmin);
        }
        self.decide(now_ms, room, Control::SetRole(Seat { person, role }), None)
    }

    /// Changes what the room is called and how it is kept.
    pub fn set_room_settings(
        &mut self,
        now_ms: u64,
        room: RoomId,
        settings: RoomSettings,
    ) -> Result<Token, RoomRefusal> {
        self.may_decide(room)?;
        if settings.slow_ms > limits::SLOW_MAX_MS {
            return Err(RoomRefusal::TooSlow);
        }
        if settings.keep_days > limits::KEEP_DAYS_MAX {
            return Err(RoomRefusal::KeepsTooLong);
        }
        self.decide(now_ms, room, Control::SetSettings(settings), None)
    }

    /// Gives the room a picture, or takes it away.
    pub fn set_room_picture(
        &mut self,
        now_ms: u64,
        room: RoomId,
        picture: Option<RoomPicture>,
    ) -> Result<Token, RoomRefusal> {
        self.may_decide(room)?;
        self.decide(now_ms, room, Control::SetPicture(picture), None)
    }

    /// Enters a private room to which `host` has invited us. Its log and its secrets follow once a member
    /// is connected. The token is `None` when we are in already.
    pub fn enter_room(
        &mut self,
        room: RoomId,
        name: Option<RoomName>,
        host: PersonId,
    ) -> Result<Option<Token>, RoomRefusal> {
        let known = self.conversations.get(&ConversationId::Room(room));
        if known.is_some_and(|known| known.record.private.is_none()) {
            return Err(RoomRefusal::IsPublic);
        }
        if known.is_some_and(|known| known.record.open) {
            return Ok(None);
        }
        if self.open_rooms().count() >= ROOMS_MAX {
            return Err(TooManyRooms.into());
        }
        let room_record = self.open_private(room, name, Some(host));
        let control = self.conversations.get(&ConversationId::Control(room));
        let records = control.map(|control| Write::PutConversation(control.record.clone()));
        let writes = [room_record].into_iter().chain(records).collect();
        Ok(Some(self.persist(writes, Pending::Entered { room, host })))
    }

    /// Leaves a private room: a step that the others learn when we meet.
    pub(crate) fn leave_private(&mut self, now_ms: u64, room: RoomId) -> Option<Token> {
        if self.role_in(room, self.me()).is_none() {
            // The log is not here, so nobody is told.
            let known = self.conversations.get_mut(&ConversationId::Room(room))?;
            known.record.open = false;
            let write = Write::PutConversation(known.record.clone());
            return Some(self.persist(vec![write], Pending::Left(room)));
        }
        self.decide(now_ms, room, Control::Leave, None).ok()
    }

    /// Brings a new secret: somebody left who knows the one before.
    pub(super) fn rotate(&mut self, now_ms: u64, room: RoomId) {
        let secret = self.new_secret();
        let epoch = secret.commitment(room);
        // What is refused is due again later.
        let _ = self.decide(now_ms, room, Control::Rotate { epoch }, Some(secret));
    }

    /// A step of ours is on the disk: whom it lets in is told.
    pub(crate) fn send_invitations(&mut self, now_ms: u64, room: RoomId, control: &Control) {
        // Into a public room everybody finds by themselves.
        if self.is_founded(room) {
            return;
        }
        let people: Vec<PersonId> = match control {
            Control::Create { parent: Some(parent), .. } => return self.carried_on(now_ms, *parent, room),
            Control::Create { seats, .. } => seats.iter().map(|seat| seat.person).collect(),
            Control::Add { seat, .. } => vec![seat.person],
            _ => return,
        };
        let Some(invitation) = self.invitation(room) else { return };
        let me = self.me();
        for person in people.into_iter().filter(|person| *person != me) {
            // Who is no contact any more is not told.
            let _ = self.write(now_ms, ConversationId::Direct(person), invitation.clone());
        }
    }

    fn invite_again(&mut self, now_ms: u64, room: RoomId, person: PersonId) -> Result<Token, RoomRefusal> {
        let invitation = self.invitation(room).ok_or(RoomRefusal::NotIn)?;
        Ok(self.write(now_ms, ConversationId::Direct(person), invitation)?.0)
    }

    /// What tells somebody that this room has let them in.
    pub(super) fn invitation(&self, room: RoomId) -> Option<Content> {
        let name = self.private.get(&room)?.log.settings()?.name.clone();
        Some(Content::Invitation { room, name })
    }

    /// Opens the two conversations of a private room in memory. Returns what keeps the room itself.
    fn open_private(&mut self, room: RoomId, name: Option<RoomName>, host: Option<PersonId>) -> Write {
        let mut records = Vec::new();
        for id in [ConversationId::Room(room), ConversationId::Control(room)] {
            let name = name.clone().filter(|_| matches!(id, ConversationId::Room(_)));
            let new = || Conversation::new(ConversationRecord::new(id, name));
            let known = self.conversations.entry(id).or_insert_with(new);
            let was_in = known.record.private.is_some_and(|private| private.was_in);
            (known.record.open, known.record.private) = (true, Some(PrivateRecord { host, was_in }));
            records.push(known.record.clone());
        }
        let known = self.private.entry(room).or_insert_with(|| PrivateRoom::new(room, host));
        known.host = host;
        Write::PutConversation(records.swap_remove(0))
    }

    pub(crate) fn decide(
        &mut self,
        now_ms: u64,
        room: RoomId,
        control: Control,
        secret: Option<EpochSecret>,
    ) -> Result<Token, RoomRefusal> {
        self.decide_with(now_ms, room, control, secret, Vec::new())
    }

    pub(crate) fn decide_with(
        &mut self,
        now_ms: u64,
        room: RoomId,
        control: Control,
        secret: Option<EpochSecret>,
        mut beside: Vec<Write>,
    ) -> Result<Token, RoomRefusal> {
        if self.is_log_full_for(room, &control) {
            return Err(RoomRefusal::LogFull);
        }
        let content = Content::Control(Box::new(control));
        let keyring = self.keyring.clone();
        let beside = |step: EntryId| {
            beside.extend(secret.map(|secret| {
                // Should the disk refuse the step, nobody will ever look for it.
                keyring.add(room, step, secret.clone());
                Write::PutSecret(SecretRecord { room, step, secret })
            }));
            beside
        };
        Ok(self.write_with(now_ms, ConversationId::Control(room), content, beside)?.0)
    }

    pub(crate) fn may_decide(&self, room: RoomId) -> Result<(), RoomRefusal> {
        match self.role_in(room, self.me()) {
            Some(Role::Admin) => Ok(()),
            Some(Role::Member) => Err(RoomRefusal::NotAdmin),
            None => Err(RoomRefusal::NotIn),
        }
    }

    /// Whether others would not believe it of us that we take a right from somebody.
    fn is_above_us(&self, room: RoomId, person: PersonId) -> bool {
        let me = self.me();
        self.log_of(room).is_some_and(|log| log.is_above(person, me))
    }

    pub(crate) fn is_only_admin(&self, room: RoomId) -> bool {
        let me = self.me();
        let members = self.private.get(&room).map(|private| private.log.members());
        !members.into_iter().flatten().any(|(person, seat)| *person != me && seat.role == Role::Admin)
    }

    fn is_contact(&self, person: PersonId) -> bool {
        let is_mutual = |record| acquaintance(record) == Acquaintance::Contact;
        person != self.echo() && self.people.record(person).is_some_and(is_mutual)
    }

    fn new_secret(&mut self) -> EpochSecret {
        EpochSecret::new(self.sync.dice.random())
    }
}
