//! A long column that is scrolled by what is read: whatever is added above or below, or let go of
//! there, the child that stands at the top of the view stays where it is. At the end it stays at
//! the end.
//!
//! iced's own scrollable keeps a distance in pixels from one end, so that a page added at that end
//! moves what is read. Here children are laid out where they are drawn; the state knows one of them
//! by its key and how far it stands from the top.

use std::collections::BTreeMap;

use iced::advanced::widget::{Operation, Tree, tree};
use iced::advanced::{Clipboard, Layout, Renderer as _, Shell, Widget, layout, mouse, overlay, renderer};
use iced::border::rounded;
use iced::{Event, Fill, Length, Point, Rectangle, Size, Vector, window};

use crate::theme::{Theme, radius, space};
use crate::widget::Element;

/// Pixels of one line of a wheel: as iced's scrollable.
const WHEEL_LINE: f32 = 60.0;
/// From this close to an end, in pixels, more is wanted there.
const NEAR: f32 = 600.0;
/// This close to the end, in pixels, is at the end.
const AT_END: f32 = 24.0;
/// Width of the bar, and of the strip in which it can be taken.
const BAR: f32 = 10.0;
/// The least height of what is dragged.
const THUMB_MIN: f32 = 32.0;

/// Where the reader is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum To<K> {
    /// To the end, to stay there.
    End,
    /// To this child, in the middle of the view.
    Child(K),
}

/// Where the reader came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edge {
    /// Near the first child.
    NearStart,
    /// Near the last child.
    NearEnd,
    /// To the end.
    End,
    /// Away from the end.
    NotEnd,
}

/// A long column. `K` tells its children apart.
pub struct Log<'a, K, Message> {
    keys: Vec<K>,
    children: Vec<Element<'a, Message>>,
    wish: (u64, To<K>),
    has_end: bool,
    on_edge: Box<dyn Fn(Edge) -> Message + 'a>,
}

/// A long column. The reader is sent where `wish` says, once for each number in it.
pub fn log<'a, K, Message>(
    children: impl IntoIterator<Item = (K, Element<'a, Message>)>,
    wish: (u64, To<K>),
    on_edge: impl Fn(Edge) -> Message + 'a,
) -> Log<'a, K, Message> {
    let (keys, children) = children.into_iter().unzip();
    Log { keys, children, wish, has_end: true, on_edge: Box::new(on_edge) }
}

impl<K, Message> Log<'_, K, Message> {
    /// Says whether the last child is the end, or whether more comes when it is asked for.
    pub fn has_end(self, has_end: bool) -> Self {
        Self { has_end, ..self }
    }
}

/// What the view holds on to.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Anchor<K> {
    End,
    /// The top of this child stands so far below the top of the view.
    Child(K, f32),
}

struct State<K> {
    keys: Vec<K>,
    anchor: Anchor<K>,
    /// Number of the last wish that was granted.
    granted: u64,
    /// Tops of the children, from the top of the content.
    tops: Vec<f32>,
    content: f32,
    view: f32,
    /// The top of the view, from the top of the content; negative when the content is shorter.
    y: f32,
    /// The ends near which more was asked for, with the child that stood there.
    asked: [Option<K>; 2],
    /// Whether the last child is the end.
    has_end: bool,
    at_end: bool,
    /// Where the bar was taken, from its top.
    dragged: Option<f32>,
    hovered: bool,
}

impl<K: Copy + Ord> State<K> {
    fn new(keys: Vec<K>) -> Self {
        Self {
            keys,
            anchor: Anchor::End,
            granted: 0,
            tops: Vec::new(),
            content: 0.0,
            view: 0.0,
            y: 0.0,
            asked: [None; 2],
            has_end: true,
            at_end: true,
            dragged: None,
            hovered: false,
        }
    }

    fn end(&self) -> f32 {
        self.content - self.view
    }

    fn top_of(&self, key: K) -> Option<f32> {
        let at = self.keys.iter().position(|known| *known == key)?;
        self.tops.get(at).copied()
    }

    /// Where the view stands after the children were measured.
    fn settle(&mut self) {
        let held = match self.anchor {
            Anchor::End => None,
            Anchor::Child(key, below) => self.top_of(key).map(|top| top - below),
        };
        self.y = held.map_or(self.end(), |y| self.clamp(y));
    }

    fn clamp(&self, y: f32) -> f32 {
        if self.end() <= 0.0 { self.end() } else { y.clamp(0.0, self.end()) }
    }

    fn grant(&mut self, (number, to): (u64, To<K>)) {
        if number == self.granted {
            return;
        }
        self.anchor = match to {
            To::End => Anchor::End,
            To::Child(key) => {
                let Some(at) = self.keys.iter().position(|known| *known == key) else { return };
                let next = self.tops.get(at + 1).copied().unwrap_or(self.content);
                Anchor::Child(key, ((self.view - (next - self.tops[at])) / 2.0).max(0.0))
            }
        };
        self.granted = number;
        self.asked = [None; 2];
    }

    fn is_at_end(&self) -> bool {
        self.has_end && self.end() - self.y < AT_END
    }

    fn scroll_to(&mut self, y: f32) {
        self.y = self.clamp(y);
        self.asked = [None; 2];
        self.anchor = if self.is_at_end() {
            Anchor::End
        } else {
            let first = self.tops.partition_point(|top| *top < self.y).min(self.keys.len() - 1);
            Anchor::Child(self.keys[first], self.tops[first] - self.y)
        };
    }

    /// What the reader came to since this was asked last.
    fn edges(&mut self) -> Vec<Edge> {
        let mut edges = Vec::new();
        let ends = [(self.y < NEAR, self.keys.first()), (self.end() - self.y < NEAR, self.keys.last())];
        for (at, (near, key)) in ends.into_iter().enumerate() {
            if near && self.asked[at] != key.copied() {
                self.asked[at] = key.copied();
                edges.push([Edge::NearStart, Edge::NearEnd][at]);
            }
        }
        let at_end = self.is_at_end();
        if std::mem::replace(&mut self.at_end, at_end) != at_end {
            edges.push(if at_end { Edge::End } else { Edge::NotEnd });
        }
        edges
    }

    /// Top and height of what is dragged, in parts of the bar's place.
    fn thumb(&self, bounds: Rectangle) -> Option<Rectangle> {
        (self.end() > 0.0).then(|| {
            let height = (self.view / self.content * bounds.height).max(THUMB_MIN);
            let y = self.y / self.end() * (bounds.height - height);
            Rectangle::new(Point::new(bounds.x + bounds.width - BAR, bounds.y + y), Size::new(BAR, height))
        })
    }
}

impl<K: Copy + Ord, Message> Log<'_, K, Message> {
    fn tell(&self, state: &mut State<K>, shell: &mut Shell<'_, Message>) {
        if !self.keys.is_empty() {
            state.edges().into_iter().for_each(|edge| shell.publish((self.on_edge)(edge)));
        }
    }

    fn scroll(&self, state: &mut State<K>, y: f32, shell: &mut Shell<'_, Message>) {
        if self.keys.is_empty() {
            return;
        }
        state.scroll_to(y);
        self.tell(state, shell);
        shell.invalidate_layout();
        shell.request_redraw();
        shell.capture_event();
    }

    fn mouse(
        &self,
        state: &mut State<K>,
        event: &mouse::Event,
        bounds: Rectangle,
        cursor: mouse::Cursor,
        shell: &mut Shell<'_, Message>,
    ) {
        match event {
            mouse::Event::WheelScrolled { delta } if cursor.is_over(bounds) => {
                let by = match delta {
                    mouse::ScrollDelta::Lines { y, .. } => y * WHEEL_LINE,
                    mouse::ScrollDelta::Pixels { y, .. } => *y,
                };
                self.scroll(state, state.y - by, shell);
            }
            mouse::Event::ButtonPressed(mouse::Button::Left) => {
                let thumb = state.thumb(bounds).zip(cursor.position());
                state.dragged =
                    thumb.filter(|(thumb, at)| thumb.contains(*at)).map(|(thumb, at)| at.y - thumb.y);
                if state.dragged.is_some() {
                    shell.capture_event();
                }
            }
            mouse::Event::ButtonReleased(mouse::Button::Left) => state.dragged = None,
            mouse::Event::CursorMoved { position } => {
                if let Some((taken, thumb)) = state.dragged.zip(state.thumb(bounds)) {
                    let part = (position.y - taken - bounds.y) / (bounds.height - thumb.height);
                    self.scroll(state, part * state.end(), shell);
                }
                if std::mem::replace(&mut state.hovered, cursor.is_over(bounds)) != state.hovered {
                    shell.request_redraw();
                }
            }
            _ => {}
        }
    }
}

/// The pointer as the children see it: outside of the view there is nothing to point at.
fn within(cursor: mouse::Cursor, bounds: Rectangle) -> mouse::Cursor {
    if cursor.is_over(bounds) { cursor } else { mouse::Cursor::Unavailable }
}

fn is_seen(layout: &Layout<'_>, bounds: Rectangle) -> bool {
    bounds.intersects(&layout.bounds())
}

impl<K: Copy + Ord + 'static, Message> Widget<Message, Theme, iced::Renderer> for Log<'_, K, Message> {
    fn tag(&self) -> tree::Tag {
        tree::Tag::of::<State<K>>()
    }

    fn state(&self) -> tree::State {
        tree::State::new(State::new(self.keys.clone()))
    }

    fn children(&self) -> Vec<Tree> {
        self.children.iter().map(Tree::new).collect()
    }

    fn diff(&self, tree: &mut Tree) {
        let state = tree.state.downcast_mut::<State<K>>();
        if state.keys != self.keys {
            let old = std::mem::take(&mut tree.children);
            let mut old: BTreeMap<K, Tree> = state.keys.drain(..).zip(old).collect();
            let kept = |(key, child): (&K, &Element<'_, Message>)| {
                old.remove(key).unwrap_or_else(|| Tree::new(child))
            };
            tree.children = self.keys.iter().zip(&self.children).map(kept).collect();
            state.keys.clone_from(&self.keys);
        }
        tree.children.iter_mut().zip(&self.children).for_each(|(tree, child)| tree.diff(child));
    }

    fn size(&self) -> Size<Length> {
        Size::new(Fill, Fill)
    }

    fn layout(
        &mut self,
        tree: &mut Tree,
        renderer: &iced::Renderer,
        limits: &layout::Limits,
    ) -> layout::Node {
        let view = limits.max();
        let state = tree.state.downcast_mut::<State<K>>();
        let width = (view.width - 2.0 * space::XL).max(0.0);
        let limits = layout::Limits::new(Size::ZERO, Size::new(width, f32::INFINITY));
        let mut bottom = space::L;
        let mut nodes = Vec::with_capacity(self.children.len());
        state.tops.clear();
        for (child, tree) in self.children.iter_mut().zip(&mut tree.children) {
            let node = child.as_widget_mut().layout(tree, renderer, &limits);
            state.tops.push(bottom);
            bottom += node.size().height + space::XS;
            nodes.push(node);
        }
        state.has_end = self.has_end;
        (state.content, state.view) = (bottom - space::XS + space::L, view.height);
        state.grant(self.wish);
        state.settle();
        let place = |(node, top): (layout::Node, &f32)| node.move_to(Point::new(space::XL, top - state.y));
        layout::Node::with_children(view, nodes.into_iter().zip(&state.tops).map(place).collect())
    }

    fn operate(
        &mut self,
        tree: &mut Tree,
        layout: Layout<'_>,
        renderer: &iced::Renderer,
        operation: &mut dyn Operation,
    ) {
        operation.container(None, layout.bounds());
        operation.traverse(&mut |operation| {
            let children = self.children.iter_mut().zip(&mut tree.children).zip(layout.children());
            for ((child, tree), node) in children.filter(|(_, node)| is_seen(node, layout.bounds())) {
                child.as_widget_mut().operate(tree, node, renderer, operation);
            }
        });
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
        let bounds = layout.bounds();
        let seen = bounds.intersection(viewport).unwrap_or(bounds);
        for ((child, tree), node) in self.children.iter_mut().zip(&mut tree.children).zip(layout.children()) {
            let cursor = within(cursor, bounds);
            child.as_widget_mut().update(tree, event, node, cursor, renderer, clipboard, shell, &seen);
        }
        let state = tree.state.downcast_mut::<State<K>>();
        match event {
            Event::Mouse(event) if !shell.is_event_captured() => {
                self.mouse(state, event, bounds, cursor, shell);
            }
            Event::Window(window::Event::RedrawRequested(_)) => self.tell(state, shell),
            _ => {}
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
        let cursor = within(cursor, layout.bounds());
        let children = self.children.iter().zip(&tree.children).zip(layout.children());
        let of = |((child, tree), node): ((&Element<'_, Message>, &Tree), Layout<'_>)| {
            child.as_widget().mouse_interaction(tree, node, cursor, viewport, renderer)
        };
        children.map(of).max().unwrap_or_default()
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
        let bounds = layout.bounds();
        let Some(seen) = bounds.intersection(viewport) else { return };
        renderer.with_layer(seen, |renderer| {
            let children = self.children.iter().zip(&tree.children).zip(layout.children());
            for ((child, tree), node) in children.filter(|(_, node)| is_seen(node, bounds)) {
                let cursor = within(cursor, bounds);
                child.as_widget().draw(tree, renderer, theme, style, node, cursor, &seen);
            }
        });
        let state = tree.state.downcast_ref::<State<K>>();
        if state.dragged.is_some() || cursor.is_over(bounds) {
            renderer.with_layer(seen, |renderer| draw_thumb(state, renderer, theme, bounds));
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
        let children = self.children.iter_mut().zip(&mut tree.children).zip(layout.children());
        let seen = children.filter(|(_, node)| is_seen(node, layout.bounds()));
        let overlays: Vec<_> = seen
            .filter_map(|((child, tree), node)| {
                child.as_widget_mut().overlay(tree, node, renderer, viewport, translation)
            })
            .collect();
        (!overlays.is_empty()).then(|| overlay::Group::with_children(overlays).overlay())
    }
}

fn draw_thumb<K: Copy + Ord>(
    state: &State<K>,
    renderer: &mut iced::Renderer,
    theme: &Theme,
    bounds: Rectangle,
) {
    let Some(thumb) = state.thumb(bounds) else { return };
    let alpha = if state.dragged.is_some() { 0.6 } else { 0.35 };
    let quad = renderer::Quad {
        bounds: thumb.shrink([2.0, 3.0]),
        border: rounded(radius::PILL),
        ..renderer::Quad::default()
    };
    renderer.fill_quad(quad, theme.colors().secondary.scale_alpha(alpha));
}

impl<'a, K: Copy + Ord + 'static, Message: 'a> From<Log<'a, K, Message>> for Element<'a, Message> {
    fn from(log: Log<'a, K, Message>) -> Self {
        Self::new(log)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A view of 100 pixels over children of 50 pixels each.
    fn state(keys: &[u32]) -> State<u32> {
        let mut state = State::new(keys.to_vec());
        measure(&mut state, keys);
        state
    }

    fn measure(state: &mut State<u32>, keys: &[u32]) {
        state.keys = keys.to_vec();
        state.tops = (0..keys.len()).map(|n| n as f32 * 50.0).collect();
        (state.content, state.view) = (keys.len() as f32 * 50.0, 100.0);
        state.settle();
    }

    /// How far below the top of the view a child stands.
    fn stands(state: &State<u32>, key: u32) -> f32 {
        state.top_of(key).unwrap() - state.y
    }

    #[test]
    fn what_is_read_stays_where_it_is_whatever_is_added_or_let_go_of() {
        let mut state = state(&[10, 11, 12, 13, 14, 15]);
        state.scroll_to(110.0);
        let before = stands(&state, 13);
        for keys in [&[8, 9, 10, 11, 12, 13, 14, 15][..], &[11, 12, 13, 14, 15, 16, 17], &[12, 13, 14, 15]] {
            measure(&mut state, keys);
            assert_eq!(stands(&state, 13), before, "{keys:?}");
        }
    }

    #[test]
    fn at_the_end_it_stays_at_the_end() {
        let mut state = state(&[1, 2, 3]);
        assert_eq!(stands(&state, 3), 50.0);
        measure(&mut state, &[1, 2, 3, 4]);
        assert_eq!(stands(&state, 4), 50.0);
        state.scroll_to(0.0);
        measure(&mut state, &[1, 2, 3, 4, 5]);
        assert_eq!(stands(&state, 1), 0.0);
        state.scroll_to(f32::MAX);
        measure(&mut state, &[1, 2, 3, 4, 5, 6]);
        assert_eq!(stands(&state, 6), 50.0);
    }

    #[test]
    fn what_comes_below_the_last_child_does_not_pull_the_reader_down() {
        let mut state = state(&[1, 2, 3]);
        state.has_end = false;
        state.scroll_to(f32::MAX);
        measure(&mut state, &[1, 2, 3, 4, 5]);
        assert_eq!(stands(&state, 2), 0.0);
        assert_eq!(state.edges(), [Edge::NearStart, Edge::NearEnd, Edge::NotEnd]);
    }

    #[test]
    fn a_short_history_stands_at_the_bottom() {
        assert_eq!(stands(&state(&[1]), 1), 50.0);
    }

    #[test]
    fn a_wish_is_granted_once_and_when_its_child_is_there() {
        let mut state = state(&[1, 2, 3, 4]);
        state.grant((1, To::Child(9)));
        state.settle();
        assert_eq!(stands(&state, 4), 50.0, "not there yet");
        measure(&mut state, &[7, 8, 9, 10, 11]);
        state.grant((1, To::Child(9)));
        state.settle();
        assert_eq!(stands(&state, 9), 25.0, "in the middle");
        state.scroll_to(0.0);
        state.grant((1, To::Child(9)));
        state.settle();
        assert_eq!(stands(&state, 7), 0.0, "a wish is no leash");
        state.grant((2, To::End));
        state.settle();
        assert_eq!(stands(&state, 11), 50.0);
    }

    #[test]
    fn more_is_asked_for_once_at_each_end() {
        let mut state = state(&(0..100).collect::<Vec<_>>());
        state.at_end = true;
        assert_eq!(state.edges(), [Edge::NearEnd]);
        assert_eq!(state.edges(), []);
        state.scroll_to(2000.0);
        assert_eq!(state.edges(), [Edge::NotEnd]);
        state.scroll_to(100.0);
        assert_eq!(state.edges(), [Edge::NearStart]);
        assert_eq!(state.edges(), []);
        state.scroll_to(f32::MAX);
        assert_eq!(state.edges(), [Edge::NearEnd, Edge::End]);
    }
}
