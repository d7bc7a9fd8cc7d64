//! The settings: who we are, what others are told, a copy of everything, how the program looks and
//! speaks, with what we hear and speak.

pub mod history;
pub mod invites;
pub mod passphrase;
pub mod sound;

use iced::widget::{Column, button, column, container, pick_list, row, scrollable, space, text, toggler};
use iced::{Center, Fill, Subscription, Task};
use kinmesh_proto::{DisplayName, Privacy, StatusLine, TicketId};

use super::{Cx, words};
use crate::i18n::{Language, tr};
use crate::program::Program;
use crate::settings::{Settings, Sound, ThemeChoice};
use crate::theme::{self, column as width, side, size, space as gap};
use crate::widget::{self, Element, Icon};

/// The field for the name.
pub const NAME: &str = "settings-name";
/// The field for the status line.
pub const STATUS: &str = "settings-status";

/// The parts of the settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    /// Name and status line.
    Profile,
    /// What others are told.
    Privacy,
    /// Invitations.
    Invites,
    /// Export.
    History,
    /// What protects this disk.
    Passphrase,
    /// Theme and language.
    Look,
    /// Microphone and loudspeaker.
    Sound,
}

const SECTIONS: [Section; 7] = [
    Section::Profile,
    Section::Privacy,
    Section::Invites,
    Section::History,
    Section::Passphrase,
    Section::Look,
    Section::Sound,
];

/// The open settings.
pub struct State {
    section: Section,
    name: String,
    status: String,
    error: Option<String>,
    invites: invites::State,
    history: history::State,
    passphrase: passphrase::State,
    sound: sound::State,
}

/// What can happen here.
#[derive(Debug, Clone)]
pub enum Message {
    /// Another part is wanted.
    Show(Section),
    /// The name was edited.
    Name(String),
    /// The status line was edited.
    Status(String),
    /// Take name and status line.
    SaveProfile,
    /// They were taken, or why not.
    SavedProfile(Result<(), String>),
    /// What others are told.
    Privacy(Privacy),
    /// Work is done whose result is told by the overview.
    Done(Result<(), String>),
    /// Light or dark.
    Theme(ThemeChoice),
    /// The language.
    Language(LanguageChoice),
    /// Invitations.
    Invites(invites::Message),
    /// The export of everything.
    History(history::Message),
    /// The passphrase.
    Passphrase(passphrase::Message),
    /// Microphone and loudspeaker.
    Sound(sound::Message),
    /// Enough.
    Close,
}

/// What the parent is told.
#[derive(Debug, Clone)]
pub enum Event {
    /// Light or dark.
    Theme(ThemeChoice),
    /// The language; `None` follows the system.
    Language(Option<Language>),
    /// With what one hears and speaks.
    Sound(Sound),
    /// When to lock by itself, in minutes.
    LockAfter(Option<u32>),
    /// Lock now.
    Lock,
    /// The peer was started again, and what there is to say about it.
    Restarted(Program, String),
    /// A ticket is wanted once more.
    ShowInvite(TicketId),
    /// Something to say for a moment.
    Toast(String),
    /// Enough.
    Close,
}

/// A language, or the system's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LanguageChoice(Option<Language>);

impl std::fmt::Display for LanguageChoice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Some(language) => language.fmt(f),
            None => f.write_str(&tr("language-system")),
        }
    }
}

impl Message {
    /// What somebody wants to hear of work that they began, even when the settings were closed since.
    pub fn outcome(self) -> Option<String> {
        match self {
            Self::History(history::Message::Exported(Ok(words) | Err(words))) => Some(words),
            _ => None,
        }
    }
}

impl From<passphrase::Event> for Event {
    fn from(event: passphrase::Event) -> Self {
        match event {
            passphrase::Event::Restarted(program, words) => Self::Restarted(program, words),
            passphrase::Event::LockAfter(minutes) => Self::LockAfter(minutes),
            passphrase::Event::Lock => Self::Lock,
        }
    }
}

impl State {
    /// Opens them on our own profile.
    pub fn new(cx: &Cx, program: &Program) -> Self {
        let me = &cx.overview.me;
        Self {
            section: Section::Profile,
            name: me.name.as_ref().map(|name| name.as_str().to_owned()).unwrap_or_default(),
            status: me.status.as_str().to_owned(),
            error: None,
            invites: invites::State::new(program),
            history: history::State::new(cx),
            passphrase: passphrase::State::new(program.has_passphrase()),
            sound: sound::State::default(),
        }
    }

    /// Opens them on the passphrase.
    pub fn on_passphrase(cx: &Cx, program: &Program) -> Self {
        Self { section: Section::Passphrase, ..Self::new(cx, program) }
    }

    /// Listens to the microphone while its level is looked at.
    pub fn subscription(&self, settings: &Settings) -> Subscription<Message> {
        match self.section {
            Section::Sound => self.sound.subscription(&settings.sound).map(Message::Sound),
            Section::Profile
            | Section::Privacy
            | Section::Invites
            | Section::History
            | Section::Passphrase
            | Section::Look => Subscription::none(),
        }
    }

    /// Takes a message.
    pub fn update(&mut self, message: Message, program: &Program) -> (Task<Message>, Option<Event>) {
        match message {
            Message::Show(section) => {
                self.section = section;
                self.sound = sound::State::default();
            }
            Message::Name(name) => self.name = name,
            Message::Status(status) => self.status = status,
            Message::SaveProfile => return (self.save_profile(program), None),
            Message::SavedProfile(Ok(())) => return (Task::none(), Some(Event::Toast(tr("saved")))),
            Message::SavedProfile(Err(error)) => self.error = Some(error),
            Message::Privacy(privacy) => return (set_privacy(privacy, program), None),
            Message::Done(done) => return (Task::none(), done.err().map(Event::Toast)),
            Message::Theme(choice) => return (Task::none(), Some(Event::Theme(choice))),
            Message::Language(LanguageChoice(language)) => {
                return (Task::none(), Some(Event::Language(language)));
            }
            Message::Invites(message) => {
                let (task, show) = self.invites.update(message, program);
                return (task.map(Message::Invites), show.map(Event::ShowInvite));
            }
            Message::History(message) => {
                return (self.history.update(message, program).map(Message::History), None);
            }
            Message::Passphrase(message) => {
                let (task, event) = self.passphrase.update(message, program);
                return (task.map(Message::Passphrase), event.map(Event::from));
            }
            Message::Sound(message) => {
                let (task, chosen) = self.sound.update(message, program);
                return (task.map(Message::Sound), chosen.map(Event::Sound));
            }
            Message::Close => return (Task::none(), Some(Event::Close)),
        }
        (Task::none(), None)
    }

    fn save_profile(&mut self, program: &Program) -> Task<Message> {
        let read = DisplayName::new(&self.name)
            .and_then(|name| StatusLine::new(&self.status).map(|status| (name, status)));
        let (name, status) = match read {
            Ok(read) => read,
            Err(error) => {
                self.error = Some(words::name_error(error));
                return Task::none();
            }
        };
        self.error = None;
        let program = program.clone();
        let work = async move { program.set_profile(name, Some(status)).await };
        Task::perform(work, |saved| Message::SavedProfile(saved.map_err(|error| words::change_error(&error))))
    }

    /// Draws them.
    pub fn view<'a>(&'a self, settings: &Settings, cx: &'a Cx) -> Element<'a, Message> {
        let cards = match self.section {
            Section::Profile => self.profile(cx),
            Section::Privacy => privacy(cx.overview.me.privacy),
            Section::Invites => self.invites.view(cx).map(Message::Invites),
            Section::History => self.history.view().map(Message::History),
            Section::Passphrase => self.passphrase.view(settings).map(Message::Passphrase),
            Section::Look => look(settings),
            Section::Sound => self.sound.view(&settings.sound).map(Message::Sound),
        };
        let cards = scrollable(container(container(cards).max_width(width::SETTINGS)).padding(gap::XXL));
        let cards = container(cards.width(Fill).height(Fill)).style(theme::container::background);
        if cx.has_sidebar() {
            row![self.list(false), widget::upright_line(), cards].into()
        } else {
            column![self.list(true), widget::level_line(), cards].into()
        }
    }

    /// The parts of the settings, one under the other, or side by side in a narrow window.
    fn list(&self, narrow: bool) -> Element<'_, Message> {
        let back = widget::icon_button(Icon::Back, false, tr("back"), Message::Close);
        let title = text(tr("settings")).size(size::TITLE).font(theme::SEMIBOLD);
        let head = row![back, title].spacing(gap::S).align_y(Center).padding(gap::L);
        let sections = SECTIONS.into_iter().map(|section| {
            let style = theme::button::row(self.section == section);
            let words = text(section_name(section)).size(size::NAME).font(theme::MEDIUM);
            let section = button(words).padding(gap::M).style(style).on_press(Message::Show(section));
            if narrow { section.into() } else { section.width(Fill).into() }
        });
        let content: Element<'_, Message> = if narrow {
            column![head, row(sections).padding(gap::S).wrap()].width(Fill).into()
        } else {
            let sections = Column::with_children(sections).padding(widget::sides(gap::S));
            column![head, sections].width(width::SIDEBAR).height(Fill).into()
        };
        container(content).style(theme::container::panel).into()
    }

    fn profile<'a>(&'a self, cx: &'a Cx) -> Element<'a, Message> {
        let save = Some(Message::SaveProfile);
        let form = column![
            caption("settings-name"),
            widget::field(NAME, &tr("onboarding-name"), &self.name, Message::Name, save.clone()),
            caption("settings-status"),
            widget::field(STATUS, &tr("settings-status-hint"), &self.status, Message::Status, save.clone()),
        ];
        let save = row![space::horizontal(), widget::primary(tr("save"), save)];
        let form = form.push(widget::error(self.error.as_deref())).push(save).spacing(gap::S);
        let fingerprint = column![
            text(cx.overview.me.fingerprint.as_str()).size(size::TEXT).font(theme::SEMIBOLD),
            widget::secondary(tr("settings-fingerprint")),
        ];
        let cards = column![widget::card(form), widget::card(fingerprint.spacing(gap::XS))];
        cards.spacing(gap::L).into()
    }
}

fn section_name(section: Section) -> String {
    tr(match section {
        Section::Profile => "settings-profile",
        Section::Privacy => "settings-privacy",
        Section::Invites => "invites-title",
        Section::History => "settings-history",
        Section::Passphrase => "settings-passphrase",
        Section::Look => "settings-look",
        Section::Sound => "settings-sound",
    })
}

fn caption<'a, Message: 'a>(id: &str) -> Element<'a, Message> {
    text(tr(id)).size(size::SECONDARY).font(theme::SEMIBOLD).into()
}

fn set_privacy(privacy: Privacy, program: &Program) -> Task<Message> {
    let node = program.node.clone();
    let work = async move { node.set_privacy(privacy).await };
    Task::perform(work, |set| Message::Done(set.map_err(|error| words::change_error(&error))))
}

fn privacy<'a>(now: Privacy) -> Element<'a, Message> {
    let receipts = switch("privacy-receipts", now.read_receipts, move |read_receipts| {
        Message::Privacy(Privacy { read_receipts, ..now })
    });
    let typing =
        switch("privacy-typing", now.typing, move |typing| Message::Privacy(Privacy { typing, ..now }));
    column![receipts, typing].spacing(gap::L).into()
}

/// A card about something that is on or off.
fn switch<'a>(id: &str, on: bool, set: impl Fn(bool) -> Message + 'a) -> Element<'a, Message> {
    let lines = column![caption(id), widget::secondary(tr(&format!("{id}-sentence")))].spacing(gap::XS);
    let toggle = toggler(on).size(side::SWITCH).on_toggle(set);
    widget::card(row![container(lines).width(Fill), toggle].spacing(gap::M).align_y(Center))
}

fn look<'a>(settings: &Settings) -> Element<'a, Message> {
    let themes = [
        (ThemeChoice::System, tr("theme-system")),
        (ThemeChoice::Light, tr("theme-light")),
        (ThemeChoice::Dark, tr("theme-dark")),
    ];
    let chosen = settings.theme;
    let themes = row(themes.map(|(choice, words)| {
        button(text(words).size(size::NAME))
            .padding([gap::S, gap::L])
            .style(theme::button::choice(choice == chosen))
            .on_press(Message::Theme(choice))
            .into()
    }));
    let languages: Vec<_> = [None].into_iter().chain(Language::ALL.map(Some)).map(LanguageChoice).collect();
    let language = pick_list(languages, Some(LanguageChoice(settings.language)), Message::Language)
        .padding([gap::S, gap::M])
        .text_size(size::NAME);
    column![
        widget::card(column![caption("settings-theme"), themes.spacing(gap::S)].spacing(gap::M)),
        widget::card(column![caption("settings-language"), language].spacing(gap::M)),
    ]
    .spacing(gap::L)
    .into()
}
