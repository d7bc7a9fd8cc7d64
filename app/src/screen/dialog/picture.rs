//! Gives a room a picture, or takes it away.

use iced::widget::row;
use iced::{Center, Task};
use kinmesh_proto::RoomId;

use super::Event;
use crate::i18n::tr;
use crate::picture::set_picture;
use crate::places;
use crate::program::Program;
use crate::screen::conversation::room;
use crate::screen::{Cx, words};
use crate::theme::space as gap;
use crate::widget::{self, AvatarSize, Element};

/// The field for the file's place.
pub const FILE: &str = "picture-file";

/// What was typed so far.
#[derive(Debug)]
pub struct State {
    room: RoomId,
    file: String,
    /// A file is being read.
    is_busy: bool,
    error: Option<String>,
}

/// What can happen here.
#[derive(Debug, Clone)]
pub enum Message {
    /// The place was edited.
    File(String),
    /// Take the picture that is there.
    Set,
    /// The room is to have none.
    Remove,
    /// It is done, or why not.
    Done(Result<(), String>),
    /// Rather not.
    Cancel,
}

impl State {
    /// Of this room.
    pub fn new(room: RoomId) -> Self {
        Self { room, file: String::new(), is_busy: false, error: None }
    }

    /// Takes a message.
    pub fn update(&mut self, message: Message, program: &Program) -> (Task<Message>, Option<Event>) {
        match message {
            Message::File(file) => {
                self.file = file;
                self.error = None;
            }
            // One at a time: of two at once the later would not hold for sure.
            Message::Set | Message::Remove if self.is_busy => {}
            Message::Set if self.file.trim().is_empty() => {}
            Message::Set => return (self.set(Some(self.file.clone()), program), None),
            Message::Remove => return (self.set(None, program), None),
            Message::Done(Ok(())) | Message::Cancel => return (Task::none(), Some(Event::Close)),
            Message::Done(Err(error)) => (self.is_busy, self.error) = (false, Some(error)),
        }
        (Task::none(), None)
    }

    fn set(&mut self, file: Option<String>, program: &Program) -> Task<Message> {
        self.is_busy = true;
        let file = file.map(|file| places::typed(&file));
        let work = set_picture(program.node.room(self.room), file);
        Task::perform(work, |done| Message::Done(done.map_err(|error| words::picture_error(&error))))
    }

    /// Draws it.
    pub fn view<'a>(&'a self, cx: &'a Cx) -> Element<'a, Message> {
        let set = (!self.file.trim().is_empty() && !self.is_busy).then_some(Message::Set);
        let mut parts: Vec<Element<'_, Message>> = Vec::new();
        parts.extend(self.now(cx));
        parts.push(widget::secondary(tr("room-picture-sentence")).into());
        parts.push(widget::field(FILE, &tr("room-picture-file"), &self.file, Message::File, set.clone()));
        parts.extend(widget::error(self.error.as_deref()));
        let actions =
            vec![widget::quiet(tr("cancel"), Message::Cancel), widget::primary(tr("room-picture-do"), set)];
        widget::sheet(tr("room-picture-title"), parts, actions)
    }

    /// The picture that the room has, which may be one that cannot be shown, and what takes it away.
    fn now<'a>(&self, cx: &Cx) -> Option<Element<'a, Message>> {
        room(cx, self.room)?.picture.as_ref()?;
        let shown = cx.pictures.of(self.room).map(|picture| widget::picture(picture, AvatarSize::Call));
        let remove = widget::danger(tr("room-picture-remove"), Message::Remove);
        Some(row![].push(shown).push(remove).spacing(gap::L).align_y(Center).into())
    }
}
