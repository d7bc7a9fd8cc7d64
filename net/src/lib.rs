//! A Kinmesh peer on libp2p: one driver task owns the swarm, handles ask it for things.
//!
//! Joins `kinmesh-core` (what to do) with libp2p (who is there) and `kinmesh-store` (what rests
//! on disk). The faces see only [`Node`], [`NodeHandle`] and what they return.

pub mod archive;
mod behaviour;
pub mod calls;
mod convert;
mod discovery;
mod driver;
pub mod error;
pub mod exchange;
pub mod handle;
pub mod hello;
pub mod history;
pub mod identity;
mod invites;
mod listen;
mod media;
mod passphrase;
pub mod providers;
pub mod rendezvous;
mod rooms;
pub mod search;
pub mod status;
#[cfg(feature = "test-util")]
pub mod testing;
pub mod transport;
pub mod vault;

pub use behaviour::PING_EVERY;
pub use calls::CallHandle;
pub use error::{
    CallError, CallRefusalError, ChangeError, ConnectError, EditError, IntroduceError, InviteError,
    MediaError, OpenError, ReadError, RoomError, SendError, StartError,
};
pub use handle::{
    ChatHandle, ConversationHandle, EventStream, FollowError, NodeHandle, PAGE_MAX, RoomHandle, parse_address,
};
pub use kinmesh_core::{Completeness, Overview, StoreFault};
pub use kinmesh_search::{Pattern as SearchPattern, Query as SearchQuery};
pub use kinmesh_store::{RebuildCause, Rebuilt};
pub use media::{MediaEvent, MediaLink, MediaPath, Packetized};
pub use passphrase::{EmptyPassphrase, Passphrase};
pub use search::{SearchHit, SearchProgress};
pub use status::{BootstrapLink, BootstrapStatus, NodeStatus};

use std::path::PathBuf;

use libp2p::Multiaddr;

use vault::DataKey;

/// How a peer is started.
#[derive(Debug, Clone)]
pub struct NodeConfig {
    /// Where keys and history live. One program at a time.
    pub data_dir: PathBuf,
    /// Bootstrap nodes or peers to enter the mesh through; each ends in `/p2p/<id>`.
    pub bootstraps: Vec<Multiaddr>,
    /// Addresses to listen on. Empty: QUIC and TCP on every interface, IPv4 and IPv6, on the port
    /// used last time or, failing that, any free one.
    pub listen: Vec<Multiaddr>,
    /// Whether to look for peers on the local network.
    pub mdns: bool,
}

/// A running peer.
pub struct Node;

impl Node {
    /// Opens the data directory, starts listening and joins the mesh in the background.
    ///
    /// Must be called on a tokio runtime. The peer runs until [`NodeHandle::shutdown`].
    pub async fn start(config: NodeConfig) -> Result<NodeHandle, StartError> {
        driver::start(config, None, transport::sockets, driver::Company::DEFAULT).await
    }

    /// The same in a data directory with a passphrase; [`vault::unlock`] gives the key.
    pub async fn start_unlocked(config: NodeConfig, key: DataKey) -> Result<NodeHandle, StartError> {
        driver::start(config, Some(key), transport::sockets, driver::Company::DEFAULT).await
    }
}
