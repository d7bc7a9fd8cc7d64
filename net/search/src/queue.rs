//! The indexer's queue: bounded, and without memory while nothing waits in it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, RecvError, RecvTimeoutError, Sender, TryRecvError};
use std::time::Duration;

/// A queue for at most so many.
pub(crate) fn queue<T>(cap: usize) -> (Inlet<T>, Outlet<T>) {
    let (inlet, outlet) = mpsc::channel();
    let waiting = Arc::new(AtomicUsize::new(0));
    (Inlet { inlet, waiting: waiting.clone(), cap }, Outlet { outlet, waiting })
}

pub(crate) struct Inlet<T> {
    inlet: Sender<T>,
    waiting: Arc<AtomicUsize>,
    cap: usize,
}

/// The queue is full, or nobody takes from it any more.
#[derive(Debug)]
pub(crate) struct NotTaken;

// Derived, it would ask for values that can be cloned.
impl<T> Clone for Inlet<T> {
    fn clone(&self) -> Self {
        Self { inlet: self.inlet.clone(), waiting: self.waiting.clone(), cap: self.cap }
    }
}

impl<T> Inlet<T> {
    /// Puts something in if there is room for it.
    pub(crate) fn put(&self, value: T) -> Result<(), NotTaken> {
        // Two at once may both see room for one: a bound by one more is a bound.
        if self.waiting.load(Ordering::Relaxed) >= self.cap { Err(NotTaken) } else { self.put_last(value) }
    }

    /// The same, room or not: for what comes once.
    pub(crate) fn put_last(&self, value: T) -> Result<(), NotTaken> {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        self.inlet.send(value).map_err(|_| NotTaken)
    }
}

pub(crate) struct Outlet<T> {
    outlet: Receiver<T>,
    waiting: Arc<AtomicUsize>,
}

impl<T> Outlet<T> {
    /// How many wait in it.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    pub(crate) fn recv(&self) -> Result<T, RecvError> {
        self.outlet.recv().inspect(|_| self.count_taken())
    }

    pub(crate) fn recv_timeout(&self, timeout: Duration) -> Result<T, RecvTimeoutError> {
        self.outlet.recv_timeout(timeout).inspect(|_| self.count_taken())
    }

    pub(crate) fn try_recv(&self) -> Result<T, TryRecvError> {
        self.outlet.try_recv().inspect(|_| self.count_taken())
    }

    fn count_taken(&self) {
        self.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_queue_takes_no_more_until_something_was_taken() {
        let (inlet, outlet) = queue(2);
        assert!(inlet.put(1).is_ok() && inlet.put(2).is_ok());
        assert!(inlet.put(3).is_err() && outlet.waiting() == 2);
        assert_eq!(outlet.try_recv(), Ok(1));
        assert!(inlet.put(4).is_ok() && inlet.put(5).is_err() && inlet.put_last(6).is_ok());
        assert_eq!([outlet.recv(), outlet.recv(), outlet.recv()], [Ok(2), Ok(4), Ok(6)]);
        assert_eq!(outlet.waiting(), 0);
    }

    #[test]
    fn nothing_is_taken_when_nobody_is_left() {
        let (inlet, outlet) = queue(2);
        drop(outlet);
        assert!(inlet.put(1).is_err() && inlet.put_last(2).is_err());
        let (inlet, outlet) = queue::<u8>(2);
        drop(inlet);
        assert!(outlet.recv().is_err());
    }
}
