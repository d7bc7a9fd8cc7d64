//! Passphrases as a person gives them to a face without a window: typed, or as the first line of a
//! file. Knows nothing of what they open.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use kinmesh_net::{EmptyPassphrase, Passphrase};

use crate::args::PassphraseOption;
use crate::i18n::tr;

/// Longest passphrase file that is read, in bytes.
const FILE_MAX: u64 = 64 * 1024;

/// No passphrase was given.
#[derive(Debug, thiserror::Error)]
pub enum TypedError {
    /// Nobody can be asked.
    #[error("the passphrase cannot be asked for: {0}")]
    Terminal(#[source] io::Error),
    /// The file cannot be read.
    #[error("the passphrase file {}: {source}", path.display())]
    File {
        /// Which one.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The file is too long to be one.
    #[error("{} is no passphrase file: it is longer than {FILE_MAX} bytes", .0.display())]
    TooLong(PathBuf),
    /// Nothing was typed.
    #[error(transparent)]
    Empty(#[from] EmptyPassphrase),
    /// Two different passphrases were typed.
    #[error("the two passphrases are not the same: nothing was done")]
    Mistyped,
}

/// A new passphrase; asked for, it is typed twice, since nobody sees what they type.
pub(crate) fn new(option: &PassphraseOption, question: &str) -> Result<Passphrase, TypedError> {
    match &option.passphrase_file {
        Some(path) => read(path),
        None => ask_twice(question),
    }
}

/// A passphrase that was chosen before.
pub(crate) fn known(file: Option<&Path>, question: &str) -> Result<Passphrase, TypedError> {
    match file {
        Some(path) => read(path),
        None => Ok(Passphrase::new(ask(question)?)?),
    }
}

/// Asks on the terminal, which shows nothing of it. Blocks.
pub(crate) fn ask_twice(question: &str) -> Result<Passphrase, TypedError> {
    let typed = ask(question)?;
    if typed != ask("archive-ask-again")? {
        return Err(TypedError::Mistyped);
    }
    Ok(Passphrase::new(typed)?)
}

fn ask(question: &str) -> Result<String, TypedError> {
    rpassword::prompt_password(format!("{} ", tr(question))).map_err(TypedError::Terminal)
}

/// The first line of a file.
fn read(path: &Path) -> Result<Passphrase, TypedError> {
    let failed = |source| TypedError::File { path: path.to_owned(), source };
    if fs::metadata(path).map_err(failed)?.len() > FILE_MAX {
        return Err(TypedError::TooLong(path.to_owned()));
    }
    let text = fs::read_to_string(path).map_err(failed)?;
    Ok(Passphrase::new(text.lines().next().unwrap_or_default().to_owned())?)
}
