//! Whom to dial and whom to ask, and when: bootstrap nodes, the address book, back-off.
//!
//! Decides from facts that the driver brings; the driver dials. Bootstrap nodes are replaceable
//! and mortal: with none of them alive, the address book and the local network find the others.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use kinmesh_proto::{AddressRecord, DeviceId, limits};
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
/// A device that is met again and again is noted as met this often: often enough to know who is gone
/// for weeks, and rarely enough to spare the disk.
const REFRESH_MS: u64 = 60 * 60 * 1000;
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

/// Why a device is remembered. Who means less to us is forgotten first, however recently they were
/// met: anybody can make up devices, and whoever enters a public room is a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Tie {
    /// We met.
    Stranger,
    /// We are in a room together.
    Member,
    /// They are a contact, or we have a chat.
    Contact,
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

    /// Where a device was reached or says that it is, as it is told to others.
    pub(crate) fn known_addresses(&self, device: DeviceId) -> Vec<String> {
        let known = self.book.get(&device).into_iter().flat_map(|record| &record.addresses);
        let fits = |address: &&String| address.len() <= limits::TICKET_ADDRESS_BYTES_MAX;
        known.filter(fits).take(limits::TICKET_ADDRESSES_MAX).cloned().collect()
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

    /// A device was met: reached at `good`, unless it came by itself, and it says that it can be
    /// reached at `told`. Returns the record to keep when something is new.
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
        let is_no_news = |record: &AddressRecord| {
            record.addresses == addresses && now_ms.saturating_sub(record.last_ok_ms) < REFRESH_MS
        };
        if addresses.is_empty() || known.is_some_and(is_no_news) {
            return None;
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

    /// Whether there are more devices than are remembered.
    pub(crate) fn is_overfull(&self) -> bool {
        self.book.len() > BOOK_CAP
    }

    /// Forgets as many devices as there are too many, and names them: those with the loosest tie to
    /// us, and of them those that were not met for longest.
    pub(crate) fn forget_surplus(&mut self, tie: impl Fn(DeviceId) -> Tie) -> Vec<DeviceId> {
        let surplus = self.book.len().saturating_sub(BOOK_CAP);
        let rank = |record: &AddressRecord| (tie(record.device), record.last_ok_ms, record.device);
        let mut ranked: Vec<_> = self.book.values().map(rank).collect();
        ranked.sort_unstable();
        let forgotten: Vec<DeviceId> = ranked.into_iter().take(surplus).map(|(.., device)| device).collect();
        for device in &forgotten {
            self.book.remove(device);
            if let Some(peer) = peer_of(*device) {
                self.backoffs.remove(&peer);
            }
        }
        forgotten
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

    fn device(number: u64) -> DeviceId {
        let mut id = [0; 32];
        id[..8].copy_from_slice(&number.to_be_bytes());
        DeviceId(id)
    }

    fn record(number: u64, last_ok_ms: u64) -> AddressRecord {
        let addresses = vec!["/ip4/10.0.0.1/tcp/1".to_owned()];
        AddressRecord { device: device(number), addresses, last_ok_ms }
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
    fn who_is_met_every_day_at_the_same_place_is_not_forgotten_for_it() {
        let mut discovery = Discovery::new(vec![], vec![], Instant::now());
        let (met, place) = (device(1), address("/ip4/10.0.0.1/tcp/1"));
        let first = discovery.learn(met, Some(&place), &[], 1).unwrap();
        assert_eq!(discovery.learn(met, Some(&place), &[], REFRESH_MS), None, "the disk is spared");
        let again = discovery.learn(met, None, &[], REFRESH_MS + 1).unwrap();
        assert_eq!(again, AddressRecord { last_ok_ms: REFRESH_MS + 1, ..first });
    }

    #[test]
    fn strangers_are_forgotten_before_members_and_members_before_contacts() {
        let surplus = 3;
        // The contact and the member were not met for longest.
        let book: Vec<_> = (0..BOOK_CAP as u64 + surplus).map(|number| record(number, number)).collect();
        let mut discovery = Discovery::new(vec![], book, Instant::now());
        assert!(discovery.is_overfull());
        let tie = |known: DeviceId| match known {
            known if known == device(0) => Tie::Contact,
            known if known == device(1) => Tie::Member,
            _ => Tie::Stranger,
        };
        assert_eq!(discovery.forget_surplus(tie), [device(2), device(3), device(4)]);
        assert!(!discovery.is_overfull());
        assert_eq!(discovery.forget_surplus(tie), []);
        assert_eq!(discovery.book.len(), BOOK_CAP);
        // A crowd of members that nobody knows does not drive out a contact.
        discovery.learn(device(5000), Some(&address("/ip4/10.0.0.1/tcp/1")), &[], 5000);
        let crowd = |known| if known == device(0) { Tie::Contact } else { Tie::Member };
        assert_eq!(discovery.forget_surplus(crowd), [device(1)]);
    }

    #[test]
    fn who_is_forgotten_is_not_remembered_as_unreachable() {
        let (bob, bobs) = peer();
        let now = Instant::now();
        let others = (0..BOOK_CAP as u64).map(|number| record(number, 10));
        let bobs_record = AddressRecord { device: bobs, ..record(0, 1) };
        let mut discovery = Discovery::new(vec![], others.chain([bobs_record]).collect(), now);
        discovery.failed(&bob, "refused", now, 0.5);
        assert_eq!(discovery.backoffs.len(), 1);
        assert_eq!(discovery.forget_surplus(|_| Tie::Stranger), [bobs]);
        assert_eq!(discovery.backoffs.len(), 0);
    }
}
