//! Who is writing right now: told to those who are here, never stored, and told seldom.

use std::collections::BTreeMap;

use kinmesh_proto::{ChatRequest, ConversationId, PersonId, RoomFrame, RoomId, Typing, Unverified, limits};

use crate::event::ConversationEvent;
use crate::node::Core;
use crate::output::{Output, Verdict};

/// Of somebody who says more often that they write than this, the rest is not heard. Half of what
/// [`limits::TYPING_EVERY_MS`] allows, for words that were held up on their way.
const HEARD_EVERY_MS: u64 = limits::TYPING_EVERY_MS / 2;
/// People heard writing in one conversation at a time; nobody watches more.
const WRITERS_CAP: usize = 64;

/// Who writes in one conversation.
#[derive(Debug, Default)]
pub(crate) struct Writers {
    /// When we said last that we write.
    said_ms: u64,
    /// Who was heard: when, and when they said so by their own clock.
    heard: BTreeMap<PersonId, (u64, u64)>,
}

impl Writers {
    /// Whether it is time to say again that we write.
    fn may_say(&mut self, now_ms: u64) -> bool {
        let may = now_ms.saturating_sub(self.said_ms) >= limits::TYPING_EVERY_MS;
        if may {
            self.said_ms = now_ms;
        }
        may
    }

    /// Whether this person may be heard now. Asked before anything is verified.
    fn may_hear(&self, now_ms: u64, person: PersonId) -> bool {
        match self.heard.get(&person) {
            Some((heard_ms, _)) => now_ms.saturating_sub(*heard_ms) >= HEARD_EVERY_MS,
            None => self.heard.len() < WRITERS_CAP || self.heard.values().any(|heard| is_over(now_ms, heard)),
        }
    }

    /// Notes their word; false when a later one was heard.
    fn hear(&mut self, now_ms: u64, person: PersonId, sent_ms: u64) -> bool {
        self.heard.retain(|_, heard| !is_over(now_ms, heard));
        let is_news = self.heard.get(&person).is_none_or(|(_, before)| *before < sent_ms);
        if is_news {
            self.heard.insert(person, (now_ms, sent_ms));
        }
        is_news
    }
}

/// Whether a word is so old that it could not be repeated as news.
fn is_over(now_ms: u64, (heard_ms, _): &(u64, u64)) -> bool {
    now_ms.saturating_sub(*heard_ms) > 2 * limits::TYPING_AGE_MAX_MS
}

impl Core {
    /// We are writing there. Call it at each change of the draft: what is too often is not said.
    pub fn typing(&mut self, now_ms: u64, id: ConversationId) {
        if !self.privacy.typing {
            return;
        }
        let is_open = |id| self.conversations.get(&id).is_some_and(|known| known.record.open);
        match id {
            ConversationId::Room(room) if is_open(id) && self.listeners(room) > 0 => {
                self.say_in_room(now_ms, room)
            }
            ConversationId::Direct(person) => self.say_in_chat(now_ms, person),
            ConversationId::Room(_) | ConversationId::Control(_) => {}
        }
    }

    fn say_in_room(&mut self, now_ms: u64, room: RoomId) {
        let Some(known) = self.conversations.get_mut(&ConversationId::Room(room)) else { return };
        if known.writers.may_say(now_ms) {
            let typing = Unverified::sign(Typing { room, sent_ms: now_ms }, &self.keys);
            let frame = RoomFrame::Typing(typing.envelope().clone());
            self.push(Output::PublishTyping { room, frame });
        }
    }

    /// To somebody with whom there is no chat yet, nothing is said: the first post opens it.
    fn say_in_chat(&mut self, now_ms: u64, person: PersonId) {
        let Some(device) = self.people.linked_device(person).filter(|_| self.may_reach_them(person)) else {
            return;
        };
        let Some(chat) = self.conversations.get_mut(&ConversationId::Direct(person)) else { return };
        if chat.writers.may_say(now_ms) {
            self.push(Output::Tell { device, request: ChatRequest::Typing });
        }
    }

    /// The other side of a chat says that they write.
    pub(crate) fn hear_typing_in_chat(&mut self, now_ms: u64, person: PersonId) {
        let id = ConversationId::Direct(person);
        let Some(chat) = self.conversations.get_mut(&id).filter(|_| self.privacy.typing) else { return };
        if chat.writers.may_hear(now_ms, person) && chat.writers.hear(now_ms, person, now_ms) {
            self.tell_typing(now_ms, id, person);
        }
    }

    /// A member says that they write. What was said long ago is neither shown nor passed on.
    pub(crate) fn hear_typing_in_room(
        &mut self,
        now_ms: u64,
        room: RoomId,
        typing: Unverified<Typing>,
    ) -> Verdict {
        let id = ConversationId::Room(room);
        let claimed = typing.parts().1.person;
        let Some(known) = self.conversations.get(&id) else { return Verdict::Ignore };
        if !known.writers.may_hear(now_ms, claimed) {
            return Verdict::Ignore;
        }
        let Ok(typing) = typing.verify(&mut self.certs) else { return Verdict::Reject };
        let Typing { room: said_in, sent_ms } = *typing.value();
        if said_in != room {
            return Verdict::Reject;
        }
        let is_timely = sent_ms.abs_diff(now_ms) <= limits::TYPING_AGE_MAX_MS;
        if !is_timely || typing.person() == self.me() {
            return Verdict::Ignore;
        }
        let Some(known) = self.conversations.get_mut(&id) else { return Verdict::Ignore };
        if !known.writers.hear(now_ms, typing.person(), sent_ms) {
            return Verdict::Ignore;
        }
        // Who does not tell is not told either, but others may be.
        if self.privacy.typing {
            self.tell_typing(now_ms, id, typing.person());
        }
        Verdict::Accept
    }

    fn tell_typing(&mut self, now_ms: u64, id: ConversationId, person: PersonId) {
        let until_ms = now_ms + limits::TYPING_SHOWN_MS;
        self.tell(id, ConversationEvent::Typing { person, until_ms });
    }
}
