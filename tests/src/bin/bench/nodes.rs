//! Real peers in this process: sockets, stores on the disk, signatures, all of it.

use std::collections::HashSet;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use futures::StreamExt;
use kinmesh_core::{ConversationEvent, EntryView, Event, Overview};
use kinmesh_net::{EventStream, Node, NodeConfig, NodeHandle, PAGE_MAX, ReadError, RoomHandle, SendError};
use kinmesh_proto::{ConversationId, DisplayName, EntryKey, PageAt, PersonId, RoomId, RoomName, StatusLine};
use libp2p::Multiaddr;
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::disk::Disk;
use crate::tally::{Ear, HEARD_CAP, Heard, PATIENCE, ensure_each_once, number_of};

/// Calls of `send` that wait for their answer at any time during a burst.
const SENDS_IN_FLIGHT: usize = 256;

/// One peer.
pub(crate) struct Peer {
    /// The way to it.
    pub(crate) node: NodeHandle,
    /// Who it is.
    pub(crate) person: PersonId,
    /// Where it listens.
    pub(crate) address: Multiaddr,
}

/// Starts peers and waits until each sees all others.
pub(crate) async fn start(disk: &Disk, count: usize) -> Result<Vec<Peer>> {
    let mut peers: Vec<Peer> = Vec::new();
    for index in 0..count {
        let peer = start_in(disk.dir()?, index).await?;
        for other in &peers {
            peer.node.add_bootstrap(other.address.clone()).await?;
        }
        peers.push(peer);
    }
    for peer in &peers {
        let others = |view: &Overview| {
            view.people.iter().filter(|person| person.online.is_online() && !person.is_echo).count()
        };
        sees(&peer.node, |view| others(view) + 1 == count).await.context("peers do not meet")?;
    }
    Ok(peers)
}

/// Starts the peer of this directory, and waits for nothing.
pub(crate) async fn wake(data_dir: PathBuf) -> Result<NodeHandle> {
    let listen = vec!["/ip4/127.0.0.1/udp/0/quic-v1".parse()?];
    Ok(Node::start(NodeConfig { data_dir, bootstraps: Vec::new(), listen, mdns: false }).await?)
}

/// Starts one peer in this directory.
pub(crate) async fn start_in(data_dir: PathBuf, index: usize) -> Result<Peer> {
    let node = wake(data_dir).await?;
    node.set_profile(DisplayName::new(&format!("Peer {index}"))?, StatusLine::default()).await?;
    let mut status = node.watch_status();
    let listening = timeout(PATIENCE, status.wait_for(|status| !status.listening.is_empty())).await??;
    let address = listening.listening.first().cloned().context("it listens")?;
    let person = node.overview().me.person;
    drop(listening);
    Ok(Peer { node, person, address })
}

/// Lets all peers join the room and waits until each knows all as members.
pub(crate) async fn join(peers: &[Peer], name: RoomName) -> Result<RoomId> {
    for peer in peers {
        peer.node.join_room(name.clone()).await?;
    }
    for peer in peers {
        let is_complete =
            |view: &Overview| view.rooms.iter().any(|room| room.name == name && room.members == peers.len());
        sees(&peer.node, is_complete).await.context("the room does not fill")?;
    }
    Ok(RoomId::public(&name))
}

/// Waits until a peer shows what is wanted.
pub(crate) async fn sees(node: &NodeHandle, wanted: impl Fn(&Overview) -> bool) -> Result<()> {
    let mut overview = node.watch_overview();
    let wanted = |view: &Arc<Overview>| wanted(view);
    timeout(PATIENCE, overview.wait_for(wanted)).await??;
    Ok(())
}

/// Says through one channel what each of these peers hears in the room.
pub(crate) fn overhear<'a>(nodes: impl Iterator<Item = &'a NodeHandle>, room: RoomId) -> Ear {
    let (heard, ear) = mpsc::channel(HEARD_CAP);
    for (listener, node) in nodes.enumerate() {
        tokio::spawn(listen(listener, node.events(), node.room(room), heard.clone()));
    }
    ear
}

async fn listen(
    listener: usize,
    mut events: EventStream,
    room: RoomHandle,
    heard: mpsc::Sender<Result<Heard>>,
) {
    while let Some(event) = events.next().await {
        let at = Instant::now();
        let numbers = match event {
            Event::Conversation {
                conversation: ConversationId::Room(id),
                change: ConversationEvent::EntryAdded { entry },
                ..
            } if id == room.id() => number(&entry).into_iter().collect(),
            // As every face does: read again.
            Event::Lagged { .. } => match everything(|at| room.page(at, PAGE_MAX)).await {
                Ok(entries) => entries.iter().filter_map(number).collect(),
                Err(_) => return,
            },
            _ => Vec::new(),
        };
        for number in numbers {
            if heard.send(Ok(Heard { listener, number, at })).await.is_err() {
                return;
            }
        }
    }
}

fn number(entry: &EntryView) -> Option<usize> {
    entry.text.as_deref().and_then(number_of)
}

/// All entries of a conversation, newest page first.
pub(crate) async fn everything<P: Future<Output = Result<Vec<EntryView>, ReadError>>>(
    page: impl Fn(PageAt) -> P,
) -> Result<Vec<EntryView>> {
    let mut entries = Vec::new();
    let mut at = PageAt::Newest;
    loop {
        let page = page(at).await?;
        let Some(oldest) = page.first() else { return Ok(entries) };
        at = PageAt::Before(oldest.key);
        entries.extend(page);
    }
}

/// Fails unless the entries hold every number of the range exactly once, each under a key of its own.
pub(crate) fn ensure_stored(entries: &[EntryView], numbers: Range<usize>) -> Result<()> {
    let keys: HashSet<EntryKey> = entries.iter().map(|entry| entry.key).collect();
    if keys.len() != entries.len() {
        bail!("{} entries share their keys", entries.len() - keys.len());
    }
    let stored: Vec<usize> =
        entries.iter().filter_map(number).filter(|number| numbers.contains(number)).collect();
    ensure_each_once(&stored, numbers)
}

/// Sends all these messages as fast as they are taken. A peer that is busy is asked again.
pub(crate) async fn send_all<S: Future<Output = Result<EntryView, SendError>>>(
    numbers: Range<usize>,
    send: impl Fn(usize) -> S,
) -> Result<()> {
    let patient = async |number| loop {
        match send(number).await {
            Err(SendError::Call(kinmesh_net::CallError::Busy)) => tokio::task::yield_now().await,
            sent => return sent,
        }
    };
    let mut sends = futures::stream::iter(numbers).map(patient).buffer_unordered(SENDS_IN_FLIGHT);
    while let Some(sent) = sends.next().await {
        sent?;
    }
    Ok(())
}

/// Ends them all, cleanly.
pub(crate) async fn end(peers: Vec<Peer>) {
    futures::future::join_all(peers.iter().map(|peer| peer.node.shutdown())).await;
}
