//! Private rooms: who is let in reads, who is put out does not, whatever was on its way.

use kinmesh_core::{Change, InviteFault, NewInvite, NewRoom, RoomAccess, RoomRefusal, RoomView, SendRefusal};
use kinmesh_proto::{
    Content, Control, ConversationId, DeviceKeys, DisplayName, EntryBody, EntryId, EntryKey, EntryPack,
    EpochSecret, Hlc, InviteRefusal, Keyring, Past, Reach, Receipt, Refusal, Role, RoomFrame, RoomId,
    RoomName, RoomSettings, Seat, StatusLine, SyncAsk, SyncRequest, SyncResponse, Ticket, TicketRoom,
    TicketToken, Unverified, limits,
};
use kinmesh_store::HistoryStore;
use serde_bytes::ByteArray;

use crate::mesh::{Faults, Mesh};
use crate::{ALICE, BOB, CAROL, for_each_seed, room_of};

pub(crate) const DAVE: usize = 3;
const TOKEN: TicketToken = TicketToken(ByteArray::new([7; 16]));
/// Long enough for a comparison with everybody and for secrets to be asked for.
pub(crate) const A_WHILE_MS: u64 = 60_000;

/// Everybody is connected, and a contact of Alice's.
pub(crate) fn friends(peers: usize, seed: u64) -> Mesh {
    let mut mesh = Mesh::new(peers, seed);
    for one in 0..peers {
        for two in one + 1..peers {
            mesh.link(one, two);
        }
    }
    (1..peers).for_each(|index| mesh.befriend(ALICE, index));
    mesh
}

pub(crate) fn founded(mesh: &mut Mesh, past: Past, people: &[usize]) -> ConversationId {
    let new = NewRoom {
        name: RoomName::new("Boat").unwrap(),
        topic: StatusLine::new("sailing").unwrap(),
        past,
        people: people.iter().map(|index| mesh.peers[*index].person()).collect(),
    };
    let now_ms = mesh.now_ms;
    let (room, _) = mesh.peers[ALICE].core.create_room(now_ms, new).unwrap();
    mesh.advance(A_WHILE_MS);
    people.iter().for_each(|index| accept(mesh, *index, room));
    mesh.advance(A_WHILE_MS);
    ConversationId::Room(room)
}

/// Accepts the invitation that came in a chat with somebody who is in the room.
pub(crate) fn accept(mesh: &mut Mesh, index: usize, room: RoomId) {
    let inviter = (0..mesh.peers.len()).filter(|other| *other != index).find(|other| {
        let chat = mesh.chat_with(*other);
        let invites = |item: &kinmesh_proto::PageItem| {
            matches!(item.post.entry.content(), Content::Invitation { room: to, .. } if *to == room)
                && item.post.entry.person() == mesh.peers[*other].person()
        };
        mesh.peers[index].posts(chat).iter().any(invites)
    });
    let host = mesh.peers[inviter.expect("invited")].person();
    let name = RoomName::new("Boat").unwrap();
    mesh.peers[index].core.enter_room(room, Some(name), host).unwrap();
    mesh.settle();
}

pub(crate) fn view(mesh: &mut Mesh, index: usize, room: ConversationId) -> RoomView {
    let rooms = mesh.peers[index].core.overview().rooms;
    rooms.into_iter().find(|view| ConversationId::Room(view.room) == room).unwrap()
}

pub(crate) fn access(mesh: &mut Mesh, index: usize, room: ConversationId) -> RoomAccess {
    view(mesh, index, room).private.unwrap().access
}

/// What can be read of a room's texts, in order; what cannot, as a question mark.
pub(crate) fn read(mesh: &Mesh, index: usize, room: ConversationId) -> Vec<String> {
    let text = |item: &kinmesh_proto::PageItem| item.text().unwrap_or("?").to_owned();
    mesh.peers[index].posts(room).iter().map(text).collect()
}

pub(crate) fn remove(mesh: &mut Mesh, by: usize, room: ConversationId, whom: usize) {
    let (now_ms, person) = (mesh.now_ms, mesh.peers[whom].person());
    mesh.peers[by].core.remove_from_room(now_ms, room_of(room), person, None).unwrap();
}

pub(crate) fn add(mesh: &mut Mesh, by: usize, room: ConversationId, whom: usize) {
    let (now_ms, person) = (mesh.now_ms, mesh.peers[whom].person());
    mesh.peers[by].core.add_to_room(now_ms, room_of(room), person).unwrap();
    mesh.settle();
}

pub(crate) fn make_admin(mesh: &mut Mesh, by: usize, room: ConversationId, whom: usize) {
    let (now_ms, person) = (mesh.now_ms, mesh.peers[whom].person());
    mesh.peers[by].core.set_role(now_ms, room_of(room), person, Role::Admin).unwrap();
    mesh.settle();
}

#[test]
fn members_talk_and_the_room_is_nobody_elses() {
    for_each_seed(|seed| {
        let mut mesh = friends(4, seed);
        let room = founded(&mut mesh, Past::All, &[BOB, CAROL]);
        mesh.send(ALICE, room, "ahoy").unwrap();
        mesh.advance(1_000);
        mesh.send(BOB, room, "ahoy yourself").unwrap();
        mesh.advance(1_000);
        for index in [ALICE, BOB, CAROL] {
            assert_eq!(read(&mesh, index, room), ["ahoy", "ahoy yourself"]);
            assert_eq!(mesh.peers[index].told_texts(room).len(), 2);
            let view = view(&mut mesh, index, room);
            assert_eq!((view.name.as_str(), view.members, view.online), ("Boat", 3, 3));
        }
        assert!(mesh.peers[DAVE].history(room).is_empty());
        assert!(mesh.peers[DAVE].core.overview().rooms.is_empty());
    });
}

#[test]
fn what_is_on_the_way_says_nothing_of_what_was_said() {
    let mut mesh = friends(2, 1);
    let room = founded(&mut mesh, Past::All, &[BOB]);
    mesh.send(ALICE, room, "the treasure is under the oak").unwrap();
    mesh.settle();
    for stored in mesh.peers[BOB].history(room) {
        let (body, ..) = stored.entry.envelope().parts();
        assert!(!body.windows(8).any(|bytes| bytes == b"treasure"));
        assert_eq!(stored.entry.text(), Some("the treasure is under the oak"));
    }
}

#[test]
fn who_is_put_out_reads_nothing_that_follows() {
    for_each_seed(|seed| {
        let mut mesh = friends(3, seed);
        let room = founded(&mut mesh, Past::All, &[BOB, CAROL]);
        mesh.send(BOB, room, "before").unwrap();
        mesh.advance(1_000);
        remove(&mut mesh, ALICE, room, CAROL);
        mesh.advance(A_WHILE_MS);
        mesh.send(ALICE, room, "after").unwrap();
        mesh.advance(1_000);
        mesh.send(BOB, room, "after that").unwrap();
        mesh.advance(A_WHILE_MS);
        assert_eq!(read(&mesh, BOB, room), ["before", "after", "after that"]);
        assert_eq!(read(&mesh, CAROL, room), ["before"], "and keeps what she has");
        assert_eq!(access(&mut mesh, CAROL, room), RoomAccess::Out);
        assert_eq!(mesh.send(CAROL, room, "but why"), Err(SendRefusal::NotJoined));
        assert_eq!(view(&mut mesh, ALICE, room).members, 2);
    });
}

#[test]
fn who_was_put_out_while_away_is_told_nothing_and_given_nothing() {
    let mut mesh = friends(3, 1);
    let room = founded(&mut mesh, Past::All, &[BOB, CAROL]);
    mesh.isolate(CAROL);
    remove(&mut mesh, ALICE, room, CAROL);
    mesh.advance(A_WHILE_MS);
    mesh.send(BOB, room, "she is gone").unwrap();
    mesh.link(ALICE, CAROL);
    mesh.link(BOB, CAROL);
    mesh.advance(A_WHILE_MS);
    assert!(read(&mesh, CAROL, room).is_empty());
    let compare = SyncAsk::Compare { range: Default::default(), digest: Default::default() };
    for id in [room, ConversationId::Control(room_of(room))] {
        let tag = id.tag(mesh.peers[CAROL].person());
        let request = SyncRequest { conversation: tag, ask: compare.clone() };
        assert_eq!(mesh.ask_history(CAROL, BOB, request), SyncResponse::NotHere);
    }
}

#[test]
fn a_newcomer_gets_the_past_where_the_room_gives_it_and_not_where_it_does_not() {
    for (past, expected) in [(Past::All, ["old", "new"]), (Past::FromJoining, ["?", "new"])] {
        let mut mesh = friends(3, 1);
        let room = founded(&mut mesh, past, &[BOB]);
        mesh.send(BOB, room, "old").unwrap();
        mesh.advance(A_WHILE_MS);
        add(&mut mesh, ALICE, room, CAROL);
        accept(&mut mesh, CAROL, room_of(room));
        mesh.advance(A_WHILE_MS);
        mesh.send(BOB, room, "new").unwrap();
        mesh.advance(A_WHILE_MS);
        assert_eq!(read(&mesh, CAROL, room), expected, "{past:?}");
        assert_eq!(read(&mesh, BOB, room), ["old", "new"]);
    }
}

#[test]
fn two_admins_who_put_out_two_people_apart_agree_when_they_meet() {
    for_each_seed(|seed| {
        let mut mesh = friends(4, seed);
        let room = founded(&mut mesh, Past::All, &[BOB, CAROL, DAVE]);
        make_admin(&mut mesh, ALICE, room, BOB);
        mesh.advance(A_WHILE_MS);
        mesh.unlink(ALICE, BOB);
        mesh.unlink(ALICE, DAVE);
        mesh.unlink(BOB, CAROL);
        mesh.unlink(CAROL, DAVE);
        remove(&mut mesh, ALICE, room, CAROL);
        remove(&mut mesh, BOB, room, DAVE);
        mesh.advance(A_WHILE_MS);
        mesh.link(ALICE, BOB);
        mesh.advance(A_WHILE_MS);
        mesh.send(ALICE, room, "only the two of us").unwrap();
        mesh.advance(A_WHILE_MS);
        mesh.link(ALICE, DAVE);
        mesh.link(BOB, CAROL);
        mesh.advance(A_WHILE_MS);
        assert_eq!(read(&mesh, BOB, room), ["only the two of us"]);
        assert!(read(&mesh, CAROL, room).is_empty() && read(&mesh, DAVE, room).is_empty());
        for index in [ALICE, BOB] {
            assert_eq!(view(&mut mesh, index, room).members, 2);
        }
        let topics = [ALICE, BOB].map(|index| mesh.peers[index].core.topic(room_of(room)));
        assert!(topics[0].is_some() && topics[0] == topics[1]);
    });
}

/// Alice has put Carol out, and Bob, whom she made an admin, lets Carol in again while she takes that back.
/// Carol has all that Bob could give her; then the two meet without her.
fn let_in_by_who_was_no_admin_any_more(seed: u64) -> (Mesh, ConversationId) {
    let mut mesh = friends(3, seed);
    mesh.befriend(BOB, CAROL);
    let room = founded(&mut mesh, Past::All, &[BOB, CAROL]);
    make_admin(&mut mesh, ALICE, room, BOB);
    mesh.advance(A_WHILE_MS);
    remove(&mut mesh, ALICE, room, CAROL);
    mesh.advance(A_WHILE_MS);
    mesh.isolate(ALICE);
    let (now_ms, bob) = (mesh.now_ms, mesh.peers[BOB].person());
    mesh.peers[ALICE].core.set_role(now_ms, room_of(room), bob, Role::Member).unwrap();
    add(&mut mesh, BOB, room, CAROL);
    accept(&mut mesh, CAROL, room_of(room));
    mesh.advance(A_WHILE_MS);
    assert_eq!(access(&mut mesh, CAROL, room), RoomAccess::Open);
    mesh.isolate(CAROL);
    (mesh, room)
}

/// Whether somebody's secrets open what another one has of a room last.
fn could_read(mesh: &Mesh, index: usize, room: ConversationId, of: usize) -> bool {
    let ring = Keyring::default();
    for secret in mesh.peers[index].disk.load().unwrap().secrets {
        ring.add(secret.room, secret.step, secret.secret);
    }
    let last = mesh.peers[of].history(room).pop().unwrap();
    // As it goes from one to the other.
    let sealed = last.entry.envelope().clone().trust_stored().unwrap();
    !matches!(sealed.opened(room_of(room), &ring).content(), Content::Sealed { .. })
}

#[test]
fn who_was_let_in_again_by_who_was_no_admin_any_more_reads_nothing_that_follows() {
    for_each_seed(|seed| {
        let (mut mesh, room) = let_in_by_who_was_no_admin_any_more(seed);
        mesh.link(ALICE, BOB);
        mesh.advance(1_000);
        assert_eq!(view(&mut mesh, BOB, room).members, 2, "the seat does not stand");
        if mesh.send(BOB, room, "at once").is_ok() {
            mesh.settle();
            assert!(!could_read(&mesh, CAROL, room, BOB));
        }
        mesh.advance(A_WHILE_MS);
        mesh.send(BOB, room, "she is out").unwrap();
        mesh.advance(A_WHILE_MS);
        assert_eq!(read(&mesh, ALICE, room).last().map(String::as_str), Some("she is out"));
        assert!(could_read(&mesh, ALICE, room, BOB) && !could_read(&mesh, CAROL, room, BOB));
    });
}

#[test]
fn what_was_sealed_with_the_secret_of_a_removal_that_does_not_stand_can_be_read() {
    let mut mesh = friends(4, 1);
    let room = founded(&mut mesh, Past::All, &[BOB, CAROL, DAVE]);
    make_admin(&mut mesh, ALICE, room, BOB);
    mesh.advance(A_WHILE_MS);
    mesh.isolate(ALICE);
    mesh.link(BOB, CAROL);
    let (now_ms, bob) = (mesh.now_ms, mesh.peers[BOB].person());
    mesh.peers[ALICE].core.set_role(now_ms, room_of(room), bob, Role::Member).unwrap();
    make_admin(&mut mesh, BOB, room, CAROL);
    mesh.advance(1_000);
    remove(&mut mesh, CAROL, room, DAVE);
    mesh.advance(A_WHILE_MS);
    mesh.send(BOB, room, "without him").unwrap();
    mesh.advance(1_000);
    assert_eq!(read(&mesh, CAROL, room), ["without him"]);
    [BOB, CAROL, DAVE].into_iter().for_each(|index| mesh.link(ALICE, index));
    mesh.advance(5 * A_WHILE_MS);
    for index in [ALICE, BOB, CAROL] {
        assert_eq!(view(&mut mesh, index, room).members, 4, "she was no admin after all");
        assert_eq!(read(&mesh, index, room), ["without him"], "peer {index}");
    }
}

#[test]
fn a_secret_that_only_one_member_has_is_asked_of_everybody_in_turn() {
    for_each_seed(|seed| {
        let mut mesh = friends(6, seed);
        let room = founded(&mut mesh, Past::All, &[BOB, CAROL, DAVE, 4]);
        add(&mut mesh, ALICE, room, 5);
        for index in [ALICE, CAROL, DAVE, 4] {
            mesh.peers[index].impostor = Some(Box::new(keeps_secrets));
        }
        accept(&mut mesh, 5, room_of(room));
        // After 1, 2, 4 and 8 seconds.
        mesh.advance(20_000);
        let log = mesh.peers[ALICE].history(ConversationId::Control(room_of(room)));
        let secrets = mesh.peers[5].disk.load().unwrap().secrets;
        assert!(secrets.iter().any(|secret| secret.step == log[0].entry.id()));
    });
}

#[test]
fn who_leaves_is_out_and_the_others_write_with_a_new_key() {
    let mut mesh = friends(3, 1);
    let room = founded(&mut mesh, Past::All, &[BOB, CAROL]);
    let before = mesh.peers[ALICE].core.topic(room_of(room));
    let now_ms = mesh.now_ms;
    mesh.peers[CAROL].core.leave_room(now_ms, room_of(room)).unwrap();
    mesh.advance(A_WHILE_MS);
    assert_eq!(access(&mut mesh, CAROL, room), RoomAccess::Out);
    assert!(!view(&mut mesh, CAROL, room).joined);
    mesh.send(BOB, room, "she left").unwrap();
    mesh.advance(A_WHILE_MS);
    assert_eq!(read(&mesh, ALICE, room), ["she left"]);
    assert!(read(&mesh, CAROL, room).is_empty());
    assert_ne!(mesh.peers[ALICE].core.topic(room_of(room)), before);
}

#[test]
fn a_room_survives_a_restart_of_everybody() {
    let mut mesh = friends(3, 1);
    let room = founded(&mut mesh, Past::All, &[BOB, CAROL]);
    mesh.send(ALICE, room, "good night").unwrap();
    mesh.advance(A_WHILE_MS);
    (0..3).for_each(|index| mesh.restart(index));
    mesh.link(BOB, CAROL);
    mesh.advance(A_WHILE_MS);
    mesh.send(BOB, room, "good morning").unwrap();
    mesh.advance(1_000);
    assert_eq!(read(&mesh, CAROL, room), ["good night", "good morning"]);
    assert_eq!(view(&mut mesh, CAROL, room).name.as_str(), "Boat");
}

#[test]
fn the_room_outlives_its_founder() {
    let mut mesh = friends(4, 1);
    mesh.befriend(BOB, DAVE);
    let room = founded(&mut mesh, Past::All, &[BOB, CAROL]);
    make_admin(&mut mesh, ALICE, room, BOB);
    mesh.advance(A_WHILE_MS);
    mesh.isolate(ALICE);
    mesh.send(BOB, room, "without her").unwrap();
    add(&mut mesh, BOB, room, DAVE);
    accept(&mut mesh, DAVE, room_of(room));
    mesh.advance(A_WHILE_MS);
    assert_eq!(read(&mesh, DAVE, room), ["without her"]);
    assert_eq!(read(&mesh, CAROL, room), ["without her"]);
}

#[test]
fn a_newcomer_is_heard_by_who_has_not_heard_of_them_and_counts_once_one_tells_them() {
    let mut mesh = friends(3, 1);
    let room = founded(&mut mesh, Past::All, &[BOB]);
    mesh.send(ALICE, room, "for all of us").unwrap();
    mesh.advance(A_WHILE_MS);
    mesh.isolate(BOB);
    add(&mut mesh, ALICE, room, CAROL);
    accept(&mut mesh, CAROL, room_of(room));
    mesh.advance(A_WHILE_MS);
    mesh.isolate(ALICE);
    mesh.link(BOB, CAROL);
    mesh.advance(A_WHILE_MS);
    mesh.send(CAROL, room, "I am in").unwrap();
    mesh.advance(A_WHILE_MS);
    assert_eq!(read(&mesh, BOB, room), ["for all of us", "I am in"], "who has the key was given it");
    assert_eq!(view(&mut mesh, BOB, room).members, 2);
    mesh.link(ALICE, BOB);
    mesh.advance(A_WHILE_MS);
    assert_eq!(view(&mut mesh, BOB, room).members, 3);
}

#[test]
fn members_decide_nothing_and_the_last_admin_stays_one() {
    let mut mesh = friends(3, 1);
    let room = founded(&mut mesh, Past::All, &[BOB]);
    let (now_ms, room) = (mesh.now_ms, room_of(room));
    let [alice, bob, carol] = [ALICE, BOB, CAROL].map(|index| mesh.peers[index].person());
    let settings = RoomSettings::new(RoomName::new("Ship").unwrap(), StatusLine::default(), Past::All);
    let core = &mut mesh.peers[BOB].core;
    assert_eq!(core.remove_from_room(now_ms, room, alice, None), Err(RoomRefusal::NotAdmin));
    assert_eq!(core.set_role(now_ms, room, bob, Role::Admin), Err(RoomRefusal::NotAdmin));
    assert_eq!(core.set_room_settings(now_ms, room, settings.clone()), Err(RoomRefusal::NotAdmin));
    let core = &mut mesh.peers[ALICE].core;
    assert_eq!(core.set_role(now_ms, room, alice, Role::Member), Err(RoomRefusal::LastAdmin));
    assert_eq!(core.add_to_room(now_ms, room, alice), Err(RoomRefusal::IsMember));
    assert_eq!(core.remove_from_room(now_ms, room, carol, None), Err(RoomRefusal::NoMember));
    let core = &mut mesh.peers[CAROL].core;
    assert_eq!(core.add_to_room(now_ms, room, bob), Err(RoomRefusal::NotIn));
    mesh.peers[ALICE].core.set_room_settings(now_ms, room, settings).unwrap();
    mesh.advance(A_WHILE_MS);
    assert_eq!(view(&mut mesh, BOB, ConversationId::Room(room)).name.as_str(), "Ship");
}

#[test]
fn unsealed_words_have_no_place_in_a_private_room() {
    let mut mesh = friends(2, 1);
    let room = founded(&mut mesh, Past::All, &[BOB]);
    let keys = mesh.peers[BOB].keys();
    let body = EntryBody {
        conversation: room.tag(keys.person()),
        clock: Hlc::from_ms(mesh.now_ms),
        seq: 99,
        prev: vec![],
        content: Content::text("in the clear"),
    };
    let entries = vec![Unverified::sign(body, &keys).envelope().clone()];
    mesh.bring_frame(BOB, ALICE, room_of(room), RoomFrame::Entries { entries, attempt: 0 });
    mesh.settle();
    assert!(mesh.peers[ALICE].history(room).is_empty());
    assert_eq!(mesh.peers[ALICE].verdicts.last(), Some(&kinmesh_core::Verdict::Reject));
}

#[test]
fn a_word_taken_back_is_gone_for_everybody() {
    let mut mesh = friends(3, 1);
    let room = founded(&mut mesh, Past::All, &[BOB, CAROL]);
    let key = mesh.send(ALICE, room, "regretted").unwrap();
    mesh.advance(1_000);
    take_back(&mut mesh, ALICE, room, key);
    mesh.advance(1_000);
    for index in [ALICE, BOB, CAROL] {
        let post = mesh.peers[index].post(room, key).unwrap();
        assert!(post.post.entry.is_erased(), "peer {index}");
    }
}

/// Takes back a post of one's own.
fn take_back(mesh: &mut Mesh, index: usize, room: ConversationId, key: EntryKey) {
    let post = mesh.peers[index].post(room, key).unwrap();
    let now_ms = mesh.now_ms;
    mesh.peers[index].core.change(now_ms, room, &post, Change::Delete).unwrap();
    mesh.settle();
}

#[test]
fn what_was_taken_back_before_a_newcomer_s_time_reaches_them_and_others_through_them() {
    let mut mesh = friends(4, 1);
    let room = founded(&mut mesh, Past::FromJoining, &[BOB]);
    let key = mesh.send(ALICE, room, "regretted").unwrap();
    mesh.settle();
    take_back(&mut mesh, ALICE, room, key);
    mesh.advance(A_WHILE_MS);
    add(&mut mesh, ALICE, room, CAROL);
    accept(&mut mesh, CAROL, room_of(room));
    mesh.advance(A_WHILE_MS);
    add(&mut mesh, ALICE, room, DAVE);
    mesh.settle();
    [ALICE, BOB].into_iter().for_each(|index| mesh.unlink(index, DAVE));
    accept(&mut mesh, DAVE, room_of(room));
    mesh.link(ALICE, DAVE);
    mesh.advance(A_WHILE_MS);
    let everything = mesh.peers[ALICE].history(room);
    for index in [BOB, CAROL, DAVE] {
        let keys = |index: usize| -> Vec<EntryKey> {
            mesh.peers[index].history(room).iter().map(|stored| stored.entry.key()).collect()
        };
        assert_eq!(keys(index), keys(ALICE), "peer {index}");
        assert!(mesh.peers[index].post(room, key).unwrap().post.entry.is_erased(), "peer {index}");
    }
    assert_eq!(everything.len(), 2, "the post and its delete");
}

#[test]
fn who_cannot_read_a_delete_yet_does_not_fetch_what_it_erased_over_and_over() {
    let mut mesh = friends(4, 1);
    let room = founded(&mut mesh, Past::All, &[BOB, CAROL, DAVE]);
    mesh.isolate(CAROL);
    remove(&mut mesh, ALICE, room, DAVE);
    mesh.advance(A_WHILE_MS);
    let key = mesh.send(ALICE, room, "regretted").unwrap();
    mesh.advance(1_000);
    take_back(&mut mesh, ALICE, room, key);
    mesh.advance(1_000);
    for index in [ALICE, BOB] {
        mesh.peers[index].impostor = Some(Box::new(keeps_secrets));
        mesh.link(index, CAROL);
    }
    mesh.advance(A_WHILE_MS);
    assert!(mesh.peers[CAROL].post(room, key).is_none(), "she cannot tell whether it was taken back");
    mesh.forget_traffic();
    mesh.advance(A_WHILE_MS);
    let is_fetch = |request: &&SyncRequest| matches!(request.ask, SyncAsk::Fetch(_));
    let questions = [ALICE, BOB].into_iter().flat_map(|index| &mesh.peers[index].questions);
    let fetches = questions.filter(is_fetch).count();
    assert!(fetches <= 16, "{fetches} in a minute: a comparison with two others every 30 s");
    [ALICE, BOB].into_iter().for_each(|index| mesh.peers[index].impostor = None);
    mesh.advance(5 * A_WHILE_MS);
    assert!(mesh.peers[CAROL].post(room, key).unwrap().post.entry.is_erased());
}

#[test]
fn nobody_empties_for_a_member_what_they_could_have_read() {
    for is_new_secret in [false, true] {
        let mut mesh = friends(4, 1);
        let room = founded(&mut mesh, Past::FromJoining, &[BOB, CAROL]);
        mesh.isolate(CAROL);
        let key = mesh.send(ALICE, room, "frist").unwrap();
        mesh.settle();
        if is_new_secret {
            // Of which Carol has not heard.
            add(&mut mesh, ALICE, room, DAVE);
        }
        let post = mesh.peers[ALICE].post(room, key).unwrap();
        let now_ms = mesh.now_ms;
        mesh.peers[ALICE].core.change(now_ms, room, &post, Change::Edit("first".into())).unwrap();
        // Where a new secret has the room meet elsewhere, Bob follows once he has it.
        mesh.advance(A_WHILE_MS);
        let [post, edit] = &mesh.peers[BOB].history(room)[..] else { panic!("a post and its edit") };
        let emptied = post.entry.envelope().erased().trust_stored().unwrap();
        let ask = SyncAsk::Push(EntryPack::of([&emptied, &edit.entry]));
        let request = SyncRequest { conversation: room.tag(mesh.peers[BOB].person()), ask };
        mesh.link_unsettled(BOB, CAROL);
        let refused = SyncResponse::Receipts(vec![Receipt::Refused(Refusal::Invalid), Receipt::Stored]);
        assert_eq!(mesh.ask_history(BOB, CAROL, request), refused, "a new secret: {is_new_secret}");
        mesh.advance(A_WHILE_MS);
        assert_eq!(read(&mesh, CAROL, room), ["first"]);
    }
}

#[test]
fn faults_of_networks_and_disks_change_nothing_in_the_end() {
    for_each_seed(|seed| {
        let mut mesh = friends(4, seed);
        mesh.faults =
            Faults { gossip_lost: 30, chat_lost: 20, repeated: 10, shuffled: true, ..Faults::default() };
        let room = founded(&mut mesh, Past::All, &[BOB, CAROL]);
        mesh.send(BOB, room, "one").ok();
        remove(&mut mesh, ALICE, room, CAROL);
        mesh.advance(A_WHILE_MS);
        mesh.faults = Faults::default();
        mesh.advance(2 * A_WHILE_MS);
        mesh.send(ALICE, room, "two").unwrap();
        mesh.advance(A_WHILE_MS);
        let histories = [ALICE, BOB].map(|index| read(&mesh, index, room));
        assert_eq!(histories[0], histories[1]);
        assert_eq!(histories[0].last().map(String::as_str), Some("two"));
        assert!(!read(&mesh, CAROL, room).contains(&"two".to_owned()));
    });
}

/// Alice makes an invitation for one into a room of hers, and gives its ticket away.
fn ticket_into(mesh: &mut Mesh, room: ConversationId) -> Ticket {
    let new = NewInvite { room: Some(room_of(room)), expires_ms: None, uses: Some(1) };
    mesh.peers[ALICE].core.make_invite(mesh.now_ms, TOKEN, new).unwrap();
    mesh.settle();
    Ticket {
        token: TOKEN,
        person: mesh.peers[ALICE].person(),
        name: DisplayName::new("Alice").unwrap(),
        devices: vec![Reach { device: mesh.peers[ALICE].device(), addresses: vec![] }],
        bootstraps: vec![],
        room: Some(TicketRoom::Private(room_of(room))),
        expires_ms: None,
        uses: Some(1),
    }
}

fn open(mesh: &mut Mesh, index: usize, ticket: &Ticket) {
    mesh.peers[index].core.open_ticket(mesh.now_ms, ticket).unwrap();
    mesh.settle();
}

#[test]
fn a_ticket_lets_its_bearer_in_and_is_counted() {
    let mut mesh = friends(2, 1);
    let room = founded(&mut mesh, Past::All, &[BOB]);
    mesh.add();
    let now_ms = mesh.now_ms;
    let new = NewInvite { room: Some(room_of(room)), expires_ms: None, uses: Some(1) };
    let refused = mesh.peers[BOB].core.make_invite(now_ms, TOKEN, new).map(|_| ());
    assert_eq!(refused, Err(InviteFault::NotAdmin));
    let ticket = ticket_into(&mut mesh, room);
    mesh.send(BOB, room, "who comes?").unwrap();
    mesh.settle();
    open(&mut mesh, CAROL, &ticket);
    mesh.link(ALICE, CAROL);
    mesh.advance(A_WHILE_MS);
    assert_eq!(view(&mut mesh, CAROL, room).name.as_str(), "Boat");
    assert_eq!(read(&mesh, CAROL, room), ["who comes?"]);
    assert_eq!(mesh.peers[ALICE].core.overview().invites[0].used_by, [mesh.peers[CAROL].person()]);
    assert_eq!(view(&mut mesh, BOB, room).members, 3);
}

#[test]
fn who_is_counted_when_the_program_ends_is_let_in_when_they_ask_again() {
    let mut mesh = friends(2, 1);
    let room = founded(&mut mesh, Past::All, &[BOB]);
    mesh.add();
    let ticket = ticket_into(&mut mesh, room);
    open(&mut mesh, CAROL, &ticket);
    mesh.link_unsettled(ALICE, CAROL);
    let is_counted = |mesh: &Mesh| !mesh.peers[ALICE].disk.load().unwrap().invites[0].used_by.is_empty();
    while !is_counted(&mesh) {
        assert!(mesh.step_in_time(), "she is counted");
    }
    mesh.restart(ALICE);
    assert_eq!(view(&mut mesh, ALICE, room).members, 2, "the step was not written");
    mesh.link(ALICE, BOB);
    mesh.link(ALICE, CAROL);
    mesh.advance(A_WHILE_MS);
    assert_eq!(access(&mut mesh, CAROL, room), RoomAccess::Open);
    assert_eq!(mesh.peers[ALICE].core.overview().invites[0].used_by, [mesh.peers[CAROL].person()]);
}

#[test]
fn who_was_put_out_does_not_come_back_with_the_ticket_that_let_them_in() {
    let mut mesh = friends(2, 1);
    let room = founded(&mut mesh, Past::All, &[BOB]);
    mesh.add();
    let ticket = ticket_into(&mut mesh, room);
    open(&mut mesh, CAROL, &ticket);
    mesh.link(ALICE, CAROL);
    mesh.advance(A_WHILE_MS);
    remove(&mut mesh, ALICE, room, CAROL);
    mesh.advance(A_WHILE_MS);
    open(&mut mesh, CAROL, &ticket);
    mesh.advance(A_WHILE_MS);
    assert_eq!(mesh.peers[CAROL].core.overview().openings[0].refused, Some(InviteRefusal::Revoked));
    assert_eq!(view(&mut mesh, ALICE, room).members, 2);
}

#[test]
fn a_lost_invitation_is_sent_anew() {
    let mut mesh = friends(2, 1);
    let room = founded(&mut mesh, Past::All, &[]);
    let (log, chat) = (ConversationId::Control(room_of(room)), mesh.chat_with(ALICE));
    let (now_ms, bob) = (mesh.now_ms, mesh.peers[BOB].person());
    mesh.peers[ALICE].core.add_to_room(now_ms, room_of(room), bob).unwrap();
    mesh.drain(ALICE);
    while mesh.peers[ALICE].history(log).len() < 2 {
        assert!(mesh.step_in_time(), "he is let in");
    }
    mesh.restart(ALICE);
    mesh.link(ALICE, BOB);
    mesh.advance(A_WHILE_MS);
    assert!(mesh.peers[BOB].posts(chat).is_empty(), "the program ended before it was written");
    add(&mut mesh, ALICE, room, BOB);
    accept(&mut mesh, BOB, room_of(room));
    mesh.advance(A_WHILE_MS);
    assert_eq!(access(&mut mesh, BOB, room), RoomAccess::Open);
    assert_eq!(mesh.peers[ALICE].history(log).len(), 2, "he is let in once");
}

#[test]
fn who_is_put_out_as_the_program_ends_is_out_after_the_next_start() {
    let mut mesh = friends(2, 1);
    let room = founded(&mut mesh, Past::All, &[BOB]);
    let log = ConversationId::Control(room_of(room));
    remove(&mut mesh, ALICE, room, BOB);
    mesh.drain(ALICE);
    while mesh.peers[BOB].history(log).len() < 2 {
        assert!(mesh.step_in_time(), "he hears of it");
    }
    mesh.restart(BOB);
    assert_eq!(access(&mut mesh, BOB, room), RoomAccess::Out);
    mesh.restart(BOB);
    assert_eq!(access(&mut mesh, BOB, room), RoomAccess::Out, "and it is noted");
}

#[test]
fn a_room_whose_founding_the_disk_refuses_is_none() {
    let mut mesh = friends(2, 1);
    mesh.peers[ALICE].disk_works = false;
    let new = NewRoom {
        name: RoomName::new("Boat").unwrap(),
        topic: StatusLine::default(),
        past: Past::All,
        people: vec![mesh.peers[BOB].person()],
    };
    let now_ms = mesh.now_ms;
    mesh.peers[ALICE].core.create_room(now_ms, new).unwrap();
    mesh.settle();
    mesh.peers[ALICE].disk_works = true;
    mesh.advance(A_WHILE_MS);
    assert!(mesh.peers[ALICE].core.overview().rooms.is_empty());
    let chat = mesh.chat_with(ALICE);
    assert!(mesh.peers[BOB].posts(chat).is_empty(), "nobody is invited");
    mesh.restart(ALICE);
    assert!(mesh.peers[ALICE].core.overview().rooms.is_empty());
}

/// An entry of somebody's in the control log, as no program of ours would write it.
fn step(mesh: &Mesh, author: usize, room: ConversationId, control: Control) -> Unverified<EntryBody> {
    step_by(mesh, &mesh.peers[author].keys(), 99, room, control)
}

fn step_by(
    mesh: &Mesh,
    keys: &DeviceKeys,
    seq: u64,
    room: ConversationId,
    control: Control,
) -> Unverified<EntryBody> {
    let log = ConversationId::Control(room_of(room));
    let seen = mesh.peers[ALICE].history(log);
    let body = EntryBody {
        conversation: log.tag(keys.person()),
        clock: Hlc::from_ms(mesh.now_ms),
        seq,
        prev: seen.iter().take(limits::PREV_MAX).map(|stored| stored.entry.key()).collect(),
        content: Content::Control(Box::new(control)),
    };
    Unverified::sign(body, keys).envelope().clone()
}

#[test]
fn who_lets_themselves_in_stays_out_whoever_brings_the_step() {
    let mut mesh = friends(3, 1);
    let room = founded(&mut mesh, Past::All, &[BOB]);
    let seat = |index: usize, role| Seat { person: mesh.peers[index].person(), role };
    let forged = [
        step(&mesh, CAROL, room, Control::Add { seat: seat(CAROL, Role::Admin), epoch: None }),
        step(&mesh, BOB, room, Control::Add { seat: seat(CAROL, Role::Member), epoch: None }),
        step(&mesh, BOB, room, Control::SetRole(seat(BOB, Role::Admin))),
    ];
    for entry in forged {
        let entries = vec![entry];
        mesh.bring_frame(BOB, ALICE, room_of(room), RoomFrame::Entries { entries, attempt: 0 });
        mesh.settle();
    }
    let view = view(&mut mesh, ALICE, room);
    let (carol, bob) = (mesh.peers[CAROL].person(), mesh.peers[BOB].person());
    let seats = view.private.unwrap().seats;
    assert!(seats.iter().all(|seat| seat.person != carol));
    assert!(seats.iter().any(|seat| seat.person == bob && seat.role == Role::Member));
}

#[test]
fn who_is_not_in_is_given_no_secret_and_who_is_put_out_no_later_one() {
    let mut mesh = friends(3, 1);
    let room = founded(&mut mesh, Past::All, &[BOB, CAROL]);
    remove(&mut mesh, ALICE, room, CAROL);
    mesh.advance(A_WHILE_MS);
    let log = mesh.peers[ALICE].history(ConversationId::Control(room_of(room)));
    let steps: Vec<_> = log.iter().map(|stored| stored.entry.id()).collect();
    let ask = |index: usize| SyncRequest {
        conversation: room.tag(mesh.peers[index].person()),
        ask: SyncAsk::Secrets(steps.clone()),
    };
    let (carols, bobs) = (ask(CAROL), ask(BOB));
    assert_eq!(mesh.ask_history(CAROL, ALICE, carols), SyncResponse::NotHere);
    let SyncResponse::Secrets(given) = mesh.ask_history(BOB, ALICE, bobs) else { panic!("he is in") };
    assert_eq!(given.len(), 2, "that of the founding and that of the removal");
}

#[test]
fn a_secret_that_is_none_is_not_believed() {
    let mut mesh = friends(2, 1);
    let room = founded(&mut mesh, Past::All, &[]);
    add(&mut mesh, ALICE, room, BOB);
    // Who answers in Alice's place knows the log, and makes the secrets up.
    let made_up = |request: &SyncRequest| match &request.ask {
        SyncAsk::Secrets(steps) => {
            let secret = |step: &EntryId| (*step, EpochSecret::new([13; 32]));
            Some(SyncResponse::Secrets(steps.iter().map(secret).collect()))
        }
        _ => None,
    };
    mesh.peers[ALICE].impostor = Some(Box::new(made_up));
    accept(&mut mesh, BOB, room_of(room));
    mesh.advance(10_000);
    assert_eq!(access(&mut mesh, BOB, room), RoomAccess::AwaitsKey);
    assert_eq!(mesh.send(BOB, room, "hello?"), Err(SendRefusal::NoKey));
    assert!(mesh.peers[BOB].disk.load().unwrap().secrets.is_empty());
    mesh.peers[ALICE].impostor = None;
    mesh.advance(A_WHILE_MS);
    assert_eq!(access(&mut mesh, BOB, room), RoomAccess::Open);
}

#[test]
fn what_a_room_said_last_is_shown_once_it_can_be_read() {
    let mut mesh = friends(2, 1);
    let room = founded(&mut mesh, Past::All, &[]);
    mesh.send(ALICE, room, "hello").unwrap();
    add(&mut mesh, ALICE, room, BOB);
    mesh.peers[ALICE].impostor = Some(Box::new(keeps_secrets));
    accept(&mut mesh, BOB, room_of(room));
    mesh.advance(A_WHILE_MS);
    assert_eq!(read(&mesh, BOB, room), ["?"]);
    assert_eq!(view(&mut mesh, BOB, room).last.unwrap().text.as_deref(), None);
    mesh.peers[ALICE].impostor = None;
    mesh.advance(2 * A_WHILE_MS);
    assert_eq!(view(&mut mesh, BOB, room).last.unwrap().text.as_deref(), Some("hello"));
}

#[test]
fn what_comes_while_its_secret_is_being_stored_is_shown_as_it_can_be_read() {
    let mut mesh = friends(3, 1);
    let room = founded(&mut mesh, Past::All, &[BOB, CAROL]);
    mesh.isolate(BOB);
    remove(&mut mesh, ALICE, room, CAROL);
    mesh.advance(A_WHILE_MS);
    mesh.peers[ALICE].impostor = Some(Box::new(keeps_secrets));
    mesh.link(ALICE, BOB);
    mesh.advance(5_000);
    mesh.peers[BOB].disk_stands_still = true;
    mesh.peers[ALICE].impostor = None;
    // Long enough for the secret to be asked for again.
    mesh.advance(9_000);
    let key = mesh.send(ALICE, room, "hello").unwrap();
    mesh.settle();
    let entries = vec![mesh.peers[ALICE].post(room, key).unwrap().post.entry.envelope().clone()];
    mesh.bring_frame(ALICE, BOB, room_of(room), RoomFrame::Entries { entries, attempt: 0 });
    mesh.settle();
    assert!(mesh.peers[BOB].post(room, key).is_none());
    mesh.peers[BOB].disk_stands_still = false;
    mesh.settle();
    assert_eq!(read(&mesh, BOB, room), ["hello"]);
    assert_eq!(mesh.peers[BOB].told_texts(room), ["hello"]);
}

#[test]
fn two_who_were_put_out_and_have_not_heard_of_it_compare_in_every_round() {
    let mut mesh = friends(8, 1);
    let room = founded(&mut mesh, Past::All, &[BOB, CAROL, DAVE, 4, 5, 6, 7]);
    [BOB, CAROL].into_iter().for_each(|index| mesh.isolate(index));
    [BOB, CAROL].into_iter().for_each(|index| remove(&mut mesh, ALICE, room, index));
    mesh.advance(A_WHILE_MS);
    for index in [ALICE, DAVE, 4, 5, 6, 7] {
        mesh.link(BOB, index);
    }
    mesh.link(BOB, CAROL);
    mesh.advance(5 * A_WHILE_MS);
    mesh.forget_traffic();
    mesh.advance(10 * A_WHILE_MS);
    let log = ConversationId::Control(room_of(room)).tag(mesh.peers[BOB].person());
    let rounds = mesh.peers[CAROL].questions.iter().filter(|request| request.conversation == log).count();
    assert!(rounds >= 15, "{rounds} in ten minutes");
}

/// Answers in somebody's place: no secret is given.
pub(crate) fn keeps_secrets(request: &SyncRequest) -> Option<SyncResponse> {
    match &request.ask {
        SyncAsk::Secrets(_) => Some(SyncResponse::Secrets(Default::default())),
        _ => None,
    }
}

#[test]
fn a_secret_that_its_bringer_keeps_to_themselves_is_replaced() {
    let mut mesh = friends(4, 1);
    let room = founded(&mut mesh, Past::All, &[BOB, CAROL, DAVE]);
    mesh.peers[ALICE].impostor = Some(Box::new(keeps_secrets));
    remove(&mut mesh, ALICE, room, DAVE);
    mesh.advance(2 * A_WHILE_MS);
    mesh.send(BOB, room, "with a key of our own").unwrap();
    mesh.advance(A_WHILE_MS);
    assert_eq!(read(&mesh, CAROL, room), ["with a key of our own"]);
    assert!(read(&mesh, DAVE, room).is_empty());
}

/// Bob makes Dave an admin and Carol makes Erin one, and these two take from Carol and Bob the right to that.
/// Whoever hears of the one first would not let in the other.
#[test]
fn of_two_admins_appointed_against_each_other_all_keep_every_step_and_believe_the_same_one() {
    const ERIN: usize = 4;
    for_each_seed(|seed| {
        let mut mesh = friends(5, seed);
        mesh.befriend(BOB, DAVE);
        mesh.befriend(CAROL, ERIN);
        let room = founded(&mut mesh, Past::All, &[BOB, CAROL]);
        make_admin(&mut mesh, ALICE, room, BOB);
        make_admin(&mut mesh, ALICE, room, CAROL);
        mesh.advance(A_WHILE_MS);
        (0..5).for_each(|index| mesh.isolate(index));
        for (appoints, appointed, loses) in [(BOB, DAVE, CAROL), (CAROL, ERIN, BOB)] {
            mesh.link(appoints, appointed);
            add(&mut mesh, appoints, room, appointed);
            accept(&mut mesh, appointed, room_of(room));
            mesh.advance(A_WHILE_MS);
            make_admin(&mut mesh, appoints, room, appointed);
            mesh.advance(A_WHILE_MS);
            let (now_ms, person) = (mesh.now_ms, mesh.peers[loses].person());
            mesh.peers[appointed].core.set_role(now_ms, room_of(room), person, Role::Member).unwrap();
            mesh.advance(A_WHILE_MS);
        }
        let log = ConversationId::Control(room_of(room));
        for (one, two) in [(BOB, CAROL), (ALICE, BOB), (ALICE, CAROL)] {
            mesh.link(one, two);
            mesh.advance(A_WHILE_MS);
        }
        let kept = [ALICE, BOB, CAROL].map(|index| {
            let steps = mesh.peers[index].history(log);
            steps.iter().map(|stored| stored.entry.id()).collect::<Vec<_>>()
        });
        assert!(kept[0].len() >= 9 && kept[0] == kept[1] && kept[1] == kept[2], "{kept:?}");
        let seats = [ALICE, BOB, CAROL].map(|index| view(&mut mesh, index, room).private.unwrap().seats);
        assert!(seats[0] == seats[1] && seats[1] == seats[2], "{seats:?}");
    });
}

/// Carol's step is kept, for all that could still come to say that Bob had the right to let her in; but it is
/// one of the few that are kept of Bob.
#[test]
fn a_member_s_invented_helpers_find_no_more_place_in_the_log_than_the_member() {
    let mut mesh = friends(3, 1);
    let room = founded(&mut mesh, Past::All, &[BOB]);
    let helpers: Vec<_> = (0..10).map(|n| DeviceKeys::generate(&[100 + n; 32], &[200 + n; 32], 7)).collect();
    let log = ConversationId::Control(room_of(room));
    let before = mesh.peers[ALICE].history(log).len();
    for helper in &helpers {
        let seat = Seat { person: helper.person(), role: Role::Admin };
        let mut entries = vec![step(&mesh, BOB, room, Control::Add { seat, epoch: None })];
        let leaves = |seq| step_by(&mesh, helper, seq, room, Control::Leave);
        entries.extend((1..=30).map(leaves));
        for entry in entries {
            let frame = RoomFrame::Entries { entries: vec![entry], attempt: 0 };
            mesh.bring_frame(BOB, ALICE, room_of(room), frame);
        }
        mesh.advance(1_000);
    }
    assert_eq!(mesh.peers[ALICE].history(log).len(), before + 128);
    remove(&mut mesh, ALICE, room, BOB);
    mesh.advance(A_WHILE_MS);
    assert_eq!(view(&mut mesh, ALICE, room).members, 1, "what is decided still counts");
}

#[test]
fn a_step_from_the_future_does_not_stand_in_the_way_of_ours() {
    let mut mesh = friends(3, 1);
    let room = founded(&mut mesh, Past::All, &[BOB]);
    for ahead_ms in [230_000, 290_000] {
        mesh.now_ms += ahead_ms;
        let epoch = EpochSecret::new([5; 32]).commitment(room_of(room));
        let late = step(&mesh, BOB, room, Control::Rotate { epoch });
        mesh.now_ms -= ahead_ms;
        let frame = RoomFrame::Entries { entries: vec![late], attempt: 0 };
        mesh.bring_frame(BOB, ALICE, room_of(room), frame);
        mesh.settle();
    }
    remove(&mut mesh, ALICE, room, BOB);
    mesh.advance(A_WHILE_MS);
    assert_eq!(view(&mut mesh, ALICE, room).members, 1);
}

#[test]
fn a_message_that_races_its_author_s_removal_is_read_by_who_has_not_heard_of_it_and_nothing_later() {
    for_each_seed(|seed| {
        let mut mesh = friends(3, seed);
        let room = founded(&mut mesh, Past::All, &[BOB, CAROL]);
        mesh.faults.shuffled = true;
        remove(&mut mesh, ALICE, room, CAROL);
        mesh.send(CAROL, room, "am I still in?").ok();
        mesh.send(BOB, room, "I had not heard").unwrap();
        mesh.advance(2 * A_WHILE_MS);
        mesh.send(BOB, room, "now I have").unwrap();
        mesh.advance(A_WHILE_MS);
        let [alice, bob, carol] = [ALICE, BOB, CAROL].map(|index| read(&mesh, index, room));
        assert_eq!(alice, bob);
        assert_eq!(alice.last().map(String::as_str), Some("now I have"));
        assert!(!carol.contains(&"now I have".to_owned()));
    });
}

#[test]
fn who_was_put_out_can_be_let_in_again() {
    let mut mesh = friends(3, 1);
    let room = founded(&mut mesh, Past::All, &[BOB, CAROL]);
    remove(&mut mesh, ALICE, room, CAROL);
    mesh.advance(A_WHILE_MS);
    mesh.send(BOB, room, "while she was out").unwrap();
    mesh.advance(A_WHILE_MS);
    assert_eq!(access(&mut mesh, CAROL, room), RoomAccess::Out);
    add(&mut mesh, ALICE, room, CAROL);
    accept(&mut mesh, CAROL, room_of(room));
    mesh.advance(A_WHILE_MS);
    assert_eq!(access(&mut mesh, CAROL, room), RoomAccess::Open);
    mesh.send(CAROL, room, "back again").unwrap();
    mesh.advance(A_WHILE_MS);
    assert_eq!(read(&mesh, CAROL, room), ["while she was out", "back again"], "all of the past is given");
    assert_eq!(read(&mesh, BOB, room), ["while she was out", "back again"]);
}

#[test]
fn who_is_let_in_again_and_does_not_come_decides_nothing() {
    let mut mesh = friends(3, 1);
    let room = founded(&mut mesh, Past::All, &[BOB, CAROL]);
    let log = ConversationId::Control(room_of(room));
    remove(&mut mesh, ALICE, room, CAROL);
    mesh.advance(A_WHILE_MS);
    add(&mut mesh, ALICE, room, CAROL);
    mesh.advance(5 * A_WHILE_MS);
    assert_eq!(access(&mut mesh, CAROL, room), RoomAccess::Out);
    assert_eq!(mesh.peers[ALICE].history(log).len(), 3, "founded, put out, let in");
    accept(&mut mesh, CAROL, room_of(room));
    mesh.advance(A_WHILE_MS);
    assert_eq!(access(&mut mesh, CAROL, room), RoomAccess::Open);
}

#[test]
fn a_flood_of_steps_leaves_the_log_as_it_is() {
    let mut mesh = friends(3, 1);
    let room = founded(&mut mesh, Past::All, &[BOB]);
    let log = ConversationId::Control(room_of(room));
    let before = mesh.peers[ALICE].history(log).len();
    let flood = |mesh: &mut Mesh, author: usize, control: Control| {
        for seq in 0..300 {
            let keys = mesh.peers[author].keys();
            let body = EntryBody {
                conversation: log.tag(keys.person()),
                clock: Hlc(1 + seq),
                seq: 1 + seq,
                prev: vec![],
                content: Content::Control(Box::new(control.clone())),
            };
            let entries = vec![Unverified::sign(body, &keys).envelope().clone()];
            mesh.bring_frame(BOB, ALICE, room_of(room), RoomFrame::Entries { entries, attempt: 0 });
        }
        mesh.settle();
    };
    flood(&mut mesh, CAROL, Control::Leave);
    assert_eq!(mesh.peers[ALICE].history(log).len(), before, "she never had a seat");
    flood(&mut mesh, BOB, Control::Leave);
    assert_eq!(mesh.peers[ALICE].history(log).len(), before + 128, "he had, and nobody decides so much");
    remove(&mut mesh, ALICE, room, BOB);
    mesh.advance(A_WHILE_MS);
    assert_eq!(view(&mut mesh, ALICE, room).members, 1, "what is decided still counts");
}

#[test]
fn an_invitation_cannot_stand_in_the_way_of_a_public_room() {
    let mut mesh = friends(2, 1);
    let name = RoomName::new("lobby").unwrap();
    let room = RoomId::public(&name);
    let host = mesh.peers[ALICE].person();
    let core = &mut mesh.peers[BOB].core;
    core.enter_room(room, None, host).unwrap();
    mesh.settle();
    for index in [ALICE, BOB] {
        let core = &mut mesh.peers[index].core;
        assert!(core.join_room(name.clone()).unwrap().1.is_some());
    }
    mesh.advance(A_WHILE_MS);
    mesh.restart(BOB);
    mesh.link(ALICE, BOB);
    let room = ConversationId::Room(room);
    mesh.send(ALICE, room, "all are welcome").unwrap();
    mesh.advance(A_WHILE_MS);
    assert_eq!(read(&mesh, BOB, room), ["all are welcome"]);
    let refused = mesh.peers[BOB].core.enter_room(room_of(room), None, host).map(|_| ());
    assert_eq!(refused, Err(RoomRefusal::IsPublic));
}
