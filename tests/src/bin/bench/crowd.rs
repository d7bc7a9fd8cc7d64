//! Many light peers in this process that register with bootstrap nodes, ping them as peers do, and do
//! nothing else.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use futures::StreamExt;
use kinmesh_net::PING_EVERY;
use kinmesh_net::transport::build_swarm;
use kinmesh_proto::protocol;
use libp2p::identity::Keypair;
use libp2p::rendezvous::Namespace;
use libp2p::swarm::{NetworkBehaviour, SwarmEvent};
use libp2p::{Multiaddr, PeerId, Swarm, identify, ping, rendezvous};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::bare::listen;
use crate::tally::PATIENCE;

/// Peers that enter at the same time.
const AT_ONCE: usize = 8;

#[derive(NetworkBehaviour)]
struct Light {
    identify: identify::Behaviour,
    ping: ping::Behaviour,
    rendezvous: rendezvous::client::Behaviour,
}

/// The crowd. It goes when this is dropped.
pub(crate) struct Crowd {
    _tasks: JoinSet<()>,
}

impl Crowd {
    /// Lets `size` peers register their person and as many rooms with each of these nodes. The rooms are
    /// their own: real peers that look for company must not find them.
    pub(crate) async fn gather(size: usize, nodes: &[(PeerId, Multiaddr)], rooms: usize) -> Result<Self> {
        let registered = (0..size).map(|index| register(index, nodes, rooms));
        let mut registered = futures::stream::iter(registered).buffer_unordered(AT_ONCE);
        let mut tasks = JoinSet::new();
        while let Some(swarm) =
            timeout(PATIENCE, registered.next()).await.context("the crowd stands still")?
        {
            tasks.spawn(stay(swarm?));
        }
        Ok(Self { _tasks: tasks })
    }
}

async fn register(index: usize, nodes: &[(PeerId, Multiaddr)], rooms: usize) -> Result<Swarm<Light>> {
    let keypair = Keypair::generate_ed25519();
    let identify = identify::Config::new(protocol::IDENTIFY.to_owned(), keypair.public());
    let light = Light {
        identify: identify::Behaviour::new(identify),
        ping: ping::Behaviour::new(ping::Config::new().with_interval(PING_EVERY)),
        rendezvous: rendezvous::client::Behaviour::new(keypair.clone()),
    };
    let mut swarm = build_swarm(&keypair, light)?;
    let own = listen(&mut swarm).await?;
    swarm.add_external_address(own);
    for (_, address) in nodes {
        swarm.dial(address.clone())?;
    }
    let rooms = (0..rooms).map(|room| format!("room-{room}"));
    let namespaces: Vec<String> = rooms.chain([format!("person-{index}")]).collect();
    let mut missing: BTreeSet<(PeerId, String)> = BTreeSet::new();
    for (node, _) in nodes {
        missing.extend(namespaces.iter().map(|namespace| (*node, namespace.clone())));
    }
    while !missing.is_empty() {
        match swarm.select_next_some().await {
            SwarmEvent::ConnectionEstablished { peer_id, .. } => {
                for namespace in &namespaces {
                    let namespace = Namespace::new(namespace.clone())?;
                    swarm.behaviour_mut().rendezvous.register(namespace, peer_id, None)?;
                }
            }
            SwarmEvent::Behaviour(LightEvent::Rendezvous(event)) => match event {
                rendezvous::client::Event::Registered { rendezvous_node, namespace, .. } => {
                    missing.remove(&(rendezvous_node, namespace.to_string()));
                }
                rendezvous::client::Event::RegisterFailed { error, .. } => {
                    anyhow::bail!("a peer of the crowd was refused: {error:?}")
                }
                _ => {}
            },
            _ => {}
        }
    }
    Ok(swarm)
}

async fn stay(mut swarm: Swarm<Light>) {
    loop {
        swarm.select_next_some().await;
    }
}
