//! Styles of lists to pick from, and of their menu.

use iced::overlay::menu;
use iced::widget::pick_list::{self, Status, Style};
use iced::{Border, Shadow};

use super::{Theme, radius};

impl pick_list::Catalog for Theme {
    type Class<'a> = pick_list::StyleFn<'a, Self>;

    fn default<'a>() -> <Self as pick_list::Catalog>::Class<'a> {
        Box::new(field)
    }

    fn style(&self, class: &<Self as pick_list::Catalog>::Class<'_>, status: Status) -> Style {
        class(self, status)
    }
}

impl menu::Catalog for Theme {
    type Class<'a> = menu::StyleFn<'a, Self>;

    fn default<'a>() -> <Self as menu::Catalog>::Class<'a> {
        Box::new(list)
    }

    fn style(&self, class: &<Self as menu::Catalog>::Class<'_>) -> menu::Style {
        class(self)
    }
}

fn field(theme: &Theme, status: Status) -> Style {
    let colors = theme.colors();
    let line = if matches!(status, Status::Active) { colors.line } else { colors.accent };
    Style {
        text_color: colors.text,
        placeholder_color: colors.secondary,
        handle_color: colors.secondary,
        background: colors.background.into(),
        border: Border { color: line, width: 1.0, radius: radius::ROW.into() },
    }
}

fn list(theme: &Theme) -> menu::Style {
    let colors = theme.colors();
    menu::Style {
        background: colors.panel.into(),
        border: Border { color: colors.line, width: 1.0, radius: radius::ROW.into() },
        text_color: colors.text,
        selected_text_color: colors.text,
        selected_background: colors.selected.into(),
        shadow: Shadow::default(),
    }
}
