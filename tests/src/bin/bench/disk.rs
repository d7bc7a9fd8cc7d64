//! A real disk to measure on, and what the bare store costs on it.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use kinmesh_proto::{
    Content, ConversationId, Delivery, DeviceKeys, Entry, EntryBody, EntryId, EntryKey, Hlc, RoomId,
    StoredEntry, Unverified, Write,
};
use kinmesh_store::{Completion, SledStore, StoreHandle};
use tempfile::TempDir;
use tokio::sync::mpsc;

use crate::tally::text_of;

/// Completions of the store: as many commits as the bench has in flight.
const COMPLETIONS_CAP: usize = 1024;

/// Where bare stores write.
const CONVERSATION: ConversationId = ConversationId::Room(RoomId([7; 32]));

/// A directory on the disk that also holds the build. It is removed in the end.
pub(crate) struct Disk(TempDir);

impl Disk {
    /// Makes the directory; an error when it would lie in memory.
    pub(crate) fn new() -> Result<Self> {
        let program = std::env::current_exe()?;
        let beside = program.parent().context("a program lies in a directory")?;
        ensure!(!is_in_memory(beside), "{} lies in memory: flushes would cost nothing", beside.display());
        Ok(Self(tempfile::Builder::new().prefix("bench-").tempdir_in(beside)?))
    }

    /// A new directory.
    pub(crate) fn dir(&self) -> Result<PathBuf> {
        Ok(tempfile::tempdir_in(self.0.path())?.keep())
    }
}

/// Whether Linux says so. Other systems have no such file systems in the places of builds.
fn is_in_memory(path: &Path) -> bool {
    let mounts = fs::read_to_string("/proc/mounts").unwrap_or_default();
    let places = mounts.lines().filter_map(|line| {
        let mut words = line.split_whitespace().skip(1);
        Some((words.next()?, words.next()?))
    });
    let innermost = places.filter(|(place, _)| path.starts_with(place)).max_by_key(|(place, _)| place.len());
    innermost.is_some_and(|(_, kind)| kind == "tmpfs" || kind == "ramfs")
}

/// A store and nothing around it.
pub(crate) struct BareStore {
    handle: StoreHandle,
    completions: mpsc::Receiver<Completion>,
    keys: DeviceKeys,
    written: u64,
}

impl BareStore {
    /// Opens one.
    pub(crate) fn open(disk: &Disk) -> Result<Self> {
        let (store, _) = SledStore::open(&disk.dir()?.join("history"))?;
        let (completed, completions) = mpsc::channel(COMPLETIONS_CAP);
        let handle = StoreHandle::spawn(Box::new(store), completed);
        let keys = DeviceKeys::generate(&[1; 32], &[2; 32], 0);
        Ok(Self { handle, completions, keys, written: 0 })
    }

    /// How long one entry takes to the disk, there and back.
    pub(crate) async fn flush(&mut self) -> Result<Duration> {
        let writes = vec![self.next_write()];
        let start = Instant::now();
        self.handle.commit(0, writes)?;
        self.completed().await?;
        Ok(start.elapsed())
    }

    /// How long many entries take, each a commit of its own, handed over as fast as they are taken.
    pub(crate) async fn burst(&mut self, entries: usize) -> Result<Duration> {
        self.write_together(entries, COMPLETIONS_CAP).await
    }

    /// The same, while so many writers wait for their own commit before they make the next.
    pub(crate) async fn write_together(&mut self, entries: usize, writers: usize) -> Result<Duration> {
        let writes: Vec<Write> = (0..entries).map(|_| self.next_write()).collect();
        let start = Instant::now();
        let mut in_flight = 0;
        for write in writes {
            if in_flight == writers {
                self.completed().await?;
                in_flight -= 1;
            }
            self.handle.commit(0, vec![write])?;
            in_flight += 1;
        }
        for _ in 0..in_flight {
            self.completed().await?;
        }
        Ok(start.elapsed())
    }

    async fn completed(&mut self) -> Result<()> {
        self.completions.recv().await.context("the store has ended")?.result?;
        Ok(())
    }

    fn next_write(&mut self) -> Write {
        self.written += 1;
        let entry = entry_of(&self.keys, self.written);
        let stored = StoredEntry { entry, delivery: Delivery::Received, received_ms: self.written };
        Write::PutEntry { conversation: CONVERSATION, stored }
    }
}

/// An entry of [`TEXT_BYTES`](crate::tally::TEXT_BYTES) bytes of text.
pub(crate) fn entry_of(keys: &DeviceKeys, number: u64) -> Entry {
    let body = EntryBody {
        conversation: CONVERSATION.tag(keys.person()),
        clock: Hlc(number),
        seq: number,
        prev: vec![EntryKey { clock: Hlc(1), id: EntryId([3; 32]) }],
        content: Content::text(text_of(0)),
    };
    Unverified::sign(body, keys)
}

/// How long the slowest of several stores takes for one entry, when all begin at once.
pub(crate) async fn flush_at_once(stores: &mut [BareStore]) -> Result<Duration> {
    let start = Instant::now();
    futures::future::try_join_all(stores.iter_mut().map(BareStore::flush)).await?;
    Ok(start.elapsed())
}
