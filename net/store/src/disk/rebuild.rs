//! Writes a store anew from what can be read of an older one.
//!
//! Records are read first, since entries name their conversation and their author's certificate by
//! number; then the entries pass through, so that a history of any length fits. Every entry is
//! verified again: it proves itself wherever it was found, and one that does not is left out. It must
//! never change the older store.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound;
use std::path::{Path, PathBuf};

use kinmesh_proto::{
    CertCache, ConversationId, ConversationRecord, ConversationTag, Delivery, DeviceCert, Digest, KeyRange,
    PersonId, PersonRecord, StoredEntry, Unverified, Write,
};
use serde::de::DeserializeOwned;

use crate::disk::cipher::Cipher;
use crate::disk::engine::{Engine, Pair};
use crate::disk::format_1;
use crate::disk::layout::{self, Number, SCHEMA};
use crate::disk::log::{self, Change, Step};
use crate::disk::tree::{self, Tree, decode};
use crate::error::StoreError;
use crate::history::{day_of, range_of_day};

/// Entries written at once: what the storage thread puts into one group.
const GROUP: usize = 256;

/// An older store.
pub(super) enum Source {
    /// One that sled can read.
    Engine(Engine),
    /// The log of one that it cannot, and how it was written.
    Log(PathBuf, Cipher),
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
    let mut copier = Copier::new(&records, tree);
    source.each_entry(|key, value, is_sure| copier.take(key, value, is_sure))?;
    copier.finish()
}

impl Source {
    /// Feeds every entry to `visit`, its later states after its earlier ones, and whether we have
    /// written it so. Where a page is gone, what was changed in it has a key that begins with what
    /// another one does.
    pub(super) fn each_entry(
        &self,
        mut visit: impl FnMut(&[u8], &[u8], bool) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        self.replay(|step| match step.change {
            Change::Page { pairs, .. } => pairs
                .iter()
                .filter(|(key, _)| layout::is_entry_key(key))
                .try_for_each(|(key, value)| visit(key, &self.open_entry(key, value), step.is_sure)),
            Change::Pair { key, value: Some(value) } => {
                visit(&key, &self.open_entry(&key, value), step.is_sure)
            }
            Change::Pair { .. } => Ok(()),
        })
    }

    /// An entry's value; an empty one, which nobody can read, where its seal is broken.
    fn open_entry(&self, key: &[u8], value: &[u8]) -> sled::IVec {
        self.open((key.into(), value.into())).map(|(_, value)| value).unwrap_or_default()
    }

    /// A pair that was replayed, without its seal.
    fn open(&self, pair: Pair) -> Option<Pair> {
        match self {
            Self::Log(_, cipher) => cipher.open(pair),
            // It was opened on its way.
            Self::Engine(_) => Some(pair),
        }
    }

    /// Whether this is how it was written, as far as the format can be read.
    fn fits(&self, format: Option<&Vec<u8>>) -> bool {
        match self {
            Self::Log(_, cipher) => format.is_none_or(|format| cipher.fits(format)),
            Self::Engine(_) => true,
        }
    }

    fn replay(&self, mut visit: impl FnMut(Step<'_>) -> Result<(), StoreError>) -> Result<(), StoreError> {
        match self {
            Self::Log(log, _) => log::replay(log, visit),
            Self::Engine(engine) => engine.range(&[], &[u8::MAX]).try_for_each(|pair| {
                let (key, value) = pair?;
                let change = Change::Pair { key: key.to_vec(), value: Some(&value) };
                visit(Step { change, is_sure: true })
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
            // A record proves nothing about itself.
            if step.is_sure {
                follow(&mut pairs, step.change);
            }
            Ok(())
        })?;
        if !source.fits(pairs.get(layout::SCHEMA_KEY)) {
            return Err(StoreError::WrongKey);
        }
        let pairs = pairs.into_iter().filter_map(|(key, value)| source.open((key.into(), value.into())));
        let mut pairs: BTreeMap<_, _> = pairs.map(|(key, value)| (key.to_vec(), value.to_vec())).collect();
        fill_in(&mut pairs);
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

    /// What entries of the conversations say that they belong to; in chats that depends on who we are.
    fn tags(&self, me: Option<PersonId>) -> HashMap<ConversationTag, ConversationId> {
        let tag = |id: &ConversationId| match (id, me) {
            (ConversationId::Direct(_), me) => Some(id.tag(me?)),
            // The same whoever we are.
            (ConversationId::Room(_) | ConversationId::Control(_), _) => Some(id.tag(PersonId([0; 32]))),
        };
        self.conversations.values().filter_map(|id| Some((tag(id)?, *id))).collect()
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
            // Before the entries, so that what is sealed opens on its way.
            .chain(self.all(layout::SECRETS).map(Write::PutSecret))
            .chain(self.conversations().into_iter().map(Write::PutConversation))
            .chain(self.all(layout::PEOPLE).map(Write::PutPerson))
            .chain(members.map(Write::PutMember))
            .chain(self.all(layout::ADDRESSES).map(Write::PutAddresses))
            .chain(self.all(layout::INVITES).map(Write::PutInvite))
            .chain(self.all(layout::OPENINGS).map(Write::PutOpening))
            .collect()
    }

    /// What the checkpoints of the days have counted.
    fn counts(&self) -> impl Iterator<Item = (ConversationId, Digest)> {
        self.of_kind(layout::DAYS).filter_map(|(key, value)| {
            let (number, _) = layout::read_day_key(key)?;
            Some((self.conversation_of(number)?, layout::read_digest(value)?))
        })
    }

    fn of_kind(&self, kind: u8) -> impl Iterator<Item = (&Vec<u8>, &Vec<u8>)> {
        self.pairs.range(vec![kind]..vec![kind + 1])
    }
}

/// Puts copies in the place of what is gone. Whom either of the two says to be blocked stays so.
fn fill_in(pairs: &mut BTreeMap<Vec<u8>, Vec<u8>>) {
    let is_blocked = |value: &[u8]| {
        let ties = decode::<PersonRecord>(value).and_then(|record| record.ties);
        ties.is_some_and(|ties| ties.blocked)
    };
    let copies = pairs.iter().filter_map(|(key, value)| Some((layout::original_key(key)?, value.clone())));
    for (key, copy) in copies.collect::<Vec<_>>() {
        let original = pairs.entry(key).or_insert_with(|| copy.clone());
        if is_blocked(&copy) && !is_blocked(original) {
            *original = copy;
        }
    }
}

/// Changes what the records are; entries are none.
fn follow(pairs: &mut BTreeMap<Vec<u8>, Vec<u8>>, change: Change<'_>) {
    let is_record = |key: &[u8]| !matches!(key.first(), Some(&(layout::ENTRIES | layout::CHANGES)));
    match change {
        Change::Page { low, high, pairs: page } => {
            let high = if high.is_empty() { Bound::Unbounded } else { Bound::Excluded(high) };
            let gone = pairs.range::<[u8], _>((Bound::Included(low), high));
            let gone: Vec<_> = gone.map(|(key, _)| key.clone()).collect();
            gone.iter().for_each(|key| drop(pairs.remove(key)));
            let records = page.into_iter().filter(|(key, _)| is_record(key));
            pairs.extend(records.map(|(key, value)| (key, value.to_vec())));
        }
        Change::Pair { key, value: Some(value) } if is_record(&key) => {
            pairs.insert(key, value.to_vec());
        }
        Change::Pair { key, .. } => drop(pairs.remove(&key)),
    }
}

/// Puts entries into a new store.
struct Copier<'c> {
    records: &'c Records,
    tree: &'c mut Tree,
    certs: CertCache,
    group: Vec<(ConversationId, StoredEntry)>,
    kept: u64,
    /// Keys at which nothing was found so far but what proves nothing.
    unreadable: BTreeSet<Vec<u8>>,
    /// Who we are, once an entry of ours was read.
    me: Option<PersonId>,
    /// The conversations, by what their entries say that they belong to.
    tags: HashMap<ConversationTag, ConversationId>,
    /// The highest sequence number of our own entries.
    seqs: BTreeMap<ConversationId, u64>,
}

impl<'c> Copier<'c> {
    fn new(records: &'c Records, tree: &'c mut Tree) -> Self {
        Self {
            records,
            tree,
            certs: CertCache::default(),
            group: Vec::new(),
            kept: 0,
            unreadable: BTreeSet::new(),
            me: None,
            tags: records.tags(None),
            seqs: BTreeMap::new(),
        }
    }

    fn take(&mut self, key: &[u8], value: &[u8], is_sure: bool) -> Result<(), StoreError> {
        let stored = layout::read_entry_value(value, |number| self.records.cert_of(number));
        let is_its_key = stored.as_ref().is_none_or(|it| layout::last_place(key) == Some(it.entry.key()));
        match stored.and_then(|stored| self.placed(is_its_key.then_some(key), stored, is_sure)) {
            Some(found) => self.group.push(found),
            None if is_its_key && layout::is_entry_key(key) => drop(self.unreadable.insert(key.to_vec())),
            None => {}
        }
        if self.group.len() < GROUP { Ok(()) } else { self.put() }
    }

    /// An entry with its conversation: the one that it names, or else what its key says if we wrote that.
    /// Whoever hides a page in an entry writes keys and deliveries as they like; only who signed it is
    /// not theirs to say.
    fn placed(
        &mut self,
        key: Option<&[u8]>,
        stored: StoredEntry,
        is_sure: bool,
    ) -> Option<(ConversationId, StoredEntry)> {
        let is_own = stored.delivery != Delivery::Received;
        if is_sure && is_own && self.me.is_none() {
            self.me = Some(stored.entry.person());
            self.tags = self.records.tags(self.me);
        }
        let delivery = if is_sure || self.me == Some(stored.entry.person()) {
            stored.delivery
        } else {
            Delivery::Received
        };
        let named = self.tags.get(&stored.entry.value().conversation).copied();
        let told = || {
            let (number, _) = layout::split_number(key.filter(|_| is_sure)?.get(1..)?)?;
            self.records.conversation_of(number)
        };
        Some((named.or_else(told)?, StoredEntry { delivery, ..stored }))
    }

    fn put(&mut self) -> Result<(), StoreError> {
        let group = std::mem::take(&mut self.group);
        let envelopes = group.iter().map(|(_, stored)| stored.entry.envelope().clone()).collect();
        let verified = Unverified::verify_each(envelopes, &mut self.certs);
        let mut writes = Vec::new();
        for ((conversation, stored), _) in group.into_iter().zip(verified).filter(|(_, entry)| entry.is_ok())
        {
            self.note_seq(conversation, &stored);
            let (key, delivery) = (stored.entry.key(), stored.delivery);
            // An earlier state of it may be there already.
            let deliver = Write::SetDelivery { conversation, key, delivery };
            writes.extend([Write::PutEntry { conversation, stored }, deliver]);
        }
        let fresh = self.tree.apply(&writes)?;
        self.kept += fresh.into_iter().filter(|fresh| *fresh).count() as u64;
        Ok(())
    }

    fn note_seq(&mut self, conversation: ConversationId, stored: &StoredEntry) {
        if stored.delivery != Delivery::Received {
            let seq = self.seqs.entry(conversation).or_default();
            *seq = stored.entry.value().seq.max(*seq);
        }
    }

    fn finish(mut self) -> Result<Copied, StoreError> {
        self.put()?;
        self.reserve_seqs()?;
        let lost = self.missing()?.max(self.unreadable()?);
        Ok(Copied { kept: self.kept, lost, readable: None })
    }

    /// Sees to it that no sequence number is used twice, although a record may be older than the
    /// entries.
    fn reserve_seqs(&mut self) -> Result<(), StoreError> {
        let records = self.records.conversations().into_iter();
        let writes = records.filter_map(|record| {
            let seq = *self.seqs.get(&record.id)?;
            let reserved = ConversationRecord { seq_reserved: seq.max(record.seq_reserved), ..record };
            Some(Write::PutConversation(reserved))
        });
        self.tree.apply(&writes.collect::<Vec<_>>()).map(drop)
    }

    /// Entries that were seen, and are not here.
    fn unreadable(&self) -> Result<u64, StoreError> {
        let mut count = 0;
        for key in &self.unreadable {
            let place = layout::last_place(key);
            let number = key.get(1..).and_then(|key| layout::split_number(key));
            let conversation = number.and_then(|(number, _)| self.records.conversation_of(number));
            let found = match (conversation.and_then(|id| self.tree.history(id)), place) {
                (Some(history), Some(place)) => history.entries(&[place], 0)?.len(),
                _ => 0,
            };
            count += u64::from(found == 0);
        }
        Ok(count)
    }

    /// Entries that were counted once, and are not here.
    fn missing(&self) -> Result<u64, StoreError> {
        let mut missing = 0;
        for (conversation, counted) in self.records.counts() {
            let from = counted.newest.and_then(|newest| range_of_day(day_of(newest)).from);
            let range = KeyRange { from, to: counted.newest.map(layout::just_after) };
            let here = self.tree.history(conversation).map(|history| history.digest(range)).transpose()?;
            missing += counted.count.saturating_sub(here.unwrap_or_default().count);
        }
        Ok(missing)
    }
}
