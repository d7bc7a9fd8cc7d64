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
            let page = store.page(conversation, at, limit).await.map_err(ReadError::Store);
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
            let post = store.post(conversation, key).await.map_err(ReadError::Store);
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
            let post = store.post(conversation, key).await;
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
