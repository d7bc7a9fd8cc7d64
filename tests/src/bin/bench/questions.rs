//! What peers of this process ask each other about histories: how often, and how many bytes.
//!
//! The driver says so in its trace. Nobody else's trace is looked at, so that it costs nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Result;
use tracing::field::{Field, Visit};
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

/// Where the driver tells of questions about histories.
const TARGET: &str = "kinmesh_net::driver::sync";

/// What was asked and answered so far.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Asked {
    /// Questions.
    pub(crate) questions: u64,
    /// Bytes of these and of their answers, before encryption.
    pub(crate) bytes: u64,
}

impl Asked {
    /// What was asked since then.
    pub(crate) fn since(self, then: Self) -> Self {
        Self { questions: self.questions - then.questions, bytes: self.bytes - then.bytes }
    }
}

/// Counts from now on, in the whole process.
#[derive(Debug, Clone, Default)]
pub(crate) struct Questions(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    questions: AtomicU64,
    bytes: AtomicU64,
}

impl Questions {
    /// Begins to count. Once in a process.
    pub(crate) fn count() -> Result<Self> {
        let questions = Self::default();
        let subscriber = tracing_subscriber::registry().with(questions.clone());
        tracing::subscriber::set_global_default(subscriber)?;
        Ok(questions)
    }

    /// What was counted so far.
    pub(crate) fn so_far(&self) -> Asked {
        let Counts { questions, bytes } = &*self.0;
        Asked { questions: questions.load(Ordering::Relaxed), bytes: bytes.load(Ordering::Relaxed) }
    }
}

impl<S: Subscriber> Layer<S> for Questions {
    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        metadata.target() == TARGET
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        event.record(&mut Reading(&self.0));
    }
}

struct Reading<'a>(&'a Counts);

impl Visit for Reading<'_> {
    fn record_u64(&mut self, field: &Field, value: u64) {
        match field.name() {
            "asked_bytes" => self.0.questions.fetch_add(1, Ordering::Relaxed),
            "answered_bytes" => 0,
            _ => return,
        };
        self.0.bytes.fetch_add(value, Ordering::Relaxed);
    }

    fn record_debug(&mut self, _: &Field, _: &dyn std::fmt::Debug) {}
}
