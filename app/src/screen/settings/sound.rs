//! The microphone's level, so that one sees whether it hears. Nothing is recorded.
//!
//! A thread of its own opens the microphone and holds it: sound systems may take seconds, and some
//! want to be used from one thread. It ends when the level is looked at no more.

use std::thread;
use std::time::Duration;

use futures::channel::mpsc;
use futures::{SinkExt, Stream, executor};
use iced::Subscription;
use iced::widget::{column, pick_list, progress_bar, text};
use kinmesh_media::{AudioSystem, Device, DeviceId, InputMeter, OpenError};

use crate::i18n::tr;
use crate::theme::{self, size, space as gap};
use crate::widget::{self, Element};

/// Between two looks at the level: as often as the eye follows.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Words of the thread that were not drawn yet: more than one would be late.
const HEARD_CAP: usize = 1;
/// A level below this is drawn as silence: a quiet room.
const QUIET_DBFS: f32 = -60.0;
/// A level from which the bar is full: the loudest that samples can say.
const LOUD_DBFS: f32 = 0.0;

/// What is known of the microphones.
#[derive(Debug, Default)]
pub struct State {
    chosen: Option<Choice>,
    devices: Vec<Choice>,
    heard: Option<Result<f32, Fault>>,
}

/// A microphone to choose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    id: DeviceId,
    name: String,
}

impl std::fmt::Display for Choice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name)
    }
}

/// What can happen here.
#[derive(Debug, Clone)]
pub enum Message {
    /// These microphones are there.
    Devices(Vec<Choice>),
    /// The peak level now, in dBFS.
    Level(f32),
    /// The microphone cannot be heard.
    Fault(Fault),
    /// Listen to this one.
    Choose(Choice),
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
    /// Listens to the chosen microphone.
    pub fn subscription(&self) -> Subscription<Message> {
        let chosen = self.chosen.as_ref().map(|choice| choice.id.as_str().to_owned());
        Subscription::run_with(chosen, |chosen| listen(chosen.clone()))
    }

    /// Takes a message.
    pub fn update(&mut self, message: Message) {
        match message {
            Message::Devices(devices) => self.devices = devices,
            Message::Level(dbfs) => self.heard = Some(Ok(dbfs)),
            Message::Fault(fault) => self.heard = Some(Err(fault)),
            Message::Choose(choice) => {
                self.chosen = Some(choice);
                self.heard = None;
            }
        }
    }

    /// Draws it.
    pub fn view(&self) -> Element<'_, Message> {
        let title = text(tr("sound-microphone")).size(size::SECONDARY).font(theme::SEMIBOLD);
        let chosen = self.chosen.clone().or_else(|| self.devices.first().cloned());
        let choose = (!self.devices.is_empty()).then(|| {
            pick_list(self.devices.clone(), chosen, Message::Choose)
                .padding([gap::S, gap::M])
                .text_size(size::NAME)
        });
        let level = self.heard.and_then(Result::ok);
        let bar = level.map(|dbfs| progress_bar(QUIET_DBFS..=LOUD_DBFS, dbfs).girth(6));
        let sentence = tr(match self.heard {
            None => "sound-opening",
            Some(Ok(_)) => "sound-speak",
            Some(Err(Fault::None)) => "sound-none",
            Some(Err(Fault::Busy)) => "sound-busy",
            Some(Err(Fault::Denied)) => "sound-denied",
            Some(Err(Fault::System)) => "sound-system",
        });
        let content = column![title].push(choose).push(bar).push(widget::secondary(sentence));
        widget::card(content.spacing(gap::M))
    }
}

/// What a thread that listens to a microphone says, until nobody wants to hear it.
fn listen(id: Option<String>) -> impl Stream<Item = Message> {
    let (mut out, heard) = mpsc::channel(HEARD_CAP);
    thread::spawn(move || {
        // A closed channel is the way to end this thread: the error says nothing more.
        let _ = executor::block_on(speak(id.map(DeviceId::new), &mut out));
    });
    heard
}

async fn speak(id: Option<DeviceId>, out: &mut mpsc::Sender<Message>) -> Result<(), mpsc::SendError> {
    let (system, meter) = match open(id.as_ref()) {
        Ok(opened) => opened,
        Err(fault) => return out.send(Message::Fault(fault)).await,
    };
    let devices = system.inputs().unwrap_or_default();
    out.send(Message::Devices(devices.into_iter().map(choice).collect())).await?;
    while !meter.is_lost() {
        out.send(Message::Level(meter.reading().level.peak_dbfs)).await?;
        thread::sleep(LOOK_EVERY);
    }
    out.send(Message::Fault(Fault::None)).await
}

fn open(id: Option<&DeviceId>) -> Result<(AudioSystem, InputMeter), Fault> {
    let system = AudioSystem::open().map_err(|_| Fault::System)?;
    let meter = system.meter_input(id)?;
    Ok((system, meter))
}

fn choice(device: Device) -> Choice {
    Choice { id: device.id, name: device.name }
}
