//! Stories of whole meshes without I/O, and a few hundred seeds of what no story thought of.
//!
//! `support/mesh.rs` checks on the way that nothing is shown, acknowledged or forwarded that is
//! not on disk, that nothing is shown twice, and that events are counted without a gap.

#![allow(clippy::unwrap_used, clippy::expect_used)] // A test's panic is its report.

#[path = "stories/calls.rs"]
mod calls;
#[path = "stories/carried_on.rs"]
mod carried_on;
#[path = "stories/changes.rs"]
mod changes;
#[path = "stories/contacts.rs"]
mod contacts;
#[path = "stories/introductions.rs"]
mod introductions;
#[path = "stories/invites.rs"]
mod invites;
#[allow(dead_code)] // Each file of stories uses its part of it.
#[path = "support/mesh.rs"]
mod mesh;
#[path = "stories/moderation.rs"]
mod moderation;
#[path = "stories/outbox.rs"]
mod outbox;
#[path = "stories/own.rs"]
mod own;
#[path = "stories/pictures.rs"]
mod pictures;
#[path = "stories/private_rooms.rs"]
mod private_rooms;
#[path = "stories/receipts.rs"]
mod receipts;
#[path = "stories/retention.rs"]
mod retention;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use kinmesh_core::{
    BEACON_MS, BatchToken, ConversationEvent, Event, HelloError, PRESENCE_TTL_MS, Route, SendRefusal, Verdict,
};
use kinmesh_proto::{
    Ask, ChatRequest, ChatResponse, Content, ConversationId, Delivery, DeviceKeys, DisplayName, EntryBody,
    EntryKey, Hello, Hlc, PersonKey, Presence, PresenceState, Receipt, Refusal, RoomFrame, RoomId,
    StatusLine, Unverified, limits,
};
use mesh::{Faults, Mesh, START_MS};

const ALICE: usize = 0;
const BOB: usize = 1;
const CAROL: usize = 2;
const SEEDS: u64 = 200;

/// Runs a story with many seeds; when one fails, its number is in the panic.
fn for_each_seed(story: impl Fn(u64)) {
    for seed in 0..SEEDS {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| story(seed))) {
            let said = panic.downcast_ref::<String>().map(String::as_str);
            let said = said.or(panic.downcast_ref::<&str>().copied()).unwrap_or("no words").to_owned();
            resume_unwind(Box::new(format!("seed {seed}: {said}")));
        }
    }
}

fn room_of(conversation: ConversationId) -> RoomId {
    match conversation {
        ConversationId::Room(room) => room,
        _ => panic!("a room was meant"),
    }
}

fn entry(
    mesh: &Mesh,
    author: usize,
    conversation: ConversationId,
    ms: u64,
    text: &str,
) -> Unverified<EntryBody> {
    let keys = mesh.peers[author].keys();
    let body = EntryBody {
        conversation: conversation.tag(keys.person()),
        clock: Hlc::from_ms(ms),
        seq: 1,
        prev: vec![],
        content: Content::text(text),
    };
    Unverified::sign(body, &keys).envelope().clone()
}

fn frame(entries: Vec<Unverified<EntryBody>>) -> RoomFrame {
    RoomFrame::Entries { entries, attempt: 0 }
}

fn presence(
    keys: &DeviceKeys,
    room: Option<RoomId>,
    sent_ms: u64,
    state: PresenceState,
) -> Unverified<Presence> {
    let name = DisplayName::new("somebody").unwrap();
    let presence = Presence { room, name, status: StatusLine::default(), since_ms: START_MS, sent_ms, state };
    Unverified::sign(presence, keys).envelope().clone()
}

/// Brings a frame from Alice to Bob and says what he made of it.
fn verdict(mesh: &mut Mesh, room: ConversationId, frame: RoomFrame) -> Verdict {
    mesh.peers[BOB].verdicts.clear();
    mesh.bring_frame(ALICE, BOB, room_of(room), frame);
    mesh.settle();
    mesh.peers[BOB].verdicts[0]
}

fn delivery(mesh: &Mesh, index: usize, conversation: ConversationId, key: EntryKey) -> Delivery {
    mesh.peers[index].delivery(conversation, key)
}

// ---- Rooms

#[test]
fn everybody_gets_every_entry_of_a_room_once_and_in_one_order() {
    for_each_seed(|seed| {
        let (mut mesh, lobby) = Mesh::in_the_lobby(4, seed);
        mesh.faults = Faults { repeated: 30, shuffled: true, ..Faults::default() };
        let mut sent = 0;
        for _ in 0..24 {
            match mesh.dice.below(3) {
                0 => drop(mesh.step()),
                1 => mesh.now_ms += 1,
                _ => {
                    let author = mesh.dice.below(4);
                    mesh.send(author, lobby, &format!("entry {sent}")).unwrap();
                    sent += 1;
                }
            }
        }
        mesh.settle();
        let order = mesh.peers[ALICE].texts(lobby);
        assert_eq!(order.len(), sent);
        for peer in &mesh.peers {
            assert_eq!(peer.texts(lobby), order);
            assert_eq!(peer.told_texts(lobby).len(), sent);
        }
    });
}

#[test]
fn what_gossip_loses_breaks_nothing_else() {
    for_each_seed(|seed| {
        let (mut mesh, lobby) = Mesh::in_the_lobby(4, seed);
        mesh.faults = Faults { gossip_lost: 40, repeated: 20, shuffled: true, ..Faults::default() };
        for n in 0..12 {
            let author = mesh.dice.below(4);
            mesh.send(author, lobby, &format!("entry {n}")).unwrap();
            mesh.advance(1_000);
        }
        mesh.advance(2_000);
        let keys = |index: usize| -> Vec<EntryKey> {
            mesh.peers[index].history(lobby).iter().map(|stored| stored.entry.key()).collect()
        };
        for index in 0..4 {
            assert!(keys(index).is_sorted() && keys(index).len() <= 12);
            let own = mesh.peers[index].person();
            let written =
                mesh.peers[index].history(lobby).into_iter().filter(|stored| stored.entry.person() == own);
            assert!(
                written.into_iter().all(|stored| matches!(stored.delivery, Delivery::Sent { members: 3 }))
            );
        }
    });
}

#[test]
fn entries_that_nobody_hears_wait_for_the_first_listener() {
    let mut mesh = Mesh::new(2, 0);
    let lobby = ConversationId::Room(mesh.join(ALICE, "lobby"));
    let key = mesh.send(ALICE, lobby, "is anybody here?").unwrap();
    mesh.settle();
    assert_eq!(delivery(&mesh, ALICE, lobby, key), Delivery::Queued);
    mesh.link(ALICE, BOB);
    mesh.join(BOB, "lobby");
    mesh.advance(3_000);
    assert_eq!(mesh.peers[BOB].told_texts(lobby), ["is anybody here?"]);
    assert_eq!(delivery(&mesh, ALICE, lobby, key), Delivery::Sent { members: 1 });
}

#[test]
fn fellow_members_carry_entries_to_those_they_alone_know() {
    let mut mesh = Mesh::new(3, 0);
    mesh.link(ALICE, BOB);
    mesh.link(BOB, CAROL);
    let lobby = ConversationId::Room((0..3).map(|index| mesh.join(index, "lobby")).last().unwrap());
    mesh.send(ALICE, lobby, "pass it on").unwrap();
    mesh.advance(15_000);
    assert_eq!(mesh.peers[CAROL].told_texts(lobby), ["pass it on"]);
    let alice = mesh.peers[ALICE].person();
    let people = mesh.peers[CAROL].core.overview().people;
    let seen = people.iter().find(|view| view.person == alice).expect("her presence came the same way");
    assert!(seen.online.is_online() && seen.route == Route::Mesh);
}

#[test]
fn members_come_and_go_and_an_absent_one_stays_a_member() {
    let (mut mesh, lobby) = Mesh::in_the_lobby(3, 0);
    mesh.advance(2_000);
    let (bob, carol) = (mesh.peers[BOB].person(), mesh.peers[CAROL].person());
    assert!(mesh.peers[ALICE].is_told(&ConversationEvent::MemberJoined { person: bob }));
    assert_eq!(mesh.peers[ALICE].core.members(room_of(lobby)).len(), 3);
    mesh.isolate(CAROL);
    mesh.advance(PRESENCE_TTL_MS + 1_000);
    assert!(!mesh.peers[ALICE].is_online(carol));
    assert_eq!(mesh.peers[ALICE].core.members(room_of(lobby)).len(), 3);
    let now_ms = mesh.now_ms;
    mesh.peers[BOB].core.leave_room(now_ms, room_of(lobby)).unwrap();
    mesh.settle();
    assert!(mesh.peers[ALICE].is_told(&ConversationEvent::MemberLeft { person: bob }));
    assert!(mesh.peers[BOB].is_told(&ConversationEvent::Closed));
    assert_eq!(mesh.peers[ALICE].core.members(room_of(lobby)).len(), 2);
    assert_eq!(mesh.send(BOB, lobby, "still there?"), Err(SendRefusal::NotJoined));
}

#[test]
fn only_members_whom_nobody_brings_us_count_as_unheard() {
    let mut mesh = Mesh::new(3, 0);
    mesh.link(ALICE, BOB);
    mesh.link(BOB, CAROL);
    for index in 0..3 {
        mesh.join(index, "lobby");
    }
    mesh.advance(2 * PRESENCE_TTL_MS);
    let unheard = |mesh: &Mesh| mesh.peers[ALICE].core.unheard_members(mesh.now_ms);
    assert_eq!(unheard(&mesh), [], "bob brings her carol's presence");
    mesh.unlink(BOB, CAROL);
    mesh.advance(PRESENCE_TTL_MS + 1_000);
    assert_eq!(unheard(&mesh), [mesh.peers[CAROL].device()]);
}

#[test]
fn an_entry_of_one_room_is_refused_in_another() {
    let (mut mesh, lobby) = Mesh::in_the_lobby(2, 0);
    let garden = ConversationId::Room((0..2).map(|index| mesh.join(index, "garden")).last().unwrap());
    let said = entry(&mesh, ALICE, lobby, START_MS, "only here");
    assert_eq!(verdict(&mut mesh, garden, frame(vec![said.clone()])), Verdict::Reject);
    assert_eq!(verdict(&mut mesh, lobby, frame(vec![said.clone()])), Verdict::Accept);
    assert_eq!(verdict(&mut mesh, lobby, frame(vec![said])), Verdict::Ignore, "a copy is no news");
    assert!(mesh.peers[BOB].texts(garden).is_empty());
}

#[test]
fn empty_and_overfull_frames_are_refused() {
    let (mut mesh, lobby) = Mesh::in_the_lobby(2, 0);
    assert_eq!(verdict(&mut mesh, lobby, frame(vec![])), Verdict::Reject);
    let many = |count: u64| {
        (0..count).map(|n| entry(&mesh, ALICE, lobby, START_MS + n, "again")).collect::<Vec<_>>()
    };
    let (most, too_many) =
        (many(limits::BATCH_ENTRIES_MAX as u64), many(limits::BATCH_ENTRIES_MAX as u64 + 1));
    assert_eq!(verdict(&mut mesh, lobby, frame(too_many)), Verdict::Reject);
    assert_eq!(verdict(&mut mesh, lobby, frame(most)), Verdict::Accept);
}

#[test]
fn a_clock_too_far_ahead_is_refused_in_rooms_and_chats() {
    let (mut mesh, lobby) = Mesh::in_the_lobby(2, 0);
    mesh.befriend(BOB, ALICE);
    let ahead = START_MS + limits::CLOCK_AHEAD_MAX_MS;
    let (just, over) =
        (entry(&mesh, ALICE, lobby, ahead, "just"), entry(&mesh, ALICE, lobby, ahead + 1, "over"));
    assert_eq!(verdict(&mut mesh, lobby, frame(vec![over])), Verdict::Ignore);
    assert_eq!(verdict(&mut mesh, lobby, frame(vec![just])), Verdict::Accept);
    let chat = mesh.chat_with(BOB);
    let request = ChatRequest::Deliver(vec![entry(&mesh, ALICE, chat, ahead + 1, "over")]);
    mesh.bring_request(ALICE, BOB, batch(&mesh), request);
    mesh.settle();
    let refused = ChatResponse::Receipts(vec![Receipt::Refused(Refusal::ClockAhead)]);
    assert_eq!(mesh.peers[BOB].answers, [refused]);
}

#[test]
fn somebody_elses_clock_ahead_does_not_get_our_entries_refused() {
    let (mut mesh, lobby) = Mesh::in_the_lobby(3, 0);
    let ahead = entry(&mesh, ALICE, lobby, START_MS + limits::CLOCK_AHEAD_MAX_MS, "from the edge of time");
    assert_eq!(verdict(&mut mesh, lobby, frame(vec![ahead])), Verdict::Accept);
    mesh.send(BOB, lobby, "and I am just here").unwrap();
    // Carol's clock is a little behind Bob's.
    mesh.now_ms -= 50_000;
    mesh.settle();
    assert_eq!(mesh.peers[CAROL].told_texts(lobby), ["from the edge of time", "and I am just here"]);
}

#[test]
fn an_entry_that_comes_again_is_followed_once() {
    let mut mesh = Mesh::new(2, 0);
    mesh.link(ALICE, BOB);
    mesh.befriend(BOB, ALICE);
    let (to_bob, to_alice) = (mesh.chat_with(BOB), mesh.chat_with(ALICE));
    let said = entry(&mesh, ALICE, to_bob, START_MS, "hello?");
    for _ in 0..2 {
        mesh.bring_request(ALICE, BOB, batch(&mesh), ChatRequest::Deliver(vec![said.clone()]));
        mesh.settle();
        mesh.send(BOB, to_alice, "hello!").unwrap();
        mesh.settle();
    }
    let history = mesh.peers[BOB].history(to_alice);
    let ids: Vec<_> = history.iter().map(|stored| stored.entry.key()).collect();
    let prev: Vec<_> = history.iter().map(|stored| stored.entry.value().prev.clone()).collect();
    assert_eq!(prev, [vec![], vec![ids[0]], vec![ids[1]]]);
}

#[test]
fn a_gap_is_shown_until_it_is_filled() {
    let (mut mesh, lobby) = Mesh::in_the_lobby(2, 0);
    let alice = mesh.peers[ALICE].keys();
    let say = |text: &str, prev: Vec<EntryKey>, seq| {
        let (conversation, clock) = (lobby.tag(alice.person()), Hlc::from_ms(START_MS + seq));
        Unverified::sign(EntryBody { conversation, clock, seq, prev, content: Content::text(text) }, &alice)
    };
    let first = say("first", vec![], 1);
    let second = say("second", vec![first.key()], 2);
    let follows_gap = |mesh: &Mesh| -> Vec<bool> {
        let told = mesh.peers[BOB].told.iter().filter_map(|event| match event {
            Event::Conversation {
                change: ConversationEvent::EntryAdded { entry } | ConversationEvent::EntryChanged { entry },
                ..
            } => (entry.key == second.key()).then_some(entry.follows_gap),
            _ => None,
        });
        told.collect()
    };
    verdict(&mut mesh, lobby, frame(vec![second.envelope().clone()]));
    assert_eq!(follows_gap(&mesh), [true]);
    verdict(&mut mesh, lobby, frame(vec![first.envelope().clone()]));
    assert_eq!(follows_gap(&mesh), [true, false]);
}

fn batch(mesh: &Mesh) -> BatchToken {
    BatchToken { person: mesh.peers[BOB].person(), number: u64::MAX }
}

// ---- Disks

#[test]
fn an_entry_whose_number_is_not_reserved_goes_nowhere_while_the_disk_stands_still() {
    let (mut mesh, lobby) = Mesh::in_the_lobby(2, 0);
    mesh.peers[ALICE].disk_stands_still = true;
    mesh.send(ALICE, lobby, "not yet").unwrap();
    mesh.settle();
    assert!(mesh.peers[ALICE].told_texts(lobby).is_empty());
    assert!(mesh.peers[BOB].texts(lobby).is_empty());
    mesh.peers[ALICE].disk_stands_still = false;
    mesh.settle();
    assert_eq!(mesh.peers[ALICE].told_texts(lobby), ["not yet"]);
    assert_eq!(mesh.peers[BOB].told_texts(lobby), ["not yet"]);
}

#[test]
fn a_room_entry_that_the_disk_refused_is_taken_at_the_second_try() {
    let (mut mesh, lobby) = Mesh::in_the_lobby(2, 0);
    let said = entry(&mesh, ALICE, lobby, START_MS, "hold on to this");
    mesh.peers[BOB].disk_works = false;
    assert_eq!(verdict(&mut mesh, lobby, frame(vec![said.clone()])), Verdict::Ignore);
    assert!(mesh.peers[BOB].told_texts(lobby).is_empty());
    mesh.peers[BOB].disk_works = true;
    assert_eq!(verdict(&mut mesh, lobby, frame(vec![said])), Verdict::Accept);
    assert_eq!(mesh.peers[BOB].told_texts(lobby), ["hold on to this"]);
}

#[test]
fn what_a_room_said_while_the_disk_failed_comes_as_soon_as_it_works_again() {
    let (mut mesh, lobby) = Mesh::in_the_lobby(2, 0);
    mesh.peers[BOB].disk_works = false;
    mesh.send(ALICE, lobby, "can you hear me?").unwrap();
    mesh.settle();
    assert!(mesh.peers[BOB].texts(lobby).is_empty());
    mesh.peers[BOB].disk_works = true;
    mesh.send(BOB, lobby, "there is room again").unwrap();
    mesh.advance(5_000);
    assert_eq!(mesh.peers[BOB].texts(lobby).len(), 2, "long before the next round");
}

#[test]
fn a_chat_with_a_failing_disk_waits_and_is_delivered_later() {
    let mut mesh = Mesh::new(2, 0);
    mesh.link(ALICE, BOB);
    mesh.befriend(BOB, ALICE);
    mesh.peers[BOB].disk_works = false;
    let (to_bob, to_alice) = (mesh.chat_with(BOB), mesh.chat_with(ALICE));
    let key = mesh.send(ALICE, to_bob, "for your disk").unwrap();
    mesh.settle();
    assert_eq!(mesh.peers[BOB].answers, [ChatResponse::Busy]);
    assert_eq!(delivery(&mesh, ALICE, to_bob, key), Delivery::Queued);
    assert!(mesh.peers[BOB].told_texts(to_alice).is_empty());
    mesh.peers[BOB].disk_works = true;
    mesh.advance(2_000);
    assert_eq!(delivery(&mesh, ALICE, to_bob, key), Delivery::Delivered);
    assert_eq!(mesh.peers[BOB].told_texts(to_alice), ["for your disk"]);
}

#[test]
fn an_entry_that_our_own_disk_refused_goes_nowhere() {
    let (mut mesh, lobby) = Mesh::in_the_lobby(2, 0);
    mesh.peers[ALICE].disk_works = false;
    mesh.send(ALICE, lobby, "lost").unwrap();
    mesh.settle();
    mesh.peers[ALICE].disk_works = true;
    mesh.send(ALICE, lobby, "kept").unwrap();
    mesh.settle();
    for peer in &mesh.peers {
        assert_eq!((peer.texts(lobby), peer.told_texts(lobby)), (vec!["kept".into()], vec!["kept".into()]));
        assert_eq!(peer.history(lobby)[0].entry.value().prev, [], "nobody looks for what came to nothing");
    }
}

#[test]
fn what_a_failing_disk_could_not_note_is_noted_when_it_works_again() {
    let mut mesh = Mesh::new(2, 0);
    mesh.link(ALICE, BOB);
    mesh.befriend(BOB, ALICE);
    let (to_bob, to_alice) = (mesh.chat_with(BOB), mesh.chat_with(ALICE));
    let key = mesh.send(ALICE, to_bob, "are you there?").unwrap();
    mesh.peers[BOB].disk_stands_still = true;
    mesh.settle();
    mesh.peers[ALICE].disk_works = false;
    mesh.peers[BOB].disk_stands_still = false;
    mesh.advance(3_000);
    assert_eq!(mesh.peers[ALICE].history(to_bob)[0].delivery, Delivery::Queued);
    mesh.peers[ALICE].disk_works = true;
    mesh.peers[ALICE].told.clear();
    mesh.advance(1_000);
    assert_eq!(mesh.peers[ALICE].history(to_bob)[0].delivery, Delivery::Delivered);
    let again = ConversationEvent::DeliveryChanged { key, delivery: Delivery::Delivered };
    assert!(mesh.peers[ALICE].is_told(&again), "who read it meanwhile saw it queued");
    assert_eq!(delivery(&mesh, ALICE, to_bob, key), Delivery::Delivered);
    assert_eq!(mesh.peers[BOB].told_texts(to_alice), ["are you there?"]);
}

#[test]
fn a_chat_that_began_while_the_disk_failed_is_still_listed_after_a_restart() {
    let mut mesh = Mesh::new(2, 0);
    mesh.link(ALICE, BOB);
    mesh.peers[BOB].disk_works = false;
    let to_bob = mesh.chat_with(BOB);
    mesh.send(ALICE, to_bob, "the first word").unwrap();
    mesh.settle();
    mesh.peers[BOB].disk_works = true;
    mesh.advance(40_000);
    mesh.restart(BOB);
    let chats = mesh.peers[BOB].core.overview().chats;
    assert_eq!((chats.len(), chats[0].unread), (1, 1));
}

#[test]
fn an_entry_is_never_on_the_disk_without_its_chat() {
    let mut mesh = Mesh::new(2, 0);
    mesh.link(ALICE, BOB);
    let (to_bob, to_alice) = (mesh.chat_with(BOB), mesh.chat_with(ALICE));
    let said = entry(&mesh, ALICE, to_bob, START_MS, "the first word");
    mesh.accept_requests = false;
    let ask = Ask { entry: Some(said.clone()), introduction: None };
    mesh.bring_request(ALICE, BOB, batch(&mesh), ChatRequest::Ask(Box::new(ask)));
    mesh.settle();
    mesh.peers[BOB].disk_works = false;
    let (now_ms, alice) = (mesh.now_ms, mesh.peers[ALICE].person());
    mesh.peers[BOB].core.accept(now_ms, alice).unwrap();
    mesh.settle();
    mesh.peers[BOB].disk_works = true;
    mesh.bring_request(ALICE, BOB, batch(&mesh), ChatRequest::Deliver(vec![said]));
    mesh.settle();
    assert_eq!(mesh.peers[BOB].told_texts(to_alice), ["the first word"]);
    // No tick has come to write again what was refused.
    mesh.restart(BOB);
    assert_eq!(mesh.peers[BOB].core.overview().chats.len(), 1);
}

#[test]
fn a_name_that_the_disk_refused_is_not_shown() {
    let mut mesh = Mesh::new(1, 0);
    mesh.peers[ALICE].disk_works = false;
    mesh.peers[ALICE].core.set_profile(DisplayName::new("Alicia").unwrap(), StatusLine::default());
    mesh.settle();
    assert_eq!(mesh.peers[ALICE].core.overview().me.name.unwrap().as_str(), "peer 0");
}

#[test]
fn after_a_restart_history_and_membership_are_there_and_what_waited_goes_out() {
    let (mut mesh, lobby) = Mesh::in_the_lobby(2, 0);
    mesh.send(BOB, lobby, "before").unwrap();
    mesh.settle();
    mesh.isolate(ALICE);
    let to_bob = mesh.chat_with(BOB);
    let key = mesh.send(ALICE, to_bob, "when you are back").unwrap();
    mesh.send(ALICE, lobby, "alone").unwrap();
    mesh.settle();
    mesh.restart(ALICE);
    let overview = mesh.peers[ALICE].core.overview();
    assert!(overview.rooms[0].joined && overview.rooms[0].members == 2);
    assert_eq!(
        (overview.rooms[0].unread, mesh.peers[ALICE].texts(lobby)),
        (1, vec!["before".into(), "alone".into()])
    );
    mesh.link(BOB, ALICE);
    mesh.advance(3_000);
    assert_eq!(mesh.peers[BOB].texts(lobby), ["before", "alone"]);
    assert_eq!(delivery(&mesh, ALICE, to_bob, key), Delivery::Delivered);
}

// ---- Chats

#[test]
fn chats_arrive_exactly_once_whatever_the_network_and_the_disks_do() {
    for_each_seed(|seed| {
        let mut mesh = Mesh::new(3, seed);
        for (one, two) in [(ALICE, BOB), (BOB, CAROL), (CAROL, ALICE)] {
            mesh.link(one, two);
        }
        mesh.faults = Faults { chat_lost: 30, repeated: 20, shuffled: true, ..Faults::default() };
        let written = write_through_trouble(&mut mesh);
        mesh.faults = Faults::default();
        for index in 0..3 {
            mesh.peers[index].disk_works = true;
        }
        mesh.settle();
        // A delivery that could not be noted is learned again from a second try after a restart.
        for index in 0..3 {
            mesh.restart(index);
        }
        for (one, two) in [(ALICE, BOB), (BOB, CAROL), (CAROL, ALICE)] {
            mesh.link(one, two);
        }
        mesh.advance(40_000);
        for (from, to, key, text) in written {
            let (outgoing, incoming) = (mesh.chat_with(to), mesh.chat_with(from));
            if mesh.peers[from].texts(outgoing).contains(&text) {
                assert_eq!(delivery(&mesh, from, outgoing, key), Delivery::Delivered, "{text}");
                assert_eq!(mesh.peers[to].texts(incoming).iter().filter(|heard| **heard == text).count(), 1);
            } else {
                assert!(!mesh.peers[to].texts(incoming).contains(&text), "sent though it was never stored");
            }
        }
        for (one, two) in [(ALICE, BOB), (BOB, CAROL), (CAROL, ALICE)] {
            let both =
                (mesh.peers[one].texts(mesh.chat_with(two)), mesh.peers[two].texts(mesh.chat_with(one)));
            assert_eq!(both.0, both.1, "both sides show one order");
        }
    });
}

/// Everybody writes to everybody while connections break and disks fail.
fn write_through_trouble(mesh: &mut Mesh) -> Vec<(usize, usize, EntryKey, String)> {
    let mut written = Vec::new();
    for n in 0..60 {
        let from = mesh.dice.below(3);
        let to = (from + 1 + mesh.dice.below(2)) % 3;
        match mesh.dice.below(10) {
            0 => mesh.unlink(from, to),
            1 | 2 => mesh.link(from, to),
            3 => mesh.peers[from].disk_works = mesh.dice.percent(60),
            4 => mesh.advance(1_000),
            5 | 6 => drop(mesh.step()),
            _ => {
                let (chat, text) = (mesh.chat_with(to), format!("entry {n}"));
                // They may not have met yet.
                if let Ok(key) = mesh.send(from, chat, &text) {
                    written.push((from, to, key, text));
                }
            }
        }
    }
    written
}

#[test]
fn an_outbox_drains_in_order_after_failures() {
    let mut mesh = Mesh::new(2, 0);
    mesh.link(ALICE, BOB);
    mesh.befriend(BOB, ALICE);
    mesh.faults.chat_lost = 100;
    let (to_bob, to_alice) = (mesh.chat_with(BOB), mesh.chat_with(ALICE));
    let texts: Vec<String> = (0..300).map(|n| format!("line {n}")).collect();
    for text in &texts {
        mesh.send(ALICE, to_bob, text).unwrap();
    }
    mesh.advance(20_000);
    assert!(mesh.peers[BOB].texts(to_alice).len() <= limits::BATCH_ENTRIES_MAX, "one batch at a time");
    mesh.faults.chat_lost = 0;
    mesh.advance(31_000);
    assert_eq!(mesh.peers[BOB].told_texts(to_alice), texts);
    assert!(mesh.peers[ALICE].history(to_bob).iter().all(|stored| stored.delivery == Delivery::Delivered));
}

/// What Bob would say of one of Alice's batches, if he lied or were late.
fn bob_says(mesh: &mut Mesh, number: u64, receipts: usize) {
    let batch = BatchToken { person: mesh.peers[BOB].person(), number };
    let response = ChatResponse::Receipts(vec![Receipt::Stored; receipts]);
    let now_ms = mesh.now_ms;
    mesh.peers[ALICE].core.chat_answered(now_ms, batch, response);
    mesh.settle();
}

#[test]
fn receipts_that_do_not_fit_the_batch_deliver_nothing() {
    let mut mesh = Mesh::new(2, 0);
    mesh.link(ALICE, BOB);
    mesh.befriend(BOB, ALICE);
    mesh.peers[BOB].disk_stands_still = true;
    let to_bob = mesh.chat_with(BOB);
    let key = mesh.send(ALICE, to_bob, "count me").unwrap();
    mesh.settle();
    for (number, receipts) in [(1, 0), (2, 2)] {
        bob_says(&mut mesh, number, receipts);
        assert_eq!(delivery(&mesh, ALICE, to_bob, key), Delivery::Queued);
        mesh.advance(3_000);
    }
    bob_says(&mut mesh, 3, 1);
    assert_eq!(delivery(&mesh, ALICE, to_bob, key), Delivery::Delivered, "the third try was under way");
}

#[test]
fn an_answer_to_an_older_batch_says_nothing_of_the_newer_one() {
    let mut mesh = Mesh::new(2, 0);
    mesh.link(ALICE, BOB);
    mesh.befriend(BOB, ALICE);
    let to_bob = mesh.chat_with(BOB);
    mesh.send(ALICE, to_bob, "first").unwrap();
    mesh.settle();
    mesh.peers[BOB].disk_stands_still = true;
    let second = mesh.send(ALICE, to_bob, "second").unwrap();
    mesh.settle();
    bob_says(&mut mesh, 1, 1);
    assert_eq!(delivery(&mesh, ALICE, to_bob, second), Delivery::Queued);
    bob_says(&mut mesh, 2, 1);
    assert_eq!(delivery(&mesh, ALICE, to_bob, second), Delivery::Delivered);
}

#[test]
fn only_the_author_delivers_and_only_into_the_right_chat() {
    let (mut mesh, lobby) = Mesh::in_the_lobby(3, 0);
    mesh.befriend(BOB, ALICE);
    let to_bob = mesh.chat_with(BOB);
    let (of_carol, misplaced, forged, good) = (
        entry(&mesh, CAROL, to_bob, START_MS, "carried by Alice"),
        entry(&mesh, ALICE, lobby, START_MS, "said in the lobby"),
        forged(&entry(&mesh, ALICE, to_bob, START_MS, "pay 10")),
        entry(&mesh, ALICE, to_bob, START_MS, "hello"),
    );
    let request = ChatRequest::Deliver(vec![of_carol, misplaced, forged, good]);
    mesh.bring_request(ALICE, BOB, batch(&mesh), request);
    mesh.settle();
    let refused = [Refusal::NotAuthor, Refusal::WrongConversation, Refusal::Invalid].map(Receipt::Refused);
    let receipts = refused.into_iter().chain([Receipt::Stored]).collect();
    assert_eq!(mesh.peers[BOB].answers, [ChatResponse::Receipts(receipts)]);
    assert_eq!(mesh.peers[BOB].told_texts(mesh.chat_with(ALICE)), ["hello"]);
}

fn forged(envelope: &Unverified<EntryBody>) -> Unverified<EntryBody> {
    let (body, cert, signature) = envelope.parts();
    let mut body = body.to_vec();
    *body.last_mut().unwrap() ^= 1;
    Unverified::from_parts(body, cert.clone(), *signature)
}

#[test]
fn a_refused_entry_fails_with_its_reason_and_holds_up_nobody() {
    let mut mesh = Mesh::new(2, 0);
    mesh.link(ALICE, BOB);
    mesh.befriend(BOB, ALICE);
    let to_bob = mesh.chat_with(BOB);
    // Alice's clock runs ahead of Bob's.
    mesh.now_ms += limits::CLOCK_AHEAD_MAX_MS + 60_000;
    let early = mesh.send(ALICE, to_bob, "from the future").unwrap();
    mesh.now_ms = START_MS;
    mesh.settle();
    assert_eq!(delivery(&mesh, ALICE, to_bob, early), Delivery::Failed { reason: Refusal::ClockAhead });
    assert!(mesh.peers[BOB].texts(mesh.chat_with(ALICE)).is_empty());
}

#[test]
fn echo_answers_without_anybody() {
    let mut mesh = Mesh::new(1, 0);
    let echo = ConversationId::Direct(mesh.peers[ALICE].core.echo());
    let key = mesh.send(ALICE, echo, "hello?").unwrap();
    mesh.settle();
    assert_eq!(mesh.peers[ALICE].told_texts(echo), ["hello?", "hello?"]);
    assert_eq!(delivery(&mesh, ALICE, echo, key), Delivery::Delivered);
}

// ---- Reading

#[test]
fn unread_counts_follow_what_was_read() {
    let (mut mesh, lobby) = Mesh::in_the_lobby(2, 0);
    let unread = |mesh: &mut Mesh| mesh.peers[BOB].core.overview().rooms[0].unread;
    let keys: Vec<EntryKey> =
        (0..5).map(|n| mesh.send(ALICE, lobby, &format!("line {n}")).unwrap()).collect();
    mesh.settle();
    assert_eq!(unread(&mut mesh), 5);
    mesh.send(BOB, lobby, "my own is read").unwrap();
    mesh.peers[BOB].core.mark_read(lobby, keys[2]).unwrap();
    mesh.settle();
    assert_eq!(unread(&mut mesh), 2);
    assert!(mesh.peers[BOB].is_told(&ConversationEvent::Read { unread: 2 }));
    mesh.peers[BOB].core.mark_read(lobby, keys[0]).unwrap();
    mesh.settle();
    assert_eq!(unread(&mut mesh), 2, "what was read stays read");
    mesh.restart(BOB);
    assert_eq!(unread(&mut mesh), 2);
}

#[test]
fn an_entry_that_is_counted_before_it_is_shown_counts_once() {
    let (mut mesh, lobby) = Mesh::in_the_lobby(2, 0);
    let unread = |mesh: &mut Mesh| mesh.peers[BOB].core.overview().rooms[0].unread;
    let read = mesh.send(ALICE, lobby, "read").unwrap();
    mesh.settle();
    mesh.peers[BOB].disk_stands_still = true;
    mesh.send(ALICE, lobby, "under way").unwrap();
    mesh.settle();
    mesh.peers[BOB].core.mark_read(lobby, read).unwrap();
    // The store wrote and counted, and its word about the count comes first.
    mesh.peers[BOB].core.unread_counted(lobby, Some(read), 1);
    mesh.peers[BOB].disk_stands_still = false;
    mesh.advance(2_000);
    assert_eq!(unread(&mut mesh), 1);
    assert!(mesh.peers[BOB].is_told(&ConversationEvent::Read { unread: 1 }));
}

// ---- Presence

#[test]
fn who_vanished_is_offline_after_the_time_of_silence_and_not_before() {
    const { assert!(PRESENCE_TTL_MS + 5_000 <= 30_000, "the promise is 30 s, a second for each step included") };
    let (mut mesh, _) = Mesh::in_the_lobby(2, 0);
    mesh.advance(BEACON_MS);
    let bob = mesh.peers[BOB].person();
    mesh.isolate(BOB);
    mesh.advance(PRESENCE_TTL_MS - 5_000);
    assert!(mesh.peers[ALICE].is_online(bob));
    mesh.peers[ALICE].told.clear();
    mesh.advance(5_000);
    assert!(!mesh.peers[ALICE].is_online(bob));
    let told = mesh.peers[ALICE].told.iter().filter(|event| !is_of_completeness(event));
    assert_eq!(told.collect::<Vec<_>>(), [&Event::PersonChanged { person: bob }]);
}

fn is_of_completeness(event: &Event) -> bool {
    matches!(event, Event::Conversation { change: ConversationEvent::CompletenessChanged { .. }, .. })
}

#[test]
fn pings_alone_keep_somebody_online() {
    let mut mesh = Mesh::new(2, 0);
    mesh.link(ALICE, BOB);
    mesh.advance(4 * PRESENCE_TTL_MS);
    let bob = mesh.peers[BOB].person();
    assert!(mesh.peers[ALICE].is_online(bob));
}

#[test]
fn who_leaves_cleanly_is_offline_at_once_and_pings_do_not_bring_them_back() {
    let (mut mesh, _) = Mesh::in_the_lobby(3, 0);
    let bob = mesh.peers[BOB].person();
    let now_ms = mesh.now_ms;
    mesh.peers[BOB].core.go_away(now_ms);
    mesh.settle();
    for index in [ALICE, CAROL] {
        assert!(!mesh.peers[index].is_online(bob));
        let device = mesh.peers[BOB].device();
        mesh.peers[index].core.alive(now_ms, device);
        assert!(!mesh.peers[index].is_online(bob));
    }
}

#[test]
fn presence_is_said_every_ten_seconds_and_newcomers_do_not_make_a_storm() {
    let (mut mesh, lobby) = Mesh::in_the_lobby(6, 0);
    mesh.advance(BEACON_MS);
    mesh.peers[ALICE].beacons.clear();
    mesh.advance(6 * BEACON_MS);
    assert_eq!(mesh.peers[ALICE].beacons.len(), 6);
    mesh.peers[ALICE].beacons.clear();
    for newcomer in 1..6 {
        mesh.isolate(newcomer);
        mesh.link(ALICE, newcomer);
        let now_ms = mesh.now_ms;
        mesh.peers[ALICE].core.tick(now_ms);
        mesh.settle();
    }
    mesh.advance(5_000);
    let said: Vec<u64> = mesh.peers[ALICE].beacons.iter().map(|(at, _)| *at).collect();
    assert!(!said.is_empty(), "newcomers need not wait for the next round");
    assert!(said.windows(2).all(|pair| pair[1] - pair[0] >= 1_000), "{said:?}");
    assert!(mesh.peers[ALICE].beacons.iter().all(|(_, room)| *room == room_of(lobby)));
}

#[test]
fn a_presence_counts_only_in_its_place_and_time() {
    let (mut mesh, lobby) = Mesh::in_the_lobby(2, 0);
    let garden = RoomId([7; 32]);
    let dave = DeviceKeys::generate(&[40; 32], &[41; 32], 0);
    let said = |room, sent_ms| RoomFrame::Presence(presence(&dave, room, sent_ms, PresenceState::Here));
    let here = Some(room_of(lobby));
    assert_eq!(verdict(&mut mesh, lobby, said(Some(garden), START_MS)), Verdict::Reject);
    assert_eq!(verdict(&mut mesh, lobby, said(None, START_MS)), Verdict::Reject);
    let (old, ahead) =
        (START_MS - limits::PRESENCE_AGE_MAX_MS - 1, START_MS + limits::CLOCK_AHEAD_MAX_MS + 1);
    assert_eq!(verdict(&mut mesh, lobby, said(here, old)), Verdict::Ignore);
    assert_eq!(verdict(&mut mesh, lobby, said(here, ahead)), Verdict::Ignore);
    assert_eq!(mesh.peers[BOB].core.members(room_of(lobby)).len(), 2, "none of these made a member");
    assert_eq!(verdict(&mut mesh, lobby, said(here, START_MS)), Verdict::Accept);
    assert_eq!(verdict(&mut mesh, lobby, said(here, START_MS)), Verdict::Ignore, "said before");
    assert_eq!(verdict(&mut mesh, lobby, said(here, START_MS - 1)), Verdict::Ignore, "overtaken");
    assert_eq!(mesh.peers[BOB].core.members(room_of(lobby)).len(), 3);
}

#[test]
fn nobody_speaks_for_anothers_device() {
    let (mut mesh, lobby) = Mesh::in_the_lobby(2, 0);
    let alice = mesh.peers[ALICE].keys();
    let said = presence(&alice, Some(room_of(lobby)), START_MS + 1_000, PresenceState::Left);
    let (body, cert, signature) = said.parts();
    let mallory = PersonKey::from_seed(&[66; 32]).certify(alice.device(), START_MS);
    let stolen = Unverified::<Presence>::from_parts(body.to_vec(), mallory, *signature);
    assert_eq!(verdict(&mut mesh, lobby, RoomFrame::Presence(stolen)), Verdict::Reject);
    let mut bent = *signature;
    bent[0] ^= 1;
    let forged = Unverified::<Presence>::from_parts(body.to_vec(), cert.clone(), bent);
    assert_eq!(verdict(&mut mesh, lobby, RoomFrame::Presence(forged)), Verdict::Reject);
    assert_eq!(mesh.peers[BOB].core.person_of(alice.device()), Some(alice.person()));
    assert_eq!(mesh.peers[BOB].core.members(room_of(lobby)).len(), 2);
}

#[test]
fn a_hello_must_be_the_word_of_the_device_at_the_other_end() {
    let mut mesh = Mesh::new(2, 0);
    let (alice, mallory) = (mesh.peers[ALICE].keys(), DeviceKeys::generate(&[66; 32], &[67; 32], 0));
    let mut say = |device, keys: &DeviceKeys, room, sent_ms| {
        let hello = Hello::first(presence(keys, room, sent_ms, PresenceState::Here));
        mesh.peers[BOB].core.hello_received(START_MS, device, hello)
    };
    let misplaced = |heard| matches!(heard, Err(HelloError::Misplaced));
    assert!(misplaced(say(mallory.device(), &alice, None, START_MS)), "a hello passed on");
    assert!(misplaced(say(alice.device(), &alice, Some(RoomId([1; 32])), START_MS)), "said in a room");
    assert!(misplaced(say(alice.device(), &alice, None, START_MS - limits::PRESENCE_AGE_MAX_MS - 1)));
    assert!(misplaced(say(alice.device(), &alice, None, START_MS + limits::CLOCK_AHEAD_MAX_MS + 1)));
    assert_eq!(mesh.peers[BOB].core.person_of(alice.device()), None);
    let mut say = |device, keys: &DeviceKeys| {
        let hello = Hello::first(presence(keys, None, START_MS, PresenceState::Here));
        mesh.peers[BOB].core.hello_received(START_MS, device, hello)
    };
    say(alice.device(), &alice).unwrap();
    assert_eq!(mesh.peers[BOB].core.person_of(alice.device()), Some(alice.person()));
}

#[test]
fn before_a_hello_a_chat_is_told_to_wait() {
    let mut mesh = Mesh::new(2, 0);
    let chat = mesh.chat_with(BOB);
    let request = ChatRequest::Deliver(vec![entry(&mesh, ALICE, chat, START_MS, "too soon")]);
    mesh.bring_request(ALICE, BOB, batch(&mesh), request);
    mesh.settle();
    assert_eq!(mesh.peers[BOB].answers, [ChatResponse::Busy]);
    assert!(mesh.peers[BOB].texts(mesh.chat_with(ALICE)).is_empty());
}
