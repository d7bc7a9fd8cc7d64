//! What the node is for: peers find each other through it, and nothing else goes through it.

use std::collections::BTreeSet;

use kinmesh_net::identity::Identity;
use kinmesh_proto::{DeviceKeys, DisplayName, Hello, Presence, PresenceState, StatusLine, Unverified};
use libp2p::identity::Keypair;
use libp2p::kad::{self, GetClosestPeersOk, QueryResult};
use libp2p::rendezvous::Namespace;
use libp2p::{identify, request_response};

use crate::client::{Client, ProtocolsEvent};
use crate::process::Node;

#[tokio::test]
async fn peers_find_each_other_in_a_namespace_until_they_leave_it() {
    let node = Node::start().await;
    let mut alice = Client::connect(&node.address("quic")).await;
    let mut bob = Client::connect(&node.address("tcp")).await;
    assert!(alice.register("room").await);
    assert!(bob.register("room").await);
    let found: BTreeSet<_> = alice.discover("room").await.into_iter().map(|(peer, _)| peer).collect();
    assert_eq!(found, BTreeSet::from([*alice.swarm.local_peer_id(), *bob.swarm.local_peer_id()]));
    let addresses =
        bob.discover("room").await.into_iter().find(|(peer, _)| peer == alice.swarm.local_peer_id());
    let own: Vec<_> = alice.swarm.external_addresses().cloned().collect();
    assert_eq!(addresses.unwrap().1, own);

    bob.swarm.behaviour_mut().rendezvous.unregister(Namespace::from_static("room"), bob.node);
    // An unregister has no answer; the node takes one peer's requests in order of arrival.
    while bob.discover("room").await.len() != 1 {}
    let registrations = node.status().await.registrations;
    assert_eq!((registrations.count, registrations.namespaces, registrations.peers), (1, 1, 1));
}

#[tokio::test]
async fn it_speaks_what_introduces_and_nothing_that_carries_a_message() {
    let node = Node::start().await;
    let info = Client::connect(&node.address("quic")).await.identify().await;
    let spoken: BTreeSet<_> = info.protocols.iter().map(AsRef::as_ref).collect();
    let expected = BTreeSet::from([
        "/ipfs/id/1.0.0",
        "/ipfs/id/push/1.0.0",
        "/ipfs/ping/1.0.0",
        "/kinmesh/hello/1",
        "/kinmesh/kad/1",
        "/libp2p/autonat/2/dial-request",
        "/rendezvous/1.0.0",
    ]);
    assert_eq!(spoken, expected);
    assert_eq!(info.protocol_version, "kinmesh/1");
    // Its own addresses are told, so that peers can give them to each other on any network.
    for address in &node.addresses {
        let bare = info.listen_addrs.iter().any(|told| address.to_string().starts_with(&told.to_string()));
        assert!(bare, "{address} is not in {:?}", info.listen_addrs);
    }
}

#[tokio::test]
async fn kademlia_hands_out_the_addresses_of_connected_peers() {
    let node = Node::start().await;
    let mut alice = Client::connect(&node.address("quic")).await;
    let alice_id = *alice.swarm.local_peer_id();
    alice
        .until_behaviour(|event| match event {
            // The node has our identify when it pushes or answers; it asks us when it has connected.
            ProtocolsEvent::Identify(identify::Event::Sent { .. }) => Some(()),
            _ => None,
        })
        .await;
    let own = alice.swarm.external_addresses().next().unwrap().clone();
    let alice = alice.stay();
    let mut bob = Client::connect(&node.address("quic")).await;
    let (peer, address) = (bob.node, node.address("quic"));
    bob.swarm.behaviour_mut().kad.add_address(&peer, address);
    loop {
        bob.swarm.behaviour_mut().kad.get_closest_peers(alice_id);
        let found = bob
            .until_behaviour(|event| match event {
                ProtocolsEvent::Kad(kad::Event::OutboundQueryProgressed {
                    result: QueryResult::GetClosestPeers(Ok(GetClosestPeersOk { peers, .. })),
                    step,
                    ..
                }) if step.last => Some(peers),
                _ => None,
            })
            .await;
        if let Some(found) = found.iter().find(|found| found.peer_id == alice_id) {
            assert!(
                found.addrs.iter().any(|told| told.to_string().starts_with(&own.to_string())),
                "{found:?}"
            );
            break;
        }
    }
    alice.abort();
}

#[tokio::test]
async fn the_operator_sees_the_name_of_who_proves_it() {
    let node = Node::start().await;
    let (ana, mallory) = (identity(1), identity(2));
    let mut client = Client::connect_as(ana.keypair.clone(), &node.address("quic")).await;
    let answer = greet(&mut client, hello(&ana, "林 Ana")).await;
    assert_eq!(answer, Some(None), "a bootstrap node is nobody and says so");
    let peers = node.status().await.peers;
    assert_eq!(peers.len(), 1);
    assert_eq!(peers[0].peer_id, client.swarm.local_peer_id().to_string());
    assert_eq!(peers[0].name.as_deref(), Some("林 Ana"));
    assert_eq!(peers[0].fingerprint, Some(ana.keys.person().fingerprint()));

    let mut thief = Client::connect_as(mallory.keypair.clone(), &node.address("quic")).await;
    assert_eq!(greet(&mut thief, hello(&ana, "Ana")).await, None, "somebody else's hello is refused");
    let named = node.status().await.peers.into_iter().filter(|peer| peer.name.is_some()).count();
    assert_eq!(named, 1);
    assert!(node.log().contains("a hello that is not its own"));
}

fn identity(seed: u8) -> Identity {
    let device = [seed ^ 0x80; 32];
    let keypair = Keypair::ed25519_from_bytes(device).unwrap();
    Identity { keys: DeviceKeys::generate(&[seed; 32], &device, 0), keypair }
}

fn hello(who: &Identity, name: &str) -> Hello {
    let presence = Presence {
        room: None,
        name: DisplayName::new(name).unwrap(),
        status: StatusLine::new("").unwrap(),
        since_ms: 1,
        sent_ms: 2,
        state: PresenceState::Here,
    };
    Hello::first(Unverified::sign(presence, &who.keys).envelope().clone())
}

/// The node's answer; `None` when it gives none.
async fn greet(client: &mut Client, hello: Hello) -> Option<Option<Hello>> {
    client.swarm.behaviour_mut().hello.send_request(&client.node, hello);
    client
        .until_behaviour(|event| match event {
            ProtocolsEvent::Hello(request_response::Event::Message {
                message: request_response::Message::Response { response, .. },
                ..
            }) => Some(Some(response)),
            ProtocolsEvent::Hello(request_response::Event::OutboundFailure { .. }) => Some(None),
            _ => None,
        })
        .await
}
