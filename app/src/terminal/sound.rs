//! `/sound`: devices, switches and the sound check.
//!
//! The session waits meanwhile: what comes is shown afterwards.

use std::io;
use std::ops::ControlFlow;

use kinmesh_media::Device;
use kinmesh_media::check::{RECORD, Stage};
use tokio::io::AsyncWrite;
use tokio::sync::watch;

use super::command::{Part, Sound, Way};
use super::safe::safe;
use super::session::Session;
use crate::i18n::{tr, tr_args};
use crate::settings::{self, Activation};
use crate::sound::{self, SoundError};

impl<W: AsyncWrite + Unpin> Session<'_, W> {
    /// Does what is asked of the sound.
    pub(super) async fn sound(&mut self, what: Sound) -> io::Result<()> {
        match what {
            Sound::Check => self.sound_check().await,
            Sound::Ring => match sound::ring(self.program.settings.get().sound).await {
                Ok(()) => self.print(&tr("terminal-sound-rang")).await,
                Err(error) => self.no_sound(&error).await,
            },
            Sound::Devices => self.sound_devices().await,
            Sound::Choose { way, device } => self.choose_device(way, &device).await,
            Sound::Switch { part, on } => self.switch_sound(part, on).await,
            Sound::Send(activation) => {
                let words = match activation {
                    Activation::Open => "terminal-sound-send-open",
                    Activation::Voice => "terminal-sound-send-voice",
                    Activation::PushToTalk => "terminal-sound-send-key",
                };
                self.change_sound(tr(words), |sound| sound.activation = activation).await
            }
            Sound::Ringing(on) => self.change_sound(tr(turned(on)), |sound| sound.ring = on).await,
        }
    }

    async fn no_sound(&mut self, error: &SoundError) -> io::Result<()> {
        self.print(&sound::fault(error)).await
    }

    async fn sound_check(&mut self) -> io::Result<()> {
        let (stage, mut seen) = watch::channel(Stage::Recording);
        self.print(&tr("terminal-sound-record")).await?;
        let told = move |moment: kinmesh_media::check::Moment| {
            stage.send_if_modified(|stage| std::mem::replace(stage, moment.stage) != moment.stage);
            ControlFlow::Continue(())
        };
        let checking = sound::check(self.program.settings.get().sound, RECORD, told);
        tokio::pin!(checking);
        let report = loop {
            tokio::select! {
                report = &mut checking => break report,
                Ok(()) = seen.changed() => self.print(&tr("terminal-sound-play")).await?,
            }
        };
        match report {
            Ok(report) => {
                for line in sound::words(&report) {
                    self.print(&line).await?;
                }
                Ok(())
            }
            Err(error) => self.no_sound(&error).await,
        }
    }

    async fn sound_devices(&mut self) -> io::Result<()> {
        let found = match sound::find().await {
            Ok(found) => found,
            Err(error) => return self.no_sound(&error).await,
        };
        let chosen = self.program.settings.get().sound;
        for (title, devices, chosen) in [
            ("sound-microphone", found.inputs, chosen.input),
            ("sound-speaker", found.outputs, chosen.output),
        ] {
            self.print(&tr(title)).await?;
            for (device, number) in devices.iter().zip(1..) {
                let line = device_line(device, number, chosen.as_deref());
                self.print(&line).await?;
            }
        }
        Ok(())
    }

    async fn choose_device(&mut self, way: Way, typed: &str) -> io::Result<()> {
        let found = match sound::find().await {
            Ok(found) => found,
            Err(error) => return self.no_sound(&error).await,
        };
        let devices = match way {
            Way::Microphone => found.inputs,
            Way::Speaker => found.outputs,
        };
        let device = meant(&devices, typed);
        if device.is_none() && typed != DEFAULT {
            let args = [("name", safe(typed).into())];
            return self.print(&tr_args("terminal-sound-unknown", &args)).await;
        }
        let id = device.map(|device| device.id.as_str().to_owned());
        let name = device.map_or_else(|| tr("sound-default"), |device| safe(&device.name));
        self.change_sound(tr_args("terminal-sound-chosen", &[("name", name.into())]), |sound| match way {
            Way::Microphone => sound.input = id,
            Way::Speaker => sound.output = id,
        })
        .await
    }

    async fn switch_sound(&mut self, part: Part, on: bool) -> io::Result<()> {
        self.change_sound(tr(turned(on)), |sound| match part {
            Part::Echo => sound.echo_cancellation = on,
            Part::Noise => sound.noise_suppression = on,
            Part::Gain => sound.gain_control = on,
        })
        .await
    }

    async fn change_sound(
        &mut self,
        done: String,
        change: impl FnOnce(&mut settings::Sound),
    ) -> io::Result<()> {
        match self.program.settings.update(|settings| change(&mut settings.sound)) {
            Ok(()) => self.print(&done).await,
            Err(error) => self.refused(error).await,
        }
    }
}

fn turned(on: bool) -> &'static str {
    if on { "terminal-sound-on" } else { "terminal-sound-off" }
}

/// Takes a choice back.
const DEFAULT: &str = "default";

/// The device of this number in the list, or of this name.
fn meant<'d>(devices: &'d [Device], typed: &str) -> Option<&'d Device> {
    let numbered = typed.parse::<usize>().ok().and_then(|number| devices.get(number.checked_sub(1)?));
    numbered.or_else(|| devices.iter().find(|device| device.name.eq_ignore_ascii_case(typed)))
}

fn device_line(device: &Device, number: usize, chosen: Option<&str>) -> String {
    let is_used = chosen.map_or(device.is_default, |chosen| chosen == device.id.as_str());
    let mark = if is_used { '*' } else { ' ' };
    format!("{mark} {number} {}", safe(&device.name))
}
