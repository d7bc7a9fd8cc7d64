//! Being found at bootstrap nodes, and asking them who else is there.

use std::time::{Duration, Instant};

use kinmesh_proto::limits::{RENDEZVOUS_ADDRESSES_MAX, RENDEZVOUS_FOUND_MAX};
use kinmesh_proto::rendezvous::Request;
use libp2p::core::PeerRecord;
use libp2p::request_response::{Event as ExchangeEvent, Message};
use libp2p::{Multiaddr, PeerId};

use super::NodeSchedule;
use crate::driver::Driver;
use crate::identity::unix_ms;
use crate::rendezvous::{self, Answer};

/// Registrations live this long, in seconds; short, so that what is gone is soon forgotten.
const REGISTRATION_TTL_S: u64 = 600;
/// They are renewed this often: twice within their life.
const REGISTER_EVERY: Duration = Duration::from_secs(240);
/// Without an address that others can reach there is nothing to register: look again after this.
const REGISTER_RETRY: Duration = Duration::from_secs(2);
/// Rooms and missing contacts are asked for this often.
const DISCOVER_EVERY: Duration = Duration::from_secs(30);

impl Driver {
    /// Who may learn what we are in, and tell us whom to dial: what namespaces we ask for tells a
    /// stranger which rooms and contacts are ours.
    pub(super) fn rendezvous_nodes(&self) -> Vec<PeerId> {
        self.seek.nodes.keys().filter(|peer| self.is_infrastructure(peer)).copied().collect()
    }

    pub(super) fn use_rendezvous(&mut self, now: Instant) {
        for node in self.rendezvous_nodes() {
            let Some(schedule) = self.seek.nodes.get(&node) else { continue };
            let (register, discover) = (schedule.register_due <= now, schedule.discover_due <= now);
            if register {
                let wait = if self.register_at(node) { REGISTER_EVERY } else { REGISTER_RETRY };
                self.reschedule(node, |schedule| schedule.register_due = now + wait);
            }
            if discover {
                self.discover_at(node);
                self.reschedule(node, |schedule| schedule.discover_due = now + DISCOVER_EVERY);
            }
        }
    }

    fn reschedule(&mut self, node: PeerId, change: impl FnOnce(&mut NodeSchedule)) {
        if let Some(schedule) = self.seek.nodes.get_mut(&node) {
            change(schedule);
        }
    }

    /// False when there is no address to register.
    fn register_at(&mut self, node: PeerId) -> bool {
        let reachable = self.swarm.external_addresses().take(RENDEZVOUS_ADDRESSES_MAX).cloned();
        let reachable: Vec<Multiaddr> = reachable.collect();
        if reachable.is_empty() {
            return false;
        }
        let record = match PeerRecord::new(&self.keypair, reachable) {
            Ok(record) => record.into_signed_envelope().into_protobuf_encoding(),
            Err(error) => {
                tracing::warn!(%error, "not registered");
                return false;
            }
        };
        self.stop_being_found_elsewhere();
        for namespace in self.own_namespaces() {
            self.seek.registered.insert(namespace.clone());
            let (record, ttl) = (record.clone(), Some(REGISTRATION_TTL_S));
            self.ask_node(node, Request::Register { namespace, record, ttl });
        }
        true
    }

    fn discover_at(&mut self, node: PeerId) {
        let rooms = self.core.room_namespaces(unix_ms());
        let contacts = self.missing_contacts().map(|person| person.namespace());
        for namespace in rooms.into_iter().chain(contacts) {
            let (namespace, limit) = (Some(namespace), Some(RENDEZVOUS_FOUND_MAX as u64));
            self.ask_node(node, Request::Discover { namespace, cookie: None, limit });
        }
    }

    pub(super) fn ask_node(&mut self, node: PeerId, request: Request) {
        self.swarm.behaviour_mut().rendezvous.send_request(&node, request);
    }

    pub(in crate::driver) fn rendezvous_event(&mut self, event: rendezvous::Event) {
        match event {
            ExchangeEvent::Message { peer, message: Message::Response { response, .. }, .. } => {
                self.rendezvous_answer(&peer, response);
            }
            // A request to be forgotten has no answer, and ends here, too.
            ExchangeEvent::OutboundFailure { error, .. } => {
                tracing::debug!(%error, "a bootstrap node did not answer")
            }
            _ => {}
        }
    }

    fn rendezvous_answer(&mut self, node: &PeerId, answer: Answer) {
        match answer {
            Answer::Found(Ok(records)) => {
                let told_over = self.scope_of_words_from(node);
                for record in records {
                    self.found(record.peer_id(), record.addresses().to_vec(), told_over);
                }
            }
            Answer::Registered(Ok(())) => {}
            Answer::Registered(Err(refusal)) => {
                tracing::warn!(?refusal, "a bootstrap node refused to register us")
            }
            Answer::Found(Err(refusal)) => tracing::debug!(?refusal, "a bootstrap node refused to tell"),
        }
    }
}
