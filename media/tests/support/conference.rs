//! Voices that hear each other over a network, on simulated time.

use std::collections::BTreeMap;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use kinmesh_media::codec::{BLOCK, Packet, Plan};
use kinmesh_media::engine::Voices;
use kinmesh_media::signal::{correlation, power};
use kinmesh_media::voice::{OwnStatistics, Party, PartyStatistics, Report, Voice, VoiceControl};

use super::network::{Network, Way};
use super::speech::Speech;

/// What the wire adds to a packet, in bytes.
const HEADERS: usize = 60;
/// An answer with its report.
const ANSWER: usize = 75;
/// Packets that one voice sends between two looks.
const OUT_CAP: usize = 8;

/// One of those who speak and listen.
pub(crate) struct Side {
    pub(crate) control: VoiceControl,
    /// What its microphone hears, block by block.
    pub(crate) speaks: Box<dyn FnMut() -> [f32; BLOCK]>,
    /// What its microphone heard and its loudspeaker played, on its own clock.
    pub(crate) said: Vec<f32>,
    pub(crate) heard: Vec<f32>,
    pub(crate) has_microphone: bool,
    pub(crate) has_loudspeaker: bool,
    /// How much faster its devices' clock is.
    pub(crate) drift_ppm: f64,
    /// Packets it sent, and their bytes on the wire.
    pub(crate) packets: u64,
    pub(crate) bytes: u64,
    voice: Voice,
    out: mpsc::Receiver<Packet>,
    next_at: f64,
}

enum Carried {
    /// A packet and when it was sent.
    Voice(Packet, u64),
    /// An answer to what was sent at that time.
    Answer(Report, u64),
}

/// All of them, and the ways between them.
pub(crate) struct Conference {
    pub(crate) sides: Vec<Side>,
    /// From whom to whom.
    pub(crate) ways: Vec<Vec<Way>>,
    /// By time of arrival in microseconds, then in order of sending; from whom, to whom.
    under_way: BTreeMap<(u64, u64), (usize, usize, Carried)>,
    carried: u64,
    began: Instant,
}

pub(crate) fn party(index: usize) -> Party {
    Party(index as u32)
}

fn side(index: usize, began: Instant) -> Side {
    let (outlet, out) = mpsc::sync_channel(OUT_CAP);
    let mut voice = Voice::new(move |packet| outlet.try_send(packet).unwrap()).unwrap();
    voice.begin(began);
    let mut speech = Speech::new(index as u64 + 1);
    Side {
        control: voice.control(),
        speaks: Box::new(move || speech.frame()),
        said: Vec::new(),
        heard: Vec::new(),
        has_microphone: true,
        has_loudspeaker: true,
        drift_ppm: 0.0,
        packets: 0,
        bytes: 0,
        voice,
        out,
        // No two look at the same moment.
        next_at: 3_700.0 + 1_300.0 * index as f64,
    }
}

impl Conference {
    /// So many who all hear each other over the same kind of way.
    pub(crate) fn new(count: usize, network: &Network) -> Self {
        let began = Instant::now();
        let sides: Vec<Side> = (0..count).map(|index| side(index, began)).collect();
        for (index, side) in sides.iter().enumerate() {
            let others = (0..count).filter(|other| *other != index);
            others.for_each(|other| side.control.add(party(other)).unwrap());
        }
        let way = |from, to| Way::new(network.clone(), 40 + 10 * from as u64 + to as u64);
        let ways = (0..count).map(|from| (0..count).map(|to| way(from, to)).collect()).collect();
        Self { sides, ways, under_way: BTreeMap::new(), carried: 0, began }
    }

    /// Goes on until this time.
    pub(crate) fn run(&mut self, until: Duration) {
        let until = until.as_micros() as f64;
        loop {
            let next = |&index: &usize| self.sides[index].next_at;
            let soonest = (0..self.sides.len()).min_by(|a, b| next(a).total_cmp(&next(b))).unwrap();
            let at = self.sides[soonest].next_at;
            if at >= until {
                break;
            }
            self.arrive(at as u64);
            self.step(soonest, at as u64);
        }
    }

    /// One block at both ends of a side.
    fn step(&mut self, index: usize, at: u64) {
        let side = &mut self.sides[index];
        side.next_at += 10_000.0 / (1.0 + side.drift_ppm / 1e6);
        let now = Duration::from_micros(at);
        if side.has_microphone {
            let block = (side.speaks)();
            side.said.extend(block);
            side.voice.heard(&block, &block, now);
        }
        if side.has_loudspeaker {
            let block = side.voice.play(now);
            assert!(block.iter().all(|sample| sample.abs() < 1.0));
            side.heard.extend(block);
        }
        let sent: Vec<Packet> = side.out.try_iter().collect();
        sent.into_iter().for_each(|packet| self.send(index, packet, at));
    }

    fn send(&mut self, from: usize, packet: Packet, at: u64) {
        let again: usize = packet.earlier.iter().map(|earlier| earlier.payload.len()).sum();
        let bytes = HEADERS + packet.payload.len() + again;
        self.sides[from].packets += 1;
        self.sides[from].bytes += bytes as u64;
        for to in (0..self.sides.len()).filter(|to| *to != from) {
            self.carry(from, to, at, bytes, Carried::Voice(packet.clone(), at));
        }
    }

    fn carry(&mut self, from: usize, to: usize, at: u64, bytes: usize, what: Carried) {
        if let Some(arrives) = self.ways[from][to].send(at, bytes) {
            self.carried += 1;
            self.under_way.insert((arrives, self.carried), (from, to, what));
        }
    }

    fn arrive(&mut self, until: u64) {
        while let Some(entry) = self.under_way.first_entry() {
            let &(at, _) = entry.key();
            if at > until {
                break;
            }
            let (from, to, what) = entry.remove();
            let control = &self.sides[to].control;
            match what {
                Carried::Voice(packet, sent) => {
                    control.push(party(from), packet, self.began + Duration::from_micros(at));
                    if let Some(report) = control.report(party(from)) {
                        self.carry(to, from, at, ANSWER, Carried::Answer(report, sent));
                    }
                }
                Carried::Answer(report, sent) => {
                    control.reported(party(from), report, Duration::from_micros(at - sent));
                }
            }
        }
    }

    /// Puts a packet before a side as if it came from another one now.
    pub(crate) fn forge(&self, from: usize, to: usize, packet: Packet, at: Duration) {
        self.sides[to].control.push(party(from), packet, self.began + at);
    }

    pub(crate) fn own(&self, index: usize) -> OwnStatistics {
        self.sides[index].control.statistics().own
    }

    pub(crate) fn plan(&self, index: usize) -> Plan {
        self.own(index).plan
    }

    /// How one hears another.
    pub(crate) fn statistics(&self, listener: usize, speaker: usize) -> PartyStatistics {
        let all = self.sides[listener].control.statistics();
        *all.parties.iter().find(|known| known.party == party(speaker)).unwrap()
    }

    /// How alike what one said and what another heard are, in pieces of 400 milliseconds each shifted as
    /// fits best; the mean over this time, and the shift of the middle one in milliseconds.
    pub(crate) fn likeness(
        &self,
        speaker: usize,
        listener: usize,
        time: std::ops::Range<Duration>,
    ) -> (f32, f32) {
        let (said, heard) = (&self.sides[speaker].said, &self.sides[listener].heard);
        let sample = |at: Duration| (at.as_secs_f64() * 48_000.0) as usize;
        let mut found: Vec<(f32, f32)> = (sample(time.start)..sample(time.end) - PIECE)
            .step_by(PIECE)
            .filter(|from| power(&said[*from..from + PIECE]) > SPOKEN)
            .map(|from| {
                best_place(&said[from..from + PIECE], &heard[from..(from + PIECE + LATEST).min(heard.len())])
            })
            .collect();
        let mean = found.iter().map(|(likeness, _)| likeness).sum::<f32>() / found.len() as f32;
        found.sort_by(|a, b| a.1.total_cmp(&b.1));
        (mean, found[found.len() / 2].1)
    }
}

const PIECE: usize = 19_200;
/// In less, there is nothing to compare: a pause.
const SPOKEN: f32 = 1e-4;
/// The longest way from mouth to ear that is looked for.
const LATEST: usize = 24_000;
const COARSE: usize = 12;

/// Coarsely first: four kilohertz are enough for a voice.
fn best_place(piece: &[f32], sound: &[f32]) -> (f32, f32) {
    let thin = |sound: &[f32]| -> Vec<f32> {
        sound.chunks_exact(COARSE).map(|samples| samples.iter().sum::<f32>() / COARSE as f32).collect()
    };
    let (thin_piece, thin_sound) = (thin(piece), thin(sound));
    let last = thin_sound.len().saturating_sub(thin_piece.len());
    let found = (0..=last).map(|at| (correlation(&thin_piece, &thin_sound[at..]), at));
    let (likeness, at) = found.max_by(|a, b| a.0.total_cmp(&b.0)).unwrap();
    (likeness, (at * COARSE) as f32 / 48.0)
}
