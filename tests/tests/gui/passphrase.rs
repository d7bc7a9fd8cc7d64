//! A passphrase is set in the window, a wrong one is refused, and the program goes on.

use futures::StreamExt;
use iced_test::runtime::{Action, task};
use kinmesh::screen::settings::passphrase;

use super::*;

/// Types a passphrase twice into the fields for a new one, and the present one before it.
fn type_passphrases(desk: &mut Desk, old: &str, new: &str) {
    let typed = [
        passphrase::Message::Old(old.to_owned()),
        passphrase::Message::New(new.to_owned()),
        passphrase::Message::Again(new.to_owned()),
    ];
    for typed in typed {
        desk.tell(Message::Settings(settings::Message::Passphrase(typed)));
    }
}

fn press(desk: &mut Desk, words: &str) {
    desk.hands(|ui| drop(ui.click(words).unwrap()));
}

#[tokio::test]
async fn a_passphrase_is_set_the_program_goes_on_and_locks_when_it_is_left_alone() {
    let mut desk = desk_with_a_word("remember this").await;
    desk.hands(|ui| {
        ui.point_at(Point::new(277.0, 36.0));
        ui.simulate(click());
    });
    press(&mut desk, "Passphrase");
    assert!(!desk.shows("Lock now"), "there is nothing to open it with");
    type_passphrases(&mut desk, "", "correct horse");
    press(&mut desk, "Set passphrase");
    assert!(desk.shows("Writing everything anew. Kinmesh is offline until that is done."));
    desk.until_shown("Change passphrase").await;
    desk.follow_program();
    assert!(desk.program.has_passphrase() && desk.shows("Lock now"));

    type_passphrases(&mut desk, "wrong", "battery staple");
    press(&mut desk, "Change passphrase");
    desk.until_shown("That is not the passphrase. Next try in 1 s.").await;
    assert!(desk.program.node.overview().me.name.is_some(), "a wrong one does not end the peer");

    desk.tell(Message::Settings(settings::Message::Passphrase(passphrase::Message::LockAfter(Some(0)))));
    let mut work = task::into_stream(desk.app.update(Message::Tick)).unwrap();
    assert!(matches!(work.next().await, Some(Action::Output(Message::Lock))), "left alone, it locks");
    desk.close().await;
}
