//! Bands over the whole window: what is wrong with the peer or its history, for as long as it is; what
//! became of the history and how far its index is, until that was read.

use iced::widget::{Column, container, row, text};
use iced::{Center, Fill};

use super::{Cx, search};
use crate::i18n::tr;
use crate::rebuilt;
use crate::theme::container::Tone;
use crate::theme::{self, size, space as gap};
use crate::widget::{self, Element, Icon};

/// Which bands were read and closed.
#[derive(Debug, Default)]
pub struct State {
    closed_rebuilt: bool,
    closed_indexing: bool,
}

/// What can happen to a band.
#[derive(Debug, Clone, Copy)]
pub enum Message {
    /// The one about the history was read.
    CloseRebuilt,
    /// The one about its index was read.
    CloseIndexing,
}

impl State {
    /// Takes a message.
    pub fn update(&mut self, message: Message) {
        match message {
            Message::CloseRebuilt => self.closed_rebuilt = true,
            Message::CloseIndexing => self.closed_indexing = true,
        }
    }

    /// Draws those that there are, one under the other.
    pub fn view<'a>(&self, cx: &Cx) -> Element<'a, Message> {
        let status = &cx.status;
        let broken = status.is_broken.then(|| band(Tone::Bad, tr("peer-broken"), None));
        let fault = status.store_fault.map(|fault| band(Tone::Bad, rebuilt::fault(fault), None));
        let rebuilt = status.store_rebuilt.as_ref().filter(|_| !self.closed_rebuilt);
        let rebuilt =
            rebuilt.map(|rebuilt| band(Tone::Warning, rebuilt::words(rebuilt), Some(Message::CloseRebuilt)));
        let progress = status.search_progress.filter(|_| !self.closed_indexing);
        let indexing =
            progress.map(|of| band(Tone::Quiet, search::indexing(of), Some(Message::CloseIndexing)));
        Column::new().extend([broken, fault, rebuilt, indexing].into_iter().flatten()).into()
    }
}

fn band<'a>(tone: Tone, words: String, close: Option<Message>) -> Element<'a, Message> {
    let words = text(words).size(size::SECONDARY).font(theme::MEDIUM).width(Fill);
    let close = close.map(|close| widget::small_icon_button(Icon::Close, tr("close"), close));
    let content = row![words].push(close).spacing(gap::M).align_y(Center);
    container(content).padding([gap::S, gap::L]).width(Fill).style(theme::container::banner(tone)).into()
}
