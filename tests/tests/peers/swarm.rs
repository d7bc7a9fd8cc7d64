//! Twenty real peers in one process: real swarms, encryption, drivers and stores over channels
//! instead of sockets.

#![allow(clippy::unwrap_used, clippy::expect_used)] // A test's panic is its report.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::future::join_all;
use kinmesh_core::{ConversationEvent, Event};
use kinmesh_net::testing::start_in_memory;
use kinmesh_net::{EventStream, NodeConfig, NodeHandle, RoomHandle};
use kinmesh_proto::{DisplayName, PageAt, RoomName, StatusLine};
use tempfile::TempDir;
use tokio::time::timeout;

const PEERS: usize = 20;
/// Messages that each peer writes.
const MESSAGES: usize = 10;
/// Far longer than it takes, also on a machine that is busy with other tests.
const PATIENCE: Duration = Duration::from_secs(120);
/// First of this test's memory ports, which the process shares.
const FIRST_PORT: u64 = 7_000;

struct Peer {
    node: NodeHandle,
    room: RoomHandle,
    events: EventStream,
    _dir: TempDir,
}

async fn start(number: usize) -> Peer {
    let dir = tempfile::tempdir().unwrap();
    let config =
        NodeConfig { data_dir: dir.path().to_owned(), bootstraps: vec![], listen: vec![], mdns: false };
    let node = start_in_memory(config, FIRST_PORT + number as u64).await.unwrap();
    let name = DisplayName::new(&format!("Peer {number}")).unwrap();
    node.set_profile(name, StatusLine::default()).await.unwrap();
    let room = node.join_room(RoomName::lobby()).await.unwrap();
    Peer { events: node.events(), room, node, _dir: dir }
}

/// Each knows only the one before it: the mesh must find itself.
async fn chain(peers: &[Peer]) {
    for pair in peers.windows(2) {
        let mut status = pair[0].node.watch_status();
        let address =
            status.wait_for(|status| !status.listening.is_empty()).await.unwrap().listening[0].clone();
        pair[1].node.add_bootstrap(address).await.unwrap();
    }
}

async fn sees_everybody(peer: &Peer) {
    let mut overview = peer.node.watch_overview();
    let is_complete = |view: &std::sync::Arc<kinmesh_net::Overview>| view.rooms[0].online == PEERS;
    drop(timeout(PATIENCE, overview.wait_for(is_complete)).await.expect("all meet in time").unwrap());
}

/// How often each text was told, once all that is expected was.
async fn listens(events: &mut EventStream) -> BTreeMap<String, usize> {
    let mut heard = BTreeMap::new();
    let all = async {
        while heard.len() < PEERS * MESSAGES {
            if let Some(Event::Conversation { change: ConversationEvent::EntryAdded { entry }, .. }) =
                events.next().await
            {
                *heard.entry(entry.text.unwrap()).or_default() += 1;
            }
        }
    };
    let in_time = timeout(PATIENCE, all).await;
    assert!(in_time.is_ok(), "heard only {} of {}", heard.len(), PEERS * MESSAGES);
    heard
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_peers_get_every_message_of_a_room_exactly_once() {
    let mut peers = join_all((0..PEERS).map(start)).await;
    chain(&peers).await;
    join_all(peers.iter().map(sees_everybody)).await;

    for message in 0..MESSAGES {
        let sends =
            peers.iter().enumerate().map(|(number, peer)| peer.room.send(format!("{message} from {number}")));
        for sent in join_all(sends).await {
            sent.unwrap();
        }
    }
    for heard in join_all(peers.iter_mut().map(|peer| listens(&mut peer.events))).await {
        assert!(heard.values().all(|times| *times == 1), "told twice: {heard:?}");
    }
    let pages = join_all(peers.iter().map(|peer| peer.room.page(PageAt::Newest, 2 * PEERS * MESSAGES))).await;
    let texts =
        |page: &[kinmesh_core::EntryView]| page.iter().map(|entry| entry.text.clone()).collect::<Vec<_>>();
    let first = texts(pages[0].as_ref().unwrap());
    assert_eq!(first.len(), PEERS * MESSAGES);
    assert!(
        pages.iter().all(|page| texts(page.as_ref().unwrap()) == first),
        "the order is the same everywhere"
    );
    join_all(peers.iter().map(|peer| peer.node.shutdown())).await;
}
