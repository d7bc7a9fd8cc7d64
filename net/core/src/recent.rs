//! Which entries were stored lately, so that their copies cost next to nothing.

use std::collections::{BTreeSet, VecDeque};

use kinmesh_proto::{Entry, EntryId};

/// Entries whose ids are remembered, so that copies cost no signature check and no disk.
const RECENT_CAP: usize = 16_384;

/// Ids of entries stored lately, oldest forgotten first.
#[derive(Debug, Default)]
pub(crate) struct Recent {
    ids: BTreeSet<EntryId>,
    oldest_first: VecDeque<EntryId>,
}

impl Recent {
    pub(crate) fn contains(&self, id: EntryId) -> bool {
        self.ids.contains(&id)
    }

    /// Notes an entry; false when it was noted before.
    pub(crate) fn add(&mut self, id: EntryId) -> bool {
        if !self.ids.insert(id) {
            return false;
        }
        // First out, then in: one more than a power of two would double the queue.
        if self.oldest_first.len() == RECENT_CAP
            && let Some(oldest) = self.oldest_first.pop_front()
        {
            self.ids.remove(&oldest);
        }
        self.oldest_first.push_back(id);
        true
    }

    /// Entries that were not stored after all: a second copy must be taken.
    pub(crate) fn forget(&mut self, entries: &[Entry]) {
        for entry in entries {
            self.ids.remove(&entry.id());
        }
    }
}
