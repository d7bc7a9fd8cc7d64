//! What every store must do, run on each of them.

#![allow(clippy::unwrap_used)] // A panic is the report, in a test's helpers too.

#[path = "support/fixtures.rs"]
mod fixtures;

use std::path::Path;

use fixtures::{CHAT, OTHER_ROOM, ROOM, entry, person, put, stored};
use kinmesh_proto::{
    AddressRecord, ConversationId, ConversationRecord, Delivery, DeviceId, DisplayName, Entry, EntryKey,
    MemberRecord, OwnProfile, PersonId, PersonRecord, Refusal, RoomId, RoomName, Snapshot, StatusLine, Write,
};
use kinmesh_store::{HistoryStore, MemoryStore, SledStore};

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

struct Sled {
    store: Option<SledStore>,
    dir: tempfile::TempDir,
}

fn open_sled(dir: &Path) -> SledStore {
    let (store, report) = SledStore::open(dir).unwrap();
    assert_eq!(report.set_aside, None);
    store
}

impl Subject for Sled {
    fn open() -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self { store: Some(open_sled(dir.path())), dir }
    }

    fn store(&mut self) -> &mut dyn HistoryStore {
        self.store.as_mut().unwrap()
    }

    fn restart(&mut self) {
        self.store = None;
        self.store = Some(open_sled(self.dir.path()));
    }
}

macro_rules! conformance {
    ($($test:ident)*) => {
        mod memory {
            $(#[test] fn $test() { super::$test::<super::Memory>(); })*
        }
        mod sled {
            $(#[test] fn $test() { super::$test::<super::Sled>(); })*
        }
    };
}

conformance! {
    a_new_store_is_empty
    entries_come_back_as_they_were
    pages_run_back_in_order
    entries_of_one_millisecond_keep_one_order
    conversations_do_not_mix
    a_duplicate_is_not_fresh_and_changes_nothing
    delivery_is_noted
    a_delivery_without_its_entry_is_nothing
    unread_counts_what_others_wrote
    queued_entries_come_oldest_first
    records_are_replaced_and_removed
    changes_see_those_before_them
    large_and_foreign_text_survives
}

fn texts(page: &[kinmesh_store::StoredEntry]) -> Vec<&str> {
    page.iter().map(|stored| stored.entry.text().unwrap()).collect()
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
    assert_eq!(store.page(ROOM, None, 10).unwrap(), []);
    assert_eq!(store.unread(ROOM, None, 10).unwrap(), 0);
    assert_eq!(store.queued(ROOM, 10).unwrap(), []);
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
    let page = subject.store().page(ROOM, None, 10).unwrap();
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
    let newest = store.page(ROOM, None, 10).unwrap();
    assert_eq!(texts(&newest).first(), Some(&"m15"));
    assert_eq!(texts(&newest).last(), Some(&"m24"));
    let middle = store.page(ROOM, Some(newest[0].entry.key()), 10).unwrap();
    assert_eq!((texts(&middle)[0], texts(&middle)[9]), ("m5", "m14"));
    let oldest = store.page(ROOM, Some(middle[0].entry.key()), 10).unwrap();
    assert_eq!(texts(&oldest), ["m0", "m1", "m2", "m3", "m4"]);
    assert_eq!(store.page(ROOM, Some(oldest[0].entry.key()), 10).unwrap(), []);
    assert_eq!(store.page(ROOM, None, 0).unwrap(), []);
}

fn entries_of_one_millisecond_keep_one_order<S: Subject>() {
    let mut subject = S::open();
    let mut entries: Vec<_> = (1..=9).map(|n| entry(&person(n), ROOM, 0, "same")).collect();
    put_all(subject.store(), ROOM, &entries);
    entries.sort_by_key(Entry::key);
    let page = subject.store().page(ROOM, None, 100).unwrap();
    assert_eq!(page.iter().map(|stored| stored.entry.key()).collect::<Vec<_>>(), keys(&entries));
    let before = subject.store().page(ROOM, Some(entries[4].key()), 2).unwrap();
    assert_eq!(before.iter().map(|stored| stored.entry.key()).collect::<Vec<_>>(), keys(&entries[2..4]));
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
        assert_eq!(texts(&subject.store().page(conversation, None, 10).unwrap()), [text]);
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
    let page = subject.store().page(ROOM, None, 10).unwrap();
    assert_eq!(page, [stored(&one, Delivery::Sent { members: 2 })]);
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
        assert_eq!(subject.store().page(CHAT, None, 10).unwrap(), [stored(&one, delivery)]);
        let still_queued = usize::from(delivery == Delivery::Queued);
        assert_eq!(subject.store().queued(CHAT, 10).unwrap().len(), still_queued);
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
    assert_eq!(texts(&subject.store().page(ROOM, None, 10).unwrap()), ["m0"]);
    assert_eq!(subject.store().queued(ROOM, 10).unwrap(), []);
}

fn unread_counts_what_others_wrote<S: Subject>() {
    let mut subject = S::open();
    let entries = messages(ROOM, 12);
    for (n, entry) in entries.iter().enumerate() {
        let delivery = if n % 4 == 0 { Delivery::Delivered } else { Delivery::Received };
        subject.store().apply(&[put(ROOM, entry, delivery)]).unwrap();
    }
    subject.restart();
    let store = subject.store();
    assert_eq!(store.unread(ROOM, None, 100).unwrap(), 9);
    assert_eq!(store.unread(ROOM, Some(entries[4].key()), 100).unwrap(), 6);
    assert_eq!(store.unread(ROOM, Some(entries[5].key()), 100).unwrap(), 5);
    assert_eq!(store.unread(ROOM, Some(entries[11].key()), 100).unwrap(), 0);
    assert_eq!(store.unread(ROOM, None, 3).unwrap(), 3);
    assert_eq!(store.unread(ROOM, None, 0).unwrap(), 0);
}

fn queued_entries_come_oldest_first<S: Subject>() {
    let mut subject = S::open();
    let entries = messages(CHAT, 8);
    for (n, entry) in entries.iter().enumerate().rev() {
        let delivery = if n % 2 == 0 { Delivery::Queued } else { Delivery::Received };
        subject.store().apply(&[put(CHAT, entry, delivery)]).unwrap();
    }
    subject.restart();
    assert_eq!(texts(&subject.store().queued(CHAT, 10).unwrap()), ["m0", "m2", "m4", "m6"]);
    assert_eq!(texts(&subject.store().queued(CHAT, 2).unwrap()), ["m0", "m2"]);
    assert_eq!(subject.store().queued(CHAT, 0).unwrap(), []);
    assert_eq!(subject.store().queued(ROOM, 10).unwrap(), []);
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
    }
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
    ];
    subject.store().apply(&first).unwrap();
    subject.restart();
    let second = [
        Write::PutProfile(profile("Anna")),
        Write::PutConversation(conversation(ROOM, 2)),
        Write::PutPerson(person_record(2, "Bob")),
        Write::PutPerson(person_record(3, "Cy")),
        Write::RemovePerson(PersonId([3; 32])),
        Write::PutMember(member(1, 2, 20)),
        Write::RemoveMember { room: RoomId([1; 32]), person: PersonId([1; 32]) },
        Write::RemoveMember { room: RoomId([7; 32]), person: PersonId([7; 32]) },
        Write::PutAddresses(address(3, &[])),
        Write::PutAddresses(address(1, &["/dns/example.org/tcp/4"])),
    ];
    subject.store().apply(&second).unwrap();
    subject.restart();
    let expected = Snapshot {
        profile: Some(profile("Anna")),
        conversations: vec![conversation(ROOM, 2), conversation(CHAT, 1)],
        people: vec![person_record(1, "Al"), person_record(2, "Bob")],
        members: vec![member(1, 2, 20)],
        addresses: vec![address(1, &["/dns/example.org/tcp/4"]), address(3, &[])],
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
    assert_eq!(subject.store().page(CHAT, None, 10).unwrap(), [stored(&one, Delivery::Delivered)]);
    assert_eq!(subject.store().queued(CHAT, 10).unwrap(), []);
    let snapshot = subject.store().load().unwrap();
    assert_eq!(snapshot.conversations, [conversation(CHAT, 3)]);
    assert_eq!(snapshot.members, []);
}

fn large_and_foreign_text_survives<S: Subject>() {
    let mut subject = S::open();
    let entries: Vec<_> = (0..40)
        .map(|ms| entry(&person(1), ROOM, ms, &"é".repeat(kinmesh_proto::limits::TEXT_MAX / 2)))
        .collect();
    put_all(subject.store(), ROOM, &entries);
    subject.restart();
    let page = subject.store().page(ROOM, None, 100).unwrap();
    assert_eq!(page.len(), 40);
    assert!(page.iter().zip(&entries).all(|(stored, entry)| stored.entry == *entry));
}
