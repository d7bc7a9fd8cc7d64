//! The outside's hold on a voice: what is wanted of it, what comes for it, and how it is.
//!
//! Owns the two places where the engine's worker and everybody else meet. Each is locked for a few
//! words at a time, never while sound is made; the worker does not even wait for that, but looks again
//! with the next block.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::arrivals::{Arrivals, Report};
use super::gate::Gate;
use super::statistics::{Heard, PartyStatistics, Told, VoiceStatistics};
use crate::codec::{CodecError, EARLIER_MAX, Packet};
use crate::jitter::JitterBuffer;
use crate::mixer::Volume;
use crate::tones::Tone;

/// As many others as a call has without forwarders: each costs a decoder and a share of the uplink.
pub const PARTIES_MAX: usize = 8;
/// Packets of one party that wait for the worker. It looks every ten milliseconds, an honest sender has
/// one for it every twenty: more than a second of them is a flood, or no loudspeaker, and then the newest
/// count.
const CAME_CAP: usize = 64;

/// Whose voice it is. What the number stands for, the app knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Party(pub u32);

/// A party cannot be heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AddError {
    /// There are [`PARTIES_MAX`] already.
    #[error("no more than {PARTIES_MAX} others can be heard at once")]
    Full,
    /// There is no decoder for it.
    #[error(transparent)]
    Codec(#[from] CodecError),
}

/// What is wanted of the two ends of a call.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Wishes {
    pub(super) gate: Gate,
    pub(super) talks: bool,
    pub(super) is_muted: bool,
    pub(super) is_deafened: bool,
    pub(super) is_held: bool,
}

/// A packet, and when it came.
pub(super) type Came = (Instant, Packet);

/// One party as the outside knows it.
#[derive(Debug)]
pub(super) struct Inbox {
    pub(super) party: Party,
    pub(super) is_echo: bool,
    pub(super) volume: Volume,
    /// Until the worker takes it.
    pub(super) buffer: Option<JitterBuffer>,
    pub(super) came: VecDeque<Came>,
    /// Its latest report, and whether the worker has it yet.
    pub(super) reported: Option<(Report, Duration)>,
    pub(super) has_news: bool,
    arrivals: Arrivals,
}

impl Inbox {
    fn report(&self, heard: &Heard) -> Report {
        let late_permille = (heard.late_share.clamp(0.0, 1.0) * 1_000.0) as u16;
        Report { late_permille, ..self.arrivals.report() }
    }

    fn statistics(&self, told: &Told) -> PartyStatistics {
        let heard = told.heard_of(self.party);
        PartyStatistics {
            party: self.party,
            heard,
            from: self.report(&heard),
            to: self.reported.map(|(report, _)| report),
            round_trip: self.reported.map(|(_, round_trip)| round_trip),
        }
    }
}

/// What the outside leaves for the worker.
#[derive(Debug, Default)]
pub(super) struct Desk {
    pub(super) wishes: Wishes,
    pub(super) parties: Vec<Inbox>,
    /// A tone to mix in, once.
    pub(super) tone: Option<Vec<f32>>,
}

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) desk: Mutex<Desk>,
    /// What the worker leaves for the outside.
    pub(super) board: Mutex<Told>,
    /// From here on the outside counts its time.
    made: Instant,
}

impl Shared {
    pub(super) fn new() -> Self {
        Self { desk: Mutex::default(), board: Mutex::default(), made: Instant::now() }
    }
}

/// Steers one voice from any thread. Nothing here waits for sound.
#[derive(Debug, Clone)]
pub struct VoiceControl {
    shared: Arc<Shared>,
}

impl VoiceControl {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Begins to hear a party. One that is heard already stays as it is.
    pub fn add(&self, party: Party) -> Result<(), AddError> {
        self.add_as(party, false)
    }

    /// Begins to hear Echo: a party that says what we said, a second later, without a network.
    pub fn add_echo(&self, party: Party) -> Result<(), AddError> {
        self.add_as(party, true)
    }

    fn add_as(&self, party: Party, is_echo: bool) -> Result<(), AddError> {
        // Made before the lock is taken: it is some work.
        let buffer = JitterBuffer::new()?;
        let mut desk = self.desk();
        if desk.parties.iter().any(|inbox| inbox.party == party) {
            return Ok(());
        }
        if desk.parties.len() == PARTIES_MAX {
            return Err(AddError::Full);
        }
        desk.parties.push(Inbox {
            party,
            is_echo,
            volume: Volume::FULL,
            buffer: Some(buffer),
            came: VecDeque::with_capacity(CAME_CAP),
            reported: None,
            has_news: false,
            arrivals: Arrivals::default(),
        });
        Ok(())
    }

    /// Hears a party no longer.
    pub fn remove(&self, party: Party) {
        self.desk().parties.retain(|inbox| inbox.party != party);
    }

    /// How loud a party is played.
    pub fn set_volume(&self, party: Party, volume: Volume) {
        self.with(party, |inbox| inbox.volume = volume);
    }

    /// When the microphone is heard, unless muted.
    pub fn set_gate(&self, gate: Gate) {
        self.desk().wishes.gate = gate;
    }

    /// Whether the key of push-to-talk is held.
    pub fn talk(&self, talks: bool) {
        self.desk().wishes.talks = talks;
    }

    /// Whether the microphone is off.
    pub fn mute(&self, is_muted: bool) {
        self.desk().wishes.is_muted = is_muted;
    }

    /// Whether the loudspeaker is off for the others. The microphone is another matter.
    pub fn deafen(&self, is_deafened: bool) {
        self.desk().wishes.is_deafened = is_deafened;
    }

    /// Whether the call waits: nothing is sent, nobody is heard.
    pub fn hold(&self, is_held: bool) {
        self.desk().wishes.is_held = is_held;
    }

    /// Plays a tone into the call, for the user alone.
    pub fn play(&self, tone: Tone) {
        let sound = tone.sound();
        self.desk().tone = Some(sound);
    }

    /// Ends the tone that is being played, if one is.
    pub fn hush(&self) {
        self.desk().tone = Some(Vec::new());
    }

    /// A packet came from a party at this time. Where too many wait, the oldest gives way; a party that
    /// is not heard has nothing to say.
    pub fn push(&self, party: Party, mut packet: Packet, came: Instant) {
        packet.earlier.truncate(EARLIER_MAX);
        let since_made = came.saturating_duration_since(self.shared.made);
        self.with(party, |inbox| {
            inbox.arrivals.note(packet.sequence, packet.frame, since_made);
            if inbox.came.len() == CAME_CAP {
                inbox.came.pop_front();
            }
            inbox.came.push_back((came, packet));
        });
    }

    /// What a party says of the way to it, and how long a packet there and its answer took.
    pub fn reported(&self, party: Party, report: Report, round_trip: Duration) {
        self.with(party, |inbox| {
            (inbox.reported, inbox.has_news) = (Some((report, round_trip)), true);
        });
    }

    /// What there is to say of the way from a party, as of its latest packet.
    pub fn report(&self, party: Party) -> Option<Report> {
        let heard = lock(&self.shared.board).heard_of(party);
        self.with(party, |inbox| inbox.report(&heard))
    }

    /// How the call is; what the worker knows is up to a tenth of a second old.
    pub fn statistics(&self) -> VoiceStatistics {
        let told = lock(&self.shared.board).clone();
        let parties = self.desk().parties.iter().map(|inbox| inbox.statistics(&told)).collect();
        VoiceStatistics { parties, own: told.own }
    }

    fn with<T>(&self, party: Party, work: impl FnOnce(&mut Inbox) -> T) -> Option<T> {
        self.desk().parties.iter_mut().find(|inbox| inbox.party == party).map(work)
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        lock(&self.shared.desk)
    }
}

fn lock<T>(place: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing in these places depends on more than one field: a panic elsewhere left them sound.
    place.lock().unwrap_or_else(PoisonError::into_inner)
}
