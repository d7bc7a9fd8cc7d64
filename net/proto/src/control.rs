//! What is decided about a room that somebody founded, private or public: who is in, who may decide, what
//! it is called, what is not shown.
//!
//! Owns the words of the control log and their form on the wire. What follows from a log is decided
//! in `kinmesh-core`.

use std::fmt;
use std::sync::Arc;

use data_encoding::BASE32_NOPAD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_bytes::{ByteArray, ByteBuf};

use crate::entry::EntryKey;
use crate::id::{PersonId, RoomId};
use crate::limits;
use crate::name::{RoomName, StatusLine};
use crate::sealed::Commitment;

/// What somebody may do in a room that has a control log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Reads, writes, and leaves.
    Member,
    /// Also lets people in and out, moderates, makes admins, and changes the settings.
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

/// Who may write in a founded public room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Door {
    /// Whoever comes.
    #[default]
    Open,
    /// Whom an admin let in.
    Knock,
}

impl Door {
    /// Whether everybody may write.
    pub fn is_open(&self) -> bool {
        *self == Self::Open
    }
}

/// What a room is called and how it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomSettings {
    /// Its name.
    #[serde(rename = "n")]
    pub name: RoomName,
    /// What it is about; may be empty.
    #[serde(rename = "t")]
    pub topic: StatusLine,
    /// What newcomers get of a private room's past.
    #[serde(rename = "h")]
    pub past: Past,
    /// Who may write, in a public room.
    #[serde(rename = "d", default, skip_serializing_if = "Door::is_open")]
    pub door: Door,
    /// How long somebody who is no admin waits between two posts, in milliseconds, at most
    /// [`limits::SLOW_MAX_MS`]. Zero: not at all.
    #[serde(rename = "w", default, skip_serializing_if = "is_default")]
    pub slow_ms: u64,
    /// For how many days what is said is kept, at most [`limits::KEEP_DAYS_MAX`]. Zero: for ever.
    #[serde(rename = "k", default, skip_serializing_if = "is_default")]
    pub keep_days: u32,
}

impl RoomSettings {
    /// Settings of a room that is as most are: nobody knocks, nobody waits, and all is kept.
    pub fn new(name: RoomName, topic: StatusLine, past: Past) -> Self {
        Self { name, topic, past, door: Door::Open, slow_ms: 0, keep_days: 0 }
    }

    fn is_within_limits(&self) -> bool {
        self.slow_ms <= limits::SLOW_MAX_MS && self.keep_days <= limits::KEEP_DAYS_MAX
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// A room's picture, as somebody sent it: a square PNG of at most [`limits::PICTURE_SIDE_MAX`] pixels a side,
/// or so they say. The length alone is sure; what decodes it shows nothing of what is anything else.
#[derive(Clone, PartialEq, Eq)]
pub struct RoomPicture(Arc<[u8]>);

/// A picture is longer than a step may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a picture of {size} bytes, at most {} are allowed", limits::PICTURE_BYTES_MAX)]
pub struct PictureTooLarge {
    /// Its bytes.
    pub size: usize,
}

impl RoomPicture {
    /// Takes at most [`limits::PICTURE_BYTES_MAX`] bytes, whatever they are.
    pub fn new(bytes: impl Into<Arc<[u8]>>) -> Result<Self, PictureTooLarge> {
        let bytes = bytes.into();
        match bytes.len() {
            size if size > limits::PICTURE_BYTES_MAX => Err(PictureTooLarge { size }),
            _ => Ok(Self(bytes)),
        }
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// BLAKE3 of the bytes, in base32: whoever has seen a picture once knows it again.
    pub fn id(&self) -> String {
        BASE32_NOPAD.encode(blake3::hash(&self.0).as_bytes()).to_lowercase()
    }
}

impl fmt::Debug for RoomPicture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RoomPicture({} bytes)", self.0.len())
    }
}

impl Serialize for RoomPicture {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for RoomPicture {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes = ByteBuf::deserialize(deserializer)?.into_vec();
        Self::new(bytes).map_err(serde::de::Error::custom)
    }
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
        /// Makes the room's id, together with the founder: see [`RoomId::private`] and [`RoomId::founded`].
        #[serde(rename = "o")]
        nonce: ByteArray<16>,
        /// How it begins.
        #[serde(rename = "s")]
        settings: RoomSettings,
        /// Who is in it from the beginning, at most [`limits::SEATS_MAX`].
        #[serde(rename = "m")]
        seats: Vec<Seat>,
        /// Proves the first secret of a private room. A public one has none.
        #[serde(rename = "e")]
        epoch: Option<Commitment>,
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
        /// Proves the new secret of a private room, which they never get.
        #[serde(rename = "e")]
        epoch: Option<Commitment>,
        /// In a public room: from when on their words are not shown, in Unix milliseconds, if that is
        /// earlier than this step.
        #[serde(rename = "w", default, skip_serializing_if = "Option::is_none")]
        from_ms: Option<u64>,
    },
    /// The author goes.
    Leave,
    /// Changes what somebody may do.
    SetRole(Seat),
    /// Changes the settings; all of them, so that the latest word is the whole.
    SetSettings(RoomSettings),
    /// Gives the room a picture, or takes it away. Not one of the settings, which would carry it along
    /// whenever one of them changes.
    SetPicture(Option<RoomPicture>),
    /// A new secret: somebody left.
    Rotate {
        /// Proves it.
        #[serde(rename = "e")]
        epoch: Commitment,
    },
    /// Entries are not shown, or shown again.
    Hide {
        /// Which, from 1 to [`limits::HIDE_MAX`].
        #[serde(rename = "t")]
        entries: Vec<EntryKey>,
        /// Whether they are hidden from now on.
        #[serde(rename = "o")]
        hidden: bool,
        /// Why; may be empty.
        #[serde(rename = "x")]
        reason: StatusLine,
    },
    /// What somebody writes is not shown for a while.
    Mute {
        /// Who.
        #[serde(rename = "p")]
        person: PersonId,
        /// Until when, in Unix milliseconds. A time that is over ends the mute before.
        #[serde(rename = "u")]
        until_ms: u64,
        /// From when on, in Unix milliseconds, if that is earlier than this step.
        #[serde(rename = "w", default, skip_serializing_if = "Option::is_none")]
        from_ms: Option<u64>,
    },
}

impl Control {
    /// The proof of the secret that this step brings.
    pub fn epoch(&self) -> Option<Commitment> {
        match self {
            Self::Create { epoch, .. } | Self::Remove { epoch, .. } | Self::Add { epoch, .. } => *epoch,
            Self::Rotate { epoch } => Some(*epoch),
            Self::Leave
            | Self::SetRole(_)
            | Self::SetSettings(_)
            | Self::SetPicture(_)
            | Self::Hide { .. }
            | Self::Mute { .. } => None,
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
            Self::Create { seats, settings, .. } => {
                seats.len() <= limits::SEATS_MAX && settings.is_within_limits()
            }
            Self::SetSettings(settings) => settings.is_within_limits(),
            Self::Hide { entries, .. } => (1..=limits::HIDE_MAX).contains(&entries.len()),
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

    /// The public room that this person founded with this nonce: nobody else can found it, and it is
    /// nobody's private room.
    pub fn founded(founder: PersonId, nonce: &[u8; 16]) -> Self {
        let material = [&founder.0[..], nonce].concat();
        Self(blake3::derive_key("kinmesh 2026-11 founded room", &material))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec;

    #[test]
    fn every_step_survives_its_way_over_the_wire() {
        let seat = Seat { person: PersonId([1; 32]), role: Role::Admin };
        let (name, topic) = (RoomName::new("Boat").unwrap(), StatusLine::new("sailing").unwrap());
        let settings = RoomSettings::new(name, topic, Past::FromJoining);
        let slow = RoomSettings { door: Door::Knock, slow_ms: 30_000, ..settings.clone() };
        let epoch = Some(Commitment([4; 32]));
        let entry = EntryKey { clock: crate::entry::Hlc(7), id: crate::id::EntryId([7; 32]) };
        let reason = StatusLine::new("spam").unwrap();
        let nonce = ByteArray::new([5; 16]);
        let steps = [
            Control::Create { nonce, settings: settings.clone(), seats: vec![seat], epoch, parent: None },
            Control::Add { seat, epoch },
            Control::Remove { person: seat.person, epoch, from_ms: None },
            Control::Remove { person: seat.person, epoch: None, from_ms: Some(1) },
            Control::Leave,
            Control::SetRole(seat),
            Control::SetSettings(settings),
            Control::SetSettings(slow),
            Control::SetPicture(Some(RoomPicture::new([7; 3]).unwrap())),
            Control::SetPicture(None),
            Control::Rotate { epoch: Commitment([4; 32]) },
            Control::Hide { entries: vec![entry], hidden: true, reason },
            Control::Mute { person: seat.person, until_ms: 9, from_ms: None },
        ];
        for step in steps {
            assert_eq!(codec::decode::<Control>(&codec::encode(&step), 1024).unwrap(), step);
        }
    }

    #[test]
    fn a_picture_that_is_too_large_is_refused_here_and_from_the_wire() {
        let size = limits::PICTURE_BYTES_MAX + 1;
        assert_eq!(RoomPicture::new(vec![0; size]), Err(PictureTooLarge { size }));
        let step = |size| codec::encode(&Control::SetPicture(Some(RoomPicture(vec![0; size].into()))));
        assert!(codec::decode::<Control>(&step(size), limits::ENTRY_MAX).is_err());
        assert!(codec::decode::<Control>(&step(size - 1), limits::ENTRY_MAX).is_ok());
    }

    #[test]
    fn a_room_is_its_founders_alone() {
        let room = RoomId::private(PersonId([1; 32]), &[5; 16]);
        assert_ne!(room, RoomId::private(PersonId([2; 32]), &[5; 16]));
        assert_ne!(room, RoomId::private(PersonId([1; 32]), &[6; 16]));
        assert_ne!(room, RoomId::founded(PersonId([1; 32]), &[5; 16]));
    }
}
