//! The methods on calls: ringing and answering, taking part, how it sounds.

use kinmesh_net::CallHandle;
use kinmesh_proto::{CallId, PersonId, RoomId};
use serde::Deserialize;
use serde_json::Value;

use super::fault::Fault;
use super::methods::{Outcome, show, yes};
use crate::calls::VOLUME_MAX;
use crate::program::Program;
use crate::settings::Activation;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OfCall {
    call: CallId,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Ring {
    person: PersonId,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EnterVoice {
    room: RoomId,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Decline {
    call: CallId,
    #[serde(default)]
    text: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Switch {
    call: CallId,
    #[serde(default = "yes")]
    on: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OfPerson {
    call: CallId,
    person: PersonId,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Volume {
    person: PersonId,
    factor: f32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Activate {
    activation: Activation,
}

/// The way to a call that is listed. One that is over, or ignored, is not.
fn handle(program: &Program, call: CallId) -> Result<CallHandle, Fault> {
    let is_known = program.node.overview().calls.iter().any(|view| view.call == call);
    if is_known { Ok(program.node.call_of(call)) } else { Err(Fault::no_such_call()) }
}

/// Rings somebody.
pub(super) async fn ring(program: &Program, Ring { person }: Ring) -> Outcome {
    show(&program.node.ring(person).await?.id())
}

/// Enters the voice channel of a room.
pub(super) async fn enter_voice(program: &Program, EnterVoice { room }: EnterVoice) -> Outcome {
    show(&program.node.room(room).enter_voice().await?.id())
}

/// Answers a ring.
pub(super) async fn accept(program: &Program, OfCall { call }: OfCall) -> Outcome {
    program.node.call_of(call).accept().await?;
    Ok(Value::Null)
}

/// Turns one down.
pub(super) async fn decline(program: &Program, Decline { call, text }: Decline) -> Outcome {
    program.node.call_of(call).decline(text).await?;
    Ok(Value::Null)
}

/// Lets it ring there, and no longer here.
pub(super) async fn ignore(program: &Program, OfCall { call }: OfCall) -> Outcome {
    program.node.call_of(call).ignore().await?;
    Ok(Value::Null)
}

/// Leaves a call.
pub(super) async fn hang_up(program: &Program, OfCall { call }: OfCall) -> Outcome {
    program.calls.hang_up(&program.node.call_of(call)).await?;
    Ok(Value::Null)
}

/// Says nothing, or something again.
pub(super) async fn mute(program: &Program, Switch { call, on }: Switch) -> Outcome {
    program.calls.mute(&program.node.call_of(call), on).await?;
    Ok(Value::Null)
}

/// Neither says nor hears anything, or comes back.
pub(super) async fn hold(program: &Program, Switch { call, on }: Switch) -> Outcome {
    program.calls.hold(&program.node.call_of(call), on).await?;
    Ok(Value::Null)
}

/// Hears nobody, or everybody again.
pub(super) fn deafen(program: &Program, Switch { call, on }: Switch) -> Outcome {
    handle(program, call)?;
    program.calls.deafen(on);
    Ok(Value::Null)
}

/// Holds the key of push-to-talk, or not any more.
pub(super) fn talk(program: &Program, Switch { call, on }: Switch) -> Outcome {
    handle(program, call)?;
    program.calls.talk(on);
    Ok(Value::Null)
}

/// Rings one more contact for a call.
pub(super) async fn add(program: &Program, OfPerson { call, person }: OfPerson) -> Outcome {
    program.node.call_of(call).add(person).await?;
    Ok(Value::Null)
}

/// Has the other ring a contact in our place.
pub(super) async fn transfer(program: &Program, OfPerson { call, person }: OfPerson) -> Outcome {
    program.node.call_of(call).transfer(person).await?;
    Ok(Value::Null)
}

/// How loud somebody is played.
pub(super) fn volume(program: &Program, Volume { person, factor }: Volume) -> Outcome {
    if !(0.0..=VOLUME_MAX).contains(&factor) {
        return Err(Fault::bad_params(format_args!("factor must be 0 to {VOLUME_MAX}")));
    }
    program.calls.set_volume(person, factor);
    Ok(Value::Null)
}

/// When our voice is sent, from now on.
pub(super) fn activation(program: &Program, Activate { activation }: Activate) -> Outcome {
    program.settings.update(|settings| settings.sound.activation = activation)?;
    Ok(Value::Null)
}

/// How the call sounds.
pub(super) fn quality(program: &Program) -> Outcome {
    show(&program.calls.sound())
}
