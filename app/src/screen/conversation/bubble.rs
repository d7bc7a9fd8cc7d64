//! What a history is made of: days, gaps, the "new since" line, bubbles.

use iced::widget::{button, column, container, mouse_area, row, space, text, tooltip};
use iced::{Center, Fill, Padding, Shrink};
use jiff::civil::{Date, Time};
use kinmesh_core::{Acquaintance, IntroducedView};
use kinmesh_model::call::can_call;
use kinmesh_model::{Bubble, CallNote, Chip, Quote, Said, initial};
use kinmesh_proto::{Delivery, EntryKey, PersonId};

use super::Message;
use super::menu::{self, Menu, Page};
use crate::i18n::{tr, tr_args};
use crate::screen::contact::Act;
use crate::screen::{Cx, words};
use crate::theme::{self, pad, side, size, space as gap, stroke};
use crate::widget::ellipsis::ellipsis;
use crate::widget::footnoted::footnoted;
use crate::widget::tooled::{Tells, tooled};
use crate::widget::{self, AvatarSize, Element, Icon, emoji};

/// Width of an avatar and the gap beside it, where a bubble has none.
const INDENT: f32 = side::AVATAR_SMALL + gap::S;
/// Names in a tooltip; the others are counted.
const NAMES_MAX: usize = 8;

/// How the bubbles of a conversation are drawn.
pub struct Look<'a> {
    /// In a chat, the one other: nobody needs to be named.
    pub other: Option<PersonId>,
    /// Whether posts can be answered and changed.
    pub can_write: bool,
    /// The post under the pointer.
    pub hovered: Option<EntryKey>,
    /// The post that the reader was sent to.
    pub shown: Option<EntryKey>,
    /// The open menu.
    pub menu: Option<&'a Menu>,
    /// What can be hidden here.
    pub hides: menu::Hides,
}

/// The day of what follows.
pub fn day<'a>(date: Date, cx: &Cx) -> Element<'a, Message> {
    let words = text(words::day(date, &cx.clock)).size(size::CAPTION).font(theme::MEDIUM);
    let pill = container(words.style(theme::text::secondary))
        .padding([gap::XS, gap::M])
        .style(theme::container::day);
    container(pill).center_x(Fill).padding([gap::S, 0.0]).into()
}

/// What follows is new.
pub fn new_since<'a>(since: Option<Time>) -> Element<'a, Message> {
    let words = match since {
        Some(time) => tr_args("new-since", &[("time", words::time(time).into())]),
        None => tr("new"),
    };
    let words = text(words).size(size::CAPTION).font(theme::SEMIBOLD).style(theme::text::accent);
    let line = || container(space()).width(Fill).height(stroke::LINE).style(theme::container::new_line);
    row![line(), words, line()].spacing(gap::M).align_y(Center).padding([gap::S, 0.0]).into()
}

/// Something is missing before what follows.
pub fn gap<'a>() -> Element<'a, Message> {
    let words = text(tr("gap")).size(size::CAPTION).align_x(Center).style(theme::text::secondary);
    container(words).center_x(Fill).padding([gap::S, gap::XL]).into()
}

/// An entry.
pub fn view<'a>(bubble: Bubble<'a>, look: &Look<'a>, cx: &Cx) -> Element<'a, Message> {
    let key = bubble.key;
    let is_deleted = bubble.said == Said::Deleted;
    let menu = look.menu.filter(|menu| menu.key() == key);
    let has_tools = !is_deleted && (look.hovered == Some(key) || menu.is_some());
    let tools = has_tools.then(|| menu::tools(key, look.can_write));
    let menu = menu.map(|menu| menu.view(&bubble, look.can_write, look.hides));
    let content = if bubble.own { boxed(&bubble, look, cx) } else { other(&bubble, look, cx) };
    let tells = Tells {
        enter: Message::Hover(key),
        menu: if is_deleted {
            Message::Hover(key)
        } else {
            Message::Menu(menu::Message::Open(key, Page::All))
        },
        close: Message::Menu(menu::Message::Close),
    };
    tooled(bubble.own, content, tools, menu, tells).into()
}

/// A bubble of somebody else, with their avatar beside the first of a group.
fn other<'a>(bubble: &Bubble<'a>, look: &Look<'_>, cx: &Cx) -> Element<'a, Message> {
    let content = boxed(bubble, look, cx);
    let beside: Element<'_, Message> = match (look.other.is_some(), bubble.opens) {
        (true, _) => return content,
        (false, true) => {
            let face = cx.names.face(bubble.author);
            let avatar = widget::avatar(initial(&face.name), face.color, AvatarSize::Small, None);
            mouse_area(avatar).on_press(Message::OpenPerson(bubble.author)).into()
        }
        (false, false) => space().width(INDENT - gap::S).into(),
    };
    row![beside, content].spacing(gap::S).align_y(iced::Bottom).into()
}

/// The bubble itself.
fn boxed<'a>(bubble: &Bubble<'a>, look: &Look<'_>, cx: &Cx) -> Element<'a, Message> {
    let above =
        [name(bubble, look, cx), bubble.quote.as_ref().map(|quote| quoted(quote, quiet(bubble.own), cx))];
    let words = match bubble.said {
        Said::Text(text) => footnoted(text, note(bubble)),
        Said::Introduction(introduced) => {
            let words = words::said_in_line(Said::Introduction(introduced));
            footnoted(words, note(bubble)).below(introduction(introduced, bubble.own, cx))
        }
        Said::Invitation(invited) => {
            let words = words::said_in_line(Said::Invitation(invited));
            footnoted(words, note(bubble)).below(invitation(bubble, cx))
        }
        Said::Call(_) => {
            let words = words::said_in_line(bubble.said);
            footnoted(words, note(bubble)).below(call_back(bubble, look, cx))
        }
        Said::Deleted => footnoted(tr("entry-deleted"), note(bubble)).style(quiet(bubble.own)),
        Said::Sealed => footnoted(tr("entry-sealed"), note(bubble)).style(quiet(bubble.own)),
        Said::Withheld(why) => {
            let words = words::withheld(why, &cx.names, cx.overview.me.person);
            let look = widget::link(tr("withheld-look"), Message::Look(bubble.key));
            footnoted(words, note(bubble)).style(quiet(bubble.own)).below(Some(look))
        }
        Said::Unreadable => footnoted(tr("entry-unreadable"), note(bubble)).style(quiet(bubble.own)),
    };
    let words = words.above(above.into_iter().flatten()).below(chips(bubble, look, cx));
    let style =
        theme::container::said(bubble.own, bubble.said == Said::Deleted, look.shown == Some(bubble.key));
    let content: Element<'_, Message> = match bubble.said {
        Said::Call(call) => row![call_mark(call), Element::from(words)].spacing(gap::S).into(),
        _ => words.into(),
    };
    container(content).padding(pad::BUBBLE).style(style).into()
}

/// Who is passed on, and what can be done with that.
fn introduction<'a>(introduced: &IntroducedView, own: bool, cx: &Cx) -> Option<Element<'a, Message>> {
    if own || introduced.person == cx.overview.me.person {
        return None;
    }
    let known = cx.person(introduced.person)?;
    let (words, message) = match known.acquaintance {
        Acquaintance::Stranger => ("introduced-ask", Message::Contact(introduced.person, Act::Add)),
        _ => ("introduced-open", Message::OpenPerson(introduced.person)),
    };
    let name = [("name", known.name.as_str().into())];
    Some(widget::link(tr_args(words, &name), message))
}

/// What can be done with an invitation: the room opens once a member is connected.
fn invitation<'a>(bubble: &Bubble<'_>, cx: &Cx) -> Option<Element<'a, Message>> {
    let Said::Invitation(invited) = bubble.said else { return None };
    let is_in = super::room(cx, invited.room).is_some_and(|room| room.joined);
    let words = if is_in { "room-open" } else { "room-enter" };
    (!bubble.own).then(|| widget::link(tr(words), Message::Enter(bubble.key)))
}

/// Which way a call went, and whether it was missed.
fn call_mark<'a>(call: CallNote) -> Element<'a, Message> {
    let (icon, style): (_, fn(&theme::Theme, _) -> _) = match call {
        _ if call.is_missed() => (Icon::PhoneMissed, theme::icon::bad),
        CallNote { by_us: true, .. } => (Icon::PhoneOut, theme::icon::own_note),
        CallNote { by_us: false, .. } => (Icon::PhoneIn, theme::icon::quiet),
    };
    icon.view(side::ICON_SMALL).style(style).into()
}

/// What can be done about a call that is over: another one, while that is possible.
fn call_back<'a>(bubble: &Bubble<'_>, look: &Look<'_>, cx: &Cx) -> Option<Element<'a, Message>> {
    let other = cx.person(look.other?)?;
    let words = if bubble.own { "call-again" } else { "call-back" };
    let ring = Message::Ring(other.person);
    can_call(other, &cx.overview.calls).is_ok().then(|| widget::link(tr(words), ring))
}

type Style = fn(&theme::Theme) -> text::Style;

fn quiet(own: bool) -> Style {
    if own { theme::text::own_note } else { theme::text::secondary }
}

fn name<'a>(bubble: &Bubble<'_>, look: &Look<'_>, cx: &Cx) -> Option<Element<'a, Message>> {
    (bubble.opens && !bubble.own && look.other.is_none()).then(|| {
        let face = cx.names.face(bubble.author);
        let name = text(face.full_name()).size(size::SECONDARY).font(theme::SEMIBOLD);
        container(name.style(theme::text::name(face.color))).padding(pad::NAME).into()
    })
}

/// What is answered, in two lines. A press goes there.
fn quoted<'a>(quote: &Quote<'_>, style: Style, cx: &Cx) -> Element<'a, Message> {
    let line = |words: String| ellipsis(words).size(size::SECONDARY).style(style);
    let lines = match quote.post {
        Some((author, said)) => {
            let name = ellipsis(cx.names.face(author).name).size(size::SECONDARY);
            column![name.font(theme::SEMIBOLD).style(theme::text::accent), line(words::said_in_line(said))]
        }
        None => column![line(tr("quote-missing"))],
    };
    let bar = container(space()).width(stroke::QUOTE).height(Fill).style(theme::container::quote_bar);
    let content = row![bar, container(lines).padding(pad::QUOTE)].height(Shrink);
    let press = quote.post.is_some().then_some(Message::GoTo(quote.key));
    let quote = button(content).padding(0).style(theme::button::quote).on_press_maybe(press);
    container(quote).padding(Padding::ZERO.bottom(gap::XS)).into()
}

/// Reactions, side by side. A press puts ours there, or takes it back.
fn chips<'a>(bubble: &Bubble<'a>, look: &Look<'_>, cx: &Cx) -> Option<Element<'a, Message>> {
    let chip = |chip: &Chip<'a>| {
        let face = row![
            text(chip.emoji).size(size::CAPTION).font(emoji::font(chip.emoji)),
            text(chip.people.len().to_string()).size(size::CAPTION).font(theme::MEDIUM),
        ];
        let press = Message::React(bubble.key, chip.emoji.to_owned(), !chip.mine);
        let face = button(face.spacing(gap::XS))
            .padding(pad::CHIP)
            .style(theme::button::chip(chip.mine))
            .on_press_maybe(look.can_write.then_some(press));
        widget::hint(face, people(chip, cx), tooltip::Position::Top)
    };
    (!bubble.chips.is_empty()).then(|| {
        let chips = row(bubble.chips.iter().map(chip)).spacing(gap::XS).wrap();
        container(chips).padding(pad::CHIPS).into()
    })
}

/// Who put an emoji there.
fn people(chip: &Chip<'_>, cx: &Cx) -> String {
    let me = cx.overview.me.person;
    let called = |person| if person == me { tr("you") } else { cx.names.face(person).full_name() };
    let mut names: Vec<_> = chip.people.iter().take(NAMES_MAX).map(|person| called(*person)).collect();
    let more = chip.people.len().saturating_sub(NAMES_MAX);
    if more > 0 {
        names.push(tr_args("and-more", &[("count", more.into())]));
    }
    names.join(", ")
}

/// When it was written, whether it was edited, how far it has come.
fn note<'a>(bubble: &Bubble<'_>) -> Element<'a, Message> {
    let style = quiet(bubble.own);
    let edited = bubble.edited.then(|| {
        let words = text(tr("edited")).size(size::TINY).style(style);
        let press = Message::History(bubble.key);
        let press = button(words).padding(0).style(theme::button::plain).on_press(press);
        widget::hint(press, tr("edits-show"), tooltip::Position::Top)
    });
    let time = text(words::time(bubble.time)).size(size::TINY).style(style);
    let state = (bubble.said != Said::Deleted).then(|| state(bubble)).flatten();
    row![].push(edited).push(time).push(state).spacing(gap::NOTE).align_y(Center).into()
}

/// How far an own entry has come: a mark, and the words beside the pointer.
fn state<'a>(bubble: &Bubble<'_>) -> Option<Element<'a, Message>> {
    let (icon, style): (_, fn(&theme::Theme, _) -> _) = match bubble.delivery {
        Delivery::Received => return None,
        Delivery::Queued => (Icon::Clock, theme::icon::own_note),
        Delivery::Sent { .. } => (Icon::Check, theme::icon::own_note),
        Delivery::Delivered if bubble.read => (Icon::CheckDouble, theme::icon::accent),
        Delivery::Delivered => (Icon::CheckDouble, theme::icon::own_note),
        Delivery::Failed { .. } => (Icon::Failed, theme::icon::bad),
    };
    let words = words::delivery(bubble.delivery, bubble.read)?;
    Some(widget::hint(icon.view(side::ICON_TINY).style(style), words, tooltip::Position::Top))
}
