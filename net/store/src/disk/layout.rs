//! The bytes in the tree: how a key is made and what its value holds.
//!
//! `docs/decisions/0002-sled-layout.md` gives the reasons. Integers are big-endian, so that byte
//! order is number order. This module must never touch a database.

use kinmesh_proto::{
    ConversationId, Delivery, DeviceCert, DeviceId, EntryKey, PersonId, Refusal, RoomId, StoredEntry,
    Unverified,
};

/// The format of everything below. A higher number is refused, a lower one will be migrated.
pub(super) const SCHEMA: u32 = 1;

/// The format's number.
pub(super) const SCHEMA_KEY: &[u8] = b"v";
/// What others are told, as CBOR.
pub(super) const PRIVACY_KEY: &[u8] = b"s";
/// Our own profile, as CBOR.
pub(super) const PROFILE_KEY: &[u8] = b"o";
/// `c | kind | id` -> number, then the conversation's record as CBOR once there is one.
pub(super) const CONVERSATIONS: u8 = b'c';
/// `k | number` -> a device certificate as CBOR: thousands of entries share it.
pub(super) const CERTS: u8 = b'k';
/// `e | conversation's number | clock | id` -> an entry.
pub(super) const ENTRIES: u8 = b'e';
/// `q | conversation's number | clock | id` -> nothing: the entry there is queued.
pub(super) const QUEUED: u8 = b'q';
/// `p | person` -> a person's record as CBOR.
pub(super) const PEOPLE: u8 = b'p';
/// `m | room | person` -> when the member was last seen.
pub(super) const MEMBERS: u8 = b'm';
/// `a | device` -> an address record as CBOR.
pub(super) const ADDRESSES: u8 = b'a';

/// The number that stands for a conversation or a certificate in keys and values.
pub(super) type Number = u32;

pub(super) fn conversation_key(id: ConversationId) -> Vec<u8> {
    let (kind, id) = match id {
        ConversationId::Room(room) => (0, room.0),
        ConversationId::Direct(person) => (1, person.0),
    };
    [&[CONVERSATIONS, kind][..], &id].concat()
}

pub(super) fn read_conversation_key(key: &[u8]) -> Option<ConversationId> {
    let (&[CONVERSATIONS, kind], id) = key.split_first_chunk()? else { return None };
    match (kind, id.try_into().ok()?) {
        (0, id) => Some(ConversationId::Room(RoomId(id))),
        (1, id) => Some(ConversationId::Direct(PersonId(id))),
        _ => None,
    }
}

pub(super) fn cert_key(number: Number) -> Vec<u8> {
    [&[CERTS][..], &number.to_be_bytes()].concat()
}

pub(super) fn person_key(person: PersonId) -> Vec<u8> {
    [&[PEOPLE][..], &person.0].concat()
}

pub(super) fn address_key(device: DeviceId) -> Vec<u8> {
    [&[ADDRESSES][..], &device.0].concat()
}

pub(super) fn member_key(room: RoomId, person: PersonId) -> Vec<u8> {
    [&[MEMBERS][..], &room.0, &person.0].concat()
}

pub(super) fn read_member_key(key: &[u8]) -> Option<(RoomId, PersonId)> {
    let (&[MEMBERS], ids) = key.split_first_chunk()? else { return None };
    let (room, person) = ids.split_first_chunk()?;
    Some((RoomId(*room), PersonId(person.try_into().ok()?)))
}

/// Opens every key of one conversation's entries or queue.
pub(super) fn conversation_prefix(kind: u8, conversation: Number) -> Vec<u8> {
    [&[kind][..], &conversation.to_be_bytes()].concat()
}

/// `kind` is [`ENTRIES`] or [`QUEUED`].
pub(super) fn entry_key(kind: u8, conversation: Number, key: EntryKey) -> Vec<u8> {
    let mut bytes = conversation_prefix(kind, conversation);
    bytes.extend(key.clock.0.to_be_bytes());
    bytes.extend(key.id.0);
    bytes
}

/// A bound after every key that opens with `prefix`: more bytes than follow one in any key.
pub(super) fn after_all(prefix: &[u8]) -> Vec<u8> {
    [prefix, &[0xff; 65]].concat()
}

/// The bound between `key` and the next one.
pub(super) fn just_after(mut key: Vec<u8>) -> Vec<u8> {
    key.push(0);
    key
}

/// The key of the entry that a key of the queue names.
pub(super) fn queued_entry_key(queued: &[u8]) -> Vec<u8> {
    let mut key = queued.to_vec();
    if let Some(kind) = key.first_mut() {
        *kind = ENTRIES;
    }
    key
}

/// Reads a big-endian number off the front of a value.
pub(super) fn split_number(value: &[u8]) -> Option<(Number, &[u8])> {
    value.split_first_chunk().map(|(number, rest)| (Number::from_be_bytes(*number), rest))
}

/// Delivery (tag and detail), time, certificate's number, signature; the rest is the signed body.
const HEAD: usize = DELIVERY + 8 + 4 + 64;
const DELIVERY: usize = 1 + 4;

/// The tag of [`Delivery::Received`]: unread entries are counted by their first byte.
const RECEIVED: u8 = 0;

/// Refusals by their number on the disk.
const REFUSALS: [Refusal; 5] = [
    Refusal::Invalid,
    Refusal::WrongConversation,
    Refusal::ClockAhead,
    Refusal::NotAuthor,
    Refusal::OverQuota,
];

fn delivery_bytes(delivery: Delivery) -> [u8; DELIVERY] {
    let (tag, detail) = match delivery {
        Delivery::Received => (RECEIVED, 0),
        Delivery::Queued => (1, 0),
        Delivery::Sent { members } => (2, members),
        Delivery::Delivered => (3, 0),
        Delivery::Failed { reason: Refusal::Invalid } => (4, 0),
        Delivery::Failed { reason: Refusal::WrongConversation } => (4, 1),
        Delivery::Failed { reason: Refusal::ClockAhead } => (4, 2),
        Delivery::Failed { reason: Refusal::NotAuthor } => (4, 3),
        Delivery::Failed { reason: Refusal::OverQuota } => (4, 4),
    };
    let [a, b, c, d] = detail.to_be_bytes();
    [tag, a, b, c, d]
}

fn read_delivery(tag: u8, detail: u32) -> Option<Delivery> {
    match tag {
        RECEIVED => Some(Delivery::Received),
        1 => Some(Delivery::Queued),
        2 => Some(Delivery::Sent { members: detail }),
        3 => Some(Delivery::Delivered),
        4 => Some(Delivery::Failed { reason: *REFUSALS.get(usize::try_from(detail).ok()?)? }),
        _ => None,
    }
}

/// The value of an entry whose certificate has the number `cert`.
pub(super) fn entry_value(stored: &StoredEntry, cert: Number) -> Vec<u8> {
    let (body, _, signature) = stored.entry.envelope().parts();
    let mut value = Vec::with_capacity(HEAD + body.len());
    value.extend(delivery_bytes(stored.delivery));
    value.extend(stored.received_ms.to_be_bytes());
    value.extend(cert.to_be_bytes());
    value.extend(signature);
    value.extend(body);
    value
}

/// The same entry's value with another delivery.
pub(super) fn with_delivery(value: &[u8], delivery: Delivery) -> Vec<u8> {
    let mut value = value.to_vec();
    value.splice(..DELIVERY.min(value.len()), delivery_bytes(delivery));
    value
}

/// Whether the entry came from somebody else.
pub(super) fn is_received(value: &[u8]) -> bool {
    value.first() == Some(&RECEIVED)
}

/// Reads an entry back. `None` when anything in it is not what was written, its key included.
pub(super) fn read_entry<'c>(
    key: &[u8],
    value: &[u8],
    cert: impl FnOnce(Number) -> Option<&'c DeviceCert>,
) -> Option<StoredEntry> {
    let (&[tag], rest) = value.split_first_chunk()?;
    let (detail, rest) = split_number(rest)?;
    let (received_ms, rest) = rest.split_first_chunk()?;
    let (cert_number, rest) = split_number(rest)?;
    let (signature, body) = rest.split_first_chunk()?;
    let envelope = Unverified::from_parts(body.to_vec(), cert(cert_number)?.clone(), *signature);
    let entry = envelope.trust_stored().ok()?;
    let (conversation, _) = split_number(key.get(1..)?)?;
    // The id is a hash of the signed bytes, so this proves them.
    (entry_key(ENTRIES, conversation, entry.key()) == key).then_some(StoredEntry {
        entry,
        delivery: read_delivery(tag, detail)?,
        received_ms: u64::from_be_bytes(*received_ms),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_delivery_survives_its_bytes() {
        let failed = REFUSALS.map(|reason| Delivery::Failed { reason });
        let others =
            [Delivery::Received, Delivery::Queued, Delivery::Sent { members: 70_000 }, Delivery::Delivered];
        for delivery in failed.into_iter().chain(others) {
            let [tag, detail @ ..] = delivery_bytes(delivery);
            assert_eq!(read_delivery(tag, u32::from_be_bytes(detail)), Some(delivery));
        }
        assert_eq!(read_delivery(4, 9), None);
        assert_eq!(read_delivery(9, 0), None);
    }

    #[test]
    fn keys_survive_and_sort_like_their_ids() {
        let room = ConversationId::Room(RoomId([9; 32]));
        let chat = ConversationId::Direct(PersonId([1; 32]));
        for id in [room, chat] {
            assert_eq!(read_conversation_key(&conversation_key(id)), Some(id));
        }
        assert_eq!(room < chat, conversation_key(room) < conversation_key(chat));
        let member = (RoomId([1; 32]), PersonId([2; 32]));
        assert_eq!(read_member_key(&member_key(member.0, member.1)), Some(member));
    }
}
