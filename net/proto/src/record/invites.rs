//! Invitations as they rest on the disk: those we made, and those of others that we opened.

use serde::{Deserialize, Serialize};

use crate::id::{ConversationId, DeviceId, PersonId, RoomId};
use crate::invite::{InviteRefusal, TicketId};
use crate::name::DisplayName;
use crate::ticket::{TicketRoom, TicketToken};

/// An invitation that we made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InviteRecord {
    /// What its ticket proves.
    pub token: TicketToken,
    /// What it lets the bearer into; `None` for a chat with us.
    pub room: Option<TicketRoom>,
    /// When it was made, in Unix milliseconds.
    pub made_ms: u64,
    /// From when on it is no longer good, in Unix milliseconds; `None` for never.
    pub expires_ms: Option<u64>,
    /// How many people may use it; `None` for any number.
    pub uses: Option<u32>,
    /// Who used it, in that order.
    pub used_by: Vec<PersonId>,
    /// Whether it was taken back.
    pub revoked: bool,
}

impl InviteRecord {
    /// What its ticket is called.
    pub fn id(&self) -> TicketId {
        self.token.id()
    }
}

/// An invitation of somebody else that was opened here, until the two of us met.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpeningRecord {
    /// What proves that it was given to us.
    pub token: TicketToken,
    /// Who invites.
    pub person: PersonId,
    /// What they called themselves.
    pub name: DisplayName,
    /// Their devices, as the ticket names them: where to look, and nothing more.
    pub devices: Vec<DeviceId>,
    /// What it lets us into; `None` for a chat with them.
    pub room: Option<TicketRoom>,
    /// When it was opened, in Unix milliseconds.
    pub opened_ms: u64,
    /// Why it came to nothing, once they said so.
    pub refused: Option<InviteRefusal>,
}

impl OpeningRecord {
    /// What the ticket is called.
    pub fn id(&self) -> TicketId {
        self.token.id()
    }

    /// Where it leads: for a private room to its maker, who has to let us in first.
    pub fn leads_to(&self) -> ConversationId {
        match &self.room {
            Some(TicketRoom::Public(name)) => ConversationId::Room(RoomId::public(name)),
            Some(TicketRoom::Founded { id, .. }) => ConversationId::Room(*id),
            Some(TicketRoom::Private(_)) | None => ConversationId::Direct(self.person),
        }
    }

    /// Whether its maker counts who uses it: a public room is open to everybody.
    pub fn is_counted(&self) -> bool {
        self.room.as_ref().is_none_or(TicketRoom::is_counted)
    }
}
