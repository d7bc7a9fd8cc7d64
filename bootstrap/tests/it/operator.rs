//! What the operator meets: start, status, stop, and one clear line for each fault.

use std::net::{TcpListener, UdpSocket};
use std::process::Output;
use std::time::Duration;

use futures::future::join_all;
use libp2p::Multiaddr;
use libp2p::swarm::SwarmEvent;
use tokio::process::Command;
use tokio::runtime::Runtime;
use tokio::task::spawn_blocking;
use tokio::time::{interval, timeout};

use crate::client::Client;
use crate::process::{DEADLINE, LISTEN, Node, data, run_to_end};

/// A peer that answers no more is off the operator's list within 30 s, as the guide says; a machine that
/// is busy with other tests is asked late, and asked by a program that has to start.
const SILENT_MAX: Duration = Duration::from_secs(45);

/// Runs the program beside the node, on the node's data.
async fn ask(node: &Node, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kinmesh-bootstrap"));
    let output = command.args(args).arg("--data").arg(data(node.dir.path())).output();
    timeout(DEADLINE, output).await.expect("it ends").unwrap()
}

/// A client that hangs: its sockets are open, and nobody reads from them.
struct FrozenClient {
    runtime: Runtime,
    _client: Client,
}

impl FrozenClient {
    async fn connect(node: Multiaddr) -> Self {
        let connected = spawn_blocking(move || {
            // Nothing of the client moves, not even its connections, unless this runtime blocks on something.
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            let client = runtime.block_on(async {
                let mut client = Client::connect(&node).await;
                client.identify().await;
                client
            });
            Self { runtime, _client: client }
        });
        connected.await.unwrap()
    }

    fn end(self) {
        self.runtime.shutdown_background();
    }
}

/// A start that fails: not successful, nothing on standard output, one line on standard error.
async fn refusal(args: &[&str]) -> String {
    let dir = tempfile::tempdir().unwrap();
    refusal_in(dir.path(), args).await
}

async fn refusal_in(dir: &std::path::Path, args: &[&str]) -> String {
    let (output, log) = run_to_end(dir, args).await;
    assert_eq!(output.status.code(), Some(1), "{log}");
    assert!(output.stdout.is_empty());
    let lines: Vec<_> = log.lines().filter(|line| !line.contains(" INFO ")).collect();
    assert_eq!(lines.len(), 1, "{log}");
    lines[0].to_owned()
}

#[tokio::test]
async fn a_start_prints_addresses_and_a_link_that_names_them() {
    let node = Node::start().await;
    let link: kinmesh_proto::JoinLink = node.link.parse().unwrap();
    assert_eq!(link.nodes, node.addresses.iter().map(ToString::to_string).collect::<Vec<_>>());
    assert!(link.nodes[0].contains("/quic-v1/p2p/"), "QUIC comes first: {link}");
}

#[tokio::test]
async fn an_external_address_leads_the_link() {
    let external = "/dns4/boot.example/udp/4711/quic-v1";
    let args = [&LISTEN[..], &["--external-address", external]].concat();
    let node = Node::start_in(tempfile::tempdir().unwrap(), &args).await;
    let link: kinmesh_proto::JoinLink = node.link.parse().unwrap();
    assert_eq!(link.nodes.len(), 1, "loopback is not told beside it: {link}");
    assert!(link.nodes[0].starts_with(external));
    assert_eq!(node.status().await.external, [external.parse::<Multiaddr>().unwrap()]);
}

#[tokio::test]
async fn a_configuration_file_makes_a_node_on_ipv6_that_is_met_over_both_transports() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("config.toml");
    let listen = "listen = ['/ip6/::1/tcp/0', '/ip6/::1/udp/0/quic-v1']";
    std::fs::write(&config, format!("{listen}\nlog-format = 'json'\n")).unwrap();
    let node = Node::start_in(dir, &["--config", config.to_str().unwrap()]).await;
    assert_eq!(node.addresses.len(), 2, "{:?}", node.addresses);

    let mut guests = Vec::new();
    for transport in ["tcp", "quic"] {
        let address = node.address(transport);
        assert!(address.to_string().starts_with("/ip6/::1/"), "{address}");
        let mut guest = Client::connect(&address).await;
        assert!(guest.register("room").await, "over {transport}");
        guests.push(guest);
    }
    let status = node.status().await;
    assert_eq!((status.peers.len(), status.registrations.peers), (2, 2));
    let log = node.log();
    let is_json = |line: &str| serde_json::from_str::<serde_json::Value>(line).is_ok();
    assert!(!log.is_empty() && log.lines().all(is_json), "{log}");
}

#[tokio::test]
async fn help_shows_its_examples() {
    let dir = tempfile::tempdir().unwrap();
    for args in [&["--help"][..], &["run", "--help"]] {
        let (output, log) = run_to_end(dir.path(), args).await;
        assert!(output.status.success(), "{log}");
        let page = String::from_utf8(output.stdout).unwrap();
        let (_, examples) = page.split_once("Examples:\n").unwrap_or_else(|| panic!("{page}"));
        for line in [
            "kinmesh-bootstrap run --external-address /dns4/boot.example.org/udp/4711/quic-v1 \\",
            "--config /etc/kinmesh-bootstrap.toml --log-format json",
            "kinmesh-bootstrap stop",
        ] {
            assert!(examples.lines().any(|shown| shown.trim() == line), "not one line: {line}\n{examples}");
        }
    }
}

#[tokio::test]
async fn status_shows_who_comes_and_goes_and_stop_ends_the_node() {
    let mut node = Node::start().await;
    let mut client = Client::connect(&node.address("tcp")).await;
    assert!(client.register("room").await);
    let status = node.status().await;
    assert_eq!(status.peers[0].peer_id, client.swarm.local_peer_id().to_string());
    assert!(status.peers[0].address.as_ref().unwrap().to_string().starts_with("/ip4/127.0.0.1/tcp/"));
    assert_eq!(status.registrations.count, 1);
    assert_eq!(status.join_link, node.link);

    let output = ask(&node, &["status"]).await;
    let page = String::from_utf8(output.stdout).unwrap();
    assert!(page.contains("Registrations 1 in 1 namespaces by 1 peers"), "{page}");

    let hung_up = client.until(|event| matches!(event, SwarmEvent::ConnectionClosed { .. }).then_some(()));
    let (stopped, ()) = tokio::join!(ask(&node, &["stop"]), hung_up);
    assert!(stopped.status.success());
    // `stop` returned, so the process has ended or is in its last instruction.
    let ended = timeout(DEADLINE, node.child.wait()).await.unwrap().unwrap();
    assert_eq!(ended.code(), Some(0));
    let log = node.log();
    assert!(log.contains("connected") && log.contains("disconnected"), "{log}");
}

#[tokio::test]
async fn who_falls_silent_is_off_the_list_within_30_s() {
    let node = Node::start().await;
    let frozen =
        join_all(["quic", "tcp"].map(|transport| FrozenClient::connect(node.address(transport)))).await;
    assert_eq!(node.status().await.peers.len(), 2);
    let list_is_empty = async {
        // Only the node knows when it gives up, and only by asking can one learn it.
        let mut every_second = interval(Duration::from_secs(1));
        while !node.status().await.peers.is_empty() {
            every_second.tick().await;
        }
    };
    timeout(SILENT_MAX, list_is_empty).await.expect("the node notices");
    frozen.into_iter().for_each(FrozenClient::end);
}

#[cfg(unix)]
#[tokio::test]
async fn signals_end_it_cleanly_and_it_comes_back_as_the_same_node() {
    let mut node = Node::start().await;
    let first = node.status().await.peer_id;
    for signal in ["TERM", "INT"] {
        let pid = node.child.id().unwrap().to_string();
        let sent = Command::new("kill").args(["-s", signal, &pid]).status().await.unwrap();
        assert!(sent.success());
        let ended = timeout(DEADLINE, node.child.wait()).await.expect("it ends").unwrap();
        assert_eq!(ended.code(), Some(0), "SIG{signal}");
        let Node { dir, .. } = node;
        node = Node::start_in(dir, &LISTEN).await;
        assert_eq!(node.status().await.peer_id, first);
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_killed_node_leaves_nothing_in_the_way_and_the_socket_is_the_owners() {
    use std::os::unix::fs::PermissionsExt;
    let mut node = Node::start().await;
    for file in ["control.sock", "node.key"] {
        let mode = std::fs::metadata(data(node.dir.path()).join(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
    node.child.kill().await.unwrap();
    let Node { dir, .. } = node;
    let node = Node::start_in(dir, &LISTEN).await;
    assert!(node.status().await.peers.is_empty());
}

#[tokio::test]
async fn a_second_node_on_the_same_data_is_refused() {
    let node = Node::start().await;
    let second = ask(&node, &[&["run"], &LISTEN[..]].concat()).await;
    assert_eq!(second.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&second.stderr).contains("another node is running on"));
    assert!(node.status().await.peers.is_empty(), "the first one goes on");
}

#[tokio::test]
async fn a_busy_port_is_one_clear_line() {
    let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    // Each system has its own words for it.
    let in_use = TcpListener::bind(tcp.local_addr().unwrap()).unwrap_err().to_string();
    let node = Node::start().await;
    let port = |address: &Multiaddr| address.to_string().split('/').nth(4).unwrap().to_owned();
    for busy in [
        format!("/ip4/127.0.0.1/tcp/{}", tcp.local_addr().unwrap().port()),
        format!("/ip4/127.0.0.1/udp/{}/quic-v1", udp.local_addr().unwrap().port()),
        format!("/ip4/127.0.0.1/tcp/{}", port(&node.address("tcp"))),
        format!("/ip4/127.0.0.1/udp/{}/quic-v1", port(&node.address("udp"))),
    ] {
        let line = refusal(&["run", "--listen", &busy]).await;
        assert!(line.starts_with(&format!("kinmesh-bootstrap: cannot listen on {busy}: ")), "{line}");
        assert!(line.contains(&in_use), "{line}");
    }
}

#[tokio::test]
async fn what_cannot_work_is_said_in_one_line() {
    let damaged = tempfile::tempdir().unwrap();
    std::fs::create_dir(data(damaged.path())).unwrap();
    std::fs::write(data(damaged.path()).join("node.key"), "rubbish").unwrap();
    let line = refusal_in(damaged.path(), &["run"]).await;
    assert!(line.contains("node.key is not readable as a key"), "{line}");

    let line = refusal(&["run", "--listen", "/ip4/127.0.0.1/tcp/0/ws"]).await;
    assert!(line.contains("/ip4/127.0.0.1/tcp/0/ws is not usable"), "{line}");
    let line = refusal(&["run", "--listen", "/dns4/localhost/tcp/0"]).await;
    assert!(line.contains("/dns4/localhost/tcp/0 is not an address to listen on"), "{line}");
    let line = refusal(&["run", "--listen", "/ip4/203.0.113.77/tcp/4711"]).await;
    assert!(line.contains("cannot listen on /ip4/203.0.113.77/tcp/4711"), "{line}");
    for option in ["--listen", "--external-address"] {
        let line = refusal(&["run", option, "nonsense"]).await;
        assert!(line.starts_with("kinmesh-bootstrap: \"nonsense\" is not an address"), "{line}");
    }
    let line = refusal(&["status"]).await;
    assert!(line.contains("no bootstrap node is running on"), "{line}");

    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("config.toml");
    std::fs::write(&config, "listen = []\nlissen = 'x'\n").unwrap();
    let line = refusal(&["run", "--config", config.to_str().unwrap()]).await;
    assert!(line.contains("config.toml, line 2: unknown field `lissen`"), "{line}");
}

/// Sets how many files a process may have open.
#[cfg(target_os = "linux")]
async fn limit_files(pid: u32, count: usize) {
    let limit = format!("--nofile={count}:");
    let set = Command::new("prlimit").args(["--pid", &pid.to_string(), &limit]).status().await.unwrap();
    assert!(set.success());
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_node_that_ran_out_of_files_answers_its_operator_once_there_are_some() {
    let node = Node::start().await;
    node.status().await;
    let pid = node.child.id().unwrap();
    // It keeps what it has open, and gets nothing more.
    limit_files(pid, 3).await;
    let relief = async {
        let mut often = interval(Duration::from_millis(50));
        while !node.log().contains("the control socket has to wait") {
            often.tick().await;
        }
        limit_files(pid, 1024).await;
    };
    // `status` waits in the queue of the socket meanwhile.
    let (status, ()) = timeout(DEADLINE, async { tokio::join!(node.status(), relief) }).await.unwrap();
    assert_eq!(status.join_link, node.link);
}

#[tokio::test]
async fn logs_are_json_when_asked_for() {
    let args = [&LISTEN[..], &["--log-format", "json"]].concat();
    let node = Node::start_in(tempfile::tempdir().unwrap(), &args).await;
    let client = Client::connect(&node.address("quic")).await;
    let peer = client.swarm.local_peer_id().to_string();
    node.status().await;
    let log = node.log();
    let lines: Vec<serde_json::Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let connected = lines.iter().find(|line| line["message"] == "connected").unwrap();
    assert_eq!(connected["peer"], serde_json::Value::String(peer));
}
