//! The composer: text that grows with its lines, Enter sends, Shift+Enter breaks the line. What is
//! answered or edited stands above it, with a way out.

use iced::keyboard::Key;
use iced::keyboard::key::Named;
use iced::widget::text_editor::{Action, Binding, KeyPress, Motion, Status};
use iced::widget::{button, center, column, container, row, text, text_editor};
use iced::{Center, Fill, Padding, Shrink};
use kinmesh_model::{Said, Timeline};
use kinmesh_net::{ConversationHandle, EditError};
use kinmesh_proto::EntryKey;

use super::Message;
use crate::i18n::{tr, tr_args};
use crate::screen::{Cx, words};
use crate::theme::{self, pad, side, size, space as gap};
use crate::widget::ellipsis::ellipsis;
use crate::widget::{self, Element, Icon, emoji};

/// The text field.
pub const FIELD: &str = "composer";

/// Height of a line, and at most this many of them before the text scrolls.
const LINE: f32 = size::TEXT * theme::LINE;
const LINES_MAX: f32 = 8.0;

/// What becomes of the text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Mode {
    /// A post.
    #[default]
    New,
    /// A post that answers this one.
    Reply(EntryKey),
    /// The new text of this post.
    Edit(EntryKey),
}

impl Mode {
    /// Whether a post is edited.
    pub fn is_edit(self) -> bool {
        matches!(self, Self::Edit(_))
    }
}

/// The composer of one conversation.
#[derive(Default)]
pub struct Composer {
    content: text_editor::Content,
    mode: Mode,
    /// The draft that waits while a post is edited.
    draft: Option<text_editor::Content>,
    /// Why the last text was not sent.
    refusal: Option<String>,
}

/// Sends what was composed. A text that is refused comes back with the reason.
pub(super) async fn send(
    conversation: ConversationHandle,
    mode: Mode,
    text: String,
) -> Result<(), (String, String)> {
    let sent = match mode {
        Mode::New => conversation.send(text.clone()).await.map(drop).map_err(EditError::from),
        Mode::Reply(to) => conversation.reply(to, text.clone()).await.map(drop),
        Mode::Edit(key) => conversation.edit(key, text.clone()).await,
    };
    sent.map_err(|error| (text, words::edit_error(&error)))
}

impl Composer {
    /// Starts with the draft that was left there.
    pub fn new(content: text_editor::Content) -> Self {
        Self { content, ..Self::default() }
    }

    /// What is typed.
    pub fn text(&self) -> String {
        self.content.text()
    }

    /// The draft, without what is edited.
    pub fn into_draft(self) -> text_editor::Content {
        self.draft.unwrap_or(self.content)
    }

    /// Edits the text. Whether that is writing that others may know of.
    pub fn perform(&mut self, action: Action) -> bool {
        let is_edit = action.is_edit();
        self.content.perform(action);
        self.refusal = None;
        is_edit && !self.content.text().trim().is_empty()
    }

    /// Answers a post.
    pub fn reply(&mut self, key: EntryKey) {
        self.leave();
        self.mode = Mode::Reply(key);
    }

    /// Edits a post that has this text.
    pub fn edit(&mut self, key: EntryKey, text: &str) {
        self.leave();
        self.mode = Mode::Edit(key);
        self.draft = Some(std::mem::replace(&mut self.content, with_text(text)));
    }

    /// Leaves what is answered or edited. Whether there was something.
    pub fn leave(&mut self) -> bool {
        if let Some(draft) = self.draft.take() {
            self.content = draft;
        }
        self.refusal = None;
        std::mem::take(&mut self.mode) != Mode::New
    }

    /// A post was deleted: it can be answered or edited no more.
    pub fn forget(&mut self, key: EntryKey) {
        if matches!(self.mode, Mode::Reply(of) | Mode::Edit(of) if of == key) {
            self.leave();
        }
    }

    /// Takes out what is to be sent, if there is something.
    pub fn take(&mut self) -> Option<(Mode, String)> {
        let text = self.content.text().trim().to_owned();
        if text.is_empty() {
            return None;
        }
        let mode = self.mode;
        self.content = text_editor::Content::new();
        self.leave();
        Some((mode, text))
    }

    /// A text that was refused goes back where it was typed, before what was typed since.
    pub fn give_back(&mut self, text: &str, reason: String) {
        let since = self.content.text();
        let whole = if since.trim().is_empty() { text.to_owned() } else { format!("{text}\n{since}") };
        self.content = with_text(&whole);
        self.refusal = Some(reason);
    }

    /// Draws what is answered or edited.
    pub fn bar<'a>(&self, timeline: &Timeline, cx: &Cx) -> Option<Element<'a, Message>> {
        let (icon, title, key) = match self.mode {
            Mode::New => return None,
            Mode::Reply(key) => {
                let author = timeline.quote(key).post.map(|(author, _)| cx.names.face(author).name);
                let name = author.unwrap_or_default();
                (Icon::Reply, tr_args("composer-reply", &[("name", name.into())]), key)
            }
            Mode::Edit(key) => (Icon::Edit, tr("composer-edit"), key),
        };
        let said = timeline.quote(key).post.map_or(Said::Deleted, |(_, said)| said);
        let lines = column![
            text(title).size(size::SECONDARY).font(theme::SEMIBOLD).style(theme::text::accent),
            ellipsis(words::said_in_line(said)).size(size::SECONDARY).style(theme::text::secondary),
        ];
        let leave = widget::small_icon_button(Icon::Close, tr("composer-leave"), Message::Leave);
        let icon = icon.view(side::ICON_SMALL).style(theme::icon::accent);
        let content = row![icon, container(lines).width(Fill).clip(true), leave];
        let content = content.spacing(gap::M).align_y(Center);
        Some(container(content).padding(Padding::from([gap::XS, gap::S]).left(gap::M)).into())
    }

    /// Draws it for a conversation of this title, under what is answered or edited.
    pub fn view<'a>(&'a self, bar: Option<Element<'a, Message>>, title: String) -> Element<'a, Message> {
        let can_edit_last = self.mode == Mode::New && self.content.text().trim().is_empty();
        let field = text_editor(&self.content)
            .id(FIELD)
            .placeholder(tr_args("composer-hint", &[("title", title.into())]))
            .size(size::TEXT)
            .line_height(theme::LINE)
            .padding(pad::COMPOSER_TEXT)
            .min_height(LINE)
            .max_height(LINE * LINES_MAX)
            .height(Shrink)
            .key_binding(move |press| key_binding(press, can_edit_last))
            .on_action(Message::Draft)
            .highlight_with::<emoji::Highlighter>((), emoji::format);
        let can_send = !self.content.text().trim().is_empty();
        let icon = if can_send { theme::icon::on_accent } else { theme::icon::disabled };
        let face = if self.mode.is_edit() { Icon::Check } else { Icon::Send };
        let send = button(center(face.view(side::ICON).style(icon)).width(side::BUTTON).height(side::BUTTON))
            .padding(0)
            .style(theme::button::send)
            .on_press_maybe(can_send.then_some(Message::Send));
        let line = row![field, send].spacing(gap::XS).align_y(iced::Bottom);
        let composer = container(column![].push(bar).push(line))
            .padding(pad::COMPOSER)
            .style(theme::container::composer);
        let content = column![].push(widget::error(self.refusal.as_deref())).push(composer).spacing(gap::S);
        container(content).padding(Padding::from(gap::XL).top(gap::XS)).into()
    }
}

fn with_text(text: &str) -> text_editor::Content {
    let mut content = text_editor::Content::with_text(text);
    content.perform(Action::Move(Motion::DocumentEnd));
    content
}

fn key_binding(press: KeyPress, can_edit_last: bool) -> Option<Binding<Message>> {
    let is_focused = matches!(press.status, Status::Focused { .. });
    match press.key {
        Key::Named(Named::Enter) if is_focused && !press.modifiers.shift() => {
            Some(Binding::Custom(Message::Send))
        }
        Key::Named(Named::ArrowUp) if is_focused && can_edit_last && press.modifiers.is_empty() => {
            Some(Binding::Custom(Message::EditLast))
        }
        // Escape closes what is open; it does not take the cursor away.
        Key::Named(Named::Escape) => None,
        _ => Binding::from_key_press(press),
    }
}
