//! Where an entry stands, as the index knows it.

use kinmesh_proto::{ConversationId, EntryId, EntryKey, Hlc, KeyRange};

/// All that the index keeps of an entry's key: the clock and the first eight bytes of the id. The
/// store knows the rest. In the order of the keys, the conversation last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Place {
    pub(crate) clock: Hlc,
    /// Sorts like the id.
    pub(crate) head: u64,
    pub(crate) conversation: ConversationId,
}

impl Place {
    pub(crate) fn of(conversation: ConversationId, key: EntryKey) -> Self {
        let (clock, head) = Self::order_of(key);
        Self { clock, head, conversation }
    }

    /// What a key has in common with its place.
    pub(crate) fn order_of(key: EntryKey) -> (Hlc, u64) {
        let [a, b, c, d, e, f, g, h, ..] = key.id.0;
        (key.clock, u64::from_be_bytes([a, b, c, d, e, f, g, h]))
    }

    /// The keys that may stand here: one, or those that somebody took great pains to make alike.
    pub(crate) fn keys(&self) -> KeyRange {
        let after = match self.head.checked_add(1) {
            Some(head) => first_key(self.clock, head),
            None => first_key(Hlc(self.clock.0.saturating_add(1)), 0),
        };
        KeyRange { from: Some(first_key(self.clock, self.head)), to: Some(after) }
    }

    /// The UTC day of its clock.
    pub(crate) fn day(&self) -> u32 {
        day_of(self.clock)
    }
}

/// The UTC day of a clock, as the store counts days.
pub(crate) fn day_of(clock: Hlc) -> u32 {
    kinmesh_store::day_of(first_key(clock, 0))
}

fn first_key(clock: Hlc, head: u64) -> EntryKey {
    let mut id = [0; 32];
    id[..8].copy_from_slice(&head.to_be_bytes());
    EntryKey { clock, id: EntryId(id) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kinmesh_proto::RoomId;

    const ROOM: ConversationId = ConversationId::Room(RoomId([1; 32]));

    #[test]
    fn a_place_leads_back_to_its_key_and_to_no_other() {
        for id in [[0; 32], [7; 32], [255; 32]] {
            let key = EntryKey { clock: Hlc(5), id: EntryId(id) };
            let keys = Place::of(ROOM, key).keys();
            assert!(keys.contains(key));
            assert!(!keys.contains(EntryKey { clock: Hlc(5), id: EntryId([8; 32]) }));
            assert!(!keys.contains(EntryKey { clock: Hlc(6), ..key }));
        }
    }

    #[test]
    fn places_sort_like_keys() {
        let key = |clock, id| EntryKey { clock: Hlc(clock), id: EntryId([id; 32]) };
        let keys = [key(1, 9), key(2, 0), key(2, 1), key(2, 255), key(3, 0)];
        assert!(keys.map(|key| Place::of(ROOM, key)).is_sorted());
    }
}
