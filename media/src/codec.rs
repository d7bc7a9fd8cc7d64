//! Opus: 20-millisecond frames of one voice at 48 kHz, in both directions.
//!
//! Owns what is asked of the codec and what a sent unit looks like. Deep concealment and DRED are in
//! the same C library; only `opus` speaks to it. It must never know a device, a clock or a network.

mod opus;
mod packet;
mod plan;

use std::sync::Arc;

use self::opus::{OpusDecoder, OpusDred, OpusEncoder, Setting};
pub use self::packet::{EARLIER_MAX, Earlier, Packet, Sender};
pub use self::plan::{BITRATE_MAX_BPS, BITRATE_MIN_BPS, Loss, Plan};

/// Samples a second, everywhere but at a device that cannot.
pub const SAMPLE_RATE_HZ: u32 = 48_000;
/// Samples in a coded frame: 20 milliseconds. Ten would save ten of delay and cost 0.13 of PESQ.
pub const FRAME: usize = 960;
/// Samples in the unit of processing and playing: 10 milliseconds, as echo cancellation wants it.
pub const BLOCK: usize = FRAME / 2;
/// The longest frame that Opus can make.
pub const PAYLOAD_MAX: usize = 1275;
/// What is farther back than this is not asked of DRED: a call that lost a second has lost it.
const DRED_MAX: usize = 50 * FRAME;
/// A payload up to this length says "silence from here on".
const SILENCE_MAX: usize = 2;

/// A coded frame. Shared, since redundancy sends it again.
pub type Payload = Arc<[u8]>;

/// The codec did not do what it was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    /// There is no memory for it, or the library lacks what was asked for.
    #[error("the Opus codec could not {what}: {reason}")]
    Failed {
        /// What was asked.
        what: &'static str,
        /// What the library says.
        reason: &'static str,
    },
    /// A payload is no Opus frame of 20 milliseconds.
    #[error("not an Opus frame of 20 ms")]
    Payload,
}

/// Codes a voice as the present [`Plan`] wants it.
#[derive(Debug)]
pub struct Encoder {
    opus: OpusEncoder,
    plan: Plan,
}

impl Encoder {
    /// Makes an encoder that follows this plan.
    pub fn new(plan: Plan) -> Result<Self, CodecError> {
        let mut opus = OpusEncoder::new()?;
        opus.set(Setting::Complexity(9))?;
        opus.set(Setting::Vbr(true))?;
        opus.set(Setting::Dtx(true))?;
        opus.set(Setting::Voice)?;
        let mut encoder = Self { opus, plan: Plan::default() };
        encoder.follow(plan)?;
        Ok(encoder)
    }

    /// Follows another plan from the next frame on.
    pub fn follow(&mut self, plan: Plan) -> Result<(), CodecError> {
        let bitrate = plan.bitrate_bps.clamp(BITRATE_MIN_BPS, BITRATE_MAX_BPS);
        self.opus.set(Setting::BitrateBps(bitrate))?;
        self.opus.set(Setting::Fec(plan.fec))?;
        self.opus.set(Setting::ExpectedLossPercent(plan.signalled_loss_percent))?;
        self.opus.set(Setting::DredFrames(plan.dred_frames))?;
        self.plan = plan;
        Ok(())
    }

    /// The plan that is followed.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Codes one frame.
    pub fn encode(&mut self, frame: &[f32; FRAME]) -> Result<Payload, CodecError> {
        let mut buffer = [0; PAYLOAD_MAX];
        let length = self.opus.encode(frame, &mut buffer)?;
        Ok(Payload::from(&buffer[..length]))
    }
}

/// Whether a payload says that nobody speaks, so that what follows need not be sent.
pub fn is_silence(payload: &[u8]) -> bool {
    payload.len() <= SILENCE_MAX
}

/// Whether a payload is one mono or stereo frame of 20 milliseconds. Anything else would decode to
/// another length; it comes from a broken or hostile sender.
pub fn is_frame(payload: &[u8]) -> bool {
    payload.len() <= PAYLOAD_MAX && opus::samples(payload) == Some(FRAME)
}

/// Whether a payload brings a coarse copy of the frame before it.
pub fn has_fec(payload: &[u8]) -> bool {
    opus::has_fec(payload)
}

/// Makes sound of frames, and fills in for those that are missing.
#[derive(Debug)]
pub struct Decoder {
    opus: OpusDecoder,
    dred: OpusDred,
}

impl Decoder {
    /// Makes a decoder. Its complexity turns on deep concealment and the enhancement of low bitrates.
    pub fn new() -> Result<Self, CodecError> {
        Ok(Self { opus: OpusDecoder::new()?, dred: OpusDred::new()? })
    }

    /// Decodes a frame.
    pub fn decode(&mut self, payload: &[u8], out: &mut [f32; FRAME]) -> Result<(), CodecError> {
        if !is_frame(payload) {
            return Err(CodecError::Payload);
        }
        self.opus.decode(payload, false, out)
    }

    /// Decodes the coarse copy of the frame before this payload, see [`has_fec`].
    pub fn decode_fec(&mut self, following: &[u8], out: &mut [f32; FRAME]) -> Result<(), CodecError> {
        if !is_frame(following) {
            return Err(CodecError::Payload);
        }
        self.opus.decode(following, true, out)
    }

    /// Makes sound of what DRED in this payload knows of the frame that lies `back` frames before it.
    /// Returns `false`, and leaves `out` as it is, if it knows nothing of it.
    pub fn decode_dred(
        &mut self,
        following: &[u8],
        back: usize,
        out: &mut [f32; FRAME],
    ) -> Result<bool, CodecError> {
        let offset = back.saturating_mul(FRAME);
        if offset > DRED_MAX || !is_frame(following) {
            return Ok(false);
        }
        if self.dred.parse(following)? < offset {
            return Ok(false);
        }
        self.opus.decode_dred(&self.dred, offset, out)?;
        Ok(true)
    }

    /// Makes up what could have come, half a frame of it.
    pub fn conceal(&mut self, out: &mut [f32; BLOCK]) -> Result<(), CodecError> {
        self.opus.conceal(out)
    }
}

#[cfg(test)]
mod tests;
