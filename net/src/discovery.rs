//! Whom to dial and whom to ask, and when: bootstrap nodes, the address book, back-off.
//!
//! Decides from facts that the driver brings; the driver dials. Bootstrap nodes are replaceable
//! and mortal: with none of them alive, the address book and the local network find the others.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use kinmesh_proto::{AddressRecord, DeviceId};
use libp2p::multiaddr::Protocol;
use libp2p::{Multiaddr, PeerId};

use crate::identity::{device_of, peer_of};
use crate::status::{BootstrapLink, BootstrapStatus};

/// First wait after a failed dial; doubled for each further failure.
const RETRY_FIRST: Duration = Duration::from_secs(1);
/// Longest wait before a bootstrap node is tried again.
const BOOTSTRAP_RETRY_MAX: Duration = Duration::from_secs(30);
/// Longest wait before a known peer is tried again.
const PEER_RETRY_MAX: Duration = Duration::from_secs(300);
/// Devices whose addresses are remembered.
const BOOK_CAP: usize = 1024;
/// Addresses remembered of one device: two families, two transports, two networks.
pub(crate) const ADDRESSES_PER_DEVICE: usize = 8;
/// Peers dialled from the address book in one second.
const DIALS_PER_ROUND: usize = 8;

/// Failures in a row, and until when to leave it alone.
#[derive(Debug, Clone, Copy)]
struct Backoff {
    failures: u32,
    not_before: Instant,
}

impl Backoff {
    fn new(now: Instant) -> Self {
        Self { failures: 0, not_before: now }
    }

    /// `spread` in 0..1 keeps a mesh that lost its bootstrap node from dialling it in step.
    fn failed(&mut self, now: Instant, longest: Duration, spread: f64) {
        let wait = (RETRY_FIRST * 2u32.saturating_pow(self.failures.min(16))).min(longest);
        self.not_before = now + wait.mul_f64(0.75 + spread / 2.0);
        self.failures += 1;
    }
}

#[derive(Debug)]
struct Bootstrap {
    address: Multiaddr,
    peer: PeerId,
    link: BootstrapLink,
    backoff: Backoff,
}

/// Somebody to dial.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Dial {
    pub peer: PeerId,
    pub addresses: Vec<Multiaddr>,
}

/// What is known about ways into the mesh.
#[derive(Debug)]
pub(crate) struct Discovery {
    bootstraps: Vec<Bootstrap>,
    book: BTreeMap<DeviceId, AddressRecord>,
    backoffs: BTreeMap<PeerId, Backoff>,
}

impl Discovery {
    pub(crate) fn new(bootstraps: Vec<Multiaddr>, book: Vec<AddressRecord>, now: Instant) -> Self {
        let book = book.into_iter().map(|record| (record.device, record)).collect();
        let mut discovery = Self { bootstraps: Vec::new(), book, backoffs: BTreeMap::new() };
        for address in bootstraps {
            discovery.add_bootstrap(address, now);
        }
        discovery
    }

    /// Adds a way in; one that is there already is tried again at once.
    pub(crate) fn add_bootstrap(&mut self, address: Multiaddr, now: Instant) {
        let Some(Protocol::P2p(peer)) = address.iter().last() else { return };
        let backoff = Backoff::new(now);
        match self.bootstraps.iter_mut().find(|known| known.address == address) {
            Some(known) => known.backoff = backoff,
            None => {
                self.bootstraps.push(Bootstrap { address, peer, link: BootstrapLink::Connecting, backoff })
            }
        }
    }

    /// Whether it is one of the ways in that we were told.
    pub(crate) fn is_bootstrap(&self, peer: &PeerId) -> bool {
        self.bootstraps.iter().any(|known| known.peer == *peer)
    }

    pub(crate) fn bootstrap_status(&self) -> Vec<BootstrapStatus> {
        let status =
            |known: &Bootstrap| BootstrapStatus { address: known.address.clone(), link: known.link.clone() };
        self.bootstraps.iter().map(status).collect()
    }

    /// Bootstrap nodes that are due, all addresses of one node together.
    pub(crate) fn due_bootstraps(&self, now: Instant, is_connected: impl Fn(&PeerId) -> bool) -> Vec<Dial> {
        let mut dials: Vec<Dial> = Vec::new();
        let is_due = |known: &&Bootstrap| known.backoff.not_before <= now && !is_connected(&known.peer);
        for known in self.bootstraps.iter().filter(is_due) {
            match dials.iter_mut().find(|dial| dial.peer == known.peer) {
                Some(dial) => dial.addresses.push(known.address.clone()),
                None => dials.push(Dial { peer: known.peer, addresses: vec![known.address.clone()] }),
            }
        }
        dials
    }

    /// Of these devices, those that are due, with the addresses at which they were reached before.
    pub(crate) fn due_peers(&self, now: Instant, wanted: impl Iterator<Item = DeviceId>) -> Vec<Dial> {
        let to_dial = |device: DeviceId| {
            let peer = peer_of(device)?;
            let is_due = self.backoffs.get(&peer).is_none_or(|backoff| backoff.not_before <= now);
            let addresses: Vec<Multiaddr> =
                self.book.get(&device)?.addresses.iter().filter_map(|text| text.parse().ok()).collect();
            (is_due && !addresses.is_empty()).then_some(Dial { peer, addresses })
        };
        wanted.filter_map(to_dial).take(DIALS_PER_ROUND).collect()
    }

    /// A connection stands.
    pub(crate) fn connected(&mut self, peer: &PeerId, now: Instant) {
        self.backoffs.remove(peer);
        for known in self.bootstraps.iter_mut().filter(|known| known.peer == *peer) {
            known.link = BootstrapLink::Connected;
            known.backoff = Backoff::new(now);
        }
    }

    /// The last connection with a peer is gone.
    pub(crate) fn disconnected(&mut self, peer: &PeerId) {
        for known in self.bootstraps.iter_mut().filter(|known| known.peer == *peer) {
            known.link = BootstrapLink::Connecting;
        }
    }

    /// A dial came to nothing.
    pub(crate) fn failed(&mut self, peer: &PeerId, reason: &str, now: Instant, spread: f64) {
        for known in self.bootstraps.iter_mut().filter(|known| known.peer == *peer) {
            known.link = BootstrapLink::Unreachable { reason: reason.to_owned() };
            known.backoff.failed(now, BOOTSTRAP_RETRY_MAX, spread);
        }
        if device_of(peer).is_some_and(|device| self.book.contains_key(&device)) {
            let backoff = self.backoffs.entry(*peer).or_insert(Backoff::new(now));
            backoff.failed(now, PEER_RETRY_MAX, spread);
        }
    }

    /// A device was reached at `good`, and says it can be reached at `told`. Returns the record to
    /// keep when something is new.
    pub(crate) fn learn(
        &mut self,
        device: DeviceId,
        good: Option<&Multiaddr>,
        told: &[Multiaddr],
        now_ms: u64,
    ) -> Option<AddressRecord> {
        let known = self.book.get(&device);
        let mut addresses: Vec<String> = good.into_iter().chain(told).map(Multiaddr::to_string).collect();
        addresses.extend(known.into_iter().flat_map(|record| record.addresses.iter().cloned()));
        let mut unique = Vec::new();
        addresses.retain(|address| {
            !unique.contains(address) && {
                unique.push(address.clone());
                true
            }
        });
        addresses.truncate(ADDRESSES_PER_DEVICE);
        if addresses.is_empty() || known.is_some_and(|record| record.addresses == addresses) {
            return None;
        }
        if known.is_none() && self.book.len() >= BOOK_CAP {
            self.forget_oldest();
        }
        let record = AddressRecord { device, addresses, last_ok_ms: now_ms };
        self.book.insert(device, record.clone());
        Some(record)
    }

    /// A ticket says that a device is reached at `told`, which nobody has proven. Half of what is known
    /// stays before it, so that a false ticket cannot make us forget somebody.
    pub(crate) fn learn_from_ticket(
        &mut self,
        device: DeviceId,
        told: &[Multiaddr],
        now_ms: u64,
    ) -> Option<AddressRecord> {
        let known = self.book.get(&device).map(|record| record.addresses.as_slice()).unwrap_or_default();
        let proven: Vec<Multiaddr> =
            known.iter().take(ADDRESSES_PER_DEVICE / 2).filter_map(|text| text.parse().ok()).collect();
        self.learn(device, None, &[&proven, told].concat(), now_ms)
    }

    /// Somebody asks for this peer: whatever failed before is tried again now.
    pub(crate) fn try_at_once(&mut self, peer: &PeerId) {
        self.backoffs.remove(peer);
    }

    fn forget_oldest(&mut self) {
        if let Some(oldest) =
            self.book.values().min_by_key(|record| record.last_ok_ms).map(|record| record.device)
        {
            self.book.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use libp2p::identity::Keypair;

    fn peer() -> (PeerId, DeviceId) {
        let public = Keypair::generate_ed25519().public();
        (public.to_peer_id(), crate::identity::device_id_of(&public).unwrap())
    }

    fn address(text: &str) -> Multiaddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_dead_bootstrap_is_tried_again_ever_more_rarely() {
        let start = Instant::now();
        let (bootstrap, _) = peer();
        let way_in = address("/ip4/127.0.0.1/tcp/1").with(Protocol::P2p(bootstrap));
        let mut discovery = Discovery::new(vec![way_in], vec![], start);
        let mut now = start;
        let mut waits = Vec::new();
        for _ in 0..8 {
            discovery.failed(&bootstrap, "refused", now, 0.5);
            let is_due = |at| !discovery.due_bootstraps(at, |_| false).is_empty();
            let wait = (1..).map(Duration::from_secs).find(|wait| is_due(now + *wait)).unwrap();
            waits.push(wait.as_secs());
            now += wait;
        }
        assert_eq!(waits, [1, 2, 4, 8, 16, 30, 30, 30]);
        discovery.connected(&bootstrap, now);
        assert_eq!(discovery.bootstrap_status()[0].link, BootstrapLink::Connected);
    }

    #[test]
    fn the_address_that_worked_last_is_tried_first() {
        let now = Instant::now();
        let (bob, device) = peer();
        let mut discovery = Discovery::new(vec![], vec![], now);
        let (old, new) = (address("/ip4/10.0.0.1/tcp/1"), address("/ip4/10.0.0.2/tcp/1"));
        assert!(discovery.learn(device, Some(&old), &[], 1).is_some());
        assert!(discovery.learn(device, Some(&old), &[], 2).is_none());
        assert!(discovery.learn(device, Some(&new), &[], 3).is_some());
        let dials = discovery.due_peers(now, [device].into_iter());
        assert_eq!(dials, [Dial { peer: bob, addresses: vec![new, old] }]);
    }

    #[test]
    fn a_ticket_adds_addresses_and_takes_none_away() {
        let now = Instant::now();
        let (_, device) = peer();
        let mut discovery = Discovery::new(vec![], vec![], now);
        let proven = address("/ip4/10.0.0.1/tcp/1");
        discovery.learn(device, Some(&proven), &[], 1);
        let told: Vec<Multiaddr> =
            (0..ADDRESSES_PER_DEVICE).map(|n| address(&format!("/ip4/10.0.1.{n}/tcp/1"))).collect();
        let record = discovery.learn_from_ticket(device, &told, 2).unwrap();
        assert_eq!(record.addresses.len(), ADDRESSES_PER_DEVICE);
        assert_eq!(record.addresses[0], proven.to_string());
        assert_eq!(record.addresses[1], told[0].to_string());
    }

    #[test]
    fn the_address_book_is_bounded() {
        let mut discovery = Discovery::new(vec![], vec![], Instant::now());
        for n in 0..BOOK_CAP as u64 + 10 {
            let mut id = [0; 32];
            id[..8].copy_from_slice(&n.to_be_bytes());
            discovery.learn(DeviceId(id), Some(&address("/ip4/10.0.0.1/tcp/1")), &[], n);
        }
        assert_eq!(discovery.book.len(), BOOK_CAP);
    }
}
