//! Private rooms in the window: founding one, who is in, the way in from an invitation.

use kinmesh::screen::dialog;
use kinmesh_core::RoomAccess;
use kinmesh_proto::Role;

use super::*;

fn look(club: &BoatClub, theme: Theme, name: &str) {
    let mut ui = simulate((1240.0, 800.0), club.home.view(&club.cx));
    picture::assert_same::<home::Message>(&mut ui, theme, name);
}

#[test]
fn who_is_in_and_who_decides_stands_beside_the_room() {
    look(&BoatClub::private(RoomAccess::Open), Theme::Light, "private-room");
    look(&BoatClub::private(RoomAccess::Open), Theme::Dark, "private-room-dark");
}

#[test]
fn why_nothing_can_be_written_is_said_in_the_field_s_place() {
    for (access, words) in [
        (RoomAccess::AwaitsLog, "Waiting for a member who brings the room here."),
        (RoomAccess::AwaitsKey, "Waiting for a member who gives the newest key."),
        (RoomAccess::Out, "You are not in this room any more."),
    ] {
        let club = BoatClub::private(access);
        let mut ui = simulate((1240.0, 800.0), club.home.view(&club.cx));
        assert!(ui.find(words).is_ok(), "{access:?}");
        assert!(ui.find("Join again").is_err(), "nobody comes back by themselves");
    }
}

#[test]
fn an_invitation_to_a_room_stands_in_the_chat() {
    look(&BoatClub::invited(), Theme::Light, "room-invitation");
}

#[test]
fn a_room_is_founded_in_a_dialog() {
    let new = |_, _| dialog::State::NewRoom(dialog::new_room::State::default());
    look(&BoatClub::in_dialog(new), Theme::Light, "new-room");
}

#[test]
fn a_member_sees_which_room_it_carries_on_and_can_carry_it_on() {
    let mut club = BoatClub::private(RoomAccess::Open);
    let mut overview = (*club.cx.overview).clone();
    let parent = overview.rooms[1].room;
    let private = overview.rooms[0].private.as_mut().unwrap();
    (private.role, private.carries_on) = (Some(Role::Member), Some(parent));
    club.cx.set_overview(Arc::new(overview));
    look(&club, Theme::Light, "carried-on-room");
}

#[test]
fn it_is_asked_before_a_room_is_carried_on() {
    let ask = |_, _| dialog::State::CarryOn(dialog::carry_on::State::new(RoomId([7; 32])));
    look(&BoatClub::in_dialog(ask), Theme::Light, "carry-on");
}

#[tokio::test]
async fn a_private_room_is_founded_and_written_in() {
    let mut desk = Desk::of("Lin").await;
    desk.tell(Message::Home(home::Message::Sidebar(kinmesh::screen::sidebar::Message::JoinRoom)));
    desk.hands(|ui| drop(ui.click("A private room instead").unwrap()));
    desk.until_shown("New private room").await;
    desk.type_and_enter(dialog::new_room::NAME, "Night crew");
    desk.until_shown("You are an admin").await;
    let rooms = desk.program.node.overview();
    let room = rooms.rooms.iter().find(|room| room.name.as_str() == "Night crew").unwrap();
    assert_eq!(room.private.as_ref().unwrap().access, RoomAccess::Open);
    desk.close().await;
}
