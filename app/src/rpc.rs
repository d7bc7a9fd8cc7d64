//! The headless face: JSON-RPC 2.0, one object a line. `docs/rpc.md` describes it for its users.
//!
//! Owns the words of that protocol and nothing of what they do: every method is one call on the
//! [`Program`]. Each connection is one task that holds one request and one line of output at a
//! time, so a client that does not read slows itself down and costs no memory; the events it
//! misses are counted and told.

mod calls;
mod fault;
mod history;
mod invites;
mod message;
mod methods;
mod moderation;
mod rooms;
mod session;
#[cfg(unix)]
mod socket;
mod sound;

use std::io;
#[cfg(unix)]
use std::path::{Path, PathBuf};

use tokio::io::BufReader;

use crate::handover::Arrivals;
use crate::program::Program;
use session::End;

/// The headless face ended badly.
#[derive(Debug, thiserror::Error)]
pub enum RpcError {
    /// The peer ended although nobody asked it to.
    #[error("the peer has ended")]
    NodeGone,
    /// Standard input or output failed.
    #[error("standard input or output: {0}")]
    Pipe(#[source] io::Error),
    /// The socket cannot be served.
    #[cfg(unix)]
    #[error("the socket {path}: {source}")]
    Socket {
        /// Where.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Another program serves this socket.
    #[cfg(unix)]
    #[error("the socket {path} is in use by another program")]
    InUse {
        /// Where.
        path: PathBuf,
    },
    /// Something that is no socket is in the way.
    #[cfg(unix)]
    #[error("{path} exists and is no socket")]
    NotASocket {
        /// Where.
        path: PathBuf,
    },
}

/// Serves standard input and output until the input ends or `shutdown` is called.
pub async fn serve_pipe(program: &Program, arrivals: &Arrivals) -> Result<(), RpcError> {
    let input = BufReader::new(tokio::io::stdin());
    match session::serve(program, arrivals, input, tokio::io::stdout()).await {
        Ok(End::Closed | End::Shutdown) => Ok(()),
        Ok(End::NodeGone) => Err(RpcError::NodeGone),
        // Who read our answers is gone: the same as the end of the input.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        Err(error) => Err(RpcError::Pipe(error)),
    }
}

/// Serves a Unix socket of mode 0600 until a client calls `shutdown`.
#[cfg(unix)]
pub async fn serve_socket(program: &Program, arrivals: &Arrivals, path: &Path) -> Result<(), RpcError> {
    socket::Socket::bind(path).await?.serve(program, arrivals).await
}
