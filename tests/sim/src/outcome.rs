//! How a run ended, and the command that repeats it.

use std::fmt;

use crate::promise::Violation;
use crate::trace::{Moment, TraceHash};

/// How a run ended.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// Its scenario.
    pub scenario: &'static str,
    /// Its seed.
    pub seed: u64,
    /// What happened in it.
    pub trace_hash: TraceHash,
    /// What was counted.
    pub figures: Figures,
    /// The broken promise, if one was broken.
    pub failure: Option<Failure>,
}

/// What was counted in a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Figures {
    /// Things that happened.
    pub events: u64,
    /// Entries written.
    pub entries: u64,
    /// Gossip frames sent, every copy counted.
    pub frames: u64,
    /// Requests sent.
    pub asks: u64,
    /// Bytes of requests about histories, and of the answers.
    pub sync_bytes: u64,
    /// Ends of lines between two in a call.
    pub lines: u64,
    /// Pairs of a room's entry and a member who did not write it.
    pub deliveries: u64,
    /// Of these, how many came live: within 5 s.
    pub live: u64,
    /// Pairs of an entry of a private room and somebody who, as its author knew, had been put out: none of
    /// them could read it.
    pub kept_from: u64,
    /// Private rooms in which people were put out by admins who did not know of each other's decision.
    pub rivals: u64,
    /// Pairs of a peer and a post of a founded room that its admins do not want shown: it was not.
    pub withheld: u64,
    /// Founded rooms in which two admins changed the rules without knowing of each other's decision.
    pub rule_rivals: u64,
    /// From the healing until everything was everywhere, in milliseconds.
    pub converged_ms: u64,
}

impl Figures {
    /// The share of deliveries that came live, in per cent.
    pub fn live_percent(&self) -> f64 {
        if self.deliveries == 0 { 100.0 } else { self.live as f64 * 100.0 / self.deliveries as f64 }
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} entries, {:.1} % of deliveries live, all have all {:.1} s after the healing; \
             {} gossip frames, {} requests, {} KiB of comparing, {} events",
            self.entries,
            self.live_percent(),
            self.converged_ms as f64 / 1000.0,
            self.frames,
            self.asks,
            self.sync_bytes / 1024,
            self.events
        )
    }
}

/// Why a run failed.
#[derive(Debug, Clone)]
pub enum Failure {
    /// A promise was broken.
    Violation {
        /// Which.
        violation: Violation,
        /// What happened before, as far as it was kept.
        last: Vec<Moment>,
    },
    /// The program under test panicked.
    Panic(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Violation { violation, .. } => violation.fmt(f),
            Self::Panic(words) => write!(f, "panic: {words}"),
        }
    }
}

impl std::error::Error for Failure {}

impl Outcome {
    /// The command that repeats the run.
    pub fn replay(&self) -> String {
        replay(self.scenario, self.seed)
    }
}

/// The command that repeats a run of the preset of this name.
pub(crate) fn replay(scenario: &str, seed: u64) -> String {
    format!("cargo run -p kinmesh-sim -- --scenario {scenario} --seed {seed} --trace 200")
}
