//! The running node: one task that owns the swarm and answers peers and the operator.

mod start;

use std::io::{self, Write};
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant, UNIX_EPOCH};

use futures::StreamExt;
use kinmesh_net::identity::{self, IdentityError};
use kinmesh_net::transport::TransportError;
use kinmesh_proto::rendezvous::{Request, Response, Status as Refusal};
use kinmesh_proto::{CertCache, Hello, JoinLink, PresenceState, protocol};
use libp2p::kad::store::RecordStore;
use libp2p::multiaddr::Protocol;
use libp2p::request_response::{self, ResponseChannel};
use libp2p::swarm::{ConnectionId, StreamUpgradeError, SwarmEvent};
use libp2p::{Multiaddr, PeerId, Swarm, identify, kad, ping};
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::behaviour::{Behaviour, BehaviourEvent};
use crate::candid::Unreadable;
use crate::control::{Ask, ControlError};
use crate::ration::{Lines, OncePerMinute};
use crate::rendezvous::{self, Server};
use crate::roster::{Guest, Roster};
use crate::settings::Settings;
use crate::status::{PeerStatus, Registrations, Status};
use crate::{address, control};

/// How often what has run out is dropped, when nobody asks for it in between.
const HOUSEKEEPING: Duration = Duration::from_secs(60);
/// How long connections may take to close when the node ends.
const FAREWELL: Duration = Duration::from_secs(1);
/// Addresses of one peer that are told to others: two families, two protocols, a spare of each.
const ADDRESSES_PER_PEER_MAX: usize = 8;
/// The fault of a stranger who sends what is no message of the protocol.
const UNREADABLE: &str = "a request that is too large or not readable";

/// The node could not be started.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The data directory cannot be made or locked.
    #[error("the data directory {path}: {source}")]
    DataDirectory {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Another node uses the data directory.
    #[error("another node is running on {path}")]
    InUse {
        /// Which.
        path: PathBuf,
    },
    /// The key cannot be read or made.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The transport could not be built.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// An address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// Which.
        address: Multiaddr,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The address names something that cannot be listened on, a name for example.
    #[error("{0} is not an address to listen on: expected /ip4/ or /ip6/ and an address of this machine")]
    NotListenable(Multiaddr),
    /// An external address names another node.
    #[error("the external address {address} ends in another node's id; this node is {own}")]
    ForeignId {
        /// Which.
        address: Multiaddr,
        /// Ours.
        own: PeerId,
    },
    /// No listener got an address.
    #[error("this machine has no address to listen on")]
    NoAddress,
    /// The control socket cannot be opened.
    #[error(transparent)]
    Control(#[from] ControlError),
    /// Signals cannot be received.
    #[error("signals cannot be received: {0}")]
    Signals(#[source] std::io::Error),
}

/// Runs the node until a signal or the operator ends it. Addresses and join link go to `out`.
pub async fn run(settings: &Settings, out: &mut impl Write) -> Result<(), RunError> {
    let _lock = start::lock(&settings.data)?;
    let mut node = start::node(settings).await?;
    let asks = control::serve(&settings.data)?;
    let signals = start::signals()?;
    if let Err(error) = node.announce(out) {
        tracing::warn!(%error, "standard output is closed; see `kinmesh-bootstrap status` for the addresses");
    }
    node.serve(asks, signals).await;
    Ok(())
}

/// What the hello behaviour reports.
type HelloEvent = request_response::Event<Result<Hello, Unreadable>, Option<Hello>>;

/// Whose fault a log line is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Source {
    Peer(PeerId),
    Ip(Option<IpAddr>),
}

struct Node {
    swarm: Swarm<Behaviour>,
    server: Server,
    roster: Roster,
    certs: CertCache,
    faults: OncePerMinute<(Source, &'static str)>,
    /// Lines about comings and goings, by where they come from: whoever wants has a new id each time.
    lines: Lines<Option<IpAddr>>,
    listening: Vec<Multiaddr>,
    external: Vec<Multiaddr>,
    started: Instant,
}

impl Node {
    fn id(&self) -> PeerId {
        *self.swarm.local_peer_id()
    }

    fn announce(&self, out: &mut impl Write) -> std::io::Result<()> {
        for address in self.external.iter().chain(&self.listening) {
            writeln!(out, "{}", address::with_peer(address.clone(), self.id()))?;
        }
        writeln!(out, "{}", self.join_link())?;
        out.flush()
    }

    fn join_link(&self) -> JoinLink {
        let best = address::best_for_link(&self.external, &self.listening, self.id());
        JoinLink { nodes: best.iter().map(Multiaddr::to_string).collect(), room: None }
    }

    async fn serve(&mut self, mut asks: mpsc::Receiver<Ask>, signals: impl Future<Output = ()>) {
        tokio::pin!(signals);
        let mut housekeeping = interval(HOUSEKEEPING);
        housekeeping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        tracing::info!(peer = %self.id(), "the node is running");
        loop {
            tokio::select! {
                event = self.swarm.select_next_some() => self.on_event(event),
                ask = asks.recv() => match ask {
                    // Who asked may have hung up.
                    Some(Ask::Status(reply)) => drop(reply.send(self.status())),
                    Some(Ask::Stop) | None => break,
                },
                () = &mut signals => break,
                _ = housekeeping.tick() => self.expire(),
            }
        }
        tracing::info!("the node ends");
        self.leave().await;
    }

    /// Drops what has run out and nobody asked for.
    fn expire(&mut self) {
        let now = Instant::now();
        self.server.expire(now);
        self.swarm.behaviour_mut().kad.store_mut().expire(now);
    }

    /// Closes all connections, so that peers know at once.
    async fn leave(&mut self) {
        let peers: Vec<PeerId> = self.swarm.connected_peers().copied().collect();
        for peer in peers {
            // It may have gone in the meantime.
            let _ = self.swarm.disconnect_peer_id(peer);
        }
        let closed = async {
            while self.swarm.connected_peers().next().is_some() {
                let event = self.swarm.select_next_some().await;
                self.on_event(event);
            }
        };
        // A peer that does not close in time will notice by itself.
        let _ = timeout(FAREWELL, closed).await;
    }

    fn status(&mut self) -> Status {
        let now = Instant::now();
        let rendezvous::Count { registrations, namespaces, peers } = self.server.count(now);
        Status {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            peer_id: self.id().to_string(),
            uptime_s: self.started.elapsed().as_secs(),
            listening: self.listening.clone(),
            external: self.external.clone(),
            join_link: self.join_link().to_string(),
            peers: self.roster.guests().into_iter().map(|(peer, guest)| peer_status(peer, guest)).collect(),
            registrations: Registrations { count: registrations, namespaces, peers },
        }
    }

    /// Logs a stranger's fault, once a minute for each source and kind.
    fn fault(&mut self, source: Source, what: &'static str) {
        if self.faults.is_news((source.clone(), what), Instant::now()) {
            match source {
                Source::Peer(peer) => tracing::warn!(%peer, "refused: {what}"),
                Source::Ip(Some(ip)) => tracing::warn!(%ip, "refused: {what}"),
                Source::Ip(None) => tracing::warn!("refused: {what}"),
            }
        }
    }

    fn on_event(&mut self, event: SwarmEvent<BehaviourEvent>) {
        match event {
            SwarmEvent::Behaviour(event) => self.on_behaviour(event),
            SwarmEvent::ConnectionEstablished { peer_id, connection_id, endpoint, .. } => {
                self.arrived(peer_id, connection_id, endpoint.get_remote_address());
            }
            SwarmEvent::ConnectionClosed { peer_id, connection_id, .. } => self.left(peer_id, connection_id),
            SwarmEvent::IncomingConnectionError { send_back_addr, error, .. } => {
                let what = match error {
                    libp2p::swarm::ListenError::Denied { .. } => "too many connections",
                    _ => "a connection that speaks no libp2p, or breaks off",
                };
                self.fault(Source::Ip(ip_of(&send_back_addr)), what);
            }
            SwarmEvent::NewListenAddr { address, .. } => {
                tracing::info!(%address, "listening");
                self.listening.push(address);
            }
            SwarmEvent::ExpiredListenAddr { address, .. } => {
                tracing::info!(%address, "not listening any more");
                self.listening.retain(|known| *known != address);
            }
            SwarmEvent::ListenerClosed { addresses, reason: Err(error), .. } => {
                tracing::error!(?addresses, %error, "a listener ended");
            }
            SwarmEvent::ListenerError { error, .. } => tracing::warn!(%error, "a listener has trouble"),
            _ => {}
        }
    }

    fn arrived(&mut self, peer: PeerId, connection: ConnectionId, from: &Multiaddr) {
        if self.roster.arrive(peer, connection, from.clone(), Instant::now()) {
            let is_logged = self.may_log(ip_of(from));
            if is_logged {
                tracing::info!(%peer, address = %from, "connected");
            }
            if let Some(guest) = self.roster.get_mut(&peer) {
                guest.is_logged = is_logged;
            }
        }
    }

    /// Whether another line about somebody from there is written; the first that is not says so.
    fn may_log(&mut self, from: Option<IpAddr>) -> bool {
        let may = self.lines.take(&from, Instant::now());
        if !may {
            self.fault(Source::Ip(from), "to log more comings and goings from one address");
        }
        may
    }

    fn left(&mut self, peer: PeerId, connection: ConnectionId) {
        let Some(guest) = self.roster.depart(&peer, connection) else { return };
        // Whoever is asked for by Kademlia should be there.
        self.swarm.behaviour_mut().kad.remove_peer(&peer);
        let seconds = guest.since_instant.elapsed().as_secs();
        if guest.is_logged {
            tracing::info!(%peer, name = guest.name(), seconds, "disconnected");
        }
    }

    fn on_behaviour(&mut self, event: BehaviourEvent) {
        match event {
            BehaviourEvent::Identify(identify::Event::Received { connection_id, peer_id, info }) => {
                self.on_identify(peer_id, connection_id, info);
            }
            BehaviourEvent::Identify(identify::Event::Error { peer_id, error, .. }) => {
                self.on_identify_error(peer_id, error);
            }
            BehaviourEvent::Ping(event) => self.on_ping(event),
            BehaviourEvent::Hello(event) => self.on_hello(event),
            BehaviourEvent::Rendezvous(event) => self.on_rendezvous(event),
            BehaviourEvent::Kad(kad::Event::InboundRequest { request }) => self.on_kad(request),
            // A request that was read names addresses.
            BehaviourEvent::Autonat(test) if test.result.is_err() && test.all_addrs.is_empty() => {
                self.fault(Source::Peer(test.client), UNREADABLE);
            }
            _ => {}
        }
    }

    fn on_identify(&mut self, peer: PeerId, connection: ConnectionId, info: identify::Info) {
        if info.protocol_version != protocol::IDENTIFY {
            self.fault(Source::Peer(peer), "it is no Kinmesh peer");
            // Already gone is as good.
            let _ = self.swarm.disconnect_peer_id(peer);
            return;
        }
        if !info.protocols.iter().any(|known| known.as_ref() == protocol::KAD) {
            return;
        }
        let Some(from) = self.roster.address_of(&peer, connection).cloned() else { return };
        // Over QUIC a peer dials from the port it listens on, so where it comes from is where it is.
        let seen = address::is_quic(&from).then(|| from.clone());
        let claimed = info.listen_addrs.into_iter().filter(|claimed| address::is_useful(claimed, &from));
        for useful in seen.into_iter().chain(claimed).take(ADDRESSES_PER_PEER_MAX) {
            self.swarm.behaviour_mut().kad.add_address(&peer, useful);
        }
    }

    /// Logs who sends what is no identify message. A stream that breaks off is nobody's fault.
    fn on_identify_error(&mut self, peer: PeerId, error: StreamUpgradeError<identify::UpgradeError>) {
        use identify::UpgradeError::{Codec, Multiaddr, PublicKey};
        use io::ErrorKind::{InvalidData, UnexpectedEof};
        let is_unreadable = match error {
            StreamUpgradeError::Apply(Codec(error)) => {
                matches!(io::Error::from(error).kind(), InvalidData | UnexpectedEof)
            }
            StreamUpgradeError::Apply(Multiaddr(_) | PublicKey(_)) => true,
            _ => false,
        };
        if is_unreadable {
            self.fault(Source::Peer(peer), UNREADABLE);
        }
    }

    fn on_ping(&mut self, event: ping::Event) {
        // A peer that speaks no ping fails with `Unsupported`; it is there all the same.
        if let Err(ping::Failure::Timeout | ping::Failure::Other { .. }) = event.result {
            self.swarm.close_connection(event.connection);
        }
    }

    fn on_hello(&mut self, event: HelloEvent) {
        let Some((peer, request, channel)) = self.request_of(event) else { return };
        if self.is_within_ration(peer) && self.welcome(peer, request) {
            // The connection may be gone; then nobody waits for the answer.
            let _ = self.swarm.behaviour_mut().hello.send_response(channel, None);
        }
    }

    /// The request in an event, if there is a readable one. Without an answer its stream is reset.
    fn request_of<Q, A>(
        &mut self,
        event: request_response::Event<Result<Q, Unreadable>, A>,
    ) -> Option<(PeerId, Q, ResponseChannel<A>)> {
        let request_response::Event::Message {
            peer,
            message: request_response::Message::Request { request, channel, .. },
            ..
        } = event
        else {
            return None;
        };
        match request {
            Ok(request) => Some((peer, request, channel)),
            Err(Unreadable) => {
                self.fault(Source::Peer(peer), UNREADABLE);
                None
            }
        }
    }

    /// Remembers who says hello; false when it does not hold.
    fn welcome(&mut self, peer: PeerId, hello: Hello) -> bool {
        let verified = match hello.presence.verify(&mut self.certs) {
            Ok(verified) if identity::device_of(&peer) == Some(verified.device()) => verified,
            _ => {
                self.fault(Source::Peer(peer), "a hello that is not its own");
                return false;
            }
        };
        let (person, presence) = (verified.person(), verified.value());
        let Some(guest) = self.roster.get_mut(&peer) else { return false };
        let known = guest.person.replace((person, presence.name.clone()));
        let from = guest.address().and_then(ip_of);
        let is_goodbye = presence.state != PresenceState::Here;
        if is_goodbye && self.may_log(from) {
            tracing::info!(%peer, name = %presence.name, "says goodbye");
        } else if !is_goodbye && known.is_none_or(|(_, name)| name != presence.name) && self.may_log(from) {
            tracing::info!(%peer, name = %presence.name, person = %person.fingerprint(), "introduced");
        }
        true
    }

    fn on_rendezvous(&mut self, event: rendezvous::Event) {
        let Some((peer, request, channel)) = self.request_of(event) else { return };
        let Some(answer) = self.answer(peer, request) else { return };
        if let Response::Registered(Err(_)) | Response::Found(Err(_)) = &answer {
            self.fault(Source::Peer(peer), "a rendezvous request beyond the limits");
        }
        // The connection may be gone; then nobody waits for the answer.
        let _ = self.swarm.behaviour_mut().rendezvous.send_response(channel, answer);
    }

    fn answer(&mut self, peer: PeerId, request: Request) -> Option<Response> {
        if self.is_within_ration(peer) {
            return self.server.answer(peer, request, Instant::now());
        }
        match request {
            Request::Register { .. } => Some(Response::Registered(Err(Refusal::Unavailable))),
            Request::Discover { .. } => Some(Response::Found(Err(Refusal::Unavailable))),
            Request::Unregister { .. } => None,
        }
    }

    fn is_within_ration(&mut self, peer: PeerId) -> bool {
        let within = self.roster.get_mut(&peer).is_some_and(|guest| guest.ration.take(Instant::now()));
        if !within {
            self.fault(Source::Peer(peer), "more requests than one peer may make");
        }
        within
    }

    fn on_kad(&mut self, request: kad::InboundRequest) {
        if let kad::InboundRequest::AddProvider { record: Some(record) } = request {
            let provider = record.provider;
            let now = Instant::now();
            let guest = self.roster.get_mut(&provider);
            if !guest.is_some_and(|guest| guest.record_ration.take(now)) {
                self.fault(Source::Peer(provider), "more provider records than one peer may leave");
            } else if self.swarm.behaviour_mut().kad.store_mut().add_provider(record).is_err() {
                self.fault(Source::Peer(provider), "a provider record beyond the limits");
            }
        }
    }
}

fn peer_status(peer: &PeerId, guest: &Guest) -> PeerStatus {
    let since = guest.since.duration_since(UNIX_EPOCH).unwrap_or_default();
    PeerStatus {
        peer_id: peer.to_string(),
        name: guest.person.as_ref().map(|(_, name)| name.to_string()),
        fingerprint: guest.person.as_ref().map(|(person, _)| person.fingerprint()),
        address: guest.address().cloned(),
        connected_since_ms: u64::try_from(since.as_millis()).unwrap_or(u64::MAX),
        connected_s: guest.since_instant.elapsed().as_secs(),
    }
}

fn ip_of(address: &Multiaddr) -> Option<IpAddr> {
    match address.iter().next()? {
        Protocol::Ip4(ip) => Some(ip.into()),
        Protocol::Ip6(ip) => Some(ip.to_canonical()),
        _ => None,
    }
}
