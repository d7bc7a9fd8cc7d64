//! The bytes in the tree: how a key is made and what its value holds.
//!
//! `docs/decisions/0002-sled-layout.md` gives the reasons. Integers are big-endian, so that byte
//! order is number order. This module must never touch a database.

use kinmesh_proto::{
    Content, ConversationId, Delivery, DeviceCert, DeviceId, Digest, EntryId, EntryKey, Hlc, KeyRange,
    PersonId, Refusal, RoomId, StoredEntry, TicketId, Unverified,
};

/// The format of everything below. A lower number is migrated.
pub(super) const SCHEMA: u32 = 2;
/// The same, sealed. A higher number is refused.
pub(super) const SEALED_SCHEMA: u32 = 3;

/// The format's number and, when sealed, what proves the key.
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
/// `x | conversation's number | post's clock, id | change's clock, id` -> 1 for a delete, else 0.
pub(super) const CHANGES: u8 = b'x';
/// `d | conversation's number | day` -> the digest of that day up to the newest entry it names.
pub(super) const DAYS: u8 = b'd';
/// `p | person` -> a person's record as CBOR.
pub(super) const PEOPLE: u8 = b'p';
/// `m | room | person` -> when the member was last seen.
pub(super) const MEMBERS: u8 = b'm';
/// `a | device` -> an address record as CBOR.
pub(super) const ADDRESSES: u8 = b'a';
/// `i | name of a ticket` -> an invitation that we made, as CBOR.
pub(super) const INVITES: u8 = b'i';
/// `j | name of a ticket` -> an invitation that we opened, as CBOR.
pub(super) const OPENINGS: u8 = b'j';

/// `r | room | step` -> the secret that this step of a private room's control log brought.
pub(super) const SECRETS: u8 = b'r';

/// Kinds of which there is a second copy, with the keys' first byte changed. A copy stands on the other
/// side of the entries.
pub(super) const COPIED: [u8; 4] = [CONVERSATIONS, CERTS, PEOPLE, SECRETS];
/// Copies of [`CONVERSATIONS`].
pub(super) const CONVERSATION_COPIES: u8 = b'z';
/// Copies of [`CERTS`].
pub(super) const CERT_COPIES: u8 = b'K';
/// Copies of [`PEOPLE`].
pub(super) const PERSON_COPIES: u8 = b'P';

/// Copies of [`SECRETS`].
pub(super) const SECRET_COPIES: u8 = b'R';

/// Kinds of copies.
pub(super) const COPIES: [u8; 4] = [CONVERSATION_COPIES, CERT_COPIES, PERSON_COPIES, SECRET_COPIES];

/// The number that stands for a conversation or a certificate in keys and values.
pub(super) type Number = u32;

/// Where the copy of what stands at `key` stands; `None` for what has none.
pub(super) fn copy_key(key: &[u8]) -> Option<Vec<u8>> {
    let (kind, rest) = key.split_first()?;
    let copy = match *kind {
        CONVERSATIONS => CONVERSATION_COPIES,
        CERTS => CERT_COPIES,
        PEOPLE => PERSON_COPIES,
        SECRETS => SECRET_COPIES,
        _ => return None,
    };
    Some([&[copy][..], rest].concat())
}

/// Where that stands of which this is the copy's key.
pub(super) fn original_key(copy: &[u8]) -> Option<Vec<u8>> {
    let (kind, rest) = copy.split_first()?;
    let original = COPIED.into_iter().find(|original| copy_key(&[*original]).as_deref() == Some(&[*kind]))?;
    Some([&[original][..], rest].concat())
}

pub(super) fn conversation_key(id: ConversationId) -> Vec<u8> {
    let (kind, id) = match id {
        ConversationId::Room(room) => (0, room.0),
        ConversationId::Direct(person) => (1, person.0),
        ConversationId::Control(room) => (2, room.0),
    };
    [&[CONVERSATIONS, kind][..], &id].concat()
}

pub(super) fn read_conversation_key(key: &[u8]) -> Option<ConversationId> {
    let (&[CONVERSATIONS, kind], id) = key.split_first_chunk()? else { return None };
    match (kind, id.try_into().ok()?) {
        (0, id) => Some(ConversationId::Room(RoomId(id))),
        (1, id) => Some(ConversationId::Direct(PersonId(id))),
        (2, id) => Some(ConversationId::Control(RoomId(id))),
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

pub(super) fn invite_key(ticket: TicketId) -> Vec<u8> {
    [&[INVITES][..], &ticket.0].concat()
}

pub(super) fn opening_key(ticket: TicketId) -> Vec<u8> {
    [&[OPENINGS][..], &ticket.0].concat()
}

pub(super) fn member_key(room: RoomId, person: PersonId) -> Vec<u8> {
    [&[MEMBERS][..], &room.0, &person.0].concat()
}

pub(super) fn read_member_key(key: &[u8]) -> Option<(RoomId, PersonId)> {
    let (&[MEMBERS], ids) = key.split_first_chunk()? else { return None };
    let (room, person) = ids.split_first_chunk()?;
    Some((RoomId(*room), PersonId(person.try_into().ok()?)))
}

pub(super) fn secret_key(room: RoomId, step: EntryId) -> Vec<u8> {
    [&[SECRETS][..], &room.0, &step.0].concat()
}

/// Opens every key of one conversation's entries, changes or days.
pub(super) fn conversation_prefix(kind: u8, conversation: Number) -> Vec<u8> {
    [&[kind][..], &conversation.to_be_bytes()].concat()
}

pub(super) fn entry_key(conversation: Number, key: EntryKey) -> Vec<u8> {
    with_place(conversation_prefix(ENTRIES, conversation), key)
}

/// Opens the keys of all changes of one post.
pub(super) fn changes_prefix(conversation: Number, post: EntryKey) -> Vec<u8> {
    with_place(conversation_prefix(CHANGES, conversation), post)
}

pub(super) fn change_key(conversation: Number, post: EntryKey, change: EntryKey) -> Vec<u8> {
    with_place(changes_prefix(conversation, post), change)
}

pub(super) fn day_key(conversation: Number, day: u32) -> Vec<u8> {
    [&conversation_prefix(DAYS, conversation)[..], &day.to_be_bytes()].concat()
}

pub(super) fn read_day_key(key: &[u8]) -> Option<(Number, u32)> {
    let (number, day) = split_number(key.get(1..)?)?;
    Some((number, u32::from_be_bytes(day.try_into().ok()?)))
}

fn with_place(mut prefix: Vec<u8>, place: EntryKey) -> Vec<u8> {
    prefix.extend(place.clock.0.to_be_bytes());
    prefix.extend(place.id.0);
    prefix
}

/// The place that ends the key of an entry or a change.
pub(super) fn last_place(key: &[u8]) -> Option<EntryKey> {
    let (clock, id) = key.last_chunk::<PLACE>()?.split_first_chunk()?;
    Some(EntryKey { clock: Hlc(u64::from_be_bytes(*clock)), id: EntryId(id.try_into().ok()?) })
}

const PLACE: usize = 8 + 32;

/// Whether it may be an entry's key.
pub(super) fn is_entry_key(key: &[u8]) -> bool {
    key.first() == Some(&ENTRIES) && key.len() == 1 + size_of::<Number>() + PLACE
}

/// The bounds of a range of entries: from the first on, to before the second.
pub(super) fn entry_bounds(conversation: Number, range: KeyRange) -> (Vec<u8>, Vec<u8>) {
    let all = conversation_prefix(ENTRIES, conversation);
    let high = range.to.map_or_else(|| after_all(&all), |to| entry_key(conversation, to));
    let low = range.from.map_or(all, |from| entry_key(conversation, from));
    (low.min(high.clone()), high)
}

/// A bound after every key that opens with `prefix`: more bytes than follow one in any key.
pub(super) fn after_all(prefix: &[u8]) -> Vec<u8> {
    [prefix, &[0xff; 2 * PLACE + 1]].concat()
}

/// The place between `place` and the next one.
pub(super) fn just_after(place: EntryKey) -> EntryKey {
    let mut id = place.id.0;
    for byte in id.iter_mut().rev() {
        *byte = byte.wrapping_add(1);
        if *byte > 0 {
            return EntryKey { id: EntryId(id), ..place };
        }
    }
    EntryKey { clock: Hlc(place.clock.0.saturating_add(1)), id: EntryId(id) }
}

/// Reads a big-endian number off the front of a value.
pub(super) fn split_number(value: &[u8]) -> Option<(Number, &[u8])> {
    value.split_first_chunk().map(|(number, rest)| (Number::from_be_bytes(*number), rest))
}

/// Kind, delivery (tag and detail), time, certificate's number, signature; the rest is the body.
const HEAD: usize = 1 + DELIVERY + 8 + 4 + 64;
const DELIVERY: usize = 1 + 4;

/// The kind of a post.
const POST: u8 = 0;
/// The kind of a change.
const CHANGE: u8 = 1;

/// The tag of [`Delivery::Received`].
const RECEIVED: u8 = 0;
/// The tag of [`Delivery::Queued`].
const QUEUED: u8 = 1;

/// Refusals by their number on the disk.
const REFUSALS: [Refusal; 6] = [
    Refusal::Invalid,
    Refusal::WrongConversation,
    Refusal::ClockAhead,
    Refusal::NotAuthor,
    Refusal::OverQuota,
    Refusal::TooOld,
];

fn delivery_bytes(delivery: Delivery) -> [u8; DELIVERY] {
    let (tag, detail) = match delivery {
        Delivery::Received => (RECEIVED, 0),
        Delivery::Queued => (QUEUED, 0),
        Delivery::Sent { members } => (2, members),
        Delivery::Delivered => (3, 0),
        Delivery::Failed { reason: Refusal::Invalid } => (4, 0),
        Delivery::Failed { reason: Refusal::WrongConversation } => (4, 1),
        Delivery::Failed { reason: Refusal::ClockAhead } => (4, 2),
        Delivery::Failed { reason: Refusal::NotAuthor } => (4, 3),
        Delivery::Failed { reason: Refusal::OverQuota } => (4, 4),
        Delivery::Failed { reason: Refusal::TooOld } => (4, 5),
    };
    let [a, b, c, d] = detail.to_be_bytes();
    [tag, a, b, c, d]
}

pub(super) fn read_delivery(tag: u8, detail: u32) -> Option<Delivery> {
    match tag {
        RECEIVED => Some(Delivery::Received),
        QUEUED => Some(Delivery::Queued),
        2 => Some(Delivery::Sent { members: detail }),
        3 => Some(Delivery::Delivered),
        4 => Some(Delivery::Failed { reason: *REFUSALS.get(usize::try_from(detail).ok()?)? }),
        _ => None,
    }
}

/// Stands in the last byte of the delivery of what was received, and that the reader knows of anyway.
const KNOWN: u8 = 1;

/// The value of an entry whose certificate has the number `cert`.
pub(super) fn entry_value(stored: &StoredEntry, cert: Number) -> Vec<u8> {
    let (body, _, signature) = stored.entry.envelope().parts();
    let mut value = Vec::with_capacity(HEAD + body.len());
    value.push(if stored.entry.content().is_post() { POST } else { CHANGE });
    let [tag, a, b, c, detail] = delivery_bytes(stored.delivery);
    let is_known = stored.delivery == Delivery::Received && stored.entry.content().is_known_to_reader();
    value.extend([tag, a, b, c, if is_known { KNOWN } else { detail }]);
    value.extend(stored.received_ms.to_be_bytes());
    value.extend(cert.to_be_bytes());
    value.extend(signature);
    value.extend(body);
    value
}

/// The same entry's value with another delivery.
pub(super) fn with_delivery(value: &[u8], delivery: Delivery) -> Vec<u8> {
    let mut value = value.to_vec();
    if let Some(bytes) = value.get_mut(1..=DELIVERY) {
        bytes.copy_from_slice(&delivery_bytes(delivery));
    }
    value
}

/// Whether it is a post.
pub(super) fn is_post(value: &[u8]) -> bool {
    value.first() == Some(&POST)
}

/// Whether it is a post of somebody else that has to be read to be known.
pub(super) fn is_unread_until_read(value: &[u8]) -> bool {
    value.starts_with(&[POST, RECEIVED]) && value.get(DELIVERY) != Some(&KNOWN)
}

/// Whether the entry, post or change, waits to go out.
pub(super) fn is_queued(value: &[u8]) -> bool {
    value.get(1) == Some(&QUEUED)
}

/// The number of the certificate of the device that wrote the entry.
pub(super) fn cert_of(value: &[u8]) -> Option<Number> {
    Some(split_number(value.get(1 + DELIVERY + 8..)?)?.0)
}

/// The value beside a change's key.
pub(super) fn change_value(change: &Content) -> Vec<u8> {
    vec![u8::from(matches!(change, Content::Delete { .. }))]
}

/// Whether the change with this value takes its post back.
pub(super) fn is_delete(value: &[u8]) -> bool {
    value == [1]
}

/// Count, sum and newest entry of a day.
pub(super) fn digest_value(digest: &Digest) -> Vec<u8> {
    let counted = [&digest.count.to_be_bytes()[..], &digest.sum].concat();
    digest.newest.map_or(counted.clone(), |newest| with_place(counted, newest))
}

pub(super) fn read_digest(value: &[u8]) -> Option<Digest> {
    let (count, rest) = value.split_first_chunk()?;
    let (sum, newest) = rest.split_first_chunk()?;
    let newest = (newest.len() == PLACE).then(|| last_place(newest))?;
    Some(Digest { count: u64::from_be_bytes(*count), sum: *sum, newest })
}

/// Reads an entry back. `None` when anything in it is not what was written, its key included.
pub(super) fn read_entry<'c>(
    key: &[u8],
    value: &[u8],
    cert: impl FnOnce(Number) -> Option<&'c DeviceCert>,
) -> Option<StoredEntry> {
    // The id is a hash of the signed bytes, so this proves them.
    read_entry_value(value, cert).filter(|stored| last_place(key) == Some(stored.entry.key()))
}

/// The same where its key cannot be told: its signature alone proves it then.
pub(super) fn read_entry_value<'c>(
    value: &[u8],
    cert: impl FnOnce(Number) -> Option<&'c DeviceCert>,
) -> Option<StoredEntry> {
    let (&[kind, tag], rest) = value.split_first_chunk()?;
    let (detail, rest) = split_number(rest)?;
    let (received_ms, rest) = rest.split_first_chunk()?;
    let (cert_number, rest) = split_number(rest)?;
    let (signature, body) = rest.split_first_chunk()?;
    let envelope = Unverified::from_parts(body.to_vec(), cert(cert_number)?.clone(), *signature);
    let entry = envelope.trust_stored().ok()?;
    let is_itself = (kind == POST) == entry.content().is_post();
    let delivery = read_delivery(tag, detail)?;
    is_itself.then_some(StoredEntry { entry, delivery, received_ms: u64::from_be_bytes(*received_ms) })
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
    fn a_digest_survives_its_bytes() {
        let mut digest = Digest::default();
        digest.add(EntryKey { clock: Hlc(7), id: EntryId([3; 32]) });
        assert_eq!(read_digest(&digest_value(&digest)), Some(digest));
        assert_eq!(read_digest(&digest_value(&digest)[1..]), None);
    }

    #[test]
    fn nothing_stands_between_a_place_and_the_one_just_after() {
        let place = |clock, id| EntryKey { clock: Hlc(clock), id: EntryId(id) };
        let mut carried = [0; 32];
        carried[30] = 1;
        let mut low = [0; 32];
        low[31] = 0xff;
        assert_eq!(just_after(place(5, low)), place(5, carried));
        assert_eq!(just_after(place(5, [0xff; 32])), place(6, [0; 32]));
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
