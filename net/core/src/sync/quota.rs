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

#[cfg(test)]
mod tests {
    use kinmesh_proto::{Content, ConversationTag, DeviceKeys, EntryBody, Hlc, Unverified};

    use super::*;

    const LOBBY: RoomId = RoomId([1; 32]);

    fn written_at(ms: u64) -> Entry {
        let body = EntryBody {
            conversation: ConversationTag([1; 32]),
            clock: Hlc::from_ms(ms),
            seq: 1,
            prev: Vec::new(),
            content: Content::text("hello"),
        };
        Unverified::sign(body, &DeviceKeys::generate(&[1; 32], &[2; 32], 0))
    }

    #[test]
    fn of_one_author_only_so_many_entries_of_one_day_are_taken() {
        let mut quota = Quota::default();
        let entry = written_at(DAY_MS);
        for _ in 0..limits::AUTHOR_DAY_ENTRIES_MAX {
            assert!(quota.take(LOBBY, &entry));
        }
        assert!(!quota.take(LOBBY, &entry));
        assert!(quota.take(LOBBY, &written_at(2 * DAY_MS)) && quota.take(RoomId([2; 32]), &entry));
        quota.give_back(LOBBY, &entry);
        assert!(quota.take(LOBBY, &entry) && !quota.take(LOBBY, &entry));
    }
}
