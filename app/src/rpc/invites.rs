//! The methods on invitations: those made here, and those of others.

use std::path::PathBuf;

use kinmesh_core::{InviteState, InviteView, NewInvite};
use kinmesh_proto::{RoomId, Ticket, TicketId, TicketRoom};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Value, json};

use super::fault::Fault;
use super::methods::{Outcome, show};
use crate::invites::{EXPIRY_DEFAULT_S, now_ms};
use crate::links::{self, Link};
use crate::program::Program;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Create {
    #[serde(default)]
    room: Option<RoomId>,
    /// Absent: a week. Null: for ever.
    #[serde(default, deserialize_with = "given")]
    valid_s: Option<Option<u64>>,
    /// Absent: one for a chat, any number for a room. Null: any number.
    #[serde(default, deserialize_with = "given")]
    uses: Option<Option<u32>>,
}

/// Tells what is null from what is not there.
fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OfInvite {
    invite: TicketId,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Save {
    invite: TicketId,
    path: PathBuf,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OfLink {
    link: String,
}

/// An invitation and how it stands.
#[derive(Serialize)]
struct Listed<'i> {
    #[serde(flatten)]
    invite: &'i InviteView,
    state: InviteState,
    uses_left: Option<u32>,
}

impl<'i> Listed<'i> {
    fn of(invite: &'i InviteView) -> Self {
        Self { invite, state: invite.state(now_ms()), uses_left: invite.uses_left() }
    }
}

/// Makes an invitation.
pub(super) async fn create(program: &Program, Create { room, valid_s, uses }: Create) -> Outcome {
    let valid_s = valid_s.unwrap_or(Some(EXPIRY_DEFAULT_S));
    let expires_ms = valid_s.map(|valid_s| now_ms().saturating_add(valid_s.saturating_mul(1000)));
    let uses = uses.unwrap_or(room.is_none().then_some(1));
    let invite = program.node.make_invite(NewInvite { room, expires_ms, uses }).await?;
    let ticket = program.node.ticket(invite.id).await?;
    let mut answer = forms(&ticket);
    answer["invite"] = show(&Listed::of(&invite))?;
    Ok(answer)
}

/// Lists those made here.
pub(super) fn list(program: &Program) -> Outcome {
    show(&program.node.overview().invites.iter().map(Listed::of).collect::<Vec<_>>())
}

/// The ticket of one, in all the forms that can be given away.
pub(super) async fn link(program: &Program, OfInvite { invite }: OfInvite) -> Outcome {
    Ok(forms(&program.node.ticket(invite).await?))
}

fn forms(ticket: &Ticket) -> Value {
    json!({ "link": ticket.to_string(), "qr": ticket.to_qr_text(), "text": links::text_of(ticket) })
}

/// Writes the ticket of one into a file.
pub(super) async fn save(program: &Program, Save { invite, path }: Save) -> Outcome {
    let ticket = program.node.ticket(invite).await?;
    links::save(&ticket, &path).map_err(|error| Fault::file(&path, &error))?;
    Ok(Value::Null)
}

/// Takes one back.
pub(super) async fn revoke(program: &Program, OfInvite { invite }: OfInvite) -> Outcome {
    program.node.revoke_invite(invite).await?;
    Ok(Value::Null)
}

/// Says where a link leads. Changes nothing.
pub(super) fn look(program: &Program, OfLink { link }: OfLink) -> Outcome {
    let link = links::read_given(&link)?;
    link.check(&program.node.overview(), now_ms())?;
    Ok(match link {
        Link::Way(way) => json!({ "kind": "way", "nodes": way.nodes, "room": way.room }),
        Link::Ticket(ticket) => {
            let (kind, room) = match &ticket.room {
                Some(TicketRoom::Public(name)) => ("room", Some(name)),
                Some(TicketRoom::Founded { name, .. }) => ("founded_room", Some(name)),
                Some(TicketRoom::Private(_)) => ("private_room", None),
                None => ("chat", None),
            };
            json!({
                "kind": kind,
                "invite": ticket.id(),
                "person": ticket.person,
                "name": ticket.name,
                "fingerprint": ticket.person.fingerprint(),
                "room": room,
                "expires_ms": ticket.expires_ms,
            })
        }
    })
}

/// Follows a link of either kind.
pub(super) async fn open(program: &Program, OfLink { link }: OfLink) -> Outcome {
    show(&program.open(links::read_given(&link)?).await?)
}

/// Lists those of others that were opened here.
pub(super) fn opened(program: &Program) -> Outcome {
    show(&program.node.overview().openings)
}

/// Gives up one that was opened.
pub(super) async fn dismiss(program: &Program, OfInvite { invite }: OfInvite) -> Outcome {
    program.node.dismiss_opening(invite).await?;
    Ok(Value::Null)
}
