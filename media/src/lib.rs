//! Sound of Kinmesh: from a microphone to packets, and from packets to a loudspeaker.
//!
//! Owns everything that touches a sound card or a sample, and is the only crate that names `cpal` and
//! the codec. It must never know a peer, a room, a toolkit or a runtime: it hands out plain values, and
//! its callbacks on the audio thread neither allocate, lock, log nor block.

pub mod capture;
pub mod check;
pub mod codec;
mod comfort;
pub mod device;
pub mod engine;
pub mod jitter;
pub mod level;
pub mod mixer;
pub mod processing;
mod resample;
pub mod signal;
pub mod stream;
pub mod tones;
pub mod voice;

#[cfg(test)]
#[path = "../tests/support/speech.rs"]
#[allow(dead_code, reason = "shared with the tests beside this crate")]
mod speech;

pub use capture::InputMeter;
pub use device::{AudioSystem, Device, DeviceId, ListError, RateRange};
pub use engine::{Devices, Engine};
pub use level::{Level, Reading};
pub use processing::Switches;
pub use stream::OpenError;
pub use voice::{Voice, VoiceControl};
