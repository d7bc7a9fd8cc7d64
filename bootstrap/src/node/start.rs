//! From settings to a node that listens: the lock, the key, the listeners, the signals.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use futures::StreamExt;
use kinmesh_net::identity::load_or_create_keypair;
use kinmesh_net::transport::{build_swarm, check_port_is_free};
use kinmesh_proto::CertCache;
use libp2p::core::transport::ListenerId;
use libp2p::multiaddr::Protocol;
use libp2p::swarm::SwarmEvent;
use libp2p::{Multiaddr, PeerId, TransportError};
use tokio::time::{sleep_until, timeout};

use super::{Node, RunError};
use crate::behaviour::Behaviour;
use crate::ration::{Lines, OncePerMinute};
use crate::rendezvous::Server;
use crate::roster::Roster;
use crate::settings::Settings;

/// The node's secret key. Whoever has it is that node.
const KEY_FILE: &str = "node.key";
/// Held as long as a node runs on the directory.
const LOCK_FILE: &str = "lock";
/// Listening on "all addresses" reports them one by one and never says which was the last:
/// after this long without another one they are taken as complete.
const SETTLED: Duration = Duration::from_millis(150);
/// The first address must be there by then.
const LISTEN_TIMEOUT: Duration = Duration::from_secs(5);

/// Makes the data directory, for its owner only, and takes its lock. The lock ends with the file.
pub(super) fn lock(dir: &Path) -> Result<File, RunError> {
    let failed = |source| RunError::DataDirectory { path: dir.into(), source };
    create_private_dir(dir).map_err(failed)?;
    let file =
        File::options().create(true).truncate(false).write(true).open(dir.join(LOCK_FILE)).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(RunError::InUse { path: dir.into() }),
        Err(TryLockError::Error(source)) => Err(failed(source)),
    }
}

fn create_private_dir(dir: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir)
}

/// A node that listens on all its addresses.
pub(super) async fn node(settings: &Settings) -> Result<Node, RunError> {
    let keypair = load_or_create_keypair(&settings.data.join(KEY_FILE))?;
    let external = own_addresses(&settings.external, keypair.public().to_peer_id())?;
    let mut swarm = build_swarm(&keypair, Behaviour::new(&keypair))?;
    for address in &external {
        swarm.add_external_address(address.clone());
    }
    let mut node = Node {
        swarm,
        server: Server::default(),
        roster: Roster::default(),
        certs: CertCache::default(),
        faults: OncePerMinute::default(),
        lines: Lines::default(),
        listening: Vec::new(),
        external,
        started: Instant::now(),
    };
    node.listen(settings).await?;
    Ok(node)
}

/// External addresses without the node's own `/p2p/`.
fn own_addresses(external: &[Multiaddr], own: PeerId) -> Result<Vec<Multiaddr>, RunError> {
    let mut addresses = external.to_vec();
    for address in &mut addresses {
        if let Some(Protocol::P2p(named)) = address.iter().last() {
            if named != own {
                return Err(RunError::ForeignId { address: address.clone(), own });
            }
            address.pop();
        }
    }
    Ok(addresses)
}

impl Node {
    async fn listen(&mut self, settings: &Settings) -> Result<(), RunError> {
        for address in &settings.listen {
            check_free(address)?;
        }
        let mut silent = Vec::new();
        for address in &settings.listen {
            match self.swarm.listen_on(address.clone()) {
                Ok(id) => silent.push((id, address.clone())),
                Err(error) => {
                    let error = listen_error(address, error);
                    if !(settings.listen_is_default && is_missing_ipv6(&error)) {
                        return Err(error);
                    }
                    tracing::warn!(%error, "going on without");
                }
            }
        }
        let is_wildcard = settings.listen.iter().any(|address| {
            matches!(address.iter().next(), Some(Protocol::Ip4(ip)) if ip.is_unspecified())
                || matches!(address.iter().next(), Some(Protocol::Ip6(ip)) if ip.is_unspecified())
        });
        timeout(LISTEN_TIMEOUT, self.collect_addresses(silent, is_wildcard))
            .await
            .unwrap_or(Err(RunError::NoAddress))
    }

    /// Waits until every listener has told its addresses.
    async fn collect_addresses(
        &mut self,
        mut silent: Vec<(ListenerId, Multiaddr)>,
        is_wildcard: bool,
    ) -> Result<(), RunError> {
        let mut settled = tokio::time::Instant::now() + LISTEN_TIMEOUT;
        while is_wildcard || !silent.is_empty() {
            let event = tokio::select! {
                event = self.swarm.select_next_some() => event,
                () = sleep_until(settled) => break,
            };
            match &event {
                SwarmEvent::NewListenAddr { listener_id, .. } => {
                    silent.retain(|(id, _)| id != listener_id);
                    settled = tokio::time::Instant::now() + SETTLED;
                }
                SwarmEvent::ListenerClosed { listener_id, reason: Err(error), .. } => {
                    let address = silent.iter().find(|(id, _)| id == listener_id).map(|(_, address)| address);
                    return Err(RunError::Listen {
                        address: address.cloned().unwrap_or_else(Multiaddr::empty),
                        source: io::Error::new(error.kind(), error.to_string()),
                    });
                }
                _ => {}
            }
            self.on_event(event);
        }
        if self.listening.is_empty() { Err(RunError::NoAddress) } else { Ok(()) }
    }
}

/// Refuses what cannot be listened on before libp2p finds quieter words for it.
fn check_free(address: &Multiaddr) -> Result<(), RunError> {
    if !matches!(address.iter().next(), Some(Protocol::Ip4(_) | Protocol::Ip6(_))) {
        return Err(RunError::NotListenable(address.clone()));
    }
    check_port_is_free(address).map_err(|source| RunError::Listen { address: address.clone(), source })
}

fn listen_error(address: &Multiaddr, error: TransportError<io::Error>) -> RunError {
    match error {
        TransportError::Other(source) => RunError::Listen { address: address.clone(), source },
        TransportError::MultiaddrNotSupported(address) => RunError::NotListenable(address),
    }
}

/// Whether the only fault is that this machine has no IPv6.
fn is_missing_ipv6(error: &RunError) -> bool {
    let RunError::Listen { address, source } = error else { return false };
    matches!(address.iter().next(), Some(Protocol::Ip6(_)))
        && matches!(
            source.kind(),
            io::ErrorKind::AddrNotAvailable | io::ErrorKind::Unsupported | io::ErrorKind::Other
        )
}

/// Ends when the operating system asks the program to end.
#[cfg(unix)]
pub(super) fn signals() -> Result<impl Future<Output = ()>, RunError> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt()).map_err(RunError::Signals)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(RunError::Signals)?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// Ends when the operating system asks the program to end.
#[cfg(windows)]
pub(super) fn signals() -> Result<impl Future<Output = ()>, RunError> {
    let mut interrupt = tokio::signal::windows::ctrl_c().map_err(RunError::Signals)?;
    let mut close = tokio::signal::windows::ctrl_close().map_err(RunError::Signals)?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = close.recv() => {}
        }
    })
}
