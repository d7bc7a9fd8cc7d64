//! The methods: params in, one call on the program, result out.
//!
//! `docs/rpc.md` and `docs/rpc.schema.json` describe each of them; a test holds them against real
//! answers.

use kinmesh_net::{ChangeError, PAGE_MAX};
use kinmesh_proto::{
    ConversationId, DisplayName, EntryKey, PageAt, PersonId, Privacy, RoomId, RoomName, StatusLine,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use tokio::sync::watch;

use super::fault::Fault;
use super::history::{self, Progress};
use super::{calls, invites, moderation, rooms, sound};
use crate::program::{Program, parse_link};

/// Ends the program; the session that is asked carries it out after its answer.
pub(super) const SHUTDOWN: &str = "shutdown";
/// Counts incompatible changes of the API.
const API: u32 = 1;
/// Entries of a page when the client does not say how many.
const PAGE_DEFAULT: usize = 50;

pub(super) type Outcome = Result<Value, Fault>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Profile {
    name: DisplayName,
    #[serde(default)]
    status: Option<StatusLine>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ByName {
    name: RoomName,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OfRoom {
    room: RoomId,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Send {
    conversation: ConversationId,
    text: String,
    #[serde(default)]
    reply_to: Option<EntryKey>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OfConversation {
    conversation: ConversationId,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OfEntry {
    conversation: ConversationId,
    key: EntryKey,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Edit {
    conversation: ConversationId,
    key: EntryKey,
    text: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct React {
    conversation: ConversationId,
    key: EntryKey,
    emoji: String,
    #[serde(default = "yes")]
    on: bool,
}

pub(super) fn yes() -> bool {
    true
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SetPrivacy {
    read_receipts: bool,
    typing: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Page {
    conversation: ConversationId,
    #[serde(default)]
    before: Option<EntryKey>,
    #[serde(default)]
    limit: Option<usize>,
    #[serde(default)]
    after: Option<EntryKey>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MarkRead {
    conversation: ConversationId,
    up_to: EntryKey,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Find {
    query: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OfPerson {
    person: PersonId,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Verify {
    person: PersonId,
    #[serde(default = "yes")]
    verified: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Introduce {
    to: PersonId,
    person: PersonId,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rename {
    person: PersonId,
    nickname: Option<DisplayName>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Follow {
    link: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Link {
    #[serde(default)]
    room: Option<RoomName>,
}

/// Carries out one call; one that takes long says in `progress` how far it is.
pub(super) async fn call(
    program: &Program,
    method: &str,
    params: Value,
    progress: &watch::Sender<Progress>,
) -> Outcome {
    let overview = || program.node.overview();
    match method {
        "version" => with(params, |Nothing {}| Ok(version())),
        "profile.get" => with(params, |Nothing {}| show(&overview().me)),
        "profile.set" => set_profile(program, read(params)?).await,
        "privacy.set" => set_privacy(program, read(params)?).await,
        "rooms.list" => with(params, |Nothing {}| show(&overview().rooms)),
        "rooms.join" => join(program, read(params)?).await,
        "rooms.leave" => leave(program, read(params)?).await,
        "rooms.members" => members(program, read(params)?).await,
        "rooms.create" => rooms::create(program, read(params)?).await,
        "rooms.enter" => rooms::enter(program, read(params)?).await,
        "rooms.add" => rooms::add(program, read(params)?).await,
        "rooms.remove" => rooms::remove(program, read(params)?).await,
        "rooms.set_role" => rooms::set_role(program, read(params)?).await,
        "rooms.set" => rooms::set(program, read(params)?).await,
        "rooms.set_picture" => rooms::set_room_picture(program, read(params)?).await,
        "rooms.picture" => with(params, |room| rooms::picture(program, room)),
        "rooms.carry_on" => rooms::carry_on(program, read(params)?).await,
        "rooms.found" => moderation::found(program, read(params)?).await,
        "rooms.enter_founded" => moderation::enter(program, read(params)?).await,
        "rooms.hide" => moderation::hide(program, read(params)?).await,
        "rooms.mute" => moderation::mute(program, read(params)?).await,
        "rooms.hide_here" => moderation::hide_here(program, read(params)?).await,
        "rooms.knock" => moderation::knock(program, read(params)?).await,
        "rooms.stop_knocking" => moderation::stop_knocking(program, read(params)?).await,
        "rooms.decline_knock" => moderation::decline_knock(program, read(params)?).await,
        "chats.list" => with(params, |Nothing {}| show(&overview().chats)),
        "conversation.send" => send(program, read(params)?).await,
        "conversation.edit" => edit(program, read(params)?).await,
        "conversation.delete" => delete(program, read(params)?).await,
        "conversation.react" => react(program, read(params)?).await,
        "conversation.edits" => edits(program, read(params)?).await,
        "conversation.typing" => with(params, |OfConversation { conversation }| {
            program.node.conversation(conversation).typing();
            Ok(Value::Null)
        }),
        "conversation.entry" => entry(program, read(params)?).await,
        "conversation.look" => look(program, read(params)?).await,
        "conversation.page" => page(program, read(params)?).await,
        "conversation.mark_read" => mark_read(program, read(params)?).await,
        "conversation.export" => history::export_one(program, read(params)?, progress).await,
        "search" => history::search(program, read(params)?).await,
        "history.export" => history::export(program, read(params)?, progress).await,
        "history.import" => history::import(read(params)?, progress).await,
        "people.list" => with(params, |Nothing {}| show(&overview().people)),
        "people.find" => with(params, |Find { query }| show(&program.node.find(&query))),
        "contacts.add" => set_contact(program, read(params)?, true).await,
        "contacts.remove" => set_contact(program, read(params)?, false).await,
        "contacts.requests" => with(params, |Nothing {}| show(&overview().requests)),
        "contacts.accept" => done(program.node.accept(person(params)?).await),
        "contacts.decline" => done(program.node.decline(person(params)?).await),
        "contacts.block" => done(program.node.set_blocked(person(params)?, true).await),
        "contacts.unblock" => done(program.node.set_blocked(person(params)?, false).await),
        "contacts.safety_number" => safety_number(program, person(params)?),
        "contacts.verify" => verify(program, read(params)?).await,
        "contacts.introduce" => introduce(program, read(params)?).await,
        "contacts.rename" => rename(program, read(params)?).await,
        "invites.create" => invites::create(program, read(params)?).await,
        "invites.list" => with(params, |Nothing {}| invites::list(program)),
        "invites.link" => invites::link(program, read(params)?).await,
        "invites.save" => invites::save(program, read(params)?).await,
        "invites.revoke" => invites::revoke(program, read(params)?).await,
        "invites.look" => with(params, |link| invites::look(program, link)),
        "invites.open" => invites::open(program, read(params)?).await,
        "invites.opened" => with(params, |Nothing {}| invites::opened(program)),
        "invites.dismiss" => invites::dismiss(program, read(params)?).await,
        "network.status" => with(params, |Nothing {}| show(&program.node.status())),
        "network.add" => follow(program, read(params)?).await,
        "network.link" => with(params, |Link { room }| Ok(link(program, room))),
        "sound.get" => with(params, |Nothing {}| sound::get(program)),
        "sound.set" => sound::set(program, read(params)?),
        "sound.devices" => {
            let Nothing {} = read(params)?;
            sound::devices().await
        }
        "sound.check" => sound::check(program, read(params)?).await,
        "sound.ring" => {
            let Nothing {} = read(params)?;
            sound::ring(program).await
        }
        "calls.list" => with(params, |Nothing {}| show(&overview().calls)),
        "calls.ring" => calls::ring(program, read(params)?).await,
        "calls.accept" => calls::accept(program, read(params)?).await,
        "calls.decline" => calls::decline(program, read(params)?).await,
        "calls.ignore" => calls::ignore(program, read(params)?).await,
        "calls.hang_up" => calls::hang_up(program, read(params)?).await,
        "calls.mute" => calls::mute(program, read(params)?).await,
        "calls.deafen" => with(params, |switch| calls::deafen(program, switch)),
        "calls.hold" => calls::hold(program, read(params)?).await,
        "calls.talk" => with(params, |switch| calls::talk(program, switch)),
        "calls.volume" => with(params, |volume| calls::volume(program, volume)),
        "calls.activation" => with(params, |activate| calls::activation(program, activate)),
        "calls.add" => calls::add(program, read(params)?).await,
        "calls.transfer" => calls::transfer(program, read(params)?).await,
        "calls.quality" => with(params, |Nothing {}| calls::quality(program)),
        "calls.enter_voice" => calls::enter_voice(program, read(params)?).await,
        SHUTDOWN => with(params, |Nothing {}| Ok(Value::Null)),
        _ => Err(Fault::unknown_method()),
    }
}

fn read<P: DeserializeOwned>(params: Value) -> Result<P, Fault> {
    let params = if params.is_null() { Value::Object(Map::new()) } else { params };
    serde_json::from_value(params).map_err(Fault::bad_params)
}

fn person(params: Value) -> Result<PersonId, Fault> {
    read(params).map(|OfPerson { person }| person)
}

fn done(changed: Result<(), ChangeError>) -> Outcome {
    changed?;
    Ok(Value::Null)
}

fn with<P: DeserializeOwned>(params: Value, answer: impl FnOnce(P) -> Outcome) -> Outcome {
    answer(read(params)?)
}

#[allow(clippy::expect_used)] // Views hold text, numbers and lists only: all of it is JSON.
pub(super) fn show(view: &impl Serialize) -> Outcome {
    Ok(serde_json::to_value(view).expect("a view is JSON"))
}

fn version() -> Value {
    json!({ "program": env!("CARGO_PKG_NAME"), "version": env!("CARGO_PKG_VERSION"), "api": API })
}

async fn set_profile(program: &Program, Profile { name, status }: Profile) -> Outcome {
    program.set_profile(name, status).await?;
    Ok(Value::Null)
}

async fn set_privacy(program: &Program, SetPrivacy { read_receipts, typing }: SetPrivacy) -> Outcome {
    program.node.set_privacy(Privacy { read_receipts, typing }).await?;
    Ok(Value::Null)
}

async fn join(program: &Program, ByName { name }: ByName) -> Outcome {
    let room = program.node.join_room(name).await?;
    show(&ConversationId::Room(room.id()))
}

async fn leave(program: &Program, OfRoom { room }: OfRoom) -> Outcome {
    program.node.room(room).leave().await?;
    Ok(Value::Null)
}

async fn members(program: &Program, OfRoom { room }: OfRoom) -> Outcome {
    show(&program.node.room(room).members().await?)
}

async fn send(program: &Program, Send { conversation, text, reply_to }: Send) -> Outcome {
    match reply_to {
        None => show(&program.send(conversation, text).await?),
        Some(to) => show(&program.node.conversation(conversation).reply(to, text).await?),
    }
}

async fn edit(program: &Program, Edit { conversation, key, text }: Edit) -> Outcome {
    program.node.conversation(conversation).edit(key, text).await?;
    Ok(Value::Null)
}

async fn delete(program: &Program, OfEntry { conversation, key }: OfEntry) -> Outcome {
    program.node.conversation(conversation).delete(key).await?;
    Ok(Value::Null)
}

async fn react(program: &Program, React { conversation, key, emoji, on }: React) -> Outcome {
    program.node.conversation(conversation).react(key, emoji, on).await?;
    Ok(Value::Null)
}

async fn edits(program: &Program, OfEntry { conversation, key }: OfEntry) -> Outcome {
    show(&program.node.conversation(conversation).edits(key).await?)
}

async fn entry(program: &Program, OfEntry { conversation, key }: OfEntry) -> Outcome {
    show(&program.node.conversation(conversation).post(key).await?)
}

async fn look(program: &Program, OfEntry { conversation, key }: OfEntry) -> Outcome {
    show(&program.node.conversation(conversation).look(key).await?)
}

async fn page(program: &Program, Page { conversation, before, limit, after }: Page) -> Outcome {
    let at = match (before, after) {
        (None, None) => PageAt::Newest,
        (Some(before), None) => PageAt::Before(before),
        (None, Some(after)) => PageAt::After(after),
        (Some(_), Some(_)) => return Err(Fault::bad_params("either before or after, not both")),
    };
    let limit = limit.unwrap_or(PAGE_DEFAULT);
    if !(1..=PAGE_MAX).contains(&limit) {
        return Err(Fault::bad_params(format_args!("limit must be 1 to {PAGE_MAX}")));
    }
    show(&program.node.conversation(conversation).page(at, limit).await?)
}

async fn mark_read(program: &Program, MarkRead { conversation, up_to }: MarkRead) -> Outcome {
    program.mark_read(conversation, up_to).await?;
    Ok(Value::Null)
}

async fn set_contact(program: &Program, OfPerson { person }: OfPerson, contact: bool) -> Outcome {
    program.node.set_contact(person, contact).await?;
    Ok(Value::Null)
}

fn safety_number(program: &Program, person: PersonId) -> Outcome {
    let number = program.node.safety_number(person);
    Ok(json!({ "words": number.words(), "qr": number.to_qr_text() }))
}

async fn verify(program: &Program, Verify { person, verified }: Verify) -> Outcome {
    done(program.node.set_verified(person, verified).await)
}

async fn introduce(program: &Program, Introduce { to, person }: Introduce) -> Outcome {
    show(&program.node.introduce(to, person).await?)
}

async fn rename(program: &Program, Rename { person, nickname }: Rename) -> Outcome {
    program.node.set_nickname(person, nickname).await?;
    Ok(Value::Null)
}

async fn follow(program: &Program, Follow { link }: Follow) -> Outcome {
    let room = program.follow(&parse_link(&link)?).await?;
    show(&room.map(|room| ConversationId::Room(room.id())))
}

fn link(program: &Program, room: Option<RoomName>) -> Value {
    json!({ "link": program.node.join_link(room).to_string() })
}
