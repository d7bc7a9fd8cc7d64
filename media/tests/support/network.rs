//! A voice, a network and a jitter buffer on simulated time.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

use kinmesh_media::codec::{BLOCK, FRAME, Packet, Plan, Sender};
use kinmesh_media::jitter::{JitterBuffer, Statistics};
use kinmesh_media::signal::Chance;

use super::speech::Speech;

/// What a way does to packets.
#[derive(Clone)]
pub(crate) struct Network {
    /// Share that is lost.
    pub(crate) loss: f32,
    /// Mean length of a run of losses.
    pub(crate) mean_run: f32,
    /// Mean of an exponential delay of each packet.
    pub(crate) jitter_ms: f64,
    /// Delay of every packet that is sent in this time.
    pub(crate) spike: Option<(Range<Duration>, Duration)>,
    /// How much faster the sender's clock is.
    pub(crate) drift_ppm: f64,
    /// Whether every packet comes twice.
    pub(crate) duplicates: bool,
    /// The narrowest place of the way.
    pub(crate) bottleneck: Option<Bottleneck>,
}

/// A place that lets so many bits a second pass; what is more waits before it, or is lost.
#[derive(Clone, Copy)]
pub(crate) struct Bottleneck {
    pub(crate) bps: u64,
    pub(crate) longest: Duration,
}

impl Network {
    pub(crate) fn clean() -> Self {
        Self {
            loss: 0.0,
            mean_run: 1.0,
            jitter_ms: 0.0,
            spike: None,
            drift_ppm: 0.0,
            duplicates: false,
            bottleneck: None,
        }
    }
}

/// A way with what it remembers.
pub(crate) struct Way {
    pub(crate) network: Network,
    chance: Chance,
    is_losing: bool,
    /// Until then the bottleneck is busy, in microseconds.
    busy_until: u64,
}

impl Way {
    pub(crate) fn new(network: Network, seed: u64) -> Self {
        Self { network, chance: Chance::new(seed), is_losing: false, busy_until: 0 }
    }

    /// When so many bytes arrive that are sent at this time; `None` where they are lost.
    pub(crate) fn send(&mut self, at: u64, bytes: usize) -> Option<u64> {
        if self.loses() {
            return None;
        }
        let passes = self.passes(at, bytes)?;
        Some(passes + self.delay(at))
    }

    fn passes(&mut self, at: u64, bytes: usize) -> Option<u64> {
        let Some(Bottleneck { bps, longest }) = self.network.bottleneck else { return Some(at) };
        let begins = self.busy_until.max(at);
        if begins - at > longest.as_micros() as u64 {
            return None;
        }
        self.busy_until = begins + bytes as u64 * 8_000_000 / bps;
        Some(self.busy_until)
    }

    fn delay(&mut self, at: u64) -> u64 {
        let jitter = -self.network.jitter_ms * 1e3 * (1.0 - self.chance.unit()).ln();
        let spike = self.network.spike.as_ref().filter(|(when, _)| when.contains(&Duration::from_micros(at)));
        20_000 + jitter as u64 + spike.map_or(0, |(_, delay)| delay.as_micros() as u64)
    }

    /// Gilbert's model: a run of losses ends after each with the same chance.
    fn loses(&mut self) -> bool {
        let (loss, run) = (f64::from(self.network.loss), f64::from(self.network.mean_run));
        if run <= 1.0 {
            return self.chance.unit() < loss;
        }
        let (leave, chance) = (1.0 / run, self.chance.unit());
        let enter = loss * leave / (1.0 - loss).max(1e-9);
        self.is_losing = if self.is_losing { chance > leave } else { chance < enter };
        self.is_losing
    }
}

/// One direction of a call.
pub(crate) struct Call {
    pub(crate) way: Way,
    /// What the listener heard.
    pub(crate) heard: Vec<f32>,
    /// Added to each time stamp.
    pub(crate) stamp_offset: u32,
    sender: Sender,
    voice: Box<dyn FnMut() -> [f32; FRAME]>,
    is_pausing: bool,
    /// Packets that are sent over and over in place of the voice.
    again: Vec<Packet>,
    buffer: JitterBuffer,
    sent: u64,
    /// By time of arrival in microseconds, then in order of sending.
    under_way: BTreeMap<(u64, u64), Packet>,
    pulled: u64,
}

impl Call {
    pub(crate) fn new(plan: Plan, network: Network) -> Self {
        let mut speech = Speech::new(9);
        Self::with_voice(plan, network, move || speech.frame())
    }

    /// The same with a voice from elsewhere.
    pub(crate) fn with_voice(
        plan: Plan,
        network: Network,
        voice: impl FnMut() -> [f32; FRAME] + 'static,
    ) -> Self {
        Self {
            way: Way::new(network, 42),
            heard: Vec::new(),
            stamp_offset: 0,
            sender: Sender::new(plan).unwrap(),
            voice: Box::new(voice),
            is_pausing: false,
            again: Vec::new(),
            buffer: JitterBuffer::new().unwrap(),
            sent: 0,
            under_way: BTreeMap::new(),
            pulled: 0,
        }
    }

    /// Says the same ten seconds over and over, which saves coding them: for long tests.
    pub(crate) fn repeat(&mut self) {
        let coded = (0..500).map(|_| self.sender.send(&(self.voice)()).unwrap());
        self.again = coded.map(|packet| packet.unwrap()).collect();
    }

    pub(crate) fn statistics(&self) -> Statistics {
        self.buffer.statistics()
    }

    /// Whether the speaker says nothing.
    pub(crate) fn pause(&mut self, pauses: bool) {
        self.is_pausing = pauses;
    }

    /// Goes on until this time.
    pub(crate) fn run(&mut self, until: Duration) {
        let until = until.as_micros() as u64;
        while self.pulled * 10_000 < until {
            let now = self.pulled * 10_000;
            while self.sent_at() <= now {
                self.send();
            }
            self.arrive(now);
            let mut out = [0.0; BLOCK];
            self.buffer.pull(Duration::from_micros(now), &mut out);
            self.heard.extend(out);
            self.pulled += 1;
        }
    }

    /// When the sender has its next frame. Not on the listener's beat: nothing in the world is.
    fn sent_at(&self) -> u64 {
        3_700 + (self.sent as f64 * 20_000.0 / (1.0 + self.way.network.drift_ppm / 1e6)) as u64
    }

    fn send(&mut self) {
        let at = self.sent_at();
        self.sent += 1;
        let Some(mut packet) = self.next_packet() else { return };
        packet.frame = packet.frame.wrapping_add(self.stamp_offset);
        if self.way.loses() {
            return;
        }
        for copy in 0..1 + u64::from(self.way.network.duplicates) {
            let arrives = at + self.way.delay(at);
            self.under_way.insert((arrives, self.sent * 2 + copy), packet.clone());
        }
    }

    fn next_packet(&mut self) -> Option<Packet> {
        let number = self.sent - 1;
        if self.again.is_empty() {
            let frame = if self.is_pausing { [0.0; FRAME] } else { (self.voice)() };
            return self.sender.send(&frame).unwrap();
        }
        let packet = self.again[number as usize % self.again.len()].clone();
        Some(Packet { sequence: number as u32, frame: number as u32, ..packet })
    }

    fn arrive(&mut self, now: u64) {
        while let Some(entry) = self.under_way.first_entry() {
            let &(at, _) = entry.key();
            if at > now {
                break;
            }
            let packet = entry.remove();
            self.buffer.insert(&packet, Duration::from_micros(at));
        }
    }
}
