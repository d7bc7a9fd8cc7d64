//! A disk that fails when it is told to: a file system of Linux in a file, which one program alone sees
//! and which ends with it.
//!
//! While its file is immutable, the kernel answers the file system in it with EIO for each block that it
//! writes.

use std::env;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

/// Room for a start, a search index and some history.
const BYTES: u64 = 256 << 20;

/// A disk for [`crate::PeerOptions::failing_disk`].
pub struct FailingDisk {
    dir: TempDir,
    wrapper: Vec<String>,
}

impl FailingDisk {
    /// A disk with nothing on it that works so far. `None`: none can be made here, which takes root, a
    /// loop device and a file system that keeps to immutable files. Rights alone are not enough, so this
    /// is no failure where all must be tested.
    #[allow(clippy::print_stderr)] // What could not be tested is worth reading in a log.
    pub fn new() -> Result<Option<Self>> {
        // Not where temporary files are: those may be in memory.
        let beside = env::current_exe()?;
        let dir = tempfile::tempdir_in(beside.parent().context("a program is in a directory")?)?;
        let (image, mounted) = (dir.path().join("image"), dir.path().join("disk"));
        std::fs::create_dir(&mounted)?;
        File::create(&image)?.set_len(BYTES)?;
        let mount = format!("mount -o loop,errors=continue '{}' '{}'", image.display(), mounted.display());
        let wrapper = ["unshare", "--mount", "sh", "-c", &format!("{mount} && exec \"$@\""), "sh"];
        let disk = Self { wrapper: wrapper.map(str::to_owned).to_vec(), dir };
        // With a journal the file system would give up for good at its first error.
        let is_made = run("mkfs.ext4", &["-q", "-F", "-O", "^has_journal"], &image);
        let can_fail = is_made && disk.can_fail()?;
        let mount: Vec<&str> = disk.wrapper.iter().map(String::as_str).chain(["true"]).collect();
        if can_fail && Command::new(mount[0]).args(&mount[1..]).output()?.status.success() {
            return Ok(Some(disk));
        }
        eprintln!("NOT TESTED: no disk that fails can be made here");
        Ok(None)
    }

    /// Whether its file takes no writes while it is immutable, not even from who opened it before.
    fn can_fail(&self) -> Result<bool> {
        let mut image = File::options().write(true).open(self.image())?;
        let fails = self.fail().is_ok() && image.write_all(&[0]).is_err();
        Ok(self.work().is_ok() && fails)
    }

    /// The words before a program that is to see the disk.
    pub fn wrapper(&self) -> &[String] {
        &self.wrapper
    }

    /// Where the program's data is, in its own eyes.
    pub fn data(&self) -> PathBuf {
        self.dir.path().join("disk/data")
    }

    /// From now on nothing can be written to it.
    pub fn fail(&self) -> Result<()> {
        ensure!(run("chattr", &["+i"], &self.image()), "chattr: install the package e2fsprogs");
        Ok(())
    }

    /// It works again.
    pub fn work(&self) -> Result<()> {
        ensure!(run("chattr", &["-i"], &self.image()), "chattr: install the package e2fsprogs");
        Ok(())
    }

    fn image(&self) -> PathBuf {
        self.dir.path().join("image")
    }
}

impl Drop for FailingDisk {
    fn drop(&mut self) {
        // Else nobody could delete it; it may work already.
        let _ = self.work();
    }
}

fn run(program: &str, args: &[&str], file: &Path) -> bool {
    Command::new(program).args(args).arg(file).output().is_ok_and(|output| output.status.success())
}
