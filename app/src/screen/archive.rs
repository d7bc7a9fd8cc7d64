//! What the screens that export and import have in common: work that tells how far it is, and words
//! for what went wrong.

use futures::Stream;
use iced::Task;
use iced::widget::{column, progress_bar};
use kinmesh_net::archive::{ArchiveError, ExportError, ImportError, Progress};
use tokio::sync::watch;

use super::words;
use crate::export::ConversationExportError;
use crate::i18n::{tr, tr_args};
use crate::program::RestoreError;
use crate::theme::{space as gap, stroke};
use crate::widget::{self, Element};

/// Does the work, and tells what is seen of it until it is done.
pub fn telling<P: Clone + Send + Sync + 'static, T: Send + 'static, Message: Send + 'static>(
    seen: watch::Receiver<P>,
    on_progress: impl Fn(P) -> Message + Send + 'static,
    work: impl Future<Output = T> + Send + 'static,
    on_done: impl FnOnce(T) -> Message + Send + 'static,
) -> Task<Message> {
    Task::batch([Task::run(changes(seen), on_progress), Task::perform(work, on_done)])
}

fn changes<P: Clone + Send + Sync>(seen: watch::Receiver<P>) -> impl Stream<Item = P> {
    futures::stream::unfold(seen, |mut seen| async move {
        seen.changed().await.ok()?;
        let now = seen.borrow_and_update().clone();
        Some((now, seen))
    })
}

/// How far an archive is. The passphrase takes a second before anything is read or written.
pub fn progress<'a, Message: 'a>(Progress { entries, of }: Progress) -> Element<'a, Message> {
    let words = match of {
        0 => tr("archive-locking"),
        _ => tr_args("archive-progress", &[("entries", entries.min(of).into()), ("of", of.into())]),
    };
    let bar = progress_bar(0.0..=of.max(1) as f32, entries as f32).girth(stroke::BAR);
    column![bar, widget::secondary(words)].spacing(gap::S).into()
}

/// Why a file cannot be read or written.
pub fn of_file(path: &std::path::Path, source: &std::io::Error) -> String {
    let args = [("file", path.display().to_string().into()), ("fault", source.to_string().into())];
    tr_args("error-file", &args)
}

/// Why nothing was exported.
pub fn export_error(error: &ExportError) -> String {
    match error {
        ExportError::Io { path, source } => of_file(path, source),
        other => tr_args("error-export", &[("fault", other.to_string().into())]),
    }
}

/// Why a conversation was not exported.
pub fn conversation_error(error: &ConversationExportError) -> String {
    match error {
        ConversationExportError::Io { path, source } => of_file(path, source),
        ConversationExportError::Read(error) => words::read_error(error),
    }
}

/// Why an archive did not bring anything back.
pub fn restore_error(error: &RestoreError) -> String {
    match error {
        RestoreError::Import(error) => import_error(error),
        RestoreError::Place { imported, source } => {
            let args = [("dir", imported.display().to_string().into()), ("fault", source.to_string().into())];
            tr_args("error-restore-place", &args)
        }
        RestoreError::Start(error) => tr_args("error-restore-start", &[("fault", error.to_string().into())]),
        RestoreError::BrokenOff => tr("error-restore-broken-off"),
    }
}

fn import_error(error: &ImportError) -> String {
    match error {
        ImportError::Archive(error) => archive_error(error),
        ImportError::Io { path, source } => of_file(path, source),
        other => tr_args("error-import", &[("fault", other.to_string().into())]),
    }
}

fn archive_error(error: &ArchiveError) -> String {
    tr(match error {
        ArchiveError::WrongPassphrase => "error-archive-passphrase",
        ArchiveError::NotAnArchive => "error-archive-none",
        ArchiveError::Newer { .. } => "error-archive-newer",
        ArchiveError::Cut => "error-archive-cut",
        ArchiveError::Damaged => "error-archive-damaged",
        ArchiveError::TooMuchWork => "error-archive-work",
        ArchiveError::Io(source) => {
            return tr_args("error-import", &[("fault", source.to_string().into())]);
        }
    })
}
