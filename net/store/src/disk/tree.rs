//! The records in the tree: what they are, and reading all that is read at once.
//!
//! It must never know what stands around sled's directory.

mod digests;
mod group;
mod history;
mod numbers;

use std::path::Path;

use kinmesh_proto::codec;
use kinmesh_proto::{
    ConversationId, ConversationRecord, DeviceCert, MemberRecord, Snapshot, StoredEntry, Write,
};
use serde::de::DeserializeOwned;

use crate::disk::directory;
use crate::disk::engine::{self, Changes, Engine, Pair};
use crate::disk::layout::{self, SCHEMA};
use crate::disk::tree::digests::Digests;
use crate::disk::tree::group::Group;
pub(super) use crate::disk::tree::history::History;
use crate::disk::tree::numbers::Numbers;
use crate::error::{Damage, StoreError};

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
}

impl Tree {
    /// Opens the tree in sled's directory `dir`, or makes one, and reads all but the entries once.
    pub(super) fn open(dir: &Path) -> Result<Opened, StoreError> {
        let had_data = engine::has_data(dir);
        let engine = Engine::open(dir)?;
        match engine.get(layout::SCHEMA_KEY)?.as_deref().map(layout::split_number) {
            Some(Some((SCHEMA, []))) => {}
            Some(Some((found @ 1..SCHEMA, []))) => return Ok(Opened::Older(found, engine)),
            Some(Some((found, []))) if found > SCHEMA => {
                return Err(StoreError::NewerSchema { found, known: SCHEMA });
            }
            None if !had_data => {
                let schema = SCHEMA.to_be_bytes().to_vec();
                engine.write(Changes::from([(layout::SCHEMA_KEY.to_vec(), Some(schema))]))?;
                directory::sync_names(dir)?;
            }
            _ => return Err(StoreError::Damaged(Damage::Schema)),
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
            engine,
        };
        tree.load()?;
        Ok(tree)
    }

    /// Makes all the changes or none. After an error this tree must not be used again.
    pub(super) fn apply(&mut self, writes: &[Write]) -> Result<Vec<bool>, StoreError> {
        let mut group = Group::new(self);
        for write in writes {
            group.stage(write)?;
        }
        let (staged, fresh) = group.into_parts();
        self.engine.write(staged)?;
        Ok(fresh)
    }

    /// Writes something that changes nothing, to see whether the disk takes it.
    pub(super) fn probe(&self) -> Result<(), StoreError> {
        let schema = SCHEMA.to_be_bytes().to_vec();
        self.engine.write(Changes::from([(layout::SCHEMA_KEY.to_vec(), Some(schema))]))
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
        layout::read_entry(key, value, |number| self.certs.value_of(number)).ok_or(UNREADABLE)
    }

    fn record<T: DeserializeOwned>(&self, key: &[u8]) -> Result<Option<T>, StoreError> {
        self.engine.get(key)?.map(|value| decode(&value).ok_or(UNREADABLE)).transpose()
    }
}

/// Reads all records of a kind.
fn read_kind<T>(
    engine: &Engine,
    kind: u8,
    read: impl Fn(&[u8], &[u8]) -> Option<T>,
) -> Result<Vec<T>, StoreError> {
    of_kind(engine, kind)
        .map(|pair| pair.and_then(|(key, value)| read(&key, &value).ok_or(UNREADABLE)))
        .collect()
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
