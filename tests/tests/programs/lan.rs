//! Peers on a local network find each other with nobody's help: no bootstrap node, no address, no link.
#![cfg(target_os = "linux")]
#![allow(clippy::print_stdout)] // What was measured is worth reading in a log.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use kinmesh_tests::lan::Lan;
use kinmesh_tests::peer::list;
use kinmesh_tests::{Peer, PeerOptions};
use serde_json::{Value, json};

/// "Five to ten seconds after the first start, home shows people nearby."
const NEARBY_MAX: Duration = Duration::from_secs(10);

/// Alice in the first house, Bob in the second, on every interface as anybody would start it.
async fn neighbours(lan: &Lan) -> Result<(Peer, Peer)> {
    let spawn =
        |name, house| Peer::spawn(PeerOptions::named(name).listen(&[]).mdns().namespace(lan.house(house)));
    tokio::try_join!(spawn("Alice", 0), spawn("Bob", 1))
}

#[tokio::test]
async fn two_peers_on_one_network_find_each_other_and_chat() -> Result<()> {
    let Some(lan) = Lan::new("a", 2)? else { return Ok(()) };
    let (alice, bob) = neighbours(&lan).await?;
    let started = Instant::now();
    let (bob_seen, alice_seen) = tokio::try_join!(alice.wait_online("Bob"), bob.wait_online("Alice"))?;
    println!("neighbours saw each other after {:.1?}", started.elapsed());
    ensure!(started.elapsed() <= NEARBY_MAX, "it took {:?}", started.elapsed());
    ensure!(bob_seen["route"] == "lan" && alice_seen["route"] == "lan", "{bob_seen}{alice_seen}");
    let status = alice.call("network.status", json!({})).await?;
    ensure!(status["bootstraps"] == json!([]) && status["lan_peers"] == 1, "{status}");

    let lobby = alice.join_room("lobby").await?;
    bob.join_room("lobby").await?;
    let both = |rooms: &Value| list(rooms).any(|room| room["online"] == 2);
    tokio::try_join!(
        alice.wait_until("rooms.list", json!({}), both),
        bob.wait_until("rooms.list", json!({}), both)
    )?;
    alice.send(&lobby, "hello, house").await?;
    bob.wait_text("hello, house").await?;
    bob.befriend(&alice).await?;
    let sent = bob.send(&alice.chat_with_me(), "hello, neighbour").await?;
    alice.wait_text("hello, neighbour").await?;
    bob.wait_delivery(&sent, "delivered").await
}

#[tokio::test]
async fn an_invitation_on_a_local_network_needs_nothing_else() -> Result<()> {
    let Some(lan) = Lan::new("c", 2)? else { return Ok(()) };
    // Nobody looks around, and there is no bootstrap node: what stands in the ticket is all there is.
    let spawn = |name, house| Peer::spawn(PeerOptions::named(name).listen(&[]).namespace(lan.house(house)));
    let (alice, bob) = tokio::try_join!(spawn("Alice", 0), spawn("Bob", 1))?;
    let made = alice.call("invites.create", json!({})).await?;
    let opened = Instant::now();
    bob.call("invites.open", json!({ "link": made["link"] })).await?;
    let answered = bob.wait_for("an answer", |event| event["event"] == "opening_answered").await?;
    println!("an invitation was redeemed after {:.1?}", opened.elapsed());
    ensure!(answered["refused"] == Value::Null, "{answered}");
    let seen = bob.wait_online("Alice").await?;
    ensure!(seen["route"] == "lan" && seen["contact"] == true, "{seen}");
    Ok(())
}

#[tokio::test]
async fn neighbours_meet_again_after_the_cable_was_out() -> Result<()> {
    let Some(lan) = Lan::new("b", 2)? else { return Ok(()) };
    let (alice, bob) = neighbours(&lan).await?;
    let lobby = alice.join_room("lobby").await?;
    bob.join_room("lobby").await?;
    let both = |rooms: &Value| list(rooms).any(|room| room["online"] == 2);
    alice.wait_until("rooms.list", json!({}), both).await?;
    alice.befriend(&bob).await?;
    lan.plug(1, false)?;
    tokio::try_join!(alice.wait_offline("Bob"), bob.wait_offline("Alice"))?;
    let later = alice.send(&bob.chat_with_me(), "can you hear me?").await?;

    lan.plug(1, true)?;
    let plugged = Instant::now();
    bob.wait_text("can you hear me?").await?;
    alice.wait_delivery(&later, "delivered").await?;
    println!("neighbours met again after {:.1?}", plugged.elapsed());
    tokio::try_join!(alice.wait_online("Bob"), bob.wait_online("Alice"))?;
    bob.send(&lobby, "back again").await?;
    alice.wait_text("back again").await?;
    alice.send(&lobby, "good").await?;
    bob.wait_text("good").await?;
    Ok(())
}
