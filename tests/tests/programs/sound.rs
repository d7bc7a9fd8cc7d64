//! The sound check through the real program, on devices of the test's own: what is said into the
//! microphone comes out of the loudspeaker as others would hear it, and the verdict is true.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used)] // Helpers of tests: a panic is the report.

use crate::pulse::Pulse;
use crate::speech::Speech;
use anyhow::{Context, Result, ensure};
use kinmesh_media::signal::correlation;
use kinmesh_tests::process::Process;
use kinmesh_tests::{DEADLINE, Peer, PeerOptions};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::time::timeout;

const SECOND: usize = 48_000;
/// Where two sounds are alike is looked for at every sixth sample first.
const COARSE: usize = 6;

async fn peer_on(pulse: &Pulse) -> Result<Peer> {
    Peer::spawn(PeerOptions::named("Alice").environment(pulse.environment())).await
}

/// The sound as it is, between these devices.
fn untouched(input: &str, output: &str) -> Value {
    json!({
        "input": format!("pulseaudio:{input}"),
        "output": format!("pulseaudio:{output}"),
        "echo_cancellation": false,
        "noise_suppression": false,
        "gain_control": false,
    })
}

fn thinned(sound: &[f32]) -> Vec<f32> {
    sound.chunks_exact(COARSE).map(|samples| samples.iter().sum::<f32>() / COARSE as f32).collect()
}

/// How alike a piece is to the most similar place of a longer sound.
fn likeness(piece: &[f32], sound: &[f32]) -> f32 {
    let (thin_piece, thin_sound) = (thinned(piece), thinned(sound));
    let places = 0..=thin_sound.len() - thin_piece.len();
    let rough = places.max_by(|&a, &b| {
        correlation(&thin_piece, &thin_sound[a..]).total_cmp(&correlation(&thin_piece, &thin_sound[b..]))
    });
    let rough = rough.unwrap() * COARSE;
    let near = rough.saturating_sub(COARSE)..(rough + COARSE).min(sound.len() - piece.len());
    near.map(|at| correlation(piece, &sound[at..])).fold(0.0, f32::max)
}

#[tokio::test]
async fn what_is_said_comes_out_as_others_would_hear_it() -> Result<()> {
    let pulse = Pulse::start(&["ear", "mouth"]);
    let alice = peer_on(&pulse).await?;
    alice.call("sound.set", untouched("mouth.monitor", "ear")).await?;
    let mut voice = Speech::new(21);
    let said: Vec<f32> = (0..25 * SECOND).map(|_| voice.sample()).collect();
    let ear = pulse.record("ear");
    let mouth = pulse.play("mouth", &said);
    let report = alice.call("sound.check", json!({ "seconds": 3 })).await?;
    drop(mouth);
    let played = ear.recorded();

    assert_eq!(report["heard"], Value::Null, "the ear is not at the mouth: {report}");
    let level = report["peak_dbfs"].as_f64().context("a level")?;
    ensure!((-25.0..0.0).contains(&level), "{report}");
    let delay = report["voice_delay_ms"].as_f64().context("the voice was found again")?;
    ensure!((15.0..80.0).contains(&delay), "{report}");

    // The sweep is over half a second after the first sound; then comes what was said.
    let begun = played.iter().position(|sample| sample.abs() > 0.01).context("something is played")?;
    let heard = &played[begun + SECOND * 6 / 5..][..SECOND];
    let mut alike: Vec<f32> = heard.chunks_exact(SECOND / 5).map(|piece| likeness(piece, &said)).collect();
    alike.sort_by(f32::total_cmp);
    // A machine with much else to do may let the loudspeaker run dry once: most pieces are whole all the same.
    ensure!(alike[2] > 0.8, "what came out is like what was said by {alike:?}");
    alice.shutdown().await
}

#[tokio::test]
async fn a_microphone_that_hears_the_loudspeaker_says_so_in_the_terminal() -> Result<()> {
    let pulse = Pulse::start(&["room"]);
    let dir = tempfile::tempdir()?;
    let data = dir.path().join("data").display().to_string();
    let wrapper: Vec<String> = ["env".to_owned()]
        .into_iter()
        .chain(pulse.environment().map(|(name, value)| format!("{name}={}", value.display())))
        .collect();
    let args = ["chat", "--data", &data, "--name", "Bob", "--no-mdns"];
    let (mut process, mut input, output) =
        Process::spawn_in(&wrapper, "kinmesh", args, &dir.path().join("log"))?;
    let mut lines = BufReader::new(output).lines();
    input.write_all(b"/sound speaker nobody\n/sound devices\n/sound echo off\n/sound\n").await?;
    for expected in [
        "There is no device called nobody",
        "Microphone",
        "* 1 ",
        "Loudspeaker",
        "* 1 ",
        "That is off from now on.",
        "Speak now",
        "Now listen",
        "The microphone heard next to nothing",
        "The microphone also heard the loudspeaker",
    ] {
        let line = timeout(DEADLINE, lines.next_line()).await??.context("a line")?;
        ensure!(line.starts_with(expected), "not {expected:?}: {line}");
    }
    input.write_all(b"/quit\n").await?;
    process.ended_well().await
}

#[tokio::test]
async fn what_cannot_be_done_says_why_and_one_check_is_enough() -> Result<()> {
    let pulse = Pulse::start(&["room"]);
    let alice = peer_on(&pulse).await?;
    let too_long = alice.call_refused("sound.check", json!({ "seconds": 31 })).await?;
    assert_eq!(too_long.kind, "invalid_params");
    let ring = |id| json!({ "jsonrpc": "2.0", "id": id, "method": "sound.ring" });
    alice.write_raw(json!([ring("a"), ring("b")]).to_string().as_bytes()).await?;
    let answers = alice.other_line().await?;
    let busy = answers
        .as_array()
        .context("a batch")?
        .iter()
        .filter(|answer| answer["error"]["data"]["kind"] == "sound_busy");
    assert_eq!(busy.count(), 1, "{answers}");
    alice.shutdown().await?;

    let nothing = tempfile::tempdir()?;
    let none = [("PULSE_SERVER", "/nonexistent"), ("ALSA_CONFIG_PATH", "/nonexistent")];
    let options = PeerOptions::named("Bob").data(nothing.path().join("data")).environment(none);
    let bob = Peer::spawn(options).await?;
    assert_eq!(bob.call_refused("sound.check", json!({})).await?.kind, "sound");
    bob.shutdown().await
}
