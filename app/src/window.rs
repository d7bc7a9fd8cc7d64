//! The window: the program, or the door of a peer that is locked.
//!
//! Whatever a locked peer knew is gone from here: the program is built anew when it opens.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::stream;
use iced::theme::Mode;
use iced::{Size, Subscription, Task, event, window};
use kinmesh_model::Clock;
use tokio::sync::broadcast;

use crate::app::{self, App};
use crate::i18n::{self, Language};
use crate::idle;
use crate::program::{Locked, Program};
use crate::screen::unlock;
use crate::settings::ThemeChoice;
use crate::theme::{self, Theme, size};
use crate::widget::Element;

/// The window at the first start.
pub(crate) const WINDOW: Size = Size::new(1240.0, 800.0);
/// Smaller windows have no room for a conversation.
const WINDOW_MIN: Size = Size::new(380.0, 480.0);

/// Links that wait behind the door: a person clicks one at a time.
const GIVEN_CAP: usize = 16;

/// With what the window opens.
#[derive(Debug, Clone)]
pub enum Start {
    /// A peer that waits for its passphrase.
    Locked(Locked),
    /// A peer that runs.
    Running(Program),
}

/// The peer that runs, if one does, for the caller to end when the window is closed.
type Running = Arc<Mutex<Option<Program>>>;

/// The window.
pub struct Window {
    stage: Stage,
    running: Running,
    /// Links that wait for the peer to be opened.
    given: VecDeque<String>,
    size: Size,
    system: Mode,
}

enum Stage {
    Locked { state: Box<unlock::State>, theme: ThemeChoice },
    Locking,
    Open(Box<App>),
}

/// Everything that can happen.
#[derive(Debug, Clone)]
pub enum Message {
    /// In the program.
    App(app::Message),
    /// At the door.
    Unlock(unlock::Message),
    /// The peer has ended and waits for its passphrase.
    Locked(Locked),
    /// The window has this size.
    Sized(Size),
    /// Light or dark, as the system is.
    System(Mode),
    /// A second start of the program was given a link, or nothing.
    Arrived(String),
    /// The operating system wants the program to end.
    Quit,
}

/// Shows the window until it is closed. The peer that lives here then is the caller's to end.
///
/// It shows the links that it was `given`, and those that second starts of the program bring.
pub fn run(
    start: Start,
    given: Vec<String>,
    arrivals: broadcast::Receiver<String>,
) -> (Option<Program>, iced::Result) {
    let running = Running::default();
    let begin = Begin { start, given, arrivals: Mutex::new(Some(arrivals)) };
    let shown = show(begin, &running);
    (current(&running).take(), shown)
}

fn current(running: &Running) -> MutexGuard<'_, Option<Program>> {
    // The value is replaced whole, so a panic elsewhere left it sound.
    running.lock().unwrap_or_else(PoisonError::into_inner)
}

/// With what the window begins.
struct Begin {
    start: Start,
    given: Vec<String>,
    /// Taken when the window opens, which it does once.
    arrivals: Mutex<Option<broadcast::Receiver<String>>>,
}

fn show(begin: Begin, running: &Running) -> iced::Result {
    let running = running.clone();
    let settings = iced::Settings {
        id: Some("kinmesh".to_owned()),
        fonts: theme::FONT_FILES.iter().map(|file| (*file).into()).collect(),
        default_font: theme::REGULAR,
        default_text_size: size::TEXT.into(),
        ..iced::Settings::default()
    };
    let window = window::Settings { size: WINDOW, min_size: Some(WINDOW_MIN), ..window::Settings::default() };
    iced::application(move || Window::start(&begin, running.clone()), Window::update, Window::view)
        .settings(settings)
        .window(window)
        .title(Window::title)
        .theme(Window::theme)
        .subscription(Window::subscription)
        .run()
}

impl Window {
    fn start(begin: &Begin, running: Running) -> (Self, Task<Message>) {
        let given = begin.given.iter().cloned().collect();
        let mut window = Self { stage: Stage::Locking, running, given, size: WINDOW, system: Mode::None };
        let arrivals = begin.arrivals.lock().unwrap_or_else(PoisonError::into_inner).take();
        let arrivals =
            arrivals.map_or_else(Task::none, |arrivals| Task::run(arriving(arrivals), Message::Arrived));
        let task = match begin.start.clone() {
            Start::Locked(locked) => window.lock(locked),
            Start::Running(program) => window.open(program),
        };
        let theme = iced::system::theme().map(Message::System);
        let quit = Task::future(app::asked_to_quit()).map(|()| Message::Quit);
        (window, Task::batch([task, theme, quit, arrivals]))
    }

    fn title(&self) -> String {
        match &self.stage {
            Stage::Open(app) => app.title(),
            Stage::Locked { .. } | Stage::Locking => "Kinmesh".to_owned(),
        }
    }

    fn theme(&self) -> Theme {
        match &self.stage {
            Stage::Open(app) => app.theme(),
            Stage::Locked { theme, .. } => Theme::chosen(*theme, self.system),
            Stage::Locking => Theme::chosen(ThemeChoice::System, self.system),
        }
    }

    fn subscription(&self) -> Subscription<Message> {
        let stage = match &self.stage {
            Stage::Open(app) => app.subscription().map(Message::App),
            Stage::Locked { state, .. } => state.subscription().map(Message::Unlock),
            Stage::Locking => Subscription::none(),
        };
        let system = iced::system::theme_changes().map(Message::System);
        Subscription::batch([stage, system, event::listen_with(listen)])
    }

    fn update(&mut self, message: Message) -> Task<Message> {
        match (message, &mut self.stage) {
            (Message::App(app::Message::Lock), _) => self.end(),
            (Message::App(message), Stage::Open(app)) => {
                let task = app.update(message).map(Message::App);
                // An import, or another passphrase, puts another peer in its place.
                *current(&self.running) = Some(app.program().clone());
                task
            }
            (Message::Unlock(message), Stage::Locked { state, .. }) => {
                let (task, program) = state.update(message);
                let opened = program.map_or_else(Task::none, |program| self.open(program));
                Task::batch([task.map(Message::Unlock), opened])
            }
            (Message::Locked(locked), _) => self.lock(locked),
            (Message::Sized(size), _) => {
                self.size = size;
                Task::none()
            }
            (Message::System(mode), stage) => {
                self.system = mode;
                match stage {
                    Stage::Open(app) => app.update(app::Message::System(mode)).map(Message::App),
                    Stage::Locked { .. } | Stage::Locking => Task::none(),
                }
            }
            (Message::Arrived(given), _) => self.arrived(given),
            (Message::Quit, _) => iced::exit(),
            // What was under way when it was locked.
            (Message::App(_) | Message::Unlock(_), _) => Task::none(),
        }
    }

    /// Shows the window, and in it where the link leads; behind the door it waits.
    fn arrived(&mut self, given: String) -> Task<Message> {
        let front = window::latest()
            .and_then(|id| Task::batch([window::minimize(id, false), window::gain_focus(id)]));
        let shown = match (&mut self.stage, given.is_empty()) {
            (_, true) => Task::none(),
            (Stage::Open(app), _) => app.give(given).map(Message::App),
            (Stage::Locked { .. } | Stage::Locking, _) => {
                if self.given.len() < GIVEN_CAP {
                    self.given.push_back(given);
                }
                Task::none()
            }
        };
        Task::batch([front, shown])
    }

    /// Ends the peer. With the program goes all that it showed.
    fn end(&mut self) -> Task<Message> {
        self.stage = Stage::Locking;
        match current(&self.running).take() {
            Some(program) => Task::perform(program.lock(), Message::Locked),
            None => Task::none(),
        }
    }

    fn lock(&mut self, locked: Locked) -> Task<Message> {
        let settings = locked.settings();
        i18n::set_language(settings.language.unwrap_or_else(Language::of_system));
        let (state, task) = unlock::State::new(locked);
        self.stage = Stage::Locked { state: Box::new(state), theme: settings.theme };
        task.map(Message::Unlock)
    }

    fn open(&mut self, program: Program) -> Task<Message> {
        idle::touched();
        *current(&self.running) = Some(program.clone());
        let mut app = App::new(program, Clock::local());
        let begun = app.begin(self.size, self.system);
        let given: Vec<_> =
            std::mem::take(&mut self.given).into_iter().map(|given| app.give(given)).collect();
        self.stage = Stage::Open(Box::new(app));
        Task::batch([begun].into_iter().chain(given)).map(Message::App)
    }

    fn view(&self) -> Element<'_, Message> {
        match &self.stage {
            Stage::Open(app) => app.view().map(Message::App),
            Stage::Locked { state, .. } => state.view().map(Message::Unlock),
            Stage::Locking => iced::widget::space().into(),
        }
    }
}

/// What second starts of the program bring.
fn arriving(arrivals: broadcast::Receiver<String>) -> impl futures::Stream<Item = String> + Send + 'static {
    stream::unfold(arrivals, |mut arrivals| async move {
        loop {
            match arrivals.recv().await {
                Ok(given) => return Some((given, arrivals)),
                // Nobody clicks that fast.
                Err(broadcast::error::RecvError::Lagged(_)) => {}
                Err(broadcast::error::RecvError::Closed) => return None,
            }
        }
    })
}

/// The window's size, for a program that is not there yet; and that somebody is here.
fn listen(event: iced::Event, _: event::Status, _: window::Id) -> Option<Message> {
    match event {
        iced::Event::Window(window::Event::Opened { size, .. } | window::Event::Resized(size)) => {
            Some(Message::Sized(size))
        }
        iced::Event::Keyboard(_) | iced::Event::Mouse(_) | iced::Event::Touch(_) => {
            idle::touched();
            None
        }
        _ => None,
    }
}
