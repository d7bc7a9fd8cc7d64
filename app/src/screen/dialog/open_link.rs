//! Says where a link leads, and follows it once that is wanted.

use iced::Task;
use kinmesh_proto::ConversationId;

use super::Event;
use crate::i18n::tr;
use crate::links::{self, Link};
use crate::program::Program;
use crate::screen::{Cx, words};
use crate::widget::{self, Element};

/// The field for the link.
pub const LINK: &str = "open-link";

/// The link, and what it is.
#[derive(Debug, Default)]
pub struct State {
    text: String,
    /// `None` while nothing was given.
    read: Option<Result<Link, String>>,
    busy: bool,
}

/// What can happen here.
#[derive(Debug, Clone)]
pub enum Message {
    /// The link was edited.
    Text(String),
    /// Follow it.
    Open,
    /// It was followed to there, or why not.
    Opened(Result<Option<ConversationId>, String>),
    /// Rather not.
    Cancel,
}

impl State {
    /// With what was given to the program: a link, or the path of a file with one.
    pub fn given(given: &str, cx: &Cx) -> Self {
        let read = links::read_given(given);
        let text = if links::looks_like_one(given) { given.to_owned() } else { String::new() };
        let read = (!given.trim().is_empty()).then(|| checked(read, cx));
        Self { text, read, busy: false }
    }

    /// Takes a message.
    pub fn update(&mut self, message: Message, program: &Program, cx: &Cx) -> (Task<Message>, Option<Event>) {
        match message {
            Message::Text(text) => *self = Self { read: read(&text, cx), text, busy: false },
            Message::Open => return (self.open(program), None),
            Message::Opened(Ok(Some(id))) => return (Task::none(), Some(Event::Open(id))),
            Message::Opened(Ok(None)) | Message::Cancel => return (Task::none(), Some(Event::Close)),
            Message::Opened(Err(error)) => (self.read, self.busy) = (Some(Err(error)), false),
        }
        (Task::none(), None)
    }

    fn open(&mut self, program: &Program) -> Task<Message> {
        let Some(Ok(link)) = self.read.clone().filter(|_| !self.busy) else { return Task::none() };
        self.busy = true;
        let program = program.clone();
        let work = async move { program.open(link).await };
        Task::perform(work, |opened| Message::Opened(opened.map_err(|error| words::enter_error(&error))))
    }

    /// Draws it.
    pub fn view<'a>(&'a self, cx: &'a Cx) -> Element<'a, Message> {
        let is_sound = matches!(self.read, Some(Ok(_)));
        let open = (is_sound && !self.busy).then_some(Message::Open);
        let field = widget::field(LINK, "kinmesh://…", &self.text, Message::Text, open.clone());
        let mut parts = vec![field];
        parts.extend(verdict(self.read.as_ref(), cx));
        let actions =
            vec![widget::quiet(tr("cancel"), Message::Cancel), widget::primary(tr("link-open-do"), open)];
        widget::sheet(tr("link-open"), parts, actions)
    }
}

/// Reads a link that was typed or pasted; `None` for nothing.
pub fn read(text: &str, cx: &Cx) -> Option<Result<Link, String>> {
    (!text.trim().is_empty()).then(|| checked(links::read(text), cx))
}

/// Where a link leads, or what is wrong with it.
pub fn verdict<'a, Message: 'a>(
    read: Option<&'a Result<Link, String>>,
    cx: &Cx,
) -> Option<Element<'a, Message>> {
    match read? {
        Ok(link) => Some(widget::card(widget::secondary(words::invites::leads_to(link, &cx.clock)))),
        Err(error) => widget::error(Some(error)),
    }
}

fn checked(read: Result<Link, links::LinkFault>, cx: &Cx) -> Result<Link, String> {
    let link = read.map_err(|fault| words::link_fault(&fault))?;
    link.check(&cx.overview, cx.clock.now_ms()).map_err(words::invites::open_fault)?;
    Ok(link)
}
