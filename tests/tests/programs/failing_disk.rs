//! A disk that fails under a running program: it says so, shows nothing that is not stored, and comes
//! back by itself.
#![cfg(target_os = "linux")]

use anyhow::{Context, Result, ensure};
use kinmesh_tests::peer::list;
use kinmesh_tests::{FailingDisk, Peer, PeerOptions};
use serde_json::{Value, json};

/// Alice, who lives on the disk, and Bob, who does not; they are contacts.
async fn alice_and_bob(disk: &FailingDisk) -> Result<(Peer, Peer)> {
    let bob = Peer::spawn(PeerOptions::named("Bob")).await?;
    let link = bob.join_link().await?;
    let alice = Peer::spawn(PeerOptions::named("Alice").failing_disk(disk).join(link)).await?;
    alice.wait_online("Bob").await?;
    bob.wait_online("Alice").await?;
    alice.befriend(&bob).await?;
    Ok((alice, bob))
}

#[tokio::test]
async fn a_failing_disk_is_told_and_what_was_said_meanwhile_comes_once_it_works() -> Result<()> {
    let Some(disk) = FailingDisk::new()? else { return Ok(()) };
    let (alice, bob) = alice_and_bob(&disk).await?;
    let (to_alice, to_bob) = (alice.chat_with_me(), bob.chat_with_me());
    alice.send(&to_bob, "before").await?;
    bob.wait_text("before").await?;

    disk.fail()?;
    let say = |text| json!({ "conversation": to_bob, "text": text });
    // It went to Bob while the disk was still at work on it.
    let refused = alice.call_refused("conversation.send", say("is my disk well?")).await?;
    ensure!(refused.kind == "not_stored_here", "{refused}");
    let is_told = |event: &Value| event["event"] == "store_fault" && event["fault"] == "io";
    alice.wait_for("a failing disk", is_told).await?;
    let status = alice.call("network.status", json!({})).await?;
    ensure!(status["store_fault"] == "io", "{status}");
    let meanwhile = bob.send(&to_alice, "meanwhile").await?;
    let refused = alice.call_refused("conversation.send", say("no")).await?;
    ensure!(refused.kind == "store", "{refused}");

    disk.work()?;
    bob.wait_delivery(&meanwhile, "delivered").await?;
    alice.send(&to_bob, "after").await?;
    bob.wait_text("after").await?;
    // What she could not store herself has come back from Bob.
    let said = ["before", "is my disk well?", "meanwhile", "after"];
    let is_all = |page: &Value| list(page).map(|entry| &entry["text"]).eq(said);
    tokio::try_join!(
        alice.wait_until("conversation.page", json!({ "conversation": to_bob }), is_all),
        bob.wait_until("conversation.page", json!({ "conversation": to_alice }), is_all)
    )?;
    let told = alice.told();
    let at = |fits: &dyn Fn(&Value) -> bool| told.iter().position(|line| fits(&line["params"]));
    let over = at(&|event| event["event"] == "store_fault" && event["fault"].is_null());
    let over = over.context("that it is over is told")?;
    for text in &said[1..3] {
        let shown = at(&|event| event["entry"]["text"] == *text);
        ensure!(shown > Some(over), "nothing is shown before it is stored: {text}");
    }
    Ok(())
}
