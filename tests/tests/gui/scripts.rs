//! Text that is not Latin: typed through an input method, and drawn with the fonts of the system.

use iced::advanced::input_method;
use iced::advanced::input_method::Event::{Commit, Opened, Preedit};
use kinmesh::screen::conversation::composer;
use kinmesh::screen::home;
use kinmesh::theme::Theme;
use kinmesh::widget::Element;
use kinmesh_proto::Delivery;

use crate::desk::Desk;
use crate::fixture::BoatClub;
use crate::{
    ENTER, chat_with_echo, click_field, desk_with_a_word, open, own, picture, right_click_own, simulate,
};

/// What an input method does before a text is chosen, if there is something to choose from.
fn on_the_way(letters: &str) -> Vec<input_method::Event> {
    let end = letters.len();
    vec![Preedit(letters.to_owned(), Some(end..end)), Preedit(String::new(), None)]
}

/// Writes to Echo through an input method: what is committed, after these events, is the draft and is sent.
async fn is_committed(text: &str, before: Vec<input_method::Event>) {
    let mut desk = Desk::of("Lin").await;
    desk.hands(|ui| drop(ui.click("Echo").unwrap()));
    desk.until_open(chat_with_echo(&desk)).await;
    desk.hands(|ui| {
        click_field(ui, composer::FIELD);
        let typed = [Opened].into_iter().chain(before).chain([Commit(text.to_owned())]);
        ui.simulate(typed.map(iced::Event::InputMethod));
    });
    assert_eq!(open(&desk).draft(), text, "what was chosen, and nothing of the way there");
    desk.hands(|ui| {
        click_field(ui, composer::FIELD);
        ui.tap_key(ENTER);
    });
    desk.until("the echo", |desk| open(desk).timeline().len() == 2).await;
    assert_eq!(own(&desk).text.as_deref(), Some(text));
    desk.until("the receipt", |desk| own(desk).delivery == Delivery::Delivered).await;
    desk.close().await;
}

#[tokio::test]
async fn what_an_input_method_commits_is_the_draft_and_is_sent() {
    is_committed("你好", on_the_way("ni hao")).await;
}

#[tokio::test]
async fn a_right_to_left_text_is_committed_and_sent() {
    is_committed("שלום", Vec::new()).await;
}

/// Whether two texts look the same in a conversation. Characters that no font has are all drawn as the
/// same box.
fn look_the_same(one: &str, other: &str) -> bool {
    let dir = tempfile::tempdir().unwrap();
    let is_as_before = |text: &str| {
        let chat = BoatClub::saying(text);
        let mut ui = simulate::<home::Message>((1240.0, 800.0), chat.home.view(&chat.cx));
        // A hash that is not there yet is written, and matches.
        ui.snapshot(&Theme::Light).unwrap().matches_hash(dir.path().join("picture")).unwrap()
    };
    assert!(is_as_before(one));
    is_as_before(other)
}

/// The pictures beside the other tests hold Latin text alone: how other scripts look is up to the fonts
/// that a system has, and differs from one to the next. That they are drawn does not.
#[test]
fn chinese_hebrew_and_emoji_are_drawn_and_not_replaced_by_boxes() {
    assert!(look_the_same("中文", "中文"), "the same words look the same");
    assert!(look_the_same("\u{10FFFD}", "\u{10FFFC}"), "what no font has is a box");
    for (one, other) in [("中", "文"), ("ש", "מ"), ("🚲", "🌊"), ("中文 שלום 🚲", "中文 שלום 🌊")]
    {
        assert!(!look_the_same(one, other), "{one} and {other}");
    }
}

/// A text whose letters are drawn from left to right in the order they stand in, whatever they are.
fn from_left_to_right(text: &str) -> String {
    format!("\u{202D}{text}\u{202C}")
}

#[test]
fn hebrew_runs_from_right_to_left_and_its_numbers_from_left_to_right() {
    let backwards = from_left_to_right("םולש");
    assert!(look_the_same("שלום", &backwards), "the first letter stands on the right");
    assert!(!look_the_same("שלום", "םולש"));
    let mixed = format!("The code is {}.", from_left_to_right("4471 םולש"));
    assert!(look_the_same("The code is שלום 4471.", &mixed));
}

/// Pixels in the yellow of a thumb and of faces, which nothing else in the window has.
fn yellow<Message>(view: Element<'_, Message>) -> usize {
    let is_yellow = |[red, green, blue]: [u8; 3]| red > 220 && green > 160 && blue < 110;
    picture::count(&mut simulate((1240.0, 800.0), view), Theme::Light, is_yellow)
}

#[test]
fn emoji_are_drawn_in_colour_in_texts_and_chips() {
    let said = |text: &str| {
        let chat = BoatClub::saying(text);
        yellow::<home::Message>(chat.home.view(&chat.cx))
    };
    assert_eq!(said("ok"), 0);
    let one = said("👍");
    assert!(one > 0 && said("ok 👍 then") > 0 && said("👍👍") > one);
    let chip = |emoji: &str| {
        let chat = BoatClub::reacting(emoji);
        yellow::<home::Message>(chat.home.view(&chat.cx))
    };
    assert_eq!(chip("✓"), 0);
    assert!(chip("👍") > 0);
}

#[tokio::test]
async fn emoji_are_drawn_in_colour_in_the_menu() {
    let mut desk = desk_with_a_word("sailing?").await;
    assert_eq!(yellow(desk.app.view()), 0);
    right_click_own(&mut desk, "sailing?");
    assert!(yellow(desk.app.view()) > 0);
    desk.close().await;
}

#[tokio::test]
async fn emoji_are_drawn_in_colour_while_they_are_typed() {
    let mut desk = desk_with_a_word("sailing?").await;
    desk.hands(|ui| {
        click_field(ui, composer::FIELD);
        ui.typewrite("yes 👍");
    });
    assert_eq!(open(&desk).draft(), "yes 👍");
    assert!(yellow(desk.app.view()) > 0);
    desk.close().await;
}
