//! What follows from the control log of a room: who is in, who may decide, which secrets count, what is
//! not shown.
//!
//! Owns the rules. The steps of a log form a graph (each names those its author had seen), and what
//! holds follows from the set of steps alone, so everybody who has the same steps is of one mind, in
//! whatever order they came. It must never ask a clock which of two steps was first: an author can
//! write any time into a step, but cannot have seen what they deny to have seen.
//!
//! Four rules decide what stands:
//! - A step stands only if its author had the right to it in all that its author had seen.
//! - Nobody takes a right from the founder, or from those through whom they became an admin: whoever was put
//!   out could otherwise, dated into the past, do the same to those who did it.
//! - Who was put out, or is no admin any more, decides nothing beside it: the steps of theirs which
//!   deny having seen that do not stand. Otherwise somebody put out could go on letting people in,
//!   dated into the past. Only their own removals stand: two admins who put each other out both go.
//! - Being let in does not undo a removal that it did not see.
//!
//! Of settings a step changes what its author made otherwise than they had seen it, and nothing else.

mod graph;
mod moderation;
mod seniority;
mod settings;
mod verdicts;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use kinmesh_proto::{
    Commitment, Control, EntryId, EntryKey, Past, PersonId, Role, RoomId, RoomPicture, RoomSettings, limits,
};

use graph::Graph;
pub use moderation::{Moderation, Withheld};
use seniority::Seniority;
use verdicts::standing;

/// Secrets that nobody brought together so far: from so many on, a member should.
const LOOSE_EPOCHS: usize = limits::EPOCHS_MAX / 2;

/// One step of a control log, whose author is proven.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Its place in the log.
    pub key: EntryKey,
    /// Who decided.
    pub author: PersonId,
    /// The newest steps that the author had seen.
    pub after: Vec<EntryKey>,
    /// What was decided.
    pub control: Control,
}

/// Somebody's place in a private room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Membership {
    /// What they may do.
    pub role: Role,
    /// The step that let them in.
    pub let_in: EntryKey,
}

/// A secret that is needed and not here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{} secrets of the room are not here", .0.len())]
pub struct SecretsMissing(pub Vec<EntryId>);

/// The control log of one room, and what follows from it.
#[derive(Debug, Clone)]
pub struct ControlLog {
    room: RoomId,
    steps: BTreeMap<EntryKey, Step>,
    graph: Graph,
    /// The steps that stand, by their number in the graph.
    standing: BTreeSet<usize>,
    seniority: Seniority,
    members: BTreeMap<PersonId, Membership>,
    settings: Option<RoomSettings>,
    /// The steps that whoever brings a secret to write with must have seen: removals, and what undid that
    /// somebody was let in.
    barring: BTreeSet<usize>,
    picture: Option<RoomPicture>,
    moderation: Arc<Moderation>,
}

impl ControlLog {
    /// A log of which nothing is known yet.
    pub fn new(room: RoomId) -> Self {
        Self {
            room,
            steps: BTreeMap::new(),
            graph: Graph::default(),
            standing: BTreeSet::new(),
            seniority: Seniority::default(),
            members: BTreeMap::new(),
            settings: None,
            barring: BTreeSet::new(),
            picture: None,
            moderation: Arc::default(),
        }
    }

    /// Takes steps, in any order; whether any was new.
    pub fn extend(&mut self, steps: impl IntoIterator<Item = Step>) -> bool {
        let before = self.steps.len();
        self.steps.extend(steps.into_iter().map(|step| (step.key, step)));
        let grew = self.steps.len() > before;
        if grew {
            self.conclude();
        }
        grew
    }

    /// Who is in, and as what.
    pub fn members(&self) -> &BTreeMap<PersonId, Membership> {
        &self.members
    }

    /// Whether somebody is in.
    pub fn is_member(&self, person: PersonId) -> bool {
        self.members.contains_key(&person)
    }

    /// Everybody who is in, or was once.
    pub fn ever_seated(&self) -> BTreeSet<PersonId> {
        let seats = self.standing.iter().flat_map(|n| verdicts::seats(&self.graph, *n));
        seats.map(|seat| seat.person).collect()
    }

    /// Of everybody to whom any step gives a seat, whether it stands or not, who answers for what they write:
    /// they themselves if one stands, else, in the end, somebody who had a seat and gave others theirs.
    ///
    /// Whether a step stands can hang on one that is still to come, so whose steps are kept must not hang on
    /// that: two who hear the same in another order would keep two logs for ever.
    pub fn sponsors(&self) -> BTreeMap<PersonId, PersonId> {
        let mut sponsors: BTreeMap<_, _> =
            self.ever_seated().into_iter().map(|person| (person, person)).collect();
        loop {
            let before = sponsors.len();
            for n in 0..self.graph.len() {
                let Some(sponsor) = sponsors.get(&self.graph.step(n).author).copied() else { continue };
                for seat in verdicts::seats(&self.graph, n) {
                    sponsors.entry(seat.person).or_insert(sponsor);
                }
            }
            if sponsors.len() == before {
                return sponsors;
            }
        }
    }

    /// Whether a step is here.
    pub fn holds(&self, step: EntryKey) -> bool {
        self.steps.contains_key(&step)
    }

    /// The room that this is the log of.
    pub fn room(&self) -> RoomId {
        self.room
    }

    /// All steps that are here, whether they stand or not.
    pub fn steps(&self) -> impl Iterator<Item = &Step> {
        self.steps.values()
    }

    /// How many steps are here.
    pub fn len(&self) -> usize {
        self.steps.len()
    }

    /// Whether none is here.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Whether somebody may decide.
    pub fn is_admin(&self, person: PersonId) -> bool {
        self.members.get(&person).is_some_and(|seat| seat.role == Role::Admin)
    }

    /// What the room is called and how it is kept; `None` before its first step is here.
    pub fn settings(&self) -> Option<&RoomSettings> {
        self.settings.as_ref()
    }

    /// The room's picture.
    pub fn picture(&self) -> Option<&RoomPicture> {
        self.picture.as_ref()
    }

    /// The room that this one was founded to carry on, and who founded it.
    pub fn carries_on(&self) -> Option<(RoomId, PersonId)> {
        self.standing.iter().find_map(|n| match self.graph.step(*n) {
            Step { author, control: Control::Create { parent, .. }, .. } => Some(((*parent)?, *author)),
            _ => None,
        })
    }

    /// What is not shown of the room, and who may write.
    pub fn moderation(&self) -> &Arc<Moderation> {
        &self.moderation
    }

    /// Who founded the room; `None` before its first step is here.
    pub fn founder(&self) -> Option<PersonId> {
        verdicts::founder(&self.graph, &self.standing)
    }

    /// Whether somebody founded the room, or is one of those through whom another one is an admin: that one
    /// takes no right from them.
    pub fn is_above(&self, person: PersonId, other: PersonId) -> bool {
        self.seniority.is_above(&self.graph, &self.standing, person, other)
    }

    /// Whether a step, if it stood, would found this room.
    pub fn is_founded_by(&self, step: &Step) -> bool {
        verdicts::founds(step, self.room)
    }

    /// The newest steps that stand: what the next one will name.
    pub fn heads(&self) -> Vec<&Step> {
        self.graph.maximal(&self.standing).into_iter().map(|n| self.graph.step(n)).collect()
    }

    /// Which step proves a secret: `None` for one that nobody had the right to bring.
    pub fn commitment(&self, step: EntryId) -> Option<Commitment> {
        self.epochs().find(|(id, _)| *id == step).map(|(_, commitment)| commitment)
    }

    /// Every secret that something may be sealed with: those that stand first, the newest before the others.
    /// Then those of people who were in, and had been put out, or had lost the right to the step, when they
    /// brought them without knowing it: who did not know it either has written with them.
    pub fn epochs(&self) -> impl Iterator<Item = (EntryId, Commitment)> {
        self.with_epoch().map(|n| self.graph.step(n)).filter_map(|step| {
            let epoch = step.control.epoch()?;
            Some((step.key.id, epoch))
        })
    }

    fn with_epoch(&self) -> impl Iterator<Item = usize> {
        let seated = self.ever_seated();
        let of_seated = move |n: &usize| seated.contains(&self.graph.step(*n).author);
        let void = (0..self.graph.len()).rev().filter(|n| !self.standing.contains(n)).filter(of_seated);
        let standing = self.standing.iter().rev().copied();
        standing.chain(void).filter(|n| self.graph.step(*n).control.epoch().is_some())
    }

    /// Whether somebody may be given the secret of a step: they are in, and it is not from before
    /// their time where the settings keep that from newcomers.
    pub fn may_have(&self, person: PersonId, step: EntryId) -> bool {
        let (Some(seat), Some(settings)) = (self.members.get(&person), &self.settings) else { return false };
        let Some(n) = self.with_epoch().find(|n| self.graph.step(*n).key.id == step) else { return false };
        match settings.past {
            Past::All => true,
            Past::FromJoining => {
                self.graph.number(seat.let_in).is_some_and(|let_in| !self.graph.is_before(n, let_in))
            }
        }
    }

    /// Whether the secret of a step is known to be none of somebody's who is in.
    pub fn keeps_from(&self, person: PersonId, step: EntryId) -> bool {
        self.is_member(person) && self.commitment(step).is_some() && !self.may_have(person, step)
    }

    /// The steps whose secrets together make the key that is written with, in ascending order of
    /// their ids: the newest of which we hold the secret, at most [`limits::EPOCHS_MAX`]. Every removal
    /// must be covered by one of them, or somebody who was put out could read on; and so must what undid that
    /// somebody was let in, or they could who were given the secrets up to then.
    pub fn sending_epochs(&self, holds: impl Fn(EntryId) -> bool) -> Result<Vec<EntryId>, SecretsMissing> {
        let is_held = |n: &usize| {
            let step = self.graph.step(*n);
            step.control.epoch().is_some() && holds(step.key.id)
        };
        let held: BTreeSet<usize> = self.standing.iter().copied().filter(is_held).collect();
        let newest = self.graph.maximal(&held);
        let uncovered = self.barring.iter().filter(|step| !self.is_covered(**step, &newest));
        let missing: Vec<EntryId> = uncovered.map(|n| self.graph.step(*n).key.id).collect();
        if !missing.is_empty() || newest.is_empty() {
            return Err(SecretsMissing(missing));
        }
        let used = self.few_that_cover(newest).ok_or(SecretsMissing(Vec::new()))?;
        let ids: BTreeSet<EntryId> = used.into_iter().map(|n| self.graph.step(n).key.id).collect();
        Ok(ids.into_iter().collect())
    }

    /// At most [`limits::EPOCHS_MAX`] of these that still cover all that bars somebody, preferring the newest;
    /// `None` where it takes more.
    fn few_that_cover(&self, mut heads: Vec<usize>) -> Option<Vec<usize>> {
        let mut surplus = heads.len().saturating_sub(limits::EPOCHS_MAX);
        for oldest in heads.clone() {
            if surplus == 0 {
                break;
            }
            let others: Vec<usize> = heads.iter().copied().filter(|head| *head != oldest).collect();
            if self.barring.iter().all(|step| self.is_covered(*step, &others)) {
                heads = others;
                surplus -= 1;
            }
        }
        (surplus == 0).then_some(heads)
    }

    /// Whether one of these secrets was brought by who had seen a step.
    fn is_covered(&self, step: usize, heads: &[usize]) -> bool {
        heads.iter().any(|head| *head == step || self.graph.is_before(step, *head))
    }

    /// Whether somebody left since the newest secret, or it was undone that somebody was let in, or too many
    /// were brought apart: a member should bring another one.
    pub fn wants_rotation(&self) -> bool {
        let with_epoch = |n: &usize| self.graph.step(*n).control.epoch().is_some();
        let epochs: BTreeSet<usize> = self.standing.iter().copied().filter(with_epoch).collect();
        let newest = self.graph.maximal(&epochs);
        let leaves = self.standing.iter().filter(|n| matches!(self.graph.step(**n).control, Control::Leave));
        let mut seen = leaves.chain(&self.barring);
        newest.len() > LOOSE_EPOCHS || seen.any(|step| !self.is_covered(*step, &newest))
    }

    /// Draws all conclusions anew. Logs are short, and steps are rare.
    fn conclude(&mut self) {
        self.graph = Graph::of(self.steps.values());
        (self.standing, self.seniority) = standing(&self.graph, self.room);
        self.members = verdicts::members(&self.graph, &self.standing);
        let is_removal = |n: &usize| matches!(self.graph.step(*n).control, Control::Remove { .. });
        self.barring = verdicts::undoing(&self.graph, &self.standing);
        self.barring.extend(self.standing.iter().copied().filter(is_removal));
        self.picture = verdicts::picture(&self.graph, &self.standing);
        let mut settings = settings::over_time(&self.graph, &self.standing);
        self.moderation = Arc::new(Moderation::of(&self.graph, &self.standing, &settings));
        self.settings = settings.pop().map(|(_, last)| last);
    }
}

#[cfg(test)]
mod tests;
