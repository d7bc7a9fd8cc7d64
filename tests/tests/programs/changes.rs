//! Replies, edits, deletes, reactions and receipts between real processes.

use anyhow::{Result, ensure};
use kinmesh_tests::peer::list;
use kinmesh_tests::{Peer, PeerOptions};
use serde_json::{Value, json};

async fn alice_and_bob() -> Result<(Peer, Peer)> {
    let alice = Peer::spawn(PeerOptions::named("Alice")).await?;
    let bob = Peer::spawn(PeerOptions::named("Bob").join(alice.join_link().await?)).await?;
    alice.wait_online("Bob").await?;
    bob.wait_online("Alice").await?;
    Ok((alice, bob))
}

/// Waits until the entry of this key looks as wanted in the peer's newest page.
async fn shows(peer: &Peer, at: &Value, key: &Value, wanted: impl Fn(&Value) -> bool) -> Result<Value> {
    let newest = json!({ "conversation": at, "limit": 50 });
    let fits = |page: &Value| list(page).any(|entry| entry["key"] == *key && wanted(entry));
    let page = peer.wait_until("conversation.page", newest, fits).await?;
    Ok(list(&page).find(|entry| entry["key"] == *key).cloned().unwrap_or_default())
}

#[tokio::test]
async fn what_became_of_a_post_is_seen_by_all_and_by_who_comes_later() -> Result<()> {
    let (alice, bob) = alice_and_bob().await?;
    let room = alice.join_room("lobby").await?;
    bob.join_room("lobby").await?;
    let is_full = |rooms: &Value| list(rooms).any(|room| room["online"] == 2);
    alice.wait_until("rooms.list", json!({}), is_full).await?;
    let post = alice.send(&room, "frist").await?["key"].clone();
    let regretted = alice.send(&room, "regretted").await?["key"].clone();
    bob.wait_text("regretted").await?;
    alice.call("conversation.edit", json!({ "conversation": room, "key": post, "text": "first" })).await?;
    alice.call("conversation.delete", json!({ "conversation": room, "key": regretted })).await?;
    let thumb = json!({ "conversation": room, "key": post, "emoji": "\u{1f44d}" });
    bob.call("conversation.react", thumb).await?;
    let answer = json!({ "conversation": room, "text": "indeed", "reply_to": post });
    let answer = bob.call("conversation.send", answer).await?["key"].clone();

    // Carol learns all of it from whom she meets.
    let carol = Peer::spawn(PeerOptions::named("Carol").join(bob.join_link().await?)).await?;
    carol.join_room("lobby").await?;
    let reactions = json!([{ "emoji": "\u{1f44d}", "people": [bob.me()["person"]] }]);
    for peer in [&alice, &bob, &carol] {
        let is_whole = |entry: &Value| entry["text"] == "first" && entry["reactions"] == reactions;
        let shown = shows(peer, &room, &post, is_whole).await?;
        ensure!(shown["edited_ms"].is_number() && shown["deleted"] == false, "{shown}");
        let is_gone = |entry: &Value| entry["deleted"] == true && entry["text"].is_null();
        shows(peer, &room, &regretted, is_gone).await?;
        shows(peer, &room, &answer, |entry| entry["reply_to"] == post).await?;
    }
    Ok(())
}

#[tokio::test]
async fn with_receipts_off_on_one_side_neither_sees_what_the_other_has_read() -> Result<()> {
    let (alice, bob) = alice_and_bob().await?;
    alice.befriend(&bob).await?;
    let (to_bob, to_alice) = (bob.chat_with_me(), alice.chat_with_me());
    let first = alice.send(&to_bob, "read this").await?["key"].clone();
    bob.wait_text("read this").await?;
    bob.call("conversation.mark_read", json!({ "conversation": to_alice, "up_to": first })).await?;
    shows(&alice, &to_bob, &first, |entry| entry["read_by_other"] == true).await?;

    bob.call("privacy.set", json!({ "read_receipts": false, "typing": true })).await?;
    let second = alice.send(&to_bob, "and this").await?["key"].clone();
    bob.wait_text("and this").await?;
    let answer = bob.send(&to_alice, "did you read it?").await?["key"].clone();
    bob.call("conversation.mark_read", json!({ "conversation": to_alice, "up_to": second })).await?;
    alice.wait_text("did you read it?").await?;
    alice.call("conversation.mark_read", json!({ "conversation": to_bob, "up_to": answer })).await?;
    // Whatever either had to tell came before this.
    alice.send(&to_bob, "goodbye").await?;
    bob.wait_text("goodbye").await?;
    bob.send(&to_alice, "bye").await?;
    alice.wait_text("bye").await?;
    shows(&alice, &to_bob, &second, |entry| entry["read_by_other"] == false).await?;
    shows(&bob, &to_alice, &answer, |entry| entry["read_by_other"] == false).await?;
    Ok(())
}

#[tokio::test]
async fn who_writes_is_told_to_those_who_share_it_and_to_nobody_else() -> Result<()> {
    let (alice, bob) = alice_and_bob().await?;
    let carol = Peer::spawn(PeerOptions::named("Carol").join(bob.join_link().await?)).await?;
    let room = bob.join_room("lobby").await?;
    tokio::try_join!(alice.join_room("lobby"), carol.join_room("lobby"))?;
    let is_full = |rooms: &Value| list(rooms).any(|room| room["online"] == 3);
    for peer in [&alice, &bob, &carol] {
        peer.wait_until("rooms.list", json!({}), is_full).await?;
    }
    let (to_alice, to_bob) = (alice.chat_with_me(), bob.chat_with_me());
    bob.befriend(&alice).await?;
    bob.send(&to_alice, "wait").await?;
    alice.wait_text("wait").await?;
    let by_bob = |event: &Value| event["change"] == "typing" && event["person"] == bob.me()["person"];
    bob.call("conversation.typing", json!({ "conversation": to_alice })).await?;
    let told = alice.wait_for("that Bob writes", by_bob).await?;
    ensure!(told["conversation"] == to_bob && told["until_ms"].is_number(), "{told}");

    alice.call("privacy.set", json!({ "read_receipts": true, "typing": false })).await?;
    bob.call("conversation.typing", json!({ "conversation": room })).await?;
    carol.wait_for("that Bob writes in the lobby", by_bob).await?;
    bob.send(&room, "here it is").await?;
    alice.wait_text("here it is").await?;
    let told = alice.told();
    ensure!(!told.iter().any(|line| by_bob(&line["params"])), "who does not tell is not told: {told:?}");
    Ok(())
}
