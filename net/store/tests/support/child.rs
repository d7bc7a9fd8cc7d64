//! Runs one test of this same program in a process of its own, so that it can be killed or starved.
//!
//! The test that is to run there is an ordinary test: without [`DIR`] it returns at once.

#![allow(clippy::unwrap_used)] // A panic is the report, in a test's helpers too.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Tells the child which store to work on.
const DIR: &str = "KINMESH_STORE_TEST_DIR";

/// The store to work on, in a child.
pub(crate) fn dir() -> Option<PathBuf> {
    std::env::var_os(DIR).map(PathBuf::from)
}

/// A child that runs `test` on the store in `dir`, behind the words of `wrapper` if there are any.
pub(crate) fn command(wrapper: &[&str], test: &str, dir: &Path) -> Command {
    let this = std::env::current_exe().unwrap();
    let mut words = wrapper.iter().map(Path::new).chain([this.as_path()]);
    let mut command = Command::new(words.next().unwrap());
    command.args(words).args(["--exact", test, "--nocapture", "--test-threads=1"]).env(DIR, dir);
    command
}
