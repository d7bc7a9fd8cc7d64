//! The simulator: meshes of [`kinmesh_core`] peers on virtual time, from one seed.
//!
//! Owns everything around the cores that a real peer has from its machine: network, disk, clock,
//! people, and what goes wrong with each. A run is decided by its [`Scenario`] and its seed alone,
//! so whatever was found can be repeated. It must never know tokio, libp2p, sled or the real time,
//! and it never looks into a core: promises are checked on what cores put out and on the disks.

mod campaign;
mod clock;
mod dice;
mod disk;
mod gossip;
mod outcome;
mod peer;
mod promise;
mod queue;
mod scenario;
mod script;
mod simulation;
mod trace;
mod views;

pub use campaign::{Run, go_all};
pub use outcome::{Failure, Figures, Outcome};
pub use promise::{Unfinished, Violation};
pub use scenario::{Faults, PRIVATE_ROOMS, SCENARIOS, Scenario, Work};
pub use script::Decision;
pub use trace::{Moment, Says, TraceHash, What};
