//! The one thread that owns a store, and the handle by which tasks reach it.
//!
//! While the disk is busy with one group of commits the next one gathers in the channel, so the
//! group grows with the load and a lone commit never waits for company. It runs on its own OS
//! thread and must never know what the writes mean.
//!
//! Reads wait in the same queue as commits, so that they see those before them, and a commit waits
//! for the reads before it: whoever asks for others bounds how much is read at once, and for how many.
//!
//! **It cannot deadlock** as long as the task that takes the completions never waits for the
//! store: [`StoreHandle::commit`] only tries. The reads do wait for room and for their answer, so
//! they belong in a task of their own (or in one that polls completions beside them).

use std::thread;

use kinmesh_proto::{
    ConversationId, Digest, Entry, EntryKey, Hlc, KeyRange, PageAt, PageItem, PersonId, Snapshot,
    StoredEntry, TakenBack, Wait, Write,
};
use tokio::sync::mpsc::error::TryRecvError;
use tokio::sync::{mpsc, oneshot};

use crate::error::StoreError;
use crate::history::HistoryStore;

/// Commands that wait for the thread: eight full groups of single writes, a burst of some 20 ms of
/// the disk's work. Beyond it the caller is told [`Busy`].
const COMMANDS_CAP: usize = 2048;

/// Writes in one group, to within its last commit: throughput hardly grows beyond it, and it takes
/// the disk about 3 ms, so that the first commit of a group does not wait long for the last.
const GROUP_WRITES_MAX: usize = 256;

/// The store takes no more commits at the moment, or for good when it was closed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the store is busy")]
pub struct Busy {
    /// What was not taken, to be handed over again.
    pub writes: Vec<Write>,
}

/// What became of one commit.
#[derive(Debug)]
pub struct Completion {
    /// The caller's own number of the commit.
    pub token: u64,
    /// For each entry of the commit, in order, whether it was new; or why nothing was stored.
    pub result: Result<Vec<bool>, StoreError>,
}

struct Commit {
    token: u64,
    writes: Vec<Write>,
}

type Reply<T> = oneshot::Sender<Result<T, StoreError>>;
type Read = Box<dyn FnOnce(&dyn HistoryStore) + Send>;

enum Command {
    Commit(Commit),
    Read(Read),
    Close(oneshot::Sender<()>),
}

/// The way to a store from any task. Clones share the store; when the last is gone, the thread
/// finishes what it was given and ends.
#[derive(Debug, Clone)]
pub struct StoreHandle {
    commands: mpsc::Sender<Command>,
}

impl StoreHandle {
    /// Starts the thread. Completions arrive in the order of the commits.
    ///
    /// The thread waits while `completions` is full: give it at least the room of the commits its
    /// reader has in flight.
    pub fn spawn(store: Box<dyn HistoryStore>, completions: mpsc::Sender<Completion>) -> Self {
        let (commands, inbox) = mpsc::channel(COMMANDS_CAP);
        thread::spawn(move || Worker { store, inbox, completions, failing: false }.run());
        Self { commands }
    }

    /// Hands over changes that belong together. Never waits: the outcome comes as a [`Completion`].
    /// After a failure a commit without writes asks whether the store works again.
    pub fn commit(&self, token: u64, writes: Vec<Write>) -> Result<(), Busy> {
        match self.commands.try_reserve() {
            Ok(slot) => {
                slot.send(Command::Commit(Commit { token, writes }));
                Ok(())
            }
            Err(_) => Err(Busy { writes }),
        }
    }

    /// [`HistoryStore::load`], after every commit made before.
    pub async fn load(&self) -> Result<Snapshot, StoreError> {
        self.read(|store| store.load()).await
    }

    /// [`HistoryStore::page`], after every commit made before.
    pub async fn page(
        &self,
        conversation: ConversationId,
        at: PageAt,
        limit: usize,
    ) -> Result<Vec<PageItem>, StoreError> {
        self.read(move |store| store.page(conversation, at, limit)).await
    }

    /// [`HistoryStore::page_through`], after every commit made before.
    pub async fn page_through(
        &self,
        conversation: ConversationId,
        at: PageAt,
        limit: usize,
        shows: impl Fn(PersonId, Hlc) -> bool + Send + 'static,
    ) -> Result<Vec<PageItem>, StoreError> {
        self.read(move |store| store.page_through(conversation, at, limit, &shows)).await
    }

    /// [`HistoryStore::post_through`], after every commit made before.
    pub async fn post_through(
        &self,
        conversation: ConversationId,
        key: EntryKey,
        shows: impl Fn(PersonId, Hlc) -> bool + Send + 'static,
    ) -> Result<Option<PageItem>, StoreError> {
        self.read(move |store| store.post_through(conversation, key, &shows)).await
    }

    /// [`HistoryStore::post`], after every commit made before.
    pub async fn post(
        &self,
        conversation: ConversationId,
        key: EntryKey,
    ) -> Result<Option<PageItem>, StoreError> {
        self.read(move |store| store.post(conversation, key)).await
    }

    /// [`HistoryStore::newest`], after every commit made before.
    pub async fn newest(&self, conversation: ConversationId) -> Result<Option<StoredEntry>, StoreError> {
        self.read(move |store| store.newest(conversation)).await
    }

    /// [`HistoryStore::unread`], after every commit made before.
    pub async fn unread(
        &self,
        conversation: ConversationId,
        after: Option<EntryKey>,
        cap: usize,
    ) -> Result<usize, StoreError> {
        self.read(move |store| store.unread(conversation, after, cap)).await
    }

    /// [`HistoryStore::queued`], after every commit made before.
    pub async fn queued(
        &self,
        conversation: ConversationId,
        after: Option<EntryKey>,
        limit: usize,
    ) -> Result<Vec<StoredEntry>, StoreError> {
        self.read(move |store| store.queued(conversation, after, limit)).await
    }

    /// [`HistoryStore::count_queued`], after every commit made before.
    pub async fn count_queued(
        &self,
        conversation: ConversationId,
        after: Option<EntryKey>,
    ) -> Result<usize, StoreError> {
        self.read(move |store| store.count_queued(conversation, after)).await
    }

    /// [`HistoryStore::digest`], after every commit made before.
    pub async fn digest(&self, conversation: ConversationId, range: KeyRange) -> Result<Digest, StoreError> {
        self.read(move |store| store.digest(conversation, range)).await
    }

    /// [`HistoryStore::days`], after every commit made before.
    pub async fn days(&self, conversation: ConversationId) -> Result<Vec<(u32, Digest)>, StoreError> {
        self.read(move |store| store.days(conversation)).await
    }

    /// [`HistoryStore::keys`], after every commit made before.
    pub async fn keys(
        &self,
        conversation: ConversationId,
        range: KeyRange,
        limit: usize,
    ) -> Result<Vec<EntryKey>, StoreError> {
        self.read(move |store| store.keys(conversation, range, limit)).await
    }

    /// [`HistoryStore::entries`], after every commit made before.
    pub async fn entries(
        &self,
        conversation: ConversationId,
        keys: Vec<EntryKey>,
        bytes_max: usize,
    ) -> Result<Vec<StoredEntry>, StoreError> {
        self.read(move |store| store.entries(conversation, &keys, bytes_max)).await
    }

    /// [`HistoryStore::entries_in`], after every commit made before.
    pub async fn entries_in(
        &self,
        conversation: ConversationId,
        range: KeyRange,
        bytes_max: usize,
    ) -> Result<Vec<StoredEntry>, StoreError> {
        self.read(move |store| store.entries_in(conversation, range, bytes_max)).await
    }

    /// [`HistoryStore::posts_before`], after every commit made before.
    pub async fn posts_before(
        &self,
        conversation: ConversationId,
        waits: Vec<Wait>,
    ) -> Result<Vec<Option<EntryKey>>, StoreError> {
        self.read(move |store| store.posts_before(conversation, &waits)).await
    }

    /// [`HistoryStore::taken_back`] of each, after every commit made before.
    pub async fn are_taken_back(
        &self,
        conversation: ConversationId,
        entries: Vec<Entry>,
    ) -> Result<Vec<TakenBack>, StoreError> {
        let taken_back = move |store: &dyn HistoryStore| {
            entries.iter().map(|entry| store.taken_back(conversation, entry)).collect()
        };
        self.read(taken_back).await
    }

    /// Waits until everything handed over is on the disk and the store is closed. Its directory
    /// may be opened again afterwards. Commits made later are refused as [`Busy`].
    pub async fn close(self) {
        let (done, closed) = oneshot::channel();
        if self.commands.send(Command::Close(done)).await.is_ok() {
            // An error means that another clone closed it first: it is closed all the same.
            let _ = closed.await;
        }
    }

    /// Any reading at once, on the store's thread, after every commit made before. Commits wait for
    /// it: read a few milliseconds' worth.
    pub async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&dyn HistoryStore) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, answer): (Reply<T>, _) = oneshot::channel();
        // A reader that went away needs no answer.
        let read: Read = Box::new(move |store| drop(reply.send(read(store))));
        self.commands.send(Command::Read(read)).await.map_err(|_| StoreError::Closed)?;
        answer.await.map_err(|_| StoreError::Closed)?
    }
}

struct Worker {
    store: Box<dyn HistoryStore>,
    inbox: mpsc::Receiver<Command>,
    completions: mpsc::Sender<Completion>,
    /// Whether the last group failed: only the first failure in a row is logged.
    failing: bool,
}

impl Worker {
    fn run(mut self) {
        let mut closers = Vec::new();
        let mut next = self.inbox.blocking_recv();
        while let Some(command) = next {
            let mut ended_group = None;
            match command {
                Command::Commit(first) => ended_group = self.store_group(first),
                Command::Read(read) => read(&*self.store),
                Command::Close(done) => {
                    // Refuses what comes from now on; what came before is still finished.
                    self.inbox.close();
                    closers.push(done);
                }
            }
            next = ended_group.or_else(|| self.inbox.blocking_recv());
        }
        drop(self.store);
        for done in closers {
            // Whoever stopped waiting needs no word.
            let _ = done.send(());
        }
    }

    /// Takes the commits that already wait, up to a group, and the command that ended it if it was
    /// no commit.
    fn gather(&mut self, first: Commit) -> (Vec<Commit>, Option<Command>) {
        let mut writes = first.writes.len();
        let mut group = vec![first];
        while writes < GROUP_WRITES_MAX {
            match self.inbox.try_recv() {
                Ok(Command::Commit(commit)) => {
                    writes += commit.writes.len();
                    group.push(commit);
                }
                Ok(other) => return (group, Some(other)),
                Err(TryRecvError::Empty | TryRecvError::Disconnected) => break,
            }
        }
        (group, None)
    }

    /// Stores a group and completes its commits. Returns the command that ended it, if one did.
    fn store_group(&mut self, first: Commit) -> Option<Command> {
        let (group, ended_by) = self.gather(first);
        let commits: Vec<_> = group.iter().map(|commit| (commit.token, entries_in(&commit.writes))).collect();
        let writes: Vec<_> = group.into_iter().flat_map(|commit| commit.writes).collect();
        let result = self.store.apply(&writes);
        self.note(result.as_ref().err());
        let mut fresh = result.map(Vec::into_iter);
        for (token, entries) in commits {
            let result = match &mut fresh {
                Ok(fresh) => Ok(fresh.take(entries).collect()),
                Err(error) => Err(error.clone()),
            };
            // Nobody waits for it: what was asked for is stored all the same.
            let _ = self.completions.blocking_send(Completion { token, result });
        }
        ended_by
    }

    fn note(&mut self, failure: Option<&StoreError>) {
        match failure {
            Some(error) if !self.failing => tracing::error!(%error, "history is not stored"),
            None if self.failing => tracing::info!("history is stored again"),
            _ => {}
        }
        self.failing = failure.is_some();
    }
}

fn entries_in(writes: &[Write]) -> usize {
    writes.iter().filter(|write| matches!(write, Write::PutEntry { .. })).count()
}
