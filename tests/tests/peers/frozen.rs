//! What earlier versions left behind opens with everything in it: see `fixtures/README.md`.

#![allow(clippy::unwrap_used, clippy::expect_used)] // A test's panic is its report.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use kinmesh_core::{Acquaintance, EntryView, PersonView};
use kinmesh_net::archive::{Progress, import};
use kinmesh_net::testing::{read_archive_stream, rewrite_vault_file};
use kinmesh_net::{Node, NodeConfig, NodeHandle, Passphrase, vault};
use kinmesh_proto::{ConversationId, PageAt, PersonId, Privacy, RoomId, RoomName};
use tokio::sync::watch;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name)
}

fn passphrase() -> Passphrase {
    Passphrase::new("correct horse battery staple".to_owned()).unwrap()
}

fn config(data_dir: &Path) -> NodeConfig {
    let listen = vec!["/ip4/127.0.0.1/tcp/0".parse().unwrap()];
    NodeConfig { data_dir: data_dir.to_owned(), bootstraps: vec![], listen, mdns: false }
}

/// The texts of a conversation as they are shown.
async fn texts(node: &NodeHandle, id: ConversationId) -> Vec<Option<String>> {
    let page: Vec<EntryView> = node.conversation(id).page(PageAt::Newest, 50).await.unwrap();
    page.into_iter().map(|entry| entry.text).collect()
}

fn said(texts: &[&str]) -> Vec<Option<String>> {
    texts.iter().map(|text| Some((*text).to_owned())).collect()
}

/// Whether this is Alice with all that she had.
async fn is_alice(node: NodeHandle) -> PersonId {
    let overview = node.overview();
    assert_eq!(overview.me.name.as_ref().unwrap().as_str(), "Alice");
    assert_eq!(overview.me.status.as_str(), "on the boat");
    assert_eq!(overview.me.privacy, Privacy { read_receipts: true, typing: false });
    let room = |name| RoomId::public(&RoomName::new(name).unwrap());
    let (lobby, walk) = (room("lobby"), room("周末徒步"));
    let joined: Vec<_> = overview.rooms.iter().map(|room| (room.room, room.joined)).collect();
    assert!(joined.len() == 2 && joined.contains(&(lobby, true)) && joined.contains(&(walk, false)));
    let first = node.room(lobby).page(PageAt::Newest, 50).await.unwrap().remove(0);
    assert_eq!((first.text.as_deref(), first.edited_ms.is_some()), (Some("first"), true));
    assert_eq!(first.reactions[0].emoji, "👍");
    let in_lobby = texts(&node, ConversationId::Room(lobby)).await;
    assert_eq!(in_lobby, [said(&["first"]), vec![None], said(&["indeed"])].concat());
    assert_eq!(texts(&node, ConversationId::Room(walk)).await, said(&["明天六点见"]));
    // Echo has other keys by now. What was said to the former one is still there to read.
    let is_former = |person: &&PersonView| person.own_name.as_str() == "Echo" && !person.is_echo;
    let former = overview.people.iter().find(is_former).expect("who was Echo is here");
    assert_eq!(former.acquaintance, Acquaintance::Blocked);
    assert!(overview.chats.iter().any(|chat| chat.person == former.person));
    let with_echo = texts(&node, ConversationId::Direct(former.person)).await;
    assert_eq!(with_echo, said(&["are you there?", "are you there?"]));
    node.shutdown().await;
    overview.me.person
}

#[tokio::test]
async fn an_archive_of_format_1_brings_everything_back() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let archive = fixture("archive-1.age");
    let report = import(&archive, &passphrase(), &data, &[], &watch::Sender::<Progress>::default()).unwrap();
    assert_eq!((report.counts.entries, report.refused_entries), (9, 0));
    let node = Node::start(config(&data)).await.unwrap();
    assert_eq!(is_alice(node).await, report.person);
}

#[tokio::test]
async fn a_passphrase_of_format_1_opens_keys_and_history() {
    let dir = tempfile::tempdir().unwrap();
    let file = File::open(fixture("vault-1.tar.gz")).unwrap();
    tar::Archive::new(GzDecoder::new(file)).unpack(dir.path()).unwrap();
    assert!(matches!(Node::start(config(dir.path())).await, Err(kinmesh_net::StartError::Vault(_))));
    let key = vault::unlock(dir.path(), &passphrase()).unwrap();
    is_alice(Node::start_unlocked(config(dir.path()), key).await.unwrap()).await;
}

#[test]
fn what_fuzzing_starts_from_is_sound() {
    let stream = fs::read(fixture("archive-1.stream")).unwrap();
    assert!(read_archive_stream(&stream).is_some_and(|records| records > 5));
    assert_eq!(read_archive_stream(&stream[..stream.len() - 1]), None);
    let dir = tempfile::tempdir().unwrap();
    let file = File::open(fixture("vault-1.tar.gz")).unwrap();
    tar::Archive::new(GzDecoder::new(file)).unpack(dir.path()).unwrap();
    let vault = fs::read(dir.path().join("vault")).unwrap();
    assert_eq!(rewrite_vault_file(&vault), Some(vault));
}
