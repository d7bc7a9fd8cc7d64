//! Colours of QR pictures: always dark on light, since not every reader knows the reverse.

use iced::Color;
use iced::widget::qr_code::{Catalog, Style, StyleFn};

use super::Theme;

impl Catalog for Theme {
    type Class<'a> = StyleFn<'a, Self>;

    fn default<'a>() -> Self::Class<'a> {
        Box::new(picture)
    }

    fn style(&self, class: &Self::Class<'_>) -> Style {
        class(self)
    }
}

/// Black on white, in either theme.
pub fn picture(_: &Theme) -> Style {
    Style { cell: Color::BLACK, background: Color::WHITE }
}
