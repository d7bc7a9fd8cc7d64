//! The sound of one call: what the microphone hears becomes packets, the packets of the others become
//! what the loudspeaker plays.
//!
//! Owns who is heard, when we are heard, and how our voice is coded for the ways to them. It must never
//! know a network: packets leave through a function and come in through [`VoiceControl`]. It serves an
//! [`crate::Engine`], on whose worker it waits for nothing.

mod adapt;
mod arrivals;
mod control;
mod echo;
mod gate;
mod pace;
mod party;
mod statistics;

use std::sync::{Arc, TryLockError};
use std::time::{Duration, Instant};

use self::adapt::Adaptation;
pub use self::arrivals::Report;
pub use self::control::{AddError, PARTIES_MAX, Party, VoiceControl};
use self::control::{Inbox, Shared, Wishes};
pub use self::gate::Gate;
use self::gate::{AUDIBLE_DBFS, Activity, SPEECH_DBFS, Valve};
use self::pace::Pace;
use self::party::Speaker;
pub use self::statistics::{Heard, OwnStatistics, PartyStatistics, VoiceStatistics};
use self::statistics::{Sent, Told};
use crate::codec::{BLOCK, CodecError, FRAME, Packet, Plan, Sender};
use crate::engine::Voices;
use crate::mixer::{Mixer, Volume};

/// How often the figures are told: nobody reads faster.
const TELL_EVERY: Duration = Duration::from_millis(100);

/// Whoever says nothing gives a sign of life this often: it tells a call that stands from one that does
/// not, and how the way is.
const SIGN_EVERY: Duration = Duration::from_secs(1);

/// Where packets go. Called on the engine's worker, so it hands them over and never waits.
type Outlet = Box<dyn FnMut(Packet) + Send>;

/// One call's voices.
pub struct Voice {
    shared: Arc<Shared>,
    outlet: Outlet,
    /// When the time began that we are told.
    began: Instant,
    wishes: Wishes,
    sender: Sender,
    adaptation: Adaptation,
    /// What the gate measures, whether it is open or not.
    activity: Activity,
    /// Whether what passes is speech.
    speech: Activity,
    valve: Valve,
    /// The frame that is being filled, and whether all of it is silenced.
    frame: Vec<f32>,
    is_closed: bool,
    pace: Pace,
    speakers: Vec<Speaker>,
    mixer: Mixer,
    tone: Vec<f32>,
    tone_at: usize,
    sent: Sent,
    /// When the last packet went out.
    sent_at: Duration,
    codec_faults: u32,
    told_at: Option<Duration>,
}

impl std::fmt::Debug for Voice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Voice").field("speakers", &self.speakers).finish_non_exhaustive()
    }
}

impl Voice {
    /// Makes ready for a call. `outlet` gets each packet for all parties; it is called on the engine's
    /// worker and must not block.
    pub fn new(outlet: impl FnMut(Packet) + Send + 'static) -> Result<Self, CodecError> {
        Ok(Self {
            shared: Arc::new(Shared::new()),
            outlet: Box::new(outlet),
            began: Instant::now(),
            wishes: Wishes::default(),
            sender: Sender::new(Plan::default())?,
            adaptation: Adaptation::default(),
            activity: Activity::default(),
            speech: Activity::default(),
            valve: Valve::default(),
            frame: Vec::with_capacity(FRAME),
            is_closed: true,
            pace: Pace::default(),
            speakers: Vec::with_capacity(PARTIES_MAX),
            mixer: Mixer::default(),
            tone: Vec::new(),
            tone_at: 0,
            sent: Sent::default(),
            sent_at: Duration::ZERO,
            codec_faults: 0,
            told_at: None,
        })
    }

    /// The outside's hold on it.
    pub fn control(&self) -> VoiceControl {
        VoiceControl::new(Arc::clone(&self.shared))
    }

    /// Takes what the outside left, if nobody is leaving something just now.
    fn attend(&mut self, now: Duration) {
        self.collect(now);
        for speaker in &mut self.speakers {
            speaker.insert(self.began);
        }
        if let Some(plan) = self.adaptation.think(now) {
            let plan = plan.clone();
            self.codec_faults += u32::from(self.sender.follow(plan).is_err());
        }
        if self.is_sign_due(now) {
            self.give_sign_without_microphone(now);
        }
        if self.told_at.is_none_or(|at| now.saturating_sub(at) >= TELL_EVERY) {
            self.tell(now);
        }
    }

    fn collect(&mut self, now: Duration) {
        let shared = Arc::clone(&self.shared);
        let mut desk = match shared.desk.try_lock() {
            Ok(desk) => desk,
            Err(TryLockError::Poisoned(desk)) => desk.into_inner(),
            Err(TryLockError::WouldBlock) => return,
        };
        self.wishes = desk.wishes;
        if let Some(tone) = desk.tone.take() {
            (self.tone, self.tone_at) = (tone, 0);
        }
        let adaptation = &mut self.adaptation;
        self.speakers.retain(|speaker| {
            let stays = desk.parties.iter().any(|inbox| inbox.party == speaker.party);
            if !stays {
                adaptation.forget(speaker.party);
            }
            stays
        });
        for inbox in &mut desk.parties {
            self.collect_from(inbox, now);
        }
    }

    fn collect_from(&mut self, inbox: &mut Inbox, now: Duration) {
        if let Some(buffer) = inbox.buffer.take() {
            // It may be one that left and came back between two looks.
            self.speakers.retain(|speaker| speaker.party != inbox.party);
            self.adaptation.forget(inbox.party);
            self.speakers.push(Speaker::new(inbox, buffer));
        }
        if let (true, Some((report, round_trip))) = (inbox.has_news, inbox.reported) {
            inbox.has_news = false;
            self.adaptation.reported(inbox.party, report, round_trip, now);
        }
        if let Some(speaker) = self.speakers.iter_mut().find(|speaker| speaker.party == inbox.party) {
            speaker.volume = inbox.volume;
            // Its own is empty: what came was inserted.
            std::mem::swap(&mut speaker.came, &mut inbox.came);
        }
    }

    fn tell(&mut self, now: Duration) {
        let heard = self.speakers.iter_mut().map(|speaker| (speaker.party, speaker.heard(now))).collect();
        let own = OwnStatistics {
            plan: self.adaptation.plan().clone(),
            sent_bps: self.sent.bps(now),
            is_open: self.valve.is_open(),
            is_speaking: self.valve.is_open() && self.speech.is_active(),
            codec_faults: self.codec_faults,
        };
        let mut board = match self.shared.board.try_lock() {
            Ok(board) => board,
            Err(TryLockError::Poisoned(board)) => board.into_inner(),
            Err(TryLockError::WouldBlock) => return,
        };
        *board = Told { own, heard };
        self.told_at = Some(now);
    }

    /// Whether the microphone is heard now.
    fn opens(&mut self, block: &[f32; BLOCK]) -> bool {
        let threshold = match self.wishes.gate {
            Gate::Activation { threshold_dbfs } => threshold_dbfs,
            Gate::Open | Gate::PushToTalk => AUDIBLE_DBFS,
        };
        let is_loud = self.activity.hears(block, threshold);
        let may_talk = self.wishes.gate != Gate::PushToTalk || self.wishes.talks;
        is_loud && may_talk && !self.wishes.is_muted && !self.wishes.is_held
    }

    fn send(&mut self, now: Duration) {
        let Some(frame) = self.frame.first_chunk() else { return };
        let packet = if self.is_closed { self.sender.rest() } else { self.sender.send(frame) };
        self.frame.clear();
        self.is_closed = true;
        match packet {
            Ok(Some(packet)) => self.pass_on(packet, now),
            Ok(None) if self.is_sign_due(now) => self.give_sign(now),
            Ok(None) => {}
            // The next frame may be better; a call without a codec is told by the count.
            Err(_) => self.codec_faults = self.codec_faults.saturating_add(1),
        }
    }

    fn is_sign_due(&self, now: Duration) -> bool {
        !self.wishes.is_held && now.saturating_sub(self.sent_at) >= SIGN_EVERY
    }

    fn give_sign_without_microphone(&mut self, now: Duration) {
        let missing = self.pace.missing_without_blocks(now);
        if missing > 0 {
            self.sender.pass(missing);
            self.give_sign(now);
        }
    }

    /// In place of the frame that was not sent just now, and so in time like any other.
    fn give_sign(&mut self, now: Duration) {
        match self.sender.sign_of_life() {
            Ok(packet) => self.pass_on(packet, now),
            Err(_) => self.codec_faults = self.codec_faults.saturating_add(1),
        }
    }

    fn pass_on(&mut self, packet: Packet, now: Duration) {
        self.sent_at = now;
        let again: usize = packet.earlier.iter().map(|earlier| earlier.payload.len()).sum();
        self.sent.note(packet.payload.len() + again);
        for speaker in &mut self.speakers {
            speaker.hear(&packet, now);
        }
        (self.outlet)(packet);
    }

    fn mix_tone(&mut self) {
        let Some(rest) = self.tone.get(self.tone_at..).filter(|rest| !rest.is_empty()) else { return };
        let mut block = [0.0; BLOCK];
        let part = rest.len().min(BLOCK);
        block[..part].copy_from_slice(&rest[..part]);
        self.tone_at += part;
        self.mixer.add(&block, Volume::FULL);
    }
}

impl Voices for Voice {
    fn begin(&mut self, at: Instant) {
        self.began = at;
    }

    fn heard(&mut self, _raw: &[f32; BLOCK], clean: &[f32; BLOCK], now: Duration) {
        self.attend(now);
        let missing = self.pace.missing(now);
        if missing > 0 {
            self.sender.pass(missing);
        }
        let mut block = *clean;
        let opens = self.opens(&block);
        self.is_closed &= !opens && !self.valve.is_open();
        self.valve.pass(&mut block, opens);
        self.speech.hears(&block, SPEECH_DBFS);
        self.frame.extend_from_slice(&block);
        if self.frame.len() == FRAME {
            self.send(now);
        }
    }

    fn play(&mut self, now: Duration) -> [f32; BLOCK] {
        self.attend(now);
        let is_silent = self.wishes.is_deafened || self.wishes.is_held;
        for speaker in &mut self.speakers {
            // Who is not heard is followed all the same, so that the delay is right when he is again.
            let block = speaker.speak(now);
            if !is_silent {
                self.mixer.add(&block, speaker.volume);
            }
        }
        self.mix_tone();
        self.mixer.take()
    }
}
