//! Whole calls on simulated time: microphones, networks and loudspeakers, and what is heard.
#![allow(clippy::unwrap_used, reason = "in a test the panic is the report, in its helpers as well")]

#[path = "support/conference.rs"]
mod conference;
#[path = "support/network.rs"]
#[allow(dead_code, reason = "shared with the tests of the jitter buffer")]
mod network;
#[path = "support/speech.rs"]
#[allow(dead_code, reason = "shared with the tests inside of the crate")]
mod speech;

use std::sync::Arc;
use std::time::{Duration, Instant};

use kinmesh_media::codec::{BLOCK, Earlier, Packet, Plan};
use kinmesh_media::mixer::Volume;
use kinmesh_media::signal::{Chance, power};
use kinmesh_media::tones::Tone;
use kinmesh_media::voice::{AddError, Gate, PARTIES_MAX, Party, Voice};

use conference::{Conference, party};
use network::{Bottleneck, Network};

const ALICE: usize = 0;
const BOB: usize = 1;

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn lossy(loss: f32, mean_run: f32) -> Network {
    Network { loss, mean_run, ..Network::clean() }
}

/// How loud somebody's loudspeaker was in this time.
fn loudness(conference: &Conference, listener: usize, from: Duration, to: Duration) -> f32 {
    let sample = |at: Duration| at.as_millis() as usize * 48;
    power(&conference.sides[listener].heard[sample(from)..sample(to)]).sqrt()
}

fn silence(conference: &mut Conference, side: usize) {
    conference.sides[side].speaks = Box::new(|| [0.0; BLOCK]);
}

#[test]
fn two_hear_each_other_soon_and_well() {
    let mut call = Conference::new(2, &Network::clean());
    call.run(ms(10_000));
    for (speaker, listener) in [(ALICE, BOB), (BOB, ALICE)] {
        let (likeness, delay_ms) = call.likeness(speaker, listener, ms(2_000)..ms(9_000));
        assert!(likeness > 0.9, "{likeness}");
        assert!(delay_ms < 75.0, "{delay_ms}");
        let heard = call.statistics(listener, speaker);
        assert_eq!((heard.from.lost_permille, heard.heard.buffer.lost), (0, 0), "{heard:?}");
        assert!(heard.round_trip.unwrap() < ms(60), "{heard:?}");
    }
    assert_eq!(call.plan(ALICE), Plan::default());
}

#[test]
fn loss_is_met_within_two_seconds_and_little_of_it_is_heard() {
    for (loss, mean_run, copies, most_made_up) in
        [(0.05, 1.0, 0, 0.012), (0.10, 1.0, 1, 0.02), (0.20, 1.0, 2, 0.035), (0.10, 3.0, 2, 0.045)]
    {
        let mut call = Conference::new(2, &Network::clean());
        call.run(ms(3_000));
        call.ways[ALICE][BOB].network = lossy(loss, mean_run);
        // Runs are rarer than single losses: the first may take a while.
        call.run(ms(if mean_run > 1.0 { 7_000 } else { 5_200 }));
        let plan = call.plan(ALICE);
        assert!(plan.fec, "{loss} in runs of {mean_run}: {plan:?}");
        call.run(ms(8_000));
        let before = call.statistics(BOB, ALICE).heard.buffer;
        call.run(ms(28_000));
        let plan = call.plan(ALICE);
        assert!(plan.offsets.len() >= copies, "{loss} in runs of {mean_run}: {plan:?}");
        let heard = call.statistics(BOB, ALICE);
        let made_up = heard.heard.buffer.since(&before).made_up_share();
        assert!(made_up < most_made_up, "{loss} in runs of {mean_run}: {made_up} {heard:?}");
        let reported = f32::from(heard.from.lost_permille) / 1_000.0;
        assert!((reported - loss).abs() < 0.12, "{loss}: {reported}");
        // The way back is clean, and what is said on it is as it was.
        assert_eq!(call.plan(BOB), Plan::default());
    }
}

#[test]
fn jitter_costs_delay_and_is_not_taken_for_a_queue() {
    for (jitter_ms, most_delay_ms) in [(10.0, 130.0), (30.0, 240.0)] {
        let mut call = Conference::new(2, &Network { jitter_ms, ..Network::clean() });
        call.run(ms(30_000));
        let (likeness, delay_ms) = call.likeness(ALICE, BOB, ms(10_000)..ms(29_000));
        assert!(likeness > 0.75, "exp({jitter_ms}): {likeness}");
        assert!(delay_ms < most_delay_ms, "exp({jitter_ms}): {delay_ms}");
        let plan = call.plan(ALICE);
        assert!(plan.bitrate_bps >= 32_000 && !plan.is_bundled, "exp({jitter_ms}): {plan:?}");
    }
}

#[test]
fn after_a_spike_delay_and_bitrate_come_back() {
    let spike = Network { spike: Some((ms(10_000)..ms(12_000), ms(200))), ..Network::clean() };
    let mut call = Conference::new(2, &spike);
    call.run(ms(10_000));
    let base = call.statistics(BOB, ALICE).heard.buffer.delay_ms;
    call.run(ms(22_000));
    let heard = call.statistics(BOB, ALICE).heard.buffer;
    assert!(heard.delay_ms < base + 15.0, "from {base}: {heard:?}");
    call.run(ms(30_000));
    assert_eq!(call.plan(ALICE), Plan::default());
}

#[test]
fn a_narrow_uplink_is_found_within_seconds_and_the_voice_stays_whole() {
    let mut call = Conference::new(2, &Network::clean());
    call.ways[ALICE][BOB].network.bottleneck = Some(Bottleneck { bps: 64_000, longest: ms(300) });
    silence(&mut call, BOB);
    call.run(ms(5_000));
    let plan = call.plan(ALICE);
    assert!(plan.wire_bps() < 64_000, "{plan:?}");
    call.run(ms(10_000));
    let before = (call.statistics(BOB, ALICE).heard.buffer, call.sides[ALICE].bytes);
    call.run(ms(40_000));
    let heard = call.statistics(BOB, ALICE);
    assert!(heard.heard.buffer.since(&before.0).made_up_share() < 0.02, "{heard:?}");
    assert!(heard.heard.buffer.delay_ms < 120.0, "{heard:?}");
    let used_bps = (call.sides[ALICE].bytes - before.1) * 8 / 30;
    assert!((40_000..64_000).contains(&used_bps), "{used_bps}");
    let (likeness, delay_ms) = call.likeness(ALICE, BOB, ms(20_000)..ms(39_000));
    assert!(likeness > 0.85 && delay_ms < 200.0, "{likeness} {delay_ms}");
}

#[test]
fn two_who_speak_at_once_over_narrow_uplinks_bundle_what_they_say() {
    let narrow = Some(Bottleneck { bps: 64_000, longest: ms(300) });
    let mut call = Conference::new(2, &Network { bottleneck: narrow, ..Network::clean() });
    call.run(ms(15_000));
    let before = call.statistics(BOB, ALICE).heard.buffer;
    call.run(ms(45_000));
    let heard = call.statistics(BOB, ALICE);
    assert!(heard.heard.buffer.since(&before).made_up_share() < 0.03, "{heard:?} {:?}", call.plan(ALICE));
    let (likeness, delay_ms) = call.likeness(ALICE, BOB, ms(20_000)..ms(44_000));
    assert!(likeness > 0.8 && delay_ms < 300.0, "{likeness} {delay_ms} {:?}", call.plan(ALICE));
}

#[test]
fn devices_whose_clocks_differ_neither_starve_nor_pile_up() {
    for ppm in [200.0, -200.0] {
        let mut call = Conference::new(2, &Network::clean());
        call.sides[ALICE].drift_ppm = ppm;
        silence(&mut call, BOB);
        call.run(ms(120_000));
        let heard = call.statistics(BOB, ALICE);
        assert!(heard.heard.buffer.made_up_share() < 0.001, "{ppm}: {heard:?}");
        assert!(heard.heard.buffer.delay_ms < 30.0, "{ppm}: {heard:?}");
        assert!(heard.from.delay_trend_ms < 10, "{ppm}: {heard:?}");
        assert_eq!(call.plan(ALICE), Plan::default());
    }
}

#[test]
fn devices_that_vanish_for_three_seconds_are_a_pause() {
    let mut call = Conference::new(2, &Network::clean());
    call.run(ms(5_000));
    call.sides[ALICE].has_microphone = false;
    call.sides[BOB].has_loudspeaker = false;
    call.run(ms(8_000));
    call.sides[ALICE].has_microphone = true;
    call.sides[BOB].has_loudspeaker = true;
    call.run(ms(18_000));
    let heard = call.statistics(BOB, ALICE);
    assert!(heard.heard.buffer.delay_ms < 30.0, "{heard:?}");
    assert!(heard.heard.made_up_share < 0.01, "{heard:?}");
    // Both lost three seconds, so their recordings still lie side by side.
    let (likeness, delay_ms) = call.likeness(ALICE, BOB, ms(8_000)..ms(14_000));
    assert!(likeness > 0.9 && delay_ms < 90.0, "{likeness} {delay_ms}");
    let back = call.likeness(BOB, ALICE, ms(1_000)..ms(17_000)).0;
    assert!(back > 0.9, "{back}");
}

#[test]
fn who_is_muted_is_silent_and_soon_sends_signs_of_life_alone() {
    let mut call = Conference::new(2, &Network::clean());
    call.run(ms(3_000));
    assert!(call.own(ALICE).is_speaking && call.statistics(BOB, ALICE).heard.is_speaking);
    call.sides[ALICE].control.mute(true);
    call.run(ms(4_000));
    let packets = call.sides[ALICE].packets;
    call.run(ms(6_000));
    assert!(call.sides[ALICE].packets - packets <= 2);
    assert!(!call.own(ALICE).is_open && !call.own(ALICE).is_speaking);
    assert!(!call.statistics(BOB, ALICE).heard.is_speaking);
    let muted = loudness(&call, BOB, ms(4_000), ms(6_000));
    assert!(muted < 0.005, "{muted}");
    call.sides[ALICE].control.mute(false);
    call.run(ms(10_000));
    let (likeness, delay_ms) = call.likeness(ALICE, BOB, ms(6_500)..ms(9_500));
    assert!(likeness > 0.9 && delay_ms < 75.0, "{likeness} {delay_ms} {:?}", call.statistics(BOB, ALICE));
    assert_eq!(call.statistics(BOB, ALICE).heard.buffer.lost, 0);
}

#[test]
fn a_hiss_that_nobody_hears_is_not_sent() {
    let mut call = Conference::new(2, &Network::clean());
    let mut chance = Chance::new(3);
    // -66 dBFS: what voice processing leaves of a quiet room.
    call.sides[ALICE].speaks = Box::new(move || std::array::from_fn(|_| 0.000_87 * chance.noise()));
    call.run(ms(4_000));
    let packets = call.sides[ALICE].packets;
    call.run(ms(14_000));
    assert!(call.sides[ALICE].packets - packets <= 11, "signs of life alone");
}

#[test]
fn two_who_say_nothing_from_the_start_know_that_the_call_stands() {
    let mut call = Conference::new(2, &Network::clean());
    call.sides[ALICE].control.set_gate(Gate::PushToTalk);
    call.sides[BOB].has_microphone = false;
    call.run(ms(2_000));
    let received = |call: &Conference, listener, speaker| call.statistics(listener, speaker).from.received;
    let before = (received(&call, BOB, ALICE), received(&call, ALICE, BOB));
    call.run(ms(12_000));
    for (listener, speaker, before) in [(BOB, ALICE, before.0), (ALICE, BOB, before.1)] {
        let told = call.statistics(listener, speaker);
        assert!((9..=11).contains(&(told.from.received - before)), "{told:?}");
        assert!(told.from.delay_trend_ms < 30 && told.round_trip.is_some(), "{told:?}");
        assert_eq!(told.heard.buffer.outliers, 0);
    }
    // And what is said after it comes in time.
    call.sides[ALICE].control.talk(true);
    call.run(ms(18_000));
    let (likeness, delay_ms) = call.likeness(ALICE, BOB, ms(12_500)..ms(17_000));
    assert!(likeness > 0.85 && delay_ms < 100.0, "{likeness} {delay_ms}");
}

#[test]
fn who_is_deafened_hears_nothing_and_is_heard() {
    let mut call = Conference::new(2, &Network::clean());
    call.sides[BOB].control.deafen(true);
    call.run(ms(3_000));
    assert_eq!(loudness(&call, BOB, ms(0), ms(2_900)), 0.0);
    assert!(call.likeness(BOB, ALICE, ms(1_000)..ms(2_900)).0 > 0.9);
    call.sides[BOB].control.deafen(false);
    call.run(ms(7_000));
    let likeness = call.likeness(ALICE, BOB, ms(3_100)..ms(6_500)).0;
    assert!(likeness > 0.85, "{likeness}");
}

#[test]
fn a_held_call_is_silent_on_both_sides() {
    let mut call = Conference::new(2, &Network::clean());
    call.run(ms(2_000));
    call.sides[ALICE].control.hold(true);
    call.run(ms(6_000));
    assert_eq!(loudness(&call, ALICE, ms(2_020), ms(5_900)), 0.0);
    assert!(loudness(&call, BOB, ms(3_000), ms(5_900)) < 0.005);
    call.sides[ALICE].control.hold(false);
    call.run(ms(9_000));
    assert!(call.likeness(ALICE, BOB, ms(6_500)..ms(8_500)).0 > 0.9);
    assert!(call.likeness(BOB, ALICE, ms(6_500)..ms(8_500)).0 > 0.9);
}

#[test]
fn push_to_talk_is_heard_while_the_key_is_held() {
    let mut call = Conference::new(2, &Network::clean());
    call.sides[ALICE].control.set_gate(Gate::PushToTalk);
    call.run(ms(3_000));
    assert!(loudness(&call, BOB, ms(500), ms(2_900)) < 0.005);
    call.sides[ALICE].control.talk(true);
    call.run(ms(6_000));
    assert!(call.likeness(ALICE, BOB, ms(3_100)..ms(5_900)).0 > 0.9);
    call.sides[ALICE].control.talk(false);
    call.run(ms(8_000));
    assert!(loudness(&call, BOB, ms(6_500), ms(7_900)) < 0.005);
}

#[test]
fn voice_activation_lets_speech_pass_and_a_quiet_room_not() {
    let mut call = Conference::new(2, &Network::clean());
    call.sides[ALICE].control.set_gate(Gate::Activation { threshold_dbfs: -45.0 });
    let mut room = Chance::new(3);
    call.sides[ALICE].speaks = Box::new(move || std::array::from_fn(|_| 0.003 * room.noise()));
    call.run(ms(3_000));
    let packets = call.sides[ALICE].packets;
    assert!(packets < 25 && !call.own(ALICE).is_open, "{packets}");
    let mut speech = speech::Speech::new(5);
    call.sides[ALICE].speaks = Box::new(move || speech.frame());
    call.run(ms(8_000));
    let likeness = call.likeness(ALICE, BOB, ms(3_000)..ms(7_500)).0;
    assert!(likeness > 0.85, "{likeness}");
}

#[test]
fn in_a_group_each_hears_all_others_as_loud_as_wanted() {
    let mut call = Conference::new(4, &Network::clean());
    (0..4).for_each(|side| silence(&mut call, side));
    for speaker in 0..4 {
        let mut speech = speech::Speech::new(speaker as u64 + 10);
        call.sides[speaker].speaks = Box::new(move || speech.frame());
        let from = speaker as u64 * 4_000;
        call.run(ms(from + 4_000));
        for listener in (0..4).filter(|listener| *listener != speaker) {
            let likeness = call.likeness(speaker, listener, ms(from + 500)..ms(from + 3_500)).0;
            assert!(likeness > 0.9, "{speaker} to {listener}: {likeness}");
            let speaks = |other| call.statistics(listener, other).heard.is_speaking;
            assert!(
                (0..4).filter(|other| *other != listener).all(|other| speaks(other) == (other == speaker))
            );
        }
        silence(&mut call, speaker);
        call.run(ms(from + 4_000));
    }
    let mut speech = speech::Speech::new(77);
    call.sides[ALICE].speaks = Box::new(move || speech.frame());
    call.sides[BOB].control.set_volume(party(ALICE), Volume::new(0.5));
    call.run(ms(20_000));
    let ratio = loudness(&call, BOB, ms(17_000), ms(19_900)) / loudness(&call, 2, ms(17_000), ms(19_900));
    assert!((ratio - 0.5).abs() < 0.05, "{ratio}");
}

#[test]
fn one_bad_way_in_a_group_decides_for_the_encoder_and_only_for_who_speaks_on_it() {
    let mut call = Conference::new(3, &Network::clean());
    call.ways[ALICE][BOB].network = lossy(0.15, 1.0);
    call.run(ms(6_000));
    assert!(!call.plan(ALICE).offsets.is_empty(), "{:?}", call.plan(ALICE));
    assert_eq!(call.plan(BOB), Plan::default());
    assert_eq!(call.plan(2), Plan::default());
}

#[test]
fn a_ninth_party_is_refused_and_one_that_left_is_heard_no_more() {
    let voice = Voice::new(drop).unwrap();
    let control = voice.control();
    for n in 0..PARTIES_MAX as u32 {
        control.add(Party(n)).unwrap();
    }
    control.add(Party(0)).unwrap();
    assert_eq!(control.add(Party(99)), Err(AddError::Full));
    control.remove(Party(3));
    control.add(Party(99)).unwrap();
    assert_eq!(control.report(Party(3)), None);

    let mut call = Conference::new(2, &Network::clean());
    call.run(ms(2_000));
    call.sides[BOB].control.remove(party(ALICE));
    call.sides[BOB].control.add(party(ALICE)).unwrap();
    call.run(ms(4_000));
    assert!(call.likeness(ALICE, BOB, ms(2_200)..ms(3_900)).0 > 0.9);
}

#[test]
fn echo_says_what_one_said_a_second_later() {
    let mut alone = Conference::new(1, &Network::clean());
    let echo = Party(7);
    alone.sides[ALICE].control.add_echo(echo).unwrap();
    alone.run(ms(6_000));
    let side = &mut alone.sides[ALICE];
    // Its own second is taken out of the comparison.
    side.heard.drain(..48_000);
    let (likeness, delay_ms) = alone.likeness(ALICE, ALICE, ms(500)..ms(4_500));
    assert!(likeness > 0.9, "{likeness}");
    assert!(delay_ms < 60.0, "{delay_ms}");
    let before = alone.sides[ALICE].heard.len();
    alone.sides[ALICE].control.remove(echo);
    alone.run(ms(8_000));
    assert_eq!(power(&alone.sides[ALICE].heard[before + 960..]), 0.0);
}

#[test]
fn a_tone_is_played_into_the_call_once() {
    let mut alone = Conference::new(1, &Network::clean());
    alone.sides[ALICE].control.play(Tone::Joined);
    alone.run(ms(2_000));
    let tone = Tone::Joined.sound();
    assert_eq!(alone.sides[ALICE].heard[..tone.len()], tone);
    assert!(alone.sides[ALICE].heard[tone.len()..].iter().all(|sample| *sample == 0.0));
}

/// A packet of nobody's voice.
fn garbage(chance: &mut Chance) -> Packet {
    let payload = |chance: &mut Chance| -> Arc<[u8]> {
        let mut bytes: Vec<u8> = (0..chance.below(60)).map(|_| chance.below(256) as u8).collect();
        if let Some(head) = bytes.first_mut() {
            *head = [0x08, 0x48, 0x78, 0xf8, *head][chance.below(5)];
        }
        bytes.into()
    };
    let earlier = (0..chance.below(12))
        .map(|_| Earlier { back: chance.below(256) as u8, payload: payload(chance) })
        .collect();
    let any = |chance: &mut Chance| chance.below(1 << 32) as u32;
    Packet { sequence: any(chance), frame: any(chance), payload: payload(chance), earlier }
}

#[test]
fn a_million_hostile_packets_cost_the_others_nothing() {
    let mut call = Conference::new(3, &Network::clean());
    const MALLORY: usize = 2;
    silence(&mut call, MALLORY);
    call.run(ms(2_000));
    let mut chance = Chance::new(13);
    let crowd: Vec<Packet> = (0..1_000).map(|_| garbage(&mut chance)).collect();
    // Two thousand every block for five seconds, with forged reports of any kind.
    for round in 0..500_u64 {
        let at = ms(2_000 + round * 10);
        for packet in crowd.iter().chain(&crowd) {
            call.forge(MALLORY, BOB, packet.clone(), at);
        }
        call.run(at + ms(10));
    }
    let before = call.statistics(BOB, ALICE).heard.buffer;
    assert_eq!(before.lost, 0);
    let likeness = call.likeness(ALICE, BOB, ms(500)..ms(1_900)).0;
    assert!(likeness > 0.9, "{likeness}");
    let (heard, waiting) =
        (call.statistics(BOB, MALLORY), call.statistics(BOB, MALLORY).heard.buffer.waiting);
    assert!(waiting <= 100, "{heard:?}");
    // At most what the worker looks at was taken, the rest gave way.
    assert!(heard.heard.buffer.received <= 2 * 64 * 500, "{heard:?}");
    call.sides[BOB].control.remove(party(MALLORY));
    call.run(ms(10_000));
    let likeness = call.likeness(ALICE, BOB, ms(7_200)..ms(9_800)).0;
    assert!(likeness > 0.9, "{likeness}");
}

#[test]
fn packets_wait_for_the_worker_in_bounds_and_the_newest_count() {
    let voice = Voice::new(drop).unwrap();
    let control = voice.control();
    control.add(Party(1)).unwrap();
    let payload: Arc<[u8]> = vec![0x78, 0, 0].into();
    let began = Instant::now();
    for n in 0..1_000_000_u32 {
        let packet = Packet { sequence: n, frame: n, payload: Arc::clone(&payload), earlier: Vec::new() };
        control.push(Party(1), packet.clone(), began + ms(20 * u64::from(n)));
        control.push(Party(2), packet, began);
    }
    // One is the test's own.
    assert!(Arc::strong_count(&payload) <= 65);
    assert_eq!(control.report(Party(1)).unwrap().received, 1_000_000);
    assert_eq!(control.report(Party(2)), None);
}
