//! What a store of a long history is measured by, and ours.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use kinmesh_proto::{ConversationRecord, Delivery, Entry, EntryKey, PageAt, StoredEntry, Write};
use kinmesh_search::{Query, Search, SearchState};
use kinmesh_store::{Completion, SledStore, StoreHandle};
use tokio::sync::mpsc;

use super::{CONVERSATIONS, PAGE, history};

/// A store with search. Numbers name the conversations.
pub(super) trait Engine: Sized {
    /// Opens what is in the directory, or makes it. Afterwards entries can be read and written.
    async fn open(dir: &Path) -> Result<Self>;
    /// Stores entries in one durable commit.
    async fn put(&mut self, group: &[(usize, Entry)]) -> Result<()>;
    /// Makes the whole history findable.
    async fn index(&mut self, entries: usize) -> Result<()>;
    /// Reads the page before an entry, or the last one; its oldest entry.
    async fn page(&mut self, conversation: usize, before: Option<EntryKey>) -> Result<EntryKey>;
    /// Reads the newest entries with a word that begins like this; how many they are.
    async fn search(&mut self, typed: &str) -> Result<usize>;
}

/// Ours: sled behind its thread, and tantivy beside it.
pub(super) struct Ours {
    store: StoreHandle,
    completions: mpsc::Receiver<Completion>,
    index: PathBuf,
    search: Option<Search>,
}

impl Ours {
    async fn commit(&mut self, writes: Vec<Write>) -> Result<()> {
        self.store.commit(0, writes)?;
        self.completions.recv().await.context("the store has ended")?.result?;
        Ok(())
    }

    fn opened_search(&mut self) -> &Search {
        self.search.get_or_insert_with(|| Search::spawn(self.index.clone(), self.store.clone()))
    }
}

impl Engine for Ours {
    async fn open(dir: &Path) -> Result<Self> {
        let (store, _) = SledStore::open(&dir.join("history"))?;
        let (completed, completions) = mpsc::channel(1);
        let store = StoreHandle::spawn(Box::new(store), completed);
        let mut ours = Self { store, completions, index: dir.join("search"), search: None };
        if ours.store.load().await?.conversations.is_empty() {
            let record = |number| ConversationRecord::new(history::conversation(number), None);
            ours.commit((0..CONVERSATIONS).map(record).map(Write::PutConversation).collect()).await?;
        }
        Ok(ours)
    }

    async fn put(&mut self, group: &[(usize, Entry)]) -> Result<()> {
        let write = |(conversation, entry): &(usize, Entry)| {
            let received_ms = entry.value().clock.ms();
            let stored = StoredEntry { entry: entry.clone(), delivery: Delivery::Received, received_ms };
            Write::PutEntry { conversation: history::conversation(*conversation), stored }
        };
        self.commit(group.iter().map(write).collect()).await
    }

    async fn index(&mut self, _: usize) -> Result<()> {
        let mut state = self.opened_search().watch();
        let done = |state: &SearchState| matches!(state, SearchState::Ready | SearchState::Unavailable);
        ensure!(*state.wait_for(done).await? == SearchState::Ready, "the index cannot be made");
        Ok(())
    }

    async fn page(&mut self, conversation: usize, before: Option<EntryKey>) -> Result<EntryKey> {
        let at = before.map_or(PageAt::Newest, PageAt::Before);
        let page = self.store.page(history::conversation(conversation), at, PAGE).await?;
        Ok(page.first().context("the history goes on")?.post.entry.key())
    }

    async fn search(&mut self, typed: &str) -> Result<usize> {
        let query = Query { text: typed.to_owned(), limit: PAGE, ..Query::default() };
        Ok(self.opened_search().find(&query).await?.len())
    }
}
