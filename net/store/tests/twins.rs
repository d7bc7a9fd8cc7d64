//! Whatever is written, and in whatever order: both stores hold, erase and show the same.

#![allow(clippy::unwrap_used)] // A panic is the report, in a test's helpers too.

#[path = "support/fixtures.rs"]
mod fixtures;

use fixtures::{CHAT, ROOM, follows, person, stored};
use kinmesh_proto::{
    Content, ConversationId, Delivery, Entry, EntryKey, KeyRange, PageAt, PersonId, Refusal, Wait, Write,
};
use kinmesh_store::{HistoryStore, MemoryStore, SledStore};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

const DAY_MS: u64 = 24 * 60 * 60 * 1000;

/// How an entry comes about: its author, day and moment, what it says, of which one before it.
type Recipe = (u8, u64, u64, u8, Index);

#[derive(Debug, Clone)]
enum Step {
    Put {
        entry: Index,
        is_erased: bool,
        is_chat: bool,
        delivery: Delivery,
    },
    SetDelivery {
        entry: Index,
        is_chat: bool,
        delivery: Delivery,
    },
    Forget {
        before: Index,
        is_chat: bool,
    },
    /// The group ends here.
    Commit,
    /// The group ends, and the program starts anew.
    Restart,
}

fn delivery() -> impl Strategy<Value = Delivery> {
    prop_oneof![
        3 => Just(Delivery::Received),
        2 => Just(Delivery::Queued),
        1 => Just(Delivery::Sent { members: 3 }),
        1 => Just(Delivery::Failed { reason: Refusal::NotAuthor }),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let put = (any::<Index>(), prop::bool::weighted(0.1), prop::bool::weighted(0.2), delivery());
    let delivered = (any::<Index>(), any::<bool>(), delivery());
    prop_oneof![
        20 => put.prop_map(|(entry, is_erased, is_chat, delivery)| Step::Put { entry, is_erased, is_chat, delivery }),
        2 => delivered.prop_map(|(entry, is_chat, delivery)| Step::SetDelivery { entry, is_chat, delivery }),
        1 => any::<(Index, bool)>().prop_map(|(before, is_chat)| Step::Forget { before, is_chat }),
        4 => Just(Step::Commit),
        1 => Just(Step::Restart),
    ]
}

fn recipe() -> impl Strategy<Value = Recipe> {
    (1..4u8, 0..4u64, 0..50u64, 0..9u8, any::<Index>())
}

/// Entries of which each says something about those before it.
fn cook(recipes: &[Recipe]) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    for (author, day, ms, kind, other) in recipes {
        let other = (!entries.is_empty()).then(|| entries[other.index(entries.len())].key());
        let content = match (kind, other) {
            (0 | 1, Some(of)) => Content::Delete { of },
            (2 | 3, Some(of)) => Content::Edit { of, text: "better".into() },
            (4, Some(to)) => Content::Reaction { to, emoji: "!".into(), on: true },
            (5, reply) => Content::Text { text: "so it is".into(), reply },
            _ => Content::text(format!("{day} {ms}")),
        };
        entries.push(follows(
            &person(*author),
            ROOM,
            day * DAY_MS + ms,
            content,
            other.into_iter().collect(),
        ));
    }
    entries
}

fn conversation(is_chat: bool) -> ConversationId {
    if is_chat { CHAT } else { ROOM }
}

fn write(entries: &[Entry], step: &Step) -> Option<Write> {
    match *step {
        Step::Put { entry, is_erased, is_chat, delivery } => {
            let entry = &entries[entry.index(entries.len())];
            let erased = || entry.envelope().erased().verify(&mut Default::default()).unwrap();
            let stored = stored(&if is_erased { erased() } else { entry.clone() }, delivery);
            Some(Write::PutEntry { conversation: conversation(is_chat), stored })
        }
        Step::SetDelivery { entry, is_chat, delivery } => {
            let key = entries[entry.index(entries.len())].key();
            Some(Write::SetDelivery { conversation: conversation(is_chat), key, delivery })
        }
        Step::Forget { before, is_chat } => {
            let before = entries[before.index(entries.len())].key();
            Some(Write::Forget { conversation: conversation(is_chat), before })
        }
        Step::Commit | Step::Restart => None,
    }
}

/// Everything that can be read, around each of the keys.
fn assert_same(left: &dyn HistoryStore, right: &dyn HistoryStore, keys: &[EntryKey]) {
    for id in [ROOM, CHAT] {
        assert_eq!(left.newest(id).unwrap(), right.newest(id).unwrap());
        assert_eq!(left.days(id).unwrap(), right.days(id).unwrap());
        let all = |store: &dyn HistoryStore| store.digest(id, KeyRange::ALL).unwrap();
        assert_eq!(all(left), all(right));
        let page = |store: &dyn HistoryStore| store.page(id, PageAt::Newest, usize::MAX).unwrap();
        assert_eq!(page(left), page(right));
        for (n, key) in keys.iter().enumerate() {
            let other = keys[n * 7 % keys.len()];
            let range = KeyRange { from: (n % 5 > 0).then_some(*key), to: (n % 3 > 0).then_some(other) };
            let post = left.post(id, other).unwrap();
            let author = post.map_or(PersonId([0; 32]), |item| item.post.entry.person());
            let waits = [*key, other].map(|post| Wait { author, post, since: keys[0].clock });
            let around = |store: &dyn HistoryStore| {
                let asked = [*key, other];
                (
                    store.page(id, PageAt::Before(*key), 3).unwrap(),
                    store.page(id, PageAt::After(*key), 3).unwrap(),
                    store.post(id, *key).unwrap(),
                    store.unread(id, Some(*key), 4).unwrap(),
                    store.queued(id, Some(*key), 2).unwrap(),
                    store.digest(id, range).unwrap(),
                    store.keys(id, range, 5).unwrap(),
                    store.entries(id, &asked, 400).unwrap(),
                    store.entries_in(id, range, 1000).unwrap(),
                    store.posts_before(id, &waits).unwrap(),
                )
            };
            assert_eq!(around(left), around(right));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn both_stores_are_the_same(recipes in vec(recipe(), 1..40), steps in vec(step(), 1..120)) {
        let entries = cook(&recipes);
        let keys: Vec<_> = entries.iter().map(Entry::key).collect();
        let dir = tempfile::tempdir().unwrap();
        let mut memory = MemoryStore::new();
        let mut sled = SledStore::open(dir.path()).unwrap().0;
        let mut group = Vec::new();
        for step in steps.iter().chain([&Step::Restart]) {
            group.extend(write(&entries, step));
            if matches!(step, Step::Commit | Step::Restart) {
                prop_assert_eq!(memory.apply(&group).unwrap(), sled.apply(&group).unwrap());
                group.clear();
                assert_same(&memory, &sled, &keys);
            }
            if matches!(step, Step::Restart) {
                drop(sled);
                let report;
                (sled, report) = SledStore::open(dir.path()).unwrap();
                prop_assert_eq!(report.rebuilt, None);
                assert_same(&memory, &sled, &keys);
            }
        }
    }
}
