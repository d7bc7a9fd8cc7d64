//! Text with a small note that stands on its last line when there is room, and below it otherwise:
//! the time and state in a bubble.

use iced::advanced::text::paragraph::{Paragraph as _, Plain};
use iced::advanced::text::{self, Alignment, LineHeight, Shaping, Wrapping};
use iced::advanced::widget::{Operation, Tree, text as core_text, tree};
use iced::advanced::{Layout, Widget, layout, mouse, overlay, renderer};
use iced::{Event, Length, Pixels, Point, Rectangle, Size, Vector, alignment};

use crate::theme::{self, Theme, size, space};
use crate::widget::Element;

type Paragraph = <iced::Renderer as text::Renderer>::Paragraph;

/// Text with a small note at its end.
pub struct Footnoted<'a, Message> {
    text: text::Fragment<'a>,
    note: Element<'a, Message>,
}

/// Text with a small note at its end.
pub fn footnoted<'a, Message>(
    text: impl text::IntoFragment<'a>,
    note: impl Into<Element<'a, Message>>,
) -> Footnoted<'a, Message> {
    Footnoted { text: text.into_fragment(), note: note.into() }
}

/// Right end of the last line; `None` when it runs from right to left.
fn last_line_end(paragraph: &Paragraph, line_height: f32) -> Option<f32> {
    let lines = (paragraph.min_height() / line_height).round() as usize;
    let end_of =
        |grapheme| paragraph.grapheme_position(lines.saturating_sub(1), grapheme).map_or(0.0, |end| end.x);
    let (first, last) = (end_of(1), end_of(usize::MAX));
    (first <= last).then_some(last)
}

/// Where the note stands.
fn place(end: Option<f32>, words: Size, note: Size, width: f32) -> (Size, Point) {
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
        tree::Tag::of::<Plain<Paragraph>>()
    }

    fn state(&self) -> tree::State {
        tree::State::new(Plain::<Paragraph>::default())
    }

    fn children(&self) -> Vec<Tree> {
        vec![Tree::new(&self.note)]
    }

    fn diff(&self, tree: &mut Tree) {
        tree.diff_children(&[&self.note]);
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
        let paragraph = tree.state.downcast_mut::<Plain<Paragraph>>();
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
        let words = paragraph.min_bounds();
        let end = last_line_end(paragraph.raw(), line_height);
        let note_limits = layout::Limits::new(Size::ZERO, limits.max());
        let note = self.note.as_widget_mut().layout(&mut tree.children[0], renderer, &note_limits);
        let (size, corner) = place(end, words, note.size(), limits.max().width);
        layout::Node::with_children(size, vec![note.move_to(corner)])
    }

    fn operate(
        &mut self,
        tree: &mut Tree,
        layout: Layout<'_>,
        renderer: &iced::Renderer,
        operation: &mut dyn Operation,
    ) {
        operation.text(None, layout.bounds(), &self.text);
        for note in layout.children() {
            self.note.as_widget_mut().operate(&mut tree.children[0], note, renderer, operation);
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
        for note in layout.children() {
            let tree = &mut tree.children[0];
            let widget = self.note.as_widget_mut();
            widget.update(tree, event, note, cursor, renderer, clipboard, shell, viewport);
        }
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
        let paragraph = tree.state.downcast_ref::<Plain<Paragraph>>();
        core_text::draw(
            renderer,
            style,
            words_bounds(layout.bounds(), paragraph.raw()),
            paragraph.raw(),
            core_text::Style::default(),
            viewport,
        );
        for note in layout.children() {
            self.note.as_widget().draw(&tree.children[0], renderer, theme, style, note, cursor, viewport);
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
        let note = layout.children().next()?;
        self.note.as_widget_mut().overlay(&mut tree.children[0], note, renderer, viewport, translation)
    }
}

impl<'a, Message: 'a> From<Footnoted<'a, Message>> for Element<'a, Message> {
    fn from(footnoted: Footnoted<'a, Message>) -> Self {
        Self::new(footnoted)
    }
}
