//! What the faces decide about rooms: founding and entering them, letting people in and out, what is shown.
//!
//! Runs wherever it is called, like the rest of the handle.

use kinmesh_core::{EntryView, HideHere, Mute, NewPublicRoom, NewRoom};
use kinmesh_proto::{EntryKey, PersonId, Role, RoomId, RoomName, RoomPicture, RoomSettings, StatusLine};

use crate::error::RoomError;
use crate::handle::{ChatHandle, Command, NodeHandle, Reply, RoomHandle};

/// What the driver is asked to do with rooms.
pub(crate) enum RoomCommand {
    Create { new: NewRoom, reply: Reply<RoomError, RoomId> },
    Found { new: NewPublicRoom, reply: Reply<RoomError, RoomId> },
    EnterFounded { room: RoomId, name: RoomName, reply: Reply<RoomError> },
    Knock { room: RoomId, knocking: Knocking, reply: Reply<RoomError> },
    HideHere { room: RoomId, what: HideHere, hidden: bool, reply: Reply<RoomError> },
    Enter { room: RoomId, name: RoomName, host: PersonId, reply: Reply<RoomError> },
    CarryOn { room: RoomId, reply: Reply<RoomError, RoomId> },
    Decide { room: RoomId, decision: Decision, reply: Reply<RoomError> },
}

/// What an admin decides.
pub(crate) enum Decision {
    Add(PersonId),
    Remove(PersonId, Option<u64>),
    SetRole(PersonId, Role),
    SetSettings(RoomSettings),
    SetPicture(Option<RoomPicture>),
    Hide { entries: Vec<EntryKey>, hidden: bool, reason: StatusLine },
    Mute(PersonId, Mute),
}

/// What is done at a room's door.
pub(crate) enum Knocking {
    Knock(String),
    Stop,
    Decline(PersonId),
}

impl NodeHandle {
    /// Founds a private room with contacts in it, who get an invitation in their chats. It is on our
    /// disk when this returns.
    pub async fn create_room(&self, new: NewRoom) -> Result<RoomHandle, RoomError> {
        let room = self.call(|reply| Command::Room(RoomCommand::Create { new, reply })).await??;
        Ok(self.room(room))
    }

    /// Founds a public room, of which we are the first admin. It is on our disk when this returns.
    pub async fn found_room(&self, new: NewPublicRoom) -> Result<RoomHandle, RoomError> {
        let room = self.call(|reply| Command::Room(RoomCommand::Found { new, reply })).await??;
        Ok(self.room(room))
    }

    /// Enters a founded public room, which is called `name` until a member brings its log. One that we are in
    /// already is returned as it is.
    pub async fn enter_founded(&self, room: RoomId, name: RoomName) -> Result<RoomHandle, RoomError> {
        self.call(|reply| Command::Room(RoomCommand::EnterFounded { room, name, reply })).await??;
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

    /// Lets a contact into a private room; they get an invitation in the chat with us. Into a public one
    /// that is knocked at, anybody.
    pub async fn add(&self, person: PersonId) -> Result<(), RoomError> {
        self.decide(Decision::Add(person)).await
    }

    /// Puts somebody out of a room. They keep what they have of it. In a public room nothing that they write
    /// is shown any more; nor, with `from_ms`, what they wrote since then.
    pub async fn remove(&self, person: PersonId, from_ms: Option<u64>) -> Result<(), RoomError> {
        self.decide(Decision::Remove(person, from_ms)).await
    }

    /// Hides entries from everybody, or shows them again.
    pub async fn hide(
        &self,
        entries: Vec<EntryKey>,
        hidden: bool,
        reason: StatusLine,
    ) -> Result<(), RoomError> {
        self.decide(Decision::Hide { entries, hidden, reason }).await
    }

    /// Mutes somebody, or ends that.
    pub async fn mute(&self, person: PersonId, mute: Mute) -> Result<(), RoomError> {
        self.decide(Decision::Mute(person, mute)).await
    }

    /// Hides something for the user alone, or shows it again. Nobody is told.
    pub async fn hide_here(&self, what: HideHere, hidden: bool) -> Result<(), RoomError> {
        let room = self.id();
        self.node().call(|reply| Command::Room(RoomCommand::HideHere { room, what, hidden, reply })).await?
    }

    /// Asks the admins of a founded room to let us in, until one does or we stop.
    pub async fn knock(&self, text: String) -> Result<(), RoomError> {
        self.at_the_door(Knocking::Knock(text)).await
    }

    /// No longer asks to be let in.
    pub async fn stop_knocking(&self) -> Result<(), RoomError> {
        self.at_the_door(Knocking::Stop).await
    }

    /// Declines somebody who knocks. They are not told.
    pub async fn decline_knock(&self, person: PersonId) -> Result<(), RoomError> {
        self.at_the_door(Knocking::Decline(person)).await
    }

    async fn at_the_door(&self, knocking: Knocking) -> Result<(), RoomError> {
        let room = self.id();
        self.node().call(|reply| Command::Room(RoomCommand::Knock { room, knocking, reply })).await?
    }

    /// Changes what somebody may do.
    pub async fn set_role(&self, person: PersonId, role: Role) -> Result<(), RoomError> {
        self.decide(Decision::SetRole(person, role)).await
    }

    /// Changes what the room is called and how it is kept.
    pub async fn set_settings(&self, settings: RoomSettings) -> Result<(), RoomError> {
        self.decide(Decision::SetSettings(settings)).await
    }

    /// Gives the room a picture, or takes it away.
    pub async fn set_picture(&self, picture: Option<RoomPicture>) -> Result<(), RoomError> {
        self.decide(Decision::SetPicture(picture)).await
    }

    async fn decide(&self, decision: Decision) -> Result<(), RoomError> {
        let room = self.id();
        self.node().call(|reply| Command::Room(RoomCommand::Decide { room, decision, reply })).await?
    }
}
