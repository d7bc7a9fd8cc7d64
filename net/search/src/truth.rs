//! Reading the store: what it holds of a day, and what of an entry is looked up.
//!
//! Runs on the store's thread, so it reads little at a time and cuts no text.

use std::collections::BTreeMap;

use kinmesh_proto::{ConversationId, EntryKey, KeyRange, PageAt, PageItem, PersonId, Write};
use kinmesh_store::{HistoryStore, StoreError, day_of};

use crate::index::{Covered, Document, Findable};
use crate::place::Place;
use crate::words;

/// Entries that may share a place. Making two alike takes billions of signatures, so nobody is
/// denied a hit by this.
const ALIKE_MAX: usize = 8;

/// An entry that came into the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entered {
    pub(crate) conversation: ConversationId,
    pub(crate) key: EntryKey,
    /// The post that it changes.
    pub(crate) changes: Option<EntryKey>,
}

impl Entered {
    /// The entries that these writes bring.
    pub fn with(writes: &[Write]) -> Vec<Self> {
        writes.iter().filter_map(Self::by).collect()
    }

    fn by(write: &Write) -> Option<Self> {
        let Write::PutEntry { conversation, stored } = write else { return None };
        if let ConversationId::Control(_) = conversation {
            return None;
        }
        let changes = stored.entry.content().target();
        Some(Self { conversation: *conversation, key: stored.entry.key(), changes })
    }
}

/// What is to be known of an entry, its text uncut.
#[derive(Debug)]
pub(crate) struct Original {
    place: Place,
    said: Option<(PersonId, String)>,
}

impl Original {
    pub(crate) fn cut(self) -> Document {
        let found_by = self.said.map(|(author, text)| {
            let parts = words::parts(&words::fold(&text));
            Findable { author, parts }
        });
        Document { place: self.place, found_by }
    }

    fn counted(conversation: ConversationId, key: EntryKey) -> Self {
        Self { place: Place::of(conversation, key), said: None }
    }

    fn of(conversation: ConversationId, item: &PageItem) -> Self {
        let post = &item.post.entry;
        let said = item.text().map(|text| (post.person(), text.to_owned()));
        Self { place: Place::of(conversation, post.key()), said }
    }
}

/// Every day of a conversation.
pub(crate) fn days(store: &dyn HistoryStore, conversation: ConversationId) -> Result<Covered, StoreError> {
    let days = store.days(conversation)?;
    Ok(days.into_iter().map(|(day, digest)| ((conversation, day), digest.into())).collect())
}

/// What the entries are, and what the posts that they change have become.
pub(crate) fn originals(store: &dyn HistoryStore, told: &[Entered]) -> Result<Vec<Original>, StoreError> {
    let mut originals = Vec::new();
    for Entered { conversation, key, changes } in told.iter().copied() {
        if changes.is_some() && has(store, conversation, key)? {
            originals.push(Original::counted(conversation, key));
        }
        let post = store.post(conversation, changes.unwrap_or(key))?;
        originals.extend(post.map(|item| Original::of(conversation, &item)));
    }
    Ok(originals)
}

/// Whether the entry is there: the disk may have failed when it came.
fn has(store: &dyn HistoryStore, conversation: ConversationId, key: EntryKey) -> Result<bool, StoreError> {
    let keys = store.keys(conversation, Place::of(conversation, key).keys(), ALIKE_MAX)?;
    Ok(keys.contains(&key))
}

/// The newest `limit` entries of a range, which ends with `to`.
pub(crate) struct Piece {
    pub(crate) originals: Vec<Original>,
    /// Posts of another day that entries of this piece change.
    pub(crate) elsewhere: Vec<Entered>,
    /// Where the piece begins: the rest stands before it.
    pub(crate) begin: EntryKey,
}

/// The end of a range; `None` when nothing is in it.
pub(crate) fn last_piece(
    store: &dyn HistoryStore,
    conversation: ConversationId,
    range: KeyRange,
    limit: usize,
) -> Result<Option<Piece>, StoreError> {
    let keys = store.keys(conversation, range, limit)?;
    let Some(begin) = keys.first().copied() else { return Ok(None) };
    let at = range.to.map_or(PageAt::Newest, PageAt::Before);
    let page = store.page(conversation, at, keys.len())?;
    let posts: BTreeMap<_, _> = page.into_iter().map(|item| (item.post.entry.key(), item)).collect();
    let original = |key: &EntryKey| match posts.get(key) {
        Some(item) => Original::of(conversation, item),
        None => Original::counted(conversation, *key),
    };
    let originals = keys.iter().map(original).collect();
    let changes: Vec<_> = keys.into_iter().filter(|key| !posts.contains_key(key)).collect();
    let mut elsewhere = Vec::new();
    for change in store.entries(conversation, &changes, usize::MAX)? {
        let post = change.entry.content().target().filter(|post| day_of(*post) != day_of(begin));
        elsewhere.extend(post.map(|key| Entered { conversation, key, changes: None }));
    }
    Ok(Some(Piece { originals, elsewhere, begin }))
}

/// The posts at these places, each with its conversation.
pub(crate) fn posts_at(
    store: &dyn HistoryStore,
    places: &[Place],
) -> Result<Vec<(ConversationId, PageItem)>, StoreError> {
    let mut posts = Vec::new();
    for place in places {
        let mut keys = store.keys(place.conversation, place.keys(), ALIKE_MAX)?;
        keys.reverse();
        for key in keys {
            posts.extend(store.post(place.conversation, key)?.map(|item| (place.conversation, item)));
        }
    }
    Ok(posts)
}
