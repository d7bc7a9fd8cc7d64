//! Finds the documents of some entries, so that they can be taken out.

use std::collections::HashSet;
use std::sync::Arc;

use kinmesh_proto::Hlc;
use tantivy::query::doc_predicate_query::{
    ConstOrVariableSegmentPredicate, DocPredicate, SegmentDocPredicate,
};
use tantivy::schema::IndexRecordOption;
use tantivy::{DocId, DocSet, SegmentReader, Term};

use super::newest::Columns;

/// Clocks of entries, with the heads of their ids.
pub(super) type Orders = HashSet<(Hlc, u64)>;

/// Matches what stands at some places of one day. A segment reads its documents of that day once,
/// however many the places are.
#[derive(Debug, Clone)]
pub(super) struct AtPlaces {
    /// The conversation and the day of all of them.
    pub(super) day: Term,
    pub(super) orders: Arc<Orders>,
}

impl DocPredicate for AtPlaces {
    type SegmentDocPredicate = AtPlacesOfSegment;

    fn doc_predicate(
        &self,
        segment: &SegmentReader,
    ) -> tantivy::Result<ConstOrVariableSegmentPredicate<AtPlacesOfSegment>> {
        let days = segment.inverted_index(self.day.field())?;
        Ok(match days.read_postings(&self.day, IndexRecordOption::Basic)? {
            None => ConstOrVariableSegmentPredicate::Const(false),
            Some(of_the_day) => ConstOrVariableSegmentPredicate::Variable {
                predicate: AtPlacesOfSegment {
                    columns: Columns::open(segment)?,
                    orders: Arc::clone(&self.orders),
                },
                necessary_condition: Box::new(of_the_day) as Box<dyn DocSet>,
            },
        })
    }
}

/// The same within one segment.
pub(super) struct AtPlacesOfSegment {
    columns: Columns,
    orders: Arc<Orders>,
}

impl SegmentDocPredicate for AtPlacesOfSegment {
    fn eval(&mut self, doc: DocId) -> bool {
        self.orders.contains(&(self.columns.clock(doc), self.columns.head(doc)))
    }
}
