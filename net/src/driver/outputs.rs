//! Does what the core decided.

use kinmesh_core::{Event, Output, RequestToken, Verdict};
use kinmesh_proto::{ChatResponse, DeviceId, Hello, RoomFrame, RoomId};
use libp2p::PeerId;
use libp2p::gossipsub::{IdentTopic, MessageAcceptance, PublishError, TopicHash};

use super::Driver;
use super::channel::Channel;
use crate::behaviour::room_score;
use crate::identity::{peer_of, unix_ms};

impl Driver {
    pub(super) fn do_outputs(&mut self) {
        while let Some(output) = self.core.poll_output() {
            self.do_output(output);
        }
        self.read_wanted_posts();
    }

    fn do_output(&mut self, output: Output) {
        match output {
            Output::Persist { token, writes } => self.persist(token, writes),
            Output::CountUnread { conversation, after } => self.count_unread(conversation, after),
            Output::ReadPost { conversation, key, lens } => self.want_post(conversation, key, lens),
            Output::ReadQueued { conversation, after } => self.read_queued(conversation, after),
            Output::Emit(event) => {
                self.overview_changed = true;
                if event == Event::InvitesChanged {
                    // Who invited us may be a dial away.
                    self.seek_anew();
                }
                self.told.push(event);
            }
            Output::Subscribe(room) => self.subscribe(room),
            Output::Unsubscribe(room) => self.unsubscribe(room),
            Output::PublishEntries { room, conversation, frame, keys } => match self.publish(room, &frame) {
                Ok(()) => self.core.published(unix_ms(), conversation, &keys),
                Err(error) => {
                    tracing::debug!(room = %room.fmt_short(), %error, "entries wait");
                    self.core.not_published(unix_ms(), conversation, &keys);
                }
            },
            Output::PublishPresence { room, frame }
            | Output::PublishTyping { room, frame }
            | Output::PublishVoice { room, frame } => {
                if let Err(error) = self.publish(room, &frame) {
                    tracing::trace!(room = %room.fmt_short(), %error, "nobody heard it");
                }
            }
            Output::Judge { frame, verdict } => {
                if let Some((message, source)) = self.frames.remove(&frame) {
                    let acceptance = acceptance_of(verdict);
                    self.swarm
                        .behaviour_mut()
                        .gossip
                        .report_message_validation_result(&message, &source, acceptance);
                }
            }
            Output::Deliver { device, batch, request } => {
                if let Some(peer) = peer_of(device) {
                    let request = self.swarm.behaviour_mut().chat.send_request(&peer, request);
                    self.batches.insert(request, batch);
                }
            }
            Output::Tell { device, request } => {
                if let Some(peer) = peer_of(device) {
                    self.swarm.behaviour_mut().chat.send_request(&peer, request);
                }
            }
            Output::Respond { request, response } => self.respond(request, response),
            Output::Sync { device, token, request } => self.ask(device, token, request),
            Output::RespondSync { request, response } => self.respond_sync(request, response),
            Output::Read { token, read } => self.look_up(token, read),
            Output::Misbehaved { device, fault } => self.misbehaved(device, fault),
            Output::KeepOut { device } => {
                if let Some(peer) = peer_of(device) {
                    self.swarm.behaviour_mut().kept_out.block_peer(peer);
                }
            }
            Output::LetIn { device } => self.let_in(device),
            Output::Redeem { device, ticket, request } => self.show_ticket(device, ticket, request),
            Output::RespondInvite { request, response } => self.respond_invite(request, response),
            Output::CallAsk { device, token, request } => self.say_of_call(device, token, request),
            Output::CallRespond { request, response } => self.respond_of_call(request, response),
            Output::OpenLine { call, person, device, theirs, ours } => {
                self.open_line((call, person), device, theirs, ours);
            }
            Output::CloseLine { call, person } => self.close_line((call, person)),
            Output::Find { told_by, reach } => self.find(told_by, reach),
            Output::Redial { device } => self.redial(device),
            Output::HelloAll(hello) => self.hello_all(&hello),
        }
    }

    fn subscribe(&mut self, room: RoomId) {
        let Some(topic) = self.core.topic(room).map(IdentTopic::new) else { return };
        self.topics.insert(topic.hash(), Channel { room, key: self.core.gossip_key(room) });
        let gossip = &mut self.swarm.behaviour_mut().gossip;
        if let Err(error) = gossip.set_topic_params(topic.clone(), room_score()) {
            tracing::error!(room = %room.fmt_short(), %error, "the room is not scored");
        }
        if let Err(error) = gossip.subscribe(&topic) {
            tracing::error!(room = %room.fmt_short(), %error, "the room cannot be heard");
        }
        self.tell_core_of_listeners(room, &topic.hash());
        self.seek_anew();
    }

    /// Peers may have been in the room before we were.
    fn tell_core_of_listeners(&mut self, room: RoomId, topic: &TopicHash) {
        let gossip = &self.swarm.behaviour().gossip;
        let listeners: Vec<PeerId> =
            gossip.all_peers().filter(|(_, topics)| topics.contains(&topic)).map(|(peer, _)| *peer).collect();
        for device in listeners.iter().filter_map(crate::identity::device_of) {
            self.core.subscribed(unix_ms(), device, room);
        }
    }

    fn unsubscribe(&mut self, room: RoomId) {
        let Some(topic) = self.channel_of(room).map(|(topic, _)| topic.clone()) else { return };
        self.topics.remove(&topic);
        self.swarm.behaviour_mut().gossip.unsubscribe(&IdentTopic::new(topic.as_str()));
        self.stop_being_found_elsewhere();
    }

    /// The topic on which we take part in a room.
    fn channel_of(&self, room: RoomId) -> Option<(&TopicHash, &Channel)> {
        self.topics.iter().find(|(_, channel)| channel.room == room)
    }

    fn publish(&mut self, room: RoomId, frame: &RoomFrame) -> Result<(), PublishError> {
        let (topic, channel) = self.channel_of(room).ok_or(PublishError::NoPeersSubscribedToTopic)?;
        let (topic, bytes) = (topic.clone(), channel.closed(frame));
        self.swarm.behaviour_mut().gossip.publish(topic, bytes).map(|_| ())
    }

    fn respond(&mut self, request: RequestToken, response: ChatResponse) {
        let Some(channel) = self.requests.remove(&request) else { return };
        // The connection may have ended meanwhile; they will ask again.
        let _ = self.swarm.behaviour_mut().chat.send_response(channel, response);
    }

    /// They are looked for at once, as if they were new.
    fn let_in(&mut self, device: DeviceId) {
        if let Some(peer) = peer_of(device) {
            self.swarm.behaviour_mut().kept_out.unblock_peer(peer);
            self.seek_anew();
        }
    }

    /// They are dialled with the next tick, or dial us.
    fn redial(&mut self, device: DeviceId) {
        if let Some(peer) = peer_of(device) {
            // It may have gone by itself.
            let _ = self.swarm.disconnect_peer_id(peer);
            self.discovery.try_at_once(&peer);
        }
    }

    fn hello_all(&mut self, hello: &Hello) {
        let peers: Vec<PeerId> = self.connections.peers().copied().collect();
        for peer in peers {
            let hello = self.with_links(&peer, hello.clone());
            let request = self.swarm.behaviour_mut().hello.send_request(&peer, hello);
            self.hellos.insert(request);
        }
    }
}

fn acceptance_of(verdict: Verdict) -> MessageAcceptance {
    match verdict {
        Verdict::Accept => MessageAcceptance::Accept,
        Verdict::Ignore => MessageAcceptance::Ignore,
        Verdict::Reject => MessageAcceptance::Reject,
    }
}
