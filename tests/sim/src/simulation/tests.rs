//! The checkers are awake: each broken promise is noticed.

use kinmesh_core::Token;
use kinmesh_proto::record::{ConversationRecord, StoredEntry, Write};
use kinmesh_proto::{Content, Control, EntryBody, EntryId, EntryKey, Hlc, Unverified};

use super::*;
use crate::promise::Unfinished;
use crate::scenario::Work;

const ALICE: usize = 0;
const BOB: usize = 1;

/// Three in a room that nobody leaves, after all is over; with the newest entry.
fn healed() -> (Simulation, ConversationId, StoredEntry) {
    let preset = Scenario::named("quiet").unwrap();
    let work = Work { moves: 0, ..preset.work.clone() };
    let scenario = Scenario { peers: 3..=3, late_joiners: 0, work, ..preset };
    let mut simulation = Simulation::new(scenario, 7, 0);
    simulation.run_until_whole();
    assert_eq!(simulation.violation, None);
    let lobby = in_room(simulation.rooms[0].1);
    let entry = simulation.peers[ALICE].disk.newest(lobby).unwrap();
    (simulation, lobby, entry)
}

fn write_behind_the_back(simulation: &mut Simulation, peer: usize, write: Write) {
    let disk = &mut simulation.peers[peer].disk;
    disk.hand_over(Job::Commit { token: Token(u64::MAX), writes: vec![write] });
    disk.begin();
    disk.end(0);
}

fn nowhere() -> EntryKey {
    EntryKey { clock: Hlc(1), id: EntryId([9; 32]) }
}

#[test]
fn an_entry_that_is_shown_twice_is_noticed() {
    let (mut simulation, lobby, entry) = healed();
    simulation.check_shown(ALICE, lobby, entry.entry.key());
    assert!(matches!(simulation.violation, Some(Violation::ShownTwice { peer: ALICE, .. })));
}

#[test]
fn what_is_shown_forwarded_or_acknowledged_without_being_stored_is_noticed() {
    let (mut simulation, lobby, _) = healed();
    let notice = |simulation: &mut Simulation, check: &dyn Fn(&mut Simulation)| {
        check(simulation);
        simulation.violation.take()
    };
    let shown = notice(&mut simulation, &|run| run.check_shown(ALICE, lobby, nowhere()));
    let forwarded = notice(&mut simulation, &|run| run.check_forwarded(ALICE, lobby, &[nowhere().id]));
    let acknowledged = notice(&mut simulation, &|run| run.check_acknowledged(ALICE, lobby, nowhere().id));
    assert!(matches!(shown, Some(Violation::ShownUnstored { .. })));
    assert!(matches!(forwarded, Some(Violation::ForwardedUnstored { .. })));
    assert!(matches!(acknowledged, Some(Violation::AcknowledgedUnstored { .. })));
}

#[test]
fn a_delivery_that_never_was_is_noticed() {
    let (mut simulation, _, entry) = healed();
    let to_bob = ConversationId::Direct(simulation.peers[BOB].person);
    write_behind_the_back(
        &mut simulation,
        ALICE,
        Write::PutEntry { conversation: to_bob, stored: entry.clone() },
    );
    simulation.check_delivery(ALICE, to_bob, entry.entry.key(), kinmesh_proto::Delivery::Delivered);
    assert!(matches!(simulation.violation, Some(Violation::DeliveredNowhere { peer: ALICE, to: BOB, .. })));
}

#[test]
fn an_event_that_is_not_counted_is_noticed() {
    let (mut simulation, lobby, _) = healed();
    simulation.check_rev(ALICE, lobby, u64::MAX);
    assert!(matches!(simulation.violation, Some(Violation::EventsMiscounted { .. })));
}

#[test]
fn a_disk_that_loses_what_was_shown_is_noticed() {
    let (mut simulation, ..) = healed();
    simulation.peers[ALICE].disk = crate::disk::Disk::default();
    simulation.check_at_the_end();
    assert!(matches!(simulation.violation, Some(Violation::Lost { peer: ALICE, .. })));
}

#[test]
fn an_entry_of_one_room_in_anothers_history_is_noticed() {
    let (mut simulation, _, stored) = healed();
    let elsewhere = in_room(RoomId([7; 32]));
    write_behind_the_back(&mut simulation, BOB, Write::PutEntry { conversation: elsewhere, stored });
    simulation.check_at_the_end();
    assert!(matches!(simulation.violation, Some(Violation::Leaked { peer: BOB, .. })));
}

#[test]
fn a_number_that_was_used_twice_is_noticed() {
    let (mut simulation, lobby, stored) = healed();
    let is_author = |peer: &&crate::peer::Peer| peer.person == stored.entry.person();
    let keys = simulation.peers.iter().find(is_author).unwrap().keys();
    let again = EntryBody { content: Content::text("again"), ..stored.entry.value().clone() };
    let again = StoredEntry { entry: Unverified::sign(again, &keys), ..stored.clone() };
    simulation.check_numbers(ALICE, lobby, &[stored, again]);
    assert!(matches!(simulation.violation, Some(Violation::NumberUsedTwice { peer: ALICE, .. })));
}

#[test]
fn a_member_without_an_entry_and_an_entry_that_waits_are_not_the_end() {
    let (mut simulation, lobby, stored) = healed();
    simulation.peers[BOB].disk = crate::disk::Disk::default();
    assert!(matches!(simulation.unfinished(), Some(Unfinished::RoomsDiffer { room: 0, .. })));
    let (mut simulation, ..) = healed();
    let delivery = kinmesh_proto::Delivery::Queued;
    let back = Write::SetDelivery { conversation: lobby, key: stored.entry.key(), delivery };
    write_behind_the_back(&mut simulation, ALICE, back);
    assert!(matches!(simulation.unfinished(), Some(Unfinished::Queued { peer: ALICE, .. })));
}

/// After all is over in a private room from which somebody was put out.
fn after_a_removal() -> Simulation {
    let private = Scenario::named("private").unwrap();
    let run = |seed| {
        let mut simulation = Simulation::new(private.clone(), seed, 0);
        simulation.run_until_whole();
        simulation.check_private_rooms();
        simulation
    };
    (0..).map(run).find(|simulation| simulation.figures.kept_from > 0).unwrap()
}

#[test]
fn who_reads_what_was_sealed_after_they_were_put_out_is_noticed() {
    let mut simulation = after_a_removal();
    assert_eq!(simulation.violation, None);
    let secrets: Vec<Write> =
        simulation.peers.iter().flat_map(|peer| peer.disk.load().secrets).map(Write::PutSecret).collect();
    for peer in 0..simulation.peers.len() {
        secrets.iter().cloned().for_each(|secret| write_behind_the_back(&mut simulation, peer, secret));
    }
    simulation.check_private_rooms();
    assert!(matches!(simulation.violation, Some(Violation::ReadAfterRemoval { .. })));
}

#[test]
fn members_who_have_not_the_same_of_a_private_room_are_not_the_end() {
    let mut simulation = after_a_removal();
    let is_in_company =
        |peer: &usize| simulation.private.iter().any(|room| simulation.has_company(*peer, *room));
    let peer = (0..simulation.peers.len()).find(is_in_company).unwrap();
    let room = simulation.private.iter().copied().find(|room| simulation.has_company(peer, *room)).unwrap();
    let stored = simulation.peers[peer].disk.newest(ConversationId::Control(room)).unwrap();
    write_behind_the_back(&mut simulation, peer, Write::PutEntry { conversation: in_room(room), stored });
    assert!(matches!(simulation.unfinished(), Some(Unfinished::PrivateRoomsDiffer { .. })));
}

#[test]
fn what_is_shown_though_an_admin_hid_it_is_noticed() {
    let run = |seed| {
        let mut simulation = Simulation::new(Scenario::named("moderated").unwrap(), seed, 0);
        simulation.run_until_whole();
        simulation.check_founded_rooms();
        simulation
    };
    let mut simulation = (0..).map(run).find(|simulation| simulation.figures.withheld > 0).unwrap();
    assert_eq!(simulation.violation, None);
    let room = simulation.founded[0];
    let (id, log) = (ConversationId::Control(room), simulation.log_of(ALICE, room));
    let founder = simulation.peers.iter().find(|peer| Some(peer.person) == log.founder()).unwrap();
    let shown = simulation.shown(ALICE, in_room(room)).into_iter().find(|view| view.withheld.is_none());
    let (entries, reason) = (vec![shown.unwrap().key], kinmesh_proto::StatusLine::default());
    let content = Content::Control(Box::new(Control::Hide { entries, hidden: true, reason }));
    let prev: Vec<EntryKey> = log.heads().iter().map(|step| step.key).collect();
    let clock = prev.iter().max().unwrap().clock.next(0);
    let body = EntryBody { conversation: id.tag(founder.person), clock, seq: u64::MAX, prev, content };
    let step = Unverified::sign(body, &founder.keys());
    let stored = StoredEntry { entry: step, delivery: kinmesh_proto::Delivery::Received, received_ms: 0 };
    write_behind_the_back(&mut simulation, BOB, Write::PutEntry { conversation: id, stored });
    assert!(matches!(simulation.unfinished(), Some(Unfinished::FoundedRoomsDiffer { .. })));
    simulation.check_founded_rooms();
    assert!(matches!(simulation.violation, Some(Violation::ShownThoughWithheld { .. })));
}

#[test]
fn what_a_restart_would_forget_is_noticed() {
    let (mut simulation, lobby, _) = healed();
    let record = ConversationRecord { open: false, ..ConversationRecord::new(lobby, None) };
    write_behind_the_back(&mut simulation, ALICE, Write::PutConversation(record));
    simulation.check_at_the_end();
    assert!(matches!(simulation.violation, Some(Violation::Forgotten { peer: ALICE })));
}
