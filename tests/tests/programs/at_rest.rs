//! A passphrase as a person meets it: the real program, its words, and every file that it leaves.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use kinmesh_tests::process::{self, Process};
use tempfile::TempDir;

const SAID_BEFORE: &str = "meet me at the lighthouse";
const SAID_AFTER: &str = "bring the lantern along";
const NAME: &str = "Wilhelmina";
const ROOM: &str = "smugglers-cove";

/// Ann's data directory, and files with passphrases.
struct Place {
    dir: TempDir,
}

impl Place {
    /// Ann has said something, and has no passphrase.
    async fn of_ann() -> Result<Self> {
        let place = Self { dir: tempfile::tempdir()? };
        for (file, passphrase) in [("right", "correct horse\n"), ("other", "battery staple\n")] {
            fs::write(place.dir.path().join(file), passphrase)?;
        }
        place.types(SAID_BEFORE, &[]).await?;
        Ok(place)
    }

    fn path(&self, name: &str) -> String {
        self.dir.path().join(name).display().to_string()
    }

    fn data(&self) -> PathBuf {
        self.dir.path().join("ann")
    }

    async fn run(&self, args: &[&str], input: &str) -> Result<Output> {
        let data = self.path("ann");
        process::run("kinmesh", &[args, &["--data", &data]].concat(), input).await
    }

    /// Ann types these lines into the terminal.
    async fn types(&self, lines: &str, options: &[&str]) -> Result<Output> {
        let chat = ["chat", "--room", ROOM, "--name", NAME, "--no-mdns"];
        let listen = ["--listen", "/ip4/127.0.0.1/udp/0/quic-v1"];
        self.run(&[&chat[..], &listen, options].concat(), &format!("{lines}\n")).await
    }

    async fn passphrase(&self, command: &str, unlock: Option<&str>, new: Option<&str>) -> Result<Output> {
        let (unlock, new) = (unlock.map(|file| self.path(file)), new.map(|file| self.path(file)));
        let mut args = vec!["passphrase", command];
        unlock.iter().for_each(|file| args.extend(["--unlock-file", file]));
        new.iter().for_each(|file| args.extend(["--passphrase-file", file]));
        self.run(&args, "").await
    }

    /// What the terminal shows of the room.
    async fn history(&self, unlock: Option<&str>) -> Result<String> {
        let unlock = unlock.map(|file| self.path(file));
        let options = unlock.iter().flat_map(|file| ["--unlock-file", file]).collect::<Vec<_>>();
        succeeded(self.types("/history", &options).await?)
    }

    /// The secrets that are on the disk as long as there is no passphrase.
    fn secrets(&self) -> Result<Vec<Vec<u8>>> {
        let person = fs::read(self.data().join("person.key"))?;
        let device = fs::read(self.data().join("device.key"))?;
        let at = device.windows(6).position(|part| part == b"seed\x58\x20").context("a seed")? + 6;
        let seeds = [person[person.len() - 32..].to_vec(), device[at..at + 32].to_vec()];
        Ok([SAID_BEFORE, SAID_AFTER, NAME, ROOM]
            .iter()
            .map(|text| text.as_bytes().to_vec())
            .chain(seeds)
            .collect())
    }
}

fn succeeded(ended: Output) -> Result<String> {
    ensure!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    Ok(String::from_utf8(ended.stdout)?)
}

fn refusal(ended: &Output) -> Result<String> {
    ensure!(!ended.status.success(), "it was not refused");
    Ok(String::from_utf8_lossy(&ended.stderr).into_owned())
}

/// The files under `dir` that tell one of these.
fn telling(dir: &Path, secrets: &[Vec<u8>]) -> Result<Vec<PathBuf>> {
    let mut telling = Vec::new();
    for item in fs::read_dir(dir)? {
        let path = item?.path();
        if path.is_dir() {
            telling.append(&mut self::telling(&path, secrets)?);
        } else if path.is_file() {
            let bytes = fs::read(&path)?;
            let tells = |secret: &Vec<u8>| bytes.windows(secret.len()).any(|part| part == secret);
            telling.extend(secrets.iter().any(tells).then_some(path));
        }
    }
    Ok(telling)
}

#[tokio::test]
async fn no_file_of_a_peer_with_a_passphrase_tells_what_was_said_who_spoke_or_a_key() -> Result<()> {
    let ann = Place::of_ann().await?;
    let secrets = ann.secrets()?;
    ensure!(telling(&ann.data(), &secrets)?.len() >= 3, "without one the disk tells all");
    let told = succeeded(ann.passphrase("set", None, Some("right")).await?)?;
    ensure!(told.starts_with("Nobody can recover a forgotten passphrase"), "said beforehand: {told}");
    ensure!(telling(&ann.data(), &secrets)? == Vec::<PathBuf>::new());

    succeeded(ann.types(SAID_AFTER, &["--unlock-file", &ann.path("right")]).await?)?;
    let history = ann.history(Some("right")).await?;
    ensure!(history.contains(SAID_BEFORE) && history.contains(SAID_AFTER), "{history}");
    let left = telling(&ann.data(), &secrets)?;
    ensure!(left.is_empty(), "{left:?}");
    Ok(())
}

#[tokio::test]
async fn a_locked_peer_ends_with_one_clear_line_when_there_is_nobody_to_ask() -> Result<()> {
    let ann = Place::of_ann().await?;
    succeeded(ann.passphrase("set", None, Some("right")).await?)?;
    for face in [&["rpc"][..], &["chat"], &["passphrase", "remove"]] {
        let told = refusal(&ann.run(face, "").await?)?;
        let line = format!("the peer in {} is locked", ann.path("ann"));
        ensure!(told.contains(&line) && told.trim_end().lines().count() == 1, "{told}");
    }
    Ok(())
}

#[tokio::test]
async fn a_wrong_passphrase_makes_the_next_one_wait_over_a_restart() -> Result<()> {
    let ann = Place::of_ann().await?;
    succeeded(ann.passphrase("set", None, Some("right")).await?)?;
    let mut waited = Vec::new();
    // Wrong ones as fast as they are looked at, until the wait is longer than starting takes.
    while !waited.iter().any(|told: &String| told.contains("too early")) {
        waited.push(refusal(&ann.passphrase("remove", Some("other"), None).await?)?);
    }
    ensure!(waited[0].contains("wrong: the next try is possible in 1 s"), "{waited:?}");
    let told = refusal(&ann.passphrase("remove", Some("right"), None).await?)?;
    ensure!(told.contains("too early"), "not even the right one is looked at: {told}");
    Ok(())
}

#[tokio::test]
async fn a_passphrase_is_changed_and_removed_and_nothing_is_lost() -> Result<()> {
    let ann = Place::of_ann().await?;
    succeeded(ann.passphrase("set", None, Some("right")).await?)?;
    let again = refusal(&ann.passphrase("set", None, Some("other")).await?)?;
    ensure!(again.contains("has a passphrase already"), "{again}");
    succeeded(ann.passphrase("change", Some("right"), Some("other")).await?)?;
    ensure!(ann.history(Some("other")).await?.contains(SAID_BEFORE));
    succeeded(ann.passphrase("remove", Some("other"), None).await?)?;
    ensure!(ann.history(None).await?.contains(SAID_BEFORE));
    Ok(())
}

#[tokio::test]
async fn an_archive_of_a_locked_peer_opens_elsewhere() -> Result<()> {
    let ann = Place::of_ann().await?;
    succeeded(ann.passphrase("set", None, Some("right")).await?)?;
    let (file, unlock, archive) = (ann.path("ann.age"), ann.path("right"), ann.path("other"));
    let export = ["export", &file, "--unlock-file", &unlock, "--passphrase-file", &archive];
    succeeded(ann.run(&export, "").await?)?;
    let new = ann.path("new");
    let import = ["import", &file, "--data", &new, "--passphrase-file", &archive];
    succeeded(process::run("kinmesh", &import, "").await?)?;
    let shown = ann.path("shown.md");
    let show = ["export-conversation", "--room", ROOM, "--format", "markdown", &shown, "--data", &new];
    succeeded(process::run("kinmesh", &show, "").await?)?;
    ensure!(fs::read_to_string(&shown)?.contains(SAID_BEFORE));
    Ok(())
}

#[tokio::test]
async fn a_kill_while_a_passphrase_is_set_leaves_it_set_or_not_and_loses_nothing() -> Result<()> {
    let ann = Place::of_ann().await?;
    let secrets = ann.secrets()?;
    let (data, new) = (ann.path("ann"), ann.path("right"));
    let mut was_set = 0;
    for round in 0..12 {
        let set = ["passphrase", "set", "--data", &data, "--passphrase-file", &new];
        let (mut setting, _input, _output) = Process::spawn("kinmesh", set, &ann.dir.path().join("log"))?;
        tokio::time::sleep(Duration::from_millis(round * 60)).await;
        setting.kill9().await?;
        if ann.data().join("vault").exists() {
            was_set += 1;
            // A start without the passphrase ends what was begun, and no more.
            ensure!(refusal(&ann.run(&["rpc"], "").await?)?.contains("is locked"));
            ensure!(telling(&ann.data(), &secrets)?.is_empty(), "round {round}");
            ensure!(ann.history(Some("right")).await?.contains(SAID_BEFORE), "round {round}");
            succeeded(ann.passphrase("remove", Some("right"), None).await?)?;
        }
        ensure!(ann.history(None).await?.contains(SAID_BEFORE), "round {round}");
    }
    println!("set in {was_set} of 12 rounds");
    Ok(())
}
