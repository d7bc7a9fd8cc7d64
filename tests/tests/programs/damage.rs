//! A history whose bytes were overwritten: it is set aside, said so, and filled again by the others.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use futures::future::try_join_all;
use kinmesh_tests::peer::list;
use kinmesh_tests::{Bootstrap, Peer, PeerOptions};
use serde_json::{Value, json};

/// What Bob says before anything breaks: more than one page of the store.
const MESSAGES: usize = 200;

/// Inverts every hundredth byte, so that no block of it is whole.
fn overwrite(file: &Path) -> Result<()> {
    let mut bytes = fs::read(file)?;
    bytes.iter_mut().step_by(100).for_each(|byte| *byte = !*byte);
    Ok(fs::write(file, bytes)?)
}

/// All of them in the lobby, which each sees full.
async fn meet(peers: &[&Peer]) -> Result<Value> {
    let rooms = try_join_all(peers.iter().map(|peer| peer.join_room("lobby"))).await?;
    let is_full = |rooms: &Value| list(rooms).any(|room| room["online"] == peers.len());
    try_join_all(peers.iter().map(|peer| peer.wait_until("rooms.list", json!({}), is_full))).await?;
    rooms.into_iter().next().context("somebody is there")
}

/// Waits until all hold these entries in this order.
async fn all_hold(peers: &[&Peer], room: &Value, wanted: &[Value]) -> Result<()> {
    let newest = json!({ "conversation": room, "limit": 500 });
    let keys = |page: &Value| list(page).map(|entry| entry["key"].clone()).collect::<Vec<_>>();
    let is_whole = |page: &Value| keys(page) == wanted;
    let whole = peers.iter().map(|peer| peer.wait_until("conversation.page", newest.clone(), is_whole));
    try_join_all(whole).await?;
    Ok(())
}

#[tokio::test]
async fn a_damaged_history_is_filled_again_by_the_others_who_go_on_meanwhile() -> Result<()> {
    let home = tempfile::tempdir()?;
    let data = home.path().join("alice");
    let bootstrap = Bootstrap::spawn().await?;
    let named = |name| PeerOptions::named(name).join(bootstrap.join_link());
    let alice = Peer::spawn(named("Alice").data(&data)).await?;
    let (bob, carol) = tokio::try_join!(Peer::spawn(named("Bob")), Peer::spawn(named("Carol")))?;
    let room = meet(&[&alice, &bob, &carol]).await?;
    let mut said = Vec::new();
    for n in 0..MESSAGES {
        said.push(bob.send(&room, &format!("message {n}")).await?["key"].clone());
    }
    all_hold(&[&alice], &room, &said).await?;
    said.push(alice.send(&room, "mine").await?["key"].clone());
    all_hold(&[&alice, &bob, &carol], &room, &said).await?;
    let me = alice.me()["person"].clone();
    alice.kill9().await?;

    overwrite(&data.join("history/sled/db"))?;
    said.push(carol.send(&room, "where is Alice?").await?["key"].clone());
    all_hold(&[&bob, &carol], &room, &said).await?;

    let alice = Peer::spawn(named("Alice").data(&data)).await?;
    ensure!(alice.me()["person"] == me, "the keys lie elsewhere");
    let rebuilt = alice.call("network.status", json!({})).await?["store_rebuilt"].clone();
    ensure!(rebuilt["cause"] == "damage", "{rebuilt}");
    let set_aside = rebuilt["set_aside"].as_str().context("it names a directory")?;
    ensure!(Path::new(set_aside).join("db").is_file(), "nothing is deleted: {set_aside}");
    meet(&[&alice, &bob, &carol]).await?;
    all_hold(&[&alice, &bob, &carol], &room, &said).await?;
    said.push(alice.send(&room, "here I am").await?["key"].clone());
    all_hold(&[&alice, &bob, &carol], &room, &said).await?;

    // The bootstrap node has noticed nothing: who is new finds everybody.
    let dave = Peer::spawn(named("Dave")).await?;
    meet(&[&alice, &bob, &carol, &dave]).await?;
    all_hold(&[&dave], &room, &said).await
}

/// Flips a bit wherever the file holds these bytes.
fn flip_at(file: &Path, wanted: &[u8]) -> Result<()> {
    let mut bytes = fs::read(file)?;
    let places: Vec<usize> = bytes
        .windows(wanted.len())
        .enumerate()
        .filter(|(_, seen)| *seen == wanted)
        .map(|(at, _)| at)
        .collect();
    ensure!(!places.is_empty(), "it is there");
    places.iter().for_each(|at| bytes[*at] ^= 1);
    Ok(fs::write(file, bytes)?)
}

/// Alice's history, of more than a segment of the log, and her chat with Echo in it.
async fn long_history(data: &Path, marks_read: bool) -> Result<Value> {
    let long = "x".repeat(10_000);
    let mut echo = Value::Null;
    for start in 0..3 {
        let alice = Peer::spawn(PeerOptions::named("Alice").data(data)).await?;
        let people = alice.call("people.list", json!({})).await?;
        let person = list(&people).find(|person| person["is_echo"] == true).context("Echo is here")?;
        echo = json!({ "direct": person["person"] });
        for n in 0..MESSAGES {
            alice.send(&echo, &format!("message {n} of start {start}, {long}")).await?;
        }
        let last = format!("message {} of start {start}, {long}", MESSAGES - 1);
        let answer = alice.wait_text(&last).await?;
        if marks_read {
            let read = json!({ "conversation": echo, "up_to": answer["key"] });
            alice.call("conversation.mark_read", read).await?;
        }
        alice.shutdown().await?;
    }
    // Amid others: the first ones lie beside what every start reads.
    flip_at(&data.join("history/sled/db"), b"message 100 of start 0,")?;
    Ok(echo)
}

/// Most of it is there, and nothing is wrong any more.
async fn ensure_mended(alice: &Peer, echo: &Value) -> Result<()> {
    let status = alice.call("network.status", json!({})).await?;
    ensure!(status["store_fault"].is_null() && status["store_rebuilt"]["cause"] == "damage", "{status}");
    let (kept, said) = (alice.history(echo).await?.len(), 2 * 3 * MESSAGES);
    ensure!((said - 40..said).contains(&kept), "{kept} of {said} are left");
    Ok(())
}

#[tokio::test]
async fn damage_that_is_met_while_running_is_told_and_the_next_start_mends_it() -> Result<()> {
    let home = tempfile::tempdir()?;
    let data = home.path().join("alice");
    // Of a chat in which nothing waits and all was read a start reads no more than the end.
    let echo = long_history(&data, true).await?;

    let alice = Peer::spawn(PeerOptions::default().data(&data)).await?;
    let status = alice.call("network.status", json!({})).await?;
    ensure!(status["store_fault"].is_null() && status["store_rebuilt"].is_null(), "unseen so far: {status}");
    let error = alice.history(&echo).await.err().context("what is damaged is not shown")?;
    ensure!(error.to_string().contains("damaged"), "{error}");
    let is_told = |event: &Value| event["event"] == "store_fault" && event["fault"] == "damaged";
    alice.wait_for("that it is damaged", is_told).await?;
    alice.send(&echo, "what is new is stored all the same").await?;
    let status = alice.call("network.status", json!({})).await?;
    ensure!(status["store_fault"] == "damaged", "it is damaged until a start mends it: {status}");
    alice.shutdown().await?;

    let alice = Peer::spawn(PeerOptions::default().data(&data)).await?;
    ensure_mended(&alice, &echo).await?;
    alice.shutdown().await
}

#[tokio::test]
async fn damage_that_a_start_meets_is_mended_by_that_start() -> Result<()> {
    let home = tempfile::tempdir()?;
    let data = home.path().join("alice");
    // A start counts what is unread.
    let echo = long_history(&data, false).await?;
    let alice = Peer::spawn(PeerOptions::default().data(&data)).await?;
    ensure_mended(&alice, &echo).await?;
    alice.shutdown().await
}
