//! Fairness in small tools: how much one peer may ask, how often one fault is logged, and how many
//! lines of the log one source may fill.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::{Duration, Instant};

/// Requests a peer may make at once: registers and looks up in all its namespaces after a reconnect.
const BURST: f64 = 600.0;
/// Requests a second it may make for ever.
const PER_SECOND: f64 = 10.0;

/// A token bucket.
#[derive(Debug)]
pub struct Ration {
    left: f64,
    at: Instant,
}

impl Ration {
    /// A full one.
    pub fn new(now: Instant) -> Self {
        Self { left: BURST, at: now }
    }

    /// Takes one request out of it; false when it is empty.
    pub fn take(&mut self, now: Instant) -> bool {
        let gained = now.saturating_duration_since(self.at).as_secs_f64() * PER_SECOND;
        self.left = (self.left + gained).min(BURST);
        self.at = now;
        let enough = self.left >= 1.0;
        if enough {
            self.left -= 1.0;
        }
        enough
    }
}

/// A fault is logged once in this time.
const QUIET: Duration = Duration::from_secs(60);
/// Sources of faults remembered; beyond it the oldest is forgotten, and may be logged again.
const SOURCES_MAX: usize = 1024;

/// Says whether a fault is news.
#[derive(Debug)]
pub struct OncePerMinute<K>(HashMap<K, Instant>);

impl<K: Hash + Eq + Clone> OncePerMinute<K> {
    /// True the first time for this source, and again after a minute.
    pub fn is_news(&mut self, source: K, now: Instant) -> bool {
        if self.0.get(&source).is_some_and(|last| now.saturating_duration_since(*last) < QUIET) {
            return false;
        }
        if self.0.len() >= SOURCES_MAX {
            self.0.retain(|_, last| now.saturating_duration_since(*last) < QUIET);
        }
        if self.0.len() >= SOURCES_MAX
            && let Some(oldest) = self.0.iter().min_by_key(|(_, last)| **last).map(|(key, _)| key.clone())
        {
            self.0.remove(&oldest);
        }
        self.0.insert(source, now);
        true
    }
}

/// Lines about comings and goings that one source may cause in a minute: a school behind one address
/// may arrive at once, and a program that comes and goes under ever new names fills nobody's disk.
pub const LINES_PER_MINUTE: u32 = 120;

/// Counts the lines that each source causes.
#[derive(Debug)]
pub struct Lines<K>(HashMap<K, (Instant, u32)>);

impl<K: Hash + Eq + Clone> Lines<K> {
    /// Whether another line about this source may be written.
    pub fn take(&mut self, source: &K, now: Instant) -> bool {
        let is_over = |since: Instant| now.saturating_duration_since(since) >= QUIET;
        if !self.0.contains_key(source) && self.0.len() >= SOURCES_MAX {
            self.0.retain(|_, (since, _)| !is_over(*since));
            // As many sources at once: what they may write together is bounded all the same.
            if self.0.len() >= SOURCES_MAX {
                return false;
            }
        }
        let (since, lines) = self.0.entry(source.clone()).or_insert((now, 0));
        if is_over(*since) {
            (*since, *lines) = (now, 0);
        }
        *lines += 1;
        *lines <= LINES_PER_MINUTE
    }
}

impl<K> Default for Lines<K> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<K> Default for OncePerMinute<K> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ration_is_used_up_and_comes_back() {
        let now = Instant::now();
        let mut ration = Ration::new(now);
        assert_eq!((0..10_000).filter(|_| ration.take(now)).count(), 600);
        let later = now + Duration::from_secs(2);
        assert_eq!((0..10_000).filter(|_| ration.take(later)).count(), 20);
    }

    #[test]
    fn a_source_fills_so_many_lines_a_minute() {
        let (mut lines, now) = (Lines::default(), Instant::now());
        assert_eq!((0..10_000).filter(|_| lines.take(&1, now)).count(), LINES_PER_MINUTE as usize);
        assert!(lines.take(&2, now), "others are not to blame");
        assert!(!lines.take(&1, now + Duration::from_secs(59)));
        assert!(lines.take(&1, now + Duration::from_secs(60)));
        for source in 0..10_000 {
            lines.take(&source, now);
        }
        assert_eq!(lines.0.len(), SOURCES_MAX);
    }

    #[test]
    fn a_fault_is_news_once_a_minute_and_sources_are_bounded() {
        let (mut once, now) = (OncePerMinute::default(), Instant::now());
        assert!(once.is_news(1, now));
        assert!(!once.is_news(1, now + Duration::from_secs(59)));
        assert!(once.is_news(1, now + Duration::from_secs(60)));
        for source in 0..10_000 {
            once.is_news(source, now);
        }
        assert_eq!(once.0.len(), SOURCES_MAX);
    }
}
