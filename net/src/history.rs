//! A peer's history for those who only read it: of a running peer, or of one that is stopped.
//!
//! Knows the store and the core's views, and nothing of the network: a stopped peer stays silent.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use kinmesh_core::{Core, Overview};
use kinmesh_proto::{ConversationId, EntryKey, PageAt, PageItem};
use kinmesh_store::{OpenReport, StoreError, StoreHandle};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, watch};
use tokio::task;

use crate::archive::{ExportError, ExportReport, Exporter, Passphrase, Progress};
use crate::error::ReadError;
use crate::handle::PAGE_MAX;
use crate::identity::{IdentityError, KeyDir, KeyFiles, unix_ms};
use crate::vault::{self, DataKey, VaultError};

/// The store's place in the data directory.
pub(crate) const HISTORY_DIR: &str = "history";
/// The search index's place in it.
pub(crate) const SEARCH_DIR: &str = "search";

/// Reads a peer's history. Clones share it.
#[derive(Clone)]
pub struct History {
    pub(crate) store: StoreHandle,
    pub(crate) key_dir: KeyDir,
    pub(crate) overview: Arc<Overview>,
}

impl History {
    /// Whose history it is, with the people and rooms in it.
    pub fn overview(&self) -> &Overview {
        &self.overview
    }

    /// Up to `limit` posts with their changes, oldest first.
    pub async fn page(
        &self,
        conversation: ConversationId,
        at: PageAt,
        limit: usize,
    ) -> Result<Vec<PageItem>, ReadError> {
        Ok(self.store.page(conversation, at, limit.clamp(1, PAGE_MAX)).await?)
    }

    /// One post with its changes; `None` when it is not here.
    pub async fn post(
        &self,
        conversation: ConversationId,
        key: EntryKey,
    ) -> Result<Option<PageItem>, ReadError> {
        Ok(self.store.post(conversation, key).await?)
    }

    /// Exports everything into an archive: keys, history, records, and those of the `face_files` in
    /// the data directory that exist. A file of that name is replaced once the new one is whole.
    pub async fn export(
        &self,
        archive: PathBuf,
        passphrase: Passphrase,
        face_files: &'static [&'static str],
        progress: watch::Sender<Progress>,
    ) -> Result<ExportReport, ExportError> {
        let Self { store, key_dir, .. } = self.clone();
        let exporter = Exporter { store, runtime: Handle::current(), key_dir, face_files, progress };
        let exported = task::spawn_blocking(move || exporter.export(&archive, &passphrase)).await;
        exported.map_err(|_| ExportError::BrokenOff)?
    }
}

/// A stopped peer whose history is open. No program can start there meanwhile.
pub struct StoppedPeer {
    /// Its history.
    pub history: History,
    /// What opening it found.
    pub report: OpenReport,
}

/// The history of a stopped peer cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Nobody lives there.
    #[error("there is no peer in {}", dir.display())]
    NoPeer {
        /// The data directory.
        dir: PathBuf,
    },
    /// The keys cannot be read.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// A passphrase keeps it closed.
    #[error(transparent)]
    Vault(VaultError),
    /// The store cannot be opened; a running program has it open, for example.
    #[error("the history store: {0}")]
    Store(#[from] StoreError),
}

impl From<VaultError> for OpenError {
    fn from(error: VaultError) -> Self {
        // One name for each reason, with a passphrase and without.
        match error {
            VaultError::Identity(error) => error.into(),
            VaultError::Store(error) => error.into(),
            error => Self::Vault(error),
        }
    }
}

/// Whether somebody lives in a data directory.
pub fn has_peer(data_dir: &Path) -> bool {
    KeyFiles::are_in(data_dir)
}

impl StoppedPeer {
    /// Opens the history in a data directory that has no passphrase. Must be called on a tokio runtime.
    pub async fn open(data_dir: &Path) -> Result<Self, OpenError> {
        Self::open_unlocked(data_dir, None).await
    }

    /// The same, with the key to it if it has a passphrase.
    pub async fn open_unlocked(data_dir: &Path, key: Option<DataKey>) -> Result<Self, OpenError> {
        let no_peer = || OpenError::NoPeer { dir: data_dir.to_owned() };
        if !has_peer(data_dir) {
            return Err(no_peer());
        }
        let opened = vault::enter(data_dir, key)?;
        let key_dir = opened.key_dir();
        let (store, report) = opened.open_history()?;
        let keys = KeyFiles::read(&key_dir)?.and_then(|files| files.keys()).ok_or_else(no_peer)?;
        // Nothing is written, so nothing is completed.
        let (completed, _) = mpsc::channel(1);
        let store = StoreHandle::spawn(Box::new(store), completed);
        let snapshot = store.load().await?;
        // Nobody is met here, so chance has no part in it.
        let overview = Arc::new(Core::new(keys, snapshot, unix_ms(), rand::make_rng()).overview());
        Ok(Self { history: History { store, key_dir, overview }, report })
    }

    /// Closes it.
    pub async fn close(self) {
        self.history.store.close().await;
    }
}
