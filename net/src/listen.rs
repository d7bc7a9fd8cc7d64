//! Where this device listens: the addresses asked for, or every interface on the port of last time.
//!
//! The port is kept, so that what others have in their address books stays true over a restart.

use std::fs;
use std::net::{Ipv4Addr, Ipv6Addr, UdpSocket};
use std::path::Path;

use libp2p::multiaddr::Protocol;
use libp2p::swarm::NetworkBehaviour;
use libp2p::{Multiaddr, Swarm, TransportError};

use crate::error::StartError;
use crate::transport::check_port_is_free;

/// Holds the port as decimal text.
const PORT_FILE: &str = "port";

/// Starts listening. Addresses asked for must work; of the default ones, any that works will do.
pub(crate) fn listen<B: NetworkBehaviour>(
    swarm: &mut Swarm<B>,
    asked: &[Multiaddr],
    data_dir: &Path,
) -> Result<(), StartError> {
    for address in asked {
        listen_on(swarm, address)?;
    }
    if asked.is_empty() {
        let kept =
            fs::read_to_string(data_dir.join(PORT_FILE)).ok().and_then(|text| text.trim().parse().ok());
        listen_everywhere(swarm, kept.unwrap_or_else(free_port))?;
    }
    Ok(())
}

/// Keeps the port of the default listeners, once it is known. All share one; QUIC over IPv4 has it
/// for sure, where another one may have had to do without.
pub(crate) fn keep_port(address: &Multiaddr, data_dir: &Path) {
    let mut parts = address.iter();
    if let (Some(Protocol::Ip4(_)), Some(Protocol::Udp(port))) = (parts.next(), parts.next())
        && let Err(error) = fs::write(data_dir.join(PORT_FILE), port.to_string())
    {
        // Only a convenience for those who know our address.
        tracing::warn!(%error, "the port could not be kept");
    }
}

/// A port that nobody uses, for the very first start; 0, which is any port, if none is told.
fn free_port() -> u16 {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0));
    socket.and_then(|socket| socket.local_addr()).map_or(0, |address| address.port())
}

fn listen_everywhere<B: NetworkBehaviour>(swarm: &mut Swarm<B>, port: u16) -> Result<(), StartError> {
    let quic =
        |ip: Protocol<'static>, port| Multiaddr::from(ip).with(Protocol::Udp(port)).with(Protocol::QuicV1);
    let tcp = |ip: Protocol<'static>, port| Multiaddr::from(ip).with(Protocol::Tcp(port));
    let (v4, v6) = (Protocol::Ip4(Ipv4Addr::UNSPECIFIED), Protocol::Ip6(Ipv6Addr::UNSPECIFIED));
    // A port that somebody else took meanwhile is replaced by a free one.
    let on_port =
        listen_on(swarm, &quic(v4.clone(), port)).or_else(|_| listen_on(swarm, &quic(v4.clone(), 0)));
    let others = [tcp(v4, port), quic(v6.clone(), port), tcp(v6, port)];
    let others_work = others.iter().filter(|address| listen_on(swarm, address).is_ok()).count();
    if others_work > 0 { Ok(()) } else { on_port }
}

fn listen_on<B: NetworkBehaviour>(swarm: &mut Swarm<B>, address: &Multiaddr) -> Result<(), StartError> {
    let refused = |reason| StartError::Listen { address: address.clone(), reason };
    check_port_is_free(address).map_err(|error| refused(TransportError::Other(error)))?;
    swarm.listen_on(address.clone()).map(|_| ()).map_err(refused)
}
