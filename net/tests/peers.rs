//! Stories of real peers in one process, over real sockets and real stores.

#![allow(clippy::unwrap_used, clippy::expect_used)] // A test's panic is its report.

use std::time::Duration;

use kinmesh_core::{
    Because, CallEnd, CallRefusal, CallState, ConversationEvent, EntryView, Event, PartyState, ReactionView,
};
use kinmesh_net::{CallHandle, CallRefusalError, EditError, EventStream, Node, NodeConfig, NodeHandle};
use kinmesh_proto::{
    CallOutcome, ConversationId, Delivery, DisplayName, EntryId, EntryKey, PageAt, PersonId, Privacy,
    RoomName, StatusLine,
};
use tempfile::TempDir;
use tokio::time::timeout;

/// Longer than any of these stories takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(90);

struct Peer {
    node: NodeHandle,
    events: EventStream,
    person: PersonId,
    dir: TempDir,
}

impl Peer {
    async fn start(name: &str) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), name).await
    }

    async fn start_in(dir: TempDir, name: &str) -> Self {
        let listen = vec!["/ip4/127.0.0.1/udp/0/quic-v1".parse().unwrap()];
        let config = NodeConfig { data_dir: dir.path().to_owned(), bootstraps: vec![], listen, mdns: false };
        let node = Node::start(config).await.unwrap();
        let events = node.events();
        node.set_profile(DisplayName::new(name).unwrap(), StatusLine::default()).await.unwrap();
        let person = node.overview().me.person;
        Self { node, events, person, dir }
    }

    async fn address(&self) -> libp2p::Multiaddr {
        let mut status = self.node.watch_status();
        let status = timeout(PATIENCE, status.wait_for(|status| !status.listening.is_empty())).await.unwrap();
        status.unwrap().listening[0].clone()
    }

    async fn meet(&self, other: &Peer) {
        self.node.add_bootstrap(other.address().await).await.unwrap();
        for (one, two) in [(self, other), (other, self)] {
            let mut overview = one.node.watch_overview();
            let sees = |view: &std::sync::Arc<kinmesh_net::Overview>| {
                view.people.iter().any(|person| person.person == two.person && person.online.is_online())
            };
            drop(timeout(PATIENCE, overview.wait_for(sees)).await.expect("the two see each other").unwrap());
        }
    }

    /// Asks the other to become a contact, who accepts.
    async fn befriend(&mut self, other: &mut Peer) {
        let (me, them) = (self.person, other.person);
        self.node.set_contact(them, true).await.unwrap();
        other.waits_for(|event| *event == Event::ContactRequested { person: me }).await;
        other.node.accept(me).await.unwrap();
        let because = Because::TheyAccepted;
        self.waits_for(|event| *event == Event::BecameContacts { person: them, because }).await;
    }

    async fn hears(&mut self, conversation: ConversationId, text: &str) {
        self.waits_for(|event| match event {
            Event::Conversation {
                conversation: heard,
                change: ConversationEvent::EntryAdded { entry },
                ..
            } => *heard == conversation && entry.text.as_deref() == Some(text),
            _ => false,
        })
        .await;
    }

    async fn waits_for(&mut self, wanted: impl Fn(&Event) -> bool) {
        let wait = async { while !wanted(&self.events.next().await.expect("the peer lives")) {} };
        timeout(PATIENCE, wait).await.expect("it happens in time");
    }
}

fn lobby() -> RoomName {
    RoomName::lobby()
}

#[tokio::test]
async fn echo_answers_without_any_network() {
    let mut alice = Peer::start("Alice").await;
    let echo = alice.node.find("echo")[0].person;
    let sent = alice.node.chat(echo).send("is it working?").await.unwrap();
    alice.hears(ConversationId::Direct(echo), "is it working?").await;
    alice
        .waits_for(|event| {
            matches!(event, Event::Conversation { change: ConversationEvent::DeliveryChanged { key, delivery: Delivery::Delivered }, .. } if *key == sent.key)
        })
        .await;
    alice.hears(ConversationId::Direct(echo), "is it working?").await;
    let page = alice.node.chat(echo).page(PageAt::Newest, 10).await.unwrap();
    assert_eq!(page.iter().map(|entry| entry.author).collect::<Vec<_>>(), [alice.person, echo]);
    assert_eq!(alice.node.overview().chats[0].unread, 1);
}

/// Waits until the only call of a peer is as wanted, and returns the way to it.
async fn call_of(peer: &Peer, wanted: impl Fn(CallState) -> bool) -> CallHandle {
    let mut overview = peer.node.watch_overview();
    let is_so = |view: &std::sync::Arc<kinmesh_net::Overview>| {
        view.calls.first().is_some_and(|call| wanted(call.state))
    };
    let view = timeout(PATIENCE, overview.wait_for(is_so)).await.expect("the call comes so far").unwrap();
    peer.node.call_of(view.calls[0].call)
}

#[tokio::test]
async fn a_ring_is_heard_accepted_and_hung_up_and_both_keep_a_note() {
    let (mut alice, mut bob) = (Peer::start("Alice").await, Peer::start("Bob").await);
    alice.meet(&bob).await;
    alice.befriend(&mut bob).await;
    let ringing = alice.node.ring(bob.person).await.unwrap();
    assert_eq!(alice.node.overview().calls[0].call, ringing.id(), "shown when it is answered");
    call_of(&alice, |state| state == CallState::Ringing).await;
    call_of(&bob, |state| state == CallState::Incoming).await.accept().await.unwrap();
    let is_connecting = |state| matches!(state, CallState::Connecting { .. });
    call_of(&bob, is_connecting).await;
    let call = call_of(&alice, is_connecting).await;
    call.mute(true).await.unwrap();
    call.hang_up().await.unwrap();
    bob.waits_for(|event| matches!(event, Event::CallEnded { end: CallEnd::HungUp, .. })).await;
    assert!(bob.node.overview().calls.is_empty() && alice.node.overview().calls.is_empty());
    let outcome = Some(CallOutcome::Failed);
    bob.waits_for(|event| match event {
        Event::Conversation { change: ConversationEvent::EntryAdded { entry }, .. } => entry.call == outcome,
        _ => false,
    })
    .await;
    let refusal = call.mute(false).await.unwrap_err();
    assert!(matches!(refusal, CallRefusalError::Refused(CallRefusal::NoSuchCall)), "it is over");
}

#[tokio::test]
async fn who_declines_is_heard_with_their_words() {
    let (mut alice, mut bob) = (Peer::start("Alice").await, Peer::start("Bob").await);
    alice.meet(&bob).await;
    alice.befriend(&mut bob).await;
    alice.node.ring(bob.person).await.unwrap();
    let text = Some("in a moment".to_owned());
    call_of(&bob, |state| state == CallState::Incoming).await.decline(text.clone()).await.unwrap();
    let end = CallEnd::Declined { text };
    alice.waits_for(|event| matches!(event, Event::CallEnded { end: told, .. } if *told == end)).await;
}

#[tokio::test]
async fn who_is_in_one_room_meets_in_its_voice_channel() {
    let (alice, bob) = (Peer::start("Alice").await, Peer::start("Bob").await);
    alice.meet(&bob).await;
    let (hers, his) =
        (alice.node.join_room(lobby()).await.unwrap(), bob.node.join_room(lobby()).await.unwrap());
    hers.enter_voice().await.unwrap();
    his.enter_voice().await.unwrap();
    for peer in [&alice, &bob] {
        let mut overview = peer.node.watch_overview();
        let stand = |view: &std::sync::Arc<kinmesh_net::Overview>| {
            view.rooms[0].voice.len() == 2
                && view
                    .calls
                    .first()
                    .and_then(|call| call.parties.first())
                    .is_some_and(|party| party.state == PartyState::Connecting)
        };
        drop(timeout(PATIENCE, overview.wait_for(stand)).await.expect("the two stand together").unwrap());
    }
}

#[tokio::test]
async fn who_listens_learns_that_the_peer_has_ended_and_keeps_the_handle() {
    let Peer { node, mut events, dir: _dir, .. } = Peer::start("Alice").await;
    let listens = tokio::spawn(async move { while events.next().await.is_some() {} });
    node.shutdown().await;
    timeout(PATIENCE, listens).await.expect("the events end").unwrap();
    let mut later = node.events();
    assert_eq!(timeout(PATIENCE, later.next()).await.expect("who comes later hears it, too"), None);
}

#[tokio::test]
async fn alice_and_bob_talk_in_a_room() {
    let (mut alice, mut bob) = (Peer::start("Alice").await, Peer::start("Bob").await);
    alice.meet(&bob).await;
    let room_of_alice = alice.node.join_room(lobby()).await.unwrap();
    let room_of_bob = bob.node.join_room(lobby()).await.unwrap();
    let room = ConversationId::Room(room_of_alice.id());
    room_of_alice.send("hello lobby").await.unwrap();
    bob.hears(room, "hello lobby").await;
    room_of_bob.send("hello Alice").await.unwrap();
    alice.hears(room, "hello Alice").await;
    assert_eq!(room_of_bob.members().await.unwrap().len(), 2);
    assert_eq!(bob.node.overview().rooms[0].unread, 1);
}

#[tokio::test]
async fn a_private_message_is_acknowledged_from_the_other_disk() {
    let (mut alice, mut bob) = (Peer::start("Alice").await, Peer::start("Bob").await);
    alice.meet(&bob).await;
    alice.befriend(&mut bob).await;
    let sent = alice.node.chat(bob.person).send("only for you").await.unwrap();
    bob.hears(ConversationId::Direct(alice.person), "only for you").await;
    alice
        .waits_for(|event| {
            matches!(event, Event::Conversation { change: ConversationEvent::DeliveryChanged { key, delivery: Delivery::Delivered }, .. } if *key == sent.key)
        })
        .await;
    let page = bob.node.chat(alice.person).page(PageAt::Newest, 10).await.unwrap();
    assert_eq!(page[0].text.as_deref(), Some("only for you"));
}

#[tokio::test]
async fn a_message_for_somebody_offline_waits_and_is_delivered_when_they_meet() {
    let (mut alice, mut bob) = (Peer::start("Alice").await, Peer::start("Bob").await);
    alice.meet(&bob).await;
    alice.befriend(&mut bob).await;
    bob.node.shutdown().await;
    let gone = bob.person;
    alice.waits_for(|event| matches!(event, Event::PersonChanged { person } if *person == gone)).await;
    let sent = alice.node.chat(gone).send("read this later").await.unwrap();
    assert_eq!(sent.delivery, Delivery::Queued);
    let mut bob = Peer::start_in(bob.dir, "Bob").await;
    bob.node.add_bootstrap(alice.address().await).await.unwrap();
    bob.hears(ConversationId::Direct(alice.person), "read this later").await;
}

#[tokio::test]
async fn history_and_membership_survive_a_restart() {
    let mut alice = Peer::start("Alice").await;
    let room = alice.node.join_room(lobby()).await.unwrap();
    room.send("note to self").await.unwrap();
    alice.hears(ConversationId::Room(room.id()), "note to self").await;
    alice.node.shutdown().await;
    let alice = Peer::start_in(alice.dir, "Alice").await;
    let overview = alice.node.overview();
    assert!(overview.rooms[0].joined);
    let page = alice.node.room(room.id()).page(PageAt::Newest, 10).await.unwrap();
    assert_eq!(page[0].text.as_deref(), Some("note to self"));
}

#[tokio::test]
async fn somebody_who_leaves_cleanly_is_offline_at_once() {
    let (alice, bob) = (Peer::start("Alice").await, Peer::start("Bob").await);
    alice.meet(&bob).await;
    let mut overview = alice.node.watch_overview();
    bob.node.shutdown().await;
    let is_gone = |view: &std::sync::Arc<kinmesh_net::Overview>| {
        view.people.iter().any(|person| person.person == bob.person && !person.online.is_online())
    };
    let at_once = Duration::from_secs(15);
    drop(
        timeout(at_once, overview.wait_for(is_gone)).await.expect("well before silence would tell").unwrap(),
    );
}

#[tokio::test]
async fn a_peer_listens_on_the_same_port_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let mut ports = Vec::new();
    for _ in 0..2 {
        let config =
            NodeConfig { data_dir: dir.path().to_owned(), bootstraps: vec![], listen: vec![], mdns: false };
        let node = Node::start(config).await.unwrap();
        let mut status = node.watch_status();
        let quic_port = |address: &libp2p::Multiaddr| match address.iter().take(2).collect::<Vec<_>>()[..] {
            [libp2p::multiaddr::Protocol::Ip4(_), libp2p::multiaddr::Protocol::Udp(port)] => Some(port),
            _ => None,
        };
        let port_of = |status: &kinmesh_net::NodeStatus| status.listening.iter().find_map(quic_port);
        let listens = timeout(PATIENCE, status.wait_for(|status| port_of(status).is_some())).await.unwrap();
        ports.push(port_of(&listens.unwrap()));
        node.shutdown().await;
    }
    assert_eq!(ports[0], ports[1]);
}

/// Whether a post in the newest page is as wanted.
async fn shows(peer: &mut Peer, at: ConversationId, wanted: impl Fn(&EntryView) -> bool) {
    let node = peer.node.clone();
    let is_there = async || {
        let page = node.conversation(at).page(PageAt::Newest, 10).await.unwrap();
        page.iter().any(&wanted)
    };
    let wait = async {
        while !is_there().await {
            peer.events.next().await.expect("the peer lives");
        }
    };
    timeout(PATIENCE, wait).await.expect("it is shown in time");
}

#[tokio::test]
async fn a_post_is_edited_reacted_to_answered_and_taken_back() {
    let (mut alice, mut bob) = (Peer::start("Alice").await, Peer::start("Bob").await);
    alice.meet(&bob).await;
    alice.befriend(&mut bob).await;
    let (to_bob, to_alice) = (ConversationId::Direct(bob.person), ConversationId::Direct(alice.person));
    let chat = alice.node.conversation(to_bob);
    let key = chat.send("frist").await.unwrap().key;
    bob.hears(to_alice, "frist").await;
    chat.edit(key, "first").await.unwrap();
    bob.node.conversation(to_alice).react(key, "\u{1f44d}", true).await.unwrap();
    let answer = bob.node.conversation(to_alice).reply(key, "indeed").await.unwrap();
    assert_eq!(answer.reply_to, Some(key));
    let thumb = vec![ReactionView { emoji: "\u{1f44d}".into(), people: vec![bob.person] }];
    let is_whole = |post: &EntryView| {
        post.key == key && post.text.as_deref() == Some("first") && post.reactions == thumb
    };
    shows(&mut alice, to_bob, is_whole).await;
    shows(&mut bob, to_alice, is_whole).await;
    let texts: Vec<String> = chat.edits(key).await.unwrap().into_iter().map(|edit| edit.text).collect();
    assert_eq!(texts, ["frist", "first"]);

    let of_another = bob.node.conversation(to_alice).edit(key, "mine").await;
    assert!(matches!(of_another, Err(EditError::NotYours)));
    chat.delete(key).await.unwrap();
    let is_gone = |post: &EntryView| post.key == key && post.deleted && post.text.is_none();
    shows(&mut alice, to_bob, is_gone).await;
    shows(&mut bob, to_alice, is_gone).await;
    assert!(matches!(chat.edit(key, "back").await, Err(EditError::Deleted)));
    let nowhere = EntryKey { id: EntryId([9; 32]), ..key };
    assert!(matches!(chat.delete(nowhere).await, Err(EditError::UnknownPost)));
    assert!(chat.post(key).await.unwrap().unwrap().reactions.is_empty());
}

#[tokio::test]
async fn what_was_read_and_who_writes_is_told_among_those_who_share_it() {
    let (mut alice, mut bob) = (Peer::start("Alice").await, Peer::start("Bob").await);
    alice.meet(&bob).await;
    alice.befriend(&mut bob).await;
    let (to_bob, to_alice) = (ConversationId::Direct(bob.person), ConversationId::Direct(alice.person));
    let key = alice.node.conversation(to_bob).send("read me").await.unwrap().key;
    bob.hears(to_alice, "read me").await;
    bob.node.conversation(to_alice).typing();
    let writer = bob.person;
    alice
        .waits_for(|event| {
            matches!(event, Event::Conversation { change: ConversationEvent::Typing { person, .. }, .. } if *person == writer)
        })
        .await;
    bob.node.conversation(to_alice).mark_read(key).await.unwrap();
    shows(&mut alice, to_bob, |post| post.key == key && post.read_by_other).await;

    bob.node.set_privacy(Privacy { read_receipts: false, typing: false }).await.unwrap();
    assert!(!bob.node.overview().me.privacy.typing);
    let key = alice.node.conversation(to_bob).send("and me").await.unwrap().key;
    bob.hears(to_alice, "and me").await;
    bob.node.conversation(to_alice).mark_read(key).await.unwrap();
    bob.node.conversation(to_alice).send("done").await.unwrap();
    alice.hears(to_bob, "done").await;
    let shown = alice.node.conversation(to_bob).post(key).await.unwrap().unwrap();
    assert!(!shown.read_by_other, "Bob does not share it any more");
}
