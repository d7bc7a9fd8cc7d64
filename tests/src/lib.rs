//! The harness of tests, demo and bench: real Kinmesh programs in real processes.
//!
//! [`Peer`] is a `kinmesh rpc` that is spoken to over JSON-RPC, [`Bootstrap`] a `kinmesh-bootstrap`.
//! Both live in a directory of their own, listen on the loopback interface only, and die with
//! their owner. Every wait has a deadline and ends on an event, never on a pause; when it runs
//! out, the error tells what the program said until then.

pub mod binary;
pub mod bootstrap;
pub mod forwarder;
pub mod lan;
pub mod peer;
pub mod process;
pub mod small_disk;
pub mod stranger;

pub use bootstrap::Bootstrap;
pub use peer::{Peer, PeerOptions, RpcFault};
pub use process::{DEADLINE, Process, run};
pub use small_disk::SmallDisk;
