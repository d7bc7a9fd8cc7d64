//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use libp2p::Multiaddr;

use crate::settings::{LogFormat, SettingsError, Wishes};

const EXAMPLES: &str = "\
Examples:
  Run on the default port 4711, QUIC and TCP, IPv4 and IPv6:
    kinmesh-bootstrap
  Behind a router that forwards UDP and TCP port 4711, under a name:
    kinmesh-bootstrap run --external-address /dns4/boot.example.org/udp/4711/quic-v1 \\
                          --external-address /dns4/boot.example.org/tcp/4711
  On one address and port, with a configuration file and JSON logs:
    kinmesh-bootstrap run --listen /ip4/192.0.2.1/udp/9000/quic-v1 \\
                          --config /etc/kinmesh-bootstrap.toml --log-format json
  See who is connected, and end the node:
    kinmesh-bootstrap status
    kinmesh-bootstrap stop";

/// Introduces Kinmesh peers to each other. Carries no message.
#[derive(Debug, Parser)]
#[command(name = "kinmesh-bootstrap", version, after_help = EXAMPLES, args_conflicts_with_subcommands = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    run: RunArgs,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the node (the default).
    #[command(after_help = EXAMPLES)]
    Run(RunArgs),
    /// Show the address, uptime, connected peers and registrations of a running node.
    Status {
        /// Which node.
        #[command(flatten)]
        place: PlaceArgs,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// End a running node, and wait until it has ended.
    Stop {
        /// Which node.
        #[command(flatten)]
        place: PlaceArgs,
    },
}

/// Where a node's data is.
#[derive(Debug, Args)]
pub struct PlaceArgs {
    /// Directory of the node's key and control socket.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// TOML file with the keys listen, external-address, data and log-format.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// How to run.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// Address to listen on; may be given several times. Default: QUIC and TCP on port 4711 of all
    /// IPv4 and IPv6 addresses.
    #[arg(long, value_name = "MULTIADDR")]
    listen: Vec<String>,
    /// Address at which others reach this node, for the join link; may be given several times.
    #[arg(long, value_name = "MULTIADDR")]
    external_address: Vec<String>,
    /// How log lines on standard error look.
    #[arg(long, value_enum)]
    log_format: Option<LogFormat>,
    #[command(flatten)]
    place: PlaceArgs,
}

impl Cli {
    /// The command, `run` when none is named.
    pub fn command(self) -> Command {
        self.command.unwrap_or(Command::Run(self.run))
    }
}

impl PlaceArgs {
    /// With the configuration file's settings where the command line is silent.
    pub fn wishes(self) -> Result<Wishes, SettingsError> {
        let file = self.config.as_deref().map(Wishes::from_file).transpose()?.unwrap_or_default();
        Ok(Wishes { data: self.data, ..Wishes::default() }.or(file))
    }
}

impl RunArgs {
    /// With the configuration file's settings where the command line is silent.
    pub fn wishes(self) -> Result<Wishes, SettingsError> {
        let line = Wishes {
            listen: addresses(self.listen)?,
            external_address: addresses(self.external_address)?,
            data: None,
            log_format: self.log_format,
        };
        Ok(line.or(self.place.wishes()?))
    }
}

/// Read here and not by clap, which says it in several lines.
fn addresses(texts: Vec<String>) -> Result<Vec<Multiaddr>, SettingsError> {
    let read = |text: String| text.parse().map_err(|_| SettingsError::NoAddress(text));
    texts.into_iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        <Cli as CommandFactory>::command().debug_assert();
    }

    #[test]
    fn run_is_what_happens_when_no_command_is_named() {
        let cli = Cli::parse_from(["kinmesh-bootstrap", "--data", "/srv/x"]);
        let Command::Run(args) = Cli::command(cli) else { panic!("not run") };
        assert_eq!(args.wishes().unwrap().data, Some("/srv/x".into()));
    }
}
