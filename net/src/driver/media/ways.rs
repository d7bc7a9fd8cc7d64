//! The way to each peer we speak with: what is under way on it, and how many connections it needs.
//!
//! Knows no swarm. Under random loss quinn's window shrinks until a voice does not fit any more; each
//! connection has its own, so several carry what one does not (`docs/decisions/0018-media-transport.md`).

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use kinmesh_proto::Report;
use libp2p::PeerId;
use libp2p::swarm::ConnectionId;

/// Packets to one peer that may wait for their answers: a second of a voice. Where more would be under
/// way nothing comes in time any more, and new ones only make it worse.
pub(crate) const UNANSWERED_MAX: usize = 50;
/// Most connections with one peer, for its media.
pub(crate) const LINKS_MAX: usize = 4;
/// From this loss on one connection is not enough, if the way is long as well.
const LOST_PERMILLE_MIN: u16 = 20;
/// On a shorter way what was lost is sent again in time.
const ROUND_TRIP_MIN: Duration = Duration::from_millis(80);
/// A need that nobody reported for this long is over for now: no further connection is opened.
const NEED_FRESH: Duration = Duration::from_secs(2);
/// Further connections that nobody needed for this long are closed.
const NEED_FORGOTTEN: Duration = Duration::from_secs(30);
/// Where a further connection was not set up, or ended, the next one is tried after this: the other side may
/// take no more.
const RETRY: Duration = Duration::from_secs(5);
/// The weight of what the round trip was before, against one measured now.
const SMOOTHING: u32 = 7;

/// The ways to all peers with whom there are lines.
#[derive(Default)]
pub(super) struct Ways {
    ways: BTreeMap<PeerId, Way>,
}

#[derive(Default)]
struct Way {
    unanswered: usize,
    round_trip: Option<Duration>,
    /// When it was last seen that one connection is not enough.
    needed: Option<Instant>,
    /// A further connection that is being set up.
    dialling: Option<ConnectionId>,
    /// When one was not set up, or ended.
    failed: Option<Instant>,
    /// Those that we opened. Each side closes its own.
    further: BTreeSet<ConnectionId>,
}

impl Way {
    fn is_needed_since(&self, now: Instant, within: Duration) -> bool {
        self.needed.is_some_and(|needed| now.duration_since(needed) < within)
    }
}

impl Ways {
    /// There is a line to this peer.
    pub(super) fn open(&mut self, peer: PeerId) {
        self.ways.entry(peer).or_default();
    }

    /// There is none any more; the further connections that we opened to it.
    pub(super) fn close(&mut self, peer: &PeerId) -> BTreeSet<ConnectionId> {
        self.ways.remove(peer).map(|way| way.further).unwrap_or_default()
    }

    /// Whether one packet more may go out.
    pub(super) fn has_room(&self, peer: &PeerId) -> bool {
        self.ways.get(peer).is_some_and(|way| way.unanswered < UNANSWERED_MAX)
    }

    /// A packet went out.
    pub(super) fn sent(&mut self, peer: &PeerId) {
        if let Some(way) = self.ways.get_mut(peer) {
            way.unanswered += 1;
        }
    }

    /// A packet is not under way any more; whether others had to wait for that.
    pub(super) fn settled(&mut self, peer: &PeerId) -> bool {
        let Some(way) = self.ways.get_mut(peer) else { return false };
        let was_full = way.unanswered == UNANSWERED_MAX;
        way.unanswered = way.unanswered.saturating_sub(1);
        was_full
    }

    /// A packet was answered.
    pub(super) fn reported(&mut self, peer: &PeerId, report: Report, round_trip: Duration, now: Instant) {
        let Some(way) = self.ways.get_mut(peer) else { return };
        let before = way.round_trip.unwrap_or(round_trip);
        let smooth = (before * SMOOTHING + round_trip) / (SMOOTHING + 1);
        way.round_trip = Some(smooth);
        if report.lost_permille >= LOST_PERMILLE_MIN && smooth >= ROUND_TRIP_MIN {
            way.needed = Some(now);
        }
    }

    /// Peers to which a further connection is to be opened: one after the other, for both sides may do so.
    pub(super) fn wanting(&self, now: Instant) -> Vec<PeerId> {
        let may = |way: &Way| way.failed.is_none_or(|failed| now.duration_since(failed) >= RETRY);
        let wants = |way: &Way| way.dialling.is_none() && may(way) && way.is_needed_since(now, NEED_FRESH);
        self.ways.iter().filter(|(_, way)| wants(way)).map(|(peer, _)| *peer).collect()
    }

    /// Further connections that are not needed any more.
    pub(super) fn forgotten(&self, now: Instant) -> Vec<ConnectionId> {
        let forgotten = self.ways.values().filter(|way| !way.is_needed_since(now, NEED_FORGOTTEN));
        forgotten.flat_map(|way| way.further.iter().copied()).collect()
    }

    /// A further connection is being set up.
    pub(super) fn dialling(&mut self, peer: &PeerId, id: ConnectionId) {
        if let Some(way) = self.ways.get_mut(peer) {
            way.dialling = Some(id);
        }
    }

    /// A connection stands; whether it is one of the further ones.
    pub(super) fn connected(&mut self, peer: &PeerId, id: ConnectionId) -> bool {
        let Some(way) = self.ways.get_mut(peer) else { return false };
        let is_further = way.dialling.take_if(|dialling| *dialling == id).is_some();
        if is_further {
            way.further.insert(id);
        }
        is_further
    }

    /// A connection is gone, or was never set up.
    pub(super) fn disconnected(&mut self, peer: &PeerId, id: ConnectionId, now: Instant) {
        let Some(way) = self.ways.get_mut(peer) else { return };
        let was_being_set_up = way.dialling.take_if(|dialling| *dialling == id).is_some();
        if way.further.remove(&id) || was_being_set_up {
            way.failed = Some(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOSSY: Report = Report {
        received: 100,
        lost_permille: 100,
        mean_run_tenths: 10,
        late_permille: 0,
        jitter_ms: 5,
        delay_trend_ms: 0,
    };
    const LONG: Duration = Duration::from_millis(200);

    fn ways_to(bob: PeerId) -> Ways {
        let mut ways = Ways::default();
        ways.open(bob);
        ways
    }

    #[test]
    fn no_more_than_a_second_of_a_voice_is_under_way() {
        let bob = PeerId::random();
        let mut ways = ways_to(bob);
        for _ in 0..UNANSWERED_MAX {
            assert!(ways.has_room(&bob));
            ways.sent(&bob);
        }
        assert!(!ways.has_room(&bob));
        assert!(ways.settled(&bob), "others waited for it");
        assert!(ways.has_room(&bob));
        assert!(!ways.settled(&bob));
        assert!(!ways.has_room(&PeerId::random()), "nobody else has a line");
    }

    #[test]
    fn further_connections_are_for_ways_that_are_lossy_and_long() {
        let bob = PeerId::random();
        let now = Instant::now();
        let wants = |report, round_trip| {
            let mut ways = ways_to(bob);
            ways.reported(&bob, report, round_trip, now);
            ways.wanting(now) == [bob]
        };
        assert!(wants(LOSSY, LONG));
        assert!(!wants(LOSSY, Duration::from_millis(20)), "what is lost is sent again in time");
        assert!(!wants(Report { lost_permille: 19, ..LOSSY }, LONG), "nothing is lost");
    }

    #[test]
    fn one_slow_answer_makes_no_long_way() {
        let bob = PeerId::random();
        let now = Instant::now();
        let mut ways = ways_to(bob);
        (0..20).for_each(|_| ways.reported(&bob, LOSSY, Duration::from_millis(20), now));
        ways.reported(&bob, LOSSY, LONG, now);
        assert!(ways.wanting(now).is_empty());
    }

    #[test]
    fn further_connections_are_opened_one_by_one_and_closed_when_nobody_needed_them_for_long() {
        let (bob, now) = (PeerId::random(), Instant::now());
        let (first, second) = (ConnectionId::new_unchecked(1), ConnectionId::new_unchecked(2));
        let mut ways = ways_to(bob);
        ways.reported(&bob, LOSSY, LONG, now);
        ways.dialling(&bob, first);
        assert!(ways.wanting(now).is_empty(), "one is being set up");
        assert!(!ways.connected(&bob, second), "somebody else opened it");
        assert!(ways.connected(&bob, first));
        assert_eq!(ways.wanting(now), [bob]);
        ways.dialling(&bob, second);
        ways.disconnected(&bob, second, now);
        assert!(ways.wanting(now).is_empty(), "that one failed");
        ways.reported(&bob, LOSSY, LONG, now + RETRY);
        assert_eq!(ways.wanting(now + RETRY), [bob]);
        assert!(ways.wanting(now + RETRY + NEED_FRESH).is_empty());
        let now = now + RETRY;
        assert!(ways.forgotten(now + NEED_FRESH).is_empty());
        assert_eq!(ways.forgotten(now + NEED_FORGOTTEN), [first]);
        ways.reported(&bob, LOSSY, LONG, now + NEED_FORGOTTEN);
        assert!(ways.forgotten(now + NEED_FORGOTTEN).is_empty());
        assert_eq!(ways.close(&bob), BTreeSet::from([first]), "they end with the call");
    }
}
