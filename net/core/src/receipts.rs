//! Read receipts of chats: what we tell the other side about what we have read, and what they tell us.
//!
//! Only who shares this is told it, and only the newest mark is told: what was read in between, while
//! they were away or an answer was under way, needs no word of its own.

use kinmesh_proto::record::Write;
use kinmesh_proto::{
    ChatRequest, ChatResponse, ConversationId, Delivery, EntryId, EntryKey, PersonId, Privacy,
};

use crate::chat::RETRY_MAX_MS;
use crate::conversation::Conversation;
use crate::event::{ConversationEvent, Event};
use crate::node::{Core, Pending};
use crate::output::{BatchToken, Output, RequestToken, Token};
use crate::unsaved::Record;

/// Who reads along tells so no more often than this.
const TELL_EVERY_MS: u64 = 1_000;

/// The receipts of one chat.
#[derive(Debug, Default)]
pub(crate) struct Receipts {
    /// The newest post of the other that is known here: nobody needs to hear of more.
    pub theirs: Option<EntryKey>,
    /// How far the other has read, as our disk has it.
    pub by_other: Option<EntryKey>,
    /// The number of the request under way, and what it tells.
    telling: Option<(u64, EntryKey)>,
    /// Not before this time is more told.
    not_before_ms: u64,
}

impl Receipts {
    /// As they were when the program ended.
    pub(crate) fn stored(by_other: Option<EntryKey>) -> Self {
        Self { by_other, ..Self::default() }
    }

    /// The connection is new: whatever failed before may work now.
    pub(crate) fn try_at_once(&mut self) {
        self.telling = None;
        self.not_before_ms = 0;
    }
}

impl Conversation {
    /// What the other should hear of our reading, if that is news to them.
    fn read_to_tell(&self, now_ms: u64) -> Option<EntryKey> {
        let read = self.record.read?;
        let read = self.receipts.theirs.map_or(read, |theirs| theirs.min(read));
        let is_due = self.receipts.telling.is_none() && self.receipts.not_before_ms <= now_ms;
        (is_due && self.record.read_told.is_none_or(|told| told < read)).then_some(read)
    }

    /// Notes on the disk's word that the other has read up to here.
    fn read_by_other(&mut self, up_to: EntryKey) {
        self.receipts.by_other = Some(up_to);
        if let Some(last) = self.last.as_mut().filter(|last| last.key <= up_to) {
            last.read_by_other = last.delivery == Delivery::Delivered;
        }
    }
}

impl Core {
    /// Sets what others are told. The token is for [`Core::persisted`].
    pub fn set_privacy(&mut self, privacy: Privacy) -> Token {
        let mut writes = vec![Write::PutPrivacy(privacy)];
        if privacy.read_receipts && !self.privacy.read_receipts {
            writes.extend(self.conversations.values_mut().filter_map(keep_to_ourselves));
        }
        self.persist(writes, Pending::Privacy(privacy))
    }

    pub(crate) fn privacy_persisted(&mut self, privacy: Privacy) {
        self.privacy = privacy;
        self.push(Output::Emit(Event::ProfileChanged));
    }

    /// How far the other side of a chat has read, if both share that.
    pub fn read_by_other(&self, id: ConversationId) -> Option<EntryKey> {
        self.conversations.get(&id)?.receipts.by_other.filter(|_| self.privacy.read_receipts)
    }

    /// The same of all chats.
    pub fn all_read_by_other(&self) -> impl Iterator<Item = (ConversationId, EntryKey)> {
        self.conversations.keys().filter_map(|id| Some((*id, self.read_by_other(*id)?)))
    }

    /// Tells those who are here how far we have read, where that is news to them.
    pub(crate) fn tell_read(&mut self, now_ms: u64) {
        if !self.privacy.read_receipts {
            return;
        }
        let due = |known: &Conversation| match known.id() {
            ConversationId::Direct(person) => Some((person, known.read_to_tell(now_ms)?)),
            ConversationId::Room(_) | ConversationId::Control(_) => None,
        };
        let due: Vec<(PersonId, EntryKey)> = self.conversations.values().filter_map(due).collect();
        for (person, up_to) in
            due.into_iter().filter(|(person, _)| self.may_reach_them(*person)).collect::<Vec<_>>()
        {
            self.tell_read_to(person, up_to);
        }
    }

    fn tell_read_to(&mut self, person: PersonId, up_to: EntryKey) {
        let Some(device) = self.people.linked_device(person) else { return };
        let Some(chat) = self.conversations.get_mut(&ConversationId::Direct(person)) else { return };
        let batch = BatchToken { person, number: chat.next_request() };
        chat.receipts.telling = Some((batch.number, up_to));
        self.push(Output::Deliver { device, batch, request: ChatRequest::Read { up_to } });
    }

    /// Takes the answer to a receipt of ours, `None` if there was none; false if the request was
    /// another one.
    pub(crate) fn read_told(
        &mut self,
        now_ms: u64,
        BatchToken { person, number }: BatchToken,
        response: Option<&ChatResponse>,
    ) -> bool {
        let id = ConversationId::Direct(person);
        let Some(chat) = self.conversations.get_mut(&id) else { return false };
        let Some((_, up_to)) = chat.receipts.telling.take_if(|(asked, _)| *asked == number) else {
            return false;
        };
        if response == Some(&ChatResponse::Noted) {
            chat.record.read_told = chat.record.read_told.max(Some(up_to));
            chat.receipts.not_before_ms = now_ms + TELL_EVERY_MS;
            self.unsaved.insert(Record::Conversation(id));
        } else {
            chat.receipts.not_before_ms = now_ms + RETRY_MAX_MS;
        }
        true
    }

    /// The other side of a chat says how far they have read; the answer follows the disk.
    pub(crate) fn hear_read(&mut self, person: PersonId, up_to: EntryKey, request: RequestToken) {
        // A mark in the future would cover what is not written yet.
        let up_to = up_to.min(EntryKey { clock: self.clock, id: EntryId([0xff; 32]) });
        let is_shared = self.privacy.read_receipts;
        let chat = self.conversations.get_mut(&ConversationId::Direct(person)).filter(|_| is_shared);
        let Some(chat) = chat.filter(|chat| chat.receipts.by_other < Some(up_to)) else {
            return self.push(Output::Respond { request, response: ChatResponse::Noted });
        };
        chat.record.read_by_other = chat.record.read_by_other.max(Some(up_to));
        let write = Write::PutConversation(chat.record.clone());
        self.persist(vec![write], Pending::ReadByOther { person, up_to, request });
    }

    pub(crate) fn read_by_other_persisted(
        &mut self,
        person: PersonId,
        up_to: EntryKey,
        request: RequestToken,
    ) {
        self.push(Output::Respond { request, response: ChatResponse::Noted });
        let id = ConversationId::Direct(person);
        let Some(chat) = self.conversations.get_mut(&id) else { return };
        if chat.receipts.by_other < Some(up_to) {
            chat.read_by_other(up_to);
            self.tell(id, ConversationEvent::ReadByOther { up_to });
        }
    }
}

/// What was read while it was not shared is never told.
fn keep_to_ourselves(known: &mut Conversation) -> Option<Write> {
    let is_untold =
        matches!(known.id(), ConversationId::Direct(_)) && known.record.read_told < known.record.read;
    is_untold.then(|| {
        known.record.read_told = known.record.read;
        Write::PutConversation(known.record.clone())
    })
}
