//! Hundreds of meshes, each from a seed. A failure prints the command that repeats it.

#![allow(clippy::unwrap_used, clippy::expect_used)] // A test's panic is its report.

use kinmesh_sim::{Outcome, Run, Scenario};

/// Seeds of each small scenario.
const SEEDS: u64 = 100;

/// Runs that once found something, one a line: scenario, seed, and what it was.
const FOUND: &str = include_str!("../seeds.txt");

fn report(failed: &[Outcome]) {
    let lines = failed.iter().filter_map(|outcome| {
        let failure = outcome.failure.as_ref()?;
        Some(format!("{} {}: {failure}\n  {}\n", outcome.scenario, outcome.seed, outcome.replay()))
    });
    let lines: String = lines.collect();
    assert!(lines.is_empty(), "{} runs failed:\n{lines}", failed.len());
}

fn every_promise_is_kept(scenario: &str, seeds: u64) {
    let scenario = Scenario::named(scenario).expect("a scenario of this name");
    let runs = (0..seeds).map(|seed| Run { scenario: scenario.clone(), seed }.go(0));
    report(&runs.filter(|outcome| outcome.failure.is_some()).collect::<Vec<_>>());
}

#[test]
fn everybody_ends_with_everything() {
    every_promise_is_kept("quiet", SEEDS);
}

#[test]
fn what_the_network_loses_or_doubles_is_made_up_for() {
    every_promise_is_kept("lossy", SEEDS);
}

#[test]
fn two_halves_that_were_apart_become_one_history() {
    every_promise_is_kept("partition", SEEDS);
}

#[test]
fn a_direction_that_was_cut_holds_back_nothing() {
    every_promise_is_kept("one-way", SEEDS);
}

#[test]
fn crashes_and_absences_lose_and_double_nothing() {
    every_promise_is_kept("churn", SEEDS);
}

#[test]
fn disks_that_fail_or_stand_still_lose_nothing_that_was_shown() {
    every_promise_is_kept("disks", SEEDS);
}

#[test]
fn wrong_clocks_change_no_order_and_hold_up_nothing() {
    every_promise_is_kept("skew", SEEDS);
}

#[test]
fn all_faults_at_once_are_survived() {
    every_promise_is_kept("storm", SEEDS);
}

#[test]
fn calls_end_for_everybody_and_leave_one_note() {
    every_promise_is_kept("calls", SEEDS);
    let scenario = Scenario::named("calls").expect("it is a preset");
    let lines: u64 = (0..10).map(|seed| Run { scenario: scenario.clone(), seed }.go(0).figures.lines).sum();
    assert!(lines > 200, "{lines} ends of lines: hardly anybody talked");
}

#[test]
fn admins_who_decide_apart_agree_and_nobody_reads_what_was_sealed_after_they_were_put_out() {
    every_promise_is_kept("private", SEEDS);
}

#[test]
fn private_rooms_keep_their_promises_through_all_faults_at_once() {
    every_promise_is_kept("private-storm", SEEDS);
}

#[test]
fn there_is_something_to_keep_from_somebody_and_decisions_cross() {
    let private = Scenario::named("private").expect("it is a preset");
    let runs = (0..20).map(|seed| Run { scenario: private.clone(), seed }.figures().expect("it holds"));
    let (kept_from, rivals) = runs.fold((0, 0), |(kept_from, rivals), figures| {
        (kept_from + figures.kept_from, rivals + figures.rivals)
    });
    assert!(kept_from > 100 && rivals > 0, "{kept_from} entries kept, {rivals} rivals");
}

#[test]
fn admins_who_moderate_apart_come_to_one_view_for_everybody() {
    every_promise_is_kept("moderated", SEEDS);
}

#[test]
fn moderated_rooms_keep_their_promises_through_all_faults_at_once() {
    every_promise_is_kept("moderated-storm", SEEDS);
}

#[test]
fn there_is_something_to_withhold_and_rules_cross() {
    let moderated = Scenario::named("moderated").expect("it is a preset");
    let runs = (0..20).map(|seed| Run { scenario: moderated.clone(), seed }.figures().expect("it holds"));
    let (withheld, rivals) = runs.fold((0, 0), |(withheld, rivals), figures| {
        (withheld + figures.withheld, rivals + figures.rule_rivals)
    });
    assert!(withheld > 100 && rivals > 0, "{withheld} posts withheld, {rivals} rivals");
}

#[test]
fn rooms_that_not_everybody_is_connected_in_are_whole_too() {
    every_promise_is_kept("crowd", 4);
}

#[test]
fn a_room_of_hundreds_is_whole_after_losses_and_a_partition() {
    every_promise_is_kept("hall", 1);
}

#[test]
fn what_was_found_once_is_not_found_again() {
    let found = FOUND.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let outcomes = found.map(|line| {
        let mut words = line.split_whitespace();
        let scenario = words.next().and_then(Scenario::named).expect("a scenario's name");
        let seed = words.next().and_then(|seed| seed.parse().ok()).expect("a seed");
        Run { scenario, seed }.go(0)
    });
    report(&outcomes.filter(|outcome| outcome.failure.is_some()).collect::<Vec<_>>());
}
