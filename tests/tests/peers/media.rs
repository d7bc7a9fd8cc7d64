//! Media of calls between a real peer and a stranger who has become a contact, for better or worse.

#![allow(clippy::print_stdout)] // What was measured is worth reading in a log.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use futures::{FutureExt, StreamExt, stream};
use kinmesh_net::testing::hold_store;
use kinmesh_net::{CallHandle, MediaEvent, MediaLink, Node, NodeConfig, NodeHandle, Overview, Packetized};
use kinmesh_proto::{
    Ask, CallId, CallRequest, CallResponse, ChatRequest, ChatResponse, DisplayName, MediaPacket,
    MediaResponse, PersonId, Privacy, Report, StatusLine, codec, limits,
};
use kinmesh_tests::DEADLINE;
use kinmesh_tests::stranger::{Question, Stranger};
use libp2p::{Multiaddr, PeerId};
use serde_bytes::ByteBuf;
use tempfile::TempDir;
use tokio::time::timeout;

/// The line on which Mallory wants to hear Alice.
const MALLORYS_LINE: u32 = 77;
/// Packets of one flood. Each takes a stream, so these are some seconds of a machine.
const FLOOD: u32 = 20_000;
/// As many are under way at once as a connection serves, and then some.
const AT_ONCE: usize = 200;
/// As many connections as a call may have.
const LINKS_MAX: u32 = 4;

/// Alice, whom it is about, and Mallory, a contact of hers, in a call.
struct Scene {
    alice: NodeHandle,
    address: Multiaddr,
    mallory: Stranger,
    to_alice: PeerId,
    call: CallId,
    /// Alice's side of it.
    handle: CallHandle,
    /// Under which number Alice wants to hear Mallory.
    line: u32,
    link: MediaLink,
    _dir: TempDir,
}

impl Scene {
    async fn open() -> Result<Self> {
        let dir = tempfile::tempdir()?;
        let listen = vec!["/ip4/127.0.0.1/udp/0/quic-v1".parse()?];
        let config = NodeConfig { data_dir: dir.path().to_owned(), bootstraps: vec![], listen, mdns: false };
        let alice = Node::start(config).await?;
        alice.set_profile(DisplayName::new("Alice")?, StatusLine::default()).await?;
        let mut status = alice.watch_status();
        let listens = timeout(DEADLINE, status.wait_for(|status| !status.listening.is_empty())).await??;
        let address = listens.listening[0].clone();
        drop(listens);
        let (mallory, to_alice) = contact_of(&alice, &address).await?;

        let call = CallId([9; 16]);
        let ring = CallRequest::Ring { call, line: MALLORYS_LINE, party: vec![] };
        ensure!(mallory.say_of_call(to_alice, &ring).await? == CallResponse::Noted, "it does not ring");
        let overview = overview_with(&alice, |overview| !overview.calls.is_empty()).await?;
        let handle = alice.call_of(overview.calls[0].call);
        let mut link = handle.media().await?;
        handle.accept().await?;
        let accepted = |request: &CallRequest| match request {
            CallRequest::Accept { line, .. } => Some(*line),
            _ => None,
        };
        let line = mallory.wait("her line", |heard| heard.calls.iter().find_map(accepted)).await?;
        let opened = timeout(DEADLINE, link.next()).await?;
        ensure!(opened == Some(MediaEvent::PartyOpened { person: mallory.keys().person() }), "{opened:?}");
        Ok(Self { alice, address, mallory, to_alice, call, handle, line, link, _dir: dir })
    }

    /// Mallory sends a packet.
    async fn sends(&self, packet: &MediaPacket) -> Result<MediaResponse> {
        send(&self.mallory, self.to_alice, packet).await
    }

    /// A packet that Alice must take.
    fn packet(&self, sequence: u32) -> MediaPacket {
        let payload = ByteBuf::from([sequence.to_be_bytes()[3]]);
        MediaPacket { line: self.line, sequence, frame: sequence, payload, earlier: Vec::new() }
    }

    /// What waits for Alice, of packets.
    fn heard(&mut self) -> Vec<(PersonId, u32)> {
        let events = std::iter::from_fn(|| self.link.next().now_or_never().flatten());
        let packet = |event| match event {
            MediaEvent::Packet { from, sequence, .. } => Some((from, sequence)),
            _ => None,
        };
        events.filter_map(packet).collect()
    }

    /// The call goes on: a packet is taken, and heard.
    async fn goes_on(&mut self) -> Result<()> {
        let mallory = self.mallory.keys().person();
        self.heard();
        let answer = self.sends(&self.packet(4_000_000)).await?;
        ensure!(matches!(answer, MediaResponse::Report(_)), "{answer:?}");
        ensure!(self.heard() == [(mallory, 4_000_000)], "nothing is heard");
        Ok(())
    }
}

/// A stranger whom Alice accepts as a contact.
async fn contact_of(alice: &NodeHandle, address: &Multiaddr) -> Result<(Stranger, PeerId)> {
    let stranger = Stranger::start()?;
    stranger.can_be_dialled().await?;
    let to_alice = stranger.dial(address).await?;
    stranger.greet(to_alice, &stranger.hello("Mallory")?).await?;
    let ask = ChatRequest::Ask(Box::new(Ask { entry: None, introduction: None }));
    ensure!(stranger.chat(to_alice, &ask).await? == ChatResponse::Noted, "the request was not taken");
    alice.accept(stranger.keys().person()).await?;
    Ok((stranger, to_alice))
}

async fn overview_with(
    node: &NodeHandle,
    is_wanted: impl Fn(&Overview) -> bool,
) -> Result<std::sync::Arc<Overview>> {
    let mut overview = node.watch_overview();
    let found = timeout(DEADLINE, overview.wait_for(|overview| is_wanted(overview))).await?;
    found.context("Alice lives").map(|overview| overview.clone())
}

async fn send(stranger: &Stranger, peer: PeerId, packet: &MediaPacket) -> Result<MediaResponse> {
    let answer = stranger.ask(Question::Media, peer, codec::encode(packet)).await??;
    Ok(codec::decode(&answer, answer.len())?)
}

#[tokio::test]
async fn a_line_is_good_for_the_device_that_it_was_given_to_alone() -> Result<()> {
    let mut scene = Scene::open().await?;
    let (trudy, to_alice) = contact_of(&scene.alice, &scene.address).await?;
    let packet = scene.packet(1);
    assert_eq!(send(&trudy, to_alice, &packet).await?, MediaResponse::NoSuchLine, "a stolen line");
    let other_device = scene.mallory.on_another_device()?;
    let to_alice = other_device.dial(&scene.address).await?;
    other_device.greet(to_alice, &other_device.hello("Mallory")?).await?;
    assert_eq!(send(&other_device, to_alice, &packet).await?, MediaResponse::NoSuchLine, "another device");
    let not_hers = MediaPacket { line: MALLORYS_LINE, ..packet.clone() };
    assert_eq!(scene.sends(&not_hers).await?, MediaResponse::NoSuchLine);
    assert!(scene.heard().is_empty());
    scene.goes_on().await?;

    scene.handle.hang_up().await?;
    assert_eq!(timeout(DEADLINE, scene.link.next()).await?, None);
    assert_eq!(scene.sends(&packet).await?, MediaResponse::NoSuchLine, "the call is over");
    Ok(())
}

#[tokio::test]
async fn packets_without_end_in_a_call_neither_grow_nor_end_anything() -> Result<()> {
    let mut scene = Scene::open().await?;
    let taken = stream::iter(0..FLOOD)
        .map(|sequence| {
            let packet = MediaPacket { frame: sequence.wrapping_mul(0x9E37_79B9), ..scene.packet(sequence) };
            let scene = &scene;
            async move { scene.sends(&packet).await }.boxed()
        })
        .buffer_unordered(AT_ONCE)
        // What comes beyond is dropped.
        .filter(|answer| std::future::ready(matches!(answer, Ok(MediaResponse::Report(_)))))
        .count()
        .await;
    println!("{taken} of {FLOOD} packets were taken");
    ensure!(taken > 0, "Alice is deaf");
    let heard = scene.heard();
    ensure!(heard.len() < 100, "{} packets were kept", heard.len());
    scene.goes_on().await
}

#[tokio::test]
async fn packets_that_make_no_sense_do_not_end_a_call() -> Result<()> {
    let mut scene = Scene::open().await?;
    for n in [0, 1, u32::MAX, u32::MAX - 1, 1 << 31, 7] {
        let jumping = MediaPacket { sequence: n, frame: !n, ..scene.packet(n) };
        assert_eq!(scene.sends(&jumping).await?, MediaResponse::Report(Report::default()));
    }
    let empty = MediaPacket { payload: ByteBuf::new(), ..scene.packet(8) };
    assert_eq!(scene.sends(&empty).await?, MediaResponse::Report(Report::default()));
    let oversized = ByteBuf::from(vec![0; limits::MEDIA_PAYLOAD_MAX + 1]);
    let oversized = codec::encode(&MediaPacket { payload: oversized, ..scene.packet(9) });
    for garbage in [oversized, b"not CBOR at all".to_vec(), vec![0x9f; 1400], vec![0xff; 1_000_000]] {
        scene.mallory.ask_in_vain(Question::Media, scene.to_alice, garbage).await?;
    }
    assert_eq!(scene.heard().len(), 7);
    scene.goes_on().await
}

/// Alice speaks to Mallory until something is the case.
async fn speaks_until(scene: &mut Scene, is_enough: impl Fn(&Scene) -> bool) -> Result<()> {
    let mallory = scene.mallory.keys().person();
    let mut pace = tokio::time::interval(Duration::from_millis(20));
    let speaks = async {
        for sequence in 0.. {
            pace.tick().await;
            let packet = Packetized { sequence, frame: sequence, payload: vec![1; 80], earlier: Vec::new() };
            scene.link.send(mallory, packet);
            scene.heard();
            if is_enough(scene) {
                break;
            }
        }
    };
    timeout(DEADLINE, speaks).await.context("it never was enough")
}

#[tokio::test]
async fn on_a_lossy_and_long_way_a_voice_goes_over_several_connections_until_the_call_is_over() -> Result<()>
{
    let mut scene = Scene::open().await?;
    let alice = scene.to_alice;
    let links = move |scene: &Scene| scene.mallory.heard().links.get(&alice).copied();
    assert_eq!(links(&scene), Some(1));
    let lossy = Report { lost_permille: 100, ..Report::default() };
    scene.mallory.answer_media(MediaResponse::Report(lossy), Duration::from_millis(100)).await?;
    speaks_until(&mut scene, |scene| links(scene) == Some(LINKS_MAX)).await?;
    scene.mallory.heard().packets.clear();
    // In turn over all of them.
    speaks_until(&mut scene, |scene| {
        scene.mallory.heard().packets.values().filter(|n| **n > 10).count() == 4
    })
    .await?;
    // Both say hello again, over any of them, and neither takes the others for lost.
    scene.alice.set_profile(DisplayName::new("Alice the second")?, StatusLine::default()).await?;
    for n in 0..4 {
        let hello = scene.mallory.hello(&format!("Mallory {n}"))?;
        let links = u8::try_from(LINKS_MAX)?;
        scene.mallory.greet(alice, &kinmesh_proto::Hello { links, ..hello }).await?;
    }
    scene.goes_on().await?;
    assert_eq!(links(&scene), Some(LINKS_MAX));

    let end = CallRequest::End { call: scene.call };
    // The answer may be lost: Alice closes the connection that it goes over.
    let _ = scene.mallory.say_of_call(alice, &end).await;
    scene.mallory.wait("the end of the others", |heard| (heard.links[&alice] == 1).then_some(())).await
}

#[tokio::test]
async fn on_a_short_way_one_connection_is_enough() -> Result<()> {
    let mut scene = Scene::open().await?;
    let lossy = Report { lost_permille: 100, ..Report::default() };
    scene.mallory.answer_media(MediaResponse::Report(lossy), Duration::ZERO).await?;
    let taken = |scene: &Scene| scene.mallory.heard().packets.values().sum::<usize>();
    // Longer than it takes to see that it is not.
    speaks_until(&mut scene, |scene| taken(scene) > 150).await?;
    assert_eq!(scene.mallory.heard().links.get(&scene.to_alice), Some(&1));
    Ok(())
}

#[tokio::test]
async fn a_peer_that_answers_nothing_is_sent_no_more_than_a_second_of_voice_at_once() -> Result<()> {
    let mut scene = Scene::open().await?;
    scene.mallory.answer_media(MediaResponse::NoSuchLine, DEADLINE).await?;
    let mallory = scene.mallory.keys().person();
    for sequence in 0..10_000 {
        let packet = Packetized { sequence, frame: sequence, payload: vec![1; 80], earlier: Vec::new() };
        scene.link.send(mallory, packet);
    }
    let by = mallory;
    let unanswered = async { while scene.link.next().await != Some(MediaEvent::Unanswered { by }) {} };
    timeout(DEADLINE, unanswered).await.context("a packet is waited for without end")?;
    let came: usize = scene.mallory.heard().packets.values().sum();
    ensure!(came <= 50 + 8, "{came} packets came");
    Ok(())
}

/// More than the store's queue and the driver's hold.
const MORE_THAN_FITS: usize = 2048 + 1024 + 1;

#[tokio::test(flavor = "multi_thread")]
async fn who_mutes_themselves_and_hangs_up_need_not_wait_for_the_store() -> Result<()> {
    let mut scene = Scene::open().await?;
    scene.goes_on().await?;
    let hold = hold_store(&scene.alice).await?;
    let mut taken = 0;
    while taken < MORE_THAN_FITS {
        match scene.alice.set_privacy(Privacy::default()).now_or_never() {
            Some(Err(_)) => tokio::task::yield_now().await,
            Some(Ok(())) => bail!("the store goes on"),
            None => taken += 1,
        }
    }
    timeout(DEADLINE, scene.handle.mute(true)).await??;
    ensure!(scene.alice.overview().calls[0].muted);
    timeout(DEADLINE, scene.handle.hang_up()).await??;
    ensure!(scene.alice.overview().calls.is_empty());
    drop(hold);
    Ok(())
}
