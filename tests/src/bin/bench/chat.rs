//! Two peers in this process, over QUIC on the loopback interface, in a one-to-one chat.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use kinmesh_core::{Acquaintance, ConversationEvent, Event};
use kinmesh_net::{ChatHandle, EventStream, PAGE_MAX};
use kinmesh_proto::{Delivery, EntryKey};
use tokio::time::timeout;

use crate::Effort;
use crate::bare::BareExchange;
use crate::disk::{BareStore, Disk};
use crate::nodes::{self, Peer};
use crate::report::{Floor, Rounds, Row, Target, Unit, per_second};
use crate::tally::{PATIENCE, text_of};

/// Messages for warming up.
const WARM_UP_MESSAGES: usize = 100;

/// The first peer writes to the second.
struct Chat {
    peers: Vec<Peer>,
    events: EventStream,
    writer: ChatHandle,
    reader: ChatHandle,
    next: usize,
}

/// Nobody writes to a stranger.
async fn befriend(one: &Peer, two: &Peer) -> Result<()> {
    one.node.set_contact(two.person, true).await?;
    two.node.set_contact(one.person, true).await?;
    let mut overview = one.node.watch_overview();
    let are_contacts = overview.wait_for(|view| {
        let mut people = view.people.iter();
        people.any(|known| known.person == two.person && known.acquaintance == Acquaintance::Contact)
    });
    timeout(PATIENCE, are_contacts).await.context("they do not become contacts")??;
    Ok(())
}

impl Chat {
    async fn start(disk: &Disk) -> Result<Self> {
        let peers = nodes::start(disk, 2).await?;
        befriend(&peers[0], &peers[1]).await?;
        let events = peers[0].node.events();
        let (writer, reader) = (peers[0].node.chat(peers[1].person), peers[1].node.chat(peers[0].person));
        let mut chat = Self { peers, events, writer, reader, next: 0 };
        for _ in 0..WARM_UP_MESSAGES {
            chat.once().await?;
        }
        Ok(chat)
    }

    /// From the call of `send` to its return, and to the event that says delivered.
    async fn once(&mut self) -> Result<(Duration, Duration)> {
        let text = text_of(self.next);
        self.next += 1;
        let start = Instant::now();
        let key = self.writer.send(text).await?.key;
        let sent = start.elapsed();
        let delivered = async {
            while self.delivered().await? != vec![key] {}
            anyhow::Ok(())
        };
        timeout(PATIENCE, delivered).await.context("it is never delivered")??;
        Ok((sent, start.elapsed()))
    }

    /// From the first call of `send` to the last event that says delivered.
    async fn burst(&mut self, messages: usize) -> Result<Duration> {
        let numbers = self.next..self.next + messages;
        self.next = numbers.end;
        // What came before is delivered already, and may show up when we read again.
        let before: HashSet<EntryKey> = self.delivered_so_far().await?.into_iter().collect();
        let start = Instant::now();
        let writer = self.writer.clone();
        let send = nodes::send_all(numbers.clone(), |number| writer.send(text_of(number)));
        let deliver = async {
            let mut keys = HashSet::new();
            while keys.len() < messages {
                let delivered = timeout(PATIENCE, self.delivered()).await;
                let delivered = delivered.with_context(|| format!("only {} are delivered", keys.len()))??;
                keys.extend(delivered.into_iter().filter(|key| !before.contains(key)));
            }
            anyhow::Ok(start.elapsed())
        };
        let ((), took) = tokio::try_join!(send, deliver)?;
        let entries = nodes::everything(|at| self.reader.page(at, PAGE_MAX)).await?;
        nodes::ensure_stored(&entries, numbers)?;
        Ok(took)
    }

    /// The entries that the next event says are delivered.
    async fn delivered(&mut self) -> Result<Vec<EntryKey>> {
        match self.events.next().await.context("the peer has ended")? {
            Event::Conversation {
                change: ConversationEvent::DeliveryChanged { key, delivery: Delivery::Delivered },
                ..
            } => Ok(vec![key]),
            // As every face does: read again.
            Event::Lagged { .. } => self.delivered_so_far().await,
            _ => Ok(Vec::new()),
        }
    }

    async fn delivered_so_far(&self) -> Result<Vec<EntryKey>> {
        let entries = nodes::everything(|at| self.writer.page(at, PAGE_MAX)).await?;
        let delivered = entries.iter().filter(|entry| entry.delivery == Delivery::Delivered);
        Ok(delivered.map(|entry| entry.key).collect())
    }
}

/// One message at a time: from `send` to delivered.
pub(crate) async fn latency(effort: Effort, disk: &Disk) -> Result<Vec<Row>> {
    let exchange = BareExchange::start().await?;
    let mut store = BareStore::open(disk)?;
    for _ in 0..WARM_UP_MESSAGES {
        exchange.round_trip().await?;
        store.flush().await?;
    }
    let mut chat = Chat::start(disk).await?;

    let [mut sent, mut delivered, mut slowest, mut trip, mut flush] = <[Rounds; 5]>::default();
    for _ in 0..effort.rounds {
        let [mut sents, mut delivereds, mut trips, mut flushes] = <[Vec<Duration>; 4]>::default();
        for _ in 0..effort.samples {
            trips.push(exchange.round_trip().await?);
        }
        for _ in 0..effort.samples {
            flushes.push(store.flush().await?);
        }
        for _ in 0..effort.samples {
            let (returned, acknowledged) = chat.once().await?;
            sents.push(returned);
            delivereds.push(acknowledged);
        }
        sent.median_of(&sents);
        delivered.median_of(&delivereds);
        slowest.p99_of(&delivereds);
        trip.median_of(&trips);
        flush.median_of(&flushes);
    }
    nodes::end(chat.peers).await;
    let floor = Floor::new("bare round trip + 1 flush", trip.median() + flush.median());
    Ok(vec![
        Row::new("One-to-one, one message: `send` to delivered", Unit::Ms, delivered)
            .against(floor, Target::TimesFloor(1.5)),
        Row::new("The same, slowest of a hundred (p99)", Unit::Ms, slowest),
        Row::new("Part of it: until `send` returns, stored here", Unit::Ms, sent),
        Row::new("Floor: bare request-response, there and back", Unit::Ms, trip),
        Row::new("Floor: one entry to the disk and back", Unit::Ms, flush),
    ])
}

/// Messages a second, each acknowledged from the other's disk.
pub(crate) async fn rate(effort: Effort, disk: &Disk) -> Result<Vec<Row>> {
    let exchange = BareExchange::start().await?;
    let mut store = BareStore::open(disk)?;
    let mut chat = Chat::start(disk).await?;
    let messages = effort.chat_burst;

    let [mut ours, mut trips, mut stored] = <[Rounds; 3]>::default();
    for _ in 0..effort.rounds {
        trips.push(per_second(messages, exchange.burst(messages).await?));
        stored.push(per_second(messages, store.burst(messages).await?));
        ours.push(per_second(messages, chat.burst(messages).await?));
    }
    nodes::end(chat.peers).await;
    let what = format!("One-to-one, {messages} messages at once: until all are acknowledged");
    Ok(vec![
        Row::new(&what, Unit::PerSecond, ours)
            .beside(Floor::new("one store alone", stored.median()))
            .promising(Target::AtLeast(10_000.0)),
        Row::new("Floor: bare request-response, one message each", Unit::PerSecond, trips),
        Row::new("Floor: one store alone, one commit per entry", Unit::PerSecond, stored),
    ])
}
