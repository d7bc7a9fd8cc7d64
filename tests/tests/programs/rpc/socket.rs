//! The same protocol on a Unix socket.

use std::os::unix::fs::PermissionsExt;

use kinmesh_tests::Process;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};

use super::*;

/// How often it is tried whether the socket is there: nothing tells.
const LOOK_EVERY: Duration = Duration::from_millis(20);

struct Server {
    process: Process,
    dir: TempDir,
}

impl Server {
    fn path(&self) -> PathBuf {
        self.dir.path().join("k.sock")
    }

    /// Starts a peer on a socket, and waits until it says on it that it is up.
    async fn spawn() -> Result<Self> {
        let dir = tempfile::tempdir()?;
        let process = spawn_on(&dir)?;
        let server = Self { process, dir };
        server.client().await?;
        Ok(server)
    }

    /// Connects, as soon as the socket is there: it appears ready, by a rename.
    async fn client(&self) -> Result<Client> {
        let connected = async {
            loop {
                match UnixStream::connect(self.path()).await {
                    Ok(stream) => return stream,
                    Err(_) => tokio::time::sleep(LOOK_EVERY).await,
                }
            }
        };
        let stream = tokio::time::timeout(kinmesh_tests::DEADLINE, connected).await;
        let (input, output) = stream.with_context(|| self.process.log_tail())?.into_split();
        Ok(Client { lines: BufReader::new(input).lines(), output })
    }
}

fn spawn_on(dir: &TempDir) -> Result<Process> {
    let path = |name: &str| dir.path().join(name).display().to_string();
    let (data, socket) = (path("data"), path("k.sock"));
    let args = ["rpc", "--data", &data, "--listen-socket", &socket, "--name", "Alice", "--no-mdns"];
    let args = args.into_iter().chain(["--listen", "/ip4/127.0.0.1/tcp/0"]);
    // Its standard input ends at once, as a service's does.
    Ok(Process::spawn("kinmesh", args, &dir.path().join("log"))?.0)
}

struct Client {
    lines: Lines<BufReader<OwnedReadHalf>>,
    output: OwnedWriteHalf,
}

impl Client {
    async fn call(&mut self, method: &str, params: Value) -> Result<Value> {
        let line = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        self.output.write_all(format!("{line}\n").as_bytes()).await?;
        self.line_that(|line| line["id"] == 1).await
    }

    async fn line_that(&mut self, fits: impl Fn(&Value) -> bool) -> Result<Value> {
        let found = async {
            loop {
                let line = self.lines.next_line().await?.context("the program hung up")?;
                let line = serde_json::from_str(&line)?;
                if fits(&line) {
                    return Ok(line);
                }
            }
        };
        tokio::time::timeout(kinmesh_tests::DEADLINE, found).await?
    }
}

/// Sets how many files a process may have open.
#[cfg(target_os = "linux")]
fn limit_files(process: &Process, count: u64) -> Result<()> {
    use rustix::process::{Resource, Rlimit, getrlimit, prlimit};
    // The upper limit it has from us.
    let limit = Rlimit { current: Some(count), ..getrlimit(Resource::Nofile) };
    prlimit(Some(process.id()?), Resource::Nofile, limit)?;
    Ok(())
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn who_comes_while_no_file_is_left_is_served_later() -> Result<()> {
    let server = Server::spawn().await?;
    let mut before = server.client().await?;
    before.call("version", json!({})).await?;
    // It keeps what it has open, and gets nothing more.
    limit_files(&server.process, 3)?;
    let mut during = server.client().await?;
    let has_failed = async {
        while !server.process.log_tail().contains("a client of the socket has to wait") {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(kinmesh_tests::DEADLINE, has_failed).await?;
    limit_files(&server.process, 1024)?;
    during.call("version", json!({})).await?;
    before.call("version", json!({})).await?;
    Ok(())
}

#[tokio::test]
async fn several_clients_share_one_peer() -> Result<()> {
    let mut server = Server::spawn().await?;
    assert_eq!(std::fs::metadata(server.path())?.permissions().mode() & 0o777, 0o600);
    let (mut one, mut two) = (server.client().await?, server.client().await?);
    two.call("version", json!({})).await?;
    let room = one.call("rooms.join", json!({ "name": "lobby" })).await?["result"].clone();
    two.line_that(|line| line["params"]["change"] == "opened").await?;
    one.call("conversation.send", json!({ "conversation": room, "text": "hello" })).await?;
    two.line_that(|line| line["params"]["entry"]["text"] == "hello").await?;
    drop(one);
    two.call("shutdown", json!({})).await?;
    server.process.ended_well().await?;
    assert!(!server.path().exists(), "the socket goes with its program");
    Ok(())
}

#[tokio::test]
async fn a_socket_in_use_is_refused_and_a_stale_one_replaced() -> Result<()> {
    let mut server = Server::spawn().await?;
    let (other, socket) = (tempfile::tempdir()?, server.path().display().to_string());
    let data = other.path().display().to_string();
    let args = ["--data", &data, "--listen", "/ip4/127.0.0.1/tcp/0", "--listen-socket", &socket];
    let error = refused_start(&args).await?;
    ensure!(error.contains("in use by another program"), "{error}");
    server.process.kill9().await?;
    assert!(server.path().exists(), "a killed program leaves its socket");
    server.process = spawn_on(&server.dir)?;
    // The first client may still meet the stale socket; it is refused there and tries again.
    server.client().await?.call("version", json!({})).await?;
    server.process.signal(Signal::TERM)?;
    server.process.ended_well().await?;
    assert!(!server.path().exists());
    Ok(())
}

/// Entries that Echo answers, with about three events for each: far above what the peer holds
/// for a listener and what fits into a socket's buffers.
const BURST: usize = 5_000;
/// Events that may wait for a sleeping client: the ring of the newest 4,096, and what the
/// kernel holds.
const HELD_MAX: usize = 6_000;

/// Sends the burst to Echo in batches, then one last entry.
async fn talk_to_echo(talker: &mut Client) -> Result<()> {
    let found = talker.call("people.find", json!({ "query": "echo" })).await?;
    let echo = json!({ "direct": found["result"][0]["person"] });
    for start in (0..BURST).step_by(100) {
        let send = |n: usize| {
            let params = json!([echo, format!("{n} {}", "x".repeat(1000))]);
            json!({ "jsonrpc": "2.0", "id": n + 10, "method": "conversation.send", "params": params })
        };
        let batch: Vec<_> = (start..start + 100).map(send).collect();
        talker.output.write_all(format!("{}\n", json!(batch)).as_bytes()).await?;
        let answers = talker.line_that(Value::is_array).await?;
        ensure!(peer::list(&answers).all(|answer| answer.get("result").is_some()), "{answers}");
    }
    talker.call("conversation.send", json!([echo, "the end"])).await?;
    Ok(())
}

#[tokio::test]
async fn a_client_that_never_reads_holds_a_bounded_number_of_events_and_is_told_what_it_missed() -> Result<()>
{
    let server = Server::spawn().await?;
    let mut sleeper = server.client().await?;
    sleeper.call("version", json!({})).await?;
    talk_to_echo(&mut server.client().await?).await?;
    let (mut held, mut missed) = (0, 0);
    loop {
        let event = sleeper.line_that(|line| line["method"] == "event").await?["params"].take();
        held += 1;
        missed += event["missed"].as_u64().unwrap_or_default();
        if event["entry"]["text"] == "the end" {
            break;
        }
    }
    println!("{held} events waited, {missed} were dropped");
    ensure!(held < HELD_MAX && held as u64 + missed > 2 * BURST as u64, "{held} waited, {missed} dropped");
    sleeper.call("version", json!({})).await?;
    Ok(())
}
