//! What the indexer and those who search hold together.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};

use kinmesh_proto::{ConversationId, EntryKey};
use tantivy::TantivyError;
use tokio::sync::watch;

use crate::fresh::Fresh;
use crate::index::{Document, Places, SearchIndex, View};
use crate::query::Lookup;

/// How the index stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It is being opened and examined. Searches wait for it.
    Opening,
    /// Entries that it lacked are being read. Searches find what is there, the newest first.
    Indexing {
        /// Entries read so far.
        indexed: u64,
        /// Entries to be read in all; 0 until they are counted.
        total: u64,
    },
    /// It holds what the store holds.
    Ready,
    /// It can be neither read nor made. It is tried again.
    Unavailable,
}

pub(crate) struct Shared {
    pub(crate) state: watch::Sender<State>,
    /// Whether something was told when the queue was full, so that the index must look for itself.
    pub(crate) has_missed: AtomicBool,
    /// Conversations of which more can be read than when they were indexed.
    unsealed: Mutex<BTreeSet<ConversationId>>,
    /// Where conversations begin of which the store was told to forget what is older.
    beginnings: Mutex<BTreeMap<ConversationId, EntryKey>>,
    /// Whether somebody waits for what was told.
    is_hurried: AtomicBool,
    shelf: Mutex<Shelf>,
    fresh: RwLock<Fresh>,
}

#[derive(Default)]
struct Shelf {
    index: Option<SearchIndex>,
    /// Opened by the first search, closed when it is quiet: its pages of the files count as memory.
    view: Option<View>,
}

impl Shared {
    pub(crate) fn new() -> Self {
        Self {
            state: watch::Sender::new(State::Opening),
            has_missed: AtomicBool::new(false),
            unsealed: Mutex::default(),
            beginnings: Mutex::default(),
            is_hurried: AtomicBool::new(false),
            shelf: Mutex::default(),
            fresh: RwLock::default(),
        }
    }

    /// Notes that all of a conversation is to be read anew.
    pub(crate) fn unseal(&self, conversation: ConversationId) {
        self.unsealed.lock().unwrap_or_else(PoisonError::into_inner).insert(conversation);
        self.has_missed.store(true, Ordering::Relaxed);
    }

    /// Notes where a conversation begins; whether that is news, so that the index must look for itself.
    pub(crate) fn begin(&self, conversation: ConversationId, beginning: EntryKey) -> bool {
        let mut beginnings = self.beginnings.lock().unwrap_or_else(PoisonError::into_inner);
        let is_new = beginnings.insert(conversation, beginning) != Some(beginning);
        if is_new {
            self.has_missed.store(true, Ordering::Relaxed);
        }
        is_new
    }

    /// The conversations that are to be read anew. Whoever takes them does it.
    pub(crate) fn take_unsealed(&self) -> BTreeSet<ConversationId> {
        std::mem::take(&mut *self.unsealed.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Asks for what was told to be taken at once.
    pub(crate) fn hurry(&self) {
        self.is_hurried.store(true, Ordering::Release);
    }

    /// Whether that was asked for since the last call.
    pub(crate) fn is_hurried(&self) -> bool {
        self.is_hurried.swap(false, Ordering::Acquire)
    }

    /// Lends the index to those who search.
    pub(crate) fn open(&self, index: &SearchIndex) {
        // What was fresh before is missing in the index, and read again.
        *self.fresh.write().unwrap_or_else(PoisonError::into_inner) = Fresh::default();
        *self.shelf() = Shelf { index: Some(index.clone()), view: None };
    }

    /// Takes the index back.
    pub(crate) fn close(&self, state: State) {
        *self.shelf() = Shelf::default();
        self.state.send_replace(state);
    }

    pub(crate) fn close_view(&self) {
        self.shelf().view = None;
    }

    /// Lets those who search see what was committed, so that nothing is fresh any more.
    pub(crate) fn committed(&self) -> tantivy::Result<()> {
        if let Some(view) = &self.shelf().view {
            view.reload()?;
        }
        *self.fresh.write().unwrap_or_else(PoisonError::into_inner) = Fresh::default();
        Ok(())
    }

    pub(crate) fn fresh(&self) -> RwLockReadGuard<'_, Fresh> {
        self.fresh.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn add_fresh(&self, documents: impl Iterator<Item = Document>) {
        let mut fresh = self.fresh.write().unwrap_or_else(PoisonError::into_inner);
        documents.for_each(|document| fresh.put(document));
    }

    /// Whether a view is open.
    pub(crate) fn is_viewed(&self) -> bool {
        self.shelf().view.is_some()
    }

    /// The newest places at which the query may be found.
    pub(crate) fn places(&self, lookup: &Lookup) -> tantivy::Result<Places> {
        // In this order: what is committed between the two is seen twice, not never.
        let fresh = self.fresh().places(lookup);
        Ok(fresh.join(self.view()?.places(lookup)?, lookup.limit))
    }

    fn view(&self) -> tantivy::Result<View> {
        let Shelf { index, view } = &mut *self.shelf();
        if let Some(view) = view {
            return Ok(view.clone());
        }
        let index = index.as_ref().ok_or(TantivyError::Poisoned)?;
        Ok(view.insert(index.view()?).clone())
    }

    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        // Each change of it is one assignment, so it is whole even after a panic.
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
