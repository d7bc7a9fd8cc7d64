//! The dialogs over the main screen, at most one at a time.

pub mod admit;
pub mod call_with;
pub mod carry_on;
mod contacts;
pub mod edits;
pub mod export;
pub mod find_person;
pub mod introduce;
pub mod invite;
pub mod join_room;
pub mod network;
pub mod new_room;
pub mod open_link;
pub mod picture;
pub mod rename;
pub mod safety;

use iced::Task;
use kinmesh_proto::ConversationId;

use super::Cx;
use crate::program::Program;
use crate::widget::Element;

/// The open dialog.
pub enum State {
    /// Joins a room by name.
    JoinRoom(join_room::State),
    /// Founds a private room.
    NewRoom(new_room::State),
    /// Lets a contact into a private room.
    Admit(admit::State),
    /// Carries a private room on in a new one.
    CarryOn(carry_on::State),
    /// Gives a room a picture.
    Picture(picture::State),
    /// Finds a person among those seen.
    FindPerson(find_person::State),
    /// Gives a person a private name.
    Rename(rename::State),
    /// Compares the safety number with a person.
    Safety(safety::State),
    /// Passes a contact on.
    Introduce(introduce::State),
    /// Chooses a contact for a call.
    CallWith(call_with::State),
    /// How we are connected.
    Network(network::State),
    /// All texts that a post had.
    Edits(edits::State),
    /// Writes a conversation into a file.
    Export(export::State),
    /// Invites somebody.
    Invite(Box<invite::State>),
    /// Says where a link leads.
    OpenLink(open_link::State),
}

/// What can happen in a dialog.
#[derive(Debug, Clone)]
pub enum Message {
    /// Joining a room.
    JoinRoom(join_room::Message),
    /// Founding a private room.
    NewRoom(new_room::Message),
    /// Letting a contact into a private room.
    Admit(admit::Message),
    /// Carrying a private room on.
    CarryOn(carry_on::Message),
    /// Giving a room a picture.
    Picture(picture::Message),
    /// Finding a person.
    FindPerson(find_person::Message),
    /// Giving a private name.
    Rename(rename::Message),
    /// Comparing the safety number.
    Safety(safety::Message),
    /// Passing a contact on.
    Introduce(introduce::Message),
    /// Choosing a contact for a call.
    CallWith(call_with::Message),
    /// Looking at the connection.
    Network(network::Message),
    /// Looking at the texts that a post had.
    Edits(edits::Message),
    /// Writing a conversation into a file.
    Export(export::Message),
    /// Inviting somebody.
    Invite(invite::Message),
    /// Following a link.
    OpenLink(open_link::Message),
}

/// What the parent is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The dialog is done.
    Close,
    /// The dialog is done, and this conversation is wanted.
    Open(ConversationId),
    /// Rather the dialog that says where this link leads.
    Link(String),
    /// Rather the dialog that invites somebody to a chat.
    Invite,
    /// Rather the dialog that founds a private room.
    NewRoom,
    /// Something to say for a moment.
    Toast(String),
    /// The dialog is done, and this is to be said for a moment.
    Done(String),
}

impl Message {
    /// What somebody wants to hear of work that they began, even when its dialog was closed since.
    pub fn outcome(self) -> Option<String> {
        match self {
            Self::Export(export::Message::Exported(Ok(words) | Err(words))) => Some(words),
            Self::Picture(picture::Message::Done(Err(words))) => Some(words),
            _ => None,
        }
    }
}

impl State {
    /// The first thing to do: put the cursor into the first field.
    pub fn start(&self) -> Task<Message> {
        match self {
            Self::JoinRoom(_) => iced::widget::operation::focus(join_room::NAME),
            Self::NewRoom(_) => iced::widget::operation::focus(new_room::NAME),
            Self::Admit(_) => iced::widget::operation::focus(admit::QUERY),
            Self::FindPerson(_) => iced::widget::operation::focus(find_person::QUERY),
            Self::Rename(_) => iced::widget::operation::focus(rename::NAME),
            Self::Introduce(_) => iced::widget::operation::focus(introduce::QUERY),
            Self::CallWith(_) => iced::widget::operation::focus(call_with::QUERY),
            Self::OpenLink(_) => iced::widget::operation::focus(open_link::LINK),
            Self::Picture(_) => iced::widget::operation::focus(picture::FILE),
            Self::CarryOn(_)
            | Self::Safety(_)
            | Self::Network(_)
            | Self::Edits(_)
            | Self::Export(_)
            | Self::Invite(_) => Task::none(),
        }
    }

    /// Takes a message. One for a dialog that was closed since is dropped.
    pub fn update(&mut self, message: Message, program: &Program, cx: &Cx) -> (Task<Message>, Option<Event>) {
        match (self, message) {
            (Self::JoinRoom(state), Message::JoinRoom(message)) => {
                let (task, event) = state.update(message, program);
                (task.map(Message::JoinRoom), event)
            }
            (Self::NewRoom(state), Message::NewRoom(message)) => {
                let (task, event) = state.update(message, program);
                (task.map(Message::NewRoom), event)
            }
            (Self::Admit(state), Message::Admit(message)) => {
                let (task, event) = state.update(message, program);
                (task.map(Message::Admit), event)
            }
            (Self::CarryOn(state), Message::CarryOn(message)) => {
                let (task, event) = state.update(message, program);
                (task.map(Message::CarryOn), event)
            }
            (Self::Picture(state), Message::Picture(message)) => {
                let (task, event) = state.update(message, program);
                (task.map(Message::Picture), event)
            }
            (Self::FindPerson(state), Message::FindPerson(message)) => {
                let (task, event) = state.update(message, program);
                (task.map(Message::FindPerson), event)
            }
            (Self::Rename(state), Message::Rename(message)) => {
                let (task, event) = state.update(message, program);
                (task.map(Message::Rename), event)
            }
            (Self::Safety(state), Message::Safety(message)) => {
                let (task, event) = state.update(message, program);
                (task.map(Message::Safety), event)
            }
            (Self::Introduce(state), Message::Introduce(message)) => {
                let (task, event) = state.update(message, program);
                (task.map(Message::Introduce), event)
            }
            (Self::CallWith(state), Message::CallWith(message)) => {
                let (task, event) = state.update(message, program);
                (task.map(Message::CallWith), event)
            }
            (Self::Network(state), Message::Network(message)) => {
                let (task, event) = state.update(message, program);
                (task.map(Message::Network), event)
            }
            (Self::Export(state), Message::Export(message)) => {
                let (task, event) = state.update(message, program);
                (task.map(Message::Export), event)
            }
            (Self::Invite(state), Message::Invite(message)) => {
                let (task, event) = state.update(message, program);
                (task.map(Message::Invite), event)
            }
            (Self::OpenLink(state), Message::OpenLink(message)) => {
                let (task, event) = state.update(message, program, cx);
                (task.map(Message::OpenLink), event)
            }
            (Self::Edits(state), Message::Edits(message)) => (Task::none(), state.update(message)),
            _ => (Task::none(), None),
        }
    }

    /// Draws what the dialog holds.
    pub fn view<'a>(&'a self, cx: &'a Cx) -> Element<'a, Message> {
        match self {
            Self::JoinRoom(state) => state.view().map(Message::JoinRoom),
            Self::NewRoom(state) => state.view().map(Message::NewRoom),
            Self::Admit(state) => state.view(cx).map(Message::Admit),
            Self::CarryOn(state) => state.view().map(Message::CarryOn),
            Self::Picture(state) => state.view(cx).map(Message::Picture),
            Self::FindPerson(state) => state.view(cx).map(Message::FindPerson),
            Self::Rename(state) => state.view().map(Message::Rename),
            Self::Safety(state) => state.view(cx).map(Message::Safety),
            Self::Introduce(state) => state.view(cx).map(Message::Introduce),
            Self::CallWith(state) => state.view(cx).map(Message::CallWith),
            Self::Network(state) => state.view(cx).map(Message::Network),
            Self::Edits(state) => state.view(cx).map(Message::Edits),
            Self::Export(state) => state.view().map(Message::Export),
            Self::Invite(state) => state.view().map(Message::Invite),
            Self::OpenLink(state) => state.view(cx).map(Message::OpenLink),
        }
    }
}
