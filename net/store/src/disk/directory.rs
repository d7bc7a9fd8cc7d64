//! The directory around sled's own: the lock, the reserve, the mark of doubt, what is set aside.
//!
//! ```text
//! lock                  held while a program has the store open
//! reserve               room that lets sled open on a full disk
//! doubt                 damage was met: examine everything at the next start
//! sled/                 sled's own files
//! set-aside-<date>/     a sled/ that was unreadable; never deleted
//! ```
//! It must never know what sled keeps.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::error::StoreError;

/// Room for what sled writes when it opens: a snapshot of where its pages are (16 bytes each; 2 MiB
/// for a million entries) and the start of a new segment.
const RESERVE_BYTES: usize = 8 << 20;

/// The store's directory, locked against other programs for as long as this lives.
#[derive(Debug)]
pub(super) struct Directory {
    path: PathBuf,
    _lock: File,
}

impl Directory {
    /// Makes the directory if need be, and locks it.
    pub(super) fn lock(path: &Path) -> Result<Self, StoreError> {
        fs::create_dir_all(path)?;
        let lock = OpenOptions::new().create(true).truncate(false).write(true).open(path.join("lock"))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path: path.to_owned(), _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(StoreError::InUse { dir: path.to_owned() }),
            Err(TryLockError::Error(error)) => Err(error.into()),
        }
    }

    /// Where sled keeps its files.
    pub(super) fn sled(&self) -> PathBuf {
        self.path.join("sled")
    }

    /// sled's log: every page is in it.
    pub(super) fn sled_log(&self) -> PathBuf {
        self.sled().join("db")
    }

    /// Whether sled has written anything here before.
    pub(super) fn has_data(&self) -> bool {
        fs::metadata(self.sled_log()).is_ok_and(|log| log.len() > 0)
    }

    /// Deletes the snapshots that sled had not finished when it was killed: it would take one for
    /// the newest and call itself corrupt (spacejam/sled#1527). Its log holds all that is in them.
    pub(super) fn delete_unfinished_snapshots(&self) -> io::Result<()> {
        let files = match fs::read_dir(self.sled()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            files => files?,
        };
        for file in files {
            let path = file?.path();
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            if name.starts_with("snap.") && name.ends_with(".generating") {
                fs::remove_file(path)?;
            }
        }
        Ok(())
    }

    /// Moves sled's files out of the way under the current date, and returns where they are now.
    pub(super) fn set_aside(&self) -> io::Result<PathBuf> {
        let now = jiff::Timestamp::now().strftime("%Y-%m-%dT%H%M%S%.3fZ");
        let aside = self.path.join(format!("set-aside-{now}"));
        fs::rename(self.sled(), &aside)?;
        self.sync()?;
        Ok(aside)
    }

    /// Notes that damage was met, so that the next start examines everything.
    pub(super) fn mark_doubt(&self) {
        // On a disk that takes no more files the next start may meet the damage again: no worse.
        let _ = File::create(self.doubt()).and_then(|file| file.sync_all());
    }

    /// Whether damage was met since the last thorough look.
    pub(super) fn is_doubtful(&self) -> bool {
        self.doubt().exists()
    }

    /// Ends the doubt.
    pub(super) fn clear_doubt(&self) -> io::Result<()> {
        remove_if_there(&self.doubt())
    }

    /// Makes sure of the reserve. Fails on a full disk: then sled must not write.
    pub(super) fn keep_reserve(&self) -> io::Result<()> {
        if self.has_reserve() {
            return Ok(());
        }
        // Real bytes, not a hole: a hole holds no room.
        let written = File::create(self.reserve())
            .and_then(|mut file| file.write_all(&vec![0; RESERVE_BYTES]).and_then(|()| file.sync_all()));
        if written.is_err() {
            self.spend_reserve()?;
        }
        written
    }

    /// Gives the reserve's room back to the disk.
    pub(super) fn spend_reserve(&self) -> io::Result<()> {
        remove_if_there(&self.reserve())
    }

    /// Makes the names of new files last. Systems without directory handles do so by themselves.
    pub(super) fn sync(&self) -> io::Result<()> {
        #[cfg(unix)]
        for path in [Some(&*self.sled()), Some(&*self.path), self.path.parent()].into_iter().flatten() {
            match File::open(path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                directory => directory?.sync_all()?,
            }
        }
        Ok(())
    }

    fn has_reserve(&self) -> bool {
        fs::metadata(self.reserve()).is_ok_and(|file| file.len() == RESERVE_BYTES as u64)
    }

    fn reserve(&self) -> PathBuf {
        self.path.join("reserve")
    }

    fn doubt(&self) -> PathBuf {
        self.path.join("doubt")
    }
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done,
    }
}
