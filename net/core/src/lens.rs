//! Through what a room is looked at: what its admins and the user do not want shown of it.
//!
//! Owns how a post is shown through it. The admins' verdicts are in [`crate::control`]; here the user's
//! own are put before them. It must never lose a post: what is not shown keeps its place.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use kinmesh_proto::{
    Content, ConversationId, Entry, EntryId, EntryKey, HiddenHere, Hlc, KeyRange, PageItem, PersonId,
    StoredEntry,
};

use crate::control::{Moderation, Withheld};
use crate::view::EntryView;

/// What is not shown of one conversation.
#[derive(Debug, Clone, Default)]
pub struct Lens {
    moderation: Option<Arc<Moderation>>,
    here: HiddenHere,
    /// Whose entries leave no trace.
    blocked: BTreeSet<PersonId>,
}

/// A post as it is seen: what is not shown of it, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The post, with those changes to it that are shown.
    pub item: PageItem,
    /// Why the post itself is not shown.
    pub withheld: Option<Withheld>,
}

/// When people wrote in a part of a room.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pace(BTreeMap<PersonId, BTreeSet<EntryKey>>);

impl Pace {
    /// When the authors of these entries posted.
    pub fn of(entries: &[StoredEntry]) -> Self {
        let mut pace = Self::default();
        for StoredEntry { entry, .. } in entries.iter().filter(|stored| is_post(&stored.entry)) {
            pace.0.entry(entry.person()).or_default().insert(entry.key());
        }
        pace
    }

    fn before(&self, author: PersonId, post: EntryKey) -> Option<EntryKey> {
        self.0.get(&author)?.range(..post).next_back().copied()
    }
}

fn is_post(entry: &Entry) -> bool {
    entry.content().target().is_none()
}

impl Lens {
    /// What the admins and the user hide.
    pub(crate) fn new(moderation: Option<Arc<Moderation>>, here: HiddenHere) -> Self {
        Self { moderation, here, blocked: BTreeSet::new() }
    }

    /// The same without anything that these people wrote.
    pub fn without(self, blocked: BTreeSet<PersonId>) -> Self {
        Self { blocked, ..self }
    }

    /// Whether all is shown.
    pub fn is_clear(&self) -> bool {
        self.blocked.is_empty() && self.here.is_empty() && self.moderation.is_none()
    }

    /// What has to be read of a conversation to tell whether the authors of posts from `first` to `last`
    /// waited long enough; `None` where nobody has to.
    pub fn pace_range(&self, first: EntryKey, last: EntryKey) -> Option<KeyRange> {
        let slowest_ms = self.moderation.as_ref()?.slowest_ms();
        let clock = Hlc::from_ms(first.clock.ms().saturating_sub(slowest_ms));
        let from = Some(EntryKey { clock, id: EntryId([0; 32]) });
        (slowest_ms > 0).then_some(KeyRange { from, to: Some(last) })
    }

    /// A post as it is seen; `None` when its author is blocked.
    pub fn look(&self, mut item: PageItem, pace: &Pace) -> Option<Seen> {
        let post = &item.post.entry;
        let (author, key) = (post.person(), post.key());
        if self.blocked.contains(&author) {
            return None;
        }
        let withheld = self.withheld_here(author, key).or_else(|| {
            let before = pace.before(author, key);
            self.moderation.as_ref().and_then(|moderation| moderation.withholds(author, key, before))
        });
        item.changes.retain(|change| self.shows_change(&change.entry));
        Some(Seen { item, withheld })
    }

    fn withheld_here(&self, author: PersonId, key: EntryKey) -> Option<Withheld> {
        let entry = self.here.entries.contains(&key).then_some(Withheld::Entry);
        entry.or_else(|| self.here.people.contains(&author).then_some(Withheld::Author))
    }

    /// What somebody takes back stays so, whatever they are.
    fn shows_change(&self, change: &Entry) -> bool {
        let author = change.person();
        let is_silenced = |moderation: &Arc<Moderation>| {
            let is_delete = matches!(change.content(), Content::Delete { .. });
            !is_delete && moderation.silences(author, change.value().clock).is_some()
        };
        let is_hidden = self.blocked.contains(&author) || self.here.people.contains(&author);
        !is_hidden && !self.moderation.as_ref().is_some_and(is_silenced)
    }
}

impl Seen {
    /// As it is shown to a user who asks to look at it all the same.
    pub fn looked_at(&self, conversation: ConversationId) -> EntryView {
        let whole = EntryView::of(conversation, &self.item, None);
        EntryView { withheld: self.withheld.clone(), ..whole }
    }

    /// As a face shows it.
    pub fn view(&self, conversation: ConversationId, read_by_other: Option<EntryKey>) -> EntryView {
        EntryView::of(conversation, &self.item, read_by_other).withheld(self.withheld.clone())
    }
}
