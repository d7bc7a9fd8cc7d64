//! The one place that calls libopus: a safe layer over `opusic-sys`.
//!
//! The safe crates that wrap the same library hide the decoder's complexity, on which deep concealment
//! hangs, and all of DRED. Lengths are checked here, and every state has one owner.
#![allow(unsafe_code, reason = "libopus is C; each call says why it is sound")]

use std::ffi::{CStr, c_int};
use std::ptr::NonNull;

use opusic_sys as sys;

use super::{BLOCK, CodecError, DRED_MAX, FRAME, SAMPLE_RATE_HZ};

const RATE: i32 = SAMPLE_RATE_HZ as i32;
const MONO: c_int = 1;
/// 5 turns on deep concealment, 6 and 7 the enhancers LACE and NoLACE.
const DECODER_COMPLEXITY: c_int = 7;
/// DRED counts its depth in units of 10 milliseconds.
const DRED_UNITS_A_FRAME: i32 = 2;

/// What can be asked of an encoder.
#[derive(Debug, Clone, Copy)]
pub(super) enum Setting {
    BitrateBps(u32),
    Complexity(u8),
    Vbr(bool),
    Dtx(bool),
    Fec(bool),
    ExpectedLossPercent(u8),
    DredFrames(u8),
    Voice,
}

impl Setting {
    /// The library's number of the request, and its value.
    fn request(self) -> (c_int, i32) {
        match self {
            Self::BitrateBps(bps) => (sys::OPUS_SET_BITRATE_REQUEST, i32::try_from(bps).unwrap_or(i32::MAX)),
            Self::Complexity(complexity) => (sys::OPUS_SET_COMPLEXITY_REQUEST, complexity.into()),
            Self::Vbr(on) => (sys::OPUS_SET_VBR_REQUEST, on.into()),
            Self::Dtx(on) => (sys::OPUS_SET_DTX_REQUEST, on.into()),
            Self::Fec(on) => (sys::OPUS_SET_INBAND_FEC_REQUEST, on.into()),
            Self::ExpectedLossPercent(percent) => (sys::OPUS_SET_PACKET_LOSS_PERC_REQUEST, percent.into()),
            Self::DredFrames(frames) => {
                (sys::OPUS_SET_DRED_DURATION_REQUEST, i32::from(frames) * DRED_UNITS_A_FRAME)
            }
            Self::Voice => (sys::OPUS_SET_SIGNAL_REQUEST, sys::OPUS_SIGNAL_VOICE),
        }
    }
}

#[derive(Debug)]
pub(super) struct OpusEncoder(NonNull<sys::OpusEncoder>);

// SAFETY: the state is plain memory without ties to a thread, and is reached through `&mut` alone.
unsafe impl Send for OpusEncoder {}

impl OpusEncoder {
    pub(super) fn new() -> Result<Self, CodecError> {
        let mut code = sys::OPUS_OK;
        // SAFETY: `code` outlives the call. What is returned is ours until `Drop` destroys it.
        let state = unsafe { sys::opus_encoder_create(RATE, MONO, sys::OPUS_APPLICATION_VOIP, &mut code) };
        owned("make an encoder", state, code).map(Self)
    }

    pub(super) fn set(&mut self, setting: Setting) -> Result<(), CodecError> {
        let (request, value) = setting.request();
        // SAFETY: the state is live, and each request that `Setting` knows takes one 32-bit integer.
        let code = unsafe { sys::opus_encoder_ctl(self.0.as_ptr(), request, value) };
        checked("take a setting", code).map(drop)
    }

    /// Returns how many bytes were written.
    pub(super) fn encode(&mut self, frame: &[f32; FRAME], out: &mut [u8]) -> Result<usize, CodecError> {
        let room = i32::try_from(out.len()).unwrap_or(i32::MAX);
        // SAFETY: `frame` holds FRAME mono samples, and at most `room` bytes of `out` are written.
        let code = unsafe {
            sys::opus_encode_float(self.0.as_ptr(), frame.as_ptr(), FRAME as c_int, out.as_mut_ptr(), room)
        };
        checked("encode", code)
    }
}

impl Drop for OpusEncoder {
    fn drop(&mut self) {
        // SAFETY: made by `opus_encoder_create`, destroyed once.
        unsafe { sys::opus_encoder_destroy(self.0.as_ptr()) }
    }
}

#[derive(Debug)]
pub(super) struct OpusDecoder(NonNull<sys::OpusDecoder>);

// SAFETY: as for `OpusEncoder`.
unsafe impl Send for OpusDecoder {}

impl OpusDecoder {
    pub(super) fn new() -> Result<Self, CodecError> {
        let mut code = sys::OPUS_OK;
        // SAFETY: `code` outlives the call. What is returned is ours until `Drop` destroys it.
        let state = unsafe { sys::opus_decoder_create(RATE, MONO, &mut code) };
        let decoder = owned("make a decoder", state, code).map(Self)?;
        // SAFETY: the state is live, and this request takes one 32-bit integer.
        let code = unsafe {
            sys::opus_decoder_ctl(decoder.0.as_ptr(), sys::OPUS_SET_COMPLEXITY_REQUEST, DECODER_COMPLEXITY)
        };
        checked("take a complexity", code)?;
        Ok(decoder)
    }

    /// Decodes a payload that [`samples`] found to be one frame, or the copy of the frame before it.
    pub(super) fn decode(
        &mut self,
        payload: &[u8],
        fec: bool,
        out: &mut [f32; FRAME],
    ) -> Result<(), CodecError> {
        self.fill("decode", Some(payload), fec, out)
    }

    pub(super) fn conceal(&mut self, out: &mut [f32; BLOCK]) -> Result<(), CodecError> {
        self.fill("conceal a loss", None, false, out)
    }

    /// The length of `out` must be a multiple of 2.5 milliseconds, which both callers' types are.
    fn fill(
        &mut self,
        what: &'static str,
        payload: Option<&[u8]>,
        fec: bool,
        out: &mut [f32],
    ) -> Result<(), CodecError> {
        let (data, length) = payload.map_or((std::ptr::null(), 0), |payload| {
            (payload.as_ptr(), i32::try_from(payload.len()).unwrap_or(0))
        });
        let room = out.len() as c_int;
        // SAFETY: `data` is null or holds `length` bytes; at most `room` mono samples are written to `out`.
        let code = unsafe {
            sys::opus_decode_float(self.0.as_ptr(), data, length, out.as_mut_ptr(), room, fec.into())
        };
        // Fewer than there is room for would leave old sound at the end.
        let written = checked(what, code)?;
        out[written.min(room as usize)..].fill(0.0);
        Ok(())
    }

    pub(super) fn decode_dred(
        &mut self,
        dred: &OpusDred,
        offset: usize,
        out: &mut [f32; FRAME],
    ) -> Result<(), CodecError> {
        let offset = i32::try_from(offset).unwrap_or(i32::MAX);
        // SAFETY: both states are live, and at most FRAME mono samples are written to `out`.
        let code = unsafe {
            sys::opus_decoder_dred_decode_float(
                self.0.as_ptr(),
                dred.parsed.as_ptr(),
                offset,
                out.as_mut_ptr(),
                FRAME as i32,
            )
        };
        checked("decode DRED", code).map(drop)
    }
}

impl Drop for OpusDecoder {
    fn drop(&mut self) {
        // SAFETY: made by `opus_decoder_create`, destroyed once.
        unsafe { sys::opus_decoder_destroy(self.0.as_ptr()) }
    }
}

/// Reads what a payload knows of the second before it.
#[derive(Debug)]
pub(super) struct OpusDred {
    reader: NonNull<sys::OpusDREDDecoder>,
    parsed: NonNull<sys::OpusDRED>,
}

// SAFETY: as for `OpusEncoder`.
unsafe impl Send for OpusDred {}

impl OpusDred {
    pub(super) fn new() -> Result<Self, CodecError> {
        let mut code = sys::OPUS_OK;
        // SAFETY: `code` outlives the call. What is returned is ours until it is destroyed below or in `Drop`.
        let reader = unsafe { sys::opus_dred_decoder_create(&mut code) };
        let reader = owned("read DRED", reader, code)?;
        // SAFETY: as above.
        let parsed = unsafe { sys::opus_dred_alloc(&mut code) };
        match owned("keep DRED", parsed, code) {
            Ok(parsed) => Ok(Self { reader, parsed }),
            Err(error) => {
                // SAFETY: made above, and not kept.
                unsafe { sys::opus_dred_decoder_destroy(reader.as_ptr()) };
                Err(error)
            }
        }
    }

    /// Returns how many samples before the payload's own are known, 0 for none.
    pub(super) fn parse(&mut self, payload: &[u8]) -> Result<usize, CodecError> {
        let length = i32::try_from(payload.len()).unwrap_or(0);
        let mut end = 0;
        // SAFETY: both states are live, `payload` holds `length` bytes, `end` outlives the call.
        let code = unsafe {
            sys::opus_dred_parse(
                self.reader.as_ptr(),
                self.parsed.as_ptr(),
                payload.as_ptr(),
                length,
                DRED_MAX as i32,
                RATE,
                &mut end,
                0,
            )
        };
        checked("read DRED", code)
    }
}

impl Drop for OpusDred {
    fn drop(&mut self) {
        // SAFETY: both were made in `new`, and are destroyed once.
        unsafe {
            sys::opus_dred_free(self.parsed.as_ptr());
            sys::opus_dred_decoder_destroy(self.reader.as_ptr());
        }
    }
}

/// How many samples a payload decodes to; `None` if it is no Opus.
pub(super) fn samples(payload: &[u8]) -> Option<usize> {
    let length = i32::try_from(payload.len()).ok()?;
    if payload.is_empty() {
        return None;
    }
    // SAFETY: `payload` holds `length` bytes and is only read.
    let code = unsafe { sys::opus_packet_get_nb_samples(payload.as_ptr(), length, RATE) };
    usize::try_from(code).ok()
}

/// Whether a payload brings a coarse copy of the frame before it.
pub(super) fn has_fec(payload: &[u8]) -> bool {
    let Ok(length) = i32::try_from(payload.len()) else { return false };
    // SAFETY: `payload` holds `length` bytes, at least one, and is only read.
    !payload.is_empty() && unsafe { sys::opus_packet_has_lbrr(payload.as_ptr(), length) } > 0
}

fn owned<T>(what: &'static str, state: *mut T, code: c_int) -> Result<NonNull<T>, CodecError> {
    NonNull::new(state).filter(|_| code == sys::OPUS_OK).ok_or_else(|| failed(what, code))
}

fn checked(what: &'static str, code: c_int) -> Result<usize, CodecError> {
    usize::try_from(code).map_err(|_| failed(what, code))
}

fn failed(what: &'static str, code: c_int) -> CodecError {
    // SAFETY: for any number, the library returns a constant string that ends in a zero.
    let reason = unsafe { CStr::from_ptr(sys::opus_strerror(code)) };
    CodecError::Failed { what, reason: reason.to_str().unwrap_or("unknown") }
}
