//! What the handles ask for, and the answers they wait for.

use kinmesh_core::{
    ChangeRefusal, ContactRefusal, EntryView, IntroduceRefusal, InviteView, SendRefusal, Token,
};
use kinmesh_proto::{CallId, ConversationId, PersonId, RoomId, limits};
use kinmesh_store::StoreError;
use libp2p::multiaddr::Protocol;

use super::{Driver, ROUND_MAX};
use crate::error::{
    CallRefusalError, ChangeError, ConnectError, EditError, IntroduceError, InviteError, OpenError,
    RoomError, SendError,
};
use crate::handle::{Command, ContactChange, Reply};
use crate::identity::unix_ms;

/// An answer that waits for the store.
pub(super) enum Waiting {
    Change(Reply<ChangeError>),
    Join(RoomId, Reply<ChangeError, RoomId>),
    Send(Box<EntryView>, Reply<SendError, EntryView>),
    Edit(Reply<EditError>),
    Introduce(Box<EntryView>, Reply<IntroduceError, EntryView>),
    Invite(Reply<InviteError>),
    InviteMade(Box<InviteView>, Reply<InviteError, InviteView>),
    Opened(ConversationId, Reply<OpenError, ConversationId>),
    Room(Reply<RoomError>),
    RoomMade(RoomId, Reply<RoomError, RoomId>),
    /// Of calls nothing rests on the disk: these wait for the overview alone.
    Call(Reply<CallRefusalError>),
    CallBegun(CallId, Reply<CallRefusalError, CallId>),
}

impl Waiting {
    /// Answers. Whoever asked may have stopped waiting, which is no fault.
    pub(super) fn answer(self, result: Result<(), NotStored>) {
        match self {
            Self::Change(reply) => drop(reply.send(result.map_err(ChangeError::from))),
            Self::Join(room, reply) => drop(reply.send(result.map(|()| room).map_err(ChangeError::from))),
            Self::Send(view, reply) => drop(reply.send(result.map(|()| *view).map_err(SendError::from))),
            Self::Introduce(view, reply) => {
                let result = result.map(|()| *view);
                drop(reply.send(result.map_err(|error| IntroduceError::Send(error.into()))));
            }
            Self::Invite(reply) => drop(reply.send(result.map_err(InviteError::from))),
            Self::InviteMade(view, reply) => {
                drop(reply.send(result.map(|()| *view).map_err(InviteError::from)));
            }
            Self::Opened(leads_to, reply) => {
                drop(reply.send(result.map(|()| leads_to).map_err(OpenError::from)));
            }
            Self::Room(reply) => drop(reply.send(result.map_err(RoomError::from))),
            Self::RoomMade(room, reply) => {
                drop(reply.send(result.map(|()| room).map_err(RoomError::from)));
            }
            Self::Call(reply) => drop(reply.send(Ok(()))),
            Self::CallBegun(call, reply) => drop(reply.send(Ok(call))),
            Self::Edit(reply) => {
                drop(reply.send(result.map_err(|error| EditError::Send(error.into()))));
            }
        }
    }
}

/// The store did not take what was asked for.
pub(super) struct NotStored {
    pub error: StoreError,
    /// It is an entry that others may have all the same.
    pub may_have_left: bool,
}

impl From<NotStored> for ChangeError {
    fn from(NotStored { error, .. }: NotStored) -> Self {
        Self::Store(error)
    }
}

impl From<NotStored> for InviteError {
    fn from(NotStored { error, .. }: NotStored) -> Self {
        Self::Store(error)
    }
}

impl From<NotStored> for RoomError {
    fn from(NotStored { error, .. }: NotStored) -> Self {
        Self::Store(error)
    }
}

impl From<NotStored> for OpenError {
    fn from(NotStored { error, .. }: NotStored) -> Self {
        Self::Store(error)
    }
}

impl From<NotStored> for SendError {
    fn from(NotStored { error, may_have_left }: NotStored) -> Self {
        if may_have_left { Self::NotStoredHere(error) } else { Self::Store(error) }
    }
}

impl Driver {
    /// Takes this command and what else waits, so that entries written at once travel together.
    pub(super) fn command_all(&mut self, first: Command) {
        self.command(first);
        for _ in 0..ROUND_MAX {
            match self.commands.try_recv() {
                Ok(command) => self.command(command),
                Err(_) => return,
            }
        }
    }

    fn command(&mut self, command: Command) {
        match command {
            Command::SetProfile { name, status, reply } => {
                let token = self.core.set_profile(name, status);
                self.wait(token, Waiting::Change(reply));
            }
            Command::SetPrivacy { privacy, reply } => {
                let token = self.core.set_privacy(privacy);
                self.wait(token, Waiting::Change(reply));
            }
            Command::JoinRoom { name, reply } => match self.core.join_room(name) {
                Ok((room, Some(token))) => self.wait(token, Waiting::Join(room, reply)),
                Ok((room, None)) => drop(reply.send(Ok(room))),
                Err(_) => drop(reply.send(Err(ChangeError::TooManyRooms { max: kinmesh_core::ROOMS_MAX }))),
            },
            Command::LeaveRoom { room, reply } => {
                let left = self.core.leave_room(unix_ms(), room).ok_or(ChangeError::NotJoined);
                self.wait_or_refuse(left, reply);
            }
            Command::Members { room, reply } => drop(reply.send(self.core.members(room))),
            Command::Send { conversation, text, reply_to, reply } => {
                match self.core.send(unix_ms(), conversation, text, reply_to) {
                    Ok((token, view)) => self.wait(token, Waiting::Send(Box::new(view), reply)),
                    Err(refusal) => drop(reply.send(Err(send_error(refusal)))),
                }
            }
            Command::Change { conversation, post, change, reply } => {
                match self.core.change(unix_ms(), conversation, &post, change) {
                    Ok(Some(token)) => self.wait(token, Waiting::Edit(reply)),
                    Ok(None) => drop(reply.send(Ok(()))),
                    Err(refusal) => drop(reply.send(Err(edit_error(refusal)))),
                }
            }
            Command::Typing { conversation } => self.core.typing(unix_ms(), conversation),
            Command::MarkRead { conversation, up_to, reply } => {
                let marked = self.core.mark_read(conversation, up_to).ok_or(ChangeError::NotJoined);
                self.wait_or_refuse(marked, reply);
            }
            Command::Contact { person, change, reply } => {
                let changed = self.change_contact(person, change);
                self.wait_or_refuse(changed, reply);
            }
            Command::Introduce { to, person, reply } => match self.core.introduce(unix_ms(), to, person) {
                Ok((token, view)) => self.wait(token, Waiting::Introduce(Box::new(view), reply)),
                Err(refusal) => drop(reply.send(Err(introduce_error(refusal)))),
            },
            Command::SetNickname { person, nickname, reply } => {
                let changed =
                    self.core.set_nickname(person, nickname).map_err(|_| ChangeError::UnknownPerson);
                self.wait_or_refuse(changed, reply);
            }
            Command::Search { query, reply } => self.search(query, reply),
            Command::Page { conversation, at, limit, reply } => self.page(conversation, at, limit, reply),
            Command::Post { conversation, key, reply } => self.post(conversation, key, reply),
            Command::Invite(command) => self.invite_command(command),
            Command::Call(command) => self.call_command(command),
            Command::Room(command) => self.room_command(command),
            Command::AddBootstrap { address, reply } => {
                drop(reply.send(self.add_bootstrap(address)));
            }
            Command::History { reply } => {
                let store = self.up_to_date_store();
                drop(reply.send((store, self.key_dir.clone())));
            }
            Command::Shutdown { reply } => self.shutdown_asked = Some(reply),
        }
    }

    fn change_contact(&mut self, person: PersonId, change: ContactChange) -> Result<Token, ChangeError> {
        let changed = match change {
            ContactChange::Contact(contact) => self.core.set_contact(unix_ms(), person, contact),
            ContactChange::Accept => self.core.accept(unix_ms(), person),
            ContactChange::Decline => self.core.decline(person),
            ContactChange::Blocked(blocked) => self.core.set_blocked(person, blocked),
            ContactChange::Verified(verified) => self.core.set_verified(person, verified),
        };
        changed.map_err(|refusal| match refusal {
            ContactRefusal::UnknownPerson => ChangeError::UnknownPerson,
            ContactRefusal::Echo => ChangeError::Echo,
            ContactRefusal::Blocked => ChangeError::Blocked,
            ContactRefusal::NoRequest => ChangeError::NoRequest,
        })
    }

    pub(super) fn wait(&mut self, token: Token, waiting: Waiting) {
        self.waiting.insert(token, waiting);
    }

    fn wait_or_refuse(&mut self, changed: Result<Token, ChangeError>, reply: Reply<ChangeError>) {
        match changed {
            Ok(token) => self.wait(token, Waiting::Change(reply)),
            Err(refusal) => drop(reply.send(Err(refusal))),
        }
    }

    fn add_bootstrap(&mut self, address: libp2p::Multiaddr) -> Result<(), ConnectError> {
        match address.iter().last() {
            Some(Protocol::P2p(peer)) if peer == *self.swarm.local_peer_id() => Err(ConnectError::Ourselves),
            Some(Protocol::P2p(_)) => {
                self.discovery.add_bootstrap(address, std::time::Instant::now());
                self.status_changed = true;
                self.seek();
                Ok(())
            }
            _ => Err(ConnectError::NoPeerId),
        }
    }
}

fn edit_error(refusal: ChangeRefusal) -> EditError {
    match refusal {
        ChangeRefusal::NotYours => EditError::NotYours,
        ChangeRefusal::Deleted => EditError::Deleted,
        ChangeRefusal::NotAnEmoji => EditError::NotAnEmoji,
        ChangeRefusal::Send(refusal) => EditError::Send(send_error(refusal)),
    }
}

fn introduce_error(refusal: IntroduceRefusal) -> IntroduceError {
    match refusal {
        IntroduceRefusal::NotAContact => IntroduceError::NotAContact,
        IntroduceRefusal::NotTwoPeople => IntroduceError::NotTwoPeople,
        IntroduceRefusal::Send(refusal) => IntroduceError::Send(send_error(refusal)),
    }
}

fn send_error(refusal: SendRefusal) -> SendError {
    match refusal {
        SendRefusal::Empty => SendError::Empty,
        SendRefusal::TooLong { size } => SendError::TooLong { size, max: limits::TEXT_MAX },
        SendRefusal::NotJoined => SendError::NotJoined,
        SendRefusal::UnknownPerson => SendError::UnknownPerson,
        SendRefusal::Blocked => SendError::Blocked,
        SendRefusal::TooLongToAsk { size } => SendError::TooLongToAsk { size, max: limits::ASK_TEXT_MAX },
        SendRefusal::OutboxFull => SendError::OutboxFull,
        SendRefusal::NoKey => SendError::NoKey,
        SendRefusal::Muted { until_ms } => SendError::Muted { until_ms },
        SendRefusal::PutOut => SendError::PutOut,
        SendRefusal::NotLetIn => SendError::NotLetIn,
        SendRefusal::TooSoon { wait_ms } => SendError::TooSoon { wait_ms },
    }
}
