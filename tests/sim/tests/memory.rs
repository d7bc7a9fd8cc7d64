//! A core keeps what it needs to decide, not the history: it does not grow with what was written.
//!
//! `KINMESH_FAULT_SEED` makes other runs than those of every day.

#![allow(clippy::unwrap_used, clippy::expect_used)] // A test's panic is its report.

use std::env;

use allocation_counter::measure;
use kinmesh_core::Core;
use kinmesh_sim::{Run, Scenario};

/// Bytes of heap that one core may hold, whatever was written. Full are by then: 16,384 ids of recent
/// entries, 1.5 MB; the fronts of five outboxes, 512 entries each, 0.9 MB; 2,048 gaps, 0.4 MB; and the
/// queue of outputs is as long as the largest pack made it, 0.6 MB.
const CORE_BYTES_MAX: i64 = 4 << 20;

/// Entries of a history of which nothing but the ids, 32 bytes each, would be over that.
const HISTORY: usize = 60_000;

/// Bytes of heap that a core holds, found by letting go of it.
fn size(core: Core) -> i64 {
    -measure(|| drop(core)).bytes_current
}

/// The first seed of each measure: 0, unless the environment names another.
fn first_seed() -> u64 {
    env::var("KINMESH_FAULT_SEED").map_or(0, |seed| seed.parse().unwrap())
}

/// The runs of a preset.
fn runs(name: &str, seeds: u64) -> impl Iterator<Item = Run> {
    let scenario = Scenario::named(name).expect("it is a preset");
    (first_seed()..).take(seeds as usize).map(move |seed| Run { scenario: scenario.clone(), seed })
}

/// Checks how large the cores are at the end of a run. The result is how many entries each has.
fn assert_small(run: &Run) -> Vec<usize> {
    let Run { scenario, seed } = run;
    let again = format!(
        "{} {seed}\n  {}\n  KINMESH_FAULT_SEED={seed} cargo test -p kinmesh-sim --test memory",
        scenario.name,
        run.replay()
    );
    let cores = run.cores().unwrap_or_else(|failure| panic!("{failure}: {again}"));
    let (cores, entries): (Vec<Core>, Vec<usize>) = cores.into_iter().unzip();
    let sizes: Vec<i64> = cores.into_iter().map(size).collect();
    assert!(
        sizes.iter().all(|bytes| *bytes < CORE_BYTES_MAX),
        "{sizes:?} bytes for {entries:?} entries: {again}"
    );
    entries
}

#[test]
fn a_core_does_not_grow_with_the_history() {
    for run in runs("long", 1) {
        let entries = assert_small(&run);
        assert!(entries.iter().any(|entries| *entries > HISTORY), "too short a run: {entries:?} entries");
    }
}

#[test]
fn a_core_does_not_grow_with_what_goes_wrong() {
    for run in runs("storm", 12).chain(runs("crowd", 1)) {
        assert_small(&run);
    }
}
