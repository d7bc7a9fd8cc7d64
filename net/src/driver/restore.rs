//! What a start finds on the disk: identity, history, and where the last run left off.

use std::collections::BTreeSet;
use std::path::Path;

use kinmesh_core::{Core, QUEUED_FETCH_MAX, StoredConversation, StoredQueue};
use kinmesh_proto::{AddressRecord, ConversationId, DeviceKeys, EntryKey, KeyRange, PageAt};
use kinmesh_seal::Seal;
use kinmesh_store::{Completion, OpenReport, Rebuilt, StoreError, StoreHandle};
use libp2p::identity::Keypair;
use tokio::sync::mpsc;

use crate::driver::reads;
use crate::error::StartError;
use crate::identity::{Identity, KeyDir, unix_ms};
use crate::vault::{self, DataKey};

/// Answers of the store on their way back: as many as its thread takes in one group.
const COMPLETIONS_CAP: usize = 1024;

/// All that a driver begins with.
pub(super) struct Restored {
    pub(super) store: StoreHandle,
    pub(super) completions: mpsc::Receiver<Completion>,
    pub(super) keypair: Keypair,
    pub(super) core: Core,
    pub(super) addresses: Vec<AddressRecord>,
    /// What became of a history that could not be used as it was.
    pub(super) rebuilt: Option<Rebuilt>,
    pub(super) key_dir: KeyDir,
    pub(super) search_seal: Option<Seal>,
}

/// Opens a data directory and reads where the last run left off. Damage that shows only then is mended
/// by opening the history once more, which reads all of it.
pub(super) async fn restore(data_dir: &Path, key: Option<DataKey>) -> Result<Restored, StartError> {
    match attempt(data_dir, key.clone()).await {
        Err(StartError::Store(StoreError::Damaged(_))) => attempt(data_dir, key).await,
        restored => restored,
    }
}

async fn attempt(data_dir: &Path, key: Option<DataKey>) -> Result<Restored, StartError> {
    let opened = vault::enter(data_dir, key)?;
    let (key_dir, search_seal) = (opened.key_dir(), opened.search_seal());
    let (store, OpenReport { rebuilt }) = opened.open_history()?;
    let Identity { keys, keypair } = Identity::load_or_create(&key_dir)?;
    let (completed, completions) = mpsc::channel(COMPLETIONS_CAP);
    let store = StoreHandle::spawn(Box::new(store), completed);
    match history(keys, &store).await {
        Ok((core, addresses)) => {
            Ok(Restored { store, completions, keypair, core, addresses, rebuilt, key_dir, search_seal })
        }
        Err(error) => {
            // Its directory is free only then.
            store.close().await;
            Err(error.into())
        }
    }
}

async fn history(keys: DeviceKeys, store: &StoreHandle) -> Result<(Core, Vec<AddressRecord>), StoreError> {
    let snapshot = store.load().await?;
    let addresses = snapshot.addresses.clone();
    let mut core = Core::new(keys, snapshot, unix_ms(), rand::make_rng());
    // What is shown of the conversations hangs on the logs.
    logs(&mut core, store).await?;
    conversations(&mut core, store).await?;
    Ok((core, addresses))
}

async fn conversations(core: &mut Core, store: &StoreHandle) -> Result<(), StoreError> {
    let blocked = core.blocked();
    for StoredConversation { id, read, sent } in core.stored_conversations() {
        let hidden = if let ConversationId::Room(_) = id { blocked.clone() } else { BTreeSet::new() };
        let lens = core.lens(id).without(hidden);
        let newest = store.newest(id).await?;
        let last = reads::shown_page(store, id, PageAt::Newest, 1, &lens).await?.pop();
        let queued = stored_queue(store, id, sent).await?;
        let unread = reads::shown_unread(store, id, read, &lens).await?;
        core.restore_conversation(id, newest, last, queued, unread);
    }
    Ok(())
}

/// The control logs of rooms: who is in them, where they are met, and what of them is shown.
async fn logs(core: &mut Core, store: &StoreHandle) -> Result<(), StoreError> {
    for room in core.rooms_with_log() {
        let log = store.entries_in(ConversationId::Control(room), KeyRange::ALL, usize::MAX).await?;
        core.restore_log(unix_ms(), room, log.into_iter().map(|stored| stored.entry).collect());
        if let Some(wait) = core.own_post_wanted(unix_ms(), room) {
            let own = store.posts_before(ConversationId::Room(room), vec![wait]).await?;
            own.into_iter().flatten().for_each(|post| core.restore_own_post(room, post));
        }
    }
    Ok(())
}

/// What waits to go out, and how much of it there is: counted only where the front is not all.
async fn stored_queue(
    store: &StoreHandle,
    id: ConversationId,
    sent: Option<EntryKey>,
) -> Result<StoredQueue, StoreError> {
    let front = store.queued(id, sent, QUEUED_FETCH_MAX).await?;
    let is_all = front.len() < QUEUED_FETCH_MAX;
    let count = if is_all { front.len() } else { store.count_queued(id, sent).await? };
    Ok(StoredQueue { front, count })
}
