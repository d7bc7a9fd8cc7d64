//! How a call ends, for one party or as a whole, and the note that stays of it in the chat.

use kinmesh_proto::{CallId, CallOutcome, CallRequest, Content, ConversationId, PersonId};
use serde::Serialize;

use super::party::{Party, Stage};
use super::{Asked, Kind};
use crate::event::Event;
use crate::node::Core;
use crate::output::Output;

/// How a call ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "reason")]
pub enum CallEnd {
    /// Somebody left who was in it: we, or the last of the others.
    HungUp,
    /// It was declined.
    Declined {
        /// What was said about it.
        text: Option<String>,
    },
    /// Who rang gave up.
    Cancelled,
    /// It rang for as long as it may.
    Unanswered,
    /// The user does not want to hear of it. It may still ring there.
    Ignored,
    /// The other is in another call.
    Busy,
    /// The other was not connected.
    Offline,
    /// It was accepted, but nothing could be heard.
    NoPath,
    /// The other was cut off and did not come back.
    Lost,
    /// The other does not have us as a contact.
    NotAContact,
    /// The other's program is from before there were calls.
    TooOld,
    /// As many people are in it as fit.
    Full,
}

/// What stays of a ring of ours; `None` for one that never was a call to the other.
fn outcome(party: &Party, end: &CallEnd, now_ms: u64) -> Option<CallOutcome> {
    if let Some(since_ms) = party.talked_ms {
        let until_ms = if *end == CallEnd::Lost { party.heard_ms } else { now_ms };
        let seconds = u32::try_from(until_ms.saturating_sub(since_ms) / 1000).unwrap_or(u32::MAX);
        return Some(CallOutcome::Answered { seconds });
    }
    match end {
        CallEnd::Declined { .. } => Some(CallOutcome::Declined),
        CallEnd::Busy | CallEnd::Full => Some(CallOutcome::Busy),
        CallEnd::Unanswered | CallEnd::Offline => Some(CallOutcome::Missed),
        CallEnd::NotAContact | CallEnd::TooOld | CallEnd::Ignored => None,
        CallEnd::HungUp | CallEnd::Cancelled | CallEnd::NoPath | CallEnd::Lost if party.stage.is_in() => {
            Some(CallOutcome::Failed)
        }
        CallEnd::HungUp | CallEnd::Cancelled | CallEnd::NoPath | CallEnd::Lost => {
            Some(CallOutcome::Cancelled)
        }
    }
}

/// What to say to a party on leaving.
fn farewell(wire: CallId, stage: Stage) -> Option<CallRequest> {
    match stage {
        Stage::Calling | Stage::Ringing => Some(CallRequest::Cancel { call: wire }),
        Stage::Connecting | Stage::Active | Stage::Reconnecting => Some(CallRequest::End { call: wire }),
        // Who rings was told by who ended it, or is gone; who was only named does not know us.
        Stage::Incoming | Stage::Named => None,
    }
}

impl Core {
    /// A party is out of a call: by their own word, or because we say so and tell them. The last one
    /// takes the call along.
    pub(super) fn part(&mut self, now_ms: u64, id: CallId, person: PersonId, end: CallEnd, is_told: bool) {
        let Some(call) = self.calls.known.get_mut(&id) else { return };
        let is_last = !matches!(call.kind, Kind::Room(_))
            && call.parties.iter().all(|(other, party)| *other == person || party.stage == Stage::Named);
        if is_last && is_told {
            return self.end_call(now_ms, id, end);
        }
        let Some(party) = call.parties.remove(&person) else { return };
        let also_rings = call.ringing().next();
        if call.kind == Kind::In(person) {
            call.kind = Kind::In(also_rings.unwrap_or(person));
        }
        let (wire, kind) = (call.wire, call.kind);
        if call.transfer == Some(person) {
            call.transfer = None;
        }
        self.let_go(now_ms, (id, wire), (person, &party), &end, is_told);
        self.forget_names_by(id, person, party.device);
        if is_last {
            return self.end_call(now_ms, id, end);
        }
        if let (Kind::Room(room), false) = (kind, is_told) {
            self.forget_in_channel(room, person);
        }
        self.say_party(id);
        self.call_changed(id);
    }

    /// A call is over, for us: whoever is still in it is told.
    pub(super) fn end_call(&mut self, now_ms: u64, id: CallId, end: CallEnd) {
        let Some(call) = self.calls.known.remove(&id) else { return };
        for (person, party) in &call.parties {
            self.let_go(now_ms, (id, call.wire), (*person, party), &end, true);
        }
        if let Kind::Room(room) = call.kind {
            self.say_voice(now_ms, room, false);
        }
        if !call.is_ignored {
            let conversation = call.conversation();
            self.push(Output::Emit(Event::CallEnded { call: id, conversation, end }));
        }
    }

    /// The program ends. What rings here goes on ringing there.
    pub(crate) fn end_calls(&mut self, now_ms: u64) {
        while let Some(id) = self.calls.active() {
            // It is there, and does not ring here.
            let _ = self.hang_up(now_ms, id);
        }
    }

    /// Takes leave of a party: tells them, unless they know, closes their line, and notes what became of
    /// our ring.
    fn let_go(
        &mut self,
        now_ms: u64,
        (call, wire): (CallId, CallId),
        (person, party): (PersonId, &Party),
        end: &CallEnd,
        is_told: bool,
    ) {
        let request = farewell(wire, party.stage).filter(|_| is_told);
        if let Some((request, device)) = request.zip(self.device_of(person, party)) {
            self.tell_device(Asked { call, person, device, request, tries: 0 });
        }
        if let Some(theirs) = party.theirs {
            self.calls.note_over(wire, theirs);
        }
        // Without a device there is no line: Echo lives in this program.
        if party.stage.is_in() && party.device.is_some() {
            self.push(Output::CloseLine { call, person });
        }
        if let Some(outcome) = outcome(party, end, now_ms).filter(|_| party.is_rung_by_us) {
            // With too much waiting for them already there is no note, which is no loss.
            let _ = self.write(now_ms, ConversationId::Direct(person), Content::Call(outcome));
        }
    }
}
