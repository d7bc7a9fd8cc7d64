//! Presence: our own word about ourselves, and the words of others.

use kinmesh_proto::record::{OwnProfile, Write};
use kinmesh_proto::{
    ConversationId, DeviceId, Hello, Presence, PresenceState, RoomFrame, RoomId, Unverified, Verified,
    VerifyError,
};

use crate::node::{Core, Pending};
use crate::output::Output;
use crate::people::{Heard, PRESENCE_TTL_MS, is_timely};
use crate::view::Route;

/// How often presence is said in each room. The promise to the user is a list refreshed every 15 s.
pub const BEACON_MS: u64 = 10_000;
/// Newcomers make everybody speak at once; nobody speaks twice in this time.
const BEACON_MIN_MS: u64 = 1_000;

/// Why a hello is refused.
#[derive(Debug, thiserror::Error)]
pub enum HelloError {
    /// Signature, certificate or form do not hold.
    #[error(transparent)]
    Unproven(#[from] VerifyError),
    /// It is the word of another device, or for another place or time.
    #[error("the hello is somebody else's, or of another place or time")]
    Misplaced,
    /// The user blocked this person.
    #[error("they are blocked")]
    Blocked,
}

impl Core {
    /// What to say on a new connection; `None` until the person has a name.
    pub fn hello(&mut self, now_ms: u64) -> Option<Hello> {
        let presence = self.own_presence(now_ms, None, PresenceState::Here)?;
        Some(Hello::first(presence.envelope().clone()))
    }

    /// A connected device said who it is. Returns since when it says to be up: another time is
    /// another start of its program.
    pub fn hello_received(&mut self, now_ms: u64, device: DeviceId, hello: Hello) -> Result<u64, HelloError> {
        let presence = hello.presence.verify(&mut self.certs)?;
        let is_misplaced = presence.device() != device || presence.value().room.is_some();
        let person = presence.person();
        let is_ours = person == self.me() || self.poses_as_echo(person, device);
        if is_misplaced || is_ours || !is_timely(presence.value(), now_ms) {
            return Err(HelloError::Misplaced);
        }
        if self.is_blocked(person) {
            self.keep_out_device(person, device);
            return Err(HelloError::Blocked);
        }
        self.hear_presence(now_ms, &presence);
        for room in self.subscriptions.get(&device).cloned().unwrap_or_default() {
            if self.may_be_member(room, person) {
                self.add_member(now_ms, room, person);
            }
        }
        self.met_in_private_rooms(now_ms, person, device);
        self.try_chat_at_once(person);
        self.try_tickets_at_once(now_ms, person);
        self.met(now_ms, ConversationId::Direct(person), device);
        self.met_in_calls(now_ms, person);
        Ok(presence.value().since_ms)
    }

    /// Devices of members of our rooms of whom nothing was heard there lately: they are away, or in a
    /// part of the room that does not hear ours. Whom fellow members bring us is not among them, so in
    /// a room that is whole nobody is.
    pub fn unheard_members(&self, now_ms: u64) -> Vec<DeviceId> {
        let open = self.conversations.values().filter(|known| known.record.open);
        let is_unheard = |heard_ms: u64| now_ms.saturating_sub(heard_ms) >= PRESENCE_TTL_MS;
        let unheard = open.flat_map(|room| room.members.iter().filter(|(_, ms)| is_unheard(**ms)));
        self.devices_let_in(unheard.map(|(person, _)| *person).collect())
    }

    /// A direct connection to a device stands.
    pub fn linked(&mut self, device: DeviceId, route: Route) {
        self.met_by_ticket(device);
        if let Some(person) = self.people.linked(device, route) {
            self.person_changed(person);
        }
    }

    /// The last direct connection to a device is gone.
    pub fn unlinked(&mut self, device: DeviceId) {
        self.subscriptions.remove(&device);
        self.parted(device, None);
        if let Some(person) = self.people.unlinked(device) {
            self.person_changed(person);
        }
    }

    /// A device answered a ping.
    pub fn alive(&mut self, now_ms: u64, device: DeviceId) {
        if let Some(person) = self.people.alive(device, now_ms) {
            self.person_changed(person);
        }
    }

    /// Says goodbye everywhere: the program ends.
    pub fn go_away(&mut self, now_ms: u64) {
        self.end_calls(now_ms);
        self.persist_later();
        let rooms: Vec<RoomId> = self.open_rooms().collect();
        for room in rooms {
            self.publish_presence(now_ms, room, PresenceState::Away);
        }
        self.hello_all(now_ms, PresenceState::Away);
    }

    pub(crate) fn profile_persisted(&mut self, now_ms: u64, profile: OwnProfile) {
        self.profile = Some(profile);
        self.people_views = None;
        self.push(Output::Emit(crate::Event::ProfileChanged));
        self.hello_all(now_ms, PresenceState::Here);
        let rooms: Vec<RoomId> = self.open_rooms().collect();
        for room in rooms {
            self.publish_presence(now_ms, room, PresenceState::Here);
        }
    }

    fn hello_all(&mut self, now_ms: u64, state: PresenceState) {
        if let Some(presence) = self.own_presence(now_ms, None, state) {
            self.push(Output::HelloAll(Hello::first(presence.envelope().clone())));
        }
    }

    /// Takes a device's word; false when it is no news.
    pub(crate) fn hear_presence(&mut self, now_ms: u64, presence: &Verified<Presence>) -> bool {
        if !is_timely(presence.value(), now_ms) {
            return false;
        }
        let person = presence.person();
        if self.is_blocked(person) && !self.people.devices_of(person).contains(&presence.device()) {
            self.keep_out_device(person, presence.device());
        }
        let heard = self.people.heard(presence, now_ms);
        self.later.extend(self.people.take_forgotten().into_iter().map(Write::RemovePerson));
        if matches!(heard, Heard::Changed) {
            if let Some(record) = self.people.record(person) {
                let write = Write::PutPerson(record.clone());
                self.persist(vec![write], Pending::Note);
            }
            self.person_changed(person);
        }
        !matches!(heard, Heard::Stale)
    }

    pub(crate) fn send_due_beacons(&mut self, now_ms: u64) {
        let is_due = |room: &RoomId| {
            self.conversations
                .get(&ConversationId::Room(*room))
                .is_some_and(|known| known.beacon_at_ms <= now_ms)
        };
        let due: Vec<RoomId> = self.open_rooms().filter(is_due).collect();
        for room in due {
            self.publish_presence(now_ms, room, PresenceState::Here);
        }
    }

    pub(crate) fn publish_presence(&mut self, now_ms: u64, room: RoomId, state: PresenceState) {
        let Some(presence) = self.own_presence(now_ms, Some(room), state) else { return };
        if let Some(known) = self.conversations.get_mut(&ConversationId::Room(room)) {
            known.beacon_at_ms = now_ms + BEACON_MS;
            known.beacon_not_before_ms = now_ms + BEACON_MIN_MS;
        }
        self.push(Output::PublishPresence { room, frame: RoomFrame::Presence(presence.envelope().clone()) });
    }

    fn own_presence(
        &mut self,
        now_ms: u64,
        room: Option<RoomId>,
        state: PresenceState,
    ) -> Option<Verified<Presence>> {
        let profile = self.profile.clone()?;
        // Strictly later than the last one, also when two are said in one millisecond.
        self.presence_sent_ms = now_ms.max(self.presence_sent_ms + 1);
        let presence = Presence {
            room,
            name: profile.name,
            status: profile.status,
            since_ms: self.started_ms,
            sent_ms: self.presence_sent_ms,
            state,
        };
        Some(Unverified::sign(presence, &self.keys))
    }

    /// The person behind a connected device, once it said hello.
    pub fn person_of(&self, device: DeviceId) -> Option<kinmesh_proto::PersonId> {
        self.people.person_of(device)
    }
}
