//! What is going to happen, soonest first; of what is due at one time, what was planned first.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

/// A priority queue over virtual milliseconds.
#[derive(Debug)]
pub(crate) struct Queue<E> {
    due: BinaryHeap<Reverse<Due<E>>>,
    planned: u64,
}

#[derive(Debug)]
struct Due<E> {
    at_ms: u64,
    number: u64,
    event: E,
}

impl<E> Due<E> {
    fn rank(&self) -> (u64, u64) {
        (self.at_ms, self.number)
    }
}

impl<E> PartialEq for Due<E> {
    fn eq(&self, other: &Self) -> bool {
        self.rank() == other.rank()
    }
}

impl<E> Eq for Due<E> {}

impl<E> PartialOrd for Due<E> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<E> Ord for Due<E> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.rank().cmp(&other.rank())
    }
}

impl<E> Queue<E> {
    pub(crate) fn new() -> Self {
        Self { due: BinaryHeap::new(), planned: 0 }
    }

    pub(crate) fn push(&mut self, at_ms: u64, event: E) {
        self.planned += 1;
        self.due.push(Reverse(Due { at_ms, number: self.planned, event }));
    }

    /// The next event, with its time, unless it comes after `until_ms`.
    pub(crate) fn pop(&mut self, until_ms: u64) -> Option<(u64, E)> {
        let Reverse(next) = self.due.peek()?;
        if next.at_ms > until_ms {
            return None;
        }
        self.due.pop().map(|Reverse(due)| (due.at_ms, due.event))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_due_at_one_time_comes_in_the_order_it_was_planned() {
        let mut queue = Queue::new();
        for (at_ms, event) in [(5, 'c'), (1, 'a'), (5, 'd'), (2, 'b')] {
            queue.push(at_ms, event);
        }
        let order: String = std::iter::from_fn(|| queue.pop(5)).map(|(_, event)| event).collect();
        assert_eq!(order, "abcd");
    }

    #[test]
    fn what_comes_later_stays() {
        let mut queue = Queue::new();
        queue.push(7, ());
        assert!(queue.pop(6).is_none());
        assert_eq!(queue.pop(7), Some((7, ())));
    }
}
