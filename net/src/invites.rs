//! What the faces do with invitations: make them, give away their tickets, open those of others.
//!
//! Runs wherever it is called, like the rest of the handle.

use std::time::Duration;

use kinmesh_core::{InviteView, NewInvite};
use kinmesh_proto::{ConversationId, Ticket, TicketId};
use tokio::time::timeout;

use crate::error::{InviteError, OpenError};
use crate::handle::{Command, NodeHandle, Reply};

/// A ticket waits this long for the first address of ours.
const LISTENING_MAX: Duration = Duration::from_secs(2);

/// What the driver is asked to do with invitations.
pub(crate) enum InviteCommand {
    Make { new: NewInvite, reply: Reply<InviteError, InviteView> },
    Ticket { invite: TicketId, reply: Reply<InviteError, Ticket> },
    Revoke { invite: TicketId, reply: Reply<InviteError> },
    Open { ticket: Box<Ticket>, reply: Reply<OpenError, ConversationId> },
    Dismiss { invite: TicketId, reply: Reply<InviteError> },
}

impl NodeHandle {
    /// Makes an invitation. It is on our disk when this returns;
    /// [`crate::Overview::invites`] lists it.
    pub async fn make_invite(&self, new: NewInvite) -> Result<InviteView, InviteError> {
        self.call(|reply| Command::Invite(InviteCommand::Make { new, reply })).await?
    }

    /// The ticket of an invitation of ours, to give away: with the addresses and bootstrap nodes of now,
    /// so ask for it when it is wanted.
    pub async fn ticket(&self, invite: TicketId) -> Result<Ticket, InviteError> {
        // A moment after the start it is not known yet where that is.
        let listens = |status: &crate::NodeStatus| !status.listening.is_empty();
        let _ = timeout(LISTENING_MAX, self.watch_status().wait_for(listens)).await;
        self.call(|reply| Command::Invite(InviteCommand::Ticket { invite, reply })).await?
    }

    /// Takes an invitation of ours back.
    pub async fn revoke_invite(&self, invite: TicketId) -> Result<(), InviteError> {
        self.call(|reply| Command::Invite(InviteCommand::Revoke { invite, reply })).await?
    }

    /// Opens a ticket, and returns where it leads: to a room, which is joined, or to the chat with its
    /// maker. [`crate::Overview::openings`] says what it waits for.
    pub async fn open_ticket(&self, ticket: Ticket) -> Result<ConversationId, OpenError> {
        let ticket = Box::new(ticket);
        self.call(|reply| Command::Invite(InviteCommand::Open { ticket, reply })).await?
    }

    /// Gives up a ticket that was opened, or takes note that it came to nothing.
    pub async fn dismiss_opening(&self, invite: TicketId) -> Result<(), InviteError> {
        self.call(|reply| Command::Invite(InviteCommand::Dismiss { invite, reply })).await?
    }
}
