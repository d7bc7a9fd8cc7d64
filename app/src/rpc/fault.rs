//! Errors as JSON-RPC tells them: a code, words, and a `kind` that programs can rely on.
//!
//! The table in `docs/rpc.md` lists them. Codes and kinds are part of the API: add, never change.

use kinmesh_core::{CallRefusal, HideRefusal, InviteFault, KnockRefusal, OpenFault, RoomRefusal};
use kinmesh_net::archive::{ArchiveError, EmptyPassphrase, ExportError, ImportError};
use kinmesh_net::{
    CallError, CallRefusalError, ChangeError, ConnectError, EditError, FollowError, IntroduceError,
    InviteError, OpenError, ReadError, RoomError, SendError,
};
use kinmesh_proto::TicketError;
use serde::Serialize;

use crate::export::ConversationExportError;
use crate::links::LinkFault;
use crate::picture::{PictureError, SetPictureError};
use crate::program::EnterError;
use crate::settings::SettingsError;
use crate::sound::SoundError;

/// The `error` member of an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Fault {
    code: i32,
    message: String,
    data: Data,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Data {
    kind: &'static str,
}

const PARSE_ERROR: i32 = -32700;
const INVALID_REQUEST: i32 = -32600;
const METHOD_NOT_FOUND: i32 = -32601;
const INVALID_PARAMS: i32 = -32602;

const NODE_GONE: (i32, &str) = (-32000, "node_gone");
const BUSY: (i32, &str) = (-32001, "busy");
const STORE: (i32, &str) = (-32002, "store");
const NOT_JOINED: (i32, &str) = (-32003, "not_joined");
const UNKNOWN_PERSON: (i32, &str) = (-32004, "unknown_person");
const EMPTY_TEXT: (i32, &str) = (-32005, "empty_text");
const TEXT_TOO_LONG: (i32, &str) = (-32006, "text_too_long");
const TOO_MANY_ROOMS: (i32, &str) = (-32007, "too_many_rooms");
const BAD_ADDRESS: (i32, &str) = (-32008, "bad_address");
const OWN_ADDRESS: (i32, &str) = (-32009, "own_address");
const SETTINGS: (i32, &str) = (-32010, "settings");
const OUTBOX_FULL: (i32, &str) = (-32011, "outbox_full");
const UNKNOWN_ENTRY: (i32, &str) = (-32012, "unknown_entry");
const NOT_YOURS: (i32, &str) = (-32013, "not_yours");
const DELETED: (i32, &str) = (-32014, "deleted");
const NOT_AN_EMOJI: (i32, &str) = (-32015, "not_an_emoji");
const NOT_STORED_HERE: (i32, &str) = (-32016, "not_stored_here");
const FILE: (i32, &str) = (-32017, "file");
const WRONG_PASSPHRASE: (i32, &str) = (-32018, "wrong_passphrase");
const BAD_ARCHIVE: (i32, &str) = (-32019, "bad_archive");
const NOT_EMPTY: (i32, &str) = (-32020, "not_empty");
const BROKEN_OFF: (i32, &str) = (-32021, "broken_off");
const NOT_AN_INVITE: (i32, &str) = (-32022, "not_an_invite");
const DAMAGED_INVITE: (i32, &str) = (-32023, "damaged_invite");
const NEWER_INVITE: (i32, &str) = (-32024, "newer_invite");
const EXPIRED_INVITE: (i32, &str) = (-32025, "expired_invite");
const OWN_INVITE: (i32, &str) = (-32026, "own_invite");
const UNKNOWN_INVITE: (i32, &str) = (-32028, "unknown_invite");
const TOO_MANY_INVITES: (i32, &str) = (-32029, "too_many_invites");
const BLOCKED: (i32, &str) = (-32030, "blocked");
const ECHO: (i32, &str) = (-32031, "echo");
const NO_REQUEST: (i32, &str) = (-32032, "no_request");
const NOT_A_CONTACT: (i32, &str) = (-32033, "not_a_contact");
const TOO_LONG_TO_ASK: (i32, &str) = (-32034, "too_long_to_ask");
const NO_NAME: (i32, &str) = (-32035, "no_name");
const NO_KEY: (i32, &str) = (-32036, "no_key");
const NOT_ADMIN: (i32, &str) = (-32037, "not_admin");
const MEMBERSHIP: (i32, &str) = (-32038, "membership");
const MUTED: (i32, &str) = (-32042, "muted");
const PUT_OUT: (i32, &str) = (-32043, "put_out");
const NOT_LET_IN: (i32, &str) = (-32044, "not_let_in");
const TOO_SOON: (i32, &str) = (-32045, "too_soon");
const HIDDEN_FULL: (i32, &str) = (-32046, "hidden_full");
const NOT_A_PICTURE: (i32, &str) = (-32047, "not_a_picture");
const SOUND: (i32, &str) = (-32040, "sound");
const SOUND_BUSY: (i32, &str) = (-32041, "sound_busy");
const IN_A_CALL: (i32, &str) = (-32050, "in_a_call");
const NO_SUCH_CALL: (i32, &str) = (-32051, "no_such_call");
const NOT_RINGING: (i32, &str) = (-32052, "not_ringing");
const NOT_STANDING: (i32, &str) = (-32053, "not_standing");
const OFFLINE: (i32, &str) = (-32054, "offline");
const CALL_FULL: (i32, &str) = (-32055, "call_full");
const BAD_NAME: (i32, &str) = (INVALID_PARAMS, "invalid_params");

impl Fault {
    fn new((code, kind): (i32, &'static str), message: impl ToString) -> Self {
        Self { code, message: message.to_string(), data: Data { kind } }
    }

    pub(super) fn not_json(error: &serde_json::Error) -> Self {
        Self::new((PARSE_ERROR, "parse_error"), format_args!("not JSON: {error}"))
    }

    pub(super) fn bad_request(why: &str) -> Self {
        Self::new((INVALID_REQUEST, "invalid_request"), why)
    }

    pub(super) fn line_too_long(max: usize) -> Self {
        Self::new((INVALID_REQUEST, "line_too_long"), format_args!("a line holds at most {max} bytes"))
    }

    pub(super) fn batch_too_long(max: usize) -> Self {
        Self::new((INVALID_REQUEST, "batch_too_long"), format_args!("a batch holds at most {max} calls"))
    }

    pub(super) fn unknown_method() -> Self {
        Self::new((METHOD_NOT_FOUND, "method_not_found"), "there is no such method")
    }

    pub(super) fn not_in() -> Self {
        RoomRefusal::NotIn.into()
    }

    pub(super) fn no_such_call() -> Self {
        CallRefusal::NoSuchCall.into()
    }

    pub(super) fn broken_off() -> Self {
        Self::new(BROKEN_OFF, "the work was broken off")
    }

    pub(super) fn file(path: &std::path::Path, error: &std::io::Error) -> Self {
        Self::new(FILE, format_args!("{}: {error}", path.display()))
    }

    pub(super) fn bad_params(why: impl ToString) -> Self {
        Self::new((INVALID_PARAMS, "invalid_params"), why)
    }
}

impl From<CallError> for Fault {
    fn from(error: CallError) -> Self {
        let kind = match error {
            CallError::NodeGone => NODE_GONE,
            CallError::Busy => BUSY,
        };
        Self::new(kind, error)
    }
}

impl From<SendError> for Fault {
    fn from(error: SendError) -> Self {
        let kind = match error {
            SendError::Empty => EMPTY_TEXT,
            SendError::TooLong { .. } => TEXT_TOO_LONG,
            SendError::NotJoined => NOT_JOINED,
            SendError::UnknownPerson => UNKNOWN_PERSON,
            SendError::Blocked => BLOCKED,
            SendError::TooLongToAsk { .. } => TOO_LONG_TO_ASK,
            SendError::OutboxFull => OUTBOX_FULL,
            SendError::NoKey => NO_KEY,
            SendError::Muted { .. } => MUTED,
            SendError::PutOut => PUT_OUT,
            SendError::NotLetIn => NOT_LET_IN,
            SendError::TooSoon { .. } => TOO_SOON,
            SendError::Store(_) => STORE,
            SendError::NotStoredHere(_) => NOT_STORED_HERE,
            SendError::Call(error) => return error.into(),
        };
        Self::new(kind, error)
    }
}

impl From<EditError> for Fault {
    fn from(error: EditError) -> Self {
        let kind = match error {
            EditError::UnknownPost => UNKNOWN_ENTRY,
            EditError::NotYours => NOT_YOURS,
            EditError::Deleted => DELETED,
            EditError::NotAnEmoji => NOT_AN_EMOJI,
            EditError::Send(error) => return error.into(),
            EditError::Read(error) => return error.into(),
        };
        Self::new(kind, error)
    }
}

impl From<ChangeError> for Fault {
    fn from(error: ChangeError) -> Self {
        let kind = match error {
            ChangeError::Name(_) => BAD_NAME,
            ChangeError::NotJoined => NOT_JOINED,
            ChangeError::UnknownPerson => UNKNOWN_PERSON,
            ChangeError::Echo => ECHO,
            ChangeError::Blocked => BLOCKED,
            ChangeError::NoRequest => NO_REQUEST,
            ChangeError::TooManyRooms { .. } => TOO_MANY_ROOMS,
            ChangeError::Store(_) => STORE,
            ChangeError::Call(error) => return error.into(),
        };
        Self::new(kind, error)
    }
}

impl From<IntroduceError> for Fault {
    fn from(error: IntroduceError) -> Self {
        match error {
            IntroduceError::NotAContact => Self::new(NOT_A_CONTACT, error),
            IntroduceError::NotTwoPeople => Self::bad_params(error),
            IntroduceError::Send(error) => error.into(),
        }
    }
}

impl From<ReadError> for Fault {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Store(_) | ReadError::Search => Self::new(STORE, error),
            ReadError::Call(error) => error.into(),
        }
    }
}

impl From<ConnectError> for Fault {
    fn from(error: ConnectError) -> Self {
        let kind = match error {
            ConnectError::BadAddress | ConnectError::NoPeerId => BAD_ADDRESS,
            ConnectError::Ourselves => OWN_ADDRESS,
            ConnectError::Call(error) => return error.into(),
        };
        Self::new(kind, error)
    }
}

impl From<LinkFault> for Fault {
    fn from(error: LinkFault) -> Self {
        match error {
            LinkFault::Link(error) => Self::new(BAD_ADDRESS, error),
            LinkFault::Address(error) => error.into(),
            LinkFault::Ticket(error) => error.into(),
            LinkFault::File { .. } => Self::new(FILE, error),
        }
    }
}

impl From<EnterError> for Fault {
    fn from(error: EnterError) -> Self {
        match error {
            EnterError::Follow(FollowError::Node(error)) => error.into(),
            EnterError::Follow(FollowError::Room(error)) => error.into(),
            EnterError::Open(error) => error.into(),
            EnterError::Settings(_) => Self::new(SETTINGS, error),
        }
    }
}

impl From<SettingsError> for Fault {
    fn from(error: SettingsError) -> Self {
        Self::new(SETTINGS, error)
    }
}

impl From<SoundError> for Fault {
    fn from(error: SoundError) -> Self {
        match error {
            SoundError::List(_) | SoundError::Check(_) => Self::new(SOUND, error),
            SoundError::Busy | SoundError::InACall => Self::new(SOUND_BUSY, error),
        }
    }
}

impl From<TicketError> for Fault {
    fn from(error: TicketError) -> Self {
        let kind = match error {
            TicketError::NotATicket => NOT_AN_INVITE,
            TicketError::Damaged | TicketError::OverLimit => DAMAGED_INVITE,
            TicketError::Newer => NEWER_INVITE,
            TicketError::Expired => EXPIRED_INVITE,
        };
        Self::new(kind, error)
    }
}

impl From<OpenFault> for Fault {
    fn from(error: OpenFault) -> Self {
        let kind = match error {
            OpenFault::Ticket(error) => return error.into(),
            OpenFault::Own => OWN_INVITE,
            OpenFault::Blocked => BLOCKED,
            OpenFault::TooMany => TOO_MANY_INVITES,
            OpenFault::TooManyRooms(_) => TOO_MANY_ROOMS,
        };
        Self::new(kind, error)
    }
}

impl From<OpenError> for Fault {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Ticket(error) => error.into(),
            OpenError::Store(_) => Self::new(STORE, error),
            OpenError::Call(error) => error.into(),
        }
    }
}

impl From<InviteError> for Fault {
    fn from(error: InviteError) -> Self {
        let kind = match &error {
            InviteError::Fault(InviteFault::NotJoined) => NOT_JOINED,
            InviteError::Fault(InviteFault::NotAdmin) => NOT_ADMIN,
            InviteError::Fault(InviteFault::TooMany) => TOO_MANY_INVITES,
            InviteError::Fault(InviteFault::Past | InviteFault::Uses | InviteFault::NotCounted) => {
                return Self::bad_params(error);
            }
            InviteError::Unknown(_) => UNKNOWN_INVITE,
            InviteError::NoName => NO_NAME,
            InviteError::NoRandomness | InviteError::Store(_) => STORE,
            InviteError::Call(error) => return (*error).into(),
        };
        Self::new(kind, error)
    }
}

impl From<RoomError> for Fault {
    fn from(error: RoomError) -> Self {
        match error {
            RoomError::NoInvitation => Self::new(UNKNOWN_INVITE, error),
            RoomError::Refused(refusal) => refusal.into(),
            RoomError::Knock(KnockRefusal::NotThere) => Self::new(NOT_JOINED, error),
            RoomError::Knock(KnockRefusal::IsIn | KnockRefusal::NoKnock) => Self::new(MEMBERSHIP, error),
            RoomError::Knock(KnockRefusal::TooLong) => Self::bad_params(error),
            RoomError::Hide(HideRefusal::NotARoom) => Self::new(NOT_JOINED, error),
            RoomError::Hide(HideRefusal::TooMany) => Self::new(HIDDEN_FULL, error),
            RoomError::Store(_) => Self::new(STORE, error),
            RoomError::Read(error) => error.into(),
            RoomError::Call(error) => error.into(),
        }
    }
}

impl From<SetPictureError> for Fault {
    fn from(error: SetPictureError) -> Self {
        match error {
            SetPictureError::Picture(error @ PictureError::Io { .. }) => Self::new(FILE, error),
            SetPictureError::Picture(error) => Self::new(NOT_A_PICTURE, error),
            SetPictureError::Room(error) => error.into(),
        }
    }
}

impl From<RoomRefusal> for Fault {
    fn from(refusal: RoomRefusal) -> Self {
        let kind = match refusal {
            RoomRefusal::NotIn => NOT_JOINED,
            RoomRefusal::NotAdmin => NOT_ADMIN,
            RoomRefusal::NotAContact => NOT_A_CONTACT,
            RoomRefusal::IsMember
            | RoomRefusal::NoMember
            | RoomRefusal::LastAdmin
            | RoomRefusal::Senior
            | RoomRefusal::IsPublic
            | RoomRefusal::LogFull => MEMBERSHIP,
            RoomRefusal::TooManyPeople
            | RoomRefusal::HideCount
            | RoomRefusal::TooSlow
            | RoomRefusal::KeepsTooLong => return Self::bad_params(refusal),
            RoomRefusal::TooManyRooms(_) => TOO_MANY_ROOMS,
            RoomRefusal::Send(kinmesh_core::SendRefusal::OutboxFull) => OUTBOX_FULL,
            RoomRefusal::Send(_) => NOT_JOINED,
        };
        Self::new(kind, refusal)
    }
}

impl From<CallRefusalError> for Fault {
    fn from(error: CallRefusalError) -> Self {
        match error {
            CallRefusalError::Refused(refusal) => refusal.into(),
            CallRefusalError::Call(error) => error.into(),
        }
    }
}

impl From<CallRefusal> for Fault {
    fn from(refusal: CallRefusal) -> Self {
        let kind = match refusal {
            CallRefusal::UnknownPerson => UNKNOWN_PERSON,
            CallRefusal::NotAContact => NOT_A_CONTACT,
            CallRefusal::Blocked => BLOCKED,
            CallRefusal::InACall => IN_A_CALL,
            CallRefusal::NoSuchCall => NO_SUCH_CALL,
            CallRefusal::NotRinging => NOT_RINGING,
            CallRefusal::NotStanding | CallRefusal::OfARoom => NOT_STANDING,
            CallRefusal::Offline => OFFLINE,
            CallRefusal::Full | CallRefusal::VoiceFull => CALL_FULL,
            CallRefusal::NotJoined => NOT_JOINED,
            CallRefusal::TooLong { .. } => return Self::bad_params(refusal),
        };
        Self::new(kind, refusal)
    }
}

impl From<EmptyPassphrase> for Fault {
    fn from(error: EmptyPassphrase) -> Self {
        Self::bad_params(error)
    }
}

impl From<ExportError> for Fault {
    fn from(error: ExportError) -> Self {
        let kind = match error {
            ExportError::Io { .. } | ExportError::Identity(_) | ExportError::NoKeys { .. } => FILE,
            ExportError::Store(_) => STORE,
            ExportError::BrokenOff => BROKEN_OFF,
        };
        Self::new(kind, error)
    }
}

impl From<ConversationExportError> for Fault {
    fn from(error: ConversationExportError) -> Self {
        match error {
            ConversationExportError::Read(error) => error.into(),
            ConversationExportError::Io { .. } => Self::new(FILE, error),
        }
    }
}

impl From<ImportError> for Fault {
    fn from(error: ImportError) -> Self {
        let kind = match error {
            ImportError::HasPeer { .. } | ImportError::NotEmpty { .. } => NOT_EMPTY,
            ImportError::Archive(ArchiveError::WrongPassphrase) => WRONG_PASSPHRASE,
            ImportError::Archive(_) => BAD_ARCHIVE,
            ImportError::Store(_) => STORE,
            ImportError::Identity(_) | ImportError::Io { .. } => FILE,
        };
        Self::new(kind, error)
    }
}
