//! A room in two halves, each of which has company enough, becomes one room again.

#![allow(clippy::unwrap_used, clippy::expect_used)] // A test's panic is its report.

use std::path::Path;
use std::time::Duration;

use futures::future::join_all;
use kinmesh_net::testing::start_in_small_company;
use kinmesh_net::{NodeConfig, NodeHandle};
use kinmesh_proto::{DisplayName, RoomName, StatusLine};
use libp2p::Multiaddr;
use tokio::time::timeout;

/// Far longer than it takes, also on a machine that is busy with other tests. Members count as unheard
/// of after 25 s only.
const PATIENCE: Duration = Duration::from_secs(120);
/// Each half is a pair, so one neighbour is company enough.
const PEERS_WANTED: usize = 1;

/// A start of this peer at this address.
async fn start_at(listen: Multiaddr, name: &str, dir: &Path) -> NodeHandle {
    let listen = vec![listen];
    let config = NodeConfig { data_dir: dir.to_owned(), bootstraps: vec![], listen, mdns: false };
    let node = start_in_small_company(config, PEERS_WANTED).await.unwrap();
    node.set_profile(DisplayName::new(name).unwrap(), StatusLine::default()).await.unwrap();
    node.join_room(RoomName::lobby()).await.unwrap();
    node
}

/// Where Dave listens, twice: at an address that no other program's port can be given away at, since
/// Linux has a loopback of millions.
fn daves_address() -> Multiaddr {
    let [.., high, low] = std::process::id().to_be_bytes();
    let own = if cfg!(target_os = "linux") { format!("127.71.{high}.{low}") } else { "127.0.0.1".into() };
    format!("/ip4/{own}/tcp/0").parse().unwrap()
}

/// A start of this peer at an address that nobody knows yet. Over TCP a dial to who is down ends at once.
async fn start(name: &str, dir: &Path) -> NodeHandle {
    start_at("/ip4/127.0.0.1/tcp/0".parse().unwrap(), name, dir).await
}

async fn address_of(node: &NodeHandle) -> Multiaddr {
    let mut status = node.watch_status();
    status.wait_for(|status| !status.listening.is_empty()).await.unwrap().listening[0].clone()
}

async fn dials(one: &NodeHandle, two: &NodeHandle) {
    one.add_bootstrap(address_of(two).await).await.unwrap();
}

async fn sees(node: &NodeHandle, online: usize) {
    let mut overview = node.watch_overview();
    let is_there = |view: &std::sync::Arc<kinmesh_net::Overview>| view.rooms[0].online == online;
    drop(timeout(PATIENCE, overview.wait_for(is_there)).await.expect("they see each other").unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn halves_of_a_room_that_have_company_enough_find_each_other_again() {
    let dirs: Vec<_> = (0..4).map(|_| tempfile::tempdir().unwrap()).collect();
    let dir = |index: usize| dirs[index].path();
    let (alice, dave) = (start("Alice", dir(0)).await, start_at(daves_address(), "Dave", dir(3)).await);
    dials(&alice, &dave).await;
    join_all([sees(&alice, 2), sees(&dave, 2)]).await;
    let mut daves_place = address_of(&dave).await;
    daves_place.pop();
    join_all([alice.shutdown(), dave.shutdown()]).await;

    // Alice has moved, so Dave finds nobody where she was; she knows where he is.
    let (alice, bob) = (start("Alice", dir(0)).await, start("Bob", dir(1)).await);
    dials(&bob, &alice).await;
    join_all([sees(&alice, 2), sees(&bob, 2)]).await;
    let (dave, carol) = (start_at(daves_place, "Dave", dir(3)).await, start("Carol", dir(2)).await);
    dials(&carol, &dave).await;

    join_all([&alice, &bob, &carol, &dave].map(|node| sees(node, 4))).await;
    join_all([&alice, &bob, &carol, &dave].map(NodeHandle::shutdown)).await;
}
