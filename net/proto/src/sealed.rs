//! What only the members of a private room can read: secrets, the keys made of them, sealed bytes.
//!
//! Owns the derivations and the cipher's use. Who is given a secret is decided in `kinmesh-core`.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use serde::{Deserialize, Serialize};
use serde_bytes::{ByteArray, ByteBuf};
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::id::{EntryId, RoomId};
use crate::limits;

/// Bytes of a nonce of XChaCha20-Poly1305.
const NONCE_BYTES: usize = 24;
/// The place of what is gossiped. It is no header of an entry: those are CBOR arrays.
const FRAME_PLACE: &[u8] = b"kinmesh gossip";

/// Random bytes that the members share from one change of membership to the next.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EpochSecret(ByteArray32);

/// 32 bytes that are a byte string on the wire and can be wiped.
#[derive(Clone, PartialEq, Eq, Zeroize, Serialize, Deserialize)]
#[serde(transparent)]
struct ByteArray32(#[serde(with = "serde_bytes")] [u8; 32]);

impl EpochSecret {
    /// A secret of 32 random bytes.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(ByteArray32(bytes))
    }

    /// What proves this secret in the control log, and says nothing about it.
    pub fn commitment(&self, room: RoomId) -> Commitment {
        let mut hasher = blake3::Hasher::new_derive_key("kinmesh 2026-11 epoch commitment");
        Commitment(*hasher.update(&room.0).update(&self.0.0).finalize().as_bytes())
    }
}

impl fmt::Debug for EpochSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EpochSecret(..)")
    }
}

/// Proves an [`EpochSecret`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Commitment(#[serde(with = "serde_bytes")] pub [u8; 32]);

/// Bytes that only who has the key can read or make.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sealed {
    /// The steps of the control log whose secrets make the key, in ascending order.
    #[serde(rename = "e")]
    pub epochs: Vec<EntryId>,
    /// Never used twice for different bytes: it is a keyed hash of them.
    #[serde(rename = "n")]
    pub nonce: ByteArray<NONCE_BYTES>,
    /// XChaCha20-Poly1305: the bytes, then a tag of 16.
    #[serde(rename = "b")]
    pub bytes: ByteBuf,
}

impl Sealed {
    pub(crate) fn is_within_limits(&self) -> bool {
        let is_ascending = self.epochs.is_sorted_by(|one, next| one < next);
        (1..=limits::EPOCHS_MAX).contains(&self.epochs.len()) && is_ascending
    }
}

/// What a room's words are sealed with, at one time.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct RoomKey([u8; 32]);

impl RoomKey {
    /// The key that all of these secrets make together. Who lacks one of them lacks the key: so two
    /// removals that did not know of each other keep out both of the removed, with no further step.
    pub fn of(room: RoomId, secrets: &BTreeMap<EntryId, EpochSecret>) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key("kinmesh 2026-11 room key");
        hasher.update(&room.0);
        for (step, secret) in secrets {
            hasher.update(&step.0).update(&secret.0.0);
        }
        Self(*hasher.finalize().as_bytes())
    }

    /// The gossip topic while this is the key: it changes with the members.
    pub fn topic(&self) -> String {
        self.name("kinmesh 2026-11 private topic", &[])[..32].to_owned()
    }

    /// The rendezvous namespace and, as bytes, Kademlia provider key on this day since 1970.
    pub fn namespace(&self, day: u64) -> String {
        self.name("kinmesh 2026-11 private namespace", &day.to_be_bytes())
    }

    fn name(&self, context: &str, of: &[u8]) -> String {
        let mut hasher = blake3::Hasher::new_derive_key(context);
        data_encoding::HEXLOWER.encode(hasher.update(&self.0).update(of).finalize().as_bytes())
    }

    /// Seals a frame for the topic of this key: the nonce, then the sealed bytes. Anybody can listen on a
    /// topic, whose name is told to whoever is connected.
    pub fn seal_frame(&self, frame: &[u8]) -> Vec<u8> {
        let (nonce, sealed) = self.seal(FRAME_PLACE, frame);
        [&nonce[..], &sealed].concat()
    }

    /// Opens a frame that came on the topic of this key; `None` when somebody without the key made it.
    pub fn open_frame(&self, sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, msg) = sealed.split_first_chunk()?;
        self.decrypt(FRAME_PLACE, nonce, msg)
    }

    /// Seals bytes for a place. They open in that place alone.
    #[allow(clippy::expect_used)] // The cipher refuses nothing but messages of 256 GiB.
    fn seal(&self, place: &[u8], bytes: &[u8]) -> ([u8; NONCE_BYTES], Vec<u8>) {
        let nonce = self.nonce(place, bytes);
        let payload = Payload { msg: bytes, aad: place };
        let sealed = self.cipher().encrypt(XNonce::from_slice(&nonce), payload);
        (nonce, sealed.expect("a content is short"))
    }

    fn open(&self, place: &[u8], sealed: &Sealed) -> Option<Vec<u8>> {
        self.decrypt(place, &sealed.nonce, &sealed.bytes)
    }

    fn decrypt(&self, place: &[u8], nonce: &[u8; NONCE_BYTES], sealed: &[u8]) -> Option<Vec<u8>> {
        let payload = Payload { msg: sealed, aad: place };
        self.cipher().decrypt(XNonce::from_slice(nonce), payload).ok()
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new((&self.0).into())
    }

    /// A keyed hash of all that is sealed: equal nonces mean equal messages, without any chance.
    fn nonce(&self, place: &[u8], bytes: &[u8]) -> [u8; NONCE_BYTES] {
        let key = blake3::derive_key("kinmesh 2026-11 sealing nonce", &self.0);
        let mut hasher = blake3::Hasher::new_keyed(&key);
        hasher.update(&(place.len() as u64).to_be_bytes()).update(place).update(bytes);
        let mut nonce = [0; NONCE_BYTES];
        hasher.finalize_xof().fill(&mut nonce);
        nonce
    }
}

impl fmt::Debug for RoomKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RoomKey(..)")
    }
}

/// The secrets of all rooms that this device was given. Clones share them: whoever reads entries,
/// from the network or from the disk, opens them with it.
#[derive(Debug, Clone, Default)]
pub struct Keyring(Arc<RwLock<BTreeMap<RoomId, BTreeMap<EntryId, EpochSecret>>>>);

impl Keyring {
    /// Adds the secret that a step of a room's control log brought.
    pub fn add(&self, room: RoomId, step: EntryId, secret: EpochSecret) {
        let mut rooms = self.0.write().unwrap_or_else(PoisonError::into_inner);
        rooms.entry(room).or_default().insert(step, secret);
    }

    /// Whether the secret of a step is here.
    pub fn holds(&self, room: RoomId, step: EntryId) -> bool {
        let rooms = self.0.read().unwrap_or_else(PoisonError::into_inner);
        rooms.get(&room).is_some_and(|secrets| secrets.contains_key(&step))
    }

    /// One secret, to be handed on.
    pub fn secret(&self, room: RoomId, step: EntryId) -> Option<EpochSecret> {
        let rooms = self.0.read().unwrap_or_else(PoisonError::into_inner);
        rooms.get(&room)?.get(&step).cloned()
    }

    /// The key of these steps; `None` when a secret of them is not here.
    pub fn key(&self, room: RoomId, steps: &[EntryId]) -> Option<RoomKey> {
        let rooms = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let known = rooms.get(&room)?;
        let secrets: Option<BTreeMap<_, _>> =
            steps.iter().map(|step| known.get(step).map(|secret| (*step, secret.clone()))).collect();
        secrets.filter(|secrets| !secrets.is_empty()).map(|secrets| RoomKey::of(room, &secrets))
    }

    /// Seals bytes for a place in the room under the key of these steps, which must be in ascending
    /// order. `None` when a secret is not here.
    pub fn seal(&self, room: RoomId, steps: &[EntryId], place: &[u8], bytes: &[u8]) -> Option<Sealed> {
        let (nonce, sealed) = self.key(room, steps)?.seal(place, bytes);
        let (nonce, bytes) = (ByteArray::new(nonce), ByteBuf::from(sealed));
        Some(Sealed { epochs: steps.to_vec(), nonce, bytes })
    }

    /// Opens what was sealed for this place. `None` when a secret is not here, or when it was sealed
    /// for another place or changed.
    pub fn open(&self, room: RoomId, place: &[u8], sealed: &Sealed) -> Option<Vec<u8>> {
        self.key(room, &sealed.epochs)?.open(place, sealed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOM: RoomId = RoomId([9; 32]);
    const FIRST: EntryId = EntryId([1; 32]);
    const SECOND: EntryId = EntryId([2; 32]);

    fn secret(seed: u8) -> EpochSecret {
        EpochSecret::new([seed; 32])
    }

    fn ring(secrets: &[(EntryId, u8)]) -> Keyring {
        let ring = Keyring::default();
        secrets.iter().for_each(|(step, seed)| ring.add(ROOM, *step, secret(*seed)));
        ring
    }

    #[test]
    fn who_has_the_secret_reads_and_nobody_else() {
        let alice = ring(&[(FIRST, 1)]);
        let sealed = alice.seal(ROOM, &[FIRST], b"place", b"hello").unwrap();
        assert_eq!(ring(&[(FIRST, 1)]).open(ROOM, b"place", &sealed).unwrap(), b"hello");
        assert_eq!(ring(&[(FIRST, 3)]).open(ROOM, b"place", &sealed), None);
        assert_eq!(ring(&[]).open(ROOM, b"place", &sealed), None);
        assert!(!sealed.bytes.windows(5).any(|bytes| bytes == b"hello"));
    }

    #[test]
    fn a_frame_opens_with_the_key_of_its_topic_alone_and_only_unchanged() {
        let (key, other) = (ring(&[(FIRST, 1)]).key(ROOM, &[FIRST]), ring(&[(FIRST, 3)]).key(ROOM, &[FIRST]));
        let (key, other) = (key.unwrap(), other.unwrap());
        let sealed = key.seal_frame(b"somebody is typing");
        assert_eq!(key.open_frame(&sealed).unwrap(), b"somebody is typing");
        assert!(!sealed.windows(6).any(|bytes| bytes == b"typing"));
        assert_eq!(other.open_frame(&sealed), None);
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert_eq!(key.open_frame(&changed), None);
            assert_eq!(key.open_frame(&sealed[..at]), None);
        }
    }

    #[test]
    fn sealed_bytes_open_in_their_place_alone_and_only_unchanged() {
        let alice = ring(&[(FIRST, 1)]);
        let sealed = alice.seal(ROOM, &[FIRST], b"place", b"hello").unwrap();
        assert_eq!(alice.open(ROOM, b"elsewhere", &sealed), None);
        assert_eq!(alice.open(RoomId([8; 32]), b"place", &sealed), None);
        for at in 0..sealed.bytes.len() {
            let mut changed = sealed.clone();
            changed.bytes[at] ^= 1;
            assert_eq!(alice.open(ROOM, b"place", &changed), None);
        }
    }

    #[test]
    fn a_key_of_two_secrets_is_nobodys_who_has_only_one() {
        let both = ring(&[(FIRST, 1), (SECOND, 2)]);
        let sealed = both.seal(ROOM, &[FIRST, SECOND], b"", b"after both removals").unwrap();
        for one in [ring(&[(FIRST, 1)]), ring(&[(SECOND, 2)])] {
            assert_eq!(one.open(ROOM, b"", &sealed), None);
            assert!(one.seal(ROOM, &[FIRST, SECOND], b"", b"").is_none());
        }
        assert!(both.seal(ROOM, &[], b"", b"").is_none(), "no step, no key");
    }

    #[test]
    fn nonces_differ_unless_all_is_the_same() {
        let alice = ring(&[(FIRST, 1)]);
        let nonce = |place: &[u8], bytes: &[u8]| alice.seal(ROOM, &[FIRST], place, bytes).unwrap().nonce;
        assert_eq!(nonce(b"a", b"b"), nonce(b"a", b"b"));
        assert_ne!(nonce(b"a", b"b"), nonce(b"a", b"c"));
        assert_ne!(nonce(b"ab", b""), nonce(b"a", b"b"));
    }

    #[test]
    fn topic_and_namespaces_tell_nothing_of_each_other_and_change() {
        let key = ring(&[(FIRST, 1)]).key(ROOM, &[FIRST]).unwrap();
        let next = ring(&[(FIRST, 2)]).key(ROOM, &[FIRST]).unwrap();
        assert_eq!((key.topic().len(), key.namespace(1).len()), (32, 64));
        assert_ne!(key.topic(), next.topic());
        assert_ne!(key.namespace(1), key.namespace(2));
        assert_ne!(key.topic(), key.namespace(1)[..32]);
    }

    #[test]
    fn a_commitment_proves_one_secret_in_one_room() {
        assert_eq!(secret(1).commitment(ROOM), secret(1).commitment(ROOM));
        assert_ne!(secret(1).commitment(ROOM), secret(2).commitment(ROOM));
        assert_ne!(secret(1).commitment(ROOM), secret(1).commitment(RoomId([8; 32])));
    }
}
