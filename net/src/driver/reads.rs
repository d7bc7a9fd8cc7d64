//! What the faces and the core want to read: on tasks of their own, for the driver never waits for
//! the disk.

use kinmesh_core::{EntryView, Event};
use kinmesh_proto::{ConversationId, EntryKey, PageAt, PageItem};
use kinmesh_store::{StoreError, StoreHandle};

use super::Driver;
use crate::error::ReadError;
use crate::handle::Reply;

/// A post that the store read for the core; an error means that the faces must read it themselves.
pub(super) type PostRead = (ConversationId, EntryKey, Result<Option<PageItem>, StoreError>);

impl Driver {
    /// The store as it is once all that the core knows is in it.
    fn up_to_date_store(&mut self) -> StoreHandle {
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
        let store = self.up_to_date_store();
        let read_by_other = self.core.read_by_other(conversation);
        tokio::spawn(async move {
            let page = page(&store, conversation, at, limit).await.map_err(ReadError::Store);
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
        let store = self.up_to_date_store();
        let read_by_other = self.core.read_by_other(conversation);
        tokio::spawn(async move {
            let post = post(&store, conversation, key).await.map_err(ReadError::Store);
            let with_view = |post| {
                let view = EntryView::of(conversation, &post, read_by_other);
                (post, view)
            };
            // The reader may have gone.
            let _ = reply.send(post.map(|post| post.map(with_view)));
        });
    }

    pub(super) fn read_post(&self, conversation: ConversationId, key: EntryKey) {
        let (store, posts) = (self.store.clone(), self.posts_read.0.clone());
        tokio::spawn(async move {
            let post = post(&store, conversation, key).await;
            // The driver may have ended.
            let _ = posts.send((conversation, key, post)).await;
        });
    }

    /// A post that cannot be read is not shown from memory: listeners are told to read for themselves.
    pub(super) fn post_read(&mut self, (conversation, key, post): PostRead) {
        if post.is_err() {
            self.told.push(Event::Lagged { missed: 1 });
        }
        self.core.post_read(conversation, key, post.ok().flatten());
    }
}

/// Posts in a stored page, with their changes as far as these are in it.
pub(super) async fn page(
    store: &StoreHandle,
    conversation: ConversationId,
    at: PageAt,
    limit: usize,
) -> Result<Vec<PageItem>, StoreError> {
    let (before, after) = match at {
        PageAt::Newest => (None, None),
        PageAt::Before(key) => (Some(key), None),
        PageAt::After(key) => (None, Some(key)),
    };
    let entries = store.page(conversation, before, limit.max(crate::PAGE_MAX)).await?;
    let (posts, changes): (Vec<_>, Vec<_>) =
        entries.into_iter().partition(|stored| stored.entry.content().target().is_none());
    let is_wanted = |key: EntryKey| after.is_none_or(|after| key > after);
    let posts = posts.into_iter().filter(|post| is_wanted(post.entry.key()));
    let mut items: Vec<PageItem> = posts
        .map(|post| {
            let of = post.entry.key();
            let changes = changes.iter().filter(|change| change.entry.content().target() == Some(of));
            PageItem { changes: changes.cloned().collect(), post, follows_gap: false }
        })
        .collect();
    match at {
        PageAt::After(_) => items.truncate(limit),
        PageAt::Newest | PageAt::Before(_) => drop(items.drain(..items.len().saturating_sub(limit))),
    }
    Ok(items)
}

async fn post(
    store: &StoreHandle,
    conversation: ConversationId,
    key: EntryKey,
) -> Result<Option<PageItem>, StoreError> {
    let items = page(store, conversation, PageAt::Newest, crate::PAGE_MAX).await?;
    Ok(items.into_iter().find(|item| item.post.entry.key() == key))
}
