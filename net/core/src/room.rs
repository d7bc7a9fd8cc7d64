//! Rooms: joining, leaving, members, and what gossip brings and takes.

use kinmesh_proto::record::{MemberRecord, Write};
use kinmesh_proto::{
    ConversationId, ConversationRecord, Delivery, DeviceId, Entry, EntryBody, EntryKey, PersonId, Presence,
    PresenceState, RoomFrame, RoomId, RoomName, Unverified, limits,
};

use crate::conversation::Conversation;
use crate::event::ConversationEvent;
use crate::node::{Core, Pending};
use crate::outbox::envelopes;
use crate::output::{FrameToken, Output, Token, Verdict};

/// Rooms that one peer takes part in at once: below what gossipsub tells a peer of in one go,
/// and below a bootstrap node's registrations for one peer.
pub const ROOMS_MAX: usize = 200;
/// Members remembered of one room; beyond it, whoever was away for longest makes room.
const MEMBERS_CAP: usize = 4096;
/// After a publish that nobody took, the room is tried again at the next event or after this.
const PUBLISH_RETRY_MS: u64 = 2_000;

/// More rooms than [`ROOMS_MAX`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no more than {ROOMS_MAX} rooms at once")]
pub struct TooManyRooms;

impl Core {
    /// Joins the public room of this name. The token is `None` for a room we are in already.
    pub fn join_room(&mut self, name: RoomName) -> Result<(RoomId, Option<Token>), TooManyRooms> {
        let room = RoomId::public(&name);
        let id = ConversationId::Room(room);
        let record = match self.conversations.get(&id) {
            Some(known) if known.record.open && !self.has_log(room) => return Ok((room, None)),
            // No room with a log has this id: whoever invited us to one made it up.
            Some(known) => {
                ConversationRecord { open: true, private: None, founded: None, ..known.record.clone() }
            }
            None => ConversationRecord::new(id, Some(name)),
        };
        if self.open_rooms().count() >= ROOMS_MAX {
            return Err(TooManyRooms);
        }
        Ok((room, Some(self.persist(vec![Write::PutConversation(record.clone())], Pending::Joined(record)))))
    }

    /// Leaves a room; `None` when we are not in it. Its history stays.
    pub fn leave_room(&mut self, now_ms: u64, room: RoomId) -> Option<Token> {
        let known =
            self.conversations.get_mut(&ConversationId::Room(room)).filter(|known| known.record.open)?;
        if known.record.private.is_some() {
            return self.leave_private(now_ms, room);
        }
        known.record.open = false;
        let write = Write::PutConversation(known.record.clone());
        self.publish_presence(now_ms, room, PresenceState::Left);
        self.push(Output::Unsubscribe(room));
        Some(self.persist(vec![write], Pending::Left(room)))
    }

    /// Rooms we are in.
    pub fn open_rooms(&self) -> impl Iterator<Item = RoomId> {
        let room_of = |conversation: &Conversation| match conversation.id() {
            ConversationId::Room(room) if conversation.record.open => Some(room),
            _ => None,
        };
        self.conversations.values().filter_map(room_of)
    }

    /// Rooms we are in, or were in.
    pub fn all_rooms(&self) -> impl Iterator<Item = RoomId> {
        self.conversations.keys().filter_map(|id| match id {
            ConversationId::Room(room) => Some(*room),
            ConversationId::Direct(_) | ConversationId::Control(_) => None,
        })
    }

    /// Members of a room, ourselves included while we are in it.
    pub fn members(&self, room: RoomId) -> Vec<PersonId> {
        let Some(known) = self.conversations.get(&ConversationId::Room(room)) else { return Vec::new() };
        let me = known.record.open.then(|| self.me());
        known.members.keys().copied().chain(me).collect()
    }

    pub(crate) fn joined(&mut self, now_ms: u64, record: ConversationRecord) {
        let (id, founded) = (record.id, record.founded.clone());
        let known = self.conversations.entry(id).or_insert_with(|| Conversation::stored(record));
        (known.record.open, known.record.private) = (true, None);
        known.record.founded = founded;
        known.beacon_at_ms = now_ms;
        let is_founded = known.record.founded.is_some();
        if let ConversationId::Room(room) = id {
            if is_founded {
                self.open_log(room)
            } else {
                drop(self.private.remove(&room))
            }
            self.push(Output::Subscribe(room));
        }
        self.tell(id, ConversationEvent::Opened);
    }

    pub(crate) fn left(&mut self, room: RoomId) {
        for rooms in self.subscriptions.values_mut() {
            rooms.remove(&room);
        }
        self.stop_comparing(room);
        self.tell(ConversationId::Room(room), ConversationEvent::Closed);
    }

    /// A connected device takes part in a room of ours: it hears what we publish from now on.
    pub fn subscribed(&mut self, now_ms: u64, device: DeviceId, room: RoomId) {
        let Some(known) = self.conversations.get_mut(&ConversationId::Room(room)) else { return };
        known.beacon_at_ms = known.beacon_at_ms.min(now_ms.max(known.beacon_not_before_ms));
        known.retry_at_ms = 0;
        self.say_voice_soon(now_ms, room);
        if self.listeners(room) == 0 {
            self.leave_backlog_to_comparison(now_ms, room);
        }
        self.subscriptions.entry(device).or_default().insert(room);
        if let Some(person) = self.people.person_of(device).filter(|person| self.may_be_member(room, *person))
        {
            self.add_member(now_ms, room, person);
        }
        if self.is_founded(room) {
            self.met(now_ms, ConversationId::Control(room), device);
        }
        self.met(now_ms, ConversationId::Room(room), device);
    }

    /// A connected device no longer takes part. Its person stays a member until they say otherwise.
    pub fn unsubscribed(&mut self, device: DeviceId, room: RoomId) {
        if let Some(rooms) = self.subscriptions.get_mut(&device) {
            rooms.remove(&room);
        }
        self.parted(device, Some(ConversationId::Room(room)));
    }

    /// Connected devices that take part in a room.
    pub(crate) fn listeners(&self, room: RoomId) -> usize {
        self.subscriptions.values().filter(|rooms| rooms.contains(&room)).count()
    }

    /// Those of them who hear what is said: anybody can listen where a private room is met, and hears nothing.
    fn hearers(&self, room: RoomId) -> usize {
        let is_let_in = |device| {
            let person = self.people.person_of(device);
            !self.is_private(room) || person.is_some_and(|person| self.may_be_member(room, person))
        };
        let there = self.subscriptions.iter().filter(|(_, rooms)| rooms.contains(&room));
        there.filter(|(device, _)| is_let_in(**device)).count()
    }

    /// A gossip frame came in; the answer is an [`Output::Judge`], at once or after the disk.
    pub fn room_frame(&mut self, now_ms: u64, room: RoomId, frame: RoomFrame, token: FrameToken) {
        let is_open =
            self.conversations.get(&ConversationId::Room(room)).is_some_and(|known| known.record.open);
        match frame {
            _ if !is_open => self.judge(token, Verdict::Ignore),
            RoomFrame::Presence(presence) => {
                let verdict = self.room_presence(now_ms, room, presence);
                self.judge(token, verdict);
            }
            RoomFrame::Typing(typing) => {
                let verdict = self.hear_typing_in_room(now_ms, room, typing);
                self.judge(token, verdict);
            }
            RoomFrame::Voice(voice) => {
                let verdict = self.hear_voice(now_ms, room, voice);
                self.judge(token, verdict);
            }
            RoomFrame::Entries { entries, .. } => {
                if let Err(verdict) = self.room_entries(now_ms, room, entries, token) {
                    self.judge(token, verdict);
                }
            }
        }
    }

    /// Checks entries and hands them to the disk, or says at once what becomes of the frame.
    fn room_entries(
        &mut self,
        now_ms: u64,
        room: RoomId,
        entries: Vec<Unverified<EntryBody>>,
        frame: FrameToken,
    ) -> Result<(), Verdict> {
        if entries.is_empty() || entries.len() > limits::BATCH_ENTRIES_MAX {
            return Err(Verdict::Reject);
        }
        if entries.iter().all(|entry| self.is_recent(kinmesh_proto::EntryId(entry.hash()))) {
            return Err(Verdict::Ignore);
        }
        let verified = Unverified::verify_each(entries, &mut self.certs).into_iter();
        let entries = verified.collect::<Result<Vec<Entry>, _>>().map_err(|_| Verdict::Reject)?;
        let id = self.conversation_heard(room, &entries);
        let is_fit =
            |entry: &Entry| self.belongs(id, entry.value().conversation) && self.may_stand_in(id, entry);
        if !entries.iter().all(is_fit) {
            return Err(Verdict::Reject);
        }
        if entries.iter().any(Entry::is_erased) {
            // Anybody can empty what another one wrote; nobody publishes what they took back, see below.
            return Err(Verdict::Ignore);
        }
        let entries: Vec<Entry> = entries.into_iter().map(|entry| self.unsealed(id, entry)).collect();
        let is_out_of_time =
            |entry: &Entry| self.is_ahead(now_ms, id, entry) || self.is_too_old(id, entry.key());
        if entries.iter().any(is_out_of_time) {
            // Not Reject: two honest clocks may disagree about what lies ahead, or where the day begins.
            return Err(Verdict::Ignore);
        }
        if let ConversationId::Control(room) = id
            && !self.refused_steps(room, &entries).is_empty()
        {
            return Err(Verdict::Ignore);
        }
        if entries.iter().any(|entry| self.is_shut_out(id, entry)) {
            // Somebody who has not heard of it may have passed it on.
            return Err(Verdict::Ignore);
        }
        let counted = entries.iter().take_while(|entry| self.within_quota(id, entry)).count();
        if counted < entries.len() {
            entries[..counted].iter().for_each(|entry| self.uncount(id, entry));
            return Err(Verdict::Ignore);
        }
        let writes = self.take(now_ms, id, &entries);
        self.steps_arrive(id, &entries);
        self.persist(writes, Pending::Heard { conversation: id, entries, frame });
        Ok(())
    }

    /// Which conversation a frame in a room is of: the topic of a private room carries its control log, too.
    fn conversation_heard(&self, room: RoomId, entries: &[Entry]) -> ConversationId {
        let control = ConversationId::Control(room);
        let is_control = |entry: &Entry| self.belongs(control, entry.value().conversation);
        if self.has_log(room) && entries.first().is_some_and(is_control) {
            control
        } else {
            ConversationId::Room(room)
        }
    }

    pub(crate) fn heard_persisted(
        &mut self,
        now_ms: u64,
        id: ConversationId,
        entries: Vec<Entry>,
        fresh: &[bool],
        frame: FrameToken,
    ) {
        self.judge(frame, Verdict::Accept);
        self.tell_stored(now_ms, id, &entries, fresh);
    }

    fn room_presence(&mut self, now_ms: u64, room: RoomId, presence: Unverified<Presence>) -> Verdict {
        let Ok(presence) = presence.verify(&mut self.certs) else { return Verdict::Reject };
        if presence.value().room != Some(room) {
            return Verdict::Reject;
        }
        let (person, device) = (presence.person(), presence.device());
        let is_ours = device == self.keys.device() || self.poses_as_echo(person, device);
        if is_ours || !self.hear_presence(now_ms, &presence) {
            return Verdict::Ignore;
        }
        if !self.may_be_member(room, presence.person()) {
            return Verdict::Accept;
        }
        match presence.value().state {
            // Who is in a private room is for its log to say.
            PresenceState::Left if self.is_private(room) => {}
            PresenceState::Here => self.add_member(now_ms, room, presence.person()),
            PresenceState::Left => self.remove_member(room, presence.person()),
            PresenceState::Away => {}
        }
        Verdict::Accept
    }

    pub(crate) fn add_member(&mut self, now_ms: u64, room: RoomId, person: PersonId) {
        let id = ConversationId::Room(room);
        let me = self.me();
        let Some(known) = self.conversations.get_mut(&id).filter(|_| person != me) else { return };
        if known.members.insert(person, now_ms).is_some() {
            return;
        }
        self.sync.members_changed();
        if known.members.len() > MEMBERS_CAP {
            let absent = known.members.iter().filter(|(member, _)| !self.people.is_online(**member));
            let forgotten = absent.min_by_key(|(_, last_seen_ms)| **last_seen_ms).map(|(member, _)| *member);
            let forgotten = forgotten.unwrap_or(person);
            known.members.remove(&forgotten);
            self.later.push(Write::RemoveMember { room, person: forgotten });
            if forgotten == person {
                return;
            }
        }
        let record = MemberRecord { room, person, last_seen_ms: now_ms };
        self.persist(vec![Write::PutMember(record)], Pending::Note);
        self.tell(id, ConversationEvent::MemberJoined { person });
    }

    pub(crate) fn remove_member(&mut self, room: RoomId, person: PersonId) {
        let id = ConversationId::Room(room);
        let was_member =
            self.conversations.get_mut(&id).is_some_and(|known| known.members.remove(&person).is_some());
        if was_member {
            self.sync.members_changed();
            self.persist(vec![Write::RemoveMember { room, person }], Pending::Note);
            self.tell(id, ConversationEvent::MemberLeft { person });
        }
    }

    /// Hands the front of the outbox to gossip, if anybody listens, nothing is under way, and it does
    /// not reach them by other means.
    pub(crate) fn publish_outbox(&mut self, now_ms: u64, id: ConversationId, room: RoomId) {
        self.pass_over_held(now_ms, id);
        if self.listeners(room) == 0 || self.is_backlog_left(now_ms, id) {
            return;
        }
        self.pass_over_erased(now_ms, id);
        let Some(known) = self.conversations.get_mut(&id).filter(|known| known.in_flight == 0) else {
            return;
        };
        let is_whole = |entry: &Entry| !entry.is_erased();
        let batch = known.outbox.next_batch(RoomFrame::ENTRIES_BYTES_MAX, is_whole);
        let Some(attempt) = batch.iter().map(|outgoing| outgoing.attempt).max() else { return };
        let keys: Vec<EntryKey> = batch.iter().map(|outgoing| outgoing.entry.key()).collect();
        let frame = RoomFrame::Entries { entries: envelopes(&batch), attempt };
        known.in_flight = keys.len();
        self.push(Output::PublishEntries { room, conversation: id, frame, keys });
    }

    /// What we took back before it went out is not published: without the delete beside it nobody
    /// could tell whether it was us who erased it. Comparing histories brings both.
    fn pass_over_erased(&mut self, now_ms: u64, id: ConversationId) {
        let is_erased =
            |known: &Conversation| known.in_flight == 0 && known.outbox.first().is_some_and(Entry::is_erased);
        while self.conversations.get(&id).is_some_and(is_erased) {
            self.gone_out(now_ms, id, 1, [Delivery::Sent { members: 0 }]);
        }
    }

    /// Gossip took the frame that was under way; the next one follows.
    pub fn published(&mut self, now_ms: u64, id: ConversationId, keys: &[EntryKey]) {
        let Some(room) = id.room() else { return };
        let members = u32::try_from(self.hearers(room)).unwrap_or(u32::MAX);
        if let Some(known) = self.conversations.get_mut(&id) {
            known.in_flight = 0;
        }
        self.gone_out(now_ms, id, keys.len(), keys.iter().map(|_| Delivery::Sent { members }));
        self.publish_outbox(now_ms, id, room);
    }

    /// Gossip did not take the frame that was under way: its entries wait.
    pub fn not_published(&mut self, now_ms: u64, id: ConversationId, keys: &[EntryKey]) {
        let Some(known) = self.conversations.get_mut(&id) else { return };
        known.outbox.tried(keys.len());
        known.in_flight = 0;
        known.retry_at_ms = now_ms + PUBLISH_RETRY_MS;
    }
}
