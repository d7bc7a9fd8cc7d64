//! A contact passes on a contact.

use kinmesh_core::{Acquaintance, EntryView, IntroduceRefusal, PersonView};
use kinmesh_proto::{Content, EntryBody, Hlc, Unverified};

use crate::mesh::Mesh;
use crate::{ALICE, BOB, CAROL};

/// Bob and Carol are contacts of Alice, and have never met.
fn common_contact() -> Mesh {
    let mut mesh = Mesh::new(3, 0);
    for other in [BOB, CAROL] {
        mesh.link(ALICE, other);
        mesh.befriend(ALICE, other);
    }
    mesh.accept_requests = false;
    mesh
}

fn introduce(mesh: &mut Mesh, to: usize, whom: usize) -> Result<EntryView, IntroduceRefusal> {
    let (now_ms, to, whom) = (mesh.now_ms, mesh.peers[to].person(), mesh.peers[whom].person());
    let introduced = mesh.peers[ALICE].core.introduce(now_ms, to, whom);
    mesh.settle();
    introduced.map(|(_, view)| view)
}

fn view_of(mesh: &mut Mesh, index: usize, of: usize) -> Option<PersonView> {
    let person = mesh.peers[of].person();
    let people = mesh.peers[index].core.overview().people;
    people.iter().find(|view| view.person == person).cloned()
}

#[test]
fn who_was_introduced_can_be_asked_and_is_told_by_whom() {
    let mut mesh = common_contact();
    assert_eq!(view_of(&mut mesh, BOB, CAROL), None);
    let view = introduce(&mut mesh, BOB, CAROL).unwrap();
    let (alice, carol) = (mesh.peers[ALICE].person(), mesh.peers[CAROL].person());
    let introduced = view.introduces.unwrap();
    assert_eq!((introduced.person, introduced.name.as_str()), (carol, "peer 2"));
    let shown = mesh.peers[BOB].core.overview().chats[0].last.clone().unwrap();
    assert_eq!(shown.introduces, Some(introduced));
    let known = view_of(&mut mesh, BOB, CAROL).unwrap();
    assert_eq!((known.acquaintance, known.introduced_by), (Acquaintance::Stranger, Some(alice)));
    let to_carol = mesh.chat_with(CAROL);
    mesh.send(BOB, to_carol, "Alice told me of you").unwrap();
    mesh.settle();
    mesh.restart(BOB);
    mesh.link(BOB, CAROL);
    let request = mesh.peers[CAROL].core.requests().pop().unwrap();
    assert_eq!(request.introduced_by, Some(alice));
    let (now_ms, bob) = (mesh.now_ms, mesh.peers[BOB].person());
    mesh.peers[CAROL].core.accept(now_ms, bob).unwrap();
    mesh.settle();
    for (index, with) in [(BOB, CAROL), (CAROL, BOB)] {
        let view = view_of(&mut mesh, index, with).unwrap();
        assert_eq!((view.acquaintance, view.introduced_by), (Acquaintance::Contact, Some(alice)));
    }
}

#[test]
fn an_introduction_that_nobody_made_is_not_shown() {
    let mut mesh = common_contact();
    mesh.link(BOB, CAROL);
    let (alice, bob) = (mesh.peers[ALICE].keys(), mesh.peers[BOB].keys());
    let content = Content::Introduction {
        person: mesh.peers[CAROL].person(),
        name: kinmesh_proto::DisplayName::new("Carol").unwrap(),
    };
    let claim = |keys: &kinmesh_proto::DeviceKeys, conversation| {
        let body = EntryBody { conversation, clock: Hlc(1), seq: 1, prev: vec![], content: content.clone() };
        Unverified::sign(body, keys).envelope().clone()
    };
    // Of Bob himself; and of Alice, but to somebody else.
    let of_bob = claim(&bob, mesh.chat_with(BOB).tag(alice.person()));
    let to_another = claim(&alice, mesh.chat_with(CAROL).tag(alice.person()));
    for introduction in [of_bob, to_another] {
        let mut mesh = common_contact();
        mesh.link(BOB, CAROL);
        let ask = kinmesh_proto::Ask { entry: None, introduction: Some(introduction) };
        let batch = kinmesh_core::BatchToken { person: mesh.peers[CAROL].person(), number: u64::MAX };
        mesh.bring_request(BOB, CAROL, batch, kinmesh_proto::ChatRequest::Ask(Box::new(ask)));
        mesh.settle();
        let request = mesh.peers[CAROL].core.requests().pop().unwrap();
        assert_eq!(request.introduced_by, None);
    }
}

#[test]
fn only_contacts_are_introduced_to_contacts() {
    let mut mesh = common_contact();
    mesh.add();
    let stranger = 3;
    mesh.link(ALICE, stranger);
    assert_eq!(introduce(&mut mesh, BOB, BOB).unwrap_err(), IntroduceRefusal::NotTwoPeople);
    assert_eq!(introduce(&mut mesh, BOB, stranger).unwrap_err(), IntroduceRefusal::NotAContact);
    assert_eq!(introduce(&mut mesh, stranger, BOB).unwrap_err(), IntroduceRefusal::NotAContact);
}

#[test]
fn an_introduction_changes_nothing_between_contacts() {
    let mut mesh = common_contact();
    mesh.accept_requests = true;
    mesh.link(BOB, CAROL);
    mesh.befriend(BOB, CAROL);
    introduce(&mut mesh, BOB, CAROL).unwrap();
    let known = view_of(&mut mesh, BOB, CAROL).unwrap();
    assert_eq!((known.acquaintance, known.introduced_by), (Acquaintance::Contact, None));
}
