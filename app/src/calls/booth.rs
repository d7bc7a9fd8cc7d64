//! The thread that opens devices for calls, and closes them.
//!
//! Sound systems take their time, so it is told what is wanted and comes to it when it can: of what was
//! wanted meanwhile, the latest counts.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use kinmesh_media::engine::{EngineStatus, Side};
use kinmesh_media::tones::{self, Tone};
use kinmesh_media::{Devices, Engine, OpenError, Switches, Voice};
use serde::Serialize;
use tokio::sync::watch;

use crate::sound::OfACall;

/// Between two looks at the devices of a call: a level that moves is all that is to be seen.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// A sound check ends within a few of these, when a call wants the devices.
const CHECK_ENDS_EVERY: Duration = Duration::from_millis(10);

/// What is to be heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Heard {
    /// Nothing: no device is open.
    Nothing,
    /// That somebody rings.
    Ring,
    /// The call of this number: one that is entered again is another one.
    Call(u64),
}

/// One of the two devices.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Device {
    /// What the system calls it; `None` while none is open.
    pub name: Option<String>,
    /// Why none is; `None` as long as it is being opened.
    pub fault: Option<DeviceFault>,
}

/// Why there is no device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DeviceFault {
    /// There is none.
    Missing,
    /// Another program holds it.
    Busy,
    /// The system does not allow it.
    Denied,
    /// The sound system fails.
    System,
}

impl From<&Side> for Device {
    fn from(side: &Side) -> Self {
        let fault = side.fault.as_deref().filter(|_| side.device.is_none()).map(|fault| match fault {
            OpenError::NoDevice => DeviceFault::Missing,
            OpenError::Busy => DeviceFault::Busy,
            OpenError::Denied => DeviceFault::Denied,
            OpenError::Format | OpenError::System(_) => DeviceFault::System,
        });
        Self { name: side.device.clone(), fault }
    }
}

/// What the thread is told.
struct Wanted {
    heard: Heard,
    devices: Devices,
    switches: Switches,
    /// The voices of a call, until they are taken.
    voice: Option<Voice>,
    is_over: bool,
}

struct Shared {
    wanted: Mutex<Wanted>,
    told: Condvar,
}

impl Shared {
    fn new() -> Self {
        let wanted = Wanted {
            heard: Heard::Nothing,
            devices: Devices::default(),
            switches: Switches::OFF,
            voice: None,
            is_over: false,
        };
        Self { wanted: Mutex::new(wanted), told: Condvar::new() }
    }

    fn wanted(&self) -> MutexGuard<'_, Wanted> {
        // Each field is replaced whole, so a panic elsewhere left them sound.
        self.wanted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The hold on the thread. It closes the devices and ends when this is dropped.
pub(super) struct Booth {
    shared: Arc<Shared>,
    status: watch::Receiver<Option<EngineStatus>>,
    calls: u64,
}

impl Booth {
    pub(super) fn open() -> Self {
        let shared = Arc::new(Shared::new());
        let (told, status) = watch::channel(None);
        let worker = Worker { shared: shared.clone(), status: told, open: None };
        thread::spawn(move || worker.run());
        Self { shared, status, calls: 0 }
    }

    /// Lets a ring be heard, or nothing.
    pub(super) fn ring(&self, rings: bool) {
        let heard = if rings { Heard::Ring } else { Heard::Nothing };
        self.change(|wanted| (wanted.heard, wanted.voice) = (heard, None));
    }

    /// Lets a call be heard.
    pub(super) fn hear(&mut self, voice: Voice) {
        self.calls += 1;
        let heard = Heard::Call(self.calls);
        self.change(|wanted| (wanted.heard, wanted.voice) = (heard, Some(voice)));
    }

    /// From now on with these devices; what is done to the voice is another thing from the next call on.
    pub(super) fn choose(&self, devices: Devices, switches: Switches) {
        self.change(|wanted| (wanted.devices, wanted.switches) = (devices, switches));
    }

    /// How the devices of the call are; `None` while there is none.
    pub(super) fn status(&mut self) -> &mut watch::Receiver<Option<EngineStatus>> {
        &mut self.status
    }

    fn change(&self, change: impl FnOnce(&mut Wanted)) {
        change(&mut self.shared.wanted());
        self.shared.told.notify_one();
    }
}

impl Drop for Booth {
    fn drop(&mut self) {
        self.change(|wanted| wanted.is_over = true);
    }
}

/// What is open.
struct Open {
    heard: Heard,
    devices: Devices,
    /// `None` where the voices were gone before they could be heard.
    engine: Option<Engine>,
    _right: OfACall,
}

struct Worker {
    shared: Arc<Shared>,
    status: watch::Sender<Option<EngineStatus>>,
    open: Option<Open>,
}

impl Worker {
    fn run(mut self) {
        let shared = self.shared.clone();
        let mut wanted = shared.wanted();
        while !wanted.is_over {
            if self.is_as(&wanted) {
                wanted = self.wait(&shared, wanted);
                continue;
            }
            let (heard, devices, switches) = (wanted.heard, wanted.devices.clone(), wanted.switches);
            let voice = wanted.voice.take();
            drop(wanted);
            self.become_as(heard, devices, switches, voice);
            self.look();
            wanted = shared.wanted();
        }
    }

    fn is_as(&self, wanted: &Wanted) -> bool {
        match &self.open {
            None => wanted.heard == Heard::Nothing,
            Some(open) => open.heard == wanted.heard && open.devices == wanted.devices,
        }
    }

    /// Waits for other wishes; while a call is heard, looks at its devices meanwhile.
    fn wait<'s>(&self, shared: &'s Shared, wanted: MutexGuard<'s, Wanted>) -> MutexGuard<'s, Wanted> {
        if !self.is_in_a_call() {
            return shared.told.wait(wanted).unwrap_or_else(PoisonError::into_inner);
        }
        let waited = shared.told.wait_timeout(wanted, LOOK_EVERY);
        let (wanted, _) = waited.unwrap_or_else(PoisonError::into_inner);
        self.look();
        wanted
    }

    fn is_in_a_call(&self) -> bool {
        matches!(&self.open, Some(open) if matches!(open.heard, Heard::Call(_)))
    }

    fn become_as(&mut self, heard: Heard, devices: Devices, switches: Switches, voice: Option<Voice>) {
        if let Some(open) = self.open.as_mut().filter(|open| open.heard == heard) {
            if let Some(engine) = &open.engine {
                engine.choose(match heard {
                    // Who only plays has no business with a microphone.
                    Heard::Ring => Devices { input: None, ..devices.clone() },
                    Heard::Call(_) | Heard::Nothing => devices.clone(),
                });
            }
            open.devices = devices;
            return;
        }
        // Before others are opened: some devices are for one at a time.
        self.open = None;
        if heard == Heard::Nothing {
            return;
        }
        let right = OfACall::begin();
        while !right.is_alone() {
            thread::sleep(CHECK_ENDS_EVERY);
        }
        let engine = match (heard, voice) {
            (Heard::Ring, _) => Some(tones::repeat(devices.output.clone(), Tone::Ring)),
            (_, Some(voice)) => Some(Engine::start(devices.clone(), switches, Box::new(voice))),
            (_, None) => None,
        };
        self.open = Some(Open { heard, devices, engine, _right: right });
    }

    fn look(&self) {
        let engine = self.open.as_ref().filter(|_| self.is_in_a_call()).and_then(|open| open.engine.as_ref());
        let status = engine.map(Engine::status);
        self.status.send_if_modified(|seen| {
            let is_news = status.is_some() || seen.is_some();
            *seen = status;
            is_news
        });
    }
}
