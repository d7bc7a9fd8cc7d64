//! Calls in the window: who rings, the call that goes on, what became of one that came to nothing.
//!
//! A call is looked at from everywhere: its bar stands over all columns (`bar`), it is a column beside
//! them where that is wanted (`column`), and what rings lies over everything (`cards`). Owns what is
//! open of that. Who rings whom is the peer's business, how it sounds the program's.

mod bar;
mod cards;
mod column;

use std::collections::BTreeMap;

use iced::keyboard::Key;
use iced::keyboard::key::Named;
use iced::widget::{column as stacked, container, row, space, stack};
use iced::{Fill, Size, Task};
use kinmesh_core::{CallDirection, CallEnd, CallState, CallView, Event as PeerEvent, PartyState, PartyView};
use kinmesh_model::{Face, call as model};
use kinmesh_net::{CallHandle, CallRefusalError};
use kinmesh_proto::{CallId, ConversationId, PersonId, RoomId, limits};

use super::contact::{self, Act};
use super::devices::Choice;
use super::{Cx, words};
use crate::calls::{self, CallSound, PartyFigures, Quality};
use crate::program::Program;
use crate::settings::{Activation, Sound};
use crate::sound;
use crate::theme::container::Tone;
use crate::theme::{self, column as width};
use crate::widget::{self, Element};
pub use cards::WHY;

/// While it is held one is heard, where the settings want a key: it writes nothing anywhere.
pub const TALK_KEY: Key = Key::Named(Named::F9);

/// What is open of calls.
#[derive(Debug, Default)]
pub struct State {
    sound: CallSound,
    /// Who began the calls that were seen, until they are over.
    seen: BTreeMap<CallId, CallDirection>,
    /// The call that goes on.
    standing: Option<CallId>,
    /// Whether its column is shown, and its parts that are only shown when wanted.
    is_open: bool,
    shows_figures: bool,
    shows_words: bool,
    inputs: Vec<Choice>,
    outputs: Vec<Choice>,
    why: Option<Why>,
    over: Option<Over>,
}

/// Words with which a ring is turned down, while they are typed.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Why {
    call: CallId,
    text: String,
}

/// A call that came to nothing, until that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Over {
    person: PersonId,
    words: String,
}

/// What can happen to calls.
#[derive(Debug, Clone)]
pub enum Message {
    /// Somebody is to be rung.
    Ring(PersonId),
    /// The voice channel of a room is to be entered.
    EnterVoice(RoomId),
    /// It stands or rings from now on, or why not.
    Begun(Result<(), String>),
    /// A ring is answered.
    Accept(CallId),
    /// A ring is turned down.
    Decline(CallId),
    /// It rings there, and no longer here.
    Ignore(CallId),
    /// A ring is to be turned down with words.
    AskWhy(CallId),
    /// The words were edited.
    Why(String),
    /// A ring is turned down with these words.
    DeclineWith(CallId, String),
    /// Without words after all.
    LeaveWhy,
    /// The call that goes on is left.
    HangUp,
    /// Nothing is said in it, or something again.
    Mute(bool),
    /// Nobody in it is heard, or everybody again.
    Deafen(bool),
    /// It waits, or goes on.
    Hold(bool),
    /// The key is held with which one talks, or not any more.
    Talk(bool),
    /// Somebody is to be this loud, in percent of how they come.
    Volume(PersonId, u16),
    /// A contact is to be rung for it.
    Add,
    /// A contact is to take our place in it.
    Transfer,
    /// Its column is wanted, or not.
    ToggleColumn,
    /// Its figures are wanted, or not.
    ToggleFigures,
    /// The words to read to each other are wanted, or not.
    ToggleWords,
    /// Those words are the same.
    Verify(PersonId),
    /// These microphones and loudspeakers are there.
    Devices(Vec<Choice>, Vec<Choice>),
    /// Use this microphone.
    Input(Choice),
    /// Use this loudspeaker.
    Output(Choice),
    /// The conversation of a call is wanted.
    Open(ConversationId),
    /// What became of a call was read.
    CloseOver,
    /// Work is done whose result is told by the overview.
    Done(Result<(), String>),
}

/// What the parent is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// This conversation is wanted, to write in.
    Open(ConversationId),
    /// The dialog is wanted that chooses whom to ring for this call.
    Add(CallId),
    /// The dialog is wanted that chooses who takes our place in it.
    Transfer(CallId),
    /// With what one hears and speaks.
    Sound(Sound),
    /// Something to say for a moment.
    Toast(String),
}

type Step = (Task<Message>, Option<Event>);

impl State {
    /// Calls that sound like this, with the column open.
    pub fn showing(sound: CallSound) -> Self {
        Self { sound, is_open: true, ..Self::default() }
    }

    /// The same with all parts of the column open.
    pub fn in_full(self) -> Self {
        Self { shows_figures: true, shows_words: true, ..self }
    }

    /// Takes how the call sounds now.
    pub fn hear(&mut self, program: &Program) {
        self.sound = program.calls.sound();
    }

    /// Takes which calls there are now. One that begins to go on gets its column, where there is room.
    pub fn follow(&mut self, cx: &Cx, window: Size) -> Task<Message> {
        let calls = &cx.overview.calls;
        self.seen.extend(calls.iter().map(|call| (call.call, call.direction)));
        self.why.take_if(|why| !calls.iter().any(|call| call.call == why.call));
        let standing = model::standing(calls).map(|call| call.call);
        if std::mem::replace(&mut self.standing, standing) == standing {
            return Task::none();
        }
        (self.shows_figures, self.shows_words) = (false, false);
        self.is_open = standing.is_some() && has_room(window);
        if standing.is_some() {
            self.over = None;
        }
        if self.is_open { find_devices() } else { Task::none() }
    }

    /// Takes what the peer told; what there is to say about it for a moment.
    pub fn apply(&mut self, events: &[PeerEvent], cx: &Cx) -> Option<String> {
        let mut said = None;
        for event in events {
            match event {
                PeerEvent::CallEnded { call, conversation, end } => {
                    said = self.ended(*call, *conversation, end, cx).or(said);
                }
                PeerEvent::Lagged { .. } => {
                    let is_known = |seen: &CallId| cx.overview.calls.iter().any(|call| call.call == *seen);
                    self.seen.retain(|call, _| is_known(call));
                }
                _ => {}
            }
        }
        said
    }

    /// A call came to nothing: that stays until it was read. Otherwise it is said for a moment.
    fn ended(
        &mut self,
        call: CallId,
        conversation: ConversationId,
        end: &CallEnd,
        cx: &Cx,
    ) -> Option<String> {
        // One that ended before it could be seen is ours: nobody is connected to ring.
        let by_us = self.seen.remove(&call).unwrap_or(CallDirection::Out) != CallDirection::In;
        let words = |who: String| calls::words::ended(end, by_us, &who);
        let ConversationId::Direct(person) = conversation else {
            return (*end == CallEnd::Full).then(|| words(String::new()));
        };
        let who = cx.names.face(person).full_name();
        match end {
            CallEnd::Cancelled if by_us => None,
            CallEnd::Declined { .. } | CallEnd::Ignored if !by_us => None,
            CallEnd::HungUp | CallEnd::Full | CallEnd::Ignored => Some(words(who)),
            CallEnd::Cancelled | CallEnd::Unanswered if !by_us => Some(words(who)),
            CallEnd::Declined { .. }
            | CallEnd::Cancelled
            | CallEnd::Unanswered
            | CallEnd::Busy
            | CallEnd::Offline
            | CallEnd::NoPath
            | CallEnd::Lost
            | CallEnd::NotAContact
            | CallEnd::TooOld => {
                self.over = Some(Over { person, words: words(who) });
                None
            }
        }
    }

    /// Takes a message.
    pub fn update(&mut self, message: Message, program: &Program, cx: &Cx) -> Step {
        let rings = |call| program.node.call_of(call);
        match message {
            Message::Ring(person) => return (self.ring(person, program), None),
            Message::EnterVoice(room) => return (enter_voice(room, program), None),
            Message::Begun(done) | Message::Done(done) => {
                return (Task::none(), done.err().map(Event::Toast));
            }
            Message::Accept(call) => return change(rings(call), |call| async move { call.accept().await }),
            Message::Decline(call) => {
                return change(rings(call), |call| async move { call.decline(None).await });
            }
            Message::DeclineWith(call, text) => {
                self.why = None;
                return change(rings(call), |call| async move { call.decline(Some(text)).await });
            }
            Message::Ignore(call) => return change(rings(call), |call| async move { call.ignore().await }),
            Message::AskWhy(call) => {
                self.why = Some(Why { call, text: String::new() });
                return (iced::widget::operation::focus(WHY), None);
            }
            Message::Why(text) => self.type_why(text),
            Message::LeaveWhy => self.why = None,
            Message::Open(conversation) => return (Task::none(), Some(self.open(conversation))),
            Message::CloseOver => self.over = None,
            Message::Devices(inputs, outputs) => (self.inputs, self.outputs) = (inputs, outputs),
            Message::Input(Choice { id, .. }) => {
                return (Task::none(), Some(chosen(program, |sound| sound.input = id)));
            }
            Message::Output(Choice { id, .. }) => {
                return (Task::none(), Some(chosen(program, |sound| sound.output = id)));
            }
            in_call => return self.update_standing(in_call, program, cx),
        }
        (Task::none(), None)
    }

    /// Takes a message about the call that goes on. It may be over by now.
    fn update_standing(&mut self, message: Message, program: &Program, cx: &Cx) -> Step {
        let Some(view) = model::standing(&cx.overview.calls) else { return (Task::none(), None) };
        let (call, calls) = (program.node.call_of(view.call), program.calls.clone());
        match message {
            Message::HangUp => return change(call, |call| async move { calls.hang_up(&call).await }),
            Message::Mute(muted) => {
                return change(call, move |call| async move { calls.mute(&call, muted).await });
            }
            Message::Hold(held) => {
                return change(call, move |call| async move { calls.hold(&call, held).await });
            }
            Message::Deafen(deafened) => program.calls.deafen(deafened),
            Message::Talk(talks) => program.calls.talk(talks),
            Message::Volume(person, percent) => {
                program.calls.set_volume(person, f32::from(percent) / column::FULL_PERCENT);
            }
            Message::Add => return (Task::none(), Some(Event::Add(view.call))),
            Message::Transfer => return (Task::none(), Some(Event::Transfer(view.call))),
            Message::Verify(person) => {
                self.shows_words = false;
                return (contact::act(person, Act::Verify, program).map(Message::Done), None);
            }
            Message::ToggleFigures => self.shows_figures = !self.shows_figures,
            Message::ToggleWords => self.shows_words = !self.shows_words,
            Message::ToggleColumn => {
                self.is_open = !self.is_open;
                return (if self.is_open { find_devices() } else { Task::none() }, None);
            }
            _ => {}
        }
        self.hear(program);
        (Task::none(), None)
    }

    fn ring(&mut self, person: PersonId, program: &Program) -> Task<Message> {
        self.over = None;
        let node = program.node.clone();
        begin(async move { node.ring(person).await })
    }

    fn open(&mut self, conversation: ConversationId) -> Event {
        self.over.take_if(|over| ConversationId::Direct(over.person) == conversation);
        Event::Open(conversation)
    }

    /// The words as far as they may be sent.
    fn type_why(&mut self, text: String) {
        if let Some(why) = self.why.as_mut().filter(|_| text.len() <= limits::DECLINE_TEXT_MAX) {
            why.text = text;
        }
    }

    /// What a key with Ctrl and Shift does to calls.
    pub fn shortcut(&self, letter: &str, cx: &Cx) -> Option<Message> {
        let rings = model::ringing(&cx.overview.calls).next().map(|call| call.call);
        let standing = model::standing(&cx.overview.calls);
        match (letter, rings, standing) {
            ("a", Some(call), None) => Some(Message::Accept(call)),
            ("d", Some(call), _) => Some(Message::Decline(call)),
            ("w", Some(call), _) => Some(Message::AskWhy(call)),
            ("i", Some(call), _) => Some(Message::Ignore(call)),
            ("m", _, Some(call)) => Some(Message::Mute(!call.muted)),
            ("h", _, Some(_)) => Some(Message::HangUp),
            _ => None,
        }
    }

    /// What it means that the key to talk with is held, or is not.
    pub fn talk_key(&self, held: bool) -> Option<Message> {
        let is_wanted = self.standing.is_some() && self.sound.activation == Activation::PushToTalk;
        (is_wanted && self.sound.talks != held).then_some(Message::Talk(held))
    }

    /// Escape: leaves the words, or what became of a call. Whether there was something.
    pub fn escape(&mut self) -> bool {
        self.why.take().is_some() || self.over.take().is_some()
    }

    /// How wide a part of the window the column takes.
    pub fn width_beside(&self, window: Size) -> f32 {
        if self.is_open && self.standing.is_some() && has_room(window) { width::CALL } else { 0.0 }
    }

    /// Draws the screen with calls around it, in a window of this size. Its shape stays the same whether
    /// there are calls or not, so that nothing in it loses its place.
    pub fn around<'a, M: 'a>(
        &'a self,
        screen: Element<'a, M>,
        sound: &Sound,
        cx: &'a Cx,
        window: Size,
        tell: fn(Message) -> M,
    ) -> Element<'a, M> {
        let nothing = || Element::from(space().width(0));
        let standing = model::standing(&cx.overview.calls);
        let bar = standing.map(|call| bar::view(self, call, cx, window));
        let column = standing.filter(|_| self.is_open).map(|call| column::view(self, call, sound, cx));
        let column = column.map(|column| column.map(tell));
        let (screen, beside) = match column {
            Some(column) if !has_room(window) => (nothing(), container(column).width(Fill).into()),
            Some(column) => {
                let column = container(column).width(width::CALL - theme::stroke::LINE);
                (screen, row![widget::upright_line(), column].into())
            }
            None => (screen, nothing()),
        };
        let content = row![screen, beside].height(Fill);
        let content = stacked![bar.map_or_else(nothing, |bar| bar.map(tell)), content];
        stack![content].push(cards::view(self, cx).map(|cards| cards.map(tell))).into()
    }

    /// How the call sounds, if it is heard.
    fn sound_of(&self, call: &CallView) -> Option<&CallSound> {
        Some(&self.sound).filter(|sound| sound.call == Some(call.call))
    }

    /// How one of the others is heard.
    fn figures_of(&self, call: &CallView, person: PersonId) -> Option<&PartyFigures> {
        self.sound_of(call)?.figures.parties.iter().find(|figures| figures.person == person)
    }

    /// Whether this one is heard speaking. The figures of who is cut off, or waits, are of before.
    fn speaks(&self, call: &CallView, party: &PartyView) -> bool {
        let is_heard = party.state == PartyState::Active && !call.held;
        is_heard && self.figures_of(call, party.person).is_some_and(|figures| figures.speaking)
    }

    fn anybody_speaks(&self, call: &CallView) -> bool {
        call.parties.iter().any(|party| self.speaks(call, party))
    }

    /// How it goes with who is heard worst.
    fn quality(&self, call: &CallView) -> Option<Quality> {
        let is_active = matches!(call.state, CallState::Active { .. });
        let sound = self.sound_of(call).filter(|_| is_active && !call.held)?;
        sound.figures.parties.iter().map(|figures| figures.quality).max()
    }

    /// Why nobody hears us, or we hear nobody.
    fn fault(&self, call: &CallView) -> Option<String> {
        let sound = self.sound_of(call)?;
        let microphone = sound.microphone.fault.map(calls::words::no_microphone);
        microphone.or_else(|| sound.loudspeaker.fault.map(calls::words::no_loudspeaker))
    }
}

/// Whether there is room for the column beside a conversation.
fn has_room(window: Size) -> bool {
    window.width >= width::CALL_FROM
}

/// The other in a call of two.
fn only_other(call: &CallView, cx: &Cx) -> Option<Face> {
    let ConversationId::Direct(_) = call.conversation else { return None };
    match call.parties.as_slice() {
        [party] => Some(cx.names.face(party.person)),
        _ => None,
    }
}

fn tone(quality: Quality) -> Tone {
    match quality {
        Quality::Unknown => Tone::Quiet,
        Quality::Good => Tone::Good,
        Quality::Fair | Quality::Late => Tone::Warning,
        Quality::Poor | Quality::Bad => Tone::Bad,
    }
}

fn change<W>(call: CallHandle, work: impl FnOnce(CallHandle) -> W) -> Step
where
    W: Future<Output = Result<(), CallRefusalError>> + Send + 'static,
{
    let done = |done: Result<(), CallRefusalError>| {
        Message::Done(done.map_err(|error| words::calls::refusal(&error)))
    };
    (Task::perform(work(call), done), None)
}

fn begin(work: impl Future<Output = Result<CallHandle, CallRefusalError>> + Send + 'static) -> Task<Message> {
    Task::perform(work, |begun| {
        Message::Begun(begun.map(drop).map_err(|error| words::calls::refusal(&error)))
    })
}

fn enter_voice(room: RoomId, program: &Program) -> Task<Message> {
    let room = program.node.room(room);
    begin(async move { room.enter_voice().await })
}

/// Other settings of sound. The bridge follows them in the middle of a call.
fn chosen(program: &Program, change: impl FnOnce(&mut Sound)) -> Event {
    let mut sound = program.settings.get().sound;
    change(&mut sound);
    Event::Sound(sound)
}

fn find_devices() -> Task<Message> {
    Task::perform(sound::find(), |found| match found {
        Ok(found) => {
            let choices = |devices: Vec<_>| devices.into_iter().map(Choice::from).collect();
            Message::Devices(choices(found.inputs), choices(found.outputs))
        }
        // Then there is nothing to choose, and the call says itself what it lacks.
        Err(_) => Message::Devices(Vec::new(), Vec::new()),
    })
}
