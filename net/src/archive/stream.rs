//! The plain stream inside an archive: records with their length before them, and a last one that
//! proves that none is missing.
//!
//! ```text
//! "kinmesh archive\n"   format, u32   ( length, u32   record, CBOR )*
//! ```
//! Integers are big-endian. The last record holds the counts of all others and the BLAKE3 of every
//! byte before it. This module must never know a file, a passphrase or a store.

use std::io::{self, Read, Write};

use kinmesh_proto::{
    AddressRecord, ConversationId, ConversationRecord, Delivery, EntryPack, InviteRecord, MemberRecord,
    OpeningRecord, OwnProfile, PersonRecord, Privacy, SecretRecord, codec,
};
use serde::{Deserialize, Serialize};
use serde_bytes::{ByteArray, ByteBuf};
use zeroize::Zeroizing;

use super::ArchiveError;
use crate::identity::KeyFiles;

/// What every archive begins with.
const OPENING: &[u8; 16] = b"kinmesh archive\n";
/// The format of everything below. A higher number is refused; 1 lacks invitations, 2 lacks secrets.
const FORMAT: u32 = 3;
/// Largest record: a full pack of entries, and 100 KiB of notes about them.
const RECORD_MAX: usize = 1 << 20;

/// One record of an archive.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(PartialEq))]
pub(super) enum Record {
    /// Opens the archive: whose it is.
    Peer(PeerRecord),
    /// A file of a face, by its name in the data directory.
    File { name: String, bytes: ByteBuf },
    /// Entries of one conversation.
    Entries(EntriesRecord),
    /// Our own profile.
    Profile(OwnProfile),
    /// What others are told.
    Privacy(Privacy),
    /// A conversation.
    Conversation(Box<ConversationRecord>),
    /// Somebody met.
    Person(Box<PersonRecord>),
    /// A member of a room.
    Member(MemberRecord),
    /// Where a device was reached.
    Addresses(AddressRecord),
    /// An invitation that we made.
    Invite(InviteRecord),
    /// An invitation that we opened.
    Opening(OpeningRecord),
    /// A secret of a private room.
    Secret(SecretRecord),
    /// Ends the archive.
    End(EndRecord),
}

/// Whose archive it is, and when it was made.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(PartialEq))]
pub(super) struct PeerRecord {
    pub(super) keys: KeyFiles,
    /// Unix milliseconds.
    pub(super) made_ms: u64,
    /// Entries to come, to within those that came meanwhile.
    pub(super) entries: u64,
}

/// Some entries of one conversation.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(PartialEq))]
pub(super) struct EntriesRecord {
    pub(super) conversation: ConversationId,
    pub(super) pack: EntryPack,
    /// Of each entry, in order: how far it has come, and when it reached our disk (Unix ms).
    pub(super) notes: Vec<(Delivery, u64)>,
}

/// What proves that nothing is missing.
#[derive(Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(PartialEq))]
pub(super) struct EndRecord {
    counts: Counts,
    hash: ByteArray<32>,
}

/// How much an archive holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Conversations, open or not.
    pub conversations: u64,
    /// People met.
    pub people: u64,
    /// Memberships of rooms.
    pub members: u64,
    /// Devices with known addresses.
    pub addresses: u64,
    /// Entries of all conversations.
    pub entries: u64,
    /// Files of the faces.
    pub files: u64,
}

impl Counts {
    fn add(&mut self, record: &Record) {
        match record {
            Record::Conversation(_) => self.conversations += 1,
            Record::Person(_) => self.people += 1,
            Record::Member(_) => self.members += 1,
            Record::Addresses(_) => self.addresses += 1,
            Record::Entries(entries) => self.entries += entries.pack.len() as u64,
            Record::File { .. } => self.files += 1,
            // Known by the hash; nobody asks how many there are.
            Record::Invite(_) | Record::Opening(_) | Record::Secret(_) => {}
            Record::Peer(_) | Record::Profile(_) | Record::Privacy(_) | Record::End(_) => {}
        }
    }
}

/// Writes an archive's stream.
pub(super) struct Writer<W> {
    out: W,
    hasher: blake3::Hasher,
    counts: Counts,
}

impl<W: Write> Writer<W> {
    pub(super) fn begin(out: W) -> io::Result<Self> {
        let mut writer = Self { out, hasher: blake3::Hasher::new(), counts: Counts::default() };
        writer.put_bytes(OPENING)?;
        writer.put_bytes(&FORMAT.to_be_bytes())?;
        Ok(writer)
    }

    /// A record beyond the limit is an error here: no reader would take it.
    pub(super) fn put(&mut self, record: &Record) -> io::Result<()> {
        // Keys may be in it.
        let bytes = Zeroizing::new(codec::encode(record));
        let length = u32::try_from(bytes.len()).ok().filter(|_| bytes.len() <= RECORD_MAX);
        let length = length.ok_or(io::ErrorKind::FileTooLarge)?;
        self.counts.add(record);
        self.put_bytes(&length.to_be_bytes())?;
        self.put_bytes(&bytes)
    }

    /// Ends the stream and gives back what it was written to.
    pub(super) fn end(mut self) -> io::Result<(W, Counts)> {
        let hash = ByteArray::new(*self.hasher.finalize().as_bytes());
        self.put(&Record::End(EndRecord { counts: self.counts, hash }))?;
        Ok((self.out, self.counts))
    }

    fn put_bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.hasher.update(bytes);
        self.out.write_all(bytes)
    }
}

/// Reads an archive's stream.
pub(super) struct Reader<R> {
    input: R,
    hasher: blake3::Hasher,
    counts: Counts,
}

impl<R: Read> Reader<R> {
    pub(super) fn begin(input: R) -> Result<Self, ArchiveError> {
        let mut reader = Self { input, hasher: blake3::Hasher::new(), counts: Counts::default() };
        if reader.take::<{ OPENING.len() }>()? != *OPENING {
            return Err(ArchiveError::NotAnArchive);
        }
        match u32::from_be_bytes(reader.take()?) {
            1..=FORMAT => Ok(reader),
            found if found > FORMAT => Err(ArchiveError::Newer { found, known: FORMAT }),
            _ => Err(ArchiveError::Damaged),
        }
    }

    /// What was read so far.
    pub(super) fn counts(&self) -> Counts {
        self.counts
    }

    /// The next record; `None` once the last one has proven that all were there.
    pub(super) fn next(&mut self) -> Result<Option<Record>, ArchiveError> {
        let so_far = self.hasher.clone();
        let length = usize::try_from(u32::from_be_bytes(self.take()?)).unwrap_or(usize::MAX);
        if length > RECORD_MAX {
            return Err(ArchiveError::Damaged);
        }
        let mut bytes = Zeroizing::new(vec![0; length]);
        self.input.read_exact(&mut bytes)?;
        self.hasher.update(&bytes);
        match codec::decode(&bytes, RECORD_MAX).map_err(|_| ArchiveError::Damaged)? {
            Record::End(end) => self.end(&end, &so_far).map(|()| None),
            record => {
                self.counts.add(&record);
                Ok(Some(record))
            }
        }
    }

    fn end(&mut self, end: &EndRecord, so_far: &blake3::Hasher) -> Result<(), ArchiveError> {
        let holds = end.counts == self.counts && *end.hash == *so_far.finalize().as_bytes();
        let is_over = self.input.read(&mut [0])? == 0;
        (holds && is_over).then_some(()).ok_or(ArchiveError::Damaged)
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], ArchiveError> {
        let mut bytes = [0; N];
        self.input.read_exact(&mut bytes)?;
        self.hasher.update(&bytes);
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests;
