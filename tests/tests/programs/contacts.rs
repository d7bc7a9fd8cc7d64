//! Who may write to whom, between real processes: requests, blocking, safety numbers, introductions.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use kinmesh_tests::peer::list;
use kinmesh_tests::{Peer, PeerOptions};
use serde_json::{Value, json};

/// Alice and Bob, who are connected and know nothing of each other.
async fn strangers(home: &Path) -> Result<(Peer, Peer)> {
    let alice = Peer::spawn(PeerOptions::named("Alice").data(home.join("alice"))).await?;
    let link = alice.join_link().await?;
    let bob = Peer::spawn(PeerOptions::named("Bob").data(home.join("bob")).join(link)).await?;
    tokio::try_join!(alice.wait_online("Bob"), bob.wait_online("Alice"))?;
    Ok((alice, bob))
}

/// The same peer again.
async fn come_back(home: &Path, name: &str) -> Result<Peer> {
    Peer::spawn(PeerOptions::default().data(home.join(name))).await
}

/// One leads the other to where it listens now: ports change with each start here.
async fn meet(one: &Peer, other: &Peer) -> Result<()> {
    one.call("network.add", json!({ "link": other.join_link().await? })).await.map(drop)
}

fn about(peer: &Peer) -> Value {
    json!({ "person": peer.me()["person"] })
}

/// How one and another stand, as the first sees it.
async fn wait_acquaintance(peer: &Peer, with: &Peer, state: &str) -> Result<Value> {
    let who = with.me()["person"].clone();
    let fits = |person: &Value| person["person"] == who && person["acquaintance"]["state"] == state;
    let people = peer.wait_until("people.list", json!({}), |people| list(people).any(fits)).await?;
    list(&people).find(|person| fits(person)).cloned().context("it was there")
}

async fn texts(peer: &Peer, conversation: &Value) -> Result<Vec<String>> {
    let history = peer.history(conversation).await?;
    Ok(history.iter().map(|entry| entry["text"].as_str().unwrap_or_default().to_owned()).collect())
}

#[tokio::test]
async fn a_request_waits_for_its_answer_over_restarts_of_both_and_begins_the_chat() -> Result<()> {
    let home = tempfile::tempdir()?;
    let (alice, bob) = strangers(home.path()).await?;
    let (to_bob, to_alice) = (bob.chat_with_me(), alice.chat_with_me());
    bob.shutdown().await?;
    alice.wait_offline("Bob").await?;
    alice.send(&to_bob, "is that you, Bob?").await?;
    alice.send(&to_bob, "it is about the boat").await?;
    alice.kill9().await?;

    let (alice, bob) = (come_back(home.path(), "alice").await?, come_back(home.path(), "bob").await?);
    meet(&alice, &bob).await?;
    bob.wait_request(&alice.me()["person"]).await?;
    let requests = bob.call("contacts.requests", json!({})).await?;
    ensure!(requests[0]["text"] == "is that you, Bob?", "{requests}");
    ensure!(bob.call("chats.list", json!({})).await? == json!([]), "it is no chat yet");
    let is_unanswered = |chats: &Value| chats[0]["waiting"]["reason"]["kind"] == "unanswered";
    alice.wait_until("chats.list", json!({}), is_unanswered).await?;
    bob.kill9().await?;

    let bob = come_back(home.path(), "bob").await?;
    ensure!(bob.call("contacts.requests", json!({})).await? == requests, "it survives");
    bob.call("contacts.accept", about(&alice)).await?;
    meet(&alice, &bob).await?;
    wait_acquaintance(&alice, &bob, "contact").await?;
    bob.wait_text("it is about the boat").await?;
    let said = ["is that you, Bob?", "it is about the boat"];
    assert_eq!(texts(&alice, &to_bob).await?, said);
    assert_eq!(texts(&bob, &to_alice).await?, said);
    let are_delivered = |page: &Value| list(page).all(|entry| entry["delivery"]["state"] == "delivered");
    alice.wait_until("conversation.page", json!({ "conversation": to_bob }), are_delivered).await?;
    alice.shutdown().await?;
    bob.shutdown().await
}

#[tokio::test]
async fn who_is_declined_waits_in_silence_and_who_is_blocked_is_gone() -> Result<()> {
    let home = tempfile::tempdir()?;
    let (alice, bob) = strangers(home.path()).await?;
    alice.send(&bob.chat_with_me(), "please?").await?;
    bob.wait_request(&alice.me()["person"]).await?;
    bob.call("contacts.decline", about(&alice)).await?;
    ensure!(bob.call("contacts.requests", json!({})).await? == json!([]));
    ensure!(bob.call_refused("contacts.accept", about(&alice)).await?.kind == "no_request");
    let who = bob.me()["person"].clone();
    let has_it = |person: &Value| person["person"] == who && person["acquaintance"]["delivered"] == true;
    let bob_has_it = |people: &Value| list(people).any(has_it);
    alice.wait_until("people.list", json!({}), bob_has_it).await?;
    wait_acquaintance(&alice, &bob, "asked").await?;

    bob.call("contacts.block", about(&alice)).await?;
    alice.wait_offline("Bob").await?;
    ensure!(bob.call_refused("contacts.add", about(&alice)).await?.kind == "blocked");
    let refused = json!({ "conversation": alice.chat_with_me(), "text": "no" });
    ensure!(bob.call_refused("conversation.send", refused).await?.kind == "blocked");
    bob.shutdown().await?;
    // The door stays closed after a restart, whoever dials.
    let bob = come_back(home.path(), "bob").await?;
    meet(&alice, &bob).await?;
    wait_acquaintance(&bob, &alice, "blocked").await?;

    bob.call("contacts.unblock", about(&alice)).await?;
    tokio::try_join!(alice.wait_online("Bob"), bob.wait_online("Alice"))?;
    bob.call("contacts.add", about(&alice)).await?;
    bob.wait_text("please?").await?;
    alice.shutdown().await?;
    bob.shutdown().await
}

#[tokio::test]
async fn a_safety_number_is_the_same_on_both_sides_and_its_mark_is_kept() -> Result<()> {
    let home = tempfile::tempdir()?;
    let (alice, bob) = strangers(home.path()).await?;
    let hers = alice.call("contacts.safety_number", about(&bob)).await?;
    let his = bob.call("contacts.safety_number", about(&alice)).await?;
    assert_eq!(hers, his);
    alice.call("contacts.verify", about(&bob)).await?;
    ensure!(wait_acquaintance(&alice, &bob, "stranger").await?["verified"] == true);
    ensure!(wait_acquaintance(&bob, &alice, "stranger").await?["verified"] == false, "it is her own note");
    alice.shutdown().await?;
    let alice = come_back(home.path(), "alice").await?;
    ensure!(wait_acquaintance(&alice, &bob, "stranger").await?["verified"] == true);
    meet(&alice, &bob).await?;
    // Somebody else of this name is somebody else.
    bob.befriend(&alice).await?;
    let link = alice.join_link().await?;
    let twin = Peer::spawn(PeerOptions::named("Bob").join(link)).await?;
    twin.wait_online("Alice").await?;
    let seen = wait_acquaintance(&alice, &twin, "stranger").await?;
    ensure!(seen["named_like"] == bob.me()["person"] && seen["verified"] == false, "{seen}");
    twin.shutdown().await?;
    alice.shutdown().await?;
    bob.shutdown().await
}

#[tokio::test]
async fn a_contact_passes_on_a_contact_who_is_told_by_whom() -> Result<()> {
    let home = tempfile::tempdir()?;
    let (alice, bob) = strangers(home.path()).await?;
    let carol = Peer::spawn(PeerOptions::named("Carol").join(alice.join_link().await?)).await?;
    carol.wait_online("Alice").await?;
    let refused = json!({ "to": bob.me()["person"], "person": carol.me()["person"] });
    ensure!(alice.call_refused("contacts.introduce", &refused).await?.kind == "not_a_contact");
    alice.befriend(&bob).await?;
    alice.befriend(&carol).await?;
    let sent = alice.call("contacts.introduce", &refused).await?;
    alice.wait_delivery(&sent, "delivered").await?;
    let told = |event: &Value| event["entry"]["introduces"]["name"] == "Carol";
    bob.wait_for("the introduction", told).await?;
    let introduced = wait_acquaintance(&bob, &carol, "stranger").await?;
    ensure!(introduced["introduced_by"] == alice.me()["person"], "{introduced}");
    meet(&bob, &carol).await?;
    bob.send(&carol.chat_with_me(), "Alice says you sail").await?;
    carol.wait_request(&bob.me()["person"]).await?;
    let request = carol.call("contacts.requests", json!({})).await?[0].clone();
    ensure!(request["introduced_by"] == alice.me()["person"], "{request}");
    ensure!(request["text"] == "Alice says you sail", "{request}");
    carol.call("contacts.accept", about(&bob)).await?;
    let friend = wait_acquaintance(&carol, &bob, "contact").await?;
    ensure!(friend["introduced_by"] == alice.me()["person"], "{friend}");
    for peer in [alice, bob, carol] {
        peer.shutdown().await?;
    }
    Ok(())
}
