//! Words about invitations and links: what is wrong with one, where it leads, how it stands.

use kinmesh_core::{InviteFault, InviteState, InviteView, OpenFault, OpeningView, WaitReason};
use kinmesh_model::Clock;
use kinmesh_net::{InviteError, OpenError};
use kinmesh_proto::{InviteRefusal, TicketError, TicketRoom};

use super::{call_error, store_error, time};
use crate::i18n::{tr, tr_args};
use crate::links::Link;

/// Why a text is no ticket.
pub fn ticket_error(error: TicketError) -> String {
    tr(match error {
        TicketError::NotATicket => "error-invite-not",
        TicketError::Damaged | TicketError::OverLimit => "error-invite-damaged",
        TicketError::Newer => "error-invite-newer",
        TicketError::Expired => "error-invite-expired",
    })
}

/// Why a ticket cannot be opened here.
pub fn open_fault(fault: OpenFault) -> String {
    match fault {
        OpenFault::Ticket(error) => ticket_error(error),
        OpenFault::Own => tr("error-invite-own"),
        OpenFault::Blocked => tr("error-invite-blocked"),
        OpenFault::TooMany => tr("error-openings-full"),
        OpenFault::TooManyRooms(_) => {
            tr_args("error-too-many-rooms", &[("max", kinmesh_core::ROOMS_MAX.into())])
        }
    }
}

/// Why a ticket was not opened.
pub fn open_error(error: &OpenError) -> String {
    match error {
        OpenError::Ticket(fault) => open_fault(*fault),
        OpenError::Store(error) => store_error(error),
        OpenError::Call(error) => call_error(*error),
    }
}

/// Why an invitation was not made, or not taken back.
pub fn invite_error(error: &InviteError) -> String {
    match error {
        InviteError::Fault(InviteFault::NotJoined) => tr("error-not-joined"),
        InviteError::Fault(InviteFault::NotAdmin) => tr("error-room-not-admin"),
        InviteError::Fault(InviteFault::TooMany) => tr("error-invites-full"),
        InviteError::Fault(InviteFault::Past | InviteFault::Uses | InviteFault::NotCounted)
        | InviteError::NoRandomness => tr_args("error-invite", &[("fault", error.to_string().into())]),
        InviteError::Unknown(_) => tr("error-invite-unknown"),
        InviteError::NoName => tr("error-invite-name"),
        InviteError::Store(error) => store_error(error),
        InviteError::Call(error) => call_error(*error),
    }
}

/// Where a link leads, and what following it means.
pub fn leads_to(link: &Link, clock: &Clock) -> String {
    match link {
        Link::Ticket(ticket) => {
            let until = ticket
                .expires_ms
                .map(|ms| format!(" {}", tr_args("link-expires", &[("time", at(ms, clock).into())])));
            let (id, room) = match &ticket.room {
                Some(TicketRoom::Public(room)) => ("link-room-sentence", room.as_str()),
                Some(TicketRoom::Founded { name, .. }) => ("link-founded-room-sentence", name.as_str()),
                Some(TicketRoom::Private(_)) => ("link-private-room-sentence", ""),
                None => ("link-chat-sentence", ""),
            };
            let args = [
                ("name", ticket.name.as_str().into()),
                ("fingerprint", ticket.person.fingerprint().into()),
                ("room", room.into()),
            ];
            tr_args(id, &args) + &until.unwrap_or_default()
        }
        Link::Way(way) => {
            let count = ("count", way.nodes.len().into());
            match &way.room {
                Some(room) => tr_args("link-way-room-sentence", &[count, ("room", room.as_str().into())]),
                None => tr_args("link-way-sentence", &[count]),
            }
        }
    }
}

/// A moment that may be ahead: with its day, if that is another one.
fn at(ms: u64, clock: &Clock) -> String {
    let (date, of_day) = clock.civil(ms);
    let of_day = time(of_day);
    if date == clock.today() {
        return of_day;
    }
    let day = tr_args("day-short", &[("day", date.day().into()), ("month", date.month().into())]);
    format!("{day}, {of_day}")
}

/// How an invitation of ours stands: how much is left of it, and until when it is good.
pub fn standing(invite: &InviteView, clock: &Clock) -> String {
    let left = match (invite.state(clock.now_ms()), invite.uses) {
        (InviteState::Expired, _) => return tr("invite-expired"),
        (InviteState::UsedUp, _) => return tr("invite-used-up"),
        (InviteState::Open, _) if invite.room.is_some() => tr("invite-not-counted"),
        (InviteState::Open, None) => tr_args("invite-any-left", &[("used", invite.used_by.len().into())]),
        (InviteState::Open, Some(of)) => {
            let left = invite.uses_left().unwrap_or_default();
            tr_args("invite-left", &[("count", left.into()), ("of", of.into())])
        }
    };
    let until = match invite.expires_ms {
        Some(ms) => tr_args("invite-until", &[("time", at(ms, clock).into())]),
        None => tr("invite-for-ever"),
    };
    format!("{left} · {until}")
}

/// How an opened invitation stands.
pub fn opening(opening: &OpeningView) -> String {
    let id = match (opening.refused, opening.waiting) {
        (Some(InviteRefusal::Expired), _) => "opening-expired",
        (Some(InviteRefusal::UsedUp), _) => "opening-used-up",
        (Some(InviteRefusal::Revoked), _) => "opening-revoked",
        (Some(InviteRefusal::Unknown), _) => "opening-unknown",
        (None, Some(WaitReason::Offline { .. }) | None) => "opening-waiting",
        (None, Some(_)) => "opening-asking",
    };
    tr_args(id, &[("name", opening.name.as_str().into())])
}
