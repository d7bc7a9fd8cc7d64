//! Writes a store anew from what can be read of an older one.
//!
//! Records are read first, since entries name their conversation and their author's certificate by
//! number; then the entries pass through, so that a history of any length fits. An entry proves
//! itself by its hash; one that does not is left out. It must never change the older store.

use std::collections::{BTreeMap, BTreeSet, HashMap, hash_map};
use std::ops::Bound;
use std::path::{Path, PathBuf};

use kinmesh_proto::{ConversationId, ConversationRecord, DeviceCert, StoredEntry, Write};
use serde::de::DeserializeOwned;

use crate::disk::engine::Engine;
use crate::disk::format_1;
use crate::disk::layout::{self, Number, SCHEMA};
use crate::disk::log::{self, Step};
use crate::disk::tree::{self, Tree, decode};
use crate::error::StoreError;

/// Entries written at once: what the storage thread puts into one group.
const GROUP: usize = 256;

/// An older store.
pub(super) enum Source {
    /// One that sled can read.
    Engine(Engine),
    /// The log of one that it cannot.
    Log(PathBuf),
}

/// What became of the entries.
#[derive(Debug, Default)]
pub(super) struct Copied {
    pub(super) kept: u64,
    pub(super) lost: u64,
    /// The name of a file for people, beside sled's files in the older store.
    pub(super) readable: Option<&'static str>,
}

/// Copies all that can be read. `dir` holds sled's files of the older store.
pub(super) fn copy(source: &Source, dir: &Path, tree: &mut Tree) -> Result<Copied, StoreError> {
    let records = Records::read(source)?;
    for writes in records.writes().chunks(GROUP) {
        tree.apply(writes)?;
    }
    if records.format() < SCHEMA {
        return format_1::export(source, &records, dir);
    }
    let mut copier =
        Copier { records: &records, tree, group: Vec::new(), kept: 0, unreadable: BTreeSet::new() };
    source.each_entry(|key, value| copier.take(key, value))?;
    copier.finish()
}

impl Source {
    /// Feeds every entry to `visit`, its later states after its earlier ones.
    pub(super) fn each_entry(
        &self,
        mut visit: impl FnMut(&[u8], &[u8]) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let is_entry = |key: &[u8]| key.first() == Some(&layout::ENTRIES);
        self.replay(|step| match step {
            Step::Page { pairs, .. } => {
                pairs.iter().filter(|(key, _)| is_entry(key)).try_for_each(|(key, value)| visit(key, value))
            }
            Step::Change { key, value: Some(value) } if is_entry(&key) => visit(&key, value),
            Step::Change { .. } => Ok(()),
        })
    }

    fn replay(&self, mut visit: impl FnMut(Step<'_>) -> Result<(), StoreError>) -> Result<(), StoreError> {
        match self {
            Self::Log(log) => log::replay(log, visit),
            Self::Engine(engine) => engine.range(&[], &[u8::MAX]).try_for_each(|pair| {
                let (key, value) = pair?;
                visit(Step::Change { key: key.to_vec(), value: Some(&value) })
            }),
        }
    }
}

/// All keys and values but the entries.
pub(super) struct Records {
    pairs: BTreeMap<Vec<u8>, Vec<u8>>,
    conversations: HashMap<Number, ConversationId>,
    certs: HashMap<Number, DeviceCert>,
}

impl Records {
    fn read(source: &Source) -> Result<Self, StoreError> {
        let mut pairs = BTreeMap::new();
        source.replay(|step| {
            take_step(&mut pairs, step);
            Ok(())
        })?;
        let mut records = Self { pairs, conversations: HashMap::new(), certs: HashMap::new() };
        records.conversations = records
            .of_kind(layout::CONVERSATIONS)
            .filter_map(|(key, value)| {
                Some((layout::split_number(value)?.0, layout::read_conversation_key(key)?))
            })
            .collect();
        records.certs = records
            .of_kind(layout::CERTS)
            .filter_map(|(key, value)| Some((layout::split_number(key.get(1..)?)?.0, decode(value)?)))
            .collect();
        Ok(records)
    }

    /// The number of their format; the current one where it cannot be read.
    fn format(&self) -> Number {
        self.pairs
            .get(layout::SCHEMA_KEY)
            .and_then(|value| layout::split_number(value))
            .map_or(SCHEMA, |(format, _)| format)
    }

    pub(super) fn conversation_of(&self, number: Number) -> Option<ConversationId> {
        self.conversations.get(&number).copied()
    }

    pub(super) fn cert_of(&self, number: Number) -> Option<&DeviceCert> {
        self.certs.get(&number)
    }

    pub(super) fn conversations(&self) -> Vec<ConversationRecord> {
        let is_first = self.format() == 1;
        let read = |value| {
            let (_, record) = layout::split_number(value)?;
            if is_first { format_1::conversation(record) } else { decode(record) }
        };
        self.of_kind(layout::CONVERSATIONS).filter_map(|(_, value)| read(value)).collect()
    }

    pub(super) fn all<T: DeserializeOwned>(&self, kind: u8) -> impl Iterator<Item = T> {
        self.of_kind(kind).filter_map(|(_, value)| decode(value))
    }

    pub(super) fn one<T: DeserializeOwned>(&self, key: &[u8]) -> Option<T> {
        decode(self.pairs.get(key)?)
    }

    /// What puts the records into a new store.
    fn writes(&self) -> Vec<Write> {
        let members = self.of_kind(layout::MEMBERS).filter_map(|(key, value)| tree::read_member(key, value));
        let single = [
            self.one(layout::PROFILE_KEY).map(Write::PutProfile),
            self.one(layout::PRIVACY_KEY).map(Write::PutPrivacy),
        ];
        (single.into_iter().flatten())
            .chain(self.conversations().into_iter().map(Write::PutConversation))
            .chain(self.all(layout::PEOPLE).map(Write::PutPerson))
            .chain(members.map(Write::PutMember))
            .chain(self.all(layout::ADDRESSES).map(Write::PutAddresses))
            .collect()
    }

    /// How many entries the checkpoints of the days know of: conversation, day, count.
    fn counts(&self) -> impl Iterator<Item = (ConversationId, u32, u64)> {
        self.of_kind(layout::DAYS).filter_map(|(key, value)| {
            let (number, day) = layout::read_day_key(key)?;
            Some((self.conversation_of(number)?, day, layout::read_digest(value)?.count))
        })
    }

    fn of_kind(&self, kind: u8) -> impl Iterator<Item = (&Vec<u8>, &Vec<u8>)> {
        self.pairs.range(vec![kind]..vec![kind + 1])
    }
}

/// Follows a step of the tree's life, without the entries and their changes.
fn take_step(pairs: &mut BTreeMap<Vec<u8>, Vec<u8>>, step: Step<'_>) {
    let is_record = |key: &[u8]| !matches!(key.first(), Some(&(layout::ENTRIES | layout::CHANGES)));
    match step {
        Step::Page { low, high, pairs: page } => {
            let high = if high.is_empty() { Bound::Unbounded } else { Bound::Excluded(high) };
            let gone = pairs.range::<[u8], _>((Bound::Included(low), high));
            let gone: Vec<_> = gone.map(|(key, _)| key.clone()).collect();
            gone.iter().for_each(|key| drop(pairs.remove(key)));
            let records = page.into_iter().filter(|(key, _)| is_record(key));
            pairs.extend(records.map(|(key, value)| (key, value.to_vec())));
        }
        Step::Change { key, value: Some(value) } if is_record(&key) => {
            pairs.insert(key, value.to_vec());
        }
        Step::Change { key, .. } => drop(pairs.remove(&key)),
    }
}

/// Puts entries into a new store.
struct Copier<'c> {
    records: &'c Records,
    tree: &'c mut Tree,
    group: Vec<Write>,
    kept: u64,
    unreadable: BTreeSet<Vec<u8>>,
}

impl Copier<'_> {
    fn take(&mut self, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
        let Some((conversation, stored)) = self.read(key, value) else {
            self.unreadable.insert(key.to_vec());
            return Ok(());
        };
        self.unreadable.remove(key);
        let (key, delivery) = (stored.entry.key(), stored.delivery);
        self.group.push(Write::PutEntry { conversation, stored });
        // An earlier state of it may have been put already.
        self.group.push(Write::SetDelivery { conversation, key, delivery });
        if self.group.len() >= 2 * GROUP { self.put() } else { Ok(()) }
    }

    fn read(&self, key: &[u8], value: &[u8]) -> Option<(ConversationId, StoredEntry)> {
        let (number, _) = layout::split_number(key.get(1..)?)?;
        let stored = layout::read_entry(key, value, |number| self.records.cert_of(number))?;
        Some((self.records.conversation_of(number)?, stored))
    }

    fn put(&mut self) -> Result<(), StoreError> {
        let fresh = self.tree.apply(&std::mem::take(&mut self.group))?;
        self.kept += fresh.into_iter().filter(|fresh| *fresh).count() as u64;
        Ok(())
    }

    fn finish(mut self) -> Result<Copied, StoreError> {
        self.put()?;
        let lost = self.missing()?.max(self.unreadable.len() as u64);
        Ok(Copied { kept: self.kept, lost, readable: None })
    }

    /// Entries that were counted once, and are not here.
    fn missing(&self) -> Result<u64, StoreError> {
        let mut kept = HashMap::new();
        for (conversation, ..) in self.records.counts() {
            if let (hash_map::Entry::Vacant(days), Some(history)) =
                (kept.entry(conversation), self.tree.history(conversation))
            {
                days.insert(history.days()?.into_iter().collect::<HashMap<_, _>>());
            }
        }
        let kept = |conversation, day| Some(kept.get(&conversation)?.get(&day)?.count);
        let missing = self
            .records
            .counts()
            .map(|(conversation, day, count)| count.saturating_sub(kept(conversation, day).unwrap_or(0)));
        Ok(missing.sum())
    }
}
