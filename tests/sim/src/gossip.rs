//! Frames on their way through gossip, and who has seen which: what libp2p's duplicate cache does.
//!
//! A frame is kept once for all peers; each delivery names it by number.

use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

use kinmesh_proto::{EntryId, RoomFrame, RoomId, codec};

/// A frame is known again for this long, as in `net/src/behaviour.rs`.
const DUPLICATE_CACHE_MS: u64 = 300_000;

/// One frame.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) room: RoomId,
    pub(crate) content: RoomFrame,
    /// Entries in it; empty for what is never stored.
    pub(crate) entries: Vec<EntryId>,
    hash: [u8; 32],
    born_ms: u64,
}

impl Frame {
    fn new(room: RoomId, content: RoomFrame, hash: [u8; 32], born_ms: u64) -> Self {
        let entries = match &content {
            RoomFrame::Entries { entries, .. } => entries.iter().map(|entry| EntryId(entry.hash())).collect(),
            RoomFrame::Presence(_) | RoomFrame::Typing(_) | RoomFrame::Voice(_) => Vec::new(),
        };
        Self { room, content, entries, hash, born_ms }
    }
}

/// A set of peers.
#[derive(Debug, Clone, Default)]
struct PeerSet(Vec<u64>);

impl PeerSet {
    /// Adds a peer; false when it was there.
    fn insert(&mut self, peer: usize) -> bool {
        let (word, bit) = (peer / 64, 1 << (peer % 64));
        if self.0.len() <= word {
            self.0.resize(word + 1, 0);
        }
        let was_there = self.0[word] & bit != 0;
        self.0[word] |= bit;
        !was_there
    }

    fn contains(&self, peer: usize) -> bool {
        self.0.get(peer / 64).is_some_and(|word| word & (1 << (peer % 64)) != 0)
    }

    fn remove(&mut self, peer: usize) {
        if let Some(word) = self.0.get_mut(peer / 64) {
            *word &= !(1 << (peer % 64));
        }
    }
}

/// All frames that are still remembered.
#[derive(Debug, Default)]
pub(crate) struct Gossip {
    frames: VecDeque<(Rc<Frame>, PeerSet)>,
    /// Number of the oldest frame.
    first: u64,
    by_hash: BTreeMap<[u8; 32], u64>,
}

impl Gossip {
    /// The number of a frame; one that is published again keeps its number.
    pub(crate) fn number_of(&mut self, room: RoomId, content: &RoomFrame, now_ms: u64) -> u64 {
        let bytes = codec::encode(content);
        let hash = *blake3::Hasher::new().update(&room.0).update(&bytes).finalize().as_bytes();
        if let Some(known) = self.by_hash.get(&hash) {
            return *known;
        }
        let number = self.first + self.frames.len() as u64;
        let frame = Frame::new(room, content.clone(), hash, now_ms);
        self.frames.push_back((Rc::new(frame), PeerSet::default()));
        self.by_hash.insert(hash, number);
        number
    }

    pub(crate) fn frame(&self, number: u64) -> Option<Rc<Frame>> {
        self.at(number).and_then(|at| self.frames.get(at)).map(|(frame, _)| frame.clone())
    }

    /// Notes that a peer has seen a frame; false when it had before, or when the frame is forgotten.
    pub(crate) fn see(&mut self, peer: usize, number: u64) -> bool {
        let Some(at) = self.at(number) else { return false };
        self.frames.get_mut(at).is_some_and(|(_, seen)| seen.insert(peer))
    }

    pub(crate) fn has_seen(&self, peer: usize, number: u64) -> bool {
        let seen = self.at(number).and_then(|at| self.frames.get(at));
        seen.is_none_or(|(_, seen)| seen.contains(peer))
    }

    /// The peer's program ended, and its memory of frames with it.
    pub(crate) fn forget_peer(&mut self, peer: usize) {
        self.frames.iter_mut().for_each(|(_, seen)| seen.remove(peer));
    }

    /// Forgets frames that are too old to be known again.
    pub(crate) fn expire(&mut self, now_ms: u64) {
        while let Some((frame, _)) = self.frames.front()
            && frame.born_ms + DUPLICATE_CACHE_MS < now_ms
        {
            self.by_hash.remove(&frame.hash);
            self.frames.pop_front();
            self.first += 1;
        }
    }

    fn at(&self, number: u64) -> Option<usize> {
        number.checked_sub(self.first).and_then(|at| usize::try_from(at).ok())
    }
}
