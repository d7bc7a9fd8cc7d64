//! What strangers try: the node refuses, says so once, lives on and does not grow.

use std::io::Write;
use std::net::{TcpStream, UdpSocket};

use futures::future::join_all;
use kinmesh_bootstrap::ration::LINES_PER_MINUTE;
use kinmesh_proto::limits;
use libp2p::identity::Keypair;
use libp2p::rendezvous::{ErrorCode, Namespace, client};
use libp2p::request_response;
use libp2p::swarm::SwarmEvent;

use crate::client::{Client, ProtocolsEvent};
use crate::process::Node;

/// What an attack below may cost the node at most, in KiB. Allocators keep some of what they had.
#[cfg(target_os = "linux")]
const GROWTH_MAX_KIB: usize = 8 * 1024;

/// Log lines that say `what`.
fn said(node: &Node, what: &str) -> usize {
    node.log().lines().filter(|line| line.contains(what)).count()
}

/// Runs an attack on a node that has met one client before, and holds its growth against the bound.
async fn attack<F: Future<Output = ()>>(node: &Node, attack: F) {
    #[cfg(target_os = "linux")]
    let before = {
        Client::connect(&node.address("quic")).await.identify().await;
        node.resident_kib()
    };
    attack.await;
    node.status().await;
    #[cfg(target_os = "linux")]
    {
        let after = node.resident_kib();
        assert!(after < before + GROWTH_MAX_KIB, "resident {before} KiB before and {after} KiB after");
    }
}

/// Whether the node still does its work.
async fn serves(node: &Node) {
    let mut guest = Client::connect(&node.address("quic")).await;
    assert!(guest.register("still here").await);
    assert_eq!(guest.discover("still here").await.len(), 1);
}

#[tokio::test]
async fn a_peer_gets_256_namespaces_and_not_one_more() {
    let node = Node::start().await;
    let mut greedy = Client::connect(&node.address("quic")).await;
    attack(&node, async {
        for n in 0..300 {
            assert_eq!(greedy.register(&format!("{n:064}")).await, n < 256, "namespace {n}");
        }
    })
    .await;
    assert!(greedy.register(&format!("{:064}", 7)).await, "a renewal is no new one");
    assert_eq!(node.status().await.registrations.count, 256);
    assert_eq!(said(&node, "a rendezvous request beyond the limits"), 1);
    serves(&node).await;
}

#[tokio::test]
async fn registering_in_a_loop_is_replaced_then_refused_and_costs_nothing() {
    let node = Node::start().await;
    let mut looping = Client::connect(&node.address("quic")).await;
    let mut taken = 0;
    attack(&node, async {
        for _ in 0..3000 {
            taken += usize::from(looping.register("room").await);
        }
    })
    .await;
    assert!((600..2900).contains(&taken), "{taken} of 3000 were taken");
    let mut other = Client::connect(&node.address("quic")).await;
    assert_eq!(other.discover("room").await.len(), 1);
    assert_eq!(node.status().await.registrations.count, 1);
    assert_eq!(said(&node, "more requests than one peer may make"), 1);
    serves(&node).await;
}

#[tokio::test]
async fn nobody_can_list_what_others_registered() {
    let node = Node::start().await;
    let mut curious = Client::connect(&node.address("quic")).await;
    assert!(curious.register("room").await);
    let peer = curious.node;
    curious.swarm.behaviour_mut().rendezvous.discover(None::<Namespace>, None, None, peer);
    let error = curious
        .until_behaviour(|event| match event {
            ProtocolsEvent::Rendezvous(client::Event::DiscoverFailed { error, .. }) => Some(error),
            ProtocolsEvent::Rendezvous(client::Event::Discovered { .. }) => panic!("listed"),
            _ => None,
        })
        .await;
    assert_eq!(error, ErrorCode::InvalidNamespace);
}

#[tokio::test]
async fn oversized_and_unreadable_requests_are_refused_and_logged_once() {
    let node = Node::start().await;
    let mut stranger = Client::connect(&node.address("quic")).await;
    let huge = vec![0xff; 4 << 20];
    // A length prefix of 32 KiB, and a request that would be fine if it were shorter.
    let long = [&[0x80, 0x80, 0x02][..], &vec![0; 32 * 1024]].concat();
    let oversized_hello = vec![0x5a; usize::try_from(limits::HELLO_MAX).unwrap() * 100];
    attack(&node, async {
        for _ in 0..20 {
            for target in [Target::Rendezvous, Target::Kademlia, Target::Identify, Target::Autonat] {
                for bytes in [&huge, &long, &RUBBISH.to_vec(), &vec![]] {
                    assert_refused(&mut stranger, bytes.clone(), target).await;
                }
            }
            for bytes in [&huge, &oversized_hello, &vec![0xa0], &vec![]] {
                assert_refused(&mut stranger, bytes.clone(), Target::Hello).await;
            }
        }
    })
    .await;
    assert_eq!(said(&node, "a request that is too large or not readable"), 1, "{}", node.log());
    serves(&node).await;
}

#[tokio::test]
async fn rubbish_is_logged_under_whatever_protocol_it_comes() {
    let node = Node::start().await;
    // Of Kademlia's the node is told nothing.
    let targets = [Target::Rendezvous, Target::Hello, Target::Identify, Target::Autonat];
    for (others, target) in targets.into_iter().enumerate() {
        let mut stranger = Client::connect(&node.address("quic")).await;
        assert_refused(&mut stranger, RUBBISH.to_vec(), target).await;
        // What the node hears of one connection, it hears in order.
        assert!(stranger.register("room").await);
        assert_eq!(said(&node, "too large or not readable"), others + 1, "{}", node.log());
    }
}

/// A message of three bytes that no protocol can read.
const RUBBISH: [u8; 4] = [3, 8, 0, 0];

#[derive(Debug, Clone, Copy)]
enum Target {
    Rendezvous,
    Hello,
    Kademlia,
    Identify,
    Autonat,
}

async fn assert_refused(client: &mut Client, bytes: Vec<u8>, target: Target) {
    let (peer, protocols) = (client.node, client.swarm.behaviour_mut());
    match target {
        Target::Rendezvous => protocols.raw_rendezvous.send_request(&peer, bytes),
        Target::Hello => protocols.raw_hello.send_request(&peer, bytes),
        Target::Kademlia => protocols.raw_kad.send_request(&peer, bytes),
        Target::Identify => protocols.raw_identify.send_request(&peer, bytes),
        Target::Autonat => protocols.raw_autonat.send_request(&peer, bytes),
    };
    client
        .until_behaviour(|event| match event {
            ProtocolsEvent::RawRendezvous(event)
            | ProtocolsEvent::RawHello(event)
            | ProtocolsEvent::RawKad(event)
            | ProtocolsEvent::RawIdentify(event)
            | ProtocolsEvent::RawAutonat(event) => match event {
                request_response::Event::OutboundFailure {
                    error: request_response::OutboundFailure::Io(_),
                    ..
                } => Some(()),
                request_response::Event::OutboundFailure { error, .. } => panic!("{target:?}: {error}"),
                request_response::Event::Message { .. } => panic!("{target:?} answered"),
                _ => None,
            },
            _ => None,
        })
        .await;
}

#[tokio::test]
async fn garbage_on_the_ports_is_refused_and_logged_once() {
    let node = Node::start().await;
    let port = |transport| -> u16 {
        node.address(transport).to_string().split('/').nth(4).unwrap().parse().unwrap()
    };
    let (tcp, udp) = (port("tcp"), port("udp"));
    let garbage: Vec<u8> = (0..1200u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    attack(&node, async {
        let throw = tokio::task::spawn_blocking(move || {
            let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
            for n in 0..300 {
                // The node may hang up in the middle: that is the point.
                let _ =
                    TcpStream::connect(("127.0.0.1", tcp)).and_then(|mut stream| stream.write_all(&garbage));
                for first in [0x00, 0x40, 0xc0] {
                    let mut datagram = garbage.clone();
                    datagram[0] = first | u8::try_from(n % 64).unwrap();
                    socket.send_to(&datagram, ("127.0.0.1", udp)).unwrap();
                }
            }
        });
        throw.await.unwrap();
        serves(&node).await;
    })
    .await;
    assert_eq!(said(&node, "a connection that speaks no libp2p"), 1, "{}", node.log());
}

#[tokio::test]
async fn a_libp2p_program_that_is_no_kinmesh_peer_is_shown_the_door() {
    let node = Node::start().await;
    let mut stranger =
        Client::with_version(Keypair::generate_ed25519(), &node.address("tcp"), "other/1").await;
    stranger
        .until(|event| match event {
            SwarmEvent::ConnectionClosed { .. } => Some(()),
            _ => None,
        })
        .await;
    assert!(node.status().await.peers.is_empty());
    assert_eq!(said(&node, "it is no Kinmesh peer"), 1);
}

#[tokio::test]
async fn coming_and_going_under_ever_new_names_does_not_fill_the_log() {
    let node = Node::start().await;
    // More than twice as many as are told in a minute: a slow machine may need one and a half.
    let visits = LINES_PER_MINUTE as usize / 20 * 3;
    for _ in 0..visits {
        let arrivals = (0..20).map(|_| async { drop(Client::connect(&node.address("quic")).await) });
        join_all(arrivals).await;
    }
    serves(&node).await;
    let told = said(&node, " connected");
    assert!((1..visits * 20).contains(&told), "{told} of {} were told one by one", visits * 20);
    assert!(said(&node, "to log more comings and goings from one address") >= 1);
}

/// The figure of the operator guide: 200 peers with five rooms each.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_registered_peers_fit_into_60_megabytes() {
    const PEERS: usize = 200;
    let node = Node::start().await;
    let mut guests = Vec::new();
    for batch in 0..PEERS / 20 {
        let arrivals = (0..20).map(|n| {
            let address = node.address(if n % 2 == 0 { "quic" } else { "tcp" });
            async move {
                let mut guest = Client::connect(&address).await;
                for room in 0..5 {
                    assert!(guest.register(&format!("{:064}", room * 10 + batch)).await);
                }
                guest
            }
        });
        guests.extend(join_all(arrivals).await.into_iter().map(Client::stay));
    }
    let status = node.status().await;
    assert_eq!(status.peers.len(), PEERS);
    assert_eq!(status.registrations.peers, PEERS);
    let resident = node.resident_kib();
    println!("{PEERS} peers, {} registrations: {resident} KiB resident", status.registrations.count);
    assert!(resident < 60 * 1024, "{resident} KiB");
    guests.iter().for_each(tokio::task::JoinHandle::abort);
}
