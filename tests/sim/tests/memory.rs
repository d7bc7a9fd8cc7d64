//! A core keeps what it needs to decide, not the history: it does not grow with what was written.

#![allow(clippy::unwrap_used, clippy::expect_used)] // A test's panic is its report.

use allocation_counter::measure;
use kinmesh_core::Core;
use kinmesh_sim::{Run, Scenario, Work};

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

/// Four people who write for most of an hour over a network that loses much of it.
fn long_run() -> Run {
    let preset = Scenario::named("lossy").expect("it is a preset");
    let work = Work { actions: 8_000, bursts: 40, ..preset.work.clone() };
    let (busy_ms, heal_max_ms) = (48 * 60_000, 600_000);
    let scenario = Scenario { peers: 4..=4, rooms: 2..=2, work, busy_ms, heal_max_ms, ..preset };
    Run { scenario, seed: 1 }
}

/// Checks how large the cores are at the end of a run. The result is how many entries each has.
fn assert_small(run: &Run) -> Vec<usize> {
    let (cores, entries): (Vec<Core>, Vec<usize>) = run.cores().into_iter().unzip();
    let sizes: Vec<i64> = cores.into_iter().map(size).collect();
    let Run { scenario, seed } = run;
    assert!(
        sizes.iter().all(|bytes| *bytes < CORE_BYTES_MAX),
        "{} {seed}: {sizes:?} bytes for {entries:?} entries",
        scenario.name
    );
    entries
}

#[test]
fn a_core_does_not_grow_with_the_history() {
    let entries = assert_small(&long_run());
    assert!(entries.iter().any(|entries| *entries > HISTORY), "too short a run: {entries:?} entries");
}

#[test]
fn a_core_does_not_grow_with_what_goes_wrong() {
    for (name, seeds) in [("storm", 12), ("crowd", 1)] {
        let scenario = Scenario::named(name).expect("it is a preset");
        for seed in 0..seeds {
            assert_small(&Run { scenario: scenario.clone(), seed });
        }
    }
}
