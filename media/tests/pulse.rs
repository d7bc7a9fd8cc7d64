//! Real devices, which null sinks of a private PulseAudio are to the program: sound goes out and comes
//! in, devices come and go, and the sound check tells the truth.
//!
//! The sound system is found through the environment, so each test runs in a process of its own: it
//! calls itself as a child.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "in a test the panic is the report"
)]

#[path = "support/pulse.rs"]
#[allow(dead_code, reason = "shared with the tests of the program")]
mod pulse;

use std::ops::ControlFlow;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use kinmesh_media::check::{Stage, check, play_ring};
use kinmesh_media::codec::BLOCK;
use kinmesh_media::engine::{EngineStatus, Voices};
use kinmesh_media::signal::power;
use kinmesh_media::{AudioSystem, DeviceId, Devices, Engine, Switches};
use pulse::Pulse;

/// Set in the child.
const CHILD: &str = "KINMESH_MEDIA_TEST_CHILD";
const DEADLINE: Duration = Duration::from_secs(20);

/// Runs a test again, as a child that has this sound system.
fn in_child(test: &str, pulse: &Pulse) {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(CHILD, "1")
        .envs(pulse.environment())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn is_child() -> bool {
    std::env::var_os(CHILD).is_some()
}

fn id(name: &str) -> Option<DeviceId> {
    Some(DeviceId::new(format!("pulseaudio:{name}")))
}

/// Plays a tone, and keeps what it hears.
struct Tone {
    at: usize,
    heard: Arc<Mutex<Vec<f32>>>,
}

impl Voices for Tone {
    fn heard(&mut self, raw: &[f32; BLOCK], _: &[f32; BLOCK], _: Duration) {
        self.heard.lock().unwrap().extend(raw);
    }

    fn play(&mut self, _: Duration) -> [f32; BLOCK] {
        let block = std::array::from_fn(|n| ((self.at + n) as f32 * 0.06).sin() * 0.5);
        self.at += BLOCK;
        block
    }
}

fn tone() -> (Box<Tone>, Arc<Mutex<Vec<f32>>>) {
    let heard = Arc::<Mutex<Vec<f32>>>::default();
    (Box::new(Tone { at: 0, heard: Arc::clone(&heard) }), heard)
}

fn wait_until(what: &str, engine: &Engine, holds: impl Fn(&EngineStatus) -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !holds(&engine.status()) {
        assert!(Instant::now() < deadline, "{what}: {:?}", engine.status());
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn plays_on(name: &'static str) -> impl Fn(&EngineStatus) -> bool {
    move |status| {
        let loud = status.output.reading.level.peak_dbfs > -10.0;
        status.output.device.as_deref().is_some_and(|device| device.contains(name)) && loud
    }
}

#[test]
fn a_tone_that_is_played_is_heard() {
    if !is_child() {
        let pulse = Pulse::start(&["room"]);
        return in_child("a_tone_that_is_played_is_heard", &pulse);
    }
    let (tone, heard) = tone();
    let engine = Engine::start(Devices::default(), Switches::OFF, tone);
    wait_until("five seconds of sound", &engine, |_| heard.lock().unwrap().len() > 5 * 48_000);
    let heard = heard.lock().unwrap();
    let begun = heard.iter().position(|sample| sample.abs() > 0.3).expect("the tone is heard") + 48_000;
    let quiet = heard[begun..].chunks_exact(480).filter(|block| power(block) < 0.1).count();
    // Of 400. A machine under load stops for a moment; then the cushion before the loudspeaker grows.
    assert!(quiet <= 20, "{quiet} gaps: {:?}", engine.status());
}

#[test]
fn devices_may_come_and_go() {
    if is_child() {
        return;
    }
    let pulse = Pulse::start(&["desk"]);
    let headset = pulse.plug("headset");
    // The engine lives in this process: the environment of a test is set before any thread of it reads.
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "the_engine_follows", "--nocapture"])
        .env(CHILD, &headset)
        .envs(pulse.environment())
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    follow(&pulse, &headset, output);
}

/// Unplugs and plugs as the child says that it is ready for it.
fn follow(pulse: &Pulse, headset: &str, mut child: std::process::Child) {
    use std::io::{BufRead, BufReader};
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        match line.unwrap().as_str() {
            "unplug" => pulse.unplug(headset),
            "plug" => drop(pulse.plug("headset")),
            _ => {}
        }
    }
    assert!(child.wait().unwrap().success());
}

#[test]
fn the_engine_follows() {
    if !is_child() {
        return;
    }
    let (tone, _) = tone();
    let devices = Devices { input: None, output: id("headset") };
    let engine = Engine::start(devices, Switches::OFF, tone);
    wait_until("the headset", &engine, plays_on("headset"));
    println!("\nunplug");
    wait_until("the desk", &engine, plays_on("desk"));
    println!("\nplug");
    wait_until("the headset again", &engine, plays_on("headset"));
    engine.choose(Devices { input: None, output: id("desk") });
    wait_until("the desk by choice", &engine, plays_on("desk"));
    assert!(engine.status().output.reopened >= 3);
}

#[test]
fn a_check_tells_whether_the_microphone_hears_the_loudspeaker() {
    if !is_child() {
        let pulse = Pulse::start(&["room", "elsewhere"]);
        return in_child("a_check_tells_whether_the_microphone_hears_the_loudspeaker", &pulse);
    }
    let mut stages = Vec::new();
    let mut watch = |moment: kinmesh_media::check::Moment| {
        stages.push(moment.stage);
        ControlFlow::Continue(())
    };
    let devices = Devices { input: id("room.monitor"), output: id("room") };
    let report = check(devices, Switches::ON, Duration::from_millis(500), &mut watch).unwrap();
    let heard = report.heard.expect("one hears the other");
    assert!(heard.likeness > 0.8 && heard.delay_ms > 5.0 && heard.delay_ms < 250.0, "{report:?}");
    assert!(!report.is_unprocessed);
    stages.dedup();
    assert_eq!(stages, [Stage::Recording, Stage::Playing]);

    let devices = Devices { input: id("elsewhere.monitor"), output: id("room") };
    let report =
        check(devices, Switches::OFF, Duration::from_millis(500), &mut |_| ControlFlow::Continue(()))
            .unwrap();
    assert_eq!((report.heard, report.voice_delay_ms), (None, None), "{report:?}");
    assert!(report.level.peak_dbfs < -90.0);
}

#[test]
fn a_ring_is_heard_and_may_be_broken_off() {
    if !is_child() {
        let pulse = Pulse::start(&["room"]);
        let recorder = pulse.record("room");
        in_child("a_ring_is_heard_and_may_be_broken_off", &pulse);
        let heard = recorder.recorded();
        let peak = heard.iter().fold(0.0_f32, |peak, sample| peak.max(sample.abs()));
        assert!(peak > 0.1, "{peak}");
        return;
    }
    play_ring(None, &mut |_| ControlFlow::Continue(())).unwrap();
    let broken_off = play_ring(None, &mut |_| ControlFlow::Break(()));
    assert!(matches!(broken_off, Err(kinmesh_media::check::CheckError::BrokenOff)));
}

#[test]
fn devices_are_listed_with_the_default_first() {
    if !is_child() {
        let pulse = Pulse::start(&["desk", "room"]);
        return in_child("devices_are_listed_with_the_default_first", &pulse);
    }
    let system = AudioSystem::open().unwrap();
    assert_eq!(system.name(), "PulseAudio");
    let ids = |devices: Vec<kinmesh_media::Device>| {
        devices.into_iter().map(|device| device.id.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(ids(system.outputs().unwrap()), ["pulseaudio:desk", "pulseaudio:room"]);
    assert_eq!(ids(system.inputs().unwrap()), ["pulseaudio:room.monitor", "pulseaudio:desk.monitor"]);
}
