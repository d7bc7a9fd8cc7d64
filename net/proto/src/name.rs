//! Names that people type: any script, one normal form, bounded, nothing invisible.

use std::fmt;

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;
use unicode_segmentation::UnicodeSegmentation;

use crate::limits;

/// Why a name is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing but white space.
    #[error("the name is empty")]
    Empty,
    /// Longer than allowed.
    #[error("the name is longer than {graphemes_max} characters")]
    TooLong {
        /// Characters allowed, as a reader counts them.
        graphemes_max: usize,
    },
    /// Line breaks, control or text-direction characters, which could fake other text.
    #[error("the name holds control characters")]
    ControlCharacter,
}

/// Characters that draw nothing or reorder what stands around them. Joiners (U+200C, U+200D) stay:
/// several scripts and most emoji need them.
fn is_deceptive(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{00AD}' | '\u{061C}' | '\u{180E}' | '\u{200B}' | '\u{200E}' | '\u{200F}'
            | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}'
            | '\u{E0000}'..='\u{E007F}'
            // Fillers of Hangul and Braille: letters that draw nothing.
            | '\u{115F}' | '\u{1160}' | '\u{3164}' | '\u{FFA0}' | '\u{2800}')
}

/// Joiners and selectors change their neighbours and are nothing alone.
fn needs_neighbours(c: char) -> bool {
    matches!(c, '\u{200C}' | '\u{200D}' | '\u{FE00}'..='\u{FE0F}' | ' ')
}

/// NFC, white space trimmed and runs of it made one space, then the limits.
fn clean(text: &str, graphemes_max: usize, bytes_max: usize) -> Result<String, NameError> {
    // Checked first, so that a name of ten megabytes is never normalised.
    if text.len() > bytes_max {
        return Err(NameError::TooLong { graphemes_max });
    }
    if text.trim().chars().any(is_deceptive) {
        return Err(NameError::ControlCharacter);
    }
    let clean = text.split_whitespace().collect::<Vec<_>>().join(" ").nfc().collect::<String>();
    if clean.chars().all(needs_neighbours) {
        return Err(NameError::Empty);
    }
    if clean.len() > bytes_max || clean.graphemes(true).count() > graphemes_max {
        return Err(NameError::TooLong { graphemes_max });
    }
    Ok(clean)
}

/// People type `#lobby`; the mark is no part of the name, however often it stands there.
fn without_marks(text: &str) -> &str {
    text.trim_start_matches(|c: char| c == '#' || c.is_whitespace())
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $clean:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Normalises `text` and checks the limits.
            pub fn new(text: &str) -> Result<Self, NameError> {
                let clean: fn(&str) -> Result<String, NameError> = $clean;
                clean(text).map(Self)
            }

            /// The normalised text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = NameError;

            fn try_from(text: String) -> Result<Self, NameError> {
                Self::new(&text)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> String {
                name.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name! {
    /// What a person wants to be called. Not unique.
    DisplayName, |text| clean(text, limits::DISPLAY_NAME_GRAPHEMES_MAX, limits::DISPLAY_NAME_BYTES_MAX)
}
name! {
    /// One line that a person shows beside the name. May be empty.
    StatusLine, |text| match clean(text, limits::STATUS_GRAPHEMES_MAX, limits::STATUS_BYTES_MAX) {
        Err(NameError::Empty) => Ok(String::new()),
        other => other,
    }
}
name! {
    /// The name of a public room as shown. Rooms whose names differ only in case are one room.
    RoomName, |text| clean(without_marks(text), limits::ROOM_NAME_GRAPHEMES_MAX, limits::ROOM_NAME_BYTES_MAX)
}

impl Default for StatusLine {
    /// No status.
    fn default() -> Self {
        Self(String::new())
    }
}

impl DisplayName {
    /// The form in which names are compared: in any case and width they are the same to the eye.
    pub fn folded(&self) -> String {
        folded(&self.0)
    }
}

impl RoomName {
    /// The room that every new peer is offered.
    pub fn lobby() -> Self {
        Self("lobby".to_owned())
    }

    /// The form that is hashed into the room's id: compatibility-normalised (NFKC) lower case.
    pub fn folded(&self) -> String {
        folded(&self.0)
    }
}

/// Compatibility-normalised (NFKC) lower case.
fn folded(name: &str) -> String {
    name.nfkc().collect::<String>().to_lowercase().nfkc().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spaces_and_composition_are_normalised() {
        assert_eq!(DisplayName::new("  Jose\u{301}   Luis ").unwrap().as_str(), "José Luis");
        assert_eq!(RoomName::new("#周末徒步").unwrap().as_str(), "周末徒步");
        assert_eq!(RoomName::new("# ##x").unwrap().as_str(), "x", "or it would change on its way");
    }

    #[test]
    fn rooms_that_differ_in_case_or_width_are_one() {
        assert_eq!(RoomName::new("Ｌobby").unwrap().folded(), RoomName::lobby().folded());
    }

    #[test]
    fn names_that_could_deceive_are_refused() {
        assert_eq!(DisplayName::new("a\u{202E}b"), Err(NameError::ControlCharacter));
        assert_eq!(DisplayName::new("a\nb"), Err(NameError::ControlCharacter));
        assert_eq!(DisplayName::new(" \t "), Err(NameError::Empty));
        assert_eq!(DisplayName::new("\u{200D}\u{200D}"), Err(NameError::Empty));
        assert_eq!(DisplayName::new("\u{3164}"), Err(NameError::ControlCharacter));
        assert!(DisplayName::new("👩‍👩‍👧 Ana").is_ok());
    }

    #[test]
    fn a_name_of_ten_megabytes_is_refused() {
        let huge = "a".repeat(10 << 20);
        assert!(matches!(DisplayName::new(&huge), Err(NameError::TooLong { .. })));
    }
}
