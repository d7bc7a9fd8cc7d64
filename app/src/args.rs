//! The command line: what `kinmesh` takes, with its help. Parses and decides nothing.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::export::Format;

const EXAMPLES: &str = "\
Examples:
  kinmesh                                     Start the window
  kinmesh 'kinmesh://invite/...'              Open an invitation; a file with one works, too
  kinmesh --join 'kinmesh://join?node=...'    Enter the mesh through somebody's link
  kinmesh chat --room lobby                   Chat in the terminal
  printf 'hello\\n' | kinmesh chat --room lobby --name Bo
  kinmesh rpc --data /srv/bot --name Bot      Drive a peer from a program (docs/rpc.md)
  kinmesh rpc --listen-socket /run/user/1000/kinmesh.sock
  kinmesh export backup.age                   Everything of yours, behind a passphrase
  kinmesh import backup.age --data NEW_DIR
  kinmesh export-conversation --room lobby --format markdown lobby.md
  kinmesh passphrase set                      Seal what lies on this disk
  kinmesh links install                       Open kinmesh:// links on this desktop with Kinmesh

Logs go to standard error: RUST_LOG=kinmesh=debug shows what the peer does.";

/// Chat with nobody in between: rooms and one-to-one chat on a mesh of your own machines.
#[derive(Debug, Parser)]
#[command(name = "kinmesh", version, after_help = EXAMPLES)]
pub struct Command {
    /// A kinmesh:// link, or a file with an invitation, to open
    #[arg(value_name = "LINK_OR_FILE")]
    pub open: Option<String>,
    /// Which face the program shows.
    #[command(subcommand)]
    pub face: Option<Face>,
    /// Options of every face.
    #[command(flatten)]
    pub options: Options,
}

impl Command {
    /// The face asked for: the window when none is named.
    pub fn face(&self) -> Face {
        self.face.clone().unwrap_or(Face::Desktop)
    }
}

/// The three faces of the program, and what can be done with a peer that is stopped.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum Face {
    /// The window (the default)
    Desktop,
    /// Chat in the terminal, or through a pipe
    Chat {
        /// Join this room at start
        #[arg(long, value_name = "NAME")]
        room: Option<String>,
    },
    /// JSON-RPC 2.0, one object a line, on standard input and output
    Rpc {
        /// Serve on a Unix socket that only you can open, instead of standard input and output
        #[cfg(unix)]
        #[arg(long, value_name = "PATH")]
        listen_socket: Option<PathBuf>,
    },
    /// Set, change or remove the passphrase of a stopped peer
    #[command(subcommand)]
    Passphrase(PassphraseCommand),
    /// Whether this desktop opens kinmesh:// links and invitation files with Kinmesh
    #[command(subcommand)]
    Links(Links),
    /// What is done with a peer that is stopped.
    #[command(flatten)]
    Backup(Backup),
}

/// Whether a desktop opens links with this program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Subcommand)]
pub enum Links {
    /// From now on
    Install,
    /// No longer
    Remove,
}

/// What is done with the passphrase of a stopped peer. The present one comes from `--unlock-file`.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum PassphraseCommand {
    /// Seal keys, history and search index; forgotten, the passphrase cannot be recovered
    Set {
        /// The passphrase.
        #[command(flatten)]
        new: PassphraseOption,
    },
    /// Put another passphrase in the place of the present one
    Change {
        /// The other one.
        #[command(flatten)]
        new: PassphraseOption,
    },
    /// Write everything anew without a seal
    Remove,
}

/// What is done with a peer that is stopped.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum Backup {
    /// Export everything of a stopped peer into one archive, locked by a passphrase
    Export {
        /// The archive; one of that name is replaced
        file: PathBuf,
        /// Its passphrase.
        #[command(flatten)]
        passphrase: PassphraseOption,
    },
    /// Import an archive into a data directory that is empty or does not exist yet
    Import {
        /// The archive
        file: PathBuf,
        /// Its passphrase.
        #[command(flatten)]
        passphrase: PassphraseOption,
    },
    /// Export one conversation of a stopped peer
    ExportConversation {
        /// Which one.
        #[command(flatten)]
        which: Which,
        /// What the file is made for
        #[arg(long, value_enum)]
        format: Format,
        /// The file; one of that name is replaced
        file: PathBuf,
    },
}

/// Where a passphrase comes from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct PassphraseOption {
    /// Read the passphrase from the first line of this file, instead of asking for it
    #[arg(long, value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,
}

/// A conversation, as it is named on the command line.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[group(required = true, multiple = false)]
pub struct Which {
    /// The room of this name
    #[arg(long, value_name = "NAME")]
    pub room: Option<String>,
    /// The chat with this person: a name, a nickname or a fingerprint
    #[arg(long, value_name = "WHO")]
    pub person: Option<String>,
}

/// Options of every face.
#[derive(Debug, Clone, Default, Args)]
pub struct Options {
    /// Where keys, history and settings live; one program at a time [default: your platform's place]
    #[arg(long, global = true, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Read the passphrase of a locked peer from the first line of this file, instead of asking for it
    #[arg(long, global = true, value_name = "FILE")]
    pub unlock_file: Option<PathBuf>,
    /// What others see you called
    #[arg(long, global = true, value_name = "NAME")]
    pub name: Option<String>,
    /// Enter the mesh here, now and at every later start: a kinmesh://join link, or a multiaddress that
    /// ends in /p2p/ and an id; or open a kinmesh://invite link (repeatable)
    #[arg(long, global = true, value_name = "LINK_OR_ADDRESS")]
    pub join: Vec<String>,
    /// Listen on this multiaddress only, /ip4/0.0.0.0/udp/4001/quic-v1 for example (repeatable)
    /// [default: QUIC and TCP on every interface]
    #[arg(long, global = true, value_name = "ADDRESS")]
    pub listen: Vec<String>,
    /// Do not look for peers on the local network
    #[arg(long, global = true)]
    pub no_mdns: bool,
    /// How log lines look
    #[arg(long, global = true, value_enum, default_value_t, value_name = "FORMAT")]
    pub log_format: LogFormat,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Text for people
    #[default]
    Human,
    /// One JSON object a line
    Json,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definition_is_sound() {
        Command::command().debug_assert();
    }

    #[test]
    fn the_window_is_the_default() {
        assert_eq!(Command::parse_from(["kinmesh"]).face(), Face::Desktop);
    }

    #[test]
    fn a_link_stands_alone_and_a_face_is_no_link() {
        let command = Command::parse_from(["kinmesh", "kinmesh://invite/abc"]);
        assert_eq!((command.open.as_deref(), command.face()), (Some("kinmesh://invite/abc"), Face::Desktop));
        let command = Command::parse_from(["kinmesh", "links", "install"]);
        assert_eq!((command.open, command.face), (None, Some(Face::Links(Links::Install))));
    }

    #[test]
    fn options_stand_before_and_after_the_face() {
        let before = Command::parse_from(["kinmesh", "--name", "Bo", "chat", "--room", "lobby"]);
        let after = Command::parse_from(["kinmesh", "chat", "--room", "lobby", "--name", "Bo"]);
        for command in [before, after] {
            assert_eq!(command.options.name.as_deref(), Some("Bo"));
            assert_eq!(command.face(), Face::Chat { room: Some("lobby".into()) });
        }
    }

    #[test]
    fn one_conversation_is_exported_at_a_time() {
        let parse = |which: &[&str]| {
            let command = ["kinmesh", "export-conversation", "--format", "json", "x.json"];
            Command::try_parse_from(command.iter().chain(which))
        };
        assert!(parse(&["--room", "lobby"]).is_ok());
        assert!(parse(&["--person", "Bo"]).is_ok());
        assert!(parse(&["--room", "lobby", "--person", "Bo"]).is_err());
        assert!(parse(&[]).is_err());
    }

    #[test]
    fn join_and_listen_may_be_repeated() {
        let command = Command::parse_from(["kinmesh", "rpc", "--join", "a", "--join", "b", "--listen", "c"]);
        assert_eq!(command.options.join, ["a", "b"]);
        assert_eq!(command.options.listen, ["c"]);
    }
}
