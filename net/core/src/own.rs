//! Entries of ours between their signing and our disk: most go to others at the same time.
//!
//! Owns when an entry may go out before our own disk has it, and what becomes of it when the disk
//! then refuses it. Until the disk answers nobody is shown the entry, nor how far it has come.

use kinmesh_proto::{ConversationId, Delivery, Entry, EntryId, EntryKey, Hlc};

use crate::conversation::Conversation;
use crate::node::{Core, Pending};
use crate::output::Token;

/// How an entry goes out that our disk has not answered for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// Not before the disk has it.
    AfterTheDisk,
    /// While the disk is at work; it waits in the outbox for somebody to take it.
    BesideTheDisk,
    /// While the disk was at work, this far.
    Gone(Delivery),
}

impl Conversation {
    /// How the newest entry goes out, while the disk works as far as we know.
    ///
    /// Its number must be reserved on the disk, or a start after a crash would give it to another
    /// entry; and it must not overtake one that waits for the disk.
    fn way_out(&self) -> Way {
        let overtakes = matches!(self.writing.last_key_value(), Some((_, Way::AfterTheDisk)));
        if overtakes || self.reservation().is_some() { Way::AfterTheDisk } else { Way::BesideTheDisk }
    }

    /// Of what waits to go out, how much the disk has.
    pub(crate) fn stored_in_outbox(&self) -> usize {
        let unstored = self.writing.values().filter(|way| **way == Way::BesideTheDisk).count();
        self.outbox.len().saturating_sub(unstored)
    }

    /// Up to where the disk has all of ours, now and for ever, when our clock shows this: what we
    /// write next is later, and each of ours has a time of its own.
    pub(crate) fn stored_up_to(&self, clock: Hlc) -> EntryKey {
        let clock =
            self.writing.first_key_value().map_or(clock, |(key, _)| Hlc(key.clock.0.saturating_sub(1)));
        EntryKey { clock, id: EntryId([0xff; 32]) }
    }
}

impl Core {
    /// An entry of ours is handed to the disk; it may go out at once, too.
    pub(crate) fn begin_writing(&mut self, id: ConversationId, entry: &Entry) {
        let is_kept_back = self.is_store_failing || id == ConversationId::Direct(self.echo());
        self.recent.add(entry.id());
        let Some(known) = self.conversations.get_mut(&id) else { return };
        known.follow(entry);
        let way = if is_kept_back { Way::AfterTheDisk } else { known.way_out() };
        if way == Way::BesideTheDisk {
            known.outbox.push(entry.clone());
        }
        known.writing.insert(entry.key(), way);
    }

    /// The disk has an entry of ours: it is shown, and then how far it has come.
    pub(crate) fn own_persisted(
        &mut self,
        now_ms: u64,
        id: ConversationId,
        entry: Entry,
        reserved: Option<u64>,
    ) {
        self.tell_added(now_ms, id, &entry, Delivery::Queued);
        let is_for_echo = id == ConversationId::Direct(self.echo());
        let Some(known) = self.conversations.get_mut(&id) else { return };
        let way = known.writing.remove(&entry.key());
        known.reserved(reserved.unwrap_or_default());
        known.outbox.erase(&entry);
        match way {
            _ if is_for_echo => self.answer_as_echo(now_ms, &entry),
            Some(Way::Gone(delivery)) => self.set_deliveries(id, vec![(entry.key(), delivery)]),
            Some(Way::BesideTheDisk) => {}
            Some(Way::AfterTheDisk) | None => known.outbox.push(entry),
        }
    }

    /// The disk refused an entry of ours. It goes no further; should others have it by now, it comes
    /// back from them like any entry that is missing here.
    pub(crate) fn own_not_persisted(&mut self, id: ConversationId, entry: &Entry) {
        self.recent.forget(std::slice::from_ref(entry));
        if let ConversationId::Control(room) = id
            && self.forget_unfounded(room)
        {
            return;
        }
        self.sync.refused_here(id);
        let Some(known) = self.conversations.get_mut(&id) else { return };
        known.unfollow(entry);
        known.noting.remove(&entry.key());
        if known.writing.remove(&entry.key()) == Some(Way::BesideTheDisk) {
            known.outbox.give_up(entry.key(), known.in_flight);
        }
    }

    /// Whether others may have the entry of ours in these writes, which the disk has not answered for.
    /// Ask before [`Core::not_persisted`].
    pub fn may_have_left(&self, token: Token) -> bool {
        let Some((Pending::Own { conversation, entry, .. }, _)) = self.pending.get(&token) else {
            return false;
        };
        let Some(known) = self.conversations.get(conversation) else { return false };
        match known.writing.get(&entry.key()) {
            Some(Way::Gone(_)) => true,
            Some(Way::BesideTheDisk) => known.outbox.may_have_left(entry.key(), known.in_flight),
            Some(Way::AfterTheDisk) | None => false,
        }
    }
}
