//! A room on the wire: which topic is whose, and what travels there.
//!
//! Anybody who is connected is told the topics of a peer and can listen on them, so on the topic of a private
//! room nothing goes in the clear: no name of it, no change of who is in, no word on who is there or writes.

use kinmesh_proto::{RoomFrame, RoomId, RoomKey, codec, limits};

/// A topic that we take part in.
#[derive(Debug)]
pub(super) struct Channel {
    pub(super) room: RoomId,
    /// What all frames are sealed with; the topic's name follows from it. `None` in a public room.
    pub(super) key: Option<RoomKey>,
}

impl Channel {
    /// A frame as it travels.
    pub(super) fn closed(&self, frame: &RoomFrame) -> Vec<u8> {
        let bytes = codec::encode(frame);
        match &self.key {
            Some(key) => key.seal_frame(&bytes),
            None => bytes,
        }
    }

    /// The frame that came; `None` for what nobody who takes part would send.
    pub(super) fn opened(&self, bytes: &[u8]) -> Option<RoomFrame> {
        let frame = match &self.key {
            Some(key) => &key.open_frame(bytes)?,
            None => bytes,
        };
        codec::decode(frame, limits::ROOM_FRAME_MAX).ok()
    }
}
