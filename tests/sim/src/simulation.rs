//! One run: peers, their disks and clocks and the network between them, moved on by what is due next.
//!
//! Owns virtual time and the order of events. Here is the loop, and the one place where what a core
//! puts out is carried out; each part of the world around the cores has a module of its own.

mod act;
mod calls;
mod exchange;
mod fault;
mod founded;
mod healed;
mod life;
mod link;
mod private;
mod promise;
mod rumour;
#[cfg(test)]
#[allow(clippy::unwrap_used)] // A test's panic is its report.
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use kinmesh_core::{Core, Output};
use kinmesh_proto::{ConversationId, DeviceId, PersonId, RoomId, RoomName, SharedProofs};

use crate::clock::Clock;
use crate::dice::Dice;
use crate::disk::Job;
use crate::gossip::Gossip;
use crate::outcome::{Failure, Figures, Outcome};
use crate::peer::{About, Line, Parcel, Peer, Question};
use crate::promise::{Ledger, Violation};
use crate::queue::Queue;
use crate::scenario::{Faults, Scenario};
use crate::script::{Author, Partition, Step};
use crate::trace::{Moment, Trace, What};
use private::Sealed;

/// How often a driver ticks its core, seeks peers and looks after its connections.
const TICK_MS: u64 = 1_000;
/// What was refused by a disk is noted within this after it works again.
const NOTING_MS: u64 = 3_000;
/// How often it is checked whether everything is everywhere, once the mesh is healed.
const CHECK_EVERY_MS: u64 = 1_000;

/// Something that is due at a time.
enum Event {
    Step(Step),
    Tick { peer: usize, life: u64 },
    DiskDone { peer: usize, life: u64 },
    Dialled { from: usize, to: usize },
    Control { from: usize, to: usize, link: u64 },
    Arrived { from: usize, to: usize, link: u64, parcel: Parcel },
    AskTimedOut { peer: usize, life: u64, ask: u64 },
    Gone { peer: usize, life: u64 },
}

/// A run under way.
pub(crate) struct Simulation {
    scenario: Scenario,
    seed: u64,
    now_ms: u64,
    dice: Dice,
    queue: Queue<Event>,
    peers: Vec<Peer>,
    by_device: BTreeMap<DeviceId, usize>,
    by_person: BTreeMap<PersonId, usize>,
    /// Names and ids of the rooms there are.
    rooms: Vec<(RoomName, RoomId)>,
    /// Private rooms that were founded.
    private: Vec<RoomId>,
    /// Public rooms that were founded.
    founded: Vec<RoomId>,
    /// What was sealed by who knew that somebody had been put out.
    sealed: Vec<Sealed>,
    /// Who can be found in each place where a room is met: what rendezvous knows.
    members: BTreeMap<RoomId, BTreeSet<usize>>,
    /// What goes wrong at the moment.
    faults: Faults,
    partitions: Vec<Partition>,
    gossip: Gossip,
    ledger: Ledger,
    /// A thousand peers hear the same words: one of them checks the signature.
    proofs: SharedProofs,
    trace: Trace,
    figures: Figures,
    /// The first promise that was broken: it ends the run.
    violation: Option<Violation>,
    last_number: u64,
}

impl Simulation {
    /// The run of a scenario that a seed makes; the last `keep` moments are kept in words.
    pub(crate) fn new(scenario: Scenario, seed: u64, keep: usize) -> Self {
        let mut dice = Dice::new(seed);
        let count = dice.within(scenario.peers.clone());
        let faults = scenario.faults.clone();
        let peers: Vec<Peer> =
            (0..count as usize).map(|index| Peer::new(index, some_clock(&faults, &mut dice))).collect();
        let rooms = (0..dice.within(scenario.rooms.clone())).filter_map(some_room).collect();
        let mut simulation = Self {
            by_person: peers.iter().enumerate().map(|(index, peer)| (peer.person, index)).collect(),
            by_device: peers.iter().enumerate().map(|(index, peer)| (peer.device, index)).collect(),
            scenario,
            seed,
            now_ms: 0,
            dice,
            queue: Queue::new(),
            peers,
            rooms,
            private: Vec::new(),
            founded: Vec::new(),
            sealed: Vec::new(),
            members: BTreeMap::new(),
            faults,
            partitions: Vec::new(),
            gossip: Gossip::default(),
            ledger: Ledger::default(),
            proofs: SharedProofs::default(),
            trace: Trace::new(keep),
            figures: Figures::default(),
            violation: None,
            last_number: 0,
        };
        simulation.prepare();
        simulation
    }

    /// Starts everybody and plans the script.
    fn prepare(&mut self) {
        let author = Author {
            scenario: &self.scenario,
            peers: self.peers.len(),
            rooms: self.rooms.len(),
            dice: &mut self.dice,
            steps: Vec::new(),
        };
        for (at_ms, step) in author.write() {
            self.queue.push(at_ms, Event::Step(step));
        }
        if self.scenario.work.decisions > 0 {
            self.befriend_all();
        }
        (0..self.peers.len()).for_each(|index| self.start(index));
    }

    /// Runs to the end: until everything is everywhere, or a promise is broken.
    pub(crate) fn run(mut self) -> Outcome {
        self.run_until_whole();
        self.figures.converged_ms = self.now_ms.saturating_sub(self.scenario.busy_ms);
        if self.violation.is_none() {
            self.check_rest();
            self.check_at_the_end();
        }
        self.into_outcome()
    }

    /// Runs until everything is everywhere, at least until the disks have noted what they refused.
    fn run_until_whole(&mut self) {
        let healed_ms = self.scenario.busy_ms;
        self.run_until(self.now_ms.max(healed_ms + NOTING_MS));
        while self.violation.is_none()
            && let Some(what) = self.unfinished()
        {
            let waited_ms = self.now_ms - healed_ms;
            if waited_ms >= self.scenario.heal_max_ms {
                self.violate(Violation::NotConverged { waited_ms, what });
            }
            self.run_until(self.now_ms + CHECK_EVERY_MS);
        }
    }

    /// Runs to the end and hands out the cores, which then share nothing any more, each with how many
    /// entries its disk holds; or the promise that was broken.
    pub(crate) fn cores_at_the_end(mut self) -> Result<Vec<(Core, usize)>, Failure> {
        self.run_until_whole();
        if let Some(violation) = self.violation {
            return Err(Failure::Violation { violation, last: self.trace.finish().1 });
        }
        let kept = |peer: Peer| Some((peer.core?, peer.disk.entries()));
        let mut cores: Vec<(Core, usize)> = self.peers.into_iter().filter_map(kept).collect();
        cores.iter_mut().for_each(|(core, _)| core.share_proofs(SharedProofs::default()));
        Ok(cores)
    }

    fn into_outcome(mut self) -> Outcome {
        self.count_live();
        let (trace_hash, last) = self.trace.finish();
        let failure = self.violation.map(|violation| Failure::Violation { violation, last });
        Outcome { scenario: self.scenario.name, seed: self.seed, trace_hash, figures: self.figures, failure }
    }

    fn run_until(&mut self, until_ms: u64) {
        while self.violation.is_none()
            && let Some((at_ms, event)) = self.queue.pop(until_ms)
        {
            self.now_ms = at_ms;
            self.figures.events += 1;
            self.happen(event);
        }
        self.now_ms = until_ms;
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Step(step) => self.take_step(step),
            Event::Tick { peer, life } if self.lives(peer, life) => self.tick(peer),
            Event::DiskDone { peer, life } if self.lives(peer, life) => self.disk_done(peer),
            Event::AskTimedOut { peer, life, ask } if self.lives(peer, life) => self.ask_failed(peer, ask),
            Event::Gone { peer, life } if self.lives(peer, life) => self.gone(peer),
            Event::Tick { .. } | Event::DiskDone { .. } | Event::AskTimedOut { .. } | Event::Gone { .. } => {}
            Event::Dialled { from, to } => self.dialled(from, to),
            Event::Control { from, to, link } => self.control_due(from, to, link),
            Event::Arrived { from, to, link, parcel } => self.arrived(from, to, link, parcel),
        }
    }

    /// Whether this life of a peer still lasts.
    fn lives(&self, peer: usize, life: u64) -> bool {
        self.peers[peer].is_up() && self.peers[peer].life == life
    }

    fn tick(&mut self, index: usize) {
        let life = self.peers[index].life;
        self.queue.push(self.now_ms + TICK_MS, Event::Tick { peer: index, life });
        self.watch_links(index);
        self.seek(index);
        self.tend_meshes(index);
        self.gossip.expire(self.now_ms);
        self.tell(index, Core::tick);
        self.accept_requests(index);
        self.talk(index);
        self.follow_invitations(index);
        self.enter_founded_rooms(index);
    }

    /// Tells a core a fact and does what it decides: one round of its driver.
    fn tell(&mut self, index: usize, fact: impl FnOnce(&mut Core, u64)) {
        self.with_core(index, |core, now_ms| {
            fact(core, now_ms);
            core.flush_outboxes(now_ms);
        });
        self.drain(index);
    }

    /// Calls a core that is up, with the time by its own clock.
    fn with_core(&mut self, index: usize, call: impl FnOnce(&mut Core, u64)) {
        let now_ms = self.peers[index].clock.read(self.now_ms);
        if let Some(core) = &mut self.peers[index].core {
            call(core, now_ms);
        }
    }

    fn drain(&mut self, index: usize) {
        while let Some(output) = self.peers[index].core.as_mut().and_then(Core::poll_output) {
            self.carry_out(index, output);
        }
    }

    /// Does one thing that a core decided, as the driver would.
    fn carry_out(&mut self, index: usize, output: Output) {
        match output {
            Output::Persist { token, writes } => {
                self.note_written(index, &writes);
                self.hand_to_disk(index, Job::Commit { token, writes });
            }
            Output::CountUnread { conversation, after } => {
                let lens = self.lens(index, conversation);
                self.hand_to_disk(index, Job::CountUnread { conversation, after, lens });
            }
            Output::ReadPost { conversation, key, lens } => {
                self.hand_to_disk(index, Job::ReadPost { conversation, key, lens });
            }
            Output::ReadQueued { conversation, after } => {
                self.hand_to_disk(index, Job::ReadQueued { conversation, after });
            }
            Output::Emit(event) => self.hear(index, event),
            Output::Subscribe(room) => self.subscribe(index, room),
            Output::Unsubscribe(room) => self.unsubscribe(index, room),
            Output::PublishEntries { room, conversation, frame, keys } => {
                self.publish_entries(index, room, conversation, &frame, keys);
            }
            Output::PublishPresence { room, frame }
            | Output::PublishTyping { room, frame }
            | Output::PublishVoice { room, frame } => {
                // If nobody hears it, nothing is lost.
                let _ = self.publish(index, room, &frame);
            }
            Output::Judge { frame, verdict } => self.judged(index, frame, verdict),
            Output::Deliver { device, batch, request } => {
                self.ask(index, device, Question::Chat(request), About::Chat(batch));
            }
            Output::Tell { device, request } => {
                self.ask(index, device, Question::Chat(request), About::Nothing)
            }
            Output::Respond { request, response } => self.answer_chat(index, request, response),
            Output::Sync { device, token, request } => {
                self.ask(index, device, Question::Sync(request), About::Sync(token));
            }
            Output::RespondSync { request, response } => self.answer_sync(index, request, response),
            Output::Read { token, read } => self.hand_to_disk(index, Job::Read { token, read }),
            Output::Misbehaved { device, fault } => self.check_accusation(index, device, fault),
            Output::KeepOut { device } => self.keep_out(index, device),
            Output::LetIn { device } => {
                self.peers[index].session.kept_out.remove(&device);
            }
            // Nobody in here makes or opens invitations.
            Output::Redeem { .. } | Output::RespondInvite { .. } => {}
            Output::CallAsk { device, token, request } => {
                self.ask(index, device, Question::Call(request), About::Call(token));
            }
            Output::CallRespond { request, response } => self.answer_call(index, request, response),
            Output::OpenLine { call, person, device, theirs, ours } => {
                self.open_line(index, (call, person), Line { device, theirs, ours });
            }
            Output::CloseLine { call, person } => self.close_line(index, (call, person)),
            // Whoever is up is connected with everybody else in here.
            Output::Find { .. } => {}
            Output::Redial { device } => {
                if let Some(other) = self.by_device.get(&device).copied() {
                    self.close(index, other);
                }
            }
            Output::HelloAll(hello) => self.hello_all(index, &hello),
        }
    }

    /// A number that was not given before.
    fn next_number(&mut self) -> u64 {
        self.last_number += 1;
        self.last_number
    }

    fn note(&mut self, peer: usize, what: What) {
        self.trace.note(Moment { at_ms: self.now_ms, peer, what });
    }

    fn violate(&mut self, violation: Violation) {
        self.violation.get_or_insert(violation);
    }
}

fn some_clock(faults: &Faults, dice: &mut Dice) -> Clock {
    let mut either_way = |most: u64| dice.below(2 * most + 1) as i64 - most as i64;
    Clock { offset_ms: either_way(faults.clock_off_max_ms), drift_ppm: either_way(faults.drift_max_ppm) }
}

fn some_room(number: u64) -> Option<(RoomName, RoomId)> {
    let name = RoomName::new(&format!("room {number}")).ok()?;
    let room = RoomId::public(&name);
    Some((name, room))
}

/// The conversation of a room.
fn in_room(room: RoomId) -> ConversationId {
    ConversationId::Room(room)
}
