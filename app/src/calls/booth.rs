//! The thread that opens devices for calls, and closes them.
//!
//! The loudspeaker is open while it rings, here or there, so that whoever is heard first is heard at
//! once. The microphone is open only in a call that was begun or taken.
//!
//! Sound systems take their time, so it is told what is wanted and comes to it when it can: of what was
//! wanted meanwhile, the latest counts.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use kinmesh_media::engine::{EngineStatus, Side};
use kinmesh_media::{Devices, Engine, OpenError, Switches, Voice};
use serde::Serialize;
use tokio::sync::watch;

use crate::sound::OfACall;

/// Between two looks at the devices of a call: a level that moves is all that is to be seen.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// A sound check ends within a few of these, when a call wants the devices.
const CHECK_ENDS_EVERY: Duration = Duration::from_millis(10);

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
    /// Which of the calls that were told is heard, if one is.
    call: Option<u64>,
    /// Whether the microphone is open as well.
    listens: bool,
    devices: Devices,
    switches: Switches,
    /// The voices of the call, until they are taken.
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
            call: None,
            listens: false,
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

    /// Lets a call be heard, over the loudspeaker alone.
    pub(super) fn play(&mut self, voice: Voice) {
        self.calls += 1;
        let call = Some(self.calls);
        self.change(|wanted| (wanted.call, wanted.listens, wanted.voice) = (call, false, Some(voice)));
    }

    /// Opens the microphone as well.
    pub(super) fn listen(&self) {
        self.change(|wanted| wanted.listens = true);
    }

    /// Closes the devices.
    pub(super) fn close(&self) {
        self.change(|wanted| (wanted.call, wanted.listens, wanted.voice) = (None, false, None));
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
    call: u64,
    listens: bool,
    devices: Devices,
    engine: Engine,
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
            let call = wanted.call;
            if self.open.as_ref().map(|open| open.call) != call {
                let begun = call.zip(wanted.voice.take());
                let (devices, switches) = (wanted.devices.clone(), wanted.switches);
                drop(wanted);
                self.begin(begun, devices, switches);
                wanted = shared.wanted();
            } else if self.open.as_ref().is_some_and(|open| open.is_other_than(&wanted)) {
                let (listens, devices) = (wanted.listens, wanted.devices.clone());
                drop(wanted);
                self.open.iter_mut().for_each(|open| open.become_as(listens, &devices));
                wanted = shared.wanted();
            } else {
                wanted = self.wait(&shared, wanted);
            }
        }
    }

    /// Waits for other wishes; while a call is heard, looks at its devices meanwhile.
    fn wait<'s>(&self, shared: &'s Shared, wanted: MutexGuard<'s, Wanted>) -> MutexGuard<'s, Wanted> {
        self.look();
        match &self.open {
            None => shared.told.wait(wanted).unwrap_or_else(PoisonError::into_inner),
            Some(_) => {
                let waited = shared.told.wait_timeout(wanted, LOOK_EVERY);
                waited.unwrap_or_else(PoisonError::into_inner).0
            }
        }
    }

    /// Closes what is open, then opens the devices for another call. Not both at a time: some devices
    /// are for one.
    fn begin(&mut self, begun: Option<(u64, Voice)>, devices: Devices, switches: Switches) {
        self.open = None;
        let Some((call, voice)) = begun else { return };
        let right = OfACall::begin();
        while !right.is_alone() {
            thread::sleep(CHECK_ENDS_EVERY);
        }
        let engine = Engine::start_playing(devices.clone(), switches, Box::new(voice));
        self.open = Some(Open { call, listens: false, devices, engine, _right: right });
    }

    fn look(&self) {
        let status = self.open.as_ref().map(|open| open.engine.status());
        self.status.send_if_modified(|seen| {
            let is_news = status.is_some() || seen.is_some();
            *seen = status;
            is_news
        });
    }
}

impl Open {
    fn is_other_than(&self, wanted: &Wanted) -> bool {
        self.listens != wanted.listens || self.devices != wanted.devices
    }

    fn become_as(&mut self, listens: bool, devices: &Devices) {
        if self.devices != *devices {
            self.engine.choose(devices.clone());
            self.devices = devices.clone();
        }
        // A microphone that is open stays so as long as the call.
        if listens && !self.listens {
            self.engine.listen();
        }
        self.listens = listens;
    }
}
