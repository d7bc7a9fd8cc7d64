//! `/search`: messages from all history, numbered s1, s2 and on, and the way to where they were said.

use std::io;

use jiff::tz::TimeZone;
use kinmesh_core::EntryView;
use kinmesh_model::snippet;
use kinmesh_net::{ReadError, SearchHit, SearchPattern, SearchProgress, SearchQuery};
use kinmesh_proto::{ConversationId, EntryKey, PageAt};
use tokio::io::AsyncWrite;

use super::safe::safe;
use super::session::Session;
use super::{names, words};
use crate::i18n::tr;
use crate::search;

/// Hits shown at a time: a screen full.
const HITS_SHOWN: usize = 20;
/// Messages that `/go` shows before the one it goes to, and as many after it.
const AROUND: usize = 5;

/// The page of hits that was shown last.
#[derive(Debug, Default)]
pub(super) struct Found {
    query: SearchQuery,
    /// Where they stand, s1 first: the newest.
    hits: Vec<(ConversationId, EntryKey)>,
}

impl Found {
    /// Where the n-th hit stands, from 1.
    pub(super) fn place(&self, number: usize) -> Option<(ConversationId, EntryKey)> {
        self.hits.get(number.checked_sub(1)?).copied()
    }
}

impl<W: AsyncWrite + Unpin> Session<'_, W> {
    /// Looks for what was typed, with its filters.
    pub(super) async fn search(&mut self, typed: &str) -> io::Result<()> {
        let overview = self.program.node.overview();
        match search::parse(typed, &overview, &TimeZone::system()) {
            Ok(query) => self.find(SearchQuery { limit: HITS_SHOWN, ..query }).await,
            Err(bad) => self.refused(safe(&bad.words())).await,
        }
    }

    /// Shows the next page of the last search.
    pub(super) async fn search_on(&mut self) -> io::Result<()> {
        match self.found.hits.last() {
            Some((_, last)) => {
                self.find(SearchQuery { before: Some(*last), ..self.found.query.clone() }).await
            }
            None => self.print(&tr("terminal-no-search")).await,
        }
    }

    async fn find(&mut self, query: SearchQuery) -> io::Result<()> {
        let before = self.program.node.status().search_progress;
        let hits = match self.program.node.search(query.clone()).await {
            Ok(hits) => hits,
            Err(error) => return self.refused(error).await,
        };
        let progress = before.or(self.program.node.status().search_progress);
        self.show_found(query, &hits, progress).await
    }

    /// Shows what was found, and that it may be a part only.
    async fn show_found(
        &mut self,
        query: SearchQuery,
        hits: &[SearchHit],
        progress: Option<SearchProgress>,
    ) -> io::Result<()> {
        self.print_hits(hits, &query).await?;
        let places = hits.iter().map(|SearchHit { entry }| (entry.conversation, entry.key)).collect();
        self.found = Found { query, hits: places };
        match progress {
            Some(progress) => self.print(&words::search_progress(progress)).await,
            None => Ok(()),
        }
    }

    /// The newest stands last, as in `/history`: next to where one types.
    async fn print_hits(&mut self, hits: &[SearchHit], query: &SearchQuery) -> io::Result<()> {
        if hits.is_empty() {
            return self.print(&tr("terminal-found-nothing")).await;
        }
        if hits.len() == query.limit {
            self.print(&tr("terminal-found-more")).await?;
        }
        let pattern = SearchPattern::parse(&query.text).unwrap_or_default();
        for (SearchHit { entry }, number) in hits.iter().zip(1..hits.len() + 1).rev() {
            let line = self.line_of_hit(entry, &pattern);
            self.print(&format!("{line} [s{number}]")).await?;
        }
        Ok(())
    }

    /// The text around the first find: a long one would fill the screen.
    fn line_of_hit(&self, entry: &EntryView, pattern: &SearchPattern) -> String {
        let overview = self.program.node.overview();
        let text = entry.text.as_deref().unwrap_or_default();
        let text: String = snippet(text, &pattern.found_in(text)).into_iter().map(|run| run.text).collect();
        let (time, place) =
            (words::time(entry.written_ms, &words::now()), names::place(&overview, entry.conversation));
        format!("{time} {place} {}: {}", names::who(&overview, entry.author), safe(&text))
    }

    /// Goes to where a hit was said, and shows what was said around it.
    pub(super) async fn go(&mut self, number: usize) -> io::Result<()> {
        let Some((place, key)) = self.found.place(number) else {
            return self.print(&tr("terminal-no-such-hit")).await;
        };
        let entries = match self.around(place, key).await {
            Ok(entries) => entries,
            Err(error) => return self.refused(error).await,
        };
        for entry in &entries {
            let mark = if entry.key == key { format!(" [s{number}]") } else { String::new() };
            self.print_entry(entry, &mark).await?;
        }
        self.current = Some(place);
        self.print_current().await
    }

    async fn around(&self, place: ConversationId, key: EntryKey) -> Result<Vec<EntryView>, ReadError> {
        let conversation = self.program.node.conversation(place);
        let mut entries = conversation.page(PageAt::Before(key), AROUND).await?;
        entries.extend(conversation.post(key).await?);
        entries.extend(conversation.page(PageAt::After(key), AROUND).await?);
        Ok(entries)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // A test's panic is its report.

    use super::*;
    use crate::terminal::tests::program_in;

    #[tokio::test]
    async fn a_search_says_so_while_it_finds_a_part_only() {
        let dir = tempfile::tempdir().unwrap();
        let program = program_in(dir.path()).await;
        let mut shown = Vec::new();
        let mut session = Session::new(&program, &mut shown, None);
        let progress = Some(SearchProgress { indexed: 300, total: 1000 });
        session.show_found(SearchQuery::default(), &[], progress).await.unwrap();
        session.show_found(SearchQuery::default(), &[], None).await.unwrap();
        let expected = "Nothing was found.\n\
             The search index is being made anew, 300 of 1000 messages and changes so far; \
             the newest are found first.\n\
             Nothing was found.\n";
        assert_eq!(String::from_utf8(shown).unwrap(), expected);
        program.node.shutdown().await;
    }
}
