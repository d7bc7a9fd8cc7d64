//! Lets a contact into a private room.

use iced::widget::{Column, column, container, scrollable, text};
use iced::{Fill, Task};
use kinmesh_core::{Acquaintance, PersonView, RoomView};
use kinmesh_model::{Face, initial};
use kinmesh_proto::{PersonId, RoomId};

use super::Event;
use crate::i18n::{tr, tr_args};
use crate::program::Program;
use crate::screen::{Cx, conversation, words};
use crate::theme::{self, size};
use crate::widget::ellipsis::ellipsis;
use crate::widget::{self, AvatarSize, Element};

/// The search field.
pub const QUERY: &str = "admit-query";

/// People drawn at once; a longer query finds the others.
const FOUND_CAP: usize = 30;

/// Into which room, and what was typed so far.
#[derive(Debug)]
pub struct State {
    room: RoomId,
    query: String,
}

/// What can happen here.
#[derive(Debug, Clone)]
pub enum Message {
    /// The search was edited.
    Query(String),
    /// This contact is to be let in; and what to say then.
    Admit(PersonId, String),
    /// That is done, or why not.
    Done(Result<String, String>),
    /// Rather not.
    Close,
}

impl State {
    /// Lets somebody into this room.
    pub fn new(room: RoomId) -> Self {
        Self { room, query: String::new() }
    }

    /// Takes a message.
    pub fn update(&mut self, message: Message, program: &Program) -> (Task<Message>, Option<Event>) {
        match message {
            Message::Query(query) => self.query = query,
            Message::Admit(person, told) => {
                let room = program.node.room(self.room);
                let work = async move { room.add(person).await };
                let done = Task::perform(work, |admitted| {
                    Message::Done(admitted.map(|()| told).map_err(|error| words::room_error(&error)))
                });
                return (done, None);
            }
            Message::Done(Ok(told)) => return (Task::none(), Some(Event::Done(told))),
            Message::Done(Err(error)) => return (Task::none(), Some(Event::Toast(error))),
            Message::Close => return (Task::none(), Some(Event::Close)),
        }
        (Task::none(), None)
    }

    /// Draws it.
    pub fn view<'a>(&'a self, cx: &'a Cx) -> Element<'a, Message> {
        let room = conversation::room(cx, self.room);
        let can_come = |person: &&PersonView| {
            person.acquaintance == Acquaintance::Contact && !person.is_echo && !is_in(room, person.person)
        };
        let found = kinmesh_model::find_people(&cx.overview.people, &self.query);
        let found: Vec<_> = found.into_iter().filter(can_come).take(FOUND_CAP).collect();
        let list: Element<'_, Message> = if found.is_empty() {
            widget::empty(tr("room-admit-nobody"), None)
        } else {
            scrollable(Column::with_children(found.into_iter().map(person_row))).into()
        };
        let parts = vec![
            widget::secondary(tr("room-admit-sentence")).into(),
            widget::field(QUERY, &tr("person-find-hint"), &self.query, Message::Query, None),
            container(list).height(theme::list::SHORT).width(Fill).into(),
        ];
        widget::sheet(tr("room-admit"), parts, vec![widget::quiet(tr("cancel"), Message::Close)])
    }
}

fn is_in(room: Option<&RoomView>, person: PersonId) -> bool {
    let seats = room.and_then(|room| room.private.as_ref()).map(|private| &private.seats);
    seats.into_iter().flatten().any(|seat| seat.person == person)
}

fn person_row<'a>(person: &'a PersonView) -> Element<'a, Message> {
    let face = Face::of(person);
    let avatar = widget::avatar(initial(&face.name), face.color, AvatarSize::Small, Some(face.online));
    let told = tr_args("room-admitted", &[("name", face.name.as_str().into())]);
    let called = ellipsis(face.name).size(size::NAME).font(theme::SEMIBOLD);
    let lines = column![
        widget::name(called, face.verified),
        text(face.fingerprint).size(size::CAPTION).style(theme::text::secondary),
    ];
    widget::list_row(avatar, lines, false, Message::Admit(person.person, told))
}
