//! A disk that is soon full: a tmpfs of Linux that one program alone sees, and that ends with it.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;
use tempfile::TempDir;

/// Room for a start, a search index and some history, filled within moments.
const SIZE: &str = "64m";
/// Bytes written at once while it is being filled.
const BLOCK: usize = 64 * 1024;

/// A small disk for [`crate::PeerOptions::disk`].
pub struct SmallDisk {
    dir: TempDir,
    wrapper: Vec<String>,
}

impl SmallDisk {
    /// A disk with nothing on it. `None`: this process may mount none, neither as it is nor in a
    /// namespace of its own.
    pub fn new() -> Result<Option<Self>> {
        let dir = tempfile::tempdir()?;
        let mount = format!("mount -t tmpfs -o size={SIZE} tmpfs '{}' && exec \"$@\"", dir.path().display());
        let ways = [&["unshare", "--mount"][..], &["unshare", "--map-root-user", "--mount"]];
        let ways = ways.map(|way| [way, &["sh", "-c", &mount, "sh"]].concat());
        let works = |way: &&Vec<&str>| {
            let tried = Command::new(way[0]).args(&way[1..]).arg("true").output();
            tried.is_ok_and(|tried| tried.status.success())
        };
        let wrapper = ways.iter().find(works).map(|way| way.iter().map(|word| (*word).to_owned()).collect());
        if wrapper.is_none() {
            crate::not_tested("this system lets us mount no tmpfs, neither as we are nor in a namespace")?;
        }
        Ok(wrapper.map(|wrapper| Self { dir, wrapper }))
    }

    /// The words before a program that is to see the disk.
    pub fn wrapper(&self) -> &[String] {
        &self.wrapper
    }

    /// Where the program's data is, in its own eyes.
    pub fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// Takes all room that this process has left.
    pub fn fill(&self, pid: u32) -> Result<()> {
        let mut ballast = File::create(self.ballast(pid))?;
        loop {
            match ballast.write_all(&[1; BLOCK]) {
                Err(error) if error.kind() == ErrorKind::StorageFull => return Ok(()),
                written => written?,
            }
        }
    }

    /// Gives back what was taken.
    pub fn make_room(&self, pid: u32) -> Result<()> {
        Ok(fs::remove_file(self.ballast(pid))?)
    }

    /// A file beside the data, seen through the program's eyes.
    fn ballast(&self, pid: u32) -> PathBuf {
        let dir = self.dir.path();
        Path::new(&format!("/proc/{pid}/root")).join(dir.strip_prefix("/").unwrap_or(dir)).join("ballast")
    }
}
