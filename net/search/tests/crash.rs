//! A program that is killed while it indexes finds everything afterwards.

#![allow(clippy::unwrap_used)] // A panic is the report, in a test's helpers too.

#[path = "../../store/tests/support/child.rs"]
mod child;
#[path = "../../store/tests/support/rounds.rs"]
mod rounds;
#[path = "support/world.rs"]
mod world;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use kinmesh_proto::Content;
use kinmesh_search::Query;
use rounds::{Chance, rounds};
use world::{ALICE, LOBBY, World, query};

/// Kills, unless more are asked for.
const KILLS: u64 = 6;
/// After so many the history begins anew: it grows, and each start reads all of it.
const KILLS_OF_ONE_HISTORY: u64 = 12;
/// Opens each line of the child that counts, among those of the test harness.
const MARK: &str = "written ";

/// Runs in the child: writes for as long as it lives, and says so after each hundred of its own.
#[tokio::test]
async fn child_that_writes() {
    let Some(dir) = child::dir() else { return };
    let mut world = World::on_disk(&dir).await;
    let there = world.find(Query { limit: 100_000, ..query("needle") }).await.len() as u64;
    for n in there.. {
        world.write(ALICE, (LOBBY, n * 60_000), Content::text(format!("needle {n}"))).await;
        if (n - there) % 100 == 99 {
            println!("\n{MARK}{n}");
        }
    }
}

/// Kills the child some time after it wrote its first hundred.
fn run_and_kill(dir: &Path, life: Duration) {
    let mut child = child::command(&[], "child_that_writes", dir).stdout(Stdio::piped()).spawn().unwrap();
    // Held until the end: a child that nobody listens to fails.
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|line| line.starts_with(MARK)));
    std::thread::sleep(life);
    assert!(child.try_wait().unwrap().is_none(), "the child ended by itself");
    child.kill().unwrap();
    child.wait().unwrap();
}

#[tokio::test]
async fn what_was_written_is_found_after_kills() {
    let chance = Chance::new();
    let mut dir = tempfile::tempdir().unwrap();
    let mut before = 0;
    for kill in 0..rounds(KILLS) {
        if kill > 0 && kill % KILLS_OF_ONE_HISTORY == 0 {
            (dir, before) = (tempfile::tempdir().unwrap(), 0);
        }
        run_and_kill(dir.path(), Duration::from_millis(chance.below(kill, 800)));
        let world = World::on_disk(dir.path()).await;
        let found = world.find(Query { limit: 100_000, ..query("needle") }).await;
        let numbers: Vec<u64> =
            found.iter().rev().map(|text| text["needle ".len()..].parse().unwrap()).collect();
        assert!(numbers.len() >= before + 100, "{before} before, {} now", numbers.len());
        assert_eq!(numbers, (0..numbers.len() as u64).collect::<Vec<_>>());
        before = numbers.len();
        world.end().await;
    }
}
