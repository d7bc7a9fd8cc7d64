//! Style of sliders: how loud somebody is.

use iced::border;
use iced::widget::slider::{Catalog, Handle, HandleShape, Rail, Status, Style, StyleFn};
use iced::{Border, Color};

use super::{Theme, mix, radius, side, stroke};

impl Catalog for Theme {
    type Class<'a> = StyleFn<'a, Self>;

    fn default<'a>() -> Self::Class<'a> {
        Box::new(level)
    }

    fn style(&self, class: &Self::Class<'_>, status: Status) -> Style {
        class(self, status)
    }
}

/// The one slider.
pub fn level(theme: &Theme, status: Status) -> Style {
    let colors = theme.colors();
    let handle = match status {
        Status::Active => colors.accent,
        Status::Hovered | Status::Dragged => mix(colors.accent, colors.text, 0.12),
    };
    Style {
        rail: Rail {
            backgrounds: (colors.accent.into(), colors.line.into()),
            width: stroke::RAIL,
            border: Border { radius: radius::PILL.into(), ..border::width(0.0) },
        },
        handle: Handle {
            shape: HandleShape::Circle { radius: side::HANDLE / 2.0 },
            background: handle.into(),
            border_width: 0.0,
            border_color: Color::TRANSPARENT,
        },
    }
}
