//! A sealed store: what its files tell, which key opens it, how a seal is put on, changed, taken off.

#![allow(clippy::expect_used, clippy::unwrap_used)] // A panic is the report, in a test's helpers too.

#[path = "support/fixtures.rs"]
mod fixtures;

use std::fs;
use std::path::{Path, PathBuf};

use fixtures::{CHAT, ROOM, entry, person, posts, put, seal};
use kinmesh_proto::{
    ConversationId, ConversationRecord, Delivery, DisplayName, InviteRecord, MemberRecord, OpeningRecord,
    OwnProfile, PersonRecord, RoomId, RoomName, Snapshot, StatusLine, TicketToken, Write,
};
use kinmesh_seal::Seal;
use kinmesh_store::{Directory, HistoryStore, OpenReport, SledStore, StoreError, StoredEntry};
use serde_bytes::ByteArray;

/// Entries in the room; some 300 KiB, so that sled splits its pages.
const ENTRIES: u64 = 1000;
const SECRET: &str = "meet me at the lighthouse";
const NAME: &str = "Wilhelmina";
const PLACE: &str = "smugglers";
const TOKENS: [&[u8; 16]; 2] = [b"a ticket of ours", b"a ticket of them"];

fn open(dir: &Path, seal: Option<Seal>) -> Result<(SledStore, OpenReport), StoreError> {
    SledStore::open_in(Directory::lock(dir).unwrap(), seal)
}

fn sound(dir: &Path, seal: Option<Seal>) -> SledStore {
    let (store, report) = open(dir, seal).unwrap();
    assert_eq!(report.rebuilt, None);
    store
}

/// What a store holds, as the peer sees it.
type Contents = (Snapshot, Vec<StoredEntry>, Vec<StoredEntry>);

fn contents(store: &SledStore) -> Contents {
    (store.load().unwrap(), posts(store, ROOM), posts(store, CHAT))
}

fn records() -> Vec<Write> {
    let name = || DisplayName::new(NAME).unwrap();
    let (ConversationId::Room(room), them) = (ROOM, person(3).person()) else { unreachable!() };
    let friend = PersonRecord {
        person: them,
        name: name(),
        status: StatusLine::default(),
        nickname: Some(name()),
        contact: true,
        devices: vec![person(3).device()],
        last_seen_ms: 9,
        ties: None,
    };
    let [ours, theirs] = TOKENS.map(|token| TicketToken(ByteArray::new(*token)));
    let invite = InviteRecord {
        token: ours,
        room: None,
        made_ms: 1,
        expires_ms: None,
        uses: Some(1),
        used_by: vec![them],
        revoked: false,
    };
    let opening = OpeningRecord {
        token: theirs,
        person: them,
        name: name(),
        devices: vec![person(3).device()],
        room: None,
        opened_ms: 1,
        refused: None,
    };
    vec![
        Write::PutInvite(invite),
        Write::PutOpening(opening),
        Write::PutProfile(OwnProfile { name: name(), status: StatusLine::new(SECRET).unwrap() }),
        Write::PutConversation(ConversationRecord::new(ROOM, Some(RoomName::new(PLACE).unwrap()))),
        Write::PutConversation(ConversationRecord::new(CHAT, None)),
        Write::PutPerson(friend),
        Write::PutMember(MemberRecord { room, person: them, last_seen_ms: 9 }),
    ]
}

/// Fills a store over two starts, so that all of sled's files are there.
fn fill(dir: &Path, seal: Option<Seal>) -> Contents {
    for start in 0..2 {
        let mut store = sound(dir, seal.clone());
        store.apply(&records()).unwrap();
        for first in (0..ENTRIES / 2).step_by(100).map(|first| start * ENTRIES / 2 + first) {
            let said = |ms| entry(&person(1), ROOM, ms, &format!("{ms}: {SECRET}, {}", "x".repeat(200)));
            let writes = (first..first + 100).map(|ms| put(ROOM, &said(ms), Delivery::Received));
            store.apply(&writes.collect::<Vec<_>>()).unwrap();
        }
        let queued = entry(&person(1), CHAT, start, SECRET);
        store.apply(&[put(CHAT, &queued, Delivery::Queued)]).unwrap();
    }
    contents(&sound(dir, seal))
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(dir).unwrap().map(|item| item.unwrap().path());
    paths.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// The files under `dir` that tell one of these.
fn telling(dir: &Path, secrets: &[&[u8]]) -> Vec<PathBuf> {
    let tells = |path: &PathBuf| {
        let bytes = fs::read(path).unwrap();
        secrets.iter().any(|secret| bytes.windows(secret.len()).any(|part| part == *secret))
    };
    files(dir).into_iter().filter(tells).collect()
}

fn secrets() -> Vec<Vec<u8>> {
    let (ConversationId::Room(RoomId(room)), ConversationId::Direct(them)) = (ROOM, CHAT) else {
        unreachable!()
    };
    let (author, friend) = (person(1), person(3).person());
    let texts = [SECRET, NAME, PLACE].map(|text| text.as_bytes().to_vec());
    let ids = [room, them.0, author.person().0, author.device().0, friend.0];
    let names = TOKENS.map(|token| TicketToken(ByteArray::new(*token)).id().0.to_vec());
    let tickets = TOKENS.map(|token| token.to_vec()).into_iter().chain(names);
    texts.into_iter().chain(ids.map(|id| id.to_vec())).chain(tickets).collect()
}

fn tells_nothing(dir: &Path) -> bool {
    let secrets = secrets();
    telling(dir, &secrets.iter().map(Vec::as_slice).collect::<Vec<_>>()).is_empty()
}

/// Seals anew what is in `dir`, all the way.
fn reseal(dir: &Path, from: Option<Seal>, to: Option<Seal>) {
    let directory = SledStore::reseal(Directory::lock(dir).unwrap(), from, to).unwrap();
    directory.adopt_resealed().unwrap();
}

#[test]
fn the_files_tell_neither_what_was_said_nor_who_is_known() {
    let (plain, sealed) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fill(plain.path(), None);
    for secret in secrets() {
        assert_ne!(telling(plain.path(), &[&secret]), Vec::<PathBuf>::new(), "else this proves nothing");
    }
    fill(sealed.path(), Some(seal(1)));
    assert!(tells_nothing(sealed.path()));
}

#[test]
fn a_wrong_key_is_no_damage() {
    let dir = tempfile::tempdir().unwrap();
    let written = fill(dir.path(), Some(seal(1)));
    for wrong in [None, Some(seal(2))] {
        let error = open(dir.path(), wrong).unwrap_err();
        assert!(matches!(error, StoreError::WrongKey), "{error:?}");
    }
    assert_eq!(contents(&sound(dir.path(), Some(seal(1)))), written);
    let plain = tempfile::tempdir().unwrap();
    fill(plain.path(), None);
    assert!(matches!(open(plain.path(), Some(seal(1))).unwrap_err(), StoreError::WrongKey));
}

#[test]
fn a_wrong_key_on_a_damaged_store_changes_nothing_and_the_right_one_mends_it() {
    let dir = tempfile::tempdir().unwrap();
    let (_, written, _) = fill(dir.path(), Some(seal(1)));
    let log = dir.path().join("sled/db");
    let mut bytes = fs::read(&log).unwrap();
    let used = bytes.iter().rposition(|byte| *byte != 0).unwrap();
    bytes[used * 3 / 4] ^= 1;
    fs::write(&log, &bytes).unwrap();
    for snapshot in files(&dir.path().join("sled")).iter().filter(|path| !path.ends_with("db")) {
        fs::remove_file(snapshot).unwrap();
    }
    for wrong in [None, Some(seal(2))] {
        assert!(matches!(open(dir.path(), wrong).unwrap_err(), StoreError::WrongKey));
    }
    let (store, report) = open(dir.path(), Some(seal(1))).unwrap();
    let rebuilt = report.rebuilt.expect("the damage is seen");
    let kept = posts(&store, ROOM);
    assert!(kept.len() + 32 >= written.len(), "a page at most is lost: {}", kept.len());
    assert!(kept.iter().all(|stored| written.contains(stored)));
    assert_eq!(store.load().unwrap().profile.unwrap().name.as_str(), NAME);
    drop(store);
    assert!(rebuilt.set_aside.exists() && tells_nothing(dir.path()), "what is set aside is sealed, too");
}

#[test]
fn a_seal_is_put_on_changed_and_taken_off_and_nothing_is_lost() {
    let dir = tempfile::tempdir().unwrap();
    let written = fill(dir.path(), None);
    for (from, to) in [(None, Some(seal(1))), (Some(seal(1)), Some(seal(2))), (Some(seal(2)), None)] {
        reseal(dir.path(), from, to.clone());
        assert_eq!(tells_nothing(dir.path()), to.is_some());
        assert_eq!(contents(&sound(dir.path(), to)), written);
    }
}

#[test]
fn what_was_prepared_counts_once_it_is_adopted_and_not_before() {
    let dir = tempfile::tempdir().unwrap();
    let written = fill(dir.path(), None);
    drop(SledStore::reseal(Directory::lock(dir.path()).unwrap(), None, Some(seal(1))).unwrap());
    assert_eq!(contents(&sound(dir.path(), None)), written, "a start in between finds the old one");
    let directory = Directory::lock(dir.path()).unwrap();
    directory.adopt_resealed().unwrap();
    drop(directory);
    assert_eq!(contents(&sound(dir.path(), Some(seal(1)))), written);
}

/// The names as each step of adopting leaves them.
#[test]
fn adopting_goes_on_where_a_kill_left_it() {
    let moves: [(&str, &str); 2] = [("sled", "discarded"), ("resealed", "sled")];
    for steps in 0..=moves.len() {
        let dir = tempfile::tempdir().unwrap();
        let written = fill(dir.path(), None);
        drop(SledStore::reseal(Directory::lock(dir.path()).unwrap(), None, Some(seal(1))).unwrap());
        for (from, to) in &moves[..steps] {
            fs::rename(dir.path().join(from), dir.path().join(to)).unwrap();
        }
        let directory = Directory::lock(dir.path()).unwrap();
        directory.adopt_resealed().unwrap();
        directory.adopt_resealed().unwrap();
        drop(directory);
        assert!(tells_nothing(dir.path()), "after {steps} steps");
        assert_eq!(contents(&sound(dir.path(), Some(seal(1)))), written, "after {steps} steps");
    }
}

#[test]
fn copies_that_were_set_aside_are_not_left_behind_in_the_clear() {
    let dir = tempfile::tempdir().unwrap();
    let written = fill(dir.path(), None);
    fs::create_dir(dir.path().join("set-aside-2026-11-21")).unwrap();
    let error = SledStore::reseal(Directory::lock(dir.path()).unwrap(), None, Some(seal(1))).unwrap_err();
    assert!(matches!(&error, StoreError::SetAside { dirs } if dirs.len() == 1), "{error:?}");
    assert_eq!(contents(&sound(dir.path(), None)), written);
}
