//! An entry: one signed item of a conversation's history.

use std::fmt;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::id::{ConversationTag, EntryId, ParseIdError};
use crate::limits;
use crate::signed::{Signable, Verified};

/// A hybrid logical clock: Unix milliseconds in the upper 48 bits, a counter in the lower 16.
///
/// Kulkarni et al., "Logical Physical Clocks" (2014): follows wall time, yet never runs backwards
/// past an entry that was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Hlc(pub u64);

impl Hlc {
    /// The first reading of a millisecond.
    pub fn from_ms(ms: u64) -> Self {
        Self(ms << 16)
    }

    /// Its wall-clock part, in Unix milliseconds.
    pub fn ms(self) -> u64 {
        self.0 >> 16
    }

    /// The next reading after this one, at wall time `now_ms`.
    pub fn next(self, now_ms: u64) -> Self {
        Self(self.0.saturating_add(1)).max(Self::from_ms(now_ms))
    }
}

/// Where an entry stands in its conversation: the order that every peer shows.
///
/// Its text form, `<clock as 16 hex digits>-<id>`, is what formats for people use. Texts of
/// different clocks sort like the keys; of one clock they need not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryKey {
    /// When it was written.
    pub clock: Hlc,
    /// Breaks ties, the same way everywhere.
    pub id: EntryId,
}

impl fmt::Display for EntryKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}-{}", self.clock.0, self.id)
    }
}

impl FromStr for EntryKey {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        let (clock, id) = text.split_once('-').ok_or(ParseIdError)?;
        let clock = u64::from_str_radix(clock, 16).map_err(|_| ParseIdError)?;
        Ok(Self { clock: Hlc(clock), id: id.parse()? })
    }
}

impl Serialize for EntryKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            (self.clock, self.id).serialize(serializer)
        }
    }
}

impl<'de> Deserialize<'de> for EntryKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
        } else {
            <(Hlc, EntryId)>::deserialize(deserializer).map(|(clock, id)| Self { clock, id })
        }
    }
}

/// What an entry says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "k")]
pub enum Content {
    /// Plain text, 1 to [`limits::TEXT_MAX`] bytes.
    #[serde(rename = "text")]
    Text {
        /// The text.
        #[serde(rename = "x")]
        text: String,
    },
    /// Something a later version says. It is kept and forwarded, and shown as unreadable here.
    #[serde(other)]
    Unknown,
}

/// The signed part of an entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntryBody {
    /// The conversation it belongs to, so that it cannot be replayed into another one.
    #[serde(rename = "g")]
    pub conversation: ConversationTag,
    /// When it was written, by the author's clock.
    #[serde(rename = "h")]
    pub clock: Hlc,
    /// Counts this device's entries in this conversation from 1. A hint for gaps, not an order.
    #[serde(rename = "n")]
    pub seq: u64,
    /// The newest entries the author had seen: at most [`limits::PREV_MAX`].
    #[serde(rename = "p")]
    pub prev: Vec<EntryId>,
    /// What it says.
    #[serde(rename = "c")]
    pub content: Content,
}

impl Signable for EntryBody {
    const DOMAIN: &'static [u8] = b"kinmesh entry 1\0";
    const BODY_MAX: usize = limits::ENTRY_MAX;

    fn is_within_limits(&self) -> bool {
        let content_fits = match &self.content {
            Content::Text { text } => !text.is_empty() && text.len() <= limits::TEXT_MAX,
            Content::Unknown => true,
        };
        content_fits && self.prev.len() <= limits::PREV_MAX && self.seq > 0
    }
}

/// An entry whose author is proven.
pub type Entry = Verified<EntryBody>;

impl Entry {
    /// Its content-addressed id.
    pub fn id(&self) -> EntryId {
        EntryId(self.hash())
    }

    /// Its place in the conversation.
    pub fn key(&self) -> EntryKey {
        EntryKey { clock: self.value().clock, id: self.id() }
    }

    /// The text, when it is text.
    pub fn text(&self) -> Option<&str> {
        match &self.value().content {
            Content::Text { text } => Some(text),
            Content::Unknown => None,
        }
    }
}

/// How many of `entries`, from the first on, make one batch: at most [`limits::BATCH_ENTRIES_MAX`],
/// and at most `bytes_max` bytes on the wire.
pub fn batch_len<'e>(entries: impl Iterator<Item = &'e Entry>, bytes_max: usize) -> usize {
    let mut bytes = 0;
    let fits = |entry: &&Entry| {
        bytes += entry.envelope().size();
        bytes <= bytes_max
    };
    entries.take(limits::BATCH_ENTRIES_MAX).take_while(fits).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec;
    use crate::identity::{DeviceKeys, PersonKey};
    use crate::signed::{CertCache, Unverified, VerifyError};

    fn alice() -> DeviceKeys {
        DeviceKeys::generate(&[1; 32], &[2; 32], 0)
    }

    fn body(text: &str) -> EntryBody {
        EntryBody {
            conversation: ConversationTag([9; 32]),
            clock: Hlc::from_ms(1000),
            seq: 1,
            prev: vec![EntryId([3; 32])],
            content: Content::Text { text: text.into() },
        }
    }

    #[test]
    fn an_entry_verifies_after_its_way_over_the_wire() {
        let entry = Unverified::sign(body("你好"), &alice());
        let bytes = codec::encode(entry.envelope());
        let arrived: Unverified<EntryBody> = codec::decode(&bytes, limits::ENTRY_MAX + 512).unwrap();
        let verified = arrived.verify(&mut CertCache::default()).unwrap();
        assert_eq!(verified, entry);
        assert_eq!(verified.person(), alice().person());
        assert!(bytes.len() <= entry.envelope().size(), "{} bytes", bytes.len());
    }

    #[test]
    fn a_changed_byte_breaks_the_signature() {
        let entry = Unverified::sign(body("pay bob 10"), &alice());
        let mut bytes = codec::encode(entry.envelope());
        let at = bytes.windows(2).rposition(|pair| pair == b"10").unwrap();
        bytes[at] = b'9';
        let forged: Unverified<EntryBody> = codec::decode(&bytes, 4096).unwrap();
        assert!(matches!(forged.verify(&mut CertCache::default()), Err(VerifyError::BadSignature)));
    }

    #[test]
    fn nobody_can_put_their_name_under_the_words_of_anothers_device() {
        let entry = Unverified::sign(body("my own words"), &alice());
        let (bytes, _, signature) = entry.envelope().parts();
        let thief = PersonKey::from_seed(&[7; 32]).certify(alice().device(), 0);
        assert!(thief.holds(), "a certificate needs no word of the device");
        let stolen = Unverified::<EntryBody>::from_parts(bytes.to_vec(), thief, *signature);
        assert!(matches!(stolen.verify(&mut CertCache::default()), Err(VerifyError::BadSignature)));
    }

    #[test]
    fn one_forged_entry_is_found_in_its_batch() {
        let good: Vec<_> =
            (0..5).map(|n| Unverified::sign(body(&n.to_string()), &alice()).envelope().clone()).collect();
        let mut certs = CertCache::default();
        assert!(Unverified::verify_each(good.clone(), &mut certs).iter().all(Result::is_ok));
        let mallory = DeviceKeys::generate(&[8; 32], &[9; 32], 0);
        let mut bytes = codec::encode(Unverified::sign(body("x"), &mallory).envelope());
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        let mut bad = good;
        bad.push(codec::decode(&bytes, 4096).unwrap());
        let verified = Unverified::verify_each(bad, &mut certs);
        assert_eq!(
            verified.iter().map(Result::is_ok).collect::<Vec<_>>(),
            [true, true, true, true, true, false]
        );
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
    fn a_clock_never_runs_backwards() {
        let seen = Hlc::from_ms(5000);
        assert!(seen.next(10) > seen);
        assert_eq!(seen.next(6000), Hlc::from_ms(6000));
    }

    #[test]
    fn a_batch_is_bounded_in_entries_and_bytes() {
        let entries: Vec<_> =
            (0..300).map(|n| Unverified::sign(body(&format!("{n:03}")), &alice())).collect();
        let size = entries[0].envelope().size();
        assert_eq!(batch_len(entries.iter(), usize::MAX), limits::BATCH_ENTRIES_MAX);
        assert_eq!(batch_len(entries.iter(), 10 * size), 10);
        assert_eq!(batch_len(entries.iter(), 10 * size - 1), 9);
        assert_eq!(batch_len([].iter(), size), 0);
    }
}
