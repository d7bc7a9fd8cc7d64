//! Calls in the window: who rings, the call that goes on beside what is written, and what became of one.

use iced::Size;
use kinmesh::app;
use kinmesh::calls::{CallSound, Device, DeviceFault};
use kinmesh::screen::call::{Message as Call, State, WHY};
use kinmesh::settings::{Activation, Sound};
use kinmesh_core::{CallDirection, CallEnd, CallState, CallView};

use super::*;
use fixture::calls;

const WINDOW: Size = Size::new(1240.0, 800.0);

/// The window with a call in it.
fn window<'a>(club: &'a BoatClub, state: &'a State, size: Size) -> Element<'a, app::Message> {
    let home = club.home.view(&club.cx).map(app::Message::Home);
    state.around(home, &Sound::default(), &club.cx, size, app::Message::Call)
}

fn look(club: &BoatClub, state: &State, name: &str) {
    for (theme, name) in [(Theme::Light, format!("{name}-light")), (Theme::Dark, format!("{name}-dark"))] {
        let mut ui = simulate((WINDOW.width, WINDOW.height), window(club, state, WINDOW));
        picture::assert_same::<app::Message>(&mut ui, theme, &name);
    }
}

/// What calls are open for, once they were seen.
fn following(club: &mut BoatClub, sound: CallSound) -> State {
    let mut state = State::showing(sound);
    drop(state.follow(&club.cx, WINDOW));
    club.cx.window.width = WINDOW.width - state.width_beside(WINDOW);
    state
}

/// Messages that come of what the hands do.
fn pressed(club: &BoatClub, state: &State, act: impl FnOnce(&mut Ui<'_, app::Message>)) -> Vec<Call> {
    let mut ui = simulate((WINDOW.width, WINDOW.height), window(club, state, WINDOW));
    act(&mut ui);
    let of_calls = |message| match message {
        app::Message::Call(message) => Some(message),
        _ => None,
    };
    ui.into_messages().filter_map(of_calls).collect()
}

fn shows(club: &BoatClub, state: &State, text: &str) -> bool {
    simulate((WINDOW.width, WINDOW.height), window(club, state, WINDOW)).find(text).is_ok()
}

#[test]
fn a_ring_lies_over_what_is_read_and_names_who_rings() {
    let club = BoatClub::new().with_two_anas().calling(vec![calls::rings()]);
    look(&club, &State::default(), "call-rings");
    let state = State::default();
    let accepted = pressed(&club, &state, |ui| drop(ui.click("Accept").unwrap()));
    assert!(matches!(accepted.as_slice(), [Call::Accept(call)] if *call == calls::rings().call));
    let ignored = pressed(&club, &state, |ui| drop(ui.click("Ignore").unwrap()));
    assert!(matches!(ignored.as_slice(), [Call::Ignore(_)]));
    assert!(matches!(state.shortcut("d", &club.cx), Some(Call::Decline(_))));
    assert!(matches!(state.shortcut("a", &club.cx), Some(Call::Accept(_))));
}

#[tokio::test]
async fn a_ring_is_turned_down_with_words() {
    let desk = Desk::of("Lin").await;
    let club = BoatClub::new().calling(vec![calls::rings()]);
    let mut state = State::default();
    drop(state.follow(&club.cx, WINDOW));
    let call = calls::rings().call;
    drop(state.update(Call::AskWhy(call), &desk.program, &club.cx));
    drop(state.update(Call::Why("Ten minutes, please".to_owned()), &desk.program, &club.cx));
    look(&club, &state, "call-decline");
    let declined = pressed(&club, &state, |ui| drop(ui.click("I will call you back.").unwrap()));
    assert!(matches!(declined.as_slice(), [Call::DeclineWith(_, text)] if text == "I will call you back."));
    let declined = pressed(&club, &state, |ui| {
        click_field(ui, WHY);
        ui.tap_key(ENTER);
    });
    assert!(matches!(declined.as_slice(), [Call::DeclineWith(_, text)] if text == "Ten minutes, please"));
    assert!(state.escape() && shows(&club, &state, "Accept"), "Escape leads back to the ring");
    desk.close().await;
}

#[test]
fn who_rings_sees_how_far_it_is() {
    let mut club = BoatClub::chat().calling(vec![calls::with_bo(CallDirection::Out, CallState::Ringing)]);
    let state = following(&mut club, CallSound::default());
    look(&club, &state, "call-ringing");
    assert!(shows(&club, &state, "ringing…") && shows(&club, &state, "Cancel"));
    let connecting = CallState::Connecting { since_ms: calls::began_ms() };
    let mut club = BoatClub::chat().calling(vec![calls::with_bo(CallDirection::Out, connecting)]);
    let state = following(&mut club, CallSound::default());
    assert!(shows(&club, &state, "connecting…"));
}

#[test]
fn one_reads_and_writes_beside_a_call() {
    let mut club = BoatClub::chat().calling(vec![calls::active()]);
    let state = following(&mut club, calls::sound());
    look(&club, &state, "call-active");
    let muted = pressed(&club, &state, |ui| drop(ui.click("Mute").unwrap()));
    assert!(matches!(muted.as_slice(), [Call::Mute(true)]));
    let left = pressed(&club, &state, |ui| drop(ui.click("Hang up").unwrap()));
    assert!(matches!(left.as_slice(), [Call::HangUp]));
    assert!(matches!(state.shortcut("m", &club.cx), Some(Call::Mute(true))));
}

#[test]
fn figures_and_words_to_read_are_there_when_wanted() {
    let mut club = BoatClub::with_ana().calling(vec![calls::with_ana()]);
    let state = following(&mut club, calls::sound_of_ana()).in_full();
    let high = Size::new(WINDOW.width, 1000.0);
    for (theme, name) in [(Theme::Light, "call-in-full-light"), (Theme::Dark, "call-in-full-dark")] {
        let mut ui = simulate((high.width, high.height), window(&club, &state, high));
        picture::assert_same::<app::Message>(&mut ui, theme, name);
    }
    let mut ui = simulate((high.width, high.height), window(&club, &state, high));
    drop(ui.click("They are the same").unwrap());
    let is_verified = |message| matches!(message, app::Message::Call(Call::Verify(_)));
    assert!(ui.into_messages().any(is_verified));
}

#[test]
fn who_talks_with_a_key_sees_which() {
    let mut club = BoatClub::chat().calling(vec![calls::active()]);
    let sound = CallSound { activation: Activation::PushToTalk, ..calls::sound() };
    let state = following(&mut club, sound);
    look(&club, &state, "call-key");
    assert!(matches!(state.talk_key(true), Some(Call::Talk(true))));
    assert!(state.talk_key(false).is_none(), "it is not held");
    let open = following(&mut club, calls::sound());
    assert!(open.talk_key(true).is_none(), "no key is wanted");
}

#[test]
fn a_call_that_waits_or_is_cut_off_says_so() {
    let held = CallView { held: true, muted: true, ..calls::active() };
    let mut club = BoatClub::chat().calling(vec![held]);
    let state = following(&mut club, calls::sound());
    look(&club, &state, "call-held");
    let since_ms = calls::now_ms() - 7_000;
    let mut club = BoatClub::chat()
        .calling(vec![calls::with_bo(CallDirection::Out, CallState::Reconnecting { since_ms })]);
    let state = following(&mut club, calls::sound());
    look(&club, &state, "call-cut-off");
    assert!(shows(&club, &state, "cut off for 7 s, trying again"));
}

#[test]
fn who_has_no_microphone_is_told_so() {
    let mut club = BoatClub::chat().calling(vec![calls::active()]);
    let microphone = Device { name: None, fault: Some(DeviceFault::Missing) };
    let state = following(&mut club, CallSound { microphone, ..calls::sound() });
    assert!(shows(&club, &state, "No microphone was found: you can listen, and nobody hears you."));
}

#[test]
fn several_in_a_call_are_told_apart() {
    let mut club = BoatClub::chat().calling(vec![calls::of_four()]);
    let state = following(&mut club, calls::sound_of_four());
    look(&club, &state, "call-group");
    assert!(shows(&club, &state, "Call of 4") && !shows(&club, &state, "Transfer"));
}

#[test]
fn a_room_has_a_voice_channel_and_says_who_is_in_it() {
    let others = BoatClub::new().with_voice(false);
    look(&others, &State::default(), "voice-others");
    let mut club = BoatClub::new().with_voice(true).calling(vec![calls::voice()]);
    let state = following(&mut club, calls::sound_of_four());
    look(&club, &state, "voice-in");
    assert!(shows(&club, &state, "In voice") && shows(&club, &state, "Voice in Boat club"));
}

#[test]
fn a_call_that_came_to_nothing_says_why_and_what_else_there_is() {
    let club = BoatClub::chat();
    let mut state = State::default();
    assert_eq!(state.apply(&[calls::ended(CallEnd::NoPath)], &club.cx), None);
    look(&club, &state, "call-no-path");
    let wrote = pressed(&club, &state, |ui| drop(ui.click("Write instead").unwrap()));
    assert!(matches!(wrote.as_slice(), [Call::Open(ConversationId::Direct(_))]));
    let again = pressed(&club, &state, |ui| drop(ui.click("Call again").unwrap()));
    assert!(matches!(again.as_slice(), [Call::Ring(_)]));
    for (end, words) in [
        (
            CallEnd::Offline,
            "Bo is not connected, so it cannot ring there. Write instead: it arrives when you meet.",
        ),
        (CallEnd::Busy, "Bo is in another call."),
        (CallEnd::Declined { text: Some("Later".into()) }, "Bo declined: Later"),
        (CallEnd::Lost, "Bo was cut off and did not come back."),
    ] {
        let mut state = State::default();
        state.apply(&[calls::ended(end)], &club.cx);
        assert!(shows(&club, &state, words), "{words}");
    }
}

#[test]
fn a_call_that_ended_well_is_said_for_a_moment() {
    let mut club = BoatClub::chat().calling(vec![calls::active()]);
    let mut state = following(&mut club, calls::sound());
    let said = state.apply(&[calls::ended(CallEnd::HungUp)], &club.cx);
    assert_eq!(said.as_deref(), Some("The call with Bo is over."));
    let cancelled = State::default().apply(&[calls::ended(CallEnd::Cancelled)], &club.cx);
    assert_eq!(cancelled, None, "we know that we gave up");
}

#[test]
fn calls_stand_in_the_history() {
    let club = BoatClub::with_calls();
    look(&club, &State::default(), "call-history");
    let mut ui = simulate((WINDOW.width, WINDOW.height), club.home.view(&club.cx));
    assert!(ui.find("Missed call").is_ok());
    drop(ui.click("Call back").unwrap());
    let is_ring = |message| matches!(message, home::Message::Conversation(conversation::Message::Ring(_)));
    assert!(ui.into_messages().any(is_ring));
}

#[test]
fn a_narrow_window_shows_the_bar_or_the_call() {
    let narrow = Size::new(420.0, 800.0);
    let mut club = BoatClub::chat().calling(vec![calls::active()]);
    let open = following(&mut club, calls::sound());
    club.cx.window = narrow;
    let mut closed = State::showing(calls::sound());
    drop(closed.follow(&club.cx, narrow));
    for (state, name) in [(&closed, "call-narrow-bar"), (&open, "call-narrow")] {
        assert_eq!(state.width_beside(narrow), 0.0);
        let mut ui = simulate((narrow.width, narrow.height), window(&club, state, narrow));
        picture::assert_same::<app::Message>(&mut ui, Theme::Light, name);
    }
}

#[tokio::test]
async fn echo_can_be_called_with_nobody_around() {
    let mut desk = Desk::of("Lin").await;
    desk.hands(|ui| drop(ui.click("Echo").unwrap()));
    desk.until_open(chat_with_echo(&desk)).await;
    let ConversationId::Direct(echo) = chat_with_echo(&desk) else { unreachable!() };
    desk.tell(Message::Home(home::Message::Conversation(conversation::Message::Ring(echo))));
    desk.until_shown("Hang up").await;
    desk.hands(|ui| drop(ui.click("Hold").unwrap()));
    desk.until("it is held", |desk| desk.program.node.overview().calls.iter().any(|call| call.held)).await;
    desk.hands(|ui| drop(ui.click("Hang up").unwrap()));
    desk.until("it is over", |desk| desk.program.node.overview().calls.is_empty()).await;
    desk.until_shown("The call with Echo is over.").await;
    desk.close().await;
}

#[tokio::test]
async fn when_one_is_heard_is_for_the_user_to_say() {
    use kinmesh::screen::settings::sound::{Message as OfSound, Part};
    let mut desk = Desk::of("Ana").await;
    desk.hands(|ui| {
        ui.point_at(Point::new(277.0, 36.0));
        ui.simulate(click());
    });
    desk.hands(|ui| drop(ui.click("Sound").unwrap()));
    desk.hands(|ui| drop(ui.click("While I hold F9").unwrap()));
    desk.tell(Message::Settings(settings::Message::Sound(OfSound::Switch(Part::Ring, false))));
    let sound = desk.program.settings.get().sound;
    assert_eq!((sound.activation, sound.ring), (Activation::PushToTalk, false));
    assert!(desk.shows("Nothing is sent unless you hold F9, or the button in the call."));
    desk.close().await;
}
