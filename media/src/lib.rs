//! Audio devices of Kinmesh and how loud they are.
//!
//! Owns everything that touches a sound card, and is the only crate that names `cpal`.
//! It must never know a peer, a room, a toolkit or a runtime: it hands out plain values, and its
//! callbacks on the audio thread neither allocate, lock, log nor block.

pub mod capture;
pub mod device;
pub mod level;

pub use capture::{CaptureError, InputMeter};
pub use device::{AudioSystem, Device, DeviceId, ListError, RateRange};
pub use level::{Level, Reading};
