//! Chooses a contact for the call that goes on: whom to ring for it, or who takes our place in it.

use iced::Task;
use kinmesh_proto::{CallId, PersonId};

use super::Event;
use super::contacts::Choice;
use crate::i18n::{tr, tr_args};
use crate::program::Program;
use crate::screen::{Cx, words};
use crate::widget::{self, Element};

/// The search field.
pub const QUERY: &str = "call-with-query";

/// What the contact is chosen for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To be rung for the call.
    Add,
    /// To take our place in it.
    Transfer,
}

/// For which call, and what was typed so far.
#[derive(Debug)]
pub struct State {
    call: CallId,
    purpose: Purpose,
    query: String,
}

/// What can happen here.
#[derive(Debug, Clone)]
pub enum Message {
    /// The search was edited.
    Query(String),
    /// This contact, and what to say once they are rung.
    With(PersonId, String),
    /// They are rung, or why not.
    Done(Result<String, String>),
    /// Rather not.
    Close,
}

impl State {
    /// Chooses somebody for this call.
    pub fn new(call: CallId, purpose: Purpose) -> Self {
        Self { call, purpose, query: String::new() }
    }

    /// Takes a message.
    pub fn update(&mut self, message: Message, program: &Program) -> (Task<Message>, Option<Event>) {
        match message {
            Message::Query(query) => self.query = query,
            Message::With(person, told) => {
                let (call, purpose) = (program.node.call_of(self.call), self.purpose);
                let work = async move {
                    match purpose {
                        Purpose::Add => call.add(person).await,
                        Purpose::Transfer => call.transfer(person).await,
                    }
                };
                let done = Task::perform(work, |done| {
                    Message::Done(done.map(|()| told).map_err(|error| words::calls::refusal(&error)))
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
        let (title, sentence, told) = match self.purpose {
            Purpose::Add => ("call-add-title", "call-add-sentence", "call-adding"),
            Purpose::Transfer => ("call-transfer-title", "call-transfer-sentence", "call-transferring"),
        };
        let choice = Choice {
            field: QUERY,
            query: &self.query,
            on_query: Message::Query,
            nobody: tr("call-with-nobody"),
        };
        let calls = &cx.overview.calls;
        let parties = calls.iter().filter(|call| call.call == self.call).flat_map(|call| &call.parties);
        let here: Vec<_> = parties.map(|party| party.person).collect();
        let is_online = |person| cx.person(person).is_some_and(|person| person.online.is_online());
        let contacts = choice.view(
            cx,
            |person| !here.contains(&person) && is_online(person),
            |person, called| Message::With(person, tr_args(told, &[("name", called.into())])),
        );
        let mut parts = vec![widget::secondary(tr(sentence)).into()];
        parts.extend(contacts);
        widget::sheet(tr(title), parts, vec![widget::quiet(tr("cancel"), Message::Close)])
    }
}
