//! Calls: who rings whom, who is in one, and when it is over.
//!
//! Owns what devices say to each other about calls and what follows from it: a ring that is answered
//! or not ([`hearing`], [`answers`]), the mesh in which everybody in a call stands with everybody else
//! ([`group`]), the voice channel of a room ([`voice`]), and what time and broken connections do to all
//! of that ([`tending`]). It never sees a sound: it says between which devices a line stands
//! ([`Output::OpenLine`]), and is told when something is heard over it.
//!
//! Nothing of a call rests on a disk but the note that who rang leaves in the chat ([`ending`]).

mod answers;
mod ending;
mod gate;
mod group;
mod hearing;
mod party;
mod tending;
mod view;
mod voice;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use kinmesh_proto::{CallId, CallRequest, ConversationId, DeviceId, PersonId, RoomId, limits};
use rand::RngExt;

use crate::contacts::ContactRefusal;
use crate::event::Event;
use crate::node::Core;
use crate::output::{CallToken, Output};
use crate::view::Acquaintance;
pub use answers::CallFault;
pub use ending::CallEnd;
use gate::{Gate, Words};
use party::{Party, Stage};
pub use view::{CallDirection, CallState, CallView, PartyState, PartyView};
use voice::Channel;

/// Rings that wait for the user at a time.
pub const RINGS_MAX: usize = 4;
/// A ring that nobody answers ends after this, in milliseconds.
pub const RING_MS: u64 = 45_000;
/// Who has accepted and is not heard within this is not reached, in milliseconds.
pub const CONNECT_MS: u64 = 8_000;
/// Who was cut off and does not come back within this is lost, in milliseconds.
pub const RECONNECT_MS: u64 = 20_000;

/// Rings remembered as over, so that one that comes late means nothing. A few seconds' worth would do.
const OVER_CAP: usize = 64;
/// A ring that comes later than this behind its end is another one, in milliseconds.
const OVERTAKEN_MS: u64 = 5_000;

/// Why nothing comes of what the user wants of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CallRefusal {
    /// Nobody of this id was ever met.
    #[error("not known here")]
    UnknownPerson,
    /// Only contacts ring each other.
    #[error("only contacts can be called")]
    NotAContact,
    /// The user blocked them.
    #[error("they are blocked")]
    Blocked,
    /// There is a call already.
    #[error("you are in a call already")]
    InACall,
    /// It is over, or never was.
    #[error("there is no such call")]
    NoSuchCall,
    /// It does not ring here.
    #[error("this call does not ring")]
    NotRinging,
    /// Nobody has answered yet, or it is not a call of two.
    #[error("this can be done only once somebody has answered")]
    NotStanding,
    /// There is no connection with them.
    #[error("they are not connected")]
    Offline,
    /// As many people are in it as fit.
    #[error("no more than {} people fit into a call", limits::CALL_PARTY_MAX)]
    Full,
    /// As many people are in the room's voice channel as fit.
    #[error("no more than {} people fit into a voice channel", limits::CALL_PARTY_MAX)]
    VoiceFull,
    /// We are not in that room, or cannot take part.
    #[error("you are not in this room")]
    NotJoined,
    /// People come into a room's voice channel by themselves.
    #[error("nobody is brought into a room's voice channel: who is in the room can enter it")]
    OfARoom,
    /// The text is longer than a word on declining may be.
    #[error("the text has {size} bytes, at most {} fit", limits::DECLINE_TEXT_MAX)]
    TooLong {
        /// Bytes of the text.
        size: usize,
    },
}

impl From<ContactRefusal> for CallRefusal {
    fn from(refusal: ContactRefusal) -> Self {
        match refusal {
            ContactRefusal::UnknownPerson => Self::UnknownPerson,
            ContactRefusal::Blocked => Self::Blocked,
            ContactRefusal::Echo | ContactRefusal::NoRequest => Self::NotAContact,
        }
    }
}

/// How a call began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// We rang this person.
    Out(PersonId),
    /// This person rang us.
    In(PersonId),
    /// It is the voice channel of this room.
    Room(RoomId),
}

/// One call, as this device sees it.
#[derive(Debug)]
struct Call {
    /// How it is called between the devices: not as here ([`Calls::known`]) if two rings crossed.
    wire: CallId,
    kind: Kind,
    began_ms: u64,
    /// When a voice was heard first.
    connected_ms: Option<u64>,
    /// Everybody else who is in it or should be.
    parties: BTreeMap<PersonId, Party>,
    muted: bool,
    held: bool,
    /// Whether it rings, and the user does not want to hear of it.
    is_ignored: bool,
    /// Who is to take our place.
    transfer: Option<PersonId>,
}

impl Call {
    fn new(wire: CallId, kind: Kind, now_ms: u64) -> Self {
        Self {
            wire,
            kind,
            began_ms: now_ms,
            connected_ms: None,
            parties: BTreeMap::new(),
            muted: false,
            held: false,
            is_ignored: false,
            transfer: None,
        }
    }

    fn conversation(&self) -> ConversationId {
        match self.kind {
            Kind::Out(person) | Kind::In(person) => ConversationId::Direct(person),
            Kind::Room(room) => ConversationId::Room(room),
        }
    }

    /// Who rings us with it.
    fn ringing(&self) -> impl Iterator<Item = PersonId> {
        let ringing = self.parties.iter().filter(|(_, party)| party.stage == Stage::Incoming);
        ringing.map(|(person, _)| *person)
    }

    /// Whether it rings here, and nobody has answered.
    fn is_incoming(&self) -> bool {
        self.ringing().next().is_some()
    }

    /// Whether anybody is in it with us.
    fn is_standing(&self) -> bool {
        self.parties.values().any(|party| party.stage.is_in())
    }

    /// Whether another person fits into a room's channel. There names take nobody's place: anybody can
    /// say that somebody is in it, and it is full of those who are.
    fn has_place(&self) -> bool {
        self.parties.values().filter(|party| party.stage.is_in()).count() + 1 < limits::CALL_PARTY_MAX
    }

    /// Whether another person fits into a call that somebody rang for.
    fn has_room(&self) -> bool {
        self.parties.len() + 1 < limits::CALL_PARTY_MAX
    }
}

/// Something that was said about a call, until it is answered.
#[derive(Debug, Clone)]
struct Asked {
    call: CallId,
    person: PersonId,
    device: DeviceId,
    request: CallRequest,
    tries: u8,
}

/// All calls of one peer.
#[derive(Debug, Default)]
pub(crate) struct Calls {
    /// By what they are called here.
    known: BTreeMap<CallId, Call>,
    asks: BTreeMap<CallToken, Asked>,
    last_token: u64,
    /// Rings that are over: their call and the line that came with them. Who rings once more for the same
    /// call does so with another line.
    over: VecDeque<(CallId, u32)>,
    /// Ends that came before their rings: of which call, by whom, and when.
    overtaking: VecDeque<(CallId, PersonId, u64)>,
    gate: Gate,
    words: Words,
    channels: BTreeMap<RoomId, Channel>,
}

impl Calls {
    /// The call that is going on, if one is; what only rings here is not it.
    fn active(&self) -> Option<CallId> {
        self.known.iter().find(|(_, call)| !call.is_incoming()).map(|(id, _)| *id)
    }

    /// The call that is called so between the devices.
    fn by_wire(&self, wire: CallId) -> Option<CallId> {
        self.known.iter().find(|(_, call)| call.wire == wire).map(|(id, _)| *id)
    }

    /// The call with which this person rings us.
    fn rung_by(&self, person: PersonId) -> Option<CallId> {
        let rings =
            |call: &Call| call.parties.get(&person).is_some_and(|party| party.stage == Stage::Incoming);
        self.known.iter().find(|(_, call)| rings(call)).map(|(id, _)| *id)
    }

    fn party(&self, id: CallId, person: PersonId) -> Option<&Party> {
        self.known.get(&id)?.parties.get(&person)
    }

    fn party_mut(&mut self, id: CallId, person: PersonId) -> Option<&mut Party> {
        self.known.get_mut(&id)?.parties.get_mut(&person)
    }

    /// Everybody in a call, or about to be.
    fn people_in(&self, id: CallId) -> Vec<PersonId> {
        self.known.get(&id).map(|call| call.parties.keys().copied().collect()).unwrap_or_default()
    }

    /// Whether this ring has ended, or its end came before it.
    fn is_over(&self, now_ms: u64, wire: CallId, line: u32, person: PersonId) -> bool {
        let is_its_end = |(call, by, at_ms): &(CallId, PersonId, u64)| {
            (*call, *by) == (wire, person) && now_ms.saturating_sub(*at_ms) < OVERTAKEN_MS
        };
        self.over.contains(&(wire, line)) || self.overtaking.iter().any(is_its_end)
    }

    fn note_over(&mut self, wire: CallId, line: u32) {
        if self.over.len() == OVER_CAP {
            self.over.pop_front();
        }
        self.over.push_back((wire, line));
    }

    /// Somebody rings no longer who was not heard to ring.
    fn note_overtaking(&mut self, now_ms: u64, wire: CallId, person: PersonId) {
        if self.overtaking.len() == OVER_CAP {
            self.overtaking.pop_front();
        }
        self.overtaking.push_back((wire, person, now_ms));
    }

    /// Whether the same kind of word to this person is not answered yet.
    fn is_asking(&self, id: CallId, person: PersonId, request: &CallRequest) -> bool {
        let kind = std::mem::discriminant(request);
        let is_same = |asked: &Asked| {
            asked.call == id && asked.person == person && std::mem::discriminant(&asked.request) == kind
        };
        self.asks.values().any(is_same)
    }
}

impl Core {
    /// Rings a contact. Who is not connected cannot be rung: that call is over at once. If they ring us
    /// by now, that is accepted.
    pub fn ring(&mut self, now_ms: u64, person: PersonId) -> Result<CallId, CallRefusal> {
        self.may_ring(person)?;
        if let Some(id) = self.calls.rung_by(person) {
            return self.accept_call(now_ms, id).map(|()| id);
        }
        if self.calls.active().is_some() {
            return Err(CallRefusal::InACall);
        }
        let id = CallId(self.sync.dice.random());
        self.calls.known.insert(id, Call::new(id, Kind::Out(person), now_ms));
        self.add_party(now_ms, id, person, Stage::Calling);
        if person == self.echo() {
            self.answer_as_call_partner(now_ms, id);
        } else if self.people.linked_device(person).is_none() {
            self.end_call(now_ms, id, CallEnd::Offline);
        } else {
            self.say_ring(id, person);
            self.call_changed(id);
        }
        Ok(id)
    }

    fn may_ring(&self, person: PersonId) -> Result<(), CallRefusal> {
        match self.acquaintance(person)? {
            Acquaintance::Contact => Ok(()),
            Acquaintance::Blocked => Err(CallRefusal::Blocked),
            Acquaintance::Stranger | Acquaintance::Asks | Acquaintance::Asked { .. } => {
                Err(CallRefusal::NotAContact)
            }
        }
    }

    /// Echo accepts at once, and needs no line: it lives in this program.
    fn answer_as_call_partner(&mut self, now_ms: u64, id: CallId) {
        let echo = self.echo();
        if let Some(party) = self.calls.party_mut(id, echo) {
            party.stage_at(now_ms, Stage::Connecting);
        }
        self.media_heard(now_ms, id, echo);
    }

    /// Answers a ring: from now on we are in that call.
    pub fn accept_call(&mut self, now_ms: u64, id: CallId) -> Result<(), CallRefusal> {
        let ringing = self.ringing(id)?;
        if self.calls.active().is_some() {
            return Err(CallRefusal::InACall);
        }
        for person in ringing {
            self.take_up(now_ms, id, person);
        }
        Ok(())
    }

    /// Stands with who rang us, tells them so, and joins whoever else is in the call.
    fn take_up(&mut self, now_ms: u64, id: CallId, person: PersonId) {
        let Some(call) = self.calls.known.get_mut(&id) else { return };
        call.is_ignored = false;
        let Some(party) = call.parties.get_mut(&person) else { return };
        let Some((device, theirs)) = party.device.zip(party.theirs) else { return };
        party.owes_acceptance = true;
        self.connect(now_ms, id, person, device, theirs);
        self.say_acceptance(id, person);
        self.join_named(id);
    }

    /// Turns a ring down, if the user wants so with a few words.
    pub fn decline_call(&mut self, now_ms: u64, id: CallId, text: Option<String>) -> Result<(), CallRefusal> {
        let text = text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        if let Some(size) = text.as_ref().map(String::len).filter(|size| *size > limits::DECLINE_TEXT_MAX) {
            return Err(CallRefusal::TooLong { size });
        }
        let ringing = self.ringing(id)?;
        let Some(call) = self.calls.known.get(&id).map(|call| call.wire) else {
            return Err(CallRefusal::NoSuchCall);
        };
        for person in ringing {
            self.tell_party(id, person, CallRequest::Decline { call, text: text.clone() });
        }
        self.end_call(now_ms, id, CallEnd::Declined { text });
        Ok(())
    }

    /// Lets it ring there, and no longer here. They are told nothing.
    pub fn ignore_call(&mut self, id: CallId) -> Result<(), CallRefusal> {
        self.ringing(id)?;
        if let Some(call) = self.calls.known.get_mut(&id) {
            call.is_ignored = true;
            let conversation = call.conversation();
            self.push(Output::Emit(Event::CallEnded { call: id, conversation, end: CallEnd::Ignored }));
        }
        Ok(())
    }

    /// Leaves a call, gives a ring up, or turns one down.
    pub fn hang_up(&mut self, now_ms: u64, id: CallId) -> Result<(), CallRefusal> {
        let call = self.calls.known.get(&id).ok_or(CallRefusal::NoSuchCall)?;
        if call.is_incoming() {
            return self.decline_call(now_ms, id, None);
        }
        let is_heard = call.is_standing() || matches!(call.kind, Kind::Room(_));
        self.end_call(now_ms, id, if is_heard { CallEnd::HungUp } else { CallEnd::Cancelled });
        Ok(())
    }

    /// Says nothing in a call, or says something again. The others are told.
    pub fn mute_call(&mut self, id: CallId, muted: bool) -> Result<(), CallRefusal> {
        self.take_part(id, |call| call.muted = muted)
    }

    /// Neither says nor hears anything in a call, or comes back to it. The others are told.
    pub fn hold_call(&mut self, id: CallId, held: bool) -> Result<(), CallRefusal> {
        self.take_part(id, |call| call.held = held)
    }

    fn take_part(&mut self, id: CallId, change: impl FnOnce(&mut Call)) -> Result<(), CallRefusal> {
        change(self.calls.known.get_mut(&id).ok_or(CallRefusal::NoSuchCall)?);
        for person in self.calls.people_in(id) {
            self.say_new_state(id, person);
        }
        self.call_changed(id);
        Ok(())
    }

    /// Who rings with this call: of a group, several may at once.
    fn ringing(&self, id: CallId) -> Result<Vec<PersonId>, CallRefusal> {
        let call = self.calls.known.get(&id).ok_or(CallRefusal::NoSuchCall)?;
        let ringing: Vec<PersonId> = call.ringing().collect();
        if ringing.is_empty() { Err(CallRefusal::NotRinging) } else { Ok(ringing) }
    }

    /// Something of this party was heard over their line, or they answered what we sent over ours.
    /// Once a second is enough.
    pub fn media_heard(&mut self, now_ms: u64, id: CallId, person: PersonId) {
        let Some(call) = self.calls.known.get_mut(&id) else { return };
        let Some(party) = call.parties.get_mut(&person) else { return };
        if party.stage == Stage::Connecting {
            party.stage_at(now_ms, Stage::Active);
            party.talked_ms.get_or_insert(now_ms);
            party.heard_ms = now_ms;
            call.connected_ms.get_or_insert(now_ms);
            return self.call_changed(id);
        }
        self.sign_of_life(now_ms, id, person);
    }

    /// The device of a party has given any sign that it still has the call.
    fn sign_of_life(&mut self, now_ms: u64, id: CallId, person: PersonId) {
        let Some(party) = self.calls.party_mut(id, person) else { return };
        party.heard_ms = now_ms;
        if party.stage == Stage::Reconnecting {
            party.stage_at(now_ms, Stage::Active);
            self.call_changed(id);
        }
    }

    /// From now on the two devices stand in the call with each other.
    fn connect(&mut self, now_ms: u64, id: CallId, person: PersonId, device: DeviceId, theirs: u32) {
        let me = self.me();
        let Some(party) = self.calls.party_mut(id, person) else { return };
        let is_open = party.stage.is_in();
        // Whom we rang into a group may have been told of somebody who has left since.
        let told_party =
            if party.is_rung_into_group { BTreeSet::new() } else { BTreeSet::from([me, person]) };
        if is_open && party.device == Some(device) && party.theirs == Some(theirs) {
            return;
        }
        party.connect(now_ms, device, theirs, told_party);
        let ours = party.ours;
        if is_open {
            self.push(Output::CloseLine { call: id, person });
        }
        self.push(Output::OpenLine { call: id, person, device, theirs, ours });
        self.say_new_state(id, person);
        self.say_party(id);
        self.call_changed(id);
    }

    fn add_party(&mut self, now_ms: u64, id: CallId, person: PersonId, stage: Stage) {
        let party = Party::new(now_ms, stage, self.sync.dice.random());
        if let Some(call) = self.calls.known.get_mut(&id) {
            call.parties.entry(person).or_insert(party);
        }
    }

    fn call_changed(&mut self, id: CallId) {
        if self.calls.known.get(&id).is_some_and(|call| !call.is_ignored) {
            self.push(Output::Emit(Event::CallChanged { call: id }));
        }
    }

    /// The connected device of a party; of one who is rung, any of theirs.
    fn device_of(&self, person: PersonId, party: &Party) -> Option<DeviceId> {
        match party.device {
            Some(device) => Some(device).filter(|device| self.people.is_linked(*device)),
            None => self.people.linked_device(person),
        }
    }

    /// Says something to the device of a party, if it is connected, and the same is not under way.
    fn tell_party(&mut self, id: CallId, person: PersonId, request: CallRequest) {
        let device = self.calls.party(id, person).and_then(|party| self.device_of(person, party));
        if let Some(device) = device.filter(|_| !self.calls.is_asking(id, person, &request)) {
            self.tell_device(Asked { call: id, person, device, request, tries: 0 });
        }
    }

    fn tell_device(&mut self, asked: Asked) {
        self.calls.last_token += 1;
        let token = CallToken(self.calls.last_token);
        let (device, request) = (asked.device, asked.request.clone());
        self.calls.asks.insert(token, Asked { tries: asked.tries + 1, ..asked });
        self.push(Output::CallAsk { device, token, request });
    }

    fn say_ring(&mut self, id: CallId, person: PersonId) {
        let Some(call) = self.calls.known.get_mut(&id) else { return };
        let is_known =
            |(other, party): &(&PersonId, &Party)| **other != person && party.stage != Stage::Named;
        let others: Vec<PersonId> = call.parties.iter().filter(is_known).map(|(other, _)| *other).collect();
        let Some(party) = call.parties.get_mut(&person) else { return };
        party.is_rung_into_group |= !others.is_empty();
        let request = CallRequest::Ring { call: call.wire, line: party.ours, party: others };
        self.tell_party(id, person, request);
    }

    fn say_acceptance(&mut self, id: CallId, person: PersonId) {
        let Some(call) = self.calls.known.get(&id) else { return };
        let Some(party) = call.parties.get(&person).filter(|party| party.owes_acceptance) else { return };
        let request = CallRequest::Accept { call: call.wire, line: party.ours };
        self.tell_party(id, person, request);
    }

    /// Tells a party how we take part, unless they know.
    fn say_new_state(&mut self, id: CallId, person: PersonId) {
        let Some(call) = self.calls.known.get(&id) else { return };
        let Some(party) = call.parties.get(&person).filter(|party| party.stage.is_in()) else { return };
        if party.told != (call.muted, call.held) {
            self.say_state(id, person);
        }
    }

    fn say_state(&mut self, id: CallId, person: PersonId) {
        let Some(call) = self.calls.known.get(&id) else { return };
        let request = CallRequest::State { call: call.wire, muted: call.muted, held: call.held };
        self.tell_party(id, person, request);
    }
}
