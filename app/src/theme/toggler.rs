//! Style of switches.

use iced::Color;
use iced::widget::toggler::{Catalog, Status, Style, StyleFn};

use super::Theme;

impl Catalog for Theme {
    type Class<'a> = StyleFn<'a, Self>;

    fn default<'a>() -> Self::Class<'a> {
        Box::new(switch)
    }

    fn style(&self, class: &Self::Class<'_>, status: Status) -> Style {
        class(self, status)
    }
}

/// The one switch: in the accent while it is on.
pub fn switch(theme: &Theme, status: Status) -> Style {
    let colors = theme.colors();
    let is_on = match status {
        Status::Active { is_toggled } | Status::Hovered { is_toggled } | Status::Disabled { is_toggled } => {
            is_toggled
        }
    };
    Style {
        background: if is_on { colors.accent } else { colors.secondary }.into(),
        background_border_width: 0.0,
        background_border_color: Color::TRANSPARENT,
        foreground: colors.panel.into(),
        foreground_border_width: 0.0,
        foreground_border_color: Color::TRANSPARENT,
        text_color: None,
        border_radius: None,
        padding_ratio: 0.1,
    }
}
