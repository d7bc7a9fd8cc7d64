//! Gives a person a private name, seen on this device alone.

use iced::Task;
use kinmesh_core::PersonView;
use kinmesh_proto::{DisplayName, PersonId};

use super::Event;
use crate::i18n::{tr, tr_args};
use crate::program::Program;
use crate::screen::words;
use crate::widget::{self, Element};

/// The field for the name.
pub const NAME: &str = "rename-name";

/// What was typed so far.
#[derive(Debug)]
pub struct State {
    person: PersonId,
    own_name: String,
    name: String,
    error: Option<String>,
}

/// What can happen here.
#[derive(Debug, Clone)]
pub enum Message {
    /// The name was edited.
    Name(String),
    /// Take it.
    Save,
    /// It was taken, or why not.
    Saved(Result<(), String>),
    /// Rather not.
    Cancel,
}

impl State {
    /// Starts with the name that is used now.
    pub fn new(person: &PersonView) -> Self {
        let nickname = person.nickname.as_ref().map(|name| name.as_str().to_owned());
        Self {
            person: person.person,
            own_name: person.own_name.as_str().to_owned(),
            name: nickname.unwrap_or_default(),
            error: None,
        }
    }

    /// Takes a message.
    pub fn update(&mut self, message: Message, program: &Program) -> (Task<Message>, Option<Event>) {
        match message {
            Message::Name(name) => {
                self.name = name;
                self.error = None;
            }
            Message::Save => return (self.save(program), None),
            Message::Saved(Ok(())) | Message::Cancel => return (Task::none(), Some(Event::Close)),
            Message::Saved(Err(error)) => self.error = Some(error),
        }
        (Task::none(), None)
    }

    fn save(&mut self, program: &Program) -> Task<Message> {
        let nickname = match self.name.trim() {
            "" => None,
            name => match DisplayName::new(name) {
                Ok(name) => Some(name),
                Err(error) => {
                    self.error = Some(words::name_error(error));
                    return Task::none();
                }
            },
        };
        let (node, person) = (program.node.clone(), self.person);
        let work = async move { node.set_nickname(person, nickname).await };
        Task::perform(work, |saved| Message::Saved(saved.map_err(|error| words::change_error(&error))))
    }

    /// Draws it.
    pub fn view(&self) -> Element<'_, Message> {
        let sentence = tr_args("person-rename-sentence", &[("name", self.own_name.as_str().into())]);
        let mut parts = vec![
            widget::secondary(sentence).into(),
            widget::field(NAME, &self.own_name, &self.name, Message::Name, Some(Message::Save)),
        ];
        parts.extend(widget::error(self.error.as_deref()));
        let actions = vec![
            widget::quiet(tr("cancel"), Message::Cancel),
            widget::primary(tr("save"), Some(Message::Save)),
        ];
        widget::sheet(tr("person-rename-title"), parts, actions)
    }
}
