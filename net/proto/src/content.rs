//! What an entry says: text, or a change to another entry.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_bytes::ByteArray;

use crate::call::CallOutcome;
use crate::codec;
use crate::control::Control;
use crate::entry::EntryKey;
use crate::id::{PersonId, RoomId};
use crate::limits;
use crate::name::{DisplayName, RoomName};
use crate::sealed::Sealed;

/// What an entry says.
///
/// An edit, a delete and a reaction are *changes*: entries of their own, signed and reconciled like
/// the rest, that say something about another one. All others are *posts*.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Content {
    /// Plain text, 1 to [`limits::TEXT_MAX`] bytes.
    Text {
        /// The text.
        text: String,
        /// The post it answers.
        reply: Option<EntryKey>,
    },
    /// New text for a post of the same person. The latest one is shown, the others are its history.
    Edit {
        /// The post.
        of: EntryKey,
        /// Its new text, 1 to [`limits::TEXT_MAX`] bytes.
        text: String,
    },
    /// Takes back a post of the same person: every member erases its content, and that of its edits.
    Delete {
        /// The post.
        of: EntryKey,
    },
    /// What a person feels about a post. Of one person and one emoji the latest word counts.
    Reaction {
        /// The post.
        to: EntryKey,
        /// One emoji, at most [`limits::EMOJI_BYTES_MAX`] bytes.
        emoji: String,
        /// Whether it is put there, or taken back.
        on: bool,
    },
    /// Passes on a contact: the author knows this person, and thinks that the reader might want to.
    Introduction {
        /// Who is introduced.
        person: PersonId,
        /// What the author calls them.
        name: DisplayName,
    },
    /// Tells a contact that a private room has let them in, and where to look for it: with the author.
    Invitation {
        /// The room.
        room: RoomId,
        /// What it is called.
        name: RoomName,
    },
    /// What became of a call with which the author rang the reader.
    Call(CallOutcome),
    /// A step of a private room's control log.
    Control(Box<Control>),
    /// What only members of a private room can read, as long as it was not opened.
    Sealed {
        /// The sealed bytes: CBOR of another content.
        sealed: Box<Sealed>,
        /// The post that it changes. On the wire the header says it.
        of: Option<EntryKey>,
    },
    /// What was here has been erased.
    Erased {
        /// BLAKE3 of what was here, so that the signature still holds.
        hash: [u8; 32],
        /// The post that it changed. On the wire the header says it.
        of: Option<EntryKey>,
    },
    /// Something a later version says. It is kept and forwarded, and shown as unreadable here.
    #[default]
    Unknown,
}

impl Content {
    /// Text that answers nothing.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text { text: text.into(), reply: None }
    }

    /// The post that this changes; `None` for a post.
    pub fn target(&self) -> Option<EntryKey> {
        match self {
            Self::Edit { of, .. } | Self::Delete { of } | Self::Reaction { to: of, .. } => Some(*of),
            Self::Erased { of, .. } | Self::Sealed { of, .. } => *of,
            Self::Text { .. }
            | Self::Introduction { .. }
            | Self::Invitation { .. }
            | Self::Call(_)
            | Self::Control(_)
            | Self::Unknown => None,
        }
    }

    /// Whether the reader knows of it without reading: a call that they took part in.
    pub fn is_known_to_reader(&self) -> bool {
        matches!(self, Self::Call(outcome) if !outcome.is_missed())
    }

    /// Whether it changes no other entry.
    pub fn is_post(&self) -> bool {
        self.target().is_none()
    }

    /// What takes the place of this encoded content once it is erased.
    pub(crate) fn erased(content: &[u8]) -> Self {
        Self::Erased { hash: hash(content), of: None }
    }

    /// This content under a header that names `target`. `None` when the two do not belong together.
    pub(crate) fn under(self, target: Option<EntryKey>) -> Option<Self> {
        match self {
            Self::Erased { hash, .. } => Some(Self::Erased { hash, of: target }),
            Self::Sealed { sealed, .. } => Some(Self::Sealed { sealed, of: target }),
            Self::Unknown => Some(Self::Unknown),
            content => (content.target() == target).then_some(content),
        }
    }

    pub(crate) fn is_within_limits(&self) -> bool {
        let text_fits = |text: &str| !text.is_empty() && text.len() <= limits::TEXT_MAX;
        match self {
            Self::Text { text, .. } | Self::Edit { text, .. } => text_fits(text),
            Self::Reaction { emoji, .. } => !emoji.is_empty() && emoji.len() <= limits::EMOJI_BYTES_MAX,
            Self::Control(control) => control.is_within_limits(),
            Self::Sealed { sealed, .. } => sealed.is_within_limits(),
            // A name checks itself while it is decoded.
            Self::Delete { .. }
            | Self::Introduction { .. }
            | Self::Invitation { .. }
            | Self::Call(_)
            | Self::Erased { .. }
            | Self::Unknown => true,
        }
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::Text { .. } => "text",
            Self::Edit { .. } => "edit",
            Self::Delete { .. } => "delete",
            Self::Reaction { .. } => "reaction",
            Self::Introduction { .. } => "introduction",
            Self::Invitation { .. } => "invitation",
            Self::Call(_) => "call",
            Self::Control(_) => "control",
            Self::Sealed { .. } => "sealed",
            Self::Erased { .. } => "erased",
            Self::Unknown => "unknown",
        }
    }
}

/// BLAKE3 of a content as its author encoded it; of an erased one, of what it was.
pub(crate) fn hash(encoded: &[u8]) -> [u8; 32] {
    match codec::decode(encoded, ERASED_BYTES) {
        Ok(Content::Erased { hash, .. }) => hash,
        _ => *blake3::hash(encoded).as_bytes(),
    }
}

/// Bytes of an erased content in its shortest form. A longer encoding of one is no erased content,
/// so looking for it never decodes a long text.
const ERASED_BYTES: usize = 46;

/// The one map that all kinds share on the wire; each uses some of its fields.
#[derive(Serialize, Deserialize)]
struct Wire<K, X, N, C, B> {
    k: K,
    #[serde(skip_serializing_if = "Option::is_none")]
    x: Option<X>,
    #[serde(skip_serializing_if = "Option::is_none")]
    t: Option<EntryKey>,
    #[serde(skip_serializing_if = "Option::is_none")]
    o: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    h: Option<ByteArray<32>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    p: Option<PersonId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    r: Option<RoomId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    n: Option<N>,
    #[serde(skip_serializing_if = "Option::is_none")]
    c: Option<C>,
    #[serde(skip_serializing_if = "Option::is_none")]
    b: Option<B>,
    #[serde(skip_serializing_if = "Option::is_none")]
    s: Option<u32>,
}

/// As it is read, and as it is written.
type Read = Wire<String, String, DisplayName, Box<Control>, Box<Sealed>>;
type Written<'c> = Wire<&'c str, &'c str, &'c DisplayName, &'c Control, &'c Sealed>;

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Read { k, x, t, o, h, p, r, n, c, b, s } = Read::deserialize(deserializer)?;
        let missing = D::Error::missing_field;
        Ok(match k.as_str() {
            "text" => Self::Text { text: x.ok_or_else(|| missing("x"))?, reply: t },
            "edit" => Self::Edit { of: t.ok_or_else(|| missing("t"))?, text: x.ok_or_else(|| missing("x"))? },
            "delete" => Self::Delete { of: t.ok_or_else(|| missing("t"))? },
            "reaction" => Self::Reaction {
                to: t.ok_or_else(|| missing("t"))?,
                emoji: x.ok_or_else(|| missing("x"))?,
                on: o.ok_or_else(|| missing("o"))?,
            },
            "introduction" => Self::Introduction {
                person: p.ok_or_else(|| missing("p"))?,
                name: n.ok_or_else(|| missing("n"))?,
            },
            "invitation" => Self::Invitation {
                room: r.ok_or_else(|| missing("r"))?,
                name: RoomName::new(&x.ok_or_else(|| missing("x"))?).map_err(D::Error::custom)?,
            },
            "call" => match x.ok_or_else(|| missing("x"))?.as_str() {
                "answered" => Self::Call(CallOutcome::Answered { seconds: s.ok_or_else(|| missing("s"))? }),
                word => CallOutcome::of_word(word).map_or(Self::Unknown, Self::Call),
            },
            "control" => Self::Control(c.ok_or_else(|| missing("c"))?),
            "sealed" => Self::Sealed { sealed: b.ok_or_else(|| missing("b"))?, of: None },
            "erased" => Self::Erased { hash: h.ok_or_else(|| missing("h"))?.into_array(), of: None },
            _ => Self::Unknown,
        })
    }
}

impl Serialize for Content {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (k, x, t, o, h) = (self.kind(), None, None, None, None);
        let mut wire = Written { k, x, t, o, h, p: None, r: None, n: None, c: None, b: None, s: None };
        match self {
            Self::Text { text, reply } => (wire.x, wire.t) = (Some(text.as_str()), *reply),
            Self::Edit { of, text } => (wire.x, wire.t) = (Some(text.as_str()), Some(*of)),
            Self::Delete { of } => wire.t = Some(*of),
            Self::Reaction { to, emoji, on } => {
                (wire.x, wire.t, wire.o) = (Some(emoji.as_str()), Some(*to), Some(*on));
            }
            Self::Introduction { person, name } => (wire.p, wire.n) = (Some(*person), Some(name)),
            Self::Invitation { room, name } => (wire.r, wire.x) = (Some(*room), Some(name.as_str())),
            Self::Call(outcome) => (wire.x, wire.s) = (Some(outcome.word()), outcome.seconds()),
            Self::Control(control) => wire.c = Some(control),
            Self::Sealed { sealed, of: _ } => wire.b = Some(sealed),
            Self::Erased { hash, of: _ } => wire.h = Some(ByteArray::new(*hash)),
            Self::Unknown => {}
        }
        wire.serialize(serializer)
    }
}

/// All that the header of an entry holds of its content: the post that it changes. It is there
/// beside the content, and what is said of an erased entry is signed by its author like the rest.
pub(crate) mod target {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(content: &Content, serializer: S) -> Result<S::Ok, S::Error> {
        content.target().serialize(serializer)
    }

    /// The content itself follows the header.
    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Content, D::Error> {
        Ok(Content::Erased { hash: [0; 32], of: Some(EntryKey::deserialize(deserializer)?) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::Hlc;
    use crate::id::EntryId;

    fn target() -> EntryKey {
        EntryKey { clock: Hlc(7), id: EntryId([7; 32]) }
    }

    #[test]
    fn every_content_survives_its_way_over_the_wire() {
        let contents = [
            Content::text("hello"),
            Content::Text { text: "yes".into(), reply: Some(target()) },
            Content::Edit { of: target(), text: "hello!".into() },
            Content::Delete { of: target() },
            Content::Reaction { to: target(), emoji: "\u{1f44d}".into(), on: false },
            Content::Erased { hash: [9; 32], of: None },
            Content::Introduction { person: PersonId([5; 32]), name: DisplayName::new("Bo").unwrap() },
            Content::Invitation { room: RoomId([6; 32]), name: RoomName::new("Boat").unwrap() },
            Content::Call(CallOutcome::Answered { seconds: 61 }),
            Content::Call(CallOutcome::Missed),
            Content::Control(Box::new(Control::Leave)),
            Content::Sealed {
                sealed: Box::new(Sealed {
                    epochs: vec![EntryId([1; 32])],
                    nonce: ByteArray::new([2; 24]),
                    bytes: serde_bytes::ByteBuf::from(vec![3; 20]),
                }),
                of: None,
            },
        ];
        for content in contents {
            assert_eq!(codec::decode::<Content>(&codec::encode(&content), 200).unwrap(), content);
        }
    }

    #[test]
    fn content_of_a_later_version_is_kept() {
        #[derive(Serialize)]
        struct Later<'a> {
            k: &'a str,
            colour: u32,
        }
        let bytes = codec::encode(&Later { k: "sticker", colour: 7 });
        assert_eq!(codec::decode::<Content>(&bytes, 100).unwrap(), Content::Unknown);
    }

    #[test]
    fn an_outcome_of_a_later_version_is_kept() {
        #[derive(Serialize)]
        struct Later<'a> {
            k: &'a str,
            x: &'a str,
        }
        let bytes = codec::encode(&Later { k: "call", x: "forwarded" });
        assert_eq!(codec::decode::<Content>(&bytes, 100).unwrap(), Content::Unknown);
    }

    #[test]
    fn a_content_without_what_its_kind_needs_is_refused() {
        #[derive(Serialize)]
        struct Bare<'a> {
            k: &'a str,
        }
        for k in [
            "text",
            "edit",
            "delete",
            "reaction",
            "introduction",
            "invitation",
            "call",
            "control",
            "sealed",
            "erased",
        ] {
            assert!(codec::decode::<Content>(&codec::encode(&Bare { k }), 100).is_err(), "{k}");
        }
    }

    #[test]
    fn an_erased_content_is_known_by_its_size() {
        let erased = codec::encode(&Content::Erased { hash: [9; 32], of: None });
        assert_eq!(erased.len(), ERASED_BYTES);
        assert_eq!(hash(&erased), [9; 32]);
    }
}
