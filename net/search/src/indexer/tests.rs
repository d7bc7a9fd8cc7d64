//! One step after the other, without the thread.

use std::path::Path;

use kinmesh_proto::{
    Content, ConversationRecord, Delivery, DeviceKeys, Entry, EntryBody, Hlc, RoomId, StoredEntry,
    Unverified, Write,
};
use kinmesh_store::{Completion, MemoryStore};
use tempfile::TempDir;

use super::*;
use crate::query::{Lookup, Query};
use crate::queue::{Inlet, queue};

const ROOM: ConversationId = ConversationId::Room(RoomId([1; 32]));

struct Fixture {
    indexer: Indexer,
    tasks: Inlet<Task>,
    index: SearchIndex,
    completions: tokio::sync::mpsc::Receiver<Completion>,
    _dir: TempDir,
}

impl Fixture {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (told, completions) = tokio::sync::mpsc::channel(4);
        let store = StoreHandle::spawn(Box::new(MemoryStore::new()), told);
        let (tasks, inbox) = queue(4);
        let shared = Arc::new(Shared::new());
        let files = Files { dir: dir.path().join("index"), seal: None };
        let indexer = Indexer { files, store, tasks: inbox, shared };
        let (index, _) = indexer.open().unwrap();
        indexer.shared.open(&index);
        let mut fixture = Self { indexer, tasks, index, completions, _dir: dir };
        fixture.commit(Write::PutConversation(ConversationRecord::new(ROOM, None)));
        fixture
    }

    fn commit(&mut self, write: Write) {
        self.indexer.store.commit(0, vec![write]).unwrap();
        self.completions.blocking_recv().unwrap().result.unwrap();
    }

    fn write(&mut self, ms: u64, content: Content) -> Entry {
        let keys = DeviceKeys::generate(&[1; 32], &[2; 32], 0);
        let conversation = ROOM.tag(keys.person());
        let body = EntryBody { conversation, clock: Hlc::from_ms(ms), seq: ms + 1, prev: vec![], content };
        let entry = Unverified::sign(body, &keys);
        let stored = StoredEntry { entry: entry.clone(), delivery: Delivery::Received, received_ms: ms };
        self.commit(Write::PutEntry { conversation: ROOM, stored });
        entry
    }

    fn tell(&self, entry: &Entry) {
        let changes = entry.content().target();
        let entered = Entered { conversation: ROOM, key: entry.key(), changes };
        self.tasks.put(Task::Entered(entered)).unwrap();
    }

    /// How many places the words may be found at.
    fn hits(&self, typed: &str) -> usize {
        let query = Query { text: typed.to_owned(), limit: 10, ..Query::default() };
        self.indexer.shared.places(&Lookup::new(&query).unwrap()).unwrap().newest.len()
    }

    fn keep_up(&self) {
        assert!(self.indexer.keep_up(&self.index).is_ok());
    }
}

#[test]
fn what_it_is_told_is_found_before_it_is_committed() {
    let mut fixture = Fixture::new();
    let post = fixture.write(1, Content::text("tea"));
    fixture.tell(&post);
    fixture.keep_up();
    assert_eq!(fixture.hits("tea"), 1);
    assert!(fixture.index.view().unwrap().covered().unwrap().is_empty(), "not committed");
    assert!(fixture.indexer.commit_fresh(&fixture.index).is_ok());
    assert_eq!(fixture.hits("tea"), 1);
    assert!(fixture.indexer.shared.fresh().is_empty());
}

#[test]
fn an_edit_is_found_at_once_and_the_old_words_go_with_the_commit() {
    let mut fixture = Fixture::new();
    let post = fixture.write(1, Content::text("tea"));
    fixture.tell(&post);
    fixture.keep_up();
    assert!(fixture.indexer.commit_fresh(&fixture.index).is_ok());
    let edit = fixture.write(2, Content::Edit { of: post.key(), text: "coffee".into() });
    fixture.tell(&edit);
    fixture.keep_up();
    assert_eq!(fixture.hits("coffee"), 1);
    assert!(fixture.indexer.commit_fresh(&fixture.index).is_ok());
    assert_eq!((fixture.hits("coffee"), fixture.hits("tea")), (1, 0));
}

#[test]
fn what_the_disk_refused_is_not_there() {
    let mut fixture = Fixture::new();
    let post = fixture.write(1, Content::text("tea"));
    let keys = DeviceKeys::generate(&[1; 32], &[2; 32], 0);
    let refused = |content| {
        let conversation = ROOM.tag(keys.person());
        Unverified::sign(
            EntryBody { conversation, clock: Hlc::from_ms(2), seq: 9, prev: vec![], content },
            &keys,
        )
    };
    fixture.tell(&post);
    fixture.tell(&refused(Content::text("tea")));
    fixture.tell(&refused(Content::Delete { of: post.key() }));
    fixture.keep_up();
    assert_eq!(fixture.indexer.shared.fresh().documents().count(), 1);
}

#[test]
fn a_full_house_of_fresh_entries_is_committed() {
    let mut fixture = Fixture::new();
    for ms in 0..40 {
        let post = fixture.write(ms, Content::text(format!("tea {}", "x ".repeat(10_000))));
        fixture.tell(&post);
        fixture.keep_up();
    }
    let covered = fixture.index.view().unwrap().covered().unwrap();
    assert!(covered.values().map(|day| day.count).sum::<u64>() > 0);
    assert_eq!(fixture.hits("tea"), 10);
}

#[test]
fn what_did_not_fit_into_the_queue_is_looked_for() {
    let mut fixture = Fixture::new();
    let told = fixture.write(1, Content::text("tea"));
    fixture.write(2, Content::text("tea time"));
    fixture.tell(&told);
    fixture.keep_up();
    assert!(fixture.indexer.find_missed(&fixture.index).is_ok());
    assert_eq!(fixture.hits("tea"), 1, "nobody said that anything is missing");
    fixture.indexer.shared.has_missed.store(true, Ordering::Relaxed);
    assert!(fixture.indexer.find_missed(&fixture.index).is_ok());
    assert_eq!(fixture.hits("tea"), 2);
    assert_eq!(*fixture.indexer.shared.state.borrow(), State::Ready);
}

#[test]
fn a_failed_search_has_the_index_examined() {
    let fixture = Fixture::new();
    fixture.tasks.put(Task::Suspect).unwrap();
    assert!(matches!(fixture.indexer.keep_up(&fixture.index), Err(Stop::Fault(Fault::Suspect))));
    damage(&fixture.indexer.files.dir);
    let (index, covered) = fixture.indexer.open().unwrap();
    assert!(covered.is_empty() && index.view().is_ok(), "a new one");
}

fn damage(dir: &Path) {
    std::fs::write(dir.join("meta.json"), "{").unwrap();
}

#[test]
fn it_ends_when_nobody_is_left() {
    let Fixture { indexer, tasks, _dir, .. } = Fixture::new();
    drop(tasks);
    indexer.run();
}
