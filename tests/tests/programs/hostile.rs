//! What strangers can do to a running peer: nothing. Each story ends with the peer alive, chatting,
//! and within its memory.
#![allow(clippy::print_stdout)] // What was measured is worth reading in a log.

mod member;

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use kinmesh_proto::{
    Ask, ChatRequest, ChatResponse, Content, ConversationId, ConversationTag, Digest, EntryBody, EntryPack,
    Hello, Hlc, JoinLink, KeyRange, PersonId, Presence, PresenceState, Receipt, Refusal, RoomFrame, RoomId,
    RoomName, SyncAsk, SyncRequest, SyncResponse, Unverified, Wanted, codec, limits,
};
use kinmesh_tests::peer::list;
use kinmesh_tests::process::resident_bytes;
use kinmesh_tests::stranger::{NONSENSE, Question, Stranger, now_ms};
use kinmesh_tests::{DEADLINE, Peer, PeerOptions};
use libp2p::multiaddr::Protocol;
use libp2p::{Multiaddr, PeerId};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::timeout;

mod media;

/// What an attack may leave behind in the peer's memory: caches that fill anyway, buffers the allocator
/// keeps, and the 15 MB with which the search index writes what was said, at any time. An attack that
/// is held in memory shows up far above it: the largest are 10 MB each, and come many times over.
const GROWTH_MAX: u64 = 40 * 1024 * 1024;
/// Milliseconds of a year.
const YEAR_MS: u64 = 365 * 24 * 60 * 60 * 1000;

/// Alice, whom it is about, and Bob, who chats with her meanwhile.
struct Scene {
    alice: Peer,
    bob: Peer,
    lobby: Value,
    addresses: Vec<Multiaddr>,
    resident: u64,
}

impl Scene {
    async fn open() -> Result<Self> {
        let listen = ["/ip4/127.0.0.1/udp/0/quic-v1", "/ip4/127.0.0.1/tcp/0"];
        let alice = Peer::spawn(PeerOptions::named("Alice").listen(&listen)).await?;
        let listens = |status: &Value| list(&status["listening"]).count() == listen.len();
        alice.wait_until("network.status", json!({}), listens).await?;
        let link: JoinLink = alice.join_link().await?.parse()?;
        let bob = Peer::spawn(PeerOptions::named("Bob").join(link.to_string())).await?;
        let lobby = alice.join_room("lobby").await?;
        bob.join_room("lobby").await?;
        let both = |rooms: &Value| list(rooms).any(|room| room["online"] == 2);
        tokio::try_join!(
            alice.wait_until("rooms.list", json!({}), both),
            bob.wait_until("rooms.list", json!({}), both)
        )?;
        let addresses = link.nodes.iter().map(|node| node.parse()).collect::<Result<_, _>>()?;
        alice.befriend(&bob).await?;
        let mut scene = Self { alice, bob, lobby, addresses, resident: 0 };
        scene.chat("before").await?;
        scene.resident = resident_bytes(scene.alice.pid()?)?;
        Ok(scene)
    }

    fn address(&self, is_wanted: impl Fn(&Protocol<'_>) -> bool) -> Result<&Multiaddr> {
        let found = self.addresses.iter().find(|address| address.iter().any(|part| is_wanted(&part)));
        found.context("Alice listens there")
    }

    fn quic(&self) -> Result<&Multiaddr> {
        self.address(|part| matches!(part, Protocol::QuicV1))
    }

    fn tcp(&self) -> Result<&Multiaddr> {
        self.address(|part| matches!(part, Protocol::Tcp(_)))
    }

    /// A stranger that is connected to Alice, and has not said a word yet.
    async fn stranger(&self) -> Result<(Stranger, PeerId)> {
        let stranger = Stranger::start()?;
        let alice = stranger.dial(self.quic()?).await?;
        Ok((stranger, alice))
    }

    /// A stranger that said its name and is in the lobby, as anybody may.
    async fn mallory(&self) -> Result<(Stranger, PeerId)> {
        let (mallory, alice) = self.stranger().await?;
        mallory.greet(alice, &mallory.hello("Mallory")?).await?;
        mallory.enter(lobby(), alice).await?;
        Ok((mallory, alice))
    }

    /// Alice accepts somebody as a contact, who has said hello: they may do now what contacts may.
    async fn lets_in(&self, somebody: &Stranger, alice: PeerId) -> Result<()> {
        let ask = Ask { entry: None, introduction: None };
        let answer = somebody.chat(alice, &ChatRequest::Ask(Box::new(ask))).await?;
        ensure!(answer == ChatResponse::Noted, "{answer:?}");
        let person = json!(somebody.keys().person());
        self.alice.call("contacts.accept", json!({ "person": person })).await.map(drop)
    }

    /// A stranger in the lobby who is connected to Bob as well, so that what Bob says there reaches them.
    async fn eavesdropper(&self) -> Result<(Stranger, PeerId)> {
        let (mallory, alice) = self.mallory().await?;
        let link: JoinLink = self.bob.join_link().await?.parse()?;
        let bob = mallory.dial(&link.nodes[0].parse()?).await?;
        mallory.greet(bob, &mallory.hello("Mallory")?).await?;
        let three = |rooms: &Value| list(rooms).any(|room| room["online"] == 3);
        self.bob.wait_until("rooms.list", json!({}), three).await?;
        Ok((mallory, alice))
    }

    /// Alice and Bob still chat, in both ways and both directions.
    async fn chat(&self, when: &str) -> Result<()> {
        for (from, to) in [(&self.alice, &self.bob), (&self.bob, &self.alice)] {
            let said = format!("{when}: {} in the room", from.me()["name"]);
            from.send(&self.lobby, &said).await?;
            to.wait_text(&said).await?;
            let said = format!("{when}: {} in private", from.me()["name"]);
            let sent = from.send(&to.chat_with_me(), &said).await?;
            to.wait_text(&said).await?;
            from.wait_delivery(&sent, "delivered").await?;
        }
        Ok(())
    }

    /// Texts in a conversation of Alice that neither she nor Bob wrote.
    async fn foreign(&self, conversation: &Value) -> Result<Vec<String>> {
        let honest = [&self.alice.me()["person"], &self.bob.me()["person"]];
        let history = self.alice.history(conversation).await?;
        let foreign = history.iter().filter(|entry| !honest.contains(&&entry["author"]));
        Ok(foreign.map(|entry| entry["text"].as_str().unwrap_or("unreadable").to_owned()).collect())
    }

    /// Names of everybody Alice knows of, but Echo.
    async fn people(&self) -> Result<Vec<String>> {
        let people = self.alice.call("people.list", json!({})).await?;
        let others = list(&people).filter(|person| person["is_echo"] == false);
        Ok(others.map(|person| person["own_name"].to_string()).collect())
    }

    /// The peer lives, chats, and did not grow.
    async fn unharmed(&self) -> Result<()> {
        self.chat("after").await?;
        let resident = resident_bytes(self.alice.pid()?)?;
        let growth = resident.saturating_sub(self.resident);
        println!("resident: {} KiB, {} KiB more than before", resident / 1024, growth / 1024);
        ensure!(growth <= GROWTH_MAX, "it grew by {growth} bytes to {resident}");
        Ok(())
    }
}

fn lobby() -> RoomId {
    RoomId::public(&RoomName::lobby())
}

fn lobby_tag() -> ConversationTag {
    ConversationTag(lobby().0)
}

fn person(peer: &Peer) -> Result<PersonId> {
    Ok(peer.me()["person"].as_str().context("a person has an id")?.parse()?)
}

/// The tag of the chat between a stranger and a peer.
fn chat_tag(stranger: &Stranger, peer: &Peer) -> Result<ConversationTag> {
    Ok(ConversationId::Direct(person(peer)?).tag(stranger.keys().person()))
}

fn socket(address: &Multiaddr) -> Result<SocketAddr> {
    let port = address.iter().find_map(|part| match part {
        Protocol::Udp(port) | Protocol::Tcp(port) => Some(port),
        _ => None,
    });
    Ok((Ipv4Addr::LOCALHOST, port.context("an address has a port")?).into())
}

/// Bytes without any order, the same in every run.
fn noise(seed: u64, size: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    (0..size).map(|_| next()).collect()
}

fn refused(reason: Refusal, count: usize) -> ChatResponse {
    ChatResponse::Receipts(vec![Receipt::Refused(reason); count])
}

/// Tells Alice in the lobby what is in order, and waits until she has it: what the same stranger
/// said before is then decided too, for it came over the same stream.
async fn says_something_proper(scene: &Scene, mallory: &Stranger) -> Result<()> {
    let proper = mallory.entry(lobby_tag(), "something proper");
    mallory.publish_entries(lobby(), vec![proper.envelope().clone()]).await?;
    scene.alice.wait_text("something proper").await?;
    Ok(())
}

#[tokio::test]
async fn garbage_on_its_ports_is_ignored() -> Result<()> {
    let scene = Scene::open().await?;
    let tcp = socket(scene.tcp()?)?;
    for seed in 0..20 {
        let mut stream = TcpStream::connect(tcp).await?;
        // A handshake that begins well, and then does not.
        if seed % 2 == 0 {
            stream.write_all(b"\x13/multistream/1.0.0\n").await?;
        }
        // Alice may hang up at any time.
        let _ = stream.write_all(&noise(seed, 1024 * 1024)).await;
        let _ = stream.shutdown().await;
        let ended = async { while stream.read(&mut [0; 4096]).await.is_ok_and(|size| size > 0) {} };
        timeout(DEADLINE, ended).await.context("Alice listens to noise")?;
    }
    let udp = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    for seed in 0..5_000 {
        let mut packet = noise(seed, 1 + seed as usize % 1400);
        // Half of them look like the first packet of a connection: long header, version 1.
        if seed % 2 == 0 && packet.len() > 5 {
            packet[..5].copy_from_slice(&[0xC3, 0, 0, 0, 1]);
        }
        udp.send_to(&packet, socket(scene.quic()?)?).await?;
    }
    scene.unharmed().await
}

#[tokio::test]
async fn connections_that_say_nothing_are_given_up() -> Result<()> {
    let scene = Scene::open().await?;
    let mut silent = Vec::new();
    for _ in 0..200 {
        silent.push(TcpStream::connect(socket(scene.tcp()?)?).await?);
    }
    scene.chat("while many are silent").await?;
    let opened = Instant::now();
    for stream in &mut silent {
        // Alice opens with her side of the handshake, and hangs up in the end.
        let ended = async { while stream.read(&mut [0; 4096]).await.is_ok_and(|size| size > 0) {} };
        timeout(DEADLINE, ended).await.context("a silent connection is kept")?;
    }
    println!("the last silent connection was given up after {:.1?}", opened.elapsed());
    // Whoever comes now is let in.
    scene.stranger().await?;
    scene.unharmed().await
}

#[tokio::test]
async fn unknown_protocols_are_declined() -> Result<()> {
    let scene = Scene::open().await?;
    let (stranger, alice) = scene.stranger().await?;
    ensure!(!stranger.heard().protocols[&alice].iter().any(|known| known == NONSENSE));
    for seed in 0..100 {
        stranger.ask_in_vain(Question::Nonsense, alice, noise(seed, 10_000)).await?;
    }
    // The connection as such is none the worse for it.
    ensure!(stranger.greet(alice, &stranger.hello("Mallory")?).await?.is_some());
    scene.unharmed().await
}

#[tokio::test]
async fn other_programs_on_libp2p_are_shown_the_door() -> Result<()> {
    let scene = Scene::open().await?;
    let other = Stranger::start_as("somebody-else/1")?;
    let alice = other.begin_to_dial(scene.quic()?).await?;
    other.wait("the door", |heard| (heard.links.get(&alice) == Some(&0)).then_some(())).await?;
    scene.unharmed().await
}

#[tokio::test]
async fn oversized_frames_are_refused() -> Result<()> {
    let scene = Scene::open().await?;
    let (stranger, alice) = scene.stranger().await?;
    let mut hello = codec::encode(&stranger.hello("Mallory")?);
    hello.resize(limits::HELLO_MAX as usize + 1, 0);
    stranger.ask_in_vain(Question::Hello, alice, hello).await?;
    ensure!(stranger.greet(alice, &stranger.hello("Mallory")?).await?.is_some());
    scene.lets_in(&stranger, alice).await?;

    let tag = chat_tag(&stranger, &scene.alice)?;
    let large = stranger.entry(tag, &"x".repeat(limits::TEXT_MAX)).envelope().clone();
    for copies in [limits::CHAT_REQUEST_MAX as usize / limits::TEXT_MAX + 1, 1000] {
        let request = ChatRequest::Deliver(vec![large.clone(); copies]);
        stranger.ask_in_vain(Question::Chat, alice, codec::encode(&request)).await?;
    }
    let received = stranger.deliver(alice, vec![large]).await?;
    assert_eq!(received, ChatResponse::Receipts(vec![Receipt::Stored]), "the largest that is allowed");

    // Above our own limit, above gossipsub's, and far above any.
    for size in [limits::ROOM_FRAME_MAX + 1, limits::GOSSIP_TRANSMIT_MAX + 1, 10_000_000] {
        let (mallory, _) = scene.mallory().await?;
        let entries =
            vec![mallory.entry(lobby_tag(), &"y".repeat(30_000)).envelope().clone(); 1 + size / 30_000];
        mallory.publish_entries(lobby(), entries).await?;
        mallory.publish(lobby(), noise(size as u64, size)).await?;
    }
    let (mallory, _) = scene.mallory().await?;
    says_something_proper(&scene, &mallory).await?;
    assert_eq!(scene.foreign(&scene.lobby).await?, ["something proper"]);
    scene.unharmed().await
}

#[tokio::test]
async fn a_text_above_the_limit_is_refused_even_when_it_is_signed() -> Result<()> {
    let scene = Scene::open().await?;
    let (mallory, alice) = scene.mallory().await?;
    scene.lets_in(&mallory, alice).await?;
    let tag = chat_tag(&mallory, &scene.alice)?;
    for text in ["x".repeat(limits::TEXT_MAX + 1), String::new()] {
        let entry = mallory.entry(tag, &text).envelope().clone();
        assert_eq!(mallory.deliver(alice, vec![entry]).await?, refused(Refusal::Invalid, 1));
        mallory.publish_entries(lobby(), vec![mallory.entry(lobby_tag(), &text).envelope().clone()]).await?;
    }
    says_something_proper(&scene, &mallory).await?;
    assert_eq!(scene.foreign(&scene.lobby).await?, ["something proper"]);
    scene.unharmed().await
}

/// Bytes that are no value of ours, each for a reason of its own.
fn malformed(proper: &[u8]) -> Vec<Vec<u8>> {
    let nested = |opening: u8| vec![opening; 200_000];
    vec![
        b"not CBOR at all".to_vec(),
        proper[..proper.len() / 2].to_vec(),
        [proper, b"\0"].concat(),
        // Another type, properly encoded.
        codec::encode(&vec![1_u64, 2, 3]),
        // Arrays, maps and tags within each other, deep enough to break a stack.
        nested(0x81),
        nested(0xA1),
        nested(0xC1),
        // Lengths that no memory holds: bytes, text, array and map of 2^63.
        [0x5B, 0x7B, 0x9B, 0xBB]
            .iter()
            .flat_map(|head| [vec![*head, 0x7F], vec![0xFF; 7]].concat())
            .collect(),
        noise(1, 4000),
    ]
}

#[tokio::test]
async fn invalid_cbor_is_refused() -> Result<()> {
    let scene = Scene::open().await?;
    let (stranger, alice) = scene.stranger().await?;
    let hello = stranger.hello("Mallory")?;
    for bytes in malformed(&codec::encode(&hello)) {
        stranger.ask_in_vain(Question::Hello, alice, bytes).await?;
    }
    stranger.greet(alice, &hello).await?;
    scene.lets_in(&stranger, alice).await?;
    let entry = stranger.entry(chat_tag(&stranger, &scene.alice)?, "proper").envelope().clone();
    let request = codec::encode(&ChatRequest::Deliver(vec![entry.clone()]));
    for bytes in malformed(&request) {
        stranger.ask_in_vain(Question::Chat, alice, bytes).await?;
    }
    assert_eq!(stranger.deliver(alice, vec![entry]).await?, ChatResponse::Receipts(vec![Receipt::Stored]));

    let (mallory, _) = scene.mallory().await?;
    let entries = vec![mallory.entry(lobby_tag(), "never shown").envelope().clone()];
    for bytes in malformed(&codec::encode(&RoomFrame::Entries { entries, attempt: 0 })) {
        // A frame that is not readable costs its sender's standing: each one its own.
        let (mallory, _) = scene.mallory().await?;
        mallory.publish(lobby(), bytes).await?;
        mallory.publish(lobby(), Vec::new()).await?;
    }
    says_something_proper(&scene, &mallory).await?;
    assert_eq!(scene.foreign(&scene.lobby).await?, ["something proper"]);
    scene.unharmed().await
}

/// Content of a kind that is not known here, with a value in it that is this deep. One byte a level:
/// the header of an array of one.
fn deep_content(depth: usize) -> Vec<u8> {
    [b"\xa2\x61k\x69sculpture\x64deep", &vec![0x81; depth][..], &[0xF6]].concat()
}

#[tokio::test]
async fn a_signed_body_that_is_deep_enough_to_break_a_stack_is_refused() -> Result<()> {
    let scene = Scene::open().await?;
    let (mallory, alice) = scene.mallory().await?;
    scene.lets_in(&mallory, alice).await?;
    let clock = Hlc::from_ms(now_ms());
    let conversation = chat_tag(&mallory, &scene.alice)?;
    let content = Content::Unknown;
    let header = codec::encode(&EntryBody { conversation, clock, seq: 1, prev: Vec::new(), content });
    // Deep within reason is what a later version may say, and kept; deeper is no content at all.
    for (depth, expected) in [(100, Receipt::Stored), (30_000, Receipt::Refused(Refusal::Invalid))] {
        let entry = mallory.sign_bytes::<EntryBody>([&header[..], &deep_content(depth)].concat())?;
        let answer = mallory.deliver(alice, vec![entry]).await?;
        assert_eq!(answer, ChatResponse::Receipts(vec![expected]), "{depth} levels");
    }
    scene.unharmed().await
}

#[tokio::test]
async fn a_forged_author_is_refused() -> Result<()> {
    let scene = Scene::open().await?;
    let (mallory, alice) = scene.mallory().await?;
    scene.lets_in(&mallory, alice).await?;
    let honest = mallory.entry(chat_tag(&mallory, &scene.alice)?, "pay Mallory 10");
    let (body, cert, signature) = honest.envelope().parts();
    let mut changed = body.to_vec();
    *changed.last_mut().context("a body is not empty")? ^= 1;
    let bent = {
        let mut bent = *signature;
        bent[7] ^= 1;
        bent
    };
    let forged = [
        Unverified::from_parts(changed, cert.clone(), *signature),
        Unverified::from_parts(body.to_vec(), cert.clone(), bent),
        Unverified::from_parts(body.to_vec(), cert.clone(), [0; 64]),
    ];
    assert_eq!(mallory.deliver(alice, forged.to_vec()).await?, refused(Refusal::Invalid, 3));

    let in_room = mallory.entry(lobby_tag(), "never shown");
    let (body, cert, _) = in_room.envelope().parts();
    let forged = Unverified::from_parts(body.to_vec(), cert.clone(), bent);
    // One bad entry spoils the frame it comes in.
    mallory.publish_entries(lobby(), vec![in_room.envelope().clone(), forged]).await?;
    says_something_proper(&scene, &mallory).await?;
    assert_eq!(scene.foreign(&scene.lobby).await?, ["something proper"]);
    scene.unharmed().await
}

#[tokio::test]
async fn a_stolen_certificate_speaks_for_nobody() -> Result<()> {
    let scene = Scene::open().await?;
    let (mallory, alice) = scene.eavesdropper().await?;
    scene.lets_in(&mallory, alice).await?;
    // Everybody in the room sees Bob's certificate.
    scene.bob.send(&scene.lobby, "said by Bob").await?;
    let bob = person(&scene.bob)?;
    let cert = mallory
        .wait("an entry of Bob", |heard| {
            let mut certs = heard.entries.iter().map(|entry| entry.parts().1);
            certs.find(|cert| cert.person == bob).cloned()
        })
        .await?;
    let as_bob = |tag, text: &str| {
        let mine = mallory.entry(tag, text);
        let (body, _, signature) = mine.envelope().parts();
        Unverified::from_parts(body.to_vec(), cert.clone(), *signature)
    };
    let tag = ConversationId::Direct(person(&scene.alice)?).tag(bob);
    let answer = mallory.deliver(alice, vec![as_bob(tag, "I am Bob")]).await?;
    assert_eq!(answer, refused(Refusal::Invalid, 1));
    mallory.publish_entries(lobby(), vec![as_bob(lobby_tag(), "I am Bob")]).await?;

    // Bob's own word, but out of Mallory's mouth.
    let bob_stranger = Stranger::start()?;
    let link: JoinLink = scene.bob.join_link().await?.parse()?;
    let at_bob = bob_stranger.dial(&link.nodes[0].parse()?).await?;
    let stolen = bob_stranger.greet(at_bob, &bob_stranger.hello("Mallory's friend")?).await?;
    let stolen: Hello = stolen.context("Bob answers")?;
    let (thief, alice) = scene.stranger().await?;
    thief.greet(alice, &stolen).await?;
    // Whoever has not said who they are gets nothing stored.
    let answer =
        thief.deliver(alice, vec![thief.entry(chat_tag(&thief, &scene.alice)?, "x").envelope().clone()]);
    assert_eq!(answer.await?, ChatResponse::Busy);

    says_something_proper(&scene, &mallory).await?;
    for conversation in [&scene.lobby, &scene.bob.chat_with_me()] {
        let history = scene.alice.history(conversation).await?;
        ensure!(history.iter().all(|entry| entry["text"] != "I am Bob"), "{history:?}");
    }
    scene.unharmed().await
}

#[tokio::test]
async fn a_replayed_entry_is_shown_once() -> Result<()> {
    let scene = Scene::open().await?;
    let (mallory, _) = scene.eavesdropper().await?;
    scene.bob.send(&scene.lobby, "said once").await?;
    scene.alice.wait_text("said once").await?;
    let entry = mallory
        .wait("the entry", |heard| {
            let is_meant = |entry: &&Unverified<EntryBody>| {
                entry.parts().0.windows(9).any(|bytes| bytes == b"said once")
            };
            heard.entries.iter().find(is_meant).cloned()
        })
        .await?;
    let frame = |attempt| codec::encode(&RoomFrame::Entries { entries: vec![entry.clone()], attempt });
    // The very same frame, and frames that only look new to gossip.
    for attempt in [0, 0, 1, 2, u32::MAX] {
        mallory.publish(lobby(), frame(attempt)).await?;
    }
    mallory.publish_entries(lobby(), vec![entry.clone(), entry.clone()]).await?;
    let fresh = mallory.entry(lobby_tag(), "said beside it").envelope().clone();
    mallory.publish_entries(lobby(), vec![entry.clone(), fresh.clone(), entry.clone(), fresh]).await?;
    scene.alice.wait_text("said beside it").await?;
    says_something_proper(&scene, &mallory).await?;
    let said = scene.alice.history(&scene.lobby).await?;
    for text in ["said once", "said beside it"] {
        assert_eq!(said.iter().filter(|entry| entry["text"] == text).count(), 1, "{text}");
        let told = scene.alice.told();
        let again = told.iter().any(|line| line["params"]["entry"]["text"] == text);
        ensure!(!again, "{text} was told twice");
    }
    scene.unharmed().await
}

#[tokio::test]
async fn an_entry_replayed_into_another_conversation_is_refused() -> Result<()> {
    let scene = Scene::open().await?;
    let kitchen = RoomName::new("kitchen")?;
    let kitchen_of_alice = scene.alice.join_room(kitchen.as_str()).await?;
    let (mallory, alice) = scene.eavesdropper().await?;
    mallory.enter(RoomId::public(&kitchen), alice).await?;
    scene.bob.send(&scene.lobby, "only for the lobby").await?;
    let bob = person(&scene.bob)?;
    let of_bob = |heard: &kinmesh_tests::stranger::Heard| {
        heard.entries.iter().find(|entry| entry.parts().1.person == bob).cloned()
    };
    let entry = mallory.wait("an entry of Bob", of_bob).await?;

    // Into another room, by somebody else and by its author.
    mallory.publish_entries(RoomId::public(&kitchen), vec![entry.clone()]).await?;
    let own = mallory.entry(lobby_tag(), "own words, wrong room").envelope().clone();
    mallory.publish_entries(RoomId::public(&kitchen), vec![own.clone()]).await?;
    // Into a private chat.
    scene.lets_in(&mallory, alice).await?;
    assert_eq!(mallory.deliver(alice, vec![entry]).await?, refused(Refusal::NotAuthor, 1));
    assert_eq!(mallory.deliver(alice, vec![own]).await?, refused(Refusal::WrongConversation, 1));
    let tag = ConversationId::Direct(bob).tag(person(&scene.alice)?);
    let foreign = mallory.entry(tag, "between Alice and Bob").envelope().clone();
    assert_eq!(mallory.deliver(alice, vec![foreign]).await?, refused(Refusal::WrongConversation, 1));

    says_something_proper(&scene, &mallory).await?;
    ensure!(scene.alice.history(&kitchen_of_alice).await?.is_empty(), "something got into the kitchen");
    let with_mallory = json!({ "direct": mallory.keys().person() });
    ensure!(scene.alice.history(&with_mallory).await?.is_empty(), "something got into the chat");
    scene.unharmed().await
}

#[tokio::test]
async fn somebody_elses_entry_is_not_taken_one_to_one() -> Result<()> {
    let scene = Scene::open().await?;
    let (mallory, alice) = scene.mallory().await?;
    let (trudy, _) = scene.mallory().await?;
    scene.lets_in(&mallory, alice).await?;
    scene.lets_in(&trudy, alice).await?;
    // Properly signed, for the very chat between Trudy and Alice, but handed over by Mallory.
    let entry = trudy.entry(chat_tag(&trudy, &scene.alice)?, "from Trudy").envelope().clone();
    assert_eq!(mallory.deliver(alice, vec![entry.clone()]).await?, refused(Refusal::NotAuthor, 1));
    assert_eq!(trudy.deliver(alice, vec![entry]).await?, ChatResponse::Receipts(vec![Receipt::Stored]));
    scene.alice.wait_text("from Trudy").await?;
    scene.unharmed().await
}

#[tokio::test]
async fn a_clock_a_year_ahead_is_refused() -> Result<()> {
    let scene = Scene::open().await?;
    let (mallory, alice) = scene.mallory().await?;
    scene.lets_in(&mallory, alice).await?;
    let tag = chat_tag(&mallory, &scene.alice)?;
    // The last one is the end of all clocks.
    for clock_ms in [now_ms() + YEAR_MS, now_ms() + limits::CLOCK_AHEAD_MAX_MS + 60_000, (1 << 48) - 1] {
        let entry = mallory.entry_at(clock_ms, tag, "from the future").envelope().clone();
        assert_eq!(mallory.deliver(alice, vec![entry]).await?, refused(Refusal::ClockAhead, 1));
        let entry = mallory.entry_at(clock_ms, lobby_tag(), "from the future");
        mallory.publish_entries(lobby(), vec![entry.envelope().clone()]).await?;
    }
    says_something_proper(&scene, &mallory).await?;
    assert_eq!(scene.foreign(&scene.lobby).await?, ["something proper"]);
    // Nobody's clock was dragged along.
    let sent = scene.alice.send(&scene.lobby, "what time is it?").await?;
    let written_ms = sent["written_ms"].as_u64().context("an entry has a time")?;
    ensure!(written_ms <= now_ms() + limits::CLOCK_AHEAD_MAX_MS, "Alice now lives at {written_ms}");

    // The same for presence: nobody is online until next year.
    let (trudy, alice) = scene.stranger().await?;
    let ahead = LoosePresence { sent_ms: now_ms() + YEAR_MS, ..LoosePresence::named("Trudy") };
    trudy.greet(alice, &ahead.hello(&trudy)?).await?;
    ensure!(!scene.people().await?.contains(&json!("Trudy").to_string()), "Trudy is from the future");
    scene.unharmed().await
}

/// A presence whose name nobody looked at.
#[derive(Debug, Serialize)]
struct LoosePresence {
    #[serde(rename = "r")]
    room: Option<RoomId>,
    #[serde(rename = "n")]
    name: String,
    #[serde(rename = "l")]
    status: String,
    #[serde(rename = "u")]
    since_ms: u64,
    #[serde(rename = "t")]
    sent_ms: u64,
    #[serde(rename = "a")]
    state: PresenceState,
}

impl LoosePresence {
    fn named(name: &str) -> Self {
        let now = now_ms();
        let (name, status) = (name.to_owned(), String::new());
        Self { room: None, name, status, since_ms: now, sent_ms: now, state: PresenceState::Here }
    }

    fn signed(&self, stranger: &Stranger) -> Result<Unverified<Presence>> {
        stranger.sign_bytes(codec::encode(self))
    }

    fn hello(&self, stranger: &Stranger) -> Result<Hello> {
        Ok(Hello::first(self.signed(stranger)?))
    }
}

/// Names that fake other text, or are none.
const DECEPTIVE: [&str; 8] = [
    "Bob\n[12:00] Alice",
    "\u{1b}[2J\u{1b}[31mBob",
    "\u{202E}eliM",
    "B\u{200B}ob",
    "\0",
    "",
    "   ",
    "Bob\u{2066}",
];

#[tokio::test]
async fn control_characters_in_names_are_refused() -> Result<()> {
    let scene = Scene::open().await?;
    let known = scene.people().await?;
    for name in DECEPTIVE {
        let (stranger, alice) = scene.stranger().await?;
        stranger.greet(alice, &LoosePresence::named(name).hello(&stranger)?).await?;
        assert_eq!(scene.people().await?, known, "{name:?}");
        let status = LoosePresence { status: "a\u{1b}[31m".into(), ..LoosePresence::named("Trudy") };
        stranger.greet(alice, &status.hello(&stranger)?).await?;
        assert_eq!(scene.people().await?, known, "a status with an escape sequence");
        // As a presence in the room, which others would forward.
        stranger.enter(lobby(), alice).await?;
        let in_room = LoosePresence { room: Some(lobby()), ..LoosePresence::named(name) };
        stranger.publish(lobby(), codec::encode(&RoomFrame::Presence(in_room.signed(&stranger)?))).await?;
        // A person's own program refuses them too, be it as name, nickname or room.
        if !name.trim().is_empty() {
            scene.alice.call_refused("profile.set", json!({ "name": name })).await?;
            scene.alice.call_refused("rooms.join", json!({ "name": name })).await?;
        }
    }
    let (mallory, _) = scene.mallory().await?;
    says_something_proper(&scene, &mallory).await?;
    ensure!(scene.people().await?.len() == known.len() + 1, "{:?}", scene.people().await?);
    scene.unharmed().await
}

#[tokio::test]
async fn a_name_of_ten_megabytes_is_refused() -> Result<()> {
    let scene = Scene::open().await?;
    let known = scene.people().await?;
    let endless = "M".repeat(10_000_000);
    for _ in 0..5 {
        let (stranger, alice) = scene.stranger().await?;
        let hello = codec::encode(&LoosePresence::named(&endless).hello(&stranger)?);
        stranger.ask_in_vain(Question::Hello, alice, hello).await?;
        stranger.enter(lobby(), alice).await?;
        let in_room = LoosePresence { room: Some(lobby()), ..LoosePresence::named(&endless) };
        stranger.publish(lobby(), codec::encode(&RoomFrame::Presence(in_room.signed(&stranger)?))).await?;
    }
    // One that fits into a hello, and still is longer than a name may be.
    let (stranger, alice) = scene.stranger().await?;
    stranger.greet(alice, &LoosePresence::named(&endless[..1000]).hello(&stranger)?).await?;
    assert_eq!(scene.people().await?, known);
    scene.alice.call_refused("profile.set", json!({ "name": endless[..100_000] })).await?;
    scene.unharmed().await
}

#[tokio::test]
async fn a_batch_of_too_many_entries_is_refused() -> Result<()> {
    let scene = Scene::open().await?;
    let (mallory, alice) = scene.mallory().await?;
    scene.lets_in(&mallory, alice).await?;
    let tag = chat_tag(&mallory, &scene.alice)?;
    let batch = |tag, count: usize| -> Vec<_> {
        (0..count).map(|n| mallory.entry(tag, &format!("{n}")).envelope().clone()).collect()
    };
    let too_many = limits::BATCH_ENTRIES_MAX + 1;
    let answer = mallory.deliver(alice, batch(tag, too_many)).await?;
    assert_eq!(answer, refused(Refusal::Invalid, too_many));
    let answer = mallory.deliver(alice, batch(tag, limits::BATCH_ENTRIES_MAX)).await?;
    assert_eq!(answer, ChatResponse::Receipts(vec![Receipt::Stored; limits::BATCH_ENTRIES_MAX]));

    mallory.publish_entries(lobby(), batch(lobby_tag(), too_many)).await?;
    mallory.publish_entries(lobby(), Vec::new()).await?;
    says_something_proper(&scene, &mallory).await?;
    assert_eq!(scene.foreign(&scene.lobby).await?, ["something proper"]);
    scene.unharmed().await
}

fn about_the_lobby(ask: SyncAsk) -> SyncRequest {
    SyncRequest { conversation: lobby_tag(), ask }
}

#[tokio::test]
async fn histories_are_shown_to_those_who_take_part_only() -> Result<()> {
    let scene = Scene::open().await?;
    let (stranger, alice) = scene.stranger().await?;
    let everything = SyncAsk::Fetch(Wanted::Range(KeyRange::ALL));
    let request = about_the_lobby(everything.clone());
    assert_eq!(stranger.ask_history(alice, &request).await?, SyncResponse::NotHere, "who is not in the room");
    stranger.greet(alice, &stranger.hello("Mallory")?).await?;
    let chat = ConversationId::Direct(person(&scene.alice)?).tag(person(&scene.bob)?);
    let request = SyncRequest { conversation: chat, ask: everything };
    assert_eq!(stranger.ask_history(alice, &request).await?, SyncResponse::NotHere, "the chat of others");
    scene.unharmed().await
}

#[tokio::test]
async fn garbage_in_the_place_of_a_history_is_refused() -> Result<()> {
    let scene = Scene::open().await?;
    let (mallory, alice) = scene.mallory().await?;
    let proper = about_the_lobby(SyncAsk::Compare { range: KeyRange::ALL, digest: Digest::default() });
    for bytes in malformed(&codec::encode(&proper)) {
        mallory.ask_in_vain(Question::Sync, alice, bytes).await?;
    }
    let mut large = codec::encode(&proper);
    large.resize(limits::SYNC_REQUEST_MAX as usize + 1, 0);
    mallory.ask_in_vain(Question::Sync, alice, large).await?;
    // Forged words are refused, and their bringer is left alone.
    let forged = mallory.entry(ConversationTag([5; 32]), "of another room");
    let push = about_the_lobby(SyncAsk::Push(EntryPack::of([&forged])));
    let refused = SyncResponse::Receipts(vec![Receipt::Refused(Refusal::WrongConversation)]);
    assert_eq!(mallory.ask_history(alice, &push).await?, refused);
    assert_eq!(mallory.ask_history(alice, &proper).await?, SyncResponse::Busy);
    assert_eq!(scene.foreign(&scene.lobby).await?, Vec::<String>::new());
    scene.unharmed().await
}

#[tokio::test]
async fn questions_without_end_do_not_keep_others_from_talking() -> Result<()> {
    let scene = Scene::open().await?;
    let (mallory, alice) = scene.mallory().await?;
    let request = about_the_lobby(SyncAsk::Fetch(Wanted::Range(KeyRange::ALL)));
    let questions = async {
        for _ in 0..2_000 {
            mallory.ask_history(alice, &request).await?;
        }
        anyhow::Ok(())
    };
    tokio::try_join!(questions, scene.chat("meanwhile"))?;
    scene.unharmed().await
}

/// The request with these words, of somebody who has said hello.
fn words(asking: &Stranger, scene: &Scene, text: &str) -> Result<ChatRequest> {
    let entry = asking.entry(chat_tag(asking, &scene.alice)?, text).envelope().clone();
    Ok(ChatRequest::Ask(Box::new(Ask { entry: Some(entry), introduction: None })))
}

/// Who asks Alice to be a contact, and with what words.
async fn requests(scene: &Scene) -> Result<Vec<String>> {
    let requests = scene.alice.call("contacts.requests", json!({})).await?;
    Ok(list(&requests).map(|request| request["text"].as_str().unwrap_or_default().to_owned()).collect())
}

/// What Alice's faces were told about somebody, but that they came or went.
fn told_about(scene: &Scene, person: &Value) -> Vec<Value> {
    let is_theirs = |line: &Value| {
        let event = &line["params"];
        let is_about = [&event["person"], &event["conversation"]["direct"], &event["entry"]["author"]];
        let is_presence = event["event"] == "person_changed"
            || ["member_joined", "member_left"].iter().any(|change| event["change"] == *change);
        is_about.contains(&person) && !is_presence
    };
    scene.alice.told().into_iter().filter(is_theirs).collect()
}

#[tokio::test]
async fn nothing_of_a_stranger_but_a_request_reaches_anybody() -> Result<()> {
    let scene = Scene::open().await?;
    let (mallory, alice) = scene.mallory().await?;
    let person = json!(mallory.keys().person());
    let tag = chat_tag(&mallory, &scene.alice)?;
    let entry = mallory.entry(tag, "buy this").envelope().clone();
    let up_to = mallory.entry(tag, "x").key();
    assert_eq!(mallory.deliver(alice, vec![entry]).await?, ChatResponse::AskFirst);
    for request in [ChatRequest::Typing, ChatRequest::Read { up_to }, ChatRequest::Accepted] {
        assert_eq!(mallory.chat(alice, &request).await?, ChatResponse::Noted);
    }
    let range = KeyRange::ALL;
    let asks = [
        SyncAsk::Fetch(Wanted::Range(range)),
        SyncAsk::Compare { range, digest: Digest::default() },
        SyncAsk::Push(EntryPack::of([&mallory.entry(tag, "pushed")])),
    ];
    for ask in asks {
        let answer = mallory.ask_history(alice, &SyncRequest { conversation: tag, ask }).await?;
        assert_eq!(answer, SyncResponse::NotHere);
    }
    says_something_proper(&scene, &mallory).await?;
    let proper = |line: &Value| line["params"]["entry"]["text"] == "something proper";
    let told: Vec<_> = told_about(&scene, &person).into_iter().filter(|line| !proper(line)).collect();
    ensure!(told.is_empty(), "{told:?}");
    ensure!(scene.alice.history(&json!({ "direct": person })).await?.is_empty());
    ensure!(requests(&scene).await?.is_empty());
    scene.unharmed().await
}

#[tokio::test]
async fn of_many_requests_of_one_stranger_the_first_is_shown_and_of_a_crowd_a_few() -> Result<()> {
    let scene = Scene::open().await?;
    let (mallory, alice) = scene.mallory().await?;
    let too_long = "x".repeat(limits::ASK_TEXT_MAX + 1);
    for text in [&too_long, &"y".repeat(limits::TEXT_MAX)] {
        assert_eq!(mallory.chat(alice, &words(&mallory, &scene, text)?).await?, refused(Refusal::Invalid, 1));
    }
    for n in 0..200 {
        let answer = mallory.chat(alice, &words(&mallory, &scene, &format!("number {n}"))?).await?;
        assert_eq!(answer, ChatResponse::Noted);
    }
    assert_eq!(requests(&scene).await?, ["number 0"]);
    let mut turned_away = 0;
    for n in 0..60 {
        let (stranger, alice) = scene.stranger().await?;
        stranger.greet(alice, &stranger.hello("Crowd")?).await?;
        match stranger.chat(alice, &words(&stranger, &scene, &format!("crowd {n}"))?).await? {
            ChatResponse::Noted => {}
            ChatResponse::Busy => turned_away += 1,
            other => anyhow::bail!("{other:?}"),
        }
    }
    let shown = requests(&scene).await?.len();
    ensure!(shown == 30 && turned_away == 31, "{shown} shown, {turned_away} turned away");
    scene.unharmed().await
}

#[tokio::test]
async fn who_is_blocked_finds_the_door_closed_on_any_device() -> Result<()> {
    let scene = Scene::open().await?;
    let (mallory, alice) = scene.mallory().await?;
    let person = json!(mallory.keys().person());
    assert_eq!(mallory.chat(alice, &words(&mallory, &scene, "hello there")?).await?, ChatResponse::Noted);
    says_something_proper(&scene, &mallory).await?;
    scene.alice.call("contacts.block", json!({ "person": person })).await?;
    mallory.wait("the door", |heard| (!heard.connected.contains(&alice)).then_some(())).await?;
    ensure!(requests(&scene).await?.is_empty());
    let history = scene.alice.history(&scene.lobby).await?;
    ensure!(history.iter().all(|entry| entry["author"] != person), "{history:?}");
    // The same person on another device: it has to say who it is, and is out again.
    let again = mallory.on_another_device()?;
    again.dial(scene.quic()?).await?;
    // There may be no answer: the door is closed first.
    let _ = again.greet(alice, &again.hello("Somebody else")?).await;
    again.wait("the door", |heard| (!heard.connected.contains(&alice)).then_some(())).await?;

    scene.alice.call("contacts.unblock", json!({ "person": person })).await?;
    assert_eq!(requests(&scene).await?, ["hello there"]);
    let back = scene.alice.history(&scene.lobby).await?;
    ensure!(back.iter().any(|entry| entry["author"] == person), "all is as it was before");
    scene.unharmed().await
}
