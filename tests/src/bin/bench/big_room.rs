//! A room of a thousand members on virtual time: what comes live, and how soon all have all.

use std::time::Instant;

use anyhow::{Context, Result};
use kinmesh_sim::{Run, Scenario};

use crate::Effort;
use crate::report::{Rounds, Row, Unit};

/// Seeds of the rounds: any will do, and each run can be repeated.
const SEEDS: std::ops::Range<u64> = 1..4;

/// Simulates the room with 30 % of everything lost and a partition.
pub(crate) fn big_room(effort: Effort) -> Result<Vec<Row>> {
    let [mut live, mut healed, mut took] = <[Rounds; 3]>::default();
    for seed in SEEDS.take(effort.rounds) {
        let run = Run { scenario: Scenario::big_room(effort.big_room), seed };
        let start = Instant::now();
        let figures = run.figures().with_context(|| format!("the room of seed {seed}"))?;
        took.push(start.elapsed().as_secs_f64());
        live.push(figures.live_percent());
        healed.push(figures.converged_ms as f64 / 1e3);
    }
    let room = format!("Simulated room of {}, 30 % lost and a partition", effort.big_room);
    Ok(vec![
        Row::new(&format!("{room}: delivered live, within 5 s"), Unit::Percent, live),
        Row::new("The same: from the healing until all have all, virtual time", Unit::Seconds, healed),
        Row::new("The same: what simulating it takes of one core", Unit::Seconds, took),
    ])
}
