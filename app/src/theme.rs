//! The look of the desktop program in one place: spacing, radii, type, colours, and one module of
//! styles per widget.
//!
//! Screens name a style, never a colour or a number of pixels of their own. Knows no screen.

pub mod button;
pub mod container;
pub mod field;
pub mod icon;
pub mod pick_list;
pub mod progress_bar;
pub mod qr_code;
pub mod scrollable;
pub mod text;
pub mod toggler;

use iced::font::Weight;
use iced::theme::{Base, Mode, Palette, Style};
use iced::{Color, Font, color};

use crate::settings::ThemeChoice;

/// Distances between things.
pub mod space {
    /// Between a bubble and the next, an icon and its label.
    pub const XS: f32 = 4.0;
    /// Inside small things.
    pub const S: f32 = 8.0;
    /// Between the parts of a row.
    pub const M: f32 = 12.0;
    /// Around panels.
    pub const L: f32 = 16.0;
    /// Around the conversation.
    pub const XL: f32 = 24.0;
    /// Between the blocks of a page.
    pub const XXL: f32 = 32.0;
}

/// Rounded corners.
pub mod radius {
    /// What a bubble answers.
    pub const QUOTE: f32 = 4.0;
    /// Small things.
    pub const SMALL: f32 = 6.0;
    /// Rows, cards, fields.
    pub const ROW: f32 = 10.0;
    /// The button that sends.
    pub const SEND: f32 = 12.0;
    /// Bubbles and the composer.
    pub const BUBBLE: f32 = 16.0;
    /// Half circles at both ends.
    pub const PILL: f32 = 100.0;
}

/// Sizes of type.
pub mod size {
    /// The time in a bubble, the number in a badge.
    pub const TINY: f32 = 11.0;
    /// Captions.
    pub const CAPTION: f32 = 12.0;
    /// Secondary text.
    pub const SECONDARY: f32 = 13.0;
    /// Names in lists.
    pub const NAME: f32 = 14.0;
    /// Text.
    pub const TEXT: f32 = 15.0;
    /// Titles.
    pub const TITLE: f32 = 18.0;
    /// The question of the first start.
    pub const ONBOARDING: f32 = 24.0;
}

/// Line height of running text, in parts of the type size.
pub const LINE: f32 = 1.4;

/// Widths of the columns, and of the window at which they change.
pub mod column {
    /// The sidebar.
    pub const SIDEBAR: f32 = 312.0;
    /// The details.
    pub const DETAILS: f32 = 264.0;
    /// The header of a conversation.
    pub const HEADER: f32 = 64.0;
    /// Dialogs.
    pub const DIALOG: f32 = 440.0;
    /// The column of the first start.
    pub const ONBOARDING: f32 = 400.0;
    /// The column of the settings' cards.
    pub const SETTINGS: f32 = 560.0;
    /// Narrower windows have no details.
    pub const DETAILS_FROM: f32 = 900.0;
    /// Narrower windows show the sidebar or the conversation, not both.
    pub const SIDEBAR_FROM: f32 = 640.0;
    /// The part of the conversation that a bubble may take.
    pub const BUBBLE_PART: f32 = 0.74;
}

/// The typeface that comes with the program. Scripts it lacks come from the system's fonts.
pub const REGULAR: Font = Font::with_name("Inter");
/// Captions that stand out a little.
pub const MEDIUM: Font = Font { weight: Weight::Medium, ..REGULAR };
/// Names and titles.
pub const SEMIBOLD: Font = Font { weight: Weight::Semibold, ..REGULAR };

/// Emoji. Among a Linux system's fonts those with black and white signs would be taken first;
/// elsewhere the system knows its own.
#[cfg(all(unix, not(target_os = "macos")))]
pub const EMOJI: Font = Font::with_name("Noto Color Emoji");
/// Emoji, in the font that the system has for them.
#[cfg(not(all(unix, not(target_os = "macos"))))]
pub const EMOJI: Font = REGULAR;

/// The font files to load before the first frame.
pub const FONT_FILES: [&[u8]; 3] = [
    include_bytes!("../assets/fonts/Inter-Regular.otf"),
    include_bytes!("../assets/fonts/Inter-Medium.otf"),
    include_bytes!("../assets/fonts/Inter-SemiBold.otf"),
];

/// Every colour that is used.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Colors {
    /// Behind the conversation, and of fields in a panel.
    pub background: Color,
    /// Sidebar, header, details.
    pub panel: Color,
    /// Composer and the bubbles of others.
    pub raised: Color,
    /// Thin lines.
    pub line: Color,
    /// Text.
    pub text: Color,
    /// Secondary text.
    pub secondary: Color,
    /// What can be done, or is new.
    pub accent: Color,
    /// On the accent.
    pub on_accent: Color,
    /// Own bubbles.
    pub own: Color,
    /// Text in own bubbles.
    pub on_own: Color,
    /// The selected row.
    pub selected: Color,
    /// Under the pointer.
    pub hover: Color,
    /// All is well.
    pub good: Color,
    /// Look here.
    pub warning: Color,
    /// It failed.
    pub bad: Color,
}

const LIGHT: Colors = Colors {
    background: color!(0xF4F6F7),
    panel: color!(0xFFFFFF),
    raised: color!(0xFFFFFF),
    line: color!(0xE3E7EA),
    text: color!(0x12181B),
    secondary: color!(0x5C6B73),
    accent: color!(0x0F766E),
    on_accent: color!(0xFFFFFF),
    own: color!(0xD5EFEA),
    on_own: color!(0x0C2B27),
    selected: color!(0xE0EFEC),
    hover: color!(0xEDF1F2),
    good: color!(0x15803D),
    warning: color!(0xB45309),
    bad: color!(0xB42318),
};

const DARK: Colors = Colors {
    background: color!(0x0F1517),
    panel: color!(0x141C1F),
    raised: color!(0x1A2428),
    line: color!(0x253136),
    text: color!(0xE6ECEE),
    secondary: color!(0x93A4AB),
    accent: color!(0x2DD4BF),
    on_accent: color!(0x06211D),
    own: color!(0x0E4A43),
    on_own: color!(0xE3F6F2),
    selected: color!(0x17332F),
    hover: color!(0x1A2428),
    good: color!(0x4ADE80),
    warning: color!(0xF5B454),
    bad: color!(0xF97066),
};

/// Colours of avatars. White text on each has a contrast of at least 4.5 to 1.
pub const AVATARS: [Color; kinmesh_model::AVATAR_COLORS] = [
    color!(0x2563EB),
    color!(0xBE185D),
    color!(0x15803D),
    color!(0x0E7490),
    color!(0x6D28D9),
    color!(0x9A3412),
    color!(0xB45309),
    color!(0x0F766E),
    color!(0x7C5CDB),
    color!(0x4B5563),
];

/// Light or dark.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Theme {
    /// Dark text on light panels.
    #[default]
    Light,
    /// Light text on dark panels.
    Dark,
}

impl Theme {
    /// What a person chose, on a desktop that prefers `system`.
    pub fn chosen(choice: ThemeChoice, system: Mode) -> Self {
        match (choice, system) {
            (ThemeChoice::Dark, _) | (ThemeChoice::System, Mode::Dark) => Self::Dark,
            _ => Self::Light,
        }
    }

    /// The theme's colours.
    pub fn colors(&self) -> &'static Colors {
        match self {
            Self::Light => &LIGHT,
            Self::Dark => &DARK,
        }
    }

    /// Time and state in an own bubble: the bubble's text, quieter.
    pub fn own_note(&self) -> Color {
        mix(self.colors().own, self.colors().on_own, 0.7)
    }

    /// An avatar's colour as a name's: light enough to be read on a dark bubble.
    pub fn name_color(&self, avatar: usize) -> Color {
        let color = AVATARS[avatar % AVATARS.len()];
        match self {
            Self::Light => color,
            Self::Dark => mix(color, Color::WHITE, 0.45),
        }
    }
}

/// `part` of `to`, the rest of `from`.
pub fn mix(from: Color, to: Color, part: f32) -> Color {
    let blend = |from: f32, to: f32| from + (to - from) * part;
    Color::from_rgba(blend(from.r, to.r), blend(from.g, to.g), blend(from.b, to.b), blend(from.a, to.a))
}

impl Base for Theme {
    fn default(preference: Mode) -> Self {
        Self::chosen(ThemeChoice::System, preference)
    }

    fn mode(&self) -> Mode {
        match self {
            Self::Light => Mode::Light,
            Self::Dark => Mode::Dark,
        }
    }

    fn base(&self) -> Style {
        let colors = self.colors();
        Style { background_color: colors.background, text_color: colors.text }
    }

    fn palette(&self) -> Option<Palette> {
        let colors = self.colors();
        Some(Palette {
            background: colors.background,
            text: colors.text,
            primary: colors.accent,
            success: colors.good,
            warning: colors.warning,
            danger: colors.bad,
        })
    }

    fn name(&self) -> &str {
        match self {
            Self::Light => "Kinmesh light",
            Self::Dark => "Kinmesh dark",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contrast(a: Color, b: Color) -> f32 {
        let (a, b) = (a.relative_luminance() + 0.05, b.relative_luminance() + 0.05);
        a.max(b) / a.min(b)
    }

    #[test]
    fn initials_can_be_read_on_every_avatar() {
        for avatar in AVATARS {
            assert!(contrast(avatar, Color::WHITE) >= 4.5, "{avatar}: {}", contrast(avatar, Color::WHITE));
        }
    }

    #[test]
    fn text_can_be_read_in_both_themes() {
        for theme in [Theme::Light, Theme::Dark] {
            let colors = theme.colors();
            let pairs = [
                (colors.text, colors.panel),
                (colors.secondary, colors.panel),
                (colors.secondary, colors.background),
                (colors.on_own, colors.own),
                (colors.on_accent, colors.accent),
                (colors.bad, colors.panel),
                (colors.warning, colors.panel),
            ];
            for (text, behind) in pairs {
                assert!(contrast(text, behind) >= 4.5, "{theme:?} {text} on {behind}");
            }
            for avatar in 0..AVATARS.len() {
                assert!(contrast(theme.name_color(avatar), colors.raised) >= 4.5, "{theme:?} {avatar}");
            }
        }
    }
}
