//! What can be done about a person, wherever they are shown: the chat, the details, the sidebar.
//!
//! Owns the one way to do it; what comes of it is told by the peer.

use iced::Task;
use kinmesh_core::{Acquaintance, PersonView};
use kinmesh_proto::PersonId;

use super::{Cx, words};
use crate::i18n::{tr, tr_args};
use crate::program::Program;

/// One thing to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// They are asked to be a contact, or accepted if they ask.
    Add,
    /// They are no contact any more, or no longer asked.
    Remove,
    /// What they ask is accepted.
    Accept,
    /// What they ask is declined.
    Decline,
    /// They are kept out.
    Block,
    /// They are let in again.
    Unblock,
    /// The safety number was compared.
    Verify,
    /// It counts as compared no more.
    Unverify,
}

/// Does it. Why not, if not.
pub fn act(person: PersonId, act: Act, program: &Program) -> Task<Result<(), String>> {
    let node = program.node.clone();
    let work = async move {
        match act {
            Act::Add => node.set_contact(person, true).await,
            Act::Remove => node.set_contact(person, false).await,
            Act::Accept => node.accept(person).await,
            Act::Decline => node.decline(person).await,
            Act::Block => node.set_blocked(person, true).await,
            Act::Unblock => node.set_blocked(person, false).await,
            Act::Verify => node.set_verified(person, true).await,
            Act::Unverify => node.set_verified(person, false).await,
        }
    };
    Task::perform(work, |done| done.map_err(|error| words::change_error(&error)))
}

/// How they and we stand: a few words, and a sentence.
pub fn standing(person: &PersonView) -> (String, String) {
    let (title, sentence) = match person.acquaintance {
        Acquaintance::Stranger => ("contact-is-not", "contact-is-not-sentence"),
        Acquaintance::Asks => ("contact-asks", "contact-asks-sentence"),
        Acquaintance::Asked { delivered: false } => ("contact-asked", "contact-asked-sentence"),
        Acquaintance::Asked { delivered: true } => ("contact-unanswered", "contact-unanswered-sentence"),
        Acquaintance::Contact => ("contact-is", "contact-sentence"),
        Acquaintance::Blocked => ("contact-blocked", "contact-blocked-sentence"),
    };
    let name = [("name", person.name.as_str().into())];
    (tr(title), tr_args(sentence, &name))
}

/// Who introduced them, if somebody did.
pub fn introduced_by(by: Option<PersonId>, cx: &Cx) -> Option<String> {
    by.map(|by| tr_args("introduced-by", &[("name", cx.names.face(by).full_name().into())]))
}

/// That they could be taken for a contact, if they could.
pub fn warning(person: &PersonView, cx: &Cx) -> Option<String> {
    let contact = cx.names.face(person.named_like?);
    let args = [
        ("name", contact.name.into()),
        ("theirs", contact.fingerprint.into()),
        ("fingerprint", person.fingerprint.as_str().into()),
    ];
    Some(tr_args("named-like", &args))
}
