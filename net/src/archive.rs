//! Archives: one file that holds everything of a peer, locked by a passphrase.
//!
//! Owns the format and what proves it whole; `docs/decisions/0011-archive.md` gives the reasons.
//! Everything in here blocks and streams: a pack of entries is in memory at a time, never a history.
//! It must never know the swarm or a face; of a face's files it knows the names it is given.

mod export;
mod import;
mod seal;
mod stream;

use std::io;
use std::path::{Path, PathBuf};

use kinmesh_proto::PersonId;
use kinmesh_store::StoreError;

use crate::identity::IdentityError;

pub(crate) use export::Exporter;
pub use import::import;
pub use stream::Counts;

pub use crate::passphrase::{EmptyPassphrase, Passphrase};

/// How many records there are in what an archive's passphrase opens, if it is whole.
#[cfg(feature = "test-util")]
pub(crate) fn read_stream(bytes: &[u8]) -> Option<usize> {
    let mut stream = stream::Reader::begin(bytes).ok()?;
    let mut records = 0;
    while let Some(record) = stream.next().ok()? {
        if let stream::Record::Entries(entries) = record {
            // Each entry of it is judged by itself, as at an import.
            let _ = entries.pack.unpack();
        }
        records += 1;
    }
    Some(records)
}

/// How far an export or import has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// Entries written or read so far.
    pub entries: u64,
    /// Entries there are, to within those that come meanwhile.
    pub of: u64,
}

/// What was exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExportReport {
    /// What the archive holds.
    pub counts: Counts,
    /// Its size in bytes.
    pub bytes: u64,
}

/// What was imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImportReport {
    /// Whose archive it is.
    pub person: PersonId,
    /// When it was made, in Unix milliseconds.
    pub made_ms: u64,
    /// What the archive holds.
    pub counts: Counts,
    /// Entries in it whose author is not proven, or that belong elsewhere: they were left out.
    pub refused_entries: u64,
    /// Files in it that no face of this version knows: they were left out.
    pub refused_files: u64,
}

/// A file is not an archive that can be read to its end.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// Another passphrase locks it.
    #[error("the passphrase is wrong")]
    WrongPassphrase,
    /// Something else.
    #[error("it is not an archive of Kinmesh")]
    NotAnArchive,
    /// A later version wrote it.
    #[error("the archive has format {found}, this version reads up to {known}: a newer Kinmesh reads it")]
    Newer {
        /// Its format.
        found: u32,
        /// The newest format known here.
        known: u32,
    },
    /// It ends before its last record.
    #[error("the archive ends too early: part of it is missing")]
    Cut,
    /// Its bytes are not those that were written.
    #[error("the archive is damaged, or part of it is missing")]
    Damaged,
    /// Another program locked it with more work than we are ready to do.
    #[error("the passphrase of this archive takes too much memory to check")]
    TooMuchWork,
    /// The file cannot be read.
    #[error("the archive cannot be read: {0}")]
    Io(#[source] io::Error),
}

impl From<io::Error> for ArchiveError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::Cut,
            // What the seal says when a byte was changed.
            io::ErrorKind::InvalidData => Self::Damaged,
            _ => Self::Io(error),
        }
    }
}

/// A peer was not exported.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The archive, or a file that goes into it, cannot be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The keys cannot be read.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// There are no keys, or they do not belong together.
    #[error("the keys in {} are missing or do not belong together", dir.display())]
    NoKeys {
        /// The data directory.
        dir: PathBuf,
    },
    /// The history cannot be read.
    #[error("the history store: {0}")]
    Store(#[from] StoreError),
    /// The program ended meanwhile.
    #[error("the export was broken off")]
    BrokenOff,
}

/// An archive was not imported. Nothing has changed then.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// Somebody lives there already.
    #[error("{} holds an identity or a history already: import into a new directory", dir.display())]
    HasPeer {
        /// The data directory.
        dir: PathBuf,
    },
    /// Something else is there.
    #[error("{} is not empty: import into a new directory", dir.display())]
    NotEmpty {
        /// The data directory.
        dir: PathBuf,
    },
    /// The archive cannot be read.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// The keys cannot be written.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The history cannot be written.
    #[error("the history store: {0}")]
    Store(#[from] StoreError),
    /// A file or directory cannot be read or made.
    #[error("{}: {source}", path.display())]
    Io {
        /// Which one.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

#[cfg(test)]
mod tests;

/// The directory that a path names its file in.
fn parent_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Makes the names of new files in a directory last. Systems without directory handles do so by
/// themselves.
fn sync_dir(dir: &Path) -> io::Result<()> {
    if cfg!(unix) {
        std::fs::File::open(dir)?.sync_all()?;
    }
    Ok(())
}
