//! Commits of one entry each, durable one by one: by our store's thread, and by SQLite.

use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use kinmesh_proto::{DeviceKeys, Entry};

use crate::Effort;
use crate::disk::{BareStore, Disk, entry_of};
use crate::report::{Floor, Rounds, Row, Unit, per_second};
use crate::sqlite::Database;

/// Writers at once, each of which waits for its own commit.
const WRITERS: usize = 64;
/// Commits for warming up.
const WARM_UP: usize = 100;

/// SQLite in one directory, and the entries that are not written yet.
struct Sqlite {
    database: Database,
    keys: DeviceKeys,
    written: u64,
}

impl Sqlite {
    fn open(disk: &Disk) -> Result<Self> {
        let keys = DeviceKeys::generate(&[1; 32], &[2; 32], 0);
        Ok(Self { database: Database::open(&disk.dir()?)?, keys, written: 0 })
    }

    /// How long many entries take, each a transaction of its own. The writers take turns at one
    /// connection: with one for each they would wait for its lock by sleeping.
    fn write_together(&mut self, entries: usize, writers: usize) -> Result<Duration> {
        let shares: Vec<Vec<Entry>> = (0..writers)
            .map(|writer| (writer..entries).step_by(writers).map(|_| self.next_entry()).collect())
            .collect();
        let database = Mutex::new(&mut self.database);
        let write = |share: Vec<Entry>| -> Result<()> {
            for entry in share {
                database.lock().unwrap_or_else(PoisonError::into_inner).put(&[(0, entry)])?;
            }
            Ok(())
        };
        let start = Instant::now();
        thread::scope(|scope| -> Result<()> {
            let writers: Vec<_> = shares.into_iter().map(|share| scope.spawn(|| write(share))).collect();
            for writer in writers {
                writer.join().ok().context("a writer panicked")??;
            }
            Ok(())
        })?;
        Ok(start.elapsed())
    }

    fn next_entry(&mut self) -> Entry {
        self.written += 1;
        entry_of(&self.keys, self.written)
    }
}

/// Commits a second, with many writers and with one.
pub(crate) async fn durable(effort: Effort, disk: &Disk) -> Result<Vec<Row>> {
    let mut ours = BareStore::open(disk)?;
    let mut theirs = Sqlite::open(disk)?;
    ours.write_together(WARM_UP, WRITERS).await?;
    theirs.write_together(WARM_UP, WRITERS)?;
    let mut rows = Vec::new();
    for (writers, what) in [(WRITERS, "64 writers at once"), (1, "one writer")] {
        let [mut our_rate, mut their_rate] = <[Rounds; 2]>::default();
        for _ in 0..effort.rounds {
            let took = ours.write_together(effort.commits, writers).await?;
            our_rate.push(per_second(effort.commits, took));
            let took = tokio::task::block_in_place(|| theirs.write_together(effort.commits, writers))?;
            their_rate.push(per_second(effort.commits, took));
        }
        let what = format!("Durable commits of one entry, {what}");
        rows.push(
            Row::new(&what, Unit::PerSecond, our_rate).beside(Floor::new("SQLite", their_rate.median())),
        );
    }
    Ok(rows)
}
