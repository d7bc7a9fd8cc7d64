//! A real `kinmesh-bootstrap` process.

use std::path::PathBuf;

use anyhow::{Context, Result};
use rustix::process::Signal;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::time::timeout;

use crate::process::{DEADLINE, Process};

/// A bootstrap node on a free loopback port.
pub struct Bootstrap {
    process: Process,
    link: String,
    dir: TempDir,
}

impl Bootstrap {
    /// Starts one over QUIC, and waits until it takes connections.
    pub async fn spawn() -> Result<Self> {
        Self::spawn_on(&["/ip4/127.0.0.1/udp/0/quic-v1"]).await
    }

    /// Starts one that listens on these multiaddresses.
    pub async fn spawn_on(listen: &[&str]) -> Result<Self> {
        let dir = tempfile::tempdir()?;
        let data = dir.path().join("data").display().to_string();
        let mut args = vec!["run", "--data", &data];
        args.extend(listen.iter().flat_map(|address| ["--listen", address]));
        let (process, _input, output) = Process::spawn("kinmesh-bootstrap", args, &dir.path().join("log"))?;
        let mut lines = BufReader::new(output).lines();
        let find_link = async {
            while let Some(line) = lines.next_line().await? {
                if let Some(link) = line.split_whitespace().find(|word| word.starts_with("kinmesh://join?")) {
                    return anyhow::Ok(Some(link.to_owned()));
                }
            }
            Ok(None)
        };
        let found = timeout(DEADLINE, find_link).await;
        let link = found.ok().transpose()?.flatten();
        let link =
            link.with_context(|| format!("the bootstrap node prints no join link\n{}", process.log_tail()))?;
        // It must never block on a full pipe.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Ok(Self { process, link, dir })
    }

    /// Its `kinmesh://join` link, for [`crate::PeerOptions::join`].
    pub fn join_link(&self) -> &str {
        &self.link
    }

    /// Its data directory.
    pub fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// Its process id.
    pub fn pid(&self) -> Result<u32> {
        Ok(self.process.id()?.as_raw_nonzero().get().try_into()?)
    }

    /// Kills it without a goodbye.
    pub async fn kill9(mut self) -> Result<()> {
        self.process.kill9().await
    }

    /// Ends it with SIGTERM, and waits for a clean end.
    pub async fn shutdown(mut self) -> Result<()> {
        self.process.signal(Signal::TERM)?;
        self.process.ended_well().await
    }
}
