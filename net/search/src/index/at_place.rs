//! Finds the document of one entry, so that it can be taken out.

use tantivy::query::doc_predicate_query::{
    ConstOrVariableSegmentPredicate, DocPredicate, SegmentDocPredicate,
};
use tantivy::schema::IndexRecordOption;
use tantivy::{DocId, DocSet, SegmentReader, Term};

use super::newest::Columns;
use crate::place::Place;

/// Matches what stands at one place.
#[derive(Debug, Clone)]
pub(super) struct AtPlace {
    pub(super) place: Place,
    /// Its conversation and day: few documents, so that no column is read from end to end.
    pub(super) day: Term,
}

impl DocPredicate for AtPlace {
    type SegmentDocPredicate = AtPlaceOfSegment;

    fn doc_predicate(
        &self,
        segment: &SegmentReader,
    ) -> tantivy::Result<ConstOrVariableSegmentPredicate<AtPlaceOfSegment>> {
        let days = segment.inverted_index(self.day.field())?;
        Ok(match days.read_postings(&self.day, IndexRecordOption::Basic)? {
            None => ConstOrVariableSegmentPredicate::Const(false),
            Some(of_the_day) => ConstOrVariableSegmentPredicate::Variable {
                predicate: AtPlaceOfSegment { columns: Columns::open(segment)?, place: self.place },
                necessary_condition: Box::new(of_the_day) as Box<dyn DocSet>,
            },
        })
    }
}

/// The same within one segment.
pub(super) struct AtPlaceOfSegment {
    columns: Columns,
    place: Place,
}

impl SegmentDocPredicate for AtPlaceOfSegment {
    fn eval(&mut self, doc: DocId) -> bool {
        self.columns.clock(doc) == self.place.clock && self.columns.head(doc) == self.place.head
    }
}
