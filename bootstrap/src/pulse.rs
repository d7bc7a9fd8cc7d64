//! Pings: asks peers whether they are still there, as often as their transport calls for.
//!
//! Owns the pace. libp2p's ping has one for all connections, so this is two of them, and each
//! connection belongs to one. What follows from a silence is decided elsewhere.

use std::task::{Context, Poll};
use std::time::Duration;

use libp2p::core::Endpoint;
use libp2p::core::transport::PortUse;
use libp2p::swarm::{
    ConnectionDenied, ConnectionId, FromSwarm, NetworkBehaviour, THandler, THandlerInEvent, THandlerOutEvent,
    ToSwarm,
};
use libp2p::{Multiaddr, PeerId, ping};

use crate::address;

/// Over TCP nothing but a ping tells that a peer vanished. libp2p forgives a first failure, so a
/// silent peer is dropped after twice this and [`TIMEOUT`], 26 s: the operator is promised 30 s.
const TCP_INTERVAL: Duration = Duration::from_secs(8);
/// QUIC proves its connections alive by itself and ends dead ones within 25 s. What is left for a
/// ping is a program that hangs while its network lives on, which is rare and takes a place only.
const QUIC_INTERVAL: Duration = Duration::from_secs(300);
/// An answer later than this is none.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Ping, at two paces.
pub(crate) struct Behaviour {
    tcp: ping::Behaviour,
    quic: ping::Behaviour,
}

impl Default for Behaviour {
    fn default() -> Self {
        let every = |interval| {
            ping::Behaviour::new(ping::Config::new().with_interval(interval).with_timeout(TIMEOUT))
        };
        Self { tcp: every(TCP_INTERVAL), quic: every(QUIC_INTERVAL) }
    }
}

impl Behaviour {
    fn over(&mut self, remote: &Multiaddr) -> &mut ping::Behaviour {
        if address::is_quic(remote) { &mut self.quic } else { &mut self.tcp }
    }
}

impl NetworkBehaviour for Behaviour {
    type ConnectionHandler = <ping::Behaviour as NetworkBehaviour>::ConnectionHandler;
    type ToSwarm = ping::Event;

    fn handle_established_inbound_connection(
        &mut self,
        connection: ConnectionId,
        peer: PeerId,
        local: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.over(remote).handle_established_inbound_connection(connection, peer, local, remote)
    }

    fn handle_established_outbound_connection(
        &mut self,
        connection: ConnectionId,
        peer: PeerId,
        remote: &Multiaddr,
        role: Endpoint,
        port: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.over(remote).handle_established_outbound_connection(connection, peer, remote, role, port)
    }

    fn on_swarm_event(&mut self, event: FromSwarm<'_>) {
        self.tcp.on_swarm_event(event);
        self.quic.on_swarm_event(event);
    }

    fn on_connection_handler_event(
        &mut self,
        peer: PeerId,
        connection: ConnectionId,
        event: THandlerOutEvent<Self>,
    ) {
        // All that is known of a connection is in its handler, so either can report for both.
        self.tcp.on_connection_handler_event(peer, connection, event);
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<ToSwarm<Self::ToSwarm, THandlerInEvent<Self>>> {
        self.tcp.poll(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use futures::StreamExt;
    use kinmesh_net::transport::build_swarm;
    use libp2p::Swarm;
    use libp2p::identity::Keypair;
    use libp2p::swarm::SwarmEvent;

    use super::*;

    async fn listening(address: &str, swarm: &mut Swarm<Behaviour>) -> Multiaddr {
        swarm.listen_on(address.parse().unwrap()).unwrap();
        loop {
            if let SwarmEvent::NewListenAddr { address, .. } = swarm.select_next_some().await {
                return address;
            }
        }
    }

    async fn guest(node: Multiaddr) {
        let mut guest = build_swarm(&Keypair::generate_ed25519(), ping::Behaviour::default()).unwrap();
        guest.dial(node).unwrap();
        loop {
            guest.select_next_some().await;
        }
    }

    #[tokio::test]
    async fn who_came_over_tcp_is_asked_again_and_who_came_over_quic_is_left_to_quic() {
        let mut node = build_swarm(&Keypair::generate_ed25519(), Behaviour::default()).unwrap();
        for address in ["/ip4/127.0.0.1/tcp/0", "/ip4/127.0.0.1/udp/0/quic-v1"] {
            tokio::spawn(guest(listening(address, &mut node).await));
        }
        let mut transports = HashMap::new();
        let (mut over_tcp, mut over_quic) = (0, 0);
        while over_tcp < 2 || over_quic < 1 {
            match node.select_next_some().await {
                SwarmEvent::ConnectionEstablished { connection_id, endpoint, .. } => {
                    transports.insert(connection_id, address::is_quic(endpoint.get_remote_address()));
                }
                SwarmEvent::Behaviour(ping::Event { connection, result, .. }) => {
                    result.unwrap();
                    if transports[&connection] { over_quic += 1 } else { over_tcp += 1 }
                }
                _ => {}
            }
        }
        assert_eq!((over_tcp, over_quic), (2, 1));
    }
}
