//! The way to search from any task.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::{self, Thread};
use std::time::Duration;

use kinmesh_proto::{ConversationId, EntryKey, PageItem};
use kinmesh_seal::Seal;
use kinmesh_store::{StoreError, StoreHandle};
use tokio::sync::{oneshot, watch};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::index::{Files, Places};
use crate::indexer::{Indexer, Task};
use crate::place::Place;
use crate::query::{Lookup, Query};
use crate::queue::{Inlet, queue};
use crate::shared::{Shared, State};
use crate::truth::{self, Entered};

/// Tasks that wait for the indexer: some seconds of messages as fast as a peer takes them, which is
/// 4 MB. What comes when it is full is found missing later.
pub(crate) const TASKS_CAP: usize = 32_768;

/// How long a search waits for what was told shortly before, at most: on a busy machine.
const TAKE_IN_MAX: Duration = Duration::from_secs(2);

/// The same while a long history is being read: what is there is found then.
const TAKE_IN_BUSY_MAX: Duration = Duration::from_millis(250);

/// Candidates compared at a time, at most: some 5 ms of the store's thread.
const CANDIDATES_MAX: usize = 512;

/// A post that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Where.
    pub conversation: ConversationId,
    /// The post with its changes.
    pub item: PageItem,
}

/// Nothing can be found at the moment.
#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    /// The index can be neither read nor made, for instance because the disk is full.
    #[error("the search index cannot be used")]
    Unavailable,
    /// The history cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Search over all history. Clones share one index and its thread, which ends with the last of them.
#[derive(Clone)]
pub struct Search {
    tasks: Inlet<Task>,
    shared: Arc<Shared>,
    store: StoreHandle,
    indexer: Thread,
}

impl Search {
    /// Starts the thread that keeps an index of the store in `dir`, a directory of its own.
    pub fn spawn(dir: PathBuf, store: StoreHandle) -> Self {
        Self::spawn_sealed(dir, None, store)
    }

    /// The same with a seal on the index, if there is one. What is not sealed with it is made anew.
    pub fn spawn_sealed(dir: PathBuf, seal: Option<Seal>, store: StoreHandle) -> Self {
        let (tasks, inbox) = queue(TASKS_CAP);
        let shared = Arc::new(Shared::new());
        let files = Files { dir, seal };
        let indexer = Indexer { files, store: store.clone(), tasks: inbox, shared: shared.clone() };
        let indexer = thread::spawn(move || indexer.run()).thread().clone();
        Self { tasks, shared, store, indexer }
    }

    /// Tells of entries whose writes were handed to the store, or are on its disk. Never waits.
    pub fn entered(&self, entries: impl IntoIterator<Item = Entered>) {
        entries.into_iter().for_each(|entry| self.tell(Task::Entered(entry)));
    }

    /// Tells that more of a conversation can be read than before: the secrets of a private room came.
    /// Should the program end before all of it was read anew, what was sealed is found no better than
    /// before until then.
    pub fn unsealed(&self, conversation: ConversationId) {
        self.shared.unseal(conversation);
        self.tell(Task::Viewed);
    }

    /// Tells that the store forgets what stands before this in a conversation. It may be told as often as the
    /// store is; what takes the store several times is found gone the next time that this changes.
    pub fn forgot(&self, conversation: ConversationId, before: EntryKey) {
        if self.shared.begin(conversation, before) {
            self.tell(Task::Viewed);
        }
    }

    /// How the index stands, for waiting on changes.
    pub fn watch(&self) -> watch::Receiver<State> {
        self.shared.state.subscribe()
    }

    /// The newest posts that the query finds, newest first. Each is read from the store and compared,
    /// so what is found is there, and says what was asked for.
    pub async fn find(&self, query: &Query) -> Result<Vec<Found>, SearchError> {
        let Some(asked) = Lookup::new(query) else { return Ok(Vec::new()) };
        self.opened().await?;
        self.take_in().await;
        let mut lookup = asked.clone();
        let mut found = Vec::new();
        while found.len() < query.limit {
            let Places { newest, is_all } = self.places(&lookup).await?;
            if let Some(last) = newest.last() {
                lookup.before = (last.clock, last.head);
            }
            found.append(&mut self.compare(newest, &asked).await?);
            if is_all {
                break;
            }
            // Few candidates were hits: more at a time, so that rare hits do not take many rounds.
            lookup.limit = (2 * lookup.limit).min(CANDIDATES_MAX);
        }
        found.truncate(query.limit);
        Ok(found)
    }

    /// Commits, and waits for the end of the thread.
    pub async fn close(self) {
        let (done, closed) = oneshot::channel();
        self.hurry();
        // The thread may have ended: then there is nothing to wait for.
        if self.tasks.put_last(Task::Close(done)).is_ok() {
            let _ = closed.await;
        }
    }

    async fn opened(&self) -> Result<(), SearchError> {
        let mut state = self.watch();
        let opened = state.wait_for(|state| *state != State::Opening).await.map(|state| *state);
        match opened {
            Ok(State::Indexing { .. } | State::Ready) => Ok(()),
            Ok(State::Opening | State::Unavailable) | Err(_) => Err(SearchError::Unavailable),
        }
    }

    /// Has taken in what was told so far, so that it is found.
    async fn take_in(&self) {
        let (done, taken) = oneshot::channel();
        if self.tasks.put(Task::Wanted(done)).is_ok() {
            self.hurry();
            let is_ready = *self.shared.state.borrow() == State::Ready;
            let patience = if is_ready { TAKE_IN_MAX } else { TAKE_IN_BUSY_MAX };
            // An index that takes longer, or is being opened again, is searched as it is.
            let _ = timeout(patience, taken).await;
        }
    }

    /// Does not let it wait for a lull.
    fn hurry(&self) {
        self.shared.hurry();
        self.indexer.unpark();
    }

    async fn places(&self, lookup: &Lookup) -> Result<Places, SearchError> {
        let (shared, lookup) = (self.shared.clone(), lookup.clone());
        let was_viewed = shared.is_viewed();
        let places = spawn_blocking(move || shared.places(&lookup)).await;
        if !was_viewed {
            self.tell(Task::Viewed);
        }
        // It fails, or panics, when the files are not what was written.
        places.ok().and_then(Result::ok).ok_or_else(|| {
            self.tell(Task::Suspect);
            SearchError::Unavailable
        })
    }

    /// Reads the candidates and keeps those that are hits.
    async fn compare(&self, candidates: Vec<Place>, asked: &Lookup) -> Result<Vec<Found>, SearchError> {
        let posts = self.store.read(move |store| truth::posts_at(store, &candidates)).await?;
        let hits = posts.into_iter().map(|(conversation, item)| Found { conversation, item });
        Ok(hits.filter(|found| found.is_hit(asked)).collect())
    }

    fn tell(&self, task: Task) {
        if self.tasks.put(task).is_err() {
            self.shared.has_missed.store(true, Ordering::Relaxed);
        }
    }
}

impl Found {
    fn is_hit(&self, asked: &Lookup) -> bool {
        let post = &self.item.post.entry;
        let place = Place::of(self.conversation, post.key());
        asked.admits(&place, post.person())
            && self.item.text().is_some_and(|text| asked.pattern.matches(text))
    }
}
