//! Passes a contact on to another contact.

use iced::widget::{Column, column, container, scrollable, text};
use iced::{Fill, Task};
use kinmesh_core::{Acquaintance, PersonView};
use kinmesh_model::{Face, initial};
use kinmesh_proto::PersonId;

use super::Event;
use crate::i18n::{tr, tr_args};
use crate::program::Program;
use crate::screen::{Cx, words};
use crate::theme::{self, size};
use crate::widget::ellipsis::ellipsis;
use crate::widget::{self, AvatarSize, Element};

/// The search field.
pub const QUERY: &str = "introduce-query";

/// People drawn at once; a longer query finds the others.
const FOUND_CAP: usize = 30;
/// Who is passed on, and what was typed so far.
#[derive(Debug)]
pub struct State {
    person: PersonId,
    query: String,
}

/// What can happen here.
#[derive(Debug, Clone)]
pub enum Message {
    /// The search was edited.
    Query(String),
    /// They are passed on to this contact.
    To(PersonId, String),
    /// That is done, or why not.
    Done(Result<String, String>),
    /// Rather not.
    Close,
}

impl State {
    /// Passes this person on.
    pub fn new(person: PersonId) -> Self {
        Self { person, query: String::new() }
    }

    /// Takes a message.
    pub fn update(&mut self, message: Message, program: &Program) -> (Task<Message>, Option<Event>) {
        match message {
            Message::Query(query) => self.query = query,
            Message::To(to, told) => {
                let (node, person) = (program.node.clone(), self.person);
                let work = async move { node.introduce(to, person).await };
                let done = Task::perform(work, |introduced| {
                    Message::Done(introduced.map(|_| told).map_err(|error| words::introduce_error(&error)))
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
        let name = cx.names.face(self.person).full_name();
        let is_other = |person: &&PersonView| {
            person.acquaintance == Acquaintance::Contact && !person.is_echo && person.person != self.person
        };
        let found = kinmesh_model::find_people(&cx.overview.people, &self.query);
        let found: Vec<_> = found.into_iter().filter(is_other).take(FOUND_CAP).collect();
        let list: Element<'_, Message> = if found.is_empty() {
            widget::empty(tr("introduce-nobody"), None)
        } else {
            let rows = found.into_iter().map(|person| person_row(person, &name));
            scrollable(Column::with_children(rows)).into()
        };
        let sentence = tr_args("introduce-sentence", &[("name", name.as_str().into())]);
        let parts = vec![
            widget::secondary(sentence).into(),
            widget::field(QUERY, &tr("person-find-hint"), &self.query, Message::Query, None),
            container(list).height(theme::list::SHORT).width(Fill).into(),
        ];
        let title = tr_args("introduce-title", &[("name", name.as_str().into())]);
        widget::sheet(title, parts, vec![widget::quiet(tr("cancel"), Message::Close)])
    }
}

fn person_row<'a>(to: &'a PersonView, name: &str) -> Element<'a, Message> {
    let face = Face::of(to);
    let avatar = widget::avatar(initial(&face.name), face.color, AvatarSize::Small, Some(face.online));
    let told = tr_args("introduced", &[("name", name.into()), ("to", face.name.as_str().into())]);
    let called = ellipsis(face.name).size(size::NAME).font(theme::SEMIBOLD);
    let lines = column![
        widget::name(called, face.verified),
        text(face.fingerprint).size(size::CAPTION).style(theme::text::secondary),
    ];
    widget::list_row(avatar, lines, false, Message::To(to.person, told))
}
