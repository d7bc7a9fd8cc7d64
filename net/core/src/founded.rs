//! Public rooms that somebody founded: founding and entering them, who may take part, how they are shown.
//!
//! Who decides what is in [`crate::control`], as in private rooms. Here nothing is sealed, whoever has the id
//! may come, and members are those who say so; so it must never be taken for a private room. Who asks to be
//! let in is in [`knocking`].

mod knocking;

use kinmesh_proto::{
    Content, Control, ConversationId, ConversationRecord, DeviceId, Door, Entry, FoundedRecord, Past,
    PersonId, Role, RoomId, RoomName, RoomSettings, Seat, StatusLine, Write, limits,
};
use rand::RngExt;
use serde_bytes::ByteArray;

pub use knocking::KnockRefusal;

use crate::control::Withheld;
use crate::conversation::Conversation;
use crate::event::ConversationEvent;
use crate::moderation::not_ahead;
use crate::node::{Core, Pending};
use crate::output::{Output, Token};
use crate::private::{PrivateRoom, RoomRefusal};
use crate::room::{ROOMS_MAX, TooManyRooms};
use crate::view::{FoundedStanding, FoundedView, KnockView, SeatView};

/// A public room to be founded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPublicRoom {
    /// What it is called.
    pub name: RoomName,
    /// What it is about; may be empty.
    pub topic: StatusLine,
    /// Who may write.
    pub door: Door,
    /// How long who is no admin waits between two posts, in milliseconds; zero: not at all.
    pub slow_ms: u64,
}

impl Core {
    /// Founds a public room, of which we are the first admin.
    pub fn found_room(&mut self, now_ms: u64, new: NewPublicRoom) -> Result<(RoomId, Token), RoomRefusal> {
        if new.slow_ms > limits::SLOW_MAX_MS {
            return Err(RoomRefusal::TooSlow);
        }
        if self.open_rooms().count() >= ROOMS_MAX {
            return Err(TooManyRooms.into());
        }
        let nonce: [u8; 16] = self.sync.dice.random();
        let room = RoomId::founded(self.me(), &nonce);
        let NewPublicRoom { name, topic, door, slow_ms } = new;
        let control = Control::Create {
            nonce: ByteArray::new(nonce),
            settings: RoomSettings { door, slow_ms, ..RoomSettings::new(name.clone(), topic, Past::All) },
            seats: Vec::new(),
            epoch: None,
            parent: None,
        };
        let record = founded_record(room, name);
        self.conversations.insert(record.id, Conversation::new(record.clone()));
        self.open_log(room);
        let token = self.decide_with(now_ms, room, control, None, vec![Write::PutConversation(record)])?;
        Ok((room, token))
    }

    /// The step that founds a room of ours is on the disk.
    pub(crate) fn founded_room_stands(&mut self, room: RoomId) {
        self.push(Output::Subscribe(room));
        self.tell(ConversationId::Room(room), ConversationEvent::Opened);
    }

    /// Enters a founded public room. Its log and its history follow once a member is connected. The token is
    /// `None` when we are in already.
    pub fn enter_founded(&mut self, room: RoomId, name: RoomName) -> Result<Option<Token>, TooManyRooms> {
        let id = ConversationId::Room(room);
        let record = match self.conversations.get(&id) {
            // Whoever told us of it gave another room's id.
            Some(known) if known.record.founded.is_none() => return Ok(None),
            Some(known) if known.record.open => return Ok(None),
            Some(known) => ConversationRecord { open: true, ..known.record.clone() },
            None => founded_record(room, name),
        };
        if self.open_rooms().count() >= ROOMS_MAX {
            return Err(TooManyRooms);
        }
        Ok(Some(self.persist(vec![Write::PutConversation(record.clone())], Pending::Joined(record))))
    }

    /// Opens a room's control log in memory. It is on the disk once something is in it.
    pub(crate) fn open_log(&mut self, room: RoomId) {
        let id = ConversationId::Control(room);
        let new = || Conversation::new(ConversationRecord::new(id, None));
        self.conversations.entry(id).or_insert_with(new);
        self.private.entry(room).or_insert_with(|| PrivateRoom::founded(room));
    }

    /// Lets somebody in whether they knocked or not, or gives them a seat of their own.
    pub(crate) fn give_seat(
        &mut self,
        now_ms: u64,
        room: RoomId,
        person: PersonId,
        role: Role,
    ) -> Result<Token, RoomRefusal> {
        let seat = Seat { person, role };
        let token = self.decide(now_ms, room, Control::Add { seat, epoch: None }, None)?;
        self.forget_knock(room, person);
        Ok(token)
    }

    /// Puts somebody out who need not have a seat.
    pub(crate) fn shut_out(
        &mut self,
        now_ms: u64,
        room: RoomId,
        person: PersonId,
        from_ms: Option<u64>,
    ) -> Result<Token, RoomRefusal> {
        if person == self.me() {
            return Err(RoomRefusal::LastAdmin);
        }
        let from_ms = not_ahead(now_ms, from_ms);
        let token = self.decide(now_ms, room, Control::Remove { person, epoch: None, from_ms }, None)?;
        self.forget_knock(room, person);
        Ok(token)
    }

    /// Whether a connected device takes part in a founded room. Anybody who is there is told its log: so who
    /// is put out learns of it.
    pub(crate) fn takes_part(&self, device: DeviceId, id: ConversationId) -> bool {
        let Some(room) = id.room() else { return false };
        let is_there = self.subscriptions.get(&device).is_some_and(|rooms| rooms.contains(&room));
        let is_let_in = |person| self.may_be_member(room, person);
        is_there
            && match id {
                ConversationId::Control(_) => true,
                _ => self.people.person_of(device).is_some_and(is_let_in),
            }
    }

    /// Whether an entry is by somebody who was not in when they wrote it, or is not now: it is taken from
    /// nobody's gossip. Any date can be written on it; what is truly from before, members have who were there.
    pub(crate) fn is_shut_out(&self, id: ConversationId, entry: &Entry) -> bool {
        let ConversationId::Room(room) = id else { return false };
        let Some(log) = self.log_of(room).filter(|_| self.is_founded(room)) else { return false };
        let (moderation, person) = (log.moderation(), entry.person());
        let was_out = |at| {
            let silence = moderation.silences(person, at);
            matches!(silence, Some(Withheld::PutOut { .. } | Withheld::NotLetIn))
        };
        match entry.content() {
            // What somebody takes back stays so, whatever they are, if anybody can have been shown it.
            Content::Delete { of } => was_out(of.clock),
            _ => !moderation.lets_in(person) || was_out(entry.value().clock),
        }
    }

    /// Follows the log: who is there and may be is a member, and nobody else.
    pub(crate) fn follow_who_is_let_in(&mut self, now_ms: u64, room: RoomId) {
        let id = ConversationId::Room(room);
        let Some(known) = self.conversations.get(&id) else { return };
        let is_gone = |person: &PersonId| !self.may_be_member(room, *person);
        let gone: Vec<PersonId> = known.members.keys().copied().filter(is_gone).collect();
        let is_new = |device: &DeviceId| {
            let person = self.people.person_of(*device);
            self.takes_part(*device, id) && person.is_some_and(|person| !known.members.contains_key(&person))
        };
        let come: Vec<DeviceId> = self.subscriptions.keys().copied().filter(is_new).collect();
        gone.into_iter().for_each(|person| self.remove_member(room, person));
        for device in come {
            if let Some(person) = self.people.person_of(device) {
                self.add_member(now_ms, room, person);
            }
            self.met(now_ms, id, device);
        }
        self.stop_knocking_when_in(room);
    }

    /// Who is put out is no longer in, and may wait outside to be let in again.
    pub(crate) fn follow_our_place(&mut self, room: RoomId) {
        let me = self.me();
        let is_in = self.log_of(room).is_some_and(|log| !log.moderation().is_put_out(me));
        let is_put_out =
            self.note_our_place(room, is_in, |record| Some(&mut record.founded.as_mut()?.was_in));
        if is_put_out {
            self.push(Output::Unsubscribe(room));
            self.left(room);
        }
    }

    /// What faces show of a founded room beside what they show of every room.
    pub(crate) fn founded_view(&self, room: RoomId) -> Option<FoundedView> {
        let log = self.log_of(room).filter(|_| self.is_founded(room))?;
        let record = self.conversations.get(&ConversationId::Room(room))?.record.founded.as_ref()?;
        let settings = log.settings();
        let seats = log.members().iter();
        let may_answer = self.may_decide(room).is_ok();
        let is_shown = |person| {
            may_answer && !self.is_blocked(person) && !self.knocks_arriving.contains(&(room, person))
        };
        let knocks = record.knocks.iter().filter(|knock| is_shown(knock.person));
        Some(FoundedView {
            founder: log.founder(),
            fingerprint: log.founder().map(|founder| founder.fingerprint()),
            name_clashes: false,
            topic: settings.map(|settings| settings.topic.clone()).unwrap_or_default(),
            door: settings.map(|settings| settings.door).unwrap_or_default(),
            standing: self.standing_in(room, record),
            seats: seats.map(|(person, seat)| SeatView { person: *person, role: seat.role }).collect(),
            put_out: log.moderation().put_out().collect(),
            knocks: knocks.map(KnockView::of).collect(),
        })
    }

    fn standing_in(&self, room: RoomId, record: &FoundedRecord) -> FoundedStanding {
        let me = self.me();
        match self.log_of(room) {
            Some(log) if log.settings().is_none() => FoundedStanding::AwaitsLog,
            Some(log) if log.moderation().is_put_out(me) => FoundedStanding::PutOut,
            Some(log) if log.moderation().lets_in(me) => FoundedStanding::In,
            _ if record.knocking.is_some() => FoundedStanding::Knocking,
            _ => FoundedStanding::Outside,
        }
    }
}

fn founded_record(room: RoomId, name: RoomName) -> ConversationRecord {
    let founded = Some(FoundedRecord::default());
    ConversationRecord { founded, ..ConversationRecord::new(ConversationId::Room(room), Some(name)) }
}
