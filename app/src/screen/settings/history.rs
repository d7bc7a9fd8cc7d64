//! Your history: everything into one archive, and how it comes back.

use iced::Task;
use iced::widget::{column, row, space, text};
use kinmesh_net::archive::{ExportReport, Passphrase, Progress};
use tokio::sync::watch;

use super::caption;
use crate::i18n::{tr, tr_args};
use crate::places;
use crate::program::Program;
use crate::screen::{Cx, archive, words};
use crate::settings;
use crate::strength::Strength;
use crate::theme::{self, size, space as gap};
use crate::widget::{self, Element};

/// The field for the archive's place.
pub const FILE: &str = "export-file";
/// The field for the passphrase.
pub const PASSPHRASE: &str = "export-passphrase";
/// The field for the same once more.
pub const AGAIN: &str = "export-again";

/// What was typed, and how far the export is.
pub struct State {
    file: String,
    passphrase: String,
    again: String,
    strength: Option<Strength>,
    work: Work,
    error: Option<String>,
}

enum Work {
    None,
    Runs(Progress),
    /// Done: what is where, in words.
    Done(String),
}

/// What can happen here.
#[derive(Debug, Clone)]
pub enum Message {
    /// The place was edited.
    File(String),
    /// The passphrase was edited.
    Passphrase(String),
    /// The same once more was edited.
    Again(String),
    /// Everything is to be exported.
    Export,
    /// So far it is.
    Progress(Progress),
    /// It is done: what is where, or why not.
    Exported(Result<String, String>),
}

impl State {
    /// Offers a place for an archive of today.
    pub fn new(cx: &Cx) -> Self {
        let name = format!("kinmesh-{}.age", cx.clock.today());
        Self {
            file: places::offered(&name).display().to_string(),
            passphrase: String::new(),
            again: String::new(),
            strength: None,
            work: Work::None,
            error: None,
        }
    }

    /// Takes a message.
    pub fn update(&mut self, message: Message, program: &Program) -> Task<Message> {
        match message {
            Message::File(file) => self.file = file,
            Message::Passphrase(passphrase) => {
                self.strength = (!passphrase.is_empty()).then(|| Strength::of(&passphrase));
                self.passphrase = passphrase;
            }
            Message::Again(again) => self.again = again,
            Message::Export => return self.export(program),
            Message::Progress(progress) => {
                if let Work::Runs(known) = &mut self.work {
                    *known = progress;
                }
                return Task::none();
            }
            Message::Exported(exported) => return self.exported(exported),
        }
        self.error = None;
        Task::none()
    }

    fn exported(&mut self, exported: Result<String, String>) -> Task<Message> {
        (self.work, self.error) = match exported {
            Ok(words) => (Work::Done(words), None),
            Err(error) => (Work::None, Some(error)),
        };
        (self.passphrase, self.again, self.strength) = (String::new(), String::new(), None);
        Task::none()
    }

    fn export(&mut self, program: &Program) -> Task<Message> {
        if self.passphrase != self.again {
            self.error = Some(tr("export-mistyped"));
            return Task::none();
        }
        let Ok(passphrase) = Passphrase::new(self.passphrase.clone()) else { return Task::none() };
        self.work = Work::Runs(Progress::default());
        let (progress, seen) = watch::channel(Progress::default());
        let (node, file) = (program.node.clone(), places::typed(&self.file));
        let work = async move {
            let history = node.history().await.map_err(|error| words::read_error(&error.into()))?;
            let exported = history.export(file.clone(), passphrase, settings::FILES, progress).await;
            let report = exported.map_err(|error| archive::export_error(&error))?;
            Ok(words(&file, &report))
        };
        archive::telling(seen, Message::Progress, work, Message::Exported)
    }

    /// Draws it.
    pub fn view(&self) -> Element<'_, Message> {
        let import = column![caption("settings-import"), widget::secondary(tr("settings-import-sentence"))];
        let one =
            column![caption("settings-export-one"), widget::secondary(tr("settings-export-one-sentence"))];
        column![
            widget::card(self.everything()),
            widget::card(one.spacing(gap::XS)),
            widget::card(import.spacing(gap::XS)),
        ]
        .spacing(gap::L)
        .into()
    }

    fn everything(&self) -> Element<'_, Message> {
        let head = column![caption("settings-export"), widget::secondary(tr("settings-export-sentence"))];
        let rest = match &self.work {
            Work::None => self.form(),
            Work::Runs(progress) => archive::progress(*progress),
            Work::Done(done) => {
                let done = text(done).size(size::SECONDARY).line_height(theme::LINE);
                column![done, widget::secondary(tr("archive-keep-safe"))].spacing(gap::S).into()
            }
        };
        column![head.spacing(gap::XS), rest].spacing(gap::M).into()
    }

    fn form(&self) -> Element<'_, Message> {
        let is_ready = [&self.file, &self.passphrase, &self.again].iter().all(|field| !field.is_empty());
        let export = is_ready.then_some(Message::Export);
        let hint = |id: &str| tr(id);
        column![
            widget::field(FILE, &hint("export-file"), &self.file, Message::File, export.clone()),
            widget::secret(
                PASSPHRASE,
                &hint("export-passphrase"),
                &self.passphrase,
                Message::Passphrase,
                export.clone(),
            ),
        ]
        .push(self.strength.map(widget::strength))
        .push(widget::secret(AGAIN, &hint("export-again"), &self.again, Message::Again, export.clone()))
        .push(widget::error(self.error.as_deref()))
        .push(row![space::horizontal(), widget::primary(tr("export-do"), export)])
        .spacing(gap::S)
        .into()
    }
}

fn words(file: &std::path::Path, ExportReport { counts, .. }: &ExportReport) -> String {
    tr_args(
        "archive-exported",
        &[
            ("file", file.display().to_string().into()),
            ("conversations", counts.conversations.into()),
            ("entries", counts.entries.into()),
            ("people", counts.people.into()),
        ],
    )
}
