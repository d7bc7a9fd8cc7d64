//! The store on the disk: sled, one tree, one batch for each group of changes.
//!
//! After any failed write sled cannot be trusted with what it has in memory: part of the batch may
//! show, and its flusher may have ended. So the database is opened again from what the disk holds,
//! and the next commit simply tries again. On a full disk nothing is tried until the reserve file
//! fits again; until then the history can be read and every commit says [`StoreError::Full`].

mod directory;
mod engine;
mod layout;
mod tree;

use std::path::{Path, PathBuf};

use kinmesh_proto::{ConversationId, EntryKey, Snapshot, StoredEntry, Write};

use crate::disk::directory::Directory;
use crate::disk::tree::Tree;
use crate::error::StoreError;
use crate::history::HistoryStore;

/// A [`HistoryStore`] in a directory of its own.
#[derive(Debug)]
pub struct SledStore {
    // Before the directory, so that it is closed when the lock goes.
    tree: Result<Tree, StoreError>,
    directory: Directory,
}

/// What opening a store found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OpenReport {
    /// Where unreadable data was moved. The store is empty then.
    pub set_aside: Option<PathBuf>,
}

impl SledStore {
    /// Opens the store in `dir`, or makes one. Unreadable data is moved aside and reported.
    pub fn open(dir: &Path) -> Result<(Self, OpenReport), StoreError> {
        let directory = Directory::lock(dir)?;
        let (tree, set_aside) = match open_tree(&directory).and_then(|tree| examined(tree, &directory)) {
            Err(error @ StoreError::Damaged(_)) => {
                let aside = directory.set_aside()?;
                tracing::error!(cause = ?error, aside = %aside.display(), "damaged history was set aside");
                directory.clear_doubt()?;
                (open_tree(&directory)?, Some(aside))
            }
            opened => (opened?, None),
        };
        Ok((Self { tree: Ok(tree), directory }, OpenReport { set_aside }))
    }

    fn tree(&self) -> Result<&Tree, StoreError> {
        self.tree.as_ref().map_err(Clone::clone)
    }

    fn reopen(&mut self) {
        // sled must be closed before it is opened again.
        self.tree = Err(StoreError::Closed);
        self.tree = open_tree(&self.directory);
    }

    /// Sees to it that damage is looked into at the next start.
    fn noting_damage<T>(&self, result: Result<T, StoreError>) -> Result<T, StoreError> {
        if matches!(result, Err(StoreError::Damaged(_))) {
            self.directory.mark_doubt();
        }
        result
    }
}

impl HistoryStore for SledStore {
    fn apply(&mut self, writes: &[Write]) -> Result<Vec<bool>, StoreError> {
        self.directory.keep_reserve()?;
        if self.tree.is_err() {
            self.reopen();
        }
        let result = self.tree.as_mut().map_err(|error| error.clone())?.apply(writes);
        if result.is_err() {
            self.reopen();
        }
        self.noting_damage(result)
    }

    fn load(&self) -> Result<Snapshot, StoreError> {
        self.noting_damage(self.tree()?.load())
    }

    fn page(
        &self,
        conversation: ConversationId,
        before: Option<EntryKey>,
        limit: usize,
    ) -> Result<Vec<StoredEntry>, StoreError> {
        self.noting_damage(self.tree()?.page(conversation, before, limit))
    }

    fn unread(
        &self,
        conversation: ConversationId,
        after: Option<EntryKey>,
        cap: usize,
    ) -> Result<usize, StoreError> {
        self.noting_damage(self.tree()?.unread(conversation, after, cap))
    }

    fn queued(&self, conversation: ConversationId, limit: usize) -> Result<Vec<StoredEntry>, StoreError> {
        self.noting_damage(self.tree()?.queued(conversation, limit))
    }
}

/// Opens the tree; on a full disk with the room that the reserve held.
fn open_tree(directory: &Directory) -> Result<Tree, StoreError> {
    match Tree::open(directory) {
        Err(StoreError::Full) => {
            directory.spend_reserve()?;
            Tree::open(directory)
        }
        opened => opened,
    }
}

/// Reads everything if damage was met before. Otherwise that would only make the start slow.
fn examined(tree: Tree, directory: &Directory) -> Result<Tree, StoreError> {
    if directory.is_doubtful() {
        tree.examine()?;
        directory.clear_doubt()?;
    }
    Ok(tree)
}
