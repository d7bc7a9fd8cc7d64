//! One open conversation, a room or a chat: its header, its history, its composer.

pub mod bubble;
pub mod composer;
pub mod menu;
mod pages;
mod phone;
mod stranger;

use std::time::Duration;

use iced::widget::{button, column, container, row, space, stack, text, text_editor};
use iced::{Center, Fill, Padding, Task};
use jiff::civil::Date;
use kinmesh_core::{
    Acquaintance, ConversationEvent, EntryView, FoundedStanding, HideHere, PersonView, RoomAccess, RoomView,
};
use kinmesh_model::{Applied, Item, Part, Piece, Timeline};
use kinmesh_net::{ConversationHandle, EditError, RoomError};
use kinmesh_proto::{ConversationId, EntryKey, PersonId, RoomId, StatusLine};

use super::contact::{self, Act};
use super::{Cx, words};
use crate::i18n::{tr, tr_args};
use crate::program::Program;
use crate::theme::{self, column as width, pad, side, size, space as gap, stroke};
use crate::widget::ellipsis::ellipsis;
use crate::widget::log::{Edge, To, log};
use crate::widget::{self, Element, Icon};
use composer::Composer;
use menu::Menu;

/// How long a post that the reader was sent to stands out.
const SHOWN: Duration = Duration::from_secs(3);

/// An open conversation.
pub struct State {
    id: ConversationId,
    timeline: Timeline,
    composer: Composer,
    /// Where the reader was sent last, and how often they were.
    wish: (u64, To<Key>),
    /// A post that the reader was sent to a moment ago.
    shown: Option<EntryKey>,
    /// The post under the pointer.
    hovered: Option<EntryKey>,
    menu: Option<Menu>,
    /// Whether the menu of the conversation is open.
    has_menu: bool,
    /// The newest entry that was told to be read.
    marked: Option<EntryKey>,
    members: Vec<PersonId>,
}

/// What can happen here.
#[derive(Debug, Clone)]
pub enum Message {
    /// A part of the history was read, while this many entries were unread.
    Read(ConversationId, Part, usize, Result<Piece, String>),
    /// A post that is answered here was read.
    ReadAnswered(ConversationId, EntryKey, Option<Box<EntryView>>),
    /// The members of the room were read.
    ReadMembers(ConversationId, Vec<PersonId>),
    /// The history was scrolled.
    Scrolled(Edge),
    /// A post is wanted to be seen.
    GoTo(EntryKey),
    /// It was seen for long enough; the number says which wish it was.
    Seen(u64),
    /// The newest entries are wanted.
    Latest,
    /// The pointer came to a post.
    Hover(EntryKey),
    /// In the menu of a post.
    Menu(menu::Message),
    /// The draft was edited.
    Draft(text_editor::Action),
    /// A post is to be answered.
    Reply(EntryKey),
    /// A post of ours is to be edited.
    Edit(EntryKey),
    /// The newest post of ours is to be edited.
    EditLast,
    /// It is not to be answered or edited after all.
    Leave,
    /// The draft is to be sent.
    Send,
    /// It was sent, or was not: then the text comes back with the reason.
    Sent(ConversationId, Result<(), (String, String)>),
    /// An emoji is to be put to a post, or taken back.
    React(EntryKey, String, bool),
    /// The person is wanted.
    OpenPerson(PersonId),
    /// Something is to be done about a person.
    Contact(PersonId, Act),
    /// The private room to which a post invites is wanted.
    Enter(EntryKey),
    /// It was entered, or why not.
    Entered(Result<RoomId, String>),
    /// What a post says that is not shown is wanted.
    Look(EntryKey),
    /// It was read.
    Looked(ConversationId, Option<Box<EntryView>>),
    /// An admin is to be asked to let us in, or no longer.
    Knock(bool),
    /// All texts that a post had are wanted.
    History(EntryKey),
    /// The room that was left is to be joined again.
    Rejoin,
    /// The other is to be rung.
    Ring(PersonId),
    /// The voice channel of the room is to be entered.
    EnterVoice(RoomId),
    /// The sidebar is wanted, in a narrow window.
    Back,
    /// The menu of the conversation is wanted, or not.
    ToggleMenu,
    /// The conversation is wanted as a file.
    Export,
    /// A search in this conversation is wanted.
    Search,
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
    /// The other is to be rung.
    Ring(PersonId),
    /// The voice channel of the room is to be entered.
    EnterVoice(RoomId),
    /// The conversation, which has this title, is wanted as a file.
    Export(ConversationId, String),
    /// A search in this conversation is wanted.
    Search,
    /// The details are wanted, or not.
    ToggleDetails,
    /// The chat with a person is wanted.
    OpenPerson(PersonId),
    /// This conversation is wanted.
    Open(ConversationId),
    /// All texts that a post had are wanted.
    History(EntryKey),
    /// Something to say for a moment.
    Toast(String),
}

type Step = (Task<Message>, Option<Event>);

/// What tells one thing in the history from another while it is drawn anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// A day.
    Day(Date),
    /// What is missing before an entry.
    Gap(EntryKey),
    /// The line above what is new.
    New,
    /// An entry.
    Entry(EntryKey),
}

impl State {
    /// Opens a conversation with the draft that was left there, where it ends.
    pub fn open(
        id: ConversationId,
        draft: text_editor::Content,
        program: &Program,
        cx: &Cx,
    ) -> (Self, Task<Message>) {
        let mut state = Self::closed(id, draft, cx);
        let part = state.timeline.ask_for(Part::Newest);
        let tasks = [
            state.read(part, program, cx),
            state.read_members(program),
            iced::widget::operation::focus(composer::FIELD),
        ];
        (state, Task::batch(tasks))
    }

    /// Opens it where this post stands. The cursor stays where it is.
    pub fn open_at(
        id: ConversationId,
        key: EntryKey,
        draft: text_editor::Content,
        program: &Program,
        cx: &Cx,
    ) -> (Self, Task<Message>) {
        let mut state = Self::closed(id, draft, cx);
        let tasks = [state.go_to(key, program, cx), state.read_members(program)];
        (state, Task::batch(tasks))
    }

    /// A conversation of which nothing is read yet.
    pub fn closed(id: ConversationId, draft: text_editor::Content, cx: &Cx) -> Self {
        Self {
            id,
            timeline: Timeline::new(cx.overview.me.person),
            composer: Composer::new(draft),
            wish: (0, To::End),
            shown: None,
            hovered: None,
            menu: None,
            has_menu: false,
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

    /// The post that the reader was sent to a moment ago.
    pub fn shown(&self) -> Option<EntryKey> {
        self.shown
    }

    /// What is typed and not sent.
    pub fn draft(&self) -> String {
        self.composer.text()
    }

    /// Takes the draft out, to be kept while another conversation is open.
    pub fn into_draft(self) -> text_editor::Content {
        self.composer.into_draft()
    }

    /// Shows this part of the history, of which this many entries of others are unread.
    pub fn show(&mut self, part: Part, piece: Piece, unread: usize) {
        self.timeline.take(part, piece);
        self.timeline.mark_unread(unread);
    }

    /// Shows the end of the history as it was read already.
    pub fn show_newest(&mut self, entries: Vec<EntryView>, unread: usize) {
        let part = self.timeline.ask_for(Part::Newest);
        self.show(part, Piece { entries, has_start: true, has_end: true }, unread);
    }

    /// Shows these as the members.
    pub fn show_members(&mut self, members: Vec<PersonId>) {
        self.members = members;
    }

    fn handle(&self, program: &Program) -> ConversationHandle {
        program.node.conversation(self.id)
    }

    fn unread(&self, cx: &Cx) -> usize {
        match self.id {
            ConversationId::Room(id) | ConversationId::Control(id) => {
                room(cx, id).map_or(0, |room| room.unread)
            }
            ConversationId::Direct(person) => cx.chat(person).map_or(0, |chat| chat.unread),
        }
    }

    fn read(&self, part: Part, program: &Program, cx: &Cx) -> Task<Message> {
        let unread = if part == Part::Newest { self.unread(cx) } else { 0 };
        let (id, handle) = (self.id, self.handle(program));
        Task::perform(pages::read(handle, part), move |piece| {
            Message::Read(id, part, unread, piece.map_err(|error| words::read_error(&error)))
        })
    }

    /// Reads the posts that are answered here and are not held.
    fn read_answered(&self, program: &Program) -> Task<Message> {
        let read = |key| {
            let (id, handle) = (self.id, self.handle(program));
            // A post that cannot be read is shown like one that is not here.
            let work = async move { handle.post(key).await.ok().flatten().map(Box::new) };
            Task::perform(work, move |post| Message::ReadAnswered(id, key, post))
        };
        Task::batch(self.timeline.unknown_answered().into_iter().map(read))
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
        let Some(newest) = newest.filter(|_| cx.focused && self.timeline.is_following()) else {
            return Task::none();
        };
        if self.unread(cx) == 0 {
            return Task::none();
        }
        self.marked = Some(newest);
        let handle = self.handle(program);
        let work = async move { handle.mark_read(newest).await };
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
            ConversationEvent::EntryAdded { entry } => {
                let is_others = entry.author != cx.overview.me.person;
                if is_others && (!cx.focused || !self.timeline.is_following()) {
                    self.timeline.mark_new(entry.key, self.marked);
                }
                self.read_answered(program)
            }
            ConversationEvent::EntryChanged { entry } if entry.deleted => {
                self.composer.forget(entry.key);
                self.menu.take_if(|menu| menu.key() == entry.key);
                Task::none()
            }
            ConversationEvent::MemberJoined { .. }
            | ConversationEvent::MemberLeft { .. }
            | ConversationEvent::Opened
            | ConversationEvent::Closed => self.read_members(program),
            ConversationEvent::Unsealed | ConversationEvent::ShownAnew => self.reread(program, cx),
            _ => Task::none(),
        }
    }

    /// Reads everything again: events were missed.
    pub fn reread(&mut self, program: &Program, cx: &Cx) -> Task<Message> {
        let part = self.timeline.ask_again();
        Task::batch([self.read(part, program, cx), self.read_members(program)])
    }

    /// Closes what is open over the history. Whether there was something.
    pub fn close_menu(&mut self) -> bool {
        std::mem::take(&mut self.has_menu) || self.menu.take().is_some()
    }

    /// Leaves what is answered or edited. Whether there was something.
    pub fn leave(&mut self) -> bool {
        self.composer.leave()
    }

    /// Takes a message.
    pub fn update(&mut self, message: Message, program: &Program, cx: &Cx) -> Step {
        match message {
            Message::Read(id, ..) | Message::ReadAnswered(id, ..) | Message::ReadMembers(id, _)
                if id != self.id =>
            {
                (Task::none(), None)
            }
            Message::Read(_, part, unread, piece) => self.take(part, piece, unread, program),
            Message::Scrolled(edge) => (self.scrolled(edge, program, cx), None),
            Message::GoTo(key) => (self.go_to(key, program, cx), None),
            Message::Latest => (self.latest(program, cx), None),
            Message::Menu(message) => self.update_menu(message, program),
            Message::Draft(action) => {
                if self.composer.perform(action) {
                    self.handle(program).typing();
                }
                (Task::none(), None)
            }
            Message::Send => (self.send(program, cx), None),
            Message::Sent(id, Err((text, reason))) if id == self.id => {
                self.composer.give_back(&text, reason);
                (Task::none(), None)
            }
            Message::Sent(_, Err((_, reason))) => (Task::none(), Some(Event::Toast(reason))),
            Message::React(key, emoji, on) => (self.react(key, emoji, on, program), None),
            Message::OpenPerson(person) => (Task::none(), Some(Event::OpenPerson(person))),
            Message::Contact(person, act) => (contact::act(person, act, program).map(Message::Done), None),
            Message::Enter(key) => (self.enter(key, program), None),
            Message::Entered(Ok(room)) => (Task::none(), Some(Event::Open(ConversationId::Room(room)))),
            Message::Entered(Err(error)) => (Task::none(), Some(Event::Toast(error))),
            Message::Look(key) => (self.look(key, program), None),
            Message::Knock(knocks) => (self.knock(knocks, program), None),
            Message::History(key) => (Task::none(), Some(Event::History(key))),
            Message::Rejoin => (self.rejoin(program, cx), None),
            Message::Ring(person) => (Task::none(), Some(Event::Ring(person))),
            Message::EnterVoice(room) => (Task::none(), Some(Event::EnterVoice(room))),
            Message::Back => (Task::none(), Some(Event::Back)),
            Message::Search => self.chosen_in_menu(Event::Search),
            Message::Export => self.chosen_in_menu(Event::Export(self.id, self.title(cx))),
            Message::ToggleDetails => (Task::none(), Some(Event::ToggleDetails)),
            Message::Done(done) => (Task::none(), done.err().map(Event::Toast)),
            simple => (self.note(simple), None),
        }
    }

    /// Takes a message that changes only what is shown.
    fn note(&mut self, message: Message) -> Task<Message> {
        match message {
            Message::ReadAnswered(_, key, post) => self.timeline.take_answered(key, post.map(|post| *post)),
            Message::ReadMembers(_, members) => self.show_members(members),
            Message::Looked(id, Some(post)) if id == self.id => self.timeline.look_at(*post),
            Message::Seen(number) => drop(self.shown.take_if(|_| self.wish.0 == number)),
            Message::ToggleMenu => self.has_menu = !self.has_menu,
            Message::Hover(key) => self.hovered = Some(key),
            Message::Reply(key) => return self.compose(|composer, _| composer.reply(key)),
            Message::Edit(key) => return self.edit(Some(key)),
            Message::EditLast => return self.edit(self.timeline.last_own().map(|entry| entry.key)),
            Message::Leave => {
                return self.compose(|composer, _| {
                    composer.leave();
                });
            }
            _ => {}
        }
        Task::none()
    }

    fn chosen_in_menu(&mut self, event: Event) -> Step {
        self.has_menu = false;
        (Task::none(), Some(event))
    }

    fn compose(&mut self, change: impl FnOnce(&mut Composer, &Timeline)) -> Task<Message> {
        self.menu = None;
        change(&mut self.composer, &self.timeline);
        iced::widget::operation::focus(composer::FIELD)
    }

    fn edit(&mut self, key: Option<EntryKey>) -> Task<Message> {
        self.compose(|composer, timeline| {
            let entry = key.and_then(|key| timeline.entry(&key));
            if let Some((entry, text)) = entry.and_then(|entry| Some((entry, entry.text.as_ref()?))) {
                composer.edit(entry.key, text);
            }
        })
    }

    fn take(&mut self, part: Part, piece: Result<Piece, String>, unread: usize, program: &Program) -> Step {
        match piece {
            Ok(piece) => {
                self.show(part, piece, unread);
                (self.read_answered(program), None)
            }
            Err(error) => {
                self.timeline.give_up();
                (Task::none(), Some(Event::Toast(error)))
            }
        }
    }

    fn scrolled(&mut self, edge: Edge, program: &Program, cx: &Cx) -> Task<Message> {
        let part = match edge {
            Edge::NearStart => self.timeline.ask_older(),
            Edge::NearEnd => self.timeline.ask_newer(),
            Edge::End | Edge::NotEnd => {
                self.timeline.set_at_end(edge == Edge::End);
                None
            }
        };
        part.map_or_else(Task::none, |part| self.read(part, program, cx))
    }

    /// Goes to a post, wherever in the history it stands.
    pub fn go_to(&mut self, key: EntryKey, program: &Program, cx: &Cx) -> Task<Message> {
        self.wish = (self.wish.0 + 1, To::Child(Key::Entry(key)));
        self.shown = Some(key);
        let number = self.wish.0;
        let seen = Task::perform(tokio::time::sleep(SHOWN), move |()| Message::Seen(number));
        if self.timeline.entry(&key).is_some() {
            return seen;
        }
        let part = self.timeline.ask_for(Part::Around(key));
        Task::batch([seen, self.read(part, program, cx)])
    }

    fn latest(&mut self, program: &Program, cx: &Cx) -> Task<Message> {
        self.wish = (self.wish.0 + 1, To::End);
        if self.timeline.has_end() {
            self.timeline.set_at_end(true);
            return Task::none();
        }
        let part = self.timeline.ask_for(Part::Newest);
        self.read(part, program, cx)
    }

    fn update_menu(&mut self, message: menu::Message, program: &Program) -> Step {
        match message {
            menu::Message::Open(key, page) => {
                self.menu = Some(Menu::new(key, page));
                return (Task::none(), None);
            }
            menu::Message::Emoji(emoji) => {
                if let Some(menu) = &mut self.menu {
                    menu.type_emoji(emoji);
                }
                return (Task::none(), None);
            }
            menu::Message::Close => self.menu = None,
            menu::Message::Copy(key) => {
                self.menu = None;
                return self.copy(&key);
            }
            menu::Message::Delete(key) => {
                self.menu = None;
                let handle = self.handle(program);
                return (act(async move { handle.delete(key).await }), None);
            }
            menu::Message::Hide(key, hidden) => {
                self.menu = None;
                return (self.hide(key, hidden, program), None);
            }
            menu::Message::HideHere(key, hidden) => {
                self.menu = None;
                return (self.hide_here(HideHere::Entry(key), hidden, program), None);
            }
            menu::Message::HideAuthor(person, hidden) => {
                self.menu = None;
                return (self.hide_here(HideHere::Author(person), hidden, program), None);
            }
        }
        (Task::none(), None)
    }

    fn react(&mut self, key: EntryKey, emoji: String, on: bool, program: &Program) -> Task<Message> {
        self.menu = None;
        let handle = self.handle(program);
        act(async move { handle.react(key, emoji, on).await })
    }

    fn hide(&self, key: EntryKey, hidden: bool, program: &Program) -> Task<Message> {
        let Some(room) = self.id.room().map(|id| program.node.room(id)) else { return Task::none() };
        decided(async move { room.hide(vec![key], hidden, StatusLine::default()).await })
    }

    fn hide_here(&self, what: HideHere, hidden: bool, program: &Program) -> Task<Message> {
        let Some(room) = self.id.room().map(|id| program.node.room(id)) else { return Task::none() };
        decided(async move { room.hide_here(what, hidden).await })
    }

    fn look(&self, key: EntryKey, program: &Program) -> Task<Message> {
        let (id, handle) = (self.id, self.handle(program));
        // A post that cannot be read stays as it is.
        let work = async move { handle.look(key).await.ok().flatten().map(Box::new) };
        Task::perform(work, move |post| Message::Looked(id, post))
    }

    fn knock(&self, knocks: bool, program: &Program) -> Task<Message> {
        let Some(room) = self.id.room().map(|id| program.node.room(id)) else { return Task::none() };
        let work =
            async move { if knocks { room.knock(String::new()).await } else { room.stop_knocking().await } };
        decided(work)
    }

    fn enter(&self, invitation: EntryKey, program: &Program) -> Task<Message> {
        let (id, node) = (self.id, program.node.clone());
        let work = async move {
            match id {
                ConversationId::Direct(person) => node.chat(person).enter_room(invitation).await,
                ConversationId::Room(room) => node.room(room).enter_room(invitation).await,
                ConversationId::Control(_) => Err(RoomError::NoInvitation),
            }
        };
        Task::perform(work, |entered| {
            Message::Entered(entered.map(|room| room.id()).map_err(|error| words::room_error(&error)))
        })
    }

    fn send(&mut self, program: &Program, cx: &Cx) -> Task<Message> {
        let Some((mode, text)) = self.composer.take() else { return Task::none() };
        let (id, handle) = (self.id, self.handle(program));
        let sent = composer::send(handle, mode, text);
        let sent = Task::perform(sent, move |sent| Message::Sent(id, sent));
        if mode.is_edit() {
            return sent;
        }
        Task::batch([sent, self.latest(program, cx)])
    }

    fn copy(&self, key: &EntryKey) -> Step {
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
        if room.founded.is_some() {
            return decided(async move { node.enter_founded(id, name).await.map(drop) });
        }
        let work = async move { node.join_room(name).await };
        Task::perform(work, |done| Message::Done(done.map(drop).map_err(|error| words::change_error(&error))))
    }

    /// Draws it. `details` says whether the details are drawn beside it.
    pub fn view<'a>(&'a self, cx: &'a Cx, details: bool) -> Element<'a, Message> {
        let person = self.other(cx);
        let request = person.and_then(|person| stranger::request(person, cx));
        let content = column![self.header(cx, details), widget::level_line()];
        let content = match (request, person) {
            (Some(request), _) => content.push(request),
            (None, Some(person)) if person.acquaintance == Acquaintance::Blocked => {
                content.push(self.history(cx)).push(stranger::blocked(person))
            }
            (None, _) if self.can_write(cx) => {
                let bar = self.composer.bar(&self.timeline, cx);
                let note = person.and_then(|person| stranger::note(person, cx));
                let composer = self.composer.view(bar, self.title(cx));
                content.push(self.history(cx)).push(self.strip(cx)).push(note).push(composer)
            }
            (None, _) => {
                content.push(self.history(cx)).push(closed_room(self.id.room().and_then(|id| room(cx, id))))
            }
        };
        let content = container(content).width(Fill).height(Fill).style(theme::container::background);
        stack![content].push(self.has_menu.then(menu::of_conversation)).into()
    }

    /// The other side of a chat.
    fn other<'a>(&self, cx: &'a Cx) -> Option<&'a PersonView> {
        match self.id {
            ConversationId::Direct(person) => cx.person(person),
            ConversationId::Room(_) | ConversationId::Control(_) => None,
        }
    }

    fn can_write(&self, cx: &Cx) -> bool {
        match self.id {
            ConversationId::Room(id) | ConversationId::Control(id) => room(cx, id).is_none_or(can_write_in),
            ConversationId::Direct(_) => {
                self.other(cx).is_none_or(|person| person.acquaintance != Acquaintance::Blocked)
            }
        }
    }

    /// The room's or the person's name.
    pub fn title(&self, cx: &Cx) -> String {
        match self.id {
            ConversationId::Room(id) | ConversationId::Control(id) => {
                room(cx, id).map(|room| room.name.as_str().to_owned()).unwrap_or_default()
            }
            ConversationId::Direct(person) => cx.names.face(person).full_name(),
        }
    }

    fn header<'a>(&self, cx: &'a Cx, details: bool) -> Element<'a, Message> {
        let back =
            (!cx.has_sidebar()).then(|| widget::icon_button(Icon::Back, false, tr("back"), Message::Back));
        let title =
            ellipsis(self.title(cx)).size(size::TITLE).font(theme::SEMIBOLD).line_height(theme::LINE_TITLE);
        let is_verified = self.other(cx).is_some_and(|person| person.verified);
        let lines = column![
            widget::name(title, is_verified),
            ellipsis(subtitle(self.id, cx))
                .size(size::SECONDARY)
                .line_height(theme::LINE_UNDER_TITLE)
                .style(theme::text::secondary),
        ];
        let toggle = cx
            .has_details()
            .then(|| widget::icon_button(Icon::Details, details, tr("details"), Message::ToggleDetails));
        let search = widget::icon_button(Icon::Search, false, tr("search-open"), Message::Search);
        let more = widget::icon_button(Icon::More, self.has_menu, tr("more"), Message::ToggleMenu);
        let buttons = row![].push(self.phone(cx)).push(search).push(more).push(toggle).align_y(Center);
        let picture = self.id.room().and_then(|id| cx.pictures.of(id));
        let picture = picture.map(|picture| widget::picture(picture, widget::AvatarSize::Small));
        let content =
            row![].push(back).push(picture).push(container(lines).width(Fill).clip(true)).push(buttons);
        container(content.spacing(gap::M).align_y(Center))
            .padding(widget::sides(gap::XL))
            .center_y(width::HEADER - stroke::LINE)
            .style(theme::container::panel)
            .into()
    }

    /// What calls the other, or enters the voice channel of the room.
    fn phone<'a>(&self, cx: &'a Cx) -> Option<Element<'a, Message>> {
        match self.id {
            ConversationId::Direct(_) => phone::ring(self.other(cx)?, cx),
            ConversationId::Room(id) => phone::voice(room(cx, id).filter(|room| can_write_in(room))?, cx),
            ConversationId::Control(_) => None,
        }
    }

    fn history<'a>(&'a self, cx: &'a Cx) -> Element<'a, Message> {
        if self.timeline.is_empty() && !self.timeline.is_reading() {
            return widget::empty(self.empty_sentence(cx), None);
        }
        let look = bubble::Look {
            other: match self.id {
                ConversationId::Direct(person) => Some(person),
                ConversationId::Room(_) | ConversationId::Control(_) => None,
            },
            can_write: self.can_write(cx),
            hovered: self.hovered,
            shown: self.shown,
            menu: self.menu.as_ref(),
            hides: self.hides(cx),
        };
        let rows = self.timeline.items(&cx.clock).into_iter().map(|item| match item {
            Item::Day(date) => (Key::Day(date), bubble::day(date, cx)),
            Item::Gap(key) => (Key::Gap(key), bubble::gap()),
            Item::New { since } => (Key::New, bubble::new_since(since)),
            Item::Bubble(bubble) => (Key::Entry(bubble.key), bubble::view(bubble, &look, cx)),
        });
        let history = log(rows, self.wish, Message::Scrolled).has_end(self.timeline.has_end());
        stack![Element::from(history)].push(self.latest_pill()).into()
    }

    fn hides(&self, cx: &Cx) -> menu::Hides {
        let room = self.id.room().and_then(|id| room(cx, id));
        menu::Hides { here: room.is_some(), for_all: room.is_some_and(RoomView::is_ours_to_moderate) }
    }

    /// Says how much came while older entries are looked at, and goes there.
    fn latest_pill(&self) -> Option<Element<'_, Message>> {
        let later = self.timeline.later();
        let words = match later {
            _ if self.timeline.is_following() || self.timeline.is_empty() => return None,
            0 => tr("log-latest"),
            _ => tr_args("log-later", &[("count", later.into())]),
        };
        let style = if later > 0 { theme::button::pill } else { theme::button::quiet_pill };
        let icon = if later > 0 { theme::icon::on_accent } else { theme::icon::quiet };
        let words = text(words).size(size::CAPTION).font(theme::MEDIUM);
        let content =
            row![words, Icon::Down.view(side::ICON_TINY).style(icon)].spacing(gap::XS).align_y(Center);
        let pill = button(content).padding(pad::PILL).style(style).on_press(Message::Latest);
        Some(container(pill).center_x(Fill).align_bottom(Fill).padding(gap::M).into())
    }

    /// Who is writing, and what of ours waits for what: one quiet line above the composer.
    fn strip<'a>(&self, cx: &'a Cx) -> Element<'a, Message> {
        let caption = |words: String| text(words).size(size::CAPTION).style(theme::text::secondary);
        let names = cx.typing.people(self.id).into_iter().map(|person| cx.names.face(person).name);
        let typing = words::typing(&names.collect::<Vec<_>>()).map(caption);
        let waiting = self.waiting(cx).or_else(|| self.opening(cx)).map(|words| {
            let clock = Icon::Clock.view(side::ICON_TINY).style(theme::icon::quiet);
            row![clock, caption(words)].spacing(gap::XS).align_y(Center)
        });
        let content = row![].push(typing).push(space::horizontal()).push(waiting).align_y(Center);
        container(content).padding(widget::sides(gap::XL)).center_y(width::STRIP).into()
    }

    fn waiting(&self, cx: &Cx) -> Option<String> {
        let waiting = match self.id {
            ConversationId::Room(id) | ConversationId::Control(id) => room(cx, id)?.waiting,
            ConversationId::Direct(person) => cx.chat(person)?.waiting,
        }?;
        words::waiting(waiting, &self.title(cx), &cx.clock)
    }

    /// How the invitation stands that led here, until it has come to its end.
    fn opening(&self, cx: &Cx) -> Option<String> {
        let opening = cx.overview.openings.iter().find(|opening| opening.conversation == self.id);
        opening.map(words::invites::opening)
    }

    fn empty_sentence(&self, cx: &Cx) -> String {
        match self.id {
            ConversationId::Room(_) | ConversationId::Control(_) => tr("conversation-empty-room"),
            ConversationId::Direct(person) if cx.person(person).is_some_and(|person| person.is_echo) => {
                tr("conversation-empty-echo")
            }
            ConversationId::Direct(person) => {
                tr_args("conversation-empty-chat", &[("name", cx.names.face(person).name.into())])
            }
        }
    }
}

/// Changes a post; the result is told by an event.
fn act(work: impl Future<Output = Result<(), EditError>> + Send + 'static) -> Task<Message> {
    Task::perform(work, |done| Message::Done(done.map_err(|error| words::edit_error(&error))))
}

/// Decides something about a room; the result is told by an event.
fn decided(work: impl Future<Output = Result<(), RoomError>> + Send + 'static) -> Task<Message> {
    Task::perform(work, |done| Message::Done(done.map_err(|error| words::room_error(&error))))
}

/// A room that we are in, or were in.
pub fn room(cx: &Cx, id: RoomId) -> Option<&RoomView> {
    cx.overview.rooms.iter().find(|room| room.room == id)
}

fn subtitle(id: ConversationId, cx: &Cx) -> String {
    match id {
        ConversationId::Room(id) | ConversationId::Control(id) => {
            room(cx, id).map_or_else(String::new, |room| {
                let members = tr_args("members-count", &[("count", room.members.into())]);
                let subtitle = match (&room.private, &room.founded) {
                    (Some(_), _) => "room-subtitle-private",
                    (None, Some(_)) => "room-subtitle-founded",
                    (None, None) => "room-subtitle",
                };
                let about = tr_args(subtitle, &[("members", members.into()), ("online", room.online.into())]);
                match words::syncing(&room.completeness) {
                    Some(syncing) => format!("{about} · {syncing}"),
                    None => about,
                }
            })
        }
        ConversationId::Direct(person) => {
            cx.person(person).map_or_else(String::new, |person| words::presence(person, &cx.clock))
        }
    }
}

fn can_write_in(room: &RoomView) -> bool {
    let access = room.private.as_ref().map(|private| private.access);
    let is_let_in = room.founded.as_ref().is_none_or(|founded| founded.standing == FoundedStanding::In);
    room.joined && is_let_in && access.is_none_or(|access| access == RoomAccess::Open)
}

/// Why nothing can be written here. Into a private room nobody comes back by themselves.
fn closed_room<'a>(room: Option<&RoomView>) -> Element<'a, Message> {
    if let Some(founded) = room.filter(|room| room.joined).and_then(|room| room.founded.as_ref()) {
        return outside(founded.standing);
    }
    let access = room.and_then(|room| room.private.as_ref()).map(|private| private.access);
    let words = match access {
        None => "room-left-sentence",
        Some(RoomAccess::AwaitsLog) => "room-awaits-log",
        Some(RoomAccess::AwaitsKey) => "room-awaits-key",
        Some(RoomAccess::Open | RoomAccess::Out) => "room-left-private",
    };
    let rejoin = access.is_none().then(|| widget::quiet(tr("room-rejoin"), Message::Rejoin));
    let content = row![widget::secondary(tr(words)), space::horizontal()].push(rejoin);
    let padding = Padding::from(gap::XL).top(gap::S);
    container(widget::card(content.align_y(Center))).padding(padding).into()
}

/// Why we cannot write in a founded room yet, and what can be done about it.
fn outside<'a>(standing: FoundedStanding) -> Element<'a, Message> {
    let (words, knock) = match standing {
        FoundedStanding::Outside => ("founded-outside-sentence", Some(("founded-knock", true))),
        FoundedStanding::Knocking => ("founded-knocking-sentence", Some(("founded-stop-knocking", false))),
        FoundedStanding::PutOut => ("founded-put-out-sentence", None),
        FoundedStanding::AwaitsLog | FoundedStanding::In => ("room-awaits-log", None),
    };
    let knock = knock.map(|(words, knocks)| widget::quiet(tr(words), Message::Knock(knocks)));
    let content = row![widget::secondary(tr(words)), space::horizontal()].push(knock);
    let padding = Padding::from(gap::XL).top(gap::S);
    container(widget::card(content.align_y(Center))).padding(padding).into()
}
