//! A mesh of real swarms, cores and stores in one process: over channels instead of sockets, or small.
//!
//! Encryption, protocols, driver and disk are the real ones. Beside it the ways in for those who fuzz what
//! nobody outside this crate reads. Only with the feature `test-util`.

use std::time::Duration;

use libp2p::Multiaddr;

use crate::driver::Company;
use crate::error::StartError;
use crate::handle::NodeHandle;
use crate::{NodeConfig, archive, driver, transport, vault};

/// Starts a peer that listens on `/memory/<port>` and reaches others at such addresses only.
///
/// Ports are shared by the whole process: give each peer its own.
pub async fn start_in_memory(mut config: NodeConfig, port: u64) -> Result<NodeHandle, StartError> {
    config.listen = vec![Multiaddr::from(libp2p::multiaddr::Protocol::Memory(port))];
    config.mdns = false;
    driver::start(config, None, transport::memory, Company::DEFAULT).await
}

/// Starts a peer over sockets that wants no more than so many connections, and then looks every second
/// for members of whom nothing is heard.
pub async fn start_in_small_company(
    config: NodeConfig,
    peers_wanted: usize,
) -> Result<NodeHandle, StartError> {
    let company = Company { peers_wanted, venture_every: Duration::from_secs(1) };
    driver::start(config, None, transport::sockets, company).await
}

/// How many records there are in what an archive's passphrase opens; `None` if it is not whole.
pub fn read_archive_stream(bytes: &[u8]) -> Option<usize> {
    archive::read_stream(bytes)
}

/// The file of a passphrase as it would be written again; `None` if these bytes are none. No passphrase
/// is tried, so it costs nothing.
pub fn rewrite_vault_file(bytes: &[u8]) -> Option<Vec<u8>> {
    vault::rewrite_file(bytes)
}
