//! When somebody last touched a key or the pointer, for the whole process.
//!
//! It is noted while events pass by, without a message: the pointer alone would redraw the window
//! hundreds of times a second.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

static BEGIN: LazyLock<Instant> = LazyLock::new(Instant::now);
/// Milliseconds from [`BEGIN`] on.
static LAST_MS: AtomicU64 = AtomicU64::new(0);

/// Somebody is here.
pub(crate) fn touched() {
    LAST_MS.store(now_ms(), Ordering::Relaxed);
}

/// How long nobody has been.
pub(crate) fn since() -> Duration {
    Duration::from_millis(now_ms().saturating_sub(LAST_MS.load(Ordering::Relaxed)))
}

fn now_ms() -> u64 {
    u64::try_from(BEGIN.elapsed().as_millis()).unwrap_or(u64::MAX)
}
