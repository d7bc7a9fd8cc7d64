//! The protocols of a peer, each with its configuration and the reason for it.
//!
//! Where a number deviates from libp2p's default, the default bit somebody: the reason stands beside it.

use std::time::Duration;

use kinmesh_core::ROOMS_MAX;
use kinmesh_proto::{
    CallRequest, CallResponse, ChatRequest, ChatResponse, InviteRequest, InviteResponse, MediaPacket,
    MediaResponse, SyncRequest, SyncResponse, limits, protocol,
};
use libp2p::allow_block_list::{self, BlockedPeers};
use libp2p::gossipsub::{
    self, IdentityTransform, MessageAuthenticity, MessageId, PeerScoreParams, PeerScoreThresholds,
    TopicScoreParams, ValidationMode,
};
use libp2p::identity::Keypair;
use libp2p::request_response::{self, ProtocolSupport};
use libp2p::swarm::NetworkBehaviour;
use libp2p::swarm::behaviour::toggle::Toggle;
use libp2p::{
    PeerId, StreamProtocol, autonat, connection_limits, identify, kad, mdns, memory_connection_limits, ping,
};

use crate::exchange::Cbor;
use crate::providers::Providers;
use crate::transport::{ConnectionCaps, connection_limits};
use crate::{driver, hello, rendezvous};

/// Memory of the whole process above which no further connection is taken.
const MEMORY_MAX_BYTES: usize = 1 << 30;
/// One batch is under way for each peer, and one more after a reconnect. Libp2p's default of 100
/// would let one peer make us buffer 100 requests of the largest size.
const CHAT_STREAMS_MAX: usize = 4;
/// A session asks one question after the other, and few sessions go on at once; each question may be
/// half a megabyte.
const SYNC_STREAMS_MAX: usize = 4;
/// A full pack over a line of 100 kbit/s takes some 50 s.
const SYNC_TIMEOUT: Duration = Duration::from_secs(60);
/// Tickets are shown one at a time; a person opens few.
const INVITE_STREAMS_MAX: usize = 4;
/// Of the words about a call there are seldom two at a time; a call of eight says some to each.
const CALL_STREAMS_MAX: usize = 8;
/// What is said about a call means nothing later, and who is cut off is given up after some seconds.
const CALL_TIMEOUT: Duration = Duration::from_secs(4);
/// Media of both directions shares one connection's streams: fifty of ours wait for answers at most
/// (`driver::MEDIA_UNANSWERED_MAX`), fifty of theirs, and the rest is for those that are over on one side
/// only. What comes beyond is dropped without a word, so libp2p's default of 100 would tear holes into a
/// voice on a long way; and yamux ends a connection that has 128.
const MEDIA_STREAMS_MAX: usize = 2 * driver::MEDIA_UNANSWERED_MAX + 20;
/// A voice that is two seconds late is not waited for.
const MEDIA_TIMEOUT: Duration = Duration::from_secs(2);
/// How often a peer asks the other end of each connection for a sign of life. Presence forgets who
/// was silent for 25 s ([`kinmesh_core::PRESENCE_TTL_MS`]), so one answer may be lost.
pub const PING_EVERY: Duration = Duration::from_secs(10);
/// A ping not answered within this has failed. libp2p forgives the first one, so a TCP connection
/// whose other end vanished is closed after two rounds, 40 s; QUIC notices sooner by itself.
const PING_TIMEOUT: Duration = Duration::from_secs(10);
/// A candidate for our external address is tested this often.
const AUTONAT_EVERY: Duration = Duration::from_secs(5);

/// Provider records of others kept. Each key goes to the twenty nodes nearest to it, so a share of this
/// size serves a mesh of thousands; it takes two megabytes when every record is as large as allowed.
const PROVIDERS_MAX: usize = 4096;

pub(crate) type Gossip = gossipsub::Behaviour<
    IdentityTransform,
    gossipsub::MaxCountSubscriptionFilter<gossipsub::AllowAllSubscriptionFilter>,
>;

pub(crate) type Chat = request_response::Behaviour<Cbor<ChatRequest, ChatResponse>>;

pub(crate) type Sync = request_response::Behaviour<Cbor<SyncRequest, SyncResponse>>;

pub(crate) type Invite = request_response::Behaviour<Cbor<InviteRequest, InviteResponse>>;

pub(crate) type Call = request_response::Behaviour<Cbor<CallRequest, CallResponse>>;

pub(crate) type Media = request_response::Behaviour<Cbor<MediaPacket, MediaResponse>>;

#[derive(NetworkBehaviour)]
pub(crate) struct Behaviour {
    limits: connection_limits::Behaviour,
    /// Devices of people whom the user blocked: no connection with them stands.
    pub kept_out: allow_block_list::Behaviour<BlockedPeers>,
    memory: memory_connection_limits::Behaviour,
    pub identify: identify::Behaviour,
    ping: ping::Behaviour,
    pub kad: kad::Behaviour<Providers>,
    pub rendezvous: rendezvous::Behaviour,
    pub mdns: Toggle<mdns::tokio::Behaviour>,
    autonat: autonat::v2::client::Behaviour,
    pub gossip: Gossip,
    pub hello: hello::Behaviour,
    pub chat: Chat,
    pub sync: Sync,
    pub invite: Invite,
    pub call: Call,
    pub media: Media,
}

/// A configuration that libp2p refuses: a mistake in this file, or a machine without multicast.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BehaviourError {
    #[error("gossip: {0}")]
    Gossip(String),
    #[error("local discovery: {0}")]
    Mdns(#[from] std::io::Error),
}

impl Behaviour {
    pub(crate) fn new(keypair: &Keypair, mdns: bool) -> Result<Self, BehaviourError> {
        let me = keypair.public().to_peer_id();
        Ok(Self {
            limits: connection_limits(ConnectionCaps::PEER),
            kept_out: allow_block_list::Behaviour::default(),
            memory: memory_connection_limits::Behaviour::with_max_bytes(MEMORY_MAX_BYTES),
            identify: identify(keypair),
            ping: ping::Behaviour::new(
                ping::Config::new().with_interval(PING_EVERY).with_timeout(PING_TIMEOUT),
            ),
            kad: kademlia(me),
            rendezvous: rendezvous::behaviour(),
            mdns: mdns.then(|| mdns::tokio::Behaviour::new(mdns::Config::default(), me)).transpose()?.into(),
            autonat: autonat::v2::client::Behaviour::new(
                rand::make_rng(),
                autonat::v2::client::Config::default().with_probe_interval(AUTONAT_EVERY),
            ),
            gossip: gossip()?,
            hello: hello::behaviour(),
            chat: chat(),
            sync: sync(),
            invite: invite(),
            call: call(),
            media: media(),
        })
    }
}

fn identify(keypair: &Keypair) -> identify::Behaviour {
    let config = identify::Config::new(protocol::IDENTIFY.to_owned(), keypair.public())
        .with_agent_version(concat!("kinmesh/", env!("CARGO_PKG_VERSION")).to_owned())
        // Only addresses at which others can reach us, not every interface of this machine.
        .with_hide_listen_addrs(true)
        .with_push_listen_addr_updates(true);
    identify::Behaviour::new(config)
}

fn kademlia(me: PeerId) -> kad::Behaviour<Providers> {
    let mut config = kad::Config::new(StreamProtocol::new(protocol::KAD));
    config
        .set_query_timeout(Duration::from_secs(20))
        .set_kbucket_inserts(kad::BucketInserts::Manual)
        // Provider records only, and within their limits: nobody's values are stored here.
        .set_record_filtering(kad::StoreInserts::FilterBoth);
    let mut kad = kad::Behaviour::with_config(me, Providers::new(me, PROVIDERS_MAX), config);
    // A server answers others and must be reachable: the driver says so once an address is confirmed.
    kad.set_mode(Some(kad::Mode::Client));
    kad
}

fn gossip() -> Result<Gossip, BehaviourError> {
    let config = gossipsub::ConfigBuilder::default()
        // Whoever writes tells every listener directly (flood publish); the mesh is for the others and
        // for what got lost. Eight neighbours carried each frame of a small room forty times, and left
        // nobody to whom gossip could offer what they missed.
        .mesh_n(4)
        .mesh_n_low(3)
        .mesh_n_high(6)
        .mesh_outbound_min(2)
        .gossip_lazy(8)
        .heartbeat_interval(Duration::from_secs(1))
        .heartbeat_initial_delay(Duration::from_millis(200))
        .history_length(10)
        .history_gossip(4)
        .duplicate_cache_time(Duration::from_secs(300))
        .flood_publish(true)
        // Entries carry their authors' signatures: libp2p's would be checked for every copy.
        .validation_mode(ValidationMode::Anonymous)
        .validate_messages()
        .message_id_fn(message_id)
        .max_transmit_size(limits::GOSSIP_TRANSMIT_MAX)
        // IHAVE is sent unsplit; a receiver closes the stream at 16 KiB by default.
        .max_control_message_size(256 * 1024)
        .max_control_messages_sent(2000)
        .connection_handler_queue_len(512)
        .publish_queue_duration(Duration::from_secs(10))
        .forward_queue_duration(Duration::from_secs(5))
        .build()
        .map_err(|error| BehaviourError::Gossip(error.to_string()))?;
    let filter = gossipsub::MaxCountSubscriptionFilter {
        filter: gossipsub::AllowAllSubscriptionFilter {},
        // A peer with more topics than this is ignored whole, so leave room for future versions.
        max_subscribed_topics: 1024.max(ROOMS_MAX),
        max_subscriptions_per_request: 1024.max(ROOMS_MAX),
    };
    let mut gossip = Gossip::new_with_subscription_filter(MessageAuthenticity::Anonymous, config, filter)
        .map_err(|error| BehaviourError::Gossip(error.to_owned()))?;
    let params = PeerScoreParams {
        // Many peers behind one address are a family or an office, not an attack.
        ip_colocation_factor_weight: 0.0,
        ..Default::default()
    };
    gossip.with_peer_score(params, PeerScoreThresholds::default()).map_err(BehaviourError::Gossip)?;
    Ok(gossip)
}

/// How a room's peers are scored: what they forge counts, how much they say does not.
pub(crate) fn room_score() -> TopicScoreParams {
    TopicScoreParams {
        // Quiet rooms are no fault of anybody's.
        mesh_message_deliveries_weight: 0.0,
        mesh_failure_penalty_weight: 0.0,
        invalid_message_deliveries_weight: -20.0,
        ..Default::default()
    }
}

/// First 20 bytes of BLAKE3 over topic and data: short, because IHAVE carries thousands.
fn message_id(message: &gossipsub::Message) -> MessageId {
    let mut hasher = blake3::Hasher::new();
    hasher.update(message.topic.as_str().as_bytes()).update(&message.data);
    MessageId::new(&hasher.finalize().as_bytes()[..20])
}

fn chat() -> Chat {
    request_response::Behaviour::with_codec(
        Cbor::new(limits::CHAT_REQUEST_MAX, limits::CHAT_RESPONSE_MAX),
        [(StreamProtocol::new(protocol::CHAT), ProtocolSupport::Full)],
        request_response::Config::default().with_max_concurrent_streams(CHAT_STREAMS_MAX),
    )
}

fn invite() -> Invite {
    request_response::Behaviour::with_codec(
        Cbor::new(limits::INVITE_REQUEST_MAX, limits::INVITE_RESPONSE_MAX),
        [(StreamProtocol::new(protocol::INVITE), ProtocolSupport::Full)],
        request_response::Config::default().with_max_concurrent_streams(INVITE_STREAMS_MAX),
    )
}

fn call() -> Call {
    request_response::Behaviour::with_codec(
        Cbor::new(limits::CALL_REQUEST_MAX, limits::CALL_RESPONSE_MAX),
        [(StreamProtocol::new(protocol::CALL), ProtocolSupport::Full)],
        request_response::Config::default()
            .with_max_concurrent_streams(CALL_STREAMS_MAX)
            .with_request_timeout(CALL_TIMEOUT),
    )
}

/// One stream for each packet: on QUIC none waits for another. Its protocol is agreed on in the same
/// breath, for all our swarms speak [`V1Lazy`](libp2p::core::upgrade::Version::V1Lazy).
fn media() -> Media {
    request_response::Behaviour::with_codec(
        Cbor::new(limits::MEDIA_REQUEST_MAX, limits::MEDIA_RESPONSE_MAX),
        [(StreamProtocol::new(protocol::MEDIA), ProtocolSupport::Full)],
        request_response::Config::default()
            .with_max_concurrent_streams(MEDIA_STREAMS_MAX)
            .with_request_timeout(MEDIA_TIMEOUT),
    )
}

fn sync() -> Sync {
    request_response::Behaviour::with_codec(
        Cbor::new(limits::SYNC_REQUEST_MAX, limits::SYNC_RESPONSE_MAX),
        [(StreamProtocol::new(protocol::SYNC), ProtocolSupport::Full)],
        request_response::Config::default()
            .with_max_concurrent_streams(SYNC_STREAMS_MAX)
            .with_request_timeout(SYNC_TIMEOUT),
    )
}
