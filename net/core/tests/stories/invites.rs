//! Invitations to a chat: given away as tickets, counted by who made them, and not lost on the way.

use kinmesh_core::{
    Acquaintance, Because, ConversationEvent, Event, InviteFault, InviteState, NewInvite, OpenFault,
    OpeningView, UnknownInvite, WaitReason,
};
use kinmesh_proto::{
    ConversationId, DisplayName, InviteRefusal, InviteRequest, InviteResponse, Reach, Ticket, TicketError,
    TicketId, TicketRoom, TicketToken,
};
use serde_bytes::ByteArray;

use crate::mesh::{Faults, Mesh, START_MS};
use crate::{ALICE, BOB, CAROL, for_each_seed};

const DAY_MS: u64 = 24 * 60 * 60 * 1000;
const FOR_ONE: NewInvite = NewInvite { room: None, expires_ms: Some(START_MS + DAY_MS), uses: Some(1) };
const FOR_ANYBODY: NewInvite = NewInvite { room: None, expires_ms: None, uses: None };

/// Alice makes an invitation, and gives its ticket away.
fn ticket(mesh: &mut Mesh, new: NewInvite) -> Ticket {
    let number = mesh.peers[ALICE].core.overview().invites.len() as u8;
    let token = TicketToken(ByteArray::new([number; 16]));
    mesh.peers[ALICE].core.make_invite(mesh.now_ms, token, new).unwrap();
    mesh.settle();
    Ticket {
        token,
        person: mesh.peers[ALICE].person(),
        name: DisplayName::new("Alice").unwrap(),
        devices: vec![Reach { device: mesh.peers[ALICE].device(), addresses: vec![] }],
        bootstraps: vec![],
        room: None,
        expires_ms: new.expires_ms,
        uses: new.uses,
    }
}

fn open(mesh: &mut Mesh, index: usize, ticket: &Ticket) -> ConversationId {
    let (leads_to, _) = mesh.peers[index].core.open_ticket(mesh.now_ms, ticket).unwrap();
    mesh.settle();
    leads_to
}

fn is_contact(mesh: &mut Mesh, of: usize, who: usize) -> bool {
    let person = mesh.peers[who].person();
    mesh.peers[of].core.overview().people.iter().any(|view| view.person == person && view.contact)
}

fn are_contacts(mesh: &mut Mesh, one: usize, two: usize) -> bool {
    is_contact(mesh, one, two) && is_contact(mesh, two, one)
}

/// Whether each knows that the other has accepted them.
fn have_accepted_each_other(mesh: &mut Mesh, one: usize, two: usize) -> bool {
    [(one, two), (two, one)].into_iter().all(|(of, who)| {
        let person = mesh.peers[who].person();
        let people = mesh.peers[of].core.overview().people;
        people.iter().any(|view| view.person == person && view.acquaintance == Acquaintance::Contact)
    })
}

/// Why a peer was told that another one is a contact, each time it was.
fn told_why(mesh: &Mesh, of: usize, who: usize) -> Vec<Because> {
    let whom = mesh.peers[who].person();
    let why = |event: &Event| match event {
        Event::BecameContacts { person, because } if *person == whom => Some(*because),
        _ => None,
    };
    mesh.peers[of].told.iter().filter_map(why).collect()
}

fn used_by(mesh: &mut Mesh) -> usize {
    mesh.peers[ALICE].core.overview().invites[0].used_by.len()
}

fn opening(mesh: &mut Mesh, index: usize) -> Option<OpeningView> {
    mesh.peers[index].core.overview().openings.pop()
}

fn refusal(mesh: &mut Mesh, index: usize) -> Option<InviteRefusal> {
    opening(mesh, index).and_then(|opening| opening.refused)
}

fn proof_of(mesh: &Mesh, ticket: &Ticket, bearer: usize) -> InviteRequest {
    let proof = ticket.token.proof(ticket.person, mesh.peers[bearer].person());
    InviteRequest::Redeem { ticket: ticket.id(), proof: ByteArray::new(proof) }
}

#[test]
fn who_opens_an_invitation_and_who_made_it_are_contacts() {
    let mut mesh = Mesh::new(2, 0);
    mesh.link(ALICE, BOB);
    let ticket = ticket(&mut mesh, FOR_ONE);
    let leads_to = open(&mut mesh, BOB, &ticket);
    assert_eq!(leads_to, mesh.chat_with(ALICE));
    assert!(are_contacts(&mut mesh, ALICE, BOB) && have_accepted_each_other(&mut mesh, ALICE, BOB));
    assert_eq!(told_why(&mesh, ALICE, BOB), [Because::Invited]);
    assert_eq!(told_why(&mesh, BOB, ALICE), [Because::Invited]);
    assert_eq!(opening(&mut mesh, BOB), None);
    let invite = ticket.id();
    let (alice, bob) = (mesh.peers[ALICE].person(), mesh.peers[BOB].person());
    assert!(mesh.peers[ALICE].told.contains(&Event::InviteUsed { invite, person: bob }));
    let accepted = Event::OpeningAnswered { invite, person: alice, refused: None };
    assert!(mesh.peers[BOB].told.contains(&accepted));
    let invite = mesh.peers[ALICE].core.overview().invites[0].clone();
    assert_eq!((invite.uses_left(), invite.state(mesh.now_ms)), (Some(0), InviteState::UsedUp));
}

#[test]
fn an_invitation_waits_for_its_maker_over_restarts() {
    let mut mesh = Mesh::new(2, 0);
    let ticket = ticket(&mut mesh, FOR_ONE);
    let chat = open(&mut mesh, BOB, &ticket);
    mesh.restart(BOB);
    let waiting = opening(&mut mesh, BOB).unwrap();
    assert_eq!((waiting.conversation, waiting.name), (chat, DisplayName::new("Alice").unwrap()));
    assert_eq!(waiting.waiting, Some(WaitReason::Offline { last_seen_ms: 0 }));
    let core = &mut mesh.peers[BOB].core;
    assert_eq!(core.contact_devices(), [ticket.devices[0].device], "she is looked for");
    assert_eq!(core.missing_contacts(), [ticket.person]);
    assert!(core.overview().chats.iter().any(|chat| chat.person == ticket.person), "the chat is listed");
    assert!(!is_contact(&mut mesh, BOB, ALICE));

    mesh.restart(ALICE);
    mesh.link(BOB, ALICE);
    assert!(are_contacts(&mut mesh, ALICE, BOB));
    mesh.restart(BOB);
    assert!(opening(&mut mesh, BOB).is_none() && is_contact(&mut mesh, BOB, ALICE));
}

#[test]
fn what_is_written_meanwhile_is_delivered_when_they_meet() {
    let mut mesh = Mesh::new(2, 0);
    let ticket = ticket(&mut mesh, FOR_ONE);
    let chat = open(&mut mesh, BOB, &ticket);
    mesh.send(BOB, chat, "it is me").unwrap();
    mesh.settle();
    mesh.link(ALICE, BOB);
    assert_eq!(mesh.peers[ALICE].texts(mesh.chat_with(BOB)), ["it is me"]);
    let used = mesh.peers[ALICE].told.iter().position(|event| matches!(event, Event::InviteUsed { .. }));
    let said = mesh.peers[ALICE].told.iter().position(|event| {
        matches!(event, Event::Conversation { change: ConversationEvent::EntryAdded { .. }, .. })
    });
    assert!(used.is_some() && used < said, "a stranger says nothing before they are let in");
}

#[test]
fn who_asked_before_an_invitation_is_a_contact_by_it_and_their_words_begin_the_chat() {
    for (asks, is_asked) in [(ALICE, BOB), (BOB, ALICE)] {
        let mut mesh = Mesh::new(2, 0);
        mesh.accept_requests = false;
        mesh.link(ALICE, BOB);
        let ticket = ticket(&mut mesh, FOR_ONE);
        let chat = mesh.chat_with(is_asked);
        mesh.send(asks, chat, "we met at the lake").unwrap();
        mesh.settle();
        assert_eq!(mesh.peers[is_asked].core.requests().len(), 1);
        open(&mut mesh, BOB, &ticket);
        assert!(have_accepted_each_other(&mut mesh, ALICE, BOB));
        assert_eq!(mesh.peers[is_asked].core.requests(), []);
        for (index, with) in [(ALICE, BOB), (BOB, ALICE)] {
            assert_eq!(mesh.peers[index].texts(mesh.chat_with(with)), ["we met at the lake"]);
        }
        for index in [ALICE, BOB] {
            mesh.restart(index);
        }
        assert!(have_accepted_each_other(&mut mesh, ALICE, BOB), "the disk knows it");
    }
}

#[test]
fn an_invitation_that_came_to_nothing_leaves_a_request() {
    let mut mesh = Mesh::new(2, 0);
    mesh.accept_requests = false;
    let ticket = ticket(&mut mesh, FOR_ONE);
    let chat = open(&mut mesh, BOB, &ticket);
    mesh.send(BOB, chat, "it is me").unwrap();
    mesh.peers[ALICE].core.revoke_invite(ticket.id()).unwrap();
    mesh.settle();
    mesh.link(ALICE, BOB);
    mesh.advance(2_000);
    assert_eq!(refusal(&mut mesh, BOB), Some(InviteRefusal::Revoked));
    let asked = mesh.peers[ALICE].core.requests();
    assert_eq!(asked.into_iter().map(|request| request.text).collect::<Vec<_>>(), [Some("it is me".into())]);
}

#[test]
fn who_is_blocked_is_not_let_in_by_an_invitation() {
    let mut mesh = Mesh::new(2, 0);
    mesh.link(ALICE, BOB);
    let ticket = ticket(&mut mesh, FOR_ANYBODY);
    let (alice, bob) = (mesh.peers[ALICE].person(), mesh.peers[BOB].person());
    mesh.peers[ALICE].core.set_blocked(bob, true).unwrap();
    // It was on its way when the connection was cut.
    let request = proof_of(&mesh, &ticket, BOB);
    mesh.bring_ticket(BOB, ALICE, ticket.id(), request);
    mesh.settle();
    assert_eq!(mesh.peers[ALICE].ticket_answers, [InviteResponse::Refused(InviteRefusal::Revoked)]);
    assert_eq!(used_by(&mut mesh), 0);
    assert!(!is_contact(&mut mesh, ALICE, BOB) && mesh.peers[ALICE].core.is_blocked(bob));

    mesh.peers[BOB].core.set_blocked(alice, true).unwrap();
    mesh.settle();
    let now_ms = mesh.now_ms;
    assert_eq!(mesh.peers[BOB].core.open_ticket(now_ms, &ticket), Err(OpenFault::Blocked));
}

#[test]
fn one_use_is_for_one_person_whoever_comes_second_is_told() {
    let mut mesh = Mesh::new(3, 0);
    let ticket = ticket(&mut mesh, FOR_ONE);
    for index in [BOB, CAROL] {
        mesh.link(ALICE, index);
        open(&mut mesh, index, &ticket);
    }
    assert!(are_contacts(&mut mesh, ALICE, BOB));
    assert_eq!(refusal(&mut mesh, CAROL), Some(InviteRefusal::UsedUp));
    assert!(!is_contact(&mut mesh, ALICE, CAROL) && !is_contact(&mut mesh, CAROL, ALICE));
    mesh.restart(CAROL);
    assert_eq!(refusal(&mut mesh, CAROL), Some(InviteRefusal::UsedUp), "it is not asked again");
    mesh.peers[CAROL].core.dismiss_opening(ticket.id()).unwrap();
    mesh.settle();
    mesh.restart(CAROL);
    assert_eq!(opening(&mut mesh, CAROL), None);
}

#[test]
fn two_who_come_at_once_are_not_both_taken() {
    let mut mesh = Mesh::new(3, 0);
    mesh.link(ALICE, BOB);
    mesh.link(ALICE, CAROL);
    let ticket = ticket(&mut mesh, FOR_ONE);
    mesh.peers[ALICE].disk_stands_still = true;
    open(&mut mesh, BOB, &ticket);
    open(&mut mesh, CAROL, &ticket);
    assert_eq!(mesh.peers[ALICE].ticket_answers, [InviteResponse::Refused(InviteRefusal::UsedUp)]);
    mesh.peers[ALICE].disk_stands_still = false;
    mesh.settle();
    assert!(are_contacts(&mut mesh, ALICE, BOB));
    assert_eq!(used_by(&mut mesh), 1);
}

#[test]
fn a_lost_answer_costs_no_second_use() {
    let mut mesh = Mesh::new(2, 0);
    mesh.link(ALICE, BOB);
    let ticket = ticket(&mut mesh, FOR_ONE);
    mesh.faults = Faults { chat_lost: 100, ..Faults::default() };
    open(&mut mesh, BOB, &ticket);
    let request = proof_of(&mesh, &ticket, BOB);
    mesh.bring_ticket(BOB, ALICE, ticket.id(), request);
    mesh.settle();
    assert_eq!(mesh.peers[ALICE].ticket_answers, [InviteResponse::Accepted]);
    assert!(!is_contact(&mut mesh, BOB, ALICE), "he was not told");
    mesh.restart(ALICE);
    mesh.faults = Faults::default();
    mesh.link(ALICE, BOB);
    assert!(are_contacts(&mut mesh, ALICE, BOB));
    assert_eq!(used_by(&mut mesh), 1);
}

#[test]
fn nobody_is_told_that_they_are_in_before_the_disk_has_it() {
    let mut mesh = Mesh::new(2, 0);
    mesh.link(ALICE, BOB);
    let ticket = ticket(&mut mesh, FOR_ONE);
    mesh.peers[ALICE].disk_stands_still = true;
    open(&mut mesh, BOB, &ticket);
    assert_eq!(mesh.peers[ALICE].ticket_answers, []);
    mesh.peers[ALICE].disk_stands_still = false;
    mesh.peers[ALICE].disk_works = false;
    mesh.settle();
    assert_eq!(mesh.peers[ALICE].ticket_answers, [InviteResponse::Busy]);
    assert_eq!(used_by(&mut mesh), 0);
    mesh.peers[ALICE].disk_works = true;
    mesh.advance(5_000);
    assert!(are_contacts(&mut mesh, ALICE, BOB));
    assert_eq!(used_by(&mut mesh), 1);
}

#[test]
fn an_invitation_that_was_taken_back_or_is_over_says_so() {
    for is_revoked in [true, false] {
        let mut mesh = Mesh::new(2, 0);
        let ticket = ticket(&mut mesh, FOR_ONE);
        open(&mut mesh, BOB, &ticket);
        if is_revoked {
            mesh.peers[ALICE].core.revoke_invite(ticket.id()).unwrap();
            mesh.settle();
            assert_eq!(mesh.peers[ALICE].core.overview().invites, [], "it is listed no more");
            mesh.restart(ALICE);
        } else {
            mesh.now_ms += DAY_MS;
        }
        mesh.link(ALICE, BOB);
        let reason = if is_revoked { InviteRefusal::Revoked } else { InviteRefusal::Expired };
        assert_eq!(refusal(&mut mesh, BOB), Some(reason));
        assert!(!is_contact(&mut mesh, ALICE, BOB));
    }
}

#[test]
fn what_is_wrong_with_a_ticket_is_said_before_anything_changes() {
    let mut mesh = Mesh::new(2, 0);
    let ticket = ticket(&mut mesh, FOR_ONE);
    let now_ms = mesh.now_ms;
    assert_eq!(mesh.peers[ALICE].core.open_ticket(now_ms, &ticket), Err(OpenFault::Own));
    let expired = Err(OpenFault::Ticket(TicketError::Expired));
    assert_eq!(mesh.peers[BOB].core.open_ticket(now_ms + DAY_MS, &ticket), expired);
    mesh.settle();
    assert_eq!(opening(&mut mesh, BOB), None);
    assert_eq!(mesh.peers[BOB].core.overview().people.len(), 1, "Echo alone");
}

#[test]
fn a_proof_that_is_forged_or_overheard_is_good_for_nothing() {
    let mut mesh = Mesh::new(3, 0);
    mesh.link(ALICE, BOB);
    mesh.link(ALICE, CAROL);
    let ticket = ticket(&mut mesh, FOR_ANYBODY);
    let forged = InviteRequest::Redeem { ticket: ticket.id(), proof: ByteArray::new([7; 32]) };
    mesh.bring_ticket(CAROL, ALICE, ticket.id(), forged);
    let overheard = proof_of(&mesh, &ticket, BOB);
    mesh.bring_ticket(CAROL, ALICE, ticket.id(), overheard);
    let invented = TicketId([9; 16]);
    let request = InviteRequest::Redeem { ticket: invented, proof: ByteArray::new([7; 32]) };
    mesh.bring_ticket(CAROL, ALICE, invented, request);
    mesh.settle();
    let unknown = InviteResponse::Refused(InviteRefusal::Unknown);
    assert_eq!(mesh.peers[ALICE].ticket_answers, [unknown; 3]);
    assert!(!is_contact(&mut mesh, ALICE, CAROL));
    assert_eq!(used_by(&mut mesh), 0);
}

#[test]
fn who_asks_without_end_is_told_to_wait_and_others_are_served() {
    let mut mesh = Mesh::new(3, 0);
    mesh.link(ALICE, BOB);
    mesh.link(ALICE, CAROL);
    let ticket = ticket(&mut mesh, FOR_ANYBODY);
    for number in 0..100 {
        let request =
            InviteRequest::Redeem { ticket: TicketId([number; 16]), proof: ByteArray::new([0; 32]) };
        mesh.bring_ticket(CAROL, ALICE, TicketId([number; 16]), request);
    }
    mesh.settle();
    let busy = mesh.peers[ALICE].ticket_answers.iter().filter(|answer| **answer == InviteResponse::Busy);
    assert_eq!(busy.count(), 80);
    open(&mut mesh, BOB, &ticket);
    assert!(are_contacts(&mut mesh, ALICE, BOB));
}

#[test]
fn a_ticket_that_names_devices_of_others_is_shown_to_its_maker_alone() {
    let mut mesh = Mesh::new(3, 0);
    mesh.link(BOB, CAROL);
    let mut ticket = ticket(&mut mesh, FOR_ONE);
    ticket.devices[0].device = mesh.peers[CAROL].device();
    let chat = open(&mut mesh, BOB, &ticket);
    mesh.send(BOB, chat, "for Alice alone").unwrap();
    mesh.settle();
    assert_eq!(mesh.tickets_shown, []);
    assert!(opening(&mut mesh, BOB).unwrap().waiting.is_some());
    assert!(mesh.peers[CAROL].core.overview().chats.is_empty());
    mesh.link(BOB, ALICE);
    assert!(are_contacts(&mut mesh, ALICE, BOB));
}

#[test]
fn a_ticket_into_a_public_room_joins_it_and_finds_its_maker() {
    let mut mesh = Mesh::new(2, 0);
    let room = mesh.join(ALICE, "Boat");
    let ticket = Ticket {
        room: Some(TicketRoom::Public(kinmesh_proto::RoomName::new("Boat").unwrap())),
        ..ticket(&mut mesh, NewInvite { room: Some(room), expires_ms: None, uses: None })
    };
    assert_eq!(open(&mut mesh, BOB, &ticket), ConversationId::Room(room));
    assert_eq!(mesh.peers[BOB].core.contact_devices(), [ticket.devices[0].device]);
    mesh.restart(BOB);
    mesh.link(ALICE, BOB);
    assert_eq!(
        (opening(&mut mesh, BOB), &mesh.tickets_shown[..]),
        (None, &[][..]),
        "there is nothing to ask"
    );
    mesh.advance(2_000);
    mesh.send(BOB, ConversationId::Room(room), "hello, club").unwrap();
    mesh.settle();
    assert_eq!(mesh.peers[ALICE].texts(ConversationId::Room(room)), ["hello, club"]);
}

#[test]
fn what_cannot_be_kept_is_not_made() {
    let mut mesh = Mesh::new(1, 0);
    let room = mesh.join(ALICE, "Boat");
    let now_ms = mesh.now_ms;
    let mut make = |number: u16, new| {
        let mut token = [0; 16];
        token[..2].copy_from_slice(&number.to_be_bytes());
        mesh.peers[ALICE].core.make_invite(now_ms, TicketToken(ByteArray::new(token)), new).map(drop)
    };
    let elsewhere = kinmesh_proto::RoomId([1; 32]);
    assert_eq!(make(0, NewInvite { room: Some(elsewhere), ..FOR_ANYBODY }), Err(InviteFault::NotJoined));
    let counted = NewInvite { room: Some(room), uses: Some(1), ..FOR_ANYBODY };
    assert_eq!(make(0, counted), Err(InviteFault::NotCounted));
    assert_eq!(make(0, NewInvite { expires_ms: Some(now_ms), ..FOR_ONE }), Err(InviteFault::Past));
    for uses in [0, 257] {
        assert_eq!(make(0, NewInvite { uses: Some(uses), ..FOR_ONE }), Err(InviteFault::Uses));
    }
    assert_eq!(mesh.peers[ALICE].core.revoke_invite(TicketId([0; 16])), Err(UnknownInvite));
}

#[test]
fn a_dead_invitation_makes_room_for_a_new_one() {
    let mut mesh = Mesh::new(1, 0);
    let first = ticket(&mut mesh, FOR_ANYBODY);
    for _ in 1..kinmesh_core::INVITES_MAX {
        mesh.now_ms += 1;
        // Tokens of a byte each: as many as may be.
        ticket(&mut mesh, FOR_ANYBODY);
    }
    let (now_ms, token) =
        (mesh.now_ms, TicketToken(ByteArray::new([1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 6, 7, 8])));
    let core = &mut mesh.peers[ALICE].core;
    assert_eq!(core.make_invite(now_ms, token, FOR_ANYBODY).map(drop), Err(InviteFault::TooMany));
    core.revoke_invite(first.id()).unwrap();
    core.make_invite(now_ms, token, FOR_ANYBODY).unwrap();
    mesh.settle();
    assert_eq!(mesh.peers[ALICE].core.overview().invites.len(), kinmesh_core::INVITES_MAX);
}

#[test]
fn whatever_is_lost_or_overtakes_another_each_use_is_counted_once() {
    for_each_seed(|seed| {
        let mut mesh = Mesh::new(4, seed);
        let ticket = ticket(&mut mesh, NewInvite { uses: Some(2), ..FOR_ONE });
        mesh.faults = Faults { chat_lost: 30, shuffled: true, ..Faults::default() };
        for index in 1..4 {
            mesh.link_unsettled(ALICE, index);
            let now_ms = mesh.now_ms;
            mesh.peers[index].core.open_ticket(now_ms, &ticket).unwrap();
        }
        for _ in 0..mesh.dice.below(60) {
            mesh.step();
        }
        if mesh.dice.percent(50) {
            mesh.restart(ALICE);
        }
        mesh.faults = Faults::default();
        mesh.settle();
        for index in 1..4 {
            mesh.link(ALICE, index);
        }
        mesh.advance(120_000);
        let in_touch: Vec<usize> = (1..4).filter(|index| are_contacts(&mut mesh, ALICE, *index)).collect();
        assert_eq!((in_touch.len(), used_by(&mut mesh)), (2, 2));
        let refused: Vec<_> = (1..4).filter_map(|index| refusal(&mut mesh, index)).collect();
        assert_eq!(refused, [InviteRefusal::UsedUp]);
    });
}
