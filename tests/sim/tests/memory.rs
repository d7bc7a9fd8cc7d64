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
/// queue of outputs is as long as the largest pack made it, 0.6 MB. Not every seed fills all of them:
/// after 20,000 entries a core held 2.7 to 3.5 MB, after 75,000 3.1 to 4.3, after 150,000 3.8 to 4.3.
const CORE_BYTES_MAX: i64 = 5 << 20;

/// Entries of a history of which nothing but the ids, 32 bytes each, would be too much beside these.
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

/// Which run it was, and the commands that repeat it and measure it again.
fn again(run: &Run) -> String {
    let Run { scenario, seed } = run;
    format!(
        "{} {seed}\n  {}\n  KINMESH_FAULT_SEED={seed} cargo test -p kinmesh-sim --test memory",
        scenario.name,
        run.replay()
    )
}

/// Checks how large the cores are at the end of a run. The result is how many entries each has.
fn assert_small(run: &Run) -> Vec<usize> {
    let cores = run.cores().unwrap_or_else(|failure| panic!("{failure}: {}", again(run)));
    let (cores, entries): (Vec<Core>, Vec<usize>) = cores.into_iter().unzip();
    let sizes: Vec<i64> = cores.into_iter().map(size).collect();
    assert!(
        sizes.iter().all(|bytes| *bytes < CORE_BYTES_MAX),
        "{sizes:?} bytes for {entries:?} entries: {}",
        again(run)
    );
    entries
}

#[test]
fn a_core_does_not_grow_with_the_history() {
    for run in runs("long", 1) {
        let entries = assert_small(&run);
        let is_long = entries.iter().any(|entries| *entries > HISTORY);
        assert!(is_long, "{entries:?} entries are too few: {}", again(&run));
    }
}

#[test]
fn a_core_does_not_grow_with_what_goes_wrong() {
    for run in runs("storm", 12).chain(runs("crowd", 1)) {
        assert_small(&run);
    }
}
