//! Calls as faces show them: which goes on and which ring, who is in one and in which order, whether
//! somebody can be called at all.

use kinmesh_core::{Acquaintance, CallDirection, CallState, CallView, PartyState, PartyView, PersonView};

use crate::directory::{Directory, Face};
use crate::timeline::CallNote;

/// The call that we are in or ring with.
pub fn standing(calls: &[CallView]) -> Option<&CallView> {
    calls.iter().find(|call| call.state != CallState::Incoming)
}

/// The calls that ring here, the oldest first.
pub fn ringing(calls: &[CallView]) -> impl Iterator<Item = &CallView> {
    calls.iter().filter(|call| call.state == CallState::Incoming)
}

/// Whether people come and go in a call while it goes on.
pub fn is_shared(call: &CallView) -> bool {
    call.direction == CallDirection::Room || call.parties.len() > 1
}

/// The others in a call: who can be heard first, then by name.
pub fn company(call: &CallView, names: &Directory) -> Vec<(PartyView, Face)> {
    let mut company: Vec<_> = call.parties.iter().map(|party| (*party, names.face(party.person))).collect();
    company.sort_by_cached_key(|(party, face)| (!is_in(party.state), face.name.to_lowercase()));
    company
}

fn is_in(state: PartyState) -> bool {
    matches!(state, PartyState::Connecting | PartyState::Active | PartyState::Reconnecting)
}

/// Why somebody cannot be called now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CannotCall {
    /// Only contacts ring each other.
    NotAContact,
    /// There is no connection with them.
    Offline,
    /// We are in a call.
    InACall,
}

/// Whether somebody can be called, while these calls go on or ring.
pub fn can_call(person: &PersonView, calls: &[CallView]) -> Result<(), CannotCall> {
    if person.acquaintance != Acquaintance::Contact {
        return Err(CannotCall::NotAContact);
    }
    if standing(calls).is_some() {
        return Err(CannotCall::InACall);
    }
    if !person.online.is_online() && !person.is_echo {
        return Err(CannotCall::Offline);
    }
    Ok(())
}

impl CallNote {
    /// Whether somebody rang us and we did not hear it.
    pub fn is_missed(self) -> bool {
        !self.by_us && self.outcome.is_missed()
    }
}
