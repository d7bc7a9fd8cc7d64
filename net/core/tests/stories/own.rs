//! Entries of ours that go out while our disk is still at work on them.

use std::collections::BTreeSet;

use kinmesh_core::{ConversationEvent, Event, Token};
use kinmesh_proto::{ConversationId, Delivery, EntryKey};

use crate::mesh::Mesh;
use crate::{ALICE, BOB, delivery};

/// Alice and Bob talk already, so that numbers for their next entries are reserved.
fn chat_under_way() -> (Mesh, ConversationId, ConversationId) {
    let mut mesh = Mesh::new(2, 0);
    mesh.link(ALICE, BOB);
    let (to_bob, to_alice) = (mesh.chat_with(BOB), mesh.chat_with(ALICE));
    mesh.send(ALICE, to_bob, "hello").unwrap();
    mesh.settle();
    mesh.advance(2_000);
    (mesh, to_bob, to_alice)
}

/// Alice writes while her disk stands still, and everything else goes on.
fn say_beside_the_disk(mesh: &mut Mesh, to: ConversationId, text: &str) -> (Token, EntryKey) {
    mesh.peers[ALICE].disk_stands_still = true;
    let (token, view) = mesh.peers[ALICE].core.send(mesh.now_ms, to, text.to_owned(), None).unwrap();
    mesh.settle();
    (token, view.key)
}

#[test]
fn an_entry_goes_out_while_our_disk_is_at_work_and_is_shown_once_it_is_stored() {
    let (mut mesh, to_bob, to_alice) = chat_under_way();
    mesh.peers[ALICE].told.clear();
    let (_, key) = say_beside_the_disk(&mut mesh, to_bob, "how are you?");
    assert_eq!(mesh.peers[BOB].told_texts(to_alice), ["hello", "how are you?"]);
    assert_eq!(mesh.peers[ALICE].told, [], "neither the entry nor its receipt");
    assert_eq!(mesh.peers[ALICE].core.overview().chats[0].waiting, None);
    mesh.peers[ALICE].disk_stands_still = false;
    mesh.settle();
    let changes = mesh.peers[ALICE].told.iter().map(|event| match event {
        Event::Conversation { change, .. } => change,
        other => panic!("{other:?}"),
    });
    let [ConversationEvent::EntryAdded { entry }, ConversationEvent::DeliveryChanged { key: of, delivery }] =
        changes.collect::<Vec<_>>()[..]
    else {
        panic!("the entry, then its receipt");
    };
    assert_eq!((entry.key, entry.delivery), (key, Delivery::Queued));
    assert_eq!((*of, *delivery), (key, Delivery::Delivered));
}

#[test]
fn a_receipt_that_was_held_back_is_noted_on_the_disk() {
    let (mut mesh, to_bob, _) = chat_under_way();
    let (_, key) = say_beside_the_disk(&mut mesh, to_bob, "noted?");
    mesh.peers[ALICE].disk_stands_still = false;
    mesh.advance(2_000);
    mesh.restart(ALICE);
    let stored = mesh.peers[ALICE].history(to_bob).pop().unwrap();
    assert_eq!((stored.entry.key(), stored.delivery), (key, Delivery::Delivered));
}

#[test]
fn a_room_hears_an_entry_while_our_disk_is_at_work() {
    let (mut mesh, lobby) = Mesh::in_the_lobby(2, 0);
    mesh.send(ALICE, lobby, "hello").unwrap();
    mesh.settle();
    let (_, key) = say_beside_the_disk(&mut mesh, lobby, "anybody?");
    assert_eq!(mesh.peers[BOB].told_texts(lobby), ["hello", "anybody?"]);
    assert_eq!(mesh.peers[ALICE].told_texts(lobby), ["hello"]);
    mesh.peers[ALICE].disk_stands_still = false;
    mesh.settle();
    assert_eq!(mesh.peers[ALICE].told_texts(lobby), ["hello", "anybody?"]);
    assert_eq!(delivery(&mesh, ALICE, lobby, key), Delivery::Sent { members: 1 });
}

#[test]
fn an_entry_that_only_others_have_comes_back_from_them() {
    let (mut mesh, to_bob, _) = chat_under_way();
    let (token, key) = say_beside_the_disk(&mut mesh, to_bob, "keep this for me");
    assert!(mesh.peers[ALICE].core.may_have_left(token));
    mesh.peers[ALICE].disk_works = false;
    mesh.peers[ALICE].disk_stands_still = false;
    mesh.settle();
    assert_eq!(mesh.peers[ALICE].texts(to_bob), ["hello"]);
    assert_eq!(mesh.peers[ALICE].told_texts(to_bob), ["hello"]);
    mesh.peers[ALICE].disk_works = true;
    mesh.advance(60_000);
    assert_eq!(mesh.peers[ALICE].told_texts(to_bob), ["hello", "keep this for me"]);
    let stored = mesh.peers[ALICE].history(to_bob).pop().unwrap();
    assert_eq!((stored.entry.key(), stored.delivery), (key, Delivery::Delivered));
}

#[test]
fn while_our_disk_fails_nothing_more_goes_out() {
    let (mut mesh, to_bob, to_alice) = chat_under_way();
    mesh.peers[ALICE].disk_works = false;
    mesh.send(ALICE, to_bob, "who could know").unwrap();
    mesh.settle();
    let (token, _) = say_beside_the_disk(&mut mesh, to_bob, "now we know");
    assert!(!mesh.peers[ALICE].core.may_have_left(token));
    mesh.peers[ALICE].disk_stands_still = false;
    mesh.settle();
    assert_eq!(mesh.peers[BOB].texts(to_alice), ["hello", "who could know"]);
    mesh.peers[ALICE].disk_works = true;
    mesh.advance(60_000);
    for texts in [mesh.peers[ALICE].texts(to_bob), mesh.peers[BOB].texts(to_alice)] {
        assert_eq!(texts, ["hello", "who could know"]);
    }
}

#[test]
fn what_our_disk_refused_is_not_tried_again() {
    let (mut mesh, to_bob, to_alice) = chat_under_way();
    mesh.faults.chat_lost = 100;
    let (token, _) = say_beside_the_disk(&mut mesh, to_bob, "did it leave?");
    assert!(mesh.peers[ALICE].core.may_have_left(token), "no answer is no proof");
    mesh.peers[ALICE].disk_works = false;
    mesh.peers[ALICE].disk_stands_still = false;
    mesh.settle();
    mesh.faults.chat_lost = 0;
    mesh.peers[ALICE].disk_works = true;
    mesh.advance(60_000);
    assert_eq!(mesh.peers[BOB].texts(to_alice), ["hello"]);
    mesh.send(ALICE, to_bob, "go on").unwrap();
    mesh.settle();
    assert_eq!(mesh.peers[BOB].texts(to_alice), ["hello", "go on"]);
    assert_eq!(mesh.peers[ALICE].core.overview().chats[0].waiting, None);
}

#[test]
fn what_both_disks_refused_is_named_by_nobody() {
    let (mut mesh, to_bob, to_alice) = chat_under_way();
    mesh.peers[BOB].disk_works = false;
    say_beside_the_disk(&mut mesh, to_bob, "lost on both sides");
    mesh.peers[ALICE].disk_works = false;
    mesh.peers[ALICE].disk_stands_still = false;
    mesh.settle();
    mesh.peers[ALICE].disk_works = true;
    mesh.peers[BOB].disk_works = true;
    mesh.send(BOB, to_alice, "go on").unwrap();
    mesh.settle();
    assert_eq!(mesh.peers[ALICE].texts(to_bob), ["hello", "go on"]);
    let history = mesh.peers[ALICE].history(to_bob);
    let is_there = |key: &EntryKey| history.iter().any(|stored| stored.entry.key() == *key);
    assert!(history.iter().flat_map(|stored| &stored.entry.value().prev).all(is_there), "a gap for ever");
}

#[test]
fn an_entry_that_our_disk_refuses_while_it_is_under_way_goes_out_once_at_most() {
    let (mut mesh, to_bob, _) = chat_under_way();
    mesh.peers[BOB].disk_stands_still = true;
    let (_, lost) = say_beside_the_disk(&mut mesh, to_bob, "under way");
    mesh.peers[ALICE].disk_works = false;
    mesh.peers[ALICE].disk_stands_still = false;
    mesh.settle();
    mesh.peers[ALICE].disk_works = true;
    mesh.peers[ALICE].told.clear();
    let asked = mesh.peers[ALICE].asked.len();
    mesh.peers[BOB].disk_stands_still = false;
    mesh.settle();
    assert_eq!(mesh.peers[ALICE].told, [], "its receipt is nobody's");
    mesh.advance(60_000);
    assert_eq!(mesh.peers[ALICE].asked.len(), asked);
    assert_eq!(mesh.peers[ALICE].history(to_bob).pop().unwrap().entry.key(), lost);
}

#[test]
fn after_a_crash_between_an_entry_comes_back_and_its_number_is_not_used_again() {
    let (mut mesh, to_bob, to_alice) = chat_under_way();
    say_beside_the_disk(&mut mesh, to_bob, "gone with the power");
    mesh.restart(ALICE);
    assert_eq!(mesh.peers[ALICE].texts(to_bob), ["hello"]);
    mesh.link(ALICE, BOB);
    mesh.send(ALICE, to_bob, "where was I?").unwrap();
    mesh.advance(60_000);
    let texts = mesh.peers[ALICE].texts(to_bob);
    assert_eq!(texts, mesh.peers[BOB].texts(to_alice));
    assert_eq!(texts, ["hello", "gone with the power", "where was I?"]);
    let history = mesh.peers[BOB].history(to_alice);
    let numbers: BTreeSet<u64> = history.iter().map(|stored| stored.entry.value().seq).collect();
    assert_eq!(numbers.len(), 3);
}

#[test]
fn an_entry_does_not_overtake_one_that_waits_for_the_disk() {
    let (mut mesh, to_bob, to_alice) = chat_under_way();
    // The disk refuses something, and the next entry waits for it.
    mesh.peers[ALICE].disk_works = false;
    mesh.send(ALICE, to_bob, "refused").unwrap();
    mesh.settle();
    mesh.peers[ALICE].disk_works = true;
    say_beside_the_disk(&mut mesh, to_bob, "first");
    say_beside_the_disk(&mut mesh, to_bob, "second");
    let heard = mesh.peers[BOB].told_texts(to_alice);
    assert!(!heard.contains(&"second".to_owned()));
    mesh.peers[ALICE].disk_stands_still = false;
    mesh.settle();
    let heard = mesh.peers[BOB].told_texts(to_alice);
    assert_eq!(heard[heard.len() - 2..], ["first", "second"]);
}
