//! Voice channels of rooms: a call in which whoever is in the room may be.
//!
//! Who is in one says so in the room's gossip, like presence: signed, good for a while, and passed on no
//! more often than it means anything. On the topic of a private room only its members hear it. Those in
//! it stand with each other like the parties of a group call.

use std::collections::BTreeMap;

use kinmesh_proto::{
    CallId, CallResponse, ConversationId, DeviceId, PersonId, RoomFrame, RoomId, Unverified, Voice, limits,
};

use super::party::Stage;
use super::{Call, CallEnd, CallRefusal, Calls, Kind};
use crate::event::ConversationEvent;
use crate::node::Core;
use crate::output::{Output, Verdict};

/// Of somebody who says more often that they are there, or gone, the rest is not heard, in milliseconds.
const HEARD_EVERY_MS: u64 = 200;
/// Newcomers make everybody in a channel speak at once; nobody speaks twice in this time, in milliseconds.
const SAID_EVERY_MS: u64 = 1_000;
/// People heard of in one channel at a time: more than fit into it, by those who leave and come. Anybody can
/// invent people, so whoever is connected comes in place of somebody who is not: these are as many more as
/// there may be connections.
const HEARD_CAP: usize = 64;

/// The last word of somebody about a channel.
#[derive(Debug, Clone, Copy)]
struct Heard {
    heard_ms: u64,
    /// When they said it, by their own clock.
    sent_ms: u64,
    here: bool,
}

impl Heard {
    fn is_here(&self, now_ms: u64) -> bool {
        self.here && now_ms.saturating_sub(self.heard_ms) < limits::VOICE_TTL_MS
    }

    /// Whether the word is so old that it could not be repeated as news.
    fn is_over(&self, now_ms: u64) -> bool {
        now_ms.saturating_sub(self.heard_ms) > 2 * limits::VOICE_AGE_MAX_MS
    }
}

/// A room's voice channel, as far as others told of it.
#[derive(Debug, Default)]
pub(super) struct Channel {
    heard: BTreeMap<PersonId, Heard>,
    /// Who was shown as in it.
    shown: Vec<PersonId>,
    /// When we said last that we are in it.
    said_ms: u64,
    /// When to say it next, while we are.
    due_ms: u64,
}

impl Channel {
    fn people(&self, now_ms: u64) -> Vec<PersonId> {
        self.heard.iter().filter(|(_, heard)| heard.is_here(now_ms)).map(|(person, _)| *person).collect()
    }

    /// Whether this person may be heard now. Asked before anything is verified.
    fn may_hear(&self, now_ms: u64, person: PersonId, is_connected: bool) -> bool {
        match self.heard.get(&person) {
            Some(heard) => now_ms.saturating_sub(heard.heard_ms) >= HEARD_EVERY_MS,
            None if is_connected => true,
            None => self.heard.len() < HEARD_CAP || self.heard.values().any(|heard| heard.is_over(now_ms)),
        }
    }

    /// Notes their word; false when a later one was heard.
    fn hear(
        &mut self,
        now_ms: u64,
        person: PersonId,
        (sent_ms, here): (u64, bool),
        is_connected: impl Fn(PersonId) -> bool,
    ) -> bool {
        self.heard.retain(|_, heard| !heard.is_over(now_ms));
        let before = self.heard.get(&person);
        if before.is_some_and(|before| before.sent_ms >= sent_ms) {
            return false;
        }
        if before.is_none() && self.heard.len() >= HEARD_CAP {
            let apart = self.heard.iter().filter(|(person, _)| !is_connected(**person));
            let oldest = apart.min_by_key(|(_, heard)| heard.heard_ms).map(|(person, _)| *person);
            oldest.and_then(|person| self.heard.remove(&person));
        }
        self.heard.insert(person, Heard { heard_ms: now_ms, sent_ms, here });
        true
    }
}

impl Calls {
    /// Whether we are in the voice channel of a room. Somebody may have rung with its id.
    fn is_in_channel(&self, room: RoomId) -> bool {
        self.known.get(&room.voice_channel()).is_some_and(|call| call.kind == Kind::Room(room))
    }
}

impl Core {
    /// Enters the voice channel of a room we are in. It is left with [`Core::hang_up`].
    pub fn enter_voice(&mut self, now_ms: u64, room: RoomId) -> Result<CallId, CallRefusal> {
        if !self.is_voice_open(room) {
            return Err(CallRefusal::NotJoined);
        }
        let id = room.voice_channel();
        if self.calls.is_in_channel(room) {
            return Ok(id);
        }
        if self.calls.active().is_some() {
            return Err(CallRefusal::InACall);
        }
        let people = self.people_in_channel(now_ms, room);
        if self.connected_of(&people) >= limits::CALL_PARTY_MAX {
            return Err(CallRefusal::VoiceFull);
        }
        // Somebody rang with the id of this channel before we knew the room.
        self.end_call(now_ms, id, CallEnd::Cancelled);
        self.calls.known.insert(id, Call::new(id, Kind::Room(room), now_ms));
        self.say_voice(now_ms, room, true);
        for person in people {
            self.add_party(now_ms, id, person, Stage::Named);
        }
        self.join_named(id);
        self.call_changed(id);
        self.channel_changed(room);
        Ok(id)
    }

    /// Whether this is the id of a room's voice channel: with such a one nobody rings.
    pub(super) fn is_of_a_room(&self, wire: CallId) -> bool {
        self.all_rooms().any(|room| room.voice_channel() == wire)
    }

    /// Whether we can take part in what is said in a room.
    fn is_voice_open(&self, room: RoomId) -> bool {
        let known = self.conversations.get(&ConversationId::Room(room));
        known.is_some_and(|known| known.record.open) && self.topic(room).is_some()
    }

    /// Everybody else in the voice channel of a room, as far as we know.
    fn people_in_channel(&self, now_ms: u64, room: RoomId) -> Vec<PersonId> {
        let people = self.calls.channels.get(&room).map(|channel| channel.people(now_ms)).unwrap_or_default();
        let is_let_in = |person: &PersonId| !self.is_blocked(*person) && self.may_be_member(room, *person);
        people.into_iter().filter(is_let_in).collect()
    }

    /// With how many of these people a connection stands. The others may be invented.
    fn connected_of(&self, people: &[PersonId]) -> usize {
        people.iter().filter(|person| self.people.linked_device(**person).is_some()).count()
    }

    pub(super) fn is_heard_of_in_channel(&self, room: RoomId, person: PersonId) -> bool {
        self.calls.channels.get(&room).is_some_and(|channel| channel.shown.contains(&person))
    }

    /// Who is in the voice channel of a room, ourselves included.
    pub(crate) fn voice_view(&self, room: RoomId) -> Vec<PersonId> {
        let shown = self.calls.channels.get(&room).map(|channel| channel.shown.clone()).unwrap_or_default();
        let me = self.calls.is_in_channel(room).then(|| self.me());
        shown.into_iter().filter(|person| !self.is_blocked(*person)).chain(me).collect()
    }

    /// Says in a room that we are in its voice channel, or not any more.
    pub(super) fn say_voice(&mut self, now_ms: u64, room: RoomId, here: bool) {
        let channel = self.calls.channels.entry(room).or_default();
        // Strictly later than the last one, also when two are said in one millisecond.
        channel.said_ms = now_ms.max(channel.said_ms + 1);
        channel.due_ms = now_ms + limits::VOICE_EVERY_MS;
        let word = Voice { room, sent_ms: channel.said_ms, here };
        let frame = RoomFrame::Voice(Unverified::sign(word, &self.keys).envelope().clone());
        self.push(Output::PublishVoice { room, frame });
        if !here {
            self.channel_changed(room);
        }
    }

    /// Somebody comes into a room: they hear soon that we are in its voice channel.
    pub(crate) fn say_voice_soon(&mut self, now_ms: u64, room: RoomId) {
        if let Some(channel) = self.calls.channels.get_mut(&room) {
            channel.due_ms = channel.due_ms.min(now_ms.max(channel.said_ms + SAID_EVERY_MS));
        }
    }

    /// A member says whether they are in the voice channel.
    pub(crate) fn hear_voice(&mut self, now_ms: u64, room: RoomId, voice: Unverified<Voice>) -> Verdict {
        let claimed = voice.parts().1.person;
        let is_connected = self.people.linked_device(claimed).is_some();
        let channel = self.calls.channels.get(&room);
        if channel.is_some_and(|channel| !channel.may_hear(now_ms, claimed, is_connected)) {
            return Verdict::Ignore;
        }
        let Ok(voice) = voice.verify(&mut self.certs) else { return Verdict::Reject };
        let Voice { room: said_in, sent_ms, here } = *voice.value();
        if said_in != room {
            return Verdict::Reject;
        }
        let person = voice.person();
        let is_timely = sent_ms.abs_diff(now_ms) <= limits::VOICE_AGE_MAX_MS;
        if !is_timely || person == self.me() || !self.may_be_member(room, person) {
            return Verdict::Ignore;
        }
        let is_connected = |person| self.people.linked_device(person).is_some();
        let channel = self.calls.channels.entry(room).or_default();
        if !channel.hear(now_ms, person, (sent_ms, here), is_connected) {
            return Verdict::Ignore;
        }
        self.look_at_channel(now_ms, room);
        Verdict::Accept
    }

    /// Follows what was heard of a channel, or what was not heard again.
    fn look_at_channel(&mut self, now_ms: u64, room: RoomId) {
        let people = self.people_in_channel(now_ms, room);
        let Some(channel) = self.calls.channels.get_mut(&room) else { return };
        if channel.shown == people {
            return;
        }
        let before = std::mem::replace(&mut channel.shown, people.clone());
        self.channel_changed(room);
        if self.calls.is_in_channel(room) {
            self.follow_channel(now_ms, room, before, &people);
        }
    }

    /// Stands with whoever came into the channel in which we are, and not any more with who left.
    fn follow_channel(&mut self, now_ms: u64, room: RoomId, before: Vec<PersonId>, people: &[PersonId]) {
        let id = room.voice_channel();
        let came = people.iter().filter(|person| !before.contains(person));
        for person in came.copied().collect::<Vec<_>>() {
            if self.calls.known.get(&id).is_some_and(Call::has_place) {
                self.add_party(now_ms, id, person, Stage::Named);
                self.say_join(id, person);
            }
        }
        for person in before.into_iter().filter(|person| !people.contains(person)) {
            self.left_channel(now_ms, room, person);
        }
        self.call_changed(id);
    }

    /// Who says that they left has left; of whom only nothing was heard may still stand with us.
    fn left_channel(&mut self, now_ms: u64, room: RoomId, person: PersonId) {
        let id = room.voice_channel();
        let has_said_so = self
            .calls
            .channels
            .get(&room)
            .and_then(|channel| channel.heard.get(&person))
            .is_some_and(|heard| !heard.here);
        let is_named = self.calls.party(id, person).is_some_and(|party| party.stage == Stage::Named);
        if has_said_so || is_named {
            self.part(now_ms, id, person, CallEnd::HungUp, false);
        }
    }

    /// Somebody is not in the channel any more, whatever was heard of them before.
    pub(super) fn forget_in_channel(&mut self, room: RoomId, person: PersonId) {
        let channel = self.calls.channels.get_mut(&room);
        if let Some(heard) = channel.and_then(|channel| channel.heard.get_mut(&person)) {
            heard.here = false;
        }
    }

    fn channel_changed(&mut self, room: RoomId) {
        self.tell(ConversationId::Room(room), ConversationEvent::VoiceChanged);
    }

    /// Somebody who was not heard of in the channel wants to stand with us: their word of it may come
    /// later than they do.
    pub(super) fn hear_newcomer(
        &mut self,
        now_ms: u64,
        device: DeviceId,
        person: PersonId,
        id: CallId,
        line: u32,
    ) -> CallResponse {
        let Some((call, room)) = self.calls.known.get(&id).and_then(|call| match call.kind {
            Kind::Room(room) => Some((call, room)),
            Kind::Out(_) | Kind::In(_) => None,
        }) else {
            return CallResponse::NoSuchCall;
        };
        if !self.is_fellow_member(room, person) {
            return CallResponse::NoSuchCall;
        }
        if !call.has_place() {
            return CallResponse::Full;
        }
        self.add_party(now_ms, id, person, Stage::Named);
        self.hear_join(now_ms, device, person, id, line)
    }

    /// Somebody in the channel says that no more fit in. They say so for themselves, and are asked again:
    /// only who hears the same of as many as fit in, and stands with nobody, has come too late.
    pub(super) fn join_refused(&mut self, now_ms: u64, id: CallId) {
        let Some(call) = self.calls.known.get(&id).filter(|call| !call.is_standing()) else { return };
        let Kind::Room(room) = call.kind else { return };
        if self.connected_of(&self.people_in_channel(now_ms, room)) >= limits::CALL_PARTY_MAX {
            self.end_call(now_ms, id, CallEnd::Full);
        }
    }

    /// Whether this is a channel in which as many stand with us as fit, and this person is none of them.
    pub(super) fn has_no_place_for(&self, id: CallId, person: PersonId) -> bool {
        let call = self.calls.known.get(&id).filter(|call| matches!(call.kind, Kind::Room(_)));
        let stands = |call: &Call| call.parties.get(&person).is_some_and(|party| party.stage.is_in());
        call.is_some_and(|call| !call.has_place() && !stands(call))
    }

    fn is_fellow_member(&self, room: RoomId, person: PersonId) -> bool {
        let known = self.conversations.get(&ConversationId::Room(room));
        known.is_some_and(|known| known.members.contains_key(&person))
            && self.may_be_member(room, person)
            && !self.is_blocked(person)
    }

    pub(super) fn tend_channels(&mut self, now_ms: u64) {
        for room in self.calls.channels.keys().copied().collect::<Vec<_>>() {
            self.look_at_channel(now_ms, room);
            let id = room.voice_channel();
            if !self.calls.is_in_channel(room) {
                self.forget_channel(now_ms, room);
            } else if !self.is_voice_open(room) {
                self.end_call(now_ms, id, CallEnd::HungUp);
            } else {
                self.tend_channel(now_ms, room, id);
            }
        }
    }

    fn tend_channel(&mut self, now_ms: u64, room: RoomId, id: CallId) {
        for person in self.calls.people_in(id) {
            if !self.may_be_member(room, person) {
                self.part(now_ms, id, person, CallEnd::HungUp, true);
            }
        }
        // Who was lost and is heard of again is joined again.
        for person in self.people_in_channel(now_ms, room) {
            if self.calls.known.get(&id).is_some_and(Call::has_place) {
                self.add_party(now_ms, id, person, Stage::Named);
            }
        }
        if self.calls.channels.get(&room).is_some_and(|channel| channel.due_ms <= now_ms) {
            self.say_voice(now_ms, room, true);
        }
    }

    /// Of a channel in which nobody is nothing is kept.
    fn forget_channel(&mut self, now_ms: u64, room: RoomId) {
        let is_over = |channel: &Channel| channel.heard.values().all(|heard| heard.is_over(now_ms));
        // A word of ours that is still under way must not be said again with the same time.
        let is_quiet =
            |channel: &Channel| now_ms.saturating_sub(channel.said_ms) > 2 * limits::VOICE_AGE_MAX_MS;
        if self.calls.channels.get(&room).is_some_and(|channel| is_over(channel) && is_quiet(channel)) {
            self.calls.channels.remove(&room);
        }
    }
}
