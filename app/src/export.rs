//! One conversation as a file: Markdown for people, JSON for programs.
//!
//! Owns both forms; `docs/user-guide.md` describes them. Reads a page at a time, so the length of a
//! history does not matter, and knows no face.

mod json;
mod markdown;

use std::io;
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use kinmesh_core::view::edits;
use kinmesh_core::{EditView, EntryView};
use kinmesh_net::history::History;
use kinmesh_net::{Overview, PAGE_MAX, ReadError};
use kinmesh_proto::{ConversationId, EntryId, EntryKey, Hlc, PageAt, PageItem, PersonId};
use tokio::fs::File;
use tokio::io::AsyncWriteExt;
use tokio::sync::watch;

/// What the file is made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    Markdown,
    /// For programs
    Json,
}

/// A conversation was not exported.
#[derive(Debug, thiserror::Error)]
pub enum ConversationExportError {
    /// The history cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The file cannot be written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// Writes a conversation from its first message to its last, and returns how many there are.
/// `progress` counts them meanwhile. A file of that name is replaced once the new one is whole;
/// only its owner can read it.
pub async fn export_conversation(
    history: &History,
    conversation: ConversationId,
    format: Format,
    path: &Path,
    progress: &watch::Sender<usize>,
) -> Result<usize, ConversationExportError> {
    let failed = |source| ConversationExportError::Io { path: path.to_owned(), source };
    let context = Context { overview: history.overview(), zone: TimeZone::system(), conversation };
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let beside = tempfile::Builder::new().prefix(".kinmesh-export-").tempfile_in(parent).map_err(failed)?;
    let mut file = File::from_std(beside.reopen().map_err(failed)?);
    let mut form = format.form();
    let mut text = form.begin(&context);
    let mut after = EntryKey { clock: Hlc(0), id: EntryId([0; 32]) };
    loop {
        let page = history.page(conversation, PageAt::After(after), PAGE_MAX).await?;
        for item in &page {
            let post = Post::of(history, conversation, item).await?;
            text.push_str(&form.post(&context, &post));
        }
        file.write_all(text.as_bytes()).await.map_err(failed)?;
        text.clear();
        progress.send_modify(|posts| *posts += page.len());
        let Some(last) = page.last() else { break };
        after = last.post.entry.key();
    }
    file.write_all(form.end().as_bytes()).await.map_err(failed)?;
    file.sync_all().await.map_err(failed)?;
    beside.persist(path).map_err(|error| failed(error.error))?;
    Ok(*progress.borrow())
}

impl Format {
    fn form(self) -> Box<dyn Form + Send> {
        match self {
            Self::Markdown => Box::<markdown::Markdown>::default(),
            Self::Json => Box::<json::Json>::default(),
        }
    }
}

/// A way to write a conversation down.
trait Form {
    /// What stands before the first post.
    fn begin(&mut self, context: &Context<'_>) -> String;
    /// One post.
    fn post(&mut self, context: &Context<'_>, post: &Post) -> String;
    /// What stands after the last one.
    fn end(&mut self) -> String;
}

/// What is exported, by whom and where.
struct Context<'c> {
    overview: &'c Overview,
    zone: TimeZone,
    conversation: ConversationId,
}

/// One post with all there is to say about it.
struct Post {
    view: EntryView,
    /// Every text it had, if it had several.
    edits: Vec<EditView>,
    /// Who wrote what it answers; `None` when it answers nothing, or that is not here.
    answers: Option<PersonId>,
}

impl Post {
    async fn of(history: &History, conversation: ConversationId, item: &PageItem) -> Result<Self, ReadError> {
        let view = EntryView::of(conversation, item, None);
        let answered = match view.reply_to {
            Some(key) => history.post(conversation, key).await?,
            None => None,
        };
        let edits = if view.edited_ms.is_some() { edits(item) } else { Vec::new() };
        Ok(Self { view, edits, answers: answered.map(|item| item.post.entry.person()) })
    }
}

impl Context<'_> {
    /// What somebody is called here, and whether somebody else is called the same.
    fn name(&self, person: PersonId) -> (String, bool) {
        let me = &self.overview.me;
        if person == me.person {
            let name = me.name.as_ref().map_or_else(|| me.fingerprint.clone(), ToString::to_string);
            return (name, false);
        }
        let known = self.overview.people.iter().find(|view| view.person == person);
        known.map_or_else(|| (person.fingerprint(), false), |view| (view.name.clone(), view.name_clashes))
    }

    /// The name, with the fingerprint where it is not theirs alone.
    fn label(&self, person: PersonId) -> String {
        match self.name(person) {
            (name, false) => name,
            (name, true) => format!("{name} ({})", person.fingerprint()),
        }
    }

    /// What the conversation is called.
    fn title(&self) -> String {
        match self.conversation {
            ConversationId::Direct(person) => self.label(person),
            ConversationId::Room(room) | ConversationId::Control(room) => {
                let known = self.overview.rooms.iter().find(|view| view.room == room);
                known.map_or_else(|| room.fmt_short(), |view| view.name.to_string())
            }
        }
    }

    /// The time where the exporter is; `None` for one beyond every calendar.
    fn time(&self, unix_ms: u64) -> Option<Zoned> {
        let time = Timestamp::from_millisecond(i64::try_from(unix_ms).ok()?).ok()?;
        Some(time.to_zoned(self.zone.clone()))
    }

    fn now(&self) -> Zoned {
        Timestamp::now().to_zoned(self.zone.clone())
    }
}
