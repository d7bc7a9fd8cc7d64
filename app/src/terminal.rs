//! The terminal face: a line client that reads well on a screen and works through a pipe.
//!
//! Owns what is typed and what is printed, and no logic of the peer: every command is one call on
//! the [`Program`]. Text of other people reaches the terminal only through `safe`.

mod command;
mod entries;
mod export;
mod found;
mod invites;
pub(crate) mod names;
mod obey;
pub(crate) mod safe;
mod session;
mod words;

use std::io::{self, IsTerminal};

use kinmesh_net::ChangeError;
use kinmesh_proto::{ConversationId, NameError, RoomName};
use tokio::io::BufReader;

use crate::handover::Arrivals;
use crate::program::Program;
use session::Session;

/// The terminal face ended badly.
#[derive(Debug, thiserror::Error)]
pub enum TerminalError {
    /// `--room` is no name.
    #[error("--room: {0}")]
    Room(#[from] NameError),
    /// The room could not be joined.
    #[error("the room could not be joined: {0}")]
    Join(#[from] ChangeError),
    /// The peer ended although nobody asked it to.
    #[error("the peer has ended")]
    NodeGone,
    /// Standard input or output failed.
    #[error("standard input or output: {0}")]
    Pipe(#[source] io::Error),
}

impl From<io::Error> for TerminalError {
    fn from(error: io::Error) -> Self {
        Self::Pipe(error)
    }
}

/// Reads lines and prints what happens until the input ends or `/quit`. Plain lines go to this room
/// at first, or to what was opened at start.
pub async fn run(
    program: &Program,
    room: Option<&str>,
    opened: Option<ConversationId>,
    arrivals: &Arrivals,
) -> Result<(), TerminalError> {
    let room = match room {
        Some(name) => Some(program.node.join_room(RoomName::new(name)?).await?.id()),
        None => None,
    };
    let interactive = io::stdin().is_terminal();
    let input = BufReader::new(tokio::io::stdin());
    let start = room.map(ConversationId::Room).or(opened);
    let mut session = Session::new(program, tokio::io::stdout(), start);
    match session.run(input, interactive, arrivals).await {
        // Who read our output is gone: nobody is left to talk to.
        Err(TerminalError::Pipe(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        ended => ended,
    }
}
