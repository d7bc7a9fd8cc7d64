//! How a ticket is redeemed with the device that made it: one question, one answer.
//!
//! Owns what the two sides say, and how the bearer proves that they were given the ticket without
//! saying what stands in it. Whether a ticket is still good is for its maker to decide.

use std::fmt;
use std::str::FromStr;

use data_encoding::BASE32_NOPAD;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_bytes::ByteArray;

use crate::id::PersonId;
use crate::ticket::{Ticket, TicketToken};

/// Bytes of a ticket's name: enough that no two are alike.
const NAME_BYTES: usize = 16;
/// Derives the name from the token.
const NAME_CONTEXT: &str = "kinmesh 2026-11 ticket name";
/// Derives the proof's key from the token.
const PROOF_CONTEXT: &str = "kinmesh 2026-11 ticket proof";

/// Names a ticket, without the token that makes it worth something.
///
/// Serialized as 16 bytes in CBOR, as base32 text in formats for people.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TicketId(pub [u8; NAME_BYTES]);

/// The text names no ticket: it must be 26 letters and digits of base32.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not the id of an invitation: expected 26 letters and digits of base32")]
pub struct ParseTicketIdError;

/// Shows that its sender has a ticket, to the one who made it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InviteRequest {
    /// The sender wants what the ticket promises.
    Redeem {
        /// Which ticket.
        #[serde(rename = "i")]
        ticket: TicketId,
        /// [`TicketToken::proof`] between its maker and the sender.
        #[serde(rename = "p")]
        proof: ByteArray<32>,
    },
}

/// What the maker says to it, once their disk has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InviteResponse {
    /// It was good, now or when this person first came with it.
    Accepted,
    /// It will never be good for this person.
    Refused(InviteRefusal),
    /// Ask again later.
    Busy,
}

/// Why a ticket is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum InviteRefusal {
    /// Its time is over.
    #[error("the invitation has expired")]
    Expired,
    /// As many people as it was made for have used it.
    #[error("the invitation was used up")]
    UsedUp,
    /// It was taken back.
    #[error("the invitation was taken back")]
    Revoked,
    /// Nobody here made it, or the proof does not hold.
    #[error("the invitation is not known to whom it names")]
    Unknown,
}

impl TicketToken {
    /// What the ticket is called.
    pub fn id(&self) -> TicketId {
        let hash = blake3::derive_key(NAME_CONTEXT, &*self.0);
        let mut name = [0; NAME_BYTES];
        name.copy_from_slice(&hash[..NAME_BYTES]);
        TicketId(name)
    }

    /// Proves that `bearer` has this token to `maker`, who has it too. It says nothing to anybody
    /// else, and is good for nobody else.
    pub fn proof(&self, maker: PersonId, bearer: PersonId) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_keyed(&blake3::derive_key(PROOF_CONTEXT, &*self.0));
        hasher.update(&maker.0).update(&bearer.0);
        *hasher.finalize().as_bytes()
    }

    /// Whether such a proof holds. It takes the same time whatever is wrong with it.
    pub fn proves(&self, maker: PersonId, bearer: PersonId, proof: &[u8; 32]) -> bool {
        // BLAKE3 compares its hashes in constant time.
        blake3::Hash::from_bytes(self.proof(maker, bearer)) == blake3::Hash::from_bytes(*proof)
    }
}

impl Ticket {
    /// What it is called.
    pub fn id(&self) -> TicketId {
        self.token.id()
    }
}

impl fmt::Display for TicketId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE32_NOPAD.encode(&self.0).to_lowercase())
    }
}

impl fmt::Debug for TicketId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TicketId({self})")
    }
}

impl FromStr for TicketId {
    type Err = ParseTicketIdError;

    fn from_str(text: &str) -> Result<Self, ParseTicketIdError> {
        let bytes = BASE32_NOPAD.decode(text.trim().to_uppercase().as_bytes());
        let bytes = bytes.map_err(|_| ParseTicketIdError)?;
        bytes.try_into().map(Self).map_err(|_| ParseTicketIdError)
    }
}

impl Serialize for TicketId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            serializer.serialize_bytes(&self.0)
        }
    }
}

impl<'de> Deserialize<'de> for TicketId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
        } else {
            serde_bytes::deserialize(deserializer).map(Self)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proof_is_good_for_one_ticket_and_two_people() {
        let (alice, bob, mallory) = (PersonId([1; 32]), PersonId([2; 32]), PersonId([3; 32]));
        let token = TicketToken(ByteArray::new([7; 16]));
        let proof = token.proof(alice, bob);
        assert!(token.proves(alice, bob, &proof));
        assert!(!token.proves(alice, mallory, &proof), "it was overheard");
        assert!(!token.proves(mallory, bob, &proof), "it was made for somebody else");
        assert!(!token.proves(bob, alice, &proof), "the two have different parts");
        assert!(!TicketToken(ByteArray::new([8; 16])).proves(alice, bob, &proof));
    }

    #[test]
    fn a_name_survives_its_text_form_and_does_not_give_the_token_away() {
        let token = TicketToken(ByteArray::new([7; 16]));
        assert_eq!(token.id().to_string().parse(), Ok(token.id()));
        assert_ne!(token.id().0, *token.0);
        assert_eq!("abc".parse::<TicketId>(), Err(ParseTicketIdError));
    }
}
