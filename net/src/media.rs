//! Media of a call, as those move it who record and play it: packets out, packets in, and what is said of the way.
//!
//! Owns the queues between them and the driver. All are short, and drop the oldest: a voice that comes
//! late is worth nothing, and neither side ever waits for the other. Knows no codec and no network.

mod pipe;

use std::sync::Arc;
use std::time::Duration;

use kinmesh_proto::{MediaPacket, PersonId, Report};
use serde_bytes::ByteBuf;

pub(crate) use pipe::{Outcome, Pipe};

/// One unit of a voice, on its way to one person or from them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packetized {
    /// Counts what was sent to this person in this call.
    pub sequence: u32,
    /// Counts frames of 20 milliseconds.
    pub frame: u32,
    /// The frame.
    pub payload: Vec<u8>,
    /// Frames before it, and how many before.
    pub earlier: Vec<(u8, Vec<u8>)>,
}

impl Packetized {
    /// As it goes out on the line that its receiver has given us.
    pub(crate) fn on_line(self, line: u32) -> MediaPacket {
        let earlier = self.earlier.into_iter().map(|(back, payload)| (back, ByteBuf::from(payload)));
        MediaPacket {
            line,
            sequence: self.sequence,
            frame: self.frame,
            payload: ByteBuf::from(self.payload),
            earlier: earlier.collect(),
        }
    }
}

impl From<MediaPacket> for Packetized {
    fn from(packet: MediaPacket) -> Self {
        let earlier = packet.earlier.into_iter().map(|(back, payload)| (back, payload.into_vec()));
        Self {
            sequence: packet.sequence,
            frame: packet.frame,
            payload: packet.payload.into_vec(),
            earlier: earlier.collect(),
        }
    }
}

/// By which way packets go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MediaPath {
    /// None waits for another.
    Quic,
    /// One that is lost holds up all behind it.
    Tcp,
}

/// What happens to the media of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MediaEvent {
    /// From now on packets go to this person and come from them.
    PartyOpened {
        /// Who.
        person: PersonId,
    },
    /// That is over. Should they come again, their packets count anew.
    PartyClosed {
        /// Who.
        person: PersonId,
    },
    /// A packet has come.
    Packet {
        /// Whose voice it is.
        from: PersonId,
        /// Counts what they sent us in this call.
        sequence: u32,
        /// Counts frames of 20 milliseconds.
        frame: u32,
        /// The frame.
        payload: Vec<u8>,
        /// Frames before it, and how many before.
        earlier: Vec<(u8, Vec<u8>)>,
    },
    /// A packet of ours was answered.
    Reported {
        /// By whom.
        by: PersonId,
        /// What they say of the way to them.
        report: Report,
        /// From when the packet left us until the answer was here.
        round_trip: Duration,
    },
    /// A packet of ours was not: it came to nothing, or so late that it is all the same.
    Unanswered {
        /// By whom.
        by: PersonId,
    },
}

/// The media of one call, both ways. There is one for each call: [`crate::CallHandle::media`].
#[derive(Debug)]
pub struct MediaLink {
    pipe: Arc<Pipe>,
}

impl MediaLink {
    pub(crate) fn new(pipe: Arc<Pipe>) -> Self {
        Self { pipe }
    }

    /// What happens next; `None` once the call is over. May be dropped while it waits, nothing is lost.
    pub async fn next(&mut self) -> Option<MediaEvent> {
        self.pipe.next().await
    }

    /// Sends a packet to one of the call, and never waits. If they take no more for the moment, the
    /// oldest packet for them that has not left gives way; to who is not in the call nothing is sent.
    ///
    /// A packet over [`kinmesh_proto::limits::MEDIA_PAYLOAD_MAX`], which no codec of ours makes, is refused
    /// by its receiver.
    pub fn send(&self, to: PersonId, packet: Packetized) {
        self.pipe.send(to, packet);
    }

    /// By which way packets go to this person; `None` while they are not in the call. Up to a second old.
    pub fn path(&self, to: PersonId) -> Option<MediaPath> {
        self.pipe.path(to)
    }

    /// What each packet of this person is answered with from now on.
    pub fn set_report(&self, from: PersonId, report: Report) {
        self.pipe.set_report(from, report);
    }
}
