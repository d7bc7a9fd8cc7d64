//! Posts that were shown as following a gap, so that they are shown again once it is filled.
//!
//! Owns only what this start has shown; whoever reads the history reads the gaps of it, too.

use std::collections::BTreeMap;

use kinmesh_proto::{ConversationId, EntryKey, PageItem};

/// Missing entries remembered: more than the edges of all packs that fill a few rooms at once. Of one
/// that is forgotten beyond it, the posts keep their mark until they are read again.
const MISSING_CAP: usize = 1024;

/// What posts were shown before what they follow was here.
#[derive(Debug, Default)]
pub(crate) struct Gaps {
    /// By the missing entry: the posts that follow it.
    missing: BTreeMap<(ConversationId, EntryKey), Vec<EntryKey>>,
}

impl Gaps {
    /// Notes what a post is shown to follow.
    pub(crate) fn shown(&mut self, id: ConversationId, post: &PageItem) {
        let entry = &post.post.entry;
        // Which of these are missing is not known; those that are here will not come again.
        for prev in entry.value().prev.iter().filter(|_| post.follows_gap) {
            let posts = self.missing.entry((id, *prev)).or_default();
            if !posts.contains(&entry.key()) {
                posts.push(entry.key());
            }
        }
        while self.missing.len() > MISSING_CAP {
            self.missing.pop_first();
        }
    }

    /// An entry came: the posts that were shown to follow it.
    pub(crate) fn filled(&mut self, id: ConversationId, key: EntryKey) -> Vec<EntryKey> {
        self.missing.remove(&(id, key)).unwrap_or_default()
    }
}
