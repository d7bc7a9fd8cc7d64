//! A disk that fails costs nothing that was stored, also when the power goes after it works again.
//!
//! The disk is an image in a file, mounted where one child alone sees it. When its file is made
//! immutable, the kernel gives the file system in it EIO for each block that it writes.
#![allow(clippy::expect_used, clippy::unwrap_used)] // A panic is the report, in a test's helpers too.
#![cfg(target_os = "linux")]

#[path = "support/child.rs"]
mod child;
#[path = "support/fixtures.rs"]
mod fixtures;

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use fixtures::{ROOM, entry, person, posts, put};
use kinmesh_proto::{Delivery, Write};
use kinmesh_store::{HistoryStore, SledStore, StoreError};
use rustix::fs::{IFlags, ioctl_getflags, ioctl_setflags};

const BATCH: u64 = 7;
const IMAGE_BYTES: u64 = 128 << 20;
/// The child's last word, so that a child that ran nothing does not count.
const DONE: &str = "nothing was lost";

fn batch(number: u64) -> Vec<Write> {
    let text = "x".repeat(2000);
    (number * BATCH..(number + 1) * BATCH)
        .map(|ms| put(ROOM, &entry(&person(1), ROOM, ms, &text), Delivery::Received))
        .collect()
}

fn assert_holds(store: &SledStore, batches: u64) {
    let times: Vec<_> = posts(store, ROOM).iter().map(|stored| stored.entry.value().clock.ms()).collect();
    assert_eq!(times, (0..batches * BATCH).collect::<Vec<_>>());
}

fn run(program: &str, args: &[&str]) -> bool {
    Command::new(program).args(args).output().is_ok_and(|output| output.status.success())
}

/// An image of a disk, and where it is mounted.
struct Disk {
    image: PathBuf,
    mounted: PathBuf,
}

impl Disk {
    fn in_dir(dir: &Path) -> Self {
        Self { image: dir.join("image"), mounted: dir.join("disk") }
    }

    /// Without a journal: with one, the file system would give up for good at its first error.
    fn make(&self) -> bool {
        std::fs::create_dir(&self.mounted).unwrap();
        File::create(&self.image).unwrap().set_len(IMAGE_BYTES).unwrap();
        run("mkfs.ext4", &["-q", "-F", "-O", "^has_journal", self.image.to_str().unwrap()])
    }

    /// The words before a child that is to see it.
    fn wrapper(&self) -> Vec<String> {
        let mount = format!("{} && exec \"$@\"", self.mounting().join(" "));
        ["unshare", "--mount", "sh", "-c", &mount, "sh"].map(str::to_owned).to_vec()
    }

    fn mounting(&self) -> [&str; 5] {
        let [image, mounted] = [&self.image, &self.mounted].map(|path| path.to_str().unwrap());
        ["mount", "-o", "loop,errors=continue", image, mounted]
    }

    /// Takes no more blocks from now on, or takes them again.
    fn set_failing(&self, is_failing: bool) -> bool {
        let image = File::open(&self.image).unwrap();
        let mut flags = ioctl_getflags(&image).unwrap_or(IFlags::empty());
        flags.set(IFlags::IMMUTABLE, is_failing);
        ioctl_setflags(&image, flags).is_ok()
    }

    /// The power goes, with a failing disk, and comes back with one that works.
    fn cut_power(&self) {
        assert!(run("umount", &[self.mounted.to_str().unwrap()]));
        self.set_failing(false);
        // It says by its status that it mended something, which is as good.
        run("e2fsck", &["-fy", self.image.to_str().unwrap()]);
        let [mount, args @ ..] = self.mounting();
        assert!(run(mount, &args));
    }

    /// Whether this system lets it fail: an open file of an immutable one takes writes on some.
    fn can_fail(&self) -> bool {
        let is_made = self.make();
        let mut image = File::options().write(true).open(&self.image).unwrap();
        let fails = self.set_failing(true) && image.write_all(&[0]).is_err();
        let wrapper = self.wrapper();
        let words: Vec<&str> = wrapper.iter().map(String::as_str).chain(["true"]).collect();
        self.set_failing(false) && is_made && fails && run(words[0], &words[1..])
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Else nobody could delete it.
        self.set_failing(false);
    }
}

#[test]
fn child_on_a_failing_disk() {
    let Some(dir) = child::dir() else { return };
    let disk = Disk::in_dir(&dir);
    let dir = disk.mounted.join("history");
    let (mut store, _) = SledStore::open(&dir).unwrap();
    let mut stored = 0;
    for _ in 0..3 {
        for _ in 0..5 {
            assert_eq!(store.apply(&batch(stored)).unwrap(), [true; BATCH as usize]);
            stored += 1;
        }
        disk.set_failing(true);
        for writes in [batch(stored), vec![], batch(stored)] {
            assert!(matches!(store.apply(&writes), Err(StoreError::Io(_))));
        }
        disk.set_failing(false);
        store.apply(&[]).expect("it works again before anybody writes");
        assert_holds(&store, stored);
        for _ in 0..5 {
            assert_eq!(store.apply(&batch(stored)).unwrap(), [true; BATCH as usize], "it was refused before");
            stored += 1;
        }
        disk.set_failing(true);
        drop(store);
        disk.cut_power();
        let (opened, report) = SledStore::open(&dir).unwrap();
        assert_eq!(report.rebuilt, None, "a disk that failed is no damage");
        assert_holds(&opened, stored);
        store = opened;
    }
    println!("\n{DONE}");
}

#[test]
fn a_failing_disk_loses_nothing() {
    // Beside this program, and not where temporary files are: those may be in memory.
    let beside = std::env::current_exe().unwrap();
    let dir = tempfile::tempdir_in(beside.parent().unwrap()).unwrap();
    let disk = Disk::in_dir(dir.path());
    if !disk.can_fail() {
        eprintln!(
            "NOT TESTED: this system lets us make no disk that fails (root, ext4 and a loop device can)"
        );
        return;
    }
    let wrapper = disk.wrapper();
    let wrapper: Vec<&str> = wrapper.iter().map(String::as_str).collect();
    let output = child::command(&wrapper, "child_on_a_failing_disk", dir.path()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && said.contains(DONE),
        "{said}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
