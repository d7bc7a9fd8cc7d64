//! A member comes back to a room in which another one said much meanwhile, over QUIC on the loopback
//! interface. What travels passes a counter.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use kinmesh_core::Overview;
use kinmesh_net::PAGE_MAX;
use kinmesh_proto::{AddressRecord, ConversationId, PageAt, RoomId, RoomName, Write};
use kinmesh_store::{HistoryStore, SledStore};
use kinmesh_tests::forwarder::Forwarder;
use libp2p::Multiaddr;
use libp2p::multiaddr::Protocol;

use crate::Effort;
use crate::disk::{BareStore, Disk};
use crate::nodes::{self, Peer};
use crate::questions::{Asked, Questions};
use crate::report::{Floor, Rounds, Row, Target, Unit};
use crate::tally::{TEXT_BYTES, Tally};

/// One who stays and speaks, and one who comes and goes.
struct Pair {
    writer: Peer,
    room: RoomId,
    reader_dir: PathBuf,
    counter: Forwarder,
    /// The writer, as the reader knows it: behind the counter.
    address: Multiaddr,
    questions: Questions,
    said: usize,
}

/// What one return took.
struct Return {
    took: Duration,
    wire_bytes: u64,
    asked: Asked,
}

impl Pair {
    async fn start(disk: &Disk) -> Result<Self> {
        let writer = nodes::start_in(disk.dir()?, 0).await?;
        let (counter, address) = counted(&writer).await?;
        let reader_dir = disk.dir()?;
        let reader = nodes::start_in(reader_dir.clone(), 1).await?;
        reader.node.add_bootstrap(address.clone()).await?;
        let pair = [writer, reader];
        let room = nodes::join(&pair, RoomName::lobby()).await?;
        let [writer, reader] = pair;
        reader.node.shutdown().await;
        let questions = Questions::count()?;
        Ok(Self { writer, room, reader_dir, counter, address, questions, said: 0 })
    }

    /// Lets the sleeping reader remember the writer behind the counter, and nowhere else: it has
    /// learned since where the writer really is.
    fn remember_the_counter(&self) -> Result<()> {
        let device = self.writer.node.overview().me.device;
        let mut address = self.address.clone();
        address.pop();
        let record = AddressRecord { device, addresses: vec![address.to_string()], last_ok_ms: 0 };
        let (mut store, _) = SledStore::open(&self.reader_dir.join("history"))?;
        store.apply(&[Write::PutAddresses(record)])?;
        Ok(())
    }

    /// The writer speaks while the reader is away. Returns the bytes that were signed, and signatures.
    async fn say(&mut self, messages: usize) -> Result<u64> {
        let before = self.signed_bytes().await?;
        let numbers = self.said..self.said + messages;
        self.said = numbers.end;
        let room = self.writer.node.room(self.room);
        nodes::send_all(numbers, |number| room.send(crate::tally::text_of(number))).await?;
        Ok(self.signed_bytes().await? - before)
    }

    async fn signed_bytes(&self) -> Result<u64> {
        let history = self.writer.node.history().await?;
        let (mut bytes, mut at) = (0, PageAt::Newest);
        loop {
            let page = history.page(ConversationId::Room(self.room), at, PAGE_MAX).await?;
            let Some(oldest) = page.first() else { return Ok(bytes) };
            at = PageAt::Before(oldest.post.entry.key());
            bytes += page
                .iter()
                .map(|item| item.post.entry.envelope().parts())
                .map(|(body, _, signature)| (body.len() + signature.len()) as u64)
                .sum::<u64>();
        }
    }

    /// The reader comes back, until it has told its listeners all of the newest messages.
    async fn come_back_to(&self, missed: usize) -> Result<Return> {
        self.remember_the_counter()?;
        let (bytes, asked, start) = (self.counter.bytes(), self.questions.so_far(), Instant::now());
        let reader = nodes::wake(self.reader_dir.clone()).await?;
        let mut ear = nodes::overhear(std::iter::once(&reader), self.room);
        let numbers = self.said - missed..self.said;
        let last = Tally::new(1, numbers.clone()).complete(&mut ear).await?;
        let back = self.seen(last - start, bytes, asked);
        ensure!(back.wire_bytes > (missed * TEXT_BYTES) as u64, "it came past the counter");
        let room = reader.room(self.room);
        let entries = nodes::everything(|at| room.page(at, PAGE_MAX)).await?;
        nodes::ensure_stored(&entries, numbers)?;
        reader.shutdown().await;
        Ok(back)
    }

    /// The reader comes back and missed nothing, until both know that.
    async fn come_back_to_nothing(&self) -> Result<Return> {
        self.remember_the_counter()?;
        let (bytes, asked, start) = (self.counter.bytes(), self.questions.so_far(), Instant::now());
        let reader = nodes::wake(self.reader_dir.clone()).await?;
        let agrees = |view: &Overview| view.rooms.iter().all(|room| room.completeness.agreeing == 1);
        nodes::sees(&reader, agrees).await?;
        nodes::sees(&self.writer.node, agrees).await?;
        let back = self.seen(start.elapsed(), bytes, asked);
        ensure!(back.asked.questions > 0, "histories were compared");
        reader.shutdown().await;
        Ok(back)
    }

    fn seen(&self, took: Duration, bytes: u64, asked: Asked) -> Return {
        let wire_bytes = self.counter.bytes() - bytes;
        Return { took, wire_bytes, asked: self.questions.so_far().since(asked) }
    }
}

/// What a return takes, with much missed and with nothing missed.
pub(crate) async fn rejoin(effort: Effort, disk: &Disk) -> Result<Vec<Row>> {
    let mut store = BareStore::open(disk)?;
    let mut pair = Pair::start(disk).await?;
    let [mut took, mut stored, mut wire, mut data, mut questions] = <[Rounds; 5]>::default();
    let [mut exchanged, mut compared, mut connected, mut known] = <[Rounds; 4]>::default();
    for _ in 0..effort.rounds {
        stored.push(store.burst(effort.missed).await?.as_secs_f64());
        data.push(kib(pair.say(effort.missed).await?) / 1024.0);
        let back = pair.come_back_to(effort.missed).await?;
        took.push(back.took.as_secs_f64());
        wire.push(kib(back.wire_bytes) / 1024.0);
        questions.push(back.asked.questions as f64);
        exchanged.push(kib(back.asked.bytes) / 1024.0);
        let back = pair.come_back_to_nothing().await?;
        known.push(back.took.as_secs_f64());
        compared.push(kib(back.asked.bytes));
        connected.push(kib(back.wire_bytes));
    }
    nodes::end(vec![pair.writer]).await;
    let missed = effort.missed;
    let texts = Floor::new("the texts alone", kib((missed * TEXT_BYTES) as u64) / 1024.0);
    let floor = Floor::new("one store alone", stored.median());
    let signed = Floor::new("what was signed, and signatures", data.median());
    Ok(vec![
        Row::new(&format!("Back after {missed} messages: start to the last one told"), Unit::Seconds, took)
            .beside(floor),
        Row::new("The same: bytes on the wire, handshake included", Unit::MiB, wire.clone())
            .against(signed, Target::TimesFloor(1.3)),
        Row::new("The same, against the texts", Unit::MiB, wire).beside(texts),
        Row::new("Part of it: questions about histories, and their answers", Unit::MiB, exchanged),
        Row::new("The same: questions about histories, each a round trip", Unit::Count, questions),
        Row::new("Back and nothing missed: bytes for finding that out", Unit::KiB, compared)
            .promising(Target::Below(1.0)),
        Row::new("The same: all bytes on the wire, handshake included", Unit::KiB, connected),
        Row::new("The same: start until both know", Unit::Seconds, known),
    ])
}

/// A counter in front of a peer, and the way through it.
async fn counted(peer: &Peer) -> Result<(Forwarder, Multiaddr)> {
    let port = udp_port(&peer.address).context("it listens on QUIC")?;
    let counter = Forwarder::to(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await?;
    let address = with_udp_port(&peer.address, counter.address().port());
    Ok((counter, address))
}

fn kib(bytes: u64) -> f64 {
    bytes as f64 / 1024.0
}

fn udp_port(address: &Multiaddr) -> Option<u16> {
    address.iter().find_map(|part| match part {
        Protocol::Udp(port) => Some(port),
        _ => None,
    })
}

fn with_udp_port(address: &Multiaddr, port: u16) -> Multiaddr {
    let replace = |part| if let Protocol::Udp(_) = part { Protocol::Udp(port) } else { part };
    address.iter().map(replace).collect()
}
