//! Frames that wait to be played, bounded in number.

use std::collections::BTreeMap;

use crate::codec::Payload;

/// Two seconds: what waits longer than that is not played in a conversation.
pub(super) const FRAMES_MAX: usize = 100;

/// A frame's number without the end that 32 bits have.
pub(super) type Number = i64;

/// A frame that waits.
#[derive(Debug, Clone)]
pub(super) struct Waiting {
    pub(super) payload: Payload,
    /// Whether it came as the repetition of an earlier frame, its first copy being lost or late.
    pub(super) is_repeated: bool,
}

/// Frames that wait to be played.
#[derive(Debug, Default)]
pub(super) struct Store(BTreeMap<Number, Waiting>);

impl Store {
    /// Whether it was new. When there are too many, the oldest makes room.
    pub(super) fn insert(&mut self, number: Number, frame: Waiting) -> bool {
        if self.0.contains_key(&number) {
            return false;
        }
        self.0.insert(number, frame);
        if self.0.len() > FRAMES_MAX {
            self.0.pop_first();
        }
        true
    }

    pub(super) fn take(&mut self, number: Number) -> Option<Waiting> {
        self.0.remove(&number)
    }

    pub(super) fn get(&self, number: Number) -> Option<&Waiting> {
        self.0.get(&number)
    }

    /// The frame that would be played first.
    pub(super) fn first(&self) -> Option<(Number, &Waiting)> {
        self.0.first_key_value().map(|(&number, frame)| (number, frame))
    }

    /// Forgets what lies before this frame.
    pub(super) fn forget_before(&mut self, number: Number) {
        self.0 = self.0.split_off(&number);
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}
