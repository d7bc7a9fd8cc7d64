//! What faces show of calls.

use kinmesh_proto::{CallId, ConversationId, PersonId};
use serde::Serialize;

use super::party::{Party, Stage};
use super::{Call, Kind};
use crate::node::Core;

/// A call that is going on or rings. One that is over is listed no more;
/// [`crate::Event::CallEnded`] says how it ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CallView {
    /// Which.
    pub call: CallId,
    /// Who began it.
    pub direction: CallDirection,
    /// The chat with whom it began, or the room whose voice channel it is.
    pub conversation: ConversationId,
    /// How far it is.
    pub state: CallState,
    /// Everybody else who is in it or should be.
    pub parties: Vec<PartyView>,
    /// Whether we say nothing.
    pub muted: bool,
    /// Whether we neither say nor hear anything.
    pub held: bool,
    /// Who is to take our place in it.
    pub transfer_to: Option<PersonId>,
    /// When it began to ring, or we entered the voice channel, in Unix milliseconds.
    pub started_ms: u64,
}

/// Who began a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CallDirection {
    /// We rang.
    Out,
    /// We were rung.
    In,
    /// Nobody: it is a room's voice channel.
    Room,
}

/// How far a call is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum CallState {
    /// We ring, and nobody there has heard it yet.
    Calling,
    /// It rings there.
    Ringing,
    /// It rings here.
    Incoming,
    /// It was accepted, and nothing is heard yet.
    Connecting {
        /// Since when, in Unix milliseconds.
        since_ms: u64,
    },
    /// The two hear each other; of more than two, any. In a room's voice channel we may be alone.
    Active {
        /// Since when somebody was heard first, or we entered, in Unix milliseconds.
        since_ms: u64,
    },
    /// Everybody else is cut off at the moment.
    Reconnecting {
        /// Since when, in Unix milliseconds.
        since_ms: u64,
    },
}

/// One of the others in a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct PartyView {
    /// Who.
    pub person: PersonId,
    /// How far they are.
    pub state: PartyState,
    /// Whether they say nothing.
    pub muted: bool,
    /// Whether they neither say nor hear anything.
    pub held: bool,
}

/// How far one of the others in a call is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PartyState {
    /// We ring them, and nobody there has heard it yet.
    Calling,
    /// It rings there.
    Ringing,
    /// They ring us.
    Rings,
    /// They are in it, or rung for it, as others say: there is no connection between them and us yet.
    Named,
    /// They are in it, and nothing is heard of them yet.
    Connecting,
    /// They are heard.
    Active,
    /// They are cut off at the moment.
    Reconnecting,
}

impl PartyView {
    fn of(person: PersonId, party: &Party) -> Self {
        let state = match party.stage {
            Stage::Calling => PartyState::Calling,
            Stage::Ringing => PartyState::Ringing,
            Stage::Incoming => PartyState::Rings,
            Stage::Named => PartyState::Named,
            Stage::Connecting => PartyState::Connecting,
            Stage::Active => PartyState::Active,
            Stage::Reconnecting => PartyState::Reconnecting,
        };
        Self { person, state, muted: party.muted, held: party.held }
    }
}

impl CallView {
    fn of(id: CallId, call: &Call) -> Self {
        let direction = match call.kind {
            Kind::Out(_) => CallDirection::Out,
            Kind::In(_) => CallDirection::In,
            Kind::Room(_) => CallDirection::Room,
        };
        Self {
            call: id,
            direction,
            conversation: call.conversation(),
            state: call.state(),
            parties: call.parties.iter().map(|(person, party)| PartyView::of(*person, party)).collect(),
            muted: call.muted,
            held: call.held,
            transfer_to: call.transfer,
            started_ms: call.began_ms,
        }
    }
}

impl Call {
    fn state(&self) -> CallState {
        let since = |stage| {
            let at_stage = self.parties.values().filter(|party| party.stage == stage);
            at_stage.map(|party| party.since_ms).min()
        };
        if matches!(self.kind, Kind::Room(_)) {
            return CallState::Active { since_ms: self.began_ms };
        }
        if since(Stage::Incoming).is_some() {
            return CallState::Incoming;
        }
        if let Some(since_ms) = since(Stage::Active) {
            return CallState::Active { since_ms: self.connected_ms.unwrap_or(since_ms) };
        }
        if let Some(since_ms) = since(Stage::Reconnecting) {
            return CallState::Reconnecting { since_ms };
        }
        match since(Stage::Connecting) {
            Some(since_ms) => CallState::Connecting { since_ms },
            None if since(Stage::Ringing).is_some() => CallState::Ringing,
            None => CallState::Calling,
        }
    }
}

impl Core {
    /// Calls that are going on or ring, the oldest first.
    pub(crate) fn call_views(&self) -> Vec<CallView> {
        let shown = self.calls.known.iter().filter(|(_, call)| !call.is_ignored);
        let mut views: Vec<CallView> = shown.map(|(id, call)| CallView::of(*id, call)).collect();
        views.sort_by_key(|view| (view.started_ms, view.call));
        views
    }
}
