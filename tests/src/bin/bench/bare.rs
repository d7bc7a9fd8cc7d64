//! The floor of the network: libp2p without anything of ours but the transport and its settings.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use futures::StreamExt;
use kinmesh_net::transport::build_swarm;
use kinmesh_proto::limits;
use libp2p::gossipsub::{self, IdentTopic, MessageAuthenticity, MessageId, ValidationMode};
use libp2p::identity::Keypair;
use libp2p::request_response::{self, Message, OutboundRequestId, ProtocolSupport, cbor};
use libp2p::swarm::{NetworkBehaviour, SwarmEvent};
use libp2p::{Multiaddr, StreamProtocol, Swarm};
use serde_bytes::ByteBuf;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::tally::{Ear, HEARD_CAP, Heard, PATIENCE, Tally, number_of, text_of};

/// Messages that the publisher may be ahead of the slowest listener: enough to keep everybody
/// busy, and less than gossipsub's queues hold.
const WINDOW: usize = 256;
/// Gossipsub says nothing when its mesh changes, so it is looked at this often while it forms.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Bytes of an entry's envelope around a message of two hundred bytes.
const ENVELOPE_BYTES: usize = 500;

/// How a bare mesh is set up.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    /// As Kinmesh does: no signatures of libp2p's, ids from the content.
    Anonymous,
    /// As libp2p does by default: signed.
    Default,
}

/// Gossipsub swarms, each connected to each other; the first one speaks.
pub(crate) struct BareMesh {
    speak: mpsc::Sender<Vec<u8>>,
    ear: Ear,
    listeners: usize,
    next: usize,
    _tasks: JoinSet<()>,
}

impl BareMesh {
    /// Starts `size` swarms and waits until their mesh stands.
    pub(crate) async fn start(kind: Kind, size: usize) -> Result<Self> {
        let topic = IdentTopic::new("bench");
        let (heard, ear) = mpsc::channel(HEARD_CAP);
        let (speak, spoken) = mpsc::channel(WINDOW);
        let mut spoken = Some(spoken);
        let mut tasks = JoinSet::new();
        let mut addresses: Vec<Multiaddr> = Vec::new();
        let mut meshes = Vec::new();
        for index in 0..size {
            let keypair = Keypair::generate_ed25519();
            let mut gossip = gossip(kind, &keypair)?;
            gossip.subscribe(&topic)?;
            let mut swarm = build_swarm(&keypair, gossip)?;
            let own = listen(&mut swarm).await?;
            for address in &addresses {
                swarm.dial(address.clone())?;
            }
            addresses.push(own);
            let (tell, mesh) = watch::channel(0);
            meshes.push(mesh);
            // The receiver of nobody's sender: only the first one speaks.
            let spoken = spoken.take().unwrap_or_else(|| mpsc::channel(1).1);
            let member = Member { swarm, topic: topic.clone(), spoken, heard: heard.clone(), mesh: tell };
            tasks.spawn(member.run(index));
        }
        for mut mesh in meshes {
            let stands = mesh.wait_for(|peers| *peers >= (size - 1).min(3));
            timeout(PATIENCE, stands).await.context("the bare mesh does not form")??;
        }
        Ok(Self { speak, ear, listeners: size - 1, next: 0, _tasks: tasks })
    }

    /// From a publish to the last listener.
    pub(crate) async fn once(&mut self) -> Result<Duration> {
        let number = self.next;
        self.next += 1;
        let text = text_of(number).into_bytes();
        let start = Instant::now();
        self.speak.send(text).await?;
        let tally = Tally::new(self.listeners, number..number + 1);
        Ok(tally.complete(&mut self.ear).await? - start)
    }

    /// From the first publish to the last message at the last listener.
    pub(crate) async fn burst(&mut self, messages: usize) -> Result<Duration> {
        let numbers = self.next..self.next + messages;
        self.next = numbers.end;
        let mut tally = Tally::new(self.listeners, numbers.clone());
        let start = Instant::now();
        for (said, number) in numbers.enumerate() {
            while said - tally.slowest() >= WINDOW {
                tally.listen(&mut self.ear).await?;
            }
            self.speak.send(text_of(number).into_bytes()).await?;
        }
        Ok(tally.complete(&mut self.ear).await? - start)
    }
}

struct Member {
    swarm: Swarm<gossipsub::Behaviour>,
    topic: IdentTopic,
    spoken: mpsc::Receiver<Vec<u8>>,
    heard: mpsc::Sender<Result<Heard>>,
    mesh: watch::Sender<usize>,
}

impl Member {
    async fn run(mut self, index: usize) {
        let mut look = tokio::time::interval(LOOK_EVERY);
        loop {
            tokio::select! {
                Some(data) = self.spoken.recv() => {
                    if let Err(error) = self.swarm.behaviour_mut().publish(self.topic.clone(), data) {
                        // Nobody counts any more.
                        let _ = self.heard.send(Err(anyhow!(error))).await;
                    }
                }
                event = self.swarm.select_next_some() => if let Some(number) = spoken_in(&event) {
                    let heard = Heard { listener: index - 1, number, at: Instant::now() };
                    // Nobody counts any more.
                    let _ = self.heard.send(Ok(heard)).await;
                },
                _ = look.tick() => {
                    let peers = self.swarm.behaviour().mesh_peers(&self.topic.hash()).count();
                    self.mesh.send_replace(peers);
                }
            }
        }
    }
}

fn spoken_in(event: &SwarmEvent<gossipsub::Event>) -> Option<usize> {
    match event {
        SwarmEvent::Behaviour(gossipsub::Event::Message { message, .. }) => {
            number_of(std::str::from_utf8(&message.data).ok()?)
        }
        _ => None,
    }
}

/// The settings of `kinmesh-net`, or libp2p's own.
fn gossip(kind: Kind, keypair: &Keypair) -> Result<gossipsub::Behaviour> {
    let (authenticity, config) = match kind {
        Kind::Default => (MessageAuthenticity::Signed(keypair.clone()), gossipsub::Config::default()),
        Kind::Anonymous => {
            let config = gossipsub::ConfigBuilder::default()
                .mesh_n(4)
                .mesh_n_low(3)
                .mesh_n_high(6)
                .mesh_outbound_min(2)
                .gossip_lazy(8)
                .heartbeat_initial_delay(Duration::from_millis(200))
                .flood_publish(true)
                .validation_mode(ValidationMode::Anonymous)
                .message_id_fn(message_id)
                .max_transmit_size(limits::GOSSIP_TRANSMIT_MAX)
                .max_control_message_size(256 * 1024)
                .connection_handler_queue_len(512)
                .build()?;
            (MessageAuthenticity::Anonymous, config)
        }
    };
    gossipsub::Behaviour::new(authenticity, config).map_err(|error| anyhow!(error))
}

fn message_id(message: &gossipsub::Message) -> MessageId {
    let mut hasher = blake3::Hasher::new();
    hasher.update(message.topic.as_str().as_bytes()).update(&message.data);
    MessageId::new(&hasher.finalize().as_bytes()[..20])
}

/// Listens on loopback QUIC; the result is the full address.
pub(crate) async fn listen<B: NetworkBehaviour>(swarm: &mut Swarm<B>) -> Result<Multiaddr> {
    swarm.listen_on("/ip4/127.0.0.1/udp/0/quic-v1".parse()?)?;
    let listens = async {
        loop {
            if let SwarmEvent::NewListenAddr { address, .. } = swarm.select_next_some().await {
                return address;
            }
        }
    };
    let address = timeout(PATIENCE, listens).await?;
    address.with_p2p(*swarm.local_peer_id()).map_err(|address| anyhow!("{address} names a peer already"))
}

type Exchange = cbor::Behaviour<ByteBuf, u8>;
type Call = (ByteBuf, oneshot::Sender<()>);

/// Two swarms: one asks, the other answers at once.
pub(crate) struct BareExchange {
    calls: mpsc::Sender<Call>,
    _tasks: JoinSet<()>,
}

impl BareExchange {
    /// Starts and connects the two.
    pub(crate) async fn start() -> Result<Self> {
        let (mut asker, mut answerer) = (exchange()?, exchange()?);
        let address = listen(&mut answerer).await?;
        asker.add_peer_address(*answerer.local_peer_id(), address);
        let peer = *answerer.local_peer_id();
        let (calls, called) = mpsc::channel(WINDOW);
        let mut tasks = JoinSet::new();
        tasks.spawn(answer(answerer));
        tasks.spawn(ask(asker, peer, called));
        let exchange = Self { calls, _tasks: tasks };
        // Connects.
        timeout(PATIENCE, exchange.round_trip()).await.context("the bare exchange does not connect")??;
        Ok(exchange)
    }

    /// From a request of an entry's size to its answer.
    pub(crate) async fn round_trip(&self) -> Result<Duration> {
        let request = ByteBuf::from(vec![7; ENVELOPE_BYTES]);
        let start = Instant::now();
        let (reply, answered) = oneshot::channel();
        self.calls.send((request, reply)).await?;
        answered.await.context("a bare request failed")?;
        Ok(start.elapsed())
    }

    /// Many requests with some in flight at any time.
    pub(crate) async fn burst(&self, requests: usize) -> Result<Duration> {
        /// More fail at times, even with streams to spare.
        const IN_FLIGHT: usize = 64;
        let start = Instant::now();
        let mut calls =
            futures::stream::iter(0..requests).map(|_| self.round_trip()).buffer_unordered(IN_FLIGHT);
        while let Some(answered) = calls.next().await {
            answered?;
        }
        Ok(start.elapsed())
    }
}

fn exchange() -> Result<Swarm<Exchange>> {
    let config = request_response::Config::default().with_max_concurrent_streams(WINDOW);
    let protocol = (StreamProtocol::new("/bench/1"), ProtocolSupport::Full);
    Ok(build_swarm(&Keypair::generate_ed25519(), Exchange::new([protocol], config))?)
}

async fn answer(mut swarm: Swarm<Exchange>) {
    loop {
        let event = swarm.select_next_some().await;
        if let SwarmEvent::Behaviour(request_response::Event::Message {
            message: Message::Request { channel, .. },
            ..
        }) = event
        {
            // The asker sees that no answer comes.
            let _ = swarm.behaviour_mut().send_response(channel, 0);
        }
    }
}

async fn ask(mut swarm: Swarm<Exchange>, peer: libp2p::PeerId, mut called: mpsc::Receiver<Call>) {
    let mut waiting: HashMap<OutboundRequestId, oneshot::Sender<()>> = HashMap::new();
    loop {
        tokio::select! {
            Some((request, reply)) = called.recv() => {
                waiting.insert(swarm.behaviour_mut().send_request(&peer, request), reply);
            }
            event = swarm.select_next_some() => match event {
                SwarmEvent::Behaviour(request_response::Event::Message {
                    message: Message::Response { request_id, .. }, ..
                }) => {
                    if let Some(reply) = waiting.remove(&request_id) {
                        // Nobody waits any more.
                        let _ = reply.send(());
                    }
                }
                SwarmEvent::Behaviour(request_response::Event::OutboundFailure { request_id, .. }) => {
                    waiting.remove(&request_id);
                }
                _ => {}
            },
        }
    }
}
