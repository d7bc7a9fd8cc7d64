//! The methods on what is shown of a room and who may write in it: founded public rooms, hiding, muting,
//! knocking.

use kinmesh_core::{HideHere, Mute, NewPublicRoom};
use kinmesh_proto::{ConversationId, Door, EntryKey, PersonId, RoomId, RoomName, StatusLine};
use serde::Deserialize;
use serde_json::Value;

use super::fault::Fault;
use super::methods::{Outcome, show};
use crate::program::Program;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Found {
    name: RoomName,
    #[serde(default)]
    topic: StatusLine,
    #[serde(default)]
    door: Door,
    #[serde(default)]
    slow_ms: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EnterFounded {
    room: RoomId,
    name: RoomName,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Hide {
    room: RoomId,
    keys: Vec<EntryKey>,
    #[serde(default = "yes")]
    hidden: bool,
    #[serde(default)]
    reason: StatusLine,
}

fn yes() -> bool {
    true
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MuteParams {
    room: RoomId,
    person: PersonId,
    until_ms: u64,
    #[serde(default)]
    from_ms: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HideHereParams {
    room: RoomId,
    #[serde(default)]
    key: Option<EntryKey>,
    #[serde(default)]
    person: Option<PersonId>,
    #[serde(default = "yes")]
    hidden: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Knock {
    room: RoomId,
    #[serde(default)]
    text: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OfRoom {
    room: RoomId,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OfKnock {
    room: RoomId,
    person: PersonId,
}

/// Founds a public room.
pub(super) async fn found(program: &Program, Found { name, topic, door, slow_ms }: Found) -> Outcome {
    let room = program.node.found_room(NewPublicRoom { name, topic, door, slow_ms }).await?;
    show(&ConversationId::Room(room.id()))
}

/// Enters one.
pub(super) async fn enter(program: &Program, EnterFounded { room, name }: EnterFounded) -> Outcome {
    let room = program.node.enter_founded(room, name).await?;
    show(&ConversationId::Room(room.id()))
}

/// Hides entries from everybody, or shows them again.
pub(super) async fn hide(program: &Program, Hide { room, keys, hidden, reason }: Hide) -> Outcome {
    program.node.room(room).hide(keys, hidden, reason).await?;
    Ok(Value::Null)
}

/// Mutes somebody, or ends that.
pub(super) async fn mute(program: &Program, params: MuteParams) -> Outcome {
    let MuteParams { room, person, until_ms, from_ms } = params;
    program.node.room(room).mute(person, Mute { until_ms, from_ms }).await?;
    Ok(Value::Null)
}

/// Hides an entry or a person for the user alone, or shows them again.
pub(super) async fn hide_here(program: &Program, params: HideHereParams) -> Outcome {
    let what = match (params.key, params.person) {
        (Some(key), None) => HideHere::Entry(key),
        (None, Some(person)) => HideHere::Author(person),
        _ => return Err(Fault::bad_params("either key or person")),
    };
    program.node.room(params.room).hide_here(what, params.hidden).await?;
    Ok(Value::Null)
}

/// Asks the admins of a room to be let in.
pub(super) async fn knock(program: &Program, Knock { room, text }: Knock) -> Outcome {
    program.node.room(room).knock(text).await?;
    Ok(Value::Null)
}

/// No longer asks.
pub(super) async fn stop_knocking(program: &Program, OfRoom { room }: OfRoom) -> Outcome {
    program.node.room(room).stop_knocking().await?;
    Ok(Value::Null)
}

/// Declines somebody who asks.
pub(super) async fn decline_knock(program: &Program, OfKnock { room, person }: OfKnock) -> Outcome {
    program.node.room(room).decline_knock(person).await?;
    Ok(Value::Null)
}
