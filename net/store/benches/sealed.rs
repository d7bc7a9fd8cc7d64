//! What a seal costs: 100,000 entries with it and without it.
//!
//! `cargo bench -p kinmesh-store`; `MESSAGES` sets how many.

#![allow(clippy::print_stdout, clippy::unwrap_used)] // A measurement tells, and a panic is its report.

use std::path::Path;
use std::time::{Duration, Instant};

use kinmesh_proto::{
    Content, ConversationId, Delivery, DeviceKeys, EntryBody, Hlc, KeyRange, PageAt, RoomId, StoredEntry,
    Unverified, Write,
};
use kinmesh_seal::{DataKey, Seal};
use kinmesh_store::{Directory, HistoryStore, SledStore};

const ROOM: ConversationId = ConversationId::Room(RoomId([1; 32]));
/// What the storage thread puts into one group.
const GROUP: usize = 256;
/// Values sealed and opened for one figure.
const VALUES: u32 = 100_000;

fn writes(messages: u64) -> Vec<Write> {
    let keys = DeviceKeys::generate(&[1; 32], &[2; 32], 0);
    let put = |n| {
        let content = Content::text(format!("{n:200}"));
        let (conversation, clock) = (ROOM.tag(keys.person()), Hlc::from_ms(n * 60_000));
        let body = EntryBody { conversation, clock, seq: n + 1, prev: Vec::new(), content };
        let entry = Unverified::sign(body, &keys);
        let stored = StoredEntry { entry, delivery: Delivery::Received, received_ms: 0 };
        Write::PutEntry { conversation: ROOM, stored }
    };
    (0..messages).map(put).collect()
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    (work(), start.elapsed())
}

fn open(dir: &Path, seal: Option<Seal>) -> SledStore {
    SledStore::open_in(Directory::lock(dir).unwrap(), seal).unwrap().0
}

fn measure(name: &str, writes: &[Write], seal: Option<Seal>) {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path(), seal.clone());
    let ((), wrote) = timed(|| writes.chunks(GROUP).for_each(|group| drop(store.apply(group).unwrap())));
    drop(store);
    let size = std::fs::metadata(dir.path().join("sled/db")).unwrap().len() / 1_000_000;
    let (store, opened) = timed(|| open(dir.path(), seal.clone()));
    let (_, page) = timed(|| store.page(ROOM, PageAt::Newest, 50).unwrap());
    let (_, all) = timed(|| store.entries_in(ROOM, KeyRange::ALL, usize::MAX).unwrap());
    println!(
        "{name}: written in {wrote:.2?}, {size} MB, opened in {opened:.2?}, 50 posts in {page:.2?}, all read in {all:.2?}"
    );
    drop(store);
    let to = if seal.is_some() { None } else { Some(DataKey::random().seal("bench")) };
    let directory = Directory::lock(dir.path()).unwrap();
    let (directory, again) = timed(|| SledStore::reseal(directory, seal, to).unwrap());
    directory.adopt_resealed().unwrap();
    println!("{name}: written anew the other way in {again:.2?}");
}

fn measure_values() {
    let seal = DataKey::random().seal("bench");
    let value = vec![7; 350];
    let sealed = seal.close(b"place", &value);
    let ((), closing) = timed(|| (0..VALUES).for_each(|_| drop(seal.close(b"place", &value))));
    let ((), opening) = timed(|| (0..VALUES).for_each(|_| drop(seal.open(b"place", &sealed).unwrap())));
    println!("350 bytes: sealed in {:.2?}, opened in {:.2?}", closing / VALUES, opening / VALUES);
}

fn main() {
    let messages = std::env::var("MESSAGES").map_or(100_000, |messages| messages.parse().unwrap());
    let writes = writes(messages);
    measure_values();
    measure("plain", &writes, None);
    measure("sealed", &writes, Some(DataKey::random().seal("bench")));
}
