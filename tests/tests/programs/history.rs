//! Stories of real processes that missed something: late joiners, restarts, lost stores.

use std::path::Path;

use anyhow::{Result, ensure};
use kinmesh_tests::peer::list;
use kinmesh_tests::{Peer, PeerOptions};
use serde_json::{Value, json};

/// What alice says before she goes: more than one page, less than one pack.
const MESSAGES: usize = 300;

fn texts(history: &[Value]) -> Vec<&str> {
    history.iter().filter_map(|entry| entry["text"].as_str()).collect()
}

/// What the peer holds of the room, once it holds so much.
async fn holds(peer: &Peer, room: &Value, count: usize) -> Result<Vec<Value>> {
    let is_whole = |rooms: &Value| {
        list(rooms).any(|known| known["room"] == room["room"] && known["completeness"]["agreeing"] == 1)
    };
    peer.wait_until("rooms.list", json!({}), is_whole).await?;
    let history = peer.history(room).await?;
    ensure!(history.len() == count, "{} entries of {count}", history.len());
    Ok(history)
}

async fn meet(one: &Peer, two: &Peer) -> Result<Value> {
    let room = one.join_room("lobby").await?;
    two.join_room("lobby").await?;
    let both = |rooms: &Value| list(rooms).any(|known| known["online"].as_u64() >= Some(2));
    tokio::try_join!(
        one.wait_until("rooms.list", json!({}), both),
        two.wait_until("rooms.list", json!({}), both)
    )?;
    Ok(room)
}

/// Bob, who heard what alice said before she was killed.
async fn bob_who_heard_alice(data: &Path) -> Result<(Peer, Value)> {
    let alice = Peer::spawn(PeerOptions::named("Alice").data(data)).await?;
    let bob = Peer::spawn(PeerOptions::named("Bob").join(alice.join_link().await?)).await?;
    let room = meet(&alice, &bob).await?;
    for number in 0..MESSAGES {
        alice.send(&room, &format!("message {number}")).await?;
    }
    bob.wait_text(&format!("message {}", MESSAGES - 1)).await?;
    alice.kill9().await?;
    Ok((bob, room))
}

#[tokio::test]
async fn a_late_joiner_gets_the_whole_history_after_its_author_was_killed() -> Result<()> {
    let home = tempfile::tempdir()?;
    let (bob, room) = bob_who_heard_alice(&home.path().join("alice")).await?;
    let carol = Peer::spawn(PeerOptions::named("Carol").join(bob.join_link().await?)).await?;
    meet(&carol, &bob).await?;
    let history = holds(&carol, &room, MESSAGES).await?;
    let said: Vec<String> = (0..MESSAGES).map(|number| format!("message {number}")).collect();
    assert_eq!(texts(&history), said);
    Ok(())
}

#[tokio::test]
async fn a_peer_that_was_killed_gets_what_it_missed_and_a_lost_store_is_filled_again() -> Result<()> {
    let home = tempfile::tempdir()?;
    let data = home.path().join("alice");
    let (bob, room) = bob_who_heard_alice(&data).await?;
    bob.send(&room, "where is Alice?").await?;
    let back =
        || async { Peer::spawn(PeerOptions::default().data(&data).join(bob.join_link().await?)).await };
    let alice = back().await?;
    meet(&alice, &bob).await?;
    let history = holds(&alice, &room, MESSAGES + 1).await?;
    assert_eq!(texts(&history).last(), Some(&"where is Alice?"));
    alice.kill9().await?;

    std::fs::remove_dir_all(data.join("history"))?;
    let alice = back().await?;
    alice.call("profile.set", json!({ "name": "Alice" })).await?;
    meet(&alice, &bob).await?;
    assert_eq!(texts(&holds(&alice, &room, MESSAGES + 1).await?), texts(&history));
    alice.send(&room, "here I am").await?;
    bob.wait_text("here I am").await?;
    Ok(())
}
