//! What programs take while nothing happens, as the kernel counts it.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};
use kinmesh_proto::JoinLink;
use kinmesh_tests::peer::list;
use kinmesh_tests::{Bootstrap, Peer, PeerOptions};
use libp2p::multiaddr::Protocol;
use libp2p::{Multiaddr, PeerId};
use serde_json::{Value, json};

use crate::Effort;
use crate::crowd::Crowd;
use crate::disk::Disk;
use crate::report::{Rounds, Row, Target, Unit};

/// Programs of each kind: medians are taken over these.
const PROGRAMS: usize = 3;
/// Rooms of each peer.
const ROOMS: [&str; 5] = ["lobby", "garden", "harbour", "library", "kitchen"];

/// Memory and processor time of resting peers, and of bootstrap nodes with a crowd.
pub(crate) async fn idle(effort: Effort, disk: &Disk) -> Result<Vec<Row>> {
    let mut bootstraps = Vec::new();
    for _ in 0..PROGRAMS {
        bootstraps.push(Bootstrap::spawn().await?);
    }
    let peers = peers_in_rooms(disk, bootstraps[0].join_link()).await?;
    let nodes = bootstraps.iter().map(|node| place_of(node.join_link())).collect::<Result<Vec<_>>>()?;
    let _crowd = Crowd::gather(effort.crowd, &nodes, ROOMS.len()).await?;

    // A lapse of time is the subject here, not a wait for something.
    tokio::time::sleep(effort.rest).await;
    let peer_pids = peers.iter().map(Peer::pid).collect::<Result<Vec<_>>>()?;
    let node_pids = bootstraps.iter().map(Bootstrap::pid).collect::<Result<Vec<_>>>()?;
    let before: Vec<f64> =
        [peer_pids.clone(), node_pids.clone()].concat().into_iter().map(cpu_s).collect::<Result<_>>()?;
    tokio::time::sleep(effort.rest).await;
    let of_peers = Idle::measure(&peer_pids, &before[..PROGRAMS], effort.rest)?;
    let of_nodes = Idle::measure(&node_pids, &before[PROGRAMS..], effort.rest)?;

    for peer in peers {
        peer.shutdown().await?;
    }
    for bootstrap in bootstraps {
        bootstrap.shutdown().await?;
    }
    let node = format!("`kinmesh-bootstrap` with {} registered peers", effort.crowd);
    Ok([of_peers.rows("`kinmesh rpc` at rest in 5 rooms", 40.0), of_nodes.rows(&node, 60.0)].concat())
}

async fn peers_in_rooms(disk: &Disk, link: &str) -> Result<Vec<Peer>> {
    let mut peers = Vec::new();
    for index in 0..PROGRAMS {
        let options = PeerOptions::named(&format!("Peer {index}")).join(link).data(disk.dir()?.join("data"));
        let peer = Peer::spawn(options).await?;
        for room in ROOMS {
            peer.join_room(room).await?;
        }
        peers.push(peer);
    }
    for peer in &peers {
        let is_full = |room: &Value| room["online"].as_u64() == u64::try_from(PROGRAMS).ok();
        peer.wait_until("rooms.list", json!({}), |rooms| list(rooms).all(is_full)).await?;
    }
    Ok(peers)
}

fn place_of(link: &str) -> Result<(PeerId, Multiaddr)> {
    let link: JoinLink = link.parse()?;
    let address: Multiaddr = link.nodes.first().context("a link names a node")?.parse()?;
    match address.iter().last() {
        Some(Protocol::P2p(peer)) => Ok((peer, address)),
        _ => anyhow::bail!("a node's address ends in its id"),
    }
}

struct Idle {
    memory: Rounds,
    processor: Rounds,
}

impl Idle {
    fn measure(pids: &[u32], before: &[f64], lapse: Duration) -> Result<Self> {
        let mut idle = Self { memory: Rounds::default(), processor: Rounds::default() };
        for (pid, before) in pids.iter().zip(before) {
            idle.memory.push(resident_mib(*pid)?);
            idle.processor.push((cpu_s(*pid)? - before) / lapse.as_secs_f64() * 100.0);
        }
        Ok(idle)
    }

    fn rows(self, who: &str, memory_max_mib: f64) -> Vec<Row> {
        vec![
            Row::new(&format!("{who}: resident memory"), Unit::MiB, self.memory)
                .promising(Target::Below(memory_max_mib)),
            Row::new(&format!("{who}: processor"), Unit::PercentOfCore, self.processor)
                .promising(Target::Below(0.5)),
        ]
    }
}

/// Resident memory of a process.
pub(crate) fn resident_mib(pid: u32) -> Result<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib: f64 =
        resident.and_then(|words| words.split_whitespace().next()).context("it is resident")?.parse()?;
    Ok(kib / 1024.0)
}

/// Processor time taken so far, in user and kernel mode, in seconds.
fn cpu_s(pid: u32) -> Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name before it may hold spaces, but no closing parenthesis follows it.
    let (_, fields) = stat.rsplit_once(") ").context("a name in parentheses")?;
    // proc(5) counts utime as field 14 and stime as 15; the state is field 3.
    let ticks: Vec<f64> =
        fields.split_whitespace().skip(11).take(2).map(str::parse).collect::<Result<_, _>>()?;
    Ok(ticks.iter().sum::<f64>() / rustix::param::clock_ticks_per_second() as f64)
}
