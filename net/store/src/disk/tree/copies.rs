//! Second copies of the records without which entries and people are nothing: numbers of
//! conversations, certificates, people.
//!
//! A disk that fails takes a block or more, sled's page around it, and what is not sure behind it. So
//! a copy stands on another page, and is written when there is enough between the two in the log, or
//! after the next start.

use std::collections::BTreeSet;

use crate::disk::engine::{Changes, Engine};
use crate::disk::layout;
use crate::disk::log::CHAIN_MIN;
use crate::disk::tree::of_kind;
use crate::error::StoreError;

/// Bytes between a record and its copy in the log: as many as a destroyed block may make unsure, twice.
const BYTES_BETWEEN: usize = 2 * CHAIN_MIN;

/// Records that have no copy yet.
#[derive(Debug, Default)]
pub(super) struct Copies {
    due: BTreeSet<Vec<u8>>,
    /// Bytes to be written before the next copies.
    wait: usize,
}

impl Copies {
    /// What has no copy, or an older one.
    pub(super) fn lacking(engine: &Engine) -> Result<Self, StoreError> {
        let mut due = BTreeSet::new();
        for kind in layout::COPIED {
            for pair in of_kind(engine, kind) {
                let (key, value) = pair?;
                if let Some(copy) = layout::copy_key(&key)
                    && engine.get(&copy)?.as_ref() != Some(&value)
                {
                    due.insert(key.to_vec());
                }
            }
        }
        Ok(Self { due, wait: 0 })
    }

    /// Adds copies to a group if it is time, and notes what it changes.
    pub(super) fn join(&mut self, group: &mut Changes, engine: &Engine) -> Result<(), StoreError> {
        if group.is_empty() {
            return Ok(());
        }
        let changed: Vec<_> = group.keys().filter(|key| layout::copy_key(key).is_some()).cloned().collect();
        let bytes: usize =
            group.iter().map(|(key, value)| key.len() + value.as_ref().map_or(0, Vec::len)).sum();
        self.wait = self.wait.saturating_sub(bytes);
        if self.wait == 0 {
            for key in std::mem::take(&mut self.due) {
                let value = match group.get(&key) {
                    Some(value) => value.clone(),
                    None => engine.get(&key)?.map(|value| value.to_vec()),
                };
                group.extend(layout::copy_key(&key).map(|copy| (copy, value)));
            }
        }
        if self.due.is_empty() {
            self.wait = BYTES_BETWEEN;
        }
        for key in changed {
            // Who was removed is to leave nothing behind.
            if group.get(&key) == Some(&None) {
                group.extend(layout::copy_key(&key).map(|copy| (copy, None)));
            }
            self.due.insert(key);
        }
        Ok(())
    }
}
