//! One-to-one chat: an outbox per person, one batch under way at a time, receipts that mean
//! "on the receiver's disk".

use kinmesh_proto::{
    ChatRequest, ChatResponse, ConversationId, Delivery, DeviceId, Entry, EntryBody, PersonId, Receipt,
    Refusal, Unverified, limits,
};
use rand::RngExt;

use crate::conversation::Conversation;
use crate::node::{Core, Pending};
use crate::outbox::envelopes;
use crate::output::{BatchToken, Output, RequestToken};
use crate::view::WaitReason;

/// First wait after a failed hand-over; doubled for each further one.
const RETRY_FIRST_MS: u64 = 1_000;
/// Longest wait between tries while the other is connected. A new connection tries at once.
pub(crate) const RETRY_MAX_MS: u64 = 30_000;

impl Core {
    /// Hands the front of the outbox to a connected device of the person, if nothing is under way.
    pub(crate) fn deliver_outbox(&mut self, person: PersonId) {
        let Some(device) = self.people.linked_device(person).filter(|_| self.may_reach_them(person)) else {
            return;
        };
        let id = ConversationId::Direct(person);
        let Some(chat) = self.conversations.get_mut(&id).filter(|chat| chat.in_flight == 0) else { return };
        let entries = chat.outbox.next_batch(ChatRequest::ENTRIES_BYTES_MAX, |_| true);
        if entries.is_empty() {
            return;
        }
        let request = ChatRequest::Deliver(envelopes(&entries));
        chat.in_flight = entries.len();
        chat.batch = chat.next_request();
        let batch = BatchToken { person, number: chat.batch };
        self.push(Output::Deliver { device, batch, request });
    }

    /// The chat whose batch this is, if it is the one under way. Answers to older ones came too late.
    fn chat_under_way(&mut self, batch: BatchToken) -> Option<&mut Conversation> {
        let chat = self.conversations.get_mut(&ConversationId::Direct(batch.person))?;
        (chat.in_flight > 0 && chat.batch == batch.number).then_some(chat)
    }

    /// A batch, or a receipt of what we read, was answered.
    pub fn chat_answered(&mut self, now_ms: u64, batch: BatchToken, response: ChatResponse) {
        if self.read_told(now_ms, batch, Some(&response))
            || self.request_answered(now_ms, batch, Some(&response))
        {
            return;
        }
        let Some(chat) = self.chat_under_way(batch) else { return };
        let receipts = match response {
            ChatResponse::Receipts(receipts) if receipts.len() == chat.in_flight => receipts,
            ChatResponse::AskFirst => {
                self.hand_over_failed(now_ms, batch, WaitReason::Sending);
                return self.told_to_ask(batch.person);
            }
            ChatResponse::Receipts(_) | ChatResponse::Noted | ChatResponse::Accepted | ChatResponse::Busy => {
                return self.hand_over_failed(now_ms, batch, WaitReason::Refused);
            }
        };
        chat.in_flight = 0;
        chat.failures = 0;
        chat.trouble = None;
        let id = ConversationId::Direct(batch.person);
        self.gone_out(now_ms, id, receipts.len(), receipts.into_iter().map(delivery_of));
        self.deliver_outbox(batch.person);
    }

    /// A batch was not answered. Whether it arrived is unknown, so it is sent again; the receiver
    /// knows entries by their ids and takes none twice.
    pub fn chat_failed(&mut self, now_ms: u64, batch: BatchToken) {
        if self.read_told(now_ms, batch, None) || self.request_answered(now_ms, batch, None) {
            return;
        }
        self.hand_over_failed(now_ms, batch, WaitReason::NoAnswer);
    }

    fn hand_over_failed(&mut self, now_ms: u64, batch: BatchToken, trouble: WaitReason) {
        // Those who were cut off together need not come back together.
        let share = self.sync.dice.random_range(50..=100);
        let Some(chat) = self.chat_under_way(batch) else { return };
        chat.outbox.tried(chat.in_flight);
        chat.in_flight = 0;
        let wait_ms = (RETRY_FIRST_MS << chat.failures.min(5)).min(RETRY_MAX_MS);
        chat.retry_at_ms = now_ms + wait_ms * share / 100;
        chat.failures += 1;
        chat.trouble = Some(trouble);
    }

    /// The person said hello: whatever failed before, this connection is new.
    pub(crate) fn try_chat_at_once(&mut self, person: PersonId) {
        if let Some(chat) = self.conversations.get_mut(&ConversationId::Direct(person)) {
            chat.retry_at_ms = 0;
            chat.failures = 0;
            chat.trouble = None;
            chat.receipts.try_at_once();
        }
        self.ask_at_once(person);
    }

    /// A device hands us entries; the answer is an [`Output::Respond`] once they are on disk.
    pub fn chat_request(&mut self, now_ms: u64, device: DeviceId, request: ChatRequest, token: RequestToken) {
        // Their hello is still on its way, or crossed this request: they will ask again.
        let Some(person) = self.people.person_of(device) else {
            return self.push(Output::Respond { request: token, response: ChatResponse::Busy });
        };
        let is_welcome = self.may_reach_us(person) || self.awaits_welcome(person);
        let respond = |response| Output::Respond { request: token, response };
        match request {
            ChatRequest::Ask(ask) => self.hear_request(now_ms, device, person, *ask, token),
            ChatRequest::Deliver(_) if !is_welcome => self.push(respond(ChatResponse::AskFirst)),
            ChatRequest::Accepted | ChatRequest::Read { .. } | ChatRequest::Typing if !is_welcome => {
                self.push(respond(ChatResponse::Noted));
            }
            ChatRequest::Accepted => {
                self.hear_acceptance(now_ms, person);
                self.push(respond(ChatResponse::Noted));
            }
            ChatRequest::Deliver(envelopes) => self.delivered(now_ms, device, person, envelopes, token),
            ChatRequest::Read { up_to } => self.hear_read(person, up_to, token),
            ChatRequest::Typing => {
                self.hear_typing_in_chat(now_ms, person);
                self.push(respond(ChatResponse::Noted));
            }
        }
    }

    fn delivered(
        &mut self,
        now_ms: u64,
        device: DeviceId,
        person: PersonId,
        envelopes: Vec<Unverified<EntryBody>>,
        token: RequestToken,
    ) {
        if envelopes.len() > limits::BATCH_ENTRIES_MAX {
            let receipts = vec![Receipt::Refused(Refusal::Invalid); envelopes.len()];
            return self.push(Output::Respond { request: token, response: ChatResponse::Receipts(receipts) });
        }
        // Who delivers takes us for a contact, whatever became of their word of it.
        self.hear_acceptance(now_ms, person);
        let (entries, receipts) = self.judge_entries(now_ms, device, person, envelopes);
        self.open_chat(person);
        let writes = self.take(now_ms, ConversationId::Direct(person), &entries);
        self.persist(writes, Pending::Delivered { person, entries, receipts, request: token });
    }

    /// Splits a batch into what is taken and what each entry's receipt will be.
    fn judge_entries(
        &mut self,
        now_ms: u64,
        device: DeviceId,
        person: PersonId,
        envelopes: Vec<Unverified<EntryBody>>,
    ) -> (Vec<Entry>, Vec<Receipt>) {
        let verified = Unverified::verify_each(envelopes, &mut self.certs);
        let mut taken = Vec::new();
        let mut receipts = Vec::new();
        for entry in verified {
            let entry = entry.map_err(|_| Refusal::Invalid);
            match entry.and_then(|entry| self.judge_entry(now_ms, device, person, entry)) {
                Ok(entry) => {
                    taken.push(entry);
                    receipts.push(Receipt::Stored);
                }
                Err(refusal) => receipts.push(Receipt::Refused(refusal)),
            }
        }
        (taken, receipts)
    }

    pub(crate) fn judge_entry(
        &self,
        now_ms: u64,
        device: DeviceId,
        person: PersonId,
        entry: Entry,
    ) -> Result<Entry, Refusal> {
        if entry.device() != device || entry.person() != person {
            return Err(Refusal::NotAuthor);
        }
        if !self.belongs(ConversationId::Direct(person), entry.value().conversation) {
            return Err(Refusal::WrongConversation);
        }
        if entry.value().clock.ms() > now_ms + limits::CLOCK_AHEAD_MAX_MS {
            return Err(Refusal::ClockAhead);
        }
        Ok(entry)
    }

    pub(crate) fn delivered_persisted(
        &mut self,
        now_ms: u64,
        person: PersonId,
        entries: &[Entry],
        fresh: &[bool],
    ) {
        for (entry, _) in entries.iter().zip(fresh).filter(|(_, fresh)| **fresh) {
            self.tell_added(now_ms, ConversationId::Direct(person), entry, Delivery::Received);
        }
    }
}

fn delivery_of(receipt: Receipt) -> Delivery {
    match receipt {
        Receipt::Stored => Delivery::Delivered,
        Receipt::Refused(reason) => Delivery::Failed { reason },
    }
}
