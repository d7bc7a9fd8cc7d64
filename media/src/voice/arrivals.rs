//! What a receiver knows of the way to it: which packets came in time, and how long they queued.
//!
//! Owns the [`Report`] and the arithmetic behind it. Time comes in with each packet. It must never know
//! what is in a packet, nor what the jitter buffer made of it.

use std::collections::VecDeque;
use std::time::Duration;

type Micros = i64;

const MS: Micros = 1_000;
const FRAME_TIME: Micros = 20 * MS;
/// What a report tells about: long enough for a share, short enough to be answered within two seconds.
const WINDOW: Micros = 2_000 * MS;
/// As many packets as an honest sender sends in that time, and some.
const WINDOW_CAP: usize = 128;
/// A packet that others overtook is lost when it comes later than this after the quickest: the transport
/// sends it again, and on a long way that is too late for a conversation.
const IN_TIME: Micros = 100 * MS;
/// Of fewer packets no share can be told.
const SHARE_OF_MIN: usize = 25;
/// The quickest packet of so many seconds is one that did not queue. A way that became longer for good
/// is taken for a queue no longer than that.
const LEAST_SECONDS: Micros = 10;
/// The quickest packet of this long queued as all do now: jitter alone leaves some that are quick.
const RECENT: Micros = 250 * MS;
/// Packets of that time, and some.
const RECENT_CAP: usize = 32;
/// A packet that is this much quicker or slower than the others is of another time.
const PLAUSIBLE: Micros = 3_000 * MS;

/// What a receiver says of the way to it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Report {
    /// Packets that came so far.
    pub received: u32,
    /// Share of the packets of two seconds that did not come in time.
    pub lost_permille: u16,
    /// Mean length of a run of those, in tenths; 10 where none is missing.
    pub mean_run_tenths: u16,
    /// Share of the frames of some seconds that came when they should have been played already.
    pub late_permille: u16,
    /// How much the time under way differs from one packet to the next.
    pub jitter_ms: u16,
    /// How much longer than the quickest of ten seconds every packet is under way now: a queue.
    pub delay_trend_ms: i16,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// A later one came, this one did not.
    Missing,
    InTime,
    TooLate,
}

/// A packet of the window, and when it came or was first missed.
#[derive(Debug, Clone, Copy)]
struct Noted {
    at: Micros,
    fate: Fate,
}

/// Notes what comes from one sender.
#[derive(Debug, Default)]
pub(super) struct Arrivals {
    received: u32,
    /// One for each sequence number up to `newest`.
    window: VecDeque<Noted>,
    newest: u32,
    /// When the newest arrived, and the number of its frame.
    last: Option<(Micros, i64)>,
    /// The least time under way in each second.
    least: VecDeque<(Micros, Micros)>,
    /// Arrival and time under way of those that came of late.
    recent: VecDeque<(Micros, Micros)>,
    jitter: f64,
    took_before: Option<Micros>,
}

impl Arrivals {
    /// Notes a packet that came at this time.
    pub(super) fn note(&mut self, sequence: u32, frame: u32, now: Duration) {
        let now = Micros::try_from(now.as_micros()).unwrap_or(Micros::MAX);
        self.received = self.received.wrapping_add(1);
        let mut number = self.unwrapped(frame);
        if !self.is_plausible(sequence, now - number * FRAME_TIME) {
            *self = Self { received: self.received, ..Self::default() };
            number = i64::from(frame);
        }
        let took = now - number * FRAME_TIME;
        self.note_jitter(took);
        self.note_delay(now, took);
        self.note_sequence(sequence, now, took);
        self.last = Some((now, number));
    }

    /// What there is to say as of the latest packet.
    pub(super) fn report(&self) -> Report {
        let (lost, runs, judged) = self.count();
        let share = lost * 1_000 / judged.max(SHARE_OF_MIN);
        let mean_run = (lost * 10).checked_div(runs).unwrap_or(10);
        Report {
            received: self.received,
            lost_permille: bounded(share as i64),
            mean_run_tenths: bounded(mean_run as i64),
            late_permille: 0,
            jitter_ms: bounded(self.jitter as i64 / MS),
            delay_trend_ms: self.delay_trend_ms(),
        }
    }

    fn unwrapped(&self, frame: u32) -> i64 {
        self.last.map_or(i64::from(frame), |(_, last)| {
            last + i64::from(frame.wrapping_sub(last as u32).cast_signed())
        })
    }

    fn is_plausible(&self, sequence: u32, took: Micros) -> bool {
        let Some(least) = self.least() else { return true };
        let jump = sequence.wrapping_sub(self.newest).cast_signed().unsigned_abs();
        (took - least).abs() <= PLAUSIBLE && jump as usize <= WINDOW_CAP
    }

    fn least(&self) -> Option<Micros> {
        self.least.iter().map(|&(_, took)| took).min()
    }

    /// As RFC 3550 has it.
    fn note_jitter(&mut self, took: Micros) {
        let before = self.took_before.replace(took).unwrap_or(took);
        self.jitter += ((took - before).abs() as f64 - self.jitter) / 16.0;
    }

    fn note_delay(&mut self, now: Micros, took: Micros) {
        let second = now / (1_000 * MS);
        match self.least.back_mut() {
            Some((same, least)) if *same == second => *least = (*least).min(took),
            _ => self.least.push_back((second, took)),
        }
        while self.least.front().is_some_and(|&(old, _)| old <= second - LEAST_SECONDS) {
            self.least.pop_front();
        }
        self.recent.push_back((now, took));
        let is_old = |&(at, _): &(Micros, Micros)| at < now - RECENT;
        while self.recent.len() > RECENT_CAP || self.recent.front().is_some_and(is_old) {
            self.recent.pop_front();
        }
    }

    fn note_sequence(&mut self, sequence: u32, now: Micros, took: Micros) {
        let in_time = took - self.least().unwrap_or(took) <= IN_TIME;
        let ahead = if self.window.is_empty() { 1 } else { sequence.wrapping_sub(self.newest).cast_signed() };
        if ahead > 0 {
            (1..ahead).for_each(|_| self.window.push_back(Noted { at: now, fate: Fate::Missing }));
            // Nothing overtook it: however long it took, it queued and was not lost.
            self.window.push_back(Noted { at: now, fate: Fate::InTime });
            self.newest = sequence;
        } else if let Some(noted) = self.behind(ahead)
            && noted.fate == Fate::Missing
        {
            noted.fate = if in_time { Fate::InTime } else { Fate::TooLate };
        }
        let is_old = |noted: &Noted| noted.at < now - WINDOW;
        while self.window.len() > WINDOW_CAP || self.window.front().is_some_and(is_old) {
            self.window.pop_front();
        }
    }

    fn behind(&mut self, ahead: i32) -> Option<&mut Noted> {
        let index = self.window.len().checked_sub(1 + ahead.unsigned_abs() as usize)?;
        self.window.get_mut(index)
    }

    /// How many are lost, in how many runs, of how many whose time is over.
    fn count(&self) -> (usize, usize, usize) {
        let now = self.last.map_or(0, |(now, _)| now);
        let (mut lost, mut runs, mut judged, mut in_run) = (0, 0, 0, false);
        for noted in &self.window {
            if noted.fate == Fate::Missing && now - noted.at < IN_TIME {
                continue; // It may still come.
            }
            let is_lost = noted.fate != Fate::InTime;
            lost += usize::from(is_lost);
            runs += usize::from(is_lost && !in_run);
            judged += 1;
            in_run = is_lost;
        }
        (lost, runs, judged)
    }

    fn delay_trend_ms(&self) -> i16 {
        let recent = self.recent.iter().map(|&(_, took)| took).min();
        let queued = recent.zip(self.least()).map_or(0, |(recent, least)| (recent - least) / MS);
        i16::try_from(queued).unwrap_or(i16::MAX)
    }
}

fn bounded(value: i64) -> u16 {
    u16::try_from(value.max(0)).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signal::Chance;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    /// Ten seconds of packets; `delay` says how many milliseconds each takes, `None` for a lost one.
    fn after(delay: impl FnMut(u32) -> Option<u64>) -> Report {
        let mut delay = delay;
        let mut arrived: Vec<(u64, u32)> =
            (0..500_u32).filter_map(|n| delay(n).map(|took| (u64::from(n) * 20 + took, n))).collect();
        arrived.sort_unstable();
        let mut arrivals = Arrivals::default();
        arrived.iter().for_each(|&(at, n)| arrivals.note(n, n, ms(at)));
        arrivals.report()
    }

    #[test]
    fn of_a_clean_way_there_is_nothing_to_say() {
        let clean = Report { received: 500, mean_run_tenths: 10, ..Report::default() };
        assert_eq!(after(|_| Some(30)), clean);
    }

    #[test]
    fn what_does_not_come_is_counted_with_its_runs() {
        let report = after(|n| (n % 10 != 3).then_some(30));
        assert!((90..=110).contains(&report.lost_permille), "{report:?}");
        assert_eq!(report.mean_run_tenths, 10);
        let report = after(|n| (n % 30 > 2).then_some(30));
        assert!((80..=120).contains(&report.lost_permille), "{report:?}");
        assert!((27..=30).contains(&report.mean_run_tenths), "{report:?}");
    }

    #[test]
    fn what_is_sent_again_counts_by_when_it_comes() {
        assert_eq!(after(|n| Some(if n % 10 == 3 { 80 } else { 20 })).lost_permille, 0);
        let late = after(|n| Some(if n % 10 == 3 { 140 } else { 20 }));
        assert!((80..=110).contains(&late.lost_permille), "{late:?}");
    }

    #[test]
    fn jitter_is_no_queue_and_a_queue_is_no_loss() {
        let mut chance = Chance::new(4);
        let jittery = after(|_| Some(20 + (-30.0 * (1.0 - chance.unit()).ln()) as u64));
        assert!(jittery.delay_trend_ms < 15 && jittery.jitter_ms > 15, "{jittery:?}");
        assert!(jittery.lost_permille < 60, "{jittery:?}");
        let queue = after(|n| Some(20 + u64::from(n.saturating_sub(400)) * 4));
        assert!((330..=400).contains(&queue.delay_trend_ms), "{queue:?}");
        assert_eq!(queue.lost_permille, 0);
    }

    #[test]
    fn a_longer_way_is_no_queue_after_ten_seconds() {
        let mut arrivals = Arrivals::default();
        for n in 0..1_500_u32 {
            let took = if n < 500 { 20 } else { 120 };
            arrivals.note(n, n, ms(u64::from(n) * 20 + took));
            let queued = arrivals.report().delay_trend_ms;
            assert_eq!(queued > 50, (507..994).contains(&n), "{n}: {queued}");
        }
    }

    #[test]
    fn whatever_comes_memory_is_bounded() {
        let mut arrivals = Arrivals::default();
        let mut chance = Chance::new(8);
        for n in 0..200_000_u64 {
            let sequence = chance.below(300) as u32 + (n / 7) as u32;
            let frame = if n % 5 == 0 { chance.below(usize::MAX) as u32 } else { sequence };
            arrivals.note(sequence, frame, Duration::from_micros(n * 50));
            assert!(arrivals.window.len() <= WINDOW_CAP && arrivals.recent.len() <= RECENT_CAP);
            assert!(arrivals.least.len() <= LEAST_SECONDS as usize);
        }
        assert!(arrivals.report().lost_permille <= 1_000);
    }

    #[test]
    fn numbers_may_wrap_and_begin_anew() {
        let mut arrivals = Arrivals::default();
        for n in 0..300_u32 {
            let number = n.wrapping_add(u32::MAX - 100);
            arrivals.note(number, number, ms(u64::from(n) * 20));
        }
        assert_eq!(arrivals.report().lost_permille, 0);
        arrivals.note(7_000, 9_000, ms(6_000));
        assert_eq!(arrivals.report(), Report { received: 301, mean_run_tenths: 10, ..Report::default() });
    }
}
