//! The public face of a running peer: cloneable handles with typed methods, one event stream,
//! and snapshots to read at any time.
//!
//! Knows the command queue of the driver and nothing of libp2p behind it. Runs wherever it is called.

use std::ops::Deref;
use std::sync::Arc;

use kinmesh_core::{Change, EditView, EntryView, Event, Overview, PersonView, Seen};
use kinmesh_proto::{
    ConversationId, DisplayName, EntryKey, JoinLink, PageAt, PageItem, PersonId, Privacy, RoomId, RoomName,
    SafetyNumber, StatusLine,
};
use kinmesh_search::Query as SearchQuery;
use kinmesh_store::StoreHandle;
use libp2p::Multiaddr;
use libp2p::multiaddr::Protocol;
use tokio::sync::{broadcast, mpsc, oneshot, watch};

use crate::calls::{CallCommand, InCall};
use crate::error::{CallError, ChangeError, ConnectError, EditError, IntroduceError, ReadError, SendError};
use crate::history::History;
use crate::identity::KeyDir;
use crate::invites::InviteCommand;
use crate::rooms::RoomCommand;
use crate::search::SearchHit;
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
    SetPrivacy {
        privacy: Privacy,
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
        reply_to: Option<EntryKey>,
        reply: Reply<SendError, EntryView>,
    },
    Change {
        conversation: ConversationId,
        post: Box<PageItem>,
        change: Change,
        reply: Reply<EditError>,
    },
    Typing {
        conversation: ConversationId,
    },
    Post {
        conversation: ConversationId,
        key: EntryKey,
        reply: Reply<ReadError, Option<(Seen, EntryView)>>,
    },
    Page {
        conversation: ConversationId,
        at: PageAt,
        limit: usize,
        reply: Reply<ReadError, Vec<EntryView>>,
    },
    Search {
        query: SearchQuery,
        reply: Reply<ReadError, Vec<SearchHit>>,
    },
    MarkRead {
        conversation: ConversationId,
        up_to: EntryKey,
        reply: Reply<ChangeError>,
    },
    Contact {
        person: PersonId,
        change: ContactChange,
        reply: Reply<ChangeError>,
    },
    Introduce {
        to: PersonId,
        person: PersonId,
        reply: Reply<IntroduceError, EntryView>,
    },
    SetNickname {
        person: PersonId,
        nickname: Option<DisplayName>,
        reply: Reply<ChangeError>,
    },
    Invite(InviteCommand),
    Room(RoomCommand),
    Call(CallCommand),
    AddBootstrap {
        address: Multiaddr,
        reply: Reply<ConnectError>,
    },
    History {
        reply: oneshot::Sender<(StoreHandle, KeyDir)>,
    },
    Shutdown {
        reply: oneshot::Sender<()>,
    },
}

/// What is to become of how a person and we stand.
pub(crate) enum ContactChange {
    Contact(bool),
    Accept,
    Decline,
    Blocked(bool),
    Verified(bool),
}

pub(crate) type Reply<E, T = ()> = oneshot::Sender<Result<T, E>>;

/// The way to a running peer. Clones share it; the peer ends with [`NodeHandle::shutdown`].
#[derive(Clone)]
pub struct NodeHandle {
    pub(crate) commands: mpsc::Sender<Command>,
    /// What is asked of calls that there are, which is done however far behind the store is.
    pub(crate) in_calls: mpsc::Sender<InCall>,
    /// Weak, so that who listens learns of the peer's end while there are handles.
    pub(crate) events: broadcast::WeakSender<Event>,
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

    /// Events from now on, until the peer ends; none of one that has ended.
    pub fn events(&self) -> EventStream {
        let ended = || broadcast::channel(1).1;
        EventStream(self.events.upgrade().map_or_else(ended, |events| events.subscribe()))
    }

    /// Sets the name and status line that others see.
    pub async fn set_profile(&self, name: DisplayName, status: StatusLine) -> Result<(), ChangeError> {
        self.call(|reply| Command::SetProfile { name, status, reply }).await?
    }

    /// Sets what of our doings others are told; [`Overview::me`] says what is set.
    pub async fn set_privacy(&self, privacy: Privacy) -> Result<(), ChangeError> {
        self.call(|reply| Command::SetPrivacy { privacy, reply }).await?
    }

    /// Joins the public room of this name; a room we are in already is returned as it is.
    pub async fn join_room(&self, name: RoomName) -> Result<RoomHandle, ChangeError> {
        let room = self.call(|reply| Command::JoinRoom { name, reply }).await??;
        Ok(self.room(room))
    }

    /// The way to a room. Its methods say so when we are not in it.
    pub fn room(&self, room: RoomId) -> RoomHandle {
        RoomHandle { conversation: self.conversation(ConversationId::Room(room)), room }
    }

    /// The way to the one-to-one chat with a person.
    pub fn chat(&self, person: PersonId) -> ChatHandle {
        ChatHandle { conversation: self.conversation(ConversationId::Direct(person)), person }
    }

    /// The way to either.
    pub fn conversation(&self, id: ConversationId) -> ConversationHandle {
        ConversationHandle { node: self.clone(), id }
    }

    /// Adds a person to the contacts, which asks them or accepts what they asked, or removes them;
    /// their chat and nickname stay.
    pub async fn set_contact(&self, person: PersonId, contact: bool) -> Result<(), ChangeError> {
        self.change_contact(person, ContactChange::Contact(contact)).await
    }

    /// Accepts what a person asked ([`Overview::requests`]): they are a contact, and their text begins
    /// the chat.
    pub async fn accept(&self, person: PersonId) -> Result<(), ChangeError> {
        self.change_contact(person, ContactChange::Accept).await
    }

    /// Declines what a person asked. They are not told.
    pub async fn decline(&self, person: PersonId) -> Result<(), ChangeError> {
        self.change_contact(person, ContactChange::Decline).await
    }

    /// Keeps a person out altogether, or takes that back: then all is as it was before.
    pub async fn set_blocked(&self, person: PersonId, blocked: bool) -> Result<(), ChangeError> {
        self.change_contact(person, ContactChange::Blocked(blocked)).await
    }

    /// Notes that the [safety number](NodeHandle::safety_number) was compared with a person and is the
    /// same, or takes that back.
    pub async fn set_verified(&self, person: PersonId, verified: bool) -> Result<(), ChangeError> {
        self.change_contact(person, ContactChange::Verified(verified)).await
    }

    /// What a person and we see alike when each has the other's true key, and only then.
    pub fn safety_number(&self, person: PersonId) -> SafetyNumber {
        SafetyNumber::of(self.overview().me.person, person)
    }

    /// Tells one contact of another one, in the chat with the first.
    pub async fn introduce(&self, to: PersonId, person: PersonId) -> Result<EntryView, IntroduceError> {
        self.call(|reply| Command::Introduce { to, person, reply }).await?
    }

    async fn change_contact(&self, person: PersonId, change: ContactChange) -> Result<(), ChangeError> {
        self.call(|reply| Command::Contact { person, change, reply }).await?
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

    /// The newest posts in all history that the query finds, newest first; at most [`PAGE_MAX`].
    ///
    /// Fast enough to be asked with every letter that is typed.
    pub async fn search(&self, query: SearchQuery) -> Result<Vec<SearchHit>, ReadError> {
        let query = SearchQuery { limit: query.limit.clamp(1, PAGE_MAX), ..query };
        self.call(|reply| Command::Search { query, reply }).await?
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

    /// The history as of now, to export it or to read a conversation from end to end.
    pub async fn history(&self) -> Result<History, CallError> {
        let (store, key_dir) = self.call(|reply| Command::History { reply }).await?;
        Ok(History { store, key_dir, overview: self.overview() })
    }

    /// Says goodbye to the others, flushes the store and ends the peer.
    pub async fn shutdown(&self) {
        // A peer that is gone already is what was asked for.
        let (reply, done) = oneshot::channel();
        if self.commands.send(Command::Shutdown { reply }).await.is_ok() {
            let _ = done.await;
        }
    }

    pub(crate) async fn call<T>(
        &self,
        command: impl FnOnce(oneshot::Sender<T>) -> Command,
    ) -> Result<T, CallError> {
        ask(&self.commands, command).await
    }
}

/// Hands a command to the driver and waits for its answer.
pub(crate) async fn ask<C, T>(
    commands: &mpsc::Sender<C>,
    command: impl FnOnce(oneshot::Sender<T>) -> C,
) -> Result<T, CallError> {
    let (reply, answer) = oneshot::channel();
    commands.try_send(command(reply)).map_err(|error| match error {
        mpsc::error::TrySendError::Full(_) => CallError::Busy,
        mpsc::error::TrySendError::Closed(_) => CallError::NodeGone,
    })?;
    answer.await.map_err(|_| CallError::NodeGone)
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

/// What can be done in a room as well as in a one-to-one chat.
#[derive(Clone)]
pub struct ConversationHandle {
    node: NodeHandle,
    id: ConversationId,
}

impl ConversationHandle {
    pub(crate) fn node(&self) -> &NodeHandle {
        &self.node
    }

    /// Which conversation.
    pub fn id(&self) -> ConversationId {
        self.id
    }

    /// Sends text. It is on our disk when this returns; how far it comes is told by events.
    pub async fn send(&self, text: impl Into<String>) -> Result<EntryView, SendError> {
        self.send_text(text.into(), None).await
    }

    /// Sends text that answers a post.
    pub async fn reply(&self, to: EntryKey, text: impl Into<String>) -> Result<EntryView, EditError> {
        self.item(to).await?;
        Ok(self.send_text(text.into(), Some(to)).await?)
    }

    /// Gives a post of ours another text. The same text again changes nothing.
    pub async fn edit(&self, key: EntryKey, text: impl Into<String>) -> Result<(), EditError> {
        self.change(key, Change::Edit(text.into())).await
    }

    /// Takes back a post of ours: everybody who has it erases it. One that was taken back stays so.
    pub async fn delete(&self, key: EntryKey) -> Result<(), EditError> {
        self.change(key, Change::Delete).await
    }

    /// Puts an emoji to a post, or takes it back. As it is already, nothing changes.
    pub async fn react(&self, key: EntryKey, emoji: impl Into<String>, on: bool) -> Result<(), EditError> {
        self.change(key, Change::React { emoji: emoji.into(), on }).await
    }

    /// All texts that a post had, the first one first; none of a deleted one.
    pub async fn edits(&self, key: EntryKey) -> Result<Vec<EditView>, EditError> {
        Ok(kinmesh_core::view::edits(&self.item(key).await?))
    }

    /// Says that somebody writes here. Call it at each change of the draft: it is told no more often
    /// than others need it, and not at all if the user does not share that.
    pub fn typing(&self) {
        // A peer that is busy or gone tells nobody, which is no loss.
        let _ = self.node.commands.try_send(Command::Typing { conversation: self.id });
    }

    /// Up to `limit` posts, at most [`PAGE_MAX`], oldest first.
    pub async fn page(&self, at: PageAt, limit: usize) -> Result<Vec<EntryView>, ReadError> {
        let (conversation, limit) = (self.id, limit.clamp(1, PAGE_MAX));
        self.node.call(|reply| Command::Page { conversation, at, limit, reply }).await?
    }

    /// One post; `None` when it is not here.
    pub async fn post(&self, key: EntryKey) -> Result<Option<EntryView>, ReadError> {
        Ok(self.read(key).await?.map(|(_, view)| view))
    }

    /// One post with what it says, also if that is withheld: the user asks to look at it all the same.
    pub async fn look(&self, key: EntryKey) -> Result<Option<EntryView>, ReadError> {
        let read = self.read(key).await?;
        Ok(read.map(|(seen, view)| if seen.withheld.is_none() { view } else { seen.looked_at(self.id) }))
    }

    /// Marks everything up to and including this entry as read.
    pub async fn mark_read(&self, up_to: EntryKey) -> Result<(), ChangeError> {
        self.node.call(|reply| Command::MarkRead { conversation: self.id, up_to, reply }).await?
    }

    async fn send_text(&self, text: String, reply_to: Option<EntryKey>) -> Result<EntryView, SendError> {
        self.node.call(|reply| Command::Send { conversation: self.id, text, reply_to, reply }).await?
    }

    async fn change(&self, key: EntryKey, change: Change) -> Result<(), EditError> {
        let post = Box::new(self.item(key).await?);
        self.node.call(|reply| Command::Change { conversation: self.id, post, change, reply }).await?
    }

    async fn item(&self, key: EntryKey) -> Result<PageItem, EditError> {
        Ok(self.read(key).await?.ok_or(EditError::UnknownPost)?.0.item)
    }

    async fn read(&self, key: EntryKey) -> Result<Option<(Seen, EntryView)>, ReadError> {
        self.node.call(|reply| Command::Post { conversation: self.id, key, reply }).await?
    }
}

/// The only way to act in a room.
#[derive(Clone)]
pub struct RoomHandle {
    conversation: ConversationHandle,
    room: RoomId,
}

impl Deref for RoomHandle {
    type Target = ConversationHandle;

    fn deref(&self) -> &ConversationHandle {
        &self.conversation
    }
}

impl RoomHandle {
    /// Which room.
    pub fn id(&self) -> RoomId {
        self.room
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
    conversation: ConversationHandle,
    person: PersonId,
}

impl Deref for ChatHandle {
    type Target = ConversationHandle;

    fn deref(&self) -> &ConversationHandle {
        &self.conversation
    }
}

impl ChatHandle {
    /// With whom.
    pub fn person(&self) -> PersonId {
        self.person
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
