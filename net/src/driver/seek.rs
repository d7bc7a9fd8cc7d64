//! Finding others: rendezvous (in `seek/rendezvous.rs`), Kademlia, the local network and the address book at work.
//!
//! Namespaces are blinded hashes of rooms and persons; a bootstrap node learns no name from them.

mod rendezvous;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use kinmesh_proto::rendezvous::Request;
use kinmesh_proto::{DeviceId, PersonId, Reach, protocol};
use libp2p::kad::store::RecordStore;
use libp2p::kad::{self, GetProvidersOk, InboundRequest, QueryResult, RecordKey};
use libp2p::swarm::dial_opts::{DialOpts, PeerCondition};
use libp2p::{Multiaddr, PeerId, StreamProtocol, identify, mdns};

use super::Driver;
use crate::convert::{Scope, is_worth_dialling, scope_of, without_peer};
use crate::discovery::{ADDRESSES_PER_DEVICE, Dial, Tie};
use crate::identity::{device_of, peer_of, unix_ms};
use crate::rendezvous::PROTOCOL as RENDEZVOUS;
use kinmesh_proto::record::Write;
use rand::seq::SliceRandom;

/// Kademlia is asked this often; it is the slower and dearer way.
const PROVIDERS_EVERY: Duration = Duration::from_secs(60);
/// Once something changed it is asked again after this, then after twice as long, and so on: of two who come
/// into a room at once, both may ask before either is found there.
const PROVIDERS_AGAIN: Duration = Duration::from_secs(4);
/// Missing contacts asked for in one round.
const CONTACTS_PER_ROUND: usize = 32;
/// Dials under way above which nobody is dialled on somebody's word alone: a node that names
/// thousands costs us no more than these, and whom we know ourselves is dialled all the same.
const DIALS_ON_HEARSAY_MAX: u32 = 48;

/// How many to be connected to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Company {
    /// Peers above which members of our rooms are not dialled any more.
    pub peers_wanted: usize,
    /// Above that, somebody of whom nothing is heard is dialled this often.
    pub venture_every: Duration,
}

impl Company {
    /// Gossip needs a dozen. Two halves of a room that lost each other meet again within half a
    /// minute, and one dial in that time costs nothing where somebody is simply away.
    pub(crate) const DEFAULT: Self = Self { peers_wanted: 48, venture_every: Duration::from_secs(30) };
}

/// When to ask whom again.
#[derive(Debug)]
pub(super) struct Seek {
    company: Company,
    venture_due: Instant,
    /// Who was dialled although there are peers enough.
    venture: Option<PeerId>,
    /// Connected peers that offer rendezvous, and when to register there and when to ask. Anybody
    /// can offer it; only those of them are used that are ways in we were told of.
    nodes: BTreeMap<PeerId, NodeSchedule>,
    /// Namespaces announced through Kademlia.
    provided: BTreeSet<String>,
    /// Namespaces registered at bootstrap nodes.
    registered: BTreeSet<String>,
    kad_nodes: usize,
    providers_due: Option<Instant>,
    /// How long it rests after the next time.
    providers_rest: Duration,
    /// When what others left with us is looked through for what has run out.
    expiry_due: Instant,
}

#[derive(Debug)]
struct NodeSchedule {
    register_due: Instant,
    discover_due: Instant,
}

impl Seek {
    pub(super) fn new(company: Company) -> Self {
        Self {
            company,
            venture_due: Instant::now(),
            venture: None,
            nodes: BTreeMap::new(),
            provided: BTreeSet::new(),
            registered: BTreeSet::new(),
            kad_nodes: 0,
            providers_due: None,
            providers_rest: PROVIDERS_AGAIN,
            expiry_due: Instant::now(),
        }
    }

    fn ventures(&mut self, now: Instant, peer: PeerId) {
        self.venture_due = now + self.company.venture_every;
        self.venture = Some(peer);
    }

    pub(super) fn forget_node(&mut self, peer: &PeerId) {
        self.nodes.remove(peer);
    }

    /// Everything is due again: we moved, or take part in something new.
    fn all_due(&mut self, now: Instant) {
        for schedule in self.nodes.values_mut() {
            *schedule = NodeSchedule { register_due: now, discover_due: now };
        }
        self.ask_providers_soon(now);
    }

    fn ask_providers_soon(&mut self, now: Instant) {
        self.providers_due = Some(now);
        self.providers_rest = PROVIDERS_AGAIN;
    }

    fn providers_were_asked(&mut self, now: Instant) {
        self.providers_due = Some(now + self.providers_rest);
        self.providers_rest = (2 * self.providers_rest).min(PROVIDERS_EVERY);
    }
}

impl Driver {
    /// Dials, registers and asks, as far as any of it is due. Called every second and when
    /// something changed.
    pub(super) fn seek(&mut self) {
        let now = Instant::now();
        let dials = self.discovery.due_bootstraps(now, |peer| self.connections.is_connected(peer));
        for dial in dials {
            self.dial(dial);
        }
        self.dial_known_peers(now);
        self.venture(now);
        self.use_rendezvous(now);
        self.use_kademlia(now);
    }

    /// The same with everything due: we take part in something new.
    pub(super) fn seek_anew(&mut self) {
        self.seek.all_due(Instant::now());
        self.seek();
    }

    /// Where we are not to be found any more, we say so: we left a room, or it is met elsewhere now.
    pub(super) fn stop_being_found_elsewhere(&mut self) {
        let own: BTreeSet<String> = self.own_namespaces().into_iter().collect();
        for namespace in self.seek.registered.extract_if(.., |known| !own.contains(known)).collect::<Vec<_>>()
        {
            for node in self.rendezvous_nodes() {
                self.ask_node(node, Request::Unregister { namespace: namespace.clone() });
            }
        }
        for namespace in self.seek.provided.extract_if(.., |known| !own.contains(known)).collect::<Vec<_>>() {
            self.swarm.behaviour_mut().kad.stop_providing(&RecordKey::new(&namespace));
        }
    }

    pub(super) fn reachability_changed(&mut self) {
        let is_reachable = self.swarm.external_addresses().next().is_some();
        let mode = if is_reachable { kad::Mode::Server } else { kad::Mode::Client };
        self.swarm.behaviour_mut().kad.set_mode(Some(mode));
        // It was said with other addresses, or with none.
        self.seek.provided.clear();
        self.seek.all_due(Instant::now());
        self.status_changed = true;
        self.seek();
    }

    /// What an identified peer is good for.
    pub(super) fn learn_services<'a>(
        &mut self,
        peer: PeerId,
        info: &identify::Info,
        addresses: impl Iterator<Item = &'a Multiaddr>,
    ) {
        let now = Instant::now();
        if info.protocols.contains(&RENDEZVOUS) && !self.seek.nodes.contains_key(&peer) {
            self.seek.nodes.insert(peer, NodeSchedule { register_due: now, discover_due: now });
        }
        if info.protocols.contains(&StreamProtocol::new(protocol::KAD)) {
            let kad = &mut self.swarm.behaviour_mut().kad;
            for address in addresses {
                if matches!(kad.add_address(&peer, address.clone()), kad::RoutingUpdate::Success) {
                    self.seek.kad_nodes += 1;
                    self.seek.ask_providers_soon(now);
                }
            }
        }
        self.seek();
    }

    /// Keeps the addresses of a peer in the address book, once it is known for one of us by its hello.
    /// Bootstrap nodes are configured, not remembered.
    pub(super) fn learn_addresses(&mut self, peer: &PeerId) {
        let Some(device) = device_of(peer).filter(|_| !self.is_infrastructure(peer)) else { return };
        let Some((good, told)) = self.connections.addresses_of_introduced(peer) else { return };
        let Some(record) = self.discovery.learn(device, good.as_ref(), told, unix_ms()) else { return };
        let mut writes = self.forget_surplus();
        if writes.contains(&Write::RemoveAddresses(device)) {
            // Everybody else means more to us.
            return;
        }
        writes.push(Write::PutAddresses(record));
        self.core.remember(writes);
    }

    /// Keeps the address book within its limit; what is to be forgotten on the disk, too.
    pub(super) fn forget_surplus(&mut self) -> Vec<Write> {
        if !self.discovery.is_overfull() {
            return Vec::new();
        }
        let contacts: BTreeSet<DeviceId> = self.core.contact_devices().into_iter().collect();
        let members: BTreeSet<DeviceId> = self.core.member_devices().into_iter().collect();
        let tie = |device| match device {
            device if contacts.contains(&device) => Tie::Contact,
            device if members.contains(&device) => Tie::Member,
            _ => Tie::Stranger,
        };
        self.discovery.forget_surplus(tie).into_iter().map(Write::RemoveAddresses).collect()
    }

    /// Whether it is a bootstrap node: one of the ways in that we were told of, and a server.
    fn is_infrastructure(&self, peer: &PeerId) -> bool {
        self.seek.nodes.contains_key(peer) && self.discovery.is_bootstrap(peer)
    }

    fn has_company(&self) -> bool {
        self.connections.count() >= self.seek.company.peers_wanted
    }

    /// Dials one of whom nothing is heard, although there are peers enough: two halves of a room that
    /// were apart would otherwise be content with themselves for ever.
    fn venture(&mut self, now: Instant) {
        if !self.has_company() || self.seek.venture_due > now {
            return;
        }
        let mut unheard = self.core.unheard_members(unix_ms());
        unheard.retain(|device| self.is_missing(*device));
        unheard.shuffle(&mut rand::rng());
        if let Some(dial) = self.discovery.due_peers(now, unheard.into_iter()).into_iter().next() {
            self.seek.ventures(now, dial.peer);
            self.dial(dial);
        }
    }

    /// Whether to dial somebody who is said to be in a room of ours: while there are peers enough,
    /// only now and then, and only if no fellow member has brought us a word of them.
    fn is_wanted(&mut self, peer: PeerId) -> bool {
        if !self.has_company() {
            return true;
        }
        let now = Instant::now();
        let is_unheard_of = device_of(&peer).is_some_and(|device| self.core.person_of(device).is_none());
        let is_due = is_unheard_of && self.seek.venture_due <= now;
        if is_due {
            self.seek.ventures(now, peer);
        }
        is_due
    }

    /// A connection stands. Of the others the oldest is let go for a venture, so that nobody collects
    /// connections without end; contacts, people in chats and ways into the mesh stay.
    pub(super) fn make_room_for(&mut self, peer: PeerId) {
        if self.seek.venture.take_if(|venture| *venture == peer).is_none() {
            return;
        }
        let kept: BTreeSet<DeviceId> = self.core.contact_devices().into_iter().collect();
        let may_go = |other: &PeerId| {
            *other != peer
                && !self.discovery.is_bootstrap(other)
                && device_of(other).is_some_and(|device| !kept.contains(&device))
        };
        if self.connections.count() > self.seek.company.peers_wanted
            && let Some(oldest) = self.connections.oldest(may_go)
        {
            tracing::debug!("somebody makes room for a member of whom nothing was heard");
            // It may have gone by itself.
            let _ = self.swarm.disconnect_peer_id(oldest);
        }
    }

    fn dial(&mut self, Dial { peer, addresses }: Dial) {
        if peer == *self.swarm.local_peer_id() || addresses.is_empty() {
            return;
        }
        let dial =
            DialOpts::peer_id(peer).addresses(addresses).condition(PeerCondition::DisconnectedAndNotDialing);
        // Refused when connected or dialling already, which is what was wanted.
        let _ = self.swarm.dial(dial.build());
    }

    /// Contacts first, then members of our rooms.
    fn dial_known_peers(&mut self, now: Instant) {
        let mut wanted = self.core.contact_devices();
        if !self.has_company() {
            wanted.extend(self.core.member_devices());
        }
        wanted.retain(|device| self.is_missing(*device));
        let dials = self.discovery.due_peers(now, wanted.into_iter());
        for dial in dials {
            self.dial(dial);
        }
    }

    fn is_missing(&self, device: DeviceId) -> bool {
        peer_of(device).is_some_and(|peer| !self.connections.is_connected(&peer))
    }

    /// Namespaces under which we can be found.
    fn own_namespaces(&self) -> Vec<String> {
        let rooms = self.core.room_namespaces(unix_ms());
        std::iter::once(self.core.me().namespace()).chain(rooms).collect()
    }

    fn missing_contacts(&self) -> std::vec::IntoIter<PersonId> {
        let mut missing = self.core.missing_contacts();
        missing.truncate(CONTACTS_PER_ROUND);
        missing.into_iter()
    }

    /// Dials whom we need, at the addresses that a connected device told us.
    pub(super) fn find(&mut self, told_by: DeviceId, reach: Reach) {
        let Some((peer, teller)) = peer_of(reach.device).zip(peer_of(told_by)) else { return };
        if self.has_dials_left() && !self.connections.is_connected(&peer) {
            let addresses = reach.addresses.iter().filter_map(|text| text.parse().ok()).collect();
            self.dial_told(peer, addresses, self.scope_of_words_from(&teller));
        }
    }

    /// What somebody tells us of addresses is told over a connection of this scope.
    fn scope_of_words_from(&self, peer: &PeerId) -> Scope {
        self.connections.best(peer).map_or(Scope::Global, |link| link.scope)
    }

    /// Somebody is said to be reachable at these addresses.
    fn found(&mut self, peer: PeerId, addresses: Vec<Multiaddr>, told_over: Scope) {
        if self.may_dial_on_hearsay(peer) {
            self.dial_told(peer, addresses, told_over);
        }
    }

    fn dial_told(&mut self, peer: PeerId, addresses: Vec<Multiaddr>, told_over: Scope) {
        let addresses =
            addresses.into_iter().map(without_peer).filter(|address| is_worth_dialling(address, told_over));
        self.dial(Dial { peer, addresses: addresses.take(ADDRESSES_PER_DEVICE).collect() });
    }

    /// Whether to dial somebody of whom another says that they are worth it.
    fn may_dial_on_hearsay(&mut self, peer: PeerId) -> bool {
        self.has_dials_left() && !self.connections.is_connected(&peer) && self.is_wanted(peer)
    }

    fn has_dials_left(&self) -> bool {
        let under_way = self.swarm.network_info().connection_counters().num_pending_outgoing();
        under_way < DIALS_ON_HEARSAY_MAX
    }

    fn use_kademlia(&mut self, now: Instant) {
        if self.seek.expiry_due <= now {
            self.seek.expiry_due = now + PROVIDERS_EVERY;
            self.swarm.behaviour_mut().kad.store_mut().expire(now);
        }
        if self.seek.kad_nodes == 0 || self.seek.providers_due.is_some_and(|due| due > now) {
            return;
        }
        self.seek.providers_were_asked(now);
        self.stop_being_found_elsewhere();
        for namespace in self.own_namespaces() {
            // Said once; Kademlia repeats it by itself, with the addresses of then.
            if !self.seek.provided.contains(&namespace)
                && self.swarm.behaviour_mut().kad.start_providing(RecordKey::new(&namespace)).is_ok()
            {
                self.seek.provided.insert(namespace);
            }
        }
        let rooms = self.core.room_namespaces(unix_ms());
        let contacts = self.missing_contacts().map(|person| person.namespace());
        for namespace in rooms.into_iter().chain(contacts) {
            self.swarm.behaviour_mut().kad.get_providers(RecordKey::new(&namespace));
        }
    }

    pub(super) fn kad_event(&mut self, event: kad::Event) {
        match event {
            kad::Event::OutboundQueryProgressed {
                result: QueryResult::GetProviders(Ok(GetProvidersOk::FoundProviders { providers, .. })),
                ..
            } => {
                for peer in providers {
                    if self.may_dial_on_hearsay(peer) {
                        // Kademlia adds the addresses it knows to the dial.
                        let dial =
                            DialOpts::peer_id(peer).condition(PeerCondition::DisconnectedAndNotDialing);
                        let _ = self.swarm.dial(dial.build());
                    }
                }
            }
            kad::Event::InboundRequest { request: InboundRequest::AddProvider { record: Some(record) } } => {
                if let Err(error) = self.swarm.behaviour_mut().kad.store_mut().add_provider(record) {
                    tracing::debug!(%error, "a provider record beyond the limits");
                }
            }
            _ => {}
        }
    }

    pub(super) fn mdns_event(&mut self, event: mdns::Event) {
        let mdns::Event::Discovered(found) = event else { return };
        let mut by_peer = BTreeMap::<PeerId, Vec<Multiaddr>>::new();
        for (peer, address) in found {
            by_peer.entry(peer).or_default().push(address);
        }
        for (peer, addresses) in by_peer {
            let nearby = addresses.into_iter().filter(|address| scope_of(address).is_some()).collect();
            self.found(peer, nearby, Scope::Local);
        }
    }
}
