//! Private rooms whose admins are gone: a member carries them on.

use kinmesh_core::{RoomAccess, RoomRefusal, SendRefusal};
use kinmesh_proto::{
    Commitment, Content, Control, ConversationId, EntryBody, Hlc, Past, Role, RoomId, RoomName, RoomSettings,
    Seat, StatusLine, Unverified, limits,
};
use serde_bytes::ByteArray;

use crate::mesh::Mesh;
use crate::private_rooms::{A_WHILE_MS, DAVE, access, founded, friends, read, remove, view};
use crate::{ALICE, BOB, CAROL, for_each_seed, room_of};

fn carry_on(mesh: &mut Mesh, index: usize, room: ConversationId) -> ConversationId {
    let now_ms = mesh.now_ms;
    let (next, _) = mesh.peers[index].core.carry_on_room(now_ms, room_of(room)).unwrap();
    mesh.settle();
    ConversationId::Room(next)
}

/// Invitations that a peer reads in a room, and who wrote them.
fn invitations(mesh: &Mesh, index: usize, room: ConversationId) -> Vec<(RoomId, RoomName, usize)> {
    let posts = mesh.peers[index].posts(room);
    let invited = posts.iter().filter_map(|item| match item.post.entry.content() {
        Content::Invitation { room, name } => {
            let author = item.post.entry.person();
            let author = mesh.peers.iter().position(|peer| peer.person() == author)?;
            Some((*room, name.clone(), author))
        }
        _ => None,
    });
    invited.collect()
}

/// Enters the room that carries this one on.
fn follow(mesh: &mut Mesh, index: usize, room: ConversationId) {
    let (next, name, author) = invitations(mesh, index, room).pop().expect("it is announced");
    let host = mesh.peers[author].person();
    mesh.peers[index].core.enter_room(next, Some(name), host).unwrap();
    mesh.settle();
}

#[test]
fn a_member_carries_a_room_on_whose_admin_is_gone_with_all_who_are_in_it() {
    for_each_seed(|seed| {
        let mut mesh = friends(3, seed);
        let room = founded(&mut mesh, Past::All, &[BOB, CAROL]);
        mesh.send(ALICE, room, "I am off").unwrap();
        mesh.advance(1_000);
        mesh.isolate(ALICE);
        // Bob and Carol are no contacts.
        let next = carry_on(&mut mesh, BOB, room);
        mesh.advance(A_WHILE_MS);
        follow(&mut mesh, CAROL, room);
        mesh.advance(A_WHILE_MS);
        mesh.send(CAROL, next, "here we go on").unwrap();
        mesh.advance(1_000);
        assert_eq!(read(&mesh, BOB, next), ["here we go on"]);
        for index in [BOB, CAROL] {
            let [old, new] = [room, next].map(|room| view(&mut mesh, index, room));
            assert_eq!((new.name, new.members), (old.name, 3), "whoever comes back has a seat, too");
            assert_eq!(new.private.unwrap().carries_on, Some(room_of(room)));
            assert_eq!(old.private.unwrap().carried_on_in, [room_of(next)]);
            assert_eq!(read(&mesh, index, room)[0], "I am off", "the history stays where it is");
        }
        let bob = view(&mut mesh, BOB, next).private.unwrap();
        assert_eq!(bob.role, Some(Role::Admin));
        mesh.link(ALICE, BOB);
        mesh.advance(A_WHILE_MS);
        follow(&mut mesh, ALICE, room);
        mesh.advance(A_WHILE_MS);
        assert_eq!(read(&mesh, ALICE, next), ["here we go on"]);
    });
}

#[test]
fn a_room_is_carried_on_once_by_each_and_announced_as_often_as_asked() {
    let mut mesh = friends(2, 1);
    let room = founded(&mut mesh, Past::All, &[BOB]);
    let next = carry_on(&mut mesh, BOB, room);
    mesh.restart(BOB);
    mesh.link(ALICE, BOB);
    mesh.advance(A_WHILE_MS);
    assert_eq!(carry_on(&mut mesh, BOB, room), next);
    mesh.advance(A_WHILE_MS);
    assert_eq!(invitations(&mesh, ALICE, room).len(), 2);
}

#[test]
fn who_is_out_or_cannot_tell_the_others_carries_nothing_on() {
    let mut mesh = friends(3, 1);
    let room = founded(&mut mesh, Past::All, &[BOB]);
    remove(&mut mesh, ALICE, room, BOB);
    mesh.advance(A_WHILE_MS);
    let now_ms = mesh.now_ms;
    for index in [BOB, CAROL] {
        let refused = mesh.peers[index].core.carry_on_room(now_ms, room_of(room)).map(|_| ());
        assert_eq!(refused, Err(RoomRefusal::NotIn), "peer {index}");
    }
    let host = mesh.peers[ALICE].person();
    mesh.peers[CAROL].core.enter_room(room_of(room), None, host).unwrap();
    let refused = mesh.peers[CAROL].core.carry_on_room(now_ms, room_of(room)).map(|_| ());
    assert_eq!(refused, Err(RoomRefusal::NotIn), "who waits to be let in is not in");
}

#[test]
fn without_its_key_a_room_is_not_carried_on() {
    let mut mesh = friends(3, 1);
    let room = founded(&mut mesh, Past::All, &[BOB, CAROL]);
    mesh.peers[ALICE].impostor = Some(Box::new(crate::private_rooms::keeps_secrets));
    remove(&mut mesh, ALICE, room, CAROL);
    mesh.advance(5_000);
    assert_eq!(access(&mut mesh, BOB, room), RoomAccess::AwaitsKey);
    let now_ms = mesh.now_ms;
    let refused = mesh.peers[BOB].core.carry_on_room(now_ms, room_of(room)).map(|_| ());
    assert_eq!(refused, Err(RoomRefusal::Send(SendRefusal::NoKey)));
}

#[test]
fn who_was_put_out_has_no_seat_in_what_follows() {
    let mut mesh = friends(3, 1);
    let room = founded(&mut mesh, Past::All, &[BOB, CAROL]);
    remove(&mut mesh, ALICE, room, CAROL);
    mesh.advance(A_WHILE_MS);
    let next = carry_on(&mut mesh, BOB, room);
    mesh.advance(A_WHILE_MS);
    assert_eq!(view(&mut mesh, BOB, next).members, 2);
    assert!(invitations(&mesh, CAROL, room).is_empty());
}

#[test]
fn a_room_of_more_people_than_one_step_seats_is_carried_on_with_all() {
    let people = limits::SEATS_MAX + 4;
    let mut mesh = Mesh::new(people + 1, 1);
    (1..=people).for_each(|index| mesh.link(ALICE, index));
    (1..=people).for_each(|index| mesh.befriend(ALICE, index));
    let first: Vec<usize> = (1..=limits::SEATS_MAX).collect();
    let room = founded(&mut mesh, Past::All, &first);
    for index in limits::SEATS_MAX + 1..=people {
        let (now_ms, person) = (mesh.now_ms, mesh.peers[index].person());
        mesh.peers[ALICE].core.add_to_room(now_ms, room_of(room), person).unwrap();
        mesh.settle();
    }
    mesh.advance(A_WHILE_MS);
    let next = carry_on(&mut mesh, BOB, room);
    mesh.advance(A_WHILE_MS);
    assert_eq!(view(&mut mesh, BOB, next).members, people + 1);
}

#[test]
fn who_was_never_in_a_room_does_not_carry_it_on_whatever_they_say() {
    let mut mesh = friends(4, 1);
    let room = founded(&mut mesh, Past::All, &[BOB]);
    let nonce = [3; 16];
    let keys = mesh.peers[DAVE].keys();
    let theirs = RoomId::private(keys.person(), &nonce);
    let control = Control::Create {
        nonce: ByteArray::new(nonce),
        settings: RoomSettings::new(RoomName::new("Boat").unwrap(), StatusLine::default(), Past::All),
        seats: vec![Seat { person: mesh.peers[ALICE].person(), role: Role::Member }],
        epoch: Some(Commitment([4; 32])),
        parent: Some(room_of(room)),
    };
    let log = ConversationId::Control(theirs);
    let step = EntryBody {
        conversation: log.tag(keys.person()),
        clock: Hlc::from_ms(mesh.now_ms),
        seq: 1,
        prev: vec![],
        content: Content::Control(Box::new(control)),
    };
    let name = RoomName::new("Boat").unwrap();
    mesh.peers[ALICE].core.enter_room(theirs, Some(name), keys.person()).unwrap();
    mesh.settle();
    mesh.remember(ALICE, log, &[Unverified::sign(step, &keys)]);
    let theirs = view(&mut mesh, ALICE, ConversationId::Room(theirs)).private.unwrap();
    assert_eq!((theirs.seats.len(), theirs.carries_on), (2, None));
    assert!(view(&mut mesh, ALICE, room).private.unwrap().carried_on_in.is_empty());
}
