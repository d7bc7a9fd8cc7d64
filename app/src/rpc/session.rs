//! One client from its first line to its last.

use std::io;
use std::time::Duration;

use futures::FutureExt;
use futures::stream::{self, StreamExt};
use kinmesh_core::Event;
use kinmesh_net::{EventStream, NodeStatus};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::io::{AsyncBufRead, AsyncWrite, AsyncWriteExt};
use tokio::sync::watch;
use tokio::time::{Instant, interval_at};

use super::fault::Fault;
use super::history::Progress;
use super::message::{Answer, Call, Notification, Request};
use super::methods;
use crate::handover::Arrivals;
use crate::lines::{Line, Lines};
use crate::program::Program;

/// Longest line of a client: the longest text of an entry, escaped, fits five times over.
const LINE_MAX: usize = 1024 * 1024;
/// Calls of one batch that run side by side: enough for sends to share a disk flush, and few
/// enough to leave the peer's command queue to other clients.
const BATCH_CONCURRENCY: usize = 32;

/// How often the client of a call that takes long hears how far it is, and what else happens: often
/// enough for a bar that moves, and so that no events are lost meanwhile.
const PROGRESS_EVERY: Duration = Duration::from_millis(200);

/// Why a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// The client closed its side.
    Closed,
    /// The client asked for the end of the program.
    Shutdown,
    /// The peer has ended.
    NodeGone,
}

struct Session<'a, W> {
    program: &'a Program,
    output: W,
    events: EventStream,
    status: watch::Receiver<NodeStatus>,
}

/// How far the call of this id is.
#[derive(Serialize)]
struct CallProgress<'p> {
    id: &'p Value,
    #[serde(flatten)]
    progress: Progress,
}

/// Serves one client: answers its lines in their order, and tells it events in between.
pub(super) async fn serve<R, W>(
    program: &Program,
    arrivals: &Arrivals,
    input: R,
    output: W,
) -> io::Result<End>
where
    R: AsyncBufRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let mut lines = Lines::new(input, LINE_MAX);
    let mut links = arrivals.listen();
    let (events, status) = (program.node.events(), program.node.watch_status());
    let mut session = Session { program, output, events, status };
    loop {
        tokio::select! {
            line = lines.next() => {
                let Some(line) = line? else { return Ok(End::Closed) };
                if session.answer_line(line).await? == Next::Shutdown {
                    return Ok(End::Shutdown);
                }
            }
            event = session.events.next() => match event {
                Some(event) => session.tell(&event).await?,
                None => return Ok(End::NodeGone),
            },
            Ok(()) = session.status.changed() => session.notify_status().await?,
            Ok(link) = links.recv() => session.notify("link", &json!({ "link": link })).await?,
        }
    }
}

/// What follows an answered line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    Line,
    Shutdown,
}

impl<W: AsyncWrite + Unpin> Session<'_, W> {
    async fn answer_line(&mut self, line: Line) -> io::Result<Next> {
        let Line::Whole(line) = line else {
            self.write_line(&Answer::refusal(Fault::line_too_long(LINE_MAX))).await?;
            return Ok(Next::Line);
        };
        if line.trim_ascii().is_empty() {
            return Ok(Next::Line);
        }
        match Request::parse(&line) {
            Request::One(call) => self.answer_one(call).await,
            Request::Batch(calls) => self.answer_batch(calls).await,
        }
    }

    async fn answer_one(&mut self, call: Result<Call, Fault>) -> io::Result<Next> {
        let id = call.as_ref().ok().and_then(|call| call.id.clone());
        let (progress, mut seen) = watch::channel(Progress::default());
        let carried_out = carry_out(self.program, call, &progress);
        tokio::pin!(carried_out);
        let mut clock = interval_at(Instant::now() + PROGRESS_EVERY, PROGRESS_EVERY);
        let done = loop {
            tokio::select! {
                done = &mut carried_out => break done,
                _ = clock.tick() => {
                    self.notify_progress(id.as_ref(), &mut seen).await?;
                    self.tell_meanwhile().await?;
                }
            }
        };
        self.notify_progress(id.as_ref(), &mut seen).await?;
        if let Some(answer) = done.answer {
            self.write_line(&answer).await?;
        }
        Ok(done.next)
    }

    /// Tells how far a call is, if that has changed and it has an id to tell it by.
    async fn notify_progress(
        &mut self,
        id: Option<&Value>,
        seen: &mut watch::Receiver<Progress>,
    ) -> io::Result<()> {
        match id {
            Some(id) if seen.has_changed().unwrap_or(false) => {
                let progress = *seen.borrow_and_update();
                self.notify("progress", &CallProgress { id, progress }).await
            }
            _ => Ok(()),
        }
    }

    /// Tells what has happened while a call takes long. The end of the peer is told by the call.
    async fn tell_meanwhile(&mut self) -> io::Result<()> {
        while let Some(Some(event)) = self.events.next().now_or_never() {
            self.tell(&event).await?;
        }
        if self.status.has_changed().unwrap_or(false) {
            self.notify_status().await?;
        }
        Ok(())
    }

    /// Tells an event; of a call also how it is now, which saves everybody a question.
    async fn tell(&mut self, event: &Event) -> io::Result<()> {
        self.notify("event", event).await?;
        if let Event::CallChanged { call } = event {
            let overview = self.program.node.overview();
            if let Some(view) = overview.calls.iter().find(|view| view.call == *call) {
                self.notify("call", view).await?;
            }
        }
        Ok(())
    }

    async fn notify_status(&mut self) -> io::Result<()> {
        let now = self.status.borrow_and_update().clone();
        self.notify("status", &now).await
    }

    /// Writes each answer as it comes, so that a batch of many pages is never held as a whole.
    async fn answer_batch(&mut self, calls: Vec<Result<Call, Fault>>) -> io::Result<Next> {
        let program = self.program;
        // A line is one message: in the middle of a batch's answer nothing else can be told.
        let (untold, _) = watch::channel(Progress::default());
        let carried_out = stream::iter(calls).map(|call| carry_out(program, call, &untold));
        let mut done = carried_out.buffered(BATCH_CONCURRENCY);
        let (mut next, mut opened) = (Next::Line, false);
        while let Some(one) = done.next().await {
            if one.next == Next::Shutdown {
                next = Next::Shutdown;
            }
            if let Some(answer) = one.answer {
                let before = if opened { b"," } else { b"[" };
                opened = true;
                self.output.write_all(before).await?;
                self.write(&answer).await?;
            }
        }
        if opened {
            self.output.write_all(b"]\n").await?;
            self.output.flush().await?;
        }
        Ok(next)
    }

    async fn notify(&mut self, method: &'static str, params: &impl Serialize) -> io::Result<()> {
        self.write_line(&Notification::new(method, params)).await
    }

    async fn write_line(&mut self, message: &impl Serialize) -> io::Result<()> {
        self.write(message).await?;
        self.output.write_all(b"\n").await?;
        self.output.flush().await
    }

    async fn write(&mut self, message: &impl Serialize) -> io::Result<()> {
        self.output.write_all(&serde_json::to_vec(message)?).await
    }
}

/// A call that was carried out.
struct Done {
    answer: Option<Answer>,
    next: Next,
}

async fn carry_out(program: &Program, call: Result<Call, Fault>, progress: &watch::Sender<Progress>) -> Done {
    let Call { id, method, params } = match call {
        Ok(call) => call,
        Err(fault) => return Done { answer: Some(Answer::refusal(fault)), next: Next::Line },
    };
    let outcome = methods::call(program, &method, params, progress).await;
    let ends = method == methods::SHUTDOWN && outcome.is_ok();
    let next = if ends { Next::Shutdown } else { Next::Line };
    Done { answer: id.map(|id| Answer::new(id, outcome)), next }
}
