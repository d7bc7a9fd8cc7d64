//! The seal on what rests on a disk: XChaCha20-Poly1305, under keys that come from one data key.
//!
//! Owns the form of a sealed value and of a hidden name; `docs/decisions/0012-at-rest.md` gives the
//! reasons. It must never know what it seals, where that lies, or how the data key is kept.

use std::fmt;
use std::sync::Arc;

use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use zeroize::Zeroizing;

/// Bytes of a nonce. So many that chance never gives one twice.
const NONCE: usize = 24;
/// Bytes by which a sealed value is longer than what is in it: the nonce and Poly1305's tag.
pub const OVERHEAD: usize = NONCE + 16;

/// Parts the key that hides names from the one that seals.
const NAMES: &str = "kinmesh 2026-11 seal: names";

/// The key that everything at rest hangs on. It is made once, by chance, and leaves memory with its
/// last owner.
#[derive(Clone)]
pub struct DataKey(Arc<Zeroizing<[u8; 32]>>);

impl DataKey {
    /// The key of these bytes.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Arc::new(Zeroizing::new(bytes)))
    }

    /// A key by chance.
    pub fn random() -> Self {
        Self::new(rand::random())
    }

    /// Its bytes, to be wrapped.
    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The seal for one purpose. Keys of two purposes tell nothing of each other.
    pub fn seal(&self, purpose: &str) -> Seal {
        Seal::new(&Zeroizing::new(blake3::derive_key(purpose, self.bytes())))
    }
}

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DataKey")
    }
}

/// Seals values and hides names. Clones share the keys.
#[derive(Clone)]
pub struct Seal(Arc<Keys>);

struct Keys {
    values: XChaCha20Poly1305,
    names: Zeroizing<[u8; 32]>,
}

impl Seal {
    /// A seal with this key.
    pub fn new(key: &[u8; 32]) -> Self {
        let names = Zeroizing::new(blake3::derive_key(NAMES, key));
        Self(Arc::new(Keys { values: XChaCha20Poly1305::new(key.into()), names }))
    }

    /// Seals a value so that it opens at this place and at no other: nonce, then ciphertext and tag.
    #[allow(clippy::expect_used)] // Only a value of more than 256 GiB is refused.
    pub fn close(&self, place: &[u8], value: &[u8]) -> Vec<u8> {
        let nonce: [u8; NONCE] = rand::random();
        let payload = Payload { msg: value, aad: place };
        let sealed = self.0.values.encrypt(XNonce::from_slice(&nonce), payload).expect("it fits");
        [&nonce[..], &sealed].concat()
    }

    /// What was sealed at this place; `None` when it was not, or not with this key, or not these bytes.
    pub fn open(&self, place: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, sealed) = sealed.split_at_checked(NONCE)?;
        let payload = Payload { msg: sealed, aad: place };
        self.0.values.decrypt(XNonce::from_slice(nonce), payload).ok()
    }

    /// What stands for a name, the same each time. Without the key nobody can tell for which.
    pub fn hide(&self, name: &[u8]) -> [u8; 32] {
        *blake3::keyed_hash(&self.0.names, name).as_bytes()
    }
}

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seal")
    }
}

#[cfg(test)]
mod tests {
    use data_encoding::HEXLOWER;

    use super::*;

    fn seal(byte: u8) -> Seal {
        DataKey::new([byte; 32]).seal("test")
    }

    #[test]
    fn what_was_sealed_opens_at_its_place_with_its_key() {
        let sealed = seal(1).close(b"here", b"hello");
        assert_eq!(sealed.len(), b"hello".len() + OVERHEAD);
        assert_eq!(seal(1).open(b"here", &sealed).unwrap(), b"hello");
        assert_eq!(seal(1).open(b"there", &sealed), None);
        assert_eq!(seal(2).open(b"here", &sealed), None);
        assert_eq!(DataKey::new([1; 32]).seal("other").open(b"here", &sealed), None);
    }

    #[test]
    fn no_byte_can_be_changed_or_left_out() {
        let sealed = seal(1).close(b"here", b"hello");
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert_eq!(seal(1).open(b"here", &changed), None, "byte {at}");
            assert_eq!(seal(1).open(b"here", &sealed[..at]), None, "cut at {at}");
        }
    }

    #[test]
    fn the_same_value_never_looks_the_same_and_the_same_name_always_does() {
        assert_ne!(seal(1).close(b"here", b"hello"), seal(1).close(b"here", b"hello"));
        assert_eq!(seal(1).hide(b"alice"), seal(1).hide(b"alice"));
        assert_ne!(seal(1).hide(b"alice"), seal(1).hide(b"bob"));
        assert_ne!(seal(1).hide(b"alice"), seal(2).hide(b"alice"));
    }

    /// The vector of `docs/decisions/0012-at-rest.md`.
    #[test]
    fn a_sealed_value_and_a_hidden_name_are_as_documented() {
        let seal = DataKey::new(std::array::from_fn(|at| at as u8)).seal("kinmesh 2026-11 seal: history");
        let sealed = HEXLOWER.decode(SEALED.as_bytes()).unwrap();
        assert_eq!(seal.open(b"o", &sealed).unwrap(), b"kinmesh");
        assert_eq!(HEXLOWER.encode(&seal.hide(b"p alice")), HIDDEN);
    }

    const SEALED: &str =
        "000102030405060708090a0b0c0d0e0f1011121314151617fe371778bdb747a7f4e39a5d5a59eee6612b68d9b7b850";
    const HIDDEN: &str = "1a5bdb43cd308de95ee780e6145315b5b3df54169da0290abed8e3e417a4f7ee";
}
