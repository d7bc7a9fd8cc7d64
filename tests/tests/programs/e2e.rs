//! Stories of real processes: peers meet, talk, lose their bootstrap node, are killed and come back.
#![allow(clippy::print_stdout)] // What was measured is worth reading in a log.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use futures::future::try_join_all;
use kinmesh_proto::{EntryKey, JoinLink};
use kinmesh_tests::forwarder::Forwarder;
use kinmesh_tests::peer::list;
use kinmesh_tests::stranger::Stranger;
use kinmesh_tests::{Bootstrap, DEADLINE, Peer, PeerOptions, run};
use libp2p::Multiaddr;
use libp2p::multiaddr::Protocol;
use serde_json::{Value, json};
use tokio::net::UdpSocket;
use tokio::time::timeout;

/// Somebody who vanished without a word is shown offline within this.
const VANISHED_MAX: Duration = Duration::from_secs(30);
/// Somebody who left cleanly is shown offline "at once": one hello over a standing connection, on a
/// machine that may be busy. Silence would tell after 25 s.
const LEFT_MAX: Duration = Duration::from_secs(10);
/// What is known of people is at most this old.
const REFRESH_MAX: Duration = Duration::from_secs(15);

/// Alice, Bob and Carol, all of whom know the bootstrap node and nobody else.
async fn three(bootstrap: &Bootstrap) -> Result<[Peer; 3]> {
    let spawn = |name| Peer::spawn(PeerOptions::named(name).join(bootstrap.join_link()));
    let (alice, bob, carol) = tokio::try_join!(spawn("Alice"), spawn("Bob"), spawn("Carol"))?;
    Ok([alice, bob, carol])
}

/// All join the room, and wait until each sees as many online in it as there are.
async fn gather(peers: &[&Peer], room: &str) -> Result<Value> {
    let joined = try_join_all(peers.iter().map(|peer| peer.join_room(room))).await?;
    let id = &joined[0]["room"];
    let is_full =
        |rooms: &Value| list(rooms).any(|room| room["room"] == *id && room["online"] == peers.len());
    try_join_all(peers.iter().map(|peer| peer.wait_until("rooms.list", json!({}), is_full))).await?;
    Ok(joined[0].clone())
}

/// Everybody says something in the room, and everybody else hears it.
async fn talk_in(room: &Value, peers: &[&Peer], about: &str) -> Result<()> {
    for speaker in peers {
        let text = format!("{} about {about}", name(speaker));
        speaker.send(room, &text).await?;
        for listener in peers.iter().filter(|peer| peer.me() != speaker.me()) {
            let heard = listener.wait_text(&text).await?;
            ensure!(heard["conversation"] == *room, "heard elsewhere: {heard}");
        }
    }
    Ok(())
}

/// Everybody becomes a contact of everybody.
async fn befriend_all(peers: &[&Peer]) -> Result<()> {
    for (index, peer) in peers.iter().enumerate() {
        for other in &peers[index + 1..] {
            peer.befriend(other).await?;
        }
    }
    Ok(())
}

/// One tells a contact something in private, which is acknowledged.
async fn tell(from: &Peer, to: &Peer, text: &str) -> Result<()> {
    let sent = from.send(&to.chat_with_me(), text).await?;
    let heard = to.wait_text(text).await?;
    ensure!(heard["conversation"] == from.chat_with_me(), "heard elsewhere: {heard}");
    from.wait_delivery(&sent, "delivered").await
}

fn name(peer: &Peer) -> &str {
    peer.me()["name"].as_str().unwrap_or_default()
}

fn texts(history: &[Value]) -> Vec<&str> {
    history.iter().filter_map(|entry| entry["text"].as_str()).collect()
}

/// The same peer again, from what its directory holds and nothing else.
async fn come_back(data: &Path) -> Result<Peer> {
    Peer::spawn(PeerOptions::default().data(data)).await
}

#[tokio::test]
async fn three_peers_meet_through_the_bootstrap_node_and_talk() -> Result<()> {
    let bootstrap = Bootstrap::spawn().await?;
    let [alice, bob, carol] = three(&bootstrap).await?;
    let everybody = [&alice, &bob, &carol];
    let lobby = gather(&everybody, "lobby").await?;
    talk_in(&lobby, &everybody, "the weather").await?;
    befriend_all(&everybody).await?;
    for (from, to) in [(&alice, &bob), (&bob, &alice), (&bob, &carol), (&carol, &alice)] {
        tell(from, to, &format!("{} tells {} a secret 🤫", name(from), name(to))).await?;
    }
    for peer in everybody {
        let said = ["Alice about the weather", "Bob about the weather", "Carol about the weather"];
        assert_eq!(texts(&peer.history(&lobby).await?), said, "the history of {}", name(peer));
    }
    Ok(())
}

#[tokio::test]
async fn the_mesh_outlives_its_bootstrap_node_and_grows_without_it() -> Result<()> {
    let bootstrap = Bootstrap::spawn().await?;
    let [alice, bob, carol] = three(&bootstrap).await?;
    let lobby = gather(&[&alice, &bob, &carol], "lobby").await?;
    bootstrap.kill9().await?;

    talk_in(&lobby, &[&alice, &bob, &carol], "the loss").await?;
    befriend_all(&[&alice, &bob, &carol]).await?;
    tell(&carol, &alice, "we go on").await?;

    let dave = Peer::spawn(PeerOptions::named("Dave").join(bob.join_link().await?)).await?;
    let everybody = [&alice, &bob, &carol, &dave];
    gather(&everybody, "lobby").await?;
    talk_in(&lobby, &everybody, "the newcomer").await?;
    // Dave was let in by Bob, and now stands on his own feet.
    for friend in [&alice, &bob, &carol] {
        dave.befriend(friend).await?;
    }
    tell(&dave, &bob, "thanks").await?;
    tell(&dave, &alice, "hi, I am new here").await?;
    tell(&carol, &dave, "welcome").await
}

/// How a peer ends.
#[derive(Debug, Clone, Copy)]
enum End {
    Killed,
    Clean,
}

async fn survives(end: End) -> Result<()> {
    let home = tempfile::tempdir()?;
    let data = home.path().join("alice");
    let bootstrap = Bootstrap::spawn().await?;
    let options = |name| PeerOptions::named(name).join(bootstrap.join_link());
    let alice = Peer::spawn(options("Alice").data(&data)).await?;
    let bob = Peer::spawn(options("Bob")).await?;
    let carol = Peer::spawn(options("Carol")).await?;
    let everybody = [&alice, &bob, &carol];
    let lobby = gather(&everybody, "lobby").await?;
    let garden = gather(&everybody, "Garten 🌻").await?;
    talk_in(&lobby, &everybody, "the weather").await?;
    talk_in(&garden, &everybody, "roses").await?;
    befriend_all(&everybody).await?;
    tell(&alice, &bob, "lend me your spade").await?;
    tell(&bob, &alice, "come and fetch it").await?;
    let (person, chat) = (alice.me()["person"].clone(), bob.chat_with_me());
    let mut before = Vec::new();
    for conversation in [&lobby, &garden, &chat] {
        before.push(alice.history(conversation).await?);
    }
    bootstrap.kill9().await?;
    match end {
        End::Killed => alice.kill9().await?,
        End::Clean => alice.shutdown().await?,
    }

    let alice = come_back(&data).await?;
    ensure!(alice.me()["person"] == person && name(&alice) == "Alice", "somebody else: {}", alice.me());
    for (conversation, before) in [&lobby, &garden, &chat].into_iter().zip(before) {
        assert_eq!(alice.history(conversation).await?, before, "{end:?}");
    }
    let rooms = alice.call("rooms.list", json!({})).await?;
    let joined: Vec<&Value> =
        list(&rooms).filter(|room| room["joined"] == true).map(|room| &room["name"]).collect();
    ensure!(joined.len() == 2 && joined.contains(&&json!("Garten 🌻")), "rooms: {rooms}");

    // Nobody joins anything anew: membership is restored, and the address book leads to the others.
    let is_full = |rooms: &Value| list(rooms).all(|room| room["online"] == 3);
    alice.wait_until("rooms.list", json!({}), is_full).await?;
    bob.wait_online("Alice").await?;
    carol.wait_online("Alice").await?;
    talk_in(&lobby, &[&alice, &bob, &carol], "the return").await?;
    talk_in(&garden, &[&bob, &alice, &carol], "tulips").await?;
    tell(&carol, &alice, "there you are").await?;
    tell(&alice, &bob, "now the spade").await
}

#[tokio::test]
async fn a_peer_that_was_killed_comes_back_with_everything_and_finds_the_others_alone() -> Result<()> {
    survives(End::Killed).await
}

#[tokio::test]
async fn a_peer_that_ended_cleanly_comes_back_with_everything_and_finds_the_others_alone() -> Result<()> {
    survives(End::Clean).await
}

#[tokio::test]
async fn a_peer_that_vanished_is_shown_offline_within_30_s() -> Result<()> {
    let bootstrap = Bootstrap::spawn().await?;
    let [alice, bob, carol] = three(&bootstrap).await?;
    gather(&[&alice, &bob, &carol], "lobby").await?;
    alice.kill9().await?;
    let killed = Instant::now();
    let noticed = async |peer: &Peer| {
        let alice = peer.wait_offline("Alice").await?;
        ensure!(alice["online"]["last_seen_ms"].as_u64().is_some(), "when was she last seen? {alice}");
        anyhow::Ok(killed.elapsed())
    };
    for after in <[Duration; 2]>::from(tokio::try_join!(noticed(&bob), noticed(&carol))?) {
        println!("a killed peer was shown offline after {after:.1?}");
        ensure!(after <= VANISHED_MAX, "shown offline after {after:?} only");
    }
    bob.wait_online("Carol").await?;
    Ok(())
}

#[tokio::test]
async fn a_peer_that_leaves_is_shown_offline_at_once() -> Result<()> {
    let bootstrap = Bootstrap::spawn().await?;
    let [alice, bob, carol] = three(&bootstrap).await?;
    let witness = Peer::spawn(PeerOptions::named("Walter").join(bootstrap.join_link())).await?;
    gather(&[&alice, &bob, &carol, &witness], "lobby").await?;
    let noticed = async |name: &str, left: Instant| {
        witness.wait_offline(name).await?;
        let after = left.elapsed();
        println!("{name} was shown offline after {after:.1?}");
        ensure!(after <= LEFT_MAX, "{name} was shown offline after {after:?} only");
        Ok(())
    };
    // Each by another door: over JSON-RPC, by SIGTERM, by the end of standard input.
    let left = Instant::now();
    tokio::try_join!(alice.shutdown(), noticed("Alice", left))?;
    let left = Instant::now();
    tokio::try_join!(bob.terminate(), noticed("Bob", left))?;
    let left = Instant::now();
    let (status, ()) = tokio::try_join!(carol.close_input(), noticed("Carol", left))?;
    ensure!(status.success(), "Carol ended with {status}");
    Ok(())
}

#[tokio::test]
async fn names_and_newcomers_are_known_everywhere_within_15_s() -> Result<()> {
    let bootstrap = Bootstrap::spawn().await?;
    let [alice, bob, carol] = three(&bootstrap).await?;
    gather(&[&alice, &bob, &carol], "lobby").await?;

    let renamed = Instant::now();
    alice.call("profile.set", json!({ "name": "Alicia 林", "status": "in the garden" })).await?;
    let (seen, _) = tokio::try_join!(bob.wait_online("Alicia 林"), carol.wait_online("Alicia 林"))?;
    ensure!(renamed.elapsed() <= REFRESH_MAX, "the new name took {:?}", renamed.elapsed());
    ensure!(seen["status"] == "in the garden" && seen["person"] == alice.me()["person"], "{seen}");

    let arrived = Instant::now();
    let dave = Peer::spawn(PeerOptions::named("Dave").join(bootstrap.join_link())).await?;
    dave.join_room("lobby").await?;
    tokio::try_join!(alice.wait_online("Dave"), bob.wait_online("Dave"), carol.wait_online("Dave"))?;
    ensure!(arrived.elapsed() <= REFRESH_MAX, "the newcomer took {:?}", arrived.elapsed());
    println!("a newcomer was on every list after {:.1?}", arrived.elapsed());
    Ok(())
}

#[tokio::test]
async fn unread_counts_follow_reading_and_survive_a_restart() -> Result<()> {
    let home = tempfile::tempdir()?;
    let data = home.path().join("alice");
    let alice = Peer::spawn(PeerOptions::named("Alice").data(&data)).await?;
    let bob = Peer::spawn(PeerOptions::named("Bob").join(alice.join_link().await?)).await?;
    let lobby = gather(&[&alice, &bob], "lobby").await?;
    bob.befriend(&alice).await?;
    let (with_alice, with_bob) = (alice.chat_with_me(), bob.chat_with_me());
    let mut entries = Vec::new();
    for n in 1..=3 {
        bob.send(&lobby, &format!("news {n}")).await?;
        bob.send(&with_alice, &format!("psst {n}")).await?;
        entries.push(alice.wait_text(&format!("news {n}")).await?);
        alice.wait_text(&format!("psst {n}")).await?;
    }
    // One's own words are never unread.
    alice.send(&lobby, "I am reading").await?;
    let unread = async |peer: &Peer, method: &str, count: usize| {
        let fits = |views: &Value| list(views).all(|view| view["unread"] == count);
        peer.wait_until(method, json!({}), fits).await
    };
    unread(&alice, "rooms.list", 3).await?;
    unread(&alice, "chats.list", 3).await?;
    let read = json!({ "conversation": lobby, "up_to": entries[1]["key"] });
    alice.call("conversation.mark_read", read).await?;
    let left = alice.wait_for("what is left unread", |event| event["change"] == "read").await?;
    assert_eq!(left["unread"], 1);
    unread(&alice, "rooms.list", 1).await?;
    unread(&alice, "chats.list", 3).await?;
    alice.kill9().await?;

    let alice = come_back(&data).await?;
    unread(&alice, "rooms.list", 1).await?;
    unread(&alice, "chats.list", 3).await?;
    let newest = alice.history(&with_bob).await?.pop().context("there is a history")?;
    let read = json!({ "conversation": with_bob, "up_to": newest["key"] });
    alice.call("conversation.mark_read", read).await?;
    unread(&alice, "chats.list", 0).await?;
    Ok(())
}

#[tokio::test]
async fn contacts_survive_a_restart() -> Result<()> {
    let home = tempfile::tempdir()?;
    let data = home.path().join("alice");
    let alice = Peer::spawn(PeerOptions::named("Alice").data(&data)).await?;
    let link = alice.join_link().await?;
    let bob = Peer::spawn(PeerOptions::named("Bob").join(&link)).await?;
    let carol = Peer::spawn(PeerOptions::named("Carol").join(&link)).await?;
    alice.wait_online("Bob").await?;
    alice.wait_online("Carol").await?;
    let found = alice.call("people.find", json!({ "query": "bob" })).await?;
    let bob_found = list(&found).next().context("Bob is found by name")?.clone();
    assert_eq!(bob_found["person"], bob.me()["person"]);
    let found = alice.call("people.find", json!({ "query": carol.me()["fingerprint"] })).await?;
    assert_eq!(found[0]["person"], carol.me()["person"], "found by fingerprint");
    for person in [&bob, &carol] {
        alice.call("contacts.add", json!({ "person": person.me()["person"] })).await?;
    }
    let person = &bob.me()["person"];
    alice.call("contacts.rename", json!({ "person": person, "nickname": "Bobby" })).await?;
    alice.call("contacts.remove", json!({ "person": carol.me()["person"] })).await?;
    alice.kill9().await?;
    // Nobody is there to tell Alice anything anew.
    bob.shutdown().await?;
    carol.shutdown().await?;

    let alice = come_back(&data).await?;
    let people = alice.call("people.list", json!({})).await?;
    let shown: BTreeMap<&str, (bool, &Value)> = list(&people)
        .filter(|person| person["is_echo"] == false)
        .map(|person| {
            (person["name"].as_str().unwrap_or_default(), (person["contact"] == true, &person["own_name"]))
        })
        .collect();
    let (bob, carol) = (json!("Bob"), json!("Carol"));
    assert_eq!(shown, BTreeMap::from([("Bobby", (true, &bob)), ("Carol", (false, &carol))]));
    alice.call("contacts.rename", json!({ "person": bob_found["person"], "nickname": null })).await?;
    alice.wait_offline("Bob").await?;
    Ok(())
}

#[tokio::test]
async fn a_second_program_on_the_same_directory_gets_a_clear_refusal() -> Result<()> {
    let alice = Peer::spawn(PeerOptions::named("Alice")).await?;
    let data = alice.data().display().to_string();
    let second = run("kinmesh", &["rpc", "--no-mdns", "--data", &data], "").await?;
    let said = String::from_utf8(second.stderr)?;
    ensure!(!second.status.success(), "it started");
    ensure!(said.lines().count() == 1 && said.contains("in use") && said.contains(&data), "it said: {said}");
    // The first one did not notice.
    let lobby = alice.join_room("lobby").await?;
    alice.send(&lobby, "still mine").await?;
    alice.shutdown().await
}

async fn waits_for_the_other(end: End) -> Result<()> {
    let home = tempfile::tempdir()?;
    let data = home.path().join("bob");
    let alice = Peer::spawn(PeerOptions::named("Alice")).await?;
    let link = alice.join_link().await?;
    let bob = Peer::spawn(PeerOptions::named("Bob").data(&data).join(link)).await?;
    alice.wait_online("Bob").await?;
    alice.befriend(&bob).await?;
    let chat = bob.chat_with_me();
    match end {
        End::Killed => bob.kill9().await?,
        End::Clean => bob.shutdown().await?,
    }
    let mut sent = Vec::new();
    for n in 1..=5 {
        sent.push(alice.send(&chat, &format!("later {n}")).await?);
    }
    ensure!(sent.iter().all(|entry| entry["delivery"]["state"] == "queued"), "{sent:?}");

    let bob = come_back(&data).await?;
    for (n, entry) in (1..).zip(&sent) {
        bob.wait_text(&format!("later {n}")).await?;
        alice.wait_delivery(entry, "delivered").await?;
    }
    let received = bob.history(&alice.chat_with_me()).await?;
    assert_eq!(texts(&received), ["later 1", "later 2", "later 3", "later 4", "later 5"]);
    Ok(())
}

#[tokio::test]
async fn words_for_somebody_who_left_wait_and_are_delivered_when_they_meet() -> Result<()> {
    waits_for_the_other(End::Clean).await
}

#[tokio::test]
async fn words_for_somebody_who_vanished_wait_and_are_delivered_when_they_meet() -> Result<()> {
    waits_for_the_other(End::Killed).await
}

/// What everybody writes into every conversation at once.
const BUSY_ENTRIES: usize = 20;

#[tokio::test]
async fn many_conversations_at_once_lose_nothing_and_double_nothing() -> Result<()> {
    let bootstrap = Bootstrap::spawn().await?;
    let peers = three(&bootstrap).await?;
    let everybody: Vec<&Peer> = peers.iter().collect();
    let mut rooms = Vec::new();
    for room in ["lobby", "kitchen", "花园"] {
        rooms.push(gather(&everybody, room).await?);
    }
    befriend_all(&everybody).await?;
    let mut writers = Vec::new();
    for peer in &peers {
        let others = peers.iter().filter(|other| other.me() != peer.me());
        writers.extend(rooms.iter().cloned().chain(others.map(Peer::chat_with_me)).map(|to| (peer, to)));
    }
    try_join_all(writers.into_iter().map(async |(peer, to)| {
        for n in 0..BUSY_ENTRIES {
            peer.send(&to, &format!("{} {n}", name(peer))).await?;
        }
        anyhow::Ok(())
    }))
    .await?;

    for (room, peer) in rooms.iter().flat_map(|room| peers.iter().map(move |peer| (room, peer))) {
        let keys = holds(peer, room, BUSY_ENTRIES * peers.len()).await?;
        assert_eq!(keys, holds(&peers[0], room, BUSY_ENTRIES * peers.len()).await?, "one order for all");
    }
    for (one, two) in [(0, 1), (1, 2), (2, 0)].map(|(one, two)| (&peers[one], &peers[two])) {
        let mine = holds(one, &two.chat_with_me(), BUSY_ENTRIES * 2).await?;
        assert_eq!(mine, holds(two, &one.chat_with_me(), BUSY_ENTRIES * 2).await?, "one order for both");
    }
    // Whatever came twice came before this.
    talk_in(&rooms[0], &everybody, "silence").await?;
    for peer in &peers {
        // Of the last talk, what was waited for is taken, and one's own word is not: that it was added
        // may be told after the call was answered.
        let expected = BUSY_ENTRIES * (rooms.len() * peers.len() + 2 * 2) + 1;
        peer.wait_until("version", json!({}), |_| entries_told(peer).len() >= expected).await?;
        let told = entries_told(peer);
        assert_eq!(told.iter().collect::<BTreeSet<_>>().len(), told.len(), "told twice to {}", name(peer));
        assert_eq!(told.len(), expected, "told to {}", name(peer));
    }
    Ok(())
}

/// The keys of all entries that were told and not taken.
fn entries_told(peer: &Peer) -> Vec<String> {
    let told = peer.told();
    let events = told.iter().map(|line| &line["params"]).filter(|event| event["change"] == "entry_added");
    events.map(|event| event["entry"]["key"].to_string()).collect()
}

/// The keys of a conversation's history, once it has this many entries: no fewer, no more, none twice.
async fn holds(peer: &Peer, conversation: &Value, count: usize) -> Result<Vec<EntryKey>> {
    let is_whole = |page: &Value| list(page).count() >= count;
    let page = peer
        .wait_until("conversation.page", json!({ "conversation": conversation, "limit": 500 }), is_whole)
        .await?;
    let keys = list(&page).map(|entry| serde_json::from_value(entry["key"].clone()));
    let keys: Vec<EntryKey> = keys.collect::<Result<_, _>>()?;
    ensure!(keys.len() == count, "{} entries at {}, not {count}", keys.len(), name(peer));
    ensure!(keys.is_sorted_by(|one, two| one < two), "out of order, or twice");
    Ok(keys)
}

/// Messages of a thousand bytes that must not show up in the bootstrap node's traffic.
const LARGE_ENTRIES: usize = 200;
const LARGE_TEXT: usize = 1024;

#[tokio::test]
async fn no_message_byte_passes_through_the_bootstrap_node() -> Result<()> {
    let bootstrap = Bootstrap::spawn().await?;
    let (address, direct) = socket_of(bootstrap.join_link())?;
    let forwarder = Forwarder::to(direct).await?;
    let counted = replace_port(&address, forwarder.address().port());
    let spawn = |name| Peer::spawn(PeerOptions::named(name).join(counted.to_string()));
    let (alice, bob) = tokio::try_join!(spawn("Alice"), spawn("Bob"))?;
    let lobby = gather(&[&alice, &bob], "lobby").await?;
    ensure!(forwarder.bytes() > 0, "nobody came through the counter");
    alice.befriend(&bob).await?;

    let before = forwarder.bytes();
    for n in 0..LARGE_ENTRIES {
        let text = format!("{n:>LARGE_TEXT$}");
        let to = if n % 2 == 0 { lobby.clone() } else { bob.chat_with_me() };
        alice.send(&to, &text).await?;
    }
    holds(&bob, &lobby, LARGE_ENTRIES / 2).await?;
    holds(&bob, &alice.chat_with_me(), LARGE_ENTRIES / 2).await?;
    let passed = forwarder.bytes() - before;
    let said = LARGE_ENTRIES * LARGE_TEXT;
    println!("{passed} bytes at the bootstrap node while {said} bytes were said");
    ensure!(passed < (said / 10) as u64, "{passed} bytes for {said} bytes of text");

    // Nobody went past the counter.
    let data = bootstrap.data().display().to_string();
    let status = run("kinmesh-bootstrap", &["status", "--json", "--data", &data], "").await?;
    let status: Value = serde_json::from_slice(&status.stdout)?;
    let ports: Vec<String> = forwarder.ports().iter().map(u16::to_string).collect();
    let counted = |peer: &Value| {
        let address = peer["address"].as_str().unwrap_or_default();
        ports.iter().any(|port| address.contains(&format!("/udp/{port}/")))
    };
    ensure!(list(&status["peers"]).count() == 2 && list(&status["peers"]).all(counted), "{status:#}");
    speaks_no_chat(&address).await
}

#[tokio::test]
async fn who_watches_the_wire_reads_neither_words_nor_names() -> Result<()> {
    let listen = ["/ip4/127.0.0.1/udp/0/quic-v1"];
    let alice = Peer::spawn(PeerOptions::named("Alizarin").listen(&listen)).await?;
    let (address, direct) = socket_of(&alice.join_link().await?)?;
    let wire = Forwarder::to(direct).await?;
    let watched = replace_port(&address, wire.address().port());
    let bob = Peer::spawn(PeerOptions::named("Bobolink").join(watched.to_string())).await?;
    let room = gather(&[&alice, &bob], "quayside").await?;
    alice.befriend(&bob).await?;
    let before = wire.bytes();
    for (to, said) in [(&room, "tidewater in the room"), (&bob.chat_with_me(), "tidewater in the chat")] {
        let text = said.repeat(100);
        alice.send(to, &text).await?;
        bob.wait_text(&text).await?;
    }
    ensure!(wire.bytes() - before > 4_000, "what was said went past the wire");
    for words in ["Alizarin", "Bobolink", "quayside", "tidewater"] {
        ensure!(!wire.has_passed(words), "{words} in the clear");
    }
    // A watcher who would see it.
    let plain = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    plain.send_to(b"tidewater", wire.address()).await?;
    let seen = async {
        while !wire.has_passed("tidewater") {
            tokio::task::yield_now().await;
        }
    };
    Ok(timeout(DEADLINE, seen).await?)
}

/// What it says it speaks has nothing that could carry a message, or a connection of others.
async fn speaks_no_chat(address: &Multiaddr) -> Result<()> {
    let stranger = Stranger::start()?;
    let node = stranger.dial(address).await?;
    let protocols = stranger.heard().protocols[&node].clone();
    ensure!(protocols.iter().any(|protocol| protocol == "/rendezvous/1.0.0"), "{protocols:?}");
    let carries = |protocol: &&String| {
        ["meshsub", "floodsub", "chat", "circuit", "relay"].iter().any(|word| protocol.contains(word))
    };
    ensure!(protocols.iter().find(carries).is_none(), "{protocols:?}");
    Ok(())
}

/// The first address of a join link, and the UDP socket in it.
fn socket_of(link: &str) -> Result<(Multiaddr, SocketAddr)> {
    let link: JoinLink = link.parse()?;
    let address: Multiaddr = link.nodes[0].parse()?;
    let port = address.iter().find_map(|part| match part {
        Protocol::Udp(port) => Some(port),
        _ => None,
    });
    let socket = (Ipv4Addr::LOCALHOST, port.context("it listens on UDP")?).into();
    Ok((address, socket))
}

fn replace_port(address: &Multiaddr, port: u16) -> Multiaddr {
    let moved = |part| if let Protocol::Udp(_) = part { Protocol::Udp(port) } else { part };
    address.iter().map(moved).collect()
}
