//! What others answer to what we said about a call.

use kinmesh_proto::{CallId, CallRequest, CallResponse, PersonId};

use super::party::Stage;
use super::{Asked, CallEnd};
use crate::node::Core;
use crate::output::CallToken;

/// How often it is said that we leave, if nobody answers.
const FAREWELL_TRIES: u8 = 3;

/// Why something about a call was not answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallFault {
    /// Nothing came in time, or the connection broke.
    NoAnswer,
    /// The program there is from before there were calls.
    TooOld,
}

impl Core {
    /// A device answered what was said with [`crate::Output::CallAsk`].
    pub fn call_answered(&mut self, now_ms: u64, token: CallToken, response: CallResponse) {
        let Some(asked) = self.calls.asks.remove(&token) else { return };
        let Asked { call: id, person, request, .. } = asked;
        // Two rings may have crossed meanwhile.
        if self.calls.known.get(&id).is_none_or(|call| call.wire != request.call()) {
            return;
        }
        match request {
            CallRequest::Ring { .. } => self.ring_answered(now_ms, id, person, response),
            CallRequest::Accept { .. } => self.acceptance_answered(now_ms, id, person, response),
            CallRequest::Join { .. } => self.join_answered(now_ms, id, person, response),
            CallRequest::State { muted, held, .. } => {
                self.state_answered(now_ms, id, person, (muted, held), response);
            }
            CallRequest::Party { party, .. } if response == CallResponse::Noted => {
                self.party_answered(id, person, party);
            }
            CallRequest::Transfer { .. } if response != CallResponse::Noted => self.transfer_failed(id),
            CallRequest::Transfer { .. }
            | CallRequest::Party { .. }
            | CallRequest::Decline { .. }
            | CallRequest::Cancel { .. }
            | CallRequest::End { .. } => {}
        }
    }

    /// A device did not answer. What has to arrive is said again, at once or with the next tick.
    pub fn call_failed(&mut self, now_ms: u64, token: CallToken, fault: CallFault) {
        let Some(asked) = self.calls.asks.remove(&token) else { return };
        match asked.request {
            CallRequest::Ring { .. } if fault == CallFault::TooOld => {
                self.part(now_ms, asked.call, asked.person, CallEnd::TooOld, false);
            }
            CallRequest::Decline { .. } | CallRequest::Cancel { .. } | CallRequest::End { .. }
                if asked.tries < FAREWELL_TRIES && self.people.is_linked(asked.device) =>
            {
                self.tell_device(asked);
            }
            CallRequest::Transfer { .. } => self.transfer_failed(asked.call),
            _ => {}
        }
    }

    fn ring_answered(&mut self, now_ms: u64, id: CallId, person: PersonId, response: CallResponse) {
        // Their acceptance may have overtaken this.
        let Some(party) = self.calls.party_mut(id, person).filter(|party| party.stage.is_rung()) else {
            return;
        };
        let end = match response {
            // With a ring that crossed ours either our acceptance follows theirs, or theirs ours.
            CallResponse::Noted | CallResponse::Crossed { .. } => {
                let since_ms = party.since_ms;
                party.stage_at(since_ms, Stage::Ringing);
                return self.call_changed(id);
            }
            CallResponse::Later | CallResponse::Joined { .. } => return,
            CallResponse::Busy => CallEnd::Busy,
            CallResponse::Full => CallEnd::Full,
            CallResponse::ContactsOnly => CallEnd::NotAContact,
            // They have turned it down, and their word of it was lost.
            CallResponse::NoSuchCall => CallEnd::Declined { text: None },
        };
        self.part(now_ms, id, person, end, false);
    }

    fn acceptance_answered(&mut self, now_ms: u64, id: CallId, person: PersonId, response: CallResponse) {
        match response {
            CallResponse::Noted => {
                if let Some(party) = self.calls.party_mut(id, person) {
                    party.owes_acceptance = false;
                }
            }
            CallResponse::Later => {}
            // Who rang gave up just then.
            _ => self.part(now_ms, id, person, CallEnd::Cancelled, false),
        }
    }

    fn join_answered(&mut self, now_ms: u64, id: CallId, person: PersonId, response: CallResponse) {
        let Some(call) = self.calls.known.get(&id) else { return };
        match response {
            // Others came in meanwhile.
            CallResponse::Joined { .. } if self.has_no_place_for(id, person) => {
                let request = CallRequest::End { call: call.wire };
                self.tell_party(id, person, request);
            }
            CallResponse::Joined { line } => {
                let device = call.parties.get(&person).and_then(|party| self.device_of(person, party));
                if let Some(device) = device.filter(|_| !self.is_replaced_by(now_ms, id, person)) {
                    self.connect(now_ms, id, person, device, line);
                }
            }
            CallResponse::Full => self.join_refused(now_ms, id),
            // It may ring there still, or their word about us is on its way.
            _ => {}
        }
    }

    fn state_answered(
        &mut self,
        now_ms: u64,
        id: CallId,
        person: PersonId,
        told: (bool, bool),
        response: CallResponse,
    ) {
        match response {
            CallResponse::Noted => {
                if let Some(party) = self.calls.party_mut(id, person) {
                    party.told = told;
                }
                self.sign_of_life(now_ms, id, person);
                self.say_new_state(id, person);
            }
            // Their program was started anew, or they have left and their word of it was lost.
            CallResponse::NoSuchCall => self.part(now_ms, id, person, CallEnd::Lost, false),
            _ => {}
        }
    }
}
