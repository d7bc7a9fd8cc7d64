//! Entries of ours that wait to go out, of one conversation.
//!
//! The queue itself is what rests in the store as queued, after the record's `sent`, and what is on
//! its way there. Here is only
//! its front, so that a million waiting entries take no more memory than a few hundred, and what is
//! needed to fetch more of it.

use std::collections::VecDeque;

use kinmesh_proto::{Ask, Entry, EntryBody, EntryKey, StoredEntry, Unverified, entry};

/// Entries held in memory: some batches, so that the store has time to bring the next ones.
const FRONT_ENTRIES_CAP: usize = 512;
/// Bytes of entries held in memory, and one fetch more.
const FRONT_BYTES_CAP: usize = 4 * 1024 * 1024;
/// With fewer entries than this at hand, more are fetched.
const FETCH_BELOW: usize = 256;
/// Entries fetched at once, at start too: two full batches.
pub const QUEUED_FETCH_MAX: usize = 256;

/// After a store that could not read, the next try waits this long.
const FETCH_RETRY_MS: u64 = 2_000;

/// What a conversation's stored queue is, as a start needs it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StoredQueue {
    /// The first entries, up to [`QUEUED_FETCH_MAX`].
    pub front: Vec<StoredEntry>,
    /// All of them, these included.
    pub count: usize,
}

/// An entry of ours on its way.
#[derive(Debug)]
pub(crate) struct Outgoing {
    pub entry: Entry,
    /// Tries so far.
    pub attempt: u32,
    /// Our disk refused it while it was under way: it is not tried again.
    is_given_up: bool,
}

/// What the store holds after the front.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Rest {
    #[default]
    Nothing,
    Something,
    /// It is being fetched.
    Fetching,
    /// It is being fetched, and an entry was written meanwhile.
    FetchingAndMore,
}

/// The front of the queue.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    front: VecDeque<Outgoing>,
    bytes: usize,
    /// Entries of the whole queue.
    count: usize,
    rest: Rest,
    /// The last entry that was ever at the front: what is fetched stands after it.
    tail: Option<EntryKey>,
    /// Not before this time is more fetched, if the store could not read last time; else 0.
    fetch_not_before_ms: u64,
}

impl Outbox {
    /// Takes up the stored queue, which stands after this key.
    pub(crate) fn restore(&mut self, queued: StoredQueue, after: Option<EntryKey>) {
        self.tail = after;
        self.count = queued.count;
        self.rest = Rest::Fetching;
        self.fetched(queued.front.into_iter().map(|stored| stored.entry).collect());
    }

    /// An entry is stored as queued, or about to be; entries come in the order of their keys. What was
    /// fetched before its turn came is here already.
    pub(crate) fn push(&mut self, entry: Entry) {
        if self.tail >= Some(entry.key()) {
            return;
        }
        self.count += 1;
        match self.rest {
            Rest::Nothing if self.front.len() < FRONT_ENTRIES_CAP && self.bytes < FRONT_BYTES_CAP => {
                self.push_to_front(entry);
            }
            Rest::Nothing | Rest::Something => self.rest = Rest::Something,
            Rest::Fetching | Rest::FetchingAndMore => self.rest = Rest::FetchingAndMore,
        }
    }

    fn push_to_front(&mut self, entry: Entry) {
        self.tail = Some(entry.key());
        self.bytes += entry.envelope().size();
        self.front.push_back(Outgoing { entry, attempt: 0, is_given_up: false });
    }

    /// The key after which to fetch more, if that is due. Answer it with [`Outbox::fetched`].
    pub(crate) fn next_fetch(&mut self, now_ms: u64) -> Option<Option<EntryKey>> {
        let is_due = self.rest == Rest::Something
            && self.fetch_not_before_ms <= now_ms
            && self.front.len() < FETCH_BELOW
            && self.bytes < FRONT_BYTES_CAP;
        is_due.then(|| {
            self.rest = Rest::Fetching;
            self.tail
        })
    }

    /// More of the queue: everything there is, if it is less than [`QUEUED_FETCH_MAX`].
    pub(crate) fn fetched(&mut self, queued: Vec<Entry>) {
        let is_all = queued.len() < QUEUED_FETCH_MAX && self.rest == Rest::Fetching;
        self.rest = if is_all { Rest::Nothing } else { Rest::Something };
        self.fetch_not_before_ms = 0;
        for entry in queued {
            self.push_to_front(entry);
        }
        self.count = if is_all { self.front.len() } else { self.count.max(self.front.len()) };
    }

    /// The store could not be read.
    pub(crate) fn not_fetched(&mut self, now_ms: u64) {
        self.fetch_not_before_ms = now_ms + FETCH_RETRY_MS;
        self.rest = Rest::Something;
    }

    /// The front that fits into one batch and is `fit` for it.
    pub(crate) fn next_batch(&self, bytes_max: usize, fit: impl Fn(&Entry) -> bool) -> Vec<&Outgoing> {
        let fit = || self.front.iter().take_while(|outgoing| fit(&outgoing.entry));
        fit().take(entry::batch_len(fit().map(|outgoing| &outgoing.entry), bytes_max)).collect()
    }

    /// Entries that have gone out, or never will. Returns the key of each, `None` for
    /// those given up.
    pub(crate) fn take(&mut self, entries: usize) -> Vec<Option<EntryKey>> {
        let taken: Vec<Outgoing> = self.front.drain(..entries.min(self.front.len())).collect();
        self.bytes -= taken.iter().map(|outgoing| outgoing.entry.envelope().size()).sum::<usize>();
        self.count = self.count.saturating_sub(taken.len());
        taken.iter().map(|outgoing| (!outgoing.is_given_up).then(|| outgoing.entry.key())).collect()
    }

    /// Counts a try of the first `entries` that failed.
    pub(crate) fn tried(&mut self, entries: usize) {
        for outgoing in self.front.iter_mut().take(entries) {
            outgoing.attempt += 1;
        }
        while let Some(given_up) = self.front.iter().position(|outgoing| outgoing.is_given_up) {
            self.remove(given_up);
        }
    }

    /// Whether somebody may have this entry, while the first `in_flight` ones are under way.
    pub(crate) fn may_have_left(&self, key: EntryKey, in_flight: usize) -> bool {
        self.position(key).is_some_and(|at| at < in_flight || self.front[at].attempt > 0)
    }

    /// Our disk has not taken an entry: it goes no further than where the first `in_flight` ones are
    /// under way to.
    pub(crate) fn give_up(&mut self, key: EntryKey, in_flight: usize) {
        match self.position(key) {
            Some(under_way) if under_way < in_flight => self.front[under_way].is_given_up = true,
            Some(waiting) => self.remove(waiting),
            None => self.count = self.count.saturating_sub(1),
        }
    }

    fn position(&self, key: EntryKey) -> Option<usize> {
        self.front.binary_search_by_key(&key, |outgoing| outgoing.entry.key()).ok()
    }

    fn remove(&mut self, at: usize) {
        if let Some(removed) = self.front.remove(at) {
            self.bytes -= removed.entry.envelope().size();
            self.count = self.count.saturating_sub(1);
        }
    }

    /// What `delete` takes back leaves this device without its content.
    pub(crate) fn erase(&mut self, delete: &Entry) {
        for outgoing in self.front.iter_mut().filter(|outgoing| delete.erases(&outgoing.entry)) {
            let before = outgoing.entry.envelope().size();
            if let Ok(erased) = outgoing.entry.envelope().erased().trust_stored() {
                self.bytes = self.bytes + erased.envelope().size() - before;
                outgoing.entry = erased;
            }
        }
    }

    /// How many entries at hand there are up to this one.
    pub(crate) fn count_up_to(&self, key: EntryKey) -> usize {
        self.front.iter().take_while(|outgoing| outgoing.entry.key() <= key).count()
    }

    /// The first text at hand with which somebody can be asked to become a contact.
    pub(crate) fn first_words(&self) -> Option<&Entry> {
        self.front.iter().map(|outgoing| &outgoing.entry).find(|entry| Ask::may_hold(entry))
    }

    pub(crate) fn first(&self) -> Option<&Entry> {
        self.front.front().map(|outgoing| &outgoing.entry)
    }

    /// The last entry at hand before those that the store could not read, when nothing else is left.
    pub(crate) fn unreadable_after(&self) -> Option<EntryKey> {
        self.tail.filter(|_| self.front.is_empty() && self.fetch_not_before_ms > 0)
    }

    /// Since when something waits, in Unix milliseconds: while none of it is at hand, what went last
    /// stands in for what comes next.
    pub(crate) fn since_ms(&self) -> u64 {
        let oldest = self.first().map(Entry::key).or(self.tail);
        oldest.map_or(0, |oldest| oldest.clock.ms())
    }

    /// Entries that wait.
    pub(crate) fn len(&self) -> usize {
        self.count
    }

    /// Whether nothing waits, here or in the store.
    pub(crate) fn is_empty(&self) -> bool {
        self.front.is_empty() && self.rest == Rest::Nothing
    }
}

/// What to put on the wire for a batch.
pub(crate) fn envelopes(batch: &[&Outgoing]) -> Vec<Unverified<EntryBody>> {
    batch.iter().map(|outgoing| outgoing.entry.envelope().clone()).collect()
}
