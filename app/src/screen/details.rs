//! The details beside a conversation: a room's members, or who the other is.

use iced::widget::{Column, column, container, progress_bar, row, scrollable, text};
use iced::{Center, Fill, Padding, Task};
use kinmesh_core::{Acquaintance, FoundedView, Mute, PersonView, PrivateView, RoomAccess, RoomView};
use kinmesh_model::call::can_call;
use kinmesh_model::{Face, initial};
use kinmesh_net::RoomError;
use kinmesh_proto::{ConversationId, Door, Past, PersonId, Role, RoomId, RoomName, RoomSettings};

use super::contact::{self, Act};
use super::conversation::room;
use super::dialog::new_room::SLOW_MS;
use super::{Cx, words};
use crate::i18n::{tr, tr_args};
use crate::program::Program;
use crate::theme::{self, side, size, space as gap, stroke};
use crate::widget::ellipsis::ellipsis;
use crate::widget::{self, AvatarSize, Element};

/// Where a member's name begins, beside the avatar, less what a link has around it.
const INDENT: f32 = gap::M + side::AVATAR_SMALL + gap::M;
/// Members drawn at once; the number above them counts all.
const MEMBERS_CAP: usize = 200;
/// How long somebody is muted by a press, in milliseconds. The terminal and programs name any time.
const MUTE_MS: u64 = 60 * 60 * 1000;

/// What can happen here.
#[derive(Debug, Clone)]
pub enum Message {
    /// Somebody is to be invited into this room.
    Invite(RoomId),
    /// The room is to be left.
    Leave(RoomId),
    /// Somebody is to be let into this private room.
    Admit(RoomId),
    /// Somebody is to be put out of it.
    Expel(RoomId, PersonId),
    /// The room is to be carried on.
    CarryOn(RoomId),
    /// The room is to have another picture.
    Picture(RoomId),
    /// This room is wanted.
    OpenRoom(RoomId),
    /// Somebody is to be muted in a room for an hour, or no longer.
    Mute(RoomId, PersonId, bool),
    /// Somebody who knocks is let in, or turned away.
    Answer(RoomId, PersonId, bool),
    /// The settings of a room are to be these.
    Settings(RoomId, Box<RoomSettings>),
    /// Somebody is to have this role in it.
    SetRole(RoomId, PersonId, Role),
    /// The chat with a member is wanted.
    OpenPerson(PersonId),
    /// Something is to be done about a person.
    Contact(PersonId, Act),
    /// The safety number with a person is wanted.
    Safety(PersonId),
    /// A person is to be passed on to somebody.
    Introduce(PersonId),
    /// A private name is to be given.
    Rename(PersonId),
    /// They are to be rung.
    Ring(PersonId),
    /// Work is done whose result is told by an event.
    Done(Result<(), String>),
}

/// What the parent is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The chat with a person is wanted.
    OpenPerson(PersonId),
    /// They are to be rung.
    Ring(PersonId),
    /// The dialog that gives a private name is wanted.
    Rename(PersonId),
    /// The dialog with the safety number is wanted.
    Safety(PersonId),
    /// The dialog that passes a contact on is wanted.
    Introduce(PersonId),
    /// The dialog that invites somebody into a room is wanted.
    Invite(RoomId, RoomName),
    /// The dialog that lets a contact into a private room is wanted.
    Admit(RoomId),
    /// The dialog that carries a private room on is wanted.
    CarryOn(RoomId),
    /// The dialog that gives a room a picture is wanted.
    Picture(RoomId),
    /// This room is wanted.
    OpenRoom(RoomId),
    /// Something to say for a moment.
    Toast(String),
}

/// Takes a message. The details hold nothing of their own.
pub fn update(message: Message, program: &Program, cx: &Cx) -> (Task<Message>, Option<Event>) {
    let node = program.node.clone();
    match message {
        Message::Invite(id) => (Task::none(), room(cx, id).map(|room| Event::Invite(id, room.name.clone()))),
        Message::Leave(id) => {
            let work = async move { node.room(id).leave().await };
            (Task::perform(work, done), None)
        }
        Message::Admit(id) => (Task::none(), Some(Event::Admit(id))),
        Message::Expel(id, person) => {
            (decided(async move { node.room(id).remove(person, None).await }), None)
        }
        Message::Mute(id, person, mutes) => {
            let until_ms = if mutes { cx.clock.now_ms() + MUTE_MS } else { 0 };
            let mute = Mute { until_ms, from_ms: None };
            (decided(async move { node.room(id).mute(person, mute).await }), None)
        }
        Message::Answer(id, person, lets_in) => {
            let room = node.room(id);
            let work = async move {
                if lets_in { room.add(person).await } else { room.decline_knock(person).await }
            };
            (decided(work), None)
        }
        Message::Settings(id, settings) => {
            (decided(async move { node.room(id).set_settings(*settings).await }), None)
        }
        Message::CarryOn(id) => (Task::none(), Some(Event::CarryOn(id))),
        Message::Picture(id) => (Task::none(), Some(Event::Picture(id))),
        Message::OpenRoom(id) => (Task::none(), Some(Event::OpenRoom(id))),
        Message::SetRole(id, person, role) => {
            (decided(async move { node.room(id).set_role(person, role).await }), None)
        }
        Message::Contact(person, act) => (contact::act(person, act, program).map(Message::Done), None),
        Message::Safety(person) => (Task::none(), Some(Event::Safety(person))),
        Message::Introduce(person) => (Task::none(), Some(Event::Introduce(person))),
        Message::OpenPerson(person) => (Task::none(), Some(Event::OpenPerson(person))),
        Message::Rename(person) => (Task::none(), Some(Event::Rename(person))),
        Message::Ring(person) => (Task::none(), Some(Event::Ring(person))),
        Message::Done(done) => (Task::none(), done.err().map(Event::Toast)),
    }
}

fn decided(work: impl Future<Output = Result<(), RoomError>> + Send + 'static) -> Task<Message> {
    Task::perform(work, |done| Message::Done(done.map_err(|error| words::room_error(&error))))
}

fn done(result: Result<(), kinmesh_net::ChangeError>) -> Message {
    Message::Done(result.map_err(|error| words::change_error(&error)))
}

/// Draws them.
pub fn view<'a>(conversation: ConversationId, members: &'a [PersonId], cx: &'a Cx) -> Element<'a, Message> {
    let content = match conversation {
        ConversationId::Room(id) | ConversationId::Control(id) => {
            room(cx, id).map(|room| room_details(room, members, cx))
        }
        ConversationId::Direct(person) => cx.person(person).map(|person| person_details(person, cx)),
    };
    let content = content.unwrap_or_else(Column::new).width(Fill).padding([gap::L, 0.0]);
    container(scrollable(content).height(Fill)).height(Fill).style(theme::container::panel).into()
}

fn padded<'a>(content: impl Into<Element<'a, Message>>) -> Element<'a, Message> {
    container(content).padding(Padding::from([0.0, gap::L]).bottom(gap::M)).width(Fill).into()
}

fn title<'a>(words: String) -> Element<'a, Message> {
    padded(text(words).size(size::TEXT).font(theme::SEMIBOLD))
}

fn titled_card<'a>(
    title: String,
    sentence: String,
    actions: Vec<Element<'a, Message>>,
) -> Element<'a, Message> {
    let title = text(title).size(size::SECONDARY).font(theme::SEMIBOLD).line_height(theme::LINE);
    // The words in a link start where the card's text starts.
    let actions = (!actions.is_empty()).then(|| {
        let actions = row(actions).spacing(gap::L).wrap();
        container(actions).padding(Padding::ZERO.top(gap::S))
    });
    let sentence = (!sentence.is_empty()).then(|| widget::secondary(sentence));
    padded(widget::card(column![title].push(sentence).push(actions)))
}

fn room_details<'a>(
    room: &'a RoomView,
    members: &'a [PersonId],
    cx: &'a Cx,
) -> Column<'a, Message, theme::Theme> {
    let name = title(room.name.as_str().to_owned());
    let picture = cx.pictures.of(room.room);
    let picture = picture.map(|picture| widget::picture(picture, AvatarSize::Call));
    let picture = picture.map(|picture| padded(container(picture).center_x(Fill)));
    let about = match (&room.private, &room.founded) {
        (Some(private), _) => private_card(private),
        (None, Some(founded)) => founded_card(founded, cx),
        (None, None) => (tr("room-public"), tr("room-public-sentence")),
    };
    let change = || widget::link(tr("room-picture"), Message::Picture(room.room));
    let change = room.is_ours_to_moderate().then(change);
    let leave = room.joined.then(|| widget::danger(tr("room-leave"), Message::Leave(room.room)));
    let about = titled_card(about.0, about.1, change.into_iter().chain(leave).collect());
    let complete = room.joined.then(|| completeness(room, cx));
    let admit = (room.private.is_some() && room.is_ours_to_moderate()).then(|| {
        let admit = widget::link(tr("room-admit"), Message::Admit(room.room));
        let make = widget::link(tr("invite-make"), Message::Invite(room.room));
        titled_card(tr("room-admin"), tr("room-admin-sentence"), vec![admit, make])
    });
    let invite = (room.joined && room.private.is_none()).then(|| {
        let make = widget::link(tr("invite-make"), Message::Invite(room.room));
        titled_card(tr("invite"), tr("invite-sentence"), vec![make])
    });
    let count = text(members.len().to_string()).size(size::CAPTION).font(theme::SEMIBOLD);
    let heading = widget::section(tr("section-members"), Some(count.style(theme::text::secondary).into()));
    let heading = container(heading).padding(widget::sides(gap::L));
    let rows = sorted(members, cx)
        .into_iter()
        .take(MEMBERS_CAP)
        .map(|(person, face)| member(room, person, face, cx));
    let (knocks, rules, kept) = (knocks(room, cx), rules(room), kept(room));
    column![name]
        .push(picture)
        .push(complete)
        .push(about)
        .push(knocks)
        .extend(kin(room, cx))
        .push(admit)
        .push(rules)
        .push(kept)
        .push(invite)
        .push((!members.is_empty()).then_some(heading))
        .extend(rows)
}

/// What a private room is, and how we stand in it.
fn private_card(private: &PrivateView) -> (String, String) {
    let access = match private.access {
        RoomAccess::Open => None,
        RoomAccess::AwaitsLog => Some("room-awaits-log"),
        RoomAccess::AwaitsKey => Some("room-awaits-key"),
        RoomAccess::Out => Some("room-out"),
    };
    let past = match private.past {
        Past::All => "room-private-sentence",
        Past::FromJoining => "room-private-keeps-past-sentence",
    };
    let topic =
        Some(private.topic.as_str()).filter(|topic| !topic.is_empty()).map(|topic| format!("{topic}\n"));
    let sentences = [topic, access.map(tr), Some(tr(past))];
    (tr("room-private"), sentences.into_iter().flatten().collect::<Vec<_>>().join(" ").replace("\n ", "\n"))
}

/// Which room this one carries on and which ones carry it on; or that a member can.
fn kin<'a>(room: &RoomView, cx: &Cx) -> Vec<Element<'a, Message>> {
    let Some(private) = &room.private else { return Vec::new() };
    let named = |words: &'static str, sentence, other: RoomId| {
        let other = super::conversation::room(cx, other)?;
        let title = tr_args(words, &[("name", other.name.as_str().to_owned().into())]);
        let open = widget::link(tr("room-open"), Message::OpenRoom(other.room));
        Some(titled_card(title, tr(sentence), vec![open]))
    };
    let parent = private.carries_on.and_then(|id| named("room-carries-on", "room-carries-on-sentence", id));
    let next = private.carried_on_in.iter();
    let next = next.filter_map(|id| named("room-carried-on-in", "room-carried-on-in-sentence", *id));
    let may_carry_on = private.role == Some(Role::Member) && private.access == RoomAccess::Open;
    let carry_on = may_carry_on.then(|| {
        let carry_on = widget::link(tr("room-carry-on"), Message::CarryOn(room.room));
        titled_card(tr("room-carry-on-title"), tr("room-carry-on-short"), vec![carry_on])
    });
    parent.into_iter().chain(next).chain(carry_on).collect()
}

/// What a founded public room is, and how we stand in it.
fn founded_card(founded: &FoundedView, cx: &Cx) -> (String, String) {
    let door = match founded.door {
        Door::Open => "founded-open-sentence",
        Door::Knock => "founded-knock-sentence",
    };
    let founder = founded.founder.map(|founder| {
        let name = cx.names.face(founder).full_name();
        let fingerprint = founder.fingerprint();
        tr_args("founded-by", &[("name", name.into()), ("fingerprint", fingerprint.into())])
    });
    let topic =
        Some(founded.topic.as_str()).filter(|topic| !topic.is_empty()).map(|topic| format!("{topic}\n"));
    let sentences = [topic, Some(tr(door)), founder];
    let sentences = sentences.into_iter().flatten().collect::<Vec<_>>().join(" ").replace("\n ", "\n");
    (tr("founded"), sentences)
}

/// Who wants to be let in.
fn knocks<'a>(room: &'a RoomView, cx: &'a Cx) -> Option<Element<'a, Message>> {
    let founded = room.founded.as_ref().filter(|founded| !founded.knocks.is_empty())?;
    let cards = founded.knocks.iter().map(|knock| {
        let name = [("name", cx.names.face(knock.person).full_name().into())];
        let answer = |lets_in| Message::Answer(room.room, knock.person, lets_in);
        let actions =
            vec![widget::link(tr("accept"), answer(true)), widget::danger(tr("decline"), answer(false))];
        titled_card(tr_args("founded-knocks", &name), knock.text.clone(), actions)
    });
    Some(Column::with_children(cards).into())
}

/// The rules of a room that its admins can change with a press.
fn rules<'a>(room: &RoomView) -> Option<Element<'a, Message>> {
    let settings = room.settings().filter(|_| room.is_ours_to_moderate())?;
    let set = |settings| Message::Settings(room.room, Box::new(settings));
    let is_slow = settings.slow_ms > 0;
    let slow_ms = if is_slow { 0 } else { SLOW_MS };
    let slow = set(RoomSettings { slow_ms, ..settings.clone() });
    let slow = widget::link(tr(if is_slow { "room-slow-off" } else { "room-slow-on" }), slow);
    let door = room.founded.is_some().then(|| {
        let (words, door) = match settings.door {
            Door::Open => ("room-door-knock", Door::Knock),
            Door::Knock => ("room-door-open", Door::Open),
        };
        widget::link(tr(words), set(RoomSettings { door, ..settings.clone() }))
    });
    let sentence = match settings.slow_ms {
        0 => tr("room-not-slow-sentence"),
        slow_ms => tr_args("room-slow-sentence", &[("seconds", slow_ms.div_ceil(1000).into())]),
    };
    Some(titled_card(tr("room-rules"), sentence, [Some(slow), door].into_iter().flatten().collect()))
}

/// For how many days an admin can have a room keep what is said, with a press; zero is for ever.
const KEEP_DAYS: [u32; 5] = [0, 365, 90, 30, 7];

/// What the room keeps: for everybody where that is not all, and for admins to change.
fn kept<'a>(room: &RoomView) -> Option<Element<'a, Message>> {
    let settings = room.settings()?;
    let choices = KEEP_DAYS.into_iter().filter(|days| *days != settings.keep_days);
    let choices = choices.filter(|_| room.is_ours_to_moderate()).map(|keep_days| {
        let words = match keep_days {
            0 => tr("room-keep-ever"),
            days => tr_args("room-keep-days", &[("days", days.into())]),
        };
        let settings = RoomSettings { keep_days, ..settings.clone() };
        widget::link(words, Message::Settings(room.room, Box::new(settings)))
    });
    let (choices, keeps_all) = (choices.collect::<Vec<_>>(), settings.keep_days == 0);
    let sentence = match settings.keep_days {
        0 => tr("room-keeps-all-sentence"),
        days => tr_args("room-keeps-sentence", &[("days", days.into())]),
    };
    let is_worth_a_word = !keeps_all || !choices.is_empty();
    is_worth_a_word.then(|| titled_card(tr("room-kept"), sentence, choices))
}

/// What an admin can decide about somebody in a room.
fn decisions<'a>(room: &RoomView, person: PersonId, cx: &Cx) -> Option<Element<'a, Message>> {
    let moderation = room.moderation.as_ref().filter(|_| room.is_ours_to_moderate())?;
    let seat = room.seats().iter().find(|seat| seat.person == person);
    let (words, role) = match seat.map(|seat| seat.role) {
        Some(Role::Admin) => ("room-make-member", Role::Member),
        Some(Role::Member) | None => ("room-make-admin", Role::Admin),
    };
    let now_ms = cx.clock.now_ms();
    let is_muted = moderation.muted.iter().any(|muted| muted.person == person && muted.until_ms > now_ms);
    let mute = if is_muted { "room-unmute" } else { "room-mute" };
    let decisions = row![
        widget::link(tr(words), Message::SetRole(room.room, person, role)),
        widget::link(tr(mute), Message::Mute(room.room, person, !is_muted)),
        widget::danger(tr("room-expel"), Message::Expel(room.room, person)),
    ];
    Some(container(decisions.spacing(gap::L).wrap()).padding(Padding::ZERO.left(INDENT)).into())
}

/// What of the room's history is here, as far as others hold it.
fn completeness<'a>(room: &RoomView, cx: &Cx) -> Element<'a, Message> {
    let of = &room.completeness;
    let (title, sentence) = words::completeness(of, &cx.clock);
    let title = text(title).size(size::SECONDARY).font(theme::SEMIBOLD).line_height(theme::LINE);
    let bar = (of.members > 0).then(|| {
        let bar = progress_bar(0.0..=of.members as f32, of.agreeing as f32).girth(stroke::BAR);
        container(bar).padding(Padding::ZERO.top(gap::S))
    });
    padded(widget::card(column![title, widget::secondary(sentence)].push(bar)))
}

/// Online first, then by name.
fn sorted(members: &[PersonId], cx: &Cx) -> Vec<(PersonId, Face)> {
    let mut members: Vec<_> = members.iter().map(|member| (*member, cx.names.face(*member))).collect();
    members.sort_by_cached_key(|(_, face)| (!face.online, face.name.to_lowercase()));
    members
}

fn member<'a>(room: &RoomView, person: PersonId, face: Face, cx: &'a Cx) -> Element<'a, Message> {
    let is_me = person == cx.overview.me.person;
    let note = match cx.person(person) {
        _ if is_me => tr("you"),
        Some(known) => words::presence_short(known, &cx.clock),
        None => String::new(),
    };
    let note = text(note).size(size::CAPTION).style(theme::text::secondary).into();
    let avatar = widget::avatar(initial(&face.name), face.color, AvatarSize::Small, Some(face.online));
    let name = ellipsis(face.full_name()).size(size::NAME).font(theme::SEMIBOLD);
    let is_admin = room.seats().iter().any(|seat| seat.person == person && seat.role == Role::Admin);
    let role =
        is_admin.then(|| text(tr("room-role-admin")).size(size::CAPTION).style(theme::text::secondary));
    let lines = column![widget::ends(name, Some(note))].push(role);
    if is_me {
        let row = row![avatar, lines.width(Fill)].spacing(gap::M).align_y(Center);
        return container(row).padding([gap::S, gap::M + gap::S]).into();
    }
    let row = widget::list_row(avatar, lines, false, Message::OpenPerson(person));
    column![row].push(decisions(room, person, cx)).into()
}

fn person_details<'a>(person: &'a PersonView, cx: &'a Cx) -> Column<'a, Message, theme::Theme> {
    let about =
        titled_card(words::presence(person, &cx.clock), person.status.as_str().to_owned(), Vec::new());
    if person.is_echo {
        let sentence = titled_card(tr("echo-title"), tr("echo-sentence"), Vec::new());
        return column![title(person.name.clone()), sentence];
    }
    let warning = contact::warning(person, cx).map(|words| {
        let words = text(words).size(size::SECONDARY).line_height(theme::LINE).style(theme::text::bad);
        padded(widget::card(words))
    });
    let name = text(person.name.as_str()).size(size::TEXT).font(theme::SEMIBOLD);
    let name = padded(widget::name(name, person.verified));
    column![name].push(about).push(warning).push(contact_card(person, cx)).push(safety_card(person))
}

/// How they and we stand, and what can be done about it.
fn contact_card<'a>(person: &'a PersonView, cx: &'a Cx) -> Element<'a, Message> {
    let (state, sentence) = contact::standing(person);
    let own_name = person
        .nickname
        .is_some()
        .then(|| tr_args("person-own-name", &[("name", person.own_name.as_str().into())]));
    let introduced = contact::introduced_by(person.introduced_by, cx);
    let sentences: Vec<_> = [Some(sentence), introduced, own_name].into_iter().flatten().collect();
    let id = person.person;
    let link = |words, message| widget::link(tr(words), message);
    let danger = |words, act| widget::danger(tr(words), Message::Contact(id, act));
    let rename = link("person-rename", Message::Rename(id));
    let block = danger("block", Act::Block);
    let actions = match person.acquaintance {
        Acquaintance::Stranger => {
            vec![link("contact-add", Message::Contact(id, Act::Add)), rename, block]
        }
        Acquaintance::Asks => {
            let decline = link("decline", Message::Contact(id, Act::Decline));
            vec![link("accept", Message::Contact(id, Act::Accept)), decline, block]
        }
        Acquaintance::Asked { .. } => vec![danger("contact-withdraw", Act::Remove), rename, block],
        Acquaintance::Contact => {
            let ring = can_call(person, &cx.overview.calls).is_ok();
            let ring = ring.then(|| link("call-ring", Message::Ring(id)));
            let introduce = link("introduce", Message::Introduce(id));
            let others = [introduce, rename, danger("contact-remove", Act::Remove), block];
            ring.into_iter().chain(others).collect()
        }
        Acquaintance::Blocked => vec![link("unblock", Message::Contact(id, Act::Unblock))],
    };
    titled_card(state, sentences.join(" "), actions)
}

/// Who they are beyond their name.
fn safety_card<'a>(person: &'a PersonView) -> Element<'a, Message> {
    let sentence = if person.verified { "verified-sentence" } else { "fingerprint-sentence" };
    let compare = widget::link(tr("safety-compare"), Message::Safety(person.person));
    titled_card(person.fingerprint.clone(), tr(sentence), vec![compare])
}
