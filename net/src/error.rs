//! One error enum per verb of the handles.

use kinmesh_proto::NameError;
use kinmesh_search::SearchError;
use kinmesh_store::StoreError;

/// The peer cannot take a command now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// The peer has ended.
    #[error("the peer has ended")]
    NodeGone,
    /// The peer's command queue is full: try again.
    #[error("the peer is busy, try again")]
    Busy,
}

/// A peer could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Keys could not be read or made.
    #[error(transparent)]
    Identity(#[from] crate::identity::IdentityError),
    /// A passphrase keeps the data directory closed.
    #[error(transparent)]
    Vault(crate::vault::VaultError),
    /// The history store could not be opened.
    #[error("the history store: {0}")]
    Store(#[from] StoreError),
    /// The transport could not be built.
    #[error("the transport could not be built")]
    Transport(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// An address cannot be listened on, a busy port for example.
    #[error("cannot listen on {address}: {reason}")]
    Listen {
        /// The address.
        address: libp2p::Multiaddr,
        /// The transport's reason.
        reason: libp2p::TransportError<std::io::Error>,
    },
}

impl From<crate::vault::VaultError> for StartError {
    fn from(error: crate::vault::VaultError) -> Self {
        // One name for each reason, with a passphrase and without.
        match error {
            crate::vault::VaultError::Identity(error) => error.into(),
            crate::vault::VaultError::Store(error) => error.into(),
            error => Self::Vault(error),
        }
    }
}

/// An entry was not sent.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// Nothing but white space.
    #[error("there is nothing to send")]
    Empty,
    /// Longer than one entry may be.
    #[error("the text has {size} bytes, at most {max} fit into one message")]
    TooLong {
        /// Bytes of the text.
        size: usize,
        /// Bytes allowed.
        max: usize,
    },
    /// We are not in this room.
    #[error("you are not in this room")]
    NotJoined,
    /// Nobody of this id was ever met.
    #[error("this person is not known here")]
    UnknownPerson,
    /// The user blocked them.
    #[error("you have blocked this person")]
    Blocked,
    /// They are no contact yet, and the first text to them is their request: it has to be short.
    #[error("the text has {size} bytes, at most {max} go to somebody who has not accepted you yet")]
    TooLongToAsk {
        /// Bytes of the text.
        size: usize,
        /// Bytes allowed.
        max: usize,
    },
    /// The newest key of a private room is not here yet.
    #[error("the room's key is not here yet: it comes from a member who is connected")]
    NoKey,
    /// An admin of the room muted us.
    #[error("an admin of this room muted you")]
    Muted {
        /// Until when, in Unix milliseconds.
        until_ms: u64,
    },
    /// An admin put us out of the room.
    #[error("an admin put you out of this room")]
    PutOut,
    /// Who writes in the room is let in by an admin.
    #[error("an admin of this room has to let you in first")]
    NotLetIn,
    /// The room asks everybody to wait between two posts.
    #[error("this room asks you to wait {} s before your next message", wait_ms.div_ceil(1000))]
    TooSoon {
        /// How much longer, in milliseconds.
        wait_ms: u64,
    },
    /// As many entries wait for somebody to take them as this device keeps ready.
    #[error("too many messages wait to go out: they go when somebody can take them")]
    OutboxFull,
    /// The entry could not be stored, so it was not sent.
    #[error("it could not be stored: {0}")]
    Store(#[from] StoreError),
    /// The entry could not be stored, but it was on its way already. If others have it, it comes back
    /// from them and is shown then: whoever sends it again may say it twice.
    #[error("it could not be stored here, but others may have it: {0}")]
    NotStoredHere(#[source] StoreError),
    /// The peer cannot take it now.
    #[error(transparent)]
    Call(#[from] CallError),
}

/// Nothing was decided about a room.
#[derive(Debug, thiserror::Error)]
pub enum RoomError {
    /// This post of this chat invites to no room.
    #[error("there is no such invitation")]
    NoInvitation,
    /// The room's rules, or its log, say no.
    #[error(transparent)]
    Refused(#[from] kinmesh_core::RoomRefusal),
    /// We do not knock at it, or nobody there is answered.
    #[error(transparent)]
    Knock(#[from] kinmesh_core::KnockRefusal),
    /// Nothing of it is hidden for the user alone.
    #[error(transparent)]
    Hide(#[from] kinmesh_core::HideRefusal),
    /// It could not be stored.
    #[error("it could not be stored: {0}")]
    Store(#[from] StoreError),
    /// The invitation could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The peer cannot take it now.
    #[error(transparent)]
    Call(#[from] CallError),
}

/// Nothing came of what was wanted of a call.
#[derive(Debug, thiserror::Error)]
pub enum CallRefusalError {
    /// It cannot be done.
    #[error(transparent)]
    Refused(#[from] kinmesh_core::CallRefusal),
    /// The peer cannot take it now.
    #[error(transparent)]
    Call(#[from] CallError),
}

/// The media of a call was not handed over.
#[derive(Debug, thiserror::Error)]
pub enum MediaError {
    /// The call is over.
    #[error("there is no such call")]
    NoSuchCall,
    /// Somebody moves it already.
    #[error("somebody has the media of this call already")]
    Taken,
    /// The peer cannot take it now.
    #[error(transparent)]
    Call(#[from] CallError),
}

/// A post was not changed or answered.
#[derive(Debug, thiserror::Error)]
pub enum EditError {
    /// There is no such post in this conversation.
    #[error("there is no such message here")]
    UnknownPost,
    /// Somebody else wrote it.
    #[error("somebody else wrote it")]
    NotYours,
    /// Its author has deleted it.
    #[error("it was deleted")]
    Deleted,
    /// A reaction is one emoji.
    #[error("a reaction is one emoji")]
    NotAnEmoji,
    /// The change could not be sent.
    #[error(transparent)]
    Send(#[from] SendError),
    /// The post could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}

impl From<CallError> for EditError {
    fn from(error: CallError) -> Self {
        Self::Send(SendError::Call(error))
    }
}

/// Nobody was introduced.
#[derive(Debug, thiserror::Error)]
pub enum IntroduceError {
    /// One of the two is no contact.
    #[error("only contacts can be introduced, and only to contacts")]
    NotAContact,
    /// To themselves, or one of the two is Echo.
    #[error("nobody is introduced to themselves, nor to Echo")]
    NotTwoPeople,
    /// The introduction could not be sent.
    #[error(transparent)]
    Send(#[from] SendError),
}

impl From<CallError> for IntroduceError {
    fn from(error: CallError) -> Self {
        Self::Send(SendError::Call(error))
    }
}

/// A room was not joined or left, or a contact or the profile not changed.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// The name is refused.
    #[error(transparent)]
    Name(#[from] NameError),
    /// We are not in this room.
    #[error("you are not in this room")]
    NotJoined,
    /// Nobody of this id was ever met.
    #[error("this person is not known here")]
    UnknownPerson,
    /// Echo lives in this program: it is always a contact.
    #[error("Echo lives in this program: it is always a contact")]
    Echo,
    /// The user blocked them.
    #[error("you have blocked this person")]
    Blocked,
    /// They do not ask to be a contact.
    #[error("this person does not ask to be a contact")]
    NoRequest,
    /// More rooms than one peer can take part in.
    #[error("no more than {max} rooms at once")]
    TooManyRooms {
        /// Rooms allowed.
        max: usize,
    },
    /// The change could not be stored.
    #[error("it could not be stored: {0}")]
    Store(#[from] StoreError),
    /// The peer cannot take it now.
    #[error(transparent)]
    Call(#[from] CallError),
}

/// An invitation was not made, found, taken back or dismissed.
#[derive(Debug, thiserror::Error)]
pub enum InviteError {
    /// It cannot be made as it was asked for.
    #[error(transparent)]
    Fault(#[from] kinmesh_core::InviteFault),
    /// There is no such invitation.
    #[error(transparent)]
    Unknown(#[from] kinmesh_core::UnknownInvite),
    /// Nobody knows yet who invites.
    #[error("set your name first: an invitation says who invites")]
    NoName,
    /// The operating system gave no random numbers.
    #[error("the operating system gave no random numbers")]
    NoRandomness,
    /// It could not be stored.
    #[error("it could not be stored: {0}")]
    Store(#[from] StoreError),
    /// The peer cannot take it now.
    #[error(transparent)]
    Call(#[from] CallError),
}

/// A ticket was not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It cannot be opened here. Nothing has changed.
    #[error(transparent)]
    Ticket(#[from] kinmesh_core::OpenFault),
    /// It could not be stored.
    #[error("it could not be stored: {0}")]
    Store(#[from] StoreError),
    /// The peer cannot take it now.
    #[error(transparent)]
    Call(#[from] CallError),
}

/// A conversation could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The store could not read.
    #[error("the history store: {0}")]
    Store(#[from] StoreError),
    /// The history can be read, but not searched, for instance because the disk is full.
    #[error("the search index cannot be used")]
    Search,
    /// The peer cannot take the request now.
    #[error(transparent)]
    Call(#[from] CallError),
}

impl From<SearchError> for ReadError {
    fn from(error: SearchError) -> Self {
        match error {
            SearchError::Store(error) => Self::Store(error),
            SearchError::Unavailable => Self::Search,
        }
    }
}

/// A peer or a bootstrap node could not be added.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// Not a multiaddress, or not a join link.
    #[error(
        "not an address: expected a kinmesh:// link or a multiaddress such as /ip4/192.0.2.1/udp/4001/quic-v1/p2p/12D3..."
    )]
    BadAddress,
    /// The address lacks the `/p2p/` part that says who must answer there.
    #[error("the address must end in /p2p/ and the id of who answers there")]
    NoPeerId,
    /// It is our own address.
    #[error("that is this device itself")]
    Ourselves,
    /// The peer cannot take it now.
    #[error(transparent)]
    Call(#[from] CallError),
}
