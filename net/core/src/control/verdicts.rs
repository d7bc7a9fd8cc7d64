//! Which steps stand, and what the standing ones say.

use std::collections::{BTreeMap, BTreeSet};

use kinmesh_proto::{Control, PersonId, Role, RoomId, RoomPicture, Seat};

use super::graph::Graph;
use super::seniority::Seniority;
use super::{Membership, Step};

/// What is known of a step while the verdicts are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Open,
    Stands,
    Void,
}

/// The steps that stand. What is decided is decided from the ground up: a step whose past and whose
/// rivals are judged is judged, again and again. Where rivals depend on each other in a circle, which
/// takes several admins' ill will, the step that comes first in the log is believed.
pub(super) fn standing(graph: &Graph, room: RoomId) -> (BTreeSet<usize>, Seniority) {
    let mut trial = Trial::new(graph, room);
    loop {
        while trial.judge_each() {}
        match trial.verdicts.iter().position(|verdict| *verdict == Verdict::Open) {
            Some(first) if trial.is_entitled(first) => trial.pass(first, Verdict::Stands),
            Some(first) => trial.pass(first, Verdict::Void),
            None => return (trial.standing, trial.seniority),
        }
    }
}

/// The judging of a log.
struct Trial<'l> {
    graph: &'l Graph,
    room: RoomId,
    verdicts: Vec<Verdict>,
    /// The steps of which it is known that they stand.
    standing: BTreeSet<usize>,
    seniority: Seniority,
}

impl<'l> Trial<'l> {
    fn new(graph: &'l Graph, room: RoomId) -> Self {
        let verdicts = vec![Verdict::Open; graph.len()];
        Self { graph, room, verdicts, standing: BTreeSet::new(), seniority: Seniority::default() }
    }

    /// Judges every step that can be judged; whether there was one.
    fn judge_each(&mut self) -> bool {
        let mut judged = false;
        for n in 0..self.graph.len() {
            let is_open = |n: usize| self.verdicts[n] == Verdict::Open;
            if !is_open(n) || self.graph.past(n).any(is_open) {
                continue;
            }
            if let Some(verdict) = self.judge(n) {
                self.pass(n, verdict);
                judged = true;
            }
        }
        judged
    }

    /// A step is judged, and so is all before it.
    fn pass(&mut self, n: usize, verdict: Verdict) {
        self.verdicts[n] = verdict;
        if verdict == Verdict::Stands {
            self.standing.insert(n);
            self.seniority.note(self.graph, &self.standing, n);
        }
    }

    /// The verdict on a step whose past is judged; `None` while it hangs on a rival.
    fn judge(&self, n: usize) -> Option<Verdict> {
        if !self.is_entitled(n) {
            return Some(Verdict::Void);
        }
        let graph = self.graph;
        let rivals: Vec<usize> = (0..graph.len()).filter(|rival| voids(graph, *rival, n)).collect();
        if rivals.iter().any(|rival| self.verdicts[*rival] == Verdict::Stands) {
            return Some(Verdict::Void);
        }
        rivals.iter().all(|rival| self.verdicts[*rival] == Verdict::Void).then_some(Verdict::Stands)
    }

    /// Whether the author had the right to a step in what they had seen, as far as that stands.
    fn is_entitled(&self, n: usize) -> bool {
        let (graph, step) = (self.graph, self.graph.step(n));
        if matches!(step.control, Control::Create { .. }) {
            let is_first = creation(graph, &self.standing).is_none();
            return is_first && step.after.is_empty() && founds(step, self.room);
        }
        let past = graph.past_among(&self.standing, n);
        let role = role(graph, &past, step.author);
        match step.control {
            Control::Leave | Control::Rotate { .. } => role.is_some(),
            // Who is put out of a private room must not know what is written from then on.
            Control::Remove { epoch, .. } if epoch.is_none() != is_founded(graph, &past) => false,
            _ => role == Some(Role::Admin) && !self.seniority.forbids(graph, &past, n),
        }
    }
}

/// Whether one step, if it stands, leaves no room for another: it takes from its author the right to
/// it, and its author denies having seen that. Of their own steps only a founder can deny one: to found
/// the room anew, before all that was decided since.
fn voids(graph: &Graph, rival: usize, n: usize) -> bool {
    let (step, rival_step) = (graph.step(n), graph.step(rival));
    let is_own = rival_step.author == step.author;
    let gives_up = is_own && matches!(rival_step.control, Control::Leave);
    let takes_right = gives_up || rival_step.control.demoted() == Some(step.author);
    let can_be_void = match step.control {
        Control::Create { .. } => true,
        Control::Leave => false,
        _ => !is_own && step.control.demoted().is_none(),
    };
    takes_right && can_be_void && graph.are_beside(rival, n)
}

/// The standing steps beside which one does not stand that lets somebody in, or lets them let others in. Who
/// has not heard of them may have taken it at its word, and have given secrets to somebody who is not in.
pub(super) fn undoing(graph: &Graph, standing: &BTreeSet<usize>) -> BTreeSet<usize> {
    let lets_in = |n: &usize| seats(graph, *n).next().is_some() || makes_admins(graph, *n);
    let void: Vec<usize> = (0..graph.len()).filter(|n| !standing.contains(n)).filter(lets_in).collect();
    let undoes = |rival: &usize| void.iter().any(|n| voids(graph, *rival, *n));
    standing.iter().copied().filter(undoes).collect()
}

/// Whether a step founds this room. Which kind of room that is, its id says.
pub(super) fn founds(step: &Step, room: RoomId) -> bool {
    match &step.control {
        Control::Create { nonce, epoch: Some(_), .. } => RoomId::private(step.author, nonce) == room,
        Control::Create { nonce, epoch: None, .. } => RoomId::founded(step.author, nonce) == room,
        _ => false,
    }
}

/// The step that founds the room, if it stands.
pub(super) fn creation(graph: &Graph, standing: &BTreeSet<usize>) -> Option<usize> {
    standing.iter().copied().find(|n| matches!(graph.step(*n).control, Control::Create { .. }))
}

/// Who founded the room, if the step that did so stands.
pub(super) fn founder(graph: &Graph, standing: &BTreeSet<usize>) -> Option<PersonId> {
    creation(graph, standing).map(|n| graph.step(n).author)
}

/// Whether it is a public room.
pub(super) fn is_founded(graph: &Graph, standing: &BTreeSet<usize>) -> bool {
    let is_public = |n| matches!(graph.step(n).control, Control::Create { epoch: None, .. });
    creation(graph, standing).is_some_and(is_public)
}

/// Who is in after these steps.
pub(super) fn members(graph: &Graph, standing: &BTreeSet<usize>) -> BTreeMap<PersonId, Membership> {
    let seats = standing.iter().flat_map(|n| seats(graph, *n));
    let persons: BTreeSet<PersonId> = seats.map(|seat| seat.person).collect();
    persons.into_iter().filter_map(|person| Some((person, membership(graph, standing, person)?))).collect()
}

/// The picture after these steps: the last word in the order of the log.
pub(super) fn picture(graph: &Graph, standing: &BTreeSet<usize>) -> Option<RoomPicture> {
    let last = standing.iter().rev().find_map(|n| match &graph.step(*n).control {
        Control::SetPicture(picture) => Some(picture.clone()),
        _ => None,
    });
    last.flatten()
}

/// Somebody's place after these steps. Being let in holds if it has seen every removal; of words
/// about the role that did not see each other the lower one holds.
fn membership(graph: &Graph, steps: &BTreeSet<usize>, person: PersonId) -> Option<Membership> {
    let words = words_about(graph, steps, person);
    let gives_seat = |n: &usize| seats(graph, *n).any(|seat| seat.person == person);
    let let_in = words.iter().copied().find(gives_seat)?;
    let roles = graph.maximal(&words).into_iter().filter_map(|n| role_in(graph, n, person));
    Some(Membership { role: roles.min()?, let_in: graph.step(let_in).key })
}

/// The role that somebody has after these steps, if they are in.
pub(super) fn role(graph: &Graph, steps: &BTreeSet<usize>, person: PersonId) -> Option<Role> {
    membership(graph, steps, person).map(|seat| seat.role)
}

/// The steps that give somebody a seat or a role, and have seen all removals of theirs.
fn words_about(graph: &Graph, steps: &BTreeSet<usize>, person: PersonId) -> BTreeSet<usize> {
    let removals: Vec<usize> = steps.iter().copied().filter(|n| puts_out(graph, *n, person)).collect();
    let has_seen_all = |n: &usize| removals.iter().all(|removal| graph.is_before(*removal, *n));
    let gives_role = |n: &usize| role_in(graph, *n, person).is_some();
    steps.iter().copied().filter(gives_role).filter(has_seen_all).collect()
}

/// The steps through which somebody is an admin after all of these: those that made them one, and after which
/// that was not taken from them.
pub(super) fn grants(graph: &Graph, steps: &BTreeSet<usize>, person: PersonId) -> Vec<usize> {
    let words = words_about(graph, steps, person);
    let is_grant = |n: &usize| role_in(graph, *n, person) == Some(Role::Admin);
    let (grants, lower): (Vec<usize>, Vec<usize>) = words.into_iter().partition(is_grant);
    let holds = |grant: &usize| !lower.iter().any(|later| graph.is_before(*grant, *later));
    grants.into_iter().filter(holds).collect()
}

/// Whether a step makes somebody an admin.
pub(super) fn makes_admins(graph: &Graph, n: usize) -> bool {
    let sets = matches!(graph.step(n).control, Control::SetRole(seat) if seat.role == Role::Admin);
    sets || seats(graph, n).any(|seat| seat.role == Role::Admin)
}

fn role_in(graph: &Graph, n: usize, person: PersonId) -> Option<Role> {
    let seat = seats(graph, n).find(|seat| seat.person == person).map(|seat| seat.role);
    seat.or(sets_role(graph, n, person))
}

fn sets_role(graph: &Graph, n: usize, person: PersonId) -> Option<Role> {
    match graph.step(n).control {
        Control::SetRole(seat) if seat.person == person => Some(seat.role),
        _ => None,
    }
}

pub(super) fn puts_out(graph: &Graph, n: usize, person: PersonId) -> bool {
    let step = graph.step(n);
    match step.control {
        Control::Remove { person: removed, .. } => removed == person,
        Control::Leave => step.author == person,
        _ => false,
    }
}

/// The seats that a step gives: the founder's own is the first.
pub(super) fn seats(graph: &Graph, n: usize) -> impl Iterator<Item = Seat> {
    let step = graph.step(n);
    let (own, given): (_, &[Seat]) = match &step.control {
        Control::Create { seats, .. } => (Some(Seat { person: step.author, role: Role::Admin }), seats),
        Control::Add { seat, .. } => (None, std::slice::from_ref(seat)),
        _ => (None, &[]),
    };
    own.into_iter().chain(given.iter().copied())
}
