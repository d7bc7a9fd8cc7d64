//! How we are connected: the bootstrap nodes and their state, a way in by link, our own link.

use iced::widget::{Column, column, row, scrollable, text};
use iced::{Center, Fill, Task};
use kinmesh_net::{BootstrapLink, BootstrapStatus};
use kinmesh_proto::ConversationId;

use super::Event;
use crate::i18n::tr;
use crate::links;
use crate::program::{Program, parse_link};
use crate::screen::{Cx, words};
use crate::theme::container::Tone;
use crate::theme::{self, size, space as gap};
use crate::widget::{self, Element};

/// The field for a link.
pub const LINK: &str = "network-link";

/// What was typed so far.
#[derive(Debug, Default)]
pub struct State {
    link: String,
    error: Option<String>,
}

/// What can happen here.
#[derive(Debug, Clone)]
pub enum Message {
    /// The link was edited.
    Link(String),
    /// Follow it.
    Follow,
    /// It was followed, to a room if it names one, or why not.
    Followed(Result<Option<ConversationId>, String>),
    /// Our own link is wanted on the clipboard.
    CopyOwn,
    /// Enough.
    Close,
}

impl State {
    /// Takes a message.
    pub fn update(&mut self, message: Message, program: &Program) -> (Task<Message>, Option<Event>) {
        match message {
            Message::Link(link) => {
                self.link = link;
                self.error = None;
            }
            Message::Follow if links::is_ticket(&self.link) => {
                return (Task::none(), Some(Event::Link(std::mem::take(&mut self.link))));
            }
            Message::Follow => return (self.follow(program), None),
            Message::Followed(Ok(Some(room))) => return (Task::none(), Some(Event::Open(room))),
            Message::Followed(Ok(None)) => self.link.clear(),
            Message::Followed(Err(error)) => self.error = Some(error),
            Message::CopyOwn => {
                let link = program.node.join_link(None).to_string();
                return (iced::clipboard::write(link), Some(Event::Toast(tr("link-copied"))));
            }
            Message::Close => return (Task::none(), Some(Event::Close)),
        }
        (Task::none(), None)
    }

    fn follow(&mut self, program: &Program) -> Task<Message> {
        let link = match parse_link(&self.link) {
            Ok(link) => link,
            Err(fault) => {
                self.error = Some(words::link_fault(&fault));
                return Task::none();
            }
        };
        let program = program.clone();
        let work = async move { program.follow(&link).await };
        Task::perform(work, |followed| {
            let room = followed.map(|room| room.map(|room| ConversationId::Room(room.id())));
            Message::Followed(room.map_err(|error| words::enter_error(&error)))
        })
    }

    /// Draws it.
    pub fn view<'a>(&'a self, cx: &'a Cx) -> Element<'a, Message> {
        let sentence = words::network(&cx.status);
        let nodes: Element<'_, Message> = if cx.status.bootstraps.is_empty() {
            widget::secondary(tr("network-no-bootstrap")).into()
        } else {
            let nodes = cx.status.bootstraps.iter().map(bootstrap);
            scrollable(Column::with_children(nodes).spacing(gap::M)).into()
        };
        let nodes = iced::widget::container(nodes).max_height(theme::list::SHORT).width(Fill);
        let follow = (!self.link.trim().is_empty()).then_some(Message::Follow);
        let link = widget::field(LINK, &tr("network-link-hint"), &self.link, Message::Link, follow.clone());
        let mut parts = vec![
            text(sentence).size(size::NAME).into(),
            widget::card(nodes),
            row![link, widget::primary(tr("network-follow"), follow)].spacing(gap::S).align_y(Center).into(),
        ];
        parts.extend(widget::error(self.error.as_deref()));
        let own = widget::secondary(tr("network-own-link"));
        parts.push(column![own, widget::link(tr("link-copy"), Message::CopyOwn)].spacing(gap::XS).into());
        widget::sheet(tr("network"), parts, vec![widget::quiet(tr("close"), Message::Close)])
    }
}

fn bootstrap(node: &BootstrapStatus) -> Element<'_, Message> {
    let tone = match node.link {
        BootstrapLink::Connected => Tone::Good,
        BootstrapLink::Connecting => Tone::Quiet,
        BootstrapLink::Unreachable { .. } => Tone::Warning,
    };
    let address = text(node.address.to_string())
        .size(size::CAPTION)
        .wrapping(text::Wrapping::Glyph)
        .style(theme::text::secondary);
    let state = text(words::bootstrap(&node.link)).size(size::SECONDARY).font(theme::MEDIUM);
    column![row![widget::dot(tone), state].spacing(gap::S).align_y(Center), address].spacing(gap::XS).into()
}
