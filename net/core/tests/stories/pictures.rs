//! Pictures of rooms: who sets them, who sees them, what becomes of them.

use kinmesh_core::{NewPublicRoom, RoomRefusal};
use kinmesh_proto::{
    Content, Control, ConversationId, Door, EntryBody, Hlc, Past, RoomFrame, RoomName, RoomPicture,
    RoomSettings, StatusLine, SyncAsk, SyncRequest, SyncResponse, Unverified, Wanted, limits,
};

use crate::mesh::Mesh;
use crate::private_rooms::{A_WHILE_MS, DAVE, accept, add, founded, friends, make_admin, remove, view};
use crate::{ALICE, BOB, CAROL, for_each_seed, room_of};

/// What the core takes for a picture: it never looks into one.
fn picture(of: u8) -> RoomPicture {
    RoomPicture::new(vec![of; limits::PICTURE_BYTES_MAX]).unwrap()
}

fn set(mesh: &mut Mesh, by: usize, room: ConversationId, picture: Option<RoomPicture>) {
    let now_ms = mesh.now_ms;
    mesh.peers[by].core.set_room_picture(now_ms, room_of(room), picture).unwrap();
    mesh.advance(1_000);
}

fn shown(mesh: &mut Mesh, index: usize, room: ConversationId) -> Option<RoomPicture> {
    view(mesh, index, room).picture
}

/// A step that its author's own program would not have written, brought to Alice.
fn bring_step(mesh: &mut Mesh, author: usize, room: ConversationId, control: Control) {
    let log = ConversationId::Control(room_of(room));
    let keys = mesh.peers[author].keys();
    let body = EntryBody {
        conversation: log.tag(keys.person()),
        clock: Hlc::from_ms(mesh.now_ms),
        seq: 900,
        prev: mesh.peers[ALICE].history(log).iter().map(|step| step.entry.key()).collect(),
        content: Content::Control(Box::new(control)),
    };
    let entries = vec![Unverified::sign(body, &keys).envelope().clone()];
    mesh.bring_frame(author, ALICE, room_of(room), RoomFrame::Entries { entries, attempt: 0 });
    mesh.advance(A_WHILE_MS);
}

#[test]
fn members_see_the_picture_and_nobody_else_is_given_it() {
    for_each_seed(|seed| {
        let mut mesh = friends(4, seed);
        let room = founded(&mut mesh, Past::All, &[BOB, CAROL]);
        assert_eq!(shown(&mut mesh, BOB, room), None, "at first there is none");
        set(&mut mesh, ALICE, room, Some(picture(1)));
        for index in [ALICE, BOB, CAROL] {
            assert_eq!(shown(&mut mesh, index, room), Some(picture(1)));
        }
        assert!(mesh.peers[DAVE].core.overview().rooms.is_empty());
        let log = ConversationId::Control(room_of(room));
        assert!(mesh.peers[DAVE].history(log).is_empty());
        let conversation = log.tag(mesh.peers[DAVE].person());
        let request = SyncRequest { conversation, ask: SyncAsk::Fetch(Wanted::Range(Default::default())) };
        assert_eq!(mesh.ask_history(DAVE, BOB, request), SyncResponse::NotHere);
    });
}

#[test]
fn a_picture_is_changed_and_taken_away_and_the_name_has_nothing_to_do_with_it() {
    let mut mesh = friends(2, 1);
    let room = founded(&mut mesh, Past::All, &[BOB]);
    set(&mut mesh, ALICE, room, Some(picture(1)));
    set(&mut mesh, ALICE, room, Some(picture(2)));
    assert_eq!(shown(&mut mesh, BOB, room), Some(picture(2)));
    let settings = RoomSettings::new(RoomName::new("Ship").unwrap(), StatusLine::default(), Past::All);
    let now_ms = mesh.now_ms;
    mesh.peers[ALICE].core.set_room_settings(now_ms, room_of(room), settings).unwrap();
    mesh.advance(1_000);
    assert_eq!(view(&mut mesh, BOB, room).name.as_str(), "Ship");
    assert_eq!(shown(&mut mesh, BOB, room), Some(picture(2)), "it stays");
    set(&mut mesh, ALICE, room, None);
    assert_eq!(shown(&mut mesh, BOB, room), None);
    assert_eq!(view(&mut mesh, BOB, room).name.as_str(), "Ship");
}

#[test]
fn who_comes_later_sees_it_and_who_was_put_out_sees_no_later_one() {
    let mut mesh = friends(3, 1);
    let room = founded(&mut mesh, Past::FromJoining, &[BOB]);
    set(&mut mesh, ALICE, room, Some(picture(1)));
    add(&mut mesh, ALICE, room, CAROL);
    accept(&mut mesh, CAROL, room_of(room));
    mesh.advance(A_WHILE_MS);
    assert_eq!(shown(&mut mesh, CAROL, room), Some(picture(1)));
    remove(&mut mesh, ALICE, room, BOB);
    mesh.advance(A_WHILE_MS);
    set(&mut mesh, ALICE, room, Some(picture(2)));
    mesh.advance(A_WHILE_MS);
    assert_eq!(shown(&mut mesh, CAROL, room), Some(picture(2)));
    assert_eq!(shown(&mut mesh, BOB, room), Some(picture(1)), "what he has he keeps");
}

#[test]
fn only_admins_set_it_whatever_a_member_signs() {
    let mut mesh = friends(3, 1);
    let room = founded(&mut mesh, Past::All, &[BOB]);
    let now_ms = mesh.now_ms;
    let mut refused =
        |index: usize| mesh.peers[index].core.set_room_picture(now_ms, room_of(room), Some(picture(1)));
    assert_eq!(refused(BOB), Err(RoomRefusal::NotAdmin));
    assert_eq!(refused(CAROL), Err(RoomRefusal::NotIn));
    for author in [BOB, CAROL] {
        bring_step(&mut mesh, author, room, Control::SetPicture(Some(picture(1))));
        assert_eq!(shown(&mut mesh, ALICE, room), None);
    }
    make_admin(&mut mesh, ALICE, room, BOB);
    mesh.advance(A_WHILE_MS);
    set(&mut mesh, BOB, room, Some(picture(2)));
    assert_eq!(shown(&mut mesh, ALICE, room), Some(picture(2)));
}

#[test]
fn two_admins_who_set_one_apart_agree_when_they_meet() {
    for_each_seed(|seed| {
        let mut mesh = friends(2, seed);
        let room = founded(&mut mesh, Past::All, &[BOB]);
        make_admin(&mut mesh, ALICE, room, BOB);
        mesh.advance(A_WHILE_MS);
        mesh.unlink(ALICE, BOB);
        set(&mut mesh, ALICE, room, Some(picture(1)));
        set(&mut mesh, BOB, room, Some(picture(2)));
        mesh.link(ALICE, BOB);
        mesh.advance(A_WHILE_MS);
        let seen = [ALICE, BOB].map(|index| shown(&mut mesh, index, room));
        assert_eq!(seen[0], seen[1]);
        assert!(seen[0].is_some());
    });
}

#[test]
fn a_room_that_is_carried_on_keeps_its_picture() {
    let mut mesh = friends(3, 1);
    let room = founded(&mut mesh, Past::All, &[BOB, CAROL]);
    set(&mut mesh, ALICE, room, Some(picture(1)));
    mesh.isolate(ALICE);
    let now_ms = mesh.now_ms;
    let (next, _) = mesh.peers[BOB].core.carry_on_room(now_ms, room_of(room)).unwrap();
    mesh.advance(A_WHILE_MS);
    assert_eq!(shown(&mut mesh, BOB, ConversationId::Room(next)), Some(picture(1)));
    let bob = mesh.peers[BOB].person();
    mesh.peers[CAROL].core.enter_room(next, None, bob).unwrap();
    mesh.advance(A_WHILE_MS);
    assert_eq!(shown(&mut mesh, CAROL, ConversationId::Room(next)), Some(picture(1)));
}

#[test]
fn a_founded_public_room_has_one_too_and_it_is_there_after_a_restart() {
    let mut mesh = friends(2, 1);
    let topic = StatusLine::default();
    let new = NewPublicRoom { name: RoomName::new("Square").unwrap(), topic, door: Door::Open, slow_ms: 0 };
    let now_ms = mesh.now_ms;
    let (room, _) = mesh.peers[ALICE].core.found_room(now_ms, new).unwrap();
    mesh.settle();
    mesh.peers[BOB].core.enter_founded(room, RoomName::new("Square").unwrap()).unwrap();
    mesh.advance(A_WHILE_MS);
    let room = ConversationId::Room(room);
    set(&mut mesh, ALICE, room, Some(picture(1)));
    assert_eq!(shown(&mut mesh, BOB, room), Some(picture(1)));
    bring_step(&mut mesh, BOB, room, Control::SetPicture(None));
    assert_eq!(shown(&mut mesh, ALICE, room), Some(picture(1)), "Bob is nobody there");
    mesh.restart(BOB);
    assert_eq!(shown(&mut mesh, BOB, room), Some(picture(1)));
}
