//! The queues between the driver and who moves the media of one call.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kinmesh_proto::{PersonId, Report};
use tokio::sync::Notify;

use super::{MediaEvent, MediaPath, Packetized};

/// Packets for one person that have not left: 160 milliseconds of a voice. What waits longer comes too
/// late for any jitter buffer.
const UNSENT_CAP: usize = 8;
/// Packets of one person that nobody has fetched: a second of a voice, in which the program may be busy.
const UNHEARD_CAP: usize = 64;
/// What became of packets to one person, and nobody has fetched. No more are under way at once.
const OUTCOMES_CAP: usize = 64;

/// What became of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Reported { report: Report, round_trip: Duration },
    Unanswered,
}

/// Both ends hold it: the driver, and a [`super::MediaLink`] once somebody asked for it.
#[derive(Debug)]
pub(crate) struct Pipe {
    queues: Mutex<Queues>,
    /// There is something to fetch, or the call is over.
    fetch: Notify,
    /// There is something to send, in any call.
    depart: Arc<Notify>,
}

#[derive(Debug, Default)]
struct Queues {
    parties: BTreeMap<PersonId, Party>,
    /// Who has gone, and is not told yet.
    gone: BTreeSet<PersonId>,
    /// Whose packet was fetched last: nobody's flood keeps another's voice waiting.
    last: Option<PersonId>,
    is_over: bool,
}

#[derive(Debug, Default)]
struct Party {
    is_told: bool,
    unsent: VecDeque<Packetized>,
    unheard: VecDeque<Packetized>,
    outcomes: VecDeque<Outcome>,
    report: Report,
    path: Option<MediaPath>,
}

/// What there is to fetch.
enum Fetched {
    Event(MediaEvent),
    Nothing,
    End,
}

impl Pipe {
    /// `depart` is told when there is something to send.
    pub(crate) fn new(depart: Arc<Notify>) -> Arc<Self> {
        Arc::new(Self { queues: Mutex::default(), fetch: Notify::new(), depart })
    }

    /// A panic while it was held leaves queues that are whole: each change is one step.
    fn queues(&self) -> MutexGuard<'_, Queues> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes what there is for a person, if they are in the call.
    fn with<T>(&self, person: PersonId, change: impl FnOnce(&mut Party) -> T) -> Option<T> {
        self.queues().parties.get_mut(&person).map(change)
    }

    pub(super) async fn next(&self) -> Option<MediaEvent> {
        loop {
            let told = self.fetch.notified();
            match self.fetch_now() {
                Fetched::Event(event) => return Some(event),
                Fetched::End => return None,
                Fetched::Nothing => told.await,
            }
        }
    }

    fn fetch_now(&self) -> Fetched {
        let mut queues = self.queues();
        match queues.is_over {
            true => Fetched::End,
            false => queues.pop().map_or(Fetched::Nothing, Fetched::Event),
        }
    }

    pub(super) fn send(&self, to: PersonId, packet: Packetized) {
        if self.with(to, |party| push(&mut party.unsent, packet, UNSENT_CAP)).is_some() {
            self.depart.notify_one();
        }
    }

    pub(super) fn set_report(&self, from: PersonId, report: Report) {
        self.with(from, |party| party.report = report);
    }

    pub(super) fn path(&self, to: PersonId) -> Option<MediaPath> {
        self.with(to, |party| party.path).flatten()
    }

    /// By which way a person is reached.
    pub(crate) fn set_path(&self, to: PersonId, path: MediaPath) {
        self.with(to, |party| party.path = Some(path));
    }

    /// A person can be sent to, and heard.
    pub(crate) fn open(&self, person: PersonId) {
        self.close(person);
        self.queues().parties.insert(person, Party::default());
        self.fetch.notify_one();
    }

    /// They are gone; what there is for them, and of them, is dropped.
    pub(crate) fn close(&self, person: PersonId) {
        let mut queues = self.queues();
        if queues.parties.remove(&person).is_some_and(|party| party.is_told) {
            queues.gone.insert(person);
            self.fetch.notify_one();
        }
    }

    /// The call is over.
    pub(crate) fn end(&self) {
        *self.queues() = Queues { is_over: true, ..Queues::default() };
        self.fetch.notify_one();
    }

    /// The oldest packet for a person.
    pub(crate) fn take_unsent(&self, person: PersonId) -> Option<Packetized> {
        self.with(person, |party| party.unsent.pop_front()).flatten()
    }

    /// A packet of this person has come; with what it is answered.
    pub(crate) fn heard(&self, person: PersonId, packet: Packetized) -> Option<Report> {
        let report = self.with(person, |party| {
            push(&mut party.unheard, packet, UNHEARD_CAP);
            party.report
        });
        self.fetch.notify_one();
        report
    }

    /// A packet to this person was answered, or was not.
    pub(crate) fn came_to(&self, person: PersonId, outcome: Outcome) {
        self.with(person, |party| push(&mut party.outcomes, outcome, OUTCOMES_CAP));
        self.fetch.notify_one();
    }
}

impl Queues {
    fn pop(&mut self) -> Option<MediaEvent> {
        if let Some(person) = self.gone.pop_first() {
            return Some(MediaEvent::PartyClosed { person });
        }
        if let Some((person, party)) = self.parties.iter_mut().find(|(_, party)| !party.is_told) {
            party.is_told = true;
            return Some(MediaEvent::PartyOpened { person: *person });
        }
        let is_after = |person: &PersonId| self.last.is_none_or(|last| *person > last);
        let has_any = |(_, party): &(&PersonId, &Party)| party.has_any();
        let person = (self.parties.iter().filter(has_any).map(|(person, _)| *person).find(is_after))
            .or_else(|| self.parties.iter().find(has_any).map(|(person, _)| *person))?;
        self.last = Some(person);
        self.parties.get_mut(&person)?.pop(person)
    }
}

impl Party {
    fn has_any(&self) -> bool {
        !(self.unheard.is_empty() && self.outcomes.is_empty())
    }

    fn pop(&mut self, person: PersonId) -> Option<MediaEvent> {
        if let Some(Packetized { sequence, frame, payload, earlier }) = self.unheard.pop_front() {
            return Some(MediaEvent::Packet { from: person, sequence, frame, payload, earlier });
        }
        Some(match self.outcomes.pop_front()? {
            Outcome::Reported { report, round_trip } => {
                MediaEvent::Reported { by: person, report, round_trip }
            }
            Outcome::Unanswered => MediaEvent::Unanswered { by: person },
        })
    }
}

/// Puts it at the end; beyond the cap, the oldest gives way.
fn push<T>(queue: &mut VecDeque<T>, value: T, cap: usize) {
    if queue.len() == cap {
        queue.pop_front();
    }
    queue.push_back(value);
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;

    const BOB: PersonId = PersonId([2; 32]);
    const CAROL: PersonId = PersonId([3; 32]);

    fn packet(sequence: u32) -> Packetized {
        Packetized { sequence, frame: sequence, payload: vec![1; 80], earlier: Vec::new() }
    }

    /// Everything that waits.
    fn fetch(pipe: &Pipe) -> Vec<MediaEvent> {
        std::iter::from_fn(|| pipe.next().now_or_never().flatten()).collect()
    }

    /// A call with Bob, which is told.
    fn pipe() -> Arc<Pipe> {
        let pipe = Pipe::new(Arc::default());
        pipe.open(BOB);
        assert_eq!(fetch(&pipe), [MediaEvent::PartyOpened { person: BOB }]);
        pipe
    }

    fn sequences(events: &[MediaEvent]) -> Vec<(PersonId, u32)> {
        let of = |event: &MediaEvent| match event {
            MediaEvent::Packet { from, sequence, .. } => (*from, *sequence),
            other => panic!("{other:?}"),
        };
        events.iter().map(of).collect()
    }

    #[test]
    fn of_packets_that_cannot_leave_the_newest_are_kept() {
        let pipe = pipe();
        (0..100).for_each(|sequence| pipe.send(BOB, packet(sequence)));
        pipe.send(CAROL, packet(0));
        let left: Vec<u32> =
            std::iter::from_fn(|| pipe.take_unsent(BOB)).map(|packet| packet.sequence).collect();
        assert_eq!(left, (92..100).collect::<Vec<_>>());
        assert_eq!(pipe.take_unsent(CAROL), None, "she is not in the call");
    }

    #[test]
    fn of_packets_that_nobody_fetches_the_newest_are_kept() {
        let pipe = pipe();
        for sequence in 0..1_000_000 {
            pipe.heard(BOB, packet(sequence));
        }
        let heard = sequences(&fetch(&pipe));
        assert_eq!(heard.len(), UNHEARD_CAP);
        assert_eq!(heard.last(), Some(&(BOB, 999_999)));
    }

    #[test]
    fn a_flood_of_one_does_not_keep_anothers_voice_waiting() {
        let pipe = pipe();
        pipe.open(CAROL);
        fetch(&pipe);
        for sequence in 0..60 {
            pipe.heard(BOB, packet(sequence));
        }
        for sequence in 0..2 {
            pipe.heard(CAROL, packet(sequence));
        }
        assert_eq!(sequences(&fetch(&pipe))[..5], [(BOB, 0), (CAROL, 0), (BOB, 1), (CAROL, 1), (BOB, 2)]);
    }

    #[test]
    fn a_packet_is_answered_with_the_latest_report() {
        let pipe = pipe();
        assert_eq!(pipe.heard(BOB, packet(0)), Some(Report::default()));
        let report = Report { received: 1, jitter_ms: 12, ..Report::default() };
        pipe.set_report(BOB, report);
        pipe.set_report(CAROL, report);
        assert_eq!(pipe.heard(BOB, packet(1)), Some(report));
        assert_eq!(pipe.heard(CAROL, packet(1)), None, "she is not in the call");
    }

    #[test]
    fn who_leaves_and_comes_again_is_told_as_both_and_their_packets_of_before_are_gone() {
        let pipe = pipe();
        pipe.heard(BOB, packet(0));
        pipe.send(BOB, packet(0));
        pipe.close(BOB);
        pipe.open(BOB);
        pipe.came_to(BOB, Outcome::Unanswered);
        let events = fetch(&pipe);
        let (person, by) = (BOB, BOB);
        assert_eq!(
            events,
            [
                MediaEvent::PartyClosed { person },
                MediaEvent::PartyOpened { person },
                MediaEvent::Unanswered { by }
            ]
        );
        assert_eq!(pipe.take_unsent(BOB), None);
        // Who came and went while nobody looked was never there.
        pipe.open(CAROL);
        pipe.close(CAROL);
        assert!(fetch(&pipe).is_empty());
    }

    #[tokio::test]
    async fn who_waits_hears_the_end_of_the_call() {
        let pipe = pipe();
        let waits = tokio::spawn({
            let pipe = pipe.clone();
            async move { pipe.next().await }
        });
        tokio::task::yield_now().await;
        pipe.end();
        assert_eq!(waits.await.unwrap(), None);
        pipe.open(BOB);
        assert_eq!(pipe.next().await, None);
    }
}
