//! The maker's side of a ticket: who comes with it is counted on the disk before they are answered.
//!
//! A use is counted once for each person, however often they ask: after an answer that was lost, or
//! after either program was started anew, they are told the same again.

use kinmesh_proto::record::Write;
use kinmesh_proto::{
    DeviceId, InviteRecord, InviteRefusal, InviteRequest, InviteResponse, PersonId, TicketId, TicketRoom,
    limits,
};

use super::InviteState;
use crate::event::Event;
use crate::node::{Core, Pending};
use crate::output::{Output, RequestToken};

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
            Ok(person) => self.count_use(now_ms, ticket, person, token),
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
    ) -> Result<PersonId, InviteResponse> {
        // Their hello may be on its way still: they will ask again.
        let person = self.people.person_of(device).ok_or(InviteResponse::Busy)?;
        if !self.invites.gate.lets_in(now_ms, device) || self.invites.redeeming.contains(&(ticket, person)) {
            return Err(InviteResponse::Busy);
        }
        let me = self.me();
        let is_counted = |record: &&InviteRecord| !matches!(record.room, Some(TicketRoom::Public(_)));
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
            return Err(InviteResponse::Accepted);
        }
        let may_let_in = |room: &TicketRoom| match room {
            TicketRoom::Private(room) => self.may_decide(*room).is_ok(),
            TicketRoom::Public(_) => true,
        };
        if record.revoked || !record.room.as_ref().is_none_or(may_let_in) {
            return Err(InviteResponse::Refused(InviteRefusal::Revoked));
        }
        match InviteState::of(record, now_ms) {
            InviteState::Open => Ok(person),
            InviteState::Expired => Err(InviteResponse::Refused(InviteRefusal::Expired)),
            InviteState::UsedUp => Err(InviteResponse::Refused(InviteRefusal::UsedUp)),
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
        self.invites.redeeming.remove(&(ticket, person));
        let room = self.invites.made.get(&ticket).and_then(|record| record.room.clone());
        if let Some(TicketRoom::Private(room)) = room {
            // Who is in already needs no step.
            let _ = self.add_to_room(now_ms, room, person);
        }
        self.push(Output::RespondInvite { request, response: InviteResponse::Accepted });
        self.push(Output::Emit(Event::InviteUsed { invite: ticket, person }));
    }

    /// The disk did not take it: they are not told that they are in, and nobody was counted.
    pub(crate) fn use_not_counted(&mut self, ticket: TicketId, person: PersonId, request: RequestToken) {
        self.invites.redeeming.remove(&(ticket, person));
        if let Some(record) = self.invites.made.get_mut(&ticket) {
            record.used_by.retain(|known| *known != person);
        }
        self.push(Output::RespondInvite { request, response: InviteResponse::Busy });
    }
}
