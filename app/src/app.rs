//! The desktop program: the root of state, messages and drawing.
//!
//! Routes messages to screens and the peer's facts to the screen that shows them. Decides nothing
//! that the other faces could not: all that is done goes through [`Program`].

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use iced::keyboard::key::Named;
use iced::keyboard::{self, Key};
use iced::theme::Mode;
use iced::widget::{column, container, stack, text};
use iced::{Fill, Size, Subscription, Task, event, window};
use kinmesh_core::{ConversationEvent, Event};
use kinmesh_model::{Clock, badge};
use kinmesh_net::Overview;
use kinmesh_proto::{CallId, ConversationId};

use crate::feed::{self, Batch};
use crate::i18n::{self, Language, tr, tr_args};
use crate::idle;
use crate::program::Program;
use crate::screen::dialog::call_with::Purpose;
use crate::screen::{Cx, bands, call, home, onboarding, settings, words};
use crate::settings::Settings;
use crate::signals::Signals;
use crate::theme::{self, Theme, size, space as gap};
use crate::widget::Element;
use crate::window::WINDOW;

/// How long a short note stands over the window.
const TOAST: Duration = Duration::from_secs(4);
/// Links given at once: a person clicks one at a time.
const GIVEN_CAP: usize = 16;
/// How often the clock on the wall is looked at: times are shown to the minute.
const TICK: Duration = Duration::from_secs(20);
/// The same while somebody writes, which is shown for seconds.
const TYPING_TICK: Duration = Duration::from_secs(1);
/// The same while a call goes on: who speaks is shown, and how long it lasts.
const CALL_TICK: Duration = Duration::from_millis(250);

/// The desktop program.
pub struct App {
    program: Program,
    settings: Settings,
    system: Mode,
    cx: Cx,
    onboarding: Option<onboarding::State>,
    home: home::State,
    open_settings: Option<settings::State>,
    toast: Option<Toast>,
    toasts: u64,
    /// Links and files that were given to the program and not shown yet.
    given: VecDeque<String>,
    bands: bands::State,
    call: call::State,
    /// Size of the window; [`Cx`] has what a call leaves of it.
    window: Size,
}

struct Toast {
    words: String,
    id: u64,
}

/// Everything that can happen.
#[derive(Debug, Clone)]
pub enum Message {
    /// The peer told something.
    Peer(Batch),
    /// At the first start.
    Onboarding(onboarding::Message),
    /// In the main screen.
    Home(home::Message),
    /// In the settings.
    Settings(settings::Message),
    /// The window changed.
    Window(window::Event),
    /// A key was pressed, and no field took it.
    Key(keyboard::Key, keyboard::Modifiers),
    /// The key with which one talks was pressed, or let go.
    TalkKey(bool),
    /// Light or dark, as the system is.
    System(Mode),
    /// The peer is to be locked; the window does it.
    Lock,
    /// Time went by.
    Tick,
    /// This note was there long enough.
    ToastEnds(u64),
    /// In the bands over the window.
    Bands(bands::Message),
    /// About calls.
    Call(call::Message),
}

impl App {
    /// The first things to do, in a window of this size.
    pub(crate) fn begin(&mut self, size: Size, system: Mode) -> Task<Message> {
        (self.window, self.system) = (size, system);
        self.make_room();
        self.cx.theme = Theme::chosen(self.settings.theme, system);
        match self.onboarding {
            Some(_) => onboarding::State::start().map(Message::Onboarding),
            None => self.show_given(),
        }
    }

    /// The program as it starts, at this time.
    pub fn new(program: Program, clock: Clock) -> Self {
        let settings = program.settings.get();
        i18n::set_language(settings.language.unwrap_or_else(Language::of_system));
        let mut cx = Cx::new(program.node.overview(), program.node.status(), clock, WINDOW);
        cx.theme = Theme::chosen(settings.theme, Mode::None);
        Self {
            onboarding: cx.overview.me.name.is_none().then(onboarding::State::default),
            program,
            settings,
            system: Mode::None,
            cx,
            home: home::State::default(),
            open_settings: None,
            toast: None,
            toasts: 0,
            given: VecDeque::new(),
            bands: bands::State::default(),
            call: call::State::default(),
            window: WINDOW,
        }
    }

    /// The peer as of now, and its settings.
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// What the main screen shows.
    pub fn home(&self) -> &home::State {
        &self.home
    }

    pub(crate) fn title(&self) -> String {
        if let Some(rings) = kinmesh_model::call::ringing(&self.cx.overview.calls).next() {
            return tr_args("window-title-rings", &[("who", words::calls::who(rings, &self.cx).into())]);
        }
        let rooms = self.cx.overview.rooms.iter().map(|room| room.unread);
        let unread: usize = rooms.chain(self.cx.overview.chats.iter().map(|chat| chat.unread)).sum();
        // Who asks waits for an answer like who writes.
        match badge(unread + self.cx.overview.requests.len()) {
            Some(unread) => tr_args("window-title-unread", &[("unread", unread.into())]),
            None => "Kinmesh".to_owned(),
        }
    }

    /// The colours in use.
    pub fn theme(&self) -> Theme {
        self.cx.theme
    }

    pub(crate) fn subscription(&self) -> Subscription<Message> {
        let settings = self.open_settings.as_ref();
        Subscription::batch([
            feed::feed(&self.program).map(Message::Peer),
            event::listen_with(listen),
            iced::time::every(self.tick()).map(|_| Message::Tick),
            settings.map_or_else(Subscription::none, |open| {
                open.subscription(&self.settings).map(Message::Settings)
            }),
        ])
    }

    fn tick(&self) -> Duration {
        match kinmesh_model::call::standing(&self.cx.overview.calls) {
            Some(_) => CALL_TICK,
            None if self.cx.typing.is_empty() => TICK,
            None => TYPING_TICK,
        }
    }

    /// A link, or a file with one, was given to the program. It is shown once somebody has a name here.
    pub fn give(&mut self, given: String) -> Task<Message> {
        if self.given.len() < GIVEN_CAP {
            self.given.push_back(given);
        }
        if self.onboarding.is_some() { Task::none() } else { self.show_given() }
    }

    fn show_given(&mut self) -> Task<Message> {
        let Some(given) = self.given.pop_front() else { return Task::none() };
        self.open_settings = None;
        self.home.show_link(&given, &self.cx).map(Message::Home)
    }

    /// Takes a message.
    pub fn update(&mut self, message: Message) -> Task<Message> {
        match message {
            Message::Peer(batch) => self.peer(batch),
            Message::Onboarding(message) => self.update_onboarding(message),
            Message::Home(message) => self.update_home(message),
            Message::Settings(message) => self.update_settings(message),
            Message::Window(event) => self.window(event),
            Message::Key(key, modifiers) => self.key(&key, modifiers),
            Message::System(mode) => {
                self.system = mode;
                self.cx.theme = Theme::chosen(self.settings.theme, mode);
                Task::none()
            }
            Message::Lock => Task::none(),
            Message::TalkKey(held) => {
                let talk = self.call.talk_key(held);
                talk.map_or_else(Task::none, |talk| self.update_call(talk))
            }
            Message::Tick => {
                self.cx.clock = Clock::local();
                self.cx.typing.expire(self.cx.clock.now_ms());
                self.call.hear(&self.program);
                if self.is_left_alone() { Task::done(Message::Lock) } else { Task::none() }
            }
            Message::ToastEnds(id) => {
                self.toast.take_if(|toast| toast.id == id);
                Task::none()
            }
            Message::Bands(message) => {
                self.bands.update(message);
                Task::none()
            }
            Message::Call(message) => self.update_call(message),
        }
    }

    /// Whether it is time to lock by itself. Who is in a call is not away.
    fn is_left_alone(&self) -> bool {
        if !self.cx.overview.calls.is_empty() {
            return false;
        }
        let lock_after = self.settings.lock_after_min.filter(|_| self.program.has_passphrase());
        lock_after.is_some_and(|minutes| idle::since() >= Duration::from_secs(u64::from(minutes) * 60))
    }

    fn peer(&mut self, batch: Batch) -> Task<Message> {
        let called = match batch.overview {
            Some(overview) => self.know(overview),
            None => Task::none(),
        };
        if let Some(status) = batch.status {
            self.cx.status = status;
        }
        self.hear_typing(&batch.events);
        let is_mended = |event: &Event| matches!(event, Event::StoreFault { fault: None });
        let mended = batch.events.iter().any(is_mended).then(|| self.say(tr("store-mended")));
        let met = batch.events.iter().find_map(|event| self.met(event)).map(|words| self.say(words));
        let ended = self.call.apply(&batch.events, &self.cx).map(|words| self.say(words));
        let applied = self.home.apply(&batch.events, &self.program, &self.cx).map(Message::Home);
        Task::batch(mended.into_iter().chain(met).chain(ended).chain([called, applied]))
    }

    /// Takes a newer overview, with which calls may begin and end.
    fn know(&mut self, overview: Arc<Overview>) -> Task<Message> {
        let rang = kinmesh_model::call::ringing(&self.cx.overview.calls).count();
        self.cx.set_overview(overview);
        self.call.hear(&self.program);
        let followed = self.call.follow(&self.cx, self.window).map(Message::Call);
        self.make_room();
        let rings = kinmesh_model::call::ringing(&self.cx.overview.calls).count();
        let noticed = if rings > rang && !self.cx.focused { ask_for_attention() } else { Task::none() };
        Task::batch([followed, noticed])
    }

    /// Leaves to the screens what a call does not take of the window.
    fn make_room(&mut self) {
        let Size { width, height } = self.window;
        self.cx.window = Size::new(width - self.call.width_beside(self.window), height);
    }

    fn update_call(&mut self, message: call::Message) -> Task<Message> {
        let (task, event) = self.call.update(message, &self.program, &self.cx);
        self.make_room();
        let task = task.map(Message::Call);
        let done = match event {
            Some(call::Event::Open(id)) => {
                self.open_settings = None;
                self.open(id)
            }
            Some(call::Event::Add(call)) => self.choose_for_call(call, Purpose::Add),
            Some(call::Event::Transfer(call)) => self.choose_for_call(call, Purpose::Transfer),
            Some(call::Event::Sound(sound)) => self.choose(|settings| settings.sound = sound.clone()),
            Some(call::Event::Toast(words)) => self.say(words),
            None => Task::none(),
        };
        Task::batch([task, done])
    }

    fn choose_for_call(&mut self, call: CallId, purpose: Purpose) -> Task<Message> {
        self.open_settings = None;
        self.home.choose_for_call(call, purpose).map(Message::Home)
    }

    /// That an invitation has brought two people together, in words.
    fn met(&self, event: &Event) -> Option<String> {
        let (id, person) = match event {
            Event::InviteUsed { person, .. } => ("toast-invite-used", person),
            Event::OpeningAnswered { person, refused: None, .. } => ("toast-opening-accepted", person),
            _ => return None,
        };
        Some(tr_args(id, &[("name", self.cx.names.face(*person).name.into())]))
    }

    fn hear_typing(&mut self, events: &[Event]) {
        for event in events {
            let Event::Conversation { conversation, change, .. } = event else { continue };
            match change {
                ConversationEvent::Typing { person, until_ms } => {
                    self.cx.typing.heard(*conversation, *person, *until_ms);
                }
                ConversationEvent::EntryAdded { entry } => {
                    self.cx.typing.ended(*conversation, entry.author);
                }
                _ => {}
            }
        }
    }

    fn update_onboarding(&mut self, message: onboarding::Message) -> Task<Message> {
        let Some(onboarding) = &mut self.onboarding else { return Task::none() };
        let (task, event) = onboarding.update(message, &self.program, &self.cx);
        let task = task.map(Message::Onboarding);
        match event {
            Some(onboarding::Event::Finished(leads_to)) => {
                self.onboarding = None;
                self.cx.set_overview(self.program.node.overview());
                let open = leads_to.map_or_else(Task::none, |id| self.open(id));
                return Task::batch([task, open, self.show_given()]);
            }
            Some(onboarding::Event::Restored(program)) => self.go_on_as(program),
            None => {}
        }
        task
    }

    /// Goes on as another peer, which has taken the place of the first one.
    fn go_on_as(&mut self, program: Program) {
        let (window, system) = (self.window, self.system);
        *self = Self { system, window, ..Self::new(program, self.cx.clock.clone()) };
        self.make_room();
        self.cx.theme = Theme::chosen(self.settings.theme, system);
    }

    fn update_home(&mut self, message: home::Message) -> Task<Message> {
        let (task, event) = self.home.update(message, &self.program, &self.cx);
        let task = task.map(Message::Home);
        match event {
            Some(home::Event::Settings) => {
                self.open_settings = Some(settings::State::new(&self.cx, &self.program));
                task
            }
            Some(home::Event::Ring(person)) => {
                Task::batch([task, self.update_call(call::Message::Ring(person))])
            }
            Some(home::Event::EnterVoice(room)) => {
                Task::batch([task, self.update_call(call::Message::EnterVoice(room))])
            }
            Some(home::Event::Toast(words)) => Task::batch([task, self.say(words)]),
            None => task,
        }
    }

    fn update_settings(&mut self, message: settings::Message) -> Task<Message> {
        let Some(open) = &mut self.open_settings else {
            return message.outcome().map_or_else(Task::none, |words| self.say(words));
        };
        let (task, event) = open.update(message, &self.program);
        let task = task.map(Message::Settings);
        let said = match event {
            Some(settings::Event::Theme(choice)) => self.choose(|settings| settings.theme = choice),
            Some(settings::Event::Language(language)) => {
                i18n::set_language(language.unwrap_or_else(Language::of_system));
                self.choose(|settings| settings.language = language)
            }
            Some(settings::Event::Sound(sound)) => self.choose(|settings| settings.sound = sound.clone()),
            Some(settings::Event::LockAfter(minutes)) => {
                self.choose(|settings| settings.lock_after_min = minutes)
            }
            Some(settings::Event::Lock) => Task::done(Message::Lock),
            Some(settings::Event::Restarted(program, words)) => {
                self.go_on_as(program);
                self.open_settings = Some(settings::State::on_passphrase(&self.cx, &self.program));
                self.say(words)
            }
            Some(settings::Event::ShowInvite(invite)) => {
                self.open_settings = None;
                self.home.show_invite(invite, &self.program).map(Message::Home)
            }
            Some(settings::Event::Toast(words)) => self.say(words),
            Some(settings::Event::Close) => {
                self.open_settings = None;
                Task::none()
            }
            None => Task::none(),
        };
        Task::batch([task, said])
    }

    /// Changes the settings at once, and says so if they could not be saved.
    fn choose(&mut self, change: impl Fn(&mut Settings)) -> Task<Message> {
        change(&mut self.settings);
        self.cx.theme = Theme::chosen(self.settings.theme, self.system);
        match self.program.settings.update(change) {
            Ok(()) => Task::none(),
            Err(error) => self.say(tr_args("error-settings", &[("fault", error.to_string().into())])),
        }
    }

    fn say(&mut self, words: String) -> Task<Message> {
        self.toasts += 1;
        let id = self.toasts;
        self.toast = Some(Toast { words, id });
        Task::perform(tokio::time::sleep(TOAST), move |()| Message::ToastEnds(id))
    }

    fn window(&mut self, event: window::Event) -> Task<Message> {
        match event {
            window::Event::Opened { size, .. } | window::Event::Resized(size) => {
                self.window = size;
                self.make_room();
            }
            window::Event::Unfocused => {
                self.cx.focused = false;
                // The key may be let go where nobody tells us.
                return self.update(Message::TalkKey(false));
            }
            window::Event::Focused => {
                self.cx.focused = true;
                // What came meanwhile is looked at now.
                return self.home.apply(&[], &self.program, &self.cx).map(Message::Home);
            }
            _ => {}
        }
        Task::none()
    }

    fn key(&mut self, key: &Key, modifiers: keyboard::Modifiers) -> Task<Message> {
        match key {
            Key::Named(Named::Tab) if modifiers.shift() => iced::widget::operation::focus_previous(),
            Key::Named(Named::Tab) => iced::widget::operation::focus_next(),
            key if *key == call::TALK_KEY => self.update(Message::TalkKey(true)),
            Key::Named(Named::Escape) if self.call.escape() => Task::none(),
            Key::Named(Named::Escape) if self.open_settings.take().is_some() => Task::none(),
            Key::Named(Named::Escape) => {
                self.home.escape(&self.cx);
                Task::none()
            }
            Key::Named(Named::ArrowDown) => self.update_home(home::Message::StepSearch(1)),
            Key::Named(Named::ArrowUp) => self.update_home(home::Message::StepSearch(-1)),
            Key::Character(letter) if modifiers.command() && self.onboarding.is_none() => {
                let letter = letter.to_lowercase();
                if let Some(about) = self.call.shortcut(&letter, &self.cx).filter(|_| modifiers.shift()) {
                    return self.update_call(about);
                }
                match letter.as_str() {
                    "l" if self.program.has_passphrase() => Task::done(Message::Lock),
                    "k" => self.search(home::Message::Find),
                    "f" => self.search(home::Message::SearchMessages { here: !modifiers.shift() }),
                    _ => Task::none(),
                }
            }
            _ => Task::none(),
        }
    }

    fn search(&mut self, search: home::Message) -> Task<Message> {
        self.open_settings = None;
        self.update_home(search)
    }

    /// Opens a conversation.
    pub fn open(&mut self, id: ConversationId) -> Task<Message> {
        self.home.open(id, &self.program, &self.cx).map(Message::Home)
    }

    /// Draws everything.
    pub fn view(&self) -> Element<'_, Message> {
        let screen = match (&self.onboarding, &self.open_settings) {
            (Some(onboarding), _) => onboarding.view(&self.cx).map(Message::Onboarding),
            (None, Some(open)) => open.view(&self.settings, &self.cx).map(Message::Settings),
            (None, None) => self.home.view(&self.cx).map(Message::Home),
        };
        let screen = container(screen).width(Fill).height(Fill).into();
        let screen = self.call.around(screen, &self.settings.sound, &self.cx, self.window, Message::Call);
        let screen = column![self.bands.view(&self.cx).map(Message::Bands), container(screen).height(Fill)];
        let toast = self.toast.as_ref().map(|toast| {
            let words = container(text(&toast.words).size(size::SECONDARY)).padding([gap::S, gap::L]);
            container(words.style(theme::container::toast)).center_x(Fill).align_bottom(Fill).padding(gap::XL)
        });
        stack![screen].push(toast).into()
    }
}

/// Waits for the operating system's wish that the program ends.
pub(crate) async fn asked_to_quit() {
    match Signals::listen() {
        Ok(mut signals) => signals.interrupted().await,
        Err(error) => {
            tracing::error!(%error, "signals cannot be received");
            // The window can still be closed.
            std::future::pending().await
        }
    }
}

fn ask_for_attention() -> Task<Message> {
    let ask = |id| window::request_user_attention(id, Some(window::UserAttention::Critical));
    window::latest().and_then(ask)
}

/// Window events, and keys that no field took. Ctrl+K works from within a field too.
fn listen(event: iced::Event, status: event::Status, _: window::Id) -> Option<Message> {
    match event {
        iced::Event::Window(
            event @ (window::Event::Opened { .. }
            | window::Event::Resized(_)
            | window::Event::Focused
            | window::Event::Unfocused),
        ) => Some(Message::Window(event)),
        iced::Event::Keyboard(keyboard::Event::KeyReleased { key, .. }) if key == call::TALK_KEY => {
            Some(Message::TalkKey(false))
        }
        iced::Event::Keyboard(keyboard::Event::KeyPressed { key, modifiers, .. }) => {
            let everywhere = modifiers.command() || key == Key::Named(Named::Escape);
            (status == event::Status::Ignored || everywhere).then_some(Message::Key(key, modifiers))
        }
        _ => None,
    }
}
