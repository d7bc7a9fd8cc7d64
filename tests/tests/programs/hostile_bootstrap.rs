//! What bootstrap nodes can do to a peer that asks them, and strangers that only say to be some: nothing.
#![cfg(target_os = "linux")] // Memory is read from /proc.
#![allow(clippy::expect_used)] // A panic is the report, in a test's helpers too.
#![allow(clippy::print_stdout)] // What was measured is worth reading in a log.

use std::io;
use std::sync::OnceLock;

use anyhow::{Context, Result, ensure};
use futures::{AsyncRead, AsyncWrite, StreamExt};
use kinmesh_net::rendezvous::{PROTOCOL, read_message, write_message};
use kinmesh_net::transport;
use kinmesh_proto::rendezvous::{Cookie, Found, Request, Response};
use kinmesh_proto::{JoinLink, RoomId, RoomName, limits, protocol};
use kinmesh_tests::peer::list;
use kinmesh_tests::process::resident_bytes;
use kinmesh_tests::{DEADLINE, Peer, PeerOptions};
use libp2p::core::PeerRecord;
use libp2p::identity::Keypair;
use libp2p::multiaddr::Protocol;
use libp2p::request_response::{self, Codec, Message, ProtocolSupport};
use libp2p::swarm::{NetworkBehaviour, SwarmEvent};
use libp2p::{Multiaddr, StreamProtocol, Swarm, identify, ping};
use serde_json::json;
use tokio::sync::watch;
use tokio::time::timeout;

/// What an attack may leave behind in the peer's memory: buffers the allocator keeps. Thousands of
/// records that are remembered, or a megabyte for each question, show up far above it.
const GROWTH_MAX: u64 = 8 * 1024 * 1024;

/// A node that offers rendezvous and answers every question in its own way.
struct Impostor {
    address: Multiaddr,
    /// Namespaces somebody asked for or registered in.
    asked: watch::Receiver<Vec<String>>,
}

#[derive(NetworkBehaviour)]
struct Behaviour {
    identify: identify::Behaviour,
    ping: ping::Behaviour,
    rendezvous: request_response::Behaviour<AnyAnswer>,
}

type Answer = fn(&Request) -> Vec<u8>;

impl Impostor {
    /// Starts one; it dials `victim` if there is one.
    async fn start(answer: Answer, victim: Option<&Multiaddr>) -> Result<Self> {
        let key = Keypair::generate_ed25519();
        let identify = identify::Config::new(protocol::IDENTIFY.to_owned(), key.public());
        let behaviour = Behaviour {
            identify: identify::Behaviour::new(identify),
            ping: ping::Behaviour::default(),
            rendezvous: request_response::Behaviour::with_codec(
                AnyAnswer,
                [(PROTOCOL, ProtocolSupport::Inbound)],
                request_response::Config::default().with_max_concurrent_streams(1000),
            ),
        };
        let mut swarm = transport::build_swarm(&key, behaviour)?;
        swarm.listen_on("/ip4/127.0.0.1/udp/0/quic-v1".parse()?)?;
        let own = loop {
            if let SwarmEvent::NewListenAddr { address, .. } = swarm.select_next_some().await {
                break address;
            }
        };
        if let Some(victim) = victim {
            swarm.dial(victim.clone())?;
            // Its own identify is on the way by the time that it has read ours.
            let identified = async {
                loop {
                    let event = swarm.select_next_some().await;
                    if let SwarmEvent::Behaviour(BehaviourEvent::Identify(identify::Event::Sent { .. })) =
                        event
                    {
                        return;
                    }
                }
            };
            timeout(DEADLINE, identified).await.context("nobody wants to know who it is")?;
        }
        let (tell, asked) = watch::channel(Vec::new());
        let address = own.with(Protocol::P2p(key.public().to_peer_id()));
        tokio::spawn(serve(swarm, answer, tell));
        Ok(Self { address, asked })
    }

    fn link(&self) -> String {
        JoinLink { nodes: vec![self.address.to_string()], room: None }.to_string()
    }

    fn was_asked_for(&self, namespace: &str) -> usize {
        self.asked.borrow().iter().filter(|asked| *asked == namespace).count()
    }

    async fn until_asked_for(&mut self, namespace: &str) -> Result<()> {
        let asked = self.asked.wait_for(|asked| asked.iter().any(|known| known == namespace));
        timeout(DEADLINE, asked).await.with_context(|| format!("nobody asks for {namespace}"))??;
        Ok(())
    }
}

async fn serve(mut swarm: Swarm<Behaviour>, answer: Answer, tell: watch::Sender<Vec<String>>) {
    loop {
        let event = swarm.select_next_some().await;
        let SwarmEvent::Behaviour(BehaviourEvent::Rendezvous(request_response::Event::Message {
            message: Message::Request { request, channel, .. },
            ..
        })) = event
        else {
            continue;
        };
        // The peer may have hung up.
        let _ = swarm.behaviour_mut().rendezvous.send_response(channel, answer(&request));
        let (Request::Register { namespace, .. }
        | Request::Unregister { namespace }
        | Request::Discover { namespace: Some(namespace), .. }) = request
        else {
            continue;
        };
        tell.send_modify(|asked| asked.push(namespace));
    }
}

/// Reads requests as a bootstrap node does, and answers with any bytes.
#[derive(Clone)]
struct AnyAnswer;

impl Codec for AnyAnswer {
    type Protocol = StreamProtocol;
    type Request = Request;
    type Response = Vec<u8>;

    async fn read_request<T: AsyncRead + Unpin + Send>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
    ) -> io::Result<Request> {
        let bytes = read_message(io, limits::RENDEZVOUS_REQUEST_MAX).await?;
        Request::decode(&bytes).ok_or_else(|| io::ErrorKind::InvalidData.into())
    }

    async fn read_response<T: AsyncRead + Unpin + Send>(
        &mut self,
        _: &StreamProtocol,
        _: &mut T,
    ) -> io::Result<Vec<u8>> {
        Err(io::ErrorKind::Unsupported.into())
    }

    async fn write_request<T: AsyncWrite + Unpin + Send>(
        &mut self,
        _: &StreamProtocol,
        _: &mut T,
        _: Request,
    ) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    async fn write_response<T: AsyncWrite + Unpin + Send>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
        bytes: Vec<u8>,
    ) -> io::Result<()> {
        write_message(io, &bytes).await
    }
}

/// Registrations of people who do not exist, at a port that nobody listens on.
fn invented(count: usize, namespace: &str, ttl: u64) -> Vec<Found> {
    let invent = |_| {
        let address = "/ip4/127.0.0.1/tcp/1".parse().expect("an address");
        let record = PeerRecord::new(&Keypair::generate_ed25519(), vec![address]).expect("a key that signs");
        let record = record.into_signed_envelope().into_protobuf_encoding();
        Found { namespace: namespace.to_owned(), record, ttl }
    };
    (0..count).map(invent).collect()
}

fn found(found: Vec<Found>, namespace: &str) -> Vec<u8> {
    Response::Found(Ok((found, Cookie { seen: 1, namespace: namespace.to_owned() }))).encode()
}

/// Says of everything that it lasts for ever.
fn lasts_for_ever(request: &Request) -> Vec<u8> {
    match request {
        Request::Discover { namespace, .. } => {
            let namespace = namespace.as_deref().unwrap_or_default();
            found(invented(3, namespace, u64::MAX), namespace)
        }
        _ => Response::Registered(Ok(u64::MAX)).encode(),
    }
}

/// Answers with a hundred new people each time, as many as it may, and now and then with thousands.
fn knows_a_crowd(request: &Request) -> Vec<u8> {
    static CROWD: OnceLock<Vec<u8>> = OnceLock::new();
    let Request::Discover { namespace, .. } = request else { return Response::Registered(Ok(600)).encode() };
    let namespace = namespace.as_deref().unwrap_or_default();
    if !namespace.starts_with(['0', '1', '2', '3', '4', '5', '6', '7']) {
        return found(invented(limits::RENDEZVOUS_FOUND_MAX, namespace, 600), namespace);
    }
    let crowd = || found(invented(5_000, namespace, 600), namespace);
    CROWD.get_or_init(crowd).clone()
}

fn namespace(room: &str) -> Result<String> {
    Ok(RoomId::public(&RoomName::new(room)?).namespace())
}

async fn chat(alice: &Peer, bob: &Peer, said: &str) -> Result<()> {
    for (from, to) in [(alice, bob), (bob, alice)] {
        let said = format!("{said}, says {}", from.me()["name"]);
        from.send(&to.chat_with_me(), &said).await?;
        to.wait_text(&said).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_stranger_that_offers_rendezvous_is_asked_nothing() -> Result<()> {
    let alice = Peer::spawn(PeerOptions::named("Alice")).await?;
    let link: JoinLink = alice.join_link().await?.parse()?;
    let stranger = Impostor::start(lasts_for_ever, Some(&link.nodes[0].parse()?)).await?;
    let mut chosen = Impostor::start(|_| Response::Registered(Ok(600)).encode(), None).await?;
    alice.join_room("lobby").await?;
    alice.call("network.add", json!({ "link": chosen.link() })).await?;
    chosen.until_asked_for(&namespace("lobby")?).await?;
    // Whoever is asked at all is asked about everything new at the same time.
    for room in ["kitchen", "garden"] {
        alice.join_room(room).await?;
        chosen.until_asked_for(&namespace(room)?).await?;
    }
    ensure!(stranger.asked.borrow().is_empty(), "a stranger knows of {:?}", *stranger.asked.borrow());
    Ok(())
}

#[tokio::test]
async fn bootstrap_nodes_that_answer_beyond_all_measure_do_no_harm() -> Result<()> {
    let mut nodes =
        [Impostor::start(lasts_for_ever, None).await?, Impostor::start(knows_a_crowd, None).await?];
    let options = nodes.iter().fold(PeerOptions::named("Alice"), |options, node| options.join(node.link()));
    let alice = Peer::spawn(options).await?;
    let bob = Peer::spawn(PeerOptions::named("Bob").join(alice.join_link().await?)).await?;
    alice.join_room("lobby").await?;
    bob.join_room("lobby").await?;
    let both = |rooms: &serde_json::Value| list(rooms).any(|room| room["online"] == 2);
    alice.wait_until("rooms.list", json!({}), both).await?;
    alice.befriend(&bob).await?;
    chat(&alice, &bob, "before").await?;
    for node in &mut nodes {
        node.until_asked_for(&namespace("lobby")?).await?;
    }
    // Each new room makes it ask about all of them; the first wave fills what fills anyway.
    let mut before = 0;
    for wave in ["wave", "surge"] {
        before = resident_bytes(alice.pid()?)?;
        for n in 0..12 {
            let room = alice.join_room(&format!("{wave} {n}")).await?;
            for node in &mut nodes {
                node.until_asked_for(&namespace(&format!("{wave} {n}"))?).await?;
            }
            alice.call("rooms.leave", json!({ "room": room["room"] })).await?;
        }
        timeout(DEADLINE, chat(&alice, &bob, wave)).await??;
    }
    for node in &nodes {
        ensure!(node.was_asked_for(&namespace("lobby")?) > 20, "it was asked over and over");
    }
    let growth = resident_bytes(alice.pid()?)?.saturating_sub(before);
    println!("the second wave left {} KiB", growth / 1024);
    ensure!(growth <= GROWTH_MAX, "it grew by {growth} bytes");
    Ok(())
}
