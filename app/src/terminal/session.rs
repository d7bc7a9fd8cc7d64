//! The loop of the terminal face: what is typed goes in, what happens comes out.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use futures::FutureExt;
use kinmesh_core::{ConversationEvent, EntryView, Event};
use kinmesh_net::{EventStream, PAGE_MAX, SearchProgress};
use kinmesh_proto::{CallId, ConversationId, Delivery, EntryKey, PersonId};
use tokio::io::{AsyncBufRead, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

use super::calls::ToldCall;
use super::found::Found;
use super::{TerminalError, names, words};
use crate::handover::Arrivals;
use crate::i18n::{tr, tr_args};
use crate::lines::{Line, Lines};
use crate::program::Program;
use crate::rebuilt;

/// Longest line typed or piped: above the longest entry, so that the refusal is the peer's own.
const LINE_MAX: usize = 64 * 1024;
/// How long the end of a pipe waits for own messages to leave: several round trips of a new
/// connection, and not so long that a script would think it hangs.
const FLUSH_MAX: Duration = Duration::from_secs(5);

/// Whether the session goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flow {
    Go,
    Quit,
}

pub(super) struct Session<'a, W> {
    pub(super) program: &'a Program,
    output: W,
    /// Where plain lines go.
    pub(super) current: Option<ConversationId>,
    /// Own entries of this session that have not left this device, with their first words.
    waiting: BTreeMap<EntryKey, (ConversationId, String)>,
    /// Whether somebody sits in front of it.
    pub(super) interactive: bool,
    /// What the last search found.
    pub(super) found: Found,
    /// The next line is the passphrase for an export to this file.
    pub(super) awaits_passphrase: Option<PathBuf>,
    /// What a second start of the program was given.
    pub(super) handed_over: Option<String>,
    /// Whether it was told that the search index is being made anew.
    told_indexing: bool,
    /// Until when somebody is writing, as was last told.
    writing: BTreeMap<(ConversationId, PersonId), u64>,
    /// The newest entry shown in each conversation and not yet marked as read.
    shown: BTreeMap<ConversationId, EntryKey>,
    /// Calls that go on or ring, as they were told.
    pub(super) told_calls: BTreeMap<CallId, ToldCall>,
}

impl<'a, W: AsyncWrite + Unpin> Session<'a, W> {
    /// A session that talks to `start`, or to the room with the newest activity.
    pub(super) fn new(program: &'a Program, output: W, start: Option<ConversationId>) -> Self {
        let newest = || program.node.overview().rooms.iter().find(|room| room.joined).map(|room| room.room);
        let current = start.or_else(|| newest().map(ConversationId::Room));
        Self {
            program,
            output,
            current,
            waiting: BTreeMap::new(),
            interactive: false,
            found: Found::default(),
            awaits_passphrase: None,
            handed_over: None,
            told_indexing: false,
            writing: BTreeMap::new(),
            shown: BTreeMap::new(),
            told_calls: BTreeMap::new(),
        }
    }

    /// Runs until the input ends or `/quit`, and shows what happens from where `events` begin.
    pub(super) async fn run<R>(
        &mut self,
        input: R,
        interactive: bool,
        mut events: EventStream,
        arrivals: &Arrivals,
    ) -> Result<(), TerminalError>
    where
        R: AsyncBufRead + Unpin,
    {
        let mut lines = Lines::new(input, LINE_MAX);
        let mut status = self.program.node.watch_status();
        let mut links = arrivals.listen();
        let mut sound = self.program.calls.watch();
        self.interactive = interactive;
        self.welcome().await?;
        loop {
            tokio::select! {
                line = lines.next() => {
                    let Some(line) = line? else { return self.flush(&mut events).await };
                    if self.read(line).await? == Flow::Quit {
                        return Ok(());
                    }
                }
                event = events.next() => {
                    self.happened(event.ok_or(TerminalError::NodeGone)?, &mut events).await?;
                }
                Ok(link) = links.recv() => self.arrived(link).await?,
                Ok(()) = sound.changed() => {
                    let now = sound.borrow_and_update().clone();
                    self.sound_changed(&now).await?;
                }
                Ok(()) = status.changed() => {
                    let progress = status.borrow_and_update().search_progress;
                    self.index_changed(progress).await?;
                }
            }
        }
    }

    async fn welcome(&mut self) -> io::Result<()> {
        let interactive = self.interactive;
        let overview = self.program.node.overview();
        match &overview.me.name {
            None => self.print(&tr("terminal-no-name")).await?,
            Some(name) if interactive => {
                let me = [
                    ("name", name.as_str().into()),
                    ("fingerprint", overview.me.fingerprint.as_str().into()),
                ];
                self.print(&tr_args("terminal-welcome", &me)).await?;
            }
            Some(_) => {}
        }
        for line in words::troubles(&self.program.node.status()) {
            self.print(&line).await?;
        }
        if let Some(current) = self.current {
            self.print_opening(current).await?;
        }
        if interactive {
            self.print_requests_waiting().await?;
            self.print_current().await?;
        }
        Ok(())
    }

    /// Says that a search finds a part only, once, and when it finds everything again. Through a pipe
    /// the search itself says it.
    async fn index_changed(&mut self, progress: Option<SearchProgress>) -> io::Result<()> {
        let was_told = std::mem::replace(&mut self.told_indexing, progress.is_some());
        match progress {
            Some(progress) if !was_told && self.interactive => {
                self.print(&words::search_progress(progress)).await
            }
            None if was_told && self.interactive => self.print(&tr("terminal-search-whole")).await,
            Some(_) | None => Ok(()),
        }
    }

    /// Says where plain lines go now.
    pub(super) async fn print_current(&mut self) -> io::Result<()> {
        let line = match self.current {
            None => tr("terminal-no-conversation"),
            Some(current) => {
                let place = names::place(&self.program.node.overview(), current);
                tr_args("terminal-talking", &[("place", place.into())])
            }
        };
        self.print(&line).await
    }

    pub(super) async fn print(&mut self, line: &str) -> io::Result<()> {
        self.output.write_all(line.as_bytes()).await?;
        self.output.write_all(b"\n").await?;
        self.output.flush().await
    }

    async fn read(&mut self, line: Line) -> Result<Flow, TerminalError> {
        match line {
            Line::Whole(line) => Ok(self.obey(&String::from_utf8_lossy(&line)).await?),
            Line::TooLong => {
                self.print(&tr_args("terminal-line-too-long", &[("max", LINE_MAX.into())])).await?;
                Ok(Flow::Go)
            }
        }
    }

    /// Sends to the place where plain lines go.
    pub(super) async fn say(&mut self, text: String) -> io::Result<()> {
        match self.current {
            Some(current) => self.send(current, text).await,
            None => self.print(&tr("terminal-no-conversation")).await,
        }
    }

    /// Sends, and keeps the entry in mind until it has left.
    pub(super) async fn send(&mut self, conversation: ConversationId, text: String) -> io::Result<()> {
        let excerpt = words::excerpt(&text);
        let was_asked = self.is_asked_in(conversation);
        match self.program.send(conversation, text).await {
            Ok(entry) => {
                self.keep_in_mind(&entry, excerpt);
                if was_asked { Ok(()) } else { self.print_asking(conversation).await }
            }
            Err(error) => self.refused(error).await,
        }
    }

    /// Notes an own entry until it has left this device.
    pub(super) fn keep_in_mind(&mut self, entry: &EntryView, excerpt: String) {
        self.waiting.insert(entry.key, (entry.conversation, excerpt));
    }

    /// Says why something was not done.
    pub(super) async fn refused(&mut self, error: impl ToString) -> io::Result<()> {
        self.print(&tr_args("terminal-refused", &[("reason", error.to_string().into())])).await
    }

    /// Shows an event and all that are ready behind it, then marks what was shown as read: one
    /// write for a burst, not one for each entry.
    async fn happened(&mut self, first: Event, events: &mut EventStream) -> io::Result<()> {
        let mut next = Some(first);
        while let Some(event) = next {
            self.show(event).await?;
            next = events.next().now_or_never().flatten();
        }
        for (conversation, key) in std::mem::take(&mut self.shown) {
            if let Err(error) = self.program.mark_read(conversation, key).await {
                tracing::debug!(%error, "entries stay unread");
            }
        }
        Ok(())
    }

    async fn show(&mut self, event: Event) -> io::Result<()> {
        match event {
            Event::Conversation { conversation, change, .. } => self.show_change(conversation, change).await,
            Event::StoreFault { fault: Some(fault) } => self.print(&rebuilt::fault(fault)).await,
            Event::StoreFault { fault: None } => self.print(&tr("terminal-store-works")).await,
            Event::Lagged { missed } => {
                self.print(&tr_args("terminal-lagged", &[("missed", missed.into())])).await?;
                self.look_again().await
            }
            Event::ContactRequested { person } => self.requested(person).await,
            Event::BecameContacts { person, because } => self.became_contacts(person, because).await,
            Event::InviteUsed { person, .. } => self.invite_used(person).await,
            Event::OpeningAnswered { person, refused, .. } => self.opening_answered(person, refused).await,
            Event::PersonChanged { .. }
            | Event::HiddenChanged { .. }
            | Event::ProfileChanged
            | Event::InvitesChanged => Ok(()),
            Event::CallChanged { call } => self.call_changed(call).await,
            Event::CallEnded { call, conversation, end } => self.call_ended(call, conversation, end).await,
        }
    }

    async fn show_change(&mut self, place: ConversationId, change: ConversationEvent) -> io::Result<()> {
        match change {
            ConversationEvent::EntryAdded { entry } => self.show_entry(entry).await,
            ConversationEvent::DeliveryChanged { key, delivery } => self.delivered(key, delivery).await,
            ConversationEvent::EntryChanged { entry } => {
                let line = self.line_of(&entry).await;
                self.print(&format!("  ~ {line}")).await
            }
            ConversationEvent::ReadByOther { .. } => {
                let place = names::place(&self.program.node.overview(), place);
                self.print(&format!("  {place} [{}]", tr("terminal-read"))).await
            }
            ConversationEvent::Typing { person, until_ms } => self.typing(place, person, until_ms).await,
            ConversationEvent::MemberJoined { person } => {
                self.member("terminal-member-joined", place, person).await
            }
            ConversationEvent::MemberLeft { person } => {
                self.member("terminal-member-left", place, person).await
            }
            ConversationEvent::Unsealed => self.look_again().await,
            ConversationEvent::Knocked { person } => self.knocked(place, person).await,
            ConversationEvent::ShownAnew
            | ConversationEvent::Opened
            | ConversationEvent::Closed
            | ConversationEvent::RoomChanged
            | ConversationEvent::VoiceChanged
            | ConversationEvent::Read { .. }
            | ConversationEvent::CompletenessChanged { .. } => Ok(()),
        }
    }

    async fn show_entry(&mut self, entry: EntryView) -> io::Result<()> {
        let overview = self.program.node.overview();
        if entry.author == overview.me.person {
            return Ok(());
        }
        let newest = self.shown.entry(entry.conversation).or_insert(entry.key);
        *newest = entry.key.max(*newest);
        self.print_entry(&entry, "").await
    }

    /// Prints an entry with a mark behind it; before it, if so, that something is missing there.
    pub(super) async fn print_entry(&mut self, entry: &EntryView, mark: &str) -> io::Result<()> {
        if entry.follows_gap {
            self.print(&format!("  {}", tr("terminal-gap"))).await?;
        }
        let line = self.line_of(entry).await;
        self.print(&format!("{line}{mark}")).await
    }

    /// An entry as one line; of an answer also what it answers, if that is here.
    async fn line_of(&self, entry: &EntryView) -> String {
        let overview = self.program.node.overview();
        let line = words::entry(&overview, entry, &words::now());
        let Some(to) = entry.reply_to else { return line };
        match self.program.node.conversation(entry.conversation).post(to).await {
            Ok(Some(original)) => format!("{line} {}", words::answered(&overview, &original)),
            // What is missing or cannot be read is not worth hiding the answer for.
            Ok(None) | Err(_) => line,
        }
    }

    /// Says that somebody writes where plain lines go, once until they stop; through a pipe nobody
    /// would see it in time.
    async fn typing(&mut self, place: ConversationId, person: PersonId, until_ms: u64) -> io::Result<()> {
        let is_shown = self
            .writing
            .insert((place, person), until_ms)
            .is_some_and(|shown| until_ms < shown.saturating_add(kinmesh_proto::limits::TYPING_SHOWN_MS));
        if is_shown || !self.interactive || self.current != Some(place) {
            return Ok(());
        }
        let who = names::who(&self.program.node.overview(), person);
        self.print(&format!("  {}", tr_args("terminal-writing", &[("who", who.into())]))).await
    }

    /// Says what of ours waits in a conversation, and for what.
    pub(super) async fn print_waiting(&mut self, place: ConversationId) -> io::Result<()> {
        let overview = self.program.node.overview();
        let waiting = match place {
            ConversationId::Room(id) => {
                overview.rooms.iter().find(|room| room.room == id).and_then(|room| room.waiting)
            }
            ConversationId::Direct(id) => {
                overview.chats.iter().find(|chat| chat.person == id).and_then(|chat| chat.waiting)
            }
            ConversationId::Control(_) => None,
        };
        match waiting {
            Some(waiting) => {
                self.print(&words::waiting(&names::place(&overview, place), waiting, &words::now())).await
            }
            None => Ok(()),
        }
    }

    /// Shows the first step of an own entry beyond this device. Each further member that a room's
    /// entry reaches would be noise; `/history` tells how many there are.
    async fn delivered(&mut self, key: EntryKey, delivery: Delivery) -> io::Result<()> {
        if delivery == Delivery::Queued {
            return Ok(());
        }
        let Some((conversation, excerpt)) = self.waiting.remove(&key) else { return Ok(()) };
        let Some(state) = words::delivery(delivery) else { return Ok(()) };
        let place = names::place(&self.program.node.overview(), conversation);
        self.print(&format!("  {place} [{state}] {excerpt}")).await
    }

    async fn member(&mut self, text: &str, place: ConversationId, person: PersonId) -> io::Result<()> {
        let overview = self.program.node.overview();
        if person == overview.me.person {
            return Ok(());
        }
        let args =
            [("who", names::who(&overview, person).into()), ("place", names::place(&overview, place).into())];
        self.print(&format!("  {}", tr_args(text, &args))).await
    }

    /// Reads the state of waiting entries from the history, for events that were missed.
    async fn look_again(&mut self) -> io::Result<()> {
        let mut places: Vec<_> = self.waiting.values().map(|(place, _)| *place).collect();
        places.dedup();
        for place in places {
            match self.program.page(place, None, PAGE_MAX).await {
                Ok(entries) => {
                    for entry in entries {
                        self.delivered(entry.key, entry.delivery).await?;
                    }
                }
                Err(error) => self.refused(error).await?,
            }
        }
        Ok(())
    }

    /// Waits, within limits, until the own entries have left this device.
    async fn flush(&mut self, events: &mut EventStream) -> Result<(), TerminalError> {
        if let Ok(ended) = timeout(FLUSH_MAX, self.wait_until_sent(events)).await {
            return ended;
        }
        Ok(self.print(&tr_args("terminal-not-sent", &[("count", self.waiting.len().into())])).await?)
    }

    async fn wait_until_sent(&mut self, events: &mut EventStream) -> Result<(), TerminalError> {
        while !self.waiting.is_empty() {
            let event = events.next().await.ok_or(TerminalError::NodeGone)?;
            self.happened(event, events).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // A test's panic is its report.

    use kinmesh_proto::{EntryId, Hlc, PersonId, RoomId};

    use super::*;
    use crate::terminal::tests::program_in;

    /// What Bob said at this second of the year 2026, in a room that is not joined.
    fn bob_says(text: &str, second: u64) -> EntryView {
        let written_ms = 1_793_000_000_000 + second * 1000;
        EntryView {
            conversation: ConversationId::Room(RoomId([1; 32])),
            key: EntryKey { clock: Hlc::from_ms(written_ms), id: EntryId([2; 32]) },
            author: PersonId([3; 32]),
            written_ms,
            text: Some(text.to_owned()),
            delivery: Delivery::Received,
            introduces: None,
            invites_to: None,
            call: None,
            sealed: false,
            reply_to: None,
            edited_ms: None,
            deleted: false,
            reactions: Vec::new(),
            follows_gap: false,
            read_by_other: false,
            withheld: None,
        }
    }

    fn added(entry: EntryView) -> Event {
        let change = ConversationEvent::EntryAdded { entry: entry.clone() };
        Event::Conversation { conversation: entry.conversation, rev: 1, change }
    }

    #[tokio::test]
    async fn a_line_says_where_something_is_missing() {
        let dir = tempfile::tempdir().unwrap();
        let program = program_in(dir.path()).await;
        let mut shown = Vec::new();
        let mut session = Session::new(&program, &mut shown, None);
        session.show(added(bob_says("good night", 1))).await.unwrap();
        let behind_a_gap = EntryView { follows_gap: true, ..bob_says("good morning", 2) };
        session.show(added(behind_a_gap.clone())).await.unwrap();
        session.print_entry(&behind_a_gap, " [1]").await.unwrap();
        let shown = String::from_utf8(shown).unwrap();
        let lines: Vec<_> = shown.lines().collect();
        let gap = "  (something is missing here; it comes when somebody who has it is reached)";
        assert!(matches!(lines[..], [_, missing, _, _, _] if missing == gap), "{shown}");
        assert!(lines[0].ends_with(": good night") && lines[2].ends_with(": good morning"), "{shown}");
        assert!(lines[3] == gap && lines[4].ends_with(": good morning [1]"), "{shown}");
        program.node.shutdown().await;
    }
    #[tokio::test]
    async fn somebody_who_sits_there_is_told_once_that_the_index_is_made_and_that_it_is_whole() {
        let dir = tempfile::tempdir().unwrap();
        let program = program_in(dir.path()).await;
        let mut shown = Vec::new();
        let mut session = Session::new(&program, &mut shown, None);
        session.interactive = true;
        for indexed in [0, 300, 600] {
            session.index_changed(Some(SearchProgress { indexed, total: 1000 })).await.unwrap();
        }
        session.index_changed(None).await.unwrap();
        session.index_changed(None).await.unwrap();
        let expected = "The search index is being made anew, 0 of 1000 messages and changes so far; \
             the newest are found first.\n\
             A search finds everything again.\n";
        assert_eq!(String::from_utf8(shown).unwrap(), expected);
        program.node.shutdown().await;
    }
}
