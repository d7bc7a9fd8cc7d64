//! [`Core`]: the state of one peer, its way in for facts and its way out for [`Output`]s.
//!
//! Rooms, chats and presence each have their part in a module of their own; here is what they share.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use kinmesh_proto::record::{InviteRecord, OpeningRecord, OwnProfile, Snapshot, StoredEntry, Write};
use kinmesh_proto::{
    CertCache, ChatResponse, ConversationId, ConversationRecord, ConversationTag, Delivery, DeviceId,
    DeviceKeys, DisplayName, Entry, EntryId, EntryKey, Hlc, InviteRefusal, Keyring, PersonId, Privacy,
    Receipt, RoomId, SecretRecord, SharedProofs, StatusLine, TicketId, limits,
};
use rand::rngs::StdRng;

use crate::calls::Calls;
use crate::changes::Reading;
use crate::contacts::{Because, Requests};
use crate::conversation::{Conversation, OUTBOX_CAP};
use crate::echo::Echo;
use crate::event::{ConversationEvent, Event};
use crate::gaps::Gaps;
use crate::invites::{Invites, NewContact};
use crate::lens::Seen;
use crate::outbox::StoredQueue;
use crate::output::{FrameToken, Output, RequestToken, SyncToken, Token};
use crate::own::Way;
use crate::people::People;
use crate::private::PrivateRoom;
use crate::recent::Recent;
use crate::retention::Retention;
use crate::sync::{Intake, Sync};
use crate::unsaved::Record;
use crate::view::{PersonView, RequestView};

/// Our clock follows others' entries no further ahead than this: a minute less than where entries
/// are refused, so that somebody whose clock runs ahead cannot make others refuse ours.
const CLOCK_FOLLOW_MAX_MS: u64 = limits::CLOCK_AHEAD_MAX_MS - 60_000;

/// Writes noted for later, before they go on their own: half a group of the store.
const LATER_MAX: usize = 128;

/// Why an entry is not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SendRefusal {
    /// Nothing but white space.
    #[error("there is nothing to send")]
    Empty,
    /// Longer than one entry may be.
    #[error("the text has {size} bytes, at most {} fit", limits::TEXT_MAX)]
    TooLong {
        /// Bytes of the text.
        size: usize,
    },
    /// We are not in this room.
    #[error("not in this room")]
    NotJoined,
    /// Nobody of this id was ever met.
    #[error("not known here")]
    UnknownPerson,
    /// The user blocked them.
    #[error("they are blocked")]
    Blocked,
    /// They are no contact yet, and the first text to them is longer than a request may be.
    #[error(
        "the text has {size} bytes, at most {} go to somebody who is no contact yet",
        limits::ASK_TEXT_MAX
    )]
    TooLongToAsk {
        /// Bytes of the text.
        size: usize,
    },
    /// Too many entries wait already.
    #[error("too many entries wait to go out")]
    OutboxFull,
    /// An admin of the room muted us.
    #[error("an admin of this room muted you")]
    Muted {
        /// Until when, in Unix milliseconds.
        until_ms: u64,
    },
    /// An admin put us out of the room.
    #[error("an admin put you out of this room")]
    PutOut,
    /// Who writes in the room is let in by an admin.
    #[error("an admin of this room has to let you in first")]
    NotLetIn,
    /// The room asks everybody to wait between two posts.
    #[error("this room asks you to wait {wait_ms} ms before your next post")]
    TooSoon {
        /// How much longer, in milliseconds.
        wait_ms: u64,
    },
    /// The key of a private room is not here yet.
    #[error("the room's key is not here yet: it comes from a member who is connected")]
    NoKey,
}

/// Nobody of this id was ever met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not known here")]
pub struct UnknownPerson;

/// A conversation to restore, and what of it to read from the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoredConversation {
    /// Which one.
    pub id: ConversationId,
    /// Up to where it was read: count what is unread after it.
    pub read: Option<EntryKey>,
    /// Up to where our entries have gone out: read the first queued ones after it, up to
    /// [`crate::QUEUED_FETCH_MAX`], and count all of them.
    pub sent: Option<EntryKey>,
}

/// What happens once the store has answered.
#[derive(Debug)]
pub(crate) enum Pending {
    /// Nothing but the writing.
    Note,
    /// What the store refused before, with how far these entries have come.
    Saved(Vec<(ConversationId, EntryKey, Delivery)>),
    /// We joined.
    Joined(ConversationRecord),
    /// We left.
    Left(RoomId),
    /// An entry of ours, and the sequence numbers that were reserved with it.
    Own { conversation: ConversationId, entry: Entry, reserved: Option<u64> },
    /// Entries of a room, or of its control log, heard in one gossip frame.
    Heard { conversation: ConversationId, entries: Vec<Entry>, frame: FrameToken },
    /// We enter a private room.
    Entered { room: RoomId, host: PersonId },
    /// Somebody knocks at a room of ours.
    Knocked { room: RoomId, person: PersonId, request: RequestToken },
    /// Secrets of a private room came.
    Secrets { room: RoomId, records: Vec<SecretRecord> },
    /// Entries of a chat, with the receipts to give for the whole batch they came in.
    Delivered { person: PersonId, entries: Vec<Entry>, receipts: Vec<Receipt>, request: RequestToken },
    /// Somebody and we are contacts; what they asked with begins the chat.
    Contacts { person: PersonId, because: Because, entries: Vec<Entry>, request: Option<RequestToken> },
    /// Somebody asks to be a contact.
    Asked { person: PersonId, request: RequestToken },
    /// Echo has answered.
    Echoed { entry: Entry },
    /// The other side of a chat has read up to here.
    ReadByOther { person: PersonId, up_to: EntryKey, request: RequestToken },
    /// Entries that came with a comparison, oldest first.
    CaughtUp { intake: Intake, entries: Vec<Entry> },
    /// Our profile.
    Profile(OwnProfile),
    /// What others are told.
    Privacy(Privacy),
    /// An invitation of ours.
    InviteMade(InviteRecord),
    /// Somebody uses an invitation of ours.
    Redeemed { ticket: TicketId, person: PersonId, request: RequestToken, new: NewContact },
    /// They were let into the private room that it leads into.
    LetIn { ticket: TicketId, person: PersonId, room: RoomId, request: RequestToken },
    /// An invitation of somebody else.
    Opened(OpeningRecord),
    /// What its maker said about it: `None` for yes.
    OpeningAnswered { ticket: TicketId, person: PersonId, refused: Option<InviteRefusal>, new: NewContact },
    /// Invitations are listed no more.
    InvitesChanged,
}

/// The state of one peer. See the crate's documentation.
pub struct Core {
    pub(crate) keys: DeviceKeys,
    pub(crate) echo: Echo,
    pub(crate) certs: CertCache,
    pub(crate) profile: Option<OwnProfile>,
    pub(crate) privacy: Privacy,
    pub(crate) started_ms: u64,
    pub(crate) conversations: BTreeMap<ConversationId, Conversation>,
    pub(crate) people: People,
    pub(crate) people_views: Option<Arc<[PersonView]>>,
    pub(crate) request_views: Option<Arc<[RequestView]>>,
    pub(crate) invites: Invites,
    pub(crate) private: BTreeMap<RoomId, PrivateRoom>,
    /// The secrets of private rooms that are on our disk.
    pub(crate) keyring: Keyring,
    /// Questions for secrets that are not answered yet.
    pub(crate) secret_asks: BTreeMap<SyncToken, RoomId>,
    /// Knocks that are not answered yet: at which room, and at whose door.
    pub(crate) knock_asks: BTreeMap<SyncToken, (RoomId, DeviceId)>,
    /// At whose doors we knocked lately, and when.
    pub(crate) knocked: BTreeMap<(RoomId, DeviceId), u64>,
    /// When somebody new knocked last at rooms of ours, answered or not: as often as an hour has place for.
    pub(crate) knocks_heard: BTreeMap<RoomId, VecDeque<u64>>,
    /// Who knocks and is on the way to our disk.
    pub(crate) knocks_arriving: BTreeSet<(RoomId, PersonId)>,
    /// Rooms of which faces must be told that they show other posts.
    pub(crate) shown_anew: BTreeSet<ConversationId>,
    pub(crate) retention: Retention,
    /// Rooms of ours that connected devices take part in.
    pub(crate) subscriptions: BTreeMap<DeviceId, BTreeSet<RoomId>>,
    pub(crate) clock: Hlc,
    pub(crate) recent: Recent,
    /// Posts shown before what they follow was here.
    pub(crate) gaps: Gaps,
    /// Posts on their way from the store to the faces.
    pub(crate) reading: BTreeMap<(ConversationId, EntryKey), Reading>,
    /// What the store was given and has not answered for, with the records in it.
    pub(crate) pending: BTreeMap<Token, (Pending, Vec<Record>)>,
    /// Whether the store refused what it was asked last.
    pub(crate) is_store_failing: bool,
    /// What the store refused, to be written again.
    pub(crate) unsaved: BTreeSet<Record>,
    /// Conversations whose unread entries are to be counted again.
    pub(crate) recounts: BTreeSet<ConversationId>,
    /// Writes that nobody waits for: they go with the next ones, or within a second.
    pub(crate) later: Vec<Write>,
    next_token: u64,
    outputs: VecDeque<Output>,
    /// When the newest presence of ours was said; each must be later than the one before.
    pub(crate) presence_sent_ms: u64,
    pub(crate) sync: Sync,
    pub(crate) requests: Requests,
    pub(crate) calls: Calls,
}

impl Core {
    /// A peer with these keys that remembers `snapshot`. For each room that has a log follow up with
    /// [`Core::restore_log`], then for each conversation with [`Core::restore_conversation`]: what is shown
    /// of it, and counted, hangs on the log. All chance comes from `dice`, so that a run can be replayed
    /// from its seed. Secrets are made of it, so outside of simulations nobody may be able to guess that.
    pub fn new(keys: DeviceKeys, snapshot: Snapshot, now_ms: u64, dice: StdRng) -> Self {
        let echo = Echo::of(&keys);
        let mut core = Self {
            keys,
            echo,
            certs: CertCache::default(),
            profile: snapshot.profile,
            privacy: snapshot.privacy,
            started_ms: now_ms,
            conversations: BTreeMap::new(),
            people: People::default(),
            people_views: None,
            request_views: None,
            invites: Invites::restore(snapshot.invites, snapshot.openings, now_ms),
            private: BTreeMap::new(),
            keyring: Keyring::default(),
            secret_asks: BTreeMap::new(),
            knock_asks: BTreeMap::new(),
            knocked: BTreeMap::new(),
            knocks_heard: BTreeMap::new(),
            knocks_arriving: BTreeSet::new(),
            shown_anew: BTreeSet::new(),
            retention: Retention::default(),
            subscriptions: BTreeMap::new(),
            clock: Hlc::default(),
            recent: Recent::default(),
            gaps: Gaps::default(),
            reading: BTreeMap::new(),
            pending: BTreeMap::new(),
            is_store_failing: false,
            unsaved: BTreeSet::new(),
            recounts: BTreeSet::new(),
            later: Vec::new(),
            next_token: 0,
            outputs: VecDeque::new(),
            presence_sent_ms: 0,
            sync: Sync::new(dice),
            requests: Requests::default(),
            calls: Calls::default(),
        };
        core.people.restore(snapshot.people);
        core.introduce_echo(now_ms);
        for record in snapshot.conversations {
            if let ConversationId::Direct(person) = record.id {
                core.people.keep(person);
            }
            core.conversations.insert(record.id, Conversation::stored(record));
        }
        for member in snapshot.members {
            if let Some(room) = core.conversations.get_mut(&ConversationId::Room(member.room)) {
                room.members.insert(member.person, member.last_seen_ms);
            }
        }
        for SecretRecord { room, step, secret } in snapshot.secrets {
            core.keyring.add(room, step, secret);
        }
        core.restore_private();
        core.restore_contacts();
        core
    }

    /// Takes as verified what other cores of this process have verified: for simulations of many.
    pub fn share_proofs(&mut self, proofs: SharedProofs) {
        self.certs = CertCache::sharing(proofs);
    }

    /// Takes up a stored conversation: its newest entry of any kind, its newest post and its unread count,
    /// both through [`Core::lens`], and entries of ours that never went out. An open room is subscribed.
    pub fn restore_conversation(
        &mut self,
        id: ConversationId,
        newest: Option<StoredEntry>,
        last: Option<Seen>,
        queued: StoredQueue,
        unread: usize,
    ) {
        if let (ConversationId::Direct(person), Some(_)) = (id, &newest) {
            self.people.settle_old_chat(person);
        }
        let read_by_other = self.read_by_other(id);
        let Some(conversation) = self.conversations.get_mut(&id) else { return };
        conversation.unread = unread;
        conversation.last = last.map(|post| post.view(id, read_by_other));
        let last = conversation.last.as_ref().filter(|last| last.delivery == Delivery::Received);
        conversation.receipts.theirs = last.map(|last| last.key);
        if let Some(StoredEntry { entry, .. }) = newest {
            self.clock = self.clock.max(entry.value().clock);
            self.recent.add(entry.id());
            conversation.follow(&entry);
            // Which of the stored entries are changes is not known here: any may be.
            conversation.newest_change = Some(entry.key());
        }
        conversation.outbox.restore(queued, conversation.record.sent);
        self.clock = self.clock.max(conversation.record.sent.map(|sent| sent.clock).unwrap_or_default());
        let sent = conversation.record.sent;
        conversation.note_idle(self.clock);
        if conversation.record.sent != sent {
            self.unsaved.insert(Record::Conversation(id));
        }
        // Where a private one is met follows from its log.
        if let ConversationId::Room(room) = id
            && conversation.record.open
            && conversation.record.private.is_none()
        {
            self.push(Output::Subscribe(room));
        }
    }

    /// The next thing to do; `None` when there is nothing.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// Time passes. Call it about once a second.
    pub fn tick(&mut self, now_ms: u64) {
        for person in self.people.expire(now_ms) {
            self.person_changed(person);
        }
        self.send_due_beacons(now_ms);
        self.tick_sync(now_ms);
        self.tick_private(now_ms);
        self.tick_retention(now_ms);
        self.knock_at_admins(now_ms);
        self.tell_shown_anew();
        self.redeem_due(now_ms);
        self.tend_calls(now_ms);
        self.flush_outboxes(now_ms);
        self.persist_later();
        self.probe_store();
        self.recount_unread();
    }

    /// While the store fails, asks it whether it works again: faces show a fault that nobody's next
    /// message has to end.
    fn probe_store(&mut self) {
        if self.is_store_failing && self.pending.is_empty() {
            self.persist(Vec::new(), Pending::Note);
        }
    }

    /// Conversations to restore.
    pub fn stored_conversations(&self) -> Vec<StoredConversation> {
        let stored = |known: &Conversation| {
            let ConversationRecord { id, read, sent, .. } = known.record;
            StoredConversation { id, read, sent }
        };
        self.conversations.values().map(stored).collect()
    }

    /// Makes writes last that need nothing further: addresses, for example.
    pub fn remember(&mut self, writes: Vec<Write>) {
        self.persist(writes, Pending::Note);
    }

    /// Contacts that are not here, those whose invitations wait for them or with whom we should stand in a
    /// call, and members of private rooms, which are found through people as long as they are met in
    /// different places.
    pub fn missing_contacts(&self) -> Vec<PersonId> {
        let is_missing = |person: &PersonId| {
            *person != self.me()
                && !self.people.is_online(*person)
                && *person != self.echo.person()
                && !self.is_blocked(*person)
        };
        let known = self.people.contacts().chain(self.ticket_makers()).chain(self.named_in_calls());
        let known: BTreeSet<PersonId> = known.filter(is_missing).collect();
        let members: BTreeSet<PersonId> = self.private_members().filter(is_missing).collect();
        known.iter().chain(members.difference(&known)).copied().collect()
    }

    /// Devices of contacts, of everybody with whom there is a chat or a call, and of those whose invitations
    /// wait.
    pub fn contact_devices(&self) -> Vec<DeviceId> {
        let chats = self.conversations.keys().filter_map(|id| match id {
            ConversationId::Direct(person) => Some(*person),
            ConversationId::Room(_) | ConversationId::Control(_) => None,
        });
        let persons: BTreeSet<PersonId> = self.people.contacts().chain(chats).collect();
        let known = self.devices_let_in(persons);
        let devices: BTreeSet<DeviceId> =
            known.into_iter().chain(self.ticket_devices()).chain(self.call_devices()).collect();
        devices.into_iter().collect()
    }

    /// Devices of these people, without those of whom we blocked.
    pub(crate) fn devices_let_in(&self, persons: BTreeSet<PersonId>) -> Vec<DeviceId> {
        let let_in = persons.into_iter().filter(|person| !self.is_blocked(*person));
        let_in.flat_map(|person| self.people.devices_of(person)).copied().collect()
    }

    /// Devices of members of our rooms.
    pub fn member_devices(&self) -> Vec<DeviceId> {
        let open = self.conversations.values().filter(|known| known.record.open);
        self.devices_let_in(open.flat_map(|known| known.members.keys().copied()).collect())
    }

    /// Ourselves.
    pub fn me(&self) -> PersonId {
        self.keys.person()
    }

    /// Sets what others see of us. The token is for [`Core::persisted`].
    pub fn set_profile(&mut self, name: DisplayName, status: StatusLine) -> Token {
        let profile = OwnProfile { name, status };
        self.persist(vec![Write::PutProfile(profile.clone())], Pending::Profile(profile))
    }

    /// Gives a private name, or takes it back.
    pub fn set_nickname(
        &mut self,
        person: PersonId,
        nickname: Option<DisplayName>,
    ) -> Result<Token, UnknownPerson> {
        self.change_person(person, |record| record.nickname = nickname)
    }

    pub(crate) fn change_person(
        &mut self,
        person: PersonId,
        change: impl FnOnce(&mut kinmesh_proto::PersonRecord),
    ) -> Result<Token, UnknownPerson> {
        let record = self.people.record_mut(person).ok_or(UnknownPerson)?;
        change(record);
        let write = Write::PutPerson(record.clone());
        self.person_changed(person);
        Ok(self.persist(vec![write], Pending::Note))
    }

    /// Whether entries may be written there. A first entry opens a chat.
    pub(crate) fn open_for_sending(&mut self, id: ConversationId) -> Result<(), SendRefusal> {
        if let ConversationId::Direct(person) = id {
            self.people.record(person).ok_or(SendRefusal::UnknownPerson)?;
            self.open_chat(person);
        }
        match self.conversations.get(&id) {
            Some(known) if !known.record.open => Err(SendRefusal::NotJoined),
            Some(known) if known.outbox.len() >= OUTBOX_CAP => Err(SendRefusal::OutboxFull),
            Some(_) => Ok(()),
            None => Err(SendRefusal::NotJoined),
        }
    }

    /// The store has made the writes of `token` last; `fresh` says of each entry in it whether it was new.
    pub fn persisted(&mut self, now_ms: u64, token: Token, fresh: &[bool]) {
        self.is_store_failing = false;
        let Some((then, records)) = self.pending.remove(&token) else { return };
        records.into_iter().for_each(|record| self.saved(record));
        match then {
            Pending::Note => {}
            Pending::Saved(deliveries) => self.deliveries_saved(deliveries),
            Pending::Joined(record) => self.joined(now_ms, record),
            Pending::Left(room) => self.left(room),
            Pending::Own { conversation, entry, reserved } => {
                self.own_persisted(now_ms, conversation, entry, reserved);
            }
            Pending::Heard { conversation, entries, frame } => {
                self.heard_persisted(now_ms, conversation, entries, fresh, frame)
            }
            Pending::Entered { room, host } => self.entered(now_ms, room, host),
            Pending::Knocked { room, person, request } => self.knock_persisted(room, person, request),
            Pending::Secrets { room, records } => self.secrets_persisted(now_ms, room, records),
            Pending::Delivered { person, entries, receipts, request } => {
                self.push(Output::Respond { request, response: ChatResponse::Receipts(receipts) });
                self.delivered_persisted(now_ms, person, &entries, fresh);
            }
            Pending::Contacts { person, because, entries, request } => {
                self.contacts_persisted(now_ms, person, because, &entries, fresh);
                if let Some(request) = request {
                    self.push(Output::Respond { request, response: ChatResponse::Accepted });
                }
            }
            Pending::Asked { person, request } => self.request_persisted(person, request),
            Pending::Echoed { entry } => {
                let id = ConversationId::Direct(self.echo.person());
                self.tell_added(now_ms, id, &entry, Delivery::Received)
            }
            Pending::ReadByOther { person, up_to, request } => {
                self.read_by_other_persisted(person, up_to, request);
            }
            Pending::CaughtUp { intake, entries } => self.caught_up(now_ms, intake, entries, fresh),
            Pending::Profile(profile) => self.profile_persisted(now_ms, profile),
            Pending::Privacy(privacy) => self.privacy_persisted(privacy),
            Pending::InviteMade(record) => self.invite_made(record),
            Pending::Redeemed { ticket, person, request, new } => {
                self.invited_persisted(now_ms, person, new, fresh);
                self.use_counted(now_ms, ticket, person, request);
            }
            Pending::LetIn { ticket, person, room, request } => {
                self.let_in_by_ticket(ticket, person, room, request);
            }
            Pending::Opened(record) => self.opened(now_ms, record),
            Pending::OpeningAnswered { ticket, person, refused, new } => {
                self.invited_persisted(now_ms, person, new, fresh);
                self.opening_answered(ticket, person, refused);
            }
            Pending::InvitesChanged => self.push(Output::Emit(Event::InvitesChanged)),
        }
    }

    /// The store could not make the writes of `token` last: no entry of them is shown or
    /// acknowledged, and what else was in them is written again with the next tick.
    pub fn not_persisted(&mut self, token: Token) {
        self.is_store_failing = true;
        let Some((then, records)) = self.pending.remove(&token) else { return };
        self.unsaved.extend(records);
        match then {
            Pending::CaughtUp { intake, .. } => self.not_caught_up(&intake),
            Pending::Heard { conversation, frame, entries } => {
                self.untake(conversation, &entries);
                self.sync.refused_here(conversation);
                entries.iter().for_each(|entry| self.uncount(conversation, entry));
                self.judge(frame, crate::Verdict::Ignore);
            }
            Pending::Asked { person, request } => self.request_not_persisted(person, request),
            Pending::Delivered { person, entries, request, .. } => {
                self.untake(ConversationId::Direct(person), &entries);
                self.push(Output::Respond { request, response: ChatResponse::Busy });
            }
            Pending::Contacts { person, entries, request, .. } => {
                self.untake(ConversationId::Direct(person), &entries);
                let busy = |request| Output::Respond { request, response: ChatResponse::Busy };
                request.into_iter().for_each(|request| self.push(busy(request)));
            }
            Pending::ReadByOther { request, .. } => {
                self.push(Output::Respond { request, response: ChatResponse::Busy });
            }
            Pending::Own { conversation, entry, .. } => self.own_not_persisted(conversation, &entry),
            // Gossip has let go of the room already.
            Pending::Left(room) => self.left(room),
            Pending::Redeemed { ticket, person, request, .. } => {
                self.use_not_counted(ticket, person, request);
            }
            Pending::LetIn { ticket, person, request, .. } => {
                self.not_let_in_by_ticket(ticket, person, request);
            }
            Pending::OpeningAnswered { ticket, .. } => self.opening_not_answered(ticket),
            Pending::Knocked { room, person, request } => self.knock_not_persisted(room, person, request),
            // What is written again with the next tick, or asked for again.
            Pending::Entered { .. } | Pending::Secrets { .. } => {}
            Pending::Note
            | Pending::InviteMade(_)
            | Pending::Opened(_)
            | Pending::InvitesChanged
            | Pending::Saved(_)
            | Pending::Joined(_)
            | Pending::Echoed { .. }
            | Pending::Profile(_)
            | Pending::Privacy(_) => {}
        }
    }

    /// Sends what waits, as far as somebody takes it. Call it after a round of inputs, so that
    /// entries written at once travel together. Comparisons that are due begin then, too.
    pub fn flush_outboxes(&mut self, now_ms: u64) {
        self.fetch_queued(now_ms);
        self.tell_read(now_ms);
        self.ask_who_is_here(now_ms);
        let waiting = |conversation: &&Conversation| {
            !conversation.outbox.is_empty()
                && conversation.in_flight == 0
                && conversation.retry_at_ms <= now_ms
        };
        let ids: Vec<ConversationId> =
            self.conversations.values().filter(waiting).map(Conversation::id).collect();
        for id in ids {
            match id {
                ConversationId::Room(room) | ConversationId::Control(room) => {
                    self.publish_outbox(now_ms, id, room)
                }
                ConversationId::Direct(person) => self.deliver_outbox(person),
            }
        }
        self.start_sessions(now_ms);
    }

    /// Asks the store for more of the outboxes that run low.
    fn fetch_queued(&mut self, now_ms: u64) {
        let due = |known: &mut Conversation| Some((known.id(), known.outbox.next_fetch(now_ms)?));
        let due: Vec<_> = self.conversations.values_mut().filter_map(due).collect();
        for (conversation, after) in due {
            self.push(Output::ReadQueued { conversation, after });
        }
    }

    /// The store has read more of an outbox; `None`: it could not, and is asked again later.
    pub fn queued_read(&mut self, now_ms: u64, id: ConversationId, queued: Option<Vec<StoredEntry>>) {
        let Some(known) = self.conversations.get_mut(&id) else { return };
        match queued {
            Some(queued) => known.outbox.fetched(queued.into_iter().map(|stored| stored.entry).collect()),
            None => known.outbox.not_fetched(now_ms),
        }
    }

    /// Takes entries from an outbox that have left, or never will, and tells how far they came.
    pub(crate) fn gone_out(
        &mut self,
        now_ms: u64,
        id: ConversationId,
        entries: usize,
        deliveries: impl IntoIterator<Item = Delivery>,
    ) {
        let Some(known) = self.conversations.get_mut(&id) else { return };
        let keys = known.outbox.take(entries).into_iter().zip(deliveries);
        let gone: Vec<_> = keys.filter_map(|(key, delivery)| Some((key?, delivery))).collect();
        known.noting.extend(gone.iter().map(|(key, _)| key));
        self.set_deliveries(id, gone);
        self.fetch_queued(now_ms);
    }

    /// Tells that entries came further, and notes it for later.
    ///
    /// This is the one thing told before our own disk has it: it is a fact about the other's disk,
    /// or about what left this device. Should we forget it, the entry is sent again, taken once,
    /// and found to have come as far. Of an entry that our disk does not have itself, nothing is told.
    pub(crate) fn set_deliveries(&mut self, id: ConversationId, deliveries: Vec<(EntryKey, Delivery)>) {
        for (key, delivery) in deliveries {
            if let Some(known) = self.conversations.get_mut(&id)
                && let Some(way) = known.writing.get_mut(&key)
            {
                *way = Way::Gone(delivery);
                continue;
            }
            self.later.push(Write::SetDelivery { conversation: id, key, delivery });
            if let Some(conversation) = self.conversations.get_mut(&id) {
                conversation.delivery_changed(key, delivery);
            }
            self.is_read_in_vain(id, key);
            self.tell(id, ConversationEvent::DeliveryChanged { key, delivery });
        }
        if self.later.len() >= LATER_MAX {
            self.persist_later();
        }
    }

    /// Makes last what was only noted, or was refused before, so that whoever reads the store finds it.
    pub fn persist_later(&mut self) {
        let mut deliveries = Vec::new();
        for record in std::mem::take(&mut self.unsaved) {
            self.later.extend(self.write_of(record));
            deliveries.extend(record.delivery());
        }
        if !self.later.is_empty() {
            self.persist(Vec::new(), Pending::Saved(deliveries));
        }
    }

    /// Tells again how far entries have come: who read them meanwhile saw what the disk had.
    fn deliveries_saved(&mut self, deliveries: Vec<(ConversationId, EntryKey, Delivery)>) {
        for (id, key, delivery) in deliveries {
            if let Some(conversation) = self.conversations.get_mut(&id) {
                conversation.delivery_changed(key, delivery);
            }
            self.is_read_in_vain(id, key);
            self.tell(id, ConversationEvent::DeliveryChanged { key, delivery });
        }
    }

    /// The conversation that a tag of ours belongs to, if it is this one.
    pub(crate) fn belongs(&self, id: ConversationId, tag: ConversationTag) -> bool {
        id.tag(self.me()) == tag
    }

    /// Whether an entry with this id was stored lately.
    pub(crate) fn is_recent(&self, id: EntryId) -> bool {
        self.recent.contains(id)
    }

    /// Takes entries of others into a batch of writes.
    pub(crate) fn take(&mut self, now_ms: u64, id: ConversationId, entries: &[Entry]) -> Vec<Write> {
        for entry in entries {
            self.follow_clock(now_ms, entry);
            if self.recent.add(entry.id())
                && let Some(conversation) = self.conversations.get_mut(&id)
            {
                conversation.follow(entry);
            }
        }
        let put = |entry| put_entry(id, entry, self.delivery_on_arrival(id, entry), now_ms);
        entries.iter().map(put).collect()
    }

    /// Our disk has not taken entries: they did not come, and an entry of ours that named one of them as
    /// seen would name what perhaps nobody has.
    pub(crate) fn untake(&mut self, id: ConversationId, entries: &[Entry]) {
        self.recent.forget(entries);
        self.steps_arrived(id, entries);
        if let Some(conversation) = self.conversations.get_mut(&id) {
            entries.iter().for_each(|entry| conversation.unfollow(entry));
        }
    }

    /// Whether an entry is further ahead than is kept. A step must be within what our own clock follows:
    /// ours could not come after it.
    pub(crate) fn is_ahead(&self, now_ms: u64, id: ConversationId, entry: &Entry) -> bool {
        let ahead_max_ms = match id {
            ConversationId::Control(_) => CLOCK_FOLLOW_MAX_MS,
            ConversationId::Direct(_) | ConversationId::Room(_) => limits::CLOCK_AHEAD_MAX_MS,
        };
        entry.value().clock.ms() > now_ms + ahead_max_ms
    }

    /// Keeps our clock past an entry, unless that is further ahead than we may be.
    pub(crate) fn follow_clock(&mut self, now_ms: u64, entry: &Entry) {
        let latest = Hlc::from_ms(now_ms + CLOCK_FOLLOW_MAX_MS);
        self.clock = self.clock.max(entry.value().clock.min(latest));
    }

    /// Hands writes to the store, together with what was noted before. A lone entry goes alone: the
    /// store is quicker with one change than with two, and somebody waits for it.
    pub(crate) fn persist(&mut self, mut writes: Vec<Write>, then: Pending) -> Token {
        writes.extend(self.missing_beside(&writes));
        if !matches!(writes[..], [Write::PutEntry { .. }]) {
            writes.append(&mut self.later);
        }
        self.next_token += 1;
        let token = Token(self.next_token);
        let records = writes.iter().filter_map(Record::of).collect();
        self.pending.insert(token, (then, records));
        self.push(Output::Persist { token, writes });
        token
    }

    /// Tells the faces. They see no control log: what follows from one is told of its room.
    pub(crate) fn tell(&mut self, id: ConversationId, change: ConversationEvent) {
        if matches!(id, ConversationId::Control(_)) {
            return;
        }
        if let Some(conversation) = self.conversations.get_mut(&id) {
            let rev = conversation.next_rev();
            self.push(Output::Emit(Event::Conversation { conversation: id, rev, change }));
        }
    }

    pub(crate) fn person_changed(&mut self, person: PersonId) {
        self.people_views = None;
        self.request_views = None;
        self.sync.members_changed();
        self.push(Output::Emit(Event::PersonChanged { person }));
    }

    /// Says what becomes of a gossip frame; the driver uses it for frames that do not decode.
    pub fn judge(&mut self, frame: FrameToken, verdict: crate::Verdict) {
        self.push(Output::Judge { frame, verdict });
    }

    pub(crate) fn push(&mut self, output: Output) {
        self.outputs.push_back(output);
    }

    /// Opens the chat with a person in memory and on disk, once.
    pub(crate) fn open_chat(&mut self, person: PersonId) {
        let id = ConversationId::Direct(person);
        if self.conversations.contains_key(&id) {
            return;
        }
        self.people.keep(person);
        let record = ConversationRecord::new(id, None);
        self.conversations.insert(id, Conversation::new(record.clone()));
        self.persist(vec![Write::PutConversation(record)], Pending::Note);
        self.tell(id, ConversationEvent::Opened);
    }
}

pub(crate) fn put_entry(
    conversation: ConversationId,
    entry: &Entry,
    delivery: Delivery,
    received_ms: u64,
) -> Write {
    Write::PutEntry { conversation, stored: StoredEntry { entry: entry.clone(), delivery, received_ms } }
}
