//! Who is writing, where, for as long as that was said to hold.

use std::collections::BTreeMap;

use kinmesh_proto::{ConversationId, PersonId};

/// Who is writing.
#[derive(Debug, Clone, Default)]
pub struct Typing {
    until_ms: BTreeMap<(ConversationId, PersonId), u64>,
}

impl Typing {
    /// Somebody writes, as far as is known until this Unix time in milliseconds.
    pub fn heard(&mut self, conversation: ConversationId, person: PersonId, until_ms: u64) {
        self.until_ms.insert((conversation, person), until_ms);
    }

    /// Somebody has sent what they wrote.
    pub fn ended(&mut self, conversation: ConversationId, person: PersonId) {
        self.until_ms.remove(&(conversation, person));
    }

    /// Forgets what no longer holds.
    pub fn expire(&mut self, now_ms: u64) {
        self.until_ms.retain(|_, until| *until > now_ms);
    }

    /// Whether anybody writes anywhere.
    pub fn is_empty(&self) -> bool {
        self.until_ms.is_empty()
    }

    /// Who writes in a conversation.
    pub fn people(&self, conversation: ConversationId) -> Vec<PersonId> {
        let here = self.until_ms.keys().filter(|(there, _)| *there == conversation);
        here.map(|(_, person)| *person).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANA: PersonId = PersonId([2; 32]);
    const BO: PersonId = PersonId([3; 32]);
    const CHAT: ConversationId = ConversationId::Direct(ANA);

    #[test]
    fn typing_ends_with_the_message_or_with_time() {
        let mut typing = Typing::default();
        typing.heard(CHAT, ANA, 5000);
        typing.heard(CHAT, BO, 6000);
        assert_eq!(typing.people(CHAT), [ANA, BO]);
        assert_eq!(typing.people(ConversationId::Direct(BO)), []);
        typing.ended(CHAT, BO);
        assert_eq!(typing.people(CHAT), [ANA]);
        typing.heard(CHAT, ANA, 8000);
        typing.expire(6000);
        assert_eq!(typing.people(CHAT), [ANA], "it was heard again");
        typing.expire(8000);
        assert!(typing.is_empty());
    }
}
