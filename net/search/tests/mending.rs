//! Whatever becomes of the index, it holds again what the store holds.

#![allow(clippy::unwrap_used)] // A panic is the report, in a test's helpers too.

#[path = "support/world.rs"]
mod world;

use std::fs;
use std::path::{Path, PathBuf};

use kinmesh_proto::{Content, Write};
use kinmesh_seal::Seal;
use kinmesh_search::{Entered, Query, Search, SearchState};
use world::{ALICE, BOB, DAY_MS, KITCHEN, LOBBY, World, entry, index_in, person, query};

/// Ten posts on five days, one of them edited a day later, in an index of several commits.
async fn world_in(dir: &Path) -> World {
    let mut world = World::on_disk(dir).await;
    for n in 0..10 {
        let text = format!("needle {n} 针");
        let key = world.write(ALICE, (LOBBY, n / 2 * DAY_MS + n), Content::text(text)).await;
        if n == 0 {
            let edit = Content::Edit { of: key, text: "needle zero 针".into() };
            world.write(ALICE, (LOBBY, DAY_MS), edit).await;
        }
        if n % 4 == 3 {
            world = world.restart(|_| ()).await;
        }
    }
    world.restart(|_| ()).await
}

async fn holds_all(world: &World) {
    assert_eq!(world.typed("needle").await.len(), 10);
    assert_eq!(world.typed("针").await.len(), 10);
    assert_eq!(world.typed("zero").await, ["needle zero 针"]);
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(dir).unwrap().map(|file| file.unwrap().path()).collect();
    // Locks are taken, never read.
    files.retain(|file| file.extension().is_none_or(|kind| kind != "lock"));
    files.sort();
    files
}

#[tokio::test]
async fn an_index_that_is_gone_is_made_anew() {
    let dir = tempfile::tempdir().unwrap();
    let world = world_in(dir.path()).await;
    let world = world.restart(|dir| fs::remove_dir_all(dir).unwrap()).await;
    holds_all(&world).await;
    world.end().await;
}

#[tokio::test]
async fn while_a_damaged_index_is_made_anew_it_says_how_far_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let world = world_in(dir.path()).await;
    let mut hold = world.hold();
    let world = world.begin_again(|dir| fs::write(dir.join("meta.json"), "{").unwrap()).await;
    let state = world.search.watch();
    let mut told = Vec::new();
    // One reading of the store at a time: what was told before the next one is asked for is seen.
    while told.last() != Some(&SearchState::Ready) {
        (&mut hold.is_held).await.unwrap();
        let next = world.hold();
        told.push(*state.borrow());
        hold = next;
    }
    drop(hold);
    let progress = told.iter().filter_map(|state| match state {
        SearchState::Indexing { indexed, total } if *total > 0 => Some((*indexed, *total)),
        _ => None,
    });
    let mut progress: Vec<_> = progress.collect();
    progress.dedup();
    assert_eq!(progress, [2, 4, 6, 9, 11].map(|indexed| (indexed, 11)), "day by day, the newest first");
    holds_all(&world).await;
    world.end().await;
}

#[tokio::test]
async fn damage_to_any_file_is_noticed_and_mended() {
    let dir = tempfile::tempdir().unwrap();
    let mut world = world_in(dir.path()).await;
    let mut number = 0;
    let mut damaged = 0;
    loop {
        let mut is_last = false;
        world = world
            .restart(|dir| {
                let files = files(dir);
                is_last = number / DAMAGES.len() + 1 == files.len();
                damaged += usize::from(damage(&files[number / DAMAGES.len()], number % DAMAGES.len()));
            })
            .await;
        holds_all(&world).await;
        number += 1;
        if is_last && number % DAMAGES.len() == 0 {
            break;
        }
    }
    assert!(damaged > 30, "{damaged} damages");
    world.end().await;
}

#[tokio::test]
async fn the_files_of_a_sealed_index_tell_no_word_and_nobody_and_are_read_again() {
    let tells = |file: &PathBuf, secret: &[u8]| {
        fs::read(file).unwrap().windows(secret.len()).any(|part| part == secret)
    };
    for seal in [None, Some(Seal::new(&[1; 32]))] {
        let dir = tempfile::tempdir().unwrap();
        let mut world = World::sealed(dir.path(), seal.clone()).await;
        for n in 0..10 {
            world.write(ALICE, (LOBBY, n * DAY_MS), Content::text("a needle")).await;
        }
        let mut files_before = Vec::new();
        let world = world.restart(|dir| files_before = files(dir)).await;
        assert_eq!(files(&index_in(dir.path())), files_before, "nothing is made anew");
        assert_eq!(world.typed("needle").await.len(), 10);
        // The last one stands in the list of the index's columns.
        let alice = person(ALICE);
        let secrets = [&b"needle"[..], alice.as_bytes(), &[1; 32], b"conversation"];
        let is_told = secrets.iter().any(|secret| files_before.iter().any(|file| tells(file, secret)));
        assert_eq!(is_told, seal.is_none(), "else this proves nothing");
        world.end().await;
    }
}

#[tokio::test]
async fn what_it_was_never_told_is_found_missing() {
    let dir = tempfile::tempdir().unwrap();
    let mut world = world_in(dir.path()).await;
    world.write_silently(BOB, (KITCHEN, DAY_MS), "a needle in another room").await;
    world.write_silently(BOB, (LOBBY, 9), "a needle among the others").await;
    let world = world.restart(|_| ()).await;
    assert_eq!(world.typed("needle").await.len(), 12);
    world.end().await;
}

#[tokio::test]
async fn what_the_store_has_no_more_is_forgotten() {
    let dir = tempfile::tempdir().unwrap();
    world_in(dir.path()).await.end().await;
    fs::remove_dir_all(dir.path().join("history")).unwrap();
    let mut world = World::on_disk(dir.path()).await;
    assert_eq!(world.typed("needle").await.len(), 0);
    world.write_silently(BOB, (LOBBY, 9), "a needle in the new store").await;
    let world = world.restart(|_| ()).await;
    assert_eq!(world.typed("needle").await, ["a needle in the new store"]);
    world.end().await;
}

#[tokio::test]
async fn what_a_running_store_forgets_leaves_the_index_too() {
    let dir = tempfile::tempdir().unwrap();
    let mut world = World::in_memory(dir.path()).await;
    let old = entry(ALICE, LOBBY, 5, Content::text("an old needle"));
    let put = Write::PutEntry { conversation: LOBBY, stored: old };
    world.search.entered(Entered::with(std::slice::from_ref(&put)));
    world.commit(vec![put.clone()]).await;
    let new = world.write(ALICE, (LOBBY, DAY_MS), Content::text("a new needle")).await;
    let mut world = world.restart(|_| ()).await;
    assert_eq!(world.typed("needle").await.len(), 2);

    let mut looked = world.search.watch();
    looked.mark_unchanged();
    world.commit(vec![Write::Forget { conversation: LOBBY, before: new }]).await;
    world.search.forgot(LOBBY, new);
    looked.changed().await.unwrap();
    world.is_ready().await;
    // Were it still in the index, it would be found again.
    world.commit(vec![put]).await;
    assert_eq!(world.typed("needle").await, ["a new needle"]);
    world.end().await;
}

#[tokio::test]
async fn more_than_it_can_take_at_once_is_found_all_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let mut world = World::in_memory(dir.path()).await;
    let stored = |n| entry(ALICE, LOBBY, n, Content::text(format!("needle {n}")));
    let put = |n| Write::PutEntry { conversation: LOBBY, stored: stored(n) };
    let writes: Vec<_> = (0..6000).map(put).collect();
    let entered = Entered::with(&writes);
    world.commit(writes).await;
    world.search.entered(entered);
    let world = world.restart(|_| ()).await;
    assert_eq!(world.find(Query { limit: 10_000, ..query("needle") }).await.len(), 6000);
    world.end().await;
}

#[tokio::test]
async fn a_place_where_no_index_can_be_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let world = World::in_memory(dir.path()).await;
    let world = world.restart(|_| ()).await;
    fs::write(dir.path().join("file"), "").unwrap();
    let nowhere = Search::spawn(index_in(&dir.path().join("file")), world.store());
    nowhere.watch().wait_for(|state| *state == SearchState::Unavailable).await.unwrap();
    assert!(nowhere.find(&query("needle")).await.is_err());
    nowhere.close().await;
    world.end().await;
}

/// What happens to a file: its new bytes, or `None` when it is gone.
type Damage = fn(Vec<u8>) -> Option<Vec<u8>>;

const DAMAGES: [Damage; 5] = [
    |bytes| flipped(bytes, 1, 2),
    |bytes| flipped(bytes, 0, 1),
    |bytes| Some(bytes[..bytes.len() / 2].to_vec()),
    |_| Some(Vec::new()),
    |_| None,
];

/// Flips a bit of the byte at this share of the file.
fn flipped(mut bytes: Vec<u8>, share: usize, of: usize) -> Option<Vec<u8>> {
    let at = bytes.len() * share / of;
    if let Some(byte) = bytes.get_mut(at) {
        *byte ^= 4;
    }
    Some(bytes)
}

/// Whether the file is another one now.
fn damage(file: &Path, kind: usize) -> bool {
    let before = fs::read(file).unwrap();
    let after = DAMAGES[kind](before.clone());
    match &after {
        Some(bytes) => fs::write(file, bytes).unwrap(),
        None => fs::remove_file(file).unwrap(),
    }
    after != Some(before)
}
