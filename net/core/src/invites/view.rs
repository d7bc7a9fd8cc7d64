//! Invitations as the faces show them.

use kinmesh_proto::record::{InviteRecord, OpeningRecord};
use kinmesh_proto::{
    ConversationId, DisplayName, InviteRefusal, PersonId, RoomId, RoomName, TicketId, TicketRoom,
};
use serde::Serialize;

use crate::view::WaitReason;

/// An invitation that we made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InviteView {
    /// Names it.
    pub id: TicketId,
    /// What the public room is called that it leads into; `None` for a chat with us, and for a private room.
    pub room: Option<RoomName>,
    /// The private room it leads into.
    pub private_room: Option<RoomId>,
    /// When it was made, in Unix milliseconds.
    pub made_ms: u64,
    /// From when on it is no longer good, in Unix milliseconds; `None` for never.
    pub expires_ms: Option<u64>,
    /// How many people may use it; `None` for any number.
    pub uses: Option<u32>,
    /// Who used it, in that order; of very many the first ones.
    pub used_by: Vec<PersonId>,
}

/// Whether an invitation that we made is still good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum InviteState {
    /// It is.
    Open,
    /// Its time is over.
    Expired,
    /// As many people as it was made for have used it.
    UsedUp,
}

impl InviteState {
    pub(super) fn of(record: &InviteRecord, now_ms: u64) -> Self {
        InviteView::of(record).state(now_ms)
    }
}

impl InviteView {
    pub(super) fn of(record: &InviteRecord) -> Self {
        let (room, private_room) = match &record.room {
            Some(TicketRoom::Public(name) | TicketRoom::Founded { name, .. }) => (Some(name.clone()), None),
            Some(TicketRoom::Private(room)) => (None, Some(*room)),
            None => (None, None),
        };
        Self {
            id: record.id(),
            room,
            private_room,
            made_ms: record.made_ms,
            expires_ms: record.expires_ms,
            uses: record.uses,
            used_by: record.used_by.clone(),
        }
    }

    /// Whether it is still good at this time, in Unix milliseconds.
    pub fn state(&self, now_ms: u64) -> InviteState {
        if self.expires_ms.is_some_and(|expires_ms| expires_ms <= now_ms) {
            InviteState::Expired
        } else if self.uses_left() == Some(0) {
            InviteState::UsedUp
        } else {
            InviteState::Open
        }
    }

    /// How many more people may use it; `None` for any number.
    pub fn uses_left(&self) -> Option<u32> {
        let used = u32::try_from(self.used_by.len()).unwrap_or(u32::MAX);
        self.uses.map(|uses| uses.saturating_sub(used))
    }
}

/// An invitation of somebody else that was opened here and has not come to its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OpeningView {
    /// Names it.
    pub id: TicketId,
    /// Who invites.
    pub person: PersonId,
    /// What they called themselves in it.
    pub name: DisplayName,
    /// Where it leads.
    pub conversation: ConversationId,
    /// When it was opened, in Unix milliseconds.
    pub opened_ms: u64,
    /// What it waits for; `None` when it came to nothing.
    pub waiting: Option<WaitReason>,
    /// Why it came to nothing; `None` while it waits.
    pub refused: Option<InviteRefusal>,
}

impl OpeningView {
    pub(super) fn of(record: &OpeningRecord, waiting: WaitReason) -> Self {
        Self {
            id: record.id(),
            person: record.person,
            name: record.name.clone(),
            conversation: record.leads_to(),
            opened_ms: record.opened_ms,
            waiting: record.refused.is_none().then_some(waiting),
            refused: record.refused,
        }
    }
}
