//! Finds a person among those seen, to write to or to keep as a contact.

use iced::widget::{Column, column, row, scrollable, text};
use iced::{Center, Fill, Task};
use kinmesh_core::PersonView;
use kinmesh_model::{Face, initial};
use kinmesh_proto::{ConversationId, PersonId};

use super::Event;
use crate::i18n::tr;
use crate::program::Program;
use crate::screen::{Cx, words};
use crate::theme::{self, size, space as gap};
use crate::widget::ellipsis::ellipsis;
use crate::widget::{self, AvatarSize, Element};

/// The search field.
pub const QUERY: &str = "find-person-query";

/// People drawn at once; a longer query finds the others.
const FOUND_CAP: usize = 30;
/// What was typed so far.
#[derive(Debug, Default)]
pub struct State {
    query: String,
}

/// What can happen here.
#[derive(Debug, Clone)]
pub enum Message {
    /// The search was edited.
    Query(String),
    /// The chat with this person is wanted.
    Open(PersonId),
    /// A person is to be a contact, or no more.
    SetContact(PersonId, bool),
    /// That is done, or why not.
    Done(Result<(), String>),
    /// Somebody is to be invited.
    Invite,
    /// Enough.
    Close,
}

impl State {
    /// Takes a message.
    pub fn update(&mut self, message: Message, program: &Program) -> (Task<Message>, Option<Event>) {
        match message {
            Message::Query(query) => self.query = query,
            Message::Open(person) => {
                return (Task::none(), Some(Event::Open(ConversationId::Direct(person))));
            }
            Message::SetContact(person, contact) => {
                let node = program.node.clone();
                let work = async move { node.set_contact(person, contact).await };
                let done = |done: Result<(), _>| done.map_err(|error| words::change_error(&error));
                return (Task::perform(work, move |result| Message::Done(done(result))), None);
            }
            Message::Done(done) => return (Task::none(), done.err().map(Event::Toast)),
            Message::Invite => return (Task::none(), Some(Event::Invite)),
            Message::Close => return (Task::none(), Some(Event::Close)),
        }
        (Task::none(), None)
    }

    /// Draws it.
    pub fn view<'a>(&'a self, cx: &'a Cx) -> Element<'a, Message> {
        let found = kinmesh_model::find_people(&cx.overview.people, &self.query);
        let first = found.first().map(|person| Message::Open(person.person));
        let list: Element<'_, Message> = if found.is_empty() {
            widget::empty(tr("search-nothing"), None)
        } else {
            scrollable(Column::with_children(found.into_iter().take(FOUND_CAP).map(person_row))).into()
        };
        let parts = vec![
            widget::secondary(tr("person-find-sentence")).into(),
            widget::field(QUERY, &tr("person-find-hint"), &self.query, Message::Query, first),
            iced::widget::container(list).height(theme::list::PEOPLE).width(Fill).into(),
        ];
        let actions = vec![
            widget::quiet(tr("close"), Message::Close),
            widget::primary(tr("invite-new"), Some(Message::Invite)),
        ];
        widget::sheet(tr("person-find"), parts, actions)
    }
}

fn person_row<'a>(person: &'a PersonView) -> Element<'a, Message> {
    let face = Face::of(person);
    let avatar = widget::avatar(initial(&face.name), face.color, AvatarSize::Small, Some(face.online));
    let lines = column![
        ellipsis(face.name).size(size::NAME).font(theme::SEMIBOLD),
        text(face.fingerprint).size(size::CAPTION).style(theme::text::secondary),
    ];
    let open = widget::list_row(avatar, lines, false, Message::Open(person.person));
    let change = match person.contact {
        _ if person.is_echo => None,
        true => Some(widget::danger(tr("contact-remove"), Message::SetContact(person.person, false))),
        false => Some(widget::link(tr("contact-add"), Message::SetContact(person.person, true))),
    };
    row![open].push(change).spacing(gap::XS).align_y(Center).into()
}
