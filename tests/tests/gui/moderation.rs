//! Founded public rooms in the window: what is hidden and why, who knocks, the rules; hiding for oneself.

use kinmesh::screen::dialog;
use kinmesh_core::{FoundedStanding, Withheld};
use kinmesh_proto::Door;

use super::*;

fn look(club: &BoatClub, theme: Theme, name: &str) {
    let mut ui = simulate((1240.0, 800.0), club.home.view(&club.cx));
    picture::assert_same::<home::Message>(&mut ui, theme, name);
}

#[test]
fn what_is_hidden_says_so_in_its_place_and_what_admins_decide_stands_beside_the_room() {
    look(&BoatClub::founded(), Theme::Light, "founded-room");
    look(&BoatClub::founded(), Theme::Dark, "founded-room-dark");
}

#[test]
fn who_is_outside_can_knock_and_who_knocks_can_stop() {
    for (standing, words, button) in [
        (FoundedStanding::Outside, "An admin has to let you in.", Some("Ask to be let in")),
        (
            FoundedStanding::Knocking,
            "You asked to be let in. An admin sees it when you are connected.",
            Some("No longer ask"),
        ),
        (FoundedStanding::PutOut, "An admin put you out of this room.", None),
    ] {
        let club = BoatClub::outside(standing);
        let mut ui = simulate((1240.0, 800.0), club.home.view(&club.cx));
        assert!(ui.find(words).is_ok(), "{standing:?}");
        assert!(button.is_none_or(|button| ui.find(button).is_ok()), "{standing:?}");
    }
}

#[tokio::test]
async fn a_public_room_is_founded_and_a_message_hidden_for_everybody_and_looked_at() {
    let mut desk = Desk::of("Lin").await;
    desk.tell(Message::Home(home::Message::Sidebar(kinmesh::screen::sidebar::Message::JoinRoom)));
    desk.hands(|ui| drop(ui.click("A private room instead").unwrap()));
    desk.until_shown("New private room").await;
    desk.tell(dialog_message(dialog::new_room::Message::Public(true)));
    desk.until_shown("People knock").await;
    desk.type_and_enter(dialog::new_room::NAME, "Harbour");
    desk.until_shown("Public room with admins").await;
    let overview = desk.program.node.overview();
    let room = overview.rooms.iter().find(|room| room.name.as_str() == "Harbour").unwrap();
    let founded = room.founded.as_ref().unwrap();
    assert_eq!((founded.door, founded.standing), (Door::Open, FoundedStanding::In));
    let handle = desk.program.node.room(room.room);
    let said = handle.send("the crane comes on Monday").await.unwrap();
    desk.until_shown("the crane comes on Monday").await;
    let hide = conversation::menu::Message::Hide(said.key, true);
    desk.tell(Message::Home(home::Message::Conversation(conversation::Message::Menu(hide))));
    desk.until_shown("Hidden by you").await;
    let shown = handle.post(said.key).await.unwrap().unwrap();
    assert!(shown.text.is_none() && matches!(shown.withheld, Some(Withheld::Hidden { .. })));
    desk.hands(|ui| drop(ui.click("Show anyway").unwrap()));
    desk.until_shown("the crane comes on Monday").await;
    desk.close().await;
}

fn dialog_message(message: dialog::new_room::Message) -> Message {
    Message::Home(home::Message::Dialog(dialog::Message::NewRoom(message)))
}
