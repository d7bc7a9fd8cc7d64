//! The records in the tree: reading them, and making a group of changes one batch.
//!
//! It must never know files or locks.

use std::collections::HashMap;
use std::hash::Hash;

use kinmesh_proto::codec;
use kinmesh_proto::{
    ConversationId, ConversationRecord, Delivery, DeviceCert, EntryKey, MemberRecord, OwnProfile, Snapshot,
    StoredEntry, Write,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::disk::directory::Directory;
use crate::disk::engine::{Changes, Engine};
use crate::disk::layout::{self, Number, SCHEMA};
use crate::error::{Damage, StoreError};

const UNREADABLE: StoreError = StoreError::Damaged(Damage::Record);

/// An open store of the current format.
#[derive(Debug)]
pub(super) struct Tree {
    engine: Engine,
    conversations: Numbers<ConversationId>,
    certs: Numbers<DeviceCert>,
}

impl Tree {
    /// Opens the tree in `directory`, or makes one, and reads all but the entries once.
    pub(super) fn open(directory: &Directory) -> Result<Self, StoreError> {
        let had_data = directory.has_data();
        let engine = Engine::open(directory)?;
        match engine.get(layout::SCHEMA_KEY)?.as_deref().map(layout::split_number) {
            Some(Some((SCHEMA, []))) => {}
            Some(Some((found, []))) if found > SCHEMA => {
                return Err(StoreError::NewerSchema { found, known: SCHEMA });
            }
            None if !had_data => {
                let schema = SCHEMA.to_be_bytes().to_vec();
                engine.write(Changes::from([(layout::SCHEMA_KEY.to_vec(), Some(schema))]))?;
                directory.sync()?;
            }
            _ => return Err(StoreError::Damaged(Damage::Schema)),
        }
        let tree = Self { conversations: read_conversations(&engine)?, certs: read_certs(&engine)?, engine };
        tree.load()?;
        Ok(tree)
    }

    /// Makes all the changes or none. After an error this tree must not be used again.
    pub(super) fn apply(&mut self, writes: &[Write]) -> Result<Vec<bool>, StoreError> {
        let mut group = Group { tree: self, staged: Changes::new(), fresh: Vec::new() };
        for write in writes {
            group.stage(write)?;
        }
        let Group { staged, fresh, .. } = group;
        self.engine.write(staged)?;
        Ok(fresh)
    }

    /// Everything but the entries.
    pub(super) fn load(&self) -> Result<Snapshot, StoreError> {
        let mut members = Vec::new();
        self.scan_kind(layout::MEMBERS, |key, value| {
            let (room, person) = layout::read_member_key(key).ok_or(UNREADABLE)?;
            let last_seen_ms = u64::from_be_bytes(value.try_into().map_err(|_| UNREADABLE)?);
            members.push(MemberRecord { room, person, last_seen_ms });
            Ok(())
        })?;
        let mut conversations = Vec::new();
        self.scan_kind(layout::CONVERSATIONS, |_, value| {
            let (_, record) = layout::split_number(value).ok_or(UNREADABLE)?;
            if !record.is_empty() {
                conversations.push(decode::<ConversationRecord>(record)?);
            }
            Ok(())
        })?;
        let profile = self.engine.get(layout::PROFILE_KEY)?;
        let privacy = self.engine.get(layout::PRIVACY_KEY)?;
        Ok(Snapshot {
            profile: profile.map(|value| decode::<OwnProfile>(&value)).transpose()?,
            privacy: privacy.map(|value| decode(&value)).transpose()?.unwrap_or_default(),
            conversations,
            people: self.records(layout::PEOPLE)?,
            members,
            addresses: self.records(layout::ADDRESSES)?,
        })
    }

    /// See [`crate::HistoryStore::page`].
    pub(super) fn page(
        &self,
        conversation: ConversationId,
        before: Option<EntryKey>,
        limit: usize,
    ) -> Result<Vec<StoredEntry>, StoreError> {
        let Some(number) = self.conversations.number_of(&conversation) else { return Ok(Vec::new()) };
        let low = layout::conversation_prefix(layout::ENTRIES, number);
        let high = before
            .map_or_else(|| layout::after_all(&low), |key| layout::entry_key(layout::ENTRIES, number, key));
        let mut page = Vec::new();
        if limit > 0 {
            self.engine.scan((&low, &high), true, |key, value| {
                page.push(self.read_entry(key, value)?);
                Ok(page.len() < limit)
            })?;
        }
        page.reverse();
        Ok(page)
    }

    /// See [`crate::HistoryStore::unread`].
    pub(super) fn unread(
        &self,
        conversation: ConversationId,
        after: Option<EntryKey>,
        cap: usize,
    ) -> Result<usize, StoreError> {
        let Some(number) = self.conversations.number_of(&conversation) else { return Ok(0) };
        let prefix = layout::conversation_prefix(layout::ENTRIES, number);
        let low = after.map_or_else(
            || prefix.clone(),
            |key| layout::just_after(layout::entry_key(layout::ENTRIES, number, key)),
        );
        let mut unread = 0;
        if cap > 0 {
            self.engine.scan((&low, &layout::after_all(&prefix)), false, |_, value| {
                unread += usize::from(layout::is_received(value));
                Ok(unread < cap)
            })?;
        }
        Ok(unread)
    }

    /// See [`crate::HistoryStore::queued`].
    pub(super) fn queued(
        &self,
        conversation: ConversationId,
        limit: usize,
    ) -> Result<Vec<StoredEntry>, StoreError> {
        let Some(number) = self.conversations.number_of(&conversation) else { return Ok(Vec::new()) };
        let low = layout::conversation_prefix(layout::QUEUED, number);
        let mut queued = Vec::new();
        if limit > 0 {
            self.engine.scan((&low, &layout::after_all(&low)), false, |key, _| {
                queued.push(self.read_queued(key)?);
                Ok(queued.len() < limit)
            })?;
        }
        Ok(queued)
    }

    /// Reads every entry there is; the rest was read when the tree was opened.
    pub(super) fn examine(&self) -> Result<(), StoreError> {
        self.scan_kind(layout::ENTRIES, |key, value| self.read_entry(key, value).map(drop))?;
        self.scan_kind(layout::QUEUED, |key, _| self.read_queued(key).map(drop))
    }

    fn read_entry(&self, key: &[u8], value: &[u8]) -> Result<StoredEntry, StoreError> {
        layout::read_entry(key, value, |number| self.certs.value_of(number)).ok_or(UNREADABLE)
    }

    fn read_queued(&self, queued: &[u8]) -> Result<StoredEntry, StoreError> {
        let key = layout::queued_entry_key(queued);
        self.read_entry(&key, &self.engine.get(&key)?.ok_or(UNREADABLE)?)
    }

    fn records<T: DeserializeOwned>(&self, kind: u8) -> Result<Vec<T>, StoreError> {
        let mut records = Vec::new();
        self.scan_kind(kind, |_, value| {
            records.push(decode(value)?);
            Ok(())
        })?;
        Ok(records)
    }

    fn scan_kind(
        &self,
        kind: u8,
        visit: impl FnMut(&[u8], &[u8]) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        scan_kind(&self.engine, kind, visit)
    }
}

/// Changes on their way into one batch. What is staged covers what the tree holds, so that a
/// change sees those before it.
struct Group<'t> {
    tree: &'t mut Tree,
    staged: Changes,
    fresh: Vec<bool>,
}

impl Group<'_> {
    fn stage(&mut self, write: &Write) -> Result<(), StoreError> {
        match write {
            Write::PutEntry { conversation, stored } => {
                let fresh = self.put_entry(*conversation, stored)?;
                self.fresh.push(fresh);
            }
            Write::SetDelivery { conversation, key, delivery } => {
                self.set_delivery(*conversation, *key, *delivery)?;
            }
            Write::PutConversation(record) => {
                let number = self.conversation_number(record.id);
                let value = [&number.to_be_bytes()[..], &codec::encode(record)].concat();
                self.put(layout::conversation_key(record.id), value);
            }
            Write::PutPerson(record) => self.put_record(layout::person_key(record.person), record),
            Write::RemovePerson(person) => self.remove(layout::person_key(*person)),
            Write::PutMember(record) => {
                let key = layout::member_key(record.room, record.person);
                self.put(key, record.last_seen_ms.to_be_bytes().to_vec());
            }
            Write::RemoveMember { room, person } => self.remove(layout::member_key(*room, *person)),
            Write::PutAddresses(record) => self.put_record(layout::address_key(record.device), record),
            Write::PutPrivacy(privacy) => self.put_record(layout::PRIVACY_KEY.to_vec(), privacy),
            Write::PutProfile(profile) => self.put_record(layout::PROFILE_KEY.to_vec(), profile),
        }
        Ok(())
    }

    fn put_entry(&mut self, conversation: ConversationId, stored: &StoredEntry) -> Result<bool, StoreError> {
        let number = self.conversation_number(conversation);
        let key = stored.entry.key();
        let entry_key = layout::entry_key(layout::ENTRIES, number, key);
        if self.get(&entry_key)?.is_some() {
            return Ok(false);
        }
        let (_, cert, _) = stored.entry.envelope().parts();
        let cert = self.cert_number(cert);
        self.put(entry_key, layout::entry_value(stored, cert));
        if stored.delivery == Delivery::Queued {
            self.put(layout::entry_key(layout::QUEUED, number, key), Vec::new());
        }
        Ok(true)
    }

    fn set_delivery(
        &mut self,
        conversation: ConversationId,
        key: EntryKey,
        delivery: Delivery,
    ) -> Result<(), StoreError> {
        let Some(number) = self.tree.conversations.number_of(&conversation) else { return Ok(()) };
        let entry_key = layout::entry_key(layout::ENTRIES, number, key);
        let Some(value) = self.get(&entry_key)? else { return Ok(()) };
        self.put(entry_key, layout::with_delivery(&value, delivery));
        let queued_key = layout::entry_key(layout::QUEUED, number, key);
        match delivery {
            Delivery::Queued => self.put(queued_key, Vec::new()),
            _ => self.remove(queued_key),
        }
        Ok(())
    }

    /// The conversation's number. A new one is kept in the same batch, without a record so far.
    fn conversation_number(&mut self, id: ConversationId) -> Number {
        if let Some(number) = self.tree.conversations.number_of(&id) {
            return number;
        }
        let number = self.tree.conversations.add(id);
        self.put(layout::conversation_key(id), number.to_be_bytes().to_vec());
        number
    }

    /// The certificate's number. A new one is kept in the same batch.
    fn cert_number(&mut self, cert: &DeviceCert) -> Number {
        if let Some(number) = self.tree.certs.number_of(cert) {
            return number;
        }
        let number = self.tree.certs.add(cert.clone());
        self.put_record(layout::cert_key(number), cert);
        number
    }

    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        match self.staged.get(key) {
            Some(staged) => Ok(staged.clone()),
            None => Ok(self.tree.engine.get(key)?.map(|value| value.to_vec())),
        }
    }

    fn put(&mut self, key: Vec<u8>, value: Vec<u8>) {
        self.staged.insert(key, Some(value));
    }

    fn put_record<T: Serialize>(&mut self, key: Vec<u8>, record: &T) {
        self.put(key, codec::encode(record));
    }

    fn remove(&mut self, key: Vec<u8>) {
        self.staged.insert(key, None);
    }
}

/// Values that have a number for life, from 0 without gaps.
#[derive(Debug)]
struct Numbers<T> {
    numbers: HashMap<T, Number>,
    values: Vec<T>,
}

impl<T: Clone + Eq + Hash> Numbers<T> {
    /// Takes numbered values in any order; an error when they are not 0 to n, each once.
    fn read(mut pairs: Vec<(Number, T)>) -> Result<Self, StoreError> {
        pairs.sort_by_key(|(number, _)| *number);
        let mut all = Self { numbers: HashMap::new(), values: Vec::new() };
        for (number, value) in pairs {
            if all.add(value) != number {
                return Err(UNREADABLE);
            }
        }
        Ok(all)
    }

    fn number_of(&self, value: &T) -> Option<Number> {
        self.numbers.get(value).copied()
    }

    fn value_of(&self, number: Number) -> Option<&T> {
        self.values.get(usize::try_from(number).ok()?)
    }

    #[allow(clippy::expect_used)] // Four billion conversations or certificates do not fit in memory.
    fn add(&mut self, value: T) -> Number {
        let number = Number::try_from(self.values.len()).expect("fewer values than numbers");
        self.numbers.insert(value.clone(), number);
        self.values.push(value);
        number
    }
}

fn read_conversations(engine: &Engine) -> Result<Numbers<ConversationId>, StoreError> {
    let mut pairs = Vec::new();
    scan_kind(engine, layout::CONVERSATIONS, |key, value| {
        let id = layout::read_conversation_key(key).ok_or(UNREADABLE)?;
        let (number, _) = layout::split_number(value).ok_or(UNREADABLE)?;
        pairs.push((number, id));
        Ok(())
    })?;
    Numbers::read(pairs)
}

fn read_certs(engine: &Engine) -> Result<Numbers<DeviceCert>, StoreError> {
    let mut pairs = Vec::new();
    scan_kind(engine, layout::CERTS, |key, value| {
        let (number, _) = layout::split_number(key.get(1..).unwrap_or_default()).ok_or(UNREADABLE)?;
        pairs.push((number, decode(value)?));
        Ok(())
    })?;
    Numbers::read(pairs)
}

fn scan_kind(
    engine: &Engine,
    kind: u8,
    mut visit: impl FnMut(&[u8], &[u8]) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    engine.scan((&[kind], &[kind + 1]), false, |key, value| visit(key, value).map(|()| true))
}

fn decode<T: DeserializeOwned>(value: &[u8]) -> Result<T, StoreError> {
    codec::decode(value, value.len()).map_err(|_| UNREADABLE)
}
