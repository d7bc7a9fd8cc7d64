//! What was told since the last commit: searched as it is.
//!
//! A commit of tantivy writes and flushes a dozen files. Entries that come one by one wait here for
//! it, and are found at once all the same. Lost in a crash, they are missed and read again.

use std::collections::BTreeMap;

use crate::index::{Document, Places};
use crate::place::Place;
use crate::query::Lookup;

/// Entries beyond which a commit is due: each is compared by every search, a thousand in 1 ms.
const ENTRIES_MAX: usize = 1000;

/// Bytes beyond which a commit is due.
const BYTES_MAX: usize = 1024 * 1024;

/// Documents that the index lacks, or holds in an older form.
#[derive(Debug, Default)]
pub(crate) struct Fresh {
    documents: BTreeMap<Place, Document>,
    /// Of all that came, older forms included.
    bytes: usize,
}

impl Fresh {
    /// Adds a document, in the place of an older form of it.
    pub(crate) fn put(&mut self, document: Document) {
        self.bytes += document.size();
        self.documents.insert(document.place, document);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.documents.is_empty()
    }

    /// Whether a commit is due.
    pub(crate) fn is_full(&self) -> bool {
        self.documents.len() >= ENTRIES_MAX || self.bytes >= BYTES_MAX
    }

    pub(crate) fn documents(&self) -> impl Iterator<Item = &Document> {
        self.documents.values()
    }

    /// The newest places at which the query is found.
    pub(crate) fn places(&self, lookup: &Lookup) -> Places {
        let is_found = |document: &&Document| {
            document.found_by.as_ref().is_some_and(|found_by| {
                lookup.admits(&document.place, found_by.author)
                    && lookup.pattern.matches_parts(&found_by.parts)
            })
        };
        let found = self.documents.values().rev().filter(is_found);
        let newest: Vec<_> = found.map(|document| document.place).take(lookup.limit).collect();
        Places { is_all: newest.len() < lookup.limit, newest }
    }
}
