//! What begins a call, in the header of a conversation.

use iced::Center;
use iced::widget::{button, row, text, tooltip};
use kinmesh_core::{PersonView, RoomView};
use kinmesh_model::call::{self, CannotCall};
use kinmesh_model::initial;
use kinmesh_proto::{ConversationId, PersonId};

use super::Message;
use crate::i18n::{tr, tr_args};
use crate::screen::{Cx, words};
use crate::theme::{self, pad, side, size, space as gap};
use crate::widget::{self, AvatarSize, Element, Icon};

/// Faces of those in a voice channel; the others are counted.
const FACES_MAX: usize = 3;

/// Rings the other in a chat. When they cannot be rung, the words beside the pointer say why; with who is
/// no contact there is nothing to press.
pub(super) fn ring<'a>(person: &PersonView, cx: &Cx) -> Option<Element<'a, Message>> {
    let is_ours =
        cx.overview.calls.iter().any(|call| call.conversation == ConversationId::Direct(person.person));
    let (words, message) = match call::can_call(person, &cx.overview.calls) {
        Ok(()) => (tr("call-ring"), Some(Message::Ring(person.person))),
        Err(CannotCall::NotAContact) => return None,
        Err(why) => (words::calls::cannot_call(why, &person.name), None),
    };
    Some(widget::icon_button_maybe(Icon::Phone, is_ours, words, message))
}

/// Who is in the voice channel of a room, and the way into it.
pub(super) fn voice<'a>(room: &RoomView, cx: &Cx) -> Option<Element<'a, Message>> {
    let standing = call::standing(&cx.overview.calls);
    let is_in = standing.is_some_and(|call| call.conversation == ConversationId::Room(room.room));
    let names: Vec<_> = room.voice.iter().map(|person| called(*person, cx)).collect();
    let hint = match (standing, names.is_empty()) {
        (Some(_), _) if !is_in => tr("error-call-in-a-call"),
        (_, true) => tr("voice-nobody"),
        (_, false) => tr_args("voice-people", &[("names", names.join(", ").into())]),
    };
    let words = if is_in { tr("voice-in") } else { tr("voice-enter") };
    let icon = if is_in { theme::icon::accent } else { theme::icon::quiet };
    let words = text(words).size(size::SECONDARY).font(theme::MEDIUM);
    let face = row![Icon::Headphones.view(side::ICON_SMALL).style(icon)]
        .push(cx.has_sidebar().then_some(words))
        .spacing(gap::S)
        .align_y(Center);
    let enter = standing.is_none().then_some(Message::EnterVoice(room.room));
    let enter = button(face).padding(pad::PILL).style(theme::button::quiet_pill).on_press_maybe(enter);
    let faces = room.voice.iter().take(FACES_MAX).map(|person| {
        let face = cx.names.face(*person);
        widget::avatar(initial(&face.name), face.color, AvatarSize::Tiny, None)
    });
    let more = room.voice.len().saturating_sub(FACES_MAX);
    let more = (more > 0).then(|| {
        text(tr_args("voice-more", &[("count", more.into())]))
            .size(size::CAPTION)
            .style(theme::text::secondary)
    });
    let faces = row(faces).push(more).spacing(gap::XS).align_y(Center);
    let content = row![faces, enter].spacing(gap::S).align_y(Center);
    Some(widget::hint(content, hint, tooltip::Position::Bottom))
}

fn called(person: PersonId, cx: &Cx) -> String {
    if person == cx.overview.me.person { tr("you") } else { cx.names.face(person).full_name() }
}
