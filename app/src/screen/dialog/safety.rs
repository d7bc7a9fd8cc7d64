//! Compares the safety number with a person: words to read to each other, and a picture of them.

use iced::widget::{Column, Row, column, container, qr_code, row, text};
use iced::{Center, Fill, Task};
use kinmesh_proto::{PersonId, SafetyNumber};

use super::Event;
use crate::i18n::{tr, tr_args};
use crate::program::Program;
use crate::screen::Cx;
use crate::screen::contact::{self, Act};
use crate::theme::{self, column as width, size, space as gap};
use crate::widget::{self, Element};

/// Words in a line: twelve make four lines beside the picture.
const WORDS_PER_LINE: usize = 3;

/// The number of one person and us.
pub struct State {
    person: PersonId,
    number: SafetyNumber,
    /// `None` only if the words did not fit into a picture, which twelve of them do.
    picture: Option<qr_code::Data>,
    error: Option<String>,
}

/// What can happen here.
#[derive(Debug, Clone)]
pub enum Message {
    /// They are the same, or are no longer taken to be.
    Mark(bool),
    /// That is noted, or why not.
    Marked(Result<(), String>),
    /// Enough.
    Close,
}

impl State {
    /// Of two people.
    pub fn new(me: PersonId, person: PersonId) -> Self {
        let number = SafetyNumber::of(me, person);
        let picture = qr_code::Data::new(number.to_qr_text()).ok();
        Self { person, number, picture, error: None }
    }

    /// Takes a message.
    pub fn update(&mut self, message: Message, program: &Program) -> (Task<Message>, Option<Event>) {
        match message {
            Message::Mark(verified) => {
                let act = if verified { Act::Verify } else { Act::Unverify };
                return (contact::act(self.person, act, program).map(Message::Marked), None);
            }
            Message::Marked(Ok(())) | Message::Close => return (Task::none(), Some(Event::Close)),
            Message::Marked(Err(error)) => self.error = Some(error),
        }
        (Task::none(), None)
    }

    /// Draws it.
    pub fn view<'a>(&'a self, cx: &'a Cx) -> Element<'a, Message> {
        let face = cx.names.face(self.person);
        let name = [("name", face.name.as_str().into())];
        let picture = self.picture.as_ref().map(|data| {
            let picture = qr_code(data).total_size(theme::qr_code::SAFETY).style(theme::qr_code::picture);
            container(picture).center_x(Fill)
        });
        let mut parts: Vec<Element<'_, Message>> = vec![
            widget::secondary(tr_args("safety-sentence", &name)).into(),
            words(&self.number, WORDS_PER_LINE),
        ];
        parts.extend(picture.map(Element::from));
        parts.extend(widget::error(self.error.as_deref()));
        let mark = if face.verified {
            widget::quiet(tr("safety-unmark"), Message::Mark(false))
        } else {
            widget::primary(tr("safety-mark"), Some(Message::Mark(true)))
        };
        let actions = vec![widget::quiet(tr("close"), Message::Close), mark];
        widget::sheet(tr_args("safety-title", &name), parts, actions)
    }
}

/// The words of a safety number, so many in a line, each with its place.
pub fn words<'a, Message: 'a>(number: &SafetyNumber, per_line: usize) -> Element<'a, Message> {
    let word = |(number, word): (usize, &&'static str)| {
        let number = text((number + 1).to_string()).size(size::CAPTION).style(theme::text::secondary);
        let word = text(*word).size(size::TEXT).font(theme::SEMIBOLD);
        container(row![container(number).width(width::NUMBER), word].align_y(Center)).width(Fill).into()
    };
    let words = number.words();
    let cells: Vec<Element<'_, Message>> = words.iter().enumerate().map(word).collect();
    let mut cells = cells.into_iter();
    let lines = (0..words.len() / per_line)
        .map(|_| Row::with_children(cells.by_ref().take(per_line).collect::<Vec<_>>()).into());
    let lines: Vec<Element<'_, Message>> = lines.collect();
    widget::card(column![Column::with_children(lines).spacing(gap::S)])
}
