//! The parts that screens are made of: avatars, rows, badges, fields, dialogs.
//!
//! Each is a function from plain values to an element in the program's theme. Knows no screen.

pub mod ellipsis;
pub mod emoji;
pub mod footnoted;
pub mod log;
pub mod tooled;

use iced::widget::{
    Column, Row, Stack, button, center, column, container, image, mouse_area, opaque, pin, rich_text, row,
    space, stack, svg, text, text_input, tooltip,
};
use iced::{Center, Fill, Padding, Shrink};

use kinmesh_model::Run;

use crate::i18n::tr;
use crate::strength::Strength;
use crate::theme::container::Tone;
use crate::theme::{self, Theme, column as width, pad, side, size, space as gap, stroke};

/// An element in the program's theme.
pub type Element<'a, Message> = iced::Element<'a, Message, Theme>;

/// The icons that come with the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)] // The names say it.
pub enum Icon {
    AddPerson,
    Back,
    Check,
    CheckDouble,
    Clock,
    Close,
    Details,
    Down,
    Edit,
    Failed,
    GoOn,
    HandOver,
    HangUp,
    Headphones,
    HeadphonesOff,
    Hold,
    Microphone,
    MicrophoneOff,
    More,
    Phone,
    PhoneIn,
    PhoneMissed,
    PhoneOut,
    Plus,
    Reply,
    Search,
    Send,
    Settings,
    Smile,
    Verified,
}

impl Icon {
    fn handle(self) -> svg::Handle {
        let bytes: &'static [u8] = match self {
            Self::AddPerson => include_bytes!("../assets/icons/add-person.svg"),
            Self::Back => include_bytes!("../assets/icons/back.svg"),
            Self::Check => include_bytes!("../assets/icons/check.svg"),
            Self::CheckDouble => include_bytes!("../assets/icons/check-double.svg"),
            Self::Clock => include_bytes!("../assets/icons/clock.svg"),
            Self::Close => include_bytes!("../assets/icons/close.svg"),
            Self::Details => include_bytes!("../assets/icons/details.svg"),
            Self::Down => include_bytes!("../assets/icons/down.svg"),
            Self::Edit => include_bytes!("../assets/icons/edit.svg"),
            Self::Failed => include_bytes!("../assets/icons/failed.svg"),
            Self::GoOn => include_bytes!("../assets/icons/go-on.svg"),
            Self::HandOver => include_bytes!("../assets/icons/hand-over.svg"),
            Self::HangUp => include_bytes!("../assets/icons/hang-up.svg"),
            Self::Headphones => include_bytes!("../assets/icons/headphones.svg"),
            Self::HeadphonesOff => include_bytes!("../assets/icons/headphones-off.svg"),
            Self::Hold => include_bytes!("../assets/icons/hold.svg"),
            Self::Microphone => include_bytes!("../assets/icons/microphone.svg"),
            Self::MicrophoneOff => include_bytes!("../assets/icons/microphone-off.svg"),
            Self::More => include_bytes!("../assets/icons/more.svg"),
            Self::Phone => include_bytes!("../assets/icons/phone.svg"),
            Self::PhoneIn => include_bytes!("../assets/icons/phone-in.svg"),
            Self::PhoneMissed => include_bytes!("../assets/icons/phone-missed.svg"),
            Self::PhoneOut => include_bytes!("../assets/icons/phone-out.svg"),
            Self::Plus => include_bytes!("../assets/icons/plus.svg"),
            Self::Reply => include_bytes!("../assets/icons/reply.svg"),
            Self::Search => include_bytes!("../assets/icons/search.svg"),
            Self::Send => include_bytes!("../assets/icons/send.svg"),
            Self::Settings => include_bytes!("../assets/icons/settings.svg"),
            Self::Smile => include_bytes!("../assets/icons/smile.svg"),
            Self::Verified => include_bytes!("../assets/icons/verified.svg"),
        };
        svg::Handle::from_memory(bytes)
    }

    /// The icon, this many pixels wide and high.
    pub fn view<'a>(self, pixels: f32) -> svg::Svg<'a, Theme> {
        svg(self.handle()).width(pixels).height(pixels)
    }
}

/// A button that is an icon; the words are shown beside the pointer.
pub fn icon_button<'a, Message: Clone + 'a>(
    icon: Icon,
    active: bool,
    words: String,
    message: Message,
) -> Element<'a, Message> {
    icon_button_maybe(icon, active, words, Some(message))
}

/// The same of something that cannot be done at times; then the words say why.
pub fn icon_button_maybe<'a, Message: Clone + 'a>(
    icon: Icon,
    active: bool,
    words: String,
    message: Option<Message>,
) -> Element<'a, Message> {
    let style = match (&message, active) {
        (None, _) => theme::icon::faint,
        (Some(_), true) => theme::icon::accent,
        (Some(_), false) => theme::icon::quiet,
    };
    let face = center(icon.view(side::ICON).style(style)).width(side::BUTTON).height(side::BUTTON);
    let button = button(face).padding(0).style(theme::button::icon).on_press_maybe(message);
    hint(button, words, tooltip::Position::Bottom)
}

/// A round button of a call, and its word under it.
pub fn round_button<'a, Message: Clone + 'a>(
    icon: Icon,
    round: theme::button::Round,
    words: String,
    message: Message,
) -> Element<'a, Message> {
    let face = center(icon.view(side::ICON_CALL).style(theme::icon::round(round)))
        .width(side::BUTTON_CALL)
        .height(side::BUTTON_CALL);
    let button = button(face).padding(0).style(theme::button::round(round)).on_press(message.clone());
    let words = text(words).size(size::CAPTION).style(theme::text::secondary);
    column![button, mouse_area(words).on_press(message)].spacing(gap::XS).align_x(Center).into()
}

/// A button beside text that is an icon alone.
pub fn small_icon_button<'a, Message: Clone + 'a>(
    icon: Icon,
    words: String,
    message: Message,
) -> Element<'a, Message> {
    let face = center(icon.view(side::ICON_SMALL).style(theme::icon::quiet))
        .width(side::BUTTON_SMALL)
        .height(side::BUTTON_SMALL);
    let button = button(face).padding(0).style(theme::button::icon).on_press(message);
    hint(button, words, tooltip::Position::Top)
}

/// Words shown beside the pointer.
pub fn hint<'a, Message: 'a>(
    content: impl Into<Element<'a, Message>>,
    words: String,
    position: tooltip::Position,
) -> Element<'a, Message> {
    let words = container(text(words).size(size::CAPTION)).padding([gap::XS, gap::S]).max_width(width::HINT);
    tooltip(content, words.style(theme::container::tooltip), position).gap(gap::XS).into()
}

/// How large an avatar is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AvatarSize {
    /// Of whom one talks with, and of a room that one looks at.
    Call,
    /// In lists.
    Large,
    /// In a conversation, and in lists of members.
    Small,
    /// Beside words of one line.
    Tiny,
}

impl AvatarSize {
    fn across(self) -> f32 {
        match self {
            Self::Call => side::AVATAR_CALL,
            Self::Large => side::AVATAR,
            Self::Small => side::AVATAR_SMALL,
            Self::Tiny => side::AVATAR_TINY,
        }
    }
}

/// A room's picture.
pub fn picture<'a, Message: 'a>(picture: &image::Handle, avatar: AvatarSize) -> Element<'a, Message> {
    image(picture).width(avatar.across()).height(avatar.across()).into()
}

/// A room's picture, or the sign of rooms on the room's colour.
pub fn room_avatar<'a, Message: 'a>(
    room_picture: Option<&image::Handle>,
    color: usize,
    size: AvatarSize,
) -> Element<'a, Message> {
    match room_picture {
        Some(handle) => picture(handle, size),
        None => avatar("#".to_owned(), color, size, None),
    }
}

/// A circle with an initial, and a dot that says whether the person is here.
pub fn avatar<'a, Message: 'a>(
    initial: String,
    color: usize,
    avatar: AvatarSize,
    online: Option<bool>,
) -> Element<'a, Message> {
    let across = avatar.across();
    let letter = match avatar {
        AvatarSize::Call => size::CALL,
        AvatarSize::Large => size::TEXT,
        AvatarSize::Small => size::SECONDARY,
        AvatarSize::Tiny => size::TINY,
    };
    let circle = center(text(initial).size(letter).font(theme::SEMIBOLD).line_height(theme::LINE_ALONE))
        .width(across)
        .height(across)
        .style(theme::container::avatar(color));
    let Some(online) = online else { return circle.into() };
    let dot = container(space())
        .width(side::PRESENCE)
        .height(side::PRESENCE)
        .style(theme::container::presence(online));
    let corner = across - side::PRESENCE;
    stack![circle, pin(dot).x(corner).y(corner)].width(across).height(across).into()
}

/// A face in a ring that is seen while this person speaks.
pub fn speaking<'a, Message: 'a>(face: Element<'a, Message>, speaks: bool) -> Element<'a, Message> {
    container(face).padding(stroke::SPEAKING).style(theme::container::speaking(speaks)).into()
}

/// The one thing to do, as wide as what is above it.
pub fn wide_primary<'a, Message: Clone + 'a>(
    words: String,
    message: Option<Message>,
) -> Element<'a, Message> {
    let words = container(text(words).size(size::TEXT).font(theme::MEDIUM)).center_x(Fill);
    button(words).padding(pad::BUTTON).style(theme::button::primary).on_press_maybe(message).into()
}

/// A number of things not read yet.
pub fn badge<'a, Message: 'a>(number: String) -> Element<'a, Message> {
    container(text(number).size(size::TINY).font(theme::SEMIBOLD).line_height(theme::LINE_ALONE))
        .padding(pad::BADGE)
        .center_y(width::BADGE)
        .style(theme::container::badge)
        .into()
}

/// A dot beside words that say the same.
pub fn dot<'a, Message: 'a>(tone: theme::container::Tone) -> Element<'a, Message> {
    container(space()).width(side::DOT).height(side::DOT).style(theme::container::dot(tone)).into()
}

/// How strong a passphrase is.
pub fn strength<'a, Message: 'a>(strength: Strength) -> Element<'a, Message> {
    let (tone, id) = match strength {
        Strength::Weak => (Tone::Bad, "strength-weak"),
        Strength::Fair => (Tone::Warning, "strength-fair"),
        Strength::Strong => (Tone::Good, "strength-strong"),
    };
    row![dot(tone), secondary(tr(id))].spacing(gap::S).align_y(Center).into()
}

/// Secondary text that may wrap.
pub fn secondary<'a>(words: impl text::IntoFragment<'a>) -> text::Text<'a, Theme> {
    text(words).size(size::SECONDARY).line_height(theme::LINE).style(theme::text::secondary)
}

/// Secondary text in which what was looked for stands out.
pub fn runs<'a, Message: 'a>(runs: &'a [Run], theme: Theme) -> Element<'a, Message> {
    let spans = runs.iter().flat_map(|run| {
        emoji::spans(&run.text).map(move |span| {
            let font = span.font.unwrap_or(theme::SEMIBOLD);
            if run.found { span.font(font).color(theme.colors().accent) } else { span }
        })
    });
    let text: text::Rich<'_, (), Message, Theme> = rich_text(spans.collect::<Vec<_>>());
    text.size(size::SECONDARY).line_height(theme::LINE).style(theme::text::secondary).into()
}

/// A name, and after it the mark that the safety number with this person was compared, if it was.
pub fn name<'a, Message: 'a>(name: impl Into<Element<'a, Message>>, verified: bool) -> Element<'a, Message> {
    let mark = verified.then(|| {
        let shield = Icon::Verified.view(side::ICON_MARK).style(theme::icon::accent);
        hint(shield, tr("verified"), tooltip::Position::Bottom)
    });
    row![name.into()].push(mark).spacing(gap::XS).align_y(Center).into()
}

/// The name of a section, with something at its end.
pub fn section<'a, Message: 'a>(name: String, end: Option<Element<'a, Message>>) -> Element<'a, Message> {
    let name =
        text(name.to_uppercase()).size(size::CAPTION).font(theme::SEMIBOLD).style(theme::text::secondary);
    row![name, space::horizontal()].push(end).align_y(Center).height(width::SECTION).into()
}

/// Two things on one line: the first is cut off before the second is.
pub fn ends<'a, Message: 'a>(
    first: impl Into<Element<'a, Message>>,
    last: Option<Element<'a, Message>>,
) -> Element<'a, Message> {
    row![container(first).width(Fill).clip(true)].push(last).spacing(gap::S).align_y(Center).into()
}

/// A button with a word, the one thing to do.
pub fn primary<'a, Message: Clone + 'a>(words: String, message: Option<Message>) -> Element<'a, Message> {
    button(text(words).size(size::NAME).font(theme::MEDIUM))
        .padding(pad::BUTTON)
        .style(theme::button::primary)
        .on_press_maybe(message)
        .into()
}

/// A button with a word, the other thing to do.
pub fn quiet<'a, Message: Clone + 'a>(words: String, message: Message) -> Element<'a, Message> {
    button(text(words).size(size::NAME).font(theme::MEDIUM))
        .padding(pad::BUTTON)
        .style(theme::button::quiet)
        .on_press(message)
        .into()
}

/// A button with a word that takes something away for good.
pub fn alarming<'a, Message: Clone + 'a>(words: String, message: Message) -> Element<'a, Message> {
    button(text(words).size(size::NAME).font(theme::MEDIUM))
        .padding(pad::BUTTON)
        .style(theme::button::alarming)
        .on_press(message)
        .into()
}

/// Words that do something.
pub fn link<'a, Message: Clone + 'a>(words: String, message: Message) -> Element<'a, Message> {
    button(text(words).size(size::SECONDARY).font(theme::MEDIUM))
        .padding([gap::XS, 0.0])
        .style(theme::button::link)
        .on_press(message)
        .into()
}

/// Words that take something away.
pub fn danger<'a, Message: Clone + 'a>(words: String, message: Message) -> Element<'a, Message> {
    button(text(words).size(size::SECONDARY).font(theme::MEDIUM))
        .padding([gap::XS, 0.0])
        .style(theme::button::danger)
        .on_press(message)
        .into()
}

/// A field of one line.
pub fn field<'a, Message: Clone + 'a>(
    id: &'static str,
    hint: &str,
    value: &str,
    on_input: impl Fn(String) -> Message + 'a,
    on_submit: Option<Message>,
) -> Element<'a, Message> {
    text_input(hint, value)
        .id(id)
        .size(size::TEXT)
        .padding(pad::FIELD)
        .on_input(on_input)
        .on_submit_maybe(on_submit)
        .into()
}

/// A field of one line whose text nobody sees.
pub fn secret<'a, Message: Clone + 'a>(
    id: &'static str,
    hint: &str,
    value: &str,
    on_input: impl Fn(String) -> Message + 'a,
    on_submit: Option<Message>,
) -> Element<'a, Message> {
    text_input(hint, value)
        .id(id)
        .secure(true)
        .size(size::TEXT)
        .padding(pad::FIELD)
        .on_input(on_input)
        .on_submit_maybe(on_submit)
        .into()
}

/// What went wrong, under the field it is about.
pub fn error<'a, Message: 'a>(words: Option<&'a str>) -> Option<Element<'a, Message>> {
    words.map(|words| {
        text(words).size(size::SECONDARY).line_height(theme::LINE).style(theme::text::bad).into()
    })
}

/// A box with a title.
pub fn card<'a, Message: 'a>(content: impl Into<Element<'a, Message>>) -> Element<'a, Message> {
    container(content).padding(gap::M).width(Fill).style(theme::container::card).into()
}

/// One sentence and one button in an empty place.
pub fn empty<'a, Message: Clone + 'a>(
    sentence: String,
    action: Option<(String, Message)>,
) -> Element<'a, Message> {
    let words = text(sentence).size(size::TEXT).style(theme::text::secondary).align_x(Center);
    let action = action.map(|(words, message)| primary(words, Some(message)));
    center(column![words].push(action).spacing(gap::L).align_x(Center).max_width(width::EMPTY))
        .padding(gap::XL)
        .into()
}

/// A dialog over what is under it. A press beside it closes it.
pub fn dialog<'a, Message: Clone + 'a>(
    under: impl Into<Element<'a, Message>>,
    content: impl Into<Element<'a, Message>>,
    on_close: Message,
) -> Element<'a, Message> {
    let sheet = container(content).width(width::DIALOG).padding(gap::XL).style(theme::container::dialog);
    let around = center(opaque(sheet)).padding(gap::L).style(theme::container::scrim);
    Stack::with_children([under.into(), opaque(mouse_area(around).on_press(on_close))]).into()
}

/// What a dialog holds: a title, its parts, actions on the right.
pub fn sheet<'a, Message: 'a>(
    title: String,
    parts: Vec<Element<'a, Message>>,
    actions: Vec<Element<'a, Message>>,
) -> Element<'a, Message> {
    let title = text(title).size(size::TITLE).font(theme::SEMIBOLD);
    let actions = row![space::horizontal()].push(Row::with_children(actions).spacing(gap::S));
    let parts = Column::with_children(parts).spacing(gap::M);
    column![title, parts, actions].spacing(gap::L).into()
}

/// A thin line from top to bottom.
pub fn upright_line<'a, Message: 'a>() -> Element<'a, Message> {
    container(space()).width(stroke::LINE).height(Fill).style(theme::container::line).into()
}

/// A thin line from left to right.
pub fn level_line<'a, Message: 'a>() -> Element<'a, Message> {
    container(space()).width(Fill).height(stroke::LINE).style(theme::container::line).into()
}

/// Padding on the left and the right.
pub fn sides(pixels: f32) -> Padding {
    Padding::from([0.0, pixels])
}

/// A row of a list: a face, lines of text, a message when it is pressed.
pub fn list_row<'a, Message: Clone + 'a>(
    face: Element<'a, Message>,
    lines: Column<'a, Message, Theme>,
    selected: bool,
    message: Message,
) -> Element<'a, Message> {
    let content = row![face, lines.width(Fill)].spacing(gap::M).align_y(Center).height(Shrink);
    let row = button(content)
        .padding([gap::S, gap::M])
        .width(Fill)
        .style(theme::button::row(selected))
        .on_press(message);
    container(row).padding(sides(gap::S)).into()
}
