//! A disk that is full under a running program: it says so, reads on, and comes back by itself.
#![cfg(target_os = "linux")]

use anyhow::{Context, Result, ensure};
use kinmesh_tests::peer::list;
use kinmesh_tests::{Peer, PeerOptions, SmallDisk};
use serde_json::{Value, json};

/// More messages than fit into what a page of the disk and the store's own files have left.
const SAID_MAX: usize = 1000;

/// Alice, who lives on the disk, and Bob, who does not, in one room.
async fn alice_and_bob(disk: &SmallDisk) -> Result<(Peer, Peer, Value)> {
    let bob = Peer::spawn(PeerOptions::named("Bob")).await?;
    let link = bob.join_link().await?;
    let alice = Peer::spawn(PeerOptions::named("Alice").disk(disk).join(link)).await?;
    let room = alice.join_room("lobby").await?;
    bob.join_room("lobby").await?;
    let both = |rooms: &Value| list(rooms).any(|room| room["online"] == 2);
    tokio::try_join!(
        alice.wait_until("rooms.list", json!({}), both),
        bob.wait_until("rooms.list", json!({}), both)
    )?;
    Ok((alice, bob, room))
}

/// Talks until the disk takes no more.
async fn talk_until_refused(peer: &Peer, room: &Value) -> Result<()> {
    for n in 0..SAID_MAX {
        if peer.send(room, &format!("{n} {}", "x".repeat(10_000))).await.is_err() {
            return Ok(());
        }
    }
    anyhow::bail!("the disk is not full")
}

fn texts(history: &[Value]) -> Vec<&str> {
    history.iter().filter_map(|entry| entry["text"].as_str()).collect()
}

#[tokio::test]
async fn a_full_disk_is_told_and_what_was_said_meanwhile_comes_once_there_is_room() -> Result<()> {
    let Some(disk) = SmallDisk::new()? else { return Ok(()) };
    let (alice, bob, room) = alice_and_bob(&disk).await?;
    alice.send(&room, "before").await?;
    bob.wait_text("before").await?;

    disk.fill(alice.pid()?)?;
    talk_until_refused(&alice, &room).await?;
    let is_told = |event: &Value| event["event"] == "store_fault" && event["fault"] == "full";
    alice.wait_for("a full disk", is_told).await?;
    let refused =
        alice.call_refused("conversation.send", json!({ "conversation": room, "text": "no" })).await?;
    ensure!(refused.kind == "store", "{refused}");
    bob.send(&room, "meanwhile").await?;
    let history = alice.history(&room).await?;
    ensure!(texts(&history).contains(&"before"), "what is stored can be read");
    ensure!(!texts(&history).contains(&"meanwhile"), "nothing is shown that is not stored");

    disk.make_room(alice.pid()?)?;
    let is_over = |event: &Value| event["event"] == "store_fault" && event["fault"].is_null();
    alice.wait_for("the end of it", is_over).await?;
    alice.wait_text("meanwhile").await?;
    alice.send(&room, "after").await?;
    bob.wait_text("after").await?;
    let agrees = |rooms: &Value| list(rooms).any(|known| known["completeness"]["agreeing"] == 1);
    alice.wait_until("rooms.list", json!({}), agrees).await.context("they agree in the end")?;
    let (hers, his) = (alice.history(&room).await?, bob.history(&room).await?);
    assert_eq!(texts(&hers), texts(&his));
    Ok(())
}
