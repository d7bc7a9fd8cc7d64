//! A seed is a run: in one process, in another, and beside others.

#![allow(clippy::unwrap_used, clippy::expect_used)] // A test's panic is its report.

use std::collections::BTreeSet;
use std::process::Command;
use std::sync::Mutex;

use kinmesh_sim::{Run, Scenario, TraceHash, go_all};

fn run(seed: u64) -> Run {
    Run { scenario: Scenario::named("storm").expect("it is a preset"), seed }
}

fn hashes(seeds: std::ops::Range<u64>) -> Vec<TraceHash> {
    seeds.map(|seed| run(seed).go(0).trace_hash).collect()
}

#[test]
fn the_same_seed_does_the_same_and_another_one_something_else() {
    let first = hashes(0..8);
    assert_eq!(first, hashes(0..8));
    assert_eq!(first.iter().collect::<BTreeSet<_>>().len(), first.len());
}

#[test]
fn runs_beside_each_other_do_not_touch_each_other() {
    let beside = Mutex::new(BTreeSet::new());
    go_all((0..8).map(run), |outcome| {
        beside.lock().unwrap().insert((outcome.seed, outcome.trace_hash));
    });
    let alone = (0..8).zip(hashes(0..8)).collect();
    assert_eq!(beside.into_inner().unwrap(), alone);
}

#[test]
fn another_process_does_the_same() {
    for seed in [3, 4] {
        let outcome = run(seed).go(0);
        // What a failure would print.
        let replay = outcome.replay();
        let (_, args) = replay.split_once(" -- ").unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_sim")).args(args.split(' ')).output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(said.contains(&outcome.trace_hash.to_string()), "{said}");
    }
}
