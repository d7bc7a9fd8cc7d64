//! An import that is killed at any moment has happened as a whole, or not at all.
#![allow(clippy::print_stdout)] // Where the kills met it is worth reading in a log.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use futures::future::try_join_all;
use kinmesh_tests::{DEADLINE, Peer, PeerOptions, Process, process};
use serde_json::Value;
use tempfile::TempDir;
use tokio::process::ChildStdout;
use tokio::time::timeout;

/// Several groups of writes.
const MESSAGES: usize = 1500;
/// Sent at once.
const BATCH: usize = 50;
/// Kills, evenly spread over the time that an import writes: from its beginning to its end.
const KILLS: u32 = 4;
/// Nobody tells when a directory comes into being: it is looked for this often.
const LOOK_EVERY: Duration = Duration::from_millis(1);

/// A directory with an archive of Alice, and what she said.
struct Place {
    dir: TempDir,
    keys: Vec<Value>,
    room: Value,
}

impl Place {
    async fn new() -> Result<Self> {
        let dir = tempfile::tempdir()?;
        std::fs::write(dir.path().join("passphrase"), "correct horse\n")?;
        let alice = Peer::spawn(PeerOptions::named("Alice").data(dir.path().join("alice"))).await?;
        let room = alice.join_room("lobby").await?;
        for first in (0..MESSAGES).step_by(BATCH) {
            let batch = (first..first + BATCH).map(async |n| alice.send(&room, &format!("line {n}")).await);
            try_join_all(batch).await?;
        }
        let keys = keys(&alice, &room).await?;
        alice.shutdown().await?;
        let place = Self { dir, keys, room };
        let exported = process::run("kinmesh", &words(&place.args("export", "alice")), "").await?;
        ensure!(exported.status.success(), "{}", String::from_utf8_lossy(&exported.stderr));
        Ok(place)
    }

    fn path(&self, name: &str) -> String {
        self.dir.path().join(name).display().to_string()
    }

    fn args(&self, command: &str, data: &str) -> Vec<String> {
        let (file, data, passphrase) = (self.path("alice.age"), self.path(data), self.path("passphrase"));
        let args = [command, &file, "--data", &data, "--passphrase-file", &passphrase];
        args.map(str::to_owned).to_vec()
    }

    /// Starts an import, and holds what it says to.
    fn import(&self, into: &str) -> Result<(Process, ChildStdout)> {
        let log = self.dir.path().join("import.log");
        let (process, _, output) = Process::spawn("kinmesh", self.args("import", into), &log)?;
        Ok((process, output))
    }

    /// Whether somebody lives there, who must be Alice with all that she said.
    async fn is_whole(&self, name: &str) -> Result<bool> {
        let data = self.dir.path().join(name);
        if !Path::new(&data).exists() {
            return Ok(false);
        }
        let alice = Peer::spawn(PeerOptions::default().data(data)).await?;
        ensure!(alice.me()["name"] == "Alice", "{}", alice.me());
        ensure!(keys(&alice, &self.room).await? == self.keys, "a part of the history");
        alice.shutdown().await?;
        Ok(true)
    }

    /// How many imports began to write and were cut short, or write now.
    fn unfinished(&self) -> Result<usize> {
        let mut unfinished = 0;
        for item in std::fs::read_dir(self.dir.path())? {
            unfinished += usize::from(item?.file_name().to_string_lossy().contains(".importing-"));
        }
        Ok(unfinished)
    }

    /// Starts an import, and waits until it writes, or has done so.
    async fn writing_import(&self, into: &str) -> Result<(Process, ChildStdout)> {
        let before = self.unfinished()?;
        let mut import = self.import(into)?;
        let begins = async {
            while self.unfinished()? == before && !import.0.has_ended()? {
                tokio::time::sleep(LOOK_EVERY).await;
            }
            anyhow::Ok(())
        };
        timeout(DEADLINE, begins).await??;
        Ok(import)
    }
}

fn words(args: &[String]) -> Vec<&str> {
    args.iter().map(String::as_str).collect()
}

async fn keys(peer: &Peer, room: &Value) -> Result<Vec<Value>> {
    Ok(peer.history(room).await?.iter().map(|entry| entry["key"].clone()).collect())
}

#[tokio::test]
async fn an_import_that_is_killed_leaves_all_or_nothing() -> Result<()> {
    let place = Place::new().await?;
    let (mut import, _output) = place.writing_import("undisturbed").await?;
    let began = Instant::now();
    import.ended_well().await?;
    let writes_for = began.elapsed();
    ensure!(place.is_whole("undisturbed").await?, "nobody lives there");

    let mut whole = 0;
    for kill in 0..KILLS {
        let (mut import, _output) = place.writing_import(&format!("killed-{kill}")).await?;
        tokio::time::sleep(writes_for * kill / (KILLS - 1)).await;
        import.kill9().await?;
        whole += u32::from(place.is_whole(&format!("killed-{kill}")).await?);
    }
    println!("{whole} of {KILLS} had ended before they were killed");
    ensure!(place.unfinished()? > 0, "no kill met an import while it wrote");

    // As if nothing had been tried.
    let (mut import, _output) = place.import("killed-0")?;
    import.ended_well().await?;
    ensure!(place.is_whole("killed-0").await?, "nobody lives there");
    Ok(())
}
