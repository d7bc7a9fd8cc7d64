//! The tantivy index: one document for each entry, found by its words, author, conversation and day.
//!
//! It must never know the store: what it is told to hold, it holds. Everything here blocks. Damage
//! is an error or a panic; whoever meets it throws the directory away and fills a new one.

mod at_places;
mod covered;
mod newest;
mod schema;
mod sealed;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kinmesh_proto::{ConversationId, PersonId};
use kinmesh_seal::Seal;
use tantivy::Directory;
use tantivy::directory::MmapDirectory;
use tantivy::index::SegmentComponent;
use tantivy::indexer::{IndexWriterOptions, LogMergePolicy};
use tantivy::query::doc_predicate_query::DocPredicateQuery;
use tantivy::query::{AllQuery, BooleanQuery, Query as Clause, RangeQuery, TermQuery};
use tantivy::schema::IndexRecordOption;
use tantivy::{
    Index, IndexReader, IndexSettings, IndexSortByField, IndexWriter, Order, ReloadPolicy, SegmentMeta,
    TantivyError, Term,
};

pub(crate) use covered::Covered;
pub(crate) use newest::Places;

use crate::place::{Place, day_of};
use crate::query::{Lookup, Wanted};
use crate::words::{self, Part};
use at_places::{AtPlaces, Orders};
use newest::Stretch;
use schema::Fields;
use sealed::SealedDirectory;

/// What tantivy gathers in memory before it writes a segment: the least that it takes.
const WRITER_BYTES: usize = 15_000_000;

/// Segments of one size that make one merge. Fewer than tantivy's 8: a search looks through each.
const MERGE_SEGMENTS: usize = 6;

/// A segment of which more than this was taken out is written anew, so that erased words go.
const ERASED_SHARE_MAX: f32 = 0.1;

/// Most clauses of one search. What is beyond is held against the text only.
const CLAUSES_MAX: usize = 32;

/// What an entry is to the index.
#[derive(Debug, Clone)]
pub(crate) struct Document {
    pub(crate) place: Place,
    /// `None` when the entry is only counted: a change, or a post without text.
    pub(crate) found_by: Option<Findable>,
}

impl Document {
    /// Its size in memory, roughly.
    pub(crate) fn size(&self) -> usize {
        let parts = self.found_by.iter().flat_map(|found_by| &found_by.parts);
        size_of::<Self>() + parts.map(|part| size_of::<Part>() + part.text().len()).sum::<usize>()
    }
}

/// What a post is found by, besides its place.
#[derive(Debug, Clone)]
pub(crate) struct Findable {
    pub(crate) author: PersonId,
    /// Its text, cut.
    pub(crate) parts: Vec<Part>,
}

/// Where an index lies, and what seals its files if anything does.
#[derive(Debug, Clone)]
pub(crate) struct Files {
    pub(crate) dir: PathBuf,
    pub(crate) seal: Option<Seal>,
}

impl Files {
    fn open(&self) -> tantivy::Result<Box<dyn Directory>> {
        let files = MmapDirectory::open(&self.dir)?;
        Ok(match self.seal.clone() {
            Some(seal) => Box::new(SealedDirectory { files, seal }),
            None => Box::new(files),
        })
    }
}

/// An index on the disk. Opening it costs little memory, writing costs [`WRITER_BYTES`] and threads.
#[derive(Clone)]
pub(crate) struct SearchIndex {
    index: Index,
    fields: Fields,
}

impl SearchIndex {
    /// Opens the index and examines every byte of its segments.
    pub(crate) fn open(files: &Files) -> tantivy::Result<Self> {
        let (fields, schema) = Fields::new();
        let index = Index::open(files.open()?)?;
        if index.schema() != schema {
            return Err(TantivyError::SchemaError("another format".to_owned()));
        }
        for file in index.searchable_segment_metas()?.iter().flat_map(files_of) {
            if !index.directory().validate_checksum(&file)? {
                return Err(TantivyError::InternalError("a file is damaged".to_owned()));
            }
        }
        Ok(Self { index, fields })
    }

    /// Makes an empty index; whatever was there goes.
    pub(crate) fn create(files: &Files) -> tantivy::Result<Self> {
        match fs::remove_dir_all(&files.dir) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
            _ => make_private(&files.dir)?,
        }
        let (fields, schema) = Fields::new();
        let settings = IndexSettings {
            sort_by_field: Some(IndexSortByField { field: schema::CLOCK.to_owned(), order: Order::Desc }),
            docstore_compress_dedicated_thread: false,
            ..IndexSettings::default()
        };
        let index = Index::create(files.open()?, schema, settings)?;
        Ok(Self { index, fields })
    }

    /// Opens a view of what was committed last.
    pub(crate) fn view(&self) -> tantivy::Result<View> {
        let reader = self.index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into()?;
        Ok(View { reader, fields: self.fields })
    }

    /// Begins to change it. One at a time.
    pub(crate) fn write(&self) -> tantivy::Result<Writing> {
        let options = IndexWriterOptions::builder()
            .memory_budget_per_thread(WRITER_BYTES)
            .num_worker_threads(1)
            .num_merge_threads(1)
            .build();
        let writer = self.index.writer_with_options(options)?;
        let mut merges = LogMergePolicy::default();
        merges.set_min_num_segments(MERGE_SEGMENTS);
        merges.set_del_docs_ratio_before_merge(ERASED_SHARE_MAX);
        writer.set_merge_policy(Box::new(merges));
        Ok(Writing { writer, fields: self.fields })
    }
}

/// The files that a segment must have.
fn files_of(segment: &SegmentMeta) -> impl Iterator<Item = PathBuf> {
    use SegmentComponent::{Delete, FastFields, FieldNorms, Positions, Postings, Store, Terms};
    let always = [Postings, Positions, Terms, FieldNorms, FastFields, Store];
    always.into_iter().chain(segment.has_deletes().then_some(Delete)).map(|file| segment.relative_path(file))
}

/// Terms are as good as the text: only its owner may read them.
fn make_private(dir: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(dir)
}

/// An index that is being changed. What is not committed when it goes was never there.
pub(crate) struct Writing {
    writer: IndexWriter,
    fields: Fields,
}

impl Writing {
    /// Adds an entry that is not there.
    pub(crate) fn add(&self, document: &Document) -> tantivy::Result<()> {
        self.writer.add_document(self.fields.write(document)).map(drop)
    }

    /// Takes out whatever stands at these places.
    pub(crate) fn remove(&self, places: impl Iterator<Item = Place>) -> tantivy::Result<()> {
        let mut days: BTreeMap<(ConversationId, u32), Orders> = BTreeMap::new();
        for place in places {
            days.entry((place.conversation, place.day())).or_default().insert((place.clock, place.head));
        }
        for ((conversation, day), orders) in days {
            let places = AtPlaces { day: self.fields.day_term(conversation, day), orders: Arc::new(orders) };
            self.writer.delete_query(Box::new(DocPredicateQuery::from(places)))?;
        }
        Ok(())
    }

    /// Takes out a day of a conversation.
    pub(crate) fn remove_day(&self, conversation: ConversationId, day: u32) {
        self.writer.delete_term(self.fields.day_term(conversation, day));
    }

    /// Makes the changes so far last.
    pub(crate) fn commit(&mut self) -> tantivy::Result<()> {
        self.writer.commit().map(drop)
    }

    /// The same, and waits until what it led to is done.
    pub(crate) fn finish(mut self) -> tantivy::Result<()> {
        self.commit()?;
        self.writer.wait_merging_threads()
    }
}

/// An open view of one commit.
#[derive(Clone)]
pub(crate) struct View {
    reader: IndexReader,
    fields: Fields,
}

impl View {
    /// Moves on to what was committed last.
    pub(crate) fn reload(&self) -> tantivy::Result<()> {
        self.reader.reload()
    }

    /// Every day that the index holds something of.
    pub(crate) fn covered(&self) -> tantivy::Result<Covered> {
        covered::covered(&self.reader.searcher())
    }

    /// The newest places at which the query may be found.
    pub(crate) fn places(&self, lookup: &Lookup) -> tantivy::Result<Places> {
        let Lookup { clocks, before, limit, .. } = lookup;
        let stretch = Stretch { clocks: clocks.clone(), before: *before, limit: *limit };
        newest::newest(&self.reader.searcher(), &*self.clause(lookup), stretch)
    }

    fn clause(&self, lookup: &Lookup) -> Box<dyn Clause> {
        let mut all: Vec<Box<dyn Clause>> = Vec::new();
        if let Some(conversation) = lookup.conversation {
            let day = |clock| Bound::Included(self.fields.day_term(conversation, day_of(clock)));
            all.push(Box::new(RangeQuery::new(day(lookup.clocks.start), day(lookup.clocks.end))));
        }
        if !lookup.authors.is_empty() {
            let any = lookup.authors.iter().map(|author| equals(self.fields.author_term(*author)));
            all.push(Box::new(BooleanQuery::union(any.collect())));
        }
        for wanted in lookup.pattern.wanted() {
            self.add_clauses(wanted, &mut all);
        }
        all.truncate(CLAUSES_MAX);
        match all.len() {
            0 => Box::new(AllQuery),
            1 => all.remove(0),
            _ => Box::new(BooleanQuery::intersection(all)),
        }
    }

    fn add_clauses(&self, wanted: &Wanted, all: &mut Vec<Box<dyn Clause>>) {
        let fields = self.fields;
        match wanted {
            Wanted::Word(word) => all.push(equals(fields.term(words::term_of(word)))),
            Wanted::Start(initial) if words::is_single(initial) => {
                all.push(equals(fields.initial_term(initial)));
            }
            Wanted::Start(start) => all.push(self.begins(words::term_of(start))),
            Wanted::Run(single) if words::is_single(single) => all.push(self.begins(single)),
            Wanted::Run(run) => all.extend(words::pairs(run).map(|pair| equals(fields.term(pair)))),
        }
    }

    /// Terms that begin with `start`. UTF-8 has no byte 0xFF, so that stands behind all of them.
    fn begins(&self, start: &str) -> Box<dyn Clause> {
        let end = Term::from_field_bytes(self.fields.terms, &[start.as_bytes(), &[u8::MAX]].concat());
        Box::new(RangeQuery::new(Bound::Included(self.fields.term(start)), Bound::Excluded(end)))
    }
}

fn equals(term: Term) -> Box<dyn Clause> {
    Box::new(TermQuery::new(term, IndexRecordOption::Basic))
}
