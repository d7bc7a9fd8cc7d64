//! What can be done with one post, the menu under it and the tools beside it; and with the whole
//! conversation.

use iced::widget::{button, column, container, mouse_area, opaque, row, text, text_input};
use iced::{Center, Fill, Padding};
use kinmesh_core::Withheld;
use kinmesh_model::{Bubble, Said};
use kinmesh_proto::{EntryKey, PersonId};

use super::Message as Parent;
use crate::i18n::tr;
use crate::theme::{self, column as width, side, size, space as gap};
use crate::widget::{self, Element, Icon, emoji};

/// The field for any emoji.
pub const EMOJI: &str = "menu-emoji";

/// Emoji that are at hand: what people use most under messages.
pub const COMMON: [&str; 6] = ["👍", "❤️", "😂", "😮", "😢", "🙏"];

/// The open menu of a post.
#[derive(Debug, Clone)]
pub struct Menu {
    key: EntryKey,
    page: Page,
    /// What was typed as an emoji.
    emoji: String,
}

/// What the menu shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Page {
    /// Everything that can be done.
    All,
    /// Emoji alone.
    Emoji,
    /// Whether it is really to be deleted.
    Delete,
}

/// What can happen in the menu.
#[derive(Debug, Clone)]
pub enum Message {
    /// The menu of this post is wanted.
    Open(EntryKey, Page),
    /// It is not wanted any more.
    Close,
    /// An emoji was typed.
    Emoji(String),
    /// The text is wanted on the clipboard.
    Copy(EntryKey),
    /// The post is to be deleted; that was asked already.
    Delete(EntryKey),
    /// The post is to be hidden from everybody, or shown again.
    Hide(EntryKey, bool),
    /// The same for the user alone.
    HideHere(EntryKey, bool),
    /// The same of all that somebody writes here.
    HideAuthor(PersonId, bool),
}

/// What of a conversation its reader can hide.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Hides {
    /// Single posts, for themselves.
    pub here: bool,
    /// The same, from everybody.
    pub for_all: bool,
}

impl Menu {
    /// Opens it.
    pub fn new(key: EntryKey, page: Page) -> Self {
        Self { key, page, emoji: String::new() }
    }

    /// Of which post.
    pub fn key(&self) -> EntryKey {
        self.key
    }

    /// Takes what was typed as an emoji.
    pub fn type_emoji(&mut self, emoji: String) {
        self.emoji = emoji;
    }

    /// Draws it.
    pub fn view<'a>(&'a self, bubble: &Bubble<'_>, can_write: bool, hides: Hides) -> Element<'a, Parent> {
        let content = match self.page {
            Page::All => column![]
                .push(can_write.then(|| self.emojis(bubble)))
                .push(self.actions(bubble, can_write))
                .push(self.hiding(bubble, hides)),
            Page::Emoji => column![self.emojis(bubble)],
            Page::Delete => column![self.ask()],
        };
        container(content).width(width::MENU).padding(gap::XS).style(theme::container::dialog).into()
    }

    fn emojis(&self, bubble: &Bubble<'_>) -> Element<'_, Parent> {
        let mine = |emoji: &str| bubble.chips.iter().any(|chip| chip.mine && chip.emoji == emoji);
        let common = COMMON.map(|emoji| {
            let is_mine = mine(emoji);
            let face = container(text(emoji).size(size::EMOJI).font(theme::EMOJI)).center(side::BUTTON);
            let react = Parent::React(self.key, emoji.to_owned(), !is_mine);
            button(face).padding(0).style(theme::button::row(is_mine)).on_press(react).into()
        });
        let typed = self.emoji.trim();
        let react = (!typed.is_empty()).then(|| Parent::React(self.key, typed.to_owned(), true));
        let any = text_input(&tr("react-any"), &self.emoji)
            .id(EMOJI)
            .size(size::SECONDARY)
            .font(emoji::font(&self.emoji))
            .padding([gap::S, gap::M])
            .style(theme::field::search)
            .on_input(|emoji| Parent::Menu(Message::Emoji(emoji)))
            .on_submit_maybe(react);
        column![row(common).spacing(gap::XS), any].spacing(gap::XS).into()
    }

    fn actions(&self, bubble: &Bubble<'_>, can_write: bool) -> Element<'_, Parent> {
        let key = self.key;
        let has_text = matches!(bubble.said, Said::Text(_));
        let can_change = bubble.own && can_write;
        let actions = [
            can_write.then(|| action("reply", Parent::Reply(key))),
            has_text.then(|| action("copy", Parent::Menu(Message::Copy(key)))),
            (can_change && has_text).then(|| action("edit", Parent::Edit(key))),
            bubble.edited.then(|| action("edits-show", Parent::History(key))),
            can_change.then(|| {
                let words = text(tr("delete-everyone")).size(size::NAME).style(theme::text::bad);
                let ask = Parent::Menu(Message::Open(key, Page::Delete));
                button(words)
                    .width(Fill)
                    .padding([gap::S, gap::M])
                    .style(theme::button::row(false))
                    .on_press(ask)
                    .into()
            }),
        ];
        column(actions.into_iter().flatten()).into()
    }

    /// Out of the user's sight, or out of everybody's.
    fn hiding(&self, bubble: &Bubble<'_>, hides: Hides) -> Element<'_, Parent> {
        let key = self.key;
        let is_hidden_here = bubble.withheld == Some(&Withheld::Entry);
        let is_hidden = matches!(bubble.withheld, Some(Withheld::Hidden { .. }));
        let here = if is_hidden_here { "show-here" } else { "hide-here" };
        let is_author_hidden = bubble.withheld == Some(&Withheld::Author);
        let author = if is_author_hidden { "show-author-here" } else { "hide-author-here" };
        let hide_author = Message::HideAuthor(bubble.author, !is_author_hidden);
        let for_all = if is_hidden { "show-everyone" } else { "hide-everyone" };
        let actions = [
            hides.here.then(|| action(here, Parent::Menu(Message::HideHere(key, !is_hidden_here)))),
            (hides.here && !bubble.own).then(|| action(author, Parent::Menu(hide_author))),
            hides.for_all.then(|| action(for_all, Parent::Menu(Message::Hide(key, !is_hidden)))),
        ];
        column(actions.into_iter().flatten()).into()
    }

    /// Asks once, since it cannot be taken back.
    fn ask(&self) -> Element<'_, Parent> {
        let title = text(tr("delete-ask")).size(size::NAME).font(theme::SEMIBOLD);
        let sentence = widget::secondary(tr("delete-sentence"));
        let actions = row![
            widget::quiet(tr("cancel"), Parent::Menu(Message::Close)),
            widget::alarming(tr("delete"), Parent::Menu(Message::Delete(self.key))),
        ];
        let content = column![title, sentence, actions.spacing(gap::S)].spacing(gap::S);
        container(content).padding(gap::S).into()
    }
}

/// What can be done with a conversation, under its header. A press beside it closes it.
pub fn of_conversation<'a>() -> Element<'a, Parent> {
    let actions = column![action("search-here", Parent::Search), action("export-open", Parent::Export)];
    let menu = container(actions).width(width::MENU).padding(gap::XS).style(theme::container::dialog);
    let padding = Padding::from(gap::S).top(width::HEADER - gap::XS);
    let around = container(opaque(menu)).align_right(Fill).height(Fill).padding(padding);
    opaque(mouse_area(around).on_press(Parent::ToggleMenu))
}

fn action<'a>(id: &str, message: Parent) -> Element<'a, Parent> {
    let words = text(tr(id)).size(size::NAME);
    button(words)
        .width(Fill)
        .padding([gap::S, gap::M])
        .style(theme::button::row(false))
        .on_press(message)
        .into()
}

/// What is at hand beside a post.
pub fn tools<'a>(key: EntryKey, can_write: bool) -> Element<'a, Parent> {
    let open = |page| Parent::Menu(Message::Open(key, page));
    let react = can_write.then(|| widget::small_icon_button(Icon::Smile, tr("react"), open(Page::Emoji)));
    let reply = can_write.then(|| widget::small_icon_button(Icon::Reply, tr("reply"), Parent::Reply(key)));
    let more = widget::small_icon_button(Icon::More, tr("more"), open(Page::All));
    row![].push(react).push(reply).push(more).align_y(Center).into()
}
