//! Searching all messages in the window.

use iced::keyboard::Modifiers;
use iced::keyboard::key::Named;
use kinmesh::screen::search;
use kinmesh_net::SearchProgress;

use super::*;

/// What Ctrl+F tells the program.
fn ctrl_f() -> Message {
    Message::Key(Key::Character("f".into()), Modifiers::COMMAND)
}

/// Types letter by letter into the search, as a person does: the program answers in between.
fn search_for(desk: &mut Desk, typed: &str) {
    for end in 1..=typed.len() {
        let typed = search::Message::Typed(typed[..end].to_owned());
        desk.tell(Message::Home(home::Message::Search(typed)));
    }
}

/// A chat with Echo in which a word stands far above what is shown.
async fn desk_with_a_needle() -> Desk {
    let mut desk = Desk::of("Lin").await;
    let chat = chat_with_echo(&desk);
    desk.program.send(chat, "needle in the hay".to_owned()).await.unwrap();
    for n in 0..80 {
        desk.program.send(chat, format!("hay {n}")).await.unwrap();
    }
    desk.hands(|ui| drop(ui.click("Echo").unwrap()));
    desk.until_open(chat).await;
    desk.until_shown("hay 78").await;
    desk
}

#[test]
fn a_search_looks_as_it_should_in_both_themes() {
    for (theme, name) in [(Theme::Light, "search-light"), (Theme::Dark, "search-dark")] {
        let club = BoatClub::searching("the", theme);
        let mut ui = simulate((1240.0, 800.0), club.home.view(&club.cx));
        picture::assert_same::<home::Message>(&mut ui, theme, name);
    }
}

#[tokio::test]
async fn a_word_is_found_as_one_types_and_enter_leads_to_its_place() {
    let mut desk = desk_with_a_needle().await;
    assert!(!open(&desk).timeline().has_start(), "only the end is read");
    desk.tell(ctrl_f());
    assert!(desk.shows("Search messages"));
    search_for(&mut desk, "needl");
    // What we said, and its echo.
    desk.until_shown("2 messages, newest first").await;
    desk.hands(|ui| {
        click_field(ui, search::FIELD);
        ui.tap_key(ENTER);
    });
    let has_needle = |desk: &Desk| {
        let timeline = open(desk).timeline();
        let oldest = timeline.oldest().and_then(|key| timeline.entry(&key));
        oldest.is_some_and(|entry| entry.text.as_deref() == Some("needle in the hay"))
    };
    desk.until("the place of the message", has_needle).await;
    assert!(desk.shows("Search messages"), "the next find is one press away");
    desk.tell(Message::Key(Key::Named(Named::Escape), Modifiers::default()));
    assert!(!desk.shows("Search messages") && open(&desk).id() == chat_with_echo(&desk));
    desk.close().await;
}

#[tokio::test]
async fn the_arrow_keys_choose_among_what_was_found() {
    let mut desk = desk_with_a_needle().await;
    desk.tell(ctrl_f());
    search_for(&mut desk, "needle");
    desk.until_shown("2 messages, newest first").await;
    for _ in 0..2 {
        desk.tell(Message::Key(Key::Named(Named::ArrowDown), Modifiers::default()));
    }
    desk.hands(|ui| {
        click_field(ui, search::FIELD);
        ui.tap_key(ENTER);
    });
    let me = desk.program.node.overview().me.person;
    desk.until("our own words", |desk| {
        let shown = open(desk).shown();
        shown.and_then(|key| open(desk).timeline().entry(&key)).is_some_and(|entry| entry.author == me)
    })
    .await;
    desk.close().await;
}

#[tokio::test]
async fn a_search_says_what_it_cannot_find_or_understand() {
    let mut desk = desk_with_a_needle().await;
    desk.tell(ctrl_f());
    search_for(&mut desk, "haystack");
    desk.until_shown("Nothing found.").await;
    search_for(&mut desk, "hay after:yesterday");
    desk.until_shown("yesterday is no day; write it like 2026-11-21").await;
    search_for(&mut desk, "from:me needle");
    desk.until_shown("1 message").await;
    desk.close().await;
}

#[tokio::test]
async fn what_was_deleted_leaves_the_list() {
    let mut desk = desk_with_a_needle().await;
    desk.tell(ctrl_f());
    search_for(&mut desk, "from:me needle");
    desk.until_shown("1 message").await;
    let chat = chat_with_echo(&desk);
    let needle = desk.program.page(chat, None, 500).await.unwrap().remove(0);
    desk.program.node.conversation(chat).delete(needle.key).await.unwrap();
    desk.until_shown("Nothing found.").await;
    desk.close().await;
}

#[tokio::test]
async fn what_no_room_or_person_is_called_leads_to_messages() {
    let mut desk = desk_with_a_needle().await;
    desk.tell(Message::Key(Key::Character("k".into()), Modifiers::COMMAND));
    desk.type_and_enter(kinmesh::screen::sidebar::SEARCH, "needle");
    desk.until_shown("2 messages, newest first").await;
    desk.close().await;
}

#[test]
fn a_search_says_how_far_its_index_is_while_that_is_made() {
    let mut club = BoatClub::searching("the", Theme::Light);
    let words = "The search is being prepared: 30 %. The newest messages are found already.";
    assert!(simulate((1240.0, 800.0), club.home.view(&club.cx)).find(words).is_err());
    club.cx.status.search_progress = Some(SearchProgress { indexed: 300, total: 1000 });
    assert!(simulate((1240.0, 800.0), club.home.view(&club.cx)).find(words).is_ok());
}

#[test]
fn in_a_narrow_window_the_search_takes_the_place_of_the_list() {
    let mut club = BoatClub::searching("the", Theme::Light);
    club.cx.window.width = 639.0;
    let mut ui = simulate((639.0, 800.0), club.home.view(&club.cx));
    assert!(ui.find("Search messages").is_ok() && ui.find("Saturday, 21 November").is_err());
}
