//! Styles of containers: panels, cards, bubbles, dialogs.

use iced::border;
use iced::widget::container::{Catalog, Style, StyleFn};
use iced::{Border, Color};

use super::{AVATARS, Theme, radius, stroke};

impl Catalog for Theme {
    type Class<'a> = StyleFn<'a, Self>;

    fn default<'a>() -> Self::Class<'a> {
        Box::new(|_| Style::default())
    }

    fn style(&self, class: &Self::Class<'_>) -> Style {
        class(self)
    }
}

fn filled(background: Color, corners: f32) -> Style {
    Style { background: Some(background.into()), border: border::rounded(corners), ..Style::default() }
}

fn outlined(background: Color, line: Color, corners: f32) -> Style {
    let border = Border { color: line, width: 1.0, radius: corners.into() };
    Style { border, ..filled(background, corners) }
}

/// Behind the conversation.
pub fn background(theme: &Theme) -> Style {
    filled(theme.colors().background, 0.0)
}

/// Sidebar, header, details.
pub fn panel(theme: &Theme) -> Style {
    filled(theme.colors().panel, 0.0)
}

/// A box in a panel.
pub fn card(theme: &Theme) -> Style {
    outlined(theme.colors().panel, theme.colors().line, radius::ROW)
}

/// The composer.
pub fn composer(theme: &Theme) -> Style {
    outlined(theme.colors().raised, theme.colors().line, radius::BUBBLE)
}

/// What we said, or others: what was taken back is an outline, and what the reader was sent to has
/// a line around it.
pub fn said(own: bool, deleted: bool, shown: bool) -> impl Fn(&Theme) -> Style {
    move |theme| {
        let colors = theme.colors();
        let (behind, line, text) = match own {
            _ if deleted => (colors.background, colors.line, colors.secondary),
            true => (colors.own, colors.own, colors.on_own),
            false => (colors.raised, colors.line, colors.text),
        };
        let line = if shown { colors.accent } else { line };
        Style { text_color: Some(text), ..outlined(behind, line, radius::BUBBLE) }
    }
}

/// The line beside what a bubble answers.
pub fn quote_bar(theme: &Theme) -> Style {
    let radius = border::left(radius::QUOTE);
    Style { border: Border { radius, ..Border::default() }, ..filled(theme.colors().accent, 0.0) }
}

/// A day between bubbles.
pub fn day(theme: &Theme) -> Style {
    outlined(theme.colors().panel, theme.colors().line, radius::PILL)
}

/// Something new to look at.
pub fn badge(theme: &Theme) -> Style {
    let colors = theme.colors();
    Style { text_color: Some(colors.on_accent), ..filled(colors.accent, radius::PILL) }
}

/// The program's mark.
pub fn mark(theme: &Theme) -> Style {
    let colors = theme.colors();
    Style { text_color: Some(colors.on_accent), ..filled(colors.accent, radius::BUBBLE) }
}

/// The circle behind an initial.
pub fn avatar(color: usize) -> impl Fn(&Theme) -> Style {
    move |_| Style { text_color: Some(Color::WHITE), ..filled(AVATARS[color % AVATARS.len()], radius::PILL) }
}

/// A dot that is filled when somebody is here, in a ring of what is behind it.
pub fn presence(online: bool) -> impl Fn(&Theme) -> Style {
    move |theme| {
        let colors = theme.colors();
        let ring = Border { color: colors.panel, width: 2.0, radius: radius::PILL.into() };
        Style { border: ring, ..filled(if online { colors.good } else { colors.secondary }, radius::PILL) }
    }
}

/// How well something goes, as a dot beside its words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// All is well.
    Good,
    /// Look here.
    Warning,
    /// Nothing yet.
    Quiet,
    /// It failed.
    Bad,
}

impl Tone {
    fn color(self, theme: &Theme) -> Color {
        let colors = theme.colors();
        match self {
            Self::Good => colors.good,
            Self::Warning => colors.warning,
            Self::Quiet => colors.secondary,
            Self::Bad => colors.bad,
        }
    }
}

/// A plain dot.
pub fn dot(tone: Tone) -> impl Fn(&Theme) -> Style {
    move |theme| filled(tone.color(theme), radius::PILL)
}

/// A band across the window that says what is wrong.
pub fn banner(tone: Tone) -> impl Fn(&Theme) -> Style {
    move |theme| {
        let color = tone.color(theme);
        Style { text_color: Some(color), ..filled(super::mix(theme.colors().panel, color, 0.12), 0.0) }
    }
}

/// A thin line as a container: of any size, with no gap of its own.
pub fn line(theme: &Theme) -> Style {
    filled(theme.colors().line, 0.0)
}

/// The line beside "new since".
pub fn new_line(theme: &Theme) -> Style {
    filled(theme.colors().accent.scale_alpha(0.35), 0.0)
}

/// What dims the window behind a dialog.
pub fn scrim(_: &Theme) -> Style {
    filled(Color { a: 0.45, ..Color::BLACK }, 0.0)
}

/// A dialog. It has no shadow: iced's software renderer draws one over what it redraws in parts.
pub fn dialog(theme: &Theme) -> Style {
    outlined(theme.colors().panel, theme.colors().line, radius::BUBBLE)
}

/// The bar of a call, over everything that can be looked at meanwhile.
pub fn call_bar(theme: &Theme) -> Style {
    let colors = theme.colors();
    filled(super::mix(colors.panel, colors.accent, 0.1), 0.0)
}

/// What is held to talk.
pub fn talk(talks: bool) -> impl Fn(&Theme) -> Style {
    move |theme| {
        let colors = theme.colors();
        let (behind, text, line) = match talks {
            true => (colors.accent, colors.on_accent, colors.accent),
            false => (colors.panel, colors.text, colors.line),
        };
        Style { text_color: Some(text), ..outlined(behind, line, radius::PILL) }
    }
}

/// The ring around who speaks.
pub fn speaking(speaks: bool) -> impl Fn(&Theme) -> Style {
    move |theme| {
        let color = if speaks { theme.colors().accent } else { Color::TRANSPARENT };
        let border = Border { color, width: stroke::SPEAKING, radius: radius::PILL.into() };
        Style { border, ..Style::default() }
    }
}

/// A short note over the window.
pub fn toast(theme: &Theme) -> Style {
    let colors = theme.colors();
    Style { text_color: Some(colors.panel), ..filled(colors.text, radius::ROW) }
}

/// Words beside the pointer.
pub fn tooltip(theme: &Theme) -> Style {
    let colors = theme.colors();
    Style { text_color: Some(colors.panel), ..filled(colors.text, radius::SMALL) }
}
