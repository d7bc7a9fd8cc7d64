//! Reads sled's log without sled: what is left of it when sled cannot open it any more.
//!
//! The log is a row of segments. Each holds a header and then messages: whole pages, and links, the
//! single changes to a page that came later. Every message has a checksum and names the number of
//! its segment, so those that are whole can be read in their order, whatever became of the others.
//! sled 0.34.7 is the last of its line: none of this changes any more.
//!
//! It must never know what the keys mean, and it never writes.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use crate::disk::engine::SEGMENT_BYTES;
use crate::error::StoreError;

/// Checksum and position of a segment. Each message names its segment too, so it is not needed.
const SEGMENT_HEADER: usize = 20;
/// A disk loses its data in blocks; one that cannot be read takes no more than itself along.
const BLOCK: usize = 4096;

/// The kinds of messages that hold data of ours. Larger ones would stand in files of their own:
/// `SEGMENT_BYTES` is chosen so that there are none.
const PAGE: u8 = 8;
const LINK: u8 = 10;
/// The highest kind there is.
const KIND_MAX: u8 = 11;

/// A step in the life of the tree.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step<'s> {
    /// From `low` to before `high` there are these pairs and no others. An empty `high` is the end.
    Page { low: &'s [u8], high: &'s [u8], pairs: Vec<(Vec<u8>, &'s [u8])> },
    /// This key has this value now, or none any more.
    Change { key: Vec<u8>, value: Option<&'s [u8]> },
}

/// Feeds all that can be read to `visit`, in the order in which it was written.
pub(super) fn replay(
    log: &Path,
    mut visit: impl FnMut(Step<'_>) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let mut log = File::open(log)?;
    let mut prefixes = HashMap::new();
    for offset in segments_in_order(&mut log)? {
        let segment = read_segment(&mut log, offset)?;
        for message in messages(&segment) {
            if let Some(step) = message.step(&mut prefixes) {
                visit(step)?;
            }
        }
    }
    Ok(())
}

/// Where the segments stand, in the order in which they were written.
fn segments_in_order(log: &mut File) -> io::Result<Vec<u64>> {
    let mut segments = Vec::new();
    for offset in (0..log.metadata()?.len()).step_by(SEGMENT_BYTES) {
        let segment = read_segment(log, offset)?;
        if let Some(first) = messages(&segment).next() {
            segments.push((first.segment, offset));
        }
    }
    segments.sort_unstable();
    Ok(segments.into_iter().map(|(_, offset)| offset).collect())
}

/// One segment, with zeros for what cannot be read.
fn read_segment(log: &mut File, offset: u64) -> io::Result<Vec<u8>> {
    let mut segment = vec![0; SEGMENT_BYTES];
    log.seek(SeekFrom::Start(offset))?;
    if read_full(log, &mut segment).is_err() {
        for (n, block) in segment.chunks_mut(BLOCK).enumerate() {
            log.seek(SeekFrom::Start(offset + (n * BLOCK) as u64))?;
            if read_full(log, block).is_err() {
                block.fill(0);
            }
        }
    }
    Ok(segment)
}

/// Reads until the buffer is full or the file ends.
fn read_full(file: &mut File, mut buffer: &mut [u8]) -> io::Result<()> {
    while !buffer.is_empty() {
        match file.read(buffer) {
            Ok(0) => break,
            Ok(read) => buffer = &mut buffer[read..],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// The whole messages of a segment. Behind a damaged one it goes on where that says it ends: looking
/// for the next one byte by byte could take for a message what somebody wrote into an entry.
fn messages(segment: &[u8]) -> impl Iterator<Item = Message<'_>> {
    let mut rest = Reader(segment.get(SEGMENT_HEADER..).unwrap_or_default());
    let all = std::iter::from_fn(move || rest.message());
    let mut segment = None;
    // A segment that is used anew keeps, behind what is new, what it held before.
    all.flatten().filter(move |message| *segment.get_or_insert(message.segment) == message.segment)
}

struct Message<'s> {
    kind: u8,
    segment: u64,
    page: u64,
    body: &'s [u8],
}

impl<'s> Message<'s> {
    /// `prefixes` holds, for each page, how all its keys begin: links leave that out.
    fn step(&self, prefixes: &mut HashMap<u64, Vec<u8>>) -> Option<Step<'s>> {
        let mut body = Reader(self.body);
        match self.kind {
            PAGE => {
                let (prefix, page) = body.page()?;
                prefixes.insert(self.page, prefix.to_vec());
                page
            }
            LINK => body.link(prefixes.get(&self.page)?),
            _ => None,
        }
    }
}

/// Takes sled's types off the front of some bytes.
struct Reader<'s>(&'s [u8]);

impl<'s> Reader<'s> {
    /// The message here: `Some(None)` for a damaged one, `None` where there are no more.
    fn message(&mut self) -> Option<Option<Message<'s>>> {
        let start = self.0;
        let checksum = u32::from_le_bytes(*self.take(4)?.first_chunk()?);
        let kind = self.byte()?;
        let len = self.number()?;
        let (segment, page) = (self.number()?, self.number()?);
        let header = &start[4..start.len() - self.0.len()];
        let body = self.take(len)?;
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(body);
        hasher.update(header);
        let is_whole = !hasher.finalize() == checksum;
        (1..=KIND_MAX).contains(&kind).then_some(is_whole.then_some(Message { kind, segment, page, body }))
    }

    /// How all keys of the page begin, and the page; `None` in its place for one without data.
    fn page(&mut self) -> Option<(&'s [u8], Option<Step<'s>>)> {
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
        Some((prefix, Some(Step::Page { low, high, pairs })))
    }

    /// A change to a page whose keys begin with `prefix`.
    fn link(&mut self, prefix: &[u8]) -> Option<Step<'s>> {
        let kind = self.byte()?;
        let key = [prefix, self.bytes()?].concat();
        match kind {
            0 => Some(Step::Change { key, value: Some(self.bytes()?) }),
            1 => Some(Step::Change { key, value: None }),
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
    use std::collections::BTreeMap;

    use super::*;
    use crate::disk::engine::{Changes, Engine};

    /// More pairs of half the size of the largest one here than a page holds.
    const PAIRS_MAX: usize = 40;

    type Pairs = BTreeMap<Vec<u8>, Vec<u8>>;

    /// What the log at `path` amounts to.
    fn replayed(path: &Path) -> Pairs {
        let mut pairs = Pairs::new();
        replay(path, |step| {
            match step {
                Step::Page { low, high, pairs: page } => {
                    pairs.retain(|key, _| &**key < low || (!high.is_empty() && &**key >= high));
                    pairs.extend(page.into_iter().map(|(key, value)| (key, value.to_vec())));
                }
                Step::Change { key, value: Some(value) } => drop(pairs.insert(key, value.to_vec())),
                Step::Change { key, value: None } => drop(pairs.remove(&key)),
            }
            Ok(())
        })
        .unwrap();
        pairs
    }

    /// Fills a database over several starts with changes of many kinds; returns what it holds.
    fn fill(dir: &Path) -> Pairs {
        let mut seed = 7_u64;
        let mut dice = move |below: u64| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) % below
        };
        for _ in 0..3 {
            let engine = Engine::open(dir).unwrap();
            for _ in 0..4000 {
                let key = [&b"e"[..], &dice(1500).to_be_bytes()].concat();
                let value = (dice(4) > 0).then(|| vec![1; usize::try_from(dice(3000)).unwrap()]);
                engine.apply(Changes::from([(key, value)])).unwrap();
            }
            engine.write(Changes::from([(b"end".to_vec(), Some(Vec::new()))])).unwrap();
        }
        let engine = Engine::open(dir).unwrap();
        let pairs = engine.range(&[], &[u8::MAX]).map(Result::unwrap);
        pairs.map(|(key, value)| (key.to_vec(), value.to_vec())).collect()
    }

    #[test]
    fn the_log_tells_what_sled_tells() {
        let dir = tempfile::tempdir().unwrap();
        let pairs = fill(dir.path());
        assert!(std::fs::metadata(dir.path().join("db")).unwrap().len() > 3 * SEGMENT_BYTES as u64);
        assert!(replayed(&dir.path().join("db")) == pairs);
    }

    #[test]
    fn a_flipped_bit_costs_one_page_at_most() {
        let dir = tempfile::tempdir().unwrap();
        let pairs = fill(dir.path());
        let log = dir.path().join("db");
        let whole = std::fs::read(&log).unwrap();
        let mut costs = 0;
        for at in (SEGMENT_HEADER..whole.len()).step_by(whole.len() / 64) {
            let mut bytes = whole.clone();
            bytes[at] ^= 4;
            std::fs::write(&log, bytes).unwrap();
            let found = replayed(&log);
            let lost = pairs.iter().filter(|(key, value)| found.get(*key) != Some(value)).count();
            assert!(lost <= PAIRS_MAX, "byte {at} cost {lost} pairs");
            costs += usize::from(lost > 0);
        }
        assert!(costs > 0, "no page was hit");
    }

    #[test]
    fn noise_is_read_without_panic() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("db");
        fill(dir.path());
        let mut bytes = std::fs::read(&log).unwrap();
        bytes.iter_mut().step_by(13).for_each(|byte| *byte = byte.wrapping_mul(167));
        std::fs::write(&log, bytes).unwrap();
        replayed(&log);
        std::fs::write(&log, b"").unwrap();
        assert_eq!(replayed(&log), Pairs::new());
    }
}
