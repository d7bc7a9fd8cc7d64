//! Reading one conversation's entries.

use kinmesh_proto::{
    Digest, Entry, EntryKey, KeyRange, PageAt, PageItem, PersonId, StoredEntry, TakenBack, Wait,
};

use crate::disk::engine::{Pair, Pairs};
use crate::disk::layout::{self, Number};
use crate::disk::tree::digests;
use crate::disk::tree::{Tree, UNREADABLE};
use crate::error::StoreError;
use crate::history::{self, Candidate, ShowsChanges, range_of_day};

/// One conversation. Its methods are those of [`crate::HistoryStore`].
#[derive(Clone, Copy)]
pub(in crate::disk) struct History<'t> {
    pub(super) tree: &'t Tree,
    pub(super) number: Number,
}

impl History<'_> {
    pub(in crate::disk) fn page(
        &self,
        at: PageAt,
        limit: usize,
        shows: &ShowsChanges<'_>,
    ) -> Result<Vec<PageItem>, StoreError> {
        let posts = match at {
            PageAt::Newest => self.newest_posts(KeyRange::ALL, limit)?,
            PageAt::Before(key) => self.newest_posts(KeyRange { from: None, to: Some(key) }, limit)?,
            PageAt::After(key) => self.select(self.pairs(after(Some(key))), layout::is_post, limit)?,
        };
        posts.into_iter().map(|post| self.item(post, shows)).collect()
    }

    pub(in crate::disk) fn post(
        &self,
        key: EntryKey,
        shows: &ShowsChanges<'_>,
    ) -> Result<Option<PageItem>, StoreError> {
        let post = self.entry(key)?.filter(|stored| stored.entry.content().is_post());
        post.map(|post| self.item(post, shows)).transpose()
    }

    pub(in crate::disk) fn newest(&self) -> Result<Option<StoredEntry>, StoreError> {
        self.pairs(KeyRange::ALL).next_back().map(|pair| self.read(pair)).transpose()
    }

    pub(in crate::disk) fn unread(&self, from: Option<EntryKey>, cap: usize) -> Result<usize, StoreError> {
        let unread = self.pairs(after(from)).filter(of_value(layout::is_unread_until_read)).take(cap);
        unread.map(|pair| pair.map(|_| 1)).sum()
    }

    pub(in crate::disk) fn queued(
        &self,
        from: Option<EntryKey>,
        limit: usize,
    ) -> Result<Vec<StoredEntry>, StoreError> {
        self.select(self.pairs(after(from)), layout::is_queued, limit)
    }

    pub(in crate::disk) fn count_queued(&self, from: Option<EntryKey>) -> Result<usize, StoreError> {
        let queued = self.pairs(after(from)).filter(of_value(layout::is_queued));
        queued.map(|pair| pair.map(|_| 1)).sum()
    }

    pub(in crate::disk) fn digest(&self, range: KeyRange) -> Result<Digest, StoreError> {
        let Self { tree, number } = *self;
        if range == KeyRange::ALL {
            return tree.digests.whole(&tree.engine, number);
        }
        let mut sum = Digest::default();
        for (day, digest) in self.days()? {
            let whole = range_of_day(day);
            let part = overlap(range, whole);
            sum.join(&if part == whole { digest } else { self.scan_digest(part)? });
        }
        Ok(sum)
    }

    pub(in crate::disk) fn days(&self) -> Result<Vec<(u32, Digest)>, StoreError> {
        self.tree.digests.days(&self.tree.engine, self.number)
    }

    pub(in crate::disk) fn keys(&self, range: KeyRange, limit: usize) -> Result<Vec<EntryKey>, StoreError> {
        let newest_first = digests::keys(&self.tree.engine, self.number, range).rev().take(limit);
        let mut keys = newest_first.collect::<Result<Vec<_>, _>>()?;
        keys.reverse();
        Ok(keys)
    }

    pub(in crate::disk) fn entries(
        &self,
        keys: &[EntryKey],
        bytes_max: usize,
    ) -> Result<Vec<StoredEntry>, StoreError> {
        history::within(keys.iter().filter_map(|key| self.entry(*key).transpose()), bytes_max)
    }

    pub(in crate::disk) fn entries_in(
        &self,
        range: KeyRange,
        bytes_max: usize,
    ) -> Result<Vec<StoredEntry>, StoreError> {
        history::within(self.pairs(range).rev().map(|pair| self.read(pair)), bytes_max)
    }

    /// Entries are told by their values, and none is decoded: others may have written thousands meanwhile.
    pub(in crate::disk) fn posts_before(&self, waits: &[Wait]) -> Result<Vec<Option<EntryKey>>, StoreError> {
        let posts = |range: KeyRange| self.pairs(range).rev().filter(of_value(layout::is_post));
        history::posts_before(waits, |range| posts(range).map(|pair| self.author(pair)))
    }

    /// Of a delete that can be read the change's value tells, but not of one that is sealed. So all changes
    /// of the post are read; this is asked of erased entries that come without their delete, which is rare.
    pub(in crate::disk) fn taken_back(&self, entry: &Entry) -> Result<TakenBack, StoreError> {
        let changes = self.change_pairs(history::subject_of(entry)).map(|pair| self.change(pair));
        let changes = changes.collect::<Result<Vec<_>, _>>()?;
        Ok(TakenBack::by(changes.iter().map(|change| &change.entry), entry))
    }

    /// Whether the digests say what there is.
    pub(super) fn examine(&self) -> Result<(), StoreError> {
        for (day, digest) in self.days()? {
            if self.scan_digest(range_of_day(day))? != digest {
                return Err(UNREADABLE);
            }
        }
        Ok(())
    }

    fn item(&self, post: StoredEntry, shows: &ShowsChanges<'_>) -> Result<PageItem, StoreError> {
        let mut follows_gap = false;
        for prev in &post.entry.value().prev {
            follows_gap |= self.tree.engine.get(&layout::entry_key(self.number, *prev))?.is_none();
        }
        let newest_first = self.change_pairs(post.entry.key()).rev().map(|pair| self.candidate(pair));
        let changes = history::shown_changes(&post.entry, newest_first, shows, |pair| self.read(Ok(pair)))?;
        Ok(PageItem { post, changes, follows_gap })
    }

    /// The keys of the changes of a post.
    fn change_pairs(&self, post: EntryKey) -> Pairs {
        let prefix = layout::changes_prefix(self.number, post);
        self.tree.engine.range(&prefix, &layout::after_all(&prefix))
    }

    fn change(&self, pair: Result<Pair, StoreError>) -> Result<StoredEntry, StoreError> {
        self.read(self.change_entry(pair))
    }

    /// Who made a change is told by its value; it is not decoded, for it may be one of thousands that are
    /// not shown.
    fn candidate(&self, pair: Result<Pair, StoreError>) -> Result<Candidate<Pair>, StoreError> {
        let from = self.change_entry(pair)?;
        let (key, author) = self.author(Ok(from.clone()))?;
        Ok(Candidate { key, author, from })
    }

    fn change_entry(&self, pair: Result<Pair, StoreError>) -> Result<Pair, StoreError> {
        let (key, _) = pair?;
        let key = layout::entry_key(self.number, layout::last_place(&key).ok_or(UNREADABLE)?);
        let value = self.tree.engine.get(&key)?.ok_or(UNREADABLE)?;
        Ok((key.into(), value))
    }

    fn entry(&self, key: EntryKey) -> Result<Option<StoredEntry>, StoreError> {
        let key = layout::entry_key(self.number, key);
        self.tree.engine.get(&key)?.map(|value| self.tree.read_entry(&key, &value)).transpose()
    }

    fn author(&self, pair: Result<Pair, StoreError>) -> Result<(EntryKey, PersonId), StoreError> {
        let (key, value) = pair?;
        let cert = layout::cert_of(&value).and_then(|number| self.tree.certs.value_of(number));
        Ok((layout::last_place(&key).ok_or(UNREADABLE)?, cert.ok_or(UNREADABLE)?.person))
    }

    fn newest_posts(&self, range: KeyRange, limit: usize) -> Result<Vec<StoredEntry>, StoreError> {
        let mut posts = self.select(self.pairs(range).rev(), layout::is_post, limit)?;
        posts.reverse();
        Ok(posts)
    }

    /// Up to `limit` entries whose values are `wanted`.
    fn select(
        &self,
        pairs: impl Iterator<Item = Result<Pair, StoreError>>,
        wanted: fn(&[u8]) -> bool,
        limit: usize,
    ) -> Result<Vec<StoredEntry>, StoreError> {
        pairs.filter(of_value(wanted)).take(limit).map(|pair| self.read(pair)).collect()
    }

    fn read(&self, pair: Result<Pair, StoreError>) -> Result<StoredEntry, StoreError> {
        let (key, value) = pair?;
        self.tree.read_entry(&key, &value)
    }

    fn pairs(&self, range: KeyRange) -> Pairs {
        let (low, high) = layout::entry_bounds(self.number, range);
        self.tree.engine.range(&low, &high)
    }

    fn scan_digest(&self, range: KeyRange) -> Result<Digest, StoreError> {
        digests::scan_digest(&self.tree.engine, self.number, range)
    }
}

/// Errors pass every filter: somebody must see them.
fn of_value(wanted: fn(&[u8]) -> bool) -> impl Fn(&Result<Pair, StoreError>) -> bool {
    move |pair| pair.as_ref().map_or(true, |(_, value)| wanted(value))
}

/// All that stands after `key`, or everything.
fn after(key: Option<EntryKey>) -> KeyRange {
    KeyRange { from: key.map(layout::just_after), to: None }
}

/// What two ranges share; one that ends before it begins is empty.
fn overlap(one: KeyRange, other: KeyRange) -> KeyRange {
    let to = [one.to, other.to].into_iter().flatten().min();
    KeyRange { from: one.from.max(other.from), to }
}
