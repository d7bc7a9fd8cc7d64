//! Connections: who dials whom, what both ends say first, and how either notices that the other is gone.
//!
//! A connection keeps its control words in order and loses none of them while it stands; a
//! direction that is blocked holds them up. Nobody is told of a block: it shows as silence.

use std::collections::{BTreeSet, VecDeque};

use kinmesh_core::{Core, Route};
use kinmesh_proto::{DeviceId, Hello, RoomId};

use super::{Event, Simulation};
use crate::peer::{Control, End, Parcel};
use crate::promise::Violation;
use crate::scenario::Faults;
use crate::trace::What;

/// What is sent takes this long on its way.
const DELAY_MS: std::ops::RangeInclusive<u64> = 1..=80;
/// What a block holds up is sent again after this.
const RESEND_MS: u64 = 400;
/// A connection that is silent for this long is closed: QUIC's own 10 s, and some time to notice.
const SILENCE_MAX_MS: u64 = 12_000;
/// Each connection is proven alive this often, in ticks, as in `net/src/behaviour.rs`.
const PING_EVERY_TICKS: u64 = 10;
/// A peer looks for others this often, in ticks.
const SEEK_EVERY_TICKS: u64 = 2;
/// Whoever has enough of them still dials a member of whom nothing is heard this often, in ticks, as in
/// `net/src/driver/seek.rs`: two halves of a room that were apart would otherwise be content with
/// themselves for ever.
const VENTURE_EVERY_TICKS: u64 = 30;
/// Connections above which no further one is dialled, as in `net/src/driver/seek.rs`.
const PEERS_WANTED: usize = 48;

impl Simulation {
    /// How long something takes on its way, now and then much longer.
    pub(super) fn delay_ms(&mut self) -> u64 {
        let is_late = self.dice.percent(self.faults.late);
        self.dice.within(if is_late { *DELAY_MS.end()..=Faults::LATE_MAX_MS } else { DELAY_MS })
    }

    pub(super) fn is_blocked(&self, from: usize, to: usize) -> bool {
        self.partitions.iter().any(|partition| partition.blocks(from, to))
    }

    fn can_talk(&self, one: usize, two: usize) -> bool {
        self.peers[one].is_up()
            && self.peers[two].is_up()
            && !self.is_blocked(one, two)
            && !self.is_blocked(two, one)
    }

    /// Dials members of our rooms that we are not connected to, and everybody we have a chat with.
    pub(super) fn seek(&mut self, index: usize) {
        if !self.ticks(index).is_multiple_of(SEEK_EVERY_TICKS) || self.peers[index].session.is_leaving {
            return;
        }
        for other in self.wanted(index) {
            if other != index && !self.peers[index].is_linked(other) {
                let takes_ms = self.dice.within(DELAY_MS) + self.dice.within(DELAY_MS);
                self.queue.push(self.now_ms + takes_ms, Event::Dialled { from: index, to: other });
            }
        }
    }

    /// Counts a peer's ticks, each from another beginning, so that not everybody acts at once.
    fn ticks(&self, index: usize) -> u64 {
        self.now_ms / super::TICK_MS + index as u64
    }

    fn wanted(&mut self, index: usize) -> BTreeSet<usize> {
        let contacts = self.peers[index].core.iter().flat_map(Core::contact_devices);
        let mut wanted: BTreeSet<usize> =
            contacts.filter_map(|device| self.by_device.get(&device).copied()).collect();
        wanted.extend(self.wanted_of_private_rooms(index));
        if self.peers[index].session.ends.len() < PEERS_WANTED {
            let rooms: Vec<RoomId> = self.peers[index].session.rooms.iter().copied().collect();
            for room in rooms {
                wanted.extend(self.wanted_in(index, room));
            }
        }
        wanted
    }

    /// Fellow members to connect to, until there are enough of them.
    fn wanted_in(&mut self, index: usize, room: RoomId) -> Vec<usize> {
        let missing = self.scenario.links_wanted.saturating_sub(self.peers[index].listeners(room).len());
        if missing == 0 {
            return self.venture(index).into_iter().collect();
        }
        let members = self.members.get(&room).into_iter().flatten().copied();
        let mut strangers: Vec<usize> =
            members.filter(|other| *other != index && !self.peers[index].is_linked(*other)).collect();
        while strangers.len() > missing {
            let drawn = self.dice.below(strangers.len() as u64) as usize;
            strangers.swap_remove(drawn);
        }
        strangers
    }

    /// Now and then a member of whom nothing is heard, for whoever has company enough.
    fn venture(&mut self, index: usize) -> Option<usize> {
        if !self.ticks(index).is_multiple_of(VENTURE_EVERY_TICKS) {
            return None;
        }
        let peer = &self.peers[index];
        let unheard = peer.core.as_ref()?.unheard_members(peer.clock.read(self.now_ms)).into_iter();
        let unheard = unheard.filter_map(|device| self.by_device.get(&device).copied());
        let unheard: Vec<usize> = unheard.filter(|other| !peer.is_linked(*other)).collect();
        self.dice.pick(&unheard)
    }

    /// A dial has come through, or has not.
    pub(super) fn dialled(&mut self, from: usize, to: usize) {
        if !self.can_talk(from, to) || self.peers[from].is_linked(to) || self.is_kept_out(from, to) {
            return;
        }
        // An end that the dialler knows nothing of is of an earlier life.
        self.drop_end(to, from);
        let link = self.next_number();
        self.open_end(from, to, link);
        self.open_end(to, from, link);
        self.say_hello(from, to, true);
    }

    /// A peer takes no connection with a device any more.
    pub(super) fn keep_out(&mut self, here: usize, device: DeviceId) {
        self.peers[here].session.kept_out.insert(device);
        if let Some(there) = self.by_device.get(&device).copied() {
            self.close(here, there);
        }
    }

    fn is_kept_out(&self, one: usize, two: usize) -> bool {
        let keeps_out =
            |here: usize, there: usize| self.peers[here].session.kept_out.contains(&self.peers[there].device);
        keeps_out(one, two) || keeps_out(two, one)
    }

    fn open_end(&mut self, here: usize, there: usize, link: u64) {
        let end = End { link, ok_ms: self.now_ms, rooms: BTreeSet::new(), control: VecDeque::new() };
        self.peers[here].session.ends.insert(there, end);
        self.note(here, What::Linked { with: there });
        let device = self.peers[there].device;
        self.tell(here, |core, _| core.linked(device, Route::Lan));
        let rooms: Vec<RoomId> = self.peers[here].session.rooms.iter().copied().collect();
        for room in rooms {
            self.send_control(here, there, Control::Subscribe(room));
        }
    }

    /// Closes our end and tells the other one, if they hear it.
    pub(super) fn close(&mut self, here: usize, there: usize) {
        self.send(here, there, Parcel::Closed, 0);
        self.drop_end(here, there);
    }

    /// Our end is gone, and with it every request over it.
    pub(super) fn drop_end(&mut self, here: usize, there: usize) {
        let session = &mut self.peers[here].session;
        if session.ends.remove(&there).is_none() {
            return;
        }
        for mesh in session.mesh.values_mut() {
            mesh.remove(&there);
        }
        let cut: Vec<u64> =
            session.asks.iter().filter(|(_, ask)| ask.whom == there).map(|(ask, _)| *ask).collect();
        self.note(here, What::Unlinked { with: there });
        let device = self.peers[there].device;
        self.tell(here, |core, _| core.unlinked(device));
        for ask in cut {
            self.ask_failed(here, ask);
        }
    }

    /// Pings, and closes connections whose other end has been silent for too long.
    pub(super) fn watch_links(&mut self, index: usize) {
        let pings = self.ticks(index).is_multiple_of(PING_EVERY_TICKS);
        let others: Vec<(usize, u64)> =
            self.peers[index].session.ends.iter().map(|(other, end)| (*other, end.link)).collect();
        for (other, link) in others {
            if self.can_talk(index, other) && self.has_end(other, index, link) {
                self.is_alive(index, other, pings);
            } else if self.silence_ms(index, other) >= SILENCE_MAX_MS {
                self.close(index, other);
            }
        }
    }

    fn is_alive(&mut self, index: usize, other: usize, was_pinged: bool) {
        if let Some(end) = self.peers[index].session.ends.get_mut(&other) {
            end.ok_ms = self.now_ms;
        }
        if was_pinged {
            let device = self.peers[other].device;
            self.tell(index, |core, now_ms| core.alive(now_ms, device));
        }
    }

    fn silence_ms(&self, index: usize, other: usize) -> u64 {
        let end = self.peers[index].session.ends.get(&other);
        end.map_or(0, |end| self.now_ms - end.ok_ms)
    }

    /// Whether a peer still has its end of this very connection.
    pub(super) fn has_end(&self, here: usize, there: usize, link: u64) -> bool {
        self.peers[here].session.ends.get(&there).is_some_and(|end| end.link == link)
    }

    pub(super) fn say_hello(&mut self, from: usize, to: usize, wants_answer: bool) {
        let now_ms = self.peers[from].clock.read(self.now_ms);
        if let Some(hello) = self.peers[from].core.as_mut().and_then(|core| core.hello(now_ms)) {
            self.send_control(from, to, Control::Hello { hello: Box::new(hello), wants_answer });
        }
    }

    pub(super) fn hello_all(&mut self, from: usize, hello: &Hello) {
        let others: Vec<usize> = self.peers[from].session.ends.keys().copied().collect();
        for to in others {
            let hello = Box::new(hello.clone());
            self.send_control(from, to, Control::Hello { hello, wants_answer: true });
        }
    }

    /// Sends a control word behind those that were sent before.
    pub(super) fn send_control(&mut self, from: usize, to: usize, control: Control) {
        let Some(end) = self.peers[from].session.ends.get_mut(&to) else { return };
        let (link, is_first) = (end.link, end.control.is_empty());
        end.control.push_back(control);
        if is_first {
            let at_ms = self.now_ms + self.delay_ms();
            self.queue.push(at_ms, Event::Control { from, to, link });
        }
    }

    /// The first control word that is under way arrives, unless the direction is blocked.
    pub(super) fn control_due(&mut self, from: usize, to: usize, link: u64) {
        if !self.has_end(from, to, link) {
            return;
        }
        if self.is_blocked(from, to) {
            self.queue.push(self.now_ms + RESEND_MS, Event::Control { from, to, link });
            return;
        }
        let Some(end) = self.peers[from].session.ends.get_mut(&to) else { return };
        let control = end.control.pop_front();
        if !end.control.is_empty() {
            let at_ms = self.now_ms + self.delay_ms();
            self.queue.push(at_ms, Event::Control { from, to, link });
        }
        if let Some(control) = control.filter(|_| self.has_end(to, from, link)) {
            self.heed(from, to, control);
        }
    }

    fn heed(&mut self, from: usize, to: usize, control: Control) {
        match control {
            Control::Subscribe(room) => self.heard_of_subscription(from, to, room),
            Control::Unsubscribe(room) => self.heard_of_unsubscription(from, to, room),
            Control::Graft(room) => self.grafted(from, to, room),
            Control::Prune(room) => self.pruned(from, to, room),
            Control::Hello { hello, wants_answer } => self.heard_hello(from, to, *hello, wants_answer),
        }
    }

    fn heard_hello(&mut self, from: usize, to: usize, hello: Hello, wants_answer: bool) {
        let device = self.peers[from].device;
        let mut refused = false;
        self.tell(to, |core, now_ms| refused = core.hello_received(now_ms, device, hello).is_err());
        if refused {
            self.violate(Violation::HelloRefused { peer: to, from });
        }
        if wants_answer {
            self.say_hello(to, from, false);
        }
    }
}
