//! The operator's view of a running node, as data and as a page of text.

use std::fmt::{self, Write as _};

use libp2p::Multiaddr;
use serde::{Deserialize, Serialize};

/// A snapshot of a running node. Its JSON form is documented in the operator guide.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// The program's version.
    pub version: String,
    /// The node's peer id.
    pub peer_id: String,
    /// Seconds since it was started.
    pub uptime_s: u64,
    /// Addresses it listens on.
    pub listening: Vec<Multiaddr>,
    /// Addresses at which the operator says it is reached.
    pub external: Vec<Multiaddr>,
    /// What to give to people.
    pub join_link: String,
    /// Who is connected, longest first.
    pub peers: Vec<PeerStatus>,
    /// What the rendezvous table holds.
    pub registrations: Registrations,
}

/// A connected peer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeerStatus {
    /// Its peer id.
    pub peer_id: String,
    /// What its person calls themselves; `None` until told.
    pub name: Option<String>,
    /// The short form of the person's key; `None` until told.
    pub fingerprint: Option<String>,
    /// Where it is connected from.
    pub address: Option<Multiaddr>,
    /// Since when, in Unix milliseconds.
    pub connected_since_ms: u64,
    /// The same, in seconds from then to now.
    pub connected_s: u64,
}

/// What the rendezvous table holds. Namespaces are hashes, so there is nothing more to tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registrations {
    /// Registrations.
    pub count: usize,
    /// Different namespaces.
    pub namespaces: usize,
    /// Different peers.
    pub peers: usize,
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Kinmesh bootstrap node {}, up {}", self.version, Span(self.uptime_s))?;
        for (title, addresses) in [("Listening on", &self.listening), ("Reached at", &self.external)] {
            for (n, address) in addresses.iter().enumerate() {
                writeln!(f, "{:<13} {address}", if n == 0 { title } else { "" })?;
            }
        }
        writeln!(f, "{:<13} {}", "Join link", self.join_link)?;
        let Registrations { count, namespaces, peers } = self.registrations;
        writeln!(f, "{:<13} {count} in {namespaces} namespaces by {peers} peers", "Registrations")?;
        writeln!(f, "{:<13} {}", "Connected", self.peers.len())?;
        self.peers_table(f)
    }
}

impl Status {
    /// Names stand last: their width on the screen is nobody's guess.
    fn peers_table(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.peers.is_empty() {
            return Ok(());
        }
        let address = |peer: &PeerStatus| peer.address.as_ref().map(Multiaddr::to_string).unwrap_or_default();
        let wide = self.peers.iter().map(|peer| address(peer).len()).max().unwrap_or_default().max(7);
        writeln!(f, "\n{:>8}  {:<wide$}  {:<52}  {:<9}  NAME", "FOR", "ADDRESS", "PEER", "PERSON")?;
        for peer in &self.peers {
            let mut line = String::new();
            write!(
                line,
                "{:>8}  {:<wide$}  {:<52}  {:<9}  {}",
                Span(peer.connected_s).to_string(),
                address(peer),
                peer.peer_id,
                peer.fingerprint.as_deref().unwrap_or("-"),
                peer.name.as_deref().unwrap_or("-"),
            )?;
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

/// A span of time in its two largest units.
struct Span(u64);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            s @ 0..60 => write!(f, "{s}s"),
            s @ 60..3600 => write!(f, "{}m {}s", s / 60, s % 60),
            s @ 3600..86_400 => write!(f, "{}h {}m", s / 3600, s % 3600 / 60),
            s => write!(f, "{}d {}h", s / 86_400, s % 86_400 / 3600),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_tells_who_is_connected() {
        let status = Status {
            version: "0.1.0".into(),
            peer_id: "12D3KooWNode".into(),
            uptime_s: 3 * 3600 + 5 * 60,
            listening: vec!["/ip4/192.0.2.1/udp/4711/quic-v1".parse().unwrap()],
            external: vec![],
            join_link: "kinmesh://join?node=x".into(),
            peers: vec![PeerStatus {
                peer_id: "12D3KooWPeer".into(),
                name: Some("林 Ana".into()),
                fingerprint: Some("k7fw-2qpx".into()),
                address: Some("/ip4/192.0.2.9/udp/9/quic-v1".parse().unwrap()),
                connected_since_ms: 0,
                connected_s: 61,
            }],
            registrations: Registrations { count: 3, namespaces: 2, peers: 1 },
        };
        let page = status.to_string();
        let expected = "\
Kinmesh bootstrap node 0.1.0, up 3h 5m
Listening on  /ip4/192.0.2.1/udp/4711/quic-v1
Join link     kinmesh://join?node=x
Registrations 3 in 2 namespaces by 1 peers
Connected     1

     FOR  ADDRESS                       PEER                                                  PERSON     NAME
   1m 1s  /ip4/192.0.2.9/udp/9/quic-v1  12D3KooWPeer                                          k7fw-2qpx  林 Ana
";
        assert_eq!(page, expected);
        assert_eq!(serde_json::from_str::<Status>(&serde_json::to_string(&status).unwrap()).unwrap(), status);
    }
}
