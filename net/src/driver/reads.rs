//! What the faces and the core want to read: on tasks of their own, for the driver never waits for
//! the disk.

use std::collections::{BTreeMap, BTreeSet};

use kinmesh_core::{EntryView, Event, QUEUED_FETCH_MAX, UNREAD_CAP};
use kinmesh_proto::{
    ConversationId, Delivery, EntryId, EntryKey, Hlc, PageAt, PageItem, PersonId, StoredEntry,
};
use kinmesh_search::{Found, Query as SearchQuery};
use kinmesh_store::{StoreError, StoreHandle};
use tokio::sync::mpsc;

use super::Driver;
use crate::error::ReadError;
use crate::handle::Reply;
use crate::identity::unix_ms;
use crate::search::SearchHit;

/// What the store read for the core.
pub(super) enum Look {
    Post(ConversationId, EntryKey, Result<Option<Box<PageItem>>, StoreError>),
    Queued(ConversationId, Result<Vec<StoredEntry>, StoreError>),
    /// Something that was read for somebody else is damaged.
    Damage,
}

/// Tells the driver if what was read is damaged. The answer stays what it is.
pub(super) async fn noticed<T>(
    looks: &mpsc::Sender<Look>,
    read: Result<T, StoreError>,
) -> Result<T, StoreError> {
    if let Err(StoreError::Damaged(_)) = &read {
        // The driver may have ended.
        let _ = looks.send(Look::Damage).await;
    }
    read
}

/// Up to `limit` posts as they are shown, without what hidden people wrote. It is a short page only
/// where the history ends.
pub(super) async fn shown_page(
    store: &StoreHandle,
    conversation: ConversationId,
    at: PageAt,
    limit: usize,
    hidden: &BTreeSet<PersonId>,
) -> Result<Vec<PageItem>, StoreError> {
    let mut shown: Vec<PageItem> = Vec::new();
    let mut next = at;
    loop {
        let page = store.page(conversation, next, limit).await?;
        let is_last = page.len() < limit;
        let end = if matches!(at, PageAt::After(_)) { page.last() } else { page.first() };
        let Some(end) = end.map(|item| item.post.entry.key()) else { return Ok(shown) };
        let mut posts: Vec<PageItem> =
            page.into_iter().filter_map(|item| without_hidden(item, hidden)).collect();
        let missing = limit - shown.len();
        if matches!(at, PageAt::After(_)) {
            next = PageAt::After(end);
            posts.truncate(missing);
            shown.append(&mut posts);
        } else {
            next = PageAt::Before(end);
            posts.drain(..posts.len().saturating_sub(missing));
            posts.append(&mut shown);
            shown = posts;
        }
        if is_last || shown.len() == limit {
            return Ok(shown);
        }
    }
}

fn without_hidden(mut item: PageItem, hidden: &BTreeSet<PersonId>) -> Option<PageItem> {
    item.changes.retain(|change| !hidden.contains(&change.entry.person()));
    (!hidden.contains(&item.post.entry.person())).then_some(item)
}

/// Posts of others after this key, but for those of hidden people, as far as anybody counts.
pub(super) async fn shown_unread(
    store: &StoreHandle,
    conversation: ConversationId,
    after: Option<EntryKey>,
    hidden: &BTreeSet<PersonId>,
) -> Result<usize, StoreError> {
    if hidden.is_empty() {
        return store.unread(conversation, after, UNREAD_CAP).await;
    }
    let beginning = EntryKey { clock: Hlc(0), id: EntryId([0; 32]) };
    let after = PageAt::After(after.unwrap_or(beginning));
    let page = shown_page(store, conversation, after, UNREAD_CAP, hidden).await?;
    Ok(page.iter().filter(|item| item.post.delivery == Delivery::Received).count())
}

impl Driver {
    /// Whose entries are not shown in a conversation.
    pub(super) fn hidden_in(&self, conversation: ConversationId) -> BTreeSet<PersonId> {
        match conversation {
            ConversationId::Room(_) => self.core.blocked(),
            ConversationId::Direct(_) | ConversationId::Control(_) => BTreeSet::new(),
        }
    }

    /// The store as it is once all that the core knows is in it.
    pub(super) fn up_to_date_store(&mut self) -> StoreHandle {
        self.core.persist_later();
        self.do_outputs();
        self.store.clone()
    }

    pub(super) fn page(
        &mut self,
        conversation: ConversationId,
        at: PageAt,
        limit: usize,
        reply: Reply<ReadError, Vec<EntryView>>,
    ) {
        let (store, looks) = (self.up_to_date_store(), self.looks.0.clone());
        let read_by_other = self.core.read_by_other(conversation);
        let hidden = self.hidden_in(conversation);
        tokio::spawn(async move {
            let page = shown_page(&store, conversation, at, limit, &hidden).await;
            let page = noticed(&looks, page).await.map_err(ReadError::Store);
            let view = |post: &PageItem| EntryView::of(conversation, post, read_by_other);
            // The reader may have gone.
            let _ = reply.send(page.map(|posts| posts.iter().map(view).collect()));
        });
    }

    pub(super) fn post(
        &mut self,
        conversation: ConversationId,
        key: EntryKey,
        reply: Reply<ReadError, Option<(PageItem, EntryView)>>,
    ) {
        let (store, looks) = (self.up_to_date_store(), self.looks.0.clone());
        let read_by_other = self.core.read_by_other(conversation);
        tokio::spawn(async move {
            let post = noticed(&looks, store.post(conversation, key).await).await;
            let post = post.map_err(ReadError::Store);
            let with_view = |post| {
                let view = EntryView::of(conversation, &post, read_by_other);
                (post, view)
            };
            // The reader may have gone.
            let _ = reply.send(post.map(|post| post.map(with_view)));
        });
    }

    pub(super) fn search(&mut self, query: SearchQuery, reply: Reply<ReadError, Vec<SearchHit>>) {
        let _ = self.up_to_date_store();
        let search = self.search.clone();
        let read: BTreeMap<_, _> = self.core.all_read_by_other().collect();
        let hidden = self.core.blocked();
        tokio::spawn(async move {
            let found = search.find(&query).await.map_err(ReadError::from);
            let is_hidden = |Found { conversation, item }: &Found| {
                matches!(conversation, ConversationId::Room(_)) && hidden.contains(&item.post.entry.person())
            };
            let hit = |Found { conversation, item }: &Found| SearchHit {
                entry: EntryView::of(*conversation, item, read.get(conversation).copied()),
            };
            // The reader may have gone.
            let _ = reply
                .send(found.map(|found| found.iter().filter(|found| !is_hidden(found)).map(hit).collect()));
        });
    }

    pub(super) fn read_post(&self, conversation: ConversationId, key: EntryKey) {
        let (store, looks) = (self.store.clone(), self.looks.0.clone());
        tokio::spawn(async move {
            let post = noticed(&looks, store.post(conversation, key).await).await;
            let post = post.map(|post| post.map(Box::new));
            // The driver may have ended.
            let _ = looks.send(Look::Post(conversation, key, post)).await;
        });
    }

    pub(super) fn read_queued(&self, conversation: ConversationId, after: Option<EntryKey>) {
        let (store, looks) = (self.store.clone(), self.looks.0.clone());
        tokio::spawn(async move {
            let queued = noticed(&looks, store.queued(conversation, after, QUEUED_FETCH_MAX).await).await;
            // The driver may have ended.
            let _ = looks.send(Look::Queued(conversation, queued)).await;
        });
    }

    pub(super) fn looked(&mut self, look: Look) {
        match look {
            Look::Damage => self.note_damage(),
            Look::Post(conversation, key, post) => {
                if post.is_err() {
                    // It is not shown from memory: listeners are told to read for themselves.
                    self.told.push(Event::Lagged { missed: 1 });
                }
                self.core.post_read(conversation, key, post.ok().flatten().map(|post| *post));
            }
            Look::Queued(conversation, queued) => {
                // Why something waits may be another now.
                self.overview_changed |= queued.is_err();
                self.core.queued_read(unix_ms(), conversation, queued.ok());
            }
        }
    }
}
