//! Reads a part of a conversation's history.

use kinmesh_model::timeline::HELD_CAP;
use kinmesh_model::{Part, Piece};
use kinmesh_net::{ConversationHandle, ReadError};
use kinmesh_proto::{EntryKey, PageAt};

/// Entries read at once: a little more than a tall window shows.
const PAGE: usize = 60;
/// Entries read on either side of one: all that a timeline holds.
const HALF: usize = HELD_CAP / 2 - 1;

/// Reads a part of the history.
pub(super) async fn read(conversation: ConversationHandle, part: Part) -> Result<Piece, ReadError> {
    let (at, has_start, has_end) = match part {
        Part::Newest => (PageAt::Newest, false, true),
        Part::Before(key) => (PageAt::Before(key), false, false),
        Part::After(key) => (PageAt::After(key), false, false),
        Part::Around(key) => return around(&conversation, key).await,
    };
    let entries = conversation.page(at, PAGE).await?;
    let is_last = entries.len() < PAGE;
    let is_after = matches!(part, Part::After(_));
    Ok(Piece {
        entries,
        has_start: has_start || (is_last && !is_after),
        has_end: has_end || (is_last && is_after),
    })
}

async fn around(conversation: &ConversationHandle, key: EntryKey) -> Result<Piece, ReadError> {
    let mut entries = conversation.page(PageAt::Before(key), HALF).await?;
    let has_start = entries.len() < HALF;
    entries.extend(conversation.post(key).await?);
    let after = conversation.page(PageAt::After(key), HALF).await?;
    let has_end = after.len() < HALF;
    entries.extend(after);
    Ok(Piece { entries, has_start, has_end })
}
