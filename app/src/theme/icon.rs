//! Colours of icons.

use iced::widget::svg::{Catalog, Status, Style, StyleFn};

use super::Theme;

impl Catalog for Theme {
    type Class<'a> = StyleFn<'a, Self>;

    fn default<'a>() -> Self::Class<'a> {
        Box::new(quiet)
    }

    fn style(&self, class: &Self::Class<'_>, status: Status) -> Style {
        class(self, status)
    }
}

/// An icon beside other things.
pub fn quiet(theme: &Theme, _: Status) -> Style {
    Style { color: Some(theme.colors().secondary) }
}

/// An icon that is switched on, or can be used to good effect.
pub fn accent(theme: &Theme, _: Status) -> Style {
    Style { color: Some(theme.colors().accent) }
}

/// On an accent.
pub fn on_accent(theme: &Theme, _: Status) -> Style {
    Style { color: Some(theme.colors().on_accent) }
}

/// On something that cannot be used now.
pub fn disabled(theme: &Theme, _: Status) -> Style {
    Style { color: Some(theme.colors().secondary) }
}

/// The state of an own message.
pub fn own_note(theme: &Theme, _: Status) -> Style {
    Style { color: Some(theme.own_note()) }
}

/// It failed.
pub fn bad(theme: &Theme, _: Status) -> Style {
    Style { color: Some(theme.colors().bad) }
}
