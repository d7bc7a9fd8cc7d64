//! What the faces decide about private rooms: founding and entering them, letting people in and out.
//!
//! Runs wherever it is called, like the rest of the handle.

use kinmesh_core::{EntryView, NewRoom};
use kinmesh_proto::{EntryKey, PersonId, Role, RoomId, RoomName, RoomSettings};

use crate::error::RoomError;
use crate::handle::{ChatHandle, Command, NodeHandle, Reply, RoomHandle};

/// What the driver is asked to do with private rooms.
pub(crate) enum RoomCommand {
    Create { new: NewRoom, reply: Reply<RoomError, RoomId> },
    Enter { room: RoomId, name: RoomName, host: PersonId, reply: Reply<RoomError> },
    CarryOn { room: RoomId, reply: Reply<RoomError, RoomId> },
    Decide { room: RoomId, decision: Decision, reply: Reply<RoomError> },
}

/// What an admin decides.
pub(crate) enum Decision {
    Add(PersonId),
    Remove(PersonId),
    SetRole(PersonId, Role),
    SetSettings(RoomSettings),
}

impl NodeHandle {
    /// Founds a private room with contacts in it, who get an invitation in their chats. It is on our
    /// disk when this returns.
    pub async fn create_room(&self, new: NewRoom) -> Result<RoomHandle, RoomError> {
        let room = self.call(|reply| Command::Room(RoomCommand::Create { new, reply })).await??;
        Ok(self.room(room))
    }
}

impl ChatHandle {
    /// Enters the private room to which a post of this chat invites ([`kinmesh_core::EntryView`]'s `invites_to`).
    /// Its name and its history come once a member is connected.
    pub async fn enter_room(&self, invitation: EntryKey) -> Result<RoomHandle, RoomError> {
        let post = self.post(invitation).await?.filter(|post| post.author == self.person());
        self.node().enter(post).await
    }
}

impl NodeHandle {
    /// Enters the room to which a post invites; its author is asked for the log.
    async fn enter(&self, invitation: Option<EntryView>) -> Result<RoomHandle, RoomError> {
        let EntryView { author: host, invites_to, .. } = invitation.ok_or(RoomError::NoInvitation)?;
        let invited = invites_to.ok_or(RoomError::NoInvitation)?;
        let (room, name) = (invited.room, invited.name);
        self.call(|reply| Command::Room(RoomCommand::Enter { room, name, host, reply })).await??;
        Ok(self.room(room))
    }
}

impl RoomHandle {
    /// Enters the private room to which somebody's post in this one invites: it carries this one on.
    pub async fn enter_room(&self, invitation: EntryKey) -> Result<RoomHandle, RoomError> {
        let me = self.node().overview().me.person;
        let post = self.post(invitation).await?.filter(|post| post.author != me);
        self.node().enter(post).await
    }

    /// Carries a private room on in a new one, of which we are the admin: whoever is in this one has a seat
    /// in that, and is told so here. Done again, they are told again.
    pub async fn carry_on(&self) -> Result<RoomHandle, RoomError> {
        let room = self.id();
        let next = self.node().call(|reply| Command::Room(RoomCommand::CarryOn { room, reply })).await??;
        Ok(self.node().room(next))
    }

    /// Lets a contact into a private room; they get an invitation in the chat with us.
    pub async fn add(&self, person: PersonId) -> Result<(), RoomError> {
        self.decide(Decision::Add(person)).await
    }

    /// Puts somebody out of a private room. They keep what they have of it.
    pub async fn remove(&self, person: PersonId) -> Result<(), RoomError> {
        self.decide(Decision::Remove(person)).await
    }

    /// Changes what somebody may do in a private room.
    pub async fn set_role(&self, person: PersonId, role: Role) -> Result<(), RoomError> {
        self.decide(Decision::SetRole(person, role)).await
    }

    /// Changes what a private room is called and how it is kept.
    pub async fn set_settings(&self, settings: RoomSettings) -> Result<(), RoomError> {
        self.decide(Decision::SetSettings(settings)).await
    }

    async fn decide(&self, decision: Decision) -> Result<(), RoomError> {
        let room = self.id();
        self.node().call(|reply| Command::Room(RoomCommand::Decide { room, decision, reply })).await?
    }
}
