//! How much of one author a room takes in one day, however it comes.

use std::collections::BTreeMap;

use kinmesh_proto::{Entry, PersonId, RoomId, limits};

const DAY_MS: u64 = 24 * 60 * 60 * 1000;
/// Counters kept: authors that a few large rooms have in a day, at 100 bytes each. Beyond it the
/// oldest day is forgotten first, and may be filled once more.
const COUNTERS_CAP: usize = 65_536;

/// Entries taken since the program started, by day of the author's clock.
#[derive(Debug, Default)]
pub(crate) struct Quota {
    used: BTreeMap<(u64, RoomId, PersonId), Used>,
}

#[derive(Debug, Default)]
struct Used {
    entries: u32,
    bytes: u64,
}

impl Quota {
    /// Counts an entry; false when its author has no room left.
    pub(crate) fn take(&mut self, room: RoomId, entry: &Entry) -> bool {
        let used = self.used.entry(counter(room, entry)).or_default();
        let bytes = used.bytes + entry.envelope().size() as u64;
        if used.entries >= limits::AUTHOR_DAY_ENTRIES_MAX || bytes > limits::AUTHOR_DAY_BYTES_MAX {
            return false;
        }
        *used = Used { entries: used.entries + 1, bytes };
        if self.used.len() > COUNTERS_CAP {
            self.used.pop_first();
        }
        true
    }

    /// Takes back the count of an entry that was not new, or not stored.
    pub(crate) fn give_back(&mut self, room: RoomId, entry: &Entry) {
        if let Some(used) = self.used.get_mut(&counter(room, entry)) {
            used.entries = used.entries.saturating_sub(1);
            used.bytes = used.bytes.saturating_sub(entry.envelope().size() as u64);
        }
    }
}

fn counter(room: RoomId, entry: &Entry) -> (u64, RoomId, PersonId) {
    (entry.value().clock.ms() / DAY_MS, room, entry.person())
}
