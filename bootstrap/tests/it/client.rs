//! libp2p clients as others would build them: rendezvous, Kademlia and identify from the library.

use std::time::Duration;

use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, StreamExt};
use kinmesh_net::hello;
use kinmesh_net::transport::build_swarm;
use kinmesh_proto::protocol;
use libp2p::identity::Keypair;
use libp2p::kad::store::MemoryStore;
use libp2p::rendezvous::{Namespace, client};
use libp2p::request_response::{self, ProtocolSupport};
use libp2p::swarm::{NetworkBehaviour, SwarmEvent};
use libp2p::{Multiaddr, PeerId, StreamProtocol, Swarm, identify, kad, ping};
use tokio::time::timeout;

use crate::process::DEADLINE;

/// What a client speaks, and a way to send any bytes under any of the node's protocols.
#[derive(NetworkBehaviour)]
pub(crate) struct Protocols {
    pub(crate) identify: identify::Behaviour,
    pub(crate) ping: ping::Behaviour,
    pub(crate) hello: hello::Behaviour,
    pub(crate) rendezvous: client::Behaviour,
    pub(crate) kad: kad::Behaviour<MemoryStore>,
    pub(crate) raw_rendezvous: request_response::Behaviour<Raw>,
    pub(crate) raw_hello: request_response::Behaviour<Raw>,
    pub(crate) raw_kad: request_response::Behaviour<Raw>,
    pub(crate) raw_identify: request_response::Behaviour<Raw>,
    pub(crate) raw_autonat: request_response::Behaviour<Raw>,
}

/// A client, connected to the node.
pub(crate) struct Client {
    pub(crate) swarm: Swarm<Protocols>,
    pub(crate) node: PeerId,
}

impl Client {
    /// Connects to a node.
    pub(crate) async fn connect(node: &Multiaddr) -> Self {
        Self::connect_as(Keypair::generate_ed25519(), node).await
    }

    /// Connects with this key, listening on a QUIC port.
    pub(crate) async fn connect_as(key: Keypair, node: &Multiaddr) -> Self {
        Self::with_version(key, node, protocol::IDENTIFY).await
    }

    /// Connects and tells this protocol version in identify.
    pub(crate) async fn with_version(key: Keypair, node: &Multiaddr, version: &str) -> Self {
        let mut swarm = build_swarm(&key, protocols(&key, version)).unwrap();
        swarm.listen_on("/ip4/127.0.0.1/udp/0/quic-v1".parse().unwrap()).unwrap();
        let Some(libp2p::multiaddr::Protocol::P2p(node_id)) = node.iter().last() else { panic!("{node}") };
        let mut client = Self { swarm, node: node_id };
        let own = client.until(|event| match event {
            SwarmEvent::NewListenAddr { address, .. } => Some(address),
            _ => None,
        });
        let own = own.await;
        client.swarm.add_external_address(own);
        client.swarm.dial(node.clone()).unwrap();
        client
            .until(|event| match event {
                SwarmEvent::ConnectionEstablished { .. } => Some(()),
                SwarmEvent::OutgoingConnectionError { error, .. } => panic!("{error}"),
                _ => None,
            })
            .await;
        client
    }

    /// The first event that `pick` takes.
    pub(crate) async fn until<T>(
        &mut self,
        mut pick: impl FnMut(SwarmEvent<ProtocolsEvent>) -> Option<T>,
    ) -> T {
        let wait = async {
            loop {
                if let Some(found) = pick(self.swarm.select_next_some().await) {
                    return found;
                }
            }
        };
        timeout(DEADLINE, wait).await.expect("it happens")
    }

    /// The same, on a protocol of ours.
    pub(crate) async fn until_behaviour<T>(
        &mut self,
        mut pick: impl FnMut(ProtocolsEvent) -> Option<T>,
    ) -> T {
        self.until(|event| match event {
            SwarmEvent::Behaviour(event) => pick(event),
            SwarmEvent::ConnectionClosed { .. } => panic!("the node hung up"),
            _ => None,
        })
        .await
    }

    /// Registers in a namespace; whether the node took it.
    pub(crate) async fn register(&mut self, namespace: &str) -> bool {
        let namespace = Namespace::new(namespace.to_owned()).unwrap();
        self.swarm.behaviour_mut().rendezvous.register(namespace, self.node, Some(600)).unwrap();
        self.until_behaviour(|event| match event {
            ProtocolsEvent::Rendezvous(client::Event::Registered { .. }) => Some(true),
            ProtocolsEvent::Rendezvous(client::Event::RegisterFailed { .. }) => Some(false),
            _ => None,
        })
        .await
    }

    /// Who is registered in a namespace.
    pub(crate) async fn discover(&mut self, namespace: &str) -> Vec<(PeerId, Vec<Multiaddr>)> {
        let namespace = Namespace::new(namespace.to_owned()).unwrap();
        self.swarm.behaviour_mut().rendezvous.discover(Some(namespace), None, None, self.node);
        self.until_behaviour(|event| match event {
            ProtocolsEvent::Rendezvous(client::Event::Discovered { registrations, .. }) => {
                Some(registrations)
            }
            ProtocolsEvent::Rendezvous(client::Event::DiscoverFailed { error, .. }) => panic!("{error:?}"),
            _ => None,
        })
        .await
        .into_iter()
        .map(|found| (found.record.peer_id(), found.record.addresses().to_vec()))
        .collect()
    }

    /// What identify tells of the node.
    pub(crate) async fn identify(&mut self) -> identify::Info {
        self.until_behaviour(|event| match event {
            ProtocolsEvent::Identify(identify::Event::Received { info, .. }) => Some(info),
            _ => None,
        })
        .await
    }

    /// Runs the client in the background, as a peer that is simply there.
    pub(crate) fn stay(mut self) -> tokio::task::JoinHandle<()> {
        tokio::spawn(async move {
            loop {
                self.swarm.select_next_some().await;
            }
        })
    }
}

fn protocols(key: &Keypair, version: &str) -> Protocols {
    let peer = key.public().to_peer_id();
    // No look-ups but those of the test: hundreds of clients would all get to know each other.
    let mut config = kad::Config::new(StreamProtocol::new(protocol::KAD));
    config.set_periodic_bootstrap_interval(None).set_kbucket_inserts(kad::BucketInserts::Manual);
    let mut kad = kad::Behaviour::with_config(peer, MemoryStore::new(peer), config);
    kad.set_mode(Some(kad::Mode::Server));
    let raw = |name| {
        let config = request_response::Config::default().with_request_timeout(Duration::from_secs(20));
        request_response::Behaviour::with_codec(Raw, [(name, ProtocolSupport::Outbound)], config)
    };
    Protocols {
        identify: identify::Behaviour::new(identify::Config::new(version.to_owned(), key.public())),
        ping: ping::Behaviour::default(),
        hello: hello::behaviour(),
        rendezvous: client::Behaviour::new(key.clone()),
        kad,
        raw_rendezvous: raw(StreamProtocol::new("/rendezvous/1.0.0")),
        raw_hello: raw(StreamProtocol::new(protocol::HELLO)),
        raw_kad: raw(StreamProtocol::new(protocol::KAD)),
        raw_identify: raw(identify::PUSH_PROTOCOL_NAME),
        raw_autonat: raw(StreamProtocol::new("/libp2p/autonat/2/dial-request")),
    }
}

/// Sends bytes as they are.
#[derive(Clone)]
pub(crate) struct Raw;

impl request_response::Codec for Raw {
    type Protocol = StreamProtocol;
    type Request = Vec<u8>;
    type Response = Vec<u8>;

    async fn read_request<T: AsyncRead + Unpin + Send>(
        &mut self,
        _: &StreamProtocol,
        _: &mut T,
    ) -> std::io::Result<Vec<u8>> {
        Err(std::io::ErrorKind::Unsupported.into())
    }

    async fn read_response<T: AsyncRead + Unpin + Send>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
    ) -> std::io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        io.read_to_end(&mut bytes).await?;
        if bytes.is_empty() { Err(std::io::ErrorKind::UnexpectedEof.into()) } else { Ok(bytes) }
    }

    async fn write_request<T: AsyncWrite + Unpin + Send>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
        bytes: Vec<u8>,
    ) -> std::io::Result<()> {
        io.write_all(&bytes).await?;
        io.close().await
    }

    async fn write_response<T: AsyncWrite + Unpin + Send>(
        &mut self,
        _: &StreamProtocol,
        _: &mut T,
        _: Vec<u8>,
    ) -> std::io::Result<()> {
        Err(std::io::ErrorKind::Unsupported.into())
    }
}
