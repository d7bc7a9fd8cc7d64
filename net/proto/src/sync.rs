//! How two devices find out what each lacks of a conversation, and fetch it.
//!
//! First both say how much they hold of a range ([`SyncAsk::Compare`]); when that differs they
//! narrow it down by range-based set reconciliation ([`SyncAsk::Reconcile`], the negentropy
//! protocol, version 1), then one fetches and pushes. The one who answers keeps no state.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_bytes::{ByteArray, ByteBuf};

use crate::entry::{Entry, EntryBody, EntryKey};
use crate::frame::Receipt;
use crate::id::{ConversationTag, EntryId};
use crate::identity::DeviceCert;
use crate::limits;
use crate::sealed::EpochSecret;
use crate::signed::Unverified;

/// A part of a conversation's order: from `from` on, up to and without `to`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyRange {
    /// The first key; `None` begins with the oldest.
    #[serde(rename = "f")]
    pub from: Option<EntryKey>,
    /// The key after the last; `None` ends with the newest.
    #[serde(rename = "t")]
    pub to: Option<EntryKey>,
}

impl KeyRange {
    /// All of a conversation.
    pub const ALL: Self = Self { from: None, to: None };

    /// Whether `key` lies within.
    pub fn contains(&self, key: EntryKey) -> bool {
        self.from.is_none_or(|from| from <= key) && self.to.is_none_or(|to| key < to)
    }
}

/// How much somebody holds of a range. Equal digests are taken for equal sets.
///
/// Somebody who writes can look for entries of their own whose ids add up to a wanted sum (a
/// generalised birthday problem, within reach for 256 bits only with far more entries than a quota
/// allows); they would hide nothing but that own set.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Digest {
    /// Entries, erased ones included.
    #[serde(rename = "n")]
    pub count: u64,
    /// The sum of their ids as little-endian numbers, modulo 2^256.
    #[serde(rename = "s", with = "serde_bytes")]
    pub sum: [u8; 32],
    /// The newest of them.
    #[serde(rename = "w")]
    pub newest: Option<EntryKey>,
}

impl Digest {
    /// Adds one entry.
    pub fn add(&mut self, key: EntryKey) {
        self.count += 1;
        self.sum = sum(self.sum, key.id.0);
        self.newest = self.newest.max(Some(key));
    }

    /// Takes one entry out, which must be there, and must not be the newest of several.
    pub fn remove(&mut self, key: EntryKey) {
        self.count = self.count.saturating_sub(1);
        self.sum = sum(self.sum, negated(key.id.0));
        self.newest = self.newest.filter(|_| self.count > 0);
    }

    /// Adds all entries of another digest, which must hold none of these.
    pub fn join(&mut self, other: &Self) {
        self.count += other.count;
        self.sum = sum(self.sum, other.sum);
        self.newest = self.newest.max(other.newest);
    }
}

/// Little-endian addition modulo 2^256.
fn sum(mut left: [u8; 32], right: [u8; 32]) -> [u8; 32] {
    let mut carry = 0;
    for (left, right) in left.iter_mut().zip(right) {
        let digit = u16::from(*left) + u16::from(right) + carry;
        *left = digit.to_le_bytes()[0];
        carry = digit >> 8;
    }
    left
}

/// What adds to nothing with this, modulo 2^256.
fn negated(number: [u8; 32]) -> [u8; 32] {
    let mut one = [0; 32];
    one[0] = 1;
    sum(number.map(|byte| !byte), one)
}

/// One question of the sync protocol, by a device that said hello and takes part in the conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncRequest {
    /// Which conversation.
    #[serde(rename = "g")]
    pub conversation: ConversationTag,
    /// What is asked.
    #[serde(rename = "a")]
    pub ask: SyncAsk,
}

/// What is asked about a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SyncAsk {
    /// What do you hold of this range? Here is what we hold.
    Compare {
        /// The range.
        #[serde(rename = "r")]
        range: KeyRange,
        /// What the asker holds of it.
        #[serde(rename = "d")]
        digest: Digest,
    },
    /// One step of a reconciliation of this range.
    Reconcile {
        /// The range; both sides take exactly their entries within.
        #[serde(rename = "r")]
        range: KeyRange,
        /// A message of negentropy, at most [`limits::RECONCILE_FRAME_MAX`] bytes.
        #[serde(rename = "f")]
        frame: ByteBuf,
    },
    /// Give us entries.
    Fetch(Wanted),
    /// Take entries that you lack.
    Push(EntryPack),
    /// Of a private room: give us the secrets that these steps of its control log brought, at most
    /// [`limits::SECRETS_ASKED_MAX`].
    Secrets(Vec<EntryId>),
    /// Of the control log of a founded room that is knocked at: let us in. With what the asker says, at
    /// most [`limits::KNOCK_BYTES_MAX`] bytes.
    Knock(String),
}

/// Which entries are wanted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wanted {
    /// Some of a range, the newest first.
    Ids {
        /// The range; an entry without is not given. It holds no more than a window, for whoever is
        /// asked must look through it: a reconciliation finds ids, but no clocks.
        #[serde(rename = "r")]
        range: KeyRange,
        /// Which, at most [`limits::FETCH_IDS_MAX`].
        #[serde(rename = "i")]
        ids: Vec<EntryId>,
    },
    /// All of a range, the newest first.
    Range(KeyRange),
}

/// The answer to a [`SyncRequest`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SyncResponse {
    /// What the one asked holds of the range.
    Digest {
        /// Of the whole range.
        #[serde(rename = "d")]
        digest: Digest,
        /// If that is more than a window ([`limits::WINDOW_ENTRIES_MAX`]) and differs: where its newest
        /// window begins. The range must be narrowed to begin no earlier.
        #[serde(rename = "w")]
        window: Option<EntryKey>,
    },
    /// The next message of negentropy.
    Reconciled(ByteBuf),
    /// Entries: those of the wanted ones that are there, the newest first. Fewer than wanted when the
    /// pack is full.
    Entries(EntryPack),
    /// What became of each pushed entry, in order.
    Receipts(Vec<Receipt>),
    /// Those of the wanted secrets that are there and that the asker may have.
    Secrets(Vec<(EntryId, EpochSecret)>),
    /// The user of the one asked will see who knocks, or has seen it before.
    Knocked,
    /// Not now: ask again later, or somebody else.
    Busy,
    /// The one asked does not take part in that conversation, or does not know the asker in it.
    NotHere,
}

/// Many entries with each certificate once.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntryPack {
    /// Certificates of the authors' devices.
    #[serde(rename = "c")]
    certs: Vec<DeviceCert>,
    #[serde(rename = "e")]
    entries: Vec<PackedEntry>,
}

/// An entry whose certificate stands elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct PackedEntry {
    /// Number of the certificate, from 0.
    #[serde(rename = "c")]
    cert: usize,
    #[serde(rename = "b")]
    body: ByteBuf,
    #[serde(rename = "s")]
    signature: ByteArray<64>,
}

/// A pack that names a certificate it does not hold, or holds too many entries.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the pack is malformed")]
pub struct BadPack;

/// Signature, certificate's number and field names around a packed body, in bytes.
const PACKED_OVERHEAD: usize = 80;
/// An encoded certificate, in bytes, rounded up.
const CERT_BYTES: usize = 160;

impl EntryPack {
    /// Packs entries, from the first on, until the pack is full.
    pub fn of<'e>(entries: impl IntoIterator<Item = &'e Entry>) -> Self {
        let mut pack = Self::default();
        let mut numbers = BTreeMap::new();
        let mut bytes = 0;
        for entry in entries.into_iter().take(limits::PACK_ENTRIES_MAX) {
            let (body, cert, signature) = entry.envelope().parts();
            bytes += body.len() + PACKED_OVERHEAD;
            if bytes > limits::PACK_BYTES_MAX {
                break;
            }
            let number = *numbers.entry(*cert.signature).or_insert_with(|| {
                pack.certs.push(cert.clone());
                bytes += CERT_BYTES;
                pack.certs.len() - 1
            });
            let signature = ByteArray::new(*signature);
            pack.entries.push(PackedEntry { cert: number, body: ByteBuf::from(body), signature });
        }
        pack
    }

    /// Entries in it.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Bytes it takes on the wire, to within a few.
    pub fn size(&self) -> usize {
        let bodies: usize = self.entries.iter().map(|entry| entry.body.len() + PACKED_OVERHEAD).sum();
        bodies + self.certs.len() * CERT_BYTES
    }

    /// Whether it holds nothing.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The entries in their envelopes.
    pub fn unpack(self) -> Result<Vec<Unverified<EntryBody>>, BadPack> {
        if self.entries.len() > limits::PACK_ENTRIES_MAX {
            return Err(BadPack);
        }
        let unpacked = self.entries.into_iter().map(|PackedEntry { cert, body, signature }| {
            let cert = self.certs.get(cert).ok_or(BadPack)?.clone();
            Ok(Unverified::from_parts(body.into_vec(), cert, signature.into_array()))
        });
        unpacked.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec;
    use crate::content::Content;
    use crate::entry::Hlc;
    use crate::identity::DeviceKeys;
    use crate::signed::CertCache;

    fn key(clock: u64, id: u8) -> EntryKey {
        EntryKey { clock: Hlc(clock), id: EntryId([id; 32]) }
    }

    fn entry(author: u8, text: &str) -> Entry {
        let body = EntryBody {
            conversation: ConversationTag([9; 32]),
            clock: Hlc(u64::from(author)),
            seq: 1,
            prev: Vec::new(),
            content: Content::text(text),
        };
        Unverified::sign(body, &DeviceKeys::generate(&[author; 32], &[author + 100; 32], 0))
    }

    #[test]
    fn a_digest_tells_nothing_of_the_order_in_which_entries_came() {
        let (mut one, mut two, mut rest) = (Digest::default(), Digest::default(), Digest::default());
        for key in [key(1, 200), key(2, 100), key(3, 255)] {
            one.add(key);
        }
        two.add(key(3, 255));
        rest.add(key(2, 100));
        rest.add(key(1, 200));
        two.join(&rest);
        assert_eq!(one, two);
        assert_eq!(one.newest, Some(key(3, 255)));
    }

    #[test]
    fn a_sum_carries_and_wraps() {
        let mut one = [0; 32];
        one[0] = 1;
        assert_eq!(sum([0xff; 32], one), [0; 32]);
        let mut carried = [0; 32];
        carried[1] = 1;
        let mut low = [0; 32];
        low[0] = 0xff;
        assert_eq!(sum(low, one), carried);
    }

    #[test]
    fn a_range_holds_its_first_key_and_not_its_last() {
        let range = KeyRange { from: Some(key(2, 0)), to: Some(key(4, 0)) };
        assert!(range.contains(key(2, 0)) && range.contains(key(3, 9)));
        assert!(!range.contains(key(1, 9)) && !range.contains(key(4, 0)));
        assert!(KeyRange::ALL.contains(key(0, 0)));
    }

    #[test]
    fn a_pack_brings_entries_of_several_authors_back() {
        let entries = [entry(1, "one"), entry(2, "two"), entry(1, "three")];
        let pack = EntryPack::of(&entries);
        assert_eq!(pack.certs.len(), 2);
        let pack: EntryPack = codec::decode(&codec::encode(&pack), 4096).unwrap();
        let mut certs = CertCache::default();
        let verified: Vec<_> =
            pack.unpack().unwrap().into_iter().map(|one| one.verify(&mut certs).unwrap()).collect();
        assert_eq!(verified, entries);
    }

    #[test]
    fn a_pack_ends_before_it_is_too_large() {
        let long = "x".repeat(limits::TEXT_MAX);
        let entries: Vec<_> = (0..40).map(|author| entry(author, &long)).collect();
        let pack = EntryPack::of(&entries);
        assert!(pack.len() > 10 && pack.len() < 20);
        assert!(codec::encode(&pack).len() <= limits::PACK_BYTES_MAX + 1024);
    }

    #[test]
    fn a_pack_that_names_a_missing_certificate_is_refused() {
        let mut pack = EntryPack::of(&[entry(1, "one")]);
        pack.certs.clear();
        assert_eq!(pack.unpack(), Err(BadPack));
    }
}
