//! What a history is made of: days, the "new since" line, bubbles.

use iced::widget::{column, container, mouse_area, row, space, text, tooltip};
use iced::{Center, Fill, FillPortion, Padding};
use jiff::civil::{Date, Time};
use kinmesh_model::{Bubble, initial};
use kinmesh_proto::Delivery;

use super::Message;
use crate::i18n::{tr, tr_args};
use crate::screen::{Cx, words};
use crate::theme::{self, column as width, size, space as gap};
use crate::widget::footnoted::footnoted;
use crate::widget::{self, AvatarSize, Element, Icon};

/// Width of an avatar and the gap beside it, where a bubble has none.
const INDENT: f32 = 32.0 + gap::S;

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
    let line = || container(space()).width(Fill).height(1).style(theme::container::new_line);
    row![line(), words, line()].spacing(gap::M).align_y(Center).padding([gap::S, 0.0]).into()
}

/// An entry.
pub fn view<'a>(bubble: Bubble<'a>, is_chat: bool, cx: &Cx) -> Element<'a, Message> {
    let part = (width::BUBBLE_PART * 100.0) as u16;
    let bubble_part = FillPortion(part);
    let rest = || space().width(FillPortion(100 - part));
    if bubble.own {
        let content = container(own(&bubble)).width(bubble_part).align_right(bubble_part);
        row![rest(), content].into()
    } else {
        let content = container(other(&bubble, is_chat, cx)).width(bubble_part);
        row![content, rest()].into()
    }
}

fn own<'a>(bubble: &Bubble<'a>) -> Element<'a, Message> {
    let time = text(words::time(bubble.time)).size(size::TINY).style(theme::text::own_note);
    let note = row![time].push(state(bubble.delivery)).spacing(3).align_y(Center);
    copyable(bubble, container(said(bubble, note.into())).style(theme::container::own_bubble))
}

fn other<'a>(bubble: &Bubble<'a>, is_chat: bool, cx: &Cx) -> Element<'a, Message> {
    let face = cx.names.face(bubble.author);
    let time = text(words::time(bubble.time)).size(size::TINY).style(theme::text::secondary);
    let name = (bubble.opens && !is_chat).then(|| {
        let name = text(face.full_name()).size(size::SECONDARY).font(theme::SEMIBOLD);
        container(name.style(theme::text::name(face.color))).padding(Padding::ZERO.bottom(2))
    });
    let content = column![].push(name).push(said(bubble, time.into()));
    let content = copyable(bubble, container(content).style(theme::container::bubble));
    let beside: Element<'_, Message> = match (is_chat, bubble.opens) {
        (true, _) => return content,
        (false, true) => {
            let avatar = widget::avatar(initial(&face.name), face.color, AvatarSize::Small, None);
            mouse_area(avatar).on_press(Message::OpenPerson(bubble.author)).into()
        }
        (false, false) => space().width(INDENT - gap::S).into(),
    };
    row![beside, content].spacing(gap::S).align_y(iced::Bottom).into()
}

fn said<'a>(bubble: &Bubble<'a>, note: Element<'a, Message>) -> Element<'a, Message> {
    match bubble.text {
        Some(text) => footnoted(text, note).into(),
        None => footnoted(tr("entry-unreadable"), note).into(),
    }
}

fn copyable<'a>(
    bubble: &Bubble<'a>,
    content: container::Container<'a, Message, theme::Theme>,
) -> Element<'a, Message> {
    let padded = content.padding([gap::S + 1.0, gap::M + 1.0]);
    mouse_area(padded).on_right_press(Message::Copy(bubble.key)).into()
}

/// How far an own entry has come: a mark, and the words beside the pointer.
fn state<'a>(delivery: Delivery) -> Option<Element<'a, Message>> {
    let icon = match delivery {
        Delivery::Received => return None,
        Delivery::Queued => Icon::Clock,
        Delivery::Sent { .. } => Icon::Check,
        Delivery::Delivered => Icon::CheckDouble,
        Delivery::Failed { .. } => Icon::Failed,
    };
    let failed = matches!(delivery, Delivery::Failed { .. });
    let style = if failed { theme::icon::bad } else { theme::icon::own_note };
    let words = words::delivery(delivery)?;
    Some(widget::hint(icon.view(14.0).style(style), words, tooltip::Position::Top))
}
