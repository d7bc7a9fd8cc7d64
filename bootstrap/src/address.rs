//! Which addresses are worth telling to whom.

use std::net::{IpAddr, Ipv6Addr};

use libp2p::multiaddr::Protocol;
use libp2p::{Multiaddr, PeerId};

/// How far an address carries. A wider one is worth more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// Nowhere: unspecified, link-local without its interface, multicast, or not an IP address.
    Nowhere,
    /// This machine.
    Loopback,
    /// The local network.
    Private,
    /// Everywhere, also by a name.
    Global,
}

/// How far `address` carries.
pub fn scope(address: &Multiaddr) -> Scope {
    match address.iter().next() {
        Some(Protocol::Ip4(ip)) => scope_of_ip(ip.into()),
        Some(Protocol::Ip6(ip)) => scope_of_ip(ip.to_canonical()),
        Some(Protocol::Dns(_) | Protocol::Dns4(_) | Protocol::Dns6(_) | Protocol::Dnsaddr(_)) => {
            Scope::Global
        }
        _ => Scope::Nowhere,
    }
}

fn scope_of_ip(ip: IpAddr) -> Scope {
    if ip.is_unspecified() || ip.is_multicast() {
        return Scope::Nowhere;
    }
    if ip.is_loopback() {
        return Scope::Loopback;
    }
    match ip {
        IpAddr::V4(ip) if ip.is_broadcast() => Scope::Nowhere,
        IpAddr::V4(ip) if ip.is_private() || ip.is_link_local() || is_shared(ip.octets()) => Scope::Private,
        IpAddr::V6(ip) if ip.is_unicast_link_local() => Scope::Nowhere,
        IpAddr::V6(ip) if is_unique_local(ip) => Scope::Private,
        _ => Scope::Global,
    }
}

/// 100.64.0.0/10, RFC 6598: behind a provider's NAT, or a VPN.
fn is_shared([a, b, ..]: [u8; 4]) -> bool {
    a == 100 && (64..128).contains(&b)
}

/// fc00::/7, RFC 4193.
fn is_unique_local(ip: Ipv6Addr) -> bool {
    ip.segments()[0] & 0xfe00 == 0xfc00
}

/// Whether the address is a direct one over QUIC.
pub fn is_quic(address: &Multiaddr) -> bool {
    address.iter().any(|part| part == Protocol::QuicV1)
        && !address.iter().any(|part| part == Protocol::P2pCircuit)
}

/// Whether the address is a direct one over TCP, without a layer we do not speak.
fn is_tcp(address: &Multiaddr) -> bool {
    let rest = address.iter().skip(1).filter(|part| !matches!(part, Protocol::P2p(_)));
    matches!(rest.collect::<Vec<_>>()[..], [Protocol::Tcp(_)])
}

/// Whether an address that a peer claims may help others, when its connection comes from `seen_from`:
/// global ones may; others only when we meet the peer on the same kind of network.
pub fn is_useful(claimed: &Multiaddr, seen_from: &Multiaddr) -> bool {
    let reaches = match scope(claimed) {
        Scope::Nowhere => false,
        Scope::Global => true,
        narrow => narrow == scope(seen_from),
    };
    reaches && (is_quic(claimed) || is_tcp(claimed))
}

/// Whether the node can be told to listen there, or be reached there.
pub fn is_usable(address: &Multiaddr) -> bool {
    is_quic(address) || is_tcp(address)
}

/// Most addresses in a join link: QUIC and TCP over IPv4 and IPv6, and two spare.
const LINK_ADDRESSES: usize = 6;

/// The addresses for a join link, best first: the operator's own, then by reach, QUIC before TCP;
/// loopback only when there is nothing else.
pub fn best_for_link(external: &[Multiaddr], listening: &[Multiaddr], peer: PeerId) -> Vec<Multiaddr> {
    let rank = |address: &Multiaddr| {
        (!external.contains(address), std::cmp::Reverse(scope(address)), !is_quic(address))
    };
    let mut best: Vec<_> =
        external.iter().chain(listening).filter(|address| scope(address) > Scope::Nowhere).cloned().collect();
    best.sort_by_key(|address| (rank(address), address.to_string()));
    best.dedup();
    if best.iter().any(|address| scope(address) > Scope::Loopback) {
        best.retain(|address| scope(address) > Scope::Loopback || external.contains(address));
    }
    best.truncate(LINK_ADDRESSES);
    best.into_iter().map(|address| with_peer(address, peer)).collect()
}

/// The address with `/p2p/<peer>` at its end.
pub fn with_peer(address: Multiaddr, peer: PeerId) -> Multiaddr {
    address.with_p2p(peer).unwrap_or_else(|address| address)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Multiaddr {
        text.parse().unwrap()
    }

    #[test]
    fn addresses_carry_as_far_as_they_do() {
        for (text, expected) in [
            ("/ip4/127.0.0.1/tcp/1", Scope::Loopback),
            ("/ip6/::1/udp/1/quic-v1", Scope::Loopback),
            ("/ip4/192.168.1.2/tcp/1", Scope::Private),
            ("/ip4/100.64.0.1/tcp/1", Scope::Private),
            ("/ip6/fd00::1/tcp/1", Scope::Private),
            ("/ip6/::ffff:10.0.0.1/tcp/1", Scope::Private),
            ("/ip6/fe80::1/tcp/1", Scope::Nowhere),
            ("/ip4/0.0.0.0/tcp/1", Scope::Nowhere),
            ("/ip4/203.0.113.5/tcp/1", Scope::Global),
            ("/dns4/boot.example/udp/1/quic-v1", Scope::Global),
            ("/memory/1", Scope::Nowhere),
        ] {
            assert_eq!(scope(&parse(text)), expected, "{text}");
        }
    }

    #[test]
    fn a_stranger_from_far_away_cannot_send_others_into_a_local_network() {
        let (far, near) = (parse("/ip4/203.0.113.5/udp/9/quic-v1"), parse("/ip4/192.168.1.9/udp/9/quic-v1"));
        let local = parse("/ip4/192.168.1.7/udp/1/quic-v1");
        assert!(!is_useful(&local, &far));
        assert!(is_useful(&local, &near));
        assert!(is_useful(&far, &near));
        assert!(!is_useful(&parse("/ip4/203.0.113.5/tcp/1/ws"), &far));
        let relayed = format!("{far}/p2p/{}/p2p-circuit", PeerId::random());
        assert!(!is_useful(&parse(&relayed), &far));
    }

    #[test]
    fn a_link_names_what_reaches_furthest() {
        let peer = PeerId::random();
        let listening: Vec<_> =
            ["/ip4/127.0.0.1/udp/1/quic-v1", "/ip4/10.0.0.2/tcp/1", "/ip4/10.0.0.2/udp/1/quic-v1"]
                .map(parse)
                .into();
        let texts = |external: &[Multiaddr], listening: &[Multiaddr]| -> Vec<String> {
            let all = best_for_link(external, listening, peer);
            all.iter().map(|address| address.to_string().replace(&format!("/p2p/{peer}"), "")).collect()
        };
        assert_eq!(texts(&[], &listening), ["/ip4/10.0.0.2/udp/1/quic-v1", "/ip4/10.0.0.2/tcp/1"]);
        assert_eq!(texts(&[], &listening[..1]), ["/ip4/127.0.0.1/udp/1/quic-v1"]);
        let name = parse("/dns4/boot.example/udp/1/quic-v1");
        assert_eq!(texts(std::slice::from_ref(&name), &listening)[0], name.to_string());
    }
}
