//! Stories of real peers that missed something, over real sockets and real stores.

#![allow(clippy::unwrap_used, clippy::expect_used)] // A test's panic is its report.

use std::time::Duration;

use kinmesh_core::{ConversationEvent, Event};
use kinmesh_net::{EventStream, Node, NodeConfig, NodeHandle, Overview, RoomHandle};
use kinmesh_proto::{DisplayName, PageAt, RoomName, StatusLine};
use tempfile::TempDir;
use tokio::time::timeout;

/// Longer than any of these stories takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// More than one pack of entries, and less than two.
const MESSAGES: usize = 1_500;

struct Peer {
    node: NodeHandle,
    events: EventStream,
    room: RoomHandle,
    dir: TempDir,
}

impl Peer {
    async fn start(name: &str) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), name).await
    }

    async fn start_in(dir: TempDir, name: &str) -> Self {
        let listen = vec!["/ip4/127.0.0.1/udp/0/quic-v1".parse().unwrap()];
        let config = NodeConfig { data_dir: dir.path().to_owned(), bootstraps: vec![], listen, mdns: false };
        let node = Node::start(config).await.unwrap();
        let events = node.events();
        node.set_profile(DisplayName::new(name).unwrap(), StatusLine::default()).await.unwrap();
        let room = node.join_room(RoomName::lobby()).await.unwrap();
        Self { node, events, room, dir }
    }

    async fn stop(self) -> TempDir {
        self.node.shutdown().await;
        self.dir
    }

    async fn dial(&self, other: &Peer) {
        let mut status = other.node.watch_status();
        let status = timeout(PATIENCE, status.wait_for(|status| !status.listening.is_empty())).await.unwrap();
        let address = status.unwrap().listening[0].clone();
        self.node.add_bootstrap(address).await.unwrap();
    }

    async fn sees(&self, what: impl Fn(&Overview) -> bool) {
        let mut overview = self.node.watch_overview();
        drop(timeout(PATIENCE, overview.wait_for(|view| what(view))).await.expect("seen in time").unwrap());
    }

    async fn meet(&self, other: &Peer) {
        self.dial(other).await;
        for peer in [self, other] {
            peer.sees(|view| view.rooms[0].online >= 2).await;
        }
    }

    /// Waits until so many entries were told.
    async fn hears(&mut self, count: usize) {
        let all = async {
            let mut heard = 0;
            while heard < count {
                let event = self.events.next().await.expect("the peer runs");
                let is_entry =
                    matches!(event, Event::Conversation { change: ConversationEvent::EntryAdded { .. }, .. });
                heard += usize::from(is_entry);
            }
        };
        timeout(PATIENCE, all).await.expect("heard in time");
    }

    async fn texts(&self) -> Vec<String> {
        let mut texts = Vec::new();
        let mut at = PageAt::Newest;
        loop {
            let page = self.room.page(at, kinmesh_net::PAGE_MAX).await.unwrap();
            let Some(first) = page.first() else { return texts };
            at = PageAt::Before(first.key);
            texts.splice(0..0, page.iter().filter_map(|entry| entry.text.clone()));
        }
    }
}

/// Alice has said much to bob and is gone.
async fn bob_who_heard_alice() -> (Peer, TempDir, Vec<String>) {
    let (alice, mut bob) = (Peer::start("Alice").await, Peer::start("Bob").await);
    alice.meet(&bob).await;
    for number in 0..MESSAGES {
        alice.room.send(format!("message {number}")).await.unwrap();
    }
    bob.hears(MESSAGES).await;
    let texts = alice.texts().await;
    assert_eq!(texts.len(), MESSAGES);
    (bob, alice.stop().await, texts)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_late_joiner_gets_everything_after_its_author_is_gone() {
    let (bob, _, texts) = bob_who_heard_alice().await;
    let mut carol = Peer::start("Carol").await;
    carol.meet(&bob).await;
    carol.hears(MESSAGES).await;
    assert_eq!(carol.texts().await, texts);
    carol.sees(|view| view.rooms[0].completeness.agreeing == 1).await;
    carol.stop().await;
    bob.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_that_was_away_gets_what_it_missed_and_a_lost_store_is_filled_again() {
    let (bob, alices_dir, texts) = bob_who_heard_alice().await;
    for number in 0..10 {
        bob.room.send(format!("while alice is away {number}")).await.unwrap();
    }
    let mut alice = Peer::start_in(alices_dir, "Alice").await;
    alice.meet(&bob).await;
    alice.hears(10).await;
    let all = bob.texts().await;
    assert_eq!(all.len(), texts.len() + 10);
    assert_eq!(alice.texts().await, all);

    let dir = alice.stop().await;
    std::fs::remove_dir_all(dir.path().join("history")).unwrap();
    let mut alice = Peer::start_in(dir, "Alice").await;
    alice.meet(&bob).await;
    alice.hears(MESSAGES + 10).await;
    assert_eq!(alice.texts().await, all);
    // Her own numbers go on where they were: nobody takes the next entry for an old one.
    alice.room.send("I am back").await.unwrap();
    let heard = async {
        while bob.texts().await.last().map(String::as_str) != Some("I am back") {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, heard).await.expect("bob hears her");
    alice.stop().await;
    bob.stop().await;
}
