//! Records that are newer in memory than on the disk, because the store failed when they were written.
//!
//! Owns which ones these are, so that they are written again, as they are by then, until the disk
//! has them. Entries are not among them: whoever handed one over is told that it was not stored.

use kinmesh_proto::record::{MemberRecord, SecretRecord, Write};
use kinmesh_proto::{ConversationId, Delivery, EntryId, EntryKey, PersonId, RoomId, TicketId};

use crate::node::Core;

/// One such record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Record {
    Conversation(ConversationId),
    Person(PersonId),
    Member(RoomId, PersonId),
    Delivery(ConversationId, EntryKey, Delivery),
    Invite(TicketId),
    Opening(TicketId),
    Secret(RoomId, EntryId),
}

impl Record {
    /// What a write is about, if nobody is told when it fails.
    pub(crate) fn of(write: &Write) -> Option<Self> {
        match write {
            Write::PutConversation(record) => Some(Self::Conversation(record.id)),
            Write::PutPerson(record) => Some(Self::Person(record.person)),
            Write::RemovePerson(person) => Some(Self::Person(*person)),
            Write::PutMember(record) => Some(Self::Member(record.room, record.person)),
            Write::RemoveMember { room, person } => Some(Self::Member(*room, *person)),
            Write::SetDelivery { conversation, key, delivery } => {
                Some(Self::Delivery(*conversation, *key, *delivery))
            }
            Write::PutInvite(record) => Some(Self::Invite(record.id())),
            Write::RemoveInvite(ticket) => Some(Self::Invite(*ticket)),
            Write::PutOpening(record) => Some(Self::Opening(record.id())),
            Write::RemoveOpening(ticket) => Some(Self::Opening(*ticket)),
            Write::PutSecret(record) => Some(Self::Secret(record.room, record.step)),
            // The driver learns addresses anew; who sets the profile or writes an entry is told; and what is to
            // be forgotten is looked for again and again.
            Write::PutEntry { .. }
            | Write::Forget { .. }
            | Write::PutAddresses(_)
            | Write::RemoveAddresses(_)
            | Write::PutProfile(_)
            | Write::PutPrivacy(_) => None,
        }
    }

    /// How far which entry has come, if it is that.
    pub(crate) fn delivery(self) -> Option<(ConversationId, EntryKey, Delivery)> {
        match self {
            Self::Delivery(conversation, key, delivery) => Some((conversation, key, delivery)),
            Self::Conversation(_)
            | Self::Person(_)
            | Self::Member(..)
            | Self::Invite(_)
            | Self::Opening(_)
            | Self::Secret(..) => None,
        }
    }
}

impl Core {
    /// What entries about to be written need beside them, as far as the disk refused it before: their
    /// conversation, without which a start would not find them, and whether its person is a contact,
    /// without which they would wait for ever.
    pub(crate) fn missing_beside(&mut self, writes: &[Write]) -> Vec<Write> {
        let conversation = |write: &Write| match write {
            Write::PutEntry { conversation, .. } => Some(*conversation),
            _ => None,
        };
        let Some(id) = writes.iter().find_map(conversation) else { return Vec::new() };
        let known = self.conversations.get(&id).filter(|known| !known.is_on_disk);
        let mut missing: Vec<Write> =
            known.map(|known| Write::PutConversation(known.record.clone())).into_iter().collect();
        if let ConversationId::Direct(person) = id
            && self.unsaved.remove(&Record::Person(person))
        {
            missing.extend(self.write_of(Record::Person(person)));
        }
        missing
    }

    /// The disk has a record.
    pub(crate) fn saved(&mut self, record: Record) {
        match record {
            Record::Conversation(id) => {
                if let Some(known) = self.conversations.get_mut(&id) {
                    known.is_on_disk = true;
                }
            }
            Record::Delivery(id, key, _) => {
                let known = self.conversations.get_mut(&id);
                if known.is_some_and(|known| known.noted(key)) {
                    self.unsaved.insert(Record::Conversation(id));
                }
            }
            Record::Person(_)
            | Record::Member(..)
            | Record::Invite(_)
            | Record::Opening(_)
            | Record::Secret(..) => {}
        }
    }

    /// What brings the disk up to date with a record.
    pub(crate) fn write_of(&self, record: Record) -> Option<Write> {
        match record {
            Record::Conversation(id) => {
                self.conversations.get(&id).map(|known| Write::PutConversation(known.record.clone()))
            }
            Record::Person(person) => Some(match self.people.record(person) {
                Some(record) => Write::PutPerson(record.clone()),
                None => Write::RemovePerson(person),
            }),
            Record::Member(room, person) => Some(match self.last_seen_ms(room, person) {
                Some(last_seen_ms) => Write::PutMember(MemberRecord { room, person, last_seen_ms }),
                None => Write::RemoveMember { room, person },
            }),
            Record::Invite(ticket) => Some(self.invites.write_of_made(ticket)),
            Record::Opening(ticket) => Some(self.invites.write_of_opened(ticket)),
            // One that is not in use is asked for again.
            Record::Secret(room, step) => {
                let secret = self.keyring.secret(room, step)?;
                Some(Write::PutSecret(SecretRecord { room, step, secret }))
            }
            Record::Delivery(conversation, key, delivery) => {
                Some(Write::SetDelivery { conversation, key, delivery })
            }
        }
    }

    fn last_seen_ms(&self, room: RoomId, person: PersonId) -> Option<u64> {
        self.conversations.get(&ConversationId::Room(room))?.members.get(&person).copied()
    }
}
