//! A microphone and a loudspeaker that stay open, whatever becomes of the devices.
//!
//! Two threads stand behind it. The keeper opens devices, looks after them and opens others when they
//! vanish; it may wait for a slow sound system. The worker carries sound between the rings of the audio
//! thread and the voices, and waits for nothing. Owns neither codec nor network: see [`Voices`].

mod cushion;
mod keeper;
mod worker;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use self::keeper::Keeper;
use self::worker::{Change, Worker};
use crate::codec::BLOCK;
use crate::device::DeviceId;
use crate::level::Reading;
use crate::processing::Switches;
use crate::stream::{OpenError, Signs};

/// Devices that were opened or lost and that the worker has not heard of yet. It looks every two
/// milliseconds; the keeper changes two at most every quarter of a second.
const CHANGES_CAP: usize = 4;

/// Which devices are used; the system's default where none is named, or where it is not there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Devices {
    /// The microphone.
    pub input: Option<DeviceId>,
    /// The loudspeaker.
    pub output: Option<DeviceId>,
}

/// What an engine serves. Called on its worker, in blocks of 10 milliseconds; must not block.
pub trait Voices: Send {
    /// The time that is told from now on began here.
    fn begin(&mut self, _at: Instant) {}

    /// The microphone heard this: as it came, and after voice processing.
    fn heard(&mut self, raw: &[f32; BLOCK], clean: &[f32; BLOCK], now: Duration);

    /// What the loudspeaker plays next.
    fn play(&mut self, now: Duration) -> [f32; BLOCK];
}

/// Which devices are needed at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wants {
    Both,
    Output,
}

/// What the keeper is told.
#[derive(Debug)]
enum Command {
    Choose(Devices),
    /// Open the microphone as well.
    Listen,
}

/// How one of the two devices is.
#[derive(Debug, Clone)]
pub struct Side {
    /// The device that is open, as the system calls it.
    pub device: Option<String>,
    /// Why none is.
    pub fault: Option<Arc<OpenError>>,
    /// Its latest level.
    pub reading: Reading,
    /// How often sound was missing or too much.
    pub xruns: u32,
    /// How often it had to be opened again.
    pub reopened: u32,
}

/// How both are.
#[derive(Debug, Clone)]
pub struct EngineStatus {
    /// The microphone.
    pub input: Side,
    /// The loudspeaker.
    pub output: Side,
    /// Whether voice processing failed, and the voice goes on without it.
    pub is_unprocessed: bool,
}

/// What the keeper knows of a side.
#[derive(Debug, Default)]
struct Noted {
    device: Option<String>,
    fault: Option<Arc<OpenError>>,
    signs: Option<Arc<Signs>>,
    reopened: u32,
    /// Of devices that are closed again.
    earlier_xruns: u32,
}

/// What the threads and the outside share. Never touched by the audio thread.
#[derive(Debug, Default)]
struct Shared {
    input: Mutex<Noted>,
    output: Mutex<Noted>,
    is_unprocessed: AtomicBool,
    stops: AtomicBool,
}

/// A running engine. Dropping it closes the devices.
#[derive(Debug)]
pub struct Engine {
    shared: Arc<Shared>,
    commands: Option<mpsc::SyncSender<Command>>,
    threads: Vec<JoinHandle<()>>,
}

impl Engine {
    /// Opens the devices and begins to serve these voices. A device that cannot be opened is told by
    /// [`Engine::status`], and tried again.
    ///
    /// Takes up to some seconds where the sound system is slow: not for a UI thread.
    pub fn start(devices: Devices, switches: Switches, voices: Box<dyn Voices>) -> Self {
        Self::start_for(Wants::Both, devices, switches, voices)
    }

    /// The same with the microphone closed until [`Engine::listen`]: so what is played then is heard at
    /// once.
    pub fn start_playing(devices: Devices, switches: Switches, voices: Box<dyn Voices>) -> Self {
        Self::start_for(Wants::Output, devices, switches, voices)
    }

    /// The same without a microphone: who only plays has no business with it.
    pub fn start_output(output: Option<DeviceId>, voices: Box<dyn Voices>) -> Self {
        Self::start_for(Wants::Output, Devices { input: None, output }, Switches::OFF, voices)
    }

    fn start_for(wants: Wants, devices: Devices, switches: Switches, voices: Box<dyn Voices>) -> Self {
        let shared = Arc::new(Shared::default());
        let (changes, changed) = mpsc::sync_channel::<Change>(CHANGES_CAP);
        let (commands, commanded) = mpsc::sync_channel(1);
        let (tried, first_try) = mpsc::sync_channel(1);
        let worker = Worker::new(voices, switches, changed, Arc::clone(&shared));
        let keeping = Arc::clone(&shared);
        let threads = vec![
            thread::spawn(move || worker.run()),
            // The keeper makes its streams itself: some systems tie them to a thread.
            thread::spawn(move || Keeper::new(devices, wants, changes, keeping).run(&commanded, &tried)),
        ];
        // It ends without a word only when it panics, which the status shows as no device.
        let _ = first_try.recv();
        Self { shared, commands: Some(commands), threads }
    }

    /// Changes to other devices, without a word to the voices.
    pub fn choose(&self, devices: Devices) {
        self.command(Command::Choose(devices));
    }

    /// Opens the microphone as well, where only the loudspeaker was. Once is enough.
    pub fn listen(&self) {
        self.command(Command::Listen);
    }

    fn command(&self, command: Command) {
        if let Some(commands) = &self.commands {
            // Only a keeper that is gone takes none.
            let _ = commands.send(command);
        }
    }

    /// How the devices are.
    pub fn status(&self) -> EngineStatus {
        EngineStatus {
            input: side(&self.shared.input),
            output: side(&self.shared.output),
            is_unprocessed: self.shared.is_unprocessed.load(Ordering::Relaxed),
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.shared.stops.store(true, Ordering::Relaxed);
        drop(self.commands.take());
        for thread in self.threads.drain(..) {
            // A thread that panicked has ended as well.
            let _ = thread.join();
        }
    }
}

fn side(noted: &Mutex<Noted>) -> Side {
    let noted = lock(noted);
    let signs = noted.signs.as_ref();
    Side {
        device: noted.device.clone(),
        fault: noted.fault.clone(),
        reading: signs.map_or(Reading::NONE, |signs| signs.reading()),
        xruns: noted.earlier_xruns + signs.map_or(0, |signs| signs.xruns()),
        reopened: noted.reopened,
    }
}

fn lock(noted: &Mutex<Noted>) -> MutexGuard<'_, Noted> {
    // Each field is replaced whole, so a panic elsewhere left them sound.
    noted.lock().unwrap_or_else(PoisonError::into_inner)
}
