//! The control socket: how `status` and `stop` reach a running node.
//!
//! A Unix socket in the data directory, for its owner only; a named pipe on Windows. One JSON line
//! each way. Local: nothing of it is on the network.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use interprocess::local_socket::tokio::prelude::*;
use interprocess::local_socket::tokio::{Listener, Stream};
use interprocess::local_socket::{GenericFilePath, ListenerOptions, Name};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::sync::{mpsc, oneshot};

use crate::status::Status;

/// The socket in the data directory.
#[cfg(unix)]
const SOCKET_FILE: &str = "control.sock";
/// Longest request: a word in quotes.
const REQUEST_MAX: u64 = 64;
/// An operator's program that says nothing for this long is cut off.
const PATIENCE: Duration = Duration::from_secs(5);
/// Who cannot be let in, for want of a free file handle for example, is let in later: a pause this
/// long does not keep a processor busy with trying.
const ACCEPT_PAUSE: Duration = Duration::from_secs(1);
/// Requests waiting for the node: it answers in microseconds, and there is one operator.
const ASKS_CAP: usize = 8;

/// What the operator asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Request {
    Status,
    Stop,
}

/// A question to the node, with the way back of its answer.
#[derive(Debug)]
pub enum Ask {
    /// How it stands.
    Status(oneshot::Sender<Status>),
    /// To end.
    Stop,
}

/// The control socket cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// It cannot be opened.
    #[error("the control socket {path}: {source}")]
    Bind {
        /// Where.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Nobody answers at it.
    #[error("no bootstrap node is running on {dir}")]
    NotRunning {
        /// The data directory.
        dir: PathBuf,
    },
    /// The node did not answer properly.
    #[error("the node on {dir} did not answer: {source}")]
    Broken {
        /// The data directory.
        dir: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// Opens the control socket of the node on `dir` and serves it until the receiver is dropped.
///
/// The caller holds the directory's lock, so a socket that is there already is a dead node's.
pub fn serve(dir: &Path) -> Result<mpsc::Receiver<Ask>, ControlError> {
    let path = socket_path(dir);
    let failed = |source| ControlError::Bind { path: path.clone(), source };
    let listener = bind(&path).map_err(failed)?;
    let (asks, receiver) = mpsc::channel(ASKS_CAP);
    tokio::spawn(accept(listener, asks));
    Ok(receiver)
}

fn bind(path: &Path) -> io::Result<Listener> {
    #[cfg(unix)]
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = ListenerOptions::new().name(name(path)?).create_tokio()?;
    #[cfg(unix)]
    std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    Ok(listener)
}

async fn accept(listener: Listener, asks: mpsc::Sender<Ask>) {
    loop {
        tokio::select! {
            () = asks.closed() => return,
            stream = listener.accept() => match stream {
                Ok(stream) => drop(tokio::spawn(answer(stream, asks.clone()))),
                Err(error) => {
                    tracing::warn!(%error, "the control socket has to wait");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }
}

/// Answers one connection. Faults are the operator's own: there is nobody else to tell.
async fn answer(stream: Stream, asks: mpsc::Sender<Ask>) {
    let Ok(Some(request)) = tokio::time::timeout(PATIENCE, read_request(&stream)).await else { return };
    match request {
        Request::Status => {
            let (reply, status) = oneshot::channel();
            if asks.send(Ask::Status(reply)).await.is_ok()
                && let Ok(status) = status.await
                && let Ok(mut line) = serde_json::to_vec(&status)
            {
                line.push(b'\n');
                // A caller that hangs up or does not read is no concern of the node.
                let _ = tokio::time::timeout(PATIENCE, (&stream).write_all(&line)).await;
            }
        }
        Request::Stop => {
            // The open stream is the answer: it closes when the process has ended.
            if asks.send(Ask::Stop).await.is_ok() {
                std::future::pending::<()>().await;
            }
        }
    }
}

async fn read_request(stream: &Stream) -> Option<Request> {
    let mut line = String::new();
    BufReader::new(stream.take(REQUEST_MAX)).read_line(&mut line).await.ok()?;
    serde_json::from_str(&line).ok()
}

/// Asks the node on `dir` how it stands.
pub async fn status(dir: &Path) -> Result<Status, ControlError> {
    let answer = ask(dir, Request::Status).await?;
    serde_json::from_slice(&answer)
        .map_err(|error| ControlError::Broken { dir: dir.to_owned(), source: error.into() })
}

/// Ends the node on `dir`; returns when it has ended.
pub async fn stop(dir: &Path) -> Result<(), ControlError> {
    ask(dir, Request::Stop).await.map(drop)
}

async fn ask(dir: &Path, request: Request) -> Result<Vec<u8>, ControlError> {
    let broken = |source| ControlError::Broken { dir: dir.to_owned(), source };
    let name = name(&socket_path(dir)).map_err(broken)?.into_owned();
    let stream = match Stream::connect(name).await {
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) => {
            return Err(ControlError::NotRunning { dir: dir.to_owned() });
        }
        other => other.map_err(broken)?,
    };
    let mut line = serde_json::to_vec(&request).map_err(|error| broken(error.into()))?;
    line.push(b'\n');
    (&stream).write_all(&line).await.map_err(broken)?;
    let mut answer = Vec::new();
    (&stream).read_to_end(&mut answer).await.map_err(broken)?;
    Ok(answer)
}

fn name(path: &Path) -> io::Result<Name<'_>> {
    path.to_fs_name::<GenericFilePath>()
}

#[cfg(unix)]
fn socket_path(dir: &Path) -> PathBuf {
    dir.join(SOCKET_FILE)
}

/// Named pipes share one flat space: the directory's full path makes the name its own.
#[cfg(windows)]
fn socket_path(dir: &Path) -> PathBuf {
    let full = std::path::absolute(dir).unwrap_or_else(|_| dir.to_owned());
    let flat: String =
        full.to_string_lossy().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    PathBuf::from(format!(r"\\.\pipe\kinmesh-bootstrap-{flat}"))
}
