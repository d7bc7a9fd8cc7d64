//! What a peer finds in its own history.

#![allow(clippy::unwrap_used, clippy::expect_used)] // A test's panic is its report.

use std::fs;
use std::path::Path;
use std::time::Duration;

use kinmesh_net::{Node, NodeConfig, NodeHandle, SearchHit, SearchQuery};
use kinmesh_proto::{DisplayName, RoomName, StatusLine};
use tokio::time::timeout;

/// Longer than any of these stories takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

async fn start(dir: &Path) -> NodeHandle {
    let listen = vec!["/ip4/127.0.0.1/udp/0/quic-v1".parse().unwrap()];
    let config = NodeConfig { data_dir: dir.to_owned(), bootstraps: vec![], listen, mdns: false };
    let node = Node::start(config).await.unwrap();
    node.set_profile(DisplayName::new("Alice").unwrap(), StatusLine::default()).await.unwrap();
    node
}

fn query(text: &str) -> SearchQuery {
    SearchQuery { text: text.to_owned(), limit: 50, ..SearchQuery::default() }
}

fn texts(hits: Vec<SearchHit>) -> Vec<String> {
    hits.into_iter().map(|hit| hit.entry.text.unwrap()).collect()
}

/// Asks as somebody who types would, until this is the answer.
async fn finds(node: &NodeHandle, typed: &str, wanted: &[&str]) {
    let ask = async {
        while texts(node.search(query(typed)).await.unwrap()) != wanted {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(PATIENCE, ask).await.unwrap_or_else(|_| panic!("{typed} finds {wanted:?}"));
}

#[tokio::test]
async fn what_was_sent_is_found_at_once_by_what_it_says_now() {
    let dir = tempfile::tempdir().unwrap();
    let alice = start(dir.path()).await;
    let room = alice.join_room(RoomName::lobby()).await.unwrap();
    let first = room.send("the kettle is on").await.unwrap();
    room.send("明天去北京").await.unwrap();
    finds(&alice, "kett", &["the kettle is on"]).await;
    finds(&alice, "北京", &["明天去北京"]).await;
    room.edit(first.key, "the kettle is off").await.unwrap();
    finds(&alice, "kettle of", &["the kettle is off"]).await;
    room.delete(first.key).await.unwrap();
    finds(&alice, "kettle", &[]).await;
    alice.shutdown().await;
}

#[tokio::test]
async fn all_is_found_after_a_restart_and_after_the_index_was_lost() {
    let dir = tempfile::tempdir().unwrap();
    let alice = start(dir.path()).await;
    let echo = alice.find("echo")[0].person;
    alice.chat(echo).send("needle in a chat").await.unwrap();
    alice.join_room(RoomName::lobby()).await.unwrap().send("needle in a room").await.unwrap();
    finds(&alice, "needle in a r", &["needle in a room"]).await;
    alice.shutdown().await;
    let alice = start(dir.path()).await;
    finds(&alice, "needle in a r", &["needle in a room"]).await;
    alice.shutdown().await;
    fs::remove_dir_all(dir.path().join("search")).unwrap();
    let alice = start(dir.path()).await;
    finds(&alice, "needle in a r", &["needle in a room"]).await;
    let hit = &alice.search(SearchQuery { limit: 1, ..query("needle") }).await.unwrap()[0];
    assert_eq!(hit.entry.text.as_deref(), Some("needle in a room"), "the newest one");
    alice.shutdown().await;
}
