//! What is sent every 20 milliseconds: a frame, and again some of those before it.
//!
//! Owns numbering, redundancy and the silence that is not sent. Its form on the wire is the network's
//! business.

use std::collections::VecDeque;

use super::{CodecError, Encoder, FRAME, Payload, Plan, is_silence};

/// Frames that are kept to be sent again; offsets of a [`Plan`] are smaller.
const KEPT: usize = 8;
/// Earlier frames in a packet: more make it longer than they help.
pub const EARLIER_MAX: usize = 4;

/// One unit of a voice on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packet {
    /// Counts what was sent: a gap is a loss.
    pub sequence: u32,
    /// Counts frames of 20 milliseconds since the voice began: the time stamp. A gap without one in
    /// `sequence` is silence.
    pub frame: u32,
    /// The frame.
    pub payload: Payload,
    /// Frames before it, again, the nearest first.
    pub earlier: Vec<Earlier>,
}

/// A frame that was sent before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Earlier {
    /// So many frames before the packet's own, at least 1.
    pub back: u8,
    /// The frame.
    pub payload: Payload,
}

/// Makes packets of a voice.
#[derive(Debug)]
pub struct Sender {
    encoder: Encoder,
    sequence: u32,
    frame: u32,
    /// Those before `frame`, the newest last; `None` where nothing was sent.
    sent: VecDeque<Option<Payload>>,
    /// Whether the last of them waits for the next frame, to go in one packet with it.
    holds_back: bool,
    /// What the codec makes of silence, once it made something of it.
    silence: Option<Payload>,
}

impl Sender {
    /// Begins a voice.
    pub fn new(plan: Plan) -> Result<Self, CodecError> {
        Ok(Self {
            encoder: Encoder::new(plan)?,
            sequence: 0,
            frame: 0,
            sent: VecDeque::with_capacity(KEPT),
            holds_back: false,
            silence: None,
        })
    }

    /// Follows another plan from the next frame on.
    pub fn follow(&mut self, plan: Plan) -> Result<(), CodecError> {
        self.encoder.follow(plan)
    }

    /// Codes the next frame. `None` while nobody speaks: its first frame says so, the others go unsent.
    /// `None` as well for a frame that goes with the next one.
    pub fn send(&mut self, frame: &[f32; FRAME]) -> Result<Option<Packet>, CodecError> {
        let payload = self.encoder.encode(frame)?;
        let number = self.frame;
        self.frame = self.frame.wrapping_add(1);
        let goes_on = is_silence(&payload) && self.was_silent();
        let is_bundled = self.encoder.plan().is_bundled && !is_silence(&payload);
        let waits = is_bundled && !self.holds_back;
        let earlier = if goes_on || waits { Vec::new() } else { self.earlier() };
        self.keep(payload.clone());
        self.holds_back = waits;
        if is_silence(&payload) {
            self.silence = Some(payload.clone());
        }
        if goes_on || waits {
            return Ok(None);
        }
        Ok(Some(self.packet(number, payload, earlier)))
    }

    /// A sign of life, for when nothing was sent in a while: says once more that nobody speaks, in place
    /// of the last frame that was not sent.
    pub fn sign_of_life(&mut self) -> Result<Packet, CodecError> {
        let payload = match &self.silence {
            Some(silence) => silence.clone(),
            None => self.encoder.encode(&[0.0; FRAME])?,
        };
        Ok(self.packet(self.frame.wrapping_sub(1), payload, Vec::new()))
    }

    fn packet(&mut self, frame: u32, payload: Payload, earlier: Vec<Earlier>) -> Packet {
        let sequence = self.sequence;
        self.sequence = self.sequence.wrapping_add(1);
        Packet { sequence, frame, payload, earlier }
    }

    /// Lets a frame pass of which nothing may be heard. Once the other side was told, none is coded.
    pub fn rest(&mut self) -> Result<Option<Packet>, CodecError> {
        if !self.was_silent() {
            return self.send(&[0.0; FRAME]);
        }
        self.frame = self.frame.wrapping_add(1);
        self.remember(None);
        Ok(None)
    }

    /// Notes that so many frames were never heard.
    pub fn pass(&mut self, frames: u32) {
        self.frame = self.frame.wrapping_add(frames);
        // How far back they are is no longer true.
        self.sent.clear();
        self.holds_back = false;
    }

    fn was_silent(&self) -> bool {
        self.sent.back().is_some_and(|last| last.as_deref().is_none_or(is_silence))
    }

    fn earlier(&self) -> Vec<Earlier> {
        let planned = self.encoder.plan().offsets;
        // What was held back goes now, even if the plan is another one by now.
        let held_back = Some(1).filter(|first| self.holds_back && !planned.contains(first));
        let offsets = held_back.iter().chain(planned).take(EARLIER_MAX);
        let again = offsets.filter_map(|&back| {
            let index = self.sent.len().checked_sub(usize::from(back))?;
            Some(Earlier { back, payload: self.sent.get(index)?.clone()? })
        });
        again.collect()
    }

    /// Keeps a frame to be sent again. Of a silence, only its beginning is worth that.
    fn keep(&mut self, payload: Payload) {
        let is_worth_it = !(is_silence(&payload) && self.was_silent());
        self.remember(Some(payload).filter(|_| is_worth_it));
    }

    fn remember(&mut self, sent: Option<Payload>) {
        if self.sent.len() == KEPT {
            self.sent.pop_front();
        }
        self.sent.push_back(sent);
    }
}
