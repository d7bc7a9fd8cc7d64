//! Second copies of the records without which entries and people are nothing: numbers of
//! conversations, certificates, people.
//!
//! A disk that fails takes a block or more, sled's page around it, and what is not sure behind it. So
//! a copy stands on another page, and is written when there is enough between the two in the log.
//! What was written shortly before the end gets its copy after the next start, be it as near as it is.

use std::collections::BTreeSet;

use crate::disk::engine::{Changes, Engine};
use crate::disk::layout;
use crate::disk::log::CHAIN_MIN;
use crate::disk::tree::of_kind;
use crate::error::StoreError;

/// Bytes between a record and its copy in the log: as many as a destroyed block may make unsure, twice.
const BYTES_BETWEEN: usize = 2 * CHAIN_MIN;

/// Records whose copies are to be written.
#[derive(Debug, Default)]
pub(super) struct Copies {
    /// Next.
    due: BTreeSet<Vec<u8>>,
    /// The time after, for they have just changed.
    changed: BTreeSet<Vec<u8>>,
    /// Bytes to be written before the next ones.
    wait: usize,
}

impl Copies {
    /// What has no copy, or another one; and copies of what is gone.
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
        for kind in layout::COPIES {
            for pair in of_kind(engine, kind) {
                if let Some(key) = layout::original_key(&pair?.0)
                    && engine.get(&key)?.is_none()
                {
                    due.insert(key);
                }
            }
        }
        Ok(Self { due, ..Self::default() })
    }

    /// Adds copies to a group if it is time, and notes what it changes.
    pub(super) fn join(&mut self, group: &mut Changes, engine: &Engine) -> Result<(), StoreError> {
        if group.is_empty() {
            return Ok(());
        }
        let written: Vec<_> = group.keys().filter(|key| layout::copy_key(key).is_some()).cloned().collect();
        let bytes: usize =
            group.iter().map(|(key, value)| key.len() + value.as_ref().map_or(0, Vec::len)).sum();
        self.wait = self.wait.saturating_sub(bytes);
        if self.wait == 0 {
            self.wait = BYTES_BETWEEN;
            let next = std::mem::take(&mut self.changed);
            for key in std::mem::replace(&mut self.due, next) {
                let value = match group.get(&key) {
                    Some(value) => value.clone(),
                    None => engine.get(&key)?.map(|value| value.to_vec()),
                };
                group.extend(layout::copy_key(&key).map(|copy| (copy, value)));
            }
        }
        for key in written {
            // Who was removed is to leave nothing behind.
            if group.get(&key) == Some(&None) {
                group.extend(layout::copy_key(&key).map(|copy| (copy, None)));
            }
            self.changed.insert(key);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::cipher::Cipher;

    const CERT: &[u8] = b"k\0\0\0\0";

    fn copy_of(key: &[u8]) -> Vec<u8> {
        layout::copy_key(key).unwrap()
    }

    fn engine(dir: &tempfile::TempDir) -> Engine {
        Engine::open(dir.path(), Cipher(None)).unwrap()
    }

    /// Writes a group with what joins it, and returns both.
    fn write(copies: &mut Copies, engine: &Engine, key: &[u8], value: Option<Vec<u8>>) -> Changes {
        let mut group = Changes::from([(key.to_vec(), value)]);
        copies.join(&mut group, engine).unwrap();
        engine.write(group.clone()).unwrap();
        group
    }

    #[test]
    fn a_copy_is_never_written_beside_its_record() {
        let dir = tempfile::tempdir().unwrap();
        let engine = engine(&dir);
        let mut copies = Copies::lacking(&engine).unwrap();
        let entries = || Some(vec![0; BYTES_BETWEEN - 10]);
        write(&mut copies, &engine, b"e1", entries());
        write(&mut copies, &engine, CERT, Some(b"cert".to_vec()));
        let mut between = 0;
        let copied = loop {
            let group = write(&mut copies, &engine, b"e2", entries());
            if let Some(copy) = group.get(&copy_of(CERT)) {
                break copy.clone();
            }
            between += 1;
        };
        assert!((1..4).contains(&between) && copied.as_deref() == Some(b"cert"), "{between} groups between");
        assert!(Copies::lacking(&engine).unwrap().due.is_empty());
    }

    #[test]
    fn what_is_removed_leaves_no_copy() {
        let dir = tempfile::tempdir().unwrap();
        let engine = engine(&dir);
        engine.write(Changes::from([(b"p1".to_vec(), Some(b"bob".to_vec()))])).unwrap();
        let mut copies = Copies::lacking(&engine).unwrap();
        write(&mut copies, &engine, b"e1", Some(Vec::new()));
        assert!(engine.get(&copy_of(b"p1")).unwrap().is_some());
        write(&mut copies, &engine, b"p1", None);
        assert!(engine.get(&copy_of(b"p1")).unwrap().is_none());
        // As a version that knows no copies would leave it.
        engine.write(Changes::from([(copy_of(b"p2"), Some(b"eve".to_vec()))])).unwrap();
        let mut copies = Copies::lacking(&engine).unwrap();
        write(&mut copies, &engine, b"e2", Some(Vec::new()));
        assert!(engine.get(&copy_of(b"p2")).unwrap().is_none());
    }
}
