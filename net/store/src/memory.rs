//! The store that forgets: for tests, simulations and a peer that wants to leave no trace.
//!
//! It must never differ from the sled store in anything but that: one conformance suite runs on both.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use kinmesh_proto::{
    AddressRecord, Content, ConversationId, ConversationRecord, Delivery, DeviceId, Digest, Entry, EntryId,
    EntryKey, InviteRecord, KeyRange, Keyring, MemberRecord, OpeningRecord, OwnProfile, PageAt, PageItem,
    PersonId, PersonRecord, Privacy, RoomId, SecretRecord, Snapshot, StoredEntry, TakenBack, TicketId, Wait,
    Write,
};

use crate::error::StoreError;
use crate::history::{self, Candidate, HistoryStore, ShowsChanges, day_of};

/// A [`HistoryStore`] in memory.
#[derive(Debug, Clone, Default)]
pub struct MemoryStore {
    histories: BTreeMap<ConversationId, History>,
    profile: Option<OwnProfile>,
    privacy: Privacy,
    conversations: BTreeMap<ConversationId, ConversationRecord>,
    people: BTreeMap<PersonId, PersonRecord>,
    members: BTreeMap<(RoomId, PersonId), MemberRecord>,
    addresses: BTreeMap<DeviceId, AddressRecord>,
    invites: BTreeMap<TicketId, InviteRecord>,
    openings: BTreeMap<TicketId, OpeningRecord>,
    secrets: BTreeMap<(RoomId, EntryId), SecretRecord>,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// The secrets of this room.
    fn keyring(&self, room: RoomId) -> Keyring {
        let keyring = Keyring::default();
        let range = (room, EntryId([0; 32]))..=(room, EntryId([0xff; 32]));
        for (_, SecretRecord { room, step, secret }) in self.secrets.range(range) {
            keyring.add(*room, *step, secret.clone());
        }
        keyring
    }

    fn opened(&self, conversation: ConversationId, stored: StoredEntry) -> StoredEntry {
        match conversation {
            ConversationId::Room(room) if matches!(stored.entry.content(), Content::Sealed { .. }) => {
                StoredEntry { entry: stored.entry.opened(room, &self.keyring(room)), ..stored }
            }
            _ => stored,
        }
    }

    /// Puts all entries of a room anew, as they can be read now.
    fn open_room(&mut self, room: RoomId) {
        let id = ConversationId::Room(room);
        let Some(sealed) = self.histories.remove(&id) else { return };
        let mut history = History::new();
        for stored in sealed.entries.into_values() {
            history.put(self.opened(id, stored));
        }
        self.histories.insert(id, history);
    }

    fn history(&self, conversation: ConversationId) -> &History {
        static EMPTY: History = History::new();
        self.histories.get(&conversation).unwrap_or(&EMPTY)
    }
}

impl HistoryStore for MemoryStore {
    fn apply(&mut self, writes: &[Write]) -> Result<Vec<bool>, StoreError> {
        let mut fresh = Vec::new();
        for write in writes.iter().cloned() {
            match write {
                Write::PutEntry { conversation, stored } => {
                    let stored = self.opened(conversation, stored);
                    fresh.push(self.histories.entry(conversation).or_default().put(stored));
                }
                Write::SetDelivery { conversation, key, delivery } => {
                    self.histories.entry(conversation).or_default().set_delivery(key, delivery);
                }
                Write::Forget { conversation, before } => {
                    self.histories.entry(conversation).or_default().forget(before);
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
                Write::RemoveAddresses(device) => {
                    self.addresses.remove(&device);
                }
                Write::PutSecret(record) => {
                    let room = record.room;
                    self.secrets.insert((room, record.step), record);
                    self.open_room(room);
                }
                Write::PutPrivacy(privacy) => self.privacy = privacy,
                Write::PutProfile(profile) => self.profile = Some(profile),
                Write::PutInvite(record) => {
                    self.invites.insert(record.id(), record);
                }
                Write::RemoveInvite(ticket) => {
                    self.invites.remove(&ticket);
                }
                Write::PutOpening(record) => {
                    self.openings.insert(record.id(), record);
                }
                Write::RemoveOpening(ticket) => {
                    self.openings.remove(&ticket);
                }
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
            invites: self.invites.values().cloned().collect(),
            openings: self.openings.values().cloned().collect(),
            secrets: self.secrets.values().cloned().collect(),
        })
    }

    fn page_through(
        &self,
        conversation: ConversationId,
        at: PageAt,
        limit: usize,
        shows: &ShowsChanges<'_>,
    ) -> Result<Vec<PageItem>, StoreError> {
        let history = self.history(conversation);
        let posts: Vec<_> = match at {
            PageAt::After(key) => history.posts(Some(key), None).take(limit).collect(),
            PageAt::Newest => history.newest_posts(None, limit),
            PageAt::Before(key) => history.newest_posts(Some(key), limit),
        };
        posts.into_iter().map(|post| history.item(post, shows)).collect()
    }

    fn post_through(
        &self,
        conversation: ConversationId,
        key: EntryKey,
        shows: &ShowsChanges<'_>,
    ) -> Result<Option<PageItem>, StoreError> {
        let history = self.history(conversation);
        let post = history.entries.get(&key).filter(|stored| stored.entry.content().is_post());
        post.map(|post| history.item(post, shows)).transpose()
    }

    fn newest(&self, conversation: ConversationId) -> Result<Option<StoredEntry>, StoreError> {
        Ok(self.history(conversation).entries.values().next_back().cloned())
    }

    fn unread(
        &self,
        conversation: ConversationId,
        after: Option<EntryKey>,
        cap: usize,
    ) -> Result<usize, StoreError> {
        let posts = self.history(conversation).posts(after, None);
        let is_unread = |stored: &&StoredEntry| {
            stored.delivery == Delivery::Received && !stored.entry.content().is_known_to_reader()
        };
        Ok(posts.filter(is_unread).take(cap).count())
    }

    fn queued(
        &self,
        conversation: ConversationId,
        after: Option<EntryKey>,
        limit: usize,
    ) -> Result<Vec<StoredEntry>, StoreError> {
        let entries = self.history(conversation).between(after, None);
        let queued = entries.filter(|stored| stored.delivery == Delivery::Queued);
        Ok(queued.take(limit).cloned().collect())
    }

    fn count_queued(
        &self,
        conversation: ConversationId,
        after: Option<EntryKey>,
    ) -> Result<usize, StoreError> {
        let entries = self.history(conversation).between(after, None);
        Ok(entries.filter(|stored| stored.delivery == Delivery::Queued).count())
    }

    fn digest(&self, conversation: ConversationId, range: KeyRange) -> Result<Digest, StoreError> {
        let mut digest = Digest::default();
        self.history(conversation).keys(range).for_each(|key| digest.add(*key));
        Ok(digest)
    }

    fn days(&self, conversation: ConversationId) -> Result<Vec<(u32, Digest)>, StoreError> {
        let mut days = BTreeMap::<u32, Digest>::new();
        for key in self.history(conversation).entries.keys() {
            days.entry(day_of(*key)).or_default().add(*key);
        }
        Ok(days.into_iter().collect())
    }

    fn keys(
        &self,
        conversation: ConversationId,
        range: KeyRange,
        limit: usize,
    ) -> Result<Vec<EntryKey>, StoreError> {
        let mut keys: Vec<_> = self.history(conversation).keys(range).rev().take(limit).copied().collect();
        keys.reverse();
        Ok(keys)
    }

    fn entries(
        &self,
        conversation: ConversationId,
        keys: &[EntryKey],
        bytes_max: usize,
    ) -> Result<Vec<StoredEntry>, StoreError> {
        let entries = &self.history(conversation).entries;
        history::within(keys.iter().filter_map(|key| entries.get(key)).cloned().map(Ok), bytes_max)
    }

    fn entries_in(
        &self,
        conversation: ConversationId,
        range: KeyRange,
        bytes_max: usize,
    ) -> Result<Vec<StoredEntry>, StoreError> {
        let entries = self.history(conversation).range(range).rev().map(|(_, stored)| stored);
        history::within(entries.cloned().map(Ok), bytes_max)
    }

    fn posts_before(
        &self,
        conversation: ConversationId,
        waits: &[Wait],
    ) -> Result<Vec<Option<EntryKey>>, StoreError> {
        let posts = |range| {
            let entries = self.history(conversation).range(range).rev().map(|(_, stored)| &stored.entry);
            let posts = entries.filter(|entry| entry.content().is_post());
            posts.map(|post| Ok((post.key(), post.person())))
        };
        history::posts_before(waits, posts)
    }

    fn taken_back(&self, conversation: ConversationId, entry: &Entry) -> Result<TakenBack, StoreError> {
        Ok(self.history(conversation).taken_back(entry))
    }
}

/// The entries of one conversation.
#[derive(Debug, Clone, Default)]
struct History {
    entries: BTreeMap<EntryKey, StoredEntry>,
    /// The changes of each post, which need not be here.
    changes: BTreeMap<EntryKey, BTreeSet<EntryKey>>,
}

impl History {
    const fn new() -> Self {
        Self { entries: BTreeMap::new(), changes: BTreeMap::new() }
    }

    fn put(&mut self, stored: StoredEntry) -> bool {
        let key = stored.entry.key();
        if self.entries.contains_key(&key) {
            return false;
        }
        let is_erased = self.taken_back(&stored.entry) == TakenBack::Yes;
        let stored = if is_erased { history::erased(&stored) } else { stored };
        if let Some(target) = stored.entry.content().target() {
            self.changes.entry(target).or_default().insert(key);
        }
        if let Content::Delete { of } = *stored.entry.content() {
            self.erase(of, &stored);
        }
        self.entries.insert(key, stored);
        true
    }

    fn taken_back(&self, entry: &Entry) -> TakenBack {
        TakenBack::by(self.changes_of(history::subject_of(entry)).map(|change| &change.entry), entry)
    }

    /// Erases what `delete` takes back of a post and its changes.
    fn erase(&mut self, post: EntryKey, delete: &StoredEntry) {
        let changes: Vec<_> = self.changes_of(post).map(|change| change.entry.key()).collect();
        for key in changes.into_iter().chain([post]) {
            if let Some(stored) =
                self.entries.get_mut(&key).filter(|stored| delete.entry.erases(&stored.entry))
            {
                *stored = history::erased(stored);
            }
        }
    }

    fn forget(&mut self, before: EntryKey) {
        let oldest = self.keys(KeyRange { from: None, to: Some(before) }).take(history::FORGET_MAX);
        for key in oldest.copied().collect::<Vec<_>>() {
            let forgotten = self.entries.remove(&key);
            let target = forgotten.and_then(|stored| stored.entry.content().target());
            if let Some(changes) = target.and_then(|target| self.changes.get_mut(&target)) {
                changes.remove(&key);
            }
        }
    }

    fn set_delivery(&mut self, key: EntryKey, delivery: Delivery) {
        if let Some(stored) = self.entries.get_mut(&key) {
            stored.delivery = delivery;
        }
    }

    /// The changes of a post, oldest first.
    fn changes_of(&self, post: EntryKey) -> impl DoubleEndedIterator<Item = &StoredEntry> {
        let changes = self.changes.get(&post).into_iter().flatten();
        changes.filter_map(|change| self.entries.get(change))
    }

    fn item(&self, post: &StoredEntry, shows: &ShowsChanges<'_>) -> Result<PageItem, StoreError> {
        let candidate = |from: &StoredEntry| {
            let (key, author) = (from.entry.key(), from.entry.person());
            Ok(Candidate { key, author, from: from.clone() })
        };
        let changes = self.changes_of(post.entry.key()).rev().map(candidate);
        Ok(PageItem {
            changes: history::shown_changes(&post.entry, changes, shows, Ok)?,
            follows_gap: post.entry.value().prev.iter().any(|prev| !self.entries.contains_key(prev)),
            post: post.clone(),
        })
    }

    fn posts(
        &self,
        after: Option<EntryKey>,
        before: Option<EntryKey>,
    ) -> impl DoubleEndedIterator<Item = &StoredEntry> {
        self.between(after, before).filter(|stored| stored.entry.content().is_post())
    }

    fn newest_posts(&self, before: Option<EntryKey>, limit: usize) -> Vec<&StoredEntry> {
        let mut posts: Vec<_> = self.posts(None, before).rev().take(limit).collect();
        posts.reverse();
        posts
    }

    /// What stands after the one and before the other, oldest first.
    fn between(
        &self,
        after: Option<EntryKey>,
        before: Option<EntryKey>,
    ) -> impl DoubleEndedIterator<Item = &StoredEntry> {
        let low = after.map_or(Bound::Unbounded, Bound::Excluded);
        let high = before.map_or(Bound::Unbounded, Bound::Excluded);
        self.entries.range((low, high)).map(|(_, stored)| stored)
    }

    fn range(&self, range: KeyRange) -> impl DoubleEndedIterator<Item = (&EntryKey, &StoredEntry)> {
        let low = range.from.map_or(Bound::Unbounded, Bound::Included);
        // A range that ends before it begins is empty.
        let high = range.to.max(range.to.and(range.from)).map_or(Bound::Unbounded, Bound::Excluded);
        self.entries.range((low, high))
    }

    fn keys(&self, range: KeyRange) -> impl DoubleEndedIterator<Item = &EntryKey> {
        self.range(range).map(|(key, _)| key)
    }
}
