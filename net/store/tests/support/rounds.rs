//! How often the fault loops go round, and what chance does in them.
//!
//! `KINMESH_FAULT_ROUNDS` sets the number of rounds, `KINMESH_FAULT_SEED` what chance does.

#![allow(dead_code, clippy::unwrap_used)] // Each test program uses its part; a panic is the report.

use std::env;

/// Rounds of a loop: `few`, unless the environment asks for more.
pub(crate) fn rounds(few: u64) -> u64 {
    env::var("KINMESH_FAULT_ROUNDS").map_or(few, |rounds| rounds.parse().unwrap())
}

/// Chance in one test: evenly spread, and the same whenever the seed is. A test that fails says which
/// seed that was.
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn new() -> Self {
        Self(env::var("KINMESH_FAULT_SEED").map_or(0, |seed| seed.parse().unwrap()))
    }

    /// A number below `below`, another one for each `throw` (SplitMix64).
    pub(crate) fn below(&self, throw: u64, below: u64) -> u64 {
        let mut x = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) ^ throw;
        x = x.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (x ^ (x >> 31)) % below
    }
}

impl Drop for Chance {
    fn drop(&mut self) {
        if std::thread::panicking() {
            #[allow(clippy::print_stderr)] // Beside the panic, which is the report.
            {
                eprintln!("KINMESH_FAULT_SEED={} does the same again", self.0);
            }
        }
    }
}
