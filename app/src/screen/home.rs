//! The main screen: sidebar or search, open conversation, details, and the dialog over them.

use std::collections::HashMap;

use iced::widget::{column, container, row, text_editor};
use iced::{Fill, Task};
use kinmesh_core::Event as PeerEvent;
use kinmesh_proto::{CallId, ConversationId, EntryKey, PersonId, RoomId, RoomName, TicketId};

use super::{Cx, conversation, details, dialog, search, sidebar};
use crate::i18n::tr;
use crate::program::Program;
use crate::theme::{self, column as width, stroke};
use crate::widget::{self, Element};

/// The main screen.
#[derive(Default)]
pub struct State {
    sidebar: sidebar::State,
    /// The search over all messages, in the sidebar's place.
    search: Option<search::State>,
    /// Whether the conversation stands before it in a narrow window.
    search_covered: bool,
    open: Option<conversation::State>,
    /// What was typed in conversations that are not open now.
    drafts: HashMap<ConversationId, text_editor::Content>,
    details_hidden: bool,
    dialog: Option<dialog::State>,
}

/// What can happen here.
#[derive(Debug, Clone)]
pub enum Message {
    /// In the sidebar.
    Sidebar(sidebar::Message),
    /// In the open conversation.
    Conversation(conversation::Message),
    /// In the details.
    Details(details::Message),
    /// In the dialog.
    Dialog(dialog::Message),
    /// Somebody is to be invited to a chat.
    Invite,
    /// The dialog is to be closed.
    CloseDialog,
    /// The search for people and rooms is wanted.
    Find,
    /// The search for messages is wanted: in the open conversation, or everywhere.
    SearchMessages {
        /// In the open conversation.
        here: bool,
    },
    /// In the search for messages.
    Search(search::Message),
    /// The next find, or the one before, is to be chosen.
    StepSearch(isize),
    /// A room was joined from the sidebar, or why not.
    Joined(Result<ConversationId, String>),
}

/// What the parent is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The settings are wanted.
    Settings,
    /// Somebody is to be rung.
    Ring(PersonId),
    /// The voice channel of a room is to be entered.
    EnterVoice(RoomId),
    /// Something to say for a moment.
    Toast(String),
}

type Step = (Task<Message>, Option<Event>);

impl State {
    /// The main screen with this conversation open.
    pub fn showing(open: conversation::State) -> Self {
        Self { open: Some(open), ..Self::default() }
    }

    /// The conversation that is open.
    pub fn open_id(&self) -> Option<ConversationId> {
        self.open.as_ref().map(conversation::State::id)
    }

    /// The same with this search beside it.
    pub fn searching(self, search: search::State) -> Self {
        Self { search: Some(search), ..self }
    }

    /// The conversation that is open, as it is drawn.
    pub fn conversation(&self) -> Option<&conversation::State> {
        self.open.as_ref()
    }

    /// Opens a conversation.
    pub fn open(&mut self, id: ConversationId, program: &Program, cx: &Cx) -> Task<Message> {
        self.search_covered = true;
        if self.open_id() == Some(id) {
            self.dialog = None;
            return iced::widget::operation::focus(conversation::composer::FIELD);
        }
        self.dialog = None;
        self.put_away();
        let draft = self.drafts.remove(&id).unwrap_or_default();
        let (open, task) = conversation::State::open(id, draft, program, cx);
        self.open = Some(open);
        task.map(Message::Conversation)
    }

    /// Opens a conversation where this post stands.
    fn open_at(&mut self, id: ConversationId, key: EntryKey, program: &Program, cx: &Cx) -> Task<Message> {
        self.search_covered = true;
        if let Some(open) = self.open.as_mut().filter(|open| open.id() == id) {
            return open.go_to(key, program, cx).map(Message::Conversation);
        }
        self.put_away();
        let draft = self.drafts.remove(&id).unwrap_or_default();
        let (open, task) = conversation::State::open_at(id, key, draft, program, cx);
        self.open = Some(open);
        task.map(Message::Conversation)
    }

    fn search(&mut self, place: Option<ConversationId>, typed: String, program: &Program, cx: &Cx) -> Step {
        let (search, task) = search::State::open(place, typed, program, cx);
        self.search = Some(search);
        self.search_covered = false;
        (task.map(Message::Search), None)
    }

    fn put_away(&mut self) {
        if let Some(open) = self.open.take() {
            let id = open.id();
            self.drafts.insert(id, open.into_draft());
        }
    }

    /// The same with this dialog over it.
    pub fn asking(self, dialog: dialog::State) -> Self {
        Self { dialog: Some(dialog), ..self }
    }

    /// Takes what the peer told.
    pub fn apply(&mut self, events: &[PeerEvent], program: &Program, cx: &Cx) -> Task<Message> {
        let search = self.search.as_mut().map(|search| search.apply(events, program, cx));
        let search = search.unwrap_or_else(Task::none).map(Message::Search);
        Task::batch([search, self.apply_to_open(events, program, cx)])
    }

    fn apply_to_open(&mut self, events: &[PeerEvent], program: &Program, cx: &Cx) -> Task<Message> {
        let Some(open) = &mut self.open else { return Task::none() };
        let mut tasks = Vec::new();
        for event in events {
            match event {
                PeerEvent::Conversation { conversation, rev, change } if *conversation == open.id() => {
                    tasks.push(open.apply(*rev, change, program, cx));
                }
                PeerEvent::Lagged { .. } | PeerEvent::HiddenChanged { .. } => {
                    tasks.push(open.reread(program, cx));
                }
                _ => {}
            }
        }
        tasks.push(open.mark_read(program, cx));
        Task::batch(tasks).map(Message::Conversation)
    }

    /// Escape: closes the dialog, a menu or the search, leaves what is answered or edited, and in a
    /// narrow window the conversation.
    pub fn escape(&mut self, cx: &Cx) {
        let has_search = cx.has_sidebar() || !self.search_covered;
        let was_open = self.dialog.take().is_some()
            || self.open.as_mut().is_some_and(conversation::State::close_menu)
            || (has_search && self.search.take().is_some())
            || self.open.as_mut().is_some_and(conversation::State::leave)
            || self.sidebar.escape();
        if !was_open && !cx.has_sidebar() {
            self.put_away();
        }
    }

    /// Takes a message.
    pub fn update(&mut self, message: Message, program: &Program, cx: &Cx) -> Step {
        match message {
            Message::Sidebar(message) => match self.sidebar.update(message, cx) {
                Some(event) => self.sidebar_event(event, program, cx),
                None => (Task::none(), None),
            },
            Message::Conversation(message) => self.update_conversation(message, program, cx),
            Message::Details(message) => self.update_details(message, program, cx),
            Message::Dialog(message) => self.update_dialog(message, program, cx),
            Message::Invite => self.show(dialog::State::Invite(Box::new(dialog::invite::State::new(None)))),
            Message::CloseDialog => {
                self.dialog = None;
                (Task::none(), None)
            }
            Message::SearchMessages { here } => {
                let place = self.open_id().filter(|_| here);
                let typed = self.search.take().map(search::State::into_typed).unwrap_or_default();
                self.search(place, typed, program, cx)
            }
            Message::Search(message) => self.update_search(message, program, cx),
            Message::StepSearch(by) => {
                let step = self.search.as_mut().map_or_else(Task::none, |search| search.step(by));
                (step.map(Message::Search), None)
            }
            Message::Find => {
                self.search = None;
                if !cx.has_sidebar() {
                    self.put_away();
                }
                (sidebar::State::search().map(Message::Sidebar), None)
            }
            Message::Joined(Ok(room)) => (self.open(room, program, cx), None),
            Message::Joined(Err(error)) => (Task::none(), Some(Event::Toast(error))),
        }
    }

    fn update_search(&mut self, message: search::Message, program: &Program, cx: &Cx) -> Step {
        let Some(search) = &mut self.search else { return (Task::none(), None) };
        let (task, event) = search.update(message, program, cx);
        let task = task.map(Message::Search);
        match event {
            Some(search::Event::GoTo(id, key)) => {
                let open = self.open_at(id, key, program, cx);
                (Task::batch([task, open]), None)
            }
            Some(search::Event::Close) => {
                self.search = None;
                (task, None)
            }
            None => (task, None),
        }
    }

    fn sidebar_event(&mut self, event: sidebar::Event, program: &Program, cx: &Cx) -> Step {
        match event {
            sidebar::Event::Open(id) => (self.open(id, program, cx), None),
            sidebar::Event::SearchMessages(typed) => self.search(None, typed, program, cx),
            sidebar::Event::JoinRoom => self.show(dialog::State::JoinRoom(Default::default())),
            sidebar::Event::FindPerson => self.show(dialog::State::FindPerson(Default::default())),
            sidebar::Event::Network => self.show(dialog::State::Network(Default::default())),
            sidebar::Event::JoinLobby => (join_lobby(program), None),
            sidebar::Event::Settings => (Task::none(), Some(Event::Settings)),
        }
    }

    fn show_edits(&mut self, key: EntryKey, program: &Program) -> Step {
        let Some(id) = self.open_id() else { return (Task::none(), None) };
        let (dialog, read) = dialog::edits::State::open(program.node.conversation(id), key);
        self.dialog = Some(dialog::State::Edits(dialog));
        (read.map(|message| Message::Dialog(dialog::Message::Edits(message))), None)
    }

    fn show(&mut self, dialog: dialog::State) -> Step {
        let task = dialog.start().map(Message::Dialog);
        self.dialog = Some(dialog);
        (task, None)
    }

    fn update_conversation(&mut self, message: conversation::Message, program: &Program, cx: &Cx) -> Step {
        let Some(open) = &mut self.open else { return (Task::none(), None) };
        let (task, event) = open.update(message, program, cx);
        let task = Task::batch([task, open.mark_read(program, cx)]).map(Message::Conversation);
        let event = match event {
            Some(conversation::Event::OpenPerson(person)) => {
                let open = self.open(ConversationId::Direct(person), program, cx);
                return (Task::batch([task, open]), None);
            }
            Some(conversation::Event::Open(id)) => {
                let open = self.open(id, program, cx);
                return (Task::batch([task, open]), None);
            }
            Some(conversation::Event::Back) => {
                self.put_away();
                self.search_covered = false;
                None
            }
            Some(conversation::Event::History(key)) => return self.show_edits(key, program),
            Some(conversation::Event::Export(id, title)) => {
                let (show, event) = self.show(dialog::State::Export(dialog::export::State::new(id, title)));
                return (Task::batch([task, show]), event);
            }
            Some(conversation::Event::Search) => {
                return self.search(self.open_id(), String::new(), program, cx);
            }
            Some(conversation::Event::ToggleDetails) => {
                self.details_hidden = !self.details_hidden;
                None
            }
            Some(conversation::Event::Ring(person)) => Some(Event::Ring(person)),
            Some(conversation::Event::EnterVoice(room)) => Some(Event::EnterVoice(room)),
            Some(conversation::Event::Toast(words)) => Some(Event::Toast(words)),
            None => None,
        };
        (task, event)
    }

    fn update_details(&mut self, message: details::Message, program: &Program, cx: &Cx) -> Step {
        let (task, event) = details::update(message, program, cx);
        let task = task.map(Message::Details);
        match event {
            Some(details::Event::OpenPerson(person)) => {
                let open = self.open(ConversationId::Direct(person), program, cx);
                (Task::batch([task, open]), None)
            }
            Some(details::Event::Rename(person)) => match cx.person(person) {
                Some(person) => self.show(dialog::State::Rename(dialog::rename::State::new(person))),
                None => (task, None),
            },
            Some(details::Event::Safety(person)) => {
                let me = cx.overview.me.person;
                self.show(dialog::State::Safety(dialog::safety::State::new(me, person)))
            }
            Some(details::Event::Admit(room)) => {
                self.show(dialog::State::Admit(dialog::admit::State::new(room)))
            }
            Some(details::Event::CarryOn(room)) => {
                self.show(dialog::State::CarryOn(dialog::carry_on::State::new(room)))
            }
            Some(details::Event::Picture(room)) => {
                self.show(dialog::State::Picture(dialog::picture::State::new(room)))
            }
            Some(details::Event::OpenRoom(room)) => {
                let open = self.open(ConversationId::Room(room), program, cx);
                (Task::batch([task, open]), None)
            }
            Some(details::Event::Introduce(person)) => {
                self.show(dialog::State::Introduce(dialog::introduce::State::new(person)))
            }
            Some(details::Event::Invite(room, name)) => {
                let is_private = conversation::room(cx, room).is_some_and(|room| room.private.is_some());
                let dialog = if is_private {
                    dialog::invite::State::private(room, name)
                } else {
                    dialog::invite::State::new(Some((room, name)))
                };
                self.show(dialog::State::Invite(Box::new(dialog)))
            }
            Some(details::Event::Ring(person)) => (task, Some(Event::Ring(person))),
            Some(details::Event::Toast(words)) => (task, Some(Event::Toast(words))),
            None => (task, None),
        }
    }

    fn update_dialog(&mut self, message: dialog::Message, program: &Program, cx: &Cx) -> Step {
        let Some(dialog) = &mut self.dialog else {
            return (Task::none(), message.outcome().map(Event::Toast));
        };
        let (task, event) = dialog.update(message, program, cx);
        let task = task.map(Message::Dialog);
        match event {
            Some(dialog::Event::Close) => {
                self.dialog = None;
                (task, None)
            }
            Some(dialog::Event::Open(id)) => {
                let open = self.open(id, program, cx);
                (Task::batch([task, open]), None)
            }
            Some(dialog::Event::Done(words)) => {
                self.dialog = None;
                (task, Some(Event::Toast(words)))
            }
            Some(dialog::Event::Link(link)) => (self.show_link(&link, cx), None),
            Some(dialog::Event::Invite) => self.update(Message::Invite, program, cx),
            Some(dialog::Event::NewRoom) => self.show(dialog::State::NewRoom(Default::default())),
            Some(dialog::Event::Toast(words)) => (task, Some(Event::Toast(words))),
            None => (task, None),
        }
    }

    /// Says where a link leads, or a file with one, before it is followed.
    pub fn show_link(&mut self, given: &str, cx: &Cx) -> Task<Message> {
        self.show(dialog::State::OpenLink(dialog::open_link::State::given(given, cx))).0
    }

    /// Has a contact chosen for a call.
    pub fn choose_for_call(&mut self, call: CallId, purpose: dialog::call_with::Purpose) -> Task<Message> {
        self.show(dialog::State::CallWith(dialog::call_with::State::new(call, purpose))).0
    }

    /// Shows the ticket of an invitation once more.
    pub fn show_invite(&mut self, invite: TicketId, program: &Program) -> Task<Message> {
        let (dialog, read) = dialog::invite::State::show(invite, program);
        self.dialog = Some(dialog::State::Invite(Box::new(dialog)));
        read.map(|message| Message::Dialog(dialog::Message::Invite(message)))
    }

    /// Draws it.
    pub fn view<'a>(&'a self, cx: &'a Cx) -> Element<'a, Message> {
        let screen = if cx.has_sidebar() {
            let sidebar = container(self.left(cx)).width(width::SIDEBAR - stroke::LINE);
            row![sidebar, widget::upright_line(), self.main(cx)].into()
        } else if self.open.is_some() && (self.search.is_none() || self.search_covered) {
            self.main(cx)
        } else {
            self.left(cx)
        };
        match &self.dialog {
            Some(dialog) => {
                widget::dialog(screen, dialog.view(cx).map(Message::Dialog), Message::CloseDialog)
            }
            // The same shape with and without a dialog, so that nothing under it loses its place.
            None => iced::widget::Stack::with_children([screen]).into(),
        }
    }

    /// The search, or the sidebar.
    fn left<'a>(&'a self, cx: &'a Cx) -> Element<'a, Message> {
        match &self.search {
            Some(search) => search.view(cx).map(Message::Search),
            None => self.sidebar.view(cx, self.open_id()).map(Message::Sidebar),
        }
    }

    fn main<'a>(&'a self, cx: &'a Cx) -> Element<'a, Message> {
        let Some(open) = &self.open else { return nothing_open() };
        let shows_details = cx.has_details() && !self.details_hidden;
        let conversation = open.view(cx, shows_details).map(Message::Conversation);
        let details = shows_details.then(|| {
            let details = details::view(open.id(), open.members(), cx).map(Message::Details);
            row![widget::upright_line(), container(details).width(width::DETAILS - stroke::LINE)]
        });
        row![conversation].push(details).into()
    }
}

fn join_lobby(program: &Program) -> Task<Message> {
    let node = program.node.clone();
    let work = async move { node.join_room(RoomName::lobby()).await };
    Task::perform(work, |joined| {
        let room = joined.map(|room| ConversationId::Room(room.id()));
        Message::Joined(room.map_err(|error| super::words::change_error(&error)))
    })
}

fn nothing_open<'a>() -> Element<'a, Message> {
    let join = Message::Sidebar(sidebar::Message::JoinRoom);
    let invite = widget::link(tr("invite-new"), Message::Invite);
    let content = column![
        container(widget::empty(tr("nothing-open"), Some((tr("room-join"), join)))).height(Fill),
        container(invite).center_x(Fill).padding(theme::space::XL),
    ];
    container(content).width(Fill).height(Fill).style(theme::container::background).into()
}
