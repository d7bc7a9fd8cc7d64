//! The methods about sound: devices, what is chosen, and the sound check.

use std::ops::ControlFlow;
use std::time::Duration;

use kinmesh_media::Device;
use kinmesh_media::check::{RECORD, RECORD_MAX, Report};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::fault::Fault;
use super::methods::{Outcome, show};
use crate::program::Program;
use crate::settings::{self, Activation};
use crate::sound;

/// What is chosen, all of it: so nothing changes that was not said.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Chosen {
    input: Option<String>,
    output: Option<String>,
    echo_cancellation: bool,
    noise_suppression: bool,
    gain_control: bool,
    /// These two came later: who does not know them does not change them.
    #[serde(default)]
    activation: Option<Activation>,
    #[serde(default)]
    ring: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Check {
    #[serde(default)]
    seconds: Option<u64>,
}

/// The settings of sound, each of which is told.
#[derive(Serialize)]
struct Settings<'s> {
    input: Option<&'s str>,
    output: Option<&'s str>,
    echo_cancellation: bool,
    noise_suppression: bool,
    gain_control: bool,
    activation: Activation,
    ring: bool,
}

#[derive(Serialize)]
struct Found {
    system: &'static str,
    inputs: Vec<Listed>,
    outputs: Vec<Listed>,
}

#[derive(Serialize)]
struct Listed {
    id: String,
    name: String,
    is_default: bool,
}

#[derive(Serialize)]
struct Checked {
    input: String,
    output: String,
    rms_dbfs: f64,
    peak_dbfs: f64,
    voice_delay_ms: Option<f64>,
    heard: Option<Heard>,
    xruns: u32,
    unprocessed: bool,
}

#[derive(Serialize)]
struct Heard {
    delay_ms: f64,
    likeness: f64,
}

impl From<Device> for Listed {
    fn from(device: Device) -> Self {
        Self { id: device.id.as_str().to_owned(), name: device.name, is_default: device.is_default }
    }
}

/// What is chosen.
pub(super) fn get(program: &Program) -> Outcome {
    let settings::Sound {
        input,
        output,
        echo_cancellation,
        noise_suppression,
        gain_control,
        activation,
        ring,
    } = program.settings.get().sound;
    let (input, output) = (input.as_deref(), output.as_deref());
    show(&Settings { input, output, echo_cancellation, noise_suppression, gain_control, activation, ring })
}

/// Chooses.
pub(super) fn set(program: &Program, chosen: Chosen) -> Outcome {
    let Chosen { input, output, echo_cancellation, noise_suppression, gain_control, activation, ring } =
        chosen;
    program.settings.update(|settings| {
        let before = &settings.sound;
        settings.sound = settings::Sound {
            input,
            output,
            echo_cancellation,
            noise_suppression,
            gain_control,
            activation: activation.unwrap_or(before.activation),
            ring: ring.unwrap_or(before.ring),
        };
    })?;
    Ok(Value::Null)
}

/// Which devices there are.
pub(super) async fn devices() -> Outcome {
    let sound::Found { system, inputs, outputs } = sound::find().await?;
    let listed = |devices: Vec<Device>| devices.into_iter().map(Listed::from).collect();
    show(&Found { system, inputs: listed(inputs), outputs: listed(outputs) })
}

/// Records and plays.
pub(super) async fn check(program: &Program, Check { seconds }: Check) -> Outcome {
    let record = seconds.map_or(RECORD, Duration::from_secs);
    if record.is_zero() || record > RECORD_MAX {
        return Err(Fault::bad_params(format_args!("seconds must be 1 to {}", RECORD_MAX.as_secs())));
    }
    let report = sound::check(program.settings.get().sound, record, |_| ControlFlow::Continue(())).await?;
    let Report { input, output, level, voice_delay_ms, heard, xruns, is_unprocessed } = report;
    show(&Checked {
        input,
        output,
        rms_dbfs: rounded(level.rms_dbfs),
        peak_dbfs: rounded(level.peak_dbfs),
        voice_delay_ms: voice_delay_ms.map(rounded),
        heard: heard
            .map(|heard| Heard { delay_ms: rounded(heard.delay_ms), likeness: rounded(heard.likeness) }),
        xruns,
        unprocessed: is_unprocessed,
    })
}

/// In hundredths: more digits would only look exact.
fn rounded(value: f32) -> f64 {
    (f64::from(value) * 100.0).round() / 100.0
}

/// Rings once.
pub(super) async fn ring(program: &Program) -> Outcome {
    sound::ring(program.settings.get().sound).await?;
    Ok(Value::Null)
}
