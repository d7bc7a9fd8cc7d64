//! The store on the disk: sled, one tree, one batch for each group of changes.
//!
//! After any failed write sled cannot be trusted with what it has in memory: part of the batch may
//! show, and its flusher may have ended. So the database is opened again from what the disk holds,
//! and the next commit simply tries again. On a full disk nothing is tried until the reserve file
//! fits again; until then the history can be read and every commit says [`StoreError::Full`].
//!
//! What cannot be used as it was found, because it is damaged or of an older format, is set aside,
//! and a store is written anew from what can be read of it.

mod cipher;
mod directory;
mod engine;
mod format_1;
mod layout;
mod log;
mod rebuild;
mod tree;

use std::path::{Path, PathBuf};

use kinmesh_proto::{
    ConversationId, Digest, Entry, EntryKey, KeyRange, PageAt, PageItem, Snapshot, StoredEntry, TakenBack,
    Wait, Write,
};

use kinmesh_seal::Seal;
use serde::Serialize;

use crate::disk::cipher::Cipher;
pub use crate::disk::directory::Directory;
use crate::disk::rebuild::Source;
use crate::disk::tree::{History, Opened, Tree};
use crate::error::{Damage, StoreError};
use crate::history::{HistoryStore, ShowsChanges};

/// A [`HistoryStore`] in a directory of its own.
#[derive(Debug)]
pub struct SledStore {
    // Before the directory, so that it is closed when the lock goes.
    tree: Result<Tree, StoreError>,
    directory: Directory,
    cipher: Cipher,
    /// Whether the last commit failed.
    failed: bool,
}

/// What opening a store found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OpenReport {
    /// What was found could not be used as it was.
    pub rebuilt: Option<Rebuilt>,
}

/// A store that was written anew from an older one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rebuilt {
    /// Why.
    pub cause: RebuildCause,
    /// Where the older one is now, as it was found. Nothing deletes it.
    pub set_aside: PathBuf,
    /// Entries that were carried over.
    pub entries_kept: u64,
    /// Entries that are known not to be. There may be more: nobody counts what cannot be read.
    pub entries_lost: u64,
    /// A file for people with the entries that are whole, but cannot be carried over.
    pub readable: Option<PathBuf>,
}

/// Why a store was written anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RebuildCause {
    /// Part of it could not be read.
    Damage,
    /// It had this older format.
    Format(u32),
}

impl SledStore {
    /// Opens the store in `dir`, or makes one. One that is damaged or of an older format is set
    /// aside and written anew, which takes as much room again and about a minute for a million
    /// entries.
    pub fn open(dir: &Path) -> Result<(Self, OpenReport), StoreError> {
        Self::open_in(Directory::lock(dir)?, None)
    }

    /// The same in a directory that is locked already, with the seal on it if there is one.
    pub fn open_in(directory: Directory, seal: Option<Seal>) -> Result<(Self, OpenReport), StoreError> {
        let cipher = Cipher(seal);
        directory.finish_exchange()?;
        let opened = open_tree(&directory, &cipher).and_then(|opened| examined(opened, &directory));
        let (tree, rebuilt) = match opened {
            Ok(Opened::Current(tree)) => (tree, None),
            Ok(Opened::Older(format, engine)) => {
                rebuild(&directory, &cipher, RebuildCause::Format(format), Source::Engine(engine))?
            }
            Err(error @ StoreError::Damaged(_)) => {
                tracing::error!(cause = ?error, "the history is damaged");
                let log = Source::Log(engine::log_in(&directory.sled()), cipher.clone());
                rebuild(&directory, &cipher, RebuildCause::Damage, log)?
            }
            Err(error) => return Err(error),
        };
        Ok((Self { tree: Ok(tree), directory, cipher, failed: false }, OpenReport { rebuilt }))
    }

    /// Writes the history once more with another seal, or without one, beside itself. It is taken for
    /// the history with [`Directory::adopt_resealed`] only; nothing has changed before, nor when this
    /// fails. It takes as much room again and some ten seconds for a million entries.
    pub fn reseal(
        directory: Directory,
        from: Option<Seal>,
        to: Option<Seal>,
    ) -> Result<Directory, StoreError> {
        directory.clear_resealed()?;
        let (store, _) = Self::open_in(directory, from)?;
        let dirs = store.directory.set_aside()?;
        if !dirs.is_empty() {
            return Err(StoreError::SetAside { dirs });
        }
        let copied = store.tree()?.copy(&store.directory.resealed(), Cipher(to));
        let store = store.closed();
        if copied.is_err() {
            store.clear_resealed()?;
        }
        copied.map(|()| store)
    }

    /// Closes the store and keeps its directory.
    fn closed(self) -> Directory {
        let Self { tree, directory, .. } = self;
        drop(tree);
        directory
    }

    fn tree(&self) -> Result<&Tree, StoreError> {
        self.tree.as_ref().map_err(Clone::clone)
    }

    fn try_apply(&mut self, writes: &[Write]) -> Result<Vec<bool>, StoreError> {
        self.directory.keep_reserve()?;
        if self.tree.is_err() {
            self.reopen();
        }
        let tree = self.tree.as_mut().map_err(|error| error.clone())?;
        // What changes nothing is not written, and would say nothing about the disk.
        if self.failed {
            tree.probe()?;
        }
        tree.apply(writes)
    }

    fn reopen(&mut self) {
        // sled must be closed before it is opened again.
        self.tree = Err(StoreError::Closed);
        self.tree = open_tree(&self.directory, &self.cipher).and_then(current);
    }

    /// Reads one conversation; nothing was ever heard of one that has no history.
    fn read<T: Default>(
        &self,
        conversation: ConversationId,
        read: impl FnOnce(History<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let history = self.tree()?.history(conversation);
        self.noting_damage(history.map_or_else(|| Ok(T::default()), read))
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
        let result = self.try_apply(writes);
        self.failed = result.is_err();
        if self.failed || self.tree.as_ref().is_ok_and(Tree::wants_snapshot) {
            self.reopen();
        }
        self.noting_damage(result)
    }

    fn load(&self) -> Result<Snapshot, StoreError> {
        self.noting_damage(self.tree()?.load())
    }

    fn page_through(
        &self,
        conversation: ConversationId,
        at: PageAt,
        limit: usize,
        shows: &ShowsChanges<'_>,
    ) -> Result<Vec<PageItem>, StoreError> {
        self.read(conversation, |history| history.page(at, limit, shows))
    }

    fn post_through(
        &self,
        conversation: ConversationId,
        key: EntryKey,
        shows: &ShowsChanges<'_>,
    ) -> Result<Option<PageItem>, StoreError> {
        self.read(conversation, |history| history.post(key, shows))
    }

    fn newest(&self, conversation: ConversationId) -> Result<Option<StoredEntry>, StoreError> {
        self.read(conversation, |history| history.newest())
    }

    fn unread(
        &self,
        conversation: ConversationId,
        after: Option<EntryKey>,
        cap: usize,
    ) -> Result<usize, StoreError> {
        self.read(conversation, |history| history.unread(after, cap))
    }

    fn queued(
        &self,
        conversation: ConversationId,
        after: Option<EntryKey>,
        limit: usize,
    ) -> Result<Vec<StoredEntry>, StoreError> {
        self.read(conversation, |history| history.queued(after, limit))
    }

    fn count_queued(
        &self,
        conversation: ConversationId,
        after: Option<EntryKey>,
    ) -> Result<usize, StoreError> {
        self.read(conversation, |history| history.count_queued(after))
    }

    fn digest(&self, conversation: ConversationId, range: KeyRange) -> Result<Digest, StoreError> {
        self.read(conversation, |history| history.digest(range))
    }

    fn days(&self, conversation: ConversationId) -> Result<Vec<(u32, Digest)>, StoreError> {
        self.read(conversation, |history| history.days())
    }

    fn keys(
        &self,
        conversation: ConversationId,
        range: KeyRange,
        limit: usize,
    ) -> Result<Vec<EntryKey>, StoreError> {
        self.read(conversation, |history| history.keys(range, limit))
    }

    fn entries(
        &self,
        conversation: ConversationId,
        keys: &[EntryKey],
        bytes_max: usize,
    ) -> Result<Vec<StoredEntry>, StoreError> {
        self.read(conversation, |history| history.entries(keys, bytes_max))
    }

    fn entries_in(
        &self,
        conversation: ConversationId,
        range: KeyRange,
        bytes_max: usize,
    ) -> Result<Vec<StoredEntry>, StoreError> {
        self.read(conversation, |history| history.entries_in(range, bytes_max))
    }

    fn posts_before(
        &self,
        conversation: ConversationId,
        waits: &[Wait],
    ) -> Result<Vec<Option<EntryKey>>, StoreError> {
        let before = self.read(conversation, |history| history.posts_before(waits))?;
        Ok(if before.is_empty() { vec![None; waits.len()] } else { before })
    }

    fn taken_back(&self, conversation: ConversationId, entry: &Entry) -> Result<TakenBack, StoreError> {
        self.read(conversation, |history| history.taken_back(entry))
    }
}

/// Opens the tree; on a full disk with the room that the reserve held.
fn open_tree(directory: &Directory, cipher: &Cipher) -> Result<Opened, StoreError> {
    match Tree::open(&directory.sled(), cipher.clone()) {
        Err(StoreError::Full) => {
            directory.spend_reserve()?;
            Tree::open(&directory.sled(), cipher.clone())
        }
        opened => opened,
    }
}

/// Takes a tree that can only be of the current format.
fn current(opened: Opened) -> Result<Tree, StoreError> {
    match opened {
        Opened::Current(tree) => Ok(tree),
        Opened::Older(..) => Err(StoreError::Damaged(Damage::Schema)),
    }
}

/// Reads everything if damage was met before. Otherwise that would only make the start slow.
fn examined(opened: Opened, directory: &Directory) -> Result<Opened, StoreError> {
    if let Opened::Current(tree) = &opened
        && directory.is_doubtful()
    {
        tree.examine()?;
        directory.clear_doubt()?;
    }
    Ok(opened)
}

/// Writes a store from what `source` holds, and puts it in the place of the one that is there. That
/// one stays whole until then, so a start that was killed begins again.
fn rebuild(
    directory: &Directory,
    cipher: &Cipher,
    cause: RebuildCause,
    source: Source,
) -> Result<(Tree, Option<Rebuilt>), StoreError> {
    directory.clear_rebuild()?;
    let mut tree = current(Tree::open(&directory.rebuild(), cipher.clone())?)?;
    let copied = rebuild::copy(&source, &directory.sled(), &mut tree)?;
    drop(tree);
    drop(source);
    let set_aside = directory.exchange()?;
    let rebuilt = Rebuilt {
        cause,
        readable: copied.readable.map(|name| set_aside.join(name)),
        set_aside,
        entries_kept: copied.kept,
        entries_lost: copied.lost,
    };
    tracing::warn!(?rebuilt, "the history was written anew");
    directory.clear_doubt()?;
    Ok((open_tree(directory, cipher).and_then(current)?, Some(rebuilt)))
}
