//! Reads sled's log without sled: whether it is whole, and what is left of it when it is not.
//!
//! The log is a row of segments. Each holds a header and then messages: whole pages, and links, the
//! single changes to a page that came later. Every message has a checksum and names the number of
//! its segment, so those that are whole can be read in their order, whatever became of the others.
//! sled 0.34.7 is the last of its line: none of this changes any more.
//!
//! It must never know what the keys mean, and it never writes.

mod message;

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::num::NonZero;
use std::panic::resume_unwind;
use std::path::Path;
use std::thread;

use crate::disk::engine::SEGMENT_BYTES;
pub(super) use crate::disk::log::message::{CHAIN_MIN, Change, Step};
use crate::disk::log::message::{Messages, Prefixes};
use crate::error::StoreError;

/// Checksum, position, and how far the log was on the disk when the segment began.
const SEGMENT_HEADER: usize = 20;
/// A disk loses its data in blocks; one that cannot be read takes no more than itself along.
const BLOCK: usize = 4096;

/// Whether something is damaged in the part of the log that sled reads when it opens, although it was
/// on the disk: for a group of changes is written only after the one before it was. `stable` is where
/// that part begins.
///
/// sled itself takes such damage for the place where a crash tore its last write off. It drops all
/// that follows, be it a week's history, fills it with zeros and says nothing.
pub(super) fn is_damaged_inside(log: &Path, stable: u64) -> io::Result<bool> {
    let mut file = File::open(log)?;
    if has_broken_header(&mut file)? {
        return Ok(true);
    }
    let mut segments = segments_in_order(&mut file)?;
    segments.retain(|(number, _)| *number >= stable / SEGMENT_BYTES as u64);
    let mut is_torn = false;
    for segment in examine(log, &segments)? {
        if segment.has_group_behind_damage || (is_torn && segment.has_group) {
            return Ok(true);
        }
        is_torn |= segment.is_torn;
    }
    Ok(false)
}

/// Whether a segment begins with neither a header nor zeros. A crash leaves no such thing: a header is
/// written whole or not at all, being far smaller than a block. In a short log it may be the one trace of
/// damage.
fn has_broken_header(log: &mut File) -> io::Result<bool> {
    for offset in (0..log.metadata()?.len()).step_by(SEGMENT_BYTES) {
        let mut header = [0; SEGMENT_HEADER];
        log.seek(SeekFrom::Start(offset))?;
        let is_read = read_full(log, &mut header).is_ok();
        if is_read && header != [0; SEGMENT_HEADER] && read_segment_header(&header).is_none() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What one segment tells about damage.
#[derive(Debug, Default)]
struct Examined {
    /// Something in it is damaged, or a write of its end was torn off.
    is_torn: bool,
    has_group: bool,
    has_group_behind_damage: bool,
}

impl Examined {
    fn of(segment: &[u8], number: u64) -> Self {
        // sled passes over a segment without a header.
        let is_torn = segment.first_chunk().and_then(read_segment_header).is_none();
        let mut found = Self { is_torn, ..Self::default() };
        let mut messages = messages(segment, Some(number));
        for message in &mut messages {
            found.is_torn |= message.follows_damage;
            found.has_group |= message.begins_group();
            found.has_group_behind_damage |= found.is_torn && message.begins_group();
        }
        found.is_torn |= messages.ended_early();
        found
    }
}

/// Examines these segments, on all processors: a long log is read whole before the program can start.
fn examine(log: &Path, segments: &[(u64, u64)]) -> io::Result<Vec<Examined>> {
    let share = segments.len().div_ceil(thread::available_parallelism().map_or(1, NonZero::get)).max(1);
    thread::scope(|scope| {
        let shares: Vec<_> =
            segments.chunks(share).map(|share| scope.spawn(|| examine_share(log, share))).collect();
        let mut examined = Vec::with_capacity(segments.len());
        for share in shares {
            examined.extend(share.join().unwrap_or_else(|panic| resume_unwind(panic))?);
        }
        Ok(examined)
    })
}

fn examine_share(log: &Path, segments: &[(u64, u64)]) -> io::Result<Vec<Examined>> {
    let mut log = File::open(log)?;
    let mut segment = empty_segment();
    let examined = segments.iter().map(|(number, offset)| {
        read_segment(&mut log, *offset, &mut segment)?;
        Ok(Examined::of(&segment, *number))
    });
    examined.collect()
}

/// Feeds all that can be read to `visit`, in the order in which it was written.
pub(super) fn replay(
    log: &Path,
    mut visit: impl FnMut(Step<'_>) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let mut log = match File::open(log) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        log => log?,
    };
    let segments = segments_in_order(&mut log)?;
    let newest = newest_pages(&mut log, &segments)?;
    let mut prefixes = Prefixes::new();
    let mut segment = empty_segment();
    for (number, offset) in segments {
        read_segment(&mut log, offset, &mut segment)?;
        for (nth, message) in messages(&segment, Some(number)).enumerate() {
            // A change from before the page was written whole is in it. The page that it was made to
            // may be gone, its place used anew, and without that its key cannot be told.
            let page = message.changed_page().and_then(|page| newest.get(&page));
            if page.is_some_and(|place| *place > (number, nth)) {
                continue;
            }
            if let Some(step) = message.step(&mut prefixes) {
                visit(step)?;
            }
        }
    }
    Ok(())
}

/// Where the newest copy of each page stands: the number of its segment, and which message it is there.
fn newest_pages(log: &mut File, segments: &[(u64, u64)]) -> io::Result<HashMap<u64, (u64, usize)>> {
    let mut newest = HashMap::new();
    let mut segment = empty_segment();
    for (number, offset) in segments {
        read_segment(log, *offset, &mut segment)?;
        for (nth, message) in
            messages(&segment, Some(*number)).enumerate().filter(|(_, message)| message.is_sure)
        {
            newest.extend(message.whole_page().map(|page| (page, (*number, nth))));
        }
    }
    Ok(newest)
}

/// The numbers of the segments, in the order in which they were written, and where they stand.
fn segments_in_order(log: &mut File) -> io::Result<Vec<(u64, u64)>> {
    let mut segments = Vec::new();
    for offset in (0..log.metadata()?.len()).step_by(SEGMENT_BYTES) {
        segments.extend(segment_number(log, offset)?.map(|number| (number, offset)));
    }
    segments.sort_unstable();
    Ok(segments)
}

/// What the header of a segment says, or if that is damaged its messages.
fn segment_number(log: &mut File, offset: u64) -> io::Result<Option<u64>> {
    let mut header = [0; SEGMENT_HEADER];
    log.seek(SeekFrom::Start(offset))?;
    if read_full(log, &mut header).is_ok()
        && let Some(position) = read_segment_header(&header)
    {
        return Ok(Some(position / SEGMENT_BYTES as u64));
    }
    let mut segment = empty_segment();
    read_segment(log, offset, &mut segment)?;
    Ok(named_by_messages(&segment))
}

/// The number that the first long row of messages names: behind what is new there may be what the
/// segment held before. Without a long row that of most messages.
fn named_by_messages(segment: &[u8]) -> Option<u64> {
    let mut named: BTreeMap<u64, usize> = BTreeMap::new();
    let (mut row_of, mut row) = (None, 0);
    for message in messages(segment, None) {
        if message.follows_damage || row_of != Some(message.segment) {
            (row_of, row) = (Some(message.segment), 0);
        }
        row += message.len();
        if row > CHAIN_MIN {
            return row_of;
        }
        *named.entry(message.segment).or_default() += 1;
    }
    named.into_iter().max_by_key(|(_, messages)| *messages).map(|(number, _)| number)
}

/// The position of a segment in all that was ever written.
fn read_segment_header(header: &[u8; SEGMENT_HEADER]) -> Option<u64> {
    let (checksum, rest) = header.split_first_chunk()?;
    let (position, _) = rest.split_first_chunk()?;
    let is_whole = !u32::from_le_bytes(*checksum) == crc32fast::hash(rest);
    is_whole.then(|| u64::from_le_bytes(*position) ^ i64::MAX.cast_unsigned())
}

fn messages(segment: &[u8], number: Option<u64>) -> Messages<'_> {
    Messages::new(segment.get(SEGMENT_HEADER..).unwrap_or_default(), number)
}

fn empty_segment() -> Vec<u8> {
    vec![0; SEGMENT_BYTES]
}

/// Reads one segment, with zeros for what cannot be read.
fn read_segment(log: &mut File, offset: u64, segment: &mut [u8]) -> io::Result<()> {
    log.seek(SeekFrom::Start(offset))?;
    if read_full(log, segment).is_err() {
        for (n, block) in segment.chunks_mut(BLOCK).enumerate() {
            log.seek(SeekFrom::Start(offset + (n * BLOCK) as u64))?;
            if read_full(log, block).is_err() {
                block.fill(0);
            }
        }
    }
    Ok(())
}

/// Reads until the buffer is full, or zeros from where the file ends.
fn read_full(file: &mut File, mut buffer: &mut [u8]) -> io::Result<()> {
    while !buffer.is_empty() {
        match file.read(buffer) {
            Ok(0) => {
                buffer.fill(0);
                break;
            }
            Ok(read) => buffer = &mut buffer[read..],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::disk::cipher::Cipher;
    use crate::disk::engine::{Changes, Engine};

    /// More pairs of half the size of the largest one here than a page holds.
    const PAIRS_MAX: usize = 40;

    type Pairs = BTreeMap<Vec<u8>, Vec<u8>>;

    /// What the log at `path` amounts to.
    fn replayed(path: &Path) -> Pairs {
        let mut pairs = Pairs::new();
        replay(path, |step| {
            match step.change {
                Change::Page { low, high, pairs: page } => {
                    pairs.retain(|key, _| &**key < low || (!high.is_empty() && &**key >= high));
                    pairs.extend(page.into_iter().map(|(key, value)| (key, value.to_vec())));
                }
                Change::Pair { key, value: Some(value) } => drop(pairs.insert(key, value.to_vec())),
                Change::Pair { key, value: None } => drop(pairs.remove(&key)),
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
            let engine = Engine::open(dir, Cipher(None)).unwrap();
            for _ in 0..4000 {
                let key = [&b"e"[..], &dice(1500).to_be_bytes()].concat();
                let value = (dice(4) > 0).then(|| vec![1; usize::try_from(dice(3000)).unwrap()]);
                engine.apply(Changes::from([(key, value)])).unwrap();
            }
            engine.write(Changes::from([(b"end".to_vec(), Some(Vec::new()))])).unwrap();
        }
        let engine = Engine::open(dir, Cipher(None)).unwrap();
        let pairs = engine.range(&[], &[u8::MAX]).map(Result::unwrap);
        pairs.map(|(key, value)| (key.to_vec(), value.to_vec())).collect()
    }

    #[test]
    fn the_log_tells_what_sled_tells() {
        let dir = tempfile::tempdir().unwrap();
        let pairs = fill(dir.path());
        assert!(std::fs::metadata(dir.path().join("db")).unwrap().len() > SEGMENT_BYTES as u64);
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
