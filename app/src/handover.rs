//! Links that a second start of the program hands over to the one that runs.
//!
//! A local socket in the data directory, for its owner only; a named pipe on Windows. One line each
//! way. Owns how they get across, and knows nothing of what a link means.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use interprocess::local_socket::tokio::prelude::*;
use interprocess::local_socket::tokio::{Listener, Stream};
use interprocess::local_socket::{GenericFilePath, ListenerOptions, Name};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::sync::broadcast;
use tokio::time::timeout;

/// The socket in the data directory.
#[cfg(unix)]
const SOCKET_FILE: &str = "links.sock";
/// Longest line: the longest link there is, or the path of a file, quoted.
const LINE_MAX: u64 = 64 * 1024;
/// Whoever says nothing for this long is cut off.
const PATIENCE: Duration = Duration::from_secs(5);
/// Links on their way to a face: a person clicks one at a time.
const LINKS_CAP: usize = 16;
/// What the running program says when it has taken a line.
const TAKEN: &str = "taken\n";

/// Where links arrive that were handed over. Clones share it.
#[derive(Debug, Clone)]
pub struct Arrivals {
    links: broadcast::Sender<String>,
    has_window: bool,
}

impl Default for Arrivals {
    fn default() -> Self {
        Self { links: broadcast::channel(LINKS_CAP).0, has_window: false }
    }
}

impl Arrivals {
    /// The same for a program that can show itself.
    pub fn of_window() -> Self {
        Self { has_window: true, ..Self::default() }
    }

    /// Links from now on. An empty one only asks a window to show itself.
    pub fn listen(&self) -> broadcast::Receiver<String> {
        self.links.subscribe()
    }

    /// Takes what second starts hand over, until the runtime ends. Without a socket, which a data
    /// directory with a very long path cannot have, a second start says that another program runs here.
    ///
    /// Must be called on a runtime, by the program that runs on this directory: a socket that is there
    /// already is a dead one's.
    pub fn serve(&self, data_dir: &Path) {
        match bind(&socket_path(data_dir)) {
            Ok(listener) => drop(tokio::spawn(accept(listener, self.clone()))),
            Err(error) => tracing::warn!(%error, "links of a second start are not taken"),
        }
    }
}

/// Hands a link over to the program that runs on this data directory. Whether there is one.
pub async fn hand_over(data_dir: &Path, link: &str) -> io::Result<bool> {
    let path = socket_path(data_dir);
    let stream = match Stream::connect(name(&path)?.into_owned()).await {
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) => {
            return Ok(false);
        }
        stream => stream?,
    };
    let mut line = serde_json::to_vec(link)?;
    line.push(b'\n');
    (&stream).write_all(&line).await?;
    let mut answer = String::new();
    let read = BufReader::new((&stream).take(TAKEN.len() as u64)).read_line(&mut answer).await;
    read?;
    Ok(answer == TAKEN)
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

async fn accept(listener: Listener, arrivals: Arrivals) {
    loop {
        match listener.accept().await {
            Ok(stream) => drop(tokio::spawn(take(stream, arrivals.clone()))),
            Err(error) => {
                tracing::warn!(%error, "links of a second start are no longer taken");
                return;
            }
        }
    }
}

/// Takes one link. It says so only if a face hears it.
async fn take(stream: Stream, arrivals: Arrivals) {
    let Ok(Some(link)) = timeout(PATIENCE, read_link(&stream)).await else { return };
    let is_wanted = arrivals.has_window || !link.is_empty();
    if is_wanted && arrivals.links.send(link).is_ok() {
        // Whoever hung up has done what they wanted.
        let _ = timeout(PATIENCE, (&stream).write_all(TAKEN.as_bytes())).await;
    }
}

async fn read_link(stream: &Stream) -> Option<String> {
    let mut line = String::new();
    BufReader::new(stream.take(LINE_MAX)).read_line(&mut line).await.ok()?;
    serde_json::from_str(&line).ok()
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
    PathBuf::from(format!(r"\\.\pipe\kinmesh-links-{flat}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_link_gets_to_the_program_that_runs() {
        let dir = tempfile::tempdir().unwrap();
        assert!(!hand_over(dir.path(), "kinmesh://x").await.unwrap(), "nobody runs here");
        let arrivals = Arrivals::default();
        arrivals.serve(dir.path());
        let mut heard = arrivals.listen();
        assert!(hand_over(dir.path(), "kinmesh://x\n林").await.unwrap());
        assert_eq!(heard.recv().await.unwrap(), "kinmesh://x\n林");
        assert!(!hand_over(dir.path(), "").await.unwrap(), "there is nothing to show");
        drop(heard);
        assert!(!hand_over(dir.path(), "kinmesh://y").await.unwrap(), "no face hears it");
    }

    #[tokio::test]
    async fn a_dead_programs_socket_is_replaced_and_others_cannot_open_it() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(socket_path(dir.path()), "").unwrap();
        let arrivals = Arrivals::of_window();
        arrivals.serve(dir.path());
        let mut heard = arrivals.listen();
        assert!(hand_over(dir.path(), "").await.unwrap());
        assert_eq!(heard.recv().await.unwrap(), "");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::metadata(socket_path(dir.path())).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }
}
