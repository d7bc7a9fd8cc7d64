//! The operating system's wish that the program ends: SIGINT, SIGTERM, or Ctrl+C on Windows.

use std::io;

/// Runs `work` to its end, or drops it and returns `None` when the program is asked to end.
pub async fn unless_interrupted<T>(work: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        done = work => Some(done),
        asked = interrupted() => {
            if let Err(error) = asked {
                tracing::error!(%error, "signals cannot be received");
            }
            None
        }
    }
}

/// Waits until the program is asked to end.
#[cfg(unix)]
pub async fn interrupted() -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    Ok(())
}

/// Waits until the program is asked to end.
#[cfg(not(unix))]
pub async fn interrupted() -> io::Result<()> {
    tokio::signal::ctrl_c().await
}
