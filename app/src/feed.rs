//! What the peer tells, as one stream of batches for the screens.
//!
//! Waits a frame's time after the first fact, so that a burst of a thousand entries costs a few
//! redraws. Runs on the toolkit's executor and never holds the peer up: whoever listens too slowly
//! gets [`Event::Lagged`] and reads again.

use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use futures::Stream;
use iced::Subscription;
use kinmesh_core::Event;
use kinmesh_net::{EventStream, NodeHandle, NodeStatus, Overview};
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use crate::program::Program;

/// A frame at 60 Hz.
const FRAME: Duration = Duration::from_millis(16);
/// Events in one batch: a full one is handed over at once, so that the peer's queue never fills up
/// behind a screen that is drawing.
const BATCH_CAP: usize = 512;

/// What happened within a frame.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    /// In the order it happened.
    pub events: Vec<Event>,
    /// What the peer knows, if that changed.
    pub overview: Option<Arc<Overview>>,
    /// How the peer stands with the network, if that changed.
    pub status: Option<NodeStatus>,
}

/// Batches from now on, until the peer ends.
pub fn feed(program: &Program) -> Subscription<Batch> {
    let source = Source { node: program.node.clone(), number: program.number() };
    Subscription::run_with(source, |source| batches(&source.node))
}

/// One peer at a time lives in a program; another one takes its place after an import, and itself
/// after it was locked.
struct Source {
    node: NodeHandle,
    number: u64,
}

impl Hash for Source {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.number.hash(state);
    }
}

struct Listener {
    events: EventStream,
    overview: watch::Receiver<Arc<Overview>>,
    status: watch::Receiver<NodeStatus>,
}

/// The stream behind [`feed`].
pub fn batches(node: &NodeHandle) -> impl Stream<Item = Batch> + use<> {
    let mut listener =
        Listener { events: node.events(), overview: node.watch_overview(), status: node.watch_status() };
    // What was true before the first change is told first.
    listener.overview.mark_changed();
    listener.status.mark_changed();
    futures::stream::unfold(listener, |mut listener| async move {
        let batch = listener.batch().await?;
        Some((batch, listener))
    })
}

impl Listener {
    async fn batch(&mut self) -> Option<Batch> {
        let mut batch = Batch::default();
        self.wait(&mut batch).await?;
        let deadline = Instant::now() + FRAME;
        while batch.events.len() < BATCH_CAP {
            match timeout_at(deadline, self.wait(&mut batch)).await {
                Ok(Some(())) => {}
                // The peer has ended: this batch is its last, the next call says so.
                Ok(None) | Err(_) => break,
            }
        }
        Some(batch)
    }

    /// Adds the next fact. `None` once the peer has ended.
    async fn wait(&mut self, batch: &mut Batch) -> Option<()> {
        tokio::select! {
            // What is told last is how the peer ended.
            biased;
            changed = self.status.changed() => {
                changed.ok()?;
                batch.status = Some(self.status.borrow_and_update().clone());
            }
            Ok(()) = self.overview.changed() => {
                batch.overview = Some(self.overview.borrow_and_update().clone());
            }
            event = self.events.next() => batch.events.push(event?),
        }
        Some(())
    }
}
