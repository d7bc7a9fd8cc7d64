//! Making a group of changes one batch.

use std::collections::{BTreeMap, BTreeSet};
use std::mem;

use kinmesh_proto::codec;
use kinmesh_proto::{
    Content, ConversationId, Delivery, DeviceCert, Entry, EntryKey, KeyRange, RoomId, SecretRecord,
    StoredEntry, Write,
};
use serde::Serialize;

use crate::disk::engine::Changes;
use crate::disk::layout::{self, Number};
use crate::disk::tree::{Tree, UNREADABLE, digests};
use crate::error::StoreError;
use crate::history;

/// Changes on their way into one batch. What is staged covers what the tree holds, so that a
/// change sees those before it.
pub(super) struct Group<'t> {
    tree: &'t mut Tree,
    staged: Changes,
    fresh: Vec<bool>,
    /// Rooms of which more can be read than before.
    unsealed: BTreeSet<RoomId>,
}

impl<'t> Group<'t> {
    pub(super) fn new(tree: &'t mut Tree) -> Self {
        Self { tree, staged: Changes::new(), fresh: Vec::new(), unsealed: BTreeSet::new() }
    }

    /// What becomes of each key, and of each entry put, in order, whether it is new.
    pub(super) fn finish(mut self) -> Result<(Changes, Vec<bool>), StoreError> {
        for room in mem::take(&mut self.unsealed) {
            self.erase_what_opened(room)?;
        }
        Ok((self.staged, self.fresh))
    }

    pub(super) fn stage(&mut self, write: &Write) -> Result<(), StoreError> {
        match write {
            Write::PutEntry { conversation, stored } => {
                let fresh = self.put_entry(*conversation, stored)?;
                self.fresh.push(fresh);
            }
            Write::SetDelivery { conversation, key, delivery } => {
                self.set_delivery(*conversation, *key, *delivery)?;
            }
            Write::Forget { conversation, before } => self.forget(*conversation, *before)?,
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
            Write::RemoveAddresses(device) => self.remove(layout::address_key(*device)),
            Write::PutInvite(record) => self.put_record(layout::invite_key(record.id()), record),
            Write::RemoveInvite(ticket) => self.remove(layout::invite_key(*ticket)),
            Write::PutOpening(record) => self.put_record(layout::opening_key(record.id()), record),
            Write::RemoveOpening(ticket) => self.remove(layout::opening_key(*ticket)),
            Write::PutSecret(record) => self.put_secret(record),
            Write::PutPrivacy(privacy) => self.put_record(layout::PRIVACY_KEY.to_vec(), privacy),
            Write::PutProfile(profile) => self.put_record(layout::PROFILE_KEY.to_vec(), profile),
        }
        Ok(())
    }

    fn put_entry(&mut self, conversation: ConversationId, stored: &StoredEntry) -> Result<bool, StoreError> {
        let number = self.conversation_number(conversation);
        let stored = &self.tree.opened(number, stored.clone());
        let key = stored.entry.key();
        if self.get(&layout::entry_key(number, key))?.is_some() {
            return Ok(false);
        }
        let erased = self.is_taken_back(number, &stored.entry)?.then(|| history::erased(stored));
        self.put_value(number, erased.as_ref().unwrap_or(stored));
        self.count(number, key)?;
        if let Some(post) = stored.entry.content().target() {
            let change = layout::change_value(stored.entry.content());
            self.put(layout::change_key(number, post, key), change);
        }
        if let Content::Delete { of } = *stored.entry.content() {
            self.erase(number, of, &stored.entry)?;
        }
        Ok(true)
    }

    fn put_value(&mut self, number: Number, stored: &StoredEntry) {
        let (_, cert, _) = stored.entry.envelope().parts();
        let cert = self.cert_number(cert);
        self.put(layout::entry_key(number, stored.entry.key()), layout::entry_value(stored, cert));
    }

    /// Counts a new entry in its day.
    fn count(&mut self, number: Number, key: EntryKey) -> Result<(), StoreError> {
        let checkpoint = |day| digests::checkpoint(self.get(&layout::day_key(number, day))?.as_deref());
        let moved = self.tree.digests.add(&self.tree.engine, number, key, checkpoint)?;
        if let Some((day, digest)) = moved {
            self.put(layout::day_key(number, day), layout::digest_value(&digest));
        }
        Ok(())
    }

    /// Removes the oldest entries. The records of their authors stay: others may share them.
    fn forget(&mut self, conversation: ConversationId, before: EntryKey) -> Result<(), StoreError> {
        let Some(number) = self.tree.conversations.number_of(&conversation) else { return Ok(()) };
        for key in self.oldest(number, before)? {
            let Some(forgotten) = self.entry(number, key)? else { continue };
            if let Some(post) = forgotten.entry.content().target() {
                self.remove(layout::change_key(number, post, key));
            }
            self.remove(layout::entry_key(number, key));
            self.uncount(number, key)?;
        }
        Ok(())
    }

    /// The oldest entries that are here or staged, from before one.
    fn oldest(&self, number: Number, before: EntryKey) -> Result<Vec<EntryKey>, StoreError> {
        let range = KeyRange { from: None, to: Some(before) };
        let here = digests::keys(&self.tree.engine, number, range).take(history::FORGET_MAX);
        let mut oldest = here.collect::<Result<BTreeSet<_>, _>>()?;
        let (low, high) = layout::entry_bounds(number, range);
        oldest.extend(self.staged.range(low..high).filter_map(|(key, _)| layout::last_place(key)));
        Ok(oldest.into_iter().take(history::FORGET_MAX).collect())
    }

    /// Takes the oldest entry out of its day.
    fn uncount(&mut self, number: Number, key: EntryKey) -> Result<(), StoreError> {
        let checkpoint = |day| digests::checkpoint(self.get(&layout::day_key(number, day))?.as_deref());
        let (day, left) = self.tree.digests.remove(&self.tree.engine, number, key, checkpoint)?;
        let day = layout::day_key(number, day);
        match left.count {
            0 => self.remove(day),
            _ => self.put(day, layout::digest_value(&left)),
        }
        Ok(())
    }

    /// Whether a delete that is here erases this entry.
    fn is_taken_back(&self, number: Number, entry: &Entry) -> Result<bool, StoreError> {
        for (delete, value) in self.changes(number, history::subject_of(entry))? {
            if layout::is_delete(&value)
                && self.entry(number, delete)?.is_some_and(|delete| delete.entry.erases(entry))
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Erases what `delete` takes back of a post and its changes.
    fn erase(&mut self, number: Number, post: EntryKey, delete: &Entry) -> Result<(), StoreError> {
        let changes = self.changes(number, post)?.into_iter().map(|(change, _)| change);
        for key in changes.chain([post]) {
            if let Some(stored) = self.entry(number, key)?.filter(|stored| delete.erases(&stored.entry)) {
                self.put_value(number, &history::erased(&stored));
            }
        }
        Ok(())
    }

    fn put_secret(&mut self, record: &SecretRecord) {
        self.put_record(layout::secret_key(record.room, record.step), record);
        self.tree.secrets.add(record.room, record.step, record.secret.clone());
        self.unsealed.insert(record.room);
    }

    /// A secret opens what came before it, too: what that takes back is erased now.
    fn erase_what_opened(&mut self, room: RoomId) -> Result<(), StoreError> {
        let Some(number) = self.tree.conversations.number_of(&ConversationId::Room(room)) else {
            return Ok(());
        };
        let low = layout::conversation_prefix(layout::CHANGES, number);
        let high = layout::after_all(&low);
        for (key, value) in self.range(&low, &high)? {
            let change = layout::last_place(&key).ok_or(UNREADABLE)?;
            if layout::is_delete(&value) {
                continue;
            }
            let Some(change) = self.entry(number, change)? else { continue };
            if let Content::Delete { of } = *change.entry.content() {
                self.put(key, layout::change_value(change.entry.content()));
                self.erase(number, of, &change.entry)?;
            }
        }
        Ok(())
    }

    /// The changes of a post that are here or staged, each with the value beside its key.
    fn changes(&self, number: Number, post: EntryKey) -> Result<Vec<(EntryKey, Vec<u8>)>, StoreError> {
        let low = layout::changes_prefix(number, post);
        let high = layout::after_all(&low);
        let place = |(key, value): (Vec<u8>, _)| Ok((layout::last_place(&key).ok_or(UNREADABLE)?, value));
        self.range(&low, &high)?.into_iter().map(place).collect()
    }

    /// What is here or staged from `low` on and before `high`.
    fn range(&self, low: &[u8], high: &[u8]) -> Result<BTreeMap<Vec<u8>, Vec<u8>>, StoreError> {
        let mut pairs = BTreeMap::new();
        for pair in self.tree.engine.range(low, high) {
            let (key, value) = pair?;
            pairs.insert(key.to_vec(), value.to_vec());
        }
        for (key, value) in self.staged.range(low.to_vec()..high.to_vec()) {
            match value {
                Some(value) => pairs.insert(key.clone(), value.clone()),
                None => pairs.remove(key),
            };
        }
        Ok(pairs)
    }

    fn entry(&self, number: Number, key: EntryKey) -> Result<Option<StoredEntry>, StoreError> {
        let key = layout::entry_key(number, key);
        self.get(&key)?.map(|value| self.tree.read_entry(&key, &value)).transpose()
    }

    fn set_delivery(
        &mut self,
        conversation: ConversationId,
        key: EntryKey,
        delivery: Delivery,
    ) -> Result<(), StoreError> {
        let Some(number) = self.tree.conversations.number_of(&conversation) else { return Ok(()) };
        let key = layout::entry_key(number, key);
        if let Some(value) = self.get(&key)? {
            self.put(key, layout::with_delivery(&value, delivery));
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
