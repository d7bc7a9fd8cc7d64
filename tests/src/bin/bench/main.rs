//! `make bench`: the figures that Kinmesh promises, each beside the floor of the machine it runs on.
//!
//! Owns the choice of figures and how much work goes into each. A figure and its floor are measured
//! in turns, round by round, so that both meet the same machine in the same mood. Each figure has a
//! process of its own: what a burst leaves in memory is more than a peer may use, and peers measured
//! after it would take no connections.

mod bare;
mod big_room;
mod chat;
mod commits;
mod crowd;
mod disk;
mod idle;
mod large;
mod nodes;
mod questions;
mod rejoin;
mod report;
mod room;
mod sqlite;
mod start;
mod tally;

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use clap::{Parser, ValueEnum};

use report::{Report, Row};

/// Measures what Kinmesh promises, beside the floors of this machine.
#[derive(Parser)]
#[command(args_conflicts_with_subcommands = true)]
struct Options {
    #[command(subcommand)]
    chore: Option<large::Chore>,
    /// Little work and one round: shows that it runs, not how fast
    #[arg(long)]
    quick: bool,
    /// Measure this figure only (repeatable)
    #[arg(long, value_enum)]
    only: Vec<Figure>,
    /// Measure in this process and print the rows as JSON
    #[arg(long, hide = true, requires = "only")]
    rows: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Figure {
    /// One message at a time in a room of eight
    RoomLatency,
    /// One-to-one messages, one at a time, until acknowledged
    ChatLatency,
    /// Commits to the disk, ours and SQLite's
    Commits,
    /// The way back into a room in which much was said meanwhile
    Rejoin,
    /// A burst of messages in the room of eight
    RoomBurst,
    /// One-to-one messages, as fast as they are acknowledged
    ChatRate,
    /// A simulated room of a thousand members, with loss and a partition
    BigRoom,
    /// A program's way into the lobby
    Start,
    /// Memory and processor time of idle programs
    Idle,
    /// A million messages in our store and in SQLite
    LongHistory,
}

/// How much work goes into the figures.
#[derive(Debug, Clone, Copy)]
struct Effort {
    /// Medians are taken over this many rounds.
    rounds: usize,
    /// Messages of one round, sent one at a time.
    samples: usize,
    /// Messages of one burst.
    burst: usize,
    /// One-to-one messages of one burst.
    chat_burst: usize,
    /// Commits of one round, each of one entry.
    commits: usize,
    /// Messages of a long history.
    long_history: usize,
    /// Messages that somebody missed.
    missed: usize,
    /// Members of the simulated room.
    big_room: u64,
    /// Time for programs to come to rest, and again for watching them.
    rest: Duration,
    /// Peers registered with one bootstrap node.
    crowd: usize,
}

impl Effort {
    const FULL: Self = Self {
        rounds: 5,
        samples: 200,
        burst: 5_000,
        chat_burst: 20_000,
        commits: 10_000,
        long_history: 1_000_000,
        missed: 10_000,
        big_room: 1_000,
        rest: Duration::from_secs(30),
        crowd: 200,
    };
    const QUICK: Self = Self {
        rounds: 1,
        samples: 50,
        burst: 1_000,
        chat_burst: 2_000,
        commits: 1_000,
        long_history: 20_000,
        missed: 1_000,
        big_room: 50,
        rest: Duration::from_secs(5),
        crowd: 20,
    };
}

#[tokio::main]
async fn main() -> Result<()> {
    let options = Options::parse();
    if let Some(chore) = options.chore {
        return chore.run().await;
    }
    if options.rows {
        return print_rows(&options).await;
    }
    let figures = match options.only.as_slice() {
        [] => Figure::value_variants(),
        chosen => chosen,
    };
    let mut report = Report::default();
    let mut failed = Vec::new();
    for figure in figures {
        say(report::progress(*figure))?;
        match measured_apart(*figure, options.quick) {
            Ok(rows) => report.add(rows),
            Err(error) => failed.push(error),
        }
    }
    say(&report.table())?;
    if !failed.is_empty() {
        failed.iter().try_for_each(|error| say(&format!("{error:#}")))?;
        bail!("{} of {} figures could not be measured", failed.len(), figures.len());
    }
    if figures.len() == Figure::value_variants().len() && !options.quick {
        let document = report.write_document()?;
        say(&format!("Written to {}", document.display()))?;
    }
    Ok(())
}

/// Has a process of its own measure a figure.
fn measured_apart(figure: Figure, is_quick: bool) -> Result<Vec<Row>> {
    let name = figure.to_possible_value().context("every figure can be named")?;
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["--rows", "--only", name.get_name()]).args(is_quick.then_some("--quick"));
    let output = command.stderr(Stdio::inherit()).output()?;
    ensure!(output.status.success(), "{}: {}", name.get_name(), output.status);
    Ok(serde_json::from_slice(&output.stdout)?)
}

async fn print_rows(options: &Options) -> Result<()> {
    let effort = if options.quick { Effort::QUICK } else { Effort::FULL };
    let disk = disk::Disk::new()?;
    let mut rows = Vec::new();
    for figure in &options.only {
        rows.append(&mut measure(*figure, effort, &disk).await?);
    }
    say(&serde_json::to_string(&rows)?)
}

async fn measure(figure: Figure, effort: Effort, disk: &disk::Disk) -> Result<Vec<Row>> {
    match figure {
        Figure::RoomLatency => room::latency(effort, disk).await,
        Figure::RoomBurst => room::burst(effort, disk).await,
        Figure::ChatLatency => chat::latency(effort, disk).await,
        Figure::ChatRate => chat::rate(effort, disk).await,
        Figure::Commits => commits::durable(effort, disk).await,
        Figure::LongHistory => tokio::task::block_in_place(|| large::long_history(effort, disk)),
        Figure::Rejoin => rejoin::rejoin(effort, disk).await,
        Figure::BigRoom => tokio::task::block_in_place(|| big_room::big_room(effort)),
        Figure::Start => start::cold_start(effort, disk).await,
        Figure::Idle => idle::idle(effort, disk).await,
    }
}

fn say(line: &str) -> Result<()> {
    Ok(writeln!(std::io::stdout().lock(), "{line}")?)
}
