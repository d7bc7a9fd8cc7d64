//! What may be lost on the way: gossip, and requests with their answers.

use std::rc::Rc;

use kinmesh_core::{CallFault, RequestToken};
use kinmesh_proto::{
    CallRequest, CallResponse, ChatRequest, ChatResponse, ConversationId, DeviceId, EntryBody, EntryId,
    Receipt, Refusal, SyncAsk, SyncRequest, SyncResponse, Unverified, codec,
};

use super::{Event, Simulation};
use crate::peer::{About, Answer, Ask, Asker, Brought, Parcel, Question};
use crate::promise::Violation;
use crate::trace::What;

/// A request of a chat that is not answered within this has failed: libp2p's own time.
const CHAT_TIMEOUT_MS: u64 = 10_000;
/// The same for one about a history, as in `net/src/behaviour.rs`.
const SYNC_TIMEOUT_MS: u64 = 60_000;
/// The same for a word about a call.
const CALL_TIMEOUT_MS: u64 = 4_000;

impl Simulation {
    /// Sends something over a connection, if there is one and the network does not lose it.
    pub(super) fn send(&mut self, from: usize, to: usize, parcel: Parcel, lost: u64) {
        let Some(link) = self.peers[from].session.ends.get(&to).map(|end| end.link) else { return };
        if !self.dice.percent(lost) {
            let at_ms = self.now_ms + self.delay_ms();
            self.queue.push(at_ms, Event::Arrived { from, to, link, parcel });
        }
    }

    fn send_maybe_twice(&mut self, from: usize, to: usize, parcel: Parcel) {
        let times = 1 + usize::from(self.dice.percent(self.faults.repeated));
        for _ in 0..times {
            self.send(from, to, parcel.clone(), self.faults.asks_lost);
        }
    }

    pub(super) fn arrived(&mut self, from: usize, to: usize, link: u64, parcel: Parcel) {
        if self.is_blocked(from, to) || !self.has_end(to, from, link) {
            return;
        }
        match parcel {
            Parcel::Gossip { frame, is_copy } => self.heard_frame(from, to, frame, is_copy),
            Parcel::Ask { ask, question } => self.asked(from, to, ask, &question),
            Parcel::Answer { ask, answer } => self.answered(to, ask, answer),
            Parcel::Closed => self.drop_end(to, from),
        }
    }

    pub(super) fn ask(&mut self, index: usize, device: DeviceId, question: Question, about: About) {
        let Some(whom) = self.by_device.get(&device).copied() else { return };
        let ask = self.next_number();
        self.figures.asks += 1;
        if let Question::Sync(request) = &question {
            self.figures.sync_bytes += codec::encode(request).len() as u64;
        }
        let of = self.conversation_of(index, &question);
        self.note(index, What::Asks { ask, whom, what: question.name(), of });
        self.peers[index].session.asks.insert(ask, Ask { whom, about });
        let life = self.peers[index].life;
        let timeout_ms = question.timeout_ms();
        self.queue.push(self.now_ms + timeout_ms, Event::AskTimedOut { peer: index, life, ask });
        self.send_maybe_twice(index, whom, Parcel::Ask { ask, question: Rc::new(question) });
    }

    fn asked(&mut self, from: usize, to: usize, ask: u64, question: &Question) {
        self.note(to, What::IsAsked { ask, by: from });
        let token = RequestToken(self.next_number());
        let conversation = self.conversation_of(from, question);
        let asker = Asker { peer: from, ask, conversation, brought: question.brought() };
        self.peers[to].session.requests.insert(token, asker);
        let device = self.peers[from].device;
        match question {
            Question::Chat(request) => {
                let request = request.clone();
                self.tell(to, |core, now_ms| core.chat_request(now_ms, device, request, token));
            }
            Question::Sync(request) => {
                let request = request.clone();
                self.tell(to, |core, now_ms| core.sync_request(now_ms, device, request, token));
            }
            Question::Call(request) => {
                let request = request.clone();
                self.tell(to, |core, now_ms| core.call_asked(now_ms, device, request, token));
            }
        }
    }

    /// Which conversation a request is about, as the one asked sees it.
    fn conversation_of(&self, asker: usize, question: &Question) -> ConversationId {
        let room = match question {
            Question::Sync(request) => self.rooms.iter().find(|(_, room)| room.0 == request.conversation.0),
            Question::Chat(_) | Question::Call(_) => None,
        };
        let private = match question {
            Question::Sync(SyncRequest { conversation, .. }) => {
                self.private_conversation(*conversation).or_else(|| self.founded_conversation(*conversation))
            }
            Question::Chat(_) | Question::Call(_) => None,
        };
        if let Some(conversation) = private {
            return conversation;
        }
        room.map_or(ConversationId::Direct(self.peers[asker].person), |(_, room)| ConversationId::Room(*room))
    }

    pub(super) fn answer_chat(&mut self, index: usize, token: RequestToken, response: ChatResponse) {
        let receipts = match &response {
            ChatResponse::Receipts(receipts) => receipts.clone(),
            ChatResponse::Noted | ChatResponse::Accepted | ChatResponse::AskFirst | ChatResponse::Busy => {
                Vec::new()
            }
        };
        self.answer(index, token, &receipts, Answer::Chat(response));
    }

    pub(super) fn answer_sync(&mut self, index: usize, token: RequestToken, response: SyncResponse) {
        let receipts = match &response {
            SyncResponse::Receipts(receipts) => receipts.clone(),
            _ => Vec::new(),
        };
        self.figures.sync_bytes += codec::encode(&response).len() as u64;
        self.answer(index, token, &receipts, Answer::Sync(response));
    }

    pub(super) fn answer_call(&mut self, index: usize, token: RequestToken, response: CallResponse) {
        self.answer(index, token, &[], Answer::Call(response));
    }

    fn answer(&mut self, index: usize, token: RequestToken, receipts: &[Receipt], answer: Answer) {
        let Some(asker) = self.peers[index].session.requests.remove(&token) else {
            return self.violate(Violation::AnsweredTwice { peer: index });
        };
        self.check_receipts(index, &asker, receipts);
        self.note(index, What::Answers { ask: asker.ask, how: answer.name() });
        self.send_maybe_twice(index, asker.peer, Parcel::Answer { ask: asker.ask, answer });
    }

    /// Receipts speak the truth, and nobody here has earned a refusal.
    fn check_receipts(&mut self, index: usize, asker: &Asker, receipts: &[Receipt]) {
        for (brought, receipt) in asker.brought.iter().zip(receipts) {
            match receipt {
                Receipt::Refused(_) if brought.is_erased => {}
                // The step that gave its author a seat may still be on its way.
                Receipt::Refused(Refusal::NotAuthor)
                    if matches!(asker.conversation, ConversationId::Control(_)) => {}
                Receipt::Refused(reason) => {
                    self.violate(Violation::RefusedHonest { peer: index, from: asker.peer, reason: *reason });
                }
                Receipt::Stored => self.check_acknowledged(index, asker.conversation, brought.id),
            }
        }
    }

    fn answered(&mut self, index: usize, ask: u64, answer: Answer) {
        let Some(Ask { about, .. }) = self.peers[index].session.asks.remove(&ask) else { return };
        self.note(index, What::GetsAnswer { ask });
        match (about, answer) {
            (About::Chat(batch), Answer::Chat(response)) => {
                self.tell(index, |core, now_ms| core.chat_answered(now_ms, batch, response));
            }
            (About::Sync(token), Answer::Sync(response)) => {
                self.tell(index, |core, now_ms| core.sync_answered(now_ms, token, response));
            }
            (About::Call(token), Answer::Call(response)) => {
                self.tell(index, |core, now_ms| core.call_answered(now_ms, token, response));
            }
            (About::Nothing | About::Chat(_) | About::Sync(_) | About::Call(_), _) => {}
        }
    }

    pub(super) fn ask_failed(&mut self, index: usize, ask: u64) {
        let Some(Ask { about, .. }) = self.peers[index].session.asks.remove(&ask) else { return };
        self.note(index, What::GetsNoAnswer { ask });
        match about {
            About::Chat(batch) => self.tell(index, |core, now_ms| core.chat_failed(now_ms, batch)),
            About::Sync(token) => self.tell(index, |core, now_ms| core.sync_failed(now_ms, token)),
            About::Call(token) => {
                self.tell(index, |core, now_ms| core.call_failed(now_ms, token, CallFault::NoAnswer));
            }
            About::Nothing => {}
        }
    }
}

impl Question {
    fn timeout_ms(&self) -> u64 {
        match self {
            Self::Chat(_) => CHAT_TIMEOUT_MS,
            Self::Sync(_) => SYNC_TIMEOUT_MS,
            Self::Call(_) => CALL_TIMEOUT_MS,
        }
    }

    fn brought(&self) -> Vec<Brought> {
        let entries = match self {
            Self::Chat(ChatRequest::Deliver(entries)) => entries.clone(),
            Self::Sync(SyncRequest { ask: SyncAsk::Push(pack), .. }) => {
                pack.clone().unpack().unwrap_or_default()
            }
            Self::Chat(_) | Self::Sync(_) | Self::Call(_) => Vec::new(),
        };
        entries.into_iter().map(brought).collect()
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Chat(ChatRequest::Ask(_)) => "ask",
            Self::Chat(ChatRequest::Accepted) => "accepted",
            Self::Chat(ChatRequest::Deliver(_)) => "deliver",
            Self::Chat(ChatRequest::Read { .. }) => "read",
            Self::Chat(ChatRequest::Typing) => "typing",
            Self::Sync(SyncRequest { ask: SyncAsk::Compare { .. }, .. }) => "compare",
            Self::Sync(SyncRequest { ask: SyncAsk::Reconcile { .. }, .. }) => "reconcile",
            Self::Sync(SyncRequest { ask: SyncAsk::Fetch(_), .. }) => "fetch",
            Self::Sync(SyncRequest { ask: SyncAsk::Push(_), .. }) => "push",
            Self::Sync(SyncRequest { ask: SyncAsk::Secrets(_), .. }) => "secrets",
            Self::Sync(SyncRequest { ask: SyncAsk::Knock(_), .. }) => "a knock",
            Self::Call(CallRequest::Ring { .. }) => "ring",
            Self::Call(CallRequest::Accept { .. }) => "accept",
            Self::Call(CallRequest::Decline { .. }) => "decline",
            Self::Call(CallRequest::Cancel { .. }) => "cancel",
            Self::Call(CallRequest::Join { .. }) => "join",
            Self::Call(CallRequest::Party { .. }) => "party",
            Self::Call(CallRequest::State { .. }) => "state",
            Self::Call(CallRequest::Transfer { .. }) => "transfer",
            Self::Call(CallRequest::End { .. }) => "end",
        }
    }
}

fn brought(entry: Unverified<EntryBody>) -> Brought {
    let id = EntryId(entry.hash());
    Brought { id, is_erased: entry.trust_stored().is_ok_and(|entry| entry.is_erased()) }
}

impl Answer {
    fn name(&self) -> &'static str {
        match self {
            Self::Chat(ChatResponse::Receipts(_)) | Self::Sync(SyncResponse::Receipts(_)) => "receipts",
            Self::Chat(ChatResponse::Noted) | Self::Call(CallResponse::Noted) => "noted",
            Self::Chat(ChatResponse::Accepted) => "accepted",
            Self::Chat(ChatResponse::AskFirst) => "ask first",
            Self::Chat(ChatResponse::Busy)
            | Self::Sync(SyncResponse::Busy)
            | Self::Call(CallResponse::Busy) => "busy",
            Self::Call(CallResponse::Joined { .. }) => "joined",
            Self::Call(CallResponse::Crossed { .. }) => "crossed",
            Self::Call(CallResponse::NoSuchCall) => "no such call",
            Self::Call(CallResponse::ContactsOnly) => "contacts only",
            Self::Call(CallResponse::Full) => "full",
            Self::Call(CallResponse::Later) => "later",
            Self::Sync(SyncResponse::Digest { .. }) => "digest",
            Self::Sync(SyncResponse::Reconciled(_)) => "reconciled",
            Self::Sync(SyncResponse::Entries(_)) => "entries",
            Self::Sync(SyncResponse::Secrets(_)) => "secrets",
            Self::Sync(SyncResponse::Knocked) => "a knock heard",
            Self::Sync(SyncResponse::NotHere) => "not here",
        }
    }
}
