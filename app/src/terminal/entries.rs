//! What one does with a message that stands here already: answering, changing, reacting.
//!
//! A message is named as `/history` numbers it, 1 for the newest; `last` is the newest one that the
//! command can mean: of one's own to change it, of somebody else to answer it. `s3` is what `/search`
//! numbered so, wherever it was said.

use std::io;

use kinmesh_core::EntryView;
use kinmesh_net::{ConversationHandle, EditError, PAGE_MAX, ReadError};
use kinmesh_proto::{ConversationId, PageAt, PersonId, Privacy};
use tokio::io::AsyncWrite;

use super::session::Session;
use super::words;
use crate::i18n::{tr, tr_args};

/// Which message a command means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Which {
    /// The newest one that fits.
    Last,
    /// The n-th from the end, from 1.
    Number(usize),
    /// The n-th hit of the last search, from 1.
    Found(usize),
}

/// What is to be done with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Deed {
    Reply(String),
    Edit(String),
    Delete,
    React(String),
    Unreact(String),
    Edits,
    Enter,
    /// Hides it from everybody, for this reason.
    Hide(String),
    Unhide,
    /// Shows what is not shown.
    Look,
    /// Hides it for the user alone.
    Fold,
    Unfold,
}

impl Deed {
    /// Whether `last` can mean this message.
    fn fits(&self, entry: &EntryView, me: PersonId) -> bool {
        let is_about_own = matches!(self, Self::Edit(_) | Self::Delete | Self::Edits);
        let is_meant = *self != Self::Enter || entry.invites_to.is_some();
        (entry.author == me) == is_about_own && !entry.deleted && is_meant
    }
}

/// What others may know of us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shared {
    Receipts,
    Typing,
}

impl<W: AsyncWrite + Unpin> Session<'_, W> {
    /// Does something with a message of the conversation that plain lines go to, or with a hit.
    pub(super) async fn deal_with(&mut self, which: Which, deed: Deed) -> io::Result<()> {
        let found = match (which, self.current) {
            (Which::Found(number), _) => self.hit(number).await,
            (_, Some(current)) => self.find_entry(current, which, &deed).await,
            (_, None) => return self.print(&tr("terminal-no-conversation")).await,
        };
        let entry = match (found, which) {
            (Ok(Some(entry)), _) => entry,
            (Ok(None), Which::Found(_)) => return self.print(&tr("terminal-no-such-hit")).await,
            (Ok(None), _) => return self.print(&tr("terminal-no-such-message")).await,
            (Err(error), _) => return self.refused(error).await,
        };
        let place = self.program.node.conversation(entry.conversation);
        match deed {
            Deed::Reply(text) => self.reply(&place, &entry, text).await,
            Deed::Edits => self.edits(&place, &entry).await,
            Deed::Enter => self.enter(&place, &entry).await,
            Deed::Edit(text) => self.done(place.edit(entry.key, text).await).await,
            Deed::Delete => self.done(place.delete(entry.key).await).await,
            Deed::Hide(reason) => self.hide(&place, &entry, true, &reason).await,
            Deed::Unhide => self.hide(&place, &entry, false, "").await,
            Deed::Look => self.look(&place, &entry).await,
            Deed::Fold => self.fold(&place, &entry, true).await,
            Deed::Unfold => self.fold(&place, &entry, false).await,
            Deed::React(emoji) => self.done(place.react(entry.key, emoji, true).await).await,
            Deed::Unreact(emoji) => self.done(place.react(entry.key, emoji, false).await).await,
        }
    }

    async fn hit(&self, number: usize) -> Result<Option<EntryView>, ReadError> {
        match self.found.place(number) {
            Some((place, key)) => self.program.node.conversation(place).post(key).await,
            None => Ok(None),
        }
    }

    async fn find_entry(
        &self,
        current: ConversationId,
        which: Which,
        deed: &Deed,
    ) -> Result<Option<EntryView>, ReadError> {
        let me = self.program.node.overview().me.person;
        let entries = self.program.node.conversation(current).page(PageAt::Newest, PAGE_MAX).await?;
        let mut newest_first = entries.into_iter().rev();
        Ok(match which {
            Which::Last => newest_first.find(|entry| deed.fits(entry, me)),
            Which::Number(number) | Which::Found(number) => newest_first.nth(number - 1),
        })
    }

    /// What was done shows as the change that it makes; only a refusal needs words.
    async fn done(&mut self, done: Result<(), EditError>) -> io::Result<()> {
        match done {
            Ok(()) => Ok(()),
            Err(error) => self.refused(error).await,
        }
    }

    async fn reply(&mut self, place: &ConversationHandle, to: &EntryView, text: String) -> io::Result<()> {
        let excerpt = words::excerpt(&text);
        match place.reply(to.key, text).await {
            Ok(entry) => {
                self.keep_in_mind(&entry, excerpt);
                Ok(())
            }
            Err(error) => self.refused(error).await,
        }
    }

    async fn edits(&mut self, place: &ConversationHandle, entry: &EntryView) -> io::Result<()> {
        let texts = match place.edits(entry.key).await {
            Ok(texts) => texts,
            Err(error) => return self.refused(error).await,
        };
        let now = words::now();
        for edit in texts {
            let text = super::safe::safe(&edit.text);
            self.print(&format!("{} {text}", words::time(edit.written_ms, &now))).await?;
        }
        Ok(())
    }

    /// Sets what others may know of us.
    pub(super) async fn share(&mut self, what: Shared, on: bool) -> io::Result<()> {
        let privacy = self.program.node.overview().me.privacy;
        let (privacy, words) = match what {
            Shared::Receipts => (Privacy { read_receipts: on, ..privacy }, "terminal-receipts"),
            Shared::Typing => (Privacy { typing: on, ..privacy }, "terminal-typing-shared"),
        };
        let state = if on { "on" } else { "off" };
        match self.program.node.set_privacy(privacy).await {
            Ok(()) => self.print(&tr_args(words, &[("state", state.into())])).await,
            Err(error) => self.refused(error).await,
        }
    }
}
