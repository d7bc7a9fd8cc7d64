//! Founds a room, private or public. Who is in it is decided afterwards, in its details.

use iced::Task;
use iced::widget::{column, row, text, toggler};
use kinmesh_core::{NewPublicRoom, NewRoom};
use kinmesh_proto::{ConversationId, Door, Past, RoomId, RoomName, StatusLine};

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

/// How long people wait between two messages in a slow room, in milliseconds.
pub const SLOW_MS: u64 = 30_000;

/// What is founded.
enum New {
    Private(NewRoom),
    Public(NewPublicRoom),
}

/// What was chosen so far.
#[derive(Debug, Default)]
pub struct State {
    name: String,
    topic: String,
    keeps_past: bool,
    is_public: bool,
    is_knocked_at: bool,
    is_slow: bool,
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
    /// Whether it is a public room was switched.
    Public(bool),
    /// Whether people have to knock was switched.
    KnockedAt(bool),
    /// Whether people have to wait between two messages was switched.
    Slow(bool),
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
            Message::Public(public) => self.is_public = public,
            Message::KnockedAt(knocked_at) => self.is_knocked_at = knocked_at,
            Message::Slow(slow) => self.is_slow = slow,
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

    fn chosen(&self) -> Result<New, String> {
        let name = RoomName::new(&self.name).map_err(words::name_error)?;
        let topic = StatusLine::new(&self.topic).map_err(words::name_error)?;
        if self.is_public {
            let door = if self.is_knocked_at { Door::Knock } else { Door::Open };
            let slow_ms = if self.is_slow { SLOW_MS } else { 0 };
            return Ok(New::Public(NewPublicRoom { name, topic, door, slow_ms }));
        }
        let past = if self.keeps_past { Past::FromJoining } else { Past::All };
        Ok(New::Private(NewRoom { name, topic, past, people: Vec::new() }))
    }

    /// Draws it.
    pub fn view(&self) -> Element<'_, Message> {
        let create = (!self.name.trim().is_empty()).then_some(Message::Create);
        let about = if self.is_public { "room-new-public-sentence" } else { "room-new-sentence" };
        let mut parts = vec![
            widget::secondary(tr(about)).into(),
            widget::field(NAME, &tr("room-name"), &self.name, Message::Name, create.clone()),
            widget::field(TOPIC, &tr("room-topic"), &self.topic, Message::Topic, create.clone()),
            switch("room-is-public", "room-is-public-sentence", self.is_public, Message::Public),
        ];
        if self.is_public {
            parts.push(switch(
                "room-is-knocked-at",
                "room-is-knocked-at-sentence",
                self.is_knocked_at,
                Message::KnockedAt,
            ));
            parts.push(switch("room-is-slow", "room-is-slow-sentence", self.is_slow, Message::Slow));
        } else {
            parts.push(switch(
                "room-keeps-past",
                "room-keeps-past-sentence",
                self.keeps_past,
                Message::KeepsPast,
            ));
        }
        parts.extend(widget::error(self.error.as_deref()));
        let actions =
            vec![widget::quiet(tr("cancel"), Message::Cancel), widget::primary(tr("room-new-do"), create)];
        widget::sheet(tr("room-new"), parts, actions)
    }
}

/// A setting, with what it means below.
fn switch<'a>(
    title: &str,
    sentence: &str,
    is_on: bool,
    message: fn(bool) -> Message,
) -> Element<'a, Message> {
    let words = column![text(tr(title)), widget::secondary(tr(sentence))];
    row![toggler(is_on).size(side::SWITCH).on_toggle(message), words].spacing(gap::M).into()
}

fn create(new: New, program: &Program) -> Task<Message> {
    let node = program.node.clone();
    let work = async move {
        match new {
            New::Private(new) => node.create_room(new).await,
            New::Public(new) => node.found_room(new).await,
        }
    };
    Task::perform(work, |created| {
        Message::Created(created.map(|room| room.id()).map_err(|error| words::room_error(&error)))
    })
}
