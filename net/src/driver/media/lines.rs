//! Lines: under which number which device is heard in which call, and who moves its media.
//!
//! Knows no swarm. A packet is taken only on a line that was given to the very device at the other end
//! of the connection, so a number that was overheard or guessed is worth nothing.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use kinmesh_proto::{CallId, MediaPacket, MediaResponse, PersonId};
use libp2p::PeerId;
use tokio::sync::Notify;

use crate::media::{MediaLink, Pipe};

/// That somebody is heard is told no more often than this: fifty times a second would say no more.
const HEARD_EVERY: Duration = Duration::from_secs(1);

/// Whose media it is, and in which call.
pub(super) type Speaker = (CallId, PersonId);

/// A way on which packets can leave.
pub(super) struct Departure {
    pub speaker: Speaker,
    pub peer: PeerId,
    /// The number that they gave us.
    pub theirs: u32,
    pub pipe: Arc<Pipe>,
}

/// All lines, and the calls they belong to.
#[derive(Default)]
pub(super) struct Lines {
    calls: BTreeMap<CallId, Call>,
    lines: BTreeMap<Speaker, Line>,
    /// Which line a device has under which number.
    given: BTreeMap<(PeerId, u32), Speaker>,
    /// Told when there is something to send, in any call.
    depart: Arc<Notify>,
}

struct Call {
    pipe: Arc<Pipe>,
    has_link: bool,
}

struct Line {
    peer: PeerId,
    theirs: u32,
    ours: u32,
    heard_told: Option<Instant>,
}

impl Lines {
    /// Opens a line: what `peer` sends under the number `ours` is this person's voice in this call, and
    /// what we send to them goes under `theirs`. A line that they had in this call before is closed.
    pub(super) fn open(&mut self, speaker: Speaker, peer: PeerId, theirs: u32, ours: u32) {
        self.close(speaker);
        self.lines.insert(speaker, Line { peer, theirs, ours, heard_told: None });
        self.given.insert((peer, ours), speaker);
        self.call(speaker.0).pipe.open(speaker.1);
    }

    /// Closes a line; where it led to.
    pub(super) fn close(&mut self, speaker: Speaker) -> Option<PeerId> {
        let line = self.lines.remove(&speaker)?;
        self.given.remove(&(line.peer, line.ours));
        if let Some(call) = self.calls.get(&speaker.0) {
            call.pipe.close(speaker.1);
        }
        Some(line.peer)
    }

    /// The media of a call, for the first who asks.
    pub(super) fn link(&mut self, call: CallId) -> Option<MediaLink> {
        let call = self.call(call);
        let is_first = !std::mem::replace(&mut call.has_link, true);
        is_first.then(|| MediaLink::new(call.pipe.clone()))
    }

    /// Ends the media of each call that does not stand any more.
    pub(super) fn retain(&mut self, stands: impl Fn(CallId) -> bool) {
        self.calls.retain(|id, call| {
            let stands = stands(*id);
            if !stands {
                call.pipe.end();
            }
            stands
        });
    }

    fn call(&mut self, call: CallId) -> &mut Call {
        let depart = &self.depart;
        self.calls.entry(call).or_insert_with(|| Call { pipe: Pipe::new(depart.clone()), has_link: false })
    }

    /// Pends until there is something to send.
    pub(super) async fn depart(&self) {
        self.depart.notified().await;
    }

    /// Where packets can go to.
    pub(super) fn departures(&self) -> Vec<Departure> {
        let departure = |(speaker, line): (&Speaker, &Line)| {
            let pipe = self.calls.get(&speaker.0)?.pipe.clone();
            Some(Departure { speaker: *speaker, peer: line.peer, theirs: line.theirs, pipe })
        };
        self.lines.iter().filter_map(departure).collect()
    }

    pub(super) fn pipe(&self, call: CallId) -> Option<&Arc<Pipe>> {
        self.calls.get(&call).map(|call| &call.pipe)
    }

    /// Whether any line leads to this peer.
    pub(super) fn lead_to(&self, peer: &PeerId) -> bool {
        self.given.range((*peer, 0)..=(*peer, u32::MAX)).next().is_some()
    }

    /// A packet came from a peer: with what it is answered, and whose it is.
    pub(super) fn packet(&self, peer: PeerId, packet: MediaPacket) -> (MediaResponse, Option<Speaker>) {
        let heard = || {
            let speaker = *self.given.get(&(peer, packet.line))?;
            let report = self.calls.get(&speaker.0)?.pipe.heard(speaker.1, packet.into())?;
            Some((MediaResponse::Report(report), Some(speaker)))
        };
        heard().unwrap_or((MediaResponse::NoSuchLine, None))
    }

    /// Whether it is time to tell that somebody is heard.
    pub(super) fn is_news(&mut self, speaker: Speaker, now: Instant) -> bool {
        let Some(line) = self.lines.get_mut(&speaker) else { return false };
        let is_due = line.heard_told.is_none_or(|told| now.duration_since(told) >= HEARD_EVERY);
        if is_due {
            line.heard_told = Some(now);
        }
        is_due
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::MediaEvent;
    use futures::FutureExt;
    use kinmesh_proto::Report;
    use serde_bytes::ByteBuf;

    const BOB: PersonId = PersonId([2; 32]);
    const CALL: CallId = CallId([7; 16]);
    const OURS: u32 = 11;
    const TAKEN: MediaResponse = MediaResponse::Report(Report {
        received: 0,
        lost_permille: 0,
        mean_run_tenths: 0,
        late_permille: 0,
        jitter_ms: 0,
        delay_trend_ms: 0,
    });

    fn packet(line: u32) -> MediaPacket {
        MediaPacket { line, sequence: 0, frame: 0, payload: ByteBuf::from([1]), earlier: Vec::new() }
    }

    fn lines_with(bob: PeerId) -> Lines {
        let mut lines = Lines::default();
        lines.open((CALL, BOB), bob, 5, OURS);
        lines
    }

    #[test]
    fn a_line_is_worth_nothing_to_another_device() {
        let (bob, mallory) = (PeerId::random(), PeerId::random());
        let lines = lines_with(bob);
        assert_eq!(lines.packet(bob, packet(OURS)), (TAKEN, Some((CALL, BOB))));
        assert_eq!(lines.packet(mallory, packet(OURS)), (MediaResponse::NoSuchLine, None));
        assert_eq!(lines.packet(bob, packet(5)), (MediaResponse::NoSuchLine, None), "that is for us to use");
    }

    #[test]
    fn a_line_ends_with_its_call_and_with_the_next_line_of_the_same_person() {
        let bob = PeerId::random();
        let mut lines = lines_with(bob);
        lines.open((CALL, BOB), bob, 6, OURS + 1);
        assert_eq!(lines.packet(bob, packet(OURS)).0, MediaResponse::NoSuchLine);
        assert_eq!(lines.packet(bob, packet(OURS + 1)).0, TAKEN);
        lines.retain(|_| false);
        assert_eq!(lines.packet(bob, packet(OURS + 1)).0, MediaResponse::NoSuchLine);
        assert_eq!(lines.close((CALL, BOB)), Some(bob));
        assert!(!lines.lead_to(&bob));
    }

    #[test]
    fn a_call_has_one_link_whether_it_is_asked_for_before_the_line_or_after() {
        let mut lines = Lines::default();
        let mut link = lines.link(CALL).unwrap();
        assert!(lines.link(CALL).is_none());
        lines.open((CALL, BOB), PeerId::random(), 5, OURS);
        let opened = link.next().now_or_never().flatten();
        assert_eq!(opened, Some(MediaEvent::PartyOpened { person: BOB }));
        lines.retain(|_| false);
        assert_eq!(link.next().now_or_never(), Some(None));
    }

    #[test]
    fn that_somebody_is_heard_is_news_once_a_second() {
        let mut lines = lines_with(PeerId::random());
        let now = Instant::now();
        assert!(lines.is_news((CALL, BOB), now));
        assert!(!lines.is_news((CALL, BOB), now + HEARD_EVERY / 2));
        assert!(lines.is_news((CALL, BOB), now + HEARD_EVERY));
        assert!(!lines.is_news((CallId([8; 16]), BOB), now));
    }

    #[test]
    fn a_million_packets_that_nobody_wants_leave_nothing_behind() {
        let (bob, mallory) = (PeerId::random(), PeerId::random());
        let lines = lines_with(bob);
        let measured = allocation_counter::measure(|| {
            for line in 0..1_000_000 {
                let line = if line == OURS { 0 } else { line };
                assert_eq!(lines.packet(mallory, packet(line)).0, MediaResponse::NoSuchLine);
                assert_eq!(lines.packet(bob, packet(line)).0, MediaResponse::NoSuchLine);
            }
        });
        assert_eq!(measured.bytes_current, 0);
        assert!(measured.bytes_max < 1024, "{}", measured.bytes_max);
    }
}
