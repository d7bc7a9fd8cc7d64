//! Style of scrollbars: thin, there when they are wanted.

use iced::border;
use iced::widget::container;
use iced::widget::scrollable::{AutoScroll, Catalog, Rail, Scroller, Status, Style, StyleFn};
use iced::{Border, Color, Shadow};

use super::{Theme, radius};

impl Catalog for Theme {
    type Class<'a> = StyleFn<'a, Self>;

    fn default<'a>() -> Self::Class<'a> {
        Box::new(thin)
    }

    fn style(&self, class: &Self::Class<'_>, status: Status) -> Style {
        class(self, status)
    }
}

/// The one scrollbar.
pub fn thin(theme: &Theme, status: Status) -> Style {
    let colors = theme.colors();
    let color = match status {
        Status::Active { .. } => Color::TRANSPARENT,
        Status::Hovered { .. } => colors.secondary.scale_alpha(0.35),
        Status::Dragged { .. } => colors.secondary.scale_alpha(0.6),
    };
    let rail = Rail {
        background: None,
        border: Border::default(),
        scroller: Scroller { background: color.into(), border: border::rounded(radius::PILL) },
    };
    Style {
        container: container::Style::default(),
        vertical_rail: rail,
        horizontal_rail: rail,
        gap: None,
        auto_scroll: AutoScroll {
            background: colors.panel.into(),
            border: border::rounded(radius::PILL),
            shadow: Shadow::default(),
            icon: colors.secondary,
        },
    }
}
