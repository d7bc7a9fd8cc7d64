//! One line of text that ends in "…" where the room ends.

use iced::advanced::text::{self, Alignment, LineHeight, Paragraph as _, Shaping, Wrapping};
use iced::advanced::widget::{Operation, Tree, text as core_text, tree};
use iced::advanced::{Layout, Widget, layout, mouse, renderer};
use iced::{Font, Length, Pixels, Rectangle, Size, alignment};
use unicode_segmentation::UnicodeSegmentation;

use crate::theme::{self, Theme};
use crate::widget::Element;
use crate::widget::emoji::{self, Kept};

/// One line of text that ends in "…" where the room ends.
pub struct Ellipsis {
    text: String,
    size: f32,
    font: Font,
    line_height: f32,
    style: fn(&Theme) -> core_text::Style,
}

/// What was cut, from which text and for which width.
#[derive(Default)]
struct State {
    text: String,
    size: f32,
    font: Font,
    width: f32,
    paragraph: Kept,
}

/// One line of text that ends in "…" where the room ends.
pub fn ellipsis(text: impl Into<String>) -> Ellipsis {
    let style = |_: &Theme| core_text::Style::default();
    Ellipsis {
        text: text.into(),
        size: theme::size::TEXT,
        font: theme::REGULAR,
        line_height: theme::LINE,
        style,
    }
}

impl Ellipsis {
    /// Sets the size of the type.
    pub fn size(self, size: f32) -> Self {
        Self { size, ..self }
    }

    /// Sets the font.
    pub fn font(self, font: Font) -> Self {
        Self { font, ..self }
    }

    /// Sets the height of the line, in parts of the size.
    pub fn line_height(self, line_height: f32) -> Self {
        Self { line_height, ..self }
    }

    /// Sets the style.
    pub fn style(self, style: fn(&Theme) -> core_text::Style) -> Self {
        Self { style, ..self }
    }

    fn line<'a>(&self, content: &'a str) -> text::Text<&'a str, Font> {
        text::Text {
            content,
            bounds: Size::INFINITE,
            size: Pixels(self.size),
            line_height: LineHeight::Relative(self.line_height),
            font: self.font,
            align_x: Alignment::Default,
            align_y: alignment::Vertical::Top,
            shaping: Shaping::Advanced,
            wrapping: Wrapping::None,
        }
    }

    fn width_of(&self, content: &str) -> f32 {
        emoji::paragraph(self.line(content)).min_width()
    }

    /// The longest beginning that fits with "…" after it.
    fn cut(&self, width: f32) -> String {
        let ends: Vec<usize> = self.text.grapheme_indices(true).map(|(at, _)| at).collect();
        let cut = |end: &usize| format!("{}…", self.text[..*end].trim_end());
        let fits = ends.partition_point(|end| self.width_of(&cut(end)) <= width);
        ends.get(fits.saturating_sub(1)).map(cut).unwrap_or_default()
    }
}

impl<Message> Widget<Message, Theme, iced::Renderer> for Ellipsis {
    fn tag(&self) -> tree::Tag {
        tree::Tag::of::<State>()
    }

    fn state(&self) -> tree::State {
        tree::State::new(State::default())
    }

    fn size(&self) -> Size<Length> {
        Size::new(Length::Shrink, Length::Shrink)
    }

    fn layout(&mut self, tree: &mut Tree, _: &iced::Renderer, limits: &layout::Limits) -> layout::Node {
        let state = tree.state.downcast_mut::<State>();
        let width = limits.max().width;
        let asked = (&self.text, self.size, self.font, width);
        if (&state.text, state.size, state.font, state.width) != asked {
            state.paragraph.update(self.line(&self.text));
            if state.paragraph.raw().min_width() > width {
                state.paragraph.update(self.line(&self.cut(width)));
            }
            state.text.clone_from(&self.text);
            (state.size, state.font, state.width) = (self.size, self.font, width);
        }
        layout::Node::new(limits.resolve(Length::Shrink, Length::Shrink, state.paragraph.raw().min_bounds()))
    }

    fn operate(
        &mut self,
        _: &mut Tree,
        layout: Layout<'_>,
        _: &iced::Renderer,
        operation: &mut dyn Operation,
    ) {
        operation.text(None, layout.bounds(), &self.text);
    }

    fn draw(
        &self,
        tree: &Tree,
        renderer: &mut iced::Renderer,
        theme: &Theme,
        style: &renderer::Style,
        layout: Layout<'_>,
        _: mouse::Cursor,
        viewport: &Rectangle,
    ) {
        let paragraph = tree.state.downcast_ref::<State>().paragraph.raw();
        core_text::draw(renderer, style, layout.bounds(), paragraph, (self.style)(theme), viewport);
    }
}

impl<'a, Message: 'a> From<Ellipsis> for Element<'a, Message> {
    fn from(ellipsis: Ellipsis) -> Self {
        Self::new(ellipsis)
    }
}
