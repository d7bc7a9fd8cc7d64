//! Negentropy over the keys of one window.

use std::collections::{BTreeMap, BTreeSet};

use kinmesh_proto::{EntryId, EntryKey, limits};
use negentropy::{Id, Negentropy, NegentropyStorageVector};

/// A window of either side may have grown since it was measured: by as much again.
pub(crate) const KEYS_MAX: usize = 2 * limits::WINDOW_ENTRIES_MAX;

type Engine = Negentropy<'static, NegentropyStorageVector>;

/// A reconciliation under way, on the side that began it.
pub(crate) struct Reconciliation {
    engine: Engine,
    keys: BTreeMap<EntryId, EntryKey>,
    needed: Vec<Id>,
    lacking: Vec<Id>,
    rounds: u32,
}

impl std::fmt::Debug for Reconciliation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reconciliation").field("rounds", &self.rounds).finish_non_exhaustive()
    }
}

fn engine(keys: &[EntryKey]) -> Option<Engine> {
    let mut vector = NegentropyStorageVector::with_capacity(keys.len());
    for key in keys {
        vector.insert(key.clock.0, Id::from_byte_array(key.id.0)).ok()?;
    }
    vector.seal().ok()?;
    Negentropy::owned(vector, limits::RECONCILE_FRAME_MAX as u64).ok()
}

/// Answers one message of a reconciliation over these keys; `None` when it is none.
pub(crate) fn answer(keys: &[EntryKey], frame: &[u8]) -> Option<Vec<u8>> {
    engine(keys)?.reconcile(frame).ok()
}

impl Reconciliation {
    /// Begins over these keys, with the first message.
    pub(crate) fn begin(keys: Vec<EntryKey>) -> Option<(Self, Vec<u8>)> {
        let mut engine = engine(&keys)?;
        let frame = engine.initiate().ok()?;
        let keys = keys.into_iter().map(|key| (key.id, key)).collect();
        Some((Self { engine, keys, needed: Vec::new(), lacking: Vec::new(), rounds: 0 }, frame))
    }

    /// Messages taken.
    pub(crate) fn rounds(&self) -> u32 {
        self.rounds
    }

    /// Takes the other's message. `None`: it is none. `Some(None)`: all is known.
    pub(crate) fn take(&mut self, frame: &[u8]) -> Option<Option<Vec<u8>>> {
        if frame.len() > limits::RECONCILE_FRAME_MAX {
            return None;
        }
        self.rounds += 1;
        let next = self.engine.reconcile_with_ids(frame, &mut self.lacking, &mut self.needed).ok()?;
        (self.needed.len() <= KEYS_MAX && self.lacking.len() <= KEYS_MAX).then_some(next)
    }

    /// What we need, and what they lack, oldest first.
    pub(crate) fn finish(self) -> (BTreeSet<EntryId>, Vec<EntryKey>) {
        let Self { keys, needed, lacking, .. } = self;
        // The engine keeps ids in a set without order: sorted, a seed replays exactly.
        let needed = needed.into_iter().map(|id| EntryId(*id));
        let needed = needed.filter(|id| !keys.contains_key(id)).collect();
        let mut lacking: Vec<_> =
            lacking.into_iter().filter_map(|id| keys.get(&EntryId(*id)).copied()).collect();
        lacking.sort_unstable();
        lacking.dedup();
        (needed, lacking)
    }
}
