//! Opening a locked peer without a window, and the `kinmesh passphrase` commands on a stopped one.

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};

use kinmesh_net::vault::{self, DataKey, VaultError};
use kinmesh_net::{Passphrase, history};
use tokio::task;

use crate::args::{Options, PassphraseCommand};
use crate::i18n::tr;
use crate::program::{ProgramError, data_dir_path};
use crate::settings;
use crate::typed::{self, TypedError};

/// A locked peer was not opened, or its passphrase not changed.
#[derive(Debug, thiserror::Error)]
pub enum UnlockError {
    /// There is nobody to ask for the passphrase.
    #[error("the peer in {} is locked: name a file with its passphrase, --unlock-file FILE", dir.display())]
    NobodyToAsk {
        /// The data directory.
        dir: PathBuf,
    },
    /// The passphrase cannot be read.
    #[error(transparent)]
    Passphrase(#[from] TypedError),
    /// It does not open, or cannot be changed.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// Nobody lives there.
    #[error("there is no peer in {}", dir.display())]
    NoPeer {
        /// The data directory.
        dir: PathBuf,
    },
    /// The data directory is unknown.
    #[error(transparent)]
    Program(#[from] ProgramError),
    /// Standard output failed.
    #[error("standard output: {0}")]
    Output(#[source] io::Error),
    /// The work ended badly.
    #[error("the work was broken off")]
    BrokenOff,
}

/// The key to the peer that these options describe; `None` when it is not locked.
pub async fn key(options: &Options) -> Result<Option<DataKey>, UnlockError> {
    let data_dir = data_dir_path(options)?;
    settings::speak_language_of(&data_dir);
    key_to(&data_dir, options).await
}

/// The key to a data directory; `None` when it is not locked. Asks for its passphrase on the terminal,
/// unless a file was named.
pub(crate) async fn key_to(data_dir: &Path, options: &Options) -> Result<Option<DataKey>, UnlockError> {
    if !vault::is_locked(data_dir)? {
        return Ok(None);
    }
    let (data_dir, options) = (data_dir.to_owned(), options.clone());
    blocking(move || Ok(Some(vault::unlock(&data_dir, &present(&data_dir, &options)?)?))).await
}

/// Sets, changes or removes the passphrase of a stopped peer. Must be called on a tokio runtime.
pub async fn run(command: &PassphraseCommand, options: &Options) -> Result<(), UnlockError> {
    let data_dir = data_dir_path(options)?;
    settings::speak_language_of(&data_dir);
    if !history::has_peer(&data_dir) {
        return Err(UnlockError::NoPeer { dir: data_dir });
    }
    let (command, options) = (command.clone(), options.clone());
    blocking(move || obey(&command, &data_dir, &options)).await
}

fn obey(command: &PassphraseCommand, data_dir: &Path, options: &Options) -> Result<(), UnlockError> {
    match command {
        PassphraseCommand::Set { new } => {
            if vault::is_locked(data_dir)? {
                return Err(VaultError::HasPassphrase.into());
            }
            // Before anybody types what cannot be had back.
            print("vault-forgotten")?;
            vault::set(data_dir, &typed::new(new, "vault-ask-new")?)?;
            print("vault-is-set")
        }
        PassphraseCommand::Change { new } => {
            let old = present(data_dir, options)?;
            print("vault-forgotten")?;
            vault::change(data_dir, &old, &typed::new(new, "vault-ask-new")?)?;
            print("vault-is-changed")
        }
        PassphraseCommand::Remove => {
            vault::remove(data_dir, &present(data_dir, options)?)?;
            print("vault-is-removed")
        }
    }
}

/// The passphrase that opens it now.
fn present(data_dir: &Path, options: &Options) -> Result<Passphrase, UnlockError> {
    if options.unlock_file.is_none() && !io::stderr().is_terminal() {
        return Err(UnlockError::NobodyToAsk { dir: data_dir.to_owned() });
    }
    Ok(typed::known(options.unlock_file.as_deref(), "vault-ask")?)
}

fn print(id: &str) -> Result<(), UnlockError> {
    writeln!(io::stdout(), "{}", tr(id)).map_err(UnlockError::Output)
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, UnlockError> + Send + 'static,
) -> Result<T, UnlockError> {
    task::spawn_blocking(work).await.map_err(|_| UnlockError::BrokenOff)?
}
