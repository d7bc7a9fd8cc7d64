//! Microphone and loudspeaker: which ones, whether they work, and what is done to one's voice.
//!
//! While the page is looked at, a thread of its own holds the microphone and tells its level: sound
//! systems may take seconds, and some want to be used from one thread. It ends with the page, and pauses
//! for a sound check, which opens the devices itself.

mod listen;

use iced::task::Handle;
use iced::widget::{Column, button, column, container, progress_bar, row, space, text, toggler};
use iced::{Center, Fill, Subscription, Task};
use kinmesh_media::OpenError;
use kinmesh_media::check::{Moment, Stage};

use super::caption;
use crate::i18n::tr;
use crate::program::Program;
pub use crate::screen::devices::Choice;
use crate::screen::devices::choose;
use crate::settings::{Activation, Sound};
use crate::sound;
use crate::theme::{self, side, size, space as gap, stroke};
use crate::widget::{self, Element};

/// A level below this is drawn as silence: a quiet room.
const QUIET_DBFS: f32 = -60.0;
/// A level from which the bar is full: the loudest that samples can say.
const LOUD_DBFS: f32 = 0.0;

/// What is known of the devices.
#[derive(Debug, Default)]
pub struct State {
    inputs: Vec<Choice>,
    outputs: Vec<Choice>,
    heard: Option<Result<f32, Fault>>,
    work: Work,
}

/// What is under way, and what came of it.
#[derive(Debug, Default)]
enum Work {
    #[default]
    None,
    /// Ends when its handle is dropped.
    Checks {
        moment: Option<Moment>,
        _work: Handle,
    },
    /// Likewise.
    Rings {
        _work: Handle,
    },
    Done(Vec<String>),
    Failed(String),
}

/// What is done to one's voice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Take out the loudspeaker's echo.
    Echo,
    /// Turn noise down.
    Noise,
    /// Even out loudness.
    Gain,
    /// Let a call be heard that comes in.
    Ring,
}

/// What can happen here.
#[derive(Debug, Clone)]
pub enum Message {
    /// These microphones and loudspeakers are there.
    Devices(Vec<Choice>, Vec<Choice>),
    /// The peak level now, in dBFS.
    Level(f32),
    /// The microphone cannot be heard.
    Fault(Fault),
    /// Use this microphone.
    Input(Choice),
    /// Use this loudspeaker.
    Output(Choice),
    /// Do this to the voice, or not.
    Switch(Part, bool),
    /// Send one's voice then.
    Activation(Activation),
    /// Record and play.
    Check,
    /// How that goes.
    Checking(Moment),
    /// What came of it, in sentences.
    Checked(Result<Vec<String>, String>),
    /// Ring once.
    Ring,
    /// It has rung, or why not.
    Rang(Result<(), String>),
    /// Break it off.
    Stop,
}

/// Why a microphone cannot be heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// There is none, or it went away.
    None,
    /// Another program holds it.
    Busy,
    /// The system does not allow it.
    Denied,
    /// The sound system fails.
    System,
}

impl From<OpenError> for Fault {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::NoDevice => Self::None,
            OpenError::Busy => Self::Busy,
            OpenError::Denied => Self::Denied,
            OpenError::Format | OpenError::System(_) => Self::System,
        }
    }
}

impl State {
    /// Listens to the chosen microphone, while nothing else does.
    pub fn subscription(&self, sound: &Sound) -> Subscription<Message> {
        match self.work {
            Work::Checks { .. } => Subscription::none(),
            Work::None | Work::Rings { .. } | Work::Done(_) | Work::Failed(_) => {
                Subscription::run_with(sound.input.clone(), |input| listen::listen(input.clone()))
            }
        }
    }

    /// Takes a message; with it may come other settings.
    pub fn update(&mut self, message: Message, program: &Program) -> (Task<Message>, Option<Sound>) {
        let mut sound = program.settings.get().sound;
        match message {
            Message::Devices(inputs, outputs) => (self.inputs, self.outputs) = (inputs, outputs),
            Message::Level(dbfs) => self.heard = Some(Ok(dbfs)),
            Message::Fault(fault) => self.heard = Some(Err(fault)),
            Message::Input(choice) => {
                self.heard = None;
                sound.input = choice.id;
                return (Task::none(), Some(sound));
            }
            Message::Output(choice) => {
                sound.output = choice.id;
                return (Task::none(), Some(sound));
            }
            Message::Switch(part, on) => {
                *switched(&mut sound, part) = on;
                return (Task::none(), Some(sound));
            }
            Message::Activation(activation) => {
                sound.activation = activation;
                return (Task::none(), Some(sound));
            }
            Message::Check => return (self.check(sound), None),
            Message::Checking(moment) => {
                if let Work::Checks { moment: seen, .. } = &mut self.work {
                    *seen = Some(moment);
                }
            }
            Message::Checked(Ok(words)) => self.work = Work::Done(words),
            Message::Checked(Err(words)) | Message::Rang(Err(words)) => self.work = Work::Failed(words),
            Message::Ring => return (self.ring(sound), None),
            Message::Rang(Ok(())) | Message::Stop => self.work = Work::None,
        }
        (Task::none(), None)
    }

    fn check(&mut self, sound: Sound) -> Task<Message> {
        self.heard = None;
        let (task, handle) = Task::stream(listen::check(sound)).abortable();
        self.work = Work::Checks { moment: None, _work: handle.abort_on_drop() };
        task
    }

    fn ring(&mut self, sound: Sound) -> Task<Message> {
        let ring = async move { sound::ring(sound).await.map_err(|error| sound::fault(&error)) };
        let (task, handle) = Task::perform(ring, Message::Rang).abortable();
        self.work = Work::Rings { _work: handle.abort_on_drop() };
        task
    }

    /// Draws it.
    pub fn view(&self, sound: &Sound) -> Element<'_, Message> {
        column![
            widget::card(self.microphone(sound)),
            widget::card(self.speaker(sound)),
            widget::card(self.test())
        ]
        .push(activation(sound.activation))
        .push(part(Part::Ring, "sound-calls-ring", sound.ring))
        .push(part(Part::Echo, "sound-echo", sound.echo_cancellation))
        .push(part(Part::Noise, "sound-noise", sound.noise_suppression))
        .push(part(Part::Gain, "sound-gain", sound.gain_control))
        .spacing(gap::L)
        .into()
    }

    fn microphone(&self, sound: &Sound) -> Column<'_, Message, crate::theme::Theme> {
        let level = match &self.work {
            Work::Checks { moment, .. } => moment.map(|moment| moment.level.peak_dbfs),
            _ => self.heard.and_then(Result::ok),
        };
        let bar = level.map(|dbfs| progress_bar(QUIET_DBFS..=LOUD_DBFS, dbfs).girth(stroke::BAR));
        let sentence = match (&self.work, self.heard) {
            (Work::Checks { .. }, _) => None,
            (_, None) => Some("sound-opening"),
            (_, Some(Ok(_))) => Some("sound-speak"),
            (_, Some(Err(Fault::None))) => Some("sound-none"),
            (_, Some(Err(Fault::Busy))) => Some("sound-busy"),
            (_, Some(Err(Fault::Denied))) => Some("sound-denied"),
            (_, Some(Err(Fault::System))) => Some("sound-system"),
        };
        column![caption("sound-microphone")]
            .push(choose(&self.inputs, sound.input.as_deref(), Message::Input))
            .push(bar)
            .push(sentence.map(|id| widget::secondary(tr(id))))
            .spacing(gap::M)
    }

    fn speaker(&self, sound: &Sound) -> Column<'_, Message, crate::theme::Theme> {
        let ring: Element<'_, Message> = match self.work {
            Work::Rings { .. } => widget::secondary(tr("sound-ringing")).into(),
            Work::Checks { .. } => space().into(),
            Work::None | Work::Done(_) | Work::Failed(_) => widget::quiet(tr("sound-ring"), Message::Ring),
        };
        column![caption("sound-speaker")]
            .push(choose(&self.outputs, sound.output.as_deref(), Message::Output))
            .push(row![space::horizontal(), ring].align_y(Center))
            .spacing(gap::M)
    }

    /// The sound check: before it, while it runs, and what it found.
    fn test(&self) -> Column<'_, Message, crate::theme::Theme> {
        let head = column![caption("sound-check"), widget::secondary(tr("sound-check-sentence"))];
        let stage = |moment: &Option<Moment>| match moment.map(|moment| moment.stage) {
            None => "sound-opening",
            Some(Stage::Recording) => "sound-check-recording",
            Some(Stage::Playing) => "sound-check-playing",
        };
        let (words, button) = match &self.work {
            Work::Checks { moment, .. } => {
                (vec![tr(stage(moment))], widget::quiet(tr("sound-check-stop"), Message::Stop))
            }
            Work::Done(words) => (words.clone(), again(true)),
            Work::Failed(words) => (vec![words.clone()], again(true)),
            Work::None => (Vec::new(), again(true)),
            Work::Rings { .. } => (Vec::new(), again(false)),
        };
        let words = words.into_iter().map(|words| text(words).size(size::SECONDARY).width(Fill).into());
        column![head.spacing(gap::XS)]
            .extend(words)
            .push(row![space::horizontal(), button].align_y(Center))
            .spacing(gap::M)
    }
}

fn again<'a>(is_possible: bool) -> Element<'a, Message> {
    widget::primary(tr("sound-check-do"), is_possible.then_some(Message::Check))
}

fn switched(sound: &mut Sound, part: Part) -> &mut bool {
    match part {
        Part::Echo => &mut sound.echo_cancellation,
        Part::Noise => &mut sound.noise_suppression,
        Part::Gain => &mut sound.gain_control,
        Part::Ring => &mut sound.ring,
    }
}

/// When one's voice is sent in a call.
fn activation<'a>(chosen: Activation) -> Element<'a, Message> {
    let choices = [
        (Activation::Open, "sound-send-open"),
        (Activation::Voice, "sound-send-voice"),
        (Activation::PushToTalk, "sound-send-key"),
    ];
    let (_, about) = choices.into_iter().find(|(choice, _)| *choice == chosen).unwrap_or(choices[0]);
    let buttons = row(choices.map(|(choice, words)| {
        button(text(tr(words)).size(size::NAME))
            .padding([gap::S, gap::L])
            .style(theme::button::choice(choice == chosen))
            .on_press(Message::Activation(choice))
            .into()
    }));
    let about = widget::secondary(tr(&format!("{about}-sentence")));
    widget::card(column![caption("sound-send"), buttons.spacing(gap::S), about].spacing(gap::M))
}

fn part<'a>(part: Part, id: &str, on: bool) -> Element<'a, Message> {
    let lines = column![caption(id), widget::secondary(tr(&format!("{id}-sentence")))].spacing(gap::XS);
    let toggle = toggler(on).size(side::SWITCH).on_toggle(move |on| Message::Switch(part, on));
    widget::card(row![container(lines).width(Fill), toggle].spacing(gap::M).align_y(Center))
}
