//! Private rooms: what the handles ask for, brought to the core.

use super::Driver;
use super::commands::Waiting;
use crate::error::RoomError;
use crate::identity::unix_ms;
use crate::rooms::{Decision, RoomCommand};

impl Driver {
    pub(super) fn room_command(&mut self, command: RoomCommand) {
        let now_ms = unix_ms();
        match command {
            RoomCommand::Create { new, reply } => match self.core.create_room(now_ms, new) {
                Ok((room, token)) => self.wait(token, Waiting::RoomMade(room, reply)),
                Err(refusal) => drop(reply.send(Err(refusal.into()))),
            },
            RoomCommand::Enter { room, name, host, reply } => {
                match self.core.enter_room(room, Some(name), host) {
                    Ok(Some(token)) => self.wait(token, Waiting::Room(reply)),
                    Ok(None) => drop(reply.send(Ok(()))),
                    Err(refusal) => drop(reply.send(Err(refusal.into()))),
                }
            }
            RoomCommand::CarryOn { room, reply } => match self.core.carry_on_room(now_ms, room) {
                Ok((room, token)) => self.wait(token, Waiting::RoomMade(room, reply)),
                Err(refusal) => drop(reply.send(Err(refusal.into()))),
            },
            RoomCommand::Decide { room, decision, reply } => {
                let decided = match decision {
                    Decision::Add(person) => self.core.add_to_room(now_ms, room, person),
                    Decision::Remove(person) => self.core.remove_from_room(now_ms, room, person),
                    Decision::SetRole(person, role) => self.core.set_role(now_ms, room, person, role),
                    Decision::SetSettings(settings) => self.core.set_room_settings(now_ms, room, settings),
                };
                match decided {
                    Ok(token) => self.wait(token, Waiting::Room(reply)),
                    Err(refusal) => drop(reply.send(Err(RoomError::from(refusal)))),
                }
            }
        }
    }
}
