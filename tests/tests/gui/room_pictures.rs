//! Pictures of rooms in the window: where they are seen, how one is set, what of strangers is not shown.

use std::io::Cursor;

use kinmesh::screen::dialog;
use kinmesh_proto::RoomPicture;

use super::*;

/// The sea under a sun, so many pixels wide and high, as a PNG.
fn sea(side: u32) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    let mut encoder = png::Encoder::new(&mut bytes, side, side);
    encoder.set_color(png::ColorType::Rgb);
    let is_sun = |x: u32, y: u32| {
        (x as f32 - 0.68 * side as f32).hypot(y as f32 - 0.3 * side as f32) < 0.14 * side as f32
    };
    let color = |n: u32| match (n % side, n / side) {
        (x, y) if is_sun(x, y) => [250, 204, 80],
        (_, y) if y < side * 3 / 5 => [120, 180, 230 - (y * 60 / side) as u8],
        (x, y) if (x + 2 * y) % (side / 6) < side / 24 => [90, 150, 180],
        _ => [20, 84, 130],
    };
    let pixels: Vec<u8> = (0..side * side).flat_map(color).collect();
    encoder.write_header().unwrap().write_image_data(&pixels).unwrap();
    bytes.into_inner()
}

fn look(club: &BoatClub, theme: Theme, name: &str) {
    let mut ui = simulate((1240.0, 800.0), club.home.view(&club.cx));
    picture::assert_same::<home::Message>(&mut ui, theme, name);
}

fn open_dialog(club: BoatClub) -> BoatClub {
    let room = club.cx.overview.rooms[0].room;
    let home = club.home.asking(dialog::State::Picture(dialog::picture::State::new(room)));
    BoatClub { home, cx: club.cx }
}

#[test]
fn a_picture_stands_in_the_list_above_the_conversation_and_beside_it() {
    let club = BoatClub::with_picture(RoomPicture::new(sea(96)).unwrap());
    look(&club, Theme::Light, "room-picture-light");
    look(&club, Theme::Dark, "room-picture-dark");
}

#[test]
fn what_somebody_sent_that_is_no_picture_looks_like_none() {
    let mut lies = sea(96);
    // Where the header says how wide and high it is.
    lies[16..24].copy_from_slice(&[0, 1, 0x86, 0xa0, 0, 1, 0x86, 0xa0]);
    for sent in [lies, sea(97), b"no picture".to_vec(), Vec::new()] {
        let club = BoatClub::with_picture(RoomPicture::new(sent).unwrap());
        look(&club, Theme::Light, "private-room");
    }
}

#[test]
fn the_dialog_shows_the_picture_that_there_is_and_takes_it_away() {
    let club = open_dialog(BoatClub::with_picture(RoomPicture::new(sea(96)).unwrap()));
    look(&club, Theme::Light, "room-picture-dialog");
}

#[tokio::test]
async fn a_picture_is_set_from_a_file_and_taken_away() {
    let mut desk = Desk::of("Lin").await;
    let new = desk.program.node.create_room(kinmesh_core::NewRoom {
        name: RoomName::new("Night crew").unwrap(),
        topic: Default::default(),
        past: Default::default(),
        people: Vec::new(),
    });
    let room = new.await.unwrap();
    desk.until_shown("Night crew").await;
    desk.hands(|ui| drop(ui.click("Night crew").unwrap()));
    desk.until_shown("You are an admin").await;
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("sea.png");
    std::fs::write(&file, "none yet").unwrap();
    desk.hands(|ui| drop(ui.click("Picture").unwrap()));
    desk.until_shown("Picture of the room").await;
    desk.type_and_enter(dialog::picture::FILE, &file.display().to_string());
    desk.until_shown("That is not a picture in PNG or JPEG.").await;
    std::fs::write(&file, sea(400)).unwrap();
    desk.hands(|ui| drop(ui.click("Use it").unwrap()));
    let picture_of = |desk: &Desk| {
        let overview = desk.program.node.overview();
        overview.rooms.iter().find(|view| view.room == room.id()).unwrap().picture.clone()
    };
    desk.until("the picture", |desk| picture_of(desk).is_some() && !desk.shows("Picture of the room")).await;
    desk.hands(|ui| drop(ui.click("Picture").unwrap()));
    desk.until_shown("Remove the picture").await;
    desk.hands(|ui| drop(ui.click("Remove the picture").unwrap()));
    desk.until("no picture", |desk| picture_of(desk).is_none()).await;
    desk.close().await;
}
