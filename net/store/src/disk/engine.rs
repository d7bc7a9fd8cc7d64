//! sled 0.34.7 behind the care it needs: panics become errors, a flush reaches the disk.
//!
//! It must never know what the keys mean.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use crate::disk::cipher::Cipher;
use crate::disk::log;
use crate::error::{Damage, StoreError};

/// Pages kept in memory. sled's own default is 1 GiB.
const CACHE_BYTES: u64 = 64 << 20;

/// sled's unit of disk space; fixed for the life of a database. A page may fill a quarter of one,
/// and a page holds at most some 20 entries of 32 KiB: with sled's 512 KiB such pages went to files
/// of their own, which sled never syncs.
pub(super) const SEGMENT_BYTES: usize = 4 << 20;

/// Bytes of keys and values after which sled should know its log anew. It reads what it wrote since it last
/// did so, some twice as much, when it opens after an abrupt end: a few tenths of a second.
const SNAPSHOT_AFTER: u64 = 64 << 20;

/// How long closing may take. sled waits for its flusher thread, for ever if that one panicked.
const CLOSE_TIME_MAX: Duration = Duration::from_secs(10);

/// Opens the names of sled's snapshots.
const SNAPSHOT: &str = "snap.";

/// What becomes of each key: its new value, or `None` to remove it.
pub(super) type Changes = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

/// Lone changes in a row. So many are given up at most where the log is damaged: see [`log`].
const LONE_MAX: usize = 31;

/// A database that is still being closed is looked at again after this long.
const LOCK_RETRY: Duration = Duration::from_millis(10);

/// A key and its value.
pub(super) type Pair = (sled::IVec, sled::IVec);

/// An open database of one tree.
#[derive(Debug)]
pub(super) struct Engine {
    db: Option<sled::Db>,
    log: File,
    cipher: Cipher,
    /// Lone changes since one was written like a group.
    lone: AtomicUsize,
    /// Bytes of keys and values written since it was opened.
    written: AtomicU64,
    /// Whether a write failed.
    has_failed: AtomicBool,
}

impl Engine {
    /// Opens sled's files in `dir`, or makes them. What they hold was written with this cipher.
    pub(super) fn open(dir: &Path, cipher: Cipher) -> Result<Self, StoreError> {
        delete_unfinished_snapshots(dir)?;
        if has_data(dir) && log::is_damaged_inside(&log_in(dir), snapshot_position(dir)?)? {
            return Err(StoreError::Damaged(Damage::Log));
        }
        let config = sled::Config::new()
            .path(dir)
            .mode(sled::Mode::LowSpace)
            .segment_size(SEGMENT_BYTES)
            .cache_capacity(CACHE_BYTES)
            .use_compression(false);
        let db = match open_once_free(&config) {
            Err(error) => {
                // It wrote where the log ends, or tried to.
                if let Ok(log) = File::open(log_in(dir)) {
                    forget_unwritten(&log);
                }
                return Err(error);
            }
            Ok(db) => db,
        };
        let log = OpenOptions::new().write(true).open(log_in(dir))?;
        let (lone, written) = (AtomicUsize::new(0), AtomicU64::new(0));
        Ok(Self { db: Some(db), log, cipher, lone, written, has_failed: AtomicBool::new(false) })
    }

    /// The value at `key`.
    pub(super) fn get(&self, key: &[u8]) -> Result<Option<sled::IVec>, StoreError> {
        let place = self.cipher.place(key);
        let value = catch(|| self.db().get(&place))?;
        value.map(|value| Ok(open(&self.cipher, (place.as_ref().into(), value))?.1)).transpose()
    }

    /// The pairs from `low` to before `high`, in the order in which they stand on the disk.
    pub(super) fn range(&self, low: &[u8], high: &[u8]) -> Pairs {
        Pairs { raw: self.raw(low, high), cipher: self.cipher.clone() }
    }

    /// Their keys alone. Only for keys that are never hidden.
    pub(super) fn keys(
        &self,
        low: &[u8],
        high: &[u8],
    ) -> impl DoubleEndedIterator<Item = Result<sled::IVec, StoreError>> + use<> {
        self.raw(low, high).map(|pair| pair.map(|(key, _)| key))
    }

    fn raw(&self, low: &[u8], high: &[u8]) -> RawPairs {
        RawPairs(self.db().range(low..high))
    }

    /// What the format's key holds with this cipher.
    pub(super) fn format(&self) -> Vec<u8> {
        self.cipher.format()
    }

    /// Whether what the format's key holds was written with this cipher.
    pub(super) fn fits(&self, format: &[u8]) -> bool {
        self.cipher.fits(format)
    }

    /// Whether so much was written since it was opened that it should be opened anew: sled takes a snapshot
    /// of where its pages are only then.
    pub(super) fn wants_snapshot(&self) -> bool {
        self.written.load(Ordering::Relaxed) > SNAPSHOT_AFTER
    }

    /// Makes all the changes or none, and returns when they survive a power cut.
    pub(super) fn write(&self, changes: Changes) -> Result<(), StoreError> {
        if changes.is_empty() {
            return Ok(());
        }
        let written = self.try_write(changes);
        if written.is_err() {
            self.has_failed.store(true, Ordering::Relaxed);
        }
        written
    }

    fn try_write(&self, changes: Changes) -> Result<(), StoreError> {
        catch(|| {
            self.apply(changes)?;
            self.db().flush()
        })?;
        // On Linux sled's flush is `sync_file_range`, which leaves the disk's cache and the file's
        // length alone. Elsewhere it is a true sync already.
        if cfg!(target_os = "linux") {
            // A log that may not be so long is synced as it is.
            let _ = self.lengthen_log();
            self.log.sync_data()?;
        }
        Ok(())
    }

    /// Makes the log as long as the segment that it ends in, of which sled makes nothing: it counts
    /// segments, not bytes. A sync of a file that grew waits for a commit of the file system's journal,
    /// and the stores of a machine would wait for one another there.
    fn lengthen_log(&self) -> io::Result<()> {
        let (length, segment) = (self.log.metadata()?.len(), SEGMENT_BYTES as u64);
        if length % segment == 0 {
            return Ok(());
        }
        self.log.set_len(length.next_multiple_of(segment))
    }

    /// sled writes a batch with a manifest of its own before it, and waits for that too: a third of
    /// the time that a lone change takes, and a lone change is whole or missing without it. But behind
    /// damage a manifest alone tells what was lost from what was never written whole, so there is one
    /// now and then.
    pub(super) fn apply(&self, changes: Changes) -> sled::Result<()> {
        let mut changes = self.closed(changes);
        self.written.fetch_add(changes.iter().map(bytes_of).sum(), Ordering::Relaxed);
        if changes.len() == 1
            && self.may_be_lone()
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

    fn may_be_lone(&self) -> bool {
        let lone = self.lone.fetch_add(1, Ordering::Relaxed);
        if lone >= LONE_MAX {
            self.lone.store(0, Ordering::Relaxed);
        }
        lone < LONE_MAX
    }

    fn closed(&self, changes: Changes) -> Changes {
        if !self.cipher.is_sealing() {
            return changes;
        }
        let closed = |(key, value): (Vec<u8>, Option<Vec<u8>>)| {
            let place = self.cipher.place(&key).into_owned();
            let value = value.map(|value| self.cipher.close(&place, &key, value));
            (place, value)
        };
        changes.into_iter().map(closed).collect()
    }

    #[allow(clippy::expect_used)] // Taken by `drop` alone.
    fn db(&self) -> &sled::Db {
        self.db.as_ref().expect("the database is there until it is dropped")
    }
}

/// Pairs in the order of their places. After an error there may be more, and none of them is to be
/// used.
pub(super) struct Pairs {
    raw: RawPairs,
    cipher: Cipher,
}

impl Iterator for Pairs {
    type Item = Result<Pair, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.raw.next().map(|pair| open(&self.cipher, pair?))
    }
}

impl DoubleEndedIterator for Pairs {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.raw.next_back().map(|pair| open(&self.cipher, pair?))
    }
}

fn bytes_of((key, value): (&Vec<u8>, &Option<Vec<u8>>)) -> u64 {
    (key.len() + value.as_ref().map_or(0, Vec::len)) as u64
}

fn open(cipher: &Cipher, pair: Pair) -> Result<Pair, StoreError> {
    cipher.open(pair).ok_or(StoreError::Damaged(Damage::Record))
}

/// Pairs as they stand on the disk.
struct RawPairs(sled::Iter);

impl Iterator for RawPairs {
    type Item = Result<Pair, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        catch(|| self.0.next().transpose()).transpose()
    }
}

impl DoubleEndedIterator for RawPairs {
    fn next_back(&mut self) -> Option<Self::Item> {
        catch(|| self.0.next_back().transpose()).transpose()
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
        if *self.has_failed.get_mut() {
            forget_unwritten(&self.log);
        }
    }
}

/// Has the log read from the disk the next time. After a failed write Linux keeps in memory what the
/// disk never got, and takes it for written: sled would find it there, write on behind it, and all of
/// that would be behind a hole once the power was cut.
fn forget_unwritten(log: &File) {
    // Only what is written, or has failed to be, can be forgotten.
    let _ = log.sync_data();
    #[cfg(target_os = "linux")]
    // A file system that keeps nothing refuses.
    let _ = rustix::fs::fadvise(log, 0, None, rustix::fs::Advice::DontNeed);
}

/// sled's log: every page is in it.
pub(super) fn log_in(dir: &Path) -> PathBuf {
    dir.join("db")
}

/// Whether sled has written anything in `dir` before.
pub(super) fn has_data(dir: &Path) -> bool {
    fs::metadata(log_in(dir)).is_ok_and(|log| log.len() > 0)
}

/// Deletes the snapshots that sled had not finished when it was killed: it would take one for the
/// newest and call itself corrupt (spacejam/sled#1527). Its log holds all that is in them.
fn delete_unfinished_snapshots(dir: &Path) -> io::Result<()> {
    let unfinished = |name: &String| name.ends_with(".generating");
    snapshots(dir)?
        .iter()
        .filter(|name| unfinished(name))
        .try_for_each(|name| fs::remove_file(dir.join(name)))
}

/// Up to where the newest snapshot knows the log: from there on sled reads it when it opens.
fn snapshot_position(dir: &Path) -> io::Result<u64> {
    let position = |name: &String| u64::from_str_radix(name.strip_prefix(SNAPSHOT)?, 16).ok();
    Ok(snapshots(dir)?.iter().filter_map(position).max().unwrap_or(0))
}

fn snapshots(dir: &Path) -> io::Result<Vec<String>> {
    let files = match fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        files => files?.collect::<io::Result<Vec<_>>>()?,
    };
    let names = files.into_iter().filter_map(|file| file.file_name().into_string().ok());
    Ok(names.filter(|name| name.starts_with(SNAPSHOT)).collect())
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
