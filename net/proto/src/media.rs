//! What a voice looks like on its way: one packet, one request; and what is said of the way in return.
//!
//! Owns the form of both. A packet goes out fifty times a second to each listener, and what quinn lets
//! through on a bad way is counted in bytes, so they are lists without keys. What is in a payload is
//! the codec's.

use std::fmt;

use serde::de::{Error as _, SeqAccess, Visitor};
use serde::ser::SerializeTuple;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_bytes::ByteBuf;

use crate::limits;

/// One unit of somebody's voice.
///
/// Written as one list: line, sequence, frame, payload, and for each earlier frame two more, how far
/// back and its payload. That is 14 bytes around the payload while both counters are below 65,536,
/// which is 21 minutes, and 18 later; each earlier frame takes 3 more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaPacket {
    /// The number under which its receiver wants to get the media of this peer and this call.
    pub line: u32,
    /// Counts what was sent on this line: a gap is a loss.
    pub sequence: u32,
    /// Counts frames of 20 milliseconds: a gap without one in `sequence` is silence.
    pub frame: u32,
    /// The frame.
    pub payload: ByteBuf,
    /// Frames before it once more, and how many before, at least 1: what was lost is found here.
    pub earlier: Vec<(u8, ByteBuf)>,
}

/// What a receiver says of the way to it, in answer to each packet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "ReportList", into = "ReportList")]
pub struct Report {
    /// Packets of the line that came so far.
    pub received: u32,
    /// Thousandths of the last packets that did not come.
    pub lost_permille: u16,
    /// How many are lost in a row on average, in tenths.
    pub mean_run_tenths: u16,
    /// Thousandths of the last packets that came too late to be played.
    pub late_permille: u16,
    /// How much the delay of the last packets varied.
    pub jitter_ms: u16,
    /// How much longer packets are under way now than the quickest of late: what grows waits in a queue.
    pub delay_trend_ms: i16,
}

/// A report as it is written.
type ReportList = (u32, u16, u16, u16, u16, i16);

/// Answer to a [`MediaPacket`]. Written as the list of a report, or null.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Option<Report>", into = "Option<Report>")]
pub enum MediaResponse {
    /// It was taken, and so the way looks to its receiver.
    Report(Report),
    /// No such line was given to the sender, or its call is over.
    NoSuchLine,
}

impl MediaPacket {
    /// Whether it is as small as a packet has to be, and says of no frame that it is before itself.
    pub fn is_within_limits(&self) -> bool {
        let earlier: usize = self.earlier.iter().map(|(_, payload)| payload.len()).sum();
        self.earlier.len() <= limits::MEDIA_EARLIER_MAX
            && self.earlier.iter().all(|(back, _)| *back > 0)
            && self.payload.len() + earlier <= limits::MEDIA_PAYLOAD_MAX
    }
}

impl From<ReportList> for Report {
    fn from(
        (received, lost_permille, mean_run_tenths, late_permille, jitter_ms, delay_trend_ms): ReportList,
    ) -> Self {
        Self { received, lost_permille, mean_run_tenths, late_permille, jitter_ms, delay_trend_ms }
    }
}

impl From<Report> for ReportList {
    fn from(report: Report) -> Self {
        let Report { received, lost_permille, mean_run_tenths, late_permille, jitter_ms, delay_trend_ms } =
            report;
        (received, lost_permille, mean_run_tenths, late_permille, jitter_ms, delay_trend_ms)
    }
}

impl From<Option<Report>> for MediaResponse {
    fn from(report: Option<Report>) -> Self {
        report.map_or(Self::NoSuchLine, Self::Report)
    }
}

impl From<MediaResponse> for Option<Report> {
    fn from(response: MediaResponse) -> Self {
        match response {
            MediaResponse::Report(report) => Some(report),
            MediaResponse::NoSuchLine => None,
        }
    }
}

impl Serialize for MediaPacket {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_tuple(4 + 2 * self.earlier.len())?;
        list.serialize_element(&self.line)?;
        list.serialize_element(&self.sequence)?;
        list.serialize_element(&self.frame)?;
        list.serialize_element(&self.payload)?;
        for (back, payload) in &self.earlier {
            list.serialize_element(back)?;
            list.serialize_element(payload)?;
        }
        list.end()
    }
}

impl<'de> Deserialize<'de> for MediaPacket {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(PacketVisitor)
    }
}

struct PacketVisitor;

impl<'de> Visitor<'de> for PacketVisitor {
    type Value = MediaPacket;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of line, sequence, frame, payload, and pairs of distance and payload")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<MediaPacket, A::Error> {
        let mut packet = MediaPacket {
            line: next(&mut list)?,
            sequence: next(&mut list)?,
            frame: next(&mut list)?,
            payload: next(&mut list)?,
            earlier: Vec::new(),
        };
        while let Some(back) = list.next_element()? {
            if packet.earlier.len() == limits::MEDIA_EARLIER_MAX {
                return Err(A::Error::custom("too many earlier frames"));
            }
            packet.earlier.push((back, next(&mut list)?));
        }
        if packet.is_within_limits() { Ok(packet) } else { Err(A::Error::custom("beyond the limits")) }
    }
}

/// The next element, which has to be there.
fn next<'de, A: SeqAccess<'de>, T: Deserialize<'de>>(list: &mut A) -> Result<T, A::Error> {
    list.next_element()?.ok_or_else(|| A::Error::custom("it ends too early"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec;

    /// A packet with so many bytes of voice, said once and so many times again.
    fn packet(sequence: u32, payload: usize, again: u8) -> MediaPacket {
        let voice = || ByteBuf::from(vec![7; payload]);
        let earlier = (1..=again).map(|back| (back, voice())).collect();
        MediaPacket { line: u32::MAX, sequence, frame: sequence, payload: voice(), earlier }
    }

    fn bytes_around(sequence: u32, payload: usize, again: u8) -> usize {
        codec::encode(&packet(sequence, payload, again)).len() - payload * (1 + usize::from(again))
    }

    #[test]
    fn a_packet_adds_few_bytes_to_a_voice() {
        assert_eq!(bytes_around(65_535, 80, 0), 14);
        assert_eq!(bytes_around(65_535, 80, 2), 20);
        assert_eq!(bytes_around(u32::MAX, 80, 0), 18);
    }

    #[test]
    fn an_answer_is_a_few_bytes() {
        let report = Report {
            received: u32::MAX,
            lost_permille: u16::MAX,
            mean_run_tenths: u16::MAX,
            late_permille: u16::MAX,
            jitter_ms: u16::MAX,
            delay_trend_ms: i16::MIN,
        };
        assert_eq!(codec::encode(&MediaResponse::Report(report)).len(), 21);
        assert_eq!(codec::encode(&MediaResponse::NoSuchLine), [0xf6]);
    }

    #[test]
    fn what_is_beyond_the_limits_is_not_read() {
        let is_read = |packet: &MediaPacket| {
            let read = codec::decode::<MediaPacket>(&codec::encode(packet), usize::MAX);
            assert_eq!(read.is_ok(), packet.is_within_limits());
            read.is_ok()
        };
        assert!(is_read(&packet(1, limits::MEDIA_PAYLOAD_MAX, 0)));
        assert!(!is_read(&packet(1, limits::MEDIA_PAYLOAD_MAX + 1, 0)));
        assert!(!is_read(&packet(1, limits::MEDIA_PAYLOAD_MAX / 2, 2)));
        assert!(is_read(&packet(1, 10, 4)));
        assert!(!is_read(&packet(1, 10, 5)));
        assert!(!is_read(&MediaPacket { earlier: vec![(0, ByteBuf::new())], ..packet(1, 10, 0) }));
    }

    #[test]
    fn the_largest_packet_and_the_largest_answer_fit_their_requests() {
        let largest = packet(u32::MAX, limits::MEDIA_PAYLOAD_MAX / 5, 4);
        assert!(codec::encode(&largest).len() as u64 <= limits::MEDIA_REQUEST_MAX);
        assert!(bytes_around(u32::MAX, limits::MEDIA_PAYLOAD_MAX / 5, 4) <= 64);
    }

    #[test]
    fn a_list_that_ends_within_a_pair_is_no_packet() {
        let bytes = codec::encode(&(1u32, 2u32, 3u32, ByteBuf::from([4]), 5u8));
        assert!(codec::decode::<MediaPacket>(&bytes, usize::MAX).is_err());
    }
}
