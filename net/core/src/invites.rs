//! Invitations: tickets that we made, and tickets of others that we opened.
//!
//! Owns what they are made for and what became of them. A ticket to a chat or a private room is redeemed
//! with its maker, who counts it and lets the bearer in ([`redeeming`]); the bearer waits for that as long as it takes ([`opening`]). A public
//! room is open to whoever knows its name, so there a ticket says where to go and is not counted.

mod gate;
mod opening;
mod redeeming;
mod view;

use std::collections::{BTreeMap, BTreeSet};

use kinmesh_proto::record::{InviteRecord, OpeningRecord, Write};
use kinmesh_proto::{
    ConversationId, Entry, PersonId, RoomId, TicketError, TicketId, TicketRoom, TicketToken, limits,
};

use crate::contacts::{Because, ContactRefusal};
use crate::event::Event;
use crate::node::{Core, Pending};
use crate::output::{Output, Token};
use crate::view::Acquaintance;
use gate::Gate;
use opening::Opening;
pub use opening::check_ticket;
pub use view::{InviteState, InviteView, OpeningView};

/// Invitations kept of those we made. Beyond it the oldest that is no longer good makes room.
pub const INVITES_MAX: usize = 256;

/// What a new invitation is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewInvite {
    /// The room that it leads into; `None` for a chat with us.
    pub room: Option<RoomId>,
    /// From when on it is no longer good, in Unix milliseconds; `None` for never.
    pub expires_ms: Option<u64>,
    /// How many people may use it; `None` for any number.
    pub uses: Option<u32>,
}

/// Why an invitation was not made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InviteFault {
    /// We are not in that room.
    #[error("you are not in this room")]
    NotJoined,
    /// Only admins let people into a private room.
    #[error("only admins of the room invite into it")]
    NotAdmin,
    /// It would be over before it began.
    #[error("the invitation would have expired already")]
    Past,
    /// Nobody could use it, or more people than are counted.
    #[error("an invitation is for 1 to {} people, or for any number", limits::TICKET_USES_MAX)]
    Uses,
    /// Who may enter a public room is not counted.
    #[error("a public room is open to everybody who knows its name: its invitations are not counted")]
    NotCounted,
    /// There are [`INVITES_MAX`] that are still good.
    #[error("there are {INVITES_MAX} invitations already: take some of them back")]
    TooMany,
}

/// We made no such invitation, or opened none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("there is no such invitation")]
pub struct UnknownInvite;

/// Why a ticket is not opened. Nothing has changed then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OpenFault {
    /// It says so itself.
    #[error(transparent)]
    Ticket(#[from] TicketError),
    /// We made it.
    #[error("this is an invitation of your own")]
    Own,
    /// The user blocked who made it.
    #[error("this invitation is from somebody you blocked")]
    Blocked,
    /// Too many wait for their makers already.
    #[error("too many opened invitations wait already: dismiss some of them")]
    TooMany,
    /// More rooms than one peer can take part in.
    #[error(transparent)]
    TooManyRooms(#[from] crate::TooManyRooms),
}

/// With which entries somebody asked before they became a contact by an invitation; `None` if they did not.
pub(crate) type NewContact = Option<Vec<Entry>>;

/// All invitations of one peer.
#[derive(Debug, Default)]
pub(crate) struct Invites {
    made: BTreeMap<TicketId, InviteRecord>,
    opened: BTreeMap<TicketId, Opening>,
    /// Uses on their way to the disk.
    redeeming: BTreeSet<(TicketId, PersonId)>,
    gate: Gate,
}

impl Invites {
    pub(crate) fn restore(made: Vec<InviteRecord>, opened: Vec<OpeningRecord>, now_ms: u64) -> Self {
        Self {
            made: made.into_iter().map(|record| (record.id(), record)).collect(),
            opened: opening::restored(opened, now_ms),
            ..Self::default()
        }
    }

    /// What brings the disk up to date with an invitation that we made.
    pub(crate) fn write_of_made(&self, ticket: TicketId) -> Write {
        self.made.get(&ticket).map_or(Write::RemoveInvite(ticket), |record| Write::PutInvite(record.clone()))
    }

    /// The same of one that we opened.
    pub(crate) fn write_of_opened(&self, ticket: TicketId) -> Write {
        let put = |opening: &Opening| Write::PutOpening(opening.record.clone());
        self.opened.get(&ticket).map_or(Write::RemoveOpening(ticket), put)
    }

    /// The oldest one that is no longer good.
    fn oldest_dead(&self, now_ms: u64) -> Option<TicketId> {
        let is_dead =
            |record: &&InviteRecord| record.revoked || InviteState::of(record, now_ms) != InviteState::Open;
        self.made.values().filter(is_dead).min_by_key(|record| record.made_ms).map(InviteRecord::id)
    }
}

impl Core {
    /// Makes an invitation; `token` must be random. The token to wait for is for [`Core::persisted`].
    pub fn make_invite(
        &mut self,
        now_ms: u64,
        token: TicketToken,
        new: NewInvite,
    ) -> Result<(Token, InviteView), InviteFault> {
        let NewInvite { room, expires_ms, uses } = new;
        let room = room.map(|room| self.invited_into(room)).transpose()?;
        if expires_ms.is_some_and(|expires_ms| expires_ms <= now_ms) {
            return Err(InviteFault::Past);
        }
        match uses {
            Some(_) if room.as_ref().is_some_and(|room| !room.is_counted()) => {
                return Err(InviteFault::NotCounted);
            }
            Some(uses) if !(1..=limits::TICKET_USES_MAX).contains(&uses) => return Err(InviteFault::Uses),
            _ => {}
        }
        let mut writes = Vec::new();
        if self.invites.made.len() >= INVITES_MAX {
            let dead = self.invites.oldest_dead(now_ms).ok_or(InviteFault::TooMany)?;
            self.invites.made.remove(&dead);
            writes.push(Write::RemoveInvite(dead));
        }
        let record =
            InviteRecord { token, room, made_ms: now_ms, expires_ms, uses, used_by: vec![], revoked: false };
        writes.push(Write::PutInvite(record.clone()));
        let view = InviteView::of(&record);
        Ok((self.persist(writes, Pending::InviteMade(record)), view))
    }

    fn invited_into(&self, room: RoomId) -> Result<TicketRoom, InviteFault> {
        let known = self.conversations.get(&ConversationId::Room(room)).filter(|known| known.record.open);
        if known.is_some() && self.is_private(room) {
            let is_admin = self.may_decide(room).is_ok();
            return if is_admin { Ok(TicketRoom::Private(room)) } else { Err(InviteFault::NotAdmin) };
        }
        let name = known.and_then(|known| known.record.name.clone()).ok_or(InviteFault::NotJoined)?;
        match self.is_founded(room) {
            true => Ok(TicketRoom::Founded { id: room, name }),
            false => Ok(TicketRoom::Public(name)),
        }
    }

    pub(crate) fn invite_made(&mut self, record: InviteRecord) {
        self.invites.made.insert(record.id(), record);
        self.push(Output::Emit(Event::InvitesChanged));
    }

    /// Takes an invitation back: from now on nobody can use it, and it is listed no more.
    pub fn revoke_invite(&mut self, ticket: TicketId) -> Result<Token, UnknownInvite> {
        let record = self.invites.made.get_mut(&ticket).filter(|record| !record.revoked);
        let record = record.ok_or(UnknownInvite)?;
        record.revoked = true;
        let write = Write::PutInvite(record.clone());
        Ok(self.persist(vec![write], Pending::InvitesChanged))
    }

    /// An invitation that we made and that was not taken back: what its ticket is made of.
    pub fn invite(&self, ticket: TicketId) -> Option<&InviteRecord> {
        self.invites.made.get(&ticket).filter(|record| !record.revoked)
    }

    /// Invitations that we made, the newest first; those taken back are not listed.
    pub(crate) fn invite_views(&self) -> Vec<InviteView> {
        let listed = self.invites.made.values().filter(|record| !record.revoked);
        let mut views: Vec<InviteView> = listed.map(InviteView::of).collect();
        views.sort_by_key(|view| (std::cmp::Reverse(view.made_ms), view.id));
        views
    }

    /// One of the two was invited by the other: they are contacts from now on, unless they are already.
    fn take_invited(
        &mut self,
        now_ms: u64,
        person: PersonId,
    ) -> Result<(Vec<Write>, NewContact), ContactRefusal> {
        if self.acquaintance(person)? == Acquaintance::Contact {
            return Ok((Vec::new(), None));
        }
        let (writes, asked) = self.take_as_contact(now_ms, person)?;
        Ok((writes, Some(asked)))
    }

    /// The disk has what came of an invitation.
    pub(crate) fn invited_persisted(
        &mut self,
        now_ms: u64,
        person: PersonId,
        new: NewContact,
        fresh: &[bool],
    ) {
        if let Some(asked) = new {
            self.contacts_persisted(now_ms, person, Because::Invited, &asked, fresh);
        }
    }
}
