//! Lets a contact into a private room, or sends the invitation again to one who is in.

use iced::Task;
use kinmesh_core::RoomView;
use kinmesh_proto::{PersonId, RoomId};

use super::Event;
use super::contacts::Choice;
use crate::i18n::{tr, tr_args};
use crate::program::Program;
use crate::screen::{Cx, conversation, words};
use crate::widget::{self, Element};

/// The search field.
pub const QUERY: &str = "admit-query";

/// Into which room, and what was typed so far.
#[derive(Debug)]
pub struct State {
    room: RoomId,
    query: String,
}

/// What can happen here.
#[derive(Debug, Clone)]
pub enum Message {
    /// The search was edited.
    Query(String),
    /// This contact is to be let in; and what to say then.
    Admit(PersonId, String),
    /// That is done, or why not.
    Done(Result<String, String>),
    /// Rather not.
    Close,
}

impl State {
    /// Lets somebody into this room.
    pub fn new(room: RoomId) -> Self {
        Self { room, query: String::new() }
    }

    /// Takes a message.
    pub fn update(&mut self, message: Message, program: &Program) -> (Task<Message>, Option<Event>) {
        match message {
            Message::Query(query) => self.query = query,
            Message::Admit(person, told) => {
                let room = program.node.room(self.room);
                let work = async move { room.add(person).await };
                let done = Task::perform(work, |admitted| {
                    Message::Done(admitted.map(|()| told).map_err(|error| words::room_error(&error)))
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
        let room = conversation::room(cx, self.room);
        let choice = Choice {
            field: QUERY,
            query: &self.query,
            on_query: Message::Query,
            nobody: tr("room-admit-nobody"),
        };
        let contacts = choice.view(
            cx,
            |_| true,
            |person, name| {
                let words = if is_in(room, person) { "room-invited-again" } else { "room-admitted" };
                Message::Admit(person, tr_args(words, &[("name", name.into())]))
            },
        );
        let mut parts = vec![widget::secondary(tr("room-admit-sentence")).into()];
        parts.extend(contacts);
        widget::sheet(tr("room-admit"), parts, vec![widget::quiet(tr("cancel"), Message::Close)])
    }
}

fn is_in(room: Option<&RoomView>, person: PersonId) -> bool {
    let seats = room.and_then(|room| room.private.as_ref()).map(|private| &private.seats);
    seats.into_iter().flatten().any(|seat| seat.person == person)
}
