//! The decisions of a Kinmesh peer, without I/O.
//!
//! [`Core`] owns rooms, chats, people, clocks and the order of things. It must never know a
//! socket, a disk, a runtime, a clock or a source of chance: time comes in as an argument, chance as a
//! seed, words of other peers as methods, and what is to be done goes out as [`Output`]s. So a whole mesh
//! can be simulated from one seed.

mod calls;
mod changes;
mod chat;
mod contacts;
pub mod control;
mod conversation;
mod echo;
pub mod event;
mod founded;
mod gaps;
mod introductions;
mod invites;
mod lens;
mod moderation;
mod node;
mod outbox;
pub mod output;
mod overview;
mod own;
mod people;
mod presence;
mod private;
mod receipts;
mod recent;
mod retention;
mod room;
mod sync;
mod typing;
mod unread;
mod unsaved;
pub mod view;

pub use calls::{
    CONNECT_MS, CallDirection, CallEnd, CallFault, CallRefusal, CallState, CallView, PartyState, PartyView,
    RECONNECT_MS, RING_MS, RINGS_MAX,
};
pub use changes::{Change, ChangeRefusal};
pub use contacts::{Because, ContactRefusal};
pub use control::Withheld;
pub use event::{ConversationEvent, Event, StoreFault};
pub use founded::{KnockRefusal, NewPublicRoom};
pub use introductions::IntroduceRefusal;
pub use invites::{
    INVITES_MAX, InviteFault, InviteState, InviteView, NewInvite, OpenFault, OpeningView, UnknownInvite,
    check_ticket,
};
pub use lens::{Lens, Pace, Pacer, Seen};
pub use moderation::{HideHere, HideRefusal, Mute};
pub use node::{Core, SendRefusal, StoredConversation, UnknownPerson};
pub use outbox::{QUEUED_FETCH_MAX, StoredQueue};
pub use output::{
    BatchToken, CallToken, FrameToken, Output, Read, ReadAnswer, ReadToken, RequestToken, SyncFault,
    SyncToken, Token, Verdict,
};
pub use people::PRESENCE_TTL_MS;
pub use presence::{BEACON_MS, HelloError};
pub use private::{NewRoom, RoomRefusal};
pub use room::{ROOMS_MAX, TooManyRooms};
pub use view::{
    Acquaintance, ChatView, Completeness, EditView, EntryView, FoundedStanding, FoundedView, IntroducedView,
    InvitedView, KnockView, ModerationView, MutedView, Online, Overview, OwnView, PersonView, PrivateView,
    ReactionView, RequestView, RoomAccess, RoomView, Route, SeatView, WaitReason, Waiting,
};

/// Unread entries are counted up to this; a face shows "999+".
pub const UNREAD_CAP: usize = 1000;
