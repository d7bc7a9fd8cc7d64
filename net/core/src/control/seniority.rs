//! Who is owed it that somebody is an admin: those have nothing to fear from them.
//!
//! Owns the order among admins. It follows from the standing steps in a step's past, like all else: so it is
//! the same for everybody, and nobody rises in it by denying what they have seen.

use std::collections::{BTreeMap, BTreeSet};

use kinmesh_proto::{Control, PersonId, Role, Seat};

use super::graph::Graph;
use super::verdicts;

/// Of each standing step that makes somebody an admin, all without whom it could not have been made.
#[derive(Debug, Clone, Default)]
pub(super) struct Seniority {
    numbers: BTreeMap<PersonId, usize>,
    behind: BTreeMap<usize, Crowd>,
}

/// Some people, one bit for each by their number. A malicious admin can make a thousand others, each by
/// the one before.
type Crowd = Vec<u64>;

impl Seniority {
    /// A step stands, and all before it is judged.
    pub(super) fn note(&mut self, graph: &Graph, standing: &BTreeSet<usize>, n: usize) {
        if !verdicts::makes_admins(graph, n) {
            return;
        }
        let author = graph.step(n).author;
        let mut crowd = self.above(graph, &graph.past_among(standing, n), author);
        let next = self.numbers.len();
        let number = *self.numbers.entry(author).or_insert(next);
        crowd.resize(crowd.len().max(number / 64 + 1), 0);
        crowd[number / 64] |= 1 << (number % 64);
        self.behind.insert(n, crowd);
    }

    /// Whether a step takes rights from somebody over whom its author has no power: from who founded the
    /// room, or from one of those through whom the author became an admin.
    pub(super) fn forbids(&self, graph: &Graph, past: &BTreeSet<usize>, n: usize) -> bool {
        let step = graph.step(n);
        let demoted = match step.control {
            // An admin who is let in as a member is a mere member.
            Control::Add { seat: Seat { person, role: Role::Member }, .. } => {
                Some(person).filter(|person| verdicts::role(graph, past, *person) == Some(Role::Admin))
            }
            ref control => control.demoted(),
        };
        demoted.is_some_and(|person| self.is_above(graph, past, person, step.author))
    }

    /// Whether somebody founded the room, or is one of those through whom another one is an admin after these
    /// steps.
    pub(super) fn is_above(
        &self,
        graph: &Graph,
        steps: &BTreeSet<usize>,
        person: PersonId,
        other: PersonId,
    ) -> bool {
        let is_behind = |number: &usize| {
            let above = self.above(graph, steps, other);
            above.get(number / 64).is_some_and(|bits| bits >> (number % 64) & 1 == 1)
        };
        let is_founder = verdicts::founder(graph, steps) == Some(person);
        person != other && (is_founder || self.numbers.get(&person).is_some_and(is_behind))
    }

    /// Those through whom somebody is an admin after these steps. Who was made one by several owes it only to
    /// whoever stands behind all of them: else each could shield themselves from the others, by making them
    /// once more what they are.
    fn above(&self, graph: &Graph, steps: &BTreeSet<usize>, person: PersonId) -> Crowd {
        let grants = verdicts::grants(graph, steps, person).into_iter();
        let behind = grants.filter_map(|grant| self.behind.get(&grant).cloned());
        let shared = |one: Crowd, other: Crowd| one.iter().zip(&other).map(|(a, b)| a & b).collect();
        behind.reduce(shared).unwrap_or_default()
    }
}
