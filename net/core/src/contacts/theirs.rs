//! Requests of others: judged, kept until the user answers, and never more than one of a person.

use kinmesh_proto::record::{Answer, Asking, PersonRecord, Write};
use kinmesh_proto::{
    Ask, ChatResponse, Content, ConversationId, DeviceId, EntryBody, PersonId, Receipt, Refusal, Unverified,
};

use super::{Because, REQUESTS_CAP};
use crate::event::Event;
use crate::node::{Core, Pending};
use crate::output::{Output, RequestToken};

impl Core {
    /// Somebody asks; the answer follows the disk, if there is anything for it.
    pub(crate) fn hear_request(
        &mut self,
        now_ms: u64,
        device: DeviceId,
        person: PersonId,
        ask: Ask,
        request: RequestToken,
    ) {
        let response = match self.judge_request(now_ms, device, person, ask) {
            Ok(ask) => return self.take_request(now_ms, person, ask, request),
            Err(response) => response,
        };
        self.push(Output::Respond { request, response });
    }

    /// Whether a request is news to the user; else what to answer.
    fn judge_request(
        &mut self,
        now_ms: u64,
        device: DeviceId,
        person: PersonId,
        ask: Ask,
    ) -> Result<Ask, ChatResponse> {
        // Not heard in full: name and person are not known yet.
        let record = self.people.record(person).ok_or(ChatResponse::Busy)?;
        let ties = record.ties.clone().unwrap_or_default();
        let is_known = ties.asking.is_some_and(|asking| asking.ask.entry.is_some() || ask.entry.is_none());
        if ties.blocked || (ties.declined || is_known) && !record.contact {
            let is_stored = !self.requests.unstored.contains(&person);
            return Err(if is_stored { ChatResponse::Noted } else { ChatResponse::Busy });
        }
        if record.contact && ties.answer == Answer::Accepted {
            return Err(ChatResponse::Accepted);
        }
        let is_new = !record.contact && record.ties.as_ref().is_none_or(|ties| ties.asking.is_none());
        if is_new && (self.requests_waiting() >= REQUESTS_CAP || !self.requests.may_come(now_ms)) {
            return Err(ChatResponse::Busy);
        }
        let checked = self.check_request(now_ms, device, person, ask);
        if is_new && checked.is_ok() {
            self.requests.counted += 1;
        }
        checked.map_err(|refusal| match refusal {
            Refusal::ClockAhead => ChatResponse::Busy,
            refusal => ChatResponse::Receipts(vec![Receipt::Refused(refusal)]),
        })
    }

    fn requests_waiting(&self) -> usize {
        let waits = |record: &&PersonRecord| record.ties.as_ref().is_some_and(|ties| ties.asking.is_some());
        self.people.records().filter(waits).count()
    }

    /// Verifies what is signed in a request. An introduction that proves nothing is left out.
    fn check_request(
        &mut self,
        now_ms: u64,
        device: DeviceId,
        person: PersonId,
        ask: Ask,
    ) -> Result<Ask, Refusal> {
        if !ask.is_within_limits() {
            return Err(Refusal::Invalid);
        }
        if let Some(entry) = ask.entry.clone() {
            let entry = entry.verify(&mut self.certs).map_err(|_| Refusal::Invalid)?;
            let entry = self.judge_entry(now_ms, device, person, entry)?;
            if !Ask::may_hold(&entry) {
                return Err(Refusal::Invalid);
            }
        }
        let introduction = ask.introduction.filter(|envelope| self.introduces_us(person, envelope));
        Ok(Ask { introduction, ..ask })
    }

    /// Whether this is the word of a contact of ours that introduced us to this person.
    fn introduces_us(&mut self, to: PersonId, envelope: &Unverified<EntryBody>) -> bool {
        let Ok(entry) = envelope.clone().verify(&mut self.certs) else { return false };
        let by = entry.person();
        let is_of_their_chat = entry.value().conversation == ConversationId::Direct(by).tag(to);
        let is_about_us = matches!(entry.content(),
            Content::Introduction { person, .. } if *person == self.me());
        is_of_their_chat && is_about_us && self.may_reach_us(by)
    }

    /// Both asked: the two are contacts. Else the request waits for the user.
    fn take_request(&mut self, now_ms: u64, person: PersonId, ask: Ask, request: RequestToken) {
        let Some(record) = self.people.record_mut(person) else { return };
        let have_both_asked = record.contact;
        record.ties.get_or_insert_default().asking = Some(Asking { ask, received_ms: now_ms });
        if have_both_asked {
            // Nobody is refused here whose record is known.
            let _ = self.become_contacts_and_answer(now_ms, person, Because::TheyAsked, Some(request));
            return;
        }
        let write = Write::PutPerson(record.clone());
        self.requests.unstored.insert(person);
        self.persist(vec![write], Pending::Asked { person, request });
    }

    pub(crate) fn request_persisted(&mut self, person: PersonId, request: RequestToken) {
        self.requests.unstored.remove(&person);
        self.push(Output::Respond { request, response: ChatResponse::Noted });
        self.person_changed(person);
        self.push(Output::Emit(Event::ContactRequested { person }));
    }

    /// Our disk has not taken it: it did not come.
    pub(crate) fn request_not_persisted(&mut self, person: PersonId, request: RequestToken) {
        self.requests.unstored.remove(&person);
        if let Some(ties) = self.people.record_mut(person).and_then(|record| record.ties.as_mut()) {
            ties.asking = None;
        }
        self.push(Output::Respond { request, response: ChatResponse::Busy });
    }
}
