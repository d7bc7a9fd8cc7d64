//! The same history in SQLite as somebody who knows it would lay it out: WAL, `synchronous=FULL`, one
//! table by conversation, clock and id, and FTS5 in a file beside it that keeps no text.
//!
//! What costs it nothing for our kind of search is chosen for its sake: no positions of words, an
//! index of short beginnings, texts that can be taken out.

use std::path::Path;

use anyhow::{Context, Result};
use kinmesh_proto::{Entry, EntryId, EntryKey, Hlc};
use rusqlite::{Connection, Row, params};

const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS entries (
        conversation INTEGER, clock INTEGER, id BLOB, author INTEGER, received INTEGER,
        delivery INTEGER, signature BLOB, body BLOB);
    CREATE UNIQUE INDEX IF NOT EXISTS places ON entries (conversation, clock, id);
    CREATE VIRTUAL TABLE IF NOT EXISTS search.texts USING fts5 (
        text, content='', contentless_delete=1, detail=none, prefix='1 2 3');
";

/// An open database.
pub(crate) struct Database(Connection);

impl Database {
    /// Opens the one in this directory, or makes it.
    pub(crate) fn open(dir: &Path) -> Result<Self> {
        let database = Connection::open(dir.join("history.sqlite"))?;
        let search = dir.join("search.sqlite");
        database.execute("ATTACH ? AS search", [search.to_str().context("a path in UTF-8")?])?;
        for schema in ["main", "search"] {
            database.pragma_update(Some(schema), "journal_mode", "WAL")?;
            database.pragma_update(Some(schema), "synchronous", "FULL")?;
        }
        database.execute_batch(TABLES)?;
        Ok(Self(database))
    }

    /// Stores entries of conversations in one durable transaction.
    pub(crate) fn put(&mut self, group: &[(usize, Entry)]) -> Result<()> {
        let transaction = self.0.transaction()?;
        for (conversation, entry) in group {
            let (body, cert, signature) = entry.envelope().parts();
            let clock = entry.value().clock.0.cast_signed();
            // An author's certificate is kept once, under a number; a byte of its device stands for that.
            let author = cert.device.0[0];
            transaction
                .prepare_cached("INSERT INTO entries VALUES (?, ?, ?, ?, ?, 0, ?, ?)")?
                .execute(params![conversation, clock, entry.id().0, author, clock, signature, body])?;
        }
        Ok(transaction.commit()?)
    }

    /// Makes texts findable, of which the first belongs to the row `first`.
    pub(crate) fn index(&mut self, first: usize, texts: &[String]) -> Result<()> {
        let transaction = self.0.transaction()?;
        for (row, text) in (first..).zip(texts) {
            transaction
                .prepare_cached("INSERT INTO search.texts (rowid, text) VALUES (?, ?)")?
                .execute(params![row, text])?;
        }
        Ok(transaction.commit()?)
    }

    /// The newest entries of a conversation before this one, newest first.
    pub(crate) fn page(
        &self,
        conversation: usize,
        before: Option<EntryKey>,
        limit: usize,
    ) -> Result<Vec<EntryKey>> {
        let before =
            before.unwrap_or(EntryKey { clock: Hlc(i64::MAX.cast_unsigned()), id: EntryId([0; 32]) });
        let mut select = self.0.prepare_cached(
            "SELECT clock, id, author, received, delivery, signature, body FROM entries
             WHERE conversation = ? AND (clock, id) < (?, ?) ORDER BY clock DESC, id DESC LIMIT ?",
        )?;
        let rows = select
            .query_map(params![conversation, before.clock.0.cast_signed(), before.id.0, limit], read_whole)?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// The newest entries that hold a word that begins like this.
    pub(crate) fn search(&self, typed: &str, limit: usize) -> Result<Vec<EntryKey>> {
        let mut select = self.0.prepare_cached(
            "SELECT clock, id, author, received, delivery, signature, body FROM entries JOIN
             (SELECT rowid AS row FROM search.texts (?) ORDER BY rowid DESC LIMIT ?)
             ON entries.rowid = row ORDER BY row DESC",
        )?;
        let rows = select.query_map(params![format!("\"{typed}\"*"), limit], read_whole)?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }
}

/// Reads all of an entry, as a page needs it.
fn read_whole(row: &Row) -> rusqlite::Result<EntryKey> {
    std::hint::black_box((row.get::<_, [u8; 64]>("signature")?, row.get::<_, Vec<u8>>("body")?));
    Ok(EntryKey { clock: Hlc(row.get::<_, i64>("clock")?.cast_unsigned()), id: EntryId(row.get("id")?) })
}
