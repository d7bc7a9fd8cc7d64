//! Entries of ours that a member of a room refused: their clock is ahead of the member's, or the member
//! keeps no more of what we write in a day.
//!
//! One member whose own clock is behind, or who has counted for longer than others, must not make us
//! call an entry failed that others took. Owns which entries that concerns, and who decides: anybody
//! who holds the entry outweighs all who do not.

use std::collections::BTreeMap;

use kinmesh_proto::{EntryId, EntryKey, Hlc, RoomId};

/// Entries remembered: some packs of what we wrote while nobody was there. Of one that is forgotten
/// beyond it, the last word stands.
const ENTRIES_CAP: usize = 4096;

/// Less than any entry's key.
const FIRST: EntryKey = EntryKey { clock: Hlc(0), id: EntryId([0; 32]) };

/// What members said of entries of ours since the program started.
#[derive(Debug, Default)]
pub(crate) struct Disputes {
    /// Whether a member took the entry.
    is_taken: BTreeMap<(RoomId, EntryKey), bool>,
    /// All that we hold of a room up to here, another member holds, too.
    held: BTreeMap<RoomId, EntryKey>,
}

impl Disputes {
    /// A member refused an entry; whether that makes it a failed one.
    pub(crate) fn refused(&mut self, room: RoomId, key: EntryKey) -> bool {
        let is_held = self.held.get(&room).is_some_and(|held| key <= *held);
        let is_taken = is_held || *self.is_taken.entry((room, key)).or_insert(false);
        self.forget_oldest();
        !is_taken
    }

    /// A member took an entry; whether it counted as failed.
    pub(crate) fn taken(&mut self, room: RoomId, key: EntryKey) -> bool {
        let was_taken = self.is_taken.insert((room, key), true);
        self.forget_oldest();
        was_taken == Some(false)
    }

    /// A member holds all that we hold up to `newest`. Returns what counted as failed.
    pub(crate) fn all_held(&mut self, room: RoomId, newest: EntryKey) -> Vec<EntryKey> {
        let held = self.held.entry(room).or_insert(newest);
        *held = newest.max(*held);
        let settled: Vec<_> =
            self.is_taken.range((room, FIRST)..=(room, newest)).map(|(of, _)| *of).collect();
        let failed = settled.into_iter().filter(|of| self.is_taken.remove(of) == Some(false));
        failed.map(|(_, key)| key).collect()
    }

    fn forget_oldest(&mut self) {
        if self.is_taken.len() > ENTRIES_CAP {
            self.is_taken.pop_first();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOBBY: RoomId = RoomId([1; 32]);

    fn key(clock: u64) -> EntryKey {
        EntryKey { clock: Hlc(clock), ..FIRST }
    }

    #[test]
    fn who_holds_an_entry_outweighs_who_refused_it_before_or_after() {
        let mut disputes = Disputes::default();
        assert!(disputes.refused(LOBBY, key(1)) && disputes.refused(LOBBY, key(2)));
        assert!(disputes.taken(LOBBY, key(1)));
        assert!(!disputes.taken(LOBBY, key(1)), "it counts as failed no longer");
        assert!(!disputes.refused(LOBBY, key(1)));
        assert_eq!(disputes.all_held(LOBBY, key(2)), [key(2)]);
        assert!(!disputes.refused(LOBBY, key(2)));
        assert!(disputes.refused(LOBBY, key(3)), "nobody is known to hold it");
    }

    #[test]
    fn only_so_many_entries_are_remembered() {
        let mut disputes = Disputes::default();
        for clock in 1..=ENTRIES_CAP as u64 + 10 {
            disputes.refused(LOBBY, key(clock));
        }
        assert_eq!(disputes.is_taken.len(), ENTRIES_CAP);
    }
}
