//! `kinmesh rpc` as its users meet it: the real program, spoken to over its pipe and its socket.

mod calls;
#[cfg(unix)]
mod socket;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use boon::{Compiler, SchemaIndex, Schemas};
use kinmesh_tests::{DEADLINE, Peer, PeerOptions, binary, peer, process};
use rustix::process::Signal;
use serde_json::{Value, json};
use tokio::time::timeout;

const METHODS_SOURCE: &str = include_str!("../../../app/src/rpc/methods.rs");
const GUIDE: &str = include_str!("../../../docs/rpc.md");

/// `docs/rpc.schema.json`, ready to check with.
struct Schema {
    path: PathBuf,
    compiler: Compiler,
    schemas: Schemas,
}

impl Schema {
    fn load() -> Result<Self> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/rpc.schema.json").canonicalize()?;
        Ok(Self { path, compiler: Compiler::new(), schemas: Schemas::new() })
    }

    fn methods(&self) -> Result<BTreeSet<String>> {
        let schema: Value = serde_json::from_str(&std::fs::read_to_string(&self.path)?)?;
        Ok(schema["$defs"]["methods"].as_object().context("methods")?.keys().cloned().collect())
    }

    fn check(&mut self, part: &str, value: &Value) -> Result<()> {
        let at = format!("{}#{part}", self.path.display());
        let index: SchemaIndex = self
            .compiler
            .compile(&at, &mut self.schemas)
            .map_err(|error| anyhow::anyhow!("{part}: {error}"))?;
        let checked = self.schemas.validate(value, index);
        checked.map_err(|error| anyhow::anyhow!("{value:#} is not as {part} says: {error}"))
    }

    /// Calls a method, and holds params and result against the schema.
    async fn call(&mut self, peer: &Peer, method: &str, params: Value) -> Result<Value> {
        self.check(&format!("/$defs/methods/{method}/params"), &params)?;
        let result = peer.call(method, params).await.context(method.to_owned())?;
        self.check(&format!("/$defs/methods/{method}/result"), &result)?;
        Ok(result)
    }
}

fn words(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// Two peers that see each other in the lobby.
async fn two_in_the_lobby() -> Result<(Peer, Peer, Value)> {
    let alice = Peer::spawn(PeerOptions::named("Alice")).await?;
    let lobby = alice.join_room("lobby").await?;
    let bob = Peer::spawn(PeerOptions::named("Bob").join(alice.join_link().await?)).await?;
    bob.join_room("lobby").await?;
    alice.wait_online("Bob").await?;
    bob.wait_online("Alice").await?;
    Ok((alice, bob, lobby))
}

#[test]
fn program_guide_and_schema_name_the_same_methods() -> Result<()> {
    let dispatched =
        METHODS_SOURCE.lines().filter_map(|line| line.trim().strip_prefix('"')?.split_once("\" =>"));
    let mut program: BTreeSet<String> = dispatched.map(|(method, _)| method.to_owned()).collect();
    program.insert("shutdown".to_owned());
    let guide: BTreeSet<String> = GUIDE
        .lines()
        .filter_map(|line| line.strip_prefix("### `")?.strip_suffix('`'))
        .map(str::to_owned)
        .collect();
    assert_eq!(program, Schema::load()?.methods()?);
    assert_eq!(program, guide);
    Ok(())
}

#[test]
fn the_examples_of_the_guide_are_as_the_schema_says() -> Result<()> {
    let mut schema = Schema::load()?;
    let mut seen = 0;
    for line in GUIDE.lines() {
        if let Some(request) = line.strip_prefix("--> ").filter(|line| line.starts_with('{')) {
            let request = serde_json::from_str(request).with_context(|| line.to_owned())?;
            schema.check("/$defs/request", &request)?;
            let method = request["method"].as_str().context("a method")?;
            schema.check(&format!("/$defs/methods/{method}/params"), &request["params"])?;
            seen += 1;
        } else if let Some(told) = line.strip_prefix("<-- ") {
            schema.check("", &serde_json::from_str(told).with_context(|| line.to_owned())?)?;
            seen += 1;
        }
    }
    ensure!(seen >= 10, "only {seen} examples");
    Ok(())
}

/// What is done about people, by one whom the other asks to be a contact.
async fn call_about_contacts(schema: &mut Schema, peer: &Peer, other: &Peer) -> Result<Vec<String>> {
    let person = &other.me()["person"];
    let about = json!({ "person": person });
    let calls = [
        ("contacts.requests", json!({})),
        ("contacts.decline", about.clone()),
        ("contacts.requests", json!({})),
        ("contacts.block", about.clone()),
        ("people.list", json!({})),
        ("contacts.unblock", about.clone()),
        ("contacts.safety_number", about.clone()),
        ("contacts.verify", about.clone()),
        ("contacts.verify", json!({ "person": person, "verified": false })),
        ("contacts.add", about.clone()),
    ];
    for (method, params) in &calls {
        schema.call(peer, method, params.clone()).await?;
    }
    peer.wait_for("a contact", |event| event["event"] == "became_contacts").await?;
    let carol = Peer::spawn(PeerOptions::named("Carol").join(peer.join_link().await?)).await?;
    carol.wait_online(peer.me()["name"].as_str().context("a name")?).await?;
    carol.call("contacts.add", json!({ "person": peer.me()["person"] })).await?;
    let asking = &carol.me()["person"];
    peer.wait_request(asking).await?;
    schema.call(peer, "contacts.requests", json!({})).await?;
    schema.call(peer, "contacts.accept", json!({ "person": asking })).await?;
    carol.wait_for("acceptance", |event| event["event"] == "became_contacts").await?;
    schema.call(peer, "contacts.introduce", json!({ "to": asking, "person": person })).await?;
    let called_on_rooms = call_on_private_rooms(schema, peer, &carol).await?;
    carol.shutdown().await?;
    let also = ["contacts.accept", "contacts.introduce"].into_iter().chain(called_on_rooms);
    Ok(calls.into_iter().map(|(method, _)| method).chain(also).map(str::to_owned).collect())
}

/// Carol, who is a contact, founds a room and lets the peer in, who enters it and makes her a member.
async fn call_on_private_rooms(schema: &mut Schema, peer: &Peer, carol: &Peer) -> Result<[&'static str; 9]> {
    let people = json!([peer.me()["person"]]);
    let founded = json!({ "name": "Boat", "topic": "sailing", "past": "from_joining", "people": people });
    let room = schema.call(carol, "rooms.create", founded).await?["room"].clone();
    let invited = |entry: &Value| entry["invites_to"]["room"] == room;
    let chat = json!({ "conversation": carol.chat_with_me() });
    let page = peer.wait_until("conversation.page", chat, |page| peer::list(page).any(invited)).await?;
    let key = peer::list(&page).find(|entry| invited(entry)).context("it was there")?["key"].clone();
    let host = &carol.me()["person"];
    schema.call(peer, "rooms.enter", json!({ "person": host, "key": key })).await?;
    let is_in = |view: &Value| view["room"] == room && view["private"]["access"] == "open";
    peer.wait_until("rooms.list", json!({}), |rooms| peer::list(rooms).any(is_in)).await?;
    schema.call(peer, "rooms.carry_on", json!({ "room": room })).await?;
    schema.call(peer, "rooms.list", json!({})).await?;
    let of_peer = json!({ "room": room, "person": peer.me()["person"] });
    let admin = json!({ "room": room, "person": peer.me()["person"], "role": "admin" });
    schema.call(carol, "rooms.set_role", admin).await?;
    schema.call(carol, "rooms.set", json!({ "room": room, "name": "Ship", "past": "all" })).await?;
    let file = tempfile::NamedTempFile::new()?;
    png::Encoder::new(file.reopen()?, 8, 8).write_header()?.write_image_data(&[200; 64])?;
    let picture = json!({ "room": room, "path": file.path() });
    schema.call(carol, "rooms.set_picture", picture).await?;
    let shown = schema.call(carol, "rooms.picture", json!({ "room": room })).await?;
    ensure!(shown.is_string(), "{shown}");
    schema.call(carol, "rooms.list", json!({})).await?;
    schema.call(carol, "rooms.remove", of_peer.clone()).await?;
    schema.call(carol, "rooms.add", of_peer).await?;
    Ok([
        "rooms.create",
        "rooms.enter",
        "rooms.set_role",
        "rooms.set",
        "rooms.set_picture",
        "rooms.picture",
        "rooms.remove",
        "rooms.add",
        "rooms.carry_on",
    ])
}

/// Alice founds a public room, Bob enters, is hidden, muted, put out and let in again; then he knocks.
async fn call_on_founded_rooms(schema: &mut Schema, alice: &Peer, bob: &Peer) -> Result<[&'static str; 9]> {
    let founded = json!({ "name": "Square", "topic": "all of us" });
    let room = schema.call(alice, "rooms.found", founded).await?["room"].clone();
    let here = json!({ "room": room });
    schema.call(bob, "rooms.enter_founded", json!({ "room": room, "name": "Square" })).await?;
    let is = |standing: &'static str| {
        let room = room.clone();
        move |rooms: &Value| {
            peer::list(rooms).any(|view| view["room"] == room && view["founded"]["standing"] == standing)
        }
    };
    bob.wait_until("rooms.list", json!({}), is("in")).await?;
    let said = bob.call("conversation.send", json!({ "conversation": here, "text": "buy now" })).await?;
    let of_said = json!({ "conversation": here, "key": said["key"] });
    alice.wait_until("conversation.entry", of_said.clone(), |entry| entry["text"] == "buy now").await?;
    let hide = json!({ "room": room, "keys": [said["key"]], "reason": "spam" });
    schema.call(alice, "rooms.hide", hide).await?;
    let is_hidden = |entry: &Value| entry["withheld"]["reason"] == "spam" && entry["text"].is_null();
    bob.wait_until("conversation.entry", of_said.clone(), is_hidden).await?;
    let looked = schema.call(bob, "conversation.look", of_said).await?;
    ensure!(looked["text"] == "buy now", "{looked}");
    for hidden in [true, false] {
        let what = json!({ "room": room, "person": bob.me()["person"], "hidden": hidden });
        schema.call(alice, "rooms.hide_here", what).await?;
        schema.call(alice, "conversation.page", json!({ "conversation": here })).await?;
    }
    let muted = json!({ "room": room, "person": bob.me()["person"], "until_ms": 4_000_000_000_000_u64 });
    schema.call(alice, "rooms.mute", muted).await?;
    let is_muted = |rooms: &Value| {
        let has_muted = |view: &Value| peer::list(&view["moderation"]["muted"]).next().is_some();
        peer::list(rooms).any(|view| view["room"] == room && has_muted(view))
    };
    bob.wait_until("rooms.list", json!({}), is_muted).await?;
    let refused = bob.call("conversation.send", json!({ "conversation": here, "text": "but" })).await;
    ensure!(refused.is_err(), "who is muted does not write");
    let rules = json!({ "room": room, "door": "knock", "slow_ms": 1000, "keep_days": 30 });
    schema.call(alice, "rooms.set", rules).await?;
    bob.wait_until("rooms.list", json!({}), is("outside")).await?;
    let keeps = |view: &Value| view["room"] == room && view["moderation"]["keep_days"] == 30;
    bob.wait_until("rooms.list", json!({}), |rooms| peer::list(rooms).any(keeps)).await?;
    schema.call(bob, "rooms.knock", json!({ "room": room, "text": "please" })).await?;
    schema.call(bob, "rooms.list", json!({})).await?;
    let knocks = |rooms: &Value| {
        let has_knocks = |view: &Value| peer::list(&view["founded"]["knocks"]).next().is_some();
        peer::list(rooms).any(|view| view["room"] == room && has_knocks(view))
    };
    alice.wait_until("rooms.list", json!({}), knocks).await?;
    schema.call(alice, "rooms.list", json!({})).await?;
    let of_bob = json!({ "room": room, "person": bob.me()["person"] });
    schema.call(alice, "rooms.decline_knock", of_bob.clone()).await?;
    schema.call(bob, "rooms.stop_knocking", here.clone()).await?;
    schema.call(alice, "rooms.add", of_bob).await?;
    bob.wait_until("rooms.list", json!({}), is("in")).await?;
    Ok([
        "rooms.found",
        "rooms.enter_founded",
        "rooms.hide",
        "conversation.look",
        "rooms.hide_here",
        "rooms.mute",
        "rooms.knock",
        "rooms.decline_knock",
        "rooms.stop_knocking",
    ])
}

#[tokio::test]
async fn every_method_answers_as_its_schema_says() -> Result<()> {
    let mut schema = Schema::load()?;
    let (alice, bob, lobby) = two_in_the_lobby().await?;
    let bob_id = &bob.me()["person"];
    let calls = [
        ("version", json!({})),
        ("profile.get", json!(null)),
        ("profile.set", json!({ "name": "Alice", "status": "here 你好" })),
        ("profile.set", json!({ "name": "Alice B" })),
        ("privacy.set", json!({ "read_receipts": true, "typing": false })),
        ("rooms.join", json!({ "name": "周末徒步" })),
        ("rooms.list", json!({})),
        ("rooms.members", lobby.clone()),
        ("people.list", json!({})),
        ("people.find", json!({ "query": "bo" })),
        ("contacts.add", json!({ "person": bob_id })),
        ("contacts.rename", json!({ "person": bob_id, "nickname": "brother" })),
        ("contacts.rename", json!({ "person": bob_id, "nickname": null })),
        ("contacts.remove", json!({ "person": bob_id })),
        ("conversation.send", json!({ "conversation": lobby, "text": "hello" })),
        ("conversation.send", json!({ "conversation": { "direct": bob_id }, "text": "psst" })),
        ("conversation.page", json!({ "conversation": lobby, "limit": 500 })),
        ("chats.list", json!({})),
        ("network.status", json!({})),
        ("network.link", json!({ "room": "lobby" })),
        ("network.link", json!({})),
        ("network.add", json!({ "link": bob.join_link().await? })),
    ];
    let mut called = BTreeSet::new();
    for (method, params) in calls {
        schema.call(&alice, method, params).await?;
        called.insert(method.to_owned());
    }

    bob.wait_request(&alice.me()["person"]).await?;
    called.extend(call_about_contacts(&mut schema, &bob, &alice).await?);
    called.extend(call_on_founded_rooms(&mut schema, &alice, &bob).await?.map(str::to_owned));
    called.extend(call_on_invites(&mut schema, &alice, &bob, &lobby).await?);

    let chat = alice.chat_with_me();
    let heard = |entries: &Value| peer::list(entries).any(|entry| entry["text"] == "psst");
    let page = bob.wait_until("conversation.page", json!({ "conversation": chat }), heard).await?;
    schema
        .call(&bob, "conversation.mark_read", json!({ "conversation": chat, "up_to": page[0]["key"] }))
        .await?;
    schema.call(&bob, "conversation.page", json!({ "conversation": chat, "before": page[0]["key"] })).await?;
    schema.call(&bob, "conversation.page", json!({ "conversation": chat, "after": page[0]["key"] })).await?;
    let called_here = call_on_an_entry(&mut schema, &bob, &chat, &page[0]["key"]).await?;
    called.extend(called_here);
    called.extend(call_on_the_history(&mut schema, &bob, &chat).await?);
    called.extend(call_on_sound(&mut schema).await?);
    called.extend(calls::call_on_calls(&mut schema).await?);
    schema.call(&bob, "rooms.leave", lobby.clone()).await?;
    let is_left = |room: &Value| room["room"] == lobby["room"] && room["joined"] == false;
    bob.wait_until("rooms.list", json!({}), |rooms| peer::list(rooms).any(is_left)).await?;
    called.extend(words(&["conversation.mark_read", "conversation.page", "rooms.leave", "shutdown"]));
    assert_eq!(called, schema.methods()?);

    let mut changes = BTreeSet::new();
    for line in alice.told().iter().chain(&bob.told()) {
        schema.check("", line)?;
        let kind = line["params"].get("change").or(line["params"].get("event")).unwrap_or(&line["method"]);
        changes.insert(kind.as_str().unwrap_or_default().to_owned());
    }
    let wanted =
        words(&["opened", "closed", "entry_added", "delivery_changed", "member_joined", "read", "status"]);
    ensure!(changes.is_superset(&wanted), "these came: {changes:?}");
    ensure!(changes.contains("person_changed") && changes.contains("profile_changed"), "{changes:?}");
    alice.shutdown().await?;
    bob.shutdown().await
}

/// Calls what can be done with an entry of somebody else and with an answer to it.
async fn call_on_an_entry(
    schema: &mut Schema,
    peer: &Peer,
    chat: &Value,
    key: &Value,
) -> Result<BTreeSet<String>> {
    let answer = json!({ "conversation": chat, "text": "what?", "reply_to": key });
    let answer = schema.call(peer, "conversation.send", answer).await?;
    assert_eq!(answer["reply_to"], *key);
    let calls = [
        ("conversation.react", json!({ "conversation": chat, "key": key, "emoji": "👍" })),
        ("conversation.entry", json!({ "conversation": chat, "key": key })),
        ("conversation.edit", json!({ "conversation": chat, "key": answer["key"], "text": "what!" })),
        ("conversation.edits", json!({ "conversation": chat, "key": answer["key"] })),
        ("conversation.delete", json!({ "conversation": chat, "key": answer["key"] })),
        ("conversation.typing", json!({ "conversation": chat })),
    ];
    let mut called = BTreeSet::new();
    for (method, params) in calls {
        schema.call(peer, method, params).await?;
        called.insert(method.to_owned());
    }
    Ok(called)
}

/// Calls what is done with sound, on devices of the test's own.
#[cfg(target_os = "linux")]
async fn call_on_sound(schema: &mut Schema) -> Result<BTreeSet<String>> {
    let pulse = crate::pulse::Pulse::start(&["room"]);
    let carol = Peer::spawn(PeerOptions::named("Carol").environment(pulse.environment())).await?;
    // A busy sound server may name none for a moment.
    let has_some = |devices: &Value| peer::list(&devices["outputs"]).next().is_some();
    carol.wait_until("sound.devices", json!({}), has_some).await?;
    let devices = schema.call(&carol, "sound.devices", json!({})).await?;
    let mut sound = schema.call(&carol, "sound.get", json!(null)).await?;
    sound["output"] = devices["outputs"][0]["id"].clone();
    sound["gain_control"] = json!(false);
    sound["activation"] = json!("push_to_talk");
    sound["ring"] = json!(false);
    schema.call(&carol, "sound.set", sound.clone()).await?;
    assert_eq!(schema.call(&carol, "sound.get", json!({})).await?, sound);
    let checked = schema.call(&carol, "sound.check", json!({ "seconds": 1 })).await?;
    assert_eq!(checked["output"], devices["outputs"][0]["name"]);
    schema.call(&carol, "sound.ring", json!({})).await?;
    carol.shutdown().await?;
    Ok(words(&["sound.check", "sound.devices", "sound.get", "sound.ring", "sound.set"]))
}

/// Elsewhere there are no devices of a test's own.
#[cfg(not(target_os = "linux"))]
async fn call_on_sound(_: &mut Schema) -> Result<BTreeSet<String>> {
    Ok(words(&["sound.check", "sound.devices", "sound.get", "sound.ring", "sound.set"]))
}

/// Calls what is done with the whole history.
async fn call_on_invites(
    schema: &mut Schema,
    alice: &Peer,
    bob: &Peer,
    lobby: &Value,
) -> Result<BTreeSet<String>> {
    let dir = tempfile::tempdir()?;
    let file = dir.path().join("alice.kinmesh");
    let made = schema.call(alice, "invites.create", json!({})).await?;
    schema.call(alice, "invites.create", json!({ "room": lobby["room"], "valid_s": null })).await?;
    let invite = json!({ "invite": made["invite"]["id"] });
    let link = json!({ "link": made["link"] });
    let saved = json!({ "invite": made["invite"]["id"], "path": file });
    let calls = [
        (alice, "invites.list", json!({})),
        (alice, "invites.link", invite.clone()),
        (alice, "invites.save", saved),
        (bob, "invites.look", json!({ "link": file })),
        (bob, "invites.look", json!({ "link": bob.join_link().await? })),
        (alice, "invites.revoke", invite.clone()),
        (bob, "invites.open", link),
    ];
    let mut called = BTreeSet::from(["invites.create".to_owned()]);
    for (peer, method, params) in calls {
        schema.call(peer, method, params).await?;
        called.insert(method.to_owned());
    }
    bob.wait_for("the answer", |event| event["event"] == "opening_answered").await?;
    schema.call(bob, "invites.opened", json!({})).await?;
    schema.call(bob, "invites.dismiss", invite).await?;
    called.extend(["invites.opened", "invites.dismiss"].map(str::to_owned));
    Ok(called)
}

async fn call_on_the_history(schema: &mut Schema, peer: &Peer, chat: &Value) -> Result<BTreeSet<String>> {
    let dir = tempfile::tempdir()?;
    let file = |name: &str| dir.path().join(name);
    let archive = json!({ "path": file("all.age"), "passphrase": "correct horse" });
    let mut import = archive.clone();
    import["dir"] = json!(file("imported"));
    let calls = [
        ("search", json!({})),
        ("search", json!({ "text": "psst", "in": chat, "after": "2026-01-01", "limit": 1 })),
        ("conversation.export", json!({ "conversation": chat, "format": "json", "path": file("chat.json") })),
        ("history.export", archive),
        ("history.import", import),
    ];
    let mut called = BTreeSet::new();
    for (method, params) in calls {
        schema.call(peer, method, params).await?;
        called.insert(method.to_owned());
    }
    Ok(called)
}

/// A find with what was looked for in brackets.
fn marked(hit: &Value) -> String {
    let mark = |piece: &Value| {
        let text = piece["text"].as_str().unwrap_or_default();
        if piece["found"] == true { format!("[{text}]") } else { text.to_owned() }
    };
    peer::list(&hit["snippet"]).map(mark).collect()
}

fn all_marked(found: &Value) -> Vec<String> {
    peer::list(&found["hits"]).map(marked).collect()
}

/// Asks as somebody who types would, until this is the answer: nobody is told when the index has
/// taken up what came.
async fn finds(peer: &Peer, params: Value, wanted: &[&str]) -> Result<()> {
    let ask = async {
        while all_marked(&peer.call("search", &params).await?) != wanted {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        anyhow::Ok(())
    };
    timeout(DEADLINE, ask).await.with_context(|| format!("{params} finds {wanted:?}"))?
}

#[tokio::test]
async fn what_anybody_wrote_is_found_in_any_script_page_by_page() -> Result<()> {
    let (alice, bob, lobby) = two_in_the_lobby().await?;
    let tea = alice.join_room("tea").await?;
    alice.send(&tea, "Le THÉ est prêt").await?;
    alice.send(&lobby, "明天八点去北京").await?;
    let typo = alice.send(&lobby, "the train to Bern").await?;
    bob.send(&lobby, "which train?").await?;
    alice.wait_text("which train?").await?;

    finds(&alice, json!({ "text": "train" }), &["which [train]?", "the [train] to Bern"]).await?;
    finds(&alice, json!({ "text": "the " }), &["[the] train to Bern", "Le [THÉ] est prêt"]).await?;
    finds(&alice, json!({ "text": "北京" }), &["明天八点去[北京]"]).await?;
    finds(&alice, json!({ "text": "the", "in": tea }), &["Le [THÉ] est prêt"]).await?;
    finds(&alice, json!({ "text": "train", "from": [bob.me()["person"]] }), &["which [train]?"]).await?;
    finds(&alice, json!({ "text": "train", "before": "2026-01-01" }), &[]).await?;

    let first = alice.call("search", json!({ "text": "train", "limit": 1 })).await?;
    let rest = json!({ "text": "train", "limit": 5, "cursor": first["next"] });
    let rest = alice.call("search", rest).await?;
    assert_eq!(all_marked(&rest), ["the [train] to Bern"]);
    assert_eq!((&rest["next"], &rest["progress"]), (&Value::Null, &Value::Null));

    alice.call("conversation.delete", json!({ "conversation": lobby, "key": typo["key"] })).await?;
    finds(&alice, json!({ "text": "train", "after": "2026-01-01" }), &["which [train]?"]).await?;
    for bad in [json!({ "after": "yesterday" }), json!({ "limit": 0 }), json!({ "from": ["Bob"] })] {
        assert_eq!(alice.call_refused("search", &bad).await?.code, -32602, "{bad}");
    }
    alice.shutdown().await?;
    bob.shutdown().await
}

#[tokio::test]
async fn a_conversation_is_written_into_a_file_while_the_peer_runs() -> Result<()> {
    let (alice, bob, lobby) = two_in_the_lobby().await?;
    let dir = tempfile::tempdir()?;
    let tea = alice.send(&lobby, "tae?").await?;
    let at_bob = json!({ "conversation": lobby, "key": tea["key"] });
    bob.wait_until("conversation.entry", at_bob, |entry| entry["text"] == "tae?").await?;
    let edit = json!({ "conversation": lobby, "key": tea["key"], "text": "tea?" });
    alice.call("conversation.edit", edit).await?;
    let answer = json!({ "conversation": lobby, "text": "yes 好", "reply_to": tea["key"] });
    let answer = bob.call("conversation.send", answer).await?;
    bob.call("conversation.react", json!({ "conversation": lobby, "key": tea["key"], "emoji": "🫖" }))
        .await?;
    let oops = alice.send(&lobby, "never mind").await?;
    alice.call("conversation.delete", json!({ "conversation": lobby, "key": oops["key"] })).await?;
    let all = |entries: &Value| {
        let reacted = peer::list(entries).any(|entry| entry["reactions"][0]["emoji"] == "🫖");
        reacted && peer::list(entries).any(|entry| entry["key"] == answer["key"])
    };
    alice.wait_until("conversation.page", json!({ "conversation": lobby }), all).await?;

    let export = async |format: &str| {
        let path = dir.path().join(format);
        let params = json!({ "conversation": lobby, "format": format, "path": path });
        assert_eq!(alice.call("conversation.export", params).await?, json!({ "entries": 3 }));
        anyhow::Ok(std::fs::read_to_string(path)?)
    };
    let written: Value = serde_json::from_str(&export("json").await?)?;
    let of = |key: &Value| peer::list(&written["messages"]).find(|message| message["key"] == *key);
    let message = of(&tea["key"]).context("the tea")?;
    assert_eq!((&message["text"], &message["edits"][0]["text"]), (&json!("tea?"), &json!("tae?")));
    assert_eq!(message["reactions"][0]["people"][0]["name"], "Bob");
    assert_eq!(of(&answer["key"]).context("the answer")?["reply_to"], tea["key"]);
    let gone = of(&oops["key"]).context("what was taken back")?;
    assert_eq!((&gone["text"], &gone["deleted"]), (&Value::Null, &json!(true)));

    let text = export("markdown").await?;
    for words in ["# lobby", "> tea?", "> yes 好", "🫖 Bob", "answers Alice", "*taken back by its author*"]
    {
        ensure!(text.contains(words), "{words} is not in {text}");
    }
    ensure!(!text.contains("never mind"), "{text}");
    let nowhere = json!({ "conversation": lobby, "format": "json", "path": "/nowhere/x.json" });
    assert_eq!(alice.call_refused("conversation.export", &nowhere).await?.kind, "file");
    alice.shutdown().await?;
    bob.shutdown().await
}

#[tokio::test]
async fn everything_is_exported_from_a_running_peer_and_lives_again_elsewhere() -> Result<()> {
    let mut schema = Schema::load()?;
    let dir = tempfile::tempdir()?;
    let (archive, moved) = (dir.path().join("alice.age"), dir.path().join("moved"));
    let alice = Peer::spawn(PeerOptions::named("Alice").data(dir.path().join("alice"))).await?;
    let lobby = alice.join_room("lobby").await?;
    alice.send(&lobby, "remember me").await?;
    let sealed = json!({ "path": archive, "passphrase": "correct horse" });
    let report = alice.call("history.export", &sealed).await?;
    assert_eq!((&report["conversations"], &report["entries"]), (&json!(1), &json!(1)), "{report}");
    assert_eq!(report["bytes"], std::fs::metadata(&archive)?.len());
    let told = alice.told();
    let last = told.iter().rfind(|told| told["method"] == "progress").context("how far it is is told")?;
    schema.check("", last)?;
    assert_eq!((&last["params"]["entries"], &last["params"]["of"]), (&json!(1), &json!(1)));
    alice.send(&lobby, "said later").await?;

    let import =
        |dir: &Path, passphrase: &str| json!({ "path": archive, "passphrase": passphrase, "dir": dir });
    let refused = async |params: Value| anyhow::Ok(alice.call_refused("history.import", &params).await?.kind);
    assert_eq!(refused(import(&dir.path().join("alice"), "correct horse")).await?, "not_empty");
    assert_eq!(refused(import(&moved, "wrong horse")).await?, "wrong_passphrase");
    ensure!(!moved.exists(), "a refused import leaves nothing");
    let mut other = import(&moved, "correct horse");
    other["path"] = json!(dir.path().join("alice/settings.toml"));
    std::fs::write(dir.path().join("alice/settings.toml"), "language = \"en\"\n")?;
    assert_eq!(refused(other).await?, "bad_archive");
    let report = alice.call("history.import", import(&moved, "correct horse")).await?;
    assert_eq!((&report["person"], &report["entries"]), (&alice.me()["person"], &json!(1)));
    assert_eq!(alice.history(&lobby).await?.len(), 2, "the running peer stays as it is");
    let me = alice.me().clone();
    alice.shutdown().await?;

    let alice = Peer::spawn(PeerOptions::default().data(&moved)).await?;
    assert_eq!(alice.me(), &me);
    let texts: Vec<_> = alice.history(&lobby).await?.iter().map(|entry| entry["text"].clone()).collect();
    assert_eq!(texts, ["remember me"]);
    finds(&alice, json!({ "text": "remember" }), &["[remember] me"]).await?;
    alice.shutdown().await
}

#[tokio::test]
async fn an_edit_a_reaction_and_a_deletion_reach_the_other_side() -> Result<()> {
    let (alice, bob, lobby) = two_in_the_lobby().await?;
    let told = alice.call("conversation.send", json!({ "conversation": lobby, "text": "helo" })).await?;
    let key = &told["key"];
    let entry = json!({ "conversation": lobby, "key": key });
    bob.wait_until("conversation.entry", entry.clone(), |entry| entry["text"] == "helo").await?;

    let edit = json!({ "conversation": lobby, "key": key, "text": "hello" });
    alice.call("conversation.edit", edit).await?;
    let edited =
        bob.wait_until("conversation.entry", entry.clone(), |entry| entry["text"] == "hello").await?;
    ensure!(edited["edited_ms"].is_u64(), "{edited}");
    let texts = bob.call("conversation.edits", entry.clone()).await?;
    assert_eq!((&texts[0]["text"], &texts[1]["text"]), (&json!("helo"), &json!("hello")));

    bob.call("conversation.react", json!({ "conversation": lobby, "key": key, "emoji": "👍" })).await?;
    let reacted = [json!({ "emoji": "👍", "people": [bob.me()["person"]] })];
    let is_reacted = |entry: &Value| entry["reactions"].as_array().is_some_and(|all| *all == reacted);
    alice.wait_until("conversation.entry", entry.clone(), is_reacted).await?;

    alice.call("conversation.delete", entry.clone()).await?;
    let gone = bob.wait_until("conversation.entry", entry, |entry| entry["deleted"] == true).await?;
    assert_eq!((&gone["text"], &gone["reactions"]), (&Value::Null, &json!([])));
    alice.shutdown().await?;
    bob.shutdown().await
}

#[tokio::test]
async fn nobody_changes_the_words_of_another() -> Result<()> {
    let (alice, bob, lobby) = two_in_the_lobby().await?;
    let told = alice.call("conversation.send", json!({ "conversation": lobby, "text": "mine" })).await?;
    let on = |key: &Value, more: Value| {
        let mut params = json!({ "conversation": lobby, "key": key });
        params
            .as_object_mut()
            .into_iter()
            .for_each(|all| all.extend(more.as_object().cloned().unwrap_or_default()));
        params
    };
    let key = &told["key"];
    bob.wait_until("conversation.entry", on(key, json!({})), |entry| entry["text"] == "mine").await?;
    let nowhere = json!(format!("{}-{}", "0".repeat(16), "a".repeat(52)));
    let cases = [
        ("conversation.edit", on(key, json!({ "text": "yours" })), -32013),
        ("conversation.delete", on(key, json!({})), -32013),
        ("conversation.react", on(key, json!({ "emoji": "well done" })), -32015),
        ("conversation.edit", on(&nowhere, json!({ "text": "x" })), -32012),
    ];
    for (method, params, code) in cases {
        assert_eq!(bob.call_refused(method, &params).await?.code, code, "{method} {params}");
    }
    alice.call("conversation.delete", on(key, json!({}))).await?;
    let again = alice.call_refused("conversation.edit", &on(key, json!({ "text": "back" }))).await?;
    assert_eq!(again.code, -32014);
    alice.shutdown().await?;
    bob.shutdown().await
}

#[tokio::test]
async fn what_was_read_is_told_if_both_share_it() -> Result<()> {
    let (alice, bob, _) = two_in_the_lobby().await?;
    alice.befriend(&bob).await?;
    let said = json!({ "conversation": bob.chat_with_me(), "text": "psst" });
    let key = alice.call("conversation.send", said).await?["key"].clone();
    let at_bob = json!({ "conversation": alice.chat_with_me(), "key": key });
    bob.wait_until("conversation.entry", at_bob, |entry| entry["text"] == "psst").await?;
    let read = json!({ "conversation": alice.chat_with_me(), "up_to": key });
    bob.call("conversation.mark_read", read).await?;
    let here = json!({ "conversation": bob.chat_with_me(), "key": key });
    alice.wait_until("conversation.entry", here.clone(), |entry| entry["read_by_other"] == true).await?;
    alice.call("privacy.set", json!({ "read_receipts": false, "typing": true })).await?;
    let hidden = alice.call("conversation.entry", here).await?;
    assert_eq!(hidden["read_by_other"], false, "who does not tell is not told");
    alice.shutdown().await?;
    bob.shutdown().await
}

#[tokio::test]
async fn two_peers_talk_in_a_room_and_one_to_one() -> Result<()> {
    let (alice, bob, lobby) = two_in_the_lobby().await?;
    let sent = alice.send(&lobby, "hello room").await?;
    assert_eq!(bob.wait_text("hello room").await?["key"], sent["key"]);
    alice.wait_delivery(&sent, "sent").await?;
    bob.befriend(&alice).await?;
    let sent = bob.send(&alice.chat_with_me(), "hello Alice").await?;
    assert_eq!(alice.wait_text("hello Alice").await?["conversation"], bob.chat_with_me());
    bob.wait_delivery(&sent, "delivered").await?;
    bob.shutdown().await?;
    alice.wait_offline("Bob").await?;
    alice.terminate().await
}

#[tokio::test]
async fn a_peer_that_comes_back_has_its_name_rooms_history_and_ways_in() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let data = dir.path().join("data");
    let bob = Peer::spawn(PeerOptions::named("Bob")).await?;
    let link = bob.join_link().await?;
    let alice = Peer::spawn(PeerOptions::named("Alice").data(&data).join(&link)).await?;
    let lobby = alice.join_room("lobby").await?;
    alice.send(&lobby, "remember me").await?;
    alice.shutdown().await?;

    let alice = Peer::spawn(PeerOptions::default().data(&data)).await?;
    assert_eq!(alice.me()["name"], "Alice");
    assert_eq!(alice.call("rooms.list", json!({})).await?[0]["joined"], true);
    assert_eq!(alice.history(&lobby).await?[0]["text"], "remember me");
    let settings = std::fs::read_to_string(data.join("settings.toml"))?;
    ensure!(
        settings.contains(bob.me()["name"].as_str().unwrap_or("?")) || settings.contains("/p2p/"),
        "{settings}"
    );
    alice.wait_online("Bob").await?;
    alice.shutdown().await
}

#[tokio::test]
async fn a_bad_line_gets_its_error_and_the_program_goes_on() -> Result<()> {
    let mut schema = Schema::load()?;
    let peer = Peer::spawn(PeerOptions::named("Alice")).await?;
    let huge = vec![b'x'; 3 << 20];
    let deep = "[".repeat(100_000);
    // What cannot be read as a call has no id to answer to.
    let (unknown, a) = (Value::Null, json!("a"));
    let bad: [(&[u8], &Value, i64, &str); 9] = [
        (b"hello", &unknown, -32700, "parse_error"),
        (b"\xff\xfe", &unknown, -32700, "parse_error"),
        (deep.as_bytes(), &unknown, -32700, "parse_error"),
        (b"{}", &unknown, -32600, "invalid_request"),
        (b"[]", &unknown, -32600, "invalid_request"),
        (&huge, &unknown, -32600, "line_too_long"),
        (br#"{"jsonrpc":"2.0","id":"a","method":"people.lst"}"#, &a, -32601, "method_not_found"),
        (br#"{"jsonrpc":"2.0","id":"a","method":"rooms.join","params":{}}"#, &a, -32602, "invalid_params"),
        (br#"{"jsonrpc":"2.0","id":"a","method":"version","params":{"x":1}}"#, &a, -32602, "invalid_params"),
    ];
    for (line, id, code, kind) in bad {
        peer.write_raw(line).await?;
        let answer = peer.other_line().await?;
        schema.check("", &answer)?;
        assert_eq!(
            (&answer["id"], &answer["error"]["code"], &answer["error"]["data"]["kind"]),
            (id, &json!(code), &json!(kind))
        );
    }
    peer.write_raw(b"").await?;
    peer.call("version", json!({})).await?;
    peer.shutdown().await
}

#[tokio::test]
async fn a_batch_is_answered_in_its_order_and_notifications_are_not_answered() -> Result<()> {
    let mut schema = Schema::load()?;
    let peer = Peer::spawn(PeerOptions::named("Alice")).await?;
    let lobby = peer.join_room("lobby").await?;
    peer.write_raw(br#"{"jsonrpc":"2.0","method":"no.such.method"}"#).await?;
    peer.write_raw(br#"[{"jsonrpc":"2.0","method":"version"},{"jsonrpc":"2.0","method":"no.such"}]"#).await?;
    let mut batch = vec![json!(7), json!({ "jsonrpc": "2.0", "method": "version" })];
    batch.extend((0..100).map(|n| {
        let params = json!({ "conversation": lobby, "text": n.to_string() });
        json!({ "jsonrpc": "2.0", "id": format!("b{n}"), "method": "conversation.send", "params": params })
    }));
    peer.write_raw(json!(batch).to_string().as_bytes()).await?;
    let answers = peer.other_line().await?;
    schema.check("", &answers)?;
    let answers = answers.as_array().context("a batch is answered by an array")?;
    assert_eq!(answers.len(), 101);
    assert_eq!(answers[0]["error"]["code"], -32600);
    for (n, answer) in answers[1..].iter().enumerate() {
        assert_eq!(
            (&answer["id"], &answer["result"]["text"]),
            (&json!(format!("b{n}")), &json!(n.to_string()))
        );
    }
    let texts: Vec<_> = peer.history(&lobby).await?.into_iter().map(|entry| entry["text"].clone()).collect();
    assert_eq!(texts, (0..100).map(|n| json!(n.to_string())).collect::<Vec<_>>());
    peer.shutdown().await
}

#[tokio::test]
async fn params_may_be_given_by_position() -> Result<()> {
    let peer = Peer::spawn(PeerOptions::named("Alice")).await?;
    let lobby = peer.call("rooms.join", json!(["Lobby"])).await?;
    assert_eq!(lobby, peer.join_room("lobby").await?);
    peer.call("conversation.send", json!([lobby, "one"])).await?;
    let page = peer.call("conversation.page", json!([lobby])).await?;
    assert_eq!(page[0]["text"], "one");
    peer.shutdown().await
}

#[tokio::test]
async fn refusals_carry_their_code_and_kind() -> Result<()> {
    let peer = Peer::spawn(PeerOptions::named("Alice")).await?;
    let lobby = peer.join_room("lobby").await?;
    let stranger = "a".repeat(52);
    let own = peer.call("network.status", json!({})).await?["listening"][0].clone();
    let say = |text: &str| json!({ "conversation": lobby, "text": text });
    let not_here = json!({ "room": stranger });
    let cases = [
        ("conversation.send", say(" \n"), -32005, "empty_text"),
        ("conversation.send", say(&"x".repeat(32 * 1024 + 1)), -32006, "text_too_long"),
        ("conversation.send", json!({ "conversation": not_here, "text": "x" }), -32003, "not_joined"),
        (
            "conversation.send",
            json!({ "conversation": { "direct": stranger }, "text": "x" }),
            -32004,
            "unknown_person",
        ),
        ("conversation.page", json!({ "conversation": lobby, "limit": 501 }), -32602, "invalid_params"),
        (
            "conversation.page",
            json!({ "conversation": lobby, "before": "yesterday" }),
            -32602,
            "invalid_params",
        ),
        ("rooms.leave", not_here.clone(), -32003, "not_joined"),
        ("rooms.join", json!({ "name": "a\u{202e}b" }), -32602, "invalid_params"),
        ("profile.set", json!({ "name": "x".repeat(1000) }), -32602, "invalid_params"),
        ("contacts.add", json!({ "person": stranger }), -32004, "unknown_person"),
        ("contacts.add", json!({ "person": "Bob" }), -32602, "invalid_params"),
        ("network.add", json!({ "link": "kinmesh://join" }), -32008, "bad_address"),
        ("network.add", json!({ "link": "/ip4/127.0.0.1/tcp/1" }), -32008, "bad_address"),
        ("network.add", json!({ "link": own }), -32009, "own_address"),
    ];
    for (method, params, code, kind) in cases {
        let fault = peer.call_refused(method, &params).await?;
        assert_eq!((fault.code, fault.kind.as_str()), (code, kind), "{method} {params:.80}");
    }
    ensure!(GUIDE.contains("| -32009 | `own_address` |"), "the guide lists codes");
    peer.shutdown().await
}

#[tokio::test]
async fn it_ends_cleanly_in_every_way() -> Result<()> {
    let peer = || Peer::spawn(PeerOptions::named("Alice"));
    peer().await?.shutdown().await?;
    peer().await?.terminate().await?;
    peer().await?.interrupt().await?;
    assert!(peer().await?.close_input().await?.success());
    Ok(())
}

/// Runs `kinmesh rpc` with arguments that must be refused; the line that says why.
async fn refused_start(args: &[&str]) -> Result<String> {
    let ended = process::run("kinmesh", &[&["rpc", "--no-mdns"], args].concat(), "").await?;
    let error = String::from_utf8(ended.stderr)?;
    ensure!(ended.status.code() == Some(1), "{args:?} ended with {}: {error}", ended.status);
    ensure!(error.lines().count() == 1 && error.starts_with("kinmesh: "), "one clear line, not {error:?}");
    ensure!(ended.stdout.is_empty(), "standard output is for answers");
    Ok(error)
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_window_without_a_display_is_one_clear_line() -> Result<()> {
    let mut command = tokio::process::Command::new(binary::path("kinmesh"));
    for name in ["DISPLAY", "WAYLAND_DISPLAY", "WAYLAND_SOCKET"] {
        command.env_remove(name);
    }
    let dir = tempfile::tempdir()?;
    let ended = command.arg("--data").arg(dir.path().join("data")).kill_on_drop(true).output().await?;
    let error = String::from_utf8(ended.stderr)?;
    ensure!(error.lines().count() == 1 && error.contains("no display"), "one clear line, not {error:?}");
    assert_eq!(ended.status.code(), Some(1));
    Ok(())
}

#[tokio::test]
async fn a_start_that_cannot_be_is_one_clear_line() -> Result<()> {
    let peer = Peer::spawn(PeerOptions::named("Alice")).await?;
    let taken = peer.data().display().to_string();
    let loopback = "/ip4/127.0.0.1/tcp/0";
    let error = refused_start(&["--data", &taken, "--listen", loopback]).await?;
    ensure!(error.contains("another program") || error.contains("in use"), "{error}");

    let dir = tempfile::tempdir()?;
    let free = dir.path().join("free").display().to_string();
    let listening = peer.call("network.status", json!({})).await?["listening"][0].clone();
    let busy = listening.as_str().and_then(|address| address.split("/p2p/").next()).context("an address")?;
    let error = refused_start(&["--data", &free, "--listen", busy]).await?;
    ensure!(error.contains(busy), "{error}");
    let error = refused_start(&["--data", &free, "--listen", "localhost:80"]).await?;
    ensure!(error.contains("--listen localhost:80"), "{error}");
    let error = refused_start(&["--data", &free, "--join", "kinmesh://join"]).await?;
    ensure!(error.contains("--join kinmesh://join"), "{error}");
    let error = refused_start(&["--data", &free, "--listen", loopback, "--name", "\u{7}"]).await?;
    ensure!(error.contains("--name"), "{error}");

    let damaged = dir.path().join("damaged");
    std::fs::create_dir(&damaged)?;
    std::fs::write(damaged.join("settings.toml"), "theme = \"light\"\nbootstraps = 3\n")?;
    let error = refused_start(&["--data", &damaged.display().to_string(), "--listen", loopback]).await?;
    ensure!(error.contains("settings.toml is damaged in line 2"), "{error}");
    peer.shutdown().await
}
