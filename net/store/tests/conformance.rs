//! What every store must do, run on each of them.

#![allow(clippy::unwrap_used)] // A panic is the report, in a test's helpers too.

#[path = "support/fixtures.rs"]
mod fixtures;

use std::path::Path;

use fixtures::{CHAT, OTHER_ROOM, ROOM, entry, follows, person, posts, put, says, seal, stored};
use kinmesh_proto::{
    AddressRecord, Ask, Asking, CallOutcome, Content, ConversationId, ConversationRecord, Delivery, DeviceId,
    Digest, DisplayName, Entry, EntryId, EntryKey, EpochSecret, Hlc, InviteRecord, InviteRefusal, KeyRange,
    Keyring, MemberRecord, OpeningRecord, OwnProfile, PersonId, PersonRecord, Privacy, Refusal, RoomId,
    RoomName, SecretRecord, Snapshot, StatusLine, StoredEntry, TakenBack, TicketRoom, TicketToken, Ties,
    Unverified, Wait, Write,
};
use kinmesh_store::{
    CHANGES_BYTES_MAX, CHANGES_MAX, Directory, HistoryStore, MemoryStore, PageAt, PageItem, SledStore,
    day_of, range_of_day,
};
use serde_bytes::ByteArray;

const DAY_MS: u64 = 24 * 60 * 60 * 1000;

/// A store under test, and a way to come back to it later.
trait Subject {
    fn open() -> Self;
    fn store(&mut self) -> &mut dyn HistoryStore;
    /// Ends the program and starts it again, where that means anything.
    fn restart(&mut self);
}

struct Memory(MemoryStore);

impl Subject for Memory {
    fn open() -> Self {
        Self(MemoryStore::new())
    }

    fn store(&mut self) -> &mut dyn HistoryStore {
        &mut self.0
    }

    fn restart(&mut self) {}
}

/// On the disk, sealed or as it is.
struct Sled<const SEALED: bool> {
    store: Option<SledStore>,
    dir: tempfile::TempDir,
}

fn open_sled(dir: &Path, is_sealed: bool) -> SledStore {
    let (store, report) =
        SledStore::open_in(Directory::lock(dir).unwrap(), is_sealed.then(|| seal(1))).unwrap();
    assert_eq!(report.rebuilt, None);
    store
}

impl<const SEALED: bool> Subject for Sled<SEALED> {
    fn open() -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self { store: Some(open_sled(dir.path(), SEALED)), dir }
    }

    fn store(&mut self) -> &mut dyn HistoryStore {
        self.store.as_mut().unwrap()
    }

    fn restart(&mut self) {
        self.store = None;
        self.store = Some(open_sled(self.dir.path(), SEALED));
    }
}

macro_rules! conformance {
    ($($test:ident)*) => {
        mod memory {
            $(#[test] fn $test() { super::$test::<super::Memory>(); })*
        }
        mod sled {
            $(#[test] fn $test() { super::$test::<super::Sled<false>>(); })*
        }
        mod sealed {
            $(#[test] fn $test() { super::$test::<super::Sled<true>>(); })*
        }
    };
}

conformance! {
    a_new_store_is_empty
    entries_come_back_as_they_were
    pages_run_back_in_order
    pages_run_on_from_a_key
    a_page_holds_posts_with_their_changes
    a_change_may_come_before_its_post
    edits_and_deletes_by_others_are_not_shown
    the_changes_of_one_page_are_bounded
    changes_that_are_not_shown_take_no_place
    nobody_reacts_an_edit_away
    a_post_is_found_by_its_key
    a_post_after_something_missing_follows_a_gap
    the_newest_entry_may_be_a_change
    a_delete_erases_a_post_and_its_edits
    what_comes_after_its_delete_is_stored_erased
    a_delete_vouches_for_an_erased_entry_that_is_not_here
    a_change_that_cannot_be_read_may_be_a_delete
    nobody_erases_what_others_wrote
    an_erased_entry_is_never_replaced_nor_replaces
    a_delete_that_comes_with_its_post_erases_it
    entries_of_one_millisecond_keep_one_order
    conversations_do_not_mix
    a_duplicate_is_not_fresh_and_changes_nothing
    delivery_is_noted
    a_delivery_without_its_entry_is_nothing
    unread_counts_the_posts_of_others
    a_call_that_was_answered_is_not_unread
    queued_entries_come_oldest_first
    a_digest_holds_what_a_range_holds
    days_are_told_apart
    a_digest_is_exact_however_long_the_day_gets
    the_oldest_entries_are_forgotten_and_counted_no_more
    a_few_thousand_entries_are_forgotten_at_a_time
    keys_are_the_newest_of_a_range
    entries_come_in_the_order_asked
    entries_of_a_range_come_newest_first
    a_range_that_ends_before_it_begins_is_empty
    the_post_before_is_the_newest_of_its_author_in_time
    posts_far_apart_are_asked_about_together
    records_are_replaced_and_removed
    changes_see_those_before_them
    large_and_foreign_text_survives
    what_is_sealed_opens_once_its_secret_is_here
    a_sealed_delete_erases_whenever_its_secret_comes
    a_sealed_delete_erases_in_one_batch_with_its_secret
}

fn texts(entries: &[StoredEntry]) -> Vec<&str> {
    entries.iter().map(|stored| stored.entry.text().unwrap_or("?")).collect()
}

/// The posts of a page, without their changes.
fn page(store: &dyn HistoryStore, at: PageAt, limit: usize) -> Vec<StoredEntry> {
    store.page(ROOM, at, limit).unwrap().into_iter().map(|item| item.post).collect()
}

fn received(entry: &Entry) -> StoredEntry {
    stored(entry, Delivery::Received)
}

fn reaction(author: u8, ms: u64, to: EntryKey) -> Entry {
    says(&person(author), ROOM, ms, Content::Reaction { to, emoji: "\u{1f44d}".into(), on: true })
}

fn edit(author: u8, ms: u64, of: EntryKey, text: &str) -> Entry {
    says(&person(author), ROOM, ms, Content::Edit { of, text: text.into() })
}

fn delete(author: u8, ms: u64, of: EntryKey) -> Entry {
    says(&person(author), ROOM, ms, Content::Delete { of })
}

/// The same entry without its content.
fn erased(entry: &Entry) -> Entry {
    entry.envelope().erased().verify(&mut Default::default()).unwrap()
}

/// Entries `m0`, `m1` and so on, one each millisecond.
fn messages(conversation: ConversationId, count: u64) -> Vec<Entry> {
    (0..count).map(|ms| entry(&person(1), conversation, ms, &format!("m{ms}"))).collect()
}

fn put_all(store: &mut dyn HistoryStore, conversation: ConversationId, entries: &[Entry]) {
    let writes: Vec<_> = entries.iter().map(|entry| put(conversation, entry, Delivery::Received)).collect();
    assert_eq!(store.apply(&writes).unwrap(), vec![true; entries.len()]);
}

fn a_new_store_is_empty<S: Subject>() {
    let mut subject = S::open();
    let store = subject.store();
    assert_eq!(store.load().unwrap(), Snapshot::default());
    assert_eq!(store.page(ROOM, PageAt::Newest, 10).unwrap(), []);
    assert_eq!(store.newest(ROOM).unwrap(), None);
    assert_eq!(store.unread(ROOM, None, 10).unwrap(), 0);
    assert_eq!(store.queued(ROOM, None, 10).unwrap(), []);
    assert_eq!(store.digest(ROOM, KeyRange::ALL).unwrap(), Digest::default());
    assert_eq!(store.days(ROOM).unwrap(), []);
    assert_eq!(store.apply(&[]).unwrap(), Vec::<bool>::new());
}

fn entries_come_back_as_they_were<S: Subject>() {
    let mut subject = S::open();
    let (alice, bob) = (person(1), person(2));
    let first = entry(&alice, ROOM, 5, "你好 👋");
    let second = entry(&bob, ROOM, 6, "hello");
    let writes = [put(ROOM, &first, Delivery::Sent { members: 3 }), put(ROOM, &second, Delivery::Received)];
    assert_eq!(subject.store().apply(&writes).unwrap(), [true, true]);
    subject.restart();
    let page = posts(subject.store(), ROOM);
    assert_eq!(page, [stored(&first, Delivery::Sent { members: 3 }), stored(&second, Delivery::Received)]);
    let again = page[1].entry.envelope().clone().verify(&mut Default::default()).unwrap();
    assert_eq!(again.person(), bob.person(), "the envelope still proves its author");
}

fn pages_run_back_in_order<S: Subject>() {
    let mut subject = S::open();
    let mut entries = messages(ROOM, 25);
    entries.reverse();
    put_all(subject.store(), ROOM, &entries);
    subject.restart();
    let store = subject.store();
    let newest = page(store, PageAt::Newest, 10);
    assert_eq!(texts(&newest).first(), Some(&"m15"));
    assert_eq!(texts(&newest).last(), Some(&"m24"));
    let middle = page(store, PageAt::Before(newest[0].entry.key()), 10);
    assert_eq!((texts(&middle)[0], texts(&middle)[9]), ("m5", "m14"));
    let oldest = page(store, PageAt::Before(middle[0].entry.key()), 10);
    assert_eq!(texts(&oldest), ["m0", "m1", "m2", "m3", "m4"]);
    assert_eq!(page(store, PageAt::Before(oldest[0].entry.key()), 10), []);
    assert_eq!(page(store, PageAt::Newest, 0), []);
}

fn pages_run_on_from_a_key<S: Subject>() {
    let mut subject = S::open();
    let entries = messages(ROOM, 9);
    put_all(subject.store(), ROOM, &entries);
    subject.restart();
    let store = subject.store();
    assert_eq!(texts(&page(store, PageAt::After(entries[2].key()), 3)), ["m3", "m4", "m5"]);
    assert_eq!(texts(&page(store, PageAt::After(entries[6].key()), 3)), ["m7", "m8"]);
    assert_eq!(page(store, PageAt::After(entries[8].key()), 3), []);
}

fn a_page_holds_posts_with_their_changes<S: Subject>() {
    let mut subject = S::open();
    let posts = messages(ROOM, 3);
    put_all(subject.store(), ROOM, &posts);
    let changes = [
        reaction(2, 10, posts[0].key()),
        edit(1, 11, posts[0].key(), "m0!"),
        reaction(3, 12, posts[2].key()),
    ];
    put_all(subject.store(), ROOM, &[changes[1].clone(), changes[2].clone(), changes[0].clone()]);
    subject.restart();
    let item = |post: &Entry, changes: &[Entry]| PageItem {
        post: received(post),
        changes: changes.iter().map(received).collect(),
        follows_gap: false,
    };
    let page = subject.store().page(ROOM, PageAt::Newest, 3).unwrap();
    assert_eq!(page, [item(&posts[0], &changes[..2]), item(&posts[1], &[]), item(&posts[2], &changes[2..])]);
    assert_eq!(page[0].text(), Some("m0!"));
}

fn a_change_may_come_before_its_post<S: Subject>() {
    let mut subject = S::open();
    let post = entry(&person(1), ROOM, 5, "late");
    let like = reaction(2, 6, post.key());
    put_all(subject.store(), ROOM, std::slice::from_ref(&like));
    assert_eq!(subject.store().page(ROOM, PageAt::Newest, 3).unwrap(), []);
    subject.restart();
    put_all(subject.store(), ROOM, std::slice::from_ref(&post));
    let page = subject.store().page(ROOM, PageAt::Newest, 3).unwrap();
    assert_eq!(page[0].changes, [received(&like)]);
}

fn edits_and_deletes_by_others_are_not_shown<S: Subject>() {
    let mut subject = S::open();
    let post = entry(&person(1), ROOM, 5, "mine");
    let foreign = [edit(2, 6, post.key(), "yours"), delete(2, 7, post.key())];
    let like = reaction(2, 8, post.key());
    put_all(subject.store(), ROOM, &foreign);
    put_all(subject.store(), ROOM, &[post.clone(), like.clone()]);
    let item = subject.store().post(ROOM, post.key()).unwrap().unwrap();
    assert_eq!((item.text(), &*item.changes), (Some("mine"), &[received(&like)][..]));
    assert_eq!(subject.store().digest(ROOM, KeyRange::ALL).unwrap().count, 4, "they are kept");
}

fn the_changes_of_one_page_are_bounded<S: Subject>() {
    let mut subject = S::open();
    let (small, large) = (entry(&person(1), ROOM, 1, "small"), entry(&person(1), ROOM, 2, "large"));
    put_all(subject.store(), ROOM, &[small.clone(), large.clone()]);
    let likes: Vec<_> = (0..CHANGES_MAX as u64 + 9).map(|n| reaction(2, 10 + n, small.key())).collect();
    put_all(subject.store(), ROOM, &likes);
    let text = "x".repeat(kinmesh_proto::limits::TEXT_MAX);
    let edits: Vec<_> = (0..40).map(|n| edit(1, 10 + n, large.key(), &text)).collect();
    put_all(subject.store(), ROOM, &edits);
    let item = subject.store().post(ROOM, small.key()).unwrap().unwrap();
    assert_eq!(item.changes.len(), CHANGES_MAX);
    assert_eq!(item.changes.last().unwrap().entry, likes[CHANGES_MAX + 8]);
    let item = subject.store().post(ROOM, large.key()).unwrap().unwrap();
    let bytes: usize = item.changes.iter().map(|change| change.entry.envelope().size()).sum();
    assert!(bytes <= CHANGES_BYTES_MAX && item.changes.len() > 25, "{} of {bytes} bytes", item.changes.len());
    assert_eq!(item.changes.last().unwrap().entry, edits[39]);
}

fn changes_that_are_not_shown_take_no_place<S: Subject>() {
    let mut subject = S::open();
    let post = entry(&person(1), ROOM, 1, "first");
    let shown = [reaction(2, 2, post.key()), edit(1, 3, post.key(), "second")];
    put_all(subject.store(), ROOM, std::slice::from_ref(&post));
    put_all(subject.store(), ROOM, &shown);
    let silent_ms = 10;
    let silenced = (0..CHANGES_MAX as u64)
        .flat_map(|n| [reaction(3, silent_ms + n, post.key()), edit(1, silent_ms + n, post.key(), "no")]);
    put_all(subject.store(), ROOM, &silenced.collect::<Vec<_>>());
    let shows = |_, at| at < Hlc::from_ms(silent_ms);
    let item =
        PageItem { post: received(&post), changes: shown.iter().map(received).collect(), follows_gap: false };
    let store = subject.store();
    assert_eq!(store.post_through(ROOM, post.key(), &shows).unwrap().as_ref(), Some(&item));
    assert_eq!(store.page_through(ROOM, PageAt::Newest, 9, &shows).unwrap(), [item]);
}

fn nobody_reacts_an_edit_away<S: Subject>() {
    let mut subject = S::open();
    let post = entry(&person(1), ROOM, 1, "first");
    let edited = edit(1, 2, post.key(), "second");
    put_all(subject.store(), ROOM, &[post.clone(), edited]);
    let reactions: Vec<_> = (0..CHANGES_MAX as u64).map(|n| reaction(2, 10 + n, post.key())).collect();
    put_all(subject.store(), ROOM, &reactions);
    let item = subject.store().post(ROOM, post.key()).unwrap().unwrap();
    assert_eq!((item.text(), item.changes.len()), (Some("second"), CHANGES_MAX + 1));
}

fn a_post_is_found_by_its_key<S: Subject>() {
    let mut subject = S::open();
    let posts = messages(ROOM, 3);
    let like = reaction(2, 10, posts[1].key());
    put_all(subject.store(), ROOM, &posts);
    put_all(subject.store(), ROOM, std::slice::from_ref(&like));
    subject.restart();
    let store = subject.store();
    let item = PageItem { post: received(&posts[1]), changes: vec![received(&like)], follows_gap: false };
    assert_eq!(store.post(ROOM, posts[1].key()).unwrap(), Some(item));
    assert_eq!(store.post(ROOM, like.key()).unwrap(), None, "a change is no post");
    assert_eq!(store.post(ROOM, EntryKey { clock: Hlc(1), ..posts[1].key() }).unwrap(), None);
    assert_eq!(store.post(OTHER_ROOM, posts[1].key()).unwrap(), None);
}

fn a_post_after_something_missing_follows_a_gap<S: Subject>() {
    let mut subject = S::open();
    let first = entry(&person(1), ROOM, 1, "first");
    let like = reaction(2, 2, first.key());
    let second = follows(&person(1), ROOM, 3, Content::text("second"), vec![first.key(), like.key()]);
    put_all(subject.store(), ROOM, &[second.clone(), first]);
    assert!(subject.store().post(ROOM, second.key()).unwrap().unwrap().follows_gap);
    put_all(subject.store(), ROOM, &[like]);
    assert!(!subject.store().post(ROOM, second.key()).unwrap().unwrap().follows_gap);
}

fn the_newest_entry_may_be_a_change<S: Subject>() {
    let mut subject = S::open();
    let post = entry(&person(1), ROOM, 1, "first");
    let like = reaction(2, 2, post.key());
    put_all(subject.store(), ROOM, &[like.clone(), post]);
    subject.restart();
    assert_eq!(subject.store().newest(ROOM).unwrap(), Some(received(&like)));
}

fn a_delete_erases_a_post_and_its_edits<S: Subject>() {
    let mut subject = S::open();
    let (post, other) = (entry(&person(1), ROOM, 1, "regretted"), entry(&person(1), ROOM, 2, "kept"));
    let (change, like) = (edit(1, 3, post.key(), "regretted too"), reaction(2, 4, post.key()));
    put_all(subject.store(), ROOM, &[post.clone(), other.clone(), change.clone(), like.clone()]);
    let before = subject.store().digest(ROOM, KeyRange::ALL).unwrap();
    let delete = delete(1, 5, post.key());
    put_all(subject.store(), ROOM, std::slice::from_ref(&delete));
    subject.restart();
    let page = subject.store().page(ROOM, PageAt::Newest, 9).unwrap();
    assert_eq!(page[0].post, received(&erased(&post)));
    assert_eq!(page[0].changes, [&erased(&change), &like, &delete].map(received));
    assert_eq!(page[1].post, received(&other));
    assert_eq!(page.len(), 2);
    let mut after = before;
    after.add(delete.key());
    assert_eq!(subject.store().digest(ROOM, KeyRange::ALL).unwrap(), after);
}

fn what_comes_after_its_delete_is_stored_erased<S: Subject>() {
    let mut subject = S::open();
    let post = entry(&person(1), ROOM, 1, "regretted");
    let change = edit(1, 3, post.key(), "regretted too");
    put_all(subject.store(), ROOM, &[delete(1, 5, post.key())]);
    subject.restart();
    put_all(subject.store(), ROOM, &[post.clone(), change.clone()]);
    let item = subject.store().post(ROOM, post.key()).unwrap().unwrap();
    assert_eq!(item.post, received(&erased(&post)));
    assert_eq!(item.changes[0], received(&erased(&change)));
}

fn a_delete_vouches_for_an_erased_entry_that_is_not_here<S: Subject>() {
    let mut subject = S::open();
    let (post, other) = (entry(&person(1), ROOM, 1, "regretted"), entry(&person(1), ROOM, 2, "kept"));
    put_all(subject.store(), ROOM, &[delete(1, 5, post.key()), delete(2, 6, other.key())]);
    subject.restart();
    assert_eq!(subject.store().taken_back(ROOM, &erased(&post)).unwrap(), TakenBack::Yes);
    assert_eq!(
        subject.store().taken_back(ROOM, &erased(&other)).unwrap(),
        TakenBack::No,
        "by another person"
    );
}

fn nobody_erases_what_others_wrote<S: Subject>() {
    let mut subject = S::open();
    let post = entry(&person(1), ROOM, 1, "mine");
    let foreign = delete(2, 2, post.key());
    put_all(subject.store(), ROOM, &[post.clone(), foreign.clone()]);
    let late = entry(&person(1), ROOM, 3, "mine too");
    put_all(subject.store(), ROOM, &[delete(2, 4, late.key()), late.clone()]);
    put_all(subject.store(), ROOM, &[delete(2, 5, foreign.key())]);
    assert_eq!(posts(subject.store(), ROOM), [received(&post), received(&late)]);
    let kept = subject.store().entries(ROOM, &[foreign.key()], usize::MAX).unwrap();
    assert_eq!(kept, [received(&foreign)], "a delete is no post");
}

fn an_erased_entry_is_never_replaced_nor_replaces<S: Subject>() {
    let mut subject = S::open();
    let (one, two) = (entry(&person(1), ROOM, 1, "one"), entry(&person(1), ROOM, 2, "two"));
    put_all(subject.store(), ROOM, &[erased(&one), two.clone()]);
    let again = [put(ROOM, &one, Delivery::Received), put(ROOM, &erased(&two), Delivery::Received)];
    assert_eq!(subject.store().apply(&again).unwrap(), [false, false]);
    assert_eq!(posts(subject.store(), ROOM), [received(&erased(&one)), received(&two)]);
}

fn a_delete_that_comes_with_its_post_erases_it<S: Subject>() {
    let mut subject = S::open();
    let (one, two) = (entry(&person(1), ROOM, 1, "one"), entry(&person(1), ROOM, 2, "two"));
    let together = [delete(1, 3, one.key()), one.clone(), two.clone(), delete(1, 4, two.key())];
    put_all(subject.store(), ROOM, &together);
    subject.restart();
    assert_eq!(posts(subject.store(), ROOM), [&one, &two].map(|entry| received(&erased(entry))));
}

fn entries_of_one_millisecond_keep_one_order<S: Subject>() {
    let mut subject = S::open();
    let mut entries: Vec<_> = (1..=9).map(|n| entry(&person(n), ROOM, 0, "same")).collect();
    put_all(subject.store(), ROOM, &entries);
    entries.sort_by_key(Entry::key);
    let key_of = |stored: &StoredEntry| stored.entry.key();
    let all = page(subject.store(), PageAt::Newest, 100);
    assert_eq!(all.iter().map(key_of).collect::<Vec<_>>(), keys(&entries));
    let before = page(subject.store(), PageAt::Before(entries[4].key()), 2);
    assert_eq!(before.iter().map(key_of).collect::<Vec<_>>(), keys(&entries[2..4]));
    let after = page(subject.store(), PageAt::After(entries[4].key()), 2);
    assert_eq!(after.iter().map(key_of).collect::<Vec<_>>(), keys(&entries[5..7]));
    assert_eq!(subject.store().unread(ROOM, Some(entries[4].key()), 100).unwrap(), 4);
}

fn keys(entries: &[Entry]) -> Vec<EntryKey> {
    entries.iter().map(Entry::key).collect()
}

fn conversations_do_not_mix<S: Subject>() {
    let mut subject = S::open();
    for (conversation, text) in [(ROOM, "room"), (CHAT, "chat"), (OTHER_ROOM, "other")] {
        put_all(subject.store(), conversation, &[entry(&person(1), conversation, 1, text)]);
        subject.restart();
    }
    for (conversation, text) in [(ROOM, "room"), (CHAT, "chat"), (OTHER_ROOM, "other")] {
        assert_eq!(texts(&posts(subject.store(), conversation)), [text]);
        assert_eq!(subject.store().unread(conversation, None, 10).unwrap(), 1);
    }
    assert_eq!(subject.store().load().unwrap().conversations, [], "an entry alone makes no record");
}

fn a_duplicate_is_not_fresh_and_changes_nothing<S: Subject>() {
    let mut subject = S::open();
    let one = entry(&person(1), ROOM, 1, "once");
    let twice = [put(ROOM, &one, Delivery::Sent { members: 2 }), put(ROOM, &one, Delivery::Received)];
    assert_eq!(subject.store().apply(&twice).unwrap(), [true, false]);
    subject.restart();
    assert_eq!(subject.store().apply(&twice[1..]).unwrap(), [false]);
    assert_eq!(posts(subject.store(), ROOM), [stored(&one, Delivery::Sent { members: 2 })]);
    assert_eq!(subject.store().apply(&[put(CHAT, &one, Delivery::Received)]).unwrap(), [true]);
}

fn delivery_is_noted<S: Subject>() {
    let mut subject = S::open();
    let one = entry(&person(1), CHAT, 1, "on its way");
    subject.store().apply(&[put(CHAT, &one, Delivery::Queued)]).unwrap();
    let states = [
        Delivery::Sent { members: 70_000 },
        Delivery::Queued,
        Delivery::Failed { reason: Refusal::ClockAhead },
        Delivery::Delivered,
    ];
    for delivery in states {
        let noted = Write::SetDelivery { conversation: CHAT, key: one.key(), delivery };
        assert_eq!(subject.store().apply(&[noted]).unwrap(), Vec::<bool>::new());
        subject.restart();
        assert_eq!(posts(subject.store(), CHAT), [stored(&one, delivery)]);
        let still_queued = usize::from(delivery == Delivery::Queued);
        assert_eq!(subject.store().queued(CHAT, None, 10).unwrap().len(), still_queued);
    }
}

fn a_delivery_without_its_entry_is_nothing<S: Subject>() {
    let mut subject = S::open();
    let one = entry(&person(1), ROOM, 1, "never put");
    for delivery in [Delivery::Queued, Delivery::Delivered] {
        for conversation in [ROOM, CHAT] {
            subject.store().apply(&[Write::SetDelivery { conversation, key: one.key(), delivery }]).unwrap();
        }
        put_all(subject.store(), ROOM, &messages(ROOM, 1)[..usize::from(delivery == Delivery::Queued)]);
    }
    subject.restart();
    assert_eq!(texts(&posts(subject.store(), ROOM)), ["m0"]);
    assert_eq!(subject.store().queued(ROOM, None, 10).unwrap(), []);
}

fn unread_counts_the_posts_of_others<S: Subject>() {
    let mut subject = S::open();
    let entries = messages(ROOM, 12);
    for (n, entry) in entries.iter().enumerate() {
        let delivery = if n % 4 == 0 { Delivery::Delivered } else { Delivery::Received };
        subject.store().apply(&[put(ROOM, entry, delivery)]).unwrap();
    }
    put_all(subject.store(), ROOM, &[reaction(2, 50, entries[0].key())]);
    subject.restart();
    let store = subject.store();
    assert_eq!(store.unread(ROOM, None, 100).unwrap(), 9);
    assert_eq!(store.unread(ROOM, Some(entries[4].key()), 100).unwrap(), 6);
    assert_eq!(store.unread(ROOM, Some(entries[5].key()), 100).unwrap(), 5);
    assert_eq!(store.unread(ROOM, Some(entries[11].key()), 100).unwrap(), 0);
    assert_eq!(store.unread(ROOM, None, 3).unwrap(), 3);
    assert_eq!(store.unread(ROOM, None, 0).unwrap(), 0);
}

fn a_call_that_was_answered_is_not_unread<S: Subject>() {
    let mut subject = S::open();
    let call = |ms, outcome| says(&person(1), CHAT, ms, Content::Call(outcome));
    let answered = call(1, CallOutcome::Answered { seconds: 61 });
    let missed = call(2, CallOutcome::Missed);
    let declined = call(3, CallOutcome::Declined);
    put_all(subject.store(), CHAT, &[answered.clone(), missed, declined]);
    subject.restart();
    assert_eq!(subject.store().unread(CHAT, None, 10).unwrap(), 1);
    let first = posts(subject.store(), CHAT).remove(0);
    assert_eq!((first.delivery, first.entry.content()), (Delivery::Received, answered.content()));
}

fn queued_entries_come_oldest_first<S: Subject>() {
    let mut subject = S::open();
    let entries = messages(CHAT, 8);
    for (n, entry) in entries.iter().enumerate().rev() {
        let delivery = if n % 2 == 0 { Delivery::Queued } else { Delivery::Received };
        subject.store().apply(&[put(CHAT, entry, delivery)]).unwrap();
    }
    subject.restart();
    let store = subject.store();
    assert_eq!(texts(&store.queued(CHAT, None, 10).unwrap()), ["m0", "m2", "m4", "m6"]);
    assert_eq!(texts(&store.queued(CHAT, None, 2).unwrap()), ["m0", "m2"]);
    assert_eq!(texts(&store.queued(CHAT, Some(entries[2].key()), 10).unwrap()), ["m4", "m6"]);
    assert_eq!(texts(&store.queued(CHAT, Some(entries[3].key()), 10).unwrap()), ["m4", "m6"]);
    assert_eq!(store.queued(CHAT, None, 0).unwrap(), []);
    assert_eq!(store.queued(ROOM, None, 10).unwrap(), []);
    assert_eq!(store.count_queued(CHAT, None).unwrap(), 4);
    assert_eq!(store.count_queued(CHAT, Some(entries[2].key())).unwrap(), 2);
    assert_eq!(store.count_queued(ROOM, None).unwrap(), 0);
}

fn digest_of(entries: &[Entry]) -> Digest {
    let mut digest = Digest::default();
    entries.iter().for_each(|entry| digest.add(entry.key()));
    digest
}

/// Texts over five days: the first and the last of each day, and some between.
fn days_of_entries() -> Vec<Entry> {
    let of_day = |day: u64| [0, 1, 1000, DAY_MS / 2, DAY_MS - 1].map(|ms| day * DAY_MS + ms);
    (3..8).flat_map(of_day).map(|ms| entry(&person(1), ROOM, ms, "day")).collect()
}

fn a_digest_holds_what_a_range_holds<S: Subject>() {
    let mut subject = S::open();
    let entries = days_of_entries();
    // In an order in which days come, come back and grow in the middle.
    for start in [2, 0, 1] {
        let part: Vec<_> = entries.iter().skip(start).step_by(3).cloned().collect();
        put_all(subject.store(), ROOM, &part);
        assert!(subject.store().digest(ROOM, KeyRange::ALL).unwrap().count >= part.len() as u64);
        subject.restart();
    }
    for (from, to) in [(0, 25), (0, 5), (5, 15), (3, 17), (7, 8), (24, 25), (9, 9)] {
        let bound = |n: usize| entries.get(n).map(Entry::key);
        let range = KeyRange { from: bound(from), to: bound(to) };
        assert_eq!(
            subject.store().digest(ROOM, range).unwrap(),
            digest_of(&entries[from..to]),
            "{from} {to}"
        );
    }
    assert_eq!(subject.store().digest(ROOM, KeyRange::ALL).unwrap(), digest_of(&entries));
}

fn days_are_told_apart<S: Subject>() {
    let mut subject = S::open();
    let entries = days_of_entries();
    let days: Vec<_> = (3..8).zip(entries.chunks(5).map(digest_of)).collect();
    put_all(subject.store(), ROOM, &entries[10..15]);
    assert_eq!(subject.store().days(ROOM).unwrap(), days[2..3]);
    put_all(subject.store(), ROOM, &entries[15..]);
    put_all(subject.store(), ROOM, &entries[..10]);
    assert_eq!(subject.store().days(ROOM).unwrap(), days);
    subject.restart();
    assert_eq!(subject.store().days(ROOM).unwrap(), days);
    for (day, digest) in days {
        assert_eq!(subject.store().digest(ROOM, range_of_day(day)).unwrap(), digest);
        assert_eq!(digest.newest.map(day_of), Some(day));
    }
}

fn a_digest_is_exact_however_long_the_day_gets<S: Subject>() {
    let mut subject = S::open();
    let entries = messages(ROOM, 900);
    let mut stored = Vec::new();
    // In groups and one by one, with some that come late, over several starts.
    for (start, part) in [&entries[..300], &entries[310..600], &entries[605..]].into_iter().enumerate() {
        for group in part.chunks(if start == 1 { 1 } else { 70 }) {
            put_all(subject.store(), ROOM, group);
        }
        stored.extend_from_slice(part);
        assert_eq!(subject.store().digest(ROOM, KeyRange::ALL).unwrap(), digest_of(&stored));
        subject.restart();
    }
    put_all(subject.store(), ROOM, &entries[300..310]);
    put_all(subject.store(), ROOM, &entries[600..605]);
    assert_eq!(subject.store().digest(ROOM, KeyRange::ALL).unwrap(), digest_of(&entries));
    subject.restart();
    assert_eq!(subject.store().days(ROOM).unwrap(), [(0, digest_of(&entries))]);
}

fn forget(store: &mut dyn HistoryStore, before: EntryKey) {
    store.apply(&[Write::Forget { conversation: ROOM, before }]).unwrap();
}

fn the_oldest_entries_are_forgotten_and_counted_no_more<S: Subject>() {
    let mut subject = S::open();
    let entries = days_of_entries();
    put_all(subject.store(), ROOM, &entries);
    put_all(subject.store(), OTHER_ROOM, &[entry(&person(1), OTHER_ROOM, 1, "kept")]);
    let reaction = reaction(2, 3 * DAY_MS + 2, entries[0].key());
    put_all(subject.store(), ROOM, std::slice::from_ref(&reaction));
    let after_all = range_of_day(99).from.unwrap();
    // From a whole day, in the middle of one, up to the last entry, and all of it.
    for (kept, before) in
        [(5, entries[5].key()), (7, entries[7].key()), (24, entries[24].key()), (25, after_all)]
    {
        for is_new_start in [false, true] {
            forget(subject.store(), before);
            let store = subject.store();
            let left = &entries[kept..];
            assert_eq!(store.keys(ROOM, KeyRange::ALL, 100).unwrap(), keys(left));
            assert_eq!(store.digest(ROOM, KeyRange::ALL).unwrap(), digest_of(left), "{kept}");
            let sums = left.chunk_by(|one, next| day_of(one.key()) == day_of(next.key())).map(digest_of);
            assert_eq!(
                store.days(ROOM).unwrap().into_iter().map(|(_, digest)| digest).collect::<Vec<_>>(),
                sums.collect::<Vec<_>>()
            );
            if is_new_start {
                subject.restart();
            }
        }
    }
    assert_eq!(subject.store().days(ROOM).unwrap(), []);
    assert_eq!(texts(&page(subject.store(), PageAt::Newest, 9)), [""; 0]);
    // As if it had never been there.
    put_all(subject.store(), ROOM, &entries[..6]);
    let post = subject.store().post(ROOM, entries[0].key()).unwrap().unwrap();
    assert_eq!(post.changes, []);
    assert_eq!(subject.store().digest(ROOM, KeyRange::ALL).unwrap(), digest_of(&entries[..6]));
    assert_eq!(subject.store().keys(OTHER_ROOM, KeyRange::ALL, 9).unwrap().len(), 1);
}

fn a_few_thousand_entries_are_forgotten_at_a_time<S: Subject>() {
    let mut subject = S::open();
    let entries = messages(ROOM, 4_200);
    for group in entries.chunks(700) {
        put_all(subject.store(), ROOM, group);
    }
    let before = range_of_day(99).from.unwrap();
    forget(subject.store(), before);
    let left = subject.store().digest(ROOM, KeyRange::ALL).unwrap();
    assert_eq!(left, digest_of(&entries[4_096..]));
    subject.restart();
    assert_eq!(subject.store().digest(ROOM, KeyRange::ALL).unwrap(), left);
    forget(subject.store(), before);
    assert_eq!(subject.store().keys(ROOM, KeyRange::ALL, 9).unwrap(), []);
}

fn keys_are_the_newest_of_a_range<S: Subject>() {
    let mut subject = S::open();
    let entries = messages(ROOM, 9);
    put_all(subject.store(), ROOM, &entries);
    put_all(subject.store(), ROOM, &[reaction(2, 50, entries[0].key())]);
    subject.restart();
    let range = KeyRange { from: Some(entries[2].key()), to: Some(entries[7].key()) };
    let store = subject.store();
    assert_eq!(store.keys(ROOM, range, 100).unwrap(), keys(&entries[2..7]));
    assert_eq!(store.keys(ROOM, range, 2).unwrap(), keys(&entries[5..7]));
    assert_eq!(store.keys(ROOM, KeyRange::ALL, 100).unwrap().len(), 10);
    assert_eq!(store.keys(ROOM, range, 0).unwrap(), []);
}

/// What entries take on the wire.
fn bytes(entries: &[&Entry]) -> usize {
    entries.iter().map(|entry| entry.envelope().size()).sum()
}

fn entries_come_in_the_order_asked<S: Subject>() {
    let mut subject = S::open();
    let entries = messages(ROOM, 9);
    put_all(subject.store(), ROOM, &entries);
    let missing = EntryKey { clock: Hlc::from_ms(3), id: EntryId([9; 32]) };
    let asked = [entries[5].key(), missing, entries[1].key(), entries[8].key()];
    let two = bytes(&[&entries[5], &entries[1]]);
    let store = subject.store();
    assert_eq!(texts(&store.entries(ROOM, &asked, usize::MAX).unwrap()), ["m5", "m1", "m8"]);
    assert_eq!(texts(&store.entries(ROOM, &asked, two).unwrap()), ["m5", "m1"]);
    assert_eq!(texts(&store.entries(ROOM, &asked, two - 1).unwrap()), ["m5"]);
    assert_eq!(texts(&store.entries(ROOM, &asked, 0).unwrap()), ["m5"]);
    assert_eq!(store.entries(ROOM, &[missing], usize::MAX).unwrap(), []);
}

fn entries_of_a_range_come_newest_first<S: Subject>() {
    let mut subject = S::open();
    let entries = messages(ROOM, 9);
    put_all(subject.store(), ROOM, &entries);
    let range = KeyRange { from: Some(entries[2].key()), to: Some(entries[7].key()) };
    let two = bytes(&[&entries[6], &entries[5]]);
    let store = subject.store();
    assert_eq!(texts(&store.entries_in(ROOM, range, usize::MAX).unwrap()), ["m6", "m5", "m4", "m3", "m2"]);
    assert_eq!(texts(&store.entries_in(ROOM, range, two).unwrap()), ["m6", "m5"]);
    assert_eq!(texts(&store.entries_in(ROOM, range, 0).unwrap()), ["m6"]);
}

fn a_range_that_ends_before_it_begins_is_empty<S: Subject>() {
    let mut subject = S::open();
    let entries = days_of_entries();
    put_all(subject.store(), ROOM, &entries);
    let store = subject.store();
    for (from, to) in [(7, 3), (12, 2), (5, 5)] {
        let range = KeyRange { from: Some(entries[from].key()), to: Some(entries[to].key()) };
        assert_eq!(store.digest(ROOM, range).unwrap(), Digest::default());
        assert_eq!(store.keys(ROOM, range, 10).unwrap(), []);
        assert_eq!(store.entries_in(ROOM, range, usize::MAX).unwrap(), []);
    }
}

fn wait(author: u8, post: EntryKey, since_ms: u64) -> Wait {
    Wait { author: person(author).person(), post, since: Hlc::from_ms(since_ms) }
}

fn the_post_before_is_the_newest_of_its_author_in_time<S: Subject>() {
    let mut subject = S::open();
    let said = |author, ms| entry(&person(author), ROOM, ms, "hello");
    let (one, two, others, three) = (said(1, 10), said(1, 20), said(2, 25), said(1, 30));
    let liked = reaction(1, 28, one.key());
    let all = [one, two, others, three, liked];
    put_all(subject.store(), ROOM, &all);
    subject.restart();
    let [one, two, others, three, _] = all.map(|entry| entry.key());
    let store = subject.store();
    let before = |waits: &[Wait]| store.posts_before(ROOM, waits).unwrap();
    assert_eq!(before(&[wait(1, three, 0), wait(1, two, 0)]), [Some(two), Some(one)]);
    assert_eq!(before(&[wait(1, one, 0), wait(2, others, 0), wait(3, three, 0)]), [None; 3]);
    assert_eq!(before(&[wait(1, three, 20), wait(1, three, 21)]), [Some(two), None], "a reaction is no post");
    let not_here = EntryKey { clock: Hlc::from_ms(27), id: EntryId([7; 32]) };
    assert_eq!(before(&[wait(2, not_here, 0)]), [Some(others)]);
    assert_eq!(before(&[]), []);
    assert_eq!(store.posts_before(OTHER_ROOM, &[wait(1, three, 0)]).unwrap(), [None]);
    put_all(subject.store(), ROOM, &[delete(1, 40, two)]);
    assert_eq!(
        subject.store().posts_before(ROOM, &[wait(1, three, 0)]).unwrap(),
        [Some(two)],
        "erased or not"
    );
}

fn posts_far_apart_are_asked_about_together<S: Subject>() {
    let mut subject = S::open();
    let entries = messages(ROOM, 100);
    put_all(subject.store(), ROOM, &entries);
    let key = |n: usize| entries[n].key();
    let waits = [wait(1, key(5), 2), wait(1, key(90), 89), wait(1, key(50), 50), wait(1, key(91), 85)];
    let before = subject.store().posts_before(ROOM, &waits).unwrap();
    assert_eq!(before, [Some(key(4)), Some(key(89)), None, Some(key(90))]);
}

fn conversation(id: ConversationId, seq: u64) -> ConversationRecord {
    let read = (seq > 1).then(|| entry(&person(1), id, 4, "read").key());
    let name = matches!(id, ConversationId::Room(_)).then(RoomName::lobby);
    ConversationRecord { open: seq == 1, read, seq_reserved: seq, ..ConversationRecord::new(id, name) }
}

fn person_record(number: u8, name: &str) -> PersonRecord {
    PersonRecord {
        person: PersonId([number; 32]),
        name: DisplayName::new(name).unwrap(),
        status: StatusLine::new("").unwrap(),
        nickname: Some(DisplayName::new("Nick").unwrap()),
        contact: true,
        devices: vec![DeviceId([number; 32]), DeviceId([9; 32])],
        last_seen_ms: 5,
        ties: ties(number),
    }
}

/// Of some nothing is known, others were let in, and others ask.
fn ties(number: u8) -> Option<Ties> {
    let id = ConversationId::Direct(PersonId([number; 32]));
    let words = entry(&person(number), id, 7, "may I?").envelope().clone();
    let ask = Ask { entry: Some(words.clone()), introduction: Some(words.clone()) };
    let asking = Ties {
        asking: Some(Asking { ask, received_ms: 8 }),
        introduction: Some(words),
        blocked: true,
        ..Ties::default()
    };
    [None, Some(Ties::mutual()), Some(asking)][usize::from(number % 3)].clone()
}

fn member(room: u8, person: u8, last_seen_ms: u64) -> MemberRecord {
    MemberRecord { room: RoomId([room; 32]), person: PersonId([person; 32]), last_seen_ms }
}

fn address(number: u8, addresses: &[&str]) -> AddressRecord {
    let addresses = addresses.iter().map(ToString::to_string).collect();
    AddressRecord { device: DeviceId([number; 32]), addresses, last_ok_ms: 6 }
}

fn profile(name: &str) -> OwnProfile {
    OwnProfile { name: DisplayName::new(name).unwrap(), status: StatusLine::new("on a walk").unwrap() }
}

fn invite(seed: u8, used_by: &[u8]) -> InviteRecord {
    InviteRecord {
        token: TicketToken(ByteArray::new([seed; 16])),
        room: Some(TicketRoom::Public(RoomName::new("Boat").unwrap())),
        made_ms: 1,
        expires_ms: Some(u64::MAX),
        uses: None,
        used_by: used_by.iter().map(|person| PersonId([*person; 32])).collect(),
        revoked: !used_by.is_empty(),
    }
}

fn opening(seed: u8, refused: Option<InviteRefusal>) -> OpeningRecord {
    OpeningRecord {
        token: TicketToken(ByteArray::new([seed; 16])),
        person: PersonId([seed; 32]),
        name: DisplayName::new("Bo").unwrap(),
        devices: vec![DeviceId([seed; 32])],
        room: None,
        opened_ms: 1,
        refused,
    }
}

fn records_are_replaced_and_removed<S: Subject>() {
    let mut subject = S::open();
    let first = [
        Write::PutProfile(profile("Ana")),
        Write::PutConversation(conversation(CHAT, 1)),
        Write::PutConversation(conversation(ROOM, 1)),
        Write::PutPerson(person_record(2, "Bo")),
        Write::PutPerson(person_record(1, "Al")),
        Write::PutMember(member(1, 2, 10)),
        Write::PutMember(member(1, 1, 10)),
        Write::PutAddresses(address(3, &["/ip4/127.0.0.1/udp/1/quic-v1"])),
        Write::PutAddresses(address(2, &["/ip4/127.0.0.1/udp/2/quic-v1"])),
        Write::PutInvite(invite(1, &[])),
        Write::PutInvite(invite(2, &[])),
        Write::PutOpening(opening(3, None)),
        Write::PutOpening(opening(4, None)),
    ];
    subject.store().apply(&first).unwrap();
    subject.restart();
    let second = [
        Write::PutProfile(profile("Anna")),
        Write::PutPrivacy(Privacy { read_receipts: false, typing: true }),
        Write::PutConversation(conversation(ROOM, 2)),
        Write::PutPerson(person_record(2, "Bob")),
        Write::PutPerson(person_record(3, "Cy")),
        Write::RemovePerson(PersonId([3; 32])),
        Write::PutMember(member(1, 2, 20)),
        Write::RemoveMember { room: RoomId([1; 32]), person: PersonId([1; 32]) },
        Write::RemoveMember { room: RoomId([7; 32]), person: PersonId([7; 32]) },
        Write::PutAddresses(address(3, &[])),
        Write::RemoveAddresses(DeviceId([2; 32])),
        Write::RemoveAddresses(DeviceId([7; 32])),
        Write::PutAddresses(address(1, &["/dns/example.org/tcp/4"])),
        Write::PutInvite(invite(1, &[5])),
        Write::RemoveInvite(invite(2, &[]).id()),
        Write::RemoveInvite(invite(9, &[]).id()),
        Write::PutOpening(opening(3, Some(InviteRefusal::UsedUp))),
        Write::RemoveOpening(opening(4, None).id()),
    ];
    subject.store().apply(&second).unwrap();
    subject.restart();
    let expected = Snapshot {
        profile: Some(profile("Anna")),
        privacy: Privacy { read_receipts: false, typing: true },
        conversations: vec![conversation(ROOM, 2), conversation(CHAT, 1)],
        people: vec![person_record(1, "Al"), person_record(2, "Bob")],
        members: vec![member(1, 2, 20)],
        addresses: vec![address(1, &["/dns/example.org/tcp/4"]), address(3, &[])],
        invites: vec![invite(1, &[5])],
        openings: vec![opening(3, Some(InviteRefusal::UsedUp))],
        secrets: vec![],
    };
    assert_eq!(subject.store().load().unwrap(), expected);
}

fn changes_see_those_before_them<S: Subject>() {
    let mut subject = S::open();
    let one = entry(&person(1), CHAT, 1, "quick");
    let writes = [
        put(CHAT, &one, Delivery::Queued),
        Write::SetDelivery { conversation: CHAT, key: one.key(), delivery: Delivery::Delivered },
        put(CHAT, &one, Delivery::Queued),
        Write::PutConversation(conversation(CHAT, 3)),
        Write::PutMember(member(1, 1, 1)),
        Write::RemoveMember { room: RoomId([1; 32]), person: PersonId([1; 32]) },
    ];
    assert_eq!(subject.store().apply(&writes).unwrap(), [true, false]);
    subject.restart();
    assert_eq!(posts(subject.store(), CHAT), [stored(&one, Delivery::Delivered)]);
    assert_eq!(subject.store().queued(CHAT, None, 10).unwrap(), []);
    let snapshot = subject.store().load().unwrap();
    assert_eq!(snapshot.conversations, [conversation(CHAT, 3)]);
    assert_eq!(snapshot.members, []);
}

/// The secret of the only private room here, and the step that brought it.
fn secret() -> SecretRecord {
    let ConversationId::Room(room) = ROOM else { unreachable!() };
    SecretRecord { room, step: EntryId([5; 32]), secret: EpochSecret::new([6; 32]) }
}

/// An entry of the room as it travels: sealed with that secret.
fn sealed(ms: u64, content: Content) -> Entry {
    let SecretRecord { room, step, secret } = secret();
    let ring = Keyring::default();
    ring.add(room, step, secret);
    let author = person(1);
    let plain = says(&author, ROOM, ms, content).value().clone();
    Unverified::sign(plain.sealed(&author, room, &[step], &ring).unwrap(), &author)
}

fn what_is_sealed_opens_once_its_secret_is_here<S: Subject>() {
    let mut subject = S::open();
    let early = sealed(1, Content::text("early"));
    put_all(subject.store(), ROOM, std::slice::from_ref(&early));
    assert_eq!(texts(&posts(subject.store(), ROOM)), ["?"]);
    subject.store().apply(&[Write::PutSecret(secret())]).unwrap();
    put_all(subject.store(), ROOM, &[sealed(2, Content::text("late"))]);
    for _ in 0..2 {
        let read = posts(subject.store(), ROOM);
        assert_eq!(texts(&read), ["early", "late"]);
        assert_eq!(read[0].entry.envelope(), early.envelope(), "what others are given stays sealed");
        assert_eq!(subject.store().load().unwrap().secrets, [secret()]);
        subject.restart();
    }
}

fn a_sealed_delete_erases_in_one_batch_with_its_secret<S: Subject>() {
    for secret_at in 0..3 {
        let mut subject = S::open();
        let post = sealed(1, Content::text("regretted"));
        let delete = sealed(2, Content::Delete { of: post.key() });
        let mut writes: Vec<Write> =
            [&post, &delete].map(|entry| put(ROOM, entry, Delivery::Received)).into();
        writes.insert(secret_at, Write::PutSecret(secret()));
        subject.store().apply(&writes).unwrap();
        subject.restart();
        let item = subject.store().post(ROOM, post.key()).unwrap().unwrap();
        assert!(item.post.entry.is_erased(), "the secret at {secret_at}");
    }
}

fn a_sealed_delete_erases_whenever_its_secret_comes<S: Subject>() {
    for secret_comes_first in [true, false] {
        let mut subject = S::open();
        let post = sealed(1, Content::text("regretted"));
        let delete = sealed(2, Content::Delete { of: post.key() });
        let put_secret = [Write::PutSecret(secret())];
        if secret_comes_first {
            subject.store().apply(&put_secret).unwrap();
        }
        put_all(subject.store(), ROOM, &[post.clone(), delete]);
        if !secret_comes_first {
            subject.store().apply(&put_secret).unwrap();
        }
        subject.restart();
        let item = subject.store().post(ROOM, post.key()).unwrap().unwrap();
        assert!(item.post.entry.is_erased(), "the secret first: {secret_comes_first}");
        assert_eq!(subject.store().taken_back(ROOM, &post).unwrap(), TakenBack::Yes);
    }
}

fn a_change_that_cannot_be_read_may_be_a_delete<S: Subject>() {
    for (is_delete, in_truth) in [(true, TakenBack::Yes), (false, TakenBack::No)] {
        let mut subject = S::open();
        let post = sealed(1, Content::text("regretted, or not"));
        let of = post.key();
        let change =
            if is_delete { Content::Delete { of } } else { Content::Edit { of, text: "not".into() } };
        put_all(subject.store(), ROOM, &[sealed(2, change), erased(&post)]);
        subject.restart();
        let perhaps = TakenBack::Perhaps([secret().step].into());
        assert_eq!(subject.store().taken_back(ROOM, &erased(&post)).unwrap(), perhaps);
        subject.store().apply(&[Write::PutSecret(secret())]).unwrap();
        assert_eq!(subject.store().taken_back(ROOM, &erased(&post)).unwrap(), in_truth);
    }
}

fn large_and_foreign_text_survives<S: Subject>() {
    let mut subject = S::open();
    let entries: Vec<_> = (0..40)
        .map(|ms| entry(&person(1), ROOM, ms, &"é".repeat(kinmesh_proto::limits::TEXT_MAX / 2)))
        .collect();
    put_all(subject.store(), ROOM, &entries);
    subject.restart();
    let page = posts(subject.store(), ROOM);
    assert_eq!(page.len(), 40);
    assert!(page.iter().zip(&entries).all(|(stored, entry)| stored.entry == *entry));
}
