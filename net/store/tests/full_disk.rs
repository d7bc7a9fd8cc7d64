//! A full disk costs nothing that was stored: reading goes on, and writing goes on once there is room.
#![allow(clippy::expect_used, clippy::unwrap_used)] // A panic is the report, in a test's helpers too.
#![cfg(unix)]

#[path = "support/child.rs"]
mod child;
#[path = "support/fixtures.rs"]
mod fixtures;
#[path = "support/rounds.rs"]
mod rounds;

use std::path::Path;
use std::process::Command;

use fixtures::{ROOM, entry, person, posts, put};
use kinmesh_proto::{Delivery, Write};
use kinmesh_store::{HistoryStore, SledStore, StoreError};
use rounds::{Chance, rounds};

const BATCH: u64 = 64;
/// The child's last word, so that a child that ran nothing does not count.
const DONE: &str = "nothing was lost";

fn batch(number: u64) -> Vec<Write> {
    let text = "x".repeat(2000);
    (number * BATCH..(number + 1) * BATCH)
        .map(|ms| put(ROOM, &entry(&person(1), ROOM, ms, &text), Delivery::Received))
        .collect()
}

/// Stores batches from `first` on until the disk is full, and returns the first that was not stored.
fn fill(store: &mut SledStore, first: u64) -> u64 {
    for number in first.. {
        match store.apply(&batch(number)) {
            Ok(fresh) => assert_eq!(fresh, [true; BATCH as usize]),
            Err(StoreError::Full) => return number,
            Err(other) => panic!("{other:?}"),
        }
    }
    unreachable!("no disk is endless")
}

fn assert_holds(store: &SledStore, batches: u64) {
    let times: Vec<_> = posts(store, ROOM).iter().map(|stored| stored.entry.value().clock.ms()).collect();
    assert_eq!(times, (0..batches * BATCH).collect::<Vec<_>>());
}

fn open(dir: &Path) -> SledStore {
    let (store, report) = SledStore::open(dir).unwrap();
    assert_eq!(report.rebuilt, None, "a full disk is no damage");
    store
}

#[test]
fn child_on_a_small_disk() {
    let Some(dir) = child::dir() else { return };
    let other_file = dir.join("something else");
    std::fs::write(&other_file, vec![1; 10 << 20]).unwrap();
    let dir = dir.join("history");
    let mut store = open(&dir);
    let mut stored = fill(&mut store, 0);
    assert!(stored > 20, "{stored} batches fitted");
    assert_holds(&store, stored);
    // Whoever tries again hears the same, unless sled has cut the free end off its log: opening it anew,
    // as each refused try does, may lead to that a moment later. It is 4 MiB, so the reserve of 8 MiB
    // may fit again, and batches with it into what is free within the log.
    for _ in 0..3 {
        stored = fill(&mut store, stored);
        assert_holds(&store, stored);
    }
    drop(store);
    let mut store = open(&dir);
    assert_holds(&store, stored);
    let stored = fill(&mut store, stored);
    assert!(matches!(store.apply(&[]), Err(StoreError::Full)), "asked without writes, it says the same");
    std::fs::remove_file(other_file).unwrap();
    store.apply(&[]).expect("it works again before anybody writes");
    assert_eq!(store.apply(&batch(stored)).unwrap(), [true; BATCH as usize]);
    let stored = fill(&mut store, stored + 1);
    drop(store);
    assert_holds(&open(&dir), stored);
    println!("\n{DONE}: {stored} batches");
}

#[test]
fn child_under_a_file_limit() {
    let Some(dir) = child::dir() else { return };
    let mut store = open(&dir);
    let stored = fill(&mut store, 0);
    assert!(stored > 20, "{stored} batches fitted");
    println!("\n{DONE}: {stored} batches");
}

/// Runs the child, and returns how many batches it said were stored.
fn run_to_end(mut child: Command) -> u64 {
    let output = child.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && said.contains(DONE),
        "{said}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let count = said.lines().find_map(|line| line.strip_prefix(DONE)?.split_whitespace().nth(1));
    count.unwrap().parse().unwrap()
}

/// No rights are needed for this one; the file size limit acts as the end of the disk. Unlike there,
/// no room can be given back, so what was stored is looked at once the limit is gone.
#[test]
fn a_log_that_cannot_grow_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    // Blocks of 512 bytes or of 1 KiB, as the shell has it: 12 or 24 MiB for each file.
    let limited = ["sh", "-c", "trap '' XFSZ; ulimit -f 24576; exec \"$@\"", "sh"];
    let stored = run_to_end(child::command(&limited, "child_under_a_file_limit", dir.path()));
    let mut store = open(dir.path());
    assert_holds(&store, stored);
    assert_eq!(store.apply(&batch(stored)).unwrap(), [true; BATCH as usize]);
}

/// A disk of this size, which only the program behind these words sees: as root plainly, else as root
/// of a user namespace of our own.
fn small_disk(dir: &Path, kib: u64) -> Option<Vec<String>> {
    let mount = format!("mount -t tmpfs -o size={kib}k tmpfs '{}' && exec \"$@\"", dir.display());
    let ways: [&[&str]; 2] = [
        &["unshare", "--mount", "sh", "-c", &mount, "sh"],
        &["unshare", "--map-root-user", "--mount", "sh", "-c", &mount, "sh"],
    ];
    let works = |way: &&&[&str]| {
        Command::new(way[0]).args(&way[1..]).arg("true").output().is_ok_and(|output| output.status.success())
    };
    ways.iter().find(works).map(|way| way.iter().map(|&word| word.to_owned()).collect())
}

#[test]
fn a_full_disk_loses_nothing() {
    let chance = Chance::new();
    for round in 0..rounds(1) {
        let dir = tempfile::tempdir().unwrap();
        // Wherever a commit, a segment of the log or a snapshot is cut off.
        let kib = 40 * 1024 + chance.below(round, 8 * 1024);
        let Some(way) = small_disk(dir.path(), kib) else {
            let must_test = std::env::var_os("KINMESH_MUST_TEST").is_some_and(|value| value == "1");
            assert!(!must_test, "not tested: this system lets us mount no tmpfs");
            eprintln!("NOT TESTED: this system lets us mount no tmpfs, neither as we are nor in a namespace");
            return;
        };
        let way: Vec<&str> = way.iter().map(String::as_str).collect();
        run_to_end(child::command(&way, "child_on_a_small_disk", dir.path()));
    }
}
