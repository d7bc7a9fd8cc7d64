//! The door of a locked peer: a field for the passphrase, and how long the next try waits.

use std::time::{Duration, Instant};

use iced::widget::{center, column, container, text, toggler};
use iced::{Center, Subscription, Task};
use kinmesh_net::vault::VaultError;
use kinmesh_net::{Passphrase, StartError};

use crate::i18n::{tr, tr_args};
use crate::program::{Locked, Program, ProgramError};
use crate::theme::{self, column as width, side, size, space as gap};
use crate::widget::{self, Element};

/// The field for the passphrase.
pub const PASSPHRASE: &str = "unlock-passphrase";
/// While somebody waits, the seconds are counted down.
const COUNT_EVERY: Duration = Duration::from_millis(250);

/// What was typed, and how long the next try waits.
pub struct State {
    locked: Locked,
    typed: String,
    shown: bool,
    busy: bool,
    /// When the next try is possible.
    next: Option<Instant>,
    /// Whether the last one was wrong.
    wrong: bool,
    error: Option<String>,
}

/// What can happen here.
#[derive(Debug, Clone)]
pub enum Message {
    /// The passphrase was edited.
    Typed(String),
    /// Whether it is shown.
    Show(bool),
    /// Done typing.
    Submit,
    /// The peer runs, or why not.
    Opened(Result<Program, Refusal>),
    /// Time went by.
    Tick,
}

/// Why a peer did not open.
#[derive(Debug, Clone)]
pub enum Refusal {
    /// This is not its passphrase.
    Wrong(Duration),
    /// It is too early for another try.
    Wait(Duration),
    /// Something else, in words.
    Fault(String),
}

impl From<ProgramError> for Refusal {
    fn from(error: ProgramError) -> Self {
        match error {
            ProgramError::Vault(VaultError::WrongPassphrase { wait })
            | ProgramError::Start(StartError::Vault(VaultError::WrongPassphrase { wait })) => {
                Self::Wrong(wait)
            }
            ProgramError::Vault(VaultError::TooEarly { wait }) => Self::Wait(wait),
            other => Self::Fault(other.to_string()),
        }
    }
}

impl State {
    /// The door of this peer, and the first thing to do: put the cursor into the field.
    pub fn new(locked: Locked) -> (Self, Task<Message>) {
        let next = in_future(locked.wait());
        let state =
            Self { locked, typed: String::new(), shown: false, busy: false, next, wrong: false, error: None };
        (state, iced::widget::operation::focus(PASSPHRASE))
    }

    /// Takes a message. Returns the peer once it runs.
    pub fn update(&mut self, message: Message) -> (Task<Message>, Option<Program>) {
        match message {
            Message::Typed(typed) => self.typed = typed,
            Message::Show(shown) => self.shown = shown,
            Message::Submit => return (self.submit(), None),
            Message::Opened(Ok(program)) => return (Task::none(), Some(program)),
            Message::Opened(Err(refusal)) => return (self.refused(refusal), None),
            Message::Tick => self.next = self.next.filter(|next| *next > Instant::now()),
        }
        (Task::none(), None)
    }

    fn submit(&mut self) -> Task<Message> {
        let typed = std::mem::take(&mut self.typed);
        let Ok(passphrase) = Passphrase::new(typed) else { return Task::none() };
        (self.busy, self.error) = (true, None);
        let unlocking = self.locked.clone().unlock(passphrase);
        Task::perform(unlocking, |opened| Message::Opened(opened.map_err(Refusal::from)))
    }

    fn refused(&mut self, refusal: Refusal) -> Task<Message> {
        self.busy = false;
        self.wrong = matches!(refusal, Refusal::Wrong(_));
        match refusal {
            Refusal::Wrong(wait) | Refusal::Wait(wait) => self.next = in_future(wait),
            Refusal::Fault(words) => self.error = Some(words),
        }
        iced::widget::operation::focus(PASSPHRASE)
    }

    /// Counts while somebody waits.
    pub fn subscription(&self) -> Subscription<Message> {
        match self.next {
            Some(_) => iced::time::every(COUNT_EVERY).map(|_| Message::Tick),
            None => Subscription::none(),
        }
    }

    /// Draws it.
    pub fn view(&self) -> Element<'_, Message> {
        let is_ready = !self.busy && self.next.is_none() && !self.typed.is_empty();
        let submit = is_ready.then_some(Message::Submit);
        let field = if self.shown { widget::field } else { widget::secret };
        let field = field(PASSPHRASE, &tr("unlock-passphrase"), &self.typed, Message::Typed, submit.clone());
        let shown =
            toggler(self.shown).label(tr("unlock-show")).size(side::SWITCH_SMALL).on_toggle(Message::Show);
        let words = if self.busy { "unlock-opening" } else { "unlock-do" };
        let form =
            column![text(tr("unlock-title")).size(size::ONBOARDING).font(theme::SEMIBOLD), field, shown,]
                .push(self.waiting().map(widget::secondary))
                .push(widget::error(self.error.as_deref()))
                .push(widget::wide_primary(tr(words), submit))
                .push(widget::secondary(tr("vault-forgotten")).align_x(Center))
                .spacing(gap::M)
                .align_x(Center)
                .max_width(width::ONBOARDING);
        container(center(form)).padding(gap::XL).style(theme::container::panel).into()
    }

    fn waiting(&self) -> Option<String> {
        let left = self.next?.saturating_duration_since(Instant::now());
        let seconds = u64::try_from(left.as_millis().div_ceil(1000)).unwrap_or(u64::MAX);
        let words = if self.wrong { "unlock-wrong" } else { "unlock-wait" };
        Some(tr_args(words, &[("seconds", seconds.into())]))
    }
}

fn in_future(wait: Duration) -> Option<Instant> {
    (!wait.is_zero()).then(|| Instant::now() + wait)
}
