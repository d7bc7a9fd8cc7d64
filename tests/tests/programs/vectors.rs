//! The protocol's document is enough to make its test vectors again: `tests/vectors`, a script that
//! knows nothing else of Kinmesh.

use std::path::Path;
use std::process::{Command, Output};

use anyhow::{Context, Result, ensure};

/// Runs the script on a document.
fn check(document: &Path) -> Result<Output> {
    // libsodium is installed for the system's own Python, which need not be the first on the path.
    let system = Path::new("/usr/bin/python3");
    let python = if system.exists() { system } else { Path::new("python3") };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors/check.py");
    Command::new(python).arg(script).arg(document).output().context("this test needs Python with PyNaCl")
}

#[test]
fn the_vectors_can_be_made_from_the_document_alone() -> Result<()> {
    let document = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/protocol.md");
    let output = check(&document)?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

    let dir = tempfile::tempdir()?;
    let changed = dir.path().join("protocol.md");
    let text = std::fs::read_to_string(&document)?;
    std::fs::write(&changed, text.replace("\nentry id: f9", "\nentry id: f8"))?;
    let output = check(&changed)?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(!output.status.success() && said.contains("entry id: f9"), "a wrong vector is found: {said}");
    Ok(())
}
