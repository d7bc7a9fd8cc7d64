//! The settings' page of sound: devices are chosen, switches switched, and a check tells what it found.

use kinmesh::screen::settings::sound::{Choice, Message as Sound, Part};
use kinmesh_media::{Device, DeviceId};

use super::*;

fn device(id: &str, name: &str) -> Choice {
    Choice::from(Device { id: DeviceId::new(id), name: name.to_owned(), is_default: true, rates: Vec::new() })
}

fn tell(desk: &mut Desk, message: Sound) {
    desk.tell(Message::Settings(settings::Message::Sound(message)));
}

async fn desk_on_sound() -> Desk {
    let mut desk = Desk::of("Ana").await;
    desk.hands(|ui| {
        ui.point_at(Point::new(277.0, 36.0));
        ui.simulate(click());
    });
    desk.hands(|ui| drop(ui.click("Sound").unwrap()));
    let microphones = vec![device("pulse:mic", "Headset microphone"), device("pulse:cam", "Camera")];
    tell(&mut desk, Sound::Devices(microphones, vec![device("pulse:ear", "Headset")]));
    tell(&mut desk, Sound::Level(-21.0));
    desk
}

#[tokio::test]
async fn devices_and_switches_are_kept_in_the_settings() {
    let mut desk = desk_on_sound().await;
    assert!(desk.shows("Speak: the bar moves when the microphone hears you. Nothing is recorded."));
    tell(&mut desk, Sound::Input(device("pulse:cam", "Camera")));
    tell(&mut desk, Sound::Switch(Part::Noise, false));
    let sound = desk.program.settings.get().sound;
    assert_eq!((sound.input.as_deref(), sound.output), (Some("pulse:cam"), None));
    assert!(sound.echo_cancellation && !sound.noise_suppression && sound.gain_control);
    assert!(desk.shows("Opening the microphone…"), "another microphone is listened to");
    desk.close().await;
}

#[tokio::test]
async fn a_check_tells_what_it_found() {
    let mut desk = desk_on_sound().await;
    let found = vec![
        "The microphone hears you well (peak -12 dBFS).".to_owned(),
        "The microphone did not hear the loudspeaker. With headphones that is right; else check which loudspeaker is chosen and how loud it is.".to_owned(),
        "Coding and buffering add 37 ms.".to_owned(),
    ];
    tell(&mut desk, Sound::Checked(Ok(found)));
    let mut ui = simulate((1240.0, 1000.0), desk.app.view());
    picture::assert_same::<Message>(&mut ui, Theme::Light, "sound");
    drop(ui);
    tell(&mut desk, Sound::Checked(Err("No loudspeaker found.".to_owned())));
    assert!(desk.shows("No loudspeaker found.") && desk.shows("Record and play back"));
    desk.close().await;
}
