//! A store with a search over it, and people who write into it.

#![allow(dead_code, clippy::unwrap_used)] // Each test program uses its part; a panic is the report.

use std::path::{Path, PathBuf};

use futures::FutureExt;
use kinmesh_proto::{
    Content, ConversationId, ConversationRecord, Delivery, DeviceKeys, EntryBody, EntryKey, Hlc, PersonId,
    RoomId, StoredEntry, Unverified, Write,
};
use kinmesh_seal::Seal;
use kinmesh_search::{Entered, Query, Search, SearchState};
use kinmesh_store::{Completion, MemoryStore, SledStore, StoreHandle};
use tokio::sync::{mpsc, oneshot};

pub(crate) const LOBBY: ConversationId = ConversationId::Room(RoomId([1; 32]));
pub(crate) const KITCHEN: ConversationId = ConversationId::Room(RoomId([2; 32]));
pub(crate) const WITH_BOB: ConversationId = ConversationId::Direct(PersonId([3; 32]));

pub(crate) const ALICE: u8 = 1;
pub(crate) const BOB: u8 = 2;

pub(crate) const DAY_MS: u64 = 24 * 60 * 60 * 1000;

pub(crate) fn keys(person: u8) -> DeviceKeys {
    DeviceKeys::generate(&[person; 32], &[person ^ 0x80; 32], 7)
}

pub(crate) fn person(person: u8) -> PersonId {
    keys(person).person()
}

/// Whoever asks the store for something waits until this is dropped.
pub(crate) struct Hold {
    /// Resolves when all that was asked before is done.
    pub(crate) is_held: oneshot::Receiver<()>,
    _release: std::sync::mpsc::Sender<()>,
}

pub(crate) struct World {
    store: StoreHandle,
    completions: mpsc::Receiver<Completion>,
    pub(crate) search: Search,
    dir: PathBuf,
    seal: Option<Seal>,
}

impl World {
    /// A store that forgets, with its index in `dir`.
    pub(crate) async fn in_memory(dir: &Path) -> Self {
        Self::sealed(dir, None).await
    }

    /// The same with a seal on the index, if there is one.
    pub(crate) async fn sealed(dir: &Path, seal: Option<Seal>) -> Self {
        Self::on(Box::new(MemoryStore::new()), dir, seal).await
    }

    /// The store in `dir`, with its index beside it.
    pub(crate) async fn on_disk(dir: &Path) -> Self {
        let (store, _) = SledStore::open(&dir.join("history")).unwrap();
        Self::on(Box::new(store), dir, None).await
    }

    async fn on(store: Box<dyn kinmesh_store::HistoryStore>, dir: &Path, seal: Option<Seal>) -> Self {
        let (told, completions) = mpsc::channel(16);
        let store = StoreHandle::spawn(store, told);
        let search = Search::spawn_sealed(index_in(dir), seal.clone(), store.clone());
        let mut world = Self { store, completions, search, dir: dir.to_owned(), seal };
        let records = [LOBBY, KITCHEN, WITH_BOB].map(|id| ConversationRecord::new(id, None));
        world.commit(records.map(Write::PutConversation).to_vec()).await;
        world.is_ready().await;
        world
    }

    pub(crate) fn store(&self) -> StoreHandle {
        self.store.clone()
    }

    /// Waits until the index holds what the store holds.
    pub(crate) async fn is_ready(&self) {
        self.search.watch().wait_for(|state| *state == SearchState::Ready).await.unwrap();
    }

    /// The program ends and starts again; `meanwhile` gets the directory of the index.
    pub(crate) async fn restart(self, meanwhile: impl FnOnce(&Path)) -> Self {
        let world = self.begin_again(meanwhile).await;
        world.is_ready().await;
        world
    }

    /// The same, not waiting until the index is ready.
    pub(crate) async fn begin_again(self, meanwhile: impl FnOnce(&Path)) -> Self {
        self.search.close().await;
        let dir = index_in(&self.dir);
        meanwhile(&dir);
        Self { search: Search::spawn_sealed(dir, self.seal.clone(), self.store.clone()), ..self }
    }

    /// Holds the store's thread, behind what it was asked before.
    pub(crate) fn hold(&self) -> Hold {
        let (release, released) = std::sync::mpsc::channel::<()>();
        let (holding, is_held) = oneshot::channel();
        let read = self.store.read(move |_| {
            let _ = holding.send(());
            // It ends when the other end is dropped.
            let _ = released.recv();
            Ok(())
        });
        // Else a task that asked for much already would not ask at once.
        let asked = tokio::task::unconstrained(read).now_or_never();
        assert!(asked.is_none(), "it is asked for, and waits");
        Hold { is_held, _release: release }
    }

    pub(crate) async fn end(self) {
        self.search.close().await;
        self.store.close().await;
    }

    /// Writes an entry, of which the search is told.
    pub(crate) async fn write(
        &mut self,
        author: u8,
        place: (ConversationId, u64),
        content: Content,
    ) -> EntryKey {
        let (conversation, ms) = place;
        let stored = entry(author, conversation, ms, content);
        let key = stored.entry.key();
        let writes = vec![Write::PutEntry { conversation, stored }];
        let entered = Entered::with(&writes);
        self.commit(writes).await;
        self.search.entered(entered);
        key
    }

    /// Writes an entry, of which the search is not told.
    pub(crate) async fn write_silently(&mut self, author: u8, place: (ConversationId, u64), text: &str) {
        let stored = entry(author, place.0, place.1, Content::text(text));
        self.commit(vec![Write::PutEntry { conversation: place.0, stored }]).await;
    }

    pub(crate) async fn commit(&mut self, writes: Vec<Write>) {
        self.store.commit(0, writes).unwrap();
        self.completions.recv().await.unwrap().result.unwrap();
    }

    /// The texts that a query finds.
    pub(crate) async fn find(&self, query: Query) -> Vec<String> {
        let found = self.search.find(&query).await.unwrap();
        found.iter().map(|found| found.item.text().unwrap().to_owned()).collect()
    }

    /// The texts that are found for what is typed.
    pub(crate) async fn typed(&self, text: &str) -> Vec<String> {
        self.find(query(text)).await
    }
}

pub(crate) fn query(text: &str) -> Query {
    Query { text: text.to_owned(), limit: 100, ..Query::default() }
}

pub(crate) fn entry(author: u8, conversation: ConversationId, ms: u64, content: Content) -> StoredEntry {
    let keys = keys(author);
    let body = EntryBody {
        conversation: conversation.tag(keys.person()),
        clock: Hlc::from_ms(ms),
        seq: ms + 1,
        prev: Vec::new(),
        content,
    };
    StoredEntry { entry: Unverified::sign(body, &keys), delivery: Delivery::Received, received_ms: ms }
}

pub(crate) fn index_in(dir: &Path) -> PathBuf {
    dir.join("search")
}
