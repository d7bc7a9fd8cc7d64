//! How a call is, for whoever shows it.
//!
//! Owns the figures and over how long they are taken.

use std::collections::VecDeque;
use std::time::Duration;

use super::arrivals::Report;
use super::control::Party;
use crate::codec::Plan;
use crate::jitter::Statistics;

/// Shares are of so many seconds: what was bad a minute ago is no news.
const SECONDS: usize = 5;

/// How a call is.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct VoiceStatistics {
    /// The others.
    pub parties: Vec<PartyStatistics>,
    /// Our own voice.
    pub own: OwnStatistics,
}

/// How our voice goes out.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct OwnStatistics {
    /// How it is coded.
    pub plan: Plan,
    /// Bits of packets that went out in the last second, without headers.
    pub sent_bps: u32,
    /// Whether the microphone is heard.
    pub is_open: bool,
    /// Whether we speak and it is heard.
    pub is_speaking: bool,
    /// How often the codec failed on our voice.
    pub codec_faults: u32,
}

/// How one party is heard.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PartyStatistics {
    /// Whose voice.
    pub party: Party,
    /// What becomes of it here.
    pub heard: Heard,
    /// What there is to say of the way from it: loss before redundancy, jitter.
    pub from: Report,
    /// What it says of the way to it.
    pub to: Option<Report>,
    /// How long a packet to it and its answer take.
    pub round_trip: Option<Duration>,
}

/// What becomes of a party's voice.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Heard {
    /// Whether it speaks.
    pub is_speaking: bool,
    /// Share of its voice that was made up, in the last seconds.
    pub made_up_share: f32,
    /// Share of its frames that came when they should have been played, in the last seconds.
    pub late_share: f32,
    /// What its jitter buffer counted since it joined, and how long frames wait in it now.
    pub buffer: Statistics,
}

/// What the worker knows.
#[derive(Debug, Clone, Default)]
pub(super) struct Told {
    pub(super) own: OwnStatistics,
    pub(super) heard: Vec<(Party, Heard)>,
}

impl Told {
    pub(super) fn heard_of(&self, party: Party) -> Heard {
        let known = self.heard.iter().find(|(other, _)| *other == party);
        known.map_or_else(Heard::default, |&(_, heard)| heard)
    }
}

/// The last seconds of a jitter buffer.
#[derive(Debug, Default)]
pub(super) struct Recent(VecDeque<(Duration, Statistics)>);

impl Recent {
    /// What was counted in them.
    pub(super) fn counted(&mut self, statistics: &Statistics, now: Duration) -> Statistics {
        if self.0.back().is_none_or(|(at, _)| now.saturating_sub(*at) >= Duration::from_secs(1)) {
            self.0.push_back((now, *statistics));
            if self.0.len() > SECONDS {
                self.0.pop_front();
            }
        }
        self.0.front().map_or(*statistics, |(_, first)| statistics.since(first))
    }
}

/// Bits that were sent, second by second.
#[derive(Debug, Default)]
pub(super) struct Sent {
    began: Duration,
    bits: u32,
    last_bps: u32,
}

impl Sent {
    pub(super) fn note(&mut self, bytes: usize) {
        self.bits = self.bits.saturating_add(u32::try_from(bytes * 8).unwrap_or(u32::MAX));
    }

    pub(super) fn bps(&mut self, now: Duration) -> u32 {
        let passed = now.saturating_sub(self.began);
        if passed >= Duration::from_secs(1) {
            self.last_bps = (f64::from(self.bits) / passed.as_secs_f64()) as u32;
            (self.began, self.bits) = (now, 0);
        }
        self.last_bps
    }
}
