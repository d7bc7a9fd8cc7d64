//! Which steps are kept in the control log of a room: it has a length that it must not exceed, and anybody can
//! write what looks like one.
//!
//! Whether a step is kept must not hang on whether those that stand here do so: that can hang on one that is
//! still to come, and two who hear the same in another order would keep two logs for ever. So a step is
//! kept if any other gives its author a seat, and counts against somebody who had one by right.

use std::collections::{BTreeMap, BTreeSet};

use kinmesh_proto::{Control, Entry, EntryId, PersonId, RoomId};

use super::{PrivateRoom, step_of};
use crate::control::{ControlLog, Step};
use crate::node::Core;

/// Steps kept of one author, and of those whom they alone gave a seat without the right to it: more than an
/// admin of a lively club decides in years.
const SPONSOR_STEPS_MAX: usize = 128;
/// Steps kept of a room: decades of a lively club, and a tenth of a second of work for whoever must draw
/// the conclusions anew. A full log takes only what takes rights away.
const STEPS_MAX: usize = 1024;

/// How much space a log has given away, and to whom.
struct Space {
    sponsors: BTreeMap<PersonId, PersonId>,
    taken: BTreeMap<PersonId, usize>,
    len: usize,
}

impl Space {
    fn of(log: &ControlLog) -> Self {
        let sponsors = log.sponsors();
        let mut taken = BTreeMap::new();
        for sponsor in log.steps().filter_map(|step| sponsors.get(&step.author)) {
            *taken.entry(*sponsor).or_default() += 1;
        }
        Self { sponsors, taken, len: log.len() }
    }

    fn sponsor(&self, author: PersonId) -> Option<PersonId> {
        self.sponsors.get(&author).copied()
    }

    /// How many steps count against somebody.
    fn taken_by(&self, sponsor: PersonId) -> usize {
        self.taken.get(&sponsor).copied().unwrap_or_default()
    }

    /// Whether there is room for one more, which then has it. Some may go beyond the length of a log.
    fn take(&mut self, sponsor: PersonId, goes_beyond: bool) -> bool {
        let has_room = self.taken_by(sponsor) < SPONSOR_STEPS_MAX && (goes_beyond || self.len < STEPS_MAX);
        if has_room {
            *self.taken.entry(sponsor).or_default() += 1;
            self.len += 1;
        }
        has_room
    }
}

impl PrivateRoom {
    /// Those of these steps that are not kept: nobody gave their authors a seat, here or among them, or there
    /// is no room for them.
    fn refused(&self, steps: Vec<Step>) -> BTreeSet<EntryId> {
        let mut log = self.log.clone();
        log.extend(self.arriving.values().cloned());
        let mut waiting: Vec<Step> = steps.into_iter().filter(|step| !log.holds(step.key)).collect();
        loop {
            let mut space = Space::of(&log);
            let is_kept = |step: &mut Step| {
                let founder = log.is_founded_by(step).then_some(step.author);
                let takes_rights = self.log.is_admin(step.author) && step.control.demoted().is_some();
                founder
                    .or(space.sponsor(step.author))
                    .is_some_and(|sponsor| space.take(sponsor, takes_rights))
            };
            let kept: Vec<Step> = waiting.extract_if(.., is_kept).collect();
            if !log.extend(kept) {
                return waiting.into_iter().map(|step| step.key.id).collect();
            }
        }
    }
}

impl Core {
    /// Those of these steps of a control log that are not kept. Should their authors have had a seat after
    /// all, a later comparison brings them again.
    pub(crate) fn refused_steps(&self, room: RoomId, steps: &[Entry]) -> BTreeSet<EntryId> {
        let steps = steps.iter().filter_map(step_of).collect();
        self.private.get(&room).map(|private| private.refused(steps)).unwrap_or_default()
    }

    /// Whether others would not keep a step of ours: so many count against us that they keep none but our
    /// leaving, or the log is full.
    pub(crate) fn is_log_full_for(&self, room: RoomId, control: &Control) -> bool {
        let Some(private) = self.private.get(&room).filter(|_| !matches!(control, Control::Leave)) else {
            return false;
        };
        let of_ours = Space::of(&private.log).taken_by(self.me());
        let is_full = private.log.len() + private.arriving.len() >= STEPS_MAX;
        of_ours + 1 >= SPONSOR_STEPS_MAX || (is_full && control.demoted().is_none())
    }
}
