//! What strangers can do with media: nothing, however much of it they send.

use futures::{StreamExt, stream};
use kinmesh_proto::{CallId, CallMember, CallRequest, CallResponse, MediaPacket, MediaResponse};
use serde_bytes::ByteBuf;

use super::*;

/// Packets of one flood. Each takes a stream, so these are some seconds of a machine; what a million do to
/// the lines alone is tested where the lines are.
const FLOOD: u32 = 20_000;
/// As many are under way at once as a connection serves, and then some.
const AT_ONCE: usize = 200;

fn packet(line: u32) -> Vec<u8> {
    let payload = ByteBuf::from([0]);
    codec::encode(&MediaPacket { line, sequence: line, frame: line, payload, earlier: Vec::new() })
}

#[tokio::test]
async fn packets_without_end_on_lines_that_nobody_gave_them_change_nothing() -> Result<()> {
    let scene = Scene::open().await?;
    let (stranger, alice) = scene.stranger().await?;
    let asked = stream::iter(0..FLOOD).map(|line| stranger.ask(Question::Media, alice, packet(line)));
    let flood = async {
        let mut asked = asked.buffer_unordered(AT_ONCE);
        let mut refused = 0;
        while let Some(answer) = asked.next().await {
            // What comes beyond is dropped, and none of it is taken.
            if let Ok(answer) = answer? {
                let answer: MediaResponse = codec::decode(&answer, answer.len())?;
                ensure!(answer == MediaResponse::NoSuchLine, "{answer:?}");
                refused += 1;
            }
        }
        println!("{refused} of {FLOOD} packets were refused, the others dropped");
        ensure!(refused > 0, "Alice is deaf");
        anyhow::Ok(())
    };
    tokio::try_join!(flood, scene.chat("meanwhile"))?;
    scene.unharmed().await
}

#[tokio::test]
async fn garbage_in_the_place_of_a_packet_is_refused() -> Result<()> {
    let scene = Scene::open().await?;
    let (stranger, alice) = scene.stranger().await?;
    for bytes in malformed(&packet(7)) {
        stranger.ask_in_vain(Question::Media, alice, bytes).await?;
    }
    let payload = |size: usize| ByteBuf::from(vec![0; size]);
    let proper = MediaPacket { line: 7, sequence: 0, frame: 0, payload: payload(1), earlier: Vec::new() };
    let many = vec![(1, payload(1)); limits::MEDIA_EARLIER_MAX + 1];
    for packet in [
        MediaPacket { payload: payload(limits::MEDIA_PAYLOAD_MAX + 1), ..proper.clone() },
        MediaPacket { payload: payload(1024 * 1024), ..proper.clone() },
        MediaPacket { earlier: many, ..proper.clone() },
        MediaPacket { earlier: vec![(0, payload(1))], ..proper.clone() },
    ] {
        stranger.ask_in_vain(Question::Media, alice, codec::encode(&packet)).await?;
    }
    let answer = stranger.ask(Question::Media, alice, codec::encode(&proper)).await??;
    assert_eq!(codec::decode::<MediaResponse>(&answer, answer.len())?, MediaResponse::NoSuchLine);
    scene.unharmed().await
}

#[tokio::test]
async fn a_stranger_rings_nobody_and_has_no_part_in_any_call() -> Result<()> {
    let scene = Scene::open().await?;
    let (mallory, alice) = scene.mallory().await?;
    let (call, line, to) = (CallId([9; 16]), 7, person(&scene.bob)?);
    let member = CallMember { person: to, reach: None };
    for (request, answer) in [
        (CallRequest::Ring { call, line, party: vec![] }, CallResponse::ContactsOnly),
        (CallRequest::Ring { call, line, party: vec![to] }, CallResponse::ContactsOnly),
        (CallRequest::Join { call, line }, CallResponse::NoSuchCall),
        (CallRequest::Accept { call, line }, CallResponse::NoSuchCall),
        (CallRequest::Party { call, party: vec![member] }, CallResponse::NoSuchCall),
        (CallRequest::Transfer { call, to }, CallResponse::NoSuchCall),
        (CallRequest::State { call, muted: false, held: false }, CallResponse::NoSuchCall),
    ] {
        assert_eq!(mallory.say_of_call(alice, &request).await?, answer, "{request:?}");
    }
    assert_eq!(scene.alice.call("calls.list", json!({})).await?, json!([]));
    scene.unharmed().await
}
