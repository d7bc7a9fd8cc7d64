//! The records in the tree: what they are, and reading all that is read at once.
//!
//! It must never know what stands around sled's directory.

mod copies;
mod digests;
mod group;
mod history;
mod numbers;

use std::path::Path;

use kinmesh_proto::codec;
use kinmesh_proto::{
    ConversationId, ConversationRecord, DeviceCert, Keyring, MemberRecord, SecretRecord, Snapshot,
    StoredEntry, Write,
};
use serde::de::DeserializeOwned;

use crate::disk::cipher::Cipher;
use crate::disk::directory;
use crate::disk::engine::{self, Changes, Engine, Pair};
use crate::disk::layout::{self, Number, SCHEMA, SEALED_SCHEMA};
use crate::disk::tree::copies::Copies;
use crate::disk::tree::digests::Digests;
use crate::disk::tree::group::Group;
pub(super) use crate::disk::tree::history::History;
use crate::disk::tree::numbers::Numbers;
use crate::error::{Damage, StoreError};

/// Pairs copied at once: what the storage thread puts into one group.
const COPY_GROUP: usize = 256;

pub(super) const UNREADABLE: StoreError = StoreError::Damaged(Damage::Record);

/// What a directory holds.
#[derive(Debug)]
#[allow(clippy::large_enum_variant)] // There is one, for a moment.
pub(super) enum Opened {
    /// A store of the current format.
    Current(Tree),
    /// A store of an older format, and its number.
    Older(u32, Engine),
}

/// An open store of the current format.
#[derive(Debug)]
pub(super) struct Tree {
    engine: Engine,
    conversations: Numbers<ConversationId>,
    certs: Numbers<DeviceCert>,
    digests: Digests,
    copies: Copies,
    /// Open what is sealed for the members of private rooms.
    secrets: Keyring,
}

impl Tree {
    /// Opens the tree in sled's directory `dir`, or makes one, and reads all but the entries once.
    pub(super) fn open(dir: &Path, cipher: Cipher) -> Result<Opened, StoreError> {
        let had_data = engine::has_data(dir);
        let engine = Engine::open(dir, cipher)?;
        match engine.get(layout::SCHEMA_KEY)? {
            Some(format) => match layout::split_number(&format) {
                None => return Err(StoreError::Damaged(Damage::Schema)),
                Some((found, _)) if found > SEALED_SCHEMA => {
                    return Err(StoreError::NewerSchema { found, known: SEALED_SCHEMA });
                }
                Some(_) if !engine.fits(&format) => return Err(StoreError::WrongKey),
                Some((SCHEMA, []) | (SEALED_SCHEMA, _)) => {}
                Some((found @ 1..SCHEMA, [])) => return Ok(Opened::Older(found, engine)),
                _ => return Err(StoreError::Damaged(Damage::Schema)),
            },
            None if !had_data => {
                write_format(&engine)?;
                directory::sync_names(dir)?;
            }
            None => return Err(StoreError::Damaged(Damage::Schema)),
        }
        Self::of(engine).map(Opened::Current)
    }

    fn of(engine: Engine) -> Result<Self, StoreError> {
        let tree = Self {
            conversations: Numbers::read(read_kind(&engine, layout::CONVERSATIONS, |key, value| {
                Some((layout::split_number(value)?.0, layout::read_conversation_key(key)?))
            })?)?,
            certs: Numbers::read(read_kind(&engine, layout::CERTS, |key, value| {
                Some((layout::split_number(key.get(1..)?)?.0, decode(value)?))
            })?)?,
            digests: Digests::default(),
            copies: Copies::lacking(&engine)?,
            secrets: Keyring::default(),
            engine,
        };
        for SecretRecord { room, step, secret } in tree.load()?.secrets {
            tree.secrets.add(room, step, secret);
        }
        Ok(tree)
    }

    /// Makes all the changes or none. After an error this tree must not be used again.
    pub(super) fn apply(&mut self, writes: &[Write]) -> Result<Vec<bool>, StoreError> {
        let mut group = Group::new(self);
        for write in writes {
            group.stage(write)?;
        }
        let (mut staged, fresh) = group.finish()?;
        self.copies.join(&mut staged, &self.engine)?;
        self.engine.write(staged)?;
        Ok(fresh)
    }

    /// Whether it should be opened anew, so that a start after an abrupt end has less to read.
    pub(super) fn wants_snapshot(&self) -> bool {
        self.engine.wants_snapshot()
    }

    /// Writes something that changes nothing, to see whether the disk takes it.
    pub(super) fn probe(&self) -> Result<(), StoreError> {
        write_format(&self.engine)
    }

    /// Writes all there is into sled's directory `dir`, where nothing is yet, with another cipher.
    pub(super) fn copy(&self, dir: &Path, cipher: Cipher) -> Result<(), StoreError> {
        let copy = Engine::open(dir, cipher)?;
        let mut group = Changes::new();
        for pair in self.engine.range(&[], &[u8::MAX]) {
            let (key, value) = pair?;
            // Second copies are made from the first ones later.
            if *key != *layout::SCHEMA_KEY && layout::original_key(&key).is_none() {
                group.insert(key.to_vec(), Some(value.to_vec()));
            }
            if group.len() >= COPY_GROUP {
                copy.write(std::mem::take(&mut group))?;
            }
        }
        copy.write(group)?;
        // Last: without it this is no store.
        write_format(&copy)?;
        Ok(directory::sync_names(dir)?)
    }

    /// Everything but the entries.
    pub(super) fn load(&self) -> Result<Snapshot, StoreError> {
        let conversations = read_kind(&self.engine, layout::CONVERSATIONS, |_, value| {
            let (_, record) = layout::split_number(value)?;
            if record.is_empty() { Some(None) } else { decode::<ConversationRecord>(record).map(Some) }
        })?;
        Ok(Snapshot {
            profile: self.record(layout::PROFILE_KEY)?,
            privacy: self.record(layout::PRIVACY_KEY)?.unwrap_or_default(),
            conversations: conversations.into_iter().flatten().collect(),
            people: read_kind(&self.engine, layout::PEOPLE, |_, value| decode(value))?,
            members: read_kind(&self.engine, layout::MEMBERS, read_member)?,
            addresses: read_kind(&self.engine, layout::ADDRESSES, |_, value| decode(value))?,
            invites: read_kind(&self.engine, layout::INVITES, |_, value| decode(value))?,
            openings: read_kind(&self.engine, layout::OPENINGS, |_, value| decode(value))?,
            secrets: read_kind(&self.engine, layout::SECRETS, |_, value| decode(value))?,
        })
    }

    /// One conversation's entries; `None` when nothing was ever heard of it.
    pub(super) fn history(&self, conversation: ConversationId) -> Option<History<'_>> {
        let number = self.conversations.number_of(&conversation)?;
        Some(History { tree: self, number })
    }

    /// Reads every entry there is, and compares the digests with them; the rest was read when the
    /// tree was opened.
    pub(super) fn examine(&self) -> Result<(), StoreError> {
        for pair in of_kind(&self.engine, layout::ENTRIES) {
            let (key, value) = pair?;
            self.read_entry(&key, &value)?;
        }
        self.conversations
            .values()
            .iter()
            .filter_map(|id| self.history(*id))
            .try_for_each(|history| history.examine())
    }

    fn read_entry(&self, key: &[u8], value: &[u8]) -> Result<StoredEntry, StoreError> {
        let stored =
            layout::read_entry(key, value, |number| self.certs.value_of(number)).ok_or(UNREADABLE)?;
        let (number, _) = key.get(1..).and_then(layout::split_number).ok_or(UNREADABLE)?;
        Ok(self.opened(number, stored))
    }

    /// The entry as members of its room read it, if it is of a private one and its secrets are here.
    fn opened(&self, number: Number, stored: StoredEntry) -> StoredEntry {
        match self.conversations.value_of(number) {
            Some(ConversationId::Room(room)) => {
                StoredEntry { entry: stored.entry.opened(*room, &self.secrets), ..stored }
            }
            _ => stored,
        }
    }

    fn record<T: DeserializeOwned>(&self, key: &[u8]) -> Result<Option<T>, StoreError> {
        self.engine.get(key)?.map(|value| decode(&value).ok_or(UNREADABLE)).transpose()
    }
}

fn write_format(engine: &Engine) -> Result<(), StoreError> {
    engine.write(Changes::from([(layout::SCHEMA_KEY.to_vec(), Some(engine.format()))]))
}

/// Reads all records of a kind, in the order of their keys.
fn read_kind<T>(
    engine: &Engine,
    kind: u8,
    read: impl Fn(&[u8], &[u8]) -> Option<T>,
) -> Result<Vec<T>, StoreError> {
    let mut pairs = of_kind(engine, kind).collect::<Result<Vec<_>, _>>()?;
    // Hidden keys stand in another order.
    pairs.sort_unstable();
    pairs.iter().map(|(key, value)| read(key, value).ok_or(UNREADABLE)).collect()
}

fn of_kind(engine: &Engine, kind: u8) -> impl Iterator<Item = Result<Pair, StoreError>> {
    engine.range(&[kind], &[kind + 1])
}

pub(super) fn read_member(key: &[u8], value: &[u8]) -> Option<MemberRecord> {
    let (room, person) = layout::read_member_key(key)?;
    Some(MemberRecord { room, person, last_seen_ms: u64::from_be_bytes(value.try_into().ok()?) })
}

pub(super) fn decode<T: DeserializeOwned>(value: &[u8]) -> Option<T> {
    codec::decode(value, value.len()).ok()
}
