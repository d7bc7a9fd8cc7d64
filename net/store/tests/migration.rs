//! Stores that were written by earlier versions open, and nothing in them is lost. See
//! `fixtures/README.md`.

#![allow(clippy::unwrap_used)] // A panic is the report, in a test's helpers too.

#[path = "support/fixtures.rs"]
mod fixtures;

use std::fs::{self, File};
use std::path::Path;

use fixtures::{ROOM, entry, person, posts, put, seal, stored};
use flate2::read::GzDecoder;
use kinmesh_proto::{
    AddressRecord, ConversationId, ConversationRecord, Delivery, KeyRange, MemberRecord, OwnProfile,
    PersonRecord, Privacy, Snapshot, StoredEntry,
};
use kinmesh_seal::Seal;
use kinmesh_store::{Directory, HistoryStore, PageAt, RebuildCause, Rebuilt, SledStore};
use serde_json::{Value, json};

/// Unpacks a fixture into `dir`, and reads its manifest.
fn unpack(format: u32, dir: &Path) -> Value {
    let archive = format!("{}/tests/fixtures/format-{format}.tar.gz", env!("CARGO_MANIFEST_DIR"));
    tar::Archive::new(GzDecoder::new(File::open(archive).unwrap())).unpack(dir).unwrap();
    serde_json::from_slice(&fs::read(dir.join("manifest.json")).unwrap()).unwrap()
}

fn open(dir: &Path) -> (SledStore, Rebuilt) {
    let (store, report) = SledStore::open(&dir.join("history")).unwrap();
    (store, report.rebuilt.unwrap())
}

fn all<T: serde::de::DeserializeOwned>(manifest: &Value, what: &str) -> Vec<T> {
    serde_json::from_value(manifest[what].clone()).unwrap()
}

fn conversation_of_format_1(record: &Value) -> ConversationRecord {
    let field = |name: &str| record[name].clone();
    let id = serde_json::from_value(field("id")).unwrap();
    let name = serde_json::from_value(field("name")).unwrap();
    ConversationRecord {
        open: field("open").as_bool().unwrap(),
        read: serde_json::from_value(field("read")).unwrap(),
        seq_reserved: field("seq").as_u64().unwrap(),
        ..ConversationRecord::new(id, name)
    }
}

/// What a history holds, as manifests have it.
fn as_written(store: &SledStore, id: ConversationId) -> Value {
    let mut entries = store.entries_in(id, KeyRange::ALL, usize::MAX).unwrap();
    entries.reverse();
    let entry = |stored: &StoredEntry| {
        let StoredEntry { entry, delivery, received_ms } = stored;
        json!({
            "key": entry.key(), "person": entry.person(), "text": entry.text(),
            "delivery": delivery, "received_ms": received_ms,
        })
    };
    let posts = store.page(id, PageAt::Newest, usize::MAX).unwrap();
    let shown: Vec<Value> = posts.iter().map(|post| json!([post.text(), post.changes.len()])).collect();
    json!({
        "conversation": id,
        "entries": entries.iter().map(entry).collect::<Vec<_>>(),
        "shown": shown,
    })
}

/// Opens a store as a version of that time closed it, and compares all of it with its manifest.
fn is_whole(format: u32, seal: Option<Seal>) {
    let dir = tempfile::tempdir().unwrap();
    let manifest = unpack(format, dir.path());
    let directory = Directory::lock(&dir.path().join("history")).unwrap();
    let (store, report) = SledStore::open_in(directory, seal).unwrap();
    assert_eq!(report.rebuilt, None);
    let expected = Snapshot {
        profile: serde_json::from_value(manifest["profile"].clone()).unwrap(),
        privacy: serde_json::from_value(manifest["privacy"].clone()).unwrap(),
        people: all::<PersonRecord>(&manifest, "people"),
        members: all::<MemberRecord>(&manifest, "members"),
        addresses: all::<AddressRecord>(&manifest, "addresses"),
        conversations: all::<ConversationRecord>(&manifest, "conversations"),
        // Of that time there are none.
        invites: Vec::new(),
        openings: Vec::new(),
        secrets: Vec::new(),
    };
    assert_eq!(store.load().unwrap(), expected);
    let histories = manifest["histories"].as_array().unwrap();
    assert_eq!(histories.len(), expected.conversations.len());
    for written in histories {
        let id = serde_json::from_value(written["conversation"].clone()).unwrap();
        assert_eq!(as_written(&store, id), *written);
        let digest = store.digest(id, KeyRange::ALL).unwrap();
        assert_eq!(digest.count, written["entries"].as_array().unwrap().len() as u64);
    }
}

#[test]
fn format_2_holds_everything() {
    is_whole(2, None);
}

#[test]
fn format_3_holds_everything_behind_its_seal() {
    is_whole(3, Some(seal(1)));
}

#[test]
fn format_1_keeps_all_but_its_entries() {
    let dir = tempfile::tempdir().unwrap();
    let manifest = unpack(1, dir.path());
    let (store, _) = open(dir.path());
    let profile: OwnProfile = serde_json::from_value(manifest["profile"].clone()).unwrap();
    let conversations: Vec<_> =
        manifest["conversations"].as_array().unwrap().iter().map(conversation_of_format_1).collect();
    assert_eq!(conversations.len(), 3);
    let expected = Snapshot {
        profile: Some(profile),
        privacy: Privacy::default(),
        people: all::<PersonRecord>(&manifest, "people"),
        members: all::<MemberRecord>(&manifest, "members"),
        addresses: all::<AddressRecord>(&manifest, "addresses"),
        conversations,
        ..Snapshot::default()
    };
    assert_eq!(store.load().unwrap(), expected);
    for ConversationRecord { id, .. } in expected.conversations {
        assert_eq!(store.keys(id, KeyRange::ALL, 10).unwrap(), []);
    }
}

#[test]
fn the_entries_of_format_1_stay_readable_for_people() {
    let dir = tempfile::tempdir().unwrap();
    let manifest = unpack(1, dir.path());
    let (_, Rebuilt { cause, set_aside, entries_kept, entries_lost, readable }) = open(dir.path());
    assert_eq!((cause, entries_kept, entries_lost), (RebuildCause::Format(1), 0, 304));
    let readable = readable.unwrap();
    assert!(readable.starts_with(&set_aside));
    let readable: Vec<(ConversationId, Vec<Value>)> =
        serde_json::from_slice(&fs::read(readable).unwrap()).unwrap();
    let mut histories = 0;
    for history in manifest["histories"].as_array().unwrap() {
        let id: ConversationId = serde_json::from_value(history["conversation"].clone()).unwrap();
        let (_, entries) = readable.iter().find(|(conversation, _)| *conversation == id).unwrap();
        let written = history["entries"].as_array().unwrap();
        assert_eq!(entries.len(), written.len());
        for (entry, written) in entries.iter().zip(written) {
            for field in ["key", "person", "text", "delivery"] {
                assert_eq!(entry[field], written[field]);
            }
            assert!(entry["at"].as_str().unwrap().starts_with("2026-11-"), "{entry}");
        }
        histories += 1;
    }
    assert_eq!(histories, readable.len());
    assert!(fs::metadata(set_aside.join("db")).unwrap().len() > 100_000, "what was found is there");
}

#[test]
fn a_migrated_store_is_a_store() {
    let dir = tempfile::tempdir().unwrap();
    unpack(1, dir.path());
    let (mut store, _) = open(dir.path());
    let one = entry(&person(1), ROOM, 1, "goes on");
    store.apply(&[put(ROOM, &one, Delivery::Received)]).unwrap();
    drop(store);
    let (store, report) = SledStore::open(&dir.path().join("history")).unwrap();
    assert_eq!(report.rebuilt, None);
    assert_eq!(posts(&store, ROOM), [stored(&one, Delivery::Received)]);
}

#[test]
fn a_migration_that_was_killed_begins_again() {
    let dir = tempfile::tempdir().unwrap();
    unpack(1, dir.path());
    fs::create_dir(dir.path().join("history/rebuild")).unwrap();
    fs::write(dir.path().join("history/rebuild/db"), b"half").unwrap();
    let (store, _) = open(dir.path());
    assert_eq!(store.load().unwrap().conversations.len(), 3);
}

#[test]
fn an_exchange_that_was_killed_is_finished() {
    let dir = tempfile::tempdir().unwrap();
    unpack(1, dir.path());
    drop(open(dir.path()));
    let history = dir.path().join("history");
    fs::rename(history.join("sled"), history.join("rebuild")).unwrap();
    let (store, report) = SledStore::open(&history).unwrap();
    assert_eq!(report.rebuilt, None);
    assert_eq!(store.load().unwrap().conversations.len(), 3);
}
