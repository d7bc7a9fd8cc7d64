//! What waits to go out: in order, exactly once, with the reason why it waits.

use std::collections::BTreeSet;

use kinmesh_core::{Output, WaitReason, Waiting};
use kinmesh_proto::{ChatRequest, Delivery};

use crate::mesh::Mesh;
use crate::{ALICE, BOB, delivery};

#[test]
fn hundreds_of_waiting_entries_survive_restarts_of_both_and_go_in_order_exactly_once() {
    let mut mesh = Mesh::new(2, 7);
    mesh.link(ALICE, BOB);
    mesh.isolate(ALICE);
    let (to_bob, to_alice) = (mesh.chat_with(BOB), mesh.chat_with(ALICE));
    let texts: Vec<String> = (0..700).map(|n| format!("line {n}")).collect();
    for text in &texts {
        mesh.send(ALICE, to_bob, text).unwrap();
        mesh.settle();
    }
    mesh.restart(ALICE);
    mesh.link(ALICE, BOB);
    // Some have arrived, and some of these were not noted yet, when both end without a word.
    for _ in 0..3 {
        for index in [ALICE, BOB] {
            mesh.restart(index);
        }
        mesh.faults.chat_lost = 20;
        mesh.link(BOB, ALICE);
        mesh.advance(2_000);
        mesh.faults.chat_lost = 0;
    }
    mesh.advance(60_000);
    assert_eq!(mesh.peers[BOB].texts(to_alice), texts);
    let heard = mesh.peers[BOB].history(to_alice).len();
    assert_eq!(heard, texts.len());
    let all_delivered =
        mesh.peers[ALICE].history(to_bob).iter().all(|stored| stored.delivery == Delivery::Delivered);
    assert!(all_delivered);
    assert_eq!(mesh.peers[ALICE].core.overview().chats[0].waiting, None);
}

#[test]
fn what_waits_is_counted_to_its_end_after_a_start_and_while_the_disk_is_slow_to_give_it() {
    let mut mesh = Mesh::new(2, 0);
    mesh.link(ALICE, BOB);
    mesh.isolate(ALICE);
    let (to_bob, to_alice) = (mesh.chat_with(BOB), mesh.chat_with(ALICE));
    for n in 0..700 {
        mesh.send(ALICE, to_bob, &format!("line {n}")).unwrap();
    }
    mesh.settle();
    let waiting = |mesh: &mut Mesh| mesh.peers[ALICE].core.overview().chats[0].waiting;
    let before = waiting(&mut mesh);
    mesh.restart(ALICE);
    let Some(Waiting { entries: 700, .. }) = waiting(&mut mesh) else { panic!("{:?}", waiting(&mut mesh)) };
    assert_eq!(waiting(&mut mesh).map(|waiting| waiting.since_ms), before.map(|waiting| waiting.since_ms));
    mesh.peers[ALICE].disk_stands_still = true;
    mesh.link(ALICE, BOB);
    mesh.advance(5_000);
    let arrived = mesh.peers[BOB].texts(to_alice).len();
    assert!((1..700).contains(&arrived), "{arrived} were in memory");
    let left = waiting(&mut mesh).expect("the rest waits on the disk");
    assert_eq!((left.entries, left.reason), (700 - arrived, WaitReason::Sending));
    mesh.peers[ALICE].disk_stands_still = false;
    while mesh.peers[BOB].texts(to_alice).len() < 700 {
        assert!(waiting(&mut mesh).is_some(), "not all has gone");
        assert!(mesh.step_in_time(), "all goes");
    }
    mesh.advance(2_000);
    assert_eq!(waiting(&mut mesh), None);
}

#[test]
fn only_the_front_of_a_long_outbox_is_in_memory_and_a_batch_stays_a_batch() {
    let mut mesh = Mesh::new(2, 0);
    mesh.link(ALICE, BOB);
    mesh.isolate(ALICE);
    let to_bob = mesh.chat_with(BOB);
    for n in 0..600 {
        mesh.send(ALICE, to_bob, &format!("line {n}")).unwrap();
    }
    mesh.settle();
    let waiting = mesh.peers[ALICE].core.overview().chats[0].waiting.unwrap();
    assert_eq!(waiting.entries, 600);
    mesh.link(ALICE, BOB);
    mesh.advance(5_000);
    assert_eq!(mesh.peers[BOB].texts(mesh.chat_with(ALICE)).len(), 600);
}

#[test]
fn why_something_waits_is_told() {
    let mut mesh = Mesh::new(2, 0);
    mesh.link(ALICE, BOB);
    mesh.befriend(BOB, ALICE);
    let to_bob = mesh.chat_with(BOB);
    mesh.advance(2_000);
    mesh.isolate(ALICE);
    mesh.advance(30_000);
    let key = mesh.send(ALICE, to_bob, "hello?").unwrap();
    mesh.settle();
    let reason = |mesh: &mut Mesh| mesh.peers[ALICE].core.overview().chats[0].waiting.map(|w| w.reason);
    let Some(Waiting { entries: 1, since_ms, reason: WaitReason::Offline { last_seen_ms } }) =
        mesh.peers[ALICE].core.overview().chats[0].waiting
    else {
        panic!("Bob is away");
    };
    assert!(since_ms == mesh.now_ms && last_seen_ms < since_ms);
    mesh.peers[BOB].disk_works = false;
    mesh.link(ALICE, BOB);
    assert_eq!(reason(&mut mesh), Some(WaitReason::Refused));
    mesh.peers[BOB].disk_works = true;
    mesh.faults.chat_lost = 100;
    mesh.advance(3_000);
    assert_eq!(reason(&mut mesh), Some(WaitReason::NoAnswer));
    mesh.faults.chat_lost = 0;
    mesh.advance(40_000);
    assert_eq!(reason(&mut mesh), None);
    assert_eq!(delivery(&mesh, ALICE, to_bob, key), Delivery::Delivered);
}

#[test]
fn what_our_own_disk_does_not_give_waits_for_it_and_says_so() {
    let mut mesh = Mesh::new(2, 0);
    mesh.link(ALICE, BOB);
    mesh.isolate(ALICE);
    let (to_bob, to_alice) = (mesh.chat_with(BOB), mesh.chat_with(ALICE));
    for n in 0..600 {
        mesh.send(ALICE, to_bob, &format!("line {n}")).unwrap();
    }
    mesh.settle();
    mesh.restart(ALICE);
    mesh.peers[ALICE].disk_works = false;
    mesh.link(ALICE, BOB);
    mesh.advance(10_000);
    let arrived = mesh.peers[BOB].texts(to_alice).len();
    assert!((1..600).contains(&arrived), "{arrived} were in memory");
    let reason = |mesh: &mut Mesh| mesh.peers[ALICE].core.overview().chats[0].waiting.map(|w| w.reason);
    assert_eq!(reason(&mut mesh), Some(WaitReason::Unreadable));
    mesh.peers[ALICE].disk_works = true;
    mesh.advance(30_000);
    assert_eq!(reason(&mut mesh), None);
    assert_eq!(mesh.peers[BOB].texts(to_alice).len(), 600);
}

#[test]
fn alone_in_a_room_words_wait_for_company() {
    let mut mesh = Mesh::new(2, 0);
    mesh.join(ALICE, "lobby");
    let lobby = kinmesh_proto::ConversationId::Room(mesh.join(BOB, "lobby"));
    mesh.send(ALICE, lobby, "anybody?").unwrap();
    mesh.settle();
    let reason = |mesh: &mut Mesh| mesh.peers[ALICE].core.overview().rooms[0].waiting.map(|w| w.reason);
    assert_eq!(reason(&mut mesh), Some(WaitReason::Alone));
    mesh.link(ALICE, BOB);
    mesh.advance(3_000);
    assert_eq!(reason(&mut mesh), None);
}

#[test]
fn no_sequence_number_is_used_twice_whatever_the_disk_forgot() {
    for seed in 0..50 {
        let mut mesh = Mesh::new(1, seed);
        let lobby = kinmesh_proto::ConversationId::Room(mesh.join(ALICE, "lobby"));
        // Numbers of everything that was signed, stored or not: any of it may have left the device.
        let mut used = BTreeSet::new();
        for n in 0..200 {
            match mesh.dice.below(40) {
                0 => mesh.restart(ALICE),
                1 => mesh.peers[ALICE].disk_works = mesh.dice.percent(70),
                2 => mesh.settle(),
                3 => drop(mesh.step()),
                _ => {
                    if mesh.send(ALICE, lobby, &format!("{n}")).is_ok() {
                        mesh.step();
                    }
                }
            }
            for stored in mesh.peers[ALICE].history(lobby) {
                used.insert((stored.entry.value().seq, stored.entry.id()));
            }
        }
        let numbers: BTreeSet<u64> = used.iter().map(|(seq, _)| *seq).collect();
        assert_eq!(numbers.len(), used.len(), "seed {seed}");
    }
}

#[test]
fn an_entry_of_ours_is_one_key_on_the_disk() {
    let mut mesh = Mesh::new(1, 0);
    let lobby = kinmesh_proto::ConversationId::Room(mesh.join(ALICE, "lobby"));
    mesh.send(ALICE, lobby, "the first of a block").unwrap();
    mesh.settle();
    let core = &mut mesh.peers[ALICE].core;
    core.send(mesh.now_ms, lobby, "the second".into(), None).unwrap();
    let writes = std::iter::from_fn(|| core.poll_output()).find_map(|output| match output {
        Output::Persist { writes, .. } => Some(writes.len()),
        _ => None,
    });
    assert_eq!(writes, Some(1));
}

#[test]
fn tries_are_spread_and_a_new_connection_tries_at_once() {
    let mut mesh = Mesh::new(2, 0);
    mesh.link(ALICE, BOB);
    mesh.befriend(BOB, ALICE);
    let to_bob = mesh.chat_with(BOB);
    mesh.faults.chat_lost = 100;
    mesh.send(ALICE, to_bob, "again").unwrap();
    mesh.settle();
    mesh.advance(120_000);
    let asked = mesh.peers[ALICE].asked.iter().filter(|ask| matches!(ask, ChatRequest::Deliver(_))).count();
    assert!((6..=14).contains(&asked), "{asked} tries in two minutes");
    mesh.faults.chat_lost = 0;
    mesh.unlink(ALICE, BOB);
    mesh.link(ALICE, BOB);
    assert_eq!(mesh.peers[BOB].texts(mesh.chat_with(ALICE)), ["again"]);
}
