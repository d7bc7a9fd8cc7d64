//! Why the store cannot do what it was asked.
//!
//! One error serves every commit of a failed group, so all of these can be cloned.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

/// Why the store cannot do what it was asked.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// Another program has this directory open.
    #[error("{} is in use by another program", dir.display())]
    InUse {
        /// The directory.
        dir: PathBuf,
    },
    /// A later version of the program wrote this history.
    #[error("the history has format {found}, this version reads up to {known}")]
    NewerSchema {
        /// The format found.
        found: u32,
        /// The newest format known here.
        known: u32,
    },
    /// It was sealed with another key, or with none; or it is sealed, and no key was given.
    #[error("the history does not open with this key")]
    WrongKey,
    /// Older copies of it, which are set aside, would stay as they are.
    #[error(
        "older copies of the history would stay readable to others than it is: move or delete {}",
        list(dirs)
    )]
    SetAside {
        /// Where they are.
        dirs: Vec<PathBuf>,
    },
    /// No room left. What was stored stays readable; writing works again once there is room.
    #[error("no space left for the history")]
    Full,
    /// The disk or the file system refused.
    #[error("the history cannot be read or written")]
    Io(#[source] Arc<io::Error>),
    /// Bytes on the disk are not what was written. The next start examines all of them.
    #[error("part of the history is damaged")]
    Damaged(#[source] Damage),
    /// The storage thread has ended.
    #[error("the history is closed")]
    Closed,
}

/// How damage showed itself.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Damage {
    /// The storage engine found it.
    #[error("the storage engine reports {0}")]
    Engine(#[source] sled::Error),
    /// The storage engine broke one of its own assumptions while reading or writing.
    #[error("the storage engine panicked")]
    Panicked,
    /// Part of the storage engine's log is damaged, and what was written after it is there.
    #[error("the log is damaged before its end")]
    Log,
    /// A record does not decode, or is not the one its key names.
    #[error("a record is unreadable")]
    Record,
    /// The format's number is missing although there is data.
    #[error("the format's number is missing")]
    Schema,
}

fn list(dirs: &[PathBuf]) -> String {
    dirs.iter().map(|dir| dir.display().to_string()).collect::<Vec<_>>().join(", ")
}

impl From<io::Error> for StoreError {
    fn from(error: io::Error) -> Self {
        use io::ErrorKind::{
            FileTooLarge, InvalidData, InvalidInput, QuotaExceeded, StorageFull, UnexpectedEof,
        };
        match error.kind() {
            StorageFull | QuotaExceeded | FileTooLarge => Self::Full,
            // sled follows a damaged pointer to nowhere, or past the end of its file.
            UnexpectedEof | InvalidData | InvalidInput => Self::Damaged(Damage::Engine(error.into())),
            _ => Self::Io(Arc::new(error)),
        }
    }
}

impl From<sled::Error> for StoreError {
    fn from(error: sled::Error) -> Self {
        match error {
            sled::Error::Io(error) => error.into(),
            other => Self::Damaged(Damage::Engine(other)),
        }
    }
}
