//! Protocol names, and the derivations that hide what a room or a person is called.

use crate::id::{CallId, PersonId, RoomId};
use crate::name::RoomName;

/// Identify's protocol version: programs with another one are no peers of ours.
pub const IDENTIFY: &str = "kinmesh/1";
/// Kademlia.
pub const KAD: &str = "/kinmesh/kad/1";
/// Rendezvous: who is in a namespace.
pub const RENDEZVOUS: &str = "/rendezvous/1.0.0";
/// Hello: presence on a connection.
pub const HELLO: &str = "/kinmesh/hello/1";
/// Reconciliation of histories.
pub const SYNC: &str = "/kinmesh/sync/1";
/// One-to-one chat.
pub const CHAT: &str = "/kinmesh/chat/1";
/// Redeeming of tickets with who made them.
pub const INVITE: &str = "/kinmesh/invite/1";
/// What devices say to each other about calls. Sound travels apart from it.
pub const CALL: &str = "/kinmesh/call/1";
/// Media of calls.
pub const MEDIA: &str = "/kinmesh/media/1";

/// Characters of a gossip topic.
const TOPIC_CHARS: usize = 32;

impl RoomId {
    /// The public room of this name.
    pub fn public(name: &RoomName) -> Self {
        Self(blake3::derive_key("kinmesh 2026-11 public room", name.folded().as_bytes()))
    }

    /// Gossip topic: subscriptions are told to every connected peer, so it must not name the room.
    pub fn topic(&self) -> String {
        let mut topic = hex(&blake3::derive_key("kinmesh 2026-11 room topic", &self.0));
        topic.truncate(TOPIC_CHARS);
        topic
    }

    /// Rendezvous namespace and, as bytes, Kademlia provider key.
    pub fn namespace(&self) -> String {
        hex(&blake3::derive_key("kinmesh 2026-11 room namespace", &self.0))
    }

    /// The call that its voice channel is: the same for all members, without anybody having begun it.
    pub fn voice_channel(&self) -> CallId {
        let hash = blake3::derive_key("kinmesh 2026-11 voice channel", &self.0);
        let mut call = [0; 16];
        call.copy_from_slice(&hash[..16]);
        CallId(call)
    }
}

impl PersonId {
    /// Rendezvous namespace and, as bytes, Kademlia provider key of this person's devices.
    pub fn namespace(&self) -> String {
        hex(&blake3::derive_key("kinmesh 2026-11 person namespace", &self.0))
    }
}

fn hex(bytes: &[u8; 32]) -> String {
    data_encoding::HEXLOWER.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topic_and_namespace_tell_nothing_of_each_other() {
        let lobby = RoomId::public(&RoomName::lobby());
        assert_eq!(lobby.topic().len(), 32);
        assert_ne!(lobby.topic(), lobby.namespace()[..32]);
        assert_ne!(RoomId::public(&RoomName::new("lobby2").unwrap()).topic(), lobby.topic());
    }

    #[test]
    fn the_lobby_has_its_documented_topic() {
        let lobby = RoomId::public(&RoomName::lobby());
        assert_eq!(lobby.topic(), "28729d669d6eccab036284f8b08fc08d");
    }
}
