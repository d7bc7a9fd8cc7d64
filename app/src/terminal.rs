//! The terminal face: a line client that reads well on a screen and works through a pipe.
//!
//! Owns what is typed and what is printed, and no logic of the peer: every command is one call on
//! the [`Program`]. Text of other people reaches the terminal only through `safe`.

mod calls;
mod command;
mod contacts;
mod entries;
mod export;
mod found;
mod invites;
mod moderation;
pub(crate) mod names;
mod obey;
mod rooms;
pub(crate) mod safe;
mod session;
mod sound;
mod words;

use std::io::{self, IsTerminal};

use kinmesh_net::{ChangeError, EventStream};
use kinmesh_proto::{ConversationId, NameError, RoomId, RoomName};
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
    let (events, room) = enter(program, room).await?;
    let interactive = io::stdin().is_terminal();
    let input = BufReader::new(tokio::io::stdin());
    let start = room.map(ConversationId::Room).or(opened);
    let mut session = Session::new(program, tokio::io::stdout(), start);
    match session.run(input, interactive, events, arrivals).await {
        // Who read our output is gone: nobody is left to talk to.
        Err(TerminalError::Pipe(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        ended => ended,
    }
}

/// Listens, then joins: who is met, and what is said, from the first moment in the room is shown.
async fn enter(
    program: &Program,
    room: Option<&str>,
) -> Result<(EventStream, Option<RoomId>), TerminalError> {
    let events = program.node.events();
    let room = match room {
        Some(name) => Some(program.node.join_room(RoomName::new(name)?).await?.id()),
        None => None,
    };
    Ok((events, room))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // A test's panic is its report.

    use std::path::Path;

    use futures::FutureExt;
    use kinmesh_core::{ConversationEvent, Event};

    use super::*;
    use crate::args::Options;

    /// A program that nobody meets.
    pub(super) async fn program_in(dir: &Path) -> Program {
        let listen = vec!["/ip4/127.0.0.1/udp/0/quic-v1".to_owned()];
        let options = Options { data: Some(dir.into()), listen, no_mdns: true, ..Options::default() };
        Program::start(&options).await.unwrap()
    }

    #[tokio::test]
    async fn nothing_is_missed_from_the_moment_a_room_is_joined() {
        let dir = tempfile::tempdir().unwrap();
        let program = program_in(dir.path()).await;
        let (mut events, room) = enter(&program, Some("lobby")).await.unwrap();
        let lobby = ConversationId::Room(room.unwrap());
        let is_joining = |event| match event {
            Event::Conversation { conversation, change: ConversationEvent::Opened, .. } => {
                conversation == lobby
            }
            _ => false,
        };
        let mut told = std::iter::from_fn(|| events.next().now_or_never().flatten());
        assert!(told.any(is_joining), "joining is the first thing to be heard of it");
        program.node.shutdown().await;
    }
}
