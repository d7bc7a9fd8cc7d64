//! What every store does, and what all of them have in common.

use std::collections::BTreeMap;

use kinmesh_proto::{
    Content, ConversationId, Digest, Entry, EntryId, EntryKey, Hlc, KeyRange, PageAt, PageItem, PersonId,
    Snapshot, StoredEntry, TakenBack, Wait, Write,
};

use crate::error::StoreError;

/// Most changes of one post that a page holds, the newest of them: each member of a large room may
/// have put a reaction there. Those of the post's author are counted apart, so that nobody else's
/// reactions take the place of an edit.
pub const CHANGES_MAX: usize = 1024;
/// The same in bytes of entries, since edits may be long.
pub const CHANGES_BYTES_MAX: usize = 1 << 20;
/// So many changes of one post are looked at to find those that a page holds, the newest first. Those
/// that are not shown take no place, but the store's thread must not be held up by any number of them.
pub const CHANGES_LOOKED_AT_MAX: usize = 16 * 1024;

/// Whether changes that somebody made at a time are shown. What a delete erased stays so in any case.
pub type ShowsChanges<'s> = dyn Fn(PersonId, Hlc) -> bool + 's;

const DAY_MS: u64 = 24 * 60 * 60 * 1000;

/// A place for history. Every method blocks: with a million entries on a disk for tenths of a
/// millisecond, for a few milliseconds when it reads thousands of keys or half a MiB of entries.
///
/// An entry that changes no other one is a *post*; edits, deletes and reactions are *changes*. A
/// delete takes effect with the write that brings it: what it erases ([`Entry::erases`]) loses its
/// content in the same step, and what comes after it is stored without.
pub trait HistoryStore: Send + 'static {
    /// Makes all the changes, in order, or none. They are on the disk when it returns `Ok`, and
    /// survive a power cut. For each [`Write::PutEntry`], in order: whether the entry is new. One
    /// that is there already stays as it is, erased or not.
    ///
    /// After an error the next call tries again, so a call without writes asks whether it works now.
    fn apply(&mut self, writes: &[Write]) -> Result<Vec<bool>, StoreError>;

    /// Everything but the entries, each list in the order of its ids.
    fn load(&self) -> Result<Snapshot, StoreError>;

    /// Up to `limit` posts with their changes, oldest first.
    fn page(
        &self,
        conversation: ConversationId,
        at: PageAt,
        limit: usize,
    ) -> Result<Vec<PageItem>, StoreError> {
        self.page_through(conversation, at, limit, &|_, _| true)
    }

    /// The same, with those changes alone that are shown: the others take nobody's place.
    fn page_through(
        &self,
        conversation: ConversationId,
        at: PageAt,
        limit: usize,
        shows: &ShowsChanges<'_>,
    ) -> Result<Vec<PageItem>, StoreError>;

    /// The post of this key with its changes. `None` when it is not here, or no post.
    fn post(&self, conversation: ConversationId, key: EntryKey) -> Result<Option<PageItem>, StoreError> {
        self.post_through(conversation, key, &|_, _| true)
    }

    /// The same, with those changes alone that are shown.
    fn post_through(
        &self,
        conversation: ConversationId,
        key: EntryKey,
        shows: &ShowsChanges<'_>,
    ) -> Result<Option<PageItem>, StoreError>;

    /// The newest entry, whatever its kind.
    fn newest(&self, conversation: ConversationId) -> Result<Option<StoredEntry>, StoreError>;

    /// How many posts of others stand after `after` (or in all); counting ends at `cap`.
    fn unread(
        &self,
        conversation: ConversationId,
        after: Option<EntryKey>,
        cap: usize,
    ) -> Result<usize, StoreError>;

    /// Up to `limit` entries after `after` (or of all) that are still queued on this device, oldest
    /// first. It reads all that stands there: keep `after` close to the end.
    fn queued(
        &self,
        conversation: ConversationId,
        after: Option<EntryKey>,
        limit: usize,
    ) -> Result<Vec<StoredEntry>, StoreError>;

    /// How many entries after `after` (or of all) are still queued on this device. It reads all that
    /// stands there, too.
    fn count_queued(
        &self,
        conversation: ConversationId,
        after: Option<EntryKey>,
    ) -> Result<usize, StoreError>;

    /// What there is of a range.
    fn digest(&self, conversation: ConversationId, range: KeyRange) -> Result<Digest, StoreError>;

    /// What there is of each day that has entries ([`day_of`]), oldest first.
    fn days(&self, conversation: ConversationId) -> Result<Vec<(u32, Digest)>, StoreError>;

    /// The newest `limit` keys of a range, oldest first.
    fn keys(
        &self,
        conversation: ConversationId,
        range: KeyRange,
        limit: usize,
    ) -> Result<Vec<EntryKey>, StoreError>;

    /// Those of the entries that are here, in the order asked, as long as their envelopes fit into
    /// `bytes_max`; the first one in any case.
    fn entries(
        &self,
        conversation: ConversationId,
        keys: &[EntryKey],
        bytes_max: usize,
    ) -> Result<Vec<StoredEntry>, StoreError>;

    /// The entries of a range, newest first, as long as their envelopes fit into `bytes_max`; the
    /// first one in any case.
    fn entries_in(
        &self,
        conversation: ConversationId,
        range: KeyRange,
        bytes_max: usize,
    ) -> Result<Vec<StoredEntry>, StoreError>;

    /// For each of these posts, which need not be here, the newest one of its author that stands before it
    /// and is no older than asked. It reads little of what stands in between, and all of that.
    fn posts_before(
        &self,
        conversation: ConversationId,
        waits: &[Wait],
    ) -> Result<Vec<Option<EntryKey>>, StoreError>;

    /// Whether a delete is here that takes back this entry, which need not be here, or a change that may
    /// be one.
    fn taken_back(&self, conversation: ConversationId, entry: &Entry) -> Result<TakenBack, StoreError>;
}

/// Entries that are forgotten at a time: some 50 ms of the store's thread.
pub(crate) const FORGET_MAX: usize = 4096;

/// The day of the author's clock, in UTC, counted from the beginning of 1970.
#[allow(clippy::expect_used)] // The clock's 48 bits of milliseconds are some three million days.
pub fn day_of(key: EntryKey) -> u32 {
    u32::try_from(key.clock.ms() / DAY_MS).expect("days of 48 bits of milliseconds")
}

/// All keys of a day.
pub fn range_of_day(day: u32) -> KeyRange {
    let first = |day: u64| EntryKey { clock: Hlc::from_ms(day * DAY_MS), id: EntryId([0; 32]) };
    KeyRange { from: Some(first(day.into())), to: Some(first(u64::from(day) + 1)) }
}

/// The entry without its content.
#[allow(clippy::expect_used)] // Its header was read before, and an erased content is within every limit.
pub(crate) fn erased(stored: &StoredEntry) -> StoredEntry {
    let entry = stored.entry.envelope().erased().trust_stored().expect("an erased entry is readable");
    StoredEntry { entry, ..stored.clone() }
}

/// Of which post the changes are that may concern this entry: its target's, or its own.
pub(crate) fn subject_of(entry: &Entry) -> EntryKey {
    entry.content().target().unwrap_or_else(|| entry.key())
}

/// A change of a post, as its author's clock and name say before it is read.
pub(crate) struct Candidate<C> {
    pub(crate) key: EntryKey,
    pub(crate) author: PersonId,
    /// What it is read from.
    pub(crate) from: C,
}

/// Those of the changes to `post`, given newest first, that count, are shown and fit; oldest first.
pub(crate) fn shown_changes<C>(
    post: &Entry,
    newest_first: impl Iterator<Item = Result<Candidate<C>, StoreError>>,
    shows: &ShowsChanges<'_>,
    read: impl Fn(C) -> Result<StoredEntry, StoreError>,
) -> Result<Vec<StoredEntry>, StoreError> {
    let (mut own, mut others) = (Place::default(), Place::default());
    for change in newest_first.take(CHANGES_LOOKED_AT_MAX) {
        let Candidate { key, author, from } = change?;
        let place = if author == post.person() { &mut own } else { &mut others };
        if !place.is_full && shows(author, key.clock) {
            let change = read(from)?;
            if counts_for(&change.entry, post) {
                place.take(change);
            }
        }
        if own.is_full && others.is_full {
            break;
        }
    }
    let mut changes = own.changes;
    changes.append(&mut others.changes);
    changes.sort_unstable_by_key(|change| change.entry.key());
    Ok(changes)
}

/// Nobody edits or takes back what another person wrote.
fn counts_for(change: &Entry, post: &Entry) -> bool {
    matches!(change.content(), Content::Reaction { .. }) || change.person() == post.person()
}

/// Changes that a page has place for.
#[derive(Default)]
struct Place {
    changes: Vec<StoredEntry>,
    bytes: usize,
    is_full: bool,
}

impl Place {
    /// Takes one more, if it fits; the first in any case.
    fn take(&mut self, change: StoredEntry) {
        self.bytes += change.entry.envelope().size();
        let fits = self.bytes <= CHANGES_BYTES_MAX || self.changes.is_empty();
        self.changes.extend(fits.then_some(change));
        self.is_full = !fits || self.changes.len() == CHANGES_MAX;
    }
}

/// The entries whose envelopes fit into `bytes_max`, from the first on, which need not fit.
pub(crate) fn within(
    entries: impl Iterator<Item = Result<StoredEntry, StoreError>>,
    bytes_max: usize,
) -> Result<Vec<StoredEntry>, StoreError> {
    let mut fitting = Vec::new();
    let mut bytes = 0;
    for stored in entries {
        let stored = stored?;
        bytes += stored.entry.envelope().size();
        if bytes > bytes_max && !fitting.is_empty() {
            break;
        }
        fitting.push(stored);
    }
    Ok(fitting)
}

/// Answers [`HistoryStore::posts_before`]. `posts` gives those of a range with their authors, newest first.
pub(crate) fn posts_before<P: Iterator<Item = Result<(EntryKey, PersonId), StoreError>>>(
    waits: &[Wait],
    posts: impl Fn(KeyRange) -> P,
) -> Result<Vec<Option<EntryKey>>, StoreError> {
    let mut before = vec![None; waits.len()];
    for (range, mut open) in stretches(waits) {
        for post in posts(range) {
            let (key, author) = post?;
            if let Some(waiting) = open.get_mut(&author) {
                let found = waiting.extract_if(.., |n| key < waits[*n].post);
                found.filter(|n| waits[*n].since <= key.clock).for_each(|n| before[n] = Some(key));
                if waiting.is_empty() {
                    open.remove(&author);
                }
            }
            if open.is_empty() {
                break;
            }
        }
    }
    Ok(before)
}

/// Those of some waits that are still to be answered, by their authors.
type OpenWaits = BTreeMap<PersonId, Vec<usize>>;

/// The parts of a history in which these authors may have posted, each with those who wait there: what lies
/// between two that are far apart is not read.
fn stretches(waits: &[Wait]) -> Vec<(KeyRange, OpenWaits)> {
    let mut newest_first: Vec<usize> = (0..waits.len()).collect();
    newest_first.sort_unstable_by_key(|n| std::cmp::Reverse(waits[*n].post));
    let mut stretches: Vec<(KeyRange, OpenWaits)> = Vec::new();
    for n in newest_first {
        let Wait { author, post, since } = waits[n];
        let from = EntryKey { clock: since, id: EntryId([0; 32]) };
        match stretches.last_mut().filter(|(range, _)| range.from <= Some(post)) {
            Some((range, _)) => range.from = range.from.min(Some(from)),
            None => stretches.push((KeyRange { from: Some(from), to: Some(post) }, OpenWaits::new())),
        }
        if let Some((_, open)) = stretches.last_mut() {
            open.entry(author).or_default().push(n);
        }
    }
    stretches
}
