//! sled 0.34.7 behind the care it needs: panics become errors, a flush reaches the disk.
//!
//! It must never know what the keys mean.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io;
use std::panic::{self, AssertUnwindSafe};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use crate::disk::directory::Directory;
use crate::error::{Damage, StoreError};

/// Pages kept in memory. sled's own default is 1 GiB.
const CACHE_BYTES: u64 = 64 << 20;

/// sled's unit of disk space; fixed for the life of a database. A page may fill a quarter of one,
/// and a page holds at most some 20 entries of 32 KiB: with sled's 512 KiB such pages went to files
/// of their own, which sled never syncs.
const SEGMENT_BYTES: usize = 4 << 20;

/// How long closing may take. sled waits for its flusher thread, for ever if that one panicked.
const CLOSE_TIME_MAX: Duration = Duration::from_secs(10);

/// What becomes of each key: its new value, or `None` to remove it.
pub(super) type Changes = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

/// A database that is still being closed is looked at again after this long.
const LOCK_RETRY: Duration = Duration::from_millis(10);

/// An open database of one tree.
#[derive(Debug)]
pub(super) struct Engine {
    db: Option<sled::Db>,
    log: File,
}

impl Engine {
    /// Opens sled's files in `directory`, or makes them.
    pub(super) fn open(directory: &Directory) -> Result<Self, StoreError> {
        directory.delete_unfinished_snapshots()?;
        let config = sled::Config::new()
            .path(directory.sled())
            .mode(sled::Mode::LowSpace)
            .segment_size(SEGMENT_BYTES)
            .cache_capacity(CACHE_BYTES)
            .use_compression(false);
        let db = open_once_free(&config)?;
        let log = OpenOptions::new().write(true).open(directory.sled_log())?;
        Ok(Self { db: Some(db), log })
    }

    /// The value at `key`.
    pub(super) fn get(&self, key: &[u8]) -> Result<Option<sled::IVec>, StoreError> {
        catch(|| self.db().get(key))
    }

    /// Feeds the pairs from `low` to before `high` to `visit`, from the last if `newest_first`,
    /// until there are no more or `visit` says `false`.
    pub(super) fn scan(
        &self,
        (low, high): (&[u8], &[u8]),
        newest_first: bool,
        mut visit: impl FnMut(&[u8], &[u8]) -> Result<bool, StoreError>,
    ) -> Result<(), StoreError> {
        let mut pairs = self.db().range(low..high);
        loop {
            let next = catch(|| if newest_first { pairs.next_back() } else { pairs.next() }.transpose())?;
            match next {
                Some((key, value)) if visit(&key, &value)? => {}
                _ => return Ok(()),
            }
        }
    }

    /// Makes all the changes or none, and returns when they survive a power cut.
    pub(super) fn write(&self, changes: Changes) -> Result<(), StoreError> {
        if changes.is_empty() {
            return Ok(());
        }
        catch(|| {
            self.apply(changes)?;
            self.db().flush()
        })?;
        // On Linux sled's flush is `sync_file_range`, which leaves the disk's cache and the file's
        // length alone. Elsewhere it is a true sync already.
        if cfg!(target_os = "linux") {
            self.log.sync_data()?;
        }
        Ok(())
    }

    /// sled writes a batch with a manifest of its own before it, and waits for that too: a third of
    /// the time that a lone change takes, and a lone change is whole or missing without it.
    fn apply(&self, mut changes: Changes) -> sled::Result<()> {
        if changes.len() == 1
            && let Some((key, value)) = changes.pop_first()
        {
            return match value {
                Some(value) => self.db().insert(key, value).map(drop),
                None => self.db().remove(key).map(drop),
            };
        }
        let mut batch = sled::Batch::default();
        for (key, value) in changes {
            match value {
                Some(value) => batch.insert(key, value),
                None => batch.remove(key),
            }
        }
        self.db().apply_batch(batch)
    }

    #[allow(clippy::expect_used)] // Taken by `drop` alone.
    fn db(&self) -> &sled::Db {
        self.db.as_ref().expect("the database is there until it is dropped")
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let Some(db) = self.db.take() else { return };
        let (closed, waiter) = mpsc::channel();
        thread::spawn(move || {
            // A panic is reported by its hook; there is nothing to save any more.
            let _ = panic::catch_unwind(AssertUnwindSafe(|| drop(db)));
            // Whoever stopped waiting needs no word.
            let _ = closed.send(());
        });
        if waiter.recv_timeout(CLOSE_TIME_MAX).is_err() {
            tracing::error!("the storage engine does not end");
        }
    }
}

/// Opens the database. A lock on it can only be our own of a moment ago, since the directory's is
/// ours: sled's threads may hold a database for a little while after it was dropped.
fn open_once_free(config: &sled::Config) -> Result<sled::Db, StoreError> {
    let give_up = Instant::now() + CLOSE_TIME_MAX;
    loop {
        match catch(|| config.open()) {
            Err(StoreError::Io(error)) if is_locked(&error) && Instant::now() < give_up => {
                thread::sleep(LOCK_RETRY);
            }
            opened => return opened,
        }
    }
}

/// sled 0.34.7 gives this fault no kind of its own.
fn is_locked(error: &io::Error) -> bool {
    error.to_string().starts_with("could not acquire lock")
}

/// sled panics on some damage. What it leaves behind is not used again: see `SledStore::reopen`.
fn catch<T>(work: impl FnOnce() -> sled::Result<T>) -> Result<T, StoreError> {
    match panic::catch_unwind(AssertUnwindSafe(work)) {
        Ok(result) => Ok(result?),
        Err(_) => Err(StoreError::Damaged(Damage::Panicked)),
    }
}
