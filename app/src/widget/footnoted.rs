//! Text with a small note that stands on its last line when there is room, and below it otherwise:
//! the time and state in a bubble. What stands above and below the text is as wide as the widest.

use iced::advanced::text::{self, Alignment, LineHeight, Paragraph as _, Shaping, Wrapping};
use iced::advanced::widget::{Operation, Tree, text as core_text, tree};
use iced::advanced::{Layout, Widget, layout, mouse, overlay, renderer};
use iced::{Event, Length, Pixels, Point, Rectangle, Size, Vector, alignment};

use crate::theme::{self, Theme, size, space};
use crate::widget::Element;
use crate::widget::emoji::Kept;

type Paragraph = <iced::Renderer as text::Renderer>::Paragraph;

/// Text with a small note at its end.
pub struct Footnoted<'a, Message> {
    text: text::Fragment<'a>,
    style: fn(&Theme) -> core_text::Style,
    /// The note, what stands above the text, what stands below it.
    parts: Vec<Element<'a, Message>>,
    above: usize,
}

/// Text with a small note at its end.
pub fn footnoted<'a, Message>(
    text: impl text::IntoFragment<'a>,
    note: impl Into<Element<'a, Message>>,
) -> Footnoted<'a, Message> {
    let style = |_: &Theme| core_text::Style::default();
    Footnoted { text: text.into_fragment(), style, parts: vec![note.into()], above: 0 }
}

impl<'a, Message> Footnoted<'a, Message> {
    /// Sets the style of the text.
    pub fn style(self, style: fn(&Theme) -> core_text::Style) -> Self {
        Self { style, ..self }
    }

    /// Puts these above the text, one under the other.
    pub fn above(mut self, parts: impl IntoIterator<Item = Element<'a, Message>>) -> Self {
        let below = self.parts.split_off(1 + self.above);
        self.parts.extend(parts);
        self.above = self.parts.len() - 1;
        self.parts.extend(below);
        self
    }

    /// Puts this below the text.
    pub fn below(mut self, part: Option<Element<'a, Message>>) -> Self {
        self.parts.extend(part);
        self
    }

    /// Where the text may stand: under what is above it.
    fn text_bounds(&self, layout: Layout<'_>) -> Rectangle {
        let bounds = layout.bounds();
        let above: f32 = layout.children().skip(1).take(self.above).map(|part| part.bounds().height).sum();
        Rectangle { y: bounds.y + above, height: bounds.height - above, ..bounds }
    }

    /// Lays out what stands above and below: as wide as it wants to be, but at least this wide.
    fn lay_parts(
        &mut self,
        tree: &mut Tree,
        renderer: &iced::Renderer,
        least: f32,
        most: f32,
    ) -> Vec<layout::Node> {
        let limits = layout::Limits::new(Size::new(least, 0.0), Size::new(most, f32::INFINITY));
        let parts = self.parts.iter_mut().zip(&mut tree.children).skip(1);
        parts.map(|(part, tree)| part.as_widget_mut().layout(tree, renderer, &limits)).collect()
    }
}

/// Right end of the last line; `None` when it runs from right to left.
fn last_line_end(paragraph: &Paragraph, line_height: f32) -> Option<f32> {
    let lines = (paragraph.min_height() / line_height).round() as usize;
    let end_of =
        |grapheme| paragraph.grapheme_position(lines.saturating_sub(1), grapheme).map_or(0.0, |end| end.x);
    let (first, last) = (end_of(1), end_of(usize::MAX));
    (first <= last).then_some(last)
}

/// Where the note stands, in a text that is at least so wide.
fn place(end: Option<f32>, words: Size, note: Size, least: f32, width: f32) -> (Size, Point) {
    let words = Size::new(words.width.max(least), words.height);
    let below = Size::new(words.width.max(note.width), words.height + note.height);
    let Some(end) = end else {
        // Where the last line ends, to the left.
        return (below, Point::new(0.0, below.height - note.height));
    };
    let on_last_line = end + space::M + note.width;
    let size = if on_last_line <= width {
        Size::new(words.width.max(on_last_line), words.height.max(note.height))
    } else {
        below
    };
    (size, Point::new(size.width - note.width, size.height - note.height))
}

/// Where the words stand: at the side where their lines begin.
fn words_bounds(bounds: Rectangle, paragraph: &Paragraph) -> Rectangle {
    let words = paragraph.min_bounds();
    let is_rtl = last_line_end(paragraph, size::TEXT * theme::LINE).is_none();
    let x = if is_rtl { bounds.x + bounds.width - words.width } else { bounds.x };
    Rectangle::new(Point::new(x, bounds.y), words)
}

impl<Message> Widget<Message, Theme, iced::Renderer> for Footnoted<'_, Message> {
    fn tag(&self) -> tree::Tag {
        tree::Tag::of::<Kept>()
    }

    fn state(&self) -> tree::State {
        tree::State::new(Kept::default())
    }

    fn children(&self) -> Vec<Tree> {
        self.parts.iter().map(Tree::new).collect()
    }

    fn diff(&self, tree: &mut Tree) {
        tree.diff_children(&self.parts);
    }

    fn size(&self) -> Size<Length> {
        Size::new(Length::Shrink, Length::Shrink)
    }

    fn layout(
        &mut self,
        tree: &mut Tree,
        renderer: &iced::Renderer,
        limits: &layout::Limits,
    ) -> layout::Node {
        let line_height = size::TEXT * theme::LINE;
        let paragraph = tree.state.downcast_mut::<Kept>();
        paragraph.update(text::Text {
            content: &self.text,
            bounds: limits.max(),
            size: Pixels(size::TEXT),
            line_height: LineHeight::Relative(theme::LINE),
            font: theme::REGULAR,
            align_x: Alignment::Default,
            align_y: alignment::Vertical::Top,
            shaping: Shaping::Advanced,
            wrapping: Wrapping::WordOrGlyph,
        });
        let words = paragraph.raw().min_bounds();
        let end = last_line_end(paragraph.raw(), line_height);
        let most = limits.max().width;
        let note_limits = layout::Limits::new(Size::ZERO, limits.max());
        let note = self.parts[0].as_widget_mut().layout(&mut tree.children[0], renderer, &note_limits);
        let wide =
            |parts: &[layout::Node]| parts.iter().fold(0.0_f32, |wide, part| wide.max(part.size().width));
        let least = wide(&self.lay_parts(tree, renderer, 0.0, most));
        let (said, corner) = place(end, words, note.size(), least, most);
        let mut top = 0.0;
        let mut parts: Vec<_> = self.lay_parts(tree, renderer, said.width, said.width);
        let mut stand = |part: &mut layout::Node| {
            part.move_to_mut(Point::new(0.0, top));
            top += part.size().height;
        };
        parts.iter_mut().take(self.above).for_each(&mut stand);
        let said_top = top;
        top += said.height;
        parts.iter_mut().skip(self.above).for_each(|part| {
            part.move_to_mut(Point::new(0.0, top));
            top += part.size().height;
        });
        parts.insert(0, note.move_to(corner + Vector::new(0.0, said_top)));
        layout::Node::with_children(Size::new(said.width, top), parts)
    }

    fn operate(
        &mut self,
        tree: &mut Tree,
        layout: Layout<'_>,
        renderer: &iced::Renderer,
        operation: &mut dyn Operation,
    ) {
        operation.text(None, layout.bounds(), &self.text);
        for ((part, tree), node) in self.parts.iter_mut().zip(&mut tree.children).zip(layout.children()) {
            part.as_widget_mut().operate(tree, node, renderer, operation);
        }
    }

    fn update(
        &mut self,
        tree: &mut Tree,
        event: &Event,
        layout: Layout<'_>,
        cursor: mouse::Cursor,
        renderer: &iced::Renderer,
        clipboard: &mut dyn iced::advanced::Clipboard,
        shell: &mut iced::advanced::Shell<'_, Message>,
        viewport: &Rectangle,
    ) {
        for ((part, tree), node) in self.parts.iter_mut().zip(&mut tree.children).zip(layout.children()) {
            part.as_widget_mut().update(tree, event, node, cursor, renderer, clipboard, shell, viewport);
        }
    }

    fn mouse_interaction(
        &self,
        tree: &Tree,
        layout: Layout<'_>,
        cursor: mouse::Cursor,
        viewport: &Rectangle,
        renderer: &iced::Renderer,
    ) -> mouse::Interaction {
        let parts = self.parts.iter().zip(&tree.children).zip(layout.children());
        let of = |((part, tree), node): ((&Element<'_, Message>, &Tree), Layout<'_>)| {
            part.as_widget().mouse_interaction(tree, node, cursor, viewport, renderer)
        };
        parts.map(of).max().unwrap_or_default()
    }

    fn draw(
        &self,
        tree: &Tree,
        renderer: &mut iced::Renderer,
        theme: &Theme,
        style: &renderer::Style,
        layout: Layout<'_>,
        cursor: mouse::Cursor,
        viewport: &Rectangle,
    ) {
        let paragraph = tree.state.downcast_ref::<Kept>();
        let text = self.text_bounds(layout);
        core_text::draw(
            renderer,
            style,
            words_bounds(text, paragraph.raw()),
            paragraph.raw(),
            (self.style)(theme),
            viewport,
        );
        for ((part, tree), node) in self.parts.iter().zip(&tree.children).zip(layout.children()) {
            part.as_widget().draw(tree, renderer, theme, style, node, cursor, viewport);
        }
    }

    fn overlay<'b>(
        &'b mut self,
        tree: &'b mut Tree,
        layout: Layout<'b>,
        renderer: &iced::Renderer,
        viewport: &Rectangle,
        translation: Vector,
    ) -> Option<overlay::Element<'b, Message, Theme, iced::Renderer>> {
        overlay::from_children(&mut self.parts, tree, layout, renderer, viewport, translation)
    }
}

impl<'a, Message: 'a> From<Footnoted<'a, Message>> for Element<'a, Message> {
    fn from(footnoted: Footnoted<'a, Message>) -> Self {
        Self::new(footnoted)
    }
}
