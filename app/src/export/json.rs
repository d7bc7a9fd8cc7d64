//! JSON: one object with everything in it, one message a line.
//!
//! Its field names are a promise: a field may be added, none changes its meaning.

use jiff::Zoned;
use kinmesh_core::{EditView, IntroducedView, ReactionView};
use kinmesh_proto::{CallOutcome, ConversationId, Delivery, EntryKey, PersonId, RoomId};
use serde::Serialize;

use super::{Context, Form, Post};

/// Grows when a field changes its meaning or goes.
const VERSION: u32 = 1;

#[derive(Default)]
pub(super) struct Json {
    has_message: bool,
}

#[derive(Serialize)]
struct Head {
    format: &'static str,
    version: u32,
    exported_at: Option<String>,
    exported_by: Person,
    conversation: Conversation,
}

#[derive(Serialize)]
struct Person {
    id: PersonId,
    name: String,
    fingerprint: String,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
enum Conversation {
    Room { id: RoomId, name: String },
    Person(Person),
}

#[derive(Serialize)]
struct Message<'m> {
    key: EntryKey,
    author: Person,
    written_ms: u64,
    written_at: Option<String>,
    text: Option<&'m str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    introduces: Option<Person>,
    #[serde(skip_serializing_if = "Option::is_none")]
    call: Option<CallOutcome>,
    deleted: bool,
    edited_at: Option<String>,
    edits: Vec<Edit<'m>>,
    reply_to: Option<EntryKey>,
    reactions: Vec<Reaction<'m>>,
    delivery: Delivery,
    follows_gap: bool,
}

#[derive(Serialize)]
struct Edit<'m> {
    written_at: Option<String>,
    text: &'m str,
}

#[derive(Serialize)]
struct Reaction<'m> {
    emoji: &'m str,
    people: Vec<Person>,
}

impl Form for Json {
    fn begin(&mut self, context: &Context<'_>) -> String {
        let head = json(&Head {
            format: "kinmesh conversation",
            version: VERSION,
            exported_at: Some(rfc3339(&context.now())),
            exported_by: person(context, context.overview.me.person),
            conversation: match context.conversation {
                ConversationId::Room(id) | ConversationId::Control(id) => {
                    Conversation::Room { id, name: context.title() }
                }
                ConversationId::Direct(id) => Conversation::Person(person(context, id)),
            },
        });
        // The messages are the object's last field.
        format!("{},\"messages\":[", head.strip_suffix('}').unwrap_or(&head))
    }

    fn post(&mut self, context: &Context<'_>, post: &Post) -> String {
        let separator = if std::mem::replace(&mut self.has_message, true) { ",\n" } else { "\n" };
        format!("{separator}{}", json(&message(context, post)))
    }

    fn end(&mut self) -> String {
        "\n]}\n".to_owned()
    }
}

fn message<'m>(context: &Context<'_>, post: &'m Post) -> Message<'m> {
    let Post { view, edits, .. } = post;
    let at = |unix_ms| context.time(unix_ms).as_ref().map(rfc3339);
    let edit = |edit: &'m EditView| Edit { written_at: at(edit.written_ms), text: &edit.text };
    let reaction = |reaction: &'m ReactionView| Reaction {
        emoji: &reaction.emoji,
        people: reaction.people.iter().map(|who| person(context, *who)).collect(),
    };
    Message {
        key: view.key,
        author: person(context, view.author),
        written_ms: view.written_ms,
        written_at: at(view.written_ms),
        text: view.text.as_deref(),
        introduces: view.introduces.as_ref().map(introduced),
        call: view.call,
        deleted: view.deleted,
        edited_at: view.edited_ms.and_then(at),
        edits: edits.iter().map(edit).collect(),
        reply_to: view.reply_to,
        reactions: view.reactions.iter().map(reaction).collect(),
        delivery: view.delivery,
        follows_gap: view.follows_gap,
    }
}

fn introduced(introduced: &IntroducedView) -> Person {
    let IntroducedView { person: id, name } = introduced;
    Person { id: *id, name: name.as_str().to_owned(), fingerprint: id.fingerprint() }
}

fn person(context: &Context<'_>, id: PersonId) -> Person {
    Person { id, name: context.name(id).0, fingerprint: id.fingerprint() }
}

fn rfc3339(time: &Zoned) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S%.3f%:z").to_string()
}

#[allow(clippy::expect_used)] // Our own types have text for keys and no number that JSON lacks.
fn json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("own types always encode")
}
