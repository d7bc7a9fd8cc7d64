//! Style of bars that show how much.

use iced::border;
use iced::widget::progress_bar::{Catalog, Style, StyleFn};

use super::{Theme, radius};

impl Catalog for Theme {
    type Class<'a> = StyleFn<'a, Self>;

    fn default<'a>() -> Self::Class<'a> {
        Box::new(level)
    }

    fn style(&self, class: &Self::Class<'_>) -> Style {
        class(self)
    }
}

/// A level that is good to see.
pub fn level(theme: &Theme) -> Style {
    let colors = theme.colors();
    Style { background: colors.line.into(), bar: colors.good.into(), border: border::rounded(radius::PILL) }
}
