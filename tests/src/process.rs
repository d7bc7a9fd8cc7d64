//! A child process that dies with its owner, with its standard error kept for error messages.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Output, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

/// Longest wait for anything: far above what an idle machine needs, so that a busy one passes too, and
/// above the periods of 30 s in which the protocol looks again for what it missed.
pub const DEADLINE: Duration = Duration::from_secs(90);
/// Bytes of standard error that an error message carries.
const LOG_TAIL: usize = 4000;

/// Runs a program to its end on this input.
pub async fn run(name: &str, args: &[&str], input: &str) -> Result<Output> {
    let mut child = command(name, &[]).args(args).stderr(Stdio::piped()).spawn()?;
    let mut stdin = child.stdin.take().context("standard input is piped")?;
    // A program that refuses to start reads nothing; its exit status tells.
    let _ = stdin.write_all(input.as_bytes()).await;
    drop(stdin);
    Ok(timeout(DEADLINE, child.wait_with_output())
        .await
        .with_context(|| format!("{name} does not end"))??)
}

fn command(name: &str, wrapper: &[String]) -> Command {
    let program = crate::binary::path(name);
    let mut words = wrapper.iter().map(OsStr::new).chain([program.as_os_str()]);
    let mut command = Command::new(words.next().unwrap_or_default());
    command.args(words);
    // Words are compared in tests: the same language everywhere.
    command.env("LC_ALL", "C.UTF-8").stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
    command
}

/// Bytes of memory that a process has in use, as Linux counts them.
pub fn resident_bytes(pid: u32) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("it is resident")?;
    let kib = resident.split_whitespace().next().context("its size is a number")?;
    Ok(kib.parse::<u64>()? * 1024)
}

/// A running program.
pub struct Process {
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts a program with piped input and output; its standard error goes to the file `log`.
    pub fn spawn<A: AsRef<OsStr>>(
        name: &str,
        args: impl IntoIterator<Item = A>,
        log: &Path,
    ) -> Result<(Self, ChildStdin, ChildStdout)> {
        Self::spawn_in(&[], name, args, log)
    }

    /// The same behind these words: a program that sets something up and becomes the wanted one, so
    /// that the process id is the latter's.
    pub fn spawn_in<A: AsRef<OsStr>>(
        wrapper: &[String],
        name: &str,
        args: impl IntoIterator<Item = A>,
        log: &Path,
    ) -> Result<(Self, ChildStdin, ChildStdout)> {
        let filter = std::env::var("RUST_LOG").unwrap_or_else(|_| "error,kinmesh=debug".into());
        let stderr = File::options().create(true).append(true).open(log)?;
        let started = command(name, wrapper).args(args).env("RUST_LOG", filter).stderr(stderr).spawn();
        let mut child = started.with_context(|| format!("starting {name}"))?;
        let input = child.stdin.take().context("standard input is piped")?;
        let output = child.stdout.take().context("standard output is piped")?;
        Ok((Self { child, log: log.into() }, input, output))
    }

    /// Its process id, as long as it was not seen to end.
    pub fn id(&self) -> Result<Pid> {
        let id = self.child.id().context("the process has ended")?;
        Pid::from_raw(id.try_into()?).context("a process id is positive")
    }

    /// SIGKILL: it gets no chance to say goodbye.
    pub async fn kill9(&mut self) -> Result<()> {
        Ok(self.child.kill().await?)
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        Ok(kill_process(self.id()?, signal)?)
    }

    /// Whether it has ended by now.
    pub fn has_ended(&mut self) -> Result<bool> {
        Ok(self.child.try_wait()?.is_some())
    }

    /// Waits for its end.
    pub async fn ended(&mut self) -> Result<ExitStatus> {
        let ended = timeout(DEADLINE, self.child.wait()).await;
        Ok(ended.with_context(|| format!("it does not end\n{}", self.log_tail()))??)
    }

    /// Waits for its end, which must be a clean one.
    pub async fn ended_well(&mut self) -> Result<()> {
        let status = self.ended().await?;
        ensure!(status.success(), "it ended with {status}\n{}", self.log_tail());
        Ok(())
    }

    /// The end of its standard error.
    pub fn log_tail(&self) -> String {
        let log = fs::read(&self.log).unwrap_or_default();
        let tail = &log[log.len().saturating_sub(LOG_TAIL)..];
        format!("--- standard error of the program ends so:\n{}", String::from_utf8_lossy(tail))
    }
}
