//! A microphone from end to end: real `cpal`, real ALSA, and a sine read from a file in place of a
//! sound card, which ALSA's own `file` plugin offers. So it runs on machines without any sound.
//!
//! ALSA reads its configuration once in a process, from a path in the environment: the test calls
//! itself as a child that has this environment from the start.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "in a test the panic is the report, in its helpers as well")]

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use kinmesh_media::{AudioSystem, DeviceId, OpenError};

/// Blocks to wait for: the first ones may hold the start of the stream.
const BLOCKS: u32 = 20;
/// Set in the child.
const CHILD: &str = "KINMESH_MEDIA_TEST_CHILD";

#[test]
fn a_sine_on_the_microphone_is_measured() {
    if std::env::var_os(CHILD).is_some() {
        return listen_to_the_sine();
    }
    let dir = tempfile::tempdir().unwrap();
    let config = write_alsa_config(dir.path());
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "a_sine_on_the_microphone_is_measured", "--nocapture"])
        .env(CHILD, "1")
        .env("ALSA_CONFIG_PATH", config)
        // No PulseAudio server: the program falls back to ALSA.
        .env("XDG_RUNTIME_DIR", dir.path())
        .env("PULSE_SERVER", "unix:/nonexistent")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn listen_to_the_sine() {
    let system = AudioSystem::open().unwrap();
    assert_eq!(system.name(), "ALSA");

    let inputs = system.inputs().unwrap();
    let [input] = inputs.as_slice() else { panic!("not one microphone: {inputs:?}") };
    assert_eq!(input.name, "A sine in place of a microphone");
    assert!(input.is_default);
    assert!(input.rates.iter().any(|rates| rates.min_hz <= 48_000 && 48_000 <= rates.max_hz));

    let nobody = DeviceId::new("alsa:unplugged");
    assert!(matches!(system.meter_input(Some(&nobody)), Err(OpenError::NoDevice)));
    let garbage = DeviceId::new("no id at all");
    assert!(matches!(system.meter_input(Some(&garbage)), Err(OpenError::NoDevice)));

    let meter = system.meter_input(Some(&input.id)).unwrap();
    let deadline = Instant::now() + Duration::from_secs(10);
    while meter.reading().blocks < BLOCKS {
        assert!(Instant::now() < deadline, "no sound arrives: {meter:?}");
        std::thread::yield_now();
    }
    let level = meter.reading().level;
    assert!((level.rms_dbfs + 9.03).abs() < 0.2, "{level:?}");
    assert!((level.peak_dbfs + 6.02).abs() < 0.1, "{level:?}");
    assert!(!meter.is_lost());
}

/// A default device that captures a sine at half of full scale, over and over.
fn write_alsa_config(dir: &Path) -> std::path::PathBuf {
    let sine = dir.join("sine.raw");
    let samples = (0..48_000).map(|n| (f64::from(n) / 48.0 * std::f64::consts::TAU).sin() * 0.5);
    let bytes: Vec<u8> = samples.flat_map(|sample| ((sample * 32767.0) as i16).to_le_bytes()).collect();
    std::fs::write(&sine, bytes).unwrap();
    let config = dir.join("asound.conf");
    let text = format!(
        r#"
pcm.nothing {{ type null }}
pcm.sine {{ type file  slave.pcm nothing  file /dev/null  infile "{}"  format raw }}
pcm.default {{ type plug  slave {{ pcm sine  format S16_LE  rate 48000  channels 1 }}
  hint {{ show on  description "A sine in place of a microphone" }} }}
"#,
        sine.display()
    );
    std::fs::write(&config, text).unwrap();
    config
}
