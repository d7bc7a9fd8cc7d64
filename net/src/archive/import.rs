//! Reading an archive into a data directory: all of it, or nothing.
//!
//! The peer is built in a directory beside the wanted one, which takes its name at the very end.
//! Entries are judged like those of strangers: the archive proves who locked it, not who wrote them.

use std::fs::{self, File};
use std::io::{self, BufReader, Read, Write as _};
use std::path::{self, Path};

use kinmesh_proto::{
    CertCache, ConversationId, ConversationRecord, Entry, PersonId, StoredEntry, Unverified, Write,
};
use kinmesh_store::{HistoryStore, SledStore};
use tempfile::TempDir;
use tokio::sync::watch;

use super::stream::{EntriesRecord, PeerRecord, Reader, Record};
use super::{ArchiveError, ImportError, ImportReport, Passphrase, Progress, parent_of, seal, sync_dir};
use crate::history::HISTORY_DIR;
use crate::identity::{KeyDir, KeyFiles, private_file, unix_ms};

/// Changes handed to the store at once: enough that its flushes do not count.
const GROUP_WRITES: usize = 256;

/// Imports an archive into a data directory that is empty or does not exist yet. Blocks.
///
/// Of the faces' files in the archive those are taken whose names are in `face_files`.
pub fn import(
    archive: &Path,
    passphrase: &Passphrase,
    data_dir: &Path,
    face_files: &[&str],
    progress: &watch::Sender<Progress>,
) -> Result<ImportReport, ImportError> {
    let in_dir = |source| ImportError::Io { path: data_dir.to_owned(), source };
    let data_dir = resolved(data_dir).map_err(in_dir)?;
    check_empty(&data_dir)?;
    let file = File::open(archive).map_err(|source| ImportError::Io { path: archive.to_owned(), source })?;
    let stream = Reader::begin(seal::unseal(BufReader::new(file), passphrase)?)?;
    build(stream, &data_dir, face_files, progress)
}

/// Builds the peer of this stream beside the directory, and gives it its name.
pub(super) fn build<R: Read>(
    mut stream: Reader<R>,
    data_dir: &Path,
    face_files: &[&str],
    progress: &watch::Sender<Progress>,
) -> Result<ImportReport, ImportError> {
    let in_dir = |source| ImportError::Io { path: data_dir.to_owned(), source };
    let Some(Record::Peer(peer)) = stream.next()? else { return Err(ArchiveError::Damaged.into()) };
    let beside = beside(data_dir).map_err(in_dir)?;
    let made_ms = peer.made_ms;
    let mut importer = Importer::begin(beside.path(), peer, face_files, progress)?;
    while let Some(record) = stream.next()? {
        importer.take(record)?;
    }
    let importer = importer.finish()?;
    let report = ImportReport {
        person: importer.me,
        made_ms,
        counts: stream.counts(),
        refused_entries: importer.refused_entries,
        refused_files: importer.refused_files,
    };
    settle(beside, data_dir).map_err(in_dir)?;
    Ok(report)
}

/// The directory itself, not a link to it: it is replaced.
fn resolved(data_dir: &Path) -> io::Result<path::PathBuf> {
    match fs::canonicalize(data_dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => path::absolute(data_dir),
        resolved => resolved,
    }
}

fn check_empty(data_dir: &Path) -> Result<(), ImportError> {
    let dir = || data_dir.to_owned();
    if KeyFiles::are_in(data_dir) || data_dir.join(HISTORY_DIR).exists() {
        return Err(ImportError::HasPeer { dir: dir() });
    }
    match fs::read_dir(data_dir).map(|mut files| files.next().is_some()) {
        Ok(false) => Ok(()),
        Ok(true) => Err(ImportError::NotEmpty { dir: dir() }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(source) => Err(ImportError::Io { path: dir(), source }),
    }
}

/// A directory on the same file system, readable by its owner only, and gone if anything fails.
fn beside(data_dir: &Path) -> io::Result<TempDir> {
    let parent = parent_of(data_dir);
    fs::create_dir_all(parent)?;
    let name = data_dir.file_name().unwrap_or_default().to_string_lossy();
    let prefix = format!("{name}.importing-");
    let mut builder = tempfile::Builder::new();
    builder.prefix(&prefix);
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
    builder.tempdir_in(parent)
}

/// Gives what was built its name. A crash leaves the peer there, or nothing under that name.
fn settle(built: TempDir, data_dir: &Path) -> io::Result<()> {
    sync_dir(built.path())?;
    // Not every system lets a directory take the place of an empty one.
    match fs::remove_dir(data_dir) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => fs::rename(built.path(), data_dir)?,
    }
    // It is no longer where its guard would remove it.
    let _ = built.keep();
    sync_dir(parent_of(data_dir))
}

/// What is being built.
struct Importer<'i> {
    dir: &'i Path,
    face_files: &'i [&'i str],
    progress: &'i watch::Sender<Progress>,
    keys: KeyFiles,
    me: PersonId,
    now_ms: u64,
    store: SledStore,
    certs: CertCache,
    writes: Vec<Write>,
    refused_entries: u64,
    refused_files: u64,
}

/// What was built, once it is all on the disk.
struct Imported {
    me: PersonId,
    refused_entries: u64,
    refused_files: u64,
}

impl<'i> Importer<'i> {
    fn begin(
        dir: &'i Path,
        peer: PeerRecord,
        face_files: &'i [&'i str],
        progress: &'i watch::Sender<Progress>,
    ) -> Result<Self, ImportError> {
        let me = peer.keys.keys().ok_or(ArchiveError::Damaged)?.person();
        progress.send_replace(Progress { entries: 0, of: peer.entries });
        Ok(Self {
            dir,
            face_files,
            progress,
            keys: peer.keys,
            me,
            now_ms: unix_ms(),
            store: SledStore::open(&dir.join(HISTORY_DIR))?.0,
            certs: CertCache::default(),
            writes: Vec::new(),
            refused_entries: 0,
            refused_files: 0,
        })
    }

    fn take(&mut self, record: Record) -> Result<(), ImportError> {
        match record {
            Record::Entries(entries) => self.take_entries(entries)?,
            Record::File { name, bytes } => self.take_file(&name, &bytes)?,
            Record::Profile(profile) => self.writes.push(Write::PutProfile(profile)),
            Record::Privacy(privacy) => self.writes.push(Write::PutPrivacy(privacy)),
            Record::Conversation(record) => self.writes.push(self.with_new_numbers(*record)),
            Record::Person(record) => self.writes.push(Write::PutPerson(*record)),
            Record::Member(record) => self.writes.push(Write::PutMember(record)),
            Record::Addresses(record) => self.writes.push(Write::PutAddresses(record)),
            Record::Invite(record) => self.writes.push(Write::PutInvite(record)),
            Record::Opening(record) => self.writes.push(Write::PutOpening(record)),
            Record::Secret(record) => self.writes.push(Write::PutSecret(record)),
            // One opened the archive, and the other never comes out of its reader.
            Record::Peer(_) | Record::End(_) => return Err(ArchiveError::Damaged.into()),
        }
        if self.writes.len() >= GROUP_WRITES { self.store_writes() } else { Ok(()) }
    }

    fn take_entries(&mut self, record: EntriesRecord) -> Result<(), ImportError> {
        let EntriesRecord { conversation, pack, notes } = record;
        let entries = pack.unpack().map_err(|_| ArchiveError::Damaged)?;
        if entries.len() != notes.len() {
            return Err(ArchiveError::Damaged.into());
        }
        self.progress.send_modify(|progress| progress.entries += notes.len() as u64);
        let verified = Unverified::verify_each(entries, &mut self.certs);
        for (entry, (delivery, received_ms)) in verified.into_iter().zip(notes) {
            match entry.ok().filter(|entry| self.belongs(conversation, entry)) {
                Some(entry) => self.writes.push(Write::PutEntry {
                    conversation,
                    stored: StoredEntry { entry, delivery, received_ms },
                }),
                None => self.refused_entries += 1,
            }
        }
        Ok(())
    }

    fn belongs(&self, conversation: ConversationId, entry: &Entry) -> bool {
        let may_speak = match conversation {
            ConversationId::Room(_) | ConversationId::Control(_) => true,
            ConversationId::Direct(other) => [self.me, other].contains(&entry.person()),
        };
        may_speak && entry.value().conversation == conversation.tag(self.me)
    }

    fn take_file(&mut self, name: &str, bytes: &[u8]) -> Result<(), ImportError> {
        // A name that a face gave us leads nowhere else.
        let Some(name) = self.face_files.iter().find(|known| **known == name) else {
            self.refused_files += 1;
            return Ok(());
        };
        let path = self.dir.join(name);
        let written = private_file(&path).and_then(|mut file| {
            file.write_all(bytes)?;
            file.sync_all()
        });
        written.map_err(|source| ImportError::Io { path, source })
    }

    /// The device may have used numbers after the archive was made. No device writes an entry each
    /// millisecond, so the time is a number that it never reached.
    fn with_new_numbers(&self, record: ConversationRecord) -> Write {
        let seq_reserved = record.seq_reserved.max(self.now_ms);
        Write::PutConversation(ConversationRecord { seq_reserved, ..record })
    }

    fn store_writes(&mut self) -> Result<(), ImportError> {
        for group in self.writes.chunks(GROUP_WRITES) {
            self.store.apply(group)?;
        }
        self.writes.clear();
        Ok(())
    }

    /// Stores the rest, closes the store and writes the keys: without them it is nobody's.
    fn finish(mut self) -> Result<Imported, ImportError> {
        self.store_writes()?;
        drop(self.store);
        self.keys.write(&KeyDir::plain(self.dir))?;
        let Self { me, refused_entries, refused_files, .. } = self;
        Ok(Imported { me, refused_entries, refused_files })
    }
}
