//! A child process that dies with its owner, with its standard error kept for error messages.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

/// Longest wait for anything: far above what an idle machine needs, so that a busy one passes too.
pub const DEADLINE: Duration = Duration::from_secs(30);
/// Bytes of standard error that an error message carries.
const LOG_TAIL: usize = 4000;

/// A running program.
pub(crate) struct Process {
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts a program with piped input and output; its standard error goes to the file `log`.
    pub(crate) fn spawn<A: AsRef<OsStr>>(
        name: &str,
        args: impl IntoIterator<Item = A>,
        log: &Path,
    ) -> Result<(Self, ChildStdin, ChildStdout)> {
        let filter = std::env::var("RUST_LOG").unwrap_or_else(|_| "error,kinmesh=debug".into());
        let stderr = File::options().create(true).append(true).open(log)?;
        let mut child = Command::new(crate::binary::path(name))
            .args(args)
            .env("RUST_LOG", filter)
            .env("LC_ALL", "C.UTF-8")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(stderr)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("starting {name}"))?;
        let input = child.stdin.take().context("standard input is piped")?;
        let output = child.stdout.take().context("standard output is piped")?;
        Ok((Self { child, log: log.into() }, input, output))
    }

    /// Its process id, as long as it was not seen to end.
    pub(crate) fn id(&self) -> Result<Pid> {
        let id = self.child.id().context("the process has ended")?;
        Pid::from_raw(id.try_into()?).context("a process id is positive")
    }

    /// SIGKILL: it gets no chance to say goodbye.
    pub(crate) async fn kill9(&mut self) -> Result<()> {
        Ok(self.child.kill().await?)
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, signal: Signal) -> Result<()> {
        Ok(kill_process(self.id()?, signal)?)
    }

    /// Waits for its end.
    pub(crate) async fn ended(&mut self) -> Result<ExitStatus> {
        let ended = timeout(DEADLINE, self.child.wait()).await;
        Ok(ended.with_context(|| format!("it does not end\n{}", self.log_tail()))??)
    }

    /// Waits for its end, which must be a clean one.
    pub(crate) async fn ended_well(&mut self) -> Result<()> {
        let status = self.ended().await?;
        ensure!(status.success(), "it ended with {status}\n{}", self.log_tail());
        Ok(())
    }

    /// The end of its standard error.
    pub(crate) fn log_tail(&self) -> String {
        let log = fs::read(&self.log).unwrap_or_default();
        let tail = &log[log.len().saturating_sub(LOG_TAIL)..];
        format!("--- standard error of the program ends so:\n{}", String::from_utf8_lossy(tail))
    }
}
