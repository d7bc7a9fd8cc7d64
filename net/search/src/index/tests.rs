//! The index against a list of what it should hold.

use std::collections::BTreeMap;

use kinmesh_proto::{ConversationId, EntryId, EntryKey, Hlc, PersonId, RoomId};

use tempfile::TempDir;

use super::*;
use crate::query::Query;

/// Evenly spread and the same in every run (SplitMix64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut x = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (x ^ (x >> 31)) % end
    }

    fn place(&mut self) -> Place {
        let conversation = ConversationId::Room(RoomId([self.below(3) as u8; 32]));
        // Ten days; some entries at the same moment.
        let clock = Hlc::from_ms(self.below(10) * 86_400_000 + self.below(50));
        Place::of(conversation, EntryKey { clock, id: EntryId([self.below(4) as u8; 32]) })
    }

    fn text(&mut self) -> String {
        let words = ["tea", "team", "time", "乌龙茶", "绿茶", "ok"];
        (0..3).map(|_| words[self.below(6) as usize]).collect::<Vec<_>>().join(" ")
    }

    fn query(&mut self) -> Query {
        let typed = ["t", "te", "tea", "tea ", "ti o", "茶", "龙茶", "乌龙茶 t", "", "x"];
        let maybe = |dice: &mut Self, of: u64| (dice.below(3) == 0).then(|| dice.below(of));
        let place = self.place();
        Query {
            text: typed[self.below(10) as usize].to_owned(),
            authors: maybe(self, 2).map(|author| PersonId([author as u8; 32])).into_iter().collect(),
            conversation: maybe(self, 1).map(|_| place.conversation),
            from_ms: maybe(self, 8 * 86_400_000),
            to_ms: maybe(self, 10 * 86_400_000),
            before: maybe(self, 1).and_then(|_| place.keys().from),
            limit: 1 + self.below(20) as usize,
        }
    }
}

type Model = BTreeMap<Place, (PersonId, String)>;

fn document(place: Place, author: PersonId, text: &str) -> Document {
    Document { place, found_by: Some(Findable { author, parts: words::parts(&words::fold(text)) }) }
}

/// Adds, replaces and removes, with a commit now and then.
fn shuffle(dice: &mut Dice, index: &SearchIndex, model: &mut Model) {
    let mut writing = index.write().unwrap();
    for _ in 0..200 {
        let place = dice.place();
        let gone: Vec<Place> = (0..dice.below(3)).map(|_| dice.place()).chain([place]).collect();
        writing.remove(gone.iter().copied()).unwrap();
        model.retain(|place, _| !gone.contains(place));
        if dice.below(4) > 0 {
            let (author, text) = (PersonId([dice.below(2) as u8; 32]), dice.text());
            writing.add(&document(place, author, &text)).unwrap();
            model.insert(place, (author, text));
        }
        if dice.below(100) == 0 {
            writing.remove_day(place.conversation, place.day());
            model.retain(|other, _| (other.conversation, other.day()) != (place.conversation, place.day()));
        }
        if dice.below(40) == 0 {
            writing.commit().unwrap();
        }
    }
    writing.finish().unwrap();
}

/// What the index should answer: no less than what matches, and what it leaves out is older.
fn check(view: &View, lookup: &Lookup, model: &Model) {
    let matches = |(place, (author, text)): &(&Place, &(PersonId, String))| {
        lookup.admits(place, *author) && lookup.pattern.matches(text)
    };
    let wanted: Vec<Place> = model.iter().rev().filter(matches).map(|(place, _)| *place).collect();
    let Places { newest, is_all } = view.places(lookup).unwrap();
    assert!(newest.is_sorted_by(|newer, older| newer > older), "{lookup:?}");
    assert!(newest.len() <= lookup.limit);
    let oldest = newest.last().filter(|_| !is_all);
    let reached = wanted.iter().filter(|place| oldest.is_none_or(|oldest| *place >= oldest));
    for place in reached {
        assert!(newest.contains(place), "{place:?} is missing from {newest:?} for {lookup:?}");
    }
    for place in &newest {
        assert!(lookup.admits(place, model[place].0), "{place:?} was not asked for by {lookup:?}");
    }
}

fn files(dir: &TempDir, seal: Option<u8>) -> Files {
    let seal = seal.map(|byte| Seal::new(&[byte; 32]));
    Files { dir: dir.path().join("index"), seal }
}

#[test]
fn it_finds_what_it_holds_through_changes_and_merges() {
    [None, Some(1)].into_iter().for_each(finds_what_it_holds);
}

fn finds_what_it_holds(seal: Option<u8>) {
    let dir = tempfile::tempdir().unwrap();
    let mut dice = Dice(1);
    let mut model = Model::new();
    let index = SearchIndex::create(&files(&dir, seal)).unwrap();
    for _ in 0..4 {
        shuffle(&mut dice, &index, &mut model);
        let view = index.view().unwrap();
        for _ in 0..200 {
            if let Some(lookup) = Lookup::new(&dice.query()) {
                check(&view, &lookup, &model);
            }
        }
        assert_eq!(view.covered().unwrap(), covered_by(&model));
    }
    drop(index);
    let again = SearchIndex::open(&files(&dir, seal)).unwrap();
    assert_eq!(again.view().unwrap().covered().unwrap(), covered_by(&model));
}

fn covered_by(model: &Model) -> Covered {
    let mut covered = Covered::new();
    for place in model.keys() {
        covered.entry((place.conversation, place.day())).or_default().add(place.head);
    }
    covered
}

#[test]
fn what_was_not_committed_was_never_there() {
    let dir = tempfile::tempdir().unwrap();
    let index = SearchIndex::create(&files(&dir, None)).unwrap();
    let writing = index.write().unwrap();
    writing.add(&document(Dice(1).place(), PersonId([1; 32]), "tea")).unwrap();
    drop(writing);
    assert!(index.view().unwrap().covered().unwrap().is_empty());
}

#[test]
fn a_sealed_index_opens_with_its_seal_only() {
    let dir = tempfile::tempdir().unwrap();
    SearchIndex::create(&files(&dir, Some(1))).unwrap();
    assert!(SearchIndex::open(&files(&dir, Some(1))).is_ok());
    assert!(SearchIndex::open(&files(&dir, Some(2))).is_err());
    assert!(SearchIndex::open(&files(&dir, None)).is_err());
}

#[cfg(unix)]
#[test]
fn nobody_else_may_look_into_it() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let files = files(&dir, None);
    SearchIndex::create(&files).unwrap();
    assert_eq!(fs::metadata(files.dir).unwrap().permissions().mode() & 0o777, 0o700);
}
