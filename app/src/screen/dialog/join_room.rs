//! Joins a public room by name. A link that is typed there instead is a link.

use iced::Task;
use kinmesh_proto::{ConversationId, RoomId, RoomName};

use super::Event;
use crate::i18n::tr;
use crate::links;
use crate::program::Program;
use crate::screen::words;
use crate::widget::{self, Element};

/// The field for the name.
pub const NAME: &str = "join-room-name";

/// What was typed so far.
#[derive(Debug, Default)]
pub struct State {
    name: String,
    error: Option<String>,
}

/// What can happen here.
#[derive(Debug, Clone)]
pub enum Message {
    /// The name was edited.
    Name(String),
    /// Join it.
    Join,
    /// The room was joined, or why not.
    Joined(Result<RoomId, String>),
    /// Rather a private room.
    Private,
    /// Rather not.
    Cancel,
}

impl State {
    /// Takes a message.
    pub fn update(&mut self, message: Message, program: &Program) -> (Task<Message>, Option<Event>) {
        match message {
            Message::Name(name) => {
                self.name = name;
                self.error = None;
            }
            Message::Join if links::looks_like_one(&self.name) => {
                return (Task::none(), Some(Event::Link(std::mem::take(&mut self.name))));
            }
            Message::Join => match RoomName::new(&self.name) {
                Ok(name) => return (join(name, program), None),
                Err(error) => self.error = Some(words::name_error(error)),
            },
            Message::Joined(Ok(room)) => {
                return (Task::none(), Some(Event::Open(ConversationId::Room(room))));
            }
            Message::Joined(Err(error)) => self.error = Some(error),
            Message::Private => return (Task::none(), Some(Event::NewRoom)),
            Message::Cancel => return (Task::none(), Some(Event::Close)),
        }
        (Task::none(), None)
    }

    /// Draws it.
    pub fn view(&self) -> Element<'_, Message> {
        let join = (!self.name.trim().is_empty()).then_some(Message::Join);
        let mut parts = vec![
            widget::secondary(tr("room-join-sentence")).into(),
            widget::field(NAME, &tr("room-name"), &self.name, Message::Name, join.clone()),
        ];
        parts.extend(widget::error(self.error.as_deref()));
        parts.push(widget::link(tr("room-new-instead"), Message::Private));
        let actions =
            vec![widget::quiet(tr("cancel"), Message::Cancel), widget::primary(tr("room-join-do"), join)];
        widget::sheet(tr("room-join"), parts, actions)
    }
}

/// Joins the room of this name.
pub fn join(name: RoomName, program: &Program) -> Task<Message> {
    let node = program.node.clone();
    let work = async move { node.join_room(name).await };
    Task::perform(work, |joined| {
        Message::Joined(joined.map(|room| room.id()).map_err(|error| words::change_error(&error)))
    })
}
