//! Private rooms: what is done about what their control logs say.
//!
//! Who is in and which secrets count is decided in [`crate::control`] from the log alone. Here the log
//! is fed with the steps that reach our disk, and the rest of the peer follows it: members, names,
//! where the room is met, which secrets are asked for and who is given them ([`secrets`]). What
//! the user decides is in [`deciding`]. It must never let anybody in, or be let in, past the log.

mod deciding;
mod secrets;

use std::collections::{BTreeMap, BTreeSet};

use kinmesh_proto::{
    Content, Control, ConversationId, ConversationTag, Delivery, DeviceId, Entry, EntryBody, EntryId,
    EntryKey, PersonId, Role, RoomId, RoomSettings, Write, limits,
};
use rand::RngExt;

pub use deciding::{NewRoom, RoomRefusal};

use crate::control::{ControlLog, Step};
use crate::event::ConversationEvent;
use crate::node::{Core, Pending};
use crate::output::Output;
use crate::view::{PrivateView, RoomAccess, SeatView};

/// Devices remembered that say to be in a room and whom its log does not let in here: who was just added
/// meets members who have not heard of it.
const NEWCOMERS_CAP: usize = 16;
/// For how long the log is compared with them, in milliseconds.
const NEWCOMER_MS: u64 = 60_000;
/// The history of a room waits this long for the secrets to read it with, in milliseconds. Then it is
/// carried unread.
const PATIENCE_MS: u64 = 10_000;
/// Steps kept of one author: more than an admin of a lively club decides in years, and an eighth of
/// what a log is looked at for.
const AUTHOR_STEPS_MAX: usize = 128;
/// Somebody left: who brings the new secret waits up to this long, in milliseconds, so that not all do.
const ROTATE_WITHIN_MS: u64 = 10_000;

/// One private room.
#[derive(Debug)]
pub(crate) struct PrivateRoom {
    log: ControlLog,
    /// Who let us in; asked for the log until that says so too.
    host: Option<PersonId>,
    /// Steps that were taken of whom, on our disk or on their way there.
    taken: BTreeMap<PersonId, usize>,
    /// Whether the log said that we are in, when it was looked at last.
    was_in: bool,
    /// The steps whose secrets make the key that is written with; none while one of them is missing.
    epochs: Vec<EntryId>,
    /// When to ask for secrets that are not here.
    ask_at_ms: u64,
    /// Until then the history waits for them: it is not shown as unreadable for a moment.
    patient_until_ms: Option<u64>,
    /// When to bring a new secret, if nobody else has by then.
    rotate_at_ms: Option<u64>,
    /// Who says to be in, and until when their log is compared with ours.
    newcomers: BTreeMap<DeviceId, u64>,
}

impl PrivateRoom {
    pub(crate) fn new(room: RoomId, host: Option<PersonId>) -> Self {
        Self {
            log: ControlLog::new(room),
            host,
            taken: BTreeMap::new(),
            was_in: false,
            epochs: Vec::new(),
            ask_at_ms: 0,
            patient_until_ms: None,
            rotate_at_ms: None,
            newcomers: BTreeMap::new(),
        }
    }

    /// Whether to trust somebody with the log: they are in, or let us in and our own log is still short.
    fn is_partner(&self, me: PersonId, person: PersonId) -> bool {
        self.log.is_member(person) || (self.host == Some(person) && !self.log.is_member(me))
    }
}

impl Core {
    pub(crate) fn restore_private(&mut self) {
        for conversation in self.conversations.values() {
            if let (ConversationId::Room(room), Some(private)) =
                (conversation.id(), conversation.record.private)
            {
                self.private.insert(room, PrivateRoom::new(room, private.host));
            }
        }
    }

    /// Private rooms whose control log is to be restored with [`Core::restore_log`].
    pub fn private_rooms(&self) -> Vec<RoomId> {
        self.private.keys().copied().collect()
    }

    /// Takes up the stored control log of a private room: all entries of it.
    pub fn restore_log(&mut self, now_ms: u64, room: RoomId, entries: Vec<Entry>) {
        let steps: Vec<Step> = entries.iter().filter_map(step_of).collect();
        if let Some(private) = self.private.get_mut(&room) {
            private.log.extend(steps);
            self.count_steps(room);
            self.conclude(now_ms, room);
        }
    }

    /// Counts whose steps are here: at the start, and when the disk has refused some.
    pub(crate) fn count_steps(&mut self, room: RoomId) {
        if let Some(private) = self.private.get_mut(&room) {
            private.taken = private.log.steps_by_author();
        }
    }

    /// Where a room is met in gossip; `None` while a secret of a private one is not here.
    pub fn topic(&self, room: RoomId) -> Option<String> {
        match self.private.get(&room) {
            None => Some(room.topic()),
            Some(private) => self.keyring.key(room, &private.epochs).map(|key| key.topic()),
        }
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

    pub(crate) fn is_private(&self, room: RoomId) -> bool {
        self.private.contains_key(&room)
    }

    /// Whether somebody can be a member: of a public room anybody.
    pub(crate) fn may_be_member(&self, room: RoomId, person: PersonId) -> bool {
        self.private.get(&room).is_none_or(|private| private.log.is_member(person))
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

    /// Those of these steps, in ascending order of their keys, that are not kept: their authors never had a
    /// seat, as far as the log and the others tell, or wrote more than anybody decides. They could fill a
    /// log that is looked at up to a length. Should they have had one after all, a later comparison brings
    /// them again. The others are counted.
    pub(crate) fn unseated_steps(&mut self, room: RoomId, steps: &[Entry]) -> BTreeSet<EntryId> {
        let Some(private) = self.private.get_mut(&room) else { return BTreeSet::new() };
        let mut seated = private.log.ever_seated();
        let mut unseated = BTreeSet::new();
        for step in steps.iter().filter(|step| !private.log.holds(step.key())) {
            let (author, content) = (step.person(), step.content());
            let Content::Control(control) = content else { continue };
            let founds =
                matches!(&**control, Control::Create { nonce, .. } if RoomId::private(author, nonce) == room);
            let count = private.taken.entry(author).or_default();
            if (!founds && !seated.contains(&author)) || *count >= AUTHOR_STEPS_MAX {
                unseated.insert(step.id());
                continue;
            }
            *count += 1;
            seated.insert(author);
            match &**control {
                Control::Create { seats, .. } => seated.extend(seats.iter().map(|seat| seat.person)),
                Control::Add { seat, .. } => drop(seated.insert(seat.person)),
                _ => {}
            }
        }
        unseated
    }

    /// The private room, or its control log, that has this tag.
    pub(crate) fn private_conversation(&self, tag: ConversationTag) -> Option<ConversationId> {
        let both = |room: &RoomId| [ConversationId::Room(*room), ConversationId::Control(*room)];
        self.private.keys().flat_map(both).find(|id| self.belongs(*id, tag))
    }

    /// Whether a device may ask about a private room. Who is not known to be in might have been added in
    /// a step that is not here: then theirs is looked at, which proves it.
    pub(crate) fn may_ask_about(&mut self, now_ms: u64, device: DeviceId, room: RoomId) -> bool {
        let me = self.me();
        let Some(person) = self.people.person_of(device) else { return false };
        let Some(private) = self.private.get_mut(&room) else { return false };
        if private.is_partner(me, person) {
            return true;
        }
        private.newcomers.retain(|_, until_ms| *until_ms > now_ms);
        if private.newcomers.len() < NEWCOMERS_CAP && !private.newcomers.contains_key(&device) {
            private.newcomers.insert(device, now_ms + NEWCOMER_MS);
            self.met(now_ms, ConversationId::Control(room), device);
        }
        false
    }

    /// Connected devices with which a private room, or its log, can be compared.
    pub(crate) fn private_partners(&self, now_ms: u64, id: ConversationId) -> Vec<DeviceId> {
        let Some(private) = self.private_room(id) else { return Vec::new() };
        let me = self.me();
        if self.is_too_early(now_ms, id) {
            return Vec::new();
        }
        let members = private.log.members().keys().chain(&private.host);
        let members: BTreeSet<PersonId> =
            members.copied().filter(|person| *person != me && private.is_partner(me, *person)).collect();
        let mut devices: BTreeSet<DeviceId> =
            members.into_iter().filter_map(|person| self.people.linked_device(person)).collect();
        if let ConversationId::Control(_) = id {
            let is_linked = |device: &DeviceId| self.people.is_linked(*device);
            let waiting = private.newcomers.iter().filter(|(_, until_ms)| **until_ms > now_ms);
            devices.extend(waiting.map(|(device, _)| *device).filter(is_linked));
        }
        devices.into_iter().collect()
    }

    /// Whether this is the history of a private room that waits: for the log that says that we are in, or
    /// for the secrets to read it with.
    pub(crate) fn is_too_early(&self, now_ms: u64, id: ConversationId) -> bool {
        let (ConversationId::Room(_), Some(private)) = (id, self.private_room(id)) else { return false };
        let is_patient = private.patient_until_ms.is_some_and(|until_ms| now_ms < until_ms);
        is_patient || !private.log.is_member(self.me())
    }

    /// Somebody said hello: what we share with them is compared.
    pub(crate) fn met_in_private_rooms(&mut self, now_ms: u64, person: PersonId, device: DeviceId) {
        let me = self.me();
        let shared = self.private.iter_mut().filter(|(_, private)| private.is_partner(me, person));
        let rooms: Vec<RoomId> = shared
            .map(|(room, private)| {
                private.ask_at_ms = now_ms;
                *room
            })
            .collect();
        for room in rooms {
            self.met(now_ms, ConversationId::Control(room), device);
            self.met(now_ms, ConversationId::Room(room), device);
        }
    }

    /// A step is on our disk.
    pub(crate) fn step_stored(&mut self, now_ms: u64, room: RoomId, entry: &Entry, delivery: Delivery) {
        let Some(private) = self.private.get_mut(&room) else { return };
        let Some(step) = step_of(entry) else { return };
        if !private.log.extend([step.clone()]) {
            return;
        }
        self.conclude(now_ms, room);
        if delivery == Delivery::Queued {
            self.send_invitations(now_ms, room, &step.control);
            self.compare_log_with_all(now_ms, room);
        }
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

    /// What the next step follows: the newest ones, of which a step names so many at most.
    pub(crate) fn newest_steps(&self, room: RoomId) -> Vec<EntryKey> {
        let mut heads = self.private.get(&room).map(|private| private.log.heads()).unwrap_or_default();
        heads.sort_unstable();
        heads.split_off(heads.len().saturating_sub(limits::PREV_MAX))
    }

    /// A body sealed with the newest secrets; `None` while they are not here.
    pub(crate) fn sealed(&self, room: RoomId, body: EntryBody) -> Option<EntryBody> {
        let private = self.private.get(&room)?;
        body.sealed(&self.keys, room, &private.epochs, &self.keyring)
    }

    /// Members of our private rooms.
    pub(crate) fn private_members(&self) -> impl Iterator<Item = PersonId> {
        let rooms = self.private.values();
        rooms.flat_map(|private| private.log.members().keys().copied().chain(private.host))
    }

    /// Follows the log.
    fn conclude(&mut self, now_ms: u64, room: RoomId) {
        self.follow_members(now_ms, room);
        self.follow_settings(room);
        self.follow_our_seat(room);
        self.follow_key(now_ms, room);
        self.follow_leaves(now_ms, room);
        self.tell(ConversationId::Room(room), ConversationEvent::RoomChanged);
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
        let Some(private) = self.private.get_mut(&room) else { return };
        let is_in = private.log.is_member(me);
        if is_in || !std::mem::replace(&mut private.was_in, is_in) {
            private.was_in = is_in;
            return;
        }
        let known = self.conversations.get_mut(&ConversationId::Room(room));
        let Some(known) = known.filter(|known| known.record.open) else { return };
        known.record.open = false;
        let write = Write::PutConversation(known.record.clone());
        self.persist(vec![write], Pending::Note);
        self.left(room);
    }

    /// Where the room is met, and what is written with, follow from the newest secrets that are here.
    fn follow_key(&mut self, now_ms: u64, room: RoomId) {
        let is_open =
            self.conversations.get(&ConversationId::Room(room)).is_some_and(|known| known.record.open);
        let lacks_some = !self.missing_secrets(room).is_empty();
        let Some(private) = self.private.get_mut(&room) else { return };
        private.ask_at_ms = now_ms;
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

    /// Somebody left and knows the secrets: one of those who stay brings a new one.
    fn follow_leaves(&mut self, now_ms: u64, room: RoomId) {
        let me = self.me();
        let wait_ms = self.sync.dice.random_range(0..ROTATE_WITHIN_MS);
        let Some(private) = self.private.get_mut(&room) else { return };
        let wants = private.log.is_member(me) && private.log.wants_rotation();
        private.rotate_at_ms = wants.then(|| private.rotate_at_ms.unwrap_or(now_ms + wait_ms));
    }

    /// Each second: secrets that are wanted, and rotations that are due.
    pub(crate) fn tick_private(&mut self, now_ms: u64) {
        let rooms: Vec<RoomId> = self.private.keys().copied().collect();
        for room in rooms {
            self.ask_for_secrets(now_ms, room);
            let due = self.private.get(&room).and_then(|private| private.rotate_at_ms);
            if due.is_some_and(|due_ms| due_ms <= now_ms) {
                self.rotate(now_ms, room);
            }
        }
    }

    /// What faces show of a private room beside what they show of every room.
    pub(crate) fn private_view(&self, room: RoomId) -> Option<PrivateView> {
        let private = self.private.get(&room)?;
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
        })
    }

    /// The role that somebody has in a private room.
    fn role_in(&self, room: RoomId, person: PersonId) -> Option<Role> {
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
