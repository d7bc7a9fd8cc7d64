//! Counts what the index holds, the way the store counts what it holds.

use std::collections::{BTreeMap, HashMap};

use kinmesh_proto::{ConversationId, Digest};
use tantivy::{Searcher, SegmentReader};

use super::newest::{Columns, unreadable};
use super::schema::read_conversation_key;
use crate::place::day_of;

/// What a day of a conversation adds up to. A [`Digest`] with as much of the ids as the index keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct DaySum {
    pub(crate) count: u64,
    /// The low end of [`Digest::sum`].
    sum: u64,
}

impl DaySum {
    pub(super) fn add(&mut self, head: u64) {
        self.count += 1;
        // A digest takes an id for a number whose first byte is the lowest.
        self.sum = self.sum.wrapping_add(head.swap_bytes());
    }

    fn join(&mut self, other: Self) {
        self.count += other.count;
        self.sum = self.sum.wrapping_add(other.sum);
    }
}

impl From<Digest> for DaySum {
    fn from(digest: Digest) -> Self {
        let [a, b, c, d, e, f, g, h, ..] = digest.sum;
        Self { count: digest.count, sum: u64::from_le_bytes([a, b, c, d, e, f, g, h]) }
    }
}

/// Every day that something is held of.
pub(crate) type Covered = BTreeMap<(ConversationId, u32), DaySum>;

pub(super) fn covered(searcher: &Searcher) -> tantivy::Result<Covered> {
    let mut covered = Covered::new();
    for segment in searcher.segment_readers() {
        add_segment(segment, &mut covered)?;
    }
    Ok(covered)
}

fn add_segment(segment: &SegmentReader, covered: &mut Covered) -> tantivy::Result<()> {
    let columns = Columns::open(segment)?;
    let mut days = HashMap::<(u64, u32), DaySum>::new();
    for doc in segment.doc_ids_alive() {
        let day = (columns.conversation_number(doc)?, day_of(columns.clock(doc)));
        days.entry(day).or_default().add(columns.head(doc));
    }
    for ((number, day), sum) in days {
        let mut key = Vec::new();
        columns.conversations.ord_to_bytes(number, &mut key)?;
        let conversation = read_conversation_key(&key).ok_or_else(unreadable)?;
        covered.entry((conversation, day)).or_default().join(sum);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::place::Place;
    use kinmesh_proto::{EntryId, EntryKey, Hlc};

    #[test]
    fn a_day_adds_up_to_the_low_end_of_its_digest() {
        let (mut sum, mut digest) = (DaySum::default(), Digest::default());
        for byte in [1_u8, 200, 255, 255, 17] {
            let id = EntryId(std::array::from_fn(|at| byte.wrapping_add(at as u8)));
            let key = EntryKey { clock: Hlc(7), id };
            sum.add(Place::order_of(key).1);
            digest.add(key);
        }
        assert_eq!(sum, DaySum::from(digest));
    }
}
