//! A mesh of real swarms, cores and stores in one process: over channels instead of sockets, or small.
//!
//! Encryption, protocols, driver and disk are the real ones. Beside it the ways in for those who fuzz what
//! nobody outside this crate reads. Only with the feature `test-util`.

use std::sync::mpsc;
use std::time::Duration;

use kinmesh_store::HistoryStore;
use libp2p::Multiaddr;
use tokio::sync::oneshot;

use crate::driver::Company;
use crate::error::{CallError, StartError};
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

/// Holds up all that a peer's store does, until what is returned is dropped.
pub async fn hold_store(node: &NodeHandle) -> Result<mpsc::Sender<()>, CallError> {
    let store = node.history().await?.store;
    let (hold, held) = mpsc::channel::<()>();
    let (begin, begun) = oneshot::channel();
    let wait = move |_: &dyn HistoryStore| {
        let _ = begin.send(());
        // Nothing is sent: it ends with the other side.
        let _ = held.recv();
        Ok(())
    };
    tokio::spawn(async move { store.read(wait).await });
    begun.await.map_err(|_| CallError::NodeGone)?;
    Ok(hold)
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
