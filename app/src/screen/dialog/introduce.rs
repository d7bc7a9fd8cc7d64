//! Passes a contact on to another contact.

use iced::Task;
use kinmesh_proto::PersonId;

use super::Event;
use super::contacts::Choice;
use crate::i18n::{tr, tr_args};
use crate::program::Program;
use crate::screen::{Cx, words};
use crate::widget::{self, Element};

/// The search field.
pub const QUERY: &str = "introduce-query";

/// Who is passed on, and what was typed so far.
#[derive(Debug)]
pub struct State {
    person: PersonId,
    query: String,
}

/// What can happen here.
#[derive(Debug, Clone)]
pub enum Message {
    /// The search was edited.
    Query(String),
    /// They are passed on to this contact.
    To(PersonId, String),
    /// That is done, or why not.
    Done(Result<String, String>),
    /// Rather not.
    Close,
}

impl State {
    /// Passes this person on.
    pub fn new(person: PersonId) -> Self {
        Self { person, query: String::new() }
    }

    /// Takes a message.
    pub fn update(&mut self, message: Message, program: &Program) -> (Task<Message>, Option<Event>) {
        match message {
            Message::Query(query) => self.query = query,
            Message::To(to, told) => {
                let (node, person) = (program.node.clone(), self.person);
                let work = async move { node.introduce(to, person).await };
                let done = Task::perform(work, |introduced| {
                    Message::Done(introduced.map(|_| told).map_err(|error| words::introduce_error(&error)))
                });
                return (done, None);
            }
            Message::Done(Ok(told)) => return (Task::none(), Some(Event::Done(told))),
            Message::Done(Err(error)) => return (Task::none(), Some(Event::Toast(error))),
            Message::Close => return (Task::none(), Some(Event::Close)),
        }
        (Task::none(), None)
    }

    /// Draws it.
    pub fn view<'a>(&'a self, cx: &'a Cx) -> Element<'a, Message> {
        let name = cx.names.face(self.person).full_name();
        let choice = Choice {
            field: QUERY,
            query: &self.query,
            on_query: Message::Query,
            nobody: tr("introduce-nobody"),
        };
        let contacts = choice.view(
            cx,
            |person| person != self.person,
            |to, called| {
                let told = tr_args("introduced", &[("name", name.as_str().into()), ("to", called.into())]);
                Message::To(to, told)
            },
        );
        let sentence = tr_args("introduce-sentence", &[("name", name.as_str().into())]);
        let mut parts = vec![widget::secondary(sentence).into()];
        parts.extend(contacts);
        let title = tr_args("introduce-title", &[("name", name.as_str().into())]);
        widget::sheet(title, parts, vec![widget::quiet(tr("cancel"), Message::Close)])
    }
}
