//! How much is spent on a voice, and how much of that on what may be lost.
//!
//! Owns the table. The figures behind it are in `docs/decisions/0014-sound.md`.

/// Below this, speech is hard to follow.
pub const BITRATE_MIN_BPS: u32 = 12_000;
/// Above this, nobody hears a difference.
pub const BITRATE_MAX_BPS: u32 = 64_000;

/// With no more than this it is not worth a bit.
const LOSS_NONE: f32 = 0.01;
/// Up to here a coarse copy of the frame before is enough.
const LOSS_LOW: f32 = 0.05;
/// Up to here one whole copy is enough.
const LOSS_HIGH: f32 = 0.10;
/// Losses that come in runs of this mean length take neighbouring copies with them.
const BURST: f32 = 2.0;
/// libopus codes no copy at all at 5 % and 24 kbit/s: what is signalled is at least this.
const SIGNALLED_MIN_PERCENT: u8 = 10;
/// Up to 400 milliseconds of DRED, as far as its share of the bitrate reaches.
const DRED_FRAMES: u8 = 20;
/// What is signalled goes up and down in such steps, so that the encoder is not set anew all the time.
const SIGNALLED_STEP_PERCENT: u8 = 5;
/// Bits that headers take of each packet, beside the voice: 60 bytes.
const OVERHEAD_BITS: u32 = 480;
/// Frames a second.
const FRAMES_A_SECOND: u32 = 50;

/// What a receiver reports of the way to it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Loss {
    /// Share of packets that did not come in time, 0 to 1.
    pub share: f32,
    /// Mean length of a run of them, at least 1.
    pub mean_run: f32,
}

impl Loss {
    /// A way that loses nothing.
    pub const NONE: Self = Self { share: 0.0, mean_run: 1.0 };
}

/// What the sender does about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Bits a second for each copy of the voice.
    pub bitrate_bps: u32,
    /// Whether each frame brings a coarse copy of the one before.
    pub fec: bool,
    /// Loss that the encoder prepares for.
    pub signalled_loss_percent: u8,
    /// Which earlier frames a packet repeats whole: so many frames back, ascending.
    pub offsets: &'static [u8],
    /// How many frames DRED describes.
    pub dred_frames: u8,
    /// Whether a packet is sent for every second frame only, with the frame before it among the earlier
    /// ones: half the headers, for 20 milliseconds.
    pub is_bundled: bool,
}

impl Default for Plan {
    fn default() -> Self {
        Self::for_loss(Loss::NONE, u32::MAX)
    }
}

impl Plan {
    /// The plan for a way that loses so much and carries so many bits a second.
    pub fn for_loss(loss: Loss, uplink_bps: u32) -> Self {
        Self::unlimited(loss).within(uplink_bps)
    }

    /// The same with two frames in each packet.
    pub fn bundled(loss: Loss, uplink_bps: u32) -> Self {
        let single = Self::unlimited(loss);
        let offsets: &[u8] = if single.offsets.is_empty() { &[1] } else { &[1, 2, 3] };
        Self { is_bundled: true, offsets, ..single }.within(uplink_bps)
    }

    /// Bits a second that it takes on the wire, headers and copies as well.
    pub fn wire_bps(&self) -> u32 {
        self.bitrate_bps * self.copies() + self.overhead_bps()
    }

    fn unlimited(loss: Loss) -> Self {
        let comes_in_runs = loss.mean_run >= BURST && loss.share > LOSS_LOW;
        let (bitrate_bps, fec, offsets, dred_frames): (_, _, &'static [u8], _) = match loss.share {
            _ if comes_in_runs => (40_000, true, &[2, 4], DRED_FRAMES),
            share if share < LOSS_NONE => (52_000, false, &[], 0),
            share if share <= LOSS_LOW => (64_000, true, &[], 0),
            share if share <= LOSS_HIGH => (32_000, true, &[1], 0),
            _ => (32_000, true, &[1, 3], 0),
        };
        let percent = (loss.share.clamp(0.0, 1.0) * 100.0).ceil() as u8;
        let prepared = percent.next_multiple_of(SIGNALLED_STEP_PERCENT).max(SIGNALLED_MIN_PERCENT);
        let signalled_loss_percent = if fec { prepared } else { 0 };
        Self { bitrate_bps, fec, signalled_loss_percent, offsets, dred_frames, is_bundled: false }
    }

    /// The same, made to fit: first the voice gets coarser, then copies go, the farthest first.
    fn within(mut self, uplink_bps: u32) -> Self {
        let bps = uplink_bps.saturating_sub(self.overhead_bps());
        while self.copies() > 1 && bps / self.copies() < BITRATE_MIN_BPS {
            self.offsets = &self.offsets[..self.offsets.len() - self.frames()];
        }
        let share = (bps / self.copies()).max(BITRATE_MIN_BPS);
        self.bitrate_bps = self.bitrate_bps.min(share);
        self
    }

    /// How often each frame is sent.
    fn copies(&self) -> u32 {
        ((1 + self.offsets.len()) / self.frames()) as u32
    }

    /// How many frames of a packet are in none before it.
    fn frames(&self) -> usize {
        if self.is_bundled { 2 } else { 1 }
    }

    fn overhead_bps(&self) -> u32 {
        OVERHEAD_BITS * FRAMES_A_SECOND / self.frames() as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(share: f32, mean_run: f32, uplink_bps: u32) -> Plan {
        Plan::for_loss(Loss { share, mean_run }, uplink_bps)
    }

    #[test]
    fn more_loss_is_met_with_more_copies() {
        assert_eq!(plan(0.0, 1.0, u32::MAX), Plan::default());
        assert_eq!(Plan::default().offsets, [0_u8; 0]);
        assert!(!Plan::default().fec);
        assert!(plan(0.03, 1.0, u32::MAX).fec);
        assert_eq!(plan(0.08, 1.0, u32::MAX).offsets, [1]);
        assert_eq!(plan(0.2, 1.0, u32::MAX).offsets, [1, 3]);
    }

    #[test]
    fn losses_in_runs_are_met_farther_back() {
        let plan = plan(0.1, 3.0, u32::MAX);
        assert_eq!(plan.offsets, [2, 4]);
        assert!(plan.dred_frames > 0);
    }

    #[test]
    fn a_copy_that_is_wanted_is_one_that_libopus_makes() {
        assert_eq!(plan(0.02, 1.0, u32::MAX).signalled_loss_percent, 10);
        assert_eq!(plan(0.25, 1.0, u32::MAX).signalled_loss_percent, 25);
        assert_eq!(plan(7.0, 1.0, u32::MAX).signalled_loss_percent, 100);
    }

    #[test]
    fn a_narrow_way_makes_the_voice_coarser_before_it_costs_copies() {
        let narrow = plan(0.2, 1.0, 72_000);
        assert_eq!((narrow.bitrate_bps, narrow.offsets), (16_000, [1_u8, 3].as_slice()));
        let narrower = plan(0.2, 1.0, 53_000);
        assert_eq!((narrower.bitrate_bps, narrower.offsets), (14_500, [1_u8].as_slice()));
        assert_eq!(plan(0.0, 1.0, 0).bitrate_bps, BITRATE_MIN_BPS);
    }

    #[test]
    fn two_frames_in_a_packet_leave_more_to_the_voice() {
        let (single, bundled) = (plan(0.0, 1.0, 40_000), Plan::bundled(Loss::NONE, 40_000));
        assert_eq!((single.bitrate_bps, single.offsets), (16_000, [0_u8; 0].as_slice()));
        assert_eq!((bundled.bitrate_bps, bundled.offsets), (28_000, [1_u8].as_slice()));
        let lossy = Loss { share: 0.08, mean_run: 1.0 };
        let (wide, narrow) = (Plan::bundled(lossy, 60_000), Plan::bundled(lossy, 30_000));
        assert_eq!((wide.bitrate_bps, wide.offsets), (24_000, [1_u8, 2, 3].as_slice()));
        assert_eq!((narrow.bitrate_bps, narrow.offsets), (18_000, [1_u8].as_slice()));
    }

    #[test]
    fn what_is_planned_fits() {
        for share in [0.0, 0.03, 0.08, 0.3] {
            for uplink_bps in [40_000, 56_000, 64_000, 100_000] {
                assert!(plan(share, 1.0, uplink_bps).wire_bps() <= uplink_bps, "{share} {uplink_bps}");
                let bundled = Plan::bundled(Loss { share, mean_run: 3.0 }, uplink_bps);
                assert!(bundled.wire_bps() <= uplink_bps, "{share} {uplink_bps}");
            }
        }
    }
}
