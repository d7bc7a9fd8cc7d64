//! The operating system's wish that the program ends: SIGINT, SIGTERM, or Ctrl+C on Windows.

use std::io;

#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};
#[cfg(windows)]
use tokio::signal::windows::{CtrlC, ctrl_c};

/// Hears every such wish from its making on: one that comes while nobody waits is not lost.
#[derive(Debug)]
pub struct Signals {
    #[cfg(unix)]
    interrupt: Signal,
    #[cfg(unix)]
    terminate: Signal,
    #[cfg(windows)]
    interrupt: CtrlC,
}

impl Signals {
    /// Listens from now on. Must be called on a tokio runtime.
    #[cfg(unix)]
    pub fn listen() -> io::Result<Self> {
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    /// Listens from now on. Must be called on a tokio runtime.
    #[cfg(windows)]
    pub fn listen() -> io::Result<Self> {
        Ok(Self { interrupt: ctrl_c()? })
    }

    /// Waits until the program is asked to end.
    #[cfg(unix)]
    pub async fn interrupted(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }

    /// Waits until the program is asked to end.
    #[cfg(windows)]
    pub async fn interrupted(&mut self) {
        self.interrupt.recv().await;
    }

    /// Runs `work` to its end, or drops it and returns `None` when the program is asked to end.
    pub async fn unless_interrupted<T>(&mut self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            done = work => Some(done),
            () = self.interrupted() => None,
        }
    }
}
