//! Peers over channels instead of sockets: a mesh of real swarms, cores and stores in one process.
//!
//! Encryption, protocols, driver and disk are the real ones. Only with the feature `test-util`.

use libp2p::Multiaddr;

use crate::error::StartError;
use crate::handle::NodeHandle;
use crate::{NodeConfig, driver, transport};

/// Starts a peer that listens on `/memory/<port>` and reaches others at such addresses only.
///
/// Ports are shared by the whole process: give each peer its own.
pub async fn start_in_memory(mut config: NodeConfig, port: u64) -> Result<NodeHandle, StartError> {
    config.listen = vec![Multiaddr::from(libp2p::multiaddr::Protocol::Memory(port))];
    config.mdns = false;
    driver::start(config, transport::memory).await
}
