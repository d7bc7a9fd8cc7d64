//! The transport that peers and bootstrap nodes share: QUIC, TCP with Noise and yamux, DNS names.
//!
//! Owns the settings that both ends of a connection should agree on. Knows no behaviour.

use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::time::Duration;

use libp2p::connection_limits::{self, ConnectionLimits};
use libp2p::core::muxing::StreamMuxerBox;
use libp2p::core::transport::Boxed;
use libp2p::core::upgrade::Version;
use libp2p::identity::Keypair;
use libp2p::multiaddr::Protocol;
use libp2p::swarm::{self, NetworkBehaviour};
use libp2p::{Multiaddr, PeerId, Swarm, Transport as _, dns, noise, quic, tcp, yamux};

/// A connection that is not set up after this long is given up.
const SETUP_TIMEOUT: Duration = Duration::from_secs(10);
/// Connections are trimmed by who needs them, not by silence: a chat may be quiet for an hour.
/// Dead ones end much sooner, through QUIC's own timeout or an unanswered ping.
const IDLE_TIMEOUT: Duration = Duration::from_secs(60 * 60);
/// A silent QUIC connection is proven alive this often: the strictest routers forget it after 30 s.
/// At libp2p's 5 s an idle bootstrap node does little else.
const QUIC_KEEP_ALIVE: Duration = Duration::from_secs(10);
/// A QUIC connection on which a sign of life stays unanswered for this long is dead, so that one
/// whose other end vanished is gone within 25 s. Beyond [`QUIC_KEEP_ALIVE`] there is time to send
/// what got lost several times again. Whether somebody is shown as online does not wait for it.
const QUIC_IDLE_TIMEOUT_MS: u32 = 15_000;
/// Streams one TCP connection may hold; yamux's default of 512 lets one peer cost too much memory.
const YAMUX_STREAMS_MAX: usize = 128;

/// The transport could not be built.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// The key does not serve for Noise.
    #[error("the encryption could not be set up")]
    Noise(#[from] noise::Error),
}

/// How many connections a node takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConnectionCaps {
    /// Established, in all.
    pub established: u32,
    /// Incoming, not yet authenticated.
    pub pending_incoming: u32,
    /// Established with one peer. Two peers that dial each other at once have two for a moment,
    /// and a change of network makes a third; a call over a long and lossy way wants three further ones.
    pub per_peer: u32,
}

impl ConnectionCaps {
    /// For a peer: room for a large room's mesh, every contact and a few strangers.
    pub const PEER: Self = Self { established: 128, pending_incoming: 16, per_peer: 6 };
}

/// Refuses connections above `caps`.
pub fn connection_limits(caps: ConnectionCaps) -> connection_limits::Behaviour {
    connection_limits::Behaviour::new(
        ConnectionLimits::default()
            .with_max_established(Some(caps.established))
            .with_max_pending_incoming(Some(caps.pending_incoming))
            .with_max_established_per_peer(Some(caps.per_peer)),
    )
}

/// An error when another program listens on this TCP port.
///
/// libp2p shares TCP ports between sockets of one user, so a second program on a busy port would
/// quietly get half of the connections. An ordinary socket tells the truth.
pub fn check_port_is_free(address: &Multiaddr) -> io::Result<()> {
    let mut parts = address.iter();
    let ip: IpAddr = match parts.next() {
        Some(Protocol::Ip4(ip)) => ip.into(),
        Some(Protocol::Ip6(ip)) => ip.into(),
        _ => return Ok(()),
    };
    let Some(Protocol::Tcp(port)) = parts.next() else { return Ok(()) };
    match TcpListener::bind(SocketAddr::new(ip, port)) {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => Err(error),
        // Other faults come again, and with the right words, when libp2p listens.
        _ => Ok(()),
    }
}

/// A swarm with our transport. Must be called on a tokio runtime.
pub fn build_swarm<B: NetworkBehaviour>(keypair: &Keypair, behaviour: B) -> Result<Swarm<B>, TransportError> {
    Ok(build_swarm_over(sockets(keypair)?, keypair, behaviour))
}

/// QUIC, TCP and DNS: what a peer really uses.
pub(crate) fn sockets(keypair: &Keypair) -> Result<Connections, TransportError> {
    with_dns(keypair, dns::tokio::Transport::system)
}

/// A swarm with our settings over any transport.
pub(crate) fn build_swarm_over<B: NetworkBehaviour>(
    transport: Connections,
    keypair: &Keypair,
    behaviour: B,
) -> Swarm<B> {
    Swarm::new(transport, behaviour, keypair.public().to_peer_id(), swarm_config())
}

fn swarm_config() -> swarm::Config {
    swarm::Config::with_tokio_executor()
        .with_idle_connection_timeout(IDLE_TIMEOUT)
        // Saves a round trip on each stream whose protocol has one name, which is all of ours.
        .with_substream_upgrade_protocol_override(Version::V1Lazy)
        // QUIC gets a head start over TCP: one dial makes one connection, and the better one.
        .with_smart_dial()
}

pub(crate) type Connections = Boxed<(PeerId, StreamMuxerBox)>;

/// Adds DNS where the system has it set up. A mesh on a ship or a fresh container needs none.
fn with_dns(
    keypair: &Keypair,
    resolve: impl FnOnce(Connections) -> io::Result<dns::tokio::Transport<Connections>>,
) -> Result<Connections, TransportError> {
    match resolve(without_dns(keypair)?) {
        Ok(transport) => Ok(transport.boxed()),
        Err(error) => {
            tracing::warn!(%error, "no DNS settings: addresses with names cannot be dialled");
            without_dns(keypair)
        }
    }
}

/// Channels inside this process in place of sockets, with the same encryption on top.
#[cfg(feature = "test-util")]
pub(crate) fn memory(keypair: &Keypair) -> Result<Connections, TransportError> {
    Ok(libp2p::core::transport::MemoryTransport::default()
        .upgrade(Version::V1Lazy)
        .authenticate(noise::Config::new(keypair)?)
        .multiplex(yamux_config())
        .timeout(SETUP_TIMEOUT)
        .boxed())
}

fn yamux_config() -> yamux::Config {
    let mut yamux = yamux::Config::default();
    yamux.set_max_num_streams(YAMUX_STREAMS_MAX);
    yamux
}

fn quic_config(keypair: &Keypair) -> quic::Config {
    let mut quic = quic::Config::new(keypair);
    quic.keep_alive_interval = QUIC_KEEP_ALIVE;
    quic.max_idle_timeout = QUIC_IDLE_TIMEOUT_MS;
    quic
}

fn without_dns(keypair: &Keypair) -> Result<Connections, TransportError> {
    let tcp = tcp::tokio::Transport::new(tcp::Config::default().nodelay(true))
        .upgrade(Version::V1Lazy)
        .authenticate(noise::Config::new(keypair)?)
        .multiplex(yamux_config())
        .timeout(SETUP_TIMEOUT);
    let quic = quic::tokio::Transport::new(quic_config(keypair))
        .map(|(peer, connection), _| (peer, StreamMuxerBox::new(connection)));
    Ok(quic.or_transport(tcp.boxed()).map(|either, _| either.into_inner()).boxed())
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::StreamExt;
    use libp2p::TransportError;
    use libp2p::swarm::{DialError, SwarmEvent, dummy};

    fn swarm() -> Swarm<dummy::Behaviour> {
        build_swarm(&Keypair::generate_ed25519(), dummy::Behaviour).unwrap()
    }

    async fn listens(swarm: &mut Swarm<dummy::Behaviour>) -> Multiaddr {
        loop {
            if let SwarmEvent::NewListenAddr { address, .. } = swarm.select_next_some().await {
                return address;
            }
        }
    }

    async fn connects(swarm: &mut Swarm<dummy::Behaviour>) -> PeerId {
        loop {
            match swarm.select_next_some().await {
                SwarmEvent::ConnectionEstablished { peer_id, .. } => return peer_id,
                SwarmEvent::OutgoingConnectionError { error, .. } => panic!("{error}"),
                _ => {}
            }
        }
    }

    #[tokio::test]
    async fn two_nodes_meet_over_quic_and_over_tcp() {
        for address in ["/ip4/127.0.0.1/udp/0/quic-v1", "/ip4/127.0.0.1/tcp/0", "/ip6/::1/udp/0/quic-v1"] {
            let (mut alice, mut bob) = (swarm(), swarm());
            alice.listen_on(address.parse().unwrap()).unwrap();
            let reached = listens(&mut alice).await;
            bob.dial(reached).unwrap();
            let (seen_by_alice, seen_by_bob) = tokio::join!(connects(&mut alice), connects(&mut bob));
            assert_eq!(seen_by_alice, *bob.local_peer_id(), "{address}");
            assert_eq!(seen_by_bob, *alice.local_peer_id(), "{address}");
        }
    }

    #[test]
    fn a_busy_port_is_told() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = taken.local_addr().unwrap().port();
        let address: Multiaddr = format!("/ip4/127.0.0.1/tcp/{port}").parse().unwrap();
        assert_eq!(check_port_is_free(&address).unwrap_err().kind(), io::ErrorKind::AddrInUse);
    }

    /// Nothing of ours ever travels through a third party's hands, a voice least of all: where no direct
    /// connection is possible there is none.
    #[tokio::test]
    async fn there_is_no_way_through_a_relay() {
        let (keys, relay, bob) = (Keypair::generate_ed25519(), PeerId::random(), PeerId::random());
        // What DNS adds are names.
        let mut alice = build_swarm_over(without_dns(&keys).unwrap(), &keys, dummy::Behaviour);
        for hop in ["/ip4/127.0.0.1/udp/1/quic-v1", "/ip4/127.0.0.1/tcp/1"] {
            let circuit: Multiaddr = format!("{hop}/p2p/{relay}/p2p-circuit").parse().unwrap();
            let refused = alice.listen_on(circuit.clone()).unwrap_err();
            assert!(matches!(refused, TransportError::MultiaddrNotSupported(_)), "{refused}");
            alice.dial(circuit.with(Protocol::P2p(bob))).unwrap();
            let SwarmEvent::OutgoingConnectionError { error: DialError::Transport(failures), .. } =
                alice.select_next_some().await
            else {
                panic!("it was not even tried")
            };
            let refused = &failures[0].1;
            assert!(matches!(refused, TransportError::MultiaddrNotSupported(_)), "{refused}");
        }
    }

    #[tokio::test]
    async fn a_system_without_dns_settings_still_gets_a_transport() {
        let missing = |_| Err(io::Error::from(io::ErrorKind::NotFound));
        assert!(with_dns(&Keypair::generate_ed25519(), missing).is_ok());
    }
}
