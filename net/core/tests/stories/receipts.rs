//! Who has read what, and who is writing: told only among those who share it.

use kinmesh_core::{ConversationEvent, EntryView, Event, Verdict};
use kinmesh_proto::{ChatRequest, ConversationId, EntryKey, Privacy, RoomFrame, Typing, Unverified, limits};

use crate::mesh::Mesh;
use crate::{ALICE, BOB, CAROL, room_of, verdict};

fn acquainted() -> (Mesh, ConversationId, ConversationId) {
    let mut mesh = Mesh::new(2, 0);
    mesh.link(ALICE, BOB);
    let (to_bob, to_alice) = (mesh.chat_with(BOB), mesh.chat_with(ALICE));
    (mesh, to_bob, to_alice)
}

fn share(mesh: &mut Mesh, index: usize, privacy: Privacy) {
    mesh.peers[index].core.set_privacy(privacy);
    mesh.settle();
}

fn say(mesh: &mut Mesh, index: usize, to: ConversationId, text: &str) -> EntryKey {
    let key = mesh.send(index, to, text).unwrap();
    mesh.settle();
    mesh.now_ms += 1;
    key
}

fn read(mesh: &mut Mesh, index: usize, at: ConversationId, up_to: EntryKey) {
    mesh.peers[index].core.mark_read(at, up_to).unwrap();
    mesh.settle();
}

/// Whether Alice's view of her newest entry to Bob says that he has read it.
fn is_read(mesh: &mut Mesh) -> bool {
    let last = mesh.peers[ALICE].core.overview().chats[0].last.clone().unwrap();
    let at = last.conversation;
    let mark = mesh.peers[ALICE].core.read_by_other(at);
    let stored = mesh.peers[ALICE].posts(at).pop().unwrap();
    assert_eq!(EntryView::of(at, &stored, mark).read_by_other, last.read_by_other);
    last.read_by_other
}

fn receipts_asked(mesh: &Mesh, index: usize) -> usize {
    mesh.peers[index].asked.iter().filter(|ask| matches!(ask, ChatRequest::Read { .. })).count()
}

#[test]
fn what_was_read_is_told_and_remembered() {
    let (mut mesh, to_bob, to_alice) = acquainted();
    let key = say(&mut mesh, ALICE, to_bob, "hello");
    assert!(!is_read(&mut mesh));
    read(&mut mesh, BOB, to_alice, key);
    assert!(is_read(&mut mesh));
    assert!(mesh.peers[ALICE].is_told(&ConversationEvent::ReadByOther { up_to: key }));
    mesh.restart(ALICE);
    assert!(is_read(&mut mesh));
}

#[test]
fn what_was_read_while_the_other_was_away_is_told_when_they_meet_and_only_once() {
    let (mut mesh, to_bob, to_alice) = acquainted();
    let key = say(&mut mesh, ALICE, to_bob, "hello");
    mesh.isolate(ALICE);
    read(&mut mesh, BOB, to_alice, key);
    mesh.restart(BOB);
    mesh.link(ALICE, BOB);
    assert!(is_read(&mut mesh));
    mesh.advance(5_000);
    mesh.restart(BOB);
    mesh.link(ALICE, BOB);
    mesh.advance(5_000);
    assert_eq!(receipts_asked(&mesh, BOB), 0, "Alice knows already");
}

#[test]
fn a_lost_answer_is_no_reason_to_tell_again_and_again() {
    let (mut mesh, to_bob, to_alice) = acquainted();
    let key = say(&mut mesh, ALICE, to_bob, "hello");
    mesh.faults.chat_lost = 100;
    read(&mut mesh, BOB, to_alice, key);
    mesh.advance(60_000);
    assert!(receipts_asked(&mesh, BOB) <= 4);
    mesh.faults.chat_lost = 0;
    mesh.advance(40_000);
    assert!(is_read(&mut mesh));
}

#[test]
fn who_reads_along_tells_in_turns() {
    let (mut mesh, to_bob, to_alice) = acquainted();
    for n in 0..40 {
        let key = say(&mut mesh, ALICE, to_bob, &format!("{n}"));
        read(&mut mesh, BOB, to_alice, key);
    }
    mesh.advance(3_000);
    assert!(receipts_asked(&mesh, BOB) <= 3);
    assert!(is_read(&mut mesh));
}

#[test]
fn receipts_off_on_either_side_show_none_on_both() {
    for quiet in [ALICE, BOB] {
        let (mut mesh, to_bob, to_alice) = acquainted();
        share(&mut mesh, quiet, Privacy { read_receipts: false, typing: true });
        say(&mut mesh, ALICE, to_bob, "hello");
        let his = say(&mut mesh, BOB, to_alice, "hi");
        read(&mut mesh, BOB, to_alice, his);
        read(&mut mesh, ALICE, to_bob, his);
        mesh.advance(5_000);
        for (index, at) in [(ALICE, to_bob), (BOB, to_alice)] {
            assert_eq!(mesh.peers[index].core.read_by_other(at), None);
            let told = |event: &Event| {
                matches!(event, Event::Conversation { change: ConversationEvent::ReadByOther { .. }, .. })
            };
            assert!(!mesh.peers[index].told.iter().any(told));
        }
        assert_eq!(receipts_asked(&mesh, quiet), 0);
        // What was read meanwhile stays untold when they are switched on again.
        share(&mut mesh, quiet, Privacy::default());
        mesh.advance(5_000);
        assert_eq!(receipts_asked(&mesh, quiet), 0);
    }
}

#[test]
fn a_mark_in_the_future_covers_only_what_is_there() {
    let (mut mesh, to_bob, _) = acquainted();
    say(&mut mesh, ALICE, to_bob, "hello");
    let mut up_to = mesh.peers[ALICE].posts(to_bob)[0].post.entry.key();
    up_to.clock = kinmesh_proto::Hlc(u64::MAX);
    let batch = kinmesh_core::BatchToken { person: mesh.peers[ALICE].person(), number: 99 };
    mesh.bring_request(BOB, ALICE, batch, ChatRequest::Read { up_to });
    mesh.settle();
    assert!(is_read(&mut mesh));
    mesh.now_ms += 10;
    say(&mut mesh, ALICE, to_bob, "later");
    assert!(!is_read(&mut mesh));
}

#[test]
fn a_receipt_is_answered_when_the_disk_has_it() {
    let (mut mesh, to_bob, to_alice) = acquainted();
    let key = say(&mut mesh, ALICE, to_bob, "hello");
    mesh.peers[ALICE].disk_works = false;
    read(&mut mesh, BOB, to_alice, key);
    assert!(!is_read(&mut mesh));
    mesh.peers[ALICE].disk_works = true;
    mesh.advance(40_000);
    assert!(is_read(&mut mesh));
}

fn typing_heard(mesh: &Mesh, index: usize) -> usize {
    let is_typing = |event: &&Event| {
        matches!(event, Event::Conversation { change: ConversationEvent::Typing { .. }, .. })
    };
    mesh.peers[index].told.iter().filter(is_typing).count()
}

fn write(mesh: &mut Mesh, index: usize, at: ConversationId) {
    mesh.peers[index].core.typing(mesh.now_ms, at);
    mesh.settle();
}

#[test]
fn who_writes_is_seen_writing_and_says_so_seldom() {
    let (mut mesh, to_bob, _) = acquainted();
    say(&mut mesh, ALICE, to_bob, "hello");
    for _ in 0..20 {
        write(&mut mesh, ALICE, to_bob);
        mesh.now_ms += 100;
    }
    assert_eq!(typing_heard(&mesh, BOB), 1);
    mesh.now_ms += limits::TYPING_EVERY_MS;
    write(&mut mesh, ALICE, to_bob);
    assert_eq!(typing_heard(&mesh, BOB), 2);
    let until_ms = mesh.now_ms + limits::TYPING_SHOWN_MS;
    let person = mesh.peers[ALICE].person();
    assert!(mesh.peers[BOB].is_told(&ConversationEvent::Typing { person, until_ms }));
}

#[test]
fn a_room_sees_who_writes_also_through_others() {
    let (mut mesh, lobby) = Mesh::in_the_lobby(3, 0);
    mesh.unlink(ALICE, CAROL);
    write(&mut mesh, ALICE, lobby);
    assert_eq!((typing_heard(&mesh, BOB), typing_heard(&mesh, CAROL)), (1, 1));
    assert_eq!(typing_heard(&mesh, ALICE), 0);
}

#[test]
fn who_does_not_share_that_they_write_neither_tells_nor_hears() {
    let (mut mesh, lobby) = Mesh::in_the_lobby(2, 0);
    let (to_bob, to_alice) = (mesh.chat_with(BOB), mesh.chat_with(ALICE));
    say(&mut mesh, ALICE, to_bob, "hello");
    share(&mut mesh, BOB, Privacy { read_receipts: true, typing: false });
    for at in [lobby, to_bob] {
        write(&mut mesh, ALICE, at);
    }
    for at in [lobby, to_alice] {
        write(&mut mesh, BOB, at);
    }
    assert_eq!((typing_heard(&mesh, ALICE), typing_heard(&mesh, BOB)), (0, 0));
}

fn typing_frame(mesh: &Mesh, room: ConversationId, sent_ms: u64) -> RoomFrame {
    let typing = Unverified::sign(Typing { room: room_of(room), sent_ms }, &mesh.peers[ALICE].keys());
    RoomFrame::Typing(typing.envelope().clone())
}

#[test]
fn floods_stale_and_forged_words_of_writing_are_neither_shown_nor_passed_on() {
    let (mut mesh, lobby) = Mesh::in_the_lobby(2, 0);
    let now_ms = mesh.now_ms;
    let stale = typing_frame(&mesh, lobby, now_ms - limits::TYPING_AGE_MAX_MS - 1);
    assert_eq!(verdict(&mut mesh, lobby, stale), Verdict::Ignore);
    let elsewhere = ConversationId::Room(kinmesh_proto::RoomId([9; 32]));
    let elsewhere = typing_frame(&mesh, elsewhere, now_ms);
    assert_eq!(verdict(&mut mesh, lobby, elsewhere), Verdict::Reject);
    let good = typing_frame(&mesh, lobby, now_ms);
    assert_eq!(verdict(&mut mesh, lobby, good.clone()), Verdict::Accept);
    for n in 1..20 {
        let flood = typing_frame(&mesh, lobby, now_ms + n);
        assert_eq!(verdict(&mut mesh, lobby, flood), Verdict::Ignore);
    }
    mesh.now_ms += limits::TYPING_EVERY_MS;
    assert_eq!(verdict(&mut mesh, lobby, good), Verdict::Ignore, "it was heard before");
    assert_eq!(typing_heard(&mesh, BOB), 1);
}
