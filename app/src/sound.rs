//! Sound for every face: what the settings say of it, turned into work of the media crate.
//!
//! Sound systems answer in their own time, so all of it runs on threads that may block. One thing is
//! heard at a time: two checks would hear each other. A call goes before a check.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use kinmesh_media::check::{self, CheckError, Moment, Report};
use kinmesh_media::{AudioSystem, Device, DeviceId, Devices, ListError, Switches};
use tokio::task;

use crate::i18n::{tr, tr_args};
use crate::settings::Sound;

/// Whether something is being checked or played in this program.
static BUSY: AtomicBool = AtomicBool::new(false);
/// Calls that are heard, ring, or wait for a check to end.
static CALLS: AtomicUsize = AtomicUsize::new(0);

/// What there is to hear and speak with.
#[derive(Debug, Clone)]
pub struct Found {
    /// What the sound system is called.
    pub system: &'static str,
    /// Microphones, the default one first.
    pub inputs: Vec<Device>,
    /// Loudspeakers, likewise.
    pub outputs: Vec<Device>,
}

/// Something about sound was not done.
#[derive(Debug, thiserror::Error)]
pub enum SoundError {
    /// The devices cannot be listed.
    #[error(transparent)]
    List(#[from] ListError),
    /// The check came to nothing.
    #[error(transparent)]
    Check(#[from] CheckError),
    /// Something is being checked or played already.
    #[error("the sound is in use by another check")]
    Busy,
    /// A call goes on or rings.
    #[error("the sound is in use by a call")]
    InACall,
}

impl Sound {
    /// The devices that are chosen.
    pub(crate) fn devices(&self) -> Devices {
        let id = |chosen: &Option<String>| chosen.clone().map(DeviceId::new);
        Devices { input: id(&self.input), output: id(&self.output) }
    }

    /// What is done to one's voice.
    pub(crate) fn switches(&self) -> Switches {
        Switches {
            echo_cancellation: self.echo_cancellation,
            noise_suppression: self.noise_suppression,
            gain_control: self.gain_control,
        }
    }
}

/// Which devices there are.
pub async fn find() -> Result<Found, SoundError> {
    blocking(|| {
        let system = AudioSystem::open()?;
        Ok(Found { system: system.name(), inputs: system.inputs()?, outputs: system.outputs()? })
    })
    .await
}

/// Records for so long and plays it. `tell` hears how it goes and may break it off; so does whoever
/// drops this.
pub async fn check(
    sound: Sound,
    record: Duration,
    mut tell: impl FnMut(Moment) -> ControlFlow<()> + Send + 'static,
) -> Result<Report, SoundError> {
    let alone = Alone::begin()?;
    let wanted = Wanted::default();
    let still_wanted = wanted.clone();
    blocking(move || {
        let _alone = alone;
        let mut watch = |moment| still_wanted.or_break(|| tell(moment));
        Ok(check::check(sound.devices(), sound.switches(), record, &mut watch)?)
    })
    .await
}

/// Rings once, as a call would.
pub async fn ring(sound: Sound) -> Result<(), SoundError> {
    let alone = Alone::begin()?;
    let wanted = Wanted::default();
    let still_wanted = wanted.clone();
    blocking(move || {
        let _alone = alone;
        let mut watch = |_| still_wanted.or_break(|| ControlFlow::Continue(()));
        Ok(check::play_ring(sound.devices().output, &mut watch)?)
    })
    .await
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, SoundError> + Send + 'static,
) -> Result<T, SoundError> {
    // The thread is gone only when the program ends, or when it panicked.
    match task::spawn_blocking(work).await.unwrap_or(Err(SoundError::Check(CheckError::BrokenOff))) {
        Err(SoundError::Check(CheckError::BrokenOff)) if is_in_a_call() => Err(SoundError::InACall),
        done => done,
    }
}

/// Says to a thread whether somebody still waits for it.
#[derive(Clone, Default)]
struct Wanted(std::sync::Arc<()>);

impl Wanted {
    fn or_break(&self, go_on: impl FnOnce() -> ControlFlow<()>) -> ControlFlow<()> {
        // Two as long as the future holds its own.
        let is_wanted = std::sync::Arc::strong_count(&self.0) > 1;
        if is_wanted && !is_in_a_call() { go_on() } else { ControlFlow::Break(()) }
    }
}

fn is_in_a_call() -> bool {
    CALLS.load(Ordering::SeqCst) > 0
}

/// The right to make a sound.
struct Alone;

impl Alone {
    fn begin() -> Result<Self, SoundError> {
        if BUSY.swap(true, Ordering::SeqCst) {
            return Err(SoundError::Busy);
        }
        let alone = Self;
        // A call that came first may have looked before, and a later one waits for us.
        if is_in_a_call() { Err(SoundError::InACall) } else { Ok(alone) }
    }
}

impl Drop for Alone {
    fn drop(&mut self) {
        BUSY.store(false, Ordering::SeqCst);
    }
}

/// The right of a call to the sound: no check begins, and one that runs is broken off.
pub(crate) struct OfACall;

impl OfACall {
    pub(crate) fn begin() -> Self {
        CALLS.fetch_add(1, Ordering::SeqCst);
        Self
    }

    /// Whether no check holds the devices any more.
    pub(crate) fn is_alone(&self) -> bool {
        !BUSY.load(Ordering::SeqCst)
    }
}

impl Drop for OfACall {
    fn drop(&mut self) {
        CALLS.fetch_sub(1, Ordering::SeqCst);
    }
}

/// What a check found, in sentences.
pub fn words(report: &Report) -> Vec<String> {
    let level = report.level.peak_dbfs;
    let loudness = if level < QUIET_DBFS {
        "sound-check-silent"
    } else if level < SOFT_DBFS {
        "sound-check-soft"
    } else if level > CLIPPED_DBFS {
        "sound-check-clipped"
    } else {
        "sound-check-good"
    };
    let level = tr_args(loudness, &[("level", f64::from(level.round()).into())]);
    let heard = match report.heard {
        Some(heard) => tr_args("sound-check-heard", &[("ms", f64::from(heard.delay_ms.round()).into())]),
        None => tr("sound-check-unheard"),
    };
    let delay =
        report.voice_delay_ms.map(|ms| tr_args("sound-check-delay", &[("ms", f64::from(ms.round()).into())]));
    let xruns = (report.xruns > 0).then(|| tr_args("sound-check-xruns", &[("count", report.xruns.into())]));
    let unprocessed = report.is_unprocessed.then(|| tr("sound-check-unprocessed"));
    [Some(level), Some(heard), delay, xruns, unprocessed].into_iter().flatten().collect()
}

/// Below it a microphone is off, or another one than it should be.
const QUIET_DBFS: f32 = -50.0;
/// Below it others will turn their loudspeaker up.
const SOFT_DBFS: f32 = -30.0;
/// Above it the loudest moments are cut off.
const CLIPPED_DBFS: f32 = -0.5;

/// Why something was not done, for people.
pub fn fault(error: &SoundError) -> String {
    use kinmesh_media::OpenError;
    let of_input = |error: &OpenError| match error {
        OpenError::NoDevice => "sound-none",
        OpenError::Busy => "sound-busy",
        OpenError::Denied => "sound-denied",
        OpenError::Format | OpenError::System(_) => "sound-system",
    };
    let of_output = |error: &OpenError| match error {
        OpenError::NoDevice => "sound-no-speaker",
        OpenError::Busy => "sound-speaker-busy",
        OpenError::Denied | OpenError::Format | OpenError::System(_) => "sound-system",
    };
    tr(match error {
        SoundError::Busy => "sound-check-busy",
        SoundError::InACall => "sound-check-in-a-call",
        SoundError::List(_) | SoundError::Check(CheckError::Codec(_)) => "sound-system",
        SoundError::Check(CheckError::Input(error)) => of_input(error),
        SoundError::Check(CheckError::Output(error)) => of_output(error),
        SoundError::Check(CheckError::SilentInput) => "sound-check-nothing",
        SoundError::Check(CheckError::StuckOutput) => "sound-check-stuck",
        SoundError::Check(CheckError::BrokenOff) => "sound-check-broken-off",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_breaks_a_check_off_and_none_begins_while_it_goes_on() {
        let (wanted, check) = (Wanted::default(), Alone::begin().unwrap());
        let still_wanted = wanted.clone();
        let go_on = || ControlFlow::Continue(());
        assert!(still_wanted.or_break(go_on).is_continue());
        assert!(matches!(Alone::begin(), Err(SoundError::Busy)));

        let call = OfACall::begin();
        assert!(still_wanted.or_break(go_on).is_break());
        assert!(!call.is_alone());
        drop(check);
        assert!(call.is_alone());
        assert!(matches!(Alone::begin(), Err(SoundError::InACall)));
        drop(call);
        assert!(Alone::begin().is_ok());
    }
}
