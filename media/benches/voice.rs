//! What a voice costs, per frame of 20 milliseconds; and with `SPEECH`, what becomes of it on bad
//! networks.
//!
//! ```sh
//! cargo bench -p kinmesh-media
//! # 48 kHz, one channel, 32-bit floats; writes one file for each network, for score.py beside this.
//! SPEECH=speech.raw HEARD=dir cargo bench -p kinmesh-media
//! ```
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a bench prints, and its panic is the report")]

#[path = "../tests/support/network.rs"]
#[allow(dead_code, reason = "shared with the tests")]
mod network;
#[path = "../tests/support/speech.rs"]
#[allow(dead_code, reason = "shared with the tests")]
mod speech;

use std::path::Path;
use std::time::{Duration, Instant};

use kinmesh_media::Switches;
use kinmesh_media::codec::{BLOCK, Decoder, Encoder, FRAME, Loss, Payload, Plan, Sender};
use kinmesh_media::jitter::JitterBuffer;
use kinmesh_media::level::Level;
use kinmesh_media::processing::Processor;
use network::{Call, Network};
use speech::Speech;

const FRAMES: usize = 2_000;
const ROUNDS: usize = 5;

fn main() {
    match (std::env::var_os("SPEECH"), std::env::var_os("HEARD")) {
        (Some(speech), Some(heard)) => simulate(Path::new(&speech), Path::new(&heard)),
        _ => costs(),
    }
}

/// Prints the median of some rounds, in microseconds per frame.
fn measure(what: &str, mut round: impl FnMut()) {
    let mut took: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let began = Instant::now();
            round();
            began.elapsed().as_secs_f64() * 1e6 / FRAMES as f64
        })
        .collect();
    took.sort_by(f64::total_cmp);
    println!("{what:<44} {:8.1} µs a frame", took[ROUNDS / 2]);
}

fn coded(plan: Plan, said: &[[f32; FRAME]]) -> Vec<Payload> {
    let mut encoder = Encoder::new(plan).unwrap();
    said.iter().map(|frame| encoder.encode(frame).unwrap()).collect()
}

fn costs() {
    let mut voice = Speech::new(1);
    let said: Vec<[f32; FRAME]> = (0..FRAMES).map(|_| voice.frame()).collect();
    let bursts = Plan::for_loss(Loss { share: 0.1, mean_run: 3.0 }, u32::MAX);
    measure("encode, as by default", || drop(coded(Plan::default(), &said)));
    measure("encode, 40 kbit/s with FEC and DRED", || drop(coded(bursts.clone(), &said)));

    let mut out = [0.0; FRAME];
    for (what, bitrate_bps) in [("decode, 48 kbit/s", 48_000), ("decode, 16 kbit/s", 16_000)] {
        let payloads = coded(Plan { bitrate_bps, ..Plan::default() }, &said);
        measure(what, || {
            let mut decoder = Decoder::new().unwrap();
            payloads.iter().for_each(|payload| decoder.decode(payload, &mut out).unwrap());
        });
    }
    measure("conceal a loss", || {
        let mut decoder = Decoder::new().unwrap();
        let mut half = [0.0; BLOCK];
        (0..2 * FRAMES).for_each(|_| decoder.conceal(&mut half).unwrap());
    });
    measure("encode, jitter buffer, decode, 10 % loss", || {
        let plan = Plan::for_loss(Loss { share: 0.1, mean_run: 1.0 }, u32::MAX);
        let mut sender = Sender::new(plan).unwrap();
        let mut buffer = JitterBuffer::new().unwrap();
        let mut out = [0.0; BLOCK];
        for (n, frame) in (0_u64..).zip(&said) {
            let now = Duration::from_millis(20 * n);
            if let Some(packet) = sender.send(frame).unwrap().filter(|_| n % 10 != 0) {
                buffer.insert(&packet, now);
            }
            buffer.pull(now, &mut out);
            buffer.pull(now + Duration::from_millis(10), &mut out);
        }
    });
    for (what, switches) in [
        ("echo cancellation, noise suppression, gain", Switches::ON),
        ("echo cancellation alone", Switches { echo_cancellation: true, ..Switches::OFF }),
    ] {
        measure(what, || {
            let mut processor = Processor::new(switches);
            for block in said.iter().flat_map(|frame| frame.as_chunks::<BLOCK>().0) {
                processor.played(block);
                processor.process(block);
            }
        });
    }
}

/// Lets a voice go through each network of the table, and through voice processing alone.
fn simulate(speech: &Path, heard: &Path) {
    let bytes = std::fs::read(speech).unwrap();
    let said: Vec<f32> =
        bytes.chunks_exact(4).map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap())).collect();
    for (name, switches) in [
        ("processed", Switches::ON),
        ("echo-cancellation", Switches { echo_cancellation: true, ..Switches::OFF }),
        ("noise-suppression", Switches { noise_suppression: true, ..Switches::OFF }),
        ("gain-control", Switches { gain_control: true, ..Switches::OFF }),
    ] {
        let mut processor = Processor::new(switches);
        let mut process = |block: &[f32; BLOCK]| {
            processor.played(&[0.0; BLOCK]);
            processor.process(block)
        };
        let sound: Vec<f32> = said.as_chunks().0.iter().flat_map(&mut process).collect();
        let pause: Vec<f32> = (0..500).flat_map(|_| process(&[0.0; BLOCK])).collect();
        println!("{name:<10} leaves {:5.1} dBFS of silence", Level::of(pause).rms_dbfs);
        write(heard, name, &sound);
    }
    let clean = Network::clean();
    let lossy = |loss, mean_run| Network { loss, mean_run, ..Network::clean() };
    let jittery = |jitter_ms| Network { jitter_ms, ..Network::clean() };
    let plan = |share, mean_run| Plan::for_loss(Loss { share, mean_run }, u32::MAX);
    for (name, plan, network) in [
        ("clean", plan(0.0, 1.0), clean),
        ("loss-5", plan(0.05, 1.0), lossy(0.05, 1.0)),
        ("loss-10", plan(0.10, 1.0), lossy(0.10, 1.0)),
        ("loss-20", plan(0.20, 1.0), lossy(0.20, 1.0)),
        ("burst-10", plan(0.10, 3.0), lossy(0.10, 3.0)),
        ("jitter-10", plan(0.0, 1.0), jittery(10.0)),
        ("jitter-30", plan(0.02, 1.0), jittery(30.0)),
    ] {
        let (voice, mut at) = (said.clone(), 0);
        let mut call = Call::with_voice(plan, network, move || {
            let frame = voice.get(at..at + FRAME).and_then(|frame| frame.try_into().ok());
            at += FRAME;
            frame.unwrap_or([0.0; FRAME])
        });
        call.run(Duration::from_secs_f64(said.len() as f64 / 48_000.0));
        write(heard, name, &call.heard);
        let found = call.statistics();
        println!(
            "{name:<10} made up {:5.2} %, late {:5.2} %, waits {:5.1} ms on average",
            found.made_up_share() * 100.0,
            found.late_share() * 100.0,
            found.mean_delay_ms(),
        );
    }
}

fn write(dir: &Path, name: &str, sound: &[f32]) {
    let bytes: Vec<u8> = sound.iter().flat_map(|sample| sample.to_le_bytes()).collect();
    std::fs::write(dir.join(format!("{name}.raw")), bytes).unwrap();
}
