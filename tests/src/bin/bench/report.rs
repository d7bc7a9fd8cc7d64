//! What was measured, as a Markdown table on the terminal and in `docs/benchmarks.md`.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::Figure;

/// The table stands between these lines of the document.
const BEGIN: &str = "<!-- figures: written by `make bench` -->";
const END: &str = "<!-- end of figures -->";

/// In what a value is given.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) enum Unit {
    /// Milliseconds.
    Ms,
    /// Messages a second.
    PerSecond,
    /// Seconds.
    Seconds,
    /// Kibibytes.
    KiB,
    /// Mebibytes.
    MiB,
    /// Percent of a whole.
    Percent,
    /// How many.
    Count,
    /// Percent of one processor core.
    PercentOfCore,
}

impl Unit {
    fn show(self, value: f64) -> String {
        match self {
            Self::Ms if value < 10.0 => format!("{value:.2} ms"),
            Self::Ms => format!("{value:.0} ms"),
            Self::PerSecond => format!("{value:.0}/s"),
            Self::Seconds => format!("{value:.2} s"),
            Self::KiB => format!("{value:.2} KiB"),
            Self::MiB => format!("{value:.1} MiB"),
            Self::Percent => format!("{value:.1} %"),
            Self::Count => format!("{value:.0}"),
            Self::PercentOfCore => format!("{value:.2} %"),
        }
    }
}

/// One value for each round.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Rounds(Vec<f64>);

impl Rounds {
    /// One round.
    pub(crate) fn of(value: f64) -> Self {
        Self(vec![value])
    }

    /// Adds a round.
    pub(crate) fn push(&mut self, value: f64) {
        self.0.push(value);
    }

    /// Adds a round: the median of its samples, in milliseconds.
    pub(crate) fn median_of(&mut self, samples: &[Duration]) {
        self.push(quantile(&mut in_ms(samples), 0.5));
    }

    /// Adds a round: what 99 of 100 samples do not exceed, in milliseconds.
    pub(crate) fn p99_of(&mut self, samples: &[Duration]) {
        self.push(quantile(&mut in_ms(samples), 0.99));
    }

    /// Adds a round: the slowest of its samples, in milliseconds.
    pub(crate) fn slowest_of(&mut self, samples: &[Duration]) {
        self.push(quantile(&mut in_ms(samples), 1.0));
    }

    /// The median of the rounds.
    pub(crate) fn median(&self) -> f64 {
        quantile(&mut self.0.clone(), 0.5)
    }

    fn range(&self) -> (f64, f64) {
        let fold = |pick: fn(f64, f64) -> f64| self.0.iter().copied().reduce(pick).unwrap_or(f64::NAN);
        (fold(f64::min), fold(f64::max))
    }
}

fn in_ms(samples: &[Duration]) -> Vec<f64> {
    samples.iter().map(|sample| sample.as_secs_f64() * 1e3).collect()
}

fn quantile(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let last = values.len().saturating_sub(1);
    let (below, above) = ((last as f64 * share).floor() as usize, (last as f64 * share).ceil() as usize);
    match (values.get(below), values.get(above)) {
        (Some(below), Some(above)) => (below + above) / 2.0,
        _ => f64::NAN,
    }
}

/// How many a second.
pub(crate) fn per_second(count: usize, took: Duration) -> f64 {
    count as f64 / took.as_secs_f64()
}

/// What the machine could do at best, measured in the same run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Floor {
    words: String,
    value: f64,
}

impl Floor {
    /// A floor and how it is made up.
    pub(crate) fn new(words: &str, value: f64) -> Self {
        Self { words: words.into(), value }
    }
}

/// What we promised.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) enum Target {
    /// No more than this.
    Below(f64),
    /// No less than this.
    AtLeast(f64),
    /// No more than this many times the floor.
    TimesFloor(f64),
}

/// One line of the table.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Row {
    what: String,
    unit: Unit,
    rounds: Rounds,
    floor: Option<Floor>,
    target: Option<Target>,
}

impl Row {
    /// Something measured.
    pub(crate) fn new(what: &str, unit: Unit, rounds: Rounds) -> Self {
        Self { what: what.into(), unit, rounds, floor: None, target: None }
    }

    /// With the floor that stands beside it.
    pub(crate) fn beside(self, floor: Floor) -> Self {
        Self { floor: Some(floor), ..self }
    }

    /// With what it should reach.
    pub(crate) fn promising(self, target: Target) -> Self {
        Self { target: Some(target), ..self }
    }

    /// With a floor and how near it should come.
    pub(crate) fn against(self, floor: Floor, target: Target) -> Self {
        self.beside(floor).promising(target)
    }

    fn ratio(&self) -> Option<f64> {
        self.floor.as_ref().map(|floor| self.rounds.median() / floor.value)
    }

    fn verdict(&self) -> Option<(String, bool)> {
        let value = self.rounds.median();
        Some(match self.target? {
            Target::Below(most) => (format!("< {}", self.unit.show(most)), value < most),
            Target::AtLeast(least) => (format!("≥ {}", self.unit.show(least)), value >= least),
            Target::TimesFloor(most) => (format!("≤ {most} × floor"), self.ratio()? <= most),
        })
    }

    fn line(&self) -> String {
        let (low, high) = self.rounds.range();
        let show = |value| self.unit.show(value);
        let floor = self.floor.as_ref().map(|floor| format!("{} ({})", show(floor.value), floor.words));
        let ratio = self.ratio().map(|ratio| format!("{ratio:.2}"));
        let (target, met) = match self.verdict() {
            Some((target, true)) => (target, "yes"),
            Some((target, false)) => (target, "**no**"),
            None => (String::new(), ""),
        };
        format!(
            "| {} | {} | {} – {} | {} | {} | {target} | {met} |",
            self.what,
            show(self.rounds.median()),
            show(low),
            show(high),
            floor.unwrap_or_default(),
            ratio.unwrap_or_default(),
        )
    }
}

/// All that was measured.
#[derive(Debug, Default)]
pub(crate) struct Report(Vec<Row>);

impl Report {
    /// Adds lines.
    pub(crate) fn add(&mut self, rows: Vec<Row>) {
        self.0.extend(rows);
    }

    /// The table, in Markdown.
    pub(crate) fn table(&self) -> String {
        let mut table = String::from(
            "| What | Median | Rounds | Floor in the same run | Ratio | Target | Met |\n\
             |---|---:|---:|---:|---:|---:|---|\n",
        );
        for row in &self.0 {
            table.push_str(&row.line());
            table.push('\n');
        }
        table
    }

    /// Puts the table into the document, with what it was measured on.
    pub(crate) fn write_document(&self) -> Result<PathBuf> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/benchmarks.md");
        let document = fs::read_to_string(&path)?;
        let (before, rest) =
            document.split_once(BEGIN).context("docs/benchmarks.md lost its first marker")?;
        let (_, after) = rest.split_once(END).context("docs/benchmarks.md lost its second marker")?;
        let figures = format!("{BEGIN}\n\n{}\n{}\n{END}", circumstances()?, self.table());
        fs::write(&path, [before, &figures, after].concat())?;
        Ok(path)
    }
}

/// What stands on the terminal while a figure is measured.
pub(crate) fn progress(figure: Figure) -> &'static str {
    match figure {
        Figure::RoomLatency => "A room of eight, one message at a time ...",
        Figure::RoomBurst => "A room of eight, a burst ...",
        Figure::ChatLatency => "One to one, one message at a time ...",
        Figure::ChatRate => "One to one, a burst ...",
        Figure::Start => "A program starts and joins the lobby ...",
        Figure::Commits => "Durable commits, ours and SQLite's ...",
        Figure::LongHistory => "A long history, ours and SQLite's; this takes minutes ...",
        Figure::Rejoin => "A member comes back to a room ...",
        Figure::BigRoom => "A simulated room of a thousand; this takes a quarter of an hour ...",
        Figure::Idle => "Programs at rest; this takes a minute ...",
    }
}

/// Machine, date, commit and command.
fn circumstances() -> Result<String> {
    let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpus.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let model = model.map_or("a processor without a name", |(_, model)| model);
    let cores = std::thread::available_parallelism()?;
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let mut text = String::new();
    writeln!(text, "- Machine: {model}, {cores} cores, Linux {}", kernel.trim())?;
    writeln!(text, "- Date: {}", jiff::Zoned::now().date())?;
    writeln!(text, "- Commit: {}", git(&["describe", "--always", "--dirty"])?)?;
    writeln!(text, "- Command: `make bench`")?;
    Ok(text)
}

fn git(args: &[&str]) -> Result<String> {
    let output = Command::new("git").args(args).current_dir(env!("CARGO_MANIFEST_DIR")).output()?;
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}
