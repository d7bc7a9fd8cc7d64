//! Everything the node speaks, and nothing else: it has no protocol that could carry a message.

use std::num::NonZeroUsize;

use kinmesh_net::hello;
use kinmesh_net::providers::{self, Providers};
use kinmesh_net::transport::{ConnectionCaps, connection_limits};
use kinmesh_proto::protocol;
use libp2p::identity::Keypair;
use libp2p::swarm::NetworkBehaviour;
use libp2p::{
    PeerId, StreamProtocol, autonat, connection_limits as limits, identify, kad, memory_connection_limits,
    request_response,
};

use crate::candid::Candid;
use crate::{pulse, rendezvous};

/// Connections a node takes. The usual limit of open files is 1024, and TCP takes one for each.
pub(crate) const CAPS: ConnectionCaps =
    ConnectionCaps { established: 900, pending_incoming: 64, per_peer: 3 };
/// Above this much memory no connection is taken any more: five times what 900 peers need.
pub(crate) const MEMORY_MAX_BYTES: usize = 512 * 1024 * 1024;
/// Largest Kademlia message: twenty peers with eight addresses each take half of it.
const KAD_PACKET_MAX: usize = 16 * 1024;

/// Provider records kept: a few megabytes with eight addresses each.
const PROVIDERS_MAX: usize = 20_000;

/// The node's protocols.
#[derive(NetworkBehaviour)]
pub(crate) struct Behaviour {
    // Limits come first: what they refuse, the others never hear of.
    limits: limits::Behaviour,
    memory: memory_connection_limits::Behaviour,
    /// Who is there.
    pub(crate) identify: identify::Behaviour,
    /// Is it still there.
    pub(crate) ping: pulse::Behaviour,
    /// Who is it.
    pub(crate) hello: request_response::Behaviour<Candid<hello::Codec>>,
    /// Who else is where.
    pub(crate) rendezvous: rendezvous::Behaviour,
    /// The same, without us.
    pub(crate) kad: kad::Behaviour<Providers>,
    autonat: autonat::v2::server::Behaviour,
}

impl Behaviour {
    /// The protocols of the node with this key.
    pub(crate) fn new(keypair: &Keypair) -> Self {
        let public = keypair.public();
        let peer = public.to_peer_id();
        let agent = concat!("kinmesh-bootstrap/", env!("CARGO_PKG_VERSION")).to_owned();
        // A server's addresses are no secret: they are told, so that Kademlia can hand them on.
        let identify = identify::Config::new(protocol::IDENTIFY.to_owned(), public)
            .with_agent_version(agent)
            .with_push_listen_addr_updates(true);
        Self {
            limits: connection_limits(CAPS),
            memory: memory_connection_limits::Behaviour::with_max_bytes(MEMORY_MAX_BYTES),
            identify: identify::Behaviour::new(identify),
            ping: pulse::Behaviour::default(),
            hello: hello::behaviour_with(Candid(hello::codec())),
            rendezvous: rendezvous::behaviour(),
            kad: kademlia(peer),
            autonat: autonat::v2::server::Behaviour::default(),
        }
    }
}

fn kademlia(peer: PeerId) -> kad::Behaviour<Providers> {
    let mut config = kad::Config::new(StreamProtocol::new(protocol::KAD));
    config
        .set_max_packet_size(KAD_PACKET_MAX)
        // Only what we have looked at is kept: addresses after identify, providers within their limits.
        .set_kbucket_inserts(kad::BucketInserts::Manual)
        .set_record_filtering(kad::StoreInserts::FilterBoth)
        // A server answers; it has nothing to look up, so it keeps no timer for it.
        .set_periodic_bootstrap_interval(None)
        .set_publication_interval(None)
        .set_replication_interval(None)
        .set_provider_publication_interval(None)
        .set_replication_factor(NonZeroUsize::MIN.saturating_add(providers::PER_KEY_MAX - 1));
    let mut kad = kad::Behaviour::with_config(peer, Providers::new(peer, PROVIDERS_MAX), config);
    kad.set_mode(Some(kad::Mode::Server));
    kad
}
