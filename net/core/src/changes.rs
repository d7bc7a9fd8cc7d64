//! What we write: posts, and changes to posts; and how a changed post is shown again.
//!
//! A change is an entry of its own, so it takes the same way as a post. What it makes of the post
//! is read from the store, where all changes stand together; nothing of that is kept here.

use kinmesh_proto::{
    Content, ConversationId, Delivery, Entry, EntryBody, EntryId, EntryKey, Hlc, PageItem, StoredEntry,
    Unverified, Write, limits,
};
use unicode_segmentation::UnicodeSegmentation;

use crate::event::ConversationEvent;
use crate::lens::Pace;
use crate::node::{Core, Pending, SendRefusal, put_entry};
use crate::output::{Output, Token};
use crate::view::{EntryView, is_deleted, reactions_of};

/// What is to become of a post.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// It gets another text.
    Edit(String),
    /// It is taken back.
    Delete,
    /// We feel something about it, or no longer.
    React {
        /// One emoji.
        emoji: String,
        /// Whether to put it there, or to take it back.
        on: bool,
    },
}

/// Why a post is not changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ChangeRefusal {
    /// Somebody else wrote it.
    #[error("somebody else wrote it")]
    NotYours,
    /// It was deleted.
    #[error("it was deleted")]
    Deleted,
    /// Not one emoji.
    #[error("not one emoji")]
    NotAnEmoji,
    /// The change cannot be sent.
    #[error(transparent)]
    Send(#[from] SendRefusal),
}

/// A post that is being read from the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Reading {
    /// The faces have not heard of it yet.
    is_new: bool,
    /// Something about it changed since it was asked for.
    is_stale: bool,
}

impl Core {
    /// Writes a post, which may answer another one. It is told to the faces once it is on disk.
    pub fn send(
        &mut self,
        now_ms: u64,
        conversation: ConversationId,
        text: String,
        reply: Option<EntryKey>,
    ) -> Result<(Token, EntryView), SendRefusal> {
        let text = sendable(&text)?.to_owned();
        match conversation {
            ConversationId::Direct(person) => self.may_write_to(now_ms, person, &text)?,
            ConversationId::Room(_) | ConversationId::Control(_) => {}
        }
        let (token, entry) = self.write(now_ms, conversation, Content::Text { text, reply })?;
        Ok((token, EntryView::of(conversation, &unchanged(&entry, Delivery::Queued, now_ms), None)))
    }

    /// Changes a post, as it stands in the store. `None`: it is as wanted already.
    pub fn change(
        &mut self,
        now_ms: u64,
        conversation: ConversationId,
        post: &PageItem,
        change: Change,
    ) -> Result<Option<Token>, ChangeRefusal> {
        if is_deleted(post) {
            return if change == Change::Delete { Ok(None) } else { Err(ChangeRefusal::Deleted) };
        }
        let Some(content) = self.content_of(post, change)? else { return Ok(None) };
        Ok(Some(self.write(now_ms, conversation, content)?.0))
    }

    fn content_of(&self, post: &PageItem, change: Change) -> Result<Option<Content>, ChangeRefusal> {
        let (entry, of) = (&post.post.entry, post.post.entry.key());
        if !matches!(change, Change::React { .. }) && entry.person() != self.me() {
            return Err(ChangeRefusal::NotYours);
        }
        Ok(match change {
            Change::Delete => Some(Content::Delete { of }),
            Change::Edit(text) => {
                let text = sendable(&text)?.to_owned();
                let is_news = crate::view::edits(post).last().is_none_or(|last| last.text != text);
                is_news.then_some(Content::Edit { of, text })
            }
            Change::React { emoji, .. } if !is_one_symbol(&emoji) => return Err(ChangeRefusal::NotAnEmoji),
            Change::React { emoji, on } => {
                let reactions = reactions_of(post);
                let reaction = reactions.iter().find(|reaction| reaction.emoji == emoji);
                let is_on = reaction.is_some_and(|reaction| reaction.people.contains(&self.me()));
                (is_on != on).then_some(Content::Reaction { to: of, emoji, on })
            }
        })
    }

    /// Signs an entry and hands it to the disk.
    pub(crate) fn write(
        &mut self,
        now_ms: u64,
        conversation: ConversationId,
        content: Content,
    ) -> Result<(Token, Entry), SendRefusal> {
        self.write_with(now_ms, conversation, content, |_| Vec::new())
    }

    /// The same with what must be on the disk together with the entry.
    pub(crate) fn write_with(
        &mut self,
        now_ms: u64,
        conversation: ConversationId,
        content: Content,
        beside: impl FnOnce(EntryId) -> Vec<Write>,
    ) -> Result<(Token, Entry), SendRefusal> {
        // In a control log stand steps alone, and steps nowhere else.
        let is_step = matches!(content, Content::Control(_));
        if is_step != matches!(conversation, ConversationId::Control(_)) {
            return Err(SendRefusal::NotJoined);
        }
        self.open_for_sending(conversation)?;
        let is_post = content.is_post();
        let takes_back = matches!(content, Content::Delete { .. });
        let tag = conversation.tag(self.me());
        self.clock = self.clock.max(self.newest_seen(conversation)).next(now_ms);
        let clock = self.clock;
        if !takes_back {
            self.may_be_shown(conversation, clock, is_post)?;
        }
        let Some(target) = self.conversations.get_mut(&conversation) else {
            return Err(SendRefusal::NotJoined);
        };
        let body = target.compose(tag, clock, content);
        let reservation = target.reservation();
        let entry = self.signed(conversation, body)?;
        if is_post {
            self.posted(conversation, entry.key());
        }
        let reserved = reservation.as_ref().map(|record| record.seq_reserved);
        let mut writes = vec![put_entry(conversation, &entry, Delivery::Queued, now_ms)];
        writes.extend(reservation.map(Write::PutConversation));
        writes.extend(beside(entry.id()));
        let then = Pending::Own { conversation, entry: entry.clone(), reserved };
        let token = self.persist(writes, then);
        self.begin_writing(conversation, &entry);
        Ok((token, entry))
    }

    /// The clock that an entry must be past to be believed: a step names those it follows.
    fn newest_seen(&self, conversation: ConversationId) -> Hlc {
        let ConversationId::Control(room) = conversation else { return Hlc::default() };
        self.newest_steps(room).last().map(|newest| newest.clock).unwrap_or_default()
    }

    /// Signs a body as it goes out: sealed in a private room, after all that is known in a control log.
    fn signed(&self, conversation: ConversationId, body: EntryBody) -> Result<Entry, SendRefusal> {
        let body = match conversation {
            ConversationId::Room(room) if self.is_private(room) => {
                self.sealed(room, body).ok_or(SendRefusal::NoKey)?
            }
            ConversationId::Control(room) => EntryBody { prev: self.newest_steps(room), ..body },
            _ => body,
        };
        Ok(self.unsealed(conversation, Unverified::sign(body, &self.keys)))
    }

    /// Entries of others are on disk now: those that were not before are told.
    pub(crate) fn tell_stored(&mut self, now_ms: u64, id: ConversationId, entries: &[Entry], fresh: &[bool]) {
        if let ConversationId::Control(room) = id {
            self.steps_stored(now_ms, room, entries);
        }
        for (entry, is_fresh) in entries.iter().zip(fresh) {
            if *is_fresh {
                // The secret may have come while the disk was at work.
                let is_sealed = matches!(entry.content(), Content::Sealed { .. });
                let opened = is_sealed.then(|| self.unsealed(id, entry.clone()));
                let entry = opened.as_ref().unwrap_or(entry);
                self.tell_added(now_ms, id, entry, self.delivery_on_arrival(id, entry));
            } else {
                self.uncount(id, entry);
            }
        }
    }

    /// Tells of an entry that is on disk now.
    pub(crate) fn tell_added(&mut self, now_ms: u64, id: ConversationId, entry: &Entry, delivery: Delivery) {
        if let ConversationId::Control(room) = id {
            // Those of others are taken up together.
            if delivery == Delivery::Queued {
                self.own_step_stored(now_ms, room, entry);
            }
            return;
        }
        self.hear_introduction(id, entry);
        self.note_late_post(id, entry);
        let Some(conversation) = self.conversations.get_mut(&id) else { return };
        match entry.content().target() {
            Some(target) => {
                conversation.newest_change = conversation.newest_change.max(Some(entry.key()));
                self.read_post(id, target, Reading::default());
            }
            None if self.is_plain(id, entry) => {
                let seen = self.lens(id).look(unchanged(entry, delivery, now_ms), &Pace::default());
                seen.into_iter().for_each(|seen| self.show_added(id, seen.view(id, None)));
            }
            None => self.read_post(id, entry.key(), Reading { is_new: true, is_stale: false }),
        }
        for post in self.gaps.filled(id, entry.key()) {
            self.read_post(id, post, Reading::default());
        }
    }

    /// Whether the store can add nothing to what the entry itself says: no change to it is known,
    /// and nothing before it is missing. True of nearly every entry that comes as it is written.
    fn is_plain(&self, id: ConversationId, entry: &Entry) -> bool {
        let newest_change = self.conversations.get(&id).and_then(|known| known.newest_change);
        newest_change.is_none_or(|change| change < entry.key())
            && !self.may_be_too_soon(id, entry)
            && entry.value().prev.iter().all(|prev| self.is_recent(prev.id))
    }

    /// Reads a post from the store to show it, once at a time.
    pub(crate) fn read_post(&mut self, id: ConversationId, key: EntryKey, reading: Reading) {
        if let Some(under_way) = self.reading.get_mut(&(id, key)) {
            under_way.is_new |= reading.is_new;
            under_way.is_stale = true;
            return;
        }
        self.reading.insert((id, key), reading);
        self.persist_later();
        let lens = self.lens(id);
        self.push(Output::ReadPost { conversation: id, key, lens });
    }

    /// The store has read a post, `None` when it is not there, and what its author posted before.
    pub fn post_read(&mut self, id: ConversationId, key: EntryKey, item: Option<PageItem>, pace: &Pace) {
        let Some(Reading { is_new, is_stale }) = self.reading.remove(&(id, key)) else { return };
        if is_stale {
            return self.read_post(id, key, Reading { is_new, is_stale: false });
        }
        // A change may come before what it changes; the post is read when it comes.
        let Some(mut item) = item else { return };
        item.changes.retain(|change| !self.is_hidden(id, change.entry.person()));
        self.gaps.shown(id, &item);
        let Some(seen) = self.lens(id).look(item, pace) else { return };
        let view = seen.view(id, self.read_by_other(id));
        if is_new { self.show_added(id, view) } else { self.show_changed(id, view) }
    }

    fn show_added(&mut self, id: ConversationId, view: EntryView) {
        if self.is_hidden(id, view.author) {
            return;
        }
        if let Some(conversation) = self.conversations.get_mut(&id) {
            conversation.added(&view);
            if view.delivery == Delivery::Received {
                conversation.receipts.theirs = conversation.receipts.theirs.max(Some(view.key));
            }
        }
        self.tell(id, ConversationEvent::EntryAdded { entry: view });
    }

    fn show_changed(&mut self, id: ConversationId, view: EntryView) {
        if self.is_hidden(id, view.author) {
            return;
        }
        if let Some(conversation) = self.conversations.get_mut(&id) {
            conversation.changed(&view);
        }
        if view.deleted && matches!(id, ConversationId::Direct(_)) && view.author != self.me() {
            // Of a call that nobody had to read about, it is a post like others now.
            self.recounts.insert(id);
        }
        self.tell(id, ConversationEvent::EntryChanged { entry: view });
    }

    /// Whether a post of this conversation is on its way to the faces.
    pub(crate) fn is_any_being_read(&self, id: ConversationId) -> bool {
        self.reading.iter().any(|((of, _), reading)| *of == id && reading.is_new)
    }

    /// Notes that what is being read of an entry is out of date.
    pub(crate) fn is_read_in_vain(&mut self, id: ConversationId, key: EntryKey) {
        if let Some(reading) = self.reading.get_mut(&(id, key)) {
            reading.is_stale = true;
        }
    }
}

/// Text as it is sent.
fn sendable(text: &str) -> Result<&str, SendRefusal> {
    let text = text.trim_end();
    if text.trim().is_empty() {
        return Err(SendRefusal::Empty);
    }
    if text.len() > limits::TEXT_MAX {
        return Err(SendRefusal::TooLong { size: text.len() });
    }
    Ok(text)
}

/// What a reader counts as one character, and nothing that only moves others.
pub(crate) fn is_one_symbol(text: &str) -> bool {
    text.len() <= limits::EMOJI_BYTES_MAX
        && text.graphemes(true).count() == 1
        && !text.chars().all(|char| char.is_control() || char.is_whitespace())
}

/// A post that nothing changed yet.
pub(crate) fn unchanged(entry: &Entry, delivery: Delivery, received_ms: u64) -> PageItem {
    PageItem {
        post: StoredEntry { entry: entry.clone(), delivery, received_ms },
        changes: Vec::new(),
        follows_gap: false,
    }
}
