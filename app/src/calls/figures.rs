//! How a call goes, in figures, and what they mean.

use std::time::Duration;

use kinmesh_media::voice::{OwnStatistics, PartyStatistics};
use kinmesh_net::MediaPath;
use kinmesh_proto::PersonId;
use serde::Serialize;

/// A frame is recorded before it is sent, in milliseconds.
const FRAME_MS: u32 = 20;

/// How a call goes.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Figures {
    /// Our voice.
    pub own: OwnFigures,
    /// The others whom we hear.
    pub parties: Vec<PartyFigures>,
}

/// How our voice goes out.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct OwnFigures {
    /// Whether the microphone is heard.
    pub open: bool,
    /// Whether we speak, and it is heard.
    pub speaking: bool,
    /// How loud the microphone is, in dBFS; `None` while none is open.
    pub peak_dbfs: Option<i32>,
    /// At how many bits a second our voice is coded.
    pub bitrate_bps: u32,
    /// How many bits a second go to each of the others, repetitions too and headers not.
    pub sent_bps: u32,
    /// How often each frame is repeated.
    pub repeated: usize,
    /// Whether voice processing failed, and the voice goes on without it.
    pub unprocessed: bool,
}

/// How one of the others is heard.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PartyFigures {
    /// Who.
    pub person: PersonId,
    /// Whether they speak.
    pub speaking: bool,
    /// What all that means.
    pub quality: Quality,
    /// From mouth to ear without the devices, in milliseconds: half a round trip, the buffer, a frame.
    pub delay_ms: Option<u32>,
    /// How long their frames wait to be played.
    pub buffer_ms: u32,
    /// How much the time under way differs from packet to packet.
    pub jitter_ms: u16,
    /// How many thousandths of their packets do not come in time.
    pub lost_permille: u16,
    /// How many thousandths of their voice are made up.
    pub made_up_permille: u16,
    /// How many thousandths of our packets do not come in time to them, as they say.
    pub lost_there_permille: Option<u16>,
    /// How long a packet there and its answer take, in milliseconds.
    pub round_trip_ms: Option<u32>,
    /// By which way; `None` for Echo, who lives in this program.
    pub path: Option<Path>,
}

/// By which way packets go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Path {
    /// None waits for another.
    Quic,
    /// One that is lost holds up all behind it.
    Tcp,
}

impl From<MediaPath> for Path {
    fn from(path: MediaPath) -> Self {
        match path {
            MediaPath::Quic => Self::Quic,
            MediaPath::Tcp => Self::Tcp,
        }
    }
}

/// What the figures mean for who listens, from good to bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Quality {
    /// Nothing has been heard yet.
    Unknown,
    /// Like in one room.
    Good,
    /// Something gets lost, and hardly anybody hears it.
    Fair,
    /// Clear, but so late that two begin to speak at once.
    Late,
    /// Words get lost.
    Poor,
    /// Hardly to be understood.
    Bad,
}

/// Made up above this, it is heard by who listens for it, in thousandths.
const FAIR_PERMILLE: u16 = 20;
/// Above this, words get lost.
const POOR_PERMILLE: u16 = 80;
/// Above this, sentences do.
const BAD_PERMILLE: u16 = 200;
/// What gets lost of our packets is repeated or made up there, up to this.
const LOST_THERE_FAIR_PERMILLE: u16 = 100;
/// Beyond it people begin to speak at once, in milliseconds.
const LATE_MS: u32 = 400;

impl PartyFigures {
    pub(super) fn of(person: PersonId, statistics: &PartyStatistics, path: Option<MediaPath>) -> Self {
        let buffer_ms = statistics.heard.buffer.delay_ms.max(0.0).round() as u32;
        let round_trip_ms = statistics.round_trip.map(millis);
        let mut figures = Self {
            person,
            speaking: statistics.heard.is_speaking,
            quality: Quality::Unknown,
            delay_ms: round_trip_ms.map(|round_trip| round_trip / 2 + buffer_ms + FRAME_MS),
            buffer_ms,
            jitter_ms: statistics.from.jitter_ms,
            lost_permille: statistics.from.lost_permille,
            made_up_permille: (statistics.heard.made_up_share.clamp(0.0, 1.0) * 1_000.0).round() as u16,
            lost_there_permille: statistics.to.map(|report| report.lost_permille),
            round_trip_ms,
            path: path.map(Path::from),
        };
        if statistics.heard.buffer.received > 0 {
            figures.quality = figures.quality();
        }
        figures
    }

    fn quality(&self) -> Quality {
        if self.made_up_permille > BAD_PERMILLE {
            Quality::Bad
        } else if self.made_up_permille > POOR_PERMILLE {
            Quality::Poor
        } else if self.delay_ms.is_some_and(|delay| delay > LATE_MS) {
            Quality::Late
        } else if self.made_up_permille > FAIR_PERMILLE
            || self.lost_there_permille.is_some_and(|lost| lost > LOST_THERE_FAIR_PERMILLE)
        {
            Quality::Fair
        } else {
            Quality::Good
        }
    }
}

impl OwnFigures {
    pub(super) fn set_voice(&mut self, own: &OwnStatistics) {
        self.open = own.is_open;
        self.speaking = own.is_speaking;
        self.bitrate_bps = own.plan.bitrate_bps;
        self.sent_bps = own.sent_bps;
        self.repeated = own.plan.offsets.len();
    }
}

fn millis(duration: Duration) -> u32 {
    u32::try_from(duration.as_millis()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use kinmesh_media::voice::{Heard, Party, Report};

    fn heard(made_up_share: f32, round_trip: u64) -> PartyStatistics {
        let mut heard = Heard { made_up_share, ..Heard::default() };
        (heard.buffer.received, heard.buffer.delay_ms) = (100, 40.0);
        PartyStatistics {
            party: Party(1),
            heard,
            from: Report::default(),
            to: Some(Report::default()),
            round_trip: Some(Duration::from_millis(round_trip)),
        }
    }

    fn quality(statistics: &PartyStatistics) -> Quality {
        PartyFigures::of(PersonId([1; 32]), statistics, Some(MediaPath::Quic)).quality
    }

    #[test]
    fn what_gets_lost_and_what_comes_late_have_their_words() {
        assert_eq!(quality(&heard(0.0, 20)), Quality::Good);
        assert_eq!(quality(&heard(0.05, 20)), Quality::Fair);
        assert_eq!(quality(&heard(0.1, 20)), Quality::Poor);
        assert_eq!(quality(&heard(0.3, 900)), Quality::Bad);
        assert_eq!(quality(&heard(0.0, 900)), Quality::Late);
        let lossy = Report { lost_permille: 150, ..Report::default() };
        assert_eq!(quality(&PartyStatistics { to: Some(lossy), ..heard(0.0, 20) }), Quality::Fair);
    }

    #[test]
    fn of_whom_nothing_came_there_is_nothing_to_say() {
        let mut silent = heard(0.0, 20);
        silent.heard.buffer.received = 0;
        assert_eq!(quality(&silent), Quality::Unknown);
    }

    #[test]
    fn the_delay_is_half_the_round_trip_and_what_waits_here() {
        let figures = PartyFigures::of(PersonId([1; 32]), &heard(0.0, 100), None);
        assert_eq!((figures.delay_ms, figures.buffer_ms), (Some(110), 40));
        let alone = PartyStatistics { round_trip: None, ..heard(0.0, 0) };
        assert_eq!(PartyFigures::of(PersonId([1; 32]), &alone, None).delay_ms, None);
    }
}
