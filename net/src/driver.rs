//! The one task that owns the swarm.
//!
//! Each round takes what happened (a network event, a command, the store's answer, a second that
//! passed), lets the core decide, and does what the core put out. Nothing in here waits for a
//! consumer: events are broadcast with a cap, replies are one-shot, the store has a queue. While
//! the store's queue is full, no new input is taken but media, which never reaches the store, and
//! what the user wants of a call that goes on; so nothing grows without bound.

mod calls;
mod channel;
mod commands;
mod connections;
mod invites;
mod media;
mod network;
mod outputs;
mod persistence;
mod reads;
mod restore;
mod rooms;
mod seek;
mod sync;

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::StreamExt;
use kinmesh_core::{BatchToken, Core, Event, FrameToken, Lens, Overview, RequestToken, StoreFault, Token};
use kinmesh_proto::record::Write;
use kinmesh_proto::{ChatResponse, ConversationId, EntryKey};
use kinmesh_search::{Search, SearchState};
use kinmesh_store::{Completion, Rebuilt, StoreHandle};
use libp2p::gossipsub::{MessageId, TopicHash};
use libp2p::identity::Keypair;
use libp2p::request_response::{OutboundRequestId, ResponseChannel};
use libp2p::swarm::SwarmEvent;
use libp2p::{Multiaddr, PeerId, Swarm};
use tokio::sync::{broadcast, mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;

use crate::behaviour::{Behaviour, BehaviourEvent};
use crate::calls::InCall;
use crate::convert::Scope;
use crate::discovery::Discovery;
use crate::error::StartError;
use crate::handle::{Command, NodeHandle};
use crate::history::SEARCH_DIR;
use crate::identity::{KeyDir, unix_ms};
use crate::search::SearchProgress;
use crate::status::NodeStatus;
use crate::transport::{Connections, TransportError};
use crate::vault::DataKey;
use crate::{NodeConfig, listen, transport};
use calls::Calls;
use channel::Channel;
use commands::{NotStored, Waiting};
use connections::ConnectionTable;
use invites::Tickets;
use media::Media;
pub(crate) use media::UNANSWERED_MAX as MEDIA_UNANSWERED_MAX;
use reads::Look;
use restore::Restored;
pub(crate) use seek::Company;
use seek::Seek;
use sync::Questions;

/// Commands that wait for the driver. A face gets `Busy` beyond it and tries again.
const COMMANDS_CAP: usize = 1024;
/// What is wanted of calls, and waits for the driver: more than anybody can want at once.
const IN_CALLS_CAP: usize = 64;
/// Events a slow listener may be behind before it is told that it lagged.
const EVENTS_CAP: usize = 4096;
/// Counts of unread entries on their way back: one for each conversation at start is not too many.
const COUNTS_CAP: usize = 64;
/// What was read for the core, on its way back: the posts that one batch of changes may touch.
const LOOKS_CAP: usize = 128;
/// Commands or completions taken in one round before the network has its turn again.
const ROUND_MAX: usize = 256;
/// What the network reported while the store was behind, and waits with it. One event may hold a pack of
/// entries, so these are some twenty megabytes at worst; beyond them media has to wait, too.
const HELD_CAP: usize = 32;
/// Presence, timeouts and dials are looked at this often.
const TICK: Duration = Duration::from_secs(1);

/// What the store counted: conversation, after which entry, how many are unread.
type Count = (ConversationId, Option<EntryKey>, usize);

pub(crate) struct Driver {
    swarm: Swarm<Behaviour>,
    /// Signs where we can be reached.
    keypair: Keypair,
    core: Core,
    store: StoreHandle,
    search: Search,
    search_state: watch::Receiver<SearchState>,
    commands: mpsc::Receiver<Command>,
    in_calls: mpsc::Receiver<InCall>,
    completions: mpsc::Receiver<Completion>,
    counts: mpsc::Receiver<Count>,
    counted: mpsc::Sender<Count>,
    looks: (mpsc::Sender<Look>, mpsc::Receiver<Look>),
    /// Posts that the core wants, until they are read together.
    wanted_posts: BTreeMap<ConversationId, Vec<(EntryKey, Lens)>>,
    questions: Questions,
    tickets: Tickets,
    calls: Calls,
    media: Media,
    events: broadcast::Sender<Event>,
    status: watch::Sender<NodeStatus>,
    overview: watch::Sender<Arc<Overview>>,

    connections: ConnectionTable,
    discovery: Discovery,
    seek: Seek,
    /// Where our rooms are met in gossip.
    topics: HashMap<TopicHash, Channel>,
    /// Writes that did not fit into the store's queue. While there are any, no input is taken.
    backlog: VecDeque<(Token, Vec<Write>)>,
    /// What the network reported meanwhile, but for media.
    held: VecDeque<SwarmEvent<BehaviourEvent>>,
    waiting: BTreeMap<Token, Waiting>,
    /// Answers that are given once the snapshots show what was asked for.
    ready: Vec<(Waiting, Result<(), NotStored>)>,
    shutdown_asked: Option<oneshot::Sender<()>>,
    frames: BTreeMap<FrameToken, (MessageId, PeerId)>,
    requests: BTreeMap<RequestToken, ResponseChannel<ChatResponse>>,
    batches: BTreeMap<OutboundRequestId, BatchToken>,
    /// Goodbyes and other hellos that are not answered yet.
    hellos: BTreeSet<OutboundRequestId>,
    next_token: u64,
    /// Facts to tell once the overview shows them.
    told: Vec<Event>,
    overview_changed: bool,
    status_changed: bool,
    /// How the store refused what it was given last.
    store_fault: Option<StoreFault>,
    /// Whether something read was damaged: so it stays until the next start mends it.
    is_store_damaged: bool,
    store_rebuilt: Option<Rebuilt>,
    listening: Vec<Multiaddr>,
    /// Where the port is kept; `None` while we listen where we were told to.
    port_kept_in: Option<PathBuf>,
    key_dir: KeyDir,
}

/// Opens everything and starts the driver task, over the transport that `connect` makes.
pub(crate) async fn start(
    config: NodeConfig,
    key: Option<DataKey>,
    connect: impl FnOnce(&Keypair) -> Result<Connections, TransportError>,
    company: Company,
) -> Result<NodeHandle, StartError> {
    let Restored { store, completions, keypair, mut core, addresses, rebuilt, key_dir, search_seal } =
        restore::restore(&config.data_dir, key).await?;
    let search = Search::spawn_sealed(config.data_dir.join(SEARCH_DIR), search_seal, store.clone());

    let behaviour =
        Behaviour::new(&keypair, config.mdns).map_err(|error| StartError::Transport(Box::new(error)))?;
    let transport = connect(&keypair).map_err(|error| StartError::Transport(Box::new(error)))?;
    let mut swarm = transport::build_swarm_over(transport, &keypair, behaviour);
    listen::listen(&mut swarm, &config.listen, &config.data_dir)?;

    let discovery = Discovery::new(config.bootstraps, addresses, Instant::now());

    let (command_sender, commands) = mpsc::channel(COMMANDS_CAP);
    let (in_calls_sender, in_calls) = mpsc::channel(IN_CALLS_CAP);
    let (counted, counts) = mpsc::channel(COUNTS_CAP);
    let (events, _) = broadcast::channel(EVENTS_CAP);
    let (status, status_receiver) = watch::channel(NodeStatus::default());
    let (overview, overview_receiver) = watch::channel(Arc::new(core.overview()));
    let handle = NodeHandle {
        commands: command_sender,
        in_calls: in_calls_sender,
        events: events.downgrade(),
        status: status_receiver,
        overview: overview_receiver,
    };
    let mut driver = Driver {
        swarm,
        keypair,
        core,
        store,
        search_state: search.watch(),
        search,
        commands,
        in_calls,
        completions,
        counts,
        counted,
        looks: mpsc::channel(LOOKS_CAP),
        wanted_posts: BTreeMap::new(),
        questions: Questions::default(),
        tickets: Tickets::default(),
        calls: Calls::default(),
        media: Media::default(),
        events: events.clone(),
        status,
        overview,
        connections: ConnectionTable::default(),
        discovery,
        seek: Seek::new(company),
        topics: HashMap::new(),
        backlog: VecDeque::new(),
        held: VecDeque::new(),
        waiting: BTreeMap::new(),
        ready: Vec::new(),
        shutdown_asked: None,
        frames: BTreeMap::new(),
        requests: BTreeMap::new(),
        batches: BTreeMap::new(),
        hellos: BTreeSet::new(),
        next_token: 0,
        told: Vec::new(),
        overview_changed: true,
        status_changed: true,
        store_fault: None,
        is_store_damaged: false,
        store_rebuilt: rebuilt,
        listening: Vec::new(),
        port_kept_in: config.listen.is_empty().then(|| config.data_dir.clone()),
        key_dir,
    };
    let surplus = driver.forget_surplus();
    if !surplus.is_empty() {
        driver.core.remember(surplus);
    }
    let status = driver.status.clone();
    // Whoever asks before anything has happened is told what became of the history, too.
    status.send_replace(driver.node_status());
    tokio::spawn(mourn(tokio::spawn(driver.run()), status, events));
    Ok(handle)
}

/// Says so when a driver ended by a fault of ours. What it was doing is in no log: it may be somebody's
/// words. Whoever holds a handle is told [`crate::CallError::NodeGone`], and sees it in the last status;
/// events end after that, so that who hears their end can read why.
async fn mourn(driver: JoinHandle<()>, status: watch::Sender<NodeStatus>, events: broadcast::Sender<Event>) {
    if driver.await.is_err_and(|end| end.is_panic()) {
        tracing::error!("a fault in the program has ended the peer; please start it again and report it");
        status.send_modify(|status| status.is_broken = true);
    }
    drop(events);
}

impl Driver {
    async fn run(mut self) {
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            self.finish_round();
            // Inputs wait while the store is behind; its answers, the clock, media and what is wanted of
            // calls do not.
            let may_take = self.backlog.is_empty();
            if may_take && let Some(event) = self.held.pop_front() {
                self.network_event(event);
                continue;
            }
            let may_listen = self.held.len() < HELD_CAP;
            tokio::select! {
                Some(completion) = self.completions.recv() => self.completed_all(completion),
                Some((id, after, unread)) = self.counts.recv() => self.core.unread_counted(id, after, unread),
                Ok(()) = self.search_state.changed() => self.status_changed = true,
                Some(look) = self.looks.1.recv() => self.looked(look),
                Some((token, answer)) = self.questions.next_answer() => {
                    self.core.read(unix_ms(), token, answer);
                }
                command = self.commands.recv(), if may_take => match command {
                    Some(command) => self.command_all(command),
                    // Every handle is gone: nobody can see or ask anything any more.
                    None => return self.shut_down().await,
                },
                Some(command) = self.in_calls.recv() => self.in_call(command),
                event = self.swarm.select_next_some(), if may_listen => {
                    if may_take || media::is_media(&event) {
                        self.network_event(event);
                    } else {
                        self.held.push_back(event);
                    }
                }
                () = self.media.depart() => self.send_media(),
                _ = tick.tick() => self.tick(),
            }
            if let Some(reply) = self.shutdown_asked.take() {
                self.shut_down().await;
                // The addresses are free for the next start, then. Whoever asked may have stopped waiting.
                drop(self);
                let _ = reply.send(());
                return;
            }
        }
    }

    fn tick(&mut self) {
        self.core.tick(unix_ms());
        self.seek();
        self.tend_media_ways();
        let wanted = |peer: &PeerId| self.media.links_wanted(peer);
        for surplus in self.connections.surplus(self.swarm.local_peer_id(), Instant::now(), wanted) {
            self.swarm.close_connection(surplus);
        }
    }

    /// Does what the core decided, then shows it: first the snapshots, then the events, so that
    /// whoever hears an event finds it in the snapshot.
    fn finish_round(&mut self) {
        self.core.flush_outboxes(unix_ms());
        self.do_outputs();
        if std::mem::take(&mut self.overview_changed) {
            let overview = self.core.overview();
            self.media.retain(|call| overview.calls.iter().any(|standing| standing.call == call));
            self.overview.send_replace(Arc::new(overview));
        }
        if std::mem::take(&mut self.status_changed) {
            self.status.send_replace(self.node_status());
        }
        for event in self.told.drain(..) {
            // Nobody listens: nothing is lost, state is read.
            let _ = self.events.send(event);
        }
        self.answer_ready();
    }

    fn node_status(&self) -> NodeStatus {
        let is_other_peer = |peer: &&PeerId| {
            crate::identity::device_of(peer).is_some_and(|device| self.core.person_of(device).is_some())
        };
        let scopes =
            self.connections.peers().filter(is_other_peer).filter_map(|peer| self.connections.best(peer));
        let (internet, lan): (Vec<_>, Vec<_>) = scopes.partition(|link| link.scope == Scope::Global);
        let me = *self.swarm.local_peer_id();
        let full = |address: &Multiaddr| address.clone().with(libp2p::multiaddr::Protocol::P2p(me));
        NodeStatus {
            listening: self.listening.iter().map(full).collect(),
            reachable_at: self.swarm.external_addresses().map(|address| with_peer(address, me)).collect(),
            bootstraps: self.discovery.bootstrap_status(),
            lan_peers: lan.len(),
            internet_peers: internet.len(),
            store_fault: self.store_fault(),
            store_rebuilt: self.store_rebuilt.clone(),
            search_progress: SearchProgress::of(*self.search_state.borrow()),
            is_broken: false,
        }
    }

    fn next_token(&mut self) -> u64 {
        self.next_token += 1;
        self.next_token
    }
}

fn with_peer(address: &Multiaddr, peer: PeerId) -> Multiaddr {
    crate::convert::without_peer(address.clone()).with(libp2p::multiaddr::Protocol::P2p(peer))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn is_broken_after(driver: impl Future<Output = ()> + Send + 'static) -> bool {
        let (status, told) = watch::channel(NodeStatus::default());
        let (events, mut heard) = broadcast::channel(1);
        tokio::spawn(mourn(tokio::spawn(driver), status, events));
        assert_eq!(heard.recv().await, Err(broadcast::error::RecvError::Closed));
        told.borrow().is_broken
    }

    #[tokio::test]
    async fn a_driver_that_breaks_is_told_from_one_that_ends() {
        assert!(!is_broken_after(async {}).await);
        assert!(is_broken_after(async { panic!("a fault, for the test") }).await);
    }
}
