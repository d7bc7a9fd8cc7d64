//! The style of QR pictures: dark on light in every theme, because many cameras read nothing else.

use iced::Color;
use iced::widget::qr_code::{self, Style};

use super::Theme;

impl qr_code::Catalog for Theme {
    type Class<'a> = qr_code::StyleFn<'a, Self>;

    fn default<'a>() -> Self::Class<'a> {
        Box::new(|_| Style { cell: Color::BLACK, background: Color::WHITE })
    }

    fn style(&self, class: &Self::Class<'_>) -> Style {
        class(self)
    }
}
