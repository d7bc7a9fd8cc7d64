//! Stories of archives around real stores, from inside: forged ones, and large ones.

use std::fs::{self, File};
use std::io::{BufReader, Read, Write as _};
use std::path::Path;

use allocation_counter::measure;
use kinmesh_proto::{
    Content, ConversationId, ConversationRecord, Delivery, DeviceKeys, Digest, Entry, EntryBody, EntryPack,
    Hlc, KeyRange, PersonId, RoomId, StoredEntry, Unverified, Write, limits,
};
use kinmesh_store::{HistoryStore, SledStore, StoreHandle};
use serde_bytes::ByteBuf;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::sync::{mpsc, watch};

use super::stream::{EntriesRecord, PeerRecord, Reader, Record, Writer};
use super::*;
use crate::history::HISTORY_DIR;
use crate::identity::{KeyDir, KeyFiles, unix_ms};

const ROOM: ConversationId = ConversationId::Room(RoomId([1; 32]));
/// Bytes of each long text of the large history.
const LONG_BYTES: usize = 8 * 1024;
/// Its long entries: together four times what may be in memory, so far more than
/// [`limits::PACK_BYTES_MAX`] at once, and many groups of an import's writes.
const LONG: u64 = 4 * MEMORY_MAX / LONG_BYTES as u64;
/// Short ones after them, of which a pack has the most: more than are read at once.
const SHORT: u64 = limits::PACK_ENTRIES_MAX as u64 + 1;
/// Entries of the large history.
const MANY: u64 = LONG + SHORT;
/// Changes of one write to the store.
const GROUP: usize = 500;
/// Most that an export or the reading of an archive may have in memory: a pack, decoded and encoded.
const MEMORY_MAX: u64 = 4 << 20;

fn key_files(seed: u8) -> KeyFiles {
    KeyFiles::of_seeds(&[seed; 32], &[seed ^ 0x80; 32])
}

fn person(seed: u8) -> DeviceKeys {
    key_files(seed).keys().unwrap()
}

fn passphrase() -> Passphrase {
    Passphrase::new("correct horse battery staple".to_owned()).unwrap()
}

fn entry(author: &DeviceKeys, conversation: ConversationId, clock: u64, text: &str) -> Entry {
    let body = EntryBody {
        conversation: conversation.tag(author.person()),
        clock: Hlc(clock),
        seq: clock,
        prev: Vec::new(),
        content: Content::text(text),
    };
    Unverified::sign(body, author)
}

/// Alice's archive with these records after its first one.
fn archive_of(records: &[Record], dir: &Path) -> PathBuf {
    let path = dir.join("forged.age");
    let mut stream = Writer::begin(seal::seal(Vec::new(), &passphrase()).unwrap()).unwrap();
    stream.put(&Record::Peer(PeerRecord { keys: key_files(1), made_ms: 5, entries: 0 })).unwrap();
    for record in records {
        stream.put(record).unwrap();
    }
    fs::write(&path, stream.end().unwrap().0.finish().unwrap()).unwrap();
    path
}

fn entries_record(conversation: ConversationId, entries: &[Entry]) -> Record {
    let notes = vec![(Delivery::Received, 9); entries.len()];
    Record::Entries(EntriesRecord { conversation, pack: EntryPack::of(entries), notes })
}

fn import_into(dir: &Path, archive: &Path) -> Result<ImportReport, ImportError> {
    import(archive, &passphrase(), dir, &["settings.toml"], &watch::Sender::default())
}

fn imported(records: &[Record]) -> (ImportReport, TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let archive = archive_of(records, dir.path());
    (import_into(&dir.path().join("data"), &archive).unwrap(), dir)
}

fn texts_in(dir: &TempDir, conversation: ConversationId) -> Vec<String> {
    let store = SledStore::open(&dir.path().join("data").join(HISTORY_DIR)).unwrap().0;
    let entries = store.entries_in(conversation, KeyRange::ALL, usize::MAX).unwrap();
    entries.iter().rev().map(|stored| stored.entry.text().unwrap().to_owned()).collect()
}

/// The entry with another text under its old signature.
fn forged(entry: &Entry) -> Record {
    let pack = EntryPack::of([entry]);
    let bytes = kinmesh_proto::codec::encode(&pack);
    let at = bytes.windows(4).position(|word| word == b"owes").unwrap();
    let changed = [&bytes[..at], b"paid", &bytes[at + 4..]].concat();
    let pack = kinmesh_proto::codec::decode(&changed, 4096).unwrap();
    Record::Entries(EntriesRecord { conversation: ROOM, pack, notes: vec![(Delivery::Received, 9)] })
}

#[test]
fn an_entry_that_its_author_did_not_sign_is_left_out_and_counted() {
    let bob = person(2);
    let real = entry(&bob, ROOM, 1, "hello");
    let debt = entry(&bob, ROOM, 2, "bob owes me ten");
    let (report, dir) = imported(&[entries_record(ROOM, &[real]), forged(&debt)]);
    assert_eq!((report.counts.entries, report.refused_entries), (2, 1));
    assert_eq!(report.person, person(1).person());
    assert_eq!(texts_in(&dir, ROOM), ["hello"]);
}

#[test]
fn an_entry_comes_into_no_conversation_but_its_own() {
    let (bob, carol) = (person(2), person(3));
    let alice_and_bob = ConversationId::Direct(bob.person());
    let seen_by_bob = ConversationId::Direct(person(1).person());
    let to_alice = entry(&bob, seen_by_bob, 1, "for alice");
    let to_room = entry(&bob, ROOM, 2, "for all");
    let to_dave = entry(&bob, ConversationId::Direct(PersonId([9; 32])), 3, "for dave");
    let body = EntryBody { content: Content::text("between you"), ..to_alice.value().clone() };
    let by_carol = Unverified::sign(body, &carol);
    let record = entries_record(alice_and_bob, &[to_alice, to_room, to_dave, by_carol]);
    let (report, dir) = imported(&[record]);
    assert_eq!(report.refused_entries, 3);
    assert_eq!(texts_in(&dir, alice_and_bob), ["for alice"]);
}

#[test]
fn a_file_comes_only_under_a_name_that_a_face_knows() {
    let file = |name: &str| Record::File { name: name.into(), bytes: ByteBuf::from(b"x".to_vec()) };
    let (report, dir) = imported(&[file("settings.toml"), file("../escaped"), file("person.key")]);
    assert_eq!(report.refused_files, 2);
    assert!(dir.path().join("data/settings.toml").is_file());
    assert!(!dir.path().join("escaped").exists());
    assert!(KeyFiles::read(&KeyDir::plain(&dir.path().join("data"))).unwrap().unwrap() == key_files(1));
}

#[test]
fn numbers_that_the_device_used_after_the_export_are_not_used_again() {
    let before = unix_ms();
    let record = ConversationRecord { seq_reserved: 64, ..ConversationRecord::new(ROOM, None) };
    let (_, dir) = imported(&[Record::Conversation(Box::new(record))]);
    let store = SledStore::open(&dir.path().join("data").join(HISTORY_DIR)).unwrap().0;
    assert!(store.load().unwrap().conversations[0].seq_reserved >= before);
}

#[test]
fn an_archive_with_two_owners_or_none_is_damaged() {
    let dir = tempfile::tempdir().unwrap();
    let second = Record::Peer(PeerRecord { keys: key_files(2), made_ms: 5, entries: 0 });
    let archive = archive_of(&[second], dir.path());
    let data = dir.path().join("data");
    let damaged = |result| matches!(result, Err(ImportError::Archive(ArchiveError::Damaged)));
    assert!(damaged(import_into(&data, &archive)));

    let mut sealed = seal::seal(Vec::new(), &passphrase()).unwrap();
    let (plain, _) = Writer::begin(Vec::new()).unwrap().end().unwrap();
    sealed.write_all(&plain).unwrap();
    fs::write(&archive, sealed.finish().unwrap()).unwrap();
    assert!(damaged(import_into(&data, &archive)));
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing but the archive is left");
}

/// Alice's data directory with a history of [`MANY`] entries.
fn large_peer() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    key_files(1).write(&KeyDir::plain(dir.path())).unwrap();
    let alice = person(1);
    let mut store = SledStore::open(&dir.path().join(HISTORY_DIR)).unwrap().0;
    store.apply(&[Write::PutConversation(ConversationRecord::new(ROOM, None))]).unwrap();
    let long = "x".repeat(LONG_BYTES);
    for first in (1..=MANY).step_by(GROUP) {
        let put = |clock| {
            let entry = entry(&alice, ROOM, clock, if clock <= LONG { &long } else { "short" });
            let stored = StoredEntry { entry, delivery: Delivery::Sent { members: 1 }, received_ms: clock };
            Write::PutEntry { conversation: ROOM, stored }
        };
        let group = (first..=MANY).take(GROUP);
        store.apply(&group.map(put).collect::<Vec<_>>()).unwrap();
    }
    dir
}

fn exporter(dir: &Path, runtime: &Runtime) -> Exporter {
    let store = SledStore::open(&dir.join(HISTORY_DIR)).unwrap().0;
    let (completed, _) = mpsc::channel(1);
    Exporter {
        store: StoreHandle::spawn(Box::new(store), completed),
        runtime: runtime.handle().clone(),
        key_dir: KeyDir::plain(dir),
        face_files: &[],
        progress: watch::Sender::default(),
    }
}

#[test]
fn a_long_history_goes_out_and_comes_back_without_being_in_memory() {
    let here = large_peer();
    let archive = here.path().join("alice.age");
    let runtime = Runtime::new().unwrap();
    let exporter = exporter(here.path(), &runtime);
    let sealed = seal::seal(File::create(&archive).unwrap(), &passphrase()).unwrap();
    let mut stream = Writer::begin(sealed).unwrap();
    let mut largest_pack = 0;
    let mut put = |record: &Record| {
        if let Record::Entries(entries) = record {
            largest_pack = largest_pack.max(entries.pack.len());
        }
        stream.put(record).unwrap();
        Ok(())
    };
    let exported = measure(|| exporter.write(&mut put).unwrap());
    assert!(exported.bytes_max < MEMORY_MAX, "{} bytes", exported.bytes_max);
    assert!((limits::PACK_BYTES_MAX / LONG_BYTES..SHORT as usize).contains(&largest_pack), "{largest_pack}");
    assert_eq!(*exporter.progress.subscribe().borrow(), Progress { entries: MANY, of: MANY });
    stream.end().unwrap().0.finish().unwrap();

    let mut stream = unsealed(&archive);
    let read = measure(|| while stream.next().unwrap().is_some() {});
    assert!(read.bytes_max < MEMORY_MAX, "{} bytes", read.bytes_max);

    let there = tempfile::tempdir().unwrap();
    let data = there.path().join("data");
    let report = import::build(unsealed(&archive), &data, &[], &watch::Sender::default()).unwrap();
    assert_eq!((report.counts.entries, report.refused_entries), (MANY, 0));
    runtime.block_on(exporter.store.close());
    assert_eq!(digest_in(here.path()), digest_in(&data));
}

fn unsealed(archive: &Path) -> Reader<impl Read> {
    let file = BufReader::new(File::open(archive).unwrap());
    Reader::begin(seal::unseal(file, &passphrase()).unwrap()).unwrap()
}

fn digest_in(dir: &Path) -> Digest {
    SledStore::open(&dir.join(HISTORY_DIR)).unwrap().0.digest(ROOM, KeyRange::ALL).unwrap()
}
