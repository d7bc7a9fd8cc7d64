//! The page of the first start for who has an archive: it brings everything back.

use iced::widget::{column, text};
use iced::{Center, Fill, Task};
use kinmesh_net::archive::{ImportReport, Passphrase, Progress};
use tokio::sync::watch;

use crate::i18n::{tr, tr_args};
use crate::places;
use crate::program::Program;
use crate::screen::archive;
use crate::theme::{self, size, space as gap};
use crate::widget::{self, Element};

/// The field for the archive's place.
pub const FILE: &str = "restore-file";
/// The field for its passphrase.
pub const PASSPHRASE: &str = "restore-passphrase";

/// What was typed, and how far the import is.
#[derive(Debug, Default)]
pub struct State {
    file: String,
    passphrase: String,
    work: Work,
    error: Option<String>,
}

#[derive(Debug, Default)]
enum Work {
    #[default]
    None,
    Runs(Progress),
    /// Done: the peer that lives here now, and what it holds, in words.
    Done(Program, String),
}

/// What can happen here.
#[derive(Debug, Clone)]
pub enum Message {
    /// The place was edited.
    File(String),
    /// The passphrase was edited.
    Passphrase(String),
    /// Bring everything back.
    Restore,
    /// So far it is.
    Progress(Progress),
    /// The peer of the archive lives here now and holds this, in words; or why not.
    Restored(Result<(Program, String), String>),
    /// On with it.
    GoOn,
    /// Rather not.
    Back,
}

/// What the parent is told.
#[derive(Debug, Clone)]
pub enum Event {
    /// Rather not.
    Back,
    /// This peer lives here now.
    Finished(Program),
}

impl State {
    /// Takes a message.
    pub fn update(&mut self, message: Message, program: &Program) -> (Task<Message>, Option<Event>) {
        match message {
            Message::File(file) => (self.file, self.error) = (file, None),
            Message::Passphrase(passphrase) => (self.passphrase, self.error) = (passphrase, None),
            Message::Restore => return (self.restore(program), None),
            Message::Progress(progress) => {
                if let Work::Runs(known) = &mut self.work {
                    *known = progress;
                }
            }
            Message::Restored(Ok((program, words))) => self.work = Work::Done(program, words),
            Message::Restored(Err(error)) => (self.work, self.error) = (Work::None, Some(error)),
            Message::GoOn => {
                if let Work::Done(program, _) = &self.work {
                    return (Task::none(), Some(Event::Finished(program.clone())));
                }
            }
            Message::Back => return (Task::none(), Some(Event::Back)),
        }
        (Task::none(), None)
    }

    fn restore(&mut self, program: &Program) -> Task<Message> {
        let Ok(passphrase) = Passphrase::new(self.passphrase.clone()) else { return Task::none() };
        self.work = Work::Runs(Progress::default());
        let (progress, seen) = watch::channel(Progress::default());
        let (program, file) = (program.clone(), places::typed(&self.file));
        let work = async move {
            let restored = program.restore(file, passphrase, progress).await;
            let (program, report) = restored.map_err(|error| archive::restore_error(&error))?;
            Ok((program, words(&report)))
        };
        archive::telling(seen, Message::Progress, work, Message::Restored)
    }

    /// Draws it.
    pub fn view(&self) -> Element<'_, Message> {
        let title = text(tr("restore-title")).size(size::ONBOARDING).font(theme::SEMIBOLD);
        let rest = match &self.work {
            Work::None => self.form(),
            Work::Runs(progress) => archive::progress(*progress),
            Work::Done(_, words) => {
                let words = text(words).size(size::SECONDARY).line_height(theme::LINE);
                let warning = widget::secondary(tr("archive-one-place"));
                let go_on = widget::wide_primary(tr("onboarding-start"), Some(Message::GoOn));
                column![words, warning, go_on].spacing(gap::M).into()
            }
        };
        column![title, rest].spacing(gap::M).align_x(Center).into()
    }

    fn form(&self) -> Element<'_, Message> {
        let is_ready = !self.file.trim().is_empty() && !self.passphrase.is_empty();
        let restore = is_ready.then_some(Message::Restore);
        let (file, passphrase) = (tr("restore-file"), tr("restore-passphrase"));
        column![
            widget::secondary(tr("restore-sentence")).align_x(Center),
            widget::field(FILE, &file, &self.file, Message::File, restore.clone()),
            widget::secret(PASSPHRASE, &passphrase, &self.passphrase, Message::Passphrase, restore.clone()),
        ]
        .push(widget::error(self.error.as_deref()))
        .push(widget::wide_primary(tr("restore-do"), restore))
        .push(widget::link(tr("back"), Message::Back))
        .spacing(gap::M)
        .align_x(Center)
        .width(Fill)
        .into()
    }
}

fn words(report: &ImportReport) -> String {
    let counts = report.counts;
    let came = tr_args(
        "restore-done",
        &[
            ("conversations", counts.conversations.into()),
            ("entries", (counts.entries - report.refused_entries).into()),
            ("people", counts.people.into()),
        ],
    );
    match report.refused_entries {
        0 => came,
        count => format!("{came} {}", tr_args("archive-refused-entries", &[("count", count.into())])),
    }
}
