//! Rooms that have a control log: what is done about what it says. Most of it is about private rooms; what
//! only public ones have is in [`crate::founded`], and what both hide in [`crate::moderation`].
//!
//! Who is in and which secrets count is decided in [`crate::control`] from the log alone. Here the log
//! is fed with the steps that reach our disk, and the rest of the peer follows it: members, names,
//! where the room is met, which secrets are asked for and who is given them ([`secrets`]). What
//! the user decides is in [`deciding`], and what is done when nobody is left who could in
//! [`carrying_on`]. It must never let anybody in, or be let in, past the log.

mod admission;
mod carrying_on;
mod deciding;
mod secrets;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::slice;
use std::sync::Arc;

use kinmesh_proto::{
    Content, Control, ConversationId, ConversationRecord, ConversationTag, DeviceId, Entry, EntryBody,
    EntryId, EntryKey, PersonId, Role, RoomId, RoomKey, RoomPicture, RoomSettings, Write, limits,
};
use rand::RngExt;

pub use deciding::{NewRoom, RoomRefusal};

use crate::control::{ControlLog, Moderation, Step};
use crate::event::ConversationEvent;
use crate::node::{Core, Pending};
use crate::output::Output;
use crate::view::{PrivateView, RoomAccess, SeatView};

/// The history of a room waits this long for the secrets to read it with, in milliseconds. Then it is
/// carried unread.
const PATIENCE_MS: u64 = 10_000;
/// Somebody left: who brings the new secret waits up to this long, in milliseconds, so that not all do.
const ROTATE_WITHIN_MS: u64 = 10_000;
/// Without any secret to write with, it is waited this long for the one that is missing, in milliseconds.
/// Whoever brought it may keep it to themselves; then another one takes its place.
const ROTATE_WITHOUT_MS: Range<u64> = 15_000..60_000;

/// Whether somebody has a seat in a private room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Seated {
    /// They are in.
    Now,
    /// They left, or were put out.
    Once,
    /// They never had one, as far as is known.
    Never,
}

/// One room with a control log.
#[derive(Debug)]
pub(crate) struct PrivateRoom {
    log: ControlLog,
    /// Whether it is a founded public room: nothing in it is sealed, and whoever comes is in.
    is_founded: bool,
    /// What was said last of what is shown.
    shown: Arc<Moderation>,
    /// Steps of others on their way to our disk.
    arriving: BTreeMap<EntryId, Step>,
    /// Who let us in; asked for the log until that says so too.
    host: Option<PersonId>,
    /// The steps whose secrets make the key that is written with; none while one of them is missing.
    epochs: Vec<EntryId>,
    /// When to ask for secrets that are not here.
    ask_at_ms: u64,
    /// How often they were asked for in vain since the log or the company changed.
    asked_in_vain: u32,
    /// Of whom they were, so that one is asked after the other.
    asked: BTreeSet<DeviceId>,
    /// Until then the history waits for them: it is not shown as unreadable for a moment.
    patient_until_ms: Option<u64>,
    /// When to bring a new secret, if nobody else has by then.
    rotate_at_ms: Option<u64>,
}

impl PrivateRoom {
    pub(crate) fn new(room: RoomId, host: Option<PersonId>) -> Self {
        Self {
            log: ControlLog::new(room),
            is_founded: false,
            shown: Arc::default(),
            arriving: BTreeMap::new(),
            host,
            epochs: Vec::new(),
            ask_at_ms: 0,
            asked_in_vain: 0,
            asked: BTreeSet::new(),
            patient_until_ms: None,
            rotate_at_ms: None,
        }
    }

    /// A public room that somebody founded.
    pub(crate) fn founded(room: RoomId) -> Self {
        Self { is_founded: true, ..Self::new(room, None) }
    }

    pub(crate) fn log(&self) -> &ControlLog {
        &self.log
    }

    /// Whether to trust somebody with the log: they are in, or let us in and our own log is still short.
    fn is_partner(&self, me: PersonId, person: PersonId) -> bool {
        self.log.is_member(person) || (self.host == Some(person) && !self.log.is_member(me))
    }

    /// Secrets that are not here may be had by now.
    fn ask_anew(&mut self, now_ms: u64) {
        (self.ask_at_ms, self.asked_in_vain) = (now_ms, 0);
        self.asked.clear();
    }
}

impl Core {
    pub(crate) fn restore_private(&mut self) {
        let mut founded = Vec::new();
        for conversation in self.conversations.values() {
            let ConversationId::Room(room) = conversation.id() else { continue };
            if let Some(private) = conversation.record.private {
                self.private.insert(room, PrivateRoom::new(room, private.host));
            } else if conversation.record.founded.is_some() {
                founded.push(room);
            }
        }
        // We may have ended before anybody brought us the log.
        founded.into_iter().for_each(|room| self.open_log(room));
    }

    /// Rooms whose control log is to be restored with [`Core::restore_log`].
    pub fn rooms_with_log(&self) -> Vec<RoomId> {
        self.private.keys().copied().collect()
    }

    /// Takes up the stored control log of a room: all entries of it. Before its conversations are.
    pub fn restore_log(&mut self, now_ms: u64, room: RoomId, entries: Vec<Entry>) {
        let steps: Vec<Step> = entries.iter().filter_map(step_of).collect();
        if let Some(private) = self.private.get_mut(&room) {
            private.log.extend(steps);
            self.conclude(now_ms, room);
        }
    }

    /// Where a room is met in gossip; `None` while a secret of a private one is not here.
    pub fn topic(&self, room: RoomId) -> Option<String> {
        match self.private.get(&room) {
            None => Some(room.topic()),
            Some(private) if private.is_founded => Some(room.topic()),
            Some(private) => self.keyring.key(room, &private.epochs).map(|key| key.topic()),
        }
    }

    /// What all that is gossiped on the topic of a private room is sealed with; `None` for a public one.
    pub fn gossip_key(&self, room: RoomId) -> Option<RoomKey> {
        let private = self.private.get(&room).filter(|private| !private.is_founded)?;
        self.keyring.key(room, &private.epochs)
    }

    /// Where members of our rooms look for one another today. Around midnight there are two such places
    /// for a private room, since clocks differ.
    pub fn room_namespaces(&self, now_ms: u64) -> Vec<String> {
        const DAY_MS: u64 = 24 * 60 * 60 * 1000;
        const HOUR_MS: u64 = 60 * 60 * 1000;
        let days = [now_ms.saturating_sub(HOUR_MS) / DAY_MS, (now_ms + HOUR_MS) / DAY_MS];
        let days = BTreeSet::from(days);
        let mut namespaces = Vec::new();
        for room in self.open_rooms() {
            match self.private.get(&room) {
                None => namespaces.push(room.namespace()),
                Some(private) if private.is_founded => namespaces.push(room.namespace()),
                Some(private) => {
                    let key = self.keyring.key(room, &private.epochs);
                    namespaces.extend(key.iter().flat_map(|key| days.iter().map(|day| key.namespace(*day))));
                }
            }
        }
        namespaces
    }

    fn private_room(&self, id: ConversationId) -> Option<&PrivateRoom> {
        self.private.get(&id.room()?)
    }

    /// Whether it is the conversation of a room whose log is still to come: nothing of it can be seen before.
    pub(crate) fn lacks_log(&self, id: ConversationId) -> bool {
        self.private_room(id).is_some_and(|private| private.log.is_empty())
    }

    pub(crate) fn is_private(&self, room: RoomId) -> bool {
        self.private.get(&room).is_some_and(|private| !private.is_founded)
    }

    pub(crate) fn is_founded(&self, room: RoomId) -> bool {
        self.private.get(&room).is_some_and(|private| private.is_founded)
    }

    pub(crate) fn has_log(&self, room: RoomId) -> bool {
        self.private.contains_key(&room)
    }

    /// Whether we take part in a room, or are about to. In others nothing is done, whatever their logs say.
    fn is_open(&self, room: RoomId) -> bool {
        self.conversations.get(&ConversationId::Room(room)).is_some_and(|known| known.record.open)
    }

    pub(crate) fn log_of(&self, room: RoomId) -> Option<&ControlLog> {
        self.private.get(&room).map(PrivateRoom::log)
    }

    /// Whether somebody can be a member: of most public rooms anybody.
    pub(crate) fn may_be_member(&self, room: RoomId, person: PersonId) -> bool {
        self.private.get(&room).is_none_or(|private| match private.is_founded {
            true => private.log.moderation().lets_in(person),
            false => private.log.is_member(person),
        })
    }

    /// An entry as a member reads it, if it is sealed and the secrets are here.
    pub(crate) fn unsealed(&self, id: ConversationId, entry: Entry) -> Entry {
        match id {
            ConversationId::Room(room) if self.is_private(room) => entry.opened(room, &self.keyring),
            _ => entry,
        }
    }

    /// Whether what an entry holds may stand in this conversation: in a private room nothing unsealed, in
    /// a control log nothing but steps. Ask before it is opened.
    pub(crate) fn may_stand_in(&self, id: ConversationId, entry: &Entry) -> bool {
        match (id, entry.content()) {
            (ConversationId::Control(_), content) => matches!(content, Content::Control(_)),
            (ConversationId::Room(room), content) if self.is_private(room) => {
                matches!(content, Content::Sealed { .. } | Content::Erased { .. } | Content::Unknown)
            }
            _ => true,
        }
    }

    /// The room with a control log, or that log, that has this tag.
    pub(crate) fn logged_conversation(&self, tag: ConversationTag) -> Option<ConversationId> {
        let both = |room: &RoomId| [ConversationId::Room(*room), ConversationId::Control(*room)];
        self.private.keys().flat_map(both).find(|id| self.belongs(*id, tag))
    }

    /// Whether a device may ask about a room with a control log, or about that log.
    pub(crate) fn may_ask_about(&self, device: DeviceId, id: ConversationId) -> bool {
        let Some(room) = id.room() else { return false };
        if self.is_founded(room) {
            return self.takes_part(device, id);
        }
        let (person, private) = (self.people.person_of(device), self.private.get(&room));
        person.zip(private).is_some_and(|(person, private)| private.is_partner(self.me(), person))
    }

    /// Connected devices with which a room with a control log, or that log, can be compared.
    pub(crate) fn private_partners(&self, now_ms: u64, id: ConversationId) -> Vec<DeviceId> {
        let Some(private) = self.private_room(id) else { return Vec::new() };
        if private.is_founded {
            return self
                .subscriptions
                .keys()
                .copied()
                .filter(|device| self.takes_part(*device, id))
                .collect();
        }
        let me = self.me();
        if self.is_too_early(now_ms, id) {
            return Vec::new();
        }
        let members = private.log.members().keys().chain(&private.host);
        let members: BTreeSet<PersonId> =
            members.copied().filter(|person| *person != me && private.is_partner(me, *person)).collect();
        let devices = members.into_iter().filter_map(|person| self.people.linked_device(person));
        devices.collect::<BTreeSet<DeviceId>>().into_iter().collect()
    }

    /// Whether this is the history of a private room that waits: for the log that says that we are in, or
    /// for the secrets to read it with.
    pub(crate) fn is_too_early(&self, now_ms: u64, id: ConversationId) -> bool {
        let (ConversationId::Room(_), Some(private)) = (id, self.private_room(id)) else { return false };
        if private.is_founded {
            return false;
        }
        let is_patient = private.patient_until_ms.is_some_and(|until_ms| now_ms < until_ms);
        is_patient || !private.log.is_member(self.me())
    }

    /// Somebody said hello: what we share with them is compared.
    pub(crate) fn met_in_private_rooms(&mut self, now_ms: u64, person: PersonId, device: DeviceId) {
        let me = self.me();
        let there = self.subscriptions.get(&device).cloned().unwrap_or_default();
        let shared = self.private.iter_mut().filter(|(room, private)| match private.is_founded {
            true => there.contains(room),
            false => private.is_partner(me, person),
        });
        let rooms: Vec<RoomId> = shared
            .map(|(room, private)| {
                private.ask_anew(now_ms);
                *room
            })
            .collect();
        for room in rooms {
            self.met(now_ms, ConversationId::Control(room), device);
            self.met(now_ms, ConversationId::Room(room), device);
        }
    }

    /// Steps of others are on their way to our disk.
    pub(crate) fn steps_arrive(&mut self, id: ConversationId, entries: &[Entry]) {
        if let ConversationId::Control(room) = id
            && let Some(private) = self.private.get_mut(&room)
        {
            private.arriving.extend(entries.iter().filter_map(step_of).map(|step| (step.key.id, step)));
        }
    }

    /// They are on it, or it has not taken them.
    pub(crate) fn steps_arrived(&mut self, id: ConversationId, entries: &[Entry]) {
        if let ConversationId::Control(room) = id
            && let Some(private) = self.private.get_mut(&room)
        {
            private.arriving.retain(|step, _| !entries.iter().any(|entry| entry.id() == *step));
        }
    }

    /// Steps are on our disk.
    pub(crate) fn steps_stored(&mut self, now_ms: u64, room: RoomId, entries: &[Entry]) {
        self.steps_arrived(ConversationId::Control(room), entries);
        let Some(private) = self.private.get_mut(&room) else { return };
        if private.log.extend(entries.iter().filter_map(step_of)) {
            self.conclude(now_ms, room);
        }
    }

    /// A step of ours is on our disk.
    pub(crate) fn own_step_stored(&mut self, now_ms: u64, room: RoomId, entry: &Entry) {
        self.steps_stored(now_ms, room, slice::from_ref(entry));
        let Some(step) = step_of(entry) else { return };
        if self.is_founded(room) && matches!(step.control, Control::Create { .. }) {
            self.founded_room_stands(room);
        }
        self.send_invitations(now_ms, room, &step.control);
        self.compare_log_with_all(now_ms, room);
    }

    /// We decided something: whoever is here learns it at once, whatever key they are listening with.
    fn compare_log_with_all(&mut self, now_ms: u64, room: RoomId) {
        let id = ConversationId::Control(room);
        for device in self.private_partners(now_ms, id) {
            self.met(now_ms, id, device);
        }
    }

    /// We are about to be in a private room: the one who let us in has its log.
    pub(crate) fn entered(&mut self, now_ms: u64, room: RoomId, host: PersonId) {
        let id = ConversationId::Room(room);
        self.tell(id, ConversationEvent::Opened);
        self.conclude(now_ms, room);
        if let Some(device) = self.people.linked_device(host) {
            self.met(now_ms, ConversationId::Control(room), device);
            self.met(now_ms, id, device);
        }
    }

    /// What the next step follows: the newest ones, of which a step names so many at most. Decisions before
    /// new secrets, which any member can bring in numbers.
    pub(crate) fn newest_steps(&self, room: RoomId) -> Vec<EntryKey> {
        let Some(private) = self.private.get(&room) else { return Vec::new() };
        let mut heads = private.log.heads();
        heads.sort_unstable_by_key(|step| (!matches!(step.control, Control::Rotate { .. }), step.key));
        let newest = heads.split_off(heads.len().saturating_sub(limits::PREV_MAX));
        let keys: BTreeSet<EntryKey> = newest.into_iter().map(|step| step.key).collect();
        keys.into_iter().collect()
    }

    /// A body sealed with the newest secrets; `None` while they are not here.
    pub(crate) fn sealed(&self, room: RoomId, body: EntryBody) -> Option<EntryBody> {
        let private = self.private.get(&room)?;
        body.sealed(&self.keys, room, &private.epochs, &self.keyring)
    }

    /// Members of the private rooms we are in, or about to be.
    pub(crate) fn private_members(&self) -> impl Iterator<Item = PersonId> {
        let rooms = self.private.iter();
        let rooms = rooms.filter(move |(room, private)| !private.is_founded && self.is_open(**room));
        let rooms = rooms.map(|(_, private)| private);
        rooms.flat_map(|private| private.log.members().keys().copied().chain(private.host))
    }

    /// Follows the log.
    fn conclude(&mut self, now_ms: u64, room: RoomId) {
        self.follow_settings(room);
        if self.is_founded(room) {
            self.follow_who_is_let_in(now_ms, room);
            self.follow_our_place(room);
        } else {
            self.follow_members(now_ms, room);
            self.follow_our_seat(room);
            self.follow_key(now_ms, room);
            self.follow_rotation(now_ms, room);
        }
        self.follow_moderation(room);
        for changed in [Some(room), self.carries_on(room)].into_iter().flatten() {
            self.tell(ConversationId::Room(changed), ConversationEvent::RoomChanged);
        }
    }

    fn follow_members(&mut self, now_ms: u64, room: RoomId) {
        let id = ConversationId::Room(room);
        let me = self.me();
        let (Some(private), Some(known)) = (self.private.get(&room), self.conversations.get(&id)) else {
            return;
        };
        let seats: BTreeSet<PersonId> =
            private.log.members().keys().copied().filter(|person| *person != me).collect();
        let come: Vec<PersonId> =
            seats.iter().copied().filter(|person| !known.members.contains_key(person)).collect();
        let gone: Vec<PersonId> =
            known.members.keys().copied().filter(|person| !seats.contains(person)).collect();
        gone.into_iter().for_each(|person| self.remove_member(room, person));
        for person in come {
            self.add_member(now_ms, room, person);
            if let Some(device) = self.people.linked_device(person) {
                self.met(now_ms, ConversationId::Control(room), device);
                self.met(now_ms, id, device);
            }
        }
    }

    /// What is shown follows from the log.
    fn follow_moderation(&mut self, room: RoomId) {
        let Some(private) = self.private.get_mut(&room) else { return };
        let moderation = Arc::clone(private.log.moderation());
        let before = std::mem::replace(&mut private.shown, Arc::clone(&moderation));
        if !moderation.shows_like(&before) {
            self.shows_anew(ConversationId::Room(room));
        }
    }

    /// The room is called as the log says, and the record keeps it for a start without a log.
    fn follow_settings(&mut self, room: RoomId) {
        let id = ConversationId::Room(room);
        let settings = self.private.get(&room).and_then(|private| private.log.settings());
        let Some(RoomSettings { name, .. }) = settings else { return };
        let Some(known) = self.conversations.get_mut(&id) else { return };
        if known.record.name.as_ref() != Some(name) {
            known.record.name = Some(name.clone());
            let write = Write::PutConversation(known.record.clone());
            self.persist(vec![write], Pending::Note);
        }
    }

    /// Who was put out, or left, is no longer in. While we wait to be let in, again or for the first time,
    /// the log says nothing new.
    fn follow_our_seat(&mut self, room: RoomId) {
        let me = self.me();
        let Some(is_in) = self.private.get(&room).map(|private| private.log.is_member(me)) else { return };
        let is_put_out =
            self.note_our_place(room, is_in, |record| Some(&mut record.private.as_mut()?.was_in));
        if is_put_out {
            self.left(room);
        }
    }

    /// Notes whether we are in a room that has a log, where its record says so. Who was put out is no
    /// longer a member; whether that is what happened.
    pub(crate) fn note_our_place(
        &mut self,
        room: RoomId,
        is_in: bool,
        place: fn(&mut ConversationRecord) -> Option<&mut bool>,
    ) -> bool {
        let Some(known) = self.conversations.get_mut(&ConversationId::Room(room)) else { return false };
        let Some(noted) = place(&mut known.record) else { return false };
        let was_in = std::mem::replace(noted, is_in);
        if was_in == is_in {
            return false;
        }
        let is_put_out = was_in && known.record.open;
        known.record.open &= !is_put_out;
        let write = Write::PutConversation(known.record.clone());
        self.persist(vec![write], Pending::Note);
        is_put_out
    }

    /// Where the room is met, and what is written with, follow from the newest secrets that are here.
    fn follow_key(&mut self, now_ms: u64, room: RoomId) {
        let is_open = self.is_open(room);
        let lacks_some = !self.missing_secrets(room).is_empty();
        let Some(private) = self.private.get_mut(&room) else { return };
        private.ask_anew(now_ms);
        private.patient_until_ms =
            lacks_some.then(|| private.patient_until_ms.unwrap_or(now_ms + PATIENCE_MS));
        let is_held = |step| self.keyring.holds(room, step);
        let epochs =
            if is_open { private.log.sending_epochs(is_held).unwrap_or_default() } else { Vec::new() };
        let before = std::mem::replace(&mut private.epochs, epochs.clone());
        if before == epochs {
            return;
        }
        if !before.is_empty() {
            // Who listens where we were is told to nobody any more.
            for rooms in self.subscriptions.values_mut() {
                rooms.remove(&room);
            }
            self.push(Output::Unsubscribe(room));
        }
        if !epochs.is_empty() {
            self.push(Output::Subscribe(room));
        }
    }

    /// Somebody who is not in knows the secrets, or the one that is needed does not come: one of those who are
    /// in brings a new one.
    fn follow_rotation(&mut self, now_ms: u64, room: RoomId) {
        let me = self.me();
        let wait_ms = self.sync.dice.random_range(0..ROTATE_WITHIN_MS);
        let wait_without_ms = self.sync.dice.random_range(ROTATE_WITHOUT_MS);
        let is_open = self.is_open(room);
        let Some(private) = self.private.get_mut(&room) else { return };
        let wants_rotation = private.log.wants_rotation();
        // Patience helps only where there is a secret to wait for.
        let wait_ms = if wants_rotation { wait_ms } else { wait_without_ms };
        let wants = private.epochs.is_empty() || wants_rotation;
        let is_due = is_open && private.log.is_member(me) && wants;
        private.rotate_at_ms = is_due.then(|| private.rotate_at_ms.unwrap_or(now_ms + wait_ms));
    }

    /// Each second: secrets that are wanted, and rotations that are due.
    pub(crate) fn tick_private(&mut self, now_ms: u64) {
        let is_met = |room: &RoomId| self.is_private(*room) && self.is_open(*room);
        let rooms: Vec<RoomId> = self.private.keys().copied().filter(is_met).collect();
        for room in rooms {
            self.ask_for_secrets(now_ms, room);
            self.rotate_if_due(now_ms, room);
        }
    }

    fn rotate_if_due(&mut self, now_ms: u64, room: RoomId) {
        let has_company = !self.private_partners(now_ms, ConversationId::Control(room)).is_empty();
        let wait_ms = self.sync.dice.random_range(ROTATE_WITHOUT_MS);
        let Some(private) = self.private.get_mut(&room) else { return };
        if private.rotate_at_ms.is_none_or(|due_ms| due_ms > now_ms) {
            return;
        }
        // What the disk refuses is due again then.
        private.rotate_at_ms = Some(now_ms + wait_ms);
        // Alone we cannot know that a secret is kept from us, only that there is none.
        if has_company || !private.epochs.is_empty() || private.log.wants_rotation() {
            self.rotate(now_ms, room);
        }
    }

    /// What faces show of a private room beside what they show of every room.
    pub(crate) fn private_view(&self, room: RoomId) -> Option<PrivateView> {
        let private = self.private.get(&room).filter(|private| !private.is_founded)?;
        let me = self.me();
        let settings = private.log.settings();
        let seats = private.log.members().iter();
        let known = self.conversations.get(&ConversationId::Room(room))?;
        let access = match private.log.is_member(me) {
            _ if !known.record.open => RoomAccess::Out,
            true if private.epochs.is_empty() => RoomAccess::AwaitsKey,
            true => RoomAccess::Open,
            false => RoomAccess::AwaitsLog,
        };
        Some(PrivateView {
            access,
            role: private.log.members().get(&me).map(|seat| seat.role),
            topic: settings.map(|settings| settings.topic.clone()).unwrap_or_default(),
            past: settings.map(|settings| settings.past).unwrap_or_default(),
            seats: seats.map(|(person, seat)| SeatView { person: *person, role: seat.role }).collect(),
            carries_on: self.carries_on(room),
            carried_on_in: self.carried_on_in(room),
        })
    }

    /// The picture of a room, as far as its log is here.
    pub(crate) fn picture_of(&self, room: RoomId) -> Option<RoomPicture> {
        self.private.get(&room)?.log.picture().cloned()
    }

    /// Whether the secret of a step will never be given to us: it is from before our time, and the room
    /// keeps that from newcomers.
    pub(crate) fn is_kept_from_us(&self, room: RoomId, step: EntryId) -> bool {
        let (me, private) = (self.me(), self.private.get(&room));
        private.is_some_and(|private| private.log.keeps_from(me, step)) && !self.keyring.holds(room, step)
    }

    /// Whether somebody is in a private room, or was.
    pub(crate) fn seat_in(&self, room: RoomId, person: PersonId) -> Seated {
        match self.private.get(&room).map(|private| &private.log) {
            Some(log) if log.is_member(person) => Seated::Now,
            Some(log) if log.ever_seated().contains(&person) => Seated::Once,
            _ => Seated::Never,
        }
    }

    /// The role that somebody has in a room with a control log.
    pub(crate) fn role_in(&self, room: RoomId, person: PersonId) -> Option<Role> {
        Some(self.private.get(&room)?.log.members().get(&person)?.role)
    }
}

fn step_of(entry: &Entry) -> Option<Step> {
    let Content::Control(control) = entry.content() else { return None };
    Some(Step {
        key: entry.key(),
        author: entry.person(),
        after: entry.value().prev.clone(),
        control: (**control).clone(),
    })
}
