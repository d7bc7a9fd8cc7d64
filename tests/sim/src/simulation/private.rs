//! Private rooms: what people decide about them, where they are met, and that they keep what they promise.

use std::collections::BTreeSet;

use kinmesh_core::control::{ControlLog, Step};
use kinmesh_core::{Core, EntryView, NewRoom};
use kinmesh_proto::record::{StoredEntry, Write};
use kinmesh_proto::{
    Content, Control, ConversationId, ConversationTag, DisplayName, Entry, EntryBody, EntryId, Keyring, Past,
    PersonId, PersonRecord, Role, RoomId, RoomName, StatusLine, Ties, Unverified,
};

use super::{Simulation, in_room};
use crate::peer::Peer;
use crate::promise::{Unfinished, Violation};
use crate::script::Decision;
use crate::trace::What;

/// An entry that somebody sealed, and whom they knew to have been put out by then.
pub(super) struct Sealed {
    room: RoomId,
    entry: Unverified<EntryBody>,
    /// With how often each of them had been let in, as far as the author knew.
    out: Vec<(PersonId, usize)>,
}

impl Peer {
    /// Whether it is up, and takes part in a room.
    pub(super) fn is_in(&self, room: RoomId) -> bool {
        let mut open = self.core.iter().flat_map(|core| core.open_rooms());
        !self.session.is_leaving && open.any(|open| open == room)
    }

    /// Somebody else invites us.
    pub(super) fn note_invitation(&mut self, entry: &EntryView) {
        if let Some(invited) = entry.invites_to.as_ref().filter(|_| entry.author != self.person) {
            self.invited.insert(invited.room, (invited.name.clone(), entry.author));
        }
    }
}

impl Simulation {
    /// Everybody is a contact of everybody before the first start.
    pub(super) fn befriend_all(&mut self) {
        let everybody: Vec<_> = self.peers.iter().map(|peer| (peer.person, peer.device)).collect();
        for (index, peer) in self.peers.iter_mut().enumerate() {
            let others = everybody.iter().enumerate().filter(|(other, _)| *other != index);
            let contacts = others.filter_map(|(other, (person, device))| {
                let name = DisplayName::new(&format!("peer {other}")).ok()?;
                let (devices, ties) = (vec![*device], Some(Ties::mutual()));
                let known = PersonRecord::new(*person, name);
                Some(Write::PutPerson(PersonRecord { contact: true, devices, ties, ..known }))
            });
            peer.disk.lay_down(&contacts.collect::<Vec<_>>());
        }
    }

    /// Founds a room with everybody else.
    pub(super) fn found(&mut self, index: usize) {
        let Ok(name) = RoomName::new(&format!("room of peer {index}")) else { return };
        let others = self.peers.iter().map(|peer| peer.person).enumerate();
        let people = others.filter(|(other, _)| *other != index).map(|(_, person)| person).collect();
        let new = NewRoom { name, topic: StatusLine::default(), past: Past::All, people };
        let mut founded = None;
        self.with_core(index, |core, now_ms| founded = core.create_room(now_ms, new).ok());
        if let Some((room, _)) = founded {
            self.private.push(room);
            self.note(index, What::Founds { room });
        }
        self.tell(index, |_, _| {});
    }

    /// Somebody leaves a room of theirs, or one who may decides something there about somebody.
    pub(super) fn decide(&mut self, index: usize, what: Decision) {
        let open: Vec<RoomId> =
            self.private.iter().copied().filter(|room| self.peers[index].is_in(*room)).collect();
        let Some(room) = self.dice.pick(&open) else { return };
        let decides = if what == Decision::Leave { Some(index) } else { self.some_admin(room) };
        let Some(index) = decides else { return };
        let Some(about) = self.some_other(index) else { return };
        let person = self.peers[about].person;
        self.note(index, What::Decides { room, what, about });
        self.tell(index, |core, now_ms| {
            // Refused is to put out who is not in, for example.
            let _ = match what {
                Decision::Admit => core.add_to_room(now_ms, room, person).ok(),
                Decision::Expel => core.remove_from_room(now_ms, room, person, None).ok(),
                Decision::Promote => core.set_role(now_ms, room, person, Role::Admin).ok(),
                Decision::Demote => core.set_role(now_ms, room, person, Role::Member).ok(),
                Decision::Leave => core.leave_room(now_ms, room),
            };
        });
    }

    pub(super) fn some_admin(&mut self, room: RoomId) -> Option<usize> {
        let inside = (0..self.peers.len()).filter(|index| self.peers[*index].is_in(room));
        let decides = |index: &usize| self.log_of(*index, room).is_admin(self.peers[*index].person);
        let admins: Vec<usize> = inside.filter(decides).collect();
        self.dice.pick(&admins)
    }

    /// Everybody enters what they are invited to, if not at once.
    pub(super) fn follow_invitations(&mut self, index: usize) {
        for (room, (name, host)) in self.peers[index].invited.clone() {
            self.note(index, What::Enters { room });
            let mut waits = false;
            self.tell(index, |core, _| {
                waits = matches!(core.enter_room(room, Some(name), host), Ok(Some(_)))
            });
            if !waits {
                self.peers[index].invited.remove(&room);
            }
        }
    }

    pub(super) fn is_private(&self, room: RoomId) -> bool {
        self.private.contains(&room)
    }

    /// Where a room is met: a private one in a place that follows from its key.
    pub(super) fn place_of(&self, index: usize, room: RoomId) -> RoomId {
        let topic = self.peers[index].core.as_ref().and_then(|core| core.topic(room));
        match topic {
            Some(topic) if self.is_private(room) => RoomId(*blake3::hash(topic.as_bytes()).as_bytes()),
            _ => room,
        }
    }

    /// The private room, or its control log, that has this tag.
    pub(super) fn private_conversation(&self, tag: ConversationTag) -> Option<ConversationId> {
        let both = |room: &RoomId| [ConversationId::Room(*room), ConversationId::Control(*room)];
        let me = self.peers[0].person;
        self.private.iter().flat_map(both).find(|conversation| conversation.tag(me) == tag)
    }

    /// What a frame in a room is of: the room itself, or its control log.
    pub(super) fn conversation_heard(
        &self,
        index: usize,
        room: RoomId,
        entries: &[EntryId],
    ) -> ConversationId {
        let log = ConversationId::Control(room);
        let is_of_log = entries.first().is_some_and(|entry| self.peers[index].disk.has(log, *entry));
        if is_of_log { log } else { in_room(room) }
    }

    /// Members of private rooms are found through their persons, wherever the room is met.
    pub(super) fn wanted_of_private_rooms(&self, index: usize) -> Vec<usize> {
        if self.private.is_empty() {
            return Vec::new();
        }
        let missing = self.peers[index].core.iter().flat_map(Core::missing_contacts);
        missing.filter_map(|person| self.by_person.get(&person).copied()).collect()
    }

    /// What follows from the steps on a peer's disk.
    pub(super) fn log_of(&self, index: usize, room: RoomId) -> ControlLog {
        let mut log = ControlLog::new(room);
        log.extend(self.steps_of(index, room));
        log
    }

    fn steps_of(&self, index: usize, room: RoomId) -> Vec<Step> {
        let entries = self.peers[index].disk.history(ConversationId::Control(room)).into_iter();
        entries.filter_map(|StoredEntry { entry, .. }| step_of(&entry)).collect()
    }

    /// Who is in a room and counts each other as members: pairs of peers.
    fn companions(&self, room: RoomId) -> Vec<(usize, usize)> {
        let inside = (0..self.peers.len()).filter(|index| self.peers[*index].is_in(room));
        let logs: Vec<(usize, ControlLog)> = inside.map(|index| (index, self.log_of(index, room))).collect();
        let counts = |log: &ControlLog, index: usize| log.is_member(self.peers[index].person);
        let mut pairs = Vec::new();
        for (at, (one, theirs)) in logs.iter().enumerate() {
            for (two, others) in &logs[at + 1..] {
                if [theirs, others].into_iter().all(|log| counts(log, *one) && counts(log, *two)) {
                    pairs.push((*one, *two));
                }
            }
        }
        pairs
    }

    pub(super) fn has_company(&self, peer: usize, room: RoomId) -> bool {
        self.companions(room).into_iter().any(|(one, two)| [one, two].contains(&peer))
    }

    pub(super) fn unfinished_private_rooms(&self) -> Option<Unfinished> {
        self.private.iter().enumerate().find_map(|(number, room)| {
            let differs =
                |(one, two): &(usize, usize)| self.of_room(*one, *room) != self.of_room(*two, *room);
            let (one, two) = self.companions(*room).into_iter().find(differs)?;
            Some(Unfinished::PrivateRoomsDiffer { room: number, one, two })
        })
    }

    /// What a peer has of a room: entries and steps, how much of it can be read, and where it is met.
    fn of_room(&self, index: usize, room: RoomId) -> impl PartialEq {
        let disk = &self.peers[index].disk;
        let is_read = |entry: &Entry| !matches!(entry.content(), Content::Sealed { .. });
        let posts = disk.posts(in_room(room), usize::MAX);
        let read = posts.iter().filter(|post| is_read(&post.post.entry)).count();
        let contents = [in_room(room), ConversationId::Control(room)].map(|id| disk.contents(id));
        (contents, read, self.peers[index].core.as_ref().and_then(|core| core.topic(room)))
    }

    /// Notes what is sealed by somebody who knows that others were put out. Who left by themselves may read
    /// on until the secret that follows.
    pub(super) fn note_sealed(&mut self, index: usize, conversation: ConversationId, entry: &Entry) {
        let ConversationId::Room(room) = conversation else { return };
        if !self.is_private(room) {
            return;
        }
        let log = self.log_of(index, room);
        let has_left = |person: &PersonId| {
            log.steps().any(|step| step.author == *person && matches!(step.control, Control::Leave))
        };
        let seated = log.ever_seated().into_iter();
        let out = seated.filter(|person| !log.is_member(*person) && !has_left(person));
        let out = out.map(|person| (person, times_let_in(&log, person))).collect();
        self.sealed.push(Sealed { room, entry: entry.envelope().clone(), out });
    }

    /// What can be checked of private rooms when nothing moves any more.
    pub(super) fn check_private_rooms(&mut self) {
        for room in self.private.clone() {
            for (one, two) in self.companions(room) {
                self.check_order((one, in_room(room)), (two, in_room(room)));
            }
            let log = self.log_of_all(room);
            self.figures.rivals += u64::from(has_rivals(&log));
            self.check_kept_from(&log);
        }
    }

    /// All steps that are anywhere.
    pub(super) fn log_of_all(&self, room: RoomId) -> ControlLog {
        let mut log = ControlLog::new(room);
        log.extend((0..self.peers.len()).flat_map(|index| self.steps_of(index, room)));
        log
    }

    /// Nobody who was put out, and not let in again, reads what was sealed by who knew of it.
    fn check_kept_from(&mut self, log: &ControlLog) {
        let room = log.room();
        let rings: Vec<Keyring> = self.peers.iter().map(|peer| ring_of(peer, room)).collect();
        let mut kept = 0;
        let mut read = None;
        for sealed in self.sealed.iter().filter(|sealed| sealed.room == room) {
            let stayed_out = |(person, times): &&(PersonId, usize)| {
                !log.is_member(*person) && times_let_in(log, *person) == *times
            };
            for (person, _) in sealed.out.iter().filter(stayed_out) {
                let Some(index) = self.by_person.get(person).copied() else { continue };
                let Ok(entry) = sealed.entry.clone().trust_stored() else { continue };
                kept += 1;
                let opened = entry.opened(room, &rings[index]);
                if !matches!(opened.content(), Content::Sealed { .. }) {
                    read.get_or_insert(Violation::ReadAfterRemoval { peer: index, entry: opened.id() });
                }
            }
        }
        self.figures.kept_from += kept;
        if let Some(violation) = read {
            self.violate(violation);
        }
    }
}

fn step_of(entry: &Entry) -> Option<Step> {
    let Content::Control(control) = entry.content() else { return None };
    let (key, author, after) = (entry.key(), entry.person(), entry.value().prev.clone());
    Some(Step { key, author, after, control: (**control).clone() })
}

/// How often somebody was let in, by the steps from which anything follows. One whose past is not all there
/// waits: who has it on their disk cannot know yet that it lets anybody in, and nobody promises to keep from
/// them what is sealed until then.
fn times_let_in(log: &ControlLog, person: PersonId) -> usize {
    let mut placed = BTreeSet::new();
    // A step has a later key than those it names.
    let is_placed = |step: &&Step| {
        let has_past = step.after.iter().all(|seen| placed.contains(seen));
        has_past && placed.insert(step.key)
    };
    let lets_in = |step: &&Step| match &step.control {
        Control::Create { seats, .. } => seats.iter().any(|seat| seat.person == person),
        Control::Add { seat, .. } => seat.person == person,
        _ => false,
    };
    log.steps().filter(is_placed).filter(lets_in).count()
}

/// Whether two people put somebody out without having seen each other's step.
fn has_rivals(log: &ControlLog) -> bool {
    let removals: Vec<&Step> =
        log.steps().filter(|step| matches!(step.control, Control::Remove { .. })).collect();
    let mut seen_alike = BTreeSet::new();
    removals.iter().any(|step| !seen_alike.insert(&step.after))
}

/// The secrets on a peer's disk.
fn ring_of(peer: &Peer, room: RoomId) -> Keyring {
    let ring = Keyring::default();
    for secret in peer.disk.load().secrets.into_iter().filter(|secret| secret.room == room) {
        ring.add(room, secret.step, secret.secret);
    }
    ring
}
