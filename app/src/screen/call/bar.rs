//! The bar of the call that goes on, above everything that is looked at meanwhile.

use iced::widget::{button, center, column, container, mouse_area, row, text, tooltip};
use iced::{Center, Fill, Size};
use kinmesh_core::{CallState, CallView};
use kinmesh_model::initial;
use kinmesh_proto::ConversationId;

use super::{Message, State, only_other};
use crate::calls;
use crate::i18n::{tr, tr_args};
use crate::screen::{Cx, words};
use crate::settings::Activation;
use crate::theme::{self, column as width, pad, side, size, space as gap};
use crate::widget::ellipsis::ellipsis;
use crate::widget::{self, AvatarSize, Element, Icon};

/// Draws it.
pub(super) fn view<'a>(
    state: &'a State,
    call: &'a CallView,
    cx: &'a Cx,
    window: Size,
) -> Element<'a, Message> {
    let lines = column![
        ellipsis(title(call, cx)).size(size::NAME).font(theme::SEMIBOLD),
        ellipsis(how(state, call, cx)).size(size::CAPTION).style(theme::text::secondary),
    ];
    let about = row![face(state, call, cx), lines.width(Fill)].spacing(gap::S).align_y(Center);
    let about = button(about)
        .padding([gap::XS, gap::S])
        .width(Fill)
        .style(theme::button::row(false))
        .on_press(Message::Open(call.conversation));
    let is_wide = window.width >= width::SIDEBAR_FROM;
    let content = row![about]
        .push(is_standing(call).then(|| switches(state, call, is_wide)))
        .push(widget::icon_button(Icon::Details, state.is_open, tr("call-column"), Message::ToggleColumn))
        .push(end(call))
        .spacing(gap::XS)
        .align_y(Center);
    let bar = container(content).padding(widget::sides(gap::S)).center_y(width::CALL_BAR);
    column![bar.width(Fill).style(theme::container::call_bar), widget::level_line()].into()
}

/// Whether somebody has answered.
pub(super) fn is_standing(call: &CallView) -> bool {
    matches!(call.state, CallState::Active { .. } | CallState::Reconnecting { .. })
}

fn title(call: &CallView, cx: &Cx) -> String {
    let who = words::calls::who(call, cx);
    match call.conversation {
        ConversationId::Room(_) | ConversationId::Control(_) => {
            tr_args("call-voice-of", &[("room", who.into())])
        }
        ConversationId::Direct(_) => who,
    }
}

/// How far it is, and how it goes.
fn how(state: &State, call: &CallView, cx: &Cx) -> String {
    let far = words::calls::state(call, cx.clock.now_ms());
    let quality = || state.quality(call).map(calls::words::quality);
    let alone = || call.parties.is_empty().then(|| tr("call-voice-alone"));
    match state.fault(call).or_else(alone).or_else(quality) {
        Some(how) => format!("{far} · {how}"),
        None => far,
    }
}

fn face<'a>(state: &State, call: &CallView, cx: &Cx) -> Element<'a, Message> {
    let face = match call.conversation {
        ConversationId::Room(id) | ConversationId::Control(id) => {
            widget::room_avatar(cx.pictures.of(id), kinmesh_model::avatar_color(&id.0), AvatarSize::Small)
        }
        ConversationId::Direct(person) => {
            let face = only_other(call, cx).unwrap_or_else(|| cx.names.face(person));
            widget::avatar(initial(&face.name), face.color, AvatarSize::Small, None)
        }
    };
    widget::speaking(face, state.anybody_speaks(call))
}

/// What is at hand while one talks. In a narrow window the rest is in the column alone.
fn switches<'a>(state: &State, call: &CallView, is_wide: bool) -> Element<'a, Message> {
    let talk = (state.sound.activation == Activation::PushToTalk).then(|| talk(state));
    let deafened = state.sound.deafened;
    let deafen = is_wide.then(|| {
        let (icon, words) = deafening(deafened);
        widget::icon_button(icon, deafened, words, Message::Deafen(!deafened))
    });
    let hold = is_wide.then(|| {
        let (icon, words) = holding(call.held);
        widget::icon_button(icon, call.held, words, Message::Hold(!call.held))
    });
    let (icon, words) = muting(call.muted);
    let mute = widget::icon_button(icon, call.muted, words, Message::Mute(!call.muted));
    row![].push(talk).push(mute).push(deafen).push(hold).spacing(gap::XS).align_y(Center).into()
}

/// The icon of being silent or not, and what a press does.
pub(super) fn muting(muted: bool) -> (Icon, String) {
    if muted { (Icon::MicrophoneOff, tr("call-unmute")) } else { (Icon::Microphone, tr("call-mute")) }
}

/// The same of hearing nobody.
pub(super) fn deafening(deafened: bool) -> (Icon, String) {
    if deafened { (Icon::HeadphonesOff, tr("call-undeafen")) } else { (Icon::Headphones, tr("call-deafen")) }
}

/// The same of holding a call.
pub(super) fn holding(held: bool) -> (Icon, String) {
    if held { (Icon::GoOn, tr("call-unhold")) } else { (Icon::Hold, tr("call-hold")) }
}

/// Held with the pointer, or by its key, one is heard.
pub(super) fn talk<'a>(state: &State) -> Element<'a, Message> {
    let talks = state.sound.talks;
    let words = if talks { tr("call-talking") } else { tr("call-talk") };
    let words = text(words).size(size::CAPTION).font(theme::MEDIUM);
    let face = container(words).padding(pad::PILL).style(theme::container::talk(talks));
    mouse_area(face)
        .on_press(Message::Talk(true))
        .on_release(Message::Talk(false))
        .on_exit(Message::Talk(false))
        .into()
}

/// What leaves a call, or gives a ring up.
fn end<'a>(call: &CallView) -> Element<'a, Message> {
    let icon = Icon::HangUp.view(side::ICON).style(theme::icon::round(theme::button::Round::End));
    let face = center(icon).width(side::BUTTON).height(side::BUTTON);
    let end = button(face).padding(0).style(theme::button::end).on_press(Message::HangUp);
    widget::hint(end, ending(call), tooltip::Position::Bottom)
}

/// What hanging up does.
pub(super) fn ending(call: &CallView) -> String {
    match call.state {
        CallState::Calling | CallState::Ringing => tr("call-cancel"),
        _ => tr("call-hang-up"),
    }
}
