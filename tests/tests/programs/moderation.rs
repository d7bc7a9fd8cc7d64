//! Founded public rooms between real processes: a link leads in, and what an admin decides is shown alike.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use kinmesh_tests::peer::list;
use kinmesh_tests::{DEADLINE, Peer, PeerOptions};
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

/// A new peer, led into the room by an invitation of Alice's.
async fn guest(guest: PeerOptions, alice: &Peer, room: &Value) -> Result<Peer> {
    let guest = Peer::spawn(guest).await?;
    let invite = alice.call("invites.create", json!({ "room": room["room"] })).await?;
    let opened = guest.call("invites.open", json!({ "link": invite["link"] })).await?;
    ensure!(opened["room"] == room["room"], "it leads into the room: {opened}");
    let is_in = |view: &Value| view["room"] == room["room"] && view["founded"]["standing"] == "in";
    guest.wait_until("rooms.list", json!({}), |rooms| list(rooms).any(is_in)).await?;
    Ok(guest)
}

#[tokio::test]
async fn what_an_admin_hides_is_hidden_from_everybody_also_from_who_comes_later() -> Result<()> {
    let alice = Peer::spawn(PeerOptions::named("Alice")).await?;
    let room = alice.call("rooms.found", json!({ "name": "Square" })).await?;
    let bob = guest(PeerOptions::named("Bob"), &alice, &room).await?;
    alice.send(&room, "welcome").await?;
    bob.wait_text("welcome").await?;
    bob.send(&room, "buy now").await?;
    alice.wait_text("buy now").await?;

    let history = alice.history(&room).await?;
    let spam = history.iter().find(|entry| entry["text"] == "buy now").map(|entry| entry["key"].clone());
    let hide = json!({ "room": room["room"], "keys": [spam], "reason": "spam" });
    alice.call("rooms.hide", hide).await?;
    let put_out = json!({ "room": room["room"], "person": bob.me()["person"] });
    alice.call("rooms.remove", put_out).await?;

    let carol = guest(PeerOptions::named("Carol"), &alice, &room).await?;
    let page = json!({ "conversation": room });
    let is_hidden = |entry: &Value| entry["withheld"]["reason"] == "spam" && entry["text"].is_null();
    carol.wait_until("conversation.page", page.clone(), |page| list(page).any(is_hidden)).await?;
    let is_shown = |entry: &Value| entry["text"] == "welcome";
    carol.wait_until("conversation.page", page, |page| list(page).any(is_shown)).await?;
    let is_out = |view: &Value| view["room"] == room["room"] && view["founded"]["standing"] == "put_out";
    bob.wait_until("rooms.list", json!({}), |rooms| list(rooms).any(is_out)).await?;
    let refused = bob.call("conversation.send", json!({ "conversation": room, "text": "again" })).await;
    ensure!(refused.is_err(), "who is put out does not write");
    for peer in [alice, bob, carol] {
        peer.shutdown().await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_search_goes_on_past_what_is_withheld() -> Result<()> {
    let alice = Peer::spawn(PeerOptions::named("Alice")).await?;
    let room = alice.call("rooms.found", json!({ "name": "Market" })).await?;
    let bob = guest(PeerOptions::named("Bob"), &alice, &room).await?;
    alice.send(&room, "who buys bread?").await?;
    bob.wait_text("who buys bread?").await?;
    bob.send(&room, "buys now").await?;
    alice.wait_text("buys now").await?;
    let newest = async |wanted: &str| {
        let query = json!({ "text": "buys", "limit": 1 });
        // Nobody is told when the index has taken up what came.
        while alice.call("search", &query).await?["hits"][0]["entry"]["text"] != wanted {
            sleep(Duration::from_millis(10)).await;
        }
        anyhow::Ok(())
    };
    timeout(DEADLINE, newest("buys now")).await.context("it is found")??;

    let history = alice.history(&room).await?;
    let spam = history.iter().find(|entry| entry["text"] == "buys now").map(|entry| entry["key"].clone());
    alice.call("rooms.hide", json!({ "room": room["room"], "keys": [spam] })).await?;
    timeout(DEADLINE, newest("who buys bread?")).await.context("what is behind it is found")??;
    for peer in [alice, bob] {
        peer.shutdown().await?;
    }
    Ok(())
}

#[tokio::test]
async fn what_is_hidden_is_neither_counted_nor_shown_when_the_program_starts() -> Result<()> {
    let home = tempfile::tempdir()?;
    let data = home.path().join("carol");
    let alice = Peer::spawn(PeerOptions::named("Alice")).await?;
    let room = alice.call("rooms.found", json!({ "name": "Corner" })).await?;
    let bob = guest(PeerOptions::named("Bob"), &alice, &room).await?;
    let carol = guest(PeerOptions::named("Carol").data(&data), &alice, &room).await?;
    alice.send(&room, "welcome").await?;
    bob.wait_text("welcome").await?;
    bob.send(&room, "buy now").await?;
    alice.wait_text("buy now").await?;
    let history = alice.history(&room).await?;
    let spam = history.iter().find(|entry| entry["text"] == "buy now").map(|entry| entry["key"].clone());
    alice.call("rooms.hide", json!({ "room": room["room"], "keys": [spam] })).await?;
    let is_hidden = |entry: &Value| entry["withheld"].is_object();
    let page = json!({ "conversation": room });
    carol.wait_until("conversation.page", page, |page| list(page).any(is_hidden)).await?;
    carol.shutdown().await?;

    let carol = Peer::spawn(PeerOptions::default().data(&data)).await?;
    let rooms = carol.call("rooms.list", json!({})).await?;
    let view = list(&rooms).find(|view| view["room"] == room["room"]).context("she is in it")?;
    ensure!(view["unread"] == 1 && view["last"]["text"].is_null(), "it is hidden from the first: {view}");
    for peer in [alice, bob, carol] {
        peer.shutdown().await?;
    }
    Ok(())
}
