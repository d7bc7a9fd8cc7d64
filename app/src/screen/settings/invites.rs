//! Invitations in the settings: those made here, those opened here, and whether clicked links come here.

use iced::widget::{Column, column, container, row, text, toggler};
use iced::{Center, Fill, Task};
use kinmesh_core::{InviteState, InviteView, OpeningView};
use kinmesh_proto::TicketId;

use crate::handler::Desktop;
use crate::i18n::{tr, tr_args};
use crate::program::Program;
use crate::screen::{Cx, words};
use crate::theme::{self, side, size, space as gap};
use crate::widget::{self, Element};

/// What was looked up.
#[derive(Debug)]
pub struct State {
    /// Whether links are opened with this program; `None` where an installer decides it.
    handles_links: Option<bool>,
    error: Option<String>,
}

/// What can happen here.
#[derive(Debug, Clone)]
pub enum Message {
    /// A ticket is wanted once more.
    Show(TicketId),
    /// One that was made is to be taken back.
    Revoke(TicketId),
    /// One that was opened is given up.
    Dismiss(TicketId),
    /// That is done, or why not.
    Done(Result<(), String>),
    /// Whether links are opened with this program.
    HandleLinks(bool),
}

impl State {
    /// As the desktop has it now.
    pub fn new(program: &Program) -> Self {
        let desktop = Desktop::of_user().ok();
        let handles_links = desktop.map(|desktop| desktop.is_installed(program.asked_data_dir()));
        Self { handles_links, error: None }
    }

    /// Takes a message; the ticket that is wanted is for the parent to show.
    pub fn update(&mut self, message: Message, program: &Program) -> (Task<Message>, Option<TicketId>) {
        let node = program.node.clone();
        let done = |done: Result<(), kinmesh_net::InviteError>| {
            Message::Done(done.map_err(|error| words::invites::invite_error(&error)))
        };
        match message {
            Message::Show(invite) => return (Task::none(), Some(invite)),
            Message::Revoke(invite) => {
                return (Task::perform(async move { node.revoke_invite(invite).await }, done), None);
            }
            Message::Dismiss(invite) => {
                return (Task::perform(async move { node.dismiss_opening(invite).await }, done), None);
            }
            Message::Done(done) => self.error = done.err(),
            Message::HandleLinks(on) => self.handle_links(on, program),
        }
        (Task::none(), None)
    }

    fn handle_links(&mut self, on: bool, program: &Program) {
        let data_dir = program.asked_data_dir();
        let changed = Desktop::of_user()
            .and_then(|desktop| if on { desktop.install(data_dir) } else { desktop.remove() });
        self.error =
            changed.err().map(|error| tr_args("error-invite-file", &[("fault", error.to_string().into())]));
        *self = Self { error: self.error.take(), ..Self::new(program) };
    }

    /// Draws them.
    pub fn view<'a>(&'a self, cx: &'a Cx) -> Element<'a, Message> {
        let overview = &cx.overview;
        let none = overview.invites.is_empty().then(|| widget::secondary(tr("invite-none")));
        let made = column![caption("invites-made")]
            .push(none)
            .extend(overview.invites.iter().map(|invite| self::made(invite, cx)));
        let opened = (!overview.openings.is_empty()).then(|| {
            let rows = overview.openings.iter().map(self::opened);
            widget::card(column![caption("invites-opened")].extend(rows).spacing(gap::M))
        });
        let handler = self.handles_links.map(|on| {
            let lines =
                column![caption("invites-handler"), widget::secondary(tr("invites-handler-sentence"))];
            let toggle = toggler(on).size(side::SWITCH).on_toggle(Message::HandleLinks);
            let lines = container(lines.spacing(gap::XS)).width(Fill);
            widget::card(row![lines, toggle].spacing(gap::M).align_y(Center))
        });
        column![widget::card(made.spacing(gap::M))]
            .push(opened)
            .push(handler)
            .push(widget::error(self.error.as_deref()))
            .spacing(gap::L)
            .into()
    }
}

fn made<'a>(invite: &InviteView, cx: &Cx) -> Element<'a, Message> {
    let private = invite.private_room.map(|id| super::super::conversation::room(cx, id));
    let place = match (&invite.room, private) {
        (Some(room), _) => format!("# {}", room.as_str()),
        (None, Some(room)) => room.map_or_else(|| tr("room-private"), |room| room.name.as_str().to_owned()),
        (None, None) => tr("invite-for-chat"),
    };
    let is_open = invite.state(cx.clock.now_ms()) == InviteState::Open;
    let names =
        invite.used_by.iter().map(|person| cx.names.face(*person).name).collect::<Vec<_>>().join(", ");
    let used_by = (!names.is_empty()).then(|| widget::secondary(names));
    let lines = lines(place, words::invites::standing(invite, &cx.clock)).push(used_by);
    let show = is_open.then(|| widget::link(tr("invite-show"), Message::Show(invite.id)));
    let revoke = if is_open { "invite-revoke" } else { "invite-forget" };
    let revoke = widget::danger(tr(revoke), Message::Revoke(invite.id));
    let buttons = row![].push(show).push(revoke).spacing(gap::L);
    row![container(lines).width(Fill), buttons].spacing(gap::M).align_y(Center).into()
}

fn opened<'a>(opening: &OpeningView) -> Element<'a, Message> {
    let lines = lines(opening.name.as_str().to_owned(), words::invites::opening(opening));
    let dismiss = widget::danger(tr("invite-dismiss"), Message::Dismiss(opening.id));
    row![container(lines).width(Fill), dismiss].spacing(gap::M).align_y(Center).into()
}

fn lines<'a>(title: String, about: String) -> Column<'a, Message, theme::Theme> {
    let title = text(title).size(size::NAME).font(theme::MEDIUM);
    column![title, widget::secondary(about)].spacing(gap::XS)
}

fn caption<'a>(id: &str) -> Element<'a, Message> {
    text(tr(id)).size(size::SECONDARY).font(theme::SEMIBOLD).into()
}
