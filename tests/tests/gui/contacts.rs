//! Who may write: requests, blocking, safety numbers and introductions in the window.

use std::time::Duration;

use kinmesh::screen::dialog;
use kinmesh_core::{Acquaintance, Because, Event};
use kinmesh_net::{Node, NodeConfig, NodeHandle};
use kinmesh_proto::{DisplayName, StatusLine};

use super::*;

fn look(club: &BoatClub, theme: Theme, name: &str) {
    let mut ui = simulate((1240.0, 800.0), club.home.view(&club.cx));
    picture::assert_same::<home::Message>(&mut ui, theme, name);
}

#[test]
fn a_request_says_who_asks_and_warns_of_a_namesake() {
    look(&BoatClub::asked(), Theme::Light, "request");
}

#[test]
fn what_is_asked_and_not_answered_stands_above_the_field() {
    look(&BoatClub::asking(), Theme::Light, "request-unanswered");
}

#[test]
fn who_is_blocked_can_be_let_in_again_where_their_chat_is() {
    look(&BoatClub::blocked(), Theme::Dark, "blocked");
}

#[test]
fn an_introduction_stands_in_the_chat() {
    look(&BoatClub::introduced(), Theme::Light, "introduction");
}

#[test]
fn the_safety_number_is_words_and_a_picture() {
    let safety = |me, person| dialog::State::Safety(dialog::safety::State::new(me, person));
    look(&BoatClub::in_dialog(safety), Theme::Light, "safety-number");
    look(&BoatClub::in_dialog(safety), Theme::Dark, "safety-number-dark");
}

#[test]
fn a_contact_is_introduced_to_another_one() {
    let introduce = |_, person| dialog::State::Introduce(dialog::introduce::State::new(person));
    look(&BoatClub::in_dialog(introduce), Theme::Light, "introduce");
}

/// Another peer, connected to the one of the desk.
async fn stranger(desk: &Desk, dir: &tempfile::TempDir) -> NodeHandle {
    let listen = vec!["/ip4/127.0.0.1/udp/0/quic-v1".parse().unwrap()];
    let config = NodeConfig { data_dir: dir.path().to_owned(), bootstraps: vec![], listen, mdns: false };
    let node = Node::start(config).await.unwrap();
    node.set_profile(DisplayName::new("Sofia").unwrap(), StatusLine::default()).await.unwrap();
    let mut status = desk.program.node.watch_status();
    drop(status.wait_for(|status| !status.listening.is_empty()).await.unwrap());
    node.follow(&desk.program.node.join_link(None)).await.unwrap();
    node
}

#[tokio::test]
async fn a_stranger_asks_is_accepted_and_blocked_and_let_in_again() {
    let mut desk = Desk::of("Lin").await;
    let dir = tempfile::tempdir().unwrap();
    let sofia = stranger(&desk, &dir).await;
    let (lin, her) = (desk.program.node.overview().me.person, sofia.overview().me.person);
    let mut people = sofia.watch_overview();
    let knows = |person| {
        move |view: &Arc<kinmesh_net::Overview>| view.people.iter().any(|known| known.person == person)
    };
    drop(tokio::time::timeout(Duration::from_secs(20), people.wait_for(knows(lin))).await.unwrap().unwrap());
    let mut events = sofia.events();
    sofia.chat(lin).send("May I?").await.unwrap();
    desk.until_shown("REQUESTS").await;
    desk.hands(|ui| drop(ui.click("Sofia").unwrap()));
    desk.until_shown("Sofia wants to write to you").await;
    desk.hands(|ui| drop(ui.click("Accept").unwrap()));
    desk.until("the chat", |desk| {
        let open = desk.app.home().conversation();
        open.is_some_and(|open| open.timeline().newest().is_some())
    })
    .await;
    assert!(!desk.shows("REQUESTS"));
    let accepted = Event::BecameContacts { person: lin, because: Because::TheyAccepted };
    let is_told = async { while events.next().await.unwrap() != accepted {} };
    tokio::time::timeout(Duration::from_secs(60), is_told).await.unwrap();

    let standing = |desk: &Desk| {
        let overview = desk.program.node.overview();
        overview.people.iter().find(|person| person.person == her).map(|person| person.acquaintance)
    };
    desk.hands(|ui| drop(ui.click("Block").unwrap()));
    desk.until_shown("Unblock").await;
    assert_eq!(standing(&desk), Some(Acquaintance::Blocked));
    desk.hands(|ui| drop(ui.click("Unblock").unwrap()));
    desk.until("they are contacts again", |desk| standing(desk) == Some(Acquaintance::Contact)).await;
    sofia.shutdown().await;
    desk.close().await;
}
