//! A room of eight peers in this process, over QUIC on the loopback interface.

use std::time::{Duration, Instant};

use anyhow::Result;
use kinmesh_net::PAGE_MAX;
use kinmesh_proto::{RoomId, RoomName};

use crate::Effort;
use crate::bare::{BareMesh, Kind};
use crate::disk::{BareStore, Disk, flush_at_once};
use crate::nodes::{self, Peer};
use crate::report::{Floor, Rounds, Row, Target, Unit, per_second};
use crate::tally::{Ear, Tally, text_of};

/// Peers in the room.
const MEMBERS: usize = 8;
/// Gossip grafts its mesh at its heartbeat, once a second: after three it stands.
const WARM_UP: Duration = Duration::from_secs(3);
/// Messages for warming up what has no heartbeat.
const WARM_UP_MESSAGES: usize = 50;

/// Our room, in which the first peer speaks.
struct Room {
    peers: Vec<Peer>,
    room: RoomId,
    ear: Ear,
    next: usize,
}

impl Room {
    async fn start(disk: &Disk) -> Result<Self> {
        let peers = nodes::start(disk, MEMBERS).await?;
        let room = nodes::join(&peers, RoomName::lobby()).await?;
        let ear = nodes::overhear(peers[1..].iter().map(|peer| &peer.node), room);
        let mut room = Self { peers, room, ear, next: 0 };
        let start = Instant::now();
        while start.elapsed() < WARM_UP {
            room.once().await?;
        }
        Ok(room)
    }

    /// From the call of `send` to its return, and to the last listener's event.
    async fn once(&mut self) -> Result<(Duration, Duration)> {
        let number = self.next;
        self.next += 1;
        let speaker = self.peers[0].node.room(self.room);
        let tally = Tally::new(MEMBERS - 1, number..number + 1);
        let start = Instant::now();
        let send = async {
            speaker.send(text_of(number)).await?;
            anyhow::Ok(start.elapsed())
        };
        let (sent, heard) = tokio::try_join!(send, tally.complete(&mut self.ear))?;
        Ok((sent, heard - start))
    }

    /// From the first call of `send` to the last event of the last listener.
    async fn burst(&mut self, messages: usize) -> Result<Duration> {
        let numbers = self.next..self.next + messages;
        self.next = numbers.end;
        let speaker = self.peers[0].node.room(self.room);
        let tally = Tally::new(MEMBERS - 1, numbers.clone());
        let start = Instant::now();
        let send = nodes::send_all(numbers.clone(), |number| speaker.send(text_of(number)));
        let ((), last) = tokio::try_join!(send, tally.complete(&mut self.ear))?;
        for peer in &self.peers {
            let room = peer.node.room(self.room);
            let entries = nodes::everything(|at| room.page(at, PAGE_MAX)).await?;
            nodes::ensure_stored(&entries, numbers.clone())?;
        }
        Ok(last - start)
    }
}

/// One message at a time: from `send` to the last member's event.
pub(crate) async fn latency(effort: Effort, disk: &Disk) -> Result<Vec<Row>> {
    let mut bare = BareMesh::start(Kind::Anonymous, MEMBERS).await?;
    let mut stores = (0..MEMBERS).map(|_| BareStore::open(disk)).collect::<Result<Vec<_>>>()?;
    for _ in 0..WARM_UP_MESSAGES {
        bare.once().await?;
        flush_at_once(&mut stores).await?;
    }
    let mut room = Room::start(disk).await?;

    let mut rounds = LatencyRounds::default();
    for _ in 0..effort.rounds {
        let mut samples = LatencySamples::default();
        for _ in 0..effort.samples {
            samples.gossip.push(bare.once().await?);
        }
        for _ in 0..effort.samples {
            samples.flush.push(stores[0].flush().await?);
        }
        for _ in 0..effort.samples {
            samples.flushes.push(flush_at_once(&mut stores).await?);
        }
        for _ in 0..effort.samples {
            let (sent, heard) = room.once().await?;
            samples.sent.push(sent);
            samples.heard.push(heard);
        }
        rounds.take(samples);
    }
    nodes::end(room.peers).await;
    Ok(rounds.rows())
}

#[derive(Default)]
struct LatencySamples {
    gossip: Vec<Duration>,
    flush: Vec<Duration>,
    flushes: Vec<Duration>,
    sent: Vec<Duration>,
    heard: Vec<Duration>,
}

#[derive(Default)]
struct LatencyRounds {
    gossip: Rounds,
    flush: Rounds,
    flushes: Rounds,
    sent: Rounds,
    heard: Rounds,
    heard_p99: Rounds,
}

impl LatencyRounds {
    fn take(&mut self, samples: LatencySamples) {
        self.gossip.median_of(&samples.gossip);
        self.flush.median_of(&samples.flush);
        self.flushes.median_of(&samples.flushes);
        self.sent.median_of(&samples.sent);
        self.heard.median_of(&samples.heard);
        self.heard_p99.p99_of(&samples.heard);
    }

    fn rows(self) -> Vec<Row> {
        let floor = Floor::new("bare gossip + 2 flushes", self.gossip.median() + 2.0 * self.flush.median());
        let shared = Floor::new(
            "bare gossip + flush + 8 flushes at once",
            self.gossip.median() + self.flush.median() + self.flushes.median(),
        );
        vec![
            Row::new(
                "Room of 8, one message: `send` to the last member's event",
                Unit::Ms,
                self.heard.clone(),
            )
            .against(floor, Target::TimesFloor(1.5)),
            Row::new("The same, against eight stores on one disk", Unit::Ms, self.heard).beside(shared),
            Row::new("The same, slowest of a hundred (p99)", Unit::Ms, self.heard_p99),
            Row::new("Part of it: until `send` returns, stored here", Unit::Ms, self.sent),
            Row::new("Floor: bare gossipsub, without libp2p's signatures", Unit::Ms, self.gossip),
            Row::new("Floor: one entry to the disk and back", Unit::Ms, self.flush),
            Row::new("Floor: the slowest of 8 stores that flush at once", Unit::Ms, self.flushes),
        ]
    }
}

/// A burst: messages a second until everybody has told of all of them.
pub(crate) async fn burst(effort: Effort, disk: &Disk) -> Result<Vec<Row>> {
    let mut bare = BareMesh::start(Kind::Anonymous, MEMBERS).await?;
    let mut signed = BareMesh::start(Kind::Default, MEMBERS).await?;
    let mut store = BareStore::open(disk)?;
    let mut room = Room::start(disk).await?;
    for _ in 0..WARM_UP_MESSAGES {
        bare.once().await?;
        signed.once().await?;
    }

    let [mut ours, mut anonymous, mut default, mut stored] = <[Rounds; 4]>::default();
    for _ in 0..effort.rounds {
        anonymous.push(per_second(effort.burst, bare.burst(effort.burst).await?));
        default.push(per_second(effort.burst, signed.burst(effort.burst).await?));
        stored.push(per_second(effort.burst, store.burst(effort.burst).await?));
        ours.push(per_second(effort.burst, room.burst(effort.burst).await?));
    }
    nodes::end(room.peers).await;
    let what = format!("Room of 8, {} messages at once: until all 8 have stored and told all", effort.burst);
    Ok(vec![
        Row::new(&what, Unit::PerSecond, ours)
            .beside(Floor::new("bare gossipsub", anonymous.median()))
            .promising(Target::AtLeast(5_000.0)),
        Row::new("Floor: bare gossipsub, without libp2p's signatures", Unit::PerSecond, anonymous),
        Row::new("For comparison: gossipsub as libp2p sets it up, signed", Unit::PerSecond, default),
        Row::new("Floor: one store alone, one commit per entry", Unit::PerSecond, stored),
    ])
}
