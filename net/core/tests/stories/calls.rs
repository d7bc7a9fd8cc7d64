//! Calls: ringing and answering, who stands with whom, and what stays in the chat.

use kinmesh_core::{
    CONNECT_MS, CallDirection, CallEnd, CallRefusal, CallState, CallToken, CallView, Change,
    ConversationEvent, Event, Output, PartyState, RECONNECT_MS, RING_MS, RequestToken, Route, Verdict,
};
use kinmesh_proto::{
    CallId, CallMember, CallOutcome, CallRequest, CallResponse, Content, ConversationId, DeviceKeys, Hello,
    PresenceState, RoomFrame, Unverified, Voice, limits,
};

use crate::mesh::{Faults, Mesh};
use crate::{ALICE, BOB, CAROL, for_each_seed, presence, room_of};

const DAVE: usize = 3;
/// Names what a story says in the place of somebody's core.
const OURS: CallToken = CallToken(u64::MAX);
/// Who rings is told by the minute, so that nobody is taken for somebody who rings without end.
const MINUTE_MS: u64 = 60_000;

/// People who are connected and contacts of each other.
fn friends(count: usize) -> Mesh {
    let mut mesh = Mesh::new(count, 0);
    for one in 0..count {
        for two in one + 1..count {
            mesh.link(one, two);
            mesh.befriend(one, two);
        }
    }
    mesh
}

fn ring(mesh: &mut Mesh, from: usize, to: usize) -> CallId {
    let person = mesh.peers[to].person();
    let id = mesh.peers[from].core.ring(mesh.now_ms, person).unwrap();
    mesh.settle();
    id
}

fn views(mesh: &mut Mesh, index: usize) -> Vec<CallView> {
    mesh.peers[index].core.overview().calls
}

/// The one call that somebody has.
fn view(mesh: &mut Mesh, index: usize) -> CallView {
    let mut views = views(mesh, index);
    assert_eq!(views.len(), 1, "calls of peer {index}");
    views.remove(0)
}

fn states(mesh: &mut Mesh, index: usize) -> Vec<CallState> {
    views(mesh, index).iter().map(|view| view.state).collect()
}

fn accept(mesh: &mut Mesh, index: usize) {
    let id = view(mesh, index).call;
    mesh.peers[index].core.accept_call(mesh.now_ms, id).unwrap();
    mesh.settle();
}

fn hang_up(mesh: &mut Mesh, index: usize) {
    let id = view(mesh, index).call;
    mesh.peers[index].core.hang_up(mesh.now_ms, id).unwrap();
    mesh.settle();
}

/// One rings, the other accepts, and they hear each other.
fn talking(mesh: &mut Mesh, from: usize, to: usize) {
    ring(mesh, from, to);
    accept(mesh, to);
    mesh.talk();
    assert!(is_active(mesh, from) && is_active(mesh, to));
}

fn is_active(mesh: &mut Mesh, index: usize) -> bool {
    matches!(view(mesh, index).state, CallState::Active { .. })
}

/// How somebody was told that their calls ended, in order.
fn ends(mesh: &Mesh, index: usize) -> Vec<CallEnd> {
    let end = |event: &Event| match event {
        Event::CallEnded { end, .. } => Some(end.clone()),
        _ => None,
    };
    mesh.peers[index].told.iter().filter_map(end).collect()
}

/// What somebody's history says of calls, in one chat.
fn notes(mesh: &Mesh, index: usize, with: usize) -> Vec<CallOutcome> {
    let chat = mesh.chat_with(with);
    let outcome = |content: &Content| match content {
        Content::Call(outcome) => Some(*outcome),
        _ => None,
    };
    mesh.peers[index].posts(chat).iter().filter_map(|item| outcome(item.post.entry.content())).collect()
}

/// Nobody has a call or a line any more.
fn assert_all_over(mesh: &mut Mesh) {
    for index in 0..mesh.peers.len() {
        assert_eq!(views(mesh, index), [], "peer {index}");
        assert!(mesh.peers[index].lines.is_empty(), "peer {index}");
    }
}

fn unread(mesh: &mut Mesh, index: usize, with: usize) -> usize {
    let person = mesh.peers[with].person();
    let chats = mesh.peers[index].core.overview().chats;
    chats.iter().find(|chat| chat.person == person).map_or(0, |chat| chat.unread)
}

/// With whom somebody stands, and how far.
fn parties(mesh: &mut Mesh, index: usize) -> Vec<(usize, PartyState)> {
    let people: Vec<_> = mesh.peers.iter().map(|peer| peer.person()).collect();
    let parties = view(mesh, index).parties;
    let mut parties: Vec<(usize, PartyState)> = parties
        .iter()
        .map(|party| (people.iter().position(|person| *person == party.person).unwrap(), party.state))
        .collect();
    parties.sort_by_key(|(index, _)| *index);
    parties
}

/// These and nobody else hear each other, all of them.
fn assert_mesh(mesh: &mut Mesh, of: &[usize]) {
    for index in of {
        let others: Vec<_> =
            of.iter().filter(|other| *other != index).map(|other| (*other, PartyState::Active)).collect();
        assert_eq!(parties(mesh, *index), others, "parties of peer {index}");
    }
}

/// Says something about a call in somebody's place, and returns the answer.
fn say(mesh: &mut Mesh, from: usize, to: usize, request: CallRequest) -> CallResponse {
    mesh.bring_call(from, to, OURS, request);
    let answer = *mesh.peers[to].call_answers.last().unwrap();
    mesh.settle();
    answer
}

#[test]
fn a_ring_that_is_accepted_becomes_a_call_with_a_line_each_way() {
    let mut mesh = friends(2);
    let id = ring(&mut mesh, ALICE, BOB);
    assert_eq!(view(&mut mesh, ALICE).state, CallState::Ringing);
    let heard = view(&mut mesh, BOB);
    assert_eq!((heard.state, heard.direction), (CallState::Incoming, CallDirection::In));
    assert_eq!(heard.conversation, mesh.chat_with(ALICE));
    assert!(mesh.peers[BOB].told.contains(&Event::CallChanged { call: heard.call }));
    assert!(mesh.peers[ALICE].lines.is_empty() && mesh.peers[BOB].lines.is_empty());

    accept(&mut mesh, BOB);
    assert_eq!(view(&mut mesh, ALICE).state, CallState::Connecting { since_ms: mesh.now_ms });
    let (device, theirs, ours) = *mesh.peers[ALICE].lines.values().next().unwrap();
    assert_eq!(device, mesh.peers[BOB].device());
    let (back, their_ours, their_theirs) = *mesh.peers[BOB].lines.values().next().unwrap();
    assert_eq!((back, theirs, ours), (mesh.peers[ALICE].device(), their_theirs, their_ours));

    mesh.talk();
    let active = view(&mut mesh, ALICE);
    assert_eq!((active.call, active.state), (id, CallState::Active { since_ms: mesh.now_ms }));
}

#[test]
fn who_hangs_up_ends_it_for_both_and_who_rang_notes_how_long_they_talked() {
    for who in [ALICE, BOB] {
        let mut mesh = friends(2);
        talking(&mut mesh, ALICE, BOB);
        mesh.advance(61_000);
        hang_up(&mut mesh, who);
        assert_all_over(&mut mesh);
        assert_eq!((ends(&mesh, ALICE), ends(&mesh, BOB)), (vec![CallEnd::HungUp], vec![CallEnd::HungUp]));
        let note = [CallOutcome::Answered { seconds: 61 }];
        assert_eq!((notes(&mesh, ALICE, BOB), notes(&mesh, BOB, ALICE)), (note.to_vec(), note.to_vec()));
        assert_eq!(
            mesh.peers[BOB].posts(mesh.chat_with(ALICE))[0].post.entry.person(),
            mesh.peers[ALICE].person()
        );
    }
}

#[test]
fn a_call_may_be_declined_with_a_few_words() {
    let mut mesh = friends(2);
    ring(&mut mesh, ALICE, BOB);
    let id = view(&mut mesh, BOB).call;
    let text = Some("in five minutes".to_owned());
    mesh.peers[BOB].core.decline_call(mesh.now_ms, id, text.clone()).unwrap();
    mesh.settle();
    assert_all_over(&mut mesh);
    assert_eq!(ends(&mesh, ALICE), [CallEnd::Declined { text }]);
    assert_eq!(notes(&mesh, BOB, ALICE), [CallOutcome::Declined]);
    assert_eq!(unread(&mut mesh, BOB, ALICE), 0, "he knows");
}

#[test]
fn words_on_declining_have_a_limit() {
    let mut mesh = friends(2);
    ring(&mut mesh, ALICE, BOB);
    let id = view(&mut mesh, BOB).call;
    let text = "x".repeat(limits::DECLINE_TEXT_MAX + 1);
    let refusal = CallRefusal::TooLong { size: text.len() };
    assert_eq!(mesh.peers[BOB].core.decline_call(mesh.now_ms, id, Some(text.clone())), Err(refusal));
    assert_eq!(view(&mut mesh, BOB).state, CallState::Incoming);
    // And who says more all the same is not heard.
    let request = CallRequest::Decline { call: id, text: Some(text) };
    assert_eq!(say(&mut mesh, BOB, ALICE, request), CallResponse::NoSuchCall);
    assert_eq!(view(&mut mesh, ALICE).state, CallState::Ringing);
}

#[test]
fn what_is_ignored_rings_on_there_and_is_found_as_missed() {
    let mut mesh = friends(2);
    ring(&mut mesh, ALICE, BOB);
    let id = view(&mut mesh, BOB).call;
    mesh.peers[BOB].core.ignore_call(id).unwrap();
    mesh.settle();
    assert_eq!((views(&mut mesh, BOB), ends(&mesh, BOB)), (vec![], vec![CallEnd::Ignored]));
    assert_eq!(view(&mut mesh, ALICE).state, CallState::Ringing, "she is told nothing");
    mesh.advance(RING_MS);
    assert_eq!(ends(&mesh, ALICE), [CallEnd::Unanswered]);
    assert_eq!(ends(&mesh, BOB), [CallEnd::Ignored], "it ends for him only once");
    assert_eq!(unread(&mut mesh, BOB, ALICE), 1);
    assert_all_over(&mut mesh);
}

#[test]
fn nobody_rings_for_longer_than_45_s_and_a_missed_call_is_unread() {
    let mut mesh = friends(2);
    ring(&mut mesh, ALICE, BOB);
    mesh.advance(RING_MS - 1_000);
    assert_eq!(states(&mut mesh, ALICE), [CallState::Ringing]);
    mesh.advance(1_000);
    assert_all_over(&mut mesh);
    assert_eq!(ends(&mesh, ALICE), [CallEnd::Unanswered]);
    assert_eq!(notes(&mesh, BOB, ALICE), [CallOutcome::Missed]);
    assert_eq!(unread(&mut mesh, BOB, ALICE), 1);
    mesh.restart(BOB);
    assert_eq!(unread(&mut mesh, BOB, ALICE), 1, "after a start, too");
}

#[test]
fn a_call_that_was_answered_is_not_unread() {
    let mut mesh = friends(2);
    talking(&mut mesh, ALICE, BOB);
    mesh.advance(2_000);
    hang_up(&mut mesh, ALICE);
    assert_eq!(notes(&mesh, BOB, ALICE).len(), 1);
    assert_eq!(unread(&mut mesh, BOB, ALICE), 0);
    mesh.restart(BOB);
    assert_eq!(unread(&mut mesh, BOB, ALICE), 0, "after a start, too");
}

#[test]
fn a_note_that_is_taken_back_is_counted_as_the_disk_counts_it() {
    let mut mesh = friends(2);
    talking(&mut mesh, ALICE, BOB);
    hang_up(&mut mesh, ALICE);
    let (to_alice, to_bob) = (mesh.chat_with(ALICE), mesh.chat_with(BOB));
    let note = mesh.peers[ALICE].posts(to_bob)[0].clone();
    mesh.now_ms += 10;
    mesh.peers[ALICE].core.change(mesh.now_ms, to_bob, &note, Change::Delete).unwrap();
    mesh.advance(2_000);
    let counted = unread(&mut mesh, BOB, ALICE);
    assert!(mesh.peers[BOB].posts(to_alice)[0].post.entry.is_erased());
    mesh.restart(BOB);
    assert_eq!(unread(&mut mesh, BOB, ALICE), counted);
}

#[test]
fn who_gives_up_stops_it_ringing_there() {
    let mut mesh = friends(2);
    ring(&mut mesh, ALICE, BOB);
    hang_up(&mut mesh, ALICE);
    assert_all_over(&mut mesh);
    assert_eq!((ends(&mesh, ALICE), ends(&mesh, BOB)), (vec![CallEnd::Cancelled], vec![CallEnd::Cancelled]));
    assert_eq!(notes(&mesh, BOB, ALICE), [CallOutcome::Cancelled]);
    assert_eq!(unread(&mut mesh, BOB, ALICE), 1, "he missed it");
}

#[test]
fn who_is_in_a_call_is_busy_for_others() {
    let mut mesh = friends(3);
    talking(&mut mesh, ALICE, BOB);
    ring(&mut mesh, CAROL, BOB);
    assert_eq!((views(&mut mesh, CAROL), ends(&mesh, CAROL)), (vec![], vec![CallEnd::Busy]));
    assert_eq!(notes(&mesh, BOB, CAROL), [CallOutcome::Busy]);
    assert_eq!(unread(&mut mesh, BOB, CAROL), 1, "he has not seen it ring");
    assert!(is_active(&mut mesh, BOB), "and goes on talking");
    let carol = mesh.peers[CAROL].person();
    assert_eq!(mesh.peers[BOB].core.ring(mesh.now_ms, carol), Err(CallRefusal::InACall));
}

#[test]
fn of_several_that_ring_one_is_accepted_and_the_others_ring_on() {
    let mut mesh = friends(3);
    ring(&mut mesh, ALICE, CAROL);
    ring(&mut mesh, BOB, CAROL);
    let mut calls = views(&mut mesh, CAROL);
    calls.sort_by_key(|call| call.conversation != mesh.chat_with(ALICE));
    assert_eq!(calls.len(), 2);
    mesh.peers[CAROL].core.accept_call(mesh.now_ms, calls[0].call).unwrap();
    mesh.settle();
    let second = mesh.peers[CAROL].core.accept_call(mesh.now_ms, calls[1].call);
    assert_eq!(second, Err(CallRefusal::InACall));
    mesh.peers[CAROL].core.hang_up(mesh.now_ms, calls[0].call).unwrap();
    mesh.settle();
    accept(&mut mesh, CAROL);
    mesh.talk();
    assert!(is_active(&mut mesh, CAROL) && is_active(&mut mesh, BOB));
}

#[test]
fn two_who_ring_each_other_at_once_are_in_one_call() {
    for_each_seed(|seed| {
        let mut mesh = Mesh::new(2, seed);
        mesh.link(ALICE, BOB);
        mesh.befriend(ALICE, BOB);
        mesh.faults = Faults { shuffled: true, ..Faults::default() };
        let (alice, bob) = (mesh.peers[ALICE].person(), mesh.peers[BOB].person());
        let hers = mesh.peers[ALICE].core.ring(mesh.now_ms, bob).unwrap();
        if mesh.dice.percent(50) {
            mesh.drain(ALICE);
        }
        let his = mesh.peers[BOB].core.ring(mesh.now_ms, alice).unwrap();
        mesh.settle();
        mesh.talk();
        assert_eq!((view(&mut mesh, ALICE).call, view(&mut mesh, BOB).call), (hers, his), "as each rang it");
        assert_mesh(&mut mesh, &[ALICE, BOB]);
        mesh.advance(5_000);
        let who = mesh.dice.below(2);
        hang_up(&mut mesh, who);
        assert_all_over(&mut mesh);
        assert_eq!(notes(&mesh, ALICE, BOB), [CallOutcome::Answered { seconds: 5 }], "one call, one note");
        assert_eq!(notes(&mesh, BOB, ALICE), notes(&mesh, ALICE, BOB));
    });
}

#[test]
fn who_rings_somebody_who_adds_them_to_a_group_at_once_is_in_it() {
    let mut smaller = 0;
    for rung_before in 0..5 {
        let mut mesh = friends(3);
        // Each of his calls has another id.
        for _ in 0..rung_before {
            ring(&mut mesh, BOB, CAROL);
            hang_up(&mut mesh, BOB);
        }
        talking(&mut mesh, ALICE, CAROL);
        let group = view(&mut mesh, ALICE).call;
        let (alice, bob) = (mesh.peers[ALICE].person(), mesh.peers[BOB].person());
        mesh.peers[ALICE].core.add_to_call(mesh.now_ms, group, bob).unwrap();
        let his = mesh.peers[BOB].core.ring(mesh.now_ms, alice).unwrap();
        smaller += usize::from(his < group);
        mesh.settle();
        mesh.advance(3_000);
        assert_mesh(&mut mesh, &[ALICE, BOB, CAROL]);
        assert_eq!(view(&mut mesh, BOB).call, his, "as he rang it");
    }
    assert!((1..5).contains(&smaller), "both orders were met: {smaller}");
}

#[test]
fn who_rings_somebody_who_rings_them_has_accepted() {
    let mut mesh = friends(2);
    ring(&mut mesh, ALICE, BOB);
    let rings = view(&mut mesh, BOB).call;
    assert_eq!(ring(&mut mesh, BOB, ALICE), rings);
    mesh.talk();
    assert_mesh(&mut mesh, &[ALICE, BOB]);
}

#[test]
fn who_is_not_connected_cannot_be_rung_and_finds_it_later() {
    let mut mesh = friends(2);
    mesh.unlink(ALICE, BOB);
    ring(&mut mesh, ALICE, BOB);
    assert_eq!((views(&mut mesh, ALICE), ends(&mesh, ALICE)), (vec![], vec![CallEnd::Offline]));
    mesh.link(ALICE, BOB);
    mesh.advance(2_000);
    assert_eq!(notes(&mesh, BOB, ALICE), [CallOutcome::Missed]);
    assert_eq!(unread(&mut mesh, BOB, ALICE), 1);
}

#[test]
fn strangers_and_blocked_people_do_not_ring() {
    let mut mesh = Mesh::new(2, 0);
    mesh.link(ALICE, BOB);
    let (alice, bob) = (mesh.peers[ALICE].person(), mesh.peers[BOB].person());
    assert_eq!(mesh.peers[ALICE].core.ring(mesh.now_ms, bob), Err(CallRefusal::NotAContact));
    let ring = CallRequest::Ring { call: CallId([1; 16]), line: 7, party: vec![] };
    assert_eq!(say(&mut mesh, ALICE, BOB, ring.clone()), CallResponse::ContactsOnly);
    mesh.befriend(ALICE, BOB);
    mesh.peers[BOB].core.set_blocked(alice, true).unwrap();
    assert_eq!(say(&mut mesh, ALICE, BOB, ring), CallResponse::ContactsOnly);
    assert_eq!(mesh.peers[BOB].core.ring(mesh.now_ms, alice), Err(CallRefusal::Blocked));
    assert!(!mesh.peers[BOB].told.iter().any(|event| matches!(event, Event::CallChanged { .. })));
    assert_all_over(&mut mesh);
}

#[test]
fn who_does_not_have_us_as_a_contact_any_more_is_not_rung() {
    let mut mesh = friends(2);
    let alice = mesh.peers[ALICE].person();
    mesh.peers[BOB].core.set_contact(mesh.now_ms, alice, false).unwrap();
    ring(&mut mesh, ALICE, BOB);
    assert_eq!(ends(&mesh, ALICE), [CallEnd::NotAContact]);
    assert_eq!(notes(&mesh, ALICE, BOB), [], "it never was a call");
    assert_all_over(&mut mesh);
}

#[test]
fn who_is_blocked_during_a_call_is_out_of_it() {
    let mut mesh = friends(2);
    talking(&mut mesh, ALICE, BOB);
    let alice = mesh.peers[ALICE].person();
    mesh.peers[BOB].core.set_blocked(alice, true).unwrap();
    mesh.settle();
    mesh.advance(1_000);
    assert_eq!(views(&mut mesh, BOB), []);
    mesh.advance(RECONNECT_MS + 1_000);
    assert_eq!(ends(&mesh, ALICE), [CallEnd::Lost]);
    assert_all_over(&mut mesh);
}

#[test]
fn who_rings_again_and_again_is_told_busy() {
    let mut mesh = friends(2);
    for _ in 0..6 {
        ring(&mut mesh, ALICE, BOB);
        hang_up(&mut mesh, ALICE);
    }
    ring(&mut mesh, ALICE, BOB);
    assert_eq!(ends(&mesh, ALICE).last(), Some(&CallEnd::Busy));
    assert_eq!(ends(&mesh, BOB).len(), 6);
    mesh.advance(MINUTE_MS);
    ring(&mut mesh, ALICE, BOB);
    assert_eq!(states(&mut mesh, BOB), [CallState::Incoming]);
}

#[test]
fn an_old_program_that_knows_no_calls_ends_the_ring() {
    let mut mesh = friends(2);
    mesh.peers[BOB].knows_no_calls = true;
    ring(&mut mesh, ALICE, BOB);
    assert_eq!((views(&mut mesh, ALICE), ends(&mesh, ALICE)), (vec![], vec![CallEnd::TooOld]));
    assert_eq!(notes(&mesh, ALICE, BOB), []);
}

#[test]
fn what_is_accepted_and_never_heard_ends_after_8_s() {
    let mut mesh = friends(2);
    mesh.peers[ALICE].is_heard = false;
    mesh.peers[BOB].is_heard = false;
    ring(&mut mesh, ALICE, BOB);
    accept(&mut mesh, BOB);
    mesh.advance(CONNECT_MS - 1_000);
    assert!(matches!(view(&mut mesh, ALICE).state, CallState::Connecting { .. }));
    mesh.advance(1_000);
    assert_all_over(&mut mesh);
    for index in [ALICE, BOB] {
        assert!([CallEnd::NoPath, CallEnd::HungUp].contains(&ends(&mesh, index)[0]));
    }
    assert_eq!(notes(&mesh, BOB, ALICE), [CallOutcome::Failed]);
    assert_eq!(unread(&mut mesh, BOB, ALICE), 0, "he was there");
}

#[test]
fn a_call_survives_a_broken_connection_of_some_seconds() {
    let mut mesh = friends(2);
    talking(&mut mesh, ALICE, BOB);
    let (began, lines) = (view(&mut mesh, ALICE).state, mesh.peers[ALICE].lines.clone());
    mesh.unlink(ALICE, BOB);
    mesh.advance(1_000);
    for index in [ALICE, BOB] {
        assert!(matches!(view(&mut mesh, index).state, CallState::Reconnecting { .. }));
    }
    mesh.advance(RECONNECT_MS - 2_000);
    mesh.link(ALICE, BOB);
    assert_eq!(view(&mut mesh, ALICE).state, began, "the same call goes on at once");
    assert!(is_active(&mut mesh, BOB));
    assert_eq!(mesh.peers[ALICE].lines, lines, "over the same line");
    mesh.advance(60_000);
    assert!(is_active(&mut mesh, ALICE) && is_active(&mut mesh, BOB));
}

#[test]
fn a_connection_that_is_dead_and_does_not_know_it_is_made_anew() {
    let mut mesh = friends(2);
    talking(&mut mesh, ALICE, BOB);
    mesh.peers[ALICE].is_heard = false;
    mesh.peers[BOB].is_heard = false;
    mesh.faults = Faults { chat_lost: 100, ..Faults::default() };
    mesh.advance(9_000);
    assert_eq!(mesh.redialled, [(ALICE, BOB), (BOB, ALICE)], "each of the two, once");
    mesh.faults = Faults::default();
    mesh.link(ALICE, BOB);
    assert!(is_active(&mut mesh, ALICE) && is_active(&mut mesh, BOB));
}

#[test]
fn who_does_not_come_back_within_20_s_is_lost() {
    let mut mesh = friends(2);
    talking(&mut mesh, ALICE, BOB);
    mesh.advance(30_000);
    mesh.unlink(ALICE, BOB);
    mesh.advance(RECONNECT_MS + 1_000);
    assert_all_over(&mut mesh);
    assert_eq!((ends(&mesh, ALICE), ends(&mesh, BOB)), (vec![CallEnd::Lost], vec![CallEnd::Lost]));
    assert_eq!(notes(&mesh, ALICE, BOB), [CallOutcome::Answered { seconds: 30 }], "as long as they talked");
}

#[test]
fn who_was_killed_and_is_back_has_the_call_no_more_and_the_other_learns_it() {
    for killed in [ALICE, BOB] {
        let mut mesh = friends(2);
        talking(&mut mesh, ALICE, BOB);
        mesh.advance(10_000);
        mesh.restart(killed);
        mesh.advance(2_000);
        mesh.link(ALICE, BOB);
        mesh.advance(1_000);
        assert_all_over(&mut mesh);
        assert_eq!(ends(&mesh, 1 - killed), [CallEnd::Lost]);
        // Who was killed notes nothing of it.
        assert_eq!(notes(&mesh, ALICE, BOB).len(), usize::from(killed == BOB));
    }
}

#[test]
fn who_is_killed_while_ringing_leaves_no_ring_behind() {
    let mut mesh = friends(2);
    ring(&mut mesh, ALICE, BOB);
    mesh.restart(ALICE);
    mesh.advance(10_000);
    assert_eq!((views(&mut mesh, BOB), ends(&mesh, BOB)), (vec![], vec![CallEnd::Cancelled]));
}

#[test]
fn it_rings_again_where_the_program_was_started_anew() {
    let mut mesh = friends(2);
    ring(&mut mesh, ALICE, BOB);
    mesh.restart(BOB);
    mesh.link(ALICE, BOB);
    assert_eq!(states(&mut mesh, BOB), [CallState::Incoming]);
    accept(&mut mesh, BOB);
    mesh.talk();
    assert_mesh(&mut mesh, &[ALICE, BOB]);
}

#[test]
fn who_ends_the_program_takes_leave() {
    let mut mesh = friends(2);
    talking(&mut mesh, ALICE, BOB);
    mesh.advance(3_000);
    mesh.peers[ALICE].core.go_away(mesh.now_ms);
    mesh.settle();
    assert_all_over(&mut mesh);
    assert_eq!(ends(&mesh, BOB), [CallEnd::HungUp]);
    assert_eq!(notes(&mesh, BOB, ALICE), [CallOutcome::Answered { seconds: 3 }]);
}

#[test]
fn the_other_sees_who_is_muted_and_who_holds_the_call() {
    let mut mesh = friends(2);
    talking(&mut mesh, ALICE, BOB);
    let id = view(&mut mesh, ALICE).call;
    mesh.peers[ALICE].core.mute_call(id, true).unwrap();
    mesh.settle();
    let seen = view(&mut mesh, BOB).parties[0];
    assert!(seen.muted && !seen.held && view(&mut mesh, ALICE).muted);
    mesh.peers[ALICE].core.hold_call(id, true).unwrap();
    mesh.peers[ALICE].core.mute_call(id, false).unwrap();
    mesh.settle();
    let seen = view(&mut mesh, BOB).parties[0];
    assert!(!seen.muted && seen.held && view(&mut mesh, ALICE).held);
}

#[test]
fn what_was_muted_before_the_answer_is_known_after_it() {
    let mut mesh = friends(2);
    let id = ring(&mut mesh, ALICE, BOB);
    mesh.peers[ALICE].core.mute_call(id, true).unwrap();
    accept(&mut mesh, BOB);
    assert!(view(&mut mesh, BOB).parties[0].muted);
}

#[test]
fn who_is_silent_on_hold_is_not_taken_for_lost() {
    let mut mesh = friends(2);
    talking(&mut mesh, ALICE, BOB);
    mesh.peers[ALICE].is_heard = false;
    mesh.peers[BOB].is_heard = false;
    for _ in 0..120 {
        mesh.advance(1_000);
        assert!(is_active(&mut mesh, ALICE) && is_active(&mut mesh, BOB));
    }
}

#[test]
fn somebody_added_makes_a_mesh_of_three() {
    let mut mesh = friends(3);
    talking(&mut mesh, ALICE, BOB);
    let (id, carol) = (view(&mut mesh, ALICE).call, mesh.peers[CAROL].person());
    mesh.peers[ALICE].core.add_to_call(mesh.now_ms, id, carol).unwrap();
    mesh.settle();
    assert_eq!(parties(&mut mesh, BOB), [(ALICE, PartyState::Active), (CAROL, PartyState::Named)]);
    assert_eq!(states(&mut mesh, CAROL), [CallState::Incoming]);
    accept(&mut mesh, CAROL);
    mesh.talk();
    assert_mesh(&mut mesh, &[ALICE, BOB, CAROL]);
    // Who leaves takes nobody along.
    hang_up(&mut mesh, ALICE);
    assert_mesh(&mut mesh, &[BOB, CAROL]);
    hang_up(&mut mesh, BOB);
    assert_all_over(&mut mesh);
    assert_eq!(notes(&mesh, ALICE, BOB).len() + notes(&mesh, ALICE, CAROL).len(), 2);
}

#[test]
fn who_never_met_find_each_other_through_whom_they_both_stand_with() {
    let mut mesh = Mesh::new(3, 0);
    for other in [BOB, CAROL] {
        mesh.link(ALICE, other);
        mesh.befriend(ALICE, other);
    }
    talking(&mut mesh, ALICE, BOB);
    let (id, carol) = (view(&mut mesh, ALICE).call, mesh.peers[CAROL].person());
    mesh.peers[ALICE].core.add_to_call(mesh.now_ms, id, carol).unwrap();
    mesh.settle();
    accept(&mut mesh, CAROL);
    mesh.advance(1_000);
    mesh.talk();
    assert_mesh(&mut mesh, &[ALICE, BOB, CAROL]);
}

/// A call of four, in which no way leads from Carol to anybody but Alice.
fn call_with_carol_apart() -> Mesh {
    let mut mesh = Mesh::new(4, 0);
    for other in [BOB, CAROL, DAVE] {
        mesh.link(ALICE, other);
        mesh.befriend(ALICE, other);
    }
    mesh.link(BOB, DAVE);
    for other in [BOB, DAVE] {
        let device = mesh.peers[other].device();
        mesh.peers[CAROL].kept_out.insert(device);
    }
    talking(&mut mesh, ALICE, BOB);
    for added in [CAROL, DAVE] {
        let (id, person) = (view(&mut mesh, ALICE).call, mesh.peers[added].person());
        mesh.peers[ALICE].core.add_to_call(mesh.now_ms, id, person).unwrap();
        mesh.settle();
        accept(&mut mesh, added);
        mesh.talk();
    }
    mesh
}

#[test]
fn who_cannot_reach_each_other_see_each_other_in_the_call_and_may_meet_later() {
    let mut mesh = call_with_carol_apart();
    mesh.advance(120_000);
    let (active, named) = (PartyState::Active, PartyState::Named);
    assert_eq!(parties(&mut mesh, BOB), [(ALICE, active), (CAROL, named), (DAVE, active)]);
    assert_eq!(parties(&mut mesh, CAROL), [(ALICE, active), (BOB, named), (DAVE, named)]);
    mesh.peers[CAROL].kept_out.clear();
    mesh.advance(5_000);
    assert_mesh(&mut mesh, &[ALICE, BOB, CAROL, DAVE]);
}

#[test]
fn whom_nobody_names_any_more_is_not_shown_in_the_call() {
    let mut mesh = call_with_carol_apart();
    hang_up(&mut mesh, ALICE);
    assert_mesh(&mut mesh, &[BOB, DAVE]);
    assert_eq!(views(&mut mesh, CAROL), []);
}

#[test]
fn whom_one_adds_need_not_be_a_contact_of_the_others() {
    let mut mesh = Mesh::new(3, 0);
    for (one, two) in [(ALICE, BOB), (ALICE, CAROL), (BOB, CAROL)] {
        mesh.link(one, two);
    }
    mesh.befriend(ALICE, BOB);
    mesh.befriend(ALICE, CAROL);
    talking(&mut mesh, ALICE, BOB);
    let (id, carol) = (view(&mut mesh, ALICE).call, mesh.peers[CAROL].person());
    mesh.peers[ALICE].core.add_to_call(mesh.now_ms, id, carol).unwrap();
    mesh.settle();
    accept(&mut mesh, CAROL);
    mesh.talk();
    assert_mesh(&mut mesh, &[ALICE, BOB, CAROL]);
}

#[test]
fn who_is_added_and_declines_is_forgotten_by_all() {
    let mut mesh = friends(3);
    talking(&mut mesh, ALICE, BOB);
    let (id, carol) = (view(&mut mesh, ALICE).call, mesh.peers[CAROL].person());
    mesh.peers[ALICE].core.add_to_call(mesh.now_ms, id, carol).unwrap();
    mesh.settle();
    hang_up(&mut mesh, CAROL);
    assert_mesh(&mut mesh, &[ALICE, BOB]);
    assert_eq!(notes(&mesh, CAROL, ALICE), [CallOutcome::Declined]);
    assert_eq!(ends(&mesh, ALICE), [], "the call goes on");
}

#[test]
fn who_declined_or_left_can_be_added_again() {
    let mut mesh = friends(3);
    talking(&mut mesh, ALICE, BOB);
    let (id, carol) = (view(&mut mesh, ALICE).call, mesh.peers[CAROL].person());
    for _ in 0..2 {
        mesh.peers[ALICE].core.add_to_call(mesh.now_ms, id, carol).unwrap();
        mesh.settle();
        assert_eq!(states(&mut mesh, CAROL), [CallState::Incoming]);
        hang_up(&mut mesh, CAROL);
    }
    for _ in 0..2 {
        mesh.peers[ALICE].core.add_to_call(mesh.now_ms, id, carol).unwrap();
        mesh.settle();
        accept(&mut mesh, CAROL);
        mesh.talk();
        assert_mesh(&mut mesh, &[ALICE, BOB, CAROL]);
        hang_up(&mut mesh, CAROL);
        assert_mesh(&mut mesh, &[ALICE, BOB]);
    }
}

/// Bob and Carol talk, and add Dave at the same moment.
fn dave_is_added_twice() -> Mesh {
    let mut mesh = friends(4);
    talking(&mut mesh, BOB, CAROL);
    let dave = mesh.peers[DAVE].person();
    for by in [BOB, CAROL] {
        let id = view(&mut mesh, by).call;
        mesh.peers[by].core.add_to_call(mesh.now_ms, id, dave).unwrap();
    }
    mesh.settle();
    assert_eq!(parties(&mut mesh, DAVE), [(BOB, PartyState::Rings), (CAROL, PartyState::Rings)]);
    mesh
}

#[test]
fn who_is_added_by_two_at_once_answers_both() {
    let mut mesh = dave_is_added_twice();
    accept(&mut mesh, DAVE);
    mesh.talk();
    assert_mesh(&mut mesh, &[BOB, CAROL, DAVE]);

    let mut mesh = dave_is_added_twice();
    hang_up(&mut mesh, DAVE);
    assert_mesh(&mut mesh, &[BOB, CAROL]);
    for by in [BOB, CAROL] {
        assert_eq!(notes(&mesh, DAVE, by), [CallOutcome::Declined]);
    }
}

#[test]
fn of_two_who_ring_for_a_call_one_may_leave_it() {
    for (leaves, stays) in [(BOB, CAROL), (CAROL, BOB)] {
        let mut mesh = dave_is_added_twice();
        hang_up(&mut mesh, leaves);
        assert_eq!(parties(&mut mesh, DAVE), [(stays, PartyState::Rings)]);
        assert_eq!(view(&mut mesh, DAVE).conversation, mesh.chat_with(stays));
        accept(&mut mesh, DAVE);
        mesh.talk();
        assert_mesh(&mut mesh, &[stays, DAVE]);
    }
    let mut mesh = dave_is_added_twice();
    hang_up(&mut mesh, BOB);
    hang_up(&mut mesh, CAROL);
    assert_all_over(&mut mesh);
    assert_eq!(ends(&mesh, DAVE), [CallEnd::Cancelled]);
}

#[test]
fn who_leaves_while_somebody_is_rung_is_not_in_the_call_that_they_enter() {
    let mut mesh = friends(3);
    talking(&mut mesh, ALICE, CAROL);
    let (id, bob) = (view(&mut mesh, ALICE).call, mesh.peers[BOB].person());
    mesh.peers[ALICE].core.add_to_call(mesh.now_ms, id, bob).unwrap();
    mesh.settle();
    hang_up(&mut mesh, CAROL);
    accept(&mut mesh, BOB);
    mesh.talk();
    assert_mesh(&mut mesh, &[ALICE, BOB]);
}

#[test]
fn two_who_add_somebody_at_once_have_one_call_of_four() {
    for_each_seed(|seed| {
        let mut mesh = Mesh::new(4, seed);
        for one in 0..4 {
            for two in one + 1..4 {
                mesh.link(one, two);
                mesh.befriend(one, two);
            }
        }
        talking(&mut mesh, ALICE, BOB);
        mesh.faults = Faults { shuffled: true, ..Faults::default() };
        for (by, whom) in [(ALICE, CAROL), (BOB, DAVE)] {
            let (id, whom) = (view(&mut mesh, by).call, mesh.peers[whom].person());
            mesh.peers[by].core.add_to_call(mesh.now_ms, id, whom).unwrap();
        }
        mesh.settle();
        accept(&mut mesh, CAROL);
        accept(&mut mesh, DAVE);
        mesh.advance(5_000);
        assert_mesh(&mut mesh, &[ALICE, BOB, CAROL, DAVE]);
    });
}

#[test]
fn no_more_than_eight_are_in_a_call() {
    let mut mesh = friends(9);
    talking(&mut mesh, ALICE, BOB);
    let id = view(&mut mesh, ALICE).call;
    for index in CAROL..8 {
        let person = mesh.peers[index].person();
        mesh.peers[ALICE].core.add_to_call(mesh.now_ms, id, person).unwrap();
        mesh.settle();
        accept(&mut mesh, index);
        mesh.talk();
    }
    assert_mesh(&mut mesh, &[0, 1, 2, 3, 4, 5, 6, 7]);
    let ninth = mesh.peers[8].person();
    assert_eq!(mesh.peers[ALICE].core.add_to_call(mesh.now_ms, id, ninth), Err(CallRefusal::Full));
}

#[test]
fn a_call_of_four_goes_on_when_one_is_killed() {
    let mut mesh = friends(4);
    talking(&mut mesh, ALICE, BOB);
    let id = view(&mut mesh, ALICE).call;
    for index in [CAROL, DAVE] {
        let person = mesh.peers[index].person();
        mesh.peers[ALICE].core.add_to_call(mesh.now_ms, id, person).unwrap();
        mesh.settle();
        accept(&mut mesh, index);
        mesh.talk();
    }
    mesh.isolate(ALICE);
    mesh.advance(2_000);
    assert!(is_active(&mut mesh, BOB), "the others hear each other");
    mesh.advance(RECONNECT_MS);
    assert_mesh(&mut mesh, &[BOB, CAROL, DAVE]);
}

#[test]
fn who_hands_a_call_over_leaves_once_the_other_is_in_it() {
    let mut mesh = friends(3);
    talking(&mut mesh, ALICE, BOB);
    let (id, carol) = (view(&mut mesh, ALICE).call, mesh.peers[CAROL].person());
    mesh.peers[ALICE].core.transfer_call(id, carol).unwrap();
    mesh.settle();
    assert_eq!(view(&mut mesh, ALICE).transfer_to, Some(carol));
    assert_eq!(view(&mut mesh, CAROL).conversation, mesh.chat_with(BOB), "it is Bob who rings");
    assert!(is_active(&mut mesh, ALICE), "she stays until then");
    accept(&mut mesh, CAROL);
    mesh.advance(3_000);
    assert_eq!((views(&mut mesh, ALICE), ends(&mesh, ALICE)), (vec![], vec![CallEnd::HungUp]));
    assert_mesh(&mut mesh, &[BOB, CAROL]);
}

#[test]
fn who_cannot_hand_a_call_over_stays_in_it() {
    let mut mesh = Mesh::new(3, 0);
    for other in [BOB, CAROL] {
        mesh.link(ALICE, other);
        mesh.befriend(ALICE, other);
    }
    talking(&mut mesh, ALICE, BOB);
    let (id, carol) = (view(&mut mesh, ALICE).call, mesh.peers[CAROL].person());
    mesh.peers[ALICE].core.transfer_call(id, carol).unwrap();
    mesh.settle();
    assert_eq!(view(&mut mesh, ALICE).transfer_to, None, "Bob does not know her");
    assert_mesh(&mut mesh, &[ALICE, BOB]);

    let mut mesh = friends(3);
    talking(&mut mesh, ALICE, BOB);
    let (id, carol) = (view(&mut mesh, ALICE).call, mesh.peers[CAROL].person());
    mesh.peers[ALICE].core.transfer_call(id, carol).unwrap();
    mesh.settle();
    hang_up(&mut mesh, CAROL);
    assert_eq!(view(&mut mesh, ALICE).transfer_to, None, "she declined");
    assert_mesh(&mut mesh, &[ALICE, BOB]);
}

#[test]
fn only_a_contact_and_only_the_other_of_two_hands_a_call_over() {
    let mut mesh = friends(4);
    talking(&mut mesh, ALICE, BOB);
    let (call, alice) = (view(&mut mesh, BOB).call, mesh.peers[ALICE].person());
    let to = mesh.peers[DAVE].person();
    mesh.peers[BOB].core.set_contact(mesh.now_ms, alice, false).unwrap();
    mesh.settle();
    let transfer = CallRequest::Transfer { call, to };
    assert_eq!(say(&mut mesh, ALICE, BOB, transfer.clone()), CallResponse::ContactsOnly);
    assert_mesh(&mut mesh, &[ALICE, BOB]);

    let carol = mesh.peers[CAROL].person();
    mesh.peers[BOB].core.add_to_call(mesh.now_ms, call, carol).unwrap();
    mesh.settle();
    accept(&mut mesh, CAROL);
    mesh.talk();
    assert_eq!(say(&mut mesh, CAROL, BOB, transfer), CallResponse::ContactsOnly);
    assert_mesh(&mut mesh, &[ALICE, BOB, CAROL]);
    assert_eq!(views(&mut mesh, DAVE), []);
}

#[test]
fn echo_takes_calls_without_any_network() {
    let mut mesh = Mesh::new(1, 0);
    let echo = mesh.peers[ALICE].core.echo();
    mesh.peers[ALICE].core.ring(mesh.now_ms, echo).unwrap();
    mesh.settle();
    assert!(is_active(&mut mesh, ALICE));
    mesh.advance(60_000);
    assert!(is_active(&mut mesh, ALICE));
    hang_up(&mut mesh, ALICE);
    assert_all_over(&mut mesh);
    let posts = mesh.peers[ALICE].posts(ConversationId::Direct(echo));
    let note = Content::Call(CallOutcome::Answered { seconds: 60 });
    assert_eq!(posts.iter().map(|item| item.post.entry.content()).collect::<Vec<_>>(), [&note]);
}

#[test]
fn a_stranger_who_knows_what_all_know_of_a_device_cannot_ring_as_its_echo() {
    let mut mesh = friends(2);
    let now_ms = mesh.now_ms;
    let ids = mesh.peers[BOB].device().0;
    let seed = |purpose| blake3::derive_key(purpose, &ids);
    let guess =
        DeviceKeys::generate(&seed("kinmesh 2026-11 echo person"), &seed("kinmesh 2026-11 echo device"), 0);
    let bob = &mut mesh.peers[BOB].core;
    let device = guess.device();
    bob.linked(device, Route::Lan);
    let hello = Hello::first(presence(&guess, None, now_ms, PresenceState::Here));
    bob.hello_received(now_ms, device, hello).unwrap();
    let ring = CallRequest::Ring { call: CallId([1; 16]), line: 7, party: vec![] };
    bob.call_asked(now_ms, device, ring, RequestToken(u64::MAX));
    let answer = std::iter::from_fn(|| bob.poll_output()).find_map(|output| match output {
        Output::CallRespond { response, .. } => Some(response),
        _ => None,
    });
    assert_eq!(answer, Some(CallResponse::ContactsOnly));
}

#[test]
fn nobody_brings_echo_into_a_call() {
    let mut mesh = friends(2);
    let echo = mesh.peers[BOB].core.echo();
    let ring = CallRequest::Ring { call: CallId([1; 16]), line: 7, party: vec![echo] };
    assert_eq!(say(&mut mesh, ALICE, BOB, ring), CallResponse::Noted);
    assert_eq!(parties(&mut mesh, BOB), [(ALICE, PartyState::Rings)]);
}

#[test]
fn nobody_says_anything_about_a_call_in_which_they_have_no_part() {
    let mut mesh = friends(3);
    talking(&mut mesh, ALICE, BOB);
    let call = view(&mut mesh, BOB).call;
    let (line, alice) = (7, mesh.peers[ALICE].person());
    let requests = [
        CallRequest::Ring { call, line, party: vec![] },
        CallRequest::Accept { call, line },
        CallRequest::Decline { call, text: None },
        CallRequest::Cancel { call },
        CallRequest::Join { call, line },
        CallRequest::Party { call, party: vec![] },
        CallRequest::State { call, muted: true, held: true },
        CallRequest::Transfer { call, to: alice },
        CallRequest::End { call },
    ];
    let (before, lines) = (view(&mut mesh, BOB), mesh.peers[BOB].lines.clone());
    for request in requests {
        assert_eq!(say(&mut mesh, CAROL, BOB, request), CallResponse::NoSuchCall);
    }
    assert_eq!((view(&mut mesh, BOB), mesh.peers[BOB].lines.clone()), (before, lines));
}

#[test]
fn who_has_not_said_hello_is_asked_to_say_it_again() {
    let mut mesh = Mesh::new(2, 0);
    let ring = CallRequest::Ring { call: CallId([1; 16]), line: 7, party: vec![] };
    assert_eq!(say(&mut mesh, ALICE, BOB, ring), CallResponse::Later);
}

#[test]
fn a_ring_that_its_end_has_overtaken_does_not_ring() {
    let mut mesh = friends(2);
    let call = CallId([1; 16]);
    assert_eq!(say(&mut mesh, ALICE, BOB, CallRequest::Cancel { call }), CallResponse::Noted);
    let ring = CallRequest::Ring { call, line: 7, party: vec![] };
    assert_eq!(say(&mut mesh, ALICE, BOB, ring.clone()), CallResponse::NoSuchCall);
    assert_eq!(views(&mut mesh, BOB), []);
    mesh.advance(5_000);
    assert_eq!(say(&mut mesh, ALICE, BOB, ring), CallResponse::Noted, "that is another one");
}

#[test]
fn nobody_gives_up_the_ring_of_somebody_else() {
    let mut mesh = friends(3);
    let call = CallId([1; 16]);
    assert_eq!(say(&mut mesh, CAROL, BOB, CallRequest::Cancel { call }), CallResponse::Noted);
    let ring = CallRequest::Ring { call, line: 7, party: vec![] };
    assert_eq!(say(&mut mesh, ALICE, BOB, ring), CallResponse::Noted);
}

#[test]
fn a_ring_that_is_over_and_comes_again_does_not_ring() {
    let mut mesh = friends(2);
    let ring = CallRequest::Ring { call: CallId([1; 16]), line: 7, party: vec![] };
    assert_eq!(say(&mut mesh, ALICE, BOB, ring.clone()), CallResponse::Noted);
    hang_up(&mut mesh, BOB);
    mesh.advance(10_000);
    assert_eq!(say(&mut mesh, ALICE, BOB, ring), CallResponse::NoSuchCall);
    assert_eq!(views(&mut mesh, BOB), []);
}

#[test]
fn calls_end_alike_for_both_whatever_is_lost() {
    for_each_seed(|seed| {
        let mut mesh = Mesh::new(2, seed);
        mesh.link(ALICE, BOB);
        mesh.befriend(ALICE, BOB);
        mesh.faults = Faults { chat_lost: 30, shuffled: true, ..Faults::default() };
        ring(&mut mesh, ALICE, BOB);
        mesh.advance(3_000);
        if let Some(call) = views(&mut mesh, BOB).first().map(|view| view.call) {
            // Refused is what she gave up meanwhile.
            let _ = mesh.peers[BOB].core.accept_call(mesh.now_ms, call);
        }
        mesh.advance(20_000);
        for index in [ALICE, BOB] {
            for view in views(&mut mesh, index) {
                mesh.peers[index].core.hang_up(mesh.now_ms, view.call).unwrap();
            }
        }
        mesh.faults = Faults::default();
        mesh.advance(RING_MS);
        assert_all_over(&mut mesh);
        assert_eq!(notes(&mesh, ALICE, BOB).len(), 1);
        assert_eq!(notes(&mesh, BOB, ALICE), notes(&mesh, ALICE, BOB));
    });
}

/// People in one room, of whom nobody is a contact of anybody.
fn roommates(count: usize) -> (Mesh, ConversationId) {
    Mesh::in_the_lobby(count, 0)
}

fn enter(mesh: &mut Mesh, index: usize, room: ConversationId) {
    mesh.peers[index].core.enter_voice(mesh.now_ms, room_of(room)).unwrap();
    mesh.settle();
}

/// Who is in the voice channel, as somebody sees it.
fn in_channel(mesh: &mut Mesh, index: usize) -> Vec<usize> {
    let people: Vec<_> = mesh.peers.iter().map(|peer| peer.person()).collect();
    let voice = mesh.peers[index].core.overview().rooms[0].voice.clone();
    let mut voice: Vec<usize> =
        voice.iter().map(|one| people.iter().position(|person| person == one).unwrap()).collect();
    voice.sort_unstable();
    voice
}

#[test]
fn who_is_in_a_rooms_voice_channel_hears_the_others_in_it_and_all_see_who_is() {
    let (mut mesh, room) = roommates(4);
    enter(&mut mesh, ALICE, room);
    assert!(is_active(&mut mesh, ALICE), "one waits for company");
    assert!(mesh.peers[DAVE].is_told(&ConversationEvent::VoiceChanged));
    enter(&mut mesh, BOB, room);
    enter(&mut mesh, CAROL, room);
    mesh.talk();
    assert_mesh(&mut mesh, &[ALICE, BOB, CAROL]);
    assert_eq!(view(&mut mesh, BOB).conversation, room);
    for index in 0..4 {
        assert_eq!(in_channel(&mut mesh, index), [ALICE, BOB, CAROL]);
    }
    mesh.advance(1_000);
    hang_up(&mut mesh, ALICE);
    assert_mesh(&mut mesh, &[BOB, CAROL]);
    mesh.advance(1_000);
    for index in 0..4 {
        assert_eq!(in_channel(&mut mesh, index), [BOB, CAROL]);
    }
    mesh.advance(120_000);
    assert_mesh(&mut mesh, &[BOB, CAROL]);
}

#[test]
fn all_who_enter_at_once_stand_with_each_other() {
    for_each_seed(|seed| {
        let (mut mesh, room) = Mesh::in_the_lobby(4, seed);
        mesh.faults = Faults { gossip_lost: 30, chat_lost: 20, shuffled: true, ..Faults::default() };
        for index in 0..4 {
            mesh.peers[index].core.enter_voice(mesh.now_ms, room_of(room)).unwrap();
        }
        mesh.advance(30_000);
        mesh.faults = Faults::default();
        mesh.advance(30_000);
        assert_mesh(&mut mesh, &[0, 1, 2, 3]);
    });
}

#[test]
fn who_leaves_a_channel_and_comes_back_is_heard_again() {
    let (mut mesh, room) = roommates(2);
    for _ in 0..5 {
        enter(&mut mesh, ALICE, room);
        mesh.now_ms += 300;
        if views(&mut mesh, BOB).is_empty() {
            enter(&mut mesh, BOB, room);
        }
        mesh.advance(3_000);
        assert_mesh(&mut mesh, &[ALICE, BOB]);
        hang_up(&mut mesh, ALICE);
        mesh.now_ms += 300;
    }
}

#[test]
fn no_more_than_eight_are_in_a_channel() {
    let (mut mesh, room) = roommates(9);
    for index in 0..8 {
        enter(&mut mesh, index, room);
    }
    mesh.talk();
    assert_mesh(&mut mesh, &[0, 1, 2, 3, 4, 5, 6, 7]);
    let refused = mesh.peers[8].core.enter_voice(mesh.now_ms, room_of(room));
    assert_eq!(refused, Err(CallRefusal::VoiceFull));
    // Who has not heard of them all is refused by them.
    mesh.restart(8);
    for other in 0..8 {
        mesh.link(8, other);
    }
    enter(&mut mesh, 8, room);
    mesh.advance(3_000);
    assert_eq!((views(&mut mesh, 8), ends(&mesh, 8)), (vec![], vec![CallEnd::Full]));
    assert_mesh(&mut mesh, &[0, 1, 2, 3, 4, 5, 6, 7]);
}

#[test]
fn who_vanishes_from_a_channel_is_forgotten() {
    let (mut mesh, room) = roommates(3);
    for index in 0..3 {
        enter(&mut mesh, index, room);
    }
    mesh.isolate(CAROL);
    mesh.advance(RECONNECT_MS + limits::VOICE_TTL_MS);
    assert_mesh(&mut mesh, &[ALICE, BOB]);
    assert_eq!(in_channel(&mut mesh, ALICE), [ALICE, BOB]);
    assert!(is_active(&mut mesh, CAROL), "and waits for the others");
    for other in [ALICE, BOB] {
        mesh.link(CAROL, other);
    }
    mesh.advance(15_000);
    assert_mesh(&mut mesh, &[ALICE, BOB, CAROL]);
}

#[test]
fn who_leaves_the_room_leaves_its_channel() {
    let (mut mesh, room) = roommates(2);
    enter(&mut mesh, ALICE, room);
    enter(&mut mesh, BOB, room);
    mesh.peers[ALICE].core.leave_room(mesh.now_ms, room_of(room));
    mesh.settle();
    mesh.advance(2_000);
    assert_eq!(views(&mut mesh, ALICE), []);
    assert_mesh(&mut mesh, &[BOB]);
}

#[test]
fn nobody_enters_the_channel_of_a_room_in_which_they_are_not() {
    let (mut mesh, room) = roommates(2);
    mesh.add();
    mesh.link(ALICE, CAROL);
    enter(&mut mesh, ALICE, room);
    let refused = mesh.peers[CAROL].core.enter_voice(mesh.now_ms, room_of(room));
    assert_eq!(refused, Err(CallRefusal::NotJoined));
    let join = CallRequest::Join { call: room_of(room).voice_channel(), line: 7 };
    assert_eq!(say(&mut mesh, CAROL, ALICE, join), CallResponse::NoSuchCall);
}

#[test]
fn nobody_is_brought_into_a_channel() {
    let (mut mesh, room) = roommates(3);
    mesh.befriend(ALICE, CAROL);
    enter(&mut mesh, ALICE, room);
    enter(&mut mesh, BOB, room);
    let (id, carol) = (view(&mut mesh, ALICE).call, mesh.peers[CAROL].person());
    assert_eq!(mesh.peers[ALICE].core.add_to_call(mesh.now_ms, id, carol), Err(CallRefusal::OfARoom));
    assert_eq!(mesh.peers[ALICE].core.transfer_call(id, carol), Err(CallRefusal::OfARoom));
    assert_eq!(mesh.peers[ALICE].core.ring(mesh.now_ms, carol), Err(CallRefusal::InACall));
}

fn voice_word(keys: &DeviceKeys, room: ConversationId, sent_ms: u64) -> RoomFrame {
    let voice = Voice { room: room_of(room), sent_ms, here: true };
    RoomFrame::Voice(Unverified::sign(voice, keys).envelope().clone())
}

fn voice_frame(mesh: &Mesh, room: ConversationId, sent_ms: u64) -> RoomFrame {
    voice_word(&mesh.peers[ALICE].keys(), room, sent_ms)
}

#[test]
fn nobody_rings_with_the_id_of_a_rooms_channel() {
    let (mut mesh, room) = roommates(3);
    mesh.befriend(ALICE, BOB);
    enter(&mut mesh, CAROL, room);
    let call = room_of(room).voice_channel();
    let ring = CallRequest::Ring { call, line: 7, party: vec![] };
    assert_eq!(say(&mut mesh, ALICE, BOB, ring.clone()), CallResponse::NoSuchCall);
    assert_eq!((views(&mut mesh, BOB), in_channel(&mut mesh, BOB)), (vec![], vec![CAROL]));
    enter(&mut mesh, BOB, room);
    assert_eq!(say(&mut mesh, ALICE, BOB, ring), CallResponse::NoSuchCall);
}

#[test]
fn a_ring_from_before_one_knew_the_room_is_not_its_channel() {
    let mut mesh = friends(3);
    let room = ConversationId::Room(mesh.join(ALICE, "lobby"));
    let call = room_of(room).voice_channel();
    let ring = CallRequest::Ring { call, line: 7, party: vec![] };
    assert_eq!(say(&mut mesh, ALICE, BOB, ring), CallResponse::Noted);
    mesh.join(BOB, "lobby");
    mesh.join(CAROL, "lobby");
    enter(&mut mesh, CAROL, room);
    mesh.advance(3_000);
    assert_eq!(in_channel(&mut mesh, CAROL), [CAROL], "he has not entered");
    assert_eq!(in_channel(&mut mesh, BOB), [CAROL]);
    assert_eq!(parties(&mut mesh, BOB), [(ALICE, PartyState::Rings)]);
    enter(&mut mesh, BOB, room);
    mesh.talk();
    assert_eq!(ends(&mesh, BOB), [CallEnd::Cancelled]);
    assert_mesh(&mut mesh, &[BOB, CAROL]);
}

#[test]
fn who_is_in_a_channel_brings_nobody_else_there() {
    let (mut mesh, room) = roommates(2);
    mesh.add();
    mesh.link(ALICE, CAROL);
    enter(&mut mesh, ALICE, room);
    enter(&mut mesh, BOB, room);
    mesh.talk();
    let (call, person) = (room_of(room).voice_channel(), mesh.peers[CAROL].person());
    let party = vec![CallMember { person, reach: None }];
    assert_eq!(say(&mut mesh, BOB, ALICE, CallRequest::Party { call, party }), CallResponse::Noted);
    assert_mesh(&mut mesh, &[ALICE, BOB]);
}

/// Says in somebody's name that they are in the channel, to all of these.
fn claim(mesh: &mut Mesh, keys: &DeviceKeys, through: usize, to: &[usize], room: ConversationId) {
    for index in to {
        let word = voice_word(keys, room, mesh.now_ms);
        mesh.bring_frame(through, *index, room_of(room), word);
    }
    mesh.settle();
}

/// People whom Carol invents, and of whom she says that they are in the channel.
fn invent(mesh: &mut Mesh, count: u8, room: ConversationId) {
    for number in 0..count {
        let keys = DeviceKeys::generate(&[100 + number; 32], &[200 - number; 32], 0);
        claim(mesh, &keys, CAROL, &[ALICE, BOB], room);
    }
}

/// Whom somebody hears, of those who are real.
fn hears(mesh: &mut Mesh, index: usize) -> Vec<usize> {
    let people: Vec<_> = mesh.peers.iter().map(|peer| peer.person()).collect();
    let parties = view(mesh, index).parties;
    let heard = parties.iter().filter(|party| party.state == PartyState::Active);
    heard.filter_map(|party| people.iter().position(|person| *person == party.person)).collect()
}

#[test]
fn people_who_are_invented_do_not_fill_a_channel() {
    let (mut mesh, room) = roommates(4);
    invent(&mut mesh, 10, room);
    enter(&mut mesh, ALICE, room);
    enter(&mut mesh, BOB, room);
    mesh.advance(5_000);
    assert_eq!((hears(&mut mesh, ALICE), hears(&mut mesh, BOB)), (vec![BOB], vec![ALICE]));
    // Nor when they come later.
    invent(&mut mesh, 10, room);
    enter(&mut mesh, DAVE, room);
    mesh.advance(5_000);
    let mut heard = hears(&mut mesh, DAVE);
    heard.sort_unstable();
    assert_eq!((heard, ends(&mesh, DAVE)), (vec![ALICE, BOB], vec![]));
}

#[test]
fn who_is_connected_is_heard_of_in_a_channel_however_many_are_invented() {
    let (mut mesh, room) = roommates(3);
    invent(&mut mesh, 70, room);
    enter(&mut mesh, ALICE, room);
    let alice = mesh.peers[ALICE].person();
    let voice = mesh.peers[BOB].core.overview().rooms[0].voice.clone();
    assert!(voice.contains(&alice));
    assert_eq!(voice.len(), 64);
}

#[test]
fn a_member_who_says_that_a_channel_is_full_puts_nobody_out_of_it() {
    let (mut mesh, room) = roommates(4);
    for index in [ALICE, BOB] {
        enter(&mut mesh, index, room);
    }
    mesh.talk();
    mesh.peers[CAROL].call_impostor = Some(CallResponse::Full);
    let carol = mesh.peers[CAROL].keys();
    claim(&mut mesh, &carol, CAROL, &[ALICE, BOB, DAVE], room);
    mesh.advance(5_000);
    enter(&mut mesh, DAVE, room);
    mesh.advance(5_000);
    let others = [(BOB, PartyState::Active), (CAROL, PartyState::Named), (DAVE, PartyState::Active)];
    assert_eq!(parties(&mut mesh, ALICE), others);
    assert_eq!((ends(&mesh, BOB), ends(&mesh, DAVE)), (vec![], vec![]));
}

fn verdict(mesh: &mut Mesh, room: ConversationId, frame: RoomFrame) -> Verdict {
    mesh.bring_frame(ALICE, BOB, room_of(room), frame);
    mesh.settle();
    mesh.peers[BOB].verdicts.pop().unwrap()
}

#[test]
fn floods_stale_and_forged_words_of_a_channel_are_neither_shown_nor_passed_on() {
    let (mut mesh, lobby) = roommates(2);
    let now_ms = mesh.now_ms;
    let stale = voice_frame(&mesh, lobby, now_ms - limits::VOICE_AGE_MAX_MS - 1);
    assert_eq!(verdict(&mut mesh, lobby, stale), Verdict::Ignore);
    let elsewhere = ConversationId::Room(kinmesh_proto::RoomId([9; 32]));
    let foreign = voice_frame(&mesh, elsewhere, now_ms);
    assert_eq!(verdict(&mut mesh, lobby, foreign), Verdict::Reject);
    assert!(in_channel(&mut mesh, BOB).is_empty());
    let true_word = voice_frame(&mesh, lobby, now_ms);
    assert_eq!(verdict(&mut mesh, lobby, true_word.clone()), Verdict::Accept);
    assert_eq!(in_channel(&mut mesh, BOB), [ALICE]);
    let flood = voice_frame(&mesh, lobby, now_ms + 1);
    assert_eq!(verdict(&mut mesh, lobby, flood), Verdict::Ignore);
    mesh.now_ms += 5_000;
    assert_eq!(verdict(&mut mesh, lobby, true_word), Verdict::Ignore, "no news");
}
