//! `/export`: the conversation as a file, or everything in an archive.
//!
//! The session waits meanwhile: what comes is shown afterwards.

use std::io;
use std::path::Path;

use kinmesh_net::archive::{ExportReport, Passphrase, Progress};
use tokio::io::AsyncWrite;
use tokio::sync::watch;
use tokio::task;

use super::command::Export;
use super::session::Session;
use crate::backup::{self, BackupError, ask_new_passphrase, telling};
use crate::export::{ConversationExportError, Format, export_conversation};
use crate::i18n::tr;
use crate::settings;

impl<W: AsyncWrite + Unpin> Session<'_, W> {
    /// Exports what was asked for. Everything needs a passphrase first: a person types it, and
    /// through a pipe it is the next line.
    pub(super) async fn export(&mut self, what: Export) -> io::Result<()> {
        match what {
            Export::Conversation { format, file } => self.export_this(format, &file).await,
            Export::Everything { file } if self.interactive => match ask().await {
                Ok(passphrase) => self.export_everything(&file, passphrase).await,
                Err(error) => self.refused(error).await,
            },
            Export::Everything { file } => {
                self.awaits_passphrase = Some(file);
                Ok(())
            }
        }
    }

    /// Takes the line that came as the passphrase for an export to `file`.
    pub(super) async fn passphrase_typed(&mut self, file: &Path, line: &str) -> io::Result<()> {
        match Passphrase::new(line.trim_end_matches('\r').to_owned()) {
            Ok(passphrase) => self.export_everything(file, passphrase).await,
            Err(error) => self.refused(error).await,
        }
    }

    async fn export_this(&mut self, format: Format, file: &Path) -> io::Result<()> {
        let Some(current) = self.current else {
            return self.print(&tr("terminal-no-conversation")).await;
        };
        let history = match self.program.node.history().await {
            Ok(history) => history,
            Err(error) => return self.refused(error).await,
        };
        let exported: Result<usize, ConversationExportError> =
            export_conversation(&history, current, format, file, &watch::Sender::default()).await;
        match exported {
            Ok(posts) => self.print(&backup::conversation_exported(file, posts)).await,
            Err(error) => self.refused(error).await,
        }
    }

    async fn export_everything(&mut self, file: &Path, passphrase: Passphrase) -> io::Result<()> {
        let history = match self.program.node.history().await {
            Ok(history) => history,
            Err(error) => return self.refused(error).await,
        };
        let (progress, seen) = watch::channel(Progress::default());
        let exporting = history.export(file.to_owned(), passphrase, settings::FILES, progress);
        match telling(seen, exporting).await {
            Ok(report) => self.print_exported(file, &report).await,
            Err(error) => self.refused(error).await,
        }
    }

    async fn print_exported(&mut self, file: &Path, report: &ExportReport) -> io::Result<()> {
        for line in backup::exported(file, report) {
            self.print(&line).await?;
        }
        Ok(())
    }
}

/// Asks for a passphrase without showing it. Nothing else reads the terminal meanwhile: the line of
/// the command was read to its end, and the next one is not asked for yet.
async fn ask() -> Result<Passphrase, BackupError> {
    task::spawn_blocking(ask_new_passphrase).await.map_err(|_| BackupError::BrokenOff)?
}
