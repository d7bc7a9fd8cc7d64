//! The room inside things, where it is not one distance all around.

use iced::Padding;

use super::{space, stroke};

const fn of(upright: f32, level: f32) -> Padding {
    Padding { top: upright, right: level, bottom: upright, left: level }
}

/// A button with a word.
pub const BUTTON: Padding = of(10.0, space::L);
/// A field of one line.
pub const FIELD: Padding = of(10.0, space::M);
/// A field to search with.
pub const SEARCH: Padding = of(9.0, space::M);
/// The head of a search.
pub const SEARCH_HEAD: Padding = Padding { top: 14.0, ..of(space::M, space::L) };
/// A list to pick from.
pub const PICK: Padding = of(6.0, space::M);
/// A button that floats over the history.
pub const PILL: Padding = of(6.0, space::M);
/// A number of things.
pub const BADGE: Padding = of(0.0, 7.0);
/// A bubble, within its line.
pub const BUBBLE: Padding = of(space::S + stroke::LINE, space::M + stroke::LINE);
/// The name in a bubble.
pub const NAME: Padding = Padding { bottom: 2.0, ..Padding::ZERO };
/// What a bubble answers.
pub const QUOTE: Padding = of(2.0, space::S);
/// The reactions in a bubble.
pub const CHIPS: Padding = Padding { top: 6.0, ..Padding::ZERO };
/// A reaction.
pub const CHIP: Padding = of(1.0, space::S);
/// The composer: with its line, the button that sends is as far from three sides.
pub const COMPOSER: Padding = Padding { right: 9.0, ..of(7.0, 7.0) };
/// The text in the composer: one line of it is as high as the button beside it.
pub const COMPOSER_TEXT: Padding = Padding { left: 10.0, ..of(7.5, space::S) };
