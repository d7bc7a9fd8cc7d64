//! A `kinmesh-bootstrap` process.

use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use kinmesh_bootstrap::status::Status;
use libp2p::Multiaddr;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

/// Nothing here takes this long, even on a busy machine.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);
/// Loopback, any port, both transports.
pub(crate) const LISTEN: [&str; 4] =
    ["--listen", "/ip4/127.0.0.1/udp/0/quic-v1", "--listen", "/ip4/127.0.0.1/tcp/0"];

/// A running node. It is killed when dropped.
pub(crate) struct Node {
    pub(crate) child: Child,
    pub(crate) dir: TempDir,
    pub(crate) addresses: Vec<Multiaddr>,
    pub(crate) link: String,
    _stdout: Lines<BufReader<ChildStdout>>,
}

/// The program with these arguments, and its log in `dir`.
pub(crate) fn program(dir: &Path, args: &[&str]) -> Command {
    let log = std::fs::File::create(dir.join("log")).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_kinmesh-bootstrap"));
    command
        .args(args)
        .arg("--data")
        .arg(data(dir))
        .env_remove("RUST_LOG")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(log)
        .kill_on_drop(true);
    command
}

/// Runs the program to its end: what it printed, and its log.
pub(crate) async fn run_to_end(dir: &Path, args: &[&str]) -> (Output, String) {
    let child = program(dir, args).spawn().unwrap();
    let output = timeout(DEADLINE, child.wait_with_output()).await.expect("the program ends").unwrap();
    (output, log(dir))
}

/// The data directory used below `dir`.
pub(crate) fn data(dir: &Path) -> PathBuf {
    dir.join("data")
}

fn log(dir: &Path) -> String {
    std::fs::read_to_string(dir.join("log")).unwrap()
}

impl Node {
    /// Starts one on loopback.
    pub(crate) async fn start() -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), &LISTEN).await
    }

    /// Starts one in a directory that may have been used before.
    pub(crate) async fn start_in(dir: TempDir, args: &[&str]) -> Self {
        let mut child = program(dir.path(), &[&["run"], args].concat()).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut addresses = Vec::new();
        let link = loop {
            let line = timeout(DEADLINE, stdout.next_line()).await.expect("the node starts").unwrap();
            match line.unwrap_or_else(|| panic!("the node ended: {}", log(dir.path()))) {
                link if link.starts_with("kinmesh://") => break link,
                address => addresses.push(address.parse().unwrap()),
            }
        };
        Self { child, dir, addresses, link, _stdout: stdout }
    }

    /// The address of one transport.
    pub(crate) fn address(&self, transport: &str) -> Multiaddr {
        self.addresses.iter().find(|address| address.to_string().contains(transport)).unwrap().clone()
    }

    /// What `status --json` says.
    pub(crate) async fn status(&self) -> Status {
        let binary = env!("CARGO_BIN_EXE_kinmesh-bootstrap");
        let output =
            Command::new(binary).args(["status", "--json", "--data"]).arg(data(self.dir.path())).output();
        let output = timeout(DEADLINE, output).await.expect("the node answers").unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// The log so far.
    pub(crate) fn log(&self) -> String {
        log(self.dir.path())
    }

    /// Memory that is resident now, in KiB.
    #[cfg(target_os = "linux")]
    pub(crate) fn resident_kib(&self) -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id().unwrap())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }
}
