//! Through what a room is looked at: what its admins and the user do not want shown of it.
//!
//! Owns how a post is shown through it. The admins' verdicts are in [`crate::control`]; here the user's
//! own are put before them. It must never lose a post: what is not shown keeps its place.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use kinmesh_proto::{Content, ConversationId, Entry, EntryKey, HiddenHere, Hlc, PageItem, PersonId, Wait};

use crate::control::{Moderation, Withheld};
use crate::view::EntryView;

/// What is not shown of one conversation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lens {
    moderation: Option<Arc<Moderation>>,
    here: Arc<HiddenHere>,
    /// Whose entries leave no trace.
    blocked: Arc<BTreeSet<PersonId>>,
    /// Where the history begins: before that the room keeps nothing.
    beginning: Option<EntryKey>,
}

/// A post as it is seen: what is not shown of it, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The post, with those changes to it that are shown.
    pub item: PageItem,
    /// Why the post itself is not shown.
    pub withheld: Option<Withheld>,
}

/// Tells which posts are shown only if their authors waited.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pacer(Option<Arc<Moderation>>);

impl Pacer {
    /// What has to be read of a room to tell whether the author of a post waited; `None` where that matters
    /// to nobody.
    pub fn wait(&self, post: &Entry) -> Option<Wait> {
        self.0.as_ref()?.wait(post.person(), post.key())
    }
}

/// The posts before those of people who had to wait, each their own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pace(BTreeMap<EntryKey, EntryKey>);

impl Pace {
    /// What a store says of each of these.
    pub fn of(waits: &[Wait], before: Vec<Option<EntryKey>>) -> Self {
        let known = waits.iter().zip(before).filter_map(|(wait, before)| Some((wait.post, before?)));
        Self(known.collect())
    }
}

impl Lens {
    /// What the admins and the user hide.
    pub(crate) fn new(moderation: Option<Arc<Moderation>>, here: HiddenHere) -> Self {
        Self { moderation, here: Arc::new(here), ..Self::default() }
    }

    /// The same without anything that stands before this.
    pub(crate) fn since(self, beginning: Option<EntryKey>) -> Self {
        Self { beginning, ..self }
    }

    /// The same without anything that these people wrote.
    pub fn without(self, blocked: impl Into<Arc<BTreeSet<PersonId>>>) -> Self {
        Self { blocked: blocked.into(), ..self }
    }

    /// Whether all is shown.
    pub fn is_clear(&self) -> bool {
        self.blocked.is_empty()
            && self.here.is_empty()
            && self.moderation.is_none()
            && self.beginning.is_none()
    }

    /// Where the history begins: nothing that stands before it is shown. `None` where all is kept.
    pub fn beginning(&self) -> Option<EntryKey> {
        self.beginning
    }

    /// Tells which posts are shown only if their authors waited.
    pub fn pacer(&self) -> Pacer {
        Pacer(self.moderation.clone())
    }

    /// A post as it is seen; `None` when its author is blocked, or the room does not keep it any more.
    pub fn look(&self, mut item: PageItem, pace: &Pace) -> Option<Seen> {
        let post = &item.post.entry;
        let (author, key) = (post.person(), post.key());
        if self.blocked.contains(&author) || !self.is_kept(key) {
            return None;
        }
        // What it follows is not missing where it was let go of.
        item.follows_gap &= post.value().prev.iter().all(|prev| self.is_kept(*prev));
        let withheld = self.withheld_here(author, key).or_else(|| {
            let before = pace.0.get(&key).copied();
            self.moderation.as_ref().and_then(|moderation| moderation.withholds(author, key, before))
        });
        item.changes.retain(|change| self.shows_change(&change.entry));
        Some(Seen { item, withheld })
    }

    fn is_kept(&self, key: EntryKey) -> bool {
        self.beginning.is_none_or(|beginning| beginning <= key)
    }

    fn withheld_here(&self, author: PersonId, key: EntryKey) -> Option<Withheld> {
        let entry = self.here.entries.contains(&key).then_some(Withheld::Entry);
        entry.or_else(|| self.here.people.contains(&author).then_some(Withheld::Author))
    }

    /// Whether what somebody changed at a time is shown. Tell the store, or a thousand changes that are not
    /// would take the place of those that are.
    pub fn shows_changes(&self, author: PersonId, at: Hlc) -> bool {
        let is_silenced = |moderation: &Arc<Moderation>| moderation.silences(author, at).is_some();
        !self.is_hidden_here(author) && !self.moderation.as_ref().is_some_and(is_silenced)
    }

    /// What somebody takes back stays so, whatever the admins say of them.
    fn shows_change(&self, change: &Entry) -> bool {
        let (author, at) = (change.person(), change.value().clock);
        match change.content() {
            Content::Delete { .. } => !self.is_hidden_here(author),
            _ => self.shows_changes(author, at),
        }
    }

    fn is_hidden_here(&self, author: PersonId) -> bool {
        self.blocked.contains(&author) || self.here.people.contains(&author)
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
