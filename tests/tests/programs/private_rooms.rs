//! Private rooms between real processes: who is let in reads, who is put out does not.

use std::fs::{self, File};
use std::io::Cursor;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use data_encoding::BASE64;
use kinmesh_tests::peer::list;
use kinmesh_tests::{Peer, PeerOptions};
use serde_json::{Value, json};

/// The named peer, connected to Alice and a contact of hers.
async fn friend(home: &Path, name: &str, alice: &Peer) -> Result<Peer> {
    let options = PeerOptions::named(name).data(home.join(name)).join(alice.join_link().await?);
    let friend = Peer::spawn(options).await?;
    tokio::try_join!(alice.wait_online(name), friend.wait_online("Alice"))?;
    alice.befriend(&friend).await?;
    Ok(friend)
}

fn person(peer: &Peer) -> Value {
    peer.me()["person"].clone()
}

/// Waits until nobody is between this peer and somebody of this name.
async fn wait_connected(peer: &Peer, name: &str) -> Result<()> {
    let is_connected = |person: &Value| person["name"] == name && !person["route"].is_null();
    peer.wait_until("people.list", json!({}), |people| list(people).any(is_connected)).await.map(drop)
}

/// Waits for the invitation of somebody, and enters the room.
async fn enter(peer: &Peer, host: &Peer, name: &str) -> Result<Value> {
    let chat = host.chat_with_me();
    let invites = |entry: &Value| entry["invites_to"]["name"] == name;
    let page = json!({ "conversation": chat });
    let page = peer.wait_until("conversation.page", page, |page| list(page).any(invites)).await?;
    let key = list(&page).find(|entry| invites(entry)).context("it was there")?["key"].clone();
    peer.call("rooms.enter", json!({ "person": person(host), "key": key })).await
}

async fn wait_access(peer: &Peer, room: &Value, access: &str) -> Result<Value> {
    let fits = |view: &Value| view["room"] == room["room"] && view["private"]["access"] == access;
    let rooms = peer.wait_until("rooms.list", json!({}), |rooms| list(rooms).any(fits)).await?;
    list(&rooms).find(|view| fits(view)).cloned().context("it was there")
}

async fn texts(peer: &Peer, room: &Value) -> Result<Vec<String>> {
    let history = peer.history(room).await?;
    Ok(history.iter().map(|entry| entry["text"].as_str().unwrap_or("?").to_owned()).collect())
}

#[tokio::test]
async fn who_is_let_in_reads_the_past_and_who_is_put_out_reads_nothing_more() -> Result<()> {
    let home = tempfile::tempdir()?;
    let alice = Peer::spawn(PeerOptions::named("Alice").data(home.path().join("alice"))).await?;
    let bob = friend(home.path(), "Bob", &alice).await?;
    let carol = friend(home.path(), "Carol", &alice).await?;

    let founded = json!({ "name": "Boat", "topic": "sailing", "people": [person(&bob)] });
    let room = alice.call("rooms.create", founded).await?;
    alice.send(&room, "welcome aboard").await?;
    assert_eq!(enter(&bob, &alice, "Boat").await?, room);
    bob.wait_text("welcome aboard").await?;
    let seen = wait_access(&bob, &room, "open").await?;
    ensure!(seen["private"]["topic"] == "sailing" && seen["private"]["role"] == "member", "{seen}");
    ensure!(carol.call("rooms.list", json!({})).await? == json!([]), "nobody else knows of it");

    let with_carol = json!({ "room": room["room"], "person": person(&carol) });
    let refused = bob.call_refused("rooms.add", with_carol.clone()).await?;
    ensure!(refused.kind == "not_admin", "{}", refused.kind);
    alice.call("rooms.add", with_carol.clone()).await?;
    enter(&carol, &alice, "Boat").await?;
    carol.wait_text("welcome aboard").await?;
    carol.send(&room, "glad to be here").await?;
    bob.wait_text("glad to be here").await?;

    alice.call("rooms.remove", with_carol).await?;
    wait_access(&carol, &room, "out").await?;
    let out = carol.call_refused("conversation.send", json!({ "conversation": room, "text": "why" })).await?;
    ensure!(out.kind == "not_joined", "{}", out.kind);
    let is_gone = |view: &Value| view["room"] == room["room"] && view["members"] == 2;
    bob.wait_until("rooms.list", json!({}), |rooms| list(rooms).any(is_gone)).await?;
    alice.send(&room, "only the two of us").await?;
    bob.wait_text("only the two of us").await?;
    assert_eq!(texts(&carol, &room).await?, ["welcome aboard", "glad to be here"]);

    for peer in [alice, bob, carol] {
        peer.shutdown().await?;
    }
    Ok(())
}

/// A drawing in a file: larger than any room's picture.
fn drawing(dir: &Path) -> Result<PathBuf> {
    let path = dir.join("boat.png");
    let mut encoder = png::Encoder::new(File::create(&path)?, 300, 200);
    encoder.set_color(png::ColorType::Rgb);
    let pixels: Vec<u8> = (0..300 * 200).flat_map(|n| [(n / 300) as u8, 90, (n % 300 / 2) as u8]).collect();
    encoder.write_header()?.write_image_data(&pixels)?;
    Ok(path)
}

/// Waits for what the room shows as its picture, by its id.
async fn wait_picture(peer: &Peer, room: &Value, fits: fn(&Value) -> bool) -> Result<Value> {
    let is_there = |view: &Value| view["room"] == room["room"] && fits(&view["picture"]);
    peer.wait_until("rooms.list", json!({}), |rooms| list(rooms).any(is_there)).await?;
    peer.call("rooms.picture", json!({ "room": room["room"] })).await
}

#[tokio::test]
async fn members_see_the_picture_of_a_room_and_nobody_else_does() -> Result<()> {
    let home = tempfile::tempdir()?;
    let alice = Peer::spawn(PeerOptions::named("Alice").data(home.path().join("alice"))).await?;
    let bob = friend(home.path(), "Bob", &alice).await?;
    let carol = friend(home.path(), "Carol", &alice).await?;
    let founded = json!({ "name": "Boat", "people": [person(&bob)] });
    let room = alice.call("rooms.create", founded).await?;
    enter(&bob, &alice, "Boat").await?;
    wait_access(&bob, &room, "open").await?;
    assert_eq!(wait_picture(&bob, &room, Value::is_null).await?, Value::Null, "there is none at first");

    let file = drawing(home.path())?;
    let set = json!({ "room": room["room"], "path": file });
    alice.call("rooms.set_picture", set.clone()).await?;
    let at_alice = wait_picture(&alice, &room, Value::is_string).await?;
    assert_eq!(wait_picture(&bob, &room, Value::is_string).await?, at_alice);
    let png = BASE64.decode(at_alice.as_str().context("a picture")?.as_bytes())?;
    let seen = png::Decoder::new(Cursor::new(&png)).read_info()?;
    assert_eq!((seen.info().width, seen.info().height), (96, 96));
    ensure!(carol.call("rooms.list", json!({})).await? == json!([]), "Carol knows of no room");
    let refused = carol.call_refused("rooms.picture", json!({ "room": room["room"] })).await?;
    ensure!(refused.kind == "not_joined", "{}", refused.kind);

    let refused = bob.call_refused("rooms.set_picture", set).await?;
    ensure!(refused.kind == "not_admin", "{}", refused.kind);
    fs::write(&file, "no picture at all")?;
    for (path, kind) in [(file, "not_a_picture"), (home.path().join("none.png"), "file")] {
        let set = json!({ "room": room["room"], "path": path });
        let refused = alice.call_refused("rooms.set_picture", set).await?;
        ensure!(refused.kind == kind, "{}", refused.kind);
    }
    alice.call("rooms.set_picture", json!({ "room": room["room"], "path": null })).await?;
    assert_eq!(wait_picture(&bob, &room, Value::is_null).await?, Value::Null);
    for peer in [alice, bob, carol] {
        peer.shutdown().await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_room_is_the_same_after_restarts_and_lives_on_without_its_founder() -> Result<()> {
    let home = tempfile::tempdir()?;
    let alice = Peer::spawn(PeerOptions::named("Alice").data(home.path().join("alice"))).await?;
    let bob = friend(home.path(), "Bob", &alice).await?;
    let carol = friend(home.path(), "Carol", &alice).await?;
    let people = json!([person(&bob), person(&carol)]);
    let room = alice.call("rooms.create", json!({ "name": "Boat", "people": people })).await?;
    for peer in [&bob, &carol] {
        enter(peer, &alice, "Boat").await?;
        wait_access(peer, &room, "open").await?;
    }
    let bob_decides = json!({ "room": room["room"], "person": person(&bob), "role": "admin" });
    alice.call("rooms.set_role", bob_decides).await?;
    let is_admin = |view: &Value| view["room"] == room["room"] && view["private"]["role"] == "admin";
    bob.wait_until("rooms.list", json!({}), |rooms| list(rooms).any(is_admin)).await?;
    bob.send(&room, "good night").await?;
    carol.wait_text("good night").await?;
    for peer in [alice, bob, carol] {
        peer.kill9().await?;
    }

    // Alice is gone for good.
    let bob = Peer::spawn(PeerOptions::default().data(home.path().join("Bob"))).await?;
    let options = PeerOptions::default().data(home.path().join("Carol")).join(bob.join_link().await?);
    let carol = Peer::spawn(options).await?;
    bob.call("rooms.set", json!({ "room": room["room"], "name": "Ship" })).await?;
    let is_renamed = |view: &Value| view["room"] == room["room"] && view["name"] == "Ship";
    carol.wait_until("rooms.list", json!({}), |rooms| list(rooms).any(is_renamed)).await?;
    carol.send(&room, "good morning").await?;
    bob.wait_text("good morning").await?;
    assert_eq!(texts(&bob, &room).await?, ["good night", "good morning"]);
    let found = bob.call("search", json!({ "text": "morning" })).await?;
    ensure!(found["hits"][0]["entry"]["text"] == "good morning", "what was sealed is found: {found}");
    bob.shutdown().await?;
    carol.shutdown().await
}

#[tokio::test]
async fn a_room_whose_admin_is_gone_is_carried_on_by_a_member() -> Result<()> {
    let home = tempfile::tempdir()?;
    let alice = Peer::spawn(PeerOptions::named("Alice").data(home.path().join("alice"))).await?;
    let bob = friend(home.path(), "Bob", &alice).await?;
    let carol = friend(home.path(), "Carol", &alice).await?;
    let people = json!([person(&bob), person(&carol)]);
    let room = alice.call("rooms.create", json!({ "name": "Boat", "people": people })).await?;
    for peer in [&bob, &carol] {
        enter(peer, &alice, "Boat").await?;
        wait_access(peer, &room, "open").await?;
    }
    // Fellow members find each other; until then, Alice carries what they say.
    tokio::try_join!(wait_connected(&bob, "Carol"), wait_connected(&carol, "Bob"))?;
    bob.send(&room, "Alice is gone").await?;
    carol.wait_text("Alice is gone").await?;
    alice.kill9().await?;

    let next = bob.call("rooms.carry_on", json!({ "room": room["room"] })).await?;
    let invites = |entry: &Value| entry["invites_to"]["room"] == next["room"];
    let page = json!({ "conversation": room });
    let page = carol.wait_until("conversation.page", page, |page| list(page).any(invites)).await?;
    let key = list(&page).find(|entry| invites(entry)).context("it was there")?["key"].clone();
    carol.call("rooms.enter", json!({ "room": room["room"], "key": key })).await?;
    let seen = wait_access(&carol, &next, "open").await?;
    ensure!(seen["private"]["carries_on"] == room["room"], "{seen}");
    bob.send(&next, "and we go on").await?;
    carol.wait_text("and we go on").await?;
    assert_eq!(texts(&carol, &room).await?[0], "Alice is gone");
    bob.shutdown().await?;
    carol.shutdown().await
}

#[tokio::test]
async fn an_invitation_link_lets_its_bearer_in() -> Result<()> {
    let home = tempfile::tempdir()?;
    let alice = Peer::spawn(PeerOptions::named("Alice").data(home.path().join("alice"))).await?;
    let room = alice.call("rooms.create", json!({ "name": "Boat" })).await?;
    alice.send(&room, "who comes?").await?;
    let made = alice.call("invites.create", json!({ "room": room["room"], "uses": 1 })).await?;
    let dave = Peer::spawn(PeerOptions::named("Dave").data(home.path().join("dave"))).await?;
    dave.call("invites.open", json!({ "link": made["link"] })).await?;
    dave.wait_text("who comes?").await?;
    wait_access(&dave, &room, "open").await?;
    dave.send(&room, "it is me").await?;
    alice.wait_text("it is me").await?;
    alice.shutdown().await?;
    dave.shutdown().await
}
