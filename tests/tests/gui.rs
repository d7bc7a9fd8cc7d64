//! The desktop program without a display: its screens drawn and used by `iced_test`, and the whole
//! program on a real peer.
//!
//! `KINMESH_BLESS=1 cargo test -p kinmesh-tests --test gui` writes the pictures anew.

#![allow(clippy::unwrap_used, clippy::expect_used)] // Helpers of tests: a panic is the report.

#[path = "gui/desk.rs"]
mod desk;
#[path = "gui/fixture.rs"]
mod fixture;
#[path = "gui/picture.rs"]
mod picture;

use std::sync::Arc;

use desk::Desk;
use fixture::BoatClub;
use iced::keyboard::key::Named;
use iced::keyboard::{self, Key, Modifiers};
use iced::widget::text_editor::{Action, Edit};
use iced::{Point, window};
use iced_test::simulator::{click, press_key};
use iced_test::{Simulator, selector};
use kinmesh::app::Message;
use kinmesh::i18n::{Language, set_language};
use kinmesh::screen::conversation::{self, composer};
use kinmesh::screen::{home, onboarding};
use kinmesh::settings::ThemeChoice;
use kinmesh::theme::{self, Theme};
use kinmesh::widget::Element;
use kinmesh_proto::{ConversationId, Delivery, RoomId, RoomName};

const ENTER: Key = Key::Named(Named::Enter);

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

/// Puts the cursor into a field.
fn click_field<Message>(ui: &mut Ui<'_, Message>, field: &'static str) {
    ui.click(selector::id(field)).expect("the field is shown");
}

fn shift_enter() -> iced::Event {
    let iced::Event::Keyboard(keyboard::Event::KeyPressed {
        key,
        modified_key,
        physical_key,
        location,
        repeat,
        text,
        ..
    }) = press_key(ENTER, None)
    else {
        unreachable!("a key press is a key press")
    };
    let modifiers = Modifiers::SHIFT;
    iced::Event::Keyboard(keyboard::Event::KeyPressed {
        key,
        modified_key,
        physical_key,
        location,
        modifiers,
        repeat,
        text,
    })
}

fn chat_with_echo(desk: &Desk) -> ConversationId {
    let overview = desk.program.node.overview();
    let echo = overview.people.iter().find(|person| person.is_echo).expect("Echo is here");
    ConversationId::Direct(echo.person)
}

fn open(desk: &Desk) -> &conversation::State {
    desk.app.home().conversation().expect("a conversation is open")
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

#[test]
fn a_number_has_room_for_its_largest_value() {
    let club = BoatClub::new();
    let mut ui = simulate((1240.0, 800.0), club.home.view(&club.cx));
    for unread in ["12", "1", "999+"] {
        ui.find(unread).unwrap_or_else(|error| panic!("{unread}: {error}"));
    }
}

#[test]
fn a_narrow_window_takes_turns() {
    let mut club = BoatClub::new();
    let shows = |club: &BoatClub, text: &str| {
        simulate((club.cx.window.width, 800.0), club.home.view(&club.cx)).find(text).is_ok()
    };
    assert!(shows(&club, "Ctrl K") && shows(&club, "Invite somebody"));
    club.cx.window.width = 899.0;
    assert!(shows(&club, "Ctrl K") && !shows(&club, "Invite somebody"));
    club.cx.window.width = 639.0;
    assert!(!shows(&club, "Ctrl K") && shows(&club, "Saturday, 21 November"));
}

#[tokio::test]
async fn a_name_is_all_it_takes() {
    let mut desk = Desk::start().await;
    assert!(desk.shows("What should people call you?"));
    desk.type_and_enter(onboarding::NAME, "Lin");
    desk.until_shown("online on this device").await;
    assert_eq!(desk.program.node.overview().me.name.as_ref().map(|name| name.as_str()), Some("Lin"));
    assert!(desk.shows("Echo") && desk.shows("Join the lobby"));
    desk.close().await;
}

#[tokio::test]
async fn a_name_that_deceives_is_refused_in_words() {
    let mut desk = Desk::start().await;
    let name = Message::Onboarding(onboarding::Message::Name("a\u{202E}b".to_owned()));
    desk.tell(name);
    desk.hands(|ui| drop(ui.click("Start").unwrap()));
    assert!(desk.shows("The name holds characters that cannot be seen. Type it again."));
    assert_eq!(desk.program.node.overview().me.name, None);
    desk.close().await;
}

#[tokio::test]
async fn enter_sends_and_shift_enter_breaks_the_line() {
    let mut desk = Desk::of("Lin").await;
    desk.hands(|ui| drop(ui.click("Echo").unwrap()));
    desk.until_open(chat_with_echo(&desk)).await;
    desk.hands(|ui| {
        click_field(ui, composer::FIELD);
        ui.typewrite("one");
        ui.simulate([shift_enter()]);
        ui.typewrite("two");
    });
    assert_eq!(open(&desk).draft(), "one\ntwo");
    desk.hands(|ui| {
        click_field(ui, composer::FIELD);
        ui.tap_key(ENTER);
    });
    assert_eq!(open(&desk).draft(), "");
    let chat = chat_with_echo(&desk);
    desk.until("the answer", |desk| open(desk).timeline().len() == 2).await;
    desk.until("the receipt", |desk| {
        let newest = open(desk).timeline().newest().unwrap();
        let mine = open(desk).timeline().oldest().unwrap();
        let timeline = open(desk).timeline();
        newest != mine && timeline.entry(&mine).unwrap().delivery == Delivery::Delivered
    })
    .await;
    let stored = desk.program.page(chat, None, 10).await.unwrap();
    assert_eq!(stored[0].text.as_deref(), Some("one\ntwo"));
    assert!(desk.shows("one\ntwo"));
    desk.close().await;
}

#[tokio::test]
async fn a_text_that_is_too_long_is_refused_and_stays() {
    let mut desk = Desk::of("Lin").await;
    desk.hands(|ui| drop(ui.click("Echo").unwrap()));
    desk.until_open(chat_with_echo(&desk)).await;
    let long = "x".repeat(40 * 1024);
    let paste = conversation::Message::Edit(Action::Edit(Edit::Paste(Arc::new(long.clone()))));
    desk.tell(Message::Home(home::Message::Conversation(paste)));
    desk.tell(Message::Home(home::Message::Conversation(conversation::Message::Send)));
    desk.until_shown(
        "Too long: this has 40.0 KiB, and one message holds 32.0 KiB. Shorten it or send it in parts.",
    )
    .await;
    assert_eq!(open(&desk).draft(), long);
    desk.close().await;
}

#[tokio::test]
async fn what_was_not_seen_is_marked_until_it_is() {
    let mut desk = Desk::of("Lin").await;
    let chat = chat_with_echo(&desk);
    for word in ["one", "two"] {
        desk.program.send(chat, word.to_owned()).await.unwrap();
    }
    desk.until("two unread answers", |desk| {
        desk.program.node.overview().chats.iter().any(|chat| chat.unread == 2)
    })
    .await;
    desk.until_shown("2").await;
    desk.tell(Message::Window(window::Event::Unfocused));
    desk.hands(|ui| drop(ui.click("Echo").unwrap()));
    desk.until_open(chat_with_echo(&desk)).await;
    assert!(desk.shows("2"), "a window that is not looked at has read nothing");
    desk.tell(Message::Window(window::Event::Focused));
    desk.until("nothing unread", |desk| !desk.shows("2")).await;
    desk.until("the store knows it", |desk| desk.program.node.overview().chats[0].unread == 0).await;
    desk.close().await;
}

#[tokio::test]
async fn the_theme_changes_at_once_and_stays() {
    let mut desk = Desk::of("Lin").await;
    assert_eq!(desk.app.theme(), Theme::Light);
    desk.hands(|ui| {
        ui.point_at(Point::new(277.0, 36.0));
        ui.simulate(click());
    });
    desk.hands(|ui| drop(ui.click("Look and language").unwrap()));
    desk.hands(|ui| drop(ui.click("Dark").unwrap()));
    assert_eq!(desk.app.theme(), Theme::Dark);
    assert_eq!(desk.program.settings.get().theme, ThemeChoice::Dark);
    desk.close().await;
}

#[tokio::test]
async fn a_draft_waits_where_it_was_typed() {
    let mut desk = Desk::of("Lin").await;
    desk.hands(|ui| drop(ui.click("Join the lobby").unwrap()));
    desk.until_open(ConversationId::Room(RoomId::public(&RoomName::lobby()))).await;
    desk.hands(|ui| {
        click_field(ui, composer::FIELD);
        ui.typewrite("half a sen");
    });
    desk.hands(|ui| drop(ui.click("Echo").unwrap()));
    desk.until_open(chat_with_echo(&desk)).await;
    assert_eq!(open(&desk).draft(), "");
    desk.until_shown("lobby").await;
    desk.hands(|ui| drop(ui.click("lobby").unwrap()));
    assert_eq!(open(&desk).draft(), "half a sen");
    desk.close().await;
}
