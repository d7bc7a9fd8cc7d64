//! One of the others: from its packets to its voice.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::control::{Came, Inbox, Party};
use super::echo::Echo;
use super::gate::{Activity, SPEECH_DBFS};
use super::statistics::{Heard, Recent};
use crate::codec::{BLOCK, Packet};
use crate::jitter::JitterBuffer;
use crate::mixer::Volume;

/// A party on the worker.
#[derive(Debug)]
pub(super) struct Speaker {
    pub(super) party: Party,
    pub(super) volume: Volume,
    /// What the worker took from the desk, until it is inserted.
    pub(super) came: VecDeque<Came>,
    buffer: JitterBuffer,
    echo: Option<Echo>,
    activity: Activity,
    recent: Recent,
}

impl Speaker {
    pub(super) fn new(inbox: &Inbox, buffer: JitterBuffer) -> Self {
        Self {
            party: inbox.party,
            volume: inbox.volume,
            came: VecDeque::new(),
            buffer,
            echo: inbox.is_echo.then(Echo::default),
            activity: Activity::default(),
            recent: Recent::default(),
        }
    }

    /// Gives its buffer what came, as of when it came.
    pub(super) fn insert(&mut self, began: Instant) {
        for (came, packet) in self.came.drain(..) {
            self.buffer.insert(&packet, came.saturating_duration_since(began));
        }
    }

    /// We said this.
    pub(super) fn hear(&mut self, packet: &Packet, now: Duration) {
        if let Some(echo) = &mut self.echo {
            echo.hear(packet, now);
        }
    }

    /// Its next 10 milliseconds.
    pub(super) fn speak(&mut self, now: Duration) -> [f32; BLOCK] {
        if let Some(echo) = &mut self.echo {
            while let Some((due, packet)) = echo.say(now) {
                self.buffer.insert(&packet, due);
            }
        }
        let mut block = [0.0; BLOCK];
        self.buffer.pull(now, &mut block);
        self.activity.hears(&block, SPEECH_DBFS);
        block
    }

    /// How it is heard.
    pub(super) fn heard(&mut self, now: Duration) -> Heard {
        let buffer = self.buffer.statistics();
        let recent = self.recent.counted(&buffer, now);
        Heard {
            is_speaking: self.activity.is_active(),
            made_up_share: recent.made_up_share(),
            late_share: recent.late_share(),
            buffer,
        }
    }
}
