//! Another implementation of libp2p meets the real program: `tests/interop`, a js-libp2p client
//! that knows of Kinmesh only what `docs/protocol.md` says.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use data_encoding::HEXLOWER;
use kinmesh_proto::{EntryKey, PersonId};
use kinmesh_tests::peer::list;
use kinmesh_tests::{DEADLINE, Peer, PeerOptions};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

/// Fetching the client's packages, or Node itself, over a slow line.
const FETCH_MAX: Duration = Duration::from_secs(180);
/// The oldest Node that the client's packages run on.
const NODE_MIN: (u32, u32) = (20, 19);
/// In place of an older one, which Debian 12 and Ubuntu 24.04 carry.
const NODE_FROM_NPM: &str = "node@22.23.3";

fn client_dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("interop")
}

/// Node's own tools are scripts on Windows, which cannot be started by their bare names.
fn tool(name: &str) -> Command {
    let mut command = Command::new(if cfg!(windows) { format!("{name}.cmd") } else { name.to_owned() });
    command.current_dir(client_dir()).kill_on_drop(true);
    command
}

/// Runs to the end and returns what it says.
async fn output(mut command: Command) -> Result<String> {
    let named = format!("{:?}", command.as_std());
    let output = timeout(FETCH_MAX, command.output()).await.with_context(|| format!("{named} never ends"))?;
    let output =
        output.with_context(|| format!("{named} cannot be started: this test needs Node with npm"))?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(output.status.success(), "{named} fails: {said}{}", String::from_utf8_lossy(&output.stderr));
    Ok(said)
}

/// The command that runs Node: the system's one when it is new enough, else one from npm.
async fn node() -> Result<Command> {
    let mut system = Command::new("node");
    system.arg("--version");
    let version = output(system).await?;
    let mut numbers = version.trim().trim_start_matches('v').split('.').map(str::parse::<u32>);
    let (Some(Ok(major)), Some(Ok(minor))) = (numbers.next(), numbers.next()) else {
        bail!("Node tells a strange version: {version}");
    };
    if (major, minor) >= NODE_MIN {
        let mut node = Command::new("node");
        node.current_dir(client_dir()).kill_on_drop(true);
        return Ok(node);
    }
    let from_npm = || {
        let mut npx = tool("npx");
        npx.args(["--yes", NODE_FROM_NPM]);
        npx
    };
    let mut fetch = from_npm();
    fetch.arg("--version");
    output(fetch).await?;
    Ok(from_npm())
}

/// Installs what `package-lock.json` names, unless it is there.
async fn install() -> Result<()> {
    let changed = |file: &str| client_dir().join(file).metadata().and_then(|file| file.modified());
    let wanted = changed("package-lock.json")?;
    if changed("node_modules/.package-lock.json").is_ok_and(|installed| installed >= wanted) {
        return Ok(());
    }
    let mut npm = tool("npm");
    npm.args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"]);
    output(npm).await.map(drop)
}

/// The running client.
struct Client {
    child: Child,
    input: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
    dir: TempDir,
}

impl Client {
    async fn start(address: &str, room: &str) -> Result<Self> {
        install().await?;
        let dir = tempfile::tempdir()?;
        let mut child = node()
            .await?
            .args(["client.mjs", address, room])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(std::fs::File::create(dir.path().join("log"))?)
            .spawn()?;
        let input = child.stdin.take().context("standard input is piped")?;
        let lines = BufReader::new(child.stdout.take().context("standard output is piped")?).lines();
        Ok(Self { child, input, lines, dir })
    }

    /// Waits until it tells this kind of thing; what it tells before is passed over.
    async fn told(&mut self, kind: &str) -> Result<Value> {
        let search = async {
            while let Some(line) = self.lines.next_line().await? {
                let mut line: Value = serde_json::from_str(&line)?;
                if let Some(what) = line.get_mut(kind) {
                    return anyhow::Ok(Some(what.take()));
                }
            }
            Ok(None)
        };
        let found = timeout(DEADLINE, search).await.ok().transpose()?.flatten();
        found.with_context(|| {
            let log = std::fs::read_to_string(self.dir.path().join("log")).unwrap_or_default();
            format!("the client never tells {kind:?}; its standard error: {log}")
        })
    }

    async fn say(&mut self, text: &str) -> Result<()> {
        Ok(self.input.write_all(format!("{text}\n").as_bytes()).await?)
    }

    async fn leave(self) -> Result<()> {
        let Self { mut child, input, dir: _dir, .. } = self;
        drop(input);
        let status = timeout(DEADLINE, child.wait()).await.context("the client does not end")??;
        ensure!(status.success(), "the client ends with {status}");
        Ok(())
    }
}

fn id_of(entry: &Value) -> Result<String> {
    let key: EntryKey = serde_json::from_value(entry["key"].clone())?;
    Ok(HEXLOWER.encode(key.id.as_bytes()))
}

fn hex_of(person: &Value) -> Result<String> {
    let person: PersonId = serde_json::from_value(person.clone())?;
    Ok(HEXLOWER.encode(person.as_bytes()))
}

#[tokio::test]
async fn a_js_libp2p_client_takes_part_in_a_room() -> Result<()> {
    let ana = Peer::spawn(PeerOptions::named("Ana").listen(&["/ip4/127.0.0.1/tcp/0"])).await?;
    let room = ana.join_room("Interop").await?;
    let listens = |status: &Value| list(&status["listening"]).next().is_some();
    let status = ana.wait_until("network.status", json!({}), listens).await?;
    let address = status["listening"][0].as_str().context("an address is text")?;

    let mut jan = Client::start(address, "Interop").await?;
    let identified = jan.told("identified").await?;
    for protocol in ["/kinmesh/hello/1", "/kinmesh/chat/1", "/kinmesh/kad/1", "/meshsub/1.1.0"] {
        ensure!(list(&identified["protocols"]).any(|known| known == protocol), "{protocol}: {identified}");
    }
    ensure!(jan.told("pinged").await?.is_number());
    let hello = jan.told("hello").await?;
    ensure!(hello["name"] == "Ana" && hello["person"] == hex_of(&ana.me()["person"])?, "{hello}");
    let me = jan.told("me").await?;

    // Waits with Ana until the client's subscription has reached her.
    let sent = ana.send(&room, "hello from Rust, 你好").await?;
    let read = jan.told("entry").await?;
    ensure!(read["text"] == "hello from Rust, 你好" && read["id"] == id_of(&sent)?, "{read}");
    ensure!(read["person"] == hex_of(&ana.me()["person"])?, "{read}");

    jan.say("hello from JavaScript, 再见").await?;
    let published = jan.told("published").await?;
    ensure!(published["recipients"] == 1, "{published}");
    let heard = ana.wait_text("hello from JavaScript, 再见").await?;
    ensure!(heard["conversation"] == room && id_of(&heard)? == published["id"], "{heard}");
    ensure!(hex_of(&heard["author"])? == me["person"], "{heard}");
    ensure!(heard["key"].as_str() > sent["key"].as_str(), "an answer stands after what it answers");
    let shown = ana.wait_online("Jan from js-libp2p").await?;
    ensure!(shown["person"] == heard["author"], "{shown}");

    jan.leave().await?;
    ana.shutdown().await
}
