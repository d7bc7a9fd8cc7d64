//! People, rooms and entries for the store's tests.

#![allow(dead_code)] // Each test program uses its part.

use kinmesh_proto::{
    Content, ConversationId, Delivery, DeviceKeys, Entry, EntryBody, Hlc, PersonId, RoomId, StoredEntry,
    Unverified, Write,
};

pub(crate) const ROOM: ConversationId = ConversationId::Room(RoomId([1; 32]));
pub(crate) const OTHER_ROOM: ConversationId = ConversationId::Room(RoomId([2; 32]));
pub(crate) const CHAT: ConversationId = ConversationId::Direct(PersonId([1; 32]));

/// Keys of a person, the same for the same number.
pub(crate) fn person(number: u8) -> DeviceKeys {
    DeviceKeys::generate(&[number; 32], &[number ^ 0x80; 32], 7)
}

/// An entry of `keys` in `conversation`, written at millisecond `ms`.
pub(crate) fn entry(keys: &DeviceKeys, conversation: ConversationId, ms: u64, text: &str) -> Entry {
    let body = EntryBody {
        conversation: conversation.tag(keys.person()),
        clock: Hlc::from_ms(ms),
        seq: ms + 1,
        prev: Vec::new(),
        content: Content::text(text),
    };
    Unverified::sign(body, keys)
}

pub(crate) fn stored(entry: &Entry, delivery: Delivery) -> StoredEntry {
    StoredEntry { entry: entry.clone(), delivery, received_ms: entry.value().clock.ms() + 1 }
}

pub(crate) fn put(conversation: ConversationId, entry: &Entry, delivery: Delivery) -> Write {
    Write::PutEntry { conversation, stored: stored(entry, delivery) }
}
