//! The methods on rooms that somebody founded: private ones, who is in, what they are called and look like.

use std::path::PathBuf;

use data_encoding::BASE64;
use kinmesh_core::{NewRoom, RoomView};
use kinmesh_proto::{
    ConversationId, Door, EntryKey, Past, PersonId, Role, RoomId, RoomName, RoomSettings, StatusLine,
};
use serde::Deserialize;
use serde_json::Value;

use super::fault::Fault;
use super::methods::{Outcome, show};
use crate::picture::set_picture;
use crate::program::Program;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Create {
    name: RoomName,
    #[serde(default)]
    topic: StatusLine,
    #[serde(default)]
    past: Past,
    #[serde(default)]
    people: Vec<PersonId>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Enter {
    #[serde(default)]
    person: Option<PersonId>,
    #[serde(default)]
    room: Option<RoomId>,
    key: EntryKey,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CarryOn {
    room: RoomId,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OfMember {
    room: RoomId,
    person: PersonId,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SetRole {
    room: RoomId,
    person: PersonId,
    role: Role,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Set {
    room: RoomId,
    #[serde(default)]
    name: Option<RoomName>,
    #[serde(default)]
    topic: Option<StatusLine>,
    #[serde(default)]
    past: Option<Past>,
    #[serde(default)]
    door: Option<Door>,
    #[serde(default)]
    slow_ms: Option<u64>,
    #[serde(default)]
    keep_days: Option<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SetPicture {
    room: RoomId,
    path: Option<PathBuf>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OfRoom {
    room: RoomId,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Remove {
    room: RoomId,
    person: PersonId,
    #[serde(default)]
    from_ms: Option<u64>,
}

/// Founds a private room.
pub(super) async fn create(program: &Program, Create { name, topic, past, people }: Create) -> Outcome {
    let room = program.node.create_room(NewRoom { name, topic, past, people }).await?;
    show(&ConversationId::Room(room.id()))
}

/// Enters the one to which an entry of a chat invites, or of a room that it carries on.
pub(super) async fn enter(program: &Program, Enter { person, room, key }: Enter) -> Outcome {
    let entered = match (person, room) {
        (Some(person), None) => program.node.chat(person).enter_room(key).await?,
        (None, Some(room)) => program.node.room(room).enter_room(key).await?,
        _ => return Err(Fault::bad_params("either `person` or `room`")),
    };
    show(&ConversationId::Room(entered.id()))
}

/// Carries a room on in a new one.
pub(super) async fn carry_on(program: &Program, CarryOn { room }: CarryOn) -> Outcome {
    let next = program.node.room(room).carry_on().await?;
    show(&ConversationId::Room(next.id()))
}

/// Lets somebody in.
pub(super) async fn add(program: &Program, OfMember { room, person }: OfMember) -> Outcome {
    program.node.room(room).add(person).await?;
    Ok(Value::Null)
}

/// Puts somebody out.
pub(super) async fn remove(program: &Program, Remove { room, person, from_ms }: Remove) -> Outcome {
    program.node.room(room).remove(person, from_ms).await?;
    Ok(Value::Null)
}

/// Changes what somebody may do.
pub(super) async fn set_role(program: &Program, SetRole { room, person, role }: SetRole) -> Outcome {
    program.node.room(room).set_role(person, role).await?;
    Ok(Value::Null)
}

/// Changes what a room is called and how it is kept; what is not given stays.
pub(super) async fn set(program: &Program, new: Set) -> Outcome {
    let overview = program.node.overview();
    let known = overview.rooms.iter().find(|view| view.room == new.room);
    let known = known.and_then(RoomView::settings).ok_or_else(Fault::not_in)?;
    let settings = RoomSettings {
        name: new.name.unwrap_or(known.name),
        topic: new.topic.unwrap_or(known.topic),
        past: new.past.unwrap_or(known.past),
        door: new.door.unwrap_or(known.door),
        slow_ms: new.slow_ms.unwrap_or(known.slow_ms),
        keep_days: new.keep_days.unwrap_or(known.keep_days),
    };
    program.node.room(new.room).set_settings(settings).await?;
    Ok(Value::Null)
}

/// Gives a room the picture in a file, or takes away the one it has.
pub(super) async fn set_room_picture(program: &Program, SetPicture { room, path }: SetPicture) -> Outcome {
    set_picture(program.node.room(room), path).await?;
    Ok(Value::Null)
}

/// The picture of a room, as its members sent it.
pub(super) fn picture(program: &Program, OfRoom { room }: OfRoom) -> Outcome {
    let overview = program.node.overview();
    let known = overview.rooms.iter().find(|view| view.room == room).ok_or_else(Fault::not_in)?;
    show(&known.picture.as_ref().map(|picture| BASE64.encode(picture.as_bytes())))
}
