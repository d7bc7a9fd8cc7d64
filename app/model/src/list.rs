//! The lists of rooms and chats: order, one line of preview, unread marks.

use kinmesh_core::{ChatView, EntryView, IntroducedView, InvitedView, RoomView, UNREAD_CAP, Withheld};
use kinmesh_proto::{ConversationId, PersonId};
use unicode_segmentation::UnicodeSegmentation;

use crate::directory::{Directory, avatar_color};
use crate::timeline::{CallNote, Said};

/// Characters of a preview: more than the widest list shows.
const PREVIEW_GRAPHEMES_MAX: usize = 80;

/// One conversation in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Which one.
    pub conversation: ConversationId,
    /// The room's or the person's name.
    pub title: String,
    /// The fingerprint of the person, or of who founded the room, where names clash.
    pub fingerprint: Option<String>,
    /// Which of the avatar colours.
    pub color: usize,
    /// Whether the person is here; `None` for a room.
    pub online: Option<bool>,
    /// Whether we are in it. A room that was left can still be read.
    pub joined: bool,
    /// The newest entry in one line.
    pub preview: Option<Preview>,
    /// When the newest entry was written, in Unix milliseconds.
    pub at_ms: Option<u64>,
    /// Entries not read yet.
    pub unread: usize,
}

/// One line of the newest entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preview {
    /// Who wrote it, where that is not clear.
    pub by: Option<Speaker>,
    /// The text in one line; `None` for content of a later version, and for what was taken back.
    pub text: Option<String>,
    /// The contact that is passed on, if it is that.
    pub introduces: Option<IntroducedView>,
    /// The private room that it invites to, if it does.
    pub invites_to: Option<InvitedView>,
    /// What became of a call, if it is about one.
    pub call: Option<CallNote>,
    /// Whether it is sealed with a key of the room that is not here.
    pub sealed: bool,
    /// Why it is not shown, if it is not.
    pub withheld: Option<Withheld>,
    /// Whether its author took it back.
    pub deleted: bool,
}

impl Preview {
    /// What the entry says.
    pub fn said(&self) -> Said<'_> {
        if let (None, Some(why)) = (&self.text, &self.withheld) {
            return Said::Withheld(why);
        }
        match (&self.text, &self.introduces, &self.invites_to, self.call) {
            _ if self.deleted => Said::Deleted,
            _ if self.sealed => Said::Sealed,
            (Some(text), ..) => Said::Text(text),
            (_, Some(introduced), ..) => Said::Introduction(introduced),
            (_, _, Some(invited), _) => Said::Invitation(invited),
            (.., Some(call)) => Said::Call(call),
            (None, None, None, None) => Said::Unreadable,
        }
    }
}

/// Who wrote the newest entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Speaker {
    /// Ourselves.
    Me,
    /// Somebody else, by name.
    Other(String),
}

/// Rooms whose name holds `filter`: those we are in, and with a filter those we left too.
pub fn room_rows(rooms: &[RoomView], me: PersonId, names: &Directory, filter: &str) -> Vec<Row> {
    let filter = filter.trim().to_lowercase();
    let shown = |room: &&RoomView| {
        let matches = room.name.as_str().to_lowercase().contains(&filter);
        matches && (room.joined || !filter.is_empty())
    };
    let rows = rooms.iter().filter(shown).map(|room| Row {
        conversation: ConversationId::Room(room.room),
        title: room.name.as_str().to_owned(),
        fingerprint: room.clashing_fingerprint().map(str::to_owned),
        color: avatar_color(&room.room.0),
        online: None,
        joined: room.joined,
        preview: room.last.as_ref().map(|entry| preview(entry, me, Some(names))),
        at_ms: room.last.as_ref().map(|entry| entry.written_ms),
        unread: room.unread,
    });
    newest_first(rows.collect())
}

/// Chats with people whose name or fingerprint holds `filter`.
pub fn chat_rows(chats: &[ChatView], me: PersonId, names: &Directory, filter: &str) -> Vec<Row> {
    let filter = filter.trim().to_lowercase();
    let rows = chats.iter().map(|chat| {
        let face = names.face(chat.person);
        Row {
            conversation: ConversationId::Direct(chat.person),
            fingerprint: face.name_clashes.then(|| face.fingerprint.clone()),
            color: face.color,
            online: Some(face.online),
            joined: true,
            preview: chat.last.as_ref().map(|entry| preview(entry, me, None)),
            at_ms: chat.last.as_ref().map(|entry| entry.written_ms),
            unread: chat.unread,
            title: face.name,
        }
    });
    newest_first(rows.filter(|row| matches(row, &filter)).collect())
}

fn matches(row: &Row, filter: &str) -> bool {
    let by_fingerprint = match row.conversation {
        ConversationId::Direct(person) => person.fingerprint().contains(filter),
        ConversationId::Room(_) | ConversationId::Control(_) => false,
    };
    by_fingerprint || row.title.to_lowercase().contains(filter)
}

fn newest_first(mut rows: Vec<Row>) -> Vec<Row> {
    // The name decides between rooms that hold nothing yet.
    rows.sort_by(|a, b| b.at_ms.cmp(&a.at_ms).then_with(|| a.title.cmp(&b.title)));
    rows
}

fn preview(entry: &EntryView, me: PersonId, names: Option<&Directory>) -> Preview {
    let by = match names {
        _ if entry.author == me => Some(Speaker::Me),
        Some(names) => Some(Speaker::Other(names.face(entry.author).name)),
        None => None,
    };
    let text = entry.text.as_deref().map(one_line);
    let (introduces, invites_to) = (entry.introduces.clone(), entry.invites_to.clone());
    let (call, withheld) = (CallNote::of(entry, me), entry.withheld.clone());
    let (sealed, deleted) = (entry.sealed, entry.deleted);
    Preview { by, text, introduces, invites_to, call, sealed, withheld, deleted }
}

/// A text in one line, as much of it as a list may show.
pub fn one_line(text: &str) -> String {
    let mut line = String::new();
    for grapheme in text.graphemes(true).take(PREVIEW_GRAPHEMES_MAX) {
        // A line break of any kind is white space and control at once.
        line.push_str(if grapheme.chars().all(char::is_control) { " " } else { grapheme });
    }
    line
}

/// The number in an unread mark: nothing for none, and no more than it has room for.
pub fn badge(unread: usize) -> Option<String> {
    match unread {
        0 => None,
        UNREAD_CAP.. => Some(format!("{}+", UNREAD_CAP - 1)),
        _ => Some(unread.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_badge_has_room_for_its_largest_value() {
        assert_eq!(badge(0), None);
        assert_eq!(badge(1).as_deref(), Some("1"));
        assert_eq!(badge(999).as_deref(), Some("999"));
        assert_eq!(badge(1000).as_deref(), Some("999+"));
        assert_eq!(badge(123_456).as_deref(), Some("999+"));
    }

    #[test]
    fn a_preview_is_one_line() {
        assert_eq!(one_line("two\r\nlines\tand more"), "two lines and more");
        assert_eq!(one_line(&"👩‍👩‍👧".repeat(500)).graphemes(true).count(), PREVIEW_GRAPHEMES_MAX);
    }
}
