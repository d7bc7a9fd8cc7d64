use super::*;
use crate::speech::Speech;

fn speech(frames: usize) -> Vec<[f32; FRAME]> {
    let mut speech = Speech::new(1);
    (0..frames).map(|_| speech.frame()).collect()
}

/// How alike two signals are when the second one is late by the best of up to 40 milliseconds.
fn likeness(said: &[f32], heard: &[f32]) -> f32 {
    (0..2 * FRAME)
        .map(|late| crate::signal::correlation(&said[..said.len() - late], &heard[late..]))
        .fold(0.0, f32::max)
}

fn through(plan: Plan, lose: impl Fn(usize) -> bool) -> (Vec<f32>, Vec<f32>) {
    let said = speech(100);
    let mut encoder = Encoder::new(plan).unwrap();
    let payloads: Vec<_> = said.iter().map(|frame| encoder.encode(frame).unwrap()).collect();
    let mut decoder = Decoder::new().unwrap();
    let mut heard = Vec::new();
    for (n, payload) in payloads.iter().enumerate() {
        let mut out = [0.0; FRAME];
        match payloads.get(n + 1) {
            Some(next) if lose(n) => decoder.decode_fec(next, &mut out).unwrap(),
            _ => decoder.decode(payload, &mut out).unwrap(),
        }
        heard.extend(out);
    }
    (said.concat(), heard)
}

#[test]
fn a_voice_comes_through() {
    let (said, heard) = through(Plan::default(), |_| false);
    let likeness = likeness(&said, &heard);
    assert!(likeness > 0.95, "{likeness}");
}

#[test]
fn a_lost_frame_is_in_the_next_one() {
    let plan = Plan::for_loss(Loss { share: 0.04, mean_run: 1.0 }, u32::MAX);
    let (said, heard) = through(plan, |n| n % 10 == 5);
    let likeness = likeness(&said, &heard);
    assert!(likeness > 0.9, "{likeness}");
}

#[test]
fn dred_knows_the_frames_before() {
    let plan = Plan::for_loss(Loss { share: 0.2, mean_run: 3.0 }, u32::MAX);
    let mut encoder = Encoder::new(plan).unwrap();
    let payloads: Vec<_> = speech(60).iter().map(|frame| encoder.encode(frame).unwrap()).collect();
    let mut decoder = Decoder::new().unwrap();
    let mut out = [0.0; FRAME];
    for payload in &payloads[..50] {
        decoder.decode(payload, &mut out).unwrap();
    }
    out.fill(0.0);
    assert!(decoder.decode_dred(&payloads[52], 2, &mut out).unwrap());
    assert!(out.iter().any(|sample| sample.abs() > 0.001));
    assert!(!decoder.decode_dred(&payloads[52], 1000, &mut out).unwrap());
}

#[test]
fn silence_is_not_sent() {
    let mut sender = Sender::new(Plan::default()).unwrap();
    let spoken: Vec<_> = speech(50).iter().filter_map(|frame| sender.send(frame).unwrap()).collect();
    assert_eq!(spoken.len(), 50);
    let silent: Vec<_> = (0..250).filter_map(|_| sender.send(&[0.0; FRAME]).unwrap()).collect();
    assert!(silent.len() < 60, "{} packets of silence", silent.len());
    let again = speech(1).iter().find_map(|frame| sender.send(frame).unwrap()).unwrap();
    assert_eq!(again.frame, 300);
    assert_eq!(again.sequence as usize, 50 + silent.len());
}

#[test]
fn packets_repeat_the_frames_of_the_plan() {
    let plan = Plan::for_loss(Loss { share: 0.2, mean_run: 1.0 }, u32::MAX);
    let mut sender = Sender::new(plan).unwrap();
    let packets: Vec<_> = speech(10).iter().filter_map(|frame| sender.send(frame).unwrap()).collect();
    assert!(packets[0].earlier.is_empty());
    let repeated = &packets[7].earlier;
    assert_eq!(repeated.iter().map(|earlier| earlier.back).collect::<Vec<_>>(), [1, 3]);
    assert_eq!(repeated[0].payload, packets[6].payload);
    assert_eq!(repeated[1].payload, packets[4].payload);
}

#[test]
fn what_is_no_frame_of_ours_is_refused() {
    let mut decoder = Decoder::new().unwrap();
    let mut out = [0.0; FRAME];
    for payload in [&[] as &[u8], &[0xff; 3], &[0; PAYLOAD_MAX + 1], &[0x03, 0x3f, 1, 2]] {
        assert!(!is_frame(payload));
        assert_eq!(decoder.decode(payload, &mut out), Err(CodecError::Payload));
        assert_eq!(decoder.decode_fec(payload, &mut out), Err(CodecError::Payload));
        assert_eq!(decoder.decode_dred(payload, 1, &mut out), Ok(false));
    }
}

#[test]
fn garbage_never_panics() {
    let mut decoder = Decoder::new().unwrap();
    let (mut out, mut half) = ([0.0; FRAME], [0.0; BLOCK]);
    let mut chance = crate::signal::Chance::new(7);
    for _ in 0..2_000 {
        let length = 1 + chance.below(300);
        let mut payload: Vec<u8> = (0..length).map(|_| chance.below(256) as u8).collect();
        // A sound head, so that most of it gets past the first look: SILK, hybrid and CELT in turn.
        payload[0] = [0x08, 0x48, 0x68, 0x78, 0x98, 0xf8][chance.below(6)];
        let _ = decoder.decode(&payload, &mut out);
        let _ = decoder.decode_fec(&payload, &mut out);
        let _ = decoder.decode_dred(&payload, 1 + chance.below(20), &mut out);
        let _ = decoder.conceal(&mut half);
        assert!(out.iter().chain(&half).all(|sample| sample.is_finite()));
    }
}
