//! How the peer stands with the network, for every face's connection indicator.

use kinmesh_core::StoreFault;
use kinmesh_store::Rebuilt;
use libp2p::Multiaddr;
use serde::Serialize;

use crate::search::SearchProgress;

/// A snapshot of the peer's connections. Lives in a [`tokio::sync::watch`] channel.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct NodeStatus {
    /// Addresses this device listens on, with its `/p2p/` part: what to give to a friend on the same network.
    pub listening: Vec<Multiaddr>,
    /// Addresses at which others are known to reach this device.
    pub reachable_at: Vec<Multiaddr>,
    /// The configured bootstrap nodes.
    pub bootstraps: Vec<BootstrapStatus>,
    /// Kinmesh peers connected on the local network.
    pub lan_peers: usize,
    /// Kinmesh peers connected over the internet.
    pub internet_peers: usize,
    /// How the store fails, while it does.
    pub store_fault: Option<StoreFault>,
    /// The store could not be used as it was found at start: it was set aside and written anew.
    pub store_rebuilt: Option<Rebuilt>,
    /// How far the index of the history is, while it is made anew; until then a search finds a part.
    pub search_progress: Option<SearchProgress>,
    /// A fault in the program has ended the peer. Not in JSON: every call says it there.
    #[serde(skip)]
    pub is_broken: bool,
}

/// One configured bootstrap node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BootstrapStatus {
    /// Its address.
    pub address: Multiaddr,
    /// How we stand with it.
    pub link: BootstrapLink,
}

/// How we stand with a bootstrap node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum BootstrapLink {
    /// Being dialled.
    Connecting,
    /// Connected.
    Connected,
    /// Not reached; it is tried again by itself.
    Unreachable {
        /// Why, in the transport's words.
        reason: String,
    },
}
