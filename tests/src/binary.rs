//! Where the programs under test are: beside the running test, as cargo built them.

use std::path::PathBuf;

/// The program of this name, built in the same profile as the running executable.
///
/// # Panics
/// When it was not built: `cargo test -p kinmesh-tests` builds no program of another package.
pub fn path(name: &str) -> PathBuf {
    let file = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    let running = std::env::current_exe().unwrap_or_default();
    // target/debug/deps/<test>, target/debug/examples/<demo> or target/debug/<program>.
    let found = running.ancestors().skip(1).take(2).map(|dir| dir.join(&file)).find(|path| path.is_file());
    found.unwrap_or_else(|| {
        panic!(
            "{file} is not built beside {}: run `cargo build -p kinmesh -p kinmesh-bootstrap` first",
            running.display()
        )
    })
}
