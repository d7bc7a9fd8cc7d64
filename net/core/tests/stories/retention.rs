//! What a room lets go of: at the same time everywhere, and for good.

use kinmesh_core::RoomRefusal;
use kinmesh_proto::{
    Content, ConversationId, EntryBody, EntryPack, Hlc, Past, Receipt, Refusal, RoomFrame, RoomSettings,
    SyncAsk, SyncRequest, SyncResponse, Unverified, limits,
};

use crate::mesh::Mesh;
use crate::moderation::open_square;
use crate::private_rooms::{A_WHILE_MS, accept, add, founded, friends, read, view};
use crate::{ALICE, BOB, CAROL, for_each_seed, room_of};

const DAY_MS: u64 = 24 * 60 * 60 * 1000;

fn keep(mesh: &mut Mesh, room: ConversationId, keep_days: u32) -> Result<(), RoomRefusal> {
    let settings = view(mesh, ALICE, room).settings().unwrap();
    let now_ms = mesh.now_ms;
    let settings = RoomSettings { keep_days, ..settings };
    mesh.peers[ALICE].core.set_room_settings(now_ms, room_of(room), settings)?;
    mesh.advance(A_WHILE_MS);
    Ok(())
}

fn days_pass(mesh: &mut Mesh, days: u64) {
    mesh.now_ms += days * DAY_MS;
    mesh.advance(A_WHILE_MS);
}

/// What faces show.
fn shown(mesh: &Mesh, index: usize, room: ConversationId) -> Vec<String> {
    let views = mesh.peers[index].shown(room).into_iter();
    views.map(|view| if view.follows_gap { "?" } else { "" }.to_owned() + &view.text.unwrap()).collect()
}

/// Alice's room with Bob, which keeps ten days; something was said in it nine days ago, and a week ago.
fn a_room_that_keeps_ten_days(seed: u64) -> (Mesh, ConversationId) {
    let mut mesh = friends(3, seed);
    let room = founded(&mut mesh, Past::All, &[BOB]);
    keep(&mut mesh, room, 10).unwrap();
    days_pass(&mut mesh, 7);
    mesh.send(BOB, room, "old").unwrap();
    days_pass(&mut mesh, 2);
    mesh.send(ALICE, room, "newer").unwrap();
    days_pass(&mut mesh, 7);
    (mesh, room)
}

#[test]
fn what_is_older_than_a_room_keeps_goes_from_every_disk_and_is_brought_back_by_nobody() {
    for_each_seed(|seed| {
        let (mut mesh, room) = a_room_that_keeps_ten_days(seed);
        assert_eq!(read(&mesh, BOB, room), ["old", "newer"]);
        // Bob is away while the day comes on which it goes.
        mesh.isolate(BOB);
        mesh.now_ms += 2 * DAY_MS;
        mesh.advance(1_000);
        mesh.restart(BOB);
        mesh.link(ALICE, BOB);
        mesh.advance(A_WHILE_MS);
        for index in [ALICE, BOB] {
            assert_eq!(read(&mesh, index, room), ["newer"], "on the disk");
            assert_eq!(shown(&mesh, index, room), ["newer"], "and nothing is said to be missing before it");
            let completeness = view(&mut mesh, index, room).completeness;
            assert_eq!((completeness.agreeing, completeness.members), (1, 1));
        }
        add(&mut mesh, ALICE, room, CAROL);
        accept(&mut mesh, CAROL, room_of(room));
        mesh.advance(A_WHILE_MS);
        assert_eq!(shown(&mesh, CAROL, room), ["newer"], "who comes late gets what is kept");
    });
}

#[test]
fn a_shorter_time_takes_hold_after_a_week_and_can_be_taken_back_until_then() {
    let (mut mesh, room) = a_room_that_keeps_ten_days(1);
    keep(&mut mesh, room, 1).unwrap();
    assert_eq!(shown(&mesh, BOB, room), ["old", "newer"], "what would go by the new time alone");
    keep(&mut mesh, room, 0).unwrap();
    days_pass(&mut mesh, 30);
    for index in [ALICE, BOB] {
        assert_eq!(shown(&mesh, index, room), ["old", "newer"]);
    }
    keep(&mut mesh, room, 1).unwrap();
    days_pass(&mut mesh, 6);
    assert_eq!(shown(&mesh, BOB, room), ["old", "newer"]);
    days_pass(&mut mesh, 2);
    assert!(shown(&mesh, BOB, room).is_empty() && read(&mesh, ALICE, room).is_empty());
    mesh.send(BOB, room, "and on we go").unwrap();
    mesh.advance(A_WHILE_MS);
    assert_eq!(shown(&mesh, ALICE, room), ["and on we go"]);
}

#[test]
fn a_clock_that_is_a_year_ahead_costs_nobody_their_history() {
    let (mut mesh, room) = a_room_that_keeps_ten_days(1);
    mesh.isolate(BOB);
    mesh.peers[BOB].ahead_ms = 365 * DAY_MS;
    mesh.advance(A_WHILE_MS);
    assert!(shown(&mesh, BOB, room).is_empty(), "as far as he knows it is a year later");
    mesh.send(ALICE, room, "he takes this for a year old").unwrap();
    mesh.link(ALICE, BOB);
    mesh.advance(A_WHILE_MS);
    assert!(shown(&mesh, BOB, room).is_empty());
    mesh.restart(BOB);
    mesh.peers[BOB].ahead_ms = 0;
    mesh.link(ALICE, BOB);
    mesh.advance(A_WHILE_MS);
    assert_eq!(shown(&mesh, BOB, room), ["old", "newer", "he takes this for a year old"]);
}

#[test]
fn the_list_of_rooms_does_not_go_on_showing_what_was_let_go_of() {
    let (mut mesh, room) = a_room_that_keeps_ten_days(1);
    assert!(view(&mut mesh, BOB, room).last.is_some());
    days_pass(&mut mesh, 30);
    assert!(view(&mut mesh, BOB, room).last.is_none() && read(&mesh, BOB, room).is_empty());
}

#[test]
fn what_is_too_old_for_a_room_is_taken_from_nobody() {
    let (mut mesh, room) = open_square(2, 1);
    keep(&mut mesh, room, 10).unwrap();
    days_pass(&mut mesh, 8);
    let keys = mesh.peers[BOB].keys();
    let said = |days: u64| {
        let body = EntryBody {
            conversation: room.tag(keys.person()),
            clock: Hlc::from_ms(mesh.now_ms - days * DAY_MS),
            seq: 900 + days,
            prev: vec![],
            content: Content::text(format!("{days} days ago")),
        };
        Unverified::sign(body, &keys)
    };
    let entries = [said(9), said(11)];
    for entry in &entries {
        let entries = vec![entry.envelope().clone()];
        mesh.bring_frame(BOB, ALICE, room_of(room), RoomFrame::Entries { entries, attempt: 0 });
        mesh.settle();
    }
    let ask = SyncAsk::Push(EntryPack::of(&entries));
    let answer = mesh.ask_history(BOB, ALICE, SyncRequest { conversation: room.tag(keys.person()), ask });
    let refused = Receipt::Refused(Refusal::TooOld);
    assert_eq!(answer, SyncResponse::Receipts(vec![Receipt::Stored, refused]));
    assert_eq!(read(&mesh, ALICE, room), ["9 days ago"]);
}

#[test]
fn a_room_keeps_for_ten_years_at_most_or_for_ever() {
    let mut mesh = friends(2, 1);
    let room = founded(&mut mesh, Past::All, &[BOB]);
    assert_eq!(keep(&mut mesh, room, limits::KEEP_DAYS_MAX + 1), Err(RoomRefusal::KeepsTooLong));
    assert_eq!(keep(&mut mesh, room, limits::KEEP_DAYS_MAX), Ok(()));
    assert_eq!(view(&mut mesh, BOB, room).settings().unwrap().keep_days, limits::KEEP_DAYS_MAX);
}
