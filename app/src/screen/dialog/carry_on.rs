//! Asks before a private room is carried on in a new one: all who are in it are told.

use iced::Task;
use kinmesh_proto::{ConversationId, RoomId};

use super::Event;
use crate::i18n::tr;
use crate::program::Program;
use crate::screen::words;
use crate::widget::{self, Element};

/// Which room.
#[derive(Debug)]
pub struct State {
    room: RoomId,
    error: Option<String>,
}

/// What can happen here.
#[derive(Debug, Clone)]
pub enum Message {
    /// Yes.
    CarryOn,
    /// That is done, or why not.
    CarriedOn(Result<RoomId, String>),
    /// Rather not.
    Cancel,
}

impl State {
    /// Asks about this room.
    pub fn new(room: RoomId) -> Self {
        Self { room, error: None }
    }

    /// Takes a message.
    pub fn update(&mut self, message: Message, program: &Program) -> (Task<Message>, Option<Event>) {
        match message {
            Message::CarryOn => {
                let room = program.node.room(self.room);
                let work = async move { room.carry_on().await };
                let done = Task::perform(work, |next| {
                    Message::CarriedOn(next.map(|room| room.id()).map_err(|error| words::room_error(&error)))
                });
                return (done, None);
            }
            Message::CarriedOn(Ok(room)) => {
                return (Task::none(), Some(Event::Open(ConversationId::Room(room))));
            }
            Message::CarriedOn(Err(error)) => self.error = Some(error),
            Message::Cancel => return (Task::none(), Some(Event::Close)),
        }
        (Task::none(), None)
    }

    /// Draws it.
    pub fn view(&self) -> Element<'_, Message> {
        let mut parts = vec![widget::secondary(tr("room-carry-on-sentence")).into()];
        parts.extend(widget::error(self.error.as_deref()));
        let actions = vec![
            widget::quiet(tr("cancel"), Message::Cancel),
            widget::primary(tr("room-carry-on-do"), Some(Message::CarryOn)),
        ];
        widget::sheet(tr("room-carry-on"), parts, actions)
    }
}
