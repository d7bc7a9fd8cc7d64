//! Contacts: who may reach the user, who asks to, and whom we ask.
//!
//! A stranger can ask once, with a short text; nothing else of theirs gets through. Owns what a
//! request becomes: accepted, declined (nobody is told), or blocked, and how one of ours finds its
//! way to the other. The text of a request is an entry of the chat: it waits in the outbox of the one
//! who wrote it, and with the person's record of the one who is asked, until the chat begins.

mod ours;
mod theirs;

use std::collections::{BTreeMap, BTreeSet};

use kinmesh_proto::record::{Answer, Asking, PersonRecord, Ties, Write};
use kinmesh_proto::{ChatRequest, ConversationId, DeviceId, Entry, PersonId};
use serde::Serialize;

use crate::event::Event;
use crate::node::{Core, Pending, UnknownPerson};
use crate::output::{Output, RequestToken, Token};
use crate::view::{Acquaintance, RequestView};

/// Requests that wait for the user at a time. Nobody answers more, and each is a few kilobytes.
const REQUESTS_CAP: usize = 100;
/// New requests of all strangers together in [`QUOTA_MS`]. Who is turned away asks again later.
const REQUESTS_MAX: u32 = 30;
/// In milliseconds.
const QUOTA_MS: u64 = 60 * 60 * 1000;
/// A request that the other has is repeated this often while they are connected, in milliseconds:
/// their word of acceptance may have been lost.
const ASK_AGAIN_MS: u64 = 60 * 1000;

/// Why two people are contacts of each other from now on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Because {
    /// They asked, and the user accepted, or had asked them, too.
    TheyAsked,
    /// The user asked, and they accepted.
    TheyAccepted,
    /// One of the two used an invitation of the other.
    Invited,
}

/// Why somebody does not become a contact, or cannot be treated as asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ContactRefusal {
    /// Nobody of this id was ever met.
    #[error("not known here")]
    UnknownPerson,
    /// Echo lives in this program.
    #[error("Echo is always a contact")]
    Echo,
    /// The user blocked them.
    #[error("they are blocked")]
    Blocked,
    /// They ask for nothing.
    #[error("they do not ask to be a contact")]
    NoRequest,
}

impl From<UnknownPerson> for ContactRefusal {
    fn from(UnknownPerson: UnknownPerson) -> Self {
        Self::UnknownPerson
    }
}

/// A request of ours on its way.
#[derive(Debug, Default)]
struct Outgoing {
    /// The number of the request under way.
    telling: Option<u64>,
    /// Not before this time is it told again.
    not_before_ms: u64,
    /// Whether the text was told, if there is one.
    said_words: bool,
}

/// What is remembered of requests besides the people's records.
#[derive(Debug, Default)]
pub(crate) struct Requests {
    /// Whom we ask, and who has not accepted yet.
    ours: BTreeMap<PersonId, Outgoing>,
    /// Who asks, until our disk has it: not shown yet.
    unstored: BTreeSet<PersonId>,
    /// New requests of others counted, and since when.
    counted: u32,
    since_ms: u64,
}

impl Requests {
    /// Whether a new request of somebody may come now.
    fn may_come(&mut self, now_ms: u64) -> bool {
        if now_ms.saturating_sub(self.since_ms) >= QUOTA_MS {
            (self.counted, self.since_ms) = (0, now_ms);
        }
        self.counted < REQUESTS_MAX
    }
}

/// What is known of how a person and we stand.
pub(crate) fn acquaintance(record: &PersonRecord) -> Acquaintance {
    let ties = record.ties.as_ref();
    let answer = ties.map(|ties| ties.answer).unwrap_or_default();
    match ties {
        Some(ties) if ties.blocked => Acquaintance::Blocked,
        _ if record.contact && answer == Answer::Accepted => Acquaintance::Contact,
        _ if record.contact => Acquaintance::Asked { delivered: answer == Answer::Heard },
        Some(ties) if ties.asking.is_some() => Acquaintance::Asks,
        _ => Acquaintance::Stranger,
    }
}

impl Core {
    /// Whether what this person writes reaches the user.
    pub(crate) fn may_reach_us(&self, person: PersonId) -> bool {
        self.people
            .record(person)
            .is_some_and(|record| record.contact && !record.ties.as_ref().is_some_and(|ties| ties.blocked))
    }

    /// Whether this person has accepted us, as far as we know.
    pub(crate) fn may_reach_them(&self, person: PersonId) -> bool {
        let ties = self.people.record(person).and_then(|record| record.ties.as_ref());
        ties.is_some_and(|ties| ties.answer == Answer::Accepted && !ties.blocked)
    }

    /// Whether the user blocked this person.
    pub fn is_blocked(&self, person: PersonId) -> bool {
        let ties = self.people.record(person).and_then(|record| record.ties.as_ref());
        ties.is_some_and(|ties| ties.blocked)
    }

    /// Everybody whom the user blocked: what they write in rooms is not shown.
    pub fn blocked(&self) -> BTreeSet<PersonId> {
        let is_blocked = |record: &&PersonRecord| record.ties.as_ref().is_some_and(|ties| ties.blocked);
        self.people.records().filter(is_blocked).map(|record| record.person).collect()
    }

    /// Takes up what the disk has of contacts: whom we ask, and whose devices are kept out.
    pub(crate) fn restore_contacts(&mut self) {
        self.people.settle_old_contacts();
        let asked = self.people.records().filter(|record| is_asked(record));
        for person in asked.map(|record| record.person).collect::<Vec<_>>() {
            self.ask(person);
        }
        for person in self.blocked() {
            self.keep_out(person);
        }
    }

    /// The two are contacts from now on: each has accepted the other. What waited for it goes on.
    ///
    /// Every way to become contacts ends here; the faces are told why. Who is blocked stays so. The token is for
    /// [`Core::persisted`].
    pub fn become_contacts(
        &mut self,
        now_ms: u64,
        person: PersonId,
        because: Because,
    ) -> Result<Token, ContactRefusal> {
        self.become_contacts_and_answer(now_ms, person, because, None)
    }

    /// The same; `request` is answered once our disk has it.
    fn become_contacts_and_answer(
        &mut self,
        now_ms: u64,
        person: PersonId,
        because: Because,
        request: Option<RequestToken>,
    ) -> Result<Token, ContactRefusal> {
        let (writes, entries) = self.take_as_contact(now_ms, person)?;
        Ok(self.persist(writes, Pending::Contacts { person, because, entries, request }))
    }

    /// The same, for whoever writes more along with it: what to write, and of that the entries with
    /// which they asked. Once our disk has them, [`Core::contacts_persisted`] goes on.
    pub(crate) fn take_as_contact(
        &mut self,
        now_ms: u64,
        person: PersonId,
    ) -> Result<(Vec<Write>, Vec<Entry>), ContactRefusal> {
        if self.acquaintance(person)? == Acquaintance::Blocked {
            return Err(ContactRefusal::Blocked);
        }
        let record = self.people.record_mut(person).ok_or(ContactRefusal::UnknownPerson)?;
        let before = record.ties.take().unwrap_or_default();
        let asked = before.asking.map(|asking| asking.ask);
        let (first, introduction) = asked.map_or((None, None), |ask| (ask.entry, ask.introduction));
        record.contact = true;
        record.ties = Some(Ties {
            verified: before.verified,
            introduction: before.introduction.or(introduction),
            ..Ties::mutual()
        });
        let record = Write::PutPerson(record.clone());
        self.requests.ours.remove(&person);
        self.open_chat(person);
        let first: Vec<Entry> = first.and_then(|first| first.trust_stored().ok()).into_iter().collect();
        let mut writes = self.take(now_ms, ConversationId::Direct(person), &first);
        writes.push(record);
        self.person_changed(person);
        Ok((writes, first))
    }

    pub(crate) fn contacts_persisted(
        &mut self,
        now_ms: u64,
        person: PersonId,
        because: Because,
        entries: &[Entry],
        fresh: &[bool],
    ) {
        self.push(Output::Emit(Event::BecameContacts { person, because }));
        self.delivered_persisted(now_ms, person, entries, fresh);
        self.try_chat_at_once(person);
        let Some(device) = self.people.linked_device(person) else { return };
        if because != Because::TheyAccepted {
            self.push(Output::Tell { device, request: ChatRequest::Accepted });
        }
        self.met(now_ms, ConversationId::Direct(person), device);
    }

    /// Adds to the contacts, which asks them unless they asked us; or removes: what they write then
    /// has to be a request again.
    pub fn set_contact(
        &mut self,
        now_ms: u64,
        person: PersonId,
        contact: bool,
    ) -> Result<Token, ContactRefusal> {
        if person == self.echo() {
            return Err(ContactRefusal::Echo);
        }
        match (contact, self.acquaintance(person)?) {
            (true, Acquaintance::Blocked) => Err(ContactRefusal::Blocked),
            (true, Acquaintance::Asks) => self.become_contacts(now_ms, person, Because::TheyAsked),
            (true, _) => {
                self.ask(person);
                Ok(self.change_person(person, |record| record.contact = true)?)
            }
            (false, _) => {
                self.requests.ours.remove(&person);
                Ok(self.change_person(person, |record| record.contact = false)?)
            }
        }
    }

    /// Accepts what somebody asked: the two are contacts, and the text they sent begins the chat.
    pub fn accept(&mut self, now_ms: u64, person: PersonId) -> Result<Token, ContactRefusal> {
        match self.acquaintance(person)? {
            Acquaintance::Asks => self.become_contacts(now_ms, person, Because::TheyAsked),
            _ => Err(ContactRefusal::NoRequest),
        }
    }

    /// Declines what somebody asked. They are not told, and further requests of theirs are not shown.
    pub fn decline(&mut self, person: PersonId) -> Result<Token, ContactRefusal> {
        match self.acquaintance(person)? {
            Acquaintance::Asks => self.change_ties(person, |ties| {
                ties.declined = true;
                ties.asking = None;
            }),
            _ => Err(ContactRefusal::NoRequest),
        }
    }

    /// Keeps somebody out altogether, or takes that back: then all is as it was before.
    pub fn set_blocked(&mut self, person: PersonId, blocked: bool) -> Result<Token, ContactRefusal> {
        if person == self.echo() {
            return Err(ContactRefusal::Echo);
        }
        let was_blocked = self.acquaintance(person)? == Acquaintance::Blocked;
        let token = self.change_ties(person, |ties| ties.blocked = blocked)?;
        if blocked {
            self.requests.ours.remove(&person);
            self.keep_out(person);
        } else {
            self.let_in(person);
        }
        if blocked != was_blocked {
            self.count_rooms_again();
            self.push(Output::Emit(Event::HiddenChanged { person }));
        }
        Ok(token)
    }

    /// Notes that the safety number was compared and is the same, or takes that back.
    pub fn set_verified(&mut self, person: PersonId, verified: bool) -> Result<Token, ContactRefusal> {
        if person == self.echo() {
            return Err(ContactRefusal::Echo);
        }
        self.change_ties(person, |ties| ties.verified = verified)
    }

    fn keep_out(&mut self, person: PersonId) {
        let devices = self.people.devices_of(person).to_vec();
        devices.into_iter().for_each(|device| self.push(Output::KeepOut { device }));
    }

    fn let_in(&mut self, person: PersonId) {
        let devices = self.people.devices_of(person).to_vec();
        devices.into_iter().for_each(|device| self.push(Output::LetIn { device }));
        if self.people.record(person).is_some_and(is_asked) {
            self.requests.ours.insert(person, Outgoing::default());
        }
    }

    /// Rooms show other entries from now on, so others are unread.
    fn count_rooms_again(&mut self) {
        let rooms = self.conversations.keys().filter(|id| matches!(id, ConversationId::Room(_)));
        self.recounts.extend(rooms);
    }

    /// Whether an entry by this person is not shown there.
    pub(crate) fn is_hidden(&self, conversation: ConversationId, author: PersonId) -> bool {
        matches!(conversation, ConversationId::Room(_)) && self.is_blocked(author)
    }

    /// A blocked person was heard of on this device: that one is kept out, too.
    pub(crate) fn keep_out_device(&mut self, person: PersonId, device: DeviceId) {
        let Some(record) = self.people.record_mut(person) else { return };
        if !record.devices.contains(&device) {
            record.devices.insert(0, device);
            record.devices.truncate(crate::people::DEVICES_CAP);
            let write = Write::PutPerson(record.clone());
            self.persist(vec![write], Pending::Note);
        }
        self.push(Output::KeepOut { device });
    }

    pub(crate) fn acquaintance(&self, person: PersonId) -> Result<Acquaintance, ContactRefusal> {
        self.people.record(person).map(acquaintance).ok_or(ContactRefusal::UnknownPerson)
    }

    pub(crate) fn change_ties(
        &mut self,
        person: PersonId,
        change: impl FnOnce(&mut Ties),
    ) -> Result<Token, ContactRefusal> {
        Ok(self.change_person(person, |record| change(record.ties.get_or_insert_default()))?)
    }

    /// Everybody who asks and waits for the user's answer, the newest first.
    pub fn requests(&self) -> Vec<RequestView> {
        let shown = self.people.records().filter(|record| {
            acquaintance(record) == Acquaintance::Asks && !self.requests.unstored.contains(&record.person)
        });
        let mut views: Vec<RequestView> = shown.filter_map(request_view).collect();
        views.sort_by_key(|view| (std::cmp::Reverse(view.received_ms), view.person));
        views
    }
}

fn is_asked(record: &PersonRecord) -> bool {
    matches!(acquaintance(record), Acquaintance::Asked { .. })
}

fn request_view(record: &PersonRecord) -> Option<RequestView> {
    let Asking { ask, received_ms } = record.ties.as_ref()?.asking.as_ref()?;
    let entry = ask.entry.clone().and_then(|entry| entry.trust_stored().ok());
    Some(RequestView {
        person: record.person,
        text: entry.as_ref().and_then(Entry::text).map(str::to_owned),
        received_ms: *received_ms,
        introduced_by: ask.introduction.as_ref().map(|introduction| introduction.parts().1.person),
    })
}
