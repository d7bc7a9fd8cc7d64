//! Writing an archive: keys, files of the faces, entries, then what stands beside them.
//!
//! A running peer goes on meanwhile. So the records are read after the entries: a record may know
//! of more than the archive holds, never of less, or a number could be used twice.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, BufWriter};
use std::path::Path;

use kinmesh_proto::{
    ConversationId, ConversationRecord, EntryKey, EntryPack, KeyRange, Snapshot, StoredEntry, limits,
};
use kinmesh_store::{StoreError, StoreHandle};
use serde_bytes::ByteBuf;
use tempfile::NamedTempFile;
use tokio::runtime::Handle;
use tokio::sync::watch;

use super::stream::{EntriesRecord, PeerRecord, Record, Writer};
use super::{ExportError, ExportReport, Passphrase, Progress, parent_of, seal, sync_dir};
use crate::identity::{KeyDir, KeyFiles, unix_ms};

/// Of each conversation: up to where our entries had left this device.
type Sent = BTreeMap<ConversationId, Option<EntryKey>>;

/// What is exported, and where from.
pub(crate) struct Exporter {
    pub(crate) store: StoreHandle,
    /// Drives the store's answers while this thread waits for them.
    pub(crate) runtime: Handle,
    /// The data directory.
    pub(crate) key_dir: KeyDir,
    /// Names of files in the data directory that go along as they are.
    pub(crate) face_files: &'static [&'static str],
    pub(crate) progress: watch::Sender<Progress>,
}

impl Exporter {
    /// Writes the archive beside `path` and renames it: a crash leaves what was there, or all of it.
    /// Blocks, and must not run on a thread that drives tasks.
    pub(crate) fn export(&self, path: &Path, passphrase: &Passphrase) -> Result<ExportReport, ExportError> {
        let failed = |source| ExportError::Io { path: path.to_owned(), source };
        // Readable by its owner only, and gone if anything fails.
        let mut beside = tempfile::Builder::new();
        let beside = beside.prefix(".kinmesh-export-").tempfile_in(parent_of(path)).map_err(failed)?;
        let sealed = seal::seal(BufWriter::new(beside), passphrase).map_err(failed)?;
        let mut stream = Writer::begin(sealed).map_err(failed)?;
        self.write(&mut |record| stream.put(record).map_err(failed))?;
        let (sealed, counts) = stream.end().map_err(failed)?;
        let buffered = sealed.finish().map_err(failed)?;
        let beside = buffered.into_inner().map_err(|error| failed(error.into_error()))?;
        let bytes = settle(beside, path).map_err(failed)?;
        Ok(ExportReport { counts, bytes })
    }

    /// Hands over the records of an archive, in order.
    pub(super) fn write(&self, put: &mut Put<'_>) -> Result<(), ExportError> {
        let before = self.snapshot()?;
        let sent: Sent = before.conversations.iter().map(|record| (record.id, record.sent)).collect();
        self.put_peer(&sent, put)?;
        self.put_files(put)?;
        for conversation in sent.keys() {
            self.put_entries(*conversation, put)?;
        }
        put_snapshot(self.snapshot()?, &sent, put)
    }

    fn snapshot(&self) -> Result<Snapshot, StoreError> {
        self.runtime.block_on(self.store.load())
    }

    fn put_peer(&self, conversations: &Sent, put: &mut Put<'_>) -> Result<(), ExportError> {
        let mut entries = 0;
        for conversation in conversations.keys() {
            entries += self.runtime.block_on(self.store.digest(*conversation, KeyRange::ALL))?.count;
        }
        let no_keys = || ExportError::NoKeys { dir: self.key_dir.path.clone() };
        let keys = KeyFiles::read(&self.key_dir)?.filter(|keys| keys.keys().is_some());
        self.progress.send_replace(Progress { entries: 0, of: entries });
        put(&Record::Peer(PeerRecord { keys: keys.ok_or_else(no_keys)?, made_ms: unix_ms(), entries }))
    }

    fn put_files(&self, put: &mut Put<'_>) -> Result<(), ExportError> {
        for name in self.face_files {
            let path = self.key_dir.path.join(name);
            match fs::read(&path) {
                Ok(bytes) => {
                    put(&Record::File { name: (*name).to_owned(), bytes: ByteBuf::from(bytes) })?;
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(source) => return Err(ExportError::Io { path, source }),
            }
        }
        Ok(())
    }

    /// All entries of a conversation, the newest first: those that come meanwhile stand behind us.
    fn put_entries(&self, conversation: ConversationId, put: &mut Put<'_>) -> Result<(), ExportError> {
        let mut range = KeyRange::ALL;
        loop {
            let read = self.store.entries_in(conversation, range, limits::PACK_BYTES_MAX);
            let entries = self.runtime.block_on(read)?;
            let Some(oldest) = entries.last() else { return Ok(()) };
            range.to = Some(oldest.entry.key());
            self.put_packs(conversation, &entries, put)?;
        }
    }

    fn put_packs(
        &self,
        conversation: ConversationId,
        mut entries: &[StoredEntry],
        put: &mut Put<'_>,
    ) -> Result<(), ExportError> {
        while !entries.is_empty() {
            let pack = EntryPack::of(entries.iter().map(|stored| &stored.entry));
            let (packed, rest) = entries.split_at(pack.len());
            let notes = packed.iter().map(|stored| (stored.delivery, stored.received_ms)).collect();
            put(&Record::Entries(EntriesRecord { conversation, pack, notes }))?;
            self.progress.send_modify(|progress| progress.entries += packed.len() as u64);
            entries = rest;
        }
        Ok(())
    }
}

type Put<'p> = dyn FnMut(&Record) -> Result<(), ExportError> + 'p;

fn put_snapshot(snapshot: Snapshot, sent: &Sent, put: &mut Put<'_>) -> Result<(), ExportError> {
    // By name, so that a new part of it is not forgotten here.
    let Snapshot { profile, privacy, conversations, people, members, addresses, invites, openings, secrets } =
        snapshot;
    // An entry that was queued when it was read and has left since must be looked at again.
    let looked_at_again = |record: ConversationRecord| ConversationRecord {
        sent: sent.get(&record.id).copied().flatten(),
        ..record
    };
    let records = profile
        .map(Record::Profile)
        .into_iter()
        .chain([Record::Privacy(privacy)])
        .chain(
            conversations.into_iter().map(|record| Record::Conversation(Box::new(looked_at_again(record)))),
        )
        .chain(people.into_iter().map(|person| Record::Person(Box::new(person))))
        .chain(members.into_iter().map(Record::Member))
        .chain(addresses.into_iter().map(Record::Addresses))
        .chain(invites.into_iter().map(Record::Invite))
        .chain(openings.into_iter().map(Record::Opening))
        .chain(secrets.into_iter().map(Record::Secret));
    for record in records {
        put(&record)?;
    }
    Ok(())
}

/// Makes the file last under its name. Returns its size in bytes.
fn settle(beside: NamedTempFile, path: &Path) -> io::Result<u64> {
    beside.as_file().sync_all()?;
    let file = beside.persist(path)?;
    sync_dir(parent_of(path))?;
    Ok(file.metadata()?.len())
}
