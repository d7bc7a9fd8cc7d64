//! The messages of one segment of sled's log, and what they say.

use std::collections::HashMap;

use kinmesh_proto::limits::ENTRY_MAX;

use crate::disk::engine::SEGMENT_BYTES;

/// Opens a batch, in which one group of changes is written.
const BATCH: u8 = 3;
/// A page. Larger ones would stand in files of their own: the size of a segment is chosen so that
/// there are none.
const PAGE: u8 = 8;
/// A change to a page; the same holds for its size.
const LINK: u8 = 10;
/// Kinds of messages there are.
const KINDS: std::ops::RangeInclusive<u8> = 1..=11;
/// No message begins in the last bytes of a segment: the longest header would not fit.
const HEADER_MAX: usize = 32;
/// The longest body: a page may fill a quarter of a segment.
const BODY_MAX: usize = SEGMENT_BYTES / 4;
/// As many bytes in a row as somebody else chooses of what stands here: a whole entry.
pub(in crate::disk) const CHAIN_MIN: usize = ENTRY_MAX;
/// Checksum bytes before the first byte of a message that is never zero.
const CHECKSUM: usize = 4;

/// A step in the life of the tree.
#[derive(Debug)]
pub(in crate::disk) struct Step<'s> {
    pub(in crate::disk) change: Change<'s>,
    /// Whether what says so stands where a message must stand. Else it was found by looking for one
    /// behind damage, and could be what somebody wrote into an entry to be found like that.
    pub(in crate::disk) is_sure: bool,
}

/// How all keys of each page begin, and whether that is sure: links leave it out.
pub(super) type Prefixes = HashMap<u64, (Vec<u8>, bool)>;

/// What a message changes.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::disk) enum Change<'s> {
    /// From `low` to before `high` there are these pairs and no others. An empty `high` is the end.
    Page { low: &'s [u8], high: &'s [u8], pairs: Vec<(Vec<u8>, &'s [u8])> },
    /// This key has this value now, or none any more.
    Pair { key: Vec<u8>, value: Option<&'s [u8]> },
}

/// A message that is whole.
#[derive(Debug, Clone, Copy)]
pub(super) struct Message<'s> {
    kind: u8,
    pub(super) segment: u64,
    page: u64,
    body: &'s [u8],
    /// Whether something between it and the one before is damaged.
    pub(super) follows_damage: bool,
    /// Whether it stands where the one before ended, or says that it ended.
    pub(super) is_sure: bool,
}

impl<'s> Message<'s> {
    /// Bytes of what it says.
    pub(super) fn len(&self) -> usize {
        self.body.len()
    }

    /// Whether a group of changes begins with it.
    pub(super) fn begins_group(&self) -> bool {
        self.kind == BATCH
    }

    /// The page that it holds whole.
    pub(super) fn whole_page(&self) -> Option<u64> {
        (self.kind == PAGE).then_some(self.page)
    }

    /// The page that it changes.
    pub(super) fn changed_page(&self) -> Option<u64> {
        (self.kind == LINK).then_some(self.page)
    }

    pub(super) fn step(&self, prefixes: &mut Prefixes) -> Option<Step<'s>> {
        let mut body = Reader(self.body);
        match self.kind {
            PAGE => {
                let (prefix, page) = body.page()?;
                prefixes.insert(self.page, (prefix.to_vec(), self.is_sure));
                Some(Step { change: page?, is_sure: self.is_sure })
            }
            LINK => {
                let (prefix, is_prefix_sure) = prefixes.get(&self.page)?;
                Some(Step { change: body.link(prefix)?, is_sure: self.is_sure && *is_prefix_sure })
            }
            _ => None,
        }
    }
}

/// The whole messages of a segment. Behind a damaged one it goes on where that says it ends; if there
/// is none, it looks for the next one byte by byte. What it finds like that is not sure until so many
/// follow without a gap that no entry has room for them.
///
/// A segment that is used anew keeps, behind what is new, what it held before, under its old number.
pub(super) struct Messages<'s> {
    rest: &'s [u8],
    /// `None` takes the messages of any.
    segment: Option<u64>,
    /// Bytes that messages without a gap must have to make the next one sure.
    unsure: usize,
}

impl<'s> Messages<'s> {
    pub(super) fn new(messages: &'s [u8], segment: Option<u64>) -> Self {
        Self { rest: messages, segment, unsure: 0 }
    }

    /// Whether the segment has room for more, once all messages were taken.
    pub(super) fn ended_early(&self) -> bool {
        self.rest.len() > HEADER_MAX
    }

    /// The message at the front of the bytes, and what follows it.
    fn at(&self, bytes: &'s [u8]) -> Option<(Message<'s>, &'s [u8])> {
        let mut reader = Reader(bytes);
        let (message, _) = reader.message(self.segment);
        message.map(|message| (message, reader.0))
    }

    /// The first whole message behind what stands here instead of one.
    fn behind_damage(&mut self) -> Option<(Message<'s>, &'s [u8])> {
        let (_, claimed) = Reader(self.rest).message(self.segment);
        let claimed = claimed.and_then(|end| self.at(end));
        if claimed.is_none() || self.unsure > 0 {
            self.unsure = CHAIN_MIN;
        }
        if claimed.is_some() {
            return claimed;
        }
        let mut bytes = self.rest;
        loop {
            bytes = bytes.get(1..)?;
            // Unused room is zeros, for millions of bytes.
            let zeros = bytes.iter().position(|byte| *byte != 0)?;
            bytes = &bytes[zeros.saturating_sub(CHECKSUM)..];
            if let Some(found) = self.at(bytes) {
                return Some(found);
            }
        }
    }
}

impl<'s> Iterator for Messages<'s> {
    type Item = Message<'s>;

    fn next(&mut self) -> Option<Message<'s>> {
        let here = self.at(self.rest);
        let follows_damage = here.is_none();
        let (message, rest) = here.or_else(|| self.behind_damage())?;
        let is_sure = self.unsure == 0;
        self.unsure = self.unsure.saturating_sub(message.len());
        self.rest = rest;
        Some(Message { follows_damage, is_sure, ..message })
    }
}

/// Takes sled's types off the front of some bytes.
struct Reader<'s>(&'s [u8]);

impl<'s> Reader<'s> {
    /// The message here if it is whole and of this segment, if one is named; else, if it says where it
    /// ends, what follows it.
    fn message(&mut self, segment: Option<u64>) -> (Option<Message<'s>>, Option<&'s [u8]>) {
        let Some((checksum, header, message)) = self.unchecked_message() else { return (None, None) };
        // Before its bytes are summed up: whoever looks for a message does so at every byte.
        let is_of_it = segment.is_none_or(|segment| message.segment == segment);
        if !is_of_it || !KINDS.contains(&message.kind) || message.body.len() > BODY_MAX {
            return (None, Some(self.0));
        }
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(message.body);
        hasher.update(header);
        let is_whole = !hasher.finalize() == checksum;
        (is_whole.then_some(message), Some(self.0))
    }

    fn unchecked_message(&mut self) -> Option<(u32, &'s [u8], Message<'s>)> {
        let checksum = u32::from_le_bytes(*self.take(CHECKSUM as u64)?.first_chunk()?);
        let start = self.0;
        let kind = self.byte()?;
        let len = self.number()?;
        let (segment, page) = (self.number()?, self.number()?);
        let header = &start[..start.len() - self.0.len()];
        let body = self.take(len)?;
        Some((checksum, header, Message { kind, segment, page, body, follows_damage: false, is_sure: true }))
    }

    /// How all keys of the page begin, and the page; `None` in its place for one without data.
    fn page(&mut self) -> Option<(&'s [u8], Option<Change<'s>>)> {
        let (_next, _merging_child, _is_merging) = (self.number()?, self.number()?, self.byte()?);
        let prefix_len = self.byte()?;
        let (low, high) = (self.bytes()?, self.bytes()?);
        let prefix = low.get(..usize::from(prefix_len))?;
        let is_leaf = self.byte()? == 0;
        if !is_leaf {
            return Some((prefix, None));
        }
        let count = self.number()?;
        let keys = (0..count).map(|_| self.bytes()).collect::<Option<Vec<_>>>()?;
        let keys = keys.into_iter().map(|key| [prefix, key].concat());
        let pairs = keys.map(|key| Some((key, self.bytes()?))).collect::<Option<_>>()?;
        Some((prefix, Some(Change::Page { low, high, pairs })))
    }

    /// A change to a page whose keys begin with `prefix`.
    fn link(&mut self, prefix: &[u8]) -> Option<Change<'s>> {
        let kind = self.byte()?;
        let key = [prefix, self.bytes()?].concat();
        match kind {
            0 => Some(Change::Pair { key, value: Some(self.bytes()?) }),
            1 => Some(Change::Pair { key, value: None }),
            // Pages that are merged: their data is in the page that follows.
            _ => None,
        }
    }

    fn bytes(&mut self) -> Option<&'s [u8]> {
        let len = self.number()?;
        self.take(len)
    }

    /// sled's number of one to nine bytes.
    fn number(&mut self) -> Option<u64> {
        let first = self.byte()?;
        match first {
            0..=240 => Some(u64::from(first)),
            241..=248 => Some(240 + 256 * u64::from(first - 241) + u64::from(self.byte()?)),
            249 => Some(2288 + 256 * u64::from(self.byte()?) + u64::from(self.byte()?)),
            _ => {
                let digits = self.take(u64::from(first - 247))?;
                Some(digits.iter().rev().fold(0, |number, digit| number << 8 | u64::from(*digit)))
            }
        }
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    fn take(&mut self, len: u64) -> Option<&'s [u8]> {
        let (taken, rest) = self.0.split_at_checked(usize::try_from(len).ok()?)?;
        self.0 = rest;
        Some(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A message whose lengths and numbers are below 241.
    fn message(kind: u8, segment: u8, body: &[u8]) -> Vec<u8> {
        let header = [kind, u8::try_from(body.len()).unwrap(), segment, 1];
        let checksum = !crc32fast::hash(&[body, &header[..]].concat());
        [&checksum.to_le_bytes()[..], &header, body].concat()
    }

    /// Body, whether something before is damaged, whether it is sure.
    fn found(bytes: &[u8]) -> Vec<(&[u8], bool, bool)> {
        let messages = Messages::new(bytes, Some(7));
        messages.map(|message| (message.body, message.follows_damage, message.is_sure)).collect()
    }

    #[test]
    fn whole_messages_follow_each_other() {
        let bytes = [message(10, 7, b"one"), message(8, 7, b"two"), vec![0; 5000]].concat();
        assert_eq!(found(&bytes), [(&b"one"[..], false, true), (b"two", false, true)]);
    }

    #[test]
    fn behind_a_damaged_message_the_next_one_is_where_it_says_it_ends() {
        let mut damaged = message(10, 7, b"one");
        *damaged.last_mut().unwrap() ^= 1;
        let bytes = [damaged, message(8, 7, b"two"), message(8, 7, b"three")].concat();
        assert_eq!(found(&bytes), [(&b"two"[..], true, true), (b"three", false, true)]);
    }

    #[test]
    fn what_is_found_by_looking_for_it_is_not_sure() {
        let planted = message(10, 7, b"planted");
        let holder = message(10, 7, &planted);
        assert_eq!(found(&holder), [(&planted[..], false, true)], "seen as what it is");
        let bytes = [&[9; 100][..], &holder[6..], &message(8, 7, b"two")].concat();
        assert_eq!(found(&bytes), [(&b"planted"[..], true, false), (b"two", false, false)]);
    }

    #[test]
    fn what_no_entry_has_room_for_is_sure_again() {
        let one = message(10, 7, &[5; 200]);
        let bytes = [vec![9; 100], one.repeat(CHAIN_MIN / 200 + 2)].concat();
        let sure: Vec<bool> = found(&bytes).into_iter().map(|(_, _, is_sure)| is_sure).collect();
        assert!(!sure[0] && !sure[sure.len() - 2] && sure[sure.len() - 1]);
        let bytes = [vec![9; 100], one.repeat(CHAIN_MIN / one.len() / 2), vec![9; 100]].concat();
        let torn = [&bytes[..], &bytes].concat();
        assert!(found(&torn).iter().all(|(_, _, is_sure)| !is_sure), "two short rows are no long one");
    }

    #[test]
    fn what_a_segment_held_before_is_no_message_of_it() {
        let bytes = [message(10, 7, b"new"), message(10, 3, b"old"), message(10, 3, b"older")].concat();
        assert_eq!(found(&bytes), [(&b"new"[..], false, true)]);
    }
}
