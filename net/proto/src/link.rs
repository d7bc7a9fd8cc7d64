//! Join links: `kinmesh://join?node=<multiaddr>&node=<multiaddr>&room=<name>`.

use std::fmt;
use std::str::FromStr;

use url::Url;

use crate::limits;
use crate::name::{NameError, RoomName};

/// What a join link holds: where to enter the mesh, and which room to enter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JoinLink {
    /// Multiaddresses of bootstrap nodes or peers, each with its `/p2p/` id.
    pub nodes: Vec<String>,
    /// A public room to join.
    pub room: Option<RoomName>,
}

/// Why a link is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// Longer than [`limits::LINK_MAX`] bytes.
    #[error("the link is too long")]
    TooLong,
    /// Not `kinmesh://join?...`.
    #[error("not a kinmesh://join link")]
    NotALink,
    /// No node, or more than [`limits::LINK_ADDRESSES_MAX`].
    #[error("the link must name 1 to {} nodes", limits::LINK_ADDRESSES_MAX)]
    Nodes,
    /// The room's name is refused.
    #[error("the room in the link: {0}")]
    Room(#[from] NameError),
}

impl FromStr for JoinLink {
    type Err = LinkError;

    fn from_str(text: &str) -> Result<Self, LinkError> {
        if text.len() > limits::LINK_MAX {
            return Err(LinkError::TooLong);
        }
        let url = Url::parse(text.trim()).map_err(|_| LinkError::NotALink)?;
        if url.scheme() != "kinmesh" || url.host_str() != Some("join") {
            return Err(LinkError::NotALink);
        }
        let values = |wanted: &str| -> Vec<String> {
            url.query_pairs().filter(|(key, _)| key == wanted).map(|(_, value)| value.into_owned()).collect()
        };
        let nodes = values("node");
        if nodes.is_empty() || nodes.len() > limits::LINK_ADDRESSES_MAX {
            return Err(LinkError::Nodes);
        }
        let room = values("room").first().map(|name| RoomName::new(name)).transpose()?;
        Ok(Self { nodes, room })
    }
}

impl fmt::Display for JoinLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(self.nodes.iter().map(|node| ("node", node)));
        if let Some(room) = &self.room {
            query.append_pair("room", room.as_str());
        }
        write!(f, "kinmesh://join?{}", query.finish().replace("%2F", "/"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_survives_its_text_form() {
        let link = JoinLink {
            nodes: vec![
                "/ip4/192.0.2.1/udp/4001/quic-v1/p2p/12D3KooWx".into(),
                "/dns4/a.example/tcp/1".into(),
            ],
            room: Some(RoomName::new("Boat & 林").unwrap()),
        };
        assert_eq!(link.to_string().parse(), Ok(link.clone()));
        assert!(link.to_string().contains("node=/ip4/192.0.2.1/udp"));
    }

    #[test]
    fn other_links_are_refused() {
        assert_eq!("https://join?node=/ip4/1".parse::<JoinLink>(), Err(LinkError::NotALink));
        assert_eq!("kinmesh://join".parse::<JoinLink>(), Err(LinkError::Nodes));
        assert_eq!("x".repeat(5000).parse::<JoinLink>(), Err(LinkError::TooLong));
    }
}
