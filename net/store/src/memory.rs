//! The store that forgets: for tests, simulations and a peer that wants to leave no trace.
//!
//! It must never differ from the sled store in anything but that: one conformance suite runs on both.

use std::collections::BTreeMap;
use std::ops::Bound;

use kinmesh_proto::{
    AddressRecord, ConversationId, ConversationRecord, Delivery, DeviceId, EntryKey, MemberRecord,
    OwnProfile, PersonId, PersonRecord, Privacy, RoomId, Snapshot, StoredEntry, Write,
};

use crate::error::StoreError;
use crate::history::HistoryStore;

/// A [`HistoryStore`] in memory.
#[derive(Debug, Default)]
pub struct MemoryStore {
    entries: BTreeMap<ConversationId, BTreeMap<EntryKey, StoredEntry>>,
    profile: Option<OwnProfile>,
    privacy: Privacy,
    conversations: BTreeMap<ConversationId, ConversationRecord>,
    people: BTreeMap<PersonId, PersonRecord>,
    members: BTreeMap<(RoomId, PersonId), MemberRecord>,
    addresses: BTreeMap<DeviceId, AddressRecord>,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    fn put_entry(&mut self, conversation: ConversationId, stored: StoredEntry) -> bool {
        let entries = self.entries.entry(conversation).or_default();
        let key = stored.entry.key();
        let fresh = !entries.contains_key(&key);
        if fresh {
            entries.insert(key, stored);
        }
        fresh
    }

    fn set_delivery(&mut self, conversation: ConversationId, key: EntryKey, delivery: Delivery) {
        if let Some(stored) = self.entries.get_mut(&conversation).and_then(|entries| entries.get_mut(&key)) {
            stored.delivery = delivery;
        }
    }

    /// The conversation's entries within the bounds, oldest first.
    fn range(
        &self,
        conversation: ConversationId,
        after: Option<EntryKey>,
        before: Option<EntryKey>,
    ) -> impl DoubleEndedIterator<Item = &StoredEntry> {
        let low = after.map_or(Bound::Unbounded, Bound::Excluded);
        let high = before.map_or(Bound::Unbounded, Bound::Excluded);
        self.entries
            .get(&conversation)
            .into_iter()
            .flat_map(move |entries| entries.range((low, high)))
            .map(|(_, stored)| stored)
    }
}

impl HistoryStore for MemoryStore {
    fn apply(&mut self, writes: &[Write]) -> Result<Vec<bool>, StoreError> {
        let mut fresh = Vec::new();
        for write in writes.iter().cloned() {
            match write {
                Write::PutEntry { conversation, stored } => fresh.push(self.put_entry(conversation, stored)),
                Write::SetDelivery { conversation, key, delivery } => {
                    self.set_delivery(conversation, key, delivery);
                }
                Write::PutConversation(record) => {
                    self.conversations.insert(record.id, record);
                }
                Write::PutPerson(record) => {
                    self.people.insert(record.person, record);
                }
                Write::RemovePerson(person) => {
                    self.people.remove(&person);
                }
                Write::PutMember(record) => {
                    self.members.insert((record.room, record.person), record);
                }
                Write::RemoveMember { room, person } => {
                    self.members.remove(&(room, person));
                }
                Write::PutAddresses(record) => {
                    self.addresses.insert(record.device, record);
                }
                Write::PutPrivacy(privacy) => self.privacy = privacy,
                Write::PutProfile(profile) => self.profile = Some(profile),
            }
        }
        Ok(fresh)
    }

    fn load(&self) -> Result<Snapshot, StoreError> {
        Ok(Snapshot {
            profile: self.profile.clone(),
            privacy: self.privacy,
            conversations: self.conversations.values().cloned().collect(),
            people: self.people.values().cloned().collect(),
            members: self.members.values().cloned().collect(),
            addresses: self.addresses.values().cloned().collect(),
        })
    }

    fn page(
        &self,
        conversation: ConversationId,
        before: Option<EntryKey>,
        limit: usize,
    ) -> Result<Vec<StoredEntry>, StoreError> {
        let mut page: Vec<_> = self.range(conversation, None, before).rev().take(limit).cloned().collect();
        page.reverse();
        Ok(page)
    }

    fn unread(
        &self,
        conversation: ConversationId,
        after: Option<EntryKey>,
        cap: usize,
    ) -> Result<usize, StoreError> {
        let received =
            self.range(conversation, after, None).filter(|stored| stored.delivery == Delivery::Received);
        Ok(received.take(cap).count())
    }

    fn queued(&self, conversation: ConversationId, limit: usize) -> Result<Vec<StoredEntry>, StoreError> {
        let queued =
            self.range(conversation, None, None).filter(|stored| stored.delivery == Delivery::Queued);
        Ok(queued.take(limit).cloned().collect())
    }
}
