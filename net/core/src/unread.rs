//! What was read, and how many entries were not.
//!
//! The store counts, since only it holds the history; between two counts each entry that is shown
//! adds one. Entries that are shown while the store counts may or may not be in its count, so it
//! counts again.

use kinmesh_proto::record::Write;
use kinmesh_proto::{ConversationId, EntryKey};

use crate::event::ConversationEvent;
use crate::node::{Core, Pending};
use crate::output::{Output, Token};

impl Core {
    /// Marks everything up to and including `up_to` as read. `None`: there is no such conversation.
    pub fn mark_read(&mut self, id: ConversationId, up_to: EntryKey) -> Option<Token> {
        let conversation = self.conversations.get_mut(&id)?;
        conversation.record.read = conversation.record.read.max(Some(up_to));
        conversation.note_idle(self.clock);
        let record = conversation.record.clone();
        self.count_unread(id);
        Some(self.persist(vec![Write::PutConversation(record)], Pending::Note))
    }

    fn count_unread(&mut self, id: ConversationId) {
        if let Some(conversation) = self.conversations.get_mut(&id) {
            conversation.added_since_count = false;
            let after = conversation.record.read;
            self.push(Output::CountUnread { conversation: id, after });
        }
    }

    /// The store has counted. A count that a later read overtook is dropped, and one that entries
    /// overtook is made again with the next tick.
    pub fn unread_counted(&mut self, id: ConversationId, after: Option<EntryKey>, unread: usize) {
        let is_vague = self.is_any_on_its_way(id);
        let Some(conversation) = self.conversations.get_mut(&id).filter(|known| known.record.read == after)
        else {
            return;
        };
        if is_vague || conversation.added_since_count {
            self.recounts.insert(id);
            return;
        }
        conversation.unread = unread;
        self.tell(id, ConversationEvent::Read { unread });
    }

    /// Whether an entry of others may be on the disk and is not shown yet.
    fn is_any_on_its_way(&self, id: ConversationId) -> bool {
        let is_of_it = |then: &Pending| match then {
            Pending::Heard { conversation, .. } => id == *conversation,
            Pending::Delivered { person, .. } | Pending::Contacts { person, .. } => {
                id == ConversationId::Direct(*person)
            }
            Pending::CaughtUp { intake, .. } => id == intake.conversation,
            Pending::Echoed { .. } => id == ConversationId::Direct(self.echo.person()),
            Pending::Note
            | Pending::Saved(_)
            | Pending::Entered { .. }
            | Pending::Secrets { .. }
            | Pending::Knocked { .. }
            | Pending::Joined(_)
            | Pending::Left(_)
            | Pending::Own { .. }
            | Pending::ReadByOther { .. }
            | Pending::Asked { .. }
            | Pending::Profile(_)
            | Pending::Privacy(_)
            | Pending::InviteMade(_)
            | Pending::Redeemed { .. }
            | Pending::LetIn { .. }
            | Pending::Opened(_)
            | Pending::OpeningAnswered { .. }
            | Pending::InvitesChanged => false,
        };
        self.is_any_being_read(id) || self.pending.values().any(|(then, _)| is_of_it(then))
    }

    pub(crate) fn recount_unread(&mut self) {
        for id in std::mem::take(&mut self.recounts) {
            self.count_unread(id);
        }
    }
}
