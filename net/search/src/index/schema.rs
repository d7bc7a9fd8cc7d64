//! What the index keeps of an entry, and how it is written.

use kinmesh_proto::{ConversationId, PersonId, RoomId};
use tantivy::schema::{BytesOptions, FAST, Field, Schema};
use tantivy::{TantivyDocument, Term};

use super::{Document, Findable};
use crate::words;

/// The number of what is written: the fields, the keys, and how text is cut. An index of another
/// number is built anew.
const FORMAT: u32 = 1;

/// Columns are read by name.
pub(super) const CONVERSATION: &str = "conversation";
pub(super) const CLOCK: &str = "clock";
pub(super) const HEAD: &str = "head";

/// The fields of a document. One document stands for one entry; no text is stored in it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fields {
    /// Every entry's conversation.
    conversation: Field,
    /// Every entry's clock: the order of the documents.
    clock: Field,
    /// The head of every entry's id.
    head: Field,
    /// Every entry's conversation and day, to be looked up.
    pub(super) day: Field,
    /// Who wrote it. Only what can be found.
    author: Field,
    /// Its terms. Only what can be found. Without positions: the text itself says what stands where.
    pub(super) terms: Field,
    /// The first letters of its words, since the first letter typed would else be thousands of terms.
    initials: Field,
}

impl Fields {
    pub(super) fn new() -> (Self, Schema) {
        let mut schema = Schema::builder();
        let looked_up = BytesOptions::default().set_indexed();
        let fields = Self {
            conversation: schema.add_bytes_field(CONVERSATION, BytesOptions::default().set_fast()),
            clock: schema.add_u64_field(CLOCK, FAST),
            head: schema.add_u64_field(HEAD, FAST),
            day: schema.add_bytes_field("day", looked_up.clone()),
            author: schema.add_bytes_field("author", looked_up.clone()),
            // The index keeps its schema, and in this name the number of its format.
            terms: schema.add_bytes_field(&format!("terms {FORMAT}"), looked_up.clone()),
            initials: schema.add_bytes_field("initials", looked_up),
        };
        (fields, schema.build())
    }

    pub(super) fn write(self, document: &Document) -> TantivyDocument {
        let Document { place, found_by } = document;
        let mut written = TantivyDocument::new();
        written.add_bytes(self.conversation, &conversation_key(place.conversation));
        written.add_u64(self.clock, place.clock.0);
        written.add_u64(self.head, place.head);
        written.add_bytes(self.day, &day_key(place.conversation, place.day()));
        if let Some(Findable { author, parts }) = found_by {
            written.add_bytes(self.author, author.as_bytes());
            words::for_each_initial(parts, |initial| written.add_bytes(self.initials, initial.as_bytes()));
            words::for_each_term(parts, |term| written.add_bytes(self.terms, term.as_bytes()));
        }
        written
    }

    pub(super) fn day_term(self, conversation: ConversationId, day: u32) -> Term {
        Term::from_field_bytes(self.day, &day_key(conversation, day))
    }

    pub(super) fn author_term(self, author: PersonId) -> Term {
        Term::from_field_bytes(self.author, author.as_bytes())
    }

    pub(super) fn term(self, term: &str) -> Term {
        Term::from_field_bytes(self.terms, term.as_bytes())
    }

    pub(super) fn initial_term(self, initial: &str) -> Term {
        Term::from_field_bytes(self.initials, initial.as_bytes())
    }
}

/// Sorts by conversation, then by day.
fn day_key(conversation: ConversationId, day: u32) -> Vec<u8> {
    [&conversation_key(conversation)[..], &day.to_be_bytes()].concat()
}

fn conversation_key(conversation: ConversationId) -> [u8; 33] {
    let (kind, id) = match conversation {
        ConversationId::Room(room) => (0, room.0),
        ConversationId::Direct(person) => (1, person.0),
        ConversationId::Control(room) => (2, room.0),
    };
    let mut key = [kind; 33];
    key[1..].copy_from_slice(&id);
    key
}

pub(super) fn read_conversation_key(key: &[u8]) -> Option<ConversationId> {
    let (kind, id) = key.split_first()?;
    let id = id.try_into().ok()?;
    match kind {
        0 => Some(ConversationId::Room(RoomId(id))),
        1 => Some(ConversationId::Direct(PersonId(id))),
        2 => Some(ConversationId::Control(RoomId(id))),
        _ => None,
    }
}
