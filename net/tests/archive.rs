//! Stories of archives: a peer moves to another place, whole or not at all.

#![allow(clippy::unwrap_used, clippy::expect_used)] // A test's panic is its report.

use std::fs;
use std::path::{Path, PathBuf};

use kinmesh_net::archive::{ArchiveError, ImportError, ImportReport, Passphrase, import};
use kinmesh_net::history::{History, OpenError, StoppedPeer};
use kinmesh_net::{Node, NodeConfig, NodeHandle, PAGE_MAX};
use kinmesh_proto::{ConversationId, DisplayName, PageAt, PageItem, RoomName, StatusLine};
use kinmesh_store::StoreError;
use tempfile::TempDir;
use tokio::sync::watch;

const FILES: &[&str] = &["settings.toml"];

async fn start(data_dir: &Path) -> NodeHandle {
    let listen = vec!["/ip4/127.0.0.1/udp/0/quic-v1".parse().unwrap()];
    let config = NodeConfig { data_dir: data_dir.to_owned(), bootstraps: vec![], listen, mdns: false };
    Node::start(config).await.unwrap()
}

/// Alice, who wrote to a room, edited, took back and felt something.
async fn alice(data_dir: &Path) -> NodeHandle {
    let node = start(data_dir).await;
    node.set_profile(DisplayName::new("Alice").unwrap(), StatusLine::default()).await.unwrap();
    let room = node.join_room(RoomName::lobby()).await.unwrap();
    let first = room.send("first").await.unwrap();
    room.edit(first.key, "first, mended").await.unwrap();
    let second = room.reply(first.key, "second").await.unwrap();
    room.react(second.key, "👍", true).await.unwrap();
    let regretted = room.send("regretted").await.unwrap();
    room.delete(regretted.key).await.unwrap();
    fs::write(data_dir.join("settings.toml"), "theme = \"dark\"\n").unwrap();
    node
}

fn passphrase(text: &str) -> Passphrase {
    Passphrase::new(text.to_owned()).unwrap()
}

async fn export(history: &History, archive: &Path) {
    let report = history
        .export(archive.to_owned(), passphrase("correct horse"), FILES, watch::Sender::default())
        .await
        .unwrap();
    assert_eq!(report.bytes, fs::metadata(archive).unwrap().len());
    assert_eq!((report.counts.entries, report.counts.files), (6, 1));
}

fn import_with(text: &str, archive: &Path, data_dir: &Path) -> Result<ImportReport, ImportError> {
    import(archive, &passphrase(text), data_dir, FILES, &watch::Sender::default())
}

async fn room_of(history: &History) -> (ConversationId, Vec<PageItem>) {
    let room = ConversationId::Room(history.overview().rooms[0].room);
    (room, history.page(room, PageAt::Newest, PAGE_MAX).await.unwrap())
}

/// Alice's archive, made while she runs, and her posts at that moment.
async fn exported(dir: &TempDir) -> (PathBuf, Vec<PageItem>) {
    let archive = dir.path().join("alice.age");
    let node = alice(&dir.path().join("alice")).await;
    let history = node.history().await.unwrap();
    export(&history, &archive).await;
    let (_, posts) = room_of(&history).await;
    node.shutdown().await;
    (archive, posts)
}

#[tokio::test]
async fn a_peer_moves_to_another_place_with_everything_it_has() {
    let dir = tempfile::tempdir().unwrap();
    let (archive, posts) = exported(&dir).await;
    let there = dir.path().join("new").join("place");
    let report = import_with("correct horse", &archive, &there).unwrap();
    assert_eq!((report.counts.entries, report.refused_entries, report.refused_files), (6, 0, 0));

    let moved = StoppedPeer::open(&there).await.unwrap();
    let left = StoppedPeer::open(&dir.path().join("alice")).await.unwrap();
    assert_eq!(moved.history.overview().me, left.history.overview().me);
    assert_eq!(moved.history.overview().people, left.history.overview().people);
    let (room, moved_posts) = room_of(&moved.history).await;
    assert_eq!(posts.len(), 3);
    assert_eq!(moved_posts, posts);
    assert_eq!(fs::read_to_string(there.join("settings.toml")).unwrap(), "theme = \"dark\"\n");
    moved.close().await;
    left.close().await;

    let node = start(&there).await;
    node.conversation(room).send("from the new place").await.unwrap();
    let newest = room_of(&node.history().await.unwrap()).await.1.pop().unwrap();
    assert!(newest.post.entry.value().seq > posts[2].post.entry.value().seq);
    node.shutdown().await;
}

#[tokio::test]
async fn what_is_no_whole_archive_is_refused_and_leaves_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    let (archive, _) = exported(&dir).await;
    let there = dir.path().join("there");
    let refused = |result: Result<_, ImportError>| match result {
        Err(ImportError::Archive(error)) => error,
        other => panic!("{other:?}"),
    };
    assert!(matches!(refused(import_with("wrong", &archive, &there)), ArchiveError::WrongPassphrase));

    let bytes = fs::read(&archive).unwrap();
    let damaged = dir.path().join("damaged.age");
    let mut changed = bytes.clone();
    changed[bytes.len() / 2] ^= 1;
    for (bytes, what) in [(&changed[..], "changed"), (&bytes[..bytes.len() - 20], "cut")] {
        fs::write(&damaged, bytes).unwrap();
        let error = refused(import_with("correct horse", &damaged, &there));
        assert!(matches!(error, ArchiveError::Damaged | ArchiveError::Cut), "{what}: {error}");
    }
    fs::write(&damaged, "a letter").unwrap();
    assert!(matches!(
        refused(import_with("correct horse", &damaged, &there)),
        ArchiveError::NotAnArchive | ArchiveError::Cut
    ));
    let mut left: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["alice", "alice.age", "damaged.age"]);
}

#[tokio::test]
async fn nobody_is_overwritten_by_an_import() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().join("alice");
    alice(&home).await.shutdown().await;
    let archive = dir.path().join("never-opened.age");
    fs::write(&archive, "").unwrap();
    let into_peer = import_with("x", &archive, &home);
    assert!(matches!(into_peer, Err(ImportError::HasPeer { .. })), "{into_peer:?}");
    let other = dir.path().join("other");
    fs::create_dir(&other).unwrap();
    fs::write(other.join("letter"), "x").unwrap();
    assert!(matches!(import_with("x", &archive, &other), Err(ImportError::NotEmpty { .. })));
}

#[tokio::test]
async fn a_stopped_peer_is_exported_and_a_running_one_is_not_disturbed() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().join("alice");
    let node = alice(&home).await;
    let running = StoppedPeer::open(&home).await;
    assert!(matches!(running, Err(OpenError::Store(StoreError::InUse { .. }))));
    node.shutdown().await;

    let archive = dir.path().join("alice.age");
    let peer = StoppedPeer::open(&home).await.unwrap();
    export(&peer.history, &archive).await;
    peer.close().await;
    let files = fs::read_dir(dir.path()).unwrap().count();
    assert_eq!(files, 2, "nothing but the peer and its archive is left");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(&archive).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[tokio::test]
async fn where_nobody_lives_there_is_nothing_to_export() {
    let dir = tempfile::tempdir().unwrap();
    let opened = StoppedPeer::open(dir.path()).await;
    assert!(matches!(opened, Err(OpenError::NoPeer { .. })));
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}
