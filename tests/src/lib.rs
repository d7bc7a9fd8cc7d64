//! The harness of tests, demo and bench: real Kinmesh programs in real processes.
//!
//! [`Peer`] is a `kinmesh rpc` that is spoken to over JSON-RPC, [`Bootstrap`] a `kinmesh-bootstrap`.
//! Both live in a directory of their own, listen on the loopback interface only, and die with
//! their owner. Every wait has a deadline and ends on an event, never on a pause; when it runs
//! out, the error tells what the program said until then.

pub mod binary;
pub mod bootstrap;
pub mod failing_disk;
pub mod forwarder;
pub mod lan;
pub mod peer;
pub mod process;
pub mod small_disk;
pub mod stranger;

pub use bootstrap::Bootstrap;
pub use failing_disk::FailingDisk;
pub use peer::{Peer, PeerOptions, RpcFault};
pub use process::{DEADLINE, Process, run};
pub use small_disk::SmallDisk;

use anyhow::{Result, ensure};

/// Lets a test go that this process lacks the rights for, in loud words. Where `KINMESH_MUST_TEST=1`
/// says that they are there, as in continuous integration, that is a failure.
#[allow(clippy::print_stderr)] // What could not be tested is worth reading in a log.
pub fn not_tested(why: &str) -> Result<()> {
    ensure!(std::env::var_os("KINMESH_MUST_TEST").is_none_or(|value| value != "1"), "not tested: {why}");
    eprintln!("NOT TESTED: {why}");
    Ok(())
}
