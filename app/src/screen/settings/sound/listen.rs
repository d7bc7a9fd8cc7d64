//! The threads behind the page: one that tells the microphone's level, one that runs a sound check.

use std::ops::ControlFlow;
use std::thread;
use std::time::Duration;

use futures::channel::mpsc;
use futures::{SinkExt, Stream, StreamExt, executor, stream};
use kinmesh_media::check::RECORD;
use kinmesh_media::{AudioSystem, Device, DeviceId, InputMeter};

use super::{Choice, Fault, Message};
use crate::settings::Sound;
use crate::sound;

/// Between two looks at the level: as often as the eye follows.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Sound systems do not tell of devices that come and go: after so many looks they are asked.
const LOOKS_A_LIST: u32 = 40;
/// Words of a thread that were not drawn yet: more than one would be late.
const HEARD_CAP: usize = 1;

/// What a thread that listens to a microphone says, until nobody wants to hear it.
pub(super) fn listen(input: Option<String>) -> impl Stream<Item = Message> {
    let (mut out, heard) = mpsc::channel(HEARD_CAP);
    thread::spawn(move || {
        // A closed channel is the way to end this thread: the error says nothing more.
        let _ = executor::block_on(speak(input.map(DeviceId::new), &mut out));
    });
    heard
}

async fn speak(id: Option<DeviceId>, out: &mut mpsc::Sender<Message>) -> Result<(), mpsc::SendError> {
    loop {
        if let Ok(system) = AudioSystem::open() {
            out.send(list(&system)).await?;
            if let Err(fault) = tell_level(&system, id.as_ref(), out).await? {
                out.send(Message::Fault(fault)).await?;
            }
        } else {
            out.send(Message::Fault(Fault::System)).await?;
        }
        // What is missing may be plugged in.
        thread::sleep(LOOK_EVERY * LOOKS_A_LIST);
    }
}

/// Tells the level, and now and then the devices, until the microphone is gone.
async fn tell_level(
    system: &AudioSystem,
    id: Option<&DeviceId>,
    out: &mut mpsc::Sender<Message>,
) -> Result<Result<(), Fault>, mpsc::SendError> {
    let meter = match open(system, id) {
        Ok(meter) => meter,
        Err(fault) => return Ok(Err(fault)),
    };
    let mut looks = 0_u32;
    while !meter.is_lost() {
        out.send(Message::Level(meter.reading().level.peak_dbfs)).await?;
        looks += 1;
        if looks.is_multiple_of(LOOKS_A_LIST) {
            out.send(list(system)).await?;
        }
        thread::sleep(LOOK_EVERY);
    }
    Ok(Err(Fault::None))
}

/// The chosen microphone, or the default one while it is away.
fn open(system: &AudioSystem, id: Option<&DeviceId>) -> Result<InputMeter, Fault> {
    let chosen = id.and_then(|id| system.meter_input(Some(id)).ok());
    chosen.map_or_else(|| system.meter_input(None).map_err(Fault::from), Ok)
}

fn list(system: &AudioSystem) -> Message {
    let choices = |devices: Vec<Device>| devices.into_iter().map(Choice::from).collect();
    let (inputs, outputs) = (system.inputs().unwrap_or_default(), system.outputs().unwrap_or_default());
    Message::Devices(choices(inputs), choices(outputs))
}

/// A sound check, told as it goes. It is broken off when nobody hears it any more.
pub(super) fn check(sound: Sound) -> impl Stream<Item = Message> {
    let (mut out, told) = mpsc::channel(HEARD_CAP);
    let tell = move |moment| match out.try_send(Message::Checking(moment)) {
        Err(error) if error.is_disconnected() => ControlFlow::Break(()),
        // Full: the last moment was not drawn yet, the next one will do.
        Ok(()) | Err(_) => ControlFlow::Continue(()),
    };
    let outcome = async move {
        let report = sound::check(sound, RECORD, tell).await;
        Message::Checked(report.map(|report| sound::words(&report)).map_err(|error| sound::fault(&error)))
    };
    stream::select(told, stream::once(outcome)).boxed()
}
