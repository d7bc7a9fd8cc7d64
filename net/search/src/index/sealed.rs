//! A directory of sealed files: each is read and written as a whole, and opens under its name only.
//!
//! A view holds its files in memory instead of mapping them; it is closed when nobody searches.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kinmesh_seal::Seal;
use tantivy::Directory;
use tantivy::directory::error::{DeleteError, LockError, OpenReadError, OpenWriteError};
use tantivy::directory::{
    AntiCallToken, DirectoryLock, FileHandle, Lock, MmapDirectory, OwnedBytes, TerminatingWrite,
    WatchCallback, WatchHandle, WritePtr,
};

/// Seals what goes through it into `files`.
#[derive(Debug, Clone)]
pub(super) struct SealedDirectory {
    pub(super) files: MmapDirectory,
    pub(super) seal: Seal,
}

impl SealedDirectory {
    fn open(&self, path: &Path, sealed: &[u8]) -> Result<Vec<u8>, OpenReadError> {
        self.seal.open(name_of(path), sealed).ok_or_else(|| {
            let broken = io::Error::new(io::ErrorKind::InvalidData, "the seal is broken");
            OpenReadError::wrap_io_error(broken, path.to_owned())
        })
    }
}

fn name_of(path: &Path) -> &[u8] {
    path.as_os_str().as_encoded_bytes()
}

impl Directory for SealedDirectory {
    fn get_file_handle(&self, path: &Path) -> Result<Arc<dyn FileHandle>, OpenReadError> {
        let sealed = self.files.open_read(path)?.read_bytes();
        let sealed = sealed.map_err(|error| OpenReadError::wrap_io_error(error, path.to_owned()))?;
        Ok(Arc::new(OwnedBytes::new(self.open(path, &sealed)?)))
    }

    fn open_write(&self, path: &Path) -> Result<WritePtr, OpenWriteError> {
        let file = SealedFile {
            file: self.files.open_write(path)?,
            content: Vec::new(),
            name: path.to_owned(),
            seal: self.seal.clone(),
        };
        Ok(WritePtr::new(Box::new(file)))
    }

    fn atomic_read(&self, path: &Path) -> Result<Vec<u8>, OpenReadError> {
        self.open(path, &self.files.atomic_read(path)?)
    }

    fn atomic_write(&self, path: &Path, content: &[u8]) -> io::Result<()> {
        self.files.atomic_write(path, &self.seal.close(name_of(path), content))
    }

    fn delete(&self, path: &Path) -> Result<(), DeleteError> {
        self.files.delete(path)
    }

    fn exists(&self, path: &Path) -> Result<bool, OpenReadError> {
        self.files.exists(path)
    }

    fn sync_directory(&self) -> io::Result<()> {
        self.files.sync_directory()
    }

    fn acquire_lock(&self, lock: &Lock) -> Result<DirectoryLock, LockError> {
        self.files.acquire_lock(lock)
    }

    fn watch(&self, callback: WatchCallback) -> tantivy::Result<WatchHandle> {
        self.files.watch(callback)
    }
}

/// A file that is sealed once it is whole.
struct SealedFile {
    file: WritePtr,
    content: Vec<u8>,
    name: PathBuf,
    seal: Seal,
}

impl Write for SealedFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.content.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl TerminatingWrite for SealedFile {
    fn terminate_ref(&mut self, token: AntiCallToken) -> io::Result<()> {
        let content = std::mem::take(&mut self.content);
        self.file.write_all(&self.seal.close(name_of(&self.name), &content))?;
        self.file.terminate_ref(token)
    }
}
