//! Which step of a control log was seen by which: a graph without circles.

use std::collections::{BTreeMap, BTreeSet};

use kinmesh_proto::EntryKey;

use super::Step;

/// Steps whose whole past is here, numbered so that each comes after all it has seen.
#[derive(Debug, Clone, Default)]
pub(super) struct Graph {
    steps: Vec<Step>,
    numbers: BTreeMap<EntryKey, usize>,
    /// Of each step, one bit for each earlier one: whether its author had seen it.
    seen: Vec<Vec<u64>>,
}

impl Graph {
    /// The steps, in ascending order of their keys, that can be placed. One whose past is not all
    /// here must wait; one that names a step with a later clock than its own is nobody's honest word.
    pub(super) fn of<'s>(steps: impl Iterator<Item = &'s Step>) -> Self {
        let mut graph = Self::default();
        for step in steps {
            graph.place(step);
        }
        graph
    }

    fn place(&mut self, step: &Step) {
        let seen: Option<Vec<usize>> = step.after.iter().map(|key| self.number(*key)).collect();
        let Some(after) = seen else { return };
        let mut bits = vec![0; self.steps.len() / 64 + 1];
        for n in after {
            for (mine, theirs) in bits.iter_mut().zip(&self.seen[n]) {
                *mine |= theirs;
            }
            bits[n / 64] |= 1 << (n % 64);
        }
        self.numbers.insert(step.key, self.steps.len());
        self.seen.push(bits);
        self.steps.push(step.clone());
    }

    pub(super) fn len(&self) -> usize {
        self.steps.len()
    }

    pub(super) fn step(&self, n: usize) -> &Step {
        &self.steps[n]
    }

    pub(super) fn number(&self, key: EntryKey) -> Option<usize> {
        self.numbers.get(&key).copied()
    }

    /// Whether the author of `later` had seen `earlier`.
    pub(super) fn is_before(&self, earlier: usize, later: usize) -> bool {
        self.seen[later].get(earlier / 64).is_some_and(|bits| bits >> (earlier % 64) & 1 == 1)
    }

    /// Whether neither author had seen the other's step.
    pub(super) fn are_beside(&self, one: usize, other: usize) -> bool {
        one != other && !self.is_before(one, other) && !self.is_before(other, one)
    }

    /// All that the author of a step had seen.
    pub(super) fn past(&self, n: usize) -> impl Iterator<Item = usize> {
        (0..n).filter(move |earlier| self.is_before(*earlier, n))
    }

    /// Those of a set that the author of a step had seen.
    pub(super) fn past_among(&self, of: &BTreeSet<usize>, n: usize) -> BTreeSet<usize> {
        of.iter().copied().filter(|earlier| self.is_before(*earlier, n)).collect()
    }

    /// Those of a set that no other one of it comes after.
    pub(super) fn maximal(&self, of: &BTreeSet<usize>) -> Vec<usize> {
        let is_newest = |n: &usize| !of.range(n + 1..).any(|later| self.is_before(*n, *later));
        of.iter().copied().filter(is_newest).collect()
    }
}
