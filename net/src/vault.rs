//! The passphrase on a data directory: who may open it, and how it is set, changed and removed.
//!
//! ```text
//! vault          the data key, wrapped by the passphrase; absent without one
//! vault.tries    wrong passphrases in a row
//! *.key.next     the key files as they are to be, until `vault` says so
//! ```
//! All that takes long is prepared beside what is there. Then one rename of `vault` makes it count,
//! and what is left is renaming and deleting, which takes no key: a start goes on with it. So a crash
//! leaves the old state or the new one. This module must never know the network or a face.

mod file;
#[cfg(test)]
mod tests;
mod tries;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use kinmesh_proto::DecodeError;
use kinmesh_seal::Seal;
use kinmesh_store::{Directory, OpenReport, SledStore, StoreError};

use crate::history::{HISTORY_DIR, SEARCH_DIR};
use crate::identity::{IdentityError, KeyDir, unix_ms};
use crate::passphrase::Passphrase;
use file::{Phase, VaultFile};
use tries::Tries;

pub use kinmesh_seal::DataKey;

/// Purposes of the keys that come from the data key.
const KEY_FILES: &str = "kinmesh 2026-11 seal: key files";
const HISTORY: &str = "kinmesh 2026-11 seal: history";
const SEARCH: &str = "kinmesh 2026-11 seal: search";

/// The bytes of a passphrase's file as we would write them, if they are one.
#[cfg(feature = "test-util")]
pub(crate) fn rewrite_file(bytes: &[u8]) -> Option<Vec<u8>> {
    VaultFile::parse(bytes, Path::new("vault")).ok().map(|file| kinmesh_proto::codec::encode(&file))
}

/// A data directory was not opened, or its passphrase not changed.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// A passphrase locks it.
    #[error("it is locked: it opens with its passphrase")]
    Locked,
    /// This is not its passphrase.
    #[error("the passphrase is wrong: the next try is possible in {} s", seconds(*wait))]
    WrongPassphrase {
        /// How long the next try waits.
        wait: Duration,
    },
    /// It is too early for another try. The passphrase was not looked at.
    #[error("too early after a wrong passphrase: try again in {} s", seconds(*wait))]
    TooEarly {
        /// How long the next try waits.
        wait: Duration,
    },
    /// There is a passphrase already.
    #[error("it has a passphrase already: change that, or remove it")]
    HasPassphrase,
    /// There is none.
    #[error("it has no passphrase")]
    NoPassphrase,
    /// A file cannot be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// Which one.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The file that holds the wrapped key is damaged. Without it nothing can be opened.
    #[error("{} is not readable: {source}", path.display())]
    Malformed {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: DecodeError,
    },
    /// A later version wrote it.
    #[error("the vault has format {found}, this version reads up to {known}: a newer Kinmesh reads it")]
    Newer {
        /// Its format.
        found: u32,
        /// The newest format known here.
        known: u32,
    },
    /// Another program wrapped the key with more work than we are ready to do.
    #[error("the passphrase takes too much memory to check")]
    TooMuchWork,
    /// A key file cannot be read or written.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The history cannot be opened or written.
    #[error("the history store: {0}")]
    Store(#[from] StoreError),
}

fn seconds(wait: Duration) -> u64 {
    wait.as_millis().div_ceil(1000).try_into().unwrap_or(u64::MAX)
}

/// Whether a data directory needs its passphrase to be opened. What a crash left half done is done
/// first: it takes no passphrase.
pub fn is_locked(data_dir: &Path) -> Result<bool, VaultError> {
    match VaultFile::read(data_dir)? {
        None => Ok(false),
        Some(VaultFile { phase: Phase::Sealed, .. }) => Ok(true),
        Some(_) => match enter(data_dir, None) {
            Err(VaultError::Locked) => Ok(true),
            entered => entered.map(|_| false),
        },
    }
}

/// How long the next try waits, after a wrong passphrase.
pub fn wait(data_dir: &Path) -> Duration {
    Tries::read(data_dir).wait(unix_ms())
}

/// The key to a locked data directory. Blocks for a quarter of a second and takes 64 MiB meanwhile.
pub fn unlock(data_dir: &Path, passphrase: &Passphrase) -> Result<DataKey, VaultError> {
    let vault = VaultFile::read(data_dir)?.ok_or(VaultError::NoPassphrase)?;
    let tries = Tries::read(data_dir);
    let wait = tries.wait(unix_ms());
    if !wait.is_zero() {
        return Err(VaultError::TooEarly { wait });
    }
    // Counted before it is looked at, so that ending the program does not make a try free. On a full
    // disk it is: nobody must be locked out by that.
    let tries = tries.one_more(unix_ms());
    let _ = tries.write(data_dir);
    let Some(key) = vault.unwrap(passphrase)? else {
        return Err(VaultError::WrongPassphrase { wait: tries.wait(unix_ms()) });
    };
    Tries::clear(data_dir)?;
    Ok(key)
}

/// Sets a passphrase on a stopped peer: its keys, history and index are sealed from now on. It takes
/// some ten seconds for a million entries, and for as long as much room again. **Without the
/// passphrase nobody can ever read them again.**
pub fn set(data_dir: &Path, passphrase: &Passphrase) -> Result<(), VaultError> {
    let opened = enter(data_dir, None).map_err(|error| match error {
        VaultError::Locked => VaultError::HasPassphrase,
        other => other,
    })?;
    let key = DataKey::random();
    let vault = VaultFile::wrap(&key, passphrase, Phase::Sealing)?;
    exchange(opened, Some(&key), &vault)
}

/// Changes the passphrase of a stopped peer. Nothing is sealed anew, so that who has both an old copy
/// of the vault and the old passphrase still has the key.
pub fn change(data_dir: &Path, old: &Passphrase, new: &Passphrase) -> Result<(), VaultError> {
    let key = unlock(data_dir, old)?;
    let _lock = enter(data_dir, Some(key.clone()))?;
    VaultFile::wrap(&key, new, Phase::Sealed)?.write(data_dir)
}

/// Removes the passphrase of a stopped peer: all is written anew without a seal.
pub fn remove(data_dir: &Path, passphrase: &Passphrase) -> Result<(), VaultError> {
    let key = unlock(data_dir, passphrase)?;
    let opened = enter(data_dir, Some(key))?;
    let vault = VaultFile::read(data_dir)?.ok_or(VaultError::NoPassphrase)?;
    exchange(opened, None, &vault.in_phase(Phase::Opening))
}

/// An unlocked data directory. No other program can open it meanwhile.
pub(crate) struct Opened {
    data_dir: PathBuf,
    history: Directory,
    key: Option<DataKey>,
}

/// Opens a data directory, with its key if it has a passphrase. What a crash left half done is done
/// first.
pub(crate) fn enter(data_dir: &Path, key: Option<DataKey>) -> Result<Opened, VaultError> {
    let history = Directory::lock(&data_dir.join(HISTORY_DIR))?;
    settle(data_dir, &history)?;
    let key = match (VaultFile::read(data_dir)?, key) {
        (Some(_), None) => return Err(VaultError::Locked),
        (Some(_), key) => key,
        (None, _) => None,
    };
    Ok(Opened { data_dir: data_dir.to_owned(), history, key })
}

impl Opened {
    /// The directory of the key files.
    pub(crate) fn key_dir(&self) -> KeyDir {
        KeyDir { path: self.data_dir.clone(), seal: seal(self.key.as_ref(), KEY_FILES) }
    }

    /// What seals the search index.
    pub(crate) fn search_seal(&self) -> Option<Seal> {
        seal(self.key.as_ref(), SEARCH)
    }

    /// Opens the history, and keeps everybody else away for as long as that is open.
    pub(crate) fn open_history(self) -> Result<(SledStore, OpenReport), StoreError> {
        SledStore::open_in(self.history, seal(self.key.as_ref(), HISTORY))
    }
}

fn seal(key: Option<&DataKey>, purpose: &str) -> Option<Seal> {
    key.map(|key| key.seal(purpose))
}

/// Writes everything under another key, or none, beside what is there; then makes it count.
fn exchange(opened: Opened, to: Option<&DataKey>, vault: &VaultFile) -> Result<(), VaultError> {
    let Opened { data_dir, history, key } = opened;
    let history = SledStore::reseal(history, seal(key.as_ref(), HISTORY), seal(to, HISTORY))?;
    let keys = KeyDir { path: data_dir.clone(), seal: seal(key.as_ref(), KEY_FILES) };
    let made = keys.prepare(seal(to, KEY_FILES).as_ref());
    let decided = made.map_err(VaultError::from).and_then(|()| vault.write(&data_dir));
    // Also when it was not decided: what was prepared must not stay, it may be plain.
    decided.and(settle(&data_dir, &history))
}

/// Ends what was begun: what was prepared takes its place if the vault says so, else it goes.
fn settle(data_dir: &Path, history: &Directory) -> Result<(), VaultError> {
    match VaultFile::read(data_dir)? {
        Some(vault @ VaultFile { phase: Phase::Sealing, .. }) => {
            adopt(data_dir, history)?;
            vault.in_phase(Phase::Sealed).write(data_dir)
        }
        Some(VaultFile { phase: Phase::Opening, .. }) => {
            adopt(data_dir, history)?;
            Tries::clear(data_dir)?;
            VaultFile::remove(data_dir)
        }
        Some(VaultFile { phase: Phase::Sealed, .. }) | None => {
            KeyDir::clear_prepared(data_dir)?;
            Ok(history.clear_resealed()?)
        }
    }
}

fn adopt(data_dir: &Path, history: &Directory) -> Result<(), VaultError> {
    KeyDir::adopt_prepared(data_dir)?;
    history.adopt_resealed()?;
    // It is made anew.
    let search = data_dir.join(SEARCH_DIR);
    match fs::remove_dir_all(&search) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(VaultError::Io { path: search, source })
        }
        _ => Ok(()),
    }
}

fn remove_file(path: &Path) -> Result<(), VaultError> {
    match fs::remove_file(path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(VaultError::Io { path: path.to_owned(), source })
        }
        _ => Ok(()),
    }
}
