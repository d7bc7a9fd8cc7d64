//! A mesh of cores without I/O: their outputs are carried by a network, disks and a clock that
//! live in one seed. Every promise that can be checked while it runs is checked here, so that no
//! story has to remember it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use kinmesh_core::{
    Acquaintance, BatchToken, CallFault, CallToken, ConversationEvent, Core, EntryView, Event, FrameToken,
    Output, Pace, Pacer, QUEUED_FETCH_MAX, Read, ReadAnswer, ReadToken, RequestToken, Route, Seen,
    SendRefusal, StoredConversation, StoredQueue, SyncFault, SyncToken, Token, Verdict,
};
use kinmesh_proto::record::{Snapshot, StoredEntry, Write};
use kinmesh_proto::{
    CallId, CallRequest, CallResponse, ChatRequest, ChatResponse, ConversationId, ConversationRecord,
    Delivery, DeviceId, DeviceKeys, DisplayName, Entry, EntryKey, Hello, InviteRequest, InviteResponse,
    KeyRange, PageAt, PageItem, PersonId, Receipt, RoomFrame, RoomId, RoomName, StatusLine, SyncRequest,
    SyncResponse, TicketId, codec, limits,
};
use kinmesh_store::{HistoryStore, MemoryStore};
use rand::SeedableRng;
use rand::rngs::StdRng;

/// When every story begins, in Unix milliseconds.
pub(crate) const START_MS: u64 = 1_793_000_000_000;
/// How often the driver pings.
const PING_EVERY_MS: u64 = 10_000;

/// A question about a history that is not answered within this has failed, as in the driver.
const SYNC_TIMEOUT_MS: u64 = 60_000;

/// Names the questions that stories ask.
const OURS: SyncToken = SyncToken(0);

/// SplitMix64: small, and the same everywhere.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % end as u64) as usize
    }

    pub(crate) fn percent(&mut self, chance: usize) -> bool {
        self.below(100) < chance
    }
}

/// What the network does wrong, in per cent.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Faults {
    /// Gossip that is lost.
    pub(crate) gossip_lost: usize,
    /// Requests and answers that are lost; the one who asked learns only that it failed.
    pub(crate) chat_lost: usize,
    /// The same of deliveries in chats alone.
    pub(crate) deliveries_lost: usize,
    /// Anything that comes twice.
    pub(crate) repeated: usize,
    /// Whether what is under way overtakes each other.
    pub(crate) shuffled: bool,
}

enum Parcel {
    Gossip { from: usize, to: usize, topic: String, room: RoomId, frame: RoomFrame, is_copy: bool },
    Request { from: usize, to: usize, batch: BatchToken, request: ChatRequest },
    Answer { from: usize, to: usize, batch: BatchToken, response: ChatResponse },
    Failure { to: usize, batch: BatchToken },
    Hello { from: usize, to: usize, hello: Hello, wants_answer: bool },
    Question { from: usize, to: usize, token: SyncToken, request: SyncRequest },
    Reply { from: usize, to: usize, token: SyncToken, response: SyncResponse },
    Silence { to: usize, token: SyncToken },
    Ticket { from: usize, to: usize, ticket: TicketId, request: Option<InviteRequest> },
    TicketAnswer { from: usize, to: usize, ticket: TicketId, response: Option<InviteResponse> },
    Call { from: usize, to: usize, token: CallToken, request: Option<CallRequest> },
    CallAnswer { from: usize, to: usize, token: CallToken, response: Option<CallResponse> },
}

/// Between which devices voice goes, and under which numbers: theirs, ours.
type Line = (DeviceId, u32, u32);

/// What a core wants to know of its disk.
enum Look {
    Read(ReadToken, Read),
    Queued(ConversationId, Option<EntryKey>),
}

/// Answers in the place of a peer's core.
pub(crate) type Impostor = Box<dyn FnMut(&SyncRequest) -> Option<SyncResponse>>;

/// One peer with its disk and with what it told its faces.
pub(crate) struct Peer {
    pub(crate) core: Core,
    pub(crate) disk: MemoryStore,
    pub(crate) disk_works: bool,
    /// Writes and reads wait until this is taken away.
    pub(crate) disk_stands_still: bool,
    /// Everything told, in order.
    pub(crate) told: Vec<Event>,
    /// Verdicts about frames that came to this peer, in order.
    pub(crate) verdicts: Vec<Verdict>,
    /// Answers that this peer gave in chats, in order.
    pub(crate) answers: Vec<ChatResponse>,
    /// Requests that this peer made in chats since its start, in order.
    pub(crate) asked: Vec<ChatRequest>,
    /// Who misbehaved, and how, in order.
    pub(crate) faults: Vec<(DeviceId, SyncFault)>,
    /// Bytes of questions about histories, and of answers, that came to this peer.
    pub(crate) sync_bytes: usize,
    /// Entries that came to this peer by gossip.
    pub(crate) gossiped: usize,
    /// The questions that came to this peer, in order.
    pub(crate) questions: Vec<SyncRequest>,
    /// Takes questions about histories before the core does.
    pub(crate) impostor: Option<Impostor>,
    /// How long it, or its impostor, leaves questions about histories lying, in milliseconds. Who asked
    /// gives up after a minute.
    pub(crate) dawdles_ms: u64,
    /// How much further its clock is than everybody's, in milliseconds.
    pub(crate) ahead_ms: u64,
    /// When presence was published, and where.
    pub(crate) beacons: Vec<(u64, RoomId)>,
    /// Devices with which no connection is taken.
    pub(crate) kept_out: BTreeSet<DeviceId>,
    seeds: ([u8; 32], [u8; 32]),
    device: DeviceId,
    writes: VecDeque<(Token, Vec<Write>)>,
    reads: VecDeque<Look>,
    added: BTreeSet<(ConversationId, EntryKey)>,
    revs: BTreeMap<ConversationId, u64>,
    /// The rooms it takes part in, and on which topics.
    rooms: BTreeMap<RoomId, String>,
    seen: BTreeSet<Vec<u8>>,
    frames: BTreeMap<FrameToken, (usize, RoomId, RoomFrame)>,
    requests: BTreeMap<RequestToken, (usize, BatchToken, Vec<EntryKey>)>,
    sync_asked: BTreeMap<RequestToken, (usize, SyncToken)>,
    /// Answers that this peer gave to tickets, in order.
    pub(crate) ticket_answers: Vec<InviteResponse>,
    tickets: BTreeMap<RequestToken, (usize, TicketId)>,
    call_asked: BTreeMap<RequestToken, (usize, CallToken)>,
    /// The lines of its calls that stand.
    pub(crate) lines: BTreeMap<(CallId, PersonId), Line>,
    /// What it said about calls, in order.
    pub(crate) said_of_calls: Vec<CallRequest>,
    /// What it answered about calls, in order.
    pub(crate) call_answers: Vec<CallResponse>,
    /// Whether its voice reaches anybody.
    pub(crate) is_heard: bool,
    /// What it answers about calls, whatever its core would say.
    pub(crate) call_impostor: Option<CallResponse>,
    /// Whether its program is from before there were calls.
    pub(crate) knows_no_calls: bool,
    /// The answer to a question that a story asked in its place.
    answer: Option<SyncResponse>,
}

impl Peer {
    fn new(index: usize, now_ms: u64) -> Self {
        let seed = |kind: u8| {
            let mut seed = [kind; 32];
            seed[..8].copy_from_slice(&(index as u64).to_be_bytes());
            seed
        };
        let seeds = (seed(1), seed(2));
        let device = keys(seeds).device();
        let core = Core::new(keys(seeds), Snapshot::default(), now_ms, StdRng::seed_from_u64(index as u64));
        Self {
            core,
            disk: MemoryStore::new(),
            disk_works: true,
            disk_stands_still: false,
            told: Vec::new(),
            verdicts: Vec::new(),
            answers: Vec::new(),
            asked: Vec::new(),
            faults: Vec::new(),
            sync_bytes: 0,
            gossiped: 0,
            questions: Vec::new(),
            impostor: None,
            dawdles_ms: 0,
            ahead_ms: 0,
            beacons: Vec::new(),
            kept_out: BTreeSet::new(),
            seeds,
            device,
            writes: VecDeque::new(),
            reads: VecDeque::new(),
            added: BTreeSet::new(),
            revs: BTreeMap::new(),
            rooms: BTreeMap::new(),
            seen: BTreeSet::new(),
            frames: BTreeMap::new(),
            requests: BTreeMap::new(),
            sync_asked: BTreeMap::new(),
            ticket_answers: Vec::new(),
            tickets: BTreeMap::new(),
            call_asked: BTreeMap::new(),
            lines: BTreeMap::new(),
            said_of_calls: Vec::new(),
            call_answers: Vec::new(),
            is_heard: true,
            call_impostor: None,
            knows_no_calls: false,
            answer: None,
        }
    }

    /// Keys of this peer, for words that its program would never say.
    pub(crate) fn keys(&self) -> DeviceKeys {
        keys(self.seeds)
    }

    /// What its person's key is made of, for another device of theirs.
    pub(crate) fn person_seed(&self) -> [u8; 32] {
        self.seeds.0
    }

    pub(crate) fn person(&self) -> PersonId {
        self.core.me()
    }

    pub(crate) fn device(&self) -> DeviceId {
        self.device
    }

    /// The history on its disk, in the order shown.
    pub(crate) fn history(&self, conversation: ConversationId) -> Vec<StoredEntry> {
        let mut entries = self.disk.entries_in(conversation, KeyRange::ALL, usize::MAX).unwrap();
        entries.reverse();
        entries
    }

    /// Entries of its own that wait to go out, as its core asks for them.
    fn queued(&self, conversation: ConversationId, after: Option<EntryKey>) -> Vec<StoredEntry> {
        self.disk.queued(conversation, after, QUEUED_FETCH_MAX).unwrap()
    }

    /// The posts among it, each with all that changed it.
    pub(crate) fn posts(&self, conversation: ConversationId) -> Vec<PageItem> {
        self.disk.page(conversation, PageAt::Newest, usize::MAX).unwrap()
    }

    /// What its faces show of a conversation: of what is withheld, why; of the rest, the text.
    pub(crate) fn shown(&self, conversation: ConversationId) -> Vec<EntryView> {
        let lens = self.core.lens(conversation);
        let shows = |author, at| lens.shows_changes(author, at);
        let posts = self.disk.page_through(conversation, PageAt::Newest, usize::MAX, &shows).unwrap();
        let pace = self.pace(conversation, &lens.pacer(), &posts);
        let seen = posts.into_iter().filter_map(|item| lens.look(item, &pace));
        seen.map(|seen| seen.view(conversation, None)).collect()
    }

    /// The newest post, as it is seen.
    fn last(&self, conversation: ConversationId) -> Option<Seen> {
        let post = self.disk.page(conversation, PageAt::Newest, 1).unwrap().pop();
        let lens = self.core.lens(conversation);
        let pace = self.pace(conversation, &lens.pacer(), &post);
        lens.look(post?, &pace)
    }

    /// What the authors of these posts posted before, where they had to wait.
    fn pace<'p>(
        &self,
        conversation: ConversationId,
        pacer: &Pacer,
        posts: impl IntoIterator<Item = &'p PageItem>,
    ) -> Pace {
        let waits: Vec<_> = posts.into_iter().filter_map(|item| pacer.wait(&item.post.entry)).collect();
        let before = self.disk.posts_before(conversation, &waits).unwrap();
        Pace::of(&waits, before)
    }

    /// Posts of others after this key of which something is shown.
    fn unread(&self, conversation: ConversationId, after: Option<EntryKey>) -> usize {
        if self.core.lens(conversation).is_clear() {
            return self.disk.unread(conversation, after, kinmesh_core::UNREAD_CAP).unwrap();
        }
        let counts = |view: &EntryView| {
            Some(view.key) > after && view.delivery == Delivery::Received && view.withheld.is_none()
        };
        self.shown(conversation).iter().filter(|view| counts(view)).count().min(kinmesh_core::UNREAD_CAP)
    }

    pub(crate) fn post(&self, conversation: ConversationId, key: EntryKey) -> Option<PageItem> {
        self.disk.post(conversation, key).unwrap()
    }

    pub(crate) fn texts(&self, conversation: ConversationId) -> Vec<String> {
        let text = |stored: &StoredEntry| stored.entry.text().unwrap().to_owned();
        self.history(conversation).iter().map(text).collect()
    }

    /// What its faces were told of new entries, in the order of telling.
    pub(crate) fn told_texts(&self, conversation: ConversationId) -> Vec<String> {
        let told = self.told.iter().filter_map(|event| match event {
            Event::Conversation {
                conversation: at, change: ConversationEvent::EntryAdded { entry }, ..
            } if *at == conversation => entry.text.clone(),
            _ => None,
        });
        told.collect()
    }

    pub(crate) fn is_told(&self, change: &ConversationEvent) -> bool {
        self.told
            .iter()
            .any(|event| matches!(event, Event::Conversation { change: told, .. } if told == change))
    }

    pub(crate) fn is_online(&mut self, person: PersonId) -> bool {
        let people = self.core.overview().people;
        people.iter().any(|view| view.person == person && view.online.is_online())
    }

    /// How far an entry of ours has come, as the faces show it.
    pub(crate) fn delivery(&self, conversation: ConversationId, key: EntryKey) -> Delivery {
        let told = self.told.iter().rev().find_map(|event| match event {
            Event::Conversation {
                change: ConversationEvent::DeliveryChanged { key: of, delivery }, ..
            } if *of == key => Some(*delivery),
            _ => None,
        });
        let stored = || self.history(conversation).into_iter().find(|stored| stored.entry.key() == key);
        told.unwrap_or_else(|| stored().unwrap().delivery)
    }

    fn has(&self, conversation: ConversationId, key: EntryKey) -> bool {
        !self.disk.entries(conversation, &[key], usize::MAX).unwrap().is_empty()
    }

    /// A fact for the faces: it must be true by now.
    fn hear(&mut self, event: Event) {
        if let Event::Conversation { conversation, rev, change } = &event {
            let last = self.revs.insert(*conversation, *rev).unwrap_or(0);
            assert_eq!(*rev, last + 1, "events of a conversation are counted without a gap");
            match change {
                ConversationEvent::EntryAdded { entry } => {
                    assert!(self.has(*conversation, entry.key), "shown before it was on disk");
                    assert!(self.added.insert((*conversation, entry.key)), "shown twice");
                }
                ConversationEvent::DeliveryChanged { key, .. } => {
                    assert!(self.has(*conversation, *key), "told of an entry that is not on disk");
                }
                _ => {}
            }
        }
        self.told.push(event);
    }
}

fn keys((person, device): ([u8; 32], [u8; 32])) -> DeviceKeys {
    DeviceKeys::generate(&person, &device, START_MS)
}

/// All peers, and what is under way between them.
pub(crate) struct Mesh {
    pub(crate) now_ms: u64,
    pub(crate) peers: Vec<Peer>,
    pub(crate) faults: Faults,
    pub(crate) dice: Dice,
    /// Whether requests to become contacts are accepted as soon as they come.
    pub(crate) accept_requests: bool,
    links: BTreeSet<(usize, usize)>,
    /// Who ended a dead connection, and with whom, in order.
    pub(crate) redialled: Vec<(usize, usize)>,
    /// Tickets shown to their makers, by whom and to whom, in order.
    pub(crate) tickets_shown: Vec<(usize, usize, InviteRequest)>,
    wire: Vec<Parcel>,
    /// What is carried only later, and when.
    later: Vec<(u64, Parcel)>,
    next_token: u64,
}

impl Mesh {
    /// Peers that have names, know nobody and are connected to nobody.
    pub(crate) fn new(peers: usize, seed: u64) -> Self {
        let mut mesh = Self {
            now_ms: START_MS,
            peers: (0..peers).map(|index| Peer::new(index, START_MS)).collect(),
            faults: Faults::default(),
            dice: Dice::new(seed),
            accept_requests: true,
            links: BTreeSet::new(),
            redialled: Vec::new(),
            tickets_shown: Vec::new(),
            wire: Vec::new(),
            later: Vec::new(),
            next_token: 0,
        };
        for index in 0..peers {
            let name = DisplayName::new(&format!("peer {index}")).unwrap();
            mesh.peers[index].core.set_profile(name, StatusLine::default());
        }
        mesh.settle();
        mesh
    }

    /// The same, all connected to all and in the lobby.
    pub(crate) fn in_the_lobby(peers: usize, seed: u64) -> (Self, ConversationId) {
        let mut mesh = Self::new(peers, seed);
        for one in 0..peers {
            for two in one + 1..peers {
                mesh.link(one, two);
            }
        }
        let rooms: Vec<RoomId> = (0..peers).map(|index| mesh.join(index, "lobby")).collect();
        (mesh, ConversationId::Room(rooms[0]))
    }

    /// One more peer, that has a name and is connected to nobody.
    pub(crate) fn add(&mut self) {
        let index = self.peers.len();
        self.peers.push(Peer::new(index, self.now_ms));
        let name = DisplayName::new(&format!("peer {index}")).unwrap();
        self.peers[index].core.set_profile(name, StatusLine::default());
        self.settle();
    }

    /// Counts what travels of histories from now on.
    pub(crate) fn forget_traffic(&mut self) {
        for peer in &mut self.peers {
            peer.sync_bytes = 0;
            peer.gossiped = 0;
            peer.questions.clear();
        }
    }

    pub(crate) fn join(&mut self, index: usize, name: &str) -> RoomId {
        let (room, _) = self.peers[index].core.join_room(RoomName::new(name).unwrap()).unwrap();
        self.settle();
        room
    }

    pub(crate) fn send(
        &mut self,
        index: usize,
        to: ConversationId,
        text: &str,
    ) -> Result<EntryKey, SendRefusal> {
        let now_ms = self.clock_of(index);
        let (_, view) = self.peers[index].core.send(now_ms, to, text.to_owned(), None)?;
        self.drain(index);
        Ok(view.key)
    }

    /// Two that are connected become contacts: one asks, the other accepts.
    pub(crate) fn befriend(&mut self, one: usize, two: usize) {
        let (asking, asked) = (self.peers[one].person(), self.peers[two].person());
        let now_ms = self.clock_of(one);
        self.peers[one].core.set_contact(now_ms, asked, true).unwrap();
        self.settle();
        let views = self.peers[one].core.overview().people;
        let standing = views.iter().find(|view| view.person == asked).unwrap().acquaintance;
        assert_eq!(standing, Acquaintance::Contact, "who asked {asking}");
        for index in [one, two] {
            self.peers[index].answers.clear();
            self.peers[index].asked.clear();
        }
    }

    /// The chat with this peer, as others call it.
    pub(crate) fn chat_with(&self, index: usize) -> ConversationId {
        ConversationId::Direct(self.peers[index].person())
    }

    /// What a peer takes for the time.
    fn clock_of(&self, index: usize) -> u64 {
        self.now_ms + self.peers[index].ahead_ms
    }

    /// Puts entries on a peer's disk, as if it had always had them, and starts it anew.
    pub(crate) fn remember(&mut self, index: usize, conversation: ConversationId, entries: &[Entry]) {
        let put = |entry: &Entry| {
            let stored =
                StoredEntry { entry: entry.clone(), delivery: Delivery::Received, received_ms: START_MS };
            Write::PutEntry { conversation, stored }
        };
        let writes: Vec<Write> = entries.iter().map(put).collect();
        self.peers[index].disk.apply(&writes).unwrap();
        self.restart(index);
    }

    /// Takes a peer's disk away, but for its rooms, profile and people, and starts it anew.
    pub(crate) fn lose_entries(&mut self, index: usize) {
        let Snapshot { profile, conversations, people, members, .. } = self.peers[index].disk.load().unwrap();
        let forget = |record: ConversationRecord| ConversationRecord::new(record.id, record.name);
        let mut writes: Vec<Write> = profile.into_iter().map(Write::PutProfile).collect();
        writes.extend(conversations.into_iter().map(forget).map(Write::PutConversation));
        writes.extend(people.into_iter().map(Write::PutPerson));
        writes.extend(members.into_iter().map(Write::PutMember));
        self.peers[index].disk = MemoryStore::new();
        self.peers[index].disk.apply(&writes).unwrap();
        self.restart(index);
    }

    fn are_linked(&self, one: usize, two: usize) -> bool {
        self.links.contains(&(one.min(two), one.max(two)))
    }

    fn neighbours(&self, index: usize) -> Vec<usize> {
        (0..self.peers.len()).filter(|other| self.are_linked(index, *other)).collect()
    }

    /// A connection stands: `one` dialled.
    pub(crate) fn link(&mut self, one: usize, two: usize) {
        self.link_unsettled(one, two);
        self.settle();
    }

    /// The same, with everything that follows from it still to come.
    pub(crate) fn link_unsettled(&mut self, one: usize, two: usize) {
        let keeps_out =
            |here: usize, there: usize| self.peers[here].kept_out.contains(&self.peers[there].device());
        if keeps_out(one, two) || keeps_out(two, one) || !self.links.insert((one.min(two), one.max(two))) {
            return;
        }
        for (here, there) in [(one, two), (two, one)] {
            let device = self.peers[there].device();
            self.peers[here].core.linked(device, Route::Lan);
            self.hear_of_subscriptions(here, there);
        }
        let now_ms = self.clock_of(one);
        if let Some(hello) = self.peers[one].core.hello(now_ms) {
            self.wire.push(Parcel::Hello { from: one, to: two, hello, wants_answer: true });
        }
    }

    fn hear_of_subscriptions(&mut self, here: usize, there: usize) {
        let device = self.peers[there].device();
        let ours = &self.peers[here].rooms;
        let is_ours = |(room, topic): &(&RoomId, &String)| ours.get(room) == Some(topic);
        let rooms: Vec<RoomId> =
            self.peers[there].rooms.iter().filter(is_ours).map(|(room, _)| *room).collect();
        for room in rooms {
            let now_ms = self.clock_of(here);
            self.peers[here].core.subscribed(now_ms, device, room);
        }
    }

    /// A connection breaks.
    pub(crate) fn unlink(&mut self, one: usize, two: usize) {
        if !self.links.remove(&(one.min(two), one.max(two))) {
            return;
        }
        for (here, there) in [(one, two), (two, one)] {
            let device = self.peers[there].device();
            self.peers[here].core.unlinked(device);
            self.drain(here);
        }
    }

    pub(crate) fn isolate(&mut self, index: usize) {
        for other in self.neighbours(index) {
            self.unlink(index, other);
        }
    }

    /// Ends a peer without a word and starts it again from its disk, connected to nobody.
    pub(crate) fn restart(&mut self, index: usize) {
        self.isolate(index);
        let old = std::mem::replace(&mut self.peers[index], Peer::new(index, self.now_ms));
        let snapshot = old.disk.load().unwrap();
        let peer = &mut self.peers[index];
        peer.disk = old.disk;
        peer.core = Core::new(keys(peer.seeds), snapshot, self.now_ms, StdRng::seed_from_u64(index as u64));
        for room in peer.core.rooms_with_log() {
            let log = peer.history(ConversationId::Control(room)).into_iter().map(|stored| stored.entry);
            peer.core.restore_log(self.now_ms, room, log.collect());
            if let Some(wait) = peer.core.own_post_wanted(self.now_ms, room) {
                let own = peer.disk.posts_before(ConversationId::Room(room), &[wait]).unwrap();
                own.into_iter().flatten().for_each(|post| peer.core.restore_own_post(room, post));
            }
        }
        for StoredConversation { id, read, sent } in peer.core.stored_conversations() {
            let (newest, last) = (peer.disk.newest(id).unwrap(), peer.last(id));
            let count = peer.disk.count_queued(id, sent).unwrap();
            let queued = StoredQueue { front: peer.queued(id, sent), count };
            let unread = peer.unread(id, read);
            peer.core.restore_conversation(id, newest, last, queued, unread);
        }
        self.settle();
    }

    /// Asks a peer about a history, in the place of another one's core.
    pub(crate) fn ask_history(&mut self, from: usize, to: usize, request: SyncRequest) -> SyncResponse {
        self.next_token += 1;
        let asked = RequestToken(self.next_token);
        let (now_ms, device) = (self.clock_of(to), self.peers[from].device());
        self.peers[to].sync_asked.insert(asked, (from, OURS));
        self.peers[to].core.sync_request(now_ms, device, request, asked);
        self.settle();
        self.peers[from].answer.take().expect("answered")
    }

    /// Carries one thing, and lets a second pass when there is none.
    pub(crate) fn step_in_time(&mut self) -> bool {
        if self.step() {
            return true;
        }
        self.now_ms += 1_000;
        self.put_on_the_wire_what_is_due();
        for index in 0..self.peers.len() {
            let now_ms = self.clock_of(index);
            self.peers[index].core.tick(now_ms);
            self.drain(index);
        }
        self.now_ms < START_MS + 60_000
    }

    /// Lets time pass, second by second, with pings as the driver has them.
    pub(crate) fn advance(&mut self, ms: u64) {
        let end = self.now_ms + ms;
        while self.now_ms < end {
            self.now_ms += 1_000;
            self.put_on_the_wire_what_is_due();
            for index in 0..self.peers.len() {
                let pinged = if self.now_ms.is_multiple_of(PING_EVERY_MS) {
                    self.neighbours(index)
                } else {
                    Vec::new()
                };
                for other in pinged {
                    let device = self.peers[other].device();
                    let now_ms = self.clock_of(index);
                    self.peers[index].core.alive(now_ms, device);
                }
                let now_ms = self.clock_of(index);
                self.peers[index].core.tick(now_ms);
                self.accept_what_waits(index);
            }
            self.settle();
            self.talk();
        }
    }

    /// Lets everybody in a call be heard, as far as both ends agree on their line.
    pub(crate) fn talk(&mut self) {
        for to in 0..self.peers.len() {
            for ((call, person), (device, theirs, ours)) in self.peers[to].lines.clone() {
                let from = self.peers.iter().position(|peer| peer.device() == device).unwrap();
                let me = (self.peers[to].device(), ours, theirs);
                let is_mutual = self.peers[from].lines.values().any(|line| *line == me);
                if is_mutual && self.peers[from].is_heard && self.are_linked(from, to) {
                    let now_ms = self.clock_of(to);
                    self.peers[to].core.media_heard(now_ms, call, person);
                }
            }
            self.drain(to);
        }
        self.settle();
    }

    fn put_on_the_wire_what_is_due(&mut self) {
        let now_ms = self.now_ms;
        self.wire.extend(self.later.extract_if(.., |(at_ms, _)| *at_ms <= now_ms).map(|(_, parcel)| parcel));
    }

    fn send_question(&mut self, from: usize, to: usize, token: SyncToken, request: SyncRequest) {
        match self.peers[to].dawdles_ms {
            0 => self.wire.push(Parcel::Question { from, to, token, request }),
            ms if ms < SYNC_TIMEOUT_MS => {
                self.later.push((self.now_ms + ms, Parcel::Question { from, to, token, request }));
            }
            _ => self.later.push((self.now_ms + SYNC_TIMEOUT_MS, Parcel::Silence { to: from, token })),
        }
    }

    /// Carries everything to where it goes, until nothing is under way.
    pub(crate) fn settle(&mut self) {
        (0..self.peers.len()).for_each(|index| self.drain(index));
        while self.step() {}
    }

    /// Carries one thing: a parcel, or one group of writes. False when there is none.
    pub(crate) fn step(&mut self) -> bool {
        let busy =
            |peer: &Peer| !peer.disk_stands_still && (!peer.writes.is_empty() || !peer.reads.is_empty());
        let disks: Vec<usize> = (0..self.peers.len()).filter(|index| busy(&self.peers[*index])).collect();
        let choices = disks.len() + self.wire.len();
        if choices == 0 {
            return false;
        }
        let choice = if self.faults.shuffled { self.dice.below(choices) } else { 0 };
        match disks.get(choice) {
            Some(index) if self.peers[*index].writes.is_empty() => self.look_up(*index),
            Some(index) => self.write(*index),
            None => {
                let parcel = self.wire.remove(choice - disks.len());
                self.carry(parcel);
            }
        }
        true
    }

    fn write(&mut self, index: usize) {
        let peer = &mut self.peers[index];
        let (token, writes) = peer.writes.pop_front().unwrap();
        if peer.disk_works {
            let fresh = peer.disk.apply(&writes).unwrap();
            peer.core.persisted(self.now_ms + peer.ahead_ms, token, &fresh);
        } else {
            peer.core.not_persisted(token);
        }
        self.drain(index);
    }

    /// Does what a core decided, and lets it hand over what waits, as the driver does each round.
    pub(crate) fn drain(&mut self, index: usize) {
        let now_ms = self.clock_of(index);
        self.peers[index].core.flush_outboxes(now_ms);
        while let Some(output) = self.peers[index].core.poll_output() {
            self.do_output(index, output);
        }
    }

    fn do_output(&mut self, index: usize, output: Output) {
        match output {
            Output::Persist { token, writes } => self.peers[index].writes.push_back((token, writes)),
            Output::CountUnread { conversation, after } => {
                let peer = &mut self.peers[index];
                let unread = peer.unread(conversation, after);
                peer.core.unread_counted(conversation, after, unread);
            }
            Output::ReadPost { conversation, key, lens } => {
                let peer = &mut self.peers[index];
                let shows = |author, at| lens.shows_changes(author, at);
                let post = peer.disk.post_through(conversation, key, &shows).unwrap();
                let pace = peer.pace(conversation, &lens.pacer(), &post);
                peer.core.post_read(conversation, key, post, &pace);
            }
            Output::ReadQueued { conversation, after } => {
                self.peers[index].reads.push_back(Look::Queued(conversation, after));
            }
            Output::Emit(event) => self.hear(index, event),
            Output::Subscribe(room) => {
                let topic = self.peers[index].core.topic(room).expect("subscribed where it is met");
                assert_eq!(self.peers[index].rooms.insert(room, topic), None, "one topic at a time");
                for other in self.neighbours(index) {
                    self.hear_of_subscriptions(index, other);
                    self.hear_of_subscriptions(other, index);
                }
            }
            Output::Unsubscribe(room) => {
                let topic = self.peers[index].rooms.remove(&room);
                let device = self.peers[index].device();
                for other in self.neighbours(index) {
                    if self.peers[other].rooms.get(&room) == topic.as_ref() {
                        self.peers[other].core.unsubscribed(device, room);
                    }
                }
            }
            Output::PublishEntries { room, conversation, frame, keys } => {
                if self.publish(index, room, &frame) {
                    self.peers[index].core.published(self.now_ms, conversation, &keys);
                } else {
                    self.peers[index].core.not_published(self.now_ms, conversation, &keys);
                }
            }
            Output::PublishPresence { room, frame } => {
                self.peers[index].beacons.push((self.now_ms, room));
                self.publish(index, room, &frame);
            }
            Output::PublishTyping { room, frame } | Output::PublishVoice { room, frame } => {
                self.publish(index, room, &frame);
            }
            Output::Judge { frame, verdict } => self.judged(index, frame, verdict),
            Output::Deliver { device, batch, request } => {
                let to = self.peers.iter().position(|peer| peer.device() == device).unwrap();
                self.ask(index, to, batch, request);
            }
            Output::Tell { device, request } => {
                let to = self.peers.iter().position(|peer| peer.device() == device).unwrap();
                let batch = BatchToken { person: self.peers[to].person(), number: u64::MAX };
                self.ask(index, to, batch, request);
            }
            Output::Respond { request, response } => self.answer(index, request, response),
            Output::Sync { device, token, request } => {
                let to = self.peers.iter().position(|peer| peer.device() == device).unwrap();
                // Who is impersonated asks nothing.
                if self.peers[index].impostor.is_some() || self.dice.percent(self.faults.chat_lost) {
                    return self.wire.push(Parcel::Silence { to: index, token });
                }
                self.send_question(index, to, token, request);
            }
            Output::RespondSync { request, response } => {
                let (to, token) = self.peers[index].sync_asked.remove(&request).expect("answered once");
                if self.dice.percent(self.faults.chat_lost) {
                    return self.wire.push(Parcel::Silence { to, token });
                }
                if token == OURS {
                    self.peers[to].answer = Some(response);
                    return;
                }
                self.wire.push(Parcel::Reply { from: index, to, token, response });
            }
            Output::Read { token, read } => self.peers[index].reads.push_back(Look::Read(token, read)),
            Output::Misbehaved { device, fault } => self.peers[index].faults.push((device, fault)),
            Output::KeepOut { device } => {
                let other = self.peers.iter().position(|peer| peer.device() == device).unwrap();
                self.peers[index].kept_out.insert(device);
                self.unlink(index, other);
            }
            Output::LetIn { device } => {
                self.peers[index].kept_out.remove(&device);
            }
            Output::Redeem { device, ticket, request } => {
                let to = self.peers.iter().position(|peer| peer.device() == device).unwrap();
                self.tickets_shown.push((index, to, request.clone()));
                let lost = self.dice.percent(self.faults.chat_lost);
                let request = (!lost).then_some(request);
                self.wire.push(Parcel::Ticket { from: index, to, ticket, request });
            }
            Output::RespondInvite { request, response } => {
                let (to, ticket) = self.peers[index].tickets.remove(&request).expect("answered once");
                self.peers[index].ticket_answers.push(response);
                let lost = self.dice.percent(self.faults.chat_lost);
                let response = (!lost).then_some(response);
                self.wire.push(Parcel::TicketAnswer { from: index, to, ticket, response });
            }
            Output::CallAsk { device, token, request } => {
                assert!(codec::encode(&request).len() as u64 <= limits::CALL_REQUEST_MAX);
                let to = self.peers.iter().position(|peer| peer.device() == device).unwrap();
                self.peers[index].said_of_calls.push(request.clone());
                let request = (!self.dice.percent(self.faults.chat_lost)).then_some(request);
                self.wire.push(Parcel::Call { from: index, to, token, request });
            }
            Output::CallRespond { request, response } => {
                let (to, token) = self.peers[index].call_asked.remove(&request).expect("answered once");
                self.peers[index].call_answers.push(response);
                let response = (!self.dice.percent(self.faults.chat_lost)).then_some(response);
                self.wire.push(Parcel::CallAnswer { from: index, to, token, response });
            }
            Output::OpenLine { call, person, device, theirs, ours } => {
                let line = (device, theirs, ours);
                assert_eq!(self.peers[index].lines.insert((call, person), line), None, "opened twice");
            }
            Output::CloseLine { call, person } => {
                assert!(self.peers[index].lines.remove(&(call, person)).is_some(), "closed, and not open");
            }
            Output::Find { told_by, reach } => {
                let at = |device| self.peers.iter().position(|peer| peer.device() == device).unwrap();
                let (teller, found) = (at(told_by), at(reach.device));
                assert!(self.neighbours(index).contains(&teller), "told by somebody who is not here");
                self.link_unsettled(index, found);
            }
            Output::Redial { device } => {
                let other = self.peers.iter().position(|peer| peer.device() == device).unwrap();
                self.redialled.push((index, other));
                self.unlink(index, other);
            }
            Output::HelloAll(hello) => {
                for to in self.neighbours(index) {
                    let hello = hello.clone();
                    self.wire.push(Parcel::Hello { from: index, to, hello, wants_answer: true });
                }
            }
        }
    }

    /// Everybody lets everybody in, unless the story is about just that.
    fn hear(&mut self, index: usize, event: Event) {
        let asks = match event {
            Event::ContactRequested { person } if self.accept_requests => Some(person),
            _ => None,
        };
        self.peers[index].hear(event);
        if let Some(person) = asks {
            let now_ms = self.clock_of(index);
            self.peers[index].core.accept(now_ms, person).unwrap();
        }
    }

    /// What a failing disk did not let them accept, they accept later.
    fn accept_what_waits(&mut self, index: usize) {
        if self.accept_requests {
            let now_ms = self.clock_of(index);
            for request in self.peers[index].core.requests() {
                self.peers[index].core.accept(now_ms, request.person).unwrap();
            }
        }
    }

    /// Gossips a frame to everybody connected who is in the room; false when that is nobody.
    fn publish(&mut self, from: usize, room: RoomId, frame: &RoomFrame) -> bool {
        self.peers[from].seen.insert(codec::encode(frame));
        let Some(topic) = self.peers[from].rooms.get(&room).cloned() else { return false };
        let listens = |to: &usize| self.peers[*to].rooms.get(&room) == Some(&topic);
        let listeners: Vec<usize> = self.neighbours(from).into_iter().filter(listens).collect();
        for to in &listeners {
            self.gossip(from, *to, room, &topic, frame);
        }
        !listeners.is_empty()
    }

    fn gossip(&mut self, from: usize, to: usize, room: RoomId, topic: &str, frame: &RoomFrame) {
        let parcel = |is_copy| {
            let (topic, frame) = (topic.to_owned(), frame.clone());
            Parcel::Gossip { from, to, topic, room, frame, is_copy }
        };
        if !self.dice.percent(self.faults.gossip_lost) {
            self.wire.push(parcel(false));
        }
        if self.dice.percent(self.faults.repeated) {
            self.wire.push(parcel(true));
        }
    }

    fn judged(&mut self, index: usize, token: FrameToken, verdict: Verdict) {
        self.peers[index].verdicts.push(verdict);
        let (source, room, frame) = self.peers[index].frames.remove(&token).expect("judged once");
        if verdict != Verdict::Accept {
            return;
        }
        if let RoomFrame::Entries { entries, .. } = &frame {
            let mut on_disk = self.peers[index].history(ConversationId::Room(room));
            on_disk.extend(self.peers[index].history(ConversationId::Control(room)));
            let is_stored = |hash| on_disk.iter().any(|stored| stored.entry.hash() == hash);
            assert!(entries.iter().all(|entry| is_stored(entry.hash())), "forwarded before it was on disk");
        }
        let Some(topic) = self.peers[index].rooms.get(&room).cloned() else { return };
        for to in self.neighbours(index) {
            if to != source && self.peers[to].rooms.get(&room) == Some(&topic) {
                self.gossip(index, to, room, &topic, &frame);
            }
        }
    }

    fn ask(&mut self, from: usize, to: usize, batch: BatchToken, request: ChatRequest) {
        self.peers[from].asked.push(request.clone());
        if self.dice.percent(self.faults.chat_lost.max(self.faults.deliveries_lost)) {
            return self.wire.push(Parcel::Failure { to: from, batch });
        }
        for _ in 0..=usize::from(self.dice.percent(self.faults.repeated)) {
            self.wire.push(Parcel::Request { from, to, batch, request: request.clone() });
        }
    }

    fn answer(&mut self, index: usize, token: RequestToken, response: ChatResponse) {
        let (asker, batch, keys) = self.peers[index].requests.remove(&token).expect("answered once");
        if let ChatResponse::Receipts(receipts) = &response {
            let chat = self.chat_with(asker);
            for (key, receipt) in keys.into_iter().zip(receipts) {
                let is_stored = self.peers[index].has(chat, key);
                assert!(is_stored || *receipt != Receipt::Stored, "acknowledged before it was on disk");
            }
        }
        self.peers[index].answers.push(response.clone());
        if self.dice.percent(self.faults.chat_lost) {
            return self.wire.push(Parcel::Failure { to: asker, batch });
        }
        for _ in 0..=usize::from(self.dice.percent(self.faults.repeated)) {
            self.wire.push(Parcel::Answer { from: index, to: asker, batch, response: response.clone() });
        }
    }

    fn carry(&mut self, parcel: Parcel) {
        match parcel {
            Parcel::Gossip { from, to, topic, room, frame, is_copy } => {
                let peer = &mut self.peers[to];
                let is_news = peer.seen.insert(codec::encode(&frame)) || is_copy;
                if is_news && peer.rooms.get(&room) == Some(&topic) && self.are_linked(from, to) {
                    self.bring_frame(from, to, room, frame);
                }
            }
            Parcel::Request { from, to, batch, .. } | Parcel::Answer { from: to, to: from, batch, .. }
                if !self.are_linked(from, to) =>
            {
                self.wire.push(Parcel::Failure { to: from, batch });
            }
            Parcel::Request { from, to, batch, request } => self.bring_request(from, to, batch, request),
            Parcel::Answer { to, batch, response, .. } => {
                self.peers[to].core.chat_answered(self.now_ms, batch, response);
                self.drain(to);
            }
            Parcel::Failure { to, batch } => {
                self.peers[to].core.chat_failed(self.now_ms, batch);
                self.drain(to);
            }
            Parcel::Hello { from, to, hello, wants_answer } if self.are_linked(from, to) => {
                let device = self.peers[from].device();
                let now_ms = self.clock_of(to);
                let heard = self.peers[to].core.hello_received(now_ms, device, hello);
                let are_of_one_time = now_ms == self.clock_of(from);
                assert!(heard.is_ok() || !are_of_one_time, "our own hellos hold");
                if let (true, Some(hello)) = (wants_answer, self.peers[to].core.hello(now_ms)) {
                    self.wire.push(Parcel::Hello { from: to, to: from, hello, wants_answer: false });
                }
                self.drain(to);
            }
            Parcel::Hello { .. } => {}
            Parcel::Question { from, to, token, .. } | Parcel::Reply { from: to, to: from, token, .. }
                if !self.are_linked(from, to) =>
            {
                self.wire.push(Parcel::Silence { to: from, token });
            }
            Parcel::Question { from, to, token, request } => self.bring_question(from, to, token, request),
            Parcel::Reply { to, token, response, .. } => {
                let peer = &mut self.peers[to];
                peer.sync_bytes += codec::encode(&response).len();
                peer.core.sync_answered(self.now_ms + peer.ahead_ms, token, response);
                self.drain(to);
            }
            Parcel::Ticket { from, to, ticket, request } => match request {
                Some(request) if self.are_linked(from, to) => self.bring_ticket(from, to, ticket, request),
                _ => self.wire.push(Parcel::TicketAnswer { from: to, to: from, ticket, response: None }),
            },
            Parcel::TicketAnswer { from, to, ticket, response } => {
                let now_ms = self.clock_of(to);
                match response.filter(|_| self.are_linked(from, to)) {
                    Some(response) => self.peers[to].core.invite_answered(now_ms, ticket, response),
                    None => self.peers[to].core.invite_failed(now_ms, ticket),
                }
                self.drain(to);
            }
            Parcel::Call { from, to, token, request } => match request {
                Some(_) if self.peers[to].call_impostor.is_some() => {
                    let response = self.peers[to].call_impostor;
                    self.wire.push(Parcel::CallAnswer { from: to, to: from, token, response });
                }
                Some(request) if self.are_linked(from, to) && !self.peers[to].knows_no_calls => {
                    self.bring_call(from, to, token, request);
                }
                _ => self.wire.push(Parcel::CallAnswer { from: to, to: from, token, response: None }),
            },
            Parcel::CallAnswer { from, to, token, response } => {
                let now_ms = self.clock_of(to);
                let is_old = self.peers[from].knows_no_calls;
                match response.filter(|_| self.are_linked(from, to)) {
                    Some(response) => self.peers[to].core.call_answered(now_ms, token, response),
                    None => {
                        let fault = if is_old { CallFault::TooOld } else { CallFault::NoAnswer };
                        self.peers[to].core.call_failed(now_ms, token, fault);
                    }
                }
                self.drain(to);
            }
            Parcel::Silence { to, token } => {
                let now_ms = self.clock_of(to);
                self.peers[to].core.sync_failed(now_ms, token);
                self.drain(to);
            }
        }
    }

    /// Shows a ticket to a peer; for stories also one that nobody was given.
    pub(crate) fn bring_ticket(&mut self, from: usize, to: usize, ticket: TicketId, request: InviteRequest) {
        let device = self.peers[from].device();
        self.next_token += 1;
        let asked = RequestToken(self.next_token);
        let now_ms = self.clock_of(to);
        let peer = &mut self.peers[to];
        peer.tickets.insert(asked, (from, ticket));
        peer.core.invite_request(now_ms, device, request, asked);
        self.drain(to);
    }

    /// Says something about a call to a peer; for stories also what nobody's core said.
    pub(crate) fn bring_call(&mut self, from: usize, to: usize, token: CallToken, request: CallRequest) {
        let device = self.peers[from].device();
        self.next_token += 1;
        let asked = RequestToken(self.next_token);
        let now_ms = self.clock_of(to);
        let peer = &mut self.peers[to];
        peer.call_asked.insert(asked, (from, token));
        peer.core.call_asked(now_ms, device, request, asked);
        self.drain(to);
    }

    /// Brings a question about a history to a peer, or to who answers in its place.
    fn bring_question(&mut self, from: usize, to: usize, token: SyncToken, request: SyncRequest) {
        let bytes = codec::encode(&request).len();
        assert!(bytes as u64 <= limits::SYNC_REQUEST_MAX, "a question of {bytes} bytes");
        let device = self.peers[from].device();
        let peer = &mut self.peers[to];
        peer.sync_bytes += bytes;
        peer.questions.push(request.clone());
        if let Some(response) = peer.impostor.as_mut().and_then(|impostor| impostor(&request)) {
            return self.wire.push(Parcel::Reply { from: to, to: from, token, response });
        }
        self.next_token += 1;
        let asked = RequestToken(self.next_token);
        peer.sync_asked.insert(asked, (from, token));
        peer.core.sync_request(self.now_ms + peer.ahead_ms, device, request, asked);
        self.drain(to);
    }

    /// Lets the store of a peer answer, after all that was written before.
    fn look_up(&mut self, index: usize) {
        let peer = &mut self.peers[index];
        let now_ms = self.now_ms + peer.ahead_ms;
        match peer.reads.pop_front().unwrap() {
            Look::Read(token, read) => {
                let answer = if peer.disk_works { look_up(&peer.disk, read) } else { ReadAnswer::Failed };
                peer.core.read(now_ms, token, answer);
            }
            Look::Queued(conversation, after) => {
                let queued = peer.disk_works.then(|| peer.queued(conversation, after));
                peer.core.queued_read(now_ms, conversation, queued);
            }
        }
        self.drain(index);
    }

    /// Brings a frame to a peer, as gossip would; for stories also one that nobody published.
    pub(crate) fn bring_frame(&mut self, from: usize, to: usize, room: RoomId, frame: RoomFrame) {
        self.next_token += 1;
        let token = FrameToken(self.next_token);
        if let RoomFrame::Entries { entries, .. } = &frame {
            self.peers[to].gossiped += entries.len();
        }
        self.peers[to].frames.insert(token, (from, room, frame.clone()));
        let now_ms = self.clock_of(to);
        self.peers[to].core.room_frame(now_ms, room, frame, token);
        self.drain(to);
    }

    /// Brings a request to a peer; for stories also one that nobody's core made.
    pub(crate) fn bring_request(&mut self, from: usize, to: usize, batch: BatchToken, request: ChatRequest) {
        self.next_token += 1;
        let token = RequestToken(self.next_token);
        let read = |envelope: &kinmesh_proto::Unverified<_>| envelope.clone().trust_stored().unwrap().key();
        let keys = match &request {
            ChatRequest::Deliver(envelopes) => envelopes.iter().map(read).collect(),
            ChatRequest::Ask(_) | ChatRequest::Accepted | ChatRequest::Read { .. } | ChatRequest::Typing => {
                Vec::new()
            }
        };
        self.peers[to].requests.insert(token, (from, batch, keys));
        let device = self.peers[from].device();
        self.peers[to].core.chat_request(self.now_ms, device, request, token);
        self.drain(to);
    }
}

fn look_up(disk: &MemoryStore, read: Read) -> ReadAnswer {
    let bytes_max = limits::PACK_BYTES_MAX;
    match read {
        Read::Digest { conversation, range } => ReadAnswer::Digest(disk.digest(conversation, range).unwrap()),
        Read::Keys { conversation, range, limit } => {
            ReadAnswer::Keys(disk.keys(conversation, range, limit).unwrap())
        }
        Read::Entries { conversation, keys } => {
            ReadAnswer::Entries(disk.entries(conversation, &keys, bytes_max).unwrap())
        }
        Read::EntriesIn { conversation, range } => {
            ReadAnswer::Entries(disk.entries_in(conversation, range, bytes_max).unwrap())
        }
        Read::AreTakenBack { conversation, entries } => {
            let taken_back = |entry| disk.taken_back(conversation, entry).unwrap();
            ReadAnswer::AreTakenBack(entries.iter().map(taken_back).collect())
        }
    }
}
