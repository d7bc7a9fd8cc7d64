//! Everything into an archive and back, and one conversation into a file, in the window.

use kinmesh::export::Format;
use kinmesh::screen::dialog::{self, export};
use kinmesh::screen::onboarding::restore;
use kinmesh::screen::settings::history;

use super::*;

const PASSPHRASE: &str = "correct horse battery staple";

/// A chat with Echo that holds a word, in an archive at this place.
async fn exported(word: &str, file: &str) {
    let mut desk = desk_with_a_word(word).await;
    desk.hands(|ui| {
        ui.point_at(Point::new(277.0, 36.0));
        ui.simulate(click());
    });
    desk.hands(|ui| drop(ui.click("Your history").unwrap()));
    for typed in [
        history::Message::File(file.to_owned()),
        history::Message::Passphrase("password1".to_owned()),
        history::Message::Again(PASSPHRASE.to_owned()),
    ] {
        desk.tell(Message::Settings(settings::Message::History(typed)));
    }
    assert!(desk.shows("Weak: it can be guessed in a day. Use four rare words or more."));
    desk.hands(|ui| drop(ui.click("Export").unwrap()));
    assert!(desk.shows("The two passphrases are not the same."));
    let typed = history::Message::Passphrase(PASSPHRASE.to_owned());
    desk.tell(Message::Settings(settings::Message::History(typed)));
    desk.hands(|ui| drop(ui.click("Export").unwrap()));
    desk.until_shown("Whoever has this file and its passphrase can read everything in it and speak as you.")
        .await;
    desk.close().await;
}

fn type_into_restore(desk: &mut Desk, file: &str, passphrase: &str) {
    for typed in
        [restore::Message::File(file.to_owned()), restore::Message::Passphrase(passphrase.to_owned())]
    {
        desk.tell(Message::Onboarding(onboarding::Message::Restore(typed)));
    }
    desk.hands(|ui| drop(ui.click("Import").unwrap()));
}

#[tokio::test]
async fn an_archive_brings_everything_back_at_the_first_start() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("all.age").display().to_string();
    exported("remember this", &file).await;
    let mut desk = Desk::start().await;
    desk.hands(|ui| drop(ui.click("I have an archive").unwrap()));
    type_into_restore(&mut desk, &file, "something else");
    desk.until_shown("The passphrase is wrong.").await;
    type_into_restore(&mut desk, &file, PASSPHRASE);
    desk.until_shown("Start").await;
    desk.hands(|ui| drop(ui.click("Start").unwrap()));
    desk.follow_program();
    desk.until_shown("online on this device").await;
    assert!(desk.shows("Lin"));
    desk.hands(|ui| drop(ui.click("Echo").unwrap()));
    desk.until("the history", |desk| open(desk).timeline().len() == 2).await;
    assert_eq!(own(&desk).text.as_deref(), Some("remember this"));
    desk.type_and_enter(composer::FIELD, "and it goes on");
    desk.until("the echo", |desk| open(desk).timeline().len() == 4).await;
    desk.close().await;
}

#[tokio::test]
async fn one_conversation_is_written_into_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("echo.json");
    let mut desk = desk_with_a_word("keep this").await;
    desk.tell(Message::Home(home::Message::Conversation(conversation::Message::ToggleMenu)));
    desk.hands(|ui| drop(ui.click("Export…").unwrap()));
    assert!(desk.shows("Export Echo"));
    for typed in [export::Message::File(file.display().to_string()), export::Message::Format(Format::Json)] {
        desk.tell(Message::Home(home::Message::Dialog(dialog::Message::Export(typed))));
    }
    desk.hands(|ui| drop(ui.click("Export").unwrap()));
    desk.until_shown(&format!("2 messages are in {}.", file.display())).await;
    let written: serde_json::Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    assert_eq!(written["messages"][0]["text"], "keep this");
    desk.close().await;
}

#[tokio::test]
async fn a_file_that_cannot_be_written_is_named() {
    let mut desk = desk_with_a_word("word").await;
    desk.tell(Message::Home(home::Message::Conversation(conversation::Message::Export)));
    let typed = export::Message::File("/nowhere/at/all.md".to_owned());
    desk.tell(Message::Home(home::Message::Dialog(dialog::Message::Export(typed))));
    desk.hands(|ui| drop(ui.click("Export").unwrap()));
    desk.until("why not", |desk| {
        let why = |candidate: Candidate<'_>| match candidate {
            Candidate::Text { content, .. } if content.starts_with("/nowhere/at/all.md: ") => Some(()),
            _ => None,
        };
        simulate((1240.0, 800.0), desk.app.view()).find(why).is_ok()
    })
    .await;
    desk.close().await;
}
