//! The counterpart: SQLite.

use std::path::Path;

use anyhow::{Context, Result};
use kinmesh_proto::{Entry, EntryKey};

use super::engine::Engine;
use super::{PAGE, history};
use crate::sqlite::Database;

/// Texts in one transaction of the index: some four megabytes, as much as ours commits at a time.
const INDEX_GROUP: usize = 20_000;

impl Engine for Database {
    async fn open(dir: &Path) -> Result<Self> {
        Self::open(dir)
    }

    async fn put(&mut self, group: &[(usize, Entry)]) -> Result<()> {
        self.put(group)
    }

    async fn index(&mut self, entries: usize) -> Result<()> {
        let mut texts = history::texts(entries);
        // Rows are numbered from 1 in the order in which they were written.
        for first in (1..=entries).step_by(INDEX_GROUP) {
            let group: Vec<String> = texts.by_ref().take(INDEX_GROUP).collect();
            self.index(first, &group)?;
        }
        Ok(())
    }

    async fn page(&mut self, conversation: usize, before: Option<EntryKey>) -> Result<EntryKey> {
        let page = Database::page(self, conversation, before, PAGE)?;
        page.last().copied().context("the history goes on")
    }

    async fn search(&mut self, typed: &str) -> Result<usize> {
        Ok(Database::search(self, typed, PAGE)?.len())
    }
}
