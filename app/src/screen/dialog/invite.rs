//! Invites somebody: for how long and for how many, then the ticket as picture, link and file.

use std::path::Path;

use iced::widget::{button, center, column, qr_code, row, text};
use iced::{Center, Fill, Task};
use kinmesh_core::NewInvite;
use kinmesh_net::InviteError;
use kinmesh_proto::{RoomId, RoomName, Ticket, TicketId};

use super::Event;
use crate::i18n::{tr, tr_args};
use crate::invites::{Expiry, Uses};
use crate::program::Program;
use crate::screen::words;
use crate::theme::qr_code::{SIDE_MAX, SQUARES};
use crate::theme::{self, size, space as gap};
use crate::widget::{self, Element};
use crate::{invites, links, places, qr};

/// The field for the file's place.
pub const FILE: &str = "invite-file";
/// Squares of quiet that the widget draws around it.
const QUIET: usize = 4;

/// What is made, and what came of it.
pub struct State {
    room: Option<(RoomId, RoomName)>,
    /// Whether it is for so many people.
    is_counted: bool,
    expiry: Expiry,
    uses: Uses,
    busy: bool,
    made: Option<Made>,
    error: Option<String>,
}

/// A ticket as it is given away.
struct Made {
    ticket: Ticket,
    /// The picture, and its side in pixels.
    picture: Option<(qr_code::Data, f32)>,
    file: String,
    saved: Option<String>,
}

/// What can happen here.
#[derive(Debug, Clone)]
pub enum Message {
    /// For how long.
    Expiry(Expiry),
    /// For how many.
    Uses(Uses),
    /// Make it.
    Make,
    /// It was made, or why not.
    Made(Result<Box<Ticket>, String>),
    /// The link is wanted on the clipboard.
    Copy,
    /// The file's place was edited.
    File(String),
    /// The file is wanted.
    Save,
    /// It was written, in words, or why not.
    Saved(Result<String, String>),
    /// Enough.
    Close,
}

impl State {
    /// Into this room, or to a chat.
    pub fn new(room: Option<(RoomId, RoomName)>) -> Self {
        Self {
            is_counted: room.is_none(),
            room,
            expiry: Expiry::default(),
            uses: Uses::default(),
            busy: false,
            made: None,
            error: None,
        }
    }

    /// Into this private room, whose invitations are counted like those to a chat.
    pub fn private(room: RoomId, name: RoomName) -> Self {
        Self { is_counted: true, ..Self::new(Some((room, name))) }
    }

    /// Shows one that was made before, with the addresses of now.
    pub fn show(invite: TicketId, program: &Program) -> (Self, Task<Message>) {
        let node = program.node.clone();
        let task = Task::perform(async move { node.ticket(invite).await }, made);
        (Self { busy: true, ..Self::new(None) }, task)
    }

    /// Shows a ticket.
    pub fn showing(ticket: Ticket) -> Self {
        Self { made: Some(Made::of(ticket)), ..Self::new(None) }
    }

    /// The same with this place for the file.
    pub fn at(mut self, file: String) -> Self {
        if let Some(made) = &mut self.made {
            made.file = file;
        }
        self
    }

    /// Takes a message.
    pub fn update(&mut self, message: Message, program: &Program) -> (Task<Message>, Option<Event>) {
        match message {
            Message::Expiry(expiry) => self.expiry = expiry,
            Message::Uses(uses) => self.uses = uses,
            Message::Make => return (self.make(program), None),
            Message::Made(Ok(ticket)) => {
                (self.busy, self.made) = (false, Some(Made::of(*ticket)));
            }
            Message::Made(Err(error)) | Message::Saved(Err(error)) => {
                (self.busy, self.error) = (false, Some(error));
            }
            Message::Copy => {
                let link = self.made.as_ref().map(|made| made.ticket.to_string()).unwrap_or_default();
                return (iced::clipboard::write(link), Some(Event::Toast(tr("invite-copied"))));
            }
            Message::File(file) => {
                self.error = None;
                if let Some(made) = &mut self.made {
                    (made.file, made.saved) = (file, None);
                }
            }
            Message::Save => return (self.save(), None),
            Message::Saved(Ok(words)) => {
                if let Some(made) = &mut self.made {
                    made.saved = Some(words);
                }
            }
            Message::Close => return (Task::none(), Some(Event::Close)),
        }
        (Task::none(), None)
    }

    fn make(&mut self, program: &Program) -> Task<Message> {
        (self.busy, self.error) = (true, None);
        let room = self.room.as_ref().map(|(room, _)| *room);
        let new = NewInvite {
            room,
            expires_ms: self.expiry.until_ms(invites::now_ms()),
            uses: self.uses.count().filter(|_| self.is_counted),
        };
        let node = program.node.clone();
        let work = async move { node.ticket(node.make_invite(new).await?.id).await };
        Task::perform(work, made)
    }

    fn save(&self) -> Task<Message> {
        let Some(made) = &self.made else { return Task::none() };
        let (ticket, path) = (made.ticket.clone(), places::typed(&made.file));
        // A file of a few hundred bytes.
        Task::perform(async move { save(&ticket, &path) }, Message::Saved)
    }

    /// Draws it.
    pub fn view(&self) -> Element<'_, Message> {
        let title = match &self.room {
            Some((_, room)) => tr_args("invite-new-room", &[("room", room.as_str().into())]),
            None => tr("invite-new"),
        };
        let close = widget::quiet(tr("close"), Message::Close);
        match &self.made {
            Some(made) => {
                let mut parts = made.view();
                parts.extend(widget::error(self.error.as_deref()));
                widget::sheet(title, parts, vec![close])
            }
            None => {
                let make = (!self.busy).then_some(Message::Make);
                let actions = vec![close, widget::primary(tr("invite-make"), make)];
                widget::sheet(title, self.choices(), actions)
            }
        }
    }

    fn choices(&self) -> Vec<Element<'_, Message>> {
        let sentence = match (&self.room, self.is_counted) {
            (Some(_), false) => "invite-room-sentence",
            (Some(_), true) => "invite-private-room-sentence",
            (None, _) => "invite-chat-sentence",
        };
        let expiries =
            Expiry::ALL.map(|expiry| choice(expiry.words(), self.expiry == expiry, Message::Expiry(expiry)));
        let mut parts: Vec<Element<'_, Message>> =
            vec![widget::secondary(tr(sentence)).into(), labelled("invite-valid", expiries.into())];
        if self.is_counted {
            let uses = Uses::ALL.map(|uses| choice(uses.words(), self.uses == uses, Message::Uses(uses)));
            parts.push(labelled("invite-people", uses.into()));
        }
        parts.extend(widget::error(self.error.as_deref()));
        parts
    }
}

impl Made {
    fn of(ticket: Ticket) -> Self {
        let file = places::offered(&links::file_name(&ticket)).display().to_string();
        Self { picture: picture(&ticket), file, ticket, saved: None }
    }

    fn view(&self) -> Vec<Element<'_, Message>> {
        let picture: Element<'_, Message> = match &self.picture {
            Some((data, side)) => center(qr_code(data).total_size(*side)).width(Fill).height(*side).into(),
            None => widget::secondary(tr("invite-no-picture")).into(),
        };
        let link = text(self.ticket.to_string())
            .size(size::CAPTION)
            .wrapping(text::Wrapping::None)
            .style(theme::text::secondary);
        let link = iced::widget::container(link).width(Fill).clip(true);
        let link = row![link, widget::primary(tr("invite-copy"), Some(Message::Copy))];
        let save = (!self.file.trim().is_empty()).then_some(Message::Save);
        let file = widget::field(FILE, &tr("invite-file"), &self.file, Message::File, save.clone());
        let file = row![file, widget::primary(tr("invite-save"), save)];
        let mut parts = vec![
            widget::secondary(tr("invite-give")).into(),
            picture,
            link.spacing(gap::S).align_y(Center).into(),
            file.spacing(gap::S).align_y(Center).into(),
        ];
        parts.extend(self.saved.as_ref().map(|words| widget::secondary(words.as_str()).into()));
        parts
    }
}

/// The picture with squares of whole pixels, so that all of them are equal.
fn picture(ticket: &Ticket) -> Option<(qr_code::Data, f32)> {
    let squares = qr::width(ticket)? + QUIET;
    let side = SQUARES.into_iter().map(|square| square * squares).find(|side| *side <= SIDE_MAX)?;
    let low = qr_code::ErrorCorrection::Low;
    let data = qr_code::Data::with_error_correction(ticket.to_qr_text(), low).ok()?;
    Some((data, side as f32))
}

fn made(made: Result<Ticket, InviteError>) -> Message {
    Message::Made(made.map(Box::new).map_err(|error| words::invites::invite_error(&error)))
}

fn save(ticket: &Ticket, path: &Path) -> Result<String, String> {
    links::save(ticket, path).map_err(|error| {
        tr_args("error-invite-file", &[("fault", format!("{}: {error}", path.display()).into())])
    })?;
    Ok(tr_args("invite-saved", &[("file", path.display().to_string().into())]))
}

fn choice<'a>(words: &str, chosen: bool, message: Message) -> Element<'a, Message> {
    button(text(tr(words)).size(size::NAME))
        .padding([gap::S, gap::M])
        .style(theme::button::choice(chosen))
        .on_press(message)
        .into()
}

fn labelled<'a>(label: &str, choices: Vec<Element<'a, Message>>) -> Element<'a, Message> {
    let label = text(tr(label)).size(size::SECONDARY).font(theme::SEMIBOLD);
    column![label, row(choices).spacing(gap::S).wrap()].spacing(gap::S).into()
}
