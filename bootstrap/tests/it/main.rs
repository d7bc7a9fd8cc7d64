//! A real node in its own process, met by real libp2p clients and by an operator.

// Helpers of tests are tests too: their panic is the report.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod client;
mod hostile;
mod introduces;
mod operator;
mod process;
