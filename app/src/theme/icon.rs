//! Colours of icons.

use iced::widget::svg::{Catalog, Status, Style, StyleFn};

use super::button::Round;
use super::{Theme, mix};

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

/// On a button that cannot be pressed now.
pub fn faint(theme: &Theme, _: Status) -> Style {
    let colors = theme.colors();
    // Mixed, since an icon has no transparency of its own where the processor draws.
    Style { color: Some(mix(colors.panel, colors.secondary, 0.45)) }
}

/// On a round button of a call.
pub fn round(round: Round) -> impl Fn(&Theme, Status) -> Style {
    move |theme, _| {
        let colors = theme.colors();
        let color = match round {
            Round::Off => colors.text,
            Round::On => colors.accent,
            Round::Take => colors.on_accent,
            Round::End => colors.panel,
        };
        Style { color: Some(color) }
    }
}
