//! A long history, in our store and in SQLite: what it takes on the disk and in memory, and how soon
//! one reads and finds in it.
//!
//! Each store is filled and read by processes of their own, so that memory is counted for one alone
//! and an abrupt end is one.

mod engine;
pub(crate) mod history;
mod sqlite;
mod words;

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::{Subcommand, ValueEnum};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::Effort;
use crate::disk::Disk;
use crate::idle::resident_mib;
use crate::large::engine::{Engine, Ours};
use crate::large::words::{Dice, han, word};
use crate::report::{Floor, Rounds, Row, Target, Unit, per_second};
use crate::sqlite::Database;

/// Conversations that share the history.
const CONVERSATIONS: usize = 20;
/// Writers that share the history.
const AUTHORS: usize = 19;
/// Entries of a page, and results of a search.
const PAGE: usize = 50;
/// Entries in one commit while filling: what our store's thread takes in one group.
const GROUP: usize = 256;
/// Pages back in each conversation.
const PAGES_BACK: usize = 5;
/// Words searched for, each after each letter.
const WORDS: usize = 20;
/// Copies of the filled stores that are opened and read: each takes some seconds to make.
const ROUNDS_MAX: usize = 3;

/// Work that this program does in a process of its own.
#[derive(Subcommand)]
pub(crate) enum Chore {
    /// Fills a store, says how long that took, and ends abruptly
    Fill(Place),
    /// Reads in a store and says how long that took
    Read(Place),
}

/// On which store a chore works.
#[derive(clap::Args)]
pub(crate) struct Place {
    /// Which kind
    kind: Kind,
    /// Where
    dir: std::path::PathBuf,
    /// How many entries it has, or gets
    entries: usize,
}

/// A store to measure.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Kind {
    /// Ours: sled, and tantivy beside it
    Ours,
    /// SQLite in WAL mode, and FTS5 beside it
    Sqlite,
}

/// What filling took.
#[derive(Debug, Serialize, Deserialize)]
struct Filled {
    /// Bytes that must be kept in any case.
    live_bytes: u64,
    /// Time in writing and flushing, without signing and indexing.
    writing: Duration,
    /// Time until everything could be found.
    indexing: Duration,
}

/// What reading took.
#[derive(Debug, Serialize, Deserialize)]
struct Read {
    /// Until entries can be read.
    opening: Duration,
    /// The last page of each conversation, the first time.
    last_pages: Vec<Duration>,
    /// Pages before it.
    pages_back: Vec<Duration>,
    /// The first search, for which the index is opened.
    first_search: Duration,
    /// The first results after each letter of some words.
    searches: Vec<Duration>,
    /// The first results for two Chinese characters in a row.
    chinese: Vec<Duration>,
    /// Resident memory after all that.
    resident_mib: f64,
}

impl Chore {
    /// Does the work and says what it took, as JSON.
    pub(crate) async fn run(self) -> Result<()> {
        match self {
            Self::Fill(place) => {
                let filled = match place.kind {
                    Kind::Ours => fill::<Ours>(&place).await,
                    Kind::Sqlite => fill::<Database>(&place).await,
                };
                crate::say(&serde_json::to_string(&filled?)?)?;
                // As a power switch would: nothing is closed.
                std::process::abort();
            }
            Self::Read(place) => {
                let read = match place.kind {
                    Kind::Ours => read::<Ours>(&place).await,
                    Kind::Sqlite => read::<Database>(&place).await,
                };
                crate::say(&serde_json::to_string(&read?)?)
            }
        }
    }
}

async fn fill<E: Engine>(place: &Place) -> Result<Filled> {
    let mut engine = E::open(&place.dir).await?;
    let mut written = history::written(place.entries);
    let mut filled = Filled { live_bytes: 0, writing: Duration::ZERO, indexing: Duration::ZERO };
    loop {
        let group: Vec<_> = written.by_ref().take(GROUP).collect();
        if group.is_empty() {
            break;
        }
        filled.live_bytes += group.iter().map(|(_, entry)| history::live_bytes(entry)).sum::<u64>();
        filled.writing += timed(engine.put(&group)).await?.0;
    }
    filled.indexing = timed(engine.index(place.entries)).await?.0;
    Ok(filled)
}

async fn read<E: Engine>(place: &Place) -> Result<Read> {
    let (opening, mut engine) = timed(E::open(&place.dir)).await?;
    let (mut last_pages, mut pages_back) = (Vec::new(), Vec::new());
    for conversation in 0..CONVERSATIONS {
        let (took, mut oldest) = timed(engine.page(conversation, None)).await?;
        last_pages.push(took);
        for _ in 0..PAGES_BACK {
            let (took, next) = timed(engine.page(conversation, Some(oldest))).await?;
            pages_back.push(took);
            oldest = next;
        }
    }
    let mut dice = Dice::new(1);
    let (first_search, found) = timed(engine.search(&word(dice.rank()))).await?;
    ensure!(found > 0, "a frequent word is found");
    let mut searches = Vec::new();
    for _ in 0..WORDS {
        let word = word(dice.rank());
        for typed in 1..=word.len() {
            searches.push(timed(engine.search(&word[..typed])).await?.0);
        }
    }
    let mut chinese = Vec::new();
    for _ in 0..WORDS {
        let typed: String = [han(&mut dice), han(&mut dice)].into_iter().collect();
        chinese.push(timed(engine.search(&typed)).await?.0);
    }
    let resident_mib = resident_mib(std::process::id())?;
    Ok(Read { opening, last_pages, pages_back, first_search, searches, chinese, resident_mib })
}

/// How long `work` takes, and what came of it.
async fn timed<T>(work: impl Future<Output = Result<T>>) -> Result<(Duration, T)> {
    let start = Instant::now();
    let done = work.await?;
    Ok((start.elapsed(), done))
}

/// Figures of a long history in both stores, one after the other on the same disk.
pub(crate) fn long_history(effort: Effort, disk: &Disk) -> Result<Vec<Row>> {
    let ours = Measured::of(Kind::Ours, effort, disk)?;
    let theirs = Measured::of(Kind::Sqlite, effort, disk)?;
    Ok(rows(effort.long_history, &ours, &theirs))
}

/// One store, filled once and read as often as there are rounds.
struct Measured {
    filled: Filled,
    /// As it was left by the abrupt end.
    after_end: Vec<Read>,
    /// As it is found usually.
    usual: Vec<Read>,
    /// Without the reserve.
    history_mib: f64,
    /// Room that ours keeps free for a full disk, however long the history is.
    reserve_mib: f64,
    index_mib: f64,
}

impl Measured {
    fn of(kind: Kind, effort: Effort, disk: &Disk) -> Result<Self> {
        let filled_dir = disk.dir()?;
        let filled = chore("fill", kind, &filled_dir, effort.long_history)?;
        let mut measured = Self {
            filled,
            after_end: Vec::new(),
            usual: Vec::new(),
            history_mib: 0.0,
            reserve_mib: 0.0,
            index_mib: 0.0,
        };
        for _ in 0..effort.rounds.min(ROUNDS_MAX) {
            let dir = disk.dir()?;
            copy(&filled_dir, &dir)?;
            measured.after_end.push(chore("read", kind, &dir, effort.long_history)?);
            measured.usual.push(chore("read", kind, &dir, effort.long_history)?);
            measured.reserve_mib = match kind {
                Kind::Ours => mib_on_disk(&dir.join("history"), "reserve")?,
                Kind::Sqlite => 0.0,
            };
            measured.history_mib = mib_on_disk(&dir, "history")? - measured.reserve_mib;
            measured.index_mib = mib_on_disk(&dir, "search")?;
            fs::remove_dir_all(dir)?;
        }
        fs::remove_dir_all(filled_dir)?;
        Ok(measured)
    }

    fn opening_after_end(&self) -> Rounds {
        each(&self.after_end, |rounds, read| rounds.median_of(&[read.opening]))
    }

    fn usual_opening(&self) -> Rounds {
        each(&self.usual, |rounds, read| rounds.median_of(&[read.opening + read.last_pages[0]]))
    }

    fn last_page(&self) -> Rounds {
        each(&self.usual, |rounds, read| rounds.median_of(&read.last_pages))
    }

    fn page_back(&self) -> Rounds {
        each(&self.usual, |rounds, read| rounds.median_of(&read.pages_back))
    }

    fn slowest_page(&self) -> Rounds {
        each(&self.usual, |rounds, read| {
            rounds.slowest_of(&[&read.last_pages[..], &read.pages_back].concat())
        })
    }

    fn first_search(&self) -> Rounds {
        each(&self.usual, |rounds, read| rounds.median_of(&[read.first_search]))
    }

    fn search(&self) -> Rounds {
        each(&self.usual, |rounds, read| rounds.median_of(&read.searches))
    }

    fn slowest_search(&self) -> Rounds {
        each(&self.usual, |rounds, read| rounds.slowest_of(&read.searches))
    }

    fn chinese(&self) -> Rounds {
        each(&self.usual, |rounds, read| rounds.median_of(&read.chinese))
    }

    fn memory(&self) -> Rounds {
        each(&self.usual, |rounds, read| rounds.push(read.resident_mib))
    }
}

fn each(reads: &[Read], add: impl Fn(&mut Rounds, &Read)) -> Rounds {
    let mut rounds = Rounds::default();
    reads.iter().for_each(|read| add(&mut rounds, read));
    rounds
}

fn rows(entries: usize, ours: &Measured, theirs: &Measured) -> Vec<Row> {
    let beside = |what: &str, unit, pick: &dyn Fn(&Measured) -> Rounds| {
        let what = format!("{entries} messages: {what}");
        Row::new(&what, unit, pick(ours)).beside(Floor::new("SQLite", pick(theirs).median()))
    };
    let rate = |measured: &Measured, took: fn(&Filled) -> Duration| {
        Rounds::of(per_second(entries, took(&measured.filled)))
    };
    let live = Floor::new("places, signed bytes and signatures", mib(ours.filled.live_bytes));
    let below_ms = Target::Below;
    vec![
        beside("opening after an abrupt end", Unit::Ms, &Measured::opening_after_end)
            .promising(below_ms(1000.0)),
        beside("opening as usual, and one last page", Unit::Ms, &Measured::usual_opening),
        beside("last page of a conversation", Unit::Ms, &Measured::last_page).promising(below_ms(50.0)),
        beside("a page back", Unit::Ms, &Measured::page_back).promising(below_ms(10.0)),
        beside("the slowest of these pages", Unit::Ms, &Measured::slowest_page),
        beside("first results after a letter is typed", Unit::Ms, &Measured::search)
            .promising(below_ms(50.0)),
        beside("the slowest of these", Unit::Ms, &Measured::slowest_search),
        beside("the first search after opening", Unit::Ms, &Measured::first_search),
        Row::new(
            &format!("{entries} messages: first results for two Chinese characters"),
            Unit::Ms,
            ours.chinese(),
        )
        .promising(below_ms(50.0)),
        beside("history on the disk", Unit::MiB, &|one| Rounds::of(one.history_mib)),
        Row::new("The same, against what must be kept", Unit::MiB, Rounds::of(ours.history_mib))
            .against(live, Target::TimesFloor(2.0)),
        Row::new("Besides: the reserve for a full disk, the same for any history", Unit::MiB, {
            Rounds::of(ours.reserve_mib)
        }),
        beside("index on the disk", Unit::MiB, &|one| Rounds::of(one.index_mib)),
        beside("both on the disk", Unit::MiB, &|one| {
            Rounds::of(one.history_mib + one.reserve_mib + one.index_mib)
        }),
        beside("resident after reading and searching", Unit::MiB, &Measured::memory),
        beside("written, 256 a commit, each durable", Unit::PerSecond, &|one| {
            rate(one, |filled| filled.writing)
        }),
        beside("made findable", Unit::PerSecond, &|one| rate(one, |filled| filled.indexing)),
    ]
}

/// Runs this program for a chore. One that fills ends by an abort, so only what it said tells.
fn chore<T: DeserializeOwned>(what: &str, kind: Kind, dir: &Path, entries: usize) -> Result<T> {
    let kind = kind.to_possible_value().context("a kind has a name")?;
    let child = Command::new(std::env::current_exe()?)
        .args([what, kind.get_name()])
        .arg(dir)
        .arg(entries.to_string())
        .stderr(Stdio::inherit())
        .output()?;
    serde_json::from_slice(&child.stdout).with_context(|| format!("{what} ended with {}", child.status))
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

/// What the files and directories take whose names begin like this.
fn mib_on_disk(dir: &Path, name: &str) -> Result<f64> {
    let mut bytes = 0;
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(name) {
            bytes += bytes_on_disk(&entry.path())?;
        }
    }
    Ok(mib(bytes))
}

fn bytes_on_disk(path: &Path) -> Result<u64> {
    let about = fs::metadata(path)?;
    if !about.is_dir() {
        // stat(2): blocks are of 512 bytes, whatever the file system's are.
        return Ok(about.blocks() * 512);
    }
    fs::read_dir(path)?.map(|entry| bytes_on_disk(&entry?.path())).sum()
}

fn mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}
