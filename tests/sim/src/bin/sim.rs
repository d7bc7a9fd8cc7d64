//! `sim`: repeats one run and says what happened, or does many and says which failed.

use std::io::Write;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use clap::Parser;
use kinmesh_sim::{Failure, Outcome, Run, SCENARIOS, Scenario, go_all};

/// Meshes of Kinmesh peers on virtual time, from one seed
#[derive(Parser)]
struct Options {
    /// This scenario only
    #[arg(long)]
    scenario: Option<String>,
    /// Repeat this one run
    #[arg(long, conflicts_with_all = ["seeds", "minutes"])]
    seed: Option<u64>,
    /// With --seed: show the last moments before the end, this many
    #[arg(long, default_value_t = 60)]
    trace: usize,
    /// Do this many runs of each scenario
    #[arg(long, default_value_t = 100)]
    seeds: u64,
    /// The first seed
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Go on with new seeds until this time is over
    #[arg(long)]
    minutes: Option<u64>,
}

fn main() -> Result<ExitCode> {
    let options = Options::parse();
    let scenarios = chosen(options.scenario.as_deref())?;
    let failed = match options.seed {
        Some(seed) => repeat(&scenarios, seed, options.trace),
        None => search(&scenarios, &options),
    };
    Ok(if failed? == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn chosen(name: Option<&str>) -> Result<Vec<Scenario>> {
    let Some(name) = name else { return Ok(SCENARIOS.to_vec()) };
    match Scenario::named(name) {
        Some(scenario) => Ok(vec![scenario]),
        None => {
            let names: Vec<&str> = SCENARIOS.iter().map(|scenario| scenario.name).collect();
            bail!("no scenario is called {name}; there are {}", names.join(", "))
        }
    }
}

/// One run of each scenario, with its trace. Returns how many failed.
fn repeat(scenarios: &[Scenario], seed: u64, keep: usize) -> Result<usize> {
    let mut failed = 0;
    for scenario in scenarios {
        let outcome = Run { scenario: scenario.clone(), seed }.go(keep);
        if let Some(Failure::Violation { last, .. }) = &outcome.failure {
            last.iter().try_for_each(|moment| say(&moment.to_string()))?;
        }
        tell(&outcome)?;
        failed += usize::from(outcome.failure.is_some());
    }
    Ok(failed)
}

/// Many runs of each scenario; each failure with the command that repeats it. Returns how many failed.
fn search(scenarios: &[Scenario], options: &Options) -> Result<usize> {
    let began = Instant::now();
    let until = options.minutes.map(|minutes| began + Duration::from_secs(60 * minutes));
    let seeds = (options.from..).take_while(|seed| match until {
        Some(until) => Instant::now() < until,
        None => *seed < options.from + options.seeds,
    });
    let is_alone = scenarios.len() == 1;
    let is_due = |scenario: &Scenario, seed: u64| is_alone || (seed + 1).is_multiple_of(scenario.one_in);
    let runs = seeds.flat_map(|seed| {
        let due = scenarios.iter().filter(move |scenario| is_due(scenario, seed));
        due.map(move |scenario| Run { scenario: scenario.clone(), seed })
    });
    let (mut done, mut failed) = (0, 0);
    go_all(runs, |outcome| {
        done += 1;
        if outcome.failure.is_some() {
            failed += 1;
            // Nobody reads on: the count at the end still says that something failed.
            let _ = tell(&outcome);
        }
    });
    say(&format!("{done} runs in {:.0} s, {failed} failed", began.elapsed().as_secs_f64()))?;
    Ok(failed)
}

fn tell(outcome: &Outcome) -> Result<()> {
    let Outcome { scenario, seed, trace_hash, figures, failure } = outcome;
    match failure {
        None => say(&format!("{scenario} {seed}: {figures}\n  trace {trace_hash}")),
        Some(failure) => {
            say(&format!("{scenario} {seed} FAILED: {failure}\n  {}\n  trace {trace_hash}", outcome.replay()))
        }
    }
}

fn say(line: &str) -> Result<()> {
    Ok(writeln!(std::io::stdout().lock(), "{line}")?)
}
