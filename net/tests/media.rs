//! Media of calls between real peers in one process, over real sockets.

#![allow(clippy::unwrap_used, clippy::expect_used)] // A test's panic is its report.

use std::sync::Arc;
use std::time::Duration;

use kinmesh_core::{Because, Event};
use kinmesh_net::{CallHandle, MediaEvent, MediaLink, Node, NodeConfig, NodeHandle, Overview, Packetized};
use kinmesh_proto::{DisplayName, PersonId, Report, StatusLine};
use tempfile::TempDir;
use tokio::time::timeout;

/// Longer than any of these stories takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(90);

struct Peer {
    node: NodeHandle,
    person: PersonId,
    _dir: TempDir,
}

impl Peer {
    async fn start(name: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let listen = vec!["/ip4/127.0.0.1/udp/0/quic-v1".parse().unwrap()];
        let config = NodeConfig { data_dir: dir.path().to_owned(), bootstraps: vec![], listen, mdns: false };
        let node = Node::start(config).await.unwrap();
        node.set_profile(DisplayName::new(name).unwrap(), StatusLine::default()).await.unwrap();
        let person = node.overview().me.person;
        Self { node, person, _dir: dir }
    }

    async fn sees(&self, wanted: impl Fn(&Overview) -> bool) -> Arc<Overview> {
        let mut overview = self.node.watch_overview();
        let seen = timeout(PATIENCE, overview.wait_for(|overview| wanted(overview))).await;
        seen.expect("it is seen in time").unwrap().clone()
    }

    /// Meets the other and becomes their contact.
    async fn befriend(&self, other: &Peer) {
        let mut status = other.node.watch_status();
        let listens = timeout(PATIENCE, status.wait_for(|status| !status.listening.is_empty())).await;
        let address = listens.unwrap().unwrap().listening[0].clone();
        self.node.add_bootstrap(address).await.unwrap();
        for (one, two) in [(self, other), (other, self)] {
            let two = two.person;
            one.sees(|view| view.people.iter().any(|one| one.person == two && one.online.is_online())).await;
        }
        let mut events = self.node.events();
        self.node.set_contact(other.person, true).await.unwrap();
        let me = self.person;
        other.sees(|view| view.requests.iter().any(|request| request.person == me)).await;
        other.node.accept(me).await.unwrap();
        let accepted = Event::BecameContacts { person: other.person, because: Because::TheyAccepted };
        let wait = async { while events.next().await.expect("the peer lives") != accepted {} };
        timeout(PATIENCE, wait).await.expect("it happens in time");
    }
}

/// One end of a call.
struct End {
    call: CallHandle,
    link: MediaLink,
}

impl End {
    async fn of(call: CallHandle) -> Self {
        let link = call.media().await.unwrap();
        Self { call, link }
    }

    async fn next(&mut self) -> Option<MediaEvent> {
        timeout(PATIENCE, self.link.next()).await.expect("it happens in time")
    }

    async fn until<T>(&mut self, wanted: impl Fn(MediaEvent) -> Option<T>) -> T {
        loop {
            if let Some(found) = wanted(self.next().await.expect("the call goes on")) {
                return found;
            }
        }
    }
}

/// Alice rings Bob, who accepts; their ends of the call, on which each has seen the other.
async fn call(alice: &Peer, bob: &Peer) -> (End, End) {
    let rings = alice.node.ring(bob.person).await.unwrap();
    let mut of_alice = End::of(rings).await;
    let ringing = bob.sees(|view| !view.calls.is_empty()).await;
    let mut of_bob = End::of(bob.node.call_of(ringing.calls[0].call)).await;
    of_bob.call.accept().await.unwrap();
    assert_eq!(of_alice.next().await, Some(MediaEvent::PartyOpened { person: bob.person }));
    assert_eq!(of_bob.next().await, Some(MediaEvent::PartyOpened { person: alice.person }));
    (of_alice, of_bob)
}

fn packet(sequence: u32) -> Packetized {
    Packetized { sequence, frame: 3 * sequence, payload: vec![7; 80], earlier: vec![(1, vec![6; 40])] }
}

#[tokio::test]
async fn a_voice_comes_to_the_other_end_and_what_they_say_of_the_way_comes_back() {
    let (alice, bob) = (Peer::start("Alice").await, Peer::start("Bob").await);
    alice.befriend(&bob).await;
    let (mut of_alice, mut of_bob) = call(&alice, &bob).await;
    of_alice.link.send(bob.person, packet(1));
    let Packetized { sequence, frame, payload, earlier } = packet(1);
    let heard = MediaEvent::Packet { from: alice.person, sequence, frame, payload, earlier };
    assert_eq!(of_bob.next().await, Some(heard));

    let said = Report { received: 1, lost_permille: 20, delay_trend_ms: -3, ..Report::default() };
    of_bob.link.set_report(alice.person, said);
    of_alice.link.send(bob.person, packet(2));
    let told = of_alice.until(|event| match event {
        MediaEvent::Reported { by, report, round_trip } if report == said => Some((by, round_trip)),
        _ => None,
    });
    let (by, round_trip) = told.await;
    assert_eq!(by, bob.person);
    assert!(round_trip > Duration::ZERO && round_trip < Duration::from_secs(2), "{round_trip:?}");

    of_bob.link.send(alice.person, packet(9));
    let sequence = of_alice.until(|event| match event {
        MediaEvent::Packet { from, sequence, .. } if from == bob.person => Some(sequence),
        _ => None,
    });
    assert_eq!(sequence.await, 9);
}

#[tokio::test]
async fn media_is_given_away_once_and_ends_with_the_call() {
    let (alice, bob) = (Peer::start("Alice").await, Peer::start("Bob").await);
    alice.befriend(&bob).await;
    let (mut of_alice, mut of_bob) = call(&alice, &bob).await;
    of_alice.call.media().await.expect_err("somebody has it");
    of_bob.call.hang_up().await.unwrap();
    for end in [&mut of_alice, &mut of_bob] {
        while end.next().await.is_some() {}
        end.call.media().await.expect_err("the call is over");
    }
}

#[tokio::test]
async fn of_a_voice_that_comes_faster_than_it_goes_the_newest_is_heard() {
    let (alice, bob) = (Peer::start("Alice").await, Peer::start("Bob").await);
    alice.befriend(&bob).await;
    let (of_alice, mut of_bob) = call(&alice, &bob).await;
    (0..100_000).for_each(|sequence| of_alice.link.send(bob.person, packet(sequence)));
    let mut heard = 0;
    loop {
        let sequence = of_bob.until(|event| match event {
            MediaEvent::Packet { sequence, .. } => Some(sequence),
            _ => None,
        });
        heard += 1;
        if sequence.await == 99_999 {
            break;
        }
    }
    assert!(heard < 50_000, "{heard} packets, most of them stale, were sent all the same");
}
