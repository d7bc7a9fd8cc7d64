//! A libp2p node that says whatever it is told to: the adversary of the hostile tests.
//!
//! It speaks the real protocols of a peer with bytes of the test's choice. It checks nothing it
//! says, forwards nothing it hears, and answers nobody but those who call it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, FutureExt, StreamExt};
use kinmesh_net::transport;
use kinmesh_proto::{
    CallRequest, CallResponse, ChatRequest, ChatResponse, Content, ConversationTag, DeviceKeys, DisplayName,
    Entry, EntryBody, Hello, Hlc, MediaResponse, Presence, PresenceState, RoomFrame, RoomId, Signable,
    StatusLine, SyncRequest, SyncResponse, Unverified, codec, protocol,
};
use libp2p::gossipsub::{self, IdentTopic, MessageAuthenticity, MessageId, ValidationMode};
use libp2p::identity::Keypair;
use libp2p::multiaddr::Protocol;
use libp2p::request_response::{self, Codec, OutboundRequestId, ProtocolSupport, ResponseChannel};
use libp2p::swarm::{ConnectionId, NetworkBehaviour, SwarmEvent};
use libp2p::{Multiaddr, PeerId, StreamProtocol, Swarm, identify, ping};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::timeout;

use crate::process::DEADLINE;

/// A protocol that nobody speaks.
pub const NONSENSE: &str = "/nonsense/1";
/// Commands under way: tests give one at a time.
const COMMANDS_CAP: usize = 16;
/// Longest answer that is read.
const ANSWER_MAX: u64 = 1024 * 1024;
/// Far above the limit of a peer, so that ours never saves it.
const GOSSIP_MAX: usize = 16 * 1024 * 1024;

/// Why a question came to nothing.
pub type Refused = request_response::OutboundFailure;
type Raw = request_response::Behaviour<RawBytes>;
type Answer = oneshot::Sender<Result<Vec<u8>, Refused>>;

/// What the stranger can ask of a peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Question {
    /// `/kinmesh/hello/1`.
    Hello,
    /// `/kinmesh/chat/1`.
    Chat,
    /// `/kinmesh/sync/1`.
    Sync,
    /// `/kinmesh/invite/1`.
    Invite,
    /// `/kinmesh/call/1`.
    Call,
    /// `/kinmesh/media/1`.
    Media,
    /// [`NONSENSE`].
    Nonsense,
}

/// A stranger on the network.
pub struct Stranger {
    keys: DeviceKeys,
    person_seed: [u8; 32],
    device: Keypair,
    since_ms: u64,
    commands: mpsc::Sender<Command>,
    heard: Arc<Mutex<Heard>>,
    changed: watch::Receiver<()>,
}

enum Command {
    ListenOn(Multiaddr),
    Dial(Multiaddr),
    Subscribe(String),
    Publish(String, Vec<u8>, oneshot::Sender<Result<(), gossipsub::PublishError>>),
    Ask(Question, PeerId, Vec<u8>, Answer),
    AnswerMedia(MediaResponse, Duration),
}

/// What the stranger knows of the others.
#[derive(Debug, Default)]
pub struct Heard {
    /// Who is connected.
    pub connected: BTreeSet<PeerId>,
    /// The protocols that peers say they speak.
    pub protocols: BTreeMap<PeerId, Vec<String>>,
    /// Who listens to which topic.
    pub listeners: BTreeSet<(PeerId, String)>,
    /// From whom something came on which topic.
    pub speakers: BTreeSet<(PeerId, String)>,
    /// What came on which topic, as it travelled.
    pub frames: Vec<(String, Vec<u8>)>,
    /// Entries heard in public rooms, in the order of their arrival.
    pub entries: Vec<Unverified<EntryBody>>,
    /// Connections with each peer, 0 where there were some.
    pub links: BTreeMap<PeerId, u32>,
    /// What was said about calls, in the order of its arrival. Each word is answered `Noted`.
    pub calls: Vec<CallRequest>,
    /// How many packets came over which connection.
    pub packets: BTreeMap<ConnectionId, usize>,
}

#[derive(NetworkBehaviour)]
struct Behaviour {
    identify: identify::Behaviour,
    ping: ping::Behaviour,
    gossip: gossipsub::Behaviour,
    hello: Raw,
    chat: Raw,
    sync: Raw,
    invite: Raw,
    call: Raw,
    media: Raw,
    nonsense: Raw,
}

impl Stranger {
    /// A stranger that passes for a Kinmesh peer until it opens its mouth.
    pub fn start() -> Result<Self> {
        Self::start_as(protocol::IDENTIFY)
    }

    /// A stranger that says to speak this version of the protocol.
    pub fn start_as(version: &str) -> Result<Self> {
        Self::start_with(seed_of(Keypair::generate_ed25519())?, version)
    }

    /// The same person on another device.
    pub fn on_another_device(&self) -> Result<Self> {
        Self::start_with(self.person_seed, protocol::IDENTIFY)
    }

    fn start_with(person_seed: [u8; 32], version: &str) -> Result<Self> {
        let device = Keypair::generate_ed25519();
        let keys = DeviceKeys::generate(&person_seed, &seed_of(device.clone())?, now_ms());
        let swarm = transport::build_swarm(&device, Behaviour::new(&device, version)?)?;
        let (commands, orders) = mpsc::channel(COMMANDS_CAP);
        let (tell, changed) = watch::channel(());
        let heard = Arc::new(Mutex::new(Heard::default()));
        let actor = Actor {
            swarm,
            heard: heard.clone(),
            tell,
            asked: HashMap::new(),
            media: (MediaResponse::NoSuchLine, Duration::ZERO),
            late: FuturesUnordered::new(),
        };
        tokio::spawn(actor.run(orders));
        Ok(Self { keys, person_seed, device, since_ms: now_ms(), commands, heard, changed })
    }

    /// Takes connections on this machine from now on, at the port that its own go out from, too.
    pub async fn can_be_dialled(&self) -> Result<()> {
        self.order(Command::ListenOn("/ip4/127.0.0.1/udp/0/quic-v1".parse()?)).await
    }

    /// Connects to the node at this address, which ends in `/p2p/<id>`, and waits until it said what it speaks.
    pub async fn dial(&self, address: &Multiaddr) -> Result<PeerId> {
        let peer = self.begin_to_dial(address).await?;
        self.wait("what it speaks", |heard| heard.protocols.get(&peer).map(drop)).await?;
        Ok(peer)
    }

    /// The same with a node that may hang up before it said anything.
    pub async fn begin_to_dial(&self, address: &Multiaddr) -> Result<PeerId> {
        let Some(Protocol::P2p(peer)) = address.iter().last() else { anyhow::bail!("whose address?") };
        self.order(Command::Dial(address.clone())).await?;
        Ok(peer)
    }

    /// Enters a room, and waits until it can be heard there by this peer.
    pub async fn enter(&self, room: RoomId, listener: PeerId) -> Result<()> {
        self.listen(&room.topic(), listener).await
    }

    /// The same with a topic, whatever is met there.
    pub async fn listen(&self, topic: &str, listener: PeerId) -> Result<()> {
        self.order(Command::Subscribe(topic.to_owned())).await?;
        let listens = (listener, topic.to_owned());
        self.wait("a listener on the topic", |heard| heard.listeners.contains(&listens).then_some(())).await
    }

    /// Waits until this peer said something on a topic: from now on it says all of it to the stranger, too.
    pub async fn hears(&self, topic: &str, speaker: PeerId) -> Result<()> {
        let speaks = (speaker, topic.to_owned());
        self.wait("a word on the topic", |heard| heard.speakers.contains(&speaks).then_some(())).await
    }

    /// Publishes a frame, as it is, in a room.
    pub async fn publish(&self, room: RoomId, frame: Vec<u8>) -> Result<()> {
        self.publish_on(&room.topic(), frame).await
    }

    /// The same on a topic.
    pub async fn publish_on(&self, topic: &str, frame: Vec<u8>) -> Result<()> {
        let (reply, answer) = oneshot::channel();
        self.order(Command::Publish(topic.to_owned(), frame, reply)).await?;
        Ok(answer.await??)
    }

    /// Publishes entries in a room.
    pub async fn publish_entries(&self, room: RoomId, entries: Vec<Unverified<EntryBody>>) -> Result<()> {
        let frame = RoomFrame::Entries { entries, attempt: 0 };
        self.publish(room, codec::encode(&frame)).await
    }

    /// Asks a peer with these bytes, and returns the bytes of its answer.
    pub async fn ask(
        &self,
        question: Question,
        peer: PeerId,
        bytes: Vec<u8>,
    ) -> Result<Result<Vec<u8>, Refused>> {
        let (reply, answer) = oneshot::channel();
        self.order(Command::Ask(question, peer, bytes, reply)).await?;
        timeout(DEADLINE, answer).await?.context("the stranger has ended")
    }

    /// Asks a peer with bytes that must get no answer.
    pub async fn ask_in_vain(&self, question: Question, peer: PeerId, bytes: Vec<u8>) -> Result<()> {
        let answer = self.ask(question, peer, bytes).await?;
        ensure!(answer.is_err(), "{question:?} was answered: {answer:?}");
        Ok(())
    }

    /// Says hello and returns the answer.
    pub async fn greet(&self, peer: PeerId, hello: &Hello) -> Result<Option<Hello>> {
        let answer = self.ask(Question::Hello, peer, codec::encode(hello)).await??;
        Ok(codec::decode(&answer, answer.len())?)
    }

    /// Hands over entries one to one and returns the answer.
    pub async fn deliver(&self, peer: PeerId, entries: Vec<Unverified<EntryBody>>) -> Result<ChatResponse> {
        self.chat(peer, &ChatRequest::Deliver(entries)).await
    }

    /// Says anything one to one and returns the answer.
    pub async fn chat(&self, peer: PeerId, request: &ChatRequest) -> Result<ChatResponse> {
        let request = codec::encode(request);
        let answer = self.ask(Question::Chat, peer, request).await??;
        Ok(codec::decode(&answer, answer.len())?)
    }

    /// Asks about a history and returns the answer.
    pub async fn ask_history(&self, peer: PeerId, request: &SyncRequest) -> Result<SyncResponse> {
        let answer = self.ask(Question::Sync, peer, codec::encode(request)).await??;
        Ok(codec::decode(&answer, answer.len())?)
    }

    /// Says something about a call and returns the answer.
    pub async fn say_of_call(&self, peer: PeerId, request: &CallRequest) -> Result<CallResponse> {
        let answer = self.ask(Question::Call, peer, codec::encode(request)).await??;
        Ok(codec::decode(&answer, answer.len())?)
    }

    /// From now on packets are answered so, and so late.
    pub async fn answer_media(&self, response: MediaResponse, delay: Duration) -> Result<()> {
        self.order(Command::AnswerMedia(response, delay)).await
    }

    /// Waits until something was heard.
    pub async fn wait<T>(&self, what: &str, mut find: impl FnMut(&Heard) -> Option<T>) -> Result<T> {
        let mut changed = self.changed.clone();
        let found = async {
            loop {
                changed.borrow_and_update();
                if let Some(found) = find(&self.heard()) {
                    return Ok(found);
                }
                changed.changed().await.context("the stranger has ended")?;
            }
        };
        let found = timeout(DEADLINE, found).await;
        found.with_context(|| format!("{what} never came; heard: {:?}", self.heard()))?
    }

    /// What it heard so far.
    pub fn heard(&self) -> MutexGuard<'_, Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Its keys: a person like any other.
    pub fn keys(&self) -> &DeviceKeys {
        &self.keys
    }

    /// A proper hello under this name.
    pub fn hello(&self, name: &str) -> Result<Hello> {
        Ok(Hello::first(self.presence(name, None, PresenceState::Here)?))
    }

    /// A proper presence, said now.
    pub fn presence(
        &self,
        name: &str,
        room: Option<RoomId>,
        state: PresenceState,
    ) -> Result<Unverified<Presence>> {
        let (name, status) = (DisplayName::new(name)?, StatusLine::default());
        let presence = Presence { room, name, status, since_ms: self.since_ms, sent_ms: now_ms(), state };
        Ok(Unverified::sign(presence, &self.keys).envelope().clone())
    }

    /// A proper entry, written now.
    pub fn entry(&self, conversation: ConversationTag, text: &str) -> Entry {
        self.entry_at(now_ms(), conversation, text)
    }

    /// A proper entry, written at another time.
    pub fn entry_at(&self, clock_ms: u64, conversation: ConversationTag, text: &str) -> Entry {
        let content = Content::text(text);
        let body =
            EntryBody { conversation, clock: Hlc::from_ms(clock_ms), seq: 1, prev: Vec::new(), content };
        Unverified::sign(body, &self.keys)
    }

    /// Any bytes as the body of a `T`, under a signature that holds.
    pub fn sign_bytes<T: Signable>(&self, body: Vec<u8>) -> Result<Unverified<T>> {
        let cert = self.keys.cert();
        let signed = [T::DOMAIN, &cert.person.0, &cert.device.0, &T::signed_form(&body)].concat();
        let signature = self.device.sign(&signed)?;
        let signature = signature.try_into().ok().context("an Ed25519 signature has 64 bytes")?;
        Ok(Unverified::from_parts(body, cert.clone(), signature))
    }

    async fn order(&self, command: Command) -> Result<()> {
        self.commands.send(command).await.ok().context("the stranger has ended")
    }
}

/// Unix time in milliseconds.
pub fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

fn seed_of(keypair: Keypair) -> Result<[u8; 32]> {
    Ok(keypair.try_into_ed25519()?.secret().as_ref().try_into()?)
}

impl Behaviour {
    fn new(keypair: &Keypair, version: &str) -> Result<Self> {
        let identify = identify::Config::new(version.to_owned(), keypair.public());
        Ok(Self {
            identify: identify::Behaviour::new(identify),
            ping: ping::Behaviour::default(),
            gossip: gossip()?,
            hello: raw(protocol::HELLO),
            chat: raw(protocol::CHAT),
            sync: raw(protocol::SYNC),
            invite: raw(protocol::INVITE),
            call: raw(protocol::CALL),
            media: raw(protocol::MEDIA),
            nonsense: raw(NONSENSE),
        })
    }

    fn speak(&mut self, question: Question) -> &mut Raw {
        match question {
            Question::Hello => &mut self.hello,
            Question::Chat => &mut self.chat,
            Question::Sync => &mut self.sync,
            Question::Invite => &mut self.invite,
            Question::Call => &mut self.call,
            Question::Media => &mut self.media,
            Question::Nonsense => &mut self.nonsense,
        }
    }
}

fn gossip() -> Result<gossipsub::Behaviour> {
    let said = AtomicU64::new(0);
    let config = gossipsub::ConfigBuilder::default()
        .validation_mode(ValidationMode::None)
        // What is never judged is never forwarded.
        .validate_messages()
        // Every message is a new one, so that saying the same twice is possible.
        .message_id_fn(move |_| MessageId::new(&said.fetch_add(1, Ordering::Relaxed).to_be_bytes()))
        .max_transmit_size(GOSSIP_MAX)
        .heartbeat_initial_delay(Duration::from_millis(100))
        .build()?;
    gossipsub::Behaviour::new(MessageAuthenticity::Anonymous, config).map_err(anyhow::Error::msg)
}

fn raw(protocol: &'static str) -> Raw {
    let protocols = [(StreamProtocol::new(protocol), ProtocolSupport::Full)];
    request_response::Behaviour::with_codec(RawBytes, protocols, request_response::Config::default())
}

/// An answer that was held back, and where it goes.
type LateAnswer = (ResponseChannel<Vec<u8>>, Vec<u8>);

/// The one task that owns the swarm.
struct Actor {
    swarm: Swarm<Behaviour>,
    heard: Arc<Mutex<Heard>>,
    tell: watch::Sender<()>,
    asked: HashMap<OutboundRequestId, Answer>,
    /// How packets are answered, and how late.
    media: (MediaResponse, Duration),
    late: FuturesUnordered<BoxFuture<'static, LateAnswer>>,
}

impl Actor {
    async fn run(mut self, mut orders: mpsc::Receiver<Command>) {
        loop {
            tokio::select! {
                order = orders.recv() => match order {
                    Some(order) => self.obey(order),
                    None => return,
                },
                Some((channel, answer)) = self.late.next() => {
                    drop(self.swarm.behaviour_mut().media.send_response(channel, answer));
                }
                event = self.swarm.select_next_some() => self.hear(event),
            }
        }
    }

    fn obey(&mut self, order: Command) {
        let behaviour = self.swarm.behaviour_mut();
        match order {
            // A dial that fails is noticed by the one who waits for the connection.
            Command::Dial(address) => drop(self.swarm.dial(address)),
            Command::ListenOn(address) => drop(self.swarm.listen_on(address)),
            Command::Subscribe(topic) => drop(behaviour.gossip.subscribe(&IdentTopic::new(topic))),
            Command::Publish(topic, frame, reply) => {
                let published = behaviour.gossip.publish(IdentTopic::new(topic), frame);
                // Whoever asked may have given up; here and below that is no fault.
                let _ = reply.send(published.map(drop));
            }
            Command::Ask(question, peer, bytes, reply) => {
                let id = behaviour.speak(question).send_request(&peer, bytes);
                self.asked.insert(id, reply);
            }
            Command::AnswerMedia(response, delay) => self.media = (response, delay),
        }
    }

    fn hear(&mut self, event: SwarmEvent<BehaviourEvent>) {
        use request_response::{Event::Message as Asked, Message};
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            SwarmEvent::ConnectionEstablished { peer_id, num_established, .. } => {
                heard.connected.insert(peer_id);
                heard.links.insert(peer_id, num_established.get());
            }
            SwarmEvent::ConnectionClosed { peer_id, num_established, .. } => {
                heard.links.insert(peer_id, num_established);
                if num_established == 0 {
                    heard.connected.remove(&peer_id);
                }
            }
            SwarmEvent::Behaviour(BehaviourEvent::Call(Asked {
                message: Message::Request { request, channel, .. },
                ..
            })) => {
                heard.calls.extend(codec::decode::<CallRequest>(&request, request.len()).ok());
                // Whoever asked may be gone.
                let _ = self
                    .swarm
                    .behaviour_mut()
                    .call
                    .send_response(channel, codec::encode(&CallResponse::Noted));
            }
            SwarmEvent::Behaviour(BehaviourEvent::Media(Asked {
                connection_id,
                message: Message::Request { channel, .. },
                ..
            })) => {
                *heard.packets.entry(connection_id).or_default() += 1;
                let (response, delay) = self.media;
                let answer = tokio::time::sleep(delay).map(move |()| (channel, codec::encode(&response)));
                self.late.push(answer.boxed());
            }
            SwarmEvent::Behaviour(BehaviourEvent::Identify(identify::Event::Received {
                peer_id,
                info,
                ..
            })) => {
                let protocols = info.protocols.iter().map(ToString::to_string).collect();
                heard.protocols.insert(peer_id, protocols);
            }
            SwarmEvent::Behaviour(BehaviourEvent::Gossip(event)) => heard.gossip(event),
            SwarmEvent::Behaviour(
                BehaviourEvent::Hello(event)
                | BehaviourEvent::Chat(event)
                | BehaviourEvent::Sync(event)
                | BehaviourEvent::Invite(event)
                | BehaviourEvent::Call(event)
                | BehaviourEvent::Media(event)
                | BehaviourEvent::Nonsense(event),
            ) => {
                drop(heard);
                return self.answered(event);
            }
            _ => return,
        }
        drop(heard);
        self.tell.send_replace(());
    }

    fn answered(&mut self, event: request_response::Event<Vec<u8>, Vec<u8>>) {
        use request_response::{Event, Message};
        let (id, answer) = match event {
            Event::Message { message: Message::Response { request_id, response }, .. } => {
                (request_id, Ok(response))
            }
            Event::OutboundFailure { request_id, error, .. } => (request_id, Err(error)),
            _ => return,
        };
        if let Some(reply) = self.asked.remove(&id) {
            let _ = reply.send(answer);
        }
    }
}

impl Heard {
    fn gossip(&mut self, event: gossipsub::Event) {
        match event {
            gossipsub::Event::Subscribed { peer_id, topic } => {
                self.listeners.insert((peer_id, topic.into_string()));
            }
            gossipsub::Event::Message { message, propagation_source, .. } => {
                self.speakers.insert((propagation_source, message.topic.as_str().to_owned()));
                if let Ok(RoomFrame::Entries { entries, .. }) =
                    codec::decode(&message.data, message.data.len())
                {
                    self.entries.extend(entries);
                }
                self.frames.push((message.topic.into_string(), message.data));
            }
            _ => {}
        }
    }
}

/// Bytes as they are, to the end of the stream.
#[derive(Clone)]
struct RawBytes;

impl Codec for RawBytes {
    type Protocol = StreamProtocol;
    type Request = Vec<u8>;
    type Response = Vec<u8>;

    async fn read_request<T: AsyncRead + Unpin + Send>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
    ) -> io::Result<Vec<u8>> {
        read(io).await
    }

    async fn read_response<T: AsyncRead + Unpin + Send>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
    ) -> io::Result<Vec<u8>> {
        read(io).await
    }

    async fn write_request<T: AsyncWrite + Unpin + Send>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
        bytes: Vec<u8>,
    ) -> io::Result<()> {
        io.write_all(&bytes).await
    }

    async fn write_response<T: AsyncWrite + Unpin + Send>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
        bytes: Vec<u8>,
    ) -> io::Result<()> {
        io.write_all(&bytes).await
    }
}

/// An end without a byte is a refusal: the cbor codec of the real peers never answers with nothing.
async fn read<T: AsyncRead + Unpin + Send>(io: &mut T) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    io.take(ANSWER_MAX).read_to_end(&mut bytes).await?;
    if bytes.is_empty() { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(bytes) }
}
