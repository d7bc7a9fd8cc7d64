//! What the network reports, brought to the core and to discovery.

use std::time::{Duration, Instant};

use futures::StreamExt;
use kinmesh_core::{FrameToken, RequestToken, Verdict};
use kinmesh_proto::{ChatRequest, ChatResponse, Hello, protocol};
use libp2p::core::ConnectedPoint;
use libp2p::request_response::{Event as ExchangeEvent, Message};
use libp2p::swarm::{ConnectionId, DialError, SwarmEvent};
use libp2p::{Multiaddr, PeerId, gossipsub, identify, ping};

use super::Driver;
use super::connections::Link;
use crate::behaviour::BehaviourEvent;
use crate::convert::{Scope, is_worth_dialling, scope_of, without_peer};
use crate::discovery::ADDRESSES_PER_DEVICE;
use crate::identity::{device_of, unix_ms};
use crate::{hello, listen};

/// Goodbyes are waited for this long, and after them the end of connections.
const GOODBYE_MAX: Duration = Duration::from_millis(500);

impl Driver {
    pub(super) fn network_event(&mut self, event: SwarmEvent<BehaviourEvent>) {
        match event {
            SwarmEvent::Behaviour(event) => self.behaviour_event(event),
            SwarmEvent::NewListenAddr { address, .. } => self.listens_on(address),
            SwarmEvent::ExpiredListenAddr { address, .. } => self.listens_no_longer_on(&address),
            SwarmEvent::ConnectionEstablished { peer_id, connection_id, endpoint, .. } => {
                self.connection_opened(peer_id, connection_id, &endpoint);
            }
            SwarmEvent::ConnectionClosed { peer_id, connection_id, .. } => {
                self.connection_closed(&peer_id, connection_id);
            }
            SwarmEvent::OutgoingConnectionError { peer_id: Some(peer), connection_id, error } => {
                self.media.disconnected(&peer, connection_id);
                self.dial_failed(&peer, &error);
            }
            SwarmEvent::ExternalAddrConfirmed { address } => {
                tracing::info!(scope = ?scope_of(&address), "an address of ours is reachable");
                self.reachability_changed();
            }
            SwarmEvent::ExternalAddrExpired { .. } => self.reachability_changed(),
            SwarmEvent::ListenerError { error, .. } => tracing::warn!(%error, "a listener failed"),
            SwarmEvent::IncomingConnectionError { error, .. } => {
                tracing::debug!(%error, "an incoming connection failed")
            }
            _ => {}
        }
    }

    fn behaviour_event(&mut self, event: BehaviourEvent) {
        match event {
            BehaviourEvent::Gossip(event) => self.gossip_event(event),
            BehaviourEvent::Chat(event) => self.chat_event(event),
            BehaviourEvent::Sync(event) => self.sync_event(event),
            BehaviourEvent::Invite(event) => self.invite_event(event),
            BehaviourEvent::Call(event) => self.call_event(event),
            BehaviourEvent::Media(event) => self.media_event(event),
            BehaviourEvent::Hello(event) => self.hello_event(event),
            BehaviourEvent::Identify(identify::Event::Received { connection_id, peer_id, info }) => {
                self.identified(peer_id, connection_id, &info)
            }
            BehaviourEvent::Ping(event) => self.pinged(&event),
            BehaviourEvent::Rendezvous(event) => self.rendezvous_event(event),
            BehaviourEvent::Kad(event) => self.kad_event(event),
            BehaviourEvent::Mdns(event) => self.mdns_event(event),
            _ => {}
        }
    }

    fn listens_on(&mut self, address: Multiaddr) {
        let scope = scope_of(&address);
        tracing::debug!(?scope, "listening");
        if let Some(dir) = &self.port_kept_in {
            listen::keep_port(&address, dir);
        }
        self.listening.push(address);
        self.advertise_local_addresses();
        self.status_changed = true;
    }

    fn listens_no_longer_on(&mut self, address: &Multiaddr) {
        self.listening.retain(|known| known != address);
        // AutoNAT never tests an address twice: what is gone must be taken back by us.
        self.swarm.remove_external_address(address);
        self.status_changed = true;
    }

    /// Addresses on a network that we share with a connected peer are reachable for those who
    /// share it too. Whether a global one is, AutoNAT finds out.
    pub(super) fn advertise_local_addresses(&mut self) {
        let Some(narrowest) = self.connections.narrowest_scope() else { return };
        let shared = |address: &&Multiaddr| {
            scope_of(address).is_some_and(|scope| scope >= narrowest && scope != Scope::Global)
        };
        let shared: Vec<Multiaddr> = self.listening.iter().filter(shared).cloned().collect();
        let known: Vec<Multiaddr> = self.swarm.external_addresses().cloned().collect();
        let new: Vec<Multiaddr> = shared.into_iter().filter(|address| !known.contains(address)).collect();
        if new.is_empty() {
            return;
        }
        for address in new {
            self.swarm.add_external_address(address);
        }
        self.reachability_changed();
    }

    fn connection_opened(&mut self, peer: PeerId, id: ConnectionId, endpoint: &ConnectedPoint) {
        let remote = without_peer(endpoint.get_remote_address().clone());
        let scope = scope_of(&remote).unwrap_or(Scope::Global);
        let dialled_by_us = endpoint.is_dialer();
        let opened = Instant::now();
        let (since_ms, told) = (None, Vec::new());
        self.connections.opened(peer, Link { id, remote, scope, dialled_by_us, opened, since_ms, told });
        self.discovery.connected(&peer, Instant::now());
        self.advertise_local_addresses();
        self.make_room_for(peer);
        self.status_changed = true;
        if let Some(device) = device_of(&peer)
            && let Some(best) = self.connections.best(&peer)
        {
            self.core.linked(device, best.scope.route());
        }
        let is_further = self.media.connected(&peer, id);
        // Of two connections dialled at once, each side may see the other's first: whoever dials speaks.
        if dialled_by_us && !is_further {
            self.say_hello(peer);
        }
    }

    fn say_hello(&mut self, peer: PeerId) {
        if let Some(hello) = self.core.hello(unix_ms()) {
            let hello = self.with_links(&peer, hello);
            let request = self.swarm.behaviour_mut().hello.send_request(&peer, hello);
            self.hellos.insert(request);
        }
    }

    /// Our hello to a peer: it says as well how many connections with it we know of.
    pub(super) fn with_links(&self, peer: &PeerId, hello: Hello) -> Hello {
        let links = u8::try_from(self.connections.count_with(peer)).unwrap_or(u8::MAX);
        Hello { links: links.max(1), ..hello }
    }

    fn connection_closed(&mut self, peer: &PeerId, id: ConnectionId) {
        self.status_changed = true;
        self.media.disconnected(peer, id);
        if !self.connections.closed(peer, id) {
            return;
        }
        self.discovery.disconnected(peer);
        self.seek.forget_node(peer);
        if let Some(device) = device_of(peer) {
            self.core.unlinked(device);
        }
    }

    fn dial_failed(&mut self, peer: &PeerId, error: &DialError) {
        if self.connections.is_connected(peer) {
            return;
        }
        let reason = reason_of(error);
        tracing::debug!(%reason, "a dial failed");
        // Keeps a mesh that lost its bootstrap node from dialling in step; not worth a secret.
        let spread = f64::from(rand::random::<u8>()) / 256.0;
        self.discovery.failed(peer, &reason, Instant::now(), spread);
        self.status_changed = true;
    }

    fn pinged(&mut self, event: &ping::Event) {
        match (&event.result, device_of(&event.peer)) {
            (Ok(_), Some(device)) => self.core.alive(unix_ms(), device),
            (Ok(_), None) => {}
            (Err(ping::Failure::Unsupported), _) => {}
            (Err(failure), _) => {
                tracing::debug!(%failure, "a connection is dead");
                self.swarm.close_connection(event.connection);
            }
        }
    }

    fn identified(&mut self, peer: PeerId, connection: ConnectionId, info: &identify::Info) {
        // mDNS and old addresses lead to any libp2p program.
        if info.protocol_version != protocol::IDENTIFY {
            tracing::debug!(agent = %info.agent_version.escape_debug(), "not one of us");
            // It may have gone by itself.
            let _ = self.swarm.disconnect_peer_id(peer);
            return;
        }
        let Some(link) = self.connections.best(&peer) else { return };
        let told_over = link.scope;
        let good = link.dialled_by_us.then(|| link.remote.clone());
        let told = info.listen_addrs.iter().cloned().map(without_peer);
        let told: Vec<Multiaddr> =
            told.filter(|address| is_worth_dialling(address, told_over)).take(ADDRESSES_PER_DEVICE).collect();
        self.learn_services(peer, info, good.as_ref().into_iter().chain(&told));
        self.connections.told(&peer, connection, told);
        self.learn_addresses(&peer);
    }

    fn gossip_event(&mut self, event: gossipsub::Event) {
        match event {
            gossipsub::Event::Message { propagation_source, message_id, message } => {
                let token = FrameToken(self.next_token());
                self.frames.insert(token, (message_id, propagation_source));
                match self.topics.get(&message.topic) {
                    Some(channel) => match channel.opened(&message.data) {
                        Some(frame) => self.core.room_frame(unix_ms(), channel.room, frame, token),
                        None => self.core.judge(token, Verdict::Reject),
                    },
                    None => self.core.judge(token, Verdict::Ignore),
                }
            }
            gossipsub::Event::Subscribed { peer_id, topic } => {
                if let (Some(device), Some(channel)) = (device_of(&peer_id), self.topics.get(&topic)) {
                    self.core.subscribed(unix_ms(), device, channel.room);
                }
            }
            gossipsub::Event::Unsubscribed { peer_id, topic } => {
                if let (Some(device), Some(channel)) = (device_of(&peer_id), self.topics.get(&topic)) {
                    self.core.unsubscribed(device, channel.room);
                }
            }
            gossipsub::Event::SlowPeer { peer_id, failed_messages } => {
                tracing::warn!(peer = %peer_id, ?failed_messages, "a peer takes our messages too slowly");
            }
            gossipsub::Event::GossipsubNotSupported { .. } => {}
        }
    }

    fn hello_event(&mut self, event: hello::Event) {
        match event {
            ExchangeEvent::Message {
                peer,
                connection_id,
                message: Message::Request { request, channel, .. },
            } => {
                let known_to_them = request.links;
                self.heard_hello(peer, connection_id, request);
                if self.connections.is_after_a_loss(&peer, connection_id, known_to_them) {
                    // Gossip tells its rooms over the first connection only, so with a lost one in between
                    // the other side would never hear of ours. They dial again, and all begins anew.
                    tracing::debug!("an older connection with the same peer is dead");
                    // It may have gone by itself.
                    let _ = self.swarm.disconnect_peer_id(peer);
                    return;
                }
                let answer = self.core.hello(unix_ms()).map(|hello| self.with_links(&peer, hello));
                // The connection may have ended meanwhile.
                let _ = self.swarm.behaviour_mut().hello.send_response(channel, answer);
            }
            ExchangeEvent::Message {
                peer,
                connection_id,
                message: Message::Response { request_id, response },
            } => {
                self.hellos.remove(&request_id);
                if let Some(hello) = response {
                    self.heard_hello(peer, connection_id, hello);
                }
            }
            ExchangeEvent::OutboundFailure { request_id, error, .. } => {
                self.hellos.remove(&request_id);
                tracing::debug!(%error, "a hello was not answered");
            }
            _ => {}
        }
    }

    fn heard_hello(&mut self, peer: PeerId, connection: ConnectionId, hello: Hello) {
        let Some(device) = device_of(&peer) else { return };
        match self.core.hello_received(unix_ms(), device, hello) {
            Ok(since_ms) => {
                self.connections.introduced(&peer, connection, since_ms);
                self.learn_addresses(&peer);
            }
            Err(error) => tracing::debug!(%error, "a hello was refused"),
        }
        self.status_changed = true;
    }

    fn chat_event(&mut self, event: ExchangeEvent<ChatRequest, ChatResponse>) {
        match event {
            ExchangeEvent::Message { peer, message: Message::Request { request, channel, .. }, .. } => {
                let token = RequestToken(self.next_token());
                self.requests.insert(token, channel);
                match device_of(&peer) {
                    Some(device) => self.core.chat_request(unix_ms(), device, request, token),
                    None => drop(self.requests.remove(&token)),
                }
            }
            ExchangeEvent::Message { message: Message::Response { request_id, response }, .. } => {
                if let Some(batch) = self.batches.remove(&request_id) {
                    self.core.chat_answered(unix_ms(), batch, response);
                }
            }
            ExchangeEvent::OutboundFailure { request_id, error, .. } => {
                tracing::debug!(%error, "a batch was not acknowledged");
                if let Some(batch) = self.batches.remove(&request_id) {
                    self.core.chat_failed(unix_ms(), batch);
                }
            }
            ExchangeEvent::InboundFailure { error, .. } => tracing::debug!(%error, "an answer did not leave"),
            ExchangeEvent::ResponseSent { .. } => {}
        }
    }

    /// Says goodbye, closes the connections so that nobody waits for us, then the store.
    pub(super) async fn shut_down(&mut self) {
        self.core.go_away(unix_ms());
        self.finish_round();
        // Each within its own time: who is gone without our knowing hears no goodbye.
        if tokio::time::timeout(GOODBYE_MAX, self.goodbyes_heard()).await.is_err() {
            tracing::debug!("not everybody heard our goodbye");
        }
        if tokio::time::timeout(GOODBYE_MAX, self.hang_up()).await.is_err() {
            tracing::debug!("not every connection closed in time");
        }
        self.close_store().await;
    }

    async fn goodbyes_heard(&mut self) {
        while !self.hellos.is_empty() {
            let event = self.swarm.select_next_some().await;
            self.network_event(event);
        }
    }

    async fn hang_up(&mut self) {
        let peers: Vec<PeerId> = self.connections.peers().copied().collect();
        for peer in peers {
            // It may have gone first.
            let _ = self.swarm.disconnect_peer_id(peer);
        }
        while self.connections.count() > 0 {
            let event = self.swarm.select_next_some().await;
            self.network_event(event);
        }
    }
}

/// The transport's words for the last thing that went wrong, without the addresses.
fn reason_of(error: &DialError) -> String {
    match error {
        DialError::Transport(failures) => match failures.last() {
            Some((_, reason)) => innermost(reason),
            None => "no address".to_owned(),
        },
        other => other.to_string(),
    }
}

fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    match error.source() {
        Some(source) => innermost(source),
        None => error.to_string(),
    }
}
