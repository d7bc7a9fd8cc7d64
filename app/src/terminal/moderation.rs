//! What is shown of a room, on the terminal: founded public rooms, hiding, muting, knocking.

use std::io;

use kinmesh_core::{
    EntryView, FoundedStanding, FoundedView, HideHere, Mute, NewPublicRoom, RoomView, Withheld,
};
use kinmesh_net::{ConversationHandle, Overview, RoomHandle};
use kinmesh_proto::{ConversationId, Door, PersonId, RoomName, RoomSettings, StatusLine};
use tokio::io::AsyncWrite;

use super::safe::safe;
use super::session::Session;
use super::{names, words};
use crate::i18n::{tr, tr_args};
use crate::invites::now_ms;

/// A rule of a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
    /// Who may write.
    Door(Door),
    /// How long people wait between two messages, in milliseconds.
    SlowMs(u64),
    /// For how many days what is said is kept; zero: for ever.
    KeepDays(u32),
}

/// `open` or `knock`.
pub(super) fn parse_door(typed: &str) -> Option<Rule> {
    match typed {
        "open" => Some(Rule::Door(Door::Open)),
        "knock" => Some(Rule::Door(Door::Knock)),
        _ => None,
    }
}

/// `off`, or a time.
pub(super) fn parse_slow(typed: &str) -> Option<Rule> {
    if typed == "off" { Some(Rule::SlowMs(0)) } else { parse_span(typed).map(Rule::SlowMs) }
}

/// `ever`, or days as in `30d`.
pub(super) fn parse_keep(typed: &str) -> Option<Rule> {
    let days = || typed.strip_suffix('d')?.parse().ok().filter(|days| *days > 0);
    if typed == "ever" { Some(Rule::KeepDays(0)) } else { days().map(Rule::KeepDays) }
}

/// `30s`, `10m`, `3h` or `7d`, in milliseconds.
pub(super) fn parse_span(typed: &str) -> Option<u64> {
    let unit_ms = match typed.chars().last()? {
        's' => 1_000,
        'm' => 60_000,
        'h' => 60 * 60_000,
        'd' => 24 * 60 * 60_000,
        _ => return None,
    };
    let count: u64 = typed[..typed.len() - 1].parse().ok().filter(|count| *count > 0)?;
    count.checked_mul(unit_ms)
}

impl<W: AsyncWrite + Unpin> Session<'_, W> {
    /// Founds a public room, and talks there from now on.
    pub(super) async fn found(&mut self, name: &str) -> io::Result<()> {
        let name = match RoomName::new(name) {
            Ok(name) => name,
            Err(error) => return self.refused(error).await,
        };
        let new = NewPublicRoom { name, topic: StatusLine::default(), door: Door::Open, slow_ms: 0 };
        match self.program.node.found_room(new).await {
            Ok(room) => {
                self.current = Some(ConversationId::Room(room.id()));
                self.print_current().await
            }
            Err(error) => self.refused(error).await,
        }
    }

    /// Changes a rule of the room that plain lines go to.
    pub(super) async fn rule(&mut self, rule: Rule) -> io::Result<()> {
        let Some(room) = self.room_here().await? else { return Ok(()) };
        let overview = self.program.node.overview();
        let known = overview.rooms.iter().find(|view| view.room == room.id());
        let Some(settings) = known.and_then(RoomView::settings) else {
            return self.print(&tr("terminal-nobody-decides")).await;
        };
        let settings = match rule {
            Rule::Door(door) => RoomSettings { door, ..settings },
            Rule::SlowMs(slow_ms) => RoomSettings { slow_ms, ..settings },
            Rule::KeepDays(keep_days) => RoomSettings { keep_days, ..settings },
        };
        let said = match rule {
            Rule::KeepDays(days) if days > 0 => tr_args("room-keeps-sentence", &[("days", days.into())]),
            _ => tr("terminal-rule-set"),
        };
        let done = room.set_settings(settings).await;
        self.report(done.map(|()| said)).await
    }

    /// Hides a message from everybody, or shows it again.
    pub(super) async fn hide(
        &mut self,
        place: &ConversationHandle,
        entry: &EntryView,
        hidden: bool,
        reason: &str,
    ) -> io::Result<()> {
        let Some(room) = place.id().room() else { return self.print(&tr("terminal-not-in-a-room")).await };
        let reason = match StatusLine::new(reason) {
            Ok(reason) => reason,
            Err(error) => return self.refused(error).await,
        };
        let done = self.program.node.room(room).hide(vec![entry.key], hidden, reason).await;
        let words = if hidden { "terminal-hidden" } else { "terminal-shown" };
        self.report(done.map(|()| tr(words))).await
    }

    /// Hides a message for the user alone, or shows it again.
    pub(super) async fn fold(
        &mut self,
        place: &ConversationHandle,
        entry: &EntryView,
        hidden: bool,
    ) -> io::Result<()> {
        let Some(room) = place.id().room() else { return self.print(&tr("terminal-not-in-a-room")).await };
        let done = self.program.node.room(room).hide_here(HideHere::Entry(entry.key), hidden).await;
        let words = if hidden { "terminal-folded" } else { "terminal-unfolded" };
        self.report(done.map(|()| tr(words))).await
    }

    /// Shows a message that is not shown.
    pub(super) async fn look(&mut self, place: &ConversationHandle, entry: &EntryView) -> io::Result<()> {
        match place.look(entry.key).await {
            Ok(Some(EntryView { text: Some(text), .. })) => self.print(&safe(&text)).await,
            Ok(_) => self.print(&tr("terminal-unreadable")).await,
            Err(error) => self.refused(error).await,
        }
    }

    /// Mutes somebody for so long; `None` ends it.
    pub(super) async fn mute(&mut self, typed: &str, for_ms: Option<u64>) -> io::Result<()> {
        let Some(room) = self.room_here().await? else { return Ok(()) };
        let Some(person) = self.look_up(typed).await? else { return Ok(()) };
        let until_ms = for_ms.map_or(0, |for_ms| now_ms().saturating_add(for_ms));
        let done = room.mute(person, Mute { until_ms, from_ms: None }).await;
        let words = if for_ms.is_some() { "terminal-muted" } else { "terminal-unmuted" };
        let who = names::who(&self.program.node.overview(), person);
        self.report(done.map(|()| tr_args(words, &[("who", who.into())]))).await
    }

    /// Hides all that somebody writes here, for the user alone, or shows it again.
    pub(super) async fn ignore(&mut self, typed: &str, hidden: bool) -> io::Result<()> {
        let Some(room) = self.room_here().await? else { return Ok(()) };
        let Some(person) = self.look_up(typed).await? else { return Ok(()) };
        let done = room.hide_here(HideHere::Author(person), hidden).await;
        let words = if hidden { "terminal-ignored" } else { "terminal-unignored" };
        let who = names::who(&self.program.node.overview(), person);
        self.report(done.map(|()| tr_args(words, &[("who", who.into())]))).await
    }

    /// Asks the admins of the room to be let in.
    pub(super) async fn knock(&mut self, text: String) -> io::Result<()> {
        let Some(room) = self.room_here().await? else { return Ok(()) };
        let done = room.knock(text).await;
        self.report(done.map(|()| tr("terminal-knocking"))).await
    }

    /// Declines somebody who knocks.
    pub(super) async fn turn_away(&mut self, typed: &str) -> io::Result<()> {
        let Some(room) = self.room_here().await? else { return Ok(()) };
        let Some(person) = self.look_up(typed).await? else { return Ok(()) };
        let done = room.decline_knock(person).await;
        let who = names::who(&self.program.node.overview(), person);
        self.report(done.map(|()| tr_args("terminal-turned-away", &[("who", who.into())]))).await
    }

    /// Somebody knocks.
    pub(super) async fn knocked(&mut self, place: ConversationId, person: PersonId) -> io::Result<()> {
        let overview = self.program.node.overview();
        let room = overview.rooms.iter().find(|view| Some(view.room) == place.room());
        let knocks = room.and_then(|room| room.founded.as_ref()).map(|founded| &founded.knocks);
        let knock = knocks.into_iter().flatten().find(|knock| knock.person == person);
        let text = knock.map(|knock| safe(&knock.text)).unwrap_or_default();
        let args = [
            ("who", names::who(&overview, person).into()),
            ("place", names::place(&overview, place).into()),
            ("text", text.into()),
        ];
        self.print(&tr_args("terminal-knocks", &args)).await
    }

    pub(super) async fn room_here(&mut self) -> io::Result<Option<RoomHandle>> {
        match self.current {
            Some(ConversationId::Room(room)) => Ok(Some(self.program.node.room(room))),
            _ => self.print(&tr("terminal-not-in-a-room")).await.map(|()| None),
        }
    }
}

/// What is behind a founded room's name in a list.
pub(super) fn mark(room: &RoomView, founded: &FoundedView) -> String {
    let state = tr(match (founded.standing, founded.door) {
        (FoundedStanding::In, Door::Open) => "terminal-founded",
        (FoundedStanding::In, Door::Knock) => "terminal-founded-knock",
        (FoundedStanding::AwaitsLog, _) => "terminal-founded-awaits-log",
        (FoundedStanding::Outside, _) => "terminal-founded-outside",
        (FoundedStanding::Knocking, _) => "terminal-founded-knocking",
        (FoundedStanding::PutOut, _) => "terminal-founded-put-out",
    });
    match room.clashing_fingerprint() {
        Some(fingerprint) => format!("{state}, [{fingerprint}]"),
        None => state,
    }
}

/// Why a message is not shown.
pub(super) fn withheld(overview: &Overview, why: &Withheld) -> String {
    let by = |id: &str, person: PersonId| tr_args(id, &[("who", names::who(overview, person).into())]);
    let line = match why {
        Withheld::Hidden { by: person, reason } if reason.as_str().is_empty() => {
            by("withheld-hidden", *person)
        }
        Withheld::Hidden { by: person, reason } => {
            let args =
                [("who", names::who(overview, *person).into()), ("reason", safe(reason.as_str()).into())];
            tr_args("withheld-hidden-reason", &args)
        }
        Withheld::Muted { by: person } => by("withheld-muted", *person),
        Withheld::PutOut { by: person } => by("withheld-put-out", *person),
        Withheld::NotLetIn => tr("withheld-not-let-in"),
        Withheld::TooSoon => tr("withheld-too-soon"),
        Withheld::Entry => tr("withheld-entry"),
        Withheld::Author => tr("withheld-author"),
    };
    format!("({line})")
}

/// Until when somebody is muted in a room, if they are.
pub(super) fn muted(room: &RoomView, person: PersonId) -> Option<String> {
    let muted = &room.moderation.as_ref()?.muted;
    let muted = muted.iter().find(|muted| muted.person == person && muted.until_ms > now_ms())?;
    Some(tr_args("terminal-is-muted", &[("time", words::time(muted.until_ms, &words::now()).into())]))
}
