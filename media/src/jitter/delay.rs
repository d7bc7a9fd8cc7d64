//! How late packets are, and how long to wait for them.
//!
//! The delay of a packet is counted from the quickest one of the last seconds, so that neither the
//! clock of the sender nor the length of the way matters. Of each short interval the worst delay goes
//! into a histogram that forgets; what nearly all intervals stay under is the target.

use std::collections::VecDeque;

/// Microseconds since the engine's time began.
pub(super) type Micros = i64;

const MS: Micros = 1_000;
/// How long the quickest packet is remembered. Clocks that differ by 200 ppm part by 0.4 ms in it.
const QUICKEST_WINDOW: Micros = 2_000 * MS;
/// As many packets as can come in that time from an honest sender, and some.
const QUICKEST_CAP: usize = 256;
/// The worst delay of this long counts once: what matters is how often speech breaks, not how often a
/// packet is late.
const INTERVAL: Micros = 200 * MS;
const BUCKET: Micros = 5 * MS;
/// One second: who is later than that is not in a conversation.
const BUCKETS: usize = 200;
/// What remains of an observation with each further interval. A spike of two seconds is half of the
/// histogram and leaves the last twentieth after some seven seconds.
const REMEMBER: f32 = 0.93;
/// Share of intervals without a break.
const QUANTILE: f32 = 0.95;
/// What playing needs beyond the delay of the way: sound is made for the whole block that is played in
/// one go, so up to this long before its time.
const MARGIN: Micros = 10 * MS;
/// Until something is known.
const FIRST_TARGET: Micros = 30 * MS;

/// Learns from arrivals.
#[derive(Debug)]
pub(super) struct DelayEstimate {
    /// When each arrived and how long it took; both ascending, so the first is the quickest.
    quickest: VecDeque<(Micros, Micros)>,
    histogram: Vec<f32>,
    intervals: u32,
    /// The end of the running interval and its worst delay.
    interval: Option<(Micros, Micros)>,
    target: Micros,
}

impl DelayEstimate {
    pub(super) fn new() -> Self {
        Self {
            quickest: VecDeque::new(),
            histogram: vec![0.0; BUCKETS],
            intervals: 0,
            interval: None,
            target: FIRST_TARGET,
        }
    }

    /// Notes that what was said at `said` arrived at `now`.
    pub(super) fn observe(&mut self, now: Micros, said: Micros) {
        let took = now - said;
        self.note_quickest(now, took);
        let delay = took - self.quickest.front().map_or(took, |&(_, quickest)| quickest);
        match &mut self.interval {
            Some((end, worst)) if now < *end => *worst = (*worst).max(delay),
            ended => {
                if let Some((_, worst)) = ended.replace((now + INTERVAL, delay)) {
                    remember(&mut self.histogram, &mut self.intervals, worst);
                }
            }
        }
        self.target = self.aim();
    }

    fn note_quickest(&mut self, now: Micros, took: Micros) {
        while self.quickest.back().is_some_and(|&(_, other)| other >= took) {
            self.quickest.pop_back();
        }
        self.quickest.push_back((now, took));
        let is_over = |&(at, _): &(Micros, Micros)| at < now - QUICKEST_WINDOW;
        while self.quickest.len() > QUICKEST_CAP || self.quickest.front().is_some_and(is_over) {
            self.quickest.pop_front();
        }
    }

    /// How long the quickest of late took on its way, in whatever the two clocks make of it.
    pub(super) fn quickest(&self) -> Option<Micros> {
        self.quickest.front().map(|&(_, took)| took)
    }

    /// How long after the quickest a packet is waited for.
    pub(super) fn target(&self) -> Micros {
        self.target
    }

    /// The running interval counts as if it were over: the target grows at once.
    fn aim(&self) -> Micros {
        let Some((_, worst)) = self.interval else { return FIRST_TARGET };
        let forget = 1.0 - weight(self.intervals + 1);
        let mut above = 1.0 - QUANTILE;
        for bucket in (0..BUCKETS).rev() {
            let running = if bucket == bucket_of(worst) { 1.0 - forget } else { 0.0 };
            above -= self.histogram[bucket] * forget + running;
            if above <= 0.0 {
                return (bucket as Micros + 1) * BUCKET + MARGIN;
            }
        }
        FIRST_TARGET
    }
}

fn bucket_of(delay: Micros) -> usize {
    usize::try_from(delay / BUCKET).unwrap_or(0).min(BUCKETS - 1)
}

/// What the newest of so many observations weighs: all are equal until they become old.
fn weight(observations: u32) -> f32 {
    (1.0 - REMEMBER).max(1.0 / observations as f32)
}

fn remember(histogram: &mut [f32], intervals: &mut u32, delay: Micros) {
    *intervals = intervals.saturating_add(1);
    let weight = weight(*intervals);
    for share in histogram.iter_mut() {
        *share *= 1.0 - weight;
    }
    histogram[bucket_of(delay)] += weight;
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: Micros = 20 * MS;

    /// Packets of `from..to` seconds, each with a delay of its own.
    fn arrive(estimate: &mut DelayEstimate, from: i64, to: i64, delay: impl Fn(i64) -> Micros) {
        for n in from * 50..to * 50 {
            estimate.observe(n * FRAME + delay(n), n * FRAME);
        }
    }

    #[test]
    fn a_steady_way_is_waited_for_no_longer_than_a_block() {
        let mut estimate = DelayEstimate::new();
        arrive(&mut estimate, 0, 10, |_| 80 * MS);
        assert_eq!(estimate.target(), BUCKET + MARGIN);
        assert_eq!(estimate.quickest(), Some(80 * MS));
    }

    #[test]
    fn one_late_packet_is_enough_to_wait_and_soon_forgotten() {
        let mut estimate = DelayEstimate::new();
        arrive(&mut estimate, 0, 10, |_| 0);
        estimate.observe(500 * FRAME + 60 * MS, 500 * FRAME);
        assert!(estimate.target() >= 60 * MS, "{}", estimate.target());
        arrive(&mut estimate, 11, 16, |_| 0);
        assert!(estimate.target() <= 15 * MS, "{}", estimate.target());
    }

    #[test]
    fn a_spike_of_two_seconds_is_gone_after_ten() {
        let mut estimate = DelayEstimate::new();
        arrive(&mut estimate, 0, 20, |_| 0);
        arrive(&mut estimate, 20, 22, |_| 200 * MS);
        assert!(estimate.target() >= 200 * MS);
        arrive(&mut estimate, 22, 30, |_| 0);
        assert!(estimate.target() <= 15 * MS, "{}", estimate.target());
    }

    #[test]
    fn a_longer_way_is_no_later_after_a_while() {
        let mut estimate = DelayEstimate::new();
        arrive(&mut estimate, 0, 10, |_| 0);
        arrive(&mut estimate, 10, 25, |_| 400 * MS);
        assert!(estimate.target() <= 15 * MS, "{}", estimate.target());
    }

    #[test]
    fn memory_is_bounded_whatever_arrives() {
        let mut estimate = DelayEstimate::new();
        for n in 0..100_000 {
            estimate.observe(n, -n * 7);
        }
        assert!(estimate.quickest.len() <= QUICKEST_CAP);
        assert!(estimate.target() <= BUCKET * BUCKETS as Micros + MARGIN);
    }
}
