//! Calls: what the handles ask for and what devices say about them, brought to the core and back.
//!
//! Knows nothing of what a call is, nor of its media.

use std::collections::BTreeMap;

use kinmesh_core::{CallFault, CallToken, RequestToken};
use kinmesh_proto::{CallRequest, CallResponse, DeviceId};
use libp2p::request_response::{
    Event as ExchangeEvent, Message, OutboundFailure, OutboundRequestId, ResponseChannel,
};

use super::Driver;
use super::commands::Waiting;
use crate::calls::{CallChange, CallCommand, InCall};
use crate::identity::{device_of, peer_of, unix_ms};

/// What is under way about calls.
#[derive(Default)]
pub(super) struct Calls {
    /// What we said, until it is answered.
    said: BTreeMap<OutboundRequestId, CallToken>,
    /// What was said to us, until the core has answered.
    heard: BTreeMap<RequestToken, ResponseChannel<CallResponse>>,
}

impl Driver {
    pub(super) fn call_command(&mut self, command: CallCommand) {
        let now_ms = unix_ms();
        match command {
            CallCommand::Ring { person, reply } => match self.core.ring(now_ms, person) {
                Ok(call) => self.ready.push((Waiting::CallBegun(call, reply), Ok(()))),
                Err(refusal) => drop(reply.send(Err(refusal.into()))),
            },
            CallCommand::EnterVoice { room, reply } => match self.core.enter_voice(now_ms, room) {
                Ok(call) => self.ready.push((Waiting::CallBegun(call, reply), Ok(()))),
                Err(refusal) => drop(reply.send(Err(refusal.into()))),
            },
        }
    }

    pub(super) fn in_call(&mut self, command: InCall) {
        let now_ms = unix_ms();
        match command {
            InCall::Media { call, reply } => drop(reply.send(self.media_of(call))),
            InCall::Change { call, change, reply } => {
                let changed = match change {
                    CallChange::Accept => self.core.accept_call(now_ms, call),
                    CallChange::Decline { text } => self.core.decline_call(now_ms, call, text),
                    CallChange::Ignore => self.core.ignore_call(call),
                    CallChange::HangUp => self.core.hang_up(now_ms, call),
                    CallChange::Mute(muted) => self.core.mute_call(call, muted),
                    CallChange::Hold(held) => self.core.hold_call(call, held),
                    CallChange::Add(person) => self.core.add_to_call(now_ms, call, person),
                    CallChange::Transfer(to) => self.core.transfer_call(call, to),
                };
                match changed {
                    Ok(()) => self.ready.push((Waiting::Call(reply), Ok(()))),
                    Err(refusal) => drop(reply.send(Err(refusal.into()))),
                }
            }
        }
    }

    pub(super) fn say_of_call(&mut self, device: DeviceId, token: CallToken, mut request: CallRequest) {
        let Some(peer) = peer_of(device) else {
            return self.core.call_failed(unix_ms(), token, CallFault::NoAnswer);
        };
        if let CallRequest::Party { party, .. } = &mut request {
            for reach in party.iter_mut().filter_map(|member| member.reach.as_mut()) {
                reach.addresses = self.discovery.known_addresses(reach.device);
            }
        }
        let request = self.swarm.behaviour_mut().call.send_request(&peer, request);
        self.calls.said.insert(request, token);
    }

    pub(super) fn respond_of_call(&mut self, request: RequestToken, response: CallResponse) {
        let Some(channel) = self.calls.heard.remove(&request) else { return };
        // The connection may have ended meanwhile; they will say it again.
        let _ = self.swarm.behaviour_mut().call.send_response(channel, response);
    }

    pub(super) fn call_event(&mut self, event: ExchangeEvent<CallRequest, CallResponse>) {
        match event {
            ExchangeEvent::Message { peer, message: Message::Request { request, channel, .. }, .. } => {
                let Some(device) = device_of(&peer) else { return };
                let token = RequestToken(self.next_token());
                self.calls.heard.insert(token, channel);
                self.core.call_asked(unix_ms(), device, request, token);
            }
            ExchangeEvent::Message { message: Message::Response { request_id, response }, .. } => {
                if let Some(token) = self.calls.said.remove(&request_id) {
                    self.core.call_answered(unix_ms(), token, response);
                }
            }
            ExchangeEvent::OutboundFailure { request_id, error, .. } => {
                tracing::debug!(%error, "a word about a call was not answered");
                if let Some(token) = self.calls.said.remove(&request_id) {
                    self.core.call_failed(unix_ms(), token, fault_of(&error));
                }
            }
            ExchangeEvent::InboundFailure { error, .. } => tracing::debug!(%error, "an answer did not leave"),
            ExchangeEvent::ResponseSent { .. } => {}
        }
    }
}

fn fault_of(error: &OutboundFailure) -> CallFault {
    match error {
        OutboundFailure::UnsupportedProtocols => CallFault::TooOld,
        OutboundFailure::DialFailure
        | OutboundFailure::Timeout
        | OutboundFailure::ConnectionClosed
        | OutboundFailure::Io(_) => CallFault::NoAnswer,
    }
}
