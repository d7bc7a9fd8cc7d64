//! Rooms that somebody founded: what the handles ask for, brought to the core.

use kinmesh_core::{RoomRefusal, Token};
use kinmesh_proto::ConversationId;

use super::Driver;
use super::commands::Waiting;
use crate::error::RoomError;
use crate::handle::Reply;
use crate::identity::unix_ms;
use crate::rooms::{Decision, Knocking, RoomCommand};

impl Driver {
    pub(super) fn room_command(&mut self, command: RoomCommand) {
        let now_ms = unix_ms();
        match command {
            RoomCommand::Create { new, reply } => match self.core.create_room(now_ms, new) {
                Ok((room, token)) => self.wait(token, Waiting::RoomMade(room, reply)),
                Err(refusal) => drop(reply.send(Err(refusal.into()))),
            },
            RoomCommand::Found { new, reply } => match self.core.found_room(now_ms, new) {
                Ok((room, token)) => self.wait(token, Waiting::RoomMade(room, reply)),
                Err(refusal) => drop(reply.send(Err(refusal.into()))),
            },
            RoomCommand::EnterFounded { room, name, reply } => {
                match self.core.enter_founded(room, name).map_err(RoomRefusal::from) {
                    Ok(Some(token)) => self.wait(token, Waiting::Room(reply)),
                    Ok(None) => drop(reply.send(Ok(()))),
                    Err(refusal) => drop(reply.send(Err(refusal.into()))),
                }
            }
            RoomCommand::Knock { room, knocking, reply } => {
                let done = match knocking {
                    Knocking::Knock(text) => self.core.knock(now_ms, room, &text),
                    Knocking::Stop => self.core.stop_knocking(room),
                    Knocking::Decline(person) => self.core.decline_knock(room, person),
                };
                self.wait_for_room(done.map_err(RoomError::from), reply);
            }
            RoomCommand::HideHere { room, what, hidden, reply } => {
                let done = self.core.hide_here(ConversationId::Room(room), what, hidden);
                self.wait_for_room(done.map_err(RoomError::from), reply);
            }
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
                    Decision::Remove(person, from_ms) => {
                        self.core.remove_from_room(now_ms, room, person, from_ms)
                    }
                    Decision::Hide { entries, hidden, reason } => {
                        self.core.hide_in_room(now_ms, room, entries, hidden, reason)
                    }
                    Decision::Mute(person, mute) => self.core.mute_in_room(now_ms, room, person, mute),
                    Decision::SetRole(person, role) => self.core.set_role(now_ms, room, person, role),
                    Decision::SetSettings(settings) => self.core.set_room_settings(now_ms, room, settings),
                    Decision::SetPicture(picture) => self.core.set_room_picture(now_ms, room, picture),
                };
                self.wait_for_room(decided.map_err(RoomError::from), reply);
            }
        }
    }

    fn wait_for_room(&mut self, done: Result<Token, RoomError>, reply: Reply<RoomError>) {
        match done {
            Ok(token) => self.wait(token, Waiting::Room(reply)),
            Err(refusal) => drop(reply.send(Err(refusal))),
        }
    }
}
