//! Founds a private room. Who is in it is decided afterwards, in its details.

use iced::Task;
use iced::widget::{column, row, text, toggler};
use kinmesh_core::NewRoom;
use kinmesh_proto::{ConversationId, Past, RoomId, RoomName, StatusLine};

use super::Event;
use crate::i18n::tr;
use crate::program::Program;
use crate::screen::words;
use crate::theme::{side, space as gap};
use crate::widget::{self, Element};

/// The field for the name.
pub const NAME: &str = "new-room-name";
/// The field for what it is about.
pub const TOPIC: &str = "new-room-topic";

/// What was chosen so far.
#[derive(Debug, Default)]
pub struct State {
    name: String,
    topic: String,
    keeps_past: bool,
    error: Option<String>,
}

/// What can happen here.
#[derive(Debug, Clone)]
pub enum Message {
    /// The name was edited.
    Name(String),
    /// What it is about was edited.
    Topic(String),
    /// Whether newcomers get the past was switched.
    KeepsPast(bool),
    /// Found it.
    Create,
    /// It is founded, or why not.
    Created(Result<RoomId, String>),
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
            Message::Topic(topic) => {
                self.topic = topic;
                self.error = None;
            }
            Message::KeepsPast(keeps) => self.keeps_past = keeps,
            Message::Create => match self.chosen() {
                Ok(new) => return (create(new, program), None),
                Err(error) => self.error = Some(error),
            },
            Message::Created(Ok(room)) => {
                return (Task::none(), Some(Event::Open(ConversationId::Room(room))));
            }
            Message::Created(Err(error)) => self.error = Some(error),
            Message::Cancel => return (Task::none(), Some(Event::Close)),
        }
        (Task::none(), None)
    }

    fn chosen(&self) -> Result<NewRoom, String> {
        let name = RoomName::new(&self.name).map_err(words::name_error)?;
        let topic = StatusLine::new(&self.topic).map_err(words::name_error)?;
        let past = if self.keeps_past { Past::FromJoining } else { Past::All };
        Ok(NewRoom { name, topic, past, people: Vec::new() })
    }

    /// Draws it.
    pub fn view(&self) -> Element<'_, Message> {
        let create = (!self.name.trim().is_empty()).then_some(Message::Create);
        let keeps_past = row![
            toggler(self.keeps_past).size(side::SWITCH).on_toggle(Message::KeepsPast),
            column![text(tr("room-keeps-past")), widget::secondary(tr("room-keeps-past-sentence"))],
        ];
        let mut parts = vec![
            widget::secondary(tr("room-new-sentence")).into(),
            widget::field(NAME, &tr("room-name"), &self.name, Message::Name, create.clone()),
            widget::field(TOPIC, &tr("room-topic"), &self.topic, Message::Topic, create.clone()),
            keeps_past.spacing(gap::M).into(),
        ];
        parts.extend(widget::error(self.error.as_deref()));
        let actions =
            vec![widget::quiet(tr("cancel"), Message::Cancel), widget::primary(tr("room-new-do"), create)];
        widget::sheet(tr("room-new"), parts, actions)
    }
}

fn create(new: NewRoom, program: &Program) -> Task<Message> {
    let node = program.node.clone();
    let work = async move { node.create_room(new).await };
    Task::perform(work, |created| {
        Message::Created(created.map(|room| room.id()).map_err(|error| words::room_error(&error)))
    })
}
