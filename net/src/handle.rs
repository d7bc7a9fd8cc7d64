//! The public face of a running peer: cloneable handles with typed methods, one event stream,
//! and snapshots to read at any time.
//!
//! Knows the command queue of the driver and nothing of libp2p behind it. Runs wherever it is called.

use std::sync::Arc;

use kinmesh_core::{EntryView, Event, Overview, PersonView};
use kinmesh_proto::{
    ConversationId, DisplayName, EntryKey, JoinLink, PersonId, RoomId, RoomName, StatusLine,
};
use libp2p::Multiaddr;
use libp2p::multiaddr::Protocol;
use tokio::sync::{broadcast, mpsc, oneshot, watch};

use crate::error::{CallError, ChangeError, ConnectError, ReadError, SendError};
use crate::status::NodeStatus;

/// Most entries one page may hold.
pub const PAGE_MAX: usize = 500;

/// What the driver is asked to do. Each carries the way back of its answer.
pub(crate) enum Command {
    SetProfile {
        name: DisplayName,
        status: StatusLine,
        reply: Reply<ChangeError>,
    },
    JoinRoom {
        name: RoomName,
        reply: Reply<ChangeError, RoomId>,
    },
    LeaveRoom {
        room: RoomId,
        reply: Reply<ChangeError>,
    },
    Members {
        room: RoomId,
        reply: oneshot::Sender<Vec<PersonId>>,
    },
    Send {
        conversation: ConversationId,
        text: String,
        reply: Reply<SendError, EntryView>,
    },
    Page {
        conversation: ConversationId,
        before: Option<EntryKey>,
        limit: usize,
        reply: Reply<ReadError, Vec<EntryView>>,
    },
    MarkRead {
        conversation: ConversationId,
        up_to: EntryKey,
        reply: Reply<ChangeError>,
    },
    SetContact {
        person: PersonId,
        contact: bool,
        reply: Reply<ChangeError>,
    },
    SetNickname {
        person: PersonId,
        nickname: Option<DisplayName>,
        reply: Reply<ChangeError>,
    },
    AddBootstrap {
        address: Multiaddr,
        reply: Reply<ConnectError>,
    },
    Shutdown {
        reply: oneshot::Sender<()>,
    },
}

pub(crate) type Reply<E, T = ()> = oneshot::Sender<Result<T, E>>;

/// The way to a running peer. Clones share it; the peer ends with [`NodeHandle::shutdown`].
#[derive(Clone)]
pub struct NodeHandle {
    pub(crate) commands: mpsc::Sender<Command>,
    pub(crate) events: broadcast::Sender<Event>,
    pub(crate) status: watch::Receiver<NodeStatus>,
    pub(crate) overview: watch::Receiver<Arc<Overview>>,
}

impl NodeHandle {
    /// Everything the faces list, as of now. Reads no disk and does not wait.
    pub fn overview(&self) -> Arc<Overview> {
        self.overview.borrow().clone()
    }

    /// The same, for waiting on changes.
    pub fn watch_overview(&self) -> watch::Receiver<Arc<Overview>> {
        self.overview.clone()
    }

    /// How the peer stands with the network.
    pub fn status(&self) -> NodeStatus {
        self.status.borrow().clone()
    }

    /// The same, for waiting on changes.
    pub fn watch_status(&self) -> watch::Receiver<NodeStatus> {
        self.status.clone()
    }

    /// Events from now on.
    pub fn events(&self) -> EventStream {
        EventStream(self.events.subscribe())
    }

    /// Sets the name and status line that others see.
    pub async fn set_profile(&self, name: DisplayName, status: StatusLine) -> Result<(), ChangeError> {
        self.call(|reply| Command::SetProfile { name, status, reply }).await?
    }

    /// Joins the public room of this name; a room we are in already is returned as it is.
    pub async fn join_room(&self, name: RoomName) -> Result<RoomHandle, ChangeError> {
        let room = self.call(|reply| Command::JoinRoom { name, reply }).await??;
        Ok(self.room(room))
    }

    /// The way to a room. Its methods say so when we are not in it.
    pub fn room(&self, room: RoomId) -> RoomHandle {
        RoomHandle { node: self.clone(), room }
    }

    /// The way to the one-to-one chat with a person.
    pub fn chat(&self, person: PersonId) -> ChatHandle {
        ChatHandle { node: self.clone(), person }
    }

    /// Adds a person to the contacts, or removes them; their chat and nickname stay.
    pub async fn set_contact(&self, person: PersonId, contact: bool) -> Result<(), ChangeError> {
        self.call(|reply| Command::SetContact { person, contact, reply }).await?
    }

    /// Gives a person a private name, or takes it back with `None`.
    pub async fn set_nickname(
        &self,
        person: PersonId,
        nickname: Option<DisplayName>,
    ) -> Result<(), ChangeError> {
        self.call(|reply| Command::SetNickname { person, nickname, reply }).await?
    }

    /// People whose name, nickname, fingerprint or id holds `query`, in any case; all for an empty one.
    pub fn find(&self, query: &str) -> Vec<PersonView> {
        let query = query.trim().to_lowercase();
        let matches = |person: &&PersonView| {
            person.name.to_lowercase().contains(&query)
                || person.own_name.as_str().to_lowercase().contains(&query)
                || person.fingerprint.contains(&query)
                || person.person.to_string() == query
        };
        self.overview().people.iter().filter(matches).cloned().collect()
    }

    /// Enters the mesh through a bootstrap node or any peer, and keeps the connection.
    ///
    /// Takes a multiaddress that ends in `/p2p/<id>`. Returns once the address is accepted;
    /// [`NodeHandle::status`] says how the connection goes.
    pub async fn add_bootstrap(&self, address: Multiaddr) -> Result<(), ConnectError> {
        self.call(|reply| Command::AddBootstrap { address, reply }).await?
    }

    /// Follows a `kinmesh://join` link: adds its nodes, then joins its room if it names one.
    pub async fn follow(&self, link: &JoinLink) -> Result<Option<RoomHandle>, FollowError> {
        for node in &link.nodes {
            self.add_bootstrap(parse_address(node)?).await?;
        }
        match &link.room {
            Some(room) => Ok(Some(self.join_room(room.clone()).await?)),
            None => Ok(None),
        }
    }

    /// A join link that names this device, with its addresses as of now.
    pub fn join_link(&self, room: Option<RoomName>) -> JoinLink {
        let status = self.status();
        let addresses = if status.reachable_at.is_empty() { status.listening } else { status.reachable_at };
        let nodes =
            addresses.iter().take(kinmesh_proto::limits::LINK_ADDRESSES_MAX).map(Multiaddr::to_string);
        JoinLink { nodes: nodes.collect(), room }
    }

    /// Says goodbye to the others, flushes the store and ends the peer.
    pub async fn shutdown(&self) {
        // A peer that is gone already is what was asked for.
        let (reply, done) = oneshot::channel();
        if self.commands.send(Command::Shutdown { reply }).await.is_ok() {
            let _ = done.await;
        }
    }

    async fn call<T>(&self, command: impl FnOnce(oneshot::Sender<T>) -> Command) -> Result<T, CallError> {
        let (reply, answer) = oneshot::channel();
        self.commands.try_send(command(reply)).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => CallError::Busy,
            mpsc::error::TrySendError::Closed(_) => CallError::NodeGone,
        })?;
        answer.await.map_err(|_| CallError::NodeGone)
    }

    async fn send(&self, conversation: ConversationId, text: String) -> Result<EntryView, SendError> {
        self.call(|reply| Command::Send { conversation, text, reply }).await?
    }

    async fn page(
        &self,
        conversation: ConversationId,
        before: Option<EntryKey>,
        limit: usize,
    ) -> Result<Vec<EntryView>, ReadError> {
        let limit = limit.clamp(1, PAGE_MAX);
        self.call(|reply| Command::Page { conversation, before, limit, reply }).await?
    }

    async fn mark_read(&self, conversation: ConversationId, up_to: EntryKey) -> Result<(), ChangeError> {
        self.call(|reply| Command::MarkRead { conversation, up_to, reply }).await?
    }
}

/// A link was not followed.
#[derive(Debug, thiserror::Error)]
pub enum FollowError {
    /// A node of the link was refused.
    #[error(transparent)]
    Node(#[from] ConnectError),
    /// The room was refused.
    #[error(transparent)]
    Room(#[from] ChangeError),
}

/// Reads a multiaddress that says who must answer at it.
pub fn parse_address(text: &str) -> Result<Multiaddr, ConnectError> {
    let address: Multiaddr = text.trim().parse().map_err(|_| ConnectError::BadAddress)?;
    match address.iter().last() {
        Some(Protocol::P2p(_)) => Ok(address),
        _ => Err(ConnectError::NoPeerId),
    }
}

/// The only way to act in a room.
#[derive(Clone)]
pub struct RoomHandle {
    node: NodeHandle,
    room: RoomId,
}

impl RoomHandle {
    /// Which room.
    pub fn id(&self) -> RoomId {
        self.room
    }

    /// Sends text to the room. It is on our disk when this returns.
    pub async fn send(&self, text: impl Into<String>) -> Result<EntryView, SendError> {
        self.node.send(ConversationId::Room(self.room), text.into()).await
    }

    /// Up to `limit` entries before `before`, or the newest ones; oldest first.
    pub async fn page(&self, before: Option<EntryKey>, limit: usize) -> Result<Vec<EntryView>, ReadError> {
        self.node.page(ConversationId::Room(self.room), before, limit).await
    }

    /// Marks everything up to and including this entry as read.
    pub async fn mark_read(&self, up_to: EntryKey) -> Result<(), ChangeError> {
        self.node.mark_read(ConversationId::Room(self.room), up_to).await
    }

    /// Persons known to be members, ourselves included.
    pub async fn members(&self) -> Result<Vec<PersonId>, CallError> {
        self.node.call(|reply| Command::Members { room: self.room, reply }).await
    }

    /// Leaves the room. Its history stays on this device.
    pub async fn leave(&self) -> Result<(), ChangeError> {
        self.node.call(|reply| Command::LeaveRoom { room: self.room, reply }).await?
    }
}

/// The only way to act in a one-to-one chat.
#[derive(Clone)]
pub struct ChatHandle {
    node: NodeHandle,
    person: PersonId,
}

impl ChatHandle {
    /// With whom.
    pub fn person(&self) -> PersonId {
        self.person
    }

    /// Sends text to the person. It is on our disk when this returns; delivery is told by events.
    pub async fn send(&self, text: impl Into<String>) -> Result<EntryView, SendError> {
        self.node.send(ConversationId::Direct(self.person), text.into()).await
    }

    /// Up to `limit` entries before `before`, or the newest ones; oldest first.
    pub async fn page(&self, before: Option<EntryKey>, limit: usize) -> Result<Vec<EntryView>, ReadError> {
        self.node.page(ConversationId::Direct(self.person), before, limit).await
    }

    /// Marks everything up to and including this entry as read.
    pub async fn mark_read(&self, up_to: EntryKey) -> Result<(), ChangeError> {
        self.node.mark_read(ConversationId::Direct(self.person), up_to).await
    }
}

/// Events in the order they happened. A slow listener gets [`Event::Lagged`] instead of the missed ones.
pub struct EventStream(broadcast::Receiver<Event>);

impl EventStream {
    /// The next event; `None` once the peer has ended.
    pub async fn next(&mut self) -> Option<Event> {
        match self.0.recv().await {
            Ok(event) => Some(event),
            Err(broadcast::error::RecvError::Lagged(missed)) => Some(Event::Lagged { missed }),
            Err(broadcast::error::RecvError::Closed) => None,
        }
    }
}
