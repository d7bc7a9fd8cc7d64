//! Ids, wire types, limits, signatures and the CBOR codec of Kinmesh.
//!
//! Owns every byte that crosses the network or rests on disk as somebody's signed word.
//! It is the leaf of the workspace: it must never know a socket, a file, a clock or a runtime.
//! Whatever arrives is [`Unverified`] until its signatures and limits were checked.
//! `docs/protocol.md` describes the same types for other implementations.

pub mod call;
pub mod codec;
pub mod content;
pub mod control;
pub mod entry;
pub mod frame;
pub mod id;
pub mod identity;
pub mod invite;
pub mod limits;
pub mod link;
pub mod media;
pub mod name;
pub mod proofs;
pub mod protocol;
pub mod record;
pub mod rendezvous;
pub mod safety;
pub mod sealed;
pub mod signed;
pub mod sync;
pub mod ticket;

pub use call::{CallMember, CallOutcome, CallRequest, CallResponse, Voice};
pub use codec::DecodeError;
pub use content::Content;
pub use control::{Control, Door, Past, PictureTooLarge, Role, RoomPicture, RoomSettings, Seat};
pub use entry::{Entry, EntryBody, EntryKey, Hlc};
pub use frame::{
    Ask, ChatRequest, ChatResponse, Hello, Presence, PresenceState, Receipt, Refusal, RoomFrame, Typing,
};
pub use id::{CallId, ConversationId, ConversationTag, DeviceId, EntryId, PersonId, RoomId};
pub use identity::{DeviceCert, DeviceKeys, PersonKey};
pub use invite::{InviteRefusal, InviteRequest, InviteResponse, ParseTicketIdError, TicketId};
pub use link::{JoinLink, LinkError};
pub use media::{MediaPacket, MediaResponse, Report};
pub use name::{DisplayName, NameError, RoomName, StatusLine};
pub use proofs::SharedProofs;
pub use record::{
    AddressRecord, Answer, Asking, ConversationRecord, Delivery, FoundedRecord, HiddenHere, InviteRecord,
    KnockRecord, MemberRecord, OpeningRecord, OwnProfile, PageAt, PageItem, PersonRecord, Privacy,
    PrivateRecord, SecretRecord, Snapshot, StoredEntry, TakenBack, Ties, Wait, Write,
};
pub use safety::{SAFETY_WORDS, SafetyNumber};
pub use sealed::{Commitment, EpochSecret, Keyring, RoomKey, Sealed};
pub use signed::{CertCache, Signable, Unverified, Verified, VerifyError};
pub use sync::{Digest, EntryPack, KeyRange, SyncAsk, SyncRequest, SyncResponse, Wanted};
pub use ticket::{Reach, TICKET_PREFIX, Ticket, TicketError, TicketRoom, TicketToken};
