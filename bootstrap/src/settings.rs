//! What the operator asks for: defaults, then the configuration file, then the command line.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use libp2p::Multiaddr;
use serde::Deserialize;

use crate::address;

/// The port when none is asked for. Not assigned to anybody, and easy to remember.
pub const PORT_DEFAULT: u16 = 4711;

/// How log lines look.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum LogFormat {
    /// For reading.
    #[default]
    Human,
    /// One JSON object a line.
    Json,
}

/// A source of settings: the configuration file or the command line. What is absent is not asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Wishes {
    /// Addresses to listen on.
    #[serde(default)]
    pub listen: Vec<Multiaddr>,
    /// Addresses at which others reach the node.
    #[serde(default)]
    pub external_address: Vec<Multiaddr>,
    /// Where the node's key lives.
    pub data: Option<PathBuf>,
    /// How log lines look.
    pub log_format: Option<LogFormat>,
}

/// What the node runs with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Addresses to listen on.
    pub listen: Vec<Multiaddr>,
    /// Whether they are the defaults, so that one of them may be missing on this machine.
    pub listen_is_default: bool,
    /// Addresses at which others reach the node.
    pub external: Vec<Multiaddr>,
    /// Where the node's key and control socket live.
    pub data: PathBuf,
    /// How log lines look.
    pub log_format: LogFormat,
}

/// The settings do not hold.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The configuration file cannot be read.
    #[error("the configuration file {path}: {source}")]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The configuration file is not TOML, or holds an unknown key or a bad value.
    #[error("the configuration file {path}{}: {}", line.map(|line| format!(", line {line}")).unwrap_or_default(), source.message())]
    Malformed {
        /// Which file.
        path: PathBuf,
        /// Where in it, from 1.
        line: Option<usize>,
        /// What is wrong.
        #[source]
        source: Box<toml::de::Error>,
    },
    /// A word that is no address.
    #[error("\"{0}\" is not an address: expected something like /ip4/0.0.0.0/udp/4711/quic-v1")]
    NoAddress(String),
    /// An address that the node does not speak.
    #[error(
        "{0} is not usable: expected /ip4/<address>/udp/<port>/quic-v1 or /ip4/<address>/tcp/<port> (also ip6 or a dns name)"
    )]
    Address(Multiaddr),
    /// There is no home directory, and no `--data`.
    #[error("no place for the node's data is known on this system: name one with --data")]
    NoDataDirectory,
}

impl Wishes {
    /// Reads a configuration file.
    pub fn from_file(path: &Path) -> Result<Self, SettingsError> {
        let text = fs::read_to_string(path)
            .map_err(|source| SettingsError::Unreadable { path: path.into(), source })?;
        toml::from_str(&text).map_err(|source| {
            let line = source.span().map(|span| text[..span.start].matches('\n').count() + 1);
            SettingsError::Malformed { path: path.into(), line, source: Box::new(source) }
        })
    }

    /// These wishes, and `other`'s where these say nothing.
    pub fn or(self, other: Self) -> Self {
        let either = |own: Vec<Multiaddr>, other| if own.is_empty() { other } else { own };
        Self {
            listen: either(self.listen, other.listen),
            external_address: either(self.external_address, other.external_address),
            data: self.data.or(other.data),
            log_format: self.log_format.or(other.log_format),
        }
    }

    /// The place of the node's data.
    pub fn data_dir(&self) -> Result<PathBuf, SettingsError> {
        let by_platform = || {
            directories::ProjectDirs::from("", "", "kinmesh-bootstrap").map(|dirs| dirs.data_dir().to_owned())
        };
        self.data.clone().or_else(by_platform).ok_or(SettingsError::NoDataDirectory)
    }

    /// Fills in the defaults and checks the addresses.
    pub fn settle(self) -> Result<Settings, SettingsError> {
        let data = self.data_dir()?;
        if let Some(bad) =
            self.listen.iter().chain(&self.external_address).find(|address| !address::is_usable(address))
        {
            return Err(SettingsError::Address(bad.clone()));
        }
        let listen_is_default = self.listen.is_empty();
        Ok(Settings {
            listen: if listen_is_default { listen_default() } else { self.listen },
            listen_is_default,
            external: self.external_address,
            data,
            log_format: self.log_format.unwrap_or_default(),
        })
    }
}

fn listen_default() -> Vec<Multiaddr> {
    use libp2p::multiaddr::Protocol::{Ip4, Ip6, QuicV1, Tcp, Udp};
    let (v4, v6) = (Ip4([0; 4].into()), Ip6([0; 16].into()));
    [v4, v6]
        .into_iter()
        .flat_map(|ip| {
            let ip = Multiaddr::from(ip);
            [ip.clone().with(Udp(PORT_DEFAULT)).with(QuicV1), ip.with(Tcp(PORT_DEFAULT))]
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_wins_over_the_file_and_the_file_over_the_defaults() {
        let file: Wishes =
            toml::from_str("data = '/srv/a'\nlog-format = 'json'\nlisten = ['/ip4/0.0.0.0/tcp/1']\n")
                .unwrap();
        let line = Wishes { data: Some("/srv/b".into()), ..Wishes::default() };
        let settings = line.or(file).settle().unwrap();
        assert_eq!(settings.data, PathBuf::from("/srv/b"));
        assert_eq!(settings.log_format, LogFormat::Json);
        assert_eq!(settings.listen, ["/ip4/0.0.0.0/tcp/1".parse().unwrap()]);
        assert!(!settings.listen_is_default);
    }

    #[test]
    fn by_default_it_listens_with_quic_and_tcp_on_both_families() {
        let settings = Wishes { data: Some("/srv".into()), ..Wishes::default() }.settle().unwrap();
        let texts: Vec<_> = settings.listen.iter().map(ToString::to_string).collect();
        assert_eq!(
            texts,
            [
                "/ip4/0.0.0.0/udp/4711/quic-v1",
                "/ip4/0.0.0.0/tcp/4711",
                "/ip6/::/udp/4711/quic-v1",
                "/ip6/::/tcp/4711"
            ]
        );
    }

    #[test]
    fn an_address_that_is_not_spoken_is_refused() {
        let wishes = Wishes { listen: vec!["/ip4/0.0.0.0/tcp/1/ws".parse().unwrap()], ..Wishes::default() };
        let wishes = Wishes { data: Some("/srv".into()), ..wishes };
        assert!(matches!(wishes.settle(), Err(SettingsError::Address(_))));
    }
}
