//! The storage thread: groups, their order, their failures, and the end.

#![allow(clippy::unwrap_used)] // A panic is the report, in a test's helpers too.

#[path = "support/fixtures.rs"]
mod fixtures;

use std::sync::{Arc, Mutex, mpsc as std_mpsc};

use fixtures::{ROOM, entry, person, put};
use kinmesh_proto::{
    ConversationId, Delivery, Digest, Entry, EntryKey, KeyRange, PageAt, PageItem, Snapshot, StoredEntry,
    TakenBack, Wait, Write,
};
use kinmesh_store::{
    Busy, Completion, HistoryStore, MemoryStore, ShowsChanges, SledStore, StoreError, StoreHandle,
};
use tokio::sync::mpsc;

/// More commits than the thread takes.
const MANY: u64 = 10_000;

/// A memory store that waits for leave before each group, notes its size and may refuse it.
struct Gated {
    inner: MemoryStore,
    leave: std_mpsc::Receiver<Result<(), StoreError>>,
    groups: Arc<Mutex<Vec<usize>>>,
}

impl HistoryStore for Gated {
    fn apply(&mut self, writes: &[Write]) -> Result<Vec<bool>, StoreError> {
        self.groups.lock().unwrap().push(writes.len());
        self.leave.recv().unwrap_or(Ok(()))?;
        self.inner.apply(writes)
    }

    fn load(&self) -> Result<Snapshot, StoreError> {
        self.inner.load()
    }

    fn page_through(
        &self,
        id: ConversationId,
        at: PageAt,
        limit: usize,
        shows: &ShowsChanges<'_>,
    ) -> Result<Vec<PageItem>, StoreError> {
        self.inner.page_through(id, at, limit, shows)
    }

    fn post_through(
        &self,
        id: ConversationId,
        key: EntryKey,
        shows: &ShowsChanges<'_>,
    ) -> Result<Option<PageItem>, StoreError> {
        self.inner.post_through(id, key, shows)
    }

    fn newest(&self, id: ConversationId) -> Result<Option<StoredEntry>, StoreError> {
        self.inner.newest(id)
    }

    fn unread(&self, id: ConversationId, after: Option<EntryKey>, cap: usize) -> Result<usize, StoreError> {
        self.inner.unread(id, after, cap)
    }

    fn queued(
        &self,
        id: ConversationId,
        after: Option<EntryKey>,
        limit: usize,
    ) -> Result<Vec<StoredEntry>, StoreError> {
        self.inner.queued(id, after, limit)
    }

    fn count_queued(&self, id: ConversationId, after: Option<EntryKey>) -> Result<usize, StoreError> {
        self.inner.count_queued(id, after)
    }

    fn digest(&self, id: ConversationId, range: KeyRange) -> Result<Digest, StoreError> {
        self.inner.digest(id, range)
    }

    fn days(&self, id: ConversationId) -> Result<Vec<(u32, Digest)>, StoreError> {
        self.inner.days(id)
    }

    fn keys(&self, id: ConversationId, range: KeyRange, limit: usize) -> Result<Vec<EntryKey>, StoreError> {
        self.inner.keys(id, range, limit)
    }

    fn entries(
        &self,
        id: ConversationId,
        keys: &[EntryKey],
        bytes_max: usize,
    ) -> Result<Vec<StoredEntry>, StoreError> {
        self.inner.entries(id, keys, bytes_max)
    }

    fn entries_in(
        &self,
        id: ConversationId,
        range: KeyRange,
        bytes_max: usize,
    ) -> Result<Vec<StoredEntry>, StoreError> {
        self.inner.entries_in(id, range, bytes_max)
    }

    fn posts_before(&self, id: ConversationId, waits: &[Wait]) -> Result<Vec<Option<EntryKey>>, StoreError> {
        self.inner.posts_before(id, waits)
    }

    fn taken_back(&self, id: ConversationId, entry: &Entry) -> Result<TakenBack, StoreError> {
        self.inner.taken_back(id, entry)
    }
}

struct Rig {
    handle: StoreHandle,
    completions: mpsc::Receiver<Completion>,
    /// Lets one group pass, or fail. Dropped, it lets all pass.
    leave: std_mpsc::Sender<Result<(), StoreError>>,
    groups: Arc<Mutex<Vec<usize>>>,
}

fn rig() -> Rig {
    let (leave, gate) = std_mpsc::channel();
    let groups = Arc::default();
    let store = Gated { inner: MemoryStore::new(), leave: gate, groups: Arc::clone(&groups) };
    let (sender, completions) = mpsc::channel(MANY as usize);
    Rig { handle: StoreHandle::spawn(Box::new(store), sender), completions, leave, groups }
}

fn message(n: u64) -> Write {
    put(ROOM, &entry(&person(1), ROOM, n, "hello"), Delivery::Received)
}

impl Rig {
    /// Commits one message, and holds the thread on it: what follows gathers behind it.
    async fn hold(&self) {
        self.handle.commit(0, vec![message(0)]).unwrap();
        while self.groups.lock().unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
    }

    async fn next(&mut self) -> Completion {
        self.completions.recv().await.unwrap()
    }
}

#[tokio::test]
async fn what_gathers_is_stored_as_one_group() {
    let mut rig = rig();
    rig.hold().await;
    rig.handle.commit(1, vec![message(1), message(2)]).unwrap();
    rig.handle.commit(2, vec![]).unwrap();
    rig.handle.commit(3, vec![message(2), message(3), message(0)]).unwrap();
    rig.leave.send(Ok(())).unwrap();
    rig.leave.send(Ok(())).unwrap();
    for (token, fresh) in [(0, vec![true]), (1, vec![true, true]), (2, vec![]), (3, vec![false, true, false])]
    {
        let completion = rig.next().await;
        assert_eq!((completion.token, completion.result.unwrap()), (token, fresh));
    }
    assert_eq!(*rig.groups.lock().unwrap(), [1, 5]);
}

#[tokio::test]
async fn a_group_is_bounded_and_a_full_queue_is_busy() {
    let mut rig = rig();
    rig.hold().await;
    let message = message(1);
    let taken = (1..MANY)
        .find(|token| {
            rig.handle.commit(*token, vec![message.clone()]) == Err(Busy { writes: vec![message.clone()] })
        })
        .unwrap();
    drop(rig.leave);
    for token in 0..taken {
        let completion = rig.completions.recv().await.unwrap();
        assert_eq!(completion.token, token);
        assert_eq!(completion.result.unwrap(), [token < 2]);
    }
    let groups = rig.groups.lock().unwrap().clone();
    assert!(groups.iter().all(|size| *size <= 256), "{groups:?}");
    assert_eq!(groups.iter().sum::<usize>() as u64, taken);
    assert_eq!(rig.handle.commit(0, vec![]), Ok(()), "there is room again");
}

#[tokio::test]
async fn a_failed_group_fails_each_of_its_commits_and_no_other() {
    let mut rig = rig();
    rig.hold().await;
    rig.handle.commit(1, vec![message(1)]).unwrap();
    rig.handle.commit(2, vec![message(2)]).unwrap();
    rig.leave.send(Ok(())).unwrap();
    rig.leave.send(Err(StoreError::Full)).unwrap();
    assert!(rig.next().await.result.is_ok());
    for token in 1..=2 {
        let completion = rig.next().await;
        assert_eq!(completion.token, token);
        assert!(matches!(completion.result, Err(StoreError::Full)));
    }
    rig.leave.send(Ok(())).unwrap();
    rig.handle.commit(3, vec![message(1)]).unwrap();
    assert_eq!(rig.next().await.result.unwrap(), [true]);
}

#[tokio::test]
async fn a_read_sees_the_commits_before_it() {
    let rig = rig();
    rig.hold().await;
    for n in 1..10 {
        rig.handle.commit(n, vec![message(n)]).unwrap();
    }
    let unread = rig.handle.unread(ROOM, None, 100);
    let page = rig.handle.page(ROOM, PageAt::Newest, 3);
    drop(rig.leave);
    let (unread, page) = tokio::join!(unread, page);
    assert_eq!(unread.unwrap(), 10);
    assert_eq!(page.unwrap().len(), 3);
    assert_eq!(rig.handle.queued(ROOM, None, 3).await.unwrap(), []);
    assert_eq!(rig.handle.load().await.unwrap(), Snapshot::default());
}

#[tokio::test]
async fn closing_stores_what_was_handed_over_and_frees_the_directory() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = SledStore::open(dir.path()).unwrap();
    let (sender, mut completions) = mpsc::channel(MANY as usize);
    let handle = StoreHandle::spawn(Box::new(store), sender);
    for n in 0..500 {
        handle.commit(n, vec![message(n)]).unwrap();
    }
    let late = handle.clone();
    tokio::join!(handle.clone().close(), handle.close());
    assert_eq!(late.commit(500, vec![]), Err(Busy { writes: vec![] }));
    assert!(matches!(late.load().await, Err(StoreError::Closed)));
    late.close().await;
    let (store, _) = SledStore::open(dir.path()).unwrap();
    assert_eq!(store.page(ROOM, PageAt::Newest, 1000).unwrap().len(), 500);
    for n in 0..500 {
        assert_eq!(completions.recv().await.unwrap().token, n);
    }
    assert!(completions.recv().await.is_none());
}

#[tokio::test]
async fn what_was_handed_over_is_stored_though_nobody_listens() {
    let rig = rig();
    rig.hold().await;
    drop(rig.completions);
    rig.handle.commit(1, vec![message(1)]).unwrap();
    drop(rig.leave);
    assert_eq!(rig.handle.page(ROOM, PageAt::Newest, 10).await.unwrap().len(), 2);
}
