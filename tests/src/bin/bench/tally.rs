//! Who has heard what, and when the last one did.

use std::ops::Range;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tokio::sync::mpsc;
use tokio::time::timeout;

/// Far above what the slowest step of a bench takes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);
/// Bytes of one message.
pub(crate) const TEXT_BYTES: usize = 200;
/// What was heard and not counted yet. Listeners wait beyond it; counting is much faster than hearing.
pub(crate) const HEARD_CAP: usize = 8192;

/// A listener heard a message.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Heard {
    /// Which listener, from 0.
    pub(crate) listener: usize,
    /// Which message.
    pub(crate) number: usize,
    /// When.
    pub(crate) at: Instant,
}

/// Where listeners say what they heard.
pub(crate) type Ear = mpsc::Receiver<Result<Heard>>;

/// A message of [`TEXT_BYTES`] bytes that says its number.
pub(crate) fn text_of(number: usize) -> String {
    format!("{number:x<TEXT_BYTES$}")
}

/// The number of a message.
pub(crate) fn number_of(text: &str) -> Option<usize> {
    text.trim_end_matches('x').parse().ok()
}

/// Counts, for a range of messages, who has heard which.
pub(crate) struct Tally {
    numbers: Range<usize>,
    heard: Vec<Vec<bool>>,
    counts: Vec<usize>,
    last: Instant,
}

impl Tally {
    /// Nobody has heard anything.
    pub(crate) fn new(listeners: usize, numbers: Range<usize>) -> Self {
        let heard = vec![vec![false; numbers.len()]; listeners];
        Self { heard, counts: vec![0; listeners], numbers, last: Instant::now() }
    }

    /// Messages that everybody has heard so far.
    pub(crate) fn slowest(&self) -> usize {
        self.counts.iter().copied().min().unwrap_or_default()
    }

    /// Takes the next word of a listener. What it heard before, or outside of the range, changes nothing.
    pub(crate) async fn listen(&mut self, ear: &mut Ear) -> Result<()> {
        let heard = timeout(PATIENCE, ear.recv()).await;
        let missing = || format!("of {} messages {:?} were heard", self.numbers.len(), self.counts);
        let Heard { listener, number, at } = heard.with_context(missing)?.context("the mesh has ended")??;
        if self.numbers.contains(&number) {
            let known = &mut self.heard[listener][number - self.numbers.start];
            self.counts[listener] += usize::from(!std::mem::replace(known, true));
            self.last = self.last.max(at);
        }
        Ok(())
    }

    /// Waits until everybody has heard everything; the result is when the last one did.
    pub(crate) async fn complete(mut self, ear: &mut Ear) -> Result<Instant> {
        while self.slowest() < self.numbers.len() {
            self.listen(ear).await?;
        }
        Ok(self.last)
    }
}

/// Fails unless `stored` holds every number of the range exactly once.
pub(crate) fn ensure_each_once(stored: &[usize], numbers: Range<usize>) -> Result<()> {
    let mut stored = stored.to_vec();
    stored.sort_unstable();
    ensure!(
        stored.iter().copied().eq(numbers.clone()),
        "{} entries are stored for {} messages",
        stored.len(),
        numbers.len()
    );
    Ok(())
}
