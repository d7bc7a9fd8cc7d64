//! The maker's side of a ticket: who comes with it is counted on the disk before they are answered.
//!
//! A use is counted once for each person, however often they ask: after an answer that was lost, or
//! after either program was started anew, they are told the same again. Who was counted for a private
//! room is told so once the step that lets them in is on the disk, too; if it never got there, it is
//! written when they ask again.

use kinmesh_proto::record::Write;
use kinmesh_proto::{
    DeviceId, InviteRecord, InviteRefusal, InviteRequest, InviteResponse, PersonId, RoomId, TicketId,
    TicketRoom, limits,
};

use super::InviteState;
use crate::event::Event;
use crate::node::{Core, Pending};
use crate::output::{Output, RequestToken};
use crate::private::{RoomRefusal, Seated};

/// What is left to do for somebody whose ticket is good.
enum Redeeming {
    /// They come with it for the first time.
    Count,
    /// They were counted, and never let into the room.
    LetIn(RoomId),
}

impl Core {
    /// A device comes with a ticket; the answer is an [`Output::RespondInvite`], at once or after the disk.
    pub fn invite_request(
        &mut self,
        now_ms: u64,
        device: DeviceId,
        request: InviteRequest,
        token: RequestToken,
    ) {
        let InviteRequest::Redeem { ticket, proof } = request;
        match self.judge_redeeming(now_ms, device, ticket, &proof) {
            Ok((person, Redeeming::Count)) => self.count_use(now_ms, ticket, person, token),
            Ok((person, Redeeming::LetIn(room))) => {
                self.invites.redeeming.insert((ticket, person));
                self.let_into_room(now_ms, ticket, person, room, token);
            }
            Err(response) => self.push(Output::RespondInvite { request: token, response }),
        }
    }

    /// Who is to be counted, or what to answer at once.
    fn judge_redeeming(
        &mut self,
        now_ms: u64,
        device: DeviceId,
        ticket: TicketId,
        proof: &[u8; 32],
    ) -> Result<(PersonId, Redeeming), InviteResponse> {
        // Their hello may be on its way still: they will ask again.
        let person = self.people.person_of(device).ok_or(InviteResponse::Busy)?;
        if !self.invites.gate.lets_in(now_ms, device) || self.invites.redeeming.contains(&(ticket, person)) {
            return Err(InviteResponse::Busy);
        }
        let me = self.me();
        let is_counted = |record: &&InviteRecord| record.room.as_ref().is_none_or(TicketRoom::is_counted);
        let record = self.invites.made.get(&ticket).filter(is_counted);
        // One that does not exist and one that is not proven look the same to who guesses.
        let record = record
            .filter(|record| record.token.proves(me, person, proof))
            .ok_or(InviteResponse::Refused(InviteRefusal::Unknown))?;
        if self.is_blocked(person) {
            // Whom the user blocked is not told so.
            return Err(InviteResponse::Refused(InviteRefusal::Revoked));
        }
        if record.used_by.contains(&person) {
            return self.judge_again(person, record.room.as_ref()).map(|left| (person, left));
        }
        let may_let_in = |room: &TicketRoom| match room {
            TicketRoom::Private(room) => self.may_decide(*room).is_ok(),
            TicketRoom::Public(_) | TicketRoom::Founded { .. } => true,
        };
        if record.revoked || !record.room.as_ref().is_none_or(may_let_in) {
            return Err(InviteResponse::Refused(InviteRefusal::Revoked));
        }
        match InviteState::of(record, now_ms) {
            InviteState::Open => Ok((person, Redeeming::Count)),
            InviteState::Expired => Err(InviteResponse::Refused(InviteRefusal::Expired)),
            InviteState::UsedUp => Err(InviteResponse::Refused(InviteRefusal::UsedUp)),
        }
    }

    /// What is left to do for somebody who was counted before. Who was put out since does not come back
    /// with the ticket that let them in.
    fn judge_again(
        &self,
        person: PersonId,
        leads_to: Option<&TicketRoom>,
    ) -> Result<Redeeming, InviteResponse> {
        let Some(TicketRoom::Private(room)) = leads_to else { return Err(InviteResponse::Accepted) };
        match self.seat_in(*room, person) {
            Seated::Now => Err(InviteResponse::Accepted),
            Seated::Once => Err(InviteResponse::Refused(InviteRefusal::Revoked)),
            Seated::Never => Ok(Redeeming::LetIn(*room)),
        }
    }

    fn count_use(&mut self, now_ms: u64, ticket: TicketId, person: PersonId, request: RequestToken) {
        // Who was judged is known and not blocked, and the ticket is there.
        let Ok((mut writes, new)) = self.take_invited(now_ms, person) else { return };
        let Some(record) = self.invites.made.get_mut(&ticket) else { return };
        // Of a ticket for any number of people the first ones are remembered.
        if record.used_by.len() < limits::TICKET_USES_MAX as usize {
            record.used_by.push(person);
        }
        writes.push(Write::PutInvite(record.clone()));
        self.invites.redeeming.insert((ticket, person));
        self.persist(writes, Pending::Redeemed { ticket, person, request, new });
    }

    pub(crate) fn use_counted(
        &mut self,
        now_ms: u64,
        ticket: TicketId,
        person: PersonId,
        request: RequestToken,
    ) {
        self.push(Output::Emit(Event::InviteUsed { invite: ticket, person }));
        let room = self.invites.made.get(&ticket).and_then(|record| record.room.clone());
        match room {
            Some(TicketRoom::Private(room)) => self.let_into_room(now_ms, ticket, person, room, request),
            _ => self.answer_redeeming(ticket, person, request, InviteResponse::Accepted),
        }
    }

    /// Writes the step that lets them in, and answers once the disk has it.
    fn let_into_room(
        &mut self,
        now_ms: u64,
        ticket: TicketId,
        person: PersonId,
        room: RoomId,
        request: RequestToken,
    ) {
        let is_in = self.seat_in(room, person) == Seated::Now;
        let refusal = if is_in { None } else { self.add_to_room(now_ms, room, person).err() };
        match refusal {
            // The store takes what it is given in order: by its answer to nothing the step is there.
            None => drop(self.persist(Vec::new(), Pending::LetIn { ticket, person, room, request })),
            Some(RoomRefusal::Send(_)) => {
                self.answer_redeeming(ticket, person, request, InviteResponse::Busy);
            }
            Some(_) => {
                let response = InviteResponse::Refused(InviteRefusal::Revoked);
                self.answer_redeeming(ticket, person, request, response);
            }
        }
    }

    /// The disk has answered for the step that lets them in.
    pub(crate) fn let_in_by_ticket(
        &mut self,
        ticket: TicketId,
        person: PersonId,
        room: RoomId,
        request: RequestToken,
    ) {
        let is_in = self.seat_in(room, person) == Seated::Now;
        // They ask again, and are let in then.
        let response = if is_in { InviteResponse::Accepted } else { InviteResponse::Busy };
        self.answer_redeeming(ticket, person, request, response);
    }

    /// The disk fails: they ask again.
    pub(crate) fn not_let_in_by_ticket(&mut self, ticket: TicketId, person: PersonId, request: RequestToken) {
        self.answer_redeeming(ticket, person, request, InviteResponse::Busy);
    }

    fn answer_redeeming(
        &mut self,
        ticket: TicketId,
        person: PersonId,
        request: RequestToken,
        response: InviteResponse,
    ) {
        self.invites.redeeming.remove(&(ticket, person));
        self.push(Output::RespondInvite { request, response });
    }

    /// The disk did not take it: they are not told that they are in, and nobody was counted.
    pub(crate) fn use_not_counted(&mut self, ticket: TicketId, person: PersonId, request: RequestToken) {
        if let Some(record) = self.invites.made.get_mut(&ticket) {
            record.used_by.retain(|known| *known != person);
        }
        self.answer_redeeming(ticket, person, request, InviteResponse::Busy);
    }
}
