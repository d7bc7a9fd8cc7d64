//! The passphrase on what lies on this disk: set, change, remove; locking now and by itself.

use std::time::Duration;

use iced::widget::{button, column, row, space, text};
use iced::{Center, Task};
use kinmesh_net::Passphrase;
use kinmesh_net::vault::VaultError;

use super::caption;
use crate::i18n::{tr, tr_args};
use crate::program::{PassphraseChange, Program, ProgramError};
use crate::screen::words;
use crate::settings::Settings;
use crate::strength::Strength;
use crate::theme::{self, size, space as gap};
use crate::widget::{self, Element};

/// The field for the present passphrase.
pub const OLD: &str = "passphrase-old";
/// The field for the new one.
pub const NEW: &str = "passphrase-new";
/// The field for the same once more.
pub const AGAIN: &str = "passphrase-again";

/// Minutes after which a peer may lock itself.
const LOCK_AFTER_MIN: [Option<u32>; 5] = [None, Some(1), Some(5), Some(15), Some(60)];

/// What was typed.
#[derive(Default)]
pub struct State {
    is_set: bool,
    old: String,
    new: String,
    again: String,
    strength: Option<Strength>,
    busy: bool,
    error: Option<String>,
}

/// What can happen here.
#[derive(Debug, Clone)]
pub enum Message {
    /// The present passphrase was edited.
    Old(String),
    /// The new one was edited.
    New(String),
    /// The same once more was edited.
    Again(String),
    /// Set it, or change it.
    Save,
    /// Remove it.
    Remove,
    /// The peer runs again, and what went wrong in words; or it does not.
    Changed(Result<(Program, Option<String>), String>),
    /// When to lock by itself.
    LockAfter(Option<u32>),
    /// Lock now.
    Lock,
}

/// What the parent is told.
#[derive(Debug, Clone)]
pub enum Event {
    /// The peer was started again, and what there is to say about it.
    Restarted(Program, String),
    /// When to lock by itself.
    LockAfter(Option<u32>),
    /// Lock now.
    Lock,
}

impl State {
    /// About this peer.
    pub fn new(is_set: bool) -> Self {
        Self { is_set, ..Self::default() }
    }

    /// Takes a message.
    pub fn update(&mut self, message: Message, program: &Program) -> (Task<Message>, Option<Event>) {
        match message {
            Message::Old(old) => self.old = old,
            Message::New(new) => {
                self.strength = (!new.is_empty()).then(|| Strength::of(&new));
                self.new = new;
            }
            Message::Again(again) => self.again = again,
            Message::Save => return (self.save(program), None),
            Message::Remove => return (self.remove(program), None),
            Message::Changed(Ok((program, fault))) => {
                let said = fault.unwrap_or_else(|| tr(outcome(&program, self.is_set)));
                return (Task::none(), Some(Event::Restarted(program, said)));
            }
            Message::Changed(Err(error)) => {
                *self = Self { error: Some(error), ..Self::new(self.is_set) };
                return (Task::none(), None);
            }
            Message::LockAfter(minutes) => return (Task::none(), Some(Event::LockAfter(minutes))),
            Message::Lock => return (Task::none(), Some(Event::Lock)),
        }
        self.error = None;
        (Task::none(), None)
    }

    fn save(&mut self, program: &Program) -> Task<Message> {
        if self.new != self.again {
            self.error = Some(tr("export-mistyped"));
            return Task::none();
        }
        let (old, new) = (Passphrase::new(self.old.clone()), Passphrase::new(self.new.clone()));
        match (self.is_set, old, new) {
            (false, _, Ok(new)) => self.change(program, PassphraseChange::Set { new }),
            (true, Ok(old), Ok(new)) => self.change(program, PassphraseChange::Change { old, new }),
            _ => Task::none(),
        }
    }

    fn remove(&mut self, program: &Program) -> Task<Message> {
        match Passphrase::new(self.old.clone()) {
            Ok(old) => self.change(program, PassphraseChange::Remove { old }),
            Err(_) => Task::none(),
        }
    }

    fn change(&mut self, program: &Program, change: PassphraseChange) -> Task<Message> {
        *self = Self { busy: true, ..Self::new(self.is_set) };
        let program = program.clone();
        let work = async move { program.change_passphrase(change).await };
        Task::perform(work, |changed| {
            let told =
                |(program, fault): (Program, Option<VaultError>)| (program, fault.as_ref().map(vault_error));
            Message::Changed(changed.map(told).map_err(|error| fault(&error)))
        })
    }

    /// Draws it.
    pub fn view<'a>(&'a self, settings: &Settings) -> Element<'a, Message> {
        let about = if self.is_set { "settings-passphrase-set" } else { "settings-passphrase-none" };
        let head = column![caption("settings-passphrase"), widget::secondary(tr(about))].spacing(gap::XS);
        let rest =
            if self.busy { widget::secondary(tr("settings-passphrase-working")).into() } else { self.form() };
        let cards = column![widget::card(column![head, rest].spacing(gap::M))].spacing(gap::L);
        cards.push(self.is_set.then(|| lock(settings.lock_after_min))).into()
    }

    fn form(&self) -> Element<'_, Message> {
        let has_old = !self.is_set || !self.old.is_empty();
        let save = (has_old && !self.new.is_empty() && !self.again.is_empty()).then_some(Message::Save);
        let secret =
            |id, hint: &str, value, message| widget::secret(id, &tr(hint), value, message, save.clone());
        let old = self
            .is_set
            .then(|| secret(OLD, "settings-passphrase-old", &self.old, Message::Old as fn(_) -> _));
        let remove = (self.is_set && !self.old.is_empty())
            .then(|| widget::danger(tr("settings-passphrase-do-remove"), Message::Remove));
        let words = if self.is_set { "settings-passphrase-do-change" } else { "settings-passphrase-do-set" };
        column![]
            .push(old)
            .push(secret(NEW, "settings-passphrase-new", &self.new, Message::New as fn(_) -> _))
            .push(self.strength.map(widget::strength))
            .push(secret(AGAIN, "settings-passphrase-again", &self.again, Message::Again as fn(_) -> _))
            .push(widget::secondary(tr("vault-forgotten")))
            .push(widget::error(self.error.as_deref()))
            .push(
                row![]
                    .push(remove)
                    .push(space::horizontal())
                    .push(widget::primary(tr(words), save))
                    .align_y(Center),
            )
            .spacing(gap::S)
            .into()
    }
}

fn outcome(program: &Program, was_set: bool) -> &'static str {
    match (program.has_passphrase(), was_set) {
        (true, true) => "vault-is-changed",
        (true, false) => "vault-is-set",
        (false, _) => "vault-is-removed",
    }
}

fn fault(error: &ProgramError) -> String {
    match error {
        ProgramError::Vault(error) => vault_error(error),
        other => tr_args("error-settings", &[("fault", other.to_string().into())]),
    }
}

fn vault_error(error: &VaultError) -> String {
    let seconds = |wait: &Duration| u64::try_from(wait.as_millis().div_ceil(1000)).unwrap_or(u64::MAX);
    match error {
        VaultError::WrongPassphrase { wait } => tr_args("unlock-wrong", &[("seconds", seconds(wait).into())]),
        VaultError::TooEarly { wait } => tr_args("unlock-wait", &[("seconds", seconds(wait).into())]),
        other => words::store_error(other),
    }
}

fn lock<'a>(chosen: Option<u32>) -> Element<'a, Message> {
    let head = column![caption("settings-lock-after"), widget::secondary(tr("settings-lock-after-sentence"))];
    let choices = row(LOCK_AFTER_MIN.map(|minutes| {
        let words = minutes.map_or_else(
            || tr("settings-lock-never"),
            |minutes| tr_args("settings-lock-minutes", &[("minutes", minutes.into())]),
        );
        button(text(words).size(size::NAME))
            .padding([gap::S, gap::L])
            .style(theme::button::choice(minutes == chosen))
            .on_press(Message::LockAfter(minutes))
            .into()
    }));
    let now = row![space::horizontal(), widget::quiet(tr("settings-lock-now"), Message::Lock)];
    widget::card(column![head.spacing(gap::XS), choices.spacing(gap::S).wrap(), now].spacing(gap::M))
}
