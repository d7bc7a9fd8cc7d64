//! Format 1, which no release ever wrote: what is carried over from it, and what cannot be.
//!
//! Its entries were signed in another form, so they prove nothing to anybody now, and nobody can
//! sign them again but each author. They are written to a file for people instead.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::path::Path;

use jiff::Timestamp;
use kinmesh_proto::{
    ConversationId, ConversationRecord, Delivery, EntryKey, PersonId, PersonRecord, RoomName,
};
use serde::{Deserialize, Serialize};

use crate::disk::layout;
use crate::disk::rebuild::{Copied, Records, Source};
use crate::disk::tree::decode;
use crate::error::StoreError;

/// The file for people.
const READABLE: &str = "entries.json";

#[derive(Deserialize)]
struct Conversation {
    id: ConversationId,
    name: Option<RoomName>,
    open: bool,
    read: Option<EntryKey>,
    seq: u64,
}

/// Reads a conversation's record.
pub(super) fn conversation(record: &[u8]) -> Option<ConversationRecord> {
    let Conversation { id, name, open, read, seq } = decode(record)?;
    Some(ConversationRecord { open, read, seq_reserved: seq, ..ConversationRecord::new(id, name) })
}

#[derive(Deserialize)]
struct Body {
    c: Content,
}

#[derive(Deserialize)]
struct Content {
    x: Option<String>,
}

/// An entry as a person reads it.
#[derive(Serialize)]
struct Readable {
    at: String,
    from: Option<String>,
    person: PersonId,
    text: Option<String>,
    delivery: Delivery,
    key: EntryKey,
}

/// Writes all entries to a file in `dir`.
pub(super) fn export(source: &Source, records: &Records, dir: &Path) -> Result<Copied, StoreError> {
    let people = records.all::<PersonRecord>(layout::PEOPLE);
    let names = people.map(|record| (record.person, record.name.to_string())).collect();
    let mut conversations = BTreeMap::<ConversationId, Vec<Readable>>::new();
    source.each_entry(|key, value, _| {
        if let Some((conversation, entry)) = read_entry(records, &names, key, value) {
            conversations.entry(conversation).or_default().push(entry);
        }
        Ok(())
    })?;
    let count = conversations.values().map(|entries| entries.len() as u64).sum();
    let mut file = BufWriter::new(File::create(dir.join(READABLE))?);
    let conversations: Vec<_> = conversations.into_iter().collect();
    serde_json::to_writer_pretty(&mut file, &conversations).map_err(io::Error::from)?;
    file.flush()?;
    Ok(Copied { kept: 0, lost: count, readable: Some(READABLE) })
}

fn read_entry(
    records: &Records,
    names: &HashMap<PersonId, String>,
    key: &[u8],
    value: &[u8],
) -> Option<(ConversationId, Readable)> {
    let (number, _) = layout::split_number(key.get(1..)?)?;
    let key = layout::last_place(key)?;
    let (&[tag], rest) = value.split_first_chunk()?;
    let (detail, rest) = layout::split_number(rest)?;
    let (_received_ms, rest) = rest.split_first_chunk::<8>()?;
    let (cert, rest) = layout::split_number(rest)?;
    let (_signature, body) = rest.split_first_chunk::<64>()?;
    let person = records.cert_of(cert)?.person;
    let Body { c: Content { x: text } } = decode(body)?;
    let at = Timestamp::from_millisecond(i64::try_from(key.clock.ms()).ok()?).ok()?.to_string();
    // Ourselves, and whoever was forgotten since, are known by their ids alone.
    let from = names.get(&person).cloned();
    let delivery = layout::read_delivery(tag, detail)?;
    Some((records.conversation_of(number)?, Readable { at, from, person, text, delivery, key }))
}
