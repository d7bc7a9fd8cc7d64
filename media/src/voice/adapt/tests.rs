//! Ways in numbers: what is planned on each.

use super::*;
use crate::signal::Chance;

const ALICE: Party = Party(1);
const BOB: Party = Party(2);

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn report(lost_permille: u16, mean_run_tenths: u16) -> Report {
    Report { lost_permille, mean_run_tenths, ..Report::default() }
}

/// Reports every 20 milliseconds; returns the plans and when each began.
fn run(
    adaptation: &mut Adaptation,
    time: std::ops::Range<u64>,
    mut report: impl FnMut(u64, &Plan) -> (Report, Duration),
) -> Vec<(u64, Plan)> {
    let mut plans = Vec::new();
    for at in time.step_by(20) {
        let (said, round_trip) = report(at, adaptation.plan());
        adaptation.reported(ALICE, said, round_trip, ms(at));
        if let Some(plan) = adaptation.think(ms(at)) {
            plans.push((at, plan.clone()));
        }
    }
    plans
}

/// A bottleneck: what is more than it carries waits before it, up to 300 milliseconds.
struct Bottleneck {
    carries_bps: f32,
    queue_ms: f32,
    worst_ms: f32,
}

impl Bottleneck {
    fn new(carries_bps: f32) -> Self {
        Self { carries_bps, queue_ms: 0.0, worst_ms: 0.0 }
    }

    fn report(&mut self, plan: &Plan) -> (Report, Duration) {
        let over = plan.wire_bps() as f32 / self.carries_bps - 1.0;
        self.queue_ms = (self.queue_ms + over * 20.0).clamp(0.0, 300.0);
        self.worst_ms = self.worst_ms.max(self.queue_ms);
        let report =
            Report { delay_trend_ms: self.queue_ms as i16, mean_run_tenths: 10, ..Report::default() };
        (report, ms(40))
    }
}

#[test]
fn loss_is_met_within_two_seconds_and_forgotten_later() {
    let mut adaptation = Adaptation::default();
    assert_eq!(run(&mut adaptation, 0..5_000, |_, _| (report(0, 10), ms(30))), []);
    run(&mut adaptation, 5_000..7_000, |at, _| (report(((at - 5_000) / 20).min(100) as u16, 11), ms(30)));
    assert_eq!(adaptation.plan().offsets, [1], "{:?}", adaptation.plan());
    run(&mut adaptation, 7_000..9_000, |_, _| (report(200, 12), ms(30)));
    assert_eq!(adaptation.plan().offsets, [1, 3], "{:?}", adaptation.plan());
    run(&mut adaptation, 9_000..11_000, |_, _| (report(0, 10), ms(30)));
    assert!(!adaptation.plan().offsets.is_empty(), "{:?}", adaptation.plan());
    run(&mut adaptation, 11_000..40_000, |_, _| (report(0, 10), ms(30)));
    assert_eq!(*adaptation.plan(), Plan::default());
}

#[test]
fn losses_in_runs_are_met_farther_back() {
    let mut adaptation = Adaptation::default();
    run(&mut adaptation, 0..2_000, |_, _| (report(100, 30), ms(30)));
    assert_eq!(adaptation.plan().offsets, [2, 4]);
    assert!(adaptation.plan().dred_frames > 0);
}

#[test]
fn reports_that_waver_do_not_make_the_plan_flap() {
    let mut chance = Chance::new(6);
    for percent in [1, 5, 10, 20] {
        let mut adaptation = Adaptation::default();
        // A hundred packets, each lost or not.
        let mut waver = move |_, _: &Plan| {
            let lost = (0..100).filter(|_| chance.below(100) < percent).count();
            (report(10 * lost as u16, 11), ms(30))
        };
        run(&mut adaptation, 0..10_000, &mut waver);
        let plans = run(&mut adaptation, 10_000..70_000, &mut waver);
        let kinds: Vec<_> = plans.iter().map(|(_, plan)| (plan.fec, plan.offsets)).collect();
        let changes = kinds.windows(2).filter(|pair| pair[0] != pair[1]).count();
        assert!(changes <= 2, "{percent} %: {kinds:?}");
        chance = Chance::new(percent as u64);
    }
}

#[test]
fn a_narrow_way_is_used_and_not_overrun() {
    for carries_bps in [36_000.0, 48_000.0, 64_000.0] {
        let mut adaptation = Adaptation::default();
        let mut way = Bottleneck::new(carries_bps);
        run(&mut adaptation, 0..3_000, |_, plan| way.report(plan));
        assert!(
            (adaptation.plan().wire_bps() as f32) < carries_bps,
            "{carries_bps}: {:?}",
            adaptation.plan()
        );
        run(&mut adaptation, 3_000..6_000, |_, plan| way.report(plan));
        assert!(way.queue_ms < 30.0, "{carries_bps}: {}", way.queue_ms);
        way.worst_ms = 0.0;
        let mut used = 0.0;
        run(&mut adaptation, 6_000..66_000, |_, plan| {
            used += plan.wire_bps() as f32 / 3_000.0;
            way.report(plan)
        });
        assert!(way.worst_ms < 110.0, "{carries_bps}: {}", way.worst_ms);
        assert!(used > carries_bps * 0.75, "{carries_bps}: {used}");
    }
}

#[test]
fn a_way_that_widens_is_found_again() {
    let mut adaptation = Adaptation::default();
    let mut narrow = Bottleneck::new(48_000.0);
    run(&mut adaptation, 0..20_000, |_, plan| narrow.report(plan));
    assert!(adaptation.plan().bitrate_bps < 30_000);
    run(&mut adaptation, 20_000..40_000, |_, _| (report(0, 10), ms(40)));
    assert_eq!(*adaptation.plan(), Plan::default());
}

#[test]
fn a_way_that_is_longer_for_two_seconds_costs_some_of_the_bitrate_for_some_seconds() {
    let mut adaptation = Adaptation::default();
    let spike = |at, _: &Plan| {
        let delay_trend_ms = if (5_000..7_000).contains(&at) { 200 } else { 0 };
        (Report { delay_trend_ms, ..report(0, 10) }, ms(40))
    };
    run(&mut adaptation, 0..7_000, spike);
    assert!(!adaptation.plan().is_bundled, "{:?}", adaptation.plan());
    run(&mut adaptation, 7_000..16_000, spike);
    assert_eq!(*adaptation.plan(), Plan::default());
}

#[test]
fn what_a_queue_loses_is_not_met_with_more_of_it() {
    let mut adaptation = Adaptation::default();
    let mut way = Bottleneck::new(40_000.0);
    run(&mut adaptation, 0..4_000, |_, plan| {
        let (mut said, round_trip) = way.report(plan);
        said.lost_permille = if way.queue_ms > 100.0 { 200 } else { 0 };
        (said, round_trip)
    });
    assert!(adaptation.plan().offsets.len() <= 1, "{:?}", adaptation.plan());
    assert!(!adaptation.plan().fec);
}

#[test]
fn on_a_long_way_copies_are_small() {
    for (round_trip, most_bps) in [(100, 72_000), (200, 56_000)] {
        let mut adaptation = Adaptation::default();
        run(&mut adaptation, 0..4_000, |_, _| (report(100, 11), ms(round_trip)));
        let plan = adaptation.plan();
        assert!(plan.wire_bps() <= most_bps && !plan.offsets.is_empty(), "{plan:?}");
    }
    let mut near = Adaptation::default();
    run(&mut near, 0..4_000, |_, _| (report(100, 11), ms(20)));
    assert!(near.plan().bitrate_bps >= 32_000);
}

#[test]
fn the_worst_way_decides_while_it_is_heard_of() {
    let mut adaptation = Adaptation::default();
    for at in (0..2_000).step_by(20) {
        adaptation.reported(ALICE, report(0, 10), ms(30), ms(at));
        adaptation.reported(BOB, report(150, 11), ms(30), ms(at));
        adaptation.think(ms(at));
    }
    assert_eq!(adaptation.plan().offsets, [1, 3]);
    adaptation.forget(BOB);
    run(&mut adaptation, 2_000..20_000, |_, _| (report(0, 10), ms(30)));
    assert_eq!(*adaptation.plan(), Plan::default());
}

#[test]
fn whatever_is_reported_the_plan_is_within_bounds() {
    let mut adaptation = Adaptation::default();
    let mut chance = Chance::new(7);
    for at in 0..20_000 {
        let any = |chance: &mut Chance| chance.below(65_536) as u16;
        let said = Report {
            received: at as u32,
            lost_permille: any(&mut chance),
            mean_run_tenths: any(&mut chance),
            late_permille: any(&mut chance),
            jitter_ms: any(&mut chance),
            delay_trend_ms: any(&mut chance).cast_signed(),
        };
        let round_trip = ms(chance.below(100_000) as u64);
        adaptation.reported(Party(chance.below(100) as u32), said, round_trip, ms(at * 20));
        adaptation.think(ms(at * 20));
        assert!((12_000..=64_000).contains(&adaptation.plan().bitrate_bps));
        assert!(adaptation.ways.len() <= PARTIES_MAX);
    }
}
