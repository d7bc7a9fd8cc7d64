//! A program that is killed at any moment loses nothing it was told is stored.

#![allow(clippy::unwrap_used)] // A panic is the report, in a test's helpers too.

#[path = "support/child.rs"]
mod child;
#[path = "support/fixtures.rs"]
mod fixtures;
#[path = "support/rounds.rs"]
mod rounds;

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::Stdio;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use fixtures::{CHAT, ROOM, entry, person, posts, put, seal};
use kinmesh_proto::{ConversationRecord, Delivery, Write};
use kinmesh_store::{Directory, HistoryStore, SledStore, StoredEntry};
use rounds::{Chance, rounds};

/// Entries of one batch in the room; the chat gets one more and its record counts the batches.
const BATCH: u64 = 7;
/// Opens each line of the child that counts, among those of the test harness.
const MARK: &str = "stored ";
/// The child's words before and after it opens the store.
const OPENING: &str = "opening";
const OPEN: &str = "open";
/// Kills of each loop, unless more are asked for.
const KILLS: u64 = 12;

fn batch(number: u64) -> Vec<Write> {
    let in_room = (0..BATCH).map(|n| {
        let text = format!("{number}.{n} {}", "x".repeat(usize::try_from(number * 37 % 500).unwrap()));
        put(ROOM, &entry(&person(1), ROOM, number * BATCH + n, &text), Delivery::Received)
    });
    let in_chat = put(CHAT, &entry(&person(1), CHAT, number, "queued"), Delivery::Queued);
    let record = ConversationRecord { seq_reserved: number + 1, ..ConversationRecord::new(CHAT, None) };
    in_room.chain([in_chat, Write::PutConversation(record)]).collect()
}

/// Checks that the store holds the batches from 0 on, each whole and in order, and counts them.
fn whole_batches(store: &SledStore) -> u64 {
    let room = posts(store, ROOM);
    let chat = store.queued(CHAT, None, usize::MAX).unwrap();
    let seq = store.load().unwrap().conversations.first().map_or(0, |record| record.seq_reserved);
    let times = |entries: &[StoredEntry]| -> Vec<u64> {
        entries.iter().map(|stored| stored.entry.value().clock.ms()).collect()
    };
    assert_eq!(times(&chat), (0..seq).collect::<Vec<_>>());
    assert_eq!(times(&room), (0..seq * BATCH).collect::<Vec<_>>());
    seq
}

fn open(dir: &Path) -> SledStore {
    let (store, report) = SledStore::open(dir).unwrap();
    assert_eq!(report.rebuilt, None, "a kill damages nothing");
    store
}

/// Runs in the child: opens the store, whatever state it is in, and ends.
#[test]
fn child_that_opens() {
    let Some(dir) = child::dir() else { return };
    drop(SledStore::open(&dir).unwrap());
}

/// Runs in the child: writes the history once more, sealed, and ends before that is adopted.
#[test]
fn child_that_seals() {
    let Some(dir) = child::dir() else { return };
    drop(SledStore::reseal(Directory::lock(&dir).unwrap(), None, Some(seal(1))).unwrap());
}

/// Runs in the child: stores batches for as long as it lives, and says so after each.
#[test]
fn child_that_stores() {
    let Some(dir) = child::dir() else { return };
    println!("\n{OPENING}");
    let mut store = open(&dir);
    println!("\n{OPEN}");
    for number in whole_batches(&store).. {
        assert_eq!(store.apply(&batch(number)).unwrap(), [true; BATCH as usize + 1]);
        println!("\n{MARK}{number}");
    }
}

/// What a child said before it was killed.
struct Said(String);

impl Said {
    /// The last batch that was stored.
    fn stored(&self) -> Option<u64> {
        self.lines().rev().find_map(|line| line.strip_prefix(MARK)).map(|number| number.parse().unwrap())
    }

    /// Whether the kill came while the store was being opened.
    fn was_opening(&self) -> bool {
        self.lines().any(|line| line == OPENING) && !self.lines().any(|line| line == OPEN)
    }

    /// The whole lines.
    fn lines(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.0.rsplit_once('\n').map_or("", |(whole, _)| whole).lines()
    }
}

/// Starts the child that stores, and kills it after `life`, counted from its first line that begins so.
fn run_and_kill(dir: &Path, life: Duration, first_line: &str) -> Said {
    let mut child = child::command(&[], "child_that_stores", dir).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let mut heard = String::new();
    while !heard.lines().any(|line| line.starts_with(first_line)) {
        assert_ne!(lines.read_line(&mut heard).unwrap(), 0, "the child ended by itself: {heard}");
    }
    let reader = thread::spawn(move || {
        lines.read_to_string(&mut heard).unwrap();
        heard
    });
    thread::sleep(life);
    child.kill().unwrap();
    child.wait().unwrap();
    let said = Said(reader.join().unwrap());
    assert!(!said.0.contains("panicked"), "{}", said.0);
    said
}

/// A store whose snapshot is damaged, and how many batches it holds.
fn damaged_store(dir: &Path) -> u64 {
    for part in 0..2 {
        let mut store = open(dir);
        (part * 60..part * 60 + 60).for_each(|number| drop(store.apply(&batch(number)).unwrap()));
    }
    let mut files = std::fs::read_dir(dir.join("sled")).unwrap().map(|file| file.unwrap().path());
    let snapshot = files.find(|path| path.file_name().unwrap().to_str().unwrap().starts_with("snap."));
    std::fs::write(snapshot.unwrap(), b"noise").unwrap();
    120
}

/// One test at a time starts children: between fork and exec a child of one test holds a copy of
/// the other's lock file, which is then in use although its store was closed.
fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

#[test]
fn what_was_stored_survives_kills() {
    let _turn = turn();
    let chance = Chance::new();
    let dir = tempfile::tempdir().unwrap();
    let mut stored = 0;
    for round in 0..rounds(KILLS) {
        let life = Duration::from_millis(1 + chance.below(round, 400));
        let said = run_and_kill(dir.path(), life, MARK).stored().expect("it said so at least once");
        stored = whole_batches(&open(dir.path()));
        assert!(stored > said, "round {round}: batch {said} was stored, {stored} are there");
    }
    println!("{stored} batches over {} kills", rounds(KILLS));
}

#[test]
fn a_kill_while_opening_damages_nothing() {
    let _turn = turn();
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path());
    for number in 0..200 {
        store.apply(&batch(number)).unwrap();
    }
    drop(store);
    let chance = Chance::new();
    let (mut before, mut while_opening) = (200, 0);
    for round in 0..rounds(KILLS) {
        // The first kills come as soon as the child begins, whatever the machine is busy with.
        let life = Duration::from_micros(if round < 3 { 0 } else { chance.below(round, 30_000) });
        while_opening += u64::from(run_and_kill(dir.path(), life, OPENING).was_opening());
        let now = whole_batches(&open(dir.path()));
        assert!(now >= before, "round {round}: {before} batches were there, {now} are");
        before = now;
    }
    println!("{while_opening} of {} kills came while the store was opened", rounds(KILLS));
    assert!(while_opening > 0, "no kill came while the store was opened");
}

#[test]
fn an_unfinished_snapshot_is_no_damage() {
    let _turn = turn();
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path());
    store.apply(&batch(0)).unwrap();
    drop(store);
    let unfinished = dir.path().join("sled/snap.00000000FFFFFFFF.generating");
    std::fs::write(&unfinished, b"half of").unwrap();
    assert_eq!(whole_batches(&open(dir.path())), 1);
    assert!(!unfinished.exists());
}

#[test]
fn a_kill_while_a_damaged_store_is_written_anew_loses_nothing() {
    let _turn = turn();
    let chance = Chance::new();
    let mut rebuilt = 0;
    for round in 0..rounds(KILLS) {
        let dir = tempfile::tempdir().unwrap();
        let batches = damaged_store(dir.path());
        let mut child = child::command(&[], "child_that_opens", dir.path()).spawn().unwrap();
        thread::sleep(Duration::from_millis(chance.below(round, 400)));
        child.kill().unwrap();
        child.wait().unwrap();
        let (store, report) = SledStore::open(dir.path()).unwrap();
        assert_eq!(whole_batches(&store), batches, "round {round}");
        rebuilt += u64::from(report.rebuilt.is_some());
        drop(store);
        assert_eq!(whole_batches(&open(dir.path())), batches, "round {round}");
    }
    println!("{rebuilt} of {} times the child had not finished", rounds(KILLS));
}

#[test]
fn a_kill_while_the_history_is_sealed_leaves_it_as_it_was() {
    let _turn = turn();
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path());
    (0..120).for_each(|number| drop(store.apply(&batch(number)).unwrap()));
    drop(store);
    let chance = Chance::new();
    for round in 0..rounds(KILLS) {
        let mut child = child::command(&[], "child_that_seals", dir.path()).spawn().unwrap();
        thread::sleep(Duration::from_millis(chance.below(round, 400)));
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(whole_batches(&open(dir.path())), 120, "round {round}");
    }
    let directory = SledStore::reseal(Directory::lock(dir.path()).unwrap(), None, Some(seal(1))).unwrap();
    directory.adopt_resealed().unwrap();
    assert_eq!(whole_batches(&SledStore::open_in(directory, Some(seal(1))).unwrap().0), 120);
}
