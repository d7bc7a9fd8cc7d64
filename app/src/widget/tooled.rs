//! A bubble at its side of the history, with tools beside it while the pointer is over its line,
//! and a menu under it when one is open.

use iced::advanced::widget::{Operation, Tree};
use iced::advanced::{Clipboard, Layout, Shell, Widget, layout, mouse, overlay, renderer};
use iced::{Event, Length, Point, Rectangle, Shrink, Size, Vector};

use crate::theme::{Theme, column, space};
use crate::widget::Element;

/// A bubble with what can be done with it.
pub struct Tooled<'a, Message> {
    own: bool,
    /// The bubble, the tools, the menu.
    parts: Vec<Element<'a, Message>>,
    on_enter: Message,
    on_menu: Message,
    on_close: Message,
}

const BUBBLE: usize = 0;
const TOOLS: usize = 1;
const MENU: usize = 2;

/// What a [`Tooled`] tells.
pub struct Tells<Message> {
    /// The pointer came over the line.
    pub enter: Message,
    /// The menu is wanted.
    pub menu: Message,
    /// The menu is not wanted any more.
    pub close: Message,
}

/// A bubble, ours on the right, with tools beside it under the pointer, and an open menu.
pub fn tooled<'a, Message: 'a>(
    own: bool,
    bubble: impl Into<Element<'a, Message>>,
    tools: Option<Element<'a, Message>>,
    menu: Option<Element<'a, Message>>,
    tells: Tells<Message>,
) -> Tooled<'a, Message> {
    let nothing = || iced::widget::space().width(0).height(0).into();
    let mut parts = vec![bubble.into(), tools.unwrap_or_else(nothing)];
    parts.extend(menu);
    Tooled { own, parts, on_enter: tells.enter, on_menu: tells.menu, on_close: tells.close }
}

impl<Message> Tooled<'_, Message> {
    fn has_menu(&self) -> bool {
        self.parts.len() > MENU
    }
}

impl<Message: Clone> Widget<Message, Theme, iced::Renderer> for Tooled<'_, Message> {
    fn tag(&self) -> iced::advanced::widget::tree::Tag {
        iced::advanced::widget::tree::Tag::of::<bool>()
    }

    /// Whether the pointer is over the line.
    fn state(&self) -> iced::advanced::widget::tree::State {
        iced::advanced::widget::tree::State::new(false)
    }

    fn children(&self) -> Vec<Tree> {
        self.parts.iter().map(Tree::new).collect()
    }

    fn diff(&self, tree: &mut Tree) {
        tree.diff_children(&self.parts);
    }

    fn size(&self) -> Size<Length> {
        Size::new(Length::Fill, Shrink)
    }

    fn layout(
        &mut self,
        tree: &mut Tree,
        renderer: &iced::Renderer,
        limits: &layout::Limits,
    ) -> layout::Node {
        let line = limits.max().width;
        let most = layout::Limits::new(Size::ZERO, Size::new(line * column::BUBBLE_PART, f32::INFINITY));
        let any = layout::Limits::new(Size::ZERO, Size::new(line, f32::INFINITY));
        let mut lay = |part: usize, limits: &layout::Limits| {
            self.parts[part].as_widget_mut().layout(&mut tree.children[part], renderer, limits)
        };
        let (bubble, tools) = (lay(BUBBLE, &most), lay(TOOLS, &any));
        let (width, height) = (bubble.size().width, bubble.size().height);
        let left = if self.own { line - width } else { 0.0 };
        let beside = if self.own { left - space::S - tools.size().width } else { width + space::S };
        let tools_top = (height - tools.size().height).max(0.0) / 2.0;
        let children =
            vec![bubble.move_to(Point::new(left, 0.0)), tools.move_to(Point::new(beside, tools_top))];
        layout::Node::with_children(Size::new(line, height), children)
    }

    fn operate(
        &mut self,
        tree: &mut Tree,
        layout: Layout<'_>,
        renderer: &iced::Renderer,
        operation: &mut dyn Operation,
    ) {
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
        clipboard: &mut dyn Clipboard,
        shell: &mut Shell<'_, Message>,
        viewport: &Rectangle,
    ) {
        for ((part, tree), node) in self.parts.iter_mut().zip(&mut tree.children).zip(layout.children()) {
            part.as_widget_mut().update(tree, event, node, cursor, renderer, clipboard, shell, viewport);
        }
        let Event::Mouse(event) = event else { return };
        let is_over = cursor.is_over(layout.bounds());
        let was_over = std::mem::replace(tree.state.downcast_mut::<bool>(), is_over);
        if is_over != was_over {
            shell.request_redraw();
        }
        if is_over && !was_over {
            shell.publish(self.on_enter.clone());
        }
        let is_menu = *event == mouse::Event::ButtonPressed(mouse::Button::Right);
        if is_menu && cursor.is_over(layout.child(BUBBLE).bounds()) && !shell.is_event_captured() {
            shell.publish(self.on_menu.clone());
            shell.capture_event();
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
        let shows_tools = cursor.is_over(layout.bounds()) || self.has_menu();
        let parts = self.parts.iter().zip(&tree.children).zip(layout.children());
        for ((part, tree), node) in parts.take(if shows_tools { MENU } else { TOOLS }) {
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
        let bubble = layout.child(BUBBLE).bounds() + translation;
        let (parts, menu) = self.parts.split_at_mut(MENU);
        let (trees, menu_tree) = tree.children.split_at_mut(MENU);
        let of_parts = parts.iter_mut().zip(trees).zip(layout.children());
        let mut overlays: Vec<_> = of_parts
            .filter_map(|((part, tree), node)| {
                part.as_widget_mut().overlay(tree, node, renderer, viewport, translation)
            })
            .collect();
        let menu = menu.first_mut().zip(menu_tree.first_mut()).map(|(menu, tree)| {
            let menu = Menu { own: self.own, bubble, menu, tree, on_close: &self.on_close };
            overlay::Element::new(Box::new(menu))
        });
        overlays.extend(menu);
        (!overlays.is_empty()).then(|| overlay::Group::with_children(overlays).overlay())
    }
}

impl<'a, Message: Clone + 'a> From<Tooled<'a, Message>> for Element<'a, Message> {
    fn from(tooled: Tooled<'a, Message>) -> Self {
        Self::new(tooled)
    }
}

/// The open menu, over everything else.
struct Menu<'a, 'b, Message> {
    own: bool,
    bubble: Rectangle,
    menu: &'b mut Element<'a, Message>,
    tree: &'b mut Tree,
    on_close: &'b Message,
}

/// Where a menu of this size stands in the window: under the bubble, or over it where there is no
/// room, and always whole.
fn place(bubble: Rectangle, own: bool, menu: Size, window: Size) -> Point {
    let x = if own { bubble.x + bubble.width - menu.width } else { bubble.x };
    let below = bubble.y + bubble.height + space::XS;
    let y = if below + menu.height <= window.height { below } else { bubble.y - space::XS - menu.height };
    let most = |window: f32, menu: f32| (window - menu - space::S).max(space::S);
    Point::new(
        x.clamp(space::S, most(window.width, menu.width)),
        y.clamp(space::S, most(window.height, menu.height)),
    )
}

impl<Message: Clone> overlay::Overlay<Message, Theme, iced::Renderer> for Menu<'_, '_, Message> {
    fn layout(&mut self, renderer: &iced::Renderer, window: Size) -> layout::Node {
        let limits = layout::Limits::new(Size::ZERO, window);
        let node = self.menu.as_widget_mut().layout(self.tree, renderer, &limits);
        let at = place(self.bubble, self.own, node.size(), window);
        node.move_to(at)
    }

    fn operate(&mut self, layout: Layout<'_>, renderer: &iced::Renderer, operation: &mut dyn Operation) {
        self.menu.as_widget_mut().operate(self.tree, layout, renderer, operation);
    }

    fn update(
        &mut self,
        event: &Event,
        layout: Layout<'_>,
        cursor: mouse::Cursor,
        renderer: &iced::Renderer,
        clipboard: &mut dyn Clipboard,
        shell: &mut Shell<'_, Message>,
    ) {
        let bounds = layout.bounds();
        let menu = self.menu.as_widget_mut();
        menu.update(self.tree, event, layout, cursor, renderer, clipboard, shell, &bounds);
        let is_press = matches!(event, Event::Mouse(mouse::Event::ButtonPressed(_)));
        let is_scroll = matches!(event, Event::Mouse(mouse::Event::WheelScrolled { .. }));
        if (is_press || is_scroll) && !cursor.is_over(bounds) {
            shell.publish(self.on_close.clone());
            shell.capture_event();
        }
    }

    fn mouse_interaction(
        &self,
        layout: Layout<'_>,
        cursor: mouse::Cursor,
        renderer: &iced::Renderer,
    ) -> mouse::Interaction {
        self.menu.as_widget().mouse_interaction(self.tree, layout, cursor, &layout.bounds(), renderer)
    }

    fn draw(
        &self,
        renderer: &mut iced::Renderer,
        theme: &Theme,
        style: &renderer::Style,
        layout: Layout<'_>,
        cursor: mouse::Cursor,
    ) {
        self.menu.as_widget().draw(self.tree, renderer, theme, style, layout, cursor, &layout.bounds());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_menu_is_always_whole() {
        let window = Size::new(1000.0, 800.0);
        let menu = Size::new(200.0, 300.0);
        let bubble = |y| Rectangle::new(Point::new(100.0, y), Size::new(80.0, 40.0));
        assert_eq!(place(bubble(100.0), false, menu, window), Point::new(100.0, 144.0));
        assert_eq!(place(bubble(700.0), false, menu, window), Point::new(100.0, 396.0));
        assert_eq!(place(bubble(100.0), true, menu, window).x, space::S);
        let tall = Rectangle::new(Point::new(100.0, -500.0), Size::new(80.0, 2000.0));
        assert_eq!(place(tall, false, menu, window).y, space::S);
    }
}
