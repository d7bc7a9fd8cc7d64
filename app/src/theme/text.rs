//! Styles of text.

use iced::widget::text::{Catalog, Style, StyleFn};

use super::Theme;

impl Catalog for Theme {
    type Class<'a> = StyleFn<'a, Self>;

    fn default<'a>() -> Self::Class<'a> {
        Box::new(|_| Style::default())
    }

    fn style(&self, class: &Self::Class<'_>) -> Style {
        class(self)
    }
}

/// Secondary text.
pub fn secondary(theme: &Theme) -> Style {
    Style { color: Some(theme.colors().secondary) }
}

/// What can be done, or is new.
pub fn accent(theme: &Theme) -> Style {
    Style { color: Some(theme.colors().accent) }
}

/// It failed.
pub fn bad(theme: &Theme) -> Style {
    Style { color: Some(theme.colors().bad) }
}

/// The name of a person with this avatar.
pub fn name(avatar: usize) -> impl Fn(&Theme) -> Style {
    move |theme| Style { color: Some(theme.name_color(avatar)) }
}

/// Time and state in an own bubble: the bubble's text, quieter.
pub fn own_note(theme: &Theme) -> Style {
    Style { color: Some(theme.own_note()) }
}
