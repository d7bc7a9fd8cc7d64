//! Calls: what people do with them, and whose voice is heard.

use kinmesh_core::{CallState, CallView};
use kinmesh_proto::{CallId, PersonId};

use super::Simulation;
use crate::peer::Line;
use crate::promise::Violation;

impl Simulation {
    pub(super) fn open_line(&mut self, index: usize, at: (CallId, PersonId), line: Line) {
        self.figures.lines += 1;
        if self.peers[index].session.lines.insert(at, line).is_some() {
            self.violate(Violation::LineMiscounted { peer: index, call: at.0 });
        }
    }

    pub(super) fn close_line(&mut self, index: usize, at: (CallId, PersonId)) {
        if self.peers[index].session.lines.remove(&at).is_none() {
            self.violate(Violation::LineMiscounted { peer: index, call: at.0 });
        }
    }

    /// Hears those whose lines match ours, as far as they reach us.
    pub(super) fn talk(&mut self, index: usize) {
        let lines = self.peers[index].session.lines.clone();
        if lines.is_empty() {
            return;
        }
        let calls = self.calls_of(index);
        for ((call, person), line) in lines {
            if !calls.iter().any(|view| view.call == call) {
                self.violate(Violation::LineWithoutCall { peer: index, call });
            }
            let Some(other) = self.by_device.get(&line.device).copied() else { continue };
            let theirs = Line { device: self.peers[index].device, theirs: line.ours, ours: line.theirs };
            let is_mutual = self.peers[other].session.lines.values().any(|line| *line == theirs);
            if is_mutual && self.peers[index].is_linked(other) && !self.is_blocked(other, index) {
                self.tell(index, |core, now_ms| core.media_heard(now_ms, call, person));
            }
        }
    }

    fn calls_of(&mut self, index: usize) -> Vec<CallView> {
        self.peers[index].core.as_mut().map(|core| core.overview().calls).unwrap_or_default()
    }

    /// Somebody rings, or goes on with a call. What is refused was not possible just then.
    pub(super) fn do_with_calls(&mut self, index: usize) {
        let calls: Vec<_> =
            self.calls_of(index).iter().map(|call| (call.call, call.state, call.muted, call.held)).collect();
        let Some((id, state, muted, held)) = self.dice.pick(&calls) else {
            return self.begin_a_call(index);
        };
        let chance = self.dice.below(100);
        let other = self.some_other(index).map(|other| self.peers[other].person);
        self.tell(index, |core, now_ms| {
            let _ = match (state, chance) {
                (CallState::Incoming, 0..70) => core.accept_call(now_ms, id),
                (CallState::Incoming, 70..80) => core.ignore_call(id),
                (_, 0..30) => core.hang_up(now_ms, id),
                (_, 30..50) => core.mute_call(id, !muted),
                (_, 50..60) => core.hold_call(id, !held),
                (_, 60..70) => other.map_or(Ok(()), |person| core.transfer_call(id, person)),
                _ => other.map_or(Ok(()), |person| core.add_to_call(now_ms, id, person)),
            };
        });
    }

    fn begin_a_call(&mut self, index: usize) {
        if self.dice.percent(30) {
            let Some(room) = self.some_room_of(index) else { return };
            return self.tell(index, |core, now_ms| {
                let _ = core.enter_voice(now_ms, room);
            });
        }
        let Some(other) = self.some_other(index).map(|other| self.peers[other].person) else { return };
        self.tell(index, |core, now_ms| {
            let _ = core.ring(now_ms, other);
        });
    }

    pub(super) fn hang_up_all(&mut self, index: usize) {
        for call in self.calls_of(index) {
            self.tell(index, |core, now_ms| {
                // It may be over since.
                let _ = core.hang_up(now_ms, call.call);
            });
        }
    }

    pub(super) fn check_calls_are_over(&mut self, index: usize) {
        if let Some(view) = self.calls_of(index).first() {
            self.violate(Violation::CallStays { peer: index, call: view.call });
        }
        let lines = self.peers[index].session.lines.keys().next().copied();
        if let Some((call, _)) = lines {
            self.violate(Violation::LineWithoutCall { peer: index, call });
        }
    }
}
