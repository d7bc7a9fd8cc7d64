//! The sidebar: ourselves, search, rooms, chats, people, and how we are connected.

use iced::widget::{Column, button, column, container, row, scrollable, space, stack, text, text_input};
use iced::{Center, Fill, Task};
use kinmesh_core::RequestView;
use kinmesh_model::{
    Face, People, PersonRow, Row, SECTION_CAP, badge, chat_rows, initial, one_line, room_rows,
};
use kinmesh_proto::{ConversationId, RoomId, RoomName};

use super::{Cx, words};
use crate::i18n::{tr, tr_args};
use crate::theme::container::Tone;
use crate::theme::{self, pad, side, size, space as gap};
use crate::widget::ellipsis::ellipsis;
use crate::widget::{self, Element, Icon};

/// The search field.
pub const SEARCH: &str = "search";

/// Conversations drawn at once; the search finds the others.
const ROWS_CAP: usize = 200;

/// What was typed into the search.
#[derive(Debug, Default)]
pub struct State {
    filter: String,
}

/// What can happen here.
#[derive(Debug, Clone)]
pub enum Message {
    /// The search was edited.
    Filter(String),
    /// Enter in the search: the first find is wanted, or messages if there is none.
    OpenFirst,
    /// A conversation is wanted.
    Open(ConversationId),
    /// Messages that hold what was typed are wanted.
    SearchMessages,
    /// A room is wanted.
    JoinRoom,
    /// The lobby is wanted.
    JoinLobby,
    /// A person is wanted.
    FindPerson,
    /// More about the connection is wanted.
    Network,
    /// The settings are wanted.
    Settings,
}

/// What the parent is told: what is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A conversation.
    Open(ConversationId),
    /// Messages that hold this.
    SearchMessages(String),
    /// The dialog that joins a room.
    JoinRoom,
    /// The lobby.
    JoinLobby,
    /// The dialog that finds a person.
    FindPerson,
    /// The dialog about the connection.
    Network,
    /// The settings.
    Settings,
}

/// Everything the sidebar lists.
struct Lists {
    rooms: Vec<Row>,
    chats: Vec<Row>,
    people: People,
}

impl Lists {
    fn first(&self) -> Option<ConversationId> {
        let people = self.people.nearby.iter().chain(&self.people.online).chain(&self.people.away);
        let rows = self.rooms.iter().chain(&self.chats).map(|row| row.conversation);
        rows.chain(people.map(|row| ConversationId::Direct(row.person))).next()
    }
}

impl State {
    /// Puts the cursor into the search.
    pub fn search() -> Task<Message> {
        Task::batch([iced::widget::operation::focus(SEARCH), iced::widget::operation::select_all(SEARCH)])
    }

    /// Takes a message.
    pub fn update(&mut self, message: Message, cx: &Cx) -> Option<Event> {
        match message {
            Message::Filter(filter) => {
                self.filter = filter;
                None
            }
            Message::OpenFirst => {
                let first = self.lists(cx).first().map(Event::Open);
                let typed = std::mem::take(&mut self.filter);
                first.or_else(|| (!typed.trim().is_empty()).then_some(Event::SearchMessages(typed)))
            }
            Message::Open(conversation) => Some(Event::Open(conversation)),
            Message::SearchMessages => Some(Event::SearchMessages(std::mem::take(&mut self.filter))),
            Message::JoinRoom => Some(Event::JoinRoom),
            Message::JoinLobby => Some(Event::JoinLobby),
            Message::FindPerson => Some(Event::FindPerson),
            Message::Network => Some(Event::Network),
            Message::Settings => Some(Event::Settings),
        }
    }

    /// Escape: clears the search. Whether something was typed there.
    pub fn escape(&mut self) -> bool {
        !std::mem::take(&mut self.filter).is_empty()
    }

    fn lists(&self, cx: &Cx) -> Lists {
        let overview = &cx.overview;
        let me = overview.me.person;
        Lists {
            rooms: room_rows(&overview.rooms, me, &cx.names, &self.filter),
            chats: chat_rows(&overview.chats, me, &cx.names, &self.filter),
            people: People::new(&overview.people, &overview.chats, &self.filter),
        }
    }

    /// Draws it, with the conversation that is open.
    pub fn view<'a>(&'a self, cx: &'a Cx, open: Option<ConversationId>) -> Element<'a, Message> {
        let lists = scrollable(container(self.sections(cx, open))).height(Fill);
        let content = column![me(cx), self.search_field(), lists, widget::level_line(), connection(cx)];
        container(content).height(Fill).style(theme::container::panel).into()
    }

    fn search_field(&self) -> Element<'_, Message> {
        let field = text_input(&tr("search-hint"), &self.filter)
            .id(SEARCH)
            .size(size::SECONDARY)
            .padding(pad::SEARCH)
            .style(theme::field::search)
            .on_input(Message::Filter)
            .on_submit(Message::OpenFirst);
        let key = text("Ctrl K").size(size::SECONDARY).style(theme::text::secondary);
        let key = container(key).align_right(Fill).padding(pad::SEARCH);
        let key = self.filter.is_empty().then_some(key);
        container(stack![field].push(key)).padding(iced::Padding::from([0.0, gap::L]).bottom(gap::M)).into()
    }

    /// Leads on to messages that hold what was typed.
    fn messages(&self) -> Element<'_, Message> {
        let face = container(Icon::Search.view(side::ICON_SMALL).style(theme::icon::accent))
            .center(side::AVATAR_SMALL);
        let words = tr_args("search-for", &[("text", self.filter.trim().into())]);
        let words = ellipsis(words).size(size::NAME).style(theme::text::accent);
        widget::list_row(face.into(), column![words], false, Message::SearchMessages)
    }

    fn sections<'a>(&'a self, cx: &'a Cx, open: Option<ConversationId>) -> Element<'a, Message> {
        let lists = self.lists(cx);
        let filtered = !self.filter.trim().is_empty();
        let nothing = filtered && lists.first().is_none();
        let mut column = if filtered { column![] } else { requests(cx, open) };
        column = column.push(heading("section-rooms", Some(Message::JoinRoom)));
        if !filtered && !in_lobby(cx) {
            column = column.push(lobby_offer());
        }
        column = push_rows(column, lists.rooms, cx, open);
        column = column.push(heading("section-chats", Some(Message::FindPerson)));
        column = push_rows(column, lists.chats, cx, open);
        column = push_people(column, "section-nearby", &lists.people.nearby, open);
        column = push_people(column, "section-online", &lists.people.online, open);
        column = push_people(column, "section-away", &lists.people.away, open);
        let nothing = nothing.then(|| container(widget::secondary(tr("search-nothing"))).padding(gap::L));
        column
            .push(nothing)
            .push(filtered.then(|| self.messages()))
            .push(space().height(gap::L))
            .width(Fill)
            .into()
    }
}

fn in_lobby(cx: &Cx) -> bool {
    let lobby = RoomId::public(&RoomName::lobby());
    cx.overview.rooms.iter().any(|room| room.room == lobby && room.joined)
}

fn me(cx: &Cx) -> Element<'_, Message> {
    let me = Face::own(&cx.overview.me);
    let status = cx.overview.me.status.as_str();
    let status = match status {
        _ if cx.status.is_broken => tr("me-cut-off"),
        "" => tr("me-online"),
        said => said.to_owned(),
    };
    let lines = column![
        ellipsis(me.name.clone()).size(size::TEXT).font(theme::SEMIBOLD),
        ellipsis(status).size(size::CAPTION).style(theme::text::secondary),
    ];
    let face =
        widget::avatar(initial(&me.name), me.color, widget::AvatarSize::Large, Some(!cx.status.is_broken));
    let lines = container(lines).width(Fill).clip(true);
    let settings = widget::icon_button(Icon::Settings, false, tr("settings"), Message::Settings);
    row![face, lines, settings].spacing(gap::M).align_y(Center).padding(gap::L).into()
}

fn heading<'a>(name: &str, add: Option<Message>) -> Element<'a, Message> {
    let words = match name {
        "section-rooms" => tr("room-join"),
        _ => tr("person-find"),
    };
    let plus = add.map(|message| {
        let plus = container(Icon::Plus.view(side::ICON_TINY)).center(side::BUTTON_TINY);
        let plus = button(plus).padding(0).style(theme::button::icon).on_press(message);
        widget::hint(plus, words, iced::widget::tooltip::Position::Left)
    });
    let heading = widget::section(tr(name), plus);
    container(heading)
        .padding(iced::Padding::from([gap::XS, gap::M]).left(gap::L).top(gap::S).bottom(0.0))
        .into()
}

fn lobby_offer<'a>() -> Element<'a, Message> {
    let words = widget::secondary(tr("lobby-offer"));
    let join = widget::link(tr("lobby-join"), Message::JoinLobby);
    let card = widget::card(column![words, join].spacing(gap::S));
    container(card).padding(iced::Padding::from([gap::XS, gap::L])).into()
}

/// Who asks to be a contact.
fn requests<'a>(cx: &'a Cx, open: Option<ConversationId>) -> Column<'a, Message, theme::Theme> {
    let requests = &cx.overview.requests;
    if requests.is_empty() {
        return column![];
    }
    let heading = widget::section(tr("section-requests"), Some(widget::badge(requests.len().to_string())));
    let heading = container(heading).padding(iced::Padding::from([gap::XS, gap::L]).top(gap::S).bottom(0.0));
    column![heading].extend(requests.iter().take(SECTION_CAP).map(|request| request_row(request, cx, open)))
}

fn request_row<'a>(
    request: &'a RequestView,
    cx: &'a Cx,
    open: Option<ConversationId>,
) -> Element<'a, Message> {
    let conversation = ConversationId::Direct(request.person);
    let face = cx.names.face(request.person);
    let avatar =
        widget::avatar(initial(&face.name), face.color, widget::AvatarSize::Large, Some(face.online));
    let at = words::moment(cx.clock.moment(request.received_ms));
    let at = text(at).size(size::CAPTION).style(theme::text::secondary).into();
    let name = ellipsis(face.full_name()).size(size::NAME).font(theme::SEMIBOLD);
    let said = request.text.as_deref().map_or_else(|| tr("request-wordless"), one_line);
    let said = ellipsis(said).size(size::SECONDARY).style(theme::text::secondary);
    let lines = column![widget::ends(name, Some(at)), said];
    widget::list_row(avatar, lines, open == Some(conversation), Message::Open(conversation))
}

fn push_rows<'a>(
    column: Column<'a, Message, theme::Theme>,
    rows: Vec<Row>,
    cx: &'a Cx,
    open: Option<ConversationId>,
) -> Column<'a, Message, theme::Theme> {
    column.extend(rows.into_iter().take(ROWS_CAP).map(|row| conversation_row(row, cx, open)))
}

fn conversation_row<'a>(row: Row, cx: &'a Cx, open: Option<ConversationId>) -> Element<'a, Message> {
    let selected = open == Some(row.conversation);
    let large = widget::AvatarSize::Large;
    let face = match row.conversation {
        ConversationId::Room(id) | ConversationId::Control(id) => {
            widget::room_avatar(cx.pictures.of(id), row.color, large)
        }
        ConversationId::Direct(_) => widget::avatar(initial(&row.title), row.color, large, row.online),
    };
    let title = match &row.fingerprint {
        Some(fingerprint) => format!("{} {fingerprint}", row.title),
        None => row.title.clone(),
    };
    let title = ellipsis(title).size(size::NAME).font(theme::SEMIBOLD);
    let at = row.at_ms.map(|at| {
        let at = words::moment(cx.clock.moment(at));
        text(at).size(size::CAPTION).style(theme::text::secondary).into()
    });
    let typing = cx.typing.people(row.conversation);
    let typing: Vec<_> = typing.into_iter().map(|person| cx.names.face(person).name).collect();
    let preview = match &row.preview {
        _ if !row.joined => tr("room-left"),
        _ if !typing.is_empty() => words::typing(&typing).unwrap_or_default(),
        Some(preview) => words::preview(preview),
        None => tr("conversation-empty-short"),
    };
    let preview = ellipsis(preview).size(size::SECONDARY).style(theme::text::secondary);
    let unread = badge(row.unread).map(widget::badge);
    let lines = column![widget::ends(title, at), widget::ends(preview, unread)];
    widget::list_row(face, lines, selected, Message::Open(row.conversation))
}

fn push_people<'a>(
    column: Column<'a, Message, theme::Theme>,
    name: &str,
    people: &[PersonRow],
    open: Option<ConversationId>,
) -> Column<'a, Message, theme::Theme> {
    if people.is_empty() {
        return column;
    }
    let count = text(people.len().to_string()).size(size::CAPTION).font(theme::SEMIBOLD);
    let heading = widget::section(tr(name), Some(count.style(theme::text::secondary).into()));
    let heading = container(heading).padding(iced::Padding::from([gap::XS, gap::L]).top(gap::S).bottom(0.0));
    let more = people.len().saturating_sub(SECTION_CAP);
    let more = (more > 0).then(|| {
        let words = widget::secondary(tr_args("section-more", &[("count", more.into())]));
        container(words).padding([gap::XS, gap::L])
    });
    column.push(heading).extend(people.iter().take(SECTION_CAP).map(|row| person_row(row, open))).push(more)
}

fn person_row<'a>(row: &PersonRow, open: Option<ConversationId>) -> Element<'a, Message> {
    let conversation = ConversationId::Direct(row.person);
    let face = &row.face;
    let avatar =
        widget::avatar(initial(&face.name), face.color, widget::AvatarSize::Small, Some(face.online));
    let name = ellipsis(face.name.clone()).size(size::NAME).font(theme::SEMIBOLD);
    let note = if row.is_echo { tr("presence-echo-short") } else { face.fingerprint.clone() };
    let note = text(note).size(size::CAPTION).style(theme::text::secondary).into();
    let lines = column![widget::ends(name, Some(note))];
    widget::list_row(avatar, lines, open == Some(conversation), Message::Open(conversation))
}

fn connection(cx: &Cx) -> Element<'_, Message> {
    let tone = match words::connection_of(&cx.status) {
        _ if cx.status.is_broken => Tone::Bad,
        connection if connection.is_good() => Tone::Good,
        _ => Tone::Warning,
    };
    let words = text(words::network(&cx.status)).size(size::CAPTION).style(theme::text::secondary);
    let content = row![widget::dot(tone), words].spacing(gap::S).align_y(Center);
    button(content)
        .padding([gap::M, gap::L])
        .width(Fill)
        .style(theme::button::bar)
        .on_press(Message::Network)
        .into()
}
