//! The history itself: the same entries for each store, made from one seed and signed for real.

use kinmesh_proto::{
    Content, ConversationId, DeviceKeys, Entry, EntryBody, EntryKey, Hlc, RoomId, Unverified,
};

use super::words::{Dice, message};
use super::{AUTHORS, CONVERSATIONS};

/// When it begins, in Unix milliseconds.
const START_MS: u64 = 1_700_000_000_000;
/// It lasts some 400 days, however long it is.
const LASTS_MS: u64 = 400 * 24 * 3600 * 1000;

/// An entry before it is signed.
struct Draft {
    conversation: usize,
    author: usize,
    text: String,
}

/// The conversation of this number.
pub(crate) fn conversation(number: usize) -> ConversationId {
    ConversationId::Room(RoomId([u8::try_from(number).unwrap_or(u8::MAX); 32]))
}

/// What all entries say, in the order in which they were written.
pub(crate) fn texts(entries: usize) -> impl Iterator<Item = String> {
    drafts(entries).map(|draft| draft.text)
}

/// All entries in the order in which they were written, each with its conversation's number.
pub(crate) fn written(entries: usize) -> impl Iterator<Item = (usize, Entry)> {
    let authors: Vec<DeviceKeys> = (0..AUTHORS).map(author).collect();
    let mut heads: Vec<Option<EntryKey>> = vec![None; CONVERSATIONS];
    let step_ms = (LASTS_MS / entries as u64).max(1);
    drafts(entries).enumerate().map(move |(index, draft)| {
        let head = &mut heads[draft.conversation];
        let body = EntryBody {
            conversation: conversation(draft.conversation).tag(authors[0].person()),
            clock: Hlc::from_ms(START_MS + index as u64 * step_ms),
            seq: index as u64 + 1,
            prev: head.iter().copied().collect(),
            content: Content::text(draft.text),
        };
        let entry = Unverified::sign(body, &authors[draft.author]);
        *head = Some(entry.key());
        (draft.conversation, entry)
    })
}

fn drafts(entries: usize) -> impl Iterator<Item = Draft> {
    let mut dice = Dice::new(7);
    (0..entries).map(move |_| Draft {
        conversation: dice.below(CONVERSATIONS),
        author: dice.below(AUTHORS),
        text: message(&mut dice),
    })
}

fn author(number: usize) -> DeviceKeys {
    let seed = u8::try_from(number).unwrap_or_default();
    DeviceKeys::generate(&[seed; 32], &[seed ^ 0x80; 32], START_MS)
}

/// What must be kept of an entry in any case: its place, what was signed, and the signature.
pub(crate) fn live_bytes(entry: &Entry) -> u64 {
    let (body, _, signature) = entry.envelope().parts();
    let place = size_of::<u64>() + entry.id().0.len();
    (place + body.len() + signature.len()) as u64
}
