//! What waits for somebody who is away, with real processes that are killed while it goes out.

use std::path::Path;

use anyhow::{Result, ensure};
use futures::future::try_join_all;
use kinmesh_tests::peer::list;
use kinmesh_tests::{Peer, PeerOptions};
use serde_json::{Value, json};

/// More than an outbox holds in memory, so that the rest is fetched from the disk.
const WAITING: usize = 700;

#[tokio::test]
async fn what_waits_survives_the_end_of_both_and_arrives_in_order_exactly_once() -> Result<()> {
    let home = tempfile::tempdir()?;
    let (hers, his) = (home.path().join("alice"), home.path().join("bob"));
    let alice = Peer::spawn(PeerOptions::named("Alice").data(&hers)).await?;
    let link = alice.join_link().await?;
    let bob = Peer::spawn(PeerOptions::named("Bob").data(&his).join(link)).await?;
    alice.wait_online("Bob").await?;
    alice.befriend(&bob).await?;
    let (to_bob, to_alice) = (bob.chat_with_me(), alice.chat_with_me());
    bob.kill9().await?;

    let mut sent = Vec::new();
    for first in (0..WAITING).step_by(50) {
        let batch = (first..first + 50).map(async |n| alice.send(&to_bob, &format!("line {n:03}")).await);
        sent.extend(try_join_all(batch).await?);
    }
    // Sent at once, they were written in the order in which the program took them.
    let mut expected: Vec<(String, String)> = sent.iter().map(key_and_text).collect();
    expected.sort();
    alice.wait_until("chats.list", json!({}), all_wait).await?;
    alice.kill9().await?;
    let alice = Peer::spawn(PeerOptions::default().data(&hers)).await?;
    alice.wait_until("chats.list", json!({}), all_wait).await?;
    alice.kill9().await?;

    for _ in 0..2 {
        // Whatever has arrived by now, it is the end of both.
        let (alice, bob) = meet(&hers, &his).await?;
        tokio::try_join!(alice.kill9(), bob.kill9())?;
    }
    let (alice, bob) = meet(&hers, &his).await?;
    let newest = json!({ "conversation": to_alice, "limit": 1 });
    let is_last = |page: &Value| page[0]["text"] == format!("line {:03}", WAITING - 1);
    bob.wait_until("conversation.page", newest, is_last).await?;
    let nothing_waits = |chats: &Value| list(chats).any(|chat| chat["waiting"].is_null());
    alice.wait_until("chats.list", json!({}), nothing_waits).await?;
    let arrived: Vec<_> = bob.history(&to_alice).await?.iter().map(key_and_text).collect();
    ensure!(arrived == expected, "{} arrived of {}", arrived.len(), expected.len());
    Ok(())
}

/// Whether everything waits, for Bob, who is away.
fn all_wait(chats: &Value) -> bool {
    let mut waiting = list(chats).map(|chat| &chat["waiting"]);
    waiting.any(|waiting| waiting["entries"] == WAITING && waiting["reason"]["kind"] == "offline")
}

/// Both again, from what their directories hold.
async fn meet(hers: &Path, his: &Path) -> Result<(Peer, Peer)> {
    let alice = Peer::spawn(PeerOptions::default().data(hers)).await?;
    let bob = Peer::spawn(PeerOptions::default().data(his).join(alice.join_link().await?)).await?;
    bob.wait_online("Alice").await?;
    Ok((alice, bob))
}

fn key_and_text(entry: &Value) -> (String, String) {
    (text(&entry["key"]), text(&entry["text"]))
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
