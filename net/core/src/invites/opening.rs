//! The bearer's side of a ticket: it is kept until its maker was met, over any number of starts.
//!
//! What a ticket says about its maker is nobody's signed word. It tells where to look; who answers
//! there proves by their hello that they are the person it names.

use std::collections::BTreeMap;

use kinmesh_proto::record::{OpeningRecord, Write};
use kinmesh_proto::{
    ConversationId, DeviceId, InviteRefusal, InviteRequest, InviteResponse, PersonId, PersonRecord, Ticket,
    TicketId, TicketRoom,
};
use serde_bytes::ByteArray;

use super::{OpenFault, OpeningView, UnknownInvite};
use crate::event::Event;
use crate::node::{Core, Pending};
use crate::output::{Output, Token};
use crate::view::{Online, WaitReason};

/// Opened tickets that wait for their makers at a time.
const OPENINGS_MAX: usize = 64;
/// After an answer that never came, or that said to wait, the first one waits this long; then twice
/// as long each time.
const RETRY_FIRST_MS: u64 = 1_000;
const RETRY_MAX_MS: u64 = 30_000;
/// Who invited into a public room is looked for this long. The room is found without them, too.
const ROOM_MAKER_SOUGHT_MS: u64 = 30 * 24 * 60 * 60 * 1000;

/// An opened ticket and how it goes.
#[derive(Debug)]
pub(super) struct Opening {
    pub(super) record: OpeningRecord,
    /// Whether its maker was asked and has not answered.
    is_asked: bool,
    retry_at_ms: u64,
    failures: u32,
}

impl Opening {
    fn new(record: OpeningRecord) -> Self {
        Self { record, is_asked: false, retry_at_ms: 0, failures: 0 }
    }

    fn is_waiting(&self) -> bool {
        self.record.refused.is_none()
    }

    fn is_due(&self, now_ms: u64) -> bool {
        self.record.is_counted() && self.is_waiting() && !self.is_asked && self.retry_at_ms <= now_ms
    }

    fn retry_later(&mut self, now_ms: u64) {
        self.is_asked = false;
        self.retry_at_ms = now_ms + (RETRY_FIRST_MS << self.failures.min(5)).min(RETRY_MAX_MS);
        self.failures += 1;
    }
}

/// Those of a start before this one that still wait.
pub(super) fn restored(records: Vec<OpeningRecord>, now_ms: u64) -> BTreeMap<TicketId, Opening> {
    let is_sought = |record: &OpeningRecord| {
        record.is_counted() || now_ms.saturating_sub(record.opened_ms) < ROOM_MAKER_SOUGHT_MS
    };
    let sought = records.into_iter().filter(is_sought);
    sought.map(|record| (record.id(), Opening::new(record))).collect()
}

/// Whether this person can open this ticket, as far as it can be told without asking its maker.
pub fn check_ticket(me: PersonId, now_ms: u64, ticket: &Ticket) -> Result<(), OpenFault> {
    if ticket.person == me {
        return Err(OpenFault::Own);
    }
    Ok(ticket.check_expiry(now_ms)?)
}

impl Core {
    /// Opens a ticket: joins its room, or keeps it until its maker was met. Returns where it leads; the
    /// token is `None` when all of that was done before.
    pub fn open_ticket(
        &mut self,
        now_ms: u64,
        ticket: &Ticket,
    ) -> Result<(ConversationId, Option<Token>), OpenFault> {
        check_ticket(self.me(), now_ms, ticket)?;
        if self.is_blocked(ticket.person) {
            return Err(OpenFault::Blocked);
        }
        let record = OpeningRecord {
            token: ticket.token,
            person: ticket.person,
            name: ticket.name.clone(),
            devices: ticket.devices.iter().map(|reach| reach.device).collect(),
            room: ticket.room.clone(),
            opened_ms: now_ms,
            refused: None,
        };
        let leads_to = record.leads_to();
        let known = self.invites.opened.get(&record.id());
        if known.is_none() && self.invites.opened.len() >= OPENINGS_MAX {
            return Err(OpenFault::TooMany);
        }
        let waits = known.is_some_and(Opening::is_waiting);
        let joined = match &record.room {
            Some(TicketRoom::Public(name)) => self.join_room(name.clone())?.1,
            Some(TicketRoom::Founded { id, name }) => self.enter_founded(*id, name.clone())?,
            Some(TicketRoom::Private(_)) | None => None,
        };
        let is_here = record.devices.iter().any(|device| self.people.is_linked(*device));
        let opened = match &record.room {
            _ if waits => None,
            // Whom it leads to is connected already.
            Some(TicketRoom::Public(_) | TicketRoom::Founded { .. }) if is_here => None,
            Some(TicketRoom::Public(_) | TicketRoom::Founded { .. }) => {
                Some(self.keep_opening(record, Vec::new()))
            }
            Some(TicketRoom::Private(_)) | None => {
                let met = self.meet_by_ticket(&record);
                Some(self.keep_opening(record, met))
            }
        };
        Ok((leads_to, joined.or(opened)))
    }

    fn keep_opening(&mut self, record: OpeningRecord, mut writes: Vec<Write>) -> Token {
        writes.push(Write::PutOpening(record.clone()));
        self.persist(writes, Pending::Opened(record))
    }

    /// Opens the chat with a ticket's maker, who need not have been met.
    fn meet_by_ticket(&mut self, ticket: &OpeningRecord) -> Vec<Write> {
        let mut writes = Vec::new();
        if self.people.record(ticket.person).is_none() {
            // Only they say which devices are theirs.
            let record = PersonRecord::new(ticket.person, ticket.name.clone());
            self.people.add(record.clone());
            self.person_changed(ticket.person);
            writes.push(Write::PutPerson(record));
        }
        self.open_chat(ticket.person);
        writes
    }

    pub(crate) fn opened(&mut self, now_ms: u64, record: OpeningRecord) {
        self.invites.opened.insert(record.id(), Opening::new(record));
        self.push(Output::Emit(Event::InvitesChanged));
        self.redeem_due(now_ms);
    }

    /// Gives up an opened ticket, or takes note that it came to nothing.
    pub fn dismiss_opening(&mut self, ticket: TicketId) -> Result<Token, UnknownInvite> {
        self.invites.opened.remove(&ticket).ok_or(UnknownInvite)?;
        Ok(self.persist(vec![Write::RemoveOpening(ticket)], Pending::InvitesChanged))
    }

    /// Shows tickets to their makers, where they are connected and it is time.
    pub(crate) fn redeem_due(&mut self, now_ms: u64) {
        let me = self.me();
        let mut requests = Vec::new();
        for (ticket, opening) in self.invites.opened.iter_mut().filter(|(_, opening)| opening.is_due(now_ms))
        {
            let OpeningRecord { token, person, .. } = opening.record;
            // Connected and greeted: the person behind that device is proven.
            let Some(device) = self.people.linked_device(person) else { continue };
            opening.is_asked = true;
            let proof = ByteArray::new(token.proof(person, me));
            let request = InviteRequest::Redeem { ticket: *ticket, proof };
            requests.push(Output::Redeem { device, ticket: *ticket, request });
        }
        requests.into_iter().for_each(|request| self.push(request));
    }

    /// The person said hello: whatever failed before, this connection is new.
    pub(crate) fn try_tickets_at_once(&mut self, now_ms: u64, person: PersonId) {
        for opening in self.invites.opened.values_mut().filter(|opening| opening.record.person == person) {
            // An answer that was under way cannot come any more, or counts for this question too.
            opening.is_asked = false;
            (opening.retry_at_ms, opening.failures) = (now_ms, 0);
        }
        self.redeem_due(now_ms);
    }

    /// A device of somebody who invited us into a public room is connected: nothing is left to do.
    pub(crate) fn met_by_ticket(&mut self, device: DeviceId) {
        let is_met =
            |opening: &&Opening| !opening.record.is_counted() && opening.record.devices.contains(&device);
        let met: Vec<TicketId> =
            self.invites.opened.values().filter(is_met).map(|opening| opening.record.id()).collect();
        for ticket in met {
            self.invites.opened.remove(&ticket);
            self.persist(vec![Write::RemoveOpening(ticket)], Pending::InvitesChanged);
        }
    }

    /// A ticket's maker answered.
    pub fn invite_answered(&mut self, now_ms: u64, ticket: TicketId, response: InviteResponse) {
        let Some(opening) = self.invites.opened.get_mut(&ticket).filter(|opening| opening.is_asked) else {
            return;
        };
        let (person, opened_into) = (opening.record.person, opening.record.room.clone());
        match response {
            InviteResponse::Busy => opening.retry_later(now_ms),
            InviteResponse::Refused(reason) => {
                opening.is_asked = false;
                opening.record.refused = Some(reason);
                let write = Write::PutOpening(opening.record.clone());
                let refused = Some(reason);
                self.persist(vec![write], Pending::OpeningAnswered { ticket, person, refused, new: None });
            }
            InviteResponse::Accepted => match self.take_invited(now_ms, person) {
                Ok((mut writes, new)) => {
                    writes.push(Write::RemoveOpening(ticket));
                    if let Some(TicketRoom::Private(room)) = opened_into {
                        // As many rooms as one peer takes part in: the invitation stands in the chat.
                        let _ = self.enter_room(room, None, person);
                    }
                    self.persist(writes, Pending::OpeningAnswered { ticket, person, refused: None, new });
                }
                // Blocked meanwhile: nothing comes of it.
                Err(_) => drop(self.dismiss_opening(ticket)),
            },
        }
    }

    /// It did not answer.
    pub fn invite_failed(&mut self, now_ms: u64, ticket: TicketId) {
        if let Some(opening) = self.invites.opened.get_mut(&ticket) {
            opening.retry_later(now_ms);
        }
    }

    pub(crate) fn opening_answered(
        &mut self,
        ticket: TicketId,
        person: PersonId,
        refused: Option<InviteRefusal>,
    ) {
        if refused.is_none() {
            self.invites.opened.remove(&ticket);
        }
        self.push(Output::Emit(Event::OpeningAnswered { invite: ticket, person, refused }));
    }

    /// The disk did not take an answer: the maker is asked again, and says the same.
    pub(crate) fn opening_not_answered(&mut self, ticket: TicketId) {
        if let Some(opening) = self.invites.opened.get_mut(&ticket) {
            opening.record.refused = None;
            opening.is_asked = false;
        }
    }

    /// Whether this person has not answered yet to a ticket of theirs: until then we are a stranger to
    /// them, and what we write waits. What they write to us is welcome.
    pub(crate) fn awaits_welcome(&self, person: PersonId) -> bool {
        let is_theirs = |opening: &Opening| opening.record.person == person && opening.record.is_counted();
        !self.is_blocked(person)
            && self.invites.opened.values().any(|opening| opening.is_waiting() && is_theirs(opening))
    }

    /// Devices of those whose tickets wait.
    pub(crate) fn ticket_devices(&self) -> impl Iterator<Item = DeviceId> {
        let is_sought = |opening: &&Opening| opening.is_waiting() && !self.is_blocked(opening.record.person);
        let waiting = self.invites.opened.values().filter(is_sought);
        waiting.flat_map(|opening| opening.record.devices.iter().copied())
    }

    /// People whose tickets wait.
    pub(crate) fn ticket_makers(&self) -> impl Iterator<Item = PersonId> {
        let waiting = self.invites.opened.values().filter(|opening| opening.is_waiting());
        waiting.map(|opening| opening.record.person)
    }

    /// Opened tickets that have not come to their end, the newest first.
    pub(crate) fn opening_views(&self) -> Vec<OpeningView> {
        let view = |opening: &Opening| OpeningView::of(&opening.record, self.opening_waits_for(opening));
        let mut views: Vec<OpeningView> = self.invites.opened.values().map(view).collect();
        views.sort_by_key(|view| (std::cmp::Reverse(view.opened_ms), view.id));
        views
    }

    fn opening_waits_for(&self, opening: &Opening) -> WaitReason {
        let person = opening.record.person;
        match self.people.online(person) {
            _ if self.people.linked_device(person).is_some() => WaitReason::Sending,
            Online::Online { .. } => WaitReason::Connecting,
            Online::Offline { last_seen_ms } => WaitReason::Offline { last_seen_ms },
        }
    }
}
