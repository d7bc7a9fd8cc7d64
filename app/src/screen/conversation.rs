//! One open conversation, a room or a chat: its header, its history, its composer.

pub mod bubble;
pub mod composer;

use iced::widget::scrollable::{RelativeOffset, Viewport};
use iced::widget::{button, column, container, keyed, row, scrollable, space, stack, text, text_editor};
use iced::{Center, Fill, Padding, Task};
use jiff::civil::Date;
use kinmesh_core::{ConversationEvent, EntryView, RoomView};
use kinmesh_model::{Applied, Item, Timeline};
use kinmesh_proto::{ConversationId, EntryKey, PersonId, RoomId};

use super::{Cx, words};
use crate::i18n::{tr, tr_args};
use crate::program::Program;
use crate::theme::{self, column as width, size, space as gap};
use crate::widget::ellipsis::ellipsis;
use crate::widget::{self, Element, Icon};

/// The history.
pub const LOG: &str = "log";

/// Entries read at once: a little more than a tall window shows.
const PAGE: usize = 60;
/// From this close to the top, in pixels, older entries are read.
const NEAR_TOP: f32 = 400.0;
/// This close to the bottom, in pixels, is at the bottom.
const NEAR_BOTTOM: f32 = 24.0;

/// An open conversation.
pub struct State {
    id: ConversationId,
    timeline: Timeline,
    draft: text_editor::Content,
    /// Why the last draft was not sent.
    refusal: Option<String>,
    /// A page is on its way.
    reading: bool,
    /// The newest entry that was told to be read.
    marked: Option<EntryKey>,
    members: Vec<PersonId>,
}

/// What can happen here.
#[derive(Debug, Clone)]
pub enum Message {
    /// The newest page was read, while this many entries were unread.
    ReadNewest(ConversationId, usize, Result<Vec<EntryView>, String>),
    /// An older page was read.
    ReadOlder(ConversationId, Result<Vec<EntryView>, String>),
    /// The members of the room were read.
    ReadMembers(ConversationId, Vec<PersonId>),
    /// The history was scrolled.
    Scrolled(Viewport),
    /// Older entries than can be drawn with these are wanted.
    Older,
    /// The newest entries are wanted.
    Latest,
    /// The draft was edited.
    Edit(text_editor::Action),
    /// The draft is to be sent.
    Send,
    /// It was sent, or was not: then the text comes back with the reason.
    Sent(ConversationId, Result<(), (String, String)>),
    /// The text of this entry is wanted on the clipboard.
    Copy(EntryKey),
    /// The person is wanted.
    OpenPerson(PersonId),
    /// The room that was left is to be joined again.
    Rejoin,
    /// The sidebar is wanted, in a narrow window.
    Back,
    /// The details are wanted, or not.
    ToggleDetails,
    /// Work is done whose result is told by an event.
    Done(Result<(), String>),
}

/// What the parent is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The sidebar is wanted.
    Back,
    /// The details are wanted, or not.
    ToggleDetails,
    /// The chat with a person is wanted.
    OpenPerson(PersonId),
    /// Something to say for a moment.
    Toast(String),
}

/// What tells one thing in the history from another while it is drawn anew.
#[derive(Clone, Copy, PartialEq)]
enum Key {
    Top,
    Day(Date),
    New,
    Entry(EntryKey),
}

impl State {
    /// Opens a conversation with the draft that was left there.
    pub fn open(
        id: ConversationId,
        draft: text_editor::Content,
        program: &Program,
        cx: &Cx,
    ) -> (Self, Task<Message>) {
        let mut state = Self::closed(id, draft, cx);
        let tasks = [
            state.read_newest(program, cx),
            state.read_members(program),
            iced::widget::operation::snap_to(LOG, RelativeOffset::START),
            iced::widget::operation::focus(composer::FIELD),
        ];
        (state, Task::batch(tasks))
    }

    /// A conversation of which nothing is read yet.
    pub fn closed(id: ConversationId, draft: text_editor::Content, cx: &Cx) -> Self {
        Self {
            id,
            timeline: Timeline::new(cx.overview.me.person),
            draft,
            refusal: None,
            reading: false,
            marked: None,
            members: Vec::new(),
        }
    }

    /// Which one.
    pub fn id(&self) -> ConversationId {
        self.id
    }

    /// Members of the room, as read last.
    pub fn members(&self) -> &[PersonId] {
        &self.members
    }

    /// The history as it is drawn.
    pub fn timeline(&self) -> &Timeline {
        &self.timeline
    }

    /// What is typed and not sent.
    pub fn draft(&self) -> String {
        self.draft.text()
    }

    /// Takes the draft out, to be kept while another conversation is open.
    pub fn into_draft(self) -> text_editor::Content {
        self.draft
    }

    /// Shows the newest page, of which this many entries of others are unread.
    pub fn show_newest(&mut self, page: Vec<EntryView>, unread: usize) {
        self.timeline.read_newest(page, PAGE, unread);
    }

    /// Shows these as the members.
    pub fn show_members(&mut self, members: Vec<PersonId>) {
        self.members = members;
    }

    fn unread(&self, cx: &Cx) -> usize {
        match self.id {
            ConversationId::Room(id) => room(cx, id).map_or(0, |room| room.unread),
            ConversationId::Direct(person) => {
                cx.overview.chats.iter().find(|chat| chat.person == person).map_or(0, |chat| chat.unread)
            }
        }
    }

    fn read_newest(&mut self, program: &Program, cx: &Cx) -> Task<Message> {
        self.reading = true;
        let (id, unread, program) = (self.id, self.unread(cx), program.clone());
        let work = async move { program.page(id, None, PAGE).await };
        Task::perform(work, move |page| {
            Message::ReadNewest(id, unread, page.map_err(|error| words::read_error(&error)))
        })
    }

    fn read_older(&mut self, program: &Program) -> Task<Message> {
        let Some(oldest) = self.timeline.oldest() else { return Task::none() };
        if self.reading || self.timeline.has_start() {
            return Task::none();
        }
        self.reading = true;
        let (id, program) = (self.id, program.clone());
        let work = async move { program.page(id, Some(oldest), PAGE).await };
        Task::perform(work, move |page| {
            Message::ReadOlder(id, page.map_err(|error| words::read_error(&error)))
        })
    }

    fn read_members(&self, program: &Program) -> Task<Message> {
        let ConversationId::Room(room) = self.id else { return Task::none() };
        let (id, room) = (self.id, program.node.room(room));
        // A room that we left has no members to tell.
        Task::perform(async move { room.members().await.unwrap_or_default() }, move |members| {
            Message::ReadMembers(id, members)
        })
    }

    /// Marks as read what is seen: the newest entry is drawn in a window that is looked at.
    pub fn mark_read(&mut self, program: &Program, cx: &Cx) -> Task<Message> {
        let newest = self.timeline.newest().filter(|newest| self.marked < Some(*newest));
        let Some(newest) = newest.filter(|_| cx.focused && self.timeline.later() == 0) else {
            return Task::none();
        };
        if self.unread(cx) == 0 {
            return Task::none();
        }
        self.marked = Some(newest);
        let (id, program) = (self.id, program.clone());
        let work = async move { program.mark_read(id, newest).await };
        Task::perform(work, |done| Message::Done(done.map_err(|error| words::change_error(&error))))
    }

    /// Takes an event of this conversation.
    pub fn apply(
        &mut self,
        rev: u64,
        change: &ConversationEvent,
        program: &Program,
        cx: &Cx,
    ) -> Task<Message> {
        if self.timeline.apply(rev, change) == Applied::Gap {
            return self.reread(program, cx);
        }
        match change {
            ConversationEvent::EntryAdded { entry } if entry.author != cx.overview.me.person => {
                if !cx.focused || self.timeline.is_held() {
                    self.timeline.mark_new(entry.key, self.marked);
                }
                Task::none()
            }
            ConversationEvent::MemberJoined { .. }
            | ConversationEvent::MemberLeft { .. }
            | ConversationEvent::Opened
            | ConversationEvent::Closed => self.read_members(program),
            _ => Task::none(),
        }
    }

    /// Reads everything again: events were missed.
    pub fn reread(&mut self, program: &Program, cx: &Cx) -> Task<Message> {
        self.timeline.clear();
        Task::batch([self.read_newest(program, cx), self.read_members(program)])
    }

    /// Takes a message.
    pub fn update(&mut self, message: Message, program: &Program, cx: &Cx) -> (Task<Message>, Option<Event>) {
        match message {
            Message::ReadNewest(id, ..) | Message::ReadOlder(id, _) | Message::ReadMembers(id, _)
                if id != self.id =>
            {
                (Task::none(), None)
            }
            Message::ReadNewest(_, unread, page) => {
                self.take_page(page, |state, page| state.show_newest(page, unread))
            }
            Message::ReadOlder(_, page) => {
                self.take_page(page, |state, page| state.timeline.read_older(page, PAGE))
            }
            Message::ReadMembers(_, members) => {
                self.show_members(members);
                (Task::none(), None)
            }
            Message::Scrolled(viewport) => (self.scrolled(viewport, program), None),
            Message::Older => {
                self.timeline.turn_back();
                (Task::batch([self.read_older(program), Self::snap_to_end()]), None)
            }
            Message::Latest => {
                self.timeline.release();
                (Self::snap_to_end(), None)
            }
            Message::Edit(action) => {
                self.draft.perform(action);
                self.refusal = None;
                (Task::none(), None)
            }
            Message::Send => (self.send(program), None),
            Message::Sent(id, Err((text, reason))) if id == self.id => {
                self.give_back(&text, reason);
                (Task::none(), None)
            }
            Message::Sent(_, Err((_, reason))) => (Task::none(), Some(Event::Toast(reason))),
            Message::Sent(_, Ok(())) => (Task::none(), None),
            Message::Copy(key) => self.copy(&key),
            Message::OpenPerson(person) => (Task::none(), Some(Event::OpenPerson(person))),
            Message::Rejoin => (self.rejoin(program, cx), None),
            Message::Back => (Task::none(), Some(Event::Back)),
            Message::ToggleDetails => (Task::none(), Some(Event::ToggleDetails)),
            Message::Done(done) => (Task::none(), done.err().map(Event::Toast)),
        }
    }

    fn take_page(
        &mut self,
        page: Result<Vec<EntryView>, String>,
        take: impl FnOnce(&mut Self, Vec<EntryView>),
    ) -> (Task<Message>, Option<Event>) {
        self.reading = false;
        match page {
            Ok(page) => {
                take(self, page);
                (Task::none(), None)
            }
            Err(error) => (Task::none(), Some(Event::Toast(error))),
        }
    }

    fn snap_to_end() -> Task<Message> {
        // The history is anchored at its end, so that is where it starts.
        iced::widget::operation::snap_to(LOG, RelativeOffset::START)
    }

    fn scrolled(&mut self, viewport: Viewport, program: &Program) -> Task<Message> {
        let from_bottom = viewport.absolute_offset().y;
        let room = viewport.content_bounds().height - viewport.bounds().height;
        if from_bottom > NEAR_BOTTOM {
            self.timeline.hold();
        } else if !self.timeline.is_turned_back() {
            self.timeline.release();
        }
        if room - from_bottom < NEAR_TOP && !self.timeline.is_full() {
            return self.read_older(program);
        }
        Task::none()
    }

    fn send(&mut self, program: &Program) -> Task<Message> {
        let text = self.draft.text().trim().to_owned();
        if text.is_empty() {
            return Task::none();
        }
        self.draft = text_editor::Content::new();
        self.refusal = None;
        self.timeline.release();
        let (id, program) = (self.id, program.clone());
        let work = async move {
            let sent = program.send(id, text.clone()).await;
            sent.map(drop).map_err(|error| (text, words::send_error(&error)))
        };
        let work = Task::perform(work, move |sent| Message::Sent(id, sent));
        Task::batch([work, Self::snap_to_end()])
    }

    /// A text that was refused goes back where it was typed, before what was typed since.
    fn give_back(&mut self, text: &str, reason: String) {
        let since = self.draft.text();
        let whole = if since.trim().is_empty() { text.to_owned() } else { format!("{text}\n{since}") };
        self.draft = text_editor::Content::with_text(&whole);
        self.draft.perform(text_editor::Action::Move(text_editor::Motion::DocumentEnd));
        self.refusal = Some(reason);
    }

    fn copy(&self, key: &EntryKey) -> (Task<Message>, Option<Event>) {
        let text = self.timeline.entry(key).and_then(|entry| entry.text.clone());
        match text {
            Some(text) => (iced::clipboard::write(text), Some(Event::Toast(tr("copied")))),
            None => (Task::none(), None),
        }
    }

    fn rejoin(&self, program: &Program, cx: &Cx) -> Task<Message> {
        let ConversationId::Room(id) = self.id else { return Task::none() };
        let Some(room) = room(cx, id) else { return Task::none() };
        let (name, node) = (room.name.clone(), program.node.clone());
        let work = async move { node.join_room(name).await };
        Task::perform(work, |done| Message::Done(done.map(drop).map_err(|error| words::change_error(&error))))
    }

    /// Draws it. `details` says whether the details are drawn beside it.
    pub fn view<'a>(&'a self, cx: &'a Cx, details: bool) -> Element<'a, Message> {
        let foot = match self.id {
            ConversationId::Room(id) if room(cx, id).is_some_and(|room| !room.joined) => left_room(),
            _ => composer::view(&self.draft, self.refusal.as_deref(), self.title(cx)),
        };
        let content = column![self.header(cx, details), widget::level_line(), self.log(cx), foot];
        container(content).width(Fill).height(Fill).style(theme::container::background).into()
    }

    /// The room's or the person's name.
    pub fn title(&self, cx: &Cx) -> String {
        match self.id {
            ConversationId::Room(id) => {
                room(cx, id).map(|room| room.name.as_str().to_owned()).unwrap_or_default()
            }
            ConversationId::Direct(person) => cx.names.face(person).full_name(),
        }
    }

    fn header<'a>(&self, cx: &'a Cx, details: bool) -> Element<'a, Message> {
        let back =
            (!cx.has_sidebar()).then(|| widget::icon_button(Icon::Back, false, tr("back"), Message::Back));
        let lines = column![
            ellipsis(self.title(cx)).size(size::TITLE).font(theme::SEMIBOLD).line_height(1.2),
            ellipsis(subtitle(self.id, cx))
                .size(size::SECONDARY)
                .line_height(1.6)
                .style(theme::text::secondary),
        ];
        let toggle = cx
            .has_details()
            .then(|| widget::icon_button(Icon::Details, details, tr("details"), Message::ToggleDetails));
        let content = row![].push(back).push(container(lines).width(Fill).clip(true)).push(toggle);
        container(content.spacing(gap::M).align_y(Center))
            .padding(widget::sides(gap::XL))
            .center_y(width::HEADER - 1.0)
            .style(theme::container::panel)
            .into()
    }

    fn log<'a>(&'a self, cx: &'a Cx) -> Element<'a, Message> {
        let items = self.timeline.items(&cx.clock);
        if items.is_empty() && !self.reading {
            return widget::empty(self.empty_sentence(cx), None);
        }
        let is_chat = matches!(self.id, ConversationId::Direct(_));
        let rows = items.into_iter().map(|item| match item {
            Item::Day(date) => (Key::Day(date), bubble::day(date, cx)),
            Item::New { since } => (Key::New, bubble::new_since(since)),
            Item::Bubble(bubble) => (Key::Entry(bubble.key), bubble::view(bubble, is_chat, cx)),
        });
        let older = (self.timeline.is_full() && !self.timeline.is_at_start()).then(|| {
            let older = widget::link(tr("log-older"), Message::Older);
            (Key::Top, container(older).center_x(Fill).into())
        });
        let rows = keyed::Column::with_children(older.into_iter().chain(rows))
            .spacing(gap::XS)
            .padding([gap::L, gap::XL])
            .width(Fill);
        let log = scrollable(rows).id(LOG).width(Fill).anchor_bottom().on_scroll(Message::Scrolled);
        let log = container(log).align_bottom(Fill);
        stack![log].push(self.later_pill()).into()
    }

    /// Says how much came while older entries are looked at, and goes there.
    fn later_pill(&self) -> Option<Element<'_, Message>> {
        let later = self.timeline.later();
        (later > 0).then(|| {
            let words = text(tr_args("log-later", &[("count", later.into())])).size(size::CAPTION);
            let content =
                row![words.font(theme::MEDIUM), Icon::Down.view(14.0).style(theme::icon::on_accent)];
            let pill = button(content.spacing(gap::XS).align_y(Center))
                .padding([6.0, gap::M])
                .style(theme::button::pill)
                .on_press(Message::Latest);
            container(pill).center_x(Fill).align_bottom(Fill).padding(gap::M).into()
        })
    }

    fn empty_sentence(&self, cx: &Cx) -> String {
        match self.id {
            ConversationId::Room(_) => tr("conversation-empty-room"),
            ConversationId::Direct(person) if cx.person(person).is_some_and(|person| person.is_echo) => {
                tr("conversation-empty-echo")
            }
            ConversationId::Direct(person) => {
                tr_args("conversation-empty-chat", &[("name", cx.names.face(person).name.into())])
            }
        }
    }
}

/// A room that we are in, or were in.
pub fn room(cx: &Cx, id: RoomId) -> Option<&RoomView> {
    cx.overview.rooms.iter().find(|room| room.room == id)
}

fn subtitle(id: ConversationId, cx: &Cx) -> String {
    match id {
        ConversationId::Room(id) => room(cx, id).map_or_else(String::new, |room| {
            let members = tr_args("members-count", &[("count", room.members.into())]);
            tr_args("room-subtitle", &[("members", members.into()), ("online", room.online.into())])
        }),
        ConversationId::Direct(person) => {
            cx.person(person).map_or_else(String::new, |person| words::presence(person, &cx.clock))
        }
    }
}

fn left_room<'a>() -> Element<'a, Message> {
    let words = widget::secondary(tr("room-left-sentence"));
    let content = row![words, space::horizontal(), widget::quiet(tr("room-rejoin"), Message::Rejoin)];
    let padding = Padding::from(gap::XL).top(gap::S);
    container(widget::card(content.align_y(Center))).padding(padding).into()
}
