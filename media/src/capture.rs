//! A microphone that is listened to for its level only.
//!
//! Owns what stands behind the settings' "microphone level". Samples are measured on the audio thread
//! and forgotten there: nothing is recorded, and nothing but a [`Reading`] leaves this module.

use crate::device::{AudioSystem, DeviceId};
use crate::level::Reading;
use crate::stream::{Open, OpenError};

/// An open microphone and its level. Dropping it closes the microphone.
#[derive(Debug)]
pub struct InputMeter(Open);

impl InputMeter {
    /// Latest level. Cheap, and never waits for the audio thread.
    pub fn reading(&self) -> Reading {
        self.0.signs.reading()
    }

    /// Whether the microphone went away for good; a new meter must be opened then.
    pub fn is_lost(&self) -> bool {
        self.0.signs.is_lost()
    }
}

impl AudioSystem {
    /// Opens a microphone, the system's default when none is named, and starts to measure it.
    ///
    /// Takes up to some seconds where the sound system is slow: not for a UI thread.
    pub fn meter_input(&self, id: Option<&DeviceId>) -> Result<InputMeter, OpenError> {
        self.open_input(id, false).map(|(open, _)| InputMeter(open))
    }
}
