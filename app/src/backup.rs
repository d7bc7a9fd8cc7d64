//! `kinmesh export`, `import` and `export-conversation`: what is done with a peer that is stopped.
//!
//! Asks for the passphrase, says how far it is and what came of it. Opens no network: the peer's
//! lock keeps a running program away meanwhile.

use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use kinmesh_net::Overview;
use kinmesh_net::archive::{
    ExportError, ExportReport, ImportError, ImportReport, Passphrase, Progress, import,
};
use kinmesh_net::history::{History, OpenError, StoppedPeer};
use kinmesh_proto::{ConversationId, NameError, RoomName};
use tokio::sync::watch;
use tokio::task;

use crate::args::{Backup, Options, PassphraseOption, Which};
use crate::export::{self, ConversationExportError, Format};
use crate::i18n::{self, Language, tr, tr_args};
use crate::program::{ProgramError, data_dir_path};
use crate::rebuilt;
use crate::settings;
use crate::terminal::names::{Meant, meant};
use crate::typed::{self, TypedError};
use crate::unlock::{self, UnlockError};

/// Progress is printed this often.
const TELL_EVERY: Duration = Duration::from_millis(200);

/// A command on a stopped peer was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The data directory is unknown.
    #[error(transparent)]
    Program(#[from] ProgramError),
    /// The passphrase cannot be read.
    #[error(transparent)]
    Passphrase(#[from] TypedError),
    /// The peer is locked, and does not open.
    #[error(transparent)]
    Unlock(#[from] UnlockError),
    /// The peer's history cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// Nothing was exported.
    #[error("not exported: {0}")]
    Export(#[from] ExportError),
    /// Nothing was imported.
    #[error("not imported: {0}")]
    Import(#[from] ImportError),
    /// The conversation was not exported.
    #[error("not exported: {0}")]
    Conversation(#[from] ConversationExportError),
    /// `--room` is no name.
    #[error("--room: {0}")]
    Room(#[source] NameError),
    /// Nobody took part in a room of this name here.
    #[error("--room {0}: there is no such room here")]
    NoRoom(String),
    /// Nobody of this name is known.
    #[error("--person {0}: nobody of this name is known here")]
    NoPerson(String),
    /// Several people may be meant.
    #[error("--person {typed}: that could be several people: {}", fingerprints.join(", "))]
    ManyPeople {
        /// What was given.
        typed: String,
        /// Their fingerprints, one of which can be given instead.
        fingerprints: Vec<String>,
    },
    /// The work ended badly.
    #[error("the work was broken off")]
    BrokenOff,
    /// Standard output failed.
    #[error("standard output: {0}")]
    Output(#[source] io::Error),
}

/// Carries out a command on a stopped peer. Must be called on a tokio runtime.
pub async fn run(command: &Backup, options: &Options) -> Result<(), BackupError> {
    match command {
        Backup::Export { file, passphrase } => export_everything(options, file, passphrase).await,
        Backup::Import { file, passphrase } => import_everything(options, file, passphrase).await,
        Backup::ExportConversation { which, format, file } => {
            export_conversation(options, which, *format, file).await
        }
    }
}

async fn export_everything(
    options: &Options,
    file: &Path,
    passphrase: &PassphraseOption,
) -> Result<(), BackupError> {
    let data_dir = data_dir_path(options)?;
    settings::speak_language_of(&data_dir);
    // Before anybody types a passphrase for nothing.
    let peer = open(&data_dir, options).await?;
    let passphrase = typed::new(passphrase, "archive-ask-new")?;
    let (progress, seen) = watch::channel(Progress::default());
    let exporting = peer.history.export(file.to_owned(), passphrase, settings::FILES, progress);
    let exported = telling(seen, exporting).await;
    peer.close().await;
    self::exported(file, &exported?).iter().try_for_each(|line| print(line))
}

/// Opens a stopped peer. What is missing in its history is missing in the export: it is told.
async fn open(data_dir: &Path, options: &Options) -> Result<StoppedPeer, BackupError> {
    let key = unlock::key_to(data_dir, options).await?;
    let peer = StoppedPeer::open_unlocked(data_dir, key).await?;
    if let Some(rebuilt) = &peer.report.rebuilt {
        print(&rebuilt::words(rebuilt))?;
    }
    Ok(peer)
}

async fn import_everything(
    options: &Options,
    file: &Path,
    passphrase: &PassphraseOption,
) -> Result<(), BackupError> {
    let data_dir = data_dir_path(options)?;
    i18n::set_language(Language::of_system());
    let passphrase = typed::known(passphrase.passphrase_file.as_deref(), "archive-ask")?;
    let (progress, seen) = watch::channel(Progress::default());
    let (archive, into) = (file.to_owned(), data_dir.clone());
    let importing =
        task::spawn_blocking(move || import(&archive, &passphrase, &into, settings::FILES, &progress));
    let imported = telling(seen, importing).await.map_err(|_| BackupError::BrokenOff)??;
    print_imported(&data_dir, &imported)
}

async fn export_conversation(
    options: &Options,
    which: &Which,
    format: Format,
    file: &Path,
) -> Result<(), BackupError> {
    let data_dir = data_dir_path(options)?;
    settings::speak_language_of(&data_dir);
    let peer = open(&data_dir, options).await?;
    let exported = export_which(&peer.history, which, format, file).await;
    peer.close().await;
    print(&conversation_exported(file, exported?))
}

async fn export_which(
    history: &History,
    which: &Which,
    format: Format,
    file: &Path,
) -> Result<usize, BackupError> {
    let conversation = conversation_of(history.overview(), which)?;
    let progress = watch::Sender::default();
    Ok(export::export_conversation(history, conversation, format, file, &progress).await?)
}

fn conversation_of(overview: &Overview, which: &Which) -> Result<ConversationId, BackupError> {
    match (&which.room, &which.person) {
        (Some(typed), _) => {
            let name = RoomName::new(typed).map_err(BackupError::Room)?;
            let is_meant = |folded: &str| folded == name.folded();
            let room = overview.rooms.iter().find(|view| is_meant(&view.name.folded()));
            Ok(ConversationId::Room(room.ok_or_else(|| BackupError::NoRoom(typed.clone()))?.room))
        }
        (None, person) => person_of(overview, person.as_deref().unwrap_or_default()),
    }
}

fn person_of(overview: &Overview, typed: &str) -> Result<ConversationId, BackupError> {
    match meant(&overview.people, typed) {
        Meant::One(view) => Ok(ConversationId::Direct(view.person)),
        Meant::Nobody => Err(BackupError::NoPerson(typed.to_owned())),
        Meant::Many(views) => Err(BackupError::ManyPeople {
            typed: typed.to_owned(),
            fingerprints: views.iter().map(|view| view.fingerprint.clone()).collect(),
        }),
    }
}

/// Asks for the passphrase of a new archive. Blocks.
pub(crate) fn ask_new_passphrase() -> Result<Passphrase, BackupError> {
    Ok(typed::ask_twice("archive-ask-new")?)
}

/// Does the work and, where somebody watches, says how far it is.
pub(crate) async fn telling<T>(progress: watch::Receiver<Progress>, work: impl Future<Output = T>) -> T {
    if !io::stderr().is_terminal() {
        return work.await;
    }
    tokio::pin!(work);
    let mut clock = tokio::time::interval(TELL_EVERY);
    loop {
        tokio::select! {
            done = &mut work => {
                // The line is ours no longer.
                let _ = writeln!(io::stderr());
                return done;
            }
            _ = clock.tick() => tell(*progress.borrow()),
        }
    }
}

fn tell(Progress { entries, of }: Progress) {
    let words = tr_args("archive-progress", &[("entries", entries.into()), ("of", of.into())]);
    // Whoever watches may have gone.
    let _ = write!(io::stderr(), "\r{words}").and_then(|()| io::stderr().flush());
}

/// What was exported, and what to do with it.
pub(crate) fn exported(file: &Path, ExportReport { counts, .. }: &ExportReport) -> [String; 2] {
    let values = [
        ("file", file.display().to_string().into()),
        ("conversations", counts.conversations.into()),
        ("entries", counts.entries.into()),
        ("people", counts.people.into()),
    ];
    [tr_args("archive-exported", &values), tr("archive-keep-safe")]
}

/// That one conversation was exported.
pub(crate) fn conversation_exported(file: &Path, posts: usize) -> String {
    let values = [("posts", posts.into()), ("file", file.display().to_string().into())];
    tr_args("archive-conversation-exported", &values)
}

fn print_imported(dir: &Path, report: &ImportReport) -> Result<(), BackupError> {
    let counts = report.counts;
    print(&tr_args(
        "archive-imported",
        &[
            ("dir", dir.display().to_string().into()),
            ("conversations", counts.conversations.into()),
            ("entries", (counts.entries - report.refused_entries).into()),
            ("people", counts.people.into()),
            ("made", made_on(report.made_ms).into()),
        ],
    ))?;
    if report.refused_entries > 0 {
        print(&tr_args("archive-refused-entries", &[("count", report.refused_entries.into())]))?;
    }
    if report.refused_files > 0 {
        print(&tr_args("archive-refused-files", &[("count", report.refused_files.into())]))?;
    }
    print(&tr("archive-one-place"))
}

fn made_on(unix_ms: u64) -> String {
    let time = i64::try_from(unix_ms).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
    time.map_or_else(
        || tr("export-time-unknown"),
        |time| time.to_zoned(TimeZone::system()).strftime("%Y-%m-%d %H:%M").to_string(),
    )
}

fn print(line: &str) -> Result<(), BackupError> {
    writeln!(io::stdout(), "{line}").map_err(BackupError::Output)
}
