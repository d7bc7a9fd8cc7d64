//! The thread that keeps the index like the store.
//!
//! The store is the truth; the index holds enough of each entry to say which days it lacks something
//! of. So whatever happened (a crash between the two, a lost or damaged directory, a full queue) is
//! mended in one way: compare the days, and read those anew that differ. It must never keep anybody
//! waiting, and it alone writes the index.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{RecvError, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use futures::executor::block_on;
use kinmesh_proto::ConversationId;
use kinmesh_store::{HistoryStore, StoreError, StoreHandle, day_of, range_of_day};
use tantivy::TantivyError;
use tokio::sync::oneshot;

use crate::index::{Covered, Files, SearchIndex, Writing};
use crate::queue::Outlet;
use crate::search::TASKS_CAP;
use crate::shared::{Shared, State};
use crate::truth::{self, Entered, Original, Piece};

/// Entries read from the store at a time: some 2 ms of its thread.
const READ_MAX: usize = 256;

/// Bytes of text between two commits while days are read anew. Bounds what tantivy holds in its
/// queue, and what is done again after a crash.
const COMMIT_BYTES: usize = 4 * 1024 * 1024;

/// When nothing was told for this long, what is fresh is committed and the view is closed.
const QUIET: Duration = Duration::from_secs(60);

/// After a fault the index is opened and examined again, no sooner than this.
const RETRY: Duration = Duration::from_secs(30);

/// When nothing was told for this long, a burst is over. Whoever wrote it waits for its way to others,
/// which needs the store, the disk and the processor more than the index does; a search does not wait
/// for the lull.
const LULL: Duration = Duration::from_millis(500);

/// A burst that lasts longer is read while it goes on: it may be people who talk all day.
const BURST: Duration = Duration::from_secs(10);

/// So is one that brings more than this: the rest of the queue is room for what comes meanwhile.
const BURST_MAX: usize = TASKS_CAP / 4 * 3;

/// What the thread is told.
pub(crate) enum Task {
    /// An entry came into the store.
    Entered(Entered),
    /// The view was opened, to be closed when it is quiet.
    Viewed,
    /// A search failed: the index may be damaged.
    Suspect,
    /// A search begins, and wants to find what was told before.
    Wanted(oneshot::Sender<()>),
    /// Commit and end.
    Close(oneshot::Sender<()>),
}

/// Why the thread has to begin anew.
#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error("the index cannot be written")]
    Index(#[from] TantivyError),
    #[error("the history cannot be read")]
    Store(#[from] StoreError),
    #[error("a search failed")]
    Suspect,
    #[error("the index broke an assumption of its own")]
    Panicked,
}

/// Why the work stopped.
enum Stop {
    Fault(Fault),
    /// Whoever closed it waits for word; `None` when nobody is left to tell it anything.
    End(Option<oneshot::Sender<()>>),
}

impl<F: Into<Fault>> From<F> for Stop {
    fn from(fault: F) -> Self {
        Self::Fault(fault.into())
    }
}

pub(crate) struct Indexer {
    pub(crate) files: Files,
    pub(crate) store: StoreHandle,
    pub(crate) tasks: Outlet<Task>,
    pub(crate) shared: Arc<Shared>,
}

/// Days of which index and store hold different things: how many entries the store has of each, and
/// whether the index has any.
type Stale = BTreeMap<(u32, ConversationId), (u64, bool)>;

impl Indexer {
    /// Runs until it is closed, or until nobody holds the other end of its queue.
    pub(crate) fn run(self) {
        let end = loop {
            let worked = panic::catch_unwind(AssertUnwindSafe(|| self.work()));
            match worked.unwrap_or(Err(Stop::Fault(Fault::Panicked))) {
                Ok(never) => match never {},
                Err(Stop::End(end)) => break end,
                Err(Stop::Fault(error)) => tracing::error!(%error, "search is out of order for a while"),
            }
            self.shared.close(State::Unavailable);
            if let Some(Stop::End(end)) = self.wait_out() {
                break end;
            }
            self.shared.close(State::Opening);
        };
        self.shared.close(State::Unavailable);
        if let Some(done) = end {
            // Whoever stopped waiting needs no word.
            let _ = done.send(());
        }
    }

    /// Lets time pass after a fault. What is told meanwhile is found missing later.
    fn wait_out(&self) -> Option<Stop> {
        let until = Instant::now() + RETRY;
        loop {
            match self.tasks.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(Task::Close(done)) => return Some(Stop::End(Some(done))),
                Ok(Task::Entered(_) | Task::Viewed | Task::Suspect | Task::Wanted(_)) => {}
                Err(RecvTimeoutError::Timeout) => return None,
                Err(RecvTimeoutError::Disconnected) => return Some(Stop::End(None)),
            }
        }
    }

    /// Opens the index and keeps it like the store, until something stops it.
    fn work(&self) -> Result<Infallible, Stop> {
        let (index, covered) = self.open()?;
        self.shared.open(&index);
        self.shared.state.send_replace(State::Indexing { indexed: 0, total: 0 });
        self.catch_up(&index, covered)?;
        let stop = loop {
            if let Err(stop) = self.keep_up(&index) {
                break stop;
            }
        };
        if let Stop::End(_) = stop {
            self.commit_fresh(&index)?;
        }
        Err(stop)
    }

    /// The index as it is, examined, and what it holds; a new one when that cannot be had.
    fn open(&self) -> Result<(SearchIndex, Covered), TantivyError> {
        let examined = panic::catch_unwind(|| {
            let index = SearchIndex::open(&self.files)?;
            let covered = index.view()?.covered()?;
            Ok::<_, TantivyError>((index, covered))
        });
        if let Ok(Ok(sound)) = examined {
            return Ok(sound);
        }
        if self.files.dir.exists() {
            tracing::warn!("the search index is damaged or of another version, and is made anew");
        }
        Ok((SearchIndex::create(&self.files)?, Covered::new()))
    }

    /// Takes what it is told next, or makes use of the quiet.
    fn keep_up(&self, index: &SearchIndex) -> Result<(), Stop> {
        self.find_missed(index)?;
        match self.next_task() {
            Ok(task) => self.take(task)?,
            Err(RecvTimeoutError::Timeout) => {
                self.commit_fresh(index)?;
                self.shared.close_view();
            }
            Err(RecvTimeoutError::Disconnected) => return Err(Stop::End(None)),
        }
        if self.shared.fresh().is_full() {
            self.commit_fresh(index)?;
        }
        Ok(())
    }

    /// Looks for what the queue had no room for. As long as it is full there will be a next task, so
    /// this is not put off for ever.
    fn find_missed(&self, index: &SearchIndex) -> Result<(), Stop> {
        if self.shared.has_missed.swap(false, Ordering::Relaxed) {
            self.catch_up(index, index.view()?.covered()?)?;
        }
        Ok(())
    }

    /// The next task; if it had to be waited for and opens a burst, when that is over.
    fn next_task(&self) -> Result<Task, RecvTimeoutError> {
        if let Ok(task) = self.tasks.try_recv() {
            return Ok(task);
        }
        let task = self.wait_for_task()?;
        if matches!(task, Task::Entered(_)) {
            self.wait_for_lull();
        }
        Ok(task)
    }

    fn wait_for_lull(&self) {
        let (begin, mut before) = (Instant::now(), self.tasks.waiting());
        while begin.elapsed() < BURST && !self.shared.is_hurried() {
            thread::park_timeout(LULL);
            let waiting = self.tasks.waiting();
            let is_over = std::mem::replace(&mut before, waiting) == waiting;
            if is_over || waiting > BURST_MAX {
                break;
            }
        }
    }

    /// Waits for a task: for ever, unless there is something to do when it is quiet.
    fn wait_for_task(&self) -> Result<Task, RecvTimeoutError> {
        let is_at_rest = self.shared.fresh().is_empty() && !self.shared.is_viewed();
        if is_at_rest {
            self.tasks.recv().map_err(|RecvError| RecvTimeoutError::Disconnected)
        } else {
            self.tasks.recv_timeout(QUIET)
        }
    }

    /// Takes this task and those that wait, so that one reading of the store serves many.
    fn take(&self, first: Task) -> Result<(), Stop> {
        let (mut told, mut wanted) = (Vec::new(), Vec::new());
        let mut next = Some(first);
        let mut stop = None;
        while let Some(task) = next {
            match task {
                Task::Entered(entry) => told.push(entry),
                Task::Viewed => {}
                Task::Wanted(taken) => wanted.push(taken),
                Task::Suspect => stop = Some(Stop::Fault(Fault::Suspect)),
                Task::Close(done) => stop = Some(Stop::End(Some(done))),
            }
            let is_enough = stop.is_some() || told.len() >= READ_MAX;
            next = if is_enough { None } else { self.tasks.try_recv().ok() };
        }
        if !told.is_empty() {
            let originals = self.read(move |store| truth::originals(store, &told))?;
            self.shared.add_fresh(originals.into_iter().map(Original::cut));
        }
        for taken in wanted {
            // Whoever stopped waiting needs no word.
            let _ = taken.send(());
        }
        stop.map_or(Ok(()), Err)
    }

    fn commit_fresh(&self, index: &SearchIndex) -> Result<(), Stop> {
        if !self.shared.fresh().is_empty() {
            let writing = index.write()?;
            self.write_fresh(&writing)?;
            writing.finish()?;
            self.shared.committed()?;
        }
        Ok(())
    }

    fn write_fresh(&self, writing: &Writing) -> Result<(), TantivyError> {
        let fresh = self.shared.fresh();
        writing.remove(fresh.documents().map(|document| document.place))?;
        fresh.documents().try_for_each(|document| writing.add(document))
    }

    /// Compares the days of index and store, and reads those anew that differ, the newest first.
    fn catch_up(&self, index: &SearchIndex, covered: Covered) -> Result<(), Stop> {
        let unsealed = self.shared.take_unsealed();
        let caught_up = self.read_anew(index, covered, &unsealed);
        if caught_up.is_err() {
            unsealed.into_iter().for_each(|conversation| self.shared.unseal(conversation));
        }
        caught_up
    }

    fn read_anew(
        &self,
        index: &SearchIndex,
        covered: Covered,
        unsealed: &BTreeSet<ConversationId>,
    ) -> Result<(), Stop> {
        let stale = self.stale(covered, unsealed)?;
        if !stale.is_empty() {
            let total = stale.values().map(|(entries, _)| entries).sum();
            let mut work = CatchUp {
                indexer: self,
                writing: index.write()?,
                stale: &stale,
                indexed: 0,
                total,
                bytes: 0,
            };
            for ((day, conversation), (_, is_covered)) in stale.iter().rev() {
                work.read_day(*conversation, *day, *is_covered)?;
            }
            work.finish()?;
        }
        self.shared.state.send_replace(State::Ready);
        Ok(())
    }

    fn stale(&self, mut covered: Covered, unsealed: &BTreeSet<ConversationId>) -> Result<Stale, StoreError> {
        let conversations = self.read(|store| Ok(store.load()?.conversations))?;
        let mut stale = Stale::new();
        let is_shown = |id: &ConversationId| !matches!(id, ConversationId::Control(_));
        for conversation in conversations.into_iter().map(|record| record.id).filter(is_shown) {
            for ((_, day), there) in self.read(move |store| truth::days(store, conversation))? {
                let here = covered.remove(&(conversation, day));
                if here != Some(there) || unsealed.contains(&conversation) {
                    stale.insert((day, conversation), (there.count, here.is_some()));
                }
            }
        }
        // What the store has nothing of.
        stale.extend(covered.into_keys().map(|(conversation, day)| ((day, conversation), (0, true))));
        Ok(stale)
    }

    fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&dyn HistoryStore) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        block_on(self.store.read(read))
    }
}

/// Reading days anew.
struct CatchUp<'i> {
    indexer: &'i Indexer,
    writing: Writing,
    stale: &'i Stale,
    indexed: u64,
    total: u64,
    /// Bytes of text since the last commit.
    bytes: usize,
}

impl CatchUp<'_> {
    fn read_day(&mut self, conversation: ConversationId, day: u32, is_covered: bool) -> Result<(), Stop> {
        if is_covered {
            self.writing.remove_day(conversation, day);
        }
        let mut range = range_of_day(day);
        while let Some(piece) =
            self.indexer.read(move |store| truth::last_piece(store, conversation, range, READ_MAX))?
        {
            range.to = Some(piece.begin);
            self.add(piece)?;
        }
        Ok(())
    }

    fn add(&mut self, piece: Piece) -> Result<(), Stop> {
        self.indexed += piece.originals.len() as u64;
        for original in piece.originals {
            let document = original.cut();
            self.bytes += document.size();
            self.writing.add(&document)?;
        }
        self.mend(piece.elsewhere)?;
        let progress = State::Indexing { indexed: self.indexed, total: self.total };
        self.indexer.shared.state.send_replace(progress);
        while !self.indexer.shared.fresh().is_full()
            && let Ok(task) = self.indexer.tasks.try_recv()
        {
            self.indexer.take(task)?;
        }
        if self.bytes >= COMMIT_BYTES || self.indexer.shared.fresh().is_full() {
            self.commit()?;
        }
        Ok(())
    }

    /// Reads posts of other days again, unless their days are read as a whole.
    fn mend(&mut self, mut elsewhere: Vec<Entered>) -> Result<(), Stop> {
        elsewhere.retain(|told| !self.stale.contains_key(&(day_of(told.key), told.conversation)));
        let originals = self.indexer.read(move |store| truth::originals(store, &elsewhere))?;
        // Two changes of one post bring it twice.
        let posts: BTreeMap<_, _> =
            originals.into_iter().map(Original::cut).map(|document| (document.place, document)).collect();
        self.writing.remove(posts.keys().copied())?;
        Ok(posts.values().try_for_each(|post| self.writing.add(post))?)
    }

    fn commit(&mut self) -> Result<(), Stop> {
        self.indexer.write_fresh(&self.writing)?;
        self.writing.commit()?;
        self.bytes = 0;
        Ok(self.indexer.shared.committed()?)
    }

    fn finish(mut self) -> Result<(), Stop> {
        self.commit()?;
        Ok(self.writing.finish()?)
    }
}
