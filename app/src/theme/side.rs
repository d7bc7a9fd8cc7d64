//! Sides of what is as wide as it is high, and heights of switches.

/// The state of a bubble, an arrow in a pill, the plus of a section.
pub const ICON_TINY: f32 = 14.0;
/// The mark behind a name.
pub const ICON_MARK: f32 = 16.0;
/// An icon beside text.
pub const ICON_SMALL: f32 = 18.0;
/// An icon in a button.
pub const ICON: f32 = 20.0;
/// A button in the head of a section.
pub const BUTTON_TINY: f32 = 24.0;
/// A button beside text.
pub const BUTTON_SMALL: f32 = 28.0;
/// A button that is an icon.
pub const BUTTON: f32 = 36.0;
/// An avatar beside words of one line.
pub const AVATAR_TINY: f32 = 22.0;
/// An avatar in a conversation, and in lists of members.
pub const AVATAR_SMALL: f32 = 32.0;
/// An avatar in lists.
pub const AVATAR: f32 = 40.0;
/// The dot that says whether somebody is here, with its ring.
pub const PRESENCE: f32 = 11.0;
/// A dot beside words.
pub const DOT: f32 = 8.0;
/// The program's mark.
pub const MARK: f32 = 56.0;
/// A switch under a field.
pub const SWITCH_SMALL: f32 = 18.0;
/// A switch at the end of a row.
pub const SWITCH: f32 = 22.0;
/// Who one talks with, and the picture of a room that one looks at.
pub const AVATAR_CALL: f32 = 96.0;
/// A round button of a call.
pub const BUTTON_CALL: f32 = 56.0;
/// An icon in it.
pub const ICON_CALL: f32 = 24.0;
/// The handle of a slider.
pub const HANDLE: f32 = 14.0;
