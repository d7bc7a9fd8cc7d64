//! Media of calls: between the network and those who move it.
//!
//! Knows lines and connections, and nothing of what a call is. None of it touches the store, so it goes
//! on while the store is behind. Nothing that arrives here is logged: who sends garbage can do so a
//! million times.

mod lines;
mod ways;

use std::collections::BTreeMap;
use std::time::Instant;

use kinmesh_proto::{CallId, DeviceId, MediaPacket, MediaResponse};
use libp2p::PeerId;
use libp2p::request_response::{Event as ExchangeEvent, Message, OutboundRequestId};
use libp2p::swarm::dial_opts::{DialOpts, PeerCondition};
use libp2p::swarm::{ConnectionId, SwarmEvent};
use rand::seq::SliceRandom;

use super::Driver;
use crate::behaviour::BehaviourEvent;
use crate::error::MediaError;
use crate::identity::{peer_of, unix_ms};
use crate::media::{MediaLink, MediaPath, Outcome};
use lines::{Lines, Speaker};
pub(crate) use ways::UNANSWERED_MAX;
use ways::{LINKS_MAX, Ways};

/// All media of a peer.
#[derive(Default)]
pub(super) struct Media {
    lines: Lines,
    ways: Ways,
    /// Packets under way.
    asked: BTreeMap<OutboundRequestId, Asked>,
}

/// A packet under way.
struct Asked {
    speaker: Speaker,
    peer: PeerId,
    sent: Instant,
}

impl Media {
    /// Pends until there is something to send.
    pub(super) async fn depart(&self) {
        self.lines.depart().await;
    }

    /// Ends the media of each call that does not stand any more.
    pub(super) fn retain(&mut self, stands: impl Fn(CallId) -> bool) {
        self.lines.retain(stands);
    }

    /// How many connections with a peer are wanted.
    pub(super) fn links_wanted(&self, peer: &PeerId) -> usize {
        if self.lines.lead_to(peer) { LINKS_MAX } else { 1 }
    }

    /// A connection stands; whether it is one more for media, on which there is nothing to be said.
    pub(super) fn connected(&mut self, peer: &PeerId, id: ConnectionId) -> bool {
        self.ways.connected(peer, id)
    }

    /// A connection is gone, or was never set up.
    pub(super) fn disconnected(&mut self, peer: &PeerId, id: ConnectionId) {
        self.ways.disconnected(peer, id, Instant::now());
    }
}

/// Whether an event is about media, and can be dealt with whatever else waits.
pub(super) fn is_media(event: &SwarmEvent<BehaviourEvent>) -> bool {
    matches!(event, SwarmEvent::Behaviour(BehaviourEvent::Media(_)))
}

impl Driver {
    /// The media of a call that stands, for the first who asks.
    pub(super) fn media_of(&mut self, call: CallId) -> Result<MediaLink, MediaError> {
        if !self.overview.borrow().calls.iter().any(|standing| standing.call == call) {
            return Err(MediaError::NoSuchCall);
        }
        self.media.lines.link(call).ok_or(MediaError::Taken)
    }

    /// From now on media goes to and comes from this device; see [`kinmesh_core::Output::OpenLine`].
    pub(super) fn open_line(&mut self, speaker: Speaker, device: DeviceId, theirs: u32, ours: u32) {
        let Some(peer) = peer_of(device) else { return };
        self.close_line(speaker);
        self.media.lines.open(speaker, peer, theirs, ours);
        self.media.ways.open(peer);
        self.note_paths();
    }

    pub(super) fn close_line(&mut self, speaker: Speaker) {
        let Some(peer) = self.media.lines.close(speaker) else { return };
        if self.media.lines.lead_to(&peer) {
            return;
        }
        for further in self.media.ways.close(&peer) {
            self.swarm.close_connection(further);
        }
    }

    /// Sends what waits and may go.
    ///
    /// Of several connections request-response takes the one whose place is the request's number modulo
    /// their count, and numbers are counted over all peers: in the same order each time, those of one
    /// peer could all meet the same connection. So the order is another one each time.
    pub(super) fn send_media(&mut self) {
        let mut departures = self.media.lines.departures();
        departures.shuffle(&mut rand::rng());
        let media = &mut self.swarm.behaviour_mut().media;
        for lines::Departure { speaker, peer, theirs, pipe } in departures {
            // Without a connection they stay, the newest, until there is one or the call is over. It is
            // not for media to dial.
            while media.is_connected(&peer) && self.media.ways.has_room(&peer) {
                let Some(packet) = pipe.take_unsent(speaker.1) else { break };
                let request = media.send_request(&peer, packet.on_line(theirs));
                self.media.asked.insert(request, Asked { speaker, peer, sent: Instant::now() });
                self.media.ways.sent(&peer);
            }
        }
    }

    pub(super) fn media_event(&mut self, event: ExchangeEvent<MediaPacket, MediaResponse>) {
        match event {
            ExchangeEvent::Message { peer, message: Message::Request { request, channel, .. }, .. } => {
                let (response, speaker) = self.media.lines.packet(peer, request);
                // The connection may have ended meanwhile.
                let _ = self.swarm.behaviour_mut().media.send_response(channel, response);
                if let Some(speaker) = speaker {
                    self.speaker_heard(speaker);
                }
            }
            ExchangeEvent::Message { message: Message::Response { request_id, response }, .. } => {
                self.media_answered(request_id, response);
            }
            ExchangeEvent::OutboundFailure { request_id, .. } => {
                if let Some(asked) = self.media.asked.remove(&request_id) {
                    self.media_settled(&asked, Outcome::Unanswered);
                }
            }
            ExchangeEvent::InboundFailure { .. } | ExchangeEvent::ResponseSent { .. } => {}
        }
    }

    fn media_answered(&mut self, request: OutboundRequestId, response: MediaResponse) {
        let Some(asked) = self.media.asked.remove(&request) else { return };
        let now = Instant::now();
        let round_trip = now.duration_since(asked.sent);
        match response {
            MediaResponse::Report(report) => {
                self.media.ways.reported(&asked.peer, report, round_trip, now);
                self.media_settled(&asked, Outcome::Reported { report, round_trip });
                self.speaker_heard(asked.speaker);
            }
            // They have not heard yet that the call stands, or we not yet that it is over.
            MediaResponse::NoSuchLine => self.media_settled(&asked, Outcome::Unanswered),
        }
    }

    fn media_settled(&mut self, asked: &Asked, outcome: Outcome) {
        let (call, person) = asked.speaker;
        if let Some(pipe) = self.media.lines.pipe(call) {
            pipe.came_to(person, outcome);
        }
        if self.media.ways.settled(&asked.peer) {
            self.send_media();
        }
    }

    /// Somebody is there, for they speak or answer our voice.
    fn speaker_heard(&mut self, speaker: Speaker) {
        if self.media.lines.is_news(speaker, Instant::now()) {
            self.core.media_heard(unix_ms(), speaker.0, speaker.1);
        }
    }

    /// Notes by which way each line goes, for those who show it.
    fn note_paths(&self) {
        for lines::Departure { speaker, peer, pipe, .. } in self.media.lines.departures() {
            match self.connections.quic_remote(&peer) {
                Some(_) => pipe.set_path(speaker.1, MediaPath::Quic),
                None if self.connections.count_with(&peer) > 0 => pipe.set_path(speaker.1, MediaPath::Tcp),
                None => {}
            }
        }
    }

    /// Opens further connections where one is not enough, and closes those that are not needed any more.
    pub(super) fn tend_media_ways(&mut self) {
        self.note_paths();
        let now = Instant::now();
        for peer in self.media.ways.wanting(now) {
            if self.connections.count_with(&peer) < LINKS_MAX {
                self.dial_further(peer);
            }
        }
        for further in self.media.ways.forgotten(now) {
            self.swarm.close_connection(further);
        }
    }

    /// Dials a peer where it is connected already. QUIC alone gains by it, and reaches whom it has once
    /// reached, for all its connections go out from one port.
    fn dial_further(&mut self, peer: PeerId) {
        let Some(remote) = self.connections.quic_remote(&peer) else { return };
        let dial =
            DialOpts::peer_id(peer).condition(PeerCondition::Always).addresses(vec![remote.clone()]).build();
        let id = dial.connection_id();
        match self.swarm.dial(dial) {
            Ok(()) => self.media.ways.dialling(&peer, id),
            Err(error) => tracing::debug!(%error, "no further connection for media"),
        }
    }
}
