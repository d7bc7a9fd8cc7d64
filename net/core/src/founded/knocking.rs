//! Knocking: who is outside of a room asks one of its admins to be let in.
//!
//! Both sides keep it on their disks: who knocks until they are in, an admin until the user has answered.
//! Being let in is a step of the control log; being declined is a silence.

use kinmesh_proto::{
    ConversationId, DeviceId, FoundedRecord, KnockRecord, PersonId, Role, RoomId, SyncAsk, SyncRequest,
    SyncResponse, Write, limits,
};

use crate::event::ConversationEvent;
use crate::node::{Core, Pending};
use crate::output::{Output, RequestToken, SyncToken, Token};
use crate::view::KnockView;

/// People who wait for an answer in one room. Beyond it nobody else is heard.
const KNOCKS_MAX: usize = 50;
/// Declined people remembered in one room; beyond it the oldest may be shown again.
const DECLINED_MAX: usize = 256;
/// New ones that are heard in one room within an hour: persons cost nothing to invent.
const KNOCKS_PER_HOUR_MAX: usize = 20;
const HOUR_MS: u64 = 60 * 60 * 1000;
/// Who knocks asks each admin again after this, in milliseconds: an answer may have been lost.
const AGAIN_MS: u64 = 5 * 60 * 1000;

/// Why we do not knock, or nobody is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KnockRefusal {
    /// We are in no founded room of this id.
    #[error("in no such room")]
    NotThere,
    /// We are in already.
    #[error("you are in this room already")]
    IsIn,
    /// Longer than is heard.
    #[error("at most {} bytes can be said", limits::KNOCK_BYTES_MAX)]
    TooLong,
    /// They do not knock.
    #[error("they do not ask to be let in")]
    NoKnock,
}

impl KnockView {
    pub(super) fn of(KnockRecord { person, text, received_ms }: &KnockRecord) -> Self {
        Self { person: *person, text: text.clone(), received_ms: *received_ms }
    }
}

impl Core {
    /// Asks the admins of a room to let us in, until one does.
    pub fn knock(&mut self, now_ms: u64, room: RoomId, text: &str) -> Result<Token, KnockRefusal> {
        let text = text.trim().to_owned();
        let log = self.log_of(room).filter(|_| self.is_founded(room)).ok_or(KnockRefusal::NotThere)?;
        if text.len() > limits::KNOCK_BYTES_MAX {
            return Err(KnockRefusal::TooLong);
        }
        if log.settings().is_some() && log.moderation().lets_in(self.me()) {
            return Err(KnockRefusal::IsIn);
        }
        let token = self.change_founded(room, |founded| founded.knocking = Some(text));
        self.knocked.retain(|(at, _), _| *at != room);
        self.knock_at_admins(now_ms);
        token.ok_or(KnockRefusal::NotThere)
    }

    /// No longer asks to be let in.
    pub fn stop_knocking(&mut self, room: RoomId) -> Result<Token, KnockRefusal> {
        let token = self.change_founded(room, |founded| founded.knocking = None);
        token.ok_or(KnockRefusal::NotThere)
    }

    /// Declines somebody who knocks. They are not told.
    pub fn decline_knock(&mut self, room: RoomId, person: PersonId) -> Result<Token, KnockRefusal> {
        let record = self.founded_record(room).ok_or(KnockRefusal::NotThere)?;
        if !record.knocks.iter().any(|knock| knock.person == person) {
            return Err(KnockRefusal::NoKnock);
        }
        let token = self.change_founded(room, |founded| {
            founded.knocks.retain(|knock| knock.person != person);
            founded.declined.push(person);
            let surplus = founded.declined.len().saturating_sub(DECLINED_MAX);
            founded.declined.drain(..surplus);
        });
        token.ok_or(KnockRefusal::NotThere)
    }

    /// Somebody was let in, or put out: there is nothing left to answer.
    pub(super) fn forget_knock(&mut self, room: RoomId, person: PersonId) {
        let knocks = |record: &FoundedRecord| {
            record.knocks.iter().any(|knock| knock.person == person) || record.declined.contains(&person)
        };
        if self.founded_record(room).is_some_and(knocks) {
            self.change_founded(room, |founded| {
                founded.knocks.retain(|knock| knock.person != person);
                founded.declined.retain(|declined| *declined != person);
            });
        }
    }

    /// The log lets us in: we need not ask any more. Nor are those asked about who were let in by others.
    pub(super) fn stop_knocking_when_in(&mut self, room: RoomId) {
        let (Some(log), Some(record)) = (self.log_of(room), self.founded_record(room)) else { return };
        let moderation = log.moderation().clone();
        let is_known = log.settings().is_some();
        let is_answered = is_known && record.knocking.is_some() && moderation.lets_in(self.me());
        let are_answered = record.knocks.iter().any(|knock| moderation.lets_in(knock.person));
        if is_answered || are_answered {
            self.change_founded(room, |founded| {
                founded.knocking = founded.knocking.take().filter(|_| !is_answered);
                founded.knocks.retain(|knock| !moderation.lets_in(knock.person));
            });
        }
    }

    /// Each second: asks the admins who are connected and were not asked lately.
    pub(crate) fn knock_at_admins(&mut self, now_ms: u64) {
        self.knocked.retain(|_, at_ms| now_ms.saturating_sub(*at_ms) < AGAIN_MS);
        let rooms = self.conversations.values().filter_map(|known| {
            let text = known.record.founded.as_ref()?.knocking.clone()?;
            known.record.open.then_some((known.id().room()?, text))
        });
        for (room, text) in rooms.collect::<Vec<_>>() {
            for device in self.admins_there(room) {
                if self.knocked.insert((room, device), now_ms).is_none() {
                    self.ask_to_be_let_in(room, device, text.clone());
                }
            }
        }
    }

    fn admins_there(&self, room: RoomId) -> Vec<DeviceId> {
        let Some(log) = self.log_of(room) else { return Vec::new() };
        let admins = log.members().iter().filter(|(_, seat)| seat.role == Role::Admin);
        let there = |device: &DeviceId| self.takes_part(*device, ConversationId::Control(room));
        admins.filter_map(|(person, _)| self.people.linked_device(*person)).filter(there).collect()
    }

    fn ask_to_be_let_in(&mut self, room: RoomId, device: DeviceId, text: String) {
        let token = SyncToken(self.sync.next_step());
        self.knock_asks.insert(token, (room, device));
        let conversation = ConversationId::Control(room).tag(self.me());
        let request = SyncRequest { conversation, ask: SyncAsk::Knock(text) };
        self.push(Output::Sync { device, token, request });
    }

    /// An admin's device answered, or not: then it is asked again.
    pub(crate) fn knock_answered(&mut self, token: SyncToken, response: Option<&SyncResponse>) {
        let Some(asked) = self.knock_asks.remove(&token) else { return };
        if response != Some(&SyncResponse::Knocked) {
            self.knocked.remove(&asked);
        }
    }

    /// Somebody knocks. The answer is the same whatever the user thinks of them.
    pub(crate) fn hear_knock(
        &mut self,
        now_ms: u64,
        device: DeviceId,
        id: ConversationId,
        text: String,
        request: RequestToken,
    ) {
        let (Some(person), ConversationId::Control(room)) = (self.people.person_of(device), id) else {
            return self.push(Output::RespondSync { request, response: SyncResponse::NotHere });
        };
        if self.may_decide(room).is_err() || !self.is_founded(room) {
            return self.push(Output::RespondSync { request, response: SyncResponse::NotHere });
        }
        if self.knocks_arriving.contains(&(room, person)) {
            self.push(Output::RespondSync { request, response: SyncResponse::Busy });
        } else if self.is_to_be_shown(now_ms, room, person) {
            self.note_knock(room, KnockRecord { person, text, received_ms: now_ms }, request);
        } else {
            self.push(Output::RespondSync { request, response: SyncResponse::Knocked });
        }
    }

    /// Whether the user is asked about who knocks.
    fn is_to_be_shown(&self, now_ms: u64, room: RoomId, person: PersonId) -> bool {
        let is_outside = self.log_of(room).is_some_and(|log| {
            let moderation = log.moderation();
            !moderation.lets_in(person) && !moderation.is_put_out(person)
        });
        let Some(record) = self.founded_record(room).filter(|_| is_outside) else { return false };
        let lately = |at_ms: &&u64| now_ms.saturating_sub(**at_ms) < HOUR_MS;
        let heard = self.knocks_heard.get(&room).into_iter().flatten();
        record.knocks.len() < KNOCKS_MAX
            && heard.filter(lately).count() < KNOCKS_PER_HOUR_MAX
            && !self.is_blocked(person)
            && !record.declined.contains(&person)
            && !record.knocks.iter().any(|knock| knock.person == person)
    }

    /// Nobody is shown, or answered, before it is on the disk. It is in the record at once, so that it counts
    /// and what is written meanwhile holds it, too.
    fn note_knock(&mut self, room: RoomId, knock: KnockRecord, request: RequestToken) {
        let (person, received_ms) = (knock.person, knock.received_ms);
        let Some(known) = self.conversations.get_mut(&ConversationId::Room(room)) else { return };
        known.record.founded.get_or_insert_default().knocks.push(knock);
        let write = Write::PutConversation(known.record.clone());
        let heard = self.knocks_heard.entry(room).or_default();
        heard.push_back(received_ms);
        heard.drain(..heard.len().saturating_sub(KNOCKS_PER_HOUR_MAX));
        self.knocks_arriving.insert((room, person));
        self.persist(vec![write], Pending::Knocked { room, person, request });
    }

    pub(crate) fn knock_persisted(&mut self, room: RoomId, person: PersonId, request: RequestToken) {
        self.knocks_arriving.remove(&(room, person));
        let is_waiting = |record: &FoundedRecord| record.knocks.iter().any(|knock| knock.person == person);
        if self.founded_record(room).is_some_and(is_waiting) {
            self.tell(ConversationId::Room(room), ConversationEvent::Knocked { person });
        }
        self.push(Output::RespondSync { request, response: SyncResponse::Knocked });
    }

    /// The disk has not taken a knock: it did not come, and they ask again.
    pub(crate) fn knock_not_persisted(&mut self, room: RoomId, person: PersonId, request: RequestToken) {
        self.knocks_arriving.remove(&(room, person));
        if let Some(known) = self.conversations.get_mut(&ConversationId::Room(room)) {
            let founded = known.record.founded.iter_mut();
            founded.for_each(|founded| founded.knocks.retain(|knock| knock.person != person));
        }
        self.push(Output::RespondSync { request, response: SyncResponse::Busy });
    }

    fn founded_record(&self, room: RoomId) -> Option<&FoundedRecord> {
        self.conversations.get(&ConversationId::Room(room))?.record.founded.as_ref()
    }

    fn change_founded(&mut self, room: RoomId, change: impl FnOnce(&mut FoundedRecord)) -> Option<Token> {
        let id = ConversationId::Room(room);
        let known = self.conversations.get_mut(&id)?;
        change(known.record.founded.as_mut()?);
        let write = Write::PutConversation(known.record.clone());
        self.tell(id, ConversationEvent::RoomChanged);
        Some(self.persist(vec![write], Pending::Note))
    }
}
