//! Carrying a private room on in a new one: what members can do when nobody is left who decides.
//!
//! The new room names the old one as its parent, and whoever is in that has a seat in it. It is announced
//! in the old one, which stays as it is: its history is there for who was in, and nobody has to be an admin
//! or a contact of anybody for that.

use kinmesh_proto::{ConversationId, PersonId, RoomId, limits};

use super::{RoomRefusal, Seated};
use crate::node::{Core, SendRefusal};
use crate::output::Token;

impl Core {
    /// Carries a private room on in a new one, of which we are the admin. Who does so again announces it
    /// again: the first time may have been lost.
    pub fn carry_on_room(&mut self, now_ms: u64, room: RoomId) -> Result<(RoomId, Token), RoomRefusal> {
        let me = self.me();
        let private = self.private.get(&room).filter(|private| private.log.is_member(me));
        let private = private.ok_or(RoomRefusal::NotIn)?;
        if private.epochs.is_empty() {
            // Nobody could be told.
            return Err(SendRefusal::NoKey.into());
        }
        let settings = private.log.settings().cloned().ok_or(RoomRefusal::NotIn)?;
        if let Some(ours) = self.carried_on_by_us(room) {
            return Ok((ours, self.announce(now_ms, room, ours)?));
        }
        let people = self.people_to_take_along(room).into_iter().take(limits::SEATS_MAX).collect();
        self.found(now_ms, settings, people, Some(room))
    }

    /// The room that carries another one on stands: it gets the picture of that, who had no place in its first
    /// step gets a seat, and all are told.
    pub(super) fn carried_on(&mut self, now_ms: u64, parent: RoomId, room: RoomId) {
        if let Some(picture) = self.picture_of(parent) {
            // One that cannot be set now can be set again by whoever misses it.
            let _ = self.set_room_picture(now_ms, room, Some(picture));
        }
        for person in self.people_to_take_along(parent) {
            if self.seat_in(room, person) == Seated::Never && self.seat(now_ms, room, person).is_err() {
                break;
            }
        }
        // What is refused is announced by doing it again.
        let _ = self.announce(now_ms, parent, room);
    }

    fn announce(&mut self, now_ms: u64, parent: RoomId, room: RoomId) -> Result<Token, RoomRefusal> {
        let invitation = self.invitation(room).ok_or(RoomRefusal::NotIn)?;
        Ok(self.write(now_ms, ConversationId::Room(parent), invitation)?.0)
    }

    /// Who is in a room beside us, without those whom the user blocked.
    fn people_to_take_along(&self, room: RoomId) -> Vec<PersonId> {
        let me = self.me();
        let members = self.private.get(&room).into_iter().flat_map(|private| private.log.members().keys());
        members.copied().filter(|person| *person != me && !self.is_blocked(*person)).collect()
    }

    /// The room of ours that a room carries on. Whoever was never in that one cannot carry it on, whatever
    /// they say.
    pub(super) fn carries_on(&self, room: RoomId) -> Option<RoomId> {
        let (parent, founder) = self.private.get(&room)?.log.carries_on()?;
        (self.seat_in(parent, founder) != Seated::Never).then_some(parent)
    }

    /// Rooms of ours that carry a room on.
    pub(super) fn carried_on_in(&self, parent: RoomId) -> Vec<RoomId> {
        self.private.keys().copied().filter(|room| self.carries_on(*room) == Some(parent)).collect()
    }

    fn carried_on_by_us(&self, parent: RoomId) -> Option<RoomId> {
        let is_ours = |room: &RoomId| {
            let founder = self.private.get(room).and_then(|private| private.log.carries_on());
            founder == Some((parent, self.me())) && self.may_decide(*room).is_ok()
        };
        self.private.keys().copied().find(is_ours)
    }
}
