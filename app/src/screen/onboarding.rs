//! The first start: what should people call you? One field, one button; a second field for a join
//! link only when it is asked for, and another page for who has an archive.

pub mod restore;

use iced::widget::{center, column, container, row, space, text};
use iced::{Center, Task};
use kinmesh_proto::{ConversationId, DisplayName};

use super::dialog::open_link;
use super::{Cx, words};
use crate::i18n::tr;
use crate::links::Link;
use crate::program::Program;
use crate::theme::{self, column as width, side, size, space as gap};
use crate::widget::{self, Element};

/// The field for the name.
pub const NAME: &str = "onboarding-name";
/// The field for the link.
pub const LINK: &str = "onboarding-link";

/// What was typed so far.
#[derive(Debug, Default)]
pub struct State {
    name: String,
    link: Option<String>,
    /// What the link is, once one was typed.
    read: Option<Result<Link, String>>,
    error: Option<String>,
    busy: bool,
    /// The page for an archive, once it was asked for.
    restore: Option<restore::State>,
}

/// What can happen here.
#[derive(Debug, Clone)]
pub enum Message {
    /// The name was edited.
    Name(String),
    /// A link is there to be pasted.
    ShowLink,
    /// The link was edited.
    Link(String),
    /// There is an archive.
    ShowRestore,
    /// On the page for an archive.
    Restore(restore::Message),
    /// Done typing.
    Submit,
    /// The peer took it, or says why not.
    Done(Result<Option<ConversationId>, String>),
}

/// What the parent is told.
#[derive(Debug, Clone)]
pub enum Event {
    /// The peer has a name, and the link leads there.
    Finished(Option<ConversationId>),
    /// The peer of an archive has taken its place.
    Restored(Program),
}

impl State {
    /// The first thing to do: put the cursor into the field.
    pub fn start() -> Task<Message> {
        iced::widget::operation::focus(NAME)
    }

    /// Takes a message.
    pub fn update(&mut self, message: Message, program: &Program, cx: &Cx) -> (Task<Message>, Option<Event>) {
        match message {
            Message::Name(name) => self.edit(|state| state.name = name),
            Message::Link(link) => self.edit(|state| {
                state.read = open_link::read(&link, cx);
                state.link = Some(link);
            }),
            Message::ShowLink => {
                self.link = Some(String::new());
                return (iced::widget::operation::focus(LINK), None);
            }
            Message::ShowRestore => {
                self.restore = Some(restore::State::default());
                return (iced::widget::operation::focus(restore::FILE), None);
            }
            Message::Restore(message) => return self.update_restore(message, program),
            Message::Submit => return (self.submit(program), None),
            Message::Done(Ok(leads_to)) => return (Task::none(), Some(Event::Finished(leads_to))),
            Message::Done(Err(error)) => {
                self.busy = false;
                self.error = Some(error);
            }
        }
        (Task::none(), None)
    }

    fn update_restore(
        &mut self,
        message: restore::Message,
        program: &Program,
    ) -> (Task<Message>, Option<Event>) {
        let Some(restore) = &mut self.restore else { return (Task::none(), None) };
        let (task, event) = restore.update(message, program);
        let task = task.map(Message::Restore);
        match event {
            Some(restore::Event::Back) => {
                self.restore = None;
                (Self::start(), None)
            }
            Some(restore::Event::Finished(program)) => (task, Some(Event::Restored(program))),
            None => (task, None),
        }
    }

    fn edit(&mut self, change: impl FnOnce(&mut Self)) {
        change(self);
        self.error = None;
    }

    fn submit(&mut self, program: &Program) -> Task<Message> {
        let link = match self.read.clone().transpose() {
            Ok(link) => link,
            // It stands under the link already.
            Err(_) => return Task::none(),
        };
        let name = match DisplayName::new(&self.name) {
            Ok(name) => name,
            Err(error) => {
                self.error = Some(words::name_error(error));
                return Task::none();
            }
        };
        self.busy = true;
        let program = program.clone();
        let work = async move {
            program.rename(name).await.map_err(|error| words::change_error(&error))?;
            match link {
                Some(link) => program.open(link).await.map_err(|error| words::enter_error(&error)),
                None => Ok(None),
            }
        };
        Task::perform(work, Message::Done)
    }

    /// Draws it.
    pub fn view<'a>(&'a self, cx: &Cx) -> Element<'a, Message> {
        let form = match &self.restore {
            None => self.form(cx),
            Some(restore) => restore.view().map(Message::Restore),
        };
        let form = column![mark(), form].spacing(gap::M).align_x(Center).max_width(width::ONBOARDING);
        container(center(form)).padding(gap::XL).style(theme::container::panel).into()
    }

    fn form<'a>(&'a self, cx: &Cx) -> Element<'a, Message> {
        let ready = !self.busy && !self.name.trim().is_empty();
        let submit = ready.then_some(Message::Submit);
        let question = text(tr("onboarding-question")).size(size::ONBOARDING).font(theme::SEMIBOLD);
        let promise = widget::secondary(tr("onboarding-promise")).align_x(Center);
        let name = widget::field(NAME, &tr("onboarding-name"), &self.name, Message::Name, submit.clone());
        let link = self
            .link
            .as_ref()
            .map(|link| widget::field(LINK, "kinmesh://…", link, Message::Link, submit.clone()));
        let have_link = widget::link(tr("onboarding-have-link"), Message::ShowLink);
        let have_archive = widget::link(tr("onboarding-have-archive"), Message::ShowRestore);
        let links = row![].push(self.link.is_none().then_some(have_link)).push(have_archive);
        column![question, promise, space().height(gap::XS), name]
            .push(widget::error(self.error.as_deref()))
            .push(link)
            .push(open_link::verdict(self.read.as_ref(), cx))
            .push(widget::wide_primary(tr("onboarding-start"), submit))
            .push(links.spacing(gap::XL))
            .spacing(gap::M)
            .align_x(Center)
            .into()
    }
}

/// The program's mark: its initial in the accent.
fn mark<'a>() -> Element<'a, Message> {
    center(text("K").size(size::ONBOARDING).font(theme::SEMIBOLD).line_height(theme::LINE_ALONE))
        .width(side::MARK)
        .height(side::MARK)
        .style(theme::container::mark)
        .into()
}
