//! What the faces do with calls: ring, answer, take part, leave.
//!
//! Runs wherever it is called, like the rest of the handle. [`crate::Overview::calls`] says what calls
//! there are and how far each is; [`kinmesh_core::Event::CallEnded`] how one ended.

use kinmesh_proto::{CallId, PersonId, RoomId};

use crate::error::{CallRefusalError, MediaError};
use crate::handle::{Command, NodeHandle, Reply, RoomHandle, ask};
use crate::media::MediaLink;

/// How the driver is asked to begin a call.
pub(crate) enum CallCommand {
    Ring { person: PersonId, reply: Reply<CallRefusalError, CallId> },
    EnterVoice { room: RoomId, reply: Reply<CallRefusalError, CallId> },
}

/// What the driver is asked to do with a call that there is.
///
/// Does not wait for the store: who mutes themselves or hangs up means now. There are only so many calls
/// and people in them, so what the store is given for it is bounded all the same.
pub(crate) enum InCall {
    Media { call: CallId, reply: Reply<MediaError, MediaLink> },
    Change { call: CallId, change: CallChange, reply: Reply<CallRefusalError> },
}

/// What becomes of a call.
pub(crate) enum CallChange {
    Accept,
    Decline { text: Option<String> },
    Ignore,
    HangUp,
    Mute(bool),
    Hold(bool),
    Add(PersonId),
    Transfer(PersonId),
}

impl NodeHandle {
    /// Rings a contact. The call is over at once if they are not connected. If they ring us by now, it is
    /// accepted.
    pub async fn ring(&self, person: PersonId) -> Result<CallHandle, CallRefusalError> {
        let id = self.call(|reply| Command::Call(CallCommand::Ring { person, reply })).await??;
        Ok(self.call_of(id))
    }

    /// The way to a call. Its methods say so when it is over.
    pub fn call_of(&self, id: CallId) -> CallHandle {
        CallHandle { node: self.clone(), id }
    }
}

impl RoomHandle {
    /// Enters the room's voice channel, which is a call with all who are in it.
    pub async fn enter_voice(&self) -> Result<CallHandle, CallRefusalError> {
        let room = self.id();
        let node = self.node();
        let id = node.call(|reply| Command::Call(CallCommand::EnterVoice { room, reply })).await??;
        Ok(node.call_of(id))
    }
}

/// The only way to act in a call.
#[derive(Clone)]
pub struct CallHandle {
    node: NodeHandle,
    id: CallId,
}

impl CallHandle {
    /// Which call.
    pub fn id(&self) -> CallId {
        self.id
    }

    /// Answers a ring.
    pub async fn accept(&self) -> Result<(), CallRefusalError> {
        self.change(CallChange::Accept).await
    }

    /// Turns a ring down, if wanted with a few words.
    pub async fn decline(&self, text: Option<String>) -> Result<(), CallRefusalError> {
        self.change(CallChange::Decline { text }).await
    }

    /// Lets it ring there, and no longer here. They are told nothing.
    pub async fn ignore(&self) -> Result<(), CallRefusalError> {
        self.change(CallChange::Ignore).await
    }

    /// Leaves a call, gives a ring up, or turns one down.
    pub async fn hang_up(&self) -> Result<(), CallRefusalError> {
        self.change(CallChange::HangUp).await
    }

    /// Says nothing, or something again. The others are told.
    pub async fn mute(&self, muted: bool) -> Result<(), CallRefusalError> {
        self.change(CallChange::Mute(muted)).await
    }

    /// Neither says nor hears anything, or comes back. The others are told.
    pub async fn hold(&self, held: bool) -> Result<(), CallRefusalError> {
        self.change(CallChange::Hold(held)).await
    }

    /// Rings one more contact for a call that stands.
    pub async fn add(&self, person: PersonId) -> Result<(), CallRefusalError> {
        self.change(CallChange::Add(person)).await
    }

    /// Has the other in a call of two ring a contact in our place. We leave once that contact is in it.
    pub async fn transfer(&self, to: PersonId) -> Result<(), CallRefusalError> {
        self.change(CallChange::Transfer(to)).await
    }

    /// Its media, both ways, for whoever records and plays it: the first who asks has it until the call is
    /// over. It may be asked for as soon as there is a call, before anybody has answered.
    pub async fn media(&self) -> Result<MediaLink, MediaError> {
        let call = self.id;
        ask(&self.node.in_calls, |reply| InCall::Media { call, reply }).await?
    }

    async fn change(&self, change: CallChange) -> Result<(), CallRefusalError> {
        let call = self.id;
        ask(&self.node.in_calls, |reply| InCall::Change { call, change, reply }).await?
    }
}
