//! Styles of fields, of one line and of many.

use iced::widget::{text_editor, text_input};
use iced::{Background, Border, Color};

use super::{Theme, radius};

impl text_input::Catalog for Theme {
    type Class<'a> = text_input::StyleFn<'a, Self>;

    fn default<'a>() -> Self::Class<'a> {
        Box::new(boxed)
    }

    fn style(&self, class: &Self::Class<'_>, status: text_input::Status) -> text_input::Style {
        class(self, status)
    }
}

impl text_editor::Catalog for Theme {
    type Class<'a> = text_editor::StyleFn<'a, Self>;

    fn default<'a>() -> Self::Class<'a> {
        Box::new(composer)
    }

    fn style(&self, class: &Self::Class<'_>, status: text_editor::Status) -> text_editor::Style {
        class(self, status)
    }
}

/// A field in a dialog or a card.
pub fn boxed(theme: &Theme, status: text_input::Status) -> text_input::Style {
    let colors = theme.colors();
    let focused = matches!(status, text_input::Status::Focused { .. });
    let line = if focused { colors.accent } else { colors.line };
    input(theme, Border { color: line, width: if focused { 2.0 } else { 1.0 }, radius: radius::ROW.into() })
}

/// The search field: a quiet place in the sidebar, with a line when it is typed into.
pub fn search(theme: &Theme, status: text_input::Status) -> text_input::Style {
    let focused = matches!(status, text_input::Status::Focused { .. });
    let line = if focused { theme.colors().accent } else { Color::TRANSPARENT };
    input(theme, Border { color: line, width: 1.0, radius: radius::ROW.into() })
}

fn input(theme: &Theme, border: Border) -> text_input::Style {
    let colors = theme.colors();
    text_input::Style {
        background: colors.background.into(),
        border,
        icon: colors.secondary,
        placeholder: colors.secondary,
        value: colors.text,
        selection: colors.accent.scale_alpha(0.3),
    }
}

/// The composer's text: the box around it is the composer's.
pub fn composer(theme: &Theme, _: text_editor::Status) -> text_editor::Style {
    let colors = theme.colors();
    text_editor::Style {
        background: Background::Color(Color::TRANSPARENT),
        border: Border::default(),
        placeholder: colors.secondary,
        value: colors.text,
        selection: colors.accent.scale_alpha(0.3),
    }
}
