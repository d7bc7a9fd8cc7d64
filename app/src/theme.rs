//! The look of the desktop program in one place: spacing, sides, radii, type, colours, and one module
//! of styles per widget.
//!
//! Screens name a style, never a colour or a number of pixels of their own. Knows no screen.

pub mod button;
pub mod container;
pub mod field;
pub mod icon;
pub mod pad;
pub mod pick_list;
pub mod progress_bar;
pub mod qr_code;
pub mod scrollable;
pub mod side;
pub mod slider;
pub mod text;
pub mod toggler;

use iced::font::Weight;
use iced::theme::{Base, Mode, Palette, Style};
use iced::{Color, Font, color};

use crate::settings::ThemeChoice;

/// Distances between things.
pub mod space {
    /// Between the lines of a find.
    pub const HAIR: f32 = 1.0;
    /// Between the parts of the note in a bubble.
    pub const NOTE: f32 = 3.0;
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

/// How thick lines and bars are.
pub mod stroke {
    /// Lines between panels, and around things.
    pub const LINE: f32 = 1.0;
    /// The line beside what a bubble answers.
    pub const QUOTE: f32 = 3.0;
    /// The ring around who speaks.
    pub const SPEAKING: f32 = 2.0;
    /// The rail of a slider.
    pub const RAIL: f32 = 4.0;
    /// Bars that show how much.
    pub const BAR: f32 = 6.0;
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
    /// Emoji to choose from.
    pub const EMOJI: f32 = 20.0;
    /// The question of the first start.
    pub const ONBOARDING: f32 = 24.0;
    /// The initial of whom one talks with.
    pub const CALL: f32 = 36.0;
}

/// Line height of running text, in parts of the type size.
pub const LINE: f32 = 1.4;
/// The same of the title of a conversation.
pub const LINE_TITLE: f32 = 1.2;
/// The same of what stands under that title.
pub const LINE_UNDER_TITLE: f32 = 1.6;
/// The same of a letter or number in the middle of something.
pub const LINE_ALONE: f32 = 1.0;

/// Heights of lists in dialogs; what does not fit is scrolled.
pub mod list {
    /// Bootstrap nodes, and people to introduce.
    pub const SHORT: f32 = 240.0;
    /// People to find.
    pub const PEOPLE: f32 = 280.0;
    /// The texts of a message.
    pub const TEXTS: f32 = 420.0;
}

/// Widths of the columns, heights of the bars across them, and widths of the window at which they
/// change.
pub mod column {
    /// The sidebar.
    pub const SIDEBAR: f32 = 312.0;
    /// The details.
    pub const DETAILS: f32 = 264.0;
    /// The header of a conversation.
    pub const HEADER: f32 = 64.0;
    /// A call that goes on, over all columns.
    pub const CALL_BAR: f32 = 56.0;
    /// The same call as a column of its own: with it beside them, a window of the first size has no room
    /// for details.
    pub const CALL: f32 = 344.0;
    /// A call that rings, over everything.
    pub const RING: f32 = 344.0;
    /// How loud somebody is, in numbers.
    pub const PERCENT: f32 = 44.0;
    /// The quiet line above the composer.
    pub const STRIP: f32 = 20.0;
    /// The head of a section.
    pub const SECTION: f32 = 24.0;
    /// A number of things.
    pub const BADGE: f32 = 18.0;
    /// Dialogs.
    pub const DIALOG: f32 = 440.0;
    /// What somebody asks who wants to become a contact.
    pub const REQUEST: f32 = 440.0;
    /// Menus: the common emoji side by side.
    pub const MENU: f32 = 248.0;
    /// Words beside the pointer.
    pub const HINT: f32 = 280.0;
    /// The sentence in an empty place.
    pub const EMPTY: f32 = 360.0;
    /// The number before a word of a safety number.
    pub const NUMBER: f32 = 18.0;
    /// The column of the first start.
    pub const ONBOARDING: f32 = 400.0;
    /// The column of the settings' cards.
    pub const SETTINGS: f32 = 560.0;
    /// Narrower windows have no details.
    pub const DETAILS_FROM: f32 = 900.0;
    /// Narrower windows show a call in the place of everything, or its bar alone.
    pub const CALL_FROM: f32 = 760.0;
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
    use std::path::Path;

    use super::*;

    /// Calls that take a number of pixels.
    const MEASURES: &str = "width height max_width max_height min_width min_height center center_x center_y \
                            padding top right bottom left spacing gap size text_size total_size view girth \
                            line_height";

    /// The measures in a source that are numbers of its own. Nothing, 0, is no size.
    fn own_measures(source: &str) -> Vec<String> {
        let calls = MEASURES.split(' ').flat_map(|call| {
            let call = format!(".{call}(");
            source.match_indices(&call).map(|(at, found)| &source[at + found.len()..]).collect::<Vec<_>>()
        });
        let arguments = calls.map(|rest| rest.split_inclusive([')', '\n']).next().unwrap_or_default());
        let has_number = |argument: &&str| {
            let words =
                argument.split(|letter: char| !letter.is_alphanumeric() && letter != '.' && letter != '_');
            words.filter_map(|word| word.parse::<f32>().ok()).any(|number| number != 0.0)
        };
        arguments.filter(has_number).map(str::to_owned).collect()
    }

    fn look_for_measures(dir: &Path, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                look_for_measures(&path, found);
            } else {
                let own = own_measures(&std::fs::read_to_string(&path).unwrap());
                found.extend(own.into_iter().map(|own| format!("{}: {own}", path.display())));
            }
        }
    }

    #[test]
    fn screens_have_no_measures_of_their_own() {
        assert_eq!(own_measures("row.padding([7.5, gap::S]).spacing(gap::M).height(24)").len(), 2);
        let mut found = Vec::new();
        look_for_measures(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/screen"), &mut found);
        assert_eq!(found, [""; 0]);
    }

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
                (colors.panel, colors.bad),
                (colors.accent, colors.selected),
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
