//! The methods on the whole history: search, exports, and the import of an archive.
//!
//! Exports and imports take as long as there is history; how far they are goes out through
//! [`Progress`], which the session tells its client of.

use std::path::PathBuf;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use kinmesh_core::EntryView;
use kinmesh_model::{Run, snippet};
use kinmesh_net::archive::{self, ExportReport, ImportReport, Passphrase};
use kinmesh_net::{PAGE_MAX, SearchHit, SearchPattern, SearchProgress, SearchQuery};
use kinmesh_proto::{ConversationId, EntryKey, PersonId};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::sync::watch;
use tokio::task;

use super::fault::Fault;
use super::methods::{Outcome, show};
use crate::export::{Format, export_conversation};
use crate::program::Program;
use crate::search::{HITS_DEFAULT, day_ms};
use crate::settings;

/// How far a long call is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(super) struct Progress {
    /// Entries written or read so far.
    pub(super) entries: u64,
    /// Entries there are; `None` while, or because, nobody counted them.
    pub(super) of: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Search {
    #[serde(default)]
    text: String,
    #[serde(default)]
    from: Vec<PersonId>,
    #[serde(default, rename = "in")]
    place: Option<ConversationId>,
    #[serde(default)]
    after: Option<String>,
    #[serde(default)]
    before: Option<String>,
    #[serde(default)]
    limit: Option<usize>,
    #[serde(default)]
    cursor: Option<EntryKey>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Archive {
    path: PathBuf,
    passphrase: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Import {
    path: PathBuf,
    passphrase: String,
    dir: PathBuf,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Conversation {
    conversation: ConversationId,
    format: FileFormat,
    path: PathBuf,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum FileFormat {
    Markdown,
    Json,
}

/// One page of what was found.
#[derive(Serialize)]
struct Found {
    hits: Vec<Hit>,
    /// The `cursor` of the next page, if this one is full.
    next: Option<EntryKey>,
    /// How far the index is, while it does not know of everything.
    progress: Option<SearchProgress>,
}

#[derive(Serialize)]
struct Hit {
    entry: EntryView,
    snippet: Vec<Piece>,
}

/// A piece of a snippet.
#[derive(Serialize)]
struct Piece {
    text: String,
    found: bool,
}

/// Finds entries, newest first.
pub(super) async fn search(program: &Program, params: Search) -> Outcome {
    let query = query(params)?;
    let pattern = SearchPattern::parse(&query.text).unwrap_or_default();
    let limit = query.limit;
    let before = program.node.status().search_progress;
    let found = program.node.search(query).await?;
    // The index may have begun, or ended, meanwhile: it is the earlier of the two that was searched.
    let progress = before.or(program.node.status().search_progress);
    let next = found.last().filter(|_| found.len() == limit).map(|last| last.entry.key);
    let hits = found.into_iter().map(|hit| Hit::of(hit, &pattern)).collect();
    show(&Found { hits, next, progress })
}

fn query(params: Search) -> Result<SearchQuery, Fault> {
    let limit = params.limit.unwrap_or(HITS_DEFAULT);
    if !(1..=PAGE_MAX).contains(&limit) {
        return Err(Fault::bad_params(format_args!("limit must be 1 to {PAGE_MAX}")));
    }
    Ok(SearchQuery {
        text: params.text,
        authors: params.from,
        conversation: params.place,
        from_ms: params.after.map(|day| first_ms_of("after", &day)).transpose()?,
        to_ms: params.before.map(|day| first_ms_of("before", &day)).transpose()?,
        before: params.cursor,
        limit,
    })
}

fn first_ms_of(name: &str, day: &str) -> Result<u64, Fault> {
    let ms = day.parse::<Date>().ok().and_then(|day| day_ms(day, &TimeZone::system()));
    ms.ok_or_else(|| Fault::bad_params(format_args!("{name} must be a day such as 2026-11-21")))
}

impl Hit {
    fn of(SearchHit { entry }: SearchHit, pattern: &SearchPattern) -> Self {
        let text = entry.text.as_deref().unwrap_or_default();
        let pieces = snippet(text, &pattern.found_in(text));
        let snippet = pieces.into_iter().map(|Run { text, found }| Piece { text, found }).collect();
        Self { entry, snippet }
    }
}

/// Seals everything into an archive.
pub(super) async fn export(
    program: &Program,
    Archive { path, passphrase }: Archive,
    progress: &watch::Sender<Progress>,
) -> Outcome {
    let passphrase = Passphrase::new(passphrase)?;
    let history = program.node.history().await?;
    let (sender, seen) = watch::channel(archive::Progress::default());
    let exporting = history.export(path, passphrase, settings::FILES, sender);
    let ExportReport { counts, bytes } = forwarding(seen, progress, exporting).await?;
    Ok(json!({
        "conversations": counts.conversations,
        "entries": counts.entries,
        "people": counts.people,
        "bytes": bytes,
    }))
}

/// Makes the peer of an archive in a directory of its own. This peer stays who it is.
pub(super) async fn import(
    Import { path, passphrase, dir }: Import,
    progress: &watch::Sender<Progress>,
) -> Outcome {
    let passphrase = Passphrase::new(passphrase)?;
    let (sender, seen) = watch::channel(archive::Progress::default());
    let importing =
        task::spawn_blocking(move || archive::import(&path, &passphrase, &dir, settings::FILES, &sender));
    let imported = forwarding(seen, progress, importing).await.map_err(|_| Fault::broken_off())??;
    let ImportReport { person, made_ms, counts, refused_entries, refused_files } = imported;
    Ok(json!({
        "person": person,
        "made_ms": made_ms,
        "conversations": counts.conversations,
        "entries": counts.entries - refused_entries,
        "people": counts.people,
        "refused_entries": refused_entries,
        "refused_files": refused_files,
    }))
}

/// Does the work and tells how far the archive is.
async fn forwarding<T>(
    mut seen: watch::Receiver<archive::Progress>,
    progress: &watch::Sender<Progress>,
    work: impl Future<Output = T>,
) -> T {
    let forward = |archive::Progress { entries, of }| {
        let now = Progress { entries, of: (of > 0).then_some(of) };
        progress.send_if_modified(|told| std::mem::replace(told, now) != now);
    };
    tokio::pin!(work);
    let done = loop {
        tokio::select! {
            done = &mut work => break done,
            Ok(()) = seen.changed() => forward(*seen.borrow_and_update()),
        }
    };
    forward(*seen.borrow());
    done
}

/// Writes one conversation into a file.
pub(super) async fn export_one(
    program: &Program,
    Conversation { conversation, format, path }: Conversation,
    progress: &watch::Sender<Progress>,
) -> Outcome {
    let history = program.node.history().await?;
    let format = match format {
        FileFormat::Markdown => Format::Markdown,
        FileFormat::Json => Format::Json,
    };
    let (sender, mut seen) = watch::channel(0);
    let exporting = export_conversation(&history, conversation, format, &path, &sender);
    tokio::pin!(exporting);
    loop {
        tokio::select! {
            done = &mut exporting => return Ok(json!({ "entries": done? })),
            Ok(()) = seen.changed() => {
                let entries = *seen.borrow_and_update() as u64;
                progress.send_replace(Progress { entries, of: None });
            }
        }
    }
}
