//! Search as the faces see it.

use kinmesh_core::EntryView;
use kinmesh_search::SearchState;
use serde::Serialize;

/// A post that a search found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SearchHit {
    /// The post as it is shown in its conversation.
    pub entry: EntryView,
}

/// How far the index of the history is made, while it is. What is read already is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct SearchProgress {
    /// Entries read so far, the newest first.
    pub indexed: u64,
    /// Entries to read in all.
    pub total: u64,
}

impl SearchProgress {
    /// `None` when there is nothing to wait for.
    pub(crate) fn of(state: SearchState) -> Option<Self> {
        match state {
            SearchState::Indexing { indexed, total } if total > 0 => Some(Self { indexed, total }),
            SearchState::Indexing { .. }
            | SearchState::Opening
            | SearchState::Ready
            | SearchState::Unavailable => None,
        }
    }
}
