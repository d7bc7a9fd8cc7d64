//! What the members of a private room decide: who is in, who may decide, what it is called.
//!
//! Owns the words of the control log and their form on the wire. What follows from a log is decided
//! in `kinmesh-core`.

use serde::{Deserialize, Serialize};
use serde_bytes::ByteArray;

use crate::id::{PersonId, RoomId};
use crate::limits;
use crate::name::{RoomName, StatusLine};
use crate::sealed::Commitment;

/// What somebody may do in a private room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Reads, writes, and leaves.
    Member,
    /// Also lets people in and out, makes admins, and changes the settings.
    Admin,
}

/// What of the room's past a newcomer gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Past {
    /// Everything that members still have.
    #[default]
    All,
    /// What is written from when they were let in.
    FromJoining,
}

/// What a private room is called and how it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomSettings {
    /// Its name.
    #[serde(rename = "n")]
    pub name: RoomName,
    /// What it is about; may be empty.
    #[serde(rename = "t")]
    pub topic: StatusLine,
    /// What newcomers get of the past.
    #[serde(rename = "h")]
    pub past: Past,
}

/// A person and what they may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seat {
    /// Who.
    #[serde(rename = "p")]
    pub person: PersonId,
    /// What they may do.
    #[serde(rename = "r")]
    pub role: Role,
}

/// One step of a room's control log. Each is an entry of its own: signed, ordered and reconciled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Control {
    /// Founds the room; its author is its first admin.
    Create {
        /// Makes the room's id, together with the founder: see [`RoomId::private`].
        #[serde(rename = "o")]
        nonce: ByteArray<16>,
        /// How it begins.
        #[serde(rename = "s")]
        settings: RoomSettings,
        /// Who is in it from the beginning, at most [`limits::SEATS_MAX`].
        #[serde(rename = "m")]
        seats: Vec<Seat>,
        /// Proves its first secret.
        #[serde(rename = "e")]
        epoch: Commitment,
        /// The room that it carries on, when all admins of that one are gone.
        #[serde(rename = "f")]
        parent: Option<RoomId>,
    },
    /// Lets somebody in, or back in.
    Add {
        /// Who, and as what.
        #[serde(rename = "m")]
        seat: Seat,
        /// Proves the new secret, which keeps the past from the newcomer when the settings say so.
        #[serde(rename = "e")]
        epoch: Option<Commitment>,
    },
    /// Puts somebody out. They keep what they have, and get nothing more.
    Remove {
        /// Who.
        #[serde(rename = "p")]
        person: PersonId,
        /// Proves the new secret, which they never get.
        #[serde(rename = "e")]
        epoch: Commitment,
    },
    /// The author goes.
    Leave,
    /// Changes what somebody may do.
    SetRole(Seat),
    /// Changes the settings; all of them, so that the latest word is the whole.
    SetSettings(RoomSettings),
    /// A new secret: somebody left.
    Rotate {
        /// Proves it.
        #[serde(rename = "e")]
        epoch: Commitment,
    },
}

impl Control {
    /// The proof of the secret that this step brings.
    pub fn epoch(&self) -> Option<Commitment> {
        match self {
            Self::Create { epoch, .. } | Self::Remove { epoch, .. } | Self::Rotate { epoch } => Some(*epoch),
            Self::Add { epoch, .. } => *epoch,
            Self::Leave | Self::SetRole(_) | Self::SetSettings(_) => None,
        }
    }

    /// Who has fewer rights after it.
    pub fn demoted(&self) -> Option<PersonId> {
        match self {
            Self::Remove { person, .. } | Self::SetRole(Seat { person, role: Role::Member }) => Some(*person),
            _ => None,
        }
    }

    pub(crate) fn is_within_limits(&self) -> bool {
        match self {
            Self::Create { seats, .. } => seats.len() <= limits::SEATS_MAX,
            _ => true,
        }
    }
}

impl RoomId {
    /// The private room that this person founded with this nonce: nobody else can found it.
    pub fn private(founder: PersonId, nonce: &[u8; 16]) -> Self {
        let material = [&founder.0[..], nonce].concat();
        Self(blake3::derive_key("kinmesh 2026-11 private room", &material))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec;

    #[test]
    fn every_step_survives_its_way_over_the_wire() {
        let seat = Seat { person: PersonId([1; 32]), role: Role::Admin };
        let settings = RoomSettings {
            name: RoomName::new("Boat").unwrap(),
            topic: StatusLine::new("sailing").unwrap(),
            past: Past::FromJoining,
        };
        let epoch = Commitment([4; 32]);
        let nonce = ByteArray::new([5; 16]);
        let steps = [
            Control::Create { nonce, settings: settings.clone(), seats: vec![seat], epoch, parent: None },
            Control::Add { seat, epoch: Some(epoch) },
            Control::Remove { person: seat.person, epoch },
            Control::Leave,
            Control::SetRole(seat),
            Control::SetSettings(settings),
            Control::Rotate { epoch },
        ];
        for step in steps {
            assert_eq!(codec::decode::<Control>(&codec::encode(&step), 1024).unwrap(), step);
        }
    }

    #[test]
    fn a_room_is_its_founders_alone() {
        let room = RoomId::private(PersonId([1; 32]), &[5; 16]);
        assert_ne!(room, RoomId::private(PersonId([2; 32]), &[5; 16]));
        assert_ne!(room, RoomId::private(PersonId([1; 32]), &[6; 16]));
    }
}
