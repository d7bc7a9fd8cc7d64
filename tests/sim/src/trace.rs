//! What happened, in order: a hash of everything, and the last of it in words.

use std::collections::VecDeque;
use std::fmt;
use std::hash::{Hash, Hasher};

use kinmesh_core::Verdict;
use kinmesh_proto::{ConversationId, EntryKey, PersonId, RoomId};

use crate::script::{Decision, Measure};

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Moment {
    /// When, in milliseconds since the run began.
    pub at_ms: u64,
    /// With which peer.
    pub peer: usize,
    /// What.
    pub what: What,
}

/// What can happen with a peer.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // Read in a trace, where the names of variants and fields are the documentation.
pub enum What {
    Started { life: u64 },
    Crashed { groups_kept: usize },
    GoesAway,
    Stopped,
    ClockSet { offset_ms: i64 },
    Linked { with: usize },
    Unlinked { with: usize },
    Joins { room: usize },
    Leaves { room: usize },
    Accepts { person: PersonId },
    Founds { room: RoomId },
    Enters { room: RoomId },
    Decides { room: RoomId, what: Decision, about: usize },
    TakesMeasure { room: RoomId, what: Measure, about: usize },
    Writes { conversation: ConversationId, key: EntryKey },
    Publishes { frame: u64, entries: usize, listeners: usize },
    Hears { frame: u64, from: usize, entries: usize },
    Judges { frame: u64, verdict: Says },
    Asks { ask: u64, whom: usize, what: &'static str, of: ConversationId },
    IsAsked { ask: u64, by: usize },
    Answers { ask: u64, how: &'static str },
    GetsAnswer { ask: u64 },
    GetsNoAnswer { ask: u64 },
    Stores { commits: usize },
    CannotStore { commits: usize },
    DiskFails,
    DiskStandsStill { for_ms: u64 },
    DiskWorks,
    Shows { conversation: ConversationId, key: EntryKey },
    CutOff { one_way: bool },
}

/// A verdict that can be hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // As in core.
pub enum Says {
    Accept,
    Ignore,
    Reject,
}

impl From<Verdict> for Says {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Accept => Self::Accept,
            Verdict::Ignore => Self::Ignore,
            Verdict::Reject => Self::Reject,
        }
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (s, ms) = (self.at_ms / 1000, self.at_ms % 1000);
        write!(f, "{s:6}.{ms:03} s  peer {:<4} {:?}", self.peer, self.what)
    }
}

/// The hash of a whole run: two runs with one hash did the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TraceHash(pub [u8; 16]);

impl fmt::Display for TraceHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Collects what happens.
pub(crate) struct Trace {
    hash: Blake3,
    last: VecDeque<Moment>,
    keep: usize,
}

impl Trace {
    /// A trace that remembers the last `keep` moments in words.
    pub(crate) fn new(keep: usize) -> Self {
        Self { hash: Blake3(blake3::Hasher::new()), last: VecDeque::new(), keep }
    }

    pub(crate) fn note(&mut self, moment: Moment) {
        moment.hash(&mut self.hash);
        if self.last.len() == self.keep {
            self.last.pop_front();
        }
        if self.keep > 0 {
            self.last.push_back(moment);
        }
    }

    pub(crate) fn finish(self) -> (TraceHash, Vec<Moment>) {
        let mut hash = [0; 16];
        hash.copy_from_slice(&self.hash.0.finalize().as_bytes()[..16]);
        (TraceHash(hash), self.last.into())
    }
}

/// Lets `derive(Hash)` feed BLAKE3: the standard library's own hasher may change with a release.
struct Blake3(blake3::Hasher);

impl Hasher for Blake3 {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        // Nobody asks: the whole hash is read at the end of the run.
        0
    }
}
