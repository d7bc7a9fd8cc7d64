//! The thread that keeps devices open: it watches them, and opens others in their place.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::worker::{Change, Sink, Source};
use super::{Command, Devices, Noted, Shared, Wants, lock};
use crate::device::{AudioSystem, DeviceId, ListError, id_of};
use crate::stream::{Open, OpenError};

/// Between two looks at the open devices.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Sound systems do not tell of devices that come and go: so often they are asked.
const ASK_EVERY: Duration = Duration::from_secs(2);
/// A device that gives no sign for so long is gone, whatever it says: some never say.
const STALLED_AFTER: Duration = Duration::from_secs(1);

#[derive(Clone, Copy, PartialEq)]
enum Direction {
    Input,
    Output,
}

impl Devices {
    fn of(&self, direction: Direction) -> Option<DeviceId> {
        match direction {
            Direction::Input => self.input.clone(),
            Direction::Output => self.output.clone(),
        }
    }
}

/// A device and what is known of it.
struct Held {
    direction: Direction,
    chosen: Option<DeviceId>,
    open: Option<Open>,
    blocks: u32,
    blocks_at: Instant,
    /// When its devices were last asked for; `None` for at once.
    asked_at: Option<Instant>,
}

pub(super) struct Keeper {
    system: Option<AudioSystem>,
    devices: Devices,
    sides: Vec<Held>,
    changes: mpsc::SyncSender<Change>,
    shared: Arc<Shared>,
}

impl Keeper {
    pub(super) fn new(
        devices: Devices,
        wants: Wants,
        changes: mpsc::SyncSender<Change>,
        shared: Arc<Shared>,
    ) -> Self {
        let wanted: &[Direction] = match wants {
            Wants::Both => &[Direction::Input, Direction::Output],
            Wants::Output => &[Direction::Output],
        };
        let sides = wanted.iter().map(|direction| Held::new(*direction, &devices)).collect();
        Self { system: None, devices, sides, changes, shared }
    }

    /// Looks after the devices until nobody can choose others any more.
    pub(super) fn run(mut self, commanded: &mpsc::Receiver<Command>, tried: &mpsc::SyncSender<()>) {
        loop {
            self.look();
            // Only the first word is waited for.
            let _ = tried.try_send(());
            match commanded.recv_timeout(LOOK_EVERY) {
                Ok(Command::Choose(devices)) => {
                    self.sides.iter_mut().for_each(|side| side.choose(devices.of(side.direction)));
                    self.devices = devices;
                }
                Ok(Command::Listen) => self.listen(),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn listen(&mut self) {
        if self.sides.iter().all(|side| side.direction != Direction::Input) {
            self.sides.push(Held::new(Direction::Input, &self.devices));
        }
    }

    fn look(&mut self) {
        let now = Instant::now();
        for index in 0..self.sides.len() {
            let side = &mut self.sides[index];
            if side.is_gone(now) {
                self.close(index);
            }
            let side = &mut self.sides[index];
            if side.asked_at.is_none_or(|at| now.duration_since(at) >= ASK_EVERY) {
                side.asked_at = Some(now);
                self.ask(index);
            }
        }
    }

    /// Opens the device that should be open, if it is not.
    fn ask(&mut self, index: usize) {
        if let Err(error) = self.try_open(index) {
            // A sound system that was restarted answers on another connection only.
            if matches!(error, OpenError::System(_)) && self.sides.iter().all(|side| side.open.is_none()) {
                self.system = None;
            }
            lock(self.noted(index)).fault = Some(Arc::new(error));
        }
    }

    fn try_open(&mut self, index: usize) -> Result<(), OpenError> {
        let system = match self.system.take() {
            Some(system) => system,
            None => AudioSystem::open().map_err(failed)?,
        };
        let system = self.system.insert(system);
        let side = &self.sides[index];
        if side.is_as_wanted(system) {
            return Ok(());
        }
        let (direction, wanted) = (side.direction, side.wanted(system));
        self.close(index);
        let Some(system) = &self.system else { return Err(OpenError::NoDevice) };
        let (open, change) = open(system, direction, wanted.as_ref())?;
        let mut noted = lock(self.noted(index));
        (noted.device, noted.fault) = (Some(open.name.clone()), None);
        noted.signs = Some(Arc::clone(&open.signs));
        drop(noted);
        let side = &mut self.sides[index];
        (side.open, side.blocks, side.blocks_at) = (Some(open), 0, Instant::now());
        // The worker is gone only when we are about to be.
        let _ = self.changes.send(change);
        Ok(())
    }

    fn close(&mut self, index: usize) {
        let side = &mut self.sides[index];
        let Some(open) = side.open.take() else { return };
        side.asked_at = None;
        let change = match side.direction {
            Direction::Input => Change::Input(None),
            Direction::Output => Change::Output(None),
        };
        let _ = self.changes.send(change);
        let mut noted = lock(self.noted(index));
        noted.earlier_xruns += open.signs.xruns();
        noted.reopened += 1;
        (noted.device, noted.signs) = (None, None);
    }

    fn noted(&self, index: usize) -> &Mutex<Noted> {
        match self.sides[index].direction {
            Direction::Input => &self.shared.input,
            Direction::Output => &self.shared.output,
        }
    }
}

impl Held {
    fn new(direction: Direction, devices: &Devices) -> Self {
        let chosen = devices.of(direction);
        Self { direction, chosen, open: None, blocks: 0, blocks_at: Instant::now(), asked_at: None }
    }

    fn choose(&mut self, chosen: Option<DeviceId>) {
        if self.chosen != chosen {
            self.chosen = chosen;
            self.asked_at = None;
        }
    }

    /// Whether an open device says that it is lost, or says nothing.
    fn is_gone(&mut self, now: Instant) -> bool {
        let Some(open) = &self.open else { return false };
        let blocks = open.signs.reading().blocks;
        if blocks != self.blocks {
            (self.blocks, self.blocks_at) = (blocks, now);
        }
        open.signs.is_lost() || now.duration_since(self.blocks_at) > STALLED_AFTER
    }

    /// Whether the right device is open. One that says it is may be gone all the same: PulseAudio moves
    /// its streams to another one without a word.
    fn is_as_wanted(&self, system: &AudioSystem) -> bool {
        self.open.as_ref().is_some_and(|open| open.id == self.wanted(system))
    }

    /// The chosen device if it is there, else the default one.
    fn wanted(&self, system: &AudioSystem) -> Option<DeviceId> {
        let find = |id: Option<&DeviceId>| match self.direction {
            Direction::Input => system.input(id),
            Direction::Output => system.output(id),
        };
        let chosen = self.chosen.as_ref().filter(|id| find(Some(*id)).is_some());
        chosen.cloned().or_else(|| id_of(&find(None)?))
    }
}

fn failed(error: ListError) -> OpenError {
    match error {
        ListError::NoSystem(error) | ListError::Enumerate(error) => OpenError::System(error),
    }
}

fn open(
    system: &AudioSystem,
    direction: Direction,
    id: Option<&DeviceId>,
) -> Result<(Open, Change), OpenError> {
    match direction {
        Direction::Input => {
            let (open, ring) = system.open_input(id, true)?;
            let ring = ring.ok_or(OpenError::NoDevice)?;
            let source = Source::new(&open, ring).map_err(|_| OpenError::Format)?;
            Ok((open, Change::Input(Some(source))))
        }
        Direction::Output => {
            let (open, ring) = system.open_output(id)?;
            let sink = Sink::new(&open, ring).map_err(|_| OpenError::Format)?;
            Ok((open, Change::Output(Some(sink))))
        }
    }
}
