//! The same protocol on a Unix socket that only its owner can open.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::io::BufReader;
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinSet;

use super::RpcError;
use super::session::{self, End};
use crate::handover::Arrivals;
use crate::program::Program;

/// Clients served at once: a few bots and a person with a script. Others wait in the kernel's queue.
const CLIENTS_MAX: usize = 16;

/// Who cannot be let in, for want of a free file handle for example, is let in later: a pause this
/// long does not keep a processor busy with trying.
const ACCEPT_PAUSE: Duration = Duration::from_secs(1);

/// A bound socket. Its file is removed when this is dropped.
pub(super) struct Socket {
    listener: UnixListener,
    path: PathBuf,
}

impl Socket {
    /// Binds the socket; one that a dead program left behind is replaced.
    pub(super) async fn bind(path: &Path) -> Result<Self, RpcError> {
        refuse_if_taken(path).await?;
        let listener = bind_private(path).map_err(|source| RpcError::Socket { path: path.into(), source })?;
        Ok(Self { listener, path: path.into() })
    }

    /// Serves clients until one of them asks for the end.
    pub(super) async fn serve(self, program: &Program, arrivals: &Arrivals) -> Result<(), RpcError> {
        let mut sessions: JoinSet<io::Result<End>> = JoinSet::new();
        loop {
            tokio::select! {
                client = self.listener.accept(), if sessions.len() < CLIENTS_MAX => match client {
                    Ok((stream, _)) => {
                        let (program, arrivals) = (program.clone(), arrivals.clone());
                        sessions.spawn(async move { serve_client(&program, &arrivals, stream).await });
                    }
                    Err(error) => {
                        tracing::warn!(%error, "a client of the socket has to wait");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                },
                Some(ended) = sessions.join_next() => match ended {
                    Ok(Ok(End::Shutdown)) => return Ok(()),
                    Ok(Ok(End::NodeGone)) => return Err(RpcError::NodeGone),
                    // A client that went away in the middle of a line harms nobody but itself.
                    Ok(Ok(End::Closed) | Err(_)) => {}
                    Err(panicked) => tracing::error!(%panicked, "a client's session broke"),
                },
            }
        }
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        // Whoever removed it before us did our work.
        let _ = fs::remove_file(&self.path);
    }
}

async fn serve_client(program: &Program, arrivals: &Arrivals, stream: UnixStream) -> io::Result<End> {
    let (input, output) = stream.into_split();
    session::serve(program, arrivals, BufReader::new(input), output).await
}

async fn refuse_if_taken(path: &Path) -> Result<(), RpcError> {
    let Ok(found) = fs::symlink_metadata(path) else { return Ok(()) };
    if !found.file_type().is_socket() {
        return Err(RpcError::NotASocket { path: path.into() });
    }
    match UnixStream::connect(path).await {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Ok(()),
        Err(source) => Err(RpcError::Socket { path: path.into(), source }),
        Ok(_) => Err(RpcError::InUse { path: path.into() }),
    }
}

/// Binds in a private directory beside `path` and renames, so that nobody else can connect
/// before the mode is set. The rename also replaces a stale socket.
fn bind_private(path: &Path) -> io::Result<UnixListener> {
    let parent = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    let private = parent.join(format!(".kinmesh-{}", std::process::id()));
    fs::DirBuilder::new().mode(0o700).create(&private)?;
    let bound = bind_and_move(&private.join("s"), path);
    fs::remove_dir(&private)?;
    bound
}

fn bind_and_move(from: &Path, to: &Path) -> io::Result<UnixListener> {
    let listener = UnixListener::bind(from)?;
    let moved =
        fs::set_permissions(from, fs::Permissions::from_mode(0o600)).and_then(|()| fs::rename(from, to));
    if let Err(error) = moved {
        // The error that matters is the first one.
        let _ = fs::remove_file(from);
        return Err(error);
    }
    Ok(listener)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_owner_can_open_it_and_it_goes_with_its_program() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("s.sock");
        let socket = Socket::bind(&path).await.unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
        UnixStream::connect(&path).await.unwrap();
        drop(socket);
        assert!(!path.exists());
    }

    #[tokio::test]
    async fn a_socket_in_use_is_refused_and_a_stale_one_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("s.sock");
        let first = std::os::unix::net::UnixListener::bind(&path).unwrap();
        assert!(matches!(Socket::bind(&path).await, Err(RpcError::InUse { .. })));
        drop(first);
        let socket = Socket::bind(&path).await.unwrap();
        UnixStream::connect(&path).await.unwrap();
        drop(socket);
    }

    #[tokio::test]
    async fn a_file_in_the_way_is_never_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("letter");
        fs::write(&path, "dear").unwrap();
        assert!(matches!(Socket::bind(&path).await, Err(RpcError::NotASocket { .. })));
        assert_eq!(fs::read_to_string(&path).unwrap(), "dear");
    }

    #[tokio::test]
    async fn a_missing_directory_is_named() {
        let error = Socket::bind(Path::new("/nowhere/s.sock")).await.err().unwrap();
        assert!(error.to_string().starts_with("the socket /nowhere/s.sock:"), "{error}");
    }
}
