//! Invitations in the window: made with a picture, and opened after it said where they lead.

use kinmesh::screen::dialog::{self, invite, open_link};
use kinmesh_proto::{DeviceId, PersonId, Reach, Ticket, TicketRoom, TicketToken};
use serde_bytes::ByteArray;

use super::*;

/// An invitation by somebody whom nobody can reach.
fn by_ana(room: Option<&str>) -> Ticket {
    Ticket {
        token: TicketToken(ByteArray::new([0xa5; 16])),
        person: PersonId([0x5a; 32]),
        name: kinmesh_proto::DisplayName::new("Ana").unwrap(),
        devices: vec![Reach {
            device: DeviceId([0x5a; 32]),
            addresses: ["udp/4001/quic-v1", "tcp/4001"].map(|at| format!("/ip4/192.0.2.7/{at}")).to_vec(),
        }],
        bootstraps: vec![],
        room: room.map(|room| TicketRoom::Public(RoomName::new(room).unwrap())),
        expires_ms: None,
        uses: Some(1),
    }
}

fn asking(dialog: impl Fn(&BoatClub) -> dialog::State, theme: Theme, name: &str) {
    let mut club = BoatClub::new();
    club.cx.theme = theme;
    let dialog = dialog(&club);
    let BoatClub { cx, home } = club;
    let home = home.asking(dialog);
    let mut ui = simulate((1240.0, 800.0), home.view(&cx));
    picture::assert_same::<home::Message>(&mut ui, theme, name);
}

#[test]
fn an_invitation_looks_as_it_should() {
    let room = (RoomId::public(&RoomName::lobby()), RoomName::lobby());
    let into_a_room = |_: &BoatClub| dialog::State::Invite(Box::new(invite::State::new(Some(room.clone()))));
    asking(into_a_room, Theme::Dark, "invite-choices-dark");
    for (theme, name) in [(Theme::Light, "invite-light"), (Theme::Dark, "invite-dark")] {
        let made = |_: &BoatClub| {
            let at = "/tmp/Ana.kinmesh".to_owned();
            dialog::State::Invite(Box::new(invite::State::showing(by_ana(None)).at(at)))
        };
        asking(made, theme, name);
    }
}

#[test]
fn where_a_link_leads_looks_as_it_should() {
    let link = by_ana(Some("Hiking")).to_string();
    let open = |club: &BoatClub| dialog::State::OpenLink(open_link::State::given(&link, &club.cx));
    asking(open, Theme::Light, "open-link-light");
}

fn press(desk: &mut Desk, words: &str) {
    desk.hands(|ui| drop(ui.click(words).unwrap()));
}

#[tokio::test]
async fn somebody_is_invited_and_the_invitation_is_taken_back() {
    let mut desk = Desk::of("Lin").await;
    press(&mut desk, "Invite somebody");
    assert!(desk.shows("one person") && desk.shows("a week"));
    press(&mut desk, "Make invitation");
    desk.until_shown("Save as file").await;
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("lin.kinmesh");
    let place = invite::Message::File(file.display().to_string());
    desk.tell(Message::Home(home::Message::Dialog(dialog::Message::Invite(place))));
    press(&mut desk, "Save as file");
    desk.until_shown(&format!("The invitation is in {}.", file.display())).await;
    let saved = std::fs::read_to_string(&file).unwrap();
    assert!(saved.contains("Lin invites you") && saved.contains("kinmesh://invite/"), "{saved}");
    press(&mut desk, "Close");

    desk.hands(|ui| {
        ui.point_at(Point::new(277.0, 36.0));
        ui.simulate(click());
    });
    press(&mut desk, "Invitations");
    desk.until_shown("A chat with you").await;
    press(&mut desk, "Take back");
    desk.until_shown("You have made no invitations.").await;
    desk.close().await;
}

#[tokio::test]
async fn a_link_says_where_it_leads_and_leads_there() {
    let mut desk = Desk::of("Lin").await;
    let ticket = by_ana(None);
    let task = desk.app.give(ticket.to_string());
    drop(task);
    let sentence = format!(
        "It leads to a chat with Ana (key {}). They will see your name, and you will be in each other's contacts.",
        ticket.person.fingerprint()
    );
    assert!(desk.shows(&sentence));
    assert!(desk.program.node.overview().openings.is_empty(), "nothing is opened by a click alone");
    press(&mut desk, "Open");
    desk.until_open(ConversationId::Direct(ticket.person)).await;
    desk.until_shown("Waiting for Ana to come online").await;
    desk.close().await;
}

#[tokio::test]
async fn what_is_wrong_with_a_link_is_said_in_words() {
    let mut desk = Desk::of("Lin").await;
    let mut damaged = by_ana(None).to_string();
    damaged.pop();
    let expired = Ticket { expires_ms: Some(1), ..by_ana(None) }.to_string();
    let own = Ticket { person: desk.program.node.overview().me.person, ..by_ana(None) }.to_string();
    for (link, words) in [
        (
            damaged.as_str(),
            "This invitation is damaged: letters are missing or wrong. Copy it once more, from its first letter to its last.",
        ),
        (&expired, "This invitation has expired. Ask for a new one."),
        (&own, "This is an invitation of your own: it is for others."),
    ] {
        drop(desk.app.give(link.to_owned()));
        assert!(desk.shows(words), "{words}");
        press(&mut desk, "Cancel");
    }
    desk.close().await;
}

#[tokio::test]
async fn an_invitation_pasted_at_the_first_start_leads_into_its_room() {
    let mut desk = Desk::start().await;
    press(&mut desk, "I have a join link");
    let link = by_ana(Some("Hiking")).to_string();
    desk.tell(Message::Onboarding(onboarding::Message::Link(link)));
    assert!(desk.shows(&format!(
        "It leads into the public room #Hiking. Ana (key {}) made it.",
        PersonId([0x5a; 32]).fingerprint()
    )));
    desk.type_and_enter(onboarding::NAME, "Lin");
    desk.until_open(ConversationId::Room(RoomId::public(&RoomName::new("Hiking").unwrap()))).await;
    desk.close().await;
}

#[tokio::test]
async fn a_link_clicked_at_the_first_start_waits_for_the_name() {
    let mut desk = Desk::start().await;
    drop(desk.app.give(by_ana(None).to_string()));
    assert!(!desk.shows("Open a link"));
    desk.type_and_enter(onboarding::NAME, "Lin");
    desk.until_shown("Open a link").await;
    desk.close().await;
}
