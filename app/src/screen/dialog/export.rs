//! Writes one conversation into a file, for people or for programs.

use std::path::Path;

use iced::Task;
use iced::widget::{button, row, text};
use kinmesh_proto::ConversationId;
use tokio::sync::watch;

use super::Event;
use crate::export::{Format, export_conversation};
use crate::i18n::{tr, tr_args};
use crate::places;
use crate::program::Program;
use crate::screen::{archive, words};
use crate::theme::{self, size, space as gap};
use crate::widget::{self, Element};

/// The field for the file's place.
pub const FILE: &str = "export-conversation-file";

const FORMATS: [Format; 2] = [Format::Markdown, Format::Json];

/// What was chosen, and how far it is.
pub struct State {
    conversation: ConversationId,
    title: String,
    format: Format,
    file: String,
    work: Work,
    error: Option<String>,
}

enum Work {
    None,
    /// So many messages are written.
    Runs(usize),
    /// Done: what is where, in words.
    Done(String),
}

/// What can happen here.
#[derive(Debug, Clone)]
pub enum Message {
    /// What the file is made for.
    Format(Format),
    /// The place was edited.
    File(String),
    /// Write it.
    Export,
    /// So many messages are written.
    Progress(usize),
    /// It is done: what is where, or why not.
    Exported(Result<String, String>),
    /// Enough.
    Close,
}

impl State {
    /// Of a conversation of this title.
    pub fn new(conversation: ConversationId, title: String) -> Self {
        let format = Format::Markdown;
        let file = offered(&title, format);
        Self { conversation, title, format, file, work: Work::None, error: None }
    }

    /// Takes a message.
    pub fn update(&mut self, message: Message, program: &Program) -> (Task<Message>, Option<Event>) {
        match message {
            Message::Format(format) => self.choose(format),
            Message::File(file) => {
                self.file = file;
                self.error = None;
            }
            Message::Export => return (self.export(program), None),
            Message::Progress(posts) => {
                if let Work::Runs(known) = &mut self.work {
                    *known = posts;
                }
            }
            Message::Exported(Ok(words)) => self.work = Work::Done(words),
            Message::Exported(Err(error)) => (self.work, self.error) = (Work::None, Some(error)),
            Message::Close => return (Task::none(), Some(Event::Close)),
        }
        (Task::none(), None)
    }

    /// A place that was typed stays; only its ending follows.
    fn choose(&mut self, format: Format) {
        self.file = Path::new(&self.file).with_extension(extension(format)).display().to_string();
        self.format = format;
    }

    fn export(&mut self, program: &Program) -> Task<Message> {
        self.work = Work::Runs(0);
        let (progress, seen) = watch::channel(0);
        let (node, file) = (program.node.clone(), places::typed(&self.file));
        let (conversation, format) = (self.conversation, self.format);
        let work = async move {
            let history = node.history().await.map_err(|error| words::read_error(&error.into()))?;
            let exported = export_conversation(&history, conversation, format, &file, &progress).await;
            let posts = exported.map_err(|error| archive::conversation_error(&error))?;
            let args = [("posts", posts.into()), ("file", file.display().to_string().into())];
            Ok(tr_args("archive-conversation-exported", &args))
        };
        archive::telling(seen, Message::Progress, work, Message::Exported)
    }

    /// Draws it.
    pub fn view(&self) -> Element<'_, Message> {
        let title = tr_args("export-title", &[("title", self.title.as_str().into())]);
        let close = widget::quiet(tr("close"), Message::Close);
        match &self.work {
            Work::None => {
                let export = (!self.file.trim().is_empty()).then_some(Message::Export);
                let actions = vec![
                    widget::quiet(tr("cancel"), Message::Close),
                    widget::primary(tr("export-do"), export.clone()),
                ];
                widget::sheet(title, self.form(export), actions)
            }
            Work::Runs(posts) => {
                let words = tr_args("export-progress", &[("posts", (*posts).into())]);
                widget::sheet(title, vec![widget::secondary(words).into()], vec![close])
            }
            Work::Done(words) => widget::sheet(title, vec![widget::secondary(words).into()], vec![close]),
        }
    }

    fn form(&self, export: Option<Message>) -> Vec<Element<'_, Message>> {
        let formats = FORMATS.map(|format| {
            let words = text(tr(name(format))).size(size::NAME);
            button(words)
                .padding([gap::S, gap::L])
                .style(theme::button::choice(self.format == format))
                .on_press(Message::Format(format))
                .into()
        });
        let mut parts = vec![
            widget::secondary(tr("export-sentence")).into(),
            row(formats).spacing(gap::S).into(),
            widget::field(FILE, &tr("export-file"), &self.file, Message::File, export),
        ];
        parts.extend(widget::error(self.error.as_deref()));
        parts
    }
}

fn offered(title: &str, format: Format) -> String {
    places::offered(&places::file_name(title, extension(format))).display().to_string()
}

fn extension(format: Format) -> &'static str {
    match format {
        Format::Markdown => "md",
        Format::Json => "json",
    }
}

fn name(format: Format) -> &'static str {
    match format {
        Format::Markdown => "export-markdown",
        Format::Json => "export-json",
    }
}
