//! Tickets: made with the addresses of now, opened, and carried to who made them.
//!
//! Knows where we are reached and how a ticket travels, and nothing of what becomes of it.

use std::collections::BTreeMap;
use std::time::Instant;

use kinmesh_core::{InviteView, NewInvite, RequestToken};
use kinmesh_proto::{
    ConversationId, DeviceId, InviteRequest, InviteResponse, Reach, Ticket, TicketId, TicketToken, limits,
};
use libp2p::Multiaddr;
use libp2p::multiaddr::Protocol;
use libp2p::request_response::{Event as ExchangeEvent, Message, OutboundRequestId, ResponseChannel};
use serde_bytes::ByteArray;

use super::Driver;
use super::commands::Waiting;
use crate::convert::{Scope, scope_of, without_peer};
use crate::error::{InviteError, OpenError};
use crate::handle::Reply;
use crate::identity::{device_of, peer_of, unix_ms};
use crate::invites::InviteCommand;
use crate::status::BootstrapLink;

/// Addresses of ours in a ticket: two networks, or two transports, and one to spare. With more, and with
/// more than one node, its QR picture would not fit into eighty columns of a terminal.
const OWN_ADDRESSES_MAX: usize = 3;
const NODES_MAX: usize = 1;

/// Tickets under way.
#[derive(Default)]
pub(super) struct Tickets {
    /// Those of others, which we show to their makers.
    shown: BTreeMap<OutboundRequestId, TicketId>,
    /// Ours, which are shown to us.
    seen: BTreeMap<RequestToken, ResponseChannel<InviteResponse>>,
}

impl Driver {
    pub(super) fn invite_command(&mut self, command: InviteCommand) {
        match command {
            InviteCommand::Make { new, reply } => self.make_invite(new, reply),
            InviteCommand::Ticket { invite, reply } => drop(reply.send(self.ticket(invite))),
            InviteCommand::Revoke { invite, reply } => match self.core.revoke_invite(invite) {
                Ok(token) => self.wait(token, Waiting::Invite(reply)),
                Err(error) => drop(reply.send(Err(error.into()))),
            },
            InviteCommand::Open { ticket, reply } => self.open_ticket(&ticket, reply),
            InviteCommand::Dismiss { invite, reply } => match self.core.dismiss_opening(invite) {
                Ok(token) => self.wait(token, Waiting::Invite(reply)),
                Err(error) => drop(reply.send(Err(error.into()))),
            },
        }
    }

    fn make_invite(&mut self, new: NewInvite, reply: Reply<InviteError, InviteView>) {
        if self.core.overview().me.name.is_none() {
            drop(reply.send(Err(InviteError::NoName)));
            return;
        }
        let mut token = [0; 16];
        if getrandom::fill(&mut token).is_err() {
            drop(reply.send(Err(InviteError::NoRandomness)));
            return;
        }
        match self.core.make_invite(unix_ms(), TicketToken(ByteArray::new(token)), new) {
            Ok((token, view)) => self.wait(token, Waiting::InviteMade(Box::new(view), reply)),
            Err(fault) => drop(reply.send(Err(fault.into()))),
        }
    }

    /// The ticket of an invitation, with where we are reached now.
    fn ticket(&mut self, invite: TicketId) -> Result<Ticket, InviteError> {
        let me = self.core.overview().me;
        let name = me.name.ok_or(InviteError::NoName)?;
        let record = self.core.invite(invite).ok_or(kinmesh_core::UnknownInvite)?;
        Ok(Ticket {
            token: record.token,
            person: me.person,
            name,
            devices: vec![Reach { device: me.device, addresses: self.own_addresses() }],
            bootstraps: self.ways_in(),
            room: record.room.clone(),
            expires_ms: record.expires_ms,
            uses: record.uses,
        })
    }

    /// Where others reach us: the internet before the local network, and this machine only if there is
    /// nothing else.
    fn own_addresses(&self) -> Vec<String> {
        let known = self.swarm.external_addresses().chain(&self.listening).cloned().map(without_peer);
        told_addresses(known.collect())
    }

    /// A bootstrap node that knows us, a connected one if there is any.
    fn ways_in(&self) -> Vec<String> {
        let mut nodes = self.discovery.bootstrap_status();
        nodes.sort_by_key(|node| node.link != BootstrapLink::Connected);
        let fits = |address: &String| address.len() <= limits::TICKET_ADDRESS_BYTES_MAX;
        nodes.iter().map(|node| node.address.to_string()).filter(fits).take(NODES_MAX).collect()
    }

    fn open_ticket(&mut self, ticket: &Ticket, reply: Reply<OpenError, ConversationId>) {
        match self.core.open_ticket(unix_ms(), ticket) {
            Ok((leads_to, token)) => {
                self.learn_from_ticket(ticket);
                match token {
                    Some(token) => self.wait(token, Waiting::Opened(leads_to, reply)),
                    None => drop(reply.send(Ok(leads_to))),
                }
            }
            Err(fault) => drop(reply.send(Err(fault.into()))),
        }
    }

    /// Where its maker may be found. What cannot be read, or only from their own machine's inside, is
    /// passed over: one address is enough.
    fn learn_from_ticket(&mut self, ticket: &Ticket) {
        let now = Instant::now();
        for Reach { device, addresses } in &ticket.devices {
            let told: Vec<Multiaddr> = addresses.iter().filter_map(|text| told_address(text)).collect();
            if let Some(record) = self.discovery.learn_from_ticket(*device, &told, unix_ms()) {
                self.core.remember(vec![kinmesh_proto::record::Write::PutAddresses(record)]);
            }
            if let Some(peer) = peer_of(*device) {
                self.discovery.try_at_once(&peer);
            }
        }
        let me = *self.swarm.local_peer_id();
        for node in ticket.bootstraps.iter().filter_map(|text| text.parse::<Multiaddr>().ok()) {
            if matches!(node.iter().last(), Some(Protocol::P2p(peer)) if peer != me) {
                self.discovery.add_bootstrap(node, now);
                self.status_changed = true;
            }
        }
        self.seek_anew();
    }

    pub(super) fn show_ticket(&mut self, device: DeviceId, ticket: TicketId, request: InviteRequest) {
        let Some(peer) = peer_of(device) else { return self.core.invite_failed(unix_ms(), ticket) };
        let request = self.swarm.behaviour_mut().invite.send_request(&peer, request);
        self.tickets.shown.insert(request, ticket);
    }

    pub(super) fn respond_invite(&mut self, request: RequestToken, response: InviteResponse) {
        let Some(channel) = self.tickets.seen.remove(&request) else { return };
        // The connection may have ended meanwhile; they will ask again.
        let _ = self.swarm.behaviour_mut().invite.send_response(channel, response);
    }

    pub(super) fn invite_event(&mut self, event: ExchangeEvent<InviteRequest, InviteResponse>) {
        match event {
            ExchangeEvent::Message { peer, message: Message::Request { request, channel, .. }, .. } => {
                let Some(device) = device_of(&peer) else { return };
                let token = RequestToken(self.next_token());
                self.tickets.seen.insert(token, channel);
                self.core.invite_request(unix_ms(), device, request, token);
            }
            ExchangeEvent::Message { message: Message::Response { request_id, response }, .. } => {
                if let Some(ticket) = self.tickets.shown.remove(&request_id) {
                    self.core.invite_answered(unix_ms(), ticket, response);
                }
            }
            ExchangeEvent::OutboundFailure { request_id, error, .. } => {
                tracing::debug!(%error, "a ticket was not answered");
                if let Some(ticket) = self.tickets.shown.remove(&request_id) {
                    self.core.invite_failed(unix_ms(), ticket);
                }
            }
            ExchangeEvent::InboundFailure { error, .. } => tracing::debug!(%error, "an answer did not leave"),
            ExchangeEvent::ResponseSent { .. } => {}
        }
    }
}

/// An address in a ticket that can be dialled.
fn told_address(text: &str) -> Option<Multiaddr> {
    let address = without_peer(text.parse().ok()?);
    let is_relayed = address.iter().any(|part| part == Protocol::P2pCircuit);
    scope_of(&address).filter(|_| !is_relayed).map(|_| address)
}

/// Those of our addresses that go into a ticket, in the order in which they are worth a dial.
fn told_addresses(mut known: Vec<Multiaddr>) -> Vec<String> {
    let needs_a_zone = |address: &Multiaddr| matches!(address.iter().next(), Some(Protocol::Ip6(ip)) if ip.is_unicast_link_local());
    let is_tcp = |address: &Multiaddr| address.iter().any(|part| matches!(part, Protocol::Tcp(_)));
    known.retain(|address| scope_of(address).is_some() && !needs_a_zone(address));
    known.sort_by_cached_key(|address| {
        (std::cmp::Reverse(scope_of(address)), is_tcp(address), address.to_string())
    });
    known.dedup();
    let beyond_this_machine = |address: &Multiaddr| scope_of(address) > Some(Scope::Loopback);
    if known.iter().any(beyond_this_machine) {
        known.retain(beyond_this_machine);
    }
    let texts = known.iter().map(Multiaddr::to_string);
    texts.filter(|text| text.len() <= limits::TICKET_ADDRESS_BYTES_MAX).take(OWN_ADDRESSES_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(texts: &[&str]) -> Vec<String> {
        told_addresses(texts.iter().map(|text| text.parse().unwrap()).collect())
    }

    #[test]
    fn a_ticket_tells_what_reaches_farthest_first_and_nothing_that_others_cannot_dial() {
        let local = "/ip4/192.168.1.2/udp/7/quic-v1";
        let known = [
            "/ip4/127.0.0.1/udp/7/quic-v1",
            "/ip6/fe80::1/udp/7/quic-v1",
            "/ip4/0.0.0.0/udp/7/quic-v1",
            "/ip4/192.168.1.2/tcp/7",
            local,
            "/ip4/203.0.113.9/udp/7/quic-v1",
            local,
        ];
        let expected = ["/ip4/203.0.113.9/udp/7/quic-v1", local, "/ip4/192.168.1.2/tcp/7"];
        assert_eq!(told(&known), expected);
        assert_eq!(told(&known[..1]), &known[..1], "better than none");
    }

    #[test]
    fn what_cannot_be_dialled_is_not_learned() {
        assert!(told_address("/ip4/192.168.1.2/tcp/7").is_some());
        for text in ["", "nonsense", "/ip4/0.0.0.0/tcp/7", "/unix/tmp"] {
            assert!(told_address(text).is_none(), "{text}");
        }
    }
}
