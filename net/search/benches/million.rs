//! Search in a history of MESSAGES (1,000,000) entries: `cargo bench -p kinmesh-search`; with SEALED set
//! the index is sealed.
//!
//! The index alone, over a memory store: the time of a search includes reading and comparing its
//! hits, and excludes the disk's.

#![allow(clippy::unwrap_used, clippy::print_stdout)] // A measurement talks and may fail.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use kinmesh_proto::{
    Content, ConversationId, ConversationRecord, Delivery, DeviceKeys, EntryBody, Hlc, RoomId, StoredEntry,
    Unverified, Write,
};
use kinmesh_seal::Seal;
use kinmesh_search::{Query, Search, SearchState};
use kinmesh_store::{HistoryStore, MemoryStore, StoreHandle};

const ROOMS: u8 = 20;
const PEOPLE: u8 = 50;
/// From entry to entry.
const MINUTE_MS: u64 = 60_000;
/// Typed one after the other: common and rare words, unfinished ones, Chinese.
const TYPED: [&str; 12] =
    ["k", "ka", "kal", "kalo", "ka lo", "ka lo m", "ka lo mi ne", "th er t", "一", "一丁", "一丁丂", "zzz"];

/// Evenly spread and the same in every run (SplitMix64).
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut x = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        x ^ (x >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.roll() % end
    }

    /// Zipf's law: the n-th of a language's words is an n-th as frequent as the first.
    fn rank(&mut self, words: f64) -> u64 {
        let share = (self.roll() >> 11) as f64 / (1_u64 << 53) as f64;
        words.powf(share) as u64 - 1
    }

    fn text(&mut self) -> String {
        if self.below(5) == 0 {
            let han = |dice: &mut Self| char::from_u32(0x4E00 + dice.rank(4000.0) as u32).unwrap();
            return (0..4 + self.below(40)).map(|_| han(self)).collect();
        }
        (0..5 + self.below(60)).map(|_| word(self.rank(200_000.0))).collect::<Vec<_>>().join(" ")
    }
}

/// The word of a rank, made of syllables.
fn word(mut rank: u64) -> String {
    const SYLLABLES: [&str; 40] = [
        "ka", "lo", "mi", "ne", "ru", "sa", "ti", "vo", "we", "xa", "ya", "zu", "ba", "ce", "di", "fo", "gu",
        "ha", "in", "jo", "ki", "la", "me", "no", "pu", "qua", "re", "so", "ta", "un", "va", "wi", "ex",
        "by", "zo", "an", "er", "or", "st", "th",
    ];
    let mut word = String::new();
    loop {
        word.push_str(SYLLABLES[(rank % 40) as usize]);
        rank /= 40;
        if rank == 0 {
            return word;
        }
    }
}

/// A store of this many entries, and the bytes of their texts.
fn filled(messages: u64) -> (MemoryStore, usize) {
    let mut dice = Dice(1);
    let mut store = MemoryStore::new();
    let mut bytes = 0;
    let people: Vec<_> = (0..PEOPLE).map(|n| DeviceKeys::generate(&[n; 32], &[n ^ 0x80; 32], 0)).collect();
    let rooms: Vec<_> = (0..ROOMS).map(|n| ConversationId::Room(RoomId([n; 32]))).collect();
    let records = rooms.iter().map(|room| Write::PutConversation(ConversationRecord::new(*room, None)));
    store.apply(&records.collect::<Vec<_>>()).unwrap();
    for n in 0..messages {
        let keys = &people[dice.below(u64::from(PEOPLE)) as usize];
        let room = rooms[dice.below(u64::from(ROOMS)) as usize];
        let text = dice.text();
        bytes += text.len();
        let body = EntryBody {
            conversation: room.tag(keys.person()),
            clock: Hlc::from_ms(n * MINUTE_MS + dice.below(MINUTE_MS)),
            seq: n + 1,
            prev: Vec::new(),
            content: Content::text(text),
        };
        let entry = Unverified::sign(body, keys);
        let stored = StoredEntry { entry, delivery: Delivery::Received, received_ms: 0 };
        store.apply(&[Write::PutEntry { conversation: room, stored }]).unwrap();
    }
    (store, bytes)
}

fn size_of(dir: &Path) -> u64 {
    fs::read_dir(dir).unwrap().map(|file| file.unwrap().metadata().unwrap().len()).sum()
}

async fn is_ready(search: &Search) -> Duration {
    let start = Instant::now();
    search.watch().wait_for(|state| *state == SearchState::Ready).await.unwrap();
    start.elapsed()
}

async fn measure(search: &Search, typed: &str) {
    let query = Query { text: typed.to_owned(), limit: 50, ..Query::default() };
    let mut times = Vec::new();
    let mut hits = 0;
    for _ in 0..21 {
        let start = Instant::now();
        hits = search.find(&query).await.unwrap().len();
        times.push(start.elapsed());
    }
    let first = times[0];
    times.sort();
    println!(
        "{typed:12} {hits:3} hits, first {first:9.1?}, median {:9.1?}, worst {:9.1?}",
        times[10], times[20]
    );
}

#[tokio::main]
async fn main() {
    let messages = std::env::var("MESSAGES").map_or(1_000_000, |messages| messages.parse().unwrap());
    let dir = tempfile::tempdir().unwrap();
    let index = dir.path().join("search");
    let (store, bytes) = filled(messages);
    let (told, _completions) = tokio::sync::mpsc::channel(1);
    let store = StoreHandle::spawn(Box::new(store), told);

    let seal = std::env::var_os("SEALED").map(|_| Seal::new(&[1; 32]));
    let search = Search::spawn_sealed(index.clone(), seal.clone(), store.clone());
    println!("{messages} entries, {} MB of text", bytes / 1_000_000);
    println!("indexed in {:.1?}", is_ready(&search).await);
    search.close().await;
    println!(
        "{} MB on the disk, {:.2} of the text",
        size_of(&index) / 1_000_000,
        size_of(&index) as f64 / bytes as f64
    );
    let search = Search::spawn_sealed(index, seal, store);
    println!("opened, examined and compared in {:.1?}", is_ready(&search).await);
    for typed in TYPED {
        measure(&search, typed).await;
    }
    search.close().await;
}
