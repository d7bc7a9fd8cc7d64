//! Which microphones and loudspeakers there are.
//!
//! Owns the choice of the sound system and the list of its devices. It must never open a stream:
//! that is `stream`. Asking takes milliseconds, on some systems more: not for a UI thread.

use std::fmt;

use cpal::traits::{DeviceTrait, HostTrait};
use cpal::{ErrorKind, SupportedStreamConfigRange};

/// Names a device across restarts, for the settings. Its text means something to the sound system only.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DeviceId(String);

impl DeviceId {
    /// Takes back what [`DeviceId::as_str`] gave out. An id that fits no device is found out when used.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Text to be saved.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DeviceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Sample rates in hertz that a device takes, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct RateRange {
    /// Lowest rate.
    pub min_hz: u32,
    /// Highest rate; `u32::MAX` where the sound system converts whatever it is given.
    pub max_hz: u32,
}

/// One microphone or loudspeaker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// Names it across restarts.
    pub id: DeviceId,
    /// What the system calls it.
    pub name: String,
    /// Whether it is the one used when nothing is chosen.
    pub is_default: bool,
    /// Sample rates it takes, lowest first. Empty while another program holds it.
    pub rates: Vec<RateRange>,
}

/// Why devices cannot be listed.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    /// No sound system answers on this machine.
    #[error("no sound system answers")]
    NoSystem(#[source] cpal::Error),
    /// The sound system answered once and now fails.
    #[error("the sound system cannot list its devices")]
    Enumerate(#[source] cpal::Error),
}

/// The sound system of this machine: on Linux PulseAudio's protocol (which PipeWire speaks as
/// well) and without it ALSA, on macOS CoreAudio, on Windows WASAPI.
pub struct AudioSystem {
    pub(crate) host: cpal::Host,
}

impl fmt::Debug for AudioSystem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AudioSystem").field(&self.name()).finish()
    }
}

/// Which way the sound goes.
#[derive(Clone, Copy)]
enum Direction {
    Input,
    Output,
}

impl AudioSystem {
    /// Connects to the first sound system that answers, the most convenient one first.
    pub fn open() -> Result<Self, ListError> {
        // Not `default_host()`: it panics where nothing answers.
        let mut refusal = cpal::Error::new(ErrorKind::HostUnavailable);
        for id in cpal::available_hosts() {
            match cpal::host_from_id(id) {
                Ok(host) => return Ok(Self { host }),
                Err(error) => refusal = error,
            }
        }
        Err(ListError::NoSystem(refusal))
    }

    /// What the sound system is called.
    pub fn name(&self) -> &'static str {
        self.host.id().name()
    }

    /// Microphones and other sources, the default one first.
    pub fn inputs(&self) -> Result<Vec<Device>, ListError> {
        self.list(Direction::Input)
    }

    /// Loudspeakers and other sinks, the default one first.
    pub fn outputs(&self) -> Result<Vec<Device>, ListError> {
        self.list(Direction::Output)
    }

    /// The microphone of this id, or the default one; `None` if there is no such one.
    pub(crate) fn input(&self, id: Option<&DeviceId>) -> Option<cpal::Device> {
        id.map_or_else(|| self.host.default_input_device(), |id| self.by_id(id))
    }

    /// The loudspeaker of this id, or the default one; `None` if there is no such one.
    pub(crate) fn output(&self, id: Option<&DeviceId>) -> Option<cpal::Device> {
        id.map_or_else(|| self.host.default_output_device(), |id| self.by_id(id))
    }

    fn by_id(&self, id: &DeviceId) -> Option<cpal::Device> {
        self.host.device_by_id(&id.as_str().parse().ok()?)
    }

    fn list(&self, direction: Direction) -> Result<Vec<Device>, ListError> {
        let default = match direction {
            Direction::Input => self.host.default_input_device(),
            Direction::Output => self.host.default_output_device(),
        };
        let default = default.and_then(|device| device.id().ok());
        let devices = self.host.devices().map_err(ListError::Enumerate)?;
        let mut list: Vec<Device> =
            devices.filter_map(|device| describe(&device, direction, default.as_ref())).collect();
        list.sort_by_key(|device| !device.is_default);
        Ok(list)
    }
}

/// How the settings name this device.
pub(crate) fn id_of(device: &cpal::Device) -> Option<DeviceId> {
    device.id().ok().map(|id| DeviceId(id.to_string()))
}

/// `None` for a device of the other direction, and for one that is announced but not there:
/// ALSA's configuration names many that no card stands behind.
fn describe(device: &cpal::Device, direction: Direction, default: Option<&cpal::DeviceId>) -> Option<Device> {
    let supported = match direction {
        Direction::Input => device.supports_input(),
        Direction::Output => device.supports_output(),
    };
    if !supported {
        return None;
    }
    let id = device.id().ok()?;
    let name = device.description().ok()?.name().to_owned();
    let is_default = default == Some(&id);
    let rates = usable_rates(device, direction)?;
    Some(Device { id: DeviceId(id.to_string()), name, is_default, rates })
}

/// Rates of a device, none for one in use elsewhere, `None` for one that cannot be used at all.
fn usable_rates(device: &cpal::Device, direction: Direction) -> Option<Vec<RateRange>> {
    let rates = match direction {
        Direction::Input => device.supported_input_configs().map(rate_ranges),
        Direction::Output => device.supported_output_configs().map(rate_ranges),
    };
    match rates {
        Ok(rates) => Some(rates),
        Err(error) if error.kind() == ErrorKind::DeviceBusy => Some(Vec::new()),
        Err(_) => None,
    }
}

/// A configuration each for formats and channels names the same rates over and over: once is enough.
fn rate_ranges(configs: impl Iterator<Item = SupportedStreamConfigRange>) -> Vec<RateRange> {
    let mut rates: Vec<RateRange> = configs
        .map(|config| RateRange { min_hz: config.min_sample_rate(), max_hz: config.max_sample_rate() })
        .collect();
    rates.sort_unstable();
    rates.dedup();
    rates
}

#[cfg(test)]
mod tests {
    use cpal::{SampleFormat, SupportedBufferSize};

    use super::*;

    #[test]
    fn a_rate_is_named_once_however_many_formats_have_it() {
        let config = |min, max, format| {
            SupportedStreamConfigRange::new(2, min, max, SupportedBufferSize::Unknown, format)
        };
        let rates = rate_ranges(
            [
                config(48_000, 48_000, SampleFormat::I16),
                config(8_000, 44_100, SampleFormat::I16),
                config(48_000, 48_000, SampleFormat::F32),
            ]
            .into_iter(),
        );
        let expected =
            [(8_000, 44_100), (48_000, 48_000)].map(|(min_hz, max_hz)| RateRange { min_hz, max_hz });
        assert_eq!(rates, expected);
    }
}
