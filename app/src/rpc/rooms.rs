//! The methods on private rooms: founding and entering them, who is in, what they are called.

use kinmesh_core::{NewRoom, RoomView};
use kinmesh_proto::{
    ConversationId, EntryKey, Past, PersonId, Role, RoomId, RoomName, RoomSettings, StatusLine,
};
use serde::Deserialize;
use serde_json::Value;

use super::fault::Fault;
use super::methods::{Outcome, show};
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
pub(super) async fn remove(program: &Program, OfMember { room, person }: OfMember) -> Outcome {
    program.node.room(room).remove(person).await?;
    Ok(Value::Null)
}

/// Changes what somebody may do.
pub(super) async fn set_role(program: &Program, SetRole { room, person, role }: SetRole) -> Outcome {
    program.node.room(room).set_role(person, role).await?;
    Ok(Value::Null)
}

/// Changes what a room is called and how it is kept; what is not given stays.
pub(super) async fn set(program: &Program, Set { room, name, topic, past }: Set) -> Outcome {
    let overview = program.node.overview();
    let known = overview.rooms.iter().find(|view| view.room == room);
    let Some(RoomView { name: known, private: Some(private), .. }) = known else {
        return Err(Fault::not_in());
    };
    let settings = RoomSettings {
        name: name.unwrap_or_else(|| known.clone()),
        topic: topic.unwrap_or_else(|| private.topic.clone()),
        past: past.unwrap_or(private.past),
    };
    program.node.room(room).set_settings(settings).await?;
    Ok(Value::Null)
}
