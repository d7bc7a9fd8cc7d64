//! The directory around sled's own: the lock, the reserve, the mark of doubt, what is set aside.
//!
//! ```text
//! lock                  held while a program has the store open
//! reserve               room that lets sled open on a full disk
//! doubt                 damage was met: examine everything at the next start
//! sled/                 sled's own files
//! rebuild/              what is to take the place of sled/, while it is written
//! resealed/             the same history under another key, until somebody says that this is the one
//! discarded/            a sled/ that resealed/ took the place of, while it is deleted
//! set-aside-<date>/     a sled/ that could not be used as it was; never deleted
//! ```
//! It must never know what sled keeps.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::error::StoreError;

/// Room for what sled writes when it opens: a snapshot of where its pages are (16 bytes each; 2 MiB
/// for a million entries) and the start of a new segment.
const RESERVE_BYTES: usize = 8 << 20;

/// Opens the names of what is set aside.
const SET_ASIDE: &str = "set-aside-";

/// The store's directory, locked against other programs for as long as this lives.
#[derive(Debug)]
pub struct Directory {
    path: PathBuf,
    _lock: File,
}

impl Directory {
    /// Makes the directory if need be, and locks it.
    pub fn lock(path: &Path) -> Result<Self, StoreError> {
        make_private(path)?;
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

    /// Where sled's files are written that are to take the place of those in [`Directory::sled`].
    pub(super) fn rebuild(&self) -> PathBuf {
        self.path.join("rebuild")
    }

    /// Deletes what was left half written.
    pub(super) fn clear_rebuild(&self) -> io::Result<()> {
        ignore_missing(fs::remove_dir_all(self.rebuild()))
    }

    /// Moves sled's files out of the way under the current date, and those that were written to take
    /// their place into it. Returns where the old ones are now.
    pub(super) fn exchange(&self) -> io::Result<PathBuf> {
        let now = jiff::Timestamp::now().strftime("%Y-%m-%dT%H%M%S%.3fZ");
        let aside = self.path.join(format!("{SET_ASIDE}{now}"));
        sync_names(&self.rebuild())?;
        fs::rename(self.sled(), &aside)?;
        self.finish_exchange()?;
        Ok(aside)
    }

    /// Ends an exchange that was cut short: sled's files are only ever missing in the middle of one.
    pub(super) fn finish_exchange(&self) -> io::Result<()> {
        if !self.sled().exists() && self.rebuild().exists() {
            fs::rename(self.rebuild(), self.sled())?;
            sync_names(&self.sled())?;
        }
        Ok(())
    }

    /// Puts the history that [`crate::SledStore::reseal`] wrote in the place of the one it was made
    /// from, if that was not done yet, and deletes the older one. It takes no key.
    pub fn adopt_resealed(&self) -> Result<(), StoreError> {
        if self.resealed().exists() {
            ignore_missing(fs::remove_dir_all(self.discarded()))?;
            ignore_missing(fs::rename(self.sled(), self.discarded()))?;
            fs::rename(self.resealed(), self.sled())?;
            sync_names(&self.sled())?;
        }
        self.clear_rebuild()?;
        Ok(ignore_missing(fs::remove_dir_all(self.discarded()))?)
    }

    /// Deletes what [`crate::SledStore::reseal`] wrote.
    pub fn clear_resealed(&self) -> Result<(), StoreError> {
        Ok(ignore_missing(fs::remove_dir_all(self.resealed()))?)
    }

    /// Where a history under another key is written.
    pub(super) fn resealed(&self) -> PathBuf {
        self.path.join("resealed")
    }

    /// Older copies that were set aside.
    pub(super) fn set_aside(&self) -> io::Result<Vec<PathBuf>> {
        let paths = fs::read_dir(&self.path)?.map(|item| Ok(item?.path())).collect::<io::Result<Vec<_>>>()?;
        let is_aside = |path: &PathBuf| {
            path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with(SET_ASIDE))
        };
        Ok(paths.into_iter().filter(is_aside).collect())
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
        // Not to fill the last of the disk with every try.
        if fs2::available_space(&self.path).is_ok_and(|room| room < RESERVE_BYTES as u64) {
            self.spend_reserve()?;
            return Err(io::ErrorKind::StorageFull.into());
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

    fn has_reserve(&self) -> bool {
        fs::metadata(self.reserve()).is_ok_and(|file| file.len() == RESERVE_BYTES as u64)
    }

    fn reserve(&self) -> PathBuf {
        self.path.join("reserve")
    }

    fn discarded(&self) -> PathBuf {
        self.path.join("discarded")
    }

    fn doubt(&self) -> PathBuf {
        self.path.join("doubt")
    }
}

/// Makes the directory its owner's own, also one that others could read so far: the data directory
/// around it may be open to everybody.
fn make_private(dir: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(dir)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        if fs::metadata(dir)?.permissions().mode() & 0o077 != 0 {
            // A file system without permissions has none to take away.
            let _ = fs::set_permissions(dir, fs::Permissions::from_mode(0o700));
        }
    }
    Ok(())
}

/// Makes the names of new files in `dir` and of itself last. Systems without directory handles do so
/// by themselves.
pub(super) fn sync_names(dir: &Path) -> io::Result<()> {
    if cfg!(unix) {
        for path in dir.ancestors().take(3).filter(|path| !path.as_os_str().is_empty()) {
            File::open(path)?.sync_all()?;
        }
    }
    Ok(())
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    ignore_missing(fs::remove_file(path))
}

fn ignore_missing(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done,
    }
}
