//! The jitter buffer on simulated time: each test is a network, and what a listener got of a voice.
#![allow(clippy::unwrap_used, reason = "in a test the panic is the report, in its helpers as well")]

#[path = "support/network.rs"]
#[allow(dead_code, reason = "shared with the tests of a whole voice")]
mod network;
#[path = "support/speech.rs"]
#[allow(dead_code, reason = "shared with the tests inside of the crate")]
mod speech;

use std::time::Duration;

use kinmesh_media::codec::{BLOCK, Earlier, FRAME, Loss, Packet, Plan, Sender};
use kinmesh_media::jitter::JitterBuffer;
use kinmesh_media::signal::{Chance, power};

use network::{Call, Network};

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn lossy(share: f32, mean_run: f32) -> Plan {
    Plan::for_loss(Loss { share, mean_run }, u32::MAX)
}

#[test]
fn a_clean_network_is_waited_for_no_longer_than_a_frame_and_nothing_is_made_up() {
    let mut call = Call::new(Plan::default(), Network::clean());
    call.run(ms(60_000));
    let heard = call.statistics();
    assert_eq!((heard.lost, heard.late, heard.corrupt, heard.outliers), (0, 0, 0, 0));
    assert!(heard.made_up_share() < 0.001, "{heard:?}");
    assert!(heard.mean_delay_ms() < 20.0, "{heard:?}");
    assert!(heard.shortened_samples + heard.lengthened_samples < 4_800, "{heard:?}");
}

#[test]
fn what_is_said_again_is_not_missed() {
    for (share, run, most_lost) in
        [(0.05, 1.0, 0.012), (0.10, 1.0, 0.02), (0.20, 1.0, 0.035), (0.10, 3.0, 0.04)]
    {
        let mut call =
            Call::new(lossy(share, run), Network { loss: share, mean_run: run, ..Network::clean() });
        call.run(ms(60_000));
        let heard = call.statistics();
        let made_up = heard.made_up_share();
        assert!(made_up < most_lost, "{share} in runs of {run}: {made_up} {heard:?}");
        assert!(heard.mean_delay_ms() < 110.0, "{heard:?}");
    }
}

#[test]
fn without_redundancy_a_loss_is_a_loss_and_nothing_worse() {
    for share in [0.05, 0.10, 0.20] {
        let mut call = Call::new(Plan::default(), Network { loss: share, ..Network::clean() });
        call.run(ms(60_000));
        let heard = call.statistics();
        let made_up = heard.made_up_share();
        assert!((share * 0.6..share * 1.5).contains(&made_up), "{share}: {made_up} {heard:?}");
        assert!(heard.mean_delay_ms() < 30.0, "{heard:?}");
    }
}

#[test]
fn jitter_costs_delay_and_little_speech() {
    for (jitter_ms, most_delay_ms, most_late) in [(10.0, 75.0, 0.01), (30.0, 190.0, 0.015)] {
        let mut call = Call::new(lossy(0.02, 1.0), Network { jitter_ms, ..Network::clean() });
        call.run(ms(120_000));
        let heard = call.statistics();
        assert!(heard.mean_delay_ms() < most_delay_ms, "exp({jitter_ms}): {heard:?}");
        assert!(heard.late_share() < most_late, "exp({jitter_ms}): {} {heard:?}", heard.late_share());
    }
}

#[test]
fn after_a_spike_the_delay_comes_back() {
    let spike = Network { spike: Some((ms(20_000)..ms(22_000), ms(200))), ..Network::clean() };
    let mut call = Call::new(Plan::default(), spike);
    call.run(ms(20_000));
    let base = call.statistics().delay_ms;
    call.run(ms(22_000));
    assert!(call.statistics().delay_ms > base + 150.0, "{:?}", call.statistics());
    call.run(ms(32_000));
    let after = call.statistics();
    assert!(after.delay_ms < base + 15.0, "from {base}: {after:?}");
    // The gap as the spike begins was filled, what came after it was played.
    assert!(after.made_up_samples < 48 * 260, "{after:?}");
    assert!(after.lost <= 2, "{after:?}");
}

#[test]
fn clocks_that_differ_neither_starve_it_nor_pile_up() {
    for ppm in [200.0, -200.0] {
        let mut call = Call::new(Plan::default(), Network { drift_ppm: ppm, ..Network::clean() });
        call.repeat();
        call.run(ms(600_000));
        let heard = call.statistics();
        // 200 ppm of ten minutes are 120 ms.
        let net = (heard.lengthened_samples as f32 - heard.shortened_samples as f32) / 48.0;
        assert!((net + ppm as f32 * 0.6).abs() < 40.0, "{ppm}: {net} {heard:?}");
        assert!(heard.delay_ms < 30.0 && heard.waiting < 3, "{ppm}: {heard:?}");
        assert!(heard.made_up_share() < 0.001, "{ppm}: {heard:?}");
    }
}

#[test]
fn packets_that_come_twice_or_in_disorder_are_played_once_and_in_order() {
    let disorder = Network { duplicates: true, jitter_ms: 15.0, ..Network::clean() };
    let mut call = Call::new(Plan::default(), disorder);
    call.run(ms(30_000));
    let heard = call.statistics();
    assert!(heard.decoded <= 1_500 && heard.decoded > 1_450, "{heard:?}");
}

#[test]
fn silence_is_quiet_and_speech_after_it_is_whole() {
    let mut call = Call::new(Plan::default(), Network::clean());
    call.run(ms(5_000));
    call.pause(true);
    call.run(ms(15_000));
    let before = call.statistics();
    let quiet = power(&call.heard[48_000 * 8..48_000 * 15]).sqrt();
    assert!(quiet > 1e-5 && quiet < 0.005, "{quiet}");
    call.pause(false);
    call.run(ms(20_000));
    let after = call.statistics();
    assert_eq!(after.lost, before.lost);
    assert!(after.made_up_samples - before.made_up_samples < 480 * 4, "{before:?} {after:?}");
    assert!(after.delay_ms < 25.0, "{after:?}");
}

#[test]
fn who_vanishes_fades_away() {
    let mut call = Call::new(Plan::default(), Network::clean());
    call.run(ms(3_000));
    call.way.network.loss = 1.0;
    call.run(ms(4_000));
    let end = &call.heard[call.heard.len() - 24_000..];
    assert!(power(end).sqrt() < 0.005);
}

#[test]
fn time_stamps_that_jump_are_followed_when_they_stay_and_ignored_when_they_do_not() {
    let mut call = Call::new(Plan::default(), Network::clean());
    call.run(ms(3_000));
    // A single stray packet, then a sender that began anew.
    call.stamp_offset = 3_000_000_000;
    call.run(ms(3_020));
    call.stamp_offset = 0;
    call.run(ms(6_000));
    assert_eq!(call.statistics().outliers, 1);
    assert!(call.statistics().lost <= 1, "{:?}", call.statistics());
    call.stamp_offset = 2_000_000_000;
    call.run(ms(9_000));
    let heard = call.statistics();
    assert!(heard.outliers <= 7 && heard.delay_ms < 30.0, "{heard:?}");
    assert!(heard.decoded > 430, "{heard:?}");
}

#[test]
fn numbers_may_wrap() {
    let mut call = Call::new(Plan::default(), Network::clean());
    call.stamp_offset = u32::MAX - 100;
    call.run(ms(6_000));
    assert_eq!(call.statistics().lost, 0);
    assert_eq!(call.statistics().outliers, 0);
}

#[test]
fn garbage_is_survived_and_memory_is_bounded() {
    let mut buffer = JitterBuffer::new().unwrap();
    let mut chance = Chance::new(11);
    let mut out = [0.0; BLOCK];
    for n in 0..200_000_u64 {
        let byte = |chance: &mut Chance| chance.below(256) as u8;
        let payload = |chance: &mut Chance| -> std::sync::Arc<[u8]> {
            let mut bytes: Vec<u8> = (0..chance.below(40)).map(|_| byte(chance)).collect();
            if let Some(head) = bytes.first_mut() {
                *head = [0x08, 0x48, 0x78, 0xf8, *head][chance.below(5)];
            }
            bytes.into()
        };
        let frame = match chance.below(4) {
            0 => chance.below(usize::MAX) as u32,
            _ => (n / 20) as u32 + chance.below(200) as u32,
        };
        let earlier =
            (0..chance.below(12)).map(|_| Earlier { back: byte(&mut chance), payload: payload(&mut chance) });
        let earlier = earlier.collect();
        let packet =
            Packet { sequence: chance.below(70_000) as u32, frame, payload: payload(&mut chance), earlier };
        buffer.insert(&packet, ms(n));
        if n % 10 == 0 {
            buffer.pull(ms(n), &mut out);
            assert!(out.iter().all(|sample| sample.is_finite()));
        }
        assert!(buffer.statistics().waiting <= 100);
    }
}

#[test]
fn a_flood_after_a_stall_is_caught_up_with() {
    let mut buffer = JitterBuffer::new().unwrap();
    let mut sender = Sender::new(Plan::default()).unwrap();
    let mut voice = speech::Speech::new(5);
    let mut out = [0.0; BLOCK];
    let mut send = |buffer: &mut JitterBuffer, now| {
        if let Some(packet) = sender.send(&voice.frame::<FRAME>()).unwrap() {
            buffer.insert(&packet, now);
        }
    };
    for n in 0..6_000_u64 {
        let now = ms(n * 10);
        // The network stalls for 1.5 seconds, then brings all of it at once.
        let stalls = (1_000..1_150).contains(&n);
        if n == 1_150 {
            (0..75).for_each(|_| send(&mut buffer, now));
        }
        if n % 2 == 0 && !stalls {
            send(&mut buffer, now);
        }
        buffer.pull(now, &mut out);
    }
    assert!(buffer.statistics().delay_ms < 30.0, "{:?}", buffer.statistics());
}
