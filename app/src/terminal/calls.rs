//! Calls on the terminal: rings are told as they come, and everything in a call is a command.

use std::collections::BTreeSet;
use std::io;
use std::mem::discriminant;

use jiff::Timestamp;
use kinmesh_core::{CallDirection, CallEnd, CallState, CallView, PartyState, PartyView};
use kinmesh_net::{CallHandle, CallRefusalError, Overview};
use kinmesh_proto::{CallId, ConversationId, PersonId};
use tokio::io::AsyncWrite;

use super::contacts::Act;
use super::names::{self, Meant};
use super::safe::safe;
use super::session::Session;
use crate::calls::{CallSound, Device, DeviceFault, words};
use crate::i18n::{tr, tr_args};
use crate::settings::Activation;

/// What is asked of calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum OnCall {
    /// How it goes.
    Show,
    Ring(String),
    /// Take up the call that rings, or of this person; else let them be a contact.
    Accept(String),
    /// Turn down the call that rings, with these words; else who asks to be a contact.
    Decline(String),
    Ignore,
    HangUp,
    Switch(Part, Option<bool>),
    Volume {
        person: String,
        percent: u16,
    },
    Bring(String),
    Transfer(String),
    Voice,
}

/// What is on or off in a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Mute,
    Deafen,
    Hold,
    Talk,
}

/// What was told of a call.
#[derive(Debug)]
pub(super) struct ToldCall {
    state: CallState,
    by_us: bool,
    present: BTreeSet<PersonId>,
    faults: (Option<DeviceFault>, Option<DeviceFault>),
}

impl ToldCall {
    fn of(view: &CallView) -> Self {
        let by_us = view.direction != CallDirection::In;
        Self { state: view.state, by_us, present: present(view), faults: (None, None) }
    }
}

fn present(view: &CallView) -> BTreeSet<PersonId> {
    let is_in = |party: &&PartyView| matches!(party.state, PartyState::Active | PartyState::Reconnecting);
    view.parties.iter().filter(is_in).map(|party| party.person).collect()
}

/// With whom, or where, a call is.
fn who(overview: &Overview, view: &CallView) -> String {
    match view.conversation {
        ConversationId::Direct(_) if view.parties.len() > 1 => {
            let names = view.parties.iter().map(|party| names::who(overview, party.person));
            names.collect::<Vec<_>>().join(", ")
        }
        conversation => whose(overview, conversation),
    }
}

fn whose(overview: &Overview, conversation: ConversationId) -> String {
    match conversation {
        ConversationId::Direct(person) => names::who(overview, person),
        ConversationId::Room(_) | ConversationId::Control(_) => names::place(overview, conversation),
    }
}

fn now_ms() -> u64 {
    u64::try_from(Timestamp::now().as_millisecond()).unwrap_or_default()
}

impl<W: AsyncWrite + Unpin> Session<'_, W> {
    /// Does what is asked of calls.
    pub(super) async fn on_call(&mut self, asked: OnCall) -> io::Result<()> {
        match asked {
            OnCall::Show => self.show_calls().await,
            OnCall::Ring(typed) => self.ring(&typed).await,
            OnCall::Accept(typed) => self.accept(&typed).await,
            OnCall::Decline(words) => self.decline(&words).await,
            OnCall::Ignore => match self.ringing() {
                Some(call) => self.call_done(call.ignore().await).await,
                None => self.print(&tr("terminal-call-none")).await,
            },
            OnCall::HangUp => match self.standing().or_else(|| self.ringing()) {
                Some(call) => self.call_done(self.program.calls.hang_up(&call).await).await,
                None => self.print(&tr("terminal-call-none")).await,
            },
            OnCall::Switch(part, on) => self.switch_call(part, on).await,
            OnCall::Volume { person, percent } => self.set_volume(&person, percent).await,
            OnCall::Bring(typed) => self.bring(&typed).await,
            OnCall::Transfer(typed) => self.transfer(&typed).await,
            OnCall::Voice => self.enter_voice().await,
        }
    }

    fn call_where(&self, fits: impl Fn(&CallView) -> bool) -> Option<CallHandle> {
        let overview = self.program.node.overview();
        let found = overview.calls.iter().find(|view| fits(view))?;
        Some(self.program.node.call_of(found.call))
    }

    /// The call that rings here, the oldest of several.
    fn ringing(&self) -> Option<CallHandle> {
        self.call_where(|view| view.state == CallState::Incoming)
    }

    /// The call that goes on.
    fn standing(&self) -> Option<CallHandle> {
        self.call_where(|view| view.state != CallState::Incoming)
    }

    /// What was done is told as it happens; only a refusal needs words.
    async fn call_done(&mut self, done: Result<(), CallRefusalError>) -> io::Result<()> {
        match done {
            Ok(()) => Ok(()),
            Err(error) => self.refused(error).await,
        }
    }

    async fn ring(&mut self, typed: &str) -> io::Result<()> {
        let Some(person) = self.look_up(typed).await? else { return Ok(()) };
        let rung = self.program.node.ring(person).await;
        self.call_done(rung.map(drop)).await
    }

    async fn accept(&mut self, typed: &str) -> io::Result<()> {
        let overview = self.program.node.overview();
        let call = match names::meant(&overview.people, typed) {
            _ if typed.is_empty() => self.ringing(),
            Meant::One(person) => self.call_where(|view| {
                view.state == CallState::Incoming
                    && view.conversation == ConversationId::Direct(person.person)
            }),
            Meant::Nobody | Meant::Many(_) => None,
        };
        match call {
            Some(call) => self.call_done(call.accept().await).await,
            None if typed.is_empty() => self.print(&tr("terminal-call-none")).await,
            None => self.contact(typed, Act::Accept).await,
        }
    }

    async fn decline(&mut self, typed: &str) -> io::Result<()> {
        let (name, _) = super::command::take_name(typed);
        match self.ringing().filter(|_| !self.asks(&name)) {
            Some(call) => {
                let text = Some(typed.to_owned()).filter(|text| !text.is_empty());
                self.call_done(call.decline(text).await).await
            }
            None if typed.is_empty() => self.print(&tr("terminal-call-none")).await,
            None => self.contact(&name, Act::Decline).await,
        }
    }

    /// Whether this is the name of somebody who asks to be a contact.
    fn asks(&self, typed: &str) -> bool {
        let overview = self.program.node.overview();
        let Meant::One(person) = names::meant(&overview.people, typed) else { return false };
        overview.requests.iter().any(|request| request.person == person.person)
    }

    async fn switch_call(&mut self, part: Part, on: Option<bool>) -> io::Result<()> {
        let overview = self.program.node.overview();
        let standing = overview.calls.iter().find(|view| view.state != CallState::Incoming);
        let Some(view) = standing else { return self.print(&tr("terminal-call-none")).await };
        let sound = self.program.calls.sound();
        if part == Part::Talk && sound.activation != Activation::PushToTalk {
            return self.print(&tr("terminal-call-no-key")).await;
        }
        let was_on = match part {
            Part::Mute => view.muted,
            Part::Hold => view.held,
            Part::Deafen => sound.deafened,
            Part::Talk => sound.talks,
        };
        let on = on.unwrap_or(!was_on);
        let call = self.program.node.call_of(view.call);
        let done = match part {
            Part::Mute => self.program.calls.mute(&call, on).await,
            Part::Hold => self.program.calls.hold(&call, on).await,
            Part::Deafen => {
                self.program.calls.deafen(on);
                Ok(())
            }
            Part::Talk => {
                self.program.calls.talk(on);
                Ok(())
            }
        };
        self.report(done.map(|()| tr(switched(part, on)))).await
    }

    async fn set_volume(&mut self, typed: &str, percent: u16) -> io::Result<()> {
        let Some(person) = self.look_up(typed).await? else { return Ok(()) };
        self.program.calls.set_volume(person, f32::from(percent) / 100.0);
        let who = names::who(&self.program.node.overview(), person);
        let args = [("who", who.into()), ("percent", percent.into())];
        self.print(&tr_args("terminal-call-volume", &args)).await
    }

    async fn bring(&mut self, typed: &str) -> io::Result<()> {
        let Some(person) = self.look_up(typed).await? else { return Ok(()) };
        let Some(call) = self.standing() else { return self.print(&tr("terminal-call-none")).await };
        let who = [("who", names::who(&self.program.node.overview(), person).into())];
        let done = call.add(person).await;
        self.report(done.map(|()| tr_args("terminal-call-adding", &who))).await
    }

    async fn transfer(&mut self, typed: &str) -> io::Result<()> {
        let Some(person) = self.look_up(typed).await? else { return Ok(()) };
        let Some(call) = self.standing() else { return self.print(&tr("terminal-call-none")).await };
        let who = [("who", names::who(&self.program.node.overview(), person).into())];
        let done = call.transfer(person).await;
        self.report(done.map(|()| tr_args("terminal-call-transferring", &who))).await
    }

    async fn enter_voice(&mut self) -> io::Result<()> {
        let Some(ConversationId::Room(room)) = self.current else {
            return self.print(&tr("terminal-not-in-a-room")).await;
        };
        let entered = self.program.node.room(room).enter_voice().await;
        self.call_done(entered.map(drop)).await
    }

    /// Something about a call changed: says so where it means something to who listens.
    pub(super) async fn call_changed(&mut self, call: CallId) -> io::Result<()> {
        let overview = self.program.node.overview();
        let Some(view) = overview.calls.iter().find(|view| view.call == call) else { return Ok(()) };
        let told = self.told_calls.insert(call, ToldCall::of(view));
        if let (Some(before), Some(now)) = (&told, self.told_calls.get_mut(&call)) {
            now.faults = before.faults;
        }
        if told.as_ref().is_none_or(|before| discriminant(&before.state) != discriminant(&view.state)) {
            self.call_stands(&overview, view).await?;
        }
        match told {
            Some(before) if is_shared(view) => self.people_changed(&overview, view, &before.present).await,
            Some(_) | None => Ok(()),
        }
    }

    async fn call_stands(&mut self, overview: &Overview, view: &CallView) -> io::Result<()> {
        let who = who(overview, view);
        let line = match (view.direction, view.state) {
            (CallDirection::Room, _) => tr_args("terminal-voice-entered", &[("place", who.into())]),
            (_, CallState::Active { .. }) => tr_args("terminal-call-begun", &[("who", who.into())]),
            (_, CallState::Reconnecting { .. }) => tr_args("terminal-call-cut-off", &[("who", who.into())]),
            _ => words::state(view, &who, now_ms()),
        };
        self.print(&format!("  {line}")).await?;
        if view.state == CallState::Incoming {
            self.print(&format!("  {}", tr("terminal-call-how"))).await?;
        }
        Ok(())
    }

    async fn people_changed(
        &mut self,
        overview: &Overview,
        view: &CallView,
        before: &BTreeSet<PersonId>,
    ) -> io::Result<()> {
        let now = present(view);
        for (words, person) in (now.difference(before).map(|person| ("terminal-call-joined", person)))
            .chain(before.difference(&now).map(|person| ("terminal-call-left", person)))
        {
            let line = tr_args(words, &[("who", names::who(overview, *person).into())]);
            self.print(&format!("  {line}")).await?;
        }
        Ok(())
    }

    /// A call is over.
    pub(super) async fn call_ended(
        &mut self,
        call: CallId,
        conversation: ConversationId,
        end: CallEnd,
    ) -> io::Result<()> {
        let who = whose(&self.program.node.overview(), conversation);
        let by_us = self.told_calls.remove(&call).is_none_or(|told| told.by_us);
        let line = match (conversation, end) {
            (ConversationId::Room(_), CallEnd::HungUp) => {
                tr_args("terminal-voice-left", &[("place", who.into())])
            }
            (_, CallEnd::Declined { text }) => {
                let text = text.as_deref().map(safe);
                words::ended(&CallEnd::Declined { text }, by_us, &who)
            }
            (_, end) => words::ended(&end, by_us, &who),
        };
        self.print(&format!("  {line}")).await
    }

    /// The sound of the call is another: says so once where a device does not work.
    pub(super) async fn sound_changed(&mut self, sound: &CallSound) -> io::Result<()> {
        let Some(told) = sound.call.and_then(|call| self.told_calls.get_mut(&call)) else { return Ok(()) };
        let faults = (sound.microphone.fault, sound.loudspeaker.fault);
        let before = std::mem::replace(&mut told.faults, faults);
        if let Some(fault) = faults.0.filter(|_| before.0 != faults.0) {
            self.print(&format!("  {}", words::no_microphone(fault))).await?;
        }
        if let Some(fault) = faults.1.filter(|_| before.1 != faults.1) {
            self.print(&format!("  {}", words::no_loudspeaker(fault))).await?;
        }
        Ok(())
    }

    /// How each call is, and how the one that goes on sounds.
    async fn show_calls(&mut self) -> io::Result<()> {
        let overview = self.program.node.overview();
        if overview.calls.is_empty() {
            return self.print(&tr("terminal-call-none")).await;
        }
        let sound = self.program.calls.sound();
        let now_ms = now_ms();
        for view in &overview.calls {
            self.print(&words::state(view, &who(&overview, view), now_ms)).await?;
            if sound.call == Some(view.call) {
                self.print_all(how_it_sounds(&overview, view, &sound)).await?;
            }
        }
        Ok(())
    }
}

/// Whether people come and go in it while it goes on.
fn is_shared(view: &CallView) -> bool {
    view.direction == CallDirection::Room || view.parties.len() > 1
}

fn switched(part: Part, on: bool) -> &'static str {
    match (part, on) {
        (Part::Mute, true) => "terminal-call-muted",
        (Part::Mute, false) => "terminal-call-unmuted",
        (Part::Deafen, true) => "terminal-call-deafened",
        (Part::Deafen, false) => "terminal-call-undeafened",
        (Part::Hold, true) => "terminal-call-held",
        (Part::Hold, false) => "terminal-call-unheld",
        (Part::Talk, true) => "terminal-call-talking",
        (Part::Talk, false) => "terminal-call-talked",
    }
}

fn how_it_sounds(overview: &Overview, view: &CallView, sound: &CallSound) -> Vec<String> {
    let on = [
        view.muted.then_some("terminal-call-muted"),
        view.held.then_some("terminal-call-held"),
        sound.deafened.then_some("terminal-call-deafened"),
    ];
    let mut lines: Vec<String> = on.into_iter().flatten().map(tr).collect();
    for party in &view.parties {
        lines.extend(of_party(overview, party, sound));
    }
    if sound.figures.own.bitrate_bps > 0 {
        let kbps = [("kbps", (sound.figures.own.bitrate_bps / 1000).into())];
        lines.push(tr_args("terminal-call-bitrate", &kbps));
    }
    let fault = |device: &Device| device.fault;
    lines.extend(fault(&sound.microphone).map(words::no_microphone));
    lines.extend(fault(&sound.loudspeaker).map(words::no_loudspeaker));
    lines
}

/// `Bo: good, speaks`, and the figures below it.
fn of_party(overview: &Overview, party: &PartyView, sound: &CallSound) -> Vec<String> {
    let who = ("who", names::who(overview, party.person).into());
    let how = match party.state {
        PartyState::Calling | PartyState::Named => "terminal-call-party-calling",
        PartyState::Ringing => "terminal-call-party-ringing",
        PartyState::Rings => return Vec::new(),
        PartyState::Connecting => "terminal-call-party-connecting",
        PartyState::Reconnecting => "terminal-call-party-cut-off",
        PartyState::Active => "terminal-call-party",
    };
    let figures = sound.figures.parties.iter().find(|figures| figures.person == party.person);
    let quality = figures.map_or_else(String::new, |figures| words::quality(figures.quality));
    let mut words = vec![tr_args(how, &[who, ("quality", quality.into())])];
    let is_speaking = figures.is_some_and(|figures| figures.speaking);
    let marks = [
        party.muted.then_some("terminal-call-party-muted"),
        party.held.then_some("terminal-call-party-held"),
        is_speaking.then_some("terminal-call-party-speaking"),
    ];
    words.extend(marks.into_iter().flatten().map(tr));
    let line = words.join(", ");
    let below = figures.map(|figures| format!("    {}", crate::calls::words::figures(figures)));
    [line].into_iter().chain(below).collect()
}
