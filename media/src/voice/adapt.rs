//! From what receivers report to what is sent: how much of the way is used, and how much of that for
//! what may be lost.
//!
//! Owns the judgement; time comes in with each call. There is one encoder for all, so the worst way
//! decides. Two things are told apart. Delay that grows is a queue which we fill: less is sent, at once,
//! and more only bit by bit. Loss without such a queue is met with redundancy.

use std::time::Duration;

use super::arrivals::Report;
use super::control::{PARTIES_MAX, Party};
use crate::codec::{Loss, Plan};

/// How often the plan is thought over: as often as a queue can be seen to grow.
const STEP: Duration = Duration::from_millis(200);
/// A way of which nothing was heard for so long, since nobody speaks or nothing passes, decides nothing.
const FRESH: Duration = Duration::from_secs(2);

/// A queue this long is ours to shorten. Jitter leaves less, see [`Report::delay_trend_ms`].
const QUEUE_MS: f32 = 40.0;
/// With no more than this there is none.
const CALM_MS: f32 = 15.0;
/// A queue that changes by less than this share of the time that passes stays as it is.
const STILL: f32 = 0.02;
/// One that empties by half of the time that passes is before a way that carries twice as much.
const VANISHES: f32 = 0.5;
/// One that stays, and loses nothing, is not ours: less is sent no sooner than after this once more.
const STILL_FOR: Duration = Duration::from_secs(2);
/// A way with less loss than this has none.
const LOSS_NONE_PERMILLE: u16 = 20;
/// Of what the way seems to carry, so much is used, that the queue can empty.
const CAREFUL: f32 = 0.9;
/// More growth is not believed of one look, since a way that became longer is no queue,
const GROWTH_MAX: f32 = 0.5;
/// nor more shrinking: it is enough to know that the way carries ten times as much.
const SHRINKS_MAX: f32 = 0.9;
/// What was done shows after this, and a round trip.
const SHOWS_AFTER: Duration = Duration::from_millis(400);
/// After a queue, more is tried no sooner.
const CALM_FOR: Duration = Duration::from_secs(2);
/// Far from what was once too much, the budget grows by this share of itself a second.
const GROWTH: f32 = 0.10;
/// Near to it, by so many bits a second in a second.
const NEAR_GROWTH_BPS: f32 = 800.0;
/// What is near.
const NEAR: std::ops::Range<f32> = 0.9..1.15;
/// Twelve kilobits of voice in half the headers: below this a call cannot go.
const BUDGET_MIN_BPS: f32 = 24_000.0;
/// The most that any plan takes.
const BUDGET_MAX_BPS: f32 = 150_000.0;
/// The bitrate changes in such steps: smaller ones are not heard.
const BUDGET_STEP_BPS: u32 = 2_000;
/// With less than this for each copy of the voice, packets are bundled,
const BUNDLE_BELOW_BPS: u32 = 18_000;
/// until there is so much for it without.
const UNBUNDLE_FROM_BPS: u32 = 36_000;

/// Reported loss is believed within a second and forgotten slowly.
const LOSS_RISES: Duration = Duration::from_millis(500);
const LOSS_FALLS: Duration = Duration::from_secs(4);
/// It has to fall to this share of what is planned for, before less is planned for: nothing flaps.
const LOSS_SLACK: f32 = 0.6;
/// The same for the round trip.
const SLACK: f32 = 0.8;
/// Runs are few, so their length wavers most.
const RUNS_FALL: Duration = Duration::from_secs(8);

/// From this loss and round trip on, the window of the transport is what counts: it sinks with each loss
/// and opens once a round trip. Packets that do not fit wait for it and come too late.
const WINDOW_LOSS: f32 = 0.05;
const WINDOW_ROUND_TRIP_MS: f32 = 80.0;
/// Bits that pass in a round trip then.
const WINDOW_BITS: f32 = 7_000.0;
/// What passes in any case: 140 bytes a packet, see `docs/decisions/0019-voice.md`.
const WINDOW_MIN_BPS: f32 = 56_000.0;

/// What is known of the way to one party.
#[derive(Debug)]
struct Way {
    party: Party,
    queue_ms: f32,
    lost_permille: u16,
    heard_at: Duration,
    /// Loss is not believed before this: it comes from a queue that ran over.
    queued_until: Duration,
    loss: f32,
    mean_run: f32,
    /// The shortest of late, since a packet that was sent again says nothing about the way.
    round_trip_ms: f32,
}

impl Way {
    fn new(party: Party, report: Report, round_trip: Duration, now: Duration) -> Self {
        let mut way = Self {
            party,
            queue_ms: 0.0,
            lost_permille: 0,
            heard_at: now,
            queued_until: Duration::ZERO,
            loss: 0.0,
            mean_run: 1.0,
            round_trip_ms: millis(round_trip),
        };
        way.note(report, round_trip, now);
        way
    }

    fn note(&mut self, report: Report, round_trip: Duration, now: Duration) {
        // After a silence, one report is not believed more than during speech.
        let passed = now.saturating_sub(self.heard_at).min(STEP);
        (self.heard_at, self.lost_permille) = (now, report.lost_permille);
        self.queue_ms = f32::from(report.delay_trend_ms.max(0));
        if self.queue_ms > QUEUE_MS {
            self.queued_until = now + FRESH;
        }
        let share = f32::from(report.lost_permille.min(1_000)) / 1_000.0;
        let rises = share > self.loss;
        if !(rises && now < self.queued_until) {
            near(&mut self.loss, share, passed, if rises { LOSS_RISES } else { LOSS_FALLS });
        }
        let mean_run = (f32::from(report.mean_run_tenths) / 10.0).max(1.0);
        let within = if mean_run > self.mean_run { LOSS_RISES } else { RUNS_FALL };
        near(&mut self.mean_run, mean_run, passed, within);
        let measured = millis(round_trip);
        if measured < self.round_trip_ms {
            self.round_trip_ms = measured;
        } else {
            near(&mut self.round_trip_ms, measured, passed, LOSS_FALLS);
        }
    }

    fn is_fresh(&self, now: Duration) -> bool {
        now.saturating_sub(self.heard_at) <= FRESH
    }
}

/// Decides on the plan.
#[derive(Debug)]
pub(super) struct Adaptation {
    ways: Vec<Way>,
    plan: Plan,
    /// What is planned for: follows the worst way up at once, down with slack.
    loss: Loss,
    round_trip_ms: f32,
    /// Bits a second on the wire, and what was once too much.
    budget_bps: f32,
    ceiling_bps: f32,
    /// When the plan was thought over last, and the queue then.
    looked: Option<(Duration, f32)>,
    /// When the queue began to grow, and from what.
    rises: Option<(Duration, f32)>,
    /// When less was sent last because of a queue.
    cut_at: Option<Duration>,
    /// There was a queue at this time.
    queue_at: Option<Duration>,
}

impl Default for Adaptation {
    fn default() -> Self {
        Self {
            ways: Vec::new(),
            plan: Plan::default(),
            loss: Loss::NONE,
            round_trip_ms: 0.0,
            budget_bps: BUDGET_MAX_BPS,
            ceiling_bps: BUDGET_MAX_BPS,
            looked: None,
            rises: None,
            cut_at: None,
            queue_at: None,
        }
    }
}

impl Adaptation {
    /// A party reports on the way to it.
    pub(super) fn reported(&mut self, party: Party, report: Report, round_trip: Duration, now: Duration) {
        if let Some(way) = self.ways.iter_mut().find(|way| way.party == party) {
            way.note(report, round_trip, now);
        } else if self.ways.len() < PARTIES_MAX {
            self.ways.push(Way::new(party, report, round_trip, now));
        }
    }

    /// A party is gone.
    pub(super) fn forget(&mut self, party: Party) {
        self.ways.retain(|way| way.party != party);
    }

    pub(super) fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Thinks the plan over. Returns it where it changed.
    pub(super) fn think(&mut self, now: Duration) -> Option<&Plan> {
        let passed = now.saturating_sub(self.looked.map_or(Duration::ZERO, |(at, _)| at));
        if self.looked.is_some() && passed < STEP {
            return None;
        }
        let queue = self.worst(now, |way| way.queue_ms)?;
        self.weigh_queue(queue, now);
        self.looked = Some((now, queue));
        self.weigh_loss(now);
        let plan = self.next_plan();
        if plan == self.plan {
            return None;
        }
        self.plan = plan;
        Some(&self.plan)
    }

    fn worst(&self, now: Duration, of: impl Fn(&Way) -> f32) -> Option<f32> {
        let fresh = self.ways.iter().filter(|way| way.is_fresh(now));
        fresh.map(of).max_by(f32::total_cmp)
    }

    /// A queue: sends less than the way carries until it is gone. None for a while: tries more.
    fn weigh_queue(&mut self, queue: f32, now: Duration) {
        let before = self.looked.unwrap_or((now, queue));
        let growth = growth(before, (now, queue));
        if queue > CALM_MS {
            self.queue_at = Some(now);
        }
        if queue <= CALM_MS || growth < -STILL || self.rises.is_none() {
            self.rises = Some((now, queue));
        }
        if growth < -VANISHES {
            // How fast it empties tells how much more passes than is sent: this one was not ours.
            let carries = self.used_bps() / (1.0 + growth.max(-SHRINKS_MAX));
            self.ceiling_bps = self.ceiling_bps.max(carries);
        } else if queue > QUEUE_MS && growth >= -STILL {
            self.cut(queue, now);
        } else if self.queue_at.is_none_or(|at| now.saturating_sub(at) > CALM_FOR) {
            self.probe(now.saturating_sub(before.0).as_secs_f32().min(1.0));
        }
    }

    /// A queue that grows by a share of the time that passes says how much more is sent than passes.
    fn cut(&mut self, queue: f32, now: Duration) {
        let growth = growth(self.rises.unwrap_or((now, queue)), (now, queue));
        let since = self.cut_at.map(|at| now.saturating_sub(at));
        let round_trip = Duration::from_secs_f32(self.round_trip_ms.min(1_000.0) / 1_000.0);
        let fresh = self.ways.iter().filter(|way| way.is_fresh(now));
        let is_still = growth < STILL && fresh.map(|way| way.lost_permille).max() < Some(LOSS_NONE_PERMILLE);
        let rest = if is_still { STILL_FOR } else { SHOWS_AFTER + round_trip };
        if since.is_some_and(|since| since < rest) {
            return;
        }
        self.ceiling_bps = self.used_bps() / (1.0 + growth.clamp(0.0, GROWTH_MAX));
        self.budget_bps = (self.ceiling_bps * CAREFUL).max(BUDGET_MIN_BPS);
        (self.cut_at, self.rises) = (Some(now), Some((now, queue)));
    }

    fn used_bps(&self) -> f32 {
        self.budget_bps.min(self.plan.wire_bps() as f32)
    }

    fn probe(&mut self, passed: f32) {
        // What is not used is not tried: nobody knows whether it would pass.
        if self.plan.wire_bps() as f32 + 2.0 * (BUDGET_STEP_BPS as f32) < self.budget_bps {
            return;
        }
        let is_near = NEAR.contains(&(self.budget_bps / self.ceiling_bps));
        let growth = if is_near { NEAR_GROWTH_BPS } else { self.budget_bps * GROWTH };
        self.budget_bps = (self.budget_bps + growth * passed).min(BUDGET_MAX_BPS);
    }

    fn weigh_loss(&mut self, now: Duration) {
        let worst = |of: fn(&Way) -> f32, floor| self.worst(now, of).unwrap_or(floor);
        let (share, mean_run) = (worst(|way| way.loss, 0.0), worst(|way| way.mean_run, 1.0));
        let round_trip = worst(|way| way.round_trip_ms, 0.0);
        follow(&mut self.loss.share, share, LOSS_SLACK);
        follow(&mut self.loss.mean_run, mean_run, LOSS_SLACK);
        follow(&mut self.round_trip_ms, round_trip, SLACK);
    }

    fn next_plan(&self) -> Plan {
        let steps = (self.budget_bps.min(self.window_bps()) as u32) / BUDGET_STEP_BPS;
        let budget = steps * BUDGET_STEP_BPS;
        let single = Plan::for_loss(self.loss, budget);
        let enough = if self.plan.is_bundled { UNBUNDLE_FROM_BPS } else { BUNDLE_BELOW_BPS };
        if single.bitrate_bps >= enough { single } else { Plan::bundled(self.loss, budget) }
    }

    /// What passes through the transport's window.
    fn window_bps(&self) -> f32 {
        if self.loss.share < WINDOW_LOSS || self.round_trip_ms < WINDOW_ROUND_TRIP_MS {
            return BUDGET_MAX_BPS;
        }
        (WINDOW_BITS * 1_000.0 / self.round_trip_ms).max(WINDOW_MIN_BPS)
    }
}

/// By which share of the time that passed a queue grew.
fn growth((from, before): (Duration, f32), (now, queue): (Duration, f32)) -> f32 {
    let passed = now.saturating_sub(from).max(STEP);
    (queue - before) / 1_000.0 / passed.as_secs_f32()
}

/// Moves a value towards another, most of the way in this time.
fn near(value: &mut f32, to: f32, passed: Duration, within: Duration) {
    let share = 1.0 - (-passed.as_secs_f32() / within.as_secs_f32()).exp();
    *value += (to - *value) * share;
}

/// Follows a value up at once, and down no closer than the slack.
fn follow(held: &mut f32, value: f32, slack: f32) {
    *held = held.clamp(value, value / slack);
}

fn millis(time: Duration) -> f32 {
    time.as_secs_f32() * 1_000.0
}

#[cfg(test)]
mod tests;
