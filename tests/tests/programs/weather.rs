//! The network of `make bench-voice` loses, delays and holds back what it says: its own tests, which need
//! nothing but Python.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

#[test]
fn the_bench_of_calls_has_the_weather_that_it_names() -> Result<()> {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("voice/test_way.py");
    let python = Command::new("python3").arg("-B").arg(tests).output();
    let output = python.context("this test needs Python")?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}
