//! What people find, and what they do not.

#![allow(clippy::unwrap_used)] // A panic is the report, in a test's helpers too.

#[path = "support/world.rs"]
mod world;

use kinmesh_proto::{Content, ConversationId};
use kinmesh_search::Query;
use world::{ALICE, BOB, DAY_MS, KITCHEN, LOBBY, WITH_BOB, World, person, query};

const NOTHING: [&str; 0] = [];

/// A world in which these were said, one a minute.
async fn said(dir: &tempfile::TempDir, said: &[(u8, ConversationId, &str)]) -> World {
    let mut world = World::in_memory(dir.path()).await;
    for (minute, (author, conversation, text)) in (0..).zip(said) {
        world.write(*author, (*conversation, minute * 60_000), Content::text(*text)).await;
    }
    world.restart(|_| ()).await
}

#[tokio::test]
async fn what_was_said_anywhere_is_found_newest_first_as_one_types() {
    let dir = tempfile::tempdir().unwrap();
    let world = said(
        &dir,
        &[
            (ALICE, LOBBY, "The kettle is on"),
            (BOB, KITCHEN, "which kettle?"),
            (ALICE, WITH_BOB, "The RED Kettle, of course"),
        ],
    )
    .await;
    assert_eq!(world.typed("kett").await, ["The RED Kettle, of course", "which kettle?", "The kettle is on"]);
    assert_eq!(world.typed("k").await.len(), 3);
    assert_eq!(world.typed("kettle re").await, ["The RED Kettle, of course"]);
    assert_eq!(world.typed("kett re").await, NOTHING, "only the last word may be unfinished");
    assert_eq!(world.typed("kettles").await, NOTHING);
    assert_eq!(world.typed("?").await, NOTHING);
    assert_eq!(world.typed("").await.len(), 3);
}

#[tokio::test]
async fn every_script_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let world = said(
        &dir,
        &[
            (ALICE, LOBBY, "我们明天去北京大学"),
            (ALICE, LOBBY, "京北明天"),
            (ALICE, LOBBY, "สวัสดีครับ"),
            (ALICE, LOBBY, "Привет, Ёлка!"),
            (ALICE, LOBBY, "مرحباً"),
            (ALICE, LOBBY, "한국어를 배워요"),
            (ALICE, LOBBY, "Crème brûlée 🎉👍🏽"),
        ],
    )
    .await;
    assert_eq!(world.typed("北京").await, ["我们明天去北京大学"]);
    assert_eq!(world.typed("北").await, ["京北明天", "我们明天去北京大学"]);
    assert_eq!(world.typed("学").await, ["我们明天去北京大学"], "the last character of a run");
    assert_eq!(world.typed("明天 北京").await, ["我们明天去北京大学"]);
    assert_eq!(world.typed("ดีค").await, ["สวัสดีครับ"]);
    assert_eq!(world.typed("елк").await, ["Привет, Ёлка!"]);
    assert_eq!(world.typed("مرح").await, ["مرحباً"]);
    assert_eq!(world.typed("국어").await, ["한국어를 배워요"]);
    assert_eq!(world.typed("creme BRU").await, ["Crème brûlée 🎉👍🏽"]);
    assert_eq!(world.typed("👍").await, ["Crème brûlée 🎉👍🏽"]);
}

#[tokio::test]
async fn a_search_is_narrowed_to_people_conversations_and_days() {
    let dir = tempfile::tempdir().unwrap();
    let mut world = World::in_memory(dir.path()).await;
    for (author, conversation, day) in [(ALICE, LOBBY, 1), (BOB, LOBBY, 2), (ALICE, KITCHEN, 3)] {
        let text = format!("tea on day {day}");
        world.write(author, (conversation, day * DAY_MS + 5), Content::text(text)).await;
    }
    let world = world.restart(|_| ()).await;
    let by = |authors: &[u8]| authors.iter().map(|author| person(*author)).collect();
    assert_eq!(
        world.find(Query { authors: by(&[ALICE]), ..query("tea") }).await,
        ["tea on day 3", "tea on day 1"]
    );
    assert_eq!(world.find(Query { authors: by(&[ALICE, BOB]), ..query("tea") }).await.len(), 3);
    let in_lobby = Query { conversation: Some(LOBBY), ..query("tea") };
    assert_eq!(world.find(in_lobby.clone()).await, ["tea on day 2", "tea on day 1"]);
    let (from_ms, to_ms) = (Some(2 * DAY_MS + 5), Some(3 * DAY_MS + 5));
    assert_eq!(world.find(Query { from_ms, to_ms, ..query("") }).await, ["tea on day 2"]);
    assert_eq!(world.find(Query { from_ms, ..in_lobby.clone() }).await, ["tea on day 2"]);
    assert_eq!(world.find(Query { to_ms: Some(2 * DAY_MS), ..in_lobby }).await, ["tea on day 1"]);
    assert_eq!(world.find(Query { from_ms, to_ms: from_ms, ..query("") }).await, NOTHING);
}

#[tokio::test]
async fn page_after_page_shows_each_hit_once() {
    let dir = tempfile::tempdir().unwrap();
    let mut world = World::in_memory(dir.path()).await;
    for n in 0..50 {
        let conversation = if n % 2 == 0 { LOBBY } else { KITCHEN };
        // Five of them at the same moment.
        world.write(ALICE, (conversation, n / 5), Content::text(format!("needle {n}"))).await;
        world.write(BOB, (conversation, n / 5), Content::text(format!("hay {n}"))).await;
    }
    let world = world.restart(|_| ()).await;
    let mut seen = Vec::new();
    let mut before = None;
    loop {
        let page = world.search.find(&Query { before, limit: 7, ..query("needle") }).await.unwrap();
        let Some(last) = page.last() else { break };
        before = Some(last.item.post.entry.key());
        seen.extend(page.iter().map(|found| found.item.post.entry.key()));
    }
    assert_eq!(seen.len(), 50);
    assert!(seen.is_sorted_by(|newer, older| newer > older));
}

#[tokio::test]
async fn a_post_is_found_by_what_it_says_now() {
    let dir = tempfile::tempdir().unwrap();
    let mut world = World::in_memory(dir.path()).await;
    let day_later = |ms| (LOBBY, DAY_MS + ms);
    let of = world.write(ALICE, (LOBBY, 1), Content::text("meet at noon")).await;
    let gone = world.write(ALICE, (LOBBY, 2), Content::text("my pin is 1234 at noon")).await;
    let mut world = world.restart(|_| ()).await;
    assert_eq!(world.typed("noon").await.len(), 2);

    world.write(ALICE, day_later(1), Content::Edit { of, text: "meet at midnight".into() }).await;
    world.write(BOB, day_later(2), Content::Edit { of, text: "meet never".into() }).await;
    world.write(ALICE, day_later(3), Content::Delete { of: gone }).await;
    world.write(BOB, day_later(4), Content::Reaction { to: of, emoji: "🎉".into(), on: true }).await;
    let world = world.restart(|_| ()).await;
    assert_eq!(world.typed("midnight").await, ["meet at midnight"]);
    for gone in ["noon", "never", "1234", "🎉"] {
        assert_eq!(world.typed(gone).await, NOTHING, "{gone}");
    }
    assert_eq!(world.typed("").await, ["meet at midnight"], "changes are no posts");
}

#[tokio::test]
async fn what_was_said_a_moment_ago_is_found_while_others_go_on_talking() {
    let dir = tempfile::tempdir().unwrap();
    let mut world = said(&dir, &[]).await;
    for n in 0..100 {
        world.write(ALICE, (LOBBY, 2 * n), Content::text(format!("needle {n}"))).await;
        assert_eq!(world.typed(&format!("needle {n} ")).await, [format!("needle {n}")]);
        world.write(BOB, (LOBBY, 2 * n + 1), Content::text("hay")).await;
    }
    world.end().await;
}
