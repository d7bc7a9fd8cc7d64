//! Posts that were shown as following a gap, so that they are shown again once it is filled.
//!
//! Owns only what this start has shown; whoever reads the history reads the gaps of it, too.

use std::collections::BTreeSet;

use kinmesh_proto::{ConversationId, EntryId, EntryKey, Hlc, PageItem};

/// Pairs of a missing entry and a post that follows it: more than the edges of all packs that fill a
/// few rooms at once, in a quarter of a megabyte. Of what is forgotten beyond it, the posts keep their
/// mark until they are read again.
const PAIRS_CAP: usize = 2048;

/// Less than any entry's key.
const FIRST: EntryKey = EntryKey { clock: Hlc(0), id: EntryId([0; 32]) };

/// What posts were shown before what they follow was here.
#[derive(Debug, Default)]
pub(crate) struct Gaps {
    /// A missing entry of a conversation, and a post that follows it.
    pairs: BTreeSet<(ConversationId, EntryKey, EntryKey)>,
}

impl Gaps {
    /// Notes what a post is shown to follow.
    pub(crate) fn shown(&mut self, id: ConversationId, post: &PageItem) {
        let entry = &post.post.entry;
        // Which of these are missing is not known; those that are here will not come again.
        for prev in entry.value().prev.iter().filter(|_| post.follows_gap) {
            self.pairs.insert((id, *prev, entry.key()));
        }
        while self.pairs.len() > PAIRS_CAP {
            self.pairs.pop_first();
        }
    }

    /// An entry came: the posts that were shown to follow it.
    pub(crate) fn filled(&mut self, id: ConversationId, key: EntryKey) -> Vec<EntryKey> {
        let of_key = self.pairs.range((id, key, FIRST)..);
        let pairs: Vec<_> =
            of_key.take_while(|(of, missing, _)| (*of, *missing) == (id, key)).copied().collect();
        pairs.into_iter().filter_map(|pair| self.pairs.take(&pair)).map(|(.., post)| post).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kinmesh_proto::{Content, Delivery, DeviceKeys, EntryBody, RoomId, StoredEntry, Unverified};

    const LOBBY: ConversationId = ConversationId::Room(RoomId([1; 32]));

    fn post_after(prev: EntryKey, number: u64) -> PageItem {
        let keys = DeviceKeys::generate(&[1; 32], &[2; 32], 0);
        let body = EntryBody {
            conversation: LOBBY.tag(keys.person()),
            clock: Hlc(1000 + number),
            seq: number,
            prev: vec![prev],
            content: Content::text("after all"),
        };
        let entry = Unverified::sign(body, &keys);
        let post = StoredEntry { entry, delivery: Delivery::Received, received_ms: 0 };
        PageItem { post, changes: Vec::new(), follows_gap: true }
    }

    #[test]
    fn however_many_posts_follow_one_missing_entry_only_so_many_are_remembered() {
        let missing = EntryKey { clock: Hlc(5), id: EntryId([5; 32]) };
        let mut gaps = Gaps::default();
        for number in 0..PAIRS_CAP as u64 + 10 {
            gaps.shown(LOBBY, &post_after(missing, number));
        }
        assert_eq!(gaps.filled(LOBBY, missing).len(), PAIRS_CAP);
        assert!(gaps.pairs.is_empty());
    }

    #[test]
    fn only_the_posts_of_what_came_are_shown_again() {
        let (one, two) =
            (EntryKey { id: EntryId([5; 32]), ..FIRST }, EntryKey { id: EntryId([6; 32]), ..FIRST });
        let (after_one, after_two) = (post_after(one, 1), post_after(two, 2));
        let mut gaps = Gaps::default();
        gaps.shown(LOBBY, &after_one);
        gaps.shown(LOBBY, &after_two);
        assert_eq!(gaps.filled(LOBBY, one), [after_one.post.entry.key()]);
        assert_eq!(gaps.filled(LOBBY, two), [after_two.post.entry.key()]);
    }
}
