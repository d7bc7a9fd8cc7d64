//! Words about calls in the window: how far one is, and why one cannot be made.

use kinmesh_core::{CallRefusal, CallState, CallView, PartyState};
use kinmesh_model::call::CannotCall;
use kinmesh_net::CallRefusalError;
use kinmesh_proto::{ConversationId, limits};

use super::call_error;
use crate::calls::words::duration;
use crate::i18n::{tr, tr_args};
use crate::screen::{Cx, conversation};

/// With whom a call is, or in which room.
pub fn who(call: &CallView, cx: &Cx) -> String {
    match call.conversation {
        ConversationId::Room(room) | ConversationId::Control(room) => {
            conversation::room(cx, room).map(|room| room.name.as_str().to_owned()).unwrap_or_default()
        }
        ConversationId::Direct(person) if call.parties.is_empty() => cx.names.face(person).full_name(),
        ConversationId::Direct(_) => {
            let company = kinmesh_model::call::company(call, &cx.names);
            company.into_iter().map(|(_, face)| face.full_name()).collect::<Vec<_>>().join(", ")
        }
    }
}

/// How far a call is, beside the name of who is called.
pub fn state(call: &CallView, now_ms: u64) -> String {
    let seconds = |since_ms: u64| now_ms.saturating_sub(since_ms) / 1000;
    match call.state {
        CallState::Calling => tr("call-now-calling"),
        CallState::Ringing => tr("call-now-ringing"),
        CallState::Incoming => tr("call-now-rings"),
        CallState::Connecting { .. } => tr("call-now-connecting"),
        CallState::Active { since_ms } if call.held => {
            tr_args("call-now-held", &[("duration", duration(seconds(since_ms)).into())])
        }
        CallState::Active { since_ms } => duration(seconds(since_ms)),
        CallState::Reconnecting { since_ms } => {
            tr_args("call-now-reconnecting", &[("seconds", seconds(since_ms).into())])
        }
    }
}

/// How far one of several in a call is; nothing of who is simply in it.
pub fn party(state: PartyState) -> Option<String> {
    match state {
        PartyState::Calling => Some(tr("call-now-calling")),
        PartyState::Ringing => Some(tr("call-now-ringing")),
        PartyState::Rings => Some(tr("call-now-rings")),
        PartyState::Named | PartyState::Connecting => Some(tr("call-now-connecting")),
        PartyState::Reconnecting => Some(tr("call-party-cut-off")),
        PartyState::Active => None,
    }
}

/// Why somebody of this name cannot be called now.
pub fn cannot_call(why: CannotCall, name: &str) -> String {
    match why {
        CannotCall::NotAContact => tr("error-call-not-a-contact"),
        CannotCall::Offline => tr_args("call-hint-offline", &[("name", name.into())]),
        CannotCall::InACall => tr("error-call-in-a-call"),
    }
}

/// Why nothing comes of what is wanted of a call.
pub fn refusal(error: &CallRefusalError) -> String {
    match error {
        CallRefusalError::Refused(refusal) => refused(refusal),
        CallRefusalError::Call(error) => call_error(*error),
    }
}

fn refused(refusal: &CallRefusal) -> String {
    tr(match refusal {
        CallRefusal::UnknownPerson => "error-unknown-person",
        CallRefusal::NotAContact => "error-call-not-a-contact",
        CallRefusal::Blocked => "error-blocked",
        CallRefusal::InACall => "error-call-in-a-call",
        CallRefusal::NoSuchCall | CallRefusal::NotRinging => "error-call-over",
        CallRefusal::NotStanding => "error-call-not-standing",
        CallRefusal::Offline => "error-call-offline",
        CallRefusal::Full => "call-full",
        CallRefusal::VoiceFull => "error-voice-full",
        CallRefusal::NotJoined => "error-not-joined",
        CallRefusal::OfARoom => "error-call-of-a-room",
        CallRefusal::TooLong { .. } => {
            return tr_args("error-call-too-long", &[("max", limits::DECLINE_TEXT_MAX.into())]);
        }
    })
}
