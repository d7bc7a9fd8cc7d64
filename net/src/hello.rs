//! The hello protocol: who is at the other end of a connection, asked once in each direction.
//!
//! Owns the codec's types and limits, shared by peers and bootstrap nodes. What a hello means is
//! decided elsewhere.

use kinmesh_proto::{Hello, limits, protocol};
use libp2p::StreamProtocol;
use libp2p::request_response::{self, ProtocolSupport};

use crate::exchange::Cbor;

/// Request: our hello. Response: theirs, or `None` (CBOR null) from a bootstrap node, which is nobody.
pub type Codec = Cbor<Hello, Option<Hello>>;
/// The protocol's behaviour in a peer's swarm.
pub type Behaviour = request_response::Behaviour<Codec>;
/// What the behaviour reports.
pub type Event = request_response::Event<Hello, Option<Hello>>;

/// Hellos that one connection may have under way: a profile change during the first one, and spare.
const STREAMS_MAX: usize = 4;

/// The codec with its size limits set.
pub fn codec() -> Codec {
    Cbor::new(limits::HELLO_MAX, limits::HELLO_MAX)
}

/// The protocol with its limits set, around [`codec`] or a wrapper of it.
pub fn behaviour_with<C>(codec: C) -> request_response::Behaviour<C>
where
    C: request_response::Codec<Protocol = StreamProtocol> + Clone + Send + 'static,
{
    request_response::Behaviour::with_codec(
        codec,
        [(StreamProtocol::new(protocol::HELLO), ProtocolSupport::Full)],
        request_response::Config::default().with_max_concurrent_streams(STREAMS_MAX),
    )
}

/// The protocol as peers speak it.
pub fn behaviour() -> Behaviour {
    behaviour_with(codec())
}
