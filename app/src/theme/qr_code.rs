//! Colours of QR pictures: always dark on light, since not every reader knows the reverse.

use iced::Color;
use iced::widget::qr_code::{Catalog, Style, StyleFn};

use super::Theme;

/// Side of a square of an invitation's picture, in whole pixels: the largest of these that fits.
pub const SQUARES: [usize; 4] = [6, 5, 4, 3];
/// Side of that picture at most.
pub const SIDE_MAX: usize = 384;
/// Side of the picture of a safety number.
pub const SAFETY: f32 = 200.0;

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
