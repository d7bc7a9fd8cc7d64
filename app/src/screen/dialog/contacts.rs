//! Choosing one of the contacts: a field to search and those who are found.

use iced::Fill;
use iced::widget::{Column, column, container, scrollable, text};
use kinmesh_core::{Acquaintance, PersonView};
use kinmesh_model::{Face, initial};
use kinmesh_proto::PersonId;

use crate::i18n::tr;
use crate::screen::Cx;
use crate::theme::{self, size};
use crate::widget::ellipsis::ellipsis;
use crate::widget::{self, AvatarSize, Element};

/// People drawn at once; a longer query finds the others.
const FOUND_CAP: usize = 30;

/// What stands around the contacts.
pub(super) struct Choice<'a, Message> {
    /// The search field's id.
    pub(super) field: &'static str,
    /// What was typed so far.
    pub(super) query: &'a str,
    /// The search was edited.
    pub(super) on_query: fn(String) -> Message,
    /// What to say when there is nobody.
    pub(super) nobody: String,
}

impl<'a, Message: Clone + 'a> Choice<'a, Message> {
    /// Draws the field and the list. Offered are contacts for whom `fits` holds; `chosen` is told who was
    /// chosen, and their name.
    pub(super) fn view(
        self,
        cx: &'a Cx,
        fits: impl Fn(PersonId) -> bool,
        chosen: impl Fn(PersonId, &str) -> Message,
    ) -> [Element<'a, Message>; 2] {
        let is_offered = |person: &&PersonView| {
            person.acquaintance == Acquaintance::Contact && !person.is_echo && fits(person.person)
        };
        let found = kinmesh_model::find_people(&cx.overview.people, self.query);
        let found: Vec<_> = found.into_iter().filter(is_offered).take(FOUND_CAP).collect();
        let list: Element<'a, Message> = if found.is_empty() {
            widget::empty(self.nobody, None)
        } else {
            scrollable(Column::with_children(found.into_iter().map(|person| row(person, &chosen)))).into()
        };
        [
            widget::field(self.field, &tr("person-find-hint"), self.query, self.on_query, None),
            container(list).height(theme::list::SHORT).width(Fill).into(),
        ]
    }
}

fn row<'a, Message: Clone + 'a>(
    person: &'a PersonView,
    chosen: impl Fn(PersonId, &str) -> Message,
) -> Element<'a, Message> {
    let face = Face::of(person);
    let avatar = widget::avatar(initial(&face.name), face.color, AvatarSize::Small, Some(face.online));
    let message = chosen(person.person, face.name.as_str());
    let called = ellipsis(face.name).size(size::NAME).font(theme::SEMIBOLD);
    let lines = column![
        widget::name(called, face.verified),
        text(face.fingerprint).size(size::CAPTION).style(theme::text::secondary),
    ];
    widget::list_row(avatar, lines, false, message)
}
