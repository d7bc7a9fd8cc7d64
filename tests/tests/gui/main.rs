//! The desktop program without a display: its screens drawn and used by `iced_test`, and the whole
//! program on a real peer.
//!
//! `KINMESH_BLESS=1 cargo test -p kinmesh-tests --test gui` writes the pictures anew.

#![allow(clippy::unwrap_used, clippy::expect_used)] // Helpers of tests: a panic is the report.

mod archive;
mod calls;
mod contacts;
mod desk;
mod fixture;
mod invites;
mod moderation;
mod passphrase;
mod picture;
mod private_rooms;
mod room_pictures;
mod scripts;
mod search;
mod sound;
mod trouble;

use std::sync::Arc;

use desk::Desk;
use fixture::BoatClub;
use iced::keyboard::key::Named;
use iced::keyboard::{self, Key, Modifiers};
use iced::widget::text_editor::{Action, Edit};
use iced::{Point, mouse, window};
use iced_test::selector::Candidate;
use iced_test::simulator::{click, press_key};
use iced_test::{Simulator, selector};
use kinmesh::app::Message;
use kinmesh::i18n::{Language, set_language};
use kinmesh::screen::conversation::{self, composer, menu};
use kinmesh::screen::{home, onboarding, settings};
use kinmesh::settings::ThemeChoice;
use kinmesh::theme::{self, Theme};
use kinmesh::widget::Element;
use kinmesh_core::EntryView;
use kinmesh_proto::{ConversationId, Delivery, Privacy, RoomId, RoomName};

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
    let cx = BoatClub::new().cx;
    let mut ui = simulate((800.0, 600.0), state.view(&cx));
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
fn a_chat_with_somebody_who_is_away_says_what_waits() {
    let chat = BoatClub::with_mira().at_bootstrap();
    let mut ui = simulate((1240.0, 800.0), chat.home.view(&chat.cx));
    picture::assert_same::<home::Message>(&mut ui, Theme::Light, "chat-waiting");
}

#[tokio::test]
async fn what_others_are_told_is_for_the_user_to_say() {
    let mut desk = Desk::of("Lin").await;
    desk.hands(|ui| {
        ui.point_at(Point::new(277.0, 36.0));
        ui.simulate(click());
    });
    desk.hands(|ui| drop(ui.click("Privacy").unwrap()));
    assert!(desk.shows("Read receipts") && desk.shows("Typing"));
    let quiet = Privacy { read_receipts: false, typing: true };
    desk.tell(Message::Settings(settings::Message::Privacy(quiet)));
    desk.until("the peer knows it", |desk| desk.program.node.overview().me.privacy == quiet).await;
    desk.close().await;
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
    let paste = conversation::Message::Draft(Action::Edit(Edit::Paste(Arc::new(long.clone()))));
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

/// A desktop program whose chat with Echo is open and holds one word and its echo.
async fn desk_with_a_word(word: &str) -> Desk {
    let mut desk = Desk::of("Lin").await;
    desk.hands(|ui| drop(ui.click("Echo").unwrap()));
    desk.until_open(chat_with_echo(&desk)).await;
    desk.type_and_enter(composer::FIELD, word);
    desk.until("the echo", |desk| open(desk).timeline().len() == 2).await;
    desk
}

/// Our own message: the first one.
fn own(desk: &Desk) -> EntryView {
    let timeline = open(desk).timeline();
    timeline.entry(&timeline.oldest().unwrap()).unwrap().clone()
}

/// Presses the right button on our own message: of all that say this, the one on the right.
fn right_click_own(desk: &mut Desk, word: &'static str) {
    desk.hands(|ui| {
        let own = move |candidate: Candidate<'_>| match candidate {
            Candidate::Text { content, bounds, .. } if content == word && bounds.x > MIDDLE => Some(bounds),
            _ => None,
        };
        let bubble = ui.find(own).expect("it is shown");
        ui.point_at(bubble.center());
        ui.simulate([iced::Event::Mouse(mouse::Event::ButtonPressed(mouse::Button::Right))]);
    });
}

/// Middle of the history in a wide window.
const MIDDLE: f32 = 640.0;

#[tokio::test]
async fn the_last_message_is_edited_with_the_up_arrow_and_keeps_its_history() {
    let mut desk = desk_with_a_word("helo").await;
    desk.hands(|ui| {
        click_field(ui, composer::FIELD);
        ui.tap_key(Key::Named(Named::ArrowUp));
    });
    assert!(desk.shows("Edit message"));
    assert_eq!(open(&desk).draft(), "helo");
    for action in [Action::SelectAll, Action::Edit(Edit::Paste(Arc::new("hello".to_owned())))] {
        desk.tell(Message::Home(home::Message::Conversation(conversation::Message::Draft(action))));
    }
    desk.hands(|ui| {
        click_field(ui, composer::FIELD);
        ui.tap_key(ENTER);
    });
    desk.until("the edit", |desk| own(desk).text.as_deref() == Some("hello")).await;
    assert_eq!(open(&desk).draft(), "");
    assert_eq!(open(&desk).timeline().len(), 2, "an edit is no message of its own");
    desk.hands(|ui| drop(ui.click("edited").unwrap()));
    desk.until("both texts", |desk| desk.shows("All texts of this message") && desk.shows("helo")).await;
    desk.close().await;
}

#[tokio::test]
async fn a_message_is_deleted_after_one_question() {
    let mut desk = desk_with_a_word("regretted").await;
    right_click_own(&mut desk, "regretted");
    desk.hands(|ui| drop(ui.click("Delete for everyone").unwrap()));
    assert!(desk.shows("Delete for everyone?"));
    desk.hands(|ui| drop(ui.click("Cancel").unwrap()));
    assert!(!own(&desk).deleted && !desk.shows("Delete for everyone?"));
    right_click_own(&mut desk, "regretted");
    desk.hands(|ui| drop(ui.click("Delete for everyone").unwrap()));
    desk.hands(|ui| drop(ui.click("Delete").unwrap()));
    desk.until_shown("This message was deleted.").await;
    assert!(own(&desk).deleted);
    desk.close().await;
}

#[tokio::test]
async fn an_emoji_is_put_to_a_message_and_taken_back_with_its_chip() {
    let mut desk = desk_with_a_word("sailing?").await;
    right_click_own(&mut desk, "sailing?");
    desk.hands(|ui| drop(ui.click("👍").unwrap()));
    desk.until("the chip", |desk| own(desk).reactions.len() == 1).await;
    desk.hands(|ui| drop(ui.click("👍").unwrap()));
    desk.until("no chip", |desk| own(desk).reactions.is_empty()).await;
    right_click_own(&mut desk, "sailing?");
    desk.hands(|ui| {
        click_field(ui, menu::EMOJI);
        ui.typewrite("⛵");
    });
    desk.hands(|ui| {
        click_field(ui, menu::EMOJI);
        ui.tap_key(ENTER);
    });
    desk.until("any other emoji", |desk| own(desk).reactions.iter().any(|chip| chip.emoji == "⛵")).await;
    desk.close().await;
}

#[tokio::test]
async fn an_answer_shows_what_it_answers() {
    let mut desk = desk_with_a_word("who comes?").await;
    let asked = own(&desk).key;
    right_click_own(&mut desk, "who comes?");
    desk.hands(|ui| drop(ui.click("Reply").unwrap()));
    assert!(desk.shows("Reply to Lin"));
    desk.tell(Message::Key(Key::Named(Named::Escape), Modifiers::default()));
    assert!(!desk.shows("Reply to Lin"), "Escape leads out");
    right_click_own(&mut desk, "who comes?");
    desk.hands(|ui| drop(ui.click("Reply").unwrap()));
    desk.type_and_enter(composer::FIELD, "I do");
    desk.until("the answer", |desk| open(desk).timeline().len() == 4).await;
    let last = open(&desk).timeline().last_own().unwrap();
    assert_eq!((last.text.as_deref(), last.reply_to), (Some("I do"), Some(asked)));
    assert!(!desk.shows("Reply to Lin"));
    desk.close().await;
}

#[tokio::test]
async fn a_long_history_is_scrolled_to_its_start_and_left_with_one_press() {
    let mut desk = Desk::of("Lin").await;
    let chat = chat_with_echo(&desk);
    for n in 0..80 {
        desk.program.send(chat, format!("word {n}")).await.unwrap();
    }
    desk.hands(|ui| drop(ui.click("Echo").unwrap()));
    desk.until_open(chat).await;
    // The list on the left shows the last word too.
    desk.until_shown("word 78").await;
    assert!(open(&desk).timeline().len() < 160, "only the end is read");
    while !open(&desk).timeline().has_start() {
        scroll(&mut desk, f32::MAX);
        desk.until("a page", |desk| !open(desk).timeline().is_reading()).await;
    }
    assert!(!open(&desk).timeline().is_following());
    let first = open(&desk).timeline().oldest().unwrap();
    desk.tell(Message::Home(home::Message::Conversation(conversation::Message::GoTo(first))));
    assert!(desk.shows("word 0") && !desk.shows("word 78"));
    desk.hands(|ui| drop(ui.click("Jump to newest").unwrap()));
    desk.until_shown("word 78").await;
    assert!(open(&desk).timeline().is_following());
    desk.close().await;
}

/// Turns the wheel over the history, by so many pixels up.
fn scroll(desk: &mut Desk, pixels: f32) {
    desk.hands(|ui| {
        ui.point_at(Point::new(MIDDLE, 400.0));
        let delta = mouse::ScrollDelta::Pixels { x: 0.0, y: pixels };
        ui.simulate([iced::Event::Mouse(mouse::Event::WheelScrolled { delta })]);
    });
}
