//! One simulated peer: its core while it is up, its disk for good, its clock, and what its end of
//! the network knows.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;

use kinmesh_core::{BatchToken, CallToken, Core, EntryView, FrameToken, RequestToken, SyncToken};
use kinmesh_proto::{
    CallId, CallRequest, CallResponse, ChatRequest, ChatResponse, ConversationId, DeviceId, DeviceKeys,
    EntryId, EntryKey, Hello, PersonId, RoomId, RoomName, SyncRequest, SyncResponse,
};

use crate::clock::{Clock, START_MS};
use crate::disk::Disk;

/// One peer.
pub(crate) struct Peer {
    seeds: ([u8; 32], [u8; 32]),
    pub(crate) person: PersonId,
    pub(crate) device: DeviceId,
    pub(crate) clock: Clock,
    pub(crate) disk: Disk,
    /// Counts its starts; what was meant for an earlier life is not heard in this one.
    pub(crate) life: u64,
    /// `None` while it is down.
    pub(crate) core: Option<Core>,
    /// What ends with a life.
    pub(crate) session: Session,
    /// Entries that its faces were told of, in any life.
    pub(crate) shown: BTreeSet<(ConversationId, EntryId)>,
    /// Private rooms to which it was invited and which it has not entered, with who did.
    pub(crate) invited: BTreeMap<RoomId, (RoomName, PersonId)>,
}

impl Peer {
    pub(crate) fn new(index: usize, clock: Clock) -> Self {
        let seed = |kind: u8| {
            let mut seed = [kind; 32];
            seed[..8].copy_from_slice(&(index as u64).to_be_bytes());
            seed
        };
        let seeds = (seed(1), seed(2));
        let keys = keys(seeds);
        Self {
            seeds,
            person: keys.person(),
            device: keys.device(),
            clock,
            disk: Disk::default(),
            life: 0,
            core: None,
            session: Session::default(),
            shown: BTreeSet::new(),
            invited: BTreeMap::new(),
        }
    }

    pub(crate) fn keys(&self) -> DeviceKeys {
        keys(self.seeds)
    }

    pub(crate) fn is_up(&self) -> bool {
        self.core.is_some()
    }

    pub(crate) fn is_linked(&self, other: usize) -> bool {
        self.session.ends.contains_key(&other)
    }

    /// Connected peers that said they take part in what is met in a place.
    pub(crate) fn listeners(&self, place: RoomId) -> Vec<usize> {
        let ends = self.session.ends.iter().filter(|(_, end)| end.rooms.contains(&place));
        ends.map(|(other, _)| *other).collect()
    }

    /// The room of ours that is met in a place.
    pub(crate) fn room_at(&self, place: RoomId) -> Option<RoomId> {
        self.session.places.iter().find(|(_, known)| **known == place).map(|(room, _)| *room)
    }
}

fn keys((person, device): ([u8; 32], [u8; 32])) -> DeviceKeys {
    DeviceKeys::generate(&person, &device, START_MS)
}

/// What a peer's program holds besides its core.
#[derive(Default)]
pub(crate) struct Session {
    /// Our ends of connections, by who is at the other.
    pub(crate) ends: BTreeMap<usize, End>,
    /// Devices with which no connection is taken.
    pub(crate) kept_out: BTreeSet<DeviceId>,
    /// Rooms we take part in, as gossip sees it: the places where they are met.
    pub(crate) rooms: BTreeSet<RoomId>,
    /// Where each of our rooms is met.
    pub(crate) places: BTreeMap<RoomId, RoomId>,
    /// Neighbours to whom a room's frames are forwarded.
    pub(crate) mesh: BTreeMap<RoomId, BTreeSet<usize>>,
    /// Frames that are not judged yet, with who brought them, and of which room they are.
    pub(crate) frames: BTreeMap<FrameToken, (u64, usize, RoomId)>,
    /// Requests of others that are not answered yet.
    pub(crate) requests: BTreeMap<RequestToken, Asker>,
    /// Our own requests under way.
    pub(crate) asks: BTreeMap<u64, Ask>,
    /// Lines of calls that stand.
    pub(crate) lines: BTreeMap<(CallId, PersonId), Line>,
    /// When this life began.
    pub(crate) began_ms: u64,
    /// Posts as the faces were told of them last.
    pub(crate) told: BTreeMap<(ConversationId, EntryKey), EntryView>,
    /// Events told so far, by conversation.
    pub(crate) revs: BTreeMap<ConversationId, u64>,
    /// It has said goodbye and is about to end.
    pub(crate) is_leaving: bool,
}

/// Where voice goes and comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) device: DeviceId,
    pub(crate) theirs: u32,
    pub(crate) ours: u32,
}

/// One end of a connection. The two ends need not agree on whether it still stands.
pub(crate) struct End {
    /// Both ends of one connection have one number.
    pub(crate) link: u64,
    /// When the other was last known to be there.
    pub(crate) ok_ms: u64,
    /// Rooms that the other says it takes part in.
    pub(crate) rooms: BTreeSet<RoomId>,
    /// What must arrive in order, and does so while the connection stands.
    pub(crate) control: VecDeque<Control>,
}

/// What streams carry in order and without loss.
#[derive(Clone)]
pub(crate) enum Control {
    Subscribe(RoomId),
    Unsubscribe(RoomId),
    Graft(RoomId),
    Prune(RoomId),
    Hello { hello: Box<Hello>, wants_answer: bool },
}

/// What may be lost, doubled, or overtaken.
#[derive(Clone)]
pub(crate) enum Parcel {
    /// `is_copy`: it comes although it was seen, as after the duplicate cache forgot it.
    Gossip {
        frame: u64,
        is_copy: bool,
    },
    Ask {
        ask: u64,
        question: Rc<Question>,
    },
    Answer {
        ask: u64,
        answer: Answer,
    },
    /// The other end closed the connection.
    Closed,
}

/// A request, by protocol.
pub(crate) enum Question {
    Chat(ChatRequest),
    Sync(SyncRequest),
    Call(CallRequest),
}

/// A response, by protocol.
#[derive(Clone)]
pub(crate) enum Answer {
    Chat(ChatResponse),
    Sync(SyncResponse),
    Call(CallResponse),
}

/// A request of ours under way.
pub(crate) struct Ask {
    pub(crate) whom: usize,
    pub(crate) about: About,
}

/// What the core calls a request of its own.
#[derive(Clone, Copy)]
pub(crate) enum About {
    Chat(BatchToken),
    Sync(SyncToken),
    Call(CallToken),
    /// Whether it is answered changes nothing.
    Nothing,
}

/// An entry in a request.
pub(crate) struct Brought {
    pub(crate) id: EntryId,
    /// It may be refused: the delete that erased it may still be on its way.
    pub(crate) is_erased: bool,
}

/// A peer that waits for our answer.
pub(crate) struct Asker {
    pub(crate) peer: usize,
    pub(crate) ask: u64,
    /// The conversation it is about, as the one asked sees it.
    pub(crate) conversation: ConversationId,
    /// Entries that it brought.
    pub(crate) brought: Vec<Brought>,
}
