//! Requests of ours: told to those who are here, again until they accept.

use kinmesh_proto::record::Answer;
use kinmesh_proto::{Ask, ChatRequest, ChatResponse, ConversationId, PersonId, limits};

use super::{ASK_AGAIN_MS, Because, Outgoing, acquaintance};
use crate::chat::RETRY_MAX_MS;
use crate::node::{Core, SendRefusal};
use crate::output::{BatchToken, Output};
use crate::view::Acquaintance;

impl Core {
    /// Whether text may go to somebody now. Writing to who asked us accepts them; to anybody else who
    /// is no contact, it asks: then the first text must be as short as a request is.
    pub(crate) fn may_write_to(
        &mut self,
        now_ms: u64,
        person: PersonId,
        text: &str,
    ) -> Result<(), SendRefusal> {
        let record = self.people.record(person).ok_or(SendRefusal::UnknownPerson)?;
        let is_contact = record.contact;
        match acquaintance(record) {
            Acquaintance::Blocked => return Err(SendRefusal::Blocked),
            Acquaintance::Contact => return Ok(()),
            Acquaintance::Asks => {
                // Nobody is refused here whose record is known.
                let _ = self.become_contacts(now_ms, person, Because::TheyAsked);
                return Ok(());
            }
            Acquaintance::Asked { .. } | Acquaintance::Stranger => {}
        }
        let is_reached = self.may_reach_them(person);
        let chat = self.conversations.get(&ConversationId::Direct(person));
        let has_words =
            chat.is_some_and(|chat| !chat.writing.is_empty() || chat.outbox.first_words().is_some());
        if !is_reached && !has_words && text.len() > limits::ASK_TEXT_MAX {
            return Err(SendRefusal::TooLongToAsk { size: text.len() });
        }
        self.ask(person);
        if !is_contact {
            // Nobody is refused here whose record is known.
            let _ = self.change_person(person, |record| record.contact = true);
        }
        Ok(())
    }

    /// Asks somebody, when they are here and until they have accepted.
    pub(crate) fn ask(&mut self, person: PersonId) {
        if !self.may_reach_them(person) {
            self.requests.ours.entry(person).or_default().not_before_ms = 0;
            self.open_chat(person);
        }
    }

    /// Asks those who are here and have not heard it lately.
    pub(crate) fn ask_who_is_here(&mut self, now_ms: u64) {
        let due = |(person, outgoing): (&PersonId, &Outgoing)| {
            let chat = self.conversations.get(&ConversationId::Direct(*person))?;
            let has_news = !outgoing.said_words && chat.outbox.first_words().is_some();
            let is_due = has_news || outgoing.not_before_ms <= now_ms;
            // What is being written belongs to it; who invited us need not be asked.
            let is_held_back = !chat.writing.is_empty() || self.awaits_welcome(*person);
            (outgoing.telling.is_none() && is_due && !is_held_back).then_some(*person)
        };
        let due: Vec<PersonId> = self.requests.ours.iter().filter_map(due).collect();
        due.into_iter().for_each(|person| self.tell_request(person));
    }

    fn tell_request(&mut self, person: PersonId) {
        let Some(device) = self.people.linked_device(person) else { return };
        let ties = self.people.record(person).and_then(|record| record.ties.as_ref());
        let introduction = ties.and_then(|ties| ties.introduction.clone());
        let Some(chat) = self.conversations.get_mut(&ConversationId::Direct(person)) else { return };
        let entry = chat.outbox.first_words().map(|entry| entry.envelope().clone());
        let number = chat.next_request();
        let Some(outgoing) = self.requests.ours.get_mut(&person) else { return };
        outgoing.telling = Some(number);
        outgoing.said_words = entry.is_some();
        let request = ChatRequest::Ask(Box::new(Ask { entry, introduction }));
        self.push(Output::Deliver { device, batch: BatchToken { person, number }, request });
    }

    /// Takes the answer to a request of ours, `None` if there was none; false if it answers another one.
    pub(crate) fn request_answered(
        &mut self,
        now_ms: u64,
        BatchToken { person, number }: BatchToken,
        response: Option<&ChatResponse>,
    ) -> bool {
        let Some(outgoing) = self.requests.ours.get_mut(&person) else { return false };
        if outgoing.telling.take_if(|asked| *asked == number).is_none() {
            return false;
        }
        match response {
            Some(ChatResponse::Noted) => {
                outgoing.not_before_ms = now_ms + ASK_AGAIN_MS;
                self.note_answer(person, Answer::Heard);
            }
            // Nobody is refused here whose record is known.
            Some(ChatResponse::Accepted) => drop(self.become_contacts(now_ms, person, Because::TheyAccepted)),
            _ => outgoing.not_before_ms = now_ms + RETRY_MAX_MS,
        }
        true
    }

    fn note_answer(&mut self, person: PersonId, answer: Answer) {
        let known = self.people.record(person).and_then(|record| record.ties.as_ref());
        if known.map(|ties| ties.answer) != Some(answer) {
            // A person without a record has no request either.
            let _ = self.change_ties(person, |ties| ties.answer = answer);
        }
    }

    /// The connection is new: they are asked again.
    pub(crate) fn ask_at_once(&mut self, person: PersonId) {
        if let Some(outgoing) = self.requests.ours.get_mut(&person) {
            *outgoing = Outgoing::default();
        }
    }

    /// They take nothing of ours: we are no contact of theirs, or no longer.
    pub(crate) fn told_to_ask(&mut self, person: PersonId) {
        self.note_answer(person, Answer::None);
        if self.may_reach_us(person) {
            self.requests.ours.entry(person).or_default();
        }
    }

    /// They say that they have accepted us.
    pub(crate) fn hear_acceptance(&mut self, now_ms: u64, person: PersonId) {
        let because = match self.may_reach_us(person) {
            _ if self.awaits_welcome(person) => Because::Invited,
            true => Because::TheyAccepted,
            false => return,
        };
        if !self.may_reach_them(person) {
            // Nobody is refused here whose record is known.
            let _ = self.become_contacts(now_ms, person, because);
        }
    }
}
