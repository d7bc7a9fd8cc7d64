//! `make bench`: the figures that Kinmesh promises, each beside the floor of the machine it runs on.
//!
//! Owns the choice of figures and how much work goes into each. A figure and its floor are measured
//! in turns, round by round, so that both meet the same machine in the same mood.

mod bare;
mod chat;
mod crowd;
mod disk;
mod idle;
mod nodes;
mod report;
mod room;
mod start;
mod tally;

use std::io::Write;
use std::time::Duration;

use anyhow::Result;
use clap::{Parser, ValueEnum};

use report::{Report, Row};

/// Measures what Kinmesh promises, beside the floors of this machine.
#[derive(Parser)]
struct Options {
    /// Little work and one round: shows that it runs, not how fast
    #[arg(long)]
    quick: bool,
    /// Measure this figure only (repeatable)
    #[arg(long, value_enum)]
    only: Vec<Figure>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Figure {
    /// One message at a time in a room of eight
    RoomLatency,
    /// A burst of messages in the same room
    RoomBurst,
    /// One-to-one messages, one at a time, until acknowledged
    ChatLatency,
    /// One-to-one messages, as fast as they are acknowledged
    ChatRate,
    /// A program's way into the lobby
    Start,
    /// Memory and processor time of idle programs
    Idle,
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
        rest: Duration::from_secs(30),
        crowd: 200,
    };
    const QUICK: Self = Self {
        rounds: 1,
        samples: 50,
        burst: 1_000,
        chat_burst: 2_000,
        rest: Duration::from_secs(5),
        crowd: 20,
    };
}

#[tokio::main]
async fn main() -> Result<()> {
    let options = Options::parse();
    let effort = if options.quick { Effort::QUICK } else { Effort::FULL };
    let figures = match options.only.as_slice() {
        [] => Figure::value_variants(),
        chosen => chosen,
    };
    let disk = disk::Disk::new()?;
    let mut report = Report::default();
    for figure in figures {
        say(report::progress(*figure))?;
        report.add(measure(*figure, effort, &disk).await?);
    }
    say(&report.table())?;
    if figures.len() == Figure::value_variants().len() && !options.quick {
        let document = report.write_document()?;
        say(&format!("Written to {}", document.display()))?;
    }
    Ok(())
}

async fn measure(figure: Figure, effort: Effort, disk: &disk::Disk) -> Result<Vec<Row>> {
    match figure {
        Figure::RoomLatency => room::latency(effort, disk).await,
        Figure::RoomBurst => room::burst(effort, disk).await,
        Figure::ChatLatency => chat::latency(effort, disk).await,
        Figure::ChatRate => chat::rate(effort, disk).await,
        Figure::Start => start::cold_start(effort, disk).await,
        Figure::Idle => idle::idle(effort, disk).await,
    }
}

fn say(line: &str) -> Result<()> {
    Ok(writeln!(std::io::stdout().lock(), "{line}")?)
}
