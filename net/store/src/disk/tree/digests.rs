//! How much a conversation holds of each day, known without reading the day.
//!
//! A checkpoint is the digest of a day's entries up to the newest one it names. The checkpoint of a
//! conversation's newest day lags behind, so that an entry which is the newest costs no second
//! key; those of the days before are complete. All of them change in the batch of the entry that
//! changes them: they are exact after any crash.

use std::cell::RefCell;
use std::collections::HashMap;

use kinmesh_proto::{Digest, EntryKey, KeyRange};

use crate::disk::engine::Engine;
use crate::disk::layout::{self, Number};
use crate::disk::tree::UNREADABLE;
use crate::error::StoreError;
use crate::history::{day_of, range_of_day};

/// A checkpoint lags behind by fewer entries than this: reading them takes a quarter of a
/// millisecond, and one key more for so many entries costs nothing that can be measured.
const CHECKPOINT_EVERY: u64 = 256;

/// The ends of the conversations that were asked for, in memory.
#[derive(Debug, Default)]
pub(super) struct Digests {
    tips: RefCell<HashMap<Number, Tip>>,
}

/// The end of a conversation.
#[derive(Debug, Clone, Default)]
struct Tip {
    /// Its newest day.
    day: u32,
    /// The checkpoint of that day.
    checkpoint: Digest,
    /// What came after.
    tail: Digest,
    /// All days before, once somebody asked for it.
    past: Option<Digest>,
}

impl Digests {
    /// Counts a new entry. Returns the day whose checkpoint it changes, and the new one. `checkpoint`
    /// reads an older day's.
    pub(super) fn add(
        &self,
        engine: &Engine,
        conversation: Number,
        key: EntryKey,
        checkpoint: impl FnOnce(u32) -> Result<Digest, StoreError>,
    ) -> Result<Option<(u32, Digest)>, StoreError> {
        self.with_tip(engine, conversation, |tip| {
            let day = day_of(key);
            if day >= tip.day {
                return Ok(tip.add(day, key));
            }
            if let Some(past) = &mut tip.past {
                past.add(key);
            }
            let mut digest = checkpoint(day)?;
            digest.add(key);
            Ok(Some((day, digest)))
        })
    }

    /// Takes out the oldest entry. Returns its day, and the new checkpoint of that: empty when the day is,
    /// or nothing of it is left but what came after the checkpoint. `checkpoint` reads an older day's.
    pub(super) fn remove(
        &self,
        engine: &Engine,
        conversation: Number,
        key: EntryKey,
        checkpoint: impl FnOnce(u32) -> Result<Digest, StoreError>,
    ) -> Result<(u32, Digest), StoreError> {
        self.with_tip(engine, conversation, |tip| {
            let day = day_of(key);
            if day == tip.day {
                return Ok((day, tip.remove(key)));
            }
            if let Some(past) = &mut tip.past {
                past.remove(key);
            }
            let mut digest = checkpoint(day)?;
            digest.remove(key);
            Ok((day, digest))
        })
    }

    /// All of a conversation.
    pub(super) fn whole(&self, engine: &Engine, conversation: Number) -> Result<Digest, StoreError> {
        self.with_tip(engine, conversation, |tip| {
            let mut whole = match tip.past {
                Some(past) => past,
                None => *tip.past.insert(past(engine, conversation, tip.day)?),
            };
            whole.join(&tip.of_day());
            Ok(whole)
        })
    }

    /// Every day that has entries, oldest first.
    pub(super) fn days(
        &self,
        engine: &Engine,
        conversation: Number,
    ) -> Result<Vec<(u32, Digest)>, StoreError> {
        let (day, newest) = self.with_tip(engine, conversation, |tip| Ok((tip.day, tip.of_day())))?;
        let mut days = checkpoints(engine, conversation, day).collect::<Result<Vec<_>, _>>()?;
        days.extend((newest.count > 0).then_some((day, newest)));
        Ok(days)
    }

    fn with_tip<T>(
        &self,
        engine: &Engine,
        conversation: Number,
        work: impl FnOnce(&mut Tip) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut tips = self.tips.borrow_mut();
        if let Some(tip) = tips.get_mut(&conversation) {
            return work(tip);
        }
        work(tips.entry(conversation).or_insert(Tip::read(engine, conversation)?))
    }
}

impl Tip {
    fn read(engine: &Engine, conversation: Number) -> Result<Self, StoreError> {
        let newest = keys(engine, conversation, KeyRange::ALL).next_back();
        let Some(newest) = newest.transpose()? else { return Ok(Self::default()) };
        let day = day_of(newest);
        let checkpoint = checkpoint(engine.get(&layout::day_key(conversation, day))?.as_deref())?;
        let begin = checkpoint.newest.map(layout::just_after).or(range_of_day(day).from);
        let tail = scan_digest(engine, conversation, KeyRange { from: begin, to: None })?;
        Ok(Self { day, checkpoint, tail, past: None })
    }

    /// Counts an entry of this day or a later one. Returns the checkpoint to write, and its day.
    fn add(&mut self, day: u32, key: EntryKey) -> Option<(u32, Digest)> {
        if day > self.day {
            return self.turn_to(day, key);
        }
        if Some(key) < self.checkpoint.newest {
            self.checkpoint.add(key);
            return Some((day, self.checkpoint));
        }
        self.tail.add(key);
        if self.tail.count < CHECKPOINT_EVERY {
            return None;
        }
        self.checkpoint = self.of_day();
        self.tail = Digest::default();
        Some((day, self.checkpoint))
    }

    /// Takes out the oldest entry of this day, which is the newest. Returns what the checkpoint is then.
    fn remove(&mut self, key: EntryKey) -> Digest {
        let is_in_tail = Some(key) > self.checkpoint.newest;
        let part = if is_in_tail { &mut self.tail } else { &mut self.checkpoint };
        part.remove(key);
        self.checkpoint
    }

    /// Goes over to a new day with its first entry; the day that ends is complete.
    fn turn_to(&mut self, day: u32, first: EntryKey) -> Option<(u32, Digest)> {
        let ended = (self.day, self.of_day());
        if let Some(past) = &mut self.past {
            past.join(&ended.1);
        }
        *self = Self { day, past: self.past, ..Self::default() };
        self.tail.add(first);
        (ended.1.count > 0).then_some(ended)
    }

    fn of_day(&self) -> Digest {
        let mut digest = self.checkpoint;
        digest.join(&self.tail);
        digest
    }
}

/// All days before `day`.
fn past(engine: &Engine, conversation: Number, day: u32) -> Result<Digest, StoreError> {
    checkpoints(engine, conversation, day).try_fold(Digest::default(), |mut past, checkpoint| {
        past.join(&checkpoint?.1);
        Ok(past)
    })
}

/// The checkpoints of the days before `before`, oldest first.
fn checkpoints(
    engine: &Engine,
    conversation: Number,
    before: u32,
) -> impl Iterator<Item = Result<(u32, Digest), StoreError>> {
    let (low, high) = (layout::day_key(conversation, 0), layout::day_key(conversation, before));
    engine.range(&low, &high).map(|pair| {
        let (key, value) = pair?;
        let (_, day) = layout::read_day_key(&key).ok_or(UNREADABLE)?;
        Ok((day, checkpoint(Some(&value))?))
    })
}

/// Reads a checkpoint; an empty one where there is none.
pub(super) fn checkpoint(value: Option<&[u8]>) -> Result<Digest, StoreError> {
    value.map_or(Ok(Digest::default()), |value| layout::read_digest(value).ok_or(UNREADABLE))
}

/// The digest of a range, by reading its keys.
pub(super) fn scan_digest(
    engine: &Engine,
    conversation: Number,
    range: KeyRange,
) -> Result<Digest, StoreError> {
    keys(engine, conversation, range).try_fold(Digest::default(), |mut digest, key| {
        digest.add(key?);
        Ok(digest)
    })
}

/// The keys of the entries of a range.
pub(super) fn keys(
    engine: &Engine,
    conversation: Number,
    range: KeyRange,
) -> impl DoubleEndedIterator<Item = Result<EntryKey, StoreError>> + use<> {
    let (low, high) = layout::entry_bounds(conversation, range);
    engine.keys(&low, &high).map(|key| layout::last_place(&key?).ok_or(UNREADABLE))
}
