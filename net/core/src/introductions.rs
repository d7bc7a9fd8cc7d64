//! Introductions: a contact passes on another contact, in the chat with the one who may want to know them.
//!
//! An introduction is an entry like the rest, so it is signed, and it proves to the one who is
//! introduced who told of them: whoever asks them to become a contact shows it.

use kinmesh_proto::{Content, ConversationId, Delivery, Entry, PersonId, PersonRecord, Ties, Write};

use crate::changes::unchanged;
use crate::contacts::acquaintance;
use crate::node::{Core, Pending, SendRefusal};
use crate::output::Token;
use crate::view::{Acquaintance, EntryView};

/// Why nobody is introduced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IntroduceRefusal {
    /// One of the two is no contact.
    #[error("only contacts can be introduced, and only to contacts")]
    NotAContact,
    /// To themselves, or one of the two lives in this program.
    #[error("nobody is introduced to themselves, nor to Echo")]
    NotTwoPeople,
    /// It cannot be sent.
    #[error(transparent)]
    Send(#[from] SendRefusal),
}

impl Core {
    /// Tells a contact of another one. It is an entry of the chat with `to`.
    pub fn introduce(
        &mut self,
        now_ms: u64,
        to: PersonId,
        person: PersonId,
    ) -> Result<(Token, EntryView), IntroduceRefusal> {
        if to == person || [to, person].contains(&self.echo()) {
            return Err(IntroduceRefusal::NotTwoPeople);
        }
        let is_contact = |record: &&PersonRecord| acquaintance(record) == Acquaintance::Contact;
        let known = |person| self.people.record(person).filter(is_contact);
        let (Some(_), Some(record)) = (known(to), known(person)) else {
            return Err(IntroduceRefusal::NotAContact);
        };
        let content = Content::Introduction { person, name: record.name.clone() };
        let id = ConversationId::Direct(to);
        let (token, entry) = self.write(now_ms, id, content)?;
        Ok((token, EntryView::of(id, &unchanged(&entry, Delivery::Queued, now_ms), None)))
    }

    /// A contact told us of somebody: whoever that is can be asked now, and is told by whom.
    pub(crate) fn hear_introduction(&mut self, id: ConversationId, entry: &Entry) {
        let Content::Introduction { person, name } = entry.content() else { return };
        let is_theirs = id == ConversationId::Direct(entry.person());
        if !is_theirs || [self.me(), self.echo()].contains(person) {
            return;
        }
        let introduction = Some(entry.envelope().clone());
        let record = match self.people.record_mut(*person) {
            Some(record) => {
                let ties = record.ties.get_or_insert_default();
                if record.contact || ties.introduction.is_some() {
                    return;
                }
                ties.introduction = introduction;
                record.clone()
            }
            None => {
                let ties = Some(Ties { introduction, ..Ties::default() });
                let record = PersonRecord { ties, ..PersonRecord::new(*person, name.clone()) };
                if !self.people.add_unmet(record.clone()) {
                    return;
                }
                record
            }
        };
        self.later.extend(self.people.take_forgotten().into_iter().map(Write::RemovePerson));
        self.person_changed(record.person);
        self.persist(vec![Write::PutPerson(record)], Pending::Note);
    }
}
