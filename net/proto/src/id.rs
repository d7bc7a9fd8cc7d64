//! Newtypes for everything that is named by 32 bytes, and for calls, which are named by 16.

use std::fmt;
use std::str::FromStr;

use data_encoding::BASE32_NOPAD;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The text is not an id: it must be 52 letters and digits of base32 (RFC 4648, without padding), or 26
/// for a call.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an id: expected 52 letters and digits of base32, or 26 for a call")]
pub struct ParseIdError;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        id! { $(#[$doc])* $name of 32 bytes }
    };
    ($(#[$doc:meta])* $name:ident of $bytes:literal bytes) => {
        $(#[$doc])*
        ///
        #[doc = concat!("Serialized as ", $bytes, " bytes in CBOR, as base32 text in formats for people (JSON, TOML).")]
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub [u8; $bytes]);

        impl $name {
            /// The raw bytes.
            pub fn as_bytes(&self) -> &[u8; $bytes] {
                &self.0
            }

            /// The first ten characters: enough for a log line, not for trust.
            pub fn fmt_short(&self) -> String {
                let mut text = self.to_string();
                text.truncate(10);
                text
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&BASE32_NOPAD.encode(&self.0).to_lowercase())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.fmt_short())
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                if serializer.is_human_readable() {
                    serializer.collect_str(self)
                } else {
                    serializer.serialize_bytes(&self.0)
                }
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                if deserializer.is_human_readable() {
                    String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
                } else {
                    serde_bytes::deserialize(deserializer).map(Self)
                }
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                let bytes = BASE32_NOPAD
                    .decode(text.trim().to_uppercase().as_bytes())
                    .map_err(|_| ParseIdError)?;
                Ok(Self(bytes.try_into().map_err(|_| ParseIdError)?))
            }
        }
    };
}

id! {
    /// A person: an Ed25519 public key that certifies the person's devices.
    PersonId
}
id! {
    /// A device of a person: the Ed25519 public key behind its libp2p peer id.
    DeviceId
}
id! {
    /// An entry: BLAKE3 of its signed bytes, so equal content by one author at one time is one entry.
    EntryId
}
id! {
    /// A room. For a public room it is derived from the normalised name.
    RoomId
}
id! {
    /// A call. Random, made by who rings; of a room's voice channel it is derived from the room.
    CallId of 16 bytes
}
id! {
    /// What an entry is bound to on the wire: a room, or an unordered pair of persons.
    ConversationTag
}

/// Characters of a [`PersonId::fingerprint`], without its dash.
const FINGERPRINT_CHARS: usize = 8;

impl PersonId {
    /// Eight characters of BLAKE3 of the key, as `k7fw-2qpx`: tells two people of one name apart.
    ///
    /// 40 bits: a help for the eye. It is no proof of who somebody is.
    pub fn fingerprint(&self) -> String {
        let hash = blake3::hash(&self.0);
        let text = BASE32_NOPAD.encode(&hash.as_bytes()[..FINGERPRINT_CHARS * 5 / 8]).to_lowercase();
        format!("{}-{}", &text[..FINGERPRINT_CHARS / 2], &text[FINGERPRINT_CHARS / 2..])
    }
}

/// A conversation as one peer sees it: a room, the chat with a person, or what stands behind a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConversationId {
    /// A group room.
    Room(RoomId),
    /// The one-to-one chat with this person.
    Direct(PersonId),
    /// The control log of a private room: who is in it, decided step by step. No face shows it.
    Control(RoomId),
}

impl ConversationId {
    /// The tag that entries of this conversation carry, as seen by `me`.
    ///
    /// A chat has the same tag on both sides: it is derived from the two keys in ascending order.
    pub fn tag(&self, me: PersonId) -> ConversationTag {
        match self {
            Self::Room(room) => ConversationTag(room.0),
            Self::Direct(other) => {
                let (low, high) = if me <= *other { (me, *other) } else { (*other, me) };
                let mut hasher = blake3::Hasher::new_derive_key("kinmesh 2026-11 direct conversation");
                hasher.update(&low.0).update(&high.0);
                ConversationTag(*hasher.finalize().as_bytes())
            }
            Self::Control(room) => {
                ConversationTag(blake3::derive_key("kinmesh 2026-11 control log", &room.0))
            }
        }
    }

    /// The room that this is, or that this stands behind.
    pub fn room(&self) -> Option<RoomId> {
        match self {
            Self::Room(room) | Self::Control(room) => Some(*room),
            Self::Direct(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_survives_its_text_form() {
        let id = PersonId([7; 32]);
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!("abc".parse::<PersonId>(), Err(ParseIdError));
        let call = CallId([7; 16]);
        assert_eq!(call.to_string().parse(), Ok(call));
        assert_eq!(id.to_string().parse::<CallId>(), Err(ParseIdError));
    }

    #[test]
    fn both_sides_of_a_chat_derive_the_same_tag() {
        let (alice, bob) = (PersonId([1; 32]), PersonId([2; 32]));
        assert_eq!(ConversationId::Direct(bob).tag(alice), ConversationId::Direct(alice).tag(bob));
        assert_ne!(ConversationId::Direct(bob).tag(alice), ConversationId::Direct(alice).tag(alice));
    }

    #[test]
    fn a_fingerprint_is_short_and_stable() {
        let fingerprint = PersonId([1; 32]).fingerprint();
        assert_eq!(fingerprint.len(), 9);
        assert_eq!(fingerprint, PersonId([1; 32]).fingerprint());
        assert_ne!(fingerprint, PersonId([2; 32]).fingerprint());
    }
}
