//! Picks the newest of all documents that a clause matches.
//!
//! Every segment is sorted by clock, newest first, so a search ends when it has enough: what is
//! found everywhere costs no more than what is rare.

use std::ops::Range;
use std::sync::Arc;

use kinmesh_proto::Hlc;
use tantivy::columnar::{BytesColumn, Cardinality, Column, ColumnValues};
use tantivy::query::{EnableScoring, Query as Clause, Weight};
use tantivy::{DocId, DocSet, Searcher, SegmentReader, TERMINATED, TantivyError};

use super::schema::{CLOCK, CONVERSATION, HEAD, read_conversation_key};
use crate::place::Place;

/// Places, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Places {
    pub(crate) newest: Vec<Place>,
    /// Whether nothing was left out.
    pub(crate) is_all: bool,
}

impl Places {
    /// The newest `limit` of both.
    pub(crate) fn join(mut self, mut other: Self, limit: usize) -> Self {
        self.newest.append(&mut other.newest);
        let count = sort(&mut self.newest, limit);
        Self { is_all: self.is_all && other.is_all && count <= limit, ..self }
    }
}

/// Leaves the newest `limit` of these, newest first; tells how many there were.
fn sort(places: &mut Vec<Place>, limit: usize) -> usize {
    places.sort_unstable_by(|a, b| b.cmp(a));
    // Two entries may share a place; whoever reads it finds both.
    places.dedup();
    let count = places.len();
    places.truncate(limit);
    count
}

/// Which places are wanted.
#[derive(Debug, Clone)]
pub(super) struct Stretch {
    /// Clocks from the first, included, to the last, excluded.
    pub(super) clocks: Range<Hlc>,
    /// Only what stands before this clock and head of an id.
    pub(super) before: (Hlc, u64),
    /// At least one.
    pub(super) limit: usize,
}

/// The newest `limit` places of the stretch that the clause matches.
pub(super) fn newest(
    searcher: &Searcher,
    clause: &dyn Clause,
    mut stretch: Stretch,
) -> tantivy::Result<Places> {
    let weight = clause.weight(EnableScoring::disabled_from_searcher(searcher))?;
    let mut newest: Vec<Place> = Vec::new();
    let mut is_all = true;
    for segment in searcher.segment_readers() {
        let (mut places, is_all_here) = newest_of_segment(segment, &*weight, &stretch)?;
        is_all &= is_all_here;
        newest.append(&mut places);
        sort(&mut newest, stretch.limit);
        if newest.len() == stretch.limit {
            // What is older is not among the newest any more.
            stretch.clocks.start = newest[stretch.limit - 1].clock;
        }
    }
    is_all &= newest.len() < stretch.limit;
    Ok(Places { newest, is_all })
}

/// The newest `limit` places of one segment and those with the clock of the last of them, and
/// whether there are no more.
fn newest_of_segment(
    segment: &SegmentReader,
    weight: &dyn Weight,
    stretch: &Stretch,
) -> tantivy::Result<(Vec<Place>, bool)> {
    let columns = Columns::open(segment)?;
    let mut matches = weight.scorer(segment, 1.0)?;
    let mut places: Vec<Place> = Vec::new();
    let mut doc = matches.doc();
    let first = columns.first_before(stretch.clocks.end.0.min(stretch.before.0.0.saturating_add(1)));
    if doc < first {
        doc = matches.seek(first);
    }
    while doc != TERMINATED {
        let clock = columns.clock(doc);
        if clock < stretch.clocks.start {
            break;
        }
        if places.len() >= stretch.limit && places.last().is_some_and(|last| clock < last.clock) {
            return Ok((places, false));
        }
        let is_alive = segment.alive_bitset().is_none_or(|alive| alive.is_alive(doc));
        if is_alive && (clock, columns.head(doc)) < stretch.before {
            places.push(columns.place(doc)?);
        }
        doc = matches.advance();
    }
    Ok((places, true))
}

/// What a segment knows of every entry in it.
pub(super) struct Columns {
    pub(super) conversations: BytesColumn,
    clocks: Arc<dyn ColumnValues<u64>>,
    heads: Arc<dyn ColumnValues<u64>>,
}

impl Columns {
    pub(super) fn open(segment: &SegmentReader) -> tantivy::Result<Self> {
        let columns = segment.fast_fields();
        Ok(Self {
            conversations: columns.bytes(CONVERSATION)?.ok_or_else(unreadable)?,
            clocks: one_for_each(columns.u64(CLOCK)?)?,
            heads: one_for_each(columns.u64(HEAD)?)?,
        })
    }

    pub(super) fn clock(&self, doc: DocId) -> Hlc {
        Hlc(self.clocks.get_val(doc))
    }

    pub(super) fn head(&self, doc: DocId) -> u64 {
        self.heads.get_val(doc)
    }

    /// The number of the conversation within the segment.
    pub(super) fn conversation_number(&self, doc: DocId) -> tantivy::Result<u64> {
        self.conversations.ords().first(doc).ok_or_else(unreadable)
    }

    fn place(&self, doc: DocId) -> tantivy::Result<Place> {
        let mut key = Vec::new();
        self.conversations.ord_to_bytes(self.conversation_number(doc)?, &mut key)?;
        let conversation = read_conversation_key(&key).ok_or_else(unreadable)?;
        Ok(Place { clock: self.clock(doc), head: self.head(doc), conversation })
    }

    /// The first document with a clock before this one.
    fn first_before(&self, clock: u64) -> DocId {
        let (mut low, mut high) = (0, self.clocks.num_vals());
        while low < high {
            let middle = low + (high - low) / 2;
            if self.clocks.get_val(middle) >= clock {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }
}

/// The values of a column in which every document has exactly one.
fn one_for_each(column: Column<u64>) -> tantivy::Result<Arc<dyn ColumnValues<u64>>> {
    match column.get_cardinality() {
        Cardinality::Full => Ok(column.values),
        Cardinality::Optional | Cardinality::Multivalued => Err(unreadable()),
    }
}

/// A document lacks what every document has.
pub(super) fn unreadable() -> TantivyError {
    TantivyError::InternalError("a document of the index is unreadable".to_owned())
}
