//! How a pair looks on the disk: as it is, or sealed.
//!
//! Sealed, a value opens at its own key only. Keys that name a conversation, a person or a device are
//! hidden, and stand with the value inside the seal; keys of entries stay as they are, since their
//! order is the order of time. The format's number is never sealed, and beside it stands what proves
//! the seal's key. This module must never touch a database.

use std::borrow::Cow;

use kinmesh_seal::Seal;

use crate::disk::engine::Pair;
use crate::disk::layout::{self, SCHEMA, SCHEMA_KEY, SEALED_SCHEMA};

/// Kinds whose keys tell who is known, or which ticket somebody was given.
const HIDDEN: [u8; 8] = [
    layout::CONVERSATIONS,
    layout::CONVERSATION_COPIES,
    layout::PEOPLE,
    layout::PERSON_COPIES,
    layout::MEMBERS,
    layout::ADDRESSES,
    layout::INVITES,
    layout::OPENINGS,
];

/// Between the tree and the disk. Without a seal it changes nothing.
#[derive(Debug, Clone)]
pub(super) struct Cipher(pub(super) Option<Seal>);

impl Cipher {
    pub(super) fn is_sealing(&self) -> bool {
        self.0.is_some()
    }

    /// Where a pair of this key stands on the disk.
    pub(super) fn place<'k>(&self, key: &'k [u8]) -> Cow<'k, [u8]> {
        match (&self.0, key) {
            (Some(seal), [kind, ..]) if is_hidden(*kind) => [&[*kind][..], &seal.hide(key)].concat().into(),
            _ => key.into(),
        }
    }

    /// What stands there.
    pub(super) fn close(&self, place: &[u8], key: &[u8], value: Vec<u8>) -> Vec<u8> {
        match &self.0 {
            Some(_) if place == SCHEMA_KEY => value,
            Some(seal) if is_hidden_at(place) => seal.close(place, &with_key(key, &value)),
            Some(seal) => seal.close(place, &value),
            None => value,
        }
    }

    /// The pair that stands at this place. `None` when it is not what was put there.
    pub(super) fn open(&self, (place, value): Pair) -> Option<Pair> {
        let Some(seal) = self.0.as_ref().filter(|_| *place != *SCHEMA_KEY) else {
            return Some((place, value));
        };
        let value = seal.open(&place, &value)?;
        if !is_hidden_at(&place) {
            return Some((place, value.into()));
        }
        let (key, value) = split_key(&value)?;
        Some((key.into(), value.into()))
    }

    /// What the format's key holds: its number and, sealed at the same place, nothing.
    pub(super) fn format(&self) -> Vec<u8> {
        match &self.0 {
            None => SCHEMA.to_be_bytes().to_vec(),
            Some(seal) => [&SEALED_SCHEMA.to_be_bytes()[..], &seal.close(SCHEMA_KEY, &[])].concat(),
        }
    }

    /// Whether it is the one with which this was written.
    pub(super) fn fits(&self, format: &[u8]) -> bool {
        match (&self.0, layout::split_number(format)) {
            (Some(seal), Some((SEALED_SCHEMA, proof))) => seal.open(SCHEMA_KEY, proof).is_some(),
            (None, Some((number, _))) => number != SEALED_SCHEMA,
            _ => false,
        }
    }
}

fn is_hidden(kind: u8) -> bool {
    HIDDEN.contains(&kind)
}

fn is_hidden_at(place: &[u8]) -> bool {
    place.first().is_some_and(|kind| is_hidden(*kind))
}

#[allow(clippy::expect_used)] // The longest key that is hidden names a room and a person: 65 bytes.
fn with_key(key: &[u8], value: &[u8]) -> Vec<u8> {
    let len = u8::try_from(key.len()).expect("a hidden key is short");
    [&[len][..], key, value].concat()
}

fn split_key(value: &[u8]) -> Option<(&[u8], &[u8])> {
    let (len, rest) = value.split_first()?;
    rest.split_at_checked(usize::from(*len))
}

#[cfg(test)]
mod tests {
    use kinmesh_seal::DataKey;

    use super::*;

    fn sealed(byte: u8) -> Cipher {
        Cipher(Some(DataKey::new([byte; 32]).seal("test")))
    }

    fn stored(cipher: &Cipher, key: &[u8], value: &[u8]) -> Pair {
        let place = cipher.place(key);
        let value = cipher.close(&place, key, value.to_vec());
        (place.as_ref().into(), value.into())
    }

    #[test]
    fn every_kind_of_pair_comes_back() {
        for cipher in [Cipher(None), sealed(1)] {
            for key in [&b"o"[..], b"c\0alice", b"palice", b"m", b"abob", b"e\0\0\0\0clock", b"x", b"d", b"k"]
            {
                let (key_again, value) = cipher.open(stored(&cipher, key, b"value")).unwrap();
                assert_eq!((&*key_again, &*value), (key, &b"value"[..]));
            }
        }
    }

    #[test]
    fn names_are_in_no_key_and_values_open_where_they_were_put() {
        let (place, value) = stored(&sealed(1), b"palice", b"value");
        assert!(!place.windows(5).any(|part| part == b"alice"));
        let elsewhere = stored(&sealed(1), b"pbob", b"value").0;
        assert_eq!(sealed(1).open((elsewhere, value.clone())), None);
        assert_eq!(sealed(2).open((place, value)), None);
    }

    #[test]
    fn the_format_proves_the_key() {
        assert!(sealed(1).fits(&sealed(1).format()) && Cipher(None).fits(&Cipher(None).format()));
        assert!(!sealed(2).fits(&sealed(1).format()));
        assert!(!sealed(1).fits(&Cipher(None).format()) && !Cipher(None).fits(&sealed(1).format()));
    }
}
