//! A network that falls apart without a word and heals: in the end everybody has the same history.
#![cfg(target_os = "linux")]

use anyhow::{Context, Result};
use kinmesh_tests::lan::Lan;
use kinmesh_tests::peer::list;
use kinmesh_tests::{Peer, PeerOptions};
use serde_json::{Value, json};

/// Alice and Bob live on one side, Carol and Dave on the other.
const NAMES: [&str; 4] = ["Alice", "Bob", "Carol", "Dave"];
const HERE: [usize; 2] = [0, 1];
const THERE: [usize; 2] = [2, 3];

/// Neighbours in the lobby who see each other; `None` where no network can be made.
async fn neighbours(lan: &str, names: &[&str]) -> Result<Option<(Lan, Vec<Peer>, Value)>> {
    let Some(lan) = Lan::new(lan, names.len())? else { return Ok(None) };
    let spawn = |(house, name): (usize, &&str)| {
        Peer::spawn(PeerOptions::named(name).listen(&[]).mdns().namespace(lan.house(house)))
    };
    let peers = futures::future::try_join_all(names.iter().enumerate().map(spawn)).await?;
    let lobbies = futures::future::try_join_all(peers.iter().map(|peer| peer.join_room("lobby"))).await?;
    let all_here = |rooms: &Value| list(rooms).any(|room| room["online"] == names.len());
    let seen = peers.iter().map(|peer| peer.wait_until("rooms.list", json!({}), all_here));
    futures::future::try_join_all(seen).await?;
    let lobby = lobbies.into_iter().next().context("somebody joined")?;
    Ok(Some((lan, peers, lobby)))
}

/// Waits until everybody holds as many entries as were said.
async fn all_hold(peers: &[Peer], lobby: &Value, entries: usize) -> Result<()> {
    let page = json!({ "conversation": lobby, "limit": 500 });
    let is_whole = |page: &Value| list(page).count() == entries;
    let whole = peers.iter().map(|peer| peer.wait_until("conversation.page", page.clone(), is_whole));
    futures::future::try_join_all(whole).await?;
    Ok(())
}

/// Keys and texts, in the order shown.
async fn shown(peer: &Peer, lobby: &Value) -> Result<Vec<(Value, Value)>> {
    let history = peer.history(lobby).await?;
    Ok(history.into_iter().map(|entry| (entry["key"].clone(), entry["text"].clone())).collect())
}

async fn same_history_everywhere(peers: &[Peer], lobby: &Value) -> Result<()> {
    let first = shown(&peers[0], lobby).await?;
    for peer in &peers[1..] {
        assert_eq!(shown(peer, lobby).await?, first);
    }
    Ok(())
}

async fn everybody_says(peers: &[Peer], lobby: &Value, what: &str) -> Result<()> {
    for (peer, name) in peers.iter().zip(NAMES) {
        for n in 0..5 {
            peer.send(lobby, &format!("{name} {what} {n}")).await?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn two_halves_of_a_room_have_one_history_after_their_partition() -> Result<()> {
    let Some((lan, peers, lobby)) = neighbours("p", &NAMES).await? else { return Ok(()) };
    everybody_says(&peers, &lobby, "before").await?;
    all_hold(&peers, &lobby, 20).await?;
    lan.cut(&HERE, &THERE)?;
    lan.cut(&THERE, &HERE)?;
    tokio::try_join!(peers[0].wait_offline("Carol"), peers[3].wait_offline("Bob"))?;
    everybody_says(&peers, &lobby, "meanwhile").await?;
    all_hold(&peers[..2], &lobby, 30).await?;
    all_hold(&peers[2..], &lobby, 30).await?;

    lan.heal()?;
    all_hold(&peers, &lobby, 40).await?;
    same_history_everywhere(&peers, &lobby).await
}

#[tokio::test]
async fn a_room_that_hears_only_one_way_has_one_history_afterwards() -> Result<()> {
    let Some((lan, peers, lobby)) = neighbours("q", &NAMES).await? else { return Ok(()) };
    lan.cut(&HERE, &THERE)?;
    // Alice and Bob still hear the others knock, so they believe longer that these are there.
    tokio::try_join!(peers[2].wait_offline("Alice"), peers[3].wait_offline("Bob"))?;
    everybody_says(&peers, &lobby, "shouted").await?;
    all_hold(&peers[2..], &lobby, 10).await?;

    lan.heal()?;
    all_hold(&peers, &lobby, 20).await?;
    same_history_everywhere(&peers, &lobby).await
}

#[tokio::test]
async fn two_who_talk_while_a_third_of_all_packets_is_lost_have_one_whole_history() -> Result<()> {
    let Some((lan, peers, lobby)) = neighbours("t", &NAMES[..2]).await? else { return Ok(()) };
    lan.lose(30)?;
    let [alice, bob] = &peers[..] else { unreachable!("two were started") };
    for n in 0..50 {
        alice.send(&lobby, &format!("question {n}")).await?;
        bob.wait_text(&format!("question {n}")).await?;
        bob.send(&lobby, &format!("answer {n}")).await?;
        alice.wait_text(&format!("answer {n}")).await?;
    }
    everybody_says(&peers, &lobby, "at once").await?;

    lan.heal()?;
    all_hold(&peers, &lobby, 110).await?;
    same_history_everywhere(&peers, &lobby).await
}

#[tokio::test]
async fn who_comes_late_gets_what_those_said_who_are_gone() -> Result<()> {
    let Some((lan, mut peers, lobby)) = neighbours("r", &NAMES).await? else { return Ok(()) };
    lan.plug(3, false)?;
    peers[0].wait_offline("Dave").await?;
    everybody_says(&peers[..3], &lobby, "while Dave was away").await?;
    all_hold(&peers[..3], &lobby, 15).await?;
    // Only Carol is left when Dave comes back, and she wrote a third of it.
    for peer in peers.drain(..2) {
        peer.kill9().await?;
    }
    lan.plug(3, true)?;
    all_hold(&peers, &lobby, 15).await?;
    same_history_everywhere(&peers, &lobby).await
}

#[tokio::test]
async fn an_acknowledgement_that_was_lost_with_its_reader_heals_when_the_two_meet_again() -> Result<()> {
    let Some(lan) = Lan::new("s", 2)? else { return Ok(()) };
    let home = tempfile::tempdir()?;
    let neighbour = |house| PeerOptions::default().listen(&[]).mdns().namespace(lan.house(house));
    let alice = || neighbour(0).data(home.path().join("alice"));
    let (hers, bob) = tokio::try_join!(Peer::spawn(alice()), Peer::spawn(neighbour(1)))?;
    hers.call("profile.set", json!({ "name": "Alice" })).await?;
    bob.call("profile.set", json!({ "name": "Bob" })).await?;
    hers.wait_online("Bob").await?;
    bob.wait_online("Alice").await?;
    hers.befriend(&bob).await?;
    let (to_bob, to_alice) = (bob.chat_with_me(), hers.chat_with_me());

    // What Alice says arrives, and nothing that Bob answers does.
    lan.cut(&[1], &[0])?;
    hers.send(&to_bob, "can you hear me?").await?;
    bob.wait_text("can you hear me?").await?;
    assert_ne!(states(&hers, &to_bob).await?, ["delivered"]);
    hers.kill9().await?;
    lan.heal()?;

    let hers = Peer::spawn(alice()).await?;
    let is_known = |page: &Value| list(page).all(|entry| entry["delivery"]["state"] == "delivered");
    hers.wait_until("conversation.page", json!({ "conversation": to_bob }), is_known).await?;
    assert_eq!(states(&hers, &to_bob).await?, ["delivered"]);
    assert_eq!(shown(&hers, &to_bob).await?, shown(&bob, &to_alice).await?);
    Ok(())
}

/// How far each entry of a conversation has come.
async fn states(peer: &Peer, conversation: &Value) -> Result<Vec<Value>> {
    let history = peer.history(conversation).await?;
    Ok(history.iter().map(|entry| entry["delivery"]["state"].clone()).collect())
}
