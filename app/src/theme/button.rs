//! Styles of buttons.

use iced::border;
use iced::widget::button::{Catalog, Status, Style, StyleFn};
use iced::{Background, Border, Color, Shadow};

use super::{Theme, mix, radius};

impl Catalog for Theme {
    type Class<'a> = StyleFn<'a, Self>;

    fn default<'a>() -> Self::Class<'a> {
        Box::new(primary)
    }

    fn style(&self, class: &Self::Class<'_>, status: Status) -> Style {
        class(self, status)
    }
}

fn filled(background: Color, text_color: Color, corners: f32) -> Style {
    Style {
        background: Some(Background::Color(background)),
        text_color,
        border: border::rounded(corners),
        shadow: Shadow::default(),
        snap: true,
    }
}

fn bare(text_color: Color, corners: f32) -> Style {
    Style { background: None, ..filled(Color::TRANSPARENT, text_color, corners) }
}

/// The one thing that a screen is for.
pub fn primary(theme: &Theme, status: Status) -> Style {
    let colors = theme.colors();
    match status {
        Status::Active => filled(colors.accent, colors.on_accent, radius::ROW),
        Status::Hovered | Status::Pressed => {
            filled(mix(colors.accent, colors.text, 0.12), colors.on_accent, radius::ROW)
        }
        Status::Disabled => filled(colors.line, colors.secondary, radius::ROW),
    }
}

/// The round-cornered button in the composer.
pub fn send(theme: &Theme, status: Status) -> Style {
    let style = primary(theme, status);
    Style { border: border::rounded(radius::SEND), ..style }
}

/// The other thing that can be done.
pub fn quiet(theme: &Theme, status: Status) -> Style {
    let colors = theme.colors();
    let behind =
        if matches!(status, Status::Active | Status::Disabled) { colors.panel } else { colors.hover };
    let text_color = if status == Status::Disabled { colors.secondary } else { colors.text };
    let line = Border { color: colors.line, width: 1.0, radius: radius::ROW.into() };
    Style { border: line, ..filled(behind, text_color, radius::ROW) }
}

/// What takes something away for good.
pub fn alarming(theme: &Theme, status: Status) -> Style {
    let colors = theme.colors();
    let behind = if is_pointed_at(status) { mix(colors.bad, colors.text, 0.12) } else { colors.bad };
    filled(behind, colors.panel, radius::ROW)
}

/// Text that does something.
pub fn link(theme: &Theme, status: Status) -> Style {
    let colors = theme.colors();
    bare(
        if is_pointed_at(status) { mix(colors.accent, colors.text, 0.5) } else { colors.accent },
        radius::SMALL,
    )
}

fn is_pointed_at(status: Status) -> bool {
    matches!(status, Status::Hovered | Status::Pressed)
}

/// Text that takes something away.
pub fn danger(theme: &Theme, status: Status) -> Style {
    let colors = theme.colors();
    bare(if is_pointed_at(status) { mix(colors.bad, colors.text, 0.5) } else { colors.bad }, radius::SMALL)
}

/// An icon that does something.
pub fn icon(theme: &Theme, status: Status) -> Style {
    let colors = theme.colors();
    match status {
        Status::Hovered | Status::Pressed => filled(colors.hover, colors.text, radius::ROW),
        _ => bare(colors.secondary, radius::ROW),
    }
}

/// What a round button of a call does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Round {
    /// It switches something on.
    Off,
    /// It switches something off again.
    On,
    /// It takes a call.
    Take,
    /// It ends a call.
    End,
}

/// A round button of a call.
pub fn round(round: Round) -> impl Fn(&Theme, Status) -> Style {
    move |theme, status| {
        let colors = theme.colors();
        let (behind, front) = match round {
            Round::Off => (colors.hover, colors.text),
            Round::On => (colors.selected, colors.accent),
            Round::Take => (colors.accent, colors.on_accent),
            Round::End => (colors.bad, colors.panel),
        };
        let behind = if is_pointed_at(status) { mix(behind, colors.text, 0.12) } else { behind };
        filled(behind, front, radius::PILL)
    }
}

/// What ends a call, in its bar.
pub fn end(theme: &Theme, status: Status) -> Style {
    Style { border: border::rounded(radius::ROW), ..round(Round::End)(theme, status) }
}

/// A row of a list.
pub fn row(selected: bool) -> impl Fn(&Theme, Status) -> Style {
    move |theme, status| {
        let colors = theme.colors();
        match status {
            _ if selected => filled(colors.selected, colors.text, radius::ROW),
            Status::Hovered | Status::Pressed => filled(colors.hover, colors.text, radius::ROW),
            _ => bare(colors.text, radius::ROW),
        }
    }
}

/// One of a few choices that stand side by side.
pub fn choice(chosen: bool) -> impl Fn(&Theme, Status) -> Style {
    move |theme, status| {
        let colors = theme.colors();
        let style = quiet(theme, status);
        if !chosen {
            return style;
        }
        let line = Border { color: colors.accent, ..style.border };
        Style { background: Some(colors.selected.into()), border: line, ..style }
    }
}

/// A bar across a panel.
pub fn bar(theme: &Theme, status: Status) -> Style {
    let colors = theme.colors();
    match status {
        Status::Hovered | Status::Pressed => filled(colors.hover, colors.text, 0.0),
        _ => bare(colors.text, 0.0),
    }
}

/// A button that floats over the history.
pub fn pill(theme: &Theme, status: Status) -> Style {
    Style { border: border::rounded(radius::PILL), ..primary(theme, status) }
}

/// The same where nothing is new.
pub fn quiet_pill(theme: &Theme, status: Status) -> Style {
    let style = quiet(theme, status);
    Style { border: Border { radius: radius::PILL.into(), ..style.border }, ..style }
}

/// A reaction under a bubble, ours or not.
pub fn chip(mine: bool) -> impl Fn(&Theme, Status) -> Style {
    move |theme, status| {
        let colors = theme.colors();
        let behind = if mine { colors.selected } else { colors.panel };
        let behind = if is_pointed_at(status) { mix(behind, colors.accent, 0.12) } else { behind };
        let line = Border {
            color: if mine { colors.accent } else { colors.line },
            width: 1.0,
            radius: radius::PILL.into(),
        };
        Style { border: line, ..filled(behind, colors.text, radius::PILL) }
    }
}

/// What a bubble answers.
pub fn quote(theme: &Theme, status: Status) -> Style {
    let colors = theme.colors();
    let part = if is_pointed_at(status) { 0.16 } else { 0.08 };
    filled(colors.accent.scale_alpha(part), colors.text, radius::QUOTE)
}

/// Words that are a button only under the pointer.
pub fn plain(theme: &Theme, _: Status) -> Style {
    bare(theme.colors().text, 0.0)
}
