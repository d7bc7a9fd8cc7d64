//! Small numbers that stand for conversations and certificates in keys and values.

use std::collections::HashMap;
use std::hash::Hash;

use crate::disk::layout::Number;
use crate::disk::tree::UNREADABLE;
use crate::error::StoreError;

/// Values that have a number for life, from 0 without gaps.
#[derive(Debug)]
pub(super) struct Numbers<T> {
    numbers: HashMap<T, Number>,
    values: Vec<T>,
}

impl<T: Clone + Eq + Hash> Numbers<T> {
    /// Takes numbered values in any order; an error when they are not 0 to n, each once.
    pub(super) fn read(mut pairs: Vec<(Number, T)>) -> Result<Self, StoreError> {
        pairs.sort_by_key(|(number, _)| *number);
        let mut all = Self { numbers: HashMap::new(), values: Vec::new() };
        for (number, value) in pairs {
            if all.add(value) != number {
                return Err(UNREADABLE);
            }
        }
        Ok(all)
    }

    pub(super) fn number_of(&self, value: &T) -> Option<Number> {
        self.numbers.get(value).copied()
    }

    pub(super) fn value_of(&self, number: Number) -> Option<&T> {
        self.values.get(usize::try_from(number).ok()?)
    }

    pub(super) fn values(&self) -> &[T] {
        &self.values
    }

    #[allow(clippy::expect_used)] // Four billion conversations or certificates do not fit in memory.
    pub(super) fn add(&mut self, value: T) -> Number {
        let number = Number::try_from(self.values.len()).expect("fewer values than numbers");
        self.numbers.insert(value.clone(), number);
        self.values.push(value);
        number
    }
}
