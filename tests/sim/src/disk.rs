//! A peer's disk: the memory store behind a queue, as slow as a disk, and with what a crash leaves.
//!
//! Owns the order of writes and reads, as the store's own thread does: what waits together is
//! written as one group, whole or not at all. It must never know what the writes mean.

use std::collections::{BTreeMap, VecDeque};

use kinmesh_core::{Lens, Pace, QUEUED_FETCH_MAX, Read, ReadAnswer, ReadToken, Seen, Token, UNREAD_CAP};
use kinmesh_proto::record::{Snapshot, StoredEntry, Write};
use kinmesh_proto::{ConversationId, Delivery, EntryId, EntryKey, KeyRange, PageAt, PageItem, Wait, limits};
use kinmesh_store::{HistoryStore, MemoryStore, StoreError};

use crate::dice::Dice;

/// Writes in one group, as in the store's thread.
const GROUP_WRITES_MAX: usize = 256;

/// Something to do for the disk.
#[derive(Debug)]
pub(crate) enum Job {
    Commit { token: Token, writes: Vec<Write> },
    CountUnread { conversation: ConversationId, after: Option<EntryKey>, lens: Lens },
    ReadPost { conversation: ConversationId, key: EntryKey, lens: Lens },
    ReadQueued { conversation: ConversationId, after: Option<EntryKey> },
    Read { token: ReadToken, read: Read },
}

/// What the disk has done.
#[derive(Debug)]
pub(crate) enum Done {
    Stored { token: Token, fresh: Vec<bool> },
    NotStored { token: Token },
    Unread { conversation: ConversationId, after: Option<EntryKey>, unread: usize },
    Post { conversation: ConversationId, key: EntryKey, post: Option<Box<PageItem>>, pace: Pace },
    Queued { conversation: ConversationId, queued: Vec<StoredEntry> },
    Answer { token: ReadToken, answer: ReadAnswer },
}

/// How many entries a conversation holds, and which ones, in one number that order does not change.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Contents {
    pub(crate) count: usize,
    mix: u64,
}

impl Contents {
    fn add(&mut self, id: EntryId) {
        let mut part = [0; 8];
        part.copy_from_slice(&id.0[..8]);
        self.count += 1;
        self.mix ^= u64::from_le_bytes(part);
    }
}

/// One peer's disk. It outlives the peer's lives.
#[derive(Debug, Default)]
pub(crate) struct Disk {
    store: MemoryStore,
    pub(crate) fails: bool,
    /// Until then nothing is begun.
    pub(crate) still_until_ms: u64,
    waiting: VecDeque<Job>,
    group: Vec<Job>,
    /// Every entry on it and when it came there. What the checks go by: the store itself is under test.
    arrived: BTreeMap<(ConversationId, EntryId), u64>,
    contents: BTreeMap<ConversationId, Contents>,
}

impl Disk {
    pub(crate) fn hand_over(&mut self, job: Job) {
        self.waiting.push_back(job);
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.group.is_empty() && self.waiting.is_empty()
    }

    /// What was there before the first start.
    pub(crate) fn lay_down(&mut self, writes: &[Write]) {
        self.apply(writes, 0);
    }

    /// Begins with the next group; false when there is none, or one is under way.
    pub(crate) fn begin(&mut self) -> bool {
        if !self.group.is_empty() {
            return false;
        }
        self.group = self.next_group();
        !self.group.is_empty()
    }

    /// A read, or the commits up to the next read.
    fn next_group(&mut self) -> Vec<Job> {
        let mut writes = 0;
        let mut group = Vec::new();
        while let Some(job) = self.waiting.front() {
            match job {
                Job::Commit { writes: more, .. } if writes < GROUP_WRITES_MAX => writes += more.len(),
                _ if group.is_empty() => writes = GROUP_WRITES_MAX,
                _ => break,
            }
            group.extend(self.waiting.pop_front());
        }
        group
    }

    /// The group is done.
    pub(crate) fn end(&mut self, now_ms: u64) -> Vec<Done> {
        let group = std::mem::take(&mut self.group);
        group.into_iter().map(|job| self.do_job(job, now_ms)).collect()
    }

    fn do_job(&mut self, job: Job, now_ms: u64) -> Done {
        match job {
            Job::Commit { token, .. } if self.fails => Done::NotStored { token },
            Job::Commit { token, writes } => Done::Stored { token, fresh: self.apply(&writes, now_ms) },
            Job::CountUnread { conversation, after, lens } => {
                let unread = self.unread(conversation, after, &lens);
                Done::Unread { conversation, after, unread }
            }
            Job::ReadPost { conversation, key, lens } => {
                let shows = |author, at| lens.shows_changes(author, at);
                let post = sure(self.store.post_through(conversation, key, &shows)).map(Box::new);
                let pace = self.pace(conversation, &lens, post.as_deref());
                Done::Post { conversation, key, post, pace }
            }
            Job::ReadQueued { conversation, after } => {
                Done::Queued { conversation, queued: self.queued(conversation, after) }
            }
            Job::Read { token, read } => Done::Answer { token, answer: self.look_up(read) },
        }
    }

    fn look_up(&self, read: Read) -> ReadAnswer {
        let (store, bytes_max) = (&self.store, limits::PACK_BYTES_MAX);
        match read {
            Read::Digest { conversation, range } => {
                ReadAnswer::Digest(sure(store.digest(conversation, range)))
            }
            Read::Keys { conversation, range, limit } => {
                ReadAnswer::Keys(sure(store.keys(conversation, range, limit)))
            }
            Read::Entries { conversation, keys } => {
                ReadAnswer::Entries(sure(store.entries(conversation, &keys, bytes_max)))
            }
            Read::EntriesIn { conversation, range } => {
                ReadAnswer::Entries(sure(store.entries_in(conversation, range, bytes_max)))
            }
            Read::AreTakenBack { conversation, entries } => {
                let taken_back = |entry| sure(store.taken_back(conversation, entry));
                ReadAnswer::AreTakenBack(entries.iter().map(taken_back).collect())
            }
        }
    }

    /// The power goes: of the groups handed over, the first few are on the disk and the rest is
    /// lost. Returns how many were kept.
    pub(crate) fn crash(&mut self, dice: &mut Dice, now_ms: u64) -> usize {
        let mut kept = 0;
        let mut group = std::mem::take(&mut self.group);
        while !self.fails && !group.is_empty() && dice.percent(50) {
            for job in group {
                self.do_job(job, now_ms);
            }
            kept += 1;
            group = self.next_group();
        }
        self.waiting.clear();
        kept
    }

    fn apply(&mut self, writes: &[Write], now_ms: u64) -> Vec<bool> {
        let fresh = sure(self.store.apply(writes));
        let entries = writes.iter().filter_map(|write| match write {
            Write::PutEntry { conversation, stored } => Some((*conversation, stored.entry.id())),
            _ => None,
        });
        for ((conversation, id), _) in entries.zip(&fresh).filter(|(_, fresh)| **fresh) {
            self.arrived.insert((conversation, id), now_ms);
            self.contents.entry(conversation).or_default().add(id);
        }
        fresh
    }

    /// Entries of all conversations.
    pub(crate) fn entries(&self) -> usize {
        self.arrived.len()
    }

    /// Every entry of a conversation, changes among them, in their order.
    pub(crate) fn history(&self, conversation: ConversationId) -> Vec<StoredEntry> {
        let keys = self.order(conversation);
        sure(self.store.entries(conversation, &keys, usize::MAX))
    }

    pub(crate) fn order(&self, conversation: ConversationId) -> Vec<EntryKey> {
        sure(self.store.keys(conversation, KeyRange::ALL, usize::MAX))
    }

    /// The newest posts of a conversation, oldest first, each with all that changed it.
    pub(crate) fn posts(&self, conversation: ConversationId, limit: usize) -> Vec<PageItem> {
        sure(self.store.page(conversation, PageAt::Newest, limit))
    }

    /// Of the newest posts, oldest first, those of which anything is seen, as they are seen.
    pub(crate) fn seen(&self, conversation: ConversationId, lens: &Lens, limit: usize) -> Vec<Seen> {
        let shows = |author, at| lens.shows_changes(author, at);
        let posts = sure(self.store.page_through(conversation, PageAt::Newest, limit, &shows));
        let pace = self.pace(conversation, lens, &posts);
        posts.into_iter().filter_map(|item| lens.look(item, &pace)).collect()
    }

    /// What the authors of these posts posted before, where they had to wait.
    fn pace<'p>(
        &self,
        conversation: ConversationId,
        lens: &Lens,
        posts: impl IntoIterator<Item = &'p PageItem>,
    ) -> Pace {
        let pacer = lens.pacer();
        let waits: Vec<Wait> = posts.into_iter().filter_map(|item| pacer.wait(&item.post.entry)).collect();
        let before = self.posts_before(conversation, &waits);
        Pace::of(&waits, before)
    }

    pub(crate) fn posts_before(&self, conversation: ConversationId, waits: &[Wait]) -> Vec<Option<EntryKey>> {
        sure(self.store.posts_before(conversation, waits))
    }

    pub(crate) fn newest(&self, conversation: ConversationId) -> Option<StoredEntry> {
        sure(self.store.newest(conversation))
    }

    /// Entries of ours that have not left this device, as a core asks for them.
    pub(crate) fn queued(&self, conversation: ConversationId, after: Option<EntryKey>) -> Vec<StoredEntry> {
        sure(self.store.queued(conversation, after, QUEUED_FETCH_MAX))
    }

    pub(crate) fn count_queued(&self, conversation: ConversationId, after: Option<EntryKey>) -> usize {
        sure(self.store.count_queued(conversation, after))
    }

    /// Posts of others after this key of which something is shown.
    pub(crate) fn unread(&self, conversation: ConversationId, after: Option<EntryKey>, lens: &Lens) -> usize {
        if lens.is_clear() {
            return sure(self.store.unread(conversation, after, UNREAD_CAP));
        }
        let is_unread = |seen: &&Seen| {
            let StoredEntry { entry, delivery, .. } = &seen.item.post;
            Some(entry.key()) > after && *delivery == Delivery::Received && seen.withheld.is_none()
        };
        let seen = self.seen(conversation, lens, usize::MAX);
        seen.iter().filter(is_unread).count().min(UNREAD_CAP)
    }

    pub(crate) fn load(&self) -> Snapshot {
        sure(self.store.load())
    }

    pub(crate) fn has(&self, conversation: ConversationId, id: EntryId) -> bool {
        self.arrived.contains_key(&(conversation, id))
    }

    pub(crate) fn came_before(&self, conversation: ConversationId, id: EntryId, at_ms: u64) -> bool {
        self.arrival_ms(conversation, id).is_some_and(|arrived_ms| arrived_ms < at_ms)
    }

    /// When an entry came here.
    pub(crate) fn arrival_ms(&self, conversation: ConversationId, id: EntryId) -> Option<u64> {
        self.arrived.get(&(conversation, id)).copied()
    }

    /// Conversations that hold an entry.
    pub(crate) fn conversations(&self) -> impl Iterator<Item = ConversationId> {
        self.contents.keys().copied()
    }

    pub(crate) fn contents(&self, conversation: ConversationId) -> Contents {
        self.contents.get(&conversation).copied().unwrap_or_default()
    }
}

/// The memory store has no fault of its own; those of disks are made here.
fn sure<T>(result: Result<T, StoreError>) -> T {
    result.unwrap_or_else(|error| unreachable!("memory does not fail: {error}"))
}
