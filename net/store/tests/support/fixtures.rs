//! People, rooms and entries for the store's tests.

#![allow(dead_code)] // Each test program uses its part.

use kinmesh_proto::{
    Content, ConversationId, Delivery, DeviceKeys, Entry, EntryBody, EntryKey, Hlc, PersonId, RoomId,
    StoredEntry, Unverified, Write,
};
use kinmesh_seal::{DataKey, Seal};
use kinmesh_store::{HistoryStore, PageAt};

pub(crate) const ROOM: ConversationId = ConversationId::Room(RoomId([1; 32]));
pub(crate) const OTHER_ROOM: ConversationId = ConversationId::Room(RoomId([2; 32]));
pub(crate) const CHAT: ConversationId = ConversationId::Direct(PersonId([1; 32]));

/// Keys of a person, the same for the same number.
pub(crate) fn person(number: u8) -> DeviceKeys {
    DeviceKeys::generate(&[number; 32], &[number ^ 0x80; 32], 7)
}

/// A seal, the same for the same number.
pub(crate) fn seal(number: u8) -> Seal {
    DataKey::new([number; 32]).seal("history")
}

/// A text of `keys` in `conversation`, written at millisecond `ms`.
pub(crate) fn entry(keys: &DeviceKeys, conversation: ConversationId, ms: u64, text: &str) -> Entry {
    says(keys, conversation, ms, Content::text(text))
}

/// An entry of `keys` in `conversation`, written at millisecond `ms`.
pub(crate) fn says(keys: &DeviceKeys, conversation: ConversationId, ms: u64, content: Content) -> Entry {
    follows(keys, conversation, ms, content, Vec::new())
}

/// The same, after its author had seen `prev`.
pub(crate) fn follows(
    keys: &DeviceKeys,
    conversation: ConversationId,
    ms: u64,
    content: Content,
    prev: Vec<EntryKey>,
) -> Entry {
    let conversation = conversation.tag(keys.person());
    Unverified::sign(EntryBody { conversation, clock: Hlc::from_ms(ms), seq: ms + 1, prev, content }, keys)
}

/// All posts of a conversation, oldest first, without what changed them.
pub(crate) fn posts(store: &dyn HistoryStore, conversation: ConversationId) -> Vec<StoredEntry> {
    let page = store.page(conversation, PageAt::Newest, usize::MAX).unwrap();
    page.into_iter().map(|item| item.post).collect()
}

pub(crate) fn stored(entry: &Entry, delivery: Delivery) -> StoredEntry {
    StoredEntry { entry: entry.clone(), delivery, received_ms: entry.value().clock.ms() + 1 }
}

pub(crate) fn put(conversation: ConversationId, entry: &Entry, delivery: Delivery) -> Write {
    Write::PutEntry { conversation, stored: stored(entry, delivery) }
}
