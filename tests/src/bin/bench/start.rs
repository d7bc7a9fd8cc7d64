//! How long a new program takes from its start into the lobby.

use std::time::Instant;

use anyhow::Result;
use kinmesh_tests::peer::list;
use kinmesh_tests::{Bootstrap, Peer, PeerOptions};
use serde_json::{Value, json};

use crate::Effort;
use crate::disk::Disk;
use crate::report::{Floor, Rounds, Row, Target, Unit};

/// From the start of `kinmesh rpc` in an empty directory until it shows another member of the lobby.
pub(crate) async fn cold_start(effort: Effort, disk: &Disk) -> Result<Vec<Row>> {
    let bootstrap = Bootstrap::spawn().await?;
    let bo = PeerOptions::named("Bo").join(bootstrap.join_link()).data(disk.dir()?.join("data"));
    let bo = Peer::spawn(bo).await?;
    bo.join_room("lobby").await?;

    let [mut joined, mut again, mut answers] = <[Rounds; 3]>::default();
    for _ in 0..effort.rounds {
        let start = Instant::now();
        let alone = Peer::spawn(PeerOptions::named("Alone").data(disk.dir()?.join("data"))).await?;
        answers.push(start.elapsed().as_secs_f64() * 1e3);
        alone.shutdown().await?;

        let al = PeerOptions::named("Al").join(bootstrap.join_link()).data(disk.dir()?.join("data"));
        joined.push(meets_somebody(al.clone()).await?);
        again.push(meets_somebody(al).await?);
    }
    bo.shutdown().await?;
    bootstrap.shutdown().await?;
    let floor = Floor::new("start alone, to the first answer", answers.median());
    Ok(vec![
        Row::new("First start of `kinmesh rpc`: until the lobby shows one peer", Unit::Ms, joined)
            .beside(floor)
            .promising(Target::Below(1_000.0)),
        Row::new("The same at the second start", Unit::Ms, again),
        Row::new("Floor: start alone, to the first answer", Unit::Ms, answers),
    ])
}

async fn meets_somebody(options: PeerOptions) -> Result<f64> {
    let start = Instant::now();
    let al = Peer::spawn(options).await?;
    al.join_room("lobby").await?;
    let meets =
        |room: &Value| room["joined"] == true && room["online"].as_u64().is_some_and(|online| online > 1);
    al.wait_until("rooms.list", json!({}), |rooms| list(rooms).any(meets)).await?;
    let took = start.elapsed().as_secs_f64() * 1e3;
    al.shutdown().await?;
    Ok(took)
}
