//! Between libp2p's words and ours: addresses and how far they reach.

use std::net::IpAddr;

use kinmesh_core::Route;
use libp2p::Multiaddr;
use libp2p::multiaddr::Protocol;

/// How far an address reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Scope {
    /// This machine.
    Loopback,
    /// The local network.
    Local,
    /// The internet.
    Global,
}

impl Scope {
    pub(crate) fn route(self) -> Route {
        match self {
            Self::Loopback | Self::Local => Route::Lan,
            Self::Global => Route::Internet,
        }
    }
}

/// How far `address` reaches; `None` for addresses that cannot be dialled, such as `0.0.0.0`.
/// Names are taken for the internet.
pub(crate) fn scope_of(address: &Multiaddr) -> Option<Scope> {
    let ip = match address.iter().next()? {
        Protocol::Memory(_) => return Some(Scope::Loopback),
        Protocol::Ip4(ip) => IpAddr::V4(ip),
        Protocol::Ip6(ip) => IpAddr::V6(ip),
        Protocol::Dns(_) | Protocol::Dns4(_) | Protocol::Dns6(_) | Protocol::Dnsaddr(_) => {
            return Some(Scope::Global);
        }
        _ => return None,
    };
    match ip {
        ip if ip.is_unspecified() || ip.is_multicast() => None,
        ip if ip.is_loopback() => Some(Scope::Loopback),
        IpAddr::V4(ip) if ip.is_private() || ip.is_link_local() => Some(Scope::Local),
        IpAddr::V6(ip) if ip.is_unique_local() || ip.is_unicast_link_local() => Some(Scope::Local),
        _ => Some(Scope::Global),
    }
}

/// Whether an address that was told over a connection of scope `told_over` is worth a dial: what
/// a machine calls loopback, or its local network, is only there for those who share it.
/// Whoever shares the narrower network shares the wider one too.
pub(crate) fn is_worth_dialling(address: &Multiaddr, told_over: Scope) -> bool {
    let is_relayed = address.iter().any(|part| part == Protocol::P2pCircuit);
    !is_relayed && scope_of(address).is_some_and(|scope| scope >= told_over)
}

/// The address without its `/p2p/` part.
pub(crate) fn without_peer(mut address: Multiaddr) -> Multiaddr {
    if let Some(Protocol::P2p(_)) = address.iter().last() {
        address.pop();
    }
    address
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(text: &str) -> Option<Scope> {
        scope_of(&text.parse().unwrap())
    }

    #[test]
    fn addresses_reach_as_far_as_their_network() {
        assert_eq!(scope("/ip4/127.0.0.1/tcp/1"), Some(Scope::Loopback));
        assert_eq!(scope("/ip4/192.168.1.2/udp/1/quic-v1"), Some(Scope::Local));
        assert_eq!(scope("/ip6/fe80::1/tcp/1"), Some(Scope::Local));
        assert_eq!(scope("/dns4/example.org/tcp/1"), Some(Scope::Global));
        assert_eq!(scope("/ip4/0.0.0.0/tcp/1"), None);
    }

    #[test]
    fn a_strangers_loopback_address_is_never_dialled() {
        let loopback: Multiaddr = "/ip4/127.0.0.1/tcp/1".parse().unwrap();
        assert!(!is_worth_dialling(&loopback, Scope::Global));
        assert!(!is_worth_dialling(&loopback, Scope::Local));
        assert!(is_worth_dialling(&loopback, Scope::Loopback));
        let local: Multiaddr = "/ip4/10.0.0.1/tcp/1".parse().unwrap();
        assert!(is_worth_dialling(&local, Scope::Loopback));
    }
}
