//! What lies over everything, in a corner, so that one can go on reading: who rings, and what became of a
//! call that came to nothing.

use iced::widget::{button, column, container, opaque, row, space, text};
use iced::{Center, Fill, Padding};
use kinmesh_core::{CallView, PartyState};
use kinmesh_model::{Face, call as model, initial};
use kinmesh_proto::{ConversationId, PersonId};

use super::{Message, Over, State, Why};
use crate::i18n::{tr, tr_args};
use crate::screen::Cx;
use crate::theme::{self, column as width, pad, size, space as gap};
use crate::widget::ellipsis::ellipsis;
use crate::widget::{self, AvatarSize, Element, Icon};

/// The field for the words with which a ring is turned down.
pub const WHY: &str = "call-why";

/// Words that are at hand to turn a ring down.
const READY: [&str; 3] = ["call-why-later", "call-why-busy", "call-why-write"];

/// Draws them, if there are any.
pub(super) fn view<'a>(state: &'a State, cx: &'a Cx) -> Option<Element<'a, Message>> {
    let rings = model::ringing(&cx.overview.calls).map(|call| match &state.why {
        Some(why) if why.call == call.call => card(asks_why(why, call, cx)),
        _ => card(rings(call, cx)),
    });
    let over = state.over.as_ref().map(|over| card(came_to_nothing(over, cx)));
    let cards: Vec<_> = rings.chain(over).collect();
    let has_any = !cards.is_empty();
    let cards = column(cards).spacing(gap::S).width(width::RING);
    // Below the header of a conversation, whose buttons stay at hand.
    let padding = Padding::from(gap::L).top(width::HEADER + gap::S);
    has_any.then(|| container(cards).align_right(Fill).height(Fill).padding(padding).into())
}

fn card<'a>(content: Element<'a, Message>) -> Element<'a, Message> {
    opaque(container(content).width(Fill).padding(gap::L).style(theme::container::dialog))
}

/// Who rings, and what can be done about it.
fn rings<'a>(call: &CallView, cx: &Cx) -> Element<'a, Message> {
    let id = call.call;
    let actions = row![
        wide_end(tr("call-decline"), Message::Decline(id)),
        widget::wide_primary(tr("call-accept"), Some(Message::Accept(id))),
    ];
    let others = row![
        widget::link(tr("call-decline-with"), Message::AskWhy(id)),
        space::horizontal(),
        widget::link(tr("call-ignore"), Message::Ignore(id)),
    ];
    let keys = text(tr("call-keys")).size(size::CAPTION).style(theme::text::secondary);
    column![who_rings(call, cx), actions.spacing(gap::S), column![others, keys].spacing(gap::XS)]
        .spacing(gap::M)
        .into()
}

fn wide_end<'a>(words: String, message: Message) -> Element<'a, Message> {
    let words = container(text(words).size(size::TEXT).font(theme::MEDIUM)).center_x(Fill);
    button(words).padding(pad::BUTTON).style(theme::button::end).on_press(message).into()
}

fn who_rings<'a>(call: &CallView, cx: &Cx) -> Element<'a, Message> {
    let ringer = call.parties.iter().find(|party| party.state == PartyState::Rings);
    let person = match (ringer, call.conversation) {
        (Some(party), _) => Some(party.person),
        (None, ConversationId::Direct(person)) => Some(person),
        (None, ConversationId::Room(_) | ConversationId::Control(_)) => None,
    };
    let others = call.parties.iter().filter(|party| Some(party.person) != person);
    let others: Vec<_> = others.map(|party| cx.names.face(party.person).full_name()).collect();
    let words = match others.as_slice() {
        [] => tr("call-now-rings"),
        _ => tr_args("call-rings-for-party", &[("names", others.join(", ").into())]),
    };
    person.map_or_else(|| text(words.clone()).into(), |person| about(&cx.names.face(person), words.clone()))
}

/// A face, a name that nobody else can be taken for, and words.
fn about<'a>(face: &Face, words: String) -> Element<'a, Message> {
    let avatar = widget::avatar(initial(&face.name), face.color, AvatarSize::Large, Some(face.online));
    let name = ellipsis(face.name.clone()).size(size::TEXT).font(theme::SEMIBOLD);
    let fingerprint = face.name_clashes.then(|| {
        text(face.fingerprint.clone()).size(size::CAPTION).font(theme::MEDIUM).style(theme::text::secondary)
    });
    let lines = column![widget::name(name, face.verified)].push(fingerprint).push(widget::secondary(words));
    row![avatar, lines.width(Fill)].spacing(gap::M).align_y(Center).into()
}

/// A ring, while one says with which words it is turned down.
fn asks_why<'a>(why: &'a Why, call: &CallView, cx: &Cx) -> Element<'a, Message> {
    let id = call.call;
    let ready = READY.map(|words| {
        let words = tr(words);
        let face = text(words.clone()).size(size::SECONDARY);
        button(face)
            .padding([gap::S, gap::M])
            .width(Fill)
            .style(theme::button::quiet)
            .on_press(Message::DeclineWith(id, words))
            .into()
    });
    let own = why.text.trim();
    let send = (!own.is_empty()).then(|| Message::DeclineWith(id, own.to_owned()));
    let field = widget::field(WHY, &tr("call-why-hint"), &why.text, Message::Why, send.clone());
    let actions = row![
        space::horizontal(),
        widget::quiet(tr("back"), Message::LeaveWhy),
        widget::primary(tr("call-decline"), send),
    ];
    column![who_rings(call, cx), column(ready).spacing(gap::XS), field, actions.spacing(gap::S)]
        .spacing(gap::M)
        .into()
}

/// Why nothing came of a call, and what can be done instead.
fn came_to_nothing<'a>(over: &'a Over, cx: &Cx) -> Element<'a, Message> {
    let face = cx.names.face(over.person);
    let avatar = widget::avatar(initial(&face.name), face.color, AvatarSize::Large, Some(face.online));
    let close = widget::small_icon_button(Icon::Close, tr("close"), Message::CloseOver);
    let words = text(over.words.as_str()).size(size::NAME).line_height(theme::LINE).width(Fill);
    let head = row![avatar, words, close].spacing(gap::M);
    column![head, instead(over.person)].spacing(gap::M).into()
}

fn instead<'a>(person: PersonId) -> Element<'a, Message> {
    let write = Message::Open(ConversationId::Direct(person));
    row![
        space::horizontal(),
        widget::quiet(tr("call-again"), Message::Ring(person)),
        widget::primary(tr("call-write"), Some(write)),
    ]
    .spacing(gap::S)
    .into()
}
