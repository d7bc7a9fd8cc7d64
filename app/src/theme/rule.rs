//! Styles of rules.

use iced::widget::rule::{Catalog, FillMode, Style, StyleFn};

use super::Theme;

impl Catalog for Theme {
    type Class<'a> = StyleFn<'a, Self>;

    fn default<'a>() -> Self::Class<'a> {
        Box::new(thin)
    }

    fn style(&self, class: &Self::Class<'_>) -> Style {
        class(self)
    }
}

/// Between panels.
pub fn thin(theme: &Theme) -> Style {
    Style { color: theme.colors().line, radius: 0.0.into(), fill_mode: FillMode::Full, snap: true }
}

/// Beside "new since".
pub fn new(theme: &Theme) -> Style {
    Style { color: theme.colors().accent.scale_alpha(0.35), ..thin(theme) }
}
