//! Calls between real programs on devices of the test's own: who rings, who answers, and what is heard.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used)] // Helpers of tests: a panic is the report.

use std::time::Duration;

use crate::pulse::Pulse;
use crate::speech::Speech;
use anyhow::{Context, Result, ensure};
use kinmesh_media::signal::{correlation, power};
use kinmesh_tests::peer::list;
use kinmesh_tests::process::Process;
use kinmesh_tests::{DEADLINE, Peer, PeerOptions};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::time::{sleep, timeout};

const SECOND: usize = 48_000;
/// What is compared: long enough to be like nothing else, short enough for a buffer that stretches.
const PIECE: usize = SECOND * 2 / 5;
/// Where two sounds are alike is looked for at every sixth sample first.
const COARSE: usize = 6;
/// So much of a voice is listened to.
const LISTEN: usize = 4 * SECOND;
/// How much later than said something may be heard here.
const LATE_MAX: usize = SECOND * 5 / 2;
/// How much later than who speaks a recorder may begin on a busy machine.
const BEGINS_LATE_MAX: usize = 3 * SECOND;
/// The half of the pieces that are worst heard may be worse than this. Speech of somebody else reaches 0.3.
const ALIKE: f32 = 0.6;
/// Between two looks at what no event tells.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Somebody with a mouth and an ear: two sinks, one to speak into and one to listen at.
struct Talker {
    peer: Peer,
    mouth: String,
    ear: String,
}

fn said(seed: u64) -> Vec<f32> {
    let mut voice = Speech::new(seed);
    (0..30 * SECOND).map(|_| voice.sample()).collect()
}

/// Sinks for these people: where they listen, and where they speak.
fn pulse_for(names: &[&str]) -> Pulse {
    let sinks = names.iter().flat_map(|name| [format!("{name}_ear"), format!("{name}_mouth")]);
    let sinks: Vec<String> = sinks.collect();
    Pulse::start(&sinks.iter().map(String::as_str).collect::<Vec<_>>())
}

impl Talker {
    async fn start(
        pulse: &Pulse,
        name: &str,
        options: impl FnOnce(PeerOptions) -> PeerOptions,
    ) -> Result<Self> {
        let options = options(PeerOptions::named(name)).environment(pulse.environment());
        let peer = Peer::spawn(options).await?;
        let talker = Self { peer, mouth: format!("{name}_mouth"), ear: format!("{name}_ear") };
        talker.peer.call("sound.set", talker.sound(&talker.ear)).await?;
        Ok(talker)
    }

    /// The sound as it is, with this loudspeaker.
    fn sound(&self, ear: &str) -> Value {
        json!({
            "input": format!("pulseaudio:{}.monitor", self.mouth),
            "output": format!("pulseaudio:{ear}"),
            "echo_cancellation": false,
            "noise_suppression": false,
            "gain_control": false,
        })
    }

    fn person(&self) -> &Value {
        &self.peer.me()["person"]
    }

    /// Rings somebody, whose peer shows it.
    async fn rings(&self, other: &Talker) -> Result<Value> {
        let call = self.peer.call("calls.ring", json!({ "person": other.person() })).await?;
        other.has_call(&call, "incoming").await?;
        Ok(json!({ "call": call }))
    }

    async fn has_call(&self, call: &Value, state: &str) -> Result<Value> {
        let fits = |view: &Value| view["call"] == *call && view["state"]["state"] == state;
        let calls = self.peer.wait_until("calls.list", json!({}), |calls| list(calls).any(fits)).await?;
        list(&calls).find(|view| fits(view)).cloned().context("it was there")
    }

    /// Rings somebody, who takes the call.
    async fn calls(&self, other: &Talker) -> Result<Value> {
        let call = self.rings(other).await?;
        other.peer.call("calls.accept", &call).await?;
        self.has_call(&call["call"], "active").await?;
        other.has_call(&call["call"], "active").await?;
        Ok(call)
    }

    /// How a call of ours ended.
    async fn ended(&self) -> Result<Value> {
        let event = self.peer.wait_for("the end", |event| event["event"] == "call_ended").await?;
        Ok(event["end"].clone())
    }

    /// The figures of the call, once they are like this: nobody is told of each.
    async fn figures(&self, fits: impl Fn(&Value) -> bool) -> Result<Value> {
        let look = async {
            loop {
                let sound = self.peer.call("calls.quality", json!({})).await?;
                if fits(&sound) {
                    return anyhow::Ok(sound);
                }
                sleep(LOOK_EVERY).await;
            }
        };
        timeout(DEADLINE, look).await.context("figures that fit")?
    }

    /// What the history says of calls with somebody, the newest last.
    async fn notes_with(&self, other: &Talker) -> Result<Vec<Value>> {
        let chat = json!({ "conversation": other.peer.chat_with_me() });
        let is_note = |entry: &Value| entry["call"].is_object();
        let page = self.peer.wait_until("conversation.page", chat, |page| list(page).any(is_note)).await?;
        Ok(list(&page).filter(|entry| is_note(entry)).map(|entry| entry["call"].clone()).collect())
    }

    /// What is heard at an ear while this is said.
    async fn heard_at(&self, pulse: &Pulse, ear: &str, said: &[f32], samples: usize) -> Result<Vec<f32>> {
        let recorder = pulse.record(ear);
        let _mouth = pulse.play(&self.mouth, said);
        let listen = async {
            while recorder.samples() < samples {
                sleep(LOOK_EVERY).await;
            }
        };
        timeout(DEADLINE, listen).await.context("something is recorded")?;
        Ok(recorder.recorded())
    }

    /// Speaks until it is heard as it was said. A machine that is busy with other tests tears holes into
    /// any voice; it has to come through once there is time for it.
    async fn comes_through(&self, pulse: &Pulse, ear: &str, said: &[f32]) -> Result<()> {
        loop {
            let heard = self.heard_at(pulse, ear, said, LISTEN).await?;
            if likeness(&heard, said) > ALIKE {
                return Ok(());
            }
        }
    }

    /// Speaks, and makes sure that each of these hears it.
    async fn is_heard_by(&self, pulse: &Pulse, others: &[&str], seed: u64) -> Result<()> {
        let said = said(seed);
        for ear in others {
            let heard = timeout(DEADLINE, self.comes_through(pulse, ear, &said)).await;
            heard.with_context(|| format!("what is heard at {ear} is never like what was said"))??;
        }
        Ok(())
    }
}

fn thinned(sound: &[f32]) -> Vec<f32> {
    sound.chunks_exact(COARSE).map(|samples| samples.iter().sum::<f32>() / COARSE as f32).collect()
}

/// How alike what was heard is to what was said: the median of its pieces, each at its best place.
fn likeness(heard: &[f32], said: &[f32]) -> f32 {
    let pieces = (SECOND..heard.len() - PIECE).step_by(PIECE);
    let loud = pieces.filter(|at| power(&heard[*at..*at + PIECE]) > 1e-5);
    let mut likeness: Vec<f32> = loud.map(|at| best(&heard[at..at + PIECE], at, said)).collect();
    likeness.sort_by(f32::total_cmp);
    if likeness.len() < 3 { 0.0 } else { likeness[likeness.len() / 2] }
}

/// How alike a piece is to what was said around it: both began together, as far as two programs can.
fn best(piece: &[f32], at: usize, said: &[f32]) -> f32 {
    let from = at.saturating_sub(LATE_MAX);
    let until = (at + BEGINS_LATE_MAX + PIECE).min(said.len());
    let (thin, thin_said) = (thinned(piece), thinned(&said[from..until]));
    let places = 0..=thin_said.len() - thin.len();
    let rough = places
        .max_by(|&a, &b| correlation(&thin, &thin_said[a..]).total_cmp(&correlation(&thin, &thin_said[b..])));
    let rough = from + rough.unwrap() * COARSE;
    let near = rough.saturating_sub(COARSE)..=(rough + COARSE).min(said.len() - piece.len());
    near.map(|at| correlation(piece, &said[at..])).fold(0.0, f32::max)
}

async fn two(pulse: &Pulse, options: fn(PeerOptions) -> PeerOptions) -> Result<(Talker, Talker)> {
    let alice = Talker::start(pulse, "Alice", options).await?;
    let link = alice.peer.join_link().await?;
    let bob = Talker::start(pulse, "Bob", |given| options(given).join(link)).await?;
    alice.peer.befriend(&bob.peer).await?;
    Ok((alice, bob))
}

#[tokio::test]
async fn two_hear_each_other_mute_change_a_device_and_hang_up() -> Result<()> {
    let pulse = pulse_for(&["Alice", "Bob"]);
    let (alice, bob) = two(&pulse, |options| options).await?;
    let call = alice.calls(&bob).await?;
    alice.is_heard_by(&pulse, &["Bob_ear"], 1).await?;
    bob.is_heard_by(&pulse, &["Alice_ear"], 2).await?;
    let is_known = |sound: &Value| sound["figures"]["parties"][0]["round_trip_ms"].is_u64();
    let sound = bob.figures(is_known).await?;
    let party = &sound["figures"]["parties"][0];
    assert_eq!((&party["person"], &party["path"]), (alice.person(), &json!("quic")), "{sound}");
    assert_eq!(sound["call"], call["call"]);

    // A headset is plugged in while they talk.
    pulse.plug("headset");
    bob.peer.call("sound.set", bob.sound("headset")).await?;
    bob.figures(|sound| sound["loudspeaker"]["name"] == "headset").await?;
    alice.is_heard_by(&pulse, &["headset"], 3).await?;

    alice.peer.call("calls.mute", &call).await?;
    let is_muted = |calls: &Value| calls[0]["parties"][0]["muted"] == true;
    bob.peer.wait_until("calls.list", json!({}), is_muted).await?;
    let silence = alice.heard_at(&pulse, "headset", &said(4), 3 * SECOND).await?;
    let loud = power(&silence[2 * SECOND..]);
    ensure!(loud < 1e-6, "a muted voice is heard with a power of {loud}");

    bob.peer.call("calls.hang_up", &call).await?;
    assert_eq!(alice.ended().await?["reason"], "hung_up");
    assert_eq!(bob.ended().await?["reason"], "hung_up");
    let note = bob.notes_with(&alice).await?;
    assert_eq!(note[0]["outcome"], "answered", "{note:?}");
    alice.figures(|sound| sound["call"].is_null()).await?;
    alice.peer.shutdown().await?;
    bob.peer.shutdown().await
}

#[tokio::test]
async fn a_call_is_declined_in_words_missed_or_comes_while_another_goes_on() -> Result<()> {
    let pulse = pulse_for(&["Alice", "Bob", "Carol"]);
    let (alice, bob) = two(&pulse, |options| options).await?;
    let link = bob.peer.join_link().await?;
    let carol = Talker::start(&pulse, "Carol", |given| given.join(link)).await?;
    bob.peer.befriend(&carol.peer).await?;

    let call = alice.rings(&bob).await?;
    let words = json!({ "call": call["call"], "text": "in a minute" });
    bob.peer.call("calls.decline", words).await?;
    assert_eq!(alice.ended().await?, json!({ "reason": "declined", "text": "in a minute" }));
    assert_eq!(alice.notes_with(&bob).await?, [json!({ "outcome": "declined" })]);

    let call = alice.rings(&bob).await?;
    alice.peer.call("calls.hang_up", &call).await?;
    assert_eq!(alice.ended().await?["reason"], "cancelled");
    let missed = |page: &Value| list(page).any(|entry| entry["call"]["outcome"] == "cancelled");
    let chat = json!({ "conversation": alice.peer.chat_with_me() });
    bob.peer.wait_until("conversation.page", chat, missed).await?;
    let is_unread = |chats: &Value| list(chats).any(|chat| chat["unread"] == 1);
    bob.peer.wait_until("chats.list", json!({}), is_unread).await?;

    let call = bob.calls(&carol).await?;
    alice.peer.call("calls.ring", json!({ "person": bob.person() })).await?;
    assert_eq!(alice.ended().await?["reason"], "busy");
    let refused = bob.peer.call_refused("calls.ring", json!({ "person": alice.person() })).await?;
    assert_eq!(refused.kind, "in_a_call");
    let refused = bob.peer.call_refused("sound.ring", json!({})).await?;
    assert_eq!(refused.kind, "sound_busy");
    carol.peer.call("calls.hang_up", &call).await?;
    for talker in [alice, bob, carol] {
        talker.peer.shutdown().await?;
    }
    Ok(())
}

#[tokio::test]
async fn who_vanishes_is_lost_and_the_call_is_over() -> Result<()> {
    let pulse = pulse_for(&["Alice", "Bob"]);
    let (alice, bob) = two(&pulse, |options| options).await?;
    let call = alice.calls(&bob).await?;
    bob.peer.kill9().await?;
    alice.has_call(&call["call"], "reconnecting").await?;
    assert_eq!(alice.ended().await?["reason"], "lost");
    alice.peer.shutdown().await
}

#[tokio::test]
async fn a_call_goes_over_tcp_where_there_is_nothing_else() -> Result<()> {
    let pulse = pulse_for(&["Alice", "Bob"]);
    let (alice, bob) = two(&pulse, |options| options.listen(&["/ip4/127.0.0.1/tcp/0"])).await?;
    alice.calls(&bob).await?;
    alice.is_heard_by(&pulse, &["Bob_ear"], 5).await?;
    bob.figures(|sound| sound["figures"]["parties"][0]["path"] == "tcp").await?;
    alice.peer.shutdown().await?;
    bob.peer.shutdown().await
}

#[tokio::test]
async fn four_talk_with_each_other() -> Result<()> {
    let pulse = pulse_for(&["Alice", "Bob", "Carol", "Dave"]);
    let (alice, bob) = two(&pulse, |options| options).await?;
    let link = alice.peer.join_link().await?;
    let carol = Talker::start(&pulse, "Carol", |given| given.join(link.clone())).await?;
    let dave = Talker::start(&pulse, "Dave", |given| given.join(link)).await?;
    for one in [&carol, &dave] {
        alice.peer.befriend(&one.peer).await?;
    }
    let call = alice.calls(&bob).await?;
    for one in [&carol, &dave] {
        let add = json!({ "call": call["call"], "person": one.person() });
        alice.peer.call("calls.add", add).await?;
        one.has_call(&call["call"], "incoming").await?;
        one.peer.call("calls.accept", &call).await?;
    }
    let all_are_in = |calls: &Value| {
        let is_in = |party: &&Value| party["state"] == "active";
        list(&calls[0]["parties"]).filter(is_in).count() == 3
    };
    for one in [&alice, &bob, &carol, &dave] {
        one.peer.wait_until("calls.list", json!({}), all_are_in).await?;
    }
    dave.is_heard_by(&pulse, &["Alice_ear", "Bob_ear", "Carol_ear"], 6).await?;
    alice.peer.call("calls.hang_up", &call).await?;
    let two_are_left = |calls: &Value| list(&calls[0]["parties"]).count() == 2;
    bob.peer.wait_until("calls.list", json!({}), two_are_left).await?;
    for one in [alice, bob, carol, dave] {
        one.peer.shutdown().await?;
    }
    Ok(())
}

#[tokio::test]
async fn echo_says_what_one_said_with_nobody_else_around() -> Result<()> {
    let pulse = pulse_for(&["Alice"]);
    let alice = Talker::start(&pulse, "Alice", |options| options).await?;
    let people = alice.peer.call("people.list", json!({})).await?;
    let echo = list(&people).find(|person| person["is_echo"] == true).context("Echo is there")?;
    let call = alice.peer.call("calls.ring", json!({ "person": echo["person"] })).await?;
    alice.has_call(&call, "active").await?;
    alice.is_heard_by(&pulse, &["Alice_ear"], 7).await?;
    alice.peer.call("calls.hang_up", json!({ "call": call })).await?;
    assert_eq!(alice.ended().await?["reason"], "hung_up");
    alice.peer.shutdown().await
}

#[tokio::test]
async fn somebody_who_types_takes_a_call_without_a_microphone() -> Result<()> {
    let pulse = pulse_for(&["Alice"]);
    let alice = Talker::start(&pulse, "Alice", |options| options).await?.peer;
    let dir = tempfile::tempdir()?;
    let data = dir.path().join("data").display().to_string();
    let nothing = ["env", "PULSE_SERVER=/nonexistent", "ALSA_CONFIG_PATH=/nonexistent"].map(str::to_owned);
    let link = alice.join_link().await?;
    let listen = "/ip4/127.0.0.1/udp/0/quic-v1";
    let args = ["chat", "--data", &data, "--name", "Bob", "--no-mdns", "--listen", listen, "--join", &link];
    let (mut process, mut input, output) =
        Process::spawn_in(&nothing, "kinmesh", args, &dir.path().join("log"))?;
    let mut lines = BufReader::new(output).lines();
    let person = alice.wait_online("Bob").await?["person"].clone();
    alice.call("contacts.add", json!({ "person": person })).await?;
    // Reads until all of these came, in any order.
    let mut reads = async |expected: &[&str]| {
        let mut missing = expected.to_vec();
        let read = async {
            while !missing.is_empty() {
                let line = lines.next_line().await?.context("the output ended")?;
                missing.retain(|expected| !line.contains(expected));
            }
            anyhow::Ok(())
        };
        timeout(DEADLINE, read).await.with_context(|| format!("not all of {expected:?} came"))?
    };
    reads(&["Alice"]).await?;
    input.write_all(b"/accept Alice\n").await?;
    alice.wait_for("a contact", |event| event["event"] == "became_contacts").await?;

    alice.call("calls.ring", json!({ "person": person })).await?;
    reads(&["Alice rings you", "/accept takes the call"]).await?;
    input.write_all(b"/accept\n").await?;
    reads(&["You are in a call with Alice.", "nobody hears you"]).await?;
    input.write_all(b"/mute\n").await?;
    reads(&["You are muted."]).await?;
    let is_muted = |calls: &Value| calls[0]["parties"][0]["muted"] == true;
    alice.wait_until("calls.list", json!({}), is_muted).await?;
    input.write_all(b"/call\n").await?;
    reads(&["In a call with Alice"]).await?;
    input.write_all(b"/hangup\n").await?;
    reads(&["The call with Alice is over.", "Alice: Call, "]).await?;
    input.write_all(b"/quit\n").await?;
    process.ended_well().await?;
    alice.shutdown().await
}
