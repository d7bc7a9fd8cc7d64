//! What a start makes of the directory it finds: in use, damaged, from a later version.

#![allow(clippy::expect_used, clippy::unwrap_used)] // A panic is the report, in a test's helpers too.

#[path = "support/fixtures.rs"]
mod fixtures;
#[path = "support/rounds.rs"]
mod rounds;

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use fixtures::{ROOM, entry, person, posts, put};
use kinmesh_proto::{Delivery, DisplayName, PersonId, PersonRecord, Write};
use kinmesh_store::{HistoryStore, PageAt, RebuildCause, Rebuilt, SledStore, StoreError, StoredEntry};
use rounds::{Chance, rounds};

const ENTRIES: u64 = 2000;
/// Entries that are written at once: all of them are there, or none.
const GROUP: u64 = ENTRIES / 16;

/// Fills a store over several starts, so that all of sled's files are there.
fn fill(dir: &Path) -> Vec<StoredEntry> {
    for start in 0..4 {
        let (mut store, _) = SledStore::open(dir).unwrap();
        for batch in 0..4 {
            let first = (start * 4 + batch) * GROUP;
            let writes: Vec<_> = (first..first + GROUP)
                .map(|ms| put(ROOM, &entry(&person(1), ROOM, ms, &format!("entry {ms}")), Delivery::Received))
                .collect();
            store.apply(&writes).unwrap();
        }
    }
    let (store, _) = SledStore::open(dir).unwrap();
    posts(&store, ROOM)
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(dir).unwrap().map(|file| file.unwrap().path());
    files.filter(|path| path.is_file()).collect()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for item in fs::read_dir(from).unwrap() {
        let item = item.unwrap();
        let target = to.join(item.file_name());
        if item.file_type().unwrap().is_dir() {
            copy(&item.path(), &target);
        } else {
            fs::copy(item.path(), target).unwrap();
        }
    }
}

#[cfg(unix)]
#[test]
fn nobody_else_reads_the_history_wherever_it_is() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    // As a data directory that was there before: open to everybody.
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let history = dir.path().join("history");
    let mode = || fs::metadata(&history).unwrap().permissions().mode() & 0o777;
    drop(SledStore::open(&history).unwrap());
    assert_eq!(mode(), 0o700);
    // As an earlier version made it.
    fs::set_permissions(&history, fs::Permissions::from_mode(0o755)).unwrap();
    drop(SledStore::open(&history).unwrap());
    assert_eq!(mode(), 0o700);
}

#[test]
fn a_second_program_is_told_so() {
    let dir = tempfile::tempdir().unwrap();
    let (first, _) = SledStore::open(dir.path()).unwrap();
    let error = SledStore::open(dir.path()).unwrap_err();
    assert!(matches!(&error, StoreError::InUse { dir: named } if named == dir.path()), "{error:?}");
    drop(first);
    SledStore::open(dir.path()).unwrap();
}

#[test]
fn a_later_format_is_refused_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    fill(dir.path());
    let db = sled::Config::new().path(dir.path().join("sled")).segment_size(4 << 20).open().unwrap();
    db.insert("v", &99u32.to_be_bytes()).unwrap();
    drop(db);
    for _ in 0..2 {
        let error = SledStore::open(dir.path()).unwrap_err();
        assert!(matches!(error, StoreError::NewerSchema { found: 99, known: 3 }), "{error:?}");
    }
}

/// A way to damage what a file holds: its name, and how many entries it may cost in the log.
type Damage = (&'static str, u64, fn(&mut Vec<u8>));

const DAMAGES: [Damage; 8] = [
    ("emptied", ENTRIES, |bytes| bytes.clear()),
    ("cut in half", ENTRIES / 2 + PAGE_ENTRIES, |bytes| bytes.truncate(bytes.len() / 2)),
    ("cut short by one", PAGE_ENTRIES, |bytes| bytes.truncate(bytes.len() - 1)),
    ("a bit flipped in the middle", PAGE_ENTRIES, |bytes| flip(bytes, 2, 1)),
    ("a bit flipped near the beginning", PAGE_ENTRIES, |bytes| flip(bytes, 9, 1)),
    ("4 KiB of zeros in the middle", 4 * PAGE_ENTRIES, |bytes| {
        let middle = bytes.len() / 2;
        bytes.iter_mut().skip(middle).take(4096).for_each(|byte| *byte = 0);
    }),
    ("every 1000th byte inverted", ENTRIES, |bytes| {
        bytes.iter_mut().step_by(1000).for_each(|byte| *byte = !*byte);
    }),
    ("noise throughout", ENTRIES, |bytes| {
        for (n, byte) in bytes.iter_mut().enumerate() {
            *byte = byte.wrapping_mul(167).wrapping_add((n % 251) as u8);
        }
    }),
];

/// More entries of this size than a page holds.
const PAGE_ENTRIES: u64 = 32;

/// Flips one bit at this part of the bytes.
fn flip(bytes: &mut [u8], part: usize, bit: u8) {
    let at = bytes.len() / part;
    bytes[at] ^= bit;
}

/// Damages what a file holds. sled makes its log longer than that.
fn damage_of(bytes: &[u8], damage: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let used = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    let mut held = bytes[..used].to_vec();
    damage(&mut held);
    if held.len() == used {
        held.resize(bytes.len(), 0);
    }
    held
}

/// Starts on damaged data. Whatever it says, it must work at the latest at the second start; what
/// was set aside must be as it was; and no entry may be shown that was never written.
/// Returns what was rebuilt, and how many entries are there in the end.
fn start_on_damage(
    dir: &Path,
    damaged: &Path,
    bytes: &[u8],
    written: &[StoredEntry],
    what: &str,
) -> (Option<Rebuilt>, u64) {
    let mut rebuilt = None;
    let mut kept = 0;
    for start in 1..=2 {
        let (mut store, report) = SledStore::open(dir).unwrap_or_else(|error| panic!("{what}: {error:?}"));
        rebuilt = rebuilt.or(report.rebuilt);
        let page = store.page(ROOM, PageAt::Newest, usize::MAX);
        let more = entry(&person(2), ROOM, u64::from(u32::MAX), "more");
        let put = store.apply(&[put(ROOM, &more, Delivery::Received)]);
        match (page, put) {
            (Ok(page), Ok(_)) => {
                let mut old = page.into_iter().map(|item| item.post).filter(|stored| stored.entry != more);
                assert!(
                    old.all(|stored| {
                        kept += 1;
                        written.contains(&stored)
                    }),
                    "{what}: an entry nobody wrote"
                );
                break;
            }
            (page, put) => assert!(start == 1, "{what}: still failing: {put:?}, {:?}", page.map(drop)),
        }
    }
    if let Some(Rebuilt { set_aside, .. }) = &rebuilt {
        let aside = fs::read(set_aside.join(damaged.file_name().unwrap())).unwrap();
        // sled may have begun to repair its log before it gave up; a file that it took as it is stays so.
        assert!(aside == bytes || damaged.ends_with("db"), "{what}: the damaged file was changed");
        assert_eq!(SledStore::open(dir).unwrap().1.rebuilt, None, "{what}: set aside once");
    }
    (rebuilt, kept)
}

#[test]
fn a_start_on_any_damaged_file_keeps_what_can_be_read() {
    let whole = tempfile::tempdir().unwrap();
    let written = fill(whole.path());
    assert_eq!(written.len() as u64, ENTRIES);
    let files = files(&whole.path().join("sled"));
    assert!(files.len() >= 3, "settings, log and snapshot: {files:?}");
    for file in &files {
        for (how, lost_max, damage) in DAMAGES {
            let what = format!("{} {how}", file.file_name().unwrap().display());
            let rebuilt = assert_cost(whole.path(), &written, file, &what, lost_max, damage);
            assert!(rebuilt || what != "db emptied", "a log that is gone cannot be started on");
        }
    }
}

/// Damages a file of a copy and starts on that: of the log's entries at most so many are lost, of the
/// others' none. Returns whether the store was rebuilt.
fn assert_cost(
    whole: &Path,
    written: &[StoredEntry],
    file: &Path,
    what: &str,
    lost_max: u64,
    damage: impl FnOnce(&mut Vec<u8>),
) -> bool {
    let dir = tempfile::tempdir().unwrap();
    copy(whole, dir.path());
    let damaged = dir.path().join("sled").join(file.file_name().unwrap());
    let bytes = damage_of(&fs::read(&damaged).unwrap(), damage);
    fs::write(&damaged, &bytes).unwrap();
    let (rebuilt, kept) = start_on_damage(dir.path(), &damaged, &bytes, written, what);
    if let Some(rebuilt) = &rebuilt {
        assert_eq!(rebuilt.entries_kept, kept, "{what}");
        assert!(rebuilt.entries_lost <= ENTRIES - kept, "{what}: {rebuilt:?}");
    }
    let lost_max = if damaged.ends_with("db") { lost_max } else { 0 };
    assert!(kept + lost_max >= ENTRIES, "{what}: {kept} entries are left");
    rebuilt.is_some()
}

/// Bytes of a block that a disk loses at once.
const BLOCK: usize = 4096;

/// How many entries have no copy of theirs before `at` in the bytes: it would end with their signatures.
fn entries_behind(bytes: &[u8], at: usize, written: &[StoredEntry]) -> u64 {
    let begins = |stored: &StoredEntry| stored.entry.envelope().parts().2[..8].to_vec();
    let mut missing: HashSet<Vec<u8>> = written.iter().map(begins).collect();
    bytes[..at].windows(8).for_each(|window| {
        missing.remove(window);
    });
    missing.len() as u64
}

#[test]
fn random_damage_to_any_file_costs_no_more_than_it_hit() {
    let whole = tempfile::tempdir().unwrap();
    let written = fill(whole.path());
    let chance = Chance::new();
    let files = files(&whole.path().join("sled"));
    for (throw, file) in (0..rounds(4)).flat_map(|round| files.iter().map(move |file| (round, file))) {
        let bytes = fs::read(file).unwrap();
        let used = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        let place = file.file_name().unwrap().len() as u64;
        let at = usize::try_from(chance.below(throw * 100 + place, used as u64)).unwrap();
        let noise = |n: usize| u8::try_from(chance.below((throw << 32) + n as u64, 256)).unwrap();
        let what = |how: &str| format!("{} {how} at {at} of {used}", file.file_name().unwrap().display());
        let cost = |how: &str, lost_max: u64, damage: &dyn Fn(&mut Vec<u8>)| {
            assert_cost(whole.path(), &written, file, &what(how), lost_max, damage);
        };
        // At the end of the log damage looks like a group that a crash cut short: all of it goes.
        let block_max = GROUP + 4 * PAGE_ENTRIES;
        match chance.below(throw * 1000 + place, 4) {
            0 => cost("with a bit flipped", GROUP, &|bytes| bytes[at] ^= 1 << (noise(0) % 8)),
            1 => cost("with a block of zeros", block_max, &|bytes| {
                bytes.iter_mut().skip(at).take(BLOCK).for_each(|byte| *byte = 0);
            }),
            2 => cost("with a block of noise", block_max, &|bytes| {
                bytes.iter_mut().skip(at).take(BLOCK).enumerate().for_each(|(n, byte)| *byte = noise(n));
            }),
            _ => {
                let lost_max = entries_behind(&bytes, at, &written) + GROUP;
                cost("cut", lost_max, &|bytes| bytes.truncate(at));
            }
        }
    }
}

#[test]
fn no_block_of_the_log_costs_a_contact_or_a_whole_conversation() {
    let whole = tempfile::tempdir().unwrap();
    let (mut store, _) = SledStore::open(whole.path()).unwrap();
    let name = DisplayName::new("Bob").unwrap();
    let people: Vec<_> = (2..22).map(|n| PersonRecord::new(PersonId([n; 32]), name.clone())).collect();
    store.apply(&people.iter().cloned().map(Write::PutPerson).collect::<Vec<_>>()).unwrap();
    for ms in 0..ENTRIES {
        let entry = entry(&person(1), ROOM, ms, &format!("entry {ms}"));
        store.apply(&[put(ROOM, &entry, Delivery::Received)]).unwrap();
    }
    drop(store);
    let log = fs::read(whole.path().join("sled/db")).unwrap();
    let used = log.iter().rposition(|byte| *byte != 0).unwrap();
    // Damage at the very end looks like a write that a crash cut short.
    for at in (0..used - 2 * BLOCK).step_by(BLOCK * 7) {
        let dir = tempfile::tempdir().unwrap();
        copy(whole.path(), dir.path());
        let mut bytes = log.clone();
        bytes[at..at + BLOCK].fill(0);
        fs::write(dir.path().join("sled/db"), bytes).unwrap();
        let (store, _) = SledStore::open(dir.path()).unwrap();
        assert!(store.load().unwrap().people == people, "zeros at {at} of {used}: contacts are missing");
        let kept = posts(&store, ROOM).len() as u64;
        assert!(kept + 4 * PAGE_ENTRIES >= ENTRIES, "zeros at {at} of {used}: {kept} entries are left");
    }
}

/// Names of sled's notes on what it knows of its log.
fn snapshots(dir: &Path) -> HashSet<String> {
    let names = files(&dir.join("sled")).into_iter().map(|file| file.file_name().unwrap().to_owned());
    names.filter_map(|name| name.into_string().ok()).filter(|name| name.starts_with("snap.")).collect()
}

#[test]
fn however_long_a_session_was_a_start_after_its_abrupt_end_reads_only_the_last_of_it() {
    let dir = tempfile::tempdir().unwrap();
    let (mut store, _) = SledStore::open(dir.path()).unwrap();
    let (first, long) = (snapshots(dir.path()), "x".repeat(30_000));
    let mut entries = 0;
    while snapshots(dir.path()) == first {
        let put = |ms| put(ROOM, &entry(&person(1), ROOM, ms, &long), Delivery::Received);
        store.apply(&(entries..entries + 64).map(put).collect::<Vec<_>>()).unwrap();
        entries += 64;
        assert!(entries < 5_000, "a hundred and fifty megabytes, all of which a start would read");
    }
    let last = put(ROOM, &entry(&person(1), ROOM, entries, "the last"), Delivery::Received);
    store.apply(&[last]).unwrap();
    // As `kill -9` leaves it.
    let end = dir.path().join("end");
    copy(&dir.path().join("sled"), &end.join("sled"));
    let (store, report) = SledStore::open(&end).unwrap();
    assert_eq!(report.rebuilt, None);
    assert_eq!(posts(&store, ROOM).len() as u64, entries + 1);
}

#[test]
fn unreadable_data_is_set_aside_as_it_was_and_what_is_whole_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let written = fill(dir.path());
    let snapshot = files(&dir.path().join("sled"))
        .into_iter()
        .find(|file| file.file_name().unwrap().to_string_lossy().starts_with("snap."))
        .unwrap();
    fs::write(&snapshot, b"noise").unwrap();
    let (store, report) = SledStore::open(dir.path()).unwrap();
    let Rebuilt { cause, set_aside, entries_kept, entries_lost, .. } =
        report.rebuilt.expect("the snapshot is unreadable");
    assert_eq!((cause, entries_kept, entries_lost), (RebuildCause::Damage, ENTRIES, 0));
    assert_eq!(fs::read(set_aside.join(snapshot.file_name().unwrap())).unwrap(), b"noise");
    assert_eq!(set_aside.parent(), Some(dir.path()));
    assert_eq!(posts(&store, ROOM), written);
}

#[test]
fn a_start_without_the_log_begins_anew() {
    let dir = tempfile::tempdir().unwrap();
    fill(dir.path());
    for file in files(&dir.path().join("sled")) {
        fs::write(&file, b"noise").unwrap();
    }
    fs::remove_file(dir.path().join("sled/db")).unwrap();
    let (store, report) = SledStore::open(dir.path()).unwrap();
    assert_eq!(report.rebuilt.map(|rebuilt| rebuilt.entries_kept), Some(0));
    assert_eq!(posts(&store, ROOM), []);
}

/// sled reads all that a session wrote when it opens the next time, and would cut it off at the damage.
#[test]
fn damage_in_what_the_last_session_wrote_costs_nothing_behind_it() {
    let dir = tempfile::tempdir().unwrap();
    let (mut store, _) = SledStore::open(dir.path()).unwrap();
    let text = "x".repeat(2000);
    for group in 0..60 {
        let times = group * 100..(group + 1) * 100;
        let entries = times.map(|ms| entry(&person(1), ROOM, ms, &text));
        let writes: Vec<_> = entries.map(|entry| put(ROOM, &entry, Delivery::Received)).collect();
        store.apply(&writes).unwrap();
    }
    drop(store);
    let log = dir.path().join("sled/db");
    let mut bytes = fs::read(&log).unwrap();
    assert!(bytes.len() > 3 * (4 << 20), "several segments");
    bytes[1 << 20] ^= 1;
    fs::write(&log, &bytes).unwrap();
    let (store, report) = SledStore::open(dir.path()).unwrap();
    let Rebuilt { entries_kept, set_aside, .. } = report.rebuilt.expect("the damage is seen");
    assert!(entries_kept + PAGE_ENTRIES >= 6000, "{entries_kept} are kept");
    assert_eq!(posts(&store, ROOM).len() as u64, entries_kept);
    assert!(fs::read(set_aside.join("db")).unwrap() == bytes, "sled has not touched it");
}

/// Nothing that is left of it says that more was there once.
#[test]
fn a_short_log_without_one_whole_message_is_damaged_not_empty() {
    let dir = tempfile::tempdir().unwrap();
    let (mut store, _) = SledStore::open(dir.path()).unwrap();
    store.apply(&[put(ROOM, &entry(&person(1), ROOM, 1, "hello"), Delivery::Received)]).unwrap();
    drop(store);
    let log = dir.path().join("sled/db");
    let mut bytes = fs::read(&log).unwrap();
    bytes.iter_mut().step_by(7).for_each(|byte| *byte = !*byte);
    fs::write(&log, &bytes).unwrap();
    let (_, report) = SledStore::open(dir.path()).unwrap();
    let set_aside = report.rebuilt.expect("the damage is seen").set_aside;
    assert!(fs::read(set_aside.join("db")).unwrap() == bytes, "sled has not touched it");
}

#[test]
fn large_entries_stay_in_the_log() {
    let dir = tempfile::tempdir().unwrap();
    let (mut store, _) = SledStore::open(dir.path()).unwrap();
    let text = "x".repeat(kinmesh_proto::limits::TEXT_MAX);
    // Written inwards from both ends, so that pages are split and filled again.
    for n in 0..120 {
        let ms = if n % 2 == 0 { n } else { 1000 - n };
        store.apply(&[put(ROOM, &entry(&person(1), ROOM, ms, &text), Delivery::Queued)]).unwrap();
    }
    drop(store);
    let (store, _) = SledStore::open(dir.path()).unwrap();
    assert_eq!(posts(&store, ROOM).len(), 120);
    // sled syncs its log; a page too large for it goes to a file here, which nobody syncs.
    assert_eq!(files(&dir.path().join("sled/blobs")), Vec::<PathBuf>::new());
}
