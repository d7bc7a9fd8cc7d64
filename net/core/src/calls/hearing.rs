//! What others say about calls, and what is answered.
//!
//! Whoever has no part in a call learns nothing of it, not even that it exists.

use kinmesh_proto::{CallId, CallRequest, CallResponse, DeviceId, PersonId};

use super::party::Stage;
use super::{Call, CallEnd, Kind, RINGS_MAX};
use crate::node::Core;
use crate::output::{Output, RequestToken};

/// A ring that was heard.
struct Ring {
    device: DeviceId,
    person: PersonId,
    wire: CallId,
    line: u32,
    party: Vec<PersonId>,
}

impl Core {
    /// A device says something about a call; the answer is an [`Output::CallRespond`], at once.
    pub fn call_asked(&mut self, now_ms: u64, device: DeviceId, request: CallRequest, token: RequestToken) {
        let response = match self.people.person_of(device) {
            None => CallResponse::Later,
            Some(_) if !self.calls.words.lets_in(now_ms, device) => CallResponse::Later,
            Some(_) if !request.is_within_limits() => CallResponse::NoSuchCall,
            Some(person) => self.hear_call(now_ms, device, person, request),
        };
        self.push(Output::CallRespond { request: token, response });
    }

    fn hear_call(
        &mut self,
        now_ms: u64,
        device: DeviceId,
        person: PersonId,
        request: CallRequest,
    ) -> CallResponse {
        let call = self.calls.by_wire(request.call());
        match request {
            CallRequest::Ring { call: wire, line, party } => {
                self.hear_ring(now_ms, &Ring { device, person, wire, line, party })
            }
            CallRequest::Cancel { call: wire } if call.is_none() && self.may_reach_us(person) => {
                self.calls.note_overtaking(now_ms, wire, person);
                CallResponse::Noted
            }
            request => match call.and_then(|id| Some((id, self.calls.party(id, person)?.stage))) {
                Some((id, stage)) => self.hear_party(now_ms, device, person, (id, stage), request),
                None => match (call, request) {
                    (Some(id), CallRequest::Join { line, .. }) => {
                        self.hear_newcomer(now_ms, device, person, id, line)
                    }
                    _ => CallResponse::NoSuchCall,
                },
            },
        }
    }

    fn hear_ring(&mut self, now_ms: u64, ring: &Ring) -> CallResponse {
        let Ring { device, person, wire, line, .. } = *ring;
        if !self.may_reach_us(person) {
            return CallResponse::ContactsOnly;
        }
        if self.is_of_a_room(wire) || self.calls.is_over(now_ms, wire, line, person) {
            return CallResponse::NoSuchCall;
        }
        if let Some(id) = self.calls.by_wire(wire) {
            return self.hear_ring_again(now_ms, id, ring);
        }
        if !self.calls.gate.lets_in(now_ms, person) {
            return CallResponse::Busy;
        }
        if let Some(active) = self.calls.active() {
            return self.hear_ring_in_a_call(now_ms, active, ring);
        }
        if let Some(before) = self.calls.rung_by(person) {
            // They gave that one up, and it is not heard yet.
            self.part(now_ms, before, person, CallEnd::Cancelled, false);
        }
        if self.calls.known.len() >= RINGS_MAX {
            return CallResponse::Busy;
        }
        self.calls.known.insert(wire, Call::new(wire, Kind::In(person), now_ms));
        self.add_party(now_ms, wire, person, Stage::Incoming);
        if let Some(ringing) = self.calls.party_mut(wire, person) {
            (ringing.device, ringing.theirs) = (Some(device), Some(line));
        }
        self.hear_names(now_ms, wire, person, &ring.party);
        self.call_changed(wire);
        CallResponse::Noted
    }

    /// Their device was not sure whether it was heard; or somebody else rings for the same call by now.
    fn hear_ring_again(&mut self, now_ms: u64, id: CallId, ring: &Ring) -> CallResponse {
        let rings_here = self.calls.known.get(&id).is_some_and(Call::is_incoming);
        let Some(party) = self.calls.party_mut(id, ring.person) else { return CallResponse::NoSuchCall };
        match party.stage {
            Stage::Incoming => (party.device, party.theirs) = (Some(ring.device), Some(ring.line)),
            Stage::Named if rings_here => {
                party.stage_at(now_ms, Stage::Incoming);
                (party.device, party.theirs) = (Some(ring.device), Some(ring.line));
                self.call_changed(id);
            }
            _ => {}
        }
        CallResponse::Noted
    }

    /// Who rings whom we ring takes part in one call with us: of the two, the one with the smaller id. But
    /// who rings for a group is busy for us, so then it is theirs.
    fn hear_ring_in_a_call(&mut self, now_ms: u64, active: CallId, ring: &Ring) -> CallResponse {
        let Ring { device, person, wire, line, .. } = *ring;
        let Some(call) = self.calls.known.get_mut(&active) else { return CallResponse::Busy };
        let is_alone = call.parties.len() == 1;
        let rung = call.parties.get_mut(&person).filter(|party| is_alone && party.stage.is_rung());
        let Some(party) = rung else { return CallResponse::Busy };
        if call.wire < wire && ring.party.is_empty() {
            return CallResponse::Crossed { call: call.wire };
        }
        // Theirs counts: they write the note about it.
        party.is_rung_by_us = false;
        (party.device, party.theirs) = (Some(device), Some(line));
        call.wire = wire;
        self.hear_names(now_ms, active, person, &ring.party);
        self.take_up(now_ms, active, person);
        CallResponse::Crossed { call: wire }
    }

    /// Somebody with a part in the call says something about it.
    fn hear_party(
        &mut self,
        now_ms: u64,
        device: DeviceId,
        person: PersonId,
        (id, stage): (CallId, Stage),
        request: CallRequest,
    ) -> CallResponse {
        match request {
            CallRequest::Accept { line, .. } => match stage {
                Stage::Calling | Stage::Ringing => {
                    self.connect(now_ms, id, person, device, line);
                    CallResponse::Noted
                }
                Stage::Connecting | Stage::Active | Stage::Reconnecting => CallResponse::Noted,
                Stage::Incoming | Stage::Named => CallResponse::NoSuchCall,
            },
            CallRequest::Decline { text, .. } if stage.is_rung() => {
                self.part(now_ms, id, person, CallEnd::Declined { text }, false);
                CallResponse::Noted
            }
            CallRequest::Cancel { .. } if stage == Stage::Incoming => {
                self.part(now_ms, id, person, CallEnd::Cancelled, false);
                CallResponse::Noted
            }
            CallRequest::End { .. } | CallRequest::Cancel { .. } | CallRequest::Decline { .. } => {
                self.part(now_ms, id, person, CallEnd::HungUp, false);
                CallResponse::Noted
            }
            CallRequest::Join { line, .. } => self.hear_join(now_ms, device, person, id, line),
            CallRequest::State { muted, held, .. } => {
                self.hear_state(now_ms, id, person, (muted, held));
                CallResponse::Noted
            }
            CallRequest::Party { party, .. } => {
                // Into a room's voice channel people come by themselves.
                let is_of_a_room =
                    self.calls.known.get(&id).is_some_and(|call| matches!(call.kind, Kind::Room(_)));
                if stage.is_in() && !is_of_a_room {
                    self.hear_members(now_ms, id, (device, person), party);
                }
                CallResponse::Noted
            }
            CallRequest::Transfer { to, .. } if stage.is_in() => self.hear_transfer(now_ms, id, person, to),
            CallRequest::Transfer { .. } | CallRequest::Ring { .. } => CallResponse::NoSuchCall,
        }
    }

    fn hear_state(&mut self, now_ms: u64, id: CallId, person: PersonId, state: (bool, bool)) {
        let Some(party) = self.calls.party_mut(id, person) else { return };
        let before = (party.muted, party.held);
        (party.muted, party.held) = state;
        self.sign_of_life(now_ms, id, person);
        if before != state {
            self.call_changed(id);
        }
    }
}
