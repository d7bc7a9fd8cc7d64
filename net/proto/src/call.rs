//! What devices say to each other about calls: ringing, answering, who is in, hanging up.
//!
//! Owns the words and their limits. What a call may become is for the receiver to decide, and the
//! sound itself travels apart from all this.

use serde::{Deserialize, Serialize};

use crate::id::{CallId, PersonId, RoomId};
use crate::limits;
use crate::signed::Signable;
use crate::ticket::Reach;

/// One word about a call, to the device of somebody who is in it or should be.
///
/// A *line* is a random number under which its sender wants to be sent the receiver's voice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallRequest {
    /// The sender rings. Only contacts may.
    Ring {
        /// Names the call from now on.
        #[serde(rename = "c")]
        call: CallId,
        /// The sender's line.
        #[serde(rename = "l")]
        line: u32,
        /// Who else is in it: nobody, if it is a call of two. At most [`limits::CALL_PARTY_MAX`].
        #[serde(rename = "p")]
        party: Vec<PersonId>,
    },
    /// The receiver's ring was accepted.
    Accept {
        /// Which call.
        #[serde(rename = "c")]
        call: CallId,
        /// The sender's line.
        #[serde(rename = "l")]
        line: u32,
    },
    /// The receiver's ring was declined.
    Decline {
        /// Which call.
        #[serde(rename = "c")]
        call: CallId,
        /// Why, if the user says so; at most [`limits::DECLINE_TEXT_MAX`] bytes.
        #[serde(rename = "x")]
        text: Option<String>,
    },
    /// The sender rings no longer.
    Cancel {
        /// Which call.
        #[serde(rename = "c")]
        call: CallId,
    },
    /// The sender enters a call in which the receiver is: somebody in it rang the sender, or it is the
    /// voice channel of a room of both.
    Join {
        /// Which call.
        #[serde(rename = "c")]
        call: CallId,
        /// The sender's line.
        #[serde(rename = "l")]
        line: u32,
    },
    /// Everybody who is in the call or is being rung for it, as the sender knows it.
    Party {
        /// Which call.
        #[serde(rename = "c")]
        call: CallId,
        /// At most [`limits::CALL_PARTY_MAX`], the sender included.
        #[serde(rename = "p")]
        party: Vec<CallMember>,
    },
    /// How the sender takes part. Said when it changes, and as a question whether the receiver is
    /// still there.
    State {
        /// Which call.
        #[serde(rename = "c")]
        call: CallId,
        /// Whether they say nothing.
        #[serde(rename = "m")]
        muted: bool,
        /// Whether they neither say nor hear anything.
        #[serde(rename = "h")]
        held: bool,
    },
    /// Asks the receiver to add a contact of theirs to the call; the sender leaves once that contact
    /// is in it.
    Transfer {
        /// Which call.
        #[serde(rename = "c")]
        call: CallId,
        /// Whom.
        #[serde(rename = "p")]
        to: PersonId,
    },
    /// The sender leaves the call.
    End {
        /// Which call.
        #[serde(rename = "c")]
        call: CallId,
    },
}

/// Somebody in a call, and how the others come to them: they may never have met.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallMember {
    /// Who.
    #[serde(rename = "p")]
    pub person: PersonId,
    /// Their device in the call and where it is reached, with at most [`limits::TICKET_ADDRESSES_MAX`]
    /// addresses; `None` of the sender itself, and of whom it has not reached yet.
    #[serde(rename = "w")]
    pub reach: Option<Reach>,
}

impl CallRequest {
    /// Which call it is about.
    pub fn call(&self) -> CallId {
        match self {
            Self::Ring { call, .. }
            | Self::Accept { call, .. }
            | Self::Decline { call, .. }
            | Self::Cancel { call }
            | Self::Join { call, .. }
            | Self::Party { call, .. }
            | Self::State { call, .. }
            | Self::Transfer { call, .. }
            | Self::End { call } => *call,
        }
    }

    /// Limits that decoding does not check. What crosses one is not looked at.
    pub fn is_within_limits(&self) -> bool {
        match self {
            // Who rings and who is rung are not in the list.
            Self::Ring { party, .. } => party.len() + 2 <= limits::CALL_PARTY_MAX,
            Self::Party { party, .. } => {
                let mut told = party.iter().filter_map(|member| member.reach.as_ref());
                party.len() <= limits::CALL_PARTY_MAX && told.all(Reach::is_within_limits)
            }
            Self::Decline { text: Some(text), .. } => text.len() <= limits::DECLINE_TEXT_MAX,
            Self::Accept { .. }
            | Self::Decline { text: None, .. }
            | Self::Cancel { .. }
            | Self::Join { .. }
            | Self::State { .. }
            | Self::Transfer { .. }
            | Self::End { .. } => true,
        }
    }
}

/// What is answered to a [`CallRequest`], at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallResponse {
    /// It was heard; to a ring: it rings.
    Noted,
    /// The asker is in, and this is the answerer's line.
    Joined {
        /// The line.
        #[serde(rename = "l")]
        line: u32,
    },
    /// The user is in another call, or was rung too often.
    Busy,
    /// Each rang the other. Of the two calls the one with the smaller id counts; the other one is
    /// forgotten, and who rang it accepts the one that counts.
    Crossed {
        /// The one that counts.
        #[serde(rename = "c")]
        call: CallId,
    },
    /// There is no such call here, or no more, or the asker has no part in it.
    NoSuchCall,
    /// The asker is no contact.
    ContactsOnly,
    /// As many people are in it as fit.
    Full,
    /// The asker has not said hello yet, or says too much: ask again.
    Later,
}

/// What became of a call, as who rang says in the chat once it is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "outcome")]
pub enum CallOutcome {
    /// They talked.
    Answered {
        /// For how long.
        seconds: u32,
    },
    /// Nobody answered, or nobody was there.
    Missed,
    /// It was declined.
    Declined,
    /// The other was in another call.
    Busy,
    /// Who rang gave up before anybody answered.
    Cancelled,
    /// It was accepted, but no voice got through.
    Failed,
}

impl CallOutcome {
    /// Whether who was rung may not know of it.
    pub fn is_missed(self) -> bool {
        match self {
            Self::Missed | Self::Busy | Self::Cancelled => true,
            Self::Answered { .. } | Self::Declined | Self::Failed => false,
        }
    }

    /// How it is called on the wire.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Answered { .. } => "answered",
            Self::Missed => "missed",
            Self::Declined => "declined",
            Self::Busy => "busy",
            Self::Cancelled => "cancelled",
            Self::Failed => "failed",
        }
    }

    /// How long they talked.
    pub(crate) fn seconds(self) -> Option<u32> {
        match self {
            Self::Answered { seconds } => Some(seconds),
            _ => None,
        }
    }

    /// The outcome without a duration that is called so.
    pub(crate) fn of_word(word: &str) -> Option<Self> {
        let outcomes = [Self::Missed, Self::Declined, Self::Busy, Self::Cancelled, Self::Failed];
        outcomes.into_iter().find(|outcome| outcome.word() == word)
    }
}

/// Somebody is in the voice channel of a room, or leaves it. It is good for [`limits::VOICE_TTL_MS`]
/// and never stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Voice {
    /// The room.
    #[serde(rename = "r")]
    pub room: RoomId,
    /// When this was said, in Unix milliseconds. Of two, the later one counts.
    #[serde(rename = "t")]
    pub sent_ms: u64,
    /// Whether they are in it.
    #[serde(rename = "a")]
    pub here: bool,
}

impl Signable for Voice {
    const DOMAIN: &'static [u8] = b"kinmesh voice 1\0";
    const BODY_MAX: usize = 128;

    fn is_within_limits(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec;
    use crate::id::DeviceId;

    #[test]
    fn the_largest_request_fits() {
        let address = "/".repeat(limits::TICKET_ADDRESS_BYTES_MAX);
        let addresses = vec![address; limits::TICKET_ADDRESSES_MAX];
        let reach = Some(Reach { device: DeviceId([8; 32]), addresses });
        let party = vec![CallMember { person: PersonId([7; 32]), reach }; limits::CALL_PARTY_MAX];
        let largest = CallRequest::Party { call: CallId([1; 16]), party };
        assert!(largest.is_within_limits());
        assert!(codec::encode(&largest).len() as u64 <= limits::CALL_REQUEST_MAX);
    }

    #[test]
    fn a_crowd_and_a_long_text_cross_the_limits() {
        let (call, line) = (CallId([1; 16]), 7);
        let ring = |party| CallRequest::Ring { call, line, party: vec![PersonId([7; 32]); party] };
        assert!(ring(limits::CALL_PARTY_MAX - 2).is_within_limits());
        assert!(!ring(limits::CALL_PARTY_MAX - 1).is_within_limits());
        let decline = |bytes| CallRequest::Decline { call, text: Some("x".repeat(bytes)) };
        assert!(decline(limits::DECLINE_TEXT_MAX).is_within_limits());
        assert!(!decline(limits::DECLINE_TEXT_MAX + 1).is_within_limits());
    }
}
