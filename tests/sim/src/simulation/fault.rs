//! The script at work: what people do, and what goes wrong until the mesh is healed.

use super::Simulation;
use crate::scenario::Faults;
use crate::script::{Partition, Step};
use crate::trace::What;

impl Simulation {
    pub(super) fn take_step(&mut self, step: Step) {
        match step {
            Step::Act { peer, action } => self.act(peer, action),
            Step::Crash { peer } => self.crash(peer),
            Step::GoAway { peer } => self.go_away(peer),
            Step::Start { peer } => self.start(peer),
            Step::Cut(partition) => self.cut(partition),
            Step::Mend { partition } => self.partitions.retain(|known| known.number != partition),
            Step::BreakDisk { peer } => self.set_disk(peer, true),
            Step::MendDisk { peer } => self.set_disk(peer, false),
            Step::HaltDisk { peer, for_ms } => self.halt_disk(peer, for_ms),
            Step::SetClock { peer, offset_ms } => self.set_clock(peer, offset_ms),
            Step::Heal => self.heal(),
        }
    }

    fn cut(&mut self, partition: Partition) {
        for index in (0..self.peers.len()).filter(|index| partition.is_far[*index]) {
            self.note(index, What::CutOff { one_way: partition.one_way });
        }
        self.partitions.push(partition);
    }

    fn set_disk(&mut self, index: usize, fails: bool) {
        self.peers[index].disk.fails = fails;
        self.note(index, if fails { What::DiskFails } else { What::DiskWorks });
    }

    fn halt_disk(&mut self, index: usize, for_ms: u64) {
        self.peers[index].disk.still_until_ms = self.now_ms + for_ms;
        self.note(index, What::DiskStandsStill { for_ms });
    }

    fn set_clock(&mut self, index: usize, offset_ms: i64) {
        self.peers[index].clock.offset_ms = offset_ms;
        self.note(index, What::ClockSet { offset_ms });
    }

    /// Nothing goes wrong any more, and everybody is there and has hung up. Clocks stay as wrong as they
    /// are.
    fn heal(&mut self) {
        self.faults = Faults::NONE;
        self.partitions.clear();
        for index in 0..self.peers.len() {
            self.set_disk(index, false);
            self.start(index);
            self.hang_up_all(index);
        }
    }
}
