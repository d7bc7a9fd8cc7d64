//! The composer: text that grows with its lines, Enter sends, Shift+Enter breaks the line.

use iced::keyboard::Key;
use iced::keyboard::key::Named;
use iced::widget::text_editor::{Binding, KeyPress, Status};
use iced::widget::{button, center, column, container, row, text_editor};
use iced::{Padding, Shrink};

use super::Message;
use crate::i18n::tr_args;
use crate::theme::{self, size, space as gap};
use crate::widget::{self, Element, Icon};

/// The text field.
pub const FIELD: &str = "composer";

/// Height of a line, and at most this many of them before the text scrolls.
const LINE: f32 = size::TEXT * theme::LINE;
const LINES_MAX: f32 = 8.0;

/// Draws it for a conversation of this title, with the reason why the draft was refused.
pub fn view<'a>(
    draft: &'a text_editor::Content,
    refusal: Option<&'a str>,
    title: String,
) -> Element<'a, Message> {
    let padding = Padding::from([7.5, gap::S]).left(10.0);
    let field = text_editor(draft)
        .id(FIELD)
        .placeholder(tr_args("composer-hint", &[("title", title.into())]))
        .size(size::TEXT)
        .line_height(theme::LINE)
        .padding(padding)
        .min_height(LINE)
        .max_height(LINE * LINES_MAX)
        .height(Shrink)
        .key_binding(key_binding)
        .on_action(Message::Edit);
    let can_send = !draft.text().trim().is_empty();
    let icon = if can_send { theme::icon::on_accent } else { theme::icon::disabled };
    let send = button(center(Icon::Send.view(20.0).style(icon)).width(36).height(36))
        .padding(0)
        .style(theme::button::send)
        .on_press_maybe(can_send.then_some(Message::Send));
    let composer = container(row![field, send].spacing(gap::XS).align_y(iced::Bottom))
        .padding(Padding::from(7).right(9))
        .style(theme::container::composer);
    let content = column![].push(widget::error(refusal)).push(composer).spacing(gap::S);
    container(content).padding(Padding::from(gap::XL).top(gap::S)).into()
}

fn key_binding(press: KeyPress) -> Option<Binding<Message>> {
    let is_enter = press.key == Key::Named(Named::Enter);
    let is_focused = matches!(press.status, Status::Focused { .. });
    match (is_enter, is_focused) {
        (true, true) if !press.modifiers.shift() => Some(Binding::Custom(Message::Send)),
        // Escape closes what is open; it does not take the cursor away.
        _ if press.key == Key::Named(Named::Escape) => None,
        _ => Binding::from_key_press(press),
    }
}
