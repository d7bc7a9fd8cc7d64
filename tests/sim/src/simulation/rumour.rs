//! Gossip as gossipsub does it: the author tells every listener, others forward to their mesh what
//! their core accepted, and what was seen is not brought to the core again.

use kinmesh_core::{FrameToken, Verdict};
use kinmesh_proto::{ConversationId, EntryKey, RoomFrame, RoomId};

use super::Simulation;
use crate::peer::{Control, Parcel};
use crate::promise::Violation;
use crate::trace::What;

/// Neighbours in a room's mesh, as in `net/src/behaviour.rs`: wanted, fewest, most.
const MESH: (usize, usize, usize) = (4, 3, 6);

/// Gossip did not take a frame: nobody listens, or it was published before.
pub(super) struct NotPublished;

impl Simulation {
    pub(super) fn subscribe(&mut self, index: usize, room: RoomId) {
        let place = self.place_of(index, room);
        self.peers[index].session.places.insert(room, place);
        self.members.entry(place).or_default().insert(index);
        self.peers[index].session.rooms.insert(place);
        self.say_to_all(index, &Control::Subscribe(place));
        // Peers may have been in the room before we were.
        for other in self.peers[index].listeners(place) {
            let device = self.peers[other].device;
            self.with_core(index, |core, now_ms| core.subscribed(now_ms, device, room));
        }
    }

    pub(super) fn unsubscribe(&mut self, index: usize, room: RoomId) {
        let place = self.peers[index].session.places.remove(&room).unwrap_or(room);
        if let Some(members) = self.members.get_mut(&place) {
            members.remove(&index);
        }
        self.peers[index].session.rooms.remove(&place);
        self.peers[index].session.mesh.remove(&place);
        self.say_to_all(index, &Control::Unsubscribe(place));
    }

    fn say_to_all(&mut self, index: usize, control: &Control) {
        let others: Vec<usize> = self.peers[index].session.ends.keys().copied().collect();
        for other in others {
            self.send_control(index, other, control.clone());
        }
    }

    pub(super) fn heard_of_subscription(&mut self, from: usize, to: usize, place: RoomId) {
        if let Some(end) = self.peers[to].session.ends.get_mut(&from) {
            end.rooms.insert(place);
        }
        if let Some(room) = self.peers[to].room_at(place) {
            let device = self.peers[from].device;
            self.tell(to, |core, now_ms| core.subscribed(now_ms, device, room));
        }
    }

    pub(super) fn heard_of_unsubscription(&mut self, from: usize, to: usize, place: RoomId) {
        if let Some(end) = self.peers[to].session.ends.get_mut(&from) {
            end.rooms.remove(&place);
        }
        self.pruned(from, to, place);
        if let Some(room) = self.peers[to].room_at(place) {
            let device = self.peers[from].device;
            self.tell(to, |core, _| core.unsubscribed(device, room));
        }
    }

    /// Keeps each room's mesh at its size: gossipsub's heartbeat.
    pub(super) fn tend_meshes(&mut self, index: usize) {
        let rooms: Vec<RoomId> = self.peers[index].session.rooms.iter().copied().collect();
        let (wanted, fewest, most) = MESH;
        for room in rooms {
            let mesh = self.peers[index].session.mesh.entry(room).or_default();
            let (now, members) = (mesh.len(), mesh.iter().copied().collect());
            if now < fewest {
                let mut others = self.peers[index].listeners(room);
                others.retain(|other| !self.is_in_mesh(index, *other, room));
                self.draw(wanted - now, others, |this, other| this.graft(index, other, room));
            } else if now > most {
                self.draw(now - wanted, members, |this, other| this.prune(index, other, room));
            }
        }
    }

    fn draw(&mut self, count: usize, mut from: Vec<usize>, mut with: impl FnMut(&mut Self, usize)) {
        for _ in 0..count.min(from.len()) {
            let drawn = self.dice.below(from.len() as u64) as usize;
            with(self, from.swap_remove(drawn));
        }
    }

    fn is_in_mesh(&self, index: usize, other: usize, room: RoomId) -> bool {
        self.peers[index].session.mesh.get(&room).is_some_and(|mesh| mesh.contains(&other))
    }

    fn graft(&mut self, index: usize, other: usize, room: RoomId) {
        self.peers[index].session.mesh.entry(room).or_default().insert(other);
        self.send_control(index, other, Control::Graft(room));
    }

    fn prune(&mut self, index: usize, other: usize, room: RoomId) {
        self.pruned(other, index, room);
        self.send_control(index, other, Control::Prune(room));
    }

    pub(super) fn grafted(&mut self, from: usize, to: usize, room: RoomId) {
        if self.peers[to].session.rooms.contains(&room) {
            self.peers[to].session.mesh.entry(room).or_default().insert(from);
        } else {
            self.send_control(to, from, Control::Prune(room));
        }
    }

    pub(super) fn pruned(&mut self, from: usize, to: usize, room: RoomId) {
        if let Some(mesh) = self.peers[to].session.mesh.get_mut(&room) {
            mesh.remove(&from);
        }
    }

    pub(super) fn publish_entries(
        &mut self,
        index: usize,
        room: RoomId,
        conversation: ConversationId,
        frame: &RoomFrame,
        keys: Vec<EntryKey>,
    ) {
        let outcome = self.publish(index, room, frame);
        self.with_core(index, |core, now_ms| match outcome {
            Ok(()) => core.published(now_ms, conversation, &keys),
            Err(NotPublished) => core.not_published(now_ms, conversation, &keys),
        });
    }

    pub(super) fn publish(
        &mut self,
        index: usize,
        room: RoomId,
        content: &RoomFrame,
    ) -> Result<(), NotPublished> {
        let place = self.peers[index].session.places.get(&room).copied().unwrap_or(room);
        let frame = self.gossip.number_of(place, content, self.now_ms);
        let listeners = self.peers[index].listeners(place);
        if listeners.is_empty() || !self.gossip.see(index, frame) {
            return Err(NotPublished);
        }
        if let RoomFrame::Entries { entries, .. } = content {
            let (entries, listeners) = (entries.len(), listeners.len());
            self.note(index, What::Publishes { frame, entries, listeners });
        }
        for other in listeners {
            self.bring(index, other, frame);
        }
        Ok(())
    }

    fn bring(&mut self, from: usize, to: usize, frame: u64) {
        self.figures.frames += 1;
        // What was seen is not seen again: most copies need not make the way.
        if !self.gossip.has_seen(to, frame) {
            self.send(from, to, Parcel::Gossip { frame, is_copy: false }, self.faults.gossip_lost);
        }
        if self.dice.percent(self.faults.repeated) {
            self.send(from, to, Parcel::Gossip { frame, is_copy: true }, self.faults.gossip_lost);
        }
    }

    pub(super) fn heard_frame(&mut self, from: usize, to: usize, number: u64, is_copy: bool) {
        let Some(frame) = self.gossip.frame(number) else { return };
        let is_news = self.gossip.see(to, number) || is_copy;
        let Some(room) = self.peers[to].room_at(frame.room).filter(|_| is_news) else { return };
        if !frame.entries.is_empty() {
            self.note(to, What::Hears { frame: number, from, entries: frame.entries.len() });
        }
        let token = FrameToken(self.next_number());
        self.peers[to].session.frames.insert(token, (number, from, room));
        let content = frame.content.clone();
        self.tell(to, |core, now_ms| core.room_frame(now_ms, room, content, token));
    }

    pub(super) fn judged(&mut self, index: usize, token: FrameToken, verdict: Verdict) {
        let Some((number, from, room)) = self.peers[index].session.frames.remove(&token) else {
            return self.violate(Violation::AnsweredTwice { peer: index });
        };
        let Some(frame) = self.gossip.frame(number) else { return };
        if !frame.entries.is_empty() {
            self.note(index, What::Judges { frame: number, verdict: verdict.into() });
        }
        match verdict {
            Verdict::Ignore => {}
            Verdict::Reject => self.violate(Violation::RejectedHonest { peer: index, from }),
            Verdict::Accept => {
                let conversation = self.conversation_heard(index, room, &frame.entries);
                self.check_forwarded(index, conversation, &frame.entries);
                self.forward(index, from, frame.room, number);
            }
        }
    }

    fn forward(&mut self, index: usize, from: usize, room: RoomId, frame: u64) {
        let mesh = self.peers[index].session.mesh.get(&room);
        let others: Vec<usize> = mesh.into_iter().flatten().copied().filter(|other| *other != from).collect();
        for other in others {
            self.bring(index, other, frame);
        }
    }
}
