//! What an entry says: text, or a change to another entry.

use serde::de::Error as _;
use serde::ser::SerializeStruct;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_bytes::ByteArray;

use crate::codec;
use crate::entry::EntryKey;
use crate::limits;

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
            Self::Erased { of, .. } => *of,
            Self::Text { .. } | Self::Unknown => None,
        }
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
            Self::Unknown => Some(Self::Unknown),
            content => (content.target() == target).then_some(content),
        }
    }

    pub(crate) fn is_within_limits(&self) -> bool {
        let text_fits = |text: &str| !text.is_empty() && text.len() <= limits::TEXT_MAX;
        match self {
            Self::Text { text, .. } | Self::Edit { text, .. } => text_fits(text),
            Self::Reaction { emoji, .. } => !emoji.is_empty() && emoji.len() <= limits::EMOJI_BYTES_MAX,
            Self::Delete { .. } | Self::Erased { .. } | Self::Unknown => true,
        }
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::Text { .. } => "text",
            Self::Edit { .. } => "edit",
            Self::Delete { .. } => "delete",
            Self::Reaction { .. } => "reaction",
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
#[derive(Deserialize)]
struct Wire {
    k: String,
    x: Option<String>,
    t: Option<EntryKey>,
    o: Option<bool>,
    h: Option<ByteArray<32>>,
}

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Wire { k, x, t, o, h } = Wire::deserialize(deserializer)?;
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
            "erased" => Self::Erased { hash: h.ok_or_else(|| missing("h"))?.into_array(), of: None },
            _ => Self::Unknown,
        })
    }
}

impl Serialize for Content {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (text, target, on, hash) = match self {
            Self::Text { text, reply } => (Some(text), reply.as_ref(), None, None),
            Self::Edit { of, text } => (Some(text), Some(of), None, None),
            Self::Delete { of } => (None, Some(of), None, None),
            Self::Reaction { to, emoji, on } => (Some(emoji), Some(to), Some(on), None),
            Self::Erased { hash, of: _ } => (None, None, None, Some(ByteArray::new(*hash))),
            Self::Unknown => (None, None, None, None),
        };
        let present = [text.is_some(), target.is_some(), on.is_some(), hash.is_some()];
        let fields = 1 + present.into_iter().filter(|is_some| *is_some).count();
        let mut map = serializer.serialize_struct("Content", fields)?;
        map.serialize_field("k", self.kind())?;
        if let Some(text) = text {
            map.serialize_field("x", text)?;
        }
        if let Some(target) = target {
            map.serialize_field("t", target)?;
        }
        if let Some(on) = on {
            map.serialize_field("o", on)?;
        }
        if let Some(hash) = hash {
            map.serialize_field("h", &hash)?;
        }
        map.end()
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
    fn a_content_without_what_its_kind_needs_is_refused() {
        #[derive(Serialize)]
        struct Bare<'a> {
            k: &'a str,
        }
        for k in ["text", "edit", "delete", "reaction", "erased"] {
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
