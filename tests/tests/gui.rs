//! The desktop program without a display: its screens drawn and used by `iced_test`, and the whole
//! program on a real peer.
//!
//! `KINMESH_BLESS=1 cargo test -p kinmesh-tests --test gui` writes the pictures anew.

#[path = "gui/fixture.rs"]
mod fixture;
#[path = "gui/picture.rs"]
mod picture;

use fixture::BoatClub;
use iced_test::Simulator;
use kinmesh::i18n::{Language, set_language};
use kinmesh::screen::{home, onboarding};
use kinmesh::theme::{self, Theme};
use kinmesh::widget::Element;

type Ui<'a, Message> = Simulator<'a, Message, Theme, iced::Renderer>;

fn simulate<Message>(size: (f32, f32), view: Element<'_, Message>) -> Ui<'_, Message> {
    set_language(Language::English);
    let settings = iced::Settings {
        fonts: theme::FONT_FILES.iter().map(|file| (*file).into()).collect(),
        default_font: theme::REGULAR,
        default_text_size: theme::size::TEXT.into(),
        ..iced::Settings::default()
    };
    Simulator::with_size(settings, size, view)
}

#[test]
fn the_first_start_asks_for_one_thing() {
    let state = onboarding::State::default();
    let mut ui = simulate((800.0, 600.0), state.view());
    picture::assert_same(&mut ui, Theme::Light, "onboarding");
}

#[test]
fn a_room_looks_as_it_should_in_both_themes() {
    let club = BoatClub::new();
    for (theme, name) in [(Theme::Light, "room-light"), (Theme::Dark, "room-dark")] {
        let mut ui = simulate((1240.0, 800.0), club.home.view(&club.cx));
        picture::assert_same::<home::Message>(&mut ui, theme, name);
    }
}
