//! All texts that a post had, the latest first.

use iced::Task;
use iced::widget::{Column, column, container, scrollable, text};
use kinmesh_core::EditView;
use kinmesh_net::ConversationHandle;
use kinmesh_proto::EntryKey;

use super::Event;
use crate::i18n::tr;
use crate::screen::{Cx, words};
use crate::theme::{self, size, space as gap};
use crate::widget::{self, Element, emoji};

/// The texts, once they are read.
#[derive(Debug, Default)]
pub struct State {
    edits: Vec<EditView>,
    error: Option<String>,
}

/// What can happen here.
#[derive(Debug, Clone)]
pub enum Message {
    /// They were read, or why not.
    Read(Result<Vec<EditView>, String>),
    /// Enough.
    Close,
}

impl State {
    /// Opens it, and reads the texts of a post.
    pub fn open(conversation: ConversationHandle, key: EntryKey) -> (Self, Task<Message>) {
        let work = async move { conversation.edits(key).await };
        let read =
            Task::perform(work, |edits| Message::Read(edits.map_err(|error| words::edit_error(&error))));
        (Self::default(), read)
    }

    /// Takes a message.
    pub fn update(&mut self, message: Message) -> Option<Event> {
        match message {
            Message::Read(Ok(edits)) => self.edits = edits,
            Message::Read(Err(error)) => self.error = Some(error),
            Message::Close => return Some(Event::Close),
        }
        None
    }

    /// Draws it.
    pub fn view<'a>(&'a self, cx: &Cx) -> Element<'a, Message> {
        let edits = self.edits.iter().rev().map(|edit| {
            let (date, time) = cx.clock.civil(edit.written_ms);
            let when = format!("{} {}", words::day(date, &cx.clock), words::time(time));
            let when = text(when).size(size::CAPTION).style(theme::text::secondary);
            let said = text(&edit.text).size(size::TEXT).font(emoji::font(&edit.text));
            widget::card(column![when, said].spacing(gap::XS))
        });
        let edits = scrollable(Column::with_children(edits).spacing(gap::S));
        let mut parts = vec![container(edits).max_height(theme::list::TEXTS).into()];
        parts.extend(widget::error(self.error.as_deref()));
        widget::sheet(tr("edits-title"), parts, vec![widget::quiet(tr("close"), Message::Close)])
    }
}
