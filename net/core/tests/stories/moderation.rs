//! Founded public rooms: what admins decide is shown alike everywhere, whatever anybody tries.

use kinmesh_core::{
    Change, Event, FoundedStanding, HideHere, HideRefusal, InviteFault, KnockRefusal, Mute, NewInvite,
    NewPublicRoom, NewRoom, RoomRefusal, RoomView, SendRefusal, Withheld,
};
use kinmesh_proto::{
    Content, Control, ConversationId, DeviceKeys, Door, EntryBody, EntryKey, Hlc, Past, Role, RoomFrame,
    RoomName, Seat, StatusLine, SyncAsk, SyncRequest, SyncResponse, TicketRoom, TicketToken, Unverified,
};
use serde_bytes::ByteArray;

use crate::mesh::{Faults, Mesh};
use crate::{ALICE, BOB, CAROL, for_each_seed, room_of};

const DAVE: usize = 3;
/// Long enough for a comparison with everybody.
const A_WHILE_MS: u64 = 60_000;
const HOUR_MS: u64 = 60 * 60 * 1000;
/// What takes the place of a post that is not shown.
const HIDDEN: &str = "-";

/// Alice's public room, in which everybody is who is connected.
fn square(peers: usize, seed: u64, door: Door, slow_ms: u64) -> (Mesh, ConversationId) {
    let mut mesh = Mesh::new(peers, seed);
    for one in 0..peers {
        for two in one + 1..peers {
            mesh.link(one, two);
        }
    }
    let new = NewPublicRoom { name: name("Square"), topic: StatusLine::default(), door, slow_ms };
    let now_ms = mesh.now_ms;
    let (room, _) = mesh.peers[ALICE].core.found_room(now_ms, new).unwrap();
    mesh.settle();
    let room = ConversationId::Room(room);
    (1..peers).for_each(|index| enter(&mut mesh, index, room));
    mesh.advance(A_WHILE_MS);
    (mesh, room)
}

pub(crate) fn open_square(peers: usize, seed: u64) -> (Mesh, ConversationId) {
    square(peers, seed, Door::Open, 0)
}

fn name(name: &str) -> RoomName {
    RoomName::new(name).unwrap()
}

fn enter(mesh: &mut Mesh, index: usize, room: ConversationId) {
    mesh.peers[index].core.enter_founded(room_of(room), name("Square")).unwrap();
    mesh.settle();
}

fn view(mesh: &mut Mesh, index: usize, room: ConversationId) -> RoomView {
    let rooms = mesh.peers[index].core.overview().rooms;
    rooms.into_iter().find(|view| ConversationId::Room(view.room) == room).unwrap()
}

fn standing(mesh: &mut Mesh, index: usize, room: ConversationId) -> FoundedStanding {
    view(mesh, index, room).founded.unwrap().standing
}

fn shown(mesh: &Mesh, index: usize, room: ConversationId) -> Vec<String> {
    let posts = mesh.peers[index].shown(room).into_iter();
    posts.map(|post| post.text.unwrap_or_else(|| HIDDEN.to_owned())).collect()
}

fn why(mesh: &Mesh, index: usize, room: ConversationId, text_at: usize) -> Withheld {
    mesh.peers[index].shown(room)[text_at].withheld.clone().expect("withheld")
}

fn say(mesh: &mut Mesh, index: usize, room: ConversationId, text: &str) -> EntryKey {
    let key = mesh.send(index, room, text).unwrap();
    mesh.advance(1_000);
    key
}

fn hide(mesh: &mut Mesh, by: usize, room: ConversationId, entry: EntryKey, hidden: bool) {
    let (now_ms, reason) = (mesh.now_ms, StatusLine::new("spam").unwrap());
    mesh.peers[by].core.hide_in_room(now_ms, room_of(room), vec![entry], hidden, reason).unwrap();
    mesh.advance(1_000);
}

fn mute(mesh: &mut Mesh, by: usize, room: ConversationId, whom: usize, mute: Mute) {
    let (now_ms, person) = (mesh.now_ms, mesh.peers[whom].person());
    mesh.peers[by].core.mute_in_room(now_ms, room_of(room), person, mute).unwrap();
    mesh.advance(1_000);
}

fn for_an_hour(mesh: &Mesh) -> Mute {
    Mute { until_ms: mesh.now_ms + HOUR_MS, from_ms: None }
}

fn no_longer() -> Mute {
    Mute { until_ms: 0, from_ms: None }
}

fn remove(mesh: &mut Mesh, by: usize, room: ConversationId, whom: usize, from_ms: Option<u64>) {
    let (now_ms, person) = (mesh.now_ms, mesh.peers[whom].person());
    mesh.peers[by].core.remove_from_room(now_ms, room_of(room), person, from_ms).unwrap();
    mesh.advance(1_000);
}

fn let_in(mesh: &mut Mesh, by: usize, room: ConversationId, whom: usize) {
    let (now_ms, person) = (mesh.now_ms, mesh.peers[whom].person());
    mesh.peers[by].core.add_to_room(now_ms, room_of(room), person).unwrap();
    mesh.advance(A_WHILE_MS);
}

fn make_admin(mesh: &mut Mesh, by: usize, room: ConversationId, whom: usize) {
    let (now_ms, person) = (mesh.now_ms, mesh.peers[whom].person());
    mesh.peers[by].core.set_role(now_ms, room_of(room), person, Role::Admin).unwrap();
    mesh.advance(1_000);
}

/// An entry that its author's own program would not have written.
fn signed(
    mesh: &Mesh,
    author: usize,
    id: ConversationId,
    ms: u64,
    content: Content,
) -> (EntryKey, Unverified<EntryBody>) {
    let keys = mesh.peers[author].keys();
    let prev = match id {
        ConversationId::Control(_) => {
            mesh.peers[ALICE].history(id).iter().map(|one| one.entry.key()).collect()
        }
        _ => Vec::new(),
    };
    let tag = id.tag(keys.person());
    let body = EntryBody { conversation: tag, clock: Hlc::from_ms(ms), seq: 900, prev, content };
    let entry = Unverified::sign(body, &keys);
    (entry.key(), entry.envelope().clone())
}

fn bring(mesh: &mut Mesh, from: usize, to: usize, room: ConversationId, entry: Unverified<EntryBody>) {
    let frame = RoomFrame::Entries { entries: vec![entry], attempt: 0 };
    mesh.bring_frame(from, to, room_of(room), frame);
    mesh.advance(A_WHILE_MS);
}

/// A post that its author's own program would have refused, on its way to somebody.
fn force(mesh: &mut Mesh, author: usize, to: usize, room: ConversationId, ms: u64, text: &str) -> EntryKey {
    let (key, entry) = signed(mesh, author, room, ms, Content::text(text));
    bring(mesh, author, to, room, entry);
    key
}

#[test]
fn whoever_has_the_id_is_in_and_the_founder_is_certain() {
    for_each_seed(|seed| {
        let (mut mesh, room) = open_square(3, seed);
        say(&mut mesh, ALICE, room, "welcome");
        say(&mut mesh, BOB, room, "hello");
        mesh.add();
        mesh.link(ALICE, DAVE);
        enter(&mut mesh, DAVE, room);
        mesh.advance(A_WHILE_MS);
        let founder = mesh.peers[ALICE].person();
        for index in [ALICE, BOB, CAROL, DAVE] {
            assert_eq!(shown(&mesh, index, room), ["welcome", "hello"]);
            let view = view(&mut mesh, index, room);
            let founded = view.founded.unwrap();
            assert_eq!((founded.founder, founded.standing), (Some(founder), FoundedStanding::In));
            assert!(view.private.is_none() && view.name == name("Square"));
            let role = view.moderation.unwrap().role;
            assert_eq!(role, (index == ALICE).then_some(Role::Admin));
        }
    });
}

#[test]
fn a_room_outlives_a_restart_of_its_founder() {
    let (mut mesh, room) = open_square(2, 1);
    say(&mut mesh, BOB, room, "hello");
    mesh.restart(ALICE);
    mesh.link(ALICE, BOB);
    mesh.advance(A_WHILE_MS);
    say(&mut mesh, ALICE, room, "back");
    assert_eq!(shown(&mesh, BOB, room), ["hello", "back"]);
    assert_eq!(view(&mut mesh, ALICE, room).moderation.unwrap().role, Some(Role::Admin));
}

#[test]
fn who_leaves_can_come_back_as_what_they_were() {
    let (mut mesh, room) = open_square(2, 1);
    let now_ms = mesh.now_ms;
    mesh.peers[ALICE].core.leave_room(now_ms, room_of(room)).unwrap();
    mesh.advance(A_WHILE_MS);
    assert!(!view(&mut mesh, ALICE, room).joined);
    assert_eq!(mesh.send(ALICE, room, "anybody"), Err(SendRefusal::NotJoined));
    enter(&mut mesh, ALICE, room);
    mesh.advance(A_WHILE_MS);
    say(&mut mesh, ALICE, room, "back");
    assert_eq!(shown(&mesh, BOB, room), ["back"]);
    assert_eq!(view(&mut mesh, ALICE, room).moderation.unwrap().role, Some(Role::Admin));
}

#[test]
fn a_disk_that_refuses_the_first_step_leaves_no_room() {
    let mut mesh = Mesh::new(1, 1);
    mesh.peers[ALICE].disk_works = false;
    let new =
        NewPublicRoom { name: name("Square"), topic: StatusLine::default(), door: Door::Open, slow_ms: 0 };
    let now_ms = mesh.now_ms;
    mesh.peers[ALICE].core.found_room(now_ms, new).unwrap();
    mesh.settle();
    assert!(mesh.peers[ALICE].core.overview().rooms.is_empty());
}

#[test]
fn a_ticket_names_the_room_and_is_not_counted() {
    let (mut mesh, room) = open_square(2, 1);
    let (now_ms, token) = (mesh.now_ms, TicketToken(ByteArray::new([7; 16])));
    let new = NewInvite { room: Some(room_of(room)), expires_ms: None, uses: Some(1) };
    let counted = mesh.peers[BOB].core.make_invite(now_ms, token, new).map(|_| ());
    assert_eq!(counted, Err(InviteFault::NotCounted));
    let (_, invite) =
        mesh.peers[BOB].core.make_invite(now_ms, token, NewInvite { uses: None, ..new }).unwrap();
    mesh.settle();
    let made = mesh.peers[BOB].core.invite(invite.id).unwrap().room.clone();
    assert_eq!(made, Some(TicketRoom::Founded { id: room_of(room), name: name("Square") }));
}

#[test]
fn an_admin_hides_an_entry_from_everybody_and_shows_it_again() {
    for_each_seed(|seed| {
        let (mut mesh, room) = open_square(3, seed);
        say(&mut mesh, BOB, room, "hello");
        let spam = say(&mut mesh, BOB, room, "buy now");
        hide(&mut mesh, ALICE, room, spam, true);
        let by = mesh.peers[ALICE].person();
        for index in [ALICE, BOB, CAROL] {
            assert_eq!(shown(&mesh, index, room), ["hello", HIDDEN]);
            let reason = StatusLine::new("spam").unwrap();
            assert_eq!(why(&mesh, index, room, 1), Withheld::Hidden { by, reason });
            assert_eq!(mesh.peers[index].texts(room), ["hello", "buy now"], "it is kept");
            assert_eq!(view(&mut mesh, index, room).last.unwrap().text, None);
        }
        hide(&mut mesh, ALICE, room, spam, false);
        assert_eq!(shown(&mesh, CAROL, room), ["hello", "buy now"]);
    });
}

#[test]
fn what_is_hidden_can_be_looked_at_and_is_not_unread() {
    let (mut mesh, room) = open_square(3, 1);
    let spam = say(&mut mesh, BOB, room, "buy now");
    hide(&mut mesh, ALICE, room, spam, true);
    let item = mesh.peers[CAROL].post(room, spam).unwrap();
    let lens = mesh.peers[CAROL].core.lens(room);
    let seen = lens.look(item, &Default::default()).unwrap();
    assert_eq!(seen.view(room, None).text, None);
    assert_eq!(seen.looked_at(room).text.as_deref(), Some("buy now"));
    mute(&mut mesh, ALICE, room, BOB, Mute { until_ms: u64::MAX, from_ms: None });
    let before = view(&mut mesh, CAROL, room).unread;
    let ms = mesh.now_ms;
    force(&mut mesh, BOB, CAROL, room, ms, "and buy again");
    assert_eq!(view(&mut mesh, CAROL, room).unread, before);
}

#[test]
fn what_is_hidden_is_neither_shown_nor_unread_when_the_program_starts() {
    let (mut mesh, room) = square(3, 1, Door::Open, 30_000);
    say(&mut mesh, BOB, room, "hello");
    let ms = mesh.now_ms;
    force(&mut mesh, BOB, CAROL, room, ms, "too soon");
    mesh.restart(CAROL);
    assert_eq!(view(&mut mesh, CAROL, room).unread, 1);
    assert_eq!(view(&mut mesh, CAROL, room).last.unwrap().text, None, "its author did not wait");
    mesh.link(ALICE, CAROL);
    mesh.advance(A_WHILE_MS);
    let spam = say(&mut mesh, BOB, room, "buy now");
    hide(&mut mesh, ALICE, room, spam, true);
    mesh.advance(A_WHILE_MS);
    mesh.restart(CAROL);
    assert_eq!(view(&mut mesh, CAROL, room).unread, 1);
    assert_eq!(view(&mut mesh, CAROL, room).last.unwrap().text, None);
}

#[test]
fn who_is_no_admin_hides_nothing() {
    let (mut mesh, room) = open_square(3, 1);
    let key = say(&mut mesh, ALICE, room, "the rules");
    let now_ms = mesh.now_ms;
    let refused =
        mesh.peers[BOB].core.hide_in_room(now_ms, room_of(room), vec![key], true, StatusLine::default());
    assert_eq!(refused, Err(RoomRefusal::NotIn));
    let log = ConversationId::Control(room_of(room));
    let person = mesh.peers[ALICE].person();
    let steps = [
        Control::Hide { entries: vec![key], hidden: true, reason: StatusLine::default() },
        Control::Mute { person, until_ms: u64::MAX, from_ms: Some(0) },
        Control::Remove { person, epoch: None, from_ms: Some(0) },
        Control::Add { seat: Seat { person: mesh.peers[BOB].person(), role: Role::Admin }, epoch: None },
    ];
    for step in steps {
        let (_, step) = signed(&mesh, BOB, log, mesh.now_ms, Content::Control(Box::new(step)));
        bring(&mut mesh, BOB, CAROL, room, step);
    }
    assert_eq!(mesh.peers[CAROL].history(log).len(), 1, "steps of nobody are not even kept");
    assert_eq!(shown(&mesh, CAROL, room), ["the rules"]);
}

#[test]
fn a_member_with_a_seat_hides_nothing_either() {
    let (mut mesh, room) = open_square(3, 1);
    let key = say(&mut mesh, ALICE, room, "the rules");
    let_in(&mut mesh, ALICE, room, BOB);
    let log = ConversationId::Control(room_of(room));
    let step = Control::Hide { entries: vec![key], hidden: true, reason: StatusLine::default() };
    let (_, step) = signed(&mesh, BOB, log, mesh.now_ms, Content::Control(Box::new(step)));
    bring(&mut mesh, BOB, CAROL, room, step);
    assert_eq!(mesh.peers[CAROL].history(log).len(), 3, "kept");
    assert_eq!(shown(&mesh, CAROL, room), ["the rules"], "and without effect");
}

#[test]
fn an_admin_who_was_put_out_hides_nothing_by_denying_to_have_seen_it() {
    let (mut mesh, room) = open_square(3, 1);
    make_admin(&mut mesh, ALICE, room, BOB);
    let key = say(&mut mesh, ALICE, room, "the rules");
    let log = ConversationId::Control(room_of(room));
    let step = Control::Hide { entries: vec![key], hidden: true, reason: StatusLine::default() };
    let (_, step) = signed(&mesh, BOB, log, mesh.now_ms, Content::Control(Box::new(step)));
    mesh.advance(1_000);
    remove(&mut mesh, ALICE, room, BOB, None);
    bring(&mut mesh, BOB, CAROL, room, step);
    for index in [ALICE, CAROL] {
        assert_eq!(shown(&mesh, index, room), ["the rules"]);
    }
}

#[test]
fn who_is_muted_is_refused_by_their_own_program_and_withheld_by_the_others() {
    for_each_seed(|seed| {
        let (mut mesh, room) = open_square(3, seed);
        say(&mut mesh, BOB, room, "before");
        let until = for_an_hour(&mesh);
        mute(&mut mesh, ALICE, room, BOB, until);
        assert_eq!(mesh.send(BOB, room, "but"), Err(SendRefusal::Muted { until_ms: until.until_ms }));
        let ms = mesh.now_ms;
        force(&mut mesh, BOB, CAROL, room, ms, "all the same");
        for index in [ALICE, BOB, CAROL] {
            assert_eq!(shown(&mesh, index, room), ["before", HIDDEN]);
        }
        mesh.now_ms = until.until_ms;
        mesh.advance(A_WHILE_MS);
        say(&mut mesh, BOB, room, "after");
        assert_eq!(shown(&mesh, CAROL, room), ["before", HIDDEN, "after"]);
    });
}

#[test]
fn a_mute_that_ends_early_ends_for_what_is_written_from_then_on() {
    let (mut mesh, room) = open_square(3, 1);
    let until = for_an_hour(&mesh);
    mute(&mut mesh, ALICE, room, BOB, until);
    let ms = mesh.now_ms;
    force(&mut mesh, BOB, CAROL, room, ms, "muted");
    mute(&mut mesh, ALICE, room, BOB, no_longer());
    say(&mut mesh, BOB, room, "thanks");
    assert_eq!(shown(&mesh, CAROL, room), [HIDDEN, "thanks"]);
}

#[test]
fn dating_back_is_answered_by_naming_an_earlier_time() {
    let (mut mesh, room) = open_square(3, 1);
    say(&mut mesh, ALICE, room, "hello");
    mesh.advance(A_WHILE_MS);
    let muted_ms = mesh.now_ms;
    let until = for_an_hour(&mesh);
    mute(&mut mesh, ALICE, room, BOB, until);
    force(&mut mesh, BOB, CAROL, room, muted_ms - 30_000, "from before");
    assert_eq!(shown(&mesh, ALICE, room), ["hello", "from before"], "no clock can be checked");
    mute(&mut mesh, ALICE, room, BOB, Mute { from_ms: Some(muted_ms - A_WHILE_MS), ..until });
    for index in [ALICE, CAROL] {
        assert_eq!(shown(&mesh, index, room), ["hello", HIDDEN]);
    }
}

#[test]
fn who_is_muted_neither_edits_nor_reacts_but_takes_back() {
    let (mut mesh, room) = open_square(3, 1);
    let rules = say(&mut mesh, ALICE, room, "the rules");
    let own = say(&mut mesh, BOB, room, "harmless");
    let until = for_an_hour(&mesh);
    mute(&mut mesh, ALICE, room, BOB, until);
    let ms = mesh.now_ms;
    let reaction = Content::Reaction { to: rules, emoji: "\u{1f44e}".into(), on: true };
    for content in [Content::Edit { of: own, text: "buy now".into() }, reaction] {
        let (_, change) = signed(&mesh, BOB, room, ms, content);
        bring(&mut mesh, BOB, CAROL, room, change);
    }
    let posts = mesh.peers[CAROL].shown(room);
    assert!(posts[0].reactions.is_empty());
    assert_eq!(posts[1].text.as_deref(), Some("harmless"));
    let (now_ms, item) = (mesh.now_ms, mesh.peers[BOB].post(room, own).unwrap());
    mesh.peers[BOB].core.change(now_ms, room, &item, kinmesh_core::Change::Delete).unwrap();
    mesh.advance(A_WHILE_MS);
    assert!(mesh.peers[CAROL].shown(room)[1].deleted);
}

#[test]
fn two_admins_who_mute_and_unmute_apart_are_of_one_mind_when_they_meet() {
    for_each_seed(|seed| {
        let (mut mesh, room) = open_square(4, seed);
        make_admin(&mut mesh, ALICE, room, BOB);
        let until = for_an_hour(&mesh);
        mute(&mut mesh, ALICE, room, CAROL, until);
        mesh.unlink(ALICE, BOB);
        mesh.unlink(BOB, DAVE);
        mesh.unlink(BOB, CAROL);
        mute(&mut mesh, BOB, room, CAROL, no_longer());
        mute(&mut mesh, ALICE, room, CAROL, until);
        let ms = mesh.now_ms;
        force(&mut mesh, CAROL, DAVE, room, ms, "am I heard");
        mesh.link(ALICE, BOB);
        mesh.advance(2 * A_WHILE_MS);
        assert_eq!(shown(&mesh, BOB, room), [HIDDEN], "the last word holds");
        assert_eq!(shown(&mesh, BOB, room), shown(&mesh, ALICE, room));
    });
}

#[test]
fn who_is_put_out_is_not_listened_to_and_cannot_come_again() {
    for_each_seed(|seed| {
        let (mut mesh, room) = open_square(3, seed);
        say(&mut mesh, BOB, room, "before");
        remove(&mut mesh, ALICE, room, BOB, None);
        mesh.advance(A_WHILE_MS);
        assert!(!view(&mut mesh, BOB, room).joined);
        assert_eq!(standing(&mut mesh, BOB, room), FoundedStanding::PutOut);
        enter(&mut mesh, BOB, room);
        mesh.advance(A_WHILE_MS);
        assert_eq!(mesh.send(BOB, room, "me again"), Err(SendRefusal::PutOut));
        let ms = mesh.now_ms;
        force(&mut mesh, BOB, CAROL, room, ms, "me again");
        say(&mut mesh, ALICE, room, "peace");
        mesh.advance(A_WHILE_MS);
        for index in [ALICE, CAROL] {
            assert_eq!(mesh.peers[index].texts(room), ["before", "peace"], "not even kept");
            assert!(!mesh.peers[index].core.members(room_of(room)).contains(&mesh.peers[BOB].person()));
        }
        let request = SyncRequest {
            conversation: room.tag(mesh.peers[BOB].person()),
            ask: SyncAsk::Compare { range: Default::default(), digest: Default::default() },
        };
        assert_eq!(mesh.ask_history(BOB, CAROL, request), SyncResponse::NotHere);
    });
}

#[test]
fn a_removal_may_take_along_what_was_said_before_it() {
    let (mut mesh, room) = open_square(3, 1);
    say(&mut mesh, BOB, room, "spam");
    say(&mut mesh, ALICE, room, "enough");
    remove(&mut mesh, ALICE, room, BOB, Some(0));
    assert_eq!(shown(&mesh, CAROL, room), [HIDDEN, "enough"]);
    assert_eq!(why(&mesh, CAROL, room, 0), Withheld::PutOut { by: mesh.peers[ALICE].person() });
}

#[test]
fn who_is_let_in_again_is_heard_again() {
    let (mut mesh, room) = open_square(3, 1);
    remove(&mut mesh, ALICE, room, BOB, None);
    mesh.advance(A_WHILE_MS);
    let_in(&mut mesh, ALICE, room, BOB);
    enter(&mut mesh, BOB, room);
    mesh.advance(A_WHILE_MS);
    say(&mut mesh, BOB, room, "thank you");
    mesh.advance(A_WHILE_MS);
    assert_eq!(shown(&mesh, CAROL, room), ["thank you"]);
    assert_eq!(standing(&mut mesh, BOB, room), FoundedStanding::In);
}

#[test]
fn a_removal_that_races_with_a_message_leaves_all_with_the_same_history() {
    for_each_seed(|seed| {
        let (mut mesh, room) = open_square(4, seed);
        mesh.unlink(ALICE, BOB);
        mesh.unlink(ALICE, DAVE);
        mesh.unlink(CAROL, BOB);
        mesh.unlink(CAROL, DAVE);
        remove(&mut mesh, ALICE, room, BOB, None);
        say(&mut mesh, BOB, room, "I have not heard of it");
        assert_eq!(shown(&mesh, DAVE, room), ["I have not heard of it"]);
        mesh.link(CAROL, DAVE);
        mesh.advance(2 * A_WHILE_MS);
        for index in [ALICE, CAROL, DAVE] {
            assert_eq!(shown(&mesh, index, room), [HIDDEN], "peer {index}");
        }
        let agreeing = view(&mut mesh, CAROL, room).completeness;
        assert_eq!(agreeing.agreeing, agreeing.members, "{agreeing:?}");
    });
}

#[test]
fn a_slow_room_makes_people_wait_and_says_how_long() {
    let (mut mesh, room) = square(3, 1, Door::Open, 30_000);
    say(&mut mesh, BOB, room, "one");
    let refused = mesh.send(BOB, room, "two");
    assert!(matches!(refused, Err(SendRefusal::TooSoon { wait_ms: 28_000..=29_999 })), "{refused:?}");
    mesh.restart(BOB);
    mesh.link(ALICE, BOB);
    mesh.link(BOB, CAROL);
    mesh.settle();
    assert!(mesh.send(BOB, room, "two").is_err(), "a restart is no way around it");
    mesh.advance(30_000);
    say(&mut mesh, BOB, room, "two");
    say(&mut mesh, ALICE, room, "admins");
    say(&mut mesh, ALICE, room, "do not wait");
    mesh.advance(A_WHILE_MS);
    for index in [ALICE, BOB, CAROL] {
        assert_eq!(shown(&mesh, index, room), ["one", "two", "admins", "do not wait"]);
    }
}

#[test]
fn of_a_flood_in_a_slow_room_the_first_post_is_shown_in_whatever_order_it_comes() {
    for_each_seed(|seed| {
        let (mut mesh, room) = square(3, seed, Door::Open, 30_000);
        let ms = mesh.now_ms;
        let mut order = vec![0, 1, 2, 3];
        while !order.is_empty() {
            let next = order.remove(mesh.dice.below(order.len()));
            let text = format!("flood {next}");
            let (_, entry) = signed(&mesh, BOB, room, ms + 1_000 * next, Content::text(text));
            let frame = RoomFrame::Entries { entries: vec![entry], attempt: 0 };
            mesh.bring_frame(BOB, CAROL, room_of(room), frame);
            mesh.advance(1_000);
        }
        mesh.advance(A_WHILE_MS);
        for index in [ALICE, BOB, CAROL] {
            assert_eq!(shown(&mesh, index, room), ["flood 0", HIDDEN, HIDDEN, HIDDEN]);
            assert_eq!(why(&mesh, index, room, 2), Withheld::TooSoon);
        }
    });
}

#[test]
fn nothing_is_looked_up_for_who_need_not_wait() {
    let (mut mesh, room) = open_square(2, 1);
    let fast = say(&mut mesh, BOB, room, "one");
    let slow = kinmesh_proto::RoomSettings {
        slow_ms: 30_000,
        ..kinmesh_proto::RoomSettings::new(name("Square"), StatusLine::default(), Past::All)
    };
    let now_ms = mesh.now_ms;
    mesh.peers[ALICE].core.set_room_settings(now_ms, room_of(room), slow).unwrap();
    mesh.advance(A_WHILE_MS);
    let (admins, bobs) = (say(&mut mesh, ALICE, room, "admins"), say(&mut mesh, BOB, room, "two"));
    let wait = |mesh: &Mesh, key| {
        let item = mesh.peers[ALICE].post(room, key).unwrap();
        mesh.peers[ALICE].core.lens(room).pacer().wait(&item.post.entry)
    };
    assert_eq!((wait(&mesh, fast), wait(&mesh, admins)), (None, None));
    let since = wait(&mesh, bobs).unwrap().since;
    assert_eq!(since, Hlc::from_ms(bobs.clock.ms() - 30_000), "no further back than he has to wait");
    hide(&mut mesh, ALICE, room, bobs, true);
    assert_eq!(wait(&mesh, bobs), None, "it is not shown anyway");
}

#[test]
fn a_post_that_turns_up_late_tells_faces_to_look_again() {
    let (mut mesh, room) = square(2, 1, Door::Open, 30_000);
    let ms = mesh.now_ms;
    force(&mut mesh, BOB, ALICE, room, ms + 2_000, "second");
    assert_eq!(shown(&mesh, ALICE, room), ["second"]);
    mesh.peers[ALICE].told.clear();
    force(&mut mesh, BOB, ALICE, room, ms + 1_000, "first");
    assert_eq!(shown(&mesh, ALICE, room), ["first", HIDDEN]);
    assert!(mesh.peers[ALICE].is_told(&kinmesh_core::ConversationEvent::ShownAnew));
}

#[test]
fn settings_that_change_judge_what_is_written_from_then_on() {
    let (mut mesh, room) = open_square(3, 1);
    say(&mut mesh, BOB, room, "one");
    say(&mut mesh, BOB, room, "two");
    let slow = kinmesh_proto::RoomSettings {
        slow_ms: 30_000,
        ..kinmesh_proto::RoomSettings::new(name("Plaza"), StatusLine::default(), Past::All)
    };
    let now_ms = mesh.now_ms;
    mesh.peers[ALICE].core.set_room_settings(now_ms, room_of(room), slow.clone()).unwrap();
    mesh.advance(A_WHILE_MS);
    assert_eq!(shown(&mesh, CAROL, room), ["one", "two"]);
    let view = view(&mut mesh, CAROL, room);
    assert_eq!((view.name, view.moderation.unwrap().slow_ms), (name("Plaza"), 30_000));
    let too_slow = kinmesh_proto::RoomSettings { slow_ms: u64::MAX, ..slow };
    let refused = mesh.peers[ALICE].core.set_room_settings(now_ms, room_of(room), too_slow);
    assert_eq!(refused, Err(RoomRefusal::TooSlow));
}

#[test]
fn a_thousand_reactions_of_who_is_muted_push_out_nothing_that_is_shown() {
    let (mut mesh, room) = open_square(3, 1);
    let key = say(&mut mesh, CAROL, room, "helo");
    let mut change = |index: usize, change| {
        let (now_ms, item) = (mesh.now_ms, mesh.peers[index].post(room, key).unwrap());
        mesh.peers[index].core.change(now_ms, room, &item, change).unwrap();
        mesh.advance(1_000);
    };
    let emoji = "\u{1f44d}".to_owned();
    change(ALICE, Change::React { emoji: emoji.clone(), on: true });
    change(CAROL, Change::Edit("hello".to_owned()));
    mute(&mut mesh, ALICE, room, BOB, Mute { until_ms: u64::MAX, from_ms: None });
    let reaction = |n: u64| {
        let content = Content::Reaction { to: key, emoji: emoji.clone(), on: true };
        let (keys, clock) = (mesh.peers[BOB].keys(), Hlc::from_ms(mesh.now_ms + n));
        let tag = room.tag(keys.person());
        let body = EntryBody { conversation: tag, clock, seq: 1_000 + n, prev: vec![], content };
        Unverified::sign(body, &keys)
    };
    let flood: Vec<_> = (0..1_024).map(reaction).collect();
    mesh.remember(CAROL, room, &flood);
    let shown = mesh.peers[CAROL].shown(room).remove(0);
    let people: Vec<_> = shown.reactions.into_iter().flat_map(|reaction| reaction.people).collect();
    assert_eq!((shown.text.as_deref(), people), (Some("hello"), vec![mesh.peers[ALICE].person()]));
}

#[test]
fn admins_who_change_rules_apart_undo_nothing_of_each_others() {
    for_each_seed(|seed| {
        let (mut mesh, room) = open_square(3, seed);
        make_admin(&mut mesh, ALICE, room, BOB);
        mesh.unlink(ALICE, BOB);
        mesh.unlink(ALICE, CAROL);
        shut_the_door(&mut mesh, room);
        let slow = kinmesh_proto::RoomSettings {
            slow_ms: 30_000,
            ..kinmesh_proto::RoomSettings::new(name("Plaza"), StatusLine::default(), Past::All)
        };
        let now_ms = mesh.now_ms;
        mesh.peers[BOB].core.set_room_settings(now_ms, room_of(room), slow).unwrap();
        mesh.advance(A_WHILE_MS);
        mesh.link(ALICE, BOB);
        mesh.link(ALICE, CAROL);
        mesh.advance(A_WHILE_MS);
        for index in [ALICE, BOB, CAROL] {
            let view = view(&mut mesh, index, room);
            let rules = (view.founded.unwrap().door, view.moderation.unwrap().slow_ms);
            assert_eq!((view.name, rules), (name("Plaza"), (Door::Knock, 30_000)));
        }
    });
}

#[test]
fn who_knocks_is_let_in_by_an_admin_and_gets_the_history() {
    for_each_seed(|seed| {
        let (mut mesh, room) = square(3, seed, Door::Knock, 0);
        say(&mut mesh, ALICE, room, "members only");
        assert_eq!(standing(&mut mesh, BOB, room), FoundedStanding::Outside);
        assert_eq!(mesh.send(BOB, room, "let me"), Err(SendRefusal::NotLetIn));
        let ms = mesh.now_ms;
        force(&mut mesh, BOB, ALICE, room, ms, "all the same");
        assert_eq!(mesh.peers[ALICE].texts(room), ["members only"]);
        let now_ms = mesh.now_ms;
        mesh.peers[BOB].core.knock(now_ms, room_of(room), "it is me, Bob").unwrap();
        mesh.advance(5_000);
        assert_eq!(standing(&mut mesh, BOB, room), FoundedStanding::Knocking);
        let knocks = view(&mut mesh, ALICE, room).founded.unwrap().knocks;
        assert_eq!(knocks.len(), 1);
        assert_eq!((knocks[0].person, knocks[0].text.as_str()), (mesh.peers[BOB].person(), "it is me, Bob"));
        assert!(view(&mut mesh, CAROL, room).founded.unwrap().knocks.is_empty());
        let_in(&mut mesh, ALICE, room, BOB);
        mesh.advance(A_WHILE_MS);
        assert_eq!(standing(&mut mesh, BOB, room), FoundedStanding::In);
        assert_eq!(shown(&mesh, BOB, room), ["members only"]);
        say(&mut mesh, BOB, room, "thanks");
        assert_eq!(shown(&mesh, ALICE, room), ["members only", "thanks"]);
        assert!(view(&mut mesh, ALICE, room).founded.unwrap().knocks.is_empty());
    });
}

#[test]
fn a_knock_outlives_restarts_on_both_sides_and_lost_answers() {
    let (mut mesh, room) = square(2, 1, Door::Knock, 0);
    mesh.unlink(ALICE, BOB);
    let now_ms = mesh.now_ms;
    mesh.peers[BOB].core.knock(now_ms, room_of(room), "").unwrap();
    mesh.settle();
    mesh.restart(BOB);
    mesh.faults = Faults { chat_lost: 50, ..Faults::default() };
    mesh.link(ALICE, BOB);
    mesh.advance(10 * A_WHILE_MS);
    mesh.restart(ALICE);
    let founded = view(&mut mesh, ALICE, room).founded.unwrap();
    assert_eq!(founded.knocks.len(), 1, "shown once, and still there");
}

#[test]
fn who_is_declined_hears_nothing_and_is_not_shown_again() {
    let (mut mesh, room) = square(2, 1, Door::Knock, 0);
    let (now_ms, bob) = (mesh.now_ms, mesh.peers[BOB].person());
    mesh.peers[BOB].core.knock(now_ms, room_of(room), "please").unwrap();
    mesh.advance(5_000);
    mesh.peers[ALICE].core.decline_knock(room_of(room), bob).unwrap();
    assert_eq!(mesh.peers[ALICE].core.decline_knock(room_of(room), bob), Err(KnockRefusal::NoKnock));
    mesh.advance(20 * A_WHILE_MS);
    assert!(view(&mut mesh, ALICE, room).founded.unwrap().knocks.is_empty());
    assert_eq!(standing(&mut mesh, BOB, room), FoundedStanding::Knocking);
    mesh.peers[BOB].core.stop_knocking(room_of(room)).unwrap();
    assert_eq!(standing(&mut mesh, BOB, room), FoundedStanding::Outside);
}

#[test]
fn knocks_are_short_few_and_heard_by_admins_alone() {
    let (mut mesh, room) = square(3, 1, Door::Knock, 0);
    let now_ms = mesh.now_ms;
    let long = "x".repeat(257);
    assert_eq!(mesh.peers[BOB].core.knock(now_ms, room_of(room), &long), Err(KnockRefusal::TooLong));
    assert_eq!(mesh.peers[ALICE].core.knock(now_ms, room_of(room), ""), Err(KnockRefusal::IsIn));
    let log = ConversationId::Control(room_of(room));
    let knock = |mesh: &Mesh, text: &str| SyncRequest {
        conversation: log.tag(mesh.peers[BOB].person()),
        ask: SyncAsk::Knock(text.to_owned()),
    };
    let request = knock(&mesh, "hello");
    assert_eq!(mesh.ask_history(BOB, CAROL, request), SyncResponse::NotHere, "Carol lets nobody in");
    for _ in 0..100 {
        let request = knock(&mesh, "hello");
        assert_eq!(mesh.ask_history(BOB, ALICE, request), SyncResponse::Knocked);
    }
    assert_eq!(view(&mut mesh, ALICE, room).founded.unwrap().knocks.len(), 1);
    let request = knock(&mesh, &long);
    assert_eq!(mesh.ask_history(BOB, ALICE, request), SyncResponse::NotHere);
}

#[test]
fn what_the_user_hides_is_hidden_from_them_alone() {
    let (mut mesh, room) = open_square(3, 1);
    let one = say(&mut mesh, BOB, room, "one");
    say(&mut mesh, BOB, room, "two");
    say(&mut mesh, ALICE, room, "three");
    let bob = mesh.peers[BOB].person();
    mesh.forget_traffic();
    mesh.peers[CAROL].core.hide_here(room, HideHere::Entry(one), true).unwrap();
    mesh.settle();
    assert_eq!(shown(&mesh, CAROL, room), [HIDDEN, "two", "three"]);
    assert_eq!(why(&mesh, CAROL, room, 0), Withheld::Entry);
    mesh.peers[CAROL].core.hide_here(room, HideHere::Author(bob), true).unwrap();
    mesh.settle();
    assert_eq!(shown(&mesh, CAROL, room), [HIDDEN, HIDDEN, "three"]);
    assert_eq!(shown(&mesh, ALICE, room), ["one", "two", "three"]);
    assert_eq!(mesh.peers[ALICE].gossiped + mesh.peers[BOB].gossiped, 0);
    mesh.restart(CAROL);
    assert_eq!(shown(&mesh, CAROL, room), [HIDDEN, HIDDEN, "three"], "it outlives a start");
    assert_eq!(view(&mut mesh, CAROL, room).hidden_people, [bob]);
    for what in [HideHere::Entry(one), HideHere::Author(bob)] {
        mesh.peers[CAROL].core.hide_here(room, what, false).unwrap();
    }
    mesh.settle();
    assert_eq!(shown(&mesh, CAROL, room), ["one", "two", "three"]);
}

#[test]
fn any_room_can_be_hidden_from_and_no_chat() {
    let (mut mesh, lobby) = Mesh::in_the_lobby(2, 1);
    let key = mesh.send(BOB, lobby, "hello").unwrap();
    mesh.settle();
    mesh.peers[ALICE].core.hide_here(lobby, HideHere::Entry(key), true).unwrap();
    mesh.settle();
    assert_eq!(shown(&mesh, ALICE, lobby), [HIDDEN]);
    let chat = mesh.chat_with(BOB);
    let refused = mesh.peers[ALICE].core.hide_here(chat, HideHere::Entry(key), true);
    assert_eq!(refused, Err(HideRefusal::NotARoom));
}

#[test]
fn admins_of_a_private_room_hide_and_mute_too() {
    let mut mesh = Mesh::new(2, 1);
    mesh.link(ALICE, BOB);
    mesh.befriend(ALICE, BOB);
    let people = vec![mesh.peers[BOB].person()];
    let new = NewRoom { name: name("Boat"), topic: StatusLine::default(), past: Past::All, people };
    let now_ms = mesh.now_ms;
    let (room, _) = mesh.peers[ALICE].core.create_room(now_ms, new).unwrap();
    mesh.advance(A_WHILE_MS);
    let host = mesh.peers[ALICE].person();
    mesh.peers[BOB].core.enter_room(room, Some(name("Boat")), host).unwrap();
    mesh.advance(A_WHILE_MS);
    let room = ConversationId::Room(room);
    let key = say(&mut mesh, BOB, room, "ahoy");
    hide(&mut mesh, ALICE, room, key, true);
    assert_eq!(shown(&mesh, BOB, room), [HIDDEN]);
    let until = for_an_hour(&mesh);
    mute(&mut mesh, ALICE, room, BOB, until);
    assert!(matches!(mesh.send(BOB, room, "ahoy"), Err(SendRefusal::Muted { .. })));
    assert_eq!(view(&mut mesh, BOB, room).moderation.unwrap().muted.len(), 1);
}

#[test]
fn rooms_that_are_called_the_same_are_told_apart() {
    let (mut mesh, _) = open_square(2, 1);
    let new =
        NewPublicRoom { name: name("square"), topic: StatusLine::default(), door: Door::Open, slow_ms: 0 };
    let now_ms = mesh.now_ms;
    mesh.peers[BOB].core.found_room(now_ms, new).unwrap();
    mesh.settle();
    let rooms = mesh.peers[BOB].core.overview().rooms;
    assert_eq!(rooms.len(), 2);
    let founded: Vec<_> = rooms.into_iter().map(|room| room.founded.unwrap()).collect();
    assert!(founded.iter().all(|founded| founded.name_clashes));
    assert_ne!(founded[0].fingerprint, founded[1].fingerprint);
}

#[test]
fn everybody_shows_the_same_whatever_was_lost_and_late() {
    for_each_seed(|seed| {
        let (mut mesh, room) = square(4, seed, Door::Open, 3_000);
        make_admin(&mut mesh, ALICE, room, BOB);
        mesh.faults =
            Faults { gossip_lost: 40, chat_lost: 20, repeated: 10, shuffled: true, ..Faults::default() };
        let mut said = Vec::new();
        for _ in 0..12 {
            let (author, admin) = (mesh.dice.below(4), mesh.dice.below(2));
            said.extend(mesh.send(author, room, &format!("word of {author}")).ok());
            let (now_ms, whom) = (mesh.now_ms, mesh.peers[2 + mesh.dice.below(2)].person());
            let until_ms = if mesh.dice.percent(50) { now_ms + 20_000 } else { 0 };
            let entry = said.get(mesh.dice.below(said.len().max(1))).copied();
            let dice = mesh.dice.below(4);
            let core = &mut mesh.peers[admin].core;
            // An admin whose log says no decides nothing.
            let _ = match (dice, entry) {
                (0, _) => core.mute_in_room(now_ms, room_of(room), whom, Mute { until_ms, from_ms: None }),
                (1, Some(entry)) => {
                    let (hidden, reason) = (until_ms > 0, StatusLine::default());
                    core.hide_in_room(now_ms, room_of(room), vec![entry], hidden, reason)
                }
                _ => Err(RoomRefusal::HideCount),
            };
            let (one, two) = (mesh.dice.below(4), mesh.dice.below(4));
            if one != two && mesh.dice.percent(40) {
                if mesh.dice.percent(50) { mesh.unlink(one, two) } else { mesh.link(one, two) }
            }
            mesh.advance(2_000);
        }
        mesh.faults = Faults::default();
        for one in 0..4 {
            for two in one + 1..4 {
                mesh.link(one, two);
            }
        }
        mesh.advance(5 * A_WHILE_MS);
        let of_alice = mesh.peers[ALICE].shown(room);
        let words = |views: &[kinmesh_core::EntryView]| {
            views.iter().map(|view| (view.key, view.text.clone(), view.withheld.clone())).collect::<Vec<_>>()
        };
        for index in [BOB, CAROL, DAVE] {
            assert_eq!(words(&mesh.peers[index].shown(room)), words(&of_alice), "peer {index}");
        }
    });
}

#[test]
fn a_knock_is_told_to_faces() {
    let (mut mesh, room) = square(2, 1, Door::Knock, 0);
    let now_ms = mesh.now_ms;
    mesh.peers[BOB].core.knock(now_ms, room_of(room), "please").unwrap();
    mesh.advance(5_000);
    let person = mesh.peers[BOB].person();
    let told = &mesh.peers[ALICE].told;
    let is_it = |event: &Event| {
        let knocked = kinmesh_core::ConversationEvent::Knocked { person };
        matches!(event, Event::Conversation { change, .. } if *change == knocked)
    };
    assert!(told.iter().any(is_it));
}

#[test]
fn an_admin_who_was_put_out_takes_the_room_from_nobody() {
    for_each_seed(|seed| {
        let (mut mesh, room) = open_square(3, seed);
        make_admin(&mut mesh, ALICE, room, BOB);
        let log = ConversationId::Control(room_of(room));
        let person = mesh.peers[ALICE].person();
        let step = Control::Remove { person, epoch: None, from_ms: Some(0) };
        let (_, step) = signed(&mesh, BOB, log, mesh.now_ms, Content::Control(Box::new(step)));
        say(&mut mesh, ALICE, room, "the rules");
        make_admin(&mut mesh, ALICE, room, CAROL);
        mesh.advance(A_WHILE_MS);
        remove(&mut mesh, CAROL, room, BOB, None);
        bring(&mut mesh, BOB, CAROL, room, step);
        for index in [ALICE, CAROL] {
            assert_eq!(shown(&mesh, index, room), ["the rules"]);
            assert_eq!(view(&mut mesh, index, room).moderation.unwrap().role, Some(Role::Admin));
        }
        assert_eq!(standing(&mut mesh, BOB, room), FoundedStanding::PutOut);
    });
}

#[test]
fn nobody_is_let_to_try_to_put_out_who_made_them_an_admin() {
    let (mut mesh, room) = open_square(3, 1);
    make_admin(&mut mesh, ALICE, room, BOB);
    mesh.advance(A_WHILE_MS);
    make_admin(&mut mesh, BOB, room, CAROL);
    mesh.advance(A_WHILE_MS);
    let [alice, bob, carol] = [ALICE, BOB, CAROL].map(|index| mesh.peers[index].person());
    let (now_ms, room) = (mesh.now_ms, room_of(room));
    for (by, whom) in [(BOB, alice), (CAROL, alice), (CAROL, bob)] {
        let core = &mut mesh.peers[by].core;
        assert_eq!(core.remove_from_room(now_ms, room, whom, None), Err(RoomRefusal::Senior));
        assert_eq!(core.set_role(now_ms, room, whom, Role::Member), Err(RoomRefusal::Senior));
    }
    assert!(mesh.peers[BOB].core.remove_from_room(now_ms, room, carol, None).is_ok());
}

#[test]
fn a_clock_that_somebody_put_ahead_delays_no_decision_about_them() {
    let (mut mesh, room) = open_square(3, 1);
    say(&mut mesh, BOB, room, "before");
    let ahead_ms = mesh.now_ms + 290_000;
    force(&mut mesh, BOB, ALICE, room, ahead_ms, "from the future");
    let soon = Mute { until_ms: mesh.now_ms + 2 * 60_000, from_ms: None };
    mute(&mut mesh, ALICE, room, BOB, soon);
    let ms = mesh.now_ms;
    force(&mut mesh, BOB, CAROL, room, ms, "muted");
    for index in [ALICE, CAROL] {
        assert_eq!(shown(&mesh, index, room), ["before", HIDDEN, "from the future"]);
    }
    remove(&mut mesh, ALICE, room, BOB, None);
    let ms = mesh.now_ms;
    force(&mut mesh, BOB, CAROL, room, ms, "put out");
    assert!(!mesh.peers[CAROL].texts(room).contains(&"put out".to_owned()));
}

fn shut_the_door(mesh: &mut Mesh, room: ConversationId) {
    let knock = kinmesh_proto::RoomSettings {
        door: Door::Knock,
        ..kinmesh_proto::RoomSettings::new(name("Square"), StatusLine::default(), Past::All)
    };
    let now_ms = mesh.now_ms;
    mesh.peers[ALICE].core.set_room_settings(now_ms, room_of(room), knock).unwrap();
    mesh.advance(A_WHILE_MS);
}

#[test]
fn dating_back_before_the_door_was_shut_brings_nothing_in() {
    let (mut mesh, room) = open_square(3, 1);
    mesh.unlink(ALICE, CAROL);
    mesh.unlink(BOB, CAROL);
    say(&mut mesh, BOB, room, "truly before");
    let before_ms = mesh.now_ms;
    shut_the_door(&mut mesh, room);
    mesh.link(ALICE, CAROL);
    let_in(&mut mesh, ALICE, room, CAROL);
    mesh.advance(A_WHILE_MS);
    assert_eq!(mesh.peers[CAROL].texts(room), ["truly before"], "members have it, and hand it on");
    mesh.link(BOB, CAROL);
    for ms in 0..10 {
        force(&mut mesh, BOB, CAROL, room, before_ms + ms, "flood");
    }
    for index in [ALICE, CAROL] {
        assert_eq!(mesh.peers[index].texts(room), ["truly before"], "peer {index}");
    }
}

#[test]
fn who_is_outside_takes_nothing_back_that_nobody_was_shown() {
    let (mut mesh, room) = square(2, 1, Door::Knock, 0);
    let ms = mesh.now_ms;
    let of = EntryKey { clock: Hlc::from_ms(ms), id: kinmesh_proto::EntryId([7; 32]) };
    let (_, delete) = signed(&mesh, BOB, room, ms, Content::Delete { of });
    bring(&mut mesh, BOB, ALICE, room, delete);
    assert!(mesh.peers[ALICE].history(room).is_empty());
}

#[test]
fn who_was_put_out_takes_back_what_they_said_before() {
    let (mut mesh, room) = open_square(3, 1);
    let key = say(&mut mesh, BOB, room, "sorry");
    mesh.advance(A_WHILE_MS);
    remove(&mut mesh, ALICE, room, BOB, None);
    mesh.advance(A_WHILE_MS);
    let (_, delete) = signed(&mesh, BOB, room, mesh.now_ms, Content::Delete { of: key });
    bring(&mut mesh, BOB, CAROL, room, delete);
    assert!(mesh.peers[CAROL].shown(room)[0].deleted);
}

#[test]
fn a_room_that_was_entered_before_its_log_was_here_is_decided_in_after_a_restart() {
    let (mut mesh, room) = open_square(1, 1);
    mesh.add();
    enter(&mut mesh, BOB, room);
    mesh.restart(BOB);
    mesh.link(ALICE, BOB);
    mesh.advance(A_WHILE_MS);
    make_admin(&mut mesh, ALICE, room, BOB);
    mesh.advance(A_WHILE_MS);
    let spam = say(&mut mesh, ALICE, room, "buy now");
    hide(&mut mesh, BOB, room, spam, true);
    mesh.advance(A_WHILE_MS);
    assert_eq!(shown(&mesh, ALICE, room), [HIDDEN]);
    mesh.restart(BOB);
    assert_eq!(view(&mut mesh, BOB, room).moderation.unwrap().role, Some(Role::Admin));
}

#[test]
fn in_a_full_log_nothing_is_decided_that_others_would_not_keep() {
    let (mut mesh, room) = open_square(2, 1);
    let log = ConversationId::Control(room_of(room));
    let crowd: Vec<_> = (0..8).map(|n| DeviceKeys::generate(&[100 + n; 32], &[200 + n; 32], 7)).collect();
    for keys in &crowd {
        let now_ms = mesh.now_ms;
        mesh.peers[ALICE].core.add_to_room(now_ms, room_of(room), keys.person()).unwrap();
        mesh.advance(1_000);
    }
    let mut place = 1024 - mesh.peers[ALICE].history(log).len() as u64;
    for keys in &crowd {
        let step = |seq| {
            let content = Content::Control(Box::new(Control::Leave));
            let conversation = log.tag(keys.person());
            let body = EntryBody { conversation, clock: Hlc(1 + seq), seq, prev: vec![], content };
            Unverified::sign(body, keys).envelope().clone()
        };
        let steps = place.min(128);
        place -= steps;
        let frame = RoomFrame::Entries { entries: (1..=steps).map(step).collect(), attempt: 0 };
        mesh.bring_frame(BOB, ALICE, room_of(room), frame);
        mesh.settle();
    }
    assert_eq!((place, mesh.peers[ALICE].history(log).len()), (0, 1024));
    let (now_ms, bob) = (mesh.now_ms, mesh.peers[BOB].person());
    let core = &mut mesh.peers[ALICE].core;
    let refused = core.mute_in_room(now_ms, room_of(room), bob, Mute { until_ms: u64::MAX, from_ms: None });
    assert_eq!(refused, Err(RoomRefusal::LogFull));
    remove(&mut mesh, ALICE, room, BOB, None);
    mesh.advance(A_WHILE_MS);
    assert_eq!(standing(&mut mesh, BOB, room), FoundedStanding::PutOut, "that is kept by everybody");
}

/// Alice's room that is knocked at, and so many others before it, connected to her alone.
fn a_crowd_outside(others: usize) -> (Mesh, ConversationId) {
    let (mut mesh, room) = square(1, 1, Door::Knock, 0);
    for index in 1..=others {
        mesh.add();
        mesh.link(ALICE, index);
        enter(&mut mesh, index, room);
    }
    mesh.advance(A_WHILE_MS);
    (mesh, room)
}

fn knocks_shown(mesh: &mut Mesh, room: ConversationId) -> usize {
    view(mesh, ALICE, room).founded.unwrap().knocks.len()
}

#[test]
fn no_more_than_twenty_are_heard_in_an_hour_whoever_is_declined() {
    let (mut mesh, room) = a_crowd_outside(22);
    let knock = |mesh: &mut Mesh, index: usize| {
        let conversation = ConversationId::Control(room_of(room)).tag(mesh.peers[index].person());
        let request = SyncRequest { conversation, ask: SyncAsk::Knock(String::new()) };
        assert_eq!(mesh.ask_history(index, ALICE, request), SyncResponse::Knocked);
    };
    for index in 1..=20 {
        knock(&mut mesh, index);
        let person = mesh.peers[index].person();
        mesh.peers[ALICE].core.decline_knock(room_of(room), person).unwrap();
    }
    knock(&mut mesh, 21);
    assert_eq!(knocks_shown(&mut mesh, room), 0);
    mesh.now_ms += HOUR_MS;
    knock(&mut mesh, 22);
    assert_eq!(knocks_shown(&mut mesh, room), 1);
}

#[test]
fn knocks_that_come_together_are_all_on_the_disk() {
    let (mut mesh, room) = a_crowd_outside(4);
    for index in 1..=4 {
        let now_ms = mesh.now_ms;
        mesh.peers[index].core.knock(now_ms, room_of(room), "please").unwrap();
    }
    mesh.settle();
    assert_eq!(knocks_shown(&mut mesh, room), 4);
    mesh.restart(ALICE);
    assert_eq!(knocks_shown(&mut mesh, room), 4);
}

#[test]
fn a_knock_that_the_disk_refuses_is_not_shown_until_it_takes_it() {
    let (mut mesh, room) = a_crowd_outside(1);
    mesh.peers[ALICE].disk_works = false;
    let now_ms = mesh.now_ms;
    mesh.peers[BOB].core.knock(now_ms, room_of(room), "please").unwrap();
    mesh.advance(5_000);
    assert_eq!(knocks_shown(&mut mesh, room), 0);
    mesh.peers[ALICE].disk_works = true;
    mesh.advance(5_000);
    assert_eq!(knocks_shown(&mut mesh, room), 1);
}
