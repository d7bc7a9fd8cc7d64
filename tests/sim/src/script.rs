//! What is done and what goes wrong in one run, written down before it begins.

use crate::dice::Dice;
use crate::scenario::{Faults, PRIVATE_ROOMS, Scenario, Work};

/// How long a peer that ended stays away.
const ABSENCE_MS: std::ops::RangeInclusive<u64> = 500..=40_000;
/// How long the mesh stays apart: shorter and longer than it takes to notice.
const PARTITION_MS: std::ops::RangeInclusive<u64> = 3_000..=50_000;
/// How long a disk fails or stands still.
const DISK_FAULT_MS: std::ops::RangeInclusive<u64> = 200..=8_000;
/// Everybody who is there from the beginning joins within this.
const GATHERING_MS: u64 = 3_000;
/// Private rooms are founded after this: everybody is connected by then.
const FOUNDING_MS: u64 = 5_000;

/// One thing that is done to a peer or to the network.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    Act {
        peer: usize,
        action: Action,
    },
    Crash {
        peer: usize,
    },
    GoAway {
        peer: usize,
    },
    Start {
        peer: usize,
    },
    Cut(Partition),
    Mend {
        partition: usize,
    },
    BreakDisk {
        peer: usize,
    },
    MendDisk {
        peer: usize,
    },
    HaltDisk {
        peer: usize,
        for_ms: u64,
    },
    SetClock {
        peer: usize,
        offset_ms: i64,
    },
    /// From now on nothing goes wrong.
    Heal,
}

/// What a person does.
#[derive(Debug, Clone)]
pub(crate) enum Action {
    Join { room: usize },
    Leave,
    Say { to: Place, entries: u64 },
    Change { at: Place, what: ChangeKind },
    Type { to: Place },
    Read,
    Rename,
    Call,
    Found,
    Decide(Decision),
    FoundPublic,
    Take(Measure),
}

/// What is decided about somebody in a private room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Decision {
    /// They are let in.
    Admit,
    /// They are put out.
    Expel,
    /// They may decide.
    Promote,
    /// They may not any more.
    Demote,
    /// Whoever decides that goes.
    Leave,
}

/// What an admin of a public room does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Measure {
    /// An entry is hidden, or shown again.
    Hide { hidden: bool },
    /// Somebody is muted for a while.
    Mute,
    /// That ends.
    Unmute,
    /// Somebody is put out.
    PutOut,
    /// They are given a seat.
    LetIn,
    /// They may decide.
    Appoint,
    /// They may not any more.
    Dismiss,
    /// One of the rules is changed.
    Rules,
}

/// Where a person writes.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Place {
    Room,
    Chat,
}

/// What becomes of a post.
#[derive(Debug, Clone, Copy)]
pub(crate) enum ChangeKind {
    Edit,
    Delete,
    React { on: bool },
}

/// The mesh in two parts that do not hear each other.
#[derive(Debug, Clone)]
pub(crate) struct Partition {
    pub(crate) number: usize,
    /// For each peer, whether it is on the far side.
    pub(crate) is_far: Vec<bool>,
    /// Whether the far side still hears the near one.
    pub(crate) one_way: bool,
}

impl Partition {
    pub(crate) fn blocks(&self, from: usize, to: usize) -> bool {
        self.is_far[from] != self.is_far[to] && (self.is_far[from] || !self.one_way)
    }
}

/// Writes scripts.
pub(crate) struct Author<'a> {
    pub(crate) scenario: &'a Scenario,
    pub(crate) peers: usize,
    pub(crate) rooms: usize,
    pub(crate) dice: &'a mut Dice,
    pub(crate) steps: Vec<(u64, Step)>,
}

impl Author<'_> {
    /// The whole script. Steps need not stand in the order of their times.
    pub(crate) fn write(mut self) -> Vec<(u64, Step)> {
        self.gather();
        self.found_rooms();
        for _ in 0..self.scenario.work.actions {
            let (at_ms, peer) = (self.some_time(), self.somebody());
            let action = self.some_action();
            self.steps.push((at_ms, Step::Act { peer, action }));
        }
        self.write_faults();
        self.steps.push((self.scenario.busy_ms, Step::Heal));
        self.steps
    }

    /// Who joins which room, and when.
    fn gather(&mut self) {
        let most = self.scenario.room_size.min(self.peers as u64);
        for room in 0..self.rooms {
            // Everybody knows the first one.
            let size = if room == 0 { most } else { self.dice.within(most.div_ceil(2)..=most) };
            for peer in self.some_peers(size as usize) {
                let is_late = self.dice.percent(self.scenario.late_joiners);
                let at_ms = self.dice.below(if is_late { self.scenario.busy_ms } else { GATHERING_MS });
                self.steps.push((at_ms, Step::Act { peer, action: Action::Join { room } }));
            }
        }
    }

    fn found_rooms(&mut self) {
        let rooms = if self.scenario.work.decisions > 0 { PRIVATE_ROOMS } else { 0 };
        for peer in 0..rooms {
            let at_ms = FOUNDING_MS + self.dice.below(GATHERING_MS);
            self.steps.push((at_ms, Step::Act { peer, action: Action::Found }));
        }
        if self.scenario.work.measures > 0 {
            let appoint = Action::Take(Measure::Appoint);
            self.steps.push((FOUNDING_MS, Step::Act { peer: 0, action: Action::FoundPublic }));
            self.steps.push((FOUNDING_MS + GATHERING_MS, Step::Act { peer: 0, action: appoint }));
        }
    }

    /// Different peers, drawn as from a hat.
    fn some_peers(&mut self, count: usize) -> Vec<usize> {
        let mut hat: Vec<usize> = (0..self.peers).collect();
        for at in 0..count {
            let drawn = at + self.dice.below((self.peers - at) as u64) as usize;
            hat.swap(at, drawn);
        }
        hat.truncate(count);
        hat
    }

    fn some_action(&mut self) -> Action {
        let Work { bursts, burst_max, moves, chats, changes, calls, decisions, measures, .. } =
            self.scenario.work;
        if self.dice.percent(decisions) {
            return Action::Decide(self.some_decision());
        }
        if measures > 0 && self.dice.percent(measures) {
            return Action::Take(self.some_measure());
        }
        if self.dice.percent(moves) {
            let room = self.dice.below(self.rooms as u64) as usize;
            return if self.dice.percent(50) { Action::Leave } else { Action::Join { room } };
        }
        if calls > 0 && self.dice.percent(calls) {
            return Action::Call;
        }
        let place = if self.dice.percent(chats) { Place::Chat } else { Place::Room };
        match self.dice.below(100) {
            0..5 => Action::Rename,
            5..15 => Action::Read,
            15..18 => Action::Type { to: place },
            18..40 if changes => Action::Change { at: place, what: self.some_change() },
            _ => {
                let is_burst = self.dice.percent(bursts);
                let entries = if is_burst { self.dice.within(2..=burst_max) } else { 1 };
                Action::Say { to: place, entries }
            }
        }
    }

    fn some_decision(&mut self) -> Decision {
        match self.dice.below(20) {
            0..8 => Decision::Admit,
            8..13 => Decision::Promote,
            13..18 => Decision::Expel,
            18 => Decision::Demote,
            _ => Decision::Leave,
        }
    }

    fn some_measure(&mut self) -> Measure {
        match self.dice.below(20) {
            0..6 => Measure::Hide { hidden: true },
            6..8 => Measure::Hide { hidden: false },
            8..11 => Measure::Mute,
            11 => Measure::Unmute,
            12 => Measure::PutOut,
            13..15 => Measure::LetIn,
            15 => Measure::Appoint,
            16 => Measure::Dismiss,
            _ => Measure::Rules,
        }
    }

    fn some_change(&mut self) -> ChangeKind {
        match self.dice.below(8) {
            0..3 => ChangeKind::Edit,
            3 => ChangeKind::Delete,
            4 => ChangeKind::React { on: false },
            _ => ChangeKind::React { on: true },
        }
    }

    fn write_faults(&mut self) {
        let Faults { crashes, absences, disk_failures, disk_stalls, clock_steps, .. } = self.scenario.faults;
        for number in 0..self.scenario.faults.partitions as usize {
            self.cut(number);
        }
        for _ in 0..crashes {
            self.for_a_while(ABSENCE_MS, |peer| Step::Crash { peer }, |peer| Step::Start { peer });
        }
        for _ in 0..absences {
            self.for_a_while(ABSENCE_MS, |peer| Step::GoAway { peer }, |peer| Step::Start { peer });
        }
        for _ in 0..disk_failures {
            self.for_a_while(DISK_FAULT_MS, |peer| Step::BreakDisk { peer }, |peer| Step::MendDisk { peer });
        }
        for _ in 0..disk_stalls {
            let (at_ms, peer, for_ms) = (self.some_time(), self.somebody(), self.dice.within(DISK_FAULT_MS));
            self.steps.push((at_ms, Step::HaltDisk { peer, for_ms }));
        }
        for _ in 0..clock_steps {
            let (at_ms, peer, offset_ms) = (self.some_time(), self.somebody(), self.some_offset());
            self.steps.push((at_ms, Step::SetClock { peer, offset_ms }));
        }
    }

    fn cut(&mut self, number: usize) {
        let (at_ms, for_ms) = (self.some_time(), self.dice.within(PARTITION_MS));
        let one_way = self.dice.percent(self.scenario.faults.one_way);
        let is_far = (0..self.peers).map(|_| self.dice.percent(50)).collect();
        self.steps.push((at_ms, Step::Cut(Partition { number, is_far, one_way })));
        self.steps.push((at_ms + for_ms, Step::Mend { partition: number }));
    }

    fn for_a_while(
        &mut self,
        how_long: std::ops::RangeInclusive<u64>,
        begin: impl FnOnce(usize) -> Step,
        end: impl FnOnce(usize) -> Step,
    ) {
        let (at_ms, peer, for_ms) = (self.some_time(), self.somebody(), self.dice.within(how_long));
        self.steps.push((at_ms, begin(peer)));
        self.steps.push((at_ms + for_ms, end(peer)));
    }

    fn some_offset(&mut self) -> i64 {
        let most = self.scenario.faults.clock_off_max_ms;
        self.dice.below(2 * most + 1) as i64 - most as i64
    }

    fn some_time(&mut self) -> u64 {
        self.dice.below(self.scenario.busy_ms)
    }

    fn somebody(&mut self) -> usize {
        self.dice.below(self.peers as u64) as usize
    }
}
