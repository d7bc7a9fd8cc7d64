//! What somebody can do who was let in: into a public room, as anybody is, or into a private one.

use kinmesh_proto::{Control, Entry, EntryId, Keyring, Role, RoomKey, RoomPicture, Seat};
use kinmesh_tests::stranger::Heard;

use super::*;

/// Everything of a range.
fn everything() -> SyncAsk {
    SyncAsk::Fetch(Wanted::Range(KeyRange::ALL))
}

/// Asks until it is answered.
async fn insist(stranger: &Stranger, peer: PeerId, request: &SyncRequest) -> Result<SyncResponse> {
    let answered = async {
        loop {
            let answer = stranger.ask_history(peer, request).await?;
            if answer != SyncResponse::Busy {
                return anyhow::Ok(answer);
            }
        }
    };
    timeout(DEADLINE, answered).await?
}

/// A private room of Alice, in which are Bob and Mallory, who has its log and its secrets.
struct Boat {
    mallory: Stranger,
    alice: PeerId,
    bob: PeerId,
    room: RoomId,
    conversation: Value,
    ring: Keyring,
    steps: Vec<Entry>,
    key: RoomKey,
}

impl Boat {
    async fn open(scene: &Scene) -> Result<Self> {
        let (mallory, alice) = scene.mallory().await?;
        scene.lets_in(&mallory, alice).await?;
        let people = json!([scene.bob.me()["person"], mallory.keys().person()]);
        let founded = json!({ "name": "Boat", "people": people });
        let conversation = scene.alice.call("rooms.create", founded).await?;
        enter(scene, "Boat").await?;
        // Not before: he could ask her for the secret, who does not answer, and bring one of his own.
        let link: JoinLink = scene.bob.join_link().await?.parse()?;
        let bob = mallory.dial(&link.nodes[0].parse()?).await?;
        mallory.greet(bob, &mallory.hello("Mallory")?).await?;
        let room: RoomId = conversation["room"].as_str().context("a room")?.parse()?;
        let mut boat = Self {
            mallory,
            alice,
            bob,
            room,
            conversation,
            ring: Keyring::default(),
            steps: Vec::new(),
            key: RoomKey::of(room, &Default::default()),
        };
        boat.learn().await?;
        Ok(boat)
    }

    fn log(&self) -> ConversationId {
        ConversationId::Control(self.room)
    }

    fn request(&self, about: ConversationId, ask: SyncAsk) -> SyncRequest {
        SyncRequest { conversation: about.tag(self.mallory.keys().person()), ask }
    }

    /// Takes what a member is given: the log, then the secrets.
    async fn learn(&mut self) -> Result<()> {
        let log = insist(&self.mallory, self.alice, &self.request(self.log(), everything())).await?;
        let SyncResponse::Entries(steps) = log else { anyhow::bail!("no log: {log:?}") };
        for step in steps.unpack().ok().context("a pack")? {
            self.steps.push(step.trust_stored()?);
        }
        let room = ConversationId::Room(self.room);
        let secrets = insist(&self.mallory, self.alice, &self.request(room, self.secrets())).await?;
        let SyncResponse::Secrets(secrets) = secrets else { anyhow::bail!("no secrets: {secrets:?}") };
        let epochs: Vec<EntryId> = secrets.iter().map(|(step, _)| *step).collect();
        secrets.into_iter().for_each(|(step, secret)| self.ring.add(self.room, step, secret));
        self.key = self.ring.key(self.room, &epochs).context("a key")?;
        for member in [self.alice, self.bob] {
            listen_in(&self.mallory, &self.key.topic(), member).await?;
        }
        Ok(())
    }

    /// The entries among what was heard on the room's topic.
    fn entries(&self, heard: &Heard) -> Vec<Unverified<EntryBody>> {
        let opened = heard.frames.iter().filter_map(|(_, frame)| self.key.open_frame(frame));
        let frames = opened.filter_map(|frame| codec::decode(&frame, frame.len()).ok());
        let entries = frames.filter_map(|frame| match frame {
            RoomFrame::Entries { entries, .. } => Some(entries),
            _ => None,
        });
        entries.flatten().collect()
    }

    /// Says something on the room's topic, as a member does.
    async fn publish(&self, entry: Unverified<EntryBody>) -> Result<()> {
        let frame = codec::encode(&RoomFrame::Entries { entries: vec![entry], attempt: 0 });
        self.mallory.publish_on(&self.key.topic(), self.key.seal_frame(&frame)).await
    }

    async fn rename(&self, scene: &Scene, name: &str) -> Result<()> {
        let params = json!({ "room": self.conversation["room"], "name": name });
        scene.alice.call("rooms.set", params).await?;
        let has_name = |room: &Value| room["name"] == name;
        scene.bob.wait_until("rooms.list", json!({}), |rooms| list(rooms).any(has_name)).await.map(drop)
    }

    /// Asks for the secrets of all steps that were heard of, on whatever way.
    fn secrets(&self) -> SyncAsk {
        let heard = self.entries(&self.mallory.heard());
        let heard = heard.iter().map(|entry| EntryId(entry.hash()));
        SyncAsk::Secrets(self.steps.iter().map(Entry::id).chain(heard).collect())
    }

    /// All texts of the room that were heard and can be read, each once: everybody passes them on.
    fn overheard(&self) -> Vec<String> {
        let heard = self.entries(&self.mallory.heard());
        let entries = heard.into_iter().filter_map(|entry| entry.trust_stored().ok());
        let opened = entries.map(|entry| entry.opened(self.room, &self.ring));
        let mut texts: Vec<String> = opened.filter_map(|entry| entry.text().map(str::to_owned)).collect();
        texts.sort_unstable();
        texts.dedup();
        texts
    }

    /// A step of Mallory's, after all she has seen.
    fn step(&self, seq: u64, control: Control) -> Entry {
        let keys = self.mallory.keys();
        let body = EntryBody {
            conversation: self.log().tag(keys.person()),
            clock: Hlc::from_ms(now_ms()),
            seq,
            prev: self.steps.iter().map(Entry::key).collect(),
            content: Content::Control(Box::new(control)),
        };
        Unverified::sign(body, keys)
    }

    /// The room as Alice sees it.
    async fn of_alice(&self, scene: &Scene) -> Result<Value> {
        let rooms = scene.alice.call("rooms.list", json!({})).await?;
        list(&rooms).find(|room| room["room"] == self.conversation["room"]).cloned().context("it is there")
    }

    async fn put_out(&self, scene: &Scene) -> Result<()> {
        let mallory = self.mallory.keys().person();
        scene
            .alice
            .call("rooms.remove", json!({ "room": self.conversation["room"], "person": mallory }))
            .await?;
        let is_gone = |room: &Value| room["room"] == self.conversation["room"] && room["members"] == 2;
        scene.bob.wait_until("rooms.list", json!({}), |rooms| list(rooms).any(is_gone)).await.map(drop)
    }
}

/// Listens on a topic until somebody says something there: what they said before does not come.
async fn listen_in(stranger: &Stranger, topic: &str, speaker: PeerId) -> Result<()> {
    stranger.listen(topic, speaker).await?;
    stranger.hears(topic, speaker).await
}

/// Frames of a topic of which somebody without its key makes nothing.
fn ensure_dark(frames: &[(String, Vec<u8>)], topic: &str, names: &[&str]) -> Result<()> {
    for (_, frame) in frames.iter().filter(|(on, _)| on == topic) {
        ensure!(codec::decode::<RoomFrame>(frame, frame.len()).is_err(), "a frame in the clear");
        let tells = |name: &&str| frame.windows(name.len()).any(|bytes| bytes == name.as_bytes());
        ensure!(!names.iter().any(tells), "a name in the clear");
    }
    Ok(())
}

/// Bob enters the room to which Alice invites him.
async fn enter(scene: &Scene, name: &str) -> Result<()> {
    let invites = |entry: &Value| entry["invites_to"]["name"] == name;
    let chat = json!({ "conversation": scene.alice.chat_with_me() });
    let page = scene.bob.wait_until("conversation.page", chat, |page| list(page).any(invites)).await?;
    let key = list(&page).find(|entry| invites(entry)).context("it was there")?["key"].clone();
    let host = &scene.alice.me()["person"];
    scene.bob.call("rooms.enter", json!({ "person": host, "key": key })).await?;
    let is_in = |room: &Value| room["name"] == name && room["private"]["access"] == "open";
    scene.bob.wait_until("rooms.list", json!({}), |rooms| list(rooms).any(is_in)).await.map(drop)
}

#[tokio::test]
async fn who_was_put_out_reads_nothing_that_follows_whatever_they_ask_and_hear() -> Result<()> {
    let scene = Scene::open().await?;
    let boat = Boat::open(&scene).await?;
    scene.bob.send(&boat.conversation, "while she is in").await?;
    scene.alice.wait_text("while she is in").await?;
    let is_sealed = |entry: &Unverified<EntryBody>| {
        let entry = entry.clone().trust_stored();
        entry.is_ok_and(|entry| matches!(entry.content(), Content::Sealed { .. }))
    };
    boat.mallory.wait("it", |heard| boat.entries(heard).iter().any(is_sealed).then_some(())).await?;
    assert_eq!(boat.overheard(), ["while she is in"], "she is a member like any other");

    boat.put_out(&scene).await?;
    // Where they meet now everybody is told who is connected to them.
    let known = [boat.key.topic(), lobby().topic()];
    let is_new = |(peer, topic): &&(PeerId, String)| *peer == boat.alice && !known.contains(topic);
    let new = |heard: &Heard| heard.listeners.iter().find(is_new).map(|(_, topic)| topic.clone());
    let topic = boat.mallory.wait("the new topic", new).await?;
    listen_in(&boat.mallory, &topic, boat.alice).await?;
    boat.rename(&scene, "Harbour").await?;
    for (peer, other, said) in
        [(&scene.alice, &scene.bob, "without her"), (&scene.bob, &scene.alice, "without her again")]
    {
        peer.send(&boat.conversation, said).await?;
        other.wait_text(said).await?;
    }
    for peer in [boat.alice, boat.bob] {
        for conversation in [ConversationId::Room(boat.room), boat.log()] {
            let digest = Digest::default();
            let compare = SyncAsk::Compare { range: KeyRange::ALL, digest };
            for ask in [everything(), compare, boat.secrets()] {
                let answer = insist(&boat.mallory, peer, &boat.request(conversation, ask)).await?;
                assert_eq!(answer, SyncResponse::NotHere, "{conversation:?}");
            }
        }
    }
    assert_eq!(boat.overheard(), ["while she is in"]);
    let frames = boat.mallory.heard().frames.clone();
    let of_entries = |(on, frame): &&(String, Vec<u8>)| *on == topic && frame.len() > 400;
    ensure!(frames.iter().filter(of_entries).count() >= 3, "a name and two texts were heard");
    ensure!(
        frames.iter().filter(|(on, _)| *on == topic).all(|(_, frame)| boat.key.open_frame(frame).is_none())
    );
    ensure_dark(&frames, &topic, &["Harbour", "Alice", "Bob"])?;
    scene.unharmed().await
}

#[tokio::test]
async fn who_listens_where_a_private_room_is_met_learns_nothing_and_counts_for_nobody() -> Result<()> {
    let scene = Scene::open().await?;
    let boat = Boat::open(&scene).await?;
    let (trudy, alice) = scene.mallory().await?;
    let topic = boat.key.topic();
    listen_in(&trudy, &topic, alice).await?;
    boat.rename(&scene, "Harbour").await?;
    scene.alice.send(&boat.conversation, "for members").await?;
    let heard = scene.bob.wait_text("for members").await?;
    let of_entries = |(on, frame): &&(String, Vec<u8>)| *on == topic && frame.len() > 400;
    let both = |heard: &Heard| {
        let is_there = heard.frames.iter().filter(of_entries).count() >= 2;
        is_there.then(|| heard.frames.clone())
    };
    ensure_dark(&trudy.wait("a name and a text", both).await?, &topic, &["Harbour", "Alice", "Bob"])?;
    // Nor does she say anything there: what is not sealed is nobody's word.
    let lie = boat
        .step(21, Control::Rotate { epoch: kinmesh_proto::EpochSecret::new([3; 32]).commitment(boat.room) });
    let frame = RoomFrame::Entries { entries: vec![lie.envelope().clone()], attempt: 0 };
    trudy.publish_on(&topic, codec::encode(&frame)).await?;
    let history = scene.alice.history(&boat.conversation).await?;
    let sent = history.iter().find(|entry| entry["key"] == heard["key"]).context("it is hers")?;
    assert_eq!(sent["delivery"], json!({ "state": "sent", "members": 2 }), "Bob and Mallory");
    scene.unharmed().await
}

#[tokio::test]
async fn a_member_lets_nobody_in_and_who_is_none_finds_no_room() -> Result<()> {
    let scene = Scene::open().await?;
    let boat = Boat::open(&scene).await?;
    let (trudy, alice) = scene.mallory().await?;
    let seat = |person, role| Seat { person, role };
    let (friend, own) = (trudy.keys().person(), boat.mallory.keys().person());
    let forged = [
        boat.step(11, Control::Add { seat: seat(friend, Role::Admin), epoch: None }),
        boat.step(12, Control::SetRole(seat(own, Role::Admin))),
        boat.step(13, Control::SetSettings(scene_settings()?)),
        boat.step(14, Control::SetPicture(Some(RoomPicture::new([7; 64])?))),
    ];
    for step in &forged {
        let push = boat.request(boat.log(), SyncAsk::Push(EntryPack::of([step])));
        insist(&boat.mallory, boat.alice, &push).await?;
        boat.publish(step.envelope().clone()).await?;
    }
    // Trudy knows the room's id and name, and has the steps from Mallory.
    let as_trudy = |ask| SyncRequest { conversation: boat.log().tag(friend), ask };
    let room = ConversationId::Room(boat.room).tag(friend);
    for request in [
        as_trudy(SyncAsk::Push(EntryPack::of(&forged))),
        as_trudy(everything()),
        SyncRequest { conversation: room, ask: everything() },
        SyncRequest { conversation: room, ask: boat.secrets() },
    ] {
        assert_eq!(trudy.ask_history(alice, &request).await?, SyncResponse::NotHere, "{request:?}");
    }
    let guessed = [boat.room.topic(), RoomId::public(&RoomName::new("Boat")?).topic()];
    let met = trudy.heard().listeners.clone();
    ensure!(met.iter().all(|(_, topic)| !guessed.contains(topic)), "where it is met follows from its key");
    scene.alice.send(&boat.conversation, "as it was").await?;
    scene.bob.wait_text("as it was").await?;
    let seen = boat.of_alice(&scene).await?;
    ensure!(seen["picture"].is_null(), "{seen}");
    ensure!(seen["name"] == "Boat" && list(&seen["private"]["seats"]).count() == 3, "{seen}");
    let admins = list(&seen["private"]["seats"]).filter(|seat| seat["role"] == "admin");
    assert_eq!(admins.map(|seat| &seat["person"]).collect::<Vec<_>>(), [&scene.alice.me()["person"]]);
    scene.unharmed().await
}

fn scene_settings() -> Result<kinmesh_proto::RoomSettings> {
    let name = RoomName::new("Mallory's")?;
    Ok(kinmesh_proto::RoomSettings::new(name, Default::default(), Default::default()))
}

#[tokio::test]
async fn a_member_puts_nothing_into_a_private_room_but_their_own_sealed_words() -> Result<()> {
    let scene = Scene::open().await?;
    let boat = Boat::open(&scene).await?;
    let mallory = &boat.mallory;
    scene.bob.send(&boat.conversation, "Bob said this").await?;
    scene.alice.wait_text("Bob said this").await?;
    let bob = person(&scene.bob)?;
    let theirs = mallory
        .wait("an entry of Bob", |heard| {
            let of_bob = boat.entries(heard).into_iter().find(|entry| entry.parts().1.person == bob)?;
            of_bob.trust_stored().ok()
        })
        .await?;
    let tag = ConversationId::Room(boat.room).tag(mallory.keys().person());
    let sign = |body| Unverified::sign(body, mallory.keys()).envelope().clone();
    // Bob's sealed words under her name, words that are not sealed, and words of another room.
    boat.publish(sign(theirs.value().clone())).await?;
    boat.publish(mallory.entry(tag, "for all to read").envelope().clone()).await?;
    boat.publish(mallory.entry(lobby_tag(), "out of the lobby").envelope().clone()).await?;
    let epochs: Vec<EntryId> = boat.steps.iter().map(Entry::id).collect();
    let own = mallory.entry(tag, "her own words").value().clone();
    let own = own.sealed(mallory.keys(), boat.room, &epochs, &boat.ring).context("she has the key")?;
    boat.publish(sign(own)).await?;
    scene.alice.wait_text("her own words").await?;
    let hers = json!(mallory.keys().person());
    let history = scene.alice.history(&boat.conversation).await?;
    let of_mallory = history.iter().filter(|entry| entry["author"] == hers && entry["sealed"] == false);
    assert_eq!(of_mallory.map(|entry| &entry["text"]).collect::<Vec<_>>(), ["her own words"]);
    scene.unharmed().await
}

#[tokio::test]
async fn a_member_who_floods_the_log_with_secrets_they_keep_stops_nobody() -> Result<()> {
    let scene = Scene::open().await?;
    let boat = Boat::open(&scene).await?;
    for batch in 0..5_u64 {
        let kept = |number: u64| {
            let seq = 100 + batch * 60 + number;
            let secret = kinmesh_proto::EpochSecret::new([seq as u8; 32]);
            boat.step(seq, Control::Rotate { epoch: secret.commitment(boat.room) })
        };
        let steps: Vec<Entry> = (0..60).map(kept).collect();
        let push = boat.request(boat.log(), SyncAsk::Push(EntryPack::of(&steps)));
        for peer in [boat.alice, boat.bob] {
            insist(&boat.mallory, peer, &push).await?;
        }
    }
    scene.alice.send(&boat.conversation, "still here").await?;
    scene.bob.wait_text("still here").await?;
    boat.put_out(&scene).await?;
    // Bob may still wait for the new key.
    scene.alice.send(&boat.conversation, "and rid of her").await?;
    scene.bob.wait_text("and rid of her").await?;
    scene.bob.send(&boat.conversation, "at last").await?;
    scene.alice.wait_text("at last").await?;
    scene.unharmed().await
}

#[tokio::test]
async fn who_says_one_thing_to_one_and_another_to_another_has_said_both_to_both() -> Result<()> {
    let scene = Scene::open().await?;
    let (mallory, alice) = scene.eavesdropper().await?;
    let link: JoinLink = scene.bob.join_link().await?.parse()?;
    let bob: Multiaddr = link.nodes[0].parse()?;
    let Some(Protocol::P2p(bob)) = bob.iter().last() else { anyhow::bail!("whose address?") };
    // One number of one device, twice.
    let said = ["I am for it", "I am against it"].map(|text| mallory.entry(lobby_tag(), text));
    for (peer, entry) in [alice, bob].into_iter().zip(&said) {
        let push = about_the_lobby(SyncAsk::Push(EntryPack::of([entry])));
        let stored = SyncResponse::Receipts(vec![Receipt::Stored]);
        assert_eq!(insist(&mallory, peer, &push).await?, stored);
    }
    for (peer, entry) in [(&scene.alice, &said[1]), (&scene.bob, &said[0])] {
        peer.wait_text(entry.text().context("a text")?).await?;
    }
    let [of_alice, of_bob] = [&scene.alice, &scene.bob].map(|peer| peer.history(&scene.lobby));
    let texts = |history: Vec<Value>| history.iter().map(|entry| entry["text"].clone()).collect::<Vec<_>>();
    assert_eq!(texts(of_alice.await?), texts(of_bob.await?));
    scene.unharmed().await
}

#[tokio::test]
async fn entries_stand_in_the_order_of_their_clocks_in_whatever_order_they_come() -> Result<()> {
    let scene = Scene::open().await?;
    let (mallory, _) = scene.mallory().await?;
    let now_ms = now_ms();
    let said = |number: u64| {
        mallory.entry_at(now_ms - 1_000 + number, lobby_tag(), &format!("number {number}")).envelope().clone()
    };
    for number in [4, 1, 3, 0, 2] {
        mallory.publish_entries(lobby(), vec![said(number)]).await?;
        scene.alice.wait_text(&format!("number {number}")).await?;
    }
    let expected: Vec<String> = (0..5).map(|number| format!("number {number}")).collect();
    assert_eq!(scene.foreign(&scene.lobby).await?, expected);
    scene.unharmed().await
}
